/* credfs worker: serve a mount. Started by the keeper, never by a person (region.h says what it finds). */
#include "announcer.h"
#include "command.h"
#include "core/chores.h"
#include "core/clock.h"
#include "harden.h"
#include "log.h"
#include "mounting.h"
#include "notify.h"
#include "region.h"
#include "serve.h"
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

struct worker_command {
    struct place place;
    const char *mountpoint;
    const char *later_config; /* NULL, or a file that is taken into use once it is there */
    bool is_fresh;            /* the configuration is read from disk, not taken over */
    bool is_other;            /* and is not that of the worker before */
};

enum { LAST_SECONDS = 10 };

static struct region *map_region(void)
{
    struct region *region = mmap(NULL, sizeof(*region), PROT_READ | PROT_WRITE, MAP_SHARED, WORKER_REGION, 0);

    if (region == MAP_FAILED || madvise(region, sizeof(*region), MADV_DONTDUMP) != 0) {
        log_error("credfs worker is started by `credfs mount`");
        return NULL;
    }
    if (region->layout == REGION_LAYOUT)
        return region;
    log_error("this program cannot go on for a keeper of another version: unmount, and mount again");
    return NULL;
}

static bool keep_to_ourselves(void)
{
    for (int fd = WORKER_DEVICE; fd <= WORKER_READY; fd++)
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
            return false;
    return true;
}

/* A file that came later is as needed from then on as one that was there at first: its loss would change who may do
 * what. */
static void settle_config(struct worker_command *command, const struct cf_sources *in_force)
{
    if (command->later_config && (cf_sources_have(in_force, command->later_config) ||
                                  (command->is_fresh && path_is_there(command->later_config))))
        command->place.config = command->later_config;
}

/* The configuration: as it is on disk, or as the worker before had it. */
static enum cf_error get_sources(struct worker_command *command, const struct region *region,
                                 struct cf_sources **sources)
{
    const struct region_sources *in_force = &region->sources[atomic_load(&region->in_force)];
    enum cf_error error = cf_sources_unpack(in_force->text, in_force->len, sources);

    if (error != CF_OK)
        return error;
    settle_config(command, *sources);
    if (!command->is_fresh)
        return CF_OK;
    cf_sources_free(*sources);
    *sources = cf_sources_new();
    return *sources ? CF_OK : CF_ENOMEM;
}

/* Keep it for the workers that follow, beside the one in force, which it becomes when this worker is ready. */
static enum cf_error put_sources(struct region *region, const struct cf_sources *sources, struct cf_fault *fault)
{
    struct region_sources *next = &region->sources[!atomic_load(&region->in_force)];
    struct cf_text packed = {0};
    enum cf_error error;

    cf_sources_pack(sources, &packed);
    error = cf_text_result(&packed);
    if (error == CF_OK && packed.len >= REGION_SOURCES) {
        cf_fault_set(fault, "the configuration files have more than %d bytes together", REGION_SOURCES - 1);
        error = CF_ECONFIG;
    }
    if (error == CF_OK && packed.len > 0)
        memcpy(next->text, packed.data, packed.len + 1);
    next->len = error == CF_OK ? packed.len : 0;
    cf_text_release(&packed);
    return error;
}

static bool is_other(const struct region *region)
{
    const struct region_sources *one = &region->sources[0], *other = &region->sources[1];

    return one->len != other->len || memcmp(one->text, other->text, one->len) != 0;
}

static enum cf_error open_vault(struct worker_command *command, struct region *region, struct cf_vault **vault,
                                struct cf_fault *fault)
{
    struct cf_vault_options options = {
        .store = command->place.store, .mode = CF_STORE_OWN, .handover = &region->handover};
    enum cf_error error = cf_crypto_start(fault);

    region->handover.lock = WORKER_LOCK;
    if (error == CF_OK)
        error = get_sources(command, region, &options.sources);
    options.config = command->place.config;
    if (error == CF_OK)
        error = cf_vault_open(&options, vault, fault);
    if (error == CF_OK && command->is_fresh)
        error = put_sources(region, options.sources, fault);
    command->is_other = command->is_fresh && is_other(region);
    cf_sources_free(options.sources);
    return error;
}

/* The first one keeps the user's terminal until here, to tell what is wrong. */
static void tell_ready(struct fs_state *fs, const struct worker_command *command)
{
    if (command->is_other && atomic_load(&fs->region->starts) > 1)
        announcer_all(fs->announcer);
    if (command->is_fresh)
        atomic_fetch_xor(&fs->region->in_force, 1);
    atomic_store(&fs->region->patience, (uint32_t)(fs->vault->config->patience / CF_SECOND));
    if (fs->region->is_background)
        log_to_background();
    (void)!write(WORKER_READY, "", 1);
    (void)close(WORKER_READY);
    notify_ready();
    if (atomic_load(&fs->region->starts) == 1)
        log_notice("mounted on %s", fs->mountpoint);
}

/* When its keeper ends, whoever takes orphans in becomes the worker's parent. */
static bool is_orphan(const struct region *region)
{
    return getppid() != region->keeper;
}

/* Beat until the keeper is gone, or SIGTERM comes: to end when what is under way is answered, or because all threads
 * have ended. */
static void beat(struct fs_state *fs, const sigset_t *signals)
{
    const struct timespec pause = {.tv_nsec = 1000 * 1000 * 1000 / REGION_BEATS_A_SECOND};
    int number;

    do {
        atomic_fetch_add(&fs->region->beat, 1);
        notify_watchdog();
        number = sigtimedwait(signals, NULL, &pause);
    } while (number != SIGTERM && !is_orphan(fs->region));
}

/* Without its keeper the worker is the last to hold the mount: whoever waits for an answer gets an error when it
 * ends. */
static void end_mount(const char *mountpoint, const struct region *region)
{
    log_error("the keeper of %s is gone: the mount is ended", mountpoint);
    mounting_undo(mountpoint, region->device);
}

static int serve(struct fs_state *fs, const struct worker_command *command, const sigset_t *signals)
{
    struct cf_chores chores = {.vault = fs->vault, .destroyed = fs_destroyed_app, .arg = fs};
    struct server *server;
    int code = WORKER_DRAINED;

    if (!serve_open(fs))
        return EX_OSERR;
    serve_recover(fs);
    server = cf_chores_start(&chores) == CF_OK ? serve_start(fs) : NULL;
    if (!server || !announcer_start(fs->announcer)) {
        cf_house_stop(fs->vault->house);
        (void)serve_stop(server);
        serve_close(fs);
        return EX_OSERR;
    }
    notify_start();
    tell_ready(fs, command);
    beat(fs, signals);
    if (serve_is_over(server) || is_orphan(fs->region))
        notify_stopping();
    else
        notify_reloading();
    (void)alarm(LAST_SECONDS); /* a request that hangs does not keep us */
    /* Both while requests are answered: they may wait for what one of them holds in the kernel. */
    cf_house_stop(fs->vault->house);
    announcer_stop(fs->announcer);
    if (is_orphan(fs->region))
        end_mount(fs->mountpoint, fs->region);
    if (serve_stop(server))
        code = WORKER_UNMOUNTED;
    serve_close(fs);
    return code;
}

static int run(struct worker_command *command, struct region *region)
{
    struct cf_vault *vault = NULL;
    struct cf_fault fault = {""};
    struct fs_state fs;
    sigset_t signals;
    int code;
    enum cf_error error;

    serve_signals(&signals);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN); /* from the terminal: the keeper has it too, and ends us */
    (void)signal(SIGHUP, SIG_IGN); /* meant for the keeper, which has the same name to pkill(1) */
    error = open_vault(command, region, &vault, &fault);
    if (error == CF_OK)
        error = fs_state_start(&fs, vault, region, command->mountpoint, command->place.config);
    if (error != CF_OK) {
        cf_vault_close(vault);
        return command_fail(error, &fault);
    }
    code = serve(&fs, command, &signals);
    fs_state_release(&fs);
    cf_vault_close(vault);
    return code;
}

enum { FRESH = 256, MOUNTPOINT, LATER };

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct worker_command *command = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &command->place;
        return 0;
    case FRESH:
        command->is_fresh = true;
        return 0;
    case MOUNTPOINT:
        command->mountpoint = arg;
        return 0;
    case LATER:
        command->later_config = arg;
        return 0;
    case ARGP_KEY_END:
        if (!command->mountpoint || !command->place.store)
            argp_error(state, "is started by `credfs mount`");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"mountpoint", MOUNTPOINT, "DIR", 0, "Where it is mounted", 0},
    {LATER_CONFIG, LATER, "FILE", 0, "Use this configuration file once it is there", 0},
    {"fresh", FRESH, NULL, 0, "Read the configuration from disk", 0},
    {0},
};

static const struct argp_child children[] = {{&place_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .doc = "Serve a mount; started by `credfs mount`.",
    .children = children,
};

int cmd_worker(int argc, char **argv)
{
    struct worker_command command = {0};
    struct region *region;
    int code;

    argp_parse(&argp, argc, argv, 0, NULL, &command);
    if (!harden() || !keep_to_ourselves())
        return EX_OSERR;
    region = map_region();
    if (!region)
        return EX_SOFTWARE;
    if (region->is_background && atomic_load(&region->starts) > 1)
        log_to_background();
    code = run(&command, region);
    notify_flush();
    if (is_orphan(region))
        end_mount(command.mountpoint, region);
    return code;
}
