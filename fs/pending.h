/* pending.h: which Apps are still to be announced: the notes that the announcer (announcer.h) works off.
 *
 * A note lies in the region, where it outlives the worker, and beside it here what only this worker needs. There is
 * room for REGION_NEWS of them. Where that is used up, the Apps that changed since are searched for instead: nothing is
 * lost, and whoever makes a note never waits.
 *
 * Not thread-safe: the announcer's lock is held in all of it.
 */
#ifndef CREDFS_PENDING_H
#define CREDFS_PENDING_H

#include "region.h"

struct pending_item {
    int64_t serial; /* stays when the note is taken out, until another App needs the place */
    int under_way;  /* changes that are not yet committed */
    bool is_due;
    int64_t earliest; /* when it may be announced (again): monotonic nanoseconds */
};

struct pending {
    struct region_announcing *region;
    int64_t propagation; /* nanoseconds */
    int last;            /* the place that was served last */
    bool is_searching;   /* for what found no room */
    int64_t lost;        /* 0, or since when more of that came meanwhile */
    struct pending_item item[REGION_NEWS];
};

/* Begin with what the worker before left. */
void pending_start(struct pending *pending, struct region_announcing *region, int64_t propagation);

/* A change of the App is about to be made, and was made. updated: time of the change. */
void pending_changing(struct pending *pending, int64_t serial, int64_t updated);
void pending_changed(struct pending *pending, int64_t serial, int64_t updated);

/* All that changed since this time. */
void pending_since(struct pending *pending, int64_t time);

/* The App has been announced, and is to be again at this time (0: not); it may have changed meanwhile. */
void pending_again(struct pending *pending, int64_t serial, int64_t time);

/* What was to wait until now (time) is due. */
void pending_ripen(struct pending *pending, int64_t now);

/* Is anything due, be it that it may not be announced yet? */
bool pending_has_due(const struct pending *pending);

/* Take the next that may be announced; then say what came of it. now: monotonic. NULL when there is none: *when is then
 * the time when there is, INT64_MAX where nothing is due. */
struct pending_item *pending_take(struct pending *pending, int64_t now, int64_t *when);

/* It was announced, or could not be. earliest: when it may be again: monotonic. Returns whether its note was taken out:
 * it was announced, and has not changed since. */
bool pending_done(struct pending *pending, struct pending_item *item, bool is_done, int64_t earliest);

#endif
