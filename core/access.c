#include "access.h"

#include "clock.h"
#include "leave.h"
#include "text.h"

#include <stdio.h>

struct rule {
    const char *word;
    unsigned permissions; /* one of these is needed; 0: everybody may */
    bool grantable;
};

static const struct rule rules[CF_ACTION_COUNT] = {
#define X(name, word, permissions, grantable) {word, permissions, grantable},
    CF_ACTION_LIST(X)
#undef X
};

const char *cf_action_word(enum cf_action action)
{
    return rules[action].word;
}

/* How far to look for a match: what the request itself brings, or also the supplementary groups, which cost a look
 * into /proc. */
enum reach { BY_IDS, BY_GROUPS };

static bool matches(const struct cf_principal *who, struct cf_caller *caller, enum reach reach)
{
    if (reach == BY_GROUPS)
        return who->kind == CF_GROUP && cf_principal_matches(who, caller);
    if (who->kind == CF_USER)
        return caller->uid >= who->low && caller->uid <= who->high;
    return caller->gid >= who->low && caller->gid <= who->high;
}

static bool role_allows(const struct cf_config *config, struct cf_caller *caller, unsigned permissions,
                        enum reach reach, struct cf_verdict *verdict)
{
    for (size_t i = 0; i < config->member_count; i++) {
        const struct cf_role *role = &config->roles[config->members[i].role];
        if ((role->permissions & permissions) != 0 && matches(&config->members[i].who, caller, reach)) {
            snprintf(verdict->why, sizeof verdict->why, "role %.64s", role->name);
            return true;
        }
    }
    return false;
}

/* A grant of the whole App, or of the field; entering an App is allowed by a grant of any of its fields. */
static bool covers(const struct cf_grant *grant, enum cf_action action, enum cf_field field)
{
    return grant->field == CF_NO_FIELD || grant->field == field || action == CF_LIST_APP;
}

static bool grant_allows(const struct cf_grants *grants, struct cf_caller *caller, enum cf_action action,
                         enum cf_field field, enum reach reach, struct cf_verdict *verdict)
{
    for (size_t i = 0; i < grants->count; i++) {
        const struct cf_grant *grant = &grants->at[i];
        struct cf_text who = {0};
        if (!covers(grant, action, field) || !matches(&grant->who, caller, reach))
            continue;
        cf_grant_print(grant, CF_BY_NAME, &who);
        snprintf(verdict->why, sizeof verdict->why, "grant %.90s", who.data != NULL ? who.data : "");
        cf_text_release(&who);
        return true;
    }
    return false;
}

static void say_missing(const struct rule *rule, struct cf_verdict *verdict)
{
    static const enum cf_permission permissions[] = {
#define X(name, bit, word) name,
        CF_PERMISSION_LIST(X)
#undef X
    };
    struct cf_text text = {0};

    cf_text_puts(&text, "no role gives ");
    for (size_t i = 0, said = 0; i < sizeof permissions / sizeof *permissions; i++)
        if ((rule->permissions & permissions[i]) != 0)
            cf_text_printf(&text, "%s%s", said++ > 0 ? " or " : "", cf_permission_word(permissions[i]));
    cf_text_puts(&text, rule->grantable ? ", no grant covers it" : "");
    snprintf(verdict->why, sizeof verdict->why, "%s", text.data != NULL ? text.data : "not allowed");
    cf_text_release(&text);
}

static void say_grants(const struct cf_known_grants *known, struct cf_verdict *verdict)
{
    verdict->error = known->error;
    snprintf(verdict->why, sizeof verdict->why, "grants: %s", cf_error_text(known->error));
}

/* A role allows it, as verdict says; has he asked, in this session, and not too long ago? */
static void judge_leave(struct cf_txn *txn, const struct cf_caller *caller, const struct cf_app *app,
                        struct cf_verdict *verdict)
{
    char role[sizeof verdict->why], session[CF_SESSION_SIZE], time[CF_TIME_SIZE];
    int64_t until = 0;

    snprintf(role, sizeof role, "%s", verdict->why);
    if (cf_session_of(caller, session))
        verdict->error = cf_leave_find(txn, app, caller->uid, session, &until);
    cf_time_format(until, time);
    if (verdict->error != CF_OK)
        snprintf(verdict->why, sizeof verdict->why, "leave: %s", cf_error_text(verdict->error));
    else if (cf_now() < until)
        snprintf(verdict->why, sizeof verdict->why, "leave until %s, %.70s", time, role);
    else
        verdict->error = CF_EUNASKED;
    if (verdict->error == CF_EUNASKED)
        snprintf(verdict->why, sizeof verdict->why, "%.90s, once it is asked for", role);
}

/* A reveal where it has to be asked for, unless a grant gives it. */
static void judge_asked(struct cf_txn *txn, const struct cf_known_grants *known, const struct cf_config *config,
                        struct cf_caller *caller, const struct cf_app *app, enum cf_field field,
                        struct cf_verdict *verdict)
{
    const unsigned permissions = rules[CF_REVEAL].permissions;

    if (known->error == CF_OK && (grant_allows(&known->list, caller, CF_REVEAL, field, BY_IDS, verdict) ||
                                  grant_allows(&known->list, caller, CF_REVEAL, field, BY_GROUPS, verdict)))
        return;
    if (role_allows(config, caller, permissions, BY_IDS, verdict) ||
        role_allows(config, caller, permissions, BY_GROUPS, verdict)) {
        judge_leave(txn, caller, app, verdict);
    } else if (known->error != CF_OK) {
        say_grants(known, verdict);
    } else {
        verdict->error = CF_EDENIED;
        say_missing(&rules[CF_REVEAL], verdict);
    }
}

/* Is there a right, whatever state the credential is in? known: NULL to read the grants when it comes to them. */
static void judge_right(struct cf_txn *txn, const struct cf_known_grants *known, const struct cf_config *config,
                        struct cf_caller *caller, enum cf_action action, const struct cf_app *app,
                        enum cf_field field, struct cf_verdict *verdict)
{
    const struct rule *rule = &rules[action];
    const bool is_asked = action == CF_REVEAL && app != NULL && config->reveal_on_request;
    struct cf_known_grants read = {0};

    verdict->error = CF_OK;
    if (!is_asked && role_allows(config, caller, rule->permissions, BY_IDS, verdict))
        return;
    if (!rule->grantable || app == NULL || app->place != CF_IN_APPS)
        known = &read;
    else if (known == NULL)
        read.error = cf_grants_load(txn, app, &read.list);
    known = known == NULL ? &read : known;
    if (is_asked)
        judge_asked(txn, known, config, caller, app, field, verdict);
    else if (known->error != CF_OK)
        say_grants(known, verdict);
    else if (!grant_allows(&known->list, caller, action, field, BY_IDS, verdict) &&
             !role_allows(config, caller, rule->permissions, BY_GROUPS, verdict) &&
             !grant_allows(&known->list, caller, action, field, BY_GROUPS, verdict)) {
        verdict->error = CF_EDENIED;
        say_missing(rule, verdict);
    }
    cf_grants_release(&read.list);
}

static void judge(struct cf_txn *txn, const struct cf_known_grants *known, const struct cf_config *config,
                  struct cf_caller *caller, enum cf_action action, const struct cf_app *app, enum cf_field field,
                  struct cf_verdict *verdict)
{
    if (rules[action].permissions == 0) {
        *verdict = (struct cf_verdict){.error = CF_OK, .why = "everybody may"};
        return;
    }
    judge_right(txn, known, config, caller, action, app, field, verdict);
    if (verdict->error != CF_OK || action != CF_REVEAL || app == NULL)
        return;
    verdict->error = cf_app_usable(app, cf_now());
    if (verdict->error != CF_OK)
        snprintf(verdict->why, sizeof verdict->why, "the App is %s",
                 app->place == CF_IN_TRASH ? "in the trash"
                 : app->disabled           ? "disabled"
                                           : "expired");
}

void cf_judge(struct cf_txn *txn, const struct cf_config *config, struct cf_caller *caller, enum cf_action action,
              const struct cf_app *app, enum cf_field field, struct cf_verdict *verdict)
{
    judge(txn, NULL, config, caller, action, app, field, verdict);
}

void cf_judge_known(struct cf_txn *txn, const struct cf_known_grants *known, const struct cf_config *config,
                    struct cf_caller *caller, enum cf_action action, const struct cf_app *app, enum cf_field field,
                    struct cf_verdict *verdict)
{
    judge(txn, known, config, caller, action, app, field, verdict);
}
