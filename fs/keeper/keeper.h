/* keeper.h: the keeper's state, what it holds (hold.c) and the worker that it runs (worker.c). */
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

struct keeper {
    const char *mountpoint, *source;
    bool allow_other, read_only;
    char **arguments; /* of the worker, from its name on; NULL-terminated */
    const char *path; /* of its program */
    int lock, launcher, device, region_fd, signals;
    int program;  /* the program in force, open: whatever becomes of the file, it can be started again */
    int trial;    /* one that is to take its place, or -1 */
    int previous; /* the one before, until the one in force has settled; or -1 */
    struct region *region;
    struct worker worker;
    enum keeper_state state;
    int64_t
        since; /* when it was entered, or in KEEPER_SERVING when the worker last moved; monotonic milliseconds */
    uint64_t beat;                    /* of the worker, then */
    bool is_up;                       /* there was a worker that was ready */
    bool is_settled;                  /* the present one has served for a while */
    int64_t settles;                  /* when it will have */
    int64_t killed_at;                /* when the keeper first sent it SIGKILL; 0: it did not */
    bool wants_fresh;                 /* the next worker reads the configuration from disk */
    bool is_hung;                     /* the worker was found hanging and was sent SIGKILL */
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

#endif
