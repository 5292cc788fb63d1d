/* vault.h: an open store with all that decides and records: what fs and the commands hold.
 *
 * Every function that takes a vault may be called by several threads.
 */
#ifndef CF_VAULT_H
#define CF_VAULT_H

#include "access.h"
#include "audit.h"
#include "card.h"
#include "catalogue.h"
#include "config.h"
#include "denials.h"
#include "house.h"
#include "rate.h"
#include "reader.h"
#include "store.h"
#include "template.h"

struct cf_news;

struct cf_vault {
    struct cf_store *store;
    struct cf_config *config;
    struct cf_catalogue *catalogue;
    struct cf_templates *templates;
    struct cf_audit *audit; /* NULL when observing */
    struct cf_denials *denials;
    struct cf_cards *cards;
    struct cf_rates *rates;  /* of checks of credentials */
    struct cf_rates *alarms; /* of records that do not verify, by the App's serial */
    struct cf_readers *readers;
    struct cf_house *house; /* kept by nobody until cf_chores_start */
    struct cf_news *news;   /* who is told of changes (news.h), or NULL; set by who opened it, and his */
};

struct cf_vault_options {
    const char *store;  /* path */
    const char *config; /* path; NULL: no configuration file */
    enum cf_store_mode mode;
    struct cf_handover *handover; /* NULL, or what to go on with (store.h) */
    struct cf_sources *sources;   /* NULL, or where the configuration is read from and kept; not taken */
};

/* Open store, configuration, catalogue and audit log; cf_crypto_start must have been called.
 * Returns what cf_store_open, cf_config_load, cf_catalogue_load and cf_audit_open give. */
CF_CHECKED enum cf_error cf_vault_open(const struct cf_vault_options *options, struct cf_vault **out,
                                       struct cf_fault *fault);
void cf_vault_close(struct cf_vault *vault);

/* Judge an access that reveals and changes nothing (entering, listing, reading, opening for writing); a denial is
 * recorded, an allowance is not. file: its name for the record, or NULL.
 * Returns the verdict's error. */
CF_CHECKED enum cf_error cf_vault_permit(struct cf_vault *vault, struct cf_txn *txn, struct cf_caller *caller,
                                         enum cf_action action, const struct cf_app *app, enum cf_field field,
                                         const char *file);

/* Judge and record the reveal of a field: its open for reading. *version: which one, or 0 for the current one, which
 * then stands there: a later cf_vault_value reads it.
 * Returns 0, CF_EDENIED, CF_ENOENT when there is no such version, CF_EUNASKED, CF_EREVOKED, CF_EEXPIRED, CF_ENOKEY,
 * CF_ETAMPER, CF_EAUDIT when it cannot be recorded. */
CF_CHECKED enum cf_error cf_vault_reveal(struct cf_vault *vault, struct cf_caller *caller, int64_t serial,
                                         enum cf_field field, int64_t *version);

/* The value that an earlier cf_vault_reveal gave the right to, asking again whether the credential is good.
 * Returns 0, CF_ENOENT (destroyed), CF_EREVOKED (disabled, in the trash, the version revoked), CF_EEXPIRED (the
 * App has expired, the version is retired),
 * CF_ENOKEY, CF_ETAMPER. *out: owned by the caller, NULL on failure. */
CF_CHECKED enum cf_error cf_vault_value(struct cf_vault *vault, int64_t serial, int64_t version,
                                        enum cf_field field, struct cf_secret **out);

/* Write one event of caller to the audit log, as the policy for failures says: 0 when it was written or may fail; of a
 * flood of refusals some are counted instead (denials.h). */
CF_CHECKED enum cf_error cf_vault_record(struct cf_vault *vault, const struct cf_event *event);

/* A record of the App of this serial does not verify, so that there is none to judge and record an access by: say so,
 * once a second. name: what was looked for, or NULL.
 * Returns CF_ETAMPER, or CF_EAUDIT, CF_EFULL when it cannot be recorded. */
CF_CHECKED enum cf_error cf_vault_tampered(struct cf_vault *vault, const struct cf_caller *caller, int64_t serial,
                                           const char *name);

/* What `credfs status` and the status file count. */
struct cf_counts {
    int64_t apps, trash, apis, records;
    struct cf_summary summary; /* of a vault whose house is kept: as it was a few seconds ago */
};
CF_CHECKED enum cf_error cf_vault_count(struct cf_vault *vault, struct cf_counts *counts);

#endif
