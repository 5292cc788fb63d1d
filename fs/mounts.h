/* mounts.h: the credfs mounts that this process sees, and the daemons behind them. */
#ifndef CREDFS_MOUNTS_H
#define CREDFS_MOUNTS_H

#include "paths.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The type of file system that is shown in /proc/self/mounts and written in fstab. */
#define MOUNT_TYPE "fuse.credfs"

/* Is a credfs mounted at this path (as path_resolve gives it)? */
bool mount_is_credfs(const char *mountpoint);

/* Who mounted it. Returns false when that cannot be learned. */
bool mount_owner(const char *mountpoint, uid_t *owner);

/* The value of a line `name = value` in the mount's status file. Returns false when it cannot be read. */
bool mount_status(const char *mountpoint, const char *name, char *value, size_t size);

/* The process behind a mount, as its status file names it; 0 when that cannot be read. */
pid_t mount_daemon(const char *mountpoint);

/* The mountpoint of this keeper. Returns false when it has none. No mount is asked. */
bool mount_of_daemon(pid_t daemon, char out[static PATH_SIZE]);

/* The configuration file in force in this keeper's mount. Returns false when it has none, or that cannot be learned.
 * The mount is asked only where it may have changed since it began. */
bool mount_config(pid_t daemon, const char *mountpoint, char out[static PATH_SIZE]);

/* The configuration file that this keeper's mount, begun without one, takes into use once it is there. */
bool mount_later_config(pid_t daemon, char out[static PATH_SIZE]);

#endif
