/* Times and durations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void the_clock_runs_and_stands(void **state)
{
    int64_t before = cf_now(), after;

    (void)state;
    assert_true(before > INT64_C(1577836800) * CF_SECOND); /* 2020 */
    cf_clock_set(12345);
    assert_int_equal(cf_now(), 12345);
    assert_int_equal(cf_now(), 12345);
    cf_clock_set(0);
    after = cf_now();
    assert_true(after >= before && after - before < 60 * CF_SECOND);
}

struct known {
    const char *text;
    int64_t seconds;
};

static const struct known known_times[] = {
    {"1970-01-01T00:00:00Z", 0},          {"1969-12-31T23:59:59Z", -1},
    {"2000-02-29T12:34:56Z", 951827696},  {"2001-09-09T01:46:40Z", 1000000000},
    {"2027-03-01T00:00:00Z", 1803859200}, {"2028-02-29T23:59:59Z", 1835481599},
    {"2100-03-01T00:00:00Z", 4107542400}, {"1900-02-28T00:00:00Z", -2203977600},
    {"2262-04-11T23:47:16Z", 9223372036}, {"1677-09-21T00:12:44Z", -9223372036},
};

static void known_times_format_and_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(known_times); i++) {
        const struct known *known = &known_times[i];
        char out[CF_TIME_SIZE];
        int64_t time;

        cf_time_format(known->seconds * CF_SECOND, out);
        assert_string_equal(out, known->text);
        assert_true(cf_time_parse(known->text, strlen(known->text), &time));
        assert_int_equal(time, known->seconds * CF_SECOND);
    }
}

/* Against the C library, over the whole range, in steps that meet every part of a day and a year. */
static void formats_agree_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t seconds = -9223372036; seconds <= 9223372036; seconds += 7654321) {
        char out[CF_TIME_SIZE], want[CF_TIME_SIZE];
        time_t time = (time_t)seconds;
        int64_t back;
        struct tm tm;

        assert_non_null(gmtime_r(&time, &tm));
        assert_true(strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
        cf_time_format(seconds * CF_SECOND, out);
        assert_string_equal(out, want);
        assert_true(cf_time_parse(out, strlen(out), &back));
        assert_int_equal(back, seconds * CF_SECOND);
    }
}

static void parts_of_a_second_round_down(void **state)
{
    char out[CF_TIME_SIZE];

    (void)state;
    cf_time_format(CF_SECOND - 1, out);
    assert_string_equal(out, "1970-01-01T00:00:00Z");
    cf_time_format(-1, out);
    assert_string_equal(out, "1969-12-31T23:59:59Z");
    cf_time_format_micro(-1, out);
    assert_string_equal(out, "1969-12-31T23:59:59.999999Z");
    cf_time_format_micro(1803859200 * CF_SECOND + 1999, out);
    assert_string_equal(out, "2027-03-01T00:00:00.000001Z");
    cf_time_format_micro(INT64_MAX, out);
    assert_string_equal(out, "2262-04-11T23:47:16.854775Z");
    cf_time_format_micro(INT64_MIN, out);
    assert_string_equal(out, "1677-09-21T00:12:43.145224Z");
}

static void assert_time(const char *text, int64_t want)
{
    int64_t time = -7;

    if (!cf_time_parse(text, strlen(text), &time))
        fail_msg("%s is refused", text);
    assert_int_equal(time, want);
}

static void rfc_3339_is_read(void **state)
{
    const int64_t march = 1803859200 * CF_SECOND;

    (void)state;
    assert_time("2027-03-01", march);
    assert_time("2027-03-01t00:00:00z", march);
    assert_time("2027-03-01T02:00:00+02:00", march);
    assert_time("2027-02-28T18:30:00-05:30", march);
    assert_time("2027-03-01T00:00:00-00:00", march);
    assert_time("2027-03-01T00:00:00.5Z", march + CF_SECOND / 2);
    assert_time("2027-03-01T00:00:00.123456789Z", march + 123456789);
    assert_time("2027-03-01T00:00:00.1234567899999999999999Z", march + 123456789);
    assert_time("2016-12-31T23:59:60Z", 1483228800 * CF_SECOND);
    assert_time("2017-01-01T05:29:60+05:30", 1483228800 * CF_SECOND);
    assert_time("2262-04-11T23:47:16.854775807Z", INT64_MAX);
    assert_time("2000-02-29", 951782400 * CF_SECOND);
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "2027",
        "2027-03",
        "2027-3-1",
        "2027-03-1",
        "27-03-01",
        "02027-03-01",
        "2027/03/01",
        "2027-00-01",
        "2027-13-01",
        "2027-03-00",
        "2027-03-32",
        "2027-04-31",
        "2027-02-29",
        "2100-02-29",
        "2027-03-01 ",
        " 2027-03-01",
        "2027-03-01Z",
        "2027-03-01T",
        "2027-03-01T00",
        "2027-03-01T00:00Z",
        "2027-03-01T00:00:00",
        "2027-03-01 00:00:00Z",
        "2027-03-01T24:00:00Z",
        "2027-03-01T00:60:00Z",
        "2027-03-01T00:00:60Z",
        "2027-03-01T00:00:61Z",
        "2027-03-01T00:00:00.Z",
        "2027-03-01T00:00:00,5Z",
        "2027-03-01T00:00:00+2:00",
        "2027-03-01T00:00:00+0200",
        "2027-03-01T00:00:00+24:00",
        "2027-03-01T00:00:00+02:60",
        "2027-03-01T00:00:00+02:00Z",
        "2027-03-01T00:00:00ZZ",
        "2027-03-01T-1:00:00Z",
        "+027-03-01",
        "9999-12-31T23:59:59Z",
        "2262-04-11T23:47:17Z",
        "2262-04-11T23:47:16.854775808Z",
        "0000-01-01",
        "never",
    };
    int64_t time = 7;

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        if (cf_time_parse(wrong[i], strlen(wrong[i]), &time))
            fail_msg("\"%s\" is taken", wrong[i]);
    }
    assert_false(cf_time_parse("2027-03-01\0", 11, &time));
    assert_false(cf_time_parse("2027-03\0-01", 11, &time));
    assert_int_equal(time, 7);
}

/* Only len bytes are read. */
static void times_need_no_nul(void **state)
{
    int64_t time;

    (void)state;
    assert_true(cf_time_parse("2027-03-01T00:00:00Z", 10, &time));
    assert_int_equal(time, 1803859200 * CF_SECOND);
    assert_false(cf_time_parse("2027-03-01T00:00:00Z", 19, &time));
}

static void assert_duration(const char *text, int64_t seconds)
{
    int64_t duration = -7;

    if (!cf_duration_parse(text, strlen(text), &duration))
        fail_msg("%s is refused", text);
    assert_int_equal(duration, seconds * CF_SECOND);
}

static void durations_are_read(void **state)
{
    (void)state;
    assert_duration("0", 0);
    assert_duration("0s", 0);
    assert_duration("30s", 30);
    assert_duration("15m", 900);
    assert_duration("24h", 86400);
    assert_duration("90d", 7776000);
    assert_duration("36525d", INT64_C(36525) * 86400);
    assert_duration("876600h", INT64_C(36525) * 86400);
    assert_duration("3155760000s", INT64_C(36525) * 86400);
}

static void what_is_no_duration_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "d",
        "5",
        "00",
        "-1d",
        "+1d",
        "1.5d",
        " 1d",
        "1d ",
        "1D",
        "1w",
        "1dd",
        "1 d",
        "d1",
        "1d1h",
        "36526d",
        "876601h",
        "52596001m",
        "3155760001s",
        "0x1s",
        "99999999999999999999999999d",
        "18446744073709551616s",
        "\n0",
        "never",
    };
    int64_t duration = 7;

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        if (cf_duration_parse(wrong[i], strlen(wrong[i]), &duration))
            fail_msg("\"%s\" is taken", wrong[i]);
    }
    assert_false(cf_duration_parse("1\0d", 3, &duration));
    assert_false(cf_duration_parse("1d\0", 3, &duration));
    assert_int_equal(duration, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_runs_and_stands),
        cmocka_unit_test(known_times_format_and_parse),
        cmocka_unit_test(formats_agree_with_the_c_library),
        cmocka_unit_test(parts_of_a_second_round_down),
        cmocka_unit_test(rfc_3339_is_read),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(times_need_no_nul),
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(what_is_no_duration_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
