/* transfer.h: Apps on their way out of a store and into another. How they look between the two (JSON, CSV, files) is
 * not known here.
 *
 * A whole App, as an export gives it, carries all that is kept of it: its id, state, place, times and users, every kept
 * version with its values, API assignments, grants, notes. Where the store that takes it has neither that id nor that
 * name, it is written exactly so. Where it has, the two are merged: values that are new here become a new version, and
 * what is missing is added; nothing is taken away, no state changes, and values that were replaced here stay so. With
 * replacing, the App here becomes what comes in, though what was revoked here stays revoked.
 * A simple App is a name with the values of one version, APIs and grants.
 *
 * Who last read what, and leave to reveal, stay behind.
 *
 * An import is one transaction: all of it or nothing. It is recorded, an App a record, before it is committed. What
 * is imported a second time changes nothing.
 */
#ifndef CF_TRANSFER_H
#define CF_TRANSFER_H

#include "assignment.h"
#include "grant.h"
#include "vault.h"

struct cf_note {
    char *name, *value;
};

/* Open the value of a field of versions[at]. *out: owned by who asked. */
typedef enum cf_error cf_parcel_value(void *arg, size_t at, enum cf_field field, struct cf_secret **out);

struct cf_parcel {
    bool is_whole;
    struct cf_app app; /* its serial, lives and sums mean nothing elsewhere; simple: the name alone */
    struct cf_version versions[CF_VERSIONS_MOST]; /* the newest first; simple: at most one, fields alone */
    size_t version_count;
    bool has_apis;              /* simple: were APIs named at all? */
    struct cf_assignments apis; /* simple: slugs alone */
    struct cf_grants grants;
    struct cf_note *notes; /* their names and values are owned too */
    size_t note_count;
    cf_parcel_value *value; /* called at most once at a time */
    void *arg;
};

/* Free the lists. */
void cf_parcel_release(struct cf_parcel *parcel);

/* Add a copy; false when out of memory. */
bool cf_parcel_add_note(struct cf_parcel *parcel, const char *name, const char *value);
bool cf_parcel_add_api(struct cf_parcel *parcel, const struct cf_assignment *one);

/* --- out ---------------------------------------------------------------------------------------------------------- */

/* Takes one App, asking for its values; or an API's assignees. An error ends the export with it. */
struct cf_exporter {
    enum cf_error (*begin)(void *arg); /* before all else, once it is known that there is what was asked for */
    enum cf_error (*app)(void *arg, const struct cf_parcel *parcel);
    enum cf_error (*assignees)(void *arg, const char *slug, const struct cf_grants *list);
    void *arg;
};

/* Hand out the Apps of these names in apps/ (NULL-terminated), or with NULL all, those in the trash, and the
 * assignees of the APIs: as they are at one moment, each App recorded before its values are asked for.
 * Returns 0, what exporter gives, CF_EDENIED, CF_ENOENT (before anything is handed out), CF_ETAMPER, CF_EAUDIT; fault
 * names the App. */
CF_CHECKED enum cf_error cf_export(struct cf_vault *vault, struct cf_caller *caller, const char *const *names,
                                   const struct cf_exporter *exporter, struct cf_fault *fault);

/* --- in ----------------------------------------------------------------------------------------------------------- */

struct cf_import;

enum cf_outcome_kind { CF_SAME, CF_CHANGED, CF_NEW, CF_OUTCOME_COUNT };

/* What an import does to one App or API. */
struct cf_outcome {
    enum cf_outcome_kind kind;
    struct cf_text
        detail; /* "version 4 (key secret) +audit-records", also of what it leaves as it is; never a value;
                              released by who asked */
};

/* Begin. Nobody else writes until it is ended. replaces: see above. CF_EDENIED. */
CF_CHECKED enum cf_error cf_import_begin(struct cf_vault *vault, struct cf_caller *caller, bool replaces,
                                         struct cf_import **out, struct cf_fault *fault);

/* Take one App. Returns 0; CF_ENAME, CF_EVALUE, CF_EUNFIT (as the policy has it), CF_ESLUG, CF_ERETIRED,
 * CF_EUNASSIGNED, CF_EEXIST (it comes twice, or its name is taken), CF_EREVOKED (its values were revoked here),
 * CF_EFORBIDDEN (it is in the trash here); fault says which and why. After an error the import can only be ended. */
CF_CHECKED enum cf_error cf_import_app(struct cf_import *import, const struct cf_parcel *parcel,
                                       struct cf_outcome *outcome, struct cf_fault *fault);

/* Take the assignees of an API. list: in the order of cf_grant_order. CF_ESLUG, CF_EVALUE. */
CF_CHECKED enum cf_error cf_import_assignees(struct cf_import *import, const char *slug,
                                             const struct cf_grants *list, struct cf_outcome *outcome,
                                             struct cf_fault *fault);

/* Record and commit all that was taken. */
CF_CHECKED enum cf_error cf_import_commit(struct cf_import *import, struct cf_fault *fault);

/* End it, undoing what was not committed. why: what it failed with, which is recorded; 0 for a trial. NULL is
 * allowed. */
void cf_import_end(struct cf_import *import, enum cf_error why);

#endif
