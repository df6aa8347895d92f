/* SPDX-License-Identifier: MIT */
/*
 * The words of the kernel's command line.
 *
 * Words are parted as next_arg() does it (6.12 lib/cmdline.c): at white space outside of quotes;
 * the name ends at the first '='; quotes around a word or a value fall away. A lone "--" ends all
 * (parse_args(), kernel/params.c): what comes behind it is for init.
 *
 * swiotlb= has up to two numbers and then one word (setup_io_tlb_npages(), kernel/dma/swiotlb.c).
 * It is handled each time it is said, and each of its words sets a flag for good; the flag that
 * forbids is asked first (swiotlb_init_remap()). So noforce wins, whatever the order.
 */
#include "broker/probe/cmdline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/probe/sysfs.h"

/* The kernel's isspace(), to which Latin-1's hard space is one as well (lib/ctype.c). */
static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == '\xa0';
}

/* Cuts the quote off that `text` ends with, if it does. */
static void cut_quote(char *text)
{
	size_t len = strlen(text);

	if (len && text[len - 1] == '"')
		text[len - 1] = '\0';
}

/* Takes the word at `at` apart, in place. Returns what comes after it. */
static char *take_word(char *at, struct cmdline_word *ret_word)
{
	bool quoted = *at == '"', in_quotes = quoted, ends;
	char *word = at + quoted, *end = word, *equals = NULL;

	for (; *end && (in_quotes || !is_space(*end)); end++) {
		if (*end == '=' && !equals && end > word)
			equals = end;
		if (*end == '"')
			in_quotes = !in_quotes;
	}
	ends = !*end;
	*end = '\0';
	*ret_word = (struct cmdline_word){.name = word};
	if (equals) {
		*equals = '\0';
		ret_word->value = equals + 1;
		if (equals[1] == '"') {
			ret_word->value = equals + 2;
			cut_quote(equals + 2);
		}
	}
	if (quoted)
		cut_quote(equals ? equals + 1 : word);
	return ends ? end : end + 1;
}

/* The text is the struct's own already, and ended. */
static int take_apart(struct cmdline *cmdline)
{
	char *at = cmdline->text;

	cmdline->words_len = 0;
	for (;;) {
		struct cmdline_word *word = &cmdline->words[cmdline->words_len];

		while (is_space(*at))
			at++;
		if (!*at)
			return 0;
		if (cmdline->words_len == CMDLINE_WORDS)
			return -EFBIG;
		at = take_word(at, word);
		if (!word->value && strcmp(word->name, "--") == 0)
			return 0;
		cmdline->words_len++;
	}
}

int cmdline_parse(const char *text, size_t len, struct cmdline *ret)
{
	if (len >= sizeof(ret->text))
		return -EFBIG;
	memcpy(ret->text, text, len);
	ret->text[len] = '\0';
	return take_apart(ret);
}

int cmdline_read(const char *root, struct cmdline *ret)
{
	size_t len;
	int error;

	error = sysfs_bytes(root, "/proc", "cmdline", ret->text, sizeof(ret->text) - 1, &len);
	if (error)
		return error;
	ret->text[len] = '\0';
	return take_apart(ret);
}

/* parameq(), kernel/params.c */
static bool same_name(const char *a, const char *b)
{
	for (; *a || *b; a++, b++)
		if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b))
			return false;
	return true;
}

const struct cmdline_word *cmdline_find(const struct cmdline *cmdline, const char *name)
{
	for (size_t i = cmdline->words_len; i-- > 0;)
		if (same_name(cmdline->words[i].name, name))
			return &cmdline->words[i];
	return NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What is behind the numbers. */
static const char *swiotlb_word(const char *value)
{
	for (int numbers = 0; numbers < 2; numbers++) {
		char *end = NULL;

		if (is_digit(*value)) {
			(void)strtoul(value, &end, 0);
			value = end;
		}
		if (*value == ',')
			value++;
	}
	return value;
}

enum bounce cmdline_bounce(const struct cmdline *cmdline)
{
	enum bounce bounce = BOUNCE_REACH;

	for (size_t i = 0; i < cmdline->words_len; i++) {
		const struct cmdline_word *word = &cmdline->words[i];
		const char *say;

		if (!word->value || !same_name(word->name, "swiotlb"))
			continue;
		say = swiotlb_word(word->value);
		if (strcmp(say, "noforce") == 0)
			return BOUNCE_NEVER;
		if (strcmp(say, "force") == 0)
			bounce = BOUNCE_ALWAYS;
	}
	return bounce;
}
