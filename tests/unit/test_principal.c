/* Users and groups, their names, and the cache in front of the name service.
 *
 * The functions of the name service and the monotonic clock are this file's own: they take the C library's place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "principal.h"

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct entry {
    const char *name;
    uint32_t id, gid;
};

static const struct entry users[] = {
    {"root", 0, 0},
    {"web", 1007, 33},
    {"1008", 1008, 33},
    {"a#b", 1009, 33},
    {"two words", 1010, 33},
    {"new\nline", 1011, 33},
    {"nobody-at-all", UINT32_MAX, 1},
    {"highest", 4294967294, 1},
    {"both", 1012, 33},
    {"12-34", 1013, 33},
    {"4you", 1014, 33},
};
static const struct entry groups[] = {{"ops", 50, 50}, {"both", 51, 51}, {"root", 0, 0}};

static atomic_int asked;         /* questions that got as far as the name service */
static atomic_int failure;       /* errno that every question gets */
static atomic_size_t reply_size; /* room that a reply needs */
static atomic_long seconds_later;
static pthread_barrier_t *pause_here; /* where a question for the user "slow" waits, twice */

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, now);

    if (clock == CLOCK_MONOTONIC)
        now->tv_sec += seconds_later;
    return result;
}

/* Answer as the name service does; copy the name into the buffer as it does. */
static int answer(const struct entry *entries, size_t count, const char *name, uint32_t id, char *buffer,
                  size_t size, const struct entry **out)
{
    *out = NULL;
    if (failure != 0)
        return failure;
    if (name != NULL && strcmp(name, "slow") == 0) {
        pthread_barrier_wait(pause_here);
        pthread_barrier_wait(pause_here);
    }
    for (size_t i = 0; i < count && *out == NULL; i++) {
        if (name != NULL ? strcmp(name, entries[i].name) == 0 : id == entries[i].id)
            *out = &entries[i];
    }
    if (*out == NULL)
        return 0;
    if (size < reply_size || size < strlen((*out)->name) + 1)
        return ERANGE;
    memcpy(buffer, (*out)->name, strlen((*out)->name) + 1);
    return 0;
}

static int answer_user(const char *name, uint32_t id, struct passwd *entry, char *buffer, size_t size,
                       struct passwd **found)
{
    const struct entry *user;
    int error = answer(users, COUNT(users), name, id, buffer, size, &user);

    *found = NULL;
    if (error == 0 && user != NULL) {
        *entry = (struct passwd){.pw_name = buffer, .pw_uid = user->id, .pw_gid = user->gid};
        *found = entry;
    }
    return error;
}

static int answer_group(const char *name, uint32_t id, struct group *entry, char *buffer, size_t size,
                        struct group **found)
{
    const struct entry *group;
    int error = answer(groups, COUNT(groups), name, id, buffer, size, &group);

    *found = NULL;
    if (error == 0 && group != NULL) {
        *entry = (struct group){.gr_name = buffer, .gr_gid = group->id};
        *found = entry;
    }
    return error;
}

int getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size, struct passwd **found)
{
    asked++;
    return answer_user(name, 0, entry, buffer, size, found);
}

int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **found)
{
    asked++;
    return answer_user(NULL, uid, entry, buffer, size, found);
}

int getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size, struct group **found)
{
    asked++;
    return answer_group(name, 0, entry, buffer, size, found);
}

int getgrgid_r(gid_t gid, struct group *entry, char *buffer, size_t size, struct group **found)
{
    asked++;
    return answer_group(NULL, gid, entry, buffer, size, found);
}

/* Each test begins with an outdated cache. */
static int start(void **state)
{
    (void)state;
    seconds_later += 1000;
    asked = 0;
    failure = 0;
    reply_size = 0;
    return 0;
}

static enum cf_error parse(const char *word, struct cf_principal *who)
{
    return cf_principal_parse(word, strlen(word), who);
}

static void assert_parses(const char *word, enum cf_principal_kind kind, uint32_t low, uint32_t high)
{
    struct cf_principal who;

    if (parse(word, &who) != CF_OK)
        fail_msg("%s is refused", word);
    assert_int_equal(who.kind, kind);
    assert_int_equal(who.low, low);
    assert_int_equal(who.high, high);
}

static void forms_are_read(void **state)
{
    (void)state;
    assert_parses("user:web", CF_USER, 1007, 1007);
    assert_parses("group:ops", CF_GROUP, 50, 50);
    assert_parses("user:both", CF_USER, 1012, 1012);
    assert_parses("group:both", CF_GROUP, 51, 51);
    assert_parses("user:4you", CF_USER, 1014, 1014);
    assert_parses("user:0", CF_USER, 0, 0);
    assert_parses("user:4242", CF_USER, 4242, 4242);
    assert_parses("group:100000-165535", CF_GROUP, 100000, 165535);
    assert_parses("user:5-5", CF_USER, 5, 5);
    assert_parses("user:0-4294967294", CF_USER, 0, 4294967294);
    assert_parses("user:007", CF_USER, 7, 7);
}

/* A number is never taken for a name, though a user may be called by one. */
static void numbers_ask_nobody(void **state)
{
    (void)state;
    assert_parses("user:1008", CF_USER, 1008, 1008);
    assert_parses("user:12-34", CF_USER, 12, 34);
    assert_int_equal(asked, 0);
}

static void other_forms_are_refused(void **state)
{
    static const char *const values[] = {
        "",
        "web",
        "user",
        "user:",
        "group:",
        "User:web",
        ":web",
        " user:web",
        "users:web",
        "user:5-",
        "user:-5",
        "user:-",
        "user:5-4",
        "user:1-2-3",
        "user:--",
        "user:5--6",
        "user:4294967295",
        "user:1-4294967295",
        "group:4294967296",
        "user:99999999999999999999",
        "user:18446744073709551616",
    };
    static const char *const unknown[] = {
        "user:absent", "group:web", "user:ops",  "user:WEB", "user: web",     "user:web ",
        "user:+5",     "user:5,6",  "user:0x10", "user:5 ",  "user:user:web", "user:nobody-at-all",
    };
    struct cf_principal who = {CF_GROUP, 1, 2};

    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        if (parse(values[i], &who) != CF_EVALUE)
            fail_msg("\"%s\" is not refused as a value", values[i]);
    }
    for (size_t i = 0; i < COUNT(unknown); i++) {
        if (parse(unknown[i], &who) != CF_EPRINCIPAL)
            fail_msg("\"%s\" is not unknown", unknown[i]);
    }
    assert_int_equal(cf_principal_parse("user:web\0", 9, &who), CF_EVALUE);
    assert_int_equal(cf_principal_parse("user:1\0", 7, &who), CF_EVALUE);
    assert_int_equal(cf_principal_parse("user:web", 7, &who), CF_EPRINCIPAL);
    assert_int_equal(who.kind, CF_GROUP);
    assert_int_equal(who.low, 1);
    assert_int_equal(who.high, 2);
}

/* Longer than a user's name can be: not even asked for. */
static void very_long_names_are_unknown(void **state)
{
    char word[5 + 256 + 1];
    struct cf_principal who;

    (void)state;
    snprintf(word, sizeof(word), "user:x%0255d", 0);
    assert_int_equal(cf_principal_parse(word, 5 + 256, &who), CF_EPRINCIPAL);
    assert_int_equal(asked, 0);
    assert_int_equal(cf_principal_parse(word, 5 + 255, &who), CF_EPRINCIPAL);
    assert_int_equal(asked, 1);
}

static void assert_prints(enum cf_principal_kind kind, uint32_t low, uint32_t high, const char *want)
{
    struct cf_principal who = {kind, low, high}, back;
    struct cf_text text = {0};

    cf_principal_print(&who, &text);
    assert_string_equal(text.data, want);
    assert_int_equal(cf_principal_parse(text.data, text.len, &back), CF_OK);
    assert_int_equal(cf_principal_order(&who, &back), 0);
    cf_text_release(&text);
}

/* What is printed is read back as the same, also where a name would not be. */
static void printing_is_the_reverse_of_parsing(void **state)
{
    (void)state;
    assert_prints(CF_USER, 1007, 1007, "user:web");
    assert_prints(CF_GROUP, 50, 50, "group:ops");
    assert_prints(CF_USER, 50, 50, "user:50");
    assert_prints(CF_USER, 1007, 1008, "user:1007-1008");
    assert_prints(CF_GROUP, 0, 4294967294, "group:0-4294967294");
    assert_prints(CF_USER, 4294967294, 4294967294, "user:highest");
    assert_prints(CF_USER, 1008, 1008, "user:1008");
    assert_prints(CF_USER, 1009, 1009, "user:1009");
    assert_prints(CF_USER, 1010, 1010, "user:1010");
    assert_prints(CF_USER, 1011, 1011, "user:1011");
    assert_prints(CF_USER, 1013, 1013, "user:1013");
}

static void users_are_printed_alone(void **state)
{
    struct cf_text text = {0};

    (void)state;
    cf_user_print(1007, &text);
    cf_text_puts(&text, ",");
    cf_user_print(1234, &text);
    cf_text_puts(&text, ",");
    cf_user_print(UINT32_MAX, &text);
    assert_string_equal(text.data, "web,1234,4294967295");
    cf_text_release(&text);
}

static void users_and_groups_are_found(void **state)
{
    uint32_t uid = 9, gid = 9;

    (void)state;
    assert_true(cf_user_find("web", &uid, &gid));
    assert_int_equal(uid, 1007);
    assert_int_equal(gid, 33);
    assert_true(cf_group_find("ops", &gid));
    assert_int_equal(gid, 50);
    assert_false(cf_user_find("absent", &uid, &gid));
    assert_false(cf_group_find("web", &gid));
    assert_false(cf_user_find("", &uid, &gid));
    assert_int_equal(uid, 1007);
    assert_int_equal(gid, 50);
}

static void answers_are_kept_for_a_minute(void **state)
{
    static const char *const words[] = {"user:web", "user:absent", "group:ops", "group:absent"};
    struct cf_principal who;
    struct cf_text text = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(words); i++) {
        enum cf_error first = parse(words[i], &who);

        assert_int_equal(asked, 1);
        seconds_later += 59;
        assert_int_equal(parse(words[i], &who), first);
        assert_int_equal(asked, 1);
        seconds_later += 2;
        assert_int_equal(parse(words[i], &who), first);
        assert_int_equal(asked, 2);
        asked = 0;
    }
    for (int round = 0; round < 3; round++) {
        cf_user_print(1007, &text);
        cf_user_print(77, &text);
    }
    assert_string_equal(text.data, "web77web77web77");
    assert_int_equal(asked, 2);
    cf_text_release(&text);
}

/* The same number or name asked for in another way is another question. */
static void questions_are_kept_apart(void **state)
{
    struct cf_text text = {0};
    uint32_t uid, gid;

    (void)state;
    for (int round = 0; round < 2; round++) {
        assert_prints(CF_USER, 50, 50, "user:50");
        assert_prints(CF_GROUP, 50, 50, "group:ops");
        assert_prints(CF_USER, 0, 0, "user:root");
        assert_prints(CF_GROUP, 0, 0, "group:root");
        assert_true(cf_user_find("both", &uid, &gid));
        assert_int_equal(uid, 1012);
        assert_true(cf_group_find("both", &gid));
        assert_int_equal(gid, 51);
    }
    cf_text_release(&text);
}

/* More questions than the cache has places give right answers all the same. */
static void a_full_cache_still_answers(void **state)
{
    struct cf_principal who;
    char word[32];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        snprintf(word, sizeof(word), "user:absent%d", i);
        assert_int_equal(parse(word, &who), CF_EPRINCIPAL);
        assert_parses("user:web", CF_USER, 1007, 1007);
    }
    assert_in_range(asked, 20000, 20200);
}

static void long_replies_are_taken(void **state)
{
    (void)state;
    reply_size = (size_t)1024 * 1024;
    assert_parses("group:ops", CF_GROUP, 50, 50);
    assert_parses("user:web", CF_USER, 1007, 1007);
    reply_size = SIZE_MAX;
    asked = 0;
    assert_false(cf_group_find("both", &(uint32_t){0}));
    assert_in_range(asked, 2, 20);
}

/* A service that is down is not asked again for a minute; a shortage of our own passes at once. */
static void failures_are_misses(void **state)
{
    struct cf_principal who;

    (void)state;
    failure = EIO;
    assert_int_equal(parse("user:web", &who), CF_EPRINCIPAL);
    failure = 0;
    assert_int_equal(parse("user:web", &who), CF_EPRINCIPAL);
    assert_int_equal(asked, 1);
    seconds_later += 61;
    failure = EMFILE;
    assert_int_equal(parse("user:web", &who), CF_EPRINCIPAL);
    failure = 0;
    assert_parses("user:web", CF_USER, 1007, 1007);
}

/* A thread gives back NULL when all was right, otherwise what it was given. */
static void *ask_slowly(void *arg)
{
    struct cf_principal who;

    return parse("user:slow", &who) == CF_EPRINCIPAL ? NULL : arg;
}

/* While one thread waits for the name service, another gets its answers; this would hang otherwise. */
static void a_slow_service_stops_nobody_else(void **state)
{
    pthread_barrier_t barrier;
    pthread_t thread;
    void *wrong;

    (void)state;
    pause_here = &barrier;
    assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, ask_slowly, &barrier), 0);
    pthread_barrier_wait(&barrier);
    alarm(60);
    assert_parses("user:web", CF_USER, 1007, 1007);
    assert_parses("user:web", CF_USER, 1007, 1007);
    alarm(0);
    pthread_barrier_wait(&barrier);
    assert_int_equal(pthread_join(thread, &wrong), 0);
    assert_null(wrong);
    pthread_barrier_destroy(&barrier);
}

static void *ask_often(void *arg)
{
    unsigned wrong = 0;

    for (int i = 0; i < 3000; i++) {
        struct cf_principal who = {CF_USER, 0, 0};
        char word[32];

        snprintf(word, sizeof(word), "user:no%d", i % 50);
        wrong += parse(word, &who) != CF_EPRINCIPAL;
        wrong += parse("user:web", &who) != CF_OK || who.low != 1007;
        wrong += parse("group:both", &who) != CF_OK || who.low != 51;
    }
    return wrong == 0 ? NULL : arg;
}

static void threads_share_the_cache(void **state)
{
    pthread_t threads[6];

    (void)state;
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &threads), 0);
    for (size_t i = 0; i < COUNT(threads); i++) {
        void *wrong;

        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
}

static void callers_are_matched(void **state)
{
    static const uint32_t more[] = {50, 150000};
    struct cf_caller caller = cf_caller_of(1007, 33, 0);
    struct cf_principal user = {CF_USER, 1007, 1007}, others = {CF_USER, 1008, 4294967294},
                        below = {CF_USER, 0, 1006}, own = {CF_GROUP, 33, 33}, ops = {CF_GROUP, 50, 50},
                        range = {CF_GROUP, 100000, 165535}, none = {CF_GROUP, 1007, 1007};

    (void)state;
    assert_true(cf_principal_matches(&user, &caller));
    assert_false(cf_principal_matches(&others, &caller));
    assert_false(cf_principal_matches(&below, &caller));
    assert_true(cf_principal_matches(&own, &caller));
    assert_false(caller.groups_known);
    assert_false(cf_principal_matches(&ops, &caller));
    assert_true(cf_caller_set_groups(&caller, more, COUNT(more)));
    assert_true(cf_principal_matches(&ops, &caller));
    assert_true(cf_principal_matches(&range, &caller));
    assert_false(cf_principal_matches(&none, &caller));
    cf_caller_release(&caller);
}

static int compare(const void *a, const void *b)
{
    return cf_principal_order(a, b);
}

static void the_order_is_total(void **state)
{
    static const struct cf_principal sorted[] = {
        {CF_USER, 0, 0},  {CF_USER, 0, 5},  {CF_USER, 3, 3},           {CF_USER, 2147483648, 4294967294},
        {CF_GROUP, 0, 0}, {CF_GROUP, 1, 1}, {CF_GROUP, 1, 4294967294}, {CF_GROUP, 4294967294, 4294967294},
    };
    struct cf_principal mixed[COUNT(sorted)];

    (void)state;
    for (size_t i = 0; i < COUNT(sorted); i++) {
        mixed[(i * 3 + 5) % COUNT(sorted)] = sorted[i];
        for (size_t j = 0; j < COUNT(sorted); j++)
            assert_int_equal(cf_principal_order(&sorted[i], &sorted[j]), i < j ? -1 : i > j);
    }
    qsort(mixed, COUNT(mixed), sizeof(mixed[0]), compare);
    for (size_t i = 0; i < COUNT(sorted); i++)
        assert_int_equal(cf_principal_order(&sorted[i], &mixed[i]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(forms_are_read, start),
        cmocka_unit_test_setup(numbers_ask_nobody, start),
        cmocka_unit_test_setup(other_forms_are_refused, start),
        cmocka_unit_test_setup(very_long_names_are_unknown, start),
        cmocka_unit_test_setup(printing_is_the_reverse_of_parsing, start),
        cmocka_unit_test_setup(users_are_printed_alone, start),
        cmocka_unit_test_setup(users_and_groups_are_found, start),
        cmocka_unit_test_setup(answers_are_kept_for_a_minute, start),
        cmocka_unit_test_setup(questions_are_kept_apart, start),
        cmocka_unit_test_setup(a_full_cache_still_answers, start),
        cmocka_unit_test_setup(long_replies_are_taken, start),
        cmocka_unit_test_setup(failures_are_misses, start),
        cmocka_unit_test_setup(a_slow_service_stops_nobody_else, start),
        cmocka_unit_test_setup(threads_share_the_cache, start),
        cmocka_unit_test(callers_are_matched),
        cmocka_unit_test(the_order_is_total),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
