/* SPDX-License-Identifier: MIT */
/*
 * A probe of made-up devices for a daemon that is real otherwise: the program is linked with --wrap
 * for the functions of probe.h. The machine is the "pc" of tests/unit/machine.h; what happens to it
 * is told in lines, through the FIFO that DMABROKER_TEST_FIFO names:
 *
 *	remove ID		the device or heap goes
 *	add ID			it comes back
 *	set ID KEY VALUE	a fact has another value, found by measuring again
 *	clear ID KEY		a fact becomes absent
 *	role ID KEY VALUE	a fact of the device's first role
 *	how ID TEXT		another line of how the facts were obtained
 *	touch ID		it is measured again, and nothing is new
 *	quiet ID KEY VALUE	as role, of all roles, and nobody is told: found when it is asked
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/probe/probe.h"
#include "tests/unit/machine.h"

struct probe {
	struct machine *world;
	int fifo;
	char line[512];
	size_t line_len;
};

/* Measurements run on threads of their own. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct probe *the_probe;

int __wrap_probe_create(const struct probe_options *options, struct probe **ret_probe);
void __wrap_probe_destroy(struct probe *probe);
int __wrap_probe_get_fd(const struct probe *probe);
int __wrap_probe_enumerate(struct probe *probe, probe_event_fn on_event, void *data);
int __wrap_probe_dispatch(struct probe *probe, probe_event_fn on_event, void *data);
int __wrap_probe_machine(const char *root, struct machine *machine);
int __wrap_probe_measure(const struct probe_node *node, const struct probe_options *options,
			 const void *previous, void *ret_descriptor, bool *ret_again);

int __wrap_probe_create(const struct probe_options *options, struct probe **ret_probe)
{
	const char *fifo = getenv("DMABROKER_TEST_FIFO");
	struct probe *probe = calloc(1, sizeof(*probe));

	(void)options;
	if (!probe || !fifo)
		return -ENOMEM;
	probe->world = machine_by_name("pc");
	probe->fifo = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	*ret_probe = the_probe = probe;
	return probe->fifo < 0 ? -errno : 0;
}

void __wrap_probe_destroy(struct probe *probe)
{
	if (!probe)
		return;
	close(probe->fifo);
	vocab_destroy(probe->world);
	free(probe);
}

int __wrap_probe_get_fd(const struct probe *probe)
{
	return probe->fifo;
}

static void report(probe_event_fn on_event, void *data, enum probe_event event, const void *record)
{
	bool heap = ((const struct vocab_head *)record)->group == &vocab_heap;
	struct probe_node node = {
		.id = (char *)(uintptr_t)vocab_string(record, DEVICE_ID),
		.node = (char *)(uintptr_t) "/dev/null",
		.sysfs = (char *)(uintptr_t) "/sys",
		.subsystem = (char *)(uintptr_t)(heap ? "dma_heap" : "video4linux")};

	on_event(data, event, &node);
}

int __wrap_probe_enumerate(struct probe *probe, probe_event_fn on_event, void *data)
{
	for (size_t i = 0; i < probe->world->devices.len; i++)
		report(on_event, data, PROBE_ADDED, probe->world->devices.items[i]);
	for (size_t i = 0; i < probe->world->heaps.len; i++)
		report(on_event, data, PROBE_ADDED, probe->world->heaps.items[i]);
	return 0;
}

int __wrap_probe_machine(const char *root, struct machine *machine)
{
	(void)root;
	vocab_set_string(machine, MACHINE_ARCHITECTURE, "made-up", VOCAB_KERNEL);
	vocab_set_number(machine, MACHINE_MEMORY_MAX, 0x3fffffff, VOCAB_KERNEL);
	vocab_set_number(machine, MACHINE_BOUNCE, BOUNCE_NEVER, VOCAB_ASSUMED);
	return vocab_add_string(machine, MACHINE_HOW, "memory-max: made up", VOCAB_KERNEL);
}

/* ---- what happens ---- */

static void *find(const struct machine *world, const char *id)
{
	void *found = machine_find_device(world, id);

	return found ? found : machine_find_heap(world, id);
}

static void set_value(void *record, const char *key, const char *value)
{
	const struct vocab_group *group = ((struct vocab_head *)record)->group;
	int row = vocab_find(group, key), word;

	if (row < 0)
		abort();
	switch (group->rows[row].type) {
	case VOCAB_STRING:
		vocab_set_string(record, (unsigned int)row, value, VOCAB_MEASURED);
		break;
	case VOCAB_ENUM:
		word = vocab_name_index(group->rows[row].names, value);
		vocab_set_number(record, (unsigned int)row, (uint64_t)word, VOCAB_MEASURED);
		break;
	default:
		vocab_set_number(record, (unsigned int)row, strtoull(value, NULL, 0),
				 VOCAB_MEASURED);
		break;
	}
}

static void add_how(void *record, const char *text)
{
	bool heap = ((struct vocab_head *)record)->group == &vocab_heap;

	vocab_add_string(record, heap ? HEAP_HOW : DEVICE_HOW, text, VOCAB_KERNEL);
}

static enum probe_event obey(struct probe *probe, void *record, const char *verb, const char *key,
			     const char *value)
{
	int row;

	(void)probe;
	if (strcmp(verb, "set") == 0)
		set_value(record, key, value);
	if (strcmp(verb, "role") == 0)
		set_value(((struct device *)record)->roles.items[0], key, value);
	for (size_t i = 0; strcmp(verb, "quiet") == 0 && i < ((struct device *)record)->roles.len;
	     i++)
		set_value(((struct device *)record)->roles.items[i], key, value);
	if (strcmp(verb, "how") == 0)
		add_how(record, key);
	if (strcmp(verb, "clear") == 0) {
		row = vocab_find(((struct vocab_head *)record)->group, key);
		if (row >= 0)
			vocab_clear(record, (unsigned int)row);
	}
	return strcmp(verb, "remove") == 0 ? PROBE_REMOVED
	       : strcmp(verb, "add") == 0  ? PROBE_ADDED
					   : PROBE_CHANGED;
}

static void run_line(struct probe *probe, char *line, probe_event_fn on_event, void *data)
{
	char *verb = strtok(line, " "), *id = strtok(NULL, " "), *key = strtok(NULL, " ");
	char *value = strtok(NULL, "");
	void *record = id ? find(probe->world, id) : NULL;
	enum probe_event event;

	if (!record)
		abort();
	pthread_mutex_lock(&mutex);
	event = obey(probe, record, verb, key, value);
	pthread_mutex_unlock(&mutex);
	if (strcmp(verb, "quiet") != 0)
		report(on_event, data, event, record);
}

int __wrap_probe_dispatch(struct probe *probe, probe_event_fn on_event, void *data)
{
	char byte;

	while (read(probe->fifo, &byte, 1) == 1) {
		if (byte != '\n' && probe->line_len < sizeof(probe->line) - 1) {
			probe->line[probe->line_len++] = byte;
			continue;
		}
		probe->line[probe->line_len] = '\0';
		probe->line_len = 0;
		run_line(probe, probe->line, on_event, data);
	}
	return 0;
}

int __wrap_probe_measure(const struct probe_node *node, const struct probe_options *options,
			 const void *previous, void *ret_descriptor, bool *ret_again)
{
	void *found;
	int error;

	(void)options;
	(void)previous;
	*ret_again = false;
	pthread_mutex_lock(&mutex);
	found = find(the_probe->world, node->id);
	error = found ? vocab_copy(found, ret_descriptor) : -ENODEV;
	pthread_mutex_unlock(&mutex);
	return error;
}
