/* Who is shown a view, what is recorded, and for how long its text is given out. */
#include "fixture.h"

#include "transfer.h"
#include "view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct cf_view env = {.form = CF_VIEW_ENV}, json = {.form = CF_VIEW_JSON},
                            properties = {.form = CF_VIEW_PROPERTIES};

/* A service that gives tokens, and what it was asked. */
struct service {
    int asked;
    const char *token; /* NULL: it gives none, but error */
    enum cf_error error;
    const char *wants; /* what must stand in the request */
};

static enum cf_error fetch(void *arg, const struct cf_token_request *request, struct cf_secret **token)
{
    struct service *service = arg;
    const char *config = (const char *)cf_secret_peek(request->config);

    service->asked++;
    *token = NULL;
    assert_non_null(request->id);
    assert_true(request->version > 0);
    if (service->wants != NULL)
        assert_non_null(memmem(config, cf_secret_len(request->config), service->wants, strlen(service->wants)));
    if (service->token == NULL)
        return service->error;
    *token = cf_secret_copy(service->token, strlen(service->token));
    return *token != NULL ? CF_OK : CF_ENOMEM;
}

static enum cf_error no_fetch(void *arg, const struct cf_token_request *request, struct cf_secret **token)
{
    (void)arg;
    (void)request;
    (void)token;
    fail_msg("a token is asked for");
    return CF_EIO;
}

static enum cf_error reveal(struct fixture *fixture, struct cf_caller *caller, int64_t serial,
                            const struct cf_view *view, struct cf_rendered *out)
{
    return cf_view_reveal(fixture->vault, caller, serial, view, "views/x", no_fetch, NULL, out);
}

/* What a caller's open gives, and nothing more. */
static enum cf_error outcome(struct fixture *fixture, struct cf_caller *caller, int64_t serial)
{
    struct cf_rendered rendered;
    enum cf_error error = reveal(fixture, caller, serial, &env, &rendered);

    assert_int_equal(rendered.sealed.bytes == NULL, error != CF_OK);
    cf_rendered_release(&rendered);
    return error;
}

static void write_field(struct fixture *fixture, int64_t serial, enum cf_field field, const char *value)
{
    assert_int_equal(
        cf_write_field(fixture->vault, &fixture->root, serial, field, CF_REPLACE, value, strlen(value)), CF_OK);
}

static void ctl(struct fixture *fixture, int64_t serial, const char *command)
{
    assert_int_equal(cf_write_ctl(fixture->vault, &fixture->root, serial, command, strlen(command)), CF_OK);
}

static void set_apis(struct fixture *fixture, int64_t serial, const char *apis)
{
    assert_int_equal(cf_write_apis(fixture->vault, &fixture->root, serial, CF_REPLACE, apis, strlen(apis)), CF_OK);
}

static void grant(struct fixture *fixture, int64_t serial, const char *text)
{
    assert_int_equal(cf_write_grants(fixture->vault, &fixture->root, serial, CF_REPLACE, text, strlen(text)),
                     CF_OK);
}

static void assert_shown(struct fixture *fixture, int64_t serial, const struct cf_rendered *rendered,
                         const char *expected)
{
    struct cf_secret *text;

    assert_int_equal(cf_view_text(fixture->vault, serial, rendered, &text), CF_OK);
    assert_int_equal(cf_secret_len(text), strlen(expected));
    assert_int_equal(cf_secret_len(text), rendered->len);
    assert_memory_equal(cf_secret_peek(text), expected, strlen(expected));
    cf_secret_free(text);
}

static enum cf_error text_error(struct fixture *fixture, int64_t serial, const struct cf_rendered *rendered)
{
    struct cf_secret *text;
    enum cf_error error = cf_view_text(fixture->vault, serial, rendered, &text);

    assert_int_equal(text == NULL, error != CF_OK);
    cf_secret_free(text);
    return error;
}

static void a_view_is_a_reveal_of_the_whole_app(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;

    assert_int_equal(outcome(fixture, &fixture->admin, serial), CF_OK);
    assert_int_equal(outcome(fixture, &fixture->revealer, serial), CF_OK);
    assert_int_equal(
        fixture_records(fixture, "\"op\":\"reveal\"", "\"file\":\"views/x\",\"version\":1,\"result\":\"ok\""), 2);
    assert_int_equal(outcome(fixture, &fixture->manager, serial), CF_EDENIED);
    assert_int_equal(outcome(fixture, &fixture->stranger, serial), CF_EDENIED);
    grant(fixture, serial, "user:5005 key\nuser:5005 secret\n");
    assert_int_equal(outcome(fixture, &fixture->stranger, serial), CF_EDENIED);
    assert_int_equal(
        fixture_records(fixture, "\"uid\":5005", "\"file\":\"views/x\",\"version\":1,\"result\":\"denied\""), 2);
    grant(fixture, serial, "user:5005\n");
    assert_int_equal(outcome(fixture, &fixture->stranger, serial), CF_OK);
    assert_int_equal(fixture_records(fixture, "\"result\":\"ok\",\"why\":\"grant user:5005\"", "views/x"), 1);
    assert_int_equal(outcome(fixture, &fixture->admin, serial + 1), CF_ENOENT);
}

static void a_credential_that_is_not_good_is_not_shown(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;

    ctl(fixture, serial, "disable");
    assert_int_equal(outcome(fixture, &fixture->admin, serial), CF_EREVOKED);
    ctl(fixture, serial, "enable");
    ctl(fixture, serial, "expire 2020-01-01");
    assert_int_equal(outcome(fixture, &fixture->admin, serial), CF_EEXPIRED);
    ctl(fixture, serial, "expire never");
    ctl(fixture, serial, "revoke 1");
    assert_int_equal(outcome(fixture, &fixture->admin, serial), CF_EREVOKED);
    assert_int_equal(fixture_records(fixture, "\"file\":\"views/x\"", "\"result\":\"revoked\""), 2);
    assert_int_equal(fixture_records(fixture, "\"file\":\"views/x\"", "\"why\":\"the credential is revoked"), 1);
    assert_int_equal(fixture_records(fixture, "\"file\":\"views/x\"", "\"result\":\"expired\""), 1);
}

static void reveals_on_request(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;

    fixture->vault->config->reveal_on_request = true;
    fixture->admin.pid = 0; /* of no session */
    assert_int_equal(outcome(fixture, &fixture->admin, serial), CF_EUNASKED);
    assert_int_equal(fixture_records(fixture, "\"file\":\"views/x\"", "\"result\":\"unasked\""), 1);
    grant(fixture, serial, "user:5001\n");
    assert_int_equal(outcome(fixture, &fixture->admin, serial), CF_OK);
}

static void an_open_view_is_one_state(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    struct cf_rendered first, second, other, again;

    write_field(fixture, serial, CF_KEY, "key-1");
    write_field(fixture, serial, CF_SECRET, "secret-1");
    set_apis(fixture, serial, "contact-search audit-records");
    assert_int_equal(reveal(fixture, &fixture->admin, serial, &env, &first), CF_OK);
    assert_int_equal(reveal(fixture, &fixture->admin, serial, &env, &second), CF_OK);
    assert_int_equal(reveal(fixture, &fixture->admin, serial, &json, &other), CF_OK);
    assert_int_equal(first.mark, second.mark);
    assert_int_not_equal(first.mark, other.mark);
    assert_null(memmem(first.sealed.bytes, first.sealed.len, "secret-1", 8));
    cf_rendered_release(&second);
    ctl(fixture, serial, "rotate 1h");
    write_field(fixture, serial, CF_KEY, "key-2");
    write_field(fixture, serial, CF_SECRET, "secret-2");
    set_apis(fixture, serial, "");
    assert_shown(fixture, serial, &first,
                 "APIS=audit-records,contact-search\nAPI_KEY=key-1\nAPI_SECRET=secret-1\n");
    assert_shown(fixture, serial, &other,
                 "{\n  \"apis\": [\"audit-records\", \"contact-search\"],\n  \"app\": \"billing\",\n"
                 "  \"key\": \"key-1\",\n  \"secret\": \"secret-1\"\n}\n");
    assert_int_equal(reveal(fixture, &fixture->admin, serial, &env, &second), CF_OK);
    assert_shown(fixture, serial, &second, "APIS=\nAPI_KEY=key-2\nAPI_SECRET=secret-2\n");
    assert_int_equal(cf_view_again(fixture->vault, serial, &env, no_fetch, NULL, &again), CF_OK);
    assert_int_equal(again.mark, second.mark);
    assert_int_equal(fixture_records(fixture, "\"op\":\"reveal\"", "views/x"), 4);
    cf_rendered_release(&again);
    cf_rendered_release(&second);
    cf_rendered_release(&other);
    cf_rendered_release(&first);
}

static void each_read_asks_whether_it_is_still_good(void **state)
{
    struct fixture *fixture = *state;
    const struct cf_app app = fixture_app(fixture, "billing");
    struct cf_rendered old, now, again;

    assert_int_equal(reveal(fixture, &fixture->admin, app.serial, &env, &old), CF_OK);
    ctl(fixture, app.serial, "rotate 1h");
    assert_int_equal(reveal(fixture, &fixture->admin, app.serial, &env, &now), CF_OK);
    assert_int_equal(text_error(fixture, app.serial, &old), CF_OK);
    cf_clock_set(cf_now() + 3600 * CF_SECOND);
    assert_int_equal(text_error(fixture, app.serial, &old), CF_EEXPIRED);
    assert_int_equal(text_error(fixture, app.serial, &now), CF_OK);
    ctl(fixture, app.serial, "disable");
    assert_int_equal(text_error(fixture, app.serial, &now), CF_EREVOKED);
    assert_int_equal(cf_view_again(fixture->vault, app.serial, &env, no_fetch, NULL, &again), CF_EREVOKED);
    assert_null(again.sealed.bytes);
    ctl(fixture, app.serial, "enable");
    for (int i = 0; i < CF_VERSIONS_KEPT; i++)
        ctl(fixture, app.serial, "rotate 0");
    assert_int_equal(text_error(fixture, app.serial, &old), CF_EEXPIRED); /* it is no longer kept */
    assert_int_equal(text_error(fixture, app.serial, &now), CF_EEXPIRED);
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->root, CF_IN_APPS, "billing"), CF_OK);
    assert_int_equal(text_error(fixture, app.serial, &now), CF_EREVOKED);
    assert_int_equal(cf_remove_app(fixture->vault, &fixture->root, CF_IN_TRASH, "billing"), CF_OK);
    assert_int_equal(text_error(fixture, app.serial, &now), CF_ENOENT);
    cf_rendered_release(&now);
    cf_rendered_release(&old);
}

/* A sealed text opens under its own App and version alone. */
static void a_sealed_text_is_bound_to_its_app(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial, other = fixture_app(fixture, "other").serial;
    struct cf_rendered one, two;
    uint8_t *bytes;

    assert_int_equal(reveal(fixture, &fixture->admin, serial, &env, &one), CF_OK);
    assert_int_equal(reveal(fixture, &fixture->admin, other, &env, &two), CF_OK);
    bytes = one.sealed.bytes;
    one.sealed.bytes = two.sealed.bytes;
    assert_int_equal(text_error(fixture, serial, &one), CF_ETAMPER);
    one.sealed.bytes = bytes;
    assert_int_equal(text_error(fixture, serial, &one), CF_OK);
    one.sealed.bytes[one.sealed.len - 1] ^= 1;
    assert_int_equal(text_error(fixture, serial, &one), CF_ETAMPER);
    cf_rendered_release(&one);
    cf_rendered_release(&two);
}

static size_t length_of(struct fixture *fixture, int64_t serial, const struct cf_view *view)
{
    struct cf_app app;
    struct cf_txn txn;
    size_t len;

    assert_int_equal(cf_txn_read(fixture->vault->store, &txn), CF_OK);
    assert_int_equal(cf_app_by_serial(&txn, serial, &app), CF_OK);
    assert_int_equal(cf_view_length(fixture->vault, &txn, &app, view, &len), CF_OK);
    cf_txn_end(&txn);
    return len;
}

static void lengths_are_known_beforehand(void **state)
{
    static const struct cf_view *const views[] = {&env, &json, &properties};
    static const uint8_t astral[] = {0xF0, 0x9F, 0x94, 0x91}; /* U+1F511 */
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    char value[CF_VALUE_MAX + 1];
    struct cf_rendered rendered;

    write_field(fixture, serial, CF_SECRET, "p\xC3\xA4ss");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(reveal(fixture, &fixture->admin, serial, views[i], &rendered), CF_OK);
        assert_int_equal(length_of(fixture, serial, views[i]), rendered.len);
        cf_rendered_release(&rendered);
    }
    write_field(fixture, serial, CF_SECRET, "with blanks");
    assert_int_equal(reveal(fixture, &fixture->admin, serial, &env, &rendered), CF_EUNFIT);
    assert_int_equal(length_of(fixture, serial, &env), 0);
    assert_int_equal(fixture_records(fixture, "\"result\":\"unfit-value\"", "views/x"), 1);
    value[CF_VALUE_MAX] = '\0';
    for (size_t i = 0; i < CF_VALUE_MAX; i += 4)
        memcpy(value + i, astral, sizeof astral);
    write_field(fixture, serial, CF_SECRET, value);
    assert_int_equal(reveal(fixture, &fixture->admin, serial, &properties, &rendered), CF_OK);
    assert_true(rendered.len > CF_SECRET_MAX);
    assert_int_equal(length_of(fixture, serial, &properties), rendered.len);
    assert_int_equal(text_error(fixture, serial, &rendered), CF_OK);
    cf_rendered_release(&rendered);
}

/* --- access tokens ------------------------------------------------------------------------------------------------ */

static void tokens_are_fetched_for_who_may_reveal(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    const struct cf_view view = {.form = CF_VIEW_CURL,
                                 .api = cf_catalogue_find(fixture->vault->catalogue, "work-analytics")};
    struct service service = {.token = "tok.1", .wants = "data-urlencode = \"username=nick\"\n"};
    const char *const file = "views/curl/work-analytics";
    struct cf_rendered rendered;
    struct cf_secret *text;

    assert_int_equal(
        cf_view_reveal(fixture->vault, &fixture->admin, serial, &view, file, fetch, &service, &rendered),
        CF_ENOENT);
    set_apis(fixture, serial, "work-analytics");
    assert_int_equal(
        cf_view_reveal(fixture->vault, &fixture->admin, serial, &view, file, fetch, &service, &rendered),
        CF_ENOKEY);
    assert_int_equal(length_of(fixture, serial, &view), 0);
    write_field(fixture, serial, CF_USERNAME, "nick");
    write_field(fixture, serial, CF_PASSWORD, "pass word");
    assert_int_equal(
        cf_view_reveal(fixture->vault, &fixture->stranger, serial, &view, file, fetch, &service, &rendered),
        CF_EDENIED);
    ctl(fixture, serial, "disable");
    assert_int_equal(
        cf_view_reveal(fixture->vault, &fixture->admin, serial, &view, file, fetch, &service, &rendered),
        CF_EREVOKED);
    ctl(fixture, serial, "enable");
    assert_int_equal(service.asked, 0);
    assert_int_equal(
        cf_view_reveal(fixture->vault, &fixture->admin, serial, &view, file, fetch, &service, &rendered), CF_OK);
    assert_int_equal(service.asked, 1);
    assert_int_equal(length_of(fixture, serial, &view), rendered.len);
    assert_int_equal(cf_view_text(fixture->vault, serial, &rendered, &text), CF_OK);
    assert_non_null(memmem(cf_secret_peek(text), cf_secret_len(text), "Bearer tok.1\"\n", 14));
    cf_secret_free(text);
    cf_rendered_release(&rendered);
    assert_int_equal(fixture_records(fixture, file, "\"result\":\"ok\""), 1);
    assert_int_equal(cf_view_again(fixture->vault, serial, &view, fetch, &service, &rendered), CF_OK);
    assert_int_equal(service.asked, 2);
    cf_rendered_release(&rendered);
}

static void a_failed_fetch_is_recorded(void **state)
{
    static const struct {
        const char *token;
        enum cf_error error;
    } answers[] = {{NULL, CF_EREJECTED}, {NULL, CF_EUNREACHABLE}, {NULL, CF_EAGAIN},
                   {"", CF_EUNFIT},      {"a b", CF_EUNFIT},      {"a\r\nX: y", CF_EUNFIT}};
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    const struct cf_view view = {.form = CF_VIEW_CURL,
                                 .api = cf_catalogue_find(fixture->vault->catalogue, "work-analytics")};
    struct cf_rendered rendered;

    set_apis(fixture, serial, "work-analytics");
    write_field(fixture, serial, CF_USERNAME, "nick");
    write_field(fixture, serial, CF_PASSWORD, "pass");
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct service service = {.token = answers[i].token, .error = answers[i].error};
        char result[64];
        const int before = fixture_records(fixture, "\"file\":\"views/t\"", "\"result\"");
        assert_int_equal(
            cf_view_reveal(fixture->vault, &fixture->admin, serial, &view, "views/t", fetch, &service, &rendered),
            answers[i].error);
        assert_null(rendered.sealed.bytes);
        snprintf(result, sizeof result, "\"result\":\"%s\"", cf_error_word(answers[i].error));
        assert_int_equal(fixture_records(fixture, "\"file\":\"views/t\"", "\"result\""), before + 1);
        assert_true(fixture_records(fixture, "\"file\":\"views/t\"", result) > 0);
        assert_true(fixture_records(fixture, cf_error_text(answers[i].error), result) > 0);
    }
}

/* --- the policy for values ---------------------------------------------------------------------------------------- */

static enum cf_error value_of(void *arg, size_t at, enum cf_field field, struct cf_secret **out)
{
    (void)at;
    (void)field;
    *out = cf_secret_copy(arg, strlen(arg));
    return *out != NULL ? CF_OK : CF_ENOMEM;
}

static enum cf_error import(struct fixture *fixture, const char *name, char *value, struct cf_fault *fault)
{
    struct cf_parcel parcel = {.version_count = 1, .value = value_of, .arg = value};
    struct cf_import *import;
    struct cf_outcome done;
    enum cf_error error;

    *fault = (struct cf_fault){""};
    snprintf(parcel.app.name, sizeof parcel.app.name, "%s", name);
    parcel.versions[0].fields = 1U << CF_KEY;
    assert_int_equal(cf_import_begin(fixture->vault, &fixture->root, false, &import, fault), CF_OK);
    error = cf_import_app(import, &parcel, &done, fault);
    if (error == CF_OK)
        error = cf_import_commit(import, fault);
    cf_text_release(&done.detail);
    cf_import_end(import, error);
    return error;
}

static void portable_values(void **state)
{
    struct fixture *fixture = *state;
    const struct cf_app app = fixture_app(fixture, "billing");
    char unfit[] = "pass word", fit[] = "pass+word=";
    struct cf_fault fault;

    write_field(fixture, app.serial, CF_SECRET, unfit);
    fixture->vault->config->portable_values = true;
    assert_int_equal(cf_write_field(fixture->vault, &fixture->root, app.serial, CF_KEY, CF_REPLACE, unfit, 9),
                     CF_EUNFIT);
    assert_int_equal(cf_write_field(fixture->vault, &fixture->root, app.serial, CF_KEY, CF_REPLACE, "a\tb", 3),
                     CF_EVALUE);
    assert_int_equal(fixture_again(fixture, app.serial).generation, app.generation + 1);
    assert_int_equal(fixture_records(fixture, "\"file\":\"key\"", "\"why\":\"views/env could not carry it\""), 1);
    write_field(fixture, app.serial, CF_KEY, fit);
    ctl(fixture, app.serial, "rotate");
    assert_int_equal(import(fixture, "new", unfit, &fault), CF_EUNFIT);
    assert_non_null(strstr(fault.text, "new: its key is not portable"));
    assert_null(strstr(fault.text, unfit));
    assert_int_equal(import(fixture, "billing", unfit, &fault), CF_EUNFIT);
    assert_int_equal(import(fixture, "billing", fit, &fault), CF_OK);
    assert_int_equal(import(fixture, "new", fit, &fault), CF_OK);
    fixture->vault->config->portable_values = false;
    assert_int_equal(import(fixture, "other", unfit, &fault), CF_OK);
    assert_int_equal(fixture_findings(fixture), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup_in_memory, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_view_is_a_reveal_of_the_whole_app),
        TEST(a_credential_that_is_not_good_is_not_shown),
        TEST(reveals_on_request),
        TEST(an_open_view_is_one_state),
        TEST(each_read_asks_whether_it_is_still_good),
        TEST(a_sealed_text_is_bound_to_its_app),
        TEST(lengths_are_known_beforehand),
        TEST(tokens_are_fetched_for_who_may_reveal),
        TEST(a_failed_fetch_is_recorded),
        TEST(portable_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
