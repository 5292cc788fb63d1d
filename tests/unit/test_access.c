/* access.h: caller x action, with and without grants, and what is recorded. */
#include "fixture.h"

#include "access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum cf_error judge_app(struct fixture *fixture, struct cf_caller *caller, enum cf_action action,
                               int64_t serial, enum cf_field field, struct cf_verdict *verdict)
{
    struct cf_app app = fixture_again(fixture, serial);
    struct cf_txn txn;

    assert_int_equal(cf_txn_read(fixture->vault->store, &txn), CF_OK);
    cf_judge(&txn, fixture->vault->config, caller, action, &app, field, verdict);
    cf_txn_end(&txn);
    return verdict->error;
}

static bool may(struct fixture *fixture, struct cf_caller *caller, enum cf_action action, int64_t serial,
                enum cf_field field)
{
    struct cf_verdict verdict;

    return judge_app(fixture, caller, action, serial, field, &verdict) == CF_OK;
}

static void grant(struct fixture *fixture, int64_t serial, const char *text)
{
    assert_int_equal(cf_write_grants(fixture->vault, &fixture->root, serial, CF_REPLACE, text, strlen(text)),
                     CF_OK);
}

/* Every action for every kind of caller, as section 3 of the design says. */
static void test_roles(void **state)
{
    static const struct {
        enum cf_action action;
        const char *allowed; /* r root, a company-admin, m key-manager, e reveal alone, u auditor, s stranger */
    } table[] = {
        {CF_BROWSE, "rameus"},     {CF_LIST_APP, "ram"},       {CF_READ_APP, "ram"},      {CF_READ_GRANTS, "ram"},
        {CF_REVEAL, "rae"},        {CF_EDIT_APP, "ram"},       {CF_CREATE_APP, "ram"},    {CF_RENAME_APP, "ram"},
        {CF_DELETE_APP, "ram"},    {CF_RESTORE_APP, "ram"},    {CF_DESTROY_APP, "ram"},   {CF_LIST_TRASH, "ram"},
        {CF_READ_API_APPS, "ram"}, {CF_READ_ASSIGNEES, "ram"}, {CF_WRITE_ASSIGNEES, "r"}, {CF_READ_AUDIT, "ru"},
        {CF_READ_STATUS, "rameu"}, {CF_CONTROL_APP, "rame"},   {CF_ASK_REVEAL, "rae"},    {CF_READ_READERS, "ru"},
        {CF_VERIFY, "r"},
    };
    struct fixture *fixture = *state;
    struct cf_caller *callers[] = {&fixture->root,     &fixture->admin,   &fixture->manager,
                                   &fixture->revealer, &fixture->auditor, &fixture->stranger};
    const int64_t serial = fixture_app(fixture, "billing").serial;

    assert_int_equal(sizeof table / sizeof *table, CF_ACTION_COUNT);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        for (size_t j = 0; j < 6; j++) {
            bool expected = strchr(table[i].allowed, "rameus"[j]) != NULL;
            if (may(fixture, callers[j], table[i].action, serial, CF_SECRET) != expected)
                fail_msg("%s by %c", cf_action_word(table[i].action), "rameus"[j]);
        }
    }
}

static void test_supplementary_group(void **state)
{
    static const uint32_t groups[] = {77, OPERATORS};
    struct fixture *fixture = *state;
    struct cf_caller member = cf_caller_of(7007, 7007, 0), by_gid = cf_caller_of(7008, OPERATORS, 0);
    const int64_t serial = fixture_app(fixture, "billing").serial;
    struct cf_verdict verdict;

    assert_false(may(fixture, &member, CF_REVEAL, serial, CF_KEY));
    cf_caller_release(&member);
    assert_true(cf_caller_set_groups(&member, groups, 2));
    assert_int_equal(judge_app(fixture, &member, CF_REVEAL, serial, CF_KEY, &verdict), CF_OK);
    assert_string_equal(verdict.why, "role company-admin");
    assert_true(may(fixture, &by_gid, CF_REVEAL, serial, CF_KEY));
    cf_caller_release(&member);
    cf_caller_release(&by_gid);
}

static void test_grant_of_app(void **state)
{
    struct fixture *fixture = *state;
    const int64_t mine = fixture_app(fixture, "mine").serial, other = fixture_app(fixture, "other").serial;
    struct cf_caller *service = &fixture->stranger;
    struct cf_verdict verdict;

    grant(fixture, mine, "user:5005");
    assert_true(may(fixture, service, CF_LIST_APP, mine, CF_NO_FIELD));
    assert_true(may(fixture, service, CF_READ_APP, mine, CF_NO_FIELD));
    assert_int_equal(judge_app(fixture, service, CF_REVEAL, mine, CF_SECRET, &verdict), CF_OK);
    assert_string_equal(verdict.why, "grant user:5005");
    assert_false(may(fixture, service, CF_EDIT_APP, mine, CF_NO_FIELD));
    assert_false(may(fixture, service, CF_READ_GRANTS, mine, CF_NO_FIELD));
    assert_false(may(fixture, service, CF_DELETE_APP, mine, CF_NO_FIELD));
    assert_false(may(fixture, service, CF_LIST_APP, other, CF_NO_FIELD));
    assert_int_equal(judge_app(fixture, service, CF_REVEAL, other, CF_SECRET, &verdict), CF_EDENIED);
    assert_string_equal(verdict.why, "no role gives reveal, no grant covers it");
    grant(fixture, mine, "");
    assert_false(may(fixture, service, CF_REVEAL, mine, CF_SECRET));
}

static void test_grant_of_field(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    struct cf_caller *service = &fixture->stranger;

    grant(fixture, serial, "user:5000-5010 key");
    assert_true(may(fixture, service, CF_LIST_APP, serial, CF_NO_FIELD));
    assert_true(may(fixture, service, CF_REVEAL, serial, CF_KEY));
    assert_false(may(fixture, service, CF_REVEAL, serial, CF_SECRET));
    assert_false(may(fixture, service, CF_READ_APP, serial, CF_NO_FIELD));
    grant(fixture, serial, "group:5005 secret");
    assert_true(may(fixture, service, CF_REVEAL, serial, CF_SECRET));
    assert_false(may(fixture, service, CF_REVEAL, serial, CF_KEY));
}

static void test_state(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    struct cf_verdict verdict;

    assert_int_equal(cf_write_ctl(fixture->vault, &fixture->root, serial, "disable", 7), CF_OK);
    assert_int_equal(judge_app(fixture, &fixture->admin, CF_REVEAL, serial, CF_KEY, &verdict), CF_EREVOKED);
    assert_int_equal(judge_app(fixture, &fixture->stranger, CF_REVEAL, serial, CF_KEY, &verdict), CF_EDENIED);
    assert_true(may(fixture, &fixture->admin, CF_READ_APP, serial, CF_NO_FIELD));
    assert_int_equal(cf_write_ctl(fixture->vault, &fixture->root, serial, "enable", 6), CF_OK);
    grant(fixture, serial, "user:5005");
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->root, CF_IN_APPS, "billing"), CF_OK);
    assert_int_equal(judge_app(fixture, &fixture->admin, CF_REVEAL, serial, CF_KEY, &verdict), CF_EREVOKED);
    assert_false(may(fixture, &fixture->stranger, CF_LIST_APP, serial, CF_NO_FIELD));
}

static void test_recorded(void **state)
{
    struct fixture *fixture = *state;
    const struct cf_app app = fixture_app(fixture, "billing");
    int64_t version = 0;
    struct cf_txn txn;

    assert_int_equal(cf_vault_reveal(fixture->vault, &fixture->admin, app.serial, CF_KEY, &version), CF_OK);
    assert_int_equal(version, 1);
    version = 0;
    assert_int_equal(
        fixture_records(fixture, "\"uid\":5001,\"gid\":5001,\"op\":\"reveal\",\"app\":\"billing\"", ""), 1);
    assert_int_equal(cf_vault_reveal(fixture->vault, &fixture->stranger, app.serial, CF_SECRET, &version),
                     CF_EDENIED);
    assert_int_equal(fixture_records(fixture, "\"file\":\"secret\",\"version\":1,\"result\":\"denied\"", ""), 1);
    assert_int_equal(cf_txn_read(fixture->vault->store, &txn), CF_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            cf_vault_permit(fixture->vault, &txn, &fixture->stranger, CF_LIST_APP, &app, CF_NO_FIELD, NULL),
            CF_EDENIED);
    assert_int_equal(cf_vault_permit(fixture->vault, &txn, &fixture->admin, CF_LIST_APP, &app, CF_NO_FIELD, NULL),
                     CF_OK);
    cf_txn_end(&txn);
    assert_int_equal(fixture_records(fixture, "\"op\":\"list\"", ""), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_roles),        TEST(test_supplementary_group),
        TEST(test_grant_of_app), TEST(test_grant_of_field),
        TEST(test_state),        TEST(test_recorded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
