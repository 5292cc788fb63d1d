/* credfs touch: the process that toucher.h speaks of. Started by the worker, never by a person. */
#include "command.h"
#include "harden.h"
#include "log.h"
#include "toucher.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sysexits.h>
#include <unistd.h>

struct touch {
    const char *mountpoint;
    dev_t device; /* of what is mounted there */
};

/* Something below directory, and nowhere else: behind no symbolic link and on no other mount. */
static int open_below(int directory, const char *path, int flags)
{
    const struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
                                 .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};

    return (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));
}

static bool is_it(const struct touch *touch, int root)
{
    struct statx st;

    return statx(root, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &st) == 0 &&
           makedev(st.stx_dev_major, st.stx_dev_minor) == touch->device;
}

/* The mount's root: where we may, in a copy of the mount that is in no directory and ends with the descriptor, so that
 * nobody who unmounts finds it in use. */
static int open_root(const struct touch *touch)
{
    int root = open_tree(AT_FDCWD, touch->mountpoint, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);

    if (root < 0)
        root = open(touch->mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (root >= 0 && !is_it(touch, root)) {
        (void)close(root);
        root = -1;
    }
    return root;
}

/* The byte is for those who wait for IN_MODIFY; its open file takes nothing (ops_write.c). */
static void touch_file(int directory, const char *name)
{
    int file = open_below(directory, name, O_WRONLY | O_NONBLOCK | O_NOCTTY);

    if (file < 0)
        return;
    (void)!pwrite(file, "\n", 1, 0);
    (void)close(file);
}

/* Touch the files of one directory; returns what is behind them. */
static const char *touch_directory(int root, const char *names)
{
    int directory = open_below(root, names, O_PATH | O_DIRECTORY);

    for (names += strlen(names) + 1; *names; names += strlen(names) + 1)
        if (directory >= 0)
            touch_file(directory, names);
    if (directory >= 0)
        (void)close(directory);
    return names + 1;
}

static void touch_all(const struct touch *touch, const char *message, size_t len)
{
    const char *end = message + len;
    int root = open_root(touch);

    while (root >= 0 && message < end)
        message = touch_directory(root, message);
    if (root >= 0)
        (void)close(root);
}

/* Who started it may be gone already, before the first line tells the kernel to end it with him. */
static bool goes_with(pid_t parent)
{
    (void)prctl(PR_SET_NAME, "credfs");
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

/* A service manager refuses it where it lets nobody set set-user-ID bits (systemd's RestrictSUIDSGID=). */
static bool may_open_below(void)
{
    int directory = open_below(AT_FDCWD, ".", O_PATH | O_DIRECTORY);

    if (directory < 0) {
        log_error("openat2(2): %s: who watches files of Apps is not told of changes", strerror(errno));
        return false;
    }
    (void)close(directory);
    return true;
}

int cmd_touch(int argc, char **argv)
{
    static char message[TOUCHER_MESSAGE];
    struct touch touch;
    ssize_t len;

    if (argc != 4) {
        log_error("credfs touch is started by the worker of a mount");
        return EX_USAGE;
    }
    touch = (struct touch){.mountpoint = argv[1], .device = strtoull(argv[2], NULL, 10)};
    if (!goes_with((pid_t)strtol(argv[3], NULL, 10)) || !harden() || chdir("/") != 0 || close_range(3, ~0U, 0) != 0)
        return EX_OSERR;
    if (!may_open_below())
        return EX_UNAVAILABLE;
    while ((len = recv(STDIN_FILENO, message, sizeof(message), 0)) > 0) {
        if (len < 2 || message[len - 1] || message[len - 2])
            return EX_PROTOCOL;
        touch_all(&touch, message, (size_t)len);
        if (send(STDIN_FILENO, "", 1, MSG_NOSIGNAL) != 1)
            return EX_OSERR;
    }
    return 0;
}
