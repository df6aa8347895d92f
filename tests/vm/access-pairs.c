/* SPDX-License-Identifier: MIT */
/*
 * The access policy against the kernel's own trace: for each ordered pair of agents and each heap,
 * a buffer is allocated by plan, the first agent writes it, the second has it next, and once more
 * the same, when both have it mapped. Compared are
 *
 * - the library's ioctls with those that the plan's policy names for this pair, and over the whole
 *   sequence with those that a model of where the newest picture is needs, no more and no less; and
 *   with what the library itself counts;
 * - the kernel's events with what these ioctls must cause: one for each mapping of a device that
 *   needs maintenance (on udmabuf: only for its own device), none outside of them;
 * - the mappings with those of a pipeline: one for each device that maps, at its first access.
 *
 * A pair that the broker refuses is a row with the reason.
 *
 * usage: access-pairs [-l LABEL] [-o REPORT] -H HEAP... AGENT...
 *
 * AGENT is NAME=ROLE or NAME=ROLE@DEVICE-ID; with a "+" before the name it comes second only.
 * Prints TAP. Environment: DMABROKER_ADDRESS (of the daemon).
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/dma-buf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dmabroker.h>

#include "examples/die.h"
#include "tests/vm/agents.h"
#include "tests/vm/journal.h"

#define AGENTS_MAX 48
#define HEAPS_MAX 8
#define ROUNDS 2

/* Brackets, as bits in the order in which they must come. */
enum { CLEAN = 1, INVALIDATE = 2 };

struct pairs {
	struct dmabroker *broker;
	struct agent agents[AGENTS_MAX];
	bool second_only[AGENTS_MAX];
	size_t agents_len;
	const char *heaps[HEAPS_MAX];
	size_t heaps_len;
	const char *label;
	FILE *report;
	unsigned int rows, planned, refused, wrong, ioctls, events;
};

/* One row of the table. */
struct row {
	struct agent *from, *to;
	const char *heap;
	const struct dmabroker_record *plan;
	struct dmabroker_buffer *buffer;
	unsigned int policy;		/* brackets of the plan's edge */
	unsigned int issued[ROUNDS][2]; /* before the first, and between the two and after */
	unsigned int ioctls, events;
	char said[160]; /* by the plan, or why there is none */
	char trouble[256];
};

static void fail(struct row *row, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Only the first trouble is told. */
static void fail(struct row *row, const char *format, ...)
{
	va_list args;

	if (row->trouble[0])
		return;
	va_start(args, format);
	vsnprintf(row->trouble, sizeof(row->trouble), format, args);
	va_end(args);
}

static const char *brackets_text(unsigned int brackets)
{
	static const char *const texts[] = {"none", "clean", "invalidate", "clean+invalidate"};

	return texts[brackets & 3];
}

/* ---- where the newest picture is ---- */

/*
 * Written without a look at the library. Of one buffer on a cached heap: who sees the newest bytes.
 * Nothing has been written at the beginning, so that everybody does; but nobody has cleaned the
 * zeroes of udmabuf, whose importers map without maintenance.
 */
struct place {
	bool in_memory;	 /* whoever does not snoop sees it */
	bool in_caches;	 /* the CPU and whoever snoops see it */
	bool dirty;	 /* there may be lines that would be lost, or written over what is newer */
	bool in_copy[2]; /* bounced agents see it: the first, the second */
	int last; /* who wrote it, if it is not known whether that one snoops: 1 or 2; else 0 */
};

static const char *agent_of(const struct row *row, const struct agent *agent)
{
	const struct dmabroker_record *view;
	const char *text = NULL;

	for (size_t i = 0;
	     !text && !dmabroker_record_get_record(row->plan, "participants", i, &view); i++)
		if (strcmp(dmabroker_record_get_string(view, "name"), agent->name) == 0)
			text = dmabroker_record_get_string(view, "agent");
	if (!text)
		die("the plan says nothing of %s", agent->name);
	return text;
}

static bool is(const char *text, const char *other)
{
	return strcmp(text, other) == 0;
}

/* What has to be done before an agent of this kind begins; and is done. */
static unsigned int needed_before(struct place *place, const char *kind, bool is_second)
{
	bool unknown = is(kind, "unknown"), copy = is(kind, "bounced");
	bool memory = unknown || is(kind, "non-coherent");
	bool caches = unknown || (!memory && !copy);
	unsigned int brackets = 0;

	if (unknown && place->last == 1 + is_second)
		return 0;
	if (caches && !place->in_caches)
		brackets |= INVALIDATE;
	if ((memory && place->dirty) || (copy && !place->in_copy[is_second]) ||
	    (brackets & INVALIDATE && place->dirty))
		brackets |= CLEAN;
	if (brackets & CLEAN) {
		place->in_memory = place->in_copy[0] = place->in_copy[1] = true;
		place->dirty = false;
	}
	if (brackets & INVALIDATE) {
		place->in_caches = true;
		place->dirty = !place->in_memory; /* copied by the CPU, from a bounce buffer */
	}
	return brackets;
}

static void written_by(struct place *place, const char *kind, bool is_second)
{
	bool memory = is(kind, "non-coherent"), copy = is(kind, "bounced");
	bool unknown = is(kind, "unknown"), caches = !memory && !copy && !unknown;

	*place = (struct place){
		.in_memory = memory, .in_caches = caches, .dirty = caches || unknown};
	place->in_copy[is_second] = copy;
	place->last = unknown ? 1 + is_second : 0;
}

/* ---- ioctls against policy and model ---- */

/* The brackets among what was written down from entry `first` on; all must be whole, and clean
 * comes first. */
static unsigned int read_brackets(struct row *row, const struct journal_entry *entries, size_t len)
{
	unsigned int brackets = 0, bit;
	uint64_t open = 0;

	for (size_t i = 0; i < len; i++) {
		if (!entries[i].is_sync)
			continue;
		row->ioctls++;
		if (!(entries[i].flags & DMA_BUF_SYNC_END)) {
			if (open)
				fail(row, "a START in a bracket");
			open = entries[i].flags;
			continue;
		}
		if (!open || (entries[i].flags & DMA_BUF_SYNC_RW) != open)
			fail(row, "%s without its START", journal_flags_text(entries[i].flags));
		bit = open == DMA_BUF_SYNC_WRITE  ? CLEAN
		      : open == DMA_BUF_SYNC_READ ? INVALIDATE
						  : 0;
		if (!bit)
			fail(row, "%s is no bracket of the policy", journal_flags_text(open));
		if (brackets >= bit)
			fail(row, "brackets twice, or invalidate before clean");
		brackets |= bit;
		open = 0;
	}
	if (open)
		fail(row, "a START without its END");
	return brackets;
}

/* What SYNC on all mappings costs: START(WRITE) passes over nothing. */
static uint64_t cost_of(const struct row *row, unsigned int brackets)
{
	unsigned int attachments = is(row->heap, "udmabuf");
	unsigned int passes = (brackets & CLEAN ? 1 : 0) + (brackets & INVALIDATE ? 2 : 0);

	if (!attachments)
		attachments = (row->from->maps && row->from->is_synced) +
			      (row->to->maps && row->to->is_synced);
	return passes * attachments * dmabroker_buffer_get_bytes(row->buffer, 0);
}

static unsigned int read_edge(struct row *row, const struct dmabroker_record *edge)
{
	const char *operation = dmabroker_record_get_string(edge, "operation");
	const char *by = dmabroker_record_get_string(edge, "by");
	unsigned int brackets = 0;
	uint64_t cost = 0;

	for (unsigned int i = 0; operation && i < 4; i++)
		if (is(operation, brackets_text(i)))
			brackets = i;
	if (!by || !is(by, row->from->name))
		fail(row, "the policy leaves it to %s", by ? by : "nobody");
	(void)dmabroker_record_get_uint(edge, "cost-bytes", &cost);
	if (cost != cost_of(row, brackets))
		fail(row, "the policy costs %" PRIu64 " bytes instead of %" PRIu64, cost,
		     cost_of(row, brackets));
	return brackets;
}

static unsigned int read_policy(struct row *row)
{
	const struct dmabroker_record *edge;

	for (size_t i = 0; !dmabroker_record_get_record(row->plan, "policy", i, &edge); i++)
		if (is(dmabroker_record_get_string(edge, "from"), row->from->name) &&
		    is(dmabroker_record_get_string(edge, "to"), row->to->name))
			return read_edge(row, edge);
	fail(row, "the policy has no edge");
	return 0;
}

static void compare(struct row *row, unsigned int round, const char *who, const char *what,
		    unsigned int expected, unsigned int issued)
{
	if (expected != issued)
		fail(row, "round %u, %s: %s asks for %s, issued is %s", round + 1, who, what,
		     brackets_text(expected), brackets_text(issued));
}

/* ---- the kernel's events against the ioctls ---- */

/* How often each device has mapped the buffer. Beside the agents' there is udmabuf's own. */
struct mapped {
	const char *device;
	bool needs_sync;
	unsigned int times, expected;
};

struct replay {
	struct row *row;
	struct mapped devices[3];
	size_t len;
	bool only_udmabuf;
	const struct journal_entry *sync;
	unsigned int seen[3]; /* events of this ioctl */
};

static struct mapped *find_mapped(struct replay *replay, const char *device)
{
	for (size_t i = 0; i < replay->len; i++)
		if (is(replay->devices[i].device, device))
			return &replay->devices[i];
	return NULL;
}

static void add_device(struct replay *replay, const struct agent *agent)
{
	struct mapped *device;

	if (!agent->maps)
		return;
	device = find_mapped(replay, agent->device);
	if (!device) {
		device = &replay->devices[replay->len++];
		*device = (struct mapped){.device = agent->device, .needs_sync = agent->needs_sync};
	}
	device->expected++;
}

static enum journal_direction direction_of(uint64_t flags)
{
	switch (flags & DMA_BUF_SYNC_RW) {
	case DMA_BUF_SYNC_READ:
		return JOURNAL_FROM_DEVICE;
	case DMA_BUF_SYNC_WRITE:
		return JOURNAL_TO_DEVICE;
	default:
		return JOURNAL_BIDIRECTIONAL;
	}
}

/* The ioctl before is over: each device that needs it was maintained for each of its mappings. */
static void end_sync(struct replay *replay)
{
	for (size_t i = 0; replay->sync && i < replay->len; i++) {
		struct mapped *device = &replay->devices[i];
		bool reached = !replay->only_udmabuf || is(device->device, "udmabuf");
		unsigned int expected = reached && device->needs_sync ? device->times : 0;

		if (replay->seen[i] != expected)
			fail(replay->row, "%s: %u events of %s instead of %u",
			     journal_flags_text(replay->sync->flags), replay->seen[i],
			     device->device, expected);
	}
	replay->sync = NULL;
	memset(replay->seen, 0, sizeof(replay->seen));
}

static void replay_map(struct replay *replay, const struct journal_entry *entry)
{
	struct mapped *device = find_mapped(replay, entry->device);

	/* by the first bracket of all */
	if (!device && replay->only_udmabuf && entry->in_sync && is(entry->device, "udmabuf")) {
		device = &replay->devices[replay->len++];
		/* it does not snoop, as this is arm64: elsewhere nobody needs it */
		*device = (struct mapped){.device = "udmabuf", .needs_sync = true, .expected = 1};
	}
	if (!device) {
		fail(replay->row, "%s maps the buffer", entry->device);
		return;
	}
	if (entry->in_sync && !is(entry->device, "udmabuf"))
		fail(replay->row, "%s maps the buffer during an ioctl", entry->device);
	if (++device->times > device->expected)
		fail(replay->row, "%s maps the buffer again", entry->device);
}

static void replay_unmap(struct replay *replay, const struct journal_entry *entry)
{
	struct mapped *device = find_mapped(replay, entry->device);

	if (!device || !device->times)
		fail(replay->row, "%s unmaps what it has not mapped", entry->device);
	else
		device->times--;
}

static void replay_sync(struct replay *replay, const struct journal_entry *entry)
{
	struct mapped *device = find_mapped(replay, entry->device);
	const struct journal_entry *sync = replay->sync;
	enum journal_event event;

	replay->row->events++;
	if (!entry->in_sync || !sync) {
		fail(replay->row, "%s is maintained though nobody asked", entry->device);
		return;
	}
	event = sync->flags & DMA_BUF_SYNC_END ? JOURNAL_FOR_DEVICE : JOURNAL_FOR_CPU;
	if (entry->event != event || entry->direction != direction_of(sync->flags))
		fail(replay->row, "%s: another event of %s", journal_flags_text(sync->flags),
		     entry->device);
	if (!device)
		fail(replay->row, "%s is maintained, which has nothing mapped", entry->device);
	else
		replay->seen[device - replay->devices]++;
}

/* All that happened from the first access until both have let go. */
static void replay_all(struct row *row)
{
	struct replay replay = {.row = row, .only_udmabuf = is(row->heap, "udmabuf")};
	const struct journal_entry *entries;
	size_t len;

	add_device(&replay, row->from);
	if (!agent_imports_with(row->from, row->to))
		add_device(&replay, row->to);
	entries = journal_read(&len);
	for (size_t i = 0; i < len; i++) {
		if (entries[i].is_sync || !entries[i].in_sync)
			end_sync(&replay);
		if (entries[i].is_sync)
			replay.sync = &entries[i];
		else if (entries[i].event == JOURNAL_MAP)
			replay_map(&replay, &entries[i]);
		else if (entries[i].event == JOURNAL_UNMAP)
			replay_unmap(&replay, &entries[i]);
		else
			replay_sync(&replay, &entries[i]);
	}
	end_sync(&replay);
	for (size_t i = 0; i < replay.len; i++)
		if (replay.devices[i].times && !is(replay.devices[i].device, "udmabuf"))
			fail(row, "%s keeps its mapping", replay.devices[i].device);
}

/* Each device that maps has done so by now. */
static void check_mapped(struct row *row)
{
	const struct journal_entry *entries;
	unsigned int maps = 0, expected = row->from->maps;
	size_t len;

	if (!agent_imports_with(row->from, row->to))
		expected += row->to->maps;
	entries = journal_read(&len);
	for (size_t i = 0; i < len; i++)
		maps += !entries[i].is_sync && entries[i].event == JOURNAL_MAP &&
			!entries[i].in_sync;
	if (maps != expected)
		fail(row, "%u mappings instead of %u", maps, expected);
}

/* ---- one pair ---- */

static void begin(struct pairs *pairs, struct row *row, const struct agent *agent,
		  enum dmabroker_access access)
{
	if (dmabroker_buffer_begin_access(row->buffer, agent->name, access) < 0)
		die("%s cannot begin: %s", agent->name, dmabroker_get_error_text(pairs->broker));
}

static void end(struct pairs *pairs, struct row *row, const struct agent *agent)
{
	if (dmabroker_buffer_end_access(row->buffer, agent->name) < 0)
		die("%s cannot end: %s", agent->name, dmabroker_get_error_text(pairs->broker));
}

/* The brackets since entry `*first`, which moves on. */
static unsigned int issued_since(struct row *row, size_t *first)
{
	const struct journal_entry *entries;
	unsigned int brackets;
	size_t len;

	entries = journal_read(&len);
	brackets = read_brackets(row, entries + *first, len - *first);
	*first = len;
	return brackets;
}

static void pass_on(struct pairs *pairs, struct row *row, unsigned int round, struct place *place,
		    size_t *first)
{
	bool writes = row->to->kind != KIND_CPU && agent_writes(row->to);
	const char *from = agent_of(row, row->from), *to = agent_of(row, row->to);
	unsigned int issued;

	begin(pairs, row, row->from, DMABROKER_ACCESS_WRITE);
	issued = issued_since(row, first);
	compare(row, round, row->from->name, "the model", needed_before(place, from, false),
		issued);
	row->issued[round][0] = issued;
	agent_use(row->from, row->plan, row->buffer, true);
	end(pairs, row, row->from);
	written_by(place, from, false);

	begin(pairs, row, row->to, writes ? DMABROKER_ACCESS_WRITE : DMABROKER_ACCESS_READ);
	issued = issued_since(row, first);
	compare(row, round, row->to->name, "the policy", row->policy, issued);
	compare(row, round, row->to->name, "the model", needed_before(place, to, true), issued);
	row->issued[round][1] = issued;
	agent_use(row->to, row->plan, row->buffer, false);
	end(pairs, row, row->to);
	if (writes)
		written_by(place, to, true);
	if (issued_since(row, first))
		fail(row, "an ioctl after the access");
}

/* What the library says that it has done. */
static void check_stats(struct row *row)
{
	struct dmabroker_access_stats stats;

	dmabroker_buffer_get_access_stats(row->buffer, &stats, sizeof(stats));
	if (stats.syncs != row->ioctls || 2 * (stats.cleans + stats.invalidates) != row->ioctls)
		fail(row, "the library counts %" PRIu64 " ioctls instead of %u", stats.syncs,
		     row->ioctls);
	if (stats.begun != 2 * ROUNDS || stats.ended != 2 * ROUNDS || stats.held)
		fail(row, "the library counts %" PRIu64 " accesses", stats.begun);
}

static void try_pair(struct pairs *pairs, struct row *row)
{
	bool udmabuf = is(row->heap, "udmabuf");
	struct place place = {.in_memory = !udmabuf,
			      .in_caches = true,
			      .dirty = udmabuf,
			      .in_copy = {true, true}};
	size_t first = 0;

	journal_clear();
	for (unsigned int round = 0; round < ROUNDS; round++)
		pass_on(pairs, row, round, &place, &first);
	check_mapped(row);
	check_stats(row);
	agent_leave(row->from);
	agent_leave(row->to);
	replay_all(row);
}

/* ---- requests ---- */

static void must(int result)
{
	if (result < 0)
		die("a request: %s", strerror(-result));
}

static void add_participant(struct dmabroker_record *request, const struct agent *agent)
{
	struct dmabroker_record *participant;

	must(dmabroker_request_add_participant(request, agent->name, agent->role, &participant));
	if (agent->id[0])
		must(dmabroker_record_set_string(participant, "device", agent->id));
	if (agent->kind == KIND_RENDER) /* says nothing of formats */
		must(dmabroker_record_add_format(participant, "formats", DRM_FORMAT_XRGB8888, 0));
	if (agent->kind == KIND_RENDER && agent->has_grey)
		must(dmabroker_record_add_format(participant, "formats", DRM_FORMAT_R8, 0));
}

static struct dmabroker_record *make_request(const struct row *row)
{
	const struct agent *from = row->from, *to = row->to;
	uint32_t width = 64, height = 32, format = DRM_FORMAT_XRGB8888;
	struct dmabroker_record *request;

	if (from->needs_320x180 || to->needs_320x180) {
		width = 320;
		height = 180;
	}
	if (from->needs_640x360 || to->needs_640x360) {
		width = 640;
		height = 360;
		if (from->has_grey && to->has_grey)
			format = DRM_FORMAT_R8;
	}
	must(dmabroker_request_create(&request));
	must(dmabroker_record_set_uint(request, "width", width));
	must(dmabroker_record_set_uint(request, "height", height));
	must(dmabroker_record_set_uint(request, "count", 1));
	must(dmabroker_record_set_bool(request, "allow-bounce", 1));
	must(dmabroker_record_add_format(request, "formats", format, 0));
	must(dmabroker_record_add_string(request, "allowed-heaps", row->heap));
	add_participant(request, from);
	add_participant(request, to);
	return request;
}

/* The reason is the first constraint that is no matter of the one heap allowed. */
static void note_refusal(struct dmabroker *broker, struct row *row)
{
	const struct dmabroker_record *details = dmabroker_get_error_details(broker), *refusal;

	snprintf(row->said, sizeof(row->said), "%s", dmabroker_get_error(broker));
	for (size_t i = 0;
	     details && !dmabroker_record_get_record(details, "refusals", i, &refusal); i++) {
		const char *constraint = dmabroker_record_get_string(refusal, "constraint");
		const char *who = dmabroker_record_get_string(refusal, "participant");

		if (!constraint || is(constraint, "heaps"))
			continue;
		snprintf(row->said, sizeof(row->said), "%s%s%s", who ? who : "", who ? ": " : "",
			 constraint);
		return;
	}
}

static void write_row(struct pairs *pairs, const struct row *row, bool planned)
{
	char issued[96] = "";

	pairs->rows++;
	pairs->planned += planned;
	pairs->refused += !planned;
	pairs->wrong += row->trouble[0] != '\0';
	pairs->ioctls += row->ioctls;
	pairs->events += row->events;
	if (planned)
		snprintf(issued, sizeof(issued), "%s, %s; %s, %s", brackets_text(row->issued[0][0]),
			 brackets_text(row->issued[0][1]), brackets_text(row->issued[1][0]),
			 brackets_text(row->issued[1][1]));
	printf("%sok %u - %s: %s: %s, then %s: %s%s%s\n", row->trouble[0] ? "not " : "",
	       pairs->rows, pairs->label, row->heap, row->from->name, row->to->name,
	       planned ? "" : "refused, ", row->said, row->trouble[0] ? ", WRONG" : "");
	if (row->trouble[0])
		printf("# %s\n", row->trouble);
	fflush(stdout);
	if (pairs->report)
		fprintf(pairs->report, "| %s | %s | %s | %s | %s | %u | %u | %s |\n", row->heap,
			row->from->name, row->to->name, row->said, planned ? issued : "",
			row->ioctls, row->events,
			row->trouble[0] ? row->trouble
			: planned	? "right"
					: "refused");
}

static void make_row(struct pairs *pairs, struct agent *from, struct agent *to, const char *heap)
{
	struct row row = {.from = from, .to = to, .heap = heap};
	struct dmabroker_record *request = make_request(&row);
	struct dmabroker_collection *collection = NULL;
	int result = dmabroker_allocate(pairs->broker, request, &collection);

	dmabroker_record_destroy(request);
	if (result == -EXDEV) {
		note_refusal(pairs->broker, &row);
		write_row(pairs, &row, false);
		return;
	}
	if (result < 0)
		die("%s, %s: %s", from->name, to->name, dmabroker_get_error_text(pairs->broker));
	row.buffer = dmabroker_collection_get_buffer(collection, 0);
	row.plan = dmabroker_buffer_get_plan(row.buffer);
	row.policy = read_policy(&row);
	snprintf(row.said, sizeof(row.said), "%s to %s: %s", agent_of(&row, from),
		 agent_of(&row, to), brackets_text(row.policy));
	try_pair(pairs, &row);
	dmabroker_collection_release(collection);
	write_row(pairs, &row, true);
}

/* ---- all of them ---- */

static void write_head(const struct pairs *pairs)
{
	if (!pairs->report)
		return;
	fprintf(pairs->report,
		"# Access policy against the kernel's trace: %s\n\n"
		"Issued: before the first agent and before the second, in the first round; the "
		"same "
		"in the second, when both have the buffer mapped.\n\n"
		"| heap | writer | next | policy | issued | ioctls | sync events | verdict |\n"
		"|---|---|---|---|---|---|---|---|\n",
		pairs->label);
}

static void write_end(const struct pairs *pairs)
{
	if (pairs->report)
		fprintf(pairs->report,
			"\n%s: %u rows, %u planned, %u refused, %u ioctls, %u sync events, %u "
			"wrong\n",
			pairs->label, pairs->rows, pairs->planned, pairs->refused, pairs->ioctls,
			pairs->events, pairs->wrong);
	printf("# %s: %u rows, %u planned, %u refused, %u ioctls, %u sync events, %u wrong\n",
	       pairs->label, pairs->rows, pairs->planned, pairs->refused, pairs->ioctls,
	       pairs->events, pairs->wrong);
	printf("1..%u\n", pairs->rows);
}

static void make_table(struct pairs *pairs)
{
	write_head(pairs);
	for (size_t heap = 0; heap < pairs->heaps_len; heap++)
		for (size_t i = 0; i < pairs->agents_len; i++)
			for (size_t j = 0; j < pairs->agents_len; j++)
				if (i != j && !pairs->second_only[i] &&
				    agent_writes(&pairs->agents[i]))
					make_row(pairs, &pairs->agents[i], &pairs->agents[j],
						 pairs->heaps[heap]);
	write_end(pairs);
}

static void add_agent(struct pairs *pairs, char *text)
{
	bool second_only = text[0] == '+';
	char *role = strchr(text, '='), *id = strchr(text, '@');

	if (!role || pairs->agents_len == AGENTS_MAX)
		die("an agent is NAME=ROLE or NAME=ROLE@DEVICE: %s", text);
	*role++ = '\0';
	if (id)
		*id++ = '\0';
	pairs->second_only[pairs->agents_len] = second_only;
	agent_init(&pairs->agents[pairs->agents_len++], pairs->broker, text + second_only, role,
		   id ? id : "");
}

static void connect_broker(struct pairs *pairs)
{
	if (dmabroker_connect(NULL, &pairs->broker) < 0)
		die("no broker");
}

static int read_arguments(int argc, char **argv, struct pairs *pairs, const char **ret_report)
{
	int option;

	while ((option = getopt(argc, argv, "l:o:H:")) != -1) {
		switch (option) {
		case 'l':
			pairs->label = optarg;
			break;
		case 'o':
			*ret_report = optarg;
			break;
		case 'H':
			if (pairs->heaps_len == HEAPS_MAX)
				return -1;
			pairs->heaps[pairs->heaps_len++] = optarg;
			break;
		default:
			return -1;
		}
	}
	return pairs->heaps_len && optind < argc ? 0 : -1;
}

int main(int argc, char **argv)
{
	static struct pairs pairs = {.label = "pairs"};
	const char *report = NULL;

	if (read_arguments(argc, argv, &pairs, &report) < 0) {
		fputs("usage: access-pairs [-l LABEL] [-o REPORT] -H HEAP... AGENT...\n", stderr);
		return 2;
	}
	if (report && !(pairs.report = fopen(report, "we")))
		die("%s: %s", report, strerror(errno));
	connect_broker(&pairs);
	for (int i = optind; i < argc; i++)
		add_agent(&pairs, argv[i]);
	journal_trace();
	make_table(&pairs);
	dmabroker_disconnect(pairs.broker);
	if (pairs.report && fclose(pairs.report))
		die("%s: %s", report, strerror(errno));
	return pairs.wrong ? 1 : 0;
}
