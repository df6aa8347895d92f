/* SPDX-License-Identifier: MIT */
/* What libdmabroker-va and libdmabroker-wayland have in common. They know libdmabroker by its
 * public header only. */
#ifndef HELPER_H
#define HELPER_H

#include <dmabroker.h>
#include <stdio.h>
#include <string.h>

#define HELPER_FOURCC_BYTES 11

/* Nobody tells which strides a device imports: what the daemon assumes of an unknown DRM device. */
#define HELPER_STRIDE_ALIGN 256

/* "XR24", or "0xb6314752" if that cannot be printed. Returns `text`. */
static inline const char *helper_fourcc_text(uint32_t fourcc, char text[HELPER_FOURCC_BYTES])
{
	for (int i = 0; i < 4; i++) {
		text[i] = (char)(fourcc >> 8 * i & 0xff);
		if (text[i] < ' ' || text[i] > '~') {
			snprintf(text, HELPER_FOURCC_BYTES, "0x%08x", fourcc);
			return text;
		}
	}
	text[4] = '\0';
	return text;
}

/* Returns borrowed from the plan: the participant's view, or NULL. */
static inline const struct dmabroker_record *helper_find_view(const struct dmabroker_record *plan,
							      const char *participant)
{
	const struct dmabroker_record *view;
	const char *name;

	for (size_t i = 0; dmabroker_record_get_record(plan, "participants", i, &view) == 0; i++) {
		name = dmabroker_record_get_string(view, "name");
		if (name && strcmp(name, participant) == 0)
			return view;
	}
	return NULL;
}

/* Asks for strides that any device takes, unless the participant has a rule of its own. Errors: as
 * dmabroker_record_set_uint. */
static inline int helper_say_stride(struct dmabroker_record *participant)
{
	if (dmabroker_record_get_origin(participant, "stride-align"))
		return 0;
	return dmabroker_record_set_uint(participant, "stride-align", HELPER_STRIDE_ALIGN);
}

#endif
