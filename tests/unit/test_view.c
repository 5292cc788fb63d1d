/* The texts of views: exact bytes for values of every kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "view_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define E_ACUTE "\xC3\xA9"
#define NBSP "\xC2\xA0"
#define KEY_EMOJI "\xF0\x9F\x94\x91" /* U+1F511 */

/* --- the texts, from a source made here --------------------------------------------------------------------------- */

struct values {
    const char *key, *secret, *token, *username, *password; /* NULL: not set */
    const char *apis;                                       /* words */
    const char *access_token;
};

static struct cf_secret *copy_of(const char *text)
{
    struct cf_secret *secret = text != NULL ? cf_secret_copy(text, strlen(text)) : NULL;

    assert_true(text == NULL || secret != NULL);
    return secret;
}

static struct cf_view_source source_of(const struct values *values)
{
    struct cf_view_source source = {
        .app = {.name = "billing"},
        .value = {[CF_KEY] = copy_of(values->key),
                  [CF_SECRET] = copy_of(values->secret),
                  [CF_TOKEN] = copy_of(values->token),
                  [CF_USERNAME] = copy_of(values->username),
                  [CF_PASSWORD] = copy_of(values->password)},
        .access_token = copy_of(values->access_token),
    };
    const char *at = values->apis != NULL ? values->apis : "", *end = at + strlen(at), *word;
    size_t len;

    source.apis.at = calloc(8, sizeof *source.apis.at);
    assert_non_null(source.apis.at);
    while ((word = cf_word_next(&at, end, &len)) != NULL)
        memcpy(source.apis.at[source.apis.count++].slug, word, len);
    return source;
}

/* The text as a string, to be freed; NULL, when it is refused for this reason. Its length is what is measured. */
static char *text_of(const struct values *values, const struct cf_view *view, enum cf_error expected)
{
    struct cf_view_source source = source_of(values);
    struct cf_secret *out;
    size_t len;
    char *text = NULL;

    assert_int_equal(cf_view_measure(&source, view, &len), expected);
    assert_int_equal(cf_view_print(&source, view, &out), expected);
    assert_int_equal(out == NULL, expected != CF_OK);
    if (out != NULL) {
        assert_int_equal(cf_secret_len(out), len);
        text = strndup((const char *)cf_secret_peek(out), len);
    } else {
        assert_int_equal(len, 0);
    }
    cf_secret_free(out);
    cf_view_source_release(&source);
    return text;
}

static void assert_text(const struct values *values, const struct cf_view *view, const char *expected)
{
    char *text = text_of(values, view, CF_OK);

    assert_string_equal(text, expected);
    free(text);
}

static void assert_refused(const struct values *values, const struct cf_view *view, enum cf_error expected)
{
    free(text_of(values, view, expected)); /* NULL */
}

static const struct cf_view env = {.form = CF_VIEW_ENV};
static const struct cf_view json = {.form = CF_VIEW_JSON};
static const struct cf_view properties = {.form = CF_VIEW_PROPERTIES};

static const struct values plain = {.key = "k", .secret = "s"};
static const struct values full = {.key = "k+/=1",
                                   .secret = "a,b:c@d%e_f-g.h",
                                   .token = "t" E_ACUTE KEY_EMOJI,
                                   .username = "u",
                                   .password = "=p=",
                                   .apis = "audit-records contact-search"};

static void env_is_sorted_and_unquoted(void **state)
{
    (void)state;
    assert_text(&plain, &env, "APIS=\nAPI_KEY=k\nAPI_SECRET=s\n");
    assert_text(&full, &env,
                "APIS=audit-records,contact-search\nAPI_KEY=k+/=1\nAPI_PASSWORD==p=\nAPI_SECRET=a,b:c@d%e_f-g.h\n"
                "API_TOKEN=t" E_ACUTE KEY_EMOJI "\nAPI_USERNAME=u\n");
}

static void env_refuses_what_it_cannot_carry(void **state)
{
    static const char *const unfit[] = {
        "a b",   " a",   "a ",        "a\"b", "a'b",          "a$b",          "a#b",          "a\\b",
        "a`b",   "~a",   "a!b",       "a&b",  "a(b",          "a)b",          "a*b",          "a;b",
        "a<b",   "a>b",  "a?b",       "a[b",  "a]b",          "a^b",          "a{b",          "a|b",
        "a}b",   "a\tb", "a\xC2\xA0", NBSP,   "\xC2\x85",     "\xE1\x9A\x80", "\xE1\xA0\x8E", "\xE2\x80\x80",
        "a\x7F", "a\nb", "\xFF",      "\xC3", "\xE2\x80\x8A", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF",
        "a\rb",  "\x01", "a\x1B",     "\x1C", "\xE2\x81\x9F", "\xE3\x80\x80", "\xEF\xBB\xBF", "",
    };

    (void)state;
    for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++) {
        const struct values values = {.key = "k", .secret = "s", .password = unfit[i]};
        assert_false(cf_view_env_carries(unfit[i], strlen(unfit[i])));
        assert_refused(&values, &env, CF_EUNFIT);
    }
    assert_false(cf_view_env_carries("a\0b", 3));
    assert_true(cf_view_env_carries("azAZ09%+,-./:=@_", 16));
    assert_true(cf_view_env_carries(E_ACUTE KEY_EMOJI "\xC2\xA1\xE2\x80\x8B\xE2\x80\xA7", 14));
}

static void json_escapes(void **state)
{
    const struct values nasty = {.key = "\"quoted\" \\ back\\slash",
                                 .secret = " $a #b = 'c' ",
                                 .token = E_ACUTE NBSP KEY_EMOJI,
                                 .username = "/\x01\x1f\x7f",
                                 .password = "a\nb",
                                 .apis = "audit-records contact-search"};

    (void)state;
    assert_text(&plain, &json,
                "{\n  \"apis\": [],\n  \"app\": \"billing\",\n  \"key\": \"k\",\n  \"secret\": \"s\"\n}\n");
    assert_text(&nasty, &json,
                "{\n  \"apis\": [\"audit-records\", \"contact-search\"],\n  \"app\": \"billing\",\n"
                "  \"key\": \"\\\"quoted\\\" \\\\ back\\\\slash\",\n  \"password\": \"a\\u000Ab\",\n"
                "  \"secret\": \" $a #b = 'c' \",\n  \"token\": \"" E_ACUTE NBSP KEY_EMOJI "\",\n"
                "  \"username\": \"/\\u0001\\u001F\x7f\"\n}\n");
}

static void properties_escape(void **state)
{
    const struct values nasty = {.key = "  two blanks ",
                                 .secret = "a=b:c#d!e\\f",
                                 .token = "t\"'$\x7f~",
                                 .username = E_ACUTE NBSP "\xEF\xBF\xBD",
                                 .password = "x" KEY_EMOJI "\xF4\x8F\xBF\xBF",
                                 .apis = "audit-records contact-search"};

    (void)state;
    assert_text(&plain, &properties, "apis=\napp=billing\nkey=k\nsecret=s\n");
    assert_text(&nasty, &properties,
                "apis=audit-records,contact-search\napp=billing\nkey=\\  two blanks \n"
                "password=x\\uD83D\\uDD11\\uDBFF\\uDFFF\nsecret=a\\=b\\:c\\#d\\!e\\\\f\ntoken=t\"'$\\u007F~\n"
                "username=\\u00E9\\u00A0\\uFFFD\n");
}

static void long_values_are_whole(void **state)
{
    char value[CF_VALUE_MAX + 1], expected[6 * CF_VALUE_MAX + 100];
    const struct values values = {.key = "k", .secret = value};
    size_t len;

    (void)state;
    memset(value, 'x', CF_VALUE_MAX);
    value[CF_VALUE_MAX] = '\0';
    snprintf(expected, sizeof expected, "APIS=\nAPI_KEY=k\nAPI_SECRET=%s\n", value);
    assert_text(&values, &env, expected);
    for (size_t i = 0; i < CF_VALUE_MAX; i += 4)
        memcpy(value + i, KEY_EMOJI, 4);
    len = (size_t)snprintf(expected, sizeof expected, "apis=\napp=billing\nkey=k\nsecret=");
    for (size_t i = 0; i < CF_VALUE_MAX; i += 4)
        len += (size_t)snprintf(expected + len, sizeof expected - len, "\\uD83D\\uDD11");
    snprintf(expected + len, sizeof expected - len, "\n");
    assert_true(len > CF_SECRET_MAX);
    assert_text(&values, &properties, expected);
}

/* --- the site's own ----------------------------------------------------------------------------------------------- */

static void a_template_is_filled_in(void **state)
{
    static const char text[] = "k=${key} s=${secret} u=${username}\n$$ $ $x ${app}: ${apis}\n${key}${key}";
    struct cf_template template;
    struct cf_view view = {.form = CF_VIEW_SITE, .template = &template};
    struct cf_fault fault;

    (void)state;
    assert_int_equal(cf_template_parse("t", text, strlen(text), &template, &fault), CF_OK);
    assert_text(&full, &view,
                "k=k+/=1 s=a,b:c@d%e_f-g.h u=u\n$ $ $x billing: audit-records contact-search\nk+/=1k+/=1");
    assert_refused(&plain, &view, CF_ENOKEY);
    cf_template_release(&template);
    assert_int_equal(cf_template_parse("t", "", 0, &template, &fault), CF_OK);
    assert_text(&plain, &view, "");
    cf_template_release(&template);
}

static void what_is_too_big_is_refused(void **state)
{
    enum { MIB = CF_SECRET_LARGEST };
    char *text = malloc(MIB + 1);
    struct cf_template template;
    struct cf_view view = {.form = CF_VIEW_SITE, .template = &template};
    struct cf_fault fault;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', MIB);
    text[MIB] = '\0';
    assert_int_equal(cf_template_parse("t", text, MIB, &template, &fault), CF_OK);
    assert_text(&plain, &view, text);
    cf_template_release(&template);
    memcpy(text + MIB - 7, "${key}$", 7);
    assert_int_equal(cf_template_parse("t", text, MIB, &template, &fault), CF_OK);
    assert_refused(&(struct values){.key = "1234567"}, &view, CF_ETOOBIG);
    cf_template_release(&template);
    free(text);
}

/* --- curl --------------------------------------------------------------------------------------------------------- */

static struct cf_catalogue *catalogue_of(const char *site)
{
    char path[] = "/tmp/test_view.XXXXXX";
    const char *const files[] = {site != NULL ? path : NULL, NULL};
    struct cf_sources *sources = cf_sources_new();
    struct cf_catalogue *catalogue;
    struct cf_fault fault = {""};
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    if (site != NULL)
        assert_int_equal(write(fd, site, strlen(site)), strlen(site));
    close(fd);
    if (cf_catalogue_load(files, sources, &catalogue, &fault) != CF_OK)
        fail_msg("%s", fault.text);
    unlink(path);
    cf_sources_free(sources);
    return catalogue;
}

static struct cf_view curl_of(const struct cf_catalogue *catalogue, const char *slug)
{
    const struct cf_view view = {.form = CF_VIEW_CURL, .api = cf_catalogue_find(catalogue, slug)};

    assert_non_null(view.api);
    return view;
}

#define FOR(slug, method) "# For curl --config: authenticates to " slug " (" method ").\n"
#define QUOTED(escape) "a" escape "\"b" escape escape "c #d 'e' $f"

static void curl_sends_headers(void **state)
{
    const struct values values = {
        .key = QUOTED("\\"), .token = "t" E_ACUTE, .apis = "audit-records customer-experience-recent-calls"};
    struct cf_catalogue *catalogue = catalogue_of(NULL);
    struct cf_view view = curl_of(catalogue, "audit-records");

    (void)state;
    assert_text(&values, &view,
                FOR("audit-records", "x-api-key") "header = \"x-api-key: a\\\\\\\"b\\\\\\\\c #d 'e' $f\"\n");
    view = curl_of(catalogue, "customer-experience-recent-calls");
    assert_text(&values, &view,
                FOR("customer-experience-recent-calls", "apikey+token") "header = \"8x8-apikey: "
                                                                        "a\\\\\\\"b\\\\\\\\c #d 'e' $f\"\n"
                                                                        "header = \"token: t" E_ACUTE "\"\n");
    assert_refused(&(struct values){.key = "k", .apis = values.apis}, &view, CF_ENOKEY);
    assert_refused(&(struct values){.key = "k", .token = "a\nb", .apis = values.apis}, &view, CF_EUNFIT);
    assert_refused(&(struct values){.key = "k", .token = "t"}, &view, CF_ENOENT); /* the App does not have it */
    assert_false(cf_view_fetches(&view));
    cf_catalogue_free(catalogue);
}

#define MIXED                                                                                     \
    "[method mixed]\nsends = x\nheader = X-One: a${key}b \\ \"$$\"\n  X-Two:   ${token} ${key}\n" \
    "[method none]\nsends = x\n"                                                                  \
    "[mixed]\ntitle = T\nkey-process = console\nmethod = mixed\nbase-url = https://h\n"           \
    "[none]\ntitle = T\nkey-process = console\nmethod = none\nbase-url = https://h\n"

static void curl_headers_lose_no_blanks(void **state)
{
    struct cf_catalogue *catalogue = catalogue_of(MIXED);
    struct cf_view view = curl_of(catalogue, "mixed");

    (void)state;
    assert_text(&(struct values){.key = " k", .token = "t ", .apis = "mixed"}, &view,
                FOR("mixed", "mixed") "header = \"X-One: a kb \\\\ \\\"$\\\"\"\nheader = \"X-Two:   t   k\"\n");
    assert_refused(&(struct values){.key = "k ", .token = "t", .apis = "mixed"}, &view, CF_EUNFIT);
    assert_refused(&(struct values){.key = "k", .token = " t", .apis = "mixed"}, &view, CF_EUNFIT);
    view = curl_of(catalogue, "none");
    assert_refused(&(struct values){.key = "k", .apis = "none"}, &view, CF_ENOENT);
    cf_catalogue_free(catalogue);
}

/* The text without the comments that only fill it. */
static void drop_room(char *text)
{
    char *to = text;

    for (char *line = text, *next; *line != '\0'; line = next) {
        next = strchr(line, '\n') + 1;
        if (line[0] == '#' && (line[1] == ' ' ? line[2] == ' ' || line[2] == '\n' : line[1] == '\n'))
            continue;
        memmove(to, line, (size_t)(next - line));
        to += next - line;
    }
    *to = '\0';
}

static void assert_curl_with_token(const struct cf_view *view, const char *token, const char *expected)
{
    const struct values values = {.key = "k",
                                  .secret = "s",
                                  .username = "u",
                                  .password = "p",
                                  .apis = "cloud-storage-service work-analytics twice",
                                  .access_token = token};
    char *text = text_of(&values, view, CF_OK);

    drop_room(text);
    assert_string_equal(text, expected);
    free(text);
}

#define TWICE                                                                                         \
    "[method twice]\nsends = x\ntoken-url = https://h\nheader = A: ${access-token}.${access-token}\n" \
    "[twice]\ntitle = T\nkey-process = console\nmethod = twice\nbase-url = https://h\n"

static void curl_shows_the_access_token(void **state)
{
    struct cf_catalogue *catalogue = catalogue_of(TWICE);
    struct cf_view view = curl_of(catalogue, "cloud-storage-service");

    (void)state;
    assert_true(cf_view_fetches(&view));
    assert_curl_with_token(
        &view,
        "ya29.a/b+c==", FOR("cloud-storage-service", "oauth2") "header = \"Authorization: Bearer ya29.a/b+c==\"\n");
    view = curl_of(catalogue, "work-analytics");
    assert_true(cf_view_fetches(&view));
    assert_curl_with_token(
        &view, "tok",
        FOR("work-analytics",
            "apikey+login") "header = \"Authorization: Bearer tok\"\nheader = \"8x8-apikey: k\"\n");
    view = curl_of(catalogue, "twice");
    assert_curl_with_token(&view, "a\\", FOR("twice", "twice") "header = \"A: a\\\\.a\\\\\"\n");
    cf_catalogue_free(catalogue);
}

/* Whatever the token is, and before there is any. */
static void the_length_does_not_hang_on_the_access_token(void **state)
{
    struct cf_catalogue *catalogue = catalogue_of(TWICE);
    const struct cf_view views[] = {curl_of(catalogue, "cloud-storage-service"), curl_of(catalogue, "twice")};
    char longest[CF_TOKEN_MAX + 2] = "";
    struct values values = {.key = "k", .secret = "s", .apis = "cloud-storage-service twice"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *text[4];
        values.access_token = NULL;
        text[0] = text_of(&values, &views[i], CF_OK);
        values.access_token = "t";
        text[1] = text_of(&values, &views[i], CF_OK);
        values.access_token = "\"\\";
        text[2] = text_of(&values, &views[i], CF_OK);
        memset(longest, 'x', CF_TOKEN_MAX);
        longest[CF_TOKEN_MAX] = '\0';
        values.access_token = longest;
        text[3] = text_of(&values, &views[i], CF_OK);
        assert_non_null(strstr(text[3], "x\"\n#\n"));
        for (size_t j = 1; j < 4; j++)
            assert_int_equal(strlen(text[j]), strlen(text[0]));
        for (size_t j = 0; j < 4; j++)
            free(text[j]);
        longest[0] = '"'; /* it takes two bytes */
        assert_refused(&values, &views[i], CF_ETOOBIG);
    }
    cf_catalogue_free(catalogue);
}

static char *request_of(const struct cf_catalogue *catalogue, const char *slug, const struct values *values,
                        enum cf_error expected)
{
    struct cf_view_source source = source_of(values);
    struct cf_secret *out;
    char *text = NULL;

    assert_int_equal(cf_token_request_print(&source, curl_of(catalogue, slug).api->method, &out), expected);
    assert_int_equal(out == NULL, expected != CF_OK);
    if (out != NULL)
        text = strndup((const char *)cf_secret_peek(out), cf_secret_len(out));
    cf_secret_free(out);
    cf_view_source_release(&source);
    return text;
}

static void assert_request(const struct cf_catalogue *catalogue, const char *slug, const struct values *values,
                           const char *expected)
{
    char *text = request_of(catalogue, slug, values, CF_OK);

    assert_string_equal(text, expected);
    free(text);
}

static void assert_no_request(const struct cf_catalogue *catalogue, const char *slug, const struct values *values,
                              enum cf_error expected)
{
    free(request_of(catalogue, slug, values, expected)); /* NULL */
}

#define LIMITS "globoff\nsilent\nfail\nmax-redirs = 0\nmax-filesize = 65536\n"

static void the_request_for_an_access_token(void **state)
{
    const struct values values = {.key = "k\"\\", .secret = "s:\\ ", .username = " u&=\"", .password = "p@+"};
    const struct values colon = {.key = "k:", .secret = "s"}, bare = {.key = "k", .secret = "s"};
    const struct values blank = {.key = "k ", .username = "u", .password = "p"};
    struct cf_catalogue *catalogue = catalogue_of(
        "[method two]\nsends = x\ntoken-url = http://h/\"{q}\ntoken-user = ${secret}${key}:x${secret}:${key}\n"
        "header = A: ${access-token}\n"
        "[two]\ntitle = T\nkey-process = console\nmethod = two\nbase-url = https://h\n");

    (void)state;
    assert_request(catalogue, "cloud-storage-service", &values,
                   "url = \"https://api.8x8.com/oauth/v2/token\"\nproto = \"=https\"\n" LIMITS
                   "user = \"k\\\"\\\\:s:\\\\ \"\ndata-urlencode = \"grant_type=client_credentials\"\n");
    assert_request(catalogue, "work-analytics", &values,
                   "url = \"https://api.8x8.com/analytics/work/v1/oauth/token\"\nproto = \"=https\"\n" LIMITS
                   "header = \"8x8-apikey: k\\\"\\\\\"\ndata-urlencode = \"username= u&=\\\"\"\n"
                   "data-urlencode = \"password=p@+\"\n");
    assert_request(catalogue, "two", &bare,
                   "url = \"http://h/\\\"{q}\"\nproto = \"=http\"\n" LIMITS "user = \"sk:xs:k\"\ndata = \"\"\n");
    assert_no_request(catalogue, "cloud-storage-service", &colon, CF_EUNFIT);
    assert_no_request(catalogue, "two", &colon, CF_EUNFIT);
    assert_no_request(catalogue, "work-analytics", &blank, CF_EUNFIT);
    assert_no_request(catalogue, "work-analytics", &bare, CF_ENOKEY);
    cf_catalogue_free(catalogue);
}

static int start(void **state)
{
    (void)state;
    return cf_crypto_start(NULL) == CF_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(env_is_sorted_and_unquoted),
        cmocka_unit_test(env_refuses_what_it_cannot_carry),
        cmocka_unit_test(json_escapes),
        cmocka_unit_test(properties_escape),
        cmocka_unit_test(long_values_are_whole),
        cmocka_unit_test(a_template_is_filled_in),
        cmocka_unit_test(what_is_too_big_is_refused),
        cmocka_unit_test(curl_sends_headers),
        cmocka_unit_test(curl_headers_lose_no_blanks),
        cmocka_unit_test(curl_shows_the_access_token),
        cmocka_unit_test(the_length_does_not_hang_on_the_access_token),
        cmocka_unit_test(the_request_for_an_access_token),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
