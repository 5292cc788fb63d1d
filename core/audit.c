#include "audit.h"
#include "audit_chain.h"
#include "clock.h"
#include "thread.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    RESERVE = 1024 * 1024,            /* bytes kept ahead of the log's end */
    RESERVE_STEP = 512 * 1024,        /* how much of them is used before there are more */
    RESERVE_RETRY = 64 * 1024,        /* bytes written before a reserve that could not be had is tried for again */
    LINE_KEPT = 64 * 1024,            /* a larger buffer is not kept for the next record */
    SYNC_DELAY_NS = 500 * 1000 * 1000 /* with the sync itself, less than the promised second */
};

struct cf_audit {
    const struct cf_keys *keys;
    int fd;
    uint8_t *head; /* the mapping, or NULL */
    pthread_t syncer;
    bool has_syncer;
    pthread_mutex_t mutex; /* over all below, and the mapping's bytes */
    pthread_cond_t wake;
    struct cf_tip tip;
    struct cf_text line; /* a buffer that is used again and again */
    int64_t reserve_at;  /* length of the log at which the next reserve is due */
    bool has_rest;       /* a part of a record stands behind the tip and could not be cut off */
    bool is_unsynced;
    bool has_failed; /* a sync has: what the log holds may not be on disk */
    bool is_closing;
};

/* --- one record --- */

static void add_member(struct cf_text *text, const char *name, const char *value)
{
    if (value == NULL || *value == '\0')
        return;
    cf_text_puts(text, ",\"");
    cf_text_puts(text, name);
    cf_text_puts(text, "\":");
    cf_text_json(text, value);
}

static void add_number(struct cf_text *text, const char *name, int64_t number)
{
    cf_text_puts(text, ",\"");
    cf_text_puts(text, name);
    cf_text_puts(text, "\":");
    cf_text_number(text, number);
}

static void add_caller(struct cf_text *text, const struct cf_caller *caller, const struct cf_names *names)
{
    struct cf_names read;
    add_number(text, "uid", caller->uid);
    add_number(text, "gid", caller->gid);
    if (caller->pid == 0)
        return;
    if (names == NULL)
        cf_caller_names(caller, &read);
    names = names == NULL ? &read : names;
    add_number(text, "pid", caller->pid);
    add_member(text, "comm", names->command);
    add_member(text, "cgroup", names->cgroup);
}

/* All that does not depend on the record's place in the log. */
static void add_event(struct cf_text *text, const struct cf_event *event)
{
    assert(event->op != NULL);
    if (event->caller != NULL)
        add_caller(text, event->caller, event->names);
    add_member(text, "op", event->op);
    add_member(text, "app", event->app);
    if (event->id != NULL) {
        char digits[2 * CF_ID_SIZE + 1];
        cf_hex(event->id, CF_ID_SIZE, digits);
        add_member(text, "id", digits);
    }
    add_member(text, "file", event->file);
    if (event->version != 0)
        add_number(text, "version", event->version);
    add_member(text, "result", cf_error_word(event->result));
    add_member(text, "why", event->why);
    add_member(text, "detail", event->detail);
}

static bool cut_rest(struct cf_audit *audit)
{
    audit->has_rest = ftruncate(audit->fd, audit->tip.length) != 0;
    audit->reserve_at = audit->tip.length; /* the cut gave the reserve back as well */
    return !audit->has_rest;
}

/* Append in one write, all or nothing. */
static enum cf_error append(struct cf_audit *audit, const char *bytes, size_t len)
{
    if (audit->has_rest && !cut_rest(audit))
        return CF_EIO;
    ssize_t done;
    do
        done = write(audit->fd, bytes, len);
    while (done < 0 && errno == EINTR);
    if (done == (ssize_t)len)
        return CF_OK;
    enum cf_error error = done < 0 ? cf_audit_errno(errno) : CF_EFULL;
    if (done > 0)
        (void)cut_rest(audit);
    return error;
}

static void reserve(struct cf_audit *audit)
{
    if (audit->tip.length < audit->reserve_at)
        return;
    if (fallocate(audit->fd, FALLOC_FL_KEEP_SIZE, audit->tip.length, RESERVE) == 0)
        audit->reserve_at = audit->tip.length + RESERVE_STEP;
    else
        audit->reserve_at = errno == EOPNOTSUPP ? INT64_MAX : audit->tip.length + RESERVE_RETRY;
}

/* Make the line behind the tip of what add_event made. next: the tip as it will be. */
static enum cf_error make_line(struct cf_audit *audit, const struct cf_text *event, struct cf_tip *next)
{
    struct cf_text *line = &audit->line;
    char time[CF_TIME_SIZE], digits[2 * CF_MAC_SIZE + 1];
    next->seq = audit->tip.seq + 1;
    cf_time_format_micro(cf_now(), time);
    line->len = 0;
    cf_text_puts(line, "{\"seq\":");
    cf_text_number(line, next->seq);
    cf_text_puts(line, ",\"time\":\"");
    cf_text_puts(line, time);
    cf_text_puts(line, "\"");
    cf_text_add(line, event->data, event->len);
    if (cf_text_result(line) != CF_OK)
        return CF_ENOMEM;
    cf_audit_link(audit->keys, audit->tip.mac, line->data, line->len, next->mac);
    cf_hex(next->mac, CF_MAC_SIZE, digits);
    cf_text_puts(line, ",\"mac\":\"");
    cf_text_puts(line, digits);
    cf_text_puts(line, "\"}\n");
    next->length = audit->tip.length + (int64_t)line->len;
    return line->len > CF_AUDIT_LINE_MAX ? CF_EIO : cf_text_result(line);
}

static enum cf_error write_line(struct cf_audit *audit, const struct cf_text *event)
{
    struct cf_tip next;
    enum cf_error error = audit->has_failed ? CF_EIO : make_line(audit, event, &next);
    if (error == CF_OK)
        error = append(audit, audit->line.data, audit->line.len);
    if (audit->line.failed || audit->line.size > LINE_KEPT)
        cf_text_release(&audit->line);
    if (error != CF_OK)
        return error;
    audit->tip = next;
    cf_head_write(audit->head, (unsigned)(next.seq & 1), audit->keys, &next);
    reserve(audit);
    if (!audit->is_unsynced) {
        audit->is_unsynced = true;
        pthread_cond_signal(&audit->wake);
    }
    return CF_OK;
}

enum cf_error cf_audit_write(struct cf_audit *audit, const struct cf_event *event)
{
    struct cf_text text = {0};
    add_event(&text, event);
    enum cf_error error = cf_text_result(&text);
    if (error == CF_OK) {
        pthread_mutex_lock(&audit->mutex);
        error = write_line(audit, &text);
        pthread_mutex_unlock(&audit->mutex);
    }
    cf_text_release(&text);
    return error;
}

int64_t cf_audit_count(struct cf_audit *audit)
{
    pthread_mutex_lock(&audit->mutex);
    int64_t count = audit->tip.seq;
    pthread_mutex_unlock(&audit->mutex);
    return count;
}

int64_t cf_audit_length(struct cf_audit *audit)
{
    pthread_mutex_lock(&audit->mutex);
    int64_t length = audit->tip.length;
    pthread_mutex_unlock(&audit->mutex);
    return length;
}

struct cf_tip cf_audit_tip(struct cf_audit *audit)
{
    pthread_mutex_lock(&audit->mutex);
    struct cf_tip tip = audit->tip;
    pthread_mutex_unlock(&audit->mutex);
    return tip;
}

/* --- the syncing thread --- */

/* Let more records come, unless the log is being closed. Waits on the mutex, which is held. */
static void gather(struct cf_audit *audit)
{
    const int64_t until = cf_monotonic() + SYNC_DELAY_NS;
    while (!audit->is_closing && cf_thread_wait(&audit->wake, &audit->mutex, until))
        ;
}

/* The log first, so that its head is not on disk before it (unless the kernel itself writes it back). */
static void *sync_loop(void *arg)
{
    struct cf_audit *audit = arg;
    pthread_mutex_lock(&audit->mutex);
    while (audit->is_unsynced || !audit->is_closing) {
        if (!audit->is_unsynced) {
            pthread_cond_wait(&audit->wake, &audit->mutex);
            continue;
        }
        gather(audit);
        audit->is_unsynced = false;
        pthread_mutex_unlock(&audit->mutex);
        bool is_synced = fdatasync(audit->fd) == 0 && msync(audit->head, CF_HEAD_SIZE, MS_SYNC) == 0;
        pthread_mutex_lock(&audit->mutex);
        if (!is_synced)
            audit->has_failed = true;
    }
    pthread_mutex_unlock(&audit->mutex);
    return NULL;
}

static enum cf_error start_syncer(struct cf_audit *audit, struct cf_fault *fault)
{
    int number = cf_thread_start(&audit->syncer, sync_loop, audit);
    if (number != 0) {
        cf_fault_set(fault, "no thread for the audit log: %s", strerror(number));
        return CF_ENOMEM;
    }
    audit->has_syncer = true;
    return CF_OK;
}

/* --- opening --- */

static enum cf_error note(struct cf_audit *audit, const char *op, enum cf_error result, const char *detail)
{
    const struct cf_event event = {.op = op, .result = result, .detail = detail};
    return cf_audit_write(audit, &event);
}

/* Is there the record that a tip names, where the tip says that it ends? */
static bool has_record(int fd, const struct cf_tip *tip)
{
    char tail[CF_AUDIT_TAIL + 1], digits[2 * CF_MAC_SIZE + 1];
    if (tip->seq == 0)
        return tip->length == 0;
    int64_t from = tip->length - (int64_t)sizeof(tail);
    if (from < 0 || pread(fd, tail, sizeof(tail), from) != (ssize_t)sizeof(tail))
        return false;
    cf_hex(tip->mac, CF_MAC_SIZE, digits);
    return memcmp(tail + 8, digits, 2 * (size_t)CF_MAC_SIZE) == 0 && tail[CF_AUDIT_TAIL] == '\n';
}

/* Record what was found. Until this is written the old head stays: after a crash the same is found again. missing: the
 * last of the records that ought to be there and are not; 0: none. */
static enum cf_error note_damage(struct cf_audit *audit, enum cf_head_state state, const struct cf_tip *head,
                                 int64_t missing, const struct cf_walk *walk)
{
    char detail[120];
    bool is_named = state == CF_HEAD_GOOD || state == CF_HEAD_HALF;
    enum cf_error error = CF_OK;
    if (walk->unfinished > 0) {
        snprintf(detail, sizeof(detail), "an unfinished line of %" PRId64 " bytes cut off", walk->unfinished);
        error = note(audit, "recovered", CF_OK, detail);
    }
    if (error == CF_OK && (!is_named || (state == CF_HEAD_HALF && walk->head_met && walk->last == head->seq))) {
        snprintf(detail, sizeof(detail), "the head was lost behind record %" PRId64 ": more may be missing",
                 walk->last);
        error = note(audit, "head-lost", CF_ETAMPER, detail);
    }
    if (error == CF_OK && missing > walk->last) {
        snprintf(detail, sizeof(detail), "%" PRId64 " records missing behind record %" PRId64, missing - walk->last,
                 walk->last);
        error = note(audit, "truncated", CF_ETAMPER, detail);
    }
    if (error == CF_OK && (walk->bad > 0 || (missing > 0 && missing <= walk->last))) {
        snprintf(detail, sizeof(detail), "%" PRId64 " lines did not verify", walk->bad);
        error = note(audit, "broken", CF_ETAMPER, detail);
    }
    return error;
}

/* Find the tip: from the head where it agrees with the log, else from the start. */
static enum cf_error find_tip(struct cf_audit *audit, bool is_named, const struct cf_tip *head,
                              struct cf_walk *walk)
{
    const struct cf_walk_rules rules = {.limit = INT64_MAX};
    audit->tip = is_named && has_record(audit->fd, head) ? *head : (struct cf_tip){0};
    return cf_audit_walk(audit->fd, audit->keys, &audit->tip, is_named ? head : NULL, &rules, walk);
}

static enum cf_error recover(struct cf_audit *audit, const struct cf_tip *known, struct cf_fault *fault)
{
    struct cf_tip head = {0};
    struct cf_walk walk;
    enum cf_head_state state = cf_head_read(audit->head, audit->keys, &head);
    bool is_named = state == CF_HEAD_GOOD || state == CF_HEAD_HALF;
    enum cf_error error = find_tip(audit, is_named, &head, &walk);
    int64_t missing = is_named && !walk.head_met ? head.seq : 0;
    if (!has_record(audit->fd, known) && known->seq > missing)
        missing = known->seq;
    audit->reserve_at = audit->tip.length;
    if (error == CF_OK && walk.unfinished > 0 && !cut_rest(audit))
        error = CF_EIO;
    if (error == CF_OK)
        error = note_damage(audit, state, &head, missing, &walk);
    if (error != CF_OK) {
        cf_fault_set(fault, "the end of %s cannot be recovered: %s", CF_AUDIT_LOG, cf_error_text(error));
        return error;
    }
    cf_head_write(audit->head, 0, audit->keys, &audit->tip);
    cf_head_write(audit->head, 1, audit->keys, &audit->tip);
    reserve(audit);
    return CF_OK;
}

/* Map the head; its blocks are there before, since a full disk would otherwise show as SIGBUS. */
static enum cf_error map_head(int dir, struct cf_audit *audit, struct cf_fault *fault)
{
    int fd;
    enum cf_error error = cf_audit_open_file(dir, CF_AUDIT_HEAD, O_RDWR | O_CREAT, &fd, fault);
    if (error != CF_OK)
        return error;
    int number = posix_fallocate(fd, 0, CF_HEAD_SIZE);
    if (number == 0) {
        void *head = mmap(NULL, CF_HEAD_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (head == MAP_FAILED)
            number = errno;
        else
            audit->head = head;
    }
    close(fd);
    if (number == 0)
        return CF_OK;
    cf_fault_set(fault, "%s: %s", CF_AUDIT_HEAD, strerror(number));
    return cf_audit_errno(number);
}

static struct cf_audit *new_audit(const struct cf_keys *keys)
{
    struct cf_audit *audit = calloc(1, sizeof(*audit));
    if (audit == NULL)
        return NULL;
    audit->keys = keys;
    audit->fd = -1;
    cf_thread_init(&audit->mutex, &audit->wake);
    return audit;
}

enum cf_error cf_audit_open(int dir, const struct cf_keys *keys, const struct cf_tip *known, struct cf_audit **out,
                            struct cf_fault *fault)
{
    *out = NULL;
    struct cf_audit *audit = new_audit(keys);
    if (audit == NULL)
        return CF_ENOMEM;
    enum cf_error error = cf_audit_open_file(dir, CF_AUDIT_LOG, O_RDWR | O_APPEND | O_CREAT, &audit->fd, fault);
    if (error == CF_OK)
        error = map_head(dir, audit, fault);
    if (error == CF_OK)
        error = recover(audit, known, fault);
    if (error == CF_OK && fsync(dir) != 0 && errno != EBADF && errno != EINVAL)
        error = cf_audit_errno(errno);
    if (error == CF_OK)
        error = start_syncer(audit, fault);
    if (error != CF_OK) {
        cf_audit_close(audit);
        return error;
    }
    *out = audit;
    return CF_OK;
}

void cf_audit_close(struct cf_audit *audit)
{
    if (audit == NULL)
        return;
    if (audit->has_syncer) {
        pthread_mutex_lock(&audit->mutex);
        audit->is_closing = true;
        pthread_cond_signal(&audit->wake);
        pthread_mutex_unlock(&audit->mutex);
        pthread_join(audit->syncer, NULL);
    }
    if (audit->head != NULL)
        munmap(audit->head, CF_HEAD_SIZE);
    if (audit->fd >= 0)
        close(audit->fd);
    cf_text_release(&audit->line);
    pthread_cond_destroy(&audit->wake);
    pthread_mutex_destroy(&audit->mutex);
    free(audit);
}
