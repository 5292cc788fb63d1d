#include "crypto.h"

#include <assert.h>
#include <sodium.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(crypto_generichash_state) <= sizeof(((struct cf_mac *)0)->state),
              "struct cf_mac is too small for libsodium's state");
static_assert(alignof(struct cf_mac) % alignof(crypto_generichash_state) == 0,
              "struct cf_mac is not aligned as libsodium's state must be");
static_assert(CF_SEAL_OVERHEAD ==
                  crypto_aead_xchacha20poly1305_ietf_NPUBBYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES,
              "CF_SEAL_OVERHEAD");
static_assert(CF_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES && CF_KEY_SIZE == crypto_kdf_KEYBYTES,
              "CF_KEY_SIZE");

static_assert(CF_SALT_SIZE == crypto_pwhash_SALTBYTES && CF_KEY_SIZE == crypto_box_PUBLICKEYBYTES &&
                  CF_BOX_SIZE == CF_KEY_SIZE + crypto_box_SEALBYTES,
              "CF_SALT_SIZE, CF_BOX_SIZE");
static_assert(CF_STREAM_HEADER_SIZE == crypto_secretstream_xchacha20poly1305_HEADERBYTES &&
                  CF_STREAM_OVERHEAD == crypto_secretstream_xchacha20poly1305_ABYTES &&
                  CF_KEY_SIZE == crypto_secretstream_xchacha20poly1305_KEYBYTES,
              "CF_STREAM_HEADER_SIZE, CF_STREAM_OVERHEAD");

#define KDF_CONTEXT "credfs01"
static_assert(sizeof(KDF_CONTEXT) - 1 == crypto_kdf_CONTEXTBYTES, "KDF_CONTEXT");

/* The numbers are part of the format: a store's values depend on them. */
enum subkey { SUBKEY_SEAL = 1, SUBKEY_ROW, SUBKEY_AUDIT, SUBKEY_FINGERPRINT, SUBKEY_END };

enum {
    SEAL_FORMAT = 1,
    WRAP_FORMAT = 1,
    NONCE_SIZE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    FIELD_MAX = 64,
    BINDING_MAX = 1 + CF_ID_SIZE + 8 + FIELD_MAX
};

struct cf_keys {
    struct cf_secret *subkeys; /* one after another, from SUBKEY_SEAL on */
};

enum cf_error cf_crypto_start(struct cf_fault *fault)
{
    if (sodium_init() < 0) {
        cf_fault_set(fault, "libsodium cannot start: no source of random numbers");
        return CF_EIO;
    }
    return cf_secret_arena(fault);
}

void cf_random(void *bytes, size_t len)
{
    randombytes_buf(bytes, len);
}

uint32_t cf_random_below(uint32_t bound)
{
    return randombytes_uniform(bound);
}

bool cf_equal(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}

enum cf_error cf_keys_derive(const struct cf_secret *data_key, struct cf_keys **out)
{
    *out = NULL;
    assert(cf_secret_len(data_key) == CF_KEY_SIZE);
    struct cf_keys *keys = calloc(1, sizeof(*keys));
    if (keys == NULL)
        return CF_ENOMEM;
    keys->subkeys = cf_secret_new((SUBKEY_END - SUBKEY_SEAL) * CF_KEY_SIZE);
    if (keys->subkeys == NULL) {
        free(keys);
        return CF_ENOMEM;
    }
    uint8_t *at = cf_secret_bytes(keys->subkeys);
    for (unsigned id = SUBKEY_SEAL; id < SUBKEY_END; id++, at += CF_KEY_SIZE)
        crypto_kdf_derive_from_key(at, CF_KEY_SIZE, id, KDF_CONTEXT, cf_secret_peek(data_key));
    *out = keys;
    return CF_OK;
}

void cf_keys_free(struct cf_keys *keys)
{
    if (keys == NULL)
        return;
    cf_secret_free(keys->subkeys);
    free(keys);
}

static const uint8_t *subkey(const struct cf_keys *keys, enum subkey id)
{
    return cf_secret_peek(keys->subkeys) + (size_t)(id - SUBKEY_SEAL) * CF_KEY_SIZE;
}

static void put_number(uint8_t out[static 8], uint64_t number)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(number >> (8 * i));
}

/* --- sealing --- */

/* nonce · ciphertext · tag */
static void encrypt(const uint8_t *key, const uint8_t *ad, size_t ad_len, const struct cf_secret *value,
                    uint8_t *sealed)
{
    randombytes_buf(sealed, NONCE_SIZE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE_SIZE, NULL, cf_secret_peek(value),
                                               cf_secret_len(value), ad, ad_len, NULL, sealed, key);
}

static enum cf_error decrypt(const uint8_t *key, const uint8_t *ad, size_t ad_len, const uint8_t *sealed,
                             size_t len, struct cf_secret **out)
{
    *out = NULL;
    if (len < CF_SEAL_OVERHEAD || len > CF_SECRET_LARGEST + CF_SEAL_OVERHEAD)
        return CF_ETAMPER;
    struct cf_secret *value = cf_secret_new(len - CF_SEAL_OVERHEAD);
    if (value == NULL)
        return CF_ENOMEM;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(cf_secret_bytes(value), NULL, NULL, sealed + NONCE_SIZE,
                                                   len - NONCE_SIZE, ad, ad_len, sealed, key) != 0) {
        cf_secret_free(value);
        return CF_ETAMPER;
    }
    *out = value;
    return CF_OK;
}

/* format (1) · App id (16) · version (8, little-endian) · field; returns its length */
static size_t binding_bytes(const struct cf_binding *binding, uint8_t out[static BINDING_MAX])
{
    size_t field_len = strnlen(binding->field, FIELD_MAX);
    assert(binding->field[field_len] == '\0');
    out[0] = SEAL_FORMAT;
    memcpy(out + 1, binding->app, CF_ID_SIZE);
    put_number(out + 1 + CF_ID_SIZE, (uint64_t)binding->version);
    memcpy(out + 1 + CF_ID_SIZE + 8, binding->field, field_len);
    return 1 + CF_ID_SIZE + 8 + field_len;
}

void cf_seal(const struct cf_keys *keys, const struct cf_binding *binding, const struct cf_secret *value,
             uint8_t *sealed)
{
    uint8_t ad[BINDING_MAX];
    size_t ad_len = binding_bytes(binding, ad);
    encrypt(subkey(keys, SUBKEY_SEAL), ad, ad_len, value, sealed);
}

enum cf_error cf_unseal(const struct cf_keys *keys, const struct cf_binding *binding, const uint8_t *sealed,
                        size_t len, struct cf_secret **out)
{
    uint8_t ad[BINDING_MAX];
    size_t ad_len = binding_bytes(binding, ad);
    return decrypt(subkey(keys, SUBKEY_SEAL), ad, ad_len, sealed, len, out);
}

/* "credfs-wrap" · format (1) · the store's id (16) */
enum { WRAP_LABEL_SIZE = 11, WRAP_AD_SIZE = WRAP_LABEL_SIZE + 1 + CF_ID_SIZE };

static void wrap_bytes(const uint8_t store_id[static CF_ID_SIZE], uint8_t out[static WRAP_AD_SIZE])
{
    memcpy(out, "credfs-wrap", WRAP_LABEL_SIZE);
    out[WRAP_LABEL_SIZE] = WRAP_FORMAT;
    memcpy(out + WRAP_LABEL_SIZE + 1, store_id, CF_ID_SIZE);
}

void cf_wrap(const struct cf_secret *slot_key, const uint8_t store_id[static CF_ID_SIZE],
             const struct cf_secret *data_key, uint8_t *wrapped)
{
    assert(cf_secret_len(slot_key) == CF_KEY_SIZE && cf_secret_len(data_key) == CF_KEY_SIZE);
    uint8_t ad[WRAP_AD_SIZE];
    wrap_bytes(store_id, ad);
    encrypt(cf_secret_peek(slot_key), ad, sizeof(ad), data_key, wrapped);
}

enum cf_error cf_unwrap(const struct cf_secret *slot_key, const uint8_t store_id[static CF_ID_SIZE],
                        const uint8_t *wrapped, size_t len, struct cf_secret **data_key)
{
    *data_key = NULL;
    assert(cf_secret_len(slot_key) == CF_KEY_SIZE);
    if (len != CF_KEY_SIZE + CF_SEAL_OVERHEAD)
        return CF_EWRONGKEY;
    uint8_t ad[WRAP_AD_SIZE];
    wrap_bytes(store_id, ad);
    enum cf_error error = decrypt(cf_secret_peek(slot_key), ad, sizeof(ad), wrapped, len, data_key);
    return error == CF_ETAMPER ? CF_EWRONGKEY : error;
}

/* --- MACs and fingerprints --- */

static crypto_generichash_state *mac_state(struct cf_mac *mac)
{
    return (crypto_generichash_state *)(void *)mac->state;
}

void cf_mac_begin(struct cf_mac *mac, const struct cf_keys *keys, enum cf_mac_key key, const char *domain)
{
    const uint8_t *bytes = subkey(keys, key == CF_MAC_AUDIT ? SUBKEY_AUDIT : SUBKEY_ROW);
    crypto_generichash_init(mac_state(mac), bytes, CF_KEY_SIZE, CF_MAC_SIZE);
    cf_mac_text(mac, domain);
}

void cf_mac_bytes(struct cf_mac *mac, const void *bytes, size_t len)
{
    uint8_t prefix[8];
    put_number(prefix, len);
    crypto_generichash_update(mac_state(mac), prefix, sizeof(prefix));
    if (len > 0)
        crypto_generichash_update(mac_state(mac), bytes, len);
}

void cf_mac_text(struct cf_mac *mac, const char *string)
{
    cf_mac_bytes(mac, string, string == NULL ? 0 : strlen(string));
}

void cf_mac_int(struct cf_mac *mac, int64_t number)
{
    uint8_t bytes[8];
    put_number(bytes, (uint64_t)number);
    cf_mac_bytes(mac, bytes, sizeof(bytes));
}

void cf_mac_end(struct cf_mac *mac, uint8_t out[static CF_MAC_SIZE])
{
    crypto_generichash_final(mac_state(mac), out, CF_MAC_SIZE);
    cf_wipe(mac, sizeof(*mac));
}

void cf_fingerprint(const struct cf_keys *keys, const struct cf_secret *value,
                    uint8_t out[static CF_FINGERPRINT_SIZE])
{
    crypto_generichash(out, CF_FINGERPRINT_SIZE, cf_secret_peek(value), cf_secret_len(value),
                       subkey(keys, SUBKEY_FINGERPRINT), CF_KEY_SIZE);
}

/* --- what leaves the store --- */

bool cf_cost_allowed(const struct cf_cost *cost)
{
    return cost->memory >= CF_COST_LEAST.memory && cost->passes >= CF_COST_LEAST.passes &&
           cost->memory <= CF_COST_MOST.memory && cost->passes <= CF_COST_MOST.passes;
}

enum cf_error cf_passphrase_key(const struct cf_secret *passphrase, const uint8_t salt[static CF_SALT_SIZE],
                                const struct cf_cost *cost, struct cf_secret **key)
{
    *key = NULL;
    if (!cf_cost_allowed(cost))
        return CF_EVALUE;
    struct cf_secret *made = cf_secret_new(CF_KEY_SIZE);
    if (made == NULL)
        return CF_ENOMEM;
    if (crypto_pwhash(cf_secret_bytes(made), CF_KEY_SIZE, (const char *)cf_secret_peek(passphrase),
                      cf_secret_len(passphrase), salt, cost->passes, (size_t)cost->memory,
                      crypto_pwhash_ALG_ARGON2ID13) != 0) {
        cf_secret_free(made);
        return CF_ENOMEM;
    }
    *key = made;
    return CF_OK;
}

struct cf_secret *cf_pair_new(uint8_t public[static CF_KEY_SIZE])
{
    struct cf_secret *secret = cf_secret_new(CF_KEY_SIZE);
    if (secret != NULL)
        crypto_box_keypair(public, cf_secret_bytes(secret));
    return secret;
}

enum cf_error cf_box_seal(const uint8_t public[static CF_KEY_SIZE], const struct cf_secret *key,
                          uint8_t box[static CF_BOX_SIZE])
{
    assert(cf_secret_len(key) == CF_KEY_SIZE);
    return crypto_box_seal(box, cf_secret_peek(key), CF_KEY_SIZE, public) == 0 ? CF_OK : CF_EVALUE;
}

enum cf_error cf_box_open(const struct cf_secret *secret, const uint8_t box[static CF_BOX_SIZE],
                          struct cf_secret **key)
{
    uint8_t public[CF_KEY_SIZE];
    *key = NULL;
    assert(cf_secret_len(secret) == CF_KEY_SIZE);
    struct cf_secret *opened = cf_secret_new(CF_KEY_SIZE);
    if (opened == NULL)
        return CF_ENOMEM;
    if (crypto_scalarmult_base(public, cf_secret_peek(secret)) != 0 ||
        crypto_box_seal_open(cf_secret_bytes(opened), box, CF_BOX_SIZE, public, cf_secret_peek(secret)) != 0) {
        cf_secret_free(opened);
        return CF_EWRONGKEY;
    }
    *key = opened;
    return CF_OK;
}

static crypto_secretstream_xchacha20poly1305_state *stream_state(struct cf_stream *stream)
{
    return (crypto_secretstream_xchacha20poly1305_state *)(void *)cf_secret_bytes(stream->state);
}

enum cf_error cf_stream_seal(const struct cf_secret *key, uint8_t header[static CF_STREAM_HEADER_SIZE],
                             struct cf_stream *stream)
{
    stream->state = cf_secret_new(sizeof(crypto_secretstream_xchacha20poly1305_state));
    if (stream->state == NULL)
        return CF_ENOMEM;
    crypto_secretstream_xchacha20poly1305_init_push(stream_state(stream), header, cf_secret_peek(key));
    return CF_OK;
}

enum cf_error cf_stream_open(const struct cf_secret *key, const uint8_t header[static CF_STREAM_HEADER_SIZE],
                             struct cf_stream *stream)
{
    stream->state = cf_secret_new(sizeof(crypto_secretstream_xchacha20poly1305_state));
    if (stream->state == NULL)
        return CF_ENOMEM;
    if (crypto_secretstream_xchacha20poly1305_init_pull(stream_state(stream), header, cf_secret_peek(key)) == 0)
        return CF_OK;
    cf_stream_end(stream);
    return CF_ETAMPER;
}

void cf_stream_end(struct cf_stream *stream)
{
    cf_secret_free(stream->state);
    stream->state = NULL;
}

void cf_stream_push(struct cf_stream *stream, const uint8_t *piece, size_t len, const void *ad, size_t ad_len,
                    bool is_last, uint8_t *sealed)
{
    crypto_secretstream_xchacha20poly1305_push(stream_state(stream), sealed, NULL, piece, len, ad, ad_len,
                                               is_last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0);
}

enum cf_error cf_stream_pull(struct cf_stream *stream, const uint8_t *sealed, size_t sealed_len, const void *ad,
                             size_t ad_len, uint8_t *piece, bool *is_last)
{
    unsigned char tag;
    if (crypto_secretstream_xchacha20poly1305_pull(stream_state(stream), piece, NULL, &tag, sealed, sealed_len, ad,
                                                   ad_len) != 0)
        return CF_ETAMPER;
    *is_last = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    return CF_OK;
}
