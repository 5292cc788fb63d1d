#include "view.h"

#include "vault_inside.h"
#include "view_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a sealed text is bound to, beside App and version. */
static const char sealed_as[] = "view";

/* --- reading one state of an App ---------------------------------------------------------------------------------- */

/* Read the values and APIs of the App and version that stand in source. */
static enum cf_error read_values(struct cf_vault *vault, struct cf_txn *txn, struct cf_view_source *source)
{
    enum cf_error error = cf_assignments_load(txn, &source->app, vault->catalogue, &source->apis);

    for (int i = 0; error == CF_OK && i < CF_FIELD_COUNT; i++)
        if ((source->version.fields & 1U << i) != 0)
            error = cf_value_open(txn, &source->app, source->version.number, (enum cf_field)i, &source->value[i]);
    return error;
}

static enum cf_error read_app(struct cf_txn *txn, int64_t serial, struct cf_view_source *source)
{
    enum cf_error error = cf_app_by_serial(txn, serial, &source->app);

    return error == CF_OK ? cf_version_get(txn, &source->app, source->app.version, &source->version) : error;
}

/* --- making the text ---------------------------------------------------------------------------------------------- */

/* Is it one that may stand in a header: VSCHAR (RFC 6749, appendix A.12)? */
static bool is_token(const struct cf_secret *token)
{
    const uint8_t *bytes = cf_secret_peek(token);
    const size_t len = cf_secret_len(token);

    for (size_t i = 0; i < len; i++)
        if (bytes[i] <= 0x20 || bytes[i] >= 0x7F)
            return false;
    return len > 0;
}

static enum cf_error fetch_token(struct cf_view_source *source, const struct cf_method *method,
                                 cf_token_fetch *fetch, void *arg)
{
    struct cf_token_request request = {.id = source->app.id, .version = source->version.number, .method = method};
    struct cf_secret *config;
    enum cf_error error = cf_token_request_print(source, method, &config);

    if (error != CF_OK)
        return error;
    request.config = config;
    error = fetch(arg, &request, &source->access_token);
    cf_secret_free(config);
    return error == CF_OK && !is_token(source->access_token) ? CF_EUNFIT : error;
}

static enum cf_error seal(const struct cf_vault *vault, const struct cf_view_source *source,
                          const struct cf_secret *text, struct cf_rendered *out)
{
    const struct cf_keys *keys = cf_store_keys(vault->store);
    const struct cf_binding binding = {
        .app = source->app.id, .version = source->version.number, .field = sealed_as};
    uint8_t hash[CF_MAC_SIZE];
    struct cf_mac mac;

    out->sealed.len = cf_secret_len(text) + CF_SEAL_OVERHEAD;
    out->sealed.bytes = malloc(out->sealed.len);
    if (out->sealed.bytes == NULL)
        return CF_ENOMEM;
    cf_seal(keys, &binding, text, out->sealed.bytes);
    memcpy(out->id, source->app.id, CF_ID_SIZE);
    out->version = source->version.number;
    out->len = cf_secret_len(text);
    cf_mac_begin(&mac, keys, CF_MAC_ROW, sealed_as);
    cf_mac_bytes(&mac, cf_secret_peek(text), cf_secret_len(text));
    cf_mac_end(&mac, hash);
    memcpy(&out->mark, hash, sizeof out->mark);
    return CF_OK;
}

/* Print and seal. What the text has no room or no value for is found before anything is fetched. */
static enum cf_error render(const struct cf_vault *vault, struct cf_view_source *source, const struct cf_view *view,
                            cf_token_fetch *fetch, void *arg, struct cf_rendered *out)
{
    struct cf_secret *text = NULL;
    size_t len;
    enum cf_error error = cf_view_measure(source, view, &len);

    if (error == CF_OK && cf_view_fetches(view))
        error = fetch_token(source, view->api->method, fetch, arg);
    if (error == CF_OK)
        error = cf_view_print(source, view, &text);
    if (error == CF_OK)
        error = seal(vault, source, text, out);
    cf_secret_free(text);
    return error;
}

/* --- for who reads it --------------------------------------------------------------------------------------------- */

/* Judge as for any reveal of the whole App, and read what it needs. */
static enum cf_error judge_and_read(struct cf_vault *vault, struct cf_caller *caller, int64_t serial,
                                    struct cf_view_source *source, struct cf_verdict *verdict, bool *is_allowed)
{
    struct cf_txn txn;
    enum cf_error error = cf_txn_read(vault->store, &txn);

    if (error == CF_OK)
        error = read_app(&txn, serial, source);
    if (error == CF_OK) {
        cf_judge(&txn, vault->config, caller, CF_REVEAL, &source->app, CF_NO_FIELD, verdict);
        *is_allowed = verdict->error == CF_OK;
        if (*is_allowed)
            verdict->error = cf_credential_usable(&source->app, &source->version, cf_now());
        if (verdict->error == CF_OK)
            verdict->error = read_values(vault, &txn, source);
    }
    cf_txn_end(&txn);
    return error;
}

enum cf_error cf_view_reveal(struct cf_vault *vault, struct cf_caller *caller, int64_t serial,
                             const struct cf_view *view, const char *file, cf_token_fetch *fetch, void *arg,
                             struct cf_rendered *out)
{
    struct cf_view_source source = {0};
    struct cf_verdict verdict = {0};
    bool is_allowed = false;
    enum cf_error error = judge_and_read(vault, caller, serial, &source, &verdict, &is_allowed);

    *out = (struct cf_rendered){0};
    if (error == CF_OK) {
        if (verdict.error == CF_OK)
            verdict.error = render(vault, &source, view, fetch, arg, out);
        if (is_allowed && verdict.error != CF_OK)
            snprintf(verdict.why, sizeof verdict.why, "%s", cf_error_text(verdict.error));
        error = cf_vault_record_reveal(vault, caller, &source.app, source.app.version, file, &verdict);
    }
    if (error != CF_OK)
        cf_rendered_release(out);
    cf_view_source_release(&source);
    return error;
}

enum cf_error cf_view_again(struct cf_vault *vault, int64_t serial, const struct cf_view *view,
                            cf_token_fetch *fetch, void *arg, struct cf_rendered *out)
{
    struct cf_view_source source = {0};
    struct cf_txn txn;
    enum cf_error error = cf_txn_read(vault->store, &txn);

    *out = (struct cf_rendered){0};
    if (error == CF_OK)
        error = read_app(&txn, serial, &source);
    if (error == CF_OK)
        error = cf_credential_usable(&source.app, &source.version, cf_now());
    if (error == CF_OK)
        error = read_values(vault, &txn, &source);
    cf_txn_end(&txn);
    if (error == CF_OK)
        error = render(vault, &source, view, fetch, arg, out);
    cf_view_source_release(&source);
    return error;
}

enum cf_error cf_view_text(struct cf_vault *vault, int64_t serial, const struct cf_rendered *rendered,
                           struct cf_secret **out)
{
    const struct cf_binding binding = {.app = rendered->id, .version = rendered->version, .field = sealed_as};
    struct cf_version version;
    struct cf_app app;
    struct cf_txn txn;
    enum cf_error error = cf_txn_read(vault->store, &txn);

    *out = NULL;
    if (error == CF_OK)
        error = cf_app_by_serial(&txn, serial, &app);
    if (error == CF_OK)
        error = cf_version_still_usable(&txn, &app, rendered->version, cf_now(), &version);
    cf_txn_end(&txn);
    if (error != CF_OK)
        return error;
    return cf_unseal(cf_store_keys(vault->store), &binding, rendered->sealed.bytes, rendered->sealed.len, out);
}

/* Does what it takes to ask for an access token have all its values? */
static bool can_ask(const struct cf_view_source *source, const struct cf_method *method)
{
    struct cf_secret *request;
    enum cf_error error = cf_token_request_print(source, method, &request);

    cf_secret_free(request);
    return error == CF_OK;
}

enum cf_error cf_view_length(struct cf_vault *vault, struct cf_txn *txn, const struct cf_app *app,
                             const struct cf_view *view, size_t *len)
{
    struct cf_view_source source = {.app = *app};
    enum cf_error error = cf_version_get(txn, app, app->version, &source.version);

    *len = 0;
    if (error == CF_OK)
        error = read_values(vault, txn, &source);
    if (error == CF_OK) /* what it cannot show has no length */
        (void)!cf_view_measure(&source, view, len);
    if (*len > 0 && cf_view_fetches(view) && !can_ask(&source, view->api->method))
        *len = 0;
    cf_view_source_release(&source);
    return error;
}

void cf_rendered_release(struct cf_rendered *rendered)
{
    free(rendered->sealed.bytes);
    *rendered = (struct cf_rendered){0};
}
