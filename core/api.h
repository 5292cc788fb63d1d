/* api.h: the APIs that have rows: each slug of the catalogue gets a serial once, for good, from which inode numbers
 * are made. A slug that the catalogue no longer has keeps its row.
 */
#ifndef CF_API_H
#define CF_API_H

#include "crypto.h"
#include "store.h"
#include "text.h"

struct cf_api_row {
    int64_t serial;
    char slug[CF_SLUG_MAX + 1];
    uint8_t assignees_sum[CF_MAC_SIZE]; /* over all its assignee rows (grant.h) */
};

/* Returns 0, CF_ENOENT, CF_ETAMPER. */
CF_CHECKED enum cf_error cf_api_by_slug(struct cf_txn *txn, const char *slug, struct cf_api_row *api);
CF_CHECKED enum cf_error cf_api_by_serial(struct cf_txn *txn, int64_t serial, struct cf_api_row *api);

/* Give this slug a row, which it does not have; the row verifies once assignees were stored (grant.h).
 * Returns 0, CF_EEXIST, CF_ESLUG. */
CF_CHECKED enum cf_error cf_api_insert(struct cf_txn *txn, const char *slug, struct cf_api_row *api);

/* Call each for every API that has a row, in the order of slugs, until it returns false. CF_ETAMPER for
 * one that does not verify. */
typedef bool cf_api_visit(void *arg, const struct cf_api_row *api);
CF_CHECKED enum cf_error cf_api_each(struct cf_txn *txn, cf_api_visit *each, void *arg);

/* Write its sum, with a new MAC. */
CF_CHECKED enum cf_error cf_api_update(struct cf_txn *txn, const struct cf_api_row *api);

#endif
