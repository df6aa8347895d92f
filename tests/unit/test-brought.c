/* SPDX-License-Identifier: MIT */
/*
 * Buffers that clients bring: what their open files are, and what becomes of them. The memfds are
 * real; dma-bufs are made up of files for which fdinfo and the file system say what a test says
 * (there is no /dev here: tests/vm has real ones).
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "broker/brought.h"
#include "broker/probe/fdinfo.h"
#include "tests/unit/check.h"
#include "tests/unit/faults.h"
#include "tests/unit/machine.h"
#include "tests/unit/world.h"

#define ALLOCATIONS_MAX 20000u
#define BYTES 1228800
#define MAGIC 0x444d4142 /* of dma-bufs */

/* ---- dma-bufs that are made up ---- */

static const char *fdinfo_says; /* of every file; NULL: what is true */
static long file_system;	/* of every file; 0: what is true */

int __real_fdinfo_exporter(FILE *fdinfo, char *name, size_t size);
int __wrap_fdinfo_exporter(FILE *fdinfo, char *name, size_t size);
int __wrap_fdinfo_exporter(FILE *fdinfo, char *name, size_t size)
{
	if (!fdinfo_says)
		return __real_fdinfo_exporter(fdinfo, name, size);
	snprintf(name, size, "%s", fdinfo_says);
	return 0;
}

int __real_fstatfs64(int fd, struct statfs *status);
int __wrap_fstatfs64(int fd, struct statfs *status);
int __wrap_fstatfs64(int fd, struct statfs *status)
{
	int result = __real_fstatfs64(fd, status);

	if (file_system)
		status->f_type = file_system;
	return result;
}

static void dmabufs_are(const char *exporter)
{
	fdinfo_says = exporter;
	file_system = exporter ? MAGIC : 0;
}

/* A file that has no seals. */
static int make_file(off_t bytes)
{
	int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, bytes), 0);
	ck_assert_int_lt(fcntl(fd, F_GET_SEALS), 0);
	return fd;
}

static int make_memfd(off_t bytes, int seals)
{
	int fd = memfd_create("brought", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, bytes), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* ---- what a file is ---- */

static int sealed(void)
{
	return make_memfd(BYTES, F_SEAL_SHRINK);
}

static int sealed_and_grows_not(void)
{
	return make_memfd(BYTES, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

static int not_sealed(void)
{
	return make_memfd(BYTES, F_SEAL_GROW);
}

static int cannot_be_sealed(void)
{
	int fd = memfd_create("brought", MFD_CLOEXEC);

	ck_assert_int_eq(ftruncate(fd, BYTES), 0);
	return fd;
}

static int not_written(void)
{
	return make_memfd(BYTES, F_SEAL_SHRINK | F_SEAL_WRITE);
}

static int not_written_from_now_on(void)
{
	return make_memfd(BYTES, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE);
}

static int no_whole_page(void)
{
	return make_memfd(BYTES + 1, F_SEAL_SHRINK);
}

static int empty(void)
{
	return make_memfd(0, F_SEAL_SHRINK);
}

/* What somebody gets who may read only. */
static int open_for_reading(void)
{
	int memory = sealed(), fd;
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	close(memory);
	return fd;
}

static int end_of_pipe(void)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	return ends[1];
}

static int end_of_sockets(void)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	close(ends[0]);
	return ends[1];
}

static int event(void)
{
	return eventfd(0, EFD_CLOEXEC);
}

static int regular(void)
{
	return make_file(BYTES);
}

static int directory(void)
{
	return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int only_a_path(void)
{
	return open("/", O_PATH | O_CLOEXEC);
}

static int device(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static const struct {
	const char *name;
	int (*make)(void);
	const char *exporter; /* else: */
	const char *wanted, *offered;
} files[] = {
	{"a sealed memfd", sealed, .exporter = "memfd"},
	{"a memfd with further seals", sealed_and_grows_not, .exporter = "memfd"},
	{"a memfd that may shrink", not_sealed, .wanted = "F_SEAL_SHRINK",
	 .offered = "without that seal"},
	{"a memfd that cannot be sealed", cannot_be_sealed, .wanted = "F_SEAL_SHRINK",
	 .offered = "without that seal"},
	{"a memfd sealed against writing", not_written, .wanted = "may be written",
	 .offered = "against writing"},
	{"a memfd sealed against later writing", not_written_from_now_on,
	 .wanted = "may be written", .offered = "against writing"},
	{"a memfd that is open for reading", open_for_reading, .wanted = "reading and writing",
	 .offered = "is not"},
	{"a memfd of more than whole pages", no_whole_page, .wanted = "whole pages",
	 .offered = "1228801 bytes"},
	{"an empty memfd", empty, .wanted = "whole pages", .offered = "0 bytes"},
	{"a pipe", end_of_pipe, .wanted = "a dma-buf", .offered = "pipe"},
	{"a socket", end_of_sockets, .wanted = "a dma-buf", .offered = "socket"},
	{"an eventfd", event, .wanted = "a dma-buf", .offered = "anon_inode:[eventfd]"},
	{"a file", regular, .wanted = "a dma-buf", .offered = "another file"},
	{"a directory", directory, .wanted = "a dma-buf", .offered = "another file"},
	{"a path", only_a_path, .wanted = "a dma-buf", .offered = "another file"},
	{"a device", device, .wanted = "a dma-buf", .offered = "another file"},
};

#define BRINGS "/layouts=XR24:0:1228800:0+2560+1228800"

/* A request whose participant `name` brings these files, of which it gets duplicates. */
static struct request *with_files(const char *text, const char *name, const int *fds, size_t len)
{
	struct request *request = request_by_text(text);

	for (size_t i = 0; i < request->participants.len; i++) {
		void *participant = request->participants.items[i];
		struct memory_object *buffer;

		if (strcmp(vocab_string(participant, PARTICIPANT_NAME), name) != 0)
			continue;
		for (size_t j = 0; j < len; j++) {
			assert(vocab_add_dict(participant, PARTICIPANT_BUFFERS, VOCAB_DECLARED,
					      &buffer) == 0);
			vocab_set_fd(buffer, MEMORY_FD, fcntl(fds[j], F_DUPFD_CLOEXEC, 3),
				     VOCAB_DECLARED);
		}
	}
	return request;
}

static struct memory_object *first_buffer(const struct request *request)
{
	const struct participant *participant =
		(const struct participant *)request->participants.items[0];

	return (struct memory_object *)participant->buffers.items[0];
}

static const char *first_refusal(const struct error *error, unsigned int row)
{
	return error->details && error->details->refusals.len
		       ? vocab_string(error->details->refusals.items[0], row)
		       : "";
}

START_TEST(a_file_is_recognised)
{
	int fd = files[_i].make();
	struct request *request = with_files("640x480 a=:cpu" BRINGS, "a", &fd, 1);
	struct error error = {0};
	int result;

	ck_assert_int_ge(fd, 0);
	result = brought_recognise(request, true, &error);
	if (files[_i].exporter) {
		ck_assert_int_eq(result, 0);
		ck_assert_str_eq(vocab_string(first_buffer(request), MEMORY_EXPORTER),
				 files[_i].exporter);
		ck_assert_uint_eq(vocab_number(first_buffer(request), MEMORY_BYTES), BYTES);
	} else {
		ck_assert_int_eq(error.code, ERROR_INVALID_REQUEST);
		ck_assert_msg(
			strstr(first_refusal(&error, REFUSAL_WANTED), files[_i].wanted) &&
				strstr(first_refusal(&error, REFUSAL_OFFERED), files[_i].offered),
			"%s: wants %s; offered: %s", files[_i].name,
			first_refusal(&error, REFUSAL_WANTED),
			first_refusal(&error, REFUSAL_OFFERED));
		ck_assert_str_eq(first_refusal(&error, REFUSAL_PARTICIPANT), "a");
	}
	error_finish(&error);
	vocab_destroy(request);
	close(fd);
}
END_TEST

START_TEST(a_dma_buf_is_recognised)
{
	int fd = make_file(BYTES);
	struct request *request = with_files("640x480 a=:cpu" BRINGS, "a", &fd, 1);
	struct memory_object *buffer = first_buffer(request);
	struct stat status;

	dmabufs_are("videobuf2_vmalloc");
	/* what the client claims does not count */
	vocab_set_string(buffer, MEMORY_EXPORTER, "cma", VOCAB_DECLARED);
	vocab_set_number(buffer, MEMORY_BYTES, UINT64_MAX, VOCAB_DECLARED);
	vocab_set_number(buffer, MEMORY_INODE, 1, VOCAB_DECLARED);
	ck_assert_int_eq(brought_recognise(request, true, NULL), 0);
	ck_assert_int_eq(fstat(fd, &status), 0);
	ck_assert_str_eq(buffer->exporter, "videobuf2_vmalloc");
	ck_assert_uint_eq(buffer->bytes, BYTES);
	ck_assert_uint_eq(buffer->inode, status.st_ino);
	vocab_destroy(request);
	close(fd);
}
END_TEST

static int one_more(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* The same memory by another open file. */
static int opened_again(int fd)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDWR | O_CLOEXEC);
}

/* Whose turn it is would be kept twice, and two would write to one memory at once. */
START_TEST(one_memory_is_one_buffer)
{
	int (*const make)(void) = _i / 2 ? regular : sealed;
	int (*const again)(int) = _i % 2 ? opened_again : one_more;
	int all[3] = {make(), make(), -1};
	struct request *request;
	struct error error = {0};

	if (_i / 2)
		dmabufs_are("system");
	request = with_files("640x480 a=:cpu" BRINGS, "a", all, 2);
	ck_assert_int_eq(brought_recognise(request, true, NULL), 0);
	vocab_destroy(request);
	all[2] = again(all[0]);
	ck_assert_int_ge(all[2], 0);
	request = with_files("640x480 a=:cpu" BRINGS, "a", all, 3);
	brought_recognise(request, true, &error);
	ck_assert_int_eq(error.code, ERROR_INVALID_REQUEST);
	ck_assert_str_eq(first_refusal(&error, REFUSAL_OFFERED), "one file twice");
	error_finish(&error);
	vocab_destroy(request);
	for (int i = 0; i < 3; i++)
		close(all[i]);
}
END_TEST

/* Lines of fdinfo alone prove nothing. */
START_TEST(a_file_that_only_says_so_is_no_dma_buf)
{
	int fd = make_file(BYTES);
	struct request *request = with_files("640x480 a=:cpu" BRINGS, "a", &fd, 1);
	struct error error = {0};

	fdinfo_says = "system";
	brought_recognise(request, true, &error);
	ck_assert_int_eq(error.code, ERROR_INVALID_REQUEST);
	error_finish(&error);
	vocab_destroy(request);
	close(fd);
}
END_TEST

/* Who only plans may say what the buffers would be. */
START_TEST(files_are_needed_where_buffers_are)
{
	static const char text[] = "640x480 a=:cpu/buffers=1*system:1228800" BRINGS;
	struct error error = {0};
	struct request *request = request_by_text(text);
	struct plan *plan;

	ck_assert_int_eq(brought_recognise(request, false, NULL), 0);
	brought_recognise(request, true, &error);
	ck_assert_int_eq(error.code, ERROR_INVALID_REQUEST);
	error_finish(&error);
	vocab_destroy(request);
	ck_assert_int_eq(broker_plan(broker, request_by_text(text), NULL, &plan), 0);
	ck_assert_str_eq(plan->brought_by, "a");
	vocab_destroy(plan);
}
END_TEST

/* It is a part of the heap's id, which has 255 bytes. */
START_TEST(the_name_is_not_too_long)
{
	struct request *request = request_by_text("640x480 a=:cpu/buffers=1*system:1228800" BRINGS);
	char name[256] = "";
	struct error error = {0};
	struct plan *plan = NULL;

	memset(name, 'n', _i ? 248 : 247);
	ck_assert_int_eq(vocab_set_string(request->participants.items[0], PARTICIPANT_NAME, name,
					  VOCAB_DECLARED),
			 0);
	broker_plan(broker, request, &error, &plan);
	ck_assert_int_eq(error.code, _i ? ERROR_INVALID_REQUEST : ERROR_NONE);
	if (_i)
		ck_assert_str_eq(first_refusal(&error, REFUSAL_KEY), "name");
	else
		ck_assert_str_eq(vocab_string(plan, PLAN_BROUGHT_BY), name);
	error_finish(&error);
	vocab_destroy(plan);
}
END_TEST

/* ---- collections ---- */

#define MEMBERS 3

struct answer {
	unsigned int times;
	enum error_code code;
};

static struct broker_client *clients[MEMBERS];
static struct broker_token tokens[COLLECTION_TOKENS_MAX];
static uint64_t number;
static int fds[3]; /* what is brought */

static void on_decided(void *data, struct collection *collection, const struct error *error)
{
	struct answer *answer = data;

	(void)collection;
	answer->times++;
	answer->code = error->code;
}

static void setup(void)
{
	dmabufs_are(NULL);
	world_setup();
	for (uintptr_t i = 0; i < MEMBERS; i++)
		ck_assert_int_eq(broker_client_create(broker, 1000, (void *)i, &clients[i]), 0);
}

static void teardown(void)
{
	for (int i = 0; i < MEMBERS; i++) {
		broker_client_destroy(clients[i]);
		clients[i] = NULL;
	}
	run_all();
	world_teardown();
}

static void make_fds(int (*make)(void))
{
	for (int i = 0; i < 3; i++)
		fds[i] = make();
}

static void close_fds(void)
{
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static struct collection *look(int i)
{
	struct collection *found = NULL;

	return broker_find_collection(clients[i], number, NULL, &found) ? NULL : found;
}

static const char base[] = "640x480 name=film";
static const char bringer[] = "camera=cam0:capture" BRINGS;

/* The initiator observes; one brings, another one looks. The job waits. */
static void begin(const char *keys, const char *first, const char *second)
{
	struct collection *collection;

	ck_assert_int_eq(broker_create_collection(clients[0], request_by_text(keys), 2, NULL,
						  tokens, &collection),
			 0);
	number = collection_get_number(collection);
	for (int i = 1; i < 3; i++)
		ck_assert_int_eq(broker_bind(clients[i], tokens[i - 1].text, NULL, &collection), 0);
	ck_assert_int_eq(
		collection_speak(clients[1], look(1), with_files(first, "camera", fds, 3), NULL),
		0);
	ck_assert_int_eq(collection_speak(clients[2], look(2), request_by_text(second), NULL), 0);
}

static const struct plan *plan_of(int i)
{
	return collection_get_plan(look(i));
}

static size_t inodes_of(int i, uint64_t *inodes)
{
	struct buffer_record **records;
	uint64_t serial;
	size_t len;

	ck_assert_int_eq(collection_get_buffers(clients[i], look(i), 0, plan_of(i)->count, 12, NULL,
						&serial, &records, &len),
			 0);
	for (size_t n = 0; n < len; n++) {
		inodes[n] = vocab_number(records[n]->memory.items[0], MEMORY_INODE);
		vocab_destroy(records[n]);
	}
	free(records);
	ck_assert_int_eq(broker_acknowledge(clients[i], serial, NULL), 0);
	return len;
}

/* Whether a member's buffers are the files, in their order. */
static void check_inodes(int i)
{
	uint64_t inodes[12];
	struct stat status;

	ck_assert_uint_eq(inodes_of(i, inodes), 3);
	for (int n = 0; n < 3; n++) {
		ck_assert_int_eq(fstat(fds[n], &status), 0);
		ck_assert_uint_eq(inodes[n], status.st_ino);
	}
}

static enum error_code renegotiate(int i, struct request *changes)
{
	struct answer answer = {0};
	struct error error = {0};
	enum error_code code;

	collection_renegotiate(clients[i], look(i), changes, on_decided, &answer, &error);
	run_all();
	code = error.code ? error.code : answer.code;
	error_finish(&error);
	return code;
}

START_TEST(all_get_the_dma_bufs_that_are_brought)
{
	unsigned int before = heap_calls;

	make_fds(regular);
	dmabufs_are("videobuf2_vmalloc");
	begin(base, bringer, "encoder=codec:output");
	run_all();
	ck_assert_str_eq(plan_of(0)->heap, "brought:camera");
	ck_assert_str_eq(plan_of(0)->brought_by, "camera");
	ck_assert_uint_eq(plan_of(0)->count, 3);
	check_inodes(1);
	check_inodes(2);
	ck_assert_uint_eq(heap_calls, before);
	ck_assert_uint_eq(wrap_calls, 0);
	close_fds();
}
END_TEST

START_TEST(memfds_become_dma_bufs)
{
	unsigned int before = heap_calls;

	make_fds(sealed);
	begin(base, bringer, "encoder=codec:output");
	run_all();
	ck_assert_str_eq(plan_of(0)->heap, "brought:camera");
	ck_assert_uint_eq(vocab_number(plan_of(0), PLAN_INITIALLY_DIRTY), 1);
	ck_assert_uint_eq(wrap_calls, 3);
	ck_assert_uint_eq(heap_calls, before);
	check_inodes(2);
	close_fds();
}
END_TEST

/* Once the buffers are there, no file is held twice. */
START_TEST(files_are_held_once)
{
	size_t before;

	make_fds(_i ? regular : sealed);
	dmabufs_are(_i ? "system" : NULL);
	before = faults_fds();
	begin(base, bringer, "encoder=codec:output");
	run_all();
	ck_assert_uint_eq(faults_fds(), before + 3);
	close_fds();
}
END_TEST

START_TEST(a_new_generation_has_the_same_buffers)
{
	make_fds(_i ? regular : sealed);
	dmabufs_are(_i ? "system" : NULL);
	begin(base, bringer, "encoder=codec:output");
	run_all();
	ck_assert_int_eq(renegotiate(2, request_by_text("encoder=codec:output c=:cpu")), 0);
	ck_assert_uint_eq(plan_of(0)->generation, 2);
	ck_assert_uint_eq(wrap_calls, _i ? 0 : 3);
	check_inodes(1);
	ck_assert_int_eq(collection_hand_over(clients[0], look(0), 2, NULL), 0);
	check_inodes(2);
	close_fds();
}
END_TEST

START_TEST(others_may_be_brought_later)
{
	make_fds(sealed);
	begin(base, bringer, "encoder=codec:output");
	run_all();
	close_fds();
	make_fds(sealed);
	ck_assert_int_eq(renegotiate(1, with_files(bringer, "camera", fds, 3)), 0);
	check_inodes(2);
	close_fds();
	/* or none any more */
	ck_assert_int_eq(renegotiate(1, request_by_text("camera=cam0:capture")), 0);
	ck_assert_str_eq(vocab_string(plan_of(0), PLAN_BROUGHT_BY), "");
	ck_assert_str_eq(plan_of(0)->heap, "system");
}
END_TEST

/* What fails leaves all as it was. */
START_TEST(a_change_without_files_is_refused)
{
	make_fds(sealed);
	begin(base, bringer, "encoder=codec:output");
	run_all();
	ck_assert_int_eq(
		renegotiate(1, request_by_text("camera=cam0:capture/buffers=3*cma:1228800" BRINGS)),
		ERROR_INVALID_REQUEST);
	ck_assert_int_eq(renegotiate(2, request_by_text("encoder=lcd:scanout")), ERROR_CONFLICT);
	check_inodes(2);
	close_fds();
}
END_TEST

START_TEST(one_brings)
{
	struct error error = {0};
	struct collection *collection;

	make_fds(sealed);
	ck_assert_int_eq(broker_create_collection(clients[0], request_by_text(base), 2, NULL,
						  tokens, &collection),
			 0);
	number = collection_get_number(collection);
	for (int i = 1; i < 3; i++)
		ck_assert_int_eq(broker_bind(clients[i], tokens[i - 1].text, NULL, &collection), 0);
	ck_assert_int_eq(collection_speak(clients[1], collection,
					  with_files(bringer, "camera", fds, 3), NULL),
			 0);
	collection_speak(clients[2], collection, with_files("x=:cpu" BRINGS, "x", fds, 3), &error);
	ck_assert_int_eq(error.code, ERROR_INVALID_REQUEST);
	ck_assert_str_eq(first_refusal(&error, REFUSAL_OFFERED), "another member brings some");
	error_finish(&error);
	close_fds();
}
END_TEST

START_TEST(late_members)
{
	static const struct {
		const char *text;
		bool brings;
		enum error_code code;
	} rows[] = {{"late=:cpu", false, ERROR_NONE},
		    {"late=lcd:scanout", false, ERROR_CONFLICT},
		    {"late=:cpu/camping=9", false, ERROR_CONFLICT},
		    {"late=:cpu" BRINGS, true, ERROR_INVALID_REQUEST}};
	struct broker_client *late;
	struct error error = {0};
	struct collection *found;

	make_fds(sealed);
	begin(base, bringer, "encoder=codec:output");
	run_all();
	ck_assert_int_eq(collection_create_tokens(clients[0], look(0), 1, NULL, tokens), 0);
	ck_assert_int_eq(broker_client_create(broker, 1000, NULL, &late), 0);
	ck_assert_int_eq(broker_bind(late, tokens[0].text, NULL, &found), 0);
	collection_speak(late, found,
			 with_files(rows[_i].text, "late", fds, rows[_i].brings ? 3 : 0), &error);
	ck_assert_int_eq(error.code, rows[_i].code);
	if (!error.code) {
		ck_assert_str_eq(plan_of(0)->brought_by, "camera");
		ck_assert_uint_eq(plan_of(0)->participants.len, 3);
	}
	check_inodes(2);
	error_finish(&error);
	broker_client_destroy(late);
	close_fds();
}
END_TEST

/* Whoever goes, and whenever: the fixture sees that no file is left. */
START_TEST(somebody_goes)
{
	int who = _i % 3, when = _i / 3;

	make_fds(sealed);
	begin(base, bringer, "encoder=codec:output");
	if (when == 1) {
		struct broker_job *job = run_one();

		broker_client_destroy(clients[who]);
		clients[who] = NULL;
		broker_job_done(broker, job);
	} else {
		if (when == 2)
			run_all();
		broker_client_destroy(clients[who]);
		clients[who] = NULL;
	}
	run_all();
	close_fds();
}
END_TEST

START_TEST(udmabuf_fails)
{
	static const struct {
		int number;
		enum error_code code;
	} rows[] = {{-EINVAL, ERROR_INVALID_REQUEST},
		    {-EBADFD, ERROR_INVALID_REQUEST},
		    {-ENOMEM, ERROR_OUT_OF_MEMORY},
		    {-EACCES, ERROR_NOT_PERMITTED},
		    {-ENOENT, ERROR_GONE},
		    {-EMFILE, ERROR_BUSY}};
	struct answer answer = {0};

	make_fds(sealed);
	wrap_error = rows[_i].number;
	ck_assert_int_eq(
		broker_allocate(clients[0],
				with_files("640x480 camera=cam0:capture" BRINGS, "camera", fds, 3),
				on_decided, &answer, NULL),
		0);
	run_all();
	ck_assert_uint_eq(answer.times, 1);
	ck_assert_int_eq(answer.code, rows[_i].code);
	ck_assert_uint_eq(wrap_calls, 1); /* it is not tried again */
	close_fds();
}
END_TEST

/* The other group's heap is empty: the next one, while what is brought stays. */
START_TEST(the_others_heap_is_exhausted)
{
	struct answer answer = {0};
	struct error error = {0};

	make_fds(regular);
	dmabufs_are("videobuf2_vmalloc");
	broken[0].heap = "reserved";
	broken[0].error = -ENOMEM;
	ck_assert_int_eq(
		broker_allocate(clients[0],
				with_files("640x480 allow-copies=1 camera=cam0:capture" BRINGS
					   " display=lcd:scanout",
					   "camera", fds, 3),
				on_decided, &answer, &error),
		0);
	run_all();
	ck_assert_int_eq(answer.code, ERROR_OUT_OF_MEMORY);
	close_fds();
}
END_TEST

START_TEST(groups_have_buffers_of_both)
{
	uint64_t inodes[12];
	struct stat status;

	make_fds(regular);
	dmabufs_are("videobuf2_vmalloc");
	begin("640x480 allow-copies=1", bringer, "display=lcd:scanout");
	run_all();
	ck_assert_uint_eq(plan_of(0)->groups.len, 2);
	ck_assert_uint_eq(inodes_of(2, inodes), 5);
	for (int n = 0; n < 3; n++) {
		ck_assert_int_eq(fstat(fds[n], &status), 0);
		ck_assert_uint_eq(inodes[n], status.st_ino);
	}
	ck_assert_int_eq(renegotiate(2, request_by_text("display=lcd:scanout/camping=2")), 0);
	ck_assert_uint_eq(inodes_of(2, inodes), 6);
	ck_assert_uint_eq(inodes[2], status.st_ino);
	close_fds();
}
END_TEST

START_TEST(a_device_refuses_them)
{
	struct answer answer = {0};
	struct error error = {0};

	make_fds(sealed);
	begin(base, bringer, "encoder=codec:output");
	run_all();
	collection_report(clients[2], look(2), "encoder", 1, EINVAL, on_decided, &answer, &error);
	run_all();
	ck_assert_int_eq(error.code ? error.code : answer.code, ERROR_CONFLICT);
	error_finish(&error);
	check_inodes(2);
	close_fds();
}
END_TEST

/* ---- who pays ---- */

/* 12 buffers of 100 MiB are more than one client may have of bytes. */
START_TEST(what_others_have_allocated_costs_no_bytes)
{
	struct answer answer = {0};
	struct collection_record **records;
	size_t len;
	int all[12];

	for (int i = 0; i < 12; i++)
		all[i] = make_file(100 << 20);
	dmabufs_are("videobuf2_vmalloc");
	ck_assert_int_eq(
		broker_allocate(clients[0],
				with_files("640x480 camera=cam0:capture" BRINGS, "camera", all, 12),
				on_decided, &answer, NULL),
		0);
	run_all();
	ck_assert_int_eq(answer.code, ERROR_NONE);
	ck_assert_int_eq(broker_list_collections(broker, 1000, &records, &len), 0);
	ck_assert_uint_eq(len, 1);
	ck_assert_uint_eq(records[0]->buffers, 12);
	vocab_destroy(records[0]);
	free(records);
	for (int i = 0; i < 12; i++)
		close(all[i]);
}
END_TEST

/* Pages of a memfd are pinned, and where it has none yet the broker has to find them. */
START_TEST(memfds_cost_their_bytes)
{
	struct answer answer = {0};
	struct error error = {0};
	int all[12];

	for (int i = 0; i < 12; i++)
		all[i] = make_memfd(64 << 20, F_SEAL_SHRINK);
	for (int i = 0; i < 2; i++) {
		broker_allocate(clients[0],
				with_files("640x480 camera=cam0:capture" BRINGS, "camera", all, 12),
				on_decided, &answer, &error);
		run_all();
		ck_assert_int_eq(error.code, i ? ERROR_QUOTA_EXCEEDED : ERROR_NONE);
	}
	error_finish(&error);
	for (int i = 0; i < 12; i++)
		close(all[i]);
}
END_TEST

/* ---- no memory ---- */

static struct request *prepared[4];

static struct request *take(int i)
{
	struct request *request = prepared[i];

	prepared[i] = NULL;
	return request;
}

static void prepare(void)
{
	prepared[0] = request_by_text("640x480 allow-copies=1");
	prepared[1] = with_files(bringer, "camera", fds, 3);
	prepared[2] = request_by_text("display=lcd:scanout");
	prepared[3] = request_by_text("display=lcd:scanout c=:cpu");
}

/* No ck_assert: libcheck allocates. */
static void live_once(void)
{
	struct broker_client *life[3] = {NULL};
	struct collection *lives = NULL, *found;
	struct answer answer = {0};
	bool ok = true;

	for (uintptr_t i = 0; i < 3 && ok; i++)
		ok = broker_client_create(broker, 1000, (void *)i, &life[i]) == 0;
	ok = ok && broker_create_collection(life[0], take(0), 2, NULL, tokens, &lives) == 0;
	for (int i = 1; i < 3 && ok; i++)
		ok = broker_bind(life[i], tokens[i - 1].text, NULL, &found) == 0;
	for (int i = 1; i < 3 && ok; i++)
		ok = collection_speak(life[i], lives, take(i), NULL) == 0;
	run_all();
	if (ok && collection_get_plan(lives)) {
		collection_renegotiate(life[2], lives, take(3), on_decided, &answer, NULL);
		run_all();
	}
	for (int i = 0; i < 3; i++)
		broker_client_destroy(life[i]);
	run_all();
}

START_TEST(every_allocation_fails_once)
{
	long live = faults_live();
	size_t open_before;
	unsigned int fails = 0;
	bool failed = true;

	make_fds(sealed);
	open_before = faults_fds();
	for (unsigned int nth = 1; failed; nth++) {
		ck_assert_uint_lt(nth, ALLOCATIONS_MAX);
		prepare();
		faults_begin(nth);
		live_once();
		failed = faults_end();
		for (int i = 0; i < 4; i++)
			vocab_destroy(take(i));
		told[0] = '\0';
		ck_assert_msg(faults_live() == live, "allocation %u: %ld blocks are left", nth,
			      faults_live() - live);
		ck_assert_msg(faults_fds() == open_before, "allocation %u: files are left", nth);
		fails += failed;
	}
	ck_assert_uint_gt(fails, 300);
	close_fds();
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static void add_files(TCase *all)
{
	tcase_add_loop_test(all, a_file_is_recognised, 0, ROWS(files));
	tcase_add_test(all, a_dma_buf_is_recognised);
	tcase_add_loop_test(all, one_memory_is_one_buffer, 0, 4);
	tcase_add_test(all, a_file_that_only_says_so_is_no_dma_buf);
	tcase_add_loop_test(all, the_name_is_not_too_long, 0, 2);
	tcase_add_test(all, files_are_needed_where_buffers_are);
}

static void add_collections(TCase *all)
{
	tcase_add_test(all, all_get_the_dma_bufs_that_are_brought);
	tcase_add_test(all, memfds_become_dma_bufs);
	tcase_add_loop_test(all, files_are_held_once, 0, 2);
	tcase_add_loop_test(all, a_new_generation_has_the_same_buffers, 0, 2);
	tcase_add_test(all, others_may_be_brought_later);
	tcase_add_test(all, a_change_without_files_is_refused);
	tcase_add_test(all, one_brings);
	tcase_add_loop_test(all, late_members, 0, 4);
	tcase_add_loop_test(all, somebody_goes, 0, 9);
	tcase_add_loop_test(all, udmabuf_fails, 0, 6);
	tcase_add_test(all, the_others_heap_is_exhausted);
	tcase_add_test(all, groups_have_buffers_of_both);
	tcase_add_test(all, a_device_refuses_them);
	tcase_add_test(all, what_others_have_allocated_costs_no_bytes);
	tcase_add_test(all, memfds_cost_their_bytes);
	tcase_add_test(all, every_allocation_fails_once);
}

int main(void)
{
	Suite *suite = suite_create("brought");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_set_timeout(all, 60);
	add_files(all);
	add_collections(all);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
