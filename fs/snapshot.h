/* snapshot.h: the texts and views of open files, each as it was rendered at its open; views are sealed.
 *
 * Kept by inode number and handle; opens that rendered the same text share one. A convenience, not a record: a
 * server that starts over has none and renders anew (ops_read.c), and the release of a file that was opened before may
 * take the snapshot of a later open with it; but never from under who reads it. Thread-safe; its one lock is taken
 * last.
 */
#ifndef CREDFS_SNAPSHOT_H
#define CREDFS_SNAPSHOT_H

#include "core/text.h"
#include "core/view.h"

struct snapshots;

struct snapshot {
    struct snapshot *next;
    uint64_t ino, fh;
    unsigned opens;
    unsigned readers; /* at this moment */
    char *text;       /* never a secret; NULL of a view */
    size_t len;
    struct cf_rendered view;
};

/* NULL when out of memory. */
struct snapshots *snapshots_new(void);
void snapshots_free(struct snapshots *all);

/* Keep a text for an open file; one more open of it. text: taken over on success, and then empty.
 * Returns false when out of memory. */
bool snapshots_keep(struct snapshots *all, uint64_t ino, uint64_t fh, struct cf_text *text);

/* The same, a view. */
bool snapshots_keep_view(struct snapshots *all, uint64_t ino, uint64_t fh, struct cf_rendered *view);

/* The text or view of an open file, or NULL. It stays until it is given back with snapshots_done. */
struct snapshot *snapshots_use(struct snapshots *all, uint64_t ino, uint64_t fh);
void snapshots_done(struct snapshots *all, struct snapshot *snapshot);

/* One open less; without one it is freed. Nothing happens where there is none. */
void snapshots_drop(struct snapshots *all, uint64_t ino, uint64_t fh);

#endif
