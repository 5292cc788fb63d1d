/* Apps as a whole: made, renamed, moved to the trash and back, destroyed. */
#include "change_step.h"

#include "assignment.h"
#include "clock.h"
#include "grant.h"

#include <string.h>

static enum cf_error set_name(struct cf_app *app, const char *name)
{
    enum cf_error error = cf_name_check(name, strlen(name));

    if (error == CF_OK)
        memcpy(app->name, name, strlen(name) + 1);
    return error;
}

static enum cf_error create(struct cf_change *change, const char *name)
{
    struct cf_app *app = &change->app;
    enum cf_error error = cf_change_judge(change, CF_CREATE_APP);

    if (error == CF_OK)
        error = set_name(app, name);
    if (error == CF_OK)
        error = cf_change_begin(change);
    if (error != CF_OK)
        return error;
    app->created = cf_now();
    app->created_by = change->caller->uid;
    error = cf_app_insert(&change->txn, app);
    if (error == CF_OK) {
        change->has_app = change->touches = true;
        error = cf_change_generate(change, 0);
    }
    if (error == CF_OK)
        error = cf_assignments_seal(&change->txn, app);
    if (error == CF_OK)
        error = cf_grants_store(&change->txn, app, &(struct cf_grants){0});
    return error;
}

enum cf_error cf_create_app(struct cf_vault *vault, struct cf_caller *caller, const char *name, struct cf_app *app)
{
    struct cf_change change = {.vault = vault, .caller = caller, .op = "create", .name = name};
    enum cf_error error = create(&change, name);

    error = cf_change_end(&change, error);
    if (error == CF_OK)
        *app = change.app;
    return error;
}

static enum cf_error begin_named(struct cf_change *change, enum cf_action action, enum cf_place place)
{
    enum cf_error error = cf_change_judge(change, action);

    if (error == CF_OK)
        error = cf_change_begin(change);
    if (error != CF_OK)
        return error;
    error = cf_app_by_name(&change->txn, place, change->name, &change->app);
    change->has_app = error == CF_OK;
    return error;
}

static void put(struct cf_app *app, enum cf_place place)
{
    if (app->place != place)
        app->trashed = place == CF_IN_TRASH ? cf_now() : 0;
    app->place = place;
}

static enum cf_action action_of_move(enum cf_place from, enum cf_place to)
{
    if (from == CF_IN_TRASH)
        return CF_RESTORE_APP;
    return to == CF_IN_TRASH ? CF_DELETE_APP : CF_RENAME_APP;
}

enum cf_error cf_move_app(struct cf_vault *vault, struct cf_caller *caller, enum cf_place from, const char *name,
                          enum cf_place to, const char *new_name, struct cf_app *app)
{
    const enum cf_action action = action_of_move(from, to);
    struct cf_change change = {
        .vault = vault, .caller = caller, .op = cf_action_word(action), .name = name, .touches = true};
    enum cf_error error = begin_named(&change, action, from);

    cf_text_printf(&change.detail, "to %s", new_name);
    if (error == CF_OK && from == CF_IN_TRASH && to == CF_IN_TRASH)
        error = CF_EFORBIDDEN;
    if (error == CF_OK)
        error = set_name(&change.app, new_name);
    if (error == CF_OK)
        put(&change.app, to);
    error = cf_change_end(&change, error);
    if (error == CF_OK && app != NULL)
        *app = change.app;
    return error;
}

/* A name that is free in the trash: its own, or a numbered one. */
static enum cf_error name_in_trash(struct cf_change *change)
{
    struct cf_app other;
    enum cf_error error = cf_app_by_name(&change->txn, CF_IN_TRASH, change->app.name, &other);

    if (error == CF_ENOENT)
        return CF_OK;
    if (error != CF_OK && error != CF_ETAMPER)
        return error;
    return cf_change_number(change);
}

static enum cf_error trash(struct cf_change *change)
{
    enum cf_error error = begin_named(change, CF_DELETE_APP, CF_IN_APPS);

    if (error == CF_OK)
        error = name_in_trash(change);
    if (error != CF_OK)
        return error;
    put(&change->app, CF_IN_TRASH);
    change->app.lives++;
    change->touches = true;
    cf_text_printf(&change->detail, "to %s", change->app.name);
    return CF_OK;
}

static enum cf_error destroy(struct cf_change *change)
{
    enum cf_error error = begin_named(change, CF_DESTROY_APP, CF_IN_TRASH);

    change->destroys = true;
    return error == CF_OK ? cf_app_delete(&change->txn, &change->app) : error;
}

enum cf_error cf_remove_app(struct cf_vault *vault, struct cf_caller *caller, enum cf_place place, const char *name)
{
    struct cf_change change = {.vault = vault, .caller = caller, .name = name};
    enum cf_error error;

    change.op = cf_action_word(place == CF_IN_APPS ? CF_DELETE_APP : CF_DESTROY_APP);
    error = place == CF_IN_APPS ? trash(&change) : destroy(&change);
    return cf_change_end(&change, error);
}
