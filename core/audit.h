/* audit.h: the audit log: JSON Lines, append-only, hash-chained.
 *
 * On disk. audit.log: a record a line,
 *   {"seq":1,"time":"…","uid":…,"gid":…,"pid":…,"comm":"…","cgroup":"…","op":"…","app":"…","id":"…","file":"…",
 *    "version":…,"result":"…","why":"…","detail":"…","mac":"64 hex digits"}
 * in this order; members that do not apply are left out. mac is keyed BLAKE2b-256 over the mac of the record before
 * (zeros before the first) and the line's bytes up to `,"mac"`. audit.head: two slots, written in turn through a
 * shared mapping, each with the sequence number and mac of the last record, the length of the log, and a keyed MAC
 * over these: it shows a log that was cut off at its end. A record never holds a value.
 *
 * A line is written before the reply to the request that it records, and is on disk within a second: a thread of
 * the log's own syncs it. Space is reserved ahead (fallocate), so that a full disk does not at once stop the
 * recording. After a crash an unfinished last line is completed to a record of its own kind: cut off, and
 * reported by a record "op":"recovered". "head-lost" and "broken" record a head or a chain that did not verify when
 * the log was opened; cf_audit_verify names these, and "truncated", ever after. A store has both files from its
 * making on: one without them has lost them. Thread-safe.
 */
#ifndef CF_AUDIT_H
#define CF_AUDIT_H

#include "caller.h"
#include "crypto.h"
#include "error.h"
#include "text.h"

struct cf_audit;

/* What is recorded. Strings may be NULL where they do not apply; all are only read. */
struct cf_event {
    const struct cf_caller *caller; /* NULL: the daemon itself */
    const struct cf_names *names;   /* the caller's, where they were read before */
    const char *op;                 /* "reveal", "create", … */
    const char *app;                /* its name as asked for; any bytes */
    const uint8_t *id;              /* CF_ID_SIZE bytes */
    const char *file;               /* "secret", "apis", … */
    int64_t version;                /* 0: none */
    enum cf_error result;
    const char *why;    /* the reason of the decision: "role company-admin", "grant user:web" */
    const char *detail; /* what was changed: "+audit-records -contact-search" */
};

/* How far the chain goes: the last record, and the log's length behind it. */
struct cf_tip {
    int64_t seq; /* 0: before the first record */
    int64_t length;
    uint8_t mac[CF_MAC_SIZE];
};

/* Make the empty log of a new store, in dir (a descriptor, not kept). A log that has something in it is left as it is.
 * Returns 0, CF_EIO, CF_EFULL, CF_EUNSAFE. */
CF_CHECKED enum cf_error cf_audit_create(int dir, const struct cf_keys *keys, struct cf_fault *fault);

/* Open the log of the store whose directory is dir (a descriptor, not kept). keys: kept, must outlive the log.
 * known: what the database knows of the log (witness.h). Checks the end of the log against the head and this: where the
 * log ends before, a record "op":"truncated" is written, and cf_audit_verify names it ever after.
 * Returns 0, CF_EIO, CF_EFULL, CF_EUNSAFE, CF_ENOMEM. */
CF_CHECKED enum cf_error cf_audit_open(int dir, const struct cf_keys *keys, const struct cf_tip *known,
                                       struct cf_audit **out, struct cf_fault *fault);

/* Write one record. Returns 0, CF_EFULL or CF_EIO when it could not be written (nothing of it stays in the log). */
CF_CHECKED enum cf_error cf_audit_write(struct cf_audit *audit, const struct cf_event *event);

/* How many records there are, and the log's length in bytes. */
int64_t cf_audit_count(struct cf_audit *audit);
int64_t cf_audit_length(struct cf_audit *audit);

/* The last record that was written. */
struct cf_tip cf_audit_tip(struct cf_audit *audit);

/* Sync, stop the thread, close. NULL is allowed. */
void cf_audit_close(struct cf_audit *audit);

/* Called for each thing that is wrong: line number in the log (from 1; 0: the head) and what it is. */
typedef void cf_audit_finding(void *arg, int64_t line, const char *what);

/* Read the whole log: *records counts those that verify, finding is called for each that does not: edited, dropped
 * or reordered (the chain breaks there and is taken up again behind it), unfinished, cut off at the end, be it behind
 * the record that is known. Safe beside a writing daemon.
 * Returns 0 when all verifies, CF_ETAMPER when finding was called, CF_EIO when it cannot be read. */
CF_CHECKED enum cf_error cf_audit_verify(int dir, const struct cf_keys *keys, const struct cf_tip *known,
                                         cf_audit_finding *finding, void *arg, int64_t *records);

#endif
