/* SPDX-License-Identifier: MIT */
/*
 * Three processes bind, speak, leave and die in every order, and a small model of our own says what
 * comes of it.
 *
 * Each process follows one of these ways:
 *
 *	W	binds, speaks, waits for the buffers and gets them, leaves
 *	L	binds, leaves before it has spoken
 *	E	binds, dies before it has spoken
 *	S	binds, speaks, dies before anything is decided
 *	B	binds, speaks, waits for the buffers, dies
 *
 * All interleavings of the steps of all triples of ways are gone through; of those that differ only
 * in which of two processes of the same way is which, one (of those, with ORDERS_EACH=8 in the
 * environment, each 8th). The initiator is the test itself, and observes. After each step the
 * daemon's word on the collection must be the model's.
 *
 * A process is driven through a pipe: a letter per step, and a line for what came of it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/model/error.h"
#include "protocol/wire.h"
#include "tests/bus/members.h"

#define PROCESSES 3
#define STEP_MS 15000

static const char ways[] = "WLESB";

/* ---- a process ---- */

static const struct party parties[PROCESSES][2] = {
	{{.name = "camera", .device = "cam0", .role = "capture"}},
	{{.name = "encoder", .device = "codec", .role = "output"}},
	{{.name = "reader", .device = NULL, .role = "cpu"}},
};

struct process {
	pid_t pid;
	int to, from;
};

/* What a process knows, inside of it. No ck_ there: it is not the test. */
struct inside {
	DBusConnection *connection;
	int number;
	char path[64];
	DBusPendingCall *waiting;
};

static void say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text) || write(fd, "\n", 1) != 1)
		_exit(3);
}

/* The name of an error without prefix, or "ok". */
static const char *name_of(DBusMessage *reply)
{
	const char *name = reply ? dbus_message_get_error_name(reply) : "no answer";

	if (!name)
		return "ok";
	return strncmp(name, ERROR_PREFIX, strlen(ERROR_PREFIX)) ? name
								 : name + strlen(ERROR_PREFIX);
}

static DBusMessage *call_inside(struct inside *inside, DBusMessage *call)
{
	DBusPendingCall *pending = NULL;
	DBusMessage *reply;

	if (!dbus_connection_send_with_reply(inside->connection, call, &pending, STEP_MS) ||
	    !pending)
		_exit(3);
	dbus_message_unref(call);
	dbus_pending_call_block(pending);
	reply = dbus_pending_call_steal_reply(pending);
	dbus_pending_call_unref(pending);
	return reply;
}

static void bind_inside(struct inside *inside, const char *token, int out)
{
	DBusMessage *reply = call_inside(inside, new_bind(token)), *call;
	const char *path;

	snprintf(inside->path, sizeof(inside->path), WIRE_PATH_COLLECTION "0");
	if (inside->waiting)
		dbus_pending_call_unref(inside->waiting);
	inside->waiting = NULL;
	if (dbus_message_get_args(reply, NULL, DBUS_TYPE_OBJECT_PATH, &path, DBUS_TYPE_INVALID)) {
		snprintf(inside->path, sizeof(inside->path), "%s", path);
		call = new_on(path, "Wait");
		if (!dbus_connection_send_with_reply(inside->connection, call, &inside->waiting,
						     STEP_MS))
			_exit(3);
		dbus_message_unref(call);
	}
	say(out, name_of(reply));
	dbus_message_unref(reply);
}

/* Speaks or leaves; who is no member tries with a path that is nobody's. */
static void do_inside(struct inside *inside, DBusMessage *call, int out)
{
	DBusMessage *reply = call_inside(inside, call);

	say(out, name_of(reply));
	dbus_message_unref(reply);
}

static void wait_inside(struct inside *inside, int out)
{
	DBusMessage *reply;

	if (!inside->waiting) {
		say(out, "none");
		return;
	}
	dbus_pending_call_block(inside->waiting);
	reply = dbus_pending_call_steal_reply(inside->waiting);
	if (!reply)
		_exit(3);
	say(out, name_of(reply));
	dbus_message_unref(reply);
}

static unsigned long long inode_in(DBusMessage *reply)
{
	DBusMessageIter iter, list, memory, objects, value;
	dbus_uint64_t inode = 0;

	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_next(&iter);
	dbus_message_iter_recurse(&iter, &list);
	if (dict_find(&list, "memory", &memory)) {
		dbus_message_iter_recurse(&memory, &objects);
		if (dict_find(&objects, "inode", &value))
			dbus_message_iter_get_basic(&value, &inode);
	}
	return inode;
}

/* Says the inode of the first buffer, or the error. */
static void get_inside(struct inside *inside, int out)
{
	DBusMessage *reply = call_inside(inside, new_get_buffers(inside->path, 0, 1)), *call;
	dbus_uint64_t serial;
	char text[64];

	if (dbus_message_get_error_name(reply)) {
		say(out, name_of(reply));
	} else {
		snprintf(text, sizeof(text), "%llu", inode_in(reply));
		dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT64, &serial, DBUS_TYPE_INVALID);
		call = new_on(inside->path, "Acknowledge");
		dbus_message_append_args(call, DBUS_TYPE_UINT64, &serial, DBUS_TYPE_INVALID);
		dbus_message_unref(call_inside(inside, call));
		say(out, text);
	}
	dbus_message_unref(reply);
}

static void obey(struct inside *inside, const char *line, int out)
{
	switch (line[0]) {
	case 'b':
		bind_inside(inside, line + 1, out);
		break;
	case 's':
		do_inside(inside, new_speak(inside->path, parties[inside->number]), out);
		break;
	case 'w':
		wait_inside(inside, out);
		break;
	case 'g':
		get_inside(inside, out);
		break;
	case 'l':
		do_inside(inside, new_on(inside->path, "Release"), out);
		break;
	default:
		kill(getpid(), SIGKILL);
	}
}

static void run_process(enum transport transport, int number, int in, int out)
{
	struct inside inside = {.number = number};
	FILE *lines = fdopen(in, "r");
	char line[64];

	inside.connection = harness_try_connect(transport);
	if (!inside.connection || !lines)
		_exit(3);
	say(out, "here");
	while (fgets(line, sizeof(line), lines)) {
		line[strcspn(line, "\n")] = '\0';
		obey(&inside, line, out);
	}
	_exit(0);
}

/* ---- processes from outside ---- */

static void read_line(const struct process *process, char *text, size_t size)
{
	size_t len = 0;
	char c;

	while (read(process->from, &c, 1) == 1 && c != '\n')
		if (len + 1 < size)
			text[len++] = c;
	text[len] = '\0';
}

/* Starts process `number`. */
static void start_process(struct process *processes, enum transport transport, int number)
{
	struct process *process = &processes[number];
	int to[2], from[2];

	ck_assert_int_eq(pipe(to), 0);
	ck_assert_int_eq(pipe(from), 0);
	process->pid = fork();
	ck_assert_int_ge(process->pid, 0);
	if (!process->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* the pipes of the others shall end with their own processes */
		for (int i = 0; i < PROCESSES; i++) {
			if (i == number || !processes[i].pid)
				continue;
			close(processes[i].to);
			close(processes[i].from);
		}
		close(to[1]);
		close(from[0]);
		run_process(transport, number, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	process->to = to[1];
	process->from = from[0];
}

static void end_process(struct process *process)
{
	int status;

	close(process->to);
	close(process->from);
	if (process->pid)
		waitpid(process->pid, &status, 0);
	process->pid = 0;
}

static void tell(const struct process *process, const char *step)
{
	ck_assert_int_eq(write(process->to, step, strlen(step)), (ssize_t)strlen(step));
	ck_assert_int_eq(write(process->to, "\n", 1), 1);
}

/* Has a process take a step; it must end like that. */
static void expect_step(const struct process *process, const char *step, const char *wanted,
			const char *story)
{
	char text[64];

	tell(process, step);
	read_line(process, text, sizeof(text));
	ck_assert_msg(strcmp(text, wanted) == 0, "%s: %c: '%s' where '%s' is wanted", story,
		      step[0], text, wanted);
}

/* ---- the model ---- */

enum fate { WAITING, READY, NOTHING, DEATH }; /* NOTHING: nobody has said anything */

struct model {
	enum fate fate;
	char members[PROCESSES + 1]; /* u b s l d, as in the status */
	bool outside[PROCESSES];     /* came too late to bind */
	bool got[PROCESSES];	     /* its Wait has been answered with buffers */
};

static void decide(struct model *model)
{
	bool spoken = false;

	for (int i = 0; i < PROCESSES; i++) {
		if (model->members[i] != 's' && model->members[i] != 'l')
			return;
		spoken |= model->members[i] == 's';
	}
	model->fate = spoken ? READY : NOTHING;
	for (int i = 0; i < PROCESSES; i++)
		model->got[i] = spoken && model->members[i] == 's';
}

static const char *error_of(const struct model *model)
{
	return model->fate == NOTHING ? "InvalidRequest" : "Gone";
}

static bool has_ended(const struct model *model)
{
	return model->fate == NOTHING || model->fate == DEATH;
}

static const char *model_bind(struct model *model, int i)
{
	if (has_ended(model)) {
		model->outside[i] = true;
		return "Gone";
	}
	model->members[i] = 'b';
	return "ok";
}

static const char *model_speak(struct model *model, int i)
{
	if (model->outside[i])
		return "Gone";
	if (has_ended(model))
		return error_of(model);
	model->members[i] = 's';
	decide(model);
	return "ok";
}

static const char *model_leave(struct model *model, int i)
{
	if (model->outside[i])
		return "Gone";
	model->members[i] = 'l';
	if (model->fate == WAITING)
		decide(model);
	return "ok";
}

static void model_die(struct model *model, int i)
{
	if (model->outside[i])
		return;
	model->members[i] = 'd';
	if (!has_ended(model))
		model->fate = DEATH;
}

/* ---- one order ---- */

struct order {
	char ways[PROCESSES + 1];
	int steps[3 * PROCESSES]; /* who */
	int len;
};

struct scene {
	DBusConnection *initiator;
	struct created created;
	struct process *processes; /* PROCESSES */
	struct model model;
	int at[PROCESSES];
	char inode[64];
	char story[64];
};

static void compare(struct scene *scene)
{
	static const char *const states[] = {"waiting", "ready", "ended", "ended"};
	char wanted[64];
	size_t missing = 0;

	for (int i = 0; i < PROCESSES; i++)
		missing += strchr("ub", scene->model.members[i]) != NULL;
	if (scene->model.fate != WAITING)
		missing = 0;
	snprintf(wanted, sizeof(wanted), "%s s%s %zu", states[scene->model.fate],
		 scene->model.members, missing);
	expect_status(scene->initiator, scene->created.path, wanted);
}

/* What its Wait has been answered with; and the buffers, while they are there. */
static void expect_waited(struct scene *scene, int i)
{
	const struct process *process = &scene->processes[i];
	const struct model *model = &scene->model;
	char text[64];

	if (model->outside[i]) {
		expect_step(process, "w", "none", scene->story);
		return;
	}
	expect_step(process, "w", model->got[i] ? "ok" : error_of(model), scene->story);
	if (has_ended(model)) {
		expect_step(process, "g", error_of(model), scene->story);
		return;
	}
	tell(process, "g");
	read_line(process, text, sizeof(text));
	ck_assert_msg(strtoull(text, NULL, 10) != 0, "%s: no buffer: %s", scene->story, text);
	if (scene->inode[0])
		ck_assert_str_eq(scene->inode, text);
	snprintf(scene->inode, sizeof(scene->inode), "%s", text);
}

static void kill_process(struct scene *scene, int i)
{
	tell(&scene->processes[i], "k");
	end_process(&scene->processes[i]);
	model_die(&scene->model, i);
}

static void take_step(struct scene *scene, int i, char way)
{
	const struct process *process = &scene->processes[i];
	char step[64];

	switch (scene->at[i]++) {
	case 0:
		snprintf(step, sizeof(step), "b%s", scene->created.tokens[i]);
		expect_step(process, step, model_bind(&scene->model, i), scene->story);
		break;
	case 1:
		if (way == 'L')
			expect_step(process, "l", model_leave(&scene->model, i), scene->story);
		else if (way == 'E')
			kill_process(scene, i);
		else
			expect_step(process, "s", model_speak(&scene->model, i), scene->story);
		break;
	default:
		if (way != 'S')
			expect_waited(scene, i);
		if (way == 'W')
			expect_step(process, "l", model_leave(&scene->model, i), scene->story);
		else
			kill_process(scene, i);
	}
	compare(scene);
}

/* Those who live on from the order before have left, and may come again. */
static void start_missing(struct process *processes, enum transport transport)
{
	char line[8];

	for (int i = 0; i < PROCESSES; i++) {
		if (processes[i].pid)
			continue;
		start_process(processes, transport, i);
		read_line(&processes[i], line, sizeof(line));
		ck_assert_str_eq(line, "here");
	}
}

static void run_order(enum transport transport, DBusConnection *initiator,
		      struct process *processes, const struct order *order)
{
	struct scene scene = {.initiator = initiator, .processes = processes};

	snprintf(scene.model.members, sizeof(scene.model.members), "uuu");
	snprintf(scene.story, sizeof(scene.story), "%s ", order->ways);
	for (int i = 0; i < order->len; i++)
		snprintf(scene.story + strlen(scene.story),
			 sizeof(scene.story) - strlen(scene.story), "%d", order->steps[i]);
	create(initiator, new_create(0, NULL, PROCESSES), &scene.created);
	start_missing(processes, transport);
	for (int i = 0; i < order->len; i++)
		take_step(&scene, order->steps[i], order->ways[order->steps[i]]);
	dbus_message_unref(harness_succeed(initiator, new_on(scene.created.path, "Release")));
}

/* ---- all orders ---- */

struct search {
	enum transport transport;
	DBusConnection *initiator;
	struct process processes[PROCESSES];
	struct order order;
	int at[PROCESSES];
	unsigned int found;
	unsigned int each; /* which of them are run */
};

static int steps_of(char way)
{
	return strchr("LE", way) ? 2 : 3;
}

/* What the steps so far have decided: the model once more, without processes. */
static enum fate fate_so_far(const struct order *order)
{
	struct model model = {.members = "uuu"};
	int at[PROCESSES] = {0};

	for (int i = 0; i < order->len; i++) {
		int who = order->steps[i];
		char way = order->ways[who];
		int step = at[who]++;

		if (step == 0)
			model_bind(&model, who);
		else if (step == 1 && strchr("WSB", way))
			model_speak(&model, who);
		else if (way == 'L' || way == 'W')
			model_leave(&model, who);
		else
			model_die(&model, who);
	}
	return model.fate;
}

/* Whether process `i` may take its next step now. */
static bool is_possible(const struct search *search, int i)
{
	char way = search->order.ways[i];

	if (search->at[i] == steps_of(way))
		return false;
	/* of several on the same way, the first comes first */
	for (int j = 0; j < i && search->at[i] == 0; j++)
		if (search->order.ways[j] == way && search->at[j] == 0)
			return false;
	if (search->at[i] < 2)
		return true;
	/* who waits goes on when it is decided, and S dies before that */
	return (fate_so_far(&search->order) != WAITING) == (way != 'S');
}

static void go_through(struct search *search)
{
	bool all = true;

	for (int i = 0; i < PROCESSES; i++)
		all = all && search->at[i] == steps_of(search->order.ways[i]);
	if (all && search->found++ % search->each == 0)
		run_order(search->transport, search->initiator, search->processes, &search->order);
	for (int i = 0; i < PROCESSES; i++) {
		if (!is_possible(search, i))
			continue;
		search->order.steps[search->order.len++] = i;
		search->at[i]++;
		go_through(search);
		search->at[i]--;
		search->order.len--;
	}
}

/* How many there are, by the first way: as a small program of its own has counted them. */
static const unsigned int orders_of_first[] = {2444, 700, 400, 190, 90};

/* All triples that begin with one way. */
START_TEST(all_orders)
{
	int first = _i % 5;
	const char *each = getenv("ORDERS_EACH");
	struct search search = {.transport = _i / 5, .each = each ? (unsigned int)atoi(each) : 1};
	size_t fds;

	search.initiator = harness_connect(search.transport);
	ck_assert_uint_eq(count_collections(search.initiator), 0);
	fds = harness_count_idle_fds();
	for (int second = first; second < 5; second++) {
		for (int third = second; third < 5; third++) {
			search.order.ways[0] = ways[first];
			search.order.ways[1] = ways[second];
			search.order.ways[2] = ways[third];
			go_through(&search);
		}
	}
	for (int i = 0; i < PROCESSES; i++)
		if (search.processes[i].pid)
			end_process(&search.processes[i]);
	ck_assert_uint_eq(search.found, orders_of_first[first]);
	ck_assert_uint_eq(count_collections(search.initiator), 0);
	ck_assert_uint_eq(harness_count_idle_fds(), fds);
	harness_disconnect(search.initiator);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("orders");
	TCase *tcase = tcase_create("orders");

	tcase_add_checked_fixture(tcase, members_start, harness_stop);
	tcase_set_timeout(tcase, 240);
	tcase_add_loop_test(tcase, all_orders, 0, TRANSPORTS * 5);
	suite_add_tcase(suite, tcase);
	return harness_main(suite);
}
