/* envelope.h: what is sealed opens whole, for who may open it, and in no other form. */
#include "envelope.h"

#include "generate.h"
#include "secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 300000 };

/* A file in memory. */
struct file {
    unsigned char bytes[ROOM];
    size_t len, at;
};

static enum cf_error put(void *arg, const void *bytes, size_t len)
{
    struct file *file = arg;

    assert_true(file->len + len <= ROOM);
    memcpy(file->bytes + file->len, bytes, len);
    file->len += len;
    return CF_OK;
}

static enum cf_error get(void *arg, void *bytes, size_t size, size_t *len)
{
    struct file *file = arg;

    *len = file->len - file->at < size ? file->len - file->at : size;
    memcpy(bytes, file->bytes + file->at, *len);
    file->at += *len;
    return CF_OK;
}

struct pair {
    struct cf_secret *secret;
    uint8_t public[CF_KEY_SIZE];
};

static struct file sealed, copy;
static unsigned char plain[ROOM], opened[ROOM];

static int setup(void **state)
{
    struct pair *pair = calloc(1, sizeof *pair);
    struct cf_fault fault = {""};

    assert_non_null(pair);
    assert_int_equal(cf_crypto_start(&fault), CF_OK);
    pair->secret = cf_pair_new(pair->public);
    assert_non_null(pair->secret);
    for (size_t i = 0; i < ROOM; i++)
        plain[i] = (unsigned char)(i * 7 + i / 251);
    *state = pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;

    cf_secret_free(pair->secret);
    free(pair);
    return 0;
}

static void seal(const struct cf_addressee *to, size_t len)
{
    struct cf_envelope *envelope;

    sealed.len = 0;
    assert_int_equal(cf_envelope_seal(to, put, &sealed, &envelope), CF_OK);
    assert_int_equal(cf_envelope_write(envelope, plain, len / 3), CF_OK);
    assert_int_equal(cf_envelope_write(envelope, plain + len / 3, len - len / 3), CF_OK);
    assert_int_equal(cf_envelope_finish(envelope), CF_OK);
    cf_envelope_free(envelope);
}

/* Open a file to its end. */
static enum cf_error open_all(struct file *file, const struct cf_secret *opener, size_t *len)
{
    struct cf_envelope *envelope;
    struct cf_fault fault = {""};
    const char *bytes;
    size_t part = 1;
    enum cf_error error;

    file->at = 0;
    *len = 0;
    error = cf_envelope_open(get, file, &envelope, &fault);
    if (error == CF_OK)
        error = cf_envelope_unlock(envelope, opener, &fault);
    while (error == CF_OK && part > 0) {
        error = cf_envelope_read(envelope, &bytes, &part);
        if (error == CF_OK && part > 0) {
            memcpy(opened + *len, bytes, part);
            *len += part;
        }
    }
    cf_envelope_free(envelope);
    return error;
}

static void test_sizes(void **state)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 131072, 200000};
    const struct pair *pair = *state;
    const struct cf_addressee to = {.public = pair->public};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t len;
        seal(&to, sizes[i]);
        assert_int_equal(open_all(&sealed, pair->secret, &len), CF_OK);
        assert_int_equal(len, sizes[i]);
        assert_memory_equal(opened, plain, len);
    }
}

/* Cut off at any piece, or inside one: never taken for whole. */
static void test_cut(void **state)
{
    const struct pair *pair = *state;
    const struct cf_addressee to = {.public = pair->public};
    const size_t piece = 65536 + CF_STREAM_OVERHEAD;
    size_t line, len;

    seal(&to, 200000);
    line = (size_t)((unsigned char *)memchr(sealed.bytes, '\n', sealed.len) - sealed.bytes) + 1;
    for (size_t cut = 0; cut < sealed.len; cut += cut < line + 40 ? 1 : 4999) {
        copy = sealed;
        copy.len = cut;
        assert_int_not_equal(open_all(&copy, pair->secret, &len), CF_OK);
    }
    for (size_t pieces = 0; pieces < 4; pieces++) {
        copy = sealed;
        copy.len = line + CF_STREAM_HEADER_SIZE + pieces * piece;
        assert_int_not_equal(open_all(&copy, pair->secret, &len), CF_OK);
    }
    copy = sealed;
    copy.bytes[copy.len++] = 0;
    assert_int_equal(open_all(&copy, pair->secret, &len), CF_ETAMPER);
}

/* A bit changed anywhere, or two pieces exchanged. */
static void test_changed(void **state)
{
    const struct pair *pair = *state;
    const struct cf_addressee to = {.public = pair->public};
    const size_t piece = 65536 + CF_STREAM_OVERHEAD;
    size_t line, len;

    seal(&to, 200000);
    line = (size_t)((unsigned char *)memchr(sealed.bytes, '\n', sealed.len) - sealed.bytes) + 1;
    for (size_t at = 0; at < sealed.len; at += at < line + 40 ? 1 : 4999) {
        copy = sealed;
        copy.bytes[at] ^= 1;
        assert_int_not_equal(open_all(&copy, pair->secret, &len), CF_OK);
    }
    copy = sealed;
    line += CF_STREAM_HEADER_SIZE;
    memcpy(copy.bytes + line, sealed.bytes + line + piece, piece);
    memcpy(copy.bytes + line + piece, sealed.bytes + line, piece);
    assert_int_not_equal(open_all(&copy, pair->secret, &len), CF_OK);
}

static void test_recipient(void **state)
{
    const struct pair *pair = *state;
    const struct cf_addressee to = {.public = pair->public};
    const struct cf_addressee nobody = {.public = (const uint8_t[CF_KEY_SIZE]){0}};
    struct cf_envelope *envelope;
    uint8_t public[CF_KEY_SIZE];
    struct cf_secret *other = cf_pair_new(public);
    size_t len;

    assert_non_null(other);
    seal(&to, 1000);
    assert_int_equal(open_all(&sealed, other, &len), CF_EWRONGKEY);
    assert_int_equal(len, 0);
    cf_secret_free(other);
    assert_int_equal(cf_envelope_seal(&nobody, put, &sealed, &envelope), CF_EVALUE);
    assert_null(envelope);
}

static void test_passphrase(void **state)
{
    struct cf_secret *passphrase = cf_secret_copy("correct horse", 13),
                     *wrong = cf_secret_copy("correct house", 13);
    const struct cf_addressee to = {.passphrase = passphrase};
    size_t len;

    (void)state;
    seal(&to, 70000);
    assert_memory_equal(sealed.bytes, "credfs-export 1 passphrase argon2id 268435456 3 ", 48);
    assert_int_equal(open_all(&sealed, passphrase, &len), CF_OK);
    assert_int_equal(len, 70000);
    assert_int_equal(open_all(&sealed, wrong, &len), CF_EWRONGKEY);
    cf_secret_free(passphrase);
    cf_secret_free(wrong);
}

/* What was derived too cheaply is refused, and so is what would take all memory or time. */
static void test_cost(void **state)
{
    static const char *const costs[] = {"268435455 3",  "268435456 2",  "8192 1",      "0 0",
                                        "4294967297 3", "268435456 65", "9999999999 3"};
    struct cf_secret *passphrase = cf_secret_copy("x", 1), *key;
    const uint8_t salt[CF_SALT_SIZE] = {0};
    struct cf_envelope *envelope;

    (void)state;
    for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
        struct cf_fault fault = {""};
        int len = snprintf((char *)copy.bytes, ROOM, "credfs-export 1 passphrase argon2id %s %032d\n", costs[i], 0);
        copy.len = (size_t)len;
        copy.at = 0;
        assert_int_equal(cf_envelope_open(get, &copy, &envelope, &fault), CF_EUNSAFE);
        assert_null(envelope);
        assert_non_null(strstr(fault.text, "Argon2id"));
    }
    assert_int_equal(cf_passphrase_key(passphrase, salt, &(struct cf_cost){1 << 20, 3}, &key), CF_EVALUE);
    assert_null(key);
    cf_secret_free(passphrase);
}

static void test_line(void **state)
{
    static const char *const lines[] = {
        "",
        "\n",
        "credfs-export 2 passphrase argon2id 268435456 3 00000000000000000000000000000000\n",
        "credfs-export 1 passphrase argon2id 268435456 3 0000\n",
        "credfs-export 1 passphrase argon2id 268435456 3 00000000000000000000000000000000 more\n",
        "credfs-export 1 passphrase scrypt 268435456 3 00000000000000000000000000000000\n",
        "credfs-export 1 recipient 00 00\n",
        "credfs-export 1 recipient"};
    struct cf_envelope *envelope;

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        copy.len = strlen(lines[i]);
        copy.at = 0;
        memcpy(copy.bytes, lines[i], copy.len);
        assert_int_equal(cf_envelope_open(get, &copy, &envelope, NULL), CF_EFORMAT);
        assert_null(envelope);
    }
}

static void test_key_text(void **state)
{
    const struct pair *pair = *state;
    char text[CF_KEY_TEXT_SIZE + 1];
    uint8_t key[CF_KEY_SIZE];

    cf_key_print("cfpub_", pair->public, text);
    assert_int_equal(strlen(text), CF_KEY_TEXT_SIZE);
    assert_true(cf_key_parse("cfpub_", text, strlen(text), key));
    assert_memory_equal(key, pair->public, CF_KEY_SIZE);
    assert_false(cf_key_parse("cfprv_", text, strlen(text), key));
    assert_false(cf_key_parse("cfpub_", text, strlen(text) - 1, key));
    for (size_t i = 6; i < CF_KEY_TEXT_SIZE; i++) { /* one digit mistyped */
        const char was = text[i];
        text[i] = was == '0' ? '1' : '0';
        assert_false(cf_key_parse("cfpub_", text, CF_KEY_TEXT_SIZE, key));
        text[i] = was;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),      cmocka_unit_test(test_cut),      cmocka_unit_test(test_changed),
        cmocka_unit_test(test_recipient),  cmocka_unit_test(test_cost),     cmocka_unit_test(test_line),
        cmocka_unit_test(test_passphrase), cmocka_unit_test(test_key_text),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
