#include "exec_child.h"

#include "log.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

/* In the child. When the parent has died before it could be asked for a signal then, nobody waits any more. What it has
 * to say it may say to a terminal that is not its own. */
static bool settle(const struct exec_signals *signals, pid_t parent)
{
    sigset_t mask = signals->mask;

    sigaddset(&mask, SIGTTOU);
    return setpgid(0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent &&
           sigaction(SIGCHLD, &signals->child, NULL) == 0 && sigprocmask(SIG_SETMASK, &mask, NULL) == 0;
}

static bool pass_gate(const struct exec_signals *signals, int gate)
{
    char word = 0;

    return send(gate, &word, 1, MSG_NOSIGNAL) == 1 && recv(gate, &word, 1, 0) == 1 &&
           sigprocmask(SIG_SETMASK, &signals->mask, NULL) == 0;
}

static int become(const struct exec_task *task, const struct exec_signals *signals, pid_t parent, int gate)
{
    struct exec_env env;
    int code;

    if (!settle(signals, parent))
        return EX_OSERR;
    code = exec_env_make(task, &env);
    if (code == 0)
        code = pass_gate(signals, gate) ? exec_become(task, &env) : EX_OSERR;
    exec_env_release(&env);
    return code;
}

bool exec_child_start(struct exec_child *child, const struct exec_task *task, const struct exec_signals *signals)
{
    const pid_t parent = getpid();
    int ends[2] = {-1, -1};
    pid_t pid = -1;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0)
        pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        _exit(become(task, signals, parent, ends[1]));
    }
    if (pid < 0)
        log_error("%s: cannot start: %s", task->command[0], strerror(errno));
    if (pid < 0 && ends[0] >= 0)
        (void)close(ends[0]);
    if (ends[1] >= 0)
        (void)close(ends[1]);
    if (pid < 0)
        return false;
    (void)setpgid(pid, pid); /* so that there is the group before anything is sent to it */
    *child = (struct exec_child){.pid = pid, .gate = ends[0]};
    return true;
}

void exec_child_hear(struct exec_child *child)
{
    char word;

    child->is_ready = recv(child->gate, &word, 1, 0) == 1;
    if (child->is_ready)
        return;
    (void)close(child->gate);
    child->gate = -1;
}

pid_t exec_child_release(struct exec_child *child)
{
    const pid_t pid = child->pid;

    (void)send(child->gate, "", 1, MSG_NOSIGNAL);
    exec_child_ended(child);
    return pid;
}

void exec_child_ended(struct exec_child *child)
{
    if (child->gate >= 0)
        (void)close(child->gate);
    *child = (struct exec_child){.gate = -1};
}

void exec_child_drop(struct exec_child *child)
{
    if (child->pid > 0)
        (void)kill(child->pid, SIGKILL);
    exec_child_ended(child);
}
