/* renewal.h: asking the keeper of a mount to put something new in place, and waiting for what comes of it. */
#ifndef CREDFS_RENEWAL_H
#define CREDFS_RENEWAL_H

/* Send number to the keeper of the mount (NULL: one's own): SIGHUP for the configuration, which is looked at
 * first; SIGUSR1 for the program. Returns 0 when the new one serves, or an exit code, having told why not. */
int renewal_ask(const char *mountpoint, int number);

#endif
