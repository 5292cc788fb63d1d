/* generate.h: text with check digits: the keys and secrets that credfs generates, and keys of recipients (envelope.h).
 */
#ifndef CF_GENERATE_H
#define CF_GENERATE_H

#include "crypto.h"

/* A new key ("cfk_" and 32 characters) or secret ("cfs_" and 43): base62, the last 6 a CRC-32 (ISO-HDLC) over all
 * before them, in base62. NULL when the arena is used up. */
struct cf_secret *cf_generate_key(void);
struct cf_secret *cf_generate_secret(void);

/* Is it of that form, with a check sum that agrees? */
bool cf_generated_valid(const char *value, size_t len);

enum { CF_KEY_TEXT_SIZE = 6 + 2 * CF_KEY_SIZE + 8 };

/* A key as text: a prefix of six characters ("cfpub_", "cfprv_"), hexadecimal digits, and a check sum that catches a
 * mistyped one. out: CF_KEY_TEXT_SIZE bytes and a NUL; as secret as the key. */
void cf_key_print(const char *prefix, const uint8_t key[static CF_KEY_SIZE], char *out);
bool cf_key_parse(const char *prefix, const char *text, size_t len, uint8_t key[static CF_KEY_SIZE]);

#endif
