/* store.h: the directory, its lock, its keys, its transactions. */
#include "fixture.h"

#include "store.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *in_store(const struct fixture *fixture, const char *name)
{
    static char path[160];

    snprintf(path, sizeof path, "%s/%s", fixture->store, name);
    return path;
}

/* Close the vault, so that the store can be spoiled; the teardown accepts a closed one. */
static void close_vault(struct fixture *fixture)
{
    cf_vault_close(fixture->vault);
    fixture->vault = NULL;
}

static void assert_open(const struct fixture *fixture, enum cf_error expected, const char *said)
{
    struct cf_fault fault = {""};
    struct cf_store *store;

    assert_int_equal(cf_store_open(fixture->store, CF_STORE_OWN, NULL, &store, &fault), expected);
    if (expected == CF_OK) {
        cf_store_close(store);
    } else {
        assert_null(store);
        if (strstr(fault.text, said) == NULL)
            fail_msg("'%s' is not in '%s'", said, fault.text);
    }
}

static void test_create_twice(void **state)
{
    struct fixture *fixture = *state;
    struct cf_fault fault = {""};

    assert_int_equal(cf_store_create(fixture->store, &fault), CF_EEXIST);
    close_vault(fixture);
    assert_int_equal(cf_store_create(fixture->store, &fault), CF_EEXIST);
    assert_open(fixture, CF_OK, "");
}

static void test_lock_names_holder(void **state)
{
    struct fixture *fixture = *state;
    char said[64];

    snprintf(said, sizeof said, "process %d", (int)getpid());
    assert_open(fixture, CF_EBUSY, said);
    assert_int_equal(cf_store_holder(fixture->store), getpid());
    close_vault(fixture);
    assert_int_equal(cf_store_holder(fixture->store), 0);
    assert_open(fixture, CF_OK, "");
}

static void test_observe(void **state)
{
    struct fixture *fixture = *state;
    struct cf_fault fault = {""};
    struct cf_store *store;
    struct cf_app app;
    struct cf_txn txn;

    fixture_app(fixture, "billing");
    for (int owned = 1; owned >= 0; owned--) {
        assert_int_equal(cf_store_open(fixture->store, CF_STORE_OBSERVE, NULL, &store, &fault), CF_OK);
        assert_int_equal(cf_txn_read(store, &txn), CF_OK);
        assert_int_equal(cf_app_by_name(&txn, CF_IN_APPS, "billing", &app), CF_OK);
        assert_int_not_equal(cf_sql_run(txn.db, "DELETE FROM app", ""), CF_OK);
        cf_txn_end(&txn);
        cf_store_close(store);
        if (owned == 1)
            close_vault(fixture);
    }
}

static void test_unsafe(void **state)
{
    struct fixture *fixture = *state;

    close_vault(fixture);
    assert_int_equal(chmod(fixture->store, 0750), 0);
    assert_open(fixture, CF_EUNSAFE, "make it 700");
    assert_int_equal(chmod(fixture->store, 0700), 0);
    assert_int_equal(chmod(in_store(fixture, "master.key"), 0640), 0);
    assert_open(fixture, CF_EUNSAFE, "make it 600");
    assert_int_equal(chmod(in_store(fixture, "master.key"), 0600), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(in_store(fixture, "credfs.db"), ADMIN, ADMIN), 0);
        assert_open(fixture, CF_EUNSAFE, "belongs to uid 5001");
        assert_int_equal(chown(in_store(fixture, "credfs.db"), 0, 0), 0);
    }
    assert_open(fixture, CF_OK, "");
    assert_int_equal(unlink(in_store(fixture, "lock")), 0);
    assert_int_equal(symlink("/dev/null", in_store(fixture, "lock")), 0);
    assert_open(fixture, CF_EUNSAFE, "no regular file");
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_TRUNC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void test_wrong_key(void **state)
{
    struct fixture *fixture = *state;
    char key[66];

    close_vault(fixture);
    memset(key, 'a', 64);
    memcpy(key + 64, "\n", 2);
    put(in_store(fixture, "master.key"), key);
    assert_open(fixture, CF_EWRONGKEY, "not the key");
    put(in_store(fixture, "master.key"), "abc\n");
    assert_open(fixture, CF_EWRONGKEY, "too short");
    key[5] = 'x';
    put(in_store(fixture, "master.key"), key);
    assert_open(fixture, CF_EWRONGKEY, "64 hexadecimal digits");
    assert_int_equal(unlink(in_store(fixture, "master.key")), 0);
    assert_open(fixture, CF_EWRONGKEY, "store/master.key: No such file");
}

static void test_formats(void **state)
{
    struct fixture *fixture = *state;

    close_vault(fixture);
    fixture_sql(fixture, "DELETE FROM key_slot");
    assert_open(fixture, CF_EFORMAT, "no key slot");
    fixture_sql(fixture, "INSERT INTO key_slot VALUES (1, 'file', x'00'); PRAGMA user_version = 99");
    assert_open(fixture, CF_EFORMAT, "newer credfs");
    put(in_store(fixture, "credfs.db"),
        "this is no database, but it is long enough to be looked at as one, is it not?\n");
    assert_open(fixture, CF_EFORMAT, "credfs.db");
    assert_int_equal(unlink(in_store(fixture, "credfs.db")), 0);
    assert_open(fixture, CF_ENOENT, "credfs.db is missing");
}

static void assert_not_created(const struct fixture *fixture, const char *said)
{
    struct cf_fault fault = {""};

    assert_int_equal(cf_store_create(fixture->store, &fault), CF_EEXIST);
    if (strstr(fault.text, said) == NULL)
        fail_msg("'%s' is not in '%s'", said, fault.text);
}

static void remove_file(const struct fixture *fixture, const char *name)
{
    assert_int_equal(unlink(in_store(fixture, name)), 0);
}

/* A store is made where nothing is: not over the rest of one, nor among other things. */
static void test_create_in_a_directory(void **state)
{
    static const char *const rest[] = {"master.key", "audit.log"};
    struct fixture *fixture = *state;
    struct cf_fault fault = {""};

    close_vault(fixture);
    remove_file(fixture, "credfs.db");
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
        assert_not_created(fixture, "credfs.db is missing");
        remove_file(fixture, rest[i]);
    }
    assert_not_created(fixture, "credfs.db is missing");
    remove_file(fixture, "audit.head");
    assert_open(fixture, CF_ENOSTORE, "no store");
    assert_int_equal(mkdir(in_store(fixture, "other"), 0755), 0);
    assert_int_equal(chmod(fixture->store, 0755), 0);
    assert_not_created(fixture, "something else");
    assert_open(fixture, CF_ENOSTORE, "no store"); /* and not: make it 700 */
    assert_int_equal(rmdir(in_store(fixture, "other")), 0);
    assert_int_equal(mkdir(in_store(fixture, "lost+found"), 0700), 0);
    assert_int_equal(cf_store_create(fixture->store, &fault), CF_OK);
    assert_int_equal(rmdir(in_store(fixture, "lost+found")), 0);
    assert_open(fixture, CF_OK, "");
}

static void test_rollback(void **state)
{
    struct fixture *fixture = *state;
    struct cf_app app = {.place = CF_IN_APPS, .name = "ghost"};
    struct cf_txn txn;

    assert_int_equal(cf_txn_write(fixture->vault->store, &txn), CF_OK);
    assert_int_equal(cf_app_insert(&txn, &app), CF_OK);
    cf_txn_end(&txn);
    assert_int_equal(cf_txn_read(fixture->vault->store, &txn), CF_OK);
    assert_int_equal(cf_app_by_name(&txn, CF_IN_APPS, "ghost", &app), CF_ENOENT);
    cf_txn_end(&txn);
    fixture_app(fixture, "ghost");
}

enum { WRITERS = 8, CHANGES = 40 };

struct writer {
    struct fixture *fixture;
    pthread_barrier_t *start;
    int number;
    int failures;
};

/* One in four of its changes is refused, which must undo that change alone. */
static void *write_apps(void *arg)
{
    struct writer *writer = arg;
    struct cf_caller root = writer->fixture->root;
    struct cf_app app;
    char name[32];

    pthread_barrier_wait(writer->start);
    for (int i = 0; i < CHANGES; i++) {
        enum cf_error expected = i % 4 == 3 ? CF_EEXIST : CF_OK;
        snprintf(name, sizeof name, "app-%d-%d", writer->number, expected == CF_OK ? i : i - 1);
        writer->failures += cf_create_app(writer->fixture->vault, &root, name, &app) != expected;
    }
    return NULL;
}

static void test_group_commit(void **state)
{
    struct fixture *fixture = *state;
    const int64_t before = cf_store_commits(fixture->vault->store);
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    pthread_barrier_t start;
    const struct timespec pause = {.tv_nsec = 300 * 1000 * 1000};
    struct cf_counts counts;
    struct cf_txn txn;

    assert_int_equal(cf_txn_write(fixture->vault->store, &txn), CF_OK); /* so that they all wait, and go together */
    pthread_barrier_init(&start, NULL, WRITERS);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.fixture = fixture, .start = &start, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_apps, &writers[i]), 0);
    }
    nanosleep(&pause, NULL);
    cf_txn_end(&txn);
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(writers[i].failures, 0);
    }
    pthread_barrier_destroy(&start);
    assert_int_equal(cf_vault_count(fixture->vault, &counts), CF_OK);
    assert_int_equal(counts.apps, WRITERS * CHANGES * 3 / 4);
    assert_true(cf_store_commits(fixture->vault->store) - before < WRITERS * CHANGES * 3 / 4);
    fixture_reopen(fixture);
    assert_int_equal(fixture_findings(fixture), 0);
    assert_int_equal(cf_vault_count(fixture->vault, &counts), CF_OK);
    assert_int_equal(counts.apps, WRITERS * CHANGES * 3 / 4);
}

/* What was acknowledged is on disk: no less than FULL, and no table of another's making decides what a change does. */
static void test_connection(void **state)
{
    struct fixture *fixture = *state;
    struct cf_rows *rows;
    struct cf_txn txn;
    bool row;

    assert_int_equal(cf_txn_write(fixture->vault->store, &txn), CF_OK);
    assert_int_equal(cf_sql_query(txn.db, &rows, "PRAGMA synchronous", ""), CF_OK);
    assert_int_equal(cf_sql_next(rows, &row), CF_OK);
    assert_true(row);
    assert_int_equal(cf_sql_int(rows, 0), 2); /* FULL */
    cf_sql_done(rows);
    cf_txn_end(&txn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_create_twice, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_lock_names_holder, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_observe, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_unsafe, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_wrong_key, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_formats, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_connection, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_create_in_a_directory, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_rollback, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_group_commit, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
