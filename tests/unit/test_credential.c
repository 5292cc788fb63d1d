/* credential.h: versions, their deadlines, and what is kept of them. */
#include "fixture.h"

#include "credential.h"

#include <string.h>

enum { START = 1900000000 }; /* seconds: some day in 2030 */

static void rotate(struct fixture *fixture, int64_t serial)
{
    assert_int_equal(cf_write_ctl(fixture->vault, &fixture->root, serial, "rotate\n", 7), CF_OK);
}

static enum cf_error read_version(struct fixture *fixture, int64_t serial, int64_t version)
{
    struct cf_secret *value;
    enum cf_error error = cf_vault_value(fixture->vault, serial, version, CF_SECRET, &value);

    cf_secret_free(value);
    return error;
}

static void test_deadline(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;

    cf_clock_set(START * CF_SECOND);
    rotate(fixture, serial);
    assert_int_equal(read_version(fixture, serial, 2), CF_OK);
    cf_clock_set(START * CF_SECOND + CF_GRACE - 1);
    assert_int_equal(read_version(fixture, serial, 1), CF_OK);
    cf_clock_set(START * CF_SECOND + CF_GRACE);
    assert_int_equal(read_version(fixture, serial, 1), CF_EEXPIRED);
    assert_int_equal(read_version(fixture, serial, 2), CF_OK);
    assert_int_equal(read_version(fixture, serial, 3), CF_EEXPIRED);
}

static void test_kept(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    struct cf_version versions[CF_VERSIONS_KEPT];
    struct cf_app app;
    struct cf_txn txn;
    size_t count;

    for (int i = 0; i < 14; i++)
        rotate(fixture, serial);
    app = fixture_again(fixture, serial);
    assert_int_equal(app.version, 15);
    assert_int_equal(cf_txn_read(fixture->vault->store, &txn), CF_OK);
    assert_int_equal(cf_version_list(&txn, &app, versions, &count), CF_OK);
    cf_txn_end(&txn);
    assert_int_equal(count, CF_VERSIONS_KEPT);
    assert_int_equal(versions[0].number, 15);
    assert_int_equal(versions[count - 1].number, 6);
    assert_int_equal(read_version(fixture, serial, 5), CF_EEXPIRED);
    assert_int_equal(fixture_findings(fixture), 0);
}

static void test_value_stat(void **state)
{
    struct fixture *fixture = *state;
    const int64_t serial = fixture_app(fixture, "billing").serial;
    struct cf_value value, second;
    struct cf_app app;
    struct cf_txn txn;

    assert_int_equal(
        cf_write_field(fixture->vault, &fixture->root, serial, CF_KEY, CF_REPLACE, "eght_0123456789wxyz", 19), CF_OK);
    assert_int_equal(cf_write_field(fixture->vault, &fixture->root, serial, CF_SECRET, CF_REPLACE, "short", 5), CF_OK);
    app = fixture_again(fixture, serial);
    assert_int_equal(cf_txn_read(fixture->vault->store, &txn), CF_OK);
    assert_int_equal(cf_value_stat(&txn, &app, app.version, CF_KEY, &value), CF_OK);
    assert_int_equal(value.len, 19);
    assert_string_equal(value.last4, "wxyz");
    assert_int_equal(cf_value_stat(&txn, &app, app.version, CF_SECRET, &second), CF_OK);
    assert_int_equal(second.len, 5);
    assert_string_equal(second.last4, "");
    assert_memory_not_equal(value.fingerprint, second.fingerprint, CF_FINGERPRINT_SIZE);
    assert_int_equal(cf_value_stat(&txn, &app, app.version, CF_TOKEN, &value), CF_ENOKEY);
    cf_txn_end(&txn);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_deadline), TEST(test_kept), TEST(test_value_stat)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
