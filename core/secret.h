/* secret.h: the one type that plain secrets live in.
 *
 * Its bytes lie in memory that is locked (mlock), left out of core files (MADV_DONTDUMP), not inherited by a child
 * (MADV_WIPEONFORK) and wiped when freed. No log or print function of credfs takes it. It is not a string: there is
 * no NUL at its end.
 *
 * The memory comes from one arena of fixed slots, made by cf_secret_arena; a request takes and gives back a slot
 * without a system call. A secret that is too large for a slot has a mapping of its own. Thread-safe.
 */
#ifndef CF_SECRET_H
#define CF_SECRET_H

#include "error.h"

#include <stddef.h>
#include <stdint.h>

enum {
    CF_SECRET_MAX = 4096,           /* bytes, the largest secret in a slot */
    CF_SECRET_LARGEST = 1024 * 1024 /* the largest of all */
};

struct cf_secret;

/* Make the arena; later calls do nothing.
 * Returns 0, or CF_ELOCKED when the memory cannot be locked (RLIMIT_MEMLOCK), CF_ENOMEM. */
CF_CHECKED enum cf_error cf_secret_arena(struct cf_fault *fault);

/* A secret of len bytes, zeroed. len: 0 to CF_SECRET_LARGEST. NULL when the arena is used up or was not made, and for a
 * large one when its memory cannot be had or locked. Free with cf_secret_free. */
struct cf_secret *cf_secret_new(size_t len);

/* The same, holding a copy of bytes; the caller wipes his own. */
struct cf_secret *cf_secret_copy(const void *bytes, size_t len);

/* Its bytes, valid until it is freed. */
uint8_t *cf_secret_bytes(struct cf_secret *secret);
const uint8_t *cf_secret_peek(const struct cf_secret *secret);
size_t cf_secret_len(const struct cf_secret *secret);

/* Make it shorter, wiping the rest. len: at most its length. */
void cf_secret_shorten(struct cf_secret *secret, size_t len);

/* Wipe and give back; NULL is allowed. */
void cf_secret_free(struct cf_secret *secret);

/* Overwrite memory that held a secret, in a way the compiler does not remove. */
void cf_wipe(void *bytes, size_t len);

#endif
