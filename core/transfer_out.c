/* Apps on their way out. */
#include "transfer.h"

#include "note.h"

struct export
{
    struct cf_vault *vault;
    struct cf_caller *caller;
    struct cf_txn txn;
    const struct cf_exporter *exporter;
    struct cf_verdict verdict;
    struct cf_parcel *parcel; /* the one that is being handed out */
    struct cf_fault *fault;
    enum cf_error error;
};

static enum cf_error value(void *arg, size_t at, enum cf_field field, struct cf_secret **out)
{
    struct export *export = arg;
    const struct cf_parcel *parcel = export->parcel;

    return cf_value_open(&export->txn, &parcel->app, parcel->versions[at].number, field, out);
}

struct notes {
    struct cf_parcel *parcel;
    bool failed;
};

static void add_note(void *arg, const char *name, const char *text)
{
    struct notes *notes = arg;

    notes->failed = notes->failed || !cf_parcel_add_note(notes->parcel, name, text);
}

static enum cf_error fill(struct export *export, const struct cf_app *app, struct cf_parcel *parcel)
{
    struct notes notes = {parcel, false};
    enum cf_error error;

    *parcel = (struct cf_parcel){.is_whole = true, .has_apis = true, .app = *app, .value = value, .arg = export};
    error = cf_version_list(&export->txn, app, parcel->versions, &parcel->version_count);
    if (error == CF_OK)
        error = cf_assignments_load(&export->txn, app, export->vault->catalogue, &parcel->apis);
    if (error == CF_OK)
        error = cf_grants_load(&export->txn, app, &parcel->grants);
    if (error == CF_OK)
        error = cf_note_each(&export->txn, app, add_note, &notes);
    return error == CF_OK && notes.failed ? CF_ENOMEM : error;
}

static enum cf_error record(struct export *export, const struct cf_app *app, enum cf_error result)
{
    const struct cf_event event = {.caller = export->caller,
                                   .op = "export",
                                   .app = app != NULL ? app->name : NULL,
                                   .id = app != NULL ? app->id : NULL,
                                   .version = app != NULL ? app->version : 0,
                                   .result = result,
                                   .why = export->verdict.why};

    return cf_vault_record(export->vault, &event);
}

static bool hand_out(void *arg, const struct cf_app *app)
{
    struct export *export = arg;
    struct cf_parcel parcel;
    enum cf_error error;

    if (export->error != CF_OK)
        return false;
    error = fill(export, app, &parcel);
    export->parcel = &parcel;
    if (error == CF_OK)
        error = record(export, app, CF_OK);
    if (error == CF_OK)
        error = export->exporter->app(export->exporter->arg, &parcel);
    if (error != CF_OK && export->fault != NULL && export->fault->text[0] == '\0')
        cf_fault_set(export->fault, "%s: %s", app->name, cf_error_text(error));
    cf_parcel_release(&parcel);
    export->parcel = NULL;
    export->error = error;
    return error == CF_OK;
}

static void tampered(void *arg, int64_t serial)
{
    struct export *export = arg;

    cf_fault_set(export->fault, "App number %lld: its row does not verify", (long long)serial);
    export->error = CF_ETAMPER;
}

static bool hand_out_api(void *arg, const struct cf_api_row *api)
{
    struct export *export = arg;
    struct cf_grants list;
    enum cf_error error = cf_assignees_load(&export->txn, api, &list);

    if (error == CF_OK && list.count > 0)
        error = export->exporter->assignees(export->exporter->arg, api->slug, &list);
    if (error != CF_OK && export->fault != NULL && export->fault->text[0] == '\0')
        cf_fault_set(export->fault, "the assignees of %s: %s", api->slug, cf_error_text(error));
    cf_grants_release(&list);
    export->error = error;
    return error == CF_OK;
}

static enum cf_error all(struct export *export)
{
    enum cf_error error = CF_OK;

    for (int place = CF_IN_APPS; place <= CF_IN_TRASH && error == CF_OK; place++) {
        error = cf_app_each(&export->txn, (enum cf_place)place, 0, hand_out, tampered, export);
        error = error == CF_OK ? export->error : error;
    }
    if (error == CF_OK)
        error = cf_api_each(&export->txn, hand_out_api, export);
    return error == CF_OK ? export->error : error;
}

/* Call each for the Apps of these names, until it returns false. */
static enum cf_error some(struct export *export, const char *const *names,
                          bool (*each)(void *arg, const struct cf_app *app))
{
    struct cf_app app;

    for (size_t i = 0; names != NULL && names[i] != NULL && export->error == CF_OK; i++) {
        export->error = cf_app_by_name(&export->txn, CF_IN_APPS, names[i], &app);
        if (export->error == CF_OK)
            (void)each(export, &app);
        else
            cf_fault_set(export->fault, "%s: %s", names[i],
                         export->error == CF_ENOENT ? "there is no such App" : cf_error_text(export->error));
    }
    return export->error;
}

static bool pass(void *arg, const struct cf_app *app)
{
    (void)arg, (void)app;
    return true;
}

enum cf_error cf_export(struct cf_vault *vault, struct cf_caller *caller, const char *const *names,
                        const struct cf_exporter *exporter, struct cf_fault *fault)
{
    struct export export = {.vault = vault, .caller = caller, .exporter = exporter, .fault = fault};
    enum cf_error error;

    cf_judge(NULL, vault->config, caller, CF_REVEAL, NULL, CF_NO_FIELD, &export.verdict);
    error = export.verdict.error;
    if (error == CF_OK)
        error = cf_txn_read(vault->store, &export.txn);
    if (error == CF_OK)
        error = some(&export, names, pass);
    if (error == CF_OK)
        error = exporter->begin(exporter->arg);
    if (error == CF_OK)
        error = names != NULL ? some(&export, names, hand_out) : all(&export);
    cf_txn_end(&export.txn);
    /* What was handed out is recorded; so is what was not. */
    if (error != CF_OK && record(&export, NULL, error) != CF_OK)
        return CF_EAUDIT;
    return error;
}
