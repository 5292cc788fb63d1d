/* transfer_step.h: an import under way, for the transfer*.c files alone. */
#ifndef CF_TRANSFER_STEP_H
#define CF_TRANSFER_STEP_H

#include "change_step.h"
#include "transfer.h"

/* What an import has done, to be recorded at its end. */
struct cf_done {
    int64_t serial; /* of an App, or with is_api of an API */
    bool is_api;
    char *detail; /* what, for the record; owned */
};

struct cf_import {
    bool replaces;
    struct cf_change change; /* its transaction is that of the whole; its App the one being imported */
    struct cf_done *done;
    size_t done_count, done_room;
    uint8_t *seen; /* a bit a serial: Apps that have come */
    size_t seen_size;
};

/* Write change.app, which is not there yet (is_new) or is (then what belongs to it is written anew), exactly as it
 * is in the parcel. */
CF_CHECKED enum cf_error cf_import_exactly(struct cf_import *import, const struct cf_parcel *parcel, bool is_new,
                                           struct cf_fault *fault);

/* Add what would become of change.app with the parcel in its place; nothing when they are the same. Never a value.
 * CF_ETAMPER when what is here does not verify. */
CF_CHECKED enum cf_error cf_import_differ(struct cf_import *import, const struct cf_parcel *parcel,
                                          struct cf_text *out);

/* Has change.app a note of this name? */
CF_CHECKED enum cf_error cf_import_has_note(struct cf_import *import, const char *name, bool *found);

/* Has this version of change.app the values of the parcel's versions[at]? Fields that the parcel does not have do not
 * count. */
CF_CHECKED enum cf_error cf_import_has_values(struct cf_import *import, const struct cf_parcel *parcel, size_t at,
                                              const struct cf_version *version, bool *same, struct cf_fault *fault);

/* Where the values of the parcel's versions[at] are in change.app; 0: nowhere. */
struct cf_found {
    int64_t number;      /* the newest version that has all of them */
    int64_t revoked;     /* one with which its secret, or its key, was revoked, whatever else comes with it */
    enum cf_field field; /* which of the two */
};
CF_CHECKED enum cf_error cf_import_find(struct cf_import *import, const struct cf_parcel *parcel, size_t at,
                                        struct cf_found *found, struct cf_fault *fault);

/* Are the values of the parcel's versions[at] revoked here? Where the version of that number has them here, as it is
 * there; else with any of them, as above. */
CF_CHECKED enum cf_error cf_import_stays_revoked(struct cf_import *import, const struct cf_parcel *parcel,
                                                 size_t at, bool *revoked, struct cf_fault *fault);

/* Set a note that cf_parcel_check let pass. CF_EVALUE for one label too many. */
CF_CHECKED enum cf_error cf_import_note(struct cf_import *import, const struct cf_note *note,
                                        struct cf_fault *fault);

/* Make a simple App. */
CF_CHECKED enum cf_error cf_import_simply(struct cf_import *import, const struct cf_parcel *parcel,
                                          struct cf_fault *fault);

/* Merge the parcel into change.app; change.touches says whether that changed anything. */
CF_CHECKED enum cf_error cf_import_merge(struct cf_import *import, const struct cf_parcel *parcel,
                                         struct cf_fault *fault);

/* Is what came a possible App at all? */
CF_CHECKED enum cf_error cf_parcel_check(const struct cf_parcel *parcel, struct cf_fault *fault);

/* Are the times of these, since when they are given, possible? */
bool cf_grants_dated(const struct cf_grants *list);

/* The value of a parcel, which must be one that can be imported. *out: owned by the caller. */
CF_CHECKED enum cf_error cf_parcel_open(const struct cf_parcel *parcel, size_t at, enum cf_field field,
                                        struct cf_secret **out, struct cf_fault *fault);

/* The same of one that is to be written: also as the policy has it, or CF_EUNFIT. */
CF_CHECKED enum cf_error cf_import_value(struct cf_import *import, const struct cf_parcel *parcel, size_t at,
                                         enum cf_field field, struct cf_secret **out, struct cf_fault *fault);

#endif
