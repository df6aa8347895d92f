/* SPDX-License-Identifier: MIT */
/*
 * How long the solver takes, in time of the processor, so that others on the machine disturb less:
 * a line of JSON for each measurement. Beside each stands, measured in turns with it, a floor: what
 * it costs to read every pair of every list and every heap once.
 *
 * usage: bench-solver [SECONDS]    of each measurement (default 0.3)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "broker/solver/solve.h"
#include "tests/bench/made.h"

#define RUNS_MAX 20000u
#define RUNS_MIN 5u

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* ---- the floor ---- */

static uint64_t read_list(const struct vocab_formats *list)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < list->len; i++)
		sum += list->items[i].fourcc ^ list->items[i].modifier;
	return sum;
}

static uint64_t read_devices(const struct machine *machine)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < machine->devices.len; i++) {
		const struct device *device = (const struct device *)machine->devices.items[i];
		const struct device_role *role = (const struct device_role *)device->roles.items[0];

		for (size_t j = 0; j < role->formats.len; j++) {
			const struct device_format *format =
				(const struct device_format *)role->formats.items[j];

			sum += format->format ^ format->modifier;
		}
	}
	return sum;
}

static uint64_t read_all(const struct made *made)
{
	uint64_t sum = read_devices(made->machine);

	for (size_t i = 0; i < made->request->participants.len; i++)
		sum += read_list(&((const struct participant *)made->request->participants.items[i])
					  ->formats);
	for (size_t i = 0; i < made->machine->heaps.len; i++)
		sum += vocab_number(made->machine->heaps.items[i], HEAP_ADDRESS_BITS);
	return sum;
}

/* ---- measuring ---- */

static int solve_once(const struct made *made, uint64_t *ret_ns)
{
	struct error error = {0};
	struct plan *plan = NULL;
	uint64_t start = now_ns();
	int result = solve(made->machine, made->request, &error, &plan);

	*ret_ns = now_ns() - start;
	vocab_destroy(plan);
	error_finish(&error);
	return result;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

struct series {
	uint64_t *solve, *floor;
	unsigned int runs;
	int result;
	volatile uint64_t sum; /* so that the floor is walked */
};

static void measure(const struct made *made, double seconds, struct series *series)
{
	uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);

	series->runs = 0;
	while (series->runs < RUNS_MAX && (series->runs < RUNS_MIN || now_ns() < end)) {
		uint64_t start = now_ns();

		series->sum += read_all(made);
		series->floor[series->runs] = now_ns() - start;
		series->result = solve_once(made, &series->solve[series->runs]);
		series->runs++;
	}
	qsort(series->solve, series->runs, sizeof(series->solve[0]), by_number);
	qsort(series->floor, series->runs, sizeof(series->floor[0]), by_number);
}

static const char *answer_name(int result)
{
	return result == 0	  ? "plan"
	       : result == -EXDEV ? "conflict"
	       : result == -E2BIG ? "too complex"
				  : "error";
}

static void print(const char *name, const struct made_size *size, const struct series *series)
{
	printf("{\"name\": \"%s\", \"pairs-are\": \"%s\", \"participants\": %u, \"pairs\": %u, "
	       "\"heaps\": %u, \"leaves\": %u, \"answer\": \"%s\", \"runs\": %u, "
	       "\"median-us\": %.2f, \"p99-us\": %.2f, \"floor-median-us\": %.2f}\n",
	       name, size->kind == MADE_DECLARED ? "declared" : "of devices", size->participants,
	       size->pairs, size->heaps, size->leaves, answer_name(series->result), series->runs,
	       (double)series->solve[series->runs / 2] / 1e3,
	       (double)series->solve[(size_t)series->runs * 99 / 100] / 1e3,
	       (double)series->floor[series->runs / 2] / 1e3);
	fflush(stdout);
}

static void run(const char *name, const struct made_size *size, double seconds,
		struct series *series)
{
	struct made made;

	made_create(size, &made);
	measure(&made, seconds, series);
	print(name, size, series);
	made_finish(&made);
}

/* ---- what is measured ---- */

static void run_aims(double seconds, struct series *series)
{
	static const struct made_size sizes[] = {
		{.kind = MADE_DECLARED, .participants = 3, .pairs = 64, .heaps = 6, .leaves = 1},
		{.kind = MADE_DEVICES, .participants = 3, .pairs = 64, .heaps = 6, .leaves = 1},
		{.kind = MADE_DECLARED, .participants = 16, .pairs = 1024, .heaps = 6, .leaves = 1},
		{.kind = MADE_DEVICES, .participants = 16, .pairs = 1024, .heaps = 6, .leaves = 1},
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		run("solve", &sizes[i], seconds, series);
}

static void run_growth(double seconds, struct series *series)
{
	struct made_size base = {
		.kind = MADE_DEVICES, .participants = 4, .pairs = 128, .heaps = 6, .leaves = 1};

	for (unsigned int i = 2; i <= 16; i *= 2) {
		struct made_size size = base;

		size.participants = i;
		run("growth of participants", &size, seconds, series);
	}
	for (unsigned int i = 64; i <= 1024; i *= 2) {
		struct made_size size = base;

		size.pairs = i;
		run("growth of pairs", &size, seconds, series);
	}
	for (unsigned int i = 6; i <= 96; i *= 2) {
		struct made_size size = base;

		size.heaps = i;
		run("growth of heaps", &size, seconds, series);
	}
	for (unsigned int i = 1; i <= 16; i *= 2) {
		struct made_size size = base;

		size.participants = 2;
		size.leaves = i;
		run("growth of alternatives", &size, seconds, series);
	}
}

/* From the request to the sets and their relaxations. */
static void run_conflicts(double seconds, struct series *series)
{
	for (unsigned int kind = 0; kind < 4; kind++) {
		struct made_size size = {.kind = MADE_DEVICES,
					 .participants = 3,
					 .pairs = 64,
					 .heaps = 6,
					 .leaves = 1,
					 .conflict = true,
					 .conflict_kind = kind};

		if (kind == 1)
			size.leaves = 2;
		run("conflict", &size, seconds, series);
		size.participants = 16;
		size.pairs = 1024;
		run("conflict", &size, seconds, series);
	}
}

/* ---- the worst ---- */

static unsigned int draw(uint64_t *state, unsigned int below)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)(*state >> 33) % below;
}

/* Draws one of its properties anew. */
static void vary(uint64_t *state, struct made_size *size, unsigned int property)
{
	static const unsigned int participants[] = {2, 3, 4, 5, 8, 12, 16},
				  leaves[] = {1, 2, 4, 8, 16, 64},
				  pairs[] = {64, 128, 256, 512, 1024},
				  heaps[] = {1, 6, 16, 32, 64, 128};

	switch (property) {
	case 0:
		size->kind = draw(state, 2) ? MADE_DEVICES : MADE_DECLARED;
		break;
	case 1:
		size->participants = participants[draw(state, 7)];
		break;
	case 2:
		size->leaves = leaves[draw(state, 6)];
		break;
	case 3:
		size->pairs = pairs[draw(state, 5)];
		break;
	case 4:
		size->heaps = heaps[draw(state, 6)];
		break;
	case 5:
		size->conflict = draw(state, 4) != 0;
		size->conflict_kind = draw(state, 4);
		break;
	default:
		size->seed = draw(state, 1000);
		break;
	}
}

/* Looks for what takes longest: first anywhere, then near the worst that is known. */
static void run_worst(struct series *series, unsigned int tries)
{
	struct made_size worst = {0};
	uint64_t worst_ns = 0, ns, state = 1;

	for (unsigned int i = 0; i < tries; i++) {
		struct made_size size = worst;
		struct made made;

		for (unsigned int j = 0; j < 7; j++)
			if (i < tries / 2 || draw(&state, 4) == 0)
				vary(&state, &size, j);
		made_create(&size, &made);
		(void)solve_once(&made, &ns);
		made_finish(&made);
		if (ns > worst_ns) {
			worst_ns = ns;
			worst = size;
		}
	}
	run("worst of those tried", &worst, 0, series);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 0.3;
	struct series series = {.solve = calloc(RUNS_MAX, sizeof(uint64_t)),
				.floor = calloc(RUNS_MAX, sizeof(uint64_t))};

	if (!series.solve || !series.floor)
		abort();
	run_aims(seconds, &series);
	run_growth(seconds, &series);
	run_conflicts(seconds, &series);
	run_worst(&series, seconds < 0.1 ? 20 : 300);
	free(series.solve);
	free(series.floor);
	return 0;
}
