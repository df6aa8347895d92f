/* SPDX-License-Identifier: MIT */
/*
 * libdmabroker: buffers that suit the camera, the encoder, the display and the CPU together.
 *
 *	dmabroker_connect -> records (who uses the buffers) -> dmabroker_allocate -> a collection
 *	-> its plan (format, strides, why) and its buffers (fds), with begin and end of each access
 *
 *	dmabroker_create_collection -> tokens for other processes -> each calls dmabroker_bind,
 *	dmabroker_collection_speak and dmabroker_collection_wait -> the same for all of them
 *
 *	dmabroker_connect("in-process") -> the first of these without a daemon
 *
 *	dmabroker_open_machine -> the same on the facts of any machine: plans only
 *
 * Results: functions that return int return 0 or more on success and a negative errno on failure;
 * dmabroker_get_error() then says what was wrong and what would be right. Output parameters
 * (ret_*) are untouched on failure.
 *
 * Ownership, in four words: a function *takes* what becomes its own, *borrows* what it uses only
 * during the call, *returns owned* what the caller must free, *returns borrowed until* what it
 * must not.
 *
 * Threads: none inside. An object and everything that came from it belong to one thread at a time.
 */
#ifndef DMABROKER_H
#define DMABROKER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DMABROKER_API __attribute__((visibility("default")))

/* A connection to a broker, or a broker over the facts of a machine. */
struct dmabroker;
/* A dictionary of keys: request, participant, plan, machine, device, heap, error details. */
struct dmabroker_record;
/* Buffers shared by the participants of a request. */
struct dmabroker_collection;
/* One buffer of a collection. */
struct dmabroker_buffer;
/* Memory of the application that can become a buffer. */
struct dmabroker_memory;

/*
 * ---- Connection ----
 */

/*
 * Connects to a broker. `address` is a D-Bus address of a direct socket
 * ("unix:path=/run/dmabroker/bus"), the word "system" for the system bus, "in-process" for a broker
 * inside this process, or NULL: then the environment variable DMABROKER_ADDRESS decides (unless the
 * process has more rights than who started it), else the direct socket, else the system bus, and
 * where no daemon answers at either, a broker inside this process if it may open any heap. Waits up
 * to 5 s for each daemon. Returns owned; dmabroker_disconnect frees it.
 *
 * A broker inside this process knows the devices and heaps that the process may open, and serves it
 * alone: what needs other processes answers -EOPNOTSUPP (NotSupported), which are tokens and
 * dmabroker_bind. All else is as with a daemon, and where below it says daemon, that broker is
 * meant too. It measures what there is before this function returns, and whatever the broker does
 * (measuring, allocating, hotplug) is done inside the call that finds it due. Limits of a user
 * (docs/limits.md) hold for each such broker. Options follow a colon, with commas between them:
 *
 *	in-process:trials=yes	try devices too, with the program that the daemon has for it;
 *				trials=/PATH: with another; without it nothing is tried, and what
 *				only a trial shows is taken for the worst
 *	in-process:quirks=DIR	quirk files from here instead of the usual directories, again for
 *				more, the last winning; quirks=none: none
 *
 * Errors: -ENOTCONN (no daemon answers at any of the addresses; with NULL: nor may this process
 * open a heap), -EACCES (the daemon refuses us), -EINVAL (the address is malformed), -ENOMEM; of a
 * broker inside the process also what the kernel has against it (-EMFILE and the like).
 */
DMABROKER_API int dmabroker_connect(const char *address, struct dmabroker **ret_broker);

/*
 * Begins a broker without a daemon, over the facts of one machine: dmabroker_list_devices,
 * dmabroker_list_heaps, dmabroker_get_machine and dmabroker_plan answer as a daemon on that machine
 * would, errors and their details included. Nothing is opened and nothing is asked of this machine,
 * so that a plan can be followed where its devices are not. Borrows `machine` (from
 * dmabroker_machine_create or dmabroker_get_machine) and keeps a copy. Returns owned;
 * dmabroker_disconnect frees it.
 *
 * dmabroker_allocate, dmabroker_create_collection, dmabroker_bind and dmabroker_list_collections
 * answer -EOPNOTSUPP (NotSupported), and so does a participant that is named by a file descriptor;
 * dmabroker_get_fd answers -ENOTCONN, dmabroker_dispatch has nothing to handle.
 *
 * Errors: -EINVAL (the record is no machine, a device or heap has no id, a role no role, a format
 * no format), -EEXIST (two devices or two heaps share an id), -ENOMEM.
 */
DMABROKER_API int dmabroker_open_machine(const struct dmabroker_record *machine,
					 struct dmabroker **ret_broker);

/*
 * Takes the connection (or NULL). Every collection of it must have been released before; memory
 * that a device or another process still holds lives on in the kernel.
 */
DMABROKER_API void dmabroker_disconnect(struct dmabroker *broker);

/*
 * Returns borrowed until dmabroker_disconnect: a file descriptor to poll for POLLIN; when it is
 * readable call dmabroker_dispatch. Errors: -ENOTCONN (the daemon is gone, or there
 * are only the facts of a machine).
 */
DMABROKER_API int dmabroker_get_fd(struct dmabroker *broker);

/*
 * Handles what has arrived, without waiting: calls the callbacks of dmabroker_set_change_callback
 * and dmabroker_collection_set_callback, in the order in which the daemon spoke. No other function
 * calls them: what arrives while one waits for the daemon is kept until this is called, and
 * dmabroker_get_fd is readable then. Returns the number of messages handled. Errors: -ENOTCONN (the
 * daemon is gone; buffers stay usable, new calls fail).
 */
DMABROKER_API int dmabroker_dispatch(struct dmabroker *broker);

enum dmabroker_change {
	DMABROKER_CHANGE_ADDED = 1,
	DMABROKER_CHANGE_REMOVED = 2,
	DMABROKER_CHANGE_CHANGED = 3 /* it was there, and facts of it have changed */
};

/*
 * `kind` is "device" or "heap", `id` its id. `keys` ends with NULL: the facts that have changed,
 * came or became absent since the last time; NULL where `change` is not DMABROKER_CHANGE_CHANGED. A
 * change of how much of a heap is free is not told. All are borrowed until the callback returns. A
 * function that waits for the daemon must not be called from here.
 */
typedef void (*dmabroker_change_fn)(void *data, enum dmabroker_change change, const char *kind,
				    const char *id, const char *const *keys);

/* Has `callback` (NULL: nobody) called from dmabroker_dispatch when devices or heaps come, go or
 * change. `data` is handed through and stays the caller's. What happens after dmabroker_connect is
 * not missed: who lists the devices then and listens from then on knows all of them. */
DMABROKER_API void dmabroker_set_change_callback(struct dmabroker *broker,
						 dmabroker_change_fn callback, void *data);

/*
 * What went wrong in the last call of this connection that failed, and the calls on its
 * collections and buffers. Returns borrowed until the next call: the name ("Conflict",
 * "InvalidRequest", ..., see dmabroker-protocol(7); "" where only the errno is known).
 */
DMABROKER_API const char *dmabroker_get_error(struct dmabroker *broker);

/* The same as a sentence (or several lines) for a person. Returns borrowed until the next call. */
DMABROKER_API const char *dmabroker_get_error_text(struct dmabroker *broker);

/* The same as data: `refusals`, each with participant, constraint, key, wanted, offered, and of a
 * Conflict to which of the minimal sets it belongs and what would do instead. Returns borrowed
 * until the next call; NULL where there are no details. */
DMABROKER_API const struct dmabroker_record *dmabroker_get_error_details(struct dmabroker *broker);

/*
 * ---- Records ----
 *
 * Every key with its type, unit, default, limits and meaning stands in docs/vocabulary.md
 * (dmabroker-protocol(7)). A key that nobody has set is absent, which is never the same as zero.
 */

enum dmabroker_type {
	DMABROKER_TYPE_BOOL = 1,
	DMABROKER_TYPE_UINT,	 /* all numbers */
	DMABROKER_TYPE_FOURCC,	 /* a number that has a four-letter text */
	DMABROKER_TYPE_MODIFIER, /* a number best shown as hexadecimal */
	DMABROKER_TYPE_STRING,	 /* strings and the names of enumerations */
	DMABROKER_TYPE_FD,
	DMABROKER_TYPE_STRINGS,
	DMABROKER_TYPE_FORMATS, /* pairs of DRM fourcc and modifier */
	DMABROKER_TYPE_SIZES,	/* pairs of width and height in pixels */
	DMABROKER_TYPE_RECORDS
};

/* Returns owned an empty request; dmabroker_record_destroy frees it. Errors: -ENOMEM. */
DMABROKER_API int dmabroker_request_create(struct dmabroker_record **ret_request);

/*
 * Adds a participant to a request: `name` as plan and errors shall call it, `role` one of
 * "capture", "output", "scanout", "writeback", "render", "cpu", or NULL where the device has one
 * role only. Returns borrowed until the request is destroyed; the device is set with
 * dmabroker_record_set_string(participant, "device", id or node path) or
 * dmabroker_record_set_fd(participant, "device-fd", fd).
 * Errors: -EINVAL (no such role, or not a request), -ERANGE (16 participants already, or the name
 * is empty or longer than 255 bytes), -ENOMEM.
 */
DMABROKER_API int dmabroker_request_add_participant(struct dmabroker_record *request,
						    const char *name, const char *role,
						    struct dmabroker_record **ret_participant);

/*
 * Returns owned an empty machine: its own facts, and the lists "devices" and "heaps", to be filled
 * with dmabroker_record_add_record and the setters. dmabroker_record_destroy frees it.
 * Errors: -ENOMEM.
 */
DMABROKER_API int dmabroker_machine_create(struct dmabroker_record **ret_machine);

/* Takes a record (or NULL) that was returned owned. */
DMABROKER_API void dmabroker_record_destroy(struct dmabroker_record *record);

/*
 * Setters. The record borrows the arguments and keeps copies.
 * Errors: -ENOENT (no such key in this kind of record), -EINVAL (the key has another type, or the
 * word is not one of an enumeration), -ERANGE (outside the key's limits), -EOPNOTSUPP (a word that
 * is known and not served yet), -ENOMEM, -EMFILE (set_fd).
 */
DMABROKER_API int dmabroker_record_set_uint(struct dmabroker_record *record, const char *key,
					    uint64_t value);
DMABROKER_API int dmabroker_record_set_bool(struct dmabroker_record *record, const char *key,
					    int value);
DMABROKER_API int dmabroker_record_set_string(struct dmabroker_record *record, const char *key,
					      const char *value);
/* The record borrows `fd` and keeps a duplicate. */
DMABROKER_API int dmabroker_record_set_fd(struct dmabroker_record *record, const char *key, int fd);
/* Adds one element to a list. */
DMABROKER_API int dmabroker_record_add_string(struct dmabroker_record *record, const char *key,
					      const char *value);
DMABROKER_API int dmabroker_record_add_format(struct dmabroker_record *record, const char *key,
					      uint32_t fourcc, uint64_t modifier);
DMABROKER_API int dmabroker_record_add_size(struct dmabroker_record *record, const char *key,
					    uint32_t width, uint32_t height);

/*
 * Adds an empty record to a list of records: "devices", "heaps" and "roles" of a machine,
 * "participants" of a request, "alternatives", "colours", "layouts" and "buffers" of a participant,
 * "alternatives" of an alternative, "planes" of a layout.
 * Returns borrowed until `record` is destroyed. Errors: -ENOENT, -EINVAL (the key is no list of
 * records), -ERANGE (the list is full), -ENOMEM.
 */
DMABROKER_API int dmabroker_record_add_record(struct dmabroker_record *record, const char *key,
					      struct dmabroker_record **ret_element);

/*
 * Says where a value comes from: "measured", "kernel", "quirk", "declared" (what the setters say)
 * or "assumed". Only in a record of facts. Errors: -ENOENT (no such key, or absent), -EINVAL (not a
 * record of facts, or no such origin).
 */
DMABROKER_API int dmabroker_record_set_origin(struct dmabroker_record *record, const char *key,
					      const char *origin);

/*
 * What a key takes, whether it has a value or not: its type (enum dmabroker_type). Errors: -ENOENT.
 */
DMABROKER_API int dmabroker_record_get_type(const struct dmabroker_record *record, const char *key);

/*
 * What would be right for a key, as words for a person: "a whole number from 1 to 64 (buffers)",
 * "one of none, used, whole". Returns owned; free() frees it. NULL: no such key, or -ENOMEM.
 */
DMABROKER_API char *dmabroker_record_describe_key(const struct dmabroker_record *record,
						  const char *key);

/*
 * Getters. Errors: -ENOENT (no such key, or absent), -EINVAL (the key has another type), -ERANGE
 * (no element `index`). get_uint serves BOOL, UINT, FOURCC and MODIFIER.
 */
DMABROKER_API int dmabroker_record_get_uint(const struct dmabroker_record *record, const char *key,
					    uint64_t *ret_value);
/* Returns borrowed until the record is destroyed; NULL where the key is absent or no string. */
DMABROKER_API const char *dmabroker_record_get_string(const struct dmabroker_record *record,
						      const char *key);
/* Elements of a list; 0 where the key is absent. */
DMABROKER_API size_t dmabroker_record_get_len(const struct dmabroker_record *record,
					      const char *key);
DMABROKER_API int dmabroker_record_get_string_at(const struct dmabroker_record *record,
						 const char *key, size_t index,
						 const char **ret_value);
DMABROKER_API int dmabroker_record_get_format(const struct dmabroker_record *record,
					      const char *key, size_t index, uint32_t *ret_fourcc,
					      uint64_t *ret_modifier);
DMABROKER_API int dmabroker_record_get_size(const struct dmabroker_record *record, const char *key,
					    size_t index, uint32_t *ret_width,
					    uint32_t *ret_height);
/* Returns borrowed until `record` is destroyed. */
DMABROKER_API int dmabroker_record_get_record(const struct dmabroker_record *record,
					      const char *key, size_t index,
					      const struct dmabroker_record **ret_element);

/*
 * Where a value comes from: "measured", "kernel", "quirk", "declared", "assumed", "solved"; NULL
 * where the key is absent. Returns borrowed for ever.
 */
DMABROKER_API const char *dmabroker_record_get_origin(const struct dmabroker_record *record,
						      const char *key);

/*
 * Walks the keys that have a value: begin with `*position` 0. Returns borrowed until the record is
 * destroyed: the next key, with its type (enum dmabroker_type) and unit, and moves `*position` on;
 * NULL at the end.
 */
DMABROKER_API const char *dmabroker_record_next(const struct dmabroker_record *record,
						size_t *position, enum dmabroker_type *ret_type,
						const char **ret_unit);

/* Whether origins mean something for a person: the record is one of facts. */
DMABROKER_API int dmabroker_record_has_facts(const struct dmabroker_record *record);

/*
 * ---- Looking ----
 */

/*
 * Lists what the broker knows of devices or heaps. Returns owned an array of `*ret_len` records and
 * its elements, ordered by id; dmabroker_record_list_destroy frees both.
 * Errors: -ENOTCONN, -ETIMEDOUT (no answer within 10 s), -EPROTO (an answer of the wrong form),
 * -ENOMEM.
 */
DMABROKER_API int dmabroker_list_devices(struct dmabroker *broker,
					 struct dmabroker_record ***ret_records, size_t *ret_len);
DMABROKER_API int dmabroker_list_heaps(struct dmabroker *broker,
				       struct dmabroker_record ***ret_records, size_t *ret_len);
DMABROKER_API void dmabroker_record_list_destroy(struct dmabroker_record **records, size_t len);

/*
 * All that is known of the machine: its own facts (memory, bounce buffers, firmware, caches),
 * "devices" and "heaps", both ordered by id. Returns owned; dmabroker_record_destroy frees it.
 * It holds names and ids as they are: `dmabrokerctl dump` takes out what is private.
 * Errors: as dmabroker_list_devices.
 */
DMABROKER_API int dmabroker_get_machine(struct dmabroker *broker,
					struct dmabroker_record **ret_machine);

/*
 * ---- Planning and allocating ----
 *
 * Errors of both: -EINVAL (InvalidRequest: a key is missing, wrong, or contradicts another),
 * -ENODEV (UnknownDevice), -EXDEV (Conflict: nothing suits all of them), -ENOMEM (OutOfMemory),
 * -EDQUOT (QuotaExceeded), -EPERM (NotPermitted), -EACCES (the bus forbids the call), -ESTALE
 * (Gone: a device went away meanwhile), -EBUSY (Busy), -E2BIG (TooComplex), -EOPNOTSUPP
 * (NotSupported), -ENOTCONN, -ETIMEDOUT, -EPROTO.
 */

/* Solves without allocating. Borrows the request. Returns owned. */
DMABROKER_API int dmabroker_plan(struct dmabroker *broker, const struct dmabroker_record *request,
				 struct dmabroker_record **ret_plan);

/* Solves and allocates. Borrows the request. Returns owned; dmabroker_collection_release frees it.
 */
DMABROKER_API int dmabroker_allocate(struct dmabroker *broker,
				     const struct dmabroker_record *request,
				     struct dmabroker_collection **ret_collection);

/*
 * Solves, allocates and maps all buffers in one step, so that there is no mapping before theirs.
 * Nothing is kept if one of them cannot be mapped. Otherwise as dmabroker_allocate, and the errors
 * of dmabroker_buffer_map besides.
 */
DMABROKER_API int dmabroker_allocate_mapped(struct dmabroker *broker,
					    const struct dmabroker_record *request,
					    struct dmabroker_collection **ret_collection);

/* A plan as text for a person, with the reasons, what it cost, and the copies where participants
 * are split. Returns owned; free() frees it. NULL: -ENOMEM. */
DMABROKER_API char *dmabroker_plan_describe(const struct dmabroker_record *plan);

/*
 * ---- Buffers that a participant brings ----
 *
 * One participant of a request may bring its buffers: dma-bufs that were allocated elsewhere
 * (VIDIOC_EXPBUF, DRM_IOCTL_PRIME_HANDLE_TO_FD, another heap), or memory of its own process. Then
 * these and no others are used, in their one layout, and nothing is allocated for its group; who
 * does not suit them is in a Conflict, or gets copies where the request says `allow-copies`. All
 * members get the same dma-bufs. A participant with a device brings what that device has allocated,
 * or what its process took from a heap; not what another device has allocated.
 */

/*
 * Brings one buffer more. Borrows `fd`, a dma-buf or a memfd, and keeps a duplicate. A memfd is
 * sealed with F_SEAL_SHRINK, not against writing, and has whole pages; udmabuf makes a dma-buf of
 * it. Each buffer is memory of its own: one file twice is refused. Of a V4L2 queue whose REQBUFS
 * asked for V4L2_MEMORY_FLAG_NON_COHERENT the entry says `cached` = true, which nobody can see from
 * outside.
 * Errors: -EINVAL (the record is no participant, or the file is not open), -ERANGE (12 buffers
 * already), -EMFILE, -ENOMEM. What the file is the broker finds out: -EINVAL (InvalidRequest) of
 * dmabroker_plan and the like then says what it is and what would be right.
 */
DMABROKER_API int dmabroker_participant_add_buffer(struct dmabroker_record *participant, int fd);

/*
 * Says the layout of the buffers that a participant brings, in the place of all layouts it has
 * named: DRM fourcc and modifier (0: linear), the bytes of a buffer that the picture takes (V4L2's
 * sizeimage), and `len` planes, each from its offset to the next one's, the last one to `bytes`.
 * Borrows the arrays. Errors: -EINVAL (no participant, no plane, or one that ends before it
 * begins), -ERANGE (more than 4 planes), -ENOMEM.
 */
DMABROKER_API int dmabroker_participant_set_layout(struct dmabroker_record *participant,
						   uint32_t fourcc, uint64_t modifier,
						   uint64_t bytes, const uint64_t *offsets,
						   const uint32_t *strides, size_t len);

/*
 * Makes memory for the application to use as its own, rounded up to whole pages and cleared: a
 * sealed memfd, mapped. Returns owned; dmabroker_memory_destroy frees it. Errors: -EINVAL (no
 * bytes, or too many), -EMFILE, -ENOMEM.
 */
DMABROKER_API int dmabroker_memory_create(struct dmabroker *broker, uint64_t bytes,
					  struct dmabroker_memory **ret_memory);

/* Takes the memory (or NULL): its address ends here. Buffers that it has become live on. */
DMABROKER_API void dmabroker_memory_destroy(struct dmabroker_memory *memory);

/* Returns borrowed until the memory is destroyed: where it begins, at a whole page. Once it is a
 * buffer, touch it between begin and end of an access of the participant that brought it only. */
DMABROKER_API void *dmabroker_memory_get_address(const struct dmabroker_memory *memory);
DMABROKER_API uint64_t dmabroker_memory_get_bytes(const struct dmabroker_memory *memory);
/* Returns borrowed until the memory is destroyed: its memfd. */
DMABROKER_API int dmabroker_memory_get_fd(const struct dmabroker_memory *memory);

/* Brings memory as one buffer more. Borrows both. Errors: as dmabroker_participant_add_buffer. */
DMABROKER_API int dmabroker_participant_add_memory(struct dmabroker_record *participant,
						   const struct dmabroker_memory *memory);

/*
 * Brings the memory in which `bytes` at `address` lie; `*ret_offset` is where in it, for the
 * offsets of the layout. Only memory of dmabroker_memory_create of this broker can be brought: the
 * kernel makes dma-bufs of memfds alone (drivers/dma-buf/udmabuf.c, 6.12), since pages of malloc
 * can be moved, and are copied on write. Errors: -EOPNOTSUPP (other memory: the error's text says
 * what to do), and those of dmabroker_participant_add_buffer.
 */
DMABROKER_API int dmabroker_participant_add_address(struct dmabroker *broker,
						    struct dmabroker_record *participant,
						    const void *address, uint64_t bytes,
						    uint64_t *ret_offset);

/*
 * ---- Collections of several processes ----
 *
 * The initiator creates a collection and hands a token to each of the others, by any way it likes.
 * Each binds its token, speaks, and waits; nothing is allocated before all have spoken. Whoever has
 * bound a token is a member, and so is the initiator; a member releases the collection to leave it.
 *
 * A collection can be negotiated again: each negotiation makes a generation of the plan and the
 * buffers. The functions below "Collections and buffers" tell of the newest generation that this
 * member has fetched; buffers of older ones live on until dmabroker_collection_hand_over.
 *
 * Errors of all that ask the broker, besides those named: those of planning and allocating,
 * -ESTALE (Gone: the collection has ended, or the member has left it), and -EPERM (NotPermitted:
 * another member's business).
 */

/*
 * Creates a collection. Borrows the request: the picture, `deadline-ms`, and the initiator's own
 * participants; without any it observes. `tokens` is how many other processes take part, each with
 * a token of its own; with none the collection is negotiated at once. Returns owned;
 * dmabroker_collection_release frees it. There is no plan before dmabroker_collection_wait.
 */
DMABROKER_API int dmabroker_create_collection(struct dmabroker *broker,
					      const struct dmabroker_record *request,
					      unsigned int tokens,
					      struct dmabroker_collection **ret_collection);

/*
 * Returns borrowed until the collection is released: a token for one other process, by number from
 * 0; NULL where there is none. Who has it may take part, once: it is to be handed on like a secret.
 */
DMABROKER_API const char *
dmabroker_collection_get_token(const struct dmabroker_collection *collection, size_t index);

/*
 * Makes `count` more tokens; they follow those there are. Only the initiator may. Who joins once
 * there are buffers is late: what it asks for must fit them.
 */
DMABROKER_API int dmabroker_collection_create_tokens(struct dmabroker_collection *collection,
						     unsigned int count);

/*
 * Takes part in the collection of a token. Borrows the token. Returns owned;
 * dmabroker_collection_release frees it. Errors: -ESTALE (Gone: no such token, or it has been
 * used), -EINVAL (this connection is a member already; the token stays good).
 */
DMABROKER_API int dmabroker_bind(struct dmabroker *broker, const char *token,
				 struct dmabroker_collection **ret_collection);

/*
 * Says what this member asks for. Borrows the request, of which the participants count; without any
 * it observes: it learns the plan and gets no buffers. The initiator has spoken already. Once
 * only. Errors: -EXDEV (Conflict: a late member that does not fit what there is).
 */
DMABROKER_API int dmabroker_collection_speak(struct dmabroker_collection *collection,
					     const struct dmabroker_record *request);

/*
 * Waits until there is a plan and buffers, `timeout_ms` at most (0: looks at what has arrived, the
 * first such call only asks; negative: as long as it takes; the broker gives up at `deadline-ms`),
 * and fetches what of them is not here yet. Then the newest generation is there. Errors: -ETIMEDOUT
 * (not yet: the negotiation goes on, call it again), and those of planning and allocating where the
 * negotiation has failed.
 */
DMABROKER_API int dmabroker_collection_wait(struct dmabroker_collection *collection,
					    int timeout_ms);

/* How far it is, who takes part, and who is missing. Returns owned; dmabroker_record_destroy frees
 * it. */
DMABROKER_API int dmabroker_collection_get_status(struct dmabroker_collection *collection,
						  struct dmabroker_record **ret_status);

/*
 * Lists what dmabroker_collection_get_status says of the collections that the broker shows to this
 * user. Returns owned an array of `*ret_len` records and its elements, ordered by number;
 * dmabroker_record_list_destroy frees both.
 */
DMABROKER_API int dmabroker_list_collections(struct dmabroker *broker,
					     struct dmabroker_record ***ret_records,
					     size_t *ret_len);

/*
 * Negotiates again. Borrows the changes, a request: its participants take the place of all that
 * this member has named so far, and what it says of the picture that of what the initiator said,
 * which is the initiator's to change. What is absent stays as it is. On success the new
 * generation is there, and the buffers of the old one stay usable until
 * dmabroker_collection_hand_over; on failure nothing has changed. Errors: -EBUSY (it is being
 * negotiated at the moment).
 */
DMABROKER_API int dmabroker_collection_renegotiate(struct dmabroker_collection *collection,
						   const struct dmabroker_record *changes);

/* The newest generation fetched, from 1; 0 before the first. */
DMABROKER_API uint32_t
dmabroker_collection_get_generation(const struct dmabroker_collection *collection);

/*
 * Goes over to the newer generation and frees the older ones here. The member whose participant is
 * the plan's `hand-over` (or the initiator) calls it when the first frame is in a buffer of the
 * newest generation, and the others are told. They call it when they have been told and are done
 * with the old buffers; if it is an older generation than the newest that has taken over, they go
 * over to that one. So does an initiator without that participant: it has to call once more to
 * hand over to the newest. Pointers to buffers and plans of older generations end here.
 * Errors: -EAGAIN (it is not this member's turn: nobody has handed over yet, or there is a
 * generation that has still to be fetched with dmabroker_collection_wait).
 */
DMABROKER_API int dmabroker_collection_hand_over(struct dmabroker_collection *collection);

/*
 * Says that the device of `participant` refused to import a buffer of the newest generation with
 * `errnum` (EINVAL and the like, positive). The broker negotiates again without that kind of
 * memory; then as dmabroker_collection_renegotiate.
 */
DMABROKER_API int dmabroker_collection_report(struct dmabroker_collection *collection,
					      const char *participant, int errnum);

/* Gives up a negotiation that has not come to its end; who waits gets -ESTALE (Gone). Only the
 * initiator may. The collection has still to be released. Errors: -EINVAL (there are buffers). */
DMABROKER_API int dmabroker_collection_cancel(struct dmabroker_collection *collection);

enum dmabroker_event {
	/* there is a generation, or a late member has come to the plan of the newest:
	 * dmabroker_collection_wait fetches it */
	DMABROKER_EVENT_NEGOTIATED = 1,
	/* its first frame is there: dmabroker_collection_hand_over frees the older ones */
	DMABROKER_EVENT_HANDED_OVER = 2,
	/* failed, cancelled, or given up: nobody gets anything any more. Buffers stay usable. */
	DMABROKER_EVENT_ENDED = 3
};

/*
 * `generation` is the one that was negotiated or handed over, else 0. `error` and `text` say why a
 * collection has ended, as dmabroker_get_error and dmabroker_get_error_text would; else NULL. Both
 * are borrowed until the callback returns. All but dmabroker_disconnect and dmabroker_dispatch may
 * be called from here, dmabroker_collection_release too.
 */
typedef void (*dmabroker_event_fn)(void *data, struct dmabroker_collection *collection,
				   enum dmabroker_event event, uint32_t generation,
				   const char *error, const char *text);

/* Has `callback` (NULL: nobody) called from dmabroker_dispatch when something happens to the
 * collection. `data` is handed through and stays the caller's. */
DMABROKER_API void dmabroker_collection_set_callback(struct dmabroker_collection *collection,
						     dmabroker_event_fn callback, void *data);

/*
 * ---- Collections and buffers ----
 */

/* Returns borrowed until the generation is handed over or the collection released; NULL before the
 * first plan is there. */
DMABROKER_API const struct dmabroker_record *
dmabroker_collection_get_plan(const struct dmabroker_collection *collection);

/* Returns borrowed until the collection is released: the object path. */
DMABROKER_API const char *
dmabroker_collection_get_path(const struct dmabroker_collection *collection);

/* Buffers of the newest generation: of all groups where participants are split, and none for whom
 * observes. */
DMABROKER_API size_t dmabroker_collection_get_count(const struct dmabroker_collection *collection);

/* Returns borrowed until the generation is handed over or the collection released; NULL where there
 * is no buffer `index`. */
DMABROKER_API struct dmabroker_buffer *
dmabroker_collection_get_buffer(struct dmabroker_collection *collection, size_t index);

/*
 * Takes the collection (or NULL), negotiated or not: unmaps and closes its buffers and tells the
 * broker that this member leaves. Devices that have a buffer queued keep its memory until they let
 * go.
 */
DMABROKER_API void dmabroker_collection_release(struct dmabroker_collection *collection);

/* Returns borrowed as long as the buffer: the plan that it follows, which is the one of its group
 * where participants are split. */
DMABROKER_API const struct dmabroker_record *
dmabroker_buffer_get_plan(const struct dmabroker_buffer *buffer);

/* Memory objects of the buffer: the number of its fds. */
DMABROKER_API size_t dmabroker_buffer_get_memory_count(const struct dmabroker_buffer *buffer);

/* Returns borrowed as long as the buffer: a dma-buf. Errors: -ERANGE. */
DMABROKER_API int dmabroker_buffer_get_fd(const struct dmabroker_buffer *buffer, size_t memory);

/* Size of a memory object in bytes; 0 where there is none. */
DMABROKER_API uint64_t dmabroker_buffer_get_bytes(const struct dmabroker_buffer *buffer,
						  size_t memory);

/* The inode number of a dma-buf: the same wherever this memory shows up. 0 where there is none. */
DMABROKER_API uint64_t dmabroker_buffer_get_inode(const struct dmabroker_buffer *buffer,
						  size_t memory);

/* How the CPU sees a buffer's memory. A heap maps all its memory in one way. */
enum dmabroker_mapping {
	DMABROKER_MAPPING_ANY = 0,
	DMABROKER_MAPPING_CACHED = 1,
	/* reads are slow: each goes to memory */
	DMABROKER_MAPPING_UNCACHED = 2,
	/* as uncached, but writes are gathered */
	DMABROKER_MAPPING_WRITE_COMBINED = 3
};

/*
 * Maps a memory object for reading and writing; the second call gives the first one's address, as
 * there is never more than one mapping. On CPUs whose cache aliases, the address is a multiple of
 * the plan's mapping-colour, like that of all other mappings of it. Returns borrowed as long as the
 * buffer. Touch it between begin and end of an access of a participant of role "cpu" only.
 * Errors: -ERANGE (no such memory object), -EACCES (the memory is protected, the CPU cannot reach
 * it: *ret_address is then NULL), -ENOMEM (no room for it), or mmap's own.
 */
DMABROKER_API int dmabroker_buffer_map(struct dmabroker_buffer *buffer, size_t memory,
				       void **ret_address);

/*
 * The same, if the heap's mappings are of this kind. One page with two attributes at once is
 * illegal on x86 (arch/x86/mm/pat/memtype.c) and undefined elsewhere, and the exporter decides
 * which one it is: a heap with others has to be asked for in the request (allowed-heaps,
 * "is:uncached"). Errors: as dmabroker_buffer_map; -EMEDIUMTYPE (the heap's mappings are of another
 * kind, or it is not known of which), -EINVAL (no such kind).
 */
DMABROKER_API int dmabroker_buffer_map_as(struct dmabroker_buffer *buffer, size_t memory,
					  enum dmabroker_mapping mapping, void **ret_address);

enum dmabroker_access {
	DMABROKER_ACCESS_READ = 1,
	DMABROKER_ACCESS_WRITE = 2,
	DMABROKER_ACCESS_READ_WRITE = 3
};

/*
 * Says that `participant` (a name of the plan) is about to access the buffer: before QBUF, before
 * a page flip or a draw, before the CPU touches its mapping. Does what is due for this hand-over by
 * the plan's policy (waits for fences, then DMA_BUF_IOCTL_SYNC brackets, repeated on EINTR
 * and, for 5 s, on EAGAIN) and nothing else; mostly that is nothing. A buffer has one writer or any
 * number of readers. Errors: -ENOENT (no such participant), -EINVAL (no access named), -EPERM (the
 * participant is another process's), -EACCES (it would write, and by the plan it only reads),
 * -EBUSY (somebody writes, or a writer wants in while others read), -EALREADY (this participant has
 * begun already), -ETIMEDOUT (a fence did not signal within 5 s), or the ioctl's own; the access
 * has not begun then.
 */
DMABROKER_API int dmabroker_buffer_begin_access(struct dmabroker_buffer *buffer,
						const char *participant,
						enum dmabroker_access access);

/* The same, and notes where in the program that was, for messages and the audit. Borrows `file` for
 * as long as the buffer lives (__FILE__); may be NULL. */
DMABROKER_API int dmabroker_buffer_begin_access_at(struct dmabroker_buffer *buffer,
						   const char *participant,
						   enum dmabroker_access access, const char *file,
						   int line);

/* Debug mode: a program that defines DMABROKER_DEBUG notes the place of each beginning. */
#ifdef DMABROKER_DEBUG
#define dmabroker_buffer_begin_access(buffer, participant, access) \
	dmabroker_buffer_begin_access_at((buffer), (participant), (access), __FILE__, __LINE__)
#endif

/*
 * Says that the access is over: after DQBUF, after the flip to another buffer, after the CPU is
 * done. A device that leaves a fence in the buffer (DRM) may still be at it. Only notes what
 * happened: what is due depends on who comes next. Errors: -ENOENT (no such participant), -EINVAL
 * (it has not begun).
 */
DMABROKER_API int dmabroker_buffer_end_access(struct dmabroker_buffer *buffer,
					      const char *participant);

/*
 * Does what is due before the buffer goes to `participant`, or with NULL to whoever is next in
 * other processes. Where several processes take part in the collection, it is to be called before
 * the buffer is handed to one of them (a message that names it): who wrote is responsible, and who
 * gets it cannot know what was written. As they may hand it on among them, what any of their
 * participants needs is done, whichever of them is named; what one of this process needs is done
 * for itself, and not again when it begins. Nothing is due where nobody wrote.
 * Errors: -ENOENT (no such participant), -EBUSY (somebody has begun and not ended: release while
 * held), -ETIMEDOUT (a fence), or the ioctl's own; what is due stays due then.
 */
DMABROKER_API int dmabroker_buffer_release_to(struct dmabroker_buffer *buffer,
					      const char *participant);

/* What happened with a buffer in this process. */
struct dmabroker_access_stats {
	uint64_t begun, ended; /* accesses */
	uint64_t released;     /* release_to that succeeded */
	uint64_t elided;       /* of begun and released: nothing was due */
	uint64_t cleans;       /* brackets for writing, of all memory objects of the buffer */
	uint64_t invalidates;  /* brackets for reading */
	uint64_t syncs;	       /* DMA_BUF_IOCTL_SYNC that succeeded */
	uint64_t waits;	       /* for fences */
	uint64_t refused;      /* calls that were wrong */
	uint32_t held;	       /* accesses that have begun and not ended, now */
};

/* Fills in `size` bytes, sizeof(*ret_stats): later versions may have more at the end. */
DMABROKER_API void dmabroker_buffer_get_access_stats(const struct dmabroker_buffer *buffer,
						     struct dmabroker_access_stats *ret_stats,
						     size_t size);

/*
 * An access of `participant` has not ended, and its buffer goes (its collection is released, or its
 * generation handed over). `file` and `line` say where it began, NULL and 0 where nobody noted
 * that. All are borrowed until the callback returns, and it must not call the library.
 */
typedef void (*dmabroker_audit_fn)(void *data, const char *participant, const char *file, int line);

/* Has `callback` (NULL: nobody) called for each such access. `data` is handed through. */
DMABROKER_API void dmabroker_set_audit_callback(struct dmabroker *broker,
						dmabroker_audit_fn callback, void *data);

#ifdef __cplusplus
}
#endif

#endif
