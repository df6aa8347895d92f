/* SPDX-License-Identifier: MIT */
/*
 * What no probe can see of a driver or heap: quirk files (docs/quirks.md). Read once, then
 * constant: any thread may ask.
 */
#ifndef PROBE_QUIRKS_H
#define PROBE_QUIRKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/model/vocabulary.h"

#define QUIRKS_FILE_BYTES_MAX (256u * 1024) /* of a file; a larger one is not read at all */
#define QUIRKS_LINE_BYTES_MAX 197u	    /* of a line: what libinih takes as one */
#define QUIRKS_SECTION_NAME_MAX 48u	    /* bytes */
#define QUIRKS_PATTERN_MAX 64u		    /* bytes */
#define QUIRKS_FILES_MAX 128u		    /* of a directory */
#define QUIRKS_SECTIONS_MAX 2048u	    /* of all files together */
#define QUIRKS_PROBLEMS_MAX 100u	    /* reported of one file; the rest is counted */

/* What a section may say; the keys are called as the vocabulary calls the facts. */
enum quirk_key {
	/* of a device */
	QUIRK_MEMORY_MODEL, /* enum memory_model */
	QUIRK_CONTIGUITY,   /* enum contiguity */
	QUIRK_IMPORTS,
	QUIRK_CPU_COPIES,
	QUIRK_COHERENCY, /* enum coherency */
	QUIRK_ADDRESS_BITS,
	QUIRK_STRIDE_ALIGN,	 /* bytes */
	QUIRK_OFFSET_ALIGN,	 /* bytes */
	QUIRK_SEGMENT_BYTES_MAX, /* bytes */
	QUIRK_SEGMENTS_MAX,
	QUIRK_TRIALS,	     /* false: never try this device */
	QUIRK_PRIVATE_IOMMU, /* the driver maps through an IOMMU domain of its own */
	QUIRK_DMA_DEVICE,    /* text: patterns of the compatible strings of the nodes that do the
			      * DMA, parted by one space each (the strings have commas) */
	/* of a heap; QUIRK_ADDRESS_BITS too */
	QUIRK_CONTIGUOUS,
	QUIRK_CACHED,
	QUIRK_ZEROED,
	QUIRK_PROTECTED,
	QUIRK_MAINTENANCE, /* enum maintenance */
	QUIRK_KERNEL_MAP,
	QUIRK_KEYS
};

/* All that the files say of one device or heap; a later section wins key by key. Where nothing is
 * said, number is 0 and the texts are NULL. */
struct quirk {
	bool has[QUIRK_KEYS];
	uint64_t number[QUIRK_KEYS];
	const char *text[QUIRK_KEYS]; /* of keys that are texts */
	const char *how[QUIRK_KEYS]; /* "drm.quirks [vkms]: 6.12 drivers/gpu/drm/vkms/vkms_drv.c" */
};

enum quirk_kind { QUIRK_KIND_V4L2, QUIRK_KIND_DRM, QUIRK_KIND_HEAP };

struct quirk_subject {
	enum quirk_kind kind;
	const char *name; /* driver as QUERYCAP or DRM_IOCTL_VERSION calls it; id of a heap */
	const struct vocab_strings *compatible; /* of its device tree node; NULL: it has none */
	const char *kernel;			/* uname -r */
};

/* A section, for people: all texts as they stand in the file. */
struct quirk_section {
	const char *file; /* without its directory */
	const char *name;
	unsigned int line;
	const char *match; /* "drm bochs-drm, kernel -6.12" */
	const char *facts; /* "cpu-copies=yes, address-bits=32" */
	const char *source;
};

struct quirks;

/* What is wrong with a file: `line` is 0 where it is the file as a whole. Borrowed until the call
 * returns. */
typedef void (*quirks_report_fn)(void *data, const char *file, unsigned int line, const char *text);

/* Returns owned: no quirks at all. Errors: -ENOMEM. */
int quirks_create(struct quirks **ret_quirks);
void quirks_destroy(struct quirks *quirks);

/*
 * Adds the sections of a file. A section in which anything is wrong is left out as a whole, and all
 * that is wrong is reported. Errors: -EINVAL, -errno of reading it (both have been reported),
 * -ENOMEM.
 */
int quirks_load_file(struct quirks *quirks, const char *path, quirks_report_fn report, void *data);

/* The *.quirks of a directory, sorted by name; one that is not there has none.
 * Errors: as quirks_load_file, after all files were read. */
int quirks_load_directory(struct quirks *quirks, const char *path, quirks_report_fn report,
			  void *data);

/*
 * The directories of a list that ends with NULL, one after the other. If no section at all was
 * found in them, that is reported too, with "" as the file. Errors: as quirks_load_directory.
 */
int quirks_load_directories(struct quirks *quirks, const char *const *directories,
			    quirks_report_fn report, void *data);

/* `quirks` may be NULL. What `ret_quirk` points at is borrowed until quirks_destroy. */
void quirks_find(const struct quirks *quirks, const struct quirk_subject *subject,
		 struct quirk *ret_quirk);

/* The sections in their order. Returns borrowed until quirks_destroy; NULL: there are no so many.
 */
const struct quirk_section *quirks_section(const struct quirks *quirks, size_t index);

/* What a key is called in a file. Returns borrowed for ever. */
const char *quirk_key_name(enum quirk_key key);

#endif
