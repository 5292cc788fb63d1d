#include "mounts.h"

#include "command.h"

#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Call each with every credfs mount, until it returns true. Returns whether it did. */
static bool mount_each(bool (*each)(void *arg, const struct mntent *mount), void *arg)
{
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    char strings[PATH_SIZE * 3];
    struct mntent entry;
    bool found = false;

    if (!mounts)
        return false;
    while (!found && getmntent_r(mounts, &entry, strings, sizeof(strings)))
        found = strcmp(entry.mnt_type, MOUNT_TYPE) == 0 && each(arg, &entry);
    endmntent(mounts);
    return found;
}

struct sought {
    const char *mountpoint;
    unsigned long owner; /* UINT_MAX: not known */
};

static bool is_sought(void *arg, const struct mntent *mount)
{
    static const char name[] = "user_id";
    struct sought *sought = arg;
    const char *option = hasmntopt(mount, name);

    if (strcmp(sought->mountpoint, mount->mnt_dir) != 0)
        return false;
    sought->owner = option && option[strlen(name)] == '=' ? strtoul(option + strlen(name) + 1, NULL, 10) : UINT_MAX;
    return true;
}

bool mount_is_credfs(const char *mountpoint)
{
    return mount_each(is_sought, &(struct sought){.mountpoint = mountpoint});
}

bool mount_owner(const char *mountpoint, uid_t *owner)
{
    struct sought sought = {.mountpoint = mountpoint};

    if (!mount_each(is_sought, &sought) || sought.owner >= UINT_MAX)
        return false;
    *owner = (uid_t)sought.owner;
    return true;
}

bool mount_status(const char *mountpoint, const char *name, char *value, size_t size)
{
    char path[PATH_SIZE + 8], line[PATH_SIZE + 64];
    const size_t len = strlen(name);
    bool is_found = false;
    FILE *status;

    snprintf(path, sizeof(path), "%s/status", mountpoint);
    status = fopen(path, "re");
    if (!status)
        return false;
    while (!is_found && fgets(line, sizeof(line), status)) {
        is_found = strncmp(line, name, len) == 0 && strncmp(line + len, " = ", 3) == 0;
        line[strcspn(line, "\n")] = '\0';
    }
    fclose(status);
    if (is_found)
        snprintf(value, size, "%s", line + len + 3);
    return is_found;
}

pid_t mount_daemon(const char *mountpoint)
{
    char text[32];
    long pid = mount_status(mountpoint, "pid", text, sizeof(text)) ? strtol(text, NULL, 10) : 0;

    return pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

/* What stands behind this word in the arguments of the keeper. */
static bool argument_of(pid_t daemon, const char *word, char out[static PATH_SIZE])
{
    char path[64], arguments[4 * PATH_SIZE];
    size_t len = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%ld/cmdline", (long)daemon);
    file = fopen(path, "re");
    if (file) {
        len = fread(arguments, 1, sizeof(arguments) - 1, file);
        fclose(file);
    }
    arguments[len] = '\0';
    for (const char *at = arguments; at < arguments + len; at += strlen(at) + 1) {
        const char *next = at + strlen(at) + 1;

        if (strcmp(at, word) != 0 || next >= arguments + len)
            continue;
        snprintf(out, PATH_SIZE, "%s", next);
        return true;
    }
    return false;
}

/* As its arguments tell: nobody's mount has to be asked, which could hang. */
bool mount_of_daemon(pid_t daemon, char out[static PATH_SIZE])
{
    return argument_of(daemon, "-m", out) && mount_is_credfs(out);
}

bool mount_config(pid_t daemon, const char *mountpoint, char out[static PATH_SIZE])
{
    if (argument_of(daemon, "--config", out))
        return true;
    return mount_later_config(daemon, out) && mount_status(mountpoint, "config", out, PATH_SIZE) &&
           strcmp(out, "none") != 0;
}

bool mount_later_config(pid_t daemon, char out[static PATH_SIZE])
{
    return argument_of(daemon, "--" LATER_CONFIG, out);
}
