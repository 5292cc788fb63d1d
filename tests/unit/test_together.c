/* Two administrators at once on one App, and somebody who watches: no update is lost, and at no moment are there two
 * current versions. */
#include "fixture.h"

#include "credential.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 150, ADMINS = 2 };

static const char *const slugs[ADMINS] = {"audit-records", "contact-search"};

struct shared {
    struct fixture *fixture;
    int64_t serial;
    pthread_barrier_t start;
    atomic_bool is_over;
};

/* cmocka's assertions are for the main thread alone: others count what went wrong. */
struct admin {
    struct shared *shared;
    int number;
    struct cf_caller caller;
    int failures;
    int64_t changes; /* acknowledged */
};

struct watcher {
    struct shared *shared;
    int failures;
    int64_t looks;
};

static void acknowledge(struct admin *admin, enum cf_error error)
{
    if (error == CF_OK)
        admin->changes++;
    else
        admin->failures++;
}

static void ctl(struct admin *admin, const char *text)
{
    acknowledge(admin, cf_write_ctl(admin->shared->fixture->vault, &admin->caller, admin->shared->serial, text,
                                    strlen(text)));
}

/* A grant and a label of his own, his API on or off, and a rotation. */
static void change_all(struct admin *admin, int round)
{
    struct cf_vault *vault = admin->shared->fixture->vault;
    const int64_t serial = admin->shared->serial;
    char text[128];

    snprintf(text, sizeof text, "+user:%d\n", 10000 * (admin->number + 1) + round);
    acknowledge(admin, cf_write_grants(vault, &admin->caller, serial, CF_REPLACE, text, strlen(text)));
    snprintf(text, sizeof text, "%c%s\n", round % 2 == 0 ? '+' : '-', slugs[admin->number]);
    acknowledge(admin, cf_write_apis(vault, &admin->caller, serial, CF_REPLACE, text, strlen(text)));
    snprintf(text, sizeof text, "label admin%d=%d\n", admin->number, round);
    ctl(admin, text);
    ctl(admin, round % 3 == 0 ? "rotate 0\n" : "rotate 24h\n");
}

static void *administer(void *arg)
{
    struct admin *admin = arg;

    pthread_barrier_wait(&admin->shared->start);
    for (int round = 0; round < ROUNDS; round++)
        change_all(admin, round);
    return NULL;
}

/* One view of the database has one current version, which is the App's and the newest; and the key can be read. */
static bool is_sound(struct shared *shared)
{
    struct cf_version versions[CF_VERSIONS_MOST];
    struct cf_vault *vault = shared->fixture->vault;
    struct cf_secret *value;
    struct cf_app app;
    struct cf_txn txn;
    size_t count = 0, current = 0;
    enum cf_error error = cf_txn_read(vault->store, &txn);

    if (error == CF_OK)
        error = cf_app_by_serial(&txn, shared->serial, &app);
    if (error == CF_OK)
        error = cf_version_list(&txn, &app, versions, &count);
    cf_txn_end(&txn);
    for (size_t i = 0; i < count; i++)
        current += cf_version_state(&app, &versions[i], cf_now()) == CF_CURRENT ? 1 : 0;
    if (error != CF_OK || current != 1 || versions[0].number != app.version || versions[0].deadline != 0)
        return false;
    /* It may be replaced by now, without an overlap; anything but that is wrong. */
    error = cf_vault_value(vault, shared->serial, app.version, CF_KEY, &value);
    cf_secret_free(value);
    return error == CF_OK || error == CF_EEXPIRED;
}

static void *watch(void *arg)
{
    struct watcher *watcher = arg;

    pthread_barrier_wait(&watcher->shared->start);
    while (!atomic_load(&watcher->shared->is_over)) {
        watcher->failures += is_sound(watcher->shared) ? 0 : 1;
        watcher->looks++;
        (void)usleep(200); /* the others are to get on */
    }
    return NULL;
}

static void run_all(struct shared *shared, struct admin *admins, struct watcher *watcher)
{
    pthread_t threads[ADMINS], looker;

    assert_int_equal(pthread_barrier_init(&shared->start, NULL, ADMINS + 1), 0);
    for (int i = 0; i < ADMINS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, administer, &admins[i]), 0);
    assert_int_equal(pthread_create(&looker, NULL, watch, watcher), 0);
    for (int i = 0; i < ADMINS; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&shared->is_over, true);
    pthread_join(looker, NULL);
    pthread_barrier_destroy(&shared->start);
}

static void test_two_administrators(void **state)
{
    struct fixture *fixture = *state;
    struct shared shared = {.fixture = fixture, .serial = fixture_app(fixture, "billing").serial};
    struct admin admins[ADMINS];
    struct watcher watcher = {.shared = &shared};
    struct cf_text wanted = {0};
    struct cf_app app;
    char *grants, *apis;
    int64_t changes = 0;

    for (int i = 0; i < ADMINS; i++)
        admins[i] = (struct admin){.shared = &shared, .number = i, .caller = cf_caller_of(ADMIN, ADMIN, 0)};
    run_all(&shared, admins, &watcher);

    for (int i = 0; i < ADMINS; i++) {
        assert_int_equal(admins[i].failures, 0);
        assert_int_equal(admins[i].changes, 4 * ROUNDS);
        changes += admins[i].changes;
    }
    assert_int_equal(watcher.failures, 0);
    assert_true(watcher.looks > 0);
    app = fixture_again(fixture, shared.serial);
    assert_int_equal(app.generation, 1 + changes);
    assert_int_equal(app.version, 1 + ADMINS * ROUNDS);
    for (int i = 0; i < ADMINS; i++)
        for (int round = 0; round < ROUNDS; round++)
            cf_text_printf(&wanted, "user:%d\n", 10000 * (i + 1) + round);
    grants = fixture_grants(fixture, shared.serial);
    apis = fixture_apis(fixture, shared.serial);
    assert_string_equal(grants, wanted.data);
    assert_string_equal(apis, ROUNDS % 2 == 1 ? "audit-records\ncontact-search\n" : "");
    assert_int_equal(fixture_findings(fixture), 0);
    cf_text_release(&wanted);
    free(grants);
    free(apis);
}

struct creator {
    struct shared *shared;
    struct cf_caller caller;
    int made, taken, failures;
};

static void *create_all(void *arg)
{
    struct creator *creator = arg;

    pthread_barrier_wait(&creator->shared->start);
    for (int i = 0; i < ROUNDS; i++) {
        char name[32];
        struct cf_app app;
        enum cf_error error;
        snprintf(name, sizeof name, "app%d", i);
        error = cf_create_app(creator->shared->fixture->vault, &creator->caller, name, &app);
        creator->made += error == CF_OK ? 1 : 0;
        creator->taken += error == CF_EEXIST ? 1 : 0;
        creator->failures += error != CF_OK && error != CF_EEXIST ? 1 : 0;
    }
    return NULL;
}

/* Both make Apps of the same names: one of them each. */
static void test_same_names(void **state)
{
    struct fixture *fixture = *state;
    struct shared shared = {.fixture = fixture};
    struct creator creators[ADMINS];
    pthread_t threads[ADMINS];
    struct cf_counts counts;

    assert_int_equal(pthread_barrier_init(&shared.start, NULL, ADMINS), 0);
    for (int i = 0; i < ADMINS; i++) {
        creators[i] = (struct creator){.shared = &shared, .caller = cf_caller_of(ADMIN, ADMIN, 0)};
        assert_int_equal(pthread_create(&threads[i], NULL, create_all, &creators[i]), 0);
    }
    for (int i = 0; i < ADMINS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&shared.start);
    assert_int_equal(creators[0].failures + creators[1].failures, 0);
    assert_int_equal(creators[0].made + creators[1].made, ROUNDS);
    assert_int_equal(creators[0].taken + creators[1].taken, ROUNDS);
    assert_int_equal(cf_vault_count(fixture->vault, &counts), CF_OK);
    assert_int_equal(counts.apps, ROUNDS);
    assert_int_equal(fixture_findings(fixture), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup_in_memory, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_two_administrators), TEST(test_same_names)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
