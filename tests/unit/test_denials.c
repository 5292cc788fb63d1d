/* denials.h: a flood of refusals is recorded, its record is none, and nobody else's is lost. */
#include "fixture.h"

#include "chores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void refuse(struct fixture *fixture, uint32_t uid, const char *app, int times)
{
    const struct cf_caller caller = cf_caller_of(uid, uid, 0);
    const struct cf_event event = {
        .caller = &caller, .op = "reveal", .app = app, .file = "secret", .result = CF_EDENIED};

    for (int i = 0; i < times; i++)
        assert_int_equal(cf_vault_record(fixture->vault, &event), CF_OK);
}

static void second_passes(struct fixture *fixture)
{
    assert_int_equal(cf_chores_round(fixture->vault, NULL, NULL), CF_OK);
}

static int records(struct fixture *fixture, uint32_t uid)
{
    char who[32];

    snprintf(who, sizeof who, "\"uid\":%u,", uid);
    return fixture_records(fixture, who, "");
}

/* Of the stranger: how many records say that there were more; and how many that there were so many. */
static int tellings(struct fixture *fixture)
{
    return fixture_records(fixture, "\"uid\":5005,", "more refused within a second");
}

static int told(struct fixture *fixture, int more)
{
    char detail[80];

    snprintf(detail, sizeof detail, "\"detail\":\"and %d more refused within a second\"", more);
    return fixture_records(fixture, "\"uid\":5005,", detail);
}

static void test_few(void **state)
{
    struct fixture *fixture = *state;

    for (int second = 1; second <= 3; second++) {
        refuse(fixture, STRANGER, "billing", CF_DENIALS_MOST);
        assert_int_equal(records(fixture, STRANGER), second * CF_DENIALS_MOST);
        second_passes(fixture);
    }
    assert_int_equal(records(fixture, STRANGER), 3 * CF_DENIALS_MOST);
    assert_int_equal(tellings(fixture), 0);
}

static void test_flood(void **state)
{
    struct fixture *fixture = *state;

    refuse(fixture, STRANGER, "billing", CF_DENIALS_MOST);
    refuse(fixture, STRANGER, "mailer", 1000);
    refuse(fixture, AUDITOR, "billing", 3);
    assert_int_equal(records(fixture, STRANGER), CF_DENIALS_MOST);
    assert_int_equal(records(fixture, AUDITOR), 3);
    second_passes(fixture);
    assert_int_equal(records(fixture, STRANGER), CF_DENIALS_MOST + 1);
    assert_int_equal(told(fixture, 999), 1);
    /* It goes on: a record a second. */
    refuse(fixture, STRANGER, "billing", 100);
    second_passes(fixture);
    assert_int_equal(records(fixture, STRANGER), CF_DENIALS_MOST + 2);
    assert_int_equal(told(fixture, 99), 1);
    /* It has ended: the last are told together, and then it is as before. */
    refuse(fixture, STRANGER, "billing", 1);
    second_passes(fixture);
    assert_int_equal(records(fixture, STRANGER), CF_DENIALS_MOST + 3);
    assert_int_equal(tellings(fixture), 2);
    refuse(fixture, STRANGER, "billing", 2);
    assert_int_equal(records(fixture, STRANGER), CF_DENIALS_MOST + 5);
    second_passes(fixture);
    assert_int_equal(records(fixture, STRANGER), CF_DENIALS_MOST + 5);
    assert_int_equal(fixture_findings(fixture), 0);
}

static void test_close(void **state)
{
    struct fixture *fixture = *state;

    refuse(fixture, STRANGER, "billing", CF_DENIALS_MOST + 5);
    fixture_reopen(fixture);
    assert_int_equal(records(fixture, STRANGER), CF_DENIALS_MOST + 1);
    assert_int_equal(told(fixture, 4), 1);
}

/* Whoever is allowed is recorded each time. */
static void test_allowed(void **state)
{
    struct fixture *fixture = *state;
    const struct cf_caller caller = cf_caller_of(STRANGER, STRANGER, 0);
    const struct cf_event event = {.caller = &caller, .op = "reveal", .app = "billing", .file = "secret"};

    refuse(fixture, STRANGER, "billing", 10 * CF_DENIALS_MOST);
    for (int i = 0; i < 3; i++)
        assert_int_equal(cf_vault_record(fixture->vault, &event), CF_OK);
    assert_int_equal(records(fixture, STRANGER), CF_DENIALS_MOST + 3);
}

#define WITH_VAULT(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_VAULT(test_few),
        WITH_VAULT(test_flood),
        WITH_VAULT(test_close),
        WITH_VAULT(test_allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
