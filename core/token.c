#include "token.h"

#include <stdbool.h>
#include <string.h>

enum { DEPTH_MOST = 16 };

/* Some bytes of the answer. */
struct span {
    const uint8_t *at, *end;
};

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static void skip_blanks(struct span *text)
{
    while (text->at < text->end && is_blank(*text->at))
        text->at++;
}

/* Each of these takes something from the beginning of the text, with the blanks before it; false where it is not
 * there. */

static bool take(struct span *text, uint8_t byte)
{
    skip_blanks(text);
    if (text->at == text->end || *text->at != byte)
        return false;
    text->at++;
    return true;
}

/* string: what stands between the quotes, with its escapes. */
static bool take_string(struct span *text, struct span *string)
{
    if (!take(text, '"'))
        return false;
    string->at = text->at;
    for (; text->at < text->end && *text->at >= 0x20; text->at++) {
        if (*text->at == '"') {
            string->end = text->at++;
            return true;
        }
        if (*text->at == '\\' && ++text->at == text->end)
            return false;
    }
    return false;
}

/* A number, true, false or null: no more than that is looked at. */
static bool take_word(struct span *text, struct span *word)
{
    skip_blanks(text);
    word->at = text->at;
    while (text->at < text->end &&
           (*text->at == '+' || *text->at == '-' || *text->at == '.' || (*text->at >= '0' && *text->at <= '9') ||
            (*text->at >= 'A' && *text->at <= 'Z') || (*text->at >= 'a' && *text->at <= 'z')))
        text->at++;
    word->end = text->at;
    return word->at < word->end;
}

static bool skip_value(struct span *text, int depth);

/* The members of an object or array, up to what closes it. */
static bool skip_members(struct span *text, uint8_t close, int depth)
{
    struct span name;

    if (depth == 0)
        return false;
    if (take(text, close))
        return true;
    do {
        if (close == '}' && (!take_string(text, &name) || !take(text, ':')))
            return false;
        if (!skip_value(text, depth - 1))
            return false;
    } while (take(text, ','));
    return take(text, close);
}

static bool skip_value(struct span *text, int depth)
{
    struct span skipped;

    if (take(text, '{'))
        return skip_members(text, '}', depth);
    if (take(text, '['))
        return skip_members(text, ']', depth);
    return take_string(text, &skipped) || take_word(text, &skipped);
}

/* ---- what the members are ---- */

/* The character of an escape; 0: none that a token can have. */
static uint8_t escaped(struct span *string)
{
    const uint8_t kind = *string->at++;
    unsigned code = 0;

    if (kind == '/' || kind == '\\' || kind == '"')
        return kind;
    if (kind != 'u' || string->end - string->at < 4)
        return 0;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *digit = memchr(digits, *string->at++, sizeof digits - 1);
        if (digit == NULL)
            return 0;
        code = code << 4 | (unsigned)(digit - digits) % 16;
    }
    return code < 0x7F ? (uint8_t)code : 0;
}

/* Only what can be seen is part of a token (RFC 6749, appendix A.12). */
static enum cf_error get_token(struct span string, struct cf_secret **token)
{
    struct cf_secret *out = cf_secret_new((size_t)(string.end - string.at));
    size_t len = 0;

    if (out == NULL)
        return CF_ENOMEM;
    while (string.at < string.end) {
        uint8_t byte = *string.at++;
        if (byte == '\\')
            byte = escaped(&string);
        if (byte <= 0x20 || byte >= 0x7F) {
            cf_secret_free(out);
            return CF_EFORMAT;
        }
        cf_secret_bytes(out)[len++] = byte;
    }
    cf_secret_shorten(out, len);
    *token = out;
    return CF_OK;
}

/* Whole seconds. Some services write the number as a string. */
static int64_t get_seconds(struct span word)
{
    int64_t seconds = 0;

    for (; word.at < word.end && *word.at >= '0' && *word.at <= '9' && seconds < CF_TOKEN_SECONDS_MOST; word.at++)
        seconds = 10 * seconds + (*word.at - '0');
    return seconds < CF_TOKEN_SECONDS_MOST ? seconds : CF_TOKEN_SECONDS_MOST;
}

static bool is(struct span name, const char *word)
{
    const size_t len = strlen(word);

    return (size_t)(name.end - name.at) == len && memcmp(name.at, word, len) == 0;
}

/* The values that are wanted; those that do not come stay as they are. */
static bool read_object(struct span *text, struct span *token, struct span *seconds)
{
    struct span name, before;

    if (!take(text, '{'))
        return false;
    do {
        if (!take_string(text, &name) || !take(text, ':'))
            return false;
        before = *text;
        if (!skip_value(text, DEPTH_MOST))
            return false;
        if (is(name, "access_token") && !take_string(&before, token))
            return false;
        if (is(name, "expires_in") && !take_string(&before, seconds) && !take_word(&before, seconds))
            return false;
    } while (take(text, ','));
    if (!take(text, '}'))
        return false;
    skip_blanks(text);
    return text->at == text->end;
}

enum cf_error cf_token_answer(const struct cf_secret *answer, struct cf_secret **token, int64_t *seconds)
{
    struct span text = {cf_secret_peek(answer), cf_secret_peek(answer) + cf_secret_len(answer)};
    struct span string = {NULL, NULL}, number = {NULL, NULL};
    enum cf_error error;

    *token = NULL;
    if (!read_object(&text, &string, &number) || string.at == string.end)
        return CF_EFORMAT;
    error = get_token(string, token);
    if (error == CF_OK)
        *seconds = number.at != NULL ? get_seconds(number) : CF_TOKEN_SECONDS;
    return error;
}
