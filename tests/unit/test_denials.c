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

/* The records of a user, and the detail of the last of them. */
static int records(struct fixture *fixture, uint32_t uid, char last[static 128])
{
    char path[160], line[4096], who[32];
    int count = 0;
    FILE *log;

    snprintf(path, sizeof path, "%s/audit.log", fixture->store);
    snprintf(who, sizeof who, "\"uid\":%u,", uid);
    log = fopen(path, "r");
    assert_non_null(log);
    while (fgets(line, sizeof line, log) != NULL) {
        const char *detail = strstr(line, "\"detail\":\"");
        if (strstr(line, who) == NULL)
            continue;
        count++;
        snprintf(last, 128, "%.*s", detail != NULL ? (int)strcspn(detail + 10, "\"") : 0,
                 detail != NULL ? detail + 10 : "");
    }
    fclose(log);
    return count;
}

static void test_few(void **state)
{
    struct fixture *fixture = *state;
    char last[128];

    for (int second = 1; second <= 3; second++) {
        refuse(fixture, STRANGER, "billing", CF_DENIALS_MOST);
        assert_int_equal(records(fixture, STRANGER, last), second * CF_DENIALS_MOST);
        second_passes(fixture);
    }
    assert_int_equal(records(fixture, STRANGER, last), 3 * CF_DENIALS_MOST);
    assert_string_equal(last, "");
}

static void test_flood(void **state)
{
    struct fixture *fixture = *state;
    char last[128];

    refuse(fixture, STRANGER, "billing", CF_DENIALS_MOST);
    refuse(fixture, STRANGER, "mailer", 1000);
    refuse(fixture, AUDITOR, "billing", 3);
    assert_int_equal(records(fixture, STRANGER, last), CF_DENIALS_MOST);
    assert_int_equal(records(fixture, AUDITOR, last), 3);
    second_passes(fixture);
    assert_int_equal(records(fixture, STRANGER, last), CF_DENIALS_MOST + 1);
    assert_string_equal(last, "and 999 more refused within a second");
    /* It goes on: a record a second. */
    refuse(fixture, STRANGER, "billing", 100);
    second_passes(fixture);
    assert_int_equal(records(fixture, STRANGER, last), CF_DENIALS_MOST + 2);
    assert_string_equal(last, "and 99 more refused within a second");
    /* It has ended: the last are told together, and then it is as before. */
    refuse(fixture, STRANGER, "billing", 1);
    second_passes(fixture);
    assert_int_equal(records(fixture, STRANGER, last), CF_DENIALS_MOST + 3);
    assert_string_equal(last, "");
    refuse(fixture, STRANGER, "billing", 2);
    assert_int_equal(records(fixture, STRANGER, last), CF_DENIALS_MOST + 5);
    second_passes(fixture);
    assert_int_equal(records(fixture, STRANGER, last), CF_DENIALS_MOST + 5);
    assert_int_equal(fixture_findings(fixture), 0);
}

static void test_close(void **state)
{
    struct fixture *fixture = *state;
    char last[128];

    refuse(fixture, STRANGER, "billing", CF_DENIALS_MOST + 5);
    fixture_reopen(fixture);
    assert_int_equal(records(fixture, STRANGER, last), CF_DENIALS_MOST + 1);
    assert_string_equal(last, "and 4 more refused within a second");
}

/* Whoever is allowed is recorded each time. */
static void test_allowed(void **state)
{
    struct fixture *fixture = *state;
    const struct cf_caller caller = cf_caller_of(STRANGER, STRANGER, 0);
    const struct cf_event event = {.caller = &caller, .op = "reveal", .app = "billing", .file = "secret"};
    char last[128];

    refuse(fixture, STRANGER, "billing", 10 * CF_DENIALS_MOST);
    for (int i = 0; i < 3; i++)
        assert_int_equal(cf_vault_record(fixture->vault, &event), CF_OK);
    assert_int_equal(records(fixture, STRANGER, last), CF_DENIALS_MOST + 3);
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
