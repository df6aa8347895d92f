/* SPDX-License-Identifier: MIT */
/*
 * Buffers that the public library brings to the real daemon, on both transports. The memfds are
 * real; what the daemon's udmabuf makes of them here is the memfd itself (made-up-heap.c).
 */
#include "tests/bus/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dmabroker.h>

#define WAIT_MS 10000
#define XR24 0x34325258u
#define WIDTH 640u
#define HEIGHT 480u
#define BYTES (WIDTH * HEIGHT * 4)

static struct dmabroker *broker;
static struct dmabroker_record *request, *app;

static void connect_to(int transport)
{
	ck_assert_int_eq(
		dmabroker_connect(transport == TRANSPORT_BUS ? "system" : harness.socket_address,
				  &broker),
		0);
}

/* A picture that a process writes into memory of its own and an encoder reads. */
static void ask(void)
{
	static const uint64_t offset;
	static const uint32_t stride = WIDTH * 4;
	struct dmabroker_record *encoder;

	ck_assert_int_eq(dmabroker_request_create(&request), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(request, "width", WIDTH), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(request, "height", HEIGHT), 0);
	ck_assert_int_eq(dmabroker_request_add_participant(request, "app", "cpu", &app), 0);
	ck_assert_int_eq(dmabroker_participant_set_layout(app, XR24, 0, BYTES, &offset, &stride, 1),
			 0);
	ck_assert_int_eq(dmabroker_request_add_participant(request, "encoder", "output", &encoder),
			 0);
	ck_assert_int_eq(dmabroker_record_set_string(encoder, "device", "codec"), 0);
}

static void setup(void)
{
	harness_start_made_up("dmabrokerd-made-up-heaps");
	setenv("DBUS_SYSTEM_BUS_ADDRESS", harness.bus_address, 1);
}

static void begin(int transport)
{
	connect_to(transport);
	ask();
}

static void finish(void)
{
	dmabroker_record_destroy(request);
	dmabroker_disconnect(broker);
}

static uint64_t inode_of(int fd)
{
	struct stat status;

	ck_assert_int_eq(fstat(fd, &status), 0);
	return status.st_ino;
}

static size_t count_fds(void)
{
	size_t len = 0;

	for (int fd = 0; fd < 1024; fd++)
		len += fcntl(fd, F_GETFD) >= 0;
	return len;
}

/* ---- memory ---- */

START_TEST(memory_becomes_a_buffer)
{
	size_t daemon_before = harness_count_idle_fds(), before;
	struct dmabroker_memory *memory[2];
	struct dmabroker_collection *collection;
	const struct dmabroker_record *plan;
	void *address;

	begin(_i);
	before = count_fds();
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(dmabroker_memory_create(broker, BYTES, &memory[i]), 0);
		ck_assert_int_eq(dmabroker_participant_add_memory(app, memory[i]), 0);
	}
	ck_assert_int_eq(dmabroker_allocate(broker, request, &collection), 0);
	plan = dmabroker_collection_get_plan(collection);
	ck_assert_str_eq(dmabroker_record_get_string(plan, "heap"), "brought:app");
	ck_assert_str_eq(dmabroker_record_get_string(plan, "brought-by"), "app");
	ck_assert_uint_eq(dmabroker_collection_get_count(collection), 2);
	for (int i = 0; i < 2; i++) {
		struct dmabroker_buffer *buffer =
			dmabroker_collection_get_buffer(collection, (size_t)i);
		char *own = dmabroker_memory_get_address(memory[i]);

		ck_assert_uint_eq(dmabroker_buffer_get_inode(buffer, 0),
				  inode_of(dmabroker_memory_get_fd(memory[i])));
		/* what it writes is in the buffer, and the other way round */
		own[BYTES - 1] = (char)('a' + i);
		ck_assert_int_eq(dmabroker_buffer_map(buffer, 0, &address), 0);
		ck_assert_int_eq(((char *)address)[BYTES - 1], 'a' + i);
		((char *)address)[0] = 'z';
		ck_assert_int_eq(own[0], 'z');
	}
	/* the address ends, the buffer lives on */
	for (int i = 0; i < 2; i++)
		dmabroker_memory_destroy(memory[i]);
	ck_assert_int_eq(((char *)address)[0], 'z');
	dmabroker_collection_release(collection);
	dmabroker_record_destroy(request);
	ck_assert_uint_eq(count_fds(), before);
	dmabroker_disconnect(broker);
	ck_assert_uint_eq(harness_count_idle_fds(), daemon_before);
}
END_TEST

START_TEST(another_process_gets_it)
{
	struct dmabroker_collection *collection, *joined;
	struct dmabroker_memory *memory;
	struct dmabroker_record *said, *reader;
	struct dmabroker *other;
	void *address;

	begin(_i);
	ck_assert_int_eq(dmabroker_memory_create(broker, BYTES, &memory), 0);
	ck_assert_int_eq(dmabroker_participant_add_memory(app, memory), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(app, "camping", 0), 0);
	strcpy(dmabroker_memory_get_address(memory), "seen");
	ck_assert_int_eq(dmabroker_create_collection(broker, request, 1, &collection), 0);
	ck_assert_int_eq(
		dmabroker_connect(_i == TRANSPORT_BUS ? "system" : harness.socket_address, &other),
		0);
	ck_assert_int_eq(
		dmabroker_bind(other, dmabroker_collection_get_token(collection, 0), &joined), 0);
	ck_assert_int_eq(dmabroker_request_create(&said), 0);
	ck_assert_int_eq(dmabroker_request_add_participant(said, "reader", "cpu", &reader), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(reader, "camping", 0), 0);
	ck_assert_int_eq(dmabroker_collection_speak(joined, said), 0);
	ck_assert_int_eq(dmabroker_collection_wait(joined, WAIT_MS), 0);
	ck_assert_int_eq(
		dmabroker_buffer_map(dmabroker_collection_get_buffer(joined, 0), 0, &address), 0);
	ck_assert_str_eq(address, "seen");
	dmabroker_record_destroy(said);
	dmabroker_collection_release(joined);
	dmabroker_disconnect(other);
	dmabroker_collection_release(collection);
	dmabroker_memory_destroy(memory);
	finish();
}
END_TEST

START_TEST(an_address_leads_to_its_memory)
{
	struct dmabroker_memory *memory, *other;
	char *address;
	uint64_t offset = 7;

	begin(_i);
	ck_assert_int_eq(dmabroker_memory_create(broker, BYTES + 1, &memory), 0);
	ck_assert_int_eq(dmabroker_memory_create(broker, 1, &other), 0);
	ck_assert_uint_ge(dmabroker_memory_get_bytes(memory), BYTES + 4096);
	address = dmabroker_memory_get_address(memory);
	ck_assert_int_eq(dmabroker_participant_add_address(broker, app, address, BYTES, &offset),
			 0);
	ck_assert_uint_eq(offset, 0);
	ck_assert_int_eq(
		dmabroker_participant_add_address(broker, app, address + 4096, BYTES, &offset), 0);
	ck_assert_uint_eq(offset, 4096);
	ck_assert_uint_eq(dmabroker_record_get_len(app, "buffers"), 2);
	/* one byte too far, one too early, none at all */
	ck_assert_int_eq(dmabroker_participant_add_address(broker, app, address,
							   dmabroker_memory_get_bytes(memory) + 1,
							   &offset),
			 -EOPNOTSUPP);
	ck_assert_int_eq(dmabroker_participant_add_address(broker, app, address - 1, 2, &offset),
			 -EOPNOTSUPP);
	ck_assert_uint_eq(offset, 4096);
	dmabroker_memory_destroy(other);
	dmabroker_memory_destroy(memory);
	ck_assert_int_eq(dmabroker_participant_add_address(broker, app, address, 1, &offset),
			 -EOPNOTSUPP);
	ck_assert_uint_eq(dmabroker_record_get_len(app, "buffers"), 2);
	finish();
}
END_TEST

/* Pages of malloc, of the stack, and of somebody else's memfd. */
START_TEST(other_addresses_are_refused)
{
	char stack[16], *pages = malloc(BYTES);
	uint64_t offset;

	begin(_i);
	ck_assert_ptr_nonnull(pages);
	ck_assert_int_eq(dmabroker_participant_add_address(broker, app, pages, BYTES, &offset),
			 -EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(dmabroker_get_error_text(broker), "malloc"));
	ck_assert_ptr_nonnull(strstr(dmabroker_get_error_text(broker), "dmabroker_memory_create"));
	ck_assert_int_eq(dmabroker_participant_add_address(broker, app, stack, 16, &offset),
			 -EOPNOTSUPP);
	ck_assert_uint_eq(dmabroker_record_get_len(app, "buffers"), 0);
	free(pages);
	finish();
}
END_TEST

START_TEST(memory_outlives_its_connection)
{
	struct dmabroker_memory *memory, *none = NULL;
	size_t before = count_fds();

	connect_to(_i);
	ck_assert_int_eq(dmabroker_memory_create(broker, 0, &none), -EINVAL);
	ck_assert_int_eq(dmabroker_memory_create(broker, UINT64_MAX, &none), -EINVAL);
	ck_assert_int_eq(dmabroker_memory_create(broker, UINT64_C(1) << 60, &none), -ENOMEM);
	ck_assert_ptr_null(none);
	ck_assert_int_eq(dmabroker_memory_create(broker, 100, &memory), 0);
	dmabroker_disconnect(broker);
	memset(dmabroker_memory_get_address(memory), 1, 100);
	dmabroker_memory_destroy(memory);
	dmabroker_memory_destroy(NULL);
	ck_assert_uint_eq(count_fds(), before);
}
END_TEST

/* ---- what is wrong ---- */

static int bad_pipe(void)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	return ends[1];
}

static int bad_file(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int bad_memfd(void)
{
	int fd = memfd_create("bad", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_eq(ftruncate(fd, BYTES), 0);
	return fd;
}

static const struct {
	int (*make)(void);
	const char *says;
} bad[] = {{bad_pipe, "pipe"}, {bad_file, "another file"}, {bad_memfd, "F_SEAL_SHRINK"}};

#define BAD 3

/* Nobody dies of it, and the daemon keeps none of them. */
START_TEST(a_bad_file_is_refused)
{
	int transport = _i % TRANSPORTS, which = _i / TRANSPORTS;
	size_t before = harness_count_idle_fds();
	struct dmabroker_collection *collection;
	struct dmabroker_record *plan;
	int fd = bad[which].make();

	begin(transport);
	for (int i = 0; i < 12; i++)
		ck_assert_int_eq(dmabroker_participant_add_buffer(app, fd), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(dmabroker_plan(broker, request, &plan), -EINVAL);
		ck_assert_int_eq(dmabroker_allocate(broker, request, &collection), -EINVAL);
		ck_assert_int_eq(dmabroker_create_collection(broker, request, 1, &collection),
				 -EINVAL);
	}
	ck_assert_str_eq(dmabroker_get_error(broker), "InvalidRequest");
	ck_assert_msg(strstr(dmabroker_get_error_text(broker), bad[which].says) != NULL, "%s",
		      dmabroker_get_error_text(broker));
	close(fd);
	finish();
	ck_assert_uint_eq(harness_count_idle_fds(), before);
}
END_TEST

START_TEST(buffers_are_counted)
{
	struct dmabroker_record *other, *plan;
	struct dmabroker_memory *memory;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	begin(_i);
	ck_assert_int_eq(dmabroker_memory_create(broker, BYTES, &memory), 0);
	for (int i = 0; i < 12; i++)
		ck_assert_int_eq(dmabroker_participant_add_memory(app, memory), 0);
	ck_assert_int_eq(dmabroker_participant_add_memory(app, memory), -ERANGE);
	ck_assert_int_eq(dmabroker_participant_add_buffer(request, null), -EINVAL);
	ck_assert_int_eq(dmabroker_participant_add_buffer(app, -1), -EINVAL);
	/* more files than one message takes */
	for (int i = 0; i < 5; i++) {
		char name[8];

		snprintf(name, sizeof(name), "more%d", i);
		ck_assert_int_eq(
			dmabroker_request_add_participant(request, name, "capture", &other), 0);
		ck_assert_int_eq(dmabroker_record_set_fd(other, "device-fd", null), 0);
	}
	ck_assert_int_eq(dmabroker_plan(broker, request, &plan), -E2BIG);
	ck_assert_ptr_nonnull(strstr(dmabroker_get_error_text(broker), "17 open files"));
	dmabroker_memory_destroy(memory);
	close(null);
	finish();
}
END_TEST

START_TEST(a_layout_is_said)
{
	static const uint64_t offsets[] = {0, 307200};
	static const uint32_t strides[] = {640, 640};
	const struct dmabroker_record *layout, *plane;
	struct dmabroker_record *participant;
	uint64_t value;

	begin(_i);
	participant = app;
	ck_assert_int_eq(dmabroker_participant_set_layout(participant, 0x3231564e, 0, 460800,
							  offsets, strides, 2),
			 0);
	ck_assert_uint_eq(dmabroker_record_get_len(participant, "layouts"), 1);
	ck_assert_int_eq(dmabroker_record_get_record(participant, "layouts", 0, &layout), 0);
	ck_assert_int_eq(dmabroker_record_get_record(layout, "planes", 1, &plane), 0);
	ck_assert_int_eq(dmabroker_record_get_uint(plane, "bytes", &value), 0);
	ck_assert_uint_eq(value, 153600);
	/* what is wrong changes nothing */
	ck_assert_int_eq(
		dmabroker_participant_set_layout(participant, XR24, 0, 307200, offsets, strides, 2),
		-EINVAL);
	ck_assert_int_eq(
		dmabroker_participant_set_layout(participant, XR24, 0, 460800, offsets, strides, 0),
		-EINVAL);
	ck_assert_int_eq(
		dmabroker_participant_set_layout(participant, XR24, 0, 0, offsets, strides, 1),
		-EINVAL);
	ck_assert_int_eq(
		dmabroker_participant_set_layout(request, XR24, 0, 460800, offsets, strides, 2),
		-EINVAL);
	ck_assert_uint_eq(dmabroker_record_get_len(participant, "layouts"), 1);
	finish();
}
END_TEST

/* On the facts of a machine alone a file says nothing; its exporter does. */
START_TEST(a_machine_plans_by_name)
{
	struct dmabroker_record *machine, *plan, *buffer;
	struct dmabroker_memory *memory;
	struct dmabroker *offline;

	begin(_i);
	ck_assert_int_eq(dmabroker_get_machine(broker, &machine), 0);
	ck_assert_int_eq(dmabroker_open_machine(machine, &offline), 0);
	ck_assert_int_eq(dmabroker_record_add_record(app, "buffers", &buffer), 0);
	ck_assert_int_eq(dmabroker_record_set_string(buffer, "exporter", "videobuf2_vmalloc"), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(buffer, "bytes", BYTES), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(app, "camping", 0), 0);
	ck_assert_int_eq(dmabroker_plan(offline, request, &plan), 0);
	ck_assert_str_eq(dmabroker_record_get_string(plan, "heap"), "brought:app");
	dmabroker_record_destroy(plan);
	ck_assert_int_eq(dmabroker_plan(broker, request, &plan), 0);
	dmabroker_record_destroy(plan);
	ck_assert_int_eq(dmabroker_memory_create(offline, BYTES, &memory), 0);
	ck_assert_int_eq(dmabroker_participant_add_memory(app, memory), 0);
	ck_assert_int_eq(dmabroker_plan(offline, request, &plan), -EOPNOTSUPP);
	ck_assert_str_eq(dmabroker_get_error(offline), "NotSupported");
	dmabroker_memory_destroy(memory);
	dmabroker_disconnect(offline);
	dmabroker_record_destroy(machine);
	finish();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("brought");
	TCase *all = tcase_create("brought");

	tcase_add_checked_fixture(all, setup, harness_stop);
	tcase_set_timeout(all, 60);
	tcase_add_loop_test(all, memory_becomes_a_buffer, 0, TRANSPORTS);
	tcase_add_loop_test(all, another_process_gets_it, 0, TRANSPORTS);
	tcase_add_loop_test(all, an_address_leads_to_its_memory, 0, TRANSPORTS);
	tcase_add_loop_test(all, other_addresses_are_refused, 0, TRANSPORTS);
	tcase_add_loop_test(all, memory_outlives_its_connection, 0, TRANSPORTS);
	tcase_add_loop_test(all, a_bad_file_is_refused, 0, BAD * TRANSPORTS);
	tcase_add_loop_test(all, buffers_are_counted, 0, TRANSPORTS);
	tcase_add_loop_test(all, a_layout_is_said, 0, 1);
	tcase_add_loop_test(all, a_machine_plans_by_name, 0, TRANSPORTS);
	suite_add_tcase(suite, all);
	return harness_main(suite);
}
