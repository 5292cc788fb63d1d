/* The type that plain secrets live in: its limits, its wiping, and what the kernel is told about its memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "secret.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 1024 }; /* more than the arena has slots */

static bool is_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

/* Run check in a child; true when it says so. */
static bool child_agrees(bool (*check)(void *arg), void *arg)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0)
        _exit(check(arg) ? 0 : 1);
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Runs first: nothing is given out before there is an arena. */
static void without_an_arena_there_is_no_secret(void **state)
{
    (void)state;
    assert_null(cf_secret_new(1));
    assert_null(cf_secret_copy("x", 1));
    cf_secret_free(NULL);
    assert_int_equal(cf_secret_arena(NULL), CF_OK);
    assert_int_equal(cf_secret_arena(NULL), CF_OK);
}

static void a_new_secret_is_zero(void **state)
{
    struct cf_secret *secret = cf_secret_new(CF_SECRET_MAX);

    (void)state;
    assert_non_null(secret);
    assert_int_equal(cf_secret_len(secret), CF_SECRET_MAX);
    assert_true(is_zero(cf_secret_peek(secret), CF_SECRET_MAX));
    assert_ptr_equal(cf_secret_peek(secret), cf_secret_bytes(secret));
    memset(cf_secret_bytes(secret), 0xAA, CF_SECRET_MAX);
    cf_secret_free(secret);
    for (int i = 0; i < 2; i++) {
        secret = cf_secret_new(CF_SECRET_MAX);
        assert_true(is_zero(cf_secret_peek(secret), CF_SECRET_MAX));
        cf_secret_free(secret);
    }
}

static void lengths_have_limits(void **state)
{
    struct cf_secret *secret = cf_secret_new(0);

    (void)state;
    assert_non_null(secret);
    assert_int_equal(cf_secret_len(secret), 0);
    cf_secret_free(secret);
    secret = cf_secret_copy(NULL, 0);
    assert_non_null(secret);
    cf_secret_free(secret);
    assert_null(cf_secret_new(CF_SECRET_LARGEST + 1));
    assert_null(cf_secret_new(SIZE_MAX));
}

static void a_copy_holds_all_bytes(void **state)
{
    uint8_t bytes[CF_SECRET_MAX];
    struct cf_secret *secret;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7 + 1);
    secret = cf_secret_copy(bytes, sizeof(bytes));
    assert_non_null(secret);
    assert_int_equal(cf_secret_len(secret), sizeof(bytes));
    assert_memory_equal(cf_secret_peek(secret), bytes, sizeof(bytes));
    cf_secret_free(secret);
}

/* The memory stays mapped after it was given back, so what is left there can be looked at. */
static void giving_back_wipes(void **state)
{
    struct cf_secret *secret = cf_secret_new(4001);
    const uint8_t *bytes;

    (void)state;
    assert_non_null(secret);
    bytes = cf_secret_peek(secret);
    memcpy(cf_secret_bytes(secret), "no trace of me", 14);
    cf_secret_bytes(secret)[4000] = 1;
    cf_secret_free(secret);
    assert_true(is_zero(bytes, CF_SECRET_MAX));
}

static void shortening_wipes_the_rest(void **state)
{
    struct cf_secret *secret = cf_secret_copy("abcdef", 6);

    (void)state;
    assert_non_null(secret);
    cf_secret_shorten(secret, 6);
    assert_memory_equal(cf_secret_peek(secret), "abcdef", 6);
    cf_secret_shorten(secret, 2);
    assert_int_equal(cf_secret_len(secret), 2);
    assert_memory_equal(cf_secret_peek(secret), "ab\0\0\0\0", 6);
    cf_secret_shorten(secret, 0);
    assert_true(is_zero(cf_secret_peek(secret), 6));
    cf_secret_free(secret);
}

/* Take all there are; returns how many. */
static size_t take_all(struct cf_secret *taken[static MOST])
{
    size_t count = 0;

    while (count < MOST && (taken[count] = cf_secret_new(CF_SECRET_MAX)) != NULL)
        count++;
    return count;
}

static void the_arena_is_used_up_and_refilled(void **state)
{
    static struct cf_secret *taken[MOST];
    size_t count = take_all(taken), again;
    struct cf_secret *one;

    (void)state;
    assert_in_range(count, 64, MOST - 1);
    for (size_t i = 0; i < count; i++)
        memset(cf_secret_bytes(taken[i]), (int)(i % 251 + 1), CF_SECRET_MAX);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(cf_secret_len(taken[i]), CF_SECRET_MAX);
        assert_int_equal(cf_secret_peek(taken[i])[0], i % 251 + 1);
        assert_int_equal(cf_secret_peek(taken[i])[CF_SECRET_MAX - 1], i % 251 + 1);
    }
    cf_secret_free(taken[count / 2]);
    one = cf_secret_new(1);
    assert_ptr_equal(one, taken[count / 2]);
    assert_null(cf_secret_new(1));
    for (size_t i = 0; i < count; i++)
        cf_secret_free(taken[i]);
    again = take_all(taken);
    assert_int_equal(again, count);
    for (size_t i = 0; i < again; i++)
        cf_secret_free(taken[i]);
}

/* Each thread fills its secrets with its own byte and finds it again. Gives back NULL when it did. */
static void *hammer(void *arg)
{
    unsigned wrong = 0;
    uint8_t mark = *(const uint8_t *)arg;

    for (int round = 0; round < 2000; round++) {
        struct cf_secret *a = cf_secret_new(32), *b = cf_secret_new(64);

        if (a == NULL || b == NULL || !is_zero(cf_secret_peek(b), 64)) {
            wrong++;
        } else {
            memset(cf_secret_bytes(a), mark, 32);
            memset(cf_secret_bytes(b), mark, 64);
            for (size_t i = 0; i < 32; i++)
                wrong += cf_secret_peek(a)[i] != mark || cf_secret_peek(b)[i + 32] != mark;
        }
        cf_secret_free(a);
        cf_secret_free(b);
    }
    return wrong == 0 ? NULL : arg;
}

static void threads_do_not_share_slots(void **state)
{
    pthread_t threads[8];
    uint8_t marks[8];

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        marks[i] = (uint8_t)(i + 1);
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, &marks[i]), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        void *wrong;

        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
}

/* Find the flags that the kernel keeps for the mapping of an address (proc(5), VmFlags). */
static bool mapping_flags(const void *address, char flags[static 256])
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    bool is_inside = false, is_found = false;
    char line[512], *end;

    while (maps != NULL && !is_found && fgets(line, sizeof(line), maps) != NULL) {
        uintptr_t low = strtoull(line, &end, 16), high = *end == '-' ? strtoull(end + 1, &end, 16) : 0;

        if (high != 0)
            is_inside = (uintptr_t)address >= low && (uintptr_t)address < high;
        else if (is_inside && strncmp(line, "VmFlags:", 8) == 0)
            is_found = snprintf(flags, 256, "%.250s", line + 8) > 0;
    }
    if (maps != NULL)
        fclose(maps);
    return is_found;
}

static void the_kernel_guards_the_memory(void **state)
{
    struct cf_secret *secret = cf_secret_new(1);
    char flags[256];

    (void)state;
    assert_non_null(secret);
    assert_true(mapping_flags(cf_secret_peek(secret), flags));
    assert_non_null(strstr(flags, " lo")); /* locked */
    assert_non_null(strstr(flags, " dd")); /* not in a core file */
    assert_non_null(strstr(flags, " wf")); /* wiped on fork */
    cf_secret_free(secret);
}

static void a_large_secret_is_guarded_as_well(void **state)
{
    static const size_t lens[] = {CF_SECRET_MAX + 1, 12345, CF_SECRET_LARGEST};
    char flags[256];

    (void)state;
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct cf_secret *secret = cf_secret_new(lens[i]);

        assert_non_null(secret);
        assert_int_equal(cf_secret_len(secret), lens[i]);
        assert_true(is_zero(cf_secret_peek(secret), lens[i]));
        memset(cf_secret_bytes(secret), 0xAA, lens[i]);
        for (size_t j = 0; j < 2; j++) {
            assert_true(mapping_flags(cf_secret_peek(secret) + j * (lens[i] - 1), flags));
            assert_non_null(strstr(flags, " lo"));
            assert_non_null(strstr(flags, " dd"));
            assert_non_null(strstr(flags, " wf"));
        }
        cf_secret_shorten(secret, 5);
        assert_int_equal(cf_secret_len(secret), 5);
        assert_true(is_zero(cf_secret_peek(secret) + 5, lens[i] - 5));
        cf_secret_free(secret);
    }
}

/* Given back, it is gone, and takes nothing of what may be locked with it. */
static void a_large_secret_leaves_nothing(void **state)
{
    struct cf_secret *secret;
    const uint8_t *bytes;
    char flags[256];

    (void)state;
    for (int i = 0; i < 100; i++) {
        secret = cf_secret_new(CF_SECRET_LARGEST);
        assert_non_null(secret);
        assert_true(is_zero(cf_secret_peek(secret), 4096));
        memset(cf_secret_bytes(secret), 0x55, 4096);
        bytes = cf_secret_peek(secret);
        cf_secret_free(secret);
    }
    assert_false(mapping_flags(bytes, flags));
}

static bool child_sees_nothing(void *arg)
{
    const uint8_t *bytes = arg;

    return is_zero(bytes, CF_SECRET_MAX) && cf_secret_new(1) == NULL;
}

/* What a child inherits is wiped, head and all, so that it gives nothing back. */
static bool child_frees_the_parents(void *arg)
{
    if (cf_secret_arena(NULL) != CF_OK)
        return false;
    cf_secret_free(arg);
    return cf_secret_peek(arg) == NULL;
}

static bool child_makes_its_own(void *arg)
{
    struct cf_secret *secret;
    char flags[256] = "";

    (void)arg;
    if (cf_secret_arena(NULL) != CF_OK || (secret = cf_secret_copy("mine", 4)) == NULL)
        return false;
    return memcmp(cf_secret_peek(secret), "mine", 4) == 0 && mapping_flags(cf_secret_peek(secret), flags) &&
           strstr(flags, " lo") != NULL;
}

static void a_child_inherits_nothing(void **state)
{
    struct cf_secret *secret = cf_secret_copy("the parent's own", 16), *large = cf_secret_new(CF_SECRET_MAX + 1);

    (void)state;
    assert_non_null(secret);
    assert_non_null(large);
    memset(cf_secret_bytes(large), 0x5A, CF_SECRET_MAX);
    assert_true(child_agrees(child_sees_nothing, cf_secret_bytes(large)));
    assert_true(child_agrees(child_frees_the_parents, large));
    assert_true(child_agrees(child_frees_the_parents, secret));
    assert_int_equal(cf_secret_peek(large)[CF_SECRET_MAX - 1], 0x5A);
    cf_secret_free(large);
    assert_true(child_agrees(child_sees_nothing, cf_secret_bytes(secret)));
    assert_true(child_agrees(child_makes_its_own, NULL));
    assert_memory_equal(cf_secret_peek(secret), "the parent's own", 16);
    cf_secret_free(secret);
}

/* As a user without privileges, who may lock nothing. */
static bool child_may_not_lock(void *arg)
{
    struct rlimit none = {0, 0};
    struct cf_fault fault = {""};

    (void)arg;
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 || (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0))
        return false;
    return cf_secret_arena(&fault) == CF_ELOCKED && strstr(fault.text, "ulimit -l") != NULL &&
           cf_secret_new(1) == NULL && cf_secret_arena(NULL) == CF_ELOCKED;
}

static void memory_that_cannot_be_locked_is_not_used(void **state)
{
    (void)state;
    assert_true(child_agrees(child_may_not_lock, NULL));
}

/* No large one without a lock, though the arena is there. */
static bool child_may_lock_the_arena_alone(void *arg)
{
    struct rlimit little = {768 * 1024, 768 * 1024};
    struct cf_secret *secret;

    (void)arg;
    if (setrlimit(RLIMIT_MEMLOCK, &little) != 0 || (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) ||
        cf_secret_arena(NULL) != CF_OK)
        return false;
    secret = cf_secret_new(CF_SECRET_MAX);
    return secret != NULL && cf_secret_new(CF_SECRET_LARGEST) == NULL;
}

static void a_large_secret_that_cannot_be_locked_is_not_given(void **state)
{
    (void)state;
    assert_true(child_agrees(child_may_lock_the_arena_alone, NULL));
}

static void wiping(void **state)
{
    uint8_t bytes[16];

    (void)state;
    memset(bytes, 0x5A, sizeof(bytes));
    cf_wipe(bytes + 4, 8);
    assert_true(is_zero(bytes + 4, 8));
    assert_int_equal(bytes[3], 0x5A);
    assert_int_equal(bytes[12], 0x5A);
    cf_wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_an_arena_there_is_no_secret),
        cmocka_unit_test(a_new_secret_is_zero),
        cmocka_unit_test(lengths_have_limits),
        cmocka_unit_test(a_copy_holds_all_bytes),
        cmocka_unit_test(giving_back_wipes),
        cmocka_unit_test(shortening_wipes_the_rest),
        cmocka_unit_test(the_arena_is_used_up_and_refilled),
        cmocka_unit_test(threads_do_not_share_slots),
        cmocka_unit_test(the_kernel_guards_the_memory),
        cmocka_unit_test(a_large_secret_is_guarded_as_well),
        cmocka_unit_test(a_large_secret_leaves_nothing),
        cmocka_unit_test(a_child_inherits_nothing),
        cmocka_unit_test(memory_that_cannot_be_locked_is_not_used),
        cmocka_unit_test(a_large_secret_that_cannot_be_locked_is_not_given),
        cmocka_unit_test(wiping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
