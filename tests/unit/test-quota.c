/* SPDX-License-Identifier: MIT */
/* Three ledgers: client, user, machine. */
#include <errno.h>

#include "broker/quota.h"
#include "tests/unit/check.h"

static const struct quota_charge one = {{[QUOTA_COLLECTIONS] = 1, [QUOTA_BUFFERS] = 4}};

static int charge(struct quota_client *client, const struct quota_charge *amount,
		  uint64_t *ret_limit)
{
	enum quota_kind kind;

	return quota_charge(client, amount, &kind, ret_limit);
}

START_TEST(client_meets_its_limit_and_recovers)
{
	struct quota quota = {0};
	struct quota_client client;
	uint64_t limit = 0, n = 0;

	ck_assert_int_eq(quota_client_init(&client, &quota, 1000), 0);
	while (charge(&client, &one, &limit) == 0)
		n++;
	ck_assert_uint_eq(n, quota_limits[QUOTA_COLLECTIONS].client);
	ck_assert_uint_eq(limit, quota_limits[QUOTA_COLLECTIONS].client);
	ck_assert_uint_eq(client.used[QUOTA_BUFFERS], 4 * n); /* a refused charge left nothing */
	quota_give_back(&client, &one);
	ck_assert_int_eq(charge(&client, &one, &limit), 0);
	while (n--)
		quota_give_back(&client, &one);
	ck_assert_uint_eq(quota.used[QUOTA_COLLECTIONS], 0);
	quota_client_finish(&client);
	ck_assert_ptr_null(quota.users);
}
END_TEST

START_TEST(clients_of_one_user_share_its_limit)
{
	struct quota quota = {0};
	struct quota_client clients[8], other;
	uint64_t limit, per_client = quota_limits[QUOTA_COLLECTIONS].client, charged = 0;

	ck_assert_int_eq(quota_client_init(&other, &quota, 1001), 0);
	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(quota_client_init(&clients[i], &quota, 1000), 0);
		for (uint64_t j = 0; j < per_client; j++)
			charged += charge(&clients[i], &one, &limit) == 0;
	}
	ck_assert_uint_eq(charged, quota_limits[QUOTA_COLLECTIONS].user);
	ck_assert_int_eq(charge(&other, &one, &limit), 0); /* nobody else notices */
	quota_give_back(&other, &one);
	quota_client_finish(&other);
	for (int i = 0; i < 8; i++) {
		while (clients[i].used[QUOTA_COLLECTIONS])
			quota_give_back(&clients[i], &one);
		quota_client_finish(&clients[i]);
	}
	ck_assert_ptr_null(quota.users);
}
END_TEST

START_TEST(users_share_the_machine)
{
	struct quota quota = {0};
	struct quota_client clients[64];
	const struct quota_charge much = {{[QUOTA_BYTES] = quota_limits[QUOTA_BYTES].client}};
	uint64_t limit = 0, charged = 0;

	for (uid_t i = 0; i < 64; i++) {
		ck_assert_int_eq(quota_client_init(&clients[i], &quota, i), 0);
		charged += charge(&clients[i], &much, &limit) == 0;
	}
	ck_assert_uint_eq(charged,
			  quota_limits[QUOTA_BYTES].total / quota_limits[QUOTA_BYTES].client);
	ck_assert_uint_eq(limit, quota_limits[QUOTA_BYTES].total);
	for (uid_t i = 0; i < 64; i++) {
		if (clients[i].used[QUOTA_BYTES])
			quota_give_back(&clients[i], &much);
		quota_client_finish(&clients[i]);
	}
}
END_TEST

START_TEST(amounts_do_not_wrap)
{
	struct quota quota = {0};
	struct quota_client client;
	const struct quota_charge huge = {{[QUOTA_BYTES] = UINT64_MAX}};
	uint64_t limit;

	ck_assert_int_eq(quota_client_init(&client, &quota, 1), 0);
	ck_assert_int_eq(charge(&client, &one, &limit), 0);
	ck_assert_int_eq(charge(&client, &huge, &limit), -EDQUOT);
	quota_give_back(&client, &one);
	quota_client_finish(&client);
}
END_TEST

START_TEST(charge_moves_between_clients_of_a_user)
{
	struct quota quota = {0};
	struct quota_client from, to;
	uint64_t limit;

	ck_assert_int_eq(quota_client_init(&from, &quota, 7), 0);
	ck_assert_int_eq(quota_client_init(&to, &quota, 7), 0);
	ck_assert_int_eq(charge(&from, &one, &limit), 0);
	quota_move(&from, &to, &one);
	quota_client_finish(&from);
	ck_assert_uint_eq(to.used[QUOTA_BUFFERS], 4);
	ck_assert_uint_eq(quota.used[QUOTA_BUFFERS], 4);
	quota_give_back(&to, &one);
	quota_client_finish(&to);
	ck_assert_ptr_null(quota.users);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("quota");
	TCase *all = tcase_create("all");

	tcase_add_test(all, client_meets_its_limit_and_recovers);
	tcase_add_test(all, clients_of_one_user_share_its_limit);
	tcase_add_test(all, users_share_the_machine);
	tcase_add_test(all, amounts_do_not_wrap);
	tcase_add_test(all, charge_moves_between_clients_of_a_user);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
