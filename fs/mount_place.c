#include "mount_place.h"

#include "log.h"
#include "mounting.h"
#include "mounts.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

/* Is path inner, or a directory above it? Both without symlinks. */
static bool holds(const char *path, const char *inner)
{
    size_t len = strlen(path);

    if (len == 1)
        return true; /* the root directory */
    return strncmp(path, inner, len) == 0 && (inner[len] == '\0' || inner[len] == '/');
}

static int make_default(const char *path)
{
    if (path_make_parents(path) && (mkdir(path, 0755) == 0 || errno == EEXIST))
        return 0;
    log_error("%s: cannot be made: %s: name another mountpoint", path, strerror(errno));
    return EX_CANTCREAT;
}

static void clear_dead(const char *path)
{
    if (!mount_is_credfs(path))
        return;
    log_warning("%s: a credfs that has died is unmounted", path);
    mounting_undo(path, 0);
}

static int check_directory(const char *path)
{
    struct stat st;

    if (mounting_is_dead(path))
        clear_dead(path);
    if (stat(path, &st) != 0) {
        log_error("%s: %s%s", path, strerror(errno), errno == ENOENT ? ": make it first (mkdir)" : "");
        return EX_NOINPUT;
    }
    if (!S_ISDIR(st.st_mode)) {
        log_error("%s: not a directory: a mountpoint must be one", path);
        return EX_USAGE;
    }
    if (mount_is_credfs(path)) {
        log_error("%s: a credfs is mounted there: unmount it first (credfs umount %s), or name another mountpoint",
                  path, path);
        return EX_UNAVAILABLE;
    }
    return 0;
}

static bool is_empty(const char *path)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;
    bool has_entry = false;

    while (directory && !has_entry && (entry = readdir(directory)))
        has_entry = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (directory)
        (void)closedir(directory);
    return directory && !has_entry;
}

/* Is path below the mountpoint of a credfs? That is an App's directory or the like, whose files would be hidden. */
static bool is_within_credfs(const char *path)
{
    char above[PATH_SIZE];
    char *slash;

    (void)snprintf(above, sizeof(above), "%s", path);
    while ((slash = strrchr(above, '/')) && slash > above) {
        *slash = '\0';
        if (!mount_is_credfs(above))
            continue;
        log_error("%s: it is within %s, where a credfs is mounted: name another mountpoint", path, above);
        return true;
    }
    return false;
}

int mount_place_settle(const char *given, const char *store, char out[static PATH_SIZE])
{
    char path[PATH_SIZE], real_store[PATH_SIZE];
    int code = 0;

    if (!given && !path_mountpoint(path)) {
        log_error("there is no home directory for a mountpoint: name one");
        return EX_USAGE;
    }
    if (!given)
        given = path;
    if (given == path && !mount_is_credfs(path))
        code = make_default(path);
    if (code != 0)
        return code;
    if (!path_resolve(given, out) || !path_resolve(store, real_store)) {
        log_error("%s: %s", given, strerror(errno));
        return EX_NOINPUT;
    }
    code = is_within_credfs(out) ? EX_USAGE : check_directory(out);
    if (code == 0 && given == path && !is_empty(out)) {
        log_error("%s is not empty: a mount there would hide what is in it: name another mountpoint", out);
        return EX_USAGE;
    }
    if (code == 0 && (holds(out, real_store) || holds(real_store, out))) {
        log_error("%s: the store (%s) and the mountpoint cannot lie within each other", out, real_store);
        return EX_USAGE;
    }
    return code;
}
