/* The worker's life: when one is started, what its end tells, when it is replaced. */
#include "keeper.h"

#include "../log.h"

#include <signal.h>
#include <sysexits.h>
#include <time.h>

/* A worker that cannot be started is tried five times in about ten seconds. Seconds, but for the first. */
enum {
    TRIES = 5,
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

void life_start(struct keeper *keeper)
{
    atomic_fetch_add(&keeper->region->starts, 1);
    if (worker_start(&keeper->worker, program_to_start(&keeper->programs), keeper->wants_fresh, keeper))
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
    keeper->wants_replace = false;
    if (program_try(&keeper->programs))
        drain(keeper);
    else
        atomic_fetch_add(&keeper->region->refused, 1);
}

void life_renew(struct keeper *keeper)
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
    return keeper->is_up && (keeper->programs.trial >= 0 || keeper->wants_fresh);
}

static void take_trial(struct keeper *keeper)
{
    if (is_trial(keeper))
        atomic_fetch_add(&keeper->region->renewed, 1);
    if (keeper->programs.trial >= 0)
        program_take(&keeper->programs);
    else if (keeper->wants_fresh && keeper->is_up)
        log_notice("the configuration was read again");
    keeper->wants_fresh = false;
}

static void drop_trial(struct keeper *keeper)
{
    atomic_fetch_add(&keeper->region->refused, 1);
    log_error("the %s did not start: the old one goes on",
              keeper->programs.trial >= 0 ? "new program" : "worker with the new configuration");
    program_drop(&keeper->programs);
    keeper->wants_fresh = false;
}

static bool is_settled(const struct keeper *keeper)
{
    return keeper->settles == 0;
}

static void settle(struct keeper *keeper)
{
    if (is_settled(keeper) || now_ms() < keeper->settles)
        return;
    keeper->settles = 0;
    keeper->failures = 0;
    program_settle(&keeper->programs);
}

void life_ready(struct keeper *keeper)
{
    take_trial(keeper);
    keeper->killed = 0;
    if (!keeper->is_up)
        keeper_release_launcher(keeper);
    keeper->is_up = true;
    keeper->settles = now_ms() + SETTLE_S * INT64_C(1000);
    enter(keeper, KEEPER_SERVING);
    life_renew(keeper);
}

/* ---- endings ---- */

/* `credfs mount` may still wait to hear that it is mounted. */
static int stopped_code(const struct keeper *keeper)
{
    return keeper->launcher < 0 ? 0 : EX_TEMPFAIL;
}

void life_stop(struct keeper *keeper)
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
        life_start(keeper);
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
    return keeper->state != KEEPER_SERVING || is_settled(keeper) || !end->is_crash;
}

void life_ended(struct keeper *keeper, const struct worker_end *end)
{
    const enum keeper_state state = keeper->state;
    const bool was_hung = keeper->killed_at != 0;
    const bool is_requests_fault = close_accounts(keeper, end->is_crash || (was_hung && state == KEEPER_STARTING));

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
        life_start(keeper);
        return;
    }
    log_warning("worker %d %s: another takes its place", (int)end->pid, end->how);
    if (state == KEEPER_SERVING && end->is_crash && program_take_back(&keeper->programs)) {
        atomic_fetch_add(&keeper->region->refused, 1);
    } else if (!is_requests_fault && !is_excused(keeper, end, was_hung)) {
        keeper->failures += was_hung; /* callers have waited for longer */
        failed(keeper, end->how);
        return;
    }
    life_start(keeper);
}

/* ---- the watch ---- */

static void replace_hung(struct keeper *keeper, const char *what)
{
    log_warning("worker %d %s: it is replaced", (int)keeper->worker.pid, what);
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

    if (keeper->killed_at != 0)
        return;
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

void life_tick(struct keeper *keeper)
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
        if (has_lasted(keeper, start_limit(keeper)) && keeper->killed_at == 0)
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
            life_start(keeper);
        break;
    }
}
