/* summary.h: what the Apps as a whole need: counts that are cheap to have of a million, and the names behind them.
 *
 * Nothing is verified here: it tells where to look, and decides nothing.
 */
#ifndef CF_SUMMARY_H
#define CF_SUMMARY_H

#include "catalogue.h"
#include "config.h"
#include "store.h"

/* X(name, word) */
#define CF_SUMMARY_LIST(X)                                                                                  \
    X(CF_EXPIRING, "expiring")             /* Apps that expire within CF_EXPIRING_SOON */                   \
    X(CF_EXPIRED, "expired")               /* Apps */                                                       \
    X(CF_ROTATION_DUE, "rotation-due")     /* Apps whose current version is older than the policy says */   \
    X(CF_RETIRING_READ, "retiring-read")   /* retiring versions that are the last one some reader opened */ \
    X(CF_PENDING, "pending")               /* API assignments that lack a field */                          \
    X(CF_NEVER_REVEALED, "never-revealed") /* Apps */

enum cf_summary_kind {
#define X(name, word) name,
    CF_SUMMARY_LIST(X)
#undef X
        CF_SUMMARY_COUNT
};

#define CF_EXPIRING_SOON (14 * 24 * 3600 * CF_SECOND)

struct cf_summary {
    int64_t count[CF_SUMMARY_COUNT];
};

const char *cf_summary_word(enum cf_summary_kind kind);

/* Count. May take tenths of a second where there are a million Apps. */
CF_CHECKED enum cf_error cf_summary_read(struct cf_txn *txn, const struct cf_config *config,
                                         const struct cf_catalogue *catalogue, struct cf_summary *summary);

/* Call each for the Apps of a kind, the most urgent first, at most so many. detail: a time, "version 3 until …, last
 * read …", the slug of the API; "" where there is nothing to say. */
typedef void cf_summary_visit(void *arg, enum cf_summary_kind kind, const char *app, const char *detail);
CF_CHECKED enum cf_error cf_summary_names(struct cf_txn *txn, const struct cf_config *config,
                                          const struct cf_catalogue *catalogue, enum cf_summary_kind kind,
                                          int64_t most, cf_summary_visit *each, void *arg);

#endif
