/* check.h: does the whole store verify: SQLite's integrity, every row MAC and sum, every value, the audit chain. */
#ifndef CF_CHECK_H
#define CF_CHECK_H

#include "vault.h"

struct cf_checked {
    int64_t apps, values, grants, records, findings;
};

/* what: one line that names the thing and what is wrong with it. */
typedef void cf_check_finding(void *arg, const char *what);

/* Returns 0 when all was read (the findings tell), CF_EIO, CF_ENOMEM. */
CF_CHECKED enum cf_error cf_check(struct cf_vault *vault, cf_check_finding *finding, void *arg,
                                  struct cf_checked *checked);

#endif
