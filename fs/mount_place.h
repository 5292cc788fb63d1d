/* mount_place.h: is a directory fit to be mounted on? */
#ifndef CREDFS_MOUNT_PLACE_H
#define CREDFS_MOUNT_PLACE_H

#include "paths.h"

/* Settle where to mount: given, or the default (NULL), which is made when it is missing. A dead credfs there is
 * unmounted first; the default one must be empty. store: its directory, which must not be inside, nor around. Nor may
 * it be inside of another credfs.
 * Returns 0 or an exit code; has told why. */
int mount_place_settle(const char *given, const char *store, char out[static PATH_SIZE]);

#endif
