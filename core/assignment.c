#include "assignment.h"

#include "clock.h"

#include <stdlib.h>
#include <string.h>

static void row_mac(const struct cf_txn *txn, const struct cf_app *app, const struct cf_assignment *one,
                    uint8_t mac[static CF_MAC_SIZE])
{
    struct cf_mac state;

    cf_mac_begin(&state, txn->keys, CF_MAC_ROW, "assignment");
    cf_mac_bytes(&state, app->id, CF_ID_SIZE);
    cf_mac_text(&state, one->slug);
    cf_mac_int(&state, one->since);
    cf_mac_int(&state, one->by);
    cf_mac_end(&state, mac);
}

static void sum_begin(struct cf_mac *sum, const struct cf_txn *txn, const struct cf_app *app)
{
    cf_mac_begin(sum, txn->keys, CF_MAC_ROW, "assignments");
    cf_mac_bytes(sum, app->id, CF_ID_SIZE);
}

static enum cf_error read_row(const struct cf_txn *txn, const struct cf_app *app, struct cf_rows *rows,
                              struct cf_assignment *one, struct cf_mac *sum)
{
    const char *slug = cf_sql_text(rows, 0);
    uint8_t computed[CF_MAC_SIZE];
    size_t len;
    const void *stored = cf_sql_blob(rows, 3, &len);

    if (len != CF_MAC_SIZE || strlen(slug) > CF_SLUG_MAX)
        return CF_ETAMPER;
    memcpy(one->slug, slug, strlen(slug) + 1);
    one->since = cf_sql_int(rows, 1);
    one->by = (uint32_t)cf_sql_int(rows, 2);
    row_mac(txn, app, one, computed);
    cf_mac_bytes(sum, computed, CF_MAC_SIZE);
    return cf_equal(stored, computed, CF_MAC_SIZE) ? CF_OK : CF_ETAMPER;
}

static enum cf_error append(struct cf_assignments *list, size_t *room, const struct cf_assignment *one)
{
    if (list->count == *room) {
        size_t more = *room == 0 ? 8 : *room * 2;
        struct cf_assignment *at = realloc(list->at, more * sizeof *at);
        if (at == NULL)
            return CF_ENOMEM;
        list->at = at;
        *room = more;
    }
    list->at[list->count++] = *one;
    return CF_OK;
}

/* All rows of an App in the order of slugs, each verified, and the sum that they make. */
static enum cf_error load(struct cf_txn *txn, const struct cf_app *app, struct cf_assignments *list,
                          uint8_t sum[static CF_MAC_SIZE])
{
    struct cf_assignment one;
    struct cf_rows *rows;
    struct cf_mac state;
    size_t room = 0;
    bool row = true;
    enum cf_error error =
        cf_sql_query(txn->db, &rows, "SELECT slug, since, by_user, mac FROM assignment WHERE app = ? ORDER BY slug",
                     "i", app->serial);

    *list = (struct cf_assignments){0};
    sum_begin(&state, txn, app);
    while (error == CF_OK) {
        error = cf_sql_next(rows, &row);
        if (error != CF_OK || !row)
            break;
        error = read_row(txn, app, rows, &one, &state);
        if (error == CF_OK)
            error = append(list, &room, &one);
    }
    cf_sql_done(rows);
    cf_mac_end(&state, sum);
    if (error != CF_OK)
        cf_assignments_release(list);
    return error;
}

struct place {
    size_t order;
    struct cf_assignment one;
};

static int by_order(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return strcmp(x->one.slug, y->one.slug);
}

static enum cf_error sort(struct cf_assignments *list, const struct cf_catalogue *catalogue)
{
    struct place *places = calloc(list->count, sizeof *places);

    if (places == NULL)
        return CF_ENOMEM;
    for (size_t i = 0; i < list->count; i++) {
        const struct cf_api *api = cf_catalogue_find(catalogue, list->at[i].slug);
        places[i] = (struct place){.order = api != NULL ? api->order : SIZE_MAX, .one = list->at[i]};
    }
    qsort(places, list->count, sizeof *places, by_order);
    for (size_t i = 0; i < list->count; i++)
        list->at[i] = places[i].one;
    free(places);
    return CF_OK;
}

enum cf_error cf_assignments_load(struct cf_txn *txn, const struct cf_app *app,
                                  const struct cf_catalogue *catalogue, struct cf_assignments *list)
{
    uint8_t sum[CF_MAC_SIZE];
    enum cf_error error = load(txn, app, list, sum);

    if (error == CF_OK && !cf_equal(sum, app->apis_sum, CF_MAC_SIZE))
        error = CF_ETAMPER;
    if (error == CF_OK && list->count > 1)
        error = sort(list, catalogue);
    if (error != CF_OK)
        cf_assignments_release(list);
    return error;
}

void cf_assignments_release(struct cf_assignments *list)
{
    free(list->at);
    *list = (struct cf_assignments){0};
}

bool cf_assignments_have(const struct cf_assignments *list, const char *slug)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i].slug, slug) == 0)
            return true;
    return false;
}

bool cf_assignments_want(const struct cf_assignments *list, const struct cf_catalogue *catalogue,
                         enum cf_field field)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct cf_api *api = cf_catalogue_find(catalogue, list->at[i].slug);
        const char *cursor = api != NULL ? api->fields : "", *end = cursor + strlen(cursor), *word;
        size_t len;
        while ((word = cf_word_next(&cursor, end, &len)) != NULL)
            if (cf_field_find(word, len) == field)
                return true;
    }
    return false;
}

enum cf_error cf_assignment_add(struct cf_txn *txn, const struct cf_app *app, const char *slug, uint32_t by)
{
    struct cf_assignment one = {.since = cf_now(), .by = by};

    if (strlen(slug) > CF_SLUG_MAX)
        return CF_ESLUG;
    memcpy(one.slug, slug, strlen(slug) + 1);
    return cf_assignment_put(txn, app, &one);
}

enum cf_error cf_assignment_put(struct cf_txn *txn, const struct cf_app *app, const struct cf_assignment *one)
{
    uint8_t mac[CF_MAC_SIZE];

    row_mac(txn, app, one, mac);
    return cf_sql_run(txn->db, "INSERT INTO assignment (app, slug, since, by_user, mac) VALUES (?, ?, ?, ?, ?)",
                      "itiib", app->serial, one->slug, one->since, (int64_t)one->by, mac, sizeof mac);
}

enum cf_error cf_assignment_remove(struct cf_txn *txn, const struct cf_app *app, const char *slug)
{
    return cf_sql_run(txn->db, "DELETE FROM assignment WHERE app = ? AND slug = ?", "it", app->serial, slug);
}

enum cf_error cf_assignments_seal(struct cf_txn *txn, struct cf_app *app)
{
    struct cf_assignments list;
    enum cf_error error = load(txn, app, &list, app->apis_sum);

    cf_assignments_release(&list);
    return error;
}

enum cf_error cf_assignment_apps(struct cf_txn *txn, const char *slug, cf_app_visit *each, void *arg)
{
    struct cf_rows *rows;
    struct cf_app app;
    bool more = true;
    enum cf_error error =
        cf_sql_query(txn->db, &rows, "SELECT app FROM assignment WHERE slug = ? ORDER BY app", "t", slug);

    while (error == CF_OK && more) {
        error = cf_sql_next(rows, &more);
        if (error != CF_OK || !more)
            break;
        error = cf_app_by_serial(txn, cf_sql_int(rows, 0), &app);
        if (error == CF_OK && app.place == CF_IN_APPS)
            more = each(arg, &app);
    }
    cf_sql_done(rows);
    return error;
}
