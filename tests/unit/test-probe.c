/* SPDX-License-Identifier: MIT */
/* broker/probe, as far as it needs no device: texts of the kernel, ids, rules. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "broker/probe/fact.h"
#include "broker/probe/id.h"
#include "broker/probe/probe.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* --- ids --- */

#define LONG_34 "0123456789abcdef/0123456789abcdef/"
#define LONG_272 LONG_34 LONG_34 LONG_34 LONG_34 LONG_34 LONG_34 LONG_34 LONG_34

static const struct {
	const char *subsystem, *sysname, *devpath, *name, *index;
	const char *id; /* NULL: -ENOTSUP */
} ids[] = {
	{"video4linux", "video3", "/devices/platform/vivid.0/video4linux/video3",
	 "vivid-000-vid-cap", "0", "v4l2:platform/vivid.0:vivid-000-vid-cap:0"},
	{"video4linux", "video0",
	 "/devices/pci0000:00/0000:00:14.0/usb1/1-6/1-6:1.0/video4linux/video0",
	 "Cam: HD, 5 Mpx\xc3", "1",
	 "v4l2:pci0000:00/0000:00:14.0/usb1/1-6/1-6:1.0:Cam:-HD--5-Mpx-:1"},
	{"video4linux", "video0", "/devices/virtual/video4linux/video0", "loop", "0",
	 "v4l2:virtual:loop:0"},
	{"video4linux", "video0", "/devices/platform/a/video4linux/video0", "", "",
	 "v4l2:platform/a::"},
	{"video4linux", "v4l-subdev0", "/devices/platform/a/video4linux/v4l-subdev0", "s", "0",
	 NULL},
	{"video4linux", "radio0", "/devices/platform/a/video4linux/radio0", "s", "0", NULL},
	{"video4linux", "video0", "/devices/platform/a/video4linux/video0", NULL, "0", NULL},
	{"video4linux", "video0", "/devices/platform/a/video4linux/video0", "s", NULL, NULL},
	{"drm", "card1", "/devices/pci0000:00/0000:00:02.0/drm/card1", NULL, NULL,
	 "drm:pci0000:00/0000:00:02.0:card"},
	{"drm", "renderD128", "/devices/platform/vgem/drm/renderD128", NULL, NULL,
	 "drm:platform/vgem:render"},
	{"drm", "card1-HDMI-A-1", "/devices/x/drm/card1/card1-HDMI-A-1", NULL, NULL, NULL},
	{"drm", "card", "/devices/x/drm/card", NULL, NULL, NULL},
	{"drm", "version", "/devices/x/drm/version", NULL, NULL, NULL},
	{"dma_heap", "system", "/devices/virtual/dma_heap/system", NULL, NULL, "system"},
	{"dma_heap", "linux,cma", "/devices/virtual/dma_heap/linux,cma", NULL, NULL, "linux,cma"},
	{"dma_heap", "a b\xff", "/devices/virtual/dma_heap/x", NULL, NULL, "a-b-"},
	{"dma_heap", "", "/devices/virtual/dma_heap/", NULL, NULL, NULL},
	{"misc", "udmabuf", "/devices/virtual/misc/udmabuf", NULL, NULL, "udmabuf"},
	{"misc", "kvm", "/devices/virtual/misc/kvm", NULL, NULL, NULL},
	{"sound", "card0", "/devices/x/sound/card0", NULL, NULL, NULL},
	/* no such paths exist */
	{"drm", "card0", "", NULL, NULL, "drm::card"},
	{"drm", "card0", "card0", NULL, NULL, "drm::card"},
	{"drm", "card0", "/devices/drm/card0", NULL, NULL, "drm::card"},
	{"drm", "card0", "/elsewhere/x/drm/card0", NULL, NULL, "drm::card"},
};

START_TEST(id_is_made_of_the_bus_path)
{
	char id[ID_BYTES] = "untouched";
	int error = id_of_node(ids[_i].subsystem, ids[_i].sysname, ids[_i].devpath, ids[_i].name,
			       ids[_i].index, id);

	ck_assert_int_eq(error, ids[_i].id ? 0 : -ENOTSUP);
	ck_assert_str_eq(id, ids[_i].id ? ids[_i].id : "untouched");
}
END_TEST

START_TEST(id_of_a_long_path_keeps_its_difference)
{
	char a[ID_BYTES], b[ID_BYTES];

	ck_assert_int_eq(
		id_of_node("drm", "card0", "/devices/" LONG_272 "a/drm/card0", NULL, NULL, a), 0);
	ck_assert_int_eq(
		id_of_node("drm", "card0", "/devices/" LONG_272 "b/drm/card0", NULL, NULL, b), 0);
	ck_assert_uint_eq(strlen(a), ID_BYTES - 1);
	ck_assert_str_ne(a, b);
	ck_assert_int_eq(strncmp(a, "drm:0123", 8), 0);
}
END_TEST

/* --- facts, roles --- */

START_TEST(fact_text_is_printable)
{
	const char unterminated[4] = {'v', '\xc3', '\n', 'd'};
	struct device *device;

	ck_assert_int_eq(vocab_create(&vocab_device, &device), 0);
	ck_assert_int_eq(fact_text(device, DEVICE_NAME, unterminated, sizeof(unterminated)), 0);
	ck_assert_str_eq(vocab_string(device, DEVICE_NAME), "v??d");
	ck_assert_int_eq(fact_text(device, DEVICE_NAME, "", 0), 0);
	ck_assert_str_eq(vocab_string(device, DEVICE_NAME), "");
	vocab_destroy(device);
}
END_TEST

START_TEST(fact_number_out_of_range_stays_absent)
{
	struct device *device;

	ck_assert_int_eq(vocab_create(&vocab_device, &device), 0);
	fact_number(device, DEVICE_ADDRESS_BITS, 65, VOCAB_KERNEL);
	ck_assert(!vocab_has(device, DEVICE_ADDRESS_BITS));
	vocab_destroy(device);
}
END_TEST

static size_t how_len(const struct device *device)
{
	return device->how.len;
}

START_TEST(how_a_fact_was_obtained_is_said_once)
{
	struct device *device;

	ck_assert_int_eq(vocab_create(&vocab_device, &device), 0);
	fact_how(device, DEVICE_HOW, DEVICE_IOMMU, "group %d: identity", 3);
	fact_how(device, DEVICE_HOW, DEVICE_ADDRESS_BITS, "dma_mask_bits");
	ck_assert_str_eq(device->how.items[0], "iommu: group 3: identity");
	ck_assert_str_eq(device->how.items[1], "address-bits: dma_mask_bits");
	fact_how(device, DEVICE_HOW, DEVICE_IOMMU, "a quirk \xff");
	ck_assert_uint_eq(how_len(device), 2);
	ck_assert_str_eq(device->how.items[0], "iommu: a quirk ?");
	for (unsigned int i = 0; i < 40; i++)
		fact_how(device, DEVICE_HOW, i % DEVICE_ROWS, "%0300u", i);
	ck_assert_uint_le(how_len(device), 32);
	vocab_destroy(device);
}
END_TEST

/* --- nodes --- */

static const struct {
	const char *path, *subsystem;
	unsigned int major, minor;
	int error;
} nodes[] = {
	{"/nonexistent", "video4linux", 0, 0, -ENODEV},
	{"/nonexistent", "dma_heap", 0, 0, -ENODEV},
	{"/dev/null", "video4linux", 1, 3, -ENOTSUP},
	{"/dev/null", "drm", 1, 3, -ENOTSUP},
	/* the path is another device's by now */
	{"/dev/null", "video4linux", 81, 0, -ENODEV},
	{"/dev/null", "dma_heap", 252, 0, -ENODEV},
	{"/dev", "drm", 0, 0, -ENOTSUP},
	{"/dev/null/x", "drm", 0, 0, -ENOTSUP},
};

START_TEST(measuring_what_is_no_device_fails)
{
	struct probe_node node = {.id = (char[]){"id"},
				  .node = (char *)(uintptr_t)nodes[_i].path,
				  .sysfs = (char[]){"/nonexistent"},
				  .subsystem = (char *)(uintptr_t)nodes[_i].subsystem,
				  .number = makedev(nodes[_i].major, nodes[_i].minor)};
	void *record = &node;
	bool again;

	ck_assert_int_eq(probe_measure(&node, NULL, NULL, &record, &again), nodes[_i].error);
	ck_assert_ptr_eq(record, &node);
	ck_assert(!again);
}
END_TEST

START_TEST(node_copy_stands_alone)
{
	struct probe_node node = {.id = (char[]){"system"},
				  .node = (char[]){"/dev/dma_heap/system"},
				  .sysfs = (char[]){"/sys/x"},
				  .subsystem = (char[]){"dma_heap"},
				  .number = 7};
	struct probe_node copy;

	ck_assert_int_eq(probe_node_copy(&node, &copy), 0);
	ck_assert_str_eq(copy.id, node.id);
	ck_assert_ptr_ne(copy.id, node.id);
	ck_assert_str_eq(copy.sysfs, node.sysfs);
	ck_assert_uint_eq(copy.number, 7);
	ck_assert(probe_node_is_heap(&copy));
	probe_node_finish(&copy);
	probe_node_finish(&copy);
}
END_TEST

static void count_event(void *data, enum probe_event event, const struct probe_node *node)
{
	ck_assert_int_eq(event, PROBE_ADDED);
	ck_assert(*node->id && *node->node && *node->sysfs);
	++*(int *)data;
}

/* On the machine of the test, whatever it has. */
START_TEST(enumeration_can_be_repeated)
{
	struct probe *probe;
	int first = 0, second = 0;

	ck_assert_int_eq(probe_create(NULL, &probe), 0);
	ck_assert_int_ge(probe_get_fd(probe), 0);
	ck_assert_int_eq(probe_enumerate(probe, count_event, &first), 0);
	ck_assert_int_eq(probe_enumerate(probe, count_event, &second), 0);
	ck_assert_int_eq(first, second);
	probe_destroy(probe);
	probe_destroy(NULL);
}
END_TEST

START_TEST(machine_is_described)
{
	struct machine *machine;

	ck_assert_int_eq(vocab_create(&vocab_machine, &machine), 0);
	ck_assert_int_eq(probe_machine(NULL, machine), 0);
	ck_assert_str_ne(vocab_string(machine, MACHINE_ARCHITECTURE), "");
	ck_assert_str_ne(vocab_string(machine, MACHINE_KERNEL), "");
	ck_assert_uint_eq(vocab_number(machine, MACHINE_PAGE_BYTES),
			  (uint64_t)sysconf(_SC_PAGESIZE));
	vocab_destroy(machine);
}
END_TEST

static Suite *probe_suite(void)
{
	Suite *suite = suite_create("probe");
	TCase *texts = tcase_create("texts"), *rules = tcase_create("rules");
	TCase *measuring = tcase_create("nodes");

	tcase_add_loop_test(texts, id_is_made_of_the_bus_path, 0, LEN(ids));
	tcase_add_test(texts, id_of_a_long_path_keeps_its_difference);
	suite_add_tcase(suite, texts);

	tcase_add_test(rules, fact_text_is_printable);
	tcase_add_test(rules, fact_number_out_of_range_stays_absent);
	tcase_add_test(rules, how_a_fact_was_obtained_is_said_once);
	suite_add_tcase(suite, rules);

	tcase_add_loop_test(measuring, measuring_what_is_no_device_fails, 0, LEN(nodes));
	tcase_add_test(measuring, node_copy_stands_alone);
	tcase_add_test(measuring, enumeration_can_be_repeated);
	tcase_add_test(measuring, machine_is_described);
	suite_add_tcase(suite, measuring);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(probe_suite());
	int failed;

	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
