/* harden.h: what a process does before it holds a key. */
#ifndef CREDFS_HARDEN_H
#define CREDFS_HARDEN_H

#include <stdbool.h>

/* No debugger, no core file, no file that others can read. Returns false when it cannot be had, having told why. */
bool harden(void);

#endif
