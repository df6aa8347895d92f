/* SPDX-License-Identifier: MIT */
/* libclient/kms.c against a made-up card, in place of libdrm's functions: what it is told, what is
 * left behind, and with whom a buffer is after each call. */
#include <assert.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "dmabroker-kms.h"
#include "tests/unit/check.h"
#include "tests/unit/faults.h"
#include "tests/unit/held.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define NODE_FD 0x7ffffff0
#define HANDLES 16
#define FRAMEBUFFERS 16

#define SCREEN "640x480 f=XR24 n=3 screen=disp:scanout cpu=:cpu/cpu-writes=rare"
#define WRITEBACK "640x480 f=XR24 n=2 back=vkms:writeback cpu=:cpu/cpu-writes=rare"

/* ---- the made-up card ---- */

struct framebuffer {
	uint32_t width, height, format, handles[4], strides[4], offsets[4], flags;
	uint64_t modifiers[4];
	bool has_modifiers;
};

static struct card {
	bool can_modifiers;
	int cap_error, import_error, add_error;
	unsigned int import_fails, add_fails; /* which call does; 0: none */
	unsigned int imports, adds;
	ino_t handles[HANDLES + 1]; /* of what they are; 0: none. As in the kernel, one for each
				     * dma-buf */
	struct framebuffer framebuffers[FRAMEBUFFERS + 1];
	bool there[FRAMEBUFFERS + 2];
	const char *fault;
} card;

static unsigned int count_handles(void)
{
	unsigned int count = 0;

	for (int i = 1; i <= HANDLES; i++)
		count += card.handles[i] != 0;
	return count;
}

static unsigned int count_framebuffers(void)
{
	unsigned int count = 0;

	for (int i = 1; i <= FRAMEBUFFERS; i++)
		count += card.there[i];
	return count;
}

/* As libdrm: -1 and errno. */
static int drm_fail(int error)
{
	errno = error;
	return -1;
}

int __wrap_drmGetCap(int fd, uint64_t capability, uint64_t *value);
int __wrap_drmGetCap(int fd, uint64_t capability, uint64_t *value)
{
	assert(fd == NODE_FD);
	assert(capability == DRM_CAP_ADDFB2_MODIFIERS);
	if (card.cap_error)
		return drm_fail(card.cap_error);
	*value = card.can_modifiers;
	return 0;
}

int __wrap_drmPrimeFDToHandle(int fd, int prime_fd, uint32_t *handle);
int __wrap_drmPrimeFDToHandle(int fd, int prime_fd, uint32_t *handle)
{
	struct stat status;
	int found = 0;

	assert(fd == NODE_FD);
	assert(fstat(prime_fd, &status) == 0);
	if (++card.imports == card.import_fails)
		return drm_fail(card.import_error);
	for (int i = 1; i <= HANDLES; i++)
		if (card.handles[i] == status.st_ino)
			found = i;
	for (int i = 1; i <= HANDLES && !found; i++)
		if (!card.handles[i])
			found = i;
	assert(found != 0);
	card.handles[found] = status.st_ino;
	*handle = (uint32_t)found;
	return 0;
}

int __wrap_drmCloseBufferHandle(int fd, uint32_t handle);
int __wrap_drmCloseBufferHandle(int fd, uint32_t handle)
{
	assert(fd == NODE_FD);
	if (handle == 0 || handle > HANDLES || !card.handles[handle])
		card.fault = "a handle is closed that is not there";
	else
		card.handles[handle] = 0;
	return 0;
}

int __wrap_drmModeAddFB2WithModifiers(int fd, uint32_t width, uint32_t height, uint32_t format,
				      const uint32_t handles[4], const uint32_t pitches[4],
				      const uint32_t offsets[4], const uint64_t modifiers[4],
				      uint32_t *id, uint32_t flags);
int __wrap_drmModeAddFB2WithModifiers(int fd, uint32_t width, uint32_t height, uint32_t format,
				      const uint32_t handles[4], const uint32_t pitches[4],
				      const uint32_t offsets[4], const uint64_t modifiers[4],
				      uint32_t *id, uint32_t flags)
{
	struct framebuffer *made;
	uint32_t free = 1;

	assert(fd == NODE_FD);
	if (++card.adds == card.add_fails)
		return drm_fail(card.add_error);
	while (card.there[free])
		free++;
	assert(free <= FRAMEBUFFERS);
	made = &card.framebuffers[free];
	*made = (struct framebuffer){
		.width = width, .height = height, .format = format, .flags = flags};
	memcpy(made->handles, handles, sizeof(made->handles));
	memcpy(made->strides, pitches, sizeof(made->strides));
	memcpy(made->offsets, offsets, sizeof(made->offsets));
	made->has_modifiers = modifiers;
	if (modifiers)
		memcpy(made->modifiers, modifiers, sizeof(made->modifiers));
	for (int i = 0; i < 4; i++)
		assert(!handles[i] || card.handles[handles[i]]);
	card.there[free] = true;
	*id = free;
	return 0;
}

int __wrap_drmModeRmFB(int fd, uint32_t id);
int __wrap_drmModeRmFB(int fd, uint32_t id)
{
	assert(fd == NODE_FD);
	if (id == 0 || id > FRAMEBUFFERS || !card.there[id])
		card.fault = "a framebuffer is removed that is not there";
	else
		card.there[id] = false;
	return 0;
}

/* DMA_BUF_IOCTL_SYNC, which memfds do not know. */
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	(void)fd, (void)request;
	return 0;
}

/* ---- what each test begins with ---- */

static struct held held;

static void begin(const char *machine, const char *request)
{
	card = (struct card){.can_modifiers = true};
	held = held_create(machine, request);
}

/* No handle, no framebuffer is left, and none was given up twice. */
static void end(void)
{
	ck_assert_uint_eq(count_handles(), 0);
	ck_assert_uint_eq(count_framebuffers(), 0);
	ck_assert_msg(!card.fault, "%s", card.fault);
	held_destroy(&held);
}

static struct dmabroker_kms *create(const char *participant)
{
	struct dmabroker_kms *made = NULL;

	ck_assert_int_eq(dmabroker_kms_create(held.collection, participant, NODE_FD, &made), 0);
	ck_assert_ptr_nonnull(made);
	return made;
}

static const struct framebuffer *framebuffer_of(const struct dmabroker_kms *kms, size_t index)
{
	uint32_t id = dmabroker_kms_get_framebuffer(kms, held_buffer(&held, index));

	ck_assert_uint_ne(id, 0);
	ck_assert(card.there[id]);
	return &card.framebuffers[id];
}

static void says(const char *words)
{
	const char *text = dmabroker_get_error_text(held.broker);

	ck_assert_msg(strstr(text, words), "\"%s\" is not in: %s", words, text);
}

static void refused(const char *participant, int error, const char *words)
{
	struct dmabroker_kms *none = (void *)&held;

	ck_assert_int_eq(dmabroker_kms_create(held.collection, participant, NODE_FD, &none), error);
	ck_assert_ptr_eq(none, &held);
	says(words);
	ck_assert_uint_eq(count_handles(), 0);
	ck_assert_uint_eq(count_framebuffers(), 0);
}

/* ---- framebuffers ---- */

START_TEST(each_buffer_has_a_framebuffer)
{
	struct dmabroker_kms *kms;

	begin("lab", SCREEN);
	kms = create("screen");
	ck_assert_uint_eq(count_framebuffers(), 3);
	ck_assert_uint_eq(card.imports, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct framebuffer *made = framebuffer_of(kms, i);

		ck_assert_uint_eq(made->width, 640);
		ck_assert_uint_eq(made->height, 480);
		ck_assert_uint_eq(made->format, DRM_FORMAT_XRGB8888);
		ck_assert_uint_eq(made->strides[0], 2560);
		ck_assert_uint_eq(made->offsets[0], 0);
		ck_assert_uint_eq(made->handles[1], 0);
		for (size_t j = 0; j < i; j++)
			ck_assert_ptr_ne(made, framebuffer_of(kms, j));
	}
	/* it keeps its memory by itself */
	ck_assert_uint_eq(count_handles(), 0);
	dmabroker_kms_destroy(kms);
	dmabroker_kms_destroy(NULL);
	end();
}
END_TEST

START_TEST(planes_share_the_handle_and_it_is_closed_once)
{
	const struct framebuffer *made;
	struct dmabroker_kms *kms;

	begin("lab", "640x480 f=NV12 n=2 screen=disp:scanout cpu=:cpu/f=NV12");
	kms = create("screen");
	made = framebuffer_of(kms, 0);
	ck_assert_uint_eq(made->format, DRM_FORMAT_NV12);
	ck_assert_uint_ne(made->handles[0], 0);
	ck_assert_uint_eq(made->handles[0], made->handles[1]);
	ck_assert_uint_eq(made->strides[1], 640);
	ck_assert_uint_eq(made->offsets[1], 640 * 480);
	ck_assert_uint_eq(made->handles[2], 0);
	dmabroker_kms_destroy(kms);
	end();
}
END_TEST

/* Two memory objects, each with a plane; they may be the same dma-buf. */
static void split_memory(bool same)
{
	struct buffer_record *record = held_buffer(&held, 0)->record;
	struct memory_object *first = (struct memory_object *)record->memory.items[0], *second;
	struct view *view = held_view(&held, "screen");
	struct plane *chroma = (struct plane *)view->drm_planes.items[1];
	int other = dmabroker_buffer_get_fd(held_buffer(&held, 1), 0);

	ck_assert_int_eq(vocab_add_dict(record, BUFFER_MEMORY, VOCAB_SOLVED, &second), 0);
	ck_assert_int_eq(
		vocab_set_fd(second, MEMORY_FD, dup(same ? first->fd : other), VOCAB_SOLVED), 0);
	chroma->memory = 1;
	chroma->offset = 0;
}

START_TEST(memory_objects_have_handles_of_their_own)
{
	const char *request = "640x480 f=NV12 n=2 screen=disp:scanout cpu=:cpu/f=NV12";

	for (int same = 0; same < 2; same++) {
		struct dmabroker_kms *none = NULL;

		begin("lab", request);
		split_memory(same);
		/* the second buffer has no second memory object */
		ck_assert_int_eq(dmabroker_kms_create(held.collection, "screen", NODE_FD, &none),
				 -EPROTO);
		says("plane 1 lies in memory object 1, which is not there");
		ck_assert_ptr_null(none);
		ck_assert_uint_eq(card.imports, 3);
		ck_assert_int_eq(card.framebuffers[1].handles[0] == card.framebuffers[1].handles[1],
				 same);
		end();
	}
}
END_TEST

static const struct {
	bool can;
	int cap_error;
	bool tells;
	uint64_t modifier;
} modifiers[] = {
	{true, 0, true, 0}, {false, 0, false, 0}, {true, EINVAL, false, 0},
	{true, 0, true, 2}, {false, 0, true, 2},
};

START_TEST(modifier_is_told_where_it_can_be)
{
	const struct framebuffer *made;
	struct dmabroker_kms *kms;

	begin("lab", "640x480 f=XR24 n=1 screen=disp:scanout cpu=:cpu/cpu-writes=rare");
	held_view(&held, "screen")->drm_modifier = modifiers[_i].modifier;
	card.can_modifiers = modifiers[_i].can;
	card.cap_error = modifiers[_i].cap_error;
	kms = create("screen");
	made = framebuffer_of(kms, 0);
	ck_assert_uint_eq(made->flags, modifiers[_i].tells ? DRM_MODE_FB_MODIFIERS : 0);
	ck_assert(made->has_modifiers == modifiers[_i].tells);
	ck_assert_uint_eq(made->modifiers[0], modifiers[_i].modifier);
	ck_assert_uint_eq(made->modifiers[1], 0); /* no such plane */
	dmabroker_kms_destroy(kms);
	end();
}
END_TEST

START_TEST(modifier_that_nobody_knows_is_not_told)
{
	struct dmabroker_kms *kms;

	begin("lab", SCREEN);
	held_view(&held, "screen")->drm_modifier = DRM_FORMAT_MOD_INVALID;
	kms = create("screen");
	ck_assert(!framebuffer_of(kms, 0)->has_modifiers);
	dmabroker_kms_destroy(kms);
	end();
}
END_TEST

START_TEST(others_than_displays_are_refused)
{
	begin("lab", "640x480 f=XR24 camera=cap:capture screen=disp:scanout cpu=:cpu "
		     "gpu=gpu:render/f=XR24");
	refused("camera", -EINVAL, "camera is no display: its role is capture");
	refused("cpu", -EINVAL, "cpu is no display: its role is cpu");
	refused("gpu", -EINVAL, "its role is render");
	refused("nobody", -ENOENT, "no participant called nobody");
	held_view(&held, "screen")->drm_planes.len = 0;
	refused("screen", -EOPNOTSUPP, "no DRM format for screen");
	ck_assert_uint_eq(card.imports, 0);
	held_view(&held, "screen")->drm_planes.len = 1;
	end();
	begin("lab", NULL);
	refused("screen", -ENOENT, "no plan yet");
	end();
}
END_TEST

START_TEST(offset_that_drm_cannot_name_is_refused)
{
	begin("lab", SCREEN);
	((struct plane *)held_view(&held, "screen")->drm_planes.items[0])->offset = 1ull << 32;
	refused("screen", -EOVERFLOW, "an offset of 4294967296 bytes");
	end();
}
END_TEST

static const struct {
	unsigned int import_fails, add_fails;
	int error;
	const char *words;
} failures[] = {
	{1, 0, EINVAL, "screen: DRM_IOCTL_PRIME_FD_TO_HANDLE: Invalid argument"},
	{3, 0, EIO, "screen: DRM_IOCTL_PRIME_FD_TO_HANDLE: Input/output error"},
	{0, 1, EINVAL, "screen: DRM_IOCTL_MODE_ADDFB2: Invalid argument"},
	{0, 3, ENOMEM, "screen: DRM_IOCTL_MODE_ADDFB2: Cannot allocate memory"},
};

START_TEST(all_framebuffers_or_none)
{
	begin("lab", SCREEN);
	card.import_fails = failures[_i].import_fails;
	card.add_fails = failures[_i].add_fails;
	card.import_error = card.add_error = failures[_i].error;
	refused("screen", -failures[_i].error, failures[_i].words);
	end();
}
END_TEST

START_TEST(every_allocation_fails_once)
{
	struct dmabroker_kms *made = NULL;
	bool failed = true;
	unsigned int n;

	begin("lab", SCREEN);
	for (n = 1; failed; n++) {
		int error;

		faults_begin(n);
		error = dmabroker_kms_create(held.collection, "screen", NODE_FD, &made);
		failed = faults_end();
		ck_assert_int_eq(error, failed ? -ENOMEM : 0);
		ck_assert(failed == !made);
		ck_assert_uint_eq(count_framebuffers(), failed ? 0 : 3);
	}
	ck_assert_uint_ge(n, 4);
	dmabroker_kms_destroy(made);
	end();
}
END_TEST

START_TEST(two_of_one_card_do_not_meet)
{
	struct dmabroker_kms *first, *second;

	begin("lab", SCREEN);
	first = create("screen");
	second = create("screen");
	ck_assert_uint_eq(count_framebuffers(), 6);
	dmabroker_kms_destroy(first);
	ck_assert_uint_eq(count_framebuffers(), 3);
	framebuffer_of(second, 0);
	dmabroker_kms_destroy(second);
	end();
}
END_TEST

/* ---- what is shown ---- */

static void flip(struct dmabroker_kms *kms, size_t index)
{
	uint32_t framebuffer = 0;

	ck_assert_int_eq(dmabroker_kms_begin_flip(kms, held_buffer(&held, index), &framebuffer), 0);
	ck_assert_uint_eq(framebuffer,
			  dmabroker_kms_get_framebuffer(kms, held_buffer(&held, index)));
}

static void flipped(struct dmabroker_kms *kms, struct dmabroker_buffer *before)
{
	struct dmabroker_buffer *was = (void *)&held;

	ck_assert_int_eq(dmabroker_kms_end_flip(kms, &was), 0);
	ck_assert_ptr_eq(was, before);
}

/* Which buffers the screen has, as bits. */
static unsigned int has(void)
{
	unsigned int bits = 0;

	for (size_t i = 0; i < dmabroker_collection_get_count(held.collection); i++)
		bits |= (unsigned int)held_has(&held, i, "screen") << i;
	return bits;
}

START_TEST(buffer_is_with_the_display_until_another_is_shown)
{
	struct dmabroker_kms *kms;

	begin("lab", SCREEN);
	kms = create("screen");
	ck_assert_uint_eq(has(), 0);
	flip(kms, 1);
	ck_assert_uint_eq(has(), 2);
	flipped(kms, NULL);
	ck_assert_uint_eq(has(), 2);
	flip(kms, 0);
	ck_assert_uint_eq(has(), 3);
	flipped(kms, held_buffer(&held, 1));
	ck_assert_uint_eq(has(), 1);
	/* it reads: nobody writes meanwhile */
	ck_assert_int_eq(
		dmabroker_buffer_begin_access(held_buffer(&held, 0), "cpu", DMABROKER_ACCESS_WRITE),
		-EBUSY);
	ck_assert_int_eq(
		dmabroker_buffer_begin_access(held_buffer(&held, 0), "cpu", DMABROKER_ACCESS_READ),
		0);
	dmabroker_kms_destroy(kms);
	ck_assert_uint_eq(has(), 0);
	end();
}
END_TEST

START_TEST(same_buffer_may_be_shown_again)
{
	struct dmabroker_kms *kms;

	begin("lab", SCREEN);
	kms = create("screen");
	flip(kms, 0);
	flipped(kms, NULL);
	flip(kms, 0);
	flipped(kms, NULL);
	ck_assert_uint_eq(has(), 1);
	flip(kms, 0);
	ck_assert_int_eq(dmabroker_kms_cancel_flip(kms), 0);
	ck_assert_uint_eq(has(), 1);
	flip(kms, 1);
	flipped(kms, held_buffer(&held, 0));
	dmabroker_kms_destroy(kms);
	end();
}
END_TEST

START_TEST(one_flip_at_a_time)
{
	struct dmabroker_buffer *before = (void *)&held;
	uint32_t framebuffer = 77;
	struct dmabroker_kms *kms;

	begin("lab", SCREEN);
	kms = create("screen");
	ck_assert_int_eq(dmabroker_kms_end_flip(kms, &before), -EINVAL);
	says("screen: no flip has begun");
	ck_assert_int_eq(dmabroker_kms_cancel_flip(kms), -EINVAL);
	flip(kms, 2);
	ck_assert_int_eq(dmabroker_kms_begin_flip(kms, held_buffer(&held, 0), &framebuffer),
			 -EBUSY);
	says("buffer 2 is on its way to the screen already");
	ck_assert_uint_eq(has(), 4);
	ck_assert_int_eq(dmabroker_kms_cancel_flip(kms), 0);
	ck_assert_uint_eq(has(), 0);
	ck_assert_int_eq(dmabroker_kms_end_flip(kms, &before), -EINVAL);
	ck_assert_ptr_eq(before, &held);
	ck_assert_uint_eq(framebuffer, 77);
	dmabroker_kms_destroy(kms);
	end();
}
END_TEST

START_TEST(buffer_that_somebody_writes_is_not_shown)
{
	uint32_t framebuffer = 77;
	struct dmabroker_kms *kms;

	begin("lab", SCREEN);
	kms = create("screen");
	ck_assert_int_eq(
		dmabroker_buffer_begin_access(held_buffer(&held, 0), "cpu", DMABROKER_ACCESS_WRITE),
		0);
	ck_assert_int_eq(dmabroker_kms_begin_flip(kms, held_buffer(&held, 0), &framebuffer),
			 -EBUSY);
	ck_assert_uint_eq(framebuffer, 77);
	flip(kms, 1); /* nothing is on the way */
	dmabroker_kms_destroy(kms);
	end();
}
END_TEST

START_TEST(place_of_a_flip_is_named)
{
	uint32_t framebuffer;
	struct dmabroker_kms *kms;

	begin("lab", SCREEN);
	kms = create("screen");
	ck_assert_int_eq(dmabroker_kms_begin_flip_at(kms, held_buffer(&held, 0), &framebuffer,
						     "pipeline.c", 12),
			 0);
	ck_assert_int_eq(
		dmabroker_buffer_begin_access(held_buffer(&held, 0), "cpu", DMABROKER_ACCESS_WRITE),
		-EBUSY);
	says("screen (begun at pipeline.c:12) has not ended");
	dmabroker_kms_destroy(kms);
	end();
}
END_TEST

START_TEST(stop_ends_what_is_shown_and_on_the_way)
{
	struct dmabroker_kms *kms;

	begin("lab", SCREEN);
	kms = create("screen");
	ck_assert_int_eq(dmabroker_kms_stop(kms), 0);
	flip(kms, 0);
	flipped(kms, NULL);
	flip(kms, 1);
	ck_assert_int_eq(dmabroker_kms_stop(kms), 0);
	ck_assert_uint_eq(has(), 0);
	ck_assert_uint_eq(count_framebuffers(), 3);
	flip(kms, 0);
	flipped(kms, NULL);
	flip(kms, 0); /* the same again: one access, to be ended once */
	ck_assert_int_eq(dmabroker_kms_stop(kms), 0);
	ck_assert_uint_eq(has(), 0);
	flip(kms, 0);
	flipped(kms, NULL);
	dmabroker_kms_destroy(kms);
	end();
}
END_TEST

START_TEST(writeback_shows_nothing)
{
	uint32_t framebuffer = 77;
	struct dmabroker_kms *kms;

	begin("pc", WRITEBACK);
	kms = create("back");
	framebuffer_of(kms, 1);
	ck_assert_int_eq(dmabroker_kms_begin_flip(kms, held_buffer(&held, 0), &framebuffer),
			 -EINVAL);
	says("back shows nothing: its role is writeback");
	ck_assert_uint_eq(framebuffer, 77);
	ck_assert(!held_has(&held, 0, "back"));
	dmabroker_kms_destroy(kms);
	end();
}
END_TEST

START_TEST(generations_have_framebuffers_of_their_own)
{
	struct dmabroker_kms *old, *newer;
	struct dmabroker_buffer *before;
	uint32_t framebuffer = 77;

	begin("lab", SCREEN);
	before = held_buffer(&held, 0);
	old = create("screen");
	flip(old, 0);
	flipped(old, NULL);
	held_renegotiate(&held, "320x240 f=XR24 n=2 screen=disp:scanout cpu=:cpu/cpu-writes=rare");
	ck_assert_uint_eq(dmabroker_kms_get_framebuffer(old, held_buffer(&held, 0)), 0);
	ck_assert_int_eq(dmabroker_kms_begin_flip(old, held_buffer(&held, 0), &framebuffer),
			 -ENOENT);
	says("screen has no such buffer");
	newer = create("screen");
	ck_assert_uint_eq(framebuffer_of(newer, 1)->width, 320);
	ck_assert_uint_eq(dmabroker_kms_get_framebuffer(newer, before), 0);
	dmabroker_kms_destroy(old);
	ck_assert_int_eq(dmabroker_buffer_begin_access(before, "cpu", DMABROKER_ACCESS_WRITE), 0);
	dmabroker_kms_destroy(newer);
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kms");
	TCase *tcase = tcase_create("kms");

	tcase_add_test(tcase, each_buffer_has_a_framebuffer);
	tcase_add_test(tcase, planes_share_the_handle_and_it_is_closed_once);
	tcase_add_test(tcase, memory_objects_have_handles_of_their_own);
	tcase_add_loop_test(tcase, modifier_is_told_where_it_can_be, 0, (int)LEN(modifiers));
	tcase_add_test(tcase, modifier_that_nobody_knows_is_not_told);
	tcase_add_test(tcase, others_than_displays_are_refused);
	tcase_add_test(tcase, offset_that_drm_cannot_name_is_refused);
	tcase_add_loop_test(tcase, all_framebuffers_or_none, 0, (int)LEN(failures));
	tcase_add_test(tcase, every_allocation_fails_once);
	tcase_add_test(tcase, two_of_one_card_do_not_meet);
	tcase_add_test(tcase, buffer_is_with_the_display_until_another_is_shown);
	tcase_add_test(tcase, same_buffer_may_be_shown_again);
	tcase_add_test(tcase, one_flip_at_a_time);
	tcase_add_test(tcase, buffer_that_somebody_writes_is_not_shown);
	tcase_add_test(tcase, place_of_a_flip_is_named);
	tcase_add_test(tcase, stop_ends_what_is_shown_and_on_the_way);
	tcase_add_test(tcase, writeback_shows_nothing);
	tcase_add_test(tcase, generations_have_framebuffers_of_their_own);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
