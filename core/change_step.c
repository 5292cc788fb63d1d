#include "change_step.h"

#include "clock.h"
#include "generate.h"
#include "news.h"

#include <stdio.h>
#include <string.h>

/* The App that the change was about, as it is now; it may be gone since. */
static enum cf_error load_answered(struct cf_change *change, struct cf_txn *txn, int64_t serial)
{
    enum cf_error error = serial == 0 ? CF_ENOENT : cf_app_by_serial(txn, serial, &change->app);

    change->has_app = error == CF_OK;
    return error == CF_OK || error == CF_ENOENT ? CF_EANSWERED : error;
}

/* Was this request's change made before its worker died? */
static enum cf_error look_for_answer(struct cf_change *change)
{
    const struct cf_request *request = change->caller->request;
    struct cf_rows *rows = NULL;
    struct cf_txn txn;
    bool row = false;
    enum cf_error error;

    if (request == NULL || !request->is_again)
        return CF_OK;
    error = cf_txn_read(change->vault->store, &txn);
    if (error == CF_OK)
        error =
            cf_sql_query(txn.db, &rows, "SELECT app FROM answered WHERE slot = ? AND session = ? AND request = ?",
                         "iii", (int64_t)request->slot, request->session, request->number);
    if (error == CF_OK)
        error = cf_sql_next(rows, &row);
    if (error == CF_OK && row)
        error = load_answered(change, &txn, cf_sql_int(rows, 0));
    cf_sql_done(rows);
    cf_txn_end(&txn);
    return error;
}

static enum cf_error note_answer(struct cf_change *change)
{
    const struct cf_request *request = change->caller->request;

    if (request == NULL || change->txn.store == NULL)
        return CF_OK;
    return cf_sql_run(change->txn.db,
                      "INSERT OR REPLACE INTO answered (slot, session, request, app) VALUES (?, ?, ?, ?)", "iiii",
                      (int64_t)request->slot, request->session, request->number,
                      change->has_app ? change->app.serial : INT64_C(0));
}

enum cf_error cf_change_judge(struct cf_change *change, enum cf_action action)
{
    enum cf_error error = look_for_answer(change);

    if (error != CF_OK)
        return error;
    cf_judge(NULL, change->vault->config, change->caller, action, NULL, CF_NO_FIELD, &change->verdict);
    return change->verdict.error;
}

enum cf_error cf_change_begin(struct cf_change *change)
{
    enum cf_error error = look_for_answer(change);

    return error == CF_OK ? cf_txn_write(change->vault->store, &change->txn) : error;
}

enum cf_error cf_change_begin_app(struct cf_change *change, int64_t serial)
{
    enum cf_error error = cf_change_begin(change);

    if (error == CF_OK)
        error = cf_app_by_serial(&change->txn, serial, &change->app);
    if (error != CF_OK)
        return error;
    change->has_app = true;
    return change->app.place == CF_IN_APPS ? CF_OK : CF_EFORBIDDEN;
}

/* "2 until TIME", "2 retired"; "1 retired early". An import of Apps, which is no write to a file, can be shown before
 * it is done: it has no times. */
static void say_issued(struct cf_change *change, const struct cf_issued *issued)
{
    const struct cf_version *old = &issued->old;
    const struct cf_versions *early = &issued->early;
    const enum cf_version_state state = cf_version_state(&change->app, old, cf_now());
    const char *between = change->detail.len > 0 ? ": " : "";
    char until[CF_TIME_SIZE];

    if (change->file != NULL && old->number != 0 && (early->count == 0 || early->number[0] != old->number)) {
        cf_time_format(old->deadline, until);
        cf_text_printf(&change->detail, "%s%lld %s%s", between, (long long)old->number,
                       state == CF_RETIRING ? "until " : cf_version_state_word(state),
                       state == CF_RETIRING ? until : "");
        between = ", ";
    }
    for (size_t i = 0; i < early->count; i++, between = ", ")
        cf_text_printf(&change->detail, "%s%lld retired early", between, (long long)early->number[i]);
}

enum cf_error cf_change_issue(struct cf_change *change, struct cf_secret *const *value, int64_t base,
                              int64_t overlap)
{
    const struct cf_issue issue = {.by = change->caller->uid,
                                   .overlap = overlap,
                                   .base = base,
                                   .live = change->vault->config->versions,
                                   .value = value};
    struct cf_issued issued;
    int64_t revoked = base;
    enum cf_error error = cf_values_revoked(&change->txn, &change->app, value, &revoked);

    if (error == CF_OK)
        error = cf_version_issue(&change->txn, &change->app, &issue, &issued);
    if (error == CF_EREVOKED)
        snprintf(change->verdict.why, sizeof change->verdict.why, "revoked, as version %lld", (long long)revoked);
    if (error == CF_OK)
        say_issued(change, &issued);
    return error;
}

enum cf_error cf_change_generate(struct cf_change *change, int64_t overlap)
{
    struct cf_secret *value[CF_FIELD_COUNT] = {[CF_KEY] = cf_generate_key(), [CF_SECRET] = cf_generate_secret()};
    enum cf_error error = CF_ENOMEM;

    if (value[CF_KEY] != NULL && value[CF_SECRET] != NULL)
        error = cf_change_issue(change, value, 0, overlap);
    cf_secret_free(value[CF_KEY]);
    cf_secret_free(value[CF_SECRET]);
    return error;
}

enum cf_error cf_change_number(struct cf_change *change)
{
    struct cf_app *app = &change->app;
    const size_t len = strlen(app->name);
    const int more = snprintf(app->name + len, sizeof app->name - len, ".%lld", (long long)app->serial);

    return more > 0 && len + (size_t)more < sizeof app->name ? CF_OK : CF_ENAME;
}

enum cf_error cf_change_touch(struct cf_change *change)
{
    change->app.generation++;
    change->app.updated = cf_now();
    change->app.updated_by = change->caller->uid;
    return cf_app_update(&change->txn, &change->app);
}

static struct cf_event event_of(const struct cf_change *change, enum cf_error result)
{
    const struct cf_app *app = change->has_app ? &change->app : NULL;

    return (struct cf_event){.caller = change->caller,
                             .op = change->op,
                             .app = change->name != NULL ? change->name
                                    : app != NULL        ? app->name
                                                         : NULL,
                             .id = app != NULL ? app->id : NULL,
                             .file = change->file,
                             .version = app != NULL ? app->version : 0,
                             .result = result,
                             .why = change->verdict.why[0] != '\0' ? change->verdict.why : NULL,
                             .detail = change->detail.data};
}

/* Nobody watches an App that is being made: its serial was no other's before. */
static bool is_news(const struct cf_change *change)
{
    return change->vault->news != NULL && change->has_app &&
           (change->destroys || (change->touches && change->app.generation > 1));
}

/* The listener is told before, so that he can see to it even if we die in between. */
static enum cf_error commit(struct cf_change *change)
{
    const struct cf_news *news = is_news(change) ? change->vault->news : NULL;
    enum cf_error error;

    if (news != NULL)
        news->changing(news->arg, &change->app);
    error = cf_txn_commit(&change->txn);
    if (news != NULL)
        news->changed(news->arg, &change->app);
    return error;
}

static void release(struct cf_change *change)
{
    cf_text_release(&change->detail);
    for (int i = 0; i < CF_FIELD_COUNT; i++)
        cf_secret_free(change->value[i]);
}

enum cf_error cf_change_end(struct cf_change *change, enum cf_error error)
{
    struct cf_event event;
    enum cf_error recorded;

    if (error == CF_EANSWERED) {
        release(change);
        return CF_OK;
    }
    if (error == CF_OK && change->touches)
        error = cf_change_touch(change);
    if (error == CF_OK)
        error = note_answer(change);
    if (error == CF_OK)
        error = cf_text_result(&change->detail);
    event = event_of(change, error);
    recorded = cf_vault_record(change->vault, &event);
    if (error == CF_OK)
        error = recorded;
    if (error == CF_OK && change->txn.store != NULL) {
        error = commit(change);
        if (error != CF_OK) {
            /* What the log says was done was not: say so behind it, as well as can be. */
            event.result = error;
            (void)!cf_vault_record(change->vault, &event);
        }
    }
    cf_txn_end(&change->txn);
    release(change);
    return error;
}
