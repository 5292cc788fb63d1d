#include "chores.h"

#include "change_step.h"
#include "clock.h"
#include "house.h"
#include "leave.h"
#include "news.h"
#include "principal.h"

#include <unistd.h>

enum {
    DESTROYED_MOST = 64, /* Apps in one round */
    COUNT_SECONDS = 3,   /* between two counts, at least */
    COUNT_SHARE = 50     /* and so many times as long as the last one took */
};

/* The daemon itself, for the record. */
static struct cf_caller ourselves(void)
{
    return cf_caller_of(geteuid(), getegid(), gettid());
}

/* ---- leave ---- */

static enum cf_error end_leave(struct cf_vault *vault, struct cf_txn *txn, const struct cf_app *app,
                               const struct cf_leave *leave)
{
    const struct cf_principal user = {.kind = CF_USER, .low = leave->uid, .high = leave->uid};
    const struct cf_caller daemon = ourselves();
    struct cf_event event = {.caller = &daemon, .op = "leave-end", .app = app->name, .id = app->id};
    struct cf_text detail = {0};
    enum cf_error error = cf_leave_forget(txn, app, leave);

    cf_text_puts(&detail, "reveal by ");
    cf_principal_print(&user, &detail);
    cf_text_printf(&detail, " in session %s", leave->session);
    event.detail = detail.data;
    if (error == CF_OK)
        error = cf_vault_record(vault, &event);
    cf_text_release(&detail);
    return error;
}

static bool is_leave_over(struct cf_vault *vault)
{
    struct cf_leave leave;
    struct cf_app app;
    struct cf_txn txn;
    bool found = false;
    enum cf_error error = cf_txn_read(vault->store, &txn);

    if (error == CF_OK)
        error = cf_leave_ended(&txn, cf_now(), &app, &leave, &found);
    cf_txn_end(&txn);
    return error == CF_OK && found;
}

/* All of them in one transaction; none where one cannot be recorded. */
static enum cf_error end_leaves(struct cf_vault *vault)
{
    struct cf_leave leave;
    struct cf_app app;
    struct cf_txn txn;
    bool found = true;
    enum cf_error error;

    if (!is_leave_over(vault))
        return CF_OK;
    error = cf_txn_write(vault->store, &txn);
    while (error == CF_OK && found) {
        error = cf_leave_ended(&txn, cf_now(), &app, &leave, &found);
        if (error == CF_OK && found)
            error = end_leave(vault, &txn, &app, &leave);
    }
    if (error == CF_OK)
        error = cf_txn_commit(&txn);
    cf_txn_end(&txn);
    return error;
}

/* ---- the trash ---- */

static enum cf_error find_overdue(struct cf_vault *vault, int64_t before, int64_t serials[static DESTROYED_MOST],
                                  int *count)
{
    struct cf_rows *rows = NULL;
    struct cf_txn txn;
    bool row = true;
    enum cf_error error = cf_txn_read(vault->store, &txn);

    *count = 0;
    if (error == CF_OK)
        error = cf_sql_query(txn.db, &rows,
                             "SELECT serial FROM app INDEXED BY app_in_trash WHERE place = 1 AND trashed <= ? "
                             "ORDER BY trashed LIMIT ?",
                             "ii", before, (int64_t)DESTROYED_MOST);
    while (error == CF_OK && row) {
        error = cf_sql_next(rows, &row);
        if (error == CF_OK && row)
            serials[(*count)++] = cf_sql_int(rows, 0);
    }
    cf_sql_done(rows);
    cf_txn_end(&txn);
    return error;
}

/* Destroy it, unless it has left the trash since; what the search went by was not verified, this is. */
static enum cf_error destroy(struct cf_vault *vault, int64_t serial, int64_t before, struct cf_app *app)
{
    struct cf_caller daemon = ourselves();
    struct cf_change change = {.vault = vault, .caller = &daemon, .op = cf_action_word(CF_DESTROY_APP)};
    char since[CF_TIME_SIZE];
    enum cf_error error = cf_change_begin(&change);

    if (error == CF_OK)
        error = cf_app_by_serial(&change.txn, serial, &change.app);
    if (error != CF_OK || change.app.place != CF_IN_TRASH || change.app.trashed > before) {
        cf_txn_end(&change.txn);
        return error == CF_OK ? CF_ENOENT : error;
    }
    *app = change.app;
    change.has_app = change.destroys = true;
    cf_time_format(app->trashed, since);
    cf_text_printf(&change.detail, "in the trash since %s", since);
    return cf_change_end(&change, cf_app_delete(&change.txn, &change.app));
}

static enum cf_error empty_trash(struct cf_vault *vault, cf_chores_destroyed *destroyed, void *arg)
{
    const int64_t before = cf_now() - vault->config->trash;
    int64_t serials[DESTROYED_MOST];
    enum cf_error first;
    int count;

    first = find_overdue(vault, before, serials, &count);
    for (int i = 0; i < count; i++) {
        struct cf_app app;
        enum cf_error error = destroy(vault, serials[i], before, &app);
        if (error == CF_OK && destroyed != NULL)
            destroyed(arg, &app);
        if (first == CF_OK && error != CF_ENOENT)
            first = error;
    }
    return first;
}

enum cf_error cf_chores_round(struct cf_vault *vault, cf_chores_destroyed *destroyed, void *arg)
{
    const enum cf_error errors[] = {
        cf_readers_write(vault->readers, vault->store),
        cf_denials_tell(vault->denials, vault->audit),
        end_leaves(vault),
        empty_trash(vault, destroyed, arg),
    };

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i] != CF_OK)
            return errors[i];
    return CF_OK;
}

/* ---- on the thread of the house ---- */

/* Returns when to count again. */
static int64_t count(struct cf_vault *vault)
{
    const int64_t begun = cf_monotonic();
    struct cf_summary summary;
    struct cf_txn txn;
    int64_t ended, pause;
    enum cf_error error = cf_txn_read(vault->store, &txn);

    if (error == CF_OK)
        error = cf_summary_read(&txn, vault->config, vault->catalogue, &summary);
    cf_txn_end(&txn);
    cf_house_publish(vault->house, error == CF_OK ? &summary : NULL);
    ended = cf_monotonic();
    pause = COUNT_SHARE * (ended - begun);
    return ended + (pause > COUNT_SECONDS * CF_SECOND ? pause : COUNT_SECONDS * CF_SECOND);
}

static void turn(void *arg)
{
    struct cf_chores *chores = arg;
    struct cf_vault *vault = chores->vault;

    /* What went wrong is either in the audit log, or comes again in the next round. */
    (void)!cf_chores_round(vault, chores->destroyed, chores->arg);
    if (vault->news != NULL)
        vault->news->tick(vault->news->arg);
    if (cf_monotonic() >= chores->next)
        chores->next = count(vault);
}

enum cf_error cf_chores_start(struct cf_chores *chores)
{
    return cf_house_start(chores->vault->house, turn, chores);
}
