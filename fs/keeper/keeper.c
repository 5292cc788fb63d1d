/* credfs-keeper: the process that a mount lives by.
 *
 * It mounts, holds the descriptor of /dev/fuse and the region (region.h), and runs a worker, which does all else. A
 * worker that dies or hangs is replaced within milliseconds; the mount, and what is open on it, does not notice. It
 * links no more than that needs. Started by `credfs mount`, which holds the store's lock and hands it on:
 *
 *   credfs-keeper -m MOUNTPOINT -s SOURCE -l LOCK [-a] [-r] [-b READY] PROGRAM ARGUMENT...
 *
 * LOCK and READY are descriptors; with READY it goes to the background once the mount answers, and writes a byte.
 * PROGRAM ARGUMENT... is the worker. Signals: SIGTERM and SIGINT unmount and end; SIGHUP has the configuration read
 * again; SIGUSR1 puts the program that is now on disk in place. Both drain the worker first; if the new one does not
 * start, the old program or configuration goes on.
 */
#include "keeper.h"

#include "../harden.h"
#include "../log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* A worker that cannot be started is tried five times in about ten seconds. Seconds, but for the first two. */
enum {
    TRIES = 5,
    TICK_MS = 250,
    SETTLE_S = 2,        /* a worker that crashes sooner has not started well */
    FIRST_START_S = 600, /* a migration takes its time, and nobody is on the mount yet */
    START_S = 30,
    LEAST_START_S = 5,
    DRAIN_S = 2,
    STOP_S = 10,
    REAP_S = 5 /* what was sent SIGKILL and is still there then hangs in the kernel */
};

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void enter(struct keeper *keeper, enum keeper_state state)
{
    keeper->state = state;
    keeper->since = now_ms();
    keeper->beat = atomic_load(&keeper->region->beat);
}

static bool has_lasted(const struct keeper *keeper, int seconds)
{
    return now_ms() - keeper->since >= seconds * INT64_C(1000);
}

/* ---- beginnings ---- */

static void failed(struct keeper *keeper, const char *how);

static void start(struct keeper *keeper)
{
    const int program = keeper->trial >= 0 ? keeper->trial : keeper->program;

    atomic_fetch_add(&keeper->region->starts, 1);
    if (worker_start(&keeper->worker, program, keeper->wants_fresh, keeper))
        enter(keeper, KEEPER_STARTING);
    else
        failed(keeper, "cannot be started");
}

static void tell_worker(const struct keeper *keeper, int number)
{
    if (keeper->worker.pid > 0)
        (void)kill(keeper->worker.pid, number);
}

static void kill_worker(struct keeper *keeper)
{
    if (keeper->killed_at == 0)
        keeper->killed_at = now_ms();
    tell_worker(keeper, SIGKILL);
}

static void drain(struct keeper *keeper)
{
    tell_worker(keeper, SIGTERM);
    enter(keeper, KEEPER_DRAINING);
}

static void reload(struct keeper *keeper)
{
    keeper->wants_reload = false;
    keeper->wants_fresh = true;
    drain(keeper);
}

static void replace(struct keeper *keeper)
{
    int program = open(keeper->path, O_RDONLY | O_CLOEXEC);

    keeper->wants_replace = false;
    if (program < 0) {
        log_error("%s: %s: the running program goes on", keeper->path, strerror(errno));
        atomic_fetch_add(&keeper->region->refused, 1);
        return;
    }
    keeper->trial = program;
    drain(keeper);
}

/* Begin what was asked for; what comes while another is under way waits until that is ready. */
static void renew(struct keeper *keeper)
{
    if (keeper->state != KEEPER_SERVING || keeper->worker.pid == 0)
        return;
    if (keeper->wants_reload)
        reload(keeper);
    else if (keeper->wants_replace)
        replace(keeper);
}

static bool is_trial(const struct keeper *keeper)
{
    return keeper->is_up && (keeper->trial >= 0 || keeper->wants_fresh);
}

static void take_trial(struct keeper *keeper)
{
    if (is_trial(keeper))
        atomic_fetch_add(&keeper->region->renewed, 1);
    if (keeper->trial >= 0) {
        if (keeper->previous < 0)
            keeper->previous = keeper->program;
        else
            (void)close(keeper->program); /* it had no time to settle */
        keeper->program = keeper->trial;
        keeper->trial = -1;
        log_notice("%s was put in place", keeper->path);
    } else if (keeper->wants_fresh && keeper->is_up) {
        log_notice("the configuration was read again");
    }
    keeper->wants_fresh = false;
}

static void drop_trial(struct keeper *keeper)
{
    atomic_fetch_add(&keeper->region->refused, 1);
    log_error("the %s did not start: the old one goes on",
              keeper->trial >= 0 ? "new program" : "worker with the new configuration");
    if (keeper->trial >= 0)
        (void)close(keeper->trial);
    keeper->trial = -1;
    keeper->wants_fresh = false;
}

/* The new program was ready, and crashed soon after. */
static void take_back(struct keeper *keeper)
{
    atomic_fetch_add(&keeper->region->refused, 1);
    log_error("the new program did not last: the old one goes on");
    (void)close(keeper->program);
    keeper->program = keeper->previous;
    keeper->previous = -1;
}

static void settle(struct keeper *keeper)
{
    if (keeper->is_settled || now_ms() < keeper->settles)
        return;
    keeper->is_settled = true;
    keeper->failures = 0;
    if (keeper->previous >= 0)
        (void)close(keeper->previous);
    keeper->previous = -1;
}

static void ready(struct keeper *keeper)
{
    take_trial(keeper);
    keeper->killed = 0;
    if (!keeper->is_up)
        keeper_release_launcher(keeper);
    keeper->is_up = true;
    keeper->is_settled = false;
    keeper->settles = now_ms() + SETTLE_S * INT64_C(1000);
    enter(keeper, KEEPER_SERVING);
    renew(keeper);
}

/* ---- endings ---- */

/* `credfs mount` may still wait to hear that it is mounted. */
static int stopped_code(const struct keeper *keeper)
{
    return keeper->launcher < 0 ? 0 : EX_TEMPFAIL;
}

static void stop(struct keeper *keeper)
{
    if (keeper->state == KEEPER_STOPPING)
        return;
    keeper_unmount(keeper);
    enter(keeper, KEEPER_STOPPING);
    if (keeper->worker.pid == 0)
        keeper->code = stopped_code(keeper);
}

/* So that no caller is left hanging: without a worker behind it he could not even be killed. */
static void give_up(struct keeper *keeper, int code)
{
    keeper_abort(keeper);
    keeper->code = code;
}

/* The worker that was to be started is none. how: for the message. */
static void failed(struct keeper *keeper, const char *how)
{
    if (is_trial(keeper)) {
        drop_trial(keeper);
        start(keeper);
        return;
    }
    keeper->failures++;
    if (keeper->failures >= TRIES) {
        log_error("no worker can be started (the last %s): the mount on %s is ended, so that nobody waits for it",
                  how, keeper->mountpoint);
        give_up(keeper, EX_UNAVAILABLE);
        return;
    }
    enter(keeper, KEEPER_WAITING);
}

/* A crash is a request's fault, as far as anybody can tell; a worker that was killed from outside died innocently. So
 * did one that hung while it served: note_stuck has told of what. Returns whether a request is to blame. */
static bool close_accounts(struct keeper *keeper, bool is_crash)
{
    bool is_blamed = false;

    for (int i = 0; i < REGION_SLOTS; i++) {
        struct region_slot *slot = &keeper->region->slot[i];
        if (atomic_exchange(&slot->since, 0) == 0)
            continue;
        atomic_fetch_add(&slot->deaths, 1);
        if (!is_crash)
            continue;
        atomic_fetch_add(&slot->crashes, 1);
        is_blamed = true;
    }
    return is_blamed;
}

/* The first worker told why, if it could; there is nobody on the mount yet. */
static void ended_at_first(struct keeper *keeper, const struct worker_end *end)
{
    if (end->code <= 0)
        log_error("the first worker %s: nothing is mounted", end->how);
    give_up(keeper, end->code > 0 ? end->code : EX_SOFTWARE);
}

static void unmounted(struct keeper *keeper)
{
    const bool was_aborted = keeper_clear(keeper);

    keeper->code = stopped_code(keeper);
    if (!was_aborted || keeper->state == KEEPER_STOPPING)
        return;
    log_error("the connection of %s was aborted: what was left of the mount is taken away", keeper->mountpoint);
    keeper->code = EX_UNAVAILABLE;
}

/* Does a worker's end say nothing of its program? Not where a request is to blame, or somebody's signal. */
static bool is_excused(struct keeper *keeper, const struct worker_end *end, bool was_hung)
{
    if (keeper->state == KEEPER_STARTING)
        return end->is_killed && !was_hung && keeper->killed++ < TRIES * TRIES;
    return keeper->state != KEEPER_SERVING || keeper->is_settled || !end->is_crash;
}

static void ended(struct keeper *keeper, const struct worker_end *end)
{
    const enum keeper_state state = keeper->state;
    const bool was_hung = keeper->is_hung;
    const bool is_requests_fault = close_accounts(keeper, end->is_crash || (was_hung && state == KEEPER_STARTING));

    keeper->is_hung = false;
    keeper->killed_at = 0;
    if (state == KEEPER_STOPPING || (end->code == WORKER_UNMOUNTED && state != KEEPER_STARTING)) {
        unmounted(keeper);
        return;
    }
    if (!keeper->is_up) {
        ended_at_first(keeper, end);
        return;
    }
    if (state == KEEPER_DRAINING && end->code == WORKER_DRAINED) {
        start(keeper);
        return;
    }
    log_warning("worker %d %s: another takes its place", (int)end->pid, end->how);
    if (state == KEEPER_SERVING && end->is_crash && keeper->previous >= 0)
        take_back(keeper);
    else if (!is_requests_fault && !is_excused(keeper, end, was_hung)) {
        keeper->failures += was_hung; /* callers have waited for longer */
        failed(keeper, end->how);
        return;
    }
    start(keeper);
}

/* ---- the watch ---- */

static void replace_hung(struct keeper *keeper, const char *what)
{
    log_warning("worker %d %s: it is replaced", (int)keeper->worker.pid, what);
    keeper->is_hung = true;
    kill_worker(keeper);
}

/* Note the requests that have been under way for longer than so many beats. Returns whether there is one. */
static bool note_stuck(const struct keeper *keeper, uint64_t beat, uint64_t beats)
{
    bool is_stuck = false;

    for (int i = 0; i < REGION_SLOTS; i++) {
        struct region_slot *slot = &keeper->region->slot[i];
        uint64_t since = atomic_load(&slot->since);
        if (since != 0 && beat >= since && beat - since >= beats) {
            atomic_fetch_add(&slot->hangs, 1);
            is_stuck = true;
        }
    }
    return is_stuck;
}

static void watch(struct keeper *keeper)
{
    const uint64_t beat = atomic_load(&keeper->region->beat);
    const uint32_t patience = atomic_load(&keeper->region->patience);

    if (keeper->is_hung)
        return; /* it was sent SIGKILL */
    if (beat != keeper->beat) {
        enter(keeper, KEEPER_SERVING);
        settle(keeper);
        if (note_stuck(keeper, beat, (uint64_t)patience * REGION_BEATS_A_SECOND))
            replace_hung(keeper, "is stuck in a request");
    } else if (has_lasted(keeper, (int)patience)) {
        replace_hung(keeper, "does not move");
    }
}

/* A start answers first what was left unanswered. */
static int start_limit(const struct keeper *keeper)
{
    const int patience = (int)atomic_load(&keeper->region->patience);
    const int limit = patience < START_S / 2 ? 2 * patience : START_S;

    if (!keeper->is_up)
        return FIRST_START_S;
    return is_trial(keeper) ? START_S : limit < LEAST_START_S ? LEAST_START_S : limit;
}

/* Nobody can do anything about it, but who waits for an answer need not do so. */
static void leave_unkillable(struct keeper *keeper)
{
    log_error(
        "worker %d cannot be killed: the disk of the store, or what else it waits for, does not answer: the mount "
        "on %s is ended, so that nobody waits for it",
        (int)keeper->worker.pid, keeper->mountpoint);
    give_up(keeper, EX_IOERR);
}

static void tick(struct keeper *keeper)
{
    if (keeper->killed_at != 0 && now_ms() - keeper->killed_at >= REAP_S * INT64_C(1000)) {
        leave_unkillable(keeper);
        return;
    }
    switch (keeper->state) {
    case KEEPER_SERVING:
        watch(keeper);
        break;
    case KEEPER_STARTING:
        if (has_lasted(keeper, start_limit(keeper)) && !keeper->is_hung)
            replace_hung(keeper, "does not get ready");
        break;
    case KEEPER_DRAINING:
        if (has_lasted(keeper, DRAIN_S))
            kill_worker(keeper);
        break;
    case KEEPER_STOPPING:
        if (has_lasted(keeper, STOP_S))
            kill_worker(keeper);
        break;
    case KEEPER_WAITING:
        if (keeper->failures == 1 || has_lasted(keeper, keeper->failures)) /* once may be chance */
            start(keeper);
        break;
    }
}

/* ---- events ---- */

static void on_signal(struct keeper *keeper)
{
    struct signalfd_siginfo info;

    while (read(keeper->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            stop(keeper);
        else if (info.ssi_signo == SIGHUP)
            keeper->wants_reload = true;
        else if (info.ssi_signo == SIGUSR1)
            keeper->wants_replace = true;
    }
    renew(keeper);
}

static void on_ready(struct keeper *keeper)
{
    char byte;
    const ssize_t got = keeper->worker.ready >= 0 ? read(keeper->worker.ready, &byte, 1) : 0;

    if (got < 0)
        return; /* not yet */
    if (keeper->worker.ready >= 0)
        (void)close(keeper->worker.ready);
    keeper->worker.ready = -1;
    if (got == 1 && keeper->state == KEEPER_STARTING)
        ready(keeper);
}

static int run(struct keeper *keeper)
{
    struct worker_end end;

    keeper->wants_fresh = true;
    start(keeper);
    while (keeper->code < 0) {
        struct pollfd polled[] = {{.fd = keeper->signals, .events = POLLIN},
                                  {.fd = keeper->worker.ready, .events = POLLIN}};
        if (poll(polled, 2, TICK_MS) < 0)
            polled[0].revents = POLLIN;
        if (worker_reap(&keeper->worker, &end)) {
            on_ready(keeper); /* it may have been, just before its end */
            ended(keeper, &end);
        } else if (polled[1].revents != 0) {
            on_ready(keeper);
        }
        if (keeper->code < 0 && polled[0].revents != 0)
            on_signal(keeper);
        if (keeper->code < 0)
            tick(keeper);
    }
    return keeper->code;
}

static bool block_signals(struct keeper *keeper)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD};
    sigset_t set;

    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        (void)sigaddset(&set, numbers[i]);
    (void)signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
        keeper->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return keeper->signals >= 0;
}

static bool parse(struct keeper *keeper, int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "+m:s:l:arb:")) != -1) {
        if (option == 'm')
            keeper->mountpoint = optarg;
        else if (option == 's')
            keeper->source = optarg;
        else if (option == 'l')
            keeper->lock = atoi(optarg);
        else if (option == 'a')
            keeper->allow_other = true;
        else if (option == 'r')
            keeper->read_only = true;
        else if (option == 'b')
            keeper->launcher = atoi(optarg);
        else
            return false;
    }
    keeper->arguments = argv + optind;
    keeper->path = argv[optind];
    return keeper->mountpoint != NULL && keeper->source != NULL && keeper->lock >= 0 && keeper->path != NULL;
}

int main(int argc, char **argv)
{
    struct keeper keeper = {.device = -1,
                            .region_fd = -1,
                            .lock = -1,
                            .signals = -1,
                            .launcher = -1,
                            .program = -1,
                            .trial = -1,
                            .previous = -1,
                            .code = -1,
                            .worker = {.ready = -1}};
    int code;

    if (!parse(&keeper, argc, argv)) {
        log_error("credfs-keeper is started by `credfs mount`");
        return EX_USAGE;
    }
    if (!harden() || !block_signals(&keeper) || !keeper_open(&keeper))
        return EX_OSERR;
    code = run(&keeper);
    keeper_forget(&keeper);
    return code;
}
