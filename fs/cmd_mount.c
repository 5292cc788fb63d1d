/* credfs mount: show a store as files, until it is unmounted. */
#include "command.h"
#include "daemon.h"
#include "log.h"
#include "mount_options.h"
#include "mount_place.h"
#include "mounting.h"
#include "serve.h"
#include "state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

struct mount_command {
    struct place place;
    struct mount_options options;
    const char *source;
    const char *given; /* mountpoint; NULL: the default */
    char mountpoint[PATH_SIZE];
    bool foreground;
};

/* No debugger, no core file, no file that others can read: before there is a key in memory. */
static int harden(void)
{
    const struct rlimit none = {0, 0};

    (void)umask(077);
    if (setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0)
        return 0;
    log_error("the process cannot be kept from being dumped: %s", strerror(errno));
    return EX_OSERR;
}

static int open_vault(const struct mount_command *command, struct cf_vault **vault)
{
    const struct cf_vault_options options = {
        .store = command->place.store, .config = command->place.config, .mode = CF_STORE_OWN};
    struct cf_fault fault = {""};
    enum cf_error error = cf_crypto_start(&fault);

    if (error == CF_OK)
        error = cf_vault_open(&options, vault, &fault);
    return error == CF_OK ? 0 : command_fail(error, &fault);
}

static int serve_until_signal(struct fs_state *fs, const sigset_t *signals)
{
    struct server *server = serve_start(fs);
    int number;

    if (!server)
        return EX_OSERR;
    daemon_ready();
    log_notice("mounted on %s", fs->mountpoint);
    while (sigwait(signals, &number) != 0)
        continue;
    mounting_undo(fs->mountpoint);
    serve_stop(server);
    return 0;
}

static int mount_and_serve(struct mount_command *command, struct fs_state *fs, const sigset_t *signals)
{
    const struct mounting mounting = {
        .mountpoint = command->mountpoint,
        .source = command->source,
        .allow_other = geteuid() == 0 || command->options.allow_other,
        .read_only = command->options.read_only,
    };
    int device = mounting_do(&mounting);
    int code = EX_OSERR;

    if (device < 0)
        return EX_OSERR;
    if (serve_open(fs, device)) {
        code = serve_until_signal(fs, signals);
        serve_close(fs);
    }
    if (code != 0)
        mounting_undo(command->mountpoint);
    return code;
}

/* From here on in the process that serves. */
static int run(void *arg)
{
    struct mount_command *command = arg;
    struct cf_vault *vault = NULL;
    struct fs_state fs;
    enum cf_error error;
    sigset_t signals;
    int code = harden();

    serve_signals(&signals);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    if (code == 0)
        code = open_vault(command, &vault);
    if (code == 0)
        code = mount_place_settle(command->given, command->place.store, command->mountpoint);
    if (code == 0) {
        error = fs_state_start(&fs, vault, command->mountpoint);
        code = error == CF_OK ? mount_and_serve(command, &fs, &signals) : command_fail(error, NULL);
        if (error == CF_OK)
            fs_state_release(&fs);
    }
    cf_vault_close(vault);
    return code;
}

/* What -o says stands behind what --store and --config say. */
static int start(struct mount_command *command)
{
    int code;

    if (!command->place.store)
        command->place.store = command->options.store;
    if (!command->place.config)
        command->place.config = command->options.config;
    code = place_settle(&command->place);
    if (code == 0)
        code = command->foreground ? run(command) : daemon_run(run, command);
    mount_options_release(&command->options);
    return code;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct mount_command *command = state->input;
    int code;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &command->place;
        return 0;
    case 'f':
        command->foreground = true;
        return 0;
    case 'o':
        code = mount_options_parse(&command->options, arg);
        if (code != 0)
            exit(code);
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            return ARGP_ERR_UNKNOWN;
        command->given = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"foreground", 'f', NULL, 0, "Stay in the foreground; messages go to stderr", 0},
    {NULL, 'o', "OPT,...", 0, "Mount options: allow_other (root always has it), ro, store=DIR, config=FILE", 0},
    {0},
};

static const struct argp_child children[] = {{&place_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "[MOUNTPOINT]",
    .doc = "Show a store as files on MOUNTPOINT, and return once it answers.",
    .children = children,
};

int cmd_mount(int argc, char **argv)
{
    struct mount_command command = {.source = "credfs"};

    argp_parse(&argp, argc, argv, 0, NULL, &command);
    return start(&command);
}

/* credfs SOURCE MOUNTPOINT [-o OPT,…]…: a SOURCE that is an absolute path is the store. */
int cmd_mount8(int argc, char **argv)
{
    struct mount_command command = {.source = argv[1], .given = argv[2]};
    int option, code = 0;

    optind = 3;
    while (code == 0 && (option = getopt(argc, argv, "+o:fnsv")) != -1) {
        if (option == 'o')
            code = mount_options_parse(&command.options, optarg);
        else if (option == '?')
            code = EX_USAGE;
    }
    if (code == 0 && optind < argc) {
        log_error("%s: one argument too many: credfs SOURCE MOUNTPOINT [-o OPT,...]", argv[optind]);
        code = EX_USAGE;
    }
    if (code != 0)
        return code;
    if (argv[1][0] == '/' && !command.options.store)
        command.place.store = argv[1];
    return start(&command);
}
