/* SPDX-License-Identifier: MIT */
/*
 * The real broker/probe, udev and all, over devices that no machine has: umockdev puts a made-up
 * /sys, /dev and udev in place of the machine's. To be run by umockdev-wrapper.
 *
 * Its nodes are terminals, which only stat() is told to be devices: probe_measure, which looks at
 * what it has opened, sees that they are not what udev says. So what is to be measured all the same
 * is given the terminal's own number (as_opened).
 */
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <umockdev.h>
#include <unistd.h>

#include "broker/probe/probe.h"

#define LEN(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Files of nodes end with their subsystem and numbers. */
#define NODE(path, node, subsystem, major, minor)                                     \
	"P: " path "\nN: " node "\nE: DEVNAME=/dev/" node "\nE: SUBSYSTEM=" subsystem \
	"\nE: MAJOR=" major "\nE: MINOR=" minor "\nA: dev=" major ":" minor "\n"
#define VIDEO(path, number) \
	NODE(path "/video4linux/video" number, "video" number, "video4linux", "81", number)
#define NAMED(name) "A: name=" name "\nA: index=0\n"

#define GPU "/devices/pci0000:00/0000:00:02.0"
#define CAM "/devices/platform/soc/40000.cam"

/* clang-format off */
static const char machine[] =
	"P: " GPU "\nE: SUBSYSTEM=pci\nA: dma_mask_bits=39\n"
	"L: iommu_group=../../../kernel/iommu_groups/0\n\n"
	NODE(GPU "/drm/card0", "dri/card0", "drm", "226", "0") "L: device=../../../0000:00:02.0\n\n"
	NODE(GPU "/drm/renderD128", "dri/renderD128", "drm", "226", "128")
	"L: device=../../../0000:00:02.0\n\n"
	/* a connector and a sub-device: nothing that uses pictures */
	"P: " GPU "/drm/card0/card0-HDMI-A-1\nE: SUBSYSTEM=drm\nA: status=connected\n\n"
	NODE(CAM "/video4linux/v4l-subdev0", "v4l-subdev0", "video4linux", "81", "99")
	NAMED("sensor") "\n"
	/* a camera whose name is of all kinds of bytes */
	"P: " CAM "\nE: SUBSYSTEM=platform\n\n"
	VIDEO(CAM, "0") "H: name=FF012063C3A46D25733A302F2E2E2F\nA: index=0\n"
	"L: device=../../../40000.cam\n\n"
	/* without a parent, with one that is gone, with one that is itself, with a mask of letters */
	VIDEO("/devices/virtual", "1") NAMED("loop") "\n"
	VIDEO("/devices/platform/gone", "2") NAMED("gone") "L: device=../../../nowhere\n\n"
	VIDEO("/devices/platform/loop", "3") NAMED("self") "L: device=device\n\n"
	"P: /devices/pci0000:00/0000:00:03.0\nE: SUBSYSTEM=pci\nA: dma_mask_bits=many\n\n"
	VIDEO("/devices/pci0000:00/0000:00:03.0", "4") NAMED("mask")
	"L: device=../../../0000:00:03.0\n\n"
	/* no name, no index: nobody knows what that is */
	VIDEO("/devices/platform/nameless", "5") "\n"
	NODE("/devices/virtual/dma_heap/system", "dma_heap/system", "dma_heap", "252", "0") "\n"
	NODE("/devices/virtual/dma_heap/h\xc3\xa4p", "dma_heap/x", "dma_heap", "252", "1") "\n"
	NODE("/devices/virtual/misc/udmabuf", "udmabuf", "misc", "10", "125") "\n"
	NODE("/devices/virtual/misc/kvm", "kvm", "misc", "10", "232") "\n";
/* clang-format on */

static const struct {
	const char *id;
	int error; /* of measuring it as what was opened */
} expected[] = {
	{"drm:pci0000:00/0000:00:02.0:card", -ENOTSUP},
	{"drm:pci0000:00/0000:00:02.0:render", -ENOTSUP},
	{"v4l2:platform/soc/40000.cam:---c--m-s:0/../:0", -ENOTSUP},
	{"v4l2:virtual:loop:0", -ENOTSUP},
	{"v4l2:platform/gone:gone:0", -ENOTSUP},
	{"v4l2:platform/loop:self:0", -ENOTSUP},
	{"v4l2:pci0000:00/0000:00:03.0:mask:0", -ENOTSUP},
	{"system", 0},
	{"h--p", 0},
	{"udmabuf", 0},
};

static UMockdevTestbed *testbed;
static struct probe *probe;

/* What was reported, in its order. */
static struct {
	struct {
		enum probe_event event;
		struct probe_node node;
	} items[1024];
	int len;
} seen;

static void add_devices(const char *text)
{
	GError *error = NULL;

	if (!umockdev_testbed_add_from_string(testbed, text, &error))
		ck_abort_msg("%s", error->message);
}

static void add_group(void)
{
	char *sys = umockdev_testbed_get_sys_dir(testbed);
	char *group = g_strconcat(sys, "/kernel/iommu_groups/0", NULL);

	ck_assert_int_eq(g_mkdir_with_parents(group, 0755), 0);
	umockdev_testbed_set_attribute(testbed, "/sys/kernel/iommu_groups/0", "type", "DMA-FQ\n");
	g_free(group);
	g_free(sys);
}

static void setup(void)
{
	testbed = umockdev_testbed_new();
	ck_assert_msg(umockdev_in_mock_environment(), "run me by umockdev-wrapper");
	add_devices(machine);
	add_group();
	ck_assert_int_eq(probe_create(NULL, &probe), 0);
	seen.len = 0;
}

static void teardown(void)
{
	probe_destroy(probe);
	for (int i = 0; i < seen.len; i++)
		probe_node_finish(&seen.items[i].node);
	g_object_unref(testbed);
}

static void note(void *data, enum probe_event event, const struct probe_node *node)
{
	(void)data;
	ck_assert_int_lt(seen.len, LEN(seen.items));
	seen.items[seen.len].event = event;
	ck_assert_int_eq(probe_node_copy(node, &seen.items[seen.len].node), 0);
	seen.len++;
}

static const struct probe_node *find(const char *id)
{
	for (int i = 0; i < seen.len; i++)
		if (strcmp(seen.items[i].node.id, id) == 0)
			return &seen.items[i].node;
	ck_abort_msg("%s is not there", id);
}

/* The same node, if the file behind it were what udev says. */
static struct probe_node as_opened(const struct probe_node *node)
{
	struct probe_node copy = *node;
	struct stat status;
	int fd = open(node->node, O_RDWR | O_NOCTTY | O_NONBLOCK);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &status), 0);
	close(fd);
	copy.number = status.st_rdev;
	return copy;
}

START_TEST(devices_are_found)
{
	ck_assert_int_eq(probe_enumerate(probe, note, NULL), 0);
	ck_assert_int_eq(seen.len, LEN(expected));
	for (int i = 0; i < LEN(expected); i++)
		(void)find(expected[i].id);
	for (int i = 0; i < seen.len; i++)
		ck_assert_int_eq(seen.items[i].event, PROBE_ADDED);
}
END_TEST

/* Udev and the file system do not agree. */
START_TEST(node_that_is_another_device_is_none)
{
	void *record = NULL;
	bool again;

	ck_assert_int_eq(probe_enumerate(probe, note, NULL), 0);
	ck_assert_int_eq(probe_measure(find(expected[_i].id), NULL, NULL, &record, &again),
			 -ENODEV);
	ck_assert_ptr_null(record);
}
END_TEST

/* No driver is behind the nodes: no ioctl has an answer. */
START_TEST(silent_node_is_an_error)
{
	struct probe_node node;
	void *record = NULL;
	bool again;

	ck_assert_int_eq(probe_enumerate(probe, note, NULL), 0);
	node = as_opened(find(expected[_i].id));
	ck_assert_int_eq(probe_measure(&node, NULL, NULL, &record, &again), expected[_i].error);
	ck_assert(!record == !!expected[_i].error);
	vocab_destroy(record);
}
END_TEST

/* --- a driver that says who it is, and nothing more --- */

static gboolean answer(UMockdevIoctlBase *base, UMockdevIoctlClient *client, void *data)
{
	struct v4l2_capability capability = {.capabilities = V4L2_CAP_DEVICE_CAPS,
					     .device_caps = V4L2_CAP_VIDEO_CAPTURE |
							    V4L2_CAP_STREAMING};
	UMockdevIoctlData *argument = umockdev_ioctl_client_get_arg(client), *pointed;

	(void)base;
	(void)data;
	if (umockdev_ioctl_client_get_request(client) != VIDIOC_QUERYCAP)
		return FALSE;
	/* no end, and no text */
	memset(capability.driver, 0xff, sizeof(capability.driver));
	memset(capability.card, '\n', sizeof(capability.card));
	pointed = umockdev_ioctl_data_resolve(argument, 0, sizeof(capability), NULL);
	umockdev_ioctl_data_update(pointed, 0, (guint8 *)&capability, sizeof(capability));
	umockdev_ioctl_client_complete(client, 0, 0);
	umockdev_ioctl_data_unref(pointed);
	return TRUE;
}

static const struct {
	const char *id;
	unsigned int bits;
	enum vocab_origin origin;
	bool iommu;
} answering[] = {
	{"v4l2:pci0000:00/0000:00:02.0:card:0", 39, VOCAB_KERNEL, true},
	{"v4l2:platform/soc/40000.cam:---c--m-s:0/../:0", 32, VOCAB_ASSUMED, false},
	{"v4l2:virtual:loop:0", 32, VOCAB_ASSUMED, false},
	{"v4l2:platform/gone:gone:0", 32, VOCAB_ASSUMED, false},
	{"v4l2:platform/loop:self:0", 32, VOCAB_ASSUMED, false},
	{"v4l2:pci0000:00/0000:00:03.0:mask:0", 32, VOCAB_ASSUMED, false},
};

START_TEST(device_has_the_facts_of_its_parent)
{
	UMockdevIoctlBase *driver = umockdev_ioctl_base_new();
	struct probe_node node;
	struct device *device;
	bool again;
	int error;

	add_devices(VIDEO(GPU, "6") NAMED("card") "L: device=../../../0000:00:02.0\n");
	ck_assert_int_eq(probe_enumerate(probe, note, NULL), 0);
	node = as_opened(find(answering[_i].id));
	g_signal_connect(driver, "handle-ioctl", G_CALLBACK(answer), NULL);
	ck_assert(umockdev_testbed_attach_ioctl(testbed, node.node, driver, NULL));
	error = probe_measure(&node, NULL, NULL, &device, &again);
	ck_assert_int_eq(error, 0);
	ck_assert_uint_eq(vocab_number(device, DEVICE_ADDRESS_BITS), answering[_i].bits);
	ck_assert_int_eq(vocab_origin(device, DEVICE_ADDRESS_BITS), answering[_i].origin);
	ck_assert_uint_eq(vocab_number(device, DEVICE_IOMMU), answering[_i].iommu);
	ck_assert_str_eq(vocab_string(device, DEVICE_DRIVER), "????????????????");
	vocab_destroy(device);
	umockdev_testbed_detach_ioctl(testbed, node.node, NULL);
	g_object_unref(driver);
}
END_TEST

/* --- devices come and go --- */

static void dispatch(int events)
{
	struct pollfd pollfd = {.fd = probe_get_fd(probe), .events = POLLIN};
	int want = seen.len + events;

	while (seen.len < want && poll(&pollfd, 1, 2000) > 0)
		ck_assert_int_eq(probe_dispatch(probe, note, NULL), 0);
	ck_assert_int_eq(seen.len, want);
}

#define NEW CAM "/video4linux/video7"

START_TEST(devices_come_change_and_go)
{
	ck_assert_int_eq(probe_enumerate(probe, note, NULL), 0);
	add_devices(VIDEO(CAM, "7") NAMED("new") "L: device=../../../40000.cam\n");
	dispatch(1);
	ck_assert_int_eq(seen.items[seen.len - 1].event, PROBE_ADDED);
	ck_assert_str_eq(seen.items[seen.len - 1].node.id, "v4l2:platform/soc/40000.cam:new:0");
	umockdev_testbed_uevent(testbed, "/sys" NEW, "change");
	dispatch(1);
	ck_assert_int_eq(seen.items[seen.len - 1].event, PROBE_CHANGED);
	/* words that mean nothing to us, and devices that are none of ours */
	umockdev_testbed_uevent(testbed, "/sys" NEW, "bind");
	umockdev_testbed_uevent(testbed, "/sys" NEW, "offline");
	umockdev_testbed_uevent(testbed, "/sys" GPU "/drm/card0/card0-HDMI-A-1", "change");
	umockdev_testbed_uevent(testbed, "/sys" GPU, "change");
	umockdev_testbed_uevent(testbed, "/sys/devices/virtual/misc/kvm", "add");
	umockdev_testbed_uevent(testbed, "/sys" CAM "/video4linux/v4l-subdev0", "add");
	umockdev_testbed_uevent(testbed, "/sys" NEW, "remove");
	dispatch(1);
	ck_assert_int_eq(seen.items[seen.len - 1].event, PROBE_REMOVED);
	ck_assert_str_eq(seen.items[seen.len - 1].node.id, "v4l2:platform/soc/40000.cam:new:0");
	/* once more it is gone already */
	umockdev_testbed_uevent(testbed, "/sys" NEW, "remove");
	umockdev_testbed_uevent(testbed, "/sys/devices/virtual/dma_heap/system", "remove");
	dispatch(1);
	ck_assert_str_eq(seen.items[seen.len - 1].node.id, "system");
}
END_TEST

/* One that went without a word is missed when all are looked at again. */
START_TEST(device_that_went_in_silence_is_missed)
{
	ck_assert_int_eq(probe_enumerate(probe, note, NULL), 0);
	umockdev_testbed_remove_device(testbed, "/sys/devices/virtual/video4linux/video1");
	seen.len = 0;
	ck_assert_int_eq(probe_enumerate(probe, note, NULL), 0);
	ck_assert_int_eq(seen.len, LEN(expected));
	for (int i = 0; i < seen.len; i++) {
		bool gone = strcmp(seen.items[i].node.id, "v4l2:virtual:loop:0") == 0;

		ck_assert_int_eq(seen.items[i].event == PROBE_REMOVED, gone);
	}
}
END_TEST

/* umockdev has no room for many at once. */
START_TEST(events_are_all_taken)
{
	ck_assert_int_eq(probe_enumerate(probe, note, NULL), 0);
	for (int i = 0; i < 300; i += 5) {
		for (int n = 0; n < 5; n++)
			umockdev_testbed_uevent(testbed, "/sys/devices/virtual/dma_heap/system",
						"change");
		dispatch(5);
	}
	for (int i = LEN(expected); i < seen.len; i++)
		ck_assert_int_eq(seen.items[i].event, PROBE_CHANGED);
}
END_TEST

/* Between the event and the measurement the device goes. */
START_TEST(device_that_goes_meanwhile_is_an_error)
{
	void *record = NULL;
	bool again;

	ck_assert_int_eq(probe_enumerate(probe, note, NULL), 0);
	umockdev_testbed_remove_device(testbed, "/sys/devices/virtual/video4linux/video1");
	ck_assert_int_eq(probe_measure(find("v4l2:virtual:loop:0"), NULL, NULL, &record, &again),
			 -ENODEV);
	ck_assert_ptr_null(record);
}
END_TEST

static Suite *umockdev_suite(void)
{
	Suite *suite = suite_create("umockdev");
	TCase *devices = tcase_create("devices");

	tcase_add_checked_fixture(devices, setup, teardown);
	tcase_set_timeout(devices, 30);
	tcase_add_test(devices, devices_are_found);
	tcase_add_loop_test(devices, node_that_is_another_device_is_none, 0, LEN(expected));
	tcase_add_loop_test(devices, silent_node_is_an_error, 0, LEN(expected));
	tcase_add_loop_test(devices, device_has_the_facts_of_its_parent, 0, LEN(answering));
	tcase_add_test(devices, devices_come_change_and_go);
	tcase_add_test(devices, device_that_went_in_silence_is_missed);
	tcase_add_test(devices, events_are_all_taken);
	tcase_add_test(devices, device_that_goes_meanwhile_is_an_error);
	suite_add_tcase(suite, devices);
	return suite;
}

int main(void)
{
	return run_suite(umockdev_suite());
}
