/* SPDX-License-Identifier: MIT */
/*
 * What a trial's child says, written and read: one line of words "key=value". The child is not
 * trusted: a driver may have led it astray. A word that is known must make sense, one that is not
 * known is passed over.
 */
#include "broker/probe/trial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/descriptor.h"

#define ERRNO_MAX 4095u
#define ALIGN_MAX 65536u
#define EXPORTER_MAX 64 /* bytes of the name: the line is to hold all the rest as well */

static const struct {
	const char *exporter;
	enum memory_model model;
} exporters[] = {
	{"videobuf2_vmalloc", MEMORY_MODEL_VMALLOC},
	{"videobuf2_dma_contig", MEMORY_MODEL_DMA_CONTIG},
	{"videobuf2_dma_sg", MEMORY_MODEL_DMA_SG},
};

/* --- values --- */

static bool read_number(const char *text, int base, uint32_t max, uint32_t *ret_number)
{
	static const char digits[] = "0123456789abcdef";
	size_t len = strlen(text);
	unsigned long long number;

	if (len == 0 || len > 10)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!memchr(digits, text[i], (size_t)base))
			return false;
	number = strtoull(text, NULL, base);
	if (number > max)
		return false;
	*ret_number = (uint32_t)number;
	return true;
}

static bool read_exporter(const char *value, struct trial_answer *answer)
{
	for (size_t i = 0; i < sizeof(exporters) / sizeof(exporters[0]); i++)
		if (strcmp(exporters[i].exporter, value) == 0)
			answer->memory_model = exporters[i].model;
	return *value;
}

static bool read_capabilities(const char *value, struct trial_answer *answer)
{
	return read_number(value, 16, UINT32_MAX, &answer->capabilities);
}

static bool read_busy(const char *value, struct trial_answer *answer)
{
	uint32_t number;

	if (!read_number(value, 10, 1, &number))
		return false;
	answer->busy = number;
	return true;
}

/* taken, refused, refused:ERRNO */
static bool read_verdict(const char *value, enum trial_verdict *verdict, uint32_t *error)
{
	static const char refused[] = "refused:";

	*error = 0;
	*verdict = strcmp(value, "taken") == 0 ? TRIAL_TAKEN : TRIAL_REFUSED;
	if (*verdict == TRIAL_TAKEN || strcmp(value, "refused") == 0)
		return true;
	return strncmp(value, refused, sizeof(refused) - 1) == 0 &&
	       read_number(value + sizeof(refused) - 1, 10, ERRNO_MAX, error);
}

static bool read_one_page(const char *value, struct trial_answer *answer)
{
	return read_verdict(value, &answer->one_page, &answer->errors.one_page);
}

static bool read_scattered(const char *value, struct trial_answer *answer)
{
	return read_verdict(value, &answer->scattered, &answer->errors.scattered);
}

static bool read_used(const char *value, struct trial_answer *answer)
{
	return read_verdict(value, &answer->used, &answer->errors.used);
}

static bool read_stride_align(const char *value, struct trial_answer *answer)
{
	return read_number(value, 10, ALIGN_MAX, &answer->stride_align);
}

static bool read_offset_align(const char *value, struct trial_answer *answer)
{
	return read_number(value, 10, ALIGN_MAX, &answer->offset_align);
}

/* --- the line --- */

static const struct {
	const char *key;
	bool (*read)(const char *value, struct trial_answer *answer);
} words[] = {
	{"exporter", read_exporter},
	{"capabilities", read_capabilities},
	{"busy", read_busy},
	{"one-page", read_one_page},
	{"scattered", read_scattered},
	{"used", read_used},
	{"stride-align", read_stride_align},
	{"offset-align", read_offset_align},
};

static bool read_word(char *word, struct trial_answer *answer)
{
	char *value = strchr(word, '=');

	if (!value || value == word)
		return false;
	*value++ = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].key, word) == 0)
			return words[i].read(value, answer);
	return true;
}

int trial_parse(const char *line, struct trial_answer *ret_answer)
{
	char copy[TRIAL_LINE_BYTES], *rest = NULL, *word;
	struct trial_answer answer = {0};
	size_t len = strlen(line);

	if (len >= sizeof(copy) || len < 2 || strchr(line, '\n') != line + len - 1)
		return -EPROTO;
	memcpy(copy, line, len - 1);
	copy[len - 1] = '\0';
	word = strtok_r(copy, " ", &rest);
	if (!word)
		return -EPROTO;
	for (; word; word = strtok_r(NULL, " ", &rest))
		if (!read_word(word, &answer))
			return -EPROTO;
	*ret_answer = answer;
	return 0;
}

static void print_verdict(FILE *file, const char *key, enum trial_verdict verdict, uint32_t error)
{
	if (verdict == TRIAL_TAKEN)
		fprintf(file, " %s=taken", key);
	else if (verdict == TRIAL_REFUSED)
		fprintf(file, " %s=refused:%u", key, error);
}

void trial_print(FILE *file, const char *exporter, const struct trial_answer *answer)
{
	int len = (int)strcspn(exporter, " \t\n");

	fprintf(file, "busy=%d", answer->busy);
	if (len > 0)
		fprintf(file, " exporter=%.*s", len < EXPORTER_MAX ? len : EXPORTER_MAX, exporter);
	if (answer->capabilities)
		fprintf(file, " capabilities=%x", answer->capabilities);
	print_verdict(file, "one-page", answer->one_page, answer->errors.one_page);
	print_verdict(file, "scattered", answer->scattered, answer->errors.scattered);
	print_verdict(file, "used", answer->used, answer->errors.used);
	if (answer->stride_align)
		fprintf(file, " stride-align=%u", answer->stride_align);
	if (answer->offset_align)
		fprintf(file, " offset-align=%u", answer->offset_align);
	fputc('\n', file);
}
