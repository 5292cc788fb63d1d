#include "record.h"

#include "core/clock.h"
#include "core/principal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECORD_MAX = 2 * 1024 * 1024 }; /* bytes with the newline; core writes none that is longer */

static const char *member(const json_t *record, const char *name)
{
    const char *text = json_string_value(json_object_get(record, name));

    return text ? text : "";
}

static int64_t number(const json_t *record, const char *name)
{
    return json_integer_value(json_object_get(record, name));
}

bool record_wanted(const json_t *record, const struct record_filter *filter)
{
    const char *time = member(record, "time");
    const json_t *uid = json_object_get(record, "uid");
    int64_t when;

    if (filter->app && strcmp(member(record, "app"), filter->app) != 0 &&
        strcmp(member(record, "id"), filter->app) != 0)
        return false;
    if (filter->by_user && (!json_is_integer(uid) || json_integer_value(uid) != filter->uid))
        return false;
    return !filter->since || (cf_time_parse(time, strlen(time), &when) && when >= filter->since);
}

/* Control characters: C0, DEL, and C1 as UTF-8 (C2 80 to C2 9F). They could command the reader's terminal. */
static void put_safely(const char *text)
{
    for (const char *at = text; *at; at++) {
        const unsigned char byte = (unsigned char)*at, next = (unsigned char)at[1];

        if (byte == 0xC2 && next >= 0x80 && next <= 0x9F) {
            putchar('?');
            at++;
        } else {
            putchar(byte < 0x20 || byte == 0x7F ? '?' : byte);
        }
    }
}

static void put_caller(const json_t *record)
{
    struct cf_text user = {0};

    if (!json_is_integer(json_object_get(record, "uid"))) {
        fputs("credfs", stdout);
        return;
    }
    cf_user_print((uint32_t)number(record, "uid"), &user);
    if (cf_text_result(&user) == CF_OK)
        put_safely(user.data);
    cf_text_release(&user);
    putchar(' ');
    put_safely(member(record, "comm"));
    printf("[%" PRId64 "]", number(record, "pid"));
}

static void put_named(const char *before, const char *text, const char *after)
{
    if (!text[0])
        return;
    fputs(before, stdout);
    put_safely(text);
    fputs(after, stdout);
}

void record_print(const json_t *record)
{
    const char *app = member(record, "app"), *file = member(record, "file");

    put_safely(member(record, "time"));
    putchar(' ');
    put_caller(record);
    put_named(" ", member(record, "op"), "");
    put_named(" ", app, "");
    put_named(app[0] ? "/" : " ", file, "");
    if (number(record, "version") > 0)
        printf(" v%" PRId64, number(record, "version"));
    put_named(" ", member(record, "detail"), "");
    put_named(": ", member(record, "result"), "");
    put_named(" (", member(record, "why"), ")");
    putchar('\n');
}

/* The sequence number of the last whole line of a text. */
static int64_t last_seq(const char *text, size_t len)
{
    const char *end = memrchr(text, '\n', len);
    const char *before = end ? memrchr(text, '\n', (size_t)(end - text)) : NULL;
    const char *line = before ? before + 1 : text;
    json_t *record = end ? json_loadb(line, (size_t)(end - line), 0, NULL) : NULL;
    const int64_t seq = number(record, "seq");

    json_decref(record);
    return seq;
}

int64_t record_last(int dir)
{
    const int fd = openat(dir, "audit.log", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    const off_t length = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    char *tail = malloc(RECORD_MAX);
    ssize_t len = 0;
    int64_t seq = 0;

    if (tail && length > 0)
        len = pread(fd, tail, RECORD_MAX, length < RECORD_MAX ? 0 : length - RECORD_MAX);
    if (len > 0)
        seq = last_seq(tail, (size_t)len);
    free(tail);
    if (fd >= 0)
        close(fd);
    return seq;
}
