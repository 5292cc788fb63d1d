/* grant.h: rights that are rows: who may read an App or one field of it (grants), and which users may give an API
 * to Apps (assignees). Both are lists of principals with an owner, kept and verified alike: a MAC a row, and a sum
 * over all rows of an owner, kept with the owner.
 */
#ifndef CF_GRANT_H
#define CF_GRANT_H

#include "api.h"
#include "app.h"
#include "catalogue.h"
#include "credential.h"
#include "principal.h"

struct cf_grant {
    struct cf_principal who;
    enum cf_field field; /* CF_NO_FIELD: the whole App */
    int64_t since;
    uint32_t by; /* uid */
};

/* Read "user:web", "group:ops key": a principal, perhaps a field, and nothing else. since and by stay.
 * Returns 0, what cf_principal_parse gives, CF_EVALUE. */
CF_CHECKED enum cf_error cf_grant_parse(const char *text, size_t len, struct cf_grant *grant);

/* Add it in that form, its principal by name or by number. */
enum cf_grant_form { CF_BY_NAME, CF_BY_NUMBER };
void cf_grant_print(const struct cf_grant *grant, enum cf_grant_form form, struct cf_text *out);

struct cf_grants {
    struct cf_grant *at; /* users, then groups, by number */
    size_t count;
    size_t room; /* that at has; 0 of a list that is not grown */
};

/* Add one at the end; then, when all are there, sort. */
CF_CHECKED enum cf_error cf_grants_add(struct cf_grants *list, const struct cf_grant *grant);
void cf_grants_sort(struct cf_grants *list);

/* Where a grant of the same principal and field stands in a list, or list->count. */
size_t cf_grants_find(const struct cf_grants *list, const struct cf_grant *grant);

/* The grants of an App. Returns 0, CF_ETAMPER, CF_EIO, CF_ENOMEM. */
CF_CHECKED enum cf_error cf_grants_load(struct cf_txn *txn, const struct cf_app *app, struct cf_grants *list);

/* The assignees of an API; field is always CF_NO_FIELD. */
CF_CHECKED enum cf_error cf_assignees_load(struct cf_txn *txn, const struct cf_api_row *api,
                                           struct cf_grants *list);

/* Is the caller among the assignees of the API of this slug? Not of one that the store does not know yet.
 * Returns 0, CF_ETAMPER, CF_EIO, CF_ENOMEM; then *is is false. */
CF_CHECKED enum cf_error cf_is_assignee(struct cf_txn *txn, const char *slug, struct cf_caller *caller, bool *is);

void cf_grants_release(struct cf_grants *list);

/* The order of lists: by principal, then field. */
int cf_grant_order(const struct cf_grant *a, const struct cf_grant *b);

/* Replace all of them. Rows that stay keep their since and by. The App is updated in memory and written by who
 * calls; an API's row is written at once. list: in the order that loading gives, no principal and field twice. */
CF_CHECKED enum cf_error cf_grants_store(struct cf_txn *txn, struct cf_app *app, const struct cf_grants *list);
CF_CHECKED enum cf_error cf_assignees_store(struct cf_txn *txn, struct cf_api_row *api,
                                            const struct cf_grants *list);

/* Give a slug that has no row one, without assignees; or every API of a catalogue that has none. */
CF_CHECKED enum cf_error cf_api_add(struct cf_txn *txn, const char *slug);
CF_CHECKED enum cf_error cf_api_register(struct cf_txn *txn, const struct cf_catalogue *catalogue);

/* The serials of Apps in apps/ past after, in order, on which this caller has some grant. *serials: owned by the
 * caller. A hint for listings: each is judged before it is shown. */
CF_CHECKED enum cf_error cf_granted_apps(struct cf_txn *txn, struct cf_caller *caller, int64_t after,
                                         int64_t **serials, size_t *count);

#endif
