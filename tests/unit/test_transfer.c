/* transfer.h: Apps out of one store and into another. */
#include "fixture.h"

#include "clock.h"
#include "transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two stores. */
struct two {
    struct fixture *from, *to;
};

static int setup(void **state)
{
    struct two *two = calloc(1, sizeof *two);
    void *fixture;

    assert_non_null(two);
    fixture_setup(&fixture);
    two->from = fixture;
    fixture_setup(&fixture);
    two->to = fixture;
    *state = two;
    return 0;
}

static int teardown(void **state)
{
    struct two *two = *state;
    void *fixture = two->from;

    fixture_teardown(&fixture);
    fixture = two->to;
    fixture_teardown(&fixture);
    free(two);
    return 0;
}

static void ctl(struct fixture *fixture, int64_t serial, const char *text)
{
    assert_int_equal(cf_write_ctl(fixture->vault, &fixture->root, serial, text, strlen(text)), CF_OK);
}

static void set(struct fixture *fixture, int64_t serial, enum cf_field field, const char *value)
{
    assert_int_equal(
        cf_write_field(fixture->vault, &fixture->root, serial, field, CF_REPLACE, value, strlen(value)), CF_OK);
}

static void apis(struct fixture *fixture, int64_t serial, const char *text)
{
    assert_int_equal(cf_write_apis(fixture->vault, &fixture->root, serial, CF_REPLACE, text, strlen(text)), CF_OK);
}

static void grants(struct fixture *fixture, int64_t serial, const char *text)
{
    assert_int_equal(cf_write_grants(fixture->vault, &fixture->root, serial, CF_REPLACE, text, strlen(text)),
                     CF_OK);
}

/* --- all that an export gives, as one text: values are in it, so it is compared and never shown ------------------- */

static enum cf_error dump_app(void *arg, const struct cf_parcel *parcel)
{
    struct cf_text *out = arg;
    const struct cf_app *app = &parcel->app;
    char id[2 * CF_ID_SIZE + 1];

    cf_hex(app->id, CF_ID_SIZE, id);
    cf_text_printf(out, "%s %s %d %d %lld %u %lld %u %lld %lld %lld %lld\n", app->name, id, app->place,
                   app->disabled, (long long)app->created, app->created_by, (long long)app->updated,
                   app->updated_by, (long long)app->trashed, (long long)app->generation, (long long)app->version,
                   (long long)app->expires);
    for (size_t i = 0; i < parcel->note_count; i++)
        cf_text_printf(out, "note %s=%s\n", parcel->notes[i].name, parcel->notes[i].value);
    for (size_t i = 0; i < parcel->apis.count; i++)
        cf_text_printf(out, "api %s %lld %u\n", parcel->apis.at[i].slug, (long long)parcel->apis.at[i].since,
                       parcel->apis.at[i].by);
    for (size_t i = 0; i < parcel->grants.count; i++) {
        const struct cf_grant *grant = &parcel->grants.at[i];
        cf_text_printf(out, "grant %d %u %u %d %lld %u\n", grant->who.kind, grant->who.low, grant->who.high,
                       grant->field, (long long)grant->since, grant->by);
    }
    for (size_t i = 0; i < parcel->version_count; i++) {
        const struct cf_version *version = &parcel->versions[i];
        cf_text_printf(out, "version %lld %lld %u %lld %d %u\n", (long long)version->number,
                       (long long)version->created, version->created_by, (long long)version->deadline,
                       version->revoked, version->fields);
        for (int field = 0; field < CF_FIELD_COUNT; field++) {
            struct cf_secret *value;
            if ((version->fields & 1U << field) == 0)
                continue;
            assert_int_equal(parcel->value(parcel->arg, i, (enum cf_field)field, &value), CF_OK);
            cf_text_add(out, (const char *)cf_secret_peek(value), cf_secret_len(value));
            cf_text_puts(out, "\n");
            cf_secret_free(value);
        }
    }
    return CF_OK;
}

static enum cf_error dump_assignees(void *arg, const char *slug, const struct cf_grants *list)
{
    struct cf_text *out = arg;

    for (size_t i = 0; i < list->count; i++)
        cf_text_printf(out, "assignee %s %u %lld %u\n", slug, list->at[i].who.low, (long long)list->at[i].since,
                       list->at[i].by);
    return CF_OK;
}

static int begun;

static enum cf_error begin(void *arg)
{
    (void)arg;
    begun++;
    return CF_OK;
}

static struct cf_text dump(struct fixture *fixture)
{
    struct cf_text out = {0};
    const struct cf_exporter exporter = {begin, dump_app, dump_assignees, &out};
    struct cf_fault fault = {""};

    assert_int_equal(cf_export(fixture->vault, &fixture->root, NULL, &exporter, &fault), CF_OK);
    assert_int_equal(cf_text_result(&out), CF_OK);
    return out;
}

static bool are_alike(struct fixture *a, struct fixture *b)
{
    struct cf_text first = dump(a), second = dump(b);
    const bool alike = first.len == second.len && first.len > 0 && memcmp(first.data, second.data, first.len) == 0;

    cf_text_release(&first);
    cf_text_release(&second);
    return alike;
}

/* --- from one into the other -------------------------------------------------------------------------------------- */

struct pipe {
    struct cf_import *import;
    int count[CF_OUTCOME_COUNT];
    struct cf_text detail; /* of the last App that is not the same */
    struct cf_fault fault;
};

static enum cf_error pipe_app(void *arg, const struct cf_parcel *parcel)
{
    struct pipe *pipe = arg;
    struct cf_outcome outcome;
    enum cf_error error = cf_import_app(pipe->import, parcel, &outcome, &pipe->fault);

    if (error == CF_OK)
        pipe->count[outcome.kind]++;
    if (error == CF_OK && outcome.kind != CF_SAME) {
        cf_text_release(&pipe->detail);
        pipe->detail = outcome.detail;
    } else {
        cf_text_release(&outcome.detail);
    }
    return error;
}

static enum cf_error pipe_assignees(void *arg, const char *slug, const struct cf_grants *list)
{
    struct pipe *pipe = arg;
    struct cf_outcome outcome;
    enum cf_error error = cf_import_assignees(pipe->import, slug, list, &outcome, &pipe->fault);

    cf_text_release(&outcome.detail);
    return error;
}

/* pipe: with the detail, owned by the caller. */
static enum cf_error move_telling(struct two *two, bool replaces, struct pipe *pipe)
{
    const struct cf_exporter exporter = {begin, pipe_app, pipe_assignees, pipe};
    struct cf_fault fault = {""};
    enum cf_error error;

    *pipe = (struct pipe){0};
    assert_int_equal(cf_import_begin(two->to->vault, &two->to->root, replaces, &pipe->import, &fault), CF_OK);
    error = cf_export(two->from->vault, &two->from->root, NULL, &exporter, &fault);
    if (error == CF_OK)
        error = cf_import_commit(pipe->import, &fault);
    cf_import_end(pipe->import, error);
    return error;
}

static enum cf_error move(struct two *two, bool replaces, struct pipe *pipe)
{
    enum cf_error error = move_telling(two, replaces, pipe);

    cf_text_release(&pipe->detail);
    return error;
}

/* Does an import do just this? */
static void moves(struct two *two, bool replaces, int new, int changed, int same)
{
    struct pipe pipe;
    enum cf_error error = move(two, replaces, &pipe);

    if (error != CF_OK)
        fail_msg("%s: %s", cf_error_text(error), pipe.fault.text);
    assert_int_equal(pipe.count[CF_NEW], new);
    assert_int_equal(pipe.count[CF_CHANGED], changed);
    assert_int_equal(pipe.count[CF_SAME], same);
    assert_int_equal(fixture_findings(two->to), 0);
}

static int64_t in_all_states(struct fixture *fixture)
{
    const int64_t serial = fixture_app(fixture, "billing").serial;
    int64_t other = fixture_app(fixture, "old").serial;
    char assignees[64];

    snprintf(assignees, sizeof assignees, "user:%u\nuser:5001\n", fixture->root.uid);
    assert_int_equal(cf_write_assignees(fixture->vault, &fixture->root, "cloud-storage-service", CF_REPLACE,
                                        assignees, strlen(assignees)),
                     CF_OK);
    apis(fixture, serial, "cloud-storage-service audit-records customer-experience-recent-calls");
    grants(fixture, serial, "user:7001\ngroup:100-200 key\n");
    ctl(fixture, serial, "describe the \"one\"\nlabel env=prod\nexpire 2099-01-01\n");
    set(fixture, serial, CF_TOKEN, "to ken\\\"é");
    ctl(fixture, serial, "rotate 24h");
    ctl(fixture, serial, "rotate 24h");
    ctl(fixture, serial, "revoke 2");
    ctl(fixture, other, "disable");
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->root, CF_IN_APPS, "old"), CF_OK);
    other = fixture_app(fixture, "old").serial; /* the name once more */
    ctl(fixture, other, "disable");
    return serial;
}

static void test_exact(void **state)
{
    struct two *two = *state;
    int64_t records;

    in_all_states(two->from);
    moves(two, false, 3, 0, 0);
    assert_true(are_alike(two->from, two->to));
    records = cf_audit_count(two->to->vault->audit);
    moves(two, false, 0, 0, 3);
    moves(two, true, 0, 0, 3);
    assert_int_equal(cf_audit_count(two->to->vault->audit), records);
    assert_true(are_alike(two->from, two->to));
    fixture_reopen(two->to);
    assert_true(are_alike(two->from, two->to));
}

/* What is here and differs: values become a new version, what is missing is added, nothing is taken away. */
static void test_merge(void **state)
{
    struct two *two = *state;
    const int64_t serial = fixture_app(two->from, "billing").serial;
    struct cf_app here;
    char *text;

    moves(two, false, 1, 0, 0);
    set(two->from, serial, CF_SECRET, "another one");
    apis(two->from, serial, "audit-records");
    grants(two->from, serial, "user:7001");
    ctl(two->from, serial, "label a=1");
    apis(two->to, serial, "contact-search");
    grants(two->to, serial, "user:7002");
    ctl(two->to, serial, "label b=2");
    moves(two, false, 0, 1, 0);
    here = fixture_again(two->to, serial);
    assert_int_equal(here.version, 2);
    assert_true(fixture_has_value(two->to, serial, CF_SECRET, "another one", 11));
    text = fixture_apis(two->to, serial);
    assert_string_equal(text, "audit-records\ncontact-search\n");
    free(text);
    text = fixture_grants(two->to, serial);
    assert_string_equal(text, "user:7001\nuser:7002\n");
    free(text);
    moves(two, false, 0, 0, 1);
    assert_int_equal(fixture_again(two->to, serial).generation, here.generation);
}

/* Lists that grow past the room that they were loaded into. */
static void test_merge_grants(void **state)
{
    enum { THERE = 40, HERE = 20 };
    struct two *two = *state;
    const int64_t serial = fixture_app(two->from, "billing").serial;
    struct cf_text text = {0}, all = {0};
    char *merged;

    moves(two, false, 1, 0, 0);
    for (int i = 0; i < THERE; i++)
        cf_text_printf(&text, "user:%d\n", 70000 + 2 * i);
    grants(two->from, serial, text.data);
    cf_text_release(&text);
    for (int i = 0; i < HERE; i++)
        cf_text_printf(&text, "user:%d\n", 70001 + 2 * i);
    grants(two->to, serial, text.data);
    moves(two, false, 0, 1, 0);
    for (int i = 0; i < 2 * THERE; i++)
        if (i % 2 == 0 || i < 2 * HERE)
            cf_text_printf(&all, "user:%d\n", 70000 + i);
    merged = fixture_grants(two->to, serial);
    assert_string_equal(merged, all.data);
    free(merged);
    cf_text_release(&text);
    cf_text_release(&all);
}

/* An export of an App from before its rotation, or its revocation, brings nothing back. */
static void test_older(void **state)
{
    struct two *two = *state;
    const int64_t serial = fixture_app(two->from, "billing").serial;

    moves(two, false, 1, 0, 0);
    ctl(two->to, serial, "rotate 0\nrevoke 1\ndisable");
    moves(two, false, 0, 0, 1);
    assert_int_equal(fixture_again(two->to, serial).version, 2);
    assert_true(fixture_again(two->to, serial).disabled);
}

static void test_replace(void **state)
{
    struct two *two = *state;
    const int64_t serial = in_all_states(two->from);

    moves(two, false, 3, 0, 0);
    ctl(two->to, serial, "rotate 0\ndisable\nlabel x=1\ndescribe other");
    apis(two->to, serial, "contact-search");
    grants(two->to, serial, "user:9");
    assert_int_equal(
        cf_move_app(two->to->vault, &two->to->root, CF_IN_APPS, "billing", CF_IN_APPS, "renamed", NULL), CF_OK);
    assert_false(are_alike(two->from, two->to));
    moves(two, true, 0, 1, 2);
    assert_true(are_alike(two->from, two->to));
}

/* Replacing tells what it changes, all of it and nothing else, and does not bring back what was revoked here. */
static void test_replace_tells(void **state)
{
    struct two *two = *state;
    const int64_t serial = fixture_app(two->from, "billing").serial;
    struct cf_version version;
    struct cf_app here;
    struct pipe pipe;
    struct cf_txn txn;

    apis(two->from, serial, "audit-records contact-search");
    grants(two->from, serial, "user:7001");
    ctl(two->from, serial, "label env=prod\nlabel team=a");
    moves(two, false, 1, 0, 0);
    apis(two->to, serial, "audit-records contact-management");
    grants(two->to, serial, "user:7002 key");
    ctl(two->to, serial, "revoke 1\nrotate 0\ndisable\nexpire 2099-01-01\nlabel env=test\nlabel x=1");
    assert_int_equal(move_telling(two, true, &pipe), CF_OK);
    assert_string_equal(pipe.detail.data,
                        "version 1 stays revoked, enabled, expires never, generation 4 for 7, "
                        "when and by whom it was made or changed, version 2 lost, current, "
                        "version 1: its times +contact-search -contact-management +user:7001 -user:7002 key "
                        "~label.env -label.x");
    cf_text_release(&pipe.detail);
    moves(two, true, 0, 0, 1);
    here = fixture_again(two->to, serial);
    assert_int_equal(cf_txn_read(two->to->vault->store, &txn), CF_OK);
    assert_int_equal(cf_version_get(&txn, &here, 1, &version), CF_OK);
    assert_true(version.revoked);
    cf_txn_end(&txn);
}

/* By its name alone: the App here gets the identity of the other. */
static void test_replace_name(void **state)
{
    struct two *two = *state;

    in_all_states(two->from);
    fixture_app(two->to, "billing");
    assert_int_equal(
        cf_write_assignees(two->to->vault, &two->to->root, "cloud-storage-service", CF_REPLACE, "user:3\n", 7),
        CF_OK);
    moves(two, true, 2, 1, 0);
    moves(two, true, 0, 0, 3);
    assert_int_equal(fixture_findings(two->to), 0);
}

static void test_trash(void **state)
{
    struct two *two = *state;
    struct pipe pipe;
    struct cf_txn txn;
    int64_t count;

    fixture_app(two->from, "billing");
    moves(two, false, 1, 0, 0);
    assert_int_equal(cf_remove_app(two->to->vault, &two->to->root, CF_IN_APPS, "billing"), CF_OK);
    assert_int_equal(move(two, false, &pipe), CF_EFORBIDDEN); /* deleted here since */
    assert_non_null(strstr(pipe.fault.text, "trash"));
    moves(two, true, 0, 1, 0);
    assert_true(are_alike(two->from, two->to));
    /* In the trash there, another of its name in the trash here: the two lie side by side. */
    assert_int_equal(cf_remove_app(two->from->vault, &two->from->root, CF_IN_APPS, "billing"), CF_OK);
    assert_int_equal(cf_remove_app(two->to->vault, &two->to->root, CF_IN_APPS, "billing"), CF_OK);
    assert_int_equal(cf_remove_app(two->to->vault, &two->to->root, CF_IN_TRASH, "billing"), CF_OK);
    fixture_app(two->to, "billing");
    assert_int_equal(cf_remove_app(two->to->vault, &two->to->root, CF_IN_APPS, "billing"), CF_OK);
    moves(two, false, 1, 0, 0);
    moves(two, false, 0, 0, 1);
    moves(two, true, 0, 0, 1);
    assert_int_equal(cf_txn_read(two->to->vault->store, &txn), CF_OK);
    assert_int_equal(cf_app_count(&txn, CF_IN_TRASH, &count), CF_OK);
    cf_txn_end(&txn);
    assert_int_equal(count, 2);
}

static enum cf_error ignore_app(void *arg, const struct cf_parcel *parcel)
{
    int *count = arg;

    (void)parcel;
    (*count)++;
    return CF_OK;
}

static enum cf_error ignore_assignees(void *arg, const char *slug, const struct cf_grants *list)
{
    (void)arg;
    (void)slug;
    (void)list;
    return CF_OK;
}

static void test_export_of_some(void **state)
{
    struct two *two = *state;
    static const char *const some[] = {"b", "a", NULL}, *const missing[] = {"a", "none", NULL};
    struct cf_fault fault = {""};
    int count = 0;
    const struct cf_exporter exporter = {begin, ignore_app, ignore_assignees, &count};
    const int64_t records = cf_audit_count(two->from->vault->audit);

    fixture_app(two->from, "a");
    fixture_app(two->from, "b");
    fixture_app(two->from, "c");
    assert_int_equal(cf_export(two->from->vault, &two->from->root, some, &exporter, &fault), CF_OK);
    assert_int_equal(count, 2);
    assert_int_equal(cf_audit_count(two->from->vault->audit), records + 3 + 2);
    begun = 0;
    assert_int_equal(cf_export(two->from->vault, &two->from->root, missing, &exporter, &fault), CF_ENOENT);
    assert_non_null(strstr(fault.text, "none"));
    assert_int_equal(cf_export(two->from->vault, &two->from->stranger, NULL, &exporter, &fault), CF_EDENIED);
    assert_int_equal(cf_export(two->from->vault, &two->from->manager, NULL, &exporter, &fault), CF_EDENIED);
    assert_int_equal(begun, 0);
    assert_int_equal(count, 2);
}

static void test_tampered(void **state)
{
    struct two *two = *state;
    struct cf_fault fault = {""};
    int count = 0;
    const struct cf_exporter exporter = {begin, ignore_app, ignore_assignees, &count};

    fixture_app(two->from, "a");
    fixture_app(two->from, "b");
    fixture_sql(two->from, "UPDATE app SET disabled = 1 WHERE name = 'a'");
    assert_int_equal(cf_export(two->from->vault, &two->from->root, NULL, &exporter, &fault), CF_ETAMPER);
    assert_int_equal(count, 0);
}

/* --- simple Apps -------------------------------------------------------------------------------------------------- */

struct simple {
    struct cf_parcel parcel;
    const char *value[CF_FIELD_COUNT];
};

static enum cf_error value_of(void *arg, size_t at, enum cf_field field, struct cf_secret **out)
{
    const struct simple *simple = arg;

    assert_int_equal(at, 0);
    *out = cf_secret_copy(simple->value[field], strlen(simple->value[field]));
    return CF_OK;
}

static enum cf_error take(struct cf_import *import, const char *name, const char *key, const char *secret,
                          const char *slug, enum cf_outcome_kind *kind)
{
    struct simple simple = {.value = {[CF_KEY] = key, [CF_SECRET] = secret}};
    struct cf_assignment api = {0};
    struct cf_fault fault = {""};
    struct cf_outcome outcome;
    enum cf_error error;

    simple.parcel = (struct cf_parcel){.version_count = 1, .value = value_of, .arg = &simple};
    snprintf(simple.parcel.app.name, sizeof simple.parcel.app.name, "%s", name);
    simple.parcel.versions[0].fields = (key != NULL ? 1U << CF_KEY : 0U) | (secret != NULL ? 1U << CF_SECRET : 0U);
    simple.parcel.has_apis = slug != NULL;
    if (slug != NULL && *slug != '\0') {
        snprintf(api.slug, sizeof api.slug, "%s", slug);
        assert_true(cf_parcel_add_api(&simple.parcel, &api));
    }
    error = cf_import_app(import, &simple.parcel, &outcome, &fault);
    assert_true(error == CF_OK || fault.text[0] != '\0');
    assert_true(key == NULL || strlen(key) < 4 || outcome.detail.data == NULL ||
                strstr(outcome.detail.data, key) == NULL);
    *kind = outcome.kind;
    cf_text_release(&outcome.detail);
    cf_parcel_release(&simple.parcel);
    return error;
}

/* One App in an import of its own. */
static enum cf_error import_one(struct fixture *fixture, bool replaces, const char *name, const char *key,
                                const char *secret, const char *slug, enum cf_outcome_kind *kind)
{
    struct cf_fault fault = {""};
    struct cf_import *import;
    enum cf_error error;

    assert_int_equal(cf_import_begin(fixture->vault, &fixture->root, replaces, &import, &fault), CF_OK);
    error = take(import, name, key, secret, slug, kind);
    if (error == CF_OK)
        error = cf_import_commit(import, &fault);
    cf_import_end(import, error);
    return error;
}

static struct cf_app app_called(struct fixture *fixture, const char *name)
{
    struct cf_app app;
    struct cf_txn txn;

    assert_int_equal(cf_txn_read(fixture->vault->store, &txn), CF_OK);
    assert_int_equal(cf_app_by_name(&txn, CF_IN_APPS, name, &app), CF_OK);
    cf_txn_end(&txn);
    return app;
}

static void test_simple(void **state)
{
    struct two *two = *state;
    struct fixture *fixture = two->to;
    enum cf_outcome_kind kind;
    struct cf_app app;
    char *text;

    assert_int_equal(import_one(fixture, false, "a", "eght_1", "s", "audit-records", &kind), CF_OK);
    assert_int_equal(kind, CF_NEW);
    app = app_called(fixture, "a");
    assert_true(fixture_has_value(fixture, app.serial, CF_KEY, "eght_1", 6));
    assert_int_equal(app.version, 1);
    assert_int_equal(app.generation, 1);
    assert_int_equal(import_one(fixture, false, "a", "eght_1", "s", "audit-records", &kind), CF_OK);
    assert_int_equal(kind, CF_SAME);
    assert_int_equal(import_one(fixture, false, "a", NULL, NULL, "contact-search", &kind), CF_OK);
    assert_int_equal(kind, CF_CHANGED);
    assert_int_equal(import_one(fixture, false, "a", NULL, "s2", NULL, &kind), CF_OK);
    app = app_called(fixture, "a");
    assert_int_equal(app.version, 2);
    assert_int_equal(app.generation, 3);
    assert_true(fixture_has_value(fixture, app.serial, CF_KEY, "eght_1", 6));
    assert_int_equal(import_one(fixture, true, "a", NULL, NULL, "contact-management", &kind), CF_OK);
    text = fixture_apis(fixture, app.serial);
    assert_string_equal(text, "contact-management\n");
    free(text);
    assert_int_equal(import_one(fixture, true, "a", "eght_1", NULL, NULL, &kind), CF_OK);
    assert_int_equal(kind, CF_SAME);
    assert_int_equal(fixture_findings(fixture), 0);
}

static void test_refused(void **state)
{
    struct two *two = *state;
    struct fixture *fixture = two->to;
    const int64_t serial = fixture_app(fixture, "leaked").serial;
    const int64_t apps = 1;
    enum cf_outcome_kind kind;
    struct cf_counts counts;

    assert_int_equal(import_one(fixture, false, "a b", "k", "s", NULL, &kind), CF_ENAME);
    assert_int_equal(import_one(fixture, false, "", "k", "s", NULL, &kind), CF_ENAME);
    assert_int_equal(import_one(fixture, false, "a", NULL, NULL, NULL, &kind), CF_EVALUE);
    assert_int_equal(import_one(fixture, false, "a", "", "s", NULL, &kind), CF_EVALUE);
    assert_int_equal(import_one(fixture, false, "a", "two\nlines", "s", NULL, &kind), CF_EVALUE);
    assert_int_equal(import_one(fixture, false, "a", "\xff", "s", NULL, &kind), CF_EVALUE);
    assert_int_equal(import_one(fixture, false, "a", "cfk_mistyped", "s", NULL, &kind), CF_EVALUE);
    assert_int_equal(import_one(fixture, false, "a", "k", "s", "no-such-api", &kind), CF_ESLUG);
    assert_int_equal(import_one(fixture, false, "a", "k", "s", "cloud-storage-service", &kind), CF_EUNASSIGNED);
    set(fixture, serial, CF_KEY, "known");
    ctl(fixture, serial, "rotate 0\nrevoke 2");
    assert_int_equal(import_one(fixture, false, "leaked", "known", NULL, NULL, &kind), CF_EREVOKED);
    /* Each by itself, whatever comes with it; the secret of version 2 was never told here. */
    assert_int_equal(import_one(fixture, false, "leaked", "known", "other", NULL, &kind), CF_EREVOKED);
    set(fixture, serial, CF_SECRET, "leaked one");
    ctl(fixture, serial, "rotate 0\nrevoke 4");
    assert_int_equal(import_one(fixture, false, "leaked", "other", "leaked one", NULL, &kind), CF_EREVOKED);
    assert_int_equal(cf_vault_count(fixture->vault, &counts), CF_OK);
    assert_int_equal(counts.apps, apps);
    assert_int_equal(app_called(fixture, "leaked").version, 5);
}

/* The same list again, after a rotation, undoes nothing; unless it is to replace. */
static void test_simple_again(void **state)
{
    struct two *two = *state;
    struct fixture *fixture = two->to;
    enum cf_outcome_kind kind;

    assert_int_equal(import_one(fixture, false, "a", "key", "one", NULL, &kind), CF_OK);
    ctl(fixture, app_called(fixture, "a").serial, "rotate 0");
    assert_int_equal(import_one(fixture, false, "a", "key", "one", NULL, &kind), CF_OK);
    assert_int_equal(kind, CF_SAME);
    assert_int_equal(app_called(fixture, "a").version, 2);
    assert_int_equal(import_one(fixture, true, "a", "key", "one", NULL, &kind), CF_OK);
    assert_int_equal(kind, CF_CHANGED);
    assert_int_equal(app_called(fixture, "a").version, 3);
}

/* The secret of a version was revoked, and its key goes on with another one. */
static void test_key_goes_on(void **state)
{
    struct two *two = *state;
    struct fixture *fixture = two->to;
    enum cf_outcome_kind kind;
    int64_t serial;

    assert_int_equal(import_one(fixture, false, "a", "key", "one", NULL, &kind), CF_OK);
    serial = app_called(fixture, "a").serial;
    set(fixture, serial, CF_SECRET, "two");
    ctl(fixture, serial, "revoke 1");
    assert_int_equal(import_one(fixture, false, "a", "key", "one", NULL, &kind), CF_EREVOKED);
    assert_int_equal(import_one(fixture, false, "a", "key", "three", NULL, &kind), CF_OK);
    assert_int_equal(app_called(fixture, "a").version, 3);
}

/* The second App is wrong: there is nothing of the first, and one record says so. */
static void test_all_or_nothing(void **state)
{
    struct two *two = *state;
    struct fixture *fixture = two->to;
    const int64_t records = cf_audit_count(fixture->vault->audit);
    struct cf_fault fault = {""};
    enum cf_outcome_kind kind;
    struct cf_import *import;
    struct cf_counts counts;
    enum cf_error error;

    assert_int_equal(cf_import_begin(fixture->vault, &fixture->root, false, &import, &fault), CF_OK);
    assert_int_equal(take(import, "a", "k", "s", NULL, &kind), CF_OK);
    error = take(import, "a", "k", "s", NULL, &kind);
    assert_int_equal(error, CF_EEXIST); /* twice, though the same */
    cf_import_end(import, error);
    assert_int_equal(cf_vault_count(fixture->vault, &counts), CF_OK);
    assert_int_equal(counts.apps, 0);
    assert_int_equal(cf_audit_count(fixture->vault->audit), records + 1);
    /* A trial leaves nothing either, and no record. */
    assert_int_equal(cf_import_begin(fixture->vault, &fixture->root, false, &import, &fault), CF_OK);
    assert_int_equal(take(import, "a", "k", "s", NULL, &kind), CF_OK);
    cf_import_end(import, CF_OK);
    assert_int_equal(cf_vault_count(fixture->vault, &counts), CF_OK);
    assert_int_equal(counts.apps, 0);
    assert_int_equal(cf_audit_count(fixture->vault->audit), records + 1);
    assert_int_equal(cf_import_begin(fixture->vault, &fixture->stranger, false, &import, &fault), CF_EDENIED);
    assert_null(import);
}

/* What no export would give. */
static void test_impossible(void **state)
{
    enum { CASES = 21 };
    struct two *two = *state;
    struct cf_assignment api = {.slug = "audit-records"};
    struct cf_grant grant = {.who = {CF_USER, 1, 1}, .field = CF_NO_FIELD};
    const struct cf_parcel good = {
        .is_whole = true,
        .app = {.name = "a", .created = 1, .updated = 2, .generation = 3, .version = 2},
        .versions = {{.number = 2, .created = 2}, {.number = 1, .created = 1, .deadline = 2}},
        .version_count = 2,
        .apis = {&api, 1},
        .grants = {.at = &grant, .count = 1},
    };

    for (int i = 0; i < CASES; i++) {
        struct cf_parcel parcel = good;
        struct cf_fault fault = {""};
        struct cf_outcome outcome;
        struct cf_import *import;
        enum cf_error error;
        parcel.app.created = i == 1 ? 0 : i == 10 ? INT64_MAX : 1;
        parcel.app.updated = i == 11 ? INT64_MAX : 2;
        parcel.app.generation = i == 2 ? 0 : i == 12 ? (INT64_C(1) << 53) + 1 : i == 13 ? INT64_MAX : 3;
        parcel.app.version = i == 3 ? 3 : i == 14 ? INT64_MAX - 1 : 2;
        parcel.versions[0].number = i == 14 ? INT64_MAX - 1 : 2;
        parcel.app.trashed = i == 4 ? 1 : i == 15 ? INT64_MAX : 0;
        parcel.app.place = i == 5 || i == 15 ? CF_IN_TRASH : CF_IN_APPS;
        parcel.version_count = i == 6 ? 0 : 2;
        parcel.versions[1].number = i == 7 ? 2 : 1;
        parcel.versions[1].deadline = i == 8 ? 0 : 2;
        parcel.versions[0].deadline = i == 9 || i == 20 ? 5 : 0;
        parcel.versions[0].revoked = i == 20;
        parcel.versions[1].created = i == 16 ? INT64_MAX : 1;
        parcel.app.id[0] = (uint8_t)i;
        snprintf(parcel.app.name, sizeof parcel.app.name, "app%d", i);
        api.since = i == 17 ? INT64_MAX : 1;
        grant.since = i == 18 ? 0 : i == 19 ? INT64_MAX : 1;
        assert_int_equal(cf_import_begin(two->to->vault, &two->to->root, false, &import, &fault), CF_OK);
        error = cf_import_app(import, &parcel, &outcome, &fault);
        assert_int_equal(error, i == 0 || i == 20 ? CF_OK : CF_EVALUE);
        cf_text_release(&outcome.detail);
        if (error == CF_OK) {
            grant.since = INT64_MAX;
            assert_int_equal(cf_import_assignees(import, "cloud-storage-service", &parcel.grants, &outcome, &fault),
                             CF_EVALUE);
            cf_text_release(&outcome.detail);
        }
        cf_import_end(import, error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_exact, setup, teardown),
        cmocka_unit_test_setup_teardown(test_merge, setup, teardown),
        cmocka_unit_test_setup_teardown(test_merge_grants, setup, teardown),
        cmocka_unit_test_setup_teardown(test_older, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replace, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replace_tells, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replace_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trash, setup, teardown),
        cmocka_unit_test_setup_teardown(test_export_of_some, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tampered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_simple, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_simple_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_or_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_impossible, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
