/* leave.h: leave to reveal: where the policy is reveal = on-request, a person's right to reveal an App holds from when
 * he asks, for a time, in the login session (session.h) that he asks from.
 *
 * Each row carries a MAC over all of it and the App's id. One that does not verify gives CF_ETAMPER and is no leave.
 */
#ifndef CF_LEAVE_H
#define CF_LEAVE_H

#include "app.h"
#include "clock.h"
#include "session.h"

#define CF_LEAVE_LONGEST (24 * 3600 * CF_SECOND)

struct cf_leave {
    uint32_t uid;
    char session[CF_SESSION_SIZE];
    int64_t until; /* time */
};

/* Give leave; it takes the place of an earlier one of that user and session. */
CF_CHECKED enum cf_error cf_leave_give(struct cf_txn *txn, const struct cf_app *app, const struct cf_leave *leave);

/* Until when a user has leave in a session, whether that has passed or not; 0: he has not asked. */
CF_CHECKED enum cf_error cf_leave_find(struct cf_txn *txn, const struct cf_app *app, uint32_t uid,
                                       const char *session, int64_t *until);

CF_CHECKED enum cf_error cf_leave_forget(struct cf_txn *txn, const struct cf_app *app,
                                         const struct cf_leave *leave);

/* One whose time has passed, and its App; *found: is there any? Those that do not verify are passed over. */
CF_CHECKED enum cf_error cf_leave_ended(struct cf_txn *txn, int64_t now, struct cf_app *app, struct cf_leave *leave,
                                        bool *found);

/* Do all of an App verify? */
CF_CHECKED enum cf_error cf_leaves_verify(struct cf_txn *txn, const struct cf_app *app);

#endif
