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

/* The NAME of "label.NAME", or NULL. */
static const char *label_of(const char *name)
{
    return strncmp(name, "label.", 6) == 0 ? name + 6 : NULL;
}

static bool is_label_name(const char *name)
{
    const size_t len = strlen(name);

    return len > 0 && len <= CF_LABEL_NAME_MAX &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

enum cf_error cf_note_check(const char *name, const char *value)
{
    const char *label = label_of(name);
    const size_t most = label != NULL ? CF_LABEL_VALUE_MAX : CF_DESCRIPTION_MAX;

    if (label != NULL ? !is_label_name(label) : strcmp(name, "description") != 0)
        return CF_EVALUE;
    return cf_line_valid(value, strlen(value), most) ? CF_OK : CF_EVALUE;
}

static enum cf_error count_label(void *arg, const char *name, const char *value)
{
    int *count = arg;

    (void)value;
    *count += label_of(name) != NULL;
    return CF_OK;
}

enum cf_error cf_note_set(struct cf_txn *txn, struct cf_app *app, const char *name, const char *value)
{
    int labels = 0;
    enum cf_error error = cf_note_check(name, value);

    if (error == CF_OK)
        error = verify(txn, app);
    if (error == CF_OK)
        error = write_row(txn, app, name, value);
    if (error == CF_OK && *value != '\0' && label_of(name) != NULL)
        error = visit_rows(txn, app, count_label, &labels);
    if (error == CF_OK && labels > CF_LABELS_MAX)
        return CF_EVALUE;
    return error == CF_OK ? cf_notes_seal(txn, app) : error;
}
