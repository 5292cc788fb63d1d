/* credfs exec --watch: a process that never has a value waits beside the command, and starts it anew or sends it a
 * signal when the App's values change.
 *
 * The next command is a child that first reads the values and then waits at a gate. The one that runs is stopped only
 * when the next has all it needs: an App that was disabled, or that nobody may read any more, leaves it running.
 *
 * Each command has a process group of its own. To stop it is SIGTERM to the group, and SIGKILL to what is left of it
 * after a while. This process adopts what the command leaves behind (PR_SET_CHILD_SUBREAPER), so that waitid(2) tells
 * whether the group is gone, and its number is nobody else's until then.
 *
 * The command gets the terminal when it asks for it, and a shell sees it stop and go on as if it were this process.
 */
#include "client.h"
#include "exec_child.h"
#include "exec_look.h"
#include "exec_terminal.h"
#include "log.h"
#include "mounts.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* Milliseconds. */
enum {
    GRACE = 10000,       /* from SIGTERM to SIGKILL */
    LOOK_ANYWAY = 15000, /* where nothing woke us; LOOK_OFTEN where nothing can */
    LOOK_OFTEN = 1000,
    RETRY_FIRST = 250, /* while something is wrong; twice as long each time, up to RETRY_LAST */
    RETRY_LAST = 60000,
    RETRY_MOUNT = 1000, /* up to this while there is no mount, where to look costs nobody anything */
};

struct watch {
    const struct exec_task *task;
    int signal; /* 0: start it anew */
    struct exec_look look;
    struct cf_text seen;   /* what the App was like when the command that runs read it, or was told */
    int trouble;           /* why it could not be looked at, errno; 0 */
    int64_t look_at, wait; /* when it is looked at again, whatever happens; how long until then */

    struct exec_signals caller;
    int signals;  /* signalfd */
    int terminal; /* the session's; or -1 */

    pid_t command; /* what runs, and its process group; 0: nothing yet */
    bool has_ended;
    int status;       /* of wait(2), once it has ended */
    bool is_stopping; /* to make room for the next */
    int64_t kill_at;

    struct exec_child next;
    struct cf_text next_seen;
};

static int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Something is wrong: look again soon, and then ever later. */
static void look_later(struct watch *watch)
{
    const bool is_absent = watch->trouble != 0 && watch->trouble != EACCES;
    const int64_t most = is_absent ? RETRY_MOUNT : RETRY_LAST;

    watch->wait = watch->wait == 0 ? RETRY_FIRST : 2 * watch->wait;
    if (watch->wait > most)
        watch->wait = most;
    watch->look_at = now() + watch->wait;
}

/* --- signals ----------------------------------------------------------------------------------------------------- */

/* What a fault of this process raises, which ends it. All else is the command's; SIGCHLD is ours. */
static const int faults[] = {SIGILL, SIGTRAP, SIGFPE, SIGSEGV, SIGBUS};

static bool catch_signals(struct watch *watch)
{
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t mask;

    sigfillset(&mask);
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
        sigdelset(&mask, faults[i]);
    watch->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    return watch->signals >= 0 && sigaction(SIGCHLD, &usual, &watch->caller.child) == 0 &&
           sigprocmask(SIG_BLOCK, &mask, &watch->caller.mask) == 0;
}

static void drop_next(struct watch *watch)
{
    exec_child_drop(&watch->next);
    cf_text_release(&watch->next_seen);
}

/* Who wants it all to end while the command is being stopped for the next one wants no next one. */
static void give_up_next(struct watch *watch)
{
    if (watch->command > 0)
        drop_next(watch);
    watch->is_stopping = false;
}

/* What a terminal sends to a process group goes to the command's, and so does what stops and continues; what was sent
 * to this process alone goes to the command alone. What commonly ends a command does so where it is stopped, too. What
 * a write of this process raised (SIGPIPE) is nobody's. */
static void pass_on(struct watch *watch, const struct signalfd_siginfo *info)
{
    const int number = (int)info->ssi_signo;
    const bool is_stop = number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
    const bool is_end = number == SIGTERM || number == SIGINT || number == SIGQUIT;
    const pid_t to = watch->command > 0 ? watch->command : watch->next.pid;

    if (is_end)
        give_up_next(watch);
    if (to <= 0 || watch->has_ended || info->ssi_pid == (uint32_t)getpid())
        return;
    (void)kill(info->ssi_code == SI_KERNEL || is_stop || number == SIGCONT ? -to : to, number);
    if (is_end || number == SIGHUP)
        (void)kill(-to, SIGCONT);
}

/* The command was stopped: for want of the terminal, which it gets if we have it; or by it, as all of the job is then.
 * A stop that has nothing to do with the terminal is the affair of who sent it. */
static void follow_stop(struct watch *watch, int number)
{
    const bool wants_terminal = number == SIGTTIN || number == SIGTTOU;

    if (wants_terminal && exec_terminal_lend(watch->terminal, watch->command)) {
        (void)kill(-watch->command, SIGCONT);
        return;
    }
    if (!exec_terminal_take(watch->terminal, watch->command) && (watch->terminal < 0 || number == SIGSTOP))
        return;
    exec_terminal_stop(wants_terminal ? number : SIGTSTP);
    if (exec_terminal_is_ours(watch->terminal))
        (void)kill(-watch->command, SIGCONT);
}

/* It died of what a terminal sends to who has it, and to nobody else. */
static bool is_interrupt(int status)
{
    return WIFSIGNALED(status) && (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGQUIT);
}

/* Take note of every child that has ended, the adopted ones too, and of a command that was stopped. */
static void reap(struct watch *watch)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        if (pid == watch->command && WIFSTOPPED(status))
            follow_stop(watch, WSTOPSIG(status));
        if (WIFSTOPPED(status) || (pid != watch->command && pid != watch->next.pid))
            continue;
        if (pid == watch->command || watch->command == 0) {
            watch->has_ended = true;
            watch->status = status;
            if (exec_terminal_take(watch->terminal, pid) && is_interrupt(status))
                give_up_next(watch);
        }
        if (pid == watch->next.pid) {
            exec_child_ended(&watch->next);
            watch->is_stopping = false;
            if (watch->command > 0)
                look_later(watch);
        }
    }
}

static void take_signals(struct watch *watch)
{
    struct signalfd_siginfo info;

    while (read(watch->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD)
            reap(watch);
        else
            pass_on(watch, &info);
    }
}

/* --- the next command -------------------------------------------------------------------------------------------- */

/* Have a child read the values. what: as the App is seen now; taken. */
static bool prepare(struct watch *watch, struct cf_text *what)
{
    drop_next(watch);
    watch->next_seen = *what;
    *what = (struct cf_text){0};
    return exec_child_start(&watch->next, watch->task, &watch->caller);
}

static void launch(struct watch *watch)
{
    watch->command = exec_child_release(&watch->next);
    watch->has_ended = watch->is_stopping = false;
    cf_text_release(&watch->seen);
    watch->seen = watch->next_seen;
    watch->next_seen = (struct cf_text){0};
    watch->look_at = now(); /* it may have changed while this one waited */
}

static void stop(struct watch *watch)
{
    log_notice("%s has changed: %s is started anew", watch->task->app, watch->task->command[0]);
    watch->is_stopping = true;
    watch->kill_at = now() + GRACE;
    (void)exec_terminal_take(watch->terminal, watch->command); /* an interrupt ends us, and not the old one alone */
    (void)kill(-watch->command, SIGTERM);
    (void)kill(-watch->command, SIGCONT);
}

/* Is nothing left of the command's process group? */
static bool is_gone(const struct watch *watch)
{
    siginfo_t info;

    return watch->has_ended && waitid(P_PGID, (id_t)watch->command, &info, WEXITED | WNOHANG | WNOWAIT) != 0 &&
           errno == ECHILD;
}

/* --- looking ----------------------------------------------------------------------------------------------------- */

static const char *describe(const struct watch *watch, int trouble)
{
    switch (trouble) {
    case EKEYREVOKED:
        return "it is disabled";
    case EKEYEXPIRED:
        return "it has expired";
    case EACCES:
        return "you have no right to it any more";
    default:
        if (!mount_is_credfs(watch->task->mountpoint))
            return "no credfs is mounted any more";
        return trouble == ENOENT ? "there is no such App any more" : strerror(trouble);
    }
}

static void tell(struct watch *watch, int trouble)
{
    if (trouble != 0 && trouble != watch->trouble)
        log_warning("%s: %s: %s goes on with what it has", watch->task->app, describe(watch, trouble),
                    watch->task->command[0]);
    if (trouble == 0 && watch->trouble != 0)
        log_notice("%s is there again", watch->task->app);
    watch->trouble = trouble;
}

/* The values are others than those that the command has, or is about to have. */
static bool has_changed(const struct watch *watch, const struct cf_text *what)
{
    const struct cf_text *known = watch->next.pid > 0 ? &watch->next_seen : &watch->seen;

    return what->len != known->len || memcmp(what->data, known->data, known->len) != 0;
}

static void act(struct watch *watch, struct cf_text *what)
{
    if (watch->signal == 0) {
        if (!prepare(watch, what))
            look_later(watch);
        return;
    }
    (void)kill(watch->command, watch->signal);
    cf_text_release(&watch->seen);
    watch->seen = *what;
    *what = (struct cf_text){0};
}

/* A command that waits only for the other one to end is let go first: launch has us look again then. */
static void look_again(struct watch *watch)
{
    struct cf_text what;
    int trouble = exec_look(&watch->look, &what);

    tell(watch, trouble);
    watch->look_at = now() + (watch->look.notify >= 0 ? LOOK_ANYWAY : LOOK_OFTEN);
    if (trouble != 0 && trouble != EKEYREVOKED && trouble != EKEYEXPIRED)
        look_later(watch);
    else if (trouble == 0 && !watch->has_ended && !watch->next.is_ready && has_changed(watch, &what))
        act(watch, &what);
    else if (trouble == 0 && watch->next.pid == 0)
        watch->wait = 0;
    cf_text_release(&what);
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

/* How long there is nothing to do: milliseconds for poll(2). */
static int patience(const struct watch *watch)
{
    const int64_t until = watch->is_stopping && watch->kill_at < watch->look_at ? watch->kill_at : watch->look_at;
    const int64_t left = until - now();

    return left < 0 ? 0 : left > LOOK_ANYWAY ? LOOK_ANYWAY : (int)left;
}

/* Nothing is looked at before the first command runs. */
static void await(struct watch *watch)
{
    struct pollfd ready[] = {{.fd = watch->signals, .events = POLLIN},
                             {.fd = watch->command > 0 ? watch->look.notify : -1, .events = POLLIN},
                             {.fd = watch->next.is_ready ? -1 : watch->next.gate, .events = POLLIN}};

    if (poll(ready, 3, patience(watch)) < 0)
        return; /* EINTR: we were stopped for a while */
    if (ready[2].revents != 0)
        exec_child_hear(&watch->next);
    if (ready[0].revents != 0)
        take_signals(watch);
    if (ready[1].revents != 0 || now() >= watch->look_at)
        look_again(watch);
}

static void advance(struct watch *watch)
{
    if (watch->next.is_ready && (watch->command == 0 || (watch->is_stopping && is_gone(watch)))) {
        launch(watch);
    } else if (watch->next.is_ready && !watch->is_stopping && !watch->has_ended) {
        stop(watch);
    } else if (watch->is_stopping && now() >= watch->kill_at) {
        (void)kill(-watch->command, SIGKILL);
        watch->kill_at = INT64_MAX;
    }
}

/* End as the command did. */
static int finish(int status)
{
    const int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    sigset_t mask;

    if (number == 0)
        return WEXITSTATUS(status);
    sigemptyset(&mask);
    sigaddset(&mask, number);
    (void)signal(number, SIG_DFL);
    (void)sigprocmask(SIG_UNBLOCK, &mask, NULL);
    (void)raise(number);
    return 128 + number; /* the first process of a container does not die by a signal of its own */
}

static int start(struct watch *watch)
{
    struct cf_text what;
    int trouble, code = 0;

    if (!catch_signals(watch) || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        log_error("cannot watch over a command: %s", strerror(errno));
        return EX_OSERR;
    }
    watch->terminal = exec_terminal_open();
    exec_look_start(&watch->look, watch->task->mountpoint, watch->task->app);
    trouble = exec_look(&watch->look, &what);
    watch->look_at = INT64_MAX;
    if (trouble != 0 && trouble != EKEYREVOKED && trouble != EKEYEXPIRED)
        code = client_fail(watch->task->app, "info", trouble);
    else if (!prepare(watch, &what))
        code = EX_OSERR;
    cf_text_release(&what);
    return code;
}

int exec_watch(const struct exec_task *task, int signal)
{
    struct watch watch = {.task = task, .signal = signal, .next.gate = -1};
    int code = start(&watch);

    while (code == 0 && (!watch.has_ended || watch.is_stopping)) {
        await(&watch);
        advance(&watch);
    }
    drop_next(&watch);
    cf_text_release(&watch.seen);
    return code == 0 ? finish(watch.status) : code;
}
