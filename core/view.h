/* view.h: an App rendered for injection: what its directory's views/ holds.
 *
 *   env         NAME=value lines, sorted: API_KEY, API_SECRET and so on, and APIS. Unquoted, as only that is read
 *               alike by sh, docker --env-file, python-dotenv and npm's dotenv: a value that has anything but
 *               letters, digits, %+,-./:=@_ and what is not ASCII (and is no white space) is not carried, CF_EUNFIT
 *   json        one object: the fields, app, apis
 *   properties  Java's: escaped, what is not ASCII as \uXXXX
 *   curl/SLUG   a curl configuration that authenticates as the method of that API demands (catalogue.h); where that
 *               takes an access token, it is fetched
 *   the site's  a template of the site's own (template.h)
 *
 * A view shows the current version, and is one state of the App. Rendering it is a reveal: it takes the right to reveal
 * the whole App.
 */
#ifndef CF_VIEW_H
#define CF_VIEW_H

#include "template.h"
#include "vault.h"

enum cf_view_form { CF_VIEW_ENV, CF_VIEW_JSON, CF_VIEW_PROPERTIES, CF_VIEW_CURL, CF_VIEW_SITE };

struct cf_view {
    enum cf_view_form form;
    const struct cf_api *api;           /* CF_VIEW_CURL: one that the App has */
    const struct cf_template *template; /* CF_VIEW_SITE */
};

/* A rendered view as an open file keeps it: sealed, in ordinary memory. Release it with cf_rendered_release. */
struct cf_rendered {
    uint8_t id[CF_ID_SIZE]; /* of the App */
    int64_t version;
    size_t len;    /* of the text */
    uint64_t mark; /* keyed hash of the text: equal texts of one store have equal ones */
    struct cf_sealed sealed;
};

/* Fetch an access token. request: a curl configuration, secret, that asks for it. id, version, method: what the token
 * is for; equal ones may get the same token for as long as it is good. *token: owned by the caller, at most
 * CF_TOKEN_MAX bytes.
 * Returns 0, CF_EREJECTED when the service does not accept the credential, CF_EUNREACHABLE, CF_EAGAIN, CF_ENOMEM. */
enum { CF_TOKEN_MAX = 3072 };
struct cf_token_request {
    const uint8_t *id; /* CF_ID_SIZE bytes */
    int64_t version;
    const struct cf_method *method;
    const struct cf_secret *config;
};
typedef enum cf_error cf_token_fetch(void *arg, const struct cf_token_request *request, struct cf_secret **token);

/* Judge, render and record: the open of a view for reading. file: its path below the App, for the record. No
 * transaction is open while fetch runs; it runs only for who may reveal.
 * Returns 0; CF_ENOENT; CF_EDENIED, CF_EUNASKED, CF_EREVOKED, CF_EEXPIRED; CF_ENOKEY where a value that the view shows
 * by name is not set; CF_EUNFIT; CF_ETOOBIG; CF_ETAMPER; CF_EAUDIT; what fetch returns. */
CF_CHECKED enum cf_error cf_view_reveal(struct cf_vault *vault, struct cf_caller *caller, int64_t serial,
                                        const struct cf_view *view, const char *file, cf_token_fetch *fetch,
                                        void *arg, struct cf_rendered *out);

/* The same for who was judged before, at an open that is gone on with: neither judged nor recorded. */
CF_CHECKED enum cf_error cf_view_again(struct cf_vault *vault, int64_t serial, const struct cf_view *view,
                                       cf_token_fetch *fetch, void *arg, struct cf_rendered *out);

/* The text of a rendered view, asking again whether the credential is good. *out: owned by the caller, NULL on failure.
 * Returns what cf_vault_value does. */
CF_CHECKED enum cf_error cf_view_text(struct cf_vault *vault, int64_t serial, const struct cf_rendered *rendered,
                                      struct cf_secret **out);

/* The length of the text that rendering it now would give; 0 where it would give none. One that holds an access token
 * is padded with a comment, so that the length does not hang on the token. */
CF_CHECKED enum cf_error cf_view_length(struct cf_vault *vault, struct cf_txn *txn, const struct cf_app *app,
                                        const struct cf_view *view, size_t *len);

void cf_rendered_release(struct cf_rendered *rendered);

/* Can views/env carry the value? */
bool cf_view_env_carries(const char *value, size_t len);

#endif
