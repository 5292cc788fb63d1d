/* change.h: every change of the model, each one whole transaction: read, judged, validated in full, recorded, and
 * durable when it returns 0; or refused, recorded as refused, and nothing changed.
 *
 * caller: who asks. The functions that write to a file (cf_write_*) do not judge the permission to edit, which was
 * decided when the file was opened (cf_vault_permit); they do judge what depends on the text: a user assignment.
 * A caller with a request (struct cf_request) that was answered before gets the same answer again and nothing is
 * changed a second time; an App is then given as it is now.
 * All may return CF_EIO, CF_EFULL, CF_ENOMEM, CF_ETAMPER, CF_EAUDIT beside what is named.
 */
#ifndef CF_CHANGE_H
#define CF_CHANGE_H

#include "vault.h"

#include <stddef.h>

/* How a text goes into a file that is there already. */
enum cf_write_mode {
    CF_REPLACE, /* a write at offset 0 */
    CF_ADD      /* a write further on, or of a file opened with O_APPEND */
};

/* Make an App with a new key and secret. CF_EDENIED, CF_ENAME, CF_EEXIST. */
CF_CHECKED enum cf_error cf_create_app(struct cf_vault *vault, struct cf_caller *caller, const char *name,
                                       struct cf_app *app);

/* Give it another name, or another place: apps to apps renames, apps to trash deletes, trash to apps restores; trash
 * to trash is CF_EFORBIDDEN. *app (may be NULL): as it is then. CF_EDENIED, CF_ENAME, CF_EEXIST, CF_ENOENT. */
CF_CHECKED enum cf_error cf_move_app(struct cf_vault *vault, struct cf_caller *caller, enum cf_place from,
                                     const char *name, enum cf_place to, const char *new_name, struct cf_app *app);

/* Remove its directory: from apps into the trash (under a free name), from the trash for good. */
CF_CHECKED enum cf_error cf_remove_app(struct cf_vault *vault, struct cf_caller *caller, enum cf_place place,
                                       const char *name);

/* Write to apis. CF_EVALUE, CF_EMIXED, CF_ETOOBIG, CF_ESLUG, CF_ERETIRED, CF_EUNASSIGNED, CF_EFORBIDDEN (in the
 * trash; so for all below). */
CF_CHECKED enum cf_error cf_write_apis(struct cf_vault *vault, struct cf_caller *caller, int64_t serial,
                                       enum cf_write_mode mode, const char *text, size_t len);

/* Write to grants. CF_EVALUE, CF_EMIXED, CF_ETOOBIG, CF_EPRINCIPAL. */
CF_CHECKED enum cf_error cf_write_grants(struct cf_vault *vault, struct cf_caller *caller, int64_t serial,
                                         enum cf_write_mode mode, const char *text, size_t len);

/* Import a value: a new version with that field changed, unless it is what the current one has. text: secret, wiped by
 * who calls; one trailing newline is not part of the value. CF_EVALUE, also for CF_ADD; CF_EUNFIT where the policy has
 * values = portable; CF_EREVOKED when it is the credential of a kept version that was revoked. */
CF_CHECKED enum cf_error cf_write_field(struct cf_vault *vault, struct cf_caller *caller, int64_t serial,
                                        enum cf_field field, enum cf_write_mode mode, const char *text, size_t len);

/* Run the commands in text, one a line, all or none: rotate [OVERLAP], revoke N, rollback N, import FIELD VALUE, expire
 * WHEN, disable, enable, describe TEXT, label NAME=VALUE, reveal TIME. The lines with import stand together and make
 * one version; text is as secret as that of a field. A caller with asks_only may do no more than the last, which gives
 * leave to that user in his login session (leave.h) and is judged here. CF_ECOMMAND, CF_EDENIED, CF_EREVOKED (rollback,
 * import), CF_ETOOBIG; of import what cf_write_field gives. */
CF_CHECKED enum cf_error cf_write_ctl(struct cf_vault *vault, struct cf_caller *caller, int64_t serial,
                                      const char *text, size_t len);

/* Write to an API's assignees: users only. CF_EVALUE, CF_EMIXED, CF_ETOOBIG, CF_EPRINCIPAL, CF_EFORBIDDEN where the
 * API needs no user assignment, CF_ENOENT. */
CF_CHECKED enum cf_error cf_write_assignees(struct cf_vault *vault, struct cf_caller *caller, const char *slug,
                                            enum cf_write_mode mode, const char *text, size_t len);

#endif
