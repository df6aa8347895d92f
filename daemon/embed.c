/* SPDX-License-Identifier: MIT */
/*
 * Run at build time: takes each <interface> of an introspection document, without its comments and
 * annotations for people, and writes a C table of their names and texts.
 *
 * usage: embed FILE.xml >introspect-xml.h
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX (1 << 20)

static void fail(const char *what)
{
	fprintf(stderr, "embed: %s\n", what);
	exit(1);
}

static char *read_file(const char *path)
{
	char *text = calloc(1, FILE_BYTES_MAX);
	FILE *file = fopen(path, "r");

	if (!text || !file)
		fail("cannot read the file");
	if (fread(text, 1, FILE_BYTES_MAX, file) == FILE_BYTES_MAX)
		fail("the file is too long");
	fclose(file);
	return text;
}

static void remove_comments(char *text)
{
	char *begin, *end;

	while ((begin = strstr(text, "<!--"))) {
		end = strstr(begin, "-->");
		if (!end)
			fail("a comment without end");
		memmove(begin, end + 3, strlen(end + 3) + 1);
	}
}

static void print_line(const char *line, size_t len)
{
	if (strspn(line, " \t") >= len)
		return;
	printf("\t \"");
	for (size_t i = 0; i < len; i++) {
		if (line[i] == '"' || line[i] == '\\')
			putchar('\\');
		putchar(line[i] == '\t' ? ' ' : line[i]);
	}
	printf("\\n\"\n");
}

static void print_lines(const char *text, const char *end)
{
	size_t len;

	for (; text < end; text += len + 1) {
		len = strcspn(text, "\n");
		print_line(text, len);
	}
}

/* Returns what follows the interface. */
static const char *print_interface(const char *begin)
{
	static const char tail[] = "</interface>";
	const char *name = strstr(begin, "name=\"");
	const char *end = strstr(begin, tail);

	if (!name || !end || name > end)
		fail("an interface without name or end");
	name += strlen("name=\"");
	end += strlen(tail);
	printf("\t{\"%.*s\",\n", (int)strcspn(name, "\""), name);
	print_lines(begin, end);
	printf("\t},\n");
	return end;
}

int main(int argc, char **argv)
{
	char *text;
	const char *at;

	if (argc != 2)
		fail("usage: embed FILE.xml");
	text = read_file(argv[1]);
	remove_comments(text);
	printf("/* Made from %s. */\n",
	       strrchr(argv[1], '/') ? strrchr(argv[1], '/') + 1 : argv[1]);
	printf("static const struct {\n\tconst char *name;\n\tconst char *xml;\n} "
	       "introspect_interfaces[] = {\n");
	for (at = strstr(text, "<interface "); at; at = strstr(at, "<interface "))
		at = print_interface(at);
	printf("\t{NULL, NULL},\n};\n");
	free(text);
	return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
