/* credfs import: Apps from an export, JSON, CSV or a directory, all of them or none. */
#include "exchange.h"
#include "log.h"
#include "portable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { OPT_PASSPHRASE = 256, OPT_SECRET_KEY, OPT_REPLACE, OPT_JSON };

struct options {
    struct place place;
    const char *input;
    struct openers openers;
    bool dry_run, replaces, json;
};

static const struct argp_option argp_options[] = {
    {"dry-run", 'n', NULL, 0, "Change nothing; show what would change, without a value", 0},
    {"json", OPT_JSON, NULL, 0, "Print JSON", 0},
    {"passphrase-file", OPT_PASSPHRASE, "FILE", 0, "The passphrase is the first line of FILE (default: ask)", 0},
    {"replace", OPT_REPLACE, NULL, 0, "Make Apps that are here what comes in, instead of merging the two", 0},
    {"secret-key", OPT_SECRET_KEY, "FILE", 0,
     "What `credfs export --keygen` wrote, for an export to its public key", 0},
    {0},
};

static const struct argp_child children[] = {{.argp = &place_argp}, {0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->place;
        return 0;
    case 'n':
        options->dry_run = true;
        return 0;
    case OPT_JSON:
        options->json = true;
        return 0;
    case OPT_PASSPHRASE:
        options->openers.passphrase = arg;
        return 0;
    case OPT_SECRET_KEY:
        options->openers.secret_key = arg;
        return 0;
    case OPT_REPLACE:
        options->replaces = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            return ARGP_ERR_UNKNOWN;
        options->input = arg;
        return 0;
    case ARGP_KEY_END:
        if (!options->input)
            argp_error(state, "import what? a FILE, a DIRECTORY, or - for standard input");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = argp_options,
    .parser = parse_option,
    .args_doc = "FILE|DIRECTORY|-",
    .doc =
        "Take in Apps from what `credfs export` wrote, from JSON, from CSV whose first row names the columns "
        "(name, "
        "key, secret, token, username, password, apis), or from a directory with NAME/key, NAME/secret and so on. "
        "All of it or nothing; a second time it changes nothing. The store must not be mounted.",
    .children = children,
};

/* --- taking ------------------------------------------------------------------------------------------------------- */

struct taking {
    struct intake intake; /* first: the readers hand it back */
    const struct options *options;
    struct cf_import *import;
    int64_t apps[CF_OUTCOME_COUNT];
    int64_t count;
    json_t *changes;
    struct cf_text lines; /* told when all of it is done */
};

/* A line of the diff: of new Apps, which can be many, only where nothing else comes of it. */
static void show(struct taking *taking, const char *name, const struct cf_outcome *outcome)
{
    static const char *const words[] = {[CF_SAME] = "same", [CF_CHANGED] = "changed", [CF_NEW] = "new"};
    static const char signs[] = {[CF_SAME] = '=', [CF_CHANGED] = '~', [CF_NEW] = '+'};
    const char *detail = outcome->detail.data ? outcome->detail.data : "";

    if ((outcome->kind == CF_SAME && !*detail) || (outcome->kind == CF_NEW && !taking->options->dry_run))
        return;
    if (taking->options->json)
        json_array_append_new(taking->changes, json_pack("{s:s, s:s, s:s}", "name", name, "change",
                                                         words[outcome->kind], "detail", detail));
    else
        cf_text_printf(&taking->lines, "%c %s: %s\n", signs[outcome->kind], name, detail);
}

static enum cf_error take_app(struct intake *intake, const struct cf_parcel *parcel, struct cf_fault *fault)
{
    struct taking *taking = (struct taking *)intake;
    struct cf_outcome outcome;
    enum cf_error error = cf_import_app(taking->import, parcel, &outcome, fault);

    if (error == CF_OK) {
        taking->apps[outcome.kind]++;
        taking->count++;
        command_progress("read", taking->count);
        show(taking, parcel->app.name, &outcome);
    }
    cf_text_release(&outcome.detail);
    return error;
}

static enum cf_error take_assignees(struct intake *intake, const char *slug, const struct cf_grants *list,
                                    struct cf_fault *fault)
{
    struct taking *taking = (struct taking *)intake;
    struct cf_outcome outcome;
    struct cf_text name = {0};
    enum cf_error error = cf_import_assignees(taking->import, slug, list, &outcome, fault);

    cf_text_printf(&name, "assignees of %s", slug);
    if (error == CF_OK)
        error = cf_text_result(&name);
    if (error == CF_OK)
        show(taking, name.data, &outcome);
    cf_text_release(&name);
    cf_text_release(&outcome.detail);
    return error;
}

/* --- what it is --------------------------------------------------------------------------------------------------- */

/* A byte order mark, as spreadsheets put one before UTF-8, and blanks before JSON. */
static enum cf_error skip_mark(struct source *source, struct cf_fault *fault)
{
    if (source_peek(source) == 0xEF) {
        (void)source_byte(source);
        const int second = source_byte(source), third = source_byte(source);
        if (second != 0xBB || third != 0xBF) {
            cf_fault_set(fault, "not UTF-8");
            return CF_EFORMAT;
        }
    } else if (source_peek(source) == 0xFF || source_peek(source) == 0xFE) {
        cf_fault_set(fault, "UTF-16: save it as UTF-8");
        return CF_EFORMAT;
    }
    while (source_peek(source) == '\n' || source_peek(source) == '\r' || source_peek(source) == ' ')
        (void)source_byte(source);
    return CF_OK;
}

static enum cf_error take_source(struct intake *intake, struct source *source, struct cf_fault *fault)
{
    enum cf_error error = skip_mark(source, fault);

    if (error != CF_OK)
        return error;
    switch (source_peek(source)) {
    case SOURCE_FAILED:
        error = source_fault(source);
        break;
    case SOURCE_END:
        cf_fault_set(fault, "it is empty");
        return CF_EFORMAT;
    case '{':
    case '[':
        error = intake_json(intake, source, fault);
        break;
    default:
        error = intake_csv(intake, source, fault);
    }
    if (source_fault(source) == CF_OK)
        return error;
    if (source_fault(source) == CF_ETAMPER) {
        cf_fault_set(fault, "it was cut off or changed on its way");
        return CF_EFORMAT;
    }
    cf_fault_set(fault, "it cannot be read to its end");
    return source_fault(source);
}

/* *source: NULL for a directory. */
static int open_input(const struct options *options, struct source **source)
{
    const bool is_stdin = strcmp(options->input, "-") == 0;
    const int fd = is_stdin ? dup(STDIN_FILENO) : open(options->input, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat st;

    *source = NULL;
    if (fd < 0 || fstat(fd, &st) != 0) {
        log_error("%s: %s", options->input, strerror(errno));
        if (fd >= 0)
            close(fd);
        return EX_NOINPUT;
    }
    if (S_ISDIR(st.st_mode) && !is_stdin) {
        close(fd);
        return 0;
    }
    return source_new(fd, is_stdin ? "standard input" : options->input, &options->openers, source);
}

/* --- the import --------------------------------------------------------------------------------------------------- */

static int tell(struct taking *taking)
{
    const struct options *options = taking->options;

    if (options->json)
        return command_json(json_pack("{s:b, s:I, s:I, s:I, s:o}", "dry_run", options->dry_run, "new",
                                      (json_int_t)taking->apps[CF_NEW], "changed",
                                      (json_int_t)taking->apps[CF_CHANGED], "same",
                                      (json_int_t)taking->apps[CF_SAME], "changes", json_incref(taking->changes)));
    if (cf_text_result(&taking->lines) != CF_OK)
        return command_fail(CF_ENOMEM, NULL);
    printf("%s%lld new, %lld changed, %lld the same%s\n", taking->lines.len > 0 ? taking->lines.data : "",
           (long long)taking->apps[CF_NEW], (long long)taking->apps[CF_CHANGED], (long long)taking->apps[CF_SAME],
           options->dry_run ? ": nothing was done" : "");
    return command_finish();
}

static int refuse(const struct options *options, enum cf_error error, const struct cf_fault *fault)
{
    struct cf_fault said;
    int code;

    cf_fault_set(&said, "%.200s: %.260s: nothing was imported", options->input,
                 fault->text[0] ? fault->text : cf_error_text(error));
    code = command_fail(error, &said);
    return error == CF_EFORBIDDEN || error == CF_EEXIST || error == CF_EPRINCIPAL ? EX_DATAERR : code;
}

static int import(struct cf_vault *vault, const struct options *options, struct source *source)
{
    struct cf_caller caller = cf_caller_of(geteuid(), getegid(), getpid());
    struct taking taking = {.intake = {take_app, take_assignees}, .options = options, .changes = json_array()};
    struct cf_fault fault = {""};
    enum cf_error error = cf_import_begin(vault, &caller, options->replaces, &taking.import, &fault);
    int code;

    if (error == CF_OK)
        error = source ? take_source(&taking.intake, source, &fault)
                       : intake_tree(&taking.intake, options->input, &fault);
    if (error == CF_OK && !options->dry_run)
        error = cf_import_commit(taking.import, &fault);
    command_progress(NULL, taking.count);
    cf_import_end(taking.import, error);
    cf_caller_release(&caller);
    code = error == CF_OK ? tell(&taking) : refuse(options, error, &fault);
    json_decref(taking.changes);
    cf_text_release(&taking.lines);
    return code;
}

int cmd_import(int argc, char **argv)
{
    struct options options = {0};
    struct cf_vault *vault = NULL;
    struct source *source = NULL;
    int code;

    exchange_wipe_json();
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    code = exchange_own(&options.place, &vault);
    if (code == 0)
        code = open_input(&options, &source);
    if (code == 0)
        code = import(vault, &options, source);
    source_free(source);
    cf_vault_close(vault);
    return code;
}
