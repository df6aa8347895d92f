/* SPDX-License-Identifier: MIT */
/*
 * Shows what broker/probe finds, one fact per line, columns separated by tabs:
 *
 *   id   key   value   origin
 *
 * The key of a fact of a role or format has their names in front: roles/capture/imports,
 * roles/capture/formats/XR24/stride-align. Modifiers other than linear follow their format:
 * XR24:0x1. A node that is not measured has one line with the key "error". Nobody but the tests
 * needs this.
 *
 * A device in which something was in use has one more, with the key "again".
 *
 * usage: probe-dump [-t TRIAL-PROGRAM] [-q QUIRK-DIRECTORY] [-c] [-n TIMES] [-w SECONDS]
 *                   [ID-BEGINNING...]
 *   -n measures so often, anew each time, and shows the last
 *   -c each measurement knows what the last one gave
 *   -w shows the events of so many seconds instead
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "broker/model/format.h"
#include "broker/probe/probe.h"
#include "broker/probe/quirks.h"

struct dump {
	struct probe_options options;
	struct quirks *quirks;
	struct machine *machine;
	int times;
	bool carries;
	char **wanted;
	int failures;
};

static void print_fourcc(uint32_t fourcc)
{
	char text[FORMAT_TEXT_BYTES];

	format_text(fourcc, text);
	fputs(text, stdout);
}

static void print_sizes(const struct vocab_sizes *sizes)
{
	for (size_t i = 0; i < sizes->len; i++)
		printf("%s%ux%u", i ? " " : "", sizes->items[i].width, sizes->items[i].height);
}

static void print_strings(const struct vocab_strings *strings)
{
	for (size_t i = 0; i < strings->len; i++)
		printf("%s%s", i ? "; " : "", strings->items[i]);
}

static void print_value(const void *record, unsigned int row)
{
	switch (((const struct vocab_head *)record)->group->rows[row].type) {
	case VOCAB_BOOL:
		fputs(vocab_number(record, row) ? "true" : "false", stdout);
		break;
	case VOCAB_ENUM:
		fputs(vocab_enum_name(record, row), stdout);
		break;
	case VOCAB_STRING:
		fputs(vocab_string(record, row), stdout);
		break;
	case VOCAB_FOURCC:
		print_fourcc((uint32_t)vocab_number(record, row));
		break;
	case VOCAB_MODIFIER:
		printf("0x%" PRIx64, vocab_number(record, row));
		break;
	case VOCAB_SIZES:
		print_sizes(vocab_value(record, row));
		break;
	case VOCAB_STRINGS:
		print_strings(vocab_value(record, row));
		break;
	default:
		printf("%" PRIu64, vocab_number(record, row));
		break;
	}
}

static void name_element(const struct vocab_head *element, char *name, size_t size)
{
	char text[FORMAT_TEXT_BYTES];
	uint64_t modifier;

	if (element->group == &vocab_role) {
		snprintf(name, size, "%s", vocab_enum_name(element, ROLE_ROLE));
		return;
	}
	format_text((uint32_t)vocab_number(element, FORMAT_FORMAT), text);
	modifier = vocab_number(element, FORMAT_MODIFIER);
	if (modifier)
		snprintf(name, size, "%s:0x%" PRIx64, text, modifier);
	else
		snprintf(name, size, "%s", text);
}

static void dump_record(const char *id, const char *path, const struct vocab_head *record);

static void dump_elements(const char *id, const char *path, const char *key,
			  const struct vocab_dicts *elements)
{
	char name[64], below[256];

	for (size_t i = 0; i < elements->len; i++) {
		name_element(elements->items[i], name, sizeof(name));
		snprintf(below, sizeof(below), "%s%s/%s/", path, key, name);
		dump_record(id, below, elements->items[i]);
	}
}

static void dump_record(const char *id, const char *path, const struct vocab_head *record)
{
	for (unsigned int row = 0; row < record->group->rows_len; row++) {
		const struct vocab_row *r = &record->group->rows[row];

		if (!vocab_has(record, row))
			continue;
		if (r->type == VOCAB_DICTS) {
			dump_elements(id, path, r->name, vocab_value(record, row));
			continue;
		}
		printf("%s\t%s%s\t", id, path, r->name);
		print_value(record, row);
		printf("\t%s\n", vocab_origin_names[vocab_origin(record, row)]);
	}
}

static bool is_wanted(const struct dump *dump, const char *id)
{
	for (char **wanted = dump->wanted; *wanted; wanted++)
		if (strncmp(id, *wanted, strlen(*wanted)) == 0)
			return true;
	return !dump->wanted[0];
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void dump_node(void *data, enum probe_event event, const struct probe_node *node)
{
	struct dump *dump = data;
	struct vocab_head *record = NULL, *previous = NULL;
	double begin = now_s();
	bool again = false;
	int error = 0;

	if (event != PROBE_ADDED || !is_wanted(dump, node->id))
		return;
	for (int i = 0; i < dump->times && !error; i++) {
		vocab_destroy(previous);
		previous = record;
		record = NULL;
		error = probe_measure(node, &dump->options, dump->carries ? previous : NULL,
				      &record, &again);
	}
	vocab_destroy(previous);
	fprintf(stderr, "%s: %s: %.1f ms\n", node->node, node->id,
		(now_s() - begin) * 1000 / dump->times);
	if (error)
		printf("%s\terror\t%s\t%s\n", node->id, strerrorname_np(-error), node->node);
	else
		dump_record(node->id, "", record);
	if (again)
		printf("%s\tagain\ttrue\tmeasured\n", node->id);
	vocab_destroy(record);
}

static void show_event(void *data, enum probe_event event, const struct probe_node *node)
{
	static const char *const names[] = {"added", "changed", "removed"};

	(void)data;
	printf("%s\t%s\t%s\n", names[event], node->id, node->node);
	fflush(stdout);
}

static int watch(struct probe *probe, int seconds)
{
	struct pollfd pollfd = {.fd = probe_get_fd(probe), .events = POLLIN};
	double end = now_s() + seconds;
	int error = probe_enumerate(probe, show_event, NULL);

	while (!error && now_s() < end) {
		if (poll(&pollfd, 1, 100) > 0)
			error = probe_dispatch(probe, show_event, NULL);
		if (error == -ENOBUFS)
			error = probe_enumerate(probe, show_event, NULL);
	}
	return error;
}

static void complain(void *data, const char *file, unsigned int line, const char *text)
{
	(void)data;
	fprintf(stderr, "%s:%u: %s\n", file, line, text);
}

/* What measurements need of the machine and of the quirk files. */
static int prepare(struct dump *dump, const char *quirk_directory)
{
	int error = vocab_create(&vocab_machine, &dump->machine);

	if (!error)
		error = probe_machine(NULL, dump->machine);
	if (!error)
		error = quirks_create(&dump->quirks);
	if (!error && quirk_directory)
		error = quirks_load_directory(dump->quirks, quirk_directory, complain, NULL);
	dump->options.platform = dump->machine;
	dump->options.quirks = dump->quirks;
	return error;
}

int main(int argc, char **argv)
{
	struct dump dump = {.times = 1};
	struct probe *probe = NULL;
	const char *quirk_directory = NULL;
	int option, error, seconds = 0;

	while ((option = getopt(argc, argv, "t:q:cn:w:")) != -1) {
		if (option == 't')
			dump.options.trial_program = optarg;
		else if (option == 'q')
			quirk_directory = optarg;
		else if (option == 'c')
			dump.carries = true;
		else if (option == 'n')
			dump.times = atoi(optarg);
		else if (option == 'w')
			seconds = atoi(optarg);
		else
			return 2;
	}
	dump.wanted = argv + optind;
	error = prepare(&dump, quirk_directory);
	if (!error)
		error = probe_create(&dump.options, &probe);
	if (!error && seconds)
		error = watch(probe, seconds);
	else if (!error && !dump.wanted[0])
		dump_record("machine", "", &dump.machine->head);
	if (!error && !seconds)
		error = probe_enumerate(probe, dump_node, &dump);
	probe_destroy(probe);
	quirks_destroy(dump.quirks);
	vocab_destroy(dump.machine);
	if (error)
		fprintf(stderr, "probe-dump: %s\n", strerror(-error));
	return error ? 1 : 0;
}
