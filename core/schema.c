#include "schema.h"

#include "app.h"
#include "text.h"
#include "witness.h"

#include <string.h>

/* Times are nanoseconds since 1970, users are uids, mac is the row's keyed BLAKE2b-256 (crypto.h).
 * Never change a migration that was released: add one. */
static const char *const migrations[] = {
    /* 1: stores, Apps, versions and values, API assignments, grants */
    "CREATE TABLE store ("
    "  id BLOB NOT NULL CHECK (length(id) = 16),"
    "  created INTEGER NOT NULL) STRICT;"

    "CREATE TABLE key_slot ("
    "  number INTEGER PRIMARY KEY,"
    "  kind TEXT NOT NULL,"
    "  wrapped BLOB NOT NULL) STRICT;"

    "CREATE TABLE app ("
    "  serial INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),"
    "  place INTEGER NOT NULL CHECK (place IN (0, 1))," /* enum cf_place */
    "  name TEXT NOT NULL,"
    "  disabled INTEGER NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  created_by INTEGER NOT NULL,"
    "  updated INTEGER NOT NULL,"
    "  updated_by INTEGER NOT NULL,"
    "  trashed INTEGER NOT NULL,"
    "  generation INTEGER NOT NULL,"
    "  version INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL,"
    "  lives INTEGER NOT NULL,"
    "  apis_sum BLOB NOT NULL,"
    "  grants_sum BLOB NOT NULL,"
    "  mac BLOB NOT NULL,"
    "  UNIQUE (place, name)) STRICT;"

    "CREATE TABLE note ("
    "  app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,"
    "  name TEXT NOT NULL,"
    "  value TEXT NOT NULL,"
    "  PRIMARY KEY (app, name)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE version ("
    "  app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,"
    "  number INTEGER NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  created_by INTEGER NOT NULL,"
    "  deadline INTEGER NOT NULL,"
    "  revoked INTEGER NOT NULL,"
    "  fields INTEGER NOT NULL,"
    "  mac BLOB NOT NULL,"
    "  PRIMARY KEY (app, number)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE value ("
    "  app INTEGER NOT NULL,"
    "  version INTEGER NOT NULL,"
    "  field TEXT NOT NULL,"
    "  sealed BLOB NOT NULL,"
    "  fingerprint BLOB NOT NULL,"
    "  last4 TEXT NOT NULL,"
    "  mac BLOB NOT NULL,"
    "  PRIMARY KEY (app, version, field),"
    "  FOREIGN KEY (app, version) REFERENCES version ON DELETE CASCADE) STRICT, WITHOUT ROWID;"
    "CREATE INDEX value_of_key ON value (fingerprint) WHERE field = 'key';"

    "CREATE TABLE assignment ("
    "  app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,"
    "  slug TEXT NOT NULL,"
    "  since INTEGER NOT NULL,"
    "  by_user INTEGER NOT NULL,"
    "  mac BLOB NOT NULL,"
    "  PRIMARY KEY (app, slug)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX assignment_of_api ON assignment (slug, app);"

    "CREATE TABLE api ("
    "  serial INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  slug TEXT NOT NULL UNIQUE,"
    "  assignees_sum BLOB NOT NULL,"
    "  mac BLOB NOT NULL) STRICT;"

    /* scope 0: of an App, owner is its serial; scope 1: of an API (its assignees), owner is its serial */
    "CREATE TABLE entitlement ("
    "  scope INTEGER NOT NULL CHECK (scope IN (0, 1)),"
    "  owner INTEGER NOT NULL,"
    "  kind INTEGER NOT NULL,"
    "  low INTEGER NOT NULL,"
    "  high INTEGER NOT NULL,"
    "  field TEXT NOT NULL,"
    "  since INTEGER NOT NULL,"
    "  by_user INTEGER NOT NULL,"
    "  mac BLOB NOT NULL,"
    "  PRIMARY KEY (scope, owner, kind, low, high, field)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX entitlement_of_principal ON entitlement (scope, kind, low, high, owner);",

    /* 2: the last change that each slot of requests made; app: 0 if it was about none */
    "CREATE TABLE answered ("
    "  slot INTEGER PRIMARY KEY,"
    "  session INTEGER NOT NULL,"
    "  request INTEGER NOT NULL,"
    "  app INTEGER NOT NULL) STRICT;",

    /* 3: who last opened which version (decides nothing); leave to reveal, asked for by a user in a login session */
    "CREATE TABLE reader ("
    "  app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,"
    "  uid INTEGER NOT NULL,"
    "  command TEXT NOT NULL,"
    "  cgroup TEXT NOT NULL,"
    "  version INTEGER NOT NULL,"
    "  opened INTEGER NOT NULL,"
    "  PRIMARY KEY (app, uid, command, cgroup)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE leave ("
    "  app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,"
    "  uid INTEGER NOT NULL,"
    "  session TEXT NOT NULL,"
    "  until INTEGER NOT NULL,"
    "  mac BLOB NOT NULL,"
    "  PRIMARY KEY (app, uid, session)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX leave_of_time ON leave (until);"

    /* For what is counted and looked for in the background (summary.h, chores.h). revealed: the Apps with a reader. */
    "CREATE TABLE revealed (app INTEGER PRIMARY KEY REFERENCES app ON DELETE CASCADE) STRICT;"
    "CREATE INDEX app_of_place ON app (place, serial, name);" /* listings go on behind a serial */
    "CREATE INDEX app_in_trash ON app (trashed) WHERE place = 1;"
    "CREATE INDEX app_of_expiry ON app (expires) WHERE place = 0 AND expires <> 0;"
    "CREATE INDEX version_current ON version (app, created, fields) WHERE deadline = 0;"
    "CREATE INDEX version_replaced ON version (deadline) WHERE deadline <> 0;",

    /* 4: the site's templates, for their numbers */
    "CREATE TABLE template ("
    "  serial INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  name TEXT NOT NULL UNIQUE) STRICT;",

    /* 5: credentials are found by their secret, which few share, where they are checked */
    "CREATE INDEX value_of_secret ON value (fingerprint) WHERE field = 'secret';",

    /* 6: the App's row covers its notes too; what can be put back (witness.h). Together, so that who takes the
     * second away, for it to be made anew, has no App that verifies either. */
    "ALTER TABLE app ADD COLUMN notes_sum BLOB NOT NULL"
    "  DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000';"

    "CREATE TABLE witness ("
    "  one INTEGER PRIMARY KEY CHECK (one = 1),"
    "  seq INTEGER NOT NULL,"
    "  length INTEGER NOT NULL,"
    "  link BLOB NOT NULL,"
    "  lost INTEGER NOT NULL,"
    "  changes INTEGER NOT NULL,"
    "  apps INTEGER NOT NULL,"
    "  apps_sum BLOB NOT NULL,"
    "  mac BLOB NOT NULL) STRICT;",
};

enum { NEWEST = sizeof migrations / sizeof *migrations };

static enum cf_error seal_6(struct cf_txn *txn)
{
    enum cf_error error = cf_witness_make(txn);

    return error == CF_OK ? cf_app_seal_notes(txn) : error;
}

/* What a migration does with the keys, behind its SQL. */
static enum cf_error (*const seals[NEWEST + 1])(struct cf_txn *txn) = {[6] = seal_6};

static enum cf_error migrate_one(struct cf_db *db, const struct cf_keys *keys, int64_t number)
{
    struct cf_txn txn = {.db = db, .keys = keys, .writes = true};
    enum cf_error error = cf_sql_script(db, "BEGIN IMMEDIATE");

    if (error != CF_OK)
        return error;
    error = cf_sql_script(db, migrations[number - 1]);
    if (error == CF_OK && keys != NULL && seals[number] != NULL)
        error = seals[number](&txn);
    if (error == CF_OK) {
        struct cf_text pragma = {0};
        cf_text_printf(&pragma, "PRAGMA user_version = %d; COMMIT", (int)number);
        error = cf_text_result(&pragma);
        if (error == CF_OK)
            error = cf_sql_script(db, pragma.data);
        cf_text_release(&pragma);
    }
    if (error != CF_OK && cf_sql_in_transaction(db) && cf_sql_script(db, "ROLLBACK") != CF_OK)
        return CF_EIO;
    return error;
}

static enum cf_error too_new(int64_t number, struct cf_fault *fault)
{
    cf_fault_set(fault, "the store has schema %d, this credfs knows up to %d: use a newer credfs", (int)number,
                 (int)NEWEST);
    return CF_EFORMAT;
}

enum cf_error cf_schema_known(struct cf_db *db, struct cf_fault *fault)
{
    int64_t number;
    enum cf_error error = cf_sql_schema(db, &number);

    return error == CF_OK && (number < 0 || number > NEWEST) ? too_new(number, fault) : error;
}

enum cf_error cf_schema_migrate(struct cf_db *db, const struct cf_keys *keys, struct cf_fault *fault)
{
    int64_t number;
    enum cf_error error = cf_sql_schema(db, &number);

    while (error == CF_OK && number < NEWEST)
        error = migrate_one(db, keys, ++number);
    if (error != CF_OK)
        cf_fault_set(fault, "migration of the database failed: %s", cf_error_text(error));
    return error;
}

enum cf_error cf_schema_expect(struct cf_db *db, struct cf_fault *fault)
{
    int64_t number;
    enum cf_error error = cf_sql_schema(db, &number);

    if (error != CF_OK || number == NEWEST)
        return error;
    if (number > NEWEST)
        return too_new(number, fault);
    cf_fault_set(fault, "the store has the older schema %d: mount it once to bring it up to date", (int)number);
    return CF_EFORMAT;
}

/* ---- as it ought to be ---- */

enum { NAME_MOST = 100 };

static void find(cf_sql_finding *finding, void *arg, struct cf_rows *object, const char *what)
{
    const char *name = cf_sql_text(object, 0);
    struct cf_text text = {0};

    cf_text_printf(&text, "%s: %s",
                   cf_line_valid(name, strlen(name), NAME_MOST) ? name : "an object with a bad name", what);
    finding(arg, text.data != NULL ? text.data : what);
    cf_text_release(&text);
}

/* Two queries that go in the same order, each with its next row or at its end. */
static enum cf_error compare(struct cf_rows *is, struct cf_rows *ought, cf_sql_finding *finding, void *arg)
{
    bool has, wants;
    enum cf_error error = cf_sql_next(is, &has);

    if (error == CF_OK)
        error = cf_sql_next(ought, &wants);
    while (error == CF_OK && (has || wants)) {
        const int order = !has ? 1 : !wants ? -1 : strcmp(cf_sql_text(is, 0), cf_sql_text(ought, 0));
        if (order < 0)
            find(finding, arg, is, "is none of credfs's");
        else if (order > 0)
            find(finding, arg, ought, "is missing");
        else if (strcmp(cf_sql_text(is, 1), cf_sql_text(ought, 1)) != 0)
            find(finding, arg, is, "is not as credfs made it");
        if (order <= 0)
            error = cf_sql_next(is, &has);
        if (error == CF_OK && order >= 0)
            error = cf_sql_next(ought, &wants);
    }
    return error;
}

enum cf_error cf_schema_verify(struct cf_db *db, cf_sql_finding *finding, void *arg)
{
    static const char objects[] = "SELECT type || ' ' || name, ifnull(sql, '') FROM sqlite_schema ORDER BY 1";
    struct cf_rows *is = NULL, *ought = NULL;
    struct cf_db *model;
    enum cf_error error = cf_sql_open(":memory:", CF_SQL_CREATE, &model, NULL);

    if (error != CF_OK)
        return error;
    error = cf_schema_migrate(model, NULL, NULL);
    if (error == CF_OK)
        error = cf_sql_query(model, &ought, objects, "");
    if (error == CF_OK)
        error = cf_sql_query(db, &is, objects, "");
    if (error == CF_OK)
        error = compare(is, ought, finding, arg);
    cf_sql_done(is);
    cf_sql_done(ought);
    cf_sql_close(model);
    return error;
}
