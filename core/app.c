#include "app.h"

#include "note.h"
#include "witness.h"

#include <string.h>

#define COLUMNS                                                                                                   \
    "serial, id, place, name, disabled, created, created_by, updated, updated_by, trashed, generation, version, " \
    "expires, lives, apis_sum, grants_sum, notes_sum, mac"

/* All but the sum over the notes. */
static void mac_begin(struct cf_mac *state, const struct cf_txn *txn, const struct cf_app *app)
{
    cf_mac_begin(state, txn->keys, CF_MAC_ROW, "app");
    cf_mac_int(state, app->serial);
    cf_mac_bytes(state, app->id, CF_ID_SIZE);
    cf_mac_int(state, app->place);
    cf_mac_text(state, app->name);
    cf_mac_int(state, app->disabled);
    cf_mac_int(state, app->created);
    cf_mac_int(state, app->created_by);
    cf_mac_int(state, app->updated);
    cf_mac_int(state, app->updated_by);
    cf_mac_int(state, app->trashed);
    cf_mac_int(state, app->generation);
    cf_mac_int(state, app->version);
    cf_mac_int(state, app->expires);
    cf_mac_int(state, app->lives);
    cf_mac_bytes(state, app->apis_sum, CF_MAC_SIZE);
    cf_mac_bytes(state, app->grants_sum, CF_MAC_SIZE);
}

static void app_mac(const struct cf_txn *txn, const struct cf_app *app, uint8_t mac[static CF_MAC_SIZE])
{
    struct cf_mac state;

    mac_begin(&state, txn, app);
    cf_mac_bytes(&state, app->notes_sum, CF_MAC_SIZE);
    cf_mac_end(&state, mac);
}

void cf_app_tally(const struct cf_txn *txn, const struct cf_app *app, struct cf_tally *tally)
{
    uint8_t mac[CF_MAC_SIZE];

    app_mac(txn, app, mac);
    cf_tally_add(tally, txn->keys, mac);
}

/* Copy a column of exactly len bytes; false when it has another length. */
static bool copy_blob(struct cf_rows *rows, int column, void *out, size_t len)
{
    size_t have;
    const void *bytes = cf_sql_blob(rows, column, &have);

    if (have != len)
        return false;
    memcpy(out, bytes, len);
    return true;
}

/* What the row says, and its MAC; false when it has not the form of one. */
static bool read_columns(struct cf_rows *rows, struct cf_app *app, uint8_t mac[static CF_MAC_SIZE])
{
    const char *name = cf_sql_text(rows, 3);

    memset(app, 0, sizeof *app);
    app->serial = cf_sql_int(rows, 0);
    app->place = cf_sql_int(rows, 2) == CF_IN_APPS ? CF_IN_APPS : CF_IN_TRASH;
    app->disabled = cf_sql_int(rows, 4) != 0;
    app->created = cf_sql_int(rows, 5);
    app->created_by = (uint32_t)cf_sql_int(rows, 6);
    app->updated = cf_sql_int(rows, 7);
    app->updated_by = (uint32_t)cf_sql_int(rows, 8);
    app->trashed = cf_sql_int(rows, 9);
    app->generation = cf_sql_int(rows, 10);
    app->version = cf_sql_int(rows, 11);
    app->expires = cf_sql_int(rows, 12);
    app->lives = cf_sql_int(rows, 13);
    if (strlen(name) > CF_ENTRY_MAX)
        return false;
    memcpy(app->name, name, strlen(name) + 1);
    return copy_blob(rows, 1, app->id, CF_ID_SIZE) && copy_blob(rows, 14, app->apis_sum, CF_MAC_SIZE) &&
           copy_blob(rows, 15, app->grants_sum, CF_MAC_SIZE) && copy_blob(rows, 16, app->notes_sum, CF_MAC_SIZE) &&
           copy_blob(rows, 17, mac, CF_MAC_SIZE);
}

static enum cf_error read_app(struct cf_txn *txn, struct cf_rows *rows, struct cf_app *app)
{
    uint8_t stored[CF_MAC_SIZE], computed[CF_MAC_SIZE];

    if (!read_columns(rows, app, stored))
        return CF_ETAMPER;
    app_mac(txn, app, computed);
    return cf_equal(stored, computed, CF_MAC_SIZE) ? CF_OK : CF_ETAMPER;
}

static enum cf_error read_one(struct cf_txn *txn, struct cf_rows *rows, struct cf_app *app)
{
    bool row;
    enum cf_error error = cf_sql_next(rows, &row);

    if (error == CF_OK)
        error = row ? read_app(txn, rows, app) : CF_ENOENT;
    cf_sql_done(rows);
    return error;
}

enum cf_error cf_app_by_name(struct cf_txn *txn, enum cf_place place, const char *name, struct cf_app *app)
{
    struct cf_rows *rows;
    enum cf_error error = cf_sql_query(txn->db, &rows, "SELECT " COLUMNS " FROM app WHERE place = ? AND name = ?",
                                       "it", (int64_t)place, name);

    return error == CF_OK ? read_one(txn, rows, app) : error;
}

enum cf_error cf_app_by_serial(struct cf_txn *txn, int64_t serial, struct cf_app *app)
{
    struct cf_rows *rows;
    enum cf_error error = cf_sql_query(txn->db, &rows, "SELECT " COLUMNS " FROM app WHERE serial = ?", "i", serial);

    return error == CF_OK ? read_one(txn, rows, app) : error;
}

enum cf_error cf_app_by_id(struct cf_txn *txn, const uint8_t id[static CF_ID_SIZE], struct cf_app *app)
{
    struct cf_rows *rows;
    enum cf_error error =
        cf_sql_query(txn->db, &rows, "SELECT " COLUMNS " FROM app WHERE id = ?", "b", id, (size_t)CF_ID_SIZE);

    return error == CF_OK ? read_one(txn, rows, app) : error;
}

enum cf_error cf_app_each(struct cf_txn *txn, enum cf_place place, int64_t after, cf_app_visit *each,
                          cf_app_tampered *tampered, void *arg)
{
    struct cf_rows *rows;
    struct cf_app app;
    bool more = true;
    enum cf_error error =
        cf_sql_query(txn->db, &rows, "SELECT " COLUMNS " FROM app WHERE serial > ? AND place = ? ORDER BY serial",
                     "ii", after, (int64_t)place);

    while (error == CF_OK && more) {
        error = cf_sql_next(rows, &more);
        if (error != CF_OK || !more)
            break;
        if (read_app(txn, rows, &app) == CF_OK)
            more = each(arg, &app);
        else if (tampered != NULL)
            tampered(arg, app.serial);
    }
    cf_sql_done(rows);
    return error;
}

enum cf_error cf_app_names(struct cf_txn *txn, enum cf_place place, int64_t after, cf_app_name_visit *each,
                           void *arg)
{
    struct cf_rows *rows;
    bool more = true;
    enum cf_error error =
        cf_sql_query(txn->db, &rows, "SELECT serial, name FROM app WHERE serial > ? AND place = ? ORDER BY serial",
                     "ii", after, (int64_t)place);

    while (error == CF_OK && more) {
        error = cf_sql_next(rows, &more);
        if (error == CF_OK && more)
            more = each(arg, cf_sql_int(rows, 0), cf_sql_text(rows, 1));
    }
    cf_sql_done(rows);
    return error;
}

enum cf_error cf_app_count(struct cf_txn *txn, enum cf_place place, int64_t *count)
{
    struct cf_rows *rows;
    bool row;
    enum cf_error error =
        cf_sql_query(txn->db, &rows, "SELECT count(*) FROM app WHERE place = ?", "i", (int64_t)place);

    if (error == CF_OK)
        error = cf_sql_next(rows, &row);
    if (error == CF_OK)
        *count = cf_sql_int(rows, 0);
    cf_sql_done(rows);
    return error;
}

/* before: the MAC of the row that was counted, or NULL when none was. */
static enum cf_error write_app(struct cf_txn *txn, const struct cf_app *app, const uint8_t *before)
{
    uint8_t mac[CF_MAC_SIZE];
    enum cf_error error;

    app_mac(txn, app, mac);
    error = cf_sql_run(
        txn->db,
        "UPDATE app SET id = ?, place = ?, name = ?, disabled = ?, created = ?, created_by = ?, updated = ?, "
        "updated_by = ?, trashed = ?, generation = ?, version = ?, expires = ?, lives = ?, apis_sum = ?, "
        "grants_sum = ?, notes_sum = ?, mac = ? WHERE serial = ?",
        "bitiiiiiiiiiibbbbi", app->id, (size_t)CF_ID_SIZE, (int64_t)app->place, app->name, (int64_t)app->disabled,
        app->created, (int64_t)app->created_by, app->updated, (int64_t)app->updated_by, app->trashed,
        app->generation, app->version, app->expires, app->lives, app->apis_sum, (size_t)CF_MAC_SIZE,
        app->grants_sum, (size_t)CF_MAC_SIZE, app->notes_sum, (size_t)CF_MAC_SIZE, mac, sizeof mac, app->serial);
    return error == CF_OK ? cf_witness_app(txn, before, mac) : error;
}

enum cf_error cf_app_insert(struct cf_txn *txn, struct cf_app *app)
{
    cf_random(app->id, CF_ID_SIZE);
    return cf_app_put(txn, app);
}

enum cf_error cf_app_put(struct cf_txn *txn, struct cf_app *app)
{
    static const uint8_t unset[CF_MAC_SIZE];
    enum cf_error error;

    /* The MAC covers the serial, which the row gets first. */
    error = cf_sql_run(txn->db,
                       "INSERT INTO app (id, place, name, disabled, created, created_by, updated, updated_by, "
                       "trashed, generation, version, expires, lives, apis_sum, grants_sum, notes_sum, mac) "
                       "VALUES (?, ?, ?, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ?, ?, ?, ?)",
                       "bitbbbb", app->id, (size_t)CF_ID_SIZE, (int64_t)app->place, app->name, unset, sizeof unset,
                       unset, sizeof unset, unset, sizeof unset, unset, sizeof unset);
    if (error != CF_OK)
        return error;
    app->serial = cf_sql_last_id(txn->db);
    error = cf_notes_seal(txn, app);
    return error == CF_OK ? write_app(txn, app, NULL) : error;
}

/* The MAC of the row as it is. */
static enum cf_error stored_mac(struct cf_txn *txn, int64_t serial, uint8_t mac[static CF_MAC_SIZE])
{
    struct cf_rows *rows;
    bool row = false;
    enum cf_error error = cf_sql_query(txn->db, &rows, "SELECT mac FROM app WHERE serial = ?", "i", serial);

    if (error == CF_OK)
        error = cf_sql_next(rows, &row);
    if (error == CF_OK && !(row && copy_blob(rows, 0, mac, CF_MAC_SIZE)))
        error = CF_ETAMPER;
    cf_sql_done(rows);
    return error;
}

enum cf_error cf_app_update(struct cf_txn *txn, const struct cf_app *app)
{
    uint8_t before[CF_MAC_SIZE];
    enum cf_error error = stored_mac(txn, app->serial, before);

    return error == CF_OK ? write_app(txn, app, before) : error;
}

enum cf_error cf_app_delete(struct cf_txn *txn, const struct cf_app *app)
{
    uint8_t before[CF_MAC_SIZE];
    enum cf_error error = stored_mac(txn, app->serial, before);

    if (error == CF_OK)
        error = cf_sql_run(txn->db, "DELETE FROM entitlement WHERE scope = 0 AND owner = ?", "i", app->serial);
    if (error == CF_OK)
        error = cf_sql_run(txn->db, "DELETE FROM app WHERE serial = ?", "i", app->serial);
    return error == CF_OK ? cf_witness_app(txn, before, NULL) : error;
}

enum cf_error cf_app_clear(struct cf_txn *txn, struct cf_app *app)
{
    static const char *const statements[] = {
        "DELETE FROM version WHERE app = ?",    "DELETE FROM reader WHERE app = ?",
        "DELETE FROM revealed WHERE app = ?",   "DELETE FROM leave WHERE app = ?",
        "DELETE FROM assignment WHERE app = ?", "DELETE FROM note WHERE app = ?"};
    enum cf_error error = CF_OK;

    for (size_t i = 0; error == CF_OK && i < sizeof statements / sizeof *statements; i++)
        error = cf_sql_run(txn->db, statements[i], "i", app->serial);
    return error == CF_OK ? cf_notes_seal(txn, app) : error;
}

/* The one before the sum over the notes was a part of it. */
static bool had_mac(const struct cf_txn *txn, const struct cf_app *app, const uint8_t mac[static CF_MAC_SIZE])
{
    struct cf_mac state;
    uint8_t computed[CF_MAC_SIZE];

    mac_begin(&state, txn, app);
    cf_mac_end(&state, computed);
    return cf_equal(mac, computed, CF_MAC_SIZE);
}

enum cf_error cf_app_seal_notes(struct cf_txn *txn)
{
    struct cf_rows *rows;
    struct cf_app app;
    uint8_t mac[CF_MAC_SIZE];
    bool row;
    enum cf_error error = cf_sql_query(txn->db, &rows, "SELECT " COLUMNS " FROM app ORDER BY serial", "");

    while (error == CF_OK) {
        error = cf_sql_next(rows, &row);
        if (error != CF_OK || !row)
            break;
        if (!read_columns(rows, &app, mac) || !had_mac(txn, &app, mac))
            continue;
        error = cf_notes_seal(txn, &app);
        if (error == CF_OK)
            error = write_app(txn, &app, NULL);
    }
    cf_sql_done(rows);
    return error;
}
