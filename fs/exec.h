/* exec.h: a command run with an App's values in its environment.
 *
 * The values are read by the process that is then replaced by the command: no other one ever has them, and nothing is
 * written anywhere. What held them beside the environment itself is wiped before that.
 */
#ifndef CREDFS_EXEC_H
#define CREDFS_EXEC_H

#include "core/credential.h"
#include "paths.h"

#include <stdbool.h>
#include <stddef.h>

struct exec_task {
    char mountpoint[PATH_SIZE];
    const char *app;
    const char *view; /* below views/ */
    char **command;   /* its arguments; ends with NULL */
};

/* An environment. Its variables are the caller's, or lie in held. */
struct exec_env {
    char **vars; /* ends with NULL */
    size_t count;
    struct cf_secret *held[CF_FIELD_COUNT + 3]; /* a field each, API_APP, APIS, the view itself */
    size_t held_count;
};

/* Read the view and make the environment: the caller's, and over it what the view says. The view json gives API_KEY,
 * API_SECRET and so on, APIS and API_APP, and takes away those of these names that the App has no value for; any other
 * is read as lines NAME=value, to the letter, but for blank ones and those that begin with '#'.
 * Returns 0, or an exit code; has told why. Release env in both cases. */
int exec_env_make(const struct exec_task *task, struct exec_env *env);
void exec_env_release(struct exec_env *env);

/* Become the command; it is looked for in the PATH of the caller. Returns only when that fails, with 127 when it is not
 * found and 126 otherwise, as env(1) does; has told why. */
int exec_become(const struct exec_task *task, const struct exec_env *env);

/* Run the command in a child, in a process group of its own, and when the App's values change send it this signal,
 * or start it anew (0).
 * Returns what the command returned, unless this process dies by the signal that the command died by. */
int exec_watch(const struct exec_task *task, int signal);

#endif
