/* credfs export: Apps with their values, sealed to a passphrase or to somebody's public key. */
#include "core/generate.h"
#include "exchange.h"
#include "harden.h"
#include "log.h"
#include "portable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { OPT_PASSPHRASE = 256, OPT_RECIPIENT, OPT_PLAIN, OPT_KEYGEN };

struct options {
    struct place place;
    const char *output, *passphrase, *recipient, *keygen;
    int plain;                /* how often it was said */
    const char *const *names; /* NULL-terminated, or NULL for all */
};

static const struct argp_option argp_options[] = {
    {"keygen", OPT_KEYGEN, "FILE", 0, "Make a key pair: the secret key into FILE, the public key to stdout", 0},
    {"output", 'o', "FILE", 0, "Write into this file, which must not be there (default: stdout)", 0},
    {"passphrase-file", OPT_PASSPHRASE, "FILE", 0, "The passphrase is the first line of FILE (default: ask)", 0},
    {"plain", OPT_PLAIN, NULL, 0, "Do not encrypt: every secret readable. Say it twice", 0},
    {"recipient", OPT_RECIPIENT, "PUBLIC-KEY", 0, "Seal to who has the secret key of this (cfpub_…)", 0},
    {0},
};

static const struct argp_child children[] = {{.argp = &place_argp}, {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->place;
        return 0;
    case 'o':
        options->output = arg;
        return 0;
    case OPT_PASSPHRASE:
        options->passphrase = arg;
        return 0;
    case OPT_RECIPIENT:
        options->recipient = arg;
        return 0;
    case OPT_KEYGEN:
        options->keygen = arg;
        return 0;
    case OPT_PLAIN:
        options->plain++;
        return 0;
    case ARGP_KEY_ARGS:
        options->names = (const char *const *)(state->argv + state->next);
        return 0;
    case ARGP_KEY_END:
        if ((options->passphrase != NULL) + (options->recipient != NULL) + (options->plain > 0) > 1)
            argp_error(state, "one of --passphrase-file, --recipient and --plain");
        if (options->plain == 1)
            argp_error(state, "--plain writes every secret readable: say it twice if that is meant");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = argp_options,
    .parser = parse,
    .args_doc = "[APP...]",
    .doc = "Write Apps with all versions, values, states, API assignments and grants, for `credfs import`; without "
           "APP all of them, the trash and the users' API assignments. Encrypted with a passphrase, which is asked "
           "for, or to a public key. The store must not be mounted. Each App is recorded in the audit log.",
    .children = children,
};

/* --- a key pair --------------------------------------------------------------------------------------------------- */

static int make_pair(const char *file)
{
    char secret_text[CF_KEY_TEXT_SIZE + 1], public_text[CF_KEY_TEXT_SIZE + 1];
    uint8_t public[CF_KEY_SIZE];
    struct cf_fault fault = {""};
    struct cf_secret *secret;
    enum cf_error error;
    bool written;
    int fd;

    if (!harden())
        return EX_OSERR;
    error = cf_crypto_start(&fault);
    if (error != CF_OK)
        return command_fail(error, &fault);
    secret = cf_pair_new(public);
    if (!secret)
        return command_fail(CF_ENOMEM, NULL);
    fd = exchange_create(file);
    cf_key_print("cfprv_", cf_secret_peek(secret), secret_text);
    cf_key_print("cfpub_", public, public_text);
    secret_text[CF_KEY_TEXT_SIZE] = '\n';
    written = fd >= 0 && exchange_write(fd, secret_text, sizeof(secret_text)) && fsync(fd) == 0;
    cf_wipe(secret_text, sizeof(secret_text));
    cf_secret_free(secret);
    if (fd >= 0 && close(fd) == 0 && written) {
        puts(public_text);
        return command_finish();
    }
    if (fd < 0)
        return EX_CANTCREAT;
    log_error("%s: %s", file, strerror(errno));
    (void)unlink(file);
    return EX_IOERR;
}

/* --- the export --------------------------------------------------------------------------------------------------- */

struct progress {
    int fd;
    const struct cf_addressee *to; /* NULL: plain */
    struct sink *sink;
    int64_t apps;
};

static enum cf_error begin(void *arg)
{
    struct progress *progress = arg;
    enum cf_error error = sink_new(progress->fd, progress->to, &progress->sink);

    return error == CF_OK ? portable_begin(progress->sink) : error;
}

static enum cf_error put_app(void *arg, const struct cf_parcel *parcel)
{
    struct progress *progress = arg;

    progress->apps++;
    command_progress("exported", progress->apps);
    return portable_app(progress->sink, parcel);
}

static enum cf_error put_assignees(void *arg, const char *slug, const struct cf_grants *list)
{
    const struct progress *progress = arg;

    return portable_assignees(progress->sink, slug, list);
}

static enum cf_error write_all(struct cf_vault *vault, const struct options *options, struct progress *progress,
                               struct cf_fault *fault)
{
    struct cf_caller caller = cf_caller_of(geteuid(), getegid(), getpid());
    const struct cf_exporter exporter = {begin, put_app, put_assignees, progress};
    enum cf_error error = cf_export(vault, &caller, options->names, &exporter, fault);

    if (error == CF_OK)
        error = portable_end(progress->sink, progress->apps);
    if (error == CF_OK)
        error = sink_finish(progress->sink);
    command_progress(NULL, progress->apps);
    cf_caller_release(&caller);
    return error;
}

static int tell_output(const struct options *options, int number)
{
    log_error("%s: %s: the export is not whole%s", options->output ? options->output : "standard output",
              strerror(number), options->output ? ", and is taken away" : "");
    return EX_IOERR;
}

/* A file that is not whole is taken away again. */
static int write_out(struct cf_vault *vault, const struct options *options, const struct cf_addressee *to)
{
    struct progress progress = {.fd = options->output ? exchange_create(options->output) : STDOUT_FILENO, .to = to};
    struct cf_fault fault = {""};
    enum cf_error error;
    int lost, code = 0;

    if (progress.fd < 0)
        return EX_CANTCREAT;
    error = write_all(vault, options, &progress, &fault);
    lost = sink_fault(progress.sink);
    sink_free(progress.sink);
    if (options->output && error == CF_OK && fsync(progress.fd) != 0)
        lost = errno;
    if (options->output && close(progress.fd) != 0 && error == CF_OK)
        lost = errno;
    if (lost != 0)
        code = tell_output(options, lost);
    else if (error != CF_OK)
        code = command_fail(error, &fault);
    if (options->output && code != 0)
        (void)unlink(options->output);
    return code;
}

static int export(const struct options *options, struct cf_vault *vault)
{
    uint8_t public[CF_KEY_SIZE];
    struct cf_secret *passphrase = NULL;
    struct cf_addressee to = {0};
    int code = 0;

    if (options->recipient) {
        if (!cf_key_parse("cfpub_", options->recipient, strlen(options->recipient), public)) {
            log_error("%s: not a public key as `credfs export --keygen` prints it, or mistyped",
                      options->recipient);
            return EX_DATAERR;
        }
        to.public = public;
    } else if (options->plain == 0) {
        code = exchange_passphrase(options->passphrase, true, &passphrase);
        to.passphrase = passphrase;
    }
    if (code == 0)
        code = write_out(vault, options, options->plain > 0 ? NULL : &to);
    cf_secret_free(passphrase);
    return code;
}

int cmd_export(int argc, char **argv)
{
    struct options options = {0};
    struct cf_vault *vault = NULL;
    int code;

    argp_parse(&argp, argc, argv, 0, NULL, &options);
    if (options.keygen)
        return make_pair(options.keygen);
    if (!options.output && options.plain == 0 && isatty(STDOUT_FILENO)) {
        log_error("an export is not for a terminal: name a file (-o FILE)");
        return EX_USAGE;
    }
    code = exchange_own(&options.place, &vault);
    if (code == 0)
        code = export(&options, vault);
    cf_vault_close(vault);
    return code;
}
