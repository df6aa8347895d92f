/* SPDX-License-Identifier: MIT */
/*
 * What is told when devices and facts come, go and change: by the daemon on both transports, by the
 * library, by the tool. The daemon is the real one with made-up devices (made-up-probe.c).
 */
#include "tests/bus/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <dmabroker.h>

#include "broker/model/descriptor.h"
#include "protocol/wire.h"

#define PROPERTIES_CHANGED "PropertiesChanged"
#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"
#define WAIT_MS 10000

static void setup(void)
{
	harness_start_made_up("dmabrokerd-made-up");
	setenv("DBUS_SYSTEM_BUS_ADDRESS", harness.bus_address, 1);
}

/* ---- signals ---- */

static DBusConnection *listen_to(enum transport transport)
{
	DBusConnection *connection = harness_connect(transport);

	if (transport == TRANSPORT_BUS) {
		dbus_bus_add_match(connection, "type='signal',sender='" WIRE_NAME "'", NULL);
		dbus_connection_flush(connection);
	}
	/* whatever is answered after this is told */
	harness_count_objects(connection, WIRE_PATH_DEVICE);
	return connection;
}

/* The next signal of ours; NULL: none comes in time. */
static DBusMessage *next_signal(DBusConnection *connection, int ms)
{
	DBusMessage *message;

	for (int waited = 0; waited <= ms;) {
		message = dbus_connection_pop_message(connection);
		if (message && dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_SIGNAL &&
		    strncmp(dbus_message_get_path(message), WIRE_PATH, strlen(WIRE_PATH)) == 0)
			return message;
		if (message) {
			dbus_message_unref(message);
			continue;
		}
		dbus_connection_read_write(connection, 20);
		waited += 20;
	}
	return NULL;
}

/* Writes the keys of an a{sv} or as into `text`, with a comma behind each. */
static void write_keys(DBusMessageIter *iter, char *text, size_t size)
{
	DBusMessageIter list, entry;
	const char *key;

	dbus_message_iter_recurse(iter, &list);
	for (; dbus_message_iter_get_arg_type(&list) != DBUS_TYPE_INVALID;
	     dbus_message_iter_next(&list)) {
		entry = list;
		if (dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_DICT_ENTRY)
			dbus_message_iter_recurse(&list, &entry);
		dbus_message_iter_get_basic(&entry, &key);
		snprintf(text + strlen(text), size - strlen(text), "%s,", key);
	}
}

/* "INTERFACE changed: a,b, invalidated: c," */
static void describe(DBusMessage *signal, char *text, size_t size)
{
	DBusMessageIter iter;
	const char *interface;

	ck_assert(dbus_message_is_signal(signal, DBUS_INTERFACE_PROPERTIES, PROPERTIES_CHANGED));
	ck_assert_str_eq(dbus_message_get_signature(signal), "sa{sv}as");
	dbus_message_iter_init(signal, &iter);
	dbus_message_iter_get_basic(&iter, &interface);
	snprintf(text, size, "%s changed: ", interface);
	dbus_message_iter_next(&iter);
	write_keys(&iter, text, size);
	snprintf(text + strlen(text), size - strlen(text), " invalidated: ");
	dbus_message_iter_next(&iter);
	write_keys(&iter, text, size);
}

/* The next two signals are those of one change, of the object at `path`. */
static void expect_change(DBusConnection *connection, const char *path, const char *properties,
			  const char *facts)
{
	const char *expected[] = {properties, facts};
	char text[512];

	for (int i = 0; i < 2; i++) {
		DBusMessage *signal = next_signal(connection, WAIT_MS);

		ck_assert_msg(signal, "no signal: %s", expected[i]);
		ck_assert_str_eq(dbus_message_get_path(signal), path);
		describe(signal, text, sizeof(text));
		ck_assert_str_eq(text, expected[i]);
		dbus_message_unref(signal);
	}
}

#define CAM0 WIRE_PATH_DEVICE "cam0"
#define DEVICE_INVALIDATED WIRE_DEVICE " changed:  invalidated: Facts,"
#define HEAP_INVALIDATED WIRE_HEAP " changed:  invalidated: Facts,"

static const struct {
	const char *line;
	const char *path;
	const char *properties;
	const char *facts;
} changes[] = {
	{"set cam0 address-bits 40", CAM0, DEVICE_INVALIDATED,
	 WIRE_FACTS " changed: address-bits, invalidated: "},
	{"clear cam0 coherency", CAM0, DEVICE_INVALIDATED,
	 WIRE_FACTS " changed:  invalidated: coherency,"},
	{"set cam0 coherency non-coherent", CAM0, DEVICE_INVALIDATED,
	 WIRE_FACTS " changed: coherency, invalidated: "},
	/* the same, found in another way: the origin is news */
	{"set cam0 name cam0", CAM0, WIRE_DEVICE " changed: Name, invalidated: Facts,",
	 WIRE_FACTS " changed: name, invalidated: "},
	{"set cam0 coherency coherent", NULL, NULL, NULL},
	{"role cam0 contiguity whole", CAM0, DEVICE_INVALIDATED,
	 WIRE_FACTS " changed: roles, invalidated: "},
	{"set cam0 node /dev/video9", CAM0, WIRE_DEVICE " changed: Node, invalidated: Facts,",
	 WIRE_FACTS " changed: node, invalidated: "},
	{"set cam0 driver other", CAM0, WIRE_DEVICE " changed: Driver, invalidated: Facts,",
	 WIRE_FACTS " changed: driver, invalidated: "},
	{"set system capacity-bytes 65536", WIRE_PATH_HEAP "system", HEAP_INVALIDATED,
	 WIRE_FACTS " changed: capacity-bytes, invalidated: "},
	/* nothing that need be told */
	{"touch cam0", NULL, NULL, NULL},
	{"set cam0 number 77", NULL, NULL, NULL},
	{"how cam0 coherency:asked", NULL, NULL, NULL},
	{"set system free-bytes 4096", NULL, NULL, NULL},
};

#define CHANGES ((int)(sizeof(changes) / sizeof(changes[0])))

START_TEST(a_change_is_told_and_nothing_else)
{
	DBusConnection *connection = listen_to(_i / CHANGES);

	harness_happen(changes[_i % CHANGES].line);
	if (changes[_i % CHANGES].path)
		expect_change(connection, changes[_i % CHANGES].path,
			      changes[_i % CHANGES].properties, changes[_i % CHANGES].facts);
	/* what comes next is the next change: nothing was between */
	harness_happen("set codec address-bits 41");
	expect_change(connection, WIRE_PATH_DEVICE "codec", DEVICE_INVALIDATED,
		      WIRE_FACTS " changed: address-bits, invalidated: ");
	harness_disconnect(connection);
}
END_TEST

START_TEST(what_is_quiet_is_told_with_other_changes)
{
	DBusConnection *connection = listen_to(_i);

	harness_happen("set system free-bytes 4096");
	harness_happen("how system capacity-bytes:asked");
	harness_happen("set system capacity-bytes 65536");
	/* the three may have been measured at once: what is told last has been told with them */
	for (;;) {
		DBusMessage *signal = next_signal(connection, WAIT_MS);
		char text[512];

		ck_assert_ptr_nonnull(signal);
		describe(signal, text, sizeof(text));
		dbus_message_unref(signal);
		if (strncmp(text, WIRE_FACTS, strlen(WIRE_FACTS)) != 0)
			continue;
		ck_assert_ptr_nonnull(strstr(text, "capacity-bytes,"));
		break;
	}
	ck_assert_ptr_null(next_signal(connection, 300));
	harness_disconnect(connection);
}
END_TEST

/* The value of a fact in a signal: (vs). */
START_TEST(a_change_has_the_new_value_and_its_origin)
{
	DBusConnection *connection = listen_to(_i);
	DBusMessageIter iter, value, pair, inner;
	DBusMessage *signal;
	const char *origin;
	dbus_uint32_t bits;

	harness_happen("set cam0 address-bits 40");
	dbus_message_unref(next_signal(connection, WAIT_MS));
	signal = next_signal(connection, WAIT_MS);
	ck_assert_ptr_nonnull(signal);
	dbus_message_iter_init(signal, &iter);
	dbus_message_iter_next(&iter);
	ck_assert(dict_find(&iter, "address-bits", &value));
	dbus_message_iter_recurse(&value, &pair);
	dbus_message_iter_recurse(&pair, &inner);
	dbus_message_iter_get_basic(&inner, &bits);
	dbus_message_iter_next(&pair);
	dbus_message_iter_get_basic(&pair, &origin);
	ck_assert_uint_eq(bits, 40);
	ck_assert_str_eq(origin, "measured");
	dbus_message_unref(signal);
	harness_disconnect(connection);
}
END_TEST

START_TEST(coming_and_going_is_told)
{
	static const char *const members[] = {"InterfacesRemoved", "InterfacesAdded"};
	DBusConnection *connection = listen_to(_i);
	DBusMessageIter iter;
	const char *path;

	harness_happen("remove cam0");
	harness_happen("add cam0");
	for (int i = 0; i < 2; i++) {
		DBusMessage *signal = next_signal(connection, WAIT_MS);

		ck_assert_ptr_nonnull(signal);
		ck_assert(dbus_message_is_signal(signal, OBJECT_MANAGER, members[i]));
		dbus_message_iter_init(signal, &iter);
		dbus_message_iter_get_basic(&iter, &path);
		ck_assert_str_eq(path, CAM0);
		dbus_message_unref(signal);
	}
	harness_disconnect(connection);
}
END_TEST

/* ---- facts as properties ---- */

static DBusMessage *new_get(const char *path, const char *interface, const char *name)
{
	DBusMessage *call = harness_new_call(path, DBUS_INTERFACE_PROPERTIES, "Get");

	ck_assert(dbus_message_append_args(call, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING,
					   &name, DBUS_TYPE_INVALID));
	return call;
}

static DBusMessage *new_get_all(const char *path, const char *interface)
{
	DBusMessage *call = harness_new_call(path, DBUS_INTERFACE_PROPERTIES, "GetAll");

	ck_assert(dbus_message_append_args(call, DBUS_TYPE_STRING, &interface, DBUS_TYPE_INVALID));
	return call;
}

/* The signature of the variant that Get answers. */
static void expect_get(DBusConnection *connection, const char *path, const char *name,
		       const char *signature)
{
	DBusMessage *reply = harness_succeed(connection, new_get(path, WIRE_FACTS, name));
	DBusMessageIter iter, variant;
	char *found;

	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_recurse(&iter, &variant);
	found = dbus_message_iter_get_signature(&variant);
	ck_assert_str_eq(found, signature);
	dbus_free(found);
	dbus_message_unref(reply);
}

START_TEST(a_fact_is_a_property)
{
	static const char unknown[] = DBUS_ERROR_UNKNOWN_PROPERTY;
	DBusConnection *connection = harness_connect(_i);

	expect_get(connection, CAM0, "coherency", "(vs)");
	expect_get(connection, CAM0, "roles", "aa{sv}");
	expect_get(connection, WIRE_PATH_HEAP "system", "cached", "(vs)");
	/* absent, local, none at all, of another interface */
	harness_fail(connection, new_get(CAM0, WIRE_FACTS, "address-max"), unknown, NULL);
	harness_fail(connection, new_get(CAM0, WIRE_FACTS, "number"), unknown, NULL);
	harness_fail(connection, new_get(CAM0, WIRE_FACTS, "frobnicate"), unknown, NULL);
	harness_fail(connection, new_get(CAM0, WIRE_DEVICE, "coherency"), unknown, NULL);
	harness_fail(connection, new_get(WIRE_PATH, WIRE_FACTS, "coherency"),
		     DBUS_ERROR_UNKNOWN_INTERFACE, NULL);
	harness_fail(connection, new_get_all(WIRE_PATH, WIRE_FACTS), DBUS_ERROR_UNKNOWN_INTERFACE,
		     NULL);
	harness_disconnect(connection);
}
END_TEST

static void *read_facts(DBusMessageIter *iter, const struct vocab_group *group)
{
	struct vocab_head *record;

	ck_assert_int_eq(wire_read_record(iter, group, NULL, &record), 0);
	return record;
}

START_TEST(all_facts_are_the_property_facts)
{
	DBusConnection *connection = harness_connect(_i);
	DBusMessage *all = harness_succeed(connection, new_get_all(CAM0, WIRE_FACTS));
	DBusMessage *one = harness_succeed(connection, new_get(CAM0, WIRE_DEVICE, "Facts"));
	DBusMessageIter iter, variant;
	struct vocab_head *a, *b;

	dbus_message_iter_init(all, &iter);
	a = read_facts(&iter, &vocab_device);
	dbus_message_iter_init(one, &iter);
	dbus_message_iter_recurse(&iter, &variant);
	b = read_facts(&variant, &vocab_device);
	for (unsigned int row = 0; row < vocab_device.rows_len; row++)
		ck_assert(vocab_equal(a, b, row));
	vocab_destroy(a);
	vocab_destroy(b);
	dbus_message_unref(all);
	dbus_message_unref(one);
	harness_disconnect(connection);
}
END_TEST

START_TEST(the_machine_is_a_property)
{
	DBusConnection *connection = harness_connect(_i);
	DBusMessage *reply =
		harness_succeed(connection, new_get(WIRE_PATH, WIRE_MANAGER, "Machine"));
	DBusMessageIter iter, variant;
	struct machine *machine;

	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_recurse(&iter, &variant);
	ck_assert(!dict_find(&variant, "devices", &iter));
	machine = read_facts(&variant, &vocab_machine);
	ck_assert_str_eq(vocab_string(machine, MACHINE_ARCHITECTURE), "made-up");
	ck_assert_uint_eq(vocab_number(machine, MACHINE_MEMORY_MAX), 0x3fffffff);
	ck_assert_int_eq(vocab_origin(machine, MACHINE_BOUNCE), VOCAB_ASSUMED);
	ck_assert_uint_eq(machine->how.len, 1);
	ck_assert_uint_eq(machine->devices.len, 0);
	vocab_destroy(machine);
	dbus_message_unref(reply);
	harness_disconnect(connection);
}
END_TEST

/* ---- the library ---- */

static struct dmabroker *library(enum transport transport)
{
	struct dmabroker *broker;

	ck_assert_int_eq(
		dmabroker_connect(transport == TRANSPORT_BUS ? "system" : harness.socket_address,
				  &broker),
		0);
	return broker;
}

struct heard {
	int count;
	enum dmabroker_change change;
	char what[256]; /* kind, id and keys */
};

static void hear(void *data, enum dmabroker_change change, const char *kind, const char *id,
		 const char *const *keys)
{
	struct heard *heard = data;

	heard->count++;
	heard->change = change;
	snprintf(heard->what, sizeof(heard->what), "%s %s", kind, id);
	ck_assert((change == DMABROKER_CHANGE_CHANGED) == (keys != NULL));
	for (; keys && *keys; keys++)
		snprintf(heard->what + strlen(heard->what),
			 sizeof(heard->what) - strlen(heard->what), " %s", *keys);
}

/* Waits for the next change. */
static void expect_heard(struct dmabroker *broker, struct heard *heard,
			 enum dmabroker_change change, const char *what)
{
	struct pollfd ready = {.fd = dmabroker_get_fd(broker), .events = POLLIN};

	*heard = (struct heard){0};
	while (!heard->count) {
		ck_assert_msg(poll(&ready, 1, WAIT_MS) == 1, "nothing heard: %s", what);
		ck_assert_int_ge(dmabroker_dispatch(broker), 0);
	}
	ck_assert_int_eq(heard->count, 1);
	ck_assert_int_eq((int)heard->change, (int)change);
	ck_assert_str_eq(heard->what, what);
}

START_TEST(the_library_tells_which_keys_changed)
{
	struct dmabroker *broker = library(_i);
	struct heard heard;

	dmabroker_set_change_callback(broker, hear, &heard);
	harness_happen("set cam0 address-bits 40");
	expect_heard(broker, &heard, DMABROKER_CHANGE_CHANGED, "device cam0 address-bits");
	harness_happen("clear cam0 coherency");
	expect_heard(broker, &heard, DMABROKER_CHANGE_CHANGED, "device cam0 coherency");
	harness_happen("touch cam0");
	harness_happen("set reserved free-bytes 5");
	harness_happen("set reserved capacity-bytes 6");
	for (;;) {
		struct pollfd ready = {.fd = dmabroker_get_fd(broker), .events = POLLIN};

		heard.count = 0;
		ck_assert_int_eq(poll(&ready, 1, WAIT_MS), 1);
		dmabroker_dispatch(broker);
		if (!heard.count)
			continue;
		ck_assert_ptr_nonnull(strstr(heard.what, "heap reserved"));
		ck_assert_ptr_nonnull(strstr(heard.what, "capacity-bytes"));
		break;
	}
	harness_happen("remove lcd");
	expect_heard(broker, &heard, DMABROKER_CHANGE_REMOVED, "device lcd");
	harness_happen("add lcd");
	expect_heard(broker, &heard, DMABROKER_CHANGE_ADDED, "device lcd");
	dmabroker_disconnect(broker);
}
END_TEST

/* Anybody on the bus may send what looks like the daemon's signals, to one client or to all. */
START_TEST(signals_of_strangers_are_not_heard)
{
	struct dmabroker *broker = library(TRANSPORT_BUS);
	DBusConnection *stranger = harness_connect(TRANSPORT_BUS);
	struct heard heard = {0};
	char name[16];

	dmabroker_set_change_callback(broker, hear, &heard);
	for (int i = 1; i < 40; i++) { /* the client is one of these */
		DBusMessage *signal =
			dbus_message_new_signal(WIRE_PATH, OBJECT_MANAGER, "InterfacesRemoved");
		const char *path = CAM0, **interfaces = NULL;

		snprintf(name, sizeof(name), ":1.%d", i);
		dbus_message_set_destination(signal, name);
		dbus_message_append_args(signal, DBUS_TYPE_OBJECT_PATH, &path, DBUS_TYPE_ARRAY,
					 DBUS_TYPE_STRING, &interfaces, 0, DBUS_TYPE_INVALID);
		dbus_connection_send(stranger, signal, NULL);
		dbus_message_unref(signal);
	}
	dbus_connection_flush(stranger);
	dbus_message_unref(harness_call(
		stranger, dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
						       DBUS_INTERFACE_DBUS, "GetId")));
	harness_happen("set cam1 address-bits 40");
	expect_heard(broker, &heard, DMABROKER_CHANGE_CHANGED, "device cam1 address-bits");
	harness_disconnect(stranger);
	dmabroker_disconnect(broker);
}
END_TEST

static struct dmabroker_record *new_request(const char *first, const char *second)
{
	struct dmabroker_record *request, *participant;

	ck_assert_int_eq(dmabroker_request_create(&request), 0);
	dmabroker_record_set_uint(request, "width", 640);
	dmabroker_record_set_uint(request, "height", 480);
	ck_assert_int_eq(dmabroker_request_add_participant(request, "a", NULL, &participant), 0);
	dmabroker_record_set_string(participant, "device", first);
	ck_assert_int_eq(dmabroker_request_add_participant(request, "b", NULL, &participant), 0);
	dmabroker_record_set_string(participant, "device", second);
	return request;
}

static void expect_same(struct dmabroker *online, struct dmabroker *offline, const char *first,
			const char *second)
{
	struct dmabroker_record *request = new_request(first, second), *plan[2] = {NULL, NULL};
	int result = dmabroker_plan(online, request, &plan[0]);

	ck_assert_int_eq(dmabroker_plan(offline, request, &plan[1]), result);
	ck_assert_str_eq(dmabroker_get_error(online), dmabroker_get_error(offline));
	ck_assert_str_eq(dmabroker_get_error_text(online), dmabroker_get_error_text(offline));
	for (unsigned int row = 0; plan[0] && row < vocab_plan.rows_len; row++) {
		/* where a value comes from does not travel with a plan */
		if (vocab_plan.rows[row].type != VOCAB_DICTS)
			ck_assert(vocab_has(plan[0], row) == vocab_has(plan[1], row) &&
				  vocab_number(plan[0], row) == vocab_number(plan[1], row));
	}
	if (plan[0]) {
		char *a = dmabroker_plan_describe(plan[0]), *b = dmabroker_plan_describe(plan[1]);

		ck_assert_str_eq(a, b);
		free(a);
		free(b);
	}
	dmabroker_record_destroy(plan[0]);
	dmabroker_record_destroy(plan[1]);
	dmabroker_record_destroy(request);
}

START_TEST(a_machine_plans_offline_as_the_daemon_does)
{
	static const char *const devices[] = {"cam0",  "cam1",	 "lcd",	   "vkms",
					      "bochs", "padder", "nobody", "/dev/lcd"};
	struct dmabroker *online = library(_i), *offline;
	struct dmabroker_record *machine;

	ck_assert_int_eq(dmabroker_get_machine(online, &machine), 0);
	ck_assert_str_eq(dmabroker_record_get_string(machine, "architecture"), "made-up");
	ck_assert_str_eq(dmabroker_record_get_origin(machine, "bounce"), "assumed");
	ck_assert_uint_gt(dmabroker_record_get_len(machine, "devices"), 5);
	ck_assert_uint_gt(dmabroker_record_get_len(machine, "heaps"), 2);
	ck_assert_int_eq(dmabroker_open_machine(machine, &offline), 0);
	dmabroker_record_destroy(machine);
	for (size_t i = 0; i < 8; i++)
		for (size_t j = 0; j < 8; j++)
			expect_same(online, offline, devices[i], devices[j]);
	dmabroker_disconnect(offline);
	dmabroker_disconnect(online);
}
END_TEST

/* ---- a daemon that goes ---- */

/* Kills the daemon after a while, when a call waits for it. Returns the killer's pid. */
static pid_t kill_later(void)
{
	pid_t pid;

	kill(harness.daemon, SIGSTOP);
	pid = fork();
	if (pid == 0) {
		harness_sleep_ms(300);
		kill(harness.daemon, SIGKILL);
		_exit(0);
	}
	return pid;
}

START_TEST(a_daemon_that_dies_during_a_call_is_gone)
{
	struct dmabroker *broker = library(_i / 3);
	struct dmabroker_record *machine = (void *)&machine, **records;
	size_t len;
	pid_t killer = kill_later();
	int result = _i % 3 == 0   ? dmabroker_get_machine(broker, &machine)
		     : _i % 3 == 1 ? dmabroker_list_devices(broker, &records, &len)
				   : dmabroker_list_heaps(broker, &records, &len);

	ck_assert_int_eq(result, -ENOTCONN);
	ck_assert_ptr_eq(machine, (void *)&machine);
	ck_assert_int_eq(dmabroker_get_machine(broker, &machine), -ENOTCONN);
	harness_wait(killer, WAIT_MS);
	harness_wait(harness.daemon, WAIT_MS);
	harness.daemon = 0;
	dmabroker_disconnect(broker);
}
END_TEST

/* ---- the tool ---- */

static const char *tool_address(enum transport transport)
{
	return transport == TRANSPORT_BUS ? "system" : harness.socket_address;
}

static pid_t start_tool(enum transport transport, const char *verb, const char *option)
{
	const char *argv[] = {NULL, verb, "--address", tool_address(transport), option, NULL, NULL};
	char program[512];

	snprintf(program, sizeof(program), "%s/ctl/dmabrokerctl", getenv("BUILD"));
	argv[0] = program;
	if (strcmp(verb, "dump") != 0)
		argv[5] = "--monitor";
	setenv("COLUMNS", "80", 1);
	return harness_spawn(argv, "tool.log");
}

static const char *tool_log(void)
{
	static char text[1 << 16];
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/tool.log", harness.dir);
	file = fopen(path, "r");
	text[file ? fread(text, 1, sizeof(text) - 1, file) : 0] = '\0';
	if (file)
		fclose(file);
	return text;
}

static const char *wanted_in_log;

static bool log_has(void)
{
	return strstr(tool_log(), wanted_in_log) != NULL;
}

static void expect_log(const char *text)
{
	wanted_in_log = text;
	ck_assert_msg(harness_until(log_has, WAIT_MS), "'%s' is not in: %s", text, tool_log());
}

/* Until the tool listens nothing is shown: what happens before it has listed is no news. */
static void wait_for_tool(void)
{
	static const char *const lines[] = {"set riddle address-bits 20",
					    "set riddle address-bits 21"};

	wanted_in_log = "riddle";
	for (int i = 0; i < 200 && !log_has(); i++) {
		harness_happen(lines[i % 2]);
		harness_sleep_ms(50);
	}
	ck_assert(log_has());
}

START_TEST(the_tool_shows_changes)
{
	pid_t tool = start_tool(_i, "devices", "--no-color");

	wait_for_tool();
	harness_happen("set cam0 address-bits 40");
	expect_log("\nchanged  cam0: address-bits absent -> 40 [measured]\n");
	harness_happen("clear cam0 address-bits");
	expect_log("\nchanged  cam0: address-bits 40 [measured] -> absent\n");
	harness_happen("role cam0 contiguity whole");
	expect_log(
		"\nchanged  cam0: roles[capture].contiguity none [measured] -> whole [measured]\n");
	harness_happen("remove lcd");
	expect_log("\nremoved  lcd\n");
	harness_happen("add lcd");
	expect_log("\nadded    lcd  /dev/lcd\n");
	harness_happen("set system capacity-bytes 4096"); /* of a heap: not here */
	harness_happen("touch cam0");
	harness_happen("remove vkms");
	expect_log("\nadded    lcd  /dev/lcd\nremoved  vkms\n");
	kill(tool, SIGTERM);
	harness_wait(tool, WAIT_MS);
}
END_TEST

START_TEST(the_tool_shows_changes_as_json)
{
	pid_t tool = start_tool(_i, "heaps", "--json=short");

	for (int i = 0; i < 200 && !strstr(tool_log(), "vendor"); i++) {
		harness_happen(i % 2 ? "set vendor address-bits 33" : "set vendor address-bits 34");
		harness_sleep_ms(50);
	}
	harness_happen("set system capacity-bytes 4096");
	expect_log("\n{\"change\":\"changed\",\"kind\":\"heap\",\"id\":\"system\",\"facts\":{"
		   "\"capacity-bytes\":{\"from\":");
	expect_log("\"to\":{\"value\":4096,\"origin\":\"measured\"}}}}\n");
	harness_happen("remove udmabuf");
	expect_log("\n{\"change\":\"removed\",\"kind\":\"heap\",\"id\":\"udmabuf\"}\n");
	harness_happen("add udmabuf");
	expect_log(
		"\n{\"change\":\"added\",\"kind\":\"heap\",\"id\":\"udmabuf\",\"heap\":{\"id\":");
	kill(tool, SIGTERM);
	harness_wait(tool, WAIT_MS);
}
END_TEST

START_TEST(the_tool_ends_when_the_daemon_does)
{
	pid_t tool = start_tool(_i, "devices", "--no-color");

	wait_for_tool();
	kill(harness.daemon, SIGKILL);
	harness_wait(harness.daemon, WAIT_MS);
	harness.daemon = 0;
	ck_assert_int_eq(harness_wait(tool, WAIT_MS), 3);
	ck_assert_ptr_nonnull(strstr(tool_log(), "dmabrokerctl: the broker has closed"));
}
END_TEST

START_TEST(a_dump_of_a_daemon_that_dies_is_none)
{
	pid_t killer, tool;

	killer = kill_later();
	tool = start_tool(_i, "dump", NULL);
	ck_assert_int_eq(harness_wait(tool, WAIT_MS), 3);
	ck_assert_ptr_null(strchr(tool_log(), '{'));
	harness_wait(killer, WAIT_MS);
	harness_wait(harness.daemon, WAIT_MS);
	harness.daemon = 0;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("changes");
	TCase *all = tcase_create("changes");

	tcase_add_checked_fixture(all, setup, harness_stop);
	tcase_set_timeout(all, 60);
	tcase_add_loop_test(all, a_change_is_told_and_nothing_else, 0, TRANSPORTS * CHANGES);
	tcase_add_loop_test(all, what_is_quiet_is_told_with_other_changes, 0, TRANSPORTS);
	tcase_add_loop_test(all, a_change_has_the_new_value_and_its_origin, 0, TRANSPORTS);
	tcase_add_loop_test(all, coming_and_going_is_told, 0, TRANSPORTS);
	tcase_add_loop_test(all, a_fact_is_a_property, 0, TRANSPORTS);
	tcase_add_loop_test(all, all_facts_are_the_property_facts, 0, TRANSPORTS);
	tcase_add_loop_test(all, the_machine_is_a_property, 0, TRANSPORTS);
	tcase_add_loop_test(all, the_library_tells_which_keys_changed, 0, TRANSPORTS);
	tcase_add_test(all, signals_of_strangers_are_not_heard);
	tcase_add_loop_test(all, a_machine_plans_offline_as_the_daemon_does, 0, TRANSPORTS);
	tcase_add_loop_test(all, a_daemon_that_dies_during_a_call_is_gone, 0, 3 * TRANSPORTS);
	tcase_add_loop_test(all, the_tool_shows_changes, 0, TRANSPORTS);
	tcase_add_loop_test(all, the_tool_shows_changes_as_json, 0, TRANSPORTS);
	tcase_add_loop_test(all, the_tool_ends_when_the_daemon_does, 0, TRANSPORTS);
	tcase_add_loop_test(all, a_dump_of_a_daemon_that_dies_is_none, 0, TRANSPORTS);
	suite_add_tcase(suite, all);
	return harness_main(suite);
}
