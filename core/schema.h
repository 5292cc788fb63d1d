/* schema.h: the database's tables, as numbered migrations. */
#ifndef CF_SCHEMA_H
#define CF_SCHEMA_H

#include "sql.h"

/* Bring the database to the newest schema, each migration in a transaction of its own.
 * Returns 0, CF_EFORMAT when it is newer than this program, or what SQLite gives. */
CF_CHECKED enum cf_error cf_schema_migrate(struct cf_db *db, struct cf_fault *fault);

/* Is it the schema of this program? For those who may not change it. */
CF_CHECKED enum cf_error cf_schema_expect(struct cf_db *db, struct cf_fault *fault);

/* Is it the schema that the migrations make, to the letter? finding is called for each table, index, trigger or view that
 * is missing, is another, or is there beside it. Returns 0, CF_ENOMEM, CF_EIO. */
CF_CHECKED enum cf_error cf_schema_verify(struct cf_db *db, cf_sql_finding *finding, void *arg);

#endif
