/* change_step.h: what every change has in common, for the change_*.c files alone: a writing transaction, an App, and
 * an end that records before it commits.
 */
#ifndef CF_CHANGE_STEP_H
#define CF_CHANGE_STEP_H

#include "change.h"
#include "grant.h"
#include "text.h"

struct cf_change {
    struct cf_vault *vault;
    struct cf_caller *caller;
    const char *op;   /* for the record */
    const char *file; /* or NULL */
    const char *name; /* the App's or API's name as asked for, while there is no App */
    struct cf_txn txn;
    struct cf_app app;
    bool has_app;
    bool touches;  /* the App changed: its generation grows, and its row is written */
    bool destroys; /* the App is no more */
    struct cf_verdict verdict;
    struct cf_text detail;                   /* for the record; never a value */
    struct cf_secret *value[CF_FIELD_COUNT]; /* taken, to be imported */
};

/* Judge an action that needs no App, before the writer's lock is taken. This and the two below give CF_EANSWERED, with
 * the App as it is now, when the change was made before (struct cf_request); cf_change_end makes a success of it. */
CF_CHECKED enum cf_error cf_change_judge(struct cf_change *change, enum cf_action action);

/* Begin a transaction. */
CF_CHECKED enum cf_error cf_change_begin(struct cf_change *change);

/* Begin one on the App of this serial; CF_EFORBIDDEN when it is in the trash, where nothing is edited. */
CF_CHECKED enum cf_error cf_change_begin_app(struct cf_change *change, int64_t serial);

/* Issue the next version of the App. value: CF_FIELD_COUNT of them; base and overlap as in struct cf_issue. What it
 * does to earlier versions goes into the record. CF_EREVOKED when base, or the credential in these values, was
 * revoked. */
CF_CHECKED enum cf_error cf_change_issue(struct cf_change *change, struct cf_secret *const *value, int64_t base,
                                         int64_t overlap);

/* Issue it with a new key and secret. */
CF_CHECKED enum cf_error cf_change_generate(struct cf_change *change, int64_t overlap);

/* For the record: "+audit-records", behind what is there; "+user:web key" for each that list has and other has not. */
void cf_say(struct cf_text *detail, char sign, const char *what);
void cf_say_grants(struct cf_text *detail, char sign, const struct cf_grants *list, const struct cf_grants *other);

/* Can it be imported: a valid value, and with a check sum that agrees where it has the form of a generated one? */
bool cf_value_importable(const char *value, size_t len);

/* Take a value that is to be imported into a field: CF_EVALUE, CF_EUNFIT, CF_ENOMEM. */
CF_CHECKED enum cf_error cf_change_take(struct cf_change *change, enum cf_field field, const char *text,
                                        size_t len);

/* Import what was taken, as one new version; the one before it is good for [policy] overlap. Where the current version
 * has these values, nothing changes. CF_EREVOKED as above. */
CF_CHECKED enum cf_error cf_change_import(struct cf_change *change);

/* May the App hold this value, as the policy says: CF_EUNFIT where values have to be portable and it is not. */
CF_CHECKED enum cf_error cf_change_may_hold(const struct cf_change *change, const char *value, size_t len);

/* May the caller give this API to an App: CF_EUNASSIGNED when he lacks the user assignment that it needs. */
CF_CHECKED enum cf_error cf_change_may_give(struct cf_change *change, const struct cf_api *api);

/* Put the App's serial, which no other has, behind its name, as in the trash where another has it. CF_ENAME when it
 * gets too long. */
CF_CHECKED enum cf_error cf_change_number(struct cf_change *change);

/* Write the App's row as a further generation, by this caller, now. */
CF_CHECKED enum cf_error cf_change_touch(struct cf_change *change);

/* End it: write the App's row, record the change or its refusal (error), and commit. A change that cannot be
 * recorded is undone. Returns what the caller of the whole change is to get. Always call it. */
CF_CHECKED enum cf_error cf_change_end(struct cf_change *change, enum cf_error error);

#endif
