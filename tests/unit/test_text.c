/* Growing text, and the rules for names, values, slugs and words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void additions_follow_one_another(void **state)
{
    struct cf_text text = {0};
    char want[1001 + 1];

    (void)state;
    cf_text_puts(&text, "");
    assert_non_null(text.data);
    assert_string_equal(text.data, "");
    cf_text_add(&text, "a\0b", 3);
    cf_text_printf(&text, "%d-%s", 42, "x");
    assert_int_equal(text.len, 7);
    assert_memory_equal(text.data, "a\0b42-x", 8);
    cf_text_release(&text);
    assert_null(text.data);
    assert_int_equal(text.len, 0);

    for (int i = 0; i < 1001; i++)
        cf_text_puts(&text, "z");
    memset(want, 'z', 1001);
    want[1001] = '\0';
    assert_string_equal(text.data, want);
    assert_true(text.size > text.len);
    cf_text_printf(&text, "%s", want);
    assert_int_equal(text.len, 2002);
    assert_int_equal(strlen(text.data), 2002);
    assert_int_equal(cf_text_result(&text), CF_OK);
    cf_text_release(&text);
}

/* The text grows at every length around its steps without writing past its end (the sanitizers watch). */
static void every_length_fits(void **state)
{
    (void)state;
    for (size_t len = 0; len < 300; len++) {
        struct cf_text text = {0};
        char *bytes = malloc(len + 1);

        assert_non_null(bytes);
        memset(bytes, 'q', len);
        bytes[len] = '\0';
        cf_text_add(&text, bytes, len);
        cf_text_printf(&text, "%s", bytes);
        assert_int_equal(text.len, 2 * len);
        assert_int_equal(strlen(text.data), 2 * len);
        cf_text_release(&text);
        free(bytes);
    }
}

static void a_failure_is_remembered(void **state)
{
    struct cf_text text = {0};

    (void)state;
    cf_text_puts(&text, "before");
    cf_text_add(&text, "x", SIZE_MAX - 3);
    cf_text_puts(&text, "after");
    cf_text_printf(&text, "%d", 1);
    assert_int_equal(cf_text_result(&text), CF_ENOMEM);
    assert_string_equal(text.data, "before");
    cf_text_release(&text);
    assert_int_equal(cf_text_result(&text), CF_OK);
}

static void assert_json(const char *string, const char *want)
{
    struct cf_text text = {0};

    cf_text_json(&text, string);
    assert_int_equal(cf_text_result(&text), CF_OK);
    assert_string_equal(text.data, want);
    cf_text_release(&text);
}

static void json_strings_are_escaped(void **state)
{
    (void)state;
    assert_json("", "\"\"");
    assert_json("plain /path é 日本 🙂", "\"plain /path é 日本 🙂\"");
    assert_json("a\"b\\c", "\"a\\\"b\\\\c\"");
    assert_json("\n\t\r\b\x01\x1f", "\"\\n\\t\\u000d\\u0008\\u0001\\u001f\"");
    assert_json("\x7f\xc2\x9b", "\"\\u007f\\u009b\"");
    assert_json("\xe2\x80\x8e\xe2\x80\xa8\xef\xbb\xbf", "\"\\u200e\\u2028\\ufeff\"");
    assert_json("\xf3\xa0\x81\x81", "\"\\udb40\\udc41\"");
}

static void json_has_no_broken_bytes(void **state)
{
    (void)state;
    assert_json("a\xff"
                "b",
                "\"a\xef\xbf\xbd"
                "b\"");
    assert_json("\xc3\"", "\"\xef\xbf\xbd\\\"\"");
    assert_json("\xe2\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    assert_json("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

/* Write a code point as UTF-8; any number up to 21 bits, also ones that are not allowed. */
static size_t encode(uint32_t code, char out[static 4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 63));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 63));
        out[2] = (char)(0x80 | (code & 63));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 63));
    out[2] = (char)(0x80 | (code >> 6 & 63));
    out[3] = (char)(0x80 | (code & 63));
    return 4;
}

static void utf8_takes_every_scalar_value(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x1FFFFF; code++) {
        char bytes[4];
        size_t len = encode(code, bytes);
        bool is_scalar = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
        uint32_t got = UINT32_MAX;
        size_t step = cf_utf8_next(bytes, len, &got);

        if (step != (is_scalar ? len : 0) || (is_scalar && got != code))
            fail_msg("U+%04X: step %zu, code U+%04X", code, step, got);
        if (len > 1 && cf_utf8_next(bytes, len - 1, &got) != 0)
            fail_msg("U+%04X: taken when cut", code);
    }
}

static void utf8_refuses_what_is_broken(void **state)
{
    static const char *const broken[] = {
        "\x80",     "\xbf",         "\xc0\x80",     "\xc1\xbf",         "\xe0\x9f\xbf",         "\xf0\x8f\xbf\xbf",
        "\xc3\x28", "\xe2\x28\xa1", "\xe2\x82\x28", "\xf0\x9f\x98\x28", "\xf8\x88\x80\x80\x80", "\xfe",
        "\xff",     "\xc3\xc3",     "\xed\xbf\xbf", "\xf4\x90\x80\x80",
    };
    uint32_t code;

    (void)state;
    for (size_t i = 0; i < COUNT(broken); i++) {
        if (cf_utf8_next(broken[i], strlen(broken[i]), &code) != 0)
            fail_msg("broken sequence %zu is taken", i);
    }
}

static void good_names_are_taken(void **state)
{
    static const char *const names[] = {
        "a",      "billing", "Billing_2", "a.b",  "a-b", "x..", "été",
        "日本語", "🙂",    "ça-va?",    "a\\b", "*",   "~",   "name@host:1",
    };
    char longest[CF_NAME_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        if (cf_name_check(names[i], strlen(names[i])) != CF_OK)
            fail_msg("%s is refused", names[i]);
    }
    memset(longest, 'n', sizeof(longest));
    assert_int_equal(cf_name_check(longest, sizeof(longest)), CF_OK);
    for (size_t i = 0; i < sizeof(longest); i += 2) {
        longest[i] = '\xC3';
        longest[i + 1] = '\xA9';
    }
    assert_int_equal(cf_name_check(longest, sizeof(longest)), CF_OK);
}

static void bad_names_are_refused(void **state)
{
    static const char *const names[] = {
        "",    ".",  "..", ".hidden", "-",    "-rf", "/",    "a/b",  "a/",
        "a b", " a", "a ", "a\tb",    "a\nb", "a\n", "\x7f", "\xff", "a\xc3",
    };
    char longest[CF_NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        if (cf_name_check(names[i], strlen(names[i])) != CF_ENAME)
            fail_msg("bad name %zu is taken", i);
    }
    memset(longest, 'n', sizeof(longest));
    assert_int_equal(cf_name_check(longest, sizeof(longest)), CF_ENAME);
    assert_int_equal(cf_name_check("a\0b", 3), CF_ENAME);
    assert_int_equal(cf_name_check("a\0", 2), CF_ENAME);
    longest[CF_NAME_MAX - 1] = '\xC3';
    longest[CF_NAME_MAX] = '\xA9';
    assert_int_equal(cf_name_check(longest, CF_NAME_MAX), CF_ENAME);
}

/* Each of these alone is enough to refuse a name, at its start, inside and at its end. */
static void hidden_characters_are_refused(void **state)
{
    static const uint32_t codes[] = {
        /* White_Space */
        0x09,
        0x0A,
        0x0B,
        0x0C,
        0x0D,
        0x20,
        0x85,
        0xA0,
        0x1680,
        0x2000,
        0x2001,
        0x2002,
        0x2003,
        0x2004,
        0x2005,
        0x2006,
        0x2007,
        0x2008,
        0x2009,
        0x200A,
        0x2028,
        0x2029,
        0x202F,
        0x205F,
        0x3000,
        /* control characters */
        0x00,
        0x01,
        0x1B,
        0x1F,
        0x7F,
        0x80,
        0x9B,
        0x9F,
        /* hidden or reordering */
        0xAD,
        0x34F,
        0x61C,
        0x115F,
        0x1160,
        0x17B4,
        0x180B,
        0x180E,
        0x200B,
        0x200C,
        0x200D,
        0x200E,
        0x200F,
        0x202A,
        0x202B,
        0x202C,
        0x202D,
        0x202E,
        0x2060,
        0x2061,
        0x2064,
        0x2066,
        0x2067,
        0x2068,
        0x2069,
        0x206F,
        0x3164,
        0xFE0F,
        0xFEFF,
        0xFFA0,
        0xFFF9,
        0x1BCA0,
        0x1D173,
        0xE0001,
        0xE0041,
        0xE0100,
        0xE01EF,
    };

    (void)state;
    for (size_t i = 0; i < COUNT(codes); i++) {
        for (int place = 0; place < 3; place++) {
            char name[16] = "", bytes[4];
            size_t len = encode(codes[i], bytes), at = place == 0 ? 0 : 1;

            memset(name, 'a', sizeof(name));
            memcpy(name + at, bytes, len);
            if (cf_name_check(name, at + len + (place == 1)) != CF_ENAME)
                fail_msg("U+%04X is taken", codes[i]);
        }
    }
}

static void neighbours_of_hidden_characters_are_taken(void **state)
{
    static const uint32_t codes[] = {0x21,   0x7E,   0xA1,   0xAC,   0xAE,   0x167F, 0x1681, 0x2010,
                                     0x2027, 0x2030, 0x205E, 0x2070, 0x3001, 0xFE10, 0xFFFD, 0x1F600};

    (void)state;
    for (size_t i = 0; i < COUNT(codes); i++) {
        char name[4];

        if (cf_name_check(name, encode(codes[i], name)) != CF_OK)
            fail_msg("U+%04X is refused", codes[i]);
    }
}

static void slugs(void **state)
{
    char longest[CF_SLUG_MAX + 1];

    (void)state;
    memset(longest, 's', sizeof(longest));
    assert_true(cf_slug_valid("audit-records", 13));
    assert_true(cf_slug_valid("0", 1));
    assert_true(cf_slug_valid("a-", 2));
    assert_true(cf_slug_valid(longest, CF_SLUG_MAX));
    assert_false(cf_slug_valid(longest, CF_SLUG_MAX + 1));
    assert_false(cf_slug_valid("", 0));
    assert_false(cf_slug_valid("-a", 2));
    assert_false(cf_slug_valid("a_b", 3));
    assert_false(cf_slug_valid("Audit", 5));
    assert_false(cf_slug_valid("a b", 3));
    assert_false(cf_slug_valid("a\n", 2));
    assert_false(cf_slug_valid("a\0b", 3));
    assert_false(cf_slug_valid("\xc3\xa9", 2));
    assert_false(cf_slug_valid("../a", 4));
}

static void values(void **state)
{
    char longest[CF_VALUE_MAX + 1];

    (void)state;
    memset(longest, 'v', sizeof(longest));
    assert_true(cf_value_valid("x", 1));
    assert_true(cf_value_valid("with spaces, é and \"quotes\"", 28));
    assert_true(cf_value_valid(longest, CF_VALUE_MAX));
    assert_false(cf_value_valid(longest, CF_VALUE_MAX + 1));
    assert_false(cf_value_valid("", 0));
    assert_false(cf_value_valid("a\n", 2));
    assert_false(cf_value_valid("a\tb", 3));
    assert_false(cf_value_valid("a\0b", 3));
    assert_false(cf_value_valid("a\x7f", 2));
    assert_false(cf_value_valid("a\xc2\x9b", 3));
    assert_false(cf_value_valid("a\xff", 2));
    assert_false(cf_value_valid("\xe2\x80\xa8", 3));
}

static void lines(void **state)
{
    (void)state;
    assert_true(cf_line_valid("", 0, 0));
    assert_true(cf_line_valid("abc", 3, 3));
    assert_false(cf_line_valid("abc", 3, 2));
    assert_false(cf_line_valid("a\rb", 3, 10));
    assert_false(cf_line_valid("a\xc2\x85", 3, 10));
    assert_false(cf_line_valid("a\xe2\x80\xa9", 4, 10));
    assert_false(cf_line_valid("a\xc3", 2, 10));
}

static void words(void **state)
{
    static const char text[] = " \t one\r\n\v\ftwo  three";
    const char *cursor = text, *end = text + sizeof(text) - 1, *word;
    size_t len;

    (void)state;
    word = cf_word_next(&cursor, end, &len);
    assert_non_null(word);
    assert_int_equal(len, 3);
    assert_memory_equal(word, "one", 3);
    word = cf_word_next(&cursor, end, &len);
    assert_non_null(word);
    assert_int_equal(len, 3);
    assert_memory_equal(word, "two", 3);
    word = cf_word_next(&cursor, end - 2, &len);
    assert_non_null(word);
    assert_int_equal(len, 3);
    assert_memory_equal(word, "thr", 3);
    assert_null(cf_word_next(&cursor, cursor, &len));
    cursor = text;
    assert_null(cf_word_next(&cursor, text + 3, &len));
    assert_ptr_equal(cursor, text + 3);
}

static void words_may_hold_a_nul(void **state)
{
    static const char text[] = "a\0b c";
    const char *cursor = text, *word;
    size_t len;

    (void)state;
    word = cf_word_next(&cursor, text + 5, &len);
    assert_ptr_equal(word, text);
    assert_int_equal(len, 3);
}

static void hexadecimal_goes_both_ways(void **state)
{
    uint8_t bytes[256], back[256];
    char digits[513];

    (void)state;
    for (size_t i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    cf_hex(bytes, sizeof(bytes), digits);
    assert_int_equal(strlen(digits), 512);
    assert_memory_equal(&digits[350], "af", 2);
    assert_true(cf_unhex(digits, 512, back, sizeof(back)));
    assert_memory_equal(back, bytes, sizeof(bytes));
    cf_hex(bytes, 0, digits);
    assert_string_equal(digits, "");
    assert_true(cf_unhex("", 0, back, 0));
}

static void broken_hexadecimal_is_refused(void **state)
{
    uint8_t out[2] = {7, 7};

    (void)state;
    assert_false(cf_unhex("00", 2, out, 2));
    assert_false(cf_unhex("00000", 5, out, 2));
    assert_false(cf_unhex("000000", 6, out, 2));
    assert_false(cf_unhex("00AF", 4, out, 2));
    assert_false(cf_unhex("00g0", 4, out, 2));
    assert_false(cf_unhex("0x00", 4, out, 2));
    assert_false(cf_unhex("00 0", 4, out, 2));
    assert_false(cf_unhex("000/", 4, out, 2));
    assert_false(cf_unhex("000:", 4, out, 2));
    assert_false(cf_unhex("000`", 4, out, 2));
    assert_int_equal(out[0], 7);
    assert_int_equal(out[1], 7);
}

/* The words of the audit log must tell errors apart, and no error may lack its sentence. */
static void errors_have_words(void **state)
{
    (void)state;
    for (int a = CF_OK; a <= CF_EWRONGKEY; a++) {
        assert_true(strlen(cf_error_text((enum cf_error)a)) > 0);
        for (int b = CF_OK; b < a; b++)
            assert_string_not_equal(cf_error_word((enum cf_error)a), cf_error_word((enum cf_error)b));
    }
    assert_string_equal(cf_error_word(CF_ETAMPER), "tampered");
    assert_string_equal(cf_error_text(CF_EWRONGKEY), "the master key does not open this store");
    assert_non_null(cf_error_word((enum cf_error)(CF_EWRONGKEY + 1)));
    assert_non_null(cf_error_text((enum cf_error) - 1));
}

static void faults_are_cut(void **state)
{
    struct cf_fault fault;
    char longest[2000];

    (void)state;
    memset(longest, 'f', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    cf_fault_set(NULL, "%s", longest);
    cf_fault_set(&fault, "%s:%d", "file", 7);
    assert_string_equal(fault.text, "file:7");
    cf_fault_set(&fault, "%s", longest);
    assert_int_equal(strlen(fault.text), sizeof(fault.text) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(additions_follow_one_another),
        cmocka_unit_test(every_length_fits),
        cmocka_unit_test(a_failure_is_remembered),
        cmocka_unit_test(json_strings_are_escaped),
        cmocka_unit_test(json_has_no_broken_bytes),
        cmocka_unit_test(utf8_takes_every_scalar_value),
        cmocka_unit_test(utf8_refuses_what_is_broken),
        cmocka_unit_test(good_names_are_taken),
        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(hidden_characters_are_refused),
        cmocka_unit_test(neighbours_of_hidden_characters_are_taken),
        cmocka_unit_test(slugs),
        cmocka_unit_test(values),
        cmocka_unit_test(lines),
        cmocka_unit_test(words),
        cmocka_unit_test(words_may_hold_a_nul),
        cmocka_unit_test(hexadecimal_goes_both_ways),
        cmocka_unit_test(broken_hexadecimal_is_refused),
        cmocka_unit_test(errors_have_words),
        cmocka_unit_test(faults_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
