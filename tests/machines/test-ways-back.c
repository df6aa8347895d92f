/* SPDX-License-Identifier: MIT */
/*
 * What `dmabrokerctl explain` says of arrows of which the policy has no row, against the state
 * machine that the library follows: ways back from somebody who has only read, and fences where
 * a plan does not say. For each kind of agent as the first writer, a second one (or none) and the
 * reader, in roles with fences and without: a plan of 16 groups at a time, one for each of them.
 *
 * usage: test-ways-back DMABROKERCTL
 */
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/model/access.h"
#include "broker/model/plan.h"
#include "tests/unit/check.h"

#define GROUPS 16
#define KINDS 6
#define ROLES 3
#define AGENTS (KINDS * ROLES)
#define NAME_BYTES 32
#define ANSWER_BYTES (1024 * 1024)

static const char *ctl;

/* First writer, second writer, reader. */
struct way {
	struct access_agent agents[3];
	unsigned int role[3]; /* of `roles` */
	unsigned int len;     /* 2: there is no second writer */
};

/* Roles with neither fences nor waits, with both, and with waits alone. */
static const struct {
	enum role role;
	enum completion completion;
} roles[ROLES] = {{ROLE_OUTPUT, COMPLETION_DEQUEUE},
		  {ROLE_RENDER, COMPLETION_IMPLICIT_FENCE},
		  {ROLE_SCANOUT, COMPLETION_IMPLICIT_FENCE}};

static struct access_agent agent_of(unsigned int number, bool writes)
{
	enum agent kind = (enum agent)(number / ROLES);
	unsigned int i = number % ROLES;

	return (struct access_agent){.kind = kind,
				     .may_write = writes,
				     .synced = kind == AGENT_NON_COHERENT ||
					       kind == AGENT_UNKNOWN || kind == AGENT_BOUNCED,
				     .fences = role_fences(roles[i].role, roles[i].completion),
				     .waits = role_waits(roles[i].role)};
}

static void set_way(struct way *way, unsigned int first, unsigned int second, unsigned int reader)
{
	way->len = 0;
	way->role[way->len] = first % ROLES;
	way->agents[way->len++] = agent_of(first, true);
	if (second < AGENTS) {
		way->role[way->len] = second % ROLES;
		way->agents[way->len++] = agent_of(second, true);
	}
	way->role[way->len] = reader % ROLES;
	way->agents[way->len++] = agent_of(reader, false);
}

/* ---- a plan of them ---- */

static void add_string(struct json_object *object, const char *key, const char *string)
{
	json_object_object_add(object, key, json_object_new_string(string));
}

static void name_of(char *name, size_t size, unsigned int group, unsigned int agent)
{
	snprintf(name, size, "g%u-a%u", group, agent);
}

static struct json_object *view_of(const struct way *way, unsigned int group, unsigned int i)
{
	struct json_object *view = json_object_new_object();
	const struct access_agent *agent = &way->agents[i];
	char name[NAME_BYTES];

	name_of(name, sizeof(name), group, i);
	add_string(view, "name", name);
	add_string(view, "agent", vocab_agent_names[agent->kind]);
	add_string(view, "role", vocab_role_names[roles[way->role[i]].role]);
	add_string(view, "completion", vocab_completion_names[roles[way->role[i]].completion]);
	json_object_object_add(view, "writes", json_object_new_boolean(agent->may_write));
	/* the first is a producer, as cameras are */
	json_object_object_add(view, "reads", json_object_new_boolean(i > 0));
	return view;
}

static struct json_object *row_of(const struct way *way, unsigned int group, unsigned int i,
				  unsigned int j)
{
	struct access_due due = access_pass(&way->agents[i], &way->agents[j], true);
	struct json_object *row = json_object_new_object();
	char name[NAME_BYTES];

	name_of(name, sizeof(name), group, i);
	add_string(row, "from", name);
	name_of(name, sizeof(name), group, j);
	add_string(row, "to", name);
	add_string(row, "operation", vocab_operation_names[due.operation]);
	return row;
}

static struct json_object *group_of(const struct way *way, unsigned int group)
{
	struct json_object *plan = json_object_new_object();
	struct json_object *views = json_object_new_array(), *policy = json_object_new_array();

	for (unsigned int i = 0; i < way->len; i++) {
		json_object_array_add(views, view_of(way, group, i));
		for (unsigned int j = 0; j < way->len; j++)
			if (i != j && way->agents[i].may_write)
				json_object_array_add(policy, row_of(way, group, i, j));
	}
	json_object_object_add(plan, "participants", views);
	json_object_object_add(plan, "policy", policy);
	return plan;
}

/* ---- what explain says ---- */

static pid_t start(const char *path, int *ret_fd)
{
	int fds[2];
	pid_t pid;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		execl(ctl, ctl, "explain", "--json", "--plan", path, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	*ret_fd = fds[0];
	return pid;
}

/* Returns owned. */
static struct json_object *explain(struct json_object *plan)
{
	char path[] = "/tmp/dmabroker-test.XXXXXX", *text = malloc(ANSWER_BYTES);
	struct json_object *answer;
	int fd = mkstemp(path), status;
	size_t len = 0;
	ssize_t bytes;
	pid_t pid;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(json_object_to_fd(fd, plan, 0), 0);
	close(fd);
	pid = start(path, &fd);
	while ((bytes = read(fd, text + len, ANSWER_BYTES - 1 - len)) > 0)
		len += (size_t)bytes;
	text[len] = '\0';
	close(fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	unlink(path);
	ck_assert_int_eq(status, 0);
	answer = json_tokener_parse(text);
	ck_assert_ptr_nonnull(answer);
	free(text);
	return answer;
}

/* The arrow between two agents, or NULL. */
static struct json_object *find_arrow(struct json_object *answer, unsigned int group,
				      unsigned int from, unsigned int to)
{
	struct json_object *chains = json_object_object_get(answer, "chains");
	struct json_object *arrows =
		json_object_object_get(json_object_array_get_idx(chains, group), "arrows");
	char from_name[NAME_BYTES], to_name[16];

	name_of(from_name, sizeof(from_name), group, from);
	name_of(to_name, sizeof(to_name), group, to);
	for (size_t i = 0; i < json_object_array_length(arrows); i++) {
		struct json_object *arrow = json_object_array_get_idx(arrows, i);
		const char *names[2] = {
			json_object_get_string(json_object_object_get(arrow, "from")),
			json_object_get_string(json_object_object_get(arrow, "to"))};

		if (strcmp(names[0], from_name) == 0 && strcmp(names[1], to_name) == 0)
			return arrow;
	}
	return NULL;
}

static void compare(struct json_object *arrow, const struct way *way, bool back,
		    struct access_due due)
{
	const char *operation = json_object_get_string(json_object_object_get(arrow, "operation"));
	bool fence = json_object_get_boolean(json_object_object_get(arrow, "fence"));
	char text[128] = "";

	for (unsigned int i = 0; i < way->len; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s %s",
			 i ? " -> " : "", vocab_agent_names[way->agents[i].kind],
			 vocab_role_names[roles[way->role[i]].role]);
	ck_assert_msg(json_object_get_boolean(json_object_object_get(arrow, "back")) == back,
		      "%s: whether it is a way back", text);
	ck_assert_msg(strcmp(operation, vocab_operation_names[due.operation]) == 0,
		      "%s, %s: %s instead of %s", text, back ? "back" : "on", operation,
		      vocab_operation_names[due.operation]);
	ck_assert_msg(fence == (due.wait != 0), "%s, %s: fence", text, back ? "back" : "on");
}

/* ---- what the library would do ---- */

static struct access_due pass_on(struct access_state *state, unsigned int agent,
				 enum access_mode mode)
{
	struct access_due due;

	ck_assert_int_eq(access_begin(state, agent, mode, &due), 0);
	access_done(state, due);
	access_begun(state, agent, mode);
	ck_assert_int_eq(access_end(state, agent), 0);
	return due;
}

/* What is due when the first begins its next frame. */
static struct access_due due_on_return(const struct way *way)
{
	struct access_state state = {.cached = true, .agents_len = (uint8_t)way->len};

	memcpy(state.agents, way->agents, sizeof(way->agents));
	access_start(&state, false);
	pass_on(&state, 0, ACCESS_WRITE);
	if (way->len == 3)
		pass_on(&state, 1, ACCESS_READ_WRITE);
	pass_on(&state, way->len - 1, ACCESS_READ);
	return pass_on(&state, 0, ACCESS_READ_WRITE);
}

static void check(const struct way *ways, unsigned int len)
{
	struct json_object *plan = json_object_new_object(), *list = json_object_new_array();
	struct json_object *answer;

	for (unsigned int i = 0; i < len; i++)
		json_object_array_add(list, group_of(&ways[i], i));
	json_object_object_add(plan, "groups", list);
	answer = explain(plan);
	for (unsigned int i = 0; i < len; i++) {
		const struct way *way = &ways[i];
		unsigned int last = way->len - 1;

		compare(find_arrow(answer, i, 0, last), way, false,
			access_pass(&way->agents[0], &way->agents[last], true));
		compare(find_arrow(answer, i, last, 0), way, true, due_on_return(way));
	}
	json_object_put(answer);
	json_object_put(plan);
}

START_TEST(arrows_without_a_row_are_what_the_library_does)
{
	struct way ways[GROUPS];
	unsigned int len = 0, checked = 0;

	for (unsigned int i = 0; i < AGENTS * (AGENTS + 1) * AGENTS; i++) {
		set_way(&ways[len], i % AGENTS, i / AGENTS % (AGENTS + 1),
			i / AGENTS / (AGENTS + 1));
		if (access_check(ways[len].agents, ways[len].len, true) < 0)
			continue; /* no plan has it */
		checked++;
		if (++len == GROUPS) {
			check(ways, len);
			len = 0;
		}
	}
	if (len)
		check(ways, len);
	ck_assert_uint_gt(checked, 3000);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("ways-back");
	TCase *all = tcase_create("all");

	if (argc != 2)
		return EXIT_FAILURE;
	ctl = argv[1];
	tcase_set_timeout(all, 300);
	tcase_add_test(all, arrows_without_a_row_are_what_the_library_does);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
