/* part.h: text with places in it that values go into: of a template (template.h), and of what a method sends
 * (catalogue.h).
 *
 * A place is ${NAME}; $$ is a dollar; a dollar before anything else stands for itself.
 */
#ifndef CF_PART_H
#define CF_PART_H

#include "credential.h"

#include <stddef.h>

/* Some text, or what a name stands for. */
enum cf_part_kind { CF_PART_TEXT, CF_PART_FIELD, CF_PART_APP, CF_PART_APIS, CF_PART_ACCESS_TOKEN };

struct cf_part {
    enum cf_part_kind kind;
    enum cf_field field; /* CF_PART_FIELD */
    const char *text;    /* CF_PART_TEXT; lies in the text that was parsed */
    size_t len;
};

struct cf_parts {
    struct cf_part *at;
    size_t count;
};

/* Which names may stand in it, beside those of the fields. */
enum cf_part_names {
    CF_NAMES_VIEW,   /* app, apis */
    CF_NAMES_HEADER, /* access-token */
    CF_NAMES_TOKEN   /* none: of a request for an access token */
};

/* Split a text, which must outlive its parts. Release them with cf_parts_release.
 * Returns 0, CF_ENOMEM, CF_ECONFIG with the reason in fault, and in *line the line of the text (from 1) that has what
 * is wrong. */
CF_CHECKED enum cf_error cf_parts_parse(const char *text, size_t len, enum cf_part_names names,
                                        struct cf_parts *out, int *line, struct cf_fault *fault);
void cf_parts_release(struct cf_parts *parts);

/* Is there one of this kind? */
bool cf_parts_have(const struct cf_parts *parts, enum cf_part_kind kind);

#endif
