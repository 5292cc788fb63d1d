/* principal.h: users and groups as rights name them: `user:web`, `group:ops`, `user:1007`, `user:100000-165535`.
 *
 * Kept as numbers. Names are looked up through a cache (a minute long, misses too), since the name service can be
 * slow and a request must not wait for it again and again. Thread-safe.
 */
#ifndef CF_PRINCIPAL_H
#define CF_PRINCIPAL_H

#include "caller.h"
#include "error.h"
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

enum cf_principal_kind { CF_USER, CF_GROUP };

struct cf_principal {
    enum cf_principal_kind kind;
    uint32_t low, high; /* inclusive; equal for a single one */
};

/* Returns 0; CF_EPRINCIPAL for an unknown name; CF_EVALUE for another form (no "user:" or "group:", an empty or
 * backward range, a number past 4294967294). */
CF_CHECKED enum cf_error cf_principal_parse(const char *word, size_t len, struct cf_principal *out);

/* Add it in the form that cf_principal_parse reads: the name where a single number has one. */
void cf_principal_print(const struct cf_principal *who, struct cf_text *out);

/* The same, always by number: for another machine, or for what is read at once. */
void cf_principal_number(const struct cf_principal *who, struct cf_text *out);

/* Does it take in this caller: by uid, by gid, or by a supplementary group (read only when it comes to that)? */
bool cf_principal_matches(const struct cf_principal *who, struct cf_caller *caller);

int cf_principal_order(const struct cf_principal *a, const struct cf_principal *b);

/* Add `alice` for a uid that has a name, else the number. */
void cf_user_print(uint32_t uid, struct cf_text *out);

/* The uid of a name, or false. For command lines. */
bool cf_user_find(const char *name, uint32_t *uid, uint32_t *gid);
bool cf_group_find(const char *name, uint32_t *gid);

#endif
