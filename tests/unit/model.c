#include "model.h"

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LIVE_AT_MOST = 5 }; /* [policy] versions */

static const int64_t usual_overlap = 60 * CF_SECOND;    /* [policy] overlap */
static const int64_t in_trash = 30 * 86400 * CF_SECOND; /* [policy] trash */

/* FNV-1a (RFC 9923) */
uint64_t model_sum(const void *value, size_t len)
{
    const unsigned char *bytes = value;
    uint64_t sum = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < len; i++)
        sum = (sum ^ bytes[i]) * UINT64_C(1099511628211);
    return sum | MODEL_SUM;
}

struct model_app *model_app(struct model *model, unsigned number)
{
    return number < model->apps ? &model->app[number] : NULL;
}

static struct model_app *find(struct model *model, enum cf_place place, const char *name)
{
    for (size_t i = 0; i < model->apps; i++) {
        struct model_app *app = &model->app[i];
        if (app->is_there && app->place == place && strcmp(app->name, name) == 0)
            return app;
    }
    return NULL;
}

/* ---- versions ---- */

static bool is_kept(const struct model_app *app, int64_t number)
{
    return number > 0 && number < MODEL_VERSIONS && app->versions[number].is_kept;
}

enum cf_version_state model_state(const struct model_app *app, int64_t number)
{
    if (app->versions[number].is_revoked)
        return CF_REVOKED;
    if (number == app->version)
        return CF_CURRENT;
    return cf_now() < app->versions[number].deadline ? CF_RETIRING : CF_RETIRED;
}

static enum cf_error read_app(const struct model_app *app)
{
    if (!app->is_there)
        return CF_ENOENT;
    if (app->place == CF_IN_TRASH || app->is_disabled)
        return CF_EREVOKED;
    return app->expires != 0 && app->expires <= cf_now() ? CF_EEXPIRED : CF_OK;
}

enum cf_error model_read(const struct model_app *app, int64_t number, enum cf_field field)
{
    enum cf_error error = read_app(app);

    if (error != CF_OK)
        return error;
    if (!is_kept(app, number))
        return CF_EEXPIRED;
    if (model_state(app, number) == CF_REVOKED)
        return CF_EREVOKED;
    if (model_state(app, number) == CF_RETIRED)
        return CF_EEXPIRED;
    return app->versions[number].value[field] != 0 ? CF_OK : CF_ENOKEY;
}

/* The newest five live ones stay live; the last ten stay, and what is or just was live. */
static void tidy(struct model_app *app)
{
    int live = 0, kept = 0;

    for (int64_t number = app->version; number > 0; number--) {
        struct model_version *version = &app->versions[number];
        enum cf_version_state state;
        bool is_live;
        if (!version->is_kept)
            continue;
        state = model_state(app, number);
        is_live = state == CF_CURRENT || state == CF_RETIRING;
        if (state == CF_RETIRING && live >= LIVE_AT_MOST)
            version->deadline = cf_now();
        live += is_live ? 1 : 0;
        version->is_kept = is_live || kept < CF_VERSIONS_KEPT;
        kept++;
    }
}

/* The field that is the credential of a version, or none. */
static enum cf_field credential_of(const struct model_version *version)
{
    const enum cf_field order[] = {CF_SECRET, CF_KEY, CF_TOKEN, CF_PASSWORD};

    for (int i = 0; i < 4; i++)
        if (version->value[order[i]] != 0)
            return order[i];
    return CF_NO_FIELD;
}

/* Revoke a version; then each that has the credential of a revoked one, until there is no more. */
static void revoke(struct model_app *app, int64_t number)
{
    enum cf_field field = credential_of(&app->versions[number]);

    app->versions[number].is_revoked = true;
    for (int64_t other = 1; field != CF_NO_FIELD && other <= app->version; other++)
        if (is_kept(app, other) && !app->versions[other].is_revoked &&
            app->versions[other].value[field] == app->versions[number].value[field])
            revoke(app, other);
}

static bool was_revoked(const struct model_app *app, enum cf_field field, uint64_t value)
{
    for (int64_t number = 1; number <= app->version; number++)
        if (is_kept(app, number) && app->versions[number].is_revoked &&
            credential_of(&app->versions[number]) == field && app->versions[number].value[field] == value)
            return true;
    return false;
}

/* Of a revoked version key and secret are lost; of one that had neither, all. */
static void drop_revoked(struct model_version *version)
{
    const bool has_pair = version->value[CF_KEY] != 0 || version->value[CF_SECRET] != 0;

    for (int field = 0; field < CF_FIELD_COUNT; field++)
        if (!has_pair || field == CF_KEY || field == CF_SECRET)
            version->value[field] = 0;
}

/* A new version with the values of base. */
static struct model_version *issue(struct model_app *app, int64_t base, int64_t overlap)
{
    struct model_version *version = &app->versions[app->version + 1];

    *version = app->versions[base];
    if (version->is_revoked)
        drop_revoked(version);
    version->is_kept = true;
    version->is_revoked = false;
    version->deadline = 0;
    app->versions[app->version].deadline = cf_now() + overlap;
    app->version++;
    return version;
}

static void generate(struct model *model, struct model_app *app, int64_t overlap)
{
    struct model_version *version = issue(app, app->version, overlap);

    version->value[CF_KEY] = ++model->generated;
    version->value[CF_SECRET] = ++model->generated;
    tidy(app);
}

/* ---- whole Apps ---- */

static enum cf_error create(struct model *model, const struct step *step, int64_t serial)
{
    const struct step_text *name = &step_names[step->name];
    struct model_app *app = &model->app[model->apps];

    if (!step_users[step->who].manages)
        return CF_EDENIED;
    if (name->error != CF_OK)
        return name->error;
    if (find(model, CF_IN_APPS, name->text) != NULL)
        return CF_EEXIST;
    *app = (struct model_app){.is_there = true, .serial = serial, .place = CF_IN_APPS, .generation = 1};
    snprintf(app->name, sizeof app->name, "%s", name->text);
    generate(model, app, 0);
    model->apps++;
    return CF_OK;
}

static enum cf_error move(struct model *model, const struct step *step, enum cf_place from, enum cf_place to,
                          const char *old_name)
{
    const struct step_text *name = &step_names[step->name];
    struct model_app *app = find(model, from, old_name), *other;

    if (!step_users[step->who].manages)
        return CF_EDENIED;
    if (app == NULL)
        return CF_ENOENT;
    if (name->error != CF_OK)
        return name->error;
    other = find(model, to, name->text);
    if (other != NULL && other != app)
        return CF_EEXIST;
    snprintf(app->name, sizeof app->name, "%s", name->text);
    app->place = to;
    app->trashed = cf_now();
    app->generation++;
    return CF_OK;
}

static enum cf_error trash(struct model *model, const struct step *step, const char *name)
{
    struct model_app *app = find(model, CF_IN_APPS, name);
    const size_t len = strlen(name);

    if (!step_users[step->who].manages)
        return CF_EDENIED;
    if (app == NULL)
        return CF_ENOENT;
    if (find(model, CF_IN_TRASH, name) != NULL)
        snprintf(app->name + len, sizeof app->name - len, ".%" PRId64, app->serial);
    app->place = CF_IN_TRASH;
    app->trashed = cf_now();
    app->generation++;
    return CF_OK;
}

static enum cf_error destroy(struct model *model, const struct step *step, const char *name)
{
    struct model_app *app = find(model, CF_IN_TRASH, name);

    if (!step_users[step->who].manages)
        return CF_EDENIED;
    if (app == NULL)
        return CF_ENOENT;
    app->is_there = false;
    return CF_OK;
}

/* What has lain in the trash for long enough is gone. */
static enum cf_error keep_house(struct model *model)
{
    for (size_t i = 0; i < model->apps; i++)
        if (model->app[i].place == CF_IN_TRASH && cf_now() - model->app[i].trashed >= in_trash)
            model->app[i].is_there = false;
    return CF_OK;
}

/* ---- sets ---- */

static unsigned edited(const struct step *step, unsigned before, unsigned known)
{
    const unsigned plus = step->plus & known, minus = step->minus & known;

    if (step->form == FORM_MARKED && (plus | minus) != 0) /* a write without an entry is a plain one */
        return (before | plus) & ~minus;
    return step->form == FORM_ADD ? before | plus : plus;
}

static enum cf_error write_apis(struct model *model, const struct step *step, struct model_app *app)
{
    const unsigned added = step->plus & ~app->apis, needing = 1U << STEP_SLUG_NEEDING_ASSIGNMENT;
    const uint32_t uid = step_users[step->who].uid;
    const bool is_assignee =
        (uid == ADMIN && (model->assignees & 1) != 0) || (uid == MANAGER && (model->assignees & 2) != 0);
    unsigned wanted;

    if (step->form == FORM_BAD)
        return step_bad_apis[step->pick].error;
    if ((added & needing) != 0 && !is_assignee)
        return CF_EUNASSIGNED;
    if (step->is_odd)
        return CF_ESLUG;
    wanted = edited(step, app->apis, (1U << STEP_SLUGS) - 1);
    app->generation += wanted != app->apis ? 1 : 0;
    app->apis = wanted;
    return CF_OK;
}

static enum cf_error write_grants(const struct step *step, struct model_app *app)
{
    unsigned wanted;

    if (step->form == FORM_BAD)
        return step_bad_grants[step->pick].error;
    if (step->is_odd)
        return CF_EPRINCIPAL;
    wanted = edited(step, app->grants, (1U << STEP_GRANTS_KNOWN) - 1);
    app->generation += wanted != app->grants ? 1 : 0;
    app->grants = wanted;
    return CF_OK;
}

static enum cf_error write_assignees(struct model *model, const struct step *step)
{
    if (step->form == FORM_BAD)
        return step_bad_assignees[step->pick].error;
    if (step->pick == 0)
        return CF_EFORBIDDEN;
    if (step->is_odd)
        return CF_EVALUE;
    model->assignees = edited(step, model->assignees, (1U << STEP_ASSIGNEES_KNOWN) - 1);
    return CF_OK;
}

/* ---- fields and commands ---- */

/* One version with these values, unless the current one has them. *changes: is there one? */
static enum cf_error import(struct model_app *app, const uint64_t value[CF_FIELD_COUNT], bool *changes)
{
    bool same = model_state(app, app->version) == CF_CURRENT;
    struct model_version *version;

    for (int field = 0; field < CF_FIELD_COUNT; field++)
        same = same && (value[field] == 0 || app->versions[app->version].value[field] == value[field]);
    *changes = !same;
    if (same)
        return CF_OK;
    for (int field = 0; field < CF_FIELD_COUNT; field++)
        if (value[field] != 0 && was_revoked(app, (enum cf_field)field, value[field]))
            return CF_EREVOKED;
    version = issue(app, app->version, usual_overlap);
    for (int field = 0; field < CF_FIELD_COUNT; field++)
        version->value[field] = value[field] != 0 ? value[field] : version->value[field];
    tidy(app);
    return CF_OK;
}

static enum cf_error write_field(const struct step *step, struct model_app *app)
{
    const struct step_text *text = &step_values[step->pick];
    const size_t len = text->len > 0 && text->text[text->len - 1] == '\n' ? text->len - 1 : text->len;
    uint64_t value[CF_FIELD_COUNT] = {0};
    bool changes;
    enum cf_error error;

    if (step->form == FORM_ADD)
        return CF_EVALUE;
    if (text->error != CF_OK)
        return text->error;
    value[step->field] = model_sum(text->text, len);
    error = import(app, value, &changes);
    app->generation += error == CF_OK && changes ? 1 : 0;
    return error;
}

static enum cf_error ask(struct model_app *app, const struct step_command *command, unsigned who)
{
    if (!step_users[who].reveals)
        return CF_EDENIED;
    app->leave[who] = cf_now() + command->time;
    return CF_OK;
}

static enum cf_error command(struct model *model, struct model_app *app, const struct step_command *command,
                             int64_t number, unsigned who)
{
    switch (command->effect) {
    case DO_NOTHING:
        return CF_OK;
    case DO_FAIL:
        return CF_ECOMMAND;
    case DO_ROTATE:
        generate(model, app, command->time);
        return CF_OK;
    case DO_REVOKE:
        if (!is_kept(app, number))
            return CF_ECOMMAND;
        revoke(app, number);
        return CF_OK;
    case DO_ROLLBACK:
        if (!is_kept(app, number))
            return CF_ECOMMAND;
        if (app->versions[number].is_revoked)
            return CF_EREVOKED;
        issue(app, number, usual_overlap);
        tidy(app);
        return CF_OK;
    case DO_IMPORT: /* done when all are read */
        return CF_OK;
    case DO_ASK:
        return ask(app, command, who);
    case DO_DISABLE:
    case DO_ENABLE:
        app->is_disabled = command->effect == DO_DISABLE;
        return CF_OK;
    case DO_EXPIRE_IN:
        app->expires = cf_now() + command->time;
        return CF_OK;
    case DO_EXPIRE_AT:
        app->expires = command->time;
        return CF_OK;
    case DO_DESCRIBE:
        snprintf(app->description, sizeof app->description, "%s", command->note);
        return CF_OK;
    case DO_LABEL:
        snprintf(app->label, sizeof app->label, "%s", command->note);
        return CF_OK;
    }
    return CF_OK;
}

/* The lines with import of a write. */
struct imports {
    uint64_t value[CF_FIELD_COUNT];
    bool any, over;
};

static enum cf_error add_import(struct imports *imports, const struct step_command *command)
{
    if (imports->over || imports->value[command->field] != 0)
        return CF_ECOMMAND;
    imports->any = true;
    imports->value[command->field] = model_sum(command->note, strlen(command->note));
    return CF_OK;
}

static enum cf_error end_imports(struct imports *imports, struct model_app *app, bool *any)
{
    bool changes = false;
    enum cf_error error = CF_OK;

    if (imports->any && !imports->over) {
        imports->over = true;
        error = import(app, imports->value, &changes);
    }
    *any = *any || changes;
    return error;
}

static enum cf_error control(struct model *model, const struct step *step, struct model_app *app)
{
    static struct model_app tried;
    struct imports imports = {.any = false};
    enum cf_error error = CF_OK;
    bool any = false;

    tried = *app;
    for (size_t i = 0; error == CF_OK && i < step->commands; i++) {
        const struct step_command *one = &step_commands[step->command[i]];
        if (one->effect == DO_IMPORT)
            error = add_import(&imports, one);
        else if (one->effect != DO_NOTHING)
            error = end_imports(&imports, &tried, &any);
        if (error == CF_OK)
            error = command(model, &tried, one, step->number[i], step->who);
        any = any || (one->effect != DO_NOTHING && one->effect != DO_IMPORT && one->effect != DO_ASK);
    }
    if (error == CF_OK)
        error = end_imports(&imports, &tried, &any);
    if (error != CF_OK)
        return error;
    tried.generation += any ? 1 : 0;
    *app = tried;
    return CF_OK;
}

/* How a version stands that has the presented credential. */
static enum cf_error answer_of(const struct model_app *app, int64_t number, size_t api)
{
    const enum cf_version_state state = model_state(app, number);

    if (app->place == CF_IN_TRASH || state == CF_REVOKED)
        return CF_EREVOKED;
    if (app->is_disabled)
        return CF_EDISABLED;
    if ((app->expires != 0 && app->expires <= cf_now()) || state == CF_RETIRED)
        return CF_EEXPIRED;
    return (app->apis & 1U << api) != 0 ? CF_OK : CF_EFORBIDDEN;
}

/* The best that any version of any App with these values has. secret: 0 where the key stands alone. */
static enum cf_error best_answer(const struct model *model, uint64_t key, uint64_t secret, size_t api)
{
    static const enum cf_error best[] = {CF_OK, CF_EFORBIDDEN, CF_EDISABLED, CF_EEXPIRED, CF_EREVOKED};
    size_t found = sizeof best / sizeof *best;

    for (size_t i = 0; i < model->apps; i++) {
        const struct model_app *app = &model->app[i];
        for (int64_t number = 1; app->is_there && number <= app->version; number++) {
            const struct model_version *version = &app->versions[number];
            const bool same = version->value[CF_KEY] == key && (secret == 0 || version->value[CF_SECRET] == secret);
            for (size_t j = 0; version->is_kept && same && j < found; j++)
                if (answer_of(app, number, api) == best[j])
                    found = j;
        }
    }
    return found < sizeof best / sizeof *best ? best[found] : CF_EUNKNOWN;
}

static enum cf_error verify(struct model *model, const struct step *step)
{
    const struct model_app *app = model_app(model, step->app);
    const int64_t number = app == NULL || step->version != 0 ? step->version : app->version;
    const struct model_version *version;
    uint64_t secret;

    if (app == NULL || !app->is_there || !is_kept(app, number) || step_credential(step) == WRONG_SECRET)
        return CF_EUNKNOWN;
    version = &app->versions[number];
    secret = step_credential(step) == WHOLE_CREDENTIAL ? version->value[CF_SECRET] : 0;
    if (version->value[CF_KEY] == 0 || (secret == 0 && step_api(step) < STEP_SLUGS_NEEDING_SECRET))
        return CF_EUNKNOWN;
    return best_answer(model, version->value[CF_KEY], secret, step_api(step));
}

static enum cf_error reveal(const struct model *model, const struct step *step, const struct model_app *app)
{
    const struct step_user *user = &step_users[step->who];
    const int64_t number = step->version != 0 ? step->version : app->version;
    unsigned grants = 1U << STEP_GRANT_STRANGER;

    if (step->field == CF_KEY)
        grants |= 1U << STEP_GRANT_STRANGER_KEY;
    if (step->field == CF_SECRET)
        grants |= 1U << STEP_GRANT_STRANGER_SECRET;
    if (!user->reveals && (user->uid != STRANGER || app->place == CF_IN_TRASH || (app->grants & grants) == 0))
        return CF_EDENIED;
    if (user->reveals && model->is_asked && app->leave[step->who] <= cf_now())
        return CF_EUNASKED;
    if (read_app(app) == CF_OK && !is_kept(app, number))
        return CF_ENOENT;
    return model_read(app, number, step->field);
}

/* What is about an App by its number: nothing is edited in the trash. */
static enum cf_error do_inside(struct model *model, const struct step *step)
{
    struct model_app *app = model_app(model, step->app);

    if (app == NULL || !app->is_there)
        return CF_ENOENT;
    if (step->kind == STEP_REVEAL)
        return reveal(model, step, app);
    if (app->place == CF_IN_TRASH)
        return CF_EFORBIDDEN;
    if (step->kind == STEP_APIS)
        return write_apis(model, step, app);
    if (step->kind == STEP_GRANTS)
        return write_grants(step, app);
    return step->kind == STEP_FIELD ? write_field(step, app) : control(model, step, app);
}

enum cf_error model_do(struct model *model, const struct step *step, int64_t serial)
{
    const struct model_app *app = model_app(model, step->app);
    const char *name = app != NULL ? app->name : "nobody";

    switch (step->kind) {
    case STEP_CREATE:
        return create(model, step, serial);
    case STEP_RENAME:
        return move(model, step, CF_IN_APPS, CF_IN_APPS, name);
    case STEP_BURY:
        return move(model, step, CF_IN_APPS, CF_IN_TRASH, name);
    case STEP_RESTORE:
        return move(model, step, CF_IN_TRASH, CF_IN_APPS, name);
    case STEP_TRASH:
        return trash(model, step, name);
    case STEP_DESTROY:
        return destroy(model, step, name);
    case STEP_ASSIGNEES:
        return write_assignees(model, step);
    case STEP_APIS:
    case STEP_GRANTS:
    case STEP_FIELD:
    case STEP_CTL:
    case STEP_REVEAL:
        return do_inside(model, step);
    case STEP_HOUSE:
        return keep_house(model);
    case STEP_VERIFY:
        return verify(model, step);
    case STEP_POLICY:
        model->is_asked = step->is_odd;
        return CF_OK;
    case STEP_WAIT:
    case STEP_REOPEN:
        break;
    }
    return CF_OK;
}
