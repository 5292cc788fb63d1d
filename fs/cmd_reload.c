/* credfs reload: have a mount read its configuration again, without an interruption for those who use it. */
#include "command.h"
#include "log.h"
#include "mounts.h"
#include "renewal.h"

#include <signal.h>
#include <sysexits.h>

static error_t parse(int key, char *arg, struct argp_state *state)
{
    const char **mountpoint = state->input;

    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    if (state->arg_num > 0)
        return ARGP_ERR_UNKNOWN;
    *mountpoint = arg;
    return 0;
}

static const struct argp argp = {
    .parser = parse,
    .args_doc = "[MOUNTPOINT]",
    .doc =
        "Have the mount on MOUNTPOINT read its configuration again. If anything is wrong in it, the one in force "
        "stays.",
};

int cmd_reload(int argc, char **argv)
{
    const char *mountpoint = NULL;

    argp_parse(&argp, argc, argv, 0, NULL, &mountpoint);
    return renewal_ask(mountpoint, SIGHUP);
}
