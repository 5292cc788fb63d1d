/* paths.h: where things are when nobody says: /var/lib/credfs, /etc/credfs/credfs.ini and /mnt/credfs for root; the
 * XDG folders and ~/credfs for everybody else.
 */
#ifndef CREDFS_PATHS_H
#define CREDFS_PATHS_H

#include <stdbool.h>

enum { PATH_SIZE = 4096 };

/* The default store, configuration file and mountpoint, as absolute paths. Nothing is made or looked at.
 * Returns false when the user has no home directory or the path would be too long. */
bool path_store(char out[static PATH_SIZE]);
bool path_config(char out[static PATH_SIZE]);
bool path_mountpoint(char out[static PATH_SIZE]);

/* Is there something at path? What cannot be looked at is not the same as nothing: opening it will tell. */
bool path_is_there(const char *path);

/* Make the directories above path that are not there, mode 0755 for root and 0700 for others.
 * Returns false with errno set. */
bool path_make_parents(const char *path);

/* path without symlinks, `.` and `..`, and absolute, though what it leads to may be a dead mount. */
bool path_resolve(const char *path, char out[static PATH_SIZE]);

#endif
