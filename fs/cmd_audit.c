/* credfs audit: show, follow and verify the audit log. */
#include "client.h"
#include "command.h"
#include "core/clock.h"
#include "core/witness.h"
#include "log.h"
#include "mounts.h"
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sysexits.h>
#include <unistd.h>

enum { FOLLOW_MS = 1000 };

struct options {
    struct place place;
    struct record_filter filter;
    const char *user;       /* NULL: any */
    const char *mountpoint; /* NULL: not said */
    bool follow, json, verify;
};

static const struct argp_option argp_options[] = {
    {"app", 'a', "APP", 0, "Only records of this App (its name, or its id)", 0},
    {"user", 'u', "USER", 0, "Only records of this user: alice, 1007, user:alice or user:1007", 0},
    {"since", 's', "WHEN", 0, "Only records from then on: 2027-03-01, 2027-03-01T08:00:00Z, or 24h (ago)", 0},
    {"follow", 'f', NULL, 0, "Go on with new records as they are written", 0},
    {"json", 'j', NULL, 0, "Print the records as they are: a JSON object a line", 0},
    {"mount", 'm', "MOUNTPOINT", 0, "Read the log of the store that is mounted there, by the right to do so", 0},
    {"verify", 'v', NULL, 0, "Verify the whole log instead, and name each thing that is wrong", 0},
    {0},
};

static const struct argp_child children[] = {{.argp = &place_store_argp}, {0}};

static void parse_since(const char *arg, struct record_filter *filter, struct argp_state *state)
{
    int64_t back;

    if (cf_duration_parse(arg, strlen(arg), &back))
        filter->since = cf_now() - back;
    else if (!cf_time_parse(arg, strlen(arg), &filter->since))
        argp_error(state, "%s: not a time: write 2027-03-01, 2027-03-01T08:00:00Z, or 24h for one day back", arg);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->place;
        return 0;
    case 'a':
        options->filter.app = arg;
        return 0;
    case 'u':
        options->user = arg;
        return 0;
    case 's':
        parse_since(arg, &options->filter, state);
        return 0;
    case 'f':
        options->follow = true;
        return 0;
    case 'j':
        options->json = true;
        return 0;
    case 'v':
        options->verify = true;
        return 0;
    case 'm':
        options->mountpoint = arg;
        return 0;
    case ARGP_KEY_END:
        if (options->mountpoint && options->place.store)
            argp_error(state, "--mount and --store do not go together");
        if (options->mountpoint && options->verify)
            argp_error(state, "--verify needs the store itself and its key, not a mount");
        if (options->verify && options->follow)
            argp_error(state, "--verify and --follow do not go together");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = argp_options,
    .parser = parse,
    .doc =
        "Show the audit log: who revealed, changed or was denied what, when and why. Of a store that another user "
        "owns, out of its mount.\v"
        "With --verify, exit code 0: the log is whole. 65: a record was edited, dropped, reordered or cut off, "
        "and is named.",
    .children = children,
};

/* --- verify ------------------------------------------------------------------------------------------------------ */

static void print_finding(void *arg, int64_t line, const char *what)
{
    (void)arg;
    if (line > 0)
        printf("line %" PRId64 ": %s\n", line, what);
    else
        printf("head: %s\n", what);
}

static void collect_finding(void *arg, int64_t line, const char *what)
{
    json_array_append_new(arg, json_pack("{s:I, s:s}", "line", (json_int_t)line, "what", what));
}

static int verify(struct cf_store *store, bool json)
{
    json_t *findings = json_array();
    int64_t records = 0;
    enum cf_error error = cf_witness_verify(store, json ? collect_finding : print_finding, findings, &records);
    int code = error == CF_OK || error == CF_ETAMPER ? 0 : command_fail(error, NULL);

    if (code == 0 && json)
        code = command_json(json_pack("{s:I, s:O}", "records", (json_int_t)records, "findings", findings));
    else if (code == 0)
        printf("%" PRId64 " records verify%s\n", records, error == CF_OK ? ": the log is whole" : "");
    json_decref(findings);
    if (code == 0)
        code = command_finish();
    return code == 0 && error == CF_ETAMPER ? EX_DATAERR : code;
}

/* --- show -------------------------------------------------------------------------------------------------------- */

static void show_line(const char *line, size_t len, const struct options *options)
{
    json_t *record = json_loadb(line, len, 0, NULL);

    if (!record)
        log_warning("a line of the log is no record: credfs audit --verify names it");
    else if (record_wanted(record, &options->filter) && options->json)
        fwrite(line, 1, len, stdout);
    else if (record_wanted(record, &options->filter))
        record_print(record);
    json_decref(record);
}

/* Show the whole lines from where the log stands on; a line that is still being written is read again later. */
static void show_new(FILE *log, const struct options *options)
{
    char *line = NULL;
    size_t size = 0;
    off_t start = ftello(log);
    ssize_t len;

    while ((len = getline(&line, &size, log)) > 0 && line[len - 1] == '\n') {
        show_line(line, (size_t)len, options);
        start += len;
    }
    fseeko(log, start, SEEK_SET);
    free(line);
}

/* New lines are told by inotify; the time limit is for what it cannot tell, as when stdout's reader goes away. */
static int follow(FILE *log, const struct options *options)
{
    char path[64], events[4096];
    int code = 0;
    struct pollfd ready[2] = {{.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), .events = POLLIN},
                              {.fd = STDOUT_FILENO, .events = 0}};

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(log));
    if (ready[0].fd >= 0)
        inotify_add_watch(ready[0].fd, path, IN_MODIFY);
    while (code == 0 && !(ready[1].revents & (POLLERR | POLLHUP))) {
        show_new(log, options);
        code = command_finish();
        if (code == 0 && poll(ready, 2, FOLLOW_MS) < 0 && errno != EINTR)
            code = EX_OSERR;
        while (read(ready[0].fd, events, sizeof(events)) > 0)
            ;
    }
    if (ready[0].fd >= 0)
        close(ready[0].fd);
    return code;
}

/* log: closed here; NULL where it could not be opened, with errno set. */
static int show(FILE *log, const char *name, const struct options *options)
{
    int code;

    if (!log) {
        log_error("%s: %s", name, strerror(errno));
        return errno == EACCES ? EX_NOPERM : EX_NOINPUT;
    }
    if (options->follow) {
        code = follow(log, options);
    } else {
        show_new(log, options);
        code = command_finish();
    }
    fclose(log);
    return code;
}

static int show_store(const struct cf_store *store, const struct options *options)
{
    const int fd = openat(cf_store_dir(store), "audit.log", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    char name[PATH_SIZE + 16];

    (void)snprintf(name, sizeof(name), "%s/audit.log", cf_store_path(store));
    return show(fd >= 0 ? fdopen(fd, "r") : NULL, name, options);
}

/* --- of a mount, for who may read the log and not the store ------------------------------------------------------- */

/* Is it that store which is mounted there? */
static bool is_of(const char *mountpoint, const char *store)
{
    char wanted[PATH_SIZE], mounted[PATH_SIZE];

    return path_resolve(store, wanted) && mount_status(mountpoint, "store", mounted, sizeof(mounted)) &&
           strcmp(wanted, mounted) == 0;
}

/* store: NULL for that of any mount. */
static int show_mount(const char *store, const struct options *options)
{
    char mountpoint[PATH_SIZE], name[PATH_SIZE + 8];
    int code = client_mount(options->mountpoint, mountpoint);

    if (code != 0)
        return code;
    if (store && !is_of(mountpoint, store)) {
        log_error("%s is another's, and not mounted on %s: name its mountpoint with --mount", store, mountpoint);
        return EX_NOPERM;
    }
    (void)snprintf(name, sizeof(name), "%s/audit", mountpoint);
    return show(fopen(name, "re"), name, options);
}

/* The log is read without configuration and catalogue: it must be readable when those are wrong. */
static int look(struct options *options)
{
    struct cf_store *store = NULL;
    struct cf_fault fault = {""};
    enum cf_error error;
    int code;

    if (options->mountpoint)
        return show_mount(NULL, options);
    code = place_settle(&options->place);
    if (code != 0)
        return code;
    error = cf_crypto_start(&fault);
    if (error == CF_OK)
        error = cf_store_open(options->place.store, CF_STORE_OBSERVE, NULL, &store, &fault);
    if (error == CF_EDENIED && !options->verify)
        return show_mount(options->place.store, options);
    if (error != CF_OK)
        return place_fail(&options->place, error, &fault);
    code = options->verify ? verify(store, options->json) : show_store(store, options);
    cf_store_close(store);
    return code;
}

int cmd_audit(int argc, char **argv)
{
    struct options options = {0};
    int code;

    argp_parse(&argp, argc, argv, 0, NULL, &options);
    options.filter.by_user = options.user != NULL;
    code = options.user ? command_user(options.user, &options.filter.uid) : 0;
    return code == 0 ? look(&options) : code;
}
