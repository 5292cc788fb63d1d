/* app.h: the rows of Apps. What may be done with them, and by whom, is decided in access.h and change.h.
 *
 * Every App that these functions give out has been verified against its row MAC; one that does not verify gives
 * CF_ETAMPER and is never used.
 */
#ifndef CF_APP_H
#define CF_APP_H

#include "crypto.h"
#include "store.h"
#include "text.h"

enum cf_place { CF_IN_APPS, CF_IN_TRASH };

/* A name in the trash may have a number behind it ("billing.2"), so it can be longer than an App's name. */
enum { CF_ENTRY_MAX = CF_NAME_MAX + 24 };

struct cf_app {
    int64_t serial; /* local, never used again; inode numbers are made from it */
    uint8_t id[CF_ID_SIZE];
    enum cf_place place;
    char name[CF_ENTRY_MAX + 1]; /* unique in its place */
    bool disabled;
    int64_t created, updated, trashed; /* times; trashed: 0 unless in the trash */
    uint32_t created_by, updated_by;   /* uids */
    int64_t generation;                /* grows with every change of the App */
    int64_t version;                   /* the number of the current version */
    int64_t expires;                   /* when its fields can no longer be read; 0: never */
    int64_t lives;                 /* grows each time its directory is removed: a file system's inode generation */
    uint8_t apis_sum[CF_MAC_SIZE]; /* over all its API rows, so that none can be taken away or put back */
    uint8_t grants_sum[CF_MAC_SIZE]; /* over all its grant rows */
    uint8_t notes_sum[CF_MAC_SIZE];  /* over its description and labels (note.h) */
};

/* Returns 0, CF_ENOENT, CF_ETAMPER, CF_EIO. */
CF_CHECKED enum cf_error cf_app_by_name(struct cf_txn *txn, enum cf_place place, const char *name,
                                        struct cf_app *app);
CF_CHECKED enum cf_error cf_app_by_serial(struct cf_txn *txn, int64_t serial, struct cf_app *app);
CF_CHECKED enum cf_error cf_app_by_id(struct cf_txn *txn, const uint8_t id[static CF_ID_SIZE], struct cf_app *app);

/* Call each, in the order of serials, for the Apps of a place whose serial is past after, until it returns false.
 * One that does not verify is passed over, unless tampered is given: then that is called with its serial. */
typedef bool cf_app_visit(void *arg, const struct cf_app *app);
typedef void cf_app_tampered(void *arg, int64_t serial);
CF_CHECKED enum cf_error cf_app_each(struct cf_txn *txn, enum cf_place place, int64_t after, cf_app_visit *each,
                                     cf_app_tampered *tampered, void *arg);

/* The same for their names alone, which are not verified: for a listing to somebody who may see all Apps, where no
 * right depends on a row. Quicker. */
typedef bool cf_app_name_visit(void *arg, int64_t serial, const char *name);
CF_CHECKED enum cf_error cf_app_names(struct cf_txn *txn, enum cf_place place, int64_t after,
                                      cf_app_name_visit *each, void *arg);

/* How many Apps there are in a place. */
CF_CHECKED enum cf_error cf_app_count(struct cf_txn *txn, enum cf_place place, int64_t *count);

/* Write a new row (serial and id are set in app; cf_app_put takes the id that stands there) or all columns of an
 * old one, with a new MAC. */
CF_CHECKED enum cf_error cf_app_insert(struct cf_txn *txn, struct cf_app *app);
CF_CHECKED enum cf_error cf_app_put(struct cf_txn *txn, struct cf_app *app);
CF_CHECKED enum cf_error cf_app_update(struct cf_txn *txn, const struct cf_app *app);

/* Delete the App and all that belongs to it. */
CF_CHECKED enum cf_error cf_app_delete(struct cf_txn *txn, const struct cf_app *app);

/* Delete all that belongs to it but grants, which are stored as a whole (grant.h): its row stays. Who read which
 * version and leave to reveal go too. The sum over its notes changes in app. */
CF_CHECKED enum cf_error cf_app_clear(struct cf_txn *txn, struct cf_app *app);

struct cf_tally;

/* Put the App into a sum over all of them (witness.h). */
void cf_app_tally(const struct cf_txn *txn, const struct cf_app *app, struct cf_tally *tally);

/* Bring Apps that have no sum over their notes yet to the form that has (schema.h); notes that are there are taken as
 * they are. An App that does not verify in the older form is left as it is, and so goes on not to. */
CF_CHECKED enum cf_error cf_app_seal_notes(struct cf_txn *txn);

#endif
