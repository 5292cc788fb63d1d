/* serve.h: a session on a mounted descriptor, and the threads that answer its requests.
 *
 * A session is made on the descriptor of /dev/fuse that the keeper holds, so that a worker can start over on a mount
 * that lives on. A fixed set of threads reads requests from it, each into its slot of the region, and hands them to
 * libfuse; libfuse's own loop, which makes a thread a request, is not used.
 */
#ifndef CREDFS_SERVE_H
#define CREDFS_SERVE_H

#include "state.h"

#include <signal.h>
#include <stdbool.h>

struct server;

/* Make the session and feed it the kernel's INIT: the first worker reads it, the next find it in the region. Returns
 * false when it cannot, having told why. */
bool serve_open(struct fs_state *fs);

/* End the session; the threads have ended. The mount goes on. */
void serve_close(struct fs_state *fs);

/* Look at what a worker before this one left unanswered. What may have crashed it is answered here, one after the
 * other, so that a request that crashes us is known; what has crashed two workers, or kept them too long, is answered
 * EIO. The rest is left to the threads. */
void serve_recover(struct fs_state *fs);

/* Start the threads, each with what is left in its slot. Call with the signals of serve_signals blocked. When the file
 * system was unmounted (by whomever) the last of them sends SIGTERM to the process. NULL on failure, having told
 * why. */
struct server *serve_start(struct fs_state *fs);

/* Is the mount gone? Then the threads have ended, or are about to. */
bool serve_is_over(const struct server *server);

/* End the threads: those that have a request answer it first. Returns whether the mount is gone. */
bool serve_stop(struct server *server);

/* The signals that the worker waits for: SIGTERM ends it, SIGCONT has it see whether its keeper is gone. */
void serve_signals(sigset_t *signals);

#endif
