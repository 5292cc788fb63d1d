/* credfs check: does the whole store verify. */
#include "command.h"
#include "core/check.h"
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

struct options {
    struct place place;
    bool json;
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
    .doc = "Verify the whole store: the database, every record's seal, every value, the audit log's chain.\v"
           "Exit code 0: all verifies. 65: something does not, and is named.",
    .children = children,
};

static void print_finding(void *arg, const char *what)
{
    (void)arg;
    puts(what);
}

static void collect_finding(void *arg, const char *what)
{
    json_array_append_new(arg, json_string(what));
}

static int print_text(const struct cf_checked *checked)
{
    printf("checked %" PRId64 " apps, %" PRId64 " values, %" PRId64 " grants, %" PRId64 " audit records: ",
           checked->apps, checked->values, checked->grants, checked->records);
    if (checked->findings == 0)
        puts("all verify");
    else
        printf("%" PRId64 " wrong\n", checked->findings);
    return command_finish();
}

static int print_json(const struct cf_checked *checked, json_t *findings)
{
    json_t *out = json_pack("{s:I, s:I, s:I, s:I, s:O}", "apps", (json_int_t)checked->apps, "values",
                            (json_int_t)checked->values, "grants", (json_int_t)checked->grants, "records",
                            (json_int_t)checked->records, "findings", findings);

    return command_json(out);
}

int cmd_check(int argc, char **argv)
{
    struct options options = {0};
    struct cf_checked checked = {0};
    struct cf_vault *vault = NULL;
    json_t *findings = json_array();
    enum cf_error error;
    int code;

    argp_parse(&argp, argc, argv, 0, NULL, &options);
    code = command_open(&options.place, &vault);
    if (code != 0)
        goto out;
    error = cf_check(vault, options.json ? collect_finding : print_finding, findings, &checked);
    if (error != CF_OK) {
        code = place_fail(&options.place, error, &(struct cf_fault){""});
        goto out;
    }
    code = options.json ? print_json(&checked, findings) : print_text(&checked);
    if (code == 0 && checked.findings > 0)
        code = EX_DATAERR;
out:
    cf_vault_close(vault);
    json_decref(findings);
    return code;
}
