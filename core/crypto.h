/* crypto.h: what credfs asks of libsodium, and the only file that includes it.
 *
 * One random 256-bit data key a store. Subkeys come from it by crypto_kdf (BLAKE2b), context "credfs01":
 *   1 sealing of values    XChaCha20-Poly1305, random 192-bit nonce
 *   2 row MACs             BLAKE2b-256, keyed
 *   3 audit chain          BLAKE2b-256, keyed
 *   4 fingerprints         BLAKE2b-128, keyed
 * The data key itself is stored only wrapped by the key of a slot, with the same AEAD.
 *
 * A sealed value on disk: nonce (24) · ciphertext · tag (16). Its associated data, never stored, is the binding
 * below: a sealed value that is moved to another App, version or field does not open.
 */
#ifndef CF_CRYPTO_H
#define CF_CRYPTO_H

#include "secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CF_ID_SIZE = 16,          /* an App's or a store's random id */
    CF_KEY_SIZE = 32,         /* every key */
    CF_MAC_SIZE = 32,         /* a row MAC, a link of the audit chain */
    CF_FINGERPRINT_SIZE = 16, /* of a value */
    CF_SEAL_OVERHEAD = 24 + 16
};

struct cf_keys; /* the subkeys, in secret memory; read-only once made, shared by all threads */

/* Start libsodium and the arena of secrets. Call once before anything else.
 * Returns 0, CF_EIO when libsodium cannot start, or what cf_secret_arena gives. */
CF_CHECKED enum cf_error cf_crypto_start(struct cf_fault *fault);

void cf_random(void *bytes, size_t len);
uint32_t cf_random_below(uint32_t bound);
bool cf_equal(const void *a, const void *b, size_t len); /* constant-time */

/* Derive the subkeys. data_key: CF_KEY_SIZE bytes, not kept. *out: owned by the caller, NULL on failure. */
CF_CHECKED enum cf_error cf_keys_derive(const struct cf_secret *data_key, struct cf_keys **out);
void cf_keys_free(struct cf_keys *keys);

/* What a sealed value is bound to. */
struct cf_binding {
    const uint8_t *app; /* CF_ID_SIZE bytes */
    int64_t version;
    const char *field;
};

/* Seal value; sealed has room for its length + CF_SEAL_OVERHEAD, which is what is written. */
void cf_seal(const struct cf_keys *keys, const struct cf_binding *binding, const struct cf_secret *value,
             uint8_t *sealed);

/* Open what cf_seal made. *out: owned by the caller, NULL on failure.
 * Returns 0, CF_ETAMPER when it does not verify under this binding, CF_ENOMEM. */
CF_CHECKED enum cf_error cf_unseal(const struct cf_keys *keys, const struct cf_binding *binding,
                                   const uint8_t *sealed, size_t len, struct cf_secret **out);

/* Wrap and unwrap the data key (or any key of CF_KEY_SIZE) under the key of a slot, bound to the store's id.
 * wrapped: CF_KEY_SIZE + CF_SEAL_OVERHEAD bytes. cf_unwrap: CF_EWRONGKEY when it does not verify. */
void cf_wrap(const struct cf_secret *slot_key, const uint8_t store_id[static CF_ID_SIZE],
             const struct cf_secret *data_key, uint8_t *wrapped);
CF_CHECKED enum cf_error cf_unwrap(const struct cf_secret *slot_key, const uint8_t store_id[static CF_ID_SIZE],
                                   const uint8_t *wrapped, size_t len, struct cf_secret **data_key);

/* A MAC over a sequence of parts. Each part goes in with its length, so that ("ab", "c") is not ("a", "bc").
 * domain: names what is authenticated ("app", "version", …). */
enum cf_mac_key { CF_MAC_ROW, CF_MAC_AUDIT };
struct cf_mac {
    _Alignas(64) unsigned char state[512]; /* libsodium's crypto_generichash_state; wiped by cf_mac_end */
};
void cf_mac_begin(struct cf_mac *mac, const struct cf_keys *keys, enum cf_mac_key key, const char *domain);
void cf_mac_bytes(struct cf_mac *mac, const void *bytes, size_t len);
void cf_mac_text(struct cf_mac *mac, const char *string); /* NULL is an empty string */
void cf_mac_int(struct cf_mac *mac, int64_t number);
void cf_mac_end(struct cf_mac *mac, uint8_t out[static CF_MAC_SIZE]);

/* A value's fingerprint: keyed, so that it tells equal values apart from others only to who holds the store. */
void cf_fingerprint(const struct cf_keys *keys, const struct cf_secret *value,
                    uint8_t out[static CF_FINGERPRINT_SIZE]);

/* --- what leaves the store (envelope.h) --- */

enum {
    CF_SALT_SIZE = 16,
    CF_BOX_SIZE = CF_KEY_SIZE + 48, /* a key sealed to a recipient */
    CF_STREAM_HEADER_SIZE = 24,
    CF_STREAM_OVERHEAD = 17 /* of each piece */
};

/* What it costs to make a key of a passphrase, by Argon2id. Less than CF_COST_LEAST is no protection, more than
 * CF_COST_MOST asks too much of who reads it: both are refused. */
struct cf_cost {
    uint64_t memory; /* bytes */
    uint64_t passes;
};
#define CF_COST_LEAST ((struct cf_cost){.memory = UINT64_C(256) << 20, .passes = 3})
#define CF_COST_MOST ((struct cf_cost){.memory = UINT64_C(4) << 30, .passes = 64})
bool cf_cost_allowed(const struct cf_cost *cost);

/* Takes a second or so. Returns 0, CF_EVALUE for a cost that is refused, CF_ENOMEM. *key: owned by the caller. */
CF_CHECKED enum cf_error cf_passphrase_key(const struct cf_secret *passphrase,
                                           const uint8_t salt[static CF_SALT_SIZE], const struct cf_cost *cost,
                                           struct cf_secret **key);

/* A key pair for sealing to a recipient (X25519). *secret: owned by the caller; NULL when the arena is used up. */
struct cf_secret *cf_pair_new(uint8_t public[static CF_KEY_SIZE]);

/* Seal a key to who has the secret of this public key. CF_EVALUE when it is no public key. */
CF_CHECKED enum cf_error cf_box_seal(const uint8_t public[static CF_KEY_SIZE], const struct cf_secret *key,
                                     uint8_t box[static CF_BOX_SIZE]);

/* Open it. Returns 0, CF_EWRONGKEY, CF_ENOMEM. *key: owned by the caller. */
CF_CHECKED enum cf_error cf_box_open(const struct cf_secret *secret, const uint8_t box[static CF_BOX_SIZE],
                                     struct cf_secret **key);

/* A stream of sealed pieces (libsodium's secretstream): none can be changed, dropped, doubled or moved, and the last
 * is marked. ad: what each is bound to beside. */
struct cf_stream {
    struct cf_secret *state;
};
CF_CHECKED enum cf_error cf_stream_seal(const struct cf_secret *key, uint8_t header[static CF_STREAM_HEADER_SIZE],
                                        struct cf_stream *stream);
CF_CHECKED enum cf_error cf_stream_open(const struct cf_secret *key,
                                        const uint8_t header[static CF_STREAM_HEADER_SIZE],
                                        struct cf_stream *stream);
void cf_stream_end(struct cf_stream *stream);

/* sealed: len + CF_STREAM_OVERHEAD bytes. */
void cf_stream_push(struct cf_stream *stream, const uint8_t *piece, size_t len, const void *ad, size_t ad_len,
                    bool is_last, uint8_t *sealed);

/* sealed_len: at least CF_STREAM_OVERHEAD; piece gets that much less. CF_ETAMPER when it does not verify. */
CF_CHECKED enum cf_error cf_stream_pull(struct cf_stream *stream, const uint8_t *sealed, size_t sealed_len,
                                        const void *ad, size_t ad_len, uint8_t *piece, bool *is_last);

#endif
