/* An import: one transaction over many Apps. */
#include "transfer_step.h"

#include <stdlib.h>
#include <string.h>

enum cf_error cf_import_begin(struct cf_vault *vault, struct cf_caller *caller, bool replaces,
                              struct cf_import **out, struct cf_fault *fault)
{
    struct cf_import *import = calloc(1, sizeof *import);
    enum cf_error error;

    *out = NULL;
    if (import == NULL)
        return CF_ENOMEM;
    import->replaces = replaces;
    import->change = (struct cf_change){.vault = vault, .caller = caller, .op = "import"};
    error = cf_change_judge(&import->change, CF_CREATE_APP);
    if (error == CF_OK)
        error = cf_change_begin(&import->change);
    if (error != CF_OK) {
        cf_fault_set(fault, "%s", cf_error_text(error));
        cf_import_end(import, error);
        return error;
    }
    *out = import;
    return CF_OK;
}

/* --- one App ------------------------------------------------------------------------------------------------------ */

/* The App here that is the one which comes: by its id, else, where it comes from apps/, by its name. */
static enum cf_error match(struct cf_import *import, const struct cf_parcel *parcel)
{
    struct cf_change *change = &import->change;
    enum cf_error error = CF_ENOENT;

    if (parcel->is_whole)
        error = cf_app_by_id(&change->txn, parcel->app.id, &change->app);
    if (error == CF_ENOENT && (!parcel->is_whole || parcel->app.place == CF_IN_APPS))
        error = cf_app_by_name(&change->txn, CF_IN_APPS, parcel->app.name, &change->app);
    change->has_app = error == CF_OK;
    return error == CF_ENOENT ? CF_OK : error;
}

/* Note that the App of this serial has come. CF_EEXIST when it came before. */
static enum cf_error see(struct cf_import *import, int64_t serial)
{
    const size_t byte = (size_t)serial / 8;
    const uint8_t bit = (uint8_t)(1U << serial % 8);

    if (byte >= import->seen_size) {
        const size_t size = byte * 2 + 1024;
        uint8_t *seen = realloc(import->seen, size);
        if (seen == NULL)
            return CF_ENOMEM;
        memset(seen + import->seen_size, 0, size - import->seen_size);
        import->seen = seen;
        import->seen_size = size;
    }
    if ((import->seen[byte] & bit) != 0)
        return CF_EEXIST;
    import->seen[byte] |= bit;
    return CF_OK;
}

static enum cf_error add_done(struct cf_import *import, struct cf_done done)
{
    if (import->done_count == import->done_room) {
        const size_t room = import->done_room == 0 ? 64 : 2 * import->done_room;
        struct cf_done *list = realloc(import->done, room * sizeof *list);
        if (list == NULL)
            return CF_ENOMEM;
        import->done = list;
        import->done_room = room;
    }
    import->done[import->done_count++] = done;
    return CF_OK;
}

/* Note for the record what was done to an App or API: "new: version 1 (key) +audit-records". */
static enum cf_error note_done(struct cf_import *import, int64_t serial, bool is_api,
                               const struct cf_outcome *outcome)
{
    struct cf_text detail = {0};
    enum cf_error error;

    cf_text_puts(&detail, outcome->kind == CF_NEW ? "new: " : "changed: ");
    cf_text_add(&detail, outcome->detail.data, outcome->detail.len);
    error = cf_text_result(&detail);
    if (error == CF_OK)
        error = add_done(import, (struct cf_done){serial, is_api, detail.data});
    if (error != CF_OK)
        cf_text_release(&detail);
    return error;
}

/* Make one that is not here yet. */
static enum cf_error make(struct cf_import *import, const struct cf_parcel *parcel, struct cf_fault *fault)
{
    struct cf_text *detail = &import->change.detail;

    cf_text_printf(detail, "version %lld", (long long)parcel->app.version);
    for (size_t i = 0; i < parcel->apis.count; i++)
        cf_say(detail, '+', parcel->apis.at[i].slug);
    cf_say_grants(detail, '+', &parcel->grants, &(struct cf_grants){0});
    return cf_import_exactly(import, parcel, true, fault);
}

/* What was revoked here stays so: those versions of the parcel, a copy, become revoked too. A version that is the same
 * here is as it is here. */
static enum cf_error keep_revoked(struct cf_import *import, struct cf_parcel *parcel, struct cf_fault *fault)
{
    struct cf_text *detail = &import->change.detail;
    enum cf_error error = CF_OK;

    for (size_t i = 0; error == CF_OK && i < parcel->version_count; i++) {
        struct cf_version *version = &parcel->versions[i];
        bool revoked;
        if (version->revoked)
            continue;
        error = cf_import_stays_revoked(import, parcel, i, &revoked, fault);
        if (error != CF_OK || !revoked)
            continue;
        version->revoked = true;
        cf_text_printf(detail, "%sversion %lld stays revoked", detail->len > 0 ? ", " : "",
                       (long long)version->number);
    }
    return error;
}

static enum cf_error replace(struct cf_import *import, const struct cf_parcel *parcel, struct cf_fault *fault)
{
    struct cf_change *change = &import->change;
    struct cf_parcel kept = *parcel;
    struct cf_text difference = {0};
    enum cf_error error = keep_revoked(import, &kept, fault);

    if (error == CF_OK)
        error = cf_import_differ(import, &kept, &difference);
    change->touches = error == CF_ETAMPER || difference.len > 0;
    if (error == CF_ETAMPER) { /* no reason not to replace it */
        cf_text_release(&change->detail);
        cf_text_puts(&change->detail, "what is here does not verify");
        error = CF_OK;
    } else if (difference.len > 0) {
        cf_text_printf(&change->detail, "%s%s", change->detail.len > 0 ? ", " : "", difference.data);
    }
    cf_text_release(&difference);
    return error == CF_OK && change->touches ? cf_import_exactly(import, &kept, false, fault) : error;
}

static enum cf_error merge(struct cf_import *import, const struct cf_parcel *parcel, struct cf_fault *fault)
{
    enum cf_error error = cf_import_merge(import, parcel, fault);

    return error == CF_OK && import->change.touches ? cf_change_touch(&import->change) : error;
}

static enum cf_error take(struct cf_import *import, const struct cf_parcel *parcel, enum cf_outcome_kind *kind,
                          struct cf_fault *fault)
{
    struct cf_change *change = &import->change;
    enum cf_error error = match(import, parcel);

    *kind = CF_NEW;
    if (error != CF_OK)
        return error;
    change->touches = !change->has_app;
    if (!change->has_app && parcel->is_whole)
        return make(import, parcel, fault);
    if (!change->has_app) {
        error = cf_import_simply(import, parcel, fault);
        return error == CF_OK ? cf_change_touch(change) : error;
    }
    error = see(import, change->app.serial);
    if (error == CF_EEXIST)
        cf_fault_set(fault, "%s: it comes twice", parcel->app.name);
    if (error != CF_OK)
        return error;
    error = import->replaces && parcel->is_whole ? replace(import, parcel, fault) : merge(import, parcel, fault);
    *kind = change->touches ? CF_CHANGED : CF_SAME;
    return error;
}

enum cf_error cf_import_app(struct cf_import *import, const struct cf_parcel *parcel, struct cf_outcome *outcome,
                            struct cf_fault *fault)
{
    struct cf_change *change = &import->change;
    enum cf_error error = cf_parcel_check(parcel, fault);

    *outcome = (struct cf_outcome){.kind = CF_SAME};
    change->has_app = change->touches = false;
    change->app = (struct cf_app){0};
    if (error == CF_OK)
        error = take(import, parcel, &outcome->kind, fault);
    if (error == CF_OK && outcome->kind == CF_NEW)
        error = see(import, change->app.serial);
    if (error == CF_OK)
        error = cf_text_result(&change->detail);
    outcome->detail = change->detail;
    change->detail = (struct cf_text){0};
    if (error == CF_OK && change->touches)
        error = note_done(import, change->app.serial, false, outcome);
    if (error != CF_OK && fault != NULL && fault->text[0] == '\0')
        cf_fault_set(fault, "%s: %s", parcel->app.name, cf_error_text(error));
    return error;
}

/* --- the assignees of an API -------------------------------------------------------------------------------------- */

/* wanted: owned by the caller. */
static enum cf_error unite(const struct cf_import *import, const struct cf_grants *old,
                           const struct cf_grants *list, struct cf_grants *wanted)
{
    enum cf_error error = CF_OK;

    for (size_t i = 0; error == CF_OK && i < list->count; i++)
        error = cf_grants_add(wanted, &list->at[i]);
    for (size_t i = 0; error == CF_OK && !import->replaces && i < old->count; i++) {
        const size_t at = cf_grants_find(list, &old->at[i]);
        if (at < list->count)
            wanted->at[at] = old->at[i]; /* since when it is so here */
        else
            error = cf_grants_add(wanted, &old->at[i]);
    }
    cf_grants_sort(wanted);
    return error;
}

static bool is_list(const struct cf_grants *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->at[i].who.kind != CF_USER || list->at[i].field != CF_NO_FIELD ||
            (i > 0 && cf_grant_order(&list->at[i - 1], &list->at[i]) >= 0))
            return false;
    return cf_grants_dated(list);
}

/* The row of a slug, which gets one if it has none: the catalogue may come to know it. */
static enum cf_error find_api(struct cf_txn *txn, const char *slug, struct cf_api_row *api)
{
    enum cf_error error = cf_api_by_slug(txn, slug, api);

    if (error != CF_ENOENT)
        return error;
    error = cf_api_add(txn, slug);
    return error == CF_OK ? cf_api_by_slug(txn, slug, api) : error;
}

enum cf_error cf_import_assignees(struct cf_import *import, const char *slug, const struct cf_grants *list,
                                  struct cf_outcome *outcome, struct cf_fault *fault)
{
    struct cf_txn *txn = &import->change.txn;
    struct cf_grants old = {0}, wanted = {0};
    struct cf_api_row api;
    enum cf_error error = CF_OK;

    *outcome = (struct cf_outcome){.kind = CF_SAME};
    if (!cf_slug_valid(slug, strlen(slug)))
        error = CF_ESLUG;
    else if (!is_list(list))
        error = CF_EVALUE;
    if (error == CF_OK)
        error = find_api(txn, slug, &api);
    if (error == CF_OK)
        error = cf_assignees_load(txn, &api, &old);
    if (error == CF_OK)
        error = unite(import, &old, list, &wanted);
    if (error == CF_OK) {
        cf_say_grants(&outcome->detail, '+', &wanted, &old);
        cf_say_grants(&outcome->detail, '-', &old, &wanted);
    }
    if (error == CF_OK && outcome->detail.len > 0) {
        outcome->kind = CF_CHANGED;
        error = cf_assignees_store(txn, &api, &wanted);
        if (error == CF_OK)
            error = note_done(import, api.serial, true, outcome);
    }
    cf_grants_release(&old);
    cf_grants_release(&wanted);
    if (error != CF_OK)
        cf_fault_set(fault, "the assignees of %s: %s", slug, cf_error_text(error));
    return error;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static enum cf_error record_app(struct cf_change *change, const struct cf_done *done)
{
    struct cf_app app;
    enum cf_error error = cf_app_by_serial(&change->txn, done->serial, &app);
    struct cf_event event = {
        .caller = change->caller, .op = "import", .why = change->verdict.why, .detail = done->detail};

    if (error != CF_OK)
        return error;
    event.app = app.name;
    event.id = app.id;
    event.version = app.version;
    return cf_vault_record(change->vault, &event);
}

static enum cf_error record_api(struct cf_change *change, const struct cf_done *done)
{
    struct cf_api_row api;
    enum cf_error error = cf_api_by_serial(&change->txn, done->serial, &api);
    struct cf_event event = {.caller = change->caller,
                             .op = "import",
                             .file = "assignees",
                             .why = change->verdict.why,
                             .detail = done->detail};

    if (error != CF_OK)
        return error;
    event.app = api.slug;
    return cf_vault_record(change->vault, &event);
}

enum cf_error cf_import_commit(struct cf_import *import, struct cf_fault *fault)
{
    struct cf_change *change = &import->change;
    enum cf_error error = CF_OK;

    for (size_t i = 0; error == CF_OK && i < import->done_count; i++)
        error =
            import->done[i].is_api ? record_api(change, &import->done[i]) : record_app(change, &import->done[i]);
    if (error == CF_OK)
        error = cf_txn_commit(&change->txn);
    if (error != CF_OK)
        cf_fault_set(fault, "%s", cf_error_text(error));
    return error;
}

void cf_import_end(struct cf_import *import, enum cf_error why)
{
    struct cf_event event = {.op = "import", .result = why, .detail = "nothing of it was done"};

    if (import == NULL)
        return;
    event.caller = import->change.caller;
    event.why = import->change.verdict.why;
    cf_txn_end(&import->change.txn);
    if (why != CF_OK) {
        /* Nothing was changed, whether it can be recorded or not. */
        enum cf_error recorded = cf_vault_record(import->change.vault, &event);
        (void)recorded;
    }
    cf_text_release(&import->change.detail);
    for (size_t i = 0; i < import->done_count; i++)
        free(import->done[i].detail);
    free(import->done);
    free(import->seen);
    free(import);
}
