#include "mounting.h"

#include "log.h"
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static int mount_as_root(const struct mounting *mounting)
{
    const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | (mounting->read_only ? MS_RDONLY : 0);
    int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    char options[128];

    if (device < 0) {
        log_error("/dev/fuse: %s: is the kernel's fuse module loaded (modprobe fuse)?", strerror(errno));
        return -1;
    }
    (void)snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%u,group_id=%u%s", device, geteuid(),
                   getegid(), mounting->allow_other ? ",allow_other" : "");
    if (mount(mounting->source, mounting->mountpoint, MOUNT_TYPE, flags, options) == 0)
        return device;
    log_error("%s: cannot be mounted: %s", mounting->mountpoint, strerror(errno));
    (void)close(device);
    return -1;
}

/* Run fusermount3 with its own few variables and no signal blocked. keep: a descriptor that it gets too, or -1.
 * Returns whether it ended well. */
static bool run_fusermount(char *const *argv, char *const *environment, int keep)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    int status = -1;
    pid_t pid;
    int error;

    (void)sigemptyset(&none);
    if (posix_spawn_file_actions_init(&actions) != 0 || posix_spawnattr_init(&attributes) != 0)
        return false;
    error = keep < 0 ? 0 : posix_spawn_file_actions_adddup2(&actions, keep, keep); /* takes close-on-exec off */
    if (error == 0)
        error = posix_spawnattr_setsigmask(&attributes, &none);
    if (error == 0)
        error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    if (error == 0)
        error = posix_spawnp(&pid, argv[0], &actions, &attributes, argv, environment);
    if (error != 0)
        log_error("fusermount3 cannot be run: %s: is it installed (package fuse3)?", strerror(error));
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attributes);
    while (error == 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return error == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The descriptor that fusermount3 sends over the socket; -1 when there is none. */
static int receive_device(int from)
{
    char byte;
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    const struct cmsghdr *header;
    int device = -1;

    if (recvmsg(from, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) <= 0)
        return -1;
    header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(&device, CMSG_DATA(header), sizeof(device));
    return device;
}

/* fusermount3 takes a backslash before a comma or a backslash. Returns false when there is no room. */
static bool add_escaped(char *out, size_t size, const char *text)
{
    size_t used = strlen(out);

    for (; *text; text++) {
        if (used + 3 > size)
            return false;
        if (*text == ',' || *text == '\\')
            out[used++] = '\\';
        out[used++] = *text;
        out[used] = '\0';
    }
    return true;
}

static int mount_as_user(const struct mounting *mounting)
{
    char options[PATH_MAX + 128], variable[32], path[PATH_SIZE];
    char *argv[] = {(char[]){"fusermount3"}, (char[]){"-o"}, options, (char[]){"--"}, path, NULL};
    char *environment[] = {variable, NULL};
    int ends[2], device = -1;

    (void)snprintf(path, sizeof(path), "%s", mounting->mountpoint);
    (void)snprintf(options, sizeof(options),
                   "%s,nosuid,nodev,noexec%s,subtype=credfs,fsname=", mounting->read_only ? "ro" : "rw",
                   mounting->allow_other ? ",allow_other" : "");
    if (!add_escaped(options, sizeof(options), mounting->source)) {
        log_error("%s: the source's name is too long", mounting->source);
        return -1;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        log_error("%s: cannot be mounted: %s", mounting->mountpoint, strerror(errno));
        return -1;
    }
    (void)snprintf(variable, sizeof(variable), "_FUSE_COMMFD=%d", ends[1]);
    if (run_fusermount(argv, environment, ends[1]))
        device = receive_device(ends[0]);
    (void)close(ends[0]);
    (void)close(ends[1]);
    if (device < 0)
        log_error("%s: cannot be mounted%s", mounting->mountpoint,
                  mounting->allow_other ? ": for -o allow_other, /etc/fuse.conf must have a line user_allow_other"
                                        : "");
    return device;
}

int mounting_do(const struct mounting *mounting)
{
    return geteuid() == 0 ? mount_as_root(mounting) : mount_as_user(mounting);
}

/* Take the kernel's \040 and the like out of a path. */
static void unescape(char *text)
{
    char *out = text;

    for (const char *at = text; *at; at++) {
        if (at[0] == '\\' && at[1] && at[2] && at[3]) {
            *out++ = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
            at += 3;
        } else {
            *out++ = *at;
        }
    }
    *out = '\0';
}

uint64_t mounting_device(const char *mountpoint)
{
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    unsigned major, minor;
    uint64_t device = 0;
    char *line = NULL, *path = NULL;
    size_t size = 0;

    while (mounts && getline(&line, &size, mounts) > 0) {
        free(path);
        path = NULL;
        if (sscanf(line, "%*d %*d %u:%u %*s %ms", &major, &minor, &path) != 3)
            continue;
        unescape(path);
        if (strcmp(path, mountpoint) == 0)
            device = makedev(major, minor);
    }
    free(path);
    free(line);
    if (mounts)
        (void)fclose(mounts);
    return device;
}

bool mounting_is_dead(const char *mountpoint)
{
    struct statx status;

    return statx(AT_FDCWD, mountpoint, AT_STATX_FORCE_SYNC, STATX_TYPE, &status) != 0 &&
           (errno == ENOTCONN || errno == ECONNABORTED);
}

/* A connection is known by its device number as the kernel has it inside. */
void mounting_abort(const char *mountpoint, uint64_t device)
{
    char path[64];
    int file;

    (void)snprintf(path, sizeof(path), "/sys/fs/fuse/connections/%u/abort", major(device) << 20 | minor(device));
    file = open(path, O_WRONLY | O_CLOEXEC);
    if (file >= 0) {
        (void)!write(file, "1", 1);
        (void)close(file);
    } else if (device != 0 && mounting_device(mountpoint) == device) {
        (void)umount2(mountpoint, MNT_FORCE | UMOUNT_NOFOLLOW);
    }
}

void mounting_undo(const char *mountpoint, uint64_t device)
{
    char path[PATH_SIZE];
    char *argv[] = {
        (char[]){"fusermount3"}, (char[]){"-u"}, (char[]){"-q"}, (char[]){"-z"}, (char[]){"--"}, path, NULL};
    char *environment[] = {NULL};

    if (device != 0 && mounting_device(mountpoint) != device)
        return;
    if (umount2(mountpoint, UMOUNT_NOFOLLOW) == 0 || errno == EINVAL || errno == ENOENT)
        return;
    if (errno == EBUSY && umount2(mountpoint, UMOUNT_NOFOLLOW | MNT_DETACH) == 0)
        return;
    (void)snprintf(path, sizeof(path), "%s", mountpoint);
    if (geteuid() != 0)
        (void)run_fusermount(argv, environment, -1);
}
