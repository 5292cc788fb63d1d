/* inode.h: inode numbers that describe themselves.
 *
 *   bits 0–7    the row of the tree's table (tree.h), never 0
 *   bits 8–27   which part of an App it is: the number of the version that it belongs to, the serial of the API whose
 *               view it is, that of the template; 0 for all else
 *   bits 28–59  the serial of the App or API that the node belongs to, 0 for the others
 *
 * An App has the same number in apps/ and in trash/: a move keeps the kernel's inode. Serials are never used again,
 * and so are inode numbers. The root's is 1 (FUSE_ROOT_ID) by being row 1.
 */
#ifndef CREDFS_INODE_H
#define CREDFS_INODE_H

#include <stdbool.h>
#include <stdint.h>

enum { INODE_ROW_BITS = 8, INODE_PART_BITS = 20, INODE_SERIAL_SHIFT = 28, INODE_SERIAL_BITS = 32 };

static inline uint64_t inode_make(unsigned row, int64_t serial)
{
    return (uint64_t)serial << INODE_SERIAL_SHIFT | row;
}

/* part: one that fits. */
static inline uint64_t inode_of_part(uint64_t ino, int64_t part)
{
    return ino | (uint64_t)part << INODE_ROW_BITS;
}

static inline int64_t inode_part(uint64_t ino)
{
    return (int64_t)(ino >> INODE_ROW_BITS & ((UINT64_C(1) << INODE_PART_BITS) - 1));
}

/* Can a version or serial be part of an inode number? A later one has no node. */
static inline bool inode_part_fits(int64_t part)
{
    return part > 0 && part >> INODE_PART_BITS == 0;
}

static inline unsigned inode_row(uint64_t ino)
{
    return (unsigned)(ino & ((1U << INODE_ROW_BITS) - 1));
}

static inline int64_t inode_serial(uint64_t ino)
{
    return (int64_t)(ino >> INODE_SERIAL_SHIFT & ((UINT64_C(1) << INODE_SERIAL_BITS) - 1));
}

#endif
