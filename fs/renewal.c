#include "renewal.h"

#include "client.h"
#include "command.h"
#include "log.h"
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_MS = 60000, STEP_MS = 20 };

static long count_of(const char *mountpoint, const char *name)
{
    char text[32];

    return mount_status(mountpoint, name, text, sizeof(text)) ? strtol(text, NULL, 10) : -1;
}

/* Look at the configuration as the worker will, so that the person who asks is told what is wrong in it. */
static int look_at_configuration(const char *mountpoint, pid_t keeper)
{
    char store[PATH_SIZE], config[PATH_SIZE];
    struct place place = {.store = store, .config = config};
    struct cf_vault *vault = NULL;
    int code;

    if (!mount_status(mountpoint, "store", store, sizeof(store)) ||
        !mount_status(mountpoint, "config", config, sizeof(config))) {
        log_error("%s: its status cannot be read: are you the user who mounted it?", mountpoint);
        return EX_NOPERM;
    }
    if (strcmp(config, "none") == 0 && !mount_later_config(keeper, config)) {
        log_error("%s was mounted without a configuration file: unmount, and mount with --config", mountpoint);
        return EX_CONFIG;
    }
    if (!path_is_there(config)) {
        log_error("%s: no such file: write it, and try again; what is in force on %s stays", config, mountpoint);
        return EX_CONFIG;
    }
    code = command_open(&place, &vault);
    cf_vault_close(vault);
    return code;
}

/* One renewal after the other, so that each who asks learns what became of his own. Returns a descriptor, held until
 * the process ends; -1 when there is none to be had. */
static int take_turn(const char *mountpoint)
{
    char store[PATH_SIZE];
    int turn = -1;

    if (mount_status(mountpoint, "store", store, sizeof(store)))
        turn = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (turn >= 0 && flock(turn, LOCK_EX) == 0)
        return turn;
    log_error("%s: its store cannot be opened: are you the user who mounted it?", mountpoint);
    return -1;
}

static int wait_for(const char *mountpoint, pid_t keeper, long renewed, long refused)
{
    const struct timespec step = {.tv_nsec = STEP_MS * 1000 * 1000};

    for (int waited = 0; waited < WAIT_MS; waited += STEP_MS) {
        if (count_of(mountpoint, "renewed") > renewed)
            return 0;
        if (count_of(mountpoint, "refused") > refused) {
            log_error("the new one did not start, the old one goes on: the daemon's log tells why");
            return EX_UNAVAILABLE;
        }
        if (kill(keeper, 0) != 0) {
            log_error("%s: its keeper has ended: its log tells why", mountpoint);
            return EX_UNAVAILABLE;
        }
        (void)nanosleep(&step, NULL);
    }
    log_error("%s: no answer from its keeper for %d seconds", mountpoint, WAIT_MS / 1000);
    return EX_TEMPFAIL;
}

int renewal_ask(const char *given, int number)
{
    char mountpoint[PATH_SIZE];
    long renewed, refused;
    pid_t keeper;
    int code;

    code = client_own_mount(given, "as an argument", mountpoint);
    if (code != 0)
        return code;
    keeper = mount_daemon(mountpoint);
    if (keeper == 0) {
        log_error("%s: its status cannot be read: another user mounted it, or its daemon has died", mountpoint);
        return EX_UNAVAILABLE;
    }
    code = take_turn(mountpoint) < 0 ? EX_NOPERM : 0;
    if (code == 0 && number == SIGHUP)
        code = look_at_configuration(mountpoint, keeper);
    if (code != 0)
        return code;
    renewed = count_of(mountpoint, "renewed");
    refused = count_of(mountpoint, "refused");
    if (kill(keeper, number) == 0)
        return wait_for(mountpoint, keeper, renewed, refused);
    log_error("process %ld, which keeps %s: %s", (long)keeper, mountpoint, strerror(errno));
    return EX_NOPERM;
}
