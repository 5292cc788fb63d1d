#include "news.h"

/* ?1: the serial to go on behind; ?2 and ?3: from and to. */
static const char *const searches[] = {
    [CF_NEWS_DEADLINES] =
        "SELECT serial FROM ("
        "  SELECT serial FROM version INDEXED BY version_replaced CROSS JOIN app ON app.serial = version.app"
        "  WHERE deadline <> 0 AND deadline > ?2 AND deadline <= ?3 AND revoked = 0 AND place = 0"
        "  AND updated < deadline"
        "  UNION"
        "  SELECT serial FROM app INDEXED BY app_of_expiry"
        "  WHERE place = 0 AND expires <> 0 AND expires > ?2 AND expires <= ?3 AND updated < expires"
        ") WHERE serial > ?1 ORDER BY serial LIMIT 1",
    [CF_NEWS_CHANGED] =
        "SELECT serial FROM app WHERE serial > ?1 AND updated BETWEEN ?2 AND ?3 ORDER BY serial LIMIT 1",
    [CF_NEWS_READ] = "SELECT app FROM revealed WHERE app > ?1 AND ?2 <= ?3 ORDER BY app LIMIT 1",
    [CF_NEWS_ALL] = "SELECT serial FROM app WHERE serial > ?1 AND ?2 <= ?3 ORDER BY serial LIMIT 1",
};

/* The number in the only row of a query; CF_ENOENT where there is none. */
static enum cf_error only_int(struct cf_rows *rows, int64_t *number)
{
    bool row = false;
    enum cf_error error = cf_sql_next(rows, &row);

    if (error == CF_OK && !row)
        return CF_ENOENT;
    if (error == CF_OK)
        *number = cf_sql_int(rows, 0);
    return error;
}

enum cf_error cf_news_next(struct cf_txn *txn, enum cf_news_search search, int64_t after, int64_t from, int64_t to,
                           int64_t *serial)
{
    struct cf_rows *rows;
    enum cf_error error = cf_sql_query(txn->db, &rows, searches[search], "iii", after, from, to);

    if (error == CF_OK)
        error = only_int(rows, serial);
    cf_sql_done(rows);
    return error;
}

enum cf_error cf_news_agreed(struct cf_txn *txn, int64_t serial, int64_t propagation, int64_t now, int64_t *time)
{
    struct cf_rows *rows;
    int64_t since = 0;
    enum cf_error error = cf_sql_query(
        txn->db, &rows, "SELECT since FROM assignment WHERE app = ? AND since > ? ORDER BY since LIMIT 1", "ii",
        serial, now - propagation);

    if (error == CF_OK)
        error = only_int(rows, &since);
    cf_sql_done(rows);
    if (error == CF_OK || error == CF_ENOENT) {
        *time = error == CF_OK ? since + propagation : 0;
        error = CF_OK;
    }
    return error;
}
