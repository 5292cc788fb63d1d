/* client.h: what the commands share that ask a mount for an App's files, as any other program would. */
#ifndef CREDFS_CLIENT_H
#define CREDFS_CLIENT_H

#include "paths.h"

/* The mountpoint of a credfs: given, or else the user's own, or the system's (given NULL).
 * Returns 0, or an exit code; has told why. */
int client_mount(const char *given, char out[static PATH_SIZE]);

/* The path of a file of an App. Returns false with errno set when it would be too long. */
bool client_path(const char *mountpoint, const char *app, const char *file, char out[static PATH_SIZE]);

/* Open a file of an App. file: its path below the App. flags: as for open(2); links are not followed.
 * Returns a descriptor, closed on exec, or -1 with errno set. */
int client_open(const char *mountpoint, const char *app, const char *file, int flags);

/* Tell what errno means of a file of an App, and give the exit code for it. */
int client_fail(const char *app, const char *file, int number);

#endif
