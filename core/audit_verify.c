#include "audit_chain.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    CHUNK = 64 * 1024,
    PATIENCE = 50, /* how often what a daemon may be writing just now is read again */
    PAUSE_NS = 10 * 1000 * 1000
};

static void pause_shortly(void)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    nanosleep(&pause, NULL);
}

/* --- lines --- */

struct lines {
    int fd;
    int64_t offset; /* in the file, of the line that is read next */
    char *buffer;
    size_t size, filled;
    size_t start; /* of the next line in the buffer */
};

/* A line without its newline. NULL bytes: there is no whole one; len is what stands behind the last newline. */
struct line {
    const char *bytes;
    size_t len;
    int64_t offset;
};

/* Read on behind what is in the buffer. *more: false at the end of the file. */
static enum cf_error fill(struct lines *lines, bool *more)
{
    if (lines->start > 0) {
        memmove(lines->buffer, lines->buffer + lines->start, lines->filled - lines->start);
        lines->filled -= lines->start;
        lines->start = 0;
    }
    if (lines->size - lines->filled < CHUNK) {
        char *buffer = realloc(lines->buffer, lines->filled + 2 * CHUNK);
        if (buffer == NULL)
            return CF_ENOMEM;
        lines->buffer = buffer;
        lines->size = lines->filled + 2 * CHUNK;
    }
    ssize_t got;
    do
        got = pread(lines->fd, lines->buffer + lines->filled, lines->size - lines->filled,
                    lines->offset + (int64_t)lines->filled);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return CF_EIO;
    lines->filled += (size_t)got;
    *more = got > 0;
    return CF_OK;
}

static enum cf_error next_line(struct lines *lines, struct line *line)
{
    size_t seen = 0;
    int64_t first = lines->offset;
    bool is_too_long = false, more = true;
    for (;;) {
        size_t left = lines->filled - lines->start;
        const char *from = left == 0 ? NULL : lines->buffer + lines->start;
        const char *newline = from == NULL || left == seen ? NULL : memchr(from + seen, '\n', left - seen);
        if (newline != NULL) {
            size_t len = (size_t)(newline - from);
            *line = (struct line){.bytes = from, .len = is_too_long ? 0 : len, .offset = first};
            lines->start += len + 1;
            lines->offset += (int64_t)len + 1;
            return CF_OK;
        }
        seen = left;
        if (seen >= CF_AUDIT_LINE_MAX) {
            is_too_long = true;
            lines->offset += (int64_t)left;
            lines->start = lines->filled = seen = 0;
        }
        enum cf_error error = fill(lines, &more);
        if (error != CF_OK)
            return error;
        if (more)
            continue;
        *line = (struct line){.len = (size_t)(lines->offset - first) + seen, .offset = first};
        return CF_OK;
    }
}

static void seek_line(struct lines *lines, int64_t offset)
{
    lines->offset = offset;
    lines->start = lines->filled = 0;
}

/* --- records --- */

struct record {
    int64_t seq;
    size_t body;        /* bytes that its mac is over */
    const char *digits; /* its mac, as it stands there */
    uint8_t mac[CF_MAC_SIZE];
};

static bool parse_seq(const char *line, size_t len, int64_t *seq)
{
    static const char start[] = "{\"seq\":";
    size_t at = sizeof(start) - 1, first = at;
    *seq = 0;
    if (len < at || memcmp(line, start, at) != 0)
        return false;
    for (; at < len && at < first + 18 && line[at] >= '0' && line[at] <= '9'; at++)
        *seq = *seq * 10 + (line[at] - '0');
    return at > first && at < len && line[at] == ',';
}

static bool parse_record(const struct line *line, struct record *record)
{
    if (line->len <= CF_AUDIT_TAIL)
        return false;
    record->body = line->len - CF_AUDIT_TAIL;
    const char *tail = line->bytes + record->body;
    record->digits = tail + 8;
    return memcmp(tail, ",\"mac\":\"", 8) == 0 && memcmp(tail + CF_AUDIT_TAIL - 2, "\"}", 2) == 0 &&
           cf_unhex(record->digits, 2 * (size_t)CF_MAC_SIZE, record->mac, CF_MAC_SIZE) &&
           parse_seq(line->bytes, record->body, &record->seq);
}

/* The macs that the next record may follow. Where all is well it is one. Behind a line that does not verify there are
 * three: the mac that stands in that line (its text was edited), the one that it should have (its mac was edited),
 * and that of the last record that did verify (the line was put in). */
struct chain {
    const struct cf_keys *keys;
    uint8_t macs[3][CF_MAC_SIZE];
    size_t count;
    int64_t seq; /* of the last line that is a record */
};

static bool follows(const struct chain *chain, const struct line *line, const struct record *record)
{
    for (size_t i = 0; i < chain->count; i++) {
        uint8_t mac[CF_MAC_SIZE];
        char digits[2 * CF_MAC_SIZE + 1];
        cf_audit_link(chain->keys, chain->macs[i], line->bytes, record->body, mac);
        cf_hex(mac, CF_MAC_SIZE, digits);
        if (cf_equal(digits, record->digits, 2 * (size_t)CF_MAC_SIZE))
            return true;
    }
    return false;
}

static void take_good(struct chain *chain, const struct record *record)
{
    memcpy(chain->macs[0], record->mac, CF_MAC_SIZE);
    chain->count = 1;
    chain->seq = record->seq;
}

static void take_bad(struct chain *chain, const struct line *line, const struct record *record,
                     const struct cf_tip *good)
{
    cf_audit_link(chain->keys, chain->macs[0], line->bytes, record->body, chain->macs[1]);
    memcpy(chain->macs[0], record->mac, CF_MAC_SIZE);
    memcpy(chain->macs[2], good->mac, CF_MAC_SIZE);
    chain->count = 3;
    chain->seq = record->seq;
}

/* --- the walk --- */

struct walker {
    struct chain chain;
    struct cf_tip *tip;
    const struct cf_tip *head;
    const struct cf_tip *known;
    cf_audit_finding *finding;
    void *arg;
    struct cf_walk *walk;
};

static void report(const struct walker *walker, int64_t line, const char *what)
{
    if (walker->finding != NULL)
        walker->finding(walker->arg, line, what);
}

static void report_bad(struct walker *walker, const struct record *record)
{
    char what[160];
    int64_t before = walker->chain.seq;
    walker->walk->bad++;
    if (record == NULL)
        snprintf(what, sizeof(what), "not a record");
    else if (record->seq > before + 1)
        snprintf(what, sizeof(what), "record %" PRId64 ": %" PRId64 " missing before it", record->seq,
                 record->seq - before - 1);
    else if (record->seq <= before)
        snprintf(what, sizeof(what), "record %" PRId64 ": out of order", record->seq);
    else
        snprintf(what, sizeof(what), "record %" PRId64 ": edited, or out of its place", record->seq);
    report(walker, walker->walk->line, what);
}

/* Name what the daemon itself found wrong with the log when it opened it. The pattern cannot stand within a member,
 * where quotes have a backslash before them. */
static void report_noted(struct walker *walker, const struct line *line, const struct record *record)
{
    static const char *const noted[] = {",\"op\":\"truncated\",", ",\"op\":\"broken\",", ",\"op\":\"head-lost\","};
    static const char detail[] = ",\"detail\":\"";
    size_t i = 0;
    while (i < 3 && memmem(line->bytes, record->body, noted[i], strlen(noted[i])) == NULL)
        i++;
    if (i == 3 || walker->finding == NULL)
        return;
    const char *text = memmem(line->bytes, record->body, detail, sizeof(detail) - 1);
    size_t len = 0;
    if (text != NULL) {
        text += sizeof(detail) - 1;
        len = strcspn(text, "\"");
    }
    char what[256];
    snprintf(what, sizeof(what), "record %" PRId64 " notes damage found then: %.*s", record->seq,
             len > 160 ? 160 : (int)len, text == NULL ? "" : text);
    report(walker, walker->walk->line, what);
}

static bool is_record_of(const struct record *record, const struct cf_tip *tip)
{
    return tip != NULL && record->seq == tip->seq && memcmp(record->mac, tip->mac, CF_MAC_SIZE) == 0;
}

static void take_line(struct walker *walker, const struct line *line, const struct record *record, bool is_good)
{
    walker->walk->line++;
    walker->tip->length = line->offset + (int64_t)line->len + 1;
    if (record == NULL) {
        report_bad(walker, NULL);
        return;
    }
    if (is_record_of(record, walker->head))
        walker->walk->head_met = true;
    if (is_record_of(record, walker->known))
        walker->walk->known_met = true;
    if (!is_good) {
        report_bad(walker, record);
        take_bad(&walker->chain, line, record, walker->tip);
        return;
    }
    report_noted(walker, line, record);
    take_good(&walker->chain, record);
    walker->walk->verified++;
    walker->tip->seq = record->seq;
    memcpy(walker->tip->mac, record->mac, CF_MAC_SIZE);
}

/* Judge the next line. *patience: how often a line past the head may still be read again. */
static enum cf_error step(struct walker *walker, struct lines *lines, int *patience, bool *is_end)
{
    for (;;) {
        struct line line;
        struct record record;
        enum cf_error error = next_line(lines, &line);
        if (error != CF_OK)
            return error;
        bool is_record = line.bytes != NULL && parse_record(&line, &record);
        bool is_good = is_record && follows(&walker->chain, &line, &record);
        *is_end = line.bytes == NULL;
        bool is_settled = is_good || (*is_end && line.len == 0);
        bool is_past = walker->head == NULL || line.offset >= walker->head->length;
        if (!is_settled && is_past && *patience > 0) {
            (*patience)--;
            seek_line(lines, line.offset);
            pause_shortly();
            continue;
        }
        if (*is_end)
            walker->walk->unfinished = (int64_t)line.len;
        else
            take_line(walker, &line, is_record ? &record : NULL, is_good);
        return CF_OK;
    }
}

enum cf_error cf_audit_walk(int fd, const struct cf_keys *keys, struct cf_tip *tip, const struct cf_tip *head,
                            const struct cf_walk_rules *rules, struct cf_walk *walk)
{
    struct lines lines = {.fd = fd, .offset = tip->length};
    struct walker walker = {.chain = {.keys = keys, .count = 1, .seq = tip->seq},
                            .tip = tip,
                            .head = head,
                            .known = rules->known,
                            .finding = rules->finding,
                            .arg = rules->arg,
                            .walk = walk};
    enum cf_error error = CF_OK;
    int patience = rules->is_live ? PATIENCE : 0;
    bool is_end = false;
    memcpy(walker.chain.macs[0], tip->mac, CF_MAC_SIZE);
    *walk = (struct cf_walk){.head_met = head == NULL || head->seq == tip->seq,
                             .known_met = rules->known == NULL || rules->known->seq == 0};
    while (error == CF_OK && !is_end && tip->length < rules->limit)
        error = step(&walker, &lines, &patience, &is_end);
    walk->last = walker.chain.seq;
    free(lines.buffer);
    return error;
}

/* --- verifying --- */

static enum cf_error read_head(int fd, const struct cf_keys *keys, struct cf_tip *tip, enum cf_head_state *state)
{
    uint8_t bytes[CF_HEAD_SIZE];
    for (int left = PATIENCE;; left--) {
        memset(bytes, 0, sizeof(bytes));
        if (pread(fd, bytes, sizeof(bytes), 0) < 0)
            return CF_EIO;
        *state = cf_head_read(bytes, keys, tip);
        if (*state == CF_HEAD_GOOD || left == 0)
            return CF_OK;
        pause_shortly();
    }
}

/* What the head has to say about the log's end. */
static void report_head(enum cf_head_state state, const struct cf_tip *head, const struct cf_walk *walk,
                        cf_audit_finding *finding, void *arg)
{
    char what[160];
    if (state == CF_HEAD_GOOD || state == CF_HEAD_HALF) {
        if (walk->head_met && (state == CF_HEAD_GOOD || walk->last > head->seq))
            return;
        if (walk->head_met)
            snprintf(what, sizeof(what), "a half of the head does not verify: a record may be cut off at the end");
        else if (walk->last < head->seq)
            snprintf(what, sizeof(what), "%" PRId64 " records are cut off at the end", head->seq - walk->last);
        else
            snprintf(what, sizeof(what), "the record %" PRId64 " that the head names is not in the log", head->seq);
    } else {
        snprintf(what, sizeof(what), "the head %s: records may be cut off at the end",
                 state == CF_HEAD_BLANK ? "is missing" : "does not verify");
    }
    finding(arg, 0, what);
}

/* And what the database has. */
static void report_known(const struct cf_tip *known, const struct cf_walk *walk, cf_audit_finding *finding,
                         void *arg)
{
    char what[160];
    if (known == NULL || walk->known_met)
        return;
    if (walk->last < known->seq)
        snprintf(what, sizeof(what), "%" PRId64 " records that the database knows of are cut off at the end",
                 known->seq - walk->last);
    else
        snprintf(what, sizeof(what), "the record %" PRId64 " that the database knows of is not in the log",
                 known->seq);
    finding(arg, 0, what);
}

struct counted {
    cf_audit_finding *finding;
    void *arg;
    int64_t count;
};

static void count_finding(void *arg, int64_t line, const char *what)
{
    struct counted *counted = arg;
    counted->count++;
    counted->finding(counted->arg, line, what);
}

/* Verify what is open. log: -1 when there is none, as head. */
static enum cf_error verify_files(int log, int head, const struct cf_keys *keys, const struct cf_tip *known,
                                  struct counted *counted, int64_t *records)
{
    struct cf_tip tip = {0}, named = {0};
    struct cf_walk walk = {0};
    enum cf_head_state state = CF_HEAD_BLANK;
    struct stat st;
    enum cf_error error = head < 0 ? CF_OK : read_head(head, keys, &named, &state);
    bool is_named = state == CF_HEAD_GOOD || state == CF_HEAD_HALF;
    if (error != CF_OK)
        return error;
    walk.head_met = is_named && named.seq == 0;
    walk.known_met = known == NULL || known->seq == 0;
    if (log >= 0) {
        if (fstat(log, &st) != 0)
            return CF_EIO;
        const struct cf_walk_rules rules = {
            .limit = is_named && named.length > st.st_size ? named.length : st.st_size,
            .is_live = true,
            .known = known,
            .finding = count_finding,
            .arg = counted,
        };
        error = cf_audit_walk(log, keys, &tip, is_named ? &named : NULL, &rules, &walk);
        if (error != CF_OK)
            return error;
    }
    *records = walk.verified;
    if (walk.unfinished > 0)
        count_finding(counted, walk.line + 1, "unfinished: no newline at the end");
    report_head(state, &named, &walk, count_finding, counted);
    report_known(known, &walk, count_finding, counted);
    return counted->count == 0 ? CF_OK : CF_ETAMPER;
}

static enum cf_error open_if_there(int dir, const char *name, int *fd)
{
    enum cf_error error = cf_audit_open_file(dir, name, O_RDONLY, fd, NULL);
    return error == CF_ENOENT ? CF_OK : error;
}

enum cf_error cf_audit_verify(int dir, const struct cf_keys *keys, const struct cf_tip *known,
                              cf_audit_finding *finding, void *arg, int64_t *records)
{
    struct counted counted = {.finding = finding, .arg = arg};
    int log = -1, head = -1;
    *records = 0;
    enum cf_error error = open_if_there(dir, CF_AUDIT_HEAD, &head);
    if (error == CF_OK)
        error = open_if_there(dir, CF_AUDIT_LOG, &log);
    if (error == CF_OK)
        error = verify_files(log, head, keys, known, &counted, records);
    if (log >= 0)
        close(log);
    if (head >= 0)
        close(head);
    return error;
}
