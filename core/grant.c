#include "grant.h"

#include <stdlib.h>
#include <string.h>

enum scope { OF_APP, OF_API };

/* Whose list it is: its rows are bound to the identity, so that none serves another owner. */
struct owner {
    enum scope scope;
    int64_t serial;
    const void *identity;
    size_t identity_len;
};

static struct owner owner_of_app(const struct cf_app *app)
{
    return (struct owner){OF_APP, app->serial, app->id, CF_ID_SIZE};
}

static struct owner owner_of_api(const struct cf_api_row *api)
{
    return (struct owner){OF_API, api->serial, api->slug, strlen(api->slug)};
}

int cf_grant_order(const struct cf_grant *a, const struct cf_grant *b)
{
    int order = cf_principal_order(&a->who, &b->who);

    return order != 0 ? order : strcmp(cf_field_word(a->field), cf_field_word(b->field));
}

enum cf_error cf_grant_parse(const char *text, size_t len, struct cf_grant *grant)
{
    const char *cursor = text, *end = text + len;
    size_t who_len = 0, field_len = 0, more_len = 0;
    const char *who = cf_word_next(&cursor, end, &who_len);
    const char *field = cf_word_next(&cursor, end, &field_len);
    enum cf_error error = who != NULL ? cf_principal_parse(who, who_len, &grant->who) : CF_EVALUE;

    grant->field = field != NULL ? cf_field_find(field, field_len) : CF_NO_FIELD;
    if (error == CF_OK && field != NULL &&
        (grant->field == CF_NO_FIELD || cf_word_next(&cursor, end, &more_len) != NULL))
        error = CF_EVALUE;
    return error;
}

void cf_grant_print(const struct cf_grant *grant, enum cf_grant_form form, struct cf_text *out)
{
    if (form == CF_BY_NAME)
        cf_principal_print(&grant->who, out);
    else
        cf_principal_number(&grant->who, out);
    if (grant->field != CF_NO_FIELD)
        cf_text_printf(out, " %s", cf_field_word(grant->field));
}

static void row_mac(const struct cf_txn *txn, const struct owner *owner, const struct cf_grant *grant,
                    uint8_t mac[static CF_MAC_SIZE])
{
    struct cf_mac state;

    cf_mac_begin(&state, txn->keys, CF_MAC_ROW, owner->scope == OF_APP ? "grant" : "assignee");
    cf_mac_bytes(&state, owner->identity, owner->identity_len);
    cf_mac_int(&state, grant->who.kind);
    cf_mac_int(&state, grant->who.low);
    cf_mac_int(&state, grant->who.high);
    cf_mac_text(&state, cf_field_word(grant->field));
    cf_mac_int(&state, grant->since);
    cf_mac_int(&state, grant->by);
    cf_mac_end(&state, mac);
}

static void sum_begin(struct cf_mac *sum, const struct cf_txn *txn, const struct owner *owner)
{
    cf_mac_begin(sum, txn->keys, CF_MAC_ROW, owner->scope == OF_APP ? "grants" : "assignees");
    cf_mac_bytes(sum, owner->identity, owner->identity_len);
}

static enum cf_error read_row(const struct cf_txn *txn, const struct owner *owner, struct cf_rows *rows,
                              struct cf_grant *grant, struct cf_mac *sum)
{
    const char *field = cf_sql_text(rows, 3);
    uint8_t computed[CF_MAC_SIZE];
    size_t len;
    const void *stored = cf_sql_blob(rows, 6, &len);

    grant->who.kind = cf_sql_int(rows, 0) == CF_USER ? CF_USER : CF_GROUP;
    grant->who.low = (uint32_t)cf_sql_int(rows, 1);
    grant->who.high = (uint32_t)cf_sql_int(rows, 2);
    grant->field = cf_field_find(field, strlen(field));
    grant->since = cf_sql_int(rows, 4);
    grant->by = (uint32_t)cf_sql_int(rows, 5);
    row_mac(txn, owner, grant, computed);
    cf_mac_bytes(sum, computed, CF_MAC_SIZE);
    if (grant->field == CF_NO_FIELD && *field != '\0')
        return CF_ETAMPER;
    return len == CF_MAC_SIZE && cf_equal(stored, computed, CF_MAC_SIZE) ? CF_OK : CF_ETAMPER;
}

enum cf_error cf_grants_add(struct cf_grants *list, const struct cf_grant *grant)
{
    if (list->count == list->room) {
        const size_t room = list->room == 0 ? 8 : list->room * 2;
        struct cf_grant *at = realloc(list->at, room * sizeof *at);
        if (at == NULL)
            return CF_ENOMEM;
        list->at = at;
        list->room = room;
    }
    list->at[list->count++] = *grant;
    return CF_OK;
}

static int by_order(const void *a, const void *b)
{
    return cf_grant_order(a, b);
}

void cf_grants_sort(struct cf_grants *list)
{
    if (list->count > 1)
        qsort(list->at, list->count, sizeof *list->at, by_order);
}

size_t cf_grants_find(const struct cf_grants *list, const struct cf_grant *grant)
{
    size_t i = 0;

    while (i < list->count && cf_grant_order(&list->at[i], grant) != 0)
        i++;
    return i;
}

/* All rows of an owner, each verified, and held against the sum that the owner's row keeps. */
static enum cf_error load(struct cf_txn *txn, const struct owner *owner, const uint8_t sum[static CF_MAC_SIZE],
                          struct cf_grants *list)
{
    uint8_t computed[CF_MAC_SIZE];
    struct cf_grant grant;
    struct cf_rows *rows;
    struct cf_mac state;
    bool row;
    enum cf_error error = cf_sql_query(txn->db, &rows,
                                       "SELECT kind, low, high, field, since, by_user, mac FROM entitlement "
                                       "WHERE scope = ? AND owner = ? ORDER BY kind, low, high, field",
                                       "ii", (int64_t)owner->scope, owner->serial);

    *list = (struct cf_grants){0};
    sum_begin(&state, txn, owner);
    while (error == CF_OK) {
        error = cf_sql_next(rows, &row);
        if (error != CF_OK || !row)
            break;
        error = read_row(txn, owner, rows, &grant, &state);
        if (error == CF_OK)
            error = cf_grants_add(list, &grant);
    }
    cf_sql_done(rows);
    cf_mac_end(&state, computed);
    if (error == CF_OK && !cf_equal(computed, sum, CF_MAC_SIZE))
        error = CF_ETAMPER;
    if (error != CF_OK)
        cf_grants_release(list);
    return error;
}

enum cf_error cf_grants_load(struct cf_txn *txn, const struct cf_app *app, struct cf_grants *list)
{
    const struct owner owner = owner_of_app(app);

    return load(txn, &owner, app->grants_sum, list);
}

enum cf_error cf_assignees_load(struct cf_txn *txn, const struct cf_api_row *api, struct cf_grants *list)
{
    const struct owner owner = owner_of_api(api);

    return load(txn, &owner, api->assignees_sum, list);
}

enum cf_error cf_is_assignee(struct cf_txn *txn, const char *slug, struct cf_caller *caller, bool *is)
{
    struct cf_grants list = {0};
    struct cf_api_row api;
    enum cf_error error = cf_api_by_slug(txn, slug, &api);

    *is = false;
    if (error == CF_OK)
        error = cf_assignees_load(txn, &api, &list);
    for (size_t i = 0; error == CF_OK && i < list.count && !*is; i++)
        *is = cf_principal_matches(&list.at[i].who, caller);
    cf_grants_release(&list);
    return error == CF_ENOENT ? CF_OK : error;
}

void cf_grants_release(struct cf_grants *list)
{
    free(list->at);
    *list = (struct cf_grants){0};
}

static enum cf_error insert(struct cf_txn *txn, const struct owner *owner, const struct cf_grant *grant,
                            const uint8_t mac[static CF_MAC_SIZE])
{
    return cf_sql_run(txn->db,
                      "INSERT INTO entitlement (scope, owner, kind, low, high, field, since, by_user, mac) "
                      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      "iiiiitiib", (int64_t)owner->scope, owner->serial, (int64_t)grant->who.kind,
                      (int64_t)grant->who.low, (int64_t)grant->who.high, cf_field_word(grant->field), grant->since,
                      (int64_t)grant->by, mac, (size_t)CF_MAC_SIZE);
}

/* Write all rows anew, and compute the sum over them. */
static enum cf_error store(struct cf_txn *txn, const struct owner *owner, const struct cf_grants *list,
                           uint8_t sum[static CF_MAC_SIZE])
{
    uint8_t mac[CF_MAC_SIZE];
    struct cf_mac state;
    enum cf_error error = cf_sql_run(txn->db, "DELETE FROM entitlement WHERE scope = ? AND owner = ?", "ii",
                                     (int64_t)owner->scope, owner->serial);

    sum_begin(&state, txn, owner);
    for (size_t i = 0; error == CF_OK && i < list->count; i++) {
        row_mac(txn, owner, &list->at[i], mac);
        cf_mac_bytes(&state, mac, CF_MAC_SIZE);
        error = insert(txn, owner, &list->at[i], mac);
    }
    cf_mac_end(&state, sum);
    return error;
}

enum cf_error cf_grants_store(struct cf_txn *txn, struct cf_app *app, const struct cf_grants *list)
{
    const struct owner owner = owner_of_app(app);

    return store(txn, &owner, list, app->grants_sum);
}

enum cf_error cf_assignees_store(struct cf_txn *txn, struct cf_api_row *api, const struct cf_grants *list)
{
    const struct owner owner = owner_of_api(api);
    enum cf_error error = store(txn, &owner, list, api->assignees_sum);

    return error == CF_OK ? cf_api_update(txn, api) : error;
}

enum cf_error cf_api_add(struct cf_txn *txn, const char *slug)
{
    struct cf_api_row api;
    enum cf_error error = cf_api_insert(txn, slug, &api);

    return error == CF_OK ? cf_assignees_store(txn, &api, &(struct cf_grants){0}) : error;
}

enum cf_error cf_api_register(struct cf_txn *txn, const struct cf_catalogue *catalogue)
{
    enum cf_error error = CF_OK;

    for (size_t i = 0; error == CF_OK && i < cf_catalogue_count(catalogue); i++) {
        const char *slug = cf_catalogue_at(catalogue, i)->slug;
        struct cf_api_row api;
        error = cf_api_by_slug(txn, slug, &api);
        if (error == CF_ETAMPER)
            error = CF_OK; /* stays refused where it is used, and is named by a check */
        else if (error == CF_ENOENT)
            error = cf_api_add(txn, slug);
    }
    return error;
}

struct serials {
    int64_t *at;
    size_t count, room;
};

static enum cf_error granted_to(struct cf_txn *txn, enum cf_principal_kind kind, uint32_t number, int64_t after,
                                struct serials *found)
{
    struct cf_rows *rows;
    bool row;
    enum cf_error error = cf_sql_query(txn->db, &rows,
                                       "SELECT DISTINCT owner FROM entitlement WHERE scope = 0 AND kind = ? AND "
                                       "low <= ? AND high >= ? AND owner > ?",
                                       "iiii", (int64_t)kind, (int64_t)number, (int64_t)number, after);

    while (error == CF_OK) {
        error = cf_sql_next(rows, &row);
        if (error != CF_OK || !row)
            break;
        if (found->count == found->room) {
            size_t more = found->room == 0 ? 16 : found->room * 2;
            int64_t *at = realloc(found->at, more * sizeof *at);
            if (at == NULL) {
                error = CF_ENOMEM;
                break;
            }
            found->at = at;
            found->room = more;
        }
        found->at[found->count++] = cf_sql_int(rows, 0);
    }
    cf_sql_done(rows);
    return error;
}

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

enum cf_error cf_granted_apps(struct cf_txn *txn, struct cf_caller *caller, int64_t after, int64_t **serials,
                              size_t *count)
{
    struct serials found = {0};
    size_t kept = 0;
    enum cf_error error = granted_to(txn, CF_USER, caller->uid, after, &found);

    if (error == CF_OK)
        error = granted_to(txn, CF_GROUP, caller->gid, after, &found);
    cf_caller_load_groups(caller);
    for (size_t i = 0; error == CF_OK && i < caller->group_count; i++)
        error = granted_to(txn, CF_GROUP, caller->groups[i], after, &found);
    if (error != CF_OK) {
        free(found.at);
        return error;
    }
    if (found.count > 0)
        qsort(found.at, found.count, sizeof *found.at, by_number);
    for (size_t i = 0; i < found.count; i++)
        if (kept == 0 || found.at[kept - 1] != found.at[i])
            found.at[kept++] = found.at[i];
    *serials = found.at;
    *count = kept;
    return CF_OK;
}
