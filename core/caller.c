#include "caller.h"

#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cf_caller cf_caller_of(uint32_t uid, uint32_t gid, pid_t pid)
{
    return (struct cf_caller){.uid = uid, .gid = gid, .pid = pid};
}

bool cf_caller_set_groups(struct cf_caller *caller, const uint32_t *groups, size_t count)
{
    uint32_t *copy = NULL;

    if (count > 0) {
        copy = reallocarray(NULL, count, sizeof(*copy));
        if (copy == NULL)
            return false;
        memcpy(copy, groups, count * sizeof(*copy));
    }
    free(caller->groups);
    caller->groups = copy;
    caller->group_count = count;
    caller->groups_known = true;
    return true;
}

void cf_caller_release(struct cf_caller *caller)
{
    free(caller->groups);
    caller->groups = NULL;
    caller->group_count = 0;
    caller->groups_known = false;
}

/* Read to the end of a file whose size nobody tells before. */
static bool read_all(int fd, struct cf_text *out)
{
    char block[4096];
    ssize_t n;

    do {
        n = read(fd, block, sizeof(block));
        if (n > 0)
            cf_text_add(out, block, (size_t)n);
    } while (n > 0 || (n < 0 && errno == EINTR));
    return n == 0 && cf_text_result(out) == CF_OK;
}

/* A file of the thread's folder in /proc, whole; false where it cannot be read. Release out in any case. */
static bool read_proc(pid_t pid, const char *file, struct cf_text *out)
{
    char path[64];
    bool is_read;
    int fd;

    if (pid <= 0)
        return false;
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    is_read = read_all(fd, out);
    close(fd);
    return is_read;
}

/* The next line of a text, without its newline: its start, or NULL when no whole line is left. */
static const char *next_line(const char **cursor, const char *end, size_t *len)
{
    const char *start = *cursor;
    const char *newline = start < end ? memchr(start, '\n', (size_t)(end - start)) : NULL;

    if (newline == NULL)
        return NULL;
    *cursor = newline + 1;
    *len = (size_t)(newline - start);
    return start;
}

static bool has_prefix(const char *line, size_t len, const char *prefix)
{
    return len >= strlen(prefix) && memcmp(line, prefix, strlen(prefix)) == 0;
}

static bool parse_number(const char *digits, size_t len, uint32_t *number)
{
    uint64_t value = 0;

    for (size_t i = 0; i < len; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(digits[i] - '0');
        if (value > UINT32_MAX)
            return false;
    }
    *number = (uint32_t)value;
    return len > 0;
}

static size_t count_words(const char *at, const char *end)
{
    size_t count = 0, len;

    while (cf_word_next(&at, end, &len) != NULL)
        count++;
    return count;
}

static bool parse_numbers(const char *at, const char *end, uint32_t **groups, size_t *count)
{
    size_t most = count_words(at, end), len;
    uint32_t *numbers = NULL;

    if (most > 0) {
        numbers = reallocarray(NULL, most, sizeof(*numbers));
        if (numbers == NULL)
            return false;
    }
    for (size_t i = 0; i < most; i++) {
        const char *word = cf_word_next(&at, end, &len);

        if (!parse_number(word, len, &numbers[i])) {
            free(numbers);
            return false;
        }
    }
    *groups = numbers;
    *count = most;
    return true;
}

bool cf_caller_parse_groups(const char *status, size_t len, uint32_t **groups, size_t *count)
{
    static const char label[] = "Groups:";
    const char *cursor = status, *end = status + len, *line;
    size_t line_len;

    *groups = NULL;
    *count = 0;
    while ((line = next_line(&cursor, end, &line_len)) != NULL) {
        if (has_prefix(line, line_len, label))
            return parse_numbers(line + strlen(label), line + line_len, groups, count);
    }
    return false;
}

void cf_caller_load_groups(struct cf_caller *caller)
{
    struct cf_text status = {0};

    if (caller->groups_known)
        return;
    if (read_proc(caller->pid, "status", &status) && status.data != NULL &&
        !cf_caller_parse_groups(status.data, status.len, &caller->groups, &caller->group_count))
        caller->group_count = 0;
    caller->groups_known = true;
    cf_text_release(&status);
}

bool cf_caller_in_group(struct cf_caller *caller, uint32_t low, uint32_t high)
{
    if (caller->gid >= low && caller->gid <= high)
        return true;
    cf_caller_load_groups(caller);
    for (size_t i = 0; i < caller->group_count; i++) {
        if (caller->groups[i] >= low && caller->groups[i] <= high)
            return true;
    }
    return false;
}

/* ---- what the audit log is told of a thread ----
 *
 * The files of a thread in /proc are kept open between its requests: a kept descriptor can only ever read of the
 * thread that it was opened for, and gives ESRCH when that has ended, whoever has its number then. */

enum { KEPT = 64, CGROUP_MOST = 8192 };

enum proc_file { PROC_COMM, PROC_CGROUP, PROC_FILES };

struct kept {
    pthread_mutex_t mutex;
    pid_t pid; /* 0: nothing is kept here */
    int fd[PROC_FILES];
};

static struct kept kept[KEPT] = {[0 ... KEPT - 1] = {.mutex = PTHREAD_MUTEX_INITIALIZER}};

static void kept_close(struct kept *entry)
{
    for (int i = 0; entry->pid != 0 && i < PROC_FILES; i++)
        if (entry->fd[i] >= 0)
            close(entry->fd[i]);
    entry->pid = 0;
}

static void kept_open(struct kept *entry, pid_t pid)
{
    static const char *const names[PROC_FILES] = {[PROC_COMM] = "comm", [PROC_CGROUP] = "cgroup"};
    char path[64];

    kept_close(entry);
    for (int i = 0; i < PROC_FILES; i++) {
        snprintf(path, sizeof(path), "/proc/%d/%s", pid, names[i]);
        entry->fd[i] = open(path, O_RDONLY | O_CLOEXEC);
    }
    entry->pid = pid;
}

/* The first size bytes of a file of the thread; 0 where it cannot be read. */
static size_t read_kept(pid_t pid, enum proc_file file, char *out, size_t size)
{
    struct kept *entry = &kept[(size_t)pid % KEPT];
    ssize_t len = -1;

    if (pid <= 0)
        return 0;
    pthread_mutex_lock(&entry->mutex);
    if (entry->pid == pid)
        len = pread(entry->fd[file], out, size, 0);
    if (len < 0) {
        kept_open(entry, pid);
        len = pread(entry->fd[file], out, size, 0);
    }
    pthread_mutex_unlock(&entry->mutex);
    return len > 0 ? (size_t)len : 0;
}

void cf_caller_command(const struct cf_caller *caller, char out[static 16])
{
    char comm[64];
    size_t len = read_kept(caller->pid, PROC_COMM, comm, sizeof(comm));

    if (len > 0 && comm[len - 1] == '\n')
        len--;
    len = len < 15 ? len : 15;
    memcpy(out, comm, len);
    out[len] = '\0';
}

/* A part of a text. */
struct span {
    const char *at;
    size_t len;
};

/* Split a line "ID:CONTROLLERS:PATH" (cgroups(7)); a path may hold further colons. */
static bool split_cgroup(const char *line, size_t len, struct span *controllers, struct span *path)
{
    const char *end = line + len, *first = memchr(line, ':', len), *second;

    if (first == NULL)
        return false;
    second = memchr(first + 1, ':', (size_t)(end - first - 1));
    if (second == NULL)
        return false;
    *controllers = (struct span){first + 1, (size_t)(second - first - 1)};
    *path = (struct span){second + 1, (size_t)(end - second - 1)};
    return true;
}

static bool span_is(struct span span, const char *string)
{
    return span.len == strlen(string) && memcmp(span.at, string, span.len) == 0;
}

void cf_caller_parse_cgroup(const char *text, size_t len, char *out, size_t size)
{
    const char *cursor = text, *line;
    struct span unified = {NULL, 0}, legacy = {NULL, 0}, controllers, path;
    size_t line_len;

    while ((line = next_line(&cursor, text + len, &line_len)) != NULL) {
        if (!split_cgroup(line, line_len, &controllers, &path))
            continue;
        if (controllers.len == 0)
            unified = path;
        else if ((span_is(controllers, "name=systemd") || span_is(controllers, "memory")) && path.len > legacy.len)
            legacy = path;
    }
    if (unified.len <= 1 && legacy.len > unified.len)
        unified = legacy;
    snprintf(out, size, "%.*s", (int)unified.len, unified.len > 0 ? unified.at : "");
}

void cf_caller_cgroup(const struct cf_caller *caller, char *out, size_t size)
{
    char text[CGROUP_MOST];
    size_t len = read_kept(caller->pid, PROC_CGROUP, text, sizeof(text));

    if (size > 0)
        out[0] = '\0';
    cf_caller_parse_cgroup(text, len, out, size);
}

void cf_caller_names(const struct cf_caller *caller, struct cf_names *names)
{
    cf_caller_command(caller, names->command);
    cf_caller_cgroup(caller, names->cgroup, sizeof(names->cgroup));
}
