/* credfs status: where the store is, who has it, what it holds; mounted or not. */
#include "command.h"
#include "mounts.h"
#include "record.h"

#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

struct options {
    struct place place;
    bool json;
};

struct status {
    const char *store, *config;
    pid_t holder; /* 0: nobody */
    char mountpoint[PATH_SIZE];
    bool mounted;
    struct cf_counts counts;
};

static const struct argp_option argp_options[] = {
    {"json", 'j', NULL, 0, "Print JSON", 0},
    {0},
};

static const struct argp_child children[] = {{.argp = &place_argp}, {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;

    (void)arg;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->place;
        return 0;
    case 'j':
        options->json = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = argp_options,
    .parser = parse,
    .doc = "Show where the store is, who has it, and what it holds; whether it is mounted or not.",
    .children = children,
};

static int print_text(const struct status *status)
{
    printf("version = %s\nstore = %s\n", CREDFS_VERSION, status->store);
    if (status->config)
        printf("config = %s\n", status->config);
    printf("mounted = %s\n", status->mounted ? "yes" : "no");
    if (status->mounted)
        printf("mountpoint = %s\n", status->mountpoint);
    if (status->holder != 0)
        printf("pid = %ld\n", (long)status->holder);
    printf("apps = %" PRId64 "\ntrash = %" PRId64 "\napis = %" PRId64 "\nrecords = %" PRId64 "\n",
           status->counts.apps, status->counts.trash, status->counts.apis, status->counts.records);
    return command_finish();
}

static int print_json(const struct status *status)
{
    json_t *out = json_pack("{s:s, s:s, s:s?, s:b, s:s?, s:o, s:I, s:I, s:I, s:I}", "version", CREDFS_VERSION,
                            "store", status->store, "config", status->config, "mounted", status->mounted,
                            "mountpoint", status->mounted ? status->mountpoint : NULL, "pid",
                            status->holder ? json_integer(status->holder) : json_null(), "apps",
                            (json_int_t)status->counts.apps, "trash", (json_int_t)status->counts.trash, "apis",
                            (json_int_t)status->counts.apis, "records", (json_int_t)status->counts.records);

    return command_json(out);
}

int cmd_status(int argc, char **argv)
{
    struct options options = {0};
    struct status status = {0};
    struct cf_vault *vault = NULL;
    enum cf_error error;
    int code;

    argp_parse(&argp, argc, argv, 0, NULL, &options);
    code = command_open(&options.place, &vault);
    if (code != 0)
        return code;
    status.store = options.place.store;
    status.config = options.place.config;
    status.holder = cf_store_holder(status.store);
    status.mounted = status.holder != 0 && mount_of_daemon(status.holder, status.mountpoint);
    error = cf_vault_count(vault, &status.counts);
    status.counts.records = record_last(cf_store_dir(vault->store)); /* an observer's vault has no log to ask */
    cf_vault_close(vault);
    if (error != CF_OK)
        return command_fail(error, NULL);
    return options.json ? print_json(&status) : print_text(&status);
}
