/* SPDX-License-Identifier: MIT */
/* Finds the device that a person means: exactly if possible, else by a part that only one has. */
#include "ctl/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/text.h"

typedef bool (*match_fn)(const struct dmabroker_record *device, const char *text);

static bool match_id(const struct dmabroker_record *device, const char *text)
{
	return strcmp(text_string(device, "id", ""), text) == 0;
}

static bool match_node(const struct dmabroker_record *device, const char *text)
{
	const char *node = text_string(device, "node", "");
	char *path;
	bool match;

	if (text[0] != '/')
		return false;
	if (strcmp(node, text) == 0)
		return true;
	path = realpath(text, NULL);
	match = path && strcmp(node, path) == 0;
	free(path);
	return match;
}

static bool match_part(const struct dmabroker_record *device, const char *text)
{
	return text[0] != '/' && (strcasestr(text_string(device, "id", ""), text) ||
				  strcasestr(text_string(device, "name", ""), text));
}

static const char *short_name(const struct dmabroker_record *device)
{
	return text_string(device, "node", text_string(device, "id", "?"));
}

/* "/dev/video0, /dev/video1 or /dev/video2" */
static int complain_several(struct dmabroker_record *const *devices, size_t len, match_fn match,
			    const char *text, size_t matches)
{
	char *list = text_format("%s", ""), *longer;
	size_t seen = 0;
	int status;

	for (size_t i = 0; i < len; i++) {
		if (!match(devices[i], text))
			continue;
		seen++;
		longer = text_format("%s%s%s", list,
				     seen == 1	       ? ""
				     : seen == matches ? " or "
						       : ", ",
				     short_name(devices[i]));
		free(list);
		list = longer;
	}
	status = ctl_error(CTL_USAGE, "'%s' could be %s: say which", text, list);
	free(list);
	return status;
}

int device_find(struct dmabroker_record *const *devices, size_t len, const char *text,
		const char **ret_id)
{
	static const match_fn order[] = {match_id, match_node, match_part};
	const struct dmabroker_record *found = NULL;
	size_t matches;

	for (size_t m = 0; m < sizeof(order) / sizeof(order[0]); m++) {
		matches = 0;
		for (size_t i = 0; i < len; i++) {
			if (!order[m](devices[i], text))
				continue;
			found = devices[i];
			matches++;
		}
		if (matches > 1)
			return complain_several(devices, len, order[m], text, matches);
		if (matches == 1) {
			*ret_id = text_string(found, "id", "");
			return 0;
		}
	}
	return ctl_error(CTL_USAGE, "no device '%s': '%s devices' lists those there are", text,
			 CTL_NAME);
}
