/* toucher.h: the process that touches files through the mount, so that the kernel tells those who watch them (inotify):
 * it opens each for writing, writes a byte, which goes nowhere, and closes it.
 *
 * Another process, as a worker that is killed while a thread of its own waits for an answer from itself could not
 * die. It is started when there is first something to touch, holds nothing open between two calls, and ends with who
 * started it. One that has died is started again; after some failures in a row, not for a while.
 *
 * For one thread, the one that starts it; toucher_is may be called by any.
 */
#ifndef CREDFS_TOUCHER_H
#define CREDFS_TOUCHER_H

#include "region.h"

struct toucher;

/* The longest message. */
enum { TOUCHER_MESSAGE = 64 * 1024 };

/* NULL when out of memory. mountpoint: not copied. is_ending: nothing is waited for once it is set. */
struct toucher *toucher_new(struct region *region, const char *mountpoint, const atomic_bool *is_ending);

/* End the process, if there is one, and wait for it: requests must still be answered. */
void toucher_end(struct toucher *toucher);
void toucher_free(struct toucher *toucher);

/* Touch files. message: for each directory its path below the mountpoint, the files' names and an empty string, all
 * with a NUL behind them. What is not there is passed over. Returns false when it could not be done, and is to be tried
 * later. */
bool toucher_touch(struct toucher *toucher, const char *message, size_t len);

/* Is this process the toucher? is_again: its request was left by an earlier worker, and the process may be that
 * one's. */
bool toucher_is(const struct toucher *toucher, pid_t pid, bool is_again);

#endif
