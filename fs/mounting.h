/* mounting.h: mount and unmount a descriptor of /dev/fuse, without a session: with mount(2) for root, through
 * fusermount3 for everybody else.
 */
#ifndef CREDFS_MOUNTING_H
#define CREDFS_MOUNTING_H

#include <stdbool.h>
#include <stdint.h>

struct mounting {
    const char *mountpoint; /* absolute, resolved */
    const char *source;     /* what mount(8) shows as the device */
    bool allow_other;
    bool read_only;
};

/* Mount: always nosuid, nodev and noexec, of type fuse.credfs. Returns the descriptor, or -1, having told why. */
int mounting_do(const struct mounting *mounting);

/* The device number of what is mounted at a place, the topmost; 0 when nothing is. Asks the file system nothing. */
uint64_t mounting_device(const char *mountpoint);

/* Is a mount there whose connection has ended? Asks the file system itself: what stat(2) says of the root may be long
 * out of date. */
bool mounting_is_dead(const char *mountpoint);

/* End the connection of the device that is mounted there, so that whoever waits for an answer gets an error, even where
 * a process that cannot be killed holds it. An ordinary user needs /sys/fs/fuse/connections for that. */
void mounting_abort(const char *mountpoint, uint64_t device);

/* Unmount, from under users that are still in it too. Nothing is said when there is no such mount any more. device:
 * nothing is done when another one is mounted there by now; 0: whatever it is. */
void mounting_undo(const char *mountpoint, uint64_t device);

#endif
