/* SPDX-License-Identifier: MIT */
/*
 * A participant as the table of constraints shows it: what its record and the alternative that
 * holds declare, with the facts of its device, in a few words for each kind of constraint.
 */
#ifndef CTL_PARTY_H
#define CTL_PARTY_H

#include "ctl/ctl.h"

#define PARTY_SAID_MAX 8

/* The columns of the table. */
enum party_column {
	PARTY_FORMATS,
	PARTY_SIZE,
	PARTY_STRIDE,
	PARTY_BYTES,
	PARTY_MEMORY,
	PARTY_COUNT,
	PARTY_COLUMNS
};

/* All is borrowed. */
struct party {
	const struct dmabroker_record *said[PARTY_SAID_MAX]; /* its record, and alternatives */
	size_t said_len;
	const struct dmabroker_record *device; /* NULL: the CPU, or unknown */
	const struct dmabroker_record *role;   /* NULL: none known */
	const struct dmabroker_record *format; /* facts of one format; NULL: none known */
	bool exact;			       /* no number is rounded */
};

/* Devices as dmabroker_list_devices gives them. */
struct party_devices {
	struct dmabroker_record **records;
	size_t len;
};

/*
 * Finds what is known of a participant of a request. `alternative` is the plan's word for what
 * holds
 * ("1", "0.2"; NULL: none). `format` says which of the device's formats to speak of (0: the first).
 */
void party_init(struct party *party, const struct party_devices *devices,
		const struct dmabroker_record *participant, const char *alternative,
		uint32_t format);

/* What it asks for in a column; "" where it asks for nothing. Numbers of bytes are rounded unless
 * party->exact. Returns owned; never NULL. */
char *party_words(const struct party *party, enum party_column column);

/* The same of the request itself. */
char *party_request_words(const struct dmabroker_record *request, enum party_column column);

#endif
