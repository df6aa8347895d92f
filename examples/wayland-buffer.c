/* SPDX-License-Identifier: MIT */
/*
 * A window whose pictures the CPU draws into buffers that the compositor uses without a copy.
 *
 *	connect		finds what it needs of the compositor, and opens a window
 *	allocate	says what the compositor takes, if it can be with its display too, and gets
 *			buffers
 *	run		draws into whatever buffer the compositor has released, and hands it over
 *
 * To stay short it ends at the first error.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>

#include <dmabroker-wayland.h>
#include <drm_fourcc.h>
#include <linux-dmabuf-unstable-v1-client-protocol.h>
#include <wayland-client.h>
#include <xdg-shell-client-protocol.h>

#include "die.h"

#define WAIT_MS 5000
#define BUFFERS_MAX 64

struct buffer {
	struct window *window;
	struct dmabroker_buffer *shared;
	struct wl_buffer *shown; /* the compositor's name for it */
	bool busy;		 /* with the compositor */
};

struct window {
	struct wl_display *display;
	struct wl_compositor *compositor;
	struct zwp_linux_dmabuf_v1 *dmabuf;
	struct xdg_wm_base *shell;
	struct wl_surface *surface;
	struct xdg_surface *role;
	struct xdg_toplevel *toplevel;
	bool configured;

	struct dmabroker *broker;
	struct dmabroker_wayland *helper;
	struct dmabroker_collection *collection;
	bool has_screen; /* the plan suits direct scanout */
	struct buffer buffers[BUFFERS_MAX];
	size_t buffers_len;

	const char *device, *screen_device; /* instead of what the compositor names */
	unsigned int width, height, frames;
};

/* ---- The compositor ---- */

static void on_global(void *data, struct wl_registry *registry, uint32_t name,
		      const char *interface, uint32_t version)
{
	struct window *w = data;

	if (strcmp(interface, wl_compositor_interface.name) == 0 && version >= 4)
		w->compositor = wl_registry_bind(registry, name, &wl_compositor_interface, 4);
	else if (strcmp(interface, zwp_linux_dmabuf_v1_interface.name) == 0 && version >= 4)
		w->dmabuf = wl_registry_bind(registry, name, &zwp_linux_dmabuf_v1_interface, 4);
	else if (strcmp(interface, xdg_wm_base_interface.name) == 0)
		w->shell = wl_registry_bind(registry, name, &xdg_wm_base_interface, 1);
}

static void on_global_gone(void *data, struct wl_registry *registry, uint32_t name)
{
	(void)data, (void)registry, (void)name;
}

static const struct wl_registry_listener registry_listener = {on_global, on_global_gone};

static void on_ping(void *data, struct xdg_wm_base *shell, uint32_t serial)
{
	(void)data;
	xdg_wm_base_pong(shell, serial);
}

static const struct xdg_wm_base_listener shell_listener = {on_ping};

static void on_configure(void *data, struct xdg_surface *role, uint32_t serial)
{
	xdg_surface_ack_configure(role, serial);
	((struct window *)data)->configured = true;
}

static const struct xdg_surface_listener role_listener = {on_configure};

/* Waits for events, as long as it may take a compositor to answer. */
static void dispatch(struct window *w)
{
	struct pollfd ready = {.fd = wl_display_get_fd(w->display), .events = POLLIN};

	while (wl_display_prepare_read(w->display) < 0)
		if (wl_display_dispatch_pending(w->display) > 0)
			return;
	wl_display_flush(w->display);
	if (poll(&ready, 1, WAIT_MS) <= 0) {
		wl_display_cancel_read(w->display);
		die("the compositor does not answer");
	}
	if (wl_display_read_events(w->display) < 0 || wl_display_dispatch_pending(w->display) < 0)
		die("the compositor has ended the connection: %s", strerror(errno));
}

static void open_window(struct window *w)
{
	w->surface = wl_compositor_create_surface(w->compositor);
	xdg_wm_base_add_listener(w->shell, &shell_listener, NULL);
	w->role = xdg_wm_base_get_xdg_surface(w->shell, w->surface);
	xdg_surface_add_listener(w->role, &role_listener, w);
	w->toplevel = xdg_surface_get_toplevel(w->role);
	xdg_toplevel_set_title(w->toplevel, "dmabroker");
	wl_surface_commit(w->surface);
	while (!w->configured)
		dispatch(w);
}

static void connect_all(struct window *w)
{
	struct wl_registry *registry;

	w->display = wl_display_connect(NULL);
	if (!w->display)
		die("no compositor: %s", strerror(errno));
	registry = wl_display_get_registry(w->display);
	wl_registry_add_listener(registry, &registry_listener, w);
	wl_display_roundtrip(w->display);
	wl_registry_destroy(registry);
	if (!w->compositor || !w->dmabuf || !w->shell)
		die("the compositor has no linux-dmabuf of version 4, or no windows");
	open_window(w);
	if (dmabroker_wayland_create(w->dmabuf, w->surface, &w->helper) < 0)
		die("cannot ask for feedback");
	while (!dmabroker_wayland_get_feedback_count(w->helper))
		dispatch(w);
	if (dmabroker_connect(NULL, &w->broker) < 0)
		die("no broker answers");
}

/* ---- The buffers ---- */

/* `camping`: buffers it holds at once. `device` NULL: what the compositor names. Returns what
 * dmabroker_wayland_declare returns. */
static int add_compositor(struct window *w, struct dmabroker_record *request, const char *name,
			  const char *role, unsigned int camping, const char *device)
{
	struct dmabroker_record *participant;

	if (dmabroker_request_add_participant(request, name, role, &participant) < 0 ||
	    dmabroker_record_set_uint(participant, "camping", camping) < 0 ||
	    (device && dmabroker_record_set_string(participant, "device", device) < 0))
		die("cannot ask for the participant %s", name);
	return dmabroker_wayland_declare(w->helper, participant);
}

/* Returns owned. Of two buffers one is seen while the next one waits; the compositor holds
 * `camping` of them. */
static struct dmabroker_record *create_request(struct window *w, unsigned int camping)
{
	struct dmabroker_record *request, *cpu;

	if (dmabroker_request_create(&request) < 0 ||
	    dmabroker_record_set_uint(request, "width", w->width) < 0 ||
	    dmabroker_record_set_uint(request, "height", w->height) < 0 ||
	    dmabroker_record_add_format(request, "formats", DRM_FORMAT_XRGB8888,
					DRM_FORMAT_MOD_LINEAR) < 0 ||
	    dmabroker_request_add_participant(request, "cpu", "cpu", &cpu) < 0)
		die("cannot make a request");
	if (add_compositor(w, request, "compositor", "render", camping, w->device) < 0)
		die("%s", dmabroker_wayland_get_error_text(w->helper));
	return request;
}

/* With buffers that the display takes as well the compositor has less to do; but it works without.
 */
static int try_screen(struct window *w)
{
	struct dmabroker_record *request = create_request(w, 1);
	int result = add_compositor(w, request, "screen", "scanout", 1, w->screen_device);

	if (result < 0)
		printf("no direct scanout: %s\n", dmabroker_wayland_get_error_text(w->helper));
	else
		result = dmabroker_allocate(w->broker, request, &w->collection);
	dmabroker_record_destroy(request);
	return result;
}

static void allocate(struct window *w)
{
	struct dmabroker_record *request;
	char *text;

	w->has_screen = try_screen(w) >= 0;
	if (!w->has_screen) {
		request = create_request(w, 2);
		if (dmabroker_allocate(w->broker, request, &w->collection) < 0)
			die("no buffers: %s", dmabroker_get_error_text(w->broker));
		dmabroker_record_destroy(request);
	}
	text = dmabroker_plan_describe(dmabroker_collection_get_plan(w->collection));
	printf("%s\n", text ? text : "(no memory to describe the plan)");
	free(text);
}

static void on_created(void *data, struct wl_buffer *shown);

static void create_buffers(struct window *w)
{
	w->buffers_len = dmabroker_collection_get_count(w->collection);
	for (size_t i = 0; i < w->buffers_len; i++) {
		struct buffer *b = &w->buffers[i];

		b->window = w;
		b->shared = dmabroker_collection_get_buffer(w->collection, i);
		if (dmabroker_wayland_create_buffer(w->helper, b->shared, "compositor", on_created,
						    b) < 0)
			die("%s", dmabroker_wayland_get_error_text(w->helper));
		while (!b->shown)
			dispatch(w);
	}
}

/* ---- Hand-overs ---- */

static void begin(struct window *w, struct buffer *b, const char *who, enum dmabroker_access access)
{
	if (dmabroker_buffer_begin_access(b->shared, who, access) < 0)
		die("%s cannot have a buffer: %s", who, dmabroker_get_error_text(w->broker));
}

static void end(struct window *w, struct buffer *b, const char *who)
{
	if (dmabroker_buffer_end_access(b->shared, who) < 0)
		die("%s cannot return a buffer: %s", who, dmabroker_get_error_text(w->broker));
}

static void on_release(void *data, struct wl_buffer *shown)
{
	struct buffer *b = data;

	(void)shown;
	end(b->window, b, "compositor");
	if (b->window->has_screen)
		end(b->window, b, "screen");
	b->busy = false;
}

static const struct wl_buffer_listener buffer_listener = {on_release};

static void on_created(void *data, struct wl_buffer *shown)
{
	struct buffer *b = data;

	if (!shown)
		die("the compositor cannot use the buffer");
	b->shown = shown;
	wl_buffer_add_listener(shown, &buffer_listener, b);
}

static struct buffer *take(struct window *w)
{
	for (;; dispatch(w))
		for (size_t i = 0; i < w->buffers_len; i++)
			if (!w->buffers[i].busy)
				return &w->buffers[i];
}

static void draw(struct window *w, struct buffer *b, unsigned int frame)
{
	void *pixels;

	if (dmabroker_buffer_map(b->shared, 0, &pixels) < 0)
		die("cannot map a buffer: %s", dmabroker_get_error_text(w->broker));
	begin(w, b, "cpu", DMABROKER_ACCESS_WRITE);
	memset(pixels, (int)(frame & 0xff), dmabroker_buffer_get_bytes(b->shared, 0));
	end(w, b, "cpu");
}

static void show(struct window *w, struct buffer *b)
{
	begin(w, b, "compositor", DMABROKER_ACCESS_READ);
	if (w->has_screen)
		begin(w, b, "screen", DMABROKER_ACCESS_READ);
	b->busy = true;
	wl_surface_attach(w->surface, b->shown, 0, 0);
	wl_surface_damage_buffer(w->surface, 0, 0, INT32_MAX, INT32_MAX);
	wl_surface_commit(w->surface);
}

static void run(struct window *w)
{
	for (unsigned int frame = 1; frame <= w->frames; frame++) {
		struct buffer *b = take(w);

		draw(w, b, frame);
		show(w, b);
	}
	wl_surface_attach(w->surface, NULL, 0, 0);
	wl_surface_commit(w->surface);
	for (size_t i = 0; i < w->buffers_len; i++)
		while (w->buffers[i].busy)
			dispatch(w);
	printf("%u frames in %zu buffers%s\n", w->frames, w->buffers_len,
	       w->has_screen ? ", fit for direct scanout" : "");
}

static void disconnect_all(struct window *w)
{
	for (size_t i = 0; i < w->buffers_len; i++)
		wl_buffer_destroy(w->buffers[i].shown);
	dmabroker_collection_release(w->collection);
	dmabroker_wayland_destroy(w->helper);
	dmabroker_disconnect(w->broker);
	xdg_toplevel_destroy(w->toplevel);
	xdg_surface_destroy(w->role);
	wl_surface_destroy(w->surface);
	xdg_wm_base_destroy(w->shell);
	zwp_linux_dmabuf_v1_destroy(w->dmabuf);
	wl_compositor_destroy(w->compositor);
	wl_display_disconnect(w->display);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"device", required_argument, NULL, 'd'},
						{"screen", required_argument, NULL, 'c'},
						{"size", required_argument, NULL, 's'},
						{"frames", required_argument, NULL, 'f'},
						{0}};
	struct window w = {.width = 640, .height = 480, .frames = 60};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'd')
			w.device = optarg;
		else if (option == 'c')
			w.screen_device = optarg;
		else if (option == 'f')
			w.frames = (unsigned int)strtoul(optarg, NULL, 10);
		else if (option != 's' || sscanf(optarg, "%ux%u", &w.width, &w.height) != 2)
			die("usage: wayland-buffer [--device ID] [--screen ID] [--size WxH] "
			    "[--frames N]");
	}
	connect_all(&w);
	allocate(&w);
	create_buffers(&w);
	run(&w);
	disconnect_all(&w);
	return 0;
}
