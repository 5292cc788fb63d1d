/* envelope.h: bytes on their way out of a store and into another: encrypted, and whole or not at all.
 *
 * One line that says what opens it, then pieces:
 *   credfs-export 1 passphrase argon2id MEMORY PASSES SALT\n        or
 *   credfs-export 1 recipient PUBLIC-KEY SEALED-KEY\n
 *   24 bytes: the header of a secretstream (XChaCha20-Poly1305)
 *   pieces of 65536 bytes, each sealed to 65553, bound to the line above; the last one may be shorter, and is marked
 * Numbers are decimal, MEMORY in bytes; SALT and keys are hexadecimal. What is cut off, changed, moved or added is
 * noticed. To a recipient: a random key, sealed to his public key (X25519, crypto_box_seal).
 *
 * The plain pieces pass through ordinary memory, which is wiped.
 */
#ifndef CF_ENVELOPE_H
#define CF_ENVELOPE_H

#include "crypto.h"

/* How a line of an envelope begins. */
#define CF_ENVELOPE_MAGIC "credfs-export "

/* For whom it is sealed: one of both. */
struct cf_addressee {
    const struct cf_secret *passphrase; /* or NULL */
    const uint8_t *public;              /* CF_KEY_SIZE bytes, or NULL */
};

struct cf_envelope;

/* Takes all of the bytes, or says why not. */
typedef enum cf_error cf_envelope_put(void *arg, const void *bytes, size_t len);

/* Gives size bytes, or fewer at the end of the file alone. */
typedef enum cf_error cf_envelope_get(void *arg, void *bytes, size_t size, size_t *len);

/* Begin to seal, writing through put. *out: owned by the caller. Returns what put gives, CF_EVALUE when public is
 * none, CF_ENOMEM. */
CF_CHECKED enum cf_error cf_envelope_seal(const struct cf_addressee *to, cf_envelope_put *put, void *arg,
                                          struct cf_envelope **out);
CF_CHECKED enum cf_error cf_envelope_write(struct cf_envelope *envelope, const void *bytes, size_t len);

/* Write what is left and the mark of the end. Without it nobody opens the envelope to its end. */
CF_CHECKED enum cf_error cf_envelope_finish(struct cf_envelope *envelope);

/* Begin to read, up to the question how it is opened. Returns what get gives, CF_EFORMAT for another form,
 * CF_EUNSAFE when the passphrase was made into a key too cheaply (or at a price that nobody should pay). */
CF_CHECKED enum cf_error cf_envelope_open(cf_envelope_get *get, void *arg, struct cf_envelope **out,
                                          struct cf_fault *fault);
bool cf_envelope_wants_passphrase(const struct cf_envelope *envelope);

/* The recipient's public key, where it wants no passphrase. */
const uint8_t *cf_envelope_recipient(const struct cf_envelope *envelope);

/* Open it with its passphrase, or its recipient's secret key. Reads the first piece.
 * Returns 0, CF_EWRONGKEY, CF_ETAMPER, CF_ENOMEM. */
CF_CHECKED enum cf_error cf_envelope_unlock(struct cf_envelope *envelope, const struct cf_secret *opener,
                                            struct cf_fault *fault);

/* The next bytes: at least one, or *len 0 at the end. CF_ETAMPER when it is not what was sealed, or was cut off.
 * *bytes: valid, and plain, until the next call. */
CF_CHECKED enum cf_error cf_envelope_read(struct cf_envelope *envelope, const char **bytes, size_t *len);

/* Wipe and free; NULL is allowed. */
void cf_envelope_free(struct cf_envelope *envelope);

#endif
