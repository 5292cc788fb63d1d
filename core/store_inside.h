/* store_inside.h: what a store is made of, for store.c and txn.c alone. */
#ifndef CF_STORE_INSIDE_H
#define CF_STORE_INSIDE_H

#include "store.h"

#include <pthread.h>
#include <stdatomic.h>

enum { CF_STORE_POOL = 64 };

/* Writers whose changes go into one transaction. */
struct cf_batch {
    size_t members; /* who wait for it */
    bool is_done;
    enum cf_error result;
};

struct cf_store {
    char *path;     /* without symlinks */
    char *database; /* path of credfs.db */
    int dir;
    int lock;              /* -1 when observing */
    struct cf_db *writer;  /* NULL when observing */
    pthread_mutex_t write; /* held by the one who writes; guards batch, commits, audit, changes */
    pthread_cond_t committed;
    struct cf_batch *batch; /* the open one, or NULL */
    atomic_size_t waiting;  /* for the writer's lock */
    int64_t commits;
    struct cf_audit *audit; /* NULL until it is followed */
    int64_t changes;        /* of the writer, when the batch was opened */
    pthread_mutex_t pool;   /* guards idle and idle_count */
    struct cf_db *idle[CF_STORE_POOL];
    size_t idle_count;
    uint8_t id[CF_ID_SIZE];
    struct cf_keys *keys;
    int wal_index_fd;         /* kept open with the connections: closing it would give up SQLite's own locks */
    unsigned char *wal_index; /* the first page of credfs.db-shm, or NULL */
};

#endif
