#include "verify.h"

#include "api.h"
#include "assignment.h"
#include "clock.h"
#include "credential.h"

#include <stdio.h>
#include <string.h>

/* --- what is presented --- */

struct presented {
    uint8_t key[CF_FINGERPRINT_SIZE];
    uint8_t secret[CF_FINGERPRINT_SIZE];
    bool has_secret;
    char last4[5]; /* of the key */
};

/* Where the key ends: at a newline within the text, else at the first blank, else with the text. */
static size_t key_length(const char *text, size_t len)
{
    const char *end = memchr(text, '\n', len);

    if (end == NULL)
        end = memchr(text, ' ', len);
    return end == NULL ? len : (size_t)(end - text);
}

static enum cf_error fingerprint(const struct cf_keys *keys, const char *value, size_t len,
                                 uint8_t out[static CF_FINGERPRINT_SIZE], char last4[static 5])
{
    struct cf_secret *secret;

    if (!cf_value_valid(value, len))
        return CF_EVALUE;
    secret = cf_secret_copy(value, len);
    if (secret == NULL)
        return CF_ENOMEM;
    cf_fingerprint(keys, secret, out);
    cf_value_last4(secret, last4);
    cf_secret_free(secret);
    return CF_OK;
}

static enum cf_error read_presented(const struct cf_keys *keys, const char *text, size_t len,
                                    struct presented *presented)
{
    char ignored[5];
    size_t key;
    enum cf_error error;

    *presented = (struct presented){.has_secret = false};
    len -= len > 0 && text[len - 1] == '\n' ? 1 : 0;
    key = key_length(text, len);
    error = fingerprint(keys, text, key, presented->key, presented->last4);
    if (error != CF_OK || len - key <= 1)
        return error;
    presented->has_secret = true;
    error = fingerprint(keys, text + key + 1, len - key - 1, presented->secret, ignored);
    cf_wipe(ignored, sizeof ignored);
    return error;
}

/* --- the search --- */

struct search {
    struct cf_vault *vault;
    struct cf_txn *txn;
    const struct presented *presented;
    char slug[CF_SLUG_MAX + 1];
    bool needs_secret;
    int64_t now;
    struct cf_app app; /* that of the row before, which is often that of the next */
    bool has_app, is_assigned;
    enum cf_error app_error;
    struct cf_answer best;
    enum cf_error error; /* of rows that have the presented fingerprint */
};

/* The App of a row, and whether it has the API. */
static void enter_app(struct search *search, int64_t serial)
{
    struct cf_assignments apis;

    if (search->has_app && search->app.serial == serial)
        return;
    search->has_app = true;
    search->app_error = cf_app_by_serial(search->txn, serial, &search->app);
    search->app.serial = serial;
    if (search->app_error == CF_OK)
        search->app_error = cf_assignments_load(search->txn, &search->app, search->vault->catalogue, &apis);
    if (search->app_error != CF_OK)
        return;
    search->is_assigned = cf_assignments_have(&apis, search->slug);
    cf_assignments_release(&apis);
}

static enum cf_error state_of(const struct search *search, const struct cf_version *version)
{
    const struct cf_app *app = &search->app;

    if (app->place == CF_IN_TRASH || cf_version_state(app, version, search->now) == CF_REVOKED)
        return CF_EREVOKED;
    if (app->disabled)
        return CF_EDISABLED;
    if (cf_app_usable(app, search->now) != CF_OK || cf_version_usable(app, version, search->now) != CF_OK)
        return CF_EEXPIRED;
    return search->is_assigned ? CF_OK : CF_EFORBIDDEN;
}

/* How well off a credential is. */
static int rank(enum cf_error result)
{
    static const enum cf_error order[] = {CF_EUNKNOWN,  CF_EREVOKED,   CF_EEXPIRED,
                                          CF_EDISABLED, CF_EFORBIDDEN, CF_OK};
    int at = 0;

    while (order[at] != result)
        at++;
    return at;
}

/* Rows come in the order of Apps and versions: of an App's equally good versions the last one counts. */
static void take_better(struct search *search, const struct cf_version *version, enum cf_error result)
{
    struct cf_answer *best = &search->best;
    const bool is_same = memcmp(best->id, search->app.id, CF_ID_SIZE) == 0;

    if (rank(result) < rank(best->result) || (rank(result) == rank(best->result) && !is_same))
        return;
    best->result = result;
    best->version = version->number;
    memcpy(best->id, search->app.id, CF_ID_SIZE);
    memcpy(best->app, search->app.name, sizeof best->app);
}

/* What of a row is compared. */
struct row {
    struct cf_version version;
    struct cf_value key, secret;
    bool has_key, has_secret;
};

static enum cf_error read_value(struct search *search, const struct cf_version *version, enum cf_field field,
                                struct cf_value *value, bool *has)
{
    const enum cf_error error = cf_version_value(search->txn, &search->app, version, field, value);

    *has = error == CF_OK;
    return error == CF_ENOKEY ? CF_OK : error;
}

static enum cf_error read_row(struct search *search, int64_t serial, int64_t number, struct row *row)
{
    enum cf_error error;

    enter_app(search, serial);
    error = search->app_error;
    if (error == CF_OK)
        error = cf_version_get(search->txn, &search->app, number, &row->version);
    if (error == CF_OK)
        error = read_value(search, &row->version, CF_KEY, &row->key, &row->has_key);
    if (error == CF_OK)
        error = read_value(search, &row->version, CF_SECRET, &row->secret, &row->has_secret);
    if (error == CF_OK && !(search->presented->has_secret ? row->has_secret : row->has_key))
        error = CF_ETAMPER; /* the index has it, so that it must be there */
    return error == CF_ENOENT ? CF_ETAMPER : error;
}

/* Look at a version that has, or stands in for, the presented fingerprint. */
static void look_at(struct search *search, int64_t serial, int64_t number, bool is_presented)
{
    const struct presented *presented = search->presented;
    struct row row = {.has_key = false};
    const enum cf_error error = read_row(search, serial, number, &row);
    const bool key_agrees = cf_equal(row.key.fingerprint, presented->key, CF_FINGERPRINT_SIZE) && row.has_key;
    const bool secret_agrees =
        cf_equal(row.secret.fingerprint, presented->secret, CF_FINGERPRINT_SIZE) && row.has_secret;
    const bool agrees = presented->has_secret ? secret_agrees : !search->needs_secret;

    if (error == CF_OK && key_agrees && agrees)
        take_better(search, &row.version, state_of(search, &row.version));
    else if (error != CF_OK && is_presented)
        search->error = error;
}

static const uint8_t *looked_for(const struct presented *presented)
{
    return presented->has_secret ? presented->secret : presented->key;
}

/* All rows from here on that have the fingerprint of this one, as far as any may be better than what was found. */
static enum cf_error look_at_equals(struct search *search, struct cf_rows *rows)
{
    uint8_t first[CF_FINGERPRINT_SIZE];
    enum cf_error error = CF_OK;
    size_t len;
    const void *found = cf_sql_blob(rows, 2, &len);
    bool row = len == sizeof first, is_presented;

    if (!row)
        return CF_OK; /* no fingerprint: it is nobody's */
    memcpy(first, found, sizeof first);
    is_presented = cf_equal(first, looked_for(search->presented), sizeof first);
    while (error == CF_OK && row) {
        const int64_t serial = cf_sql_int(rows, 0);
        look_at(search, serial, cf_sql_int(rows, 1), is_presented);
        error = cf_sql_next(rows, &row);
        if (error == CF_OK && row) {
            found = cf_sql_blob(rows, 2, &len);
            row = len == sizeof first && memcmp(found, first, sizeof first) == 0 &&
                  (search->best.result != CF_OK || cf_sql_int(rows, 0) == serial);
        }
    }
    return error;
}

/* The first row of the index is always read too: it stands in where the presented one would be the last. */
static enum cf_error find(struct search *search)
{
#define ROWS_OF(field, which)                                                      \
    "SELECT app, version, fingerprint FROM value WHERE field = '" field "' " which \
    "ORDER BY fingerprint, app, version"
    static const char from_key[] = ROWS_OF("key", "AND fingerprint >= ? "), lowest_key[] = ROWS_OF("key", "");
    static const char from_secret[] = ROWS_OF("secret", "AND fingerprint >= ? "),
                      lowest_secret[] = ROWS_OF("secret", "");
#undef ROWS_OF
    const bool has_secret = search->presented->has_secret;
    struct cf_rows *from = NULL, *lowest = NULL;
    bool has_from = false, has_lowest = false;
    enum cf_error error = cf_sql_query(search->txn->db, &from, has_secret ? from_secret : from_key, "b",
                                       looked_for(search->presented), (size_t)CF_FINGERPRINT_SIZE);

    if (error == CF_OK)
        error = cf_sql_next(from, &has_from);
    if (error == CF_OK)
        error = cf_sql_query(search->txn->db, &lowest, has_secret ? lowest_secret : lowest_key, "");
    if (error == CF_OK)
        error = cf_sql_next(lowest, &has_lowest);
    if (error == CF_OK && (has_from || has_lowest))
        error = look_at_equals(search, has_from ? from : lowest);
    cf_sql_done(from);
    cf_sql_done(lowest);
    return error;
}

static enum cf_error answer_in(struct search *search, int64_t serial)
{
    struct cf_api_row row;
    const struct cf_api *api;
    enum cf_error error = cf_api_by_serial(search->txn, serial, &row);

    if (error != CF_OK)
        return error;
    api = cf_catalogue_find(search->vault->catalogue, row.slug);
    memcpy(search->slug, row.slug, sizeof search->slug);
    search->needs_secret = api == NULL || api->method->uses_secret;
    error = find(search);
    /* A good row of the credential is enough; where there is none, one that does not verify may have been it. */
    return error == CF_OK && search->best.result != CF_OK ? search->error : error;
}

/* --- the record --- */

static enum cf_error record(struct cf_vault *vault, struct cf_caller *caller, const struct search *search)
{
    const struct cf_answer *answer = &search->best;
    const bool is_known = answer->result != CF_EUNKNOWN;
    const char *last4 = search->presented->last4;
    char detail[CF_SLUG_MAX + 32];
    const struct cf_event event = {.caller = caller,
                                   .op = cf_action_word(CF_VERIFY),
                                   .app = is_known ? answer->app : NULL,
                                   .id = is_known ? answer->id : NULL,
                                   .file = cf_action_word(CF_VERIFY),
                                   .version = answer->version,
                                   .result = answer->result,
                                   .detail = detail};

    snprintf(detail, sizeof detail, "%s%s%s", search->slug, *last4 != '\0' ? ", key …" : "", last4);
    return cf_vault_record(vault, &event);
}

/* One record a second for each user who asks too often: the log tells of a flood, and is not flooded. */
static enum cf_error may_ask(struct cf_vault *vault, struct cf_caller *caller)
{
    const struct cf_event event = {.caller = caller,
                                   .op = cf_action_word(CF_VERIFY),
                                   .file = cf_action_word(CF_VERIFY),
                                   .result = CF_EAGAIN,
                                   .why = "more than verify-rate allows"};
    bool is_first;
    enum cf_error error = cf_rate_take(vault->rates, caller->uid, vault->config->verify_rate, cf_now(), &is_first);

    if (error == CF_EAGAIN && is_first) {
        enum cf_error unrecorded = cf_vault_record(vault, &event);
        return unrecorded != CF_OK ? unrecorded : error;
    }
    return error;
}

enum cf_error cf_verify(struct cf_vault *vault, struct cf_caller *caller, int64_t api, const char *text, size_t len,
                        struct cf_answer *answer)
{
    struct presented presented;
    struct cf_txn txn = {0};
    struct search search = {
        .vault = vault, .txn = &txn, .presented = &presented, .now = cf_now(), .best = {.result = CF_EUNKNOWN}};
    enum cf_error error = may_ask(vault, caller);

    if (error == CF_OK)
        error = read_presented(cf_store_keys(vault->store), text, len, &presented);
    if (error == CF_OK)
        error = cf_txn_read(vault->store, &txn);
    if (error == CF_OK)
        error = answer_in(&search, api);
    cf_txn_end(&txn);
    if (error == CF_OK)
        error = record(vault, caller, &search);
    if (error == CF_OK)
        *answer = search.best;
    return error;
}

void cf_answer_print(const struct cf_answer *answer, struct cf_text *out)
{
    cf_text_puts(out, cf_error_word(answer->result));
    if (answer->result == CF_OK)
        cf_text_printf(out, " %s %lld", answer->app, (long long)answer->version);
    cf_text_puts(out, "\n");
}
