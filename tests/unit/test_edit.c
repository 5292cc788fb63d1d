/* edit.h: how the text of a write becomes entries. */
#include "fixture.h"

#include "edit.h"

#include <stdlib.h>
#include <string.h>

static enum cf_error parse(const char *text, enum cf_edit_unit unit, struct cf_edits *edits)
{
    return cf_edit_parse(text, strlen(text), unit, edits);
}

static void assert_entry(const struct cf_edits *edits, size_t i, char sign, const char *entry)
{
    assert_true(i < edits->count);
    assert_int_equal(edits->at[i].sign, sign);
    assert_int_equal(edits->at[i].len, strlen(entry));
    assert_memory_equal(edits->at[i].entry, entry, strlen(entry));
}

static void test_words(void **state)
{
    struct cf_edits edits;

    (void)state;
    assert_int_equal(parse("  a\tb\n\n# all of it: c\nd # e\r\nf", CF_EDIT_WORDS, &edits), CF_OK);
    assert_int_equal(edits.count, 4);
    assert_false(edits.is_marked);
    assert_entry(&edits, 0, 0, "a");
    assert_entry(&edits, 1, 0, "b");
    assert_entry(&edits, 2, 0, "d");
    assert_entry(&edits, 3, 0, "f");
    cf_edits_release(&edits);
}

static void test_lines(void **state)
{
    struct cf_edits edits;

    (void)state;
    assert_int_equal(parse("user:web  key \n\n  +x\n", CF_EDIT_LINES, &edits), CF_EMIXED);
    assert_int_equal(parse("  user:web  key \n\ngroup:ops # note\n", CF_EDIT_LINES, &edits), CF_OK);
    assert_int_equal(edits.count, 2);
    assert_entry(&edits, 0, 0, "user:web  key");
    assert_entry(&edits, 1, 0, "group:ops");
    cf_edits_release(&edits);
}

static void test_marked(void **state)
{
    struct cf_edits edits;

    (void)state;
    assert_int_equal(parse("+a -b\n+c", CF_EDIT_WORDS, &edits), CF_OK);
    assert_true(edits.is_marked);
    assert_entry(&edits, 0, '+', "a");
    assert_entry(&edits, 1, '-', "b");
    assert_entry(&edits, 2, '+', "c");
    cf_edits_release(&edits);
    assert_int_equal(parse("+a b", CF_EDIT_WORDS, &edits), CF_EMIXED);
    assert_int_equal(parse("a -b", CF_EDIT_WORDS, &edits), CF_EMIXED);
    assert_int_equal(parse("+", CF_EDIT_WORDS, &edits), CF_EVALUE);
    assert_int_equal(parse("+ a", CF_EDIT_LINES, &edits), CF_EVALUE);
    assert_null(edits.at);
}

static void test_refused(void **state)
{
    struct cf_edits edits;
    char *big = malloc(CF_EDIT_MAX + 1);

    (void)state;
    assert_non_null(big);
    memset(big, 'a', CF_EDIT_MAX + 1);
    assert_int_equal(cf_edit_parse(big, CF_EDIT_MAX + 1, CF_EDIT_WORDS, &edits), CF_ETOOBIG);
    assert_int_equal(cf_edit_parse(big, CF_EDIT_MAX, CF_EDIT_WORDS, &edits), CF_OK);
    cf_edits_release(&edits);
    free(big);
    assert_int_equal(cf_edit_parse("a\0b", 3, CF_EDIT_WORDS, &edits), CF_EVALUE);
    assert_int_equal(cf_edit_parse("", 0, CF_EDIT_WORDS, &edits), CF_OK);
    assert_int_equal(edits.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_marked),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
