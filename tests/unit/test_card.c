/* card.h: what is remembered of a field is what is stored, not what failed on the way. */
#include "fixture.h"

#include "card.h"

#include <sqlite3.h>
#include <string.h>

static enum cf_error reveal(struct fixture *fixture, int64_t serial)
{
    int64_t current = 0;

    return cf_vault_reveal(fixture->vault, &fixture->root, serial, CF_KEY, &current);
}

/* Make a card, by a connection that is made for it, while SQLite may have so many bytes more. */
static enum cf_error reveal_with(struct fixture *fixture, int64_t serial, sqlite3_int64 bytes)
{
    enum cf_error error;

    fixture_reopen(fixture);
    sqlite3_hard_heap_limit64(sqlite3_memory_used() + bytes);
    error = reveal(fixture, serial);
    sqlite3_hard_heap_limit64(0);
    return error;
}

/* Memory gives out at each step of making it: the next one who asks must not be told that there is no value. */
static void test_passing_failure(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    int failures = 0, successes = 0;

    for (sqlite3_int64 bytes = 1024; successes < 3; bytes += 512) {
        const bool failed = reveal_with(fixture, serial, bytes) != CF_OK;
        failures += failed ? 1 : 0;
        successes = failed ? 0 : successes + 1;
        assert_int_equal(reveal(fixture, serial), CF_OK);
    }
    assert_true(failures > 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup_in_memory, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_passing_failure)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
