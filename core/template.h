/* template.h: the site's own views: each file of the directory that credfs.ini names ([views] templates = DIR) is a
 * template, and a view of its name.
 *
 * In it stand ${key}, ${secret}, ${token}, ${username}, ${password}, ${app}, ${apis} (slugs with a blank between) for
 * what they name, and $$ for a dollar; a dollar before anything else stands for itself. A value goes in as it is,
 * unquoted. Anything else within ${ } refuses the template, with file and line.
 */
#ifndef CF_TEMPLATE_H
#define CF_TEMPLATE_H

#include "part.h"
#include "source.h"
#include "store.h"

enum { CF_TEMPLATE_NAME_MAX = 64, CF_TEMPLATES_MOST = 256 };

struct cf_template {
    char name[CF_TEMPLATE_NAME_MAX + 1];
    int64_t serial;  /* its number in this store, never another's; inode numbers are made from it */
    int64_t changed; /* time when its file was last changed */
    struct cf_parts parts;
    char *text; /* what the parts point into */
};

struct cf_templates;

/* Compile one. title: the file's name for messages. Release with cf_template_release.
 * Returns 0, CF_ECONFIG with "TITLE:LINE: REASON" in fault, CF_ENOMEM. */
CF_CHECKED enum cf_error cf_template_parse(const char *title, const char *text, size_t len, struct cf_template *out,
                                           struct cf_fault *fault);
void cf_template_release(struct cf_template *template);

/* Load all of a directory (NULL: none), through sources: files whose name begins with '.' or ends in '~' are left out;
 * the directory and each file must be owned by the effective user or root and writable by nobody else. Names are 1 to
 * 64 of letters, digits, '.', '_' and '-', and none of the built-in views' names.
 * Returns 0, what cf_sources_text gives, CF_ECONFIG. */
CF_CHECKED enum cf_error cf_templates_load(const char *directory, struct cf_sources *sources,
                                           struct cf_templates **out, struct cf_fault *fault);
void cf_templates_free(struct cf_templates *templates);

/* Give each its number, writing those that have none; in a transaction that only reads, these keep 0. */
CF_CHECKED enum cf_error cf_templates_register(struct cf_txn *txn, struct cf_templates *templates);

/* In the order of names. */
size_t cf_templates_count(const struct cf_templates *templates);
const struct cf_template *cf_templates_at(const struct cf_templates *templates, size_t i);

/* The one of this name or number, or NULL. */
const struct cf_template *cf_templates_find(const struct cf_templates *templates, const char *name);
const struct cf_template *cf_templates_by_serial(const struct cf_templates *templates, int64_t serial);

#endif
