/* caller.h: who asks: uid, gid and supplementary groups of the requesting thread, and how the audit log names it.
 *
 * Groups, command and cgroup are read from /proc only when asked for. A thread that is gone, hidden or in no pid
 * name space of ours (pid 0) has no groups and no names.
 */
#ifndef CF_CALLER_H
#define CF_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A request that can come a second time, when the process that worked on it died before it answered. Its change keeps
 * these numbers in its own transaction, so that it is never made twice (change.h). */
struct cf_request {
    int64_t session; /* random, of the mount */
    int64_t number;  /* unique in the session */
    int slot;        /* of those that are under way at once, each has another; from 0 */
    bool is_again;   /* it may have been made before */
};

struct cf_caller {
    const struct cf_request *request; /* NULL: it comes once; not owned */
    uint32_t uid, gid;
    pid_t pid;      /* the thread's id in our name space; 0: unknown */
    bool asks_only; /* of who writes to ctl: it was opened with no right but to ask for a reveal */
    bool groups_known;
    uint32_t *groups; /* owned once known; NULL when there are none */
    size_t group_count;
};

/* Start a caller; nothing is read yet. Release it with cf_caller_release. */
struct cf_caller cf_caller_of(uint32_t uid, uint32_t gid, pid_t pid);

/* Give it these supplementary groups instead of those in /proc (a copy is taken; false when out of memory). */
bool cf_caller_set_groups(struct cf_caller *caller, const uint32_t *groups, size_t count);

/* Read the supplementary groups now, unless they are known; where they cannot be read there are none. */
void cf_caller_load_groups(struct cf_caller *caller);

/* Is a group from low to high the caller's, as gid or supplementary group? */
bool cf_caller_in_group(struct cf_caller *caller, uint32_t low, uint32_t high);

enum { CF_COMMAND_SIZE = 16, CF_CGROUP_SIZE = 1024 };

/* How a caller's thread is named, for who needs it more than once. */
struct cf_names {
    char command[CF_COMMAND_SIZE];
    char cgroup[CF_CGROUP_SIZE];
};

/* Both are "" where they are unknown. */
void cf_caller_names(const struct cf_caller *caller, struct cf_names *names);

/* The command name (at most 15 bytes, any bytes) and the cgroup path ("" when unknown). */
void cf_caller_command(const struct cf_caller *caller, char out[static CF_COMMAND_SIZE]);
void cf_caller_cgroup(const struct cf_caller *caller, char *out, size_t size);

void cf_caller_release(struct cf_caller *caller);

/* The "Groups:" line of a /proc/TID/status text. For cf_caller_in_group and its tests.
 * Returns false when there is no such line, it is cut, or memory ran out; *groups is owned by the caller. */
bool cf_caller_parse_groups(const char *status, size_t len, uint32_t **groups, size_t *count);

/* The path in a /proc/TID/cgroup text: that of v2, or where it is "/" or absent the longer one of v1's systemd and
 * memory hierarchies. "" when there is none; cut to size. For cf_caller_cgroup and its tests. */
void cf_caller_parse_cgroup(const char *text, size_t len, char *out, size_t size);

#endif
