/* verify.h: checking a credential that somebody presents, for a gateway, which can so tell good from bad without
 * ever being able to list or read one.
 *
 * What is checked is a text: `KEY SECRET`, the key up to the first blank; or KEY, a newline and SECRET, for keys
 * that have blanks in them. One newline at the end is not part of it. An API whose method does not use the
 * secret needs KEY alone; a secret that is given is checked all the same.
 *
 * How it stays silent. A credential is found by the keyed fingerprint of its secret (of the key, where that is
 * presented alone: many Apps may have one key, few have one secret) in an index that is sorted by fingerprints,
 * never by looking through values. Where none has this fingerprint, the next one in the index stands in for it: its
 * App, versions, values and assignments are read and verified just as those of a known one are, and only the
 * comparisons of fingerprints at the end, in constant time, tell the two apart. Which one stands in, the asker
 * can neither choose nor know. So the time of a check is that of some credential of the store, whether the
 * presented one is in it or not. That a key exists, its state and its App show in answer and record only where the
 * whole credential is right; otherwise it is unknown.
 */
#ifndef CF_VERIFY_H
#define CF_VERIFY_H

#include "vault.h"

struct cf_answer {
    /* CF_OK; CF_EUNKNOWN; CF_EREVOKED (the version, or the App is in the trash); CF_EDISABLED; CF_EEXPIRED (the
     * App, or the version is retired); CF_EFORBIDDEN (all is good, but the App does not have this API) */
    enum cf_error result;
    /* Whose credential it is; "" and 0 for CF_EUNKNOWN. Of several versions that have it, the one best off. */
    char app[CF_ENTRY_MAX + 1];
    uint8_t id[CF_ID_SIZE];
    int64_t version;
};

/* Check a credential for the API of this serial, and record the answer. That the caller may ask was judged before
 * (CF_VERIFY, at the open). text: secret, wiped by who calls.
 * Returns 0 when there is an answer; CF_EAGAIN when the caller's uid asks more often than [policy] verify-rate
 * allows (recorded once a second); CF_EVALUE when the text has not that form; CF_ENOENT when there is no such API;
 * CF_ETAMPER when the credential's own rows do not verify; CF_EAUDIT, CF_EFULL, CF_EIO, CF_ENOMEM. */
CF_CHECKED enum cf_error cf_verify(struct cf_vault *vault, struct cf_caller *caller, int64_t api, const char *text,
                                   size_t len, struct cf_answer *answer);

/* Add the answer as a line: `ok APP VERSION`, or one word. */
void cf_answer_print(const struct cf_answer *answer, struct cf_text *out);

#endif
