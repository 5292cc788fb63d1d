/* The worker as a process: how it is started, and how it ended. */
#include "keeper.h"

#include "../log.h"
#include "../mounting.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

extern char **environ;

/* Put descriptors where the worker looks for them. They are first moved out of the way of each other. */
static bool place_descriptors(const struct keeper *keeper, int ready)
{
    const int from[] = {keeper->device, keeper->region_fd, keeper->lock, ready};
    enum { COUNT = sizeof from / sizeof *from };
    int away[COUNT];

    for (int i = 0; i < COUNT; i++) {
        away[i] = fcntl(from[i], F_DUPFD_CLOEXEC, WORKER_DEVICE + COUNT);
        if (away[i] < 0)
            return false;
    }
    for (int i = 0; i < COUNT; i++)
        if (dup2(away[i], WORKER_DEVICE + i) < 0)
            return false;
    return true;
}

/* The worker's arguments, and `--fresh` behind them where it is wanted. */
static char **arguments_of(const struct keeper *keeper, bool is_fresh)
{
    static char fresh[] = "--fresh";
    size_t count = 0;
    char **arguments;

    while (keeper->arguments[count] != NULL)
        count++;
    arguments = calloc(count + 2, sizeof *arguments);
    if (arguments == NULL)
        return NULL;
    memcpy(arguments, keeper->arguments, count * sizeof *arguments);
    arguments[count] = is_fresh ? fresh : NULL;
    return arguments;
}

/* In the new process; does not return. SIGCONT tells the worker to see whether its keeper is gone, as no other signal
 * can tell one that is stopped; it is blocked until the worker looks for it, so that it is not lost. */
static void become_worker(int program, bool is_fresh, const struct keeper *keeper, pid_t parent, int ready)
{
    char **arguments = arguments_of(keeper, is_fresh);
    sigset_t blocked;

    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGCONT);
    program = fcntl(program, F_DUPFD_CLOEXEC, WORKER_READY + 1);
    if (prctl(PR_SET_PDEATHSIG, SIGCONT) == 0 && getppid() != parent) {
        mounting_undo(keeper->mountpoint, keeper->region->device); /* the keeper is gone already */
        _exit(EX_OSERR);
    }
    if (arguments == NULL || program < 0 || !place_descriptors(keeper, ready) ||
        sigprocmask(SIG_SETMASK, &blocked, NULL) != 0)
        _exit(EX_OSERR);
    (void)fexecve(program, arguments, environ);
    _exit(EX_OSERR);
}

bool worker_start(struct worker *worker, int program, bool is_fresh, const struct keeper *keeper)
{
    const pid_t parent = getpid();
    int ends[2];
    pid_t pid;

    if (worker->ready >= 0)
        (void)close(worker->ready);
    worker->ready = -1;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        log_error("no pipe: %s", strerror(errno));
        return false;
    }
    pid = fork();
    if (pid == 0)
        become_worker(program, is_fresh, keeper, parent, ends[1]);
    (void)close(ends[1]);
    if (pid < 0) {
        log_error("no process: %s", strerror(errno));
        (void)close(ends[0]);
        return false;
    }
    *worker = (struct worker){.pid = pid, .ready = ends[0]};
    return true;
}

bool worker_reap(struct worker *worker, struct worker_end *end)
{
    int status;
    pid_t pid;

    do
        pid = waitpid(-1, &status, WNOHANG); /* as process 1 of a container the keeper inherits others' children */
    while (pid > 0 && pid != worker->pid);
    if (pid <= 0)
        return false;
    *end = (struct worker_end){.pid = worker->pid, .code = -1};
    if (WIFEXITED(status)) {
        end->code = WEXITSTATUS(status);
        end->is_crash = end->code != WORKER_UNMOUNTED && end->code != WORKER_DRAINED;
        (void)snprintf(end->how, sizeof end->how, "ended with code %d", end->code);
    } else {
        const int number = WTERMSIG(status);
        end->is_killed = number == SIGKILL || number == SIGTERM;
        end->is_crash = !end->is_killed;
        (void)snprintf(end->how, sizeof end->how, "was killed by signal %d", number);
    }
    worker->pid = 0;
    return true;
}
