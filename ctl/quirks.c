/* SPDX-License-Identifier: MIT */
/* `quirks`: checks quirk files, and lists what they say. Asks no daemon. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "broker/probe/quirks.h"
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/text.h"

static const struct ctl_option options[] = {{.name = NULL}};

static const char *const headings[] = {"SECTION", "OF", "FACTS", "SOURCE"};

static const char *const default_directories[] = {DMABROKER_QUIRKS_DIRECTORY,
						  DMABROKER_QUIRKS_OVERRIDE, NULL};

/* What the files gave, and what was wrong with them. */
struct loaded {
	struct quirks *quirks;
	size_t sections, problems;
	FILE *out; /* where problems are written; NULL: into `list` */
	struct json_object *list;
};

/* --- reading --- */

static void add(struct json_object *object, const char *key, struct json_object *value)
{
	if (!value || json_object_object_add(object, key, value) < 0)
		ctl_out_of_memory();
}

static void list_problem(struct json_object *list, const char *file, unsigned int line,
			 const char *text)
{
	struct json_object *problem = json_object_new_object();

	if (!problem)
		ctl_out_of_memory();
	add(problem, "file", json_object_new_string(file));
	add(problem, "line", json_object_new_int64(line));
	add(problem, "text", json_object_new_string(text));
	json_object_array_add(list, problem);
}

/* "file:line: text", as compilers write it; without the line where it is the file as a whole. */
static void on_problem(void *data, const char *file, unsigned int line, const char *text)
{
	struct loaded *loaded = data;

	loaded->problems++;
	if (loaded->list) {
		list_problem(loaded->list, file, line, text);
		return;
	}
	text_put(loaded->out, file);
	if (line)
		fprintf(loaded->out, ":%u", line);
	fprintf(loaded->out, ": ");
	text_put(loaded->out, text);
	fputc('\n', loaded->out);
}

static int load_path(struct loaded *loaded, const char *path)
{
	struct stat status;

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return quirks_load_directory(loaded->quirks, path, on_problem, loaded);
	return quirks_load_file(loaded->quirks, path, on_problem, loaded);
}

/* The files and directories of the command line, else those of the daemon. */
static void load(char *const *paths, struct loaded *loaded)
{
	const char *const *directories = paths[0] ? NULL : default_directories;
	int error = quirks_create(&loaded->quirks);

	for (size_t i = 0; paths[i] && error != -ENOMEM; i++)
		error = load_path(loaded, paths[i]);
	for (size_t i = 0; directories && directories[i] && error != -ENOMEM; i++)
		error = quirks_load_directory(loaded->quirks, directories[i], on_problem, loaded);
	if (error == -ENOMEM)
		ctl_out_of_memory();
	while (quirks_section(loaded->quirks, loaded->sections))
		loaded->sections++;
}

/* --- validate --- */

static int validate(const struct ctl *ctl)
{
	struct loaded loaded = {.out = stdout};
	struct json_object *object = NULL;

	if (ctl->json) {
		object = json_object_new_object();
		loaded.list = json_object_new_array();
		if (!object || !loaded.list)
			ctl_out_of_memory();
	}
	load(ctl->arguments + 1, &loaded);
	if (object) {
		add(object, "sections", json_object_new_int64((int64_t)loaded.sections));
		add(object, "problems", loaded.list);
		json_print(ctl, object);
	} else if (ctl->legend) {
		printf("%zu section%s fine, %zu problem%s\n", loaded.sections,
		       loaded.sections == 1 ? " is" : "s are", loaded.problems,
		       loaded.problems == 1 ? "" : "s");
	}
	quirks_destroy(loaded.quirks);
	return loaded.problems ? CTL_REFUSED : CTL_OK;
}

/* --- list --- */

static void list_as_json(const struct ctl *ctl, const struct quirks *quirks)
{
	struct json_object *list = json_object_new_array(), *object;
	const struct quirk_section *section;

	for (size_t i = 0; list && (section = quirks_section(quirks, i)); i++) {
		object = json_object_new_object();
		if (!object)
			ctl_out_of_memory();
		add(object, "file", json_object_new_string(section->file));
		add(object, "line", json_object_new_int64(section->line));
		add(object, "section", json_object_new_string(section->name));
		add(object, "match", json_object_new_string(section->match));
		add(object, "facts", json_object_new_string(section->facts));
		add(object, "source", json_object_new_string(section->source));
		json_object_array_add(list, object);
	}
	if (!list)
		ctl_out_of_memory();
	json_print(ctl, list);
}

/* The sections of one file, from number `i` on. Returns the number of the next one's first. */
static size_t list_file(const struct ctl *ctl, const struct quirks *quirks, size_t i)
{
	struct text_table *table =
		text_table_create(headings, sizeof(headings) / sizeof(headings[0]));
	const struct quirk_section *section = quirks_section(quirks, i);
	const char *file = section->file;

	text_heading(ctl, file);
	putchar('\n');
	for (; section && strcmp(section->file, file) == 0; section = quirks_section(quirks, ++i)) {
		text_table_add(table, "%s", section->name);
		text_table_add(table, "%s", section->match);
		text_table_add(table, "%s", section->facts);
		text_table_add(table, "%s", section->source);
	}
	text_table_print(ctl, table, 2);
	return i;
}

static void list_as_text(const struct ctl *ctl, const struct quirks *quirks)
{
	for (size_t i = 0; quirks_section(quirks, i);)
		i = list_file(ctl, quirks, i);
}

static int list(const struct ctl *ctl)
{
	struct loaded loaded = {.out = stderr};

	load(ctl->arguments + 1, &loaded);
	if (ctl->json)
		list_as_json(ctl, loaded.quirks);
	else if (loaded.sections)
		list_as_text(ctl, loaded.quirks);
	else if (ctl->legend)
		ctl_error(CTL_OK, "no quirks: there are no sections in %s and %s",
			  DMABROKER_QUIRKS_DIRECTORY, DMABROKER_QUIRKS_OVERRIDE);
	quirks_destroy(loaded.quirks);
	return loaded.problems ? CTL_REFUSED : CTL_OK;
}

static int run(struct ctl *ctl)
{
	const char *what = ctl->arguments[0];

	if (!what)
		return ctl_error(CTL_USAGE, "quirks: add 'validate' or 'list'");
	if (strcmp(what, "validate") == 0)
		return validate(ctl);
	if (strcmp(what, "list") == 0)
		return list(ctl);
	return ctl_error(CTL_USAGE, "quirks: '%s' is wrong: right is validate or list", what);
}

const struct ctl_verb quirks_verb = {
	.name = "quirks",
	.arguments = "[OPTION...] validate|list [FILE|DIRECTORY...]",
	.summary = "Checks and lists the files of what cannot be found out",
	.details = "Without FILE or DIRECTORY those that the daemon reads:\n"
		   "  " DMABROKER_QUIRKS_DIRECTORY "\n"
		   "  " DMABROKER_QUIRKS_OVERRIDE "\n"
		   "Exit status 1 where something is wrong with them.\n",
	.options = options,
	.participants = true,
	.run = run,
};
