/* reader.h: who opened which version last, in memory and written down, and how many are kept. */
#include "fixture.h"

#include "chores.h"
#include "reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define START (INT64_C(1800000000) * CF_SECOND)

static char *readers_of(struct fixture *fixture, int64_t serial, bool written_only)
{
    struct cf_app app = fixture_again(fixture, serial);
    struct cf_text text = {0};
    struct cf_txn txn;

    assert_int_equal(cf_txn_read(fixture->vault->store, &txn), CF_OK);
    assert_int_equal(cf_readers_print(written_only ? NULL : fixture->vault->readers, &txn, &app, &text), CF_OK);
    cf_txn_end(&txn);
    return text.data != NULL ? text.data : strdup("");
}

static void expect(struct fixture *fixture, int64_t serial, bool written_only, const char *text)
{
    char *readers = readers_of(fixture, serial, written_only);

    assert_string_equal(readers, text);
    free(readers);
}

static void note(struct fixture *fixture, int64_t serial, uint32_t uid, const char *command, const char *cgroup,
                 int64_t version, int64_t opened)
{
    struct cf_reader reader = {.app = serial, .uid = uid, .version = version, .opened = opened};

    snprintf(reader.command, sizeof reader.command, "%s", command);
    snprintf(reader.cgroup, sizeof reader.cgroup, "%s", cgroup);
    assert_int_not_equal(cf_readers_note(fixture->vault->readers, &reader), CF_READERS_FULL);
}

static void write_down(struct fixture *fixture)
{
    assert_int_equal(cf_readers_write(fixture->vault->readers, fixture->vault->store), CF_OK);
}

static enum cf_error reveal(struct fixture *fixture, struct cf_caller *caller, int64_t serial, int64_t version)
{
    return cf_vault_reveal(fixture->vault, caller, serial, CF_SECRET, &version);
}

static void control(struct fixture *fixture, int64_t serial, const char *text)
{
    assert_int_equal(cf_write_ctl(fixture->vault, &fixture->root, serial, text, strlen(text)), CF_OK);
}

/* A rotation with overlap: the one who keeps to the old version is behind until he opens the new one. */
static void test_behind(void **state)
{
    struct fixture *fixture = *state;
    int64_t serial;

    cf_clock_set(START);
    serial = fixture_app(fixture, "billing").serial;
    expect(fixture, serial, false, "");
    assert_int_equal(reveal(fixture, &fixture->admin, serial, 0), CF_OK);
    assert_int_equal(reveal(fixture, &fixture->revealer, serial, 0), CF_OK);
    cf_clock_set(START + 60 * CF_SECOND);
    control(fixture, serial, "rotate 24h");
    assert_int_equal(reveal(fixture, &fixture->admin, serial, 0), CF_OK);
    expect(fixture, serial, false,
           "user:5001 - - 2 2027-01-15T08:01:00Z\n"
           "user:5003 - - 1 2027-01-15T08:00:00Z behind\n");
    cf_clock_set(START + 120 * CF_SECOND);
    assert_int_equal(reveal(fixture, &fixture->admin, serial, 1), CF_OK); /* went back to the old one */
    expect(fixture, serial, false,
           "user:5001 - - 1 2027-01-15T08:02:00Z behind\n"
           "user:5003 - - 1 2027-01-15T08:00:00Z behind\n");
}

static void test_refused_are_no_readers(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;

    assert_int_equal(reveal(fixture, &fixture->stranger, serial, 0), CF_EDENIED);
    control(fixture, serial, "disable");
    assert_int_equal(reveal(fixture, &fixture->admin, serial, 0), CF_EREVOKED);
    expect(fixture, serial, false, "");
}

/* Named as the audit log names him. */
static void test_names(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    struct cf_caller self = cf_caller_of(ADMIN, ADMIN, getpid());
    char *text;

    assert_int_equal(reveal(fixture, &self, serial, 0), CF_OK);
    text = readers_of(fixture, serial, false);
    assert_int_equal(strncmp(text, "user:5001 ", 10), 0);
    assert_int_not_equal(strncmp(text, "user:5001 - ", 12), 0);
    free(text);
    cf_caller_release(&self);
}

static void test_written_down(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;

    note(fixture, serial, 70007, "curl", "/a b", 1, START);
    expect(fixture, serial, true, "");
    expect(fixture, serial, false, "user:70007 curl /a\\040b 1 2027-01-15T08:00:00Z\n");
    write_down(fixture);
    expect(fixture, serial, true, "user:70007 curl /a\\040b 1 2027-01-15T08:00:00Z\n");
    /* Both at once: the later of the two counts, and it is one reader. */
    note(fixture, serial, 70007, "curl", "/a b", 1, START + CF_SECOND);
    expect(fixture, serial, false, "user:70007 curl /a\\040b 1 2027-01-15T08:00:01Z\n");
    note(fixture, serial, 70007, "curl", "/a b", 1, START - CF_SECOND);
    expect(fixture, serial, false, "user:70007 curl /a\\040b 1 2027-01-15T08:00:01Z\n");
    note(fixture, serial, 70007, "curl", "/other", 1, START - CF_SECOND);
    write_down(fixture);
    expect(fixture, serial, true,
           "user:70007 curl /a\\040b 1 2027-01-15T08:00:01Z\nuser:70007 curl /other 1 2027-01-15T07:59:59Z\n");
    /* What is noted when the vault is closed is not lost either. */
    note(fixture, serial, 70008, "\\\n", "", 1, START);
    fixture_reopen(fixture);
    expect(fixture, serial, true,
           "user:70007 curl /a\\040b 1 2027-01-15T08:00:01Z\nuser:70008 \\134\\012 - 1 2027-01-15T08:00:00Z\n"
           "user:70007 curl /other 1 2027-01-15T07:59:59Z\n");
}

static size_t lines(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

/* The oldest go. */
static void test_bound(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial, other = fixture_app(fixture, "other").serial;
    char *text;

    note(fixture, other, 70001, "cat", "", 1, START);
    for (uint32_t i = 0; i < CF_READERS_MOST + 200; i++)
        note(fixture, serial, 100000 + i, "cat", "", 1, START + (int64_t)i * CF_SECOND);
    text = readers_of(fixture, serial, false);
    assert_int_equal(lines(text), CF_READERS_MOST);
    free(text);
    write_down(fixture);
    text = readers_of(fixture, serial, true);
    assert_int_equal(lines(text), CF_READERS_MOST);
    assert_null(strstr(text, "user:100199 "));
    assert_non_null(strstr(text, "user:100200 "));
    free(text);
    expect(fixture, other, true, "user:70001 cat - 1 2027-01-15T08:00:00Z\n");
}

/* More than there is room for, and nobody who writes it down meanwhile: who comes next does. */
static void test_full(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    struct cf_reader reader = {.app = serial, .version = 1, .opened = START};
    enum cf_readers_room room = CF_READERS_ROOM;
    bool was_half = false;
    char *text;

    cf_clock_set(START + CF_SECOND);
    for (uint32_t i = 0; room != CF_READERS_FULL && i < 100000; i++) {
        reader.uid = 10000 + i;
        room = cf_readers_note(fixture->vault->readers, &reader);
        was_half = was_half || room == CF_READERS_HALF;
    }
    assert_true(was_half);
    assert_int_equal(room, CF_READERS_FULL);
    assert_int_equal(reveal(fixture, &fixture->admin, serial, 0), CF_OK);
    text = readers_of(fixture, serial, false);
    assert_non_null(strstr(text, "user:5001 "));
    free(text);
}

/* An App that was destroyed in between is no error, and keeps nothing of the others from being written. */
static void test_destroyed(void **state)
{
    struct fixture *fixture = *state;
    const int64_t gone = fixture_app(fixture, "gone").serial, kept = fixture_app(fixture, "kept").serial;

    note(fixture, gone, 70001, "cat", "", 1, START);
    note(fixture, kept, 70001, "cat", "", 1, START);
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->root, CF_IN_APPS, "gone"), CF_OK);
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->root, CF_IN_TRASH, "gone"), CF_OK);
    write_down(fixture);
    expect(fixture, kept, true, "user:70001 cat - 1 2027-01-15T08:00:00Z\n");
    assert_int_equal(fixture_findings(fixture), 0);
}

#define WITH_VAULT(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_VAULT(test_behind),    WITH_VAULT(test_refused_are_no_readers),
        WITH_VAULT(test_names),     WITH_VAULT(test_written_down),
        WITH_VAULT(test_bound),     WITH_VAULT(test_full),
        WITH_VAULT(test_destroyed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
