/* hooks.h: requests that crash, kill or hang the worker, for the tests of the keeper. Built only with
 * CREDFS_TEST_HOOKS; a program that people run has nothing of this in it.
 */
#ifndef CREDFS_HOOKS_H
#define CREDFS_HOOKS_H

#include <linux/fuse.h>

#ifdef CREDFS_TEST_HOOKS

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A look-up of one of these names, in any directory. */
static inline void hook_request(const struct fuse_in_header *header)
{
    const char *name = (const char *)(header + 1);

    if (header->opcode != FUSE_LOOKUP)
        return;
    if (strcmp(name, "credfs-test-crash") == 0)
        abort();
    if (strcmp(name, "credfs-test-kill") == 0)
        (void)raise(SIGKILL);
    if (strcmp(name, "credfs-test-hang") == 0)
        for (;;)
            (void)pause();
}

#else

static inline void hook_request(const struct fuse_in_header *header)
{
    (void)header;
}

#endif

#endif
