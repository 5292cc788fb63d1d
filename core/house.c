#include "house.h"

#include "change_step.h"
#include "clock.h"
#include "leave.h"
#include "news.h"
#include "principal.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    DESTROYED_MOST = 64, /* Apps in one round */
    COUNT_SECONDS = 3,   /* between two counts, at least */
    COUNT_SHARE = 50     /* and so many times as long as the last one took */
};

struct cf_house {
    struct cf_vault *vault;
    cf_house_destroyed *destroyed;
    void *arg;
    pthread_t thread;
    bool has_thread;       /* for those who start and stop it */
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t wake;
    bool is_woken, is_ending;
    bool has_summary;
    struct cf_summary summary;
};

/* The daemon itself, for the record. */
static struct cf_caller ourselves(void)
{
    return cf_caller_of(geteuid(), getegid(), gettid());
}

static int64_t monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * CF_SECOND + now.tv_nsec;
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

static enum cf_error empty_trash(struct cf_vault *vault, cf_house_destroyed *destroyed, void *arg)
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

enum cf_error cf_house_round(struct cf_vault *vault, cf_house_destroyed *destroyed, void *arg)
{
    const enum cf_error errors[] = {
        cf_readers_write(vault->readers, vault->store),
        end_leaves(vault),
        empty_trash(vault, destroyed, arg),
    };

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i] != CF_OK)
            return errors[i];
    return CF_OK;
}

/* ---- the thread ---- */

/* Returns when to count again. */
static int64_t count(struct cf_house *house)
{
    const int64_t begun = monotonic();
    struct cf_summary summary;
    struct cf_txn txn;
    int64_t ended, pause;
    enum cf_error error = cf_txn_read(house->vault->store, &txn);

    if (error == CF_OK)
        error = cf_summary_read(&txn, house->vault->config, house->vault->catalogue, &summary);
    cf_txn_end(&txn);
    ended = monotonic();
    pause = COUNT_SHARE * (ended - begun);
    pthread_mutex_lock(&house->mutex);
    if (error == CF_OK)
        house->summary = summary;
    house->has_summary = error == CF_OK;
    pthread_mutex_unlock(&house->mutex);
    return ended + (pause > COUNT_SECONDS * CF_SECOND ? pause : COUNT_SECONDS * CF_SECOND);
}

/* A second, or less where it is woken. Returns whether there is to be another round. */
static bool rest(struct cf_house *house)
{
    struct timespec until;
    bool goes_on;
    int number = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    pthread_mutex_lock(&house->mutex);
    while (!house->is_woken && !house->is_ending && number == 0)
        number = pthread_cond_timedwait(&house->wake, &house->mutex, &until);
    house->is_woken = false;
    goes_on = !house->is_ending;
    pthread_mutex_unlock(&house->mutex);
    return goes_on;
}

static void *keep(void *arg)
{
    struct cf_house *house = arg;
    int64_t next = 0;

    do {
        /* What went wrong is either in the audit log, or comes again in the next round. */
        (void)!cf_house_round(house->vault, house->destroyed, house->arg);
        if (house->vault->news != NULL)
            house->vault->news->tick(house->vault->news->arg);
        if (monotonic() >= next)
            next = count(house);
    } while (rest(house));
    return NULL;
}

enum cf_error cf_house_start(struct cf_vault *vault, cf_house_destroyed *destroyed, void *arg)
{
    struct cf_house *house = calloc(1, sizeof *house);
    pthread_condattr_t attributes;
    sigset_t all, before;
    int number;

    if (house == NULL)
        return CF_ENOMEM;
    house->vault = vault;
    house->destroyed = destroyed;
    house->arg = arg;
    pthread_mutex_init(&house->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&house->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    vault->house = house;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    number = pthread_create(&house->thread, NULL, keep, house);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    house->has_thread = number == 0;
    if (number == 0)
        return CF_OK;
    cf_house_free(vault);
    return CF_ENOMEM;
}

void cf_house_stop(struct cf_vault *vault)
{
    struct cf_house *house = vault->house;

    if (house == NULL || !house->has_thread)
        return;
    pthread_mutex_lock(&house->mutex);
    house->is_ending = true;
    pthread_cond_signal(&house->wake);
    pthread_mutex_unlock(&house->mutex);
    pthread_join(house->thread, NULL);
    house->has_thread = false;
}

void cf_house_free(struct cf_vault *vault)
{
    struct cf_house *house = vault->house;

    cf_house_stop(vault);
    vault->house = NULL;
    if (house == NULL)
        return;
    pthread_cond_destroy(&house->wake);
    pthread_mutex_destroy(&house->mutex);
    free(house);
}

void cf_house_wake(struct cf_vault *vault)
{
    struct cf_house *house = vault->house;

    if (house == NULL)
        return;
    pthread_mutex_lock(&house->mutex);
    house->is_woken = true;
    pthread_cond_signal(&house->wake);
    pthread_mutex_unlock(&house->mutex);
}

bool cf_house_summary(struct cf_vault *vault, struct cf_summary *summary)
{
    struct cf_house *house = vault->house;
    bool has_summary;

    if (house == NULL)
        return false;
    pthread_mutex_lock(&house->mutex);
    has_summary = house->has_summary;
    *summary = house->summary;
    pthread_mutex_unlock(&house->mutex);
    return has_summary;
}
