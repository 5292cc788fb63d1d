#include "generate.h"

#include "crypto.h"
#include "text.h"

#include <string.h>

enum { PREFIX_SIZE = 4, CHECK_SIZE = 6, KEY_SIZE = PREFIX_SIZE + 32, SECRET_SIZE = PREFIX_SIZE + 43 };

static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* ISO-HDLC: reflected, polynomial 0x04C11DB7, begun with and inverted by all ones. No table: a look-up would leave
 * traces of a secret in the cache. */
static uint32_t crc32(const uint8_t *bytes, size_t len)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (UINT32_C(0xEDB88320) & (0U - (crc & 1U)));
    }
    return ~crc;
}

static void check_digits(const uint8_t *bytes, size_t len, uint8_t out[static CHECK_SIZE])
{
    uint32_t crc = crc32(bytes, len);
    for (int i = CHECK_SIZE - 1; i >= 0; i--) {
        out[i] = (uint8_t)base62[crc % 62];
        crc /= 62;
    }
}

static struct cf_secret *generate(const char *prefix, size_t size)
{
    struct cf_secret *value = cf_secret_new(size);
    if (value == NULL)
        return NULL;
    uint8_t *bytes = cf_secret_bytes(value);
    memcpy(bytes, prefix, PREFIX_SIZE);
    for (size_t i = PREFIX_SIZE; i < size - CHECK_SIZE; i++)
        bytes[i] = (uint8_t)base62[cf_random_below(62)];
    check_digits(bytes, size - CHECK_SIZE, bytes + size - CHECK_SIZE);
    return value;
}

struct cf_secret *cf_generate_key(void)
{
    return generate("cfk_", KEY_SIZE);
}

struct cf_secret *cf_generate_secret(void)
{
    return generate("cfs_", SECRET_SIZE);
}

static bool is_base62(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool has_form(const char *value, size_t len, const char *prefix, size_t size)
{
    if (len != size || memcmp(value, prefix, PREFIX_SIZE) != 0)
        return false;
    for (size_t i = PREFIX_SIZE; i < len; i++)
        if (!is_base62(value[i]))
            return false;
    return true;
}

bool cf_generated_valid(const char *value, size_t len)
{
    if (!has_form(value, len, "cfk_", KEY_SIZE) && !has_form(value, len, "cfs_", SECRET_SIZE))
        return false;
    uint8_t check[CHECK_SIZE];
    check_digits((const uint8_t *)value, len - CHECK_SIZE, check);
    bool agrees = cf_equal(check, value + len - CHECK_SIZE, CHECK_SIZE);
    cf_wipe(check, sizeof(check));
    return agrees;
}

/* prefix · digits of the key · digits of its check sum, big-endian */
void cf_key_print(const char *prefix, const uint8_t key[static CF_KEY_SIZE], char *out)
{
    uint32_t crc = crc32(key, CF_KEY_SIZE);
    const uint8_t check[] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8), (uint8_t)crc};
    memcpy(out, prefix, 6);
    cf_hex(key, CF_KEY_SIZE, out + 6);
    cf_hex(check, sizeof(check), out + 6 + 2 * CF_KEY_SIZE);
}

bool cf_key_parse(const char *prefix, const char *text, size_t len, uint8_t key[static CF_KEY_SIZE])
{
    char again[CF_KEY_TEXT_SIZE + 1];
    if (len != CF_KEY_TEXT_SIZE || memcmp(text, prefix, 6) != 0 ||
        !cf_unhex(text + 6, 2 * CF_KEY_SIZE, key, CF_KEY_SIZE))
        return false;
    cf_key_print(prefix, key, again);
    bool agrees = cf_equal(again, text, len);
    cf_wipe(again, sizeof(again));
    return agrees;
}
