#include "witness.h"

#include <string.h>

static void row_mac(const struct cf_txn *txn, const struct cf_tip *tip, uint8_t mac[static CF_MAC_SIZE])
{
    struct cf_mac state;

    cf_mac_begin(&state, txn->keys, CF_MAC_ROW, "witness");
    cf_mac_int(&state, tip->seq);
    cf_mac_int(&state, tip->length);
    cf_mac_bytes(&state, tip->mac, CF_MAC_SIZE);
    cf_mac_end(&state, mac);
}

enum cf_error cf_witness_write(struct cf_txn *txn, const struct cf_tip *tip)
{
    uint8_t mac[CF_MAC_SIZE];

    row_mac(txn, tip, mac);
    return cf_sql_run(txn->db,
                      "INSERT OR REPLACE INTO witness (one, seq, length, link, mac) VALUES (1, ?, ?, ?, ?)", "iibb",
                      tip->seq, tip->length, tip->mac, sizeof tip->mac, mac, sizeof mac);
}

static enum cf_error take_row(const struct cf_txn *txn, struct cf_rows *rows, struct cf_tip *tip)
{
    uint8_t computed[CF_MAC_SIZE];
    size_t link_len, mac_len;
    const void *link = cf_sql_blob(rows, 2, &link_len), *mac = cf_sql_blob(rows, 3, &mac_len);
    struct cf_tip found = {.seq = cf_sql_int(rows, 0), .length = cf_sql_int(rows, 1)};

    if (link_len != CF_MAC_SIZE || mac_len != CF_MAC_SIZE)
        return CF_ETAMPER;
    memcpy(found.mac, link, CF_MAC_SIZE);
    row_mac(txn, &found, computed);
    if (!cf_equal(mac, computed, CF_MAC_SIZE))
        return CF_ETAMPER;
    *tip = found;
    return CF_OK;
}

enum cf_error cf_witness_read(struct cf_store *store, struct cf_tip *tip)
{
    struct cf_rows *rows = NULL;
    struct cf_txn txn;
    bool row = false;
    enum cf_error error = cf_txn_read(store, &txn);

    *tip = (struct cf_tip){0};
    if (error == CF_OK)
        error = cf_sql_query(txn.db, &rows, "SELECT seq, length, link, mac FROM witness", "");
    if (error == CF_OK)
        error = cf_sql_next(rows, &row);
    if (error == CF_OK)
        error = row ? take_row(&txn, rows, tip) : CF_ETAMPER;
    cf_sql_done(rows);
    cf_txn_end(&txn);
    return error;
}

/* The database is asked first: what it knows of is in the log by then. */
enum cf_error cf_witness_verify(struct cf_store *store, cf_audit_finding *finding, void *arg, int64_t *records)
{
    struct cf_tip known;
    const enum cf_error witnessed = cf_witness_read(store, &known);
    enum cf_error error;

    *records = 0;
    if (witnessed != CF_OK && witnessed != CF_ETAMPER)
        return witnessed;
    if (witnessed == CF_ETAMPER)
        finding(arg, 0, CF_WITNESS_BAD);
    error = cf_audit_verify(cf_store_dir(store), cf_store_keys(store), &known, finding, arg, records);
    return error == CF_OK ? witnessed : error;
}
