#include "note.h"

#include <string.h>

static enum cf_error visit_rows(struct cf_txn *txn, const struct cf_app *app,
                                enum cf_error (*visit)(void *arg, const char *name, const char *value), void *arg)
{
    struct cf_rows *rows;
    bool row = true;
    enum cf_error error =
        cf_sql_query(txn->db, &rows, "SELECT name, value FROM note WHERE app = ? ORDER BY name", "i", app->serial);

    while (error == CF_OK && row) {
        error = cf_sql_next(rows, &row);
        if (error == CF_OK && row)
            error = visit(arg, cf_sql_text(rows, 0), cf_sql_text(rows, 1));
    }
    cf_sql_done(rows);
    return error;
}

static enum cf_error add_to_sum(void *arg, const char *name, const char *value)
{
    cf_mac_text(arg, name);
    cf_mac_text(arg, value);
    return CF_OK;
}

static enum cf_error sum_of(struct cf_txn *txn, const struct cf_app *app, uint8_t sum[static CF_MAC_SIZE])
{
    struct cf_mac state;
    enum cf_error error;

    cf_mac_begin(&state, txn->keys, CF_MAC_ROW, "notes");
    cf_mac_bytes(&state, app->id, CF_ID_SIZE);
    error = visit_rows(txn, app, add_to_sum, &state);
    cf_mac_end(&state, sum);
    return error;
}

enum cf_error cf_notes_seal(struct cf_txn *txn, struct cf_app *app)
{
    return sum_of(txn, app, app->notes_sum);
}

static enum cf_error verify(struct cf_txn *txn, const struct cf_app *app)
{
    uint8_t sum[CF_MAC_SIZE];
    enum cf_error error = sum_of(txn, app, sum);

    return error == CF_OK && !cf_equal(sum, app->notes_sum, CF_MAC_SIZE) ? CF_ETAMPER : error;
}

struct listener {
    cf_note_visit *each;
    void *arg;
};

/* What was sealed as it was found, by a migration, may be no line. */
static bool is_line(const char *text)
{
    return cf_line_valid(text, strlen(text), SIZE_MAX);
}

static enum cf_error pass_on(void *arg, const char *name, const char *value)
{
    const struct listener *listener = arg;

    if (!is_line(name) || !is_line(value))
        return CF_ETAMPER;
    if (listener->each != NULL)
        listener->each(listener->arg, name, value);
    return CF_OK;
}

enum cf_error cf_note_each(struct cf_txn *txn, const struct cf_app *app, cf_note_visit *each, void *arg)
{
    struct listener listener = {each, arg};
    enum cf_error error = verify(txn, app);

    return error == CF_OK ? visit_rows(txn, app, pass_on, &listener) : error;
}

static enum cf_error write_row(struct cf_txn *txn, const struct cf_app *app, const char *name, const char *value)
{
    if (*value == '\0')
        return cf_sql_run(txn->db, "DELETE FROM note WHERE app = ? AND name = ?", "it", app->serial, name);
    return cf_sql_run(txn->db, "INSERT OR REPLACE INTO note (app, name, value) VALUES (?, ?, ?)", "itt",
                      app->serial, name, value);
}

enum cf_error cf_note_set(struct cf_txn *txn, struct cf_app *app, const char *name, const char *value)
{
    enum cf_error error = verify(txn, app);

    if (error == CF_OK)
        error = write_row(txn, app, name, value);
    return error == CF_OK ? cf_notes_seal(txn, app) : error;
}
