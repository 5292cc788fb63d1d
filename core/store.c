#include "store_inside.h"

#include "audit.h"
#include "clock.h"
#include "schema.h"
#include "store_files.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAL_INDEX_PAGE = 4096, WRAPPED_SIZE = CF_KEY_SIZE + CF_SEAL_OVERHEAD };

void cf_store_follow(struct cf_store *store, struct cf_audit *audit)
{
    pthread_mutex_lock(&store->write);
    store->audit = audit;
    pthread_mutex_unlock(&store->write);
}

int cf_store_dir(const struct cf_store *store)
{
    return store->dir;
}

const char *cf_store_path(const struct cf_store *store)
{
    return store->path;
}

const struct cf_keys *cf_store_keys(const struct cf_store *store)
{
    return store->keys;
}

uint32_t cf_store_owner(const struct cf_store *store)
{
    struct stat st;

    return fstat(store->dir, &st) == 0 ? st.st_uid : geteuid();
}

pid_t cf_store_holder(const char *path)
{
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    pid_t holder = dir < 0 ? 0 : cf_files_holder(dir);

    if (dir >= 0)
        close(dir);
    return holder;
}

static enum cf_error of_errno(void)
{
    switch (errno) {
    case ENOENT:
        return CF_ENOENT;
    case EACCES:
    case EPERM:
    case EROFS:
        return CF_EDENIED;
    case ENOSPC:
    case EDQUOT:
        return CF_EFULL;
    default:
        return CF_EIO;
    }
}

/* A store without its keys: paths, directory, locks. */
static enum cf_error store_new(const char *path, struct cf_store **out, struct cf_fault *fault)
{
    struct cf_store *store = calloc(1, sizeof *store);
    struct cf_text database = {0};
    enum cf_error error = CF_ENOMEM;

    *out = store;
    if (store == NULL)
        return CF_ENOMEM;
    store->dir = store->lock = store->wal_index_fd = -1;
    pthread_mutex_init(&store->write, NULL);
    pthread_cond_init(&store->committed, NULL);
    pthread_mutex_init(&store->pool, NULL);
    store->path = realpath(path, NULL);
    if (store->path == NULL) {
        cf_fault_set(fault, "%s: %s", path, strerror(errno));
        return of_errno();
    }
    cf_text_printf(&database, "%s/credfs.db", store->path);
    store->database = database.data;
    error = cf_text_result(&database);
    if (error == CF_OK)
        error = cf_files_open(store->path, &store->dir, fault);
    return error;
}

void cf_store_close(struct cf_store *store)
{
    if (store == NULL)
        return;
    for (size_t i = 0; i < store->idle_count; i++)
        cf_sql_close(store->idle[i]);
    cf_sql_close(store->writer); /* the last one: it checkpoints */
    if (store->wal_index != NULL)
        munmap(store->wal_index, WAL_INDEX_PAGE);
    if (store->wal_index_fd >= 0)
        close(store->wal_index_fd);
    cf_keys_free(store->keys);
    if (store->lock >= 0)
        close(store->lock);
    if (store->dir >= 0)
        close(store->dir);
    pthread_mutex_destroy(&store->write);
    pthread_cond_destroy(&store->committed);
    pthread_mutex_destroy(&store->pool);
    free(store->database);
    free(store->path);
    free(store);
}

/* Write the new store's identity: its id, and its data key, wrapped by the master key. */
static enum cf_error write_identity(struct cf_db *db, const struct cf_secret *master,
                                    const struct cf_secret *data_key)
{
    uint8_t id[CF_ID_SIZE], wrapped[WRAPPED_SIZE];
    enum cf_error error;

    cf_random(id, sizeof id);
    cf_wrap(master, id, data_key, wrapped);
    error = cf_sql_script(db, "BEGIN IMMEDIATE");
    if (error == CF_OK)
        error = cf_sql_run(db, "INSERT INTO store (id, created) VALUES (?, ?)", "bi", id, sizeof id, cf_now());
    if (error == CF_OK)
        error = cf_sql_run(db, "INSERT INTO key_slot (number, kind, wrapped) VALUES (1, 'file', ?)", "b", wrapped,
                           sizeof wrapped);
    if (error == CF_OK)
        error = cf_sql_script(db, "COMMIT");
    return error;
}

/* A data key that nobody has seen, and the log that is chained by it. */
static enum cf_error make_data_key(struct cf_store *store, struct cf_secret **data_key, struct cf_fault *fault)
{
    enum cf_error error;

    *data_key = cf_secret_new(CF_KEY_SIZE);
    if (*data_key == NULL)
        return CF_ENOMEM;
    cf_random(cf_secret_bytes(*data_key), CF_KEY_SIZE);
    error = cf_keys_derive(*data_key, &store->keys);
    return error == CF_OK ? cf_audit_create(store->dir, store->keys, fault) : error;
}

static enum cf_error fill(struct cf_store *store, struct cf_fault *fault)
{
    struct cf_secret *master = NULL, *data_key = NULL;
    struct cf_db *db = NULL;
    enum cf_error error = cf_files_make_key(store->dir, &master, fault);

    if (error == CF_OK)
        error = cf_sql_open(store->database, CF_SQL_CREATE, &db, fault);
    if (error == CF_OK)
        error = make_data_key(store, &data_key, fault);
    if (error == CF_OK)
        error = cf_schema_migrate(db, store->keys, fault);
    if (error == CF_OK)
        error = write_identity(db, master, data_key);
    cf_sql_close(db);
    cf_secret_free(data_key);
    cf_secret_free(master);
    if (error == CF_OK && fsync(store->dir) != 0)
        error = CF_EIO;
    return error;
}

/* A new store goes where nothing is: a key that is there belongs to another one, which its log does not verify in. */
static enum cf_error expect_empty(const struct cf_store *store, struct cf_fault *fault)
{
    switch (cf_files_kind(store->dir)) {
    case CF_FILES_EMPTY:
        return CF_OK;
    case CF_FILES_STORE:
        cf_fault_set(fault, "there is a store in %s already", store->path);
        break;
    case CF_FILES_REST:
        cf_fault_set(
            fault,
            "%s has the rest of a store, whose credfs.db is missing: put a copy of it back, or name another "
            "directory for a new store",
            store->path);
        break;
    case CF_FILES_OTHER:
        cf_fault_set(fault, "%s has something else in it: a store needs a directory of its own, empty or new",
                     store->path);
        break;
    }
    return CF_EEXIST;
}

/* The directory, empty and ours, becomes a store's. */
static enum cf_error take_directory(struct cf_store *store, struct cf_fault *fault)
{
    struct stat st;
    enum cf_error error = expect_empty(store, fault);

    if (error != CF_OK)
        return error;
    if (fstat(store->dir, &st) == 0 && st.st_uid == geteuid() && fchmod(store->dir, 0700) != 0) {
        cf_fault_set(fault, "%s: %s", store->path, strerror(errno));
        return of_errno();
    }
    return cf_files_check(store->dir, store->path, fault);
}

static enum cf_error create_in(struct cf_store *store, struct cf_fault *fault)
{
    enum cf_error error = take_directory(store, fault);

    if (error != CF_OK)
        return error;
    error = cf_files_lock(store->dir, store->path, &store->lock, fault);
    if (error == CF_OK)
        error = expect_empty(store, fault); /* somebody else may have been quicker */
    if (error == CF_OK)
        error = fill(store, fault);
    if (error == CF_EFULL)
        cf_fault_set(fault, "%s: no space left", store->path);
    if (error != CF_OK && error != CF_EEXIST && error != CF_EBUSY)
        cf_files_remove(store->dir); /* half a store is none */
    return error;
}

enum cf_error cf_store_create(const char *path, struct cf_fault *fault)
{
    mode_t before = umask(077);
    struct cf_store *store = NULL;
    bool is_made = mkdir(path, 0700) == 0;
    enum cf_error error = is_made || errno == EEXIST ? CF_OK : of_errno();

    if (error != CF_OK)
        cf_fault_set(fault, "%s: %s", path, strerror(errno));
    if (error == CF_OK)
        error = store_new(path, &store, fault);
    if (error == CF_OK)
        error = create_in(store, fault);
    cf_store_close(store);
    if (error != CF_OK && is_made)
        (void)rmdir(path); /* not when somebody else has taken it since */
    umask(before);
    return error;
}

static enum cf_error read_wrapped(struct cf_store *store, struct cf_db *db, uint8_t wrapped[static WRAPPED_SIZE])
{
    struct cf_rows *rows;
    bool row = false;
    enum cf_error error = cf_sql_query(
        db, &rows, "SELECT store.id, key_slot.wrapped FROM store, key_slot WHERE key_slot.kind = 'file'", "");

    if (error == CF_OK)
        error = cf_sql_next(rows, &row);
    if (error == CF_OK) {
        size_t id_len = 0, len = 0;
        const void *id = row ? cf_sql_blob(rows, 0, &id_len) : NULL;
        const void *bytes = row ? cf_sql_blob(rows, 1, &len) : NULL;
        if (id == NULL || bytes == NULL || id_len != CF_ID_SIZE || len != WRAPPED_SIZE) {
            error = CF_EFORMAT;
        } else {
            memcpy(store->id, id, CF_ID_SIZE);
            memcpy(wrapped, bytes, WRAPPED_SIZE);
        }
    }
    cf_sql_done(rows);
    return error;
}

static enum cf_error unwrap_key(struct cf_store *store, struct cf_db *db, struct cf_secret **data_key,
                                struct cf_fault *fault)
{
    uint8_t wrapped[WRAPPED_SIZE];
    struct cf_secret *master = NULL;
    enum cf_error error = read_wrapped(store, db, wrapped);

    if (error != CF_OK)
        cf_fault_set(fault, "%s has no key slot: it is not a whole store", store->database);
    if (error == CF_OK)
        error = cf_files_read_key(store->dir, store->path, &master, fault);
    if (error == CF_OK) {
        error = cf_unwrap(master, store->id, wrapped, sizeof wrapped, data_key);
        if (error == CF_EWRONGKEY)
            cf_fault_set(fault, "%s/master.key is not the key of this store", store->path);
    }
    cf_secret_free(master);
    return error;
}

static enum cf_error take_keys(struct cf_store *store, struct cf_db *db, struct cf_handover *handover,
                               struct cf_fault *fault)
{
    struct cf_secret *data_key = NULL;
    enum cf_error error = CF_OK;

    if (handover != NULL && handover->has_key) {
        data_key = cf_secret_copy(handover->key, CF_KEY_SIZE);
        error = data_key == NULL ? CF_ENOMEM : CF_OK;
    } else {
        error = unwrap_key(store, db, &data_key, fault);
    }
    if (error == CF_OK)
        error = cf_keys_derive(data_key, &store->keys);
    if (error == CF_OK && handover != NULL) {
        memcpy(handover->key, cf_secret_peek(data_key), CF_KEY_SIZE);
        handover->has_key = true;
    }
    cf_secret_free(data_key);
    return error;
}

static void map_wal_index(struct cf_store *store)
{
    void *page = MAP_FAILED;
    struct stat st;

    store->wal_index_fd = openat(store->dir, "credfs.db-shm", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (store->wal_index_fd >= 0 && fstat(store->wal_index_fd, &st) == 0 && st.st_size >= WAL_INDEX_PAGE)
        page = mmap(NULL, WAL_INDEX_PAGE, PROT_READ, MAP_SHARED, store->wal_index_fd, 0);
    store->wal_index = page == MAP_FAILED ? NULL : page;
}

/* SQLite writes the header twice, the second copy first: when both agree, it is whole. */
bool cf_store_stamp(const struct cf_store *store, struct cf_stamp *stamp)
{
    unsigned char second[sizeof stamp->header];

    if (store->wal_index == NULL)
        return false;
    memcpy(stamp->header, store->wal_index, sizeof stamp->header);
    atomic_thread_fence(memory_order_acquire);
    memcpy(second, store->wal_index + sizeof stamp->header, sizeof second);
    return memcmp(stamp->header, second, sizeof second) == 0;
}

static enum cf_error open_owned(struct cf_store *store, struct cf_handover *handover, struct cf_fault *fault)
{
    enum cf_error error = CF_OK;

    if (handover != NULL)
        store->lock = fcntl(handover->lock, F_DUPFD_CLOEXEC, 0);
    else
        error = cf_files_lock(store->dir, store->path, &store->lock, fault);
    if (error == CF_OK)
        error = store->lock < 0 ? CF_EIO : cf_sql_open(store->database, CF_SQL_WRITE, &store->writer, fault);
    if (error == CF_OK)
        error = cf_schema_known(store->writer, fault);
    if (error == CF_OK)
        error = take_keys(store, store->writer, handover, fault);
    if (error == CF_OK)
        error = cf_schema_migrate(store->writer, store->keys, fault);
    if (error == CF_OK)
        map_wal_index(store);
    return error;
}

static enum cf_error open_observed(struct cf_store *store, struct cf_fault *fault)
{
    struct cf_db *db;
    enum cf_error error = cf_sql_open(store->database, CF_SQL_READ, &db, fault);

    if (error != CF_OK)
        return error;
    store->idle[store->idle_count++] = db;
    error = cf_schema_expect(db, fault);
    return error == CF_OK ? take_keys(store, db, NULL, fault) : error;
}

/* The directory, which must hold a store. *store: to be closed whatever comes. */
static enum cf_error find_store(const char *path, struct cf_store **store, struct cf_fault *fault)
{
    enum cf_error error = store_new(path, store, fault);
    enum cf_files_kind kind = error == CF_OK ? cf_files_kind((*store)->dir) : CF_FILES_EMPTY;

    if (error == CF_OK && kind == CF_FILES_REST) {
        cf_fault_set(fault, "%s/credfs.db is missing, while the rest of the store is there: put a copy of it back",
                     (*store)->path);
        return CF_ENOENT;
    }
    if (error == CF_ENOENT || (error == CF_OK && kind != CF_FILES_STORE)) {
        cf_fault_set(fault, "there is no store in %s", path);
        return CF_ENOSTORE;
    }
    return error == CF_OK ? cf_files_check((*store)->dir, (*store)->path, fault) : error;
}

enum cf_error cf_store_lock(const char *path, int *lock, struct cf_fault *fault)
{
    struct cf_store *store = NULL;
    enum cf_error error = find_store(path, &store, fault);

    *lock = -1;
    if (error == CF_OK)
        error = cf_files_lock(store->dir, store->path, lock, fault);
    cf_store_close(store);
    return error;
}

enum cf_error cf_store_open(const char *path, enum cf_store_mode mode, struct cf_handover *handover,
                            struct cf_store **out, struct cf_fault *fault)
{
    mode_t before = umask(077);
    struct cf_store *store = NULL;
    enum cf_error error = find_store(path, &store, fault);

    *out = NULL;
    if (error == CF_OK)
        error = mode == CF_STORE_OWN ? open_owned(store, handover, fault) : open_observed(store, fault);
    umask(before);
    if (error != CF_OK) {
        cf_store_close(store);
        return error;
    }
    *out = store;
    return CF_OK;
}
