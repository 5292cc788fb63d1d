/* credfs policy: what a user may do, and why. */
#include "command.h"
#include "core/app.h"
#include "core/grant.h"
#include "log.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { GROUPS_MAX = 256 };

struct options {
    struct place place;
    const char *user, *groups, *app; /* groups: NULL for those that the user data base has */
    bool json;
};

static const struct argp_option argp_options[] = {
    {"as", 'a', "USER", 0, "The user who asks: alice, 1007, user:alice or user:1007 (needed)", 0},
    {"groups", 'g', "GROUP,...", 0, "His supplementary groups (names or numbers), instead of those on record", 0},
    {"json", 'j', NULL, 0, "Print JSON", 0},
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
    case 'a':
        options->user = arg;
        return 0;
    case 'g':
        options->groups = arg;
        return 0;
    case 'j':
        options->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            return ARGP_ERR_UNKNOWN;
        options->app = arg;
        return 0;
    case ARGP_KEY_END:
        if (!options->user)
            argp_error(state, "whose rights? --as USER says it");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = argp_options,
    .parser = parse,
    .args_doc = "[APP]",
    .doc = "Show what a user may do, and which role or grant decides it; with APP, to that App and its fields.",
    .children = children,
};

/* --- who asks ---------------------------------------------------------------------------------------------------- */

static bool parse_group(const char *word, uint32_t *gid)
{
    char *end;
    unsigned long long number;

    if (cf_group_find(word, gid))
        return true;
    number = strtoull(word, &end, 10);
    *gid = (uint32_t)number;
    return word[0] >= '0' && word[0] <= '9' && !*end && number < UINT32_MAX;
}

/* Returns how many, or -1 after having told which is wrong. */
static int parse_groups(const char *list, uint32_t groups[static GROUPS_MAX])
{
    char *copy = strdup(list), *rest = NULL;
    int count = 0;

    if (!copy)
        return -1;
    for (char *word = strtok_r(copy, ",", &rest); word && count >= 0; word = strtok_r(NULL, ",", &rest)) {
        if (count < GROUPS_MAX && parse_group(word, &groups[count])) {
            count++;
        } else {
            log_error("%s: no such group, or too many of them", word);
            count = -1;
        }
    }
    free(copy);
    return count;
}

/* The user and his groups as a login would have them. Somebody without an entry in the user data base has none. */
static int find_caller(const struct options *options, struct cf_caller *caller)
{
    uint32_t groups[GROUPS_MAX];
    const struct passwd *user;
    uint32_t uid;
    int count = 0, code = command_user(options->user, &uid);

    if (code != 0)
        return code;
    user = getpwuid(uid);
    *caller = cf_caller_of(uid, user ? user->pw_gid : UINT32_MAX, 0);
    if (options->groups) {
        count = parse_groups(options->groups, groups);
    } else if (user) {
        count = GROUPS_MAX;
        if (getgrouplist(user->pw_name, user->pw_gid, groups, &count) < 0)
            count = GROUPS_MAX;
    }
    if (count < 0)
        return EX_USAGE;
    return cf_caller_set_groups(caller, groups, (size_t)count) ? 0 : EX_OSERR;
}

/* --- what he may do ---------------------------------------------------------------------------------------------- */

struct question {
    struct cf_vault *vault;
    struct cf_txn txn;
    struct cf_caller caller;
    const struct cf_app *app; /* NULL: of no App in particular */
    struct cf_app found;
};

static json_t *answer(struct question *question, enum cf_action action, enum cf_field field)
{
    struct cf_verdict verdict;

    cf_judge(&question->txn, question->vault->config, &question->caller, action, question->app, field, &verdict);
    return json_pack("{s:s, s:s?, s:b, s:s, s:s}", "action", cf_action_word(action), "field",
                     field == CF_NO_FIELD ? NULL : cf_field_word(field), "allow", verdict.error == CF_OK, "result",
                     cf_error_word(verdict.error), "why", verdict.why);
}

/* Of an App, each field that has a value is asked for by itself. */
static enum cf_error answer_fields(struct question *question, json_t *answers)
{
    struct cf_version version;
    enum cf_error error = cf_version_get(&question->txn, question->app, question->app->version, &version);

    for (enum cf_field field = 0; error == CF_OK && field < CF_FIELD_COUNT; field++) {
        if (version.fields & (1U << field))
            json_array_append_new(answers, answer(question, CF_REVEAL, field));
    }
    return error;
}

static enum cf_error answer_actions(struct question *question, json_t *answers)
{
    enum cf_error error = CF_OK;

    for (enum cf_action action = 0; action < CF_ACTION_COUNT; action++) {
        if (action == CF_BROWSE)
            continue;
        json_array_append_new(answers, answer(question, action, CF_NO_FIELD));
        if (action == CF_REVEAL && question->app && error == CF_OK)
            error = answer_fields(question, answers);
    }
    return error;
}

/* The APIs that need a user assignment, and whether this user has it. */
static enum cf_error answer_apis(struct question *question, json_t *apis)
{
    const struct cf_catalogue *catalogue = question->vault->catalogue;
    enum cf_error error = CF_OK;

    for (size_t i = 0; i < cf_catalogue_count(catalogue) && error == CF_OK; i++) {
        const struct cf_api *api = cf_catalogue_at(catalogue, i);
        bool assigned;

        if (!api->assignment)
            continue;
        error = cf_is_assignee(&question->txn, api->slug, &question->caller, &assigned);
        json_array_append_new(apis, json_pack("{s:s, s:s, s:b}", "slug", api->slug, "assignment", api->assignment,
                                              "assigned", assigned));
    }
    return error;
}

/* --- how it is shown --------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static int print_text(const json_t *answers, const json_t *apis)
{
    for (size_t i = 0; i < json_array_size(answers); i++) {
        const json_t *item = json_array_get(answers, i);
        const char *field = text_of(item, "field");
        char what[64];

        snprintf(what, sizeof(what), "%s%s%s", text_of(item, "action"), field[0] ? " " : "", field);
        printf("%-16s %-6s %s\n", what, json_is_true(json_object_get(item, "allow")) ? "allow" : "deny",
               text_of(item, "why"));
    }
    for (size_t i = 0; i < json_array_size(apis); i++) {
        const json_t *item = json_array_get(apis, i);

        printf("give %s: %s (%s assignment)\n", text_of(item, "slug"),
               json_is_true(json_object_get(item, "assigned")) ? "assigned" : "not assigned",
               text_of(item, "assignment"));
    }
    return command_finish();
}

static int print_json(const struct question *question, json_t *answers, json_t *apis)
{
    json_t *groups = json_array();

    for (size_t i = 0; i < question->caller.group_count; i++)
        json_array_append_new(groups, json_integer(question->caller.groups[i]));
    return command_json(json_pack("{s:I, s:o, s:s?, s:O, s:O}", "uid", (json_int_t)question->caller.uid, "groups",
                                  groups, "app", question->app ? question->app->name : NULL, "actions", answers,
                                  "apis", apis));
}

static int answer_all(struct question *question, const struct options *options)
{
    json_t *answers = json_array(), *apis = json_array();
    enum cf_error error = CF_OK;
    int code;

    if (options->app) {
        error = cf_app_by_name(&question->txn, CF_IN_APPS, options->app, &question->found);
        question->app = &question->found;
    }
    if (error == CF_ENOENT) {
        log_error("%s: there is no such App", options->app);
        code = EX_NOINPUT;
        goto out;
    }
    if (error == CF_OK)
        error = answer_actions(question, answers);
    if (error == CF_OK)
        error = answer_apis(question, apis);
    if (error != CF_OK)
        code = command_fail(error, NULL);
    else
        code = options->json ? print_json(question, answers, apis) : print_text(answers, apis);
out:
    json_decref(answers);
    json_decref(apis);
    return code;
}

int cmd_policy(int argc, char **argv)
{
    struct options options = {0};
    struct question question = {0};
    enum cf_error error;
    int code;

    argp_parse(&argp, argc, argv, 0, NULL, &options);
    code = find_caller(&options, &question.caller);
    if (code != 0)
        goto out;
    code = command_open(&options.place, &question.vault);
    if (code != 0)
        goto out;
    error = cf_txn_read(question.vault->store, &question.txn);
    code = error == CF_OK ? answer_all(&question, &options) : command_fail(error, NULL);
    cf_txn_end(&question.txn);
out:
    cf_vault_close(question.vault);
    cf_caller_release(&question.caller);
    return code;
}
