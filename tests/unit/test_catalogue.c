/* The built-in catalogue with all its facts, and a site's own files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES = 2 };

static char paths[FILES][32];

static int start(void **state)
{
    (void)state;
    for (size_t i = 0; i < FILES; i++) {
        snprintf(paths[i], sizeof(paths[i]), "/tmp/test_catalogue.XXXXXX");
        int fd = mkstemp(paths[i]);

        if (fd < 0)
            return -1;
        close(fd);
    }
    return 0;
}

static int stop(void **state)
{
    int failed = 0;

    (void)state;
    for (size_t i = 0; i < FILES; i++)
        failed |= unlink(paths[i]);
    return failed;
}

static void put(size_t i, const char *text)
{
    FILE *file = fopen(paths[i], "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static enum cf_error load_files(const char *const *files, struct cf_catalogue **catalogue, struct cf_fault *fault)
{
    struct cf_sources *sources = cf_sources_new();
    enum cf_error error = cf_catalogue_load(files, sources, catalogue, fault);

    cf_sources_free(sources);
    return error;
}

/* Load the built-in catalogue and as many site files as there are texts. */
static enum cf_error load(const char *first, const char *second, struct cf_catalogue **catalogue,
                          struct cf_fault *fault)
{
    const char *files[FILES + 1] = {NULL};

    if (first != NULL) {
        put(0, first);
        files[0] = paths[0];
    }
    if (second != NULL) {
        put(1, second);
        files[1] = paths[1];
    }
    memset(fault, 0, sizeof(*fault));
    *catalogue = (void *)1;
    return load_files(files, catalogue, fault);
}

static struct cf_catalogue *loaded(const char *first, const char *second)
{
    struct cf_catalogue *catalogue;
    struct cf_fault fault;
    enum cf_error error = load(first, second, &catalogue, &fault);

    if (error != CF_OK)
        print_error("%s\n", fault.text);
    assert_int_equal(error, CF_OK);
    return catalogue;
}

static void refused_second(const char *first, const char *second, int line, const char *words)
{
    struct cf_catalogue *catalogue;
    struct cf_fault fault;
    char want[64];
    enum cf_error error = load(first, second, &catalogue, &fault);

    snprintf(want, sizeof(want), "%s:%d: ", paths[second == NULL ? 0 : 1], line);
    if (strncmp(fault.text, want, strlen(want)) != 0 || strstr(fault.text, words) == NULL)
        print_error("for\n%sgot %s: %s\n", second == NULL ? first : second, cf_error_word(error), fault.text);
    assert_int_equal(error, CF_ECONFIG);
    assert_null(catalogue);
    assert_memory_equal(fault.text, want, strlen(want));
    assert_non_null(strstr(fault.text, words));
}

static void refused(const char *text, int line, const char *words)
{
    refused_second(text, NULL, line, words);
}

#define HOST "https://api.8x8.com/"

static const struct {
    const char *slug, *title, *key_process, *method, *fields, *base_url, *assignment;
} facts[] = {
    {"contact-center-historical-analytics", "Contact Center Historical Analytics", "console", "oauth2", "",
     HOST "{region}/analytics/cc/v8/historical-metrics", NULL},
    {"contact-center-realtime-analytics", "Contact Center Realtime Analytics", "console", "oauth2", "",
     HOST "{region}/analytics/cc/v5/realtime-metrics", NULL},
    {"cloud-storage-service", "Cloud Storage Service", "console", "oauth2", "", HOST "storage/{region}/v3",
     "Cloud Storage API"},
    {"customer-experience-recent-calls", "Customer Experience Recent Calls", "console+email", "apikey+token",
     "token", HOST "customerexperience/v1/recentCallData/{region}", NULL},
    {"customer-experience-post-call-survey", "Customer Experience Post Call Survey", "console+email",
     "apikey+token", "token", HOST "customerexperience/v1/postCallSurvey/{region}", NULL},
    {"quality-management-speech-analytics", "Quality Management & Speech Analytics", "console", "oauth2", "",
     HOST "qm/{region}/v1", NULL},
    {"work-analytics", "Work Analytics", "console", "apikey+login", "username password", HOST "analytics/work",
     NULL},
    {"audit-records", "Audit Records", "console", "x-api-key", "", HOST "administration/audit/v1/audits", NULL},
    {"contact-search", "Contact Search", "console", "x-api-key", "", HOST "directory-contacts/api/v3/contacts",
     NULL},
    {"contact-management", "Contact Management", "console", "x-api-key", "",
     HOST "directory-contacts/api/v3/contacts", NULL},
};
enum { FACTS = sizeof(facts) / sizeof(facts[0]) };

static void the_ten_apis_are_as_documented(void **state)
{
    struct cf_catalogue *catalogue = loaded(NULL, NULL);

    (void)state;
    assert_int_equal(cf_catalogue_count(catalogue), FACTS);
    for (size_t i = 0; i < FACTS; i++) {
        const struct cf_api *api = cf_catalogue_at(catalogue, i);

        assert_string_equal(api->slug, facts[i].slug);
        assert_string_equal(api->title, facts[i].title);
        assert_string_equal(api->key_process, facts[i].key_process);
        assert_string_equal(api->method->name, facts[i].method);
        assert_string_equal(api->fields, facts[i].fields);
        assert_string_equal(api->base_url, facts[i].base_url);
        if (facts[i].assignment == NULL)
            assert_null(api->assignment);
        else
            assert_string_equal(api->assignment, facts[i].assignment);
        assert_false(api->retired);
        assert_int_equal(api->order, i);
        assert_ptr_equal(cf_catalogue_find(catalogue, facts[i].slug), api);
    }
    assert_null(cf_catalogue_at(catalogue, FACTS));
    cf_catalogue_free(catalogue);
    cf_catalogue_free(NULL);
}

static void methods_tell_what_a_client_sends(void **state)
{
    static const struct {
        const char *slug, *token_url, *words[4];
    } methods[] = {
        {"cloud-storage-service",
         HOST "oauth/v2/token",
         {"HTTP Basic with key:secret", "grant_type=client_credentials", "1800 s", "Authorization: Bearer"}},
        {"customer-experience-recent-calls",
         NULL,
         {"8x8-apikey: KEY", "token: TOKEN", "by e-mail", "The secret is not used"}},
        {"work-analytics",
         HOST "analytics/work/v1/oauth/token",
         {"8x8-apikey: KEY", "form username, password", "Bearer", "The secret is not used"}},
        {"audit-records", NULL, {"x-api-key: KEY", "The secret is not used", "", ""}},
    };
    struct cf_catalogue *catalogue = loaded(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        const struct cf_api *api = cf_catalogue_find(catalogue, methods[i].slug);

        assert_non_null(api);
        if (methods[i].token_url == NULL)
            assert_null(api->method->token_url);
        else
            assert_string_equal(api->method->token_url, methods[i].token_url);
        for (size_t j = 0; j < 4; j++)
            assert_non_null(strstr(api->method->sends, methods[i].words[j]));
        assert_int_equal(api->method->uses_secret, strstr(api->method->sends, "secret is not used") == NULL);
    }
    cf_catalogue_free(catalogue);
}

static void assert_line(const struct cf_parts *line, const char *expected)
{
    char text[256] = "";
    size_t len = 0;

    for (size_t i = 0; i < line->count; i++) {
        const struct cf_part *part = &line->at[i];

        if (part->kind == CF_PART_TEXT)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%.*s", (int)part->len, part->text);
        else
            len += (size_t)snprintf(text + len, sizeof(text) - len, "<%s>",
                                    part->kind == CF_PART_FIELD ? cf_field_word(part->field) : "access-token");
    }
    assert_string_equal(text, expected);
}

static void assert_lines(const struct cf_lines *lines, const char *first, const char *second)
{
    assert_int_equal(lines->count, (first != NULL) + (second != NULL));
    if (first != NULL)
        assert_line(&lines->at[0], first);
    if (second != NULL)
        assert_line(&lines->at[1], second);
}

static const struct cf_method *method_of(const struct cf_catalogue *catalogue, const char *slug)
{
    const struct cf_api *api = cf_catalogue_find(catalogue, slug);

    assert_non_null(api);
    return api->method;
}

static void the_four_methods_say_what_goes_where(void **state)
{
    struct cf_catalogue *catalogue = loaded(NULL, NULL);
    const struct cf_method *oauth2 = method_of(catalogue, "cloud-storage-service"),
                           *token = method_of(catalogue, "customer-experience-recent-calls"),
                           *login = method_of(catalogue, "work-analytics"),
                           *key = method_of(catalogue, "audit-records");

    (void)state;
    assert_lines(&oauth2->headers, "Authorization: Bearer <access-token>", NULL);
    assert_line(&oauth2->token_user, "<key>:<secret>");
    assert_lines(&oauth2->token_headers, NULL, NULL);
    assert_lines(&oauth2->token_form, "grant_type=client_credentials", NULL);
    assert_lines(&token->headers, "8x8-apikey: <key>", "token: <token>");
    assert_line(&token->token_user, "");
    assert_lines(&token->token_form, NULL, NULL);
    assert_lines(&login->headers, "Authorization: Bearer <access-token>", "8x8-apikey: <key>");
    assert_line(&login->token_user, "");
    assert_lines(&login->token_headers, "8x8-apikey: <key>", NULL);
    assert_lines(&login->token_form, "username=<username>", "password=<password>");
    assert_lines(&key->headers, "x-api-key: <key>", NULL);
    cf_catalogue_free(catalogue);
}

#define WITH(method) "[" method "]\ntitle = T\nkey-process = console\nmethod = " method "\nbase-url = https://h\n"

static void site_methods_say_what_goes_where(void **state)
{
    struct cf_catalogue *catalogue =
        loaded("[method mine]\nsends = x\nheader =\n  A-b_c.1:  x ${username} $$${key}\n  B: \"\\ $x\n"
               "[method both]\nsends = x\ntoken-url = https://h\ntoken-header = T: ${token}\n  U: u\n"
               "token-form = a_b= c ${secret}\nheader = A: ${access-token}${key}\n" WITH("mine") WITH("both"),
               NULL);
    const struct cf_method *mine = method_of(catalogue, "mine"), *both = method_of(catalogue, "both");

    (void)state;
    assert_lines(&mine->headers, "A-b_c.1:  x <username> $<key>", "B: \"\\ $x");
    assert_lines(&both->headers, "A: <access-token><key>", NULL);
    assert_lines(&both->token_headers, "T: <token>", "U: u");
    assert_lines(&both->token_form, "a_b= c <secret>", NULL);
    cf_catalogue_free(catalogue);
}

static void what_is_not_there_is_not_found(void **state)
{
    static const char *const absent[] = {
        "", "a", "zzz", "contact", "contact-searc", "contact-search2", "Contact-search", "method oauth2", "oauth2"};
    struct cf_catalogue *catalogue = loaded(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
        assert_null(cf_catalogue_find(catalogue, absent[i]));
    cf_catalogue_free(catalogue);
}

static void an_api_prints_all_about_it(void **state)
{
    struct cf_catalogue *catalogue = loaded("[old]\ntitle = Old\nkey-process = console\nmethod = x-api-key\n"
                                            "base-url = http://h/\nstatus = retired\n",
                                            NULL);
    struct cf_text text = {0};

    (void)state;
    cf_api_print(cf_catalogue_find(catalogue, "cloud-storage-service"), &text);
    assert_string_equal(text.data,
                        "slug = cloud-storage-service\ntitle = Cloud Storage Service\nkey-process = console\n"
                        "method = oauth2\ntoken-url = https://api.8x8.com/oauth/v2/token\n"
                        "sends = POST to token-url, HTTP Basic with key:secret, form "
                        "grant_type=client_credentials, then the answer's access token (about 1800 s) as "
                        "Authorization: Bearer\n"
                        "base-url = https://api.8x8.com/storage/{region}/v3\n"
                        "assignment = Cloud Storage API\n");
    cf_text_release(&text);
    cf_api_print(cf_catalogue_find(catalogue, "work-analytics"), &text);
    assert_non_null(strstr(text.data, "\nfields = username password\n"));
    cf_text_release(&text);
    cf_api_print(cf_catalogue_find(catalogue, "old"), &text);
    assert_non_null(strstr(text.data, "\nstatus = retired\n"));
    assert_null(strstr(text.data, "assignment"));
    assert_null(strstr(text.data, "fields"));
    cf_text_release(&text);
    cf_catalogue_free(catalogue);
}

#define API(slug) "[" slug "]\ntitle = T\nkey-process = console\nmethod = x-api-key\nbase-url = https://h/p\n"

static void site_files_add_apis_and_methods(void **state)
{
    struct cf_catalogue *catalogue =
        loaded("[zebra]\ntitle = Ze\n bra\nkey-process = console+email\nmethod = mine\n"
               "base-url = https://zoo.example/{region}\nfields = token\n  username\nassignment = Zoo API\n"
               "status = retired\n"
               "[method mine]\nsends = one\n  two\n" API("aardvark"),
               "[later]\ntitle = L\nkey-process = console\nmethod = mine\nbase-url = https://h\n");
    const struct cf_api *zebra = cf_catalogue_find(catalogue, "zebra");

    (void)state;
    assert_int_equal(cf_catalogue_count(catalogue), FACTS + 3);
    assert_int_equal(zebra->order, FACTS);
    assert_string_equal(zebra->title, "Ze bra");
    assert_string_equal(zebra->fields, "token username");
    assert_string_equal(zebra->assignment, "Zoo API");
    assert_string_equal(zebra->method->sends, "one two");
    assert_true(zebra->retired);
    assert_string_equal(cf_catalogue_at(catalogue, FACTS + 1)->slug, "aardvark");
    assert_ptr_equal(cf_catalogue_find(catalogue, "later")->method, zebra->method);
    cf_catalogue_free(catalogue);
}

static void a_section_may_be_opened_again_in_its_file(void **state)
{
    struct cf_catalogue *catalogue = loaded(
        "[a]\ntitle = T\nmethod = x-api-key\n" API("b") "[a]\nkey-process = console\nbase-url = https://h\n", NULL);

    (void)state;
    assert_int_equal(cf_catalogue_find(catalogue, "a")->order, FACTS);
    assert_string_equal(cf_catalogue_find(catalogue, "a")->base_url, "https://h");
    cf_catalogue_free(catalogue);
}

static void a_later_file_can_name_products(void **state)
{
    struct cf_catalogue *catalogue = loaded("[audit-records]\nproducts = Audit,\n    Log\n" API("a"),
                                            "[a]\nproducts = A, B\n[audit-records]\nproducts = Audit 2\n");

    (void)state;
    assert_string_equal(cf_catalogue_find(catalogue, "cloud-storage-service")->products, "storage");
    assert_string_equal(cf_catalogue_find(catalogue, "contact-search")->products, "contact-search");
    assert_string_equal(cf_catalogue_find(catalogue, "a")->products, "A, B");
    assert_string_equal(cf_catalogue_find(catalogue, "audit-records")->products, "Audit 2");
    assert_string_equal(cf_catalogue_find(catalogue, "audit-records")->title, "Audit Records");
    cf_catalogue_free(catalogue);
    refused("[audit-records]\nproducts = Audit\nstatus = retired\n", 3, "its products alone can be set here");
    refused("[audit-records]\n" API("a"), 1, "its products alone can be set here");
}

static void nothing_is_defined_twice(void **state)
{
    (void)state;
    refused(API("contact-search"), 2, "the API 'contact-search' is defined by an earlier file");
    refused("\n[method oauth2]\nsends = all\n", 2, "the method 'oauth2' is defined by an earlier file");
    refused_second(API("a"), API("b") API("a"), 7, "the API 'a' is defined by an earlier file");
    refused_second("[method m]\nsends = x\n", "[method m]\nsends = y\n", 1, "the method 'm' is defined");
    refused(API("a") API("a"), 7, "");
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    refused(API("a") "[b]\nkey-process = console\nmethod = x-api-key\nbase-url = https://h\n" API("c"), 6,
            "[b] has no title");
    refused("[b]\ntitle = T\nmethod = x-api-key\nbase-url = https://h\n", 1, "[b] has no key-process");
    refused("[b]\ntitle = T\nkey-process = console\nbase-url = https://h\n", 1, "[b] has no method");
    refused("[b]\ntitle = T\nkey-process = console\nmethod = x-api-key\n", 1, "[b] has no base-url");
    refused("[b]\ntitle =\nkey-process = console\nmethod = x-api-key\nbase-url = https://h\n", 1,
            "[b] has no title");
    refused("[method m]\ntoken-url = https://h\n", 1, "[method m] has no sends");
    refused(API("a") "[b]\ntitle = T\nkey-process = console\nmethod = x-api-kez\nbase-url = https://h\n", 6,
            "[b] has the unknown method 'x-api-kez'");
    refused_second("[b]\ntitle = T\nkey-process = console\nmethod = late\nbase-url = https://h\n", NULL, 1,
                   "[b] has the unknown method 'late'");
}

static void wrong_sections_names_and_values_are_refused(void **state)
{
    (void)state;
    refused("title = T\n", 1, "not a section of a catalogue");
    refused("[Api]\ntitle = T\n", 1, "not a section of a catalogue");
    refused("[a b]\ntitle = T\n", 1, "not a section of a catalogue");
    refused("[-a]\ntitle = T\n", 1, "not a section of a catalogue");
    refused("[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\ntitle = T\n", 1,
            "not a section of a catalogue");
    refused("[method A]\nsends = x\n", 1, "not a method's name");
    refused("[method  a]\nsends = x\n", 1, "not a method's name");
    refused("[method a]\nsend = x\n", 2, "unknown name 'send': token-url, sends");
    refused("[a]\ntitel = T\n", 2,
            "unknown name 'titel': title, key-process, method, fields, base-url, assignment, products, status");
    refused("[a]\nkey-process = mail\n", 2, "unknown key-process 'mail': console, console+email");
    refused("[a]\nkey-process = console\n console\n", 3, "unknown key-process");
    refused("[a]\nstatus = gone\n", 2, "unknown status 'gone': retired");
    refused("[a]\nstatus = retired\n retired\n", 3, "unknown status");
    refused("[a]\nfields = token pin\n", 2, "unknown field 'pin': token, username, password");
    refused("[a]\nfields = secret\n", 2, "unknown field 'secret'");
    refused("[a]\nfields = token\n  token\n", 3, "doubled field 'token'");
    refused("[a]\nbase-url = h/p\n", 2, "not a URL");
    refused("[a]\nbase-url = https://\n", 2, "not a URL");
    refused("[a]\nbase-url = https:///p\n", 2, "not a URL");
    refused("[a]\nbase-url = file:///etc\n", 2, "not a URL");
    refused("[a]\nbase-url = https://h p\n", 2, "not a URL");
    refused("[a]\nbase-url = https://h\n p\n", 3, "not a URL");
    refused("[method a]\ntoken-url = h\n", 2, "not a URL");
}

#define M "[method m]\nsends = x\n"

static void what_a_method_sends_is_checked(void **state)
{
    (void)state;
    refused(M "header = x\n", 3, "not a header: NAME: VALUE");
    refused(M "header = : x\n", 3, "not a header");
    refused(M "header = X Y: z\n", 3, "not a header");
    refused(M "header = X-${key}: z\n", 3, "not a header");
    refused(M "header = X: a\n  Y:\n", 4, "not a header");
    refused(M "header = X: ${kez}\n", 3,
            "unknown name '${kez}': key, secret, token, username, password, access-token");
    refused(M "header = X: ${app}\n", 3, "unknown name '${app}'");
    refused(M "header = X: a\n  Y: ${key\n", 4, "no } behind ${");
    refused(M "token-url = https://h\ntoken-user = ${key}\n", 4, "not NAME:PASSWORD");
    refused(M "token-url = https://h\ntoken-user = ${key}:${access-token}\n", 4,
            "unknown name '${access-token}': key");
    refused(M "token-url = https://h\ntoken-header = X: ${access-token}\n", 4, "unknown name '${access-token}'");
    refused(M "token-url = https://h\ntoken-header = X\n", 4, "not a header");
    refused(M "token-url = https://h\ntoken-form = a&b=c\n", 4, "not a form's entry: NAME=VALUE");
    refused(M "token-url = https://h\ntoken-form = ${key}\n", 4, "not a form's entry");
    refused(M "token-url = https://h\ntoken-form = a=b\n  c=${d}\n", 5, "unknown name '${d}'");
    refused("\n" M "header = X: ${access-token}\n", 2, "[method m] has ${access-token}, but no token-url");
    refused(M "token-user = ${key}:x\n", 1, "[method m] has what goes to a token-url, but no token-url");
    refused(M "token-header = X: y\n", 1, "but no token-url");
    refused(M "token-form = x=y\n", 1, "but no token-url");
    refused(M "token-url = https://h\nheader = X: ${key}\n", 1,
            "[method m] has a token-url, but no header with ${access-token}");
}

static void lines_that_grow_too_long_are_refused(void **state)
{
    char text[4096];
    size_t len = (size_t)snprintf(text, sizeof(text), M "header =\n");

    (void)state;
    for (int i = 0; i < 15; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "  X: %0150d\n", i);
    refused(text, 17, "longer than 2048 bytes");
}

static void a_value_that_grows_too_long_is_refused(void **state)
{
    char text[2048];
    size_t len = (size_t)snprintf(text, sizeof(text), "[a]\ntitle = T\n");

    (void)state;
    for (int i = 0; i < 5; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "  %0150d\n", i);
    refused(text, 6, "longer than 512 bytes");
}

static void thousands_of_apis_are_found(void **state)
{
    enum { MANY = 5000, LINE = 96 };
    size_t size = (size_t)MANY * LINE * 2, len = 0;
    char *text = malloc(size), slug[32];
    struct cf_catalogue *catalogue;

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < MANY; i++)
        len += (size_t)snprintf(text + len, size - len,
                                "[api-%d]\ntitle = T%d\nkey-process = console\nmethod = x-api-key\n"
                                "base-url = https://h/%d\n",
                                i * 7919 % MANY, i, i);
    catalogue = loaded(text, NULL);
    free(text);
    assert_int_equal(cf_catalogue_count(catalogue), FACTS + MANY);
    for (int i = 0; i < MANY; i++) {
        const struct cf_api *api;

        snprintf(slug, sizeof(slug), "api-%d", i * 7919 % MANY);
        api = cf_catalogue_find(catalogue, slug);
        assert_non_null(api);
        assert_int_equal(api->order, FACTS + i);
        assert_string_equal(api->slug, slug);
    }
    assert_null(cf_catalogue_find(catalogue, "api-5000"));
    cf_catalogue_free(catalogue);
}

static void a_missing_file_is_an_error(void **state)
{
    const char *const files[] = {"/nonexistent/x.ini", NULL};
    struct cf_catalogue *catalogue = (void *)1;
    struct cf_fault fault = {{0}};

    (void)state;
    assert_int_equal(load_files(files, &catalogue, &fault), CF_ENOENT);
    assert_null(catalogue);
    assert_non_null(strstr(fault.text, "/nonexistent/x.ini"));
    assert_int_equal(load_files(NULL, &catalogue, &fault), CF_OK);
    cf_catalogue_free(catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ten_apis_are_as_documented),
        cmocka_unit_test(methods_tell_what_a_client_sends),
        cmocka_unit_test(the_four_methods_say_what_goes_where),
        cmocka_unit_test(site_methods_say_what_goes_where),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(an_api_prints_all_about_it),
        cmocka_unit_test(site_files_add_apis_and_methods),
        cmocka_unit_test(a_section_may_be_opened_again_in_its_file),
        cmocka_unit_test(a_later_file_can_name_products),
        cmocka_unit_test(nothing_is_defined_twice),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(wrong_sections_names_and_values_are_refused),
        cmocka_unit_test(what_a_method_sends_is_checked),
        cmocka_unit_test(lines_that_grow_too_long_are_refused),
        cmocka_unit_test(a_value_that_grows_too_long_is_refused),
        cmocka_unit_test(thousands_of_apis_are_found),
        cmocka_unit_test(a_missing_file_is_an_error),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
