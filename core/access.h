/* access.h: who may do what: the one place that decides.
 *
 * cf_judge takes caller × action × App × field at the present time and answers allow or deny, with a reason. It looks
 * at roles first, and at grants only where an action can be granted; at supplementary groups, which cost a look into
 * /proc, only where uid and gid do not decide. Where the policy is reveal = on-request, a reveal by a role needs leave
 * (leave.h); one by a grant does not.
 */
#ifndef CF_ACCESS_H
#define CF_ACCESS_H

#include "app.h"
#include "caller.h"
#include "config.h"
#include "credential.h"
#include "grant.h"

/* X(name, word for audit and people, permissions of which one is needed (0: everybody may), can a grant allow it) */
#define CF_ACTION_LIST(X)                                                                                 \
    X(CF_BROWSE, "browse", 0, false)                                                                      \
    X(CF_LIST_APP, "list", CF_MAY_MANAGE, true)                                                           \
    X(CF_READ_APP, "read", CF_MAY_MANAGE, true)                                                           \
    X(CF_READ_GRANTS, "read-grants", CF_MAY_MANAGE, false)                                                \
    X(CF_REVEAL, "reveal", CF_MAY_REVEAL, true)                                                           \
    X(CF_EDIT_APP, "edit", CF_MAY_MANAGE, false)                                                          \
    X(CF_CREATE_APP, "create", CF_MAY_MANAGE, false)                                                      \
    X(CF_RENAME_APP, "rename", CF_MAY_MANAGE, false)                                                      \
    X(CF_DELETE_APP, "delete", CF_MAY_MANAGE, false)                                                      \
    X(CF_RESTORE_APP, "restore", CF_MAY_MANAGE, false)                                                    \
    X(CF_DESTROY_APP, "destroy", CF_MAY_MANAGE, false)                                                    \
    X(CF_LIST_TRASH, "list-trash", CF_MAY_MANAGE, false)                                                  \
    X(CF_READ_API_APPS, "read-apps", CF_MAY_MANAGE, false)                                                \
    X(CF_READ_ASSIGNEES, "read-assignees", CF_MAY_MANAGE | CF_MAY_ASSIGN, false)                          \
    X(CF_WRITE_ASSIGNEES, "assign-users", CF_MAY_ASSIGN, false)                                           \
    X(CF_CONTROL_APP, "control", CF_MAY_MANAGE | CF_MAY_REVEAL, false)                                    \
    X(CF_ASK_REVEAL, "ask", CF_MAY_REVEAL, false)                                                         \
    X(CF_READ_READERS, "read-readers", CF_MAY_AUDIT, false)                                               \
    X(CF_READ_AUDIT, "read-audit", CF_MAY_AUDIT, false)                                                   \
    X(CF_READ_STATUS, "read-status", CF_MAY_MANAGE | CF_MAY_REVEAL | CF_MAY_ASSIGN | CF_MAY_AUDIT, false) \
    X(CF_VERIFY, "verify", CF_MAY_VERIFY, false)

enum cf_action {
#define X(name, word, permissions, grantable) name,
    CF_ACTION_LIST(X)
#undef X
        CF_ACTION_COUNT
};

const char *cf_action_word(enum cf_action action);

/* error: 0; CF_EDENIED; CF_EUNASKED for a reveal that a role allows once it is asked for; CF_EREVOKED or CF_EEXPIRED
 * for a reveal that would be allowed, of an App that is disabled, in the trash or expired; CF_ETAMPER or CF_EIO when
 * what it depends on cannot be trusted or read (never an allowance). */
struct cf_verdict {
    enum cf_error error;
    char why[128]; /* "role company-admin", "grant user:web key", "no role gives reveal, no grant" */
};

/* The grants of an App, where they were read before; error: why they could not be. */
struct cf_known_grants {
    struct cf_grants list;
    enum cf_error error;
};

/* Judge. app: NULL where the action is not about one. field: the one that is wanted, or CF_NO_FIELD: then a grant of
 * any one field is enough for CF_LIST_APP, but not for CF_READ_APP. cf_judge reads grants through txn, when
 * it comes to them (txn may be NULL where app is); cf_judge_known has them, and needs txn (or else NULL) only for
 * leaves: where reveals have to be asked for. */
void cf_judge(struct cf_txn *txn, const struct cf_config *config, struct cf_caller *caller, enum cf_action action,
              const struct cf_app *app, enum cf_field field, struct cf_verdict *verdict);
void cf_judge_known(struct cf_txn *txn, const struct cf_known_grants *known, const struct cf_config *config,
                    struct cf_caller *caller, enum cf_action action, const struct cf_app *app, enum cf_field field,
                    struct cf_verdict *verdict);

#endif
