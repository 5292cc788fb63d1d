/* sql.h: a database connection with statements prepared once; the only file that includes SQLite.
 *
 * A statement is named by its SQL, a string literal: the first use prepares it, every later one finds it again. At
 * most one use of the same statement can be open at a time on a connection; a connection is used by one thread at a
 * time (store.h hands them out).
 *
 * Parameters are given as a string of types and the values: i int64_t · t const char * (NULL: SQL NULL) ·
 * b const void *, size_t. Bytes need only live until the call returns.
 */
#ifndef CF_SQL_H
#define CF_SQL_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cf_db;
struct cf_rows; /* an open query */

enum cf_sql_mode { CF_SQL_CREATE, CF_SQL_WRITE, CF_SQL_READ };

/* Open the database at path in WAL mode with synchronous=FULL (writers), trusted_schema=OFF, foreign keys on. Only a
 * CF_SQL_WRITE connection checkpoints. *out: owned by the caller, NULL on failure.
 * Returns 0, CF_EIO, CF_EFORMAT when it is no database, CF_ENOMEM, CF_EFULL. */
CF_CHECKED enum cf_error cf_sql_open(const char *path, enum cf_sql_mode mode, struct cf_db **out,
                                     struct cf_fault *fault);
void cf_sql_close(struct cf_db *db);

/* Run statements without parameters and results (schema, BEGIN). Not kept prepared. */
CF_CHECKED enum cf_error cf_sql_script(struct cf_db *db, const char *sql);

/* Run one statement that gives no row. */
CF_CHECKED enum cf_error cf_sql_run(struct cf_db *db, const char *sql, const char *types, ...);

/* Open a query. Then cf_sql_next until *row is false or an error, and cf_sql_done always. *rows is NULL on failure,
 * which cf_sql_done accepts. */
CF_CHECKED enum cf_error cf_sql_query(struct cf_db *db, struct cf_rows **rows, const char *sql, const char *types,
                                      ...);
CF_CHECKED enum cf_error cf_sql_next(struct cf_rows *rows, bool *row);
void cf_sql_done(struct cf_rows *rows);

/* The columns of the present row, from 0. Text and bytes live until the next cf_sql_next or cf_sql_done; text is
 * never NULL. */
int64_t cf_sql_int(struct cf_rows *rows, int column);
const char *cf_sql_text(struct cf_rows *rows, int column);
const void *cf_sql_blob(struct cf_rows *rows, int column, size_t *len);

int64_t cf_sql_last_id(struct cf_db *db);

/* How many rows the connection has changed so far. */
int64_t cf_sql_changes(struct cf_db *db);

/* Is a transaction open? SQLite may end one by itself when a statement fails for want of space or memory. */
bool cf_sql_in_transaction(struct cf_db *db);

/* The schema's number (PRAGMA user_version). */
CF_CHECKED enum cf_error cf_sql_schema(struct cf_db *db, int64_t *number);

/* SQLite's own integrity check; finding is called for each line that it reports. */
typedef void cf_sql_finding(void *arg, const char *what);
CF_CHECKED enum cf_error cf_sql_integrity(struct cf_db *db, cf_sql_finding *finding, void *arg);

#endif
