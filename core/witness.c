#include "witness.h"

#include <string.h>

/* --- the sum --- */

static void number_of(const struct cf_keys *keys, const uint8_t mac[static CF_MAC_SIZE],
                      uint8_t number[static CF_MAC_SIZE])
{
    struct cf_mac state;

    cf_mac_begin(&state, keys, CF_MAC_ROW, "app in sum");
    cf_mac_bytes(&state, mac, CF_MAC_SIZE);
    cf_mac_end(&state, number);
}

void cf_tally_add(struct cf_tally *tally, const struct cf_keys *keys, const uint8_t mac[static CF_MAC_SIZE])
{
    uint8_t number[CF_MAC_SIZE];
    unsigned carry = 0;

    number_of(keys, mac, number);
    for (size_t i = 0; i < CF_MAC_SIZE; i++) {
        carry += (unsigned)tally->sum[i] + number[i];
        tally->sum[i] = (uint8_t)carry;
        carry >>= 8;
    }
    tally->apps++;
}

static void take_out(struct cf_tally *tally, const struct cf_keys *keys, const uint8_t mac[static CF_MAC_SIZE])
{
    uint8_t number[CF_MAC_SIZE];
    unsigned borrow = 0;

    number_of(keys, mac, number);
    for (size_t i = 0; i < CF_MAC_SIZE; i++) {
        const unsigned less = number[i] + borrow;
        borrow = tally->sum[i] < less;
        tally->sum[i] = (uint8_t)(tally->sum[i] - less);
    }
    tally->apps--;
}

/* --- the row --- */

static void row_mac(const struct cf_txn *txn, const struct cf_witness *witness, uint8_t mac[static CF_MAC_SIZE])
{
    struct cf_mac state;

    cf_mac_begin(&state, txn->keys, CF_MAC_ROW, "witness");
    cf_mac_int(&state, witness->tip.seq);
    cf_mac_int(&state, witness->tip.length);
    cf_mac_bytes(&state, witness->tip.mac, CF_MAC_SIZE);
    cf_mac_int(&state, witness->is_lost);
    cf_mac_int(&state, witness->changes);
    cf_mac_int(&state, witness->tally.apps);
    cf_mac_bytes(&state, witness->tally.sum, CF_MAC_SIZE);
    cf_mac_end(&state, mac);
}

static enum cf_error write_row(struct cf_txn *txn, const struct cf_witness *witness)
{
    uint8_t mac[CF_MAC_SIZE];

    row_mac(txn, witness, mac);
    return cf_sql_run(txn->db,
                      "INSERT OR REPLACE INTO witness (one, seq, length, link, lost, changes, apps, apps_sum, mac) "
                      "VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)",
                      "iibiiibb", witness->tip.seq, witness->tip.length, witness->tip.mac, sizeof witness->tip.mac,
                      (int64_t)witness->is_lost, witness->changes, witness->tally.apps, witness->tally.sum,
                      sizeof witness->tally.sum, mac, sizeof mac);
}

static bool take_row(const struct cf_txn *txn, struct cf_rows *rows, struct cf_witness *witness)
{
    uint8_t computed[CF_MAC_SIZE];
    size_t link_len, sum_len, mac_len;
    const void *link = cf_sql_blob(rows, 2, &link_len), *sum = cf_sql_blob(rows, 6, &sum_len);
    const void *mac = cf_sql_blob(rows, 7, &mac_len);

    if (link_len != CF_MAC_SIZE || sum_len != CF_MAC_SIZE || mac_len != CF_MAC_SIZE)
        return false;
    *witness = (struct cf_witness){.tip = {.seq = cf_sql_int(rows, 0), .length = cf_sql_int(rows, 1)},
                                   .is_lost = cf_sql_int(rows, 3) != 0,
                                   .changes = cf_sql_int(rows, 4),
                                   .tally = {.apps = cf_sql_int(rows, 5)}};
    memcpy(witness->tip.mac, link, CF_MAC_SIZE);
    memcpy(witness->tally.sum, sum, CF_MAC_SIZE);
    row_mac(txn, witness, computed);
    return cf_equal(mac, computed, CF_MAC_SIZE);
}

enum cf_error cf_witness_read(struct cf_txn *txn, struct cf_witness *witness)
{
    struct cf_rows *rows;
    bool row = false;
    enum cf_error error = cf_sql_query(
        txn->db, &rows, "SELECT seq, length, link, lost, changes, apps, apps_sum, mac FROM witness", "");

    if (error == CF_OK)
        error = cf_sql_next(rows, &row);
    if (error == CF_OK && !(row && take_row(txn, rows, witness)))
        error = CF_ETAMPER;
    cf_sql_done(rows);
    if (error != CF_OK)
        *witness = (struct cf_witness){.is_lost = true};
    return error;
}

enum cf_error cf_witness_make(struct cf_txn *txn)
{
    return write_row(txn, &(struct cf_witness){0});
}

enum cf_error cf_witness_log(struct cf_txn *txn, const struct cf_tip *tip)
{
    struct cf_witness witness;
    enum cf_error error = cf_witness_read(txn, &witness);

    witness.tip = *tip;
    return error == CF_OK || error == CF_ETAMPER ? write_row(txn, &witness) : error;
}

/* A row that does not verify stays as it is: the commit says so (cf_witness_log). */
enum cf_error cf_witness_app(struct cf_txn *txn, const uint8_t *before, const uint8_t *after)
{
    struct cf_witness witness;
    enum cf_error error = cf_witness_read(txn, &witness);

    if (error != CF_OK)
        return error == CF_ETAMPER ? CF_OK : error;
    if (before != NULL)
        take_out(&witness.tally, txn->keys, before);
    if (after != NULL)
        cf_tally_add(&witness.tally, txn->keys, after);
    witness.changes++;
    return write_row(txn, &witness);
}

/* The database is asked first: what it knows of is in the log by then. */
enum cf_error cf_witness_verify(struct cf_store *store, cf_audit_finding *finding, void *arg, int64_t *records)
{
    struct cf_witness witness;
    struct cf_txn txn;
    enum cf_error error = cf_txn_read(store, &txn), verified;

    *records = 0;
    if (error == CF_OK)
        error = cf_witness_read(&txn, &witness);
    cf_txn_end(&txn);
    if (error != CF_OK && error != CF_ETAMPER)
        return error;
    if (error == CF_ETAMPER)
        finding(arg, 0, CF_WITNESS_BAD);
    verified = cf_audit_verify(cf_store_dir(store), cf_store_keys(store), &witness.tip, finding, arg, records);
    return verified == CF_OK ? error : verified;
}
