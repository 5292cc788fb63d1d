/* harden.h: what a process does before it holds a key. */
#ifndef CREDFS_HARDEN_H
#define CREDFS_HARDEN_H

#include <stdbool.h>

/* No debugger, no core file, no file that others can read. Returns false when it cannot be had, having told why. */
bool harden(void);

/* The part of it that ends with execve(2): no debugger and no core file until then. The program that is executed gets
 * the limits and the umask that this one was given. */
bool harden_until_exec(void);

#endif
