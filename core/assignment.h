/* assignment.h: which APIs an App may use, as rows.
 *
 * Each row carries a MAC, and the App's row a sum over all of them: a row put in, taken away or put back by hand
 * gives CF_ETAMPER.
 */
#ifndef CF_ASSIGNMENT_H
#define CF_ASSIGNMENT_H

#include "app.h"
#include "catalogue.h"
#include "credential.h"

struct cf_assignment {
    char slug[CF_SLUG_MAX + 1];
    int64_t since;
    uint32_t by; /* uid */
};

struct cf_assignments {
    struct cf_assignment *at; /* in catalogue order; slugs that the catalogue does not know come last */
    size_t count;
};

CF_CHECKED enum cf_error cf_assignments_load(struct cf_txn *txn, const struct cf_app *app,
                                             const struct cf_catalogue *catalogue, struct cf_assignments *list);
void cf_assignments_release(struct cf_assignments *list);
bool cf_assignments_have(const struct cf_assignments *list, const char *slug);

/* Does one of them authenticate with this field, beside key and secret? */
bool cf_assignments_want(const struct cf_assignments *list, const struct cf_catalogue *catalogue,
                         enum cf_field field);

/* Add or take away one; then cf_assignments_seal once, before the App is written. */
CF_CHECKED enum cf_error cf_assignment_add(struct cf_txn *txn, const struct cf_app *app, const char *slug,
                                           uint32_t by);
/* The same with the times and users of an earlier one. */
CF_CHECKED enum cf_error cf_assignment_put(struct cf_txn *txn, const struct cf_app *app,
                                           const struct cf_assignment *one);
CF_CHECKED enum cf_error cf_assignment_remove(struct cf_txn *txn, const struct cf_app *app, const char *slug);
CF_CHECKED enum cf_error cf_assignments_seal(struct cf_txn *txn, struct cf_app *app);

/* The Apps of apps/ that have this API, in the order of serials. */
CF_CHECKED enum cf_error cf_assignment_apps(struct cf_txn *txn, const char *slug, cf_app_visit *each, void *arg);

#endif
