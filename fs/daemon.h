/* daemon.h: run in the background, once it is known that it runs. */
#ifndef CREDFS_DAEMON_H
#define CREDFS_DAEMON_H

/* Run body in a process of its own session, in the background; return 0 as soon as a byte comes over ready, a
 * descriptor that body may hand on, or its exit code if it ends before. Until then its stderr is the caller's. Only
 * for a process without threads. */
int daemon_run(int (*body)(void *arg, int ready), void *arg);

#endif
