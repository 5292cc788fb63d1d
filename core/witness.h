/* witness.h: what the database knows of the audit log: its last record at the newest commit, in one sealed row.
 *
 * Each commit of a change writes it (txn.c), and each opening (vault.c), so that the log and its head, put back together
 * as they once were, end where the database knows that there was more. A change is recorded before it is committed; a
 * reveal is known of from the next commit on.
 */
#ifndef CF_WITNESS_H
#define CF_WITNESS_H

#include "audit.h"
#include "store.h"

/* What is found where the row does not verify. */
#define CF_WITNESS_BAD "what the database knows of the log does not verify: records may be cut off at the end"

/* Write the row; tip: zeros where it is to know of no record yet. */
CF_CHECKED enum cf_error cf_witness_write(struct cf_txn *txn, const struct cf_tip *tip);

/* Returns 0, CF_ETAMPER when the row is gone or does not verify (*tip then: no record), CF_EIO, CF_ENOMEM. */
CF_CHECKED enum cf_error cf_witness_read(struct cf_store *store, struct cf_tip *tip);

/* cf_audit_verify of the store's log, with what the database knows of it. Takes a reading transaction. */
CF_CHECKED enum cf_error cf_witness_verify(struct cf_store *store, cf_audit_finding *finding, void *arg,
                                           int64_t *records);

#endif
