#include "source.h"

#include "clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MOST = 1024 * 1024 };

struct source {
    struct source *next;
    char *path; /* of a directory, with a '/' at its end */
    char *text; /* of a directory, its names */
    size_t len;
    int64_t changed; /* time */
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

/* What a path must lead to. */
struct kind {
    int flags; /* for open */
    mode_t type;
    const char *word;
};

static const struct kind a_file = {O_NONBLOCK | O_NOCTTY, S_IFREG, "regular file"};
static const struct kind a_directory = {O_DIRECTORY, S_IFDIR, "directory"};

static enum cf_error open_path(const char *path, const struct kind *kind, int *fd, struct cf_fault *fault)
{
    struct stat st;

    *fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | kind->flags);
    if (*fd >= 0)
        return CF_OK;
    if (errno == ENOENT) {
        cf_fault_set(fault, "%s: no such %s", path, kind == &a_file ? "file" : kind->word);
        return CF_ENOENT;
    }
    if (errno == ELOOP || (errno == ENOTDIR && lstat(path, &st) == 0 && S_ISLNK(st.st_mode))) {
        cf_fault_set(fault, "%s: a symbolic link; name the %s that it leads to", path,
                     kind == &a_file ? "file" : kind->word);
        return CF_EUNSAFE;
    }
    if (errno == ENXIO || (errno == ENOTDIR && kind == &a_directory)) {
        cf_fault_set(fault, "%s: not a %s", path, kind->word);
        return CF_EUNSAFE;
    }
    cf_fault_set(fault, "%s: cannot be opened: %s", path, strerror(errno));
    return CF_EIO;
}

static enum cf_error check_safe(const char *path, const struct kind *kind, const struct stat *st,
                                struct cf_fault *fault)
{
    if ((st->st_mode & S_IFMT) != kind->type) {
        cf_fault_set(fault, "%s: not a %s", path, kind->word);
        return CF_EUNSAFE;
    }
    if (st->st_uid != geteuid() && st->st_uid != 0) {
        cf_fault_set(fault, "%s: belongs to user %u; it must belong to user %u or to root: chown %u %s", path,
                     st->st_uid, geteuid(), geteuid(), path);
        return CF_EUNSAFE;
    }
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        cf_fault_set(fault, "%s: others than its owner may write to it (mode %04o): chmod go-w %s", path,
                     st->st_mode & 07777, path);
        return CF_EUNSAFE;
    }
    return CF_OK;
}

/* Who may write the directory may put another file in the place of ours, but for one that is sticky. */
static enum cf_error check_place(const char *path, struct cf_fault *fault)
{
    const char *slash = strrchr(path, '/');
    char *place = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    struct stat st;
    enum cf_error error = CF_OK;

    if (place == NULL)
        return CF_ENOMEM;
    if (stat(place, &st) != 0) {
        cf_fault_set(fault, "%s: cannot be read: %s", place, strerror(errno));
        error = CF_EIO;
    } else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (st.st_mode & S_ISVTX) == 0) {
        cf_fault_set(
            fault, "%s: others than its owner may write to the directory that it is in (mode %04o): chmod go-w %s",
            path, st.st_mode & 07777, place);
        error = CF_EUNSAFE;
    }
    free(place);
    return error;
}

static int64_t time_of(const struct timespec *time)
{
    return time->tv_sec > 0 && time->tv_sec < INT64_MAX / CF_SECOND - 1 ? time->tv_sec * CF_SECOND + time->tv_nsec
                                                                        : 0;
}

/* *fd: -1 on failure, else closed by who calls. */
static enum cf_error open_safe(const char *path, const struct kind *kind, int *fd, int64_t *changed,
                               struct cf_fault *fault)
{
    struct stat st;
    enum cf_error error = open_path(path, kind, fd, fault);

    if (error != CF_OK)
        return error;
    if (fstat(*fd, &st) != 0) {
        cf_fault_set(fault, "%s: cannot be read: %s", path, strerror(errno));
        error = CF_EIO;
    } else {
        error = check_safe(path, kind, &st, fault);
        *changed = time_of(&st.st_mtim);
    }
    if (error != CF_OK) {
        close(*fd);
        *fd = -1;
    }
    return error;
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

static void cut_to_fit(struct source *source)
{
    char *text = realloc(source->text, source->len + 1);

    if (text != NULL)
        source->text = text;
}

static enum cf_error read_source(const char *path, struct source *source, struct cf_fault *fault)
{
    int fd;
    enum cf_error error = open_safe(path, &a_file, &fd, &source->changed, fault);

    if (error != CF_OK)
        return error;
    error = check_place(path, fault);
    if (error != CF_OK) {
        close(fd);
        return error;
    }
    source->text = malloc(FILE_MOST + 1);
    error = source->text != NULL ? read_file(path, fd, source->text, &source->len, fault) : CF_ENOMEM;
    close(fd);
    if (error == CF_OK)
        cut_to_fit(source);
    return error;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_wanted(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && entry->d_name[strlen(entry->d_name) - 1] != '~';
}

static enum cf_error join_names(const char *path, struct dirent *const *entries, int count, struct source *source,
                                struct cf_fault *fault)
{
    struct cf_text names = {0};

    cf_text_puts(&names, "");
    for (int i = 0; i < count; i++) {
        if (strchr(entries[i]->d_name, '\n') != NULL) { /* it could not be packed */
            cf_fault_set(fault, "%s: has a name with a newline in it", path);
            cf_text_release(&names);
            return CF_EUNSAFE;
        }
        cf_text_printf(&names, "%s\n", entries[i]->d_name);
    }
    if (names.len > FILE_MOST) {
        cf_fault_set(fault, "%s: its names have more than 1 MiB", path);
        cf_text_release(&names);
        return CF_EUNSAFE;
    }
    source->text = names.data;
    source->len = names.len;
    return cf_text_result(&names);
}

static enum cf_error read_names(const char *path, struct source *source, struct cf_fault *fault)
{
    struct dirent **entries;
    int fd, count;
    enum cf_error error = open_safe(path, &a_directory, &fd, &source->changed, fault);

    if (error != CF_OK)
        return error;
    count = scandirat(fd, ".", &entries, is_wanted, compare_names);
    close(fd);
    if (count < 0) {
        cf_fault_set(fault, "%s: cannot be read: %s", path, strerror(errno));
        return CF_EIO;
    }
    error = join_names(path, entries, count, source, fault);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    return error;
}

static void append(struct cf_sources *sources, struct source *source)
{
    struct source **end = &sources->first;

    while (*end != NULL)
        end = &(*end)->next;
    *end = source;
}

static struct source *find(const struct cf_sources *sources, const char *path)
{
    struct source *source = sources->first;

    while (source != NULL && strcmp(source->path, path) != 0)
        source = source->next;
    return source;
}

/* What was read, or is now. key: by which it is found again. */
typedef enum cf_error reader(const char *path, struct source *source, struct cf_fault *fault);
static enum cf_error get(struct cf_sources *sources, const char *key, const char *path, reader *read_it,
                         const struct source **out, struct cf_fault *fault)
{
    struct source *source = find(sources, key);
    enum cf_error error = CF_ENOMEM;

    *out = source;
    if (source != NULL)
        return CF_OK;
    if (strchr(path, '\n') != NULL) { /* it could not be packed */
        cf_fault_set(fault, "the path of a configuration file has a newline in it");
        return CF_EUNSAFE;
    }
    source = calloc(1, sizeof *source);
    if (source != NULL && (source->path = strdup(key)) != NULL)
        error = read_it(path, source, fault);
    if (error != CF_OK) {
        if (error == CF_ENOMEM)
            cf_fault_set(fault, "%s: out of memory", path);
        source_free(source);
        return error;
    }
    append(sources, source);
    *out = source;
    return CF_OK;
}

enum cf_error cf_sources_text(struct cf_sources *sources, const char *path, const char **text, size_t *len,
                              struct cf_fault *fault)
{
    const struct source *source;
    enum cf_error error = get(sources, path, path, read_source, &source, fault);

    if (error != CF_OK)
        return error;
    *text = source->text;
    *len = source->len;
    return CF_OK;
}

bool cf_sources_have(const struct cf_sources *sources, const char *path)
{
    return find(sources, path) != NULL;
}

int64_t cf_sources_changed(const struct cf_sources *sources, const char *path)
{
    const struct source *source = find(sources, path);

    return source != NULL ? source->changed : 0;
}

enum cf_error cf_sources_names(struct cf_sources *sources, const char *path, const char **names, size_t *len,
                               struct cf_fault *fault)
{
    const struct source *source;
    struct cf_text key = {0};
    enum cf_error error;

    cf_text_printf(&key, "%s/", path);
    error = cf_text_result(&key);
    if (error == CF_OK)
        error = get(sources, key.data, path, read_names, &source, fault);
    cf_text_release(&key);
    if (error != CF_OK)
        return error;
    *names = source->text;
    *len = source->len;
    return CF_OK;
}

/* Packed: for each its path, a newline, the length of its text and the time of its last change in decimal with a blank
 * between, a newline, the text. */
void cf_sources_pack(const struct cf_sources *sources, struct cf_text *out)
{
    for (const struct source *source = sources->first; source != NULL; source = source->next) {
        cf_text_printf(out, "%s\n%zu %" PRId64 "\n", source->path, source->len, source->changed);
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
    if (rest < end && *rest == ' ') /* the program before this one left it out */
        source->changed = strtoll(rest + 1, &rest, 10);
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
