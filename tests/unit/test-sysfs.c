/* SPDX-License-Identifier: MIT */
/* broker/probe/sysfs.c: links that stay in the tree, files that are what they should be. And the
 * kernel's command line. */
#include "tests/unit/check.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "broker/probe/cmdline.h"
#include "broker/probe/sysfs.h"
#include "tests/unit/tree.h"

#define LEN(array) ((int)(sizeof(array) / sizeof((array)[0])))

#define ZEROS_8 "00000000"
#define ZEROS_64 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8
#define ZEROS_512 ZEROS_64 ZEROS_64 ZEROS_64 ZEROS_64 ZEROS_64 ZEROS_64 ZEROS_64 ZEROS_64
#define ZEROS_4096 ZEROS_512 ZEROS_512 ZEROS_512 ZEROS_512 ZEROS_512 ZEROS_512 ZEROS_512 ZEROS_512

/* --- files --- */

#define TEXT(text) (text), sizeof(text) - 1

static const struct {
	const char *text;
	size_t len;
	int error;
	uint64_t number;
} numbers[] = {
	{TEXT("64\n"), 0, 64},
	{TEXT("0"), 0, 0},
	{TEXT("007\n"), 0, 7},
	{TEXT("18446744073709551615\n"), 0, UINT64_MAX},
	{TEXT("18446744073709551616\n"), -EINVAL, 0},
	{TEXT(""), -EINVAL, 0},
	{TEXT("\n"), -EINVAL, 0},
	{TEXT("-1\n"), -EINVAL, 0},
	{TEXT("+1\n"), -EINVAL, 0},
	{TEXT(" 5\n"), -EINVAL, 0},
	{TEXT("5 \n"), -EINVAL, 0},
	{TEXT("5\n\n"), -EINVAL, 0},
	{TEXT("5\n6\n"), -EINVAL, 0},
	{TEXT("0x10\n"), -EINVAL, 0},
	{TEXT("64\0\n"), -EINVAL, 0},
	{TEXT("\0\0\0\x40"), -EINVAL, 0},
	{TEXT("\x7f\x45\x4c\x46\xff\xfe"), -EINVAL, 0},
	{TEXT(ZEROS_4096 "5\n"), -EINVAL, 0}, /* cut it would be 0 */
	{TEXT("9" ZEROS_4096), -EINVAL, 0},
};

START_TEST(number_is_all_of_the_file)
{
	uint64_t number = 77;

	tree_bytes("/sys/d/value", numbers[_i].text, numbers[_i].len);
	ck_assert_int_eq(sysfs_number(tree_root(), "/sys/d", "value", &number), numbers[_i].error);
	ck_assert_uint_eq(number, numbers[_i].error ? 77 : numbers[_i].number);
}
END_TEST

START_TEST(line_is_cut_to_size)
{
	char line[6];

	tree_text("/sys/d/value", "identity\nsecond\n");
	ck_assert_int_eq(sysfs_line(tree_root(), "/sys/d", "value", line, sizeof(line)), 0);
	ck_assert_str_eq(line, "ident");
	tree_text("/sys/d/value", "DMA\nsecond\n");
	ck_assert_int_eq(sysfs_line(tree_root(), "/sys/d", "value", line, sizeof(line)), 0);
	ck_assert_str_eq(line, "DMA");
	tree_text("/sys/d/value", "");
	ck_assert_int_eq(sysfs_line(tree_root(), "/sys/d", "value", line, sizeof(line)), 0);
	ck_assert_str_eq(line, "");
}
END_TEST

START_TEST(bytes_are_never_cut)
{
	char bytes[4] = "....";
	size_t len = 0;

	tree_bytes("/sys/d/value", "a\0b", 3);
	ck_assert_int_eq(sysfs_bytes(tree_root(), "/sys/d", "value", bytes, 4, &len), 0);
	ck_assert_uint_eq(len, 3);
	ck_assert_mem_eq(bytes, "a\0b.", 4);
	ck_assert_int_eq(sysfs_bytes(tree_root(), "/sys/d", "value", bytes, 3, &len), 0);
	ck_assert_int_eq(sysfs_bytes(tree_root(), "/sys/d", "value", bytes, 2, &len), -EFBIG);
	ck_assert_uint_eq(len, 3);
}
END_TEST

static void make_nothing(const char *path)
{
	(void)path;
}

static void make_loop(const char *path)
{
	tree_link(path, "file");
}

static void make_dangling(const char *path)
{
	tree_link(path, "../nowhere");
}

static void make_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	tree_directory("/sys/d");
	snprintf(address.sun_path, sizeof(address.sun_path), "%.60s%.40s", tree_root(), path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

/* The machine's own, if the link led out. */
static void make_way_out(const char *path)
{
	tree_link(path, "/dev/null");
}

/* Who opens a device may start something. Only root makes one. */
static void make_device(const char *path)
{
	char full[256];

	tree_directory("/sys/d");
	snprintf(full, sizeof(full), "%s%s", tree_root(), path);
	if (mknod(full, S_IFCHR | 0644, makedev(1, 3)) < 0)
		tree_pipe(path);
}

static const struct {
	void (*make)(const char *path);
	int error;
} no_files[] = {
	{make_nothing, -ENOENT}, {tree_pipe, -EINVAL},	   {tree_directory, -EINVAL},
	{make_loop, -ELOOP},	 {make_dangling, -ENOENT}, {make_socket, -EINVAL},
	{make_way_out, -ENOENT}, {make_device, -EINVAL},
};

/* Under check's time limit: a pipe that were opened for reading alone would wait for ever. */
START_TEST(what_is_no_file_is_an_error)
{
	char line[8] = "as was";
	uint64_t number = 77;
	size_t len = 77;

	tree_text("/sys/other", "x");
	no_files[_i].make("/sys/d/file");
	ck_assert_int_eq(sysfs_line(tree_root(), "/sys/d", "file", line, sizeof(line)),
			 no_files[_i].error);
	ck_assert_int_eq(sysfs_bytes(tree_root(), "/sys/d", "file", line, sizeof(line), &len),
			 no_files[_i].error);
	ck_assert_int_eq(sysfs_number(tree_root(), "/sys/d", "file", &number), no_files[_i].error);
	ck_assert_ptr_null(sysfs_open(tree_root(), "/sys/d/file"));
	ck_assert_int_eq(-errno, no_files[_i].error);
	ck_assert_str_eq(line, "as was");
	ck_assert_uint_eq(number + len, 154);
}
END_TEST

START_TEST(file_is_opened_below_the_root)
{
	FILE *file;
	char line[8];

	tree_text("/proc/cmdline", "here\n");
	file = sysfs_open(tree_root(), "/proc/cmdline");
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
	ck_assert_str_eq(line, "here\n");
	fclose(file);
	ck_assert_ptr_nonnull(file = sysfs_open(NULL, "/proc/self/status"));
	fclose(file);
	ck_assert_ptr_nonnull(file = sysfs_open("", "/proc/self/status"));
	fclose(file);
}
END_TEST

/* --- links --- */

static const struct {
	const char *link, *target, *path;
	int error;
	const char *resolved;
} paths[] = {
	{"/sys/class/card0", "../devices/x", "/sys/class/card0", 0, "/sys/devices/x"},
	{"/sys/class/card0", "../devices/x", "/sys/class/card0/y", 0, "/sys/devices/x/y"},
	{"/sys/class/card0", "/sys/devices/x", "/sys/class/card0/y", 0, "/sys/devices/x/y"},
	{"/sys/class/card0", "//sys//devices//x//", "/sys/class//card0/./y", 0, "/sys/devices/x/y"},
	{"/sys/class/card0", "x", "/sys/devices/x/../x/y", 0, "/sys/devices/x/y"},
	/* none leads out */
	{"/sys/class/card0", "../../../../../../../sys/devices/x", "/sys/class/card0", 0,
	 "/sys/devices/x"},
	{"/sys/class/card0", "../../../../../../../../etc/passwd", "/sys/class/card0", -ENOENT,
	 NULL},
	{"/sys/class/card0", "/etc/passwd", "/sys/class/card0", -ENOENT, NULL},
	{"/sys/class/card0", "/", "/sys/class/card0/sys/devices", 0, "/sys/devices"},
	{"/sys/class/card0", "../../..", "/sys/class/card0", 0, "/"},
	/* what leads nowhere */
	{"/sys/class/card0", "../devices/z", "/sys/class/card0", -ENOENT, NULL},
	{"/sys/class/card0", "card0", "/sys/class/card0", -ELOOP, NULL},
	{"/sys/class/card0", "card0/x", "/sys/class/card0", -ELOOP, NULL},
	{"/sys/class/card0", "../devices/x/y/z", "/sys/class/card0", -ENOTDIR, NULL},
	/* names may have any bytes */
	{"/sys/class/\xff\x01 \n%s", "../devices/x", "/sys/class/\xff\x01 \n%s", 0,
	 "/sys/devices/x"},
};

START_TEST(links_lead_within_the_root)
{
	char resolved[PATH_MAX] = "untouched";

	tree_text("/sys/devices/x/y", "1\n");
	tree_link(paths[_i].link, paths[_i].target);
	ck_assert_int_eq(sysfs_resolve(tree_root(), paths[_i].path, resolved), paths[_i].error);
	ck_assert_str_eq(resolved, paths[_i].error ? "untouched" : paths[_i].resolved);
	ck_assert_int_eq(sysfs_exists(tree_root(), paths[_i].path, "."), !paths[_i].error);
}
END_TEST

START_TEST(path_too_long_is_an_error)
{
	char path[2 * PATH_MAX], resolved[PATH_MAX];
	uint64_t number;

	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(sysfs_resolve(tree_root(), path, resolved), -ENAMETOOLONG);
	ck_assert_int_eq(sysfs_number(tree_root(), path, "x", &number), -ENAMETOOLONG);
	ck_assert_int_eq(sysfs_link_name(tree_root(), path, "x", resolved, 8), -ENAMETOOLONG);
	ck_assert_ptr_null(sysfs_open(tree_root(), path));
	path[PATH_MAX - 3] = '\0'; /* fits without the root only */
	ck_assert_int_eq(sysfs_resolve(tree_root(), path, resolved), -ENAMETOOLONG);
	/* a link that gets longer each time it is followed */
	path[255] = '\0';
	tree_link("/sys/l", path + 1);
	snprintf(resolved, sizeof(resolved), "l/%.254s", path + 1);
	tree_link("/sys/l", resolved);
	ck_assert_int_eq(sysfs_resolve(tree_root(), "/sys/l", resolved), -ENAMETOOLONG);
}
END_TEST

START_TEST(link_shows_the_last_component)
{
	char name[8] = "";

	tree_text("/sys/devices/x/y", "");
	tree_link("/sys/devices/x/subsystem", "../../bus/pci");
	tree_link("/sys/class/card0", "/sys/devices/x");
	ck_assert_int_eq(
		sysfs_link_name(tree_root(), "/sys/class/card0", "subsystem", name, sizeof(name)),
		0);
	ck_assert_str_eq(name, "pci");
	ck_assert_int_eq(sysfs_link_name(tree_root(), "/sys", "class/card0", name, sizeof(name)),
			 0);
	ck_assert_str_eq(name, "x");
	ck_assert_int_eq(
		sysfs_link_name(tree_root(), "/sys/devices/x", "subsystem", name, sizeof("pc")),
		-ERANGE);
	ck_assert_int_eq(sysfs_link_name(tree_root(), "/sys/devices/x", "y", name, sizeof(name)),
			 -EINVAL);
	ck_assert_int_eq(sysfs_link_name(tree_root(), "/sys/devices/x", "z", name, sizeof(name)),
			 -ENOENT);
	ck_assert_str_eq(name, "x");
}
END_TEST

START_TEST(directory_is_opened_below_the_root)
{
	DIR *directory;

	tree_text("/sys/devices/x/y", "");
	tree_link("/sys/class/card0", "/sys/devices/x");
	directory = sysfs_opendir(tree_root(), "/sys/class/card0");
	ck_assert_ptr_nonnull(directory);
	closedir(directory);
	ck_assert_ptr_null(sysfs_opendir(tree_root(), "/sys/class/card0/y"));
	ck_assert_int_eq(errno, ENOTDIR);
	ck_assert_ptr_null(sysfs_opendir(tree_root(), "/sys/class/card1"));
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

/* --- the kernel's command line --- */

static const struct {
	const char *text, *name;
	const char *value; /* "-": no such word; NULL: no '=' */
} words[] = {
	{"quiet ro root=/dev/vda1\n", "quiet", NULL},
	{"quiet ro root=/dev/vda1\n", "root", "/dev/vda1"},
	{"quiet ro root=/dev/vda1\n", "roo", "-"},
	{"a=1 a=2 a=3", "a", "3"},
	{"mem-encrypt=on", "mem_encrypt", "on"},
	{"mem_encrypt=on", "mem-encrypt", "on"},
	{"a=\"b c\" d", "a", "b c"},
	{"a=\"b c\" d", "d", NULL},
	{"\"a=b c\" d", "a", "b c"},
	{"\"a b\" d", "a b", NULL},
	{"a=b\"c d\"e f", "a", "b\"c d\"e"},
	{"a=\"b", "a", "b"},
	{"a=", "a", ""},
	{"a=\"\"", "a", ""},
	{"=a=b", "=a", "b"},
	{"a=b=c", "a", "b=c"},
	{"a -- b", "a", NULL},
	{"a -- b", "b", "-"},
	{"a --=x b", "b", NULL},
	{"\t a \xa0 b\r\n", "b", NULL},
	{"", "a", "-"},
	{" \n", "", "-"},
	{"\"", "", NULL},
};

START_TEST(command_line_is_taken_apart_as_the_kernel_does)
{
	const struct cmdline_word *word;
	struct cmdline cmdline;

	ck_assert_int_eq(cmdline_parse(words[_i].text, strlen(words[_i].text), &cmdline), 0);
	word = cmdline_find(&cmdline, words[_i].name);
	if (words[_i].value && strcmp(words[_i].value, "-") == 0) {
		ck_assert_ptr_null(word);
		return;
	}
	ck_assert_ptr_nonnull(word);
	ck_assert_pstr_eq(word->value, words[_i].value);
}
END_TEST

static const struct {
	const char *text;
	enum bounce bounce;
} bounces[] = {
	{"quiet swiotlb=force ro\n", BOUNCE_ALWAYS},
	{"swiotlb=65536,force", BOUNCE_ALWAYS},
	{"swiotlb=65536,4,force\n", BOUNCE_ALWAYS},
	{"swiotlb=0x10000,force\n", BOUNCE_ALWAYS},
	{"swiotlb=,force\n", BOUNCE_ALWAYS},
	{"swiotlb=,,force\n", BOUNCE_ALWAYS},
	{"swiotlb=\"force\"\n", BOUNCE_ALWAYS},
	{"swiotlb=force swiotlb=65536\n", BOUNCE_ALWAYS},
	/* each of two contrary words sets its flag, and noforce's is asked first */
	{"swiotlb=noforce swiotlb=force\n", BOUNCE_NEVER},
	{"swiotlb=force swiotlb=noforce\n", BOUNCE_NEVER},
	{"quiet swiotlb=noforce\n", BOUNCE_NEVER},
	{"swiotlb=512,noforce\n", BOUNCE_NEVER},
	{"swiotlb=65536\n", BOUNCE_REACH},
	{"swiotlb=1,2,3,force\n", BOUNCE_REACH},
	{"swiotlb=force,65536\n", BOUNCE_REACH},
	{"swiotlb=forced\n", BOUNCE_REACH},
	{"swiotlb=Force\n", BOUNCE_REACH},
	{"myswiotlb=force\n", BOUNCE_REACH},
	{"swiotlb= force\n", BOUNCE_REACH},
	{"swiotlb=\n", BOUNCE_REACH},
	{"swiotlb\n", BOUNCE_REACH},
	{"init=/bin/sh -- swiotlb=force\n", BOUNCE_REACH},
	{"note=\"swiotlb=force\"\n", BOUNCE_REACH},
	{"\n", BOUNCE_REACH},
};

START_TEST(command_line_tells_of_bouncing)
{
	struct cmdline cmdline;

	ck_assert_int_eq(cmdline_parse(bounces[_i].text, strlen(bounces[_i].text), &cmdline), 0);
	ck_assert_int_eq(cmdline_bounce(&cmdline), bounces[_i].bounce);
}
END_TEST

START_TEST(command_line_too_long_is_an_error)
{
	static char text[2 * CMDLINE_BYTES];
	struct cmdline cmdline;

	ck_assert_int_eq(cmdline_read(tree_root(), &cmdline), -ENOENT);
	memset(text, 'a', sizeof(text) - 1);
	tree_text("/proc/cmdline", text);
	ck_assert_int_eq(cmdline_read(tree_root(), &cmdline), -EFBIG);
	ck_assert_int_eq(cmdline_parse(text, strlen(text), &cmdline), -EFBIG);
	ck_assert_int_eq(cmdline_parse(text, CMDLINE_BYTES - 1, &cmdline), 0);
	for (size_t i = 0; i < sizeof(text); i += 2)
		text[i] = ' ';
	ck_assert_int_eq(cmdline_parse(text, CMDLINE_BYTES - 1, &cmdline), -EFBIG);
	ck_assert_int_eq(cmdline_parse(text, 2 * CMDLINE_WORDS, &cmdline), 0);
	ck_assert_uint_eq(cmdline.words_len, CMDLINE_WORDS);
}
END_TEST

static Suite *sysfs_suite(void)
{
	Suite *suite = suite_create("sysfs");
	TCase *files = tcase_create("files"), *words_case = tcase_create("command line");

	tcase_add_checked_fixture(files, tree_setup, tree_teardown);
	tcase_set_timeout(files, 30);
	tcase_add_loop_test(files, number_is_all_of_the_file, 0, LEN(numbers));
	tcase_add_test(files, line_is_cut_to_size);
	tcase_add_test(files, bytes_are_never_cut);
	tcase_add_loop_test(files, what_is_no_file_is_an_error, 0, LEN(no_files));
	tcase_add_test(files, file_is_opened_below_the_root);
	tcase_add_loop_test(files, links_lead_within_the_root, 0, LEN(paths));
	tcase_add_test(files, path_too_long_is_an_error);
	tcase_add_test(files, link_shows_the_last_component);
	tcase_add_test(files, directory_is_opened_below_the_root);
	suite_add_tcase(suite, files);

	tcase_add_checked_fixture(words_case, tree_setup, tree_teardown);
	tcase_add_loop_test(words_case, command_line_is_taken_apart_as_the_kernel_does, 0,
			    LEN(words));
	tcase_add_loop_test(words_case, command_line_tells_of_bouncing, 0, LEN(bounces));
	tcase_add_test(words_case, command_line_too_long_is_an_error);
	suite_add_tcase(suite, words_case);
	return suite;
}

int main(void)
{
	return run_suite(sysfs_suite());
}
