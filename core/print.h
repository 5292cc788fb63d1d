/* print.h: the model as the text that files and commands show. No function here can reach a secret.
 *
 * out: added to; ask cf_text_result at the end. Each returns what reading the rows gives.
 */
#ifndef CF_PRINT_H
#define CF_PRINT_H

#include "vault.h"

/* All about an App that is no secret, `name = value` lines. */
CF_CHECKED enum cf_error cf_print_info(struct cf_vault *vault, struct cf_txn *txn, const struct cf_app *app,
                                       struct cf_text *out);

/* One of its versions, `name = value` lines. */
CF_CHECKED enum cf_error cf_print_version(struct cf_txn *txn, const struct cf_app *app,
                                          const struct cf_version *version, struct cf_text *out);

/* Its APIs, a slug a line, in catalogue order. */
CF_CHECKED enum cf_error cf_print_apis(struct cf_vault *vault, struct cf_txn *txn, const struct cf_app *app,
                                       struct cf_text *out);

/* Its grants, a line each. */
CF_CHECKED enum cf_error cf_print_grants(struct cf_txn *txn, const struct cf_app *app, struct cf_text *out);

/* Of an API: the Apps that have it, and its assignees, a line each. */
CF_CHECKED enum cf_error cf_print_api_apps(struct cf_txn *txn, const char *slug, struct cf_text *out);
CF_CHECKED enum cf_error cf_print_assignees(struct cf_txn *txn, const char *slug, struct cf_text *out);

#endif
