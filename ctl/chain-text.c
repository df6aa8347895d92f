/* SPDX-License-Identifier: MIT */
/*
 * The way of a buffer as text. Below each who hands over stand those who take over:
 *
 *	camera: non-coherent, /dev/video0 capture
 *	 |
 *	 |-- nothing ----------------> display: non-coherent, /dev/dri/card1 scanout
 *	 |     both see the same data: through the CPU caches, or both in memory
 *	 |== invalidate =============> viewer: cpu
 *	 |     DMA_BUF_IOCTL_SYNC START|READ, END|READ, by the process of camera; ...
 *	 |     memory is newest, and the next one may find old lines in a CPU cache
 *	 |
 *	 ^-- nothing ----------------- display, for the next frame
 */
#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "ctl/chain.h"
#include "ctl/text.h"

#define SHAFT 24 /* columns for what happens, with the line before and behind it */

static const char beam[] = " |     ";

static void put_line(char line, size_t len)
{
	while (len-- > 0)
		putchar(line);
}

/* " |== clean ================> " or " ^-- nothing ------------- ". Returns the columns. */
static size_t put_shaft(const struct ctl *ctl, const struct chain_arrow *arrow)
{
	char line = chain_is_due(arrow) ? '=' : '-';
	char *words = chain_operation_words(arrow);
	size_t used = strlen(words), rest = used < SHAFT ? SHAFT - used : 1;

	printf(" %c%c%c ", arrow->back ? '^' : '|', line, line);
	if (chain_is_due(arrow))
		text_heading(ctl, words);
	else
		text_put(stdout, words);
	putchar(' ');
	put_line(line, rest);
	printf("%s ", arrow->back ? "" : ">");
	free(words);
	return 5 + used + 1 + rest + (arrow->back ? 1 : 2);
}

static void show_arrow(const struct ctl *ctl, const struct chain *chain,
		       const struct chain_arrow *arrow)
{
	const struct chain_agent *other = &chain->agents[arrow->back ? arrow->from : arrow->to];
	char *kind = chain_agent_words(other), *text;
	size_t column = put_shaft(ctl, arrow);

	text = text_format("%s%s%s", other->name, arrow->back ? "" : ": ",
			   arrow->back ? ", for the next frame" : kind);
	text_behind(column, " |      ", text);
	free(text);
	free(kind);
}

/* Takes `text`. */
static void put_detail(char *text)
{
	fputs(beam, stdout);
	text_behind(sizeof(beam) - 1, beam, text);
	free(text);
}

/* "DMA_BUF_IOCTL_SYNC START|WRITE, END|WRITE, by the process of camera; about ... bytes are
 * walked" */
static void show_ioctls(const struct chain_arrow *arrow)
{
	char *ioctls = chain_ioctl_words(arrow), *cost = text_format("%s", "");

	if (arrow->has_cost) {
		free(cost);
		cost = text_format("; about %" PRIu64 " bytes are walked", arrow->cost_bytes);
	}
	put_detail(text_format("%s%s%s%s", ioctls, arrow->by ? ", by the process of " : "",
			       arrow->by ? arrow->by : "", cost));
	free(cost);
	free(ioctls);
}

static void show_details(const struct chain_arrow *arrow)
{
	if (arrow->fence)
		put_detail(text_format("%s", chain_fence_words(arrow)));
	if (chain_is_due(arrow))
		show_ioctls(arrow);
	if (*arrow->because)
		put_detail(text_format("%s", arrow->because));
}

/* Of the block of `agent`: what leaves it, and what returns to it. */
static bool is_of(const struct chain_arrow *arrow, size_t agent)
{
	return arrow->back ? arrow->to == agent : arrow->from == agent;
}

/* Whether two arrows of the same block stand together. */
static bool stand_together(const struct chain *chain, size_t a, size_t b, size_t agent)
{
	return is_of(&chain->arrows[a], agent) && chain->arrows[a].back == chain->arrows[b].back &&
	       chain_is_same_work(&chain->arrows[a], &chain->arrows[b]);
}

/* Prints those alike, with what they have in common below. */
static void show_alike(const struct ctl *ctl, const struct chain *chain, size_t agent, size_t first)
{
	for (size_t i = 0; i < first; i++)
		if (stand_together(chain, i, first, agent))
			return;
	for (size_t i = first; i < chain->arrows_len; i++)
		if (stand_together(chain, i, first, agent))
			show_arrow(ctl, chain, &chain->arrows[i]);
	show_details(&chain->arrows[first]);
}

static void show_agent(const struct ctl *ctl, const struct chain *chain, size_t agent)
{
	char *kind = chain_agent_words(&chain->agents[agent]);
	char *text = text_format("%s: %s", chain->agents[agent].name, kind);
	bool back = false;

	putchar('\n');
	text_behind(0, "    ", text);
	puts(" |");
	for (size_t i = 0; i < chain->arrows_len; i++) {
		if (!is_of(&chain->arrows[i], agent))
			continue;
		if (chain->arrows[i].back && !back)
			puts(" |");
		back = chain->arrows[i].back;
		show_alike(ctl, chain, agent, i);
	}
	free(text);
	free(kind);
}

static bool hands_over(const struct chain *chain, size_t agent)
{
	for (size_t i = 0; i < chain->arrows_len; i++)
		if (!chain->arrows[i].back && chain->arrows[i].from == agent)
			return true;
	return false;
}

static bool takes_over(const struct chain *chain, size_t agent)
{
	for (size_t i = 0; i < chain->arrows_len; i++)
		if (!chain->arrows[i].back && chain->arrows[i].to == agent)
			return true;
	return false;
}

static void show_chain(const struct ctl *ctl, const struct chain *chain)
{
	char *title = chain_title(chain), *kind, *text;

	text_behind(0, "    ", title);
	free(title);
	for (size_t i = 0; i < chain->agents_len; i++) {
		if (hands_over(chain, i)) {
			show_agent(ctl, chain, i);
		} else if (!takes_over(chain, i)) {
			kind = chain_agent_words(&chain->agents[i]);
			text = text_format("%s: %s; no frame comes to it or from it",
					   chain->agents[i].name, kind);
			putchar('\n');
			text_behind(0, "    ", text);
			free(text);
			free(kind);
		}
	}
}

static void show_hop(const struct chain_hop *hop)
{
	char *producers = chain_names(hop->producers), *consumers = chain_names(hop->consumers);
	char *bytes = text_bytes(hop->bytes);
	char *text = text_format("group %zu ==copy of %s for each frame==> group %zu: from %s, for "
				 "%s",
				 hop->from, bytes, hop->to, producers, consumers);

	text_behind(0, "    ", text);
	free(text);
	free(bytes);
	free(consumers);
	free(producers);
}

static void show_legend(void)
{
	putchar('\n');
	text_behind(0, "",
		    "What several need is done once for each frame: for the first of them that "
		    "begins, by "
		    "dmabroker_buffer_begin_access, or by dmabroker_buffer_release_to before the "
		    "buffer "
		    "goes to another process.");
}

void chains_show(const struct ctl *ctl, const struct chains *chains)
{
	char *words;

	for (size_t i = 0; i < chains->hops_len; i++)
		show_hop(&chains->hops[i]);
	for (size_t i = 0; i < chains->len; i++) {
		if (chains->len > 1) {
			words = chain_group_words(chains, i);
			putchar('\n');
			text_heading(ctl, words);
			putchar('\n');
			free(words);
		}
		show_chain(ctl, &chains->items[i]);
	}
	if (ctl->legend)
		show_legend();
}
