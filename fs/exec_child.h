/* exec_child.h: a child that reads an App's values, comes to a gate, and becomes the command when that is opened.
 *
 * It has a process group of its own from the beginning, and gets SIGTERM when its parent dies.
 */
#ifndef CREDFS_EXEC_CHILD_H
#define CREDFS_EXEC_CHILD_H

#include "exec.h"

#include <signal.h>
#include <sys/types.h>

struct exec_child {
    pid_t pid;     /* 0: there is none */
    int gate;      /* our end of it: readable when the child has come to it or has ended; or -1 */
    bool is_ready; /* it has come to the gate */
};

/* How the caller of credfs had the signals that its parent now has otherwise: the command gets them so. */
struct exec_signals {
    sigset_t mask;
    struct sigaction child; /* SIGCHLD's */
};

/* child: without one. Returns false when there can be none; has told why. */
bool exec_child_start(struct exec_child *child, const struct exec_task *task, const struct exec_signals *signals);

/* Its gate is readable. */
void exec_child_hear(struct exec_child *child);

/* Open the gate of one that is ready, which is then no child of this kind any more. Returns its pid. */
pid_t exec_child_release(struct exec_child *child);

/* It has ended and was waited for; or have it end. There may be none. */
void exec_child_ended(struct exec_child *child);
void exec_child_drop(struct exec_child *child);

#endif
