/* config.h: credfs.ini.
 *
 *   [role NAME]   permissions = PERMISSION …
 *   [members]     ROLE = PRINCIPAL …
 *   [policy]      propagation = DURATION         how long a gateway takes to agree (default 180s)
 *                 overlap = DURATION             how long a replaced version stays good (default 1m)
 *                 versions = NUMBER              live versions of an App, at most (default 5)
 *                 trash = DURATION               until a deleted App is destroyed (default 30d)
 *                 rotation = DURATION            age at which a key is due for rotation (default 90d)
 *                 reveal = direct | on-request   is a person's reveal to be asked for (default direct)
 *                 verify-rate = NUMBER           checks of a credential per second and user (default 100)
 *                 values = printable | portable  what may be imported: any value, or one that views/env carries as well
 *                                                (default printable)
 *   [engine]      patience = DURATION            until a worker that does not move is replaced (default 20s)
 *   [audit]       on-failure = refuse | allow    a reveal or change that cannot be recorded (default refuse)
 *   [catalogue]   files = PATH …                 absolute paths of the site's own catalogue files
 *   [views]       templates = PATH               absolute path of the directory of the site's own views (template.h)
 *
 * Anything that is wrong in it refuses the whole file with file, line and reason, also when what it names is not there
 * or not safe. Read-only once loaded.
 */
#ifndef CF_CONFIG_H
#define CF_CONFIG_H

#include "error.h"
#include "principal.h"
#include "source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(name, bit, word) */
#define CF_PERMISSION_LIST(X)                      \
    X(CF_MAY_MANAGE, 1, "application-credentials") \
    X(CF_MAY_REVEAL, 2, "reveal")                  \
    X(CF_MAY_ASSIGN, 4, "assignments")             \
    X(CF_MAY_AUDIT, 8, "audit")                    \
    X(CF_MAY_VERIFY, 16, "verify")

enum cf_permission {
#define X(name, bit, word) name = bit,
    CF_PERMISSION_LIST(X)
#undef X
};

struct cf_role {
    char *name;
    unsigned permissions; /* bits of enum cf_permission */
};

struct cf_member {
    size_t role; /* index into roles */
    struct cf_principal who;
};

struct cf_config {
    struct cf_role *roles; /* the built-in ones first: super-admin, company-admin, auditor */
    size_t role_count;
    struct cf_member *members; /* the store's owner as super-admin first */
    size_t member_count;
    int64_t propagation, overlap, trash, rotation; /* nanoseconds */
    int64_t versions;                              /* 1 to CF_VERSIONS_MOST */
    bool reveal_on_request;
    int64_t verify_rate; /* a second */
    int64_t patience;    /* nanoseconds, whole seconds, at least one */
    bool audit_may_fail;
    bool portable_values;
    char **catalogue_files; /* NULL-terminated */
    char *templates;        /* NULL: none */
};

/* Read path, through sources; NULL: built-in roles and the owner alone. owner: uid of who owns the store, who is
 * super-admin. Returns 0, or what cf_sources_text and cf_ini_text give. *out: owned by the caller, NULL on failure. */
CF_CHECKED enum cf_error cf_config_load(const char *path, uint32_t owner, struct cf_sources *sources,
                                        struct cf_config **out, struct cf_fault *fault);
void cf_config_free(struct cf_config *config);

/* "application-credentials" and so on, for one bit. */
const char *cf_permission_word(enum cf_permission permission);

#endif
