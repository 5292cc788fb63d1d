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
    const char *store, *config; /* config: NULL for none */
    char in_force[PATH_SIZE];   /* the mount's configuration */
    pid_t holder;               /* 0: nobody */
    char mountpoint[PATH_SIZE];
    bool mounted;
    struct cf_counts counts;
    json_t *named; /* word: an array of {app, detail}, where there are no more than NAMED of them */
};

enum { NAMED = 10 };

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

/* Settle where the store and its configuration are: that which its mount has in force, where none was said. Returns 0
 * or an exit code; has told why. */
static int settle(struct place *place, struct status *status)
{
    const bool was_said = place->config != NULL;
    const int code = place_settle(place);

    if (code != 0)
        return code;
    status->store = place->store;
    status->holder = cf_store_holder(status->store);
    status->mounted = status->holder != 0 && mount_of_daemon(status->holder, status->mountpoint);
    if (status->mounted && !was_said)
        place->config =
            mount_config(status->holder, status->mountpoint, status->in_force) ? status->in_force : NULL;
    status->config = place->config;
    return 0;
}

static void add_name(void *arg, enum cf_summary_kind kind, const char *app, const char *detail)
{
    json_t *named = arg, *list = json_object_get(named, cf_summary_word(kind));

    if (!list && json_object_set_new(named, cf_summary_word(kind), json_array()) == 0)
        list = json_object_get(named, cf_summary_word(kind));
    json_array_append_new(list, json_pack("{s:s, s:s}", "app", app, "detail", detail));
}

/* The names behind the counts, where they are few. */
static enum cf_error find_names(struct cf_vault *vault, struct status *status)
{
    struct cf_txn txn;
    enum cf_error error = cf_txn_read(vault->store, &txn);

    for (enum cf_summary_kind kind = 0; error == CF_OK && kind < CF_SUMMARY_COUNT; kind++) {
        if (status->counts.summary.count[kind] > 0 && status->counts.summary.count[kind] <= NAMED)
            error = cf_summary_names(&txn, vault->config, vault->catalogue, kind, NAMED, add_name, status->named);
    }
    cf_txn_end(&txn);
    return error;
}

/* expiring = 1, and behind it a line expiring.NAME = DETAIL for each that is named. */
static void print_summary(const struct status *status)
{
    for (enum cf_summary_kind kind = 0; kind < CF_SUMMARY_COUNT; kind++) {
        const char *word = cf_summary_word(kind);
        const json_t *list = json_object_get(status->named, word);

        printf("%s = %" PRId64 "\n", word, status->counts.summary.count[kind]);
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *item = json_array_get(list, i);
            const char *detail = json_string_value(json_object_get(item, "detail"));
            const char *app = json_string_value(json_object_get(item, "app"));
            printf("%s.%s = %s\n", word, app ? app : "", detail && *detail ? detail : "yes");
        }
    }
}

static json_t *pack_summary(const struct status *status)
{
    json_t *out = json_object();

    for (enum cf_summary_kind kind = 0; kind < CF_SUMMARY_COUNT; kind++) {
        json_t *list = json_object_get(status->named, cf_summary_word(kind));

        json_object_set_new(
            out, cf_summary_word(kind),
            json_pack("{s:I, s:O?}", "count", (json_int_t)status->counts.summary.count[kind], "named", list));
    }
    return out;
}

static int print_text(const struct status *status)
{
    printf("version = %s\nstore = %s\n", CREDFS_VERSION, status->store);
    printf("config = %s\n", status->config ? status->config : "none");
    printf("mounted = %s\n", status->mounted ? "yes" : "no");
    if (status->mounted)
        printf("mountpoint = %s\n", status->mountpoint);
    if (status->holder != 0)
        printf("pid = %ld\n", (long)status->holder);
    printf("apps = %" PRId64 "\ntrash = %" PRId64 "\napis = %" PRId64 "\nrecords = %" PRId64 "\n",
           status->counts.apps, status->counts.trash, status->counts.apis, status->counts.records);
    print_summary(status);
    return command_finish();
}

static int print_json(const struct status *status)
{
    json_t *out = json_pack("{s:s, s:s, s:s?, s:b, s:s?, s:o, s:I, s:I, s:I, s:I, s:o}", "version", CREDFS_VERSION,
                            "store", status->store, "config", status->config, "mounted", status->mounted,
                            "mountpoint", status->mounted ? status->mountpoint : NULL, "pid",
                            status->holder ? json_integer(status->holder) : json_null(), "apps",
                            (json_int_t)status->counts.apps, "trash", (json_int_t)status->counts.trash, "apis",
                            (json_int_t)status->counts.apis, "records", (json_int_t)status->counts.records,
                            "attention", pack_summary(status));

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
    code = settle(&options.place, &status);
    if (code == 0)
        code = command_look(&options.place, &vault);
    if (code != 0)
        return code;
    error = cf_vault_count(vault, &status.counts);
    status.counts.records = record_last(cf_store_dir(vault->store)); /* an observer's vault has no log to ask */
    status.named = json_object();
    if (error == CF_OK)
        error = find_names(vault, &status);
    cf_vault_close(vault);
    if (error != CF_OK)
        code = command_fail(error, NULL);
    else
        code = options.json ? print_json(&status) : print_text(&status);
    json_decref(status.named);
    return code;
}
