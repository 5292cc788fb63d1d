/* keeper.h: the keeper's state, what it holds (hold.c), the worker that it runs (worker.c), of which program (program.c),
 * and for how long (life.c). */
#ifndef CREDFS_KEEPER_H
#define CREDFS_KEEPER_H

#include "../region.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum keeper_state {
    KEEPER_STARTING, /* a worker was started and is not ready */
    KEEPER_SERVING,
    KEEPER_DRAINING, /* the worker was asked to end, another is to follow */
    KEEPER_WAITING,  /* a start failed; the next comes in a moment */
    KEEPER_STOPPING  /* unmounted; the worker is to end */
};

struct worker {
    pid_t pid; /* 0: there is none */
    int ready; /* end of a pipe: a byte comes when it is ready; -1 when that is known */
};

struct worker_end {
    pid_t pid;
    int code;       /* its exit code, -1 when a signal ended it */
    bool is_crash;  /* by its own fault: a signal such as SIGSEGV, or an exit code that tells of a failure */
    bool is_killed; /* by somebody's SIGKILL or SIGTERM */
    char how[48];   /* "was killed by signal 9" */
};

struct programs {
    const char *path;
    int in_force;
    int trial;    /* one that is to take its place, or -1 */
    int previous; /* the one before, until the one in force has settled; or -1 */
};

struct keeper {
    const char *mountpoint, *source;
    bool allow_other, read_only;
    char **arguments; /* of the worker, from its name on; NULL-terminated */
    struct programs programs;
    int lock, launcher, device, region_fd, signals;
    struct region *region;
    struct worker worker;
    enum keeper_state state;
    /* Times are monotonic milliseconds. */
    int64_t since;                    /* when it was entered, or in KEEPER_SERVING when the worker last moved */
    uint64_t beat;                    /* of the worker, then */
    bool is_up;                       /* there was a worker that was ready */
    int64_t settles;                  /* when the present one will have served for long enough; 0: it has */
    int64_t killed_at;                /* when the keeper first sent it SIGKILL; 0: it did not */
    bool wants_fresh;                 /* the next worker reads the configuration from disk */
    int failures;                     /* starts since a worker settled that failed */
    int killed;                       /* starts that somebody's signal ended */
    bool wants_reload, wants_replace; /* asked for, not yet begun */
    int code;                         /* how the keeper ends; -1 while it goes on */
};

/* Make the region, open the program, mount. Returns false having told why; then nothing is mounted. */
bool keeper_open(struct keeper *keeper);

/* Go to the background, if that is wanted, and let `credfs mount` end. */
void keeper_release_launcher(struct keeper *keeper);

/* Unmount, if it still is mounted. */
void keeper_unmount(struct keeper *keeper);

/* The connection has ended. Unless that is because it was unmounted, a dead mount is left: take it away, and nothing
 * that has been mounted there since. Returns whether there was one. */
bool keeper_clear(struct keeper *keeper);

/* End the connection, so that whoever waits for an answer gets an error, and unmount. */
void keeper_abort(struct keeper *keeper);

/* Wipe the data key. */
void keeper_forget(struct keeper *keeper);

/* Start a worker. program: its open file. is_fresh: it reads the configuration from disk. */
bool worker_start(struct worker *worker, int program, bool is_fresh, const struct keeper *keeper);

/* Has the worker ended? Then end tells how, and there is none. */
bool worker_reap(struct worker *worker, struct worker_end *end);

/* Open the first program. Returns false having told why. */
bool program_open(struct programs *programs);

/* The one to start: on trial, if there is one. */
int program_to_start(const struct programs *programs);

/* Put what is on disk now on trial. Returns false, having told why, when it cannot be opened. */
bool program_try(struct programs *programs);

/* The one on trial was ready, and is in force; the one before is kept until it has settled. Or it did not start. */
void program_take(struct programs *programs);
void program_settle(struct programs *programs);
void program_drop(struct programs *programs);

/* The one in force crashed: have the one before back. Returns false where there is none any more. */
bool program_take_back(struct programs *programs);

/* Start a worker; keeper->code is set where that is of no use any more, here and below. */
void life_start(struct keeper *keeper);

/* The worker is ready; it has ended; some time has passed. */
void life_ready(struct keeper *keeper);
void life_ended(struct keeper *keeper, const struct worker_end *end);
void life_tick(struct keeper *keeper);

/* Begin what was asked for; what comes while another is under way waits until that is ready. */
void life_renew(struct keeper *keeper);

/* Unmount, and end with the worker. */
void life_stop(struct keeper *keeper);

#endif
