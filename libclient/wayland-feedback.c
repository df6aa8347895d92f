/* SPDX-License-Identifier: MIT */
/*
 * What a compositor sends as feedback, with everything in it distrusted: it may be malformed, or
 * change under our hands. The table is read into memory of our own: a private mapping, as the
 * protocol has it, would end the program with SIGBUS when the compositor cuts the file short.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wayland-util.h>

#include "libclient/wayland.h"

#define ENTRY_BYTES 16
#define TABLE_MAX 65536 /* entries that an index of 16 bit reaches */
#define PAIRS_MAX 65536 /* of all tranches together */
#define LINEAR 0

__attribute__((format(printf, 3, 4))) static void spoil(struct feedback *feedback, int error,
							const char *format, ...)
{
	va_list arguments;

	if (feedback->error)
		return;
	feedback->error = error;
	va_start(arguments, format);
	vsnprintf(feedback->text, sizeof(feedback->text), format, arguments);
	va_end(arguments);
}

void feedback_clear(struct feedback *feedback)
{
	for (size_t i = 0; i < TRANCHES_MAX; i++)
		free(feedback->tranches[i].pairs);
	memset(feedback, 0, sizeof(*feedback));
}

/* ---- the table ---- */

/* Returns false if the file has less. */
static bool read_all(int fd, uint8_t *bytes, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t got = pread(fd, bytes + done, len - done, (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

static struct pair *unpack(const uint8_t *bytes, size_t len)
{
	struct pair *pairs = calloc(len, sizeof(pairs[0]));

	for (size_t i = 0; pairs && i < len; i++) {
		memcpy(&pairs[i].format, bytes + i * ENTRY_BYTES, 4);
		memcpy(&pairs[i].modifier, bytes + i * ENTRY_BYTES + 8, 8);
	}
	return pairs;
}

/* Entries that no index reaches are not read. */
static void read_table(struct feedback *feedback, struct feedback_table *table, int fd,
		       uint32_t bytes)
{
	size_t len = bytes / ENTRY_BYTES < TABLE_MAX ? bytes / ENTRY_BYTES : TABLE_MAX;
	uint8_t *copy = malloc(len * ENTRY_BYTES);

	if (!copy)
		spoil(feedback, -ENOMEM, "no memory for a table of %zu formats", len);
	else if (!read_all(fd, copy, len * ENTRY_BYTES))
		spoil(feedback, -EPROTO,
		      "the compositor's table of formats cannot be read, or is shorter than the %u "
		      "bytes that it says",
		      bytes);
	else if (!(table->pairs = unpack(copy, len)))
		spoil(feedback, -ENOMEM, "no memory for a table of %zu formats", len);
	else
		table->len = len;
	free(copy);
}

void feedback_read_table(struct feedback *feedback, struct feedback_table *table, int fd,
			 uint32_t bytes)
{
	struct stat status;

	free(table->pairs);
	*table = (struct feedback_table){.pairs = NULL};
	if (!bytes || bytes % ENTRY_BYTES)
		spoil(feedback, -EPROTO,
		      "the compositor's table of formats has %u bytes: no multiple of %d", bytes,
		      ENTRY_BYTES);
	else if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) /* reading might wait */
		spoil(feedback, -EPROTO, "the compositor's table of formats is no file");
	else
		read_table(feedback, table, fd, bytes);
	close(fd);
}

/* ---- tranches ---- */

static bool read_device(struct feedback *feedback, const struct wl_array *array, dev_t *ret_device)
{
	if (array->size != sizeof(*ret_device)) {
		spoil(feedback, -EPROTO,
		      "the compositor names a device with %zu bytes instead of %zu", array->size,
		      sizeof(*ret_device));
		return false;
	}
	memcpy(ret_device, array->data, sizeof(*ret_device));
	return true;
}

void feedback_set_main_device(struct feedback *feedback, const struct wl_array *device)
{
	feedback->has_main_device = read_device(feedback, device, &feedback->main_device);
}

/* The tranche that is being sent, or NULL: there are too many. */
static struct tranche *open_tranche(struct feedback *feedback)
{
	if (feedback->tranches_len < TRANCHES_MAX)
		return &feedback->tranches[feedback->tranches_len];
	spoil(feedback, -EPROTO, "the compositor sends more than %d tranches", TRANCHES_MAX);
	return NULL;
}

void feedback_set_target_device(struct feedback *feedback, const struct wl_array *device)
{
	struct tranche *tranche = open_tranche(feedback);

	if (tranche)
		tranche->has_device = read_device(feedback, device, &tranche->device);
}

void feedback_set_flags(struct feedback *feedback, bool scanout)
{
	struct tranche *tranche = open_tranche(feedback);

	if (tranche)
		tranche->scanout = scanout;
}

static void add_pairs(struct feedback *feedback, struct tranche *tranche,
		      const struct feedback_table *table, const uint16_t *indices, size_t len)
{
	struct pair *pairs = realloc(tranche->pairs, (tranche->pairs_len + len) * sizeof(pairs[0]));

	if (!pairs) {
		spoil(feedback, -ENOMEM, "no memory for %zu formats", tranche->pairs_len + len);
		return;
	}
	tranche->pairs = pairs;
	for (size_t i = 0; i < len; i++) {
		if (indices[i] >= table->len) {
			spoil(feedback, -EPROTO,
			      "the compositor names format %u of a table that has %zu", indices[i],
			      table->len);
			return;
		}
		pairs[tranche->pairs_len++] = table->pairs[indices[i]];
	}
	feedback->pairs_len += len;
}

void feedback_add_formats(struct feedback *feedback, const struct feedback_table *table,
			  const struct wl_array *indices)
{
	struct tranche *tranche = open_tranche(feedback);
	size_t len = indices->size / sizeof(uint16_t);

	if (!tranche || feedback->error || !indices->size)
		return;
	if (indices->size % sizeof(uint16_t))
		spoil(feedback, -EPROTO,
		      "the compositor lists formats in %zu bytes: no multiple of 2", indices->size);
	else if (len > PAIRS_MAX - feedback->pairs_len)
		spoil(feedback, -EPROTO, "the compositor lists more than %d formats", PAIRS_MAX);
	else
		add_pairs(feedback, tranche, table, indices->data, len);
}

void feedback_end_tranche(struct feedback *feedback)
{
	struct tranche *tranche = open_tranche(feedback);

	if (!tranche)
		return;
	if (!tranche->has_device)
		spoil(feedback, -EPROTO, "the compositor sends a tranche without a target device");
	feedback->tranches_len++;
}

void feedback_check(struct feedback *feedback)
{
	const struct tranche *open = feedback->tranches_len < TRANCHES_MAX
					     ? &feedback->tranches[feedback->tranches_len]
					     : NULL;

	if (open && (open->has_device || open->pairs_len))
		spoil(feedback, -EPROTO, "the compositor's feedback ends amid a tranche");
	if (!feedback->has_main_device)
		spoil(feedback, -EPROTO, "the compositor names no main device");
	if (!feedback->pairs_len)
		spoil(feedback, -EPROTO, "the compositor names no format");
}

/* ---- looking ---- */

bool feedback_has(const struct feedback *feedback, uint32_t format, uint64_t modifier)
{
	for (size_t i = 0; i < feedback->tranches_len; i++)
		for (size_t j = 0; j < feedback->tranches[i].pairs_len; j++)
			if (feedback->tranches[i].pairs[j].format == format &&
			    feedback->tranches[i].pairs[j].modifier == modifier)
				return true;
	return false;
}

const struct tranche *feedback_find_scanout(const struct feedback *feedback)
{
	for (size_t i = 0; i < feedback->tranches_len; i++)
		if (feedback->tranches[i].scanout)
			return &feedback->tranches[i];
	return NULL;
}

/* ---- in order of preference ---- */

struct choice {
	struct pair pair;
	size_t place;
};

static int by_pair(const void *a, const void *b)
{
	const struct choice *left = a, *right = b;

	if (left->pair.format != right->pair.format)
		return left->pair.format < right->pair.format ? -1 : 1;
	if (left->pair.modifier != right->pair.modifier)
		return left->pair.modifier < right->pair.modifier ? -1 : 1;
	return left->place < right->place ? -1 : left->place > right->place;
}

static int by_place(const void *a, const void *b)
{
	const struct choice *left = a, *right = b;

	return left->place < right->place ? -1 : left->place > right->place;
}

static size_t gather(const struct tranche *tranche, struct choice *choices, size_t len)
{
	for (size_t i = 0; i < tranche->pairs_len; i++, len++) {
		choices[len] = (struct choice){.pair = tranche->pairs[i], .place = len};
		if (choices[len].pair.modifier == WAYLAND_IMPLICIT)
			choices[len].pair.modifier = LINEAR;
	}
	return len;
}

static size_t gather_all(const struct feedback *feedback, const struct tranche *only,
			 struct choice *choices)
{
	size_t len = 0;

	for (int scanout = 1; scanout >= 0; scanout--)
		for (size_t i = 0; i < feedback->tranches_len; i++) {
			const struct tranche *tranche = &feedback->tranches[i];

			if (tranche->scanout != scanout)
				continue;
			if (!only || (scanout && tranche->device == only->device))
				len = gather(tranche, choices, len);
		}
	return len;
}

/* Each pair once, in its first place. */
static size_t sort_out(struct choice *choices, size_t len)
{
	size_t kept = 0;

	qsort(choices, len, sizeof(choices[0]), by_pair);
	for (size_t i = 0; i < len; i++)
		if (!i || choices[i].pair.format != choices[kept - 1].pair.format ||
		    choices[i].pair.modifier != choices[kept - 1].pair.modifier)
			choices[kept++] = choices[i];
	qsort(choices, kept, sizeof(choices[0]), by_place);
	return kept;
}

/* The first, but room is kept for those that are linear, which anybody can lay out. */
static size_t cut(const struct choice *choices, size_t len, size_t max, struct pair *pairs)
{
	size_t linear = 0, others, kept = 0;

	for (size_t i = 0; i < len; i++)
		linear += choices[i].pair.modifier == LINEAR;
	others = linear < max ? max - linear : 0;
	for (size_t i = 0; i < len && kept < max; i++) {
		if (choices[i].pair.modifier != LINEAR && !others)
			continue;
		others -= choices[i].pair.modifier != LINEAR;
		pairs[kept++] = choices[i].pair;
	}
	return kept;
}

int feedback_list(const struct feedback *feedback, const struct tranche *only, size_t max,
		  struct pair **ret_pairs, size_t *ret_len, size_t *ret_left_out)
{
	struct choice *choices = calloc(feedback->pairs_len + 1, sizeof(choices[0]));
	struct pair *pairs = calloc(max, sizeof(pairs[0]));
	size_t len;

	if (!choices || !pairs) {
		free(choices);
		free(pairs);
		return -ENOMEM;
	}
	len = sort_out(choices, gather_all(feedback, only, choices));
	*ret_len = cut(choices, len, max, pairs);
	*ret_left_out = len - *ret_len;
	*ret_pairs = pairs;
	free(choices);
	return 0;
}
