/* change.h: every change is whole or nothing, and touches only what it names. */
#include "fixture.h"

#include "credential.h"
#include "generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum cf_error apis(struct fixture *fixture, int64_t serial, enum cf_write_mode mode, const char *text)
{
    return cf_write_apis(fixture->vault, &fixture->admin, serial, mode, text, strlen(text));
}

static enum cf_error grants(struct fixture *fixture, int64_t serial, enum cf_write_mode mode, const char *text)
{
    return cf_write_grants(fixture->vault, &fixture->admin, serial, mode, text, strlen(text));
}

static enum cf_error ctl(struct fixture *fixture, int64_t serial, const char *text)
{
    return cf_write_ctl(fixture->vault, &fixture->admin, serial, text, strlen(text));
}

static void assert_apis(struct fixture *fixture, int64_t serial, const char *expected)
{
    char *text = fixture_apis(fixture, serial);

    assert_string_equal(text, expected);
    free(text);
}

static void assert_grants(struct fixture *fixture, int64_t serial, const char *expected)
{
    char *text = fixture_grants(fixture, serial);

    assert_string_equal(text, expected);
    free(text);
}

static void test_create(void **state)
{
    struct fixture *fixture = *state;
    struct cf_app app = fixture_app(fixture, "billing"), other;
    struct cf_secret *key = fixture_value(fixture, app.serial, CF_KEY);
    struct cf_secret *secret = fixture_value(fixture, app.serial, CF_SECRET);

    assert_int_equal(cf_secret_len(key), 36);
    assert_int_equal(cf_secret_len(secret), 47);
    assert_true(cf_generated_valid((const char *)cf_secret_peek(key), 36));
    assert_true(cf_generated_valid((const char *)cf_secret_peek(secret), 47));
    cf_secret_free(key);
    cf_secret_free(secret);
    assert_int_equal(cf_create_app(fixture->vault, &fixture->root, "billing", &other), CF_EEXIST);
    assert_int_equal(cf_create_app(fixture->vault, &fixture->stranger, "theirs", &other), CF_EDENIED);
    assert_int_equal(cf_create_app(fixture->vault, &fixture->revealer, "theirs", &other), CF_EDENIED);
    assert_int_equal(cf_create_app(fixture->vault, &fixture->manager, "theirs", &other), CF_OK);
    assert_int_equal(other.created_by, MANAGER);
    assert_int_equal(fixture_findings(fixture), 0);
}

static void test_bad_names(void **state)
{
    static const char *const names[] = {"",
                                        " ",
                                        "a b",
                                        "a\tb",
                                        "a\nb",
                                        "a\xc2\xa0"
                                        "b",
                                        "a/b",
                                        ".hidden",
                                        "-dash",
                                        "a\xff"
                                        "b",
                                        "a\x7f",
                                        "\xe2\x80\x8b"
                                        "a",
                                        "a\x01",
                                        "a\xe3\x80\x80"
                                        "b",
                                        "\xed\xa0\x80"};
    struct fixture *fixture = *state;
    struct cf_counts counts;
    struct cf_app app;
    char longest[130];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(cf_create_app(fixture->vault, &fixture->root, names[i], &app), CF_ENAME);
    memset(longest, 'n', sizeof longest);
    longest[129] = '\0';
    assert_int_equal(cf_create_app(fixture->vault, &fixture->root, longest, &app), CF_ENAME);
    longest[128] = '\0';
    assert_int_equal(cf_create_app(fixture->vault, &fixture->root, longest, &app), CF_OK);
    assert_int_equal(cf_vault_count(fixture->vault, &counts), CF_OK);
    assert_int_equal(counts.apps, 1);
}

static void test_apis(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;

    assert_int_equal(apis(fixture, serial, CF_REPLACE, "audit-records work-analytics # two\n"), CF_OK);
    assert_apis(fixture, serial, "work-analytics\naudit-records\n"); /* catalogue order */
    assert_int_equal(apis(fixture, serial, CF_ADD, "contact-search"), CF_OK);
    assert_apis(fixture, serial, "work-analytics\naudit-records\ncontact-search\n");
    assert_int_equal(apis(fixture, serial, CF_REPLACE, "+contact-management -audit-records"), CF_OK);
    assert_apis(fixture, serial, "work-analytics\ncontact-search\ncontact-management\n");
    assert_int_equal(apis(fixture, serial, CF_REPLACE, "-audit-records +audit-records -audit-records"), CF_OK);
    assert_apis(fixture, serial, "work-analytics\ncontact-search\ncontact-management\n");
    assert_int_equal(apis(fixture, serial, CF_REPLACE, "contact-search contact-search\n"), CF_OK);
    assert_apis(fixture, serial, "contact-search\n");
    assert_int_equal(apis(fixture, serial, CF_REPLACE, "\n"), CF_OK);
    assert_apis(fixture, serial, "");
    assert_int_equal(fixture_findings(fixture), 0);
}

static void test_apis_refused(void **state)
{
    static const struct {
        const char *text;
        enum cf_error error;
    } cases[] = {
        {"audit-records no-such-api", CF_ESLUG},
        {"+audit-records contact-search", CF_EMIXED},
        {"-no-such-api", CF_ESLUG},
        {"Audit-Records", CF_ESLUG},
        {"audit-records\x01", CF_ESLUG},
        {"contact-search cloud-storage-service", CF_EUNASSIGNED},
        {"+", CF_EVALUE},
    };
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    int64_t generation;

    assert_int_equal(apis(fixture, serial, CF_REPLACE, "audit-records"), CF_OK);
    generation = fixture_again(fixture, serial).generation;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(apis(fixture, serial, CF_REPLACE, cases[i].text), cases[i].error);
        assert_apis(fixture, serial, "audit-records\n");
    }
    assert_int_equal(fixture_again(fixture, serial).generation, generation);
    assert_int_equal(apis(fixture, serial + 1, CF_REPLACE, "audit-records"), CF_ENOENT);
}

static enum cf_error assign(struct fixture *fixture, const char *slug, const char *text)
{
    return cf_write_assignees(fixture->vault, &fixture->root, slug, CF_REPLACE, text, strlen(text));
}

static void test_user_assignment(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;

    assert_int_equal(apis(fixture, serial, CF_ADD, "cloud-storage-service"), CF_EUNASSIGNED);
    assert_int_equal(assign(fixture, "audit-records", "user:5001"), CF_EFORBIDDEN);
    assert_int_equal(assign(fixture, "no-such-api", "user:5001"), CF_EFORBIDDEN);
    assert_int_equal(assign(fixture, "cloud-storage-service", "group:6001"), CF_EVALUE);
    assert_int_equal(assign(fixture, "cloud-storage-service", "user:5001 key"), CF_EVALUE);
    assert_int_equal(assign(fixture, "cloud-storage-service", "user:5001"), CF_OK);
    assert_int_equal(apis(fixture, serial, CF_ADD, "cloud-storage-service"), CF_OK);
    /* What the App has stays, and others who edit it need no assignment of their own for it. */
    assert_int_equal(assign(fixture, "cloud-storage-service", "-user:5001"), CF_OK);
    assert_int_equal(apis(fixture, serial, CF_REPLACE, "cloud-storage-service audit-records"), CF_OK);
    assert_int_equal(apis(fixture, serial, CF_REPLACE, "-cloud-storage-service"), CF_OK);
    assert_int_equal(apis(fixture, serial, CF_REPLACE, "+cloud-storage-service"), CF_EUNASSIGNED);
    assert_int_equal(fixture_findings(fixture), 0);
}

static void test_grants(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;

    assert_int_equal(grants(fixture, serial, CF_REPLACE, "user:5005\ngroup:6002 key\n"), CF_OK);
    assert_grants(fixture, serial, "user:5005\ngroup:6002 key\n");
    assert_int_equal(grants(fixture, serial, CF_ADD, "user:100000-165535"), CF_OK);
    assert_int_equal(grants(fixture, serial, CF_REPLACE, "-group:6002 key\n+user:7007 secret"), CF_OK);
    assert_grants(fixture, serial, "user:5005\nuser:7007 secret\nuser:100000-165535\n");
    assert_int_equal(grants(fixture, serial, CF_REPLACE, "user:no-such-user-here"), CF_EPRINCIPAL);
    assert_int_equal(grants(fixture, serial, CF_REPLACE, "user:7007 nofield"), CF_EVALUE);
    assert_int_equal(grants(fixture, serial, CF_REPLACE, "user:7007 key secret"), CF_EVALUE);
    assert_int_equal(grants(fixture, serial, CF_REPLACE, "alice"), CF_EVALUE);
    assert_int_equal(grants(fixture, serial, CF_REPLACE, "user:9-5"), CF_EVALUE);
    assert_grants(fixture, serial, "user:5005\nuser:7007 secret\nuser:100000-165535\n");
    assert_int_equal(grants(fixture, serial, CF_REPLACE, ""), CF_OK);
    assert_grants(fixture, serial, "");
    assert_int_equal(fixture_findings(fixture), 0);
}

static enum cf_error field(struct fixture *fixture, int64_t serial, enum cf_field which, enum cf_write_mode mode,
                           const char *text)
{
    return cf_write_field(fixture->vault, &fixture->admin, serial, which, mode, text, strlen(text));
}

static void test_import(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    static const char odd[] = "  eght_Zeichen \xc3\xa4#=\"'$\\ \n";
    struct cf_secret *secret = fixture_value(fixture, serial, CF_SECRET);
    char longest[4003];

    assert_int_equal(field(fixture, serial, CF_KEY, CF_REPLACE, odd), CF_OK);
    assert_true(fixture_has_value(fixture, serial, CF_KEY, odd, strlen(odd) - 1));
    assert_true(
        fixture_has_value(fixture, serial, CF_SECRET, (const char *)cf_secret_peek(secret), cf_secret_len(secret)));
    cf_secret_free(secret);
    assert_int_equal(fixture_again(fixture, serial).version, 2);
    assert_int_equal(field(fixture, serial, CF_KEY, CF_REPLACE, ""), CF_EVALUE);
    assert_int_equal(field(fixture, serial, CF_KEY, CF_REPLACE, "\n"), CF_EVALUE);
    assert_int_equal(field(fixture, serial, CF_KEY, CF_REPLACE, "two\nlines\n"), CF_EVALUE);
    assert_int_equal(field(fixture, serial, CF_KEY, CF_REPLACE, "bell\x07"), CF_EVALUE);
    assert_int_equal(field(fixture, serial, CF_KEY, CF_ADD, "more"), CF_EVALUE);
    assert_int_equal(field(fixture, serial, CF_KEY, CF_REPLACE, "cfk_0123456789012345678901234567890x"), CF_EVALUE);
    memset(longest, 'v', sizeof longest);
    longest[4001] = '\0';
    assert_int_equal(field(fixture, serial, CF_KEY, CF_REPLACE, longest), CF_EVALUE);
    assert_int_equal(fixture_again(fixture, serial).version, 2);
    longest[4000] = '\n';
    assert_int_equal(field(fixture, serial, CF_SECRET, CF_REPLACE, longest), CF_OK);
    assert_true(fixture_has_value(fixture, serial, CF_SECRET, longest, 4000));
    assert_int_equal(fixture_findings(fixture), 0);
}

static void test_ctl(void **state)
{
    static const char *const bad[] = {
        "explode", "rotate now", "rotate 1h 2h", "revoke 9",    "rollback 9", "expire 5x",      "disable all",
        "label",   "label x",    "label =v",     "label a b=c", "ROTATE",     "describe a\x01", "disable\nexplode"};
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    struct cf_secret *key = fixture_value(fixture, serial, CF_KEY);
    struct cf_app app;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(ctl(fixture, serial, bad[i]), CF_ECOMMAND);
    app = fixture_again(fixture, serial);
    assert_false(app.disabled);
    assert_int_equal(app.version, 1);
    assert_int_equal(ctl(fixture, serial, "rotate\n"), CF_OK);
    assert_int_equal(fixture_again(fixture, serial).version, 2);
    assert_false(fixture_has_value(fixture, serial, CF_KEY, (const char *)cf_secret_peek(key), cf_secret_len(key)));
    cf_secret_free(key);
    assert_int_equal(ctl(fixture, serial, " describe  the billing service \nlabel env=prod\n\n"), CF_OK);
    assert_int_equal(ctl(fixture, serial, "disable"), CF_OK);
    assert_true(fixture_again(fixture, serial).disabled);
    assert_int_equal(cf_vault_value(fixture->vault, serial, 2, CF_KEY, &key), CF_EREVOKED);
    assert_int_equal(ctl(fixture, serial, "enable"), CF_OK);
    assert_int_equal(cf_vault_value(fixture->vault, serial, 2, CF_KEY, &key), CF_OK);
    cf_secret_free(key);
}

static bool has(struct fixture *fixture, int64_t serial, enum cf_field field, const char *value)
{
    return fixture_has_value(fixture, serial, field, value, strlen(value));
}

/* All lines with import of one write are one version; what it says is kept to the letter. */
static void test_ctl_import(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    int64_t first = 1;

    assert_int_equal(
        ctl(fixture, serial, "import key issued-key\n\n import  secret  an issued secret \ndisable\nenable\n"),
        CF_OK);
    assert_int_equal(fixture_again(fixture, serial).version, 2);
    assert_true(has(fixture, serial, CF_KEY, "issued-key"));
    assert_true(has(fixture, serial, CF_SECRET, " an issued secret "));
    assert_int_equal(cf_vault_reveal(fixture->vault, &fixture->root, serial, CF_KEY, &first), CF_OK); /* retiring */
    assert_int_equal(ctl(fixture, serial, "import secret  an issued secret \nimport key issued-key"), CF_OK);
    assert_int_equal(fixture_again(fixture, serial).version, 2); /* it is there */
    assert_int_equal(ctl(fixture, serial, "rotate 0\nimport token t\nrevoke 3"), CF_OK);
    assert_int_equal(fixture_again(fixture, serial).version, 4);
    assert_int_equal(cf_vault_reveal(fixture->vault, &fixture->root, serial, CF_SECRET, &(int64_t){0}),
                     CF_EREVOKED);
    assert_int_equal(fixture_findings(fixture), 0);
}

static void test_ctl_import_refused(void **state)
{
    static const struct {
        const char *text;
        enum cf_error error;
    } bad[] = {
        {"import", CF_ECOMMAND},
        {"import key", CF_EVALUE},
        {"import key ", CF_EVALUE},
        {"import nofield value", CF_ECOMMAND},
        {"import key one\nimport key two", CF_ECOMMAND},
        {"import key one\nenable\nimport secret two", CF_ECOMMAND},
        {"import key one\nimport secret bell\x07", CF_EVALUE},
        {"import key one\r\n", CF_EVALUE},
        {"import key cfk_0123456789012345678901234567890x", CF_EVALUE},
        {"import key one\nexplode", CF_ECOMMAND},
        {"revoke 1\nimport secret old-secret", CF_EREVOKED},
    };
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    struct cf_app before;

    assert_int_equal(field(fixture, serial, CF_SECRET, CF_REPLACE, "old-secret"), CF_OK);
    assert_int_equal(ctl(fixture, serial, "rollback 2\nrevoke 2\nrotate"), CF_OK);
    before = fixture_again(fixture, serial);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(ctl(fixture, serial, bad[i].text), bad[i].error);
        assert_int_equal(fixture_again(fixture, serial).generation, before.generation);
    }
}

/* Each field may be as long as in a write of its own. */
static void test_ctl_import_longest(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    static char too_long[32 * 1024 + 1];
    char value[CF_VALUE_MAX + 1];
    struct cf_text text = {0};

    memset(value, 'v', CF_VALUE_MAX);
    value[CF_VALUE_MAX] = '\0';
    for (int i = 0; i < CF_FIELD_COUNT; i++)
        cf_text_printf(&text, "import %s %s\n", cf_field_word((enum cf_field)i), value);
    assert_int_equal(ctl(fixture, serial, text.data), CF_OK);
    for (int i = 0; i < CF_FIELD_COUNT; i++)
        assert_true(has(fixture, serial, (enum cf_field)i, value));
    text.data[text.len - 1] = 'v';
    assert_int_equal(ctl(fixture, serial, text.data), CF_EVALUE);
    cf_text_release(&text);
    memset(too_long, '\n', sizeof too_long);
    assert_int_equal(cf_write_ctl(fixture->vault, &fixture->root, serial, too_long, sizeof too_long), CF_ETOOBIG);
    assert_int_equal(cf_write_ctl(fixture->vault, &fixture->root, serial, too_long, sizeof too_long - 1), CF_OK);
}

static void test_values_stay(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    struct cf_secret *key = fixture_value(fixture, serial, CF_KEY);

    assert_int_equal(apis(fixture, serial, CF_REPLACE, "audit-records"), CF_OK);
    assert_int_equal(grants(fixture, serial, CF_REPLACE, "user:5005"), CF_OK);
    assert_int_equal(ctl(fixture, serial, "describe x\nlabel a=b\ndisable\nenable"), CF_OK);
    assert_int_equal(
        cf_move_app(fixture->vault, &fixture->admin, CF_IN_APPS, "billing", CF_IN_APPS, "paying", NULL), CF_OK);
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->admin, CF_IN_APPS, "paying"), CF_OK);
    assert_int_equal(
        cf_move_app(fixture->vault, &fixture->admin, CF_IN_TRASH, "paying", CF_IN_APPS, "billing", NULL), CF_OK);
    assert_true(fixture_has_value(fixture, serial, CF_KEY, (const char *)cf_secret_peek(key), cf_secret_len(key)));
    assert_int_equal(fixture_again(fixture, serial).version, 1);
    assert_apis(fixture, serial, "audit-records\n");
    assert_grants(fixture, serial, "user:5005\n");
    cf_secret_free(key);
}

static enum cf_error move(struct fixture *fixture, enum cf_place from, const char *name, enum cf_place to,
                          const char *new_name)
{
    return cf_move_app(fixture->vault, &fixture->admin, from, name, to, new_name, NULL);
}

static void test_trash(void **state)
{
    struct fixture *fixture = *state;
    const struct cf_app first = fixture_app(fixture, "billing");
    struct cf_app second, third;
    char name[CF_ENTRY_MAX + 1];

    assert_int_equal(cf_remove_app(fixture->vault, &fixture->stranger, CF_IN_APPS, "billing"), CF_EDENIED);
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->admin, CF_IN_APPS, "billing"), CF_OK);
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->admin, CF_IN_APPS, "billing"), CF_ENOENT);
    assert_int_equal(apis(fixture, first.serial, CF_REPLACE, "audit-records"), CF_EFORBIDDEN);
    assert_int_equal(ctl(fixture, first.serial, "rotate"), CF_EFORBIDDEN);
    second = fixture_app(fixture, "billing");
    assert_int_not_equal(second.serial, first.serial);
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->admin, CF_IN_APPS, "billing"), CF_OK);
    snprintf(name, sizeof name, "billing.%d", (int)second.serial);
    third = fixture_app(fixture, "billing");
    assert_int_equal(move(fixture, CF_IN_TRASH, name, CF_IN_APPS, "billing"), CF_EEXIST);
    assert_int_equal(move(fixture, CF_IN_TRASH, name, CF_IN_TRASH, "other"), CF_EFORBIDDEN);
    assert_int_equal(move(fixture, CF_IN_TRASH, name, CF_IN_APPS, "has space"), CF_ENAME);
    assert_int_equal(move(fixture, CF_IN_TRASH, name, CF_IN_APPS, "second"), CF_OK);
    assert_int_equal(move(fixture, CF_IN_APPS, "second", CF_IN_APPS, "billing"), CF_EEXIST);
    assert_int_equal(move(fixture, CF_IN_APPS, "billing", CF_IN_TRASH, "away"), CF_OK);
    assert_int_equal(fixture_again(fixture, third.serial).place, CF_IN_TRASH);
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->admin, CF_IN_TRASH, "away"), CF_OK);
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->admin, CF_IN_TRASH, "billing"), CF_OK);
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->admin, CF_IN_TRASH, "billing"), CF_ENOENT);
    assert_true(fixture_app(fixture, "away").serial > third.serial);
    assert_int_equal(fixture_findings(fixture), 0);
}

static void test_reopen(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    struct cf_secret *key = fixture_value(fixture, serial, CF_KEY);

    assert_int_equal(apis(fixture, serial, CF_REPLACE, "audit-records"), CF_OK);
    fixture_reopen(fixture);
    assert_apis(fixture, serial, "audit-records\n");
    assert_true(fixture_has_value(fixture, serial, CF_KEY, (const char *)cf_secret_peek(key), cf_secret_len(key)));
    cf_secret_free(key);
    assert_int_equal(fixture_findings(fixture), 0);
}

/* A request whose worker died after its change was made, and one that was never made. */
static void test_again(void **state)
{
    struct fixture *fixture = *state;
    struct cf_request request = {.session = 77, .number = 2, .slot = 3};
    struct cf_app app, same;

    fixture->admin.request = &request;
    assert_int_equal(cf_create_app(fixture->vault, &fixture->admin, "billing", &app), CF_OK);
    request.is_again = true;
    assert_int_equal(cf_create_app(fixture->vault, &fixture->admin, "billing", &same), CF_OK);
    assert_int_equal(same.serial, app.serial);
    request.number = 4; /* another request in the same slot, that was not answered */
    assert_int_equal(cf_create_app(fixture->vault, &fixture->admin, "billing", &same), CF_EEXIST);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ctl(fixture, app.serial, "rotate"), CF_OK);
    assert_int_equal(fixture_again(fixture, app.serial).version, 2);
    request.number = 6;
    for (int i = 0; i < 2; i++)
        assert_int_equal(move(fixture, CF_IN_APPS, "billing", CF_IN_APPS, "paying"), CF_OK);
    request.number = 8;
    for (int i = 0; i < 2; i++)
        assert_int_equal(apis(fixture, app.serial, CF_ADD, "audit-records"), CF_OK);
    request.session = 78; /* the numbers of another mount mean other requests */
    assert_int_equal(apis(fixture, app.serial, CF_REPLACE, "\n"), CF_OK);
    assert_apis(fixture, app.serial, "");
    request.number = 10;
    for (int i = 0; i < 2; i++)
        assert_int_equal(cf_remove_app(fixture->vault, &fixture->admin, CF_IN_APPS, "paying"), CF_OK);
    request.number = 12;
    for (int i = 0; i < 2; i++)
        assert_int_equal(cf_remove_app(fixture->vault, &fixture->admin, CF_IN_TRASH, "paying"), CF_OK);
    assert_int_equal(fixture_findings(fixture), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_create),
        TEST(test_bad_names),
        TEST(test_apis),
        TEST(test_apis_refused),
        TEST(test_user_assignment),
        TEST(test_grants),
        TEST(test_import),
        TEST(test_ctl),
        TEST(test_ctl_import),
        TEST(test_ctl_import_refused),
        TEST(test_ctl_import_longest),
        TEST(test_values_stay),
        TEST(test_trash),
        TEST(test_reopen),
        TEST(test_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
