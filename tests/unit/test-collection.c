/* SPDX-License-Identifier: MIT */
/* Collections of several members: every state, and what each event does to it. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "broker/quota.h"
#include "tests/unit/check.h"
#include "tests/unit/faults.h"
#include "tests/unit/machine.h"
#include "tests/unit/world.h"

#define ALLOCATIONS_MAX 20000u
#define MEMBERS 4

/* ---- members ---- */

struct answer {
	unsigned int times;
	enum error_code code;
	uint32_t generation;
	char text[256]; /* of the first refusal: participant, wanted, offered */
	struct broker_client *dies;
};

static void on_decided(void *data, struct collection *collection, const struct error *error)
{
	struct answer *answer = data;
	const struct vocab_dicts *refusals = error->details ? &error->details->refusals : NULL;

	answer->times++;
	answer->code = error->code;
	assert((collection == NULL) == (error->code != ERROR_NONE));
	if (collection)
		answer->generation = collection_get_plan(collection)->generation;
	if (refusals && refusals->len)
		snprintf(answer->text, sizeof(answer->text), "%s|%s|%s",
			 vocab_string(refusals->items[0], REFUSAL_PARTICIPANT),
			 vocab_string(refusals->items[0], REFUSAL_WANTED),
			 vocab_string(refusals->items[0], REFUSAL_OFFERED));
	if (answer->dies)
		broker_client_destroy(answer->dies);
}

/* The initiator is member 0 and client 0; token i is for client i. */
static struct broker_client *clients[MEMBERS];
static struct collection *collection;
static struct broker_token tokens[COLLECTION_TOKENS_MAX];
static uint64_t number;

static struct broker_client *new_client(uid_t uid, uintptr_t data)
{
	struct broker_client *client;

	ck_assert_int_eq(broker_client_create(broker, uid, (void *)data, &client), 0);
	return client;
}

static void setup(void)
{
	world_setup();
	for (int i = 0; i < MEMBERS; i++)
		clients[i] = new_client(i ? 1000 + (uid_t)i : 1000, (uintptr_t)i);
}

static void teardown(void)
{
	for (int i = 0; i < MEMBERS; i++) {
		broker_client_destroy(clients[i]);
		clients[i] = NULL;
	}
	run_all();
	world_teardown();
}

/* Ends the connection of a client. */
static void die(int i)
{
	broker_client_destroy(clients[i]);
	clients[i] = NULL;
}

/* Finds the collection as the host does; NULL: it is gone for this client. */
static struct collection *look(int i)
{
	struct collection *found = NULL;

	if (clients[i] && broker_find_collection(clients[i], number, NULL, &found))
		return NULL;
	return found;
}

static enum error_code create(const char *text, uint32_t count)
{
	struct error error = {0};
	enum error_code code;

	broker_create_collection(clients[0], request_by_text(text), count, &error, tokens,
				 &collection);
	code = error.code;
	if (!code)
		number = collection_get_number(collection);
	error_finish(&error);
	return code;
}

static enum error_code bind_token(int i, const char *token)
{
	struct collection *found;
	struct error error = {0};
	enum error_code code;

	broker_bind(clients[i], token, &error, &found);
	code = error.code;
	if (!code)
		ck_assert_ptr_eq(found, look(i));
	error_finish(&error);
	return code;
}

static enum error_code bind(int i)
{
	return bind_token(i, tokens[i - 1].text);
}

/* The constraints of the refusals of the last call that failed, as bits. */
static uint32_t constraints;

static enum error_code finish_call(struct error *error)
{
	enum error_code code = error->code;

	constraints = 0;
	for (size_t i = 0; error->details && i < error->details->refusals.len; i++)
		constraints |=
			1u << vocab_number(error->details->refusals.items[i], REFUSAL_CONSTRAINT);
	error_finish(error);
	return code;
}

/* "": it observes */
static enum error_code speak(int i, const char *text)
{
	struct error error = {0};

	collection_speak(clients[i], look(i), request_by_text(text), &error);
	return finish_call(&error);
}

/* 1: at once */
static int wait_for(int i, struct answer *answer)
{
	struct error error = {0};
	int result = collection_wait(clients[i], look(i), on_decided, answer, &error);

	if (result < 0)
		answer->code = error.code;
	error_finish(&error);
	return result;
}

static struct collection_record *status(int i)
{
	struct collection_record *record;

	ck_assert_int_eq(collection_get_status(clients[i], look(i), &record), 0);
	return record;
}

static enum collection_state state_of(int i)
{
	struct collection_record *record = status(i);
	enum collection_state state = (enum collection_state)record->state;

	vocab_destroy(record);
	return state;
}

static enum error_code renegotiate(int i, const char *text, struct answer *answer)
{
	struct error error = {0};

	collection_renegotiate(clients[i], look(i), request_by_text(text), on_decided, answer,
			       &error);
	return finish_call(&error);
}

static enum error_code report(int i, const char *participant, uint32_t generation,
			      struct answer *answer)
{
	struct error error = {0};

	collection_report(clients[i], look(i), participant, generation, EINVAL, on_decided, answer,
			  &error);
	return finish_call(&error);
}

static enum error_code hand_over(int i, uint32_t generation)
{
	struct error error = {0};

	collection_hand_over(clients[i], look(i), generation, &error);
	return finish_call(&error);
}

/* The inodes of all buffers, as the client gets them; returns how many. */
static size_t inodes_of(int i, uint64_t *inodes, uint32_t *ret_generation)
{
	size_t len = collection_get_plan(look(i))->count, got;
	struct buffer_record **records;
	uint64_t serial;

	ck_assert_int_eq(collection_get_buffers(clients[i], look(i), 0, (uint32_t)len, 12, NULL,
						&serial, &records, &got),
			 0);
	for (size_t n = 0; n < got; n++) {
		inodes[n] = vocab_number(records[n]->memory.items[0], MEMORY_INODE);
		*ret_generation = records[n]->generation;
		vocab_destroy(records[n]);
	}
	free(records);
	ck_assert_int_eq(broker_acknowledge(clients[i], serial, NULL), 0);
	return got;
}

/* What all of a user hold: buffers of one client are counted by having another take what is left.
 */
static uint64_t buffers_of(int i)
{
	struct collection_record *record = status(i);
	uint64_t buffers = record->buffers;

	vocab_destroy(record);
	return buffers;
}

static const char base[] = "640x480 n=3 f=XR24 name=film";
static const char camera[] = "camera=cam0:capture";
static const char encoder[] = "encoder=codec:output";

/* Initiator observes, two members have spoken; the job waits. */
static void begin_two(const char *first, const char *second)
{
	ck_assert_int_eq(create(base, 2), 0);
	ck_assert_int_eq(bind(1), 0);
	ck_assert_int_eq(bind(2), 0);
	ck_assert_int_eq(speak(1, first), 0);
	ck_assert_int_eq(speak(2, second), 0);
}

static void make_two(void)
{
	begin_two(camera, encoder);
	run_all();
	ck_assert_int_eq(state_of(0), COLLECTION_READY);
	told[0] = '\0';
}

/* ---- the first negotiation ---- */

START_TEST(nothing_is_allocated_before_all_have_spoken)
{
	struct answer waits[3] = {{0}};
	unsigned int before = heap_calls;

	ck_assert_int_eq(create(base, 2), 0);
	for (int i = 0; i < 3; i++) {
		if (i)
			ck_assert_int_eq(bind(i), 0);
		ck_assert_int_eq(wait_for(i, &waits[i]), 0);
		ck_assert_ptr_null(jobs);
	}
	ck_assert_int_eq(speak(1, camera), 0);
	ck_assert_ptr_null(jobs);
	ck_assert_int_eq(state_of(0), COLLECTION_WAITING);
	ck_assert_ptr_null(collection_get_plan(look(0)));
	ck_assert_int_eq(speak(2, encoder), 0);
	ck_assert_ptr_nonnull(jobs);
	ck_assert_int_eq(state_of(0), COLLECTION_ALLOCATING);
	ck_assert_uint_eq(heap_calls, before);
	run_all();
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(waits[i].times, 1);
		ck_assert_int_eq(waits[i].code, ERROR_NONE);
		ck_assert_uint_eq(waits[i].generation, 1);
		ck_assert_int_eq(wait_for(i, &waits[i]), 1);
	}
	ck_assert_uint_eq(collection_get_plan(look(0))->participants.len, 2);
	ck_assert_str_eq(vocab_string(collection_get_plan(look(0)), PLAN_HAND_OVER), "");
	ck_assert_str_eq(told, "0 negotiated 1 by 1\n1 negotiated 1 by 1\n2 negotiated 1 by 1\n");
}
END_TEST

START_TEST(everybody_gets_the_same_buffers)
{
	uint64_t first[8], second[8];
	uint32_t generation;
	size_t len;

	make_two();
	len = inodes_of(1, first, &generation);
	ck_assert_uint_eq(len, 3);
	ck_assert_uint_eq(inodes_of(2, second, &generation), len);
	ck_assert_mem_eq(first, second, len * sizeof(first[0]));
	ck_assert_uint_eq(generation, 1);
}
END_TEST

/* Who has none is told so: who is told nothing takes all for its own. */
START_TEST(each_is_told_whose_turn_is_its_own)
{
	static const char *const own[] = {NULL, "camera", "encoder"};
	struct buffer_record **records;
	uint64_t serial;
	size_t len;

	make_two();
	ck_assert_int_eq(collection_get_buffers(clients[_i], look(_i), 0, 1, 1, NULL, &serial,
						&records, &len),
			 0);
	ck_assert(vocab_has(records[0], BUFFER_PARTICIPANTS));
	ck_assert_uint_eq(records[0]->participants.len, own[_i] ? 1 : 0);
	if (own[_i])
		ck_assert_str_eq(records[0]->participants.items[0], own[_i]);
	vocab_destroy(records[0]);
	free(records);
}
END_TEST

START_TEST(the_initiator_may_take_part)
{
	ck_assert_int_eq(create("640x480 f=XR24 camera=cam0:capture", 1), 0);
	ck_assert_int_eq(bind(1), 0);
	ck_assert_int_eq(speak(0, encoder), ERROR_INVALID_REQUEST);
	ck_assert_int_eq(speak(1, encoder), 0);
	run_all();
	ck_assert_uint_eq(collection_get_plan(look(1))->participants.len, 2);
}
END_TEST

START_TEST(alone_it_begins_at_once)
{
	ck_assert_int_eq(create("640x480 f=XR24 camera=cam0:capture", 0), 0);
	ck_assert_int_eq(state_of(0), COLLECTION_ALLOCATING);
	run_all();
	ck_assert_int_eq(state_of(0), COLLECTION_READY);
}
END_TEST

/* Everything but the initiator's own is asked for later. */
START_TEST(an_observer_alone_waits_for_tokens)
{
	struct error error = {0};

	ck_assert_int_eq(create(base, 0), 0);
	ck_assert_int_eq(state_of(0), COLLECTION_WAITING);
	ck_assert_int_eq(collection_create_tokens(clients[0], look(0), 1, &error, tokens), 0);
	ck_assert_int_eq(bind(1), 0);
	ck_assert_int_eq(speak(1, camera), 0);
	run_all();
	ck_assert_int_eq(state_of(1), COLLECTION_READY);
}
END_TEST

START_TEST(a_conflict_is_told_to_all)
{
	struct answer waits[3] = {{0}};

	ck_assert_int_eq(create("640x480", 2), 0);
	ck_assert_int_eq(bind(1), 0);
	ck_assert_int_eq(bind(2), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(wait_for(i, &waits[i]), 0);
	ck_assert_int_eq(speak(1, "camera=cam0:capture/f=NV12"), 0);
	ck_assert_int_eq(speak(2, "display=lcd:scanout"), 0);
	ck_assert_ptr_null(jobs);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(waits[i].times, 1);
		ck_assert_int_eq(waits[i].code, ERROR_CONFLICT);
		waits[i].code = ERROR_NONE;
		ck_assert_int_lt(wait_for(i, &waits[i]), 0);
		ck_assert_int_eq(waits[i].code, ERROR_CONFLICT);
	}
	ck_assert_str_eq(told, "0 ended 3 by 1\n1 ended 3 by 1\n2 ended 3 by 1\n");
	ck_assert_int_eq(state_of(0), COLLECTION_ENDED);
	ck_assert_int_eq(speak(1, camera), ERROR_CONFLICT);
	ck_assert_int_eq(hand_over(0, 1), ERROR_CONFLICT);
	ck_assert_int_eq(renegotiate(0, "320x240", &waits[0]), ERROR_CONFLICT);
}
END_TEST

/* ---- what is said ---- */

static const struct {
	const char *text;
	enum error_code code;
} sayings[] = {
	{"x=nobody:capture", ERROR_UNKNOWN_DEVICE},
	{"x=cam0:scanout", ERROR_INVALID_REQUEST},
	{"x=codec", ERROR_INVALID_REQUEST},		/* it has two roles */
	{"camera=cam1:capture", ERROR_INVALID_REQUEST}, /* the name of another member's */
	{"x=cam1:capture x=codec:output", ERROR_INVALID_REQUEST},
	{"x=codec:output/reads-from=x", ERROR_INVALID_REQUEST},
	{"x=codec:output/reads-from=camera,x", ERROR_INVALID_REQUEST},
	{"x=:cpu/usage=read,fly", ERROR_INVALID_REQUEST},
	{"x=:cpu/usage=read,none", ERROR_INVALID_REQUEST},
	{"x=:cpu/usage=cpu-read", ERROR_INVALID_REQUEST},
	{"x=:cpu/allowed-heaps=is:fast", ERROR_INVALID_REQUEST},
	{"y=:cpu x=:cpu/forbidden-heaps=is:cached+fast", ERROR_INVALID_REQUEST},
	{"x=vkms:scanout/layouts=XR24:1:1000:0+2560+1228800", ERROR_INVALID_REQUEST},
	{"x=:cpu/sizes=0x480", ERROR_INVALID_REQUEST},
	{"x=:cpu/alt=(optional=1|)", ERROR_INVALID_REQUEST},
	{"x=:cpu/alt=(h=is:fast|)", ERROR_INVALID_REQUEST},
	{"y=:cpu x=codec:output/alt=(rank=1|)", ERROR_INVALID_REQUEST},
	{"a=:cpu b=:cpu c=:cpu d=:cpu e=:cpu f1=:cpu g=:cpu h1=:cpu i=:cpu j=:cpu k=:cpu l=:cpu "
	 "m=:cpu n1=:cpu o=:cpu p=:cpu",
	 ERROR_INVALID_REQUEST},
};

START_TEST(what_is_wrong_is_told_to_its_speaker_alone)
{
	ck_assert_int_eq(create(base, 2), 0);
	ck_assert_int_eq(bind(1), 0);
	ck_assert_int_eq(bind(2), 0);
	ck_assert_int_eq(speak(1, camera), 0);
	ck_assert_int_eq(speak(2, sayings[_i].text), sayings[_i].code);
	ck_assert_int_eq(state_of(1), COLLECTION_WAITING);
	ck_assert_int_eq(speak(2, encoder), 0);
	run_all();
	ck_assert_int_eq(state_of(1), COLLECTION_READY);
}
END_TEST

static const struct {
	const char *text;
	uint32_t tokens;
	enum error_code code;
} creations[] = {
	{"f=XR24", 1, ERROR_INVALID_REQUEST}, /* no size */
	{"640x480 visible-x=700", 1, ERROR_INVALID_REQUEST},
	{"640x480 x=nobody:capture", 1, ERROR_UNKNOWN_DEVICE},
	{"640x480 x=cam0:capture x=codec:output", 1, ERROR_INVALID_REQUEST},
	{"640x480 x=codec:output/reads-from=x", 1, ERROR_INVALID_REQUEST},
	{"640x480 x=codec:output/reads-from=y", 1, ERROR_NONE},
	{"640x480 h=is:fast", 1, ERROR_INVALID_REQUEST},
	{"640x480 h=is:fast x=:cpu", 1, ERROR_INVALID_REQUEST},
	{"640x480", 17, ERROR_INVALID_REQUEST},
	{"640x480", 16, ERROR_NONE},
};

START_TEST(a_creation_is_checked)
{
	ck_assert_int_eq(create(creations[_i].text, creations[_i].tokens), creations[_i].code);
}
END_TEST

START_TEST(who_reads_from_one_that_never_came_reads_from_all)
{
	struct request *said = request_by_text("display=vkms:scanout");

	ck_assert_int_eq(vocab_add_string(said->participants.items[0], PARTICIPANT_READS_FROM,
					  "ghost", VOCAB_DECLARED),
			 0);
	ck_assert_int_eq(create(base, 3), 0);
	for (int i = 1; i < 4; i++)
		ck_assert_int_eq(bind(i), 0);
	ck_assert_int_eq(collection_speak(clients[1], look(1), said, NULL), 0);
	ck_assert_int_eq(speak(2, camera), 0);
	collection_release(clients[3], look(3));
	run_all();
	ck_assert_int_eq(state_of(1), COLLECTION_READY);
	ck_assert_uint_gt(collection_get_plan(look(1))->policy.len, 0);
}
END_TEST

/* Also when its place has been given to others. */
START_TEST(who_reads_from_one_that_has_died_negotiates_again)
{
	struct broker_token late[COLLECTION_TOKENS_MAX];
	struct collection_record *record;
	struct answer answer = {0};

	begin_two("display=vkms:scanout/reads-from=writer", "writer=:cpu/optional=1");
	run_all();
	die(2);
	ck_assert_int_eq(renegotiate(0, "1920x1080", &answer), 0);
	run_all();
	ck_assert_int_eq(collection_create_tokens(clients[0], look(0), 15, NULL, late), 0);
	record = status(0);
	ck_assert_uint_eq(record->members.len, COLLECTION_MEMBERS_MAX);
	vocab_destroy(record);
	ck_assert_int_eq(renegotiate(0, "640x480", &answer), 0);
	run_all();
	ck_assert_uint_eq(answer.generation, 3);
}
END_TEST

/* ---- tokens ---- */

START_TEST(a_token_is_good_once)
{
	ck_assert_int_eq(create(base, 2), 0);
	ck_assert_int_eq(bind(1), 0);
	ck_assert_int_eq(bind_token(2, tokens[0].text), ERROR_GONE);
	ck_assert_ptr_null(look(2));
	/* who is a member already cannot become another, and does not use the token up */
	ck_assert_int_eq(bind_token(1, tokens[1].text), ERROR_INVALID_REQUEST);
	ck_assert_int_eq(bind_token(0, tokens[1].text), ERROR_INVALID_REQUEST);
	ck_assert_int_eq(bind(2), 0);
}
END_TEST

START_TEST(a_token_is_not_guessed)
{
	char guess[40];

	ck_assert_int_eq(create(base, 2), 0);
	ck_assert_uint_eq(strlen(tokens[0].text), 32);
	ck_assert_uint_eq(strspn(tokens[0].text, "0123456789abcdef"), 32);
	ck_assert_str_ne(tokens[0].text, tokens[1].text);
	for (int i = 0; i < 32; i++) {
		memcpy(guess, tokens[0].text, 33);
		guess[i] ^= 1;
		ck_assert_int_eq(bind_token(1, guess), ERROR_GONE);
	}
	snprintf(guess, sizeof(guess), "%s0", tokens[0].text);
	ck_assert_int_eq(bind_token(1, guess), ERROR_GONE);
	guess[31] = '\0';
	ck_assert_int_eq(bind_token(1, guess), ERROR_GONE);
	ck_assert_int_eq(bind_token(1, ""), ERROR_GONE);
	ck_assert_int_eq(bind_token(1, "00000000000000000000000000000000"), ERROR_GONE);
	ck_assert_int_eq(bind(1), 0);
	/* what a used token leaves behind is none */
	ck_assert_int_eq(bind_token(2, ""), ERROR_GONE);
}
END_TEST

START_TEST(tokens_end_with_their_collection)
{
	ck_assert_int_eq(create(base, 2), 0);
	ck_assert_int_eq(collection_cancel(clients[0], look(0), NULL), 0);
	ck_assert_int_eq(bind(1), ERROR_GONE);
	ck_assert_int_eq(collection_create_tokens(clients[0], look(0), 1, NULL, tokens), -ESTALE);
}
END_TEST

START_TEST(only_the_initiator_makes_tokens)
{
	struct broker_token more[COLLECTION_TOKENS_MAX];

	ck_assert_int_eq(create(base, 14), 0);
	ck_assert_int_eq(bind(1), 0);
	ck_assert_int_eq(collection_create_tokens(clients[1], look(1), 1, NULL, more), -EPERM);
	ck_assert_int_eq(collection_create_tokens(clients[0], look(0), 0, NULL, more), -EINVAL);
	ck_assert_int_eq(collection_create_tokens(clients[0], look(0), 3, NULL, more), -EINVAL);
	ck_assert_int_eq(collection_create_tokens(clients[0], look(0), 2, NULL, more), 0);
	ck_assert_int_eq(collection_create_tokens(clients[0], look(0), 1, NULL, more), -EINVAL);
	/* who left nothing behind makes room */
	collection_release(clients[1], look(1));
	ck_assert_int_eq(collection_create_tokens(clients[0], look(0), 1, NULL, more), 0);
	ck_assert_int_eq(bind_token(1, more[0].text), 0);
}
END_TEST

START_TEST(tokens_are_limited)
{
	uint64_t had = 0;

	while (create(base, 16) == ERROR_NONE)
		had += 16;
	ck_assert_uint_eq(had, quota_limits[QUOTA_TOKENS].client);
	/* and given back */
	die(0);
	clients[0] = new_client(1000, 0);
	ck_assert_int_eq(create(base, 16), ERROR_GONE * 0);
}
END_TEST

/* ---- leaving and dying ---- */

enum how { LEAVES, DIES };
enum when { UNBOUND, BOUND, SPOKEN, ALLOCATING, READY };

static const char optional[] = "encoder=codec:output/optional=1";

static const struct {
	enum when when;
	enum how how;
	const char *said; /* by the one who goes */
	enum collection_state state;
	size_t participants; /* of the plan, if there is one in the end */
} ends[] = {
	{BOUND, LEAVES, encoder, COLLECTION_READY, 1},
	{BOUND, DIES, encoder, COLLECTION_ENDED, 0},
	{BOUND, DIES, optional, COLLECTION_ENDED, 0}, /* nobody knows that it would be */
	{SPOKEN, LEAVES, encoder, COLLECTION_READY, 2},
	{SPOKEN, LEAVES, "", COLLECTION_READY, 1},
	{SPOKEN, DIES, encoder, COLLECTION_ENDED, 0},
	{SPOKEN, DIES, optional, COLLECTION_READY, 1},
	{SPOKEN, DIES, "encoder=codec:output/optional=1 r=:cpu", COLLECTION_ENDED, 0},
	{SPOKEN, DIES, "", COLLECTION_READY, 1},
	{ALLOCATING, LEAVES, encoder, COLLECTION_READY, 2},
	{ALLOCATING, DIES, encoder, COLLECTION_ENDED, 0},
	{ALLOCATING, DIES, optional, COLLECTION_READY, 2},
	{ALLOCATING, DIES, "", COLLECTION_READY, 1},
	{READY, LEAVES, encoder, COLLECTION_READY, 2},
	{READY, DIES, encoder, COLLECTION_ENDED, 0},
	{READY, DIES, optional, COLLECTION_READY, 2},
	{READY, DIES, "", COLLECTION_READY, 1},
};

static void go(int i, enum how how)
{
	if (how == LEAVES)
		collection_release(clients[i], look(i));
	else
		die(i);
}

START_TEST(somebody_goes)
{
	enum when when = ends[_i].when;
	struct answer waits[2] = {{0}}, other = {0};

	ck_assert_int_eq(create(base, 2), 0);
	ck_assert_int_eq(bind(1), 0);
	ck_assert_int_eq(bind(2), 0);
	ck_assert_int_eq(wait_for(0, &waits[0]), 0);
	ck_assert_int_eq(wait_for(1, &waits[1]), 0);
	ck_assert_int_eq(wait_for(2, &other), 0);
	if (when >= SPOKEN)
		ck_assert_int_eq(speak(2, ends[_i].said), 0);
	if (when >= ALLOCATING)
		ck_assert_int_eq(speak(1, camera), 0);
	if (when >= READY)
		run_all();
	go(2, ends[_i].how);
	ck_assert_uint_eq(other.times, 1);
	ck_assert_int_eq(other.code, when == READY ? ERROR_NONE : ERROR_GONE);
	ck_assert_ptr_null(look(2));
	if (when < ALLOCATING && ends[_i].state == COLLECTION_READY)
		ck_assert_int_eq(speak(1, camera), 0);
	run_all();
	for (int i = 0; i < 2; i++) {
		bool failed = ends[_i].state == COLLECTION_ENDED && when != READY;

		ck_assert_int_eq(state_of(i), ends[_i].state);
		ck_assert_uint_eq(waits[i].times, 1);
		ck_assert_int_eq(waits[i].code, failed ? ERROR_GONE : ERROR_NONE);
		if (failed)
			ck_assert_ptr_nonnull(strstr(waits[i].text, "member 2"));
		ck_assert_int_eq(strstr(told, i ? "1 ended 7" : "0 ended 7") != NULL,
				 ends[_i].state == COLLECTION_ENDED);
	}
	if (ends[_i].participants)
		ck_assert_uint_eq(collection_get_plan(look(0))->participants.len,
				  ends[_i].participants);
	else
		ck_assert_uint_eq(buffers_of(0), 0);
}
END_TEST

/* The initiator observes: its end is no harm, and its user goes on paying. */
START_TEST(the_initiator_goes)
{
	static const enum when whens[] = {UNBOUND, BOUND, SPOKEN, ALLOCATING, READY};
	enum when when = whens[_i / 2];
	struct collection_record **records;
	size_t len;

	ck_assert_int_eq(create(base, 2), 0);
	for (enum when now = UNBOUND; now <= READY; now++) {
		if (now == BOUND)
			ck_assert(bind(1) == 0 && bind(2) == 0);
		if (now == SPOKEN)
			ck_assert_int_eq(speak(1, camera), 0);
		if (now == ALLOCATING)
			ck_assert_int_eq(speak(2, encoder), 0);
		if (now == READY)
			run_all();
		if (now == when)
			go(0, (enum how)(_i % 2));
	}
	ck_assert_int_eq(state_of(1), COLLECTION_READY);
	ck_assert_int_eq(broker_list_collections(broker, 1000, &records, &len), 0);
	ck_assert_uint_eq(len, 1);
	ck_assert_uint_eq(records[0]->buffers, 3);
	vocab_destroy(records[0]);
	free(records);
	go(1, LEAVES);
	ck_assert_int_eq(state_of(2), COLLECTION_READY);
	go(2, LEAVES);
	ck_assert_int_eq(broker_list_collections(broker, 0, &records, &len), 0);
	ck_assert_uint_eq(len, 0);
	free(records);
}
END_TEST

START_TEST(an_initiator_that_takes_part_is_missed)
{
	ck_assert_int_eq(create("640x480 f=XR24 camera=cam0:capture", 2), 0);
	ck_assert_int_eq(bind(1), 0);
	if (_i) {
		ck_assert_int_eq(bind(2), 0);
		ck_assert_int_eq(speak(1, ""), 0);
		ck_assert_int_eq(speak(2, encoder), 0);
		run_all();
	}
	die(0);
	ck_assert_int_eq(state_of(1), COLLECTION_ENDED);
}
END_TEST

START_TEST(all_leave_while_it_is_allocated)
{
	begin_two(camera, encoder);
	for (int i = 0; i < 3; i++)
		go(i, (enum how)_i);
	ck_assert_ptr_null(look(0));
	run_all();
}
END_TEST

/* With the last of them it is over, even if the job is not. */
START_TEST(nobody_comes_to_what_all_have_left)
{
	struct answer answer = {0};
	struct broker_token token;

	begin_two(camera, encoder);
	if (_i) {
		run_all();
		ck_assert_int_eq(renegotiate(0, "1920x1080", &answer), 0);
	}
	ck_assert_int_eq(collection_create_tokens(clients[0], look(0), 1, NULL, &token), 0);
	for (int i = 0; i < 3; i++)
		go(i, LEAVES);
	ck_assert_int_eq(bind_token(3, token.text), ERROR_GONE);
	run_all();
}
END_TEST

START_TEST(those_who_come_to_a_deserted_negotiation)
{
	ck_assert_int_eq(create("640x480 f=XR24 deadline-ms=40", 2), 0);
	go(0, LEAVES);
	ck_assert_int_eq(bind(1), 0);
	ck_assert_int_eq(speak(1, camera), 0);
	ck_assert_int_eq(state_of(1), COLLECTION_WAITING);
	go(1, LEAVES);
	ck_assert_int_gt(broker_get_timeout(broker), 0);
	nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	ck_assert_int_eq(broker_dispatch(broker), 0);
	ck_assert_int_eq(bind(2), ERROR_GONE);
	ck_assert_int_eq(broker_get_timeout(broker), -1);
}
END_TEST

START_TEST(who_is_told_dies_at_once)
{
	struct answer waits[3] = {{.dies = clients[0]}, {.dies = clients[1]}, {.dies = clients[2]}};

	begin_two(camera, _i ? "encoder=codec:output/stride-min=4000000000" : encoder);
	if (_i) {
		/* it has failed already, and whoever asks now is told so */
		ck_assert_int_lt(wait_for(0, &waits[0]), 0);
		return;
	}
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(wait_for(i, &waits[i]), 0);
	clients[0] = clients[1] = clients[2] = NULL;
	run_all();
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(waits[i].times, 1);
}
END_TEST

START_TEST(several_waiters_of_one_client)
{
	struct answer waits[3] = {{0}};

	ck_assert_int_eq(create(base, 1), 0);
	ck_assert_int_eq(bind(1), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(wait_for(1, &waits[i]), 0);
	ck_assert_int_eq(speak(1, camera), 0);
	run_all();
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(waits[i].times, 1);
}
END_TEST

/* ---- deadline and cancel ---- */

START_TEST(the_deadline_names_who_is_missing)
{
	struct answer answer = {0};
	struct collection_record *record;

	ck_assert_int_eq(create("640x480 f=XR24 deadline-ms=30", 3), 0);
	ck_assert_int_eq(bind(1), 0);
	ck_assert_int_eq(bind(2), 0);
	ck_assert_int_eq(speak(1, camera), 0);
	ck_assert_int_eq(wait_for(1, &answer), 0);
	record = status(1);
	ck_assert_uint_le(record->left_ms, 30);
	ck_assert_uint_eq(record->missing.len, 2);
	ck_assert_str_eq(record->missing.items[0], "member 2: of user 1002, has not spoken");
	ck_assert_str_eq(record->missing.items[1], "member 3: its token is not bound");
	ck_assert_uint_eq(record->members.len, 4);
	ck_assert(((struct member_record *)record->members.items[1])->you);
	ck_assert(!((struct member_record *)record->members.items[0])->you);
	vocab_destroy(record);
	ck_assert_int_gt(broker_get_timeout(broker), 0);
	nanosleep(&(struct timespec){.tv_nsec = 40000000}, NULL);
	ck_assert_int_eq(broker_get_timeout(broker), 0);
	ck_assert_int_eq(broker_dispatch(broker), 0);
	ck_assert_int_eq(answer.code, ERROR_GONE);
	ck_assert_ptr_nonnull(strstr(answer.text, "member 2: of user 1002"));
	ck_assert_int_eq(state_of(1), COLLECTION_ENDED);
	ck_assert_int_eq(broker_get_timeout(broker), -1);
}
END_TEST

START_TEST(the_deadline_is_over_when_all_have_spoken)
{
	ck_assert_int_eq(create("640x480 f=XR24 deadline-ms=1", 1), 0);
	ck_assert_int_eq(bind(1), 0);
	ck_assert_int_eq(speak(1, camera), 0);
	nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	ck_assert_int_eq(broker_dispatch(broker), 0);
	run_all();
	ck_assert_int_eq(state_of(1), COLLECTION_READY);
	ck_assert_int_eq(broker_get_timeout(broker), -1);
}
END_TEST

START_TEST(who_is_missing_is_told_once)
{
	ck_assert_int_eq(create(base, 2), 0);
	ck_assert_int_eq(bind(1), 0);
	ck_assert_int_le(broker_get_timeout(broker), COLLECTION_STUCK_MS);
	ck_assert_int_eq(broker_dispatch(broker), 0);
	ck_assert_str_eq(stuck, "");
	nanosleep(&(struct timespec){.tv_sec = COLLECTION_STUCK_MS / 1000, .tv_nsec = 10000000},
		  NULL);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(broker_dispatch(broker), 0);
		ck_assert_str_eq(stuck, "member 1: of user 1001, has not spoken\n"
					"member 2: its token is not bound\n");
	}
	ck_assert_int_gt(broker_get_timeout(broker), 10000);
	ck_assert_int_eq(speak(1, camera), 0);
}
END_TEST

START_TEST(the_initiator_cancels)
{
	struct answer answer = {0};

	ck_assert_int_eq(create(base, 2), 0);
	ck_assert_int_eq(bind(1), 0);
	ck_assert_int_eq(bind(2), 0);
	ck_assert_int_eq(wait_for(1, &answer), 0);
	if (_i) {
		ck_assert_int_eq(speak(1, camera), 0);
		ck_assert_int_eq(speak(2, encoder), 0);
	}
	ck_assert_int_eq(collection_cancel(clients[1], look(1), NULL), -EPERM);
	ck_assert_int_eq(collection_cancel(clients[0], look(0), NULL), 0);
	ck_assert_int_eq(answer.code, ERROR_GONE);
	ck_assert_ptr_nonnull(strstr(answer.text, "cancelled"));
	run_all();
	ck_assert_int_eq(state_of(1), COLLECTION_ENDED);
	ck_assert_uint_eq(answer.times, 1);
}
END_TEST

START_TEST(what_is_decided_is_not_cancelled)
{
	make_two();
	ck_assert_int_eq(collection_cancel(clients[0], look(0), NULL), -EINVAL);
	ck_assert_int_eq(state_of(1), COLLECTION_READY);
}
END_TEST

/* ---- late members ---- */

static void invite_late(int i)
{
	struct broker_token token;

	ck_assert_int_eq(collection_create_tokens(clients[0], look(0), 1, NULL, &token), 0);
	ck_assert_int_eq(bind_token(i, token.text), 0);
}

START_TEST(a_late_member_must_fit)
{
	uint64_t before[8], after[8];
	uint32_t generation;
	size_t len;

	make_two();
	len = inodes_of(1, before, &generation);
	invite_late(3);
	ck_assert_int_eq(
		collection_get_buffers(clients[3], look(3), 0, 1, 12, NULL, NULL, NULL, NULL),
		-EPERM);
	ck_assert_int_eq(speak(3, "display=lcd:scanout"), ERROR_CONFLICT); /* contiguous */
	ck_assert_uint_ne(constraints & 1u << CONSTRAINT_EXISTING, 0);
	ck_assert_int_eq(speak(3, "display=vkms:scanout/f=AR24"), ERROR_CONFLICT);
	ck_assert_int_eq(speak(3, camera), ERROR_INVALID_REQUEST);
	ck_assert_uint_eq(collection_get_plan(look(1))->participants.len, 2);
	ck_assert_str_eq(told, "");
	ck_assert_int_eq(speak(3, "display=vkms:scanout"), 0);
	ck_assert_uint_eq(collection_get_plan(look(1))->participants.len, 3);
	ck_assert_uint_eq(collection_get_plan(look(1))->generation, 1);
	ck_assert_uint_eq(inodes_of(3, after, &generation), len);
	ck_assert_mem_eq(before, after, len * sizeof(before[0]));
	ck_assert_str_eq(told, "0 negotiated 1 by 1\n1 negotiated 1 by 1\n2 negotiated 1 by 1\n"
			       "3 negotiated 1 by 1\n");
	ck_assert_int_eq(speak(3, "x=vkms:scanout"), ERROR_INVALID_REQUEST);
}
END_TEST

START_TEST(a_late_member_does_no_harm)
{
	make_two();
	invite_late(3);
	if (_i >= 2)
		ck_assert_int_eq(speak(3, "display=vkms:scanout"), 0);
	go(3, (enum how)(_i % 2));
	ck_assert_int_eq(state_of(1), COLLECTION_READY);
	ck_assert_ptr_null(strstr(told, "ended"));
	/* a name that died is free again, one that left is not */
	clients[3] = clients[3] ? clients[3] : new_client(1003, 3);
	invite_late(3);
	ck_assert_int_eq(speak(3, "display=vkms:scanout"),
			 _i == 2 ? ERROR_INVALID_REQUEST : ERROR_NONE);
}
END_TEST

START_TEST(a_token_that_came_late_waits_for_nobody)
{
	struct broker_token token;

	begin_two(camera, encoder);
	ck_assert_int_eq(collection_create_tokens(clients[0], look(0), 1, NULL, &token), 0);
	ck_assert_int_eq(bind_token(3, token.text), 0);
	ck_assert_int_eq(speak(3, "display=vkms:scanout"), ERROR_BUSY);
	run_all();
	ck_assert_int_eq(state_of(0), COLLECTION_READY);
	ck_assert_int_eq(speak(3, "display=vkms:scanout"), 0);
}
END_TEST

/* ---- again ---- */

START_TEST(a_new_generation)
{
	uint64_t old[8], new[8];
	struct answer answer = {0};
	uint32_t generation;
	size_t len;

	make_two();
	len = inodes_of(1, old, &generation);
	ck_assert_int_eq(renegotiate(0, "1920x1080", &answer), 0);
	ck_assert_uint_eq(answer.times, 0);
	ck_assert_uint_eq(inodes_of(1, new, &generation), len); /* the old ones still */
	ck_assert_mem_eq(old, new, len * sizeof(old[0]));
	run_all();
	ck_assert_int_eq(answer.code, ERROR_NONE);
	ck_assert_uint_eq(answer.generation, 2);
	ck_assert_uint_eq(collection_get_plan(look(2))->width, 1920);
	ck_assert_str_eq(vocab_string(collection_get_plan(look(2)), PLAN_HAND_OVER), "camera");
	ck_assert_uint_eq(inodes_of(1, new, &generation), len);
	ck_assert_uint_eq(generation, 2);
	ck_assert_uint_ne(old[0], new[0]);
	ck_assert_uint_eq(buffers_of(1), 2 * len);
	ck_assert_str_eq(told, "0 negotiated 2 by 1\n1 negotiated 2 by 1\n2 negotiated 2 by 1\n");
	told[0] = '\0';
	ck_assert_int_eq(hand_over(2, 2), ERROR_NOT_PERMITTED);
	ck_assert_int_eq(hand_over(1, 1), ERROR_INVALID_REQUEST);
	ck_assert_int_eq(hand_over(1, 2), 0);
	ck_assert_uint_eq(buffers_of(1), len);
	ck_assert_int_eq(hand_over(0, 2), 0); /* done already */
	ck_assert_str_eq(told,
			 "0 handed-over 2 by 1\n1 handed-over 2 by 1\n2 handed-over 2 by 1\n");
}
END_TEST

static const struct {
	int who;
	const char *changes;
	const char *exhausted; /* every heap is, for the job */
	enum error_code code;
} refused_changes[] = {
	{1, "320x240", NULL, ERROR_NOT_PERMITTED},
	{1, "320x180 camera=cam0:capture", NULL, ERROR_NOT_PERMITTED},
	{0, "f=RG16", NULL, ERROR_CONFLICT},
	{0, "visible-x=3000", NULL, ERROR_INVALID_REQUEST},
	{1, "camera=nobody:capture", NULL, ERROR_UNKNOWN_DEVICE},
	{1, "encoder=cam0:capture", NULL, ERROR_INVALID_REQUEST},
	{1, "camera=cam0:capture/f=YUYV", NULL, ERROR_CONFLICT},
	{0, "n=40 1920x1080", "all", ERROR_OUT_OF_MEMORY},
};

START_TEST(what_fails_changes_nothing)
{
	uint64_t old[8], now[8];
	struct answer answer = {0};
	enum error_code code;
	uint32_t generation;
	size_t len;

	make_two();
	len = inodes_of(1, old, &generation);
	if (refused_changes[_i].exhausted)
		for (int i = 0; i < 3; i++)
			broken[i] = (struct world_broken){
				(const char *[]){"system", "udmabuf", "reserved"}[i], 0, -ENOMEM,
				0};
	code = renegotiate(refused_changes[_i].who, refused_changes[_i].changes, &answer);
	run_all();
	ck_assert_int_eq(code ? code : answer.code, refused_changes[_i].code);
	ck_assert_uint_eq(answer.times, code == 0);
	memset(broken, 0, sizeof(broken));
	ck_assert_uint_eq(collection_get_plan(look(1))->generation, 1);
	ck_assert_uint_eq(inodes_of(1, now, &generation), len);
	ck_assert_mem_eq(old, now, len * sizeof(old[0]));
	ck_assert_str_eq(told, "");
	/* nor what is asked for in future */
	ck_assert_int_eq(renegotiate(0, "name=again", &answer), 0);
	run_all();
	ck_assert_int_eq(answer.code, ERROR_NONE);
	ck_assert_uint_eq(collection_get_plan(look(1))->width, 640);
	ck_assert_uint_eq(collection_get_plan(look(1))->count, 3);
}
END_TEST

START_TEST(a_member_replaces_its_participants)
{
	struct answer answer = {0};

	make_two();
	ck_assert_int_eq(renegotiate(1, "camera=cam1:capture/camping=3 reader=:cpu", &answer), 0);
	ck_assert_int_eq(renegotiate(2, "encoder=codec:output", &answer), ERROR_BUSY);
	run_all();
	ck_assert_int_eq(answer.code, ERROR_NONE);
	ck_assert_str_eq(collection_get_plan(look(1))->heap, "reserved");
	ck_assert_uint_eq(collection_get_plan(look(1))->participants.len, 3);
	ck_assert_uint_eq(collection_get_plan(look(1))->count, 5);
}
END_TEST

START_TEST(who_asked_goes_meanwhile)
{
	struct answer answer = {0};

	begin_two(camera, "encoder=codec:output/optional=1");
	run_all();
	ck_assert_int_eq(renegotiate(2, "encoder=codec:output/camping=9", &answer), 0);
	go(2, (enum how)_i);
	ck_assert_int_eq(answer.code, ERROR_GONE);
	run_all();
	ck_assert_uint_eq(answer.times, 1);
	ck_assert_int_eq(state_of(1), COLLECTION_READY);
	ck_assert_uint_eq(collection_get_plan(look(1))->generation, 1);
	ck_assert_int_eq(renegotiate(0, "1920x1080", &answer), 0);
	run_all();
	ck_assert_int_eq(answer.code, ERROR_NONE);
}
END_TEST

static const char *hand_over_of(int i)
{
	return vocab_string(collection_get_plan(look(i)), PLAN_HAND_OVER);
}

/* Its participants stay when a member leaves, but it says nothing any more. */
START_TEST(who_has_left_is_not_named_for_the_hand_over)
{
	struct answer answer = {0};

	begin_two(camera, _i ? "reader=:cpu/usage=read" : "writer=:cpu");
	run_all();
	go(1, LEAVES);
	go(0, LEAVES);
	ck_assert_int_eq(
		renegotiate(2, _i ? "reader=:cpu/usage=read/camping=2" : "writer=:cpu", &answer),
		0);
	run_all();
	ck_assert_int_eq(answer.code, ERROR_NONE);
	ck_assert_uint_eq(collection_get_plan(look(2))->participants.len, 2);
	ck_assert_str_eq(hand_over_of(2), _i ? "" : "writer");
	ck_assert_uint_eq(buffers_of(2), 6);
	ck_assert_int_eq(hand_over(2, 2), 0);
	ck_assert_uint_eq(buffers_of(2), 3);
}
END_TEST

START_TEST(when_both_have_left_anybody_may_hand_over)
{
	static const int order[2][2] = {{0, 1}, {1, 0}};
	struct answer answer = {0};

	make_two();
	ck_assert_int_eq(renegotiate(0, "1920x1080", &answer), 0);
	run_all();
	ck_assert_str_eq(hand_over_of(2), "camera");
	invite_late(3);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(hand_over(2, 2), ERROR_NOT_PERMITTED);
		go(order[_i][i], LEAVES);
	}
	ck_assert_int_eq(hand_over(3, 2), ERROR_NOT_PERMITTED); /* it has not spoken */
	ck_assert_int_eq(hand_over(2, 2), 0);
	ck_assert_uint_eq(buffers_of(2), collection_get_plan(look(2))->count);
}
END_TEST

START_TEST(it_ends_while_it_is_negotiated_again)
{
	struct answer answer = {0};

	make_two();
	ck_assert_int_eq(renegotiate(0, "1920x1080", &answer), 0);
	die(2);
	ck_assert_int_eq(answer.code, ERROR_GONE);
	run_all();
	ck_assert_uint_eq(answer.times, 1);
	ck_assert_int_eq(state_of(0), COLLECTION_ENDED);
	ck_assert_uint_eq(buffers_of(0), 0);
}
END_TEST

START_TEST(generations_are_charged)
{
	struct answer answer = {0};
	enum error_code code;
	uint32_t made = 1;

	make_two();
	do {
		code = renegotiate(0, "n=30", &answer);
		run_all();
		made += !code && !answer.code;
	} while (!code && !answer.code && made < 50);
	ck_assert_int_eq(code, ERROR_QUOTA_EXCEEDED);
	ck_assert_uint_eq(made, 1 + (quota_limits[QUOTA_BUFFERS].client - 3) / 30);
	ck_assert_int_eq(hand_over(0, made), 0);
	ck_assert_int_eq(renegotiate(0, "n=30", &answer), 0);
	run_all();
	ck_assert_int_eq(answer.code, ERROR_NONE);
}
END_TEST

START_TEST(a_collection_of_one_call_is_negotiated_again)
{
	struct answer answer = {0};
	struct collection_record **records;
	size_t len;

	ck_assert_int_eq(broker_allocate(clients[0],
					 request_by_text("640x480 n=2 f=XR24 camera=cam0:capture"),
					 on_decided, &answer, NULL),
			 0);
	run_all();
	ck_assert_str_eq(told, "");
	ck_assert_int_eq(broker_list_collections(broker, 1000, &records, &len), 0);
	ck_assert_uint_eq(len, 1);
	number = records[0]->number;
	vocab_destroy(records[0]);
	free(records);
	ck_assert_int_eq(renegotiate(0, "1920x1080", &answer), 0);
	run_all();
	ck_assert_uint_eq(answer.generation, 2);
	invite_late(1);
	ck_assert_int_eq(speak(1, "encoder=codec:output"), 0);
	ck_assert_uint_eq(collection_get_plan(look(0))->participants.len, 2);
}
END_TEST

/* ---- reports ---- */

START_TEST(a_report_rules_out_what_is_no_better)
{
	struct answer answer = {0};
	const struct plan *plan;
	unsigned int before = measured, known_before = measured_before;

	make_two();
	ck_assert_str_eq(collection_get_plan(look(0))->heap, "system");
	ck_assert_int_eq(report(2, "camera", 1, &answer), ERROR_NOT_PERMITTED);
	ck_assert_int_eq(report(2, "nobody", 1, &answer), ERROR_NOT_PERMITTED);
	ck_assert_int_eq(report(2, "encoder", 2, &answer), ERROR_INVALID_REQUEST);
	ck_assert_uint_eq(measured, before);
	ck_assert_int_eq(report(2, "encoder", 1, &answer), 0);
	run_all();
	ck_assert_int_eq(answer.code, ERROR_NONE);
	plan = collection_get_plan(look(0));
	ck_assert_uint_eq(plan->generation, 2);
	/* udmabuf is no better than system, memory in one piece is */
	ck_assert_str_eq(plan->heap, "reserved");
	ck_assert_uint_eq(plan->tried.len, 1);
	ck_assert_str_eq(vocab_string(plan->tried.items[0], REASON_VALUE), "system");
	ck_assert_uint_eq(vocab_number(plan->tried.items[0], REASON_CONSTRAINT),
			  CONSTRAINT_REPORTED);
	/* measured again, from scratch, and not again soon */
	ck_assert_uint_eq(measured, before + 1);
	ck_assert_uint_eq(measured_before, known_before);
	ck_assert_int_eq(report(2, "encoder", 2, &answer), ERROR_CONFLICT);
	ck_assert_uint_ne(constraints & 1u << CONSTRAINT_REPORTED, 0);
	run_all();
	ck_assert_uint_eq(measured, before + 1);
	ck_assert_uint_eq(collection_get_plan(look(0))->generation, 2);
	ck_assert_int_eq(state_of(0), COLLECTION_READY);
}
END_TEST

START_TEST(a_report_counts_for_its_collection_alone)
{
	struct answer answer = {0};

	make_two();
	ck_assert_int_eq(report(2, "encoder", 1, &answer), 0);
	run_all();
	ck_assert_str_eq(collection_get_plan(look(0))->heap, "reserved");
	/* and there for all negotiations to come */
	ck_assert_int_eq(renegotiate(0, "1920x1080", &answer), 0);
	run_all();
	ck_assert_str_eq(collection_get_plan(look(0))->heap, "reserved");
	make_two();
	ck_assert_str_eq(collection_get_plan(look(0))->heap, "system");
}
END_TEST

/* What two have reported counts until both have gone; even if what they need stays. */
START_TEST(a_report_goes_with_who_made_it)
{
	enum how how = (enum how)_i;
	struct answer answer = {0};

	begin_two("camera=cam0:capture/optional=1", "encoder=codec:output/optional=1");
	run_all();
	ck_assert_int_eq(report(2, "encoder", 1, &answer), 0);
	run_all();
	ck_assert_str_eq(collection_get_plan(look(0))->heap, "reserved");
	ck_assert_int_eq(report(1, "camera", 2, &answer), ERROR_CONFLICT);
	go(1, how);
	ck_assert_int_eq(renegotiate(0, "1920x1080", &answer), 0);
	run_all();
	ck_assert_str_eq(collection_get_plan(look(0))->heap, "reserved");
	go(2, how);
	ck_assert_int_eq(renegotiate(0, "640x480 reader=:cpu", &answer), 0);
	run_all();
	ck_assert_str_eq(collection_get_plan(look(0))->heap, "system");
}
END_TEST

/* An initiator that is away has said what it has said. */
START_TEST(a_report_stays_while_the_initiator_is_away)
{
	struct answer answer = {0};

	ck_assert_int_eq(create("640x480 n=3 f=XR24 linger-ms=60000 camera=cam0:capture", 1), 0);
	ck_assert_int_eq(bind(1), 0);
	ck_assert_int_eq(speak(1, encoder), 0);
	run_all();
	ck_assert_int_eq(report(0, "camera", 1, &answer), 0);
	run_all();
	die(0);
	ck_assert_int_eq(renegotiate(1, "encoder=codec:output/camping=2", &answer), 0);
	run_all();
	ck_assert_str_eq(collection_get_plan(look(1))->heap, "reserved");
}
END_TEST

START_TEST(what_the_trial_confirms_becomes_a_fact)
{
	struct device *codec = machine_find_device(world, "codec");
	struct answer answer = {0};

	make_two();
	/* the trial finds it */
	for (size_t i = 0; i < codec->roles.len; i++)
		ck_assert_int_eq(vocab_set_number(codec->roles.items[i], ROLE_CONTIGUITY,
						  CONTIGUITY_WHOLE, VOCAB_MEASURED),
				 0);
	ck_assert_int_eq(report(2, "encoder", 1, &answer), 0);
	run_all();
	make_two();
	ck_assert_str_eq(collection_get_plan(look(0))->heap, "reserved");
}
END_TEST

static void set_contiguity(enum contiguity contiguity, enum vocab_origin origin)
{
	struct device *codec = machine_find_device(world, "codec");

	for (size_t i = 0; i < codec->roles.len; i++)
		ck_assert_int_eq(vocab_set_number(codec->roles.items[i], ROLE_CONTIGUITY,
						  contiguity, origin),
				 0);
}

static const void *known_role(void)
{
	const struct device *codec = machine_find_device(broker_get_machine(broker), "codec");

	return codec->roles.items[0];
}

/* A trial has found that it takes anything. Now there is none: it is in use, or they fail. */
START_TEST(what_no_trial_looks_for_stays_as_it_was)
{
	struct answer answer = {0};
	unsigned int before;

	set_contiguity(CONTIGUITY_NONE, VOCAB_MEASURED);
	world_report(PROBE_CHANGED, "codec", "video4linux");
	run_all();
	make_two();
	set_contiguity(CONTIGUITY_WHOLE, VOCAB_ASSUMED);
	busy = _i ? "codec" : NULL;
	ck_assert_int_eq(report(2, "encoder", 1, &answer), 0);
	run_all();
	ck_assert_uint_eq(vocab_number(known_role(), ROLE_CONTIGUITY), CONTIGUITY_NONE);
	ck_assert_int_eq(vocab_origin(known_role(), ROLE_CONTIGUITY), VOCAB_MEASURED);
	if (!_i)
		return;
	/* idle again: now it is tried, as the report asks for */
	busy = NULL;
	before = measured_before;
	set_contiguity(CONTIGUITY_WHOLE, VOCAB_MEASURED);
	nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 10000000}, NULL);
	ck_assert_int_eq(broker_dispatch(broker), 0);
	run_all();
	ck_assert_uint_eq(measured_before, before);
	ck_assert_uint_eq(vocab_number(known_role(), ROLE_CONTIGUITY), CONTIGUITY_WHOLE);
}
END_TEST

/* ---- out of memory ---- */

START_TEST(the_next_heap_at_full_count_comes_before_fewer_buffers)
{
	const struct plan *plan;

	broken[0] = (struct world_broken){"system", 3, -ENOMEM, 0};
	if (_i)
		broken[1] = (struct world_broken){"udmabuf", 0, -ENOMEM, 0};
	if (_i)
		broken[2] = (struct world_broken){"reserved", 0, -ENOMEM, 0};
	begin_two("camera=cam0:capture/slack=2", "encoder=codec:output");
	run_all();
	ck_assert_int_eq(state_of(0), COLLECTION_READY);
	plan = collection_get_plan(look(0));
	ck_assert_uint_eq(plan->tried.len, _i ? 3 : 1);
	ck_assert_str_eq(vocab_string(plan->tried.items[0], REASON_VALUE), "system");
	ck_assert_str_eq(vocab_string(plan->tried.items[0], REASON_WANTED),
			 "5 buffers of 1228800 bytes: Cannot allocate memory");
	ck_assert_str_eq(plan->heap, _i ? "system" : "udmabuf");
	ck_assert_uint_eq(plan->count, _i ? 3 : 5);
}
END_TEST

/* Each try gives less than the one before. */
START_TEST(trying_ends)
{
	struct answer answer = {0};
	unsigned int before;

	for (int i = 0; i < 3; i++)
		broken[i] = (struct world_broken){
			(const char *[]){"system", "udmabuf", "reserved"}[i], 0, -ENOMEM, 0};
	ck_assert_int_eq(create("640x480 f=XR24", 1), 0);
	ck_assert_int_eq(bind(1), 0);
	ck_assert_int_eq(wait_for(0, &answer), 0);
	before = heap_calls;
	ck_assert_int_eq(speak(1, "camera=cam0:capture/slack=60"), 0);
	run_all();
	ck_assert_int_eq(answer.code, ERROR_OUT_OF_MEMORY);
	ck_assert_uint_le(heap_calls - before, COLLECTION_TRIES_MAX);
	ck_assert_int_eq(state_of(0), COLLECTION_ENDED);
}
END_TEST

/* ---- copies ---- */

START_TEST(buffers_of_groups_are_numbered_one_after_the_other)
{
	struct answer answer = {0};
	struct buffer_record **records;
	const struct plan *plan;
	uint64_t serial;
	size_t len;

	ck_assert_int_eq(create("640x480 f=XR24 allow-copies=1", 2), 0);
	ck_assert_int_eq(bind(1), 0);
	ck_assert_int_eq(bind(2), 0);
	ck_assert_int_eq(speak(1, "camera=cam1:capture/stride-min=4096"), 0);
	ck_assert_int_eq(speak(2, "display=vkms:scanout/stride-max=2560/camping=2"), 0);
	run_all();
	plan = collection_get_plan(look(1));
	ck_assert_ptr_nonnull(plan);
	ck_assert_uint_eq(plan->groups.len, 2);
	/* what each holds, and one of each group for whoever copies */
	ck_assert_uint_eq(plan->count, 1 + 1 + 2 + 1);
	ck_assert_uint_eq(buffers_of(1), 5);
	ck_assert_int_eq(collection_get_buffers(clients[2], look(2), 0, 5, 12, NULL, &serial,
						&records, &len),
			 0);
	for (size_t i = 0; i < len; i++) {
		const struct plan *group = (const struct plan *)plan->groups.items[i > 1];

		ck_assert_uint_eq(records[i]->index, i);
		ck_assert_uint_eq(records[i]->group, i > 1);
		ck_assert_uint_eq(vocab_number(records[i]->memory.items[0], MEMORY_BYTES),
				  vocab_number(group->memory.items[0], MEMORY_BYTES));
		vocab_destroy(records[i]);
	}
	free(records);
	/* nobody can say in which group somebody new would be */
	invite_late(3);
	ck_assert_int_eq(speak(3, "x=vkms:scanout"), ERROR_NOT_SUPPORTED);
	ck_assert_int_eq(speak(3, ""), 0);
	ck_assert_int_eq(renegotiate(2, "display=vkms:scanout/stride-max=2560", &answer), 0);
	run_all();
	plan = collection_get_plan(look(1));
	ck_assert_uint_eq(plan->generation, 2);
	ck_assert_uint_eq(plan->count, 4);
	ck_assert_uint_eq(((const struct plan *)plan->groups.items[1])->generation, 2);
	ck_assert_str_eq(vocab_string(plan, PLAN_HAND_OVER), "camera");
	ck_assert_int_eq(hand_over(1, 2), 0);
	ck_assert_uint_eq(buffers_of(1), 4);
}
END_TEST

/* ---- lingering ---- */

START_TEST(the_initiator_comes_back)
{
	struct broker_client *other;

	ck_assert_int_eq(create("640x480 linger-ms=60000 f=XR24 camera=cam0:capture", 1), 0);
	ck_assert_int_eq(bind(1), 0);
	die(0);
	if (_i) {
		ck_assert_int_eq(speak(1, encoder), 0);
		run_all();
	}
	other = new_client(1009, 9);
	ck_assert_int_eq(broker_find_collection(other, number, NULL, &collection), -ESTALE);
	broker_client_destroy(other);
	clients[0] = new_client(1000, 0);
	ck_assert_ptr_nonnull(look(0));
	ck_assert_int_eq(state_of(0), _i ? COLLECTION_READY : COLLECTION_WAITING);
	if (!_i) {
		ck_assert_int_eq(speak(1, encoder), 0);
		run_all();
	}
	ck_assert_int_eq(hand_over(0, 1), 0);
}
END_TEST

START_TEST(the_initiator_does_not_come_back)
{
	ck_assert_int_eq(create("640x480 linger-ms=10 f=XR24 camera=cam0:capture", 1), 0);
	ck_assert_int_eq(bind(1), 0);
	die(0);
	ck_assert_int_eq(state_of(1), COLLECTION_WAITING);
	nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	ck_assert_int_eq(broker_dispatch(broker), 0);
	ck_assert_int_eq(state_of(1), COLLECTION_ENDED);
}
END_TEST

START_TEST(the_initiator_learns_why_it_has_ended)
{
	struct answer answer = {0};

	ck_assert_int_eq(create("640x480 linger-ms=60000 f=XR24 camera=cam0:capture", 1), 0);
	ck_assert_int_eq(bind(1), 0);
	die(1 - _i); /* before the initiator goes, or after */
	die(_i);
	clients[0] = new_client(1000, 0);
	ck_assert_int_lt(wait_for(0, &answer), 0);
	ck_assert_int_eq(answer.code, ERROR_GONE);
	go(0, LEAVES);
	ck_assert_int_eq(broker_get_timeout(broker), -1);
}
END_TEST

/* Nobody has been told the number of what Allocate makes before it is answered. */
START_TEST(what_is_not_answered_yet_is_not_found)
{
	struct answer answer = {0};
	struct collection *found;

	ck_assert_int_eq(broker_allocate(clients[0], request_by_text("640x480 c=cam0:capture"),
					 on_decided, &answer, NULL),
			 0);
	ck_assert_int_eq(broker_find_collection(clients[0], 1, NULL, &found), -ESTALE);
	run_all();
	ck_assert_int_eq(broker_find_collection(clients[0], 1, NULL, &found), 0);
}
END_TEST

/* ---- lists ---- */

START_TEST(a_list_has_what_its_user_pays_for)
{
	static const struct {
		uid_t uid;
		size_t len;
	} rows[] = {{0, 1}, {1000, 1}, {1001, 0}, {1002, 0}};
	struct collection_record **records;
	size_t len;

	make_two();
	ck_assert_int_eq(broker_list_collections(broker, rows[_i].uid, &records, &len), 0);
	ck_assert_uint_eq(len, rows[_i].len);
	if (len) {
		ck_assert_str_eq(records[0]->name, "film");
		ck_assert_str_eq(records[0]->heap, "system");
		ck_assert_uint_eq(records[0]->bytes, 3 * 1228800);
		ck_assert_uint_eq(records[0]->members.len, 3);
		vocab_destroy(records[0]);
	}
	free(records);
}
END_TEST

/* ---- no memory ---- */

static struct request *prepared[6];
static uint32_t reached; /* generation of the life that went farthest */

static void prepare(void)
{
	static const char *const texts[] = {
		"640x480 n=3 f=XR24 name=film",
		"camera=cam0:capture/slack=1",
		"encoder=codec:output/optional=1",
		"display=vkms:scanout",
		"1920x1080 f=XR24,NV12 -h=udmabuf name=again",
		"camera=cam0:capture/camping=2 reader=:cpu",
	};

	for (int i = 0; i < 6; i++)
		prepared[i] = request_by_text(texts[i]);
}

static struct request *take(int i)
{
	struct request *request = prepared[i];

	prepared[i] = NULL;
	return request;
}

/* The second half of a life: what may fail without an end to it. */
static void live_on(struct broker_client **life, struct collection *lives)
{
	struct answer answers[3] = {{0}};
	struct collection_record *record, **records;
	struct broker_token token;
	struct collection *found;
	size_t len;

	if (!collection_get_plan(lives))
		return;
	if (!collection_create_tokens(life[0], lives, 1, NULL, &token) &&
	    !broker_bind(life[3], token.text, NULL, &found))
		collection_speak(life[3], found, take(3), NULL);
	collection_renegotiate(life[0], lives, take(4), on_decided, &answers[0], NULL);
	run_all();
	collection_renegotiate(life[1], lives, take(5), on_decided, &answers[1], NULL);
	run_all();
	collection_report(life[1], lives, "camera", collection_get_plan(lives)->generation, EINVAL,
			  on_decided, &answers[2], NULL);
	run_all();
	collection_hand_over(life[0], lives, collection_get_plan(lives)->generation, NULL);
	if (collection_get_plan(lives)->generation > reached)
		reached = collection_get_plan(lives)->generation;
	if (!collection_get_status(life[0], lives, &record))
		vocab_destroy(record);
	if (!broker_list_collections(broker, 0, &records, &len)) {
		while (len)
			vocab_destroy(records[--len]);
		free(records);
	}
}

/* No ck_assert: libcheck allocates. */
static void live_once(void)
{
	struct broker_client *life[4] = {NULL};
	struct collection *lives = NULL, *found;
	struct broker_token passed[2];
	struct answer answers[3] = {{0}};
	bool ok = true;

	for (uintptr_t i = 0; i < 4 && ok; i++)
		ok = broker_client_create(broker, 1000, (void *)i, &life[i]) == 0;
	ok = ok && broker_create_collection(life[0], take(0), 2, NULL, passed, &lives) == 0;
	for (int i = 1; i < 3 && ok; i++)
		ok = broker_bind(life[i], passed[i - 1].text, NULL, &found) == 0 &&
		     collection_wait(life[i], found, on_decided, &answers[i], NULL) == 0;
	for (int i = 1; i < 3 && ok; i++)
		ok = collection_speak(life[i], lives, take(i), NULL) == 0;
	run_all();
	if (ok)
		live_on(life, lives);
	broker_client_destroy(life[2]);
	for (int i = 0; i < 4; i++)
		if (i != 2)
			broker_client_destroy(life[i]);
	run_all();
}

START_TEST(every_allocation_fails_once)
{
	long live = faults_live();
	unsigned int fails = 0;
	bool failed = true;

	for (unsigned int nth = 1; failed; nth++) {
		ck_assert_uint_lt(nth, ALLOCATIONS_MAX);
		prepare();
		faults_begin(nth);
		live_once();
		failed = faults_end();
		for (int i = 0; i < 6; i++)
			vocab_destroy(take(i));
		told[0] = '\0';
		ck_assert_msg(faults_live() == live, "allocation %u: %ld blocks are left", nth,
			      faults_live() - live);
		fails += failed;
	}
	ck_assert_uint_gt(fails, 500);
	ck_assert_uint_eq(reached, 4);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static void add_members(TCase *all)
{
	tcase_add_test(all, nothing_is_allocated_before_all_have_spoken);
	tcase_add_test(all, everybody_gets_the_same_buffers);
	tcase_add_loop_test(all, each_is_told_whose_turn_is_its_own, 0, 3);
	tcase_add_test(all, the_initiator_may_take_part);
	tcase_add_test(all, alone_it_begins_at_once);
	tcase_add_test(all, an_observer_alone_waits_for_tokens);
	tcase_add_test(all, a_conflict_is_told_to_all);
	tcase_add_loop_test(all, what_is_wrong_is_told_to_its_speaker_alone, 0, ROWS(sayings));
	tcase_add_loop_test(all, a_creation_is_checked, 0, ROWS(creations));
	tcase_add_test(all, who_reads_from_one_that_never_came_reads_from_all);
	tcase_add_test(all, who_reads_from_one_that_has_died_negotiates_again);
	tcase_add_test(all, a_token_is_good_once);
	tcase_add_test(all, a_token_is_not_guessed);
	tcase_add_test(all, tokens_end_with_their_collection);
	tcase_add_test(all, only_the_initiator_makes_tokens);
	tcase_add_test(all, tokens_are_limited);
	tcase_add_loop_test(all, somebody_goes, 0, ROWS(ends));
	tcase_add_loop_test(all, the_initiator_goes, 0, 10);
	tcase_add_loop_test(all, an_initiator_that_takes_part_is_missed, 0, 2);
	tcase_add_loop_test(all, all_leave_while_it_is_allocated, 0, 2);
	tcase_add_loop_test(all, nobody_comes_to_what_all_have_left, 0, 2);
	tcase_add_test(all, those_who_come_to_a_deserted_negotiation);
	tcase_add_loop_test(all, who_is_told_dies_at_once, 0, 2);
	tcase_add_test(all, several_waiters_of_one_client);
	tcase_add_test(all, the_deadline_names_who_is_missing);
	tcase_add_test(all, the_deadline_is_over_when_all_have_spoken);
	tcase_add_test(all, who_is_missing_is_told_once);
	tcase_add_loop_test(all, the_initiator_cancels, 0, 2);
	tcase_add_test(all, what_is_decided_is_not_cancelled);
}

static void add_later(TCase *all)
{
	tcase_add_test(all, a_late_member_must_fit);
	tcase_add_loop_test(all, a_late_member_does_no_harm, 0, 4);
	tcase_add_test(all, a_token_that_came_late_waits_for_nobody);
	tcase_add_test(all, a_new_generation);
	tcase_add_loop_test(all, what_fails_changes_nothing, 0, ROWS(refused_changes));
	tcase_add_test(all, a_member_replaces_its_participants);
	tcase_add_loop_test(all, who_asked_goes_meanwhile, 0, 2);
	tcase_add_loop_test(all, who_has_left_is_not_named_for_the_hand_over, 0, 2);
	tcase_add_loop_test(all, when_both_have_left_anybody_may_hand_over, 0, 2);
	tcase_add_test(all, it_ends_while_it_is_negotiated_again);
	tcase_add_test(all, generations_are_charged);
	tcase_add_test(all, a_collection_of_one_call_is_negotiated_again);
	tcase_add_test(all, a_report_rules_out_what_is_no_better);
	tcase_add_test(all, a_report_counts_for_its_collection_alone);
	tcase_add_loop_test(all, a_report_goes_with_who_made_it, 0, 2);
	tcase_add_test(all, a_report_stays_while_the_initiator_is_away);
	tcase_add_test(all, what_the_trial_confirms_becomes_a_fact);
	tcase_add_loop_test(all, what_no_trial_looks_for_stays_as_it_was, 0, 2);
	tcase_add_loop_test(all, the_next_heap_at_full_count_comes_before_fewer_buffers, 0, 2);
	tcase_add_test(all, trying_ends);
	tcase_add_test(all, buffers_of_groups_are_numbered_one_after_the_other);
	tcase_add_loop_test(all, the_initiator_comes_back, 0, 2);
	tcase_add_test(all, the_initiator_does_not_come_back);
	tcase_add_loop_test(all, the_initiator_learns_why_it_has_ended, 0, 2);
	tcase_add_test(all, what_is_not_answered_yet_is_not_found);
	tcase_add_loop_test(all, a_list_has_what_its_user_pays_for, 0, 4);
	tcase_add_test(all, every_allocation_fails_once);
}

int main(void)
{
	Suite *suite = suite_create("collection");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_set_timeout(all, 60);
	add_members(all);
	add_later(all);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
