/* news.h: who is told of changes, and what is found of those that nobody makes. */
#include "fixture.h"

#include "chores.h"
#include "clock.h"
#include "news.h"
#include "reader.h"

#include <stdio.h>
#include <string.h>

#define START (INT64_C(1800000000) * CF_SECOND)
#define HOUR (3600 * CF_SECOND)

static void control(struct fixture *fixture, const struct cf_app *app, const char *text)
{
    assert_int_equal(cf_write_ctl(fixture->vault, &fixture->root, app->serial, text, strlen(text)), CF_OK);
}

/* ---- being told ---- */

static void before(void *arg, const struct cf_app *app)
{
    cf_text_printf(arg, "<%s %lld", app->name, (long long)app->generation);
}

static void after(void *arg, const struct cf_app *app)
{
    (void)app;
    cf_text_puts(arg, "> ");
}

static void ticked(void *arg)
{
    (void)arg;
}

static void told(struct cf_text *text, const char *what)
{
    assert_string_equal(text->data != NULL ? text->data : "", what);
    cf_text_release(text);
}

static void test_told(void **state)
{
    struct fixture *fixture = *state;
    struct cf_text text = {0};
    struct cf_news news = {.changing = before, .changed = after, .tick = ticked, .arg = &text};
    struct cf_caller *root = &fixture->root;
    struct cf_app app;

    fixture->vault->news = &news;
    app = fixture_app(fixture, "one"); /* nobody can be watching it yet */
    told(&text, "");
    control(fixture, &app, "rotate 1h\nlabel a=b");
    told(&text, "<one 2> ");
    assert_int_equal(cf_write_apis(fixture->vault, root, app.serial, CF_REPLACE, "audit-records", 13), CF_OK);
    told(&text, "<one 3> ");
    assert_int_equal(cf_write_grants(fixture->vault, root, app.serial, CF_REPLACE, "user:5", 6), CF_OK);
    told(&text, "<one 4> ");
    assert_int_equal(cf_write_field(fixture->vault, root, app.serial, CF_KEY, CF_REPLACE, "k", 1), CF_OK);
    told(&text, "<one 5> ");
    assert_int_equal(cf_move_app(fixture->vault, root, CF_IN_APPS, "one", CF_IN_APPS, "two", NULL), CF_OK);
    told(&text, "<two 6> ");
    assert_int_equal(cf_remove_app(fixture->vault, root, CF_IN_APPS, "two"), CF_OK);
    told(&text, "<two 7> ");
    assert_int_equal(cf_remove_app(fixture->vault, root, CF_IN_TRASH, "two"), CF_OK);
    told(&text, "<two 7> ");
    fixture->vault->news = NULL;
}

/* Of what was refused, or left all as it was, nobody is told. */
static void test_not_told(void **state)
{
    struct fixture *fixture = *state;
    struct cf_text text = {0};
    struct cf_news news = {.changing = before, .changed = after, .tick = ticked, .arg = &text};
    struct cf_app app = fixture_app(fixture, "one");

    fixture->vault->news = &news;
    assert_int_not_equal(cf_write_ctl(fixture->vault, &fixture->root, app.serial, "revoke 9", 8), CF_OK);
    assert_int_equal(cf_write_apis(fixture->vault, &fixture->root, app.serial, CF_REPLACE, "nothing", 7), CF_ESLUG);
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->stranger, CF_IN_APPS, "one"), CF_EDENIED);
    assert_int_equal(cf_write_grants(fixture->vault, &fixture->root, app.serial, CF_REPLACE, "", 0), CF_OK);
    told(&text, "");
    fixture->vault->news = NULL;
}

/* What the house destroys is told of too. */
static void test_told_of_destruction(void **state)
{
    struct fixture *fixture = *state;
    struct cf_text text = {0};
    struct cf_news news = {.changing = before, .changed = after, .tick = ticked, .arg = &text};

    cf_clock_set(START);
    fixture_app(fixture, "one");
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->root, CF_IN_APPS, "one"), CF_OK);
    fixture->vault->news = &news;
    cf_clock_set(START + 24 * 31 * HOUR);
    assert_int_equal(cf_chores_round(fixture->vault, NULL, NULL), CF_OK);
    told(&text, "<one 2> ");
    fixture->vault->news = NULL;
}

/* ---- looking ---- */

/* The serials that a search finds, in a line. */
static void finds(struct fixture *fixture, enum cf_news_search search, int64_t from, int64_t to, const char *want)
{
    char found[128] = "";
    int64_t serial = 0;
    struct cf_txn txn;
    enum cf_error error = cf_txn_read(fixture->vault->store, &txn);

    while (error == CF_OK) {
        const size_t len = strlen(found);
        error = cf_news_next(&txn, search, serial, from, to, &serial);
        if (error == CF_OK)
            snprintf(found + len, sizeof found - len, "%lld ", (long long)serial);
    }
    cf_txn_end(&txn);
    assert_int_equal(error, CF_ENOENT);
    assert_string_equal(found, want);
}

static void test_deadlines(void **state)
{
    struct fixture *fixture = *state;
    struct cf_app app[4];

    cf_clock_set(START);
    for (int i = 0; i < 4; i++)
        app[i] = fixture_app(fixture, (const char *[]){"one", "two", "three", "four"}[i]);
    control(fixture, &app[0], "rotate 1h");
    control(fixture, &app[1], "expire 2027-01-15T10:00:00Z"); /* 2 h */
    control(fixture, &app[2], "rotate 1h\nexpire 2027-01-15T09:00:00Z");
    control(fixture, &app[3], "rotate 0");
    finds(fixture, CF_NEWS_DEADLINES, START - HOUR, START + HOUR - 1, ""); /* a change told of what it retired */
    finds(fixture, CF_NEWS_DEADLINES, START, START + HOUR, "1 3 ");
    finds(fixture, CF_NEWS_DEADLINES, START + HOUR, START + 2 * HOUR, "2 ");
    finds(fixture, CF_NEWS_DEADLINES, START, START + 9 * HOUR, "1 2 3 ");
    finds(fixture, CF_NEWS_DEADLINES, START + 2 * HOUR, START + 9 * HOUR, "");
}

/* Of what is in the trash, was revoked, or changed since, nothing passes that anybody has not been told of. */
static void test_deadlines_without_news(void **state)
{
    struct fixture *fixture = *state;
    struct cf_app trashed, revoked, changed;

    cf_clock_set(START);
    trashed = fixture_app(fixture, "trashed");
    revoked = fixture_app(fixture, "revoked");
    changed = fixture_app(fixture, "changed");
    control(fixture, &trashed, "rotate 1h\nexpire 2027-01-15T09:00:00Z");
    control(fixture, &revoked, "rotate 1h\nrevoke 1");
    control(fixture, &changed, "rotate 1h");
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->root, CF_IN_APPS, "trashed"), CF_OK);
    finds(fixture, CF_NEWS_DEADLINES, START, START + 2 * HOUR, "3 ");
    cf_clock_set(START + HOUR + CF_SECOND / 2);
    control(fixture, &changed, "label a=b");
    finds(fixture, CF_NEWS_DEADLINES, START, START + 2 * HOUR, "");
}

static void test_changed_and_all(void **state)
{
    struct fixture *fixture = *state;
    struct cf_app one, two;

    cf_clock_set(START);
    one = fixture_app(fixture, "one");
    two = fixture_app(fixture, "two");
    finds(fixture, CF_NEWS_ALL, 0, INT64_MAX, "1 2 ");
    finds(fixture, CF_NEWS_CHANGED, START, INT64_MAX, "1 2 ");
    cf_clock_set(START + HOUR);
    control(fixture, &two, "disable");
    finds(fixture, CF_NEWS_CHANGED, START + 1, INT64_MAX, "2 ");
    finds(fixture, CF_NEWS_CHANGED, START, START, "1 ");
    finds(fixture, CF_NEWS_READ, 0, INT64_MAX, "");
    assert_int_equal(cf_vault_reveal(fixture->vault, &fixture->root, one.serial, CF_KEY, &(int64_t){0}), CF_OK);
    assert_int_equal(cf_readers_write(fixture->vault->readers, fixture->vault->store), CF_OK);
    finds(fixture, CF_NEWS_READ, 0, INT64_MAX, "1 ");
}

static int64_t agreed(struct fixture *fixture, const struct cf_app *app, int64_t now)
{
    struct cf_txn txn;
    int64_t time = -1;

    assert_int_equal(cf_txn_read(fixture->vault->store, &txn), CF_OK);
    assert_int_equal(cf_news_agreed(&txn, app->serial, HOUR, now, &time), CF_OK);
    cf_txn_end(&txn);
    return time;
}

static void test_agreed(void **state)
{
    struct fixture *fixture = *state;
    struct cf_app app = fixture_app(fixture, "one");

    cf_clock_set(START);
    assert_int_equal(agreed(fixture, &app, START), 0);
    assert_int_equal(cf_write_apis(fixture->vault, &fixture->root, app.serial, CF_REPLACE, "audit-records", 13),
                     CF_OK);
    cf_clock_set(START + 5);
    assert_int_equal(cf_write_apis(fixture->vault, &fixture->root, app.serial, CF_ADD, "contact-search", 14),
                     CF_OK);
    assert_int_equal(agreed(fixture, &app, START + 5), START + HOUR);
    assert_int_equal(agreed(fixture, &app, START + HOUR), START + 5 + HOUR);
    assert_int_equal(agreed(fixture, &app, START + HOUR + 5), 0);
}

static int teardown(void **state)
{
    cf_clock_set(0);
    return fixture_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup_in_memory, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_told),
        TEST(test_not_told),
        TEST(test_told_of_destruction),
        TEST(test_deadlines),
        TEST(test_deadlines_without_news),
        TEST(test_changed_and_all),
        TEST(test_agreed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
