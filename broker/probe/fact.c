/* SPDX-License-Identifier: MIT */
/* Texts of unknown make -> facts. */
#include "broker/probe/fact.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/utf8.h"

int fact_text(void *record, unsigned int row, const void *text, size_t size)
{
	const char *from = text;
	char clean[256];
	size_t len = 0;
	int error;

	while (len < size && len < sizeof(clean) - 1 && from[len]) {
		clean[len] = from[len] >= 0x20 && from[len] < 0x7f ? from[len] : '?';
		len++;
	}
	clean[len] = '\0';
	error = vocab_set_string(record, row, clean, VOCAB_KERNEL);
	return error == -ENOMEM ? error : 0;
}

#define HOW_BYTES 256

static char **find_how(const struct vocab_strings *list, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < list->len; i++)
		if (strncmp(list->items[i], key, len) == 0 && list->items[i][len] == ':')
			return &list->items[i];
	return NULL;
}

void fact_how(void *record, unsigned int how_row, unsigned int row, const char *format, ...)
{
	const struct vocab_head *head = record;
	const char *key = head->group->rows[row].name;
	char text[HOW_BYTES], **old, *copy;
	int len = snprintf(text, sizeof(text), "%s: ", key);
	va_list args;

	va_start(args, format);
	vsnprintf(text + len, sizeof(text) - (size_t)len, format, args);
	va_end(args);
	utf8_clean(text);
	old = find_how(vocab_value(record, how_row), key);
	if (!old) {
		(void)vocab_add_string(record, how_row, text, VOCAB_KERNEL);
		return;
	}
	copy = strdup(text);
	if (!copy)
		return;
	free(*old);
	*old = copy;
}
