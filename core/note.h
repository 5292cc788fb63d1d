/* note.h: the description and labels of an App, which decide nothing, but are shown to those who do.
 *
 * They are covered by a sum in the App's row, which is covered by its MAC: none can be changed, added or taken away by
 * hand.
 */
#ifndef CF_NOTE_H
#define CF_NOTE_H

#include "app.h"

enum { CF_DESCRIPTION_MAX = 1000, CF_LABEL_NAME_MAX = 64, CF_LABEL_VALUE_MAX = 256, CF_LABELS_MAX = 64 };

/* Can that be a note? Names are "description" and "label.NAME", with a NAME of letters, digits, '.', '_' and '-'; a
 * value is one line; neither has more bytes than above. Returns 0 or CF_EVALUE. */
CF_CHECKED enum cf_error cf_note_check(const char *name, const char *value);

/* Set one; an empty value takes it away. The sum changes in app, which is written by who calls (cf_app_update).
 * Returns 0, CF_EVALUE when cf_note_check does not let it, or for one label too many, CF_ETAMPER when those that are
 * there do not verify, CF_EIO, CF_EFULL. */
CF_CHECKED enum cf_error cf_note_set(struct cf_txn *txn, struct cf_app *app, const char *name, const char *value);

/* Call each for the notes in the order of names, when all verify; each may be NULL.
 * Returns 0, CF_ETAMPER (each was not called, or the next is not one line), CF_EIO. */
typedef void cf_note_visit(void *arg, const char *name, const char *value);
CF_CHECKED enum cf_error cf_note_each(struct cf_txn *txn, const struct cf_app *app, cf_note_visit *each, void *arg);

/* Compute the sum in app over the notes that are there, whoever put them there. */
CF_CHECKED enum cf_error cf_notes_seal(struct cf_txn *txn, struct cf_app *app);

#endif
