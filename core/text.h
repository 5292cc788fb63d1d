/* text.h: growing text, and the rules that text from outside is held against.
 *
 * struct cf_text is for what may be shown: it is ordinary memory, never a place for a secret (secret.h).
 * A failed allocation is remembered, so that a renderer can add line after line and ask once at the end.
 */
#ifndef CF_TEXT_H
#define CF_TEXT_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CF_NAME_MAX = 128, CF_SLUG_MAX = 64, CF_VALUE_MAX = 4000 };

struct cf_text {
    char *data; /* NUL-terminated once anything was added; owned */
    size_t len; /* bytes, without the NUL */
    size_t size;
    bool failed;
};

void cf_text_add(struct cf_text *text, const char *bytes, size_t len);
void cf_text_puts(struct cf_text *text, const char *string);
void cf_text_printf(struct cf_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Add a number in decimal, quicker than by printf. */
void cf_text_number(struct cf_text *text, int64_t number);

/* Add string as a JSON string with its quotes (RFC 8259); bytes that are not UTF-8 become U+FFFD. */
void cf_text_json(struct cf_text *text, const char *string);

/* Returns 0, or CF_ENOMEM when any addition failed. */
CF_CHECKED enum cf_error cf_text_result(const struct cf_text *text);

/* Free the bytes and make the text empty again. */
void cf_text_release(struct cf_text *text);

/* The length in bytes of the UTF-8 sequence at bytes and its code point, or 0 when it is not valid (RFC 3629: no
 * surrogates, nothing overlong, nothing past U+10FFFF). left: bytes that may be read, at least 1. */
size_t cf_utf8_next(const char *bytes, size_t left, uint32_t *code);

/* Is it an App name: 1 to 128 bytes of valid UTF-8, no white space of any kind (Unicode White_Space), no control or
 * invisible formatting character, no '/', not starting with '.' or '-'.
 * Returns 0 or CF_ENAME. */
CF_CHECKED enum cf_error cf_name_check(const char *name, size_t len);

/* Is it a slug: 1 to 64 of a-z, 0-9 and '-', beginning with a letter or digit. */
bool cf_slug_valid(const char *slug, size_t len);

/* Is it one printable value: 1 to 4000 bytes of valid UTF-8 without control characters. Not constant-time. */
bool cf_value_valid(const char *value, size_t len);

/* One line of free text for a description or label: valid UTF-8, no control characters, at most max bytes. */
bool cf_line_valid(const char *line, size_t len, size_t max);

/* The next word of a text: skips blanks (space, tab, CR, LF, VT, FF) and returns its start, or NULL at the end; *len
 * is its length, *cursor moves past it. end: one past the last byte. */
const char *cf_word_next(const char **cursor, const char *end, size_t *len);

/* Lower-case hexadecimal; out has room for 2 * len + 1. */
void cf_hex(const uint8_t *bytes, size_t len, char *out);

/* The reverse: exactly 2 * len digits. Returns false on anything else. */
bool cf_unhex(const char *digits, size_t digits_len, uint8_t *out, size_t len);

#endif
