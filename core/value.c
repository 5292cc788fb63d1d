/* The values of a version: sealed rows, found, verified, opened and written (credential.h). */
#include "credential.h"

#include <stdlib.h>
#include <string.h>

static void value_mac(const struct cf_txn *txn, const struct cf_app *app, int64_t version, enum cf_field field,
                      const void *sealed, size_t len, const uint8_t *fingerprint, const char *last4,
                      uint8_t mac[static CF_MAC_SIZE])
{
    struct cf_mac state;

    cf_mac_begin(&state, txn->keys, CF_MAC_ROW, "value");
    cf_mac_bytes(&state, app->id, CF_ID_SIZE);
    cf_mac_int(&state, version);
    cf_mac_text(&state, cf_field_word(field));
    cf_mac_bytes(&state, sealed, len);
    cf_mac_bytes(&state, fingerprint, CF_FINGERPRINT_SIZE);
    cf_mac_text(&state, last4);
    cf_mac_end(&state, mac);
}

/* Verify the value row that rows stands on. sealed: gets a copy of it, unless it is NULL. */
static enum cf_error read_value(struct cf_txn *txn, const struct cf_app *app, int64_t version, enum cf_field field,
                                struct cf_rows *rows, struct cf_value *value, struct cf_sealed *sealed)
{
    size_t len, print_len, mac_len;
    const void *bytes = cf_sql_blob(rows, 0, &len);
    const void *fingerprint = cf_sql_blob(rows, 1, &print_len);
    const char *last4 = cf_sql_text(rows, 2);
    const void *stored = cf_sql_blob(rows, 3, &mac_len);
    uint8_t computed[CF_MAC_SIZE];

    if (len <= CF_SEAL_OVERHEAD || print_len != CF_FINGERPRINT_SIZE || mac_len != CF_MAC_SIZE ||
        strlen(last4) >= sizeof value->last4)
        return CF_ETAMPER;
    value_mac(txn, app, version, field, bytes, len, fingerprint, last4, computed);
    if (!cf_equal(stored, computed, CF_MAC_SIZE))
        return CF_ETAMPER;
    value->len = len - CF_SEAL_OVERHEAD;
    memcpy(value->fingerprint, fingerprint, CF_FINGERPRINT_SIZE);
    memcpy(value->last4, last4, strlen(last4) + 1);
    if (sealed == NULL)
        return CF_OK;
    sealed->bytes = malloc(len);
    if (sealed->bytes == NULL)
        return CF_ENOMEM;
    memcpy(sealed->bytes, bytes, len);
    sealed->len = len;
    return CF_OK;
}

/* The version's row says which fields have a value, so that one that was taken away by hand is noticed. */
static enum cf_error value_of(struct cf_txn *txn, const struct cf_app *app, const struct cf_version *version,
                              enum cf_field field, struct cf_value *value, struct cf_sealed *sealed)
{
    struct cf_rows *rows;
    bool row;
    enum cf_error error;

    if ((version->fields & 1U << field) == 0)
        return CF_ENOKEY;
    error = cf_sql_query(txn->db, &rows,
                         "SELECT sealed, fingerprint, last4, mac FROM value WHERE app = ? AND version = ? AND "
                         "field = ?",
                         "iit", app->serial, version->number, cf_field_word(field));
    if (error == CF_OK)
        error = cf_sql_next(rows, &row);
    if (error == CF_OK)
        error = row ? read_value(txn, app, version->number, field, rows, value, sealed) : CF_ETAMPER;
    cf_sql_done(rows);
    return error;
}

static enum cf_error find_value(struct cf_txn *txn, const struct cf_app *app, int64_t number, enum cf_field field,
                                struct cf_value *value, struct cf_sealed *sealed)
{
    struct cf_version version;
    enum cf_error error = cf_version_get(txn, app, number, &version);

    return error == CF_OK ? value_of(txn, app, &version, field, value, sealed) : error;
}

enum cf_error cf_version_value(struct cf_txn *txn, const struct cf_app *app, const struct cf_version *version,
                               enum cf_field field, struct cf_value *value)
{
    return value_of(txn, app, version, field, value, NULL);
}

enum cf_error cf_value_stat(struct cf_txn *txn, const struct cf_app *app, int64_t version, enum cf_field field,
                            struct cf_value *value)
{
    return find_value(txn, app, version, field, value, NULL);
}

enum cf_error cf_value_sealed(struct cf_txn *txn, const struct cf_app *app, const struct cf_version *version,
                              enum cf_field field, struct cf_sealed *sealed)
{
    struct cf_value value;

    *sealed = (struct cf_sealed){0};
    return value_of(txn, app, version, field, &value, sealed);
}

enum cf_error cf_sealed_open(const struct cf_sealed *sealed, const struct cf_keys *keys, const struct cf_app *app,
                             int64_t version, enum cf_field field, struct cf_secret **out)
{
    const struct cf_binding binding = {.app = app->id, .version = version, .field = cf_field_word(field)};

    return cf_unseal(keys, &binding, sealed->bytes, sealed->len, out);
}

enum cf_error cf_value_open(struct cf_txn *txn, const struct cf_app *app, int64_t version, enum cf_field field,
                            struct cf_secret **out)
{
    struct cf_sealed sealed = {0};
    struct cf_value value;
    enum cf_error error = find_value(txn, app, version, field, &value, &sealed);

    *out = NULL;
    if (error == CF_OK)
        error = cf_sealed_open(&sealed, txn->keys, app, version, field, out);
    free(sealed.bytes);
    return error;
}

/* The last four characters are shown to people who may not reveal: only of values long enough to bear it. */
void cf_value_last4(const struct cf_secret *value, char out[static 5])
{
    enum { LONG_ENOUGH = 16, SHOWN = 4 };
    const size_t len = cf_secret_len(value);

    memset(out, 0, SHOWN + 1);
    if (len < LONG_ENOUGH)
        return;
    memcpy(out, cf_secret_peek(value) + len - SHOWN, SHOWN);
    for (int i = 0; i < SHOWN; i++)
        if (out[i] < 0x21 || out[i] > 0x7e)
            memset(out, 0, SHOWN + 1);
}

enum cf_error cf_value_put(struct cf_txn *txn, const struct cf_app *app, int64_t version, enum cf_field field,
                           const struct cf_secret *value)
{
    const struct cf_binding binding = {.app = app->id, .version = version, .field = cf_field_word(field)};
    const size_t len = cf_secret_len(value) + CF_SEAL_OVERHEAD;
    uint8_t sealed[CF_SECRET_MAX + CF_SEAL_OVERHEAD], fingerprint[CF_FINGERPRINT_SIZE], mac[CF_MAC_SIZE];
    char last4[5];

    cf_seal(txn->keys, &binding, value, sealed);
    cf_fingerprint(txn->keys, value, fingerprint);
    cf_value_last4(value, last4);
    value_mac(txn, app, version, field, sealed, len, fingerprint, last4, mac);
    return cf_sql_run(txn->db,
                      "INSERT INTO value (app, version, field, sealed, fingerprint, last4, mac) "
                      "VALUES (?, ?, ?, ?, ?, ?, ?)",
                      "iitbbtb", app->serial, version, binding.field, sealed, len, fingerprint, sizeof fingerprint,
                      last4, mac, sizeof mac);
}
