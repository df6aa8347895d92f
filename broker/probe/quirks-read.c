/* SPDX-License-Identifier: MIT */
/*
 * Quirk files -> sections.
 *
 * libinih takes lines apart, and takes nearly everything: it cuts names and lines that are too
 * long, joins lines that begin with a blank to the one before, knows ':' besides '=' and comments
 * behind values, each depending on how it was built. So it gets its lines from next_line(), which
 * lets only through what has one meaning; and since it says of a line only its key and value, the
 * headings are taken there, too. What is wrong is reported with its line, and the section in which
 * it stands is dropped.
 *
 * A file is read into memory as a whole, up to QUIRKS_FILE_BYTES_MAX.
 */
#include "broker/probe/quirks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/probe/quirks-section.h"

#define SUFFIX ".quirks"

struct reader {
	struct quirks *quirks;
	const char *name; /* of the file, without its directory */
	const char *bytes;
	size_t len, at;
	unsigned int line;	 /* number of the line given out last */
	size_t begin;		 /* sections there were before this file */
	struct section *section; /* NULL: before the first, or below a wrong heading */
	bool below_wrong;
	struct problems problems;
	int error; /* -ENOMEM, -E2BIG: reading ends */
};

/* --- sections --- */

static void fail_line(struct reader *reader, const char *text)
{
	if (reader->section)
		reader->section->failed = true;
	problem(&reader->problems, reader->line, "%s", text);
}

static void end_section(struct reader *reader)
{
	struct section *section = reader->section;
	int error;

	reader->section = NULL;
	if (!section)
		return;
	error = section_finish(section, &reader->problems);
	if (!error && !section->failed) {
		error = quirks_add(reader->quirks, section);
		if (!error)
			return;
	}
	if (error == -E2BIG)
		problem(&reader->problems, section->shown.line,
			"more than %u sections: the rest is not read", QUIRKS_SECTIONS_MAX);
	section_destroy(section);
	reader->error = error;
}

static bool is_known(const struct reader *reader, const char *name)
{
	const struct quirk_section *other;

	for (size_t i = reader->begin; (other = quirks_section(reader->quirks, i)); i++)
		if (strcmp(other->name, name) == 0)
			return true;
	return false;
}

static bool is_section_name(const char *name)
{
	size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789._-");

	return len > 0 && len <= QUIRKS_SECTION_NAME_MAX && name[len] == '\0';
}

/* "[name]". Keys below a heading that is none belong to no section, and are not looked at. */
static void begin_section(struct reader *reader, char *line)
{
	char *end = strchr(line, ']'), *name = line + 1;
	bool ended = end && end[1] == '\0';

	end_section(reader);
	if (reader->error)
		return;
	if (ended)
		*end = '\0';
	reader->below_wrong = !ended || !is_section_name(name);
	if (reader->below_wrong) {
		fail_line(reader, "a heading is [name], of letters, digits, '.', '_', '-', at most "
				  "48 bytes");
		return;
	}
	reader->error = section_create(reader->name, reader->line, name, &reader->section);
	if (!reader->error && is_known(reader, name))
		fail_line(reader, "there is a section of this name already");
}

/* --- lines --- */

static const char *find_fault(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (line[i] < ' ' || line[i] > '~')
			return line[i] == '\0'	 ? "a NUL byte: is this a text?"
			       : line[i] == '\t' ? "a tabulator: right are spaces"
			       : line[i] == '\r' ? "a carriage return: lines end with a line feed"
						 : "a byte that is no printable ASCII";
	if (len > QUIRKS_LINE_BYTES_MAX)
		return "too long: a line has at most 197 bytes";
	return NULL;
}

static const char *find_key_fault(const char *line)
{
	size_t key = strcspn(line, "=:");

	if (line[0] == ' ')
		return "a line begins with its key, not with a blank";
	if (line[key] != '=' || key == 0)
		return "neither [section], key=value nor a comment";
	if (strchr(line, ';'))
		return "';' begins a comment, and only at the beginning of a line";
	return NULL;
}

/*
 * The next line of the file, its end cut off, with the bytes that it has; the last one may have no
 * end. NULL: there are no more.
 */
static const char *cut_line(struct reader *reader, size_t *ret_len, bool *ret_ended)
{
	const char *line = reader->bytes + reader->at;
	const char *end = memchr(line, '\n', reader->len - reader->at);

	if (reader->at >= reader->len)
		return NULL;
	*ret_ended = end != NULL;
	*ret_len = end ? (size_t)(end - line) : reader->len - reader->at;
	reader->at += *ret_len + (end ? 1 : 0);
	reader->line++;
	return line;
}

/* Puts a line into `copy` if libinih may see it. */
static bool take_line(struct reader *reader, const char *line, size_t len, bool ended,
		      char copy[QUIRKS_LINE_BYTES_MAX + 1])
{
	bool comment = len > 0 && (line[0] == '#' || line[0] == ';');
	const char *fault = comment ? NULL : find_fault(line, len);

	if (comment && memchr(line, '\0', len))
		fault = "a NUL byte: is this a text?";
	if (!fault && !ended)
		fault = "the last line has no end: is the file cut off?";
	if (fault) {
		fail_line(reader, fault);
		return false;
	}
	if (comment)
		return false;
	memcpy(copy, line, len);
	while (len > 0 && copy[len - 1] == ' ')
		len--;
	copy[len] = '\0';
	if (copy[0] == '[') {
		begin_section(reader, copy);
		return false;
	}
	fault = len > 0 ? find_key_fault(copy) : NULL;
	if (fault)
		fail_line(reader, fault);
	return len > 0 && !fault;
}

/* As fgets: the next line that is a key and its value. */
static char *next_line(char *text, int size, void *stream)
{
	struct reader *reader = stream;
	char copy[QUIRKS_LINE_BYTES_MAX + 1];
	const char *line;
	size_t len;
	bool ended;

	while (!reader->error && (line = cut_line(reader, &len, &ended))) {
		if (!take_line(reader, line, len, ended, copy))
			continue;
		if (snprintf(text, (size_t)size, "%s\n", copy) < size)
			return text;
		fail_line(reader, "too long for this libinih");
	}
	return NULL;
}

/* Called for the line that next_line gave last. */
static int on_key(void *data, const char *heading, const char *key, const char *value)
{
	struct reader *reader = data;

	(void)heading;
	if (reader->error || !key || !value)
		return 1;
	if (reader->section)
		reader->error =
			section_set(reader->section, reader->line, key, value, &reader->problems);
	else if (!reader->below_wrong)
		fail_line(reader, "before the first [section]");
	return 1;
}

/* --- files --- */

static int read_all(int fd, char *bytes, size_t size, size_t *ret_len)
{
	size_t len = 0;
	ssize_t some;

	while (len < size) {
		some = read(fd, bytes + len, size - len);
		if (some < 0 && errno == EINTR)
			continue;
		if (some < 0)
			return -errno;
		if (some == 0)
			break;
		len += (size_t)some;
	}
	*ret_len = len;
	return 0;
}

/* Returns owned. Errors: -ENOMEM, -errno, -EINVAL: no regular file. */
static int read_file(const char *path, char **ret_bytes, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), error = 0;
	struct stat status;
	char *bytes;

	if (fd < 0)
		return -errno;
	bytes = malloc(QUIRKS_FILE_BYTES_MAX + 1);
	if (!bytes)
		error = -ENOMEM;
	else if (fstat(fd, &status) < 0)
		error = -errno;
	else if (!S_ISREG(status.st_mode))
		error = S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
	if (!error)
		error = read_all(fd, bytes, QUIRKS_FILE_BYTES_MAX + 1, ret_len);
	close(fd);
	if (error)
		free(bytes);
	else
		*ret_bytes = bytes;
	return error;
}

static void read_sections(struct reader *reader)
{
	if (ini_parse_stream(next_line, reader, on_key, reader) == -2)
		reader->error = -ENOMEM;
	if (!reader->error)
		end_section(reader);
	section_destroy(reader->section);
	if (reader->problems.len > QUIRKS_PROBLEMS_MAX) {
		unsigned int rest = reader->problems.len - QUIRKS_PROBLEMS_MAX;

		reader->problems.len = 0;
		problem(&reader->problems, 0, "%u more problems", rest);
	}
}

static size_t count_sections(const struct quirks *quirks)
{
	size_t len = 0;

	while (quirks_section(quirks, len))
		len++;
	return len;
}

int quirks_load_file(struct quirks *quirks, const char *path, quirks_report_fn report, void *data)
{
	const char *slash = strrchr(path, '/');
	struct reader reader = {.quirks = quirks,
				.name = slash ? slash + 1 : path,
				.begin = count_sections(quirks),
				.problems = {.report = report, .data = data, .file = path}};
	char *bytes = NULL;
	int error = read_file(path, &bytes, &reader.len);

	if (error) {
		problem(&reader.problems, 0, "%s",
			error == -EINVAL ? "no regular file" : strerror(-error));
		return error;
	}
	reader.bytes = bytes;
	if (reader.len > QUIRKS_FILE_BYTES_MAX)
		problem(&reader.problems, 0, "larger than %u bytes: nothing of it is read",
			QUIRKS_FILE_BYTES_MAX);
	else
		read_sections(&reader);
	free(bytes);
	if (reader.error == -ENOMEM)
		return -ENOMEM;
	return reader.problems.len ? -EINVAL : 0;
}

/* --- directories --- */

static int is_quirk_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), suffix = strlen(SUFFIX);

	return entry->d_name[0] != '.' && len > suffix &&
	       strcmp(entry->d_name + len - suffix, SUFFIX) == 0;
}

/* By bytes: the order must not depend on the language. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* -ENOMEM goes before anything else, and what went wrong first before what did later. */
static int worse(int error, int next)
{
	return next == -ENOMEM || !error ? next : error;
}

static int load_entry(struct quirks *quirks, const char *directory, const char *name,
		      struct problems *problems)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path)) {
		problem(problems, 0, "%s: %s", name, strerror(ENAMETOOLONG));
		return -ENAMETOOLONG;
	}
	return quirks_load_file(quirks, path, problems->report, problems->data);
}

int quirks_load_directory(struct quirks *quirks, const char *path, quirks_report_fn report,
			  void *data)
{
	struct problems problems = {.report = report, .data = data, .file = path};
	struct dirent **entries;
	int len = scandir(path, &entries, is_quirk_file, compare_names), error = 0;

	if (len < 0) {
		error = -errno;
		if (error == -ENOENT)
			return 0;
		problem(&problems, 0, "%s", strerror(-error));
		return error;
	}
	if (len > (int)QUIRKS_FILES_MAX)
		problem(&problems, 0, "more than %u files: the rest is not read", QUIRKS_FILES_MAX);
	for (int i = 0; i < len; i++) {
		if (i < (int)QUIRKS_FILES_MAX && error != -ENOMEM)
			error = worse(error,
				      load_entry(quirks, path, entries[i]->d_name, &problems));
		free(entries[i]);
	}
	free(entries);
	return problems.len ? worse(error, -EINVAL) : error;
}

int quirks_load_directories(struct quirks *quirks, const char *const *directories,
			    quirks_report_fn report, void *data)
{
	int error = 0;

	for (size_t i = 0; directories[i] && error != -ENOMEM; i++)
		error = worse(error, quirks_load_directory(quirks, directories[i], report, data));
	if (!quirks_section(quirks, 0))
		report(data, "", 0,
		       "no quirk files: what no probe can see is not known, and devices are taken "
		       "to need more than they do");
	return error;
}
