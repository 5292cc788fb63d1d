/* announcer.h: that a change reaches those who watch an App, by whatever way it was made: what is still to be
 * announced, and the thread that does it (announcement.h).
 *
 * Core tells of each change, before it is committed and after (core/news.h); deadlines that pass are looked for once a
 * second; a new configuration is announced for every App. A request's thread only makes a note. It is made in the
 * region (pending.h), before the change can be seen, and taken out when the App was announced after it: a worker that
 * dies in between leaves it to the next. So no last change is lost; more announcements than changes there may be.
 *
 * An App is announced at most ten times a second, and always once more after its last change. The thread works at most
 * half of the time, and sleeps while nothing changes.
 */
#ifndef CREDFS_ANNOUNCER_H
#define CREDFS_ANNOUNCER_H

#include "state.h"

struct announcer;

/* Listen to what changes; the vault must outlive it. Call before any request is answered. NULL when out of memory. */
struct announcer *announcer_new(struct fs_state *fs);

/* Start the thread: requests are answered. Wakes all who poll. Returns false when it cannot, having told why. */
bool announcer_start(struct announcer *announcer);

/* End thread and process; what is not yet announced stays in the region. Requests must still be answered. */
void announcer_stop(struct announcer *announcer);
void announcer_free(struct announcer *announcer);

/* Have every App announced, those first that somebody has read. */
void announcer_all(struct announcer *announcer);

/* Is this request one of an announcement: made by our own process? Then nothing is judged, recorded or changed. */
bool announcer_asks(const struct announcer *announcer, pid_t pid, bool is_again);

#endif
