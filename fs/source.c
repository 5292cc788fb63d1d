/* Bytes from a file that may be sealed. */
#include "exchange.h"

#include "core/generate.h"
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { BUFFER = 65536, MAGIC = sizeof(CF_ENVELOPE_MAGIC) - 1 };

struct source {
    int fd;
    size_t head, head_len; /* what was read to see whether it is sealed, and is still to be given, in buffer */
    struct cf_envelope *envelope;
    const char *at; /* what is there to be given out */
    size_t left;
    size_t line;
    enum cf_error error;
    char buffer[BUFFER];
};

static enum cf_error get(void *arg, void *bytes, size_t size, size_t *len)
{
    struct source *source = arg;
    char *to = bytes;

    *len = 0;
    while (*len < size) {
        ssize_t got;
        if (source->head < source->head_len) {
            to[(*len)++] = source->buffer[source->head++];
            continue;
        }
        got = read(source->fd, to + *len, size - *len);
        if (got < 0 && errno != EINTR)
            return CF_EIO;
        if (got == 0)
            break;
        if (got > 0)
            *len += (size_t)got;
    }
    return CF_OK;
}

static int unlock(struct source *source, const char *name, const struct openers *openers)
{
    struct cf_fault fault = {""};
    struct cf_secret *opener = NULL;
    enum cf_error error = cf_envelope_open(get, source, &source->envelope, &fault);
    int code = 0;

    if (error == CF_OK && cf_envelope_wants_passphrase(source->envelope)) {
        code = exchange_passphrase(openers->passphrase, false, &opener);
    } else if (error == CF_OK && openers->secret_key) {
        code = exchange_secret_key(openers->secret_key, &opener);
    } else if (error == CF_OK) {
        char key[CF_KEY_TEXT_SIZE + 1];
        cf_key_print("cfpub_", cf_envelope_recipient(source->envelope), key);
        log_error("%s: it is sealed to %s: name the file with its secret key (--secret-key)", name, key);
        code = EX_USAGE;
    }
    if (error == CF_OK && code == 0)
        error = cf_envelope_unlock(source->envelope, opener, &fault);
    cf_secret_free(opener);
    if (error != CF_OK) {
        log_error("%s: %s", name, fault.text[0] ? fault.text : cf_error_text(error));
        code = EX_DATAERR;
    }
    return code;
}

int source_new(int fd, const char *name, const struct openers *openers, struct source **out)
{
    struct source *source = calloc(1, sizeof(*source));
    enum cf_error error;
    size_t len;
    int code = 0;

    *out = NULL;
    if (!source) {
        close(fd);
        return EX_OSERR;
    }
    source->fd = fd;
    source->line = 1;
    error = get(source, source->buffer, MAGIC, &len);
    source->head_len = len;
    if (error != CF_OK) {
        log_error("%s: %s", name, strerror(errno));
        code = EX_IOERR;
    } else if (source->head_len == MAGIC && memcmp(source->buffer, CF_ENVELOPE_MAGIC, MAGIC) == 0) {
        code = unlock(source, name, openers);
    } else {
        source->at = source->buffer;
        source->left = source->head_len;
        source->head = source->head_len;
    }
    if (code != 0) {
        source_free(source);
        return code;
    }
    *out = source;
    return 0;
}

void source_free(struct source *source)
{
    if (!source)
        return;
    cf_envelope_free(source->envelope);
    close(source->fd);
    cf_wipe(source->buffer, sizeof(source->buffer));
    free(source);
}

static void fill(struct source *source)
{
    if (source->envelope) {
        source->error = cf_envelope_read(source->envelope, &source->at, &source->left);
    } else {
        source->at = source->buffer;
        source->error = get(source, source->buffer, BUFFER, &source->left);
    }
}

int source_peek(struct source *source)
{
    if (source->left == 0 && source->error == CF_OK)
        fill(source);
    if (source->error != CF_OK)
        return SOURCE_FAILED;
    return source->left == 0 ? SOURCE_END : (unsigned char)*source->at;
}

int source_byte(struct source *source)
{
    const int byte = source_peek(source);

    if (byte < 0)
        return byte;
    source->at++;
    source->left--;
    source->line += byte == '\n';
    return byte;
}

enum cf_error source_fault(const struct source *source)
{
    return source->error;
}

size_t source_line(const struct source *source)
{
    return source->line;
}

bool bytes_add(struct bytes *bytes, char byte)
{
    if (bytes->len == bytes->room) {
        const size_t room = bytes->room == 0 ? 4096 : 2 * bytes->room;
        char *at = malloc(room);
        if (!at)
            return false;
        if (bytes->len > 0) {
            memcpy(at, bytes->at, bytes->len);
            cf_wipe(bytes->at, bytes->len);
        }
        free(bytes->at);
        bytes->at = at;
        bytes->room = room;
    }
    bytes->at[bytes->len++] = byte;
    return true;
}

void bytes_clear(struct bytes *bytes)
{
    if (bytes->len > 0)
        cf_wipe(bytes->at, bytes->len);
    bytes->len = 0;
}

void bytes_release(struct bytes *bytes)
{
    bytes_clear(bytes);
    free(bytes->at);
    *bytes = (struct bytes){0};
}
