/* house.h: the thread that keeps an open vault: it does a round (chores.h) about once a second, and leaves the counts
 * that the rounds make for others to read. It knows nothing of what is done.
 */
#ifndef CF_HOUSE_H
#define CF_HOUSE_H

#include "summary.h"

struct cf_house;

/* Nobody keeps it until it is started. NULL when out of memory. */
struct cf_house *cf_house_new(void);
void cf_house_free(struct cf_house *house); /* stops it first */

/* Start the thread: round at once, then a second after each round, or when woken. Returns 0 or CF_ENOMEM. Lock order:
 * none of the house's is held while round runs. */
CF_CHECKED enum cf_error cf_house_start(struct cf_house *house, void (*round)(void *arg), void *arg);

/* End the thread, waiting for the round that is under way. Does nothing where there is none (any more). */
void cf_house_stop(struct cf_house *house);

/* Have the next round come at once. */
void cf_house_wake(struct cf_house *house);

/* The latest counts, or NULL: there are none. */
void cf_house_publish(struct cf_house *house, const struct cf_summary *summary);

/* What was published last; false where there is nothing. */
bool cf_house_summary(struct cf_house *house, struct cf_summary *summary);

#endif
