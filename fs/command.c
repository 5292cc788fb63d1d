#include "command.h"

#include "core/principal.h"
#include "core/text.h"
#include "log.h"
#include "mounts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { OPT_STORE = 256, OPT_CONFIG };

static error_t place_parse(int key, char *arg, struct argp_state *state)
{
    struct place *place = state->input;

    switch (key) {
    case OPT_STORE:
        place->store = arg;
        return 0;
    case OPT_CONFIG:
        place->config = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option place_options[] = {
    {"config", OPT_CONFIG, "FILE", 0, "Use this configuration file", 1},
    {"store", OPT_STORE, "DIR", 0, "Use the store in this directory", 1},
    {0},
};

const struct argp place_argp = {.options = place_options, .parser = place_parse};
const struct argp place_store_argp = {.options = place_options + 1, .parser = place_parse};

int place_settle(struct place *place)
{
    if (!place->store) {
        if (!path_store(place->store_path)) {
            log_error("there is no home directory for a store: name one with --store");
            return EX_USAGE;
        }
        place->store = place->store_path;
    }
    if (!path_config(place->config_path))
        place->config_path[0] = '\0';
    else if (!place->config && path_is_there(place->config_path))
        place->config = place->config_path;
    return 0;
}

int command_user(const char *word, uint32_t *uid)
{
    struct cf_principal who = {.kind = CF_GROUP};
    struct cf_text text = {0};
    enum cf_error error;

    cf_text_printf(&text, "%s%s", strchr(word, ':') ? "" : "user:", word);
    error = cf_text_result(&text);
    if (error == CF_OK)
        error = cf_principal_parse(text.data, text.len, &who);
    cf_text_release(&text);
    if (error == CF_OK && who.kind == CF_USER && who.low == who.high) {
        *uid = who.low;
        return 0;
    }
    if (error == CF_EPRINCIPAL) {
        log_error("%s: no such user", word);
        return EX_NOUSER;
    }
    log_error("%s: not one user: write NAME, NUMBER, user:NAME or user:NUMBER", word);
    return EX_USAGE;
}

int command_look(const struct place *place, struct cf_vault **vault)
{
    const struct cf_vault_options options = {
        .mode = CF_STORE_OBSERVE, .store = place->store, .config = place->config};
    struct cf_fault fault = {""};
    enum cf_error error = cf_crypto_start(&fault);

    if (error == CF_OK)
        error = cf_vault_open(&options, vault, &fault);
    return error == CF_OK ? 0 : place_fail(place, error, &fault);
}

int command_open(struct place *place, struct cf_vault **vault)
{
    const int code = place_settle(place);

    return code == 0 ? command_look(place, vault) : code;
}

struct advice {
    enum cf_error error;
    int code;
    const char *what_to_do; /* NULL where the fault itself says it */
};

static const struct advice advices[] = {
    {CF_EDENIED, EX_NOPERM, NULL},
    {CF_EFORBIDDEN, EX_NOPERM, NULL},
    {CF_EUNSAFE, EX_NOPERM, NULL},
    {CF_ENOENT, EX_NOINPUT, NULL},
    {CF_ENOSTORE, EX_NOINPUT, NULL},
    {CF_EEXIST, EX_CANTCREAT, NULL},
    {CF_EPRINCIPAL, EX_NOUSER, NULL},
    {CF_EBUSY, EX_TEMPFAIL, "wait until that has ended"},
    {CF_ECONFIG, EX_CONFIG, NULL},
    {CF_ETAMPER, EX_DATAERR, "credfs check names what does not verify"},
    {CF_EFORMAT, EX_DATAERR, NULL},
    {CF_EWRONGKEY, EX_DATAERR, "put back the master.key that belongs to this store"},
    {CF_EFULL, EX_IOERR, "make room on the store's file system"},
    {CF_EAUDIT, EX_IOERR, NULL},
    {CF_EIO, EX_IOERR, NULL},
    {CF_ENOMEM, EX_OSERR, NULL},
    {CF_ELOCKED, EX_OSERR, NULL},
};

int command_fail(enum cf_error error, const struct cf_fault *fault)
{
    const char *text = fault && fault->text[0] ? fault->text : cf_error_text(error);

    for (size_t i = 0; i < sizeof(advices) / sizeof(*advices); i++) {
        const struct advice *advice = &advices[i];

        if (advice->error != error)
            continue;
        if (advice->what_to_do)
            log_error("%s: %s", text, advice->what_to_do);
        else
            log_error("%s", text);
        return advice->code;
    }
    log_error("%s", text);
    return EX_DATAERR;
}

int place_fail(const struct place *place, enum cf_error error, const struct cf_fault *fault)
{
    const char *text = fault->text[0] ? fault->text : cf_error_text(error);
    const bool is_default = place->store == place->store_path;
    char mountpoint[PATH_SIZE];

    if (error == CF_ENOSTORE) {
        log_error("%s: make one with `credfs init%s%s`", text, is_default ? "" : " --store ",
                  is_default ? "" : place->store);
        return EX_NOINPUT;
    }
    if (error == CF_EBUSY && mount_of_daemon(cf_store_holder(place->store), mountpoint)) {
        log_error("%s: unmount it first (credfs umount %s)", text, mountpoint);
        return EX_TEMPFAIL;
    }
    if (error == CF_ETAMPER) { /* whoever looks closer has to open it too */
        log_error("%s: put a copy of the store back", text);
        return EX_DATAERR;
    }
    return command_fail(error, fault);
}

int command_json(json_t *value)
{
    if (!value) {
        log_error("a name is not UTF-8 or memory ran out: it cannot be shown as JSON");
        return EX_SOFTWARE;
    }
    json_dumpf(value, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(value);
    return command_finish();
}

int command_finish(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    log_error("standard output: %s: some of the results are lost", strerror(errno));
    return EX_IOERR;
}

void command_progress(const char *what, int64_t apps)
{
    enum { STEP = 1000 };
    static const char clear[] = "\r\033[K";

    if (apps < STEP || !isatty(STDERR_FILENO))
        return;
    if (!what)
        fputs(clear, stderr);
    else if (apps % STEP == 0)
        fprintf(stderr, "%s%s %lld Apps", clear, what, (long long)apps);
}
