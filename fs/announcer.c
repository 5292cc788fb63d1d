#include "announcer.h"

#include "announcement.h"
#include "core/news.h"
#include "core/thread.h"
#include "log.h"
#include "pending.h"
#include "polls.h"
#include "toucher.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { APP_RATE = 10 };

#define APP_PAUSE (CF_SECOND / APP_RATE)
#define RETRY_PAUSE CF_SECOND

struct announcer {
    struct fs_state *fs;
    struct region_announcing *region;
    struct cf_news news;
    struct toucher *toucher;
    pthread_t thread;
    bool has_thread; /* for those who start and stop it */
    atomic_bool is_ending;
    pthread_mutex_t mutex; /* guards pending; taken last */
    pthread_cond_t wake;
    struct pending pending;
    /* Of the thread alone. Times are monotonic nanoseconds. */
    bool looks_only;                /* the search for what changed: nothing of it is announced yet */
    int64_t after[CF_NEWS_ALL + 1]; /* the serial behind which each search goes on */
    int64_t search_earliest;
    int64_t rests_until;
};

/* ---- on the threads of requests ---- */

static void changing(void *arg, const struct cf_app *app)
{
    struct announcer *announcer = arg;

    (void)pthread_mutex_lock(&announcer->mutex);
    pending_changing(&announcer->pending, app->serial, app->updated);
    (void)pthread_mutex_unlock(&announcer->mutex);
}

static void changed(void *arg, const struct cf_app *app)
{
    struct announcer *announcer = arg;

    (void)pthread_mutex_lock(&announcer->mutex);
    pending_changed(&announcer->pending, app->serial, app->updated);
    (void)pthread_cond_signal(&announcer->wake);
    (void)pthread_mutex_unlock(&announcer->mutex);
}

/* ---- searches ---- */

/* What is to be searched for, the most urgent first. Returns false when nothing is. */
static bool next_search(const struct announcer *announcer, enum cf_news_search *search)
{
    const struct region_announcing *region = announcer->region;

    if (atomic_load(&region->passed) != 0)
        *search = CF_NEWS_DEADLINES;
    else if (atomic_load(&region->since) != 0)
        *search = CF_NEWS_CHANGED;
    else if (atomic_load(&region->all) == REGION_ALL_READ)
        *search = CF_NEWS_READ;
    else if (atomic_load(&region->all) == REGION_ALL)
        *search = CF_NEWS_ALL;
    else
        return false;
    return true;
}

/* How far it is. That of all Apps is long and goes on after a crash; the others begin again. */
static _Atomic int64_t *lasting_place(struct announcer *announcer, enum cf_news_search search)
{
    return search == CF_NEWS_READ || search == CF_NEWS_ALL ? &announcer->region->all_after : NULL;
}

static void search_goes_on(struct announcer *announcer, enum cf_news_search search, int64_t serial)
{
    announcer->after[search] = serial;
    if (lasting_place(announcer, search))
        atomic_store(lasting_place(announcer, search), serial);
}

static enum cf_error find_next(struct announcer *announcer, enum cf_news_search search, int64_t *serial)
{
    const struct region_announcing *region = announcer->region;
    const _Atomic int64_t *place = lasting_place(announcer, search);
    const int64_t after = place ? atomic_load(place) : announcer->after[search];
    int64_t from = 0, to = INT64_MAX;
    struct cf_txn txn;
    enum cf_error error = cf_txn_read(announcer->fs->vault->store, &txn);

    if (search == CF_NEWS_DEADLINES) {
        from = atomic_load(&region->seen);
        to = atomic_load(&region->passed);
    } else if (search == CF_NEWS_CHANGED) {
        from = atomic_load(&region->since);
    }
    if (error == CF_OK)
        error = cf_news_next(&txn, search, after, from, to, serial);
    cf_txn_end(&txn);
    return error;
}

static void search_ends(struct announcer *announcer, enum cf_news_search search)
{
    struct region_announcing *region = announcer->region;

    search_goes_on(announcer, search, 0);
    switch (search) {
    case CF_NEWS_DEADLINES:
        atomic_store(&region->seen, atomic_load(&region->passed));
        atomic_store(&region->passed, 0);
        break;
    case CF_NEWS_CHANGED:
        atomic_store(&region->since, announcer->pending.lost);
        announcer->pending.lost = 0;
        announcer->pending.is_searching = announcer->looks_only = false;
        break;
    case CF_NEWS_READ:
        atomic_store(&region->all, REGION_ALL);
        break;
    case CF_NEWS_ALL:
        atomic_store(&region->all, 0);
        break;
    }
}

/* ---- the thread ---- */

/* Both are called with the mutex held, and give it up while they work. */

static void announce_item(struct announcer *announcer, struct pending_item *item)
{
    const int64_t serial = item->serial;
    int64_t next;
    bool is_done;

    (void)pthread_mutex_unlock(&announcer->mutex);
    is_done = announcement_make(announcer->fs, announcer->toucher, serial, &next);
    (void)pthread_mutex_lock(&announcer->mutex);
    if (pending_done(&announcer->pending, item, is_done, cf_monotonic() + (is_done ? APP_PAUSE : RETRY_PAUSE)))
        pending_again(&announcer->pending, serial, next);
}

/* One App of a search. */
static void search_on(struct announcer *announcer, enum cf_news_search search)
{
    struct toucher *toucher = search == CF_NEWS_CHANGED && announcer->looks_only ? NULL : announcer->toucher;
    int64_t serial, next = 0;
    bool is_done = true;
    enum cf_error error;

    announcer->pending.is_searching |= search == CF_NEWS_CHANGED;
    (void)pthread_mutex_unlock(&announcer->mutex);
    error = find_next(announcer, search, &serial);
    if (error == CF_OK)
        is_done = announcement_make(announcer->fs, toucher, serial, &next);
    (void)pthread_mutex_lock(&announcer->mutex);
    if (error == CF_ENOENT) {
        search_ends(announcer, search);
    } else if (error == CF_OK && is_done) {
        search_goes_on(announcer, search, serial);
        pending_again(&announcer->pending, serial, next);
    } else {
        announcer->search_earliest = cf_monotonic() + RETRY_PAUSE;
    }
}

/* Returns when there may be more to do: monotonic, INT64_MAX when it must first come. */
static int64_t work(struct announcer *announcer)
{
    const int64_t begun = cf_monotonic();
    enum cf_news_search search;
    struct pending_item *item;
    int64_t when, took;

    if (begun < announcer->rests_until)
        return announcer->rests_until;
    item = pending_take(&announcer->pending, begun, &when);
    if (item)
        announce_item(announcer, item);
    else if (!next_search(announcer, &search))
        return when;
    else if (announcer->search_earliest > begun)
        return when < announcer->search_earliest ? when : announcer->search_earliest;
    else
        search_on(announcer, search);
    took = cf_monotonic() - begun;
    announcer->rests_until = begun + took + (took < APP_PAUSE ? took : APP_PAUSE);
    return announcer->rests_until;
}

static void *announce(void *arg)
{
    struct announcer *announcer = arg;
    int64_t when;

    (void)pthread_mutex_lock(&announcer->mutex);
    while (!atomic_load(&announcer->is_ending)) {
        when = work(announcer);
        if (!atomic_load(&announcer->is_ending))
            (void)cf_thread_wait(&announcer->wake, &announcer->mutex, when);
    }
    (void)pthread_mutex_unlock(&announcer->mutex);
    toucher_end(announcer->toucher);
    return NULL;
}

/* ---- time that passes ---- */

/* Also when it cannot be told. */
static bool may_have_passed(struct announcer *announcer, int64_t from, int64_t to)
{
    struct cf_txn txn;
    int64_t serial;
    enum cf_error error = cf_txn_read(announcer->fs->vault->store, &txn);

    if (error == CF_OK)
        error = cf_news_next(&txn, CF_NEWS_DEADLINES, 0, from, to, &serial);
    cf_txn_end(&txn);
    return error != CF_ENOENT;
}

/* A clock that was set back makes deadlines pass once more. */
static void look_at_deadlines(struct announcer *announcer, int64_t now)
{
    struct region_announcing *region = announcer->region;
    const int64_t seen = atomic_load(&region->seen);

    if (atomic_load(&region->passed) != 0)
        return;
    if (seen != 0 && seen < now && may_have_passed(announcer, seen, now))
        atomic_store(&region->passed, now);
    else
        atomic_store(&region->seen, now);
}

static void tick(void *arg)
{
    struct announcer *announcer = arg;
    const int64_t now = cf_now();
    enum cf_news_search search;

    look_at_deadlines(announcer, now);
    (void)pthread_mutex_lock(&announcer->mutex);
    pending_ripen(&announcer->pending, now);
    if (pending_has_due(&announcer->pending) || next_search(announcer, &search))
        (void)pthread_cond_signal(&announcer->wake);
    (void)pthread_mutex_unlock(&announcer->mutex);
}

/* ---- beginning and end ---- */

/* APIs that were assigned just before this mount are agreed on during it. */
static void look_back(struct announcer *announcer)
{
    const struct fs_state *fs = announcer->fs;
    const int64_t since = cf_now() - fs->vault->config->propagation;

    if (atomic_load(&fs->region->starts) != 1 || atomic_load(&fs->edited) < since)
        return;
    pending_since(&announcer->pending, since);
    announcer->pending.is_searching = announcer->looks_only = true;
}

struct announcer *announcer_new(struct fs_state *fs)
{
    struct announcer *announcer = calloc(1, sizeof(*announcer));

    if (!announcer)
        return NULL;
    announcer->fs = fs;
    announcer->region = &fs->region->announcing;
    announcer->toucher = toucher_new(fs->region, fs->mountpoint, &announcer->is_ending);
    if (!announcer->toucher) {
        free(announcer);
        return NULL;
    }
    cf_thread_init(&announcer->mutex, &announcer->wake);
    pending_start(&announcer->pending, announcer->region, fs->vault->config->propagation);
    look_back(announcer);
    announcer->news = (struct cf_news){.changing = changing, .changed = changed, .tick = tick, .arg = announcer};
    fs->vault->news = &announcer->news;
    return announcer;
}

bool announcer_start(struct announcer *announcer)
{
    int number;

    polls_wake_all(announcer->fs->polls);
    number = cf_thread_start(&announcer->thread, announce, announcer);
    announcer->has_thread = number == 0;
    if (number != 0)
        log_error("threads cannot be started: %s", strerror(number));
    return number == 0;
}

void announcer_stop(struct announcer *announcer)
{
    if (!announcer->has_thread)
        return;
    (void)pthread_mutex_lock(&announcer->mutex);
    atomic_store(&announcer->is_ending, true);
    (void)pthread_cond_signal(&announcer->wake);
    (void)pthread_mutex_unlock(&announcer->mutex);
    (void)pthread_join(announcer->thread, NULL);
    announcer->has_thread = false;
}

void announcer_free(struct announcer *announcer)
{
    if (!announcer)
        return;
    announcer_stop(announcer);
    announcer->fs->vault->news = NULL;
    toucher_free(announcer->toucher);
    (void)pthread_cond_destroy(&announcer->wake);
    (void)pthread_mutex_destroy(&announcer->mutex);
    free(announcer);
}

void announcer_all(struct announcer *announcer)
{
    (void)pthread_mutex_lock(&announcer->mutex);
    atomic_store(&announcer->region->all_after, 0);
    atomic_store(&announcer->region->all, REGION_ALL_READ);
    (void)pthread_cond_signal(&announcer->wake);
    (void)pthread_mutex_unlock(&announcer->mutex);
}

bool announcer_asks(const struct announcer *announcer, pid_t pid, bool is_again)
{
    return toucher_is(announcer->toucher, pid, is_again);
}
