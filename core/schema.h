/* schema.h: the database's tables, as numbered migrations. */
#ifndef CF_SCHEMA_H
#define CF_SCHEMA_H

#include "crypto.h"
#include "sql.h"

/* Is the schema one that this program knows? Returns 0, CF_EFORMAT when it is newer, or what SQLite gives. */
CF_CHECKED enum cf_error cf_schema_known(struct cf_db *db, struct cf_fault *fault);

/* Bring a database of a known schema to the newest one, each migration in a transaction of its own. What did not verify
 * before does not afterwards: nobody gains by having a migration done again. keys: NULL for tables that stay empty.
 * Returns 0, or what SQLite gives. */
CF_CHECKED enum cf_error cf_schema_migrate(struct cf_db *db, const struct cf_keys *keys, struct cf_fault *fault);

/* Is it the schema of this program? For those who may not change it. */
CF_CHECKED enum cf_error cf_schema_expect(struct cf_db *db, struct cf_fault *fault);

/* Is it the schema that the migrations make, to the letter? finding is called for each table, index, trigger or view
 * that is missing, is another, or is there beside it. Returns 0, CF_ENOMEM, CF_EIO. */
CF_CHECKED enum cf_error cf_schema_verify(struct cf_db *db, cf_sql_finding *finding, void *arg);

#endif
