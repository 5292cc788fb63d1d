/* snapshot.h: the texts of open files, each as it was rendered at its open.
 *
 * Kept by inode number and handle; opens that rendered the same text share one. A convenience, not a record: a
 * server that starts over has none and renders anew (ops_read.c). Thread-safe; its one lock is taken last.
 */
#ifndef CREDFS_SNAPSHOT_H
#define CREDFS_SNAPSHOT_H

#include "core/text.h"

struct snapshots;

struct snapshot {
    struct snapshot *next;
    uint64_t ino, fh;
    unsigned uses;
    char *text; /* never a secret */
    size_t len;
};

/* NULL when out of memory. */
struct snapshots *snapshots_new(void);
void snapshots_free(struct snapshots *all);

/* Keep a text for an open file; one more use of it. text: taken over on success, and then empty.
 * Returns false when out of memory. */
bool snapshots_keep(struct snapshots *all, uint64_t ino, uint64_t fh, struct cf_text *text);

/* The text of an open file with one more use, or NULL. Give it back with snapshots_drop. */
const struct snapshot *snapshots_use(struct snapshots *all, uint64_t ino, uint64_t fh);

/* One use less; the last one frees it. Nothing happens where there is none. */
void snapshots_drop(struct snapshots *all, uint64_t ino, uint64_t fh);

#endif
