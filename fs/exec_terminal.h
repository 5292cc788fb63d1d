/* exec_terminal.h: whose the terminal is, while a command runs in a process group of its own beside this process.
 *
 * The terminal stays with the caller's process group, where an interrupt reaches all of a job, until the command asks
 * for it: to read from a terminal that one is not in the foreground of, or to set it, stops the whole group with
 * SIGTTIN or SIGTTOU. SIGTTOU has to be blocked in who calls these.
 */
#ifndef CREDFS_EXEC_TERMINAL_H
#define CREDFS_EXEC_TERMINAL_H

#include <stdbool.h>
#include <sys/types.h>

/* Returns a descriptor of the session's terminal, or -1: there is none. The functions below do nothing then. */
int exec_terminal_open(void);

/* The caller's process group has it. */
bool exec_terminal_is_ours(int terminal);

/* Give it to this group, where the caller's has it. Returns whether it was given. */
bool exec_terminal_lend(int terminal, pid_t group);

/* Give it back to the caller's group, where this one has it. Returns whether it had. */
bool exec_terminal_take(int terminal, pid_t group);

/* Stop the caller's process group with SIGTSTP, SIGTTIN or SIGTTOU, which the caller has blocked. Returns when it is
 * continued; and at once where nobody could continue it (an orphaned process group, setpgid(2)). */
void exec_terminal_stop(int number);

#endif
