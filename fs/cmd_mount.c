/* credfs mount: show a store as files, until it is unmounted. */
#include "command.h"
#include "daemon.h"
#include "log.h"
#include "mount_options.h"
#include "mount_place.h"
#include "mounts.h"
#include "renewal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { ENDING_MS = 5000, ENDING_STEP_MS = 20 };

struct mount_command {
    struct place place;
    struct mount_options options;
    const char *source;
    const char *given;                                               /* mountpoint; NULL: the default */
    char mountpoint[PATH_SIZE], store[PATH_SIZE], config[PATH_SIZE]; /* as the keeper gets them */
    bool foreground;
    bool is_replacement; /* of the program that serves a mount */
};

/* The keeper's program: beside this one, as make leaves it, or where make install puts it. */
static bool find_keeper(const char *own, char out[static PATH_SIZE])
{
    static const char *const places[] = {"credfs-keeper", "../libexec/credfs/credfs-keeper"};
    const char *slash = strrchr(own, '/');

    for (size_t i = 0; slash && i < sizeof(places) / sizeof(*places); i++) {
        int len = snprintf(out, PATH_SIZE, "%.*s/%s", (int)(slash - own), own, places[i]);
        if (len > 0 && len < PATH_SIZE && access(out, X_OK) == 0)
            return true;
    }
    log_error("credfs-keeper is neither beside %s nor in ../libexec/credfs: install credfs whole", own);
    return false;
}

static bool find_own(char out[static PATH_SIZE])
{
    ssize_t len = readlink("/proc/self/exe", out, PATH_SIZE - 1);

    if (len <= 0)
        return false;
    out[len] = '\0';
    return true;
}

/* Of our descriptors the keeper gets these two alone: another that the caller left open, the end of a pipe or a file
 * with a lock on it, would stay open for as long as the mount. ready: may be -1. */
static bool inherit(int lock, int ready)
{
    return close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0 && fcntl(lock, F_SETFD, 0) == 0 &&
           (ready < 0 || fcntl(ready, F_SETFD, 0) == 0);
}

/* Become the keeper, which starts the worker. ready: what to tell that the mount answers; -1 in the foreground. */
static int become_keeper(struct mount_command *command, int lock, int ready)
{
    static char allow_other[] = "-a", read_only[] = "-r", background[] = "-b", config[] = "--config",
                later_config[] = "--" LATER_CONFIG;
    char own[PATH_SIZE], keeper[PATH_SIZE], source[PATH_SIZE], lock_text[16], ready_text[16];
    char *argv[32] = {(char[]){"credfs-keeper"},
                      (char[]){"-m"},
                      command->mountpoint,
                      (char[]){"-s"},
                      source,
                      (char[]){"-l"},
                      lock_text};
    int count = 7;

    if (!find_own(own) || !find_keeper(own, keeper) || !inherit(lock, ready))
        return EX_OSERR;
    (void)snprintf(source, sizeof(source), "%s", command->source);
    (void)snprintf(lock_text, sizeof(lock_text), "%d", lock);
    (void)snprintf(ready_text, sizeof(ready_text), "%d", ready);
    if (geteuid() == 0 || command->options.allow_other)
        argv[count++] = allow_other;
    if (command->options.read_only)
        argv[count++] = read_only;
    if (ready >= 0) {
        argv[count++] = background;
        argv[count++] = ready_text;
    }
    argv[count++] = own;
    argv[count++] = (char[]){"worker"};
    argv[count++] = (char[]){"--mountpoint"};
    argv[count++] = command->mountpoint;
    argv[count++] = (char[]){"--store"};
    argv[count++] = command->store;
    if (command->place.config) {
        argv[count++] = config;
        argv[count++] = command->config;
    } else if (command->place.config_path[0]) {
        argv[count++] = later_config;
        argv[count++] = command->place.config_path;
    }
    (void)execv(keeper, argv);
    log_error("%s: %s", keeper, strerror(errno));
    return EX_OSERR;
}

/* A path from the root, which may end in a symlink: the worker does not follow one to a configuration file. */
static bool make_absolute(const char *path, char out[static PATH_SIZE])
{
    char *here = *path == '/' ? NULL : getcwd(NULL, 0);
    int len = *path == '/' ? snprintf(out, PATH_SIZE, "%s", path)
              : here       ? snprintf(out, PATH_SIZE, "%s/%s", here, path)
                           : -1;

    free(here);
    return len > 0 && len < PATH_SIZE;
}

/* The worker has another directory than we: whole paths. A file that is not there is told by the worker. */
static bool settle_paths(struct mount_command *command)
{
    if (path_resolve(command->place.store, command->store) &&
        (!command->place.config || make_absolute(command->place.config, command->config)))
        return true;
    log_error("%s: %s", command->place.store, strerror(errno));
    return false;
}

/* Has the store, or had it until now, a daemon whose mount is gone? umount(8) does not wait for the end of it. */
static bool is_ending(const char *store)
{
    const pid_t holder = cf_store_holder(store);
    char mountpoint[PATH_SIZE];

    return holder == 0 || !mount_of_daemon(holder, mountpoint);
}

/* So that `umount DIR && mount DIR` works. */
static enum cf_error lock_store(const char *store, int *lock, struct cf_fault *fault)
{
    const struct timespec step = {.tv_nsec = ENDING_STEP_MS * 1000000L};
    enum cf_error error = cf_store_lock(store, lock, fault);

    for (int waited = 0; error == CF_EBUSY && waited < ENDING_MS && is_ending(store); waited += ENDING_STEP_MS) {
        (void)nanosleep(&step, NULL);
        error = cf_store_lock(store, lock, fault);
    }
    return error;
}

/* From here on in the process that is to keep the mount. */
static int run(void *arg, int ready)
{
    struct mount_command *command = arg;
    struct cf_fault fault = {""};
    int lock = -1, code;
    enum cf_error error = lock_store(command->place.store, &lock, &fault);

    if (error != CF_OK)
        return place_fail(&command->place, error, &fault);
    code = mount_place_settle(command->given, command->place.store, command->mountpoint);
    if (code == 0)
        code = settle_paths(command) ? become_keeper(command, lock, ready) : EX_NOINPUT;
    (void)close(lock);
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
        code = command->foreground ? run(command, -1) : daemon_run(run, command);
    mount_options_release(&command->options);
    return code;
}

enum { REPLACE = 256 };

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
    case REPLACE:
        command->is_replacement = true;
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
    {"replace", REPLACE, NULL, 0, "Put the program that is now on disk in place of the one that serves MOUNTPOINT",
     0},
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
    return command.is_replacement ? renewal_ask(command.given, SIGUSR1) : start(&command);
}

/* Of a user whose environment mount(8) has taken away, mount.fuse3 says that his home is root's. */
static void forget_home_of_root(void)
{
    const char *home = getenv("HOME");

    if (geteuid() != 0 && home && strcmp(home, "/root") == 0)
        (void)unsetenv("HOME");
}

/* credfs SOURCE MOUNTPOINT [-o OPT,…]…: a SOURCE with a slash is the store's path, any other a mere name. */
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
    if (code != 0) {
        mount_options_release(&command.options);
        return code;
    }
    if (strchr(argv[1], '/') && !command.options.store)
        command.place.store = argv[1];
    forget_home_of_root();
    return start(&command);
}
