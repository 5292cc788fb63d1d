#include "api.h"

#include <string.h>

static void api_mac(const struct cf_txn *txn, const struct cf_api_row *api, uint8_t mac[static CF_MAC_SIZE])
{
    struct cf_mac state;

    cf_mac_begin(&state, txn->keys, CF_MAC_ROW, "api");
    cf_mac_int(&state, api->serial);
    cf_mac_text(&state, api->slug);
    cf_mac_bytes(&state, api->assignees_sum, CF_MAC_SIZE);
    cf_mac_end(&state, mac);
}

static enum cf_error read_api(struct cf_txn *txn, struct cf_rows *rows, struct cf_api_row *api)
{
    size_t sum_len, mac_len;
    const void *sum = cf_sql_blob(rows, 2, &sum_len);
    const void *mac = cf_sql_blob(rows, 3, &mac_len);
    const char *slug = cf_sql_text(rows, 1);
    uint8_t computed[CF_MAC_SIZE];

    if (sum_len != CF_MAC_SIZE || mac_len != CF_MAC_SIZE || strlen(slug) > CF_SLUG_MAX)
        return CF_ETAMPER;
    api->serial = cf_sql_int(rows, 0);
    memcpy(api->slug, slug, strlen(slug) + 1);
    memcpy(api->assignees_sum, sum, CF_MAC_SIZE);
    api_mac(txn, api, computed);
    return cf_equal(mac, computed, CF_MAC_SIZE) ? CF_OK : CF_ETAMPER;
}

static enum cf_error read_one(struct cf_txn *txn, struct cf_rows *rows, struct cf_api_row *api)
{
    bool row;
    enum cf_error error = cf_sql_next(rows, &row);

    if (error == CF_OK)
        error = row ? read_api(txn, rows, api) : CF_ENOENT;
    cf_sql_done(rows);
    return error;
}

enum cf_error cf_api_by_slug(struct cf_txn *txn, const char *slug, struct cf_api_row *api)
{
    struct cf_rows *rows;
    enum cf_error error =
        cf_sql_query(txn->db, &rows, "SELECT serial, slug, assignees_sum, mac FROM api WHERE slug = ?", "t", slug);

    return error == CF_OK ? read_one(txn, rows, api) : error;
}

enum cf_error cf_api_by_serial(struct cf_txn *txn, int64_t serial, struct cf_api_row *api)
{
    struct cf_rows *rows;
    enum cf_error error = cf_sql_query(
        txn->db, &rows, "SELECT serial, slug, assignees_sum, mac FROM api WHERE serial = ?", "i", serial);

    return error == CF_OK ? read_one(txn, rows, api) : error;
}

enum cf_error cf_api_each(struct cf_txn *txn, cf_api_visit *each, void *arg)
{
    struct cf_rows *rows;
    struct cf_api_row api;
    bool more = true;
    enum cf_error error =
        cf_sql_query(txn->db, &rows, "SELECT serial, slug, assignees_sum, mac FROM api ORDER BY slug", "");

    while (error == CF_OK && more) {
        error = cf_sql_next(rows, &more);
        if (error == CF_OK && more)
            error = read_api(txn, rows, &api);
        if (error == CF_OK && more)
            more = each(arg, &api);
    }
    cf_sql_done(rows);
    return error;
}

enum cf_error cf_api_update(struct cf_txn *txn, const struct cf_api_row *api)
{
    uint8_t mac[CF_MAC_SIZE];

    api_mac(txn, api, mac);
    return cf_sql_run(txn->db, "UPDATE api SET assignees_sum = ?, mac = ? WHERE serial = ?", "bbi",
                      api->assignees_sum, (size_t)CF_MAC_SIZE, mac, sizeof mac, api->serial);
}

enum cf_error cf_api_insert(struct cf_txn *txn, const char *slug, struct cf_api_row *api)
{
    static const uint8_t unset[CF_MAC_SIZE];
    enum cf_error error;

    if (strlen(slug) > CF_SLUG_MAX)
        return CF_ESLUG;
    error = cf_sql_run(txn->db, "INSERT INTO api (slug, assignees_sum, mac) VALUES (?, ?, ?)", "tbb", slug, unset,
                       sizeof unset, unset, sizeof unset);
    if (error != CF_OK)
        return error;
    *api = (struct cf_api_row){.serial = cf_sql_last_id(txn->db)};
    memcpy(api->slug, slug, strlen(slug) + 1);
    return CF_OK;
}
