/* What comes for an App that is here, or as a name with values: the parts of it that are new. */
#include "transfer_step.h"

#include "clock.h"
#include "note.h"

#include <stdlib.h>
#include <string.h>

/* --- values ------------------------------------------------------------------------------------------------------- */

static void say_version(struct cf_change *change, const struct cf_parcel *parcel)
{
    struct cf_text *detail = &change->detail;
    const char *between = " (";

    cf_text_printf(detail, "%sversion %lld", detail->len > 0 ? ", " : "", (long long)change->app.version);
    for (int field = 0; field < CF_FIELD_COUNT; field++)
        if ((parcel->versions[0].fields & 1U << field) != 0) {
            cf_text_printf(detail, "%s%s", between, cf_field_word((enum cf_field)field));
            between = " ";
        }
    cf_text_puts(detail, ")");
}

/* Issue what the parcel's first version has as the next version here. */
static enum cf_error issue(struct cf_import *import, const struct cf_parcel *parcel, int64_t overlap,
                           struct cf_fault *fault)
{
    struct cf_change *change = &import->change;
    struct cf_secret *value[CF_FIELD_COUNT] = {NULL};
    enum cf_error error = CF_OK;

    for (int field = 0; error == CF_OK && field < CF_FIELD_COUNT; field++)
        if ((parcel->versions[0].fields & 1U << field) != 0)
            error = cf_import_value(import, parcel, 0, (enum cf_field)field, &value[field], fault);
    if (error == CF_OK)
        error = cf_change_issue(change, value, 0, overlap);
    for (int field = 0; field < CF_FIELD_COUNT; field++)
        cf_secret_free(value[field]);
    if (error == CF_OK) {
        change->touches = true;
        say_version(change, parcel);
    }
    return error;
}

/* Values that the App had before are an older state of it, and stay so: a list that is imported again undoes no
 * rotation. Only replacing goes back. Values that were revoked, here or there, never become good again. */
static enum cf_error merge_values(struct cf_import *import, const struct cf_parcel *parcel, struct cf_fault *fault)
{
    struct cf_change *change = &import->change;
    struct cf_found found;
    bool is_older; /* the same App, from before */
    enum cf_error error;

    if (parcel->version_count == 0 || parcel->versions[0].fields == 0 || parcel->versions[0].revoked)
        return CF_OK;
    error = cf_import_find(import, parcel, 0, &found, fault);
    if (error != CF_OK || (found.number == change->app.version && found.revoked == 0))
        return error;
    is_older = found.number != 0 && parcel->is_whole && memcmp(parcel->app.id, change->app.id, CF_ID_SIZE) == 0;
    if (found.revoked != 0 && !is_older) {
        cf_fault_set(fault,
                     "%s: its %s was revoked here, with version %lld: leave it out, or have a new one issued",
                     parcel->app.name, cf_field_word(found.field), (long long)found.revoked);
        return CF_EREVOKED;
    }
    if (found.number == 0 || import->replaces)
        return issue(import, parcel, change->vault->config->overlap, fault);
    cf_text_printf(&change->detail, "the values are those of version %lld, which stays %s", (long long)found.number,
                   found.revoked != 0 ? "revoked" : "replaced");
    return CF_OK;
}

/* --- APIs --------------------------------------------------------------------------------------------------------- */

/* May it be given to an App now? What a whole App had was given there. */
static enum cf_error check_api(struct cf_import *import, const struct cf_parcel *parcel, const char *slug,
                               struct cf_fault *fault)
{
    const struct cf_api *api = cf_catalogue_find(import->change.vault->catalogue, slug);
    enum cf_error error = CF_OK;

    if (parcel->is_whole)
        return CF_OK;
    if (api == NULL)
        error = CF_ESLUG;
    else
        error = api->retired ? CF_ERETIRED : cf_change_may_give(&import->change, api);
    if (error != CF_OK)
        cf_fault_set(fault, "%s: %s: %s", parcel->app.name, slug, cf_error_text(error));
    return error;
}

static enum cf_error add_api(struct cf_import *import, const struct cf_parcel *parcel,
                             const struct cf_assignment *one, struct cf_fault *fault)
{
    struct cf_change *change = &import->change;
    enum cf_error error = check_api(import, parcel, one->slug, fault);

    if (error == CF_OK)
        error = parcel->is_whole ? cf_assignment_put(&change->txn, &change->app, one)
                                 : cf_assignment_add(&change->txn, &change->app, one->slug, change->caller->uid);
    if (error == CF_EEXIST)
        cf_fault_set(fault, "%s: %s comes twice", parcel->app.name, one->slug);
    if (error == CF_OK) {
        cf_say(&change->detail, '+', one->slug);
        change->touches = true;
    }
    return error;
}

/* With replacing, those that a simple App does not name are taken away. */
static enum cf_error take_away(struct cf_import *import, const struct cf_parcel *parcel,
                               const struct cf_assignments *here)
{
    struct cf_change *change = &import->change;
    enum cf_error error = CF_OK;

    for (size_t i = 0; error == CF_OK && i < here->count; i++) {
        if (cf_assignments_have(&parcel->apis, here->at[i].slug))
            continue;
        cf_say(&change->detail, '-', here->at[i].slug);
        change->touches = true;
        error = cf_assignment_remove(&change->txn, &change->app, here->at[i].slug);
    }
    return error;
}

static enum cf_error merge_apis(struct cf_import *import, const struct cf_parcel *parcel, struct cf_fault *fault)
{
    struct cf_change *change = &import->change;
    struct cf_assignments here;
    enum cf_error error = cf_assignments_load(&change->txn, &change->app, change->vault->catalogue, &here);

    if (error != CF_OK)
        return error;
    for (size_t i = 0; error == CF_OK && i < parcel->apis.count; i++)
        if (!cf_assignments_have(&here, parcel->apis.at[i].slug))
            error = add_api(import, parcel, &parcel->apis.at[i], fault);
    if (error == CF_OK && import->replaces && !parcel->is_whole && parcel->has_apis)
        error = take_away(import, parcel, &here);
    cf_assignments_release(&here);
    return error == CF_OK ? cf_assignments_seal(&change->txn, &change->app) : error;
}

/* --- grants and notes --------------------------------------------------------------------------------------------- */

static enum cf_error merge_grants(struct cf_import *import, const struct cf_parcel *parcel)
{
    struct cf_change *change = &import->change;
    struct cf_grants list;
    bool differs = false;
    enum cf_error error = cf_grants_load(&change->txn, &change->app, &list);

    if (error != CF_OK)
        return error;
    cf_say_grants(&change->detail, '+', &parcel->grants, &list);
    for (size_t i = 0; error == CF_OK && i < parcel->grants.count; i++) {
        if (cf_grants_find(&list, &parcel->grants.at[i]) < list.count)
            continue;
        differs = true;
        error = cf_grants_add(&list, &parcel->grants.at[i]);
    }
    if (error == CF_OK && differs) {
        change->touches = true;
        cf_grants_sort(&list);
        error = cf_grants_store(&change->txn, &change->app, &list);
    }
    cf_grants_release(&list);
    return error;
}

static enum cf_error merge_notes(struct cf_import *import, const struct cf_parcel *parcel, struct cf_fault *fault)
{
    struct cf_change *change = &import->change;
    enum cf_error error = CF_OK;

    for (size_t i = 0; error == CF_OK && i < parcel->note_count; i++) {
        const struct cf_note *note = &parcel->notes[i];
        bool found;
        error = cf_import_has_note(import, note->name, &found);
        if (error != CF_OK || found)
            continue;
        cf_say(&change->detail, '+', note->name);
        change->touches = true;
        error = cf_import_note(import, note, fault);
    }
    return error;
}

/* --- an App ------------------------------------------------------------------------------------------------------- */

enum cf_error cf_import_merge(struct cf_import *import, const struct cf_parcel *parcel, struct cf_fault *fault)
{
    const enum cf_place place = import->change.app.place;
    enum cf_error error;

    if (place == CF_IN_TRASH && parcel->app.place == CF_IN_APPS) {
        cf_fault_set(fault, "%s is in the trash here, as %s: restore it first, or import with --replace",
                     parcel->app.name, import->change.app.name);
        return CF_EFORBIDDEN;
    }
    if (place == CF_IN_TRASH || parcel->app.place == CF_IN_TRASH)
        return CF_OK;
    error = merge_values(import, parcel, fault);
    if (error == CF_OK)
        error = merge_apis(import, parcel, fault);
    if (error == CF_OK)
        error = merge_grants(import, parcel);
    return error == CF_OK ? merge_notes(import, parcel, fault) : error;
}

enum cf_error cf_import_simply(struct cf_import *import, const struct cf_parcel *parcel, struct cf_fault *fault)
{
    struct cf_change *change = &import->change;
    enum cf_error error;

    if (parcel->version_count == 0 || parcel->versions[0].fields == 0) {
        cf_fault_set(fault, "%s: a new App, and no value for it", parcel->app.name);
        return CF_EVALUE;
    }
    memcpy(change->app.name, parcel->app.name, sizeof change->app.name);
    change->app.place = CF_IN_APPS;
    change->app.created = cf_now();
    change->app.created_by = change->caller->uid;
    error = cf_app_insert(&change->txn, &change->app);
    if (error == CF_OK)
        error = issue(import, parcel, 0, fault);
    for (size_t i = 0; error == CF_OK && i < parcel->apis.count; i++)
        error = add_api(import, parcel, &parcel->apis.at[i], fault);
    if (error == CF_OK)
        error = cf_assignments_seal(&change->txn, &change->app);
    cf_say_grants(&change->detail, '+', &parcel->grants, &(struct cf_grants){0});
    return error == CF_OK ? cf_grants_store(&change->txn, &change->app, &parcel->grants) : error;
}
