/* verify.h and rate.h: what a check answers in every state, what it records, and how often it may be asked. */
#include "fixture.h"

#include "api.h"
#include "clock.h"
#include "rate.h"
#include "verify.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { START = 1900000000 }; /* seconds: some day in 2030 */

#define NEEDS_SECRET "quality-management-speech-analytics"
#define NEEDS_KEY "contact-search"

static void at(int64_t seconds)
{
    cf_clock_set((START + seconds) * CF_SECOND);
}

static int64_t api_of(struct fixture *fixture, const char *slug)
{
    struct cf_api_row api;
    struct cf_txn txn;

    assert_int_equal(cf_txn_read(fixture->vault->store, &txn), CF_OK);
    assert_int_equal(cf_api_by_slug(&txn, slug, &api), CF_OK);
    cf_txn_end(&txn);
    return api.serial;
}

/* As often as one likes: the rate has tests of its own. */
static enum cf_error check(struct fixture *fixture, const char *slug, const char *text, struct cf_answer *answer)
{
    fixture->vault->config->verify_rate = 1000000;
    return cf_verify(fixture->vault, &fixture->root, api_of(fixture, slug), text, strlen(text), answer);
}

static enum cf_error result(struct fixture *fixture, const char *slug, const char *text)
{
    struct cf_answer answer;

    assert_int_equal(check(fixture, slug, text, &answer), CF_OK);
    if (answer.result == CF_EUNKNOWN) {
        assert_string_equal(answer.app, "");
        assert_int_equal(answer.version, 0);
    }
    return answer.result;
}

/* Is the answer `ok APP VERSION`? */
static void assert_ok(struct fixture *fixture, const char *slug, const char *text, const char *line)
{
    struct cf_answer answer;
    struct cf_text out = {0};

    assert_int_equal(check(fixture, slug, text, &answer), CF_OK);
    cf_answer_print(&answer, &out);
    assert_string_equal(out.data, line);
    cf_text_release(&out);
}

static void ctl(struct fixture *fixture, int64_t serial, const char *text)
{
    assert_int_equal(cf_write_ctl(fixture->vault, &fixture->root, serial, text, strlen(text)), CF_OK);
}

static void assign(struct fixture *fixture, int64_t serial, const char *slugs)
{
    assert_int_equal(cf_write_apis(fixture->vault, &fixture->root, serial, CF_REPLACE, slugs, strlen(slugs)),
                     CF_OK);
}

static void import(struct fixture *fixture, int64_t serial, enum cf_field field, const char *value)
{
    assert_int_equal(
        cf_write_field(fixture->vault, &fixture->root, serial, field, CF_REPLACE, value, strlen(value)), CF_OK);
}

/* An App with two APIs, key KEYOFBILLING0001 in all versions, and secrets `one` in version 3, `two` in 4 (the
 * current one). */
static int64_t make_app(struct fixture *fixture)
{
    const int64_t serial = fixture_app(fixture, "billing").serial;

    at(0);
    import(fixture, serial, CF_KEY, "KEYOFBILLING0001");
    import(fixture, serial, CF_SECRET, "one");
    import(fixture, serial, CF_SECRET, "two");
    assign(fixture, serial, NEEDS_SECRET " " NEEDS_KEY);
    return serial;
}

static void test_key_and_secret(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(result(fixture, NEEDS_KEY, "KEYOFBILLING0001"), CF_EUNKNOWN); /* there is no key at all */
    make_app(fixture);
    assert_ok(fixture, NEEDS_SECRET, "KEYOFBILLING0001 two", "ok billing 4\n");
    assert_ok(fixture, NEEDS_SECRET, "KEYOFBILLING0001 two\n", "ok billing 4\n");
    assert_ok(fixture, NEEDS_SECRET, "KEYOFBILLING0001\ntwo\n", "ok billing 4\n");
    assert_ok(fixture, NEEDS_SECRET, "KEYOFBILLING0001 one", "ok billing 3\n"); /* retiring */
    assert_int_equal(result(fixture, NEEDS_SECRET, "KEYOFBILLING0001 three"), CF_EUNKNOWN);
    assert_int_equal(result(fixture, NEEDS_SECRET, "KEYOFBILLING0001"), CF_EUNKNOWN);
    assert_int_equal(result(fixture, NEEDS_SECRET, "KEYOFBILLING0001 "), CF_EUNKNOWN);
    assert_int_equal(result(fixture, NEEDS_SECRET, "KEYOFBILLING0002 two"), CF_EUNKNOWN);
    assert_int_equal(result(fixture, NEEDS_SECRET, "two KEYOFBILLING0001"), CF_EUNKNOWN);
    assert_int_equal(result(fixture, NEEDS_SECRET, "two two"), CF_EUNKNOWN);
    assert_int_equal(result(fixture, NEEDS_SECRET, "KEYOFBILLING0001  two"), CF_EUNKNOWN); /* " two" */
    assert_ok(fixture, NEEDS_KEY, "KEYOFBILLING0001", "ok billing 4\n");
    assert_ok(fixture, NEEDS_KEY, "KEYOFBILLING0001\n\n", "ok billing 4\n");
    assert_ok(fixture, NEEDS_KEY, "KEYOFBILLING0001 one", "ok billing 3\n");
    assert_int_equal(result(fixture, NEEDS_KEY, "KEYOFBILLING0001 three"), CF_EUNKNOWN);
    assert_int_equal(result(fixture, "audit-records", "KEYOFBILLING0001"), CF_EFORBIDDEN);
    assert_int_equal(result(fixture, "audit-records", "KEYOFBILLING0001 three"), CF_EUNKNOWN);
}

/* Values that have blanks in them can be told in two lines. */
static void test_blanks(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = make_app(fixture);

    import(fixture, serial, CF_KEY, "a key");
    import(fixture, serial, CF_SECRET, " a secret ");
    assert_int_equal(result(fixture, NEEDS_KEY, "a key"), CF_EUNKNOWN);
    assert_ok(fixture, NEEDS_KEY, "a key\n\n", "ok billing 6\n");
    assert_ok(fixture, NEEDS_SECRET, "a key\n a secret \n", "ok billing 6\n");
    assert_ok(fixture, NEEDS_SECRET, "KEYOFBILLING0001 two", "ok billing 4\n");
    import(fixture, serial, CF_KEY, "key");
    assert_ok(fixture, NEEDS_SECRET, "key  a secret ", "ok billing 7\n");
}

static void test_states(void **state)
{
    static const char good[] = "KEYOFBILLING0001 two", old[] = "KEYOFBILLING0001 one";
    struct fixture *fixture = *state;
    const int64_t serial = make_app(fixture);

    at(59);
    assert_int_equal(result(fixture, NEEDS_SECRET, old), CF_OK);
    at(60);
    assert_int_equal(result(fixture, NEEDS_SECRET, old), CF_EEXPIRED);
    /* Who has nothing good learns nothing of APIs. */
    assert_int_equal(result(fixture, "audit-records", old), CF_EEXPIRED);
    assert_ok(fixture, NEEDS_KEY, "KEYOFBILLING0001", "ok billing 4\n");
    ctl(fixture, serial, "disable");
    assert_int_equal(result(fixture, NEEDS_SECRET, good), CF_EDISABLED);
    assert_int_equal(result(fixture, NEEDS_SECRET, old), CF_EDISABLED);
    assert_int_equal(result(fixture, "audit-records", good), CF_EDISABLED);
    assert_int_equal(result(fixture, NEEDS_SECRET, "KEYOFBILLING0001 no"), CF_EUNKNOWN);
    ctl(fixture, serial, "enable");
    ctl(fixture, serial, "expire 90d");
    at(60 + 90 * 86400 - 1);
    assert_int_equal(result(fixture, NEEDS_SECRET, good), CF_OK);
    at(60 + 90 * 86400);
    assert_int_equal(result(fixture, NEEDS_SECRET, good), CF_EEXPIRED);
    ctl(fixture, serial, "expire never");
    assert_int_equal(result(fixture, NEEDS_SECRET, good), CF_OK);
    assign(fixture, serial, NEEDS_KEY);
    assert_int_equal(result(fixture, NEEDS_SECRET, good), CF_EFORBIDDEN);
    assign(fixture, serial, NEEDS_SECRET);
    ctl(fixture, serial, "revoke 4");
    assert_int_equal(result(fixture, NEEDS_SECRET, good), CF_EREVOKED);
    assert_int_equal(result(fixture, NEEDS_SECRET, old), CF_EEXPIRED);
    ctl(fixture, serial, "disable");
    assert_int_equal(result(fixture, NEEDS_SECRET, good), CF_EREVOKED); /* enabling would not help */
}

static void test_trash(void **state)
{
    static const char good[] = "KEYOFBILLING0001 two";
    struct fixture *fixture = *state;

    make_app(fixture);
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->root, CF_IN_APPS, "billing"), CF_OK);
    assert_int_equal(result(fixture, NEEDS_SECRET, good), CF_EREVOKED);
    assert_int_equal(cf_move_app(fixture->vault, &fixture->root, CF_IN_TRASH, "billing", CF_IN_APPS, "other", NULL),
                     CF_OK);
    assert_ok(fixture, NEEDS_SECRET, good, "ok other 4\n");
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->root, CF_IN_APPS, "other"), CF_OK);
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->root, CF_IN_TRASH, "other"), CF_OK);
    assert_int_equal(result(fixture, NEEDS_SECRET, good), CF_EUNKNOWN);
}

/* One key in several versions and Apps: the one that is best off is the answer. */
static void test_shared_key(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = make_app(fixture), other = fixture_app(fixture, "another").serial;

    import(fixture, other, CF_KEY, "KEYOFBILLING0001"); /* version 2 */
    assert_ok(fixture, NEEDS_KEY, "KEYOFBILLING0001", "ok billing 4\n");
    assert_int_equal(result(fixture, "audit-records", "KEYOFBILLING0001"), CF_EFORBIDDEN);
    assign(fixture, other, "audit-records");
    assert_ok(fixture, "audit-records", "KEYOFBILLING0001", "ok another 2\n");
    ctl(fixture, serial, "revoke 4");
    assert_ok(fixture, NEEDS_KEY, "KEYOFBILLING0001", "ok billing 3\n");
    ctl(fixture, serial, "revoke 3\nrevoke 2");
    assert_int_equal(result(fixture, NEEDS_KEY, "KEYOFBILLING0001"), CF_EFORBIDDEN); /* another's */
    ctl(fixture, other, "disable");
    assert_int_equal(result(fixture, NEEDS_KEY, "KEYOFBILLING0001"), CF_EDISABLED);
    ctl(fixture, other, "revoke 2");
    assert_int_equal(result(fixture, NEEDS_KEY, "KEYOFBILLING0001"), CF_EREVOKED);
}

/* Among many keys each is found, whichever stands beside it, and none that is not there. */
static void test_many(void **state)
{
    enum { APPS = 40 };
    struct fixture *fixture = *state;
    char name[16], key[32], line[40];

    for (int i = 0; i < APPS; i++) {
        snprintf(name, sizeof name, "app%d", i);
        snprintf(key, sizeof key, "key-number-%d", i);
        const int64_t serial = fixture_app(fixture, name).serial;
        import(fixture, serial, CF_KEY, key);
        assign(fixture, serial, NEEDS_KEY);
    }
    for (int i = 0; i < 2 * APPS; i++) {
        snprintf(key, sizeof key, "key-number-%d", i);
        snprintf(line, sizeof line, "ok app%d 2\n", i);
        if (i < APPS)
            assert_ok(fixture, NEEDS_KEY, key, line);
        else
            assert_int_equal(result(fixture, NEEDS_KEY, key), CF_EUNKNOWN);
    }
}

static void test_form(void **state)
{
    /* clang-format off */
    static const char *const bad[] = {
        "", "\n", " ", " secret", "\nsecret", "key\tsecret", "key\x01", "key sec\x7fret", "key\nsecret\nmore",
        "key\n\n\n", "k\xff",
    };
    /* clang-format on */
    struct fixture *fixture = *state;
    const int64_t api = api_of(fixture, NEEDS_KEY);
    char *text = malloc(2 * CF_VALUE_MAX + 4);
    struct cf_answer answer;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (check(fixture, NEEDS_KEY, bad[i], &answer) != CF_EVALUE)
            fail_msg("bad text %zu was taken", i);
    assert_int_equal(cf_verify(fixture->vault, &fixture->root, api, "a\0b", 3, &answer), CF_EVALUE);
    assert_non_null(text);
    memset(text, 'x', 2 * CF_VALUE_MAX + 4);
    text[CF_VALUE_MAX] = ' ';
    assert_int_equal(cf_verify(fixture->vault, &fixture->root, api, text, 2 * CF_VALUE_MAX + 1, &answer), CF_OK);
    assert_int_equal(cf_verify(fixture->vault, &fixture->root, api, text, 2 * CF_VALUE_MAX + 2, &answer),
                     CF_EVALUE);
    text[CF_VALUE_MAX] = 'x';
    assert_int_equal(cf_verify(fixture->vault, &fixture->root, api, text, CF_VALUE_MAX + 1, &answer), CF_EVALUE);
    assert_int_equal(cf_verify(fixture->vault, &fixture->root, api + 1000, "key", 3, &answer), CF_ENOENT);
    free(text);
}

/* --- the record --- */

/* The audit log from the record after this one on, to be freed. */
static char *log_after(struct fixture *fixture, int64_t length)
{
    const size_t len = (size_t)(cf_audit_length(fixture->vault->audit) - length);
    char *text = calloc(1, len + 1);
    int fd = openat(cf_store_dir(fixture->vault->store), "audit.log", O_RDONLY | O_CLOEXEC);

    assert_non_null(text);
    assert_int_equal(pread(fd, text, len, length), len);
    close(fd);
    return text;
}

static void assert_recorded(struct fixture *fixture, const char *slug, const char *text, const char *const *members)
{
    const int64_t length = cf_audit_length(fixture->vault->audit);
    struct cf_answer answer;
    char *log;

    assert_int_equal(check(fixture, slug, text, &answer), CF_OK);
    log = log_after(fixture, length);
    for (; *members != NULL; members++)
        if ((strstr(log, *members + 1) != NULL) != (**members == '+'))
            fail_msg("%s: %s", *members, log);
    free(log);
}

static void test_record(void **state)
{
    struct fixture *fixture = *state;

    make_app(fixture);
    assert_recorded(fixture, NEEDS_SECRET, "KEYOFBILLING0001 two",
                    (const char *const[]){"+\"op\":\"verify\"", "+\"app\":\"billing\"", "+\"version\":4",
                                          "+\"result\":\"ok\"", ("+\"detail\":\"" NEEDS_SECRET ", key …0001\""),
                                          "-LLING0001", "-two", NULL});
    assert_recorded(fixture, "audit-records", "KEYOFBILLING0001",
                    (const char *const[]){"+\"app\":\"billing\"", "+\"result\":\"forbidden\"", "-LLING", NULL});
    /* A key that is there and one that is not look the same. */
    assert_recorded(fixture, NEEDS_SECRET, "KEYOFBILLING0001 no",
                    (const char *const[]){"+\"result\":\"unknown\"", "-\"app\"", "-\"id\"", "-\"version\"",
                                          "+…0001", "-LLING", NULL});
    assert_recorded(
        fixture, NEEDS_SECRET, "KEYOFNOBODY12345 no",
        (const char *const[]){"+\"result\":\"unknown\"", "-\"app\"", "-\"id\"", "+…2345", "-NOBODY", NULL});
    assert_recorded(fixture, NEEDS_SECRET, "short no", /* its last four would be most of it */
                    (const char *const[]){"+\"result\":\"unknown\"", "-key", "-hort", NULL});
}

/* --- tampering --- */

static void assert_tampered(struct fixture *fixture, const char *sql)
{
    struct cf_answer answer;

    fixture_sql(fixture, sql);
    assert_int_equal(check(fixture, NEEDS_SECRET, "KEYOFBILLING0001 two", &answer), CF_ETAMPER);
    /* What stands in for a key that is not there does not matter. */
    assert_int_equal(result(fixture, NEEDS_SECRET, "KEYOFNOBODY12345 no"), CF_EUNKNOWN);
}

static void test_tampered_state(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = make_app(fixture);

    ctl(fixture, serial, "revoke 4");
    assert_int_equal(result(fixture, NEEDS_SECRET, "KEYOFBILLING0001 two"), CF_EREVOKED);
    assert_tampered(fixture, "UPDATE version SET revoked = 0");
}

static void test_tampered_app(void **state)
{
    make_app(*state);
    assert_tampered(*state, "UPDATE app SET name = 'mine'");
}

static void test_tampered_assignment(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = make_app(fixture);

    assign(fixture, serial, NEEDS_KEY);
    assert_tampered(fixture, "UPDATE assignment SET slug = '" NEEDS_SECRET "'");
}

static void test_tampered_version(void **state)
{
    make_app(*state);
    assert_tampered(*state, "PRAGMA foreign_keys = OFF; DELETE FROM version WHERE number = 4");
}

/* One's own fingerprint in another's row does not make one's own credential good. */
static void test_tampered_fingerprint(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = make_app(fixture), mine = fixture_app(fixture, "mine").serial;
    struct cf_answer answer;

    import(fixture, mine, CF_KEY, "mykey");
    import(fixture, mine, CF_SECRET, "mysecret");
    assert_int_equal(result(fixture, NEEDS_SECRET, "mykey mysecret"), CF_EFORBIDDEN);
    assert_int_equal(serial + 1, mine);
    fixture_sql(fixture, "UPDATE value AS v SET fingerprint = (SELECT fingerprint FROM value AS w "
                         "WHERE w.app = v.app + 1 AND w.version = 3 AND w.field = v.field) "
                         "WHERE app = 1 AND version = 4");
    assert_int_equal(check(fixture, NEEDS_SECRET, "mykey mysecret", &answer), CF_ETAMPER);
}

/* --- the rate --- */

static void test_rate(void **state)
{
    const int64_t now = START * CF_SECOND;
    struct cf_rates *rates = cf_rates_new();
    bool is_first;

    (void)state;
    assert_non_null(rates);
    for (int i = 0; i < 3; i++)
        assert_int_equal(cf_rate_take(rates, 1, 3, now, &is_first), CF_OK);
    assert_int_equal(cf_rate_take(rates, 1, 3, now, &is_first), CF_EAGAIN);
    assert_true(is_first);
    assert_int_equal(cf_rate_take(rates, 1, 3, now + CF_SECOND / 4, &is_first), CF_EAGAIN);
    assert_false(is_first);
    assert_int_equal(cf_rate_take(rates, 2, 3, now, &is_first), CF_OK); /* another user */
    assert_int_equal(cf_rate_take(rates, 1, 3, now + CF_SECOND / 2, &is_first), CF_OK);
    assert_int_equal(cf_rate_take(rates, 1, 3, now + CF_SECOND / 2, &is_first), CF_EAGAIN);
    assert_int_equal(cf_rate_take(rates, 1, 3, now, &is_first), CF_EAGAIN); /* the clock was set back */
    for (int i = 0; i < 3; i++) /* an hour gives no more than a second */
        assert_int_equal(cf_rate_take(rates, 1, 3, now + 3600 * CF_SECOND, &is_first), CF_OK);
    assert_int_equal(cf_rate_take(rates, 1, 3, now + 3600 * CF_SECOND, &is_first), CF_EAGAIN);
    assert_true(is_first);
    cf_rates_free(rates);
}

/* Many users at once lose none of their buckets, and are forgotten when these are full again. */
static void test_rate_of_many(void **state)
{
    enum { USERS = 5000 };
    const int64_t now = START * CF_SECOND;
    struct cf_rates *rates = cf_rates_new();
    bool is_first;

    (void)state;
    assert_non_null(rates);
    for (int again = 0; again < 3; again++)
        for (uint32_t uid = 0; uid < USERS; uid++)
            assert_int_equal(cf_rate_take(rates, uid, 2, now, &is_first), again < 2 ? CF_OK : CF_EAGAIN);
    for (uint32_t uid = USERS; uid < 3 * USERS; uid++)
        assert_int_equal(cf_rate_take(rates, uid, 2, now + CF_SECOND, &is_first), CF_OK);
    assert_int_equal(cf_rate_take(rates, 1, 2, now + CF_SECOND, &is_first), CF_OK);
    cf_rates_free(rates);
}

static void test_too_often(void **state)
{
    struct fixture *fixture = *state;
    const int64_t api = api_of(fixture, NEEDS_KEY);
    struct cf_answer answer;
    int64_t records;

    at(0);
    fixture->vault->config->verify_rate = 5;
    for (int i = 0; i < 5; i++)
        assert_int_equal(cf_verify(fixture->vault, &fixture->stranger, api, "guess", 5, &answer), CF_OK);
    records = cf_audit_count(fixture->vault->audit);
    for (int i = 0; i < 50; i++)
        assert_int_equal(cf_verify(fixture->vault, &fixture->stranger, api, "guess", 5, &answer), CF_EAGAIN);
    assert_int_equal(cf_audit_count(fixture->vault->audit), records + 1);
    assert_int_equal(cf_verify(fixture->vault, &fixture->stranger, api, "", 0, &answer), CF_EAGAIN);
    assert_int_equal(cf_verify(fixture->vault, &fixture->admin, api, "guess", 5, &answer), CF_OK);
    at(1);
    assert_int_equal(cf_verify(fixture->vault, &fixture->stranger, api, "guess", 5, &answer), CF_OK);
}

/* Nanoseconds that a hundred checks of a credential take, and their answer. */
static int64_t time_of(struct fixture *fixture, const char *text, enum cf_error wanted)
{
    struct timespec start, end;

    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < 100; i++)
        assert_int_equal(result(fixture, NEEDS_SECRET, text), wanted);
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (end.tv_sec - start.tv_sec) * CF_SECOND + end.tv_nsec - start.tv_nsec;
}

/* Many Apps have one key, as a list that was imported may say: each secret is found among them without looking at all,
 * and whether there is such a key shows in no time. */
static void test_key_of_many(void **state)
{
    enum { MANY = 300 };
    struct fixture *fixture = *state;
    int64_t alone;

    for (int i = 0; i <= MANY; i++) {
        char name[16], text[64];
        int64_t serial;
        snprintf(name, sizeof name, "app%d", i);
        serial = fixture_app(fixture, name).serial;
        snprintf(text, sizeof text, "import key %s\nimport secret secret%d", i > 0 ? "of-many" : "of-one", i);
        ctl(fixture, serial, text);
        assign(fixture, serial, NEEDS_SECRET);
    }
    alone = time_of(fixture, "of-one secret0", CF_OK);
    assert_true(time_of(fixture, "of-many secret1", CF_OK) < 10 * alone);
    assert_true(time_of(fixture, "of-many secret300", CF_OK) < 10 * alone);
    assert_true(time_of(fixture, "of-many secret0", CF_EUNKNOWN) < 10 * alone);
    assert_true(time_of(fixture, "of-many no-such-secret", CF_EUNKNOWN) < 10 * alone);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_key_and_secret),
        TEST(test_blanks),
        TEST(test_states),
        TEST(test_trash),
        TEST(test_shared_key),
        TEST(test_many),
        TEST(test_form),
        TEST(test_record),
        TEST(test_tampered_state),
        TEST(test_tampered_app),
        TEST(test_tampered_assignment),
        TEST(test_tampered_version),
        TEST(test_tampered_fingerprint),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_rate_of_many),
        TEST(test_too_often),
        cmocka_unit_test_setup_teardown(test_key_of_many, fixture_setup_in_memory, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
