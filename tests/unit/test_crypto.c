/* Keys, sealing, MACs, and generated keys and secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto.h"
#include "generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static struct cf_secret *secret_of(const char *text)
{
    struct cf_secret *secret = cf_secret_copy(text, strlen(text));

    assert_non_null(secret);
    return secret;
}

static struct cf_secret *key_of(uint8_t fill)
{
    uint8_t bytes[CF_KEY_SIZE];
    struct cf_secret *key;

    memset(bytes, fill, sizeof(bytes));
    key = cf_secret_copy(bytes, sizeof(bytes));
    assert_non_null(key);
    return key;
}

static struct cf_keys *keys_of(uint8_t fill)
{
    struct cf_secret *data_key = key_of(fill);
    struct cf_keys *keys;

    assert_int_equal(cf_keys_derive(data_key, &keys), CF_OK);
    cf_secret_free(data_key);
    return keys;
}

static int start(void **state)
{
    (void)state;
    return cf_crypto_start(NULL) == CF_OK ? 0 : -1;
}

static void starting_twice_is_well(void **state)
{
    (void)state;
    assert_int_equal(cf_crypto_start(NULL), CF_OK);
}

static void random_bytes_differ_and_stay_inside(void **state)
{
    uint8_t a[34] = {0}, b[34] = {0};

    (void)state;
    a[0] = b[0] = a[33] = b[33] = 0xA5;
    cf_random(a + 1, 32);
    cf_random(b + 1, 32);
    assert_memory_not_equal(a, b, sizeof(a));
    assert_int_equal(a[0], 0xA5);
    assert_int_equal(a[33], 0xA5);
}

static void equal_sees_every_byte(void **state)
{
    uint8_t a[32] = {0}, b[32] = {0};

    (void)state;
    assert_true(cf_equal(a, b, 32));
    assert_true(cf_equal(a, b, 0));
    for (size_t i = 0; i < 32; i++) {
        b[i] = 0x80;
        assert_false(cf_equal(a, b, 32));
        b[i] = 0;
    }
}

static void seal(const struct cf_keys *keys, const struct cf_binding *binding, const char *text, uint8_t *sealed)
{
    struct cf_secret *value = secret_of(text);

    cf_seal(keys, binding, value, sealed);
    cf_secret_free(value);
}

static void sealed_values_open_to_the_letter(void **state)
{
    static const size_t lens[] = {0, 1, 47, 4000, CF_SECRET_MAX};
    static uint8_t sealed[CF_SECRET_MAX + CF_SEAL_OVERHEAD];
    const uint8_t app[CF_ID_SIZE] = {1, 2, 3};
    const struct cf_binding binding = {app, 7, "secret"};
    struct cf_keys *keys = keys_of(1);

    (void)state;
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct cf_secret *value = cf_secret_new(lens[i]), *opened;

        assert_non_null(value);
        cf_random(cf_secret_bytes(value), lens[i]);
        cf_seal(keys, &binding, value, sealed);
        assert_int_equal(cf_unseal(keys, &binding, sealed, lens[i] + CF_SEAL_OVERHEAD, &opened), CF_OK);
        assert_int_equal(cf_secret_len(opened), lens[i]);
        assert_memory_equal(cf_secret_peek(opened), cf_secret_peek(value), lens[i]);
        cf_secret_free(opened);
        cf_secret_free(value);
    }
    cf_keys_free(keys);
}

static void sealing_twice_gives_other_bytes(void **state)
{
    const uint8_t app[CF_ID_SIZE] = {0};
    const struct cf_binding binding = {app, 1, "key"};
    uint8_t a[5 + CF_SEAL_OVERHEAD], b[5 + CF_SEAL_OVERHEAD];
    struct cf_keys *keys = keys_of(1);

    (void)state;
    seal(keys, &binding, "value", a);
    seal(keys, &binding, "value", b);
    assert_memory_not_equal(a, b, 24);
    assert_memory_not_equal(a + 24, b + 24, 5);
    assert_null(memmem(a, sizeof(a), "value", 5));
    cf_keys_free(keys);
}

static void refused(const struct cf_keys *keys, const struct cf_binding *binding, const uint8_t *sealed, size_t len)
{
    struct cf_secret *opened = (void *)1;

    assert_int_equal(cf_unseal(keys, binding, sealed, len, &opened), CF_ETAMPER);
    assert_null(opened);
}

static void no_flipped_bit_opens(void **state)
{
    const uint8_t app[CF_ID_SIZE] = {9};
    const struct cf_binding binding = {app, 1, "key"};
    uint8_t sealed[5 + CF_SEAL_OVERHEAD];
    struct cf_keys *keys = keys_of(1);

    (void)state;
    seal(keys, &binding, "value", sealed);
    for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
        sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
        refused(keys, &binding, sealed, sizeof(sealed));
        sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t len = 0; len < sizeof(sealed); len++)
        refused(keys, &binding, sealed, len);
    cf_keys_free(keys);
}

static void no_moved_value_opens(void **state)
{
    uint8_t app[CF_ID_SIZE] = {9}, sealed[5 + CF_SEAL_OVERHEAD];
    const struct cf_binding right = {app, 1, "key"}, version = {app, 2, "key"}, far = {app, 257, "key"},
                            field = {app, 1, "secret"}, longer = {app, 1, "key2"}, shorter = {app, 1, "ke"};
    const struct cf_binding *const wrong[] = {&version, &far, &field, &longer, &shorter};
    struct cf_keys *keys = keys_of(1), *others = keys_of(2);

    (void)state;
    seal(keys, &right, "value", sealed);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        refused(keys, wrong[i], sealed, sizeof(sealed));
    refused(others, &right, sealed, sizeof(sealed));
    for (size_t i = 0; i < CF_ID_SIZE; i++) {
        app[i] ^= 1;
        refused(keys, &right, sealed, sizeof(sealed));
        app[i] ^= 1;
    }
    cf_keys_free(keys);
    cf_keys_free(others);
}

static void an_oversized_sealed_value_is_refused(void **state)
{
    static const uint8_t sealed[CF_SECRET_MAX + CF_SEAL_OVERHEAD + 1];
    const uint8_t app[CF_ID_SIZE] = {0};
    const struct cf_binding binding = {app, 1, "key"};
    struct cf_keys *keys = keys_of(1);

    (void)state;
    refused(keys, &binding, sealed, sizeof(sealed));
    cf_keys_free(keys);
}

static void a_wrapped_key_opens_only_with_its_slot_and_store(void **state)
{
    uint8_t store[CF_ID_SIZE] = {4}, wrapped[CF_KEY_SIZE + CF_SEAL_OVERHEAD];
    struct cf_secret *slot = key_of(1), *other = key_of(2), *data = key_of(3), *opened = NULL;

    (void)state;
    cf_wrap(slot, store, data, wrapped);
    assert_int_equal(cf_unwrap(slot, store, wrapped, sizeof(wrapped), &opened), CF_OK);
    assert_int_equal(cf_secret_len(opened), CF_KEY_SIZE);
    assert_memory_equal(cf_secret_peek(opened), cf_secret_peek(data), CF_KEY_SIZE);
    cf_secret_free(opened);

    assert_int_equal(cf_unwrap(other, store, wrapped, sizeof(wrapped), &opened), CF_EWRONGKEY);
    assert_null(opened);
    assert_int_equal(cf_unwrap(slot, store, wrapped, sizeof(wrapped) - 1, &opened), CF_EWRONGKEY);
    store[15] ^= 1;
    assert_int_equal(cf_unwrap(slot, store, wrapped, sizeof(wrapped), &opened), CF_EWRONGKEY);
    store[15] ^= 1;
    for (size_t i = 0; i < sizeof(wrapped); i++) {
        wrapped[i] ^= 0x10;
        assert_int_equal(cf_unwrap(slot, store, wrapped, sizeof(wrapped), &opened), CF_EWRONGKEY);
        wrapped[i] ^= 0x10;
    }
    cf_secret_free(slot);
    cf_secret_free(other);
    cf_secret_free(data);
}

static void mac_two(const struct cf_keys *keys, enum cf_mac_key key, const char *domain, const char *a,
                    const char *b, uint8_t out[static CF_MAC_SIZE])
{
    struct cf_mac mac;
    static const struct cf_mac wiped;

    cf_mac_begin(&mac, keys, key, domain);
    cf_mac_text(&mac, a);
    cf_mac_text(&mac, b);
    cf_mac_end(&mac, out);
    assert_memory_equal(&mac, &wiped, sizeof(mac));
}

static void macs_tell_parts_keys_and_domains_apart(void **state)
{
    uint8_t first[CF_MAC_SIZE], again[CF_MAC_SIZE], other[CF_MAC_SIZE];
    struct cf_keys *keys = keys_of(1), *others = keys_of(2);

    (void)state;
    mac_two(keys, CF_MAC_ROW, "app", "ab", "c", first);
    mac_two(keys, CF_MAC_ROW, "app", "ab", "c", again);
    assert_memory_equal(first, again, CF_MAC_SIZE);
    mac_two(keys, CF_MAC_ROW, "app", "a", "bc", other);
    assert_memory_not_equal(first, other, CF_MAC_SIZE);
    mac_two(keys, CF_MAC_ROW, "app", "abc", "", other);
    assert_memory_not_equal(first, other, CF_MAC_SIZE);
    mac_two(keys, CF_MAC_ROW, "appab", "", "c", other);
    assert_memory_not_equal(first, other, CF_MAC_SIZE);
    mac_two(keys, CF_MAC_AUDIT, "app", "ab", "c", other);
    assert_memory_not_equal(first, other, CF_MAC_SIZE);
    mac_two(others, CF_MAC_ROW, "app", "ab", "c", other);
    assert_memory_not_equal(first, other, CF_MAC_SIZE);
    mac_two(keys, CF_MAC_ROW, "app", "", NULL, first);
    mac_two(keys, CF_MAC_ROW, "app", NULL, "", other);
    assert_memory_equal(first, other, CF_MAC_SIZE);
    cf_keys_free(keys);
    cf_keys_free(others);
}

static void mac_number(const struct cf_keys *keys, int64_t number, uint8_t out[static CF_MAC_SIZE])
{
    struct cf_mac mac;

    cf_mac_begin(&mac, keys, CF_MAC_ROW, "n");
    cf_mac_int(&mac, number);
    cf_mac_end(&mac, out);
}

static void macs_see_all_of_a_number(void **state)
{
    static const int64_t numbers[] = {0, 1, -1, INT64_MIN, INT64_MAX, INT64_C(1) << 32, INT64_C(1) << 56, 256};
    enum { COUNT = sizeof(numbers) / sizeof(numbers[0]) };
    uint8_t macs[COUNT][CF_MAC_SIZE];
    struct cf_keys *keys = keys_of(1);

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        mac_number(keys, numbers[i], macs[i]);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(macs[i], macs[j], CF_MAC_SIZE);
    }
    cf_keys_free(keys);
}

/* What a store on disk depends on: computed once with another implementation (Python's hashlib.blake2b). */
static void the_derivation_stays_as_it_is(void **state)
{
    static const char want_row[] = "e718eff4878bd875f46d670e5dad7c68d88e0ee7082554fd800e840ad74d3627";
    static const char want_audit[] = "f551c9f89f247121beb333c9b28d33dfca3528d5551293f299e318586b629352";
    static const char want_fingerprint[] = "68d5ef3645b596b2ba4814c0859049e4";
    struct cf_keys *keys = keys_of(1);
    struct cf_secret *value = secret_of("value");
    uint8_t mac[CF_MAC_SIZE];
    char hex[2 * CF_MAC_SIZE + 1];

    (void)state;
    mac_two(keys, CF_MAC_ROW, "app", "ab", "c", mac);
    for (size_t i = 0; i < CF_MAC_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", mac[i]);
    assert_string_equal(hex, want_row);
    mac_two(keys, CF_MAC_AUDIT, "app", "ab", "c", mac);
    for (size_t i = 0; i < CF_MAC_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", mac[i]);
    assert_string_equal(hex, want_audit);
    cf_fingerprint(keys, value, mac);
    for (size_t i = 0; i < CF_FINGERPRINT_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", mac[i]);
    assert_string_equal(hex, want_fingerprint);
    cf_secret_free(value);
    cf_keys_free(keys);
}

static void fingerprints_are_keyed(void **state)
{
    struct cf_keys *keys = keys_of(1), *others = keys_of(2);
    struct cf_secret *a = secret_of("value"), *b = secret_of("value2");
    uint8_t one[CF_FINGERPRINT_SIZE], two[CF_FINGERPRINT_SIZE];

    (void)state;
    cf_fingerprint(keys, a, one);
    cf_fingerprint(keys, a, two);
    assert_memory_equal(one, two, CF_FINGERPRINT_SIZE);
    cf_fingerprint(keys, b, two);
    assert_memory_not_equal(one, two, CF_FINGERPRINT_SIZE);
    cf_fingerprint(others, a, two);
    assert_memory_not_equal(one, two, CF_FINGERPRINT_SIZE);
    cf_secret_free(a);
    cf_secret_free(b);
    cf_keys_free(keys);
    cf_keys_free(others);
}

static void check_form(struct cf_secret *value, const char *prefix, size_t len)
{
    const char *text;

    assert_non_null(value);
    text = (const char *)cf_secret_peek(value);
    assert_int_equal(cf_secret_len(value), len);
    assert_true(memcmp(text, prefix, 4) == 0);
    for (size_t i = 4; i < len; i++)
        assert_true(text[i] != '\0' && strchr(alphabet, text[i]) != NULL);
    assert_true(cf_generated_valid(text, len));
    cf_secret_free(value);
}

static void generated_values_have_their_form(void **state)
{
    (void)state;
    for (int i = 0; i < 500; i++) {
        check_form(cf_generate_key(), "cfk_", 4 + 32);
        check_form(cf_generate_secret(), "cfs_", 4 + 43);
    }
}

/* Chi-square over the random digits; 150 is passed by chance once in some 10^8 runs of 61 degrees of freedom. A
 * modulo of a random byte (256 % 62 = 8) gives more than 400. */
static void generated_digits_are_even(void **state)
{
    enum { ROUNDS = 2000, DIGITS = ROUNDS * 37 };
    double counts[62] = {0}, sum = 0, expected = DIGITS / 62.0;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct cf_secret *value = cf_generate_secret();

        assert_non_null(value);
        for (size_t j = 4; j < 4 + 37; j++)
            counts[strchr(alphabet, cf_secret_peek(value)[j]) - alphabet] += 1;
        cf_secret_free(value);
    }
    for (size_t i = 0; i < 62; i++)
        sum += (counts[i] - expected) * (counts[i] - expected) / expected;
    assert_true(sum < 150);
    assert_true(sum > 15);
}

/* The check sums come from zlib's crc32, which is ISO-HDLC as well. */
static void known_check_sums_agree(void **state)
{
    static const char *const good[] = {
        "cfk_A1b2C3d4E5f6G7h8I9j0K1l2M34ULslC", "cfk_000000000000000000000000001PhIXO",
        "cfs_Zz9Zz9Zz9Zz9Zz9Zz9Zz9Zz9Zz9Zz9Zz9Zz9a3Xg8YS", "cfs_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz3D7IdH"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(cf_generated_valid(good[i], strlen(good[i])));
}

static void one_wrong_character_is_caught(void **state)
{
    static const char good[] = "cfk_A1b2C3d4E5f6G7h8I9j0K1l2M34ULslC";
    enum { LEN = sizeof(good) - 1 };
    char text[LEN + 2];

    (void)state;
    for (size_t at = 0; at < LEN; at++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(text, good, sizeof(good));
            text[at] = (char)byte;
            assert_true(cf_generated_valid(text, LEN) == (text[at] == good[at]));
        }
    }
    for (size_t at = 4; at + 1 < LEN; at++) {
        memcpy(text, good, sizeof(good));
        text[at] = good[at + 1];
        text[at + 1] = good[at];
        assert_true(cf_generated_valid(text, LEN) == (good[at] == good[at + 1]));
    }
    memcpy(text, good, sizeof(good));
    text[LEN] = '0';
    for (size_t len = 0; len <= LEN + 1; len++)
        assert_true(cf_generated_valid(text, len) == (len == LEN));
}

static void a_used_up_arena_is_no_crash(void **state)
{
    enum { MOST = 4096 };
    static struct cf_secret *taken[MOST];
    size_t count = 0;
    struct cf_secret *data_key = key_of(1), *opened;
    struct cf_keys *keys = keys_of(1), *more;
    const uint8_t app[CF_ID_SIZE] = {0};
    const struct cf_binding binding = {app, 1, "key"};
    uint8_t sealed[5 + CF_SEAL_OVERHEAD];

    (void)state;
    seal(keys, &binding, "value", sealed);
    while (count < MOST && (taken[count] = cf_secret_new(1)) != NULL)
        count++;
    assert_true(count < MOST);
    assert_null(cf_generate_key());
    assert_int_equal(cf_keys_derive(data_key, &more), CF_ENOMEM);
    assert_null(more);
    assert_int_equal(cf_unseal(keys, &binding, sealed, sizeof(sealed), &opened), CF_ENOMEM);
    assert_null(opened);
    while (count > 0)
        cf_secret_free(taken[--count]);
    cf_secret_free(data_key);
    cf_keys_free(keys);
    cf_keys_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starting_twice_is_well),
        cmocka_unit_test(random_bytes_differ_and_stay_inside),
        cmocka_unit_test(equal_sees_every_byte),
        cmocka_unit_test(sealed_values_open_to_the_letter),
        cmocka_unit_test(sealing_twice_gives_other_bytes),
        cmocka_unit_test(no_flipped_bit_opens),
        cmocka_unit_test(no_moved_value_opens),
        cmocka_unit_test(an_oversized_sealed_value_is_refused),
        cmocka_unit_test(a_wrapped_key_opens_only_with_its_slot_and_store),
        cmocka_unit_test(macs_tell_parts_keys_and_domains_apart),
        cmocka_unit_test(macs_see_all_of_a_number),
        cmocka_unit_test(the_derivation_stays_as_it_is),
        cmocka_unit_test(fingerprints_are_keyed),
        cmocka_unit_test(generated_values_have_their_form),
        cmocka_unit_test(generated_digits_are_even),
        cmocka_unit_test(known_check_sums_agree),
        cmocka_unit_test(one_wrong_character_is_caught),
        cmocka_unit_test(a_used_up_arena_is_no_crash),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
