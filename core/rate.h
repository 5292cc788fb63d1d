/* rate.h: how often a user may ask in a second: a token bucket for each uid, or other number.
 *
 * A bucket holds what may be asked at once, one second's worth, and fills again at the same rate. One that is full
 * is as good as none, so only users who asked within the last second are remembered. Thread-safe.
 */
#ifndef CF_RATE_H
#define CF_RATE_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>

struct cf_rates;

/* NULL when out of memory. */
struct cf_rates *cf_rates_new(void);
void cf_rates_free(struct cf_rates *rates);

/* Ask once. rate: a second, 1 to 1000000. now: time. *is_first: where it is refused, whether it is the first
 * refusal of this user in a second; so that a flood is recorded, and its record is no flood.
 * Returns 0, CF_EAGAIN when he asked too often, CF_ENOMEM. */
CF_CHECKED enum cf_error cf_rate_take(struct cf_rates *rates, uint32_t uid, int64_t rate, int64_t now,
                                      bool *is_first);

#endif
