/* serve.h: a session on a mounted descriptor, and the threads that answer its requests.
 *
 * A session is made on a descriptor of /dev/fuse that somebody else mounted (mounting.h), so that a server can start
 * over on a mount that lives on. A fixed set of threads reads requests from it, each into memory of its own, and hands
 * them to libfuse; libfuse's own loop, which makes a thread a request, is not used.
 */
#ifndef CREDFS_SERVE_H
#define CREDFS_SERVE_H

#include "state.h"

#include <signal.h>
#include <stdbool.h>

#ifndef SERVE_THREADS
enum { SERVE_THREADS = 8 };
#endif

struct server;

/* Make the session on device, which it takes over, and answer the kernel's INIT: from then on the mount answers as
 * soon as threads run. Returns false when it cannot, having told why; device is then closed. */
bool serve_open(struct fs_state *fs, int device);

/* End the session; the threads have ended. */
void serve_close(struct fs_state *fs);

/* Start the threads. Call with the signals of serve_signals blocked. When the file system was unmounted (by whomever)
 * the last of them sends SIGTERM to the process. NULL on failure, having told why. */
struct server *serve_start(struct fs_state *fs);

/* End the threads: those that have a request answer it first. The mount is gone or will not be served any more. */
void serve_stop(struct server *server);

/* The signals that end the program: SIGTERM, SIGINT, SIGHUP. */
void serve_signals(sigset_t *signals);

#endif
