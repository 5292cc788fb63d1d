/* store.h: the directory that holds a store, its keys, and transactions on its database.
 *
 * A store is one directory, mode 0700, with credfs.db (+ -wal, -shm), audit.log, audit.head, master.key and lock,
 * each a regular file of mode 0600 that belongs to the directory's owner, who must be the effective user. Anything
 * else is refused. Beside a daemon that owns the store, others may only observe it.
 *
 * One connection writes and checkpoints; the read-only ones come from a pool that grows to what is in use at the
 * same time. The data key is unwrapped when the store is opened and lives in secret memory alone, as subkeys.
 *
 * Writers that arrive together share one commit, and so one fsync: each makes its change in a savepoint of a common
 * transaction, the last of those waiting commits it, and all return when it is durable.
 *
 * Lock order: the writer's lock, then the audit log's. A read transaction takes the pool's lock only to get and to
 * give back its connection.
 */
#ifndef CF_STORE_H
#define CF_STORE_H

#include "crypto.h"
#include "error.h"
#include "sql.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum cf_store_mode {
    CF_STORE_OWN,    /* read and write, under the lock */
    CF_STORE_OBSERVE /* read only, whether somebody owns it or not */
};

struct cf_audit;
struct cf_store;

/* Make a store at path: the directory (its parent must be there; an empty one of ours is taken, and closed to others),
 * a new master key, a new data key wrapped by it, an empty database. On failure nothing of it stays.
 * Returns 0, CF_EEXIST when there is a store, or something else, CF_ENOENT without a parent, CF_EDENIED, CF_EUNSAFE,
 * CF_EIO, CF_EFULL, CF_ENOMEM. */
CF_CHECKED enum cf_error cf_store_create(const char *path, struct cf_fault *fault);

/* What a process leaves to the one that goes on with its work, in memory that outlives both. */
struct cf_handover {
    int lock;                 /* a descriptor that holds the store's lock (cf_store_lock) */
    bool has_key;             /* set by the first to open the store; the next need no key slot */
    uint8_t key[CF_KEY_SIZE]; /* the data key: the memory is locked, undumpable, and wiped by who made it */
};

/* Take the lock of the store at path for this process and those that inherit *lock, a descriptor.
 * Returns 0, CF_ENOSTORE when there is none, CF_ENOENT when its database is missing, CF_EUNSAFE, CF_EBUSY with the
 * holder's pid in fault, CF_EIO. */
CF_CHECKED enum cf_error cf_store_lock(const char *path, int *lock, struct cf_fault *fault);

/* Open it, running migrations that are due (CF_STORE_OWN). handover: NULL, or what to go on with.
 * Returns 0, CF_ENOSTORE, CF_ENOENT and CF_EBUSY as above, CF_EUNSAFE, CF_EWRONGKEY, CF_EFORMAT, CF_EIO, CF_ENOMEM.
 * *out: owned by the caller, NULL on failure. */
CF_CHECKED enum cf_error cf_store_open(const char *path, enum cf_store_mode mode, struct cf_handover *handover,
                                       struct cf_store **out, struct cf_fault *fault);
void cf_store_close(struct cf_store *store);

/* The process that owns the store at path, or 0 when nobody does. */
pid_t cf_store_holder(const char *path);

/* How many commits there were since it was opened. */
int64_t cf_store_commits(struct cf_store *store);

/* From now on each commit keeps what it knows of this log (witness.h), which lives until the last one. */
void cf_store_follow(struct cf_store *store, struct cf_audit *audit);

int cf_store_dir(const struct cf_store *store); /* a descriptor of the directory, valid until the store is closed */
const char *cf_store_path(const struct cf_store *store);
uint32_t cf_store_owner(const struct cf_store *store); /* uid */
const struct cf_keys *cf_store_keys(const struct cf_store *store);

/* The state of the database as one value, which every commit changes, whoever makes it: the header of SQLite's
 * wal-index (https://sqlite.org/walformat.html, section 2.2), looked at without a system call. */
struct cf_stamp {
    unsigned char header[48];
};

/* The present stamp. Returns false where there is none to be had: then nothing can be kept. */
bool cf_store_stamp(const struct cf_store *store, struct cf_stamp *stamp);

/* A transaction: a consistent view of the database, and for a writing one its changes. In place, no heap. */
struct cf_txn {
    struct cf_store *store; /* NULL when it has ended */
    struct cf_db *db;
    const struct cf_keys *keys;
    bool writes;
};

/* Begin. A writing one waits for the writer's lock. End each with cf_txn_end. */
CF_CHECKED enum cf_error cf_txn_read(struct cf_store *store, struct cf_txn *txn);
CF_CHECKED enum cf_error cf_txn_write(struct cf_store *store, struct cf_txn *txn);

/* Make the changes durable: they are on disk when it returns 0. On failure nothing of them stays. */
CF_CHECKED enum cf_error cf_txn_commit(struct cf_txn *txn);

/* End it, undoing what was not committed. Safe on one that never began (zeroed) or was committed. */
void cf_txn_end(struct cf_txn *txn);

#endif
