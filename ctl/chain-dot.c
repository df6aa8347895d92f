/* SPDX-License-Identifier: MIT */
/*
 * The way of a buffer in the language of Graphviz.
 *
 * Every text is other people's: put_character lets nothing through that Graphviz or an SVG would
 * take for its own. Shapes and widths of lines say what colours say, so that it can be printed in
 * black and white. The font is one whose characters are all of one width, as Graphviz may not know
 * the font that the viewer takes; where characters are twice as wide it is told so (columns_of).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/chain.h"
#include "ctl/text.h"

#define NODE_COLUMNS 26
#define NODE_LINES 4
#define EDGE_COLUMNS 22
#define EDGE_LINES 2
#define TITLE_COLUMNS 92
#define GROUP_COLUMNS 52
#define NOTE_COLUMNS 88
#define LINES_MAX 64
#define WORDS_MAX 24 /* so many arrows with nothing to do have a word */
#define NODE_INCHES_PER_COLUMN (0.61 * 11 / 72)
#define NOTES_MAX (CHAIN_GROUPS_MAX * CHAIN_AGENTS_MAX * CHAIN_AGENTS_MAX)

/* The drawing, and the notes below it: arrows of which none is like another. */
struct drawing {
	FILE *out;
	const struct chains *chains;
	const struct chain_arrow **notes; /* owned */
	size_t notes_len;
	bool words; /* also where nothing is due */
};

/* ---- text ---- */

/* The bytes of the UTF-8 character that `text` begins with; 0: it is none. */
static size_t decode(const char *text, uint32_t *ret_code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *byte = (const unsigned char *)text;
	size_t len = byte[0] < 0x80    ? 1
		     : byte[0] >= 0xf0 ? 4
		     : byte[0] >= 0xe0 ? 3
		     : byte[0] >= 0xc2 ? 2
				       : 0;
	uint32_t code = len == 1 ? byte[0] : len ? byte[0] & (0xffu >> (len + 1)) : 0;

	for (size_t i = 1; i < len; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (byte[i] & 0x3f);
	}
	if (!len || code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return len;
}

/* What XML 1.0 has not (production 2), and what turns the direction of the text around it. */
static bool is_forbidden(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xfffe || code == 0xffff ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* Whether an '&' begins what an SVG would take for a character's name: Graphviz lets it through. */
static bool begins_entity(const char *text)
{
	size_t len = strspn(text + 1, "#abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789");

	return text[1 + len] == ';';
}

/* Writes the first character of `text`, or nothing where `out` is NULL. Returns its bytes. */
static size_t put_character(FILE *out, const char *text, size_t *ret_columns)
{
	uint32_t code = '?';
	size_t bytes = decode(text, &code);

	*ret_columns = code >= 0x1100 ? 2 : 1;
	if (!out)
		return bytes ? bytes : 1;
	if (!bytes || is_forbidden(code))
		fputc('?', out);
	else if (code == '"' || code == '\\')
		fprintf(out, "\\%c", (char)code);
	else if (code == '&') /* Graphviz replaces names of characters; U+200B is no space */
		fprintf(out, "&amp;%s", begins_entity(text) ? "\xe2\x80\x8b" : "");
	else
		fwrite(text, 1, bytes, out);
	return bytes ? bytes : 1;
}

/* Bytes that go into a line: up to a space if there is one. */
static size_t line_bytes(const char *text, size_t width)
{
	size_t end = 0, space = 0, used = 0, columns, bytes;

	for (; text[end]; end += bytes) {
		bytes = put_character(NULL, text + end, &columns);
		if (used + columns > width)
			return space ? space : end;
		used += columns;
		if (text[end] == ' ' && end)
			space = end;
	}
	return end;
}

/* Writes a line. Spaces stand for what wide characters need beyond Graphviz's reckoning. Returns
 * its columns. */
static size_t put_line(FILE *out, const char *text, size_t bytes, const char *after)
{
	size_t used = 0, wide = 0, columns;

	for (size_t i = 0; i < bytes;) {
		i += put_character(out, text + i, &columns);
		used += columns;
		wide += columns - 1;
	}
	fprintf(out, "%s%*s", after, (int)wide, "");
	return used + strlen(after);
}

/* Writes at most `lines` lines, each with `ending` ("\\n": centred, "\\l": flush left). Returns the
 * columns of the longest. */
static size_t put_text(FILE *out, const char *text, size_t width, size_t lines, const char *ending)
{
	size_t longest = 0, bytes, used;

	while (*text && lines-- > 0) {
		bytes = line_bytes(text, width);
		used = put_line(out, text, bytes, !lines && text[bytes] ? "..." : "");
		fputs(ending, out);
		longest = used > longest ? used : longest;
		text += bytes + strspn(text + bytes, " ");
	}
	return longest;
}

/* ---- notes ---- */

static bool needs_note(const struct chain_arrow *arrow)
{
	return chain_is_due(arrow) || arrow->fence;
}

/* The number of the note of an arrow, from 1; a new one where none is alike. */
static size_t note_of(struct drawing *drawing, const struct chain_arrow *arrow)
{
	for (size_t i = 0; i < drawing->notes_len; i++)
		if (chain_is_alike(drawing->notes[i], arrow) ||
		    (!chain_is_due(drawing->notes[i]) && !chain_is_due(arrow)))
			return i + 1; /* of fences alone there is no more to say */
	drawing->notes[drawing->notes_len++] = arrow;
	return drawing->notes_len;
}

static void put_further(struct drawing *drawing, const char *label, const char *words)
{
	char *text = text_format("%s: %s", label, words);

	if (*words)
		put_text(drawing->out, text, NOTE_COLUMNS, LINES_MAX, "\\l");
	free(text);
}

static void put_note(struct drawing *drawing, size_t index)
{
	const struct chain_arrow *arrow = drawing->notes[index];
	char *words = chain_operation_words(arrow), *ioctls = chain_ioctl_words(arrow), *text;

	text = text_format("(%zu) %s%s%s", index + 1, words, *ioctls ? ": " : "", ioctls);
	put_text(drawing->out, text, NOTE_COLUMNS, LINES_MAX, "\\l");
	free(text);
	put_further(drawing, "before", chain_fence_words(arrow));
	if (chain_is_due(arrow))
		put_further(drawing, "because", arrow->because);
	free(ioctls);
	free(words);
}

/* Whether an arrow before this one needs nothing for the same reason. */
static bool is_again(const struct chains *chains, size_t group, size_t index)
{
	const struct chain_arrow *arrow = &chains->items[group].arrows[index];

	for (size_t i = 0; i <= group; i++)
		for (size_t k = 0; k < (i < group ? chains->items[i].arrows_len : index); k++)
			if (chain_is_alike(&chains->items[i].arrows[k], arrow))
				return true;
	return false;
}

/* Why nothing is due where it is not. */
static void put_reasons(struct drawing *drawing)
{
	const struct chains *chains = drawing->chains;
	bool any = false;

	for (size_t i = 0; i < chains->len; i++) {
		for (size_t k = 0; k < chains->items[i].arrows_len; k++) {
			const struct chain_arrow *arrow = &chains->items[i].arrows[k];

			if (needs_note(arrow) || is_again(chains, i, k))
				continue;
			if (!any)
				put_text(drawing->out, "thin and grey: nothing is due",
					 NOTE_COLUMNS, 1, "\\l");
			put_further(drawing, "because", arrow->because);
			any = true;
		}
	}
}

static bool has_way_back(const struct chains *chains)
{
	for (size_t i = 0; i < chains->len; i++)
		for (size_t k = 0; k < chains->items[i].arrows_len; k++)
			if (chains->items[i].arrows[k].back)
				return true;
	return false;
}

static void put_notes(struct drawing *drawing)
{
	fputs("\\l", drawing->out);
	for (size_t i = 0; i < drawing->notes_len; i++)
		put_note(drawing, i);
	put_reasons(drawing);
	if (has_way_back(drawing->chains))
		put_text(drawing->out, "dashed: the buffer returns, for the next frame",
			 NOTE_COLUMNS, 1, "\\l");
}

/* ---- agents ---- */

/* How a kind of agent looks: what is the CPU is round, what is a device has corners. */
static const char *look_of(const char *kind)
{
	static const char *const looks[][2] = {
		{"cpu", "shape=ellipse, fillcolor=\"#fff3d6\""},
		{"cpu-copying", "shape=box, style=\"filled,rounded\", peripheries=2, "
				"fillcolor=\"#fff3d6\""},
		{"coherent", "shape=box, fillcolor=\"#e2f1e4\""},
		{"non-coherent", "shape=box, penwidth=2.5, fillcolor=\"#e1ecf9\""},
		{"unknown", "shape=box, style=\"filled,dashed\", penwidth=1.5, "
			    "fillcolor=\"#ededed\""},
		{"bounced", "shape=box3d, fillcolor=\"#f9e4e0\""},
	};

	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		if (strcmp(looks[i][0], kind) == 0)
			return looks[i][1];
	return "shape=octagon, fillcolor=\"#ffffff\"";
}

static void put_agent(struct drawing *drawing, size_t group, size_t index)
{
	const struct chain_agent *agent = &drawing->chains->items[group].agents[index];
	char *words = chain_agent_words(agent), *place = strchr(words, ',');
	size_t longest, used;

	if (place)
		*place++ = '\0';
	fprintf(drawing->out, "\t\tg%zua%zu [id=\"agent-%zu-%zu\", %s, label=\"", group, index,
		group, index, look_of(agent->kind));
	longest = put_text(drawing->out, agent->name, NODE_COLUMNS, NODE_LINES, "\\n");
	used = put_text(drawing->out, words, NODE_COLUMNS, 1, "\\n");
	longest = used > longest ? used : longest;
	used = place ? put_text(drawing->out, place + strspn(place, " "), NODE_COLUMNS, 2, "\\n")
		     : 0;
	longest = used > longest ? used : longest;
	fprintf(drawing->out, "\", width=%zu.%02zu];\n",
		(size_t)((double)longest * NODE_INCHES_PER_COLUMN + 0.35),
		(size_t)(((double)longest * NODE_INCHES_PER_COLUMN + 0.35) * 100) % 100);
	free(words);
}

/* ---- arrows ---- */

static const char *colour_of(const struct chain_arrow *arrow)
{
	if (!needs_note(arrow))
		return "#808080";
	if (strcmp(arrow->operation, "clean") == 0)
		return "#8f3b00";
	if (strcmp(arrow->operation, "invalidate") == 0)
		return "#004b8f";
	return "#4d1a7f";
}

static void put_arrow_label(struct drawing *drawing, const struct chain_arrow *arrow)
{
	char *words = chain_operation_words(arrow), *text, *bytes;

	if (needs_note(arrow)) {
		text = text_format("%s (%zu)", words, note_of(drawing, arrow));
		put_text(drawing->out, text, EDGE_COLUMNS + 8, 1, "\\n");
		free(text);
	} else {
		put_text(drawing->out, words, EDGE_COLUMNS, 1, "\\n");
	}
	if (chain_is_due(arrow) && arrow->by) {
		text = text_format("by %s", arrow->by);
		put_text(drawing->out, text, EDGE_COLUMNS, EDGE_LINES, "\\n");
		free(text);
	}
	if (chain_is_due(arrow) && arrow->has_cost) {
		bytes = text_bytes(arrow->cost_bytes);
		fprintf(drawing->out, "%s walked\\n", bytes);
		free(bytes);
	}
	free(words);
}

static const char *line_of(const struct chain_arrow *arrow)
{
	return chain_is_due(arrow) ? "2.6" : arrow->fence ? "1.6" : "0.8";
}

/* What happens, as a node between the two halves of the arrow: so lines go around the words. */
static void put_words(struct drawing *drawing, size_t group, size_t index)
{
	const struct chain_arrow *arrow = &drawing->chains->items[group].arrows[index];
	bool due = chain_is_due(arrow);

	fprintf(drawing->out,
		"\t\tg%zuw%zu [id=\"words-%zu-%zu\", %s, color=\"%s\", "
		"fontcolor=\"%s\", fontname=\"%s\", label=\"",
		group, index, group, index,
		due ? "shape=box, style=rounded, penwidth=1.6" : "shape=plaintext, style=\"\"",
		colour_of(arrow), arrow->fence || due ? colour_of(arrow) : "#606060",
		due ? "Courier-Bold" : "Courier");
	put_arrow_label(drawing, arrow);
	fputs("\", fontsize=10, margin=\"0.1,0.06\", height=0.2, width=0.2];\n", drawing->out);
}

/*
 * What goes against the order of the agents, such as ways back, is drawn from its end to its
 * beginning: so for Graphviz all goes from left to right, and its ranks are the order of the
 * frame's way.
 */
static void put_arrow(struct drawing *drawing, size_t group, size_t index)
{
	const struct chain_arrow *arrow = &drawing->chains->items[group].arrows[index];
	bool against = arrow->from > arrow->to;
	size_t left = against ? arrow->to : arrow->from;
	size_t right = against ? arrow->from : arrow->to;
	const char *dashes = arrow->back ? ", style=dashed" : "";

	if (!drawing->words && !needs_note(arrow)) {
		fprintf(drawing->out,
			"\t\tg%zua%zu -> g%zua%zu [id=\"arrow-%zu-%zu\", color=\"%s\", "
			"penwidth=%s, "
			"dir=%s%s];\n",
			group, left, group, right, group, index, colour_of(arrow), line_of(arrow),
			against ? "back" : "forward", dashes);
		return;
	}
	put_words(drawing, group, index);
	fprintf(drawing->out,
		"\t\tg%zua%zu -> g%zuw%zu [id=\"arrow-%zu-%zu\", color=\"%s\", penwidth=%s, "
		"dir=%s%s];\n",
		group, left, group, index, group, index, colour_of(arrow), line_of(arrow),
		against ? "back" : "none", dashes);
	fprintf(drawing->out,
		"\t\tg%zuw%zu -> g%zua%zu [id=\"arrow-%zu-%zu-2\", color=\"%s\", penwidth=%s, "
		"dir=%s%s];\n",
		group, index, group, right, group, index, colour_of(arrow), line_of(arrow),
		against ? "none" : "forward", dashes);
}

/* Between those who copy. */
static size_t find_copier(const struct chain *chain)
{
	for (size_t i = 0; i < chain->agents_len; i++)
		if (chain->agents[i].copies)
			return i;
	return CHAIN_AGENTS_MAX;
}

static void put_hop(struct drawing *drawing, size_t index)
{
	const struct chain_hop *hop = &drawing->chains->hops[index];
	size_t from = find_copier(&drawing->chains->items[hop->from]);
	size_t to = find_copier(&drawing->chains->items[hop->to]);
	char *bytes, *text;

	if (from == CHAIN_AGENTS_MAX || to == CHAIN_AGENTS_MAX)
		return;
	bytes = text_bytes(hop->bytes);
	text = text_format("copy of %s", bytes);
	fprintf(drawing->out,
		"\t\th%zu [id=\"copy-%zu\", shape=plaintext, style=\"\", "
		"fontname=\"Courier-Bold\", "
		"fontsize=10, margin=\"0.06,0.03\", height=0.2, label=\"",
		index, index);
	put_text(drawing->out, text, EDGE_COLUMNS, 1, "\\n");
	put_text(drawing->out, "for each frame", EDGE_COLUMNS, 1, "\\n");
	fprintf(drawing->out,
		"\"];\n"
		"\t\tg%zua%zu -> h%zu [color=\"black:black\", penwidth=1.4, dir=none];\n"
		"\t\th%zu -> g%zua%zu [color=\"black:black\", penwidth=1.4];\n",
		hop->from, from, index, index, hop->to, to);
	free(text);
	free(bytes);
}

/* ---- all of it ---- */

static void put_chain(struct drawing *drawing, size_t group)
{
	const struct chain *chain = &drawing->chains->items[group];

	/* the last is drawn uppermost */
	for (size_t i = chain->agents_len; i-- > 0;)
		put_agent(drawing, group, i);
	for (size_t i = chain->arrows_len; i-- > 0;)
		put_arrow(drawing, group, i);
}

/* One of several, in a frame. */
static void put_group(struct drawing *drawing, size_t group)
{
	char *title = chain_title(&drawing->chains->items[group]);
	char *text = text_format("group %zu: %s", group, title);

	fprintf(drawing->out,
		"\t\tsubgraph cluster_%zu {\n\t\tgraph [labelloc=t, labeljust=l, penwidth=1, "
		"color=\"#808080\", label=\"",
		group);
	put_text(drawing->out, text, GROUP_COLUMNS, LINES_MAX, "\\l");
	fputs("\"];\n", drawing->out);
	put_chain(drawing, group);
	fputs("\t\t}\n", drawing->out);
	free(text);
	free(title);
}

static void put_title(struct drawing *drawing)
{
	const struct chains *chains = drawing->chains;
	char *title = chains->len == 1
			      ? chain_title(&chains->items[0])
			      : text_format("no memory suits all: %zu groups", chains->len);

	put_text(drawing->out, title, TITLE_COLUMNS, LINES_MAX, "\\l");
	fputs("\\l", drawing->out); /* lines may touch the edge of what they are in */
	free(title);
}

/* So that they are numbered along the way, whatever is drawn first. */
static void number_notes(struct drawing *drawing)
{
	const struct chains *chains = drawing->chains;

	for (size_t i = 0; i < chains->len; i++)
		for (size_t k = 0; k < chains->items[i].arrows_len; k++)
			if (needs_note(&chains->items[i].arrows[k]))
				note_of(drawing, &chains->items[i].arrows[k]);
}

static void put_all(struct drawing *drawing)
{
	number_notes(drawing);
	fputs("digraph dmabroker {\n"
	      "\tgraph [rankdir=LR, charset=\"UTF-8\", fontname=\"Courier-Bold\", fontsize=12, "
	      "labelloc=t, labeljust=l, nodesep=0.35, ranksep=0.5, pad=0.2, bgcolor=white, "
	      "label=\"",
	      drawing->out);
	put_title(drawing);
	fputs("\"];\n"
	      "\tnode [fontname=\"Courier\", fontsize=11, style=filled, color=black];\n"
	      "\tedge [fontname=\"Courier\", fontsize=10];\n"
	      "\tsubgraph cluster_all {\n",
	      drawing->out);
	if (drawing->chains->len == 1)
		put_chain(drawing, 0);
	for (size_t i = 0; i < drawing->chains->len && drawing->chains->len > 1; i++)
		put_group(drawing, i);
	for (size_t i = 0; i < drawing->chains->hops_len; i++)
		put_hop(drawing, i);
	fputs("\t\tgraph [labelloc=b, labeljust=l, penwidth=0, fontname=\"Courier\", fontsize=10, "
	      "label=\"",
	      drawing->out);
	put_notes(drawing);
	fputs("\"];\n\t}\n}\n", drawing->out);
}

char *chains_to_dot(const struct chains *chains)
{
	struct drawing drawing = {.chains = chains};
	size_t arrows = 0, size;
	char *text;

	for (size_t i = 0; i < chains->len; i++)
		arrows += chains->items[i].arrows_len;
	drawing.words = arrows <= WORDS_MAX;
	drawing.notes = calloc(NOTES_MAX, sizeof(*drawing.notes));
	drawing.out = open_memstream(&text, &size);
	if (!drawing.notes || !drawing.out)
		ctl_out_of_memory();
	put_all(&drawing);
	if (fclose(drawing.out) != 0)
		ctl_out_of_memory();
	free(drawing.notes);
	return text;
}
