#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STAT_MOST = 1024, BOOT_ID = 36 };

#define AUDIT_NONE "4294967295"

/* The first bytes of a file as a string, without a newline at its end; false when it cannot be read. */
static bool read_file(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len;

    if (fd < 0)
        return false;
    do
        len = read(fd, out, size - 1);
    while (len < 0 && errno == EINTR);
    close(fd);
    if (len <= 0)
        return false;
    if (out[len - 1] == '\n')
        len--;
    out[len] = '\0';
    return true;
}

static bool read_proc(int64_t pid, const char *file, char *out, size_t size)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%" PRId64 "/%s", pid, file);
    return read_file(path, out, size);
}

/* The next part of a path that is "PREFIX…SUFFIX": past it, or NULL when the path does not go on so. */
static const char *skip_part(const char *path, const char *prefix, const char *suffix)
{
    const char *end = strchrnul(path, '/');
    const size_t len = (size_t)(end - path), before = strlen(prefix), behind = strlen(suffix);

    if (len <= before + behind || memcmp(path, prefix, before) != 0 || memcmp(end - behind, suffix, behind) != 0)
        return NULL;
    return end;
}

/* …/user.slice/user-UID.slice/session-ID.scope, made by logind. Below a user@UID.service all belongs to the user, who
 * can make and enter there what he likes. */
size_t cf_session_scope(const char *cgroup)
{
    static const char slice[] = "/user.slice/";
    const char *at = strstr(cgroup, slice), *managed = strstr(cgroup, "/user@");

    if (at == NULL)
        return 0;
    at = skip_part(at + sizeof(slice) - 1, "user-", ".slice");
    if (at == NULL || *at != '/')
        return 0;
    at = skip_part(at + 1, "session-", ".scope");
    return at == NULL || (managed != NULL && managed < at) ? 0 : (size_t)(at - cgroup);
}

/* proc(5): PID (COMMAND) STATE PPID PGRP SESSION …, the start time being the 22nd. A command may hold anything. */
bool cf_session_parse_stat(const char *stat, int64_t *sid, int64_t *start)
{
    enum { SESSION = 6, START = 22 };
    const char *at = strrchr(stat, ')');

    *sid = *start = 0;
    for (int field = 3; at != NULL && field <= START; field++) {
        at = strchr(at + 1, ' ');
        if (at != NULL && field == SESSION)
            *sid = strtoll(at, NULL, 10);
        if (at != NULL && field == START)
            *start = strtoll(at, NULL, 10);
    }
    return at != NULL && *sid > 0;
}

static bool by_login(pid_t pid, char *out, size_t size)
{
    char number[16];

    if (!read_proc(pid, "sessionid", number, sizeof(number)) || strcmp(number, AUDIT_NONE) == 0)
        return false;
    snprintf(out, size, "login:%s", number);
    return true;
}

static bool by_scope(const struct cf_caller *caller, char *out, size_t size)
{
    char cgroup[CF_CGROUP_SIZE];
    size_t len;

    cf_caller_cgroup(caller, cgroup, sizeof(cgroup));
    len = cf_session_scope(cgroup);
    if (len == 0 || len + sizeof("scope:") > size)
        return false;
    snprintf(out, size, "scope:%.*s", (int)len, cgroup);
    return true;
}

static bool by_leader(pid_t pid, char *out, size_t size)
{
    char stat[STAT_MOST];
    int64_t sid, leaders, start;

    if (!read_proc(pid, "stat", stat, sizeof(stat)) || !cf_session_parse_stat(stat, &sid, &start))
        return false;
    if (!read_proc(sid, "stat", stat, sizeof(stat)) || !cf_session_parse_stat(stat, &leaders, &start) ||
        leaders != sid)
        return false;
    snprintf(out, size, "sid:%" PRId64 ".%" PRId64, sid, start);
    return true;
}

bool cf_session_of(const struct cf_caller *caller, char out[static CF_SESSION_SIZE])
{
    const size_t size = CF_SESSION_SIZE - BOOT_ID - 1;
    char boot[64];
    size_t len;

    if (caller->pid <= 0 || !read_file("/proc/sys/kernel/random/boot_id", boot, sizeof(boot)))
        return false;
    if (!by_login(caller->pid, out, size) && !by_scope(caller, out, size) && !by_leader(caller->pid, out, size))
        return false;
    len = strlen(out);
    snprintf(out + len, CF_SESSION_SIZE - len, "@%.*s", BOOT_ID, boot);
    return true;
}
