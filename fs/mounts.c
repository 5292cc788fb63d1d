#include "mounts.h"

#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Call each with the mountpoint of every credfs mount, until it returns true. Returns whether it did. */
static bool mount_each(bool (*each)(void *arg, const char *mountpoint), void *arg)
{
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    char strings[PATH_SIZE * 3];
    struct mntent entry;
    bool found = false;

    if (!mounts)
        return false;
    while (!found && getmntent_r(mounts, &entry, strings, sizeof(strings)))
        found = strcmp(entry.mnt_type, MOUNT_TYPE) == 0 && each(arg, entry.mnt_dir);
    endmntent(mounts);
    return found;
}

static bool is_same(void *arg, const char *mountpoint)
{
    return strcmp(arg, mountpoint) == 0;
}

bool mount_is_credfs(const char *mountpoint)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "%s", mountpoint);
    return mount_each(is_same, path);
}

pid_t mount_daemon(const char *mountpoint)
{
    char path[PATH_SIZE + 8], line[256];
    long pid = 0;
    FILE *status;

    snprintf(path, sizeof(path), "%s/status", mountpoint);
    status = fopen(path, "re");
    if (!status)
        return 0;
    while (pid == 0 && fgets(line, sizeof(line), status)) {
        if (strncmp(line, "pid = ", 6) == 0)
            pid = strtol(line + 6, NULL, 10);
    }
    fclose(status);
    return pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

struct search {
    pid_t daemon;
    char *out;
};

static bool is_of_daemon(void *arg, const char *mountpoint)
{
    const struct search *search = arg;

    if (mount_daemon(mountpoint) != search->daemon)
        return false;
    snprintf(search->out, PATH_SIZE, "%s", mountpoint);
    return true;
}

bool mount_of_daemon(pid_t daemon, char out[static PATH_SIZE])
{
    struct search search = {.daemon = daemon, .out = out};

    return mount_each(is_of_daemon, &search);
}
