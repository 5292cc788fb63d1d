/* note.h: the description and labels of an App, which decide nothing, but are shown to those who do.
 *
 * They are covered by a sum in the App's row, which is covered by its MAC: none can be changed, added or taken away by
 * hand.
 */
#ifndef CF_NOTE_H
#define CF_NOTE_H

#include "app.h"

/* Names are "description" and "label.NAME"; name and value are each one line. An empty value takes the note away. The
 * sum changes in app, which is written by who calls (cf_app_update).
 * Returns 0, CF_ETAMPER when those that are there do not verify, CF_EIO, CF_EFULL. */
CF_CHECKED enum cf_error cf_note_set(struct cf_txn *txn, struct cf_app *app, const char *name, const char *value);

/* Call each for the notes in the order of names, when all verify; each may be NULL.
 * Returns 0, CF_ETAMPER (each was not called, or the next is not one line), CF_EIO. */
typedef void cf_note_visit(void *arg, const char *name, const char *value);
CF_CHECKED enum cf_error cf_note_each(struct cf_txn *txn, const struct cf_app *app, cf_note_visit *each, void *arg);

/* Compute the sum in app over the notes that are there, whoever put them there. */
CF_CHECKED enum cf_error cf_notes_seal(struct cf_txn *txn, struct cf_app *app);

#endif
