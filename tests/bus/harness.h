/* SPDX-License-Identifier: MIT */
/*
 * A private bus and a daemon of the build directory for each test, and calls to them over raw
 * libdbus. Everything is bounded in time, ends by pid, and dies with the test.
 *
 * Environment: BUILD (build directory), SRC (repository).
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <check.h>
#include <dbus/dbus.h>
#include <stdbool.h>
#include <sys/types.h>

enum transport { TRANSPORT_BUS, TRANSPORT_SOCKET, TRANSPORTS };

struct harness {
	char dir[64];
	char bus_address[96];
	char socket_path[96];
	char socket_address[112];
	pid_t bus;
	pid_t daemon;
	int fifo; /* to the made-up devices; 0: none */
};

extern struct harness harness;

/* Fixtures: bus and daemon with both transports. */
void harness_start(void);
void harness_stop(void);

/*
 * The same with a daemon whose devices are made up, `program` of tests/bus (made-up-probe.c), and
 * has something happen to these: a line of made-up-probe.c.
 */
void harness_start_made_up(const char *program);
void harness_happen(const char *line);

/* The parts of them. The daemon is ready when it answers at its socket. */
void harness_start_bus(void);
pid_t harness_start_daemon(const char *socket, const char *bus);
void harness_wait_ready(void);

/* Starts a program with its output in `log` below harness.dir (NULL: ours). */
pid_t harness_spawn(const char *const *argv, const char *log);

/* Returns the exit code, or -1 when it does not end within `ms` (it is killed then) or was killed.
 */
int harness_wait(pid_t pid, int ms);

void harness_sleep_ms(int ms);

/* Calls `done` until it is true, `ms` at most. Returns what it said last. */
bool harness_until(bool (*done)(void), int ms);

size_t harness_count_fds(pid_t pid);

/* The daemon's fds when nothing comes or goes any more. */
size_t harness_count_idle_fds(void);

/* A connection of its own. Fails the test, or returns NULL, when there is none. */
DBusConnection *harness_connect(enum transport transport);
DBusConnection *harness_try_connect(enum transport transport);
void harness_disconnect(DBusConnection *connection);

DBusMessage *harness_new_call(const char *path, const char *interface, const char *member);

/* Takes the call. Returns owned the answer, be it an error or not; no answer fails the test. */
DBusMessage *harness_call(DBusConnection *connection, DBusMessage *call);

/* The same, and the answer must be no error, or the one called `name`; `text` in its sentence. */
DBusMessage *harness_succeed(DBusConnection *connection, DBusMessage *call);
void harness_fail(DBusConnection *connection, DBusMessage *call, const char *name,
		  const char *text);

/* ---- requests ---- */

/* A call of the Manager with an open dictionary. */
struct request_call {
	DBusMessage *message;
	DBusMessageIter args;
	DBusMessageIter dict;
};

void request_begin(struct request_call *call, const char *member);
/* Returns borrowed the message, complete. */
DBusMessage *request_end(struct request_call *call);

void dict_add(DBusMessageIter *dict, const char *key, int type, const void *value);
void dict_add_u32(DBusMessageIter *dict, const char *key, uint32_t value);
void dict_add_string(DBusMessageIter *dict, const char *key, const char *value);
/* A list of `len` participants, all alike; device or role may be NULL. */
void dict_add_participants(DBusMessageIter *dict, const char *device, const char *role, size_t len);
/* The key formats, with one pair. */
void dict_add_format(DBusMessageIter *dict, uint32_t fourcc, uint64_t modifier);
/* The only heap that may serve. */
void dict_add_heap(DBusMessageIter *dict, const char *heap);
/* What every good request has: 640x480. */
void dict_add_size(DBusMessageIter *dict);
/* The value of a key as an iterator; false: no such key. */
bool dict_find(DBusMessageIter *dict, const char *key, DBusMessageIter *ret_value);

/* Devices and heaps there are. */
size_t harness_count_objects(DBusConnection *connection, const char *prefix);

int harness_main(Suite *suite);

#endif
