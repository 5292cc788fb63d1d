/* client.h: what the commands share that go to a mount: where it is, and an App's files as any other program sees
 * them. */
#ifndef CREDFS_CLIENT_H
#define CREDFS_CLIENT_H

#include "paths.h"

/* The mountpoint of a credfs: given, or else (NULL) the default one, or where the default store is mounted. how: in
 * which way a person names another, for the message.
 * Returns 0, or an exit code; has told why. */
int client_own_mount(const char *given, const char *how, char out[static PATH_SIZE]);

/* The same, or else the system's; another is named with --mount. */
int client_mount(const char *given, char out[static PATH_SIZE]);

/* The path of a file of an App. Returns false with errno set when it would be too long. */
bool client_path(const char *mountpoint, const char *app, const char *file, char out[static PATH_SIZE]);

/* Open a file of an App. file: its path below the App. flags: as for open(2); links are not followed.
 * Returns a descriptor, closed on exec, or -1 with errno set. */
int client_open(const char *mountpoint, const char *app, const char *file, int flags);

/* Tell what errno means of a file of an App, and give the exit code for it. */
int client_fail(const char *app, const char *file, int number);

#endif
