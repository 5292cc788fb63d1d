/* audit_chain.h: what writing and reading of the audit log share. Private to audit*.c.
 *
 * audit.head, HEAD_SIZE bytes, two slots at 0 and HEAD_SLOT_STEP, the record of sequence number N in slot N & 1:
 *   sequence number (8, little-endian) · length of the log behind that record (8) · its mac (32) · MAC (32)
 * Both slots are written when the log is opened, so that both must verify and lie one record apart at most.
 */
#ifndef CF_AUDIT_CHAIN_H
#define CF_AUDIT_CHAIN_H

#include "audit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CF_AUDIT_LOG "audit.log"
#define CF_AUDIT_HEAD "audit.head"

enum {
    CF_HEAD_SLOT_STEP = 512,
    CF_HEAD_SLOT_SIZE = 8 + 8 + CF_MAC_SIZE + CF_MAC_SIZE,
    CF_HEAD_SIZE = 4096,
    CF_AUDIT_LINE_MAX = 2 * 1024 * 1024,    /* bytes with the newline; a longer one is not a record */
    CF_AUDIT_TAIL = 8 + 2 * CF_MAC_SIZE + 2 /* ,"mac":"…"} */
};

/* Open a file of the log. flags: of open(2). *fd: owned by the caller, -1 on failure.
 * Returns 0, CF_ENOENT, CF_EUNSAFE (a symlink, not a regular file, another owner, a mode other than 0600), CF_EFULL,
 * CF_EIO. */
CF_CHECKED enum cf_error cf_audit_open_file(int dir, const char *name, int flags, int *fd, struct cf_fault *fault);

/* The error that errno stands for, when writing. */
enum cf_error cf_audit_errno(int number);

/* The mac of a record: over the one before it and the line up to `,"mac"`. */
void cf_audit_link(const struct cf_keys *keys, const uint8_t before[static CF_MAC_SIZE], const char *line,
                   size_t len, uint8_t out[static CF_MAC_SIZE]);

/* Write a slot of the head; head: HEAD_SIZE bytes. */
void cf_head_write(uint8_t *head, unsigned slot, const struct cf_keys *keys, const struct cf_tip *tip);

enum cf_head_state {
    CF_HEAD_GOOD,
    CF_HEAD_HALF,  /* one slot verifies, or they are further apart than two writes leave them */
    CF_HEAD_BLANK, /* empty or all zeros: never written */
    CF_HEAD_BAD
};

/* Judge a head; *tip: the later of the slots that verify (GOOD and HALF only). */
enum cf_head_state cf_head_read(const uint8_t head[static CF_HEAD_SIZE], const struct cf_keys *keys,
                                struct cf_tip *tip);

/* What a walk through the log found. */
struct cf_walk {
    int64_t line;       /* lines read, also those that are not records */
    int64_t verified;   /* records that do verify */
    int64_t bad;        /* lines that do not */
    int64_t last;       /* sequence number of the last record, verified or not */
    int64_t unfinished; /* bytes behind the last newline, when the walk came to the end */
    bool head_met;      /* the record that the head names was there (or it names none) */
    bool known_met;     /* and that which the database knows of */
};

struct cf_walk_rules {
    int64_t limit; /* stop at the first line that ends there or behind */
    bool is_live;  /* a daemon may be writing: what is past the head is read again before it is found wrong */
    const struct cf_tip *known; /* the record that the database knows of, or NULL */
    cf_audit_finding *finding;  /* NULL when only the numbers are wanted */
    void *arg;
};

/* Follow the chain from *tip on. *tip then: the last record that verifies, and the end of the last whole line.
 * head: the record that should be met, or NULL.
 * Returns 0, CF_EIO, CF_ENOMEM. */
CF_CHECKED enum cf_error cf_audit_walk(int fd, const struct cf_keys *keys, struct cf_tip *tip,
                                       const struct cf_tip *head, const struct cf_walk_rules *rules,
                                       struct cf_walk *walk);

#endif
