/* house.h: what an open vault has to see to now and then, without being asked: writing down who has read what, ending
 * leave whose time has passed, destroying what has lain in the trash for as long as the policy says, counting what the
 * status shows; and giving who is told of changes (news.h) the time to look for those that nobody makes. Whether a
 * credential is good never waits for it: that is asked of the clock at each read.
 *
 * A thread of its own does one round a second. What cannot be done now, for want of room on the disk or because it
 * cannot be recorded, is tried again in the next round.
 */
#ifndef CF_HOUSE_H
#define CF_HOUSE_H

#include "vault.h"

/* Called by the thread for each App that it destroyed, when that is done. */
typedef void cf_house_destroyed(void *arg, const struct cf_app *app);

/* Start the thread over a vault that owns its store. Returns 0 or CF_ENOMEM. Lock order: none of the house's is held
 * when destroyed is called. */
CF_CHECKED enum cf_error cf_house_start(struct cf_vault *vault, cf_house_destroyed *destroyed, void *arg);

/* End the thread, waiting for the round that is under way. Does nothing where there is none (any more). */
void cf_house_stop(struct cf_vault *vault);

/* The same, and what is left of it: for cf_vault_close. */
void cf_house_free(struct cf_vault *vault);

/* One round, as the thread does it. destroyed: may be NULL. Returns the first thing that went wrong. */
CF_CHECKED enum cf_error cf_house_round(struct cf_vault *vault, cf_house_destroyed *destroyed, void *arg);

/* Have the next round come at once. */
void cf_house_wake(struct cf_vault *vault);

/* The counts of the last round that made them, which it does every few seconds; false where there are none yet. */
bool cf_house_summary(struct cf_vault *vault, struct cf_summary *summary);

#endif
