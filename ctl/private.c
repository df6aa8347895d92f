/* SPDX-License-Identifier: MIT */
#include "ctl/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/text.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

const char *const private_word_keys[] = {
	"kind",	      "coherency",	   "role",	  "memory-model",
	"contiguity", "exporter",	   "bounce",	  "xen",
	"firmware",   "default-coherency", "cpu-cache",	  "maintenance",
	"format",     "modifier",	   "v4l2-format", NULL};

static bool is_made_of(const char *text, const char *characters)
{
	return *text && text[strspn(text, characters)] == '\0';
}

/* ---- facts as JSON ---- */

/* The value of a fact {"value": ..., "origin": ...}, or NULL. Returns borrowed. */
static struct json_object *value_of(struct json_object *record, const char *key)
{
	struct json_object *fact, *value;

	return json_object_object_get_ex(record, key, &fact) &&
			       json_object_is_type(fact, json_type_object) &&
			       json_object_object_get_ex(fact, "value", &value)
		       ? value
		       : NULL;
}

/* The text of a fact, or NULL. Returns borrowed until the fact changes. */
static const char *text_of(struct json_object *record, const char *key)
{
	struct json_object *value = value_of(record, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static const char *origin_of(struct json_object *record, const char *key)
{
	struct json_object *fact, *origin;

	if (!json_object_object_get_ex(record, key, &fact) ||
	    !json_object_is_type(fact, json_type_object) ||
	    !json_object_object_get_ex(fact, "origin", &origin))
		return "";
	return json_object_get_string(origin);
}

/* Gives a fact another text, or takes it out where `text` (taken) is NULL. */
static void put_text(struct json_object *record, const char *key, char *text)
{
	struct json_object *fact;

	if (!text) {
		json_object_object_del(record, key);
		return;
	}
	if (json_object_object_get_ex(record, key, &fact) &&
	    json_object_object_add(fact, "value", json_object_new_string(text)) < 0)
		ctl_out_of_memory();
	free(text);
}

/* ---- what may stay ---- */

/* "0000:00:02.0", "pci0000:00" */
static bool is_pci(const char *word, size_t len)
{
	bool root = len > 3 && strncmp(word, "pci", 3) == 0;

	if (root) {
		word += 3;
		len -= 3;
	}
	return len >= 7 && strspn(word, DIGITS "abcdef:.") >= len && word[4] == ':';
}

/* A part of a path of devices below which names come from elsewhere: usb1, virtio0, ... */
static bool is_foreign(const char *word, size_t len)
{
	static const char *const prefixes[] = {"usb", "virtio", "fw",	"host",
					       "mmc", "hci",	"vhci", NULL};
	char *copy = text_format("%.*s", (int)len, word);
	bool foreign = strstr(copy, "loopback") || strstr(copy, "virtual") || strstr(copy, "dummy");

	for (size_t i = 0; prefixes[i]; i++)
		foreign |= strncmp(copy, prefixes[i], strlen(prefixes[i])) == 0;
	free(copy);
	return foreign;
}

/* Whether a path of devices, as in ids, has platform and PCI devices alone. */
static bool is_own_path(const char *path, size_t len)
{
	bool platform = len > 9 && strncmp(path, "platform/", 9) == 0;
	size_t word;

	for (size_t at = platform ? 9 : 0; at < len; at += word + 1) {
		word = strcspn(path + at, "/");
		if (at + word > len)
			word = len - at;
		if (is_pci(path + at, word))
			continue;
		if (!platform || !word || is_foreign(path + at, word) ||
		    strspn(path + at, LETTERS DIGITS "._,:@+-") < word)
			return false;
	}
	return len > 0;
}

/* Whether a driver's source may have this name in it. */
static bool is_plain_name(const char *name)
{
	return is_made_of(name, LETTERS DIGITS " ._,:;/()+#&*-") && strlen(name) <= 128;
}

static bool is_driver(const char *driver)
{
	return is_made_of(driver, LETTERS DIGITS " ._-") && strlen(driver) <= 32;
}

static bool is_kernel_node(const char *node)
{
	static const char *const prefixes[] = {"/dev/video", "/dev/dri/card", "/dev/dri/renderD",
					       NULL};
	size_t len;

	if (strcmp(node, "/dev/udmabuf") == 0)
		return true;
	if (strncmp(node, "/dev/dma_heap/", 14) == 0)
		return is_made_of(node + 14, LETTERS DIGITS ",._@+-");
	for (size_t i = 0; prefixes[i]; i++) {
		len = strlen(prefixes[i]);
		if (strncmp(node, prefixes[i], len) == 0 && is_made_of(node + len, DIGITS))
			return true;
	}
	return false;
}

/* A part of a kernel release that a distribution has put there: "amd64", "fc40", "3". */
static bool is_release_word(const char *word, size_t len)
{
	static const char *const words[] = {
		"x86",	  "amd64",  "arm64",   "aarch64", "armmp",    "armhf",	  "armv7",
		"lpae",	  "i586",   "i686",    "riscv64", "ppc64le",  "s390x",	  "loong64",
		"mips64", "pae",    "rt",      "cloud",	  "generic",  "default",  "lowlatency",
		"aws",	  "azure",  "gcp",     "kvm",	  "oem",      "raspi",	  "rpi",
		"rpt",	  "v6",	    "v7",      "v7l",	  "v8",	      "pve",	  "zen",
		"lts",	  "virt",   "edge",    "stable",  "hardened", "standard", "yocto",
		"debian", "ubuntu", "MANJARO", "un",	  "deb",      NULL};
	static const char *const counted[] = {"rc", "fc", "el", "deb", "arch", "bpo", "lp", NULL};
	char *copy = text_format("%.*s", (int)len, word);
	bool known = text_is_one_of(copy, words) || (len <= 5 && is_made_of(copy, DIGITS));

	for (size_t i = 0; counted[i] && !known; i++)
		known = len <= 7 && strncmp(copy, counted[i], strlen(counted[i])) == 0 &&
			is_made_of(copy + strlen(counted[i]), DIGITS);
	free(copy);
	return known;
}

/* Returns owned the kernel's number and what a distribution adds. */
static char *clean_release(const char *release)
{
	size_t len = strspn(release, DIGITS "."), word;

	while (release[len] && strchr("-+._~", release[len])) {
		word = strspn(release + len + 1, LETTERS DIGITS);
		if (!is_release_word(release + len + 1, word))
			break;
		len += 1 + word;
	}
	while (len && release[len - 1] == '.')
		len--;
	return len ? text_format("%.*s", (int)len, release) : NULL;
}

/* ---- names of devices ---- */

/* A device whose name does not stay, or has gone before. */
struct renamed {
	char *old_id; /* NULL: it has gone before */
	char *old_name;
	char *place; /* bus path and name: the same for the nodes of one thing */
	char *label; /* class and driver */
	unsigned int number;
};

struct renames {
	struct renamed *items;
	size_t len;
};

static const char *const drm_tails[] = {"card", "render", NULL};

/* The parts of an id; all borrowed from it. */
struct id_parts {
	const char *path;
	size_t path_len;
	const char *tail; /* index of a V4L2 node; "card", "render" */
	bool v4l2;
};

/* What the broker makes of a name in an id. Returns owned. */
static char *name_in_id(const char *name)
{
	char *text = text_format("%s", name);

	for (char *at = text; *at; at++)
		if (!strchr(LETTERS DIGITS "._/:-", *at))
			*at = '-';
	return text;
}

/* Takes an id apart. False: it is not one that the broker makes, with this name in it. */
static bool split_id(const char *id, const char *name, struct id_parts *parts)
{
	const char *last = strrchr(id, ':');
	size_t len, name_len;
	char *in_id;
	bool found;

	parts->v4l2 = strncmp(id, "v4l2:", 5) == 0;
	if (!last || (!parts->v4l2 && strncmp(id, "drm:", 4) != 0))
		return false;
	parts->path = id + (parts->v4l2 ? 5 : 4);
	parts->tail = last + 1;
	if (last < parts->path)
		return false;
	len = (size_t)(last - parts->path);
	parts->path_len = len;
	if (!parts->v4l2)
		return text_is_one_of(parts->tail, drm_tails);
	in_id = name_in_id(name);
	name_len = strlen(in_id);
	found = name_len && len > name_len && parts->path[len - name_len - 1] == ':' &&
		strncmp(parts->path + len - name_len, in_id, name_len) == 0 &&
		is_made_of(parts->tail, DIGITS);
	free(in_id);
	parts->path_len = found ? len - name_len - 1 : 0;
	return found;
}

static const char *class_of(const struct id_parts *parts)
{
	char *path = text_format("%.*s", (int)parts->path_len, parts->path);
	const char *class = strstr(path, "/usb")	       ? "usb"
			    : strncmp(path, "virtual", 7) == 0 ? "virtual"
							       : "other";

	free(path);
	return class;
}

/* The number of a thing among those of its class and driver. */
static unsigned int number_of(const struct renames *renames, const struct renamed *one)
{
	unsigned int number = 1;

	for (size_t i = 0; i < renames->len; i++) {
		if (strcmp(renames->items[i].label, one->label) != 0)
			continue;
		if (strcmp(renames->items[i].place, one->place) == 0)
			return renames->items[i].number;
		if (renames->items[i].number >= number)
			number = renames->items[i].number + 1;
	}
	return number;
}

/* Takes the texts. Returns borrowed until the next one is added. */
static struct renamed *add_renamed(struct renames *renames, char *old_id, char *old_name,
				   char *place, char *label)
{
	struct renamed *grown =
		realloc(renames->items, (renames->len + 1) * sizeof(renames->items[0]));

	if (!grown)
		ctl_out_of_memory();
	renames->items = grown;
	grown[renames->len] = (struct renamed){
		.old_id = old_id, .old_name = old_name, .place = place, .label = label};
	return &grown[renames->len++];
}

static const char *driver_of(struct json_object *device)
{
	const char *driver = text_of(device, "driver");

	return driver && is_driver(driver) ? driver : "device";
}

static const char *kind_of(struct json_object *device)
{
	const char *kind = text_of(device, "kind");

	return kind ? kind : "device";
}

static void rename_device(struct renames *renames, struct json_object *device, const char *id,
			  const char *name, const struct id_parts *parts)
{
	const char *driver = driver_of(device);
	const char *class = parts->path_len ? class_of(parts) : "other";
	char *in_id = name_in_id(driver);
	/* what cannot be taken apart is a place of its own */
	char *place = parts->path_len
			      ? text_format("%.*s %s", (int)parts->path_len, parts->path, name)
			      : text_format("%s", id);
	struct renamed one = {.place = place, .label = text_format("%s:%s", class, in_id)};

	one.number = number_of(renames, &one);
	add_renamed(renames, text_format("%s", id), text_format("%s", name), place, one.label)
		->number = one.number;
	if (text_of(device, "name"))
		put_text(device, "name", text_format("%s %u", driver, one.number));
	put_text(device, "id",
		 text_format("%s:%s-%u:%s", kind_of(device), one.label, one.number,
			     parts->path_len ? parts->tail : "0"));
	free(in_id);
}

/* The number in an id such as rename_device gives: nothing but class, driver and number. 0: it is
 * another. `label` is "class:driver". */
static unsigned int number_in_id(const char *id, const char *kind, const char *label)
{
	char *prefix = text_format("%s:%s-", kind, label), *whole;
	const char *tail = strrchr(id, ':');
	unsigned int number = 0;
	bool same;

	if (tail && strncmp(id, prefix, strlen(prefix)) == 0)
		sscanf(id + strlen(prefix), "%9u", &number);
	whole = text_format("%s%u%s", prefix, number, tail ? tail : "");
	same = number && strcmp(whole, id) == 0 &&
	       (is_made_of(tail + 1, DIGITS) || text_is_one_of(tail + 1, drm_tails));
	free(whole);
	free(prefix);
	return same ? number : 0;
}

/* Keeps name and id of a device that has been in a dump before, so that no other gets its number.
 * False: it has not been. */
static bool keep_renamed(struct renames *renames, struct json_object *device)
{
	static const char *const classes[] = {"usb", "virtual", "other"};
	const char *driver = driver_of(device), *id = text_of(device, "id");
	char *in_id = name_in_id(driver), *name, *label;
	unsigned int number = 0;
	bool kept;

	for (size_t i = 0; i < 3 && id && !number; i++) {
		label = text_format("%s:%s", classes[i], in_id);
		number = number_in_id(id, kind_of(device), label);
		if (number)
			add_renamed(renames, NULL, NULL, text_format("%s", id), label)->number =
				number;
		else
			free(label);
	}
	name = text_format("%s %u", driver, number);
	kept = number && (!text_of(device, "name") || strcmp(text_of(device, "name"), name) == 0);
	free(name);
	free(in_id);
	return kept;
}

static void clean_names(struct renames *renames, struct json_object *device)
{
	char *id = text_format("%s", text_of(device, "id") ? text_of(device, "id") : "");
	char *name = text_format("%s", text_of(device, "name") ? text_of(device, "name") : "");
	struct id_parts parts = {0};

	if (!split_id(id, name, &parts))
		parts.path_len = 0;
	if (!is_own_path(parts.path ? parts.path : "", parts.path_len) ||
	    (*name && !is_plain_name(name)))
		rename_device(renames, device, id, name, &parts);
	free(name);
	free(id);
}

/* Those that have been renamed before come first: they keep their numbers. */
static void clean_devices(struct renames *renames, struct json_object *devices)
{
	size_t len = json_object_array_length(devices);
	bool *kept = calloc(len + 1, sizeof(*kept));

	if (!kept)
		ctl_out_of_memory();
	for (size_t i = 0; i < len; i++)
		kept[i] = keep_renamed(renames, json_object_array_get_idx(devices, i));
	for (size_t i = 0; i < len; i++)
		if (!kept[i])
			clean_names(renames, json_object_array_get_idx(devices, i));
	free(kept);
}

static void renames_finish(struct renames *renames)
{
	for (size_t i = 0; i < renames->len; i++) {
		free(renames->items[i].old_id);
		free(renames->items[i].old_name);
		free(renames->items[i].place);
		free(renames->items[i].label);
	}
	free(renames->items);
}

/* ---- other texts ---- */

/* Whether a text repeats a name that was taken out. */
static bool repeats_name(const struct renames *renames, const char *text)
{
	for (size_t i = 0; i < renames->len; i++)
		if (renames->items[i].old_id &&
		    (strcasestr(text, renames->items[i].old_id) ||
		     (*renames->items[i].old_name && strcasestr(text, renames->items[i].old_name))))
			return true;
	return false;
}

/* Whether a line names a file that is not the kernel's. */
static bool names_file(const char *line)
{
	static const char *const roots[] = {"/sys/", "/proc/", "/dev/"};
	bool own;

	if (strstr(line, "device tree"))
		return false;
	for (const char *at = strchr(line, '/'); at; at = strchr(at + 1, '/')) {
		if (at != line && !strchr(" (,:='\"", at[-1]))
			continue; /* within a path or word */
		own = false;
		for (size_t i = 0; i < 3; i++)
			own |= strncmp(at, roots[i], strlen(roots[i])) == 0;
		if (!own)
			return true;
	}
	return false;
}

/* "key: how" */
static bool line_stays(const struct renames *renames, struct json_object *record, const char *line)
{
	char *key = text_format("%.*s", (int)strcspn(line, ":"), line);
	const char *origin = origin_of(record, key);
	bool written = strcmp(origin, "quirk") == 0 || strcmp(origin, "declared") == 0;

	free(key);
	for (const char *at = line; *at; at++)
		if (*at < 0x20 || *at > 0x7e)
			return false;
	return !written && !names_file(line) && !repeats_name(renames, line);
}

static bool compatible_stays(const struct renames *renames, struct json_object *record,
			     const char *text)
{
	(void)renames;
	(void)record;
	return is_made_of(text, LETTERS DIGITS ",._+-");
}

/* Takes those texts out of the list `key` that may not stay, and the list when it is empty. */
static void clean_list(const struct renames *renames, struct json_object *record, const char *key,
		       bool (*stays)(const struct renames *renames, struct json_object *record,
				     const char *text))
{
	struct json_object *list = value_of(record, key), *text;
	size_t at = 0;

	while (at < json_object_array_length(list)) {
		text = json_object_array_get_idx(list, at);
		if (json_object_is_type(text, json_type_string) &&
		    stays(renames, record, json_object_get_string(text)))
			at++;
		else
			json_object_array_del_idx(list, at, 1);
	}
	if (!at)
		json_object_object_del(record, key);
}

static void clean_text(const struct renames *renames, struct json_object *record, const char *key)
{
	char *text = text_format("%s", text_of(record, key));
	bool stays = false;

	if (strcmp(key, "id") == 0 || strcmp(key, "name") == 0)
		stays = true; /* of a device: looked at before; of a heap: the kernel's name */
	else if (strcmp(key, "node") == 0)
		stays = is_kernel_node(text);
	else if (strcmp(key, "driver") == 0)
		stays = is_driver(text);
	else if (strcmp(key, "architecture") == 0)
		stays = is_made_of(text, LETTERS DIGITS "_") && strlen(text) <= 16;
	else if (strcmp(key, "dma-device") == 0)
		stays = is_made_of(text, LETTERS DIGITS "/._,@:+-") && !repeats_name(renames, text);
	if (strcmp(key, "kernel") == 0)
		put_text(record, key, clean_release(text));
	else if (!stays)
		put_text(record, key, NULL);
	free(text);
}

/* The keys of a record. Returns owned a list that ends with NULL; all of it is freed by free(). */
static char **keys_of(struct json_object *record)
{
	size_t bytes = sizeof(char *), count = 0;
	char **keys, *at;

	json_object_object_foreach(record, key, value)
	{
		(void)value;
		bytes += sizeof(char *) + strlen(key) + 1;
		count++;
	}
	keys = malloc(bytes);
	if (!keys)
		ctl_out_of_memory();
	at = (char *)(keys + count + 1);
	keys[count] = NULL;
	count = 0;
	json_object_object_foreach(record, name, member)
	{
		(void)member;
		keys[count++] = at;
		at = stpcpy(at, name) + 1;
	}
	return keys;
}

static void clean_record(const struct renames *renames, struct json_object *record);

/* A fact whose value is a text or a list of texts goes, unless there is a rule for it. */
static void clean_fact(const struct renames *renames, struct json_object *record, const char *key)
{
	struct json_object *value = value_of(record, key);

	if (strcmp(key, "how") == 0)
		clean_list(renames, record, key, line_stays);
	else if (strcmp(key, "compatible") == 0)
		clean_list(renames, record, key, compatible_stays);
	else if (json_object_is_type(value, json_type_string) &&
		 !text_is_one_of(key, private_word_keys))
		clean_text(renames, record, key);
	else if (json_object_is_type(value, json_type_array) && strcmp(key, "sizes") != 0)
		json_object_object_del(record, key);
}

static void clean_record(const struct renames *renames, struct json_object *record)
{
	char **keys = keys_of(record);
	struct json_object *member;

	for (size_t i = 0; keys[i]; i++) {
		json_object_object_get_ex(record, keys[i], &member);
		if (json_object_is_type(member, json_type_object))
			clean_fact(renames, record, keys[i]);
		if (!json_object_is_type(member, json_type_array))
			continue;
		for (size_t e = 0; e < json_object_array_length(member); e++)
			clean_record(renames, json_object_array_get_idx(member, e));
	}
	free(keys);
}

static int by_id(const void *a, const void *b)
{
	struct json_object *const *left = a, *const *right = b;

	return strcmp(text_of(*left, "id"), text_of(*right, "id"));
}

/* Heaps have the kernel's names, or those of the device tree. */
static void clean_heaps(struct json_object *heaps)
{
	unsigned int number = 0;

	for (size_t i = 0; i < json_object_array_length(heaps); i++) {
		struct json_object *heap = json_object_array_get_idx(heaps, i);
		const char *id = text_of(heap, "id");

		if (!is_made_of(id ? id : "", LETTERS DIGITS ",._@+-"))
			put_text(heap, "id", text_format("heap-%u", ++number));
	}
	json_object_array_sort(heaps, by_id);
}

void private_clean(struct json_object *machine)
{
	struct json_object *devices = NULL, *heaps = NULL;
	struct renames renames = {0};

	json_object_object_get_ex(machine, "devices", &devices);
	json_object_object_get_ex(machine, "heaps", &heaps);
	if (heaps)
		clean_heaps(heaps);
	if (devices)
		clean_devices(&renames, devices);
	clean_record(&renames, machine);
	if (devices)
		json_object_array_sort(devices, by_id);
	renames_finish(&renames);
}
