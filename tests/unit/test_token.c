/* token.h: the answers of token services, those that are none too. */
#include "fixture.h"

#include "crypto.h"
#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum cf_error read_answer(const char *text, size_t len, struct cf_secret **token, int64_t *seconds)
{
    struct cf_secret *answer = cf_secret_copy(text, len);
    enum cf_error error;

    assert_non_null(answer);
    error = cf_token_answer(answer, token, seconds);
    cf_secret_free(answer);
    return error;
}

static void assert_token(const char *text, const char *want, int64_t good_for)
{
    struct cf_secret *token;
    int64_t seconds;

    assert_int_equal(read_answer(text, strlen(text), &token, &seconds), CF_OK);
    assert_int_equal(cf_secret_len(token), strlen(want));
    assert_memory_equal(cf_secret_peek(token), want, strlen(want));
    assert_int_equal(seconds, good_for);
    cf_secret_free(token);
}

static void assert_none(const char *text)
{
    struct cf_secret *token;
    int64_t seconds;

    assert_int_equal(read_answer(text, strlen(text), &token, &seconds), CF_EFORMAT);
    assert_null(token);
}

static void test_answers(void **state)
{
    (void)state;
    assert_token("{\"access_token\":\"abc.-_~+/=\",\"token_type\":\"Bearer\",\"expires_in\":1800}",
                 "abc.-_~+/=", 1800);
    assert_token(" {\r\n\t\"expires_in\" : \"1799\" , \"access_token\" : \"x\" } \n", "x", 1799);
    assert_token("{\"access_token\":\"x\"}", "x", CF_TOKEN_SECONDS);
    assert_token("{\"access_token\":\"x\",\"expires_in\":12.9}", "x", 12);
    assert_token("{\"access_token\":\"x\",\"expires_in\":-5}", "x", 0);
    assert_token("{\"access_token\":\"x\",\"expires_in\":null}", "x", 0);
    assert_token("{\"access_token\":\"x\",\"expires_in\":99999999999999999999999}", "x", CF_TOKEN_SECONDS_MOST);
}

static void test_escapes(void **state)
{
    (void)state;
    assert_token("{\"access_token\":\"a\\/b\\\\c\\\"d\\u0041\\u007e\"}", "a/b\\c\"dA~", CF_TOKEN_SECONDS);
    assert_none("{\"access_token\":\"a\\nb\"}");
    assert_none("{\"access_token\":\"a\\u000ab\"}");
    assert_none("{\"access_token\":\"a\\u0100\"}");
    assert_none("{\"access_token\":\"a\\u00\"}");
    assert_none("{\"access_token\":\"a\\u004g\"}");
    assert_none("{\"access_token\":\"a\\x41\"}");
}

/* What it holds beside is passed over, whatever it is called. */
static void test_other_members(void **state)
{
    (void)state;
    assert_token("{\"a\":{\"access_token\":\"not this\"},\"b\":[1,[],{},\"}\\\"\",true],\"access_token\":\"this\"}",
                 "this", CF_TOKEN_SECONDS);
    assert_token("{\"x\":\"\\\\\",\"access_token\":\"this\",\"access_token_2\":\"no\"}", "this", CF_TOKEN_SECONDS);
}

static void test_none(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "null",
        "\"access_token\"",
        "{\"access_token\":\"\"}",
        "{\"access_token\":1}",
        "{\"access_token\":null}",
        "{\"access_token\":{\"access_token\":\"x\"}}",
        "{\"access_token\":\"two words\"}",
        "{\"access_token\":\"x\",}",
        "{\"access_token\":\"x\"",
        "{\"access_token\":\"x",
        "{\"access_token\":\"x\\",
        "{\"access_token\" \"x\"}",
        "{\"access_token\":\"x\"}{}",
        "{access_token:\"x\"}",
        "<html>access_token</html>",
        "{\"access_token\":\"\xc3\xa9\"}",
        "{\"access_token\":\"a\nb\"}",
        "{\"access_token\":\"x\",\"expires_in\":[1]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_none(texts[i]);
}

/* Cut anywhere, or with any byte of it another, it is read within its bounds; deep nesting is refused. */
static void test_hostile(void **state)
{
    static const char whole[] = "{\"a\":[{\"b\":\"\\u0041\"}],\"access_token\":\"t\\/k\",\"expires_in\":\"60\"}";
    struct cf_secret *token;
    char text[sizeof(whole)];
    int64_t seconds;

    (void)state;
    for (size_t len = 0; len < sizeof(whole) - 1; len++)
        assert_int_equal(read_answer(whole, len, &token, &seconds), CF_EFORMAT);
    for (size_t at = 0; at < sizeof(whole) - 1; at++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(text, whole, sizeof(whole));
            text[at] = (char)byte;
            if (read_answer(text, sizeof(whole) - 1, &token, &seconds) == CF_OK)
                assert_true(cf_secret_len(token) > 0);
            cf_secret_free(token);
        }
    }
    char *deep = malloc(3001);
    assert_non_null(deep);
    memset(deep, '[', 3000);
    memcpy(deep, "{\"a\":", 5);
    deep[3000] = '\0';
    assert_none(deep);
    free(deep);
}

static int start(void **state)
{
    (void)state;
    return cf_crypto_start(NULL) == CF_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers), cmocka_unit_test(test_escapes), cmocka_unit_test(test_other_members),
        cmocka_unit_test(test_none),    cmocka_unit_test(test_hostile),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
