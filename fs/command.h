/* command.h: what the subcommands share.
 *
 * A subcommand is a function in a file of its own and a row of the table in main.c. It returns an exit code of
 * sysexits.h; results go to stdout, messages to stderr (log.h).
 */
#ifndef CREDFS_COMMAND_H
#define CREDFS_COMMAND_H

#include "core/vault.h"
#include "paths.h"

#include <argp.h>
#include <jansson.h>
#include <stdbool.h>

#define CREDFS_VERSION "0.1.0"

int cmd_init(int argc, char **argv);
int cmd_mount(int argc, char **argv);
int cmd_umount(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_audit(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_policy(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_reveal(int argc, char **argv);
int cmd_exec(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_reconcile(int argc, char **argv);
int cmd_worker(int argc, char **argv);
int cmd_touch(int argc, char **argv);

/* The form that mount(8) calls: credfs SOURCE MOUNTPOINT [-o OPT,…]. */
int cmd_mount8(int argc, char **argv);

/* Where the store and its configuration are: --store and --config, or the defaults. */
struct place {
    const char *store;  /* NULL: the default */
    const char *config; /* NULL: the default, if there is such a file */
    char store_path[PATH_SIZE];
    char config_path[PATH_SIZE]; /* the default, "" where there is no home directory */
};

/* The worker's option for the default configuration file of a mount that began without one. */
#define LATER_CONFIG "later-config"

/* Argp children that take --store and --config, and --store alone; their input is a struct place. */
extern const struct argp place_argp;
extern const struct argp place_store_argp;

/* Give store and config their defaults where they were not said. config stays NULL when it was not said and the
 * default file is not there. Returns 0 or an exit code; has told why. */
int place_settle(struct place *place);

/* The user whom a person names: a name or number, with or without `user:` before it.
 * Returns 0 or an exit code; has told why. */
int command_user(const char *word, uint32_t *uid);

/* Start the cryptography and open what place says, to look at it. Returns 0 or an exit code; has told why. */
int command_open(struct place *place, struct cf_vault **vault);

/* The same of a place that is settled. */
int command_look(const struct place *place, struct cf_vault **vault);

/* Tell what failed (fault->text, or the error's own words) and what can be done, and give the exit code for it. */
int command_fail(enum cf_error error, const struct cf_fault *fault);

/* The same of what opening a store gave: what can be done says to which store or mount. */
int place_fail(const struct place *place, enum cf_error error, const struct cf_fault *fault);

/* Print a JSON value and release it; NULL, as jansson makes of text that is not UTF-8, is told.
 * Returns 0 or an exit code. */
int command_json(json_t *value);

/* Where many Apps are worked on and stderr is a terminal, show there now and then how far it has come: "exported 5000
 * Apps". what: NULL at the end, which takes the line away. */
void command_progress(const char *what, int64_t apps);

/* Flush stdout. Returns 0, or EX_IOERR when something of the results was lost; has told why. */
int command_finish(void);

#endif
