#include "leave.h"

#include <stdio.h>
#include <string.h>

static void leave_mac(const struct cf_txn *txn, const struct cf_app *app, const struct cf_leave *leave,
                      uint8_t mac[static CF_MAC_SIZE])
{
    struct cf_mac state;

    cf_mac_begin(&state, txn->keys, CF_MAC_ROW, "leave");
    cf_mac_bytes(&state, app->id, CF_ID_SIZE);
    cf_mac_int(&state, leave->uid);
    cf_mac_text(&state, leave->session);
    cf_mac_int(&state, leave->until);
    cf_mac_end(&state, mac);
}

enum cf_error cf_leave_give(struct cf_txn *txn, const struct cf_app *app, const struct cf_leave *leave)
{
    uint8_t mac[CF_MAC_SIZE];

    leave_mac(txn, app, leave, mac);
    return cf_sql_run(txn->db,
                      "INSERT OR REPLACE INTO leave (app, uid, session, until, mac) VALUES (?, ?, ?, ?, ?)",
                      "iitib", app->serial, (int64_t)leave->uid, leave->session, leave->until, mac, sizeof mac);
}

/* Columns: uid, session, until, mac. */
static enum cf_error read_leave(struct cf_txn *txn, const struct cf_app *app, struct cf_rows *rows,
                                struct cf_leave *leave)
{
    const int64_t uid = cf_sql_int(rows, 0);
    const char *session = cf_sql_text(rows, 1);
    uint8_t computed[CF_MAC_SIZE];
    size_t len;
    const void *stored = cf_sql_blob(rows, 3, &len);

    if (uid < 0 || uid > UINT32_MAX || strlen(session) >= sizeof leave->session || len != CF_MAC_SIZE)
        return CF_ETAMPER;
    leave->uid = (uint32_t)uid;
    snprintf(leave->session, sizeof leave->session, "%s", session);
    leave->until = cf_sql_int(rows, 2);
    leave_mac(txn, app, leave, computed);
    return cf_equal(stored, computed, CF_MAC_SIZE) ? CF_OK : CF_ETAMPER;
}

enum cf_error cf_leave_find(struct cf_txn *txn, const struct cf_app *app, uint32_t uid, const char *session,
                            int64_t *until)
{
    struct cf_leave leave = {0};
    struct cf_rows *rows;
    bool row = false;
    enum cf_error error = cf_sql_query(
        txn->db, &rows, "SELECT uid, session, until, mac FROM leave WHERE app = ? AND uid = ? AND session = ?",
        "iit", app->serial, (int64_t)uid, session);

    if (error == CF_OK)
        error = cf_sql_next(rows, &row);
    if (error == CF_OK && row)
        error = read_leave(txn, app, rows, &leave);
    cf_sql_done(rows);
    *until = error == CF_OK ? leave.until : 0;
    return error;
}

enum cf_error cf_leave_forget(struct cf_txn *txn, const struct cf_app *app, const struct cf_leave *leave)
{
    return cf_sql_run(txn->db, "DELETE FROM leave WHERE app = ? AND uid = ? AND session = ?", "iit", app->serial,
                      (int64_t)leave->uid, leave->session);
}

enum cf_error cf_leave_ended(struct cf_txn *txn, int64_t now, struct cf_app *app, struct cf_leave *leave,
                             bool *found)
{
    struct cf_rows *rows;
    bool row = true;
    enum cf_error error =
        cf_sql_query(txn->db, &rows,
                     "SELECT uid, session, until, mac, app FROM leave WHERE until <= ? ORDER BY until", "i", now);

    *found = false;
    while (error == CF_OK && row && !*found) {
        error = cf_sql_next(rows, &row);
        if (error == CF_OK && row)
            *found = cf_app_by_serial(txn, cf_sql_int(rows, 4), app) == CF_OK &&
                     read_leave(txn, app, rows, leave) == CF_OK;
    }
    cf_sql_done(rows);
    return error;
}

enum cf_error cf_leaves_verify(struct cf_txn *txn, const struct cf_app *app)
{
    struct cf_leave leave;
    struct cf_rows *rows;
    bool row = true;
    enum cf_error error =
        cf_sql_query(txn->db, &rows, "SELECT uid, session, until, mac FROM leave WHERE app = ?", "i", app->serial);

    while (error == CF_OK && row) {
        error = cf_sql_next(rows, &row);
        if (error == CF_OK && row)
            error = read_leave(txn, app, rows, &leave);
    }
    cf_sql_done(rows);
    return error;
}
