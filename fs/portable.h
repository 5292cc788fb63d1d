/* portable.h: Apps as text.
 *
 * The format of an export, before it is sealed: JSON, one object a line, in this order:
 *   {"credfs":"export","format":1,"created":TIME}
 *   {"app":NAME,"id":HEX,"place":"apps"|"trash","disabled":BOOL,"created":TIME,"created_by":UID,"updated":TIME,
 *    "updated_by":UID,"trashed":TIME|null,"generation":N,"version":N,"expires":TIME|null,
 *    "notes":{"description":TEXT,"label.NAME":TEXT,…},
 *    "apis":[{"slug":SLUG,"since":TIME,"by":UID},…],
 *    "grants":[{"who":"user:1007"|"group:100-200","field":FIELD|null,"since":TIME,"by":UID},…],
 *    "versions":[{"number":N,"created":TIME,"created_by":UID,"deadline":TIME|null,"revoked":BOOL,"key":VALUE,…},…]}
 *   {"assignees":SLUG,"users":[{"who":"user:1007","field":null,"since":TIME,"by":UID},…]}
 *   {"end":true,"apps":N}
 * TIME is RFC 3339 in UTC with nine digits of a second; users and groups are numbers, as the store has them. The last
 * line shows that nothing is missing.
 *
 * By hand, an App is {"name":NAME,"key":VALUE,"secret":VALUE,…,"apis":[SLUG,…]}: objects one behind the other, or one
 * JSON array of them. On the way in lines do not matter. Unknown members are refused.
 */
#ifndef CREDFS_PORTABLE_H
#define CREDFS_PORTABLE_H

#include "core/transfer.h"
#include "exchange.h"

/* --- out ---------------------------------------------------------------------------------------------------------- */

CF_CHECKED enum cf_error portable_begin(struct sink *sink);
CF_CHECKED enum cf_error portable_app(struct sink *sink, const struct cf_parcel *parcel);
CF_CHECKED enum cf_error portable_assignees(struct sink *sink, const char *slug, const struct cf_grants *list);
CF_CHECKED enum cf_error portable_end(struct sink *sink, int64_t apps);

/* --- in ----------------------------------------------------------------------------------------------------------- */

/* Where what is read goes. fault: to be filled on failure. */
struct intake {
    enum cf_error (*app)(struct intake *intake, const struct cf_parcel *parcel, struct cf_fault *fault);
    enum cf_error (*assignees)(struct intake *intake, const char *slug, const struct cf_grants *list,
                               struct cf_fault *fault);
};

/* An App by its name and values, for forms that have no more. The values stay where they are. */
struct simple {
    struct cf_parcel parcel;
    const char *value[CF_FIELD_COUNT]; /* NULL: none */
    size_t len[CF_FIELD_COUNT];
};
CF_CHECKED enum cf_error simple_start(struct simple *simple, const char *name, size_t len, struct cf_fault *fault);
void simple_value(struct simple *simple, enum cf_field field, const char *value, size_t len);

/* A slug; those that stand in a cell, between semicolons and white space. That there are APIs at all is noted
 * (has_apis). */
CF_CHECKED enum cf_error simple_api(struct simple *simple, const char *slug, size_t len, struct cf_fault *fault);
CF_CHECKED enum cf_error simple_apis(struct simple *simple, const char *text, size_t len, struct cf_fault *fault);

/* Read all of a source or directory into intake. The first thing that is wrong ends it; fault names the line or
 * file. */
CF_CHECKED enum cf_error intake_json(struct intake *intake, struct source *source, struct cf_fault *fault);
CF_CHECKED enum cf_error intake_csv(struct intake *intake, struct source *source, struct cf_fault *fault);
CF_CHECKED enum cf_error intake_tree(struct intake *intake, const char *path, struct cf_fault *fault);

/* Set fault to "line N: " and what it says, or else the error's sentence. */
void fault_at_line(struct cf_fault *fault, size_t line, enum cf_error error);

/* One object of JSON: an App, assignees. Called by intake_json. */
CF_CHECKED enum cf_error portable_take_app(struct intake *intake, json_t *object, struct cf_fault *fault);
CF_CHECKED enum cf_error portable_take_simple(struct intake *intake, json_t *object, struct cf_fault *fault);
CF_CHECKED enum cf_error portable_take_assignees(struct intake *intake, json_t *object, struct cf_fault *fault);

#endif
