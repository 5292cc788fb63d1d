#include "reader.h"

#include "clock.h"
#include "principal.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOTED = 2048, PLACES = 2 * NOTED }; /* notes; and places in the table that finds them */

struct notes {
    size_t count;
    struct cf_reader at[NOTED];
    uint16_t place[PLACES]; /* 1 + index into at, 0: free */
};

struct cf_readers {
    pthread_mutex_t writing; /* held by the one who writes; taken before mutex */
    pthread_mutex_t mutex;   /* guards the rest */
    struct notes *fresh;     /* where new ones go */
    struct notes *old;       /* what is being written */
};

struct cf_readers *cf_readers_new(void)
{
    struct cf_readers *readers = calloc(1, sizeof *readers);

    if (readers == NULL)
        return NULL;
    pthread_mutex_init(&readers->writing, NULL);
    pthread_mutex_init(&readers->mutex, NULL);
    readers->fresh = calloc(1, sizeof *readers->fresh);
    readers->old = calloc(1, sizeof *readers->old);
    if (readers->fresh != NULL && readers->old != NULL)
        return readers;
    cf_readers_free(readers);
    return NULL;
}

void cf_readers_free(struct cf_readers *readers)
{
    if (readers == NULL)
        return;
    free(readers->fresh);
    free(readers->old);
    pthread_mutex_destroy(&readers->writing);
    pthread_mutex_destroy(&readers->mutex);
    free(readers);
}

static bool same(const struct cf_reader *a, const struct cf_reader *b)
{
    return a->app == b->app && a->uid == b->uid && strcmp(a->command, b->command) == 0 &&
           strcmp(a->cgroup, b->cgroup) == 0;
}

/* FNV-1a over what makes it another reader. */
static size_t hash_text(size_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * (size_t)UINT64_C(0x100000001b3);
    return hash;
}

static size_t hash_of(const struct cf_reader *reader)
{
    size_t hash = (size_t)reader->app * 31 + reader->uid;

    hash = hash_text(hash * 31, reader->command);
    hash = hash_text(hash, reader->cgroup);
    return hash ^ hash >> 17;
}

static bool note(struct notes *notes, const struct cf_reader *reader)
{
    size_t place = hash_of(reader) % PLACES;

    while (notes->place[place] != 0 && !same(&notes->at[notes->place[place] - 1], reader))
        place = (place + 1) % PLACES;
    if (notes->place[place] != 0) {
        struct cf_reader *before = &notes->at[notes->place[place] - 1];
        if (reader->opened >= before->opened)
            *before = *reader;
        return true;
    }
    if (notes->count == NOTED)
        return false;
    notes->at[notes->count] = *reader;
    notes->place[place] = (uint16_t)++notes->count;
    return true;
}

enum cf_readers_room cf_readers_note(struct cf_readers *readers, const struct cf_reader *reader)
{
    bool has_room;
    size_t count;

    pthread_mutex_lock(&readers->mutex);
    has_room = note(readers->fresh, reader);
    count = readers->fresh->count;
    pthread_mutex_unlock(&readers->mutex);
    if (!has_room)
        return CF_READERS_FULL;
    return count >= NOTED / 2 ? CF_READERS_HALF : CF_READERS_ROOM;
}

/* The App may have been destroyed since. */
static enum cf_error write_one(struct cf_txn *txn, const struct cf_reader *reader)
{
    enum cf_error error =
        cf_sql_run(txn->db,
                   "INSERT INTO reader (app, uid, command, cgroup, version, opened) "
                   "SELECT serial, ?, ?, ?, ?, ? FROM app WHERE serial = ? "
                   "ON CONFLICT DO UPDATE SET version = excluded.version, opened = excluded.opened "
                   "WHERE excluded.opened >= reader.opened",
                   "ittiii", (int64_t)reader->uid, reader->command, reader->cgroup, reader->version, reader->opened,
                   reader->app);

    if (error == CF_OK)
        error = cf_sql_run(txn->db, "INSERT OR IGNORE INTO revealed (app) SELECT serial FROM app WHERE serial = ?",
                           "i", reader->app);
    return error;
}

static enum cf_error prune(struct cf_txn *txn, int64_t app)
{
    return cf_sql_run(
        txn->db,
        "DELETE FROM reader WHERE app = ?1 AND (uid, command, cgroup) IN (SELECT uid, command, cgroup "
        "FROM reader WHERE app = ?1 ORDER BY opened DESC LIMIT -1 OFFSET ?2)",
        "ii", app, (int64_t)CF_READERS_MOST);
}

static int by_app(const void *a, const void *b)
{
    const struct cf_reader *const *one = a, *const *other = b;

    return ((*one)->app > (*other)->app) - ((*one)->app < (*other)->app);
}

static enum cf_error write_all(struct cf_txn *txn, const struct cf_reader **sorted, size_t count)
{
    enum cf_error error = CF_OK;

    qsort(sorted, count, sizeof *sorted, by_app);
    for (size_t i = 0; i < count && error == CF_OK; i++) {
        error = write_one(txn, sorted[i]);
        if (error == CF_OK && (i + 1 == count || sorted[i + 1]->app != sorted[i]->app))
            error = prune(txn, sorted[i]->app);
    }
    return error;
}

static enum cf_error write_notes(const struct notes *notes, struct cf_store *store)
{
    const struct cf_reader **sorted = calloc(notes->count, sizeof *sorted);
    struct cf_txn txn;
    enum cf_error error;

    if (sorted == NULL)
        return CF_ENOMEM;
    for (size_t i = 0; i < notes->count; i++)
        sorted[i] = &notes->at[i];
    error = cf_txn_write(store, &txn);
    if (error == CF_OK)
        error = write_all(&txn, sorted, notes->count);
    if (error == CF_OK)
        error = cf_txn_commit(&txn);
    cf_txn_end(&txn);
    free(sorted);
    return error;
}

/* Both tables are small beside what is in them: only what was used is cleared. */
static void clear(struct notes *notes)
{
    memset(notes->place, 0, sizeof notes->place);
    notes->count = 0;
}

/* With writing held: begin on what is fresh, unless an earlier attempt has left something. */
static bool turn(struct cf_readers *readers)
{
    struct notes *fresh = readers->fresh;

    pthread_mutex_lock(&readers->mutex);
    if (readers->old->count == 0) {
        readers->fresh = readers->old;
        readers->old = fresh;
    }
    pthread_mutex_unlock(&readers->mutex);
    return readers->old->count > 0;
}

enum cf_error cf_readers_write(struct cf_readers *readers, struct cf_store *store)
{
    enum cf_error error = CF_OK;

    pthread_mutex_lock(&readers->writing);
    if (turn(readers)) {
        error = write_notes(readers->old, store);
        if (error == CF_OK) {
            pthread_mutex_lock(&readers->mutex);
            clear(readers->old);
            pthread_mutex_unlock(&readers->mutex);
        }
    }
    pthread_mutex_unlock(&readers->writing);
    return error;
}

/* ---- the text ---- */

struct list {
    struct cf_reader *at;
    size_t count, size;
};

/* Add one, or put it in the place of the same one's earlier note. */
static enum cf_error list_put(struct list *list, const struct cf_reader *reader, bool is_new)
{
    for (size_t i = 0; !is_new && i < list->count; i++) {
        if (!same(&list->at[i], reader))
            continue;
        if (reader->opened >= list->at[i].opened)
            list->at[i] = *reader;
        return CF_OK;
    }
    if (list->count == list->size) {
        size_t size = list->size > 0 ? 2 * list->size : 16;
        struct cf_reader *at = reallocarray(list->at, size, sizeof *at);
        if (at == NULL)
            return CF_ENOMEM;
        list->at = at;
        list->size = size;
    }
    list->at[list->count++] = *reader;
    return CF_OK;
}

static enum cf_error list_written(struct list *list, struct cf_txn *txn, int64_t app)
{
    struct cf_rows *rows;
    bool row = true;
    enum cf_error error = cf_sql_query(
        txn->db, &rows, "SELECT uid, command, cgroup, version, opened FROM reader WHERE app = ?", "i", app);

    while (error == CF_OK && row) {
        struct cf_reader reader = {.app = app};
        error = cf_sql_next(rows, &row);
        if (error != CF_OK || !row)
            break;
        reader.uid = (uint32_t)cf_sql_int(rows, 0);
        snprintf(reader.command, sizeof reader.command, "%s", cf_sql_text(rows, 1));
        snprintf(reader.cgroup, sizeof reader.cgroup, "%s", cf_sql_text(rows, 2));
        reader.version = cf_sql_int(rows, 3);
        reader.opened = cf_sql_int(rows, 4);
        error = list_put(list, &reader, true);
    }
    cf_sql_done(rows);
    return error;
}

static enum cf_error list_noted(struct list *list, struct cf_readers *readers, int64_t app)
{
    enum cf_error error = CF_OK;

    pthread_mutex_lock(&readers->mutex);
    for (int i = 0; i < 2; i++) {
        const struct notes *notes = i == 0 ? readers->old : readers->fresh;
        for (size_t j = 0; j < notes->count && error == CF_OK; j++)
            if (notes->at[j].app == app)
                error = list_put(list, &notes->at[j], false);
    }
    pthread_mutex_unlock(&readers->mutex);
    return error;
}

static int latest_first(const void *a, const void *b)
{
    const struct cf_reader *one = a, *other = b;

    return (one->opened < other->opened) - (one->opened > other->opened);
}

static void print_word(struct cf_text *out, const char *word)
{
    cf_text_puts(out, *word == '\0' ? "-" : "");
    for (; *word != '\0'; word++) {
        if (isgraph((unsigned char)*word) && *word != '\\')
            cf_text_add(out, word, 1);
        else
            cf_text_printf(out, "\\%03o", (unsigned)(unsigned char)*word);
    }
    cf_text_puts(out, " ");
}

static void print_reader(struct cf_text *out, const struct cf_app *app, const struct cf_reader *reader)
{
    const struct cf_principal user = {.kind = CF_USER, .low = reader->uid, .high = reader->uid};
    char opened[CF_TIME_SIZE];

    cf_time_format(reader->opened, opened);
    cf_principal_print(&user, out);
    cf_text_puts(out, " ");
    print_word(out, reader->command);
    print_word(out, reader->cgroup);
    cf_text_printf(out, "%lld %s%s\n", (long long)reader->version, opened,
                   reader->version < app->version ? " behind" : "");
}

enum cf_error cf_readers_print(struct cf_readers *readers, struct cf_txn *txn, const struct cf_app *app,
                               struct cf_text *out)
{
    struct list list = {0};
    enum cf_error error = list_written(&list, txn, app->serial);

    if (error == CF_OK && readers != NULL)
        error = list_noted(&list, readers, app->serial);
    if (error == CF_OK && list.count > 0)
        qsort(list.at, list.count, sizeof *list.at, latest_first);
    for (size_t i = 0; error == CF_OK && i < list.count && i < CF_READERS_MOST; i++)
        print_reader(out, app, &list.at[i]);
    free(list.at);
    return error;
}
