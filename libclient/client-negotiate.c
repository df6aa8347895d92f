/* SPDX-License-Identifier: MIT */
/*
 * Collections of several processes, by a daemon: tokens, speaking, waiting, and new generations.
 *
 * A call of Wait is answered when there is a plan. It is sent once and kept in the collection
 * (`waiting`) however often the application comes and looks, so that waiting in small pieces does
 * not leave a call behind each time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/client.h"
#include "protocol/wire.h"

#define TRIES 16 /* to fetch a generation before the next one replaces it */

/* A call of the collection. Returns owned; NULL: no memory. */
static DBusMessage *new_call(const struct dmabroker_collection *collection, const char *method)
{
	return client_new_call(client_of(collection->broker), collection->path, WIRE_COLLECTION,
			       method);
}

/* Sends `call` (taken; NULL: -ENOMEM). Returns owned a reply of this signature. */
static int ask(struct client *client, DBusMessage *call, const char *signature,
	       DBusMessage **ret_reply)
{
	DBusMessage *reply;
	int error = client_call(client, call, CLIENT_CALL_MS, &reply);

	if (error)
		return error;
	if (!dbus_message_has_signature(reply, signature))
		return client_wrong_form(client, reply);
	*ret_reply = reply;
	return 0;
}

/* Sends `call` (taken) that is answered with nothing but success. */
static int ask_for_nothing(struct client *client, DBusMessage *call)
{
	DBusMessage *reply;
	int error = client_call(client, call, CLIENT_CALL_MS, &reply);

	if (!error)
		dbus_message_unref(reply);
	return error;
}

/* A call of the collection with one number. Returns owned; NULL: no memory. */
static DBusMessage *new_call_u32(const struct dmabroker_collection *collection, const char *method,
				 dbus_uint32_t number)
{
	DBusMessage *call = new_call(collection, method);

	if (call && !dbus_message_append_args(call, DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID)) {
		dbus_message_unref(call);
		return NULL;
	}
	return call;
}

/* ---- beginning ---- */

/* Takes the tokens of an `as` behind those that the collection has. */
static int read_tokens(struct dmabroker_collection *collection, DBusMessageIter *iter)
{
	DBusMessageIter list;
	char **grown, *copy;
	const char *token;

	dbus_message_iter_recurse(iter, &list);
	for (; dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_STRING;
	     dbus_message_iter_next(&list)) {
		dbus_message_iter_get_basic(&list, &token);
		grown = realloc(collection->tokens, (collection->tokens_len + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		collection->tokens = grown;
		copy = strdup(token);
		if (!copy)
			return -ENOMEM;
		grown[collection->tokens_len++] = copy;
	}
	return 0;
}

/* Begins the collection whose path the reply begins with. */
static int begin_collection(struct client *client, DBusMessageIter *iter,
			    struct dmabroker_collection **ret_collection)
{
	const char *path;

	dbus_message_iter_get_basic(iter, &path);
	dbus_message_iter_next(iter);
	return collection_begin(&client->base, path, ret_collection);
}

int client_create_collection(struct dmabroker *broker, const struct request *request,
			     unsigned int tokens, struct dmabroker_collection **ret_collection)
{
	struct dmabroker_collection *collection;
	dbus_uint32_t number = tokens;
	DBusMessageIter iter;
	DBusMessage *reply;
	int error =
		client_ask(client_of(broker), "CreateCollection", request, &number, "oas", &reply);

	if (error)
		return error;
	dbus_message_iter_init(reply, &iter);
	error = begin_collection(client_of(broker), &iter, &collection);
	if (!error) {
		collection->observes = request->participants.len == 0;
		error = read_tokens(collection, &iter);
		if (error)
			dmabroker_collection_release(collection);
	}
	dbus_message_unref(reply);
	if (!error)
		*ret_collection = collection;
	return error;
}

int client_bind(struct dmabroker *broker, const char *token,
		struct dmabroker_collection **ret_collection)
{
	struct client *client = client_of(broker);
	DBusMessage *reply, *call = client_new_call(client, WIRE_PATH, WIRE_MANAGER, "Bind");
	DBusMessageIter iter;
	int error;

	if (call && !dbus_message_append_args(call, DBUS_TYPE_STRING, &token, DBUS_TYPE_INVALID)) {
		dbus_message_unref(call);
		return -ENOMEM;
	}
	error = ask(client, call, "o", &reply);
	if (error)
		return error;
	dbus_message_iter_init(reply, &iter);
	error = begin_collection(client, &iter, ret_collection);
	dbus_message_unref(reply);
	return error;
}

int client_create_tokens(struct dmabroker_collection *collection, unsigned int count)
{
	DBusMessage *reply;
	DBusMessageIter iter;
	int error = ask(client_of(collection->broker),
			new_call_u32(collection, "CreateTokens", count), "as", &reply);

	if (error)
		return error;
	dbus_message_iter_init(reply, &iter);
	error = read_tokens(collection, &iter);
	dbus_message_unref(reply);
	return error;
}

int client_speak(struct dmabroker_collection *collection, const struct request *request)
{
	const struct vocab_dicts *participants = &request->participants;
	DBusMessage *call = new_call(collection, "Speak");
	DBusMessageIter iter;
	int error;

	if (!call)
		return -ENOMEM;
	dbus_message_iter_init_append(call, &iter);
	if (wire_append_records(&iter, (void *const *)participants->items, participants->len)) {
		dbus_message_unref(call);
		return -ENOMEM;
	}
	error = ask_for_nothing(client_of(collection->broker), call);
	if (!error)
		collection->observes = participants->len == 0;
	return error;
}

/* ---- generations ---- */

/* Asks whether the broker has a newer generation than `number`. Returns 1 or 0. */
static int ask_for_newer(struct dmabroker_collection *collection, uint32_t number)
{
	struct collection_record *status;
	int error = client_get_status(collection, &status);

	if (error)
		return error;
	error = vocab_number(status, COLLECTION_GENERATION) > number;
	vocab_destroy(status);
	return error;
}

/*
 * What a call about generation `number` ended with. InvalidRequest may only say that another member
 * has negotiated a newer generation meanwhile, of which this call knew nothing: that is -EAGAIN.
 * Otherwise the error stays as it was noted.
 */
static int judge(struct dmabroker_collection *collection, uint32_t number, int error)
{
	struct dmabroker *broker = collection->broker;
	struct error noted = broker->error;
	char *text = broker->text;
	int newer;

	if (error != -EINVAL)
		return error;
	broker->error = (struct error){0};
	broker->text = NULL;
	newer = ask_for_newer(collection, number);
	if (newer) {
		error_finish(&noted);
		free(text);
		return newer < 0 ? newer : -EAGAIN;
	}
	handle_forget(broker);
	broker->error = noted;
	broker->text = text;
	return error;
}

/* Fetches the buffers of `plan` (taken) and makes it the newest generation. */
static int fetch_generation(struct dmabroker_collection *collection, uint32_t number,
			    struct plan *plan)
{
	struct generation *generation;
	int error = generation_create(number, plan, &generation);

	if (error) {
		vocab_destroy(plan);
		return error;
	}
	if (!collection->observes)
		error = judge(collection, number, client_fetch_buffers(collection, generation));
	if (error)
		generation_drop(generation);
	else
		collection_push(collection, generation);
	return error;
}

static bool same_plan(const struct plan *a, const struct plan *b)
{
	for (unsigned int row = 0; row < PLAN_ROWS; row++)
		if (!vocab_equal(a, b, row))
			return false;
	return true;
}

/* Takes `plan` of the generation that is the newest here already. */
static int refresh_plan(struct dmabroker_collection *collection, struct plan *plan)
{
	int error = 0;

	if (!same_plan(collection->newest->plan, plan)) {
		error = generation_replace_plan(collection->newest, plan);
		if (!error)
			return 0;
	}
	vocab_destroy(plan);
	return error;
}

/* Takes the reply ua{sv} that has a generation. Errors: -EAGAIN (it has been replaced by a newer
 * one before its buffers were here). */
static int read_generation(struct dmabroker_collection *collection, DBusMessage *reply)
{
	struct client *client = client_of(collection->broker);
	uint32_t newest = dmabroker_collection_get_generation(collection);
	dbus_uint32_t number;
	DBusMessageIter iter;
	struct plan *plan;
	int error;

	if (!dbus_message_has_signature(reply, "ua{sv}"))
		return client_wrong_form(client, reply);
	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_get_basic(&iter, &number);
	dbus_message_iter_next(&iter);
	if (number < newest) { /* it was on its way while a newer one was fetched */
		dbus_message_unref(reply);
		return -EAGAIN;
	}
	error = wire_read_record(&iter, &vocab_plan, NULL, &plan);
	if (error == -EINVAL)
		return client_wrong_form(client, reply);
	dbus_message_unref(reply);
	if (error)
		return error;
	return number == newest ? refresh_plan(collection, plan)
				: fetch_generation(collection, number, plan);
}

static void drop_waiting(struct dmabroker_collection *collection)
{
	if (!collection->waiting)
		return;
	dbus_pending_call_cancel(collection->waiting);
	dbus_pending_call_unref(collection->waiting);
	collection->waiting = NULL;
}

static int wait_once(struct dmabroker_collection *collection, int timeout_ms)
{
	struct client *client = client_of(collection->broker);
	DBusPendingCall *pending = collection->waiting;
	DBusMessage *reply;
	int error = 0;

	handle_forget(&client->base);
	if (!pending)
		error = client_begin_call(client, new_call(collection, "Wait"), &pending);
	if (error)
		return error;
	collection->waiting = pending;
	error = client_await(client, pending, timeout_ms);
	if (error == -ETIMEDOUT)
		return handle_fail(&client->base, error, "the negotiation has not come to its end");
	if (error) {
		drop_waiting(collection);
		return handle_fail(&client->base, error, "the broker has closed the connection");
	}
	collection->waiting = NULL;
	error = client_finish_call(client, pending, &reply);
	return error ? error : read_generation(collection, reply);
}

int client_wait(struct dmabroker_collection *collection, int timeout_ms)
{
	int error;

	/* an answer from before what has been told since is no longer the newest */
	if (collection->renewed && collection->waiting &&
	    dbus_pending_call_get_completed(collection->waiting))
		drop_waiting(collection);
	collection->renewed = false;
	error = wait_once(collection, timeout_ms);

	/* the newer generation is there: this takes no time but that of the calls */
	for (int i = 1; error == -EAGAIN && i < TRIES; i++)
		error = wait_once(collection, CLIENT_CALL_MS);
	if (error == -EAGAIN)
		return handle_fail(collection->broker, -EBUSY,
				   "the collection is negotiated again and again");
	return error;
}

/* What Renegotiate and Report answer (taken). */
static int take_generation(struct dmabroker_collection *collection, DBusMessage *reply)
{
	int error = read_generation(collection, reply);

	return error == -EAGAIN ? client_wait(collection, CLIENT_CALL_MS) : error;
}

int client_renegotiate(struct dmabroker_collection *collection, const struct request *changes)
{
	DBusMessage *reply, *call = new_call(collection, "Renegotiate");
	DBusMessageIter iter;
	int error;

	if (!call)
		return -ENOMEM;
	dbus_message_iter_init_append(call, &iter);
	if (wire_append_record(&iter, changes)) {
		dbus_message_unref(call);
		return -ENOMEM;
	}
	error = client_call(client_of(collection->broker), call, CLIENT_CALL_MS, &reply);
	if (error)
		return error;
	/* whoever has observed so far has named participants now, which get buffers */
	if (changes->participants.len)
		collection->observes = false;
	return take_generation(collection, reply);
}

int client_report(struct dmabroker_collection *collection, const char *participant, int errnum)
{
	dbus_uint32_t generation = dmabroker_collection_get_generation(collection);
	dbus_uint32_t number = (dbus_uint32_t)errnum;
	DBusMessage *reply, *call = new_call(collection, "Report");
	int error;

	if (call &&
	    !dbus_message_append_args(call, DBUS_TYPE_STRING, &participant, DBUS_TYPE_UINT32,
				      &generation, DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID)) {
		dbus_message_unref(call);
		return -ENOMEM;
	}
	error = client_call(client_of(collection->broker), call, CLIENT_CALL_MS, &reply);
	return error ? error : take_generation(collection, reply);
}

/* ---- handing over ---- */

/*
 * Whether it is for the caller to say that the generation takes over: it has the participant whose
 * frames it begins with. The initiator may say so, too; but with `dropped`, it has just followed
 * another member to an older generation, and says nothing of the newest. When both have gone it is
 * for whoever has spoken.
 */
static bool may_hand_over(const struct collection_record *status, const struct plan *plan,
			  bool dropped)
{
	const char *writer = vocab_string(plan, PLAN_HAND_OVER);
	bool others = false, named = false, spoken = false;

	for (size_t i = 0; i < status->members.len; i++) {
		const struct member_record *member =
			(const struct member_record *)status->members.items[i];
		bool writes = vocab_strings_have(&member->participants, writer);

		if (vocab_number(member, MEMBER_YOU)) {
			named = writes || (member->number == 0 && (!dropped || !*writer));
			spoken = member->state == MEMBER_SPOKEN;
		} else if ((writes || member->number == 0) && member->state <= MEMBER_SPOKEN) {
			others = true;
		}
	}
	return named || (spoken && !others);
}

/* Asks whether this member may. Returns 1 or 0. */
static int ask_whether_may(struct dmabroker_collection *collection, bool dropped)
{
	struct collection_record *status;
	int may = client_get_status(collection, &status);

	if (may)
		return may;
	may = may_hand_over(status, collection->newest->plan, dropped);
	vocab_destroy(status);
	return may;
}

/* Tells the broker that the newest generation takes over. */
static int tell_hand_over(struct dmabroker_collection *collection)
{
	uint32_t number = collection->newest->number;
	int error = ask_for_nothing(client_of(collection->broker),
				    new_call_u32(collection, "HandOver", number));

	error = judge(collection, number, error);
	if (error == -EAGAIN)
		return handle_fail(collection->broker, error,
				   "generation %u has been replaced: the newest has still to be "
				   "waited for",
				   number);
	if (!error)
		collection->handed_over = number;
	return error;
}

int client_hand_over(struct dmabroker_collection *collection)
{
	uint32_t number = dmabroker_collection_get_generation(collection);
	bool dropped;
	int error;

	handle_forget(collection->broker);
	if (number < collection->handed_over || !number)
		return handle_fail(collection->broker, -EAGAIN,
				   "the generation that takes over has still to be waited for");
	dropped = collection_drop_older(collection);
	if (number == collection->handed_over || (number == 1 && !collection->newest->older))
		return 0;
	error = ask_whether_may(collection, dropped);
	if (error < 0)
		return error;
	if (!error && dropped)
		return 0;
	if (!error)
		return handle_fail(collection->broker, -EAGAIN,
				   "%s has not handed over to generation %u yet",
				   vocab_string(collection->newest->plan, PLAN_HAND_OVER), number);
	error = tell_hand_over(collection);
	if (!error)
		collection_drop_older(collection);
	return error;
}

/* ---- looking, and the end ---- */

int client_get_status(struct dmabroker_collection *collection,
		      struct collection_record **ret_status)
{
	struct client *client = client_of(collection->broker);
	DBusMessageIter iter;
	DBusMessage *reply;
	int error = ask(client, new_call(collection, "GetStatus"), "a{sv}", &reply);

	if (error)
		return error;
	dbus_message_iter_init(reply, &iter);
	error = wire_read_record(&iter, &vocab_collection, NULL, ret_status);
	if (error == -EINVAL)
		return client_wrong_form(client, reply);
	dbus_message_unref(reply);
	return error;
}

static int by_number(const void *a, const void *b)
{
	const void *const *left = a, *const *right = b;
	uint64_t one = vocab_number(*left, COLLECTION_NUMBER);
	uint64_t other = vocab_number(*right, COLLECTION_NUMBER);

	return one < other ? -1 : one > other;
}

/* Reads the records of an aa{sv}, in the order of their numbers. */
static int read_records(DBusMessageIter *iter, struct handle_list *list)
{
	struct vocab_head *record;
	DBusMessageIter records;
	int error = 0;

	dbus_message_iter_recurse(iter, &records);
	while (dbus_message_iter_get_arg_type(&records) == DBUS_TYPE_ARRAY && !error) {
		/* moves `records` on */
		error = wire_read_record(&records, &vocab_collection, NULL, &record);
		if (error)
			return error == -EINVAL ? -EPROTO : error;
		error = handle_list_add(list, record);
		if (error)
			vocab_destroy(record);
	}
	if (!error && list->len)
		qsort(list->records, list->len, sizeof(list->records[0]), by_number);
	return error;
}

int client_list_collections(struct dmabroker *broker, struct dmabroker_record ***ret_records,
			    size_t *ret_len)
{
	struct client *client = client_of(broker);
	struct handle_list list = {0};
	DBusMessageIter iter;
	DBusMessage *reply;
	int error = ask(client, client_new_call(client, WIRE_PATH, WIRE_MANAGER, "ListCollections"),
			"aa{sv}", &reply);

	if (error)
		return error;
	dbus_message_iter_init(reply, &iter);
	error = read_records(&iter, &list);
	return client_end_list(client, reply, error, &list, ret_records, ret_len);
}

int client_cancel(struct dmabroker_collection *collection)
{
	return ask_for_nothing(client_of(collection->broker), new_call(collection, "Cancel"));
}

void client_release(struct dmabroker_collection *collection)
{
	DBusMessage *call = new_call(collection, "Release");

	drop_waiting(collection);
	if (call)
		client_send(client_of(collection->broker), call, true);
}

/* ---- what happens to collections ---- */

/* Negotiated and HandedOver: the generation. */
static void hear_generation(struct client *client, enum dmabroker_event event, DBusMessage *signal)
{
	dbus_uint32_t generation;

	if (dbus_message_get_args(signal, NULL, DBUS_TYPE_UINT32, &generation, DBUS_TYPE_INVALID))
		collection_announce(&client->base, dbus_message_get_path(signal),
				    &(struct collection_event){event, generation, NULL, NULL});
}

static void hear_end(struct client *client, DBusMessage *signal)
{
	const char *name, *text;
	enum error_code code;

	if (!dbus_message_get_args(signal, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &text,
				   DBUS_TYPE_INVALID))
		return;
	code = error_from_name(name);
	collection_announce(&client->base, dbus_message_get_path(signal),
			    &(struct collection_event){DMABROKER_EVENT_ENDED, 0,
						       code ? error_rows[code].name : name, text});
}

void client_hear_collection(struct client *client, DBusMessage *signal)
{
	if (!dbus_message_get_path(signal))
		return;
	if (dbus_message_is_signal(signal, WIRE_COLLECTION, "Negotiated"))
		hear_generation(client, DMABROKER_EVENT_NEGOTIATED, signal);
	else if (dbus_message_is_signal(signal, WIRE_COLLECTION, "HandedOver"))
		hear_generation(client, DMABROKER_EVENT_HANDED_OVER, signal);
	else if (dbus_message_is_signal(signal, WIRE_COLLECTION, "Ended"))
		hear_end(client, signal);
}
