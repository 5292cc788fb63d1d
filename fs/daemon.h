/* daemon.h: run in the background, once it is known that it runs. */
#ifndef CREDFS_DAEMON_H
#define CREDFS_DAEMON_H

/* Run body in a process of its own session, in the background; return 0 as soon as it calls daemon_ready, or its exit
 * code if it ends before. Until then its stderr is the caller's. Only for a process without threads. */
int daemon_run(int (*body)(void *arg), void *arg);

/* In body: let the waiting process go, and leave its directory, its descriptors 0 to 2, and stderr for syslog. Does
 * nothing where daemon_run is not at work. */
void daemon_ready(void);

#endif
