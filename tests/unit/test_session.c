/* session.h: what of a cgroup and of /proc/PID/stat tells a session, and that no program chooses its own. */
#include "fixture.h"

#include "session.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void test_scope(void **state)
{
    static const struct {
        const char *cgroup, *scope;
    } table[] = {
        {"/user.slice/user-1000.slice/session-3.scope", "/user.slice/user-1000.slice/session-3.scope"},
        {"/user.slice/user-1000.slice/session-c2.scope/x", "/user.slice/user-1000.slice/session-c2.scope"},
        {"/system.slice/box.scope/user.slice/user-0.slice/session-1.scope",
         "/system.slice/box.scope/user.slice/user-0.slice/session-1.scope"},
        {"/user.slice/user-1000.slice/user@1000.service/app.slice", ""},
        {"/user.slice/user-1000.slice/user@1000.service/session-3.scope", ""},
        {"/user.slice/user-1.slice/user@1.service/user.slice/user-1.slice/session-3.scope", ""},
        {"/user.slice/user-1000.slice/session-.scope", ""},
        {"/user.slice/user-1000.slice/session-3.scope-not", ""},
        {"/user.slice/session-3.scope", ""},
        {"/system.slice/web.service", ""},
        {"/", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(cf_session_scope(table[i].cgroup), strlen(table[i].scope));
        assert_memory_equal(table[i].cgroup, table[i].scope, strlen(table[i].scope));
    }
}

static void test_stat(void **state)
{
    int64_t sid, start;

    (void)state;
    assert_true(cf_session_parse_stat(
        "71 (a) 9 (b) S 70 71 69 34816 71 4194304 1 0 0 0 0 0 0 0 20 0 1 0 4711 8192 200", &sid, &start));
    assert_int_equal(sid, 69);
    assert_int_equal(start, 4711);
    assert_false(cf_session_parse_stat("71 (cat) S 70 71 69 34816", &sid, &start));
    assert_false(
        cf_session_parse_stat("71 (cat) S 70 71 0 0 71 4 1 0 0 0 0 0 0 0 20 0 1 0 4711 8192", &sid, &start));
    assert_false(cf_session_parse_stat("", &sid, &start));
}

static bool session_of(pid_t pid, char out[static CF_SESSION_SIZE])
{
    struct cf_caller caller = cf_caller_of(1, 1, pid);

    return cf_session_of(&caller, out);
}

static bool leave(void)
{
    return setsid() > 0;
}

/* By the session id alone, that is where neither a login nor logind made one: setsid leads out of it, never in. */
static void test_children(void **state)
{
    char own[CF_SESSION_SIZE], inside[CF_SESSION_SIZE], outside[CF_SESSION_SIZE];
    pid_t in = fixture_child(NULL), out = fixture_child(leave);

    (void)state;
    assert_true(session_of(out, outside));
    if (session_of(getpid(), own)) { /* whoever started us may be gone */
        assert_true(session_of(in, inside));
        assert_string_equal(own, inside);
        assert_non_null(strchr(own, '@'));
        if (strncmp(own, "sid:", 4) == 0)
            assert_string_not_equal(own, outside);
        else
            assert_string_equal(own, outside);
    }
    fixture_child_end(in);
    fixture_child_end(out);
}

static void test_nobody(void **state)
{
    char session[CF_SESSION_SIZE];
    pid_t gone = fixture_child(NULL);

    (void)state;
    fixture_child_end(gone);
    assert_false(session_of(0, session));
    assert_false(session_of(gone, session));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scope),
        cmocka_unit_test(test_stat),
        cmocka_unit_test(test_children),
        cmocka_unit_test(test_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
