/* The site's own templates: what is in them, where they come from, and their numbers. */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void refused(const char *text, const char *words)
{
    struct cf_template template;
    struct cf_fault fault = {""};

    assert_int_equal(cf_template_parse("site/x", text, strlen(text), &template, &fault), CF_ECONFIG);
    if (strncmp(fault.text, words, strlen(words)) != 0)
        fail_msg("for %s: %s", text, fault.text);
    assert_null(template.text);
}

static void an_unknown_name_is_told_with_its_line(void **state)
{
    (void)state;
    refused("${pin}", "site/x:1: unknown name '${pin}': key, secret, token, username, password, app, apis");
    refused("a\n${key}\n\nb ${Key}\n", "site/x:4: unknown name '${Key}'");
    refused("${key}\n${}\n", "site/x:2: unknown name '${}'");
    refused("${ key}", "site/x:1: unknown name '${ key}'");
    refused("${access-token}", "site/x:1: unknown name '${access-token}'");
    refused("${key\n}", "site/x:1: no } behind ${");
    refused("x\ny ${key", "site/x:2: no } behind ${");
    refused("x ${", "site/x:1: no } behind ${");
    refused("$$${keys}", "site/x:1: unknown name '${keys}'");
    refused("${\x1b[2J}", "site/x:1: unknown name '${}'"); /* nothing that moves a terminal's cursor is shown */
}

static void assert_part(const struct cf_template *template, size_t at, enum cf_part_kind kind, const char *text)
{
    const struct cf_part *part = &template->parts.at[at];

    assert_true(at < template->parts.count);
    assert_int_equal(part->kind, kind);
    if (kind == CF_PART_TEXT) {
        assert_int_equal(part->len, strlen(text));
        assert_memory_equal(part->text, text, part->len);
    } else if (kind == CF_PART_FIELD) {
        assert_string_equal(cf_field_word(part->field), text);
    }
}

static void dollars_stand_for_themselves(void **state)
{
    static const char text[] = "a$b$$${key}$\0$(c)${apis}$";
    struct cf_template template;
    struct cf_fault fault = {""};

    (void)state;
    assert_int_equal(cf_template_parse("x", text, sizeof text - 1, &template, &fault), CF_OK);
    assert_int_equal(template.parts.count, 11);
    assert_part(&template, 0, CF_PART_TEXT, "a");
    assert_part(&template, 1, CF_PART_TEXT, "$");
    assert_part(&template, 2, CF_PART_TEXT, "b");
    assert_part(&template, 3, CF_PART_TEXT, "$");
    assert_part(&template, 4, CF_PART_FIELD, "key");
    assert_part(&template, 5, CF_PART_TEXT, "$");
    assert_int_equal(template.parts.at[6].len, 1); /* the NUL byte */
    assert_part(&template, 7, CF_PART_TEXT, "$");
    assert_part(&template, 8, CF_PART_TEXT, "(c)");
    assert_part(&template, 9, CF_PART_APIS, "");
    assert_part(&template, 10, CF_PART_TEXT, "$");
    cf_template_release(&template);
}

/* --- a directory of them ------------------------------------------------------------------------------------------ */

static char directory[64];

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/test_template.XXXXXX");
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static const char *path_of(const char *name)
{
    static char path[192];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path_of(name), 0644), 0);
}

static int remove_directory(void **state)
{
    static const char *const names[] = {"db.conf", "A_1", "zz", ".hidden", "old~", "link", "env", "bad name"};
    char name[32];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove(path_of(names[i]));
    for (int i = 0; i <= CF_TEMPLATES_MOST; i++) {
        snprintf(name, sizeof name, "t%d", i);
        remove(path_of(name));
    }
    return rmdir(directory);
}

static enum cf_error load(struct cf_templates **templates, struct cf_fault *fault)
{
    struct cf_sources *sources = cf_sources_new();
    enum cf_error error;

    assert_non_null(sources);
    *fault = (struct cf_fault){""};
    error = cf_templates_load(directory, sources, templates, fault);
    cf_sources_free(sources);
    return error;
}

static void load_refused(enum cf_error expected, const char *words)
{
    struct cf_templates *templates;
    struct cf_fault fault;

    assert_int_equal(load(&templates, &fault), expected);
    assert_null(templates);
    if (strstr(fault.text, words) == NULL || strstr(fault.text, directory) == NULL)
        fail_msg("%s", fault.text);
}

static void a_directory_is_loaded(void **state)
{
    const struct timespec times[2] = {{.tv_sec = 1500000000, .tv_nsec = 5}, {.tv_sec = 1500000000, .tv_nsec = 5}};
    struct cf_templates *templates;
    struct cf_fault fault;

    (void)state;
    put("zz", "");
    put("db.conf", "user=${username}\n");
    put("A_1", "${app}");
    put(".hidden", "${no}");
    put("old~", "${no}");
    assert_int_equal(utimensat(AT_FDCWD, path_of("db.conf"), times, 0), 0);
    assert_int_equal(load(&templates, &fault), CF_OK);
    assert_int_equal(cf_templates_count(templates), 3);
    assert_string_equal(cf_templates_at(templates, 0)->name, "A_1");
    assert_string_equal(cf_templates_at(templates, 1)->name, "db.conf");
    assert_string_equal(cf_templates_at(templates, 2)->name, "zz");
    assert_null(cf_templates_at(templates, 3));
    assert_int_equal(cf_templates_at(templates, 1)->changed, 1500000000 * CF_SECOND + 5);
    assert_ptr_equal(cf_templates_find(templates, "zz"), cf_templates_at(templates, 2));
    assert_null(cf_templates_find(templates, ".hidden"));
    assert_null(cf_templates_by_serial(templates, 0)); /* none has a number yet */
    cf_templates_free(templates);
    assert_int_equal(cf_templates_load(NULL, NULL, &templates, &fault), CF_OK);
    assert_int_equal(cf_templates_count(templates), 0);
    cf_templates_free(templates);
    cf_templates_free(NULL);
}

static void what_is_wrong_in_a_directory_is_named(void **state)
{
    char name[32];

    (void)state;
    put("zz", "x\n${bad}\n");
    load_refused(CF_ECONFIG, "/zz:2: unknown name '${bad}'");
    put("zz", "x");
    put("env", "x");
    load_refused(CF_ECONFIG, "/env: not a name for a view");
    remove(path_of("env"));
    put("bad name", "x");
    load_refused(CF_ECONFIG, "/bad name: not a name for a view");
    remove(path_of("bad name"));
    assert_int_equal(symlink("zz", path_of("link")), 0);
    load_refused(CF_EUNSAFE, "/link: a symbolic link");
    remove(path_of("link"));
    assert_int_equal(mkdir(path_of("link"), 0755), 0);
    load_refused(CF_EUNSAFE, "/link: not a regular file");
    rmdir(path_of("link"));
    assert_int_equal(chmod(path_of("zz"), 0664), 0);
    load_refused(CF_EUNSAFE, "chmod go-w");
    assert_int_equal(chmod(path_of("zz"), 0644), 0);
    assert_int_equal(chmod(directory, 0777), 0);
    load_refused(CF_EUNSAFE, "chmod go-w");
    assert_int_equal(chmod(directory, 0755), 0);
    for (int i = 0; i < CF_TEMPLATES_MOST; i++) {
        snprintf(name, sizeof name, "t%d", i);
        put(name, "");
    }
    load_refused(CF_ECONFIG, "more than 256 templates");
}

/* --- in a vault --------------------------------------------------------------------------------------------------- */

static int setup(void **state)
{
    return make_directory(state) == 0 ? fixture_setup_in_memory(state) : -1;
}

static int teardown(void **state)
{
    return remove_directory(NULL) == 0 ? fixture_teardown(state) : -1;
}

static void configure(struct fixture *fixture)
{
    FILE *file = fopen(fixture->config, "a");

    assert_non_null(file);
    fprintf(file, "[views]\ntemplates = %s\n", directory);
    assert_int_equal(fclose(file), 0);
}

static int64_t number_of(struct fixture *fixture, const char *name)
{
    const struct cf_template *template = cf_templates_find(fixture->vault->templates, name);

    assert_non_null(template);
    assert_ptr_equal(cf_templates_by_serial(fixture->vault->templates, template->serial), template);
    return template->serial;
}

static void numbers_are_for_good(void **state)
{
    struct fixture *fixture = *state;
    int64_t a, z;

    assert_int_equal(cf_templates_count(fixture->vault->templates), 0);
    configure(fixture);
    put("zz", "x");
    fixture_reopen(fixture);
    z = number_of(fixture, "zz");
    assert_true(z > 0);
    put("A_1", "x");
    fixture_reopen(fixture);
    a = number_of(fixture, "A_1");
    assert_int_equal(number_of(fixture, "zz"), z);
    assert_int_not_equal(a, z);
    remove(path_of("A_1"));
    put("db.conf", "x");
    fixture_reopen(fixture);
    assert_int_not_equal(number_of(fixture, "db.conf"), a);
    put("A_1", "x");
    fixture_reopen(fixture);
    assert_int_equal(number_of(fixture, "A_1"), a);
}

static void who_observes_finds_what_is_there(void **state)
{
    struct fixture *fixture = *state;
    const struct cf_vault_options options = {
        .store = fixture->store, .config = fixture->config, .mode = CF_STORE_OBSERVE};
    struct cf_fault fault = {""};
    struct cf_vault *observer;
    int64_t z;

    configure(fixture);
    put("zz", "x");
    fixture_reopen(fixture);
    z = number_of(fixture, "zz");
    put("db.conf", "x");
    assert_int_equal(cf_vault_open(&options, &observer, &fault), CF_OK);
    assert_int_equal(cf_templates_find(observer->templates, "zz")->serial, z);
    assert_int_equal(cf_templates_find(observer->templates, "db.conf")->serial, 0);
    cf_vault_close(observer);
}

static void a_store_without_the_table_gets_it(void **state)
{
    struct fixture *fixture = *state;

    fixture_sql(fixture, "ALTER TABLE app DROP COLUMN notes_sum; DROP TABLE witness; DROP INDEX value_of_secret; "
                         "DROP TABLE template; PRAGMA user_version = 3");
    configure(fixture);
    put("zz", "x");
    fixture_reopen(fixture);
    assert_true(number_of(fixture, "zz") > 0);
    assert_int_equal(fixture_findings(fixture), 0);
}

/* Who starts over from what was read sees the same, whatever became of the directory. */
static void templates_can_be_handed_over(void **state)
{
    struct cf_sources *sources = cf_sources_new(), *other;
    struct cf_templates *templates;
    struct cf_text packed = {0};
    struct cf_fault fault = {""};
    int64_t changed;

    (void)state;
    put("zz", "a ${key}\n");
    put("db.conf", "x");
    assert_int_equal(cf_templates_load(directory, sources, &templates, &fault), CF_OK);
    changed = cf_templates_find(templates, "zz")->changed;
    assert_true(changed > 0);
    cf_templates_free(templates);
    cf_sources_pack(sources, &packed);
    cf_sources_free(sources);
    remove(path_of("zz"));
    put("A_1", "${no}");
    put("db.conf", "${no}");
    assert_int_equal(cf_sources_unpack(packed.data, packed.len, &other), CF_OK);
    assert_int_equal(cf_templates_load(directory, other, &templates, &fault), CF_OK);
    assert_int_equal(cf_templates_count(templates), 2);
    assert_int_equal(cf_templates_find(templates, "zz")->changed, changed);
    assert_part(cf_templates_find(templates, "zz"), 1, CF_PART_FIELD, "key");
    cf_templates_free(templates);
    cf_sources_free(other);
    cf_text_release(&packed);
}

#define IN_DIRECTORY(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)
#define IN_VAULT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_name_is_told_with_its_line),
        cmocka_unit_test(dollars_stand_for_themselves),
        IN_DIRECTORY(a_directory_is_loaded),
        IN_DIRECTORY(what_is_wrong_in_a_directory_is_named),
        IN_DIRECTORY(templates_can_be_handed_over),
        IN_VAULT(numbers_are_for_good),
        IN_VAULT(who_observes_finds_what_is_there),
        IN_VAULT(a_store_without_the_table_gets_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
