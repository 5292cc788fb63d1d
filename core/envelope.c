#include "envelope.h"

#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 65536, SEALED = PIECE + CF_STREAM_OVERHEAD, LINE_SIZE = 320 };

struct cf_envelope {
    cf_envelope_put *put;
    cf_envelope_get *get;
    void *arg;
    struct cf_stream stream;
    char line[LINE_SIZE]; /* with its newline */
    size_t line_len;
    bool is_for_passphrase;
    struct cf_cost cost;
    uint8_t salt[CF_SALT_SIZE];
    uint8_t public[CF_KEY_SIZE];
    uint8_t box[CF_BOX_SIZE];
    size_t len; /* plain bytes in piece */
    bool at_end, is_read;
    uint8_t piece[PIECE];
    uint8_t sealed[SEALED];
};

void cf_envelope_free(struct cf_envelope *envelope)
{
    if (envelope == NULL)
        return;
    cf_stream_end(&envelope->stream);
    cf_wipe(envelope, sizeof *envelope);
    free(envelope);
}

/* --- sealing ------------------------------------------------------------------------------------------------- */

/* The line for what the envelope holds. Returns its length. */
static size_t print_line(const struct cf_envelope *envelope, char line[static LINE_SIZE])
{
    char first[2 * CF_KEY_SIZE + 1], second[2 * CF_BOX_SIZE + 1];

    if (envelope->is_for_passphrase) {
        cf_hex(envelope->salt, CF_SALT_SIZE, first);
        snprintf(line, LINE_SIZE, CF_ENVELOPE_MAGIC "1 passphrase argon2id %" PRIu64 " %" PRIu64 " %s\n",
                 envelope->cost.memory, envelope->cost.passes, first);
    } else {
        cf_hex(envelope->public, CF_KEY_SIZE, first);
        cf_hex(envelope->box, CF_BOX_SIZE, second);
        snprintf(line, LINE_SIZE, CF_ENVELOPE_MAGIC "1 recipient %s %s\n", first, second);
    }
    return strlen(line);
}

static enum cf_error address(struct cf_envelope *envelope, const struct cf_addressee *to, struct cf_secret **key)
{
    envelope->is_for_passphrase = to->passphrase != NULL;
    if (envelope->is_for_passphrase) {
        envelope->cost = CF_COST_LEAST;
        cf_random(envelope->salt, CF_SALT_SIZE);
        return cf_passphrase_key(to->passphrase, envelope->salt, &envelope->cost, key);
    }
    memcpy(envelope->public, to->public, CF_KEY_SIZE);
    *key = cf_secret_new(CF_KEY_SIZE);
    if (*key == NULL)
        return CF_ENOMEM;
    cf_random(cf_secret_bytes(*key), CF_KEY_SIZE);
    return cf_box_seal(to->public, *key, envelope->box);
}

enum cf_error cf_envelope_seal(const struct cf_addressee *to, cf_envelope_put *put, void *arg,
                               struct cf_envelope **out)
{
    uint8_t header[CF_STREAM_HEADER_SIZE];
    struct cf_envelope *envelope = calloc(1, sizeof *envelope);
    struct cf_secret *key = NULL;
    enum cf_error error;

    *out = NULL;
    if (envelope == NULL)
        return CF_ENOMEM;
    envelope->put = put;
    envelope->arg = arg;
    error = address(envelope, to, &key);
    envelope->line_len = print_line(envelope, envelope->line);
    if (error == CF_OK)
        error = cf_stream_seal(key, header, &envelope->stream);
    cf_secret_free(key);
    if (error == CF_OK)
        error = put(arg, envelope->line, envelope->line_len);
    if (error == CF_OK)
        error = put(arg, header, sizeof header);
    if (error != CF_OK) {
        cf_envelope_free(envelope);
        return error;
    }
    *out = envelope;
    return CF_OK;
}

static enum cf_error put_piece(struct cf_envelope *envelope, bool is_last)
{
    const size_t len = envelope->len;

    cf_stream_push(&envelope->stream, envelope->piece, len, envelope->line, envelope->line_len, is_last,
                   envelope->sealed);
    cf_wipe(envelope->piece, len);
    envelope->len = 0;
    return envelope->put(envelope->arg, envelope->sealed, len + CF_STREAM_OVERHEAD);
}

enum cf_error cf_envelope_write(struct cf_envelope *envelope, const void *bytes, size_t len)
{
    const uint8_t *from = bytes;
    enum cf_error error = CF_OK;

    while (error == CF_OK && len > 0) {
        size_t part = PIECE - envelope->len;
        if (part == 0) {
            error = put_piece(envelope, false);
            continue;
        }
        part = part < len ? part : len;
        memcpy(envelope->piece + envelope->len, from, part);
        envelope->len += part;
        from += part;
        len -= part;
    }
    return error;
}

enum cf_error cf_envelope_finish(struct cf_envelope *envelope)
{
    return put_piece(envelope, true);
}

/* --- opening -------------------------------------------------------------------------------------------------- */

static enum cf_error read_line(struct cf_envelope *envelope)
{
    size_t len = 1;
    enum cf_error error = CF_OK;

    while (error == CF_OK && len == 1 && envelope->line_len < LINE_SIZE - 1) {
        char *at = envelope->line + envelope->line_len;
        error = envelope->get(envelope->arg, at, 1, &len);
        envelope->line_len += error == CF_OK ? len : 0;
        if (error == CF_OK && len == 1 && *at == '\n')
            return CF_OK;
    }
    return error == CF_OK ? CF_EFORMAT : error;
}

/* The next word of a line, which is one of so many hexadecimal digits, or a number. */
static bool take_bytes(const char **cursor, const char *end, uint8_t *out, size_t size)
{
    size_t len;
    const char *word = cf_word_next(cursor, end, &len);

    return word != NULL && cf_unhex(word, len, out, size);
}

static bool take_number(const char **cursor, const char *end, uint64_t *number)
{
    enum { DIGITS_MOST = 12 };
    size_t len;
    const char *word = cf_word_next(cursor, end, &len);

    *number = 0;
    for (size_t i = 0; word != NULL && i < len; i++) {
        if (word[i] < '0' || word[i] > '9' || len > DIGITS_MOST)
            return false;
        *number = *number * 10 + (uint64_t)(word[i] - '0');
    }
    return word != NULL;
}

/* Every byte of it must be as it would be written for what was read in it. */
static bool parse_line(struct cf_envelope *envelope)
{
    static const char passphrase[] = CF_ENVELOPE_MAGIC "1 passphrase argon2id ";
    static const char recipient[] = CF_ENVELOPE_MAGIC "1 recipient ";
    const char *end = envelope->line + envelope->line_len, *cursor = envelope->line;
    char again[LINE_SIZE];
    bool fits;

    envelope->is_for_passphrase = strncmp(cursor, passphrase, sizeof passphrase - 1) == 0;
    if (envelope->is_for_passphrase) {
        cursor += sizeof passphrase - 1;
        fits = take_number(&cursor, end, &envelope->cost.memory) &&
               take_number(&cursor, end, &envelope->cost.passes) &&
               take_bytes(&cursor, end, envelope->salt, CF_SALT_SIZE);
    } else {
        fits = strncmp(cursor, recipient, sizeof recipient - 1) == 0;
        cursor += fits ? sizeof recipient - 1 : 0;
        fits = fits && take_bytes(&cursor, end, envelope->public, CF_KEY_SIZE) &&
               take_bytes(&cursor, end, envelope->box, CF_BOX_SIZE);
    }
    return fits && print_line(envelope, again) == envelope->line_len &&
           memcmp(again, envelope->line, envelope->line_len) == 0;
}

enum cf_error cf_envelope_open(cf_envelope_get *get, void *arg, struct cf_envelope **out, struct cf_fault *fault)
{
    struct cf_envelope *envelope = calloc(1, sizeof *envelope);
    enum cf_error error;

    *out = NULL;
    if (envelope == NULL)
        return CF_ENOMEM;
    envelope->get = get;
    envelope->arg = arg;
    error = read_line(envelope);
    if (error == CF_OK && !parse_line(envelope))
        error = CF_EFORMAT;
    if (error == CF_EFORMAT)
        cf_fault_set(fault, "not an export of credfs, or of a newer one");
    if (error == CF_OK && envelope->is_for_passphrase && !cf_cost_allowed(&envelope->cost)) {
        cf_fault_set(fault,
                     "its passphrase was made into a key with %" PRIu64 " bytes and %" PRIu64
                     " passes of Argon2id: "
                     "from %" PRIu64 " and %" PRIu64 " to %" PRIu64 " and %" PRIu64 " are accepted",
                     envelope->cost.memory, envelope->cost.passes, CF_COST_LEAST.memory, CF_COST_LEAST.passes,
                     CF_COST_MOST.memory, CF_COST_MOST.passes);
        error = CF_EUNSAFE;
    }
    if (error != CF_OK) {
        cf_envelope_free(envelope);
        return error;
    }
    *out = envelope;
    return CF_OK;
}

bool cf_envelope_wants_passphrase(const struct cf_envelope *envelope)
{
    return envelope->is_for_passphrase;
}

const uint8_t *cf_envelope_recipient(const struct cf_envelope *envelope)
{
    return envelope->public;
}

/* A piece that is shorter than others must be the last; behind the last there is nothing. */
static enum cf_error get_piece(struct cf_envelope *envelope)
{
    size_t len, more = 0;
    enum cf_error error = envelope->get(envelope->arg, envelope->sealed, SEALED, &len);

    envelope->len = 0;
    if (error == CF_OK && len < CF_STREAM_OVERHEAD)
        error = CF_ETAMPER;
    if (error == CF_OK)
        error = cf_stream_pull(&envelope->stream, envelope->sealed, len, envelope->line, envelope->line_len,
                               envelope->piece, &envelope->at_end);
    if (error != CF_OK)
        return error;
    if (envelope->at_end)
        error = envelope->get(envelope->arg, envelope->sealed, 1, &more);
    if (error == CF_OK && (more > 0 || (len < SEALED && !envelope->at_end)))
        error = CF_ETAMPER;
    envelope->len = error == CF_OK ? len - CF_STREAM_OVERHEAD : 0;
    return error;
}

enum cf_error cf_envelope_unlock(struct cf_envelope *envelope, const struct cf_secret *opener,
                                 struct cf_fault *fault)
{
    uint8_t header[CF_STREAM_HEADER_SIZE];
    struct cf_secret *key = NULL;
    size_t len;
    enum cf_error error = envelope->is_for_passphrase
                              ? cf_passphrase_key(opener, envelope->salt, &envelope->cost, &key)
                              : cf_box_open(opener, envelope->box, &key);

    if (error == CF_OK)
        error = envelope->get(envelope->arg, header, sizeof header, &len);
    if (error == CF_OK && len < sizeof header)
        error = CF_ETAMPER;
    if (error == CF_OK)
        error = cf_stream_open(key, header, &envelope->stream);
    cf_secret_free(key);
    if (error == CF_OK)
        error = get_piece(envelope);
    if (error == CF_ETAMPER || error == CF_EWRONGKEY) {
        cf_fault_set(fault, envelope->is_for_passphrase ? "the passphrase does not open it, or it was changed"
                                                        : "the secret key does not open it, or it was changed");
        error = CF_EWRONGKEY;
    }
    return error;
}

enum cf_error cf_envelope_read(struct cf_envelope *envelope, const char **bytes, size_t *len)
{
    enum cf_error error = CF_OK;

    *len = 0;
    if (envelope->is_read) {
        cf_wipe(envelope->piece, envelope->len);
        if (envelope->at_end)
            envelope->len = 0;
        else
            error = get_piece(envelope);
    }
    envelope->is_read = true;
    if (error != CF_OK)
        return error;
    *bytes = (const char *)envelope->piece;
    *len = envelope->len;
    return CF_OK;
}
