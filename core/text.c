#include "text.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Make room for len more bytes and the NUL. */
static bool reserve(struct cf_text *text, size_t len)
{
    size_t size = text->size ? text->size : 64;
    char *data;

    if (text->failed)
        return false;
    if (len > SIZE_MAX / 2 - 1 - text->len) {
        text->failed = true;
        return false;
    }
    while (size < text->len + len + 1)
        size *= 2;
    if (size == text->size)
        return true;
    data = realloc(text->data, size);
    if (data == NULL) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->size = size;
    return true;
}

void cf_text_add(struct cf_text *text, const char *bytes, size_t len)
{
    if (!reserve(text, len))
        return;
    if (len > 0)
        memcpy(text->data + text->len, bytes, len);
    text->len += len;
    text->data[text->len] = '\0';
}

void cf_text_puts(struct cf_text *text, const char *string)
{
    cf_text_add(text, string, strlen(string));
}

/* Most of what is printed is short: it is tried in the room that is there. */
void cf_text_printf(struct cf_text *text, const char *format, ...)
{
    size_t room;
    va_list args;
    int len;

    if (!reserve(text, 63))
        return;
    room = text->size - text->len;
    va_start(args, format);
    len = vsnprintf(text->data + text->len, room, format, args);
    va_end(args);
    if (len < 0)
        text->failed = true;
    if (len < 0 || !reserve(text, (size_t)len))
        return;
    if ((size_t)len >= room) {
        va_start(args, format);
        vsnprintf(text->data + text->len, (size_t)len + 1, format, args);
        va_end(args);
    }
    text->len += (size_t)len;
}

void cf_text_number(struct cf_text *text, int64_t number)
{
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0)
        cf_text_add(text, "-", 1);
    cf_text_add(text, digits + at, sizeof digits - at);
}

enum cf_error cf_text_result(const struct cf_text *text)
{
    return text->failed ? CF_ENOMEM : CF_OK;
}

void cf_text_release(struct cf_text *text)
{
    free(text->data);
    *text = (struct cf_text){0};
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xC0u) == 0x80u;
}

size_t cf_utf8_next(const char *bytes, size_t left, uint32_t *code)
{
    static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)bytes[0];
    uint32_t value;
    size_t len;

    if (first < 0x80) {
        *code = first;
        return 1;
    }
    len = first < 0xC0 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF8 ? 4 : 0;
    if (len == 0 || len > left)
        return 0;
    value = first & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (!is_continuation(bytes[i]))
            return 0;
        value = value << 6 | ((unsigned char)bytes[i] & 0x3Fu);
    }
    if (value < lowest[len] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    *code = value;
    return len;
}

struct range {
    uint32_t low, high;
};

static bool in_ranges(uint32_t code, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (code >= ranges[i].low && code <= ranges[i].high)
            return true;
    }
    return false;
}

/* Unicode general category Cc. */
static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code <= 0x9F);
}

/* The Unicode property White_Space (PropList.txt). */
static bool is_space(uint32_t code)
{
    static const struct range spaces[] = {
        {0x0009, 0x000D}, {0x0020, 0x0020}, {0x0085, 0x0085}, {0x00A0, 0x00A0}, {0x1680, 0x1680},
        {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000},
    };

    return in_ranges(code, spaces, sizeof(spaces) / sizeof(spaces[0]));
}

/* What hides itself or reorders what stands beside it, so that two names could look alike: the Unicode
 * property Default_Ignorable_Code_Point (DerivedCoreProperties.txt: soft hyphen, zero-width and
 * bidirectional marks, fillers, variation selectors, tags) and the marks of interlinear annotation. This
 * also refuses the joiners that some emoji and scripts use. */
static bool is_hidden(uint32_t code)
{
    static const struct range hidden[] = {
        {0x00AD, 0x00AD},   {0x034F, 0x034F},   {0x061C, 0x061C}, {0x115F, 0x1160}, {0x17B4, 0x17B5},
        {0x180B, 0x180F},   {0x200B, 0x200F},   {0x202A, 0x202E}, {0x2060, 0x206F}, {0x3164, 0x3164},
        {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB}, {0x1BCA0, 0x1BCA3},
        {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
    };

    return in_ranges(code, hidden, sizeof(hidden) / sizeof(hidden[0]));
}

static void json_escape(struct cf_text *text, uint32_t code)
{
    if (code > 0xFFFF) {
        code -= 0x10000;
        cf_text_printf(text, "\\u%04x\\u%04x", 0xD800u + (code >> 10), 0xDC00u + (code & 0x3FFu));
    } else {
        cf_text_printf(text, "\\u%04x", code);
    }
}

/* Beside what JSON demands, all that would hide or move text on a terminal is escaped. */
static void json_character(struct cf_text *text, const char *bytes, size_t len, uint32_t code)
{
    if (code == '"' || code == '\\') {
        cf_text_puts(text, "\\");
        cf_text_add(text, bytes, len);
    } else if (code == '\n') {
        cf_text_puts(text, "\\n");
    } else if (code == '\t') {
        cf_text_puts(text, "\\t");
    } else if (is_control(code) || is_hidden(code) || code == 0x2028 || code == 0x2029) {
        json_escape(text, code);
    } else {
        cf_text_add(text, bytes, len);
    }
}

/* How much at the start of a string stands for itself in JSON and is ASCII. */
static size_t plain_length(const char *string)
{
    size_t len = 0;

    while (string[len] >= 0x20 && string[len] < 0x7f && string[len] != '"' && string[len] != '\\')
        len++;
    return len;
}

void cf_text_json(struct cf_text *text, const char *string)
{
    size_t left = strlen(string);

    cf_text_puts(text, "\"");
    while (left > 0) {
        uint32_t code;
        size_t len = plain_length(string);

        if (len > 0) {
            cf_text_add(text, string, len);
            string += len;
            left -= len;
            continue;
        }
        len = cf_utf8_next(string, left, &code);
        if (len == 0) {
            cf_text_puts(text, "\xEF\xBF\xBD");
            len = 1;
        } else {
            json_character(text, string, len, code);
        }
        string += len;
        left -= len;
    }
    cf_text_puts(text, "\"");
}

enum cf_error cf_name_check(const char *name, size_t len)
{
    if (len == 0 || len > CF_NAME_MAX || name[0] == '.' || name[0] == '-')
        return CF_ENAME;
    for (size_t at = 0; at < len;) {
        uint32_t code;
        size_t step = cf_utf8_next(name + at, len - at, &code);

        if (step == 0 || code == '/' || is_control(code) || is_space(code) || is_hidden(code))
            return CF_ENAME;
        at += step;
    }
    return CF_OK;
}

bool cf_slug_valid(const char *slug, size_t len)
{
    if (len == 0 || len > CF_SLUG_MAX || slug[0] == '-')
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = slug[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return true;
}

bool cf_value_valid(const char *value, size_t len)
{
    return len > 0 && cf_line_valid(value, len, CF_VALUE_MAX);
}

bool cf_line_valid(const char *line, size_t len, size_t max)
{
    if (len > max)
        return false;
    for (size_t at = 0; at < len;) {
        uint32_t code;
        size_t step = cf_utf8_next(line + at, len - at, &code);

        if (step == 0 || is_control(code) || code == 0x2028 || code == 0x2029)
            return false;
        at += step;
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

const char *cf_word_next(const char **cursor, const char *end, size_t *len)
{
    const char *start = *cursor, *at;

    while (start < end && is_blank(*start))
        start++;
    for (at = start; at < end && !is_blank(*at);)
        at++;
    *cursor = at;
    *len = (size_t)(at - start);
    return at > start ? start : NULL;
}

void cf_hex(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool cf_unhex(const char *digits, size_t digits_len, uint8_t *out, size_t len)
{
    if (digits_len % 2 != 0 || digits_len / 2 != len)
        return false;
    for (size_t i = 0; i < digits_len; i++) {
        if (hex_digit(digits[i]) < 0)
            return false;
    }
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(hex_digit(digits[2 * i]) * 16 + hex_digit(digits[2 * i + 1]));
    return true;
}
