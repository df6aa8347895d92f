/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for a Wayland compositor, on the real libwayland-server: it shows nothing. It sends
 * linux-dmabuf feedback, looks at what it is given as a compositor would, and imports it by PRIME
 * where it is given real nodes.
 *
 * usage: standin-compositor OPTION... COMMAND [ARGUMENT...]	serves the command (WAYLAND_SOCKET)
 *and ends with its status standin-compositor OPTION... --fd FD			serves a connected
 *socket until it ends
 *
 *	--main NODE	its main device, into which all buffers are imported; else one that is not
 *			there
 *	--screen NODE	the device of its scanout tranche, on which buffers become framebuffers
 *	--record FILE	adds what it has got
 *	--plays PART	how it differs from a good compositor: see send_feedback and check
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include <linux-dmabuf-unstable-v1-server-protocol.h>
#include <wayland-server.h>
#include <xdg-shell-server-protocol.h>

#define TILED UINT64_C(0x0100000000000001)

static struct {
	struct wl_display *display;
	FILE *record;
	const char *plays;
	struct {
		int fd; /* -1: none */
		dev_t number;
	} main, screen;
} compositor = {.plays = "good", .main = {.fd = -1}, .screen = {.fd = -1}};

static bool plays(const char *part)
{
	return strcmp(compositor.plays, part) == 0;
}

__attribute__((format(printf, 1, 2))) static void record(const char *format, ...)
{
	va_list arguments;

	if (!compositor.record)
		return;
	va_start(arguments, format);
	vfprintf(compositor.record, format, arguments);
	va_end(arguments);
	fflush(compositor.record);
}

static void destroy(struct wl_client *client, struct wl_resource *resource)
{
	(void)client;
	wl_resource_destroy(resource);
}

/* ---- feedback ---- */

struct entry {
	uint32_t format, padding;
	uint64_t modifier;
};

static const struct entry table[] = {
	{DRM_FORMAT_XRGB8888, 0xdead, DRM_FORMAT_MOD_LINEAR},
	{DRM_FORMAT_XRGB8888, 0xdead, TILED},
	{DRM_FORMAT_ARGB8888, 0xdead, DRM_FORMAT_MOD_LINEAR},
	{DRM_FORMAT_NV12, 0xdead, DRM_FORMAT_MOD_INVALID},
	{DRM_FORMAT_XRGB8888, 0xdead, DRM_FORMAT_MOD_INVALID},
};

#define TABLE_LEN (sizeof(table) / sizeof(table[0]))

static void send_bytes(struct wl_resource *feedback, const void *bytes, size_t len, uint32_t says)
{
	int fd = memfd_create("formats", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		abort();
	zwp_linux_dmabuf_feedback_v1_send_format_table(feedback, fd, says);
	if (plays("cut-short")) /* right after it was sent */
		if (ftruncate(fd, 16) < 0)
			abort();
	close(fd);
}

/* 1500 formats of which no two are alike; the last 100 are linear. */
static void send_many(struct wl_resource *feedback)
{
	struct entry entries[1500];

	for (uint32_t i = 0; i < 1500; i++)
		entries[i] = (struct entry){DRM_FORMAT_XRGB8888 + i, 0, i < 1400 ? TILED : 0};
	send_bytes(feedback, entries, sizeof(entries), sizeof(entries));
}

static void send_pipe(struct wl_resource *feedback)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		abort();
	zwp_linux_dmabuf_feedback_v1_send_format_table(feedback, fds[0], sizeof(table));
	close(fds[0]);
	close(fds[1]);
}

static void send_table(struct wl_resource *feedback)
{
	if (plays("odd-table"))
		send_bytes(feedback, table, sizeof(table), sizeof(table) - 1);
	else if (plays("empty-table"))
		send_bytes(feedback, table, sizeof(table), 0);
	else if (plays("short-table"))
		send_bytes(feedback, table, sizeof(table), sizeof(table) + 16);
	else if (plays("huge-table"))
		send_bytes(feedback, table, sizeof(table), 0xfffffff0);
	else if (plays("pipe-table"))
		send_pipe(feedback);
	else if (plays("many"))
		send_many(feedback);
	else if (!plays("no-table"))
		send_bytes(feedback, table, sizeof(table), sizeof(table));
}

static void send_device(struct wl_resource *feedback, dev_t number,
			void (*send)(struct wl_resource *, struct wl_array *))
{
	struct wl_array array;

	wl_array_init(&array);
	memcpy(wl_array_add(&array, sizeof(number)), &number, sizeof(number));
	if (plays("short-device"))
		array.size = 4;
	send(feedback, &array);
	wl_array_release(&array);
}

static void send_indices(struct wl_resource *feedback, const uint16_t *indices, size_t len)
{
	struct wl_array array;

	wl_array_init(&array);
	memcpy(wl_array_add(&array, len * 2), indices, len * 2);
	if (plays("odd-indices"))
		array.size--;
	zwp_linux_dmabuf_feedback_v1_send_tranche_formats(feedback, &array);
	wl_array_release(&array);
}

static void send_tranche(struct wl_resource *feedback, bool scanout, const uint16_t *indices,
			 size_t len)
{
	if (!plays("no-target"))
		send_device(feedback, scanout ? compositor.screen.number : compositor.main.number,
			    zwp_linux_dmabuf_feedback_v1_send_tranche_target_device);
	zwp_linux_dmabuf_feedback_v1_send_tranche_flags(feedback, scanout);
	if (!plays("no-formats"))
		send_indices(feedback, indices, len);
	if (!plays("amid"))
		zwp_linux_dmabuf_feedback_v1_send_tranche_done(feedback);
}

static void send_long_tranche(struct wl_resource *feedback, size_t len)
{
	uint16_t *indices = calloc(len, sizeof(indices[0]));

	for (size_t i = 0; i < len; i++)
		indices[i] = (uint16_t)(plays("many") ? i : 0);
	send_tranche(feedback, false, indices, len);
	free(indices);
}

/* The tranche for scanout comes second, and has the first of all formats. */
static void send_tranches(struct wl_resource *feedback)
{
	static const uint16_t first[] = {1, 2, 3}, second[] = {0, 2}, third[] = {0, 4, 0};
	static const uint16_t beyond[] = {0, TABLE_LEN};

	send_tranche(feedback, false, first, 3);
	if (!plays("plain"))
		send_tranche(feedback, true, second, 2);
	send_tranche(feedback, false, third, 3);
	if (plays("beyond"))
		send_tranche(feedback, false, beyond, 2);
	for (int i = 0; i < 62 && plays("tranches"); i++)
		send_tranche(feedback, false, third, 1);
	for (int i = 0; i < 40 && plays("too-many"); i++) /* a message has 4096 bytes */
		send_long_tranche(feedback, 1800);
}

static void send_feedback(struct wl_resource *feedback)
{
	send_table(feedback);
	if (!plays("no-main"))
		send_device(feedback, compositor.main.number,
			    zwp_linux_dmabuf_feedback_v1_send_main_device);
	if (plays("many"))
		send_long_tranche(feedback, 1500);
	else if (!plays("no-tranches"))
		send_tranches(feedback);
	zwp_linux_dmabuf_feedback_v1_send_done(feedback);
}

static const struct zwp_linux_dmabuf_feedback_v1_interface feedback_calls = {.destroy = destroy};

static void create_feedback(struct wl_client *client, struct wl_resource *dmabuf, uint32_t id)
{
	struct wl_resource *feedback = wl_resource_create(client,
							  &zwp_linux_dmabuf_feedback_v1_interface,
							  wl_resource_get_version(dmabuf), id);
	const char *part = compositor.plays;

	wl_resource_set_implementation(feedback, &feedback_calls, NULL, NULL);
	if (plays("mute"))
		return;
	if (plays("worse") || plays("better")) { /* first one way, then the other */
		compositor.plays = plays("worse") ? "good" : "beyond";
		send_feedback(feedback);
		compositor.plays = strcmp(part, "worse") == 0 ? "beyond" : "good";
	}
	send_feedback(feedback);
	compositor.plays = part;
}

static void get_default_feedback(struct wl_client *client, struct wl_resource *dmabuf, uint32_t id)
{
	record("feedback\n");
	create_feedback(client, dmabuf, id);
}

static void get_surface_feedback(struct wl_client *client, struct wl_resource *dmabuf, uint32_t id,
				 struct wl_resource *surface)
{
	(void)surface;
	record("feedback for a surface\n");
	create_feedback(client, dmabuf, id);
}

/* ---- buffers ---- */

struct plane {
	int fd; /* owned; -1: not added */
	uint32_t offset, stride;
	uint64_t modifier;
};

struct params {
	struct plane planes[4];
};

struct buffer {
	int fd;
	uint32_t offset;
};

static uint64_t inode_of(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

static void add_plane(struct wl_client *client, struct wl_resource *resource, int32_t fd,
		      uint32_t index, uint32_t offset, uint32_t stride, uint32_t modifier_high,
		      uint32_t modifier_low)
{
	struct params *params = wl_resource_get_user_data(resource);
	uint64_t modifier = (uint64_t)modifier_high << 32 | modifier_low;

	(void)client;
	if (index >= 4 || params->planes[index].fd >= 0) {
		wl_resource_post_error(resource,
				       index >= 4 ? ZWP_LINUX_BUFFER_PARAMS_V1_ERROR_PLANE_IDX
						  : ZWP_LINUX_BUFFER_PARAMS_V1_ERROR_PLANE_SET,
				       "plane %u", index);
		close(fd);
		return;
	}
	params->planes[index] = (struct plane){fd, offset, stride, modifier};
	record("plane %u %u+%u modifier 0x%llx inode %llu\n", index, offset, stride,
	       (unsigned long long)modifier, (unsigned long long)inode_of(fd));
}

static bool is_advertised(uint32_t format, uint64_t modifier)
{
	for (size_t i = 0; i < TABLE_LEN; i++)
		if (table[i].format == format && table[i].modifier == modifier)
			return true;
	return false;
}

static unsigned int count_planes(const struct params *params)
{
	unsigned int len = 0;

	while (len < 4 && params->planes[len].fd >= 0)
		len++;
	return len;
}

static bool is_inside(const struct plane *plane, uint64_t rows)
{
	return lseek(plane->fd, 0, SEEK_END) >= (off_t)(plane->offset + plane->stride * rows);
}

/* Returns the protocol error, or -1: it is right. */
static int check(const struct params *params, int32_t width, int32_t height, uint32_t format)
{
	unsigned int planes = format == DRM_FORMAT_NV12 ? 2 : 1;

	if (width < 1 || height < 1)
		return ZWP_LINUX_BUFFER_PARAMS_V1_ERROR_INVALID_DIMENSIONS;
	if (count_planes(params) != planes)
		return ZWP_LINUX_BUFFER_PARAMS_V1_ERROR_INCOMPLETE;
	for (unsigned int i = 0; i < planes; i++) {
		uint64_t rows = (uint64_t)(i ? (height + 1) / 2 : height);

		if (!is_advertised(format, params->planes[i].modifier))
			return ZWP_LINUX_BUFFER_PARAMS_V1_ERROR_INVALID_FORMAT;
		if (!is_inside(&params->planes[i], rows) ||
		    params->planes[i].stride < (uint32_t)width * (planes == 1 ? 4 : 1))
			return ZWP_LINUX_BUFFER_PARAMS_V1_ERROR_OUT_OF_BOUNDS;
	}
	return plays("choosy") ? ZWP_LINUX_BUFFER_PARAMS_V1_ERROR_INVALID_WL_BUFFER : -1;
}

static bool add_framebuffer(const struct params *params, uint32_t handle, int32_t width,
			    int32_t height, uint32_t format)
{
	uint32_t handles[4] = {0}, strides[4] = {0}, offsets[4] = {0}, framebuffer;

	for (unsigned int i = 0; i < count_planes(params); i++) {
		handles[i] = handle;
		strides[i] = params->planes[i].stride;
		offsets[i] = params->planes[i].offset;
	}
	if (drmModeAddFB2(compositor.screen.fd, (uint32_t)width, (uint32_t)height, format, handles,
			  strides, offsets, &framebuffer, 0) < 0)
		return false;
	drmModeRmFB(compositor.screen.fd, framebuffer);
	return true;
}

/* For real, into the nodes there are. */
static bool import(const struct params *params, int32_t width, int32_t height, uint32_t format)
{
	uint32_t handle;
	bool fine = true;

	if (compositor.main.fd >= 0) {
		fine = drmPrimeFDToHandle(compositor.main.fd, params->planes[0].fd, &handle) == 0;
		record("imported %s\n", fine ? "yes" : strerror(errno));
		if (fine)
			drmCloseBufferHandle(compositor.main.fd, handle);
	}
	if (fine && compositor.screen.fd >= 0) {
		fine = drmPrimeFDToHandle(compositor.screen.fd, params->planes[0].fd, &handle) == 0;
		if (fine) {
			fine = add_framebuffer(params, handle, width, height, format);
			record("framebuffer %s\n", fine ? "yes" : strerror(errno));
			drmCloseBufferHandle(compositor.screen.fd, handle);
		}
	}
	return fine;
}

static void free_buffer(struct wl_resource *resource)
{
	struct buffer *buffer = wl_resource_get_user_data(resource);

	close(buffer->fd);
	free(buffer);
}

static const struct wl_buffer_interface buffer_calls = {.destroy = destroy};

static struct wl_resource *create_buffer(struct wl_client *client, const struct params *params,
					 uint32_t id)
{
	struct wl_resource *resource = wl_resource_create(client, &wl_buffer_interface, 1, id);
	struct buffer *buffer = calloc(1, sizeof(*buffer));

	buffer->fd = fcntl(params->planes[0].fd, F_DUPFD_CLOEXEC, 3);
	buffer->offset = params->planes[0].offset;
	wl_resource_set_implementation(resource, &buffer_calls, buffer, free_buffer);
	return resource;
}

static void create(struct wl_client *client, struct wl_resource *resource, int32_t width,
		   int32_t height, uint32_t format, uint32_t flags)
{
	struct params *params = wl_resource_get_user_data(resource);
	int error = check(params, width, height, format);

	record("create %dx%d %.4s flags %u\n", width, height, (const char *)&format, flags);
	if (error >= 0 && error != ZWP_LINUX_BUFFER_PARAMS_V1_ERROR_INVALID_WL_BUFFER)
		wl_resource_post_error(resource, (uint32_t)error, "a bug of the client");
	else if (error >= 0 || !import(params, width, height, format))
		zwp_linux_buffer_params_v1_send_failed(resource);
	else
		zwp_linux_buffer_params_v1_send_created(resource, create_buffer(client, params, 0));
}

static void create_immed(struct wl_client *client, struct wl_resource *resource, uint32_t id,
			 int32_t width, int32_t height, uint32_t format, uint32_t flags)
{
	struct params *params = wl_resource_get_user_data(resource);
	int error = check(params, width, height, format);

	record("create_immed %dx%d %.4s flags %u\n", width, height, (const char *)&format, flags);
	if (error < 0 && !import(params, width, height, format))
		error = ZWP_LINUX_BUFFER_PARAMS_V1_ERROR_INVALID_WL_BUFFER;
	if (error >= 0)
		wl_resource_post_error(resource, (uint32_t)error, "no buffer");
	else
		create_buffer(client, params, id);
}

static const struct zwp_linux_buffer_params_v1_interface params_calls = {
	.destroy = destroy,
	.add = add_plane,
	.create = create,
	.create_immed = create_immed,
};

static void free_params(struct wl_resource *resource)
{
	struct params *params = wl_resource_get_user_data(resource);

	for (int i = 0; i < 4; i++)
		if (params->planes[i].fd >= 0)
			close(params->planes[i].fd);
	free(params);
}

static void create_params(struct wl_client *client, struct wl_resource *dmabuf, uint32_t id)
{
	struct wl_resource *resource = wl_resource_create(
		client, &zwp_linux_buffer_params_v1_interface, wl_resource_get_version(dmabuf), id);
	struct params *params = calloc(1, sizeof(*params));

	for (int i = 0; i < 4; i++)
		params->planes[i].fd = -1;
	wl_resource_set_implementation(resource, &params_calls, params, free_params);
}

static const struct zwp_linux_dmabuf_v1_interface dmabuf_calls = {
	.destroy = destroy,
	.create_params = create_params,
	.get_default_feedback = get_default_feedback,
	.get_surface_feedback = get_surface_feedback,
};

/* ---- surfaces ---- */

struct surface {
	struct wl_resource *pending, *current; /* borrowed */
	bool has_pending;
};

static void attach(struct wl_client *client, struct wl_resource *resource,
		   struct wl_resource *buffer, int32_t x, int32_t y)
{
	struct surface *surface = wl_resource_get_user_data(resource);

	(void)client, (void)x, (void)y;
	surface->pending = buffer;
	surface->has_pending = true;
}

/* The first pixel that the CPU sees in it. */
static uint32_t look(const struct buffer *buffer)
{
	uint32_t *pixels = mmap(NULL, buffer->offset + 4, PROT_READ, MAP_SHARED, buffer->fd, 0);
	uint32_t pixel;

	if (pixels == MAP_FAILED)
		return 0;
	memcpy(&pixel, (char *)pixels + buffer->offset, 4);
	munmap(pixels, buffer->offset + 4);
	return pixel;
}

/* A buffer is held until another one takes its place. */
static void commit(struct wl_client *client, struct wl_resource *resource)
{
	struct surface *surface = wl_resource_get_user_data(resource);
	const struct buffer *buffer;

	(void)client;
	if (!surface->has_pending)
		return;
	if (surface->current && surface->current != surface->pending)
		wl_buffer_send_release(surface->current);
	surface->current = surface->pending;
	surface->has_pending = false;
	if (!surface->current)
		return;
	buffer = wl_resource_get_user_data(surface->current);
	record("shown inode %llu pixel 0x%08x\n", (unsigned long long)inode_of(buffer->fd),
	       look(buffer));
}

static void damage(struct wl_client *client, struct wl_resource *resource, int32_t x, int32_t y,
		   int32_t width, int32_t height)
{
	(void)client, (void)resource, (void)x, (void)y, (void)width, (void)height;
}

static const struct wl_surface_interface surface_calls = {
	.destroy = destroy,
	.attach = attach,
	.commit = commit,
	.damage = damage,
	.damage_buffer = damage,
};

static void free_surface(struct wl_resource *resource)
{
	free(wl_resource_get_user_data(resource));
}

static void create_surface(struct wl_client *client, struct wl_resource *parent, uint32_t id)
{
	struct wl_resource *resource = wl_resource_create(client, &wl_surface_interface,
							  wl_resource_get_version(parent), id);

	wl_resource_set_implementation(resource, &surface_calls, calloc(1, sizeof(struct surface)),
				       free_surface);
}

static const struct wl_compositor_interface compositor_calls = {.create_surface = create_surface};

/* ---- windows ---- */

static void ack_configure(struct wl_client *client, struct wl_resource *resource, uint32_t serial)
{
	(void)client, (void)resource, (void)serial;
}

static void set_text(struct wl_client *client, struct wl_resource *resource, const char *text)
{
	(void)client, (void)resource, (void)text;
}

static const struct xdg_toplevel_interface toplevel_calls = {
	.destroy = destroy, .set_title = set_text, .set_app_id = set_text};

static void get_toplevel(struct wl_client *client, struct wl_resource *parent, uint32_t id)
{
	struct wl_resource *toplevel = wl_resource_create(client, &xdg_toplevel_interface,
							  wl_resource_get_version(parent), id);
	struct wl_array states;

	wl_resource_set_implementation(toplevel, &toplevel_calls, NULL, NULL);
	wl_array_init(&states);
	xdg_toplevel_send_configure(toplevel, 0, 0, &states);
	xdg_surface_send_configure(parent, 1);
}

static const struct xdg_surface_interface xdg_surface_calls = {
	.destroy = destroy, .get_toplevel = get_toplevel, .ack_configure = ack_configure};

static void get_xdg_surface(struct wl_client *client, struct wl_resource *parent, uint32_t id,
			    struct wl_resource *surface)
{
	struct wl_resource *resource = wl_resource_create(client, &xdg_surface_interface,
							  wl_resource_get_version(parent), id);

	(void)surface;
	wl_resource_set_implementation(resource, &xdg_surface_calls, NULL, NULL);
}

static const struct xdg_wm_base_interface wm_base_calls = {.destroy = destroy,
							   .get_xdg_surface = get_xdg_surface};

/* ---- the server ---- */

struct global {
	const struct wl_interface *interface;
	uint32_t version;
	const void *calls;
};

static const struct global globals[] = {
	{&wl_compositor_interface, 4, &compositor_calls},
	{&zwp_linux_dmabuf_v1_interface, 4, &dmabuf_calls},
	{&xdg_wm_base_interface, 1, &wm_base_calls},
};

static void bind_global(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	const struct global *global = data;
	struct wl_resource *resource =
		wl_resource_create(client, global->interface, (int)version, id);

	wl_resource_set_implementation(resource, global->calls, NULL, NULL);
}

static void on_client_gone(struct wl_listener *listener, void *data)
{
	(void)listener, (void)data;
	wl_display_terminate(compositor.display);
}

static void serve(int fd)
{
	struct wl_listener gone = {.notify = on_client_gone};
	struct wl_client *client;

	compositor.display = wl_display_create();
	for (size_t i = 0; i < sizeof(globals) / sizeof(globals[0]); i++)
		wl_global_create(compositor.display, globals[i].interface, (int)globals[i].version,
				 (void *)(uintptr_t)&globals[i], bind_global);
	client = wl_client_create(compositor.display, fd);
	if (!client)
		abort();
	wl_client_add_destroy_listener(client, &gone);
	wl_display_run(compositor.display);
	wl_display_destroy(compositor.display);
}

/* Returns its exit status. */
static int serve_command(char **command)
{
	pid_t parent = getpid(), pid;
	char number[16];
	int fds[2], status;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	snprintf(number, sizeof(number), "%d", fds[1]);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(126);
		fcntl(fds[1], F_SETFD, 0);
		setenv("WAYLAND_SOCKET", number, 1);
		execvp(command[0], command);
		_exit(127);
	}
	close(fds[1]);
	serve(fds[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 126;
	return WEXITSTATUS(status);
}

static void open_node(const char *path, int *ret_fd, dev_t *ret_number)
{
	struct stat status;

	*ret_fd = open(path, O_RDWR | O_CLOEXEC);
	if (*ret_fd < 0 || fstat(*ret_fd, &status) < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
	*ret_number = status.st_rdev;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"main", required_argument, NULL, 'm'},	  {"screen", required_argument, NULL, 's'},
		{"record", required_argument, NULL, 'r'}, {"plays", required_argument, NULL, 'p'},
		{"fd", required_argument, NULL, 'f'},	  {0}};
	int option, fd = -1;

	compositor.main.number = makedev(226, 1000); /* there is none */
	compositor.screen.number = makedev(226, 1001);
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option == 'm')
			open_node(optarg, &compositor.main.fd, &compositor.main.number);
		else if (option == 's')
			open_node(optarg, &compositor.screen.fd, &compositor.screen.number);
		else if (option == 'r')
			compositor.record = fopen(optarg, "ae");
		else if (option == 'p')
			compositor.plays = optarg;
		else if (option == 'f')
			fd = atoi(optarg);
		else
			return 2;
	}
	if (fd < 0 && !argv[optind])
		return 2;
	if (fd < 0)
		return serve_command(argv + optind);
	serve(fd);
	return 0;
}
