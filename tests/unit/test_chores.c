/* chores.h, house.h and summary.h: what the daemon does by itself when its time has come, and what it counts. */
#include "fixture.h"

#include "chores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define START (INT64_C(1800000000) * CF_SECOND)
#define DAY (24 * 3600 * CF_SECOND)

static void control(struct fixture *fixture, int64_t serial, const char *text)
{
    assert_int_equal(cf_write_ctl(fixture->vault, &fixture->root, serial, text, strlen(text)), CF_OK);
}

static void remember(void *arg, const struct cf_app *app)
{
    cf_text_printf(arg, "%s ", app->name);
}

/* One round: the names of the Apps that it destroyed. */
static void round_destroys(struct fixture *fixture, const char *names)
{
    struct cf_text text = {0};

    cf_text_puts(&text, "");
    assert_int_equal(cf_chores_round(fixture->vault, remember, &text), CF_OK);
    assert_string_equal(text.data, names);
    cf_text_release(&text);
}

static void test_trash(void **state)
{
    struct fixture *fixture = *state;

    cf_clock_set(START);
    fixture_app(fixture, "first");
    fixture_app(fixture, "second");
    fixture_app(fixture, "kept");
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->root, CF_IN_APPS, "first"), CF_OK);
    cf_clock_set(START + DAY);
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->root, CF_IN_APPS, "second"), CF_OK);
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->root, CF_IN_APPS, "kept"), CF_OK);
    cf_clock_set(START + 30 * DAY - 1);
    round_destroys(fixture, "");
    cf_clock_set(START + 30 * DAY);
    round_destroys(fixture, "first ");
    assert_true(fixture_records(fixture, "\"op\":\"destroy\",\"app\":\"first\"",
                                "in the trash since 2027-01-15T08:00:00Z") > 0);
    assert_int_equal(cf_move_app(fixture->vault, &fixture->root, CF_IN_TRASH, "kept", CF_IN_APPS, "kept", NULL),
                     CF_OK);
    cf_clock_set(START + 100 * DAY);
    round_destroys(fixture, "second ");
    round_destroys(fixture, "");
    assert_int_equal(fixture_findings(fixture), 0);
}

/* A row that was made to look overdue by hand is no reason to destroy an App. */
static void test_trash_tampered(void **state)
{
    struct fixture *fixture = *state;

    cf_clock_set(START);
    fixture_app(fixture, "billing");
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->root, CF_IN_APPS, "billing"), CF_OK);
    fixture_sql(fixture, "UPDATE app SET trashed = 1");
    assert_int_equal(cf_chores_round(fixture->vault, NULL, NULL), CF_ETAMPER);
    assert_int_equal(fixture_findings(fixture), 1);
}

static void expect(struct fixture *fixture, const char *text)
{
    struct cf_text counts = {0};
    struct cf_counts now;

    assert_int_equal(cf_vault_count(fixture->vault, &now), CF_OK);
    for (int kind = 0; kind < CF_SUMMARY_COUNT; kind++)
        cf_text_printf(&counts, "%s%s %lld", kind > 0 ? ", " : "", cf_summary_word((enum cf_summary_kind)kind),
                       (long long)now.summary.count[kind]);
    assert_string_equal(counts.data, text);
    cf_text_release(&counts);
}

static void add_name(void *arg, enum cf_summary_kind kind, const char *app, const char *detail)
{
    (void)kind;
    cf_text_printf(arg, "%s (%s) ", app, detail);
}

static void expect_names(struct fixture *fixture, enum cf_summary_kind kind, int64_t most, const char *text)
{
    struct cf_text names = {0};
    struct cf_txn txn;

    cf_text_puts(&names, "");
    assert_int_equal(cf_txn_read(fixture->vault->store, &txn), CF_OK);
    assert_int_equal(
        cf_summary_names(&txn, fixture->vault->config, fixture->vault->catalogue, kind, most, add_name, &names),
        CF_OK);
    cf_txn_end(&txn);
    assert_string_equal(names.data, text);
    cf_text_release(&names);
}

static void reveal(struct fixture *fixture, int64_t serial, int64_t version)
{
    assert_int_equal(cf_vault_reveal(fixture->vault, &fixture->admin, serial, CF_KEY, &version), CF_OK);
    assert_int_equal(cf_readers_write(fixture->vault->readers, fixture->vault->store), CF_OK);
}

static void test_summary(void **state)
{
    struct fixture *fixture = *state;
    int64_t one, two, gone;

    cf_clock_set(START);
    expect(fixture, "expiring 0, expired 0, rotation-due 0, retiring-read 0, pending 0, never-revealed 0");
    one = fixture_app(fixture, "one").serial;
    two = fixture_app(fixture, "two").serial;
    gone = fixture_app(fixture, "gone").serial;
    expect(fixture, "expiring 0, expired 0, rotation-due 0, retiring-read 0, pending 0, never-revealed 3");
    reveal(fixture, one, 0);
    reveal(fixture, gone, 0);
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->root, CF_IN_APPS, "gone"), CF_OK);
    expect(fixture, "expiring 0, expired 0, rotation-due 0, retiring-read 0, pending 0, never-revealed 1");
    expect_names(fixture, CF_NEVER_REVEALED, 5, "two () ");
    control(fixture, one, "expire 10d");
    control(fixture, two, "expire 15d");
    expect(fixture, "expiring 1, expired 0, rotation-due 0, retiring-read 0, pending 0, never-revealed 1");
    cf_clock_set(START + DAY);
    expect(fixture, "expiring 2, expired 0, rotation-due 0, retiring-read 0, pending 0, never-revealed 1");
    expect_names(fixture, CF_EXPIRING, 1, "one (2027-01-25T08:00:00Z) ");
    cf_clock_set(START + 10 * DAY);
    expect(fixture, "expiring 1, expired 1, rotation-due 0, retiring-read 0, pending 0, never-revealed 1");
    expect_names(fixture, CF_EXPIRED, 5, "one (2027-01-25T08:00:00Z) ");
    control(fixture, one, "expire never\nrotate 7d");
    control(fixture, two, "expire never");
    expect_names(fixture, CF_RETIRING_READ, 5,
                 "one (version 1 until 2027-02-01T08:00:00Z, last read 2027-01-15T08:00:00Z) ");
    reveal(fixture, one, 1);
    expect(fixture, "expiring 0, expired 0, rotation-due 0, retiring-read 1, pending 0, never-revealed 1");
    expect_names(fixture, CF_RETIRING_READ, 5,
                 "one (version 1 until 2027-02-01T08:00:00Z, last read 2027-01-25T08:00:00Z) ");
    cf_clock_set(START + 16 * DAY); /* it may be a job of once a week */
    expect(fixture, "expiring 0, expired 0, rotation-due 0, retiring-read 1, pending 0, never-revealed 1");
    reveal(fixture, one, 2); /* has moved on */
    expect(fixture, "expiring 0, expired 0, rotation-due 0, retiring-read 0, pending 0, never-revealed 1");
    cf_clock_set(START + 90 * DAY);
    expect(fixture, "expiring 0, expired 0, rotation-due 1, retiring-read 0, pending 0, never-revealed 1");
    expect_names(fixture, CF_ROTATION_DUE, 5, "two (2027-01-15T08:00:00Z) ");
}

static const char *first_with_fields(struct fixture *fixture, const struct cf_api **api)
{
    for (size_t i = 0; i < cf_catalogue_count(fixture->vault->catalogue); i++) {
        *api = cf_catalogue_at(fixture->vault->catalogue, i);
        if (strcmp((*api)->fields, "token") == 0)
            return (*api)->slug;
    }
    fail_msg("no API of the catalogue needs a token");
    return NULL;
}

static void test_pending(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    const struct cf_api *api;
    const char *slug = first_with_fields(fixture, &api);
    char name[128];

    assert_int_equal(cf_write_apis(fixture->vault, &fixture->root, serial, CF_REPLACE, slug, strlen(slug)), CF_OK);
    expect(fixture, "expiring 0, expired 0, rotation-due 0, retiring-read 0, pending 1, never-revealed 1");
    snprintf(name, sizeof name, "billing (%s) ", slug);
    expect_names(fixture, CF_PENDING, 5, name);
    assert_int_equal(
        cf_write_field(fixture->vault, &fixture->root, serial, CF_TOKEN, CF_REPLACE, "a-token-from-the-mail", 21),
        CF_OK);
    expect(fixture, "expiring 0, expired 0, rotation-due 0, retiring-read 0, pending 0, never-revealed 1");
}

/* The thread does the same by itself, and what it has counted is what is told. */
static void test_thread(void **state)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    struct fixture *fixture = *state;
    struct cf_text names = {0};
    struct cf_summary summary;
    struct cf_counts counts = {.trash = 1};
    struct cf_chores chores = {.vault = fixture->vault, .destroyed = remember, .arg = &names};

    fixture_app(fixture, "billing");
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->root, CF_IN_APPS, "billing"), CF_OK);
    fixture->vault->config->trash = 0;
    assert_false(cf_house_summary(fixture->vault->house, &summary));
    assert_int_equal(cf_chores_start(&chores), CF_OK);
    for (int i = 0; i < 250 && counts.trash > 0; i++) {
        nanosleep(&pause, NULL);
        assert_int_equal(cf_vault_count(fixture->vault, &counts), CF_OK);
    }
    assert_int_equal(counts.trash, 0);
    for (int i = 0; i < 250 && !cf_house_summary(fixture->vault->house, &summary); i++)
        nanosleep(&pause, NULL);
    assert_true(cf_house_summary(fixture->vault->house, &summary));
    cf_house_stop(fixture->vault->house);
    cf_house_stop(fixture->vault->house); /* once more does nothing */
    assert_string_equal(names.data, "billing ");
    cf_text_release(&names);
}

#define WITH_VAULT(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_VAULT(test_trash),   WITH_VAULT(test_trash_tampered), WITH_VAULT(test_summary),
        WITH_VAULT(test_pending), WITH_VAULT(test_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
