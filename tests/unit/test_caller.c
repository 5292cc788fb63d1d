/* Who asks: the groups and names of a thread as /proc tells them. */
#include "fixture.h"

#include "caller.h"

#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Parse a copy of exactly len bytes, so that the sanitizers see a read past the end. */
static bool parse(const char *status, size_t len, uint32_t **groups, size_t *count)
{
    char *exact = malloc(len + (len == 0));
    bool is_parsed;

    assert_non_null(exact);
    memcpy(exact, status, len);
    is_parsed = cf_caller_parse_groups(exact, len, groups, count);
    free(exact);
    return is_parsed;
}

static void assert_groups(const char *status, const uint32_t *want, size_t want_count)
{
    uint32_t *groups = NULL;
    size_t count = 99;

    if (!parse(status, strlen(status), &groups, &count))
        fail_msg("refused: %s", status);
    assert_int_equal(count, want_count);
    if (want_count > 0)
        assert_memory_equal(groups, want, want_count * sizeof(*want));
    else
        assert_null(groups);
    free(groups);
}

static void groups_are_parsed(void **state)
{
    static const uint32_t three[] = {4, 27, 4294967295}, one[] = {1007};

    (void)state;
    assert_groups("Name:\tx\nUid:\t1 1 1 1\nGroups:\t4 27 4294967295 \nNStgid:\t1\n", three, 3);
    assert_groups("Groups:\t1007\n", one, 1);
    assert_groups("Groups:1007\n", one, 1);
    assert_groups("Groups:\t \nNStgid:\t5\n", NULL, 0);
    assert_groups("Groups:\n", NULL, 0);
}

/* A command can be named so that its name looks like the line; the kernel writes its newline as \n. */
static void only_the_line_itself_counts(void **state)
{
    static const uint32_t one[] = {7};

    (void)state;
    assert_groups("Name:\tGroups:\t0\nGroups:\t7 \n", one, 1);
    assert_groups("Name:\tx\\nGroups:\t0\nGroups:\t7 \n", one, 1);
    assert_groups("NGroups:\t0\nGroups:\t7 \nGroups:\t0 \n", one, 1);
}

static void broken_groups_are_refused(void **state)
{
    static const char *const broken[] = {
        "",
        "\n",
        "Name:\tx\n",
        "Groups:",
        "Groups:\t4 27",
        "Groups:\t4 27 ",
        "Name:\tx\nGroups:\t4 2",
        "Groups\t4\n",
        "groups:\t4\n",
        " Groups:\t4\n",
        "Groups:\t4 x\n",
        "Groups:\t-1\n",
        "Groups:\t+1\n",
        "Groups:\t4294967296\n",
        "Groups:\t99999999999999999999999999\n",
        "Groups:\t0x10\n",
        "Groups:\t4,27\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(broken); i++) {
        uint32_t *groups = NULL;
        size_t count = 99;

        if (parse(broken[i], strlen(broken[i]), &groups, &count))
            fail_msg("broken status %zu is taken", i);
        assert_null(groups);
        assert_int_equal(count, 0);
    }
}

static void a_nul_byte_ends_no_line(void **state)
{
    uint32_t *groups;
    size_t count;

    (void)state;
    assert_false(parse("Groups:\t4 \0\n", 12, &groups, &count));
    assert_true(parse("Na\0me\nGroups:\t4\n", 16, &groups, &count));
    assert_int_equal(count, 1);
    free(groups);
}

/* As many as the kernel allows a process (NGROUPS_MAX). */
static void very_many_groups_are_parsed(void **state)
{
    enum { MOST = 65536 };
    char *status = malloc(MOST * 12 + 64);
    uint32_t *groups = NULL;
    size_t len, count = 0;

    (void)state;
    assert_non_null(status);
    len = (size_t)sprintf(status, "Name:\tx\nGroups:\t");
    for (uint32_t i = 0; i < MOST; i++)
        len += (size_t)sprintf(status + len, "%u ", UINT32_MAX - i);
    status[len++] = '\n';
    assert_true(parse(status, len, &groups, &count));
    assert_int_equal(count, MOST);
    assert_int_equal(groups[0], UINT32_MAX);
    assert_int_equal(groups[MOST - 1], UINT32_MAX - MOST + 1);
    free(groups);
    free(status);
}

static void given_groups_decide(void **state)
{
    static const uint32_t groups[] = {5, 100000, 70};
    struct cf_caller caller = cf_caller_of(1, 20, getpid());

    (void)state;
    assert_true(cf_caller_set_groups(&caller, groups, COUNT(groups)));
    assert_true(cf_caller_in_group(&caller, 20, 20));
    assert_true(cf_caller_in_group(&caller, 5, 5));
    assert_true(cf_caller_in_group(&caller, 70, 70));
    assert_true(cf_caller_in_group(&caller, 100000, 165535));
    assert_true(cf_caller_in_group(&caller, 99999, 100000));
    assert_true(cf_caller_in_group(&caller, 0, UINT32_MAX));
    assert_false(cf_caller_in_group(&caller, 6, 19));
    assert_false(cf_caller_in_group(&caller, 71, 99999));
    assert_false(cf_caller_in_group(&caller, 100001, UINT32_MAX));
    assert_false(cf_caller_in_group(&caller, 1, 1));
    assert_true(cf_caller_set_groups(&caller, NULL, 0));
    assert_false(cf_caller_in_group(&caller, 5, 5));
    cf_caller_release(&caller);
    cf_caller_release(&caller);
}

static void a_new_caller_knows_no_groups(void **state)
{
    struct cf_caller caller = cf_caller_of(1, 2, 3);

    (void)state;
    assert_int_equal(caller.uid, 1);
    assert_int_equal(caller.gid, 2);
    assert_int_equal(caller.pid, 3);
    assert_false(caller.groups_known);
    assert_null(caller.groups);
    cf_caller_release(&caller);
}

/* The groups of a living process are those that it has itself; its gid alone needs no look at /proc. */
static void own_groups_come_from_proc(void **state)
{
    struct cf_caller caller = cf_caller_of(getuid(), 3999999999, getpid());
    gid_t groups[256];
    int count = getgroups(256, groups);

    (void)state;
    assert_true(count >= 0);
    assert_true(cf_caller_in_group(&caller, 3999999999, 3999999999));
    assert_false(caller.groups_known);
    assert_false(cf_caller_in_group(&caller, 4000000000, 4000000001));
    assert_true(caller.groups_known);
    assert_int_equal(caller.group_count, count);
    for (int i = 0; i < count; i++)
        assert_true(cf_caller_in_group(&caller, groups[i], groups[i]));
    cf_caller_release(&caller);
}

#define FIRST UINT32_C(3000000000)
enum { MANY = 65536 };

static bool take_many_groups(void)
{
    gid_t *groups = calloc(MANY, sizeof(*groups));
    bool is_taken;

    for (size_t i = 0; groups != NULL && i < MANY; i++)
        groups[i] = (gid_t)(FIRST + i);
    is_taken = groups != NULL && setgroups(MANY, groups) == 0;
    free(groups);
    return is_taken;
}

static void the_last_of_65536_groups_counts(void **state)
{
    struct cf_caller caller;
    pid_t pid;

    (void)state;
    if (geteuid() != 0)
        skip();
    pid = fixture_child(take_many_groups);
    assert_int_not_equal(pid, 0);
    caller = cf_caller_of(0, 0, pid);
    assert_true(cf_caller_in_group(&caller, (FIRST + MANY - 1), UINT32_MAX));
    assert_int_equal(caller.group_count, MANY);
    assert_false(cf_caller_in_group(&caller, (FIRST + MANY), UINT32_MAX));
    assert_true(cf_caller_in_group(&caller, FIRST, FIRST));
    cf_caller_release(&caller);
    fixture_child_end(pid);
}

static bool take_odd_name(void)
{
    return prctl(PR_SET_NAME, "x\nGroups:\t0\n") == 0;
}

static void the_command_is_named(void **state)
{
    struct cf_caller caller;
    char command[16];
    pid_t pid = fixture_child(take_odd_name);

    (void)state;
    assert_int_not_equal(pid, 0);
    caller = cf_caller_of(1, 1, pid);
    cf_caller_command(&caller, command);
    assert_string_equal(command, "x\nGroups:\t0\n");
    fixture_child_end(pid);
}

static bool take_long_name(void)
{
    return prctl(PR_SET_NAME, "123456789012345678") == 0;
}

static void a_long_command_is_cut(void **state)
{
    struct cf_caller caller;
    char command[16];
    pid_t pid = fixture_child(take_long_name);

    (void)state;
    assert_int_not_equal(pid, 0);
    caller = cf_caller_of(1, 1, pid);
    cf_caller_command(&caller, command);
    assert_string_equal(command, "123456789012345");
    fixture_child_end(pid);
}

static void who_is_gone_or_unknown_has_nothing(void **state)
{
    pid_t ended = fixture_child(take_long_name);
    pid_t pids[] = {0, -1, 0};

    (void)state;
    fixture_child_end(ended);
    pids[2] = ended;
    for (size_t i = 0; i < COUNT(pids); i++) {
        struct cf_caller caller = cf_caller_of(0, 0, pids[i]);
        char command[16], cgroup[64];

        memset(command, 'x', sizeof(command));
        memset(cgroup, 'x', sizeof(cgroup));
        assert_true(cf_caller_in_group(&caller, 0, 0));
        assert_false(cf_caller_in_group(&caller, 1, UINT32_MAX));
        assert_true(caller.groups_known);
        cf_caller_command(&caller, command);
        assert_string_equal(command, "");
        cf_caller_cgroup(&caller, cgroup, sizeof(cgroup));
        assert_string_equal(cgroup, "");
        cf_caller_release(&caller);
    }
}

static void parse_cgroup(const char *text, size_t len, char *out, size_t size)
{
    char *exact = malloc(len + (len == 0));

    assert_non_null(exact);
    memcpy(exact, text, len);
    memset(out, 'x', size);
    cf_caller_parse_cgroup(exact, len, out, size);
    free(exact);
}

static void assert_cgroup(const char *text, const char *want)
{
    char out[64];

    parse_cgroup(text, strlen(text), out, sizeof(out));
    assert_string_equal(out, want);
}

static void cgroups_are_parsed(void **state)
{
    (void)state;
    assert_cgroup("0::/system.slice/cron.service\n", "/system.slice/cron.service");
    assert_cgroup("0::/a:b:c\n", "/a:b:c");
    assert_cgroup("0::/\n", "/");
    assert_cgroup("", "");
    assert_cgroup("0::/cut", "");
    assert_cgroup("nonsense\n0:\n::\n", "");
    assert_cgroup("0::/a\n1:name=systemd:/longer/than/it\n", "/a");
}

static void hybrid_cgroups_are_parsed(void **state)
{
    (void)state;
    assert_cgroup("9:name=systemd:/\n4:memory:/docker/1\n1:cpu:/a/much/longer/one\n0::/\n", "/docker/1");
    assert_cgroup("0::/\n9:name=systemd:/user/1\n4:memory:/docker/1/2/3\n", "/docker/1/2/3");
    assert_cgroup("9:name=systemd:/user/1/2\n4:memory:/m\n", "/user/1/2");
    assert_cgroup("9:name=systemd:/\n4:memory:/\n", "/");
    assert_cgroup("3:cpu,memoryless:/x\n0::/\n", "/");
}

static void a_long_cgroup_is_cut(void **state)
{
    static const char text[] = "0::/0123456789\n";
    char out[8];

    (void)state;
    parse_cgroup(text, strlen(text), out, 8);
    assert_string_equal(out, "/012345");
    parse_cgroup(text, strlen(text), out, 1);
    assert_string_equal(out, "");
}

static void own_cgroup_comes_from_proc(void **state)
{
    struct cf_caller caller = cf_caller_of(1, 1, getpid());
    char out[4096], text[16384];
    FILE *file = fopen("/proc/self/cgroup", "re");
    size_t len;

    (void)state;
    assert_non_null(file);
    len = fread(text, 1, sizeof(text) - 1, file);
    text[len] = '\0';
    fclose(file);
    cf_caller_cgroup(&caller, out, sizeof(out));
    assert_int_equal(out[0], '/');
    assert_non_null(strstr(text, out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_parsed),
        cmocka_unit_test(only_the_line_itself_counts),
        cmocka_unit_test(broken_groups_are_refused),
        cmocka_unit_test(a_nul_byte_ends_no_line),
        cmocka_unit_test(very_many_groups_are_parsed),
        cmocka_unit_test(given_groups_decide),
        cmocka_unit_test(a_new_caller_knows_no_groups),
        cmocka_unit_test(own_groups_come_from_proc),
        cmocka_unit_test(the_last_of_65536_groups_counts),
        cmocka_unit_test(the_command_is_named),
        cmocka_unit_test(a_long_command_is_cut),
        cmocka_unit_test(who_is_gone_or_unknown_has_nothing),
        cmocka_unit_test(cgroups_are_parsed),
        cmocka_unit_test(hybrid_cgroups_are_parsed),
        cmocka_unit_test(a_long_cgroup_is_cut),
        cmocka_unit_test(own_cgroup_comes_from_proc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
