/* What comes in and goes out, as lists. */
#include "transfer_step.h"

#include "note.h"

#include <stdlib.h>
#include <string.h>

void cf_parcel_release(struct cf_parcel *parcel)
{
    cf_assignments_release(&parcel->apis);
    cf_grants_release(&parcel->grants);
    for (size_t i = 0; i < parcel->note_count; i++) {
        free(parcel->notes[i].name);
        free(parcel->notes[i].value);
    }
    free(parcel->notes);
    parcel->notes = NULL;
    parcel->note_count = 0;
}

/* Room for one more in a list that grows by doubling: it is full whenever its count is a power of two. */
static void *grow(void *list, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return list;
    return realloc(list, (count == 0 ? 1 : 2 * count) * size);
}

bool cf_parcel_add_note(struct cf_parcel *parcel, const char *name, const char *value)
{
    struct cf_note note = {strdup(name), strdup(value)};
    struct cf_note *notes = grow(parcel->notes, parcel->note_count, sizeof *notes);

    if (notes != NULL)
        parcel->notes = notes;
    if (notes == NULL || note.name == NULL || note.value == NULL) {
        free(note.name);
        free(note.value);
        return false;
    }
    notes[parcel->note_count++] = note;
    return true;
}

bool cf_parcel_add_api(struct cf_parcel *parcel, const struct cf_assignment *one)
{
    struct cf_assignment *at = grow(parcel->apis.at, parcel->apis.count, sizeof *at);

    if (at == NULL)
        return false;
    parcel->apis.at = at;
    at[parcel->apis.count++] = *one;
    return true;
}

/* --- is it possible? ---------------------------------------------------------------------------------------------- */

/* In the trash a name may have a number behind it, or several. */
static enum cf_error check_name(const struct cf_app *app)
{
    size_t len = strlen(app->name);

    while (app->place == CF_IN_TRASH && len > CF_NAME_MAX && len <= CF_ENTRY_MAX) {
        size_t digits = 0;
        while (digits < len && app->name[len - 1 - digits] >= '0' && app->name[len - 1 - digits] <= '9')
            digits++;
        if (digits == 0 || digits + 1 >= len || app->name[len - 1 - digits] != '.')
            return CF_ENAME;
        len -= digits + 1;
    }
    return cf_name_check(app->name, len);
}

/* Numbers that grow here: what comes leaves them room. A version's can be named in ctl. */
static bool is_generation(int64_t number)
{
    return number > 0 && number <= INT64_C(1) << 53;
}

static bool is_version(int64_t number)
{
    return number > 0 && number <= INT32_MAX;
}

/* When something happened. Any duration that can be configured can be added to it. */
static bool is_moment(int64_t time)
{
    return time > 0 && time <= INT64_C(1) << 62;
}

bool cf_grants_dated(const struct cf_grants *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (!is_moment(list->at[i].since))
            return false;
    return true;
}

static const char *check_app(const struct cf_parcel *parcel)
{
    const struct cf_app *app = &parcel->app;

    if ((app->place == CF_IN_TRASH) != (app->trashed != 0))
        return "the time when it went to the trash does not agree with where it is";
    if (!is_moment(app->created) || !is_moment(app->updated) || (app->trashed != 0 && !is_moment(app->trashed)) ||
        app->expires < 0 || !is_generation(app->generation) || !is_version(app->version))
        return "a time or number of it is missing or not possible";
    return NULL;
}

/* From the newest, the current one, down. */
static const char *check_versions(const struct cf_parcel *parcel)
{
    if (parcel->version_count == 0 || parcel->versions[0].number != parcel->app.version)
        return "its newest version is not the current one";
    for (size_t i = 0; i < parcel->version_count; i++) {
        const struct cf_version *version = &parcel->versions[i];
        if (!is_version(version->number) || (i > 0 && version->number >= parcel->versions[i - 1].number))
            return "its versions are not in order, the newest first";
        const bool is_good = i == 0 && !version->revoked; /* then it has no deadline; all but the first have one */
        if (!is_moment(version->created) || version->deadline < 0 || (is_good && version->deadline != 0) ||
            (i > 0 && version->deadline == 0))
            return "the times of a version are not possible";
    }
    return NULL;
}

static const char *check_lists(const struct cf_parcel *parcel)
{
    for (size_t i = 0; i < parcel->note_count; i++)
        if (cf_note_check(parcel->notes[i].name, parcel->notes[i].value) != CF_OK ||
            parcel->notes[i].value[0] == '\0')
            return "its description or a label is not possible";
    for (size_t i = 0; i < parcel->apis.count; i++)
        if (!cf_slug_valid(parcel->apis.at[i].slug, strlen(parcel->apis.at[i].slug)))
            return "an API of it has no valid name";
    for (size_t i = 1; i < parcel->grants.count; i++)
        if (cf_grant_order(&parcel->grants.at[i - 1], &parcel->grants.at[i]) >= 0)
            return "its grants are doubled or not in order";
    return NULL;
}

/* A simple App's APIs and grants are given when it comes. */
static const char *check_moments(const struct cf_parcel *parcel)
{
    bool are_possible = cf_grants_dated(&parcel->grants);

    for (size_t i = 0; i < parcel->apis.count; i++)
        are_possible = are_possible && is_moment(parcel->apis.at[i].since);
    return are_possible ? NULL : "the time of an API or a grant is missing or not possible";
}

enum cf_error cf_parcel_check(const struct cf_parcel *parcel, struct cf_fault *fault)
{
    const char *reason = NULL;

    if (check_name(&parcel->app) != CF_OK) {
        cf_fault_set(fault, "not a valid App name");
        return CF_ENAME;
    }
    if (parcel->is_whole)
        reason = check_app(parcel);
    if (parcel->is_whole && reason == NULL)
        reason = check_versions(parcel);
    if (reason == NULL)
        reason = check_lists(parcel);
    if (parcel->is_whole && reason == NULL)
        reason = check_moments(parcel);
    if (reason == NULL)
        return CF_OK;
    cf_fault_set(fault, "%s: %s", parcel->app.name, reason);
    return CF_EVALUE;
}

enum cf_error cf_parcel_open(const struct cf_parcel *parcel, size_t at, enum cf_field field, struct cf_secret **out,
                             struct cf_fault *fault)
{
    enum cf_error error = parcel->value(parcel->arg, at, field, out);

    if (error == CF_OK && !cf_value_importable((const char *)cf_secret_peek(*out), cf_secret_len(*out))) {
        cf_fault_set(
            fault, "%s: its %s is not one printable value of 1 to %d bytes, or is one of credfs's own and mistyped",
            parcel->app.name, cf_field_word(field), (int)CF_VALUE_MAX);
        cf_secret_free(*out);
        *out = NULL;
        error = CF_EVALUE;
    }
    return error;
}

enum cf_error cf_import_value(struct cf_import *import, const struct cf_parcel *parcel, size_t at,
                              enum cf_field field, struct cf_secret **out, struct cf_fault *fault)
{
    enum cf_error error = cf_parcel_open(parcel, at, field, out, fault);

    if (error == CF_OK)
        error = cf_change_may_hold(&import->change, (const char *)cf_secret_peek(*out), cf_secret_len(*out));
    if (error == CF_EUNFIT) {
        cf_fault_set(fault, "%s: its %s is not portable, as [policy] values demands: views/env could not carry it",
                     parcel->app.name, cf_field_word(field));
        cf_secret_free(*out);
        *out = NULL;
    }
    return error;
}

enum cf_error cf_import_note(struct cf_import *import, const struct cf_note *note, struct cf_fault *fault)
{
    struct cf_change *change = &import->change;
    enum cf_error error = cf_note_set(&change->txn, &change->app, note->name, note->value);

    if (error == CF_EVALUE)
        cf_fault_set(fault, "%s: it would have more than %d labels", change->app.name, (int)CF_LABELS_MAX);
    return error;
}
