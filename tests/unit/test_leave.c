/* leave.h, and what cf_judge makes of it where the policy is reveal = on-request. */
#include "fixture.h"

#include "chores.h"
#include "leave.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define START (INT64_C(1800000000) * CF_SECOND)

/* Each in a session of its own, so that a caller has one that others are not in. */
static pid_t here, elsewhere;

static bool leave(void)
{
    return setsid() > 0;
}

static int start_sessions(void **state)
{
    (void)state;
    here = fixture_child(leave);
    elsewhere = fixture_child(leave);
    return 0;
}

static int end_sessions(void **state)
{
    (void)state;
    fixture_child_end(here);
    fixture_child_end(elsewhere);
    return 0;
}

static int setup(void **state)
{
    struct fixture *fixture;
    int result = fixture_setup(state);

    fixture = *state;
    fixture->vault->config->reveal_on_request = true;
    fixture->admin.pid = here;
    fixture->revealer.pid = here;
    cf_clock_set(START);
    return result;
}

static enum cf_error reveal(struct fixture *fixture, struct cf_caller *caller, int64_t serial)
{
    int64_t version = 0;

    return cf_vault_reveal(fixture->vault, caller, serial, CF_SECRET, &version);
}

static enum cf_error ask(struct fixture *fixture, struct cf_caller *caller, int64_t serial, const char *text)
{
    return cf_write_ctl(fixture->vault, caller, serial, text, strlen(text));
}

static void test_asked(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial, other = fixture_app(fixture, "other").serial;
    const int64_t generation = fixture_again(fixture, serial).generation;
    char session[CF_SESSION_SIZE];
    struct cf_caller out = fixture->admin;
    int64_t earlier = 1;

    assert_int_equal(reveal(fixture, &fixture->admin, serial), CF_EUNASKED);
    assert_true(fixture_records(fixture, "\"result\":\"unasked\"", "role company-admin, once it is asked for") > 0);
    assert_int_equal(ask(fixture, &fixture->admin, serial, "reveal 5m\n"), CF_OK);
    assert_int_equal(fixture_again(fixture, serial).generation, generation);
    assert_true(cf_session_of(&fixture->admin, session));
    assert_true(fixture_records(fixture, "\"op\":\"ask\"", session) > 0);
    assert_true(fixture_records(fixture, "\"op\":\"ask\"", "until 2027-01-15T08:05:00Z") > 0);
    assert_int_equal(reveal(fixture, &fixture->admin, serial), CF_OK);
    assert_true(
        fixture_records(fixture, "\"op\":\"reveal\"", "leave until 2027-01-15T08:05:00Z, role company-admin") > 0);
    /* Neither another App, nor another user, nor another session; an earlier version needs it just so. */
    assert_int_equal(reveal(fixture, &fixture->admin, other), CF_EUNASKED);
    assert_int_equal(reveal(fixture, &fixture->revealer, serial), CF_EUNASKED);
    out.pid = elsewhere;
    if (strncmp(session, "sid:", 4) == 0) /* or else a login made the session that both are in */
        assert_int_equal(reveal(fixture, &out, serial), CF_EUNASKED);
    assert_int_equal(ask(fixture, &fixture->root, serial, "rotate 1h"), CF_OK);
    assert_int_equal(cf_vault_reveal(fixture->vault, &fixture->admin, serial, CF_KEY, &earlier), CF_OK);
    assert_int_equal(cf_vault_reveal(fixture->vault, &fixture->revealer, serial, CF_KEY, &earlier), CF_EUNASKED);
    /* To the second. */
    cf_clock_set(START + 300 * CF_SECOND - 1);
    assert_int_equal(reveal(fixture, &fixture->admin, serial), CF_OK);
    cf_clock_set(START + 300 * CF_SECOND);
    assert_int_equal(reveal(fixture, &fixture->admin, serial), CF_EUNASKED);
    assert_int_equal(cf_chores_round(fixture->vault, NULL, NULL), CF_OK);
    assert_true(fixture_records(fixture, "\"op\":\"leave-end\"", "reveal by user:5001 in session") > 0);
    assert_int_equal(fixture_findings(fixture), 0);
}

/* Who has no session that can be told can neither ask nor reveal. */
static void test_no_session(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    struct cf_caller unknown = cf_caller_of(ADMIN, ADMIN, 0);

    assert_int_equal(ask(fixture, &unknown, serial, "reveal 5m"), CF_EDENIED);
    assert_int_equal(reveal(fixture, &unknown, serial), CF_EUNASKED);
}

static void test_times(void **state)
{
    static const char *const bad[] = {"reveal",
                                      "reveal never",
                                      "reveal 25h",
                                      "reveal -5m",
                                      "reveal 5m 5m",
                                      "reveal always",
                                      "reveal 2d",
                                      "reveal 2027-01-15T07:59:59Z",
                                      "reveal 2027-01-16T08:00:01Z"};
    static const char *const good[] = {"reveal 24h", "reveal 30s", "reveal 2027-01-15T08:00:10Z"};
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(ask(fixture, &fixture->admin, serial, bad[i]), CF_ECOMMAND);
        assert_int_equal(reveal(fixture, &fixture->admin, serial), CF_EUNASKED);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(ask(fixture, &fixture->admin, serial, good[i]), CF_OK);
        assert_int_equal(reveal(fixture, &fixture->admin, serial), CF_OK);
    }
    assert_int_equal(ask(fixture, &fixture->admin, serial, "reveal 0"), CF_OK);
    assert_int_equal(reveal(fixture, &fixture->admin, serial), CF_EUNASKED);
}

/* Asking needs the right to reveal, and gives no other. */
static void test_who_may_ask(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;

    fixture->manager.pid = here;
    assert_int_equal(ask(fixture, &fixture->manager, serial, "reveal 5m"), CF_EDENIED);
    assert_int_equal(reveal(fixture, &fixture->manager, serial), CF_EDENIED);
    fixture->revealer.asks_only = true; /* as ctl is opened by who may not edit */
    assert_int_equal(ask(fixture, &fixture->revealer, serial, "rotate"), CF_EDENIED);
    assert_int_equal(ask(fixture, &fixture->revealer, serial, "reveal 5m\nrotate"), CF_EDENIED);
    assert_int_equal(reveal(fixture, &fixture->revealer, serial), CF_EUNASKED); /* all or nothing */
    assert_int_equal(fixture_again(fixture, serial).version, 1);
    assert_int_equal(ask(fixture, &fixture->revealer, serial, "reveal 5m"), CF_OK);
    assert_int_equal(reveal(fixture, &fixture->revealer, serial), CF_OK);
    assert_int_equal(ask(fixture, &fixture->root, serial, "disable"), CF_OK);
    assert_int_equal(reveal(fixture, &fixture->revealer, serial), CF_EREVOKED);
}

/* A service reads by its grant, asked or not; a grant of one field is none of the other. */
static void test_grants(void **state)
{
    static const char grants[] = "user:5005\nuser:5003 key\n";
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    int64_t version = 0;

    assert_int_equal(cf_write_grants(fixture->vault, &fixture->root, serial, CF_REPLACE, grants, strlen(grants)),
                     CF_OK);
    assert_int_equal(reveal(fixture, &fixture->stranger, serial), CF_OK);
    assert_true(fixture_records(fixture, "\"op\":\"reveal\"", "grant user:5005") > 0);
    assert_int_equal(cf_vault_reveal(fixture->vault, &fixture->revealer, serial, CF_KEY, &version), CF_OK);
    assert_int_equal(reveal(fixture, &fixture->revealer, serial), CF_EUNASKED);
}

/* Where nobody has to ask, asking does no harm. */
static void test_direct(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;

    fixture->vault->config->reveal_on_request = false;
    assert_int_equal(reveal(fixture, &fixture->revealer, serial), CF_OK);
    assert_int_equal(ask(fixture, &fixture->revealer, serial, "reveal 5m"), CF_OK);
    assert_int_equal(reveal(fixture, &fixture->revealer, serial), CF_OK);
}

/* Who can write the database gives himself no leave, makes none longer and moves none. */
static void test_tamper(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial, other = fixture_app(fixture, "other").serial;

    assert_int_equal(ask(fixture, &fixture->admin, serial, "reveal 5m"), CF_OK);
    fixture_sql(fixture, "INSERT INTO leave SELECT 2, uid, session, until, mac FROM leave");
    assert_int_equal(other, 2);
    assert_int_equal(reveal(fixture, &fixture->admin, other), CF_ETAMPER);
    assert_int_equal(reveal(fixture, &fixture->admin, serial), CF_OK);
    assert_int_equal(fixture_findings(fixture), 1);
    fixture_sql(fixture, "UPDATE leave SET until = until + 1 WHERE app = 1");
    assert_int_equal(reveal(fixture, &fixture->admin, serial), CF_ETAMPER);
    assert_int_equal(fixture_findings(fixture), 2);
    cf_clock_set(START + 3600 * CF_SECOND);
    assert_int_equal(cf_chores_round(fixture->vault, NULL, NULL), CF_OK); /* stays for check to name */
    assert_int_equal(fixture_findings(fixture), 2);
    fixture_sql(fixture, "UPDATE leave SET uid = 5003");
    assert_int_equal(reveal(fixture, &fixture->revealer, serial), CF_ETAMPER);
}

#define WITH_VAULT(test) cmocka_unit_test_setup_teardown(test, setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_VAULT(test_asked),  WITH_VAULT(test_no_session), WITH_VAULT(test_times),  WITH_VAULT(test_who_may_ask),
        WITH_VAULT(test_grants), WITH_VAULT(test_direct),     WITH_VAULT(test_tamper),
    };

    return cmocka_run_group_tests(tests, start_sessions, end_sessions);
}
