/* SPDX-License-Identifier: MIT */
/*
 * Limits of the wire, each in one place. Limits of single keys stand in broker/model/vocabulary.h,
 * those of clients and users in broker/quota.h. docs/limits.md repeats all of them; a test
 * compares.
 */
#ifndef LIMITS_H
#define LIMITS_H

#define LIMITS(X)                                                                          \
	X(LIMIT_MESSAGE_FDS, 12, "fds in one message of ours; dbus-daemon takes 16")       \
	X(LIMIT_MESSAGE_FDS_IN, 16,                                                        \
	  "fds in one message to us: devices, and buffers that are brought")               \
	X(LIMIT_MESSAGE_BYTES, 1 << 20, "bytes of one message to us")                      \
	X(LIMIT_MESSAGE_RECORDS, 4096, "records in one message to us, at any depth")       \
	X(LIMIT_MESSAGE_BYTES_OUT, 16 << 20,                                               \
	  "bytes of one message of ours, as the client takes them")                        \
	X(LIMIT_CONNECTIONS, 256, "connections to the direct socket")                      \
	X(LIMIT_CONNECTIONS_PER_USER, 64, "connections to the direct socket per user")     \
	X(LIMIT_AUTHENTICATION_MS, 5000, "time to authenticate on the direct socket")      \
	X(LIMIT_PENDING_CALLS, 32, "calls of one client under way at once")                \
	X(LIMIT_COLLECTION_MEMBERS, 17, "members of a collection, the initiator included") \
	X(LIMIT_COLLECTION_TOKENS, 16, "tokens made by one call")                          \
	X(LIMIT_COLLECTION_TRIES, 64, "heaps and counts tried by one allocation")          \
	X(LIMIT_COLLECTION_STUCK_MS, 5000, "until the log says for whom a negotiation waits")

#define LIMITS_X_ENUM(name, value, doc) name = (value),
enum limits { LIMITS(LIMITS_X_ENUM) };

#endif
