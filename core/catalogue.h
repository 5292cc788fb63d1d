/* catalogue.h: the known APIs, as data.
 *
 * Built in from core/catalogue.ini; a site's own files (in the same form) add to it, and can name the products of an
 * API that is there. Order is the order of the files. Read-only once loaded.
 */
#ifndef CF_CATALOGUE_H
#define CF_CATALOGUE_H

#include "error.h"
#include "part.h"
#include "source.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>

/* Lines with places for values (part.h). */
struct cf_lines {
    struct cf_parts *at;
    size_t count;
};

/* A way of authenticating, a section [method NAME]. All strings are owned by the catalogue. */
struct cf_method {
    const char *name;           /* "oauth2", … */
    const char *token_url;      /* where an access token comes from; NULL if none */
    const char *sends;          /* one line: what a client sends */
    bool uses_secret;           /* or the key alone is enough */
    struct cf_lines headers;    /* of each call, "NAME: VALUE"; none: nobody said */
    struct cf_parts token_user; /* of the request for an access token: NAME:PASSWORD for HTTP Basic, or nothing */
    struct cf_lines token_headers; /* "NAME: VALUE" */
    struct cf_lines token_form;    /* "NAME=VALUE", where the value is still to be encoded */
};

/* An API, a section [SLUG]. */
struct cf_api {
    const char *slug;
    const char *title;
    const char *key_process; /* "console" or "console+email" */
    const struct cf_method *method;
    const char *fields;     /* beside key and secret, words; "" if none */
    const char *base_url;   /* with {region} where there is one */
    const char *products;   /* what the vendor calls it in token responses, "NAME, NAME"; its slug if not given */
    const char *assignment; /* the user assignment it needs ("Cloud Storage API"), or NULL */
    bool retired;
    size_t order; /* its place in the catalogue, from 0 */
};

struct cf_catalogue;

/* Load the built-in catalogue, then files (NULL-terminated; NULL for none), through sources.
 * Returns 0, or what cf_sources_text gives, CF_ECONFIG naming file, line and reason: a slug that is not one or is
 * doubled, an unknown name, a missing title, key-process, method or base-url, a header that is none, an unknown
 * place. */
CF_CHECKED enum cf_error cf_catalogue_load(const char *const *files, struct cf_sources *sources,
                                           struct cf_catalogue **out, struct cf_fault *fault);
void cf_catalogue_free(struct cf_catalogue *catalogue);

size_t cf_catalogue_count(const struct cf_catalogue *catalogue);
const struct cf_api *cf_catalogue_at(const struct cf_catalogue *catalogue, size_t order);

/* The API of this slug, or NULL. */
const struct cf_api *cf_catalogue_find(const struct cf_catalogue *catalogue, const char *slug);

/* All about it, `name = value` lines. */
void cf_api_print(const struct cf_api *api, struct cf_text *out);

#endif
