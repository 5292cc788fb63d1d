/* What an App here and a whole one that comes differ in, told: nothing where they are the same. */
#include "transfer_step.h"

#include "clock.h"
#include "note.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Add a difference, behind those that are there. */
__attribute__((format(printf, 2, 3))) static void say(struct cf_text *out, const char *format, ...)
{
    char text[CF_ENTRY_MAX + 64];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cf_text_printf(out, "%s%s", out->len > 0 ? ", " : "", text);
}

/* --- the row ------------------------------------------------------------------------------------------------------ */

static void say_expires(struct cf_text *out, int64_t expires)
{
    char time[CF_TIME_SIZE];

    cf_time_format(expires, time);
    say(out, "expires %s", expires != 0 ? time : "never");
}

/* In the trash the name can have got a number. */
static void differ_row(const struct cf_app *here, const struct cf_app *there, struct cf_text *out)
{
    if (memcmp(here->id, there->id, CF_ID_SIZE) != 0)
        say(out, "another App of that name");
    if (here->place != there->place)
        say(out, "%s the trash", there->place == CF_IN_TRASH ? "into" : "out of");
    if (there->place == CF_IN_APPS && strcmp(here->name, there->name) != 0)
        say(out, "its name was %s", here->name);
    if (here->disabled != there->disabled)
        say(out, there->disabled ? "disabled" : "enabled");
    if (here->expires != there->expires)
        say_expires(out, there->expires);
    if (here->generation != there->generation)
        say(out, "generation %lld for %lld", (long long)there->generation, (long long)here->generation);
    if (here->created != there->created || here->created_by != there->created_by ||
        here->updated != there->updated || here->updated_by != there->updated_by || here->trashed != there->trashed)
        say(out, "when and by whom it was made or changed");
}

/* --- versions ----------------------------------------------------------------------------------------------------- */

static const char *state_of(const struct cf_app *app, const struct cf_version *version)
{
    return cf_version_state_word(cf_version_state(app, version, cf_now()));
}

static enum cf_error differ_version(struct cf_import *import, const struct cf_parcel *parcel, size_t at,
                                    const struct cf_version *here, struct cf_text *out)
{
    const struct cf_version *there = &parcel->versions[at];
    const char *before = state_of(&import->change.app, here), *after = state_of(&parcel->app, there);
    bool same;
    enum cf_error error = cf_import_has_values(import, parcel, at, here, &same, NULL);

    if (error != CF_OK)
        return error;
    if (!same || here->fields != there->fields)
        say(out, "version %lld: other values", (long long)there->number);
    if (before != after)
        say(out, "version %lld: %s, was %s", (long long)there->number, after, before);
    if (here->created != there->created || here->created_by != there->created_by ||
        here->deadline != there->deadline || (before == after && here->revoked != there->revoked))
        say(out, "version %lld: its times", (long long)there->number);
    return CF_OK;
}

/* Both lists have the newest first. */
static enum cf_error differ_versions(struct cf_import *import, const struct cf_parcel *parcel, struct cf_text *out)
{
    const struct cf_app *app = &import->change.app;
    struct cf_version here[CF_VERSIONS_MOST];
    size_t count, i = 0, j = 0;
    enum cf_error error = cf_version_list(&import->change.txn, app, here, &count);

    while (error == CF_OK && (i < count || j < parcel->version_count)) {
        const struct cf_version *there = &parcel->versions[j];
        if (j == parcel->version_count || (i < count && here[i].number > there->number)) {
            say(out, "version %lld lost, %s", (long long)here[i].number, state_of(app, &here[i]));
            i++;
        } else if (i == count || there->number > here[i].number) {
            say(out, "version %lld new, %s", (long long)there->number, state_of(&parcel->app, there));
            j++;
        } else {
            error = differ_version(import, parcel, j++, &here[i++], out);
        }
    }
    return error;
}

/* --- lists -------------------------------------------------------------------------------------------------------- */

static const struct cf_assignment *find_api(const struct cf_assignments *list, const char *slug)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i].slug, slug) == 0)
            return &list->at[i];
    return NULL;
}

static enum cf_error differ_apis(struct cf_import *import, const struct cf_parcel *parcel, struct cf_text *out)
{
    struct cf_change *change = &import->change;
    struct cf_assignments here;
    enum cf_error error = cf_assignments_load(&change->txn, &change->app, change->vault->catalogue, &here);

    if (error != CF_OK)
        return error;
    for (size_t i = 0; i < parcel->apis.count; i++) {
        const struct cf_assignment *there = &parcel->apis.at[i], *old = find_api(&here, there->slug);
        if (old == NULL)
            cf_say(out, '+', there->slug);
        else if (old->since != there->since || old->by != there->by)
            cf_say(out, '~', there->slug);
    }
    for (size_t i = 0; i < here.count; i++)
        if (!cf_assignments_have(&parcel->apis, here.at[i].slug))
            cf_say(out, '-', here.at[i].slug);
    cf_assignments_release(&here);
    return CF_OK;
}

static enum cf_error differ_grants(struct cf_import *import, const struct cf_parcel *parcel, struct cf_text *out)
{
    struct cf_grants here;
    bool redated = false;
    enum cf_error error = cf_grants_load(&import->change.txn, &import->change.app, &here);

    if (error != CF_OK)
        return error;
    for (size_t i = 0; i < here.count; i++) {
        const size_t at = cf_grants_find(&parcel->grants, &here.at[i]);
        redated = redated || (at < parcel->grants.count && (here.at[i].since != parcel->grants.at[at].since ||
                                                            here.at[i].by != parcel->grants.at[at].by));
    }
    if (redated)
        say(out, "since when and by whom grants are");
    cf_say_grants(out, '+', &parcel->grants, &here);
    cf_say_grants(out, '-', &here, &parcel->grants);
    cf_grants_release(&here);
    return CF_OK;
}

/* --- notes -------------------------------------------------------------------------------------------------------- */

struct notes {
    const struct cf_parcel *parcel;
    size_t known; /* how many of the parcel's are here */
    struct cf_text *out;
};

static const struct cf_note *find_note(const struct cf_parcel *parcel, const char *name)
{
    for (size_t i = 0; i < parcel->note_count; i++)
        if (strcmp(parcel->notes[i].name, name) == 0)
            return &parcel->notes[i];
    return NULL;
}

static void differ_note(void *arg, const char *name, const char *value)
{
    struct notes *notes = arg;
    const struct cf_note *there = find_note(notes->parcel, name);

    notes->known += there != NULL;
    if (there == NULL)
        cf_say(notes->out, '-', name);
    else if (strcmp(there->value, value) != 0)
        cf_say(notes->out, '~', name);
}

struct search {
    const char *name;
    bool found;
};

static void look(void *arg, const char *name, const char *value)
{
    struct search *search = arg;

    (void)value;
    search->found = search->found || strcmp(name, search->name) == 0;
}

enum cf_error cf_import_has_note(struct cf_import *import, const char *name, bool *found)
{
    struct search search = {.name = name};
    enum cf_error error = cf_note_each(&import->change.txn, &import->change.app, look, &search);

    *found = search.found;
    return error;
}

static enum cf_error differ_notes(struct cf_import *import, const struct cf_parcel *parcel, struct cf_text *out)
{
    struct notes notes = {.parcel = parcel, .out = out};
    enum cf_error error = cf_note_each(&import->change.txn, &import->change.app, differ_note, &notes);

    for (size_t i = 0; error == CF_OK && notes.known < parcel->note_count && i < parcel->note_count; i++) {
        bool found;
        error = cf_import_has_note(import, parcel->notes[i].name, &found);
        if (error == CF_OK && !found)
            cf_say(out, '+', parcel->notes[i].name);
    }
    return error;
}

enum cf_error cf_import_differ(struct cf_import *import, const struct cf_parcel *parcel, struct cf_text *out)
{
    enum cf_error error;

    differ_row(&import->change.app, &parcel->app, out);
    error = differ_versions(import, parcel, out);
    if (error == CF_OK)
        error = differ_apis(import, parcel, out);
    if (error == CF_OK)
        error = differ_grants(import, parcel, out);
    if (error == CF_OK)
        error = differ_notes(import, parcel, out);
    return error == CF_OK ? cf_text_result(out) : error;
}
