/* What somebody who can write the database file and lacks the master key can do: be noticed. */
#include "fixture.h"

#include "api.h"
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two Apps with everything, number 1 and 2. */
static void fill(struct fixture *fixture)
{
    static const char *const names[] = {"billing", "support"};

    for (int i = 0; i < 2; i++) {
        int64_t serial = fixture_app(fixture, names[i]).serial;
        assert_int_equal(
            cf_write_apis(fixture->vault, &fixture->root, serial, CF_REPLACE, "audit-records contact-search", 28),
            CF_OK);
        assert_int_equal(cf_write_grants(fixture->vault, &fixture->root, serial, CF_REPLACE, "user:7007", 9),
                         CF_OK);
        assert_int_equal(cf_write_ctl(fixture->vault, &fixture->root, serial, "rotate", 6), CF_OK);
    }
    assert_int_equal(
        cf_write_assignees(fixture->vault, &fixture->root, "cloud-storage-service", CF_REPLACE, "user:7007", 9),
        CF_OK);
    assert_int_equal(fixture_findings(fixture), 0);
}

struct found {
    const char *part;
    bool is_found;
};

static void look(void *arg, const char *what)
{
    struct found *found = arg;

    found->is_found = found->is_found || strstr(what, found->part) != NULL;
}

/* Does a check name the part? */
static void assert_named(struct fixture *fixture, const char *part)
{
    struct found found = {.part = part};
    struct cf_checked checked;

    assert_int_equal(cf_check(fixture->vault, look, &found, &checked), CF_OK);
    assert_true(checked.findings > 0);
    if (!found.is_found)
        fail_msg("no finding names '%s'", part);
}

static enum cf_error reveal(struct fixture *fixture, struct cf_caller *caller, int64_t serial)
{
    struct cf_secret *value = NULL;
    int64_t version = 0;
    enum cf_error error = cf_vault_reveal(fixture->vault, caller, serial, CF_SECRET, &version);

    if (error == CF_OK)
        error = cf_vault_value(fixture->vault, serial, version, CF_SECRET, &value);
    cf_secret_free(value);
    return error;
}

static void test_value_moved(void **state)
{
    struct fixture *fixture = *state;

    fill(fixture);
    fixture_sql(fixture, "UPDATE value SET sealed = (SELECT sealed FROM value WHERE app = 2 AND version = 2 AND "
                         "field = 'secret') WHERE app = 1 AND version = 2 AND field = 'secret'");
    assert_int_equal(reveal(fixture, &fixture->admin, 1), CF_ETAMPER);
    assert_int_equal(reveal(fixture, &fixture->admin, 2), CF_OK);
    assert_named(fixture, "App billing (number 1): secret of version 2");
}

/* Not only the sealed bytes: the whole row, with its own MAC, in another place. */
static void test_value_row_moved(void **state)
{
    struct fixture *fixture = *state;

    fill(fixture);
    fixture_sql(fixture,
                "CREATE TEMP TABLE t AS SELECT * FROM value WHERE app = 1 AND version = 1 AND field = "
                "'secret'; DELETE FROM value WHERE app = 1 AND version = 2 AND field = 'secret'; INSERT INTO "
                "value SELECT app, 2, field, sealed, fingerprint, last4, mac FROM t");
    assert_int_equal(reveal(fixture, &fixture->admin, 1), CF_ETAMPER);
    assert_named(fixture, "secret of version 2");
}

static void test_every_byte(void **state)
{
    struct fixture *fixture = *state;
    char sql[512];

    fill(fixture);
    fixture_sql(fixture, "CREATE TABLE kept AS SELECT sealed FROM value WHERE app = 1 AND version = 2 AND field = "
                         "'secret'");
    for (int byte = 1; byte <= 47 + CF_SEAL_OVERHEAD; byte++) {
        snprintf(
            sql, sizeof sql,
            "UPDATE value SET sealed = (SELECT CAST(substr(sealed, 1, %d) || CASE substr(sealed, %d, 1) WHEN "
            "x'00' THEN x'01' ELSE x'00' END || substr(sealed, %d) AS BLOB) FROM kept) WHERE app = 1 AND version "
            "= 2 AND field = 'secret'",
            byte - 1, byte, byte + 1);
        fixture_sql(fixture, sql);
        assert_int_equal(reveal(fixture, &fixture->admin, 1), CF_ETAMPER);
    }
    fixture_sql(fixture,
                "UPDATE value SET sealed = (SELECT sealed FROM kept) WHERE app = 1 AND version = 2 AND field "
                "= 'secret'");
    assert_int_equal(reveal(fixture, &fixture->admin, 1), CF_OK);
}

static void test_value_dropped(void **state)
{
    struct fixture *fixture = *state;

    fill(fixture);
    fixture_sql(fixture, "DELETE FROM value WHERE app = 1 AND version = 2 AND field = 'secret'");
    assert_int_equal(reveal(fixture, &fixture->admin, 1), CF_ETAMPER);
    fixture_sql(fixture, "DELETE FROM version WHERE app = 2 AND number = 2");
    assert_int_equal(reveal(fixture, &fixture->admin, 2), CF_ETAMPER);
    assert_named(fixture, "App support (number 2)");
}

static void test_grant_inserted(void **state)
{
    struct fixture *fixture = *state;

    fill(fixture);
    assert_int_equal(reveal(fixture, &fixture->stranger, 1), CF_EDENIED);
    fixture_sql(fixture, "INSERT INTO entitlement VALUES (0, 1, 0, 5005, 5005, '', 1, 0, randomblob(32))");
    assert_int_equal(reveal(fixture, &fixture->stranger, 1), CF_ETAMPER);
    assert_named(fixture, "App billing (number 1): grants");
    assert_int_equal(reveal(fixture, &fixture->stranger, 2), CF_EDENIED);
}

static void test_grant_widened_or_copied(void **state)
{
    struct fixture *fixture = *state;

    fill(fixture);
    fixture_sql(fixture, "UPDATE entitlement SET low = 0 WHERE scope = 0 AND owner = 1");
    assert_int_equal(reveal(fixture, &fixture->stranger, 1), CF_ETAMPER);
    /* A row that verified once, put back after it was taken away in the proper way. */
    fixture_sql(fixture, "CREATE TABLE kept AS SELECT * FROM entitlement WHERE scope = 0 AND owner = 2");
    assert_int_equal(cf_write_grants(fixture->vault, &fixture->root, 2, CF_REPLACE, "", 0), CF_OK);
    fixture_sql(fixture, "INSERT INTO entitlement SELECT * FROM kept; DROP TABLE kept");
    fixture->stranger.uid = 7007;
    assert_int_equal(reveal(fixture, &fixture->stranger, 2), CF_ETAMPER);
    assert_named(fixture, "App support (number 2): grants");
}

static void test_api_rows(void **state)
{
    struct fixture *fixture = *state;

    fill(fixture);
    fixture_sql(fixture, "INSERT INTO assignment VALUES (1, 'cloud-storage-service', 1, 0, randomblob(32))");
    assert_int_equal(cf_write_apis(fixture->vault, &fixture->root, 1, CF_ADD, "work-analytics", 14), CF_ETAMPER);
    assert_named(fixture, "App billing (number 1): apis");
    fixture_sql(fixture, "DELETE FROM assignment WHERE app = 2 AND slug = 'audit-records'");
    assert_named(fixture, "App support (number 2): apis");
}

static void test_assignee_inserted(void **state)
{
    struct fixture *fixture = *state;

    fill(fixture);
    fixture_sql(fixture,
                "INSERT INTO entitlement SELECT 1, owner, kind, 5001, 5001, field, since, by_user, mac FROM "
                "entitlement WHERE scope = 1");
    assert_int_equal(cf_write_apis(fixture->vault, &fixture->admin, 1, CF_ADD, "cloud-storage-service", 21),
                     CF_ETAMPER);
    assert_named(fixture, "API cloud-storage-service");
}

static void test_app_row(void **state)
{
    static const char *const changes[] = {"disabled = 1",          "version = 1",
                                          "name = 'paid'",         "place = 1",
                                          "grants_sum = apis_sum", "mac = randomblob(32)",
                                          "id = randomblob(16)",   "generation = 1",
                                          "created_by = 5005",     "mac = x''"};
    struct fixture *fixture = *state;
    char sql[256];

    fill(fixture);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        fixture_sql(fixture, "CREATE TABLE kept AS SELECT * FROM app WHERE serial = 1");
        snprintf(sql, sizeof sql, "UPDATE app SET %s WHERE serial = 1", changes[i]);
        fixture_sql(fixture, sql);
        assert_int_equal(reveal(fixture, &fixture->root, 1), CF_ETAMPER);
        assert_named(fixture, "App number 1");
        fixture_sql(fixture,
                    "UPDATE app SET (id, place, name, disabled, version, generation, created_by, grants_sum, "
                    "mac) = (SELECT id, place, name, disabled, version, generation, created_by, grants_sum, "
                    "mac FROM kept) WHERE serial = 1; DROP TABLE kept");
        assert_int_equal(reveal(fixture, &fixture->root, 1), CF_OK);
    }
    assert_int_equal(fixture_findings(fixture), 0);
}

static void test_strays(void **state)
{
    struct fixture *fixture = *state;

    fill(fixture);
    fixture_sql(fixture, "INSERT INTO entitlement VALUES (0, 99, 0, 5005, 5005, '', 1, 0, randomblob(32))");
    assert_named(fixture, "grants of no App or API");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_value_moved),   TEST(test_value_row_moved),   TEST(test_every_byte),
        TEST(test_value_dropped), TEST(test_grant_inserted),    TEST(test_grant_widened_or_copied),
        TEST(test_api_rows),      TEST(test_assignee_inserted), TEST(test_app_row),
        TEST(test_strays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
