/* One App of an import: written exactly, compared, made, or merged. */
#include "transfer_step.h"

#include "clock.h"
#include "note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- exactly ------------------------------------------------------------------------------------------------------ */

static enum cf_error put_version(struct cf_import *import, const struct cf_parcel *parcel, size_t at,
                                 struct cf_fault *fault)
{
    struct cf_change *change = &import->change;
    const struct cf_version *version = &parcel->versions[at];
    enum cf_error error = cf_version_restore(&change->txn, &change->app, version);

    for (int field = 0; error == CF_OK && field < CF_FIELD_COUNT; field++) {
        struct cf_secret *value = NULL;
        if ((version->fields & 1U << field) == 0)
            continue;
        error = cf_import_value(import, parcel, at, (enum cf_field)field, &value, fault);
        if (error == CF_OK)
            error = cf_value_restore(&change->txn, &change->app, version->number, (enum cf_field)field, value);
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
    for (size_t i = 0; error == CF_OK && i < parcel->apis.count; i++) {
        cf_say(&change->detail, '+', parcel->apis.at[i].slug);
        error = cf_assignment_restore(&change->txn, &change->app, &parcel->apis.at[i]);
    }
    if (error == CF_EEXIST)
        cf_fault_set(fault, "%s: an API of it comes twice", change->app.name);
    for (size_t i = 0; error == CF_OK && i < parcel->note_count; i++)
        error = cf_note_set(&change->txn, &change->app, parcel->notes[i].name, parcel->notes[i].value);
    cf_say_grants(&change->detail, '+', &parcel->grants, &(struct cf_grants){0});
    if (error == CF_OK)
        error = cf_assignments_seal(&change->txn, &change->app);
    if (error == CF_OK)
        error = cf_grants_store(&change->txn, &change->app, &parcel->grants);
    return error;
}

/* Who read which version and leave to reveal go too: they are about what was here. */
static enum cf_error clear(struct cf_txn *txn, int64_t serial)
{
    enum cf_error error = cf_sql_run(txn->db, "DELETE FROM version WHERE app = ?", "i", serial);

    if (error == CF_OK)
        error = cf_sql_run(txn->db, "DELETE FROM reader WHERE app = ?", "i", serial);
    if (error == CF_OK)
        error = cf_sql_run(txn->db, "DELETE FROM revealed WHERE app = ?", "i", serial);
    if (error == CF_OK)
        error = cf_sql_run(txn->db, "DELETE FROM leave WHERE app = ?", "i", serial);
    if (error == CF_OK)
        error = cf_sql_run(txn->db, "DELETE FROM assignment WHERE app = ?", "i", serial);
    return error == CF_OK ? cf_sql_run(txn->db, "DELETE FROM note WHERE app = ?", "i", serial) : error;
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

/* The same rule by which the trash takes a second App of a name. */
static enum cf_error add_number(struct cf_app *app)
{
    const size_t len = strlen(app->name);
    const int more = snprintf(app->name + len, sizeof app->name - len, ".%lld", (long long)app->serial);

    return more > 0 && len + (size_t)more < sizeof app->name ? CF_OK : CF_ENAME;
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
    cf_text_printf(&change->detail, "version %lld", (long long)app.version);
    app.serial = change->app.serial;
    app.lives = change->app.lives + (!is_new && change->app.place != app.place ? 1 : 0);
    change->app = app;
    if (is_new) {
        if (taken) /* for the moment, until it has a serial */
            cf_hex(app.id, CF_ID_SIZE, change->app.name);
        error = cf_app_restore(&change->txn, &change->app);
    } else {
        error = clear(&change->txn, app.serial);
        if (error == CF_OK)
            error = cf_notes_seal(&change->txn, &change->app);
    }
    memcpy(change->app.name, app.name, sizeof app.name);
    if (error == CF_OK && taken)
        error = add_number(&change->app);
    if (error == CF_OK)
        error = put_all(import, parcel, fault);
    return error == CF_OK ? cf_app_update(&change->txn, &change->app) : error;
}

/* --- compared ----------------------------------------------------------------------------------------------------- */

/* In the trash the name can have got a number. */
static bool is_same_row(const struct cf_app *here, const struct cf_app *there)
{
    return memcmp(here->id, there->id, CF_ID_SIZE) == 0 && here->place == there->place &&
           (here->place == CF_IN_TRASH || strcmp(here->name, there->name) == 0) &&
           here->disabled == there->disabled && here->created == there->created &&
           here->created_by == there->created_by && here->updated == there->updated &&
           here->updated_by == there->updated_by && here->trashed == there->trashed &&
           here->generation == there->generation && here->version == there->version &&
           here->expires == there->expires;
}

enum cf_error cf_import_has_values(struct cf_import *import, const struct cf_parcel *parcel, size_t at,
                                   int64_t number, bool *same, struct cf_fault *fault)
{
    struct cf_change *change = &import->change;
    enum cf_error error = CF_OK;

    *same = true;
    for (int field = 0; *same && error == CF_OK && field < CF_FIELD_COUNT; field++) {
        struct cf_secret *here = NULL, *there = NULL;
        if ((parcel->versions[at].fields & 1U << field) == 0)
            continue;
        error = cf_value_open(&change->txn, &change->app, number, (enum cf_field)field, &here);
        if (error == CF_OK)
            error = cf_parcel_open(parcel, at, (enum cf_field)field, &there, fault);
        if (error == CF_ENOKEY)
            *same = false;
        else if (error == CF_OK)
            *same = cf_secret_len(here) == cf_secret_len(there) &&
                    cf_equal(cf_secret_peek(here), cf_secret_peek(there), cf_secret_len(here));
        error = error == CF_ENOKEY ? CF_OK : error;
        cf_secret_free(here);
        cf_secret_free(there);
    }
    return error;
}

static enum cf_error are_same_versions(struct cf_import *import, const struct cf_parcel *parcel, bool *same)
{
    struct cf_version here[CF_VERSIONS_MOST];
    size_t count;
    enum cf_error error = cf_version_list(&import->change.txn, &import->change.app, here, &count);

    *same = error == CF_OK && count == parcel->version_count;
    for (size_t i = 0; *same && error == CF_OK && i < count; i++) {
        const struct cf_version *there = &parcel->versions[i];
        *same = here[i].number == there->number && here[i].created == there->created &&
                here[i].created_by == there->created_by && here[i].deadline == there->deadline &&
                here[i].revoked == there->revoked && here[i].fields == there->fields;
        if (*same)
            error = cf_import_has_values(import, parcel, i, here[i].number, same, NULL);
    }
    return error;
}

static enum cf_error are_same_apis(struct cf_import *import, const struct cf_parcel *parcel, bool *same)
{
    struct cf_change *change = &import->change;
    struct cf_assignments here;
    size_t found = 0;
    enum cf_error error = cf_assignments_load(&change->txn, &change->app, change->vault->catalogue, &here);

    *same = false;
    if (error != CF_OK)
        return error;
    for (size_t i = 0; i < here.count; i++)
        for (size_t j = 0; j < parcel->apis.count; j++)
            found += strcmp(here.at[i].slug, parcel->apis.at[j].slug) == 0 &&
                     here.at[i].since == parcel->apis.at[j].since && here.at[i].by == parcel->apis.at[j].by;
    *same = found == here.count && found == parcel->apis.count;
    cf_assignments_release(&here);
    return CF_OK;
}

static enum cf_error are_same_grants(struct cf_import *import, const struct cf_parcel *parcel, bool *same)
{
    struct cf_grants here;
    enum cf_error error = cf_grants_load(&import->change.txn, &import->change.app, &here);

    *same = error == CF_OK && here.count == parcel->grants.count;
    for (size_t i = 0; *same && i < here.count; i++)
        *same = cf_grant_order(&here.at[i], &parcel->grants.at[i]) == 0 &&
                here.at[i].since == parcel->grants.at[i].since && here.at[i].by == parcel->grants.at[i].by;
    if (error == CF_OK)
        cf_grants_release(&here);
    return error;
}

struct notes {
    const struct cf_parcel *parcel;
    size_t same, count;
};

static void compare_note(void *arg, const char *name, const char *value)
{
    struct notes *notes = arg;

    notes->count++;
    for (size_t i = 0; i < notes->parcel->note_count; i++)
        notes->same +=
            strcmp(name, notes->parcel->notes[i].name) == 0 && strcmp(value, notes->parcel->notes[i].value) == 0;
}

static enum cf_error are_same_notes(struct cf_import *import, const struct cf_parcel *parcel, bool *same)
{
    struct notes notes = {.parcel = parcel};
    enum cf_error error = cf_note_each(&import->change.txn, &import->change.app, compare_note, &notes);

    *same = notes.same == notes.count && notes.count == parcel->note_count;
    return error;
}

enum cf_error cf_import_compare(struct cf_import *import, const struct cf_parcel *parcel, bool *same)
{
    enum cf_error error = CF_OK;

    *same = is_same_row(&import->change.app, &parcel->app);
    if (*same)
        error = are_same_versions(import, parcel, same);
    if (error == CF_OK && *same)
        error = are_same_apis(import, parcel, same);
    if (error == CF_OK && *same)
        error = are_same_grants(import, parcel, same);
    if (error == CF_OK && *same)
        error = are_same_notes(import, parcel, same);
    return error;
}
