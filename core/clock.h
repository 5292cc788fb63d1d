/* clock.h: the time, as nanoseconds since 1970-01-01T00:00:00Z (UTC), in an int64_t.
 *
 * All of core asks here, so that a test can set the time (cf_clock_set) and see deadlines pass.
 */
#ifndef CF_CLOCK_H
#define CF_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CF_SECOND INT64_C(1000000000)

enum { CF_TIME_SIZE = 32 }; /* enough for a formatted time and its NUL */

int64_t cf_now(void);

/* Nanoseconds since some beginning, which nobody sets: for how long something takes. */
int64_t cf_monotonic(void);

/* Fix the time that cf_now gives; 0 gives the real time back. For tests. */
void cf_clock_set(int64_t now);

/* RFC 3339 in UTC: to the second ("2027-03-01T00:00:00Z") or to the microsecond ("…:00.000000Z"). */
void cf_time_format(int64_t time, char out[static CF_TIME_SIZE]);
void cf_time_format_micro(int64_t time, char out[static CF_TIME_SIZE]);

/* Read an RFC 3339 time ("2027-03-01T00:00:00Z", "+02:00", fractions) or a date alone ("2027-03-01", midnight UTC).
 * Returns false when it is neither. */
bool cf_time_parse(const char *text, size_t len, int64_t *time);

/* Read a duration: "90d", "24h", "15m", "30s" or "0". The result is in nanoseconds, at most 100 years. */
bool cf_duration_parse(const char *text, size_t len, int64_t *duration);

#endif
