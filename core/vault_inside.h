/* vault_inside.h: what vault.c does for view.c as well. */
#ifndef CF_VAULT_INSIDE_H
#define CF_VAULT_INSIDE_H

#include "vault.h"

/* Record a reveal, or the refusal of one, and note who reads. version: the one that is shown. file: below the App.
 * Returns verdict's error, or CF_EAUDIT, CF_EFULL when it cannot be recorded. */
CF_CHECKED enum cf_error cf_vault_record_reveal(struct cf_vault *vault, struct cf_caller *caller,
                                                const struct cf_app *app, int64_t version, const char *file,
                                                const struct cf_verdict *verdict);

#endif
