/* SPDX-License-Identifier: MIT */
/* Texts of unknown make -> facts. */
#include "broker/probe/fact.h"

#include <errno.h>
#include <string.h>

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
