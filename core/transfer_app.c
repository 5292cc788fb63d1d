/* A whole App of an import, written exactly. */
#include "transfer_step.h"

#include <string.h>

static enum cf_error put_version(struct cf_import *import, const struct cf_parcel *parcel, size_t at,
                                 struct cf_fault *fault)
{
    struct cf_change *change = &import->change;
    const struct cf_version *version = &parcel->versions[at];
    enum cf_error error = cf_version_put(&change->txn, &change->app, version);

    for (int field = 0; error == CF_OK && field < CF_FIELD_COUNT; field++) {
        struct cf_secret *value = NULL;
        if ((version->fields & 1U << field) == 0)
            continue;
        error = cf_import_value(import, parcel, at, (enum cf_field)field, &value, fault);
        if (error == CF_OK)
            error = cf_value_put(&change->txn, &change->app, version->number, (enum cf_field)field, value);
        cf_secret_free(value);
    }
    return error;
}

/* All that belongs to an App, into a row that has nothing. */
static enum cf_error put_all(struct cf_import *import, const struct cf_parcel *parcel, struct cf_fault *fault)
{
    struct cf_change *change = &import->change;
    enum cf_error error = CF_OK;

    for (size_t i = 0; error == CF_OK && i < parcel->version_count; i++)
        error = put_version(import, parcel, i, fault);
    for (size_t i = 0; error == CF_OK && i < parcel->apis.count; i++)
        error = cf_assignment_put(&change->txn, &change->app, &parcel->apis.at[i]);
    if (error == CF_EEXIST)
        cf_fault_set(fault, "%s: an API of it comes twice", change->app.name);
    for (size_t i = 0; error == CF_OK && i < parcel->note_count; i++)
        error = cf_import_note(import, &parcel->notes[i], fault);
    if (error == CF_OK)
        error = cf_assignments_seal(&change->txn, &change->app);
    if (error == CF_OK)
        error = cf_grants_store(&change->txn, &change->app, &parcel->grants);
    return error;
}

/* Is the name that the App is to have another's? In the trash another one can be found. */
static enum cf_error look_for_name(struct cf_import *import, const struct cf_parcel *parcel, bool *taken,
                                   struct cf_fault *fault)
{
    struct cf_change *change = &import->change;
    struct cf_app other;
    enum cf_error error = cf_app_by_name(&change->txn, parcel->app.place, parcel->app.name, &other);

    *taken = error == CF_OK && other.serial != change->app.serial;
    if (*taken && parcel->app.place == CF_IN_APPS) {
        cf_fault_set(fault, "%s: another App has that name", parcel->app.name);
        return CF_EEXIST;
    }
    return error == CF_ENOENT ? CF_OK : error;
}

enum cf_error cf_import_exactly(struct cf_import *import, const struct cf_parcel *parcel, bool is_new,
                                struct cf_fault *fault)
{
    struct cf_change *change = &import->change;
    struct cf_app app = parcel->app;
    bool taken;
    enum cf_error error = look_for_name(import, parcel, &taken, fault);

    if (error != CF_OK)
        return error;
    app.serial = change->app.serial;
    app.lives = change->app.lives + (!is_new && change->app.place != app.place ? 1 : 0);
    change->app = app;
    if (is_new) {
        if (taken) /* for the moment, until it has a serial */
            cf_hex(app.id, CF_ID_SIZE, change->app.name);
        error = cf_app_put(&change->txn, &change->app);
    } else {
        error = cf_app_clear(&change->txn, &change->app);
    }
    memcpy(change->app.name, app.name, sizeof app.name);
    if (error == CF_OK && taken)
        error = cf_change_number(change);
    if (error == CF_OK)
        error = put_all(import, parcel, fault);
    return error == CF_OK ? cf_app_update(&change->txn, &change->app) : error;
}
