#include "fixture.h"

#include "check.h"
#include "print.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void write_config(const char *path)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fprintf(
        file,
        "[role key-manager]\npermissions = application-credentials\n"
        "[role eye]\npermissions = reveal\n"
        "[members]\ncompany-admin = user:%d group:%d\nkey-manager = user:%d\neye = user:%d\nauditor = user:%d\n",
        ADMIN, OPERATORS, MANAGER, REVEALER, AUDITOR);
    assert_int_equal(fclose(file), 0);
}

static void open_vault(struct fixture *fixture)
{
    struct cf_fault fault = {""};
    const struct cf_vault_options options = {
        .store = fixture->store, .config = fixture->config, .mode = CF_STORE_OWN};
    enum cf_error error = cf_vault_open(&options, &fixture->vault, &fault);

    if (error != CF_OK)
        print_message("open: %s: %s\n", cf_error_text(error), fault.text);
    assert_int_equal(error, CF_OK);
}

static int setup_under(const char *directory, void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct cf_fault fault = {""};

    assert_non_null(fixture);
    assert_int_equal(cf_crypto_start(&fault), CF_OK);
    snprintf(fixture->dir, sizeof fixture->dir, "%s/credfs-unit-XXXXXX", directory);
    assert_non_null(mkdtemp(fixture->dir));
    snprintf(fixture->store, sizeof fixture->store, "%s/store", fixture->dir);
    snprintf(fixture->config, sizeof fixture->config, "%s/credfs.ini", fixture->dir);
    write_config(fixture->config);
    assert_int_equal(cf_store_create(fixture->store, &fault), CF_OK);
    open_vault(fixture);
    fixture->root = cf_caller_of(geteuid(), getegid(), 0);
    fixture->admin = cf_caller_of(ADMIN, ADMIN, 0);
    fixture->manager = cf_caller_of(MANAGER, MANAGER, 0);
    fixture->revealer = cf_caller_of(REVEALER, REVEALER, 0);
    fixture->auditor = cf_caller_of(AUDITOR, AUDITOR, 0);
    fixture->stranger = cf_caller_of(STRANGER, STRANGER, 0);
    *state = fixture;
    return 0;
}

int fixture_setup(void **state)
{
    return setup_under("/tmp", state);
}

int fixture_setup_in_memory(void **state)
{
    return setup_under(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", state);
}

int fixture_teardown(void **state)
{
    static const char *const files[] = {
        "store/credfs.db",  "store/credfs.db-wal", "store/credfs.db-shm", "store/audit.log",
        "store/audit.head", "store/master.key",    "store/lock",          "store",
        "credfs.ini"};
    struct fixture *fixture = *state;
    struct cf_caller *callers[] = {&fixture->root,     &fixture->admin,   &fixture->manager,
                                   &fixture->revealer, &fixture->auditor, &fixture->stranger};
    char path[256];

    cf_clock_set(0);
    cf_vault_close(fixture->vault);
    for (size_t i = 0; i < sizeof callers / sizeof *callers; i++)
        cf_caller_release(callers[i]);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", fixture->dir, files[i]);
        remove(path);
    }
    assert_int_equal(rmdir(fixture->dir), 0);
    free(fixture);
    return 0;
}

void fixture_reopen(struct fixture *fixture)
{
    cf_vault_close(fixture->vault);
    open_vault(fixture);
}

void fixture_sql(const struct fixture *fixture, const char *sql)
{
    char path[160];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/credfs.db", fixture->store);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

struct cf_app fixture_app(struct fixture *fixture, const char *name)
{
    struct cf_app app;

    assert_int_equal(cf_create_app(fixture->vault, &fixture->root, name, &app), CF_OK);
    return app;
}

struct cf_app fixture_again(struct fixture *fixture, int64_t serial)
{
    struct cf_app app;
    struct cf_txn txn;

    assert_int_equal(cf_txn_read(fixture->vault->store, &txn), CF_OK);
    assert_int_equal(cf_app_by_serial(&txn, serial, &app), CF_OK);
    cf_txn_end(&txn);
    return app;
}

static char *text_of(struct fixture *fixture, int64_t serial, bool grants)
{
    struct cf_app app = fixture_again(fixture, serial);
    struct cf_text text = {0};
    struct cf_txn txn;

    assert_int_equal(cf_txn_read(fixture->vault->store, &txn), CF_OK);
    if (grants)
        assert_int_equal(cf_print_grants(&txn, &app, &text), CF_OK);
    else
        assert_int_equal(cf_print_apis(fixture->vault, &txn, &app, &text), CF_OK);
    cf_txn_end(&txn);
    return text.data != NULL ? text.data : strdup("");
}

char *fixture_apis(struct fixture *fixture, int64_t serial)
{
    return text_of(fixture, serial, false);
}

char *fixture_grants(struct fixture *fixture, int64_t serial)
{
    return text_of(fixture, serial, true);
}

struct cf_secret *fixture_value(struct fixture *fixture, int64_t serial, enum cf_field field)
{
    struct cf_app app = fixture_again(fixture, serial);
    struct cf_secret *value;

    assert_int_equal(cf_vault_value(fixture->vault, serial, app.version, field, &value), CF_OK);
    return value;
}

bool fixture_has_value(struct fixture *fixture, int64_t serial, enum cf_field field, const char *value, size_t len)
{
    struct cf_secret *present = fixture_value(fixture, serial, field);
    bool same = cf_secret_len(present) == len && memcmp(cf_secret_peek(present), value, len) == 0;

    cf_secret_free(present);
    return same;
}

static void count_finding(void *arg, const char *what)
{
    (void)arg;
    (void)what;
}

int64_t fixture_findings(struct fixture *fixture)
{
    struct cf_checked checked;

    assert_int_equal(cf_check(fixture->vault, count_finding, NULL, &checked), CF_OK);
    return checked.findings;
}

int fixture_records(const struct fixture *fixture, const char *one, const char *other)
{
    char path[160], line[4096];
    int count = 0;
    FILE *log;

    snprintf(path, sizeof path, "%s/audit.log", fixture->store);
    log = fopen(path, "r");
    assert_non_null(log);
    while (fgets(line, sizeof line, log) != NULL)
        count += strstr(line, one) != NULL && strstr(line, other) != NULL;
    fclose(log);
    return count;
}

pid_t fixture_child(bool (*set_up)(void))
{
    int ends[2];
    char is_ready = 0;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char yes = set_up == NULL || set_up() ? 'y' : 'n';

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (write(ends[1], &yes, 1) == 1)
            pause();
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &is_ready, 1), 1);
    close(ends[0]);
    if (is_ready == 'y')
        return pid;
    fixture_child_end(pid);
    return 0;
}

void fixture_child_end(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}
