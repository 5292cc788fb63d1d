#include "toucher.h"

#include "log.h"
#include "paths.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 3, PAUSE_S = 30, PATIENCE_MS = 10000, STEP_MS = 50 };

struct toucher {
    struct region *region;
    const char *mountpoint;
    const atomic_bool *is_ending;
    pid_t former;     /* the process of the worker before */
    pid_t pid;        /* 0: there is none */
    int fd;           /* to it */
    time_t out_until; /* monotonic seconds: nothing is tried before */
    bool has_warned;
};

struct toucher *toucher_new(struct region *region, const char *mountpoint, const atomic_bool *is_ending)
{
    struct toucher *toucher = calloc(1, sizeof(*toucher));

    if (!toucher)
        return NULL;
    *toucher = (struct toucher){.region = region, .mountpoint = mountpoint, .is_ending = is_ending, .fd = -1};
    toucher->former = atomic_exchange(&region->announcing.toucher, 0);
    return toucher;
}

/* Its number is forgotten before another process can get it. */
void toucher_end(struct toucher *toucher)
{
    if (toucher->pid == 0)
        return;
    (void)kill(toucher->pid, SIGKILL);
    atomic_store(&toucher->region->announcing.toucher, 0);
    while (waitpid(toucher->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    (void)close(toucher->fd);
    toucher->pid = 0;
    toucher->fd = -1;
}

void toucher_free(struct toucher *toucher)
{
    if (toucher)
        toucher_end(toucher);
    free(toucher);
}

/* Nothing of ours comes with it: no descriptor but its end of the socket and stderr, no memory, no environment. */
static int spawn(struct toucher *toucher, int end_of_it)
{
    char device[24], parent[24], mountpoint[PATH_SIZE];
    char *argv[] = {(char[]){"credfs"}, (char[]){"touch"}, mountpoint, device, parent, NULL};
    char *environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    int error;

    (void)snprintf(mountpoint, sizeof(mountpoint), "%s", toucher->mountpoint);
    (void)snprintf(device, sizeof(device), "%" PRIu64, toucher->region->device);
    (void)snprintf(parent, sizeof(parent), "%ld", (long)getpid());
    (void)sigemptyset(&none);
    if (posix_spawn_file_actions_init(&actions) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    error = posix_spawn_file_actions_adddup2(&actions, end_of_it, STDIN_FILENO);
    if (error == 0)
        error = posix_spawnattr_setsigmask(&attributes, &none);
    if (error == 0)
        error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    if (error == 0)
        error = posix_spawn(&toucher->pid, "/proc/self/exe", &actions, &attributes, argv, environment);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attributes);
    return error;
}

static bool start(struct toucher *toucher)
{
    int ends[2], error;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    error = spawn(toucher, ends[1]);
    (void)close(ends[1]);
    if (error != 0) {
        (void)close(ends[0]);
        toucher->pid = 0;
        return false;
    }
    toucher->fd = ends[0];
    atomic_store(&toucher->region->announcing.toucher, toucher->pid);
    return true;
}

/* It answers when it is done. */
static bool ask(struct toucher *toucher, const char *message, size_t len)
{
    struct pollfd answer = {.fd = toucher->fd, .events = POLLIN};
    char byte;

    if (send(toucher->fd, message, len, MSG_NOSIGNAL) != (ssize_t)len)
        return false;
    for (int waited = 0; waited < PATIENCE_MS && !atomic_load(toucher->is_ending); waited += STEP_MS)
        if (poll(&answer, 1, STEP_MS) > 0)
            return recv(toucher->fd, &byte, 1, MSG_DONTWAIT) == 1;
    return false;
}

static time_t seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void give_up(struct toucher *toucher)
{
    toucher->out_until = seconds() + PAUSE_S;
    if (!toucher->has_warned)
        log_warning(
            "who watches files with inotify is not told of changes for now: the process that does it ends or "
            "does not answer");
    toucher->has_warned = true;
}

bool toucher_touch(struct toucher *toucher, const char *message, size_t len)
{
    if (toucher->out_until != 0 && seconds() < toucher->out_until)
        return false;
    for (int tries = 0; tries < TRIES && !atomic_load(toucher->is_ending); tries++) {
        if ((toucher->pid != 0 || start(toucher)) && ask(toucher, message, len)) {
            toucher->out_until = 0;
            toucher->has_warned = false;
            return true;
        }
        toucher_end(toucher);
    }
    if (!atomic_load(toucher->is_ending))
        give_up(toucher);
    return false;
}

bool toucher_is(const struct toucher *toucher, pid_t pid, bool is_again)
{
    if (pid == 0)
        return false;
    return pid == atomic_load(&toucher->region->announcing.toucher) || (is_again && pid == toucher->former);
}
