/* Every state × every operation. The expected results are the tables of the manual, credfs(5): this reads them out of
 * its source, so that what people are told is what is tested. */
#include "fixture.h"

#include "clock.h"
#include "print.h"

#include <stdio.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define MANUAL "fs/manual/credfs.5.scd"

enum { START = 1900000000, COLUMNS = 5, ROWS_MOST = 64, CELL = 64 };

/* An App to try an operation on. */
struct trial {
    struct fixture *fixture;
    struct cf_app app;
    int64_t version;         /* the one that the operation is about */
    struct cf_secret *first; /* the secret of version 1 */
};

typedef enum cf_error operate(struct trial *trial);

struct operation {
    const char *name; /* as in the manual */
    operate *run;
};

struct state {
    const char *name;
    void (*enter)(struct trial *trial);
};

/* ---- the manual's table ---- */

struct table {
    char cell[ROWS_MOST][COLUMNS + 1][CELL];
    size_t rows;
};

/* Cells with two blanks or more between them. */
static void read_row(const char *line, char cell[COLUMNS + 1][CELL])
{
    for (size_t column = 0; *line != '\0'; column++) {
        const char *gap = strstr(line, "  ");
        const size_t len = gap != NULL ? (size_t)(gap - line) : strlen(line);
        assert_true(column <= COLUMNS && len < CELL);
        memcpy(cell[column], line, len);
        line += len + strspn(line + len, " ");
    }
}

/* The block of the manual whose first cell this is. */
static void read_table(const char *first, struct table *table)
{
    FILE *file = fopen(MANUAL, "r");
    char line[256];
    bool fresh = false, inside = false;

    if (file == NULL)
        fail_msg("there is no %s: run this from the top of the source tree", MANUAL);
    memset(table, 0, sizeof *table);
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        inside = inside ? strcmp(line, "```") != 0 : fresh && strncmp(line, first, strlen(first)) == 0;
        fresh = strcmp(line, "```") == 0;
        if (!inside)
            continue;
        assert_true(table->rows < ROWS_MOST);
        read_row(line, table->cell[table->rows++]);
    }
    fclose(file);
    assert_true(table->rows > 1);
}

static const char *word_of(enum cf_error error)
{
    switch ((int)error) {
    case CF_OK:
        return "yes";
    case CF_EDENIED:
        return "EACCES";
    case CF_EFORBIDDEN:
        return "EPERM";
    case CF_EREVOKED:
        return "REVOKED";
    case CF_EEXPIRED:
        return "EXPIRED";
    case CF_ENOKEY:
        return "ENOKEY";
    case CF_ENOENT:
        return "ENOENT";
    case CF_EEXIST:
        return "EEXIST";
    case CF_ECOMMAND:
        return "EINVAL";
    default:
        return cf_error_word(error);
    }
}

/* ---- operations ---- */

static enum cf_error ctl(struct trial *trial, const char *text)
{
    return cf_write_ctl(trial->fixture->vault, &trial->fixture->admin, trial->app.serial, text, strlen(text));
}

static enum cf_error ctl_version(struct trial *trial, const char *command)
{
    char text[64];

    snprintf(text, sizeof text, "%s %lld\n", command, (long long)trial->version);
    return ctl(trial, text);
}

static enum cf_error reveal(struct trial *trial, enum cf_field field, int64_t version)
{
    return cf_vault_reveal(trial->fixture->vault, &trial->fixture->root, trial->app.serial, field, &version);
}

static enum cf_error read_on(struct trial *trial, int64_t version)
{
    struct cf_secret *value;
    enum cf_error error = cf_vault_value(trial->fixture->vault, trial->app.serial, version, CF_KEY, &value);

    cf_secret_free(value);
    return error;
}

static enum cf_error read_key(struct trial *trial)
{
    return reveal(trial, CF_KEY, 0);
}

static enum cf_error read_unset(struct trial *trial)
{
    return reveal(trial, CF_TOKEN, 0);
}

static enum cf_error read_on_key(struct trial *trial)
{
    return read_on(trial, trial->app.version);
}

static enum cf_error read_version(struct trial *trial)
{
    return reveal(trial, CF_KEY, trial->version);
}

static enum cf_error read_on_version(struct trial *trial)
{
    return read_on(trial, trial->version);
}

static enum cf_error read_texts(struct trial *trial)
{
    struct cf_vault *vault = trial->fixture->vault;
    struct cf_caller *caller = &trial->fixture->manager;
    struct cf_text text = {0};
    struct cf_txn txn;
    enum cf_error error = cf_txn_read(vault->store, &txn);

    if (error == CF_OK)
        error = cf_vault_permit(vault, &txn, caller, CF_READ_APP, &trial->app, CF_NO_FIELD, "info");
    if (error == CF_OK)
        error = cf_vault_permit(vault, &txn, caller, CF_READ_GRANTS, &trial->app, CF_NO_FIELD, "grants");
    if (error == CF_OK)
        error = cf_print_info(vault, &txn, &trial->app, &text);
    if (error == CF_OK)
        error = cf_print_apis(vault, &txn, &trial->app, &text);
    if (error == CF_OK)
        error = cf_print_grants(&txn, &trial->app, &text);
    cf_txn_end(&txn);
    cf_text_release(&text);
    return error;
}

static enum cf_error write_key(struct trial *trial)
{
    return cf_write_field(trial->fixture->vault, &trial->fixture->admin, trial->app.serial, CF_KEY, CF_REPLACE,
                          "imported\n", 9);
}

/* The secret of the version, once more. */
static enum cf_error write_secret_again(struct trial *trial)
{
    const int64_t serial = trial->app.serial;
    struct cf_secret *current = trial->version == 1 ? NULL : fixture_value(trial->fixture, serial, CF_SECRET);
    const struct cf_secret *secret = current != NULL ? current : trial->first;
    enum cf_error error = cf_write_field(trial->fixture->vault, &trial->fixture->admin, serial, CF_SECRET,
                                         CF_REPLACE, (const char *)cf_secret_peek(secret), cf_secret_len(secret));

    cf_secret_free(current);
    return error;
}

static enum cf_error write_apis(struct trial *trial)
{
    return cf_write_apis(trial->fixture->vault, &trial->fixture->admin, trial->app.serial, CF_ADD, "contact-search",
                         14);
}

static enum cf_error write_grants(struct trial *trial)
{
    return cf_write_grants(trial->fixture->vault, &trial->fixture->admin, trial->app.serial, CF_ADD, "user:7", 6);
}

static enum cf_error rotate(struct trial *trial)
{
    return ctl(trial, "rotate 24h\n");
}

static enum cf_error revoke(struct trial *trial)
{
    return ctl_version(trial, "revoke");
}

static enum cf_error roll_back(struct trial *trial)
{
    return ctl_version(trial, "rollback");
}

static enum cf_error disable(struct trial *trial)
{
    return ctl(trial, "disable\n");
}

static enum cf_error enable(struct trial *trial)
{
    return ctl(trial, "enable\n");
}

static enum cf_error expire(struct trial *trial)
{
    return ctl(trial, "expire 90d\n");
}

static enum cf_error describe(struct trial *trial)
{
    return ctl(trial, "describe what it is for\nlabel env=prod\n");
}

static enum cf_error move(struct trial *trial, enum cf_place from, enum cf_place to, const char *name)
{
    return cf_move_app(trial->fixture->vault, &trial->fixture->admin, from, trial->app.name, to, name, NULL);
}

static enum cf_error rename_it(struct trial *trial)
{
    char name[CF_ENTRY_MAX + 8];

    snprintf(name, sizeof name, "%s-again", trial->app.name);
    return move(trial, trial->app.place, trial->app.place, name);
}

static enum cf_error move_into_trash(struct trial *trial)
{
    return move(trial, trial->app.place, CF_IN_TRASH, trial->app.name);
}

static enum cf_error move_out_of_trash(struct trial *trial)
{
    return move(trial, CF_IN_TRASH, CF_IN_APPS, trial->app.name);
}

static enum cf_error remove_it(struct trial *trial)
{
    return cf_remove_app(trial->fixture->vault, &trial->fixture->admin, trial->app.place, trial->app.name);
}

static enum cf_error make_its_name(struct trial *trial)
{
    struct cf_app app;

    return cf_create_app(trial->fixture->vault, &trial->fixture->admin, trial->app.name, &app);
}

static const struct operation on_apps[] = {
    {"read key", read_key},
    {"read a field not set", read_unset},
    {"read on an open key", read_on_key},
    {"read retiring version", read_version},
    {"read apis/grants/info", read_texts},
    {"write key", write_key},
    {"write apis", write_apis},
    {"write grants", write_grants},
    {"ctl rotate", rotate},
    {"ctl revoke N", revoke},
    {"ctl rollback N", roll_back},
    {"ctl disable", disable},
    {"ctl enable", enable},
    {"ctl expire", expire},
    {"ctl describe, label", describe},
    {"mv to another name", rename_it},
    {"mv into trash", move_into_trash},
    {"mv out of trash", move_out_of_trash},
    {"rmdir", remove_it},
    {"mkdir of its name", make_its_name},
};

static const struct operation on_versions[] = {
    {"read versions/N/key", read_version},
    {"read on an open one", read_on_version},
    {"write its secret", write_secret_again},
    {"ctl revoke N", revoke},
    {"ctl rollback N", roll_back},
};

/* ---- states ---- */

static void must(enum cf_error error)
{
    assert_int_equal(error, CF_OK);
}

/* Version 1 is retiring for a day, version 2 current. */
static void enter_enabled(struct trial *trial)
{
    must(rotate(trial));
    trial->version = 1;
}

static void enter_disabled(struct trial *trial)
{
    enter_enabled(trial);
    must(disable(trial));
}

static void enter_expired(struct trial *trial)
{
    enter_enabled(trial);
    must(ctl(trial, "expire 1h"));
    cf_clock_set(cf_now() + 3600 * CF_SECOND); /* to the second */
}

static void enter_revoked(struct trial *trial)
{
    enter_enabled(trial);
    must(ctl(trial, "revoke 2"));
}

static void enter_deleted(struct trial *trial)
{
    enter_enabled(trial);
    must(remove_it(trial));
}

static void enter_current(struct trial *trial)
{
    enter_enabled(trial);
    trial->version = 2;
}

static void enter_retired(struct trial *trial)
{
    enter_enabled(trial);
    cf_clock_set(cf_now() + 86400 * CF_SECOND);
}

static void enter_version_revoked(struct trial *trial)
{
    enter_enabled(trial);
    must(ctl(trial, "revoke 1"));
}

static void enter_forgotten(struct trial *trial)
{
    trial->version = 1;
    for (int i = 0; i < CF_VERSIONS_KEPT; i++)
        must(ctl(trial, "rotate 0"));
}

static const struct state of_apps[COLUMNS] = {
    {"enabled", enter_enabled}, {"disabled", enter_disabled}, {"expired", enter_expired},
    {"revoked", enter_revoked}, {"deleted", enter_deleted},
};

static const struct state of_versions[COLUMNS] = {
    {"current", enter_current},         {"retiring", enter_enabled},    {"retired", enter_retired},
    {"revoked", enter_version_revoked}, {"forgotten", enter_forgotten},
};

/* ---- trying each in each ---- */

static void expect(struct fixture *fixture, const struct state *state, const struct operation *operation,
                   const char *wanted, int number)
{
    struct trial trial = {.fixture = fixture};
    char name[32];
    enum cf_error got;

    snprintf(name, sizeof name, "app%d", number);
    cf_clock_set(START * CF_SECOND);
    trial.app = fixture_app(fixture, name);
    trial.first = fixture_value(fixture, trial.app.serial, CF_SECRET);
    state->enter(&trial);
    trial.app = fixture_again(fixture, trial.app.serial);
    got = operation->run(&trial);
    cf_secret_free(trial.first);
    if (strcmp(word_of(got), wanted) != 0)
        fail_msg("'%s', %s: %s; the manual says %s", operation->name, state->name, word_of(got), wanted);
    if (got != CF_OK)
        assert_int_equal(fixture_again(fixture, trial.app.serial).generation, trial.app.generation);
}

static void try_all(struct fixture *fixture, const char *title, const struct state *states,
                    const struct operation *operations, size_t count)
{
    static struct table table;
    int number = 0;

    read_table(title, &table);
    assert_int_equal(table.rows, count + 1);
    for (size_t column = 0; column < COLUMNS; column++)
        assert_string_equal(table.cell[0][column + 1], states[column].name);
    for (size_t row = 0; row < count; row++) {
        assert_string_equal(table.cell[row + 1][0], operations[row].name);
        for (size_t column = 0; column < COLUMNS; column++)
            expect(fixture, &states[column], &operations[row], table.cell[row + 1][column + 1], number++);
    }
    assert_int_equal(fixture_findings(fixture), 0);
}

static void test_apps(void **state)
{
    try_all(*state, "App  ", of_apps, on_apps, COUNT(on_apps));
}

static void test_versions(void **state)
{
    try_all(*state, "Version  ", of_versions, on_versions, COUNT(on_versions));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup_in_memory, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_apps), TEST(test_versions)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
