/* credfs umount: end a mount, and wait until its daemon has ended, so that the store is free afterwards. */
#include "client.h"
#include "command.h"
#include "core/principal.h"
#include "log.h"
#include "mounting.h"
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_MS = 10000, BUSY_MS = 500, STEP_MS = 20 };

static error_t parse(int key, char *arg, struct argp_state *state)
{
    const char **mountpoint = state->input;

    if (key != ARGP_KEY_ARG || state->arg_num > 0)
        return ARGP_ERR_UNKNOWN;
    *mountpoint = arg;
    return 0;
}

static const struct argp argp = {
    .parser = parse,
    .args_doc = "[MOUNTPOINT]",
    .doc = "End a mount, and wait until its daemon has ended.",
};

/* Run fusermount3 -u. Its words are kept for when it fails: nobody but it knows why. */
static int run_fusermount(char *mountpoint, char *words, size_t size)
{
    char *argv[] = {(char[]){"fusermount3"}, (char[]){"-u"}, (char[]){"--"}, mountpoint, NULL};
    char *env[] = {(char[]){"LC_ALL=C"}, (char[]){"PATH=/usr/local/bin:/usr/bin:/bin"}, NULL};
    posix_spawn_file_actions_t actions;
    int ends[2], status = -1, error;
    ssize_t len;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    error = posix_spawn_file_actions_init(&actions);
    if (error == 0) {
        error = posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
        if (error == 0)
            error = posix_spawnp(&pid, argv[0], &actions, NULL, argv, env);
        posix_spawn_file_actions_destroy(&actions);
    }
    close(ends[1]);
    if (error == 0) {
        len = read(ends[0], words, size - 1);
        words[len > 0 ? len : 0] = '\0';
        if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
            error = strstr(words, "busy") ? EBUSY : EPERM;
    }
    close(ends[0]);
    return error;
}

/* Where the daemon has died, whoever is still in it can do nothing there. Returns 0 or an errno. words: what
 * fusermount3 said, if it was asked. */
static int unmount(char *mountpoint, char *words, size_t size)
{
    const int flags = UMOUNT_NOFOLLOW | (mounting_is_dead(mountpoint) ? MNT_DETACH : 0);

    words[0] = '\0';
    if (umount2(mountpoint, flags) == 0)
        return 0;
    return errno == EPERM ? run_fusermount(mountpoint, words, size) : errno;
}

/* Who is in it may be gone in a moment, as the daemon itself is that tells of a change (announcer.h). */
static int unmount_patiently(char *mountpoint, char *words, size_t size)
{
    const struct timespec step = {.tv_nsec = STEP_MS * 1000 * 1000};
    int error = unmount(mountpoint, words, size);

    for (int waited = 0; error == EBUSY && waited < BUSY_MS; waited += STEP_MS) {
        (void)nanosleep(&step, NULL);
        error = unmount(mountpoint, words, size);
    }
    return error;
}

/* Was it another user who mounted it? */
static bool tell_owner(const char *mountpoint)
{
    struct cf_text user = {0};
    uid_t owner;

    if (!mount_owner(mountpoint, &owner) || owner == geteuid())
        return false;
    cf_user_print(owner, &user);
    log_error("%s: not unmounted: it was mounted by %s, and only that user or root may unmount it", mountpoint,
              cf_text_result(&user) == CF_OK ? user.data : "another user");
    cf_text_release(&user);
    return true;
}

static int fail(const char *mountpoint, int error, char *words)
{
    words[strcspn(words, "\n")] = '\0';
    if (error == EBUSY)
        log_error(
            "%s is in use: leave its directories and close its files (fuser -vm %s shows who), then try again",
            mountpoint, mountpoint);
    else if (error == EPERM && tell_owner(mountpoint))
        return EX_NOPERM;
    else if (words[0])
        log_error("%s: not unmounted: %s", mountpoint, words);
    else
        log_error("%s: not unmounted: %s", mountpoint, strerror(error));
    return error == EBUSY ? EX_TEMPFAIL : error == EPERM ? EX_NOPERM : EX_OSERR;
}

/* Wait for the end of the process behind a pidfd; -1 means there is none to wait for. */
static int wait_for_end(int pidfd, const char *mountpoint, pid_t daemon)
{
    struct pollfd end = {.fd = pidfd, .events = POLLIN};

    if (pidfd < 0 || poll(&end, 1, WAIT_MS) != 0)
        return 0;
    log_error("%s is unmounted, but process %ld has not ended: the store is still in use (is the mount bound to "
              "another place, as in a container?)",
              mountpoint, (long)daemon);
    return EX_TEMPFAIL;
}

int cmd_umount(int argc, char **argv)
{
    char mountpoint[PATH_SIZE], words[512];
    const char *given = NULL;
    int pidfd, error, code;
    pid_t daemon;

    argp_parse(&argp, argc, argv, 0, NULL, &given);
    code = client_own_mount(given, "as an argument", mountpoint);
    if (code != 0)
        return code;
    daemon = mount_daemon(mountpoint);
    pidfd = daemon > 0 ? (int)syscall(SYS_pidfd_open, daemon, 0) : -1;
    error = unmount_patiently(mountpoint, words, sizeof(words));
    code = error ? fail(mountpoint, error, words) : wait_for_end(pidfd, mountpoint, daemon);
    if (pidfd >= 0)
        close(pidfd);
    return code;
}
