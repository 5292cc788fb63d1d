/* credential.h: the versions of an App's fields, and their values.
 *
 * A version is one issue of all fields; its values never change. The App's row says which one is current. The one
 * before it is retiring, still good, until its deadline; then it is retired. A revoked one is never good again, nor is
 * its credential under another number: its secret; where it has none its key, else its token, else its password. Which
 * state a version is in is computed from the time when it is asked: nothing has to happen at a deadline. The last
 * CF_VERSIONS_KEPT are kept, and those that are live.
 */
#ifndef CF_CREDENTIAL_H
#define CF_CREDENTIAL_H

#include "app.h"
#include "clock.h"
#include "secret.h"

enum { CF_VERSIONS_KEPT = 10, CF_VERSIONS_MOST = 64 }; /* kept at least; at most, whatever is configured */

/* X(name, word) */
#define CF_FIELD_LIST(X)       \
    X(CF_KEY, "key")           \
    X(CF_SECRET, "secret")     \
    X(CF_TOKEN, "token")       \
    X(CF_USERNAME, "username") \
    X(CF_PASSWORD, "password")

enum cf_field {
#define X(name, word) name,
    CF_FIELD_LIST(X)
#undef X
        CF_FIELD_COUNT,
    CF_NO_FIELD = -1 /* the whole App; no field in particular */
};

const char *cf_field_word(enum cf_field field);

/* The field of this name, or CF_NO_FIELD. */
enum cf_field cf_field_find(const char *word, size_t len);

enum cf_version_state { CF_CURRENT, CF_RETIRING, CF_RETIRED, CF_REVOKED };

struct cf_version {
    int64_t number; /* from 1 */
    int64_t created;
    uint32_t created_by;
    int64_t deadline; /* when it is no longer good, at the latest when it was revoked; 0 while it is current */
    bool revoked;
    unsigned fields; /* bit 1 << field for each that has a value */
};

/* What is known of a value without opening it. */
struct cf_value {
    size_t len; /* bytes */
    uint8_t fingerprint[CF_FINGERPRINT_SIZE];
    char last4
        [5]; /* the last four characters as far as they are ASCII, else ""; only of values of 16 bytes or more */
};

/* The state of a version at a time. */
enum cf_version_state cf_version_state(const struct cf_app *app, const struct cf_version *version, int64_t now);
const char *cf_version_state_word(enum cf_version_state state);

/* Returns 0, CF_ENOENT when there is no such version (any more), CF_ETAMPER. */
CF_CHECKED enum cf_error cf_version_get(struct cf_txn *txn, const struct cf_app *app, int64_t number,
                                        struct cf_version *version);

/* Since when it is in that state: current since it was issued, retiring since the next one was, retired since its
 * deadline, revoked since then or, where that was still to come, since it was revoked. *since: 0 where it is not known:
 * of a retiring version when the next one is no longer kept, of one that was revoked by an earlier credfs. */
CF_CHECKED enum cf_error cf_version_since(struct cf_txn *txn, const struct cf_app *app,
                                          const struct cf_version *version, int64_t now, int64_t *since);

/* Can its fields be read at this time, as far as it goes: CF_OK, CF_EREVOKED, CF_EEXPIRED (retired)? The App's own
 * state is asked with cf_app_usable. */
CF_CHECKED enum cf_error cf_version_usable(const struct cf_app *app, const struct cf_version *version, int64_t now);

/* Can an App's fields be read at this time: CF_OK; CF_EREVOKED when it is disabled or in the trash; CF_EEXPIRED? */
CF_CHECKED enum cf_error cf_app_usable(const struct cf_app *app, int64_t now);

/* Both, the App's state first. */
CF_CHECKED enum cf_error cf_credential_usable(const struct cf_app *app, const struct cf_version *version,
                                              int64_t now);

/* The same of a version by its number, for who opened it before: one that is no longer kept has expired, too.
 * Returns that, or CF_ETAMPER. */
CF_CHECKED enum cf_error cf_version_still_usable(struct cf_txn *txn, const struct cf_app *app, int64_t number,
                                                 int64_t now, struct cf_version *version);

/* All kept versions, the newest first. */
CF_CHECKED enum cf_error cf_version_list(struct cf_txn *txn, const struct cf_app *app,
                                         struct cf_version versions[static CF_VERSIONS_MOST], size_t *count);

/* Returns 0, CF_ENOKEY when the field has no value in that version, CF_ENOENT, CF_ETAMPER. */
CF_CHECKED enum cf_error cf_value_stat(struct cf_txn *txn, const struct cf_app *app, int64_t version,
                                       enum cf_field field, struct cf_value *value);

/* The same, and open it. *out: owned by the caller, NULL on failure. */
CF_CHECKED enum cf_error cf_value_open(struct cf_txn *txn, const struct cf_app *app, int64_t version,
                                       enum cf_field field, struct cf_secret **out);

/* The same of a version that was read before: CF_ENOKEY, CF_ETAMPER. */
CF_CHECKED enum cf_error cf_version_value(struct cf_txn *txn, const struct cf_app *app,
                                          const struct cf_version *version, enum cf_field field,
                                          struct cf_value *value);

/* The last four characters of a value, as in struct cf_value. */
void cf_value_last4(const struct cf_secret *value, char out[static 5]);

/* A value as it is stored: sealed, in ordinary memory, owned by the caller. */
struct cf_sealed {
    uint8_t *bytes;
    size_t len;
};

/* The same row, verified but not opened; and opening it. */
CF_CHECKED enum cf_error cf_value_sealed(struct cf_txn *txn, const struct cf_app *app,
                                         const struct cf_version *version, enum cf_field field,
                                         struct cf_sealed *sealed);
CF_CHECKED enum cf_error cf_sealed_open(const struct cf_sealed *sealed, const struct cf_keys *keys,
                                        const struct cf_app *app, int64_t version, enum cf_field field,
                                        struct cf_secret **out);

/* How a version is issued. */
struct cf_issue {
    uint32_t by;     /* uid */
    int64_t overlap; /* how long the version that is replaced stays good; 0: it is retired at once */
    int64_t base; /* the version whose values are kept where none is given; 0: the current one, and of that, where
                      * it is revoked, neither key nor secret (of one that has neither: nothing) */
    int64_t live; /* at most so many are live afterwards: the oldest retiring ones are retired early */
    struct cf_secret *const *value; /* CF_FIELD_COUNT of them, NULL for "as in base"; not taken */
};

struct cf_versions {
    size_t count;
    int64_t number[CF_VERSIONS_MOST];
};

/* What became of earlier versions. */
struct cf_issued {
    struct cf_version old; /* the one that was replaced; number 0 where there was none */
    struct cf_versions
        early; /* retiring ones that lost what was left of their time, the newest first: old may be one */
};

/* Make the next version current; app is updated in memory, and written by who calls (cf_app_update).
 * Returns 0; CF_ENOENT when base is not kept; CF_EREVOKED when base is revoked. */
CF_CHECKED enum cf_error cf_version_issue(struct cf_txn *txn, struct cf_app *app, const struct cf_issue *issue,
                                          struct cf_issued *issued);

/* Write a version as it was elsewhere, and then the values that its fields name, each once. */
CF_CHECKED enum cf_error cf_version_put(struct cf_txn *txn, const struct cf_app *app,
                                        const struct cf_version *version);
CF_CHECKED enum cf_error cf_value_put(struct cf_txn *txn, const struct cf_app *app, int64_t version,
                                      enum cf_field field, const struct cf_secret *value);

/* Revoke a version, for good, and all kept ones that have its credential; those into *also, the oldest first.
 * Returns 0; CF_ENOENT when it is not kept. */
CF_CHECKED enum cf_error cf_version_revoke(struct cf_txn *txn, const struct cf_app *app, int64_t number,
                                           struct cf_versions *also);

/* Is among these values the credential of a kept version that was revoked? Who issues a version asks this before.
 * value: CF_FIELD_COUNT of them, NULL for none.
 * Returns 0 when it is not; CF_EREVOKED when it is, and *number is that version's. */
CF_CHECKED enum cf_error cf_values_revoked(struct cf_txn *txn, const struct cf_app *app,
                                           struct cf_secret *const *value, int64_t *number);

#endif
