/* witness.h: what the database knows of things that could be put back to an earlier state, in one sealed row.
 *
 * Of the audit log: its last record at the newest commit. Each commit of a change writes it (txn.c), and each opening
 * (vault.c), so that the log and its head, put back together as they once were, end where the database knows that there
 * was more. A change is recorded before it is committed; a reveal is known of from the next commit on.
 *
 * Of the Apps: how many there are, how many changes they had, and a sum over all their rows (app.c), so that old rows
 * of an App, put back together, are missed by a check. The sum is of numbers that are made of each row's MAC by the
 * key, modulo 2^256: a change takes one out and puts one in, and nobody without the key can choose rows that add up to
 * it.
 */
#ifndef CF_WITNESS_H
#define CF_WITNESS_H

#include "audit.h"
#include "store.h"

/* What is found where the row does not verify. */
#define CF_WITNESS_BAD "what the database knows of the log does not verify: records may be cut off at the end"

struct cf_tally {
    int64_t apps;
    uint8_t sum[CF_MAC_SIZE]; /* little-endian */
};

/* Put the row of an App in, which has this MAC. */
void cf_tally_add(struct cf_tally *tally, const struct cf_keys *keys, const uint8_t mac[static CF_MAC_SIZE]);

struct cf_witness {
    struct cf_tip tip;
    bool is_lost; /* the row was not there or did not verify once: nothing is known of the Apps any more */
    int64_t changes;
    struct cf_tally tally;
};

/* Make the row of a store that has none. */
CF_CHECKED enum cf_error cf_witness_make(struct cf_txn *txn);

/* Returns 0, CF_ETAMPER when the row is gone or does not verify (*witness: zeros, is_lost), CF_EIO, CF_ENOMEM. */
CF_CHECKED enum cf_error cf_witness_read(struct cf_txn *txn, struct cf_witness *witness);

/* The log goes so far. A row that does not verify is written anew, and knows of the log again. */
CF_CHECKED enum cf_error cf_witness_log(struct cf_txn *txn, const struct cf_tip *tip);

/* An App's row changed: its MAC before and after, each NULL when there is none. */
CF_CHECKED enum cf_error cf_witness_app(struct cf_txn *txn, const uint8_t *before, const uint8_t *after);

/* cf_audit_verify of the store's log, with what the database knows of it. Takes a reading transaction. */
CF_CHECKED enum cf_error cf_witness_verify(struct cf_store *store, cf_audit_finding *finding, void *arg,
                                           int64_t *records);

#endif
