/* attr.h: the attributes of nodes, the same for every caller. */
#ifndef CREDFS_ATTR_H
#define CREDFS_ATTR_H

#include "lowlevel.h"
#include "node.h"

/* All attributes; the size is what a read would give now. Returns 0 or why it cannot be told. */
CF_CHECKED enum cf_error attr_fill(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node,
                                   struct stat *st);

/* Inode number and type alone, as a directory's entry. */
void attr_entry(uint64_t ino, mode_t mode, struct stat *st);

/* How long the kernel may keep them, in seconds. Names change only through the kernel, and it is told when a
 * directory's attributes change otherwise; what a file holds is asked anew each time. */
double attr_timeout(const struct fs_row *row);

/* The answer to a lookup of node. */
CF_CHECKED enum cf_error attr_lookup(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node,
                                     struct fuse_entry_param *entry);

#endif
