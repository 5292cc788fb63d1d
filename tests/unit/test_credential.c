/* credential.h: versions, their deadlines, and what is kept of them. */
#include "fixture.h"

#include "credential.h"

#include <stdio.h>
#include <string.h>

enum { START = 1900000000 }; /* seconds: some day in 2030 */

static enum cf_error ctl(struct fixture *fixture, int64_t serial, const char *text)
{
    return cf_write_ctl(fixture->vault, &fixture->root, serial, text, strlen(text));
}

static void rotate(struct fixture *fixture, int64_t serial)
{
    assert_int_equal(ctl(fixture, serial, "rotate\n"), CF_OK);
}

/* Read a version: first the way an open does, then a read of it. */
static enum cf_error read_version(struct fixture *fixture, int64_t serial, int64_t version)
{
    struct cf_secret *value = NULL;
    enum cf_error opened = cf_vault_reveal(fixture->vault, &fixture->root, serial, CF_SECRET, &version);
    enum cf_error error = cf_vault_value(fixture->vault, serial, version, CF_SECRET, &value);

    cf_secret_free(value);
    if (opened != CF_ENOENT)
        assert_int_equal(opened, error);
    return error;
}

static void at(int64_t seconds)
{
    cf_clock_set((START + seconds) * CF_SECOND);
}

static void test_overlap(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;

    at(0);
    rotate(fixture, serial); /* the usual minute */
    assert_int_equal(read_version(fixture, serial, 2), CF_OK);
    at(59);
    assert_int_equal(read_version(fixture, serial, 1), CF_OK);
    at(60);
    assert_int_equal(read_version(fixture, serial, 1), CF_EEXPIRED);
    assert_int_equal(read_version(fixture, serial, 2), CF_OK);
    assert_int_equal(read_version(fixture, serial, 3), CF_EEXPIRED); /* there is none */
    assert_int_equal(ctl(fixture, serial, "rotate 24h"), CF_OK);
    at(60 + 86399);
    assert_int_equal(read_version(fixture, serial, 2), CF_OK);
    assert_int_equal(ctl(fixture, serial, "rotate 0"), CF_OK);
    assert_int_equal(read_version(fixture, serial, 3), CF_EEXPIRED);
    assert_int_equal(read_version(fixture, serial, 2), CF_OK); /* keeps the deadline that it was given */
    at(60 + 86400);
    assert_int_equal(read_version(fixture, serial, 2), CF_EEXPIRED);
    assert_int_equal(read_version(fixture, serial, 4), CF_OK);
}

static void test_revoke(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;

    assert_int_equal(ctl(fixture, serial, "rotate 24h"), CF_OK);
    assert_int_equal(ctl(fixture, serial, "revoke 1"), CF_OK);
    assert_int_equal(read_version(fixture, serial, 1), CF_EREVOKED);
    assert_int_equal(read_version(fixture, serial, 2), CF_OK);
    assert_int_equal(ctl(fixture, serial, "revoke 2"), CF_OK);
    assert_int_equal(read_version(fixture, serial, 2), CF_EREVOKED);
    assert_int_equal(ctl(fixture, serial, "rollback 1"), CF_EREVOKED);
    assert_int_equal(ctl(fixture, serial, "revoke 7"), CF_ECOMMAND);
    assert_int_equal(ctl(fixture, serial, "revoke"), CF_ECOMMAND);
    assert_int_equal(ctl(fixture, serial, "revoke 1x"), CF_ECOMMAND);
    assert_int_equal(ctl(fixture, serial, "enable"), CF_OK);
    assert_int_equal(read_version(fixture, serial, 2), CF_EREVOKED); /* for good */
    assert_int_equal(ctl(fixture, serial, "rotate"), CF_OK);
    assert_int_equal(read_version(fixture, serial, 3), CF_OK);
    assert_int_equal(fixture_findings(fixture), 0);
}

static enum cf_error import(struct fixture *fixture, int64_t serial, enum cf_field field, const char *value)
{
    return cf_write_field(fixture->vault, &fixture->root, serial, field, CF_REPLACE, value, strlen(value));
}

static enum cf_error reveal(struct fixture *fixture, int64_t serial, enum cf_field field)
{
    int64_t current = 0;

    return cf_vault_reveal(fixture->vault, &fixture->root, serial, field, &current);
}

/* What is written into another field brings no revoked key and secret back. */
static void test_write_on_revoked(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;

    assert_int_equal(ctl(fixture, serial, "revoke 1"), CF_OK);
    assert_int_equal(import(fixture, serial, CF_TOKEN, "new-token"), CF_OK);
    assert_int_equal(reveal(fixture, serial, CF_TOKEN), CF_OK);
    assert_int_equal(reveal(fixture, serial, CF_KEY), CF_ENOKEY);
    assert_int_equal(reveal(fixture, serial, CF_SECRET), CF_ENOKEY);
    assert_int_equal(import(fixture, serial, CF_SECRET, "another secret"), CF_OK);
    assert_int_equal(reveal(fixture, serial, CF_KEY), CF_ENOKEY);
    assert_int_equal(ctl(fixture, serial, "revoke 3\nrotate"), CF_OK);
    assert_true(fixture_has_value(fixture, serial, CF_TOKEN, "new-token", 9)); /* no part of a pair */
    assert_int_equal(reveal(fixture, serial, CF_KEY), CF_OK);
    assert_int_equal(fixture_findings(fixture), 0);
}

/* Of a version that is nothing but a token, the token is what was revoked. */
static void test_write_on_revoked_token(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;

    assert_int_equal(ctl(fixture, serial, "revoke 1"), CF_OK);
    assert_int_equal(import(fixture, serial, CF_TOKEN, "new-token"), CF_OK);
    assert_int_equal(ctl(fixture, serial, "revoke 2"), CF_OK);
    assert_int_equal(import(fixture, serial, CF_USERNAME, "somebody"), CF_OK);
    assert_int_equal(reveal(fixture, serial, CF_USERNAME), CF_OK);
    assert_int_equal(reveal(fixture, serial, CF_TOKEN), CF_ENOKEY);
}

static void assert_since(struct fixture *fixture, int64_t serial, int64_t number, int64_t seconds)
{
    const struct cf_app app = fixture_again(fixture, serial);
    struct cf_version version;
    struct cf_txn txn;
    int64_t since = -1;

    assert_int_equal(cf_txn_read(fixture->vault->store, &txn), CF_OK);
    assert_int_equal(cf_version_get(&txn, &app, number, &version), CF_OK);
    assert_int_equal(cf_version_since(&txn, &app, &version, cf_now(), &since), CF_OK);
    cf_txn_end(&txn);
    assert_int_equal(since, seconds < 0 ? 0 : (START + seconds) * CF_SECOND);
}

/* Since when a version is in its state. */
static void test_since(void **state)
{
    struct fixture *fixture = *state;
    int64_t serial;

    at(0);
    serial = fixture_app(fixture, "billing").serial;
    at(10);
    assert_since(fixture, serial, 1, 0); /* current */
    assert_int_equal(ctl(fixture, serial, "rotate 24h"), CF_OK);
    at(20);
    assert_since(fixture, serial, 1, 10); /* retiring */
    assert_since(fixture, serial, 2, 10);
    assert_int_equal(ctl(fixture, serial, "revoke 1"), CF_OK);
    assert_int_equal(ctl(fixture, serial, "revoke 2"), CF_OK);
    at(30);
    assert_since(fixture, serial, 1, 20); /* revoked, a retiring one and the current one */
    assert_since(fixture, serial, 2, 20);
    assert_int_equal(ctl(fixture, serial, "rotate 0\nrotate 24h\nrotate 5s"), CF_OK);
    at(40);
    assert_since(fixture, serial, 2, 20);
    assert_since(fixture, serial, 3, 30);
    assert_since(fixture, serial, 4, 35); /* retired */
    assert_int_equal(ctl(fixture, serial, "revoke 4"), CF_OK);
    assert_since(fixture, serial, 4, 35); /* it was no longer good before */
    for (int i = 0; i < CF_VERSIONS_KEPT; i++)
        assert_int_equal(ctl(fixture, serial, "rotate 0"), CF_OK);
    assert_since(fixture, serial, 3, -1); /* still retiring; 4 is forgotten */
    assert_int_equal(fixture_findings(fixture), 0);
}

/* Who keeps a configuration as it should be writes the same value again and again. */
static void test_same_value(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    int64_t generation;

    at(0);
    assert_int_equal(import(fixture, serial, CF_SECRET, "the same"), CF_OK);
    generation = fixture_again(fixture, serial).generation;
    for (int i = 0; i < 20; i++)
        assert_int_equal(import(fixture, serial, CF_SECRET, "the same"), CF_OK);
    assert_int_equal(fixture_again(fixture, serial).version, 2);
    assert_int_equal(fixture_again(fixture, serial).generation, generation);
    assert_int_equal(read_version(fixture, serial, 1), CF_OK);
    assert_int_equal(import(fixture, serial, CF_PASSWORD, "the same"), CF_OK); /* another field */
    assert_int_equal(fixture_again(fixture, serial).version, 3);
    assert_int_equal(ctl(fixture, serial, "revoke 3"), CF_OK);
    assert_int_equal(import(fixture, serial, CF_SECRET, "the same"), CF_EREVOKED);
}

/* What was revoked is so wherever it stands: in copies that were made before, and in what is written afterwards. */
static void test_revoked_elsewhere(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;

    assert_int_equal(import(fixture, serial, CF_SECRET, "leaked"), CF_OK);
    assert_int_equal(import(fixture, serial, CF_TOKEN, "token"), CF_OK);
    assert_int_equal(ctl(fixture, serial, "rotate 24h\nrollback 2\nrotate 24h"), CF_OK);
    assert_int_equal(ctl(fixture, serial, "revoke 2"), CF_OK);
    for (int64_t version = 2; version <= 5; version++)
        assert_int_equal(read_version(fixture, serial, version), version == 4 ? CF_OK : CF_EREVOKED);
    assert_int_equal(read_version(fixture, serial, 6), CF_OK);
    assert_int_equal(import(fixture, serial, CF_SECRET, "leaked"), CF_EREVOKED);
    assert_int_equal(ctl(fixture, serial, "rollback 3"), CF_EREVOKED);
    assert_int_equal(import(fixture, serial, CF_KEY, "leaked"), CF_OK);  /* it was no key */
    assert_int_equal(import(fixture, serial, CF_TOKEN, "token"), CF_OK); /* there was a secret: that counts */
    assert_int_equal(read_version(fixture, serial, 7), CF_OK);
    assert_int_equal(fixture_findings(fixture), 0);
}

/* Where there is no secret the key is what counts, and so on. */
static void test_revoked_key(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;

    assert_int_equal(ctl(fixture, serial, "revoke 1"), CF_OK);
    assert_int_equal(import(fixture, serial, CF_KEY, "only-key"), CF_OK);
    assert_int_equal(import(fixture, serial, CF_SECRET, "its secret"), CF_OK);
    assert_int_equal(ctl(fixture, serial, "revoke 2"), CF_OK); /* so that 3, with the same key, is no longer good */
    assert_int_equal(read_version(fixture, serial, 3), CF_EREVOKED);
    assert_int_equal(import(fixture, serial, CF_KEY, "only-key"), CF_EREVOKED);
    assert_int_equal(import(fixture, serial, CF_SECRET, "its secret"), CF_EREVOKED);
    assert_int_equal(import(fixture, serial, CF_TOKEN, "only-token"), CF_OK);
    assert_int_equal(ctl(fixture, serial, "revoke 4"), CF_OK);
    assert_int_equal(import(fixture, serial, CF_TOKEN, "only-token"), CF_EREVOKED);
}

static void test_rollback(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    struct cf_secret *first = fixture_value(fixture, serial, CF_SECRET);

    assert_int_equal(ctl(fixture, serial, "rotate 0"), CF_OK);
    assert_false(
        fixture_has_value(fixture, serial, CF_SECRET, (const char *)cf_secret_peek(first), cf_secret_len(first)));
    assert_int_equal(cf_write_ctl(fixture->vault, &fixture->manager, serial, "rollback 1", 10), CF_OK);
    assert_int_equal(fixture_again(fixture, serial).version, 3);
    assert_true(
        fixture_has_value(fixture, serial, CF_SECRET, (const char *)cf_secret_peek(first), cf_secret_len(first)));
    cf_secret_free(first);
    assert_int_equal(read_version(fixture, serial, 1), CF_EEXPIRED);
    assert_int_equal(fixture_findings(fixture), 0);
}

static void test_expiry(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;

    at(0);
    assert_int_equal(ctl(fixture, serial, "expire 90d"), CF_OK);
    at(90 * 86400 - 1);
    assert_int_equal(read_version(fixture, serial, 1), CF_OK);
    assert_int_equal(ctl(fixture, serial, "rotate 0"), CF_OK); /* lengthens nothing */
    at(90 * 86400);
    assert_int_equal(read_version(fixture, serial, 2), CF_EEXPIRED);
    assert_int_equal(ctl(fixture, serial, "expire 2000-01-01T00:00:00Z"), CF_OK);
    assert_int_equal(read_version(fixture, serial, 2), CF_EEXPIRED);
    assert_int_equal(ctl(fixture, serial, "expire soon"), CF_ECOMMAND);
    assert_int_equal(ctl(fixture, serial, "expire"), CF_ECOMMAND);
    assert_int_equal(ctl(fixture, serial, "expire never"), CF_OK);
    assert_int_equal(read_version(fixture, serial, 2), CF_OK);
    assert_int_equal(ctl(fixture, serial, "disable"), CF_OK);
    assert_int_equal(ctl(fixture, serial, "expire 0"), CF_OK);
    assert_int_equal(read_version(fixture, serial, 2), CF_EREVOKED); /* disabled comes first */
}

/* Is this in the last record of the log? */
static void assert_recorded(struct fixture *fixture, const char *text)
{
    char path[160], line[2048], last[2048] = "";
    FILE *log;

    snprintf(path, sizeof path, "%s/audit.log", fixture->store);
    log = fopen(path, "r");
    assert_non_null(log);
    while (fgets(line, sizeof line, log) != NULL)
        memcpy(last, line, strlen(line) + 1);
    fclose(log);
    assert_non_null(strstr(last, text));
}

/* Who may not reveal is told so, whatever there is; a refusal says why, not who might have. */
static void test_earlier_judged(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    int64_t first = 1, none = 7;

    assert_int_equal(cf_vault_reveal(fixture->vault, &fixture->stranger, serial, CF_KEY, &none), CF_EDENIED);
    assert_recorded(fixture, "\"version\":7,\"result\":\"denied\"");
    assert_int_equal(cf_vault_reveal(fixture->vault, &fixture->root, serial, CF_KEY, &none), CF_ENOENT);
    assert_recorded(fixture, "\"result\":\"absent\",\"why\":\"there is no such thing\"");
    assert_int_equal(ctl(fixture, serial, "rotate 0"), CF_OK);
    assert_int_equal(cf_vault_reveal(fixture->vault, &fixture->root, serial, CF_KEY, &first), CF_EEXPIRED);
    assert_recorded(fixture, "\"result\":\"expired\",\"why\":\"the credential has expired\"");
}

/* No more than five are live: the oldest retiring one goes first, never the one that was just issued. */
static void test_live(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;

    for (int i = 0; i < 5; i++)
        assert_int_equal(ctl(fixture, serial, "rotate 24h"), CF_OK);
    assert_int_equal(read_version(fixture, serial, 1), CF_EEXPIRED);
    for (int64_t version = 2; version <= 6; version++)
        assert_int_equal(read_version(fixture, serial, version), CF_OK);
}

static void test_kept(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    struct cf_version versions[CF_VERSIONS_MOST];
    struct cf_app app;
    struct cf_txn txn;
    size_t count;

    for (int i = 0; i < 14; i++)
        rotate(fixture, serial);
    app = fixture_again(fixture, serial);
    assert_int_equal(app.version, 15);
    assert_int_equal(cf_txn_read(fixture->vault->store, &txn), CF_OK);
    assert_int_equal(cf_version_list(&txn, &app, versions, &count), CF_OK);
    cf_txn_end(&txn);
    assert_int_equal(count, CF_VERSIONS_KEPT);
    assert_int_equal(versions[0].number, 15);
    assert_int_equal(versions[count - 1].number, 6);
    assert_int_equal(read_version(fixture, serial, 5), CF_EEXPIRED);
    assert_int_equal(fixture_findings(fixture), 0);
}

static void test_value_stat(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    struct cf_value value, second;
    struct cf_app app;
    struct cf_txn txn;

    assert_int_equal(
        cf_write_field(fixture->vault, &fixture->root, serial, CF_KEY, CF_REPLACE, "eght_0123456789wxyz", 19),
        CF_OK);
    assert_int_equal(cf_write_field(fixture->vault, &fixture->root, serial, CF_SECRET, CF_REPLACE, "short", 5),
                     CF_OK);
    app = fixture_again(fixture, serial);
    assert_int_equal(cf_txn_read(fixture->vault->store, &txn), CF_OK);
    assert_int_equal(cf_value_stat(&txn, &app, app.version, CF_KEY, &value), CF_OK);
    assert_int_equal(value.len, 19);
    assert_string_equal(value.last4, "wxyz");
    assert_int_equal(cf_value_stat(&txn, &app, app.version, CF_SECRET, &second), CF_OK);
    assert_int_equal(second.len, 5);
    assert_string_equal(second.last4, "");
    assert_memory_not_equal(value.fingerprint, second.fingerprint, CF_FINGERPRINT_SIZE);
    assert_int_equal(cf_value_stat(&txn, &app, app.version, CF_TOKEN, &value), CF_ENOKEY);
    cf_txn_end(&txn);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_overlap),
                                       TEST(test_revoke),
                                       TEST(test_write_on_revoked),
                                       TEST(test_write_on_revoked_token),
                                       TEST(test_since),
                                       TEST(test_same_value),
                                       TEST(test_revoked_elsewhere),
                                       TEST(test_revoked_key),
                                       TEST(test_rollback),
                                       TEST(test_expiry),
                                       TEST(test_live),
                                       TEST(test_earlier_judged),
                                       TEST(test_kept),
                                       TEST(test_value_stat)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
