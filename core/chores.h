/* chores.h: what an open vault has to see to now and then, without being asked: writing down who has read what and how
 * often who was refused, ending leave whose time has passed, destroying what has lain in the trash for as long as the
 * policy says, counting what the status shows; and giving who is told of changes (news.h) the time to look for those
 * that nobody makes. Whether a credential is good never waits for it: that is asked of the clock at each read.
 *
 * The thread of the house (house.h) does one round a second. What cannot be done now, for want of room on the disk or
 * because it cannot be recorded, is tried again in the next round.
 */
#ifndef CF_CHORES_H
#define CF_CHORES_H

#include "vault.h"

/* Called by the thread for each App that it destroyed, when that is done. */
typedef void cf_chores_destroyed(void *arg, const struct cf_app *app);

struct cf_chores {
    struct cf_vault *vault; /* owns its store */
    cf_chores_destroyed *destroyed;
    void *arg;
    int64_t next; /* when to count again; 0 at first */
};

/* Have the vault's house do them, until cf_house_stop: chores must last as long. Returns 0 or CF_ENOMEM. Lock order:
 * none of the house's is held when destroyed is called. */
CF_CHECKED enum cf_error cf_chores_start(struct cf_chores *chores);

/* One round, as the thread does it. destroyed: may be NULL. Returns the first thing that went wrong. */
CF_CHECKED enum cf_error cf_chores_round(struct cf_vault *vault, cf_chores_destroyed *destroyed, void *arg);

#endif
