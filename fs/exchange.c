#include "exchange.h"

#include "core/generate.h"
#include "harden.h"
#include "log.h"

#include <bsd/readpassphrase.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { PASSPHRASE_MAX = 1024, BUFFER = 65536 };

int exchange_own(struct place *place, struct cf_vault **vault)
{
    struct cf_vault_options options = {.mode = CF_STORE_OWN};
    struct cf_fault fault = {""};
    enum cf_error error;
    int code = harden() ? place_settle(place) : EX_OSERR;

    if (code != 0)
        return code;
    options.store = place->store;
    options.config = place->config;
    error = cf_crypto_start(&fault);
    if (error == CF_OK)
        error = cf_vault_open(&options, vault, &fault);
    return error == CF_OK ? 0 : place_fail(place, error, &fault);
}

/* --- passphrases and keys ----------------------------------------------------------------------------------------- */

/* The first line of a file, without its end. */
static int read_first_line(const char *file, struct cf_secret **out)
{
    struct cf_secret *line = cf_secret_new(PASSPHRASE_MAX + 1);
    const int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    size_t len = 0;
    ssize_t got = -1;
    int code = 0;

    if (!line)
        code = EX_OSERR;
    while (code == 0 && fd >= 0 && len <= PASSPHRASE_MAX) {
        got = read(fd, cf_secret_bytes(line) + len, PASSPHRASE_MAX + 1 - len);
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    if (code == 0 && (fd < 0 || got < 0)) {
        log_error("%s: %s", file, strerror(errno));
        code = EX_NOINPUT;
    }
    if (fd >= 0)
        close(fd);
    if (code == 0) {
        const char *newline = memchr(cf_secret_peek(line), '\n', len);
        cf_secret_shorten(line, newline ? (size_t)((const uint8_t *)newline - cf_secret_peek(line)) : len);
        if (cf_secret_len(line) == 0 || cf_secret_len(line) > PASSPHRASE_MAX) {
            log_error("%s: its first line is empty, or longer than %d bytes", file, PASSPHRASE_MAX);
            code = EX_DATAERR;
        }
    }
    if (code != 0) {
        cf_secret_free(line);
        line = NULL;
    }
    *out = line;
    return code;
}

static int ask(const char *prompt, struct cf_secret **out)
{
    struct cf_secret *answer = cf_secret_new(PASSPHRASE_MAX + 1);
    char *text = answer ? (char *)cf_secret_bytes(answer) : NULL;

    *out = NULL;
    if (!text || !readpassphrase(prompt, text, PASSPHRASE_MAX + 1, RPP_REQUIRE_TTY)) {
        log_error("no passphrase: there is no terminal to ask at: name a file that holds it (--passphrase-file)");
        cf_secret_free(answer);
        return EX_USAGE;
    }
    cf_secret_shorten(answer, strlen(text));
    if (cf_secret_len(answer) == 0) {
        log_error("an empty passphrase protects nothing");
        cf_secret_free(answer);
        return EX_DATAERR;
    }
    *out = answer;
    return 0;
}

int exchange_passphrase(const char *file, bool is_new, struct cf_secret **out)
{
    struct cf_secret *again = NULL;
    int code;

    if (file)
        return read_first_line(file, out);
    code = ask("Passphrase of the export: ", out);
    if (code != 0 || !is_new)
        return code;
    code = ask("Once more: ", &again);
    if (code == 0 && (cf_secret_len(*out) != cf_secret_len(again) ||
                      !cf_equal(cf_secret_peek(*out), cf_secret_peek(again), cf_secret_len(again)))) {
        log_error("the two passphrases differ");
        code = EX_DATAERR;
    }
    cf_secret_free(again);
    if (code != 0) {
        cf_secret_free(*out);
        *out = NULL;
    }
    return code;
}

int exchange_secret_key(const char *file, struct cf_secret **out)
{
    struct cf_secret *line = NULL;
    int code = read_first_line(file, &line);

    *out = code == 0 ? cf_secret_new(CF_KEY_SIZE) : NULL;
    if (code == 0 && !*out)
        code = EX_OSERR;
    if (code == 0 &&
        !cf_key_parse("cfprv_", (const char *)cf_secret_peek(line), cf_secret_len(line), cf_secret_bytes(*out))) {
        log_error("%s: not a secret key as `credfs export --keygen` writes it", file);
        cf_secret_free(*out);
        *out = NULL;
        code = EX_DATAERR;
    }
    cf_secret_free(line);
    return code;
}

/* --- jansson without traces --------------------------------------------------------------------------------------- */

/* What jansson frees held values: it is wiped. Not reached: a buffer on its stack, which later calls overwrite. */
struct block {
    size_t size;
    _Alignas(16) char bytes[];
};

static void *allocate(size_t size)
{
    struct block *block = size < SIZE_MAX - sizeof(*block) ? malloc(sizeof(*block) + size) : NULL;

    if (!block)
        return NULL;
    block->size = size;
    return block->bytes;
}

static void release(void *bytes)
{
    struct block *block = bytes ? (struct block *)(void *)((char *)bytes - offsetof(struct block, bytes)) : NULL;

    if (block)
        cf_wipe(block->bytes, block->size);
    free(block);
}

void exchange_wipe_json(void)
{
    json_set_alloc_funcs(allocate, release);
}

/* --- out ---------------------------------------------------------------------------------------------------------- */

int exchange_create(const char *path)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        log_error("%s: %s", path, errno == EEXIST ? "there is such a file already: name another" : strerror(errno));
    return fd;
}

bool exchange_write(int fd, const void *bytes, size_t len)
{
    const char *from = bytes;

    while (len > 0) {
        const ssize_t put = write(fd, from, len);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0) {
            from += put;
            len -= (size_t)put;
        }
    }
    return true;
}

struct sink {
    int fd;
    int fault;                    /* errno, or 0 */
    struct cf_envelope *envelope; /* NULL: plain */
    size_t len;
    char buffer[BUFFER]; /* plain only */
};

static enum cf_error put(void *arg, const void *bytes, size_t len)
{
    struct sink *sink = arg;

    if (exchange_write(sink->fd, bytes, len))
        return CF_OK;
    sink->fault = errno;
    return CF_EIO;
}

enum cf_error sink_new(int fd, const struct cf_addressee *to, struct sink **out)
{
    struct sink *sink = calloc(1, sizeof(*sink));

    *out = sink;
    if (!sink)
        return CF_ENOMEM;
    sink->fd = fd;
    return to ? cf_envelope_seal(to, put, sink, &sink->envelope) : CF_OK;
}

static enum cf_error flush(struct sink *sink)
{
    enum cf_error error = put(sink, sink->buffer, sink->len);

    cf_wipe(sink->buffer, sink->len);
    sink->len = 0;
    return error;
}

enum cf_error sink_put(struct sink *sink, const void *bytes, size_t len)
{
    const char *from = bytes;
    enum cf_error error = CF_OK;

    if (sink->envelope)
        return cf_envelope_write(sink->envelope, bytes, len);
    while (error == CF_OK && len > 0) {
        const size_t part = len < BUFFER - sink->len ? len : BUFFER - sink->len;
        memcpy(sink->buffer + sink->len, from, part);
        sink->len += part;
        from += part;
        len -= part;
        if (sink->len == BUFFER)
            error = flush(sink);
    }
    return error;
}

enum cf_error sink_finish(struct sink *sink)
{
    return sink->envelope ? cf_envelope_finish(sink->envelope) : flush(sink);
}

int sink_fault(const struct sink *sink)
{
    return sink ? sink->fault : 0;
}

void sink_free(struct sink *sink)
{
    if (!sink)
        return;
    cf_envelope_free(sink->envelope);
    cf_wipe(sink->buffer, sizeof(sink->buffer));
    free(sink);
}
