/* SPDX-License-Identifier: MIT */
/*
 * Runs a target without libFuzzer: first every file of the folders that are named, then a bounded
 * number of inputs, the same ones each time. Each of these is a seed of the target with some of its
 * bytes changed.
 *
 * DMABROKER_FUZZ_RUNS    how many inputs (20000)
 * DMABROKER_FUZZ_SEED    which ones (1)
 *
 * usage: fuzz-TARGET [FOLDER...]
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_BYTES 65536u
#define RUNS 20000u
#define CHANGES_MAX 8u

static uint64_t state;

/* xorshift64* */
static uint32_t draw(uint32_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 0x2545f4914f6cdd1dull) >> 32) % below;
}

static void copy_part(uint8_t *data, size_t size)
{
	size_t len = 1 + draw(size < 64 ? (uint32_t)size : 64);
	size_t from = draw((uint32_t)(size - len + 1)), to = draw((uint32_t)(size - len + 1));

	memmove(data + to, data + from, len);
}

/* Text that is longer in bytes than in characters. */
static void put_characters(uint8_t *data, size_t size)
{
	size_t at = draw((uint32_t)size), len = 2 * (1 + draw(200));

	for (size_t i = 0; i + 1 < len && at + i + 1 < size; i += 2)
		memcpy(data + at + i, "\xc3\xa4", 2);
}

static void change(uint8_t *data, size_t *size)
{
	static const uint8_t values[] = {0, 1, 2, 4, 8, 0x7f, 0x80, 0xff, 'a', 's', 'v', '{', '('};
	size_t at = draw((uint32_t)*size);

	switch (draw(7)) {
	case 0:
		data[at] ^= (uint8_t)(1u << draw(8));
		break;
	case 1:
		data[at] = (uint8_t)draw(256);
		break;
	case 2:
		data[at] = values[draw(sizeof(values))];
		break;
	case 3:
		data[at] += (uint8_t)(draw(2) ? 1 : -1);
		break;
	case 4:
		copy_part(data, *size);
		break;
	case 5:
		put_characters(data, *size);
		break;
	default:
		if (*size > 16 && draw(8) == 0)
			*size -= draw(16);
		break;
	}
}

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoul(text, NULL, 10) : otherwise;
}

static unsigned int count_seeds(uint8_t *data)
{
	unsigned int len = 0;

	while (fuzz_seed(len, data, INPUT_BYTES))
		len++;
	return len;
}

static void run_file(const char *folder, const char *name, uint8_t *data)
{
	char path[4096];
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "r");
	if (!file)
		abort();
	size = fread(data, 1, INPUT_BYTES, file);
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Returns how many files there were; a corpus without any is a mistake. */
static unsigned int run_folder(const char *folder, uint8_t *data)
{
	struct dirent **entries;
	int len = scandir(folder, &entries, NULL, by_name);
	unsigned int files = 0;

	for (int i = 0; i < len; i++) {
		if (entries[i]->d_name[0] != '.') {
			run_file(folder, entries[i]->d_name, data);
			files++;
		}
		free(entries[i]);
	}
	if (!files)
		abort();
	free(entries);
	return files;
}

int main(int argc, char **argv)
{
	unsigned long runs = from_environment("DMABROKER_FUZZ_RUNS", RUNS);
	uint8_t *data = malloc(INPUT_BYTES);
	unsigned int seeds = data ? count_seeds(data) : 0, files = 0;

	if (!seeds)
		abort();
	for (int i = 1; i < argc; i++)
		files += run_folder(argv[i], data);
	state = 0x9e3779b97f4a7c15ull * from_environment("DMABROKER_FUZZ_SEED", 1) | 1;
	for (unsigned long run = 0; run < runs; run++) {
		size_t size = fuzz_seed((unsigned int)(run % seeds), data, INPUT_BYTES);

		/* each seed as it is first */
		for (unsigned int i = run < seeds ? 0 : 1 + draw(CHANGES_MAX); i > 0; i--)
			change(data, &size);
		LLVMFuzzerTestOneInput(data, size);
	}
	free(data);
	printf("ok 1 - %u inputs of the corpus\n", files);
	printf("ok 2 - %lu inputs from %u seeds\n1..2\n", runs, seeds);
	return 0;
}
