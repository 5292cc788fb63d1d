/* token.h: access tokens for the views that show one: fetched from the vendor's token service, and kept for as long as
 * they are good.
 *
 * Kept by App, version and method, sealed, in this process alone: a worker that starts over fetches anew. Who asks for
 * one that is being fetched waits for it; what failed is not tried again for a moment. Few fetches run at any time, and
 * not all threads may wait, so that a token service that does not answer never keeps the mount from answering others;
 * nobody waits for longer than a third of what the keeper has patience for. Thread-safe; its one lock is taken last.
 */
#ifndef CREDFS_TOKEN_H
#define CREDFS_TOKEN_H

#include "core/view.h"

struct tokens;

/* NULL when out of memory. vault: must outlive it. */
struct tokens *tokens_new(struct cf_vault *vault);
void tokens_free(struct tokens *tokens);

/* Fetch one, or give out the one that there is (view.h). arg: a struct tokens. CF_EAGAIN: enough others wait. */
cf_token_fetch tokens_fetch;

#endif
