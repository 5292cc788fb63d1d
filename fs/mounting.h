/* mounting.h: mount and unmount a descriptor of /dev/fuse, without a session: with mount(2) for root, through
 * fusermount3 for everybody else.
 */
#ifndef CREDFS_MOUNTING_H
#define CREDFS_MOUNTING_H

#include <stdbool.h>

struct mounting {
    const char *mountpoint; /* absolute, resolved */
    const char *source;     /* what mount(8) shows as the device */
    bool allow_other;
    bool read_only;
};

/* Mount: always nosuid, nodev and noexec, of type fuse.credfs. Returns the descriptor, or -1, having told why. */
int mounting_do(const struct mounting *mounting);

/* Unmount, from under users that are still in it too. Nothing is said when there is no such mount any more. */
void mounting_undo(const char *mountpoint);

#endif
