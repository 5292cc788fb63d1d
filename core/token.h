/* token.h: what a token service answers: a JSON object with an access token and for how long it is good (RFC 6749,
 * section 5.1).
 *
 * It is read where it lies: no part of it is copied to ordinary memory, as a JSON library would.
 */
#ifndef CF_TOKEN_H
#define CF_TOKEN_H

#include "secret.h"

enum { CF_TOKEN_SECONDS = 300, CF_TOKEN_SECONDS_MOST = 24 * 60 * 60 };

/* Take the access token out of an answer. *token: owned by the caller. *seconds: for how long it is good, at most
 * CF_TOKEN_SECONDS_MOST; CF_TOKEN_SECONDS where it is not said.
 * Returns 0, CF_EFORMAT when it is no such answer, or the token is one that cannot stand in a header, CF_ENOMEM. */
CF_CHECKED enum cf_error cf_token_answer(const struct cf_secret *answer, struct cf_secret **token,
                                         int64_t *seconds);

#endif
