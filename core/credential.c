#include "credential.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char *const field_words[CF_FIELD_COUNT] = {
#define X(name, word) word,
    CF_FIELD_LIST(X)
#undef X
};

const char *cf_field_word(enum cf_field field)
{
    return field == CF_NO_FIELD ? "" : field_words[field];
}

enum cf_field cf_field_find(const char *word, size_t len)
{
    for (int field = 0; field < CF_FIELD_COUNT; field++)
        if (strlen(field_words[field]) == len && memcmp(field_words[field], word, len) == 0)
            return (enum cf_field)field;
    return CF_NO_FIELD;
}

enum cf_version_state cf_version_state(const struct cf_app *app, const struct cf_version *version, int64_t now)
{
    if (version->revoked)
        return CF_REVOKED;
    if (version->number == app->version)
        return CF_CURRENT;
    return now < version->deadline ? CF_RETIRING : CF_RETIRED;
}

const char *cf_version_state_word(enum cf_version_state state)
{
    static const char *const words[] = {
        [CF_CURRENT] = "current", [CF_RETIRING] = "retiring", [CF_RETIRED] = "retired", [CF_REVOKED] = "revoked"};

    return words[state];
}

enum cf_error cf_version_usable(const struct cf_app *app, const struct cf_version *version, int64_t now)
{
    switch (cf_version_state(app, version, now)) {
    case CF_REVOKED:
        return CF_EREVOKED;
    case CF_RETIRED:
        return CF_EEXPIRED;
    case CF_CURRENT:
    case CF_RETIRING:
        break;
    }
    return CF_OK;
}

enum cf_error cf_version_since(struct cf_txn *txn, const struct cf_app *app, const struct cf_version *version,
                               int64_t now, int64_t *since)
{
    struct cf_version next;
    enum cf_error error;

    switch (cf_version_state(app, version, now)) {
    case CF_CURRENT:
        *since = version->created;
        break;
    case CF_RETIRING:
        error = cf_version_get(txn, app, version->number + 1, &next);
        *since = error == CF_OK ? next.created : 0;
        return error == CF_ENOENT ? CF_OK : error;
    case CF_RETIRED:
    case CF_REVOKED:
        *since = version->deadline <= now ? version->deadline : 0;
        break;
    }
    return CF_OK;
}

enum cf_error cf_app_usable(const struct cf_app *app, int64_t now)
{
    if (app->disabled || app->place == CF_IN_TRASH)
        return CF_EREVOKED;
    return app->expires != 0 && now >= app->expires ? CF_EEXPIRED : CF_OK;
}

enum cf_error cf_credential_usable(const struct cf_app *app, const struct cf_version *version, int64_t now)
{
    enum cf_error error = cf_app_usable(app, now);

    return error == CF_OK ? cf_version_usable(app, version, now) : error;
}

static void version_mac(const struct cf_txn *txn, const struct cf_app *app, const struct cf_version *version,
                        uint8_t mac[static CF_MAC_SIZE])
{
    struct cf_mac state;

    cf_mac_begin(&state, txn->keys, CF_MAC_ROW, "version");
    cf_mac_bytes(&state, app->id, CF_ID_SIZE);
    cf_mac_int(&state, version->number);
    cf_mac_int(&state, version->created);
    cf_mac_int(&state, version->created_by);
    cf_mac_int(&state, version->deadline);
    cf_mac_int(&state, version->revoked);
    cf_mac_int(&state, version->fields);
    cf_mac_end(&state, mac);
}

static enum cf_error read_version(struct cf_txn *txn, const struct cf_app *app, struct cf_rows *rows,
                                  struct cf_version *version)
{
    uint8_t computed[CF_MAC_SIZE];
    size_t len;
    const void *stored = cf_sql_blob(rows, 6, &len);

    version->number = cf_sql_int(rows, 0);
    version->created = cf_sql_int(rows, 1);
    version->created_by = (uint32_t)cf_sql_int(rows, 2);
    version->deadline = cf_sql_int(rows, 3);
    version->revoked = cf_sql_int(rows, 4) != 0;
    version->fields = (unsigned)cf_sql_int(rows, 5);
    version_mac(txn, app, version, computed);
    return len == CF_MAC_SIZE && cf_equal(stored, computed, CF_MAC_SIZE) ? CF_OK : CF_ETAMPER;
}

enum cf_error cf_version_get(struct cf_txn *txn, const struct cf_app *app, int64_t number,
                             struct cf_version *version)
{
    struct cf_rows *rows;
    bool row;
    enum cf_error error =
        cf_sql_query(txn->db, &rows,
                     "SELECT number, created, created_by, deadline, revoked, fields, mac FROM version "
                     "WHERE app = ? AND number = ?",
                     "ii", app->serial, number);

    if (error == CF_OK)
        error = cf_sql_next(rows, &row);
    if (error == CF_OK)
        /* The App's own row vouches for its current version: it cannot just be absent. */
        error = row ? read_version(txn, app, rows, version) : number == app->version ? CF_ETAMPER : CF_ENOENT;
    cf_sql_done(rows);
    return error;
}

enum cf_error cf_version_still_usable(struct cf_txn *txn, const struct cf_app *app, int64_t number, int64_t now,
                                      struct cf_version *version)
{
    enum cf_error error = cf_app_usable(app, now);

    if (error != CF_OK)
        return error;
    error = cf_version_get(txn, app, number, version);
    if (error == CF_ENOENT)
        return CF_EEXPIRED;
    return error == CF_OK ? cf_version_usable(app, version, now) : error;
}

enum cf_error cf_version_list(struct cf_txn *txn, const struct cf_app *app,
                              struct cf_version versions[static CF_VERSIONS_MOST], size_t *count)
{
    struct cf_rows *rows;
    bool row = true;
    enum cf_error error =
        cf_sql_query(txn->db, &rows,
                     "SELECT number, created, created_by, deadline, revoked, fields, mac FROM version "
                     "WHERE app = ? ORDER BY number DESC",
                     "i", app->serial);

    *count = 0;
    while (error == CF_OK && row && *count < CF_VERSIONS_MOST) {
        error = cf_sql_next(rows, &row);
        if (error == CF_OK && row)
            error = read_version(txn, app, rows, &versions[(*count)++]);
    }
    cf_sql_done(rows);
    return error;
}

enum cf_error cf_version_put(struct cf_txn *txn, const struct cf_app *app, const struct cf_version *version)
{
    uint8_t mac[CF_MAC_SIZE];

    version_mac(txn, app, version, mac);
    return cf_sql_run(txn->db,
                      "INSERT INTO version (app, number, created, created_by, deadline, revoked, fields, mac) "
                      "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                      "iiiiiiib", app->serial, version->number, version->created, (int64_t)version->created_by,
                      version->deadline, (int64_t)version->revoked, (int64_t)version->fields, mac, sizeof mac);
}

/* Write a version's deadline and whether it is revoked. */
static enum cf_error update_version(struct cf_txn *txn, const struct cf_app *app, const struct cf_version *version)
{
    uint8_t mac[CF_MAC_SIZE];

    version_mac(txn, app, version, mac);
    return cf_sql_run(txn->db, "UPDATE version SET deadline = ?, revoked = ?, mac = ? WHERE app = ? AND number = ?",
                      "iibii", version->deadline, (int64_t)version->revoked, mac, sizeof mac, app->serial,
                      version->number);
}

/* ---- revoking ---- */

/* The field that tells a version's credential from others: its secret; where it has none, its key; and so on. */
static enum cf_field telling_field(const struct cf_version *version)
{
    static const enum cf_field order[] = {CF_SECRET, CF_KEY, CF_TOKEN, CF_PASSWORD};

    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if ((version->fields & 1U << order[i]) != 0)
            return order[i];
    return CF_NO_FIELD;
}

/* Has a version the credential of a revoked one? */
static enum cf_error has_credential(struct cf_txn *txn, const struct cf_app *app, const struct cf_version *version,
                                    const struct cf_version *revoked, bool *same)
{
    const enum cf_field field = telling_field(revoked);
    struct cf_value one, other;
    enum cf_error error;

    *same = false;
    if (field == CF_NO_FIELD || (version->fields & 1U << field) == 0)
        return CF_OK;
    error = cf_version_value(txn, app, version, field, &one);
    if (error == CF_OK)
        error = cf_version_value(txn, app, revoked, field, &other);
    *same = error == CF_OK && cf_equal(one.fingerprint, other.fingerprint, CF_FINGERPRINT_SIZE);
    return error;
}

/* It is good until then, unless it was to end before. */
static void end_at(struct cf_version *version, int64_t when)
{
    if (version->deadline == 0 || version->deadline > when)
        version->deadline = when;
}

/* Revoke a version, and those that have its credential, and so on. */
static enum cf_error revoke(struct cf_txn *txn, const struct cf_app *app, struct cf_version *versions, size_t count,
                            struct cf_version *version)
{
    enum cf_error error;

    version->revoked = true;
    end_at(version, cf_now());
    error = update_version(txn, app, version);
    for (size_t i = 0; error == CF_OK && i < count; i++) {
        bool same;
        if (versions[i].revoked)
            continue;
        error = has_credential(txn, app, &versions[i], version, &same);
        if (error == CF_OK && same)
            error = revoke(txn, app, versions, count, &versions[i]);
    }
    return error;
}

enum cf_error cf_version_revoke(struct cf_txn *txn, const struct cf_app *app, int64_t number,
                                struct cf_versions *also)
{
    struct cf_version versions[CF_VERSIONS_MOST];
    bool was_revoked[CF_VERSIONS_MOST];
    size_t count, at = 0;
    enum cf_error error = cf_version_list(txn, app, versions, &count);

    also->count = 0;
    if (error != CF_OK)
        return error;
    while (at < count && versions[at].number != number)
        at++;
    if (at == count)
        return number == app->version ? CF_ETAMPER : CF_ENOENT;
    for (size_t i = 0; i < count; i++)
        was_revoked[i] = versions[i].revoked;
    error = revoke(txn, app, versions, count, &versions[at]);
    for (size_t i = count; i-- > 0;)
        if (versions[i].revoked && !was_revoked[i] && i != at)
            also->number[also->count++] = versions[i].number;
    return error;
}

enum cf_error cf_values_revoked(struct cf_txn *txn, const struct cf_app *app, struct cf_secret *const *value,
                                int64_t *number)
{
    struct cf_version versions[CF_VERSIONS_MOST];
    size_t count;
    enum cf_error error = cf_version_list(txn, app, versions, &count);

    for (size_t i = 0; error == CF_OK && i < count; i++) {
        const enum cf_field field = versions[i].revoked ? telling_field(&versions[i]) : CF_NO_FIELD;
        uint8_t fingerprint[CF_FINGERPRINT_SIZE];
        struct cf_value revoked;
        if (field == CF_NO_FIELD || value[field] == NULL)
            continue;
        cf_fingerprint(txn->keys, value[field], fingerprint);
        error = cf_version_value(txn, app, &versions[i], field, &revoked);
        if (error == CF_OK && cf_equal(fingerprint, revoked.fingerprint, CF_FINGERPRINT_SIZE)) {
            *number = versions[i].number;
            error = CF_EREVOKED;
        }
    }
    return error;
}

/* ---- issuing ---- */

/* Seal the values of the new version: the given ones, and those of base for the rest. */
static enum cf_error insert_values(struct cf_txn *txn, const struct cf_app *app, const struct cf_version *base,
                                   int64_t number, struct cf_secret *const *value)
{
    enum cf_error error = CF_OK;

    for (int i = 0; error == CF_OK && i < CF_FIELD_COUNT; i++) {
        struct cf_secret *kept = NULL;
        if (value[i] == NULL && (base->fields & 1U << i) != 0)
            error = cf_value_open(txn, app, base->number, (enum cf_field)i, &kept);
        if (error == CF_OK && (value[i] != NULL || kept != NULL))
            error = cf_value_put(txn, app, number, (enum cf_field)i, value[i] != NULL ? value[i] : kept);
        cf_secret_free(kept);
    }
    return error;
}

/* Retire the oldest retiring versions early, until with the new one no more than live are left; and forget those
 * that are neither live nor among the last ones. app: with the new version as the current one. */
static enum cf_error tidy(struct cf_txn *txn, const struct cf_app *app, int64_t live, int64_t now,
                          struct cf_versions *early)
{
    struct cf_version versions[CF_VERSIONS_MOST];
    size_t count;
    enum cf_error error = cf_version_list(txn, app, versions, &count);

    for (size_t i = 0; error == CF_OK && i < count; i++) { /* the newest first */
        enum cf_version_state state = cf_version_state(app, &versions[i], now);
        if (state == CF_RETIRING && live <= 0) {
            end_at(&versions[i], now);
            error = update_version(txn, app, &versions[i]);
            early->number[early->count++] = versions[i].number;
        }
        live -= state == CF_RETIRING || state == CF_CURRENT ? 1 : 0;
        if (error == CF_OK && i >= CF_VERSIONS_KEPT && (state == CF_RETIRED || state == CF_REVOKED))
            error = cf_sql_run(txn->db, "DELETE FROM version WHERE app = ? AND number = ?", "ii", app->serial,
                               versions[i].number);
    }
    return error;
}

/* What a revocation is about: key and secret; of a version that has neither, all that it has. */
static unsigned revocable(const struct cf_version *version)
{
    const unsigned pair = version->fields & (1U << CF_KEY | 1U << CF_SECRET);

    return pair != 0 ? pair : version->fields;
}

/* The versions that the new one replaces and takes its values from; zeroed where there are none. What was revoked is
 * not taken: base has no such fields then. */
static enum cf_error get_bases(struct cf_txn *txn, const struct cf_app *app, const struct cf_issue *issue,
                               struct cf_version *old, struct cf_version *base)
{
    enum cf_error error = CF_OK;

    *old = *base = (struct cf_version){0};
    if (app->version > 0)
        error = cf_version_get(txn, app, app->version, old);
    *base = *old;
    if (error == CF_OK && issue->base > 0)
        error = cf_version_get(txn, app, issue->base, base);
    if (error == CF_OK && issue->base > 0 && base->revoked)
        error = CF_EREVOKED;
    base->fields &= base->revoked ? ~revocable(base) : UINT_MAX;
    return error;
}

enum cf_error cf_version_issue(struct cf_txn *txn, struct cf_app *app, const struct cf_issue *issue,
                               struct cf_issued *issued)
{
    const int64_t now = cf_now();
    struct cf_version *old = &issued->old, base;
    struct cf_version new = {.number = app->version + 1, .created = now, .created_by = issue->by};
    enum cf_error error = get_bases(txn, app, issue, old, &base);

    issued->early.count = 0;
    new.fields = base.fields;
    for (int i = 0; i < CF_FIELD_COUNT; i++)
        new.fields |= issue->value[i] != NULL ? 1U << i : 0;
    if (error == CF_OK)
        error = cf_version_put(txn, app, &new);
    if (error == CF_OK)
        error = insert_values(txn, app, &base, new.number, issue->value);
    if (error == CF_OK && old->number > 0) {
        end_at(old, now + issue->overlap);
        error = update_version(txn, app, old);
    }
    if (error != CF_OK)
        return error;
    app->version = new.number;
    return tidy(txn, app, issue->live, now, &issued->early);
}
