#include "store_inside.h"

#include "witness.h"

#include <stdlib.h>

static enum cf_error pool_take(struct cf_store *store, struct cf_db **db)
{
    *db = NULL;
    pthread_mutex_lock(&store->pool);
    if (store->idle_count > 0)
        *db = store->idle[--store->idle_count];
    pthread_mutex_unlock(&store->pool);
    return *db != NULL ? CF_OK : cf_sql_open(store->database, CF_SQL_READ, db, NULL);
}

static void pool_give(struct cf_store *store, struct cf_db *db)
{
    pthread_mutex_lock(&store->pool);
    if (store->idle_count < CF_STORE_POOL) {
        store->idle[store->idle_count++] = db;
        db = NULL;
    }
    pthread_mutex_unlock(&store->pool);
    cf_sql_close(db);
}

enum cf_error cf_txn_read(struct cf_store *store, struct cf_txn *txn)
{
    enum cf_error error;

    *txn = (struct cf_txn){0};
    error = pool_take(store, &txn->db);
    if (error != CF_OK)
        return error;
    error = cf_sql_run(txn->db, "BEGIN", "");
    if (error != CF_OK) {
        pool_give(store, txn->db);
        *txn = (struct cf_txn){0};
        return error;
    }
    txn->store = store;
    txn->keys = store->keys;
    return CF_OK;
}

/* Close the batch with what became of it, and wake those who wait for it. With the writer's lock held. */
static void batch_close(struct cf_store *store, enum cf_error result)
{
    struct cf_batch *batch = store->batch;

    batch->is_done = true;
    batch->result = result;
    store->batch = NULL;
    pthread_cond_broadcast(&store->committed);
    if (batch->members == 0)
        free(batch);
}

/* With what the log holds of all that is committed. */
static enum cf_error witness(struct cf_store *store)
{
    struct cf_txn txn = {.db = store->writer, .keys = store->keys, .writes = true};
    struct cf_tip tip;

    if (store->audit == NULL || cf_sql_changes(store->writer) == store->changes)
        return CF_OK;
    tip = cf_audit_tip(store->audit);
    return cf_witness_log(&txn, &tip);
}

static enum cf_error commit(struct cf_store *store)
{
    enum cf_error error = witness(store);

    if (error == CF_OK)
        error = cf_sql_run(store->writer, "COMMIT", "");
    if (error == CF_OK)
        store->commits++;
    else if (cf_sql_in_transaction(store->writer) && cf_sql_run(store->writer, "ROLLBACK", "") != CF_OK)
        return CF_EIO;
    return error;
}

/* Called by each writer when he has done his part: the last of those that have arrived commits for all. With the
 * writer's lock held. */
static void batch_settle(struct cf_store *store)
{
    if (store->batch == NULL)
        return;
    if (!cf_sql_in_transaction(store->writer))
        batch_close(store, CF_EFULL); /* SQLite gave it up, with the parts of all */
    else if (atomic_load(&store->waiting) == 0)
        batch_close(store, commit(store));
}

static enum cf_error batch_open(struct cf_store *store)
{
    enum cf_error error;

    if (store->batch != NULL)
        return CF_OK;
    store->batch = calloc(1, sizeof *store->batch);
    if (store->batch == NULL)
        return CF_ENOMEM;
    store->changes = cf_sql_changes(store->writer);
    error = cf_sql_run(store->writer, "BEGIN IMMEDIATE", "");
    if (error != CF_OK)
        batch_close(store, error);
    return error;
}

enum cf_error cf_txn_write(struct cf_store *store, struct cf_txn *txn)
{
    enum cf_error error;

    *txn = (struct cf_txn){0};
    atomic_fetch_add(&store->waiting, 1);
    pthread_mutex_lock(&store->write);
    atomic_fetch_sub(&store->waiting, 1);
    error = batch_open(store);
    if (error == CF_OK)
        error = cf_sql_run(store->writer, "SAVEPOINT part", "");
    if (error != CF_OK) {
        batch_settle(store);
        pthread_mutex_unlock(&store->write);
        return error;
    }
    *txn = (struct cf_txn){.store = store, .db = store->writer, .keys = store->keys, .writes = true};
    return CF_OK;
}

enum cf_error cf_txn_commit(struct cf_txn *txn)
{
    struct cf_store *store = txn->store;
    struct cf_batch *batch = store->batch;
    enum cf_error error = cf_sql_run(txn->db, "RELEASE part", "");

    if (error != CF_OK)
        return error; /* cf_txn_end undoes it */
    batch->members++;
    batch_settle(store);
    while (!batch->is_done) /* NOLINT(clang-analyzer-unix.Malloc): it has a member, so it was not freed */
        pthread_cond_wait(&store->committed, &store->write);
    error = batch->result;
    if (--batch->members == 0)
        free(batch);
    pthread_mutex_unlock(&store->write);
    *txn = (struct cf_txn){0};
    return error;
}

/* Undo one writer's part; that of the others in the batch stays. */
static void undo_part(struct cf_store *store)
{
    if (cf_sql_in_transaction(store->writer) && (cf_sql_run(store->writer, "ROLLBACK TO part", "") != CF_OK ||
                                                 cf_sql_run(store->writer, "RELEASE part", "") != CF_OK)) {
        /* It cannot be told apart from theirs any more: nothing of the batch may stay. Where even that fails, only the
         * end of the process keeps the next commit from making it last. */
        if (cf_sql_run(store->writer, "ROLLBACK", "") != CF_OK)
            abort();
    }
    batch_settle(store);
    pthread_mutex_unlock(&store->write);
}

void cf_txn_end(struct cf_txn *txn)
{
    if (txn->store == NULL)
        return;
    if (txn->writes)
        undo_part(txn->store);
    else if (cf_sql_run(txn->db, "COMMIT", "") == CF_OK)
        pool_give(txn->store, txn->db);
    else
        cf_sql_close(txn->db);
    *txn = (struct cf_txn){0};
}

int64_t cf_store_commits(struct cf_store *store)
{
    int64_t commits;

    pthread_mutex_lock(&store->write);
    commits = store->commits;
    pthread_mutex_unlock(&store->write);
    return commits;
}
