#include "sql.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* More statements than core has; past it CF_ENOMEM. */
enum { STATEMENTS = 96, BUSY_MS = 10000, CACHE_KIB = 2048 };

struct cf_rows {
    sqlite3_stmt *statement;
    const char *sql;
    bool open;
};

struct cf_db {
    sqlite3 *handle;
    size_t count;
    struct cf_rows rows[STATEMENTS];
};

static enum cf_error of_sqlite(int code)
{
    if (code == SQLITE_IOERR_SHMSIZE) /* its file cannot grow */
        return CF_EFULL;
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return CF_OK;
    case SQLITE_NOMEM:
        return CF_ENOMEM;
    case SQLITE_FULL:
        return CF_EFULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return CF_EBUSY;
    case SQLITE_CONSTRAINT:
        return CF_EEXIST;
    case SQLITE_CORRUPT:
        return CF_ETAMPER;
    case SQLITE_NOTADB:
        return CF_EFORMAT;
    default:
        return CF_EIO;
    }
}

enum cf_error cf_sql_script(struct cf_db *db, const char *sql)
{
    return of_sqlite(sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

static enum cf_error configure(struct cf_db *db, enum cf_sql_mode mode)
{
    char pragmas[256];
    enum cf_error error;

    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, BUSY_MS);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    /* The schema has none: what there is was written by hand, to change what our statements do. */
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_snprintf(sizeof pragmas, pragmas,
                     "PRAGMA cache_size=-%d; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; "
                     "PRAGMA secure_delete=ON;",
                     CACHE_KIB);
    error = cf_sql_script(db, pragmas);
    if (error == CF_OK && mode != CF_SQL_READ)
        error = cf_sql_script(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
    if (error == CF_OK && mode == CF_SQL_READ)
        error = cf_sql_script(db, "PRAGMA wal_autocheckpoint=0; PRAGMA query_only=ON;");
    return error;
}

enum cf_error cf_sql_open(const char *path, enum cf_sql_mode mode, struct cf_db **out, struct cf_fault *fault)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE;
    struct cf_db *db = calloc(1, sizeof *db);
    enum cf_error error;

    *out = NULL;
    if (db == NULL)
        return CF_ENOMEM;
    flags |= mode == CF_SQL_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    flags |= mode == CF_SQL_CREATE ? SQLITE_OPEN_CREATE : 0;
    error = of_sqlite(sqlite3_open_v2(path, &db->handle, flags, NULL));
    if (error == CF_OK)
        error = configure(db, mode);
    if (error != CF_OK) {
        cf_fault_set(fault, "%s: %s", path, db->handle == NULL ? "out of memory" : sqlite3_errmsg(db->handle));
        cf_sql_close(db);
        return error;
    }
    *out = db;
    return CF_OK;
}

void cf_sql_close(struct cf_db *db)
{
    if (db == NULL)
        return;
    for (size_t i = 0; i < db->count; i++)
        sqlite3_finalize(db->rows[i].statement);
    sqlite3_close(db->handle);
    free(db);
}

/* The prepared statement of this SQL: found by the literal's address, since a caller's literal stays where it is. */
static enum cf_error prepared(struct cf_db *db, const char *sql, struct cf_rows **out)
{
    struct cf_rows *rows = db->rows;
    enum cf_error error;

    while (rows < db->rows + db->count && rows->sql != sql)
        rows++;
    *out = rows;
    if (rows < db->rows + db->count)
        return rows->open ? CF_EBUSY : CF_OK;
    if (db->count == STATEMENTS)
        return CF_ENOMEM;
    error = of_sqlite(sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &rows->statement, NULL));
    if (error != CF_OK)
        return error;
    rows->sql = sql;
    db->count++;
    return CF_OK;
}

/* SQLITE_STATIC and a reset before the caller returns would be enough for text and bytes of a query that is stepped
 * at once, but an open query outlives the call: so they are copied. */
static enum cf_error bind(sqlite3_stmt *statement, const char *types, va_list values)
{
    int result = SQLITE_OK;

    for (int i = 1; *types != '\0' && result == SQLITE_OK; types++, i++) {
        if (*types == 'i') {
            result = sqlite3_bind_int64(statement, i, va_arg(values, int64_t));
        } else if (*types == 't') {
            result = sqlite3_bind_text(statement, i, va_arg(values, const char *), -1, SQLITE_TRANSIENT);
        } else {
            const void *bytes = va_arg(values, const void *);
            result = sqlite3_bind_blob64(statement, i, bytes, va_arg(values, size_t), SQLITE_TRANSIENT);
        }
    }
    return of_sqlite(result);
}

static enum cf_error start(struct cf_db *db, struct cf_rows **rows, const char *sql, const char *types,
                           va_list values)
{
    struct cf_rows *found;
    enum cf_error error = prepared(db, sql, &found);

    *rows = NULL;
    if (error == CF_OK)
        error = bind(found->statement, types, values);
    if (error != CF_OK)
        return error;
    found->open = true;
    *rows = found;
    return CF_OK;
}

enum cf_error cf_sql_query(struct cf_db *db, struct cf_rows **rows, const char *sql, const char *types, ...)
{
    enum cf_error error;
    va_list values;

    va_start(values, types);
    error = start(db, rows, sql, types, values);
    va_end(values);
    return error;
}

enum cf_error cf_sql_run(struct cf_db *db, const char *sql, const char *types, ...)
{
    struct cf_rows *rows;
    enum cf_error error;
    va_list values;
    bool row;

    va_start(values, types);
    error = start(db, &rows, sql, types, values);
    va_end(values);
    if (error == CF_OK)
        error = cf_sql_next(rows, &row);
    cf_sql_done(rows);
    return error;
}

enum cf_error cf_sql_next(struct cf_rows *rows, bool *row)
{
    int result = sqlite3_step(rows->statement);

    *row = result == SQLITE_ROW;
    return of_sqlite(result);
}

void cf_sql_done(struct cf_rows *rows)
{
    if (rows == NULL)
        return;
    sqlite3_reset(rows->statement);
    sqlite3_clear_bindings(rows->statement);
    rows->open = false;
}

int64_t cf_sql_int(struct cf_rows *rows, int column)
{
    return sqlite3_column_int64(rows->statement, column);
}

const char *cf_sql_text(struct cf_rows *rows, int column)
{
    const unsigned char *text = sqlite3_column_text(rows->statement, column);

    return text == NULL ? "" : (const char *)text;
}

const void *cf_sql_blob(struct cf_rows *rows, int column, size_t *len)
{
    const void *bytes = sqlite3_column_blob(rows->statement, column);

    *len = (size_t)sqlite3_column_bytes(rows->statement, column);
    return bytes;
}

int64_t cf_sql_last_id(struct cf_db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

int64_t cf_sql_changes(struct cf_db *db)
{
    return sqlite3_total_changes(db->handle);
}

bool cf_sql_in_transaction(struct cf_db *db)
{
    return !sqlite3_get_autocommit(db->handle);
}

enum cf_error cf_sql_schema(struct cf_db *db, int64_t *number)
{
    struct cf_rows *rows;
    enum cf_error error = cf_sql_query(db, &rows, "PRAGMA user_version", "");
    bool row = false;

    if (error == CF_OK)
        error = cf_sql_next(rows, &row);
    *number = row ? cf_sql_int(rows, 0) : 0;
    cf_sql_done(rows);
    return error;
}

enum cf_error cf_sql_integrity(struct cf_db *db, cf_sql_finding *finding, void *arg)
{
    struct cf_rows *rows;
    enum cf_error error = cf_sql_query(db, &rows, "PRAGMA integrity_check", "");
    bool row = true;

    while (error == CF_OK && row) {
        error = cf_sql_next(rows, &row);
        if (error == CF_OK && row && strcmp(cf_sql_text(rows, 0), "ok") != 0)
            finding(arg, cf_sql_text(rows, 0));
    }
    cf_sql_done(rows);
    return error;
}
