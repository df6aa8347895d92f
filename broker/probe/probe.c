/* SPDX-License-Identifier: MIT */
/*
 * The nodes there are, and the ones that come and go.
 *
 * Where udevd runs its events are taken, since only after it has set owner and permissions can a
 * node be opened by who is not root; else (initramfs, container, test machine) the kernel's.
 *
 * A node that has gone leaves nothing in sysfs from which its id could be made. So every node that
 * was reported is remembered, and REMOVED carries what ADDED did. The list also tells what was lost
 * when the kernel could not deliver all events: probe_enumerate then reports what is gone.
 *
 * probe_measure knows nothing of all this. It runs in any thread, and touches its arguments only:
 * libudev is no friend of threads.
 */
#include "broker/probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <libudev.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "broker/probe/drm.h"
#include "broker/probe/fact.h"
#include "broker/probe/heap.h"
#include "broker/probe/hugetlb.h"
#include "broker/probe/id.h"
#include "broker/probe/platform.h"
#include "broker/probe/quirks.h"
#include "broker/probe/v4l2.h"

#define NODES_MAX 1024u /* more than the machine record can hold */
#define EVENTS_MAX 256u /* per call of probe_dispatch, that others get their turn */

struct known {
	struct probe_node node;
	bool seen; /* by the enumeration that is going on */
};

struct probe {
	const char *root; /* as in probe_options; borrowed */
	struct udev *udev;
	struct udev_monitor *monitor;
	struct known *nodes;
	size_t nodes_len;
};

static const char *const subsystems[] = {"video4linux", "drm", "dma_heap", "misc"};
#define SUBSYSTEMS (sizeof(subsystems) / sizeof(subsystems[0]))

/* --- nodes --- */

void probe_node_finish(struct probe_node *node)
{
	free(node->id);
	free(node->node);
	free(node->sysfs);
	free(node->subsystem);
	*node = (struct probe_node){0};
}

static int make_node(const char *id, const char *path, const char *sysfs, const char *subsystem,
		     uint64_t number, struct probe_node *ret_node)
{
	struct probe_node node = {.id = strdup(id),
				  .node = strdup(path),
				  .sysfs = strdup(sysfs),
				  .subsystem = strdup(subsystem),
				  .number = number};

	if (!node.id || !node.node || !node.sysfs || !node.subsystem) {
		probe_node_finish(&node);
		return -ENOMEM;
	}
	*ret_node = node;
	return 0;
}

int probe_node_copy(const struct probe_node *node, struct probe_node *ret_copy)
{
	return make_node(node->id, node->node, node->sysfs, node->subsystem, node->number,
			 ret_copy);
}

bool probe_node_is_heap(const struct probe_node *node)
{
	return strcmp(node->subsystem, "dma_heap") == 0 || strcmp(node->subsystem, "misc") == 0;
}

/* Errors: -ENOTSUP: no node of ours, or one that is on its way out already; -ENOMEM. */
static int node_from_udev(struct udev_device *device, struct probe_node *ret_node)
{
	const char *subsystem = udev_device_get_subsystem(device);
	const char *sysname = udev_device_get_sysname(device);
	const char *devpath = udev_device_get_devpath(device);
	const char *sysfs = udev_device_get_syspath(device);
	const char *path = udev_device_get_devnode(device);
	char id[ID_BYTES];
	int error;

	if (!subsystem || !sysname || !devpath || !sysfs || !path)
		return -ENOTSUP;
	error = id_of_node(subsystem, sysname, devpath,
			   udev_device_get_sysattr_value(device, "name"),
			   udev_device_get_sysattr_value(device, "index"), id);
	if (error)
		return error;
	return make_node(id, path, sysfs, subsystem, udev_device_get_devnum(device), ret_node);
}

static struct known *find_node(struct probe *probe, const char *sysfs)
{
	for (size_t i = 0; i < probe->nodes_len; i++)
		if (strcmp(probe->nodes[i].node.sysfs, sysfs) == 0)
			return &probe->nodes[i];
	return NULL;
}

/* Takes `node` on success. Errors: -ENOMEM, -ENOTSUP (too many). */
static int remember(struct probe *probe, const struct probe_node *node)
{
	struct known *nodes;

	if (probe->nodes_len >= NODES_MAX)
		return -ENOTSUP;
	nodes = realloc(probe->nodes, (probe->nodes_len + 1) * sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	probe->nodes = nodes;
	nodes[probe->nodes_len++] = (struct known){.node = *node, .seen = true};
	return 0;
}

static void forget(struct probe *probe, struct known *known, probe_event_fn on_event, void *data)
{
	struct probe_node node = known->node;

	*known = probe->nodes[--probe->nodes_len];
	on_event(data, PROBE_REMOVED, &node);
	probe_node_finish(&node);
}

/* --- events --- */

static bool same_node(const struct probe_node *a, const struct probe_node *b)
{
	return a->number == b->number && strcmp(a->id, b->id) == 0 && strcmp(a->node, b->node) == 0;
}

/* A node that is known under this path in sysfs, and is it still: another device may have taken its
 * place while events were lost. */
static struct known *find_same(struct probe *probe, const struct probe_node *node,
			       probe_event_fn on_event, void *data)
{
	struct known *known = find_node(probe, node->sysfs);

	if (known && !same_node(&known->node, node)) {
		forget(probe, known, on_event, data);
		known = NULL;
	}
	return known;
}

/* Takes `node`, also where it fails. `again` is what is reported of a node that is known. */
static int appear_node(struct probe *probe, struct probe_node *node, enum probe_event again,
		       probe_event_fn on_event, void *data)
{
	struct known *known = find_same(probe, node, on_event, data);
	int error;

	if (known) {
		known->seen = true;
		on_event(data, again, &known->node);
		probe_node_finish(node);
		return 0;
	}
	error = remember(probe, node);
	if (error) {
		probe_node_finish(node);
		return error == -ENOTSUP ? 0 : error;
	}
	on_event(data, PROBE_ADDED, &probe->nodes[probe->nodes_len - 1].node);
	return 0;
}

/*
 * Huge pages have no node of their own: udmabuf makes buffers of them, so each pool that has pages
 * is a heap beside udmabuf's own, with the same node, and comes and goes with it. The kernel says
 * nothing when a pool gets or loses its pages: that shows at the next event or enumeration.
 */
static int appear_pools(struct probe *probe, const struct probe_node *udmabuf,
			enum probe_event again, probe_event_fn on_event, void *data)
{
	struct hugetlb_pool pools[HUGETLB_POOLS_MAX];
	size_t len = hugetlb_list(probe->root, pools);
	struct probe_node node;
	int error = 0;

	for (size_t i = 0; i < len && !error; i++) {
		error = make_node(pools[i].id, udmabuf->node, pools[i].sysfs, udmabuf->subsystem,
				  udmabuf->number, &node);
		if (!error)
			error = appear_node(probe, &node, again, on_event, data);
	}
	return error;
}

static bool is_pool(const struct known *known)
{
	uint64_t page_bytes;

	return hugetlb_is_pool(known->node.sysfs, &page_bytes);
}

/* Those that were not seen lately, or all. */
static void forget_pools(struct probe *probe, bool all, probe_event_fn on_event, void *data)
{
	for (size_t i = probe->nodes_len; i-- > 0;)
		if (is_pool(&probe->nodes[i]) && (all || !probe->nodes[i].seen))
			forget(probe, &probe->nodes[i], on_event, data);
}

/* What is no pool any more is told to have gone. */
static int update_pools(struct probe *probe, const struct probe_node *udmabuf,
			enum probe_event again, probe_event_fn on_event, void *data)
{
	int error;

	for (size_t i = 0; i < probe->nodes_len; i++)
		if (is_pool(&probe->nodes[i]))
			probe->nodes[i].seen = false;
	error = appear_pools(probe, udmabuf, again, on_event, data);
	if (!error)
		forget_pools(probe, false, on_event, data);
	return error;
}

static int appear(struct probe *probe, struct udev_device *device, enum probe_event again,
		  probe_event_fn on_event, void *data)
{
	struct probe_node node, udmabuf = {0};
	int error = node_from_udev(device, &node);

	if (error)
		return error == -ENOTSUP ? 0 : error;
	if (strcmp(node.subsystem, "misc") == 0) {
		error = probe_node_copy(&node, &udmabuf);
		if (error) {
			probe_node_finish(&node);
			return error;
		}
	}
	error = appear_node(probe, &node, again, on_event, data);
	if (!error && udmabuf.id)
		error = update_pools(probe, &udmabuf, again, on_event, data);
	probe_node_finish(&udmabuf);
	return error;
}

static void disappear(struct probe *probe, const char *sysfs, probe_event_fn on_event, void *data)
{
	struct known *known = find_node(probe, sysfs);

	if (!known)
		return;
	if (strcmp(known->node.subsystem, "misc") == 0)
		forget_pools(probe, true, on_event, data);
	known = find_node(probe, sysfs);
	if (known)
		forget(probe, known, on_event, data);
}

/* A monitor was plugged in, which is no fact of ours: no reason to open the card's node again. */
static bool is_connector_change(struct udev_device *device)
{
	const char *subsystem = udev_device_get_subsystem(device);

	return subsystem && strcmp(subsystem, "drm") == 0 &&
	       udev_device_get_property_value(device, "HOTPLUG");
}

static int handle_event(struct probe *probe, struct udev_device *device, probe_event_fn on_event,
			void *data)
{
	const char *action = udev_device_get_action(device);
	const char *sysfs = udev_device_get_syspath(device);

	if (!action || !sysfs)
		return 0;
	if (strcmp(action, "add") == 0 ||
	    (strcmp(action, "change") == 0 && !is_connector_change(device)))
		return appear(probe, device, PROBE_CHANGED, on_event, data);
	if (strcmp(action, "remove") == 0)
		disappear(probe, sysfs, on_event, data);
	return 0;
}

int probe_dispatch(struct probe *probe, probe_event_fn on_event, void *data)
{
	struct udev_device *device;
	int error = 0;

	for (unsigned int i = 0; i < EVENTS_MAX && !error; i++) {
		errno = 0;
		device = udev_monitor_receive_device(probe->monitor);
		if (!device)
			return errno == ENOBUFS ? -ENOBUFS : errno == ENOMEM ? -ENOMEM : 0;
		error = handle_event(probe, device, on_event, data);
		udev_device_unref(device);
	}
	return error;
}

/* --- enumeration --- */

static int scan(struct udev *udev, struct udev_enumerate **ret_scan)
{
	struct udev_enumerate *enumerate = udev_enumerate_new(udev);
	int error = enumerate ? 0 : -ENOMEM;

	for (size_t i = 0; i < SUBSYSTEMS && !error; i++)
		error = udev_enumerate_add_match_subsystem(enumerate, subsystems[i]);
	if (!error)
		error = udev_enumerate_scan_devices(enumerate);
	if (error < 0) {
		udev_enumerate_unref(enumerate);
		return error;
	}
	*ret_scan = enumerate;
	return 0;
}

static int appear_all(struct probe *probe, struct udev_enumerate *enumerate,
		      probe_event_fn on_event, void *data)
{
	struct udev_list_entry *entry;
	int error = 0;

	udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(enumerate))
	{
		const char *path = udev_list_entry_get_name(entry);
		struct udev_device *device = udev_device_new_from_syspath(probe->udev, path);

		if (!device)
			continue;
		error = appear(probe, device, PROBE_ADDED, on_event, data);
		udev_device_unref(device);
		if (error)
			break;
	}
	return error;
}

int probe_enumerate(struct probe *probe, probe_event_fn on_event, void *data)
{
	struct udev_enumerate *enumerate;
	int error;

	error = scan(probe->udev, &enumerate);
	if (error)
		return error;
	for (size_t i = 0; i < probe->nodes_len; i++)
		probe->nodes[i].seen = false;
	error = appear_all(probe, enumerate, on_event, data);
	udev_enumerate_unref(enumerate);
	for (size_t i = probe->nodes_len; i-- > 0 && !error;)
		if (!probe->nodes[i].seen)
			forget(probe, &probe->nodes[i], on_event, data);
	return error;
}

/* --- life --- */

static int watch(struct probe *probe)
{
	const char *source = access("/run/udev/control", F_OK) == 0 ? "udev" : "kernel";
	int error = 0;

	probe->monitor = udev_monitor_new_from_netlink(probe->udev, source);
	if (!probe->monitor)
		return errno ? -errno : -ENOMEM;
	for (size_t i = 0; i < SUBSYSTEMS && !error; i++)
		error = udev_monitor_filter_add_match_subsystem_devtype(probe->monitor,
									subsystems[i], NULL);
	if (!error)
		error = udev_monitor_enable_receiving(probe->monitor);
	return error < 0 ? error : 0;
}

int probe_create(const struct probe_options *options, struct probe **ret_probe)
{
	struct probe *probe = calloc(1, sizeof(*probe));
	int error = probe ? 0 : -ENOMEM;

	if (!error) {
		probe->root = options ? options->root : NULL;
		probe->udev = udev_new();
		error = probe->udev ? watch(probe) : -ENOMEM;
	}
	if (error) {
		probe_destroy(probe);
		return error;
	}
	*ret_probe = probe;
	return 0;
}

void probe_destroy(struct probe *probe)
{
	if (!probe)
		return;
	for (size_t i = 0; i < probe->nodes_len; i++)
		probe_node_finish(&probe->nodes[i].node);
	free(probe->nodes);
	udev_monitor_unref(probe->monitor);
	udev_unref(probe->udev);
	free(probe);
}

int probe_get_fd(const struct probe *probe)
{
	return udev_monitor_get_fd(probe->monitor);
}

/* --- measuring --- */

static int open_error(void)
{
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return -ENODEV;
	case EACCES:
	case EPERM:
		return -EACCES;
	case ENOMEM:
		return -ENOMEM;
	default:
		return -ENOTSUP;
	}
}

/* The path may belong to another device by now: only the number says who it is. */
static int open_node(const struct probe_node *node, int flags)
{
	struct stat status;
	int fd = open(node->node, flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return open_error();
	if (fstat(fd, &status) < 0 || !S_ISCHR(status.st_mode) ||
	    (uint64_t)status.st_rdev != node->number) {
		close(fd);
		return -ENODEV;
	}
	return fd;
}

/* A heap of which the node cannot be opened is of no use; else opening it does nothing. */
static int measure_heap(const struct probe_node *node, const struct probe_options *options,
			struct heap *heap)
{
	int fd = open_node(node, O_RDONLY);
	int error;

	if (fd < 0)
		return fd;
	close(fd);
	error = vocab_set_string(heap, HEAP_ID, node->id, VOCAB_KERNEL);
	if (!error)
		error = vocab_set_string(heap, HEAP_NODE, node->node, VOCAB_KERNEL);
	if (!error)
		error = heap_measure(node, options, heap);
	return error;
}

static void find_quirks(struct measure *measure)
{
	const struct device *device = measure->device;
	struct quirk_subject subject = {
		.kind = device->kind == KIND_DRM ? QUIRK_KIND_DRM : QUIRK_KIND_V4L2,
		.name = vocab_string(device, DEVICE_DRIVER),
		.compatible = vocab_has(device, DEVICE_COMPATIBLE) ? &device->compatible : NULL,
		.kernel = measure->options->platform
				  ? vocab_string(measure->options->platform, MACHINE_KERNEL)
				  : "",
	};

	quirks_find(measure->options->quirks, &subject, &measure->quirk);
}

/* The order of the steps: measure.h. */
static int measure_by_kind(struct measure *measure)
{
	bool is_drm = strcmp(measure->node->subsystem, "drm") == 0;
	int error = is_drm ? drm_identify(measure) : v4l2_identify(measure);

	if (error)
		return error;
	platform_identify(measure);
	find_quirks(measure);
	platform_measure(measure);
	return is_drm ? drm_measure(measure) : v4l2_measure(measure);
}

static int measure_device(struct measure *measure)
{
	const struct probe_node *node = measure->node;
	struct device *device = measure->device;
	int error;

	measure->fd = open_node(node, O_RDWR);
	if (measure->fd < 0)
		return measure->fd;
	error = vocab_set_string(device, DEVICE_ID, node->id, VOCAB_KERNEL);
	if (!error)
		error = vocab_set_string(device, DEVICE_NODE, node->node, VOCAB_KERNEL);
	if (!error)
		error = vocab_set_number(device, DEVICE_NUMBER, node->number, VOCAB_KERNEL);
	if (!error)
		error = measure_by_kind(measure);
	close(measure->fd);
	return error;
}

int probe_measure(const struct probe_node *node, const struct probe_options *options,
		  const void *previous, void *ret_descriptor, bool *ret_again)
{
	static const struct probe_options none = {0};
	bool is_heap = probe_node_is_heap(node);
	struct measure measure = {
		.node = node, .options = options ? options : &none, .previous = previous};
	struct vocab_head *record;
	int error;

	*ret_again = false;
	error = vocab_create(is_heap ? &vocab_heap : &vocab_device, &record);
	if (error)
		return error;
	if (is_heap) {
		error = measure_heap(node, measure.options, (struct heap *)record);
	} else {
		measure.device = (struct device *)record;
		error = measure_device(&measure);
	}
	if (error) {
		vocab_destroy(record);
		return error == -ERANGE ? -ENOTSUP : error;
	}
	*ret_again = measure.again;
	memcpy(ret_descriptor, &record, sizeof(record));
	return 0;
}

int probe_machine(const char *root, struct machine *machine)
{
	long page_bytes = sysconf(_SC_PAGESIZE);
	struct utsname names;
	int error;

	if (uname(&names) < 0)
		return -errno;
	error = fact_text(machine, MACHINE_ARCHITECTURE, names.machine, sizeof(names.machine));
	if (!error)
		error = fact_text(machine, MACHINE_KERNEL, names.release, sizeof(names.release));
	if (!error && page_bytes > 0)
		fact_number(machine, MACHINE_PAGE_BYTES, (uint64_t)page_bytes, VOCAB_KERNEL);
	if (!error)
		platform_measure_machine(root, machine);
	return error;
}
