#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MOST = 1024 * 1024 };

struct source {
    struct source *next;
    char *path;
    char *text;
    size_t len;
};

struct cf_sources {
    struct source *first;
};

struct cf_sources *cf_sources_new(void)
{
    return calloc(1, sizeof(struct cf_sources));
}

static void source_free(struct source *source)
{
    if (source == NULL)
        return;
    free(source->path);
    free(source->text);
    free(source);
}

void cf_sources_free(struct cf_sources *sources)
{
    struct source *next;

    if (sources == NULL)
        return;
    for (struct source *source = sources->first; source != NULL; source = next) {
        next = source->next;
        source_free(source);
    }
    free(sources);
}

static enum cf_error open_file(const char *path, int *fd, struct cf_fault *fault)
{
    *fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd >= 0)
        return CF_OK;
    if (errno == ENOENT) {
        cf_fault_set(fault, "%s: no such file", path);
        return CF_ENOENT;
    }
    if (errno == ELOOP) {
        cf_fault_set(fault, "%s: a symbolic link; name the file that it leads to", path);
        return CF_EUNSAFE;
    }
    if (errno == ENXIO) {
        cf_fault_set(fault, "%s: not a regular file", path);
        return CF_EUNSAFE;
    }
    cf_fault_set(fault, "%s: cannot be opened: %s", path, strerror(errno));
    return CF_EIO;
}

static enum cf_error check_file(const char *path, int fd, struct cf_fault *fault)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        cf_fault_set(fault, "%s: cannot be read: %s", path, strerror(errno));
        return CF_EIO;
    }
    if (!S_ISREG(st.st_mode)) {
        cf_fault_set(fault, "%s: not a regular file", path);
        return CF_EUNSAFE;
    }
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        cf_fault_set(fault, "%s: belongs to user %u; it must belong to user %u or to root: chown %u %s", path,
                     st.st_uid, geteuid(), geteuid(), path);
        return CF_EUNSAFE;
    }
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        cf_fault_set(fault, "%s: others than its owner may write to it (mode %04o): chmod go-w %s", path,
                     st.st_mode & 07777, path);
        return CF_EUNSAFE;
    }
    return CF_OK;
}

/* Read to the end. text has room for FILE_MOST + 1 bytes: one more than is allowed shows that there are too
 * many. */
static enum cf_error read_file(const char *path, int fd, char *text, size_t *len, struct cf_fault *fault)
{
    ssize_t n = 1;

    *len = 0;
    while (n > 0 && *len <= FILE_MOST) {
        do {
            n = read(fd, text + *len, FILE_MOST + 1 - *len);
        } while (n < 0 && errno == EINTR);
        if (n > 0)
            *len += (size_t)n;
    }
    if (n < 0) {
        cf_fault_set(fault, "%s: cannot be read: %s", path, strerror(errno));
        return CF_EIO;
    }
    if (*len > FILE_MOST) {
        cf_fault_set(fault, "%s: larger than 1 MiB", path);
        return CF_EUNSAFE;
    }
    return CF_OK;
}

static enum cf_error read_source(const char *path, struct source **out, struct cf_fault *fault)
{
    struct source *source = calloc(1, sizeof *source);
    int fd = -1;
    enum cf_error error = CF_ENOMEM;

    *out = NULL;
    if (source != NULL) {
        source->path = strdup(path);
        source->text = malloc(FILE_MOST + 1);
    }
    if (source == NULL || source->path == NULL || source->text == NULL) {
        cf_fault_set(fault, "%s: out of memory", path);
        goto out;
    }
    error = open_file(path, &fd, fault);
    if (error == CF_OK)
        error = check_file(path, fd, fault);
    if (error == CF_OK)
        error = read_file(path, fd, source->text, &source->len, fault);
    if (error == CF_OK) {
        *out = source;
        source = NULL;
    }
out:
    if (fd >= 0)
        close(fd);
    source_free(source);
    return error;
}

static void append(struct cf_sources *sources, struct source *source)
{
    struct source **end = &sources->first;

    while (*end != NULL)
        end = &(*end)->next;
    *end = source;
}

enum cf_error cf_sources_text(struct cf_sources *sources, const char *path, const char **text, size_t *len,
                              struct cf_fault *fault)
{
    struct source *source = sources->first;
    enum cf_error error = CF_OK;

    if (strchr(path, '\n') != NULL) { /* it could not be packed */
        cf_fault_set(fault, "the path of a configuration file has a newline in it");
        return CF_EUNSAFE;
    }
    while (source != NULL && strcmp(source->path, path) != 0)
        source = source->next;
    if (source == NULL) {
        error = read_source(path, &source, fault);
        if (error == CF_OK)
            append(sources, source);
    }
    if (error == CF_OK) {
        *text = source->text;
        *len = source->len;
    }
    return error;
}

/* Packed: for each file its path, a newline, the length of its text in decimal, a newline, the text. */
void cf_sources_pack(const struct cf_sources *sources, struct cf_text *out)
{
    for (const struct source *source = sources->first; source != NULL; source = source->next) {
        cf_text_printf(out, "%s\n%zu\n", source->path, source->len);
        cf_text_add(out, source->text, source->len);
    }
}

static enum cf_error unpack_one(const char **at, const char *end, struct source **out)
{
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    struct source *source = calloc(1, sizeof *source);
    enum cf_error error = CF_EFORMAT;
    char *rest = NULL;

    *out = source;
    if (source == NULL)
        return CF_ENOMEM;
    if (newline == NULL)
        return CF_EFORMAT;
    source->path = strndup(*at, (size_t)(newline - *at));
    source->len = strtoul(newline + 1, &rest, 10);
    if (rest < end && *rest == '\n' && source->len <= (size_t)(end - rest - 1)) {
        source->text = malloc(source->len + 1);
        error = source->path == NULL || source->text == NULL ? CF_ENOMEM : CF_OK;
    }
    if (error == CF_OK) {
        memcpy(source->text, rest + 1, source->len);
        *at = rest + 1 + source->len;
    }
    return error;
}

enum cf_error cf_sources_unpack(const char *packed, size_t len, struct cf_sources **out)
{
    struct cf_sources *sources = cf_sources_new();
    const char *at = packed, *end = packed + len;
    enum cf_error error = sources == NULL ? CF_ENOMEM : CF_OK;

    *out = NULL;
    while (error == CF_OK && at < end) {
        struct source *source;
        error = unpack_one(&at, end, &source);
        if (error == CF_OK)
            append(sources, source);
        else
            source_free(source);
    }
    if (error != CF_OK) {
        cf_sources_free(sources);
        return error;
    }
    *out = sources;
    return CF_OK;
}
