/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "die.h"
#include "picture.h"

static uint64_t number(const struct dmabroker_record *record, const char *key)
{
	uint64_t value;

	if (dmabroker_record_get_uint(record, key, &value) < 0)
		die("the plan says no %s", key);
	return value;
}

struct picture picture_of_plan(const struct dmabroker_record *plan)
{
	struct picture picture = {
		.width = (uint32_t)number(plan, "width"),
		.height = (uint32_t)number(plan, "height"),
		.format = (uint32_t)number(plan, "format"),
		.modifier = number(plan, "modifier"),
	};
	const struct dmabroker_record *plane;

	for (size_t i = 0; i < 4 && !dmabroker_record_get_record(plan, "planes", i, &plane); i++) {
		picture.offsets[i] = (uint32_t)number(plane, "offset");
		picture.strides[i] = (uint32_t)number(plane, "stride");
	}
	return picture;
}

void picture_write_ppm(const struct picture *picture, const void *memory, FILE *file)
{
	const uint8_t *row = (const uint8_t *)memory + picture->offsets[0];

	fprintf(file, "P6\n%u %u\n255\n", picture->width, picture->height);
	for (uint32_t y = 0; y < picture->height; y++, row += picture->strides[0])
		for (const uint8_t *p = row; p < row + (size_t)picture->width * 4; p += 4) {
			/* it lies as blue, green, red, nothing */
			const uint8_t rgb[] = {p[2], p[1], p[0]};

			fwrite(rgb, sizeof(rgb), 1, file);
		}
}

/* Through a copy: not every file system can write straight from the memory of a device. */
void picture_write_raw(const struct picture *picture, const void *memory, FILE *file)
{
	size_t bytes = (size_t)picture->strides[0] * picture->height;
	void *copy = malloc(bytes);

	if (!copy)
		die("no memory");
	memcpy(copy, (const uint8_t *)memory + picture->offsets[0], bytes);
	fwrite(copy, bytes, 1, file);
	free(copy);
}

FILE *file_create(const char *folder, const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s%s%s", folder ? folder : "", folder ? "/" : "", name);
	file = fopen(path, "w");
	if (!file)
		die("%s: %s", path, strerror(errno));
	return file;
}

void file_finish(FILE *file)
{
	if (file && (ferror(file) | fclose(file)))
		die("cannot write a file: %s", strerror(errno));
}
