#include "print.h"

#include "api.h"
#include "assignment.h"
#include "clock.h"
#include "credential.h"
#include "grant.h"
#include "note.h"

#include <string.h>

static void print_time(struct cf_text *out, const char *name, int64_t time)
{
    char text[CF_TIME_SIZE];

    cf_time_format(time, text);
    cf_text_printf(out, "%s = %s\n", name, text);
}

static void print_user(struct cf_text *out, const char *name, uint32_t uid)
{
    cf_text_printf(out, "%s = ", name);
    cf_user_print(uid, out);
    cf_text_puts(out, "\n");
}

static const char *state_word(const struct cf_app *app)
{
    if (app->place == CF_IN_TRASH)
        return "deleted";
    if (app->disabled)
        return "disabled";
    return cf_app_usable(app, cf_now()) == CF_OK ? "enabled" : "expired";
}

static void print_head(const struct cf_vault *vault, const struct cf_app *app, struct cf_text *out)
{
    char id[2 * CF_ID_SIZE + 1];

    cf_hex(app->id, CF_ID_SIZE, id);
    cf_text_printf(out, "name = %s\nid = %s\nstate = %s\n", app->name, id, state_word(app));
    print_time(out, "created", app->created);
    print_user(out, "created-by", app->created_by);
    print_time(out, "updated", app->updated);
    print_user(out, "updated-by", app->updated_by);
    if (app->place == CF_IN_TRASH) {
        print_time(out, "deleted", app->trashed);
        print_time(out, "destroyed-after", app->trashed + vault->config->trash);
    }
    if (app->expires != 0)
        print_time(out, "expires", app->expires);
    else
        cf_text_puts(out, "expires = never\n");
    cf_text_printf(out, "generation = %lld\n", (long long)app->generation);
}

static void print_note(void *arg, const char *name, const char *value)
{
    cf_text_printf(arg, "%s = %s\n", name, value);
}

static enum cf_error print_key(struct cf_txn *txn, const struct cf_app *app, int64_t version, struct cf_text *out)
{
    char fingerprint[2 * CF_FINGERPRINT_SIZE + 1];
    struct cf_value value;
    enum cf_error error = cf_value_stat(txn, app, version, CF_KEY, &value);

    if (error != CF_OK)
        return error == CF_ENOKEY ? CF_OK : error;
    cf_hex(value.fingerprint, CF_FINGERPRINT_SIZE, fingerprint);
    cf_text_printf(out, "key-fingerprint = %s\n", fingerprint);
    if (value.last4[0] != '\0')
        cf_text_printf(out, "key-last4 = %s\n", value.last4);
    return CF_OK;
}

enum cf_error cf_print_version(struct cf_txn *txn, const struct cf_app *app, const struct cf_version *version,
                               struct cf_text *out)
{
    const int64_t now = cf_now();
    const enum cf_version_state state = cf_version_state(app, version, now);
    int64_t since;
    enum cf_error error = cf_version_since(txn, app, version, now, &since);

    if (error != CF_OK)
        return error;
    cf_text_printf(out, "version = %lld\nstate = %s\n", (long long)version->number, cf_version_state_word(state));
    if (since != 0)
        print_time(out, "since", since);
    if (state == CF_RETIRING)
        print_time(out, "until", version->deadline);
    print_time(out, "created", version->created);
    print_user(out, "created-by", version->created_by);
    cf_text_puts(out, "fields =");
    for (int i = 0; i < CF_FIELD_COUNT; i++)
        if ((version->fields & 1U << i) != 0)
            cf_text_printf(out, " %s", cf_field_word((enum cf_field)i));
    cf_text_puts(out, "\n");
    return print_key(txn, app, version->number, out);
}

/* A word and a time, where there is one. */
static void add_time(struct cf_text *out, const char *word, int64_t time)
{
    char text[CF_TIME_SIZE];

    if (time == 0)
        return;
    cf_time_format(time, text);
    cf_text_printf(out, " %s %s", word, text);
}

static enum cf_error print_versions(struct cf_txn *txn, const struct cf_app *app, struct cf_text *out)
{
    struct cf_version versions[CF_VERSIONS_MOST];
    const int64_t now = cf_now();
    size_t count;
    enum cf_error error = cf_version_list(txn, app, versions, &count);

    if (error != CF_OK)
        return error;
    cf_text_printf(out, "version = %lld\n", (long long)app->version);
    for (size_t i = 0; error == CF_OK && i < count; i++) {
        enum cf_version_state state = cf_version_state(app, &versions[i], now);
        int64_t since;
        error = cf_version_since(txn, app, &versions[i], now, &since);
        if (error != CF_OK)
            break;
        cf_text_printf(out, "version.%lld = %s", (long long)versions[i].number, cf_version_state_word(state));
        add_time(out, "since", since);
        add_time(out, "until", state == CF_RETIRING ? versions[i].deadline : 0);
        cf_text_puts(out, "\n");
    }
    return error;
}

/* The fields that the API needs beside key and secret and that have no value yet, each with a blank before it. */
static void missing_fields(const struct cf_api *api, unsigned have, struct cf_text *out)
{
    const char *cursor = api->fields, *end = cursor + strlen(cursor);
    const char *word;
    size_t len;

    while ((word = cf_word_next(&cursor, end, &len)) != NULL) {
        enum cf_field field = cf_field_find(word, len);
        if (field == CF_NO_FIELD || (have & 1U << field) == 0)
            cf_text_printf(out, " %.*s", (int)len, word);
    }
}

static void print_api_state(struct cf_vault *vault, const struct cf_assignment *one, unsigned fields,
                            struct cf_text *out)
{
    const struct cf_api *api = cf_catalogue_find(vault->catalogue, one->slug);
    const int64_t agreed = one->since + vault->config->propagation;
    struct cf_text missing = {0};
    char time[CF_TIME_SIZE];

    cf_text_printf(out, "api.%s = ", one->slug);
    if (api != NULL)
        missing_fields(api, fields, &missing);
    cf_time_format(agreed, time);
    if (api == NULL)
        cf_text_puts(out, "unknown\n");
    else if (missing.len > 0)
        cf_text_printf(out, "pending%s\n", missing.data);
    else if (cf_now() < agreed)
        cf_text_printf(out, "propagating until %s\n", time);
    else
        cf_text_puts(out, "approved\n");
    cf_text_release(&missing);
}

static enum cf_error print_api_states(struct cf_vault *vault, struct cf_txn *txn, const struct cf_app *app,
                                      struct cf_text *out)
{
    struct cf_assignments list;
    struct cf_version current;
    enum cf_error error = cf_version_get(txn, app, app->version, &current);

    if (error == CF_OK)
        error = cf_assignments_load(txn, app, vault->catalogue, &list);
    if (error != CF_OK)
        return error;
    for (size_t i = 0; i < list.count; i++)
        print_api_state(vault, &list.at[i], current.fields, out);
    cf_assignments_release(&list);
    return CF_OK;
}

enum cf_error cf_print_info(struct cf_vault *vault, struct cf_txn *txn, const struct cf_app *app,
                            struct cf_text *out)
{
    enum cf_error error;

    print_head(vault, app, out);
    error = cf_note_each(txn, app, print_note, out);
    if (error == CF_OK)
        error = print_key(txn, app, app->version, out);
    if (error == CF_OK)
        error = print_versions(txn, app, out);
    return error == CF_OK ? print_api_states(vault, txn, app, out) : error;
}

enum cf_error cf_print_apis(struct cf_vault *vault, struct cf_txn *txn, const struct cf_app *app,
                            struct cf_text *out)
{
    struct cf_assignments list;
    enum cf_error error = cf_assignments_load(txn, app, vault->catalogue, &list);

    if (error != CF_OK)
        return error;
    for (size_t i = 0; i < list.count; i++)
        cf_text_printf(out, "%s\n", list.at[i].slug);
    cf_assignments_release(&list);
    return CF_OK;
}

static void print_list(struct cf_grants *list, struct cf_text *out)
{
    for (size_t i = 0; i < list->count; i++) {
        cf_grant_print(&list->at[i], CF_BY_NAME, out);
        cf_text_puts(out, "\n");
    }
    cf_grants_release(list);
}

enum cf_error cf_print_grants(struct cf_txn *txn, const struct cf_app *app, struct cf_text *out)
{
    struct cf_grants list;
    enum cf_error error = cf_grants_load(txn, app, &list);

    if (error == CF_OK)
        print_list(&list, out);
    return error;
}

enum cf_error cf_print_assignees(struct cf_txn *txn, const char *slug, struct cf_text *out)
{
    struct cf_api_row api;
    struct cf_grants list;
    enum cf_error error = cf_api_by_slug(txn, slug, &api);

    if (error == CF_OK)
        error = cf_assignees_load(txn, &api, &list);
    if (error == CF_OK)
        print_list(&list, out);
    return error;
}

static bool print_app_name(void *arg, const struct cf_app *app)
{
    cf_text_printf(arg, "%s\n", app->name);
    return true;
}

enum cf_error cf_print_api_apps(struct cf_txn *txn, const char *slug, struct cf_text *out)
{
    return cf_assignment_apps(txn, slug, print_app_name, out);
}
