#include "clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DAY = 24 * 60 * 60 };

static _Atomic int64_t fixed_now;

int64_t cf_now(void)
{
    int64_t fixed = atomic_load_explicit(&fixed_now, memory_order_relaxed);
    struct timespec now;

    if (fixed != 0)
        return fixed;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * CF_SECOND + now.tv_nsec;
}

int64_t cf_monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * CF_SECOND + now.tv_nsec;
}

void cf_clock_set(int64_t now)
{
    atomic_store_explicit(&fixed_now, now, memory_order_relaxed);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

struct date {
    int64_t year;
    int month, day; /* from 1 */
};

/* Days since 1970-01-01 and back, in the proleptic Gregorian calendar. Years are counted from 1 March, in
 * eras of 400 years; see Howard Hinnant, "chrono-compatible low-level date algorithms". gmtime_r and
 * timegm would take the C library's time zone lock. */
static int64_t days_of(struct date date)
{
    int64_t year = date.year - (date.month <= 2);
    int64_t era = floor_div(year, 400), of_era = year - era * 400;
    int64_t day = (153 * ((date.month + 9) % 12) + 2) / 5 + date.day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + day - 719468;
}

static struct date date_of(int64_t days)
{
    int64_t since = days + 719468, era = floor_div(since, 146097), day = since - era * 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t month;

    day -= 365 * year + year / 4 - year / 100;
    month = (5 * day + 2) / 153;
    return (struct date){
        .year = year + era * 400 + (month >= 10),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(day - (153 * month + 2) / 5 + 1),
    };
}

/* The time up to its seconds, without the Z. */
static int format_seconds(int64_t time, char out[static CF_TIME_SIZE])
{
    int64_t seconds = floor_div(time, CF_SECOND), days = floor_div(seconds, DAY);
    int of_day = (int)(seconds - days * DAY);
    struct date date = date_of(days);

    return snprintf(out, CF_TIME_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d", (int)date.year, date.month, date.day,
                    of_day / 3600, of_day / 60 % 60, of_day % 60);
}

void cf_time_format(int64_t time, char out[static CF_TIME_SIZE])
{
    int len = format_seconds(time, out);

    memcpy(out + len, "Z", 2);
}

void cf_time_format_micro(int64_t time, char out[static CF_TIME_SIZE])
{
    int len = format_seconds(time, out);
    int64_t part = time % CF_SECOND;

    if (part < 0)
        part += CF_SECOND;
    snprintf(out + len, CF_TIME_SIZE - (size_t)len, ".%06dZ", (int)(part / 1000));
}

struct scan {
    const char *at, *end;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A number of exactly width digits, from low to high. */
static bool scan_number(struct scan *scan, int width, int low, int high, int *number)
{
    *number = 0;
    for (int i = 0; i < width; i++) {
        if (scan->at == scan->end || !is_digit(*scan->at))
            return false;
        *number = *number * 10 + (*scan->at++ - '0');
    }
    return *number >= low && *number <= high;
}

/* One character out of a set. */
static bool scan_one(struct scan *scan, const char *set)
{
    if (scan->at == scan->end || *scan->at == '\0' || strchr(set, *scan->at) == NULL)
        return false;
    scan->at++;
    return true;
}

static int month_length(int64_t year, int month)
{
    struct date first = {year, month, 1}, next = {year + month / 12, month % 12 + 1, 1};

    return (int)(days_of(next) - days_of(first));
}

static bool scan_date(struct scan *scan, int64_t *seconds)
{
    int year;
    struct date date;

    if (!scan_number(scan, 4, 0, 9999, &year) || !scan_one(scan, "-") ||
        !scan_number(scan, 2, 1, 12, &date.month) || !scan_one(scan, "-") ||
        !scan_number(scan, 2, 1, month_length(year, date.month), &date.day))
        return false;
    date.year = year;
    *seconds = days_of(date) * DAY;
    return true;
}

/* The fraction of a second, if there is one; digits past the ninth are read and dropped. */
static bool scan_fraction(struct scan *scan, int64_t *nanoseconds)
{
    int64_t unit = CF_SECOND / 10;

    *nanoseconds = 0;
    if (!scan_one(scan, "."))
        return true;
    if (scan->at == scan->end || !is_digit(*scan->at))
        return false;
    for (; scan->at < scan->end && is_digit(*scan->at); scan->at++) {
        *nanoseconds += (*scan->at - '0') * unit;
        unit /= 10;
    }
    return true;
}

static bool scan_offset(struct scan *scan, int64_t *seconds)
{
    int sign, hours, minutes;

    *seconds = 0;
    if (scan_one(scan, "Zz"))
        return true;
    sign = scan->at < scan->end && *scan->at == '-' ? -1 : 1;
    if (!scan_one(scan, "+-") || !scan_number(scan, 2, 0, 23, &hours) || !scan_one(scan, ":") ||
        !scan_number(scan, 2, 0, 59, &minutes))
        return false;
    minutes += hours * 60;
    *seconds = INT64_C(60) * sign * minutes;
    return true;
}

/* The time of day; a leap second (23:59:60 UTC) counts as the second behind it. */
static bool scan_clock(struct scan *scan, int64_t *seconds, int64_t *nanoseconds)
{
    int hour, minute, second;
    int64_t offset;

    if (!scan_one(scan, "Tt") || !scan_number(scan, 2, 0, 23, &hour) || !scan_one(scan, ":") ||
        !scan_number(scan, 2, 0, 59, &minute) || !scan_one(scan, ":") || !scan_number(scan, 2, 0, 60, &second) ||
        !scan_fraction(scan, nanoseconds) || !scan_offset(scan, &offset))
        return false;
    *seconds += hour * 3600 + minute * 60 + second - offset;
    return second < 60 || *seconds % DAY == 0;
}

bool cf_time_parse(const char *text, size_t len, int64_t *time)
{
    struct scan scan = {text, text + len};
    int64_t seconds, nanoseconds = 0, result;

    if (!scan_date(&scan, &seconds))
        return false;
    if (scan.at < scan.end && !scan_clock(&scan, &seconds, &nanoseconds))
        return false;
    if (scan.at != scan.end || __builtin_mul_overflow(seconds, CF_SECOND, &result) ||
        __builtin_add_overflow(result, nanoseconds, &result))
        return false;
    *time = result;
    return true;
}

static int64_t unit_seconds(char unit)
{
    switch (unit) {
    case 'd':
        return DAY;
    case 'h':
        return DAY / 24;
    case 'm':
        return 60;
    case 's':
        return 1;
    default:
        return 0;
    }
}

bool cf_duration_parse(const char *text, size_t len, int64_t *duration)
{
    static const int64_t most = INT64_C(36525) * DAY; /* 100 years */
    int64_t number = 0, unit;

    if (len == 1 && text[0] == '0') {
        *duration = 0;
        return true;
    }
    if (len < 2)
        return false;
    unit = unit_seconds(text[len - 1]);
    if (unit == 0)
        return false;
    for (size_t i = 0; i < len - 1; i++) {
        if (!is_digit(text[i]))
            return false;
        number = number * 10 + (text[i] - '0');
        if (number > most / unit)
            return false;
    }
    *duration = number * unit * CF_SECOND;
    return true;
}
