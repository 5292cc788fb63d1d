/* view_print.h: one state of an App as the texts of its views. For view.c alone, and its tests.
 *
 * Nothing here reads a store: what is printed depends on its arguments alone. A text is made in two passes through one
 * sink, the first of which counts: it goes into a secret of just that size, and no copy of a value is left behind.
 */
#ifndef CF_VIEW_PRINT_H
#define CF_VIEW_PRINT_H

#include "assignment.h"
#include "view.h"

/* One state of an App. Release it with cf_view_source_release. */
struct cf_view_source {
    struct cf_app app;
    struct cf_version version;
    struct cf_assignments apis;
    struct cf_secret *value[CF_FIELD_COUNT]; /* NULL where there is none; owned */
    struct cf_secret *access_token;          /* NULL while it is not there: it counts as it always does; owned */
};

void cf_view_source_release(struct cf_view_source *source);

/* How long the text is, and the text. *out: owned by the caller, NULL on failure.
 * Returns 0; CF_ENOKEY where a value that is named is not set; CF_EUNFIT; CF_ETOOBIG past CF_SECRET_LARGEST;
 * CF_ENOENT where the view is that of an API whose method has none, or that the App does not have; CF_ENOMEM. */
CF_CHECKED enum cf_error cf_view_measure(const struct cf_view_source *source, const struct cf_view *view,
                                         size_t *len);
CF_CHECKED enum cf_error cf_view_print(const struct cf_view_source *source, const struct cf_view *view,
                                       struct cf_secret **out);

/* Does the view show an access token? */
bool cf_view_fetches(const struct cf_view *view);

/* The curl configuration that asks for it, as struct cf_token_request has it. Returns the same. */
CF_CHECKED enum cf_error cf_token_request_print(const struct cf_view_source *source, const struct cf_method *method,
                                                struct cf_secret **out);

/* --- for view_print.c and view_curl.c --- */

struct cf_sink {
    uint8_t *bytes; /* NULL: it only counts */
    size_t len;
    enum cf_error error; /* the first one */
};

void cf_sink_add(struct cf_sink *sink, const void *bytes, size_t len);
void cf_sink_puts(struct cf_sink *sink, const char *string);
void cf_sink_fail(struct cf_sink *sink, enum cf_error error);

/* What prints a text; what: of what kind it is. */
typedef void cf_sink_print(struct cf_sink *sink, const struct cf_view_source *source, const void *what);

/* Run it twice. */
CF_CHECKED enum cf_error cf_sink_secret(cf_sink_print *print, const struct cf_view_source *source, const void *what,
                                        struct cf_secret **out);

cf_sink_print cf_view_print_curl; /* what: a struct cf_view */

#endif
