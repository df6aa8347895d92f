/* SPDX-License-Identifier: MIT */
/* Trials, the parent's side: what a child says, and children that do not do as they should. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "broker/model/descriptor.h"
#include "broker/probe/fdinfo.h"
#include "broker/probe/trial.h"
#include "tests/unit/check.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* --- fdinfo --- */

static const struct {
	const char *text;
	int error;
	const char *exporter;
} fdinfos[] = {
	{"pos:\t0\nflags:\t02\nsize:\t4096\ncount:\t2\nexp_name:\tvideobuf2_vmalloc\n", 0,
	 "videobuf2_vmalloc"},
	{"name:\texp_name: x\nexp_name:\tsystem\nexp_name:\tother\n", 0, "system"},
	{"exp_name:system", 0, "system"},
	{"exp_name:\ta_name_longer_than_the_buffer_for_it\n", 0, "a_name_longer_than_the_"},
	{"exp_name:\t\n", -ENOENT, NULL},
	{"exp_name\n", -ENOENT, NULL},
	{"pos:\t0\nflags:\t02\n", -ENOENT, NULL},
	{"\n", -ENOENT, NULL},
};

START_TEST(fdinfo_names_the_exporter)
{
	FILE *file = fmemopen((void *)(uintptr_t)fdinfos[_i].text, strlen(fdinfos[_i].text), "r");
	char name[24];

	ck_assert_int_eq(fdinfo_exporter(file, name, sizeof(name)), fdinfos[_i].error);
	if (fdinfos[_i].exporter)
		ck_assert_str_eq(name, fdinfos[_i].exporter);
	fclose(file);
}
END_TEST

/* --- the line --- */

static const struct {
	const char *line;
	struct trial_answer answer;
} lines[] = {
	{"exporter=videobuf2_vmalloc capabilities=1d\n",
	 {.memory_model = MEMORY_MODEL_VMALLOC, .capabilities = 0x1d}},
	{"exporter=videobuf2_dma_contig\n", {.memory_model = MEMORY_MODEL_DMA_CONTIG}},
	{"exporter=videobuf2_dma_sg\n", {.memory_model = MEMORY_MODEL_DMA_SG}},
	{"exporter=i915 capabilities=ffffffff\n", {.capabilities = UINT32_MAX}},
	{"busy=1\n", {.busy = true}},
	{"busy=0\n", {.busy = false}},
	{"one-page=taken scattered=refused used=taken\n",
	 {.one_page = TRIAL_TAKEN, .scattered = TRIAL_REFUSED, .used = TRIAL_TAKEN}},
	{"scattered=refused:14 used=refused:4095\n",
	 {.scattered = TRIAL_REFUSED, .used = TRIAL_REFUSED, .errors = {0, 14, 4095}}},
	{"one-page=refused:22\n", {.one_page = TRIAL_REFUSED, .errors = {22, 0, 0}}},
	{"stride-align=64 offset-align=65536\n", {.stride_align = 64, .offset_align = 65536}},
	{"weather=fine busy=1  x=\n", {.busy = true}},
};

START_TEST(line_is_understood)
{
	const struct trial_answer *expected = &lines[_i].answer;
	struct trial_answer answer;

	memset(&answer, 0xff, sizeof(answer));
	ck_assert_int_eq(trial_parse(lines[_i].line, &answer), 0);
	ck_assert_uint_eq(answer.busy, expected->busy);
	ck_assert_uint_eq(answer.memory_model, expected->memory_model);
	ck_assert_uint_eq(answer.capabilities, expected->capabilities);
	ck_assert_int_eq(answer.one_page, expected->one_page);
	ck_assert_int_eq(answer.scattered, expected->scattered);
	ck_assert_int_eq(answer.used, expected->used);
	ck_assert_uint_eq(answer.errors.one_page, expected->errors.one_page);
	ck_assert_uint_eq(answer.errors.scattered, expected->errors.scattered);
	ck_assert_uint_eq(answer.errors.used, expected->errors.used);
	ck_assert_uint_eq(answer.stride_align, expected->stride_align);
	ck_assert_uint_eq(answer.offset_align, expected->offset_align);
}
END_TEST

static const char *const nonsense[] = {
	"",
	"\n",
	" \n",
	"busy=1",
	"busy=1\nbusy=1\n",
	"\nbusy=1\n",
	"videobuf2_vmalloc 1d\n",
	"busy\n",
	"=1\n",
	"busy=\n",
	"busy=2\n",
	"busy=yes\n",
	"exporter=\n",
	"capabilities=\n",
	"capabilities=x\n",
	"capabilities=-1\n",
	"capabilities=100000000\n",
	"capabilities=0000000000001\n",
	"one-page=\n",
	"one-page=takes\n",
	"scattered=refused:\n",
	"scattered=refused:-1\n",
	"scattered=refused:4096\n",
	"used=refused:1e\n",
	"stride-align=65537\n",
	"stride-align= 4\n",
	"stride-align=0x10\n",
	"offset-align=99999999999999999999\n",
};

START_TEST(nonsense_is_refused)
{
	struct trial_answer answer = {.stride_align = 7};

	ck_assert_int_eq(trial_parse(nonsense[_i], &answer), -EPROTO);
	ck_assert_uint_eq(answer.stride_align, 7);
}
END_TEST

START_TEST(line_too_long_is_refused)
{
	struct trial_answer answer;
	char line[4 * TRIAL_LINE_BYTES];

	for (size_t len = TRIAL_LINE_BYTES - 1; len <= sizeof(line) - 1; len++) {
		memset(line, 'x', len);
		memcpy(line, "x=", 2);
		line[len - 1] = '\n';
		line[len] = '\0';
		ck_assert_int_eq(trial_parse(line, &answer), len < TRIAL_LINE_BYTES ? 0 : -EPROTO);
	}
}
END_TEST

START_TEST(line_cut_anywhere_is_no_trouble)
{
	static const char line[] =
		"busy=0 exporter=videobuf2_dma_sg scattered=refused:14 stride-align=64\n";
	struct trial_answer answer;
	char copy[sizeof(line)];

	for (size_t len = 0; len < sizeof(line) - 2; len++) {
		memcpy(copy, line, len);
		copy[len] = '\0';
		ck_assert_int_eq(trial_parse(copy, &answer), -EPROTO);
	}
}
END_TEST

START_TEST(what_is_printed_is_understood)
{
	const struct trial_answer said = {.busy = true,
					  .memory_model = MEMORY_MODEL_DMA_SG,
					  .capabilities = UINT32_MAX,
					  .one_page = TRIAL_REFUSED,
					  .scattered = TRIAL_REFUSED,
					  .used = TRIAL_REFUSED,
					  .errors = {4095, 4095, 4095},
					  .stride_align = 65536,
					  .offset_align = 65536};
	const char *const exporters[] = {
		"videobuf2_dma_sg", "videobuf2_dma_sg and more",
		"a_name_of_an_exporter_that_is_far_longer_than_any_that_there_has_ever_been_so_far",
		""};

	for (size_t i = 0; i < LEN(exporters); i++) {
		char line[2 * TRIAL_LINE_BYTES] = "";
		FILE *file = fmemopen(line, sizeof(line), "w");
		struct trial_answer heard;

		trial_print(file, exporters[i], &said);
		fclose(file);
		ck_assert_uint_lt(strlen(line), TRIAL_LINE_BYTES);
		ck_assert_int_eq(trial_parse(line, &heard), 0);
		ck_assert_uint_eq(heard.memory_model, i < 2 ? MEMORY_MODEL_DMA_SG : 0);
		ck_assert_uint_eq(heard.capabilities, UINT32_MAX);
		ck_assert(heard.busy);
		ck_assert_int_eq(heard.used, TRIAL_REFUSED);
		ck_assert_uint_eq(heard.errors.used, 4095);
		ck_assert_uint_eq(heard.offset_align, 65536);
	}
}
END_TEST

/* --- children --- */

static char directory[] = "/tmp/test-trial.XXXXXX", program[64];

static void make_directory(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(program, sizeof(program), "%s/child", directory);
}

static void remove_directory(void)
{
	unlink(program);
	rmdir(directory);
}

/* A child that is a script. It has no environment, so no PATH either but the shell's own. */
static const char *child(const char *script)
{
	FILE *file = fopen(program, "we");

	ck_assert_ptr_nonnull(file);
	fprintf(file, "#!/bin/sh\n%s\n", script);
	ck_assert_int_eq(fchmod(fileno(file), 0700), 0);
	ck_assert_int_eq(fclose(file), 0);
	return program;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void check_no_children(void)
{
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static const struct trial camera = {.node = "/dev/video7", .queue_type = 4, .drm_fd = -1};

START_TEST(childs_answer_is_given)
{
	struct trial_answer answer;

	child("[ \"$*\" = 'v4l2 /dev/video7 4' ] && echo exporter=videobuf2_dma_contig");
	ck_assert_int_eq(trial_run(program, 5000, &camera, &answer), 0);
	ck_assert_uint_eq(answer.memory_model, MEMORY_MODEL_DMA_CONTIG);
	check_no_children();
}
END_TEST

START_TEST(child_is_told_not_to_import)
{
	struct trial trial = camera;
	struct trial_answer answer;

	trial.no_imports = true;
	child("[ \"$*\" = 'v4l2 /dev/video7 4 no-imports' ] && echo busy=1");
	ck_assert_int_eq(trial_run(program, 5000, &trial, &answer), 0);
	ck_assert(answer.busy);
}
END_TEST

START_TEST(deadline_has_a_default)
{
	struct trial_answer answer;

	ck_assert_int_eq(trial_run(child("sleep 0.3; echo busy=1"), 0, &camera, &answer), 0);
	ck_assert(answer.busy);
}
END_TEST

/* The number of bytes in the file that was handed down is all that the child tells. */
static int run_with_file(struct trial_answer *answer)
{
	struct trial trial = {.format = 0x34325258, .width = 64, .height = 16, .no_imports = true};
	FILE *file = tmpfile();
	int error;

	ck_assert_ptr_nonnull(file);
	fputs("twelve bytes", file);
	fflush(file);
	trial.drm_fd = fileno(file);
	lseek(trial.drm_fd, 0, SEEK_SET);
	error = trial_run(program, 5000, &trial, answer);
	ck_assert_int_ge(fcntl(trial.drm_fd, F_GETFD), 0);
	fclose(file);
	return error;
}

static const char counts_bytes[] =
	"[ \"$*\" = 'drm 875713112 0 64 16 no-imports' ] && echo stride-align=$(wc -c <&3)";

START_TEST(child_gets_the_drm_node)
{
	struct trial_answer answer;

	child(counts_bytes);
	ck_assert_int_eq(run_with_file(&answer), 0);
	ck_assert_uint_eq(answer.stride_align, 12);
	check_no_children();
}
END_TEST

/* Whoever holds the line open: what was said by the deadline counts, once the child has ended. */
START_TEST(grandchild_is_not_waited_for)
{
	int64_t begin = now_ms();
	struct trial_answer answer;

	child("sleep 3 & echo busy=1");
	ck_assert_int_eq(trial_run(program, 400, &camera, &answer), 0);
	ck_assert(answer.busy);
	ck_assert(now_ms() - begin < 2000);
	check_no_children();
}
END_TEST

static const struct {
	const char *script;
	int error;
} scripts[] = {
	{"exit 1", -EPROTO},
	{"exit 0", -EPROTO},
	{"echo busy=1; exit 1", -EPROTO},
	{"echo two words", -EPROTO},
	{"echo busy=1; echo busy=1", -EPROTO},
	{"printf busy=1", -EPROTO},
	{"echo busy=1; kill -SEGV $$", -EPROTO},
	{"kill -KILL $$", -EPROTO},
	{"exec cat /dev/zero", -ETIMEDOUT}, /* no end of its line, and none of itself */
	{"while :; do echo busy=1; done", -ETIMEDOUT},
	{"trap '' TERM HUP INT; exec sleep 30", -ETIMEDOUT},
	{"echo busy=1; exec sleep 30", -ETIMEDOUT},
	{"exec >&-; exec sleep 30", -ETIMEDOUT}, /* says that there is no more, and stays */
};

START_TEST(bad_child_is_an_error)
{
	int64_t begin = now_ms();
	struct trial_answer answer = {.stride_align = 7};

	ck_assert_int_eq(trial_run(child(scripts[_i].script), 400, &camera, &answer),
			 scripts[_i].error);
	ck_assert(now_ms() - begin < 2500);
	ck_assert_uint_eq(answer.stride_align, 7);
	check_no_children();
}
END_TEST

START_TEST(child_that_is_not_there_is_an_error)
{
	struct trial_answer answer;

	ck_assert_int_eq(trial_run("/nonexistent", 300, &camera, &answer), -ENOENT);
	ck_assert_int_eq(trial_run("/dev/null", 300, &camera, &answer), -EACCES);
	check_no_children();
}
END_TEST

START_TEST(node_that_is_not_open_is_an_error)
{
	const struct trial trial = {.drm_fd = 1000};
	struct trial_answer answer;

	ck_assert_int_eq(trial_run(child("echo busy=1"), 300, &trial, &answer), -EBADF);
	check_no_children();
}
END_TEST

START_TEST(trial_ends_at_its_deadline)
{
	struct trial_answer answer;
	int64_t begin, took;

	child("exec sleep 30");
	begin = now_ms();
	ck_assert_int_eq(trial_run(program, 200, &camera, &answer), -ETIMEDOUT);
	took = now_ms() - begin;
	ck_assert(took >= 200 && took < 2000);
	check_no_children();
}
END_TEST

START_TEST(trial_works_where_children_are_ignored)
{
	struct trial_answer answer;

	signal(SIGCHLD, SIG_IGN);
	ck_assert_int_eq(trial_run(child("echo busy=1"), 5000, &camera, &answer), 0);
	ck_assert(answer.busy);
	ck_assert_int_eq(trial_run(child("exec sleep 30"), 100, &camera, &answer), -ETIMEDOUT);
}
END_TEST

START_TEST(child_has_no_signals_blocked)
{
	struct trial_answer answer;
	sigset_t all;

	child("kill -TERM $$; sleep 5; echo busy=1");
	signal(SIGTERM, SIG_IGN);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	ck_assert_int_eq(trial_run(program, 3000, &camera, &answer), -EPROTO);
}
END_TEST

/* With nothing open, so that the pipe and the node lie where the child's fds will be. */
START_TEST(trial_works_without_standard_streams)
{
	struct trial_answer answer;
	int status;
	pid_t pid;

	child(counts_bytes);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		closefrom(0);
		status = run_with_file(&answer);
		_exit(status == 0 && answer.stride_align == 12 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* Neither the pipe's own ends, nor a node that is not its business. */
START_TEST(child_gets_no_fd_of_ours)
{
	struct trial_answer answer;
	int status;
	pid_t pid;

	child("for fd in 3 4 5 6 7 8; do [ ! -e /proc/$$/fd/$fd ] || exit; done; echo busy=1");
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		closefrom(3);
		status = trial_run(program, 5000, &camera, &answer);
		_exit(status == 0 && answer.busy ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

static void *sleep_in_vain(void *data)
{
	struct trial_answer answer;

	*(int *)data = trial_run(program, 300, &camera, &answer);
	return NULL;
}

START_TEST(trials_run_side_by_side)
{
	pthread_t threads[8];
	int errors[8];
	int64_t begin;

	child("exec sleep 30");
	begin = now_ms();
	for (size_t i = 0; i < LEN(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, sleep_in_vain, &errors[i]), 0);
	for (size_t i = 0; i < LEN(threads); i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_int_eq(errors[i], -ETIMEDOUT);
	}
	ck_assert(now_ms() - begin < 2000);
	check_no_children();
}
END_TEST

static Suite *trial_suite(void)
{
	Suite *suite = suite_create("trial");
	TCase *texts = tcase_create("texts"), *children = tcase_create("children");

	tcase_add_loop_test(texts, fdinfo_names_the_exporter, 0, LEN(fdinfos));
	tcase_add_loop_test(texts, line_is_understood, 0, LEN(lines));
	tcase_add_loop_test(texts, nonsense_is_refused, 0, LEN(nonsense));
	tcase_add_test(texts, line_too_long_is_refused);
	tcase_add_test(texts, line_cut_anywhere_is_no_trouble);
	tcase_add_test(texts, what_is_printed_is_understood);
	suite_add_tcase(suite, texts);

	tcase_set_timeout(children, 20);
	tcase_add_unchecked_fixture(children, make_directory, remove_directory);
	tcase_add_test(children, childs_answer_is_given);
	tcase_add_test(children, child_is_told_not_to_import);
	tcase_add_test(children, deadline_has_a_default);
	tcase_add_test(children, child_gets_the_drm_node);
	tcase_add_test(children, grandchild_is_not_waited_for);
	tcase_add_test(children, child_gets_no_fd_of_ours);
	tcase_add_loop_test(children, bad_child_is_an_error, 0, LEN(scripts));
	tcase_add_test(children, child_that_is_not_there_is_an_error);
	tcase_add_test(children, node_that_is_not_open_is_an_error);
	tcase_add_test(children, trial_ends_at_its_deadline);
	tcase_add_test(children, trial_works_where_children_are_ignored);
	tcase_add_test(children, child_has_no_signals_blocked);
	tcase_add_test(children, trial_works_without_standard_streams);
	tcase_add_test(children, trials_run_side_by_side);
	suite_add_tcase(suite, children);
	return suite;
}

int main(void)
{
	return run_suite(trial_suite());
}
