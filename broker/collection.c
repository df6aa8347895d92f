/* SPDX-License-Identifier: MIT */
/*
 * The life of a collection: who comes, who leaves, who dies, and what that means for the others
 * (docs/collections.md has the drawing).
 *
 * A collection lives in the broker's list from its creation until nobody takes part any more and no
 * job of it is under way. It is charged to the initiator's client, and when that goes, to a ledger
 * of its own with the same user. Telling somebody anything may have him do anything here, so
 * whoever tells holds the collection, and looks at it anew afterwards.
 */
#include "broker/collection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "broker/allocation.h"
#include "broker/inside.h"
#include "broker/negotiation.h"

/* ---- errors ---- */

int collection_repeat_error(const struct collection *collection, struct error *error)
{
	const struct error *why = &collection->error;

	if (error) {
		error->code = why->code;
		if (why->details && vocab_copy(why->details, &error->details))
			error->details = NULL;
	}
	return error_rows[why->code].number;
}

static int not_initiator(struct error *error)
{
	return error_set(error, ERROR_NOT_PERMITTED, CONSTRAINT_REQUEST, NULL, NULL,
			 "the initiator of the collection", "another member");
}

static bool is_initiator(const struct member *member)
{
	return member->number == 0;
}

/* ---- who pays ---- */

struct quota_client *collection_payer(struct collection *collection)
{
	struct broker_client *client = collection->members[0].client;

	return client ? &client->quota : &collection->own;
}

int collection_charge(struct collection *collection, const struct quota_charge *charge,
		      struct error *error)
{
	enum quota_kind kind;
	uint64_t limit;

	if (!quota_charge(collection_payer(collection), charge, &kind, &limit))
		return 0;
	return error_setf(error, ERROR_QUOTA_EXCEEDED, CONSTRAINT_REQUEST, NULL, NULL,
			  "to release something first", "at most %llu %s",
			  (unsigned long long)limit, quota_limits[kind].name);
}

static void add_charge(struct quota_charge *sum, const struct quota_charge *charge)
{
	for (int kind = 0; kind < QUOTA_KINDS; kind++)
		sum->amount[kind] += charge->amount[kind];
}

/* All that the payer has been charged. */
static struct quota_charge sum_charges(const struct collection *collection)
{
	struct quota_charge sum = collection->charge;

	for (const struct generation *one = collection->generations; one; one = one->next)
		add_charge(&sum, &one->charge);
	if (collection->allocation)
		add_charge(&sum, &collection->allocation->charge);
	return sum;
}

/* The initiator's client goes: the collection pays for itself. */
static void pay_alone(struct collection *collection)
{
	struct broker_client *client = collection->members[0].client;
	struct quota_charge sum = sum_charges(collection);

	quota_move(&client->quota, &collection->own, &sum);
	collection->members[0].client = NULL;
}

/* ---- creating ---- */

static int charge_creation(struct collection *collection, struct broker_client *client,
			   struct error *error)
{
	struct quota_charge charge = {{[QUOTA_COLLECTIONS] = 1}};
	int result = quota_client_init(&collection->own, &client->broker->quota, client->uid);

	if (result)
		return result;
	result = collection_charge(collection, &charge, error);
	if (result)
		quota_client_finish(&collection->own);
	else
		collection->charge = charge;
	return result;
}

int collection_create(struct broker_client *client, struct request *base, struct request *said,
		      struct error *error, struct collection **ret_collection)
{
	struct broker *broker = client->broker;
	struct collection *collection = calloc(1, sizeof(*collection));
	int result = -ENOMEM;

	if (!collection)
		goto err_records;
	collection->members[0] =
		(struct member){.client = client, .uid = client->uid, .state = MEMBER_SPOKEN};
	collection->members_len = 1;
	result = charge_creation(collection, client, error);
	if (result)
		goto err_records;
	collection->broker = broker;
	collection->uid = client->uid;
	collection->members[0].said = said;
	collection->base = base;
	collection->number = broker->next_number++;
	collection->created_ms = inside_now_ms();
	collection->deadline_ms = collection->created_ms + vocab_number(base, REQUEST_DEADLINE_MS);
	collection->stuck_ms = collection->created_ms + COLLECTION_STUCK_MS;
	collection->next = broker->collections;
	broker->collections = collection;
	*ret_collection = collection;
	return 0;
err_records:
	free(collection);
	vocab_destroy(base);
	vocab_destroy(said);
	return result;
}

/* ---- freeing ---- */

void generation_destroy(struct collection *collection, struct generation *generation)
{
	for (size_t i = 0; i < generation->buffers_len; i++)
		close(generation->buffers[i].fd);
	quota_give_back(collection_payer(collection), &generation->charge);
	vocab_destroy(generation->plan);
	free(generation->buffers);
	free(generation);
}

static void drop_generations(struct collection *collection)
{
	struct generation *generation;

	while ((generation = collection->generations)) {
		collection->generations = generation->next;
		generation_destroy(collection, generation);
	}
}

static void collection_free(struct collection *collection)
{
	struct collection **at = &collection->broker->collections;

	while (*at != collection)
		at = &(*at)->next;
	*at = collection->next;
	drop_generations(collection);
	quota_give_back(collection_payer(collection), &collection->charge);
	quota_client_finish(&collection->own);
	for (size_t i = 0; i < collection->members_len; i++) {
		vocab_destroy(collection->members[i].said);
		vocab_destroy(collection->members[i].refused);
	}
	vocab_destroy(collection->base);
	error_finish(&collection->error);
	free(collection);
}

bool member_is_there(const struct member *member)
{
	return member->client || member->away_ms;
}

static bool has_members(const struct collection *collection)
{
	for (size_t i = 0; i < collection->members_len; i++)
		if (member_is_there(&collection->members[i]))
			return true;
	return false;
}

/* Whether somebody may still come to a negotiation that nobody waits for any more. */
static bool is_expecting(const struct collection *collection)
{
	for (size_t i = 0; i < collection->members_len; i++)
		if (collection->members[i].state == MEMBER_UNBOUND)
			return collection->state == COLLECTION_WAITING;
	return false;
}

/* From now on nobody comes any more. */
static void clear_tokens(struct collection *collection)
{
	for (size_t i = 0; i < collection->members_len; i++)
		memset(collection->members[i].token, 0, sizeof(collection->members[i].token));
}

static void free_if_deserted(struct collection *collection)
{
	if (collection->held || has_members(collection) || is_expecting(collection))
		return;
	clear_tokens(collection);
	if (collection->allocation)
		allocation_cancel(collection->allocation);
	else
		collection_free(collection);
}

void collection_hold(struct collection *collection)
{
	collection->held++;
}

void collection_unhold(struct collection *collection)
{
	collection->held--;
	free_if_deserted(collection);
}

/* ---- telling ---- */

int waiter_create(struct waiter **list, struct broker_client *client, broker_decided_fn decided,
		  void *data)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter)), **last = list;

	if (!waiter)
		return -ENOMEM;
	*waiter = (struct waiter){.client = client, .decided = decided, .data = data};
	while (*last)
		last = &(*last)->next;
	*last = waiter;
	return 0;
}

void waiter_answer(struct waiter **list, struct collection *collection, const struct error *error)
{
	struct waiter *waiter = *list;

	*list = waiter->next;
	waiter->decided(waiter->data, collection, error);
	free(waiter);
}

/* Whoever this client has waiting is told that it went. */
bool waiters_give_up(struct waiter **list, const struct broker_client *client)
{
	struct error error = {0};
	struct waiter *found = NULL;
	bool any;

	for (struct waiter **at = list; *at;) {
		struct waiter *waiter = *at;

		if (waiter->client != client) {
			at = &waiter->next;
			continue;
		}
		*at = waiter->next;
		waiter->next = found;
		found = waiter;
	}
	error_set(&error, ERROR_GONE, CONSTRAINT_REQUEST, NULL, NULL,
		  "the client to wait for its answer", "it went away");
	any = found != NULL;
	while (found)
		waiter_answer(&found, NULL, &error);
	error_finish(&error);
	return any;
}

void collection_tell(struct collection *collection, enum broker_event event, uint32_t generation,
		     const struct error *error)
{
	const struct broker_host *host = &collection->broker->host;

	if (!host->on_collection || collection->secret)
		return;
	collection_hold(collection);
	for (size_t i = 0; i < collection->members_len; i++)
		if (collection->members[i].client)
			host->on_collection(host->data, collection->members[i].client->data,
					    collection->number, event, generation, error);
	collection_unhold(collection);
}

void collection_end(struct collection *collection, struct error *error)
{
	collection->state = COLLECTION_ENDED;
	collection->error = *error;
	*error = (struct error){0};
	drop_generations(collection);
	collection_hold(collection);
	clear_tokens(collection);
	if (collection->allocation) {
		allocation_cancel(collection->allocation);
		while (collection->allocation->asker)
			waiter_answer(&collection->allocation->asker, NULL, &collection->error);
	}
	while (collection->waiters)
		waiter_answer(&collection->waiters, NULL, &collection->error);
	collection_tell(collection, BROKER_ENDED, 0, &collection->error);
	collection_unhold(collection);
}

/* ---- members ---- */

struct member *collection_find_member(struct collection *collection,
				      const struct broker_client *client)
{
	for (size_t i = 0; i < collection->members_len; i++)
		if (collection->members[i].client == client)
			return &collection->members[i];
	return NULL;
}

/* Whose end is no harm to the others: nothing of theirs depends on it. */
static bool is_dispensable(const struct member *member)
{
	if (member->late)
		return true;
	if (member->state != MEMBER_SPOKEN)
		return false;
	for (size_t i = 0; member->said && i < member->said->participants.len; i++)
		if (!vocab_number(member->said->participants.items[i], PARTICIPANT_OPTIONAL))
			return false;
	return true;
}

static void end_by_death(struct collection *collection, const struct member *member)
{
	bool named = member->said && member->said->participants.len;
	struct error error = {0};

	error_setf(&error, ERROR_GONE, CONSTRAINT_REQUEST,
		   named ? vocab_string(member->said->participants.items[0], PARTICIPANT_NAME)
			 : NULL,
		   NULL, "every member that is not optional to stay",
		   "member %u: its connection ended", member->number);
	collection_end(collection, &error);
	error_finish(&error);
}

/* The client is no member any more; what it waits for is answered, and what it has reported is
 * nobody's word any more. An initiator that may come back is MEMBER_SPOKEN still. */
static void part(struct collection *collection, struct member *member, enum member_state state)
{
	struct broker_client *client = member->client;

	if (is_initiator(member) && client)
		pay_alone(collection);
	member->client = NULL;
	member->away_ms = 0;
	member->state = state;
	if (state != MEMBER_SPOKEN) {
		vocab_destroy(member->refused);
		member->refused = NULL;
	}
	if (!client)
		return;
	waiters_give_up(&collection->waiters, client);
	if (collection->allocation && waiters_give_up(&collection->allocation->asker, client))
		allocation_cancel(collection->allocation);
}

static void die(struct collection *collection, struct member *member)
{
	bool harmless = is_dispensable(member) || collection->secret;

	collection_hold(collection);
	part(collection, member, MEMBER_DEAD);
	if (collection->state == COLLECTION_ENDED) {
		/* nothing can be worse */
	} else if (harmless) {
		vocab_destroy(member->said);
		member->said = NULL;
		negotiation_check(collection);
	} else if (has_members(collection) || is_expecting(collection)) {
		end_by_death(collection, member);
	}
	collection_unhold(collection);
}

/* Whether the initiator may come back by another connection. */
static bool stay_away(struct collection *collection, struct member *member)
{
	uint64_t linger_ms = vocab_number(collection->base, REQUEST_LINGER_MS);

	if (!is_initiator(member) || !linger_ms || collection->secret)
		return false;
	collection_hold(collection);
	part(collection, member, MEMBER_SPOKEN);
	member->away_ms = inside_now_ms() + linger_ms;
	collection_unhold(collection);
	return true;
}

void collections_client_died(struct broker_client *client)
{
	struct collection *collection = client->broker->collections;

	/* from the beginning each time: whoever is told may change the list */
	while (collection) {
		struct member *member = collection_find_member(collection, client);

		if (!member) {
			collection = collection->next;
			continue;
		}
		if (!stay_away(collection, member))
			die(collection, member);
		collection = client->broker->collections;
	}
}

void collection_release(struct broker_client *client, struct collection *collection)
{
	struct member *member = collection_find_member(collection, client);

	collection_hold(collection);
	part(collection, member, MEMBER_LEFT);
	negotiation_check(collection);
	collection_unhold(collection);
}

/* ---- finding ---- */

/* The initiator comes back; the limits per client count. */
static int adopt(struct broker_client *client, struct collection *collection, struct error *error)
{
	struct quota_charge sum = sum_charges(collection);
	enum quota_kind kind;
	uint64_t limit;

	quota_give_back(&collection->own, &sum);
	if (quota_charge(&client->quota, &sum, &kind, &limit)) {
		quota_charge(&collection->own, &sum, &kind, &limit);
		return error_setf(error, ERROR_QUOTA_EXCEEDED, CONSTRAINT_REQUEST, NULL, NULL,
				  "to take over a collection", "at most %llu %s",
				  (unsigned long long)limit, quota_limits[kind].name);
	}
	collection->members[0].client = client;
	collection->members[0].away_ms = 0;
	return 0;
}

int broker_find_collection(struct broker_client *client, uint64_t number, struct error *error,
			   struct collection **ret_collection)
{
	struct collection *collection = client->broker->collections;
	int result = 0;

	while (collection && collection->number != number)
		collection = collection->next;
	if (collection && !collection->secret && !collection_find_member(collection, client)) {
		if (collection->members[0].away_ms && collection->uid == client->uid)
			result = adopt(client, collection, error);
		else
			collection = NULL;
	}
	if (collection && !collection->secret) {
		if (!result)
			*ret_collection = collection;
		return result;
	}
	return error_setf(error, ERROR_GONE, CONSTRAINT_REQUEST, NULL, NULL,
			  "a collection of this client", "none of number %llu",
			  (unsigned long long)number);
}

uint64_t collection_get_number(const struct collection *collection)
{
	return collection->number;
}

const struct plan *collection_get_plan(const struct collection *collection)
{
	return collection->generations ? collection->generations->plan : NULL;
}

/* ---- tokens ---- */

static int make_token(struct error *error, char *text)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[16];

	if (getrandom(bytes, sizeof(bytes), GRND_NONBLOCK) != sizeof(bytes))
		return error_set(error, ERROR_BUSY, CONSTRAINT_REQUEST, NULL, NULL,
				 "a token that nobody can guess", "no randomness yet");
	for (size_t i = 0; i < sizeof(bytes); i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * sizeof(bytes)] = '\0';
	return 0;
}

/* Members who left nothing behind make room for others. Somebody may still read from them. */
static void forget_those_gone(struct collection *collection)
{
	struct quota_charge token = {{[QUOTA_TOKENS] = 1}};
	size_t kept = 1;

	for (size_t i = 1; i < collection->members_len; i++) {
		const struct member *member = &collection->members[i];

		if (!member->said &&
		    (member->state == MEMBER_LEFT || member->state == MEMBER_DEAD)) {
			quota_give_back(collection_payer(collection), &token);
			collection->charge.amount[QUOTA_TOKENS]--;
			collection->lacks_somebody = true;
			continue;
		}
		collection->members[kept++] = *member;
	}
	collection->members_len = kept;
}

static int add_tokens(struct collection *collection, uint32_t count, struct error *error,
		      struct broker_token *ret_tokens)
{
	struct quota_charge charge = {{[QUOTA_TOKENS] = count}};
	struct broker_token made[COLLECTION_TOKENS_MAX];
	int result = 0;

	for (uint32_t i = 0; i < count && !result; i++)
		result = make_token(error, made[i].text);
	if (!result)
		result = collection_charge(collection, &charge, error);
	if (result)
		return result;
	add_charge(&collection->charge, &charge);
	for (uint32_t i = 0; i < count; i++) {
		struct member *member = &collection->members[collection->members_len++];

		*member = (struct member){.number = ++collection->members_numbered,
					  .state = MEMBER_UNBOUND,
					  .late = collection->state != COLLECTION_WAITING};
		memcpy(member->token, made[i].text, sizeof(member->token));
		ret_tokens[i] = made[i];
	}
	return 0;
}

int collection_create_tokens(struct broker_client *client, struct collection *collection,
			     uint32_t count, struct error *error, struct broker_token *ret_tokens)
{
	if (collection->state == COLLECTION_ENDED)
		return collection_repeat_error(collection, error);
	if (!is_initiator(collection_find_member(collection, client)))
		return not_initiator(error);
	if (count > COLLECTION_MEMBERS_MAX - collection->members_len)
		forget_those_gone(collection);
	if (!count || count > COLLECTION_MEMBERS_MAX - collection->members_len)
		return error_setf(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, NULL, "tokens",
				  "1 or more, and with the members there are no more than 17",
				  "%u, with %zu members", count, collection->members_len);
	return add_tokens(collection, count, error, ret_tokens);
}

int broker_create_collection(struct broker_client *client, struct request *request, uint32_t tokens,
			     struct error *error, struct broker_token *ret_tokens,
			     struct collection **ret_collection)
{
	struct collection *collection;
	struct request *said;
	int result;

	if (tokens > COLLECTION_TOKENS_MAX) {
		vocab_destroy(request);
		return error_setf(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, NULL, "tokens",
				  "at most 16", "%u", tokens);
	}
	result = negotiation_split(client->broker, request, error, &said);
	if (result) {
		vocab_destroy(request);
		return result;
	}
	result = collection_create(client, request, said, error, &collection);
	if (result)
		return result;
	if (tokens)
		result = add_tokens(collection, tokens, error, ret_tokens);
	if (result) {
		collection->members[0].state = MEMBER_LEFT;
		pay_alone(collection);
		collection_free(collection);
		return result;
	}
	negotiation_check(collection);
	*ret_collection = collection;
	return 0;
}

/* Not to be told by the time it takes how much of a guess is right. */
static bool same_token(const char *token, const char *guess)
{
	unsigned char different = 0;

	for (size_t i = 0; i < sizeof(struct broker_token); i++)
		different |= (unsigned char)(token[i] ^ guess[i]);
	return !different;
}

static struct member *find_token(struct broker *broker, const char *token,
				 struct collection **ret_collection)
{
	struct broker_token guess = {""};
	size_t len = strlen(token);

	if (len != sizeof(guess.text) - 1)
		return NULL;
	memcpy(guess.text, token, len);
	for (struct collection *one = broker->collections; one; one = one->next) {
		for (size_t i = 0; i < one->members_len; i++) {
			if (!same_token(one->members[i].token, guess.text))
				continue;
			*ret_collection = one;
			return &one->members[i];
		}
	}
	return NULL;
}

int broker_bind(struct broker_client *client, const char *token, struct error *error,
		struct collection **ret_collection)
{
	struct collection *collection;
	struct member *member = find_token(client->broker, token, &collection);

	if (!member)
		return error_set(error, ERROR_GONE, CONSTRAINT_REQUEST, NULL, NULL,
				 "a token that has not been used",
				 "one that is used, whose collection has ended, or that never was");
	if (collection_find_member(collection, client))
		return error_set(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, NULL, NULL,
				 "a connection that takes no part yet",
				 "one that is a member already");
	memset(member->token, 0, sizeof(member->token));
	member->client = client;
	member->uid = client->uid;
	member->state = MEMBER_BOUND;
	*ret_collection = collection;
	return 0;
}

/* ---- waiting, and no longer ---- */

int collection_wait(struct broker_client *client, struct collection *collection,
		    broker_decided_fn decided, void *data, struct error *error)
{
	if (collection->state == COLLECTION_ENDED)
		return collection_repeat_error(collection, error);
	if (collection->generations)
		return 1;
	return waiter_create(&collection->waiters, client, decided, data);
}

int collection_cancel(struct broker_client *client, struct collection *collection,
		      struct error *error)
{
	struct error why = {0};

	if (collection->state == COLLECTION_ENDED)
		return collection_repeat_error(collection, error);
	if (!is_initiator(collection_find_member(collection, client)))
		return not_initiator(error);
	if (collection->generations)
		return error_set(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, NULL, NULL,
				 "a negotiation that is not decided", "buffers that are there");
	error_set(&why, ERROR_GONE, CONSTRAINT_REQUEST, NULL, NULL, "a negotiation that goes on",
		  "the initiator has cancelled it");
	collection_end(collection, &why);
	error_finish(&why);
	return 0;
}

static bool writes_first(const struct collection *collection, const struct member *member)
{
	const char *name = vocab_string(collection->generations->plan, PLAN_HAND_OVER);

	return *name && request_has_participant(member->said, name);
}

/* Usually the initiator, or who writes first; when both have gone, whoever has spoken. */
static bool may_hand_over(const struct collection *collection, const struct member *member)
{
	if (is_initiator(member) || writes_first(collection, member))
		return true;
	for (size_t i = 0; i < collection->members_len; i++) {
		const struct member *other = &collection->members[i];

		if (member_is_there(other) &&
		    (is_initiator(other) || writes_first(collection, other)))
			return false;
	}
	return member->state == MEMBER_SPOKEN;
}

int collection_hand_over(struct broker_client *client, struct collection *collection,
			 uint32_t generation, struct error *error)
{
	const struct member *member = collection_find_member(collection, client);
	struct generation *newest = collection->generations, *old;

	if (collection->state == COLLECTION_ENDED)
		return collection_repeat_error(collection, error);
	if (!newest || newest->plan->generation != generation)
		return error_setf(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, NULL,
				  "generation", "the newest generation", "%u", generation);
	if (!may_hand_over(collection, member))
		return error_set(error, ERROR_NOT_PERMITTED, CONSTRAINT_REQUEST, NULL, NULL,
				 "the member whose participant the plan names, or the initiator",
				 "another member");
	if (!newest->next)
		return 0;
	while ((old = newest->next)) {
		newest->next = old->next;
		generation_destroy(collection, old);
	}
	collection_tell(collection, BROKER_HANDED_OVER, generation, NULL);
	return 0;
}

/* ---- time ---- */

static void first_of(uint64_t *first, uint64_t time)
{
	if (time && time < *first)
		*first = time;
}

uint64_t collections_due(const struct broker *broker)
{
	uint64_t first = UINT64_MAX;

	for (const struct collection *one = broker->collections; one; one = one->next) {
		first_of(&first, one->members[0].away_ms);
		if (one->state != COLLECTION_WAITING)
			continue;
		first_of(&first, one->deadline_ms);
		first_of(&first, one->stuck_ms);
	}
	return first;
}

static void end_by_deadline(struct collection *collection)
{
	struct collection_record *record = NULL;
	struct error error = {0};

	if (!vocab_create(&vocab_collection, &record))
		status_add_missing(collection, record);
	for (size_t i = 0; record && i < record->missing.len; i++)
		error_set(&error, ERROR_GONE, CONSTRAINT_REQUEST, NULL, "deadline-ms",
			  "every member to speak before the deadline", record->missing.items[i]);
	if (!error.code)
		error_set(&error, ERROR_GONE, CONSTRAINT_REQUEST, NULL, "deadline-ms",
			  "somebody to take part before the deadline", "nobody");
	error.code = ERROR_GONE;
	vocab_destroy(record);
	collection_end(collection, &error);
	error_finish(&error);
}

static void tell_stuck(struct collection *collection)
{
	const struct broker_host *host = &collection->broker->host;
	struct collection_record *record;

	collection->stuck_ms = 0;
	if (!host->on_stuck || vocab_create(&vocab_collection, &record))
		return;
	if (!status_add_missing(collection, record) && record->missing.len)
		host->on_stuck(host->data, collection->number, &record->missing);
	vocab_destroy(record);
}

/* Does one thing that is due; false: nothing is. */
static bool do_due(struct collection *collection, uint64_t now)
{
	if (collection->members[0].away_ms && collection->members[0].away_ms <= now) {
		die(collection, &collection->members[0]);
		return true;
	}
	if (collection->state != COLLECTION_WAITING)
		return false;
	if (collection->deadline_ms <= now) {
		end_by_deadline(collection);
		return true;
	}
	if (collection->stuck_ms && collection->stuck_ms <= now) {
		tell_stuck(collection);
		return true;
	}
	return false;
}

void collections_dispatch(struct broker *broker)
{
	struct collection *collection = broker->collections;
	uint64_t now = inside_now_ms();

	/* from the beginning each time: whoever is told may change the list */
	while (collection)
		collection = do_due(collection, now) ? broker->collections : collection->next;
}

void collections_finish(struct broker *broker)
{
	while (broker->collections)
		collection_free(broker->collections);
}
