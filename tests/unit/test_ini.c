/* Strict INI files: what is read, and that each thing that inih alone would let pass is refused with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ini.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Collects lines as "SECTION|NAME|VALUE\n", those that continue with a + before the value. */
struct seen {
    char text[4096];
    const char *bad; /* a value or section that is refused */
    int sections;
};

static const char *collect(void *arg, const char *section, const char *name, const char *value, bool again)
{
    struct seen *seen = arg;
    size_t len = strlen(seen->text);

    if (name == NULL) {
        seen->sections++;
        return seen->bad != NULL && strcmp(section, seen->bad) == 0 ? "a bad section" : NULL;
    }
    if (seen->bad != NULL && strcmp(value, seen->bad) == 0)
        return "a bad value";
    snprintf(seen->text + len, sizeof(seen->text) - len, "%s|%s|%s%s\n", section, name, again ? "+" : "", value);
    return NULL;
}

static enum cf_error read_text(const char *text, size_t len, struct seen *seen, struct cf_fault *fault)
{
    enum cf_error error;
    char *exact = malloc(len + 1); /* so that the sanitizers see a read past the end */

    *fault = (struct cf_fault){""};
    if (exact == NULL)
        return CF_ENOMEM;
    memcpy(exact, text, len);
    error = cf_ini_text("t.ini", exact, len, collect, seen, fault);
    free(exact);
    return error;
}

static void assert_reads(const char *text, const char *want)
{
    struct cf_fault fault;
    struct seen seen = {.text = ""};

    if (read_text(text, strlen(text), &seen, &fault) != CF_OK)
        fail_msg("refused: %s", fault.text);
    assert_string_equal(seen.text, want);
}

/* reason: what the message begins with, from the title on. */
static void assert_refused(const char *text, size_t len, const char *reason)
{
    struct cf_fault fault;
    struct seen seen = {.text = ""};

    if (read_text(text, len, &seen, &fault) != CF_ECONFIG)
        fail_msg("taken, where this was expected: %s", reason);
    if (strncmp(fault.text, reason, strlen(reason)) != 0)
        fail_msg("got \"%s\", expected \"%s\"", fault.text, reason);
}

static void refuses(const char *text, const char *reason)
{
    assert_refused(text, strlen(text), reason);
}

static void plain_files_are_read(void **state)
{
    (void)state;
    assert_reads("", "");
    assert_reads("\n\n", "");
    assert_reads("# a\n; b\n  ; c\n\t# d\n", "");
    assert_reads("a = 1", "|a|1\n");
    assert_reads("[s]\na=1\nb =  2  \n[t u]\n\na = 3\n", "s|a|1\ns|b|2\nt u|a|3\n");
    assert_reads("[s]\r\na = 1\r\n", "s|a|1\n");
    assert_reads("\xEF\xBB\xBF[s]\na = 1\n", "s|a|1\n");
    assert_reads("[s]\na =\n", "s|a|\n");
    assert_reads("[s]\nurl = https://{region}.example/a?b=c;d#e\n", "s|url|https://{region}.example/a?b=c;d#e\n");
    assert_reads("[s]\nname = é 日本\n", "s|name|é 日本\n");
}

static void comments_end_a_line(void **state)
{
    (void)state;
    assert_reads("[role k]   ; a custom role\np = x ; y\n", "role k|p|x\n");
    assert_reads("[s] \na = x;y\n", "s|a|x;y\n");
    assert_reads("[s]\na = ; nothing\n", "s|a|\n");
}

static void indented_lines_continue(void **state)
{
    (void)state;
    assert_reads("[s]\na = 1\n  2 ; c\n\t3\nb = 4\n  5\n", "s|a|1\ns|a|+2\ns|a|+3\ns|b|4\ns|b|+5\n");
    assert_reads("[s]\na =\n  x = y\n", "s|a|\ns|a|+x = y\n");
    assert_reads("[s]\na = 1\n  # c\n\n  2\n", "s|a|1\ns|a|+2\n");
    refuses("  a = 1\n", "t.ini:1: white space at its start");
    refuses("[s]\n a = 1\n", "t.ini:2: white space at its start");
    refuses("[s]\na = 1\n[t]\n b = 1\n", "t.ini:4: white space at its start");
    refuses("[s]\na = 1\n [t]\n", "t.ini:3: a section does not begin in the first column");
}

/* inih keeps 49 bytes of a section's name, and of a name that is continued. */
static void long_names_are_whole(void **state)
{
    char text[1024], want[1024], section[190], name[180];

    (void)state;
    memset(section, 's', sizeof(section) - 1);
    section[sizeof(section) - 1] = '\0';
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    snprintf(text, sizeof(text), "[%s]\n%s = 1\n  2\n", section, name);
    snprintf(want, sizeof(want), "%s|%s|1\n%s|%s|+2\n", section, name, section, name);
    assert_reads(text, want);
}

static void lines_that_inih_would_cut_are_refused(void **state)
{
    char text[512];

    (void)state;
    memset(text, 'v', sizeof(text));
    text[1] = '=';
    for (size_t len = 190; len <= 198; len++) {
        struct seen seen = {.text = ""};
        struct cf_fault fault;

        assert_int_equal(read_text(text, len, &seen, &fault), CF_OK);
        assert_int_equal(strlen(seen.text), strlen("|v|\n") + len - 2);
    }
    for (size_t len = 199; len < sizeof(text); len++)
        assert_refused(text, len, "t.ini:1: line longer than 198 characters");
    memset(text, ';', sizeof(text));
    text[0] = '\n';
    assert_refused(text, sizeof(text), "t.ini:2: line longer than 198 characters");
}

static void lines_of_198_bytes_may_end_in_cr_lf(void **state)
{
    char text[204];
    struct seen seen = {.text = ""};
    struct cf_fault fault;

    (void)state;
    memset(text, 'v', sizeof(text));
    text[1] = '=';
    text[198] = '\r';
    text[199] = '\n';
    text[200] = 'w';
    text[201] = '=';
    assert_int_equal(read_text(text, sizeof(text), &seen, &fault), CF_OK);
    assert_int_equal(strlen(seen.text), strlen("|v|\n|w|\n") + 196 + 2);
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    (void)state;
    assert_refused("[s]\na = 1\0b\n", 12, "t.ini:2: a NUL byte");
    assert_refused("\0", 1, "t.ini:1: a NUL byte");
    refuses("[s]\n\na = \xff\n", "t.ini:3: not valid UTF-8");
    refuses("# \xc3\n", "t.ini:1: not valid UTF-8");
    refuses("a = \x1b[2J\n", "t.ini:1: a control character");
    refuses("a = 1\rb = 2\n", "t.ini:1: a control character");
    refuses("a = 1\n\vb = 2\n", "t.ini:2: a control character");
    refuses("a = \xc2\x9b\n", "t.ini:1: a control character");
    refuses("a = 1\n\xEF\xBB\xBF", "t.ini:2: neither");
}

static void lines_of_no_form_are_refused(void **state)
{
    (void)state;
    refuses("[s]\nnonsense\na = 1\n", "t.ini:2: neither a [section] nor");
    refuses("a = 1\n\nb : 2\n", "t.ini:3: neither");
    refuses("a: b = c\n", "t.ini:1: neither");
    refuses("= 1\n", "t.ini:1: no name before the =");
    refuses("a ; = 1\nb = 2\n", "t.ini:1: neither");
    refuses("[s\na = 1\n", "t.ini:1: no ] behind");
    refuses("[]\n", "t.ini:1: a section's name");
    refuses("[ s]\n", "t.ini:1: a section's name");
    refuses("[s\t]\n", "t.ini:1: a section's name");
    refuses("[s] a = 1\n", "t.ini:1: text behind");
    refuses("[s];c\n", "t.ini:1: text behind");
    refuses("[s] # c\n", "t.ini:1: text behind");
    refuses("[s]]\n", "t.ini:1: text behind");
    refuses("[a ;b]\n", "t.ini:1: no ] behind");
}

static void doubled_names_are_refused(void **state)
{
    (void)state;
    refuses("[s]\na = 1\nb = 2\na = 3\n", "t.ini:4: [s] has 'a' already");
    refuses("[s]\na = 1\n[t]\na = 2\n[s]\na = 1\n", "t.ini:6: [s] has 'a' already");
    refuses("a = 1\na = 1\n", "t.ini:2: 'a' is there already");
    assert_reads("[s]\na = 1\n[t]\na = 2\n[s]\nb = 3\n", "s|a|1\nt|a|2\ns|b|3\n");
    assert_reads("[s]\na = 1\nA = 2\naa = 3\n", "s|a|1\ns|A|2\ns|aa|3\n");
}

static void the_first_wrong_line_is_named(void **state)
{
    struct seen seen = {.text = "", .bad = "wrong"};
    struct cf_fault fault;
    static const char early[] = "a = 1\nb ; = 2\nc = wrong\n", late[] = "a = 1\nb = wrong\nnonsense\nc = 1\n";

    (void)state;
    assert_int_equal(read_text(early, strlen(early), &seen, &fault), CF_ECONFIG);
    assert_memory_equal(fault.text, "t.ini:2: neither", 16);
    seen.text[0] = '\0';
    assert_int_equal(read_text(late, strlen(late), &seen, &fault), CF_ECONFIG);
    assert_string_equal(fault.text, "t.ini:2: a bad value");
    assert_string_equal(seen.text, "|a|1\n");
    assert_int_equal(cf_ini_text("t", late, strlen(late), collect, &seen, NULL), CF_ECONFIG);
}

/* A tree of names, not a list: as many as fit into a file are read in no time. */
static void many_names_are_quick(void **state)
{
    enum { NAMES = 100000 };
    struct cf_fault fault = {""};
    struct seen seen = {.text = ""};
    char *text = malloc(NAMES * 10 + 1);
    size_t len = 0;

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < NAMES; i++)
        len += (size_t)snprintf(text + len, 11, "n%06d=\n", i);
    assert_int_equal(cf_ini_text("t.ini", text, len, collect, &seen, &fault), CF_OK);
    memset(text + len - 8, '0', 6);
    assert_int_equal(cf_ini_text("t.ini", text, len, collect, &seen, &fault), CF_ECONFIG);
    assert_string_equal(fault.text, "t.ini:100000: 'n000000' is there already");
    free(text);
}

/* Every text of a few awkward pieces ends in an answer, and a refusal always names a line. */
static void any_mixture_is_answered(void **state)
{
    static const char *const pieces[] = {"[", "]", "=", ":", ";", "#", " ", "\n", "a", "\r", "\t", "\xEF\xBB\xBF"};
    char text[5 * 3 + 1];

    (void)state;
    for (unsigned long mix = 0; mix < 12UL * 12 * 12 * 12 * 12; mix++) {
        struct seen seen = {.text = ""};
        struct cf_fault fault;
        unsigned long rest = mix;
        size_t len = 0;

        for (int i = 0; i < 5; i++, rest /= COUNT(pieces))
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", pieces[rest % COUNT(pieces)]);
        if (read_text(text, len, &seen, &fault) != CF_OK && strncmp(fault.text, "t.ini:", 6) != 0)
            fail_msg("no line named: %s", fault.text);
    }
}

static void empty_sections_are_seen(void **state)
{
    struct seen seen = {.text = ""};
    struct cf_fault fault = {""};
    static const char text[] = "[a]\n[b]\n; nothing\n[c]";

    (void)state;
    assert_int_equal(read_text(text, strlen(text), &seen, &fault), CF_OK);
    assert_int_equal(seen.sections, 3);
    seen.bad = "b";
    assert_int_equal(read_text(text, strlen(text), &seen, &fault), CF_ECONFIG);
    assert_string_equal(fault.text, "t.ini:2: a bad section");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_files_are_read),
        cmocka_unit_test(comments_end_a_line),
        cmocka_unit_test(empty_sections_are_seen),
        cmocka_unit_test(indented_lines_continue),
        cmocka_unit_test(long_names_are_whole),
        cmocka_unit_test(lines_that_inih_would_cut_are_refused),
        cmocka_unit_test(lines_of_198_bytes_may_end_in_cr_lf),
        cmocka_unit_test(bytes_that_are_no_text_are_refused),
        cmocka_unit_test(lines_of_no_form_are_refused),
        cmocka_unit_test(doubled_names_are_refused),
        cmocka_unit_test(the_first_wrong_line_is_named),
        cmocka_unit_test(many_names_are_quick),
        cmocka_unit_test(any_mixture_is_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
