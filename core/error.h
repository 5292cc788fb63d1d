/* error.h: every way in which the credential model can fail.
 *
 * One enum for all of core; 0 is success. Functions that return it are marked CF_CHECKED. What errno a caller of
 * the file system sees is decided in fs and nowhere else.
 */
#ifndef CF_ERROR_H
#define CF_ERROR_H

#define CF_CHECKED __attribute__((warn_unused_result))

/* X(name, word for the audit log, sentence for people) */
#define CF_ERROR_LIST(X)                                                                       \
    X(CF_OK, "ok", "success")                                                                  \
    X(CF_EDENIED, "denied", "no role and no grant allows it")                                  \
    X(CF_EFORBIDDEN, "forbidden", "nobody may do that there")                                  \
    X(CF_EUNASSIGNED, "unassigned", "the caller lacks the user assignment that the API needs") \
    X(CF_EREVOKED, "revoked", "the credential is revoked or its App disabled")                 \
    X(CF_EEXPIRED, "expired", "the credential has expired")                                    \
    X(CF_ENOKEY, "no-key", "the field has no value")                                           \
    X(CF_EUNASKED, "unasked", "a reveal that has to be asked for first")                       \
    X(CF_ENOENT, "absent", "there is no such thing")                                           \
    X(CF_EEXIST, "taken", "the name is taken")                                                 \
    X(CF_ENAME, "bad-name", "not a valid App name")                                            \
    X(CF_EVALUE, "bad-value", "not a valid value")                                             \
    X(CF_ESLUG, "unknown-api", "no such API in the catalogue")                                 \
    X(CF_ERETIRED, "retired-api", "the API is retired and can no longer be assigned")          \
    X(CF_EPRINCIPAL, "unknown-principal", "no such user or group")                             \
    X(CF_EMIXED, "mixed-forms", "plain entries and +/- entries do not mix in one write")       \
    X(CF_ECOMMAND, "bad-command", "unknown command or bad argument")                           \
    X(CF_ETOOBIG, "too-big", "larger than one write may be")                                   \
    X(CF_ETAMPER, "tampered", "a stored record does not verify")                               \
    X(CF_EAUDIT, "unrecorded", "the audit record cannot be written")                           \
    X(CF_EFULL, "full", "no space left")                                                       \
    X(CF_EIO, "io", "input/output error")                                                      \
    X(CF_ENOMEM, "memory", "out of memory")                                                    \
    X(CF_ELOCKED, "locked-memory", "memory cannot be locked")                                  \
    X(CF_EBUSY, "busy", "the store is in use")                                                 \
    X(CF_ENOSTORE, "no-store", "there is no store")                                            \
    X(CF_EUNSAFE, "unsafe", "wrong owner, mode or kind of file")                               \
    X(CF_ECONFIG, "configuration", "the configuration is wrong")                               \
    X(CF_EFORMAT, "format", "written by another version of credfs, or not by credfs")          \
    X(CF_EWRONGKEY, "wrong-key", "the master key does not open this store")                    \
    X(CF_EANSWERED, "answered", "the change was made when the request came first")             \
    X(CF_EAGAIN, "too-often", "asked too often: try again in a moment")                        \
    X(CF_EUNKNOWN, "unknown", "there is no such credential")                                   \
    X(CF_EDISABLED, "disabled", "the App is disabled")                                         \
    X(CF_EUNFIT, "unfit-value", "a value that this form cannot carry")                         \
    X(CF_EREJECTED, "rejected", "the vendor does not accept the credential")                   \
    X(CF_EUNREACHABLE, "unreachable", "the vendor's token service cannot be reached")

enum cf_error {
#define X(name, word, sentence) name,
    CF_ERROR_LIST(X)
#undef X
};

/* The sentence for people, without a full stop. Never NULL. */
const char *cf_error_text(enum cf_error error);

/* The word that stands as "result" in the audit log. Never NULL. */
const char *cf_error_word(enum cf_error error);

/* What failed, in words that name the thing: filled by functions that meet files and settings, where an enum alone
 * would not tell a person what to mend. Never holds a secret. */
struct cf_fault {
    char text[512];
};

/* Set the text; fault may be NULL. A text that is too long is cut. */
void cf_fault_set(struct cf_fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
