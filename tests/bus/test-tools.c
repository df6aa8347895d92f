/* SPDX-License-Identifier: MIT */
/* gdbus on both transports, busctl on both; and the policy: who may call what on the bus. */
#include "tests/bus/harness.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/model/error.h"
#include "protocol/wire.h"

/* ---- tools ---- */

#define PLAN "{'width': <uint32 640>, 'height': <uint32 480>, 'x-note': <'none'>}"

/* What a tool is told and must say; %s is its way to the transport. */
static const struct {
	const char *command;
	const char *says;
} tool_rows[] = {
	{"gdbus introspect %s --dest org.dmabroker1 --object-path /org/dmabroker1",
	 "interface org.dmabroker1.Manager"},
	{"gdbus call %s --dest org.dmabroker1 --object-path /org/dmabroker1 "
	 "--method org.freedesktop.DBus.Properties.Get org.dmabroker1.Manager Version",
	 "(<'"},
	{"gdbus call %s --dest org.dmabroker1 --object-path /org/dmabroker1 "
	 "--method org.freedesktop.DBus.ObjectManager.GetManagedObjects",
	 "{"},
	{"gdbus call %s --dest org.dmabroker1 --object-path /org/dmabroker1 "
	 "--method org.dmabroker1.Manager.Plan \"" PLAN "\" 2>&1",
	 "org.dmabroker1.Error.InvalidRequest"},
	{"gdbus call %s --dest org.dmabroker1 --object-path /org/dmabroker1/collection/1 "
	 "--method org.dmabroker1.Collection.Release 2>&1",
	 "org.dmabroker1.Error.Gone"},
	{"busctl %s tree org.dmabroker1", "/org/dmabroker1/heap"},
	{"busctl %s introspect org.dmabroker1 /org/dmabroker1", "org.dmabroker1.Manager"},
	{"busctl %s get-property org.dmabroker1 /org/dmabroker1 org.dmabroker1.Manager Version",
	 "s \""},
	{"busctl %s call org.dmabroker1 /org/dmabroker1 org.dmabroker1.Manager Plan 'a{sv}' 1 "
	 "width u 640 2>&1",
	 "nothing"},
};

#define TOOL_ROWS ((int)(sizeof(tool_rows) / sizeof(tool_rows[0])))

static const char *way_to(enum transport transport, const char *command)
{
	static char way[160];
	bool bus = transport == TRANSPORT_BUS;

	if (strncmp(command, "gdbus", 5) == 0 && bus)
		return "--system";
	snprintf(way, sizeof(way), "%s%s",
		 strncmp(command, "gdbus", 5) == 0 ? "--address " : "--address=",
		 bus ? harness.bus_address : harness.socket_address);
	return way;
}

static bool has_tool(const char *command)
{
	char test[64];

	snprintf(test, sizeof(test), "command -v %.*s >/dev/null", (int)strcspn(command, " "),
		 command);
	return system(test) == 0;
}

START_TEST(tools_can_call)
{
	const char *command = tool_rows[_i % TOOL_ROWS].command;
	char line[700], output[1 << 16];
	FILE *pipe;

	ck_assert_msg(has_tool(command), "not installed: %s", command);
	snprintf(line, sizeof(line), "timeout 20 ");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(line + strlen(line), sizeof(line) - strlen(line), command,
		 way_to(_i / TOOL_ROWS, command));
#pragma GCC diagnostic pop
	setenv("DBUS_SYSTEM_BUS_ADDRESS", harness.bus_address, 1);
	pipe = popen(line, "r");
	ck_assert_ptr_nonnull(pipe);
	output[fread(output, 1, sizeof(output) - 1, pipe)] = '\0';
	pclose(pipe);
	ck_assert_msg(strstr(output, tool_rows[_i % TOOL_ROWS].says), "%s\n%s", line, output);
}
END_TEST

/* ---- policy ---- */

#define NOBODY 65534

static const struct {
	const char *path, *interface, *member;
	bool allowed;
} policy_rows[] = {
	{WIRE_PATH, DBUS_INTERFACE_INTROSPECTABLE, "Introspect", true},
	{WIRE_PATH, DBUS_INTERFACE_PEER, "Ping", true},
	{WIRE_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", true},
	{WIRE_PATH, DBUS_INTERFACE_PROPERTIES, "GetAll", true},
	{WIRE_PATH, WIRE_MANAGER, "Plan", false},
	{WIRE_PATH, WIRE_MANAGER, "Allocate", false},
	{WIRE_PATH, WIRE_MANAGER, "CreateCollection", false},
	{WIRE_PATH, WIRE_MANAGER, "Bind", false},
	{WIRE_PATH, WIRE_MANAGER, "ListCollections", false},
	{WIRE_PATH_COLLECTION "1", WIRE_COLLECTION, "Speak", false},
	{WIRE_PATH_COLLECTION "1", WIRE_COLLECTION, "GetBuffers", false},
	{WIRE_PATH_COLLECTION "1", WIRE_COLLECTION, "Acknowledge", false},
	{WIRE_PATH_COLLECTION "1", WIRE_COLLECTION, "Release", false},
	{WIRE_PATH, NULL, "Plan", false},
};

#define POLICY_ROWS ((int)(sizeof(policy_rows) / sizeof(policy_rows[0])))

/* In a process of another user: 0 the call reached the daemon, 1 the bus refused it. */
static int call_as_nobody(int row)
{
	DBusConnection *connection;
	DBusMessage *reply, *call;
	int result;

	if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))
		return 2;
	connection = harness_try_connect(TRANSPORT_BUS);
	if (!connection)
		return 3;
	call = harness_new_call(policy_rows[row].path, policy_rows[row].interface,
				policy_rows[row].member);
	reply = harness_call(connection, call);
	result = dbus_message_is_error(reply, DBUS_ERROR_ACCESS_DENIED) ? 1 : 0;
	dbus_message_unref(reply);
	harness_disconnect(connection);
	return result;
}

START_TEST(a_stranger_may_look_and_not_act)
{
	int status;
	pid_t pid;

	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid)
		_exit(call_as_nobody(_i));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), policy_rows[_i].allowed ? 0 : 1);
}
END_TEST

START_TEST(a_stranger_cannot_open_the_socket)
{
	int status;
	pid_t pid;

	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid)
		_exit(setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY) ||
		      harness_try_connect(TRANSPORT_SOCKET));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tools");
	TCase *tools = tcase_create("tools"), *policy = tcase_create("policy");

	tcase_add_checked_fixture(tools, harness_start, harness_stop);
	tcase_add_checked_fixture(policy, harness_start, harness_stop);
	tcase_set_timeout(tools, 60);
	tcase_set_timeout(policy, 60);
	tcase_add_loop_test(tools, tools_can_call, 0, TRANSPORTS * TOOL_ROWS);
	/* only root can become somebody else */
	if (getuid() == 0) {
		tcase_add_loop_test(policy, a_stranger_may_look_and_not_act, 0, POLICY_ROWS);
		tcase_add_test(policy, a_stranger_cannot_open_the_socket);
	}
	suite_add_tcase(suite, tools);
	suite_add_tcase(suite, policy);
	return harness_main(suite);
}
