/* The audit log: what is written, what an attacker does to it, and what a crash or a full disk leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audit.h"
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SLOT_STEP = 512 };

static struct cf_keys *keys;

/* A directory of its own for each test. */
struct room {
    char path[64];
    int dir;
};

/* A whole file in memory. */
struct bytes {
    char *at;
    size_t len;
};

static struct cf_keys *keys_of(uint8_t fill)
{
    struct cf_secret *data_key = cf_secret_new(CF_KEY_SIZE);
    struct cf_keys *made;

    assert_non_null(data_key);
    memset(cf_secret_bytes(data_key), fill, CF_KEY_SIZE);
    assert_int_equal(cf_keys_derive(data_key, &made), CF_OK);
    cf_secret_free(data_key);
    return made;
}

static int start(void **state)
{
    (void)state;
    if (cf_crypto_start(NULL) != CF_OK)
        return -1;
    keys = keys_of(1);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cf_keys_free(keys);
    return 0;
}

static int enter(void **state)
{
    struct room *room = calloc(1, sizeof(*room));

    if (room == NULL)
        return -1;
    snprintf(room->path, sizeof(room->path), "/tmp/test_audit.XXXXXX");
    if (mkdtemp(room->path) == NULL)
        return -1;
    room->dir = open(room->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = room;
    return room->dir < 0 || cf_audit_create(room->dir, keys, NULL) != CF_OK ? -1 : 0;
}

static int leave(void **state)
{
    static const char *const names[] = {"audit.log", "audit.head", "elsewhere"};
    struct room *room = *state;

    (void)umount2(room->path, MNT_DETACH); /* of a test that failed on its own file system */
    for (size_t i = 0; i < 3; i++)
        if (unlinkat(room->dir, names[i], 0) != 0)
            (void)unlinkat(room->dir, names[i], AT_REMOVEDIR);
    close(room->dir);
    rmdir(room->path);
    free(room);
    return 0;
}

static struct bytes slurp(int dir, const char *name)
{
    struct bytes bytes = {0};
    struct stat st;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    bytes.len = (size_t)st.st_size;
    bytes.at = malloc(bytes.len + 1);
    assert_non_null(bytes.at);
    assert_int_equal(read(fd, bytes.at, bytes.len), bytes.len);
    bytes.at[bytes.len] = '\0';
    close(fd);
    return bytes;
}

static void spill(int dir, const char *name, const char *at, size_t len)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, at, len), len);
    close(fd);
}

static void append_bytes(int dir, const char *at, size_t len)
{
    int fd = openat(dir, "audit.log", O_WRONLY | O_APPEND | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, at, len), len);
    close(fd);
}

static void cut_log(int dir, size_t len)
{
    int fd = openat(dir, "audit.log", O_WRONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)len), 0);
    close(fd);
}

static const struct cf_tip nothing_known; /* by a database: there is none */

static struct cf_audit *open_log(int dir)
{
    struct cf_audit *audit = NULL;
    struct cf_fault fault = {{0}};
    enum cf_error error = cf_audit_open(dir, keys, &nothing_known, &audit, &fault);

    if (error != CF_OK)
        print_error("%s: %s\n", cf_error_word(error), fault.text);
    assert_int_equal(error, CF_OK);
    return audit;
}

static void write_records(struct cf_audit *audit, int count)
{
    struct cf_caller caller = cf_caller_of(1000, 1000, 0);
    const struct cf_event event = {.caller = &caller, .op = "reveal", .app = "billing", .file = "secret"};

    for (int i = 0; i < count; i++)
        assert_int_equal(cf_audit_write(audit, &event), CF_OK);
}

static void make_log(int dir, int count)
{
    struct cf_audit *audit = open_log(dir);

    write_records(audit, count);
    cf_audit_close(audit);
}

struct findings {
    int count;
    int64_t first_line, last_line;
    char text[4096]; /* all of them, a line each */
};

static void note(void *arg, int64_t line, const char *what)
{
    struct findings *found = arg;
    size_t len = strlen(found->text);

    if (found->count++ == 0)
        found->first_line = line;
    found->last_line = line;
    snprintf(found->text + len, sizeof(found->text) - len, "%lld: %s\n", (long long)line, what);
}

static int64_t verify_with(int dir, const struct cf_keys *with, struct findings *found)
{
    int64_t records = -1;
    enum cf_error error;

    memset(found, 0, sizeof(*found));
    error = cf_audit_verify(dir, with, NULL, note, found, &records);
    assert_int_equal(error, found->count == 0 ? CF_OK : CF_ETAMPER);
    return records;
}

static void assert_clean(int dir, int64_t want)
{
    struct findings found;
    int64_t records = verify_with(dir, keys, &found);

    if (found.count > 0)
        print_error("%s", found.text);
    assert_int_equal(found.count, 0);
    assert_int_equal(records, want);
}

/* --- what is written --- */

static void a_record_has_all_members_in_order(void **state)
{
    struct room *room = *state;
    struct cf_audit *audit = open_log(room->dir);
    struct cf_caller caller = cf_caller_of(1000, 100, 0);
    const uint8_t id[CF_ID_SIZE] = {0xAB, 1};
    const struct cf_event event = {
        .caller = &caller,
        .op = "reveal",
        .app = "bil\"ling\n\\",
        .id = id,
        .file = "secret",
        .version = 3,
        .result = CF_EDENIED,
        .why = "no role gives reveal",
        .detail = "+a -b",
    };
    static const char want[] =
        "{\"seq\":1,\"time\":\"2027-03-01T00:00:00.000000Z\",\"uid\":1000,\"gid\":100,\"op\":\"reveal\","
        "\"app\":\"bil\\\"ling\\n\\\\\",\"id\":\"ab010000000000000000000000000000\",\"file\":\"secret\","
        "\"version\":3,\"result\":\"denied\",\"why\":\"no role gives reveal\",\"detail\":\"+a -b\",\"mac\":\"";
    struct bytes log;

    cf_clock_set(INT64_C(1803859200) * CF_SECOND);
    assert_int_equal(cf_audit_write(audit, &event), CF_OK);
    cf_clock_set(0);
    log = slurp(room->dir, "audit.log");
    assert_int_equal(log.len, cf_audit_length(audit));
    assert_int_equal(log.len, sizeof(want) - 1 + 64 + 3);
    assert_memory_equal(log.at, want, sizeof(want) - 1);
    assert_string_equal(log.at + log.len - 3, "\"}\n");
    free(log.at);
    cf_audit_close(audit);
    assert_clean(room->dir, 1);
}

static void the_caller_is_named(void **state)
{
    struct room *room = *state;
    struct cf_audit *audit = open_log(room->dir);
    struct cf_caller caller = cf_caller_of(getuid(), getgid(), getpid());
    const struct cf_event event = {.caller = &caller, .op = "create", .app = "x"};
    struct bytes log;
    char want[64];

    assert_int_equal(cf_audit_write(audit, &event), CF_OK);
    cf_audit_close(audit);
    log = slurp(room->dir, "audit.log");
    snprintf(want, sizeof(want), ",\"pid\":%d,\"comm\":\"", (int)getpid());
    assert_non_null(strstr(log.at, want));
    free(log.at);
}

static void what_does_not_apply_is_left_out(void **state)
{
    static const char *const absent[] = {"uid", "gid", "pid", "comm", "app", "id", "file", "version", "detail"};
    struct room *room = *state;
    struct cf_audit *audit = open_log(room->dir);
    const struct cf_event event = {.op = "start"};
    struct bytes log;

    assert_int_equal(cf_audit_write(audit, &event), CF_OK);
    cf_audit_close(audit);
    log = slurp(room->dir, "audit.log");
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        char member[32];

        snprintf(member, sizeof(member), "\"%s\":", absent[i]);
        assert_null(strstr(log.at, member));
    }
    assert_non_null(strstr(log.at, "\"op\":\"start\",\"result\":\"ok\",\"mac\":"));
    free(log.at);
}

static void any_bytes_in_a_name_stay_one_line(void **state)
{
    struct room *room = *state;
    struct cf_audit *audit = open_log(room->dir);
    char name[256];
    struct cf_event event = {.op = "create", .app = name};
    struct bytes log;

    for (int i = 1; i < 256; i++)
        name[i - 1] = (char)i;
    name[255] = '\0';
    assert_int_equal(cf_audit_write(audit, &event), CF_OK);
    event.app = "x\",\"op\":\"truncated\",\"detail\":\"forged";
    assert_int_equal(cf_audit_write(audit, &event), CF_OK);
    cf_audit_close(audit);
    log = slurp(room->dir, "audit.log");
    assert_ptr_equal(strchr(log.at, '\n'), strstr(log.at, "\n{\"seq\":2,"));
    free(log.at);
    assert_clean(room->dir, 2);
}

static void a_long_detail_is_kept_and_a_longer_one_refused(void **state)
{
    enum { LONG = 300 * 1024, TOO_LONG = 3 * 1024 * 1024 };
    struct room *room = *state;
    struct cf_audit *audit = open_log(room->dir);
    char *detail = malloc(TOO_LONG + 1);
    struct cf_event event = {.op = "edit", .detail = detail};

    assert_non_null(detail);
    memset(detail, 'a', TOO_LONG);
    detail[TOO_LONG] = '\0';
    assert_int_equal(cf_audit_write(audit, &event), CF_EIO);
    assert_int_equal(cf_audit_length(audit), 0);
    detail[LONG] = '\0';
    assert_int_equal(cf_audit_write(audit, &event), CF_OK);
    assert_true(cf_audit_length(audit) > LONG);
    write_records(audit, 1);
    cf_audit_close(audit);
    free(detail);
    assert_clean(room->dir, 2);
}

static void an_empty_log_is_clean_and_goes_on(void **state)
{
    struct room *room = *state;

    assert_clean(room->dir, 0);
    make_log(room->dir, 0);
    assert_clean(room->dir, 0);
    for (int i = 1; i <= 5; i++) {
        struct cf_audit *audit = open_log(room->dir);

        assert_int_equal(cf_audit_count(audit), i - 1);
        write_records(audit, 1);
        assert_int_equal(cf_audit_count(audit), i);
        cf_audit_close(audit);
        assert_clean(room->dir, i);
    }
}

static void the_files_are_private(void **state)
{
    struct room *room = *state;
    struct stat st;

    make_log(room->dir, 1);
    assert_int_equal(fstatat(room->dir, "audit.log", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_true(st.st_blocks * 512 >= 512 * 1024);
    assert_int_equal(fstatat(room->dir, "audit.head", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

/* --- what an attacker does --- */

static void another_key_verifies_nothing(void **state)
{
    struct room *room = *state;
    struct cf_keys *others = keys_of(2);
    struct findings found;

    make_log(room->dir, 3);
    assert_int_equal(verify_with(room->dir, others, &found), 0);
    assert_true(found.count >= 3);
    cf_keys_free(others);
}

/* The line of the byte at this place, from 1. */
static int64_t line_at(const struct bytes *log, size_t at)
{
    int64_t line = 1;

    for (size_t i = 0; i < at; i++)
        line += log->at[i] == '\n';
    return line;
}

static void every_edited_byte_is_found(void **state)
{
    static const unsigned char flips[] = {0x01, 0x20, 0x80};
    struct room *room = *state;
    struct findings found;
    struct bytes log;

    make_log(room->dir, 3);
    log = slurp(room->dir, "audit.log");
    for (size_t i = 0; i < 3 * log.len; i++) {
        size_t at = i / 3;

        log.at[at] = (char)((unsigned char)log.at[at] ^ flips[i % 3]);
        spill(room->dir, "audit.log", log.at, log.len);
        assert_true(verify_with(room->dir, keys, &found) < 3);
        assert_true(found.count > 0);
        if (log.at[at] != '\n' && at + 1 < log.len)
            assert_int_equal(found.first_line, line_at(&log, at));
        log.at[at] = (char)((unsigned char)log.at[at] ^ flips[i % 3]);
    }
    spill(room->dir, "audit.log", log.at, log.len);
    assert_clean(room->dir, 3);
    free(log.at);
}

static void an_edited_text_or_mac_costs_one_record(void **state)
{
    struct room *room = *state;
    struct findings found;
    struct bytes log;
    char *second, *mac;

    make_log(room->dir, 4);
    log = slurp(room->dir, "audit.log");
    second = strchr(log.at, '\n') + 1;
    *strstr(second, "billing") = 'B';
    spill(room->dir, "audit.log", log.at, log.len);
    assert_int_equal(verify_with(room->dir, keys, &found), 3);
    assert_string_equal(found.text, "2: record 2: edited, or out of its place\n");
    *strstr(second, "Billing") = 'b';

    mac = strstr(second, "\"mac\":\"") + 7;
    *mac = *mac == '0' ? '1' : '0';
    spill(room->dir, "audit.log", log.at, log.len);
    assert_int_equal(verify_with(room->dir, keys, &found), 3);
    assert_string_equal(found.text, "2: record 2: edited, or out of its place\n");
    free(log.at);
}

/* The places of the lines of a log, and its end. */
static size_t split(const struct bytes *log, size_t starts[], size_t most)
{
    size_t count = 0;

    for (size_t at = 0; at < log->len; at = (size_t)(strchr(log->at + at, '\n') - log->at) + 1) {
        assert_true(count + 1 < most);
        starts[count++] = at;
    }
    starts[count] = log->len;
    return count;
}

/* Write the log anew with its lines in this order (from 0; -1 ends). */
static void arrange(int dir, const struct bytes *log, const int order[])
{
    size_t starts[16], len = 0;
    char *text = malloc(2 * log->len + 1);

    assert_non_null(text);
    split(log, starts, 16);
    for (; *order >= 0; order++) {
        size_t size = starts[*order + 1] - starts[*order];

        memcpy(text + len, log->at + starts[*order], size);
        len += size;
    }
    spill(dir, "audit.log", text, len);
    free(text);
}

static void every_dropped_line_is_found(void **state)
{
    static const int orders[][6] = {
        {1, 2, 3, 4, -1}, {0, 2, 3, 4, -1}, {0, 1, 3, 4, -1}, {0, 1, 2, 4, -1}, {0, 1, 2, 3, -1}};
    struct room *room = *state;
    struct findings found;
    struct bytes log;

    make_log(room->dir, 5);
    log = slurp(room->dir, "audit.log");
    for (int i = 0; i < 5; i++) {
        char want[64];

        arrange(room->dir, &log, orders[i]);
        snprintf(want, sizeof(want), i < 4 ? "%d: record %d: 1 missing before it\n" : "0: 1 records are cut off",
                 i + 1, i + 2);
        assert_int_equal(verify_with(room->dir, keys, &found), i < 4 ? 3 : 4);
        assert_memory_equal(found.text, want, strlen(want));
        assert_int_equal(found.count, 1);
    }
    free(log.at);
}

static void moved_and_doubled_lines_are_found(void **state)
{
    static const int orders[][7] = {{1, 0, 2, 3, 4, -1},    {0, 2, 1, 3, 4, -1},    {0, 1, 2, 4, 3, -1},
                                    {4, 1, 2, 3, 0, -1},    {0, 0, 1, 2, 3, 4, -1}, {0, 1, 2, 0, 3, 4, -1},
                                    {0, 1, 2, 3, 4, 4, -1}, {0, 1, 2, 3, 4, 0, -1}, {4, 3, 2, 1, 0, -1}};
    struct room *room = *state;
    struct findings found;
    struct bytes log;

    make_log(room->dir, 5);
    log = slurp(room->dir, "audit.log");
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        arrange(room->dir, &log, orders[i]);
        verify_with(room->dir, keys, &found);
        assert_true(found.count > 0);
    }
    free(log.at);
}

static void an_inserted_line_is_the_only_one_named(void **state)
{
    static const char *const inserted[] = {"garbage\n", "\n", NULL};
    struct room *room = *state;
    struct findings found;
    struct bytes log;
    size_t starts[16];

    make_log(room->dir, 4);
    log = slurp(room->dir, "audit.log");
    split(&log, starts, 16);
    for (size_t i = 0; i < 3; i++) {
        /* the last time, a copy of the first record */
        size_t len = inserted[i] != NULL ? strlen(inserted[i]) : starts[1];

        spill(room->dir, "audit.log", log.at, starts[2]);
        append_bytes(room->dir, inserted[i] != NULL ? inserted[i] : log.at, len);
        append_bytes(room->dir, log.at + starts[2], log.len - starts[2]);
        assert_int_equal(verify_with(room->dir, keys, &found), 4);
        assert_int_equal(found.count, 1);
        assert_int_equal(found.first_line, 3);
    }
    free(log.at);
}

/* The record behind the filler begins wherever a reader may have given a piece of the line up. */
static void an_endless_line_hides_nothing(void **state)
{
    enum { PIECE = 64 * 1024, FIRST = 32, LAST = 40, LONG = LAST * PIECE };
    struct room *room = *state;
    struct findings found;
    struct bytes log;
    size_t starts[16];
    char *filler = malloc(LONG);

    assert_non_null(filler);
    memset(filler, 'x', LONG);
    make_log(room->dir, 3);
    log = slurp(room->dir, "audit.log");
    split(&log, starts, 16);
    for (size_t piece = FIRST; piece <= LAST; piece++) {
        spill(room->dir, "audit.log", log.at, starts[1]);
        append_bytes(room->dir, filler, piece * PIECE - starts[1]);
        append_bytes(room->dir, log.at + starts[1], log.len - starts[1]);
        assert_int_equal(verify_with(room->dir, keys, &found), 1);
        assert_int_equal(found.first_line, 2);
    }
    free(filler);
    free(log.at);
}

static void every_cut_is_found_and_named_ever_after(void **state)
{
    struct room *room = *state;
    struct findings found;
    struct bytes log, head;

    make_log(room->dir, 4);
    log = slurp(room->dir, "audit.log");
    head = slurp(room->dir, "audit.head");
    for (size_t len = 0; len < log.len; len++) {
        int64_t whole = line_at(&log, len) - 1;
        bool is_torn = len > 0 && log.at[len - 1] != '\n';
        char want[64];

        spill(room->dir, "audit.log", log.at, len);
        spill(room->dir, "audit.head", head.at, head.len);
        snprintf(want, sizeof(want), "0: %d records are cut off at the end\n", (int)(4 - whole));
        assert_int_equal(verify_with(room->dir, keys, &found), whole);
        assert_non_null(strstr(found.text, want));
        assert_int_equal(found.count, is_torn ? 2 : 1);

        make_log(room->dir, 1);
        make_log(room->dir, 1);
        snprintf(want, sizeof(want), "notes damage found then: %d records missing behind record %d\n",
                 (int)(4 - whole), (int)whole);
        assert_int_equal(verify_with(room->dir, keys, &found), whole + (is_torn ? 4 : 3));
        assert_non_null(strstr(found.text, want));
        assert_int_equal(found.count, 1);
        if (len > 40 && len < log.len - 40)
            len += 7;
    }
    free(log.at);
    free(head.at);
}

static void a_removed_log_is_found(void **state)
{
    struct room *room = *state;
    struct findings found;

    make_log(room->dir, 4);
    assert_int_equal(unlinkat(room->dir, "audit.log", 0), 0);
    assert_int_equal(verify_with(room->dir, keys, &found), 0);
    assert_string_equal(found.text, "0: 4 records are cut off at the end\n");
    make_log(room->dir, 0);
    assert_int_equal(verify_with(room->dir, keys, &found), 1);
    assert_non_null(strstr(found.text, "4 records missing behind record 0"));
}

static void a_log_removed_with_its_head_is_found(void **state)
{
    struct room *room = *state;
    struct findings found;

    make_log(room->dir, 4);
    assert_int_equal(unlinkat(room->dir, "audit.log", 0), 0);
    assert_int_equal(unlinkat(room->dir, "audit.head", 0), 0);
    assert_int_equal(verify_with(room->dir, keys, &found), 0);
    assert_string_equal(found.text, "0: the head is missing: records may be cut off at the end\n");
    make_log(room->dir, 1);
    assert_int_equal(verify_with(room->dir, keys, &found), 2);
    assert_non_null(strstr(found.text, "the head was lost behind record 0"));
}

/* A store that is made anew where its database was lost keeps what the old one recorded. */
static void making_a_log_takes_none_away(void **state)
{
    struct room *room = *state;
    struct findings found;
    struct bytes before, after;

    make_log(room->dir, 4);
    before = slurp(room->dir, "audit.head");
    assert_int_equal(cf_audit_create(room->dir, keys, NULL), CF_OK);
    after = slurp(room->dir, "audit.head");
    assert_memory_equal(before.at, after.at, before.len);
    assert_int_equal(verify_with(room->dir, keys, &found), 4);
    assert_int_equal(found.count, 0);
    free(before.at);
    free(after.at);
}

static void begin_anew(int dir)
{
    assert_int_equal(unlinkat(dir, "audit.log", 0), 0);
    assert_int_equal(unlinkat(dir, "audit.head", 0), 0);
    assert_int_equal(cf_audit_create(dir, keys, NULL), CF_OK);
}

static void a_removed_or_spoiled_head_is_found(void **state)
{
    struct room *room = *state;
    struct findings found;
    struct bytes log;

    for (int kind = 0; kind < 3; kind++) {
        char junk[4096];

        make_log(room->dir, 4);
        log = slurp(room->dir, "audit.log");
        cut_log(room->dir, log.len - 20);
        memset(junk, kind == 0 ? 0 : 'x', sizeof(junk));
        spill(room->dir, "audit.head", junk, sizeof(junk));
        if (kind == 2)
            assert_int_equal(unlinkat(room->dir, "audit.head", 0), 0);
        verify_with(room->dir, keys, &found);
        assert_non_null(strstr(found.text, "0: the head "));
        make_log(room->dir, 1);
        verify_with(room->dir, keys, &found);
        assert_non_null(strstr(found.text, "the head was lost behind record 3"));
        assert_int_equal(found.count, 1);
        free(log.at);
        begin_anew(room->dir);
    }
}

/* Cutting the last record off and spoiling the slot that names it leaves a head that agrees. */
static void a_cut_with_half_a_head_is_found(void **state)
{
    struct room *room = *state;
    struct findings found;
    struct bytes log, head;
    size_t starts[16];

    make_log(room->dir, 4);
    log = slurp(room->dir, "audit.log");
    head = slurp(room->dir, "audit.head");
    split(&log, starts, 16);
    for (size_t at = 0; at < 80; at += 20) {
        cut_log(room->dir, starts[3]);
        head.at[at] ^= 1; /* record 4 is in slot 0 */
        spill(room->dir, "audit.head", head.at, head.len);
        assert_int_equal(verify_with(room->dir, keys, &found), 3);
        assert_non_null(strstr(found.text, "0: a half of the head does not verify"));
        make_log(room->dir, 0);
        verify_with(room->dir, keys, &found);
        assert_non_null(strstr(found.text, "the head was lost behind record 3"));
        head.at[at] ^= 1;
        spill(room->dir, "audit.log", log.at, log.len);
    }
    free(log.at);
    free(head.at);
}

/* The same with an older copy of that slot in its place. */
static void a_cut_with_an_older_slot_is_found(void **state)
{
    struct room *room = *state;
    struct findings found;
    struct bytes log, old, head;
    size_t starts[16];

    make_log(room->dir, 2);
    old = slurp(room->dir, "audit.head");
    make_log(room->dir, 4);
    log = slurp(room->dir, "audit.log");
    head = slurp(room->dir, "audit.head");
    split(&log, starts, 16);
    cut_log(room->dir, starts[5]);
    memcpy(head.at, old.at, SLOT_STEP);
    spill(room->dir, "audit.head", head.at, head.len);
    verify_with(room->dir, keys, &found);
    assert_non_null(strstr(found.text, "0: a half of the head"));
    free(log.at);
    free(old.at);
    free(head.at);
}

static void the_log_of_another_time_is_found(void **state)
{
    struct room *room = *state;
    struct findings found;
    struct bytes log;

    make_log(room->dir, 3);
    log = slurp(room->dir, "audit.log");
    begin_anew(room->dir);
    make_log(room->dir, 3);
    spill(room->dir, "audit.log", log.at, log.len);
    assert_int_equal(verify_with(room->dir, keys, &found), 3);
    assert_non_null(strstr(found.text, "the record 3 that the head names is not in the log"));
    make_log(room->dir, 1);
    verify_with(room->dir, keys, &found);
    assert_int_equal(found.count, 1);
    assert_non_null(strstr(found.text, "notes damage found then: "));
    free(log.at);
}

static void a_log_that_was_shortened_inside_goes_on_and_says_so(void **state)
{
    static const int order[] = {0, 2, 3, 4, -1};
    struct room *room = *state;
    struct findings found;
    struct bytes log;

    make_log(room->dir, 5);
    log = slurp(room->dir, "audit.log");
    arrange(room->dir, &log, order);
    make_log(room->dir, 2);
    assert_int_equal(verify_with(room->dir, keys, &found), 6);
    assert_int_equal(found.count, 2);
    assert_non_null(strstr(found.text, "2: record 3: 1 missing before it\n"));
    assert_non_null(strstr(found.text, "notes damage found then: 1 lines did not verify\n"));
    free(log.at);
}

/* --- what a crash leaves --- */

static void a_torn_last_line_is_cut_off_and_recorded(void **state)
{
    static const char torn[] = "{\"seq\":4,\"time\":\"2027-";
    struct room *room = *state;
    struct bytes log;
    struct findings found;

    for (int64_t i = 0; i < 3; i++) {
        make_log(room->dir, 1);
        append_bytes(room->dir, torn, 1 + (size_t)i * 10);
        verify_with(room->dir, keys, &found);
        assert_int_equal(found.count, 1);
        assert_non_null(strstr(found.text, "unfinished"));
        make_log(room->dir, 0);
        assert_clean(room->dir, 2 * (i + 1));
    }
    log = slurp(room->dir, "audit.log");
    assert_non_null(strstr(log.at, "\"op\":\"recovered\",\"result\":\"ok\",\"detail\":\"an unfinished line of 11 "
                                   "bytes cut off\",\"mac\""));
    free(log.at);
}

/* A crash between a line and its head, and a head from a while ago. */
static void a_head_behind_its_log_is_taken_forward(void **state)
{
    struct room *room = *state;
    struct bytes old, log;

    make_log(room->dir, 2);
    old = slurp(room->dir, "audit.head");
    make_log(room->dir, 5);
    spill(room->dir, "audit.head", old.at, old.len);
    assert_clean(room->dir, 7);
    make_log(room->dir, 1);
    assert_clean(room->dir, 8);
    log = slurp(room->dir, "audit.log");
    assert_null(strstr(log.at, "recovered"));
    free(old.at);
    free(log.at);
}

static void a_slot_torn_by_a_crash_is_no_damage(void **state)
{
    struct room *room = *state;
    struct bytes head;

    make_log(room->dir, 4);
    head = slurp(room->dir, "audit.head");
    memset(head.at + 4, 0, 8); /* slot 0, of the last record, which is in the log */
    spill(room->dir, "audit.head", head.at, head.len);
    assert_clean(room->dir, 4);
    make_log(room->dir, 1);
    assert_clean(room->dir, 5);
    free(head.at);
}

static void an_edit_behind_an_old_head_is_found_on_opening(void **state)
{
    struct room *room = *state;
    struct findings found;
    struct bytes old, log;
    size_t starts[16];

    make_log(room->dir, 2);
    old = slurp(room->dir, "audit.head");
    make_log(room->dir, 3);
    log = slurp(room->dir, "audit.log");
    split(&log, starts, 16);
    *strstr(log.at + starts[3], "billing") = 'B';
    spill(room->dir, "audit.log", log.at, log.len);
    spill(room->dir, "audit.head", old.at, old.len);
    make_log(room->dir, 0);
    assert_int_equal(verify_with(room->dir, keys, &found), 5);
    assert_non_null(strstr(found.text, "4: record 4: edited"));
    assert_non_null(strstr(found.text, "6: record 6 notes damage found then: 1 lines did not verify"));
    free(old.at);
    free(log.at);
}

static void what_was_written_is_there_after_a_kill(void **state)
{
    struct room *room = *state;
    struct cf_audit *audit;

    for (int round = 0; round < 10; round++) {
        int64_t acknowledged = 0;
        int status, ends[2];
        pid_t child;

        assert_int_equal(pipe(ends), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            /* secret memory is not inherited */
            if (cf_crypto_start(NULL) != CF_OK)
                _exit(1);
            keys = keys_of(1);
            audit = open_log(room->dir);
            for (;;) {
                const struct cf_event event = {.op = "reveal", .app = "billing"};

                if (cf_audit_write(audit, &event) != CF_OK)
                    _exit(1);
                acknowledged = cf_audit_count(audit);
                if (write(ends[1], &acknowledged, sizeof(acknowledged)) < 0)
                    _exit(1);
            }
        }
        close(ends[1]);
        for (int i = 0; i < 50 + 37 * round; i++)
            assert_int_equal(read(ends[0], &acknowledged, sizeof(acknowledged)), sizeof(acknowledged));
        kill(child, SIGKILL);
        while (read(ends[0], &acknowledged, sizeof(acknowledged)) == sizeof(acknowledged))
            continue;
        close(ends[0]);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        audit = open_log(room->dir);
        assert_true(cf_audit_count(audit) >= acknowledged);
        cf_audit_close(audit);
    }
    audit = open_log(room->dir);
    int64_t count = cf_audit_count(audit);
    cf_audit_close(audit);
    assert_clean(room->dir, count);
}

/* --- files that are not ours --- */

static void unsafe(int dir)
{
    struct cf_audit *audit = (void *)1;
    struct cf_fault fault = {{0}};
    struct findings found = {0};
    int64_t records;

    assert_int_equal(cf_audit_open(dir, keys, &nothing_known, &audit, &fault), CF_EUNSAFE);
    assert_null(audit);
    assert_non_null(strstr(fault.text, "audit."));
    assert_int_equal(cf_audit_verify(dir, keys, NULL, note, &found, &records), CF_EUNSAFE);
}

static void unsafe_files_are_refused(void **state)
{
    static const char *const names[] = {"audit.log", "audit.head"};
    struct room *room = *state;

    make_log(room->dir, 1);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(fchmodat(room->dir, names[i], 0640, 0), 0);
        unsafe(room->dir);
        assert_int_equal(fchmodat(room->dir, names[i], 0600, 0), 0);
        assert_int_equal(renameat(room->dir, names[i], room->dir, "elsewhere"), 0);
        assert_int_equal(symlinkat("elsewhere", room->dir, names[i]), 0);
        unsafe(room->dir);
        assert_int_equal(unlinkat(room->dir, names[i], 0), 0);
        assert_int_equal(mkfifoat(room->dir, names[i], 0600), 0);
        unsafe(room->dir);
        assert_int_equal(unlinkat(room->dir, names[i], 0), 0);
        assert_int_equal(renameat(room->dir, "elsewhere", room->dir, names[i]), 0);
        if (geteuid() == 0) {
            assert_int_equal(fchownat(room->dir, names[i], 65534, 0, 0), 0);
            unsafe(room->dir);
            assert_int_equal(fchownat(room->dir, names[i], 0, 0, 0), 0);
        }
    }
    assert_clean(room->dir, 1);
}

/* --- a full disk --- */

static void fill_disk(int dir)
{
    static const char zeros[4096];
    int fd = openat(dir, "filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    while (write(fd, zeros, sizeof(zeros)) > 0)
        continue;
    assert_int_equal(errno, ENOSPC);
    close(fd);
}

static void a_full_disk_refuses_whole_records_and_heals(void **state)
{
    struct room *room = *state;
    const struct cf_event event = {.op = "reveal", .app = "billing"};
    enum cf_error error = CF_OK;
    struct cf_audit *audit;
    int64_t count = 0, length;
    struct bytes log;
    int dir;

    if (geteuid() != 0 || mount("none", room->path, "tmpfs", 0, "size=2m,mode=700") != 0)
        skip();
    dir = open(room->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir >= 0);
    assert_int_equal(cf_audit_create(dir, keys, NULL), CF_OK);
    audit = open_log(dir);
    write_records(audit, 10);
    fill_disk(dir);
    for (count = 10; error == CF_OK; count++)
        error = cf_audit_write(audit, &event);
    count--;
    assert_int_equal(error, CF_EFULL);
    assert_true(count > 1000); /* the reserve */
    assert_int_equal(cf_audit_count(audit), count);
    length = cf_audit_length(audit);
    for (int i = 0; i < 100; i++)
        assert_int_equal(cf_audit_write(audit, &event), CF_EFULL);
    assert_int_equal(cf_audit_length(audit), length);
    log = slurp(dir, "audit.log");
    assert_int_equal(log.len, length);
    free(log.at);
    assert_clean(dir, count);

    assert_int_equal(unlinkat(dir, "filler", 0), 0);
    write_records(audit, 10);
    cf_audit_close(audit);
    assert_clean(dir, count + 10);
    close(dir);
    assert_int_equal(umount(room->path), 0);
}

static void no_room_for_the_head_is_an_error_and_no_signal(void **state)
{
    struct room *room = *state;
    struct cf_audit *audit = NULL;
    int dir;

    if (geteuid() != 0 || mount("none", room->path, "tmpfs", 0, "size=64k,mode=700") != 0)
        skip();
    dir = open(room->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir >= 0);
    fill_disk(dir);
    assert_int_equal(cf_audit_create(dir, keys, NULL), CF_EFULL);
    assert_int_equal(cf_audit_open(dir, keys, &nothing_known, &audit, NULL), CF_EFULL);
    assert_null(audit);
    assert_int_equal(unlinkat(dir, "filler", 0), 0);
    assert_int_equal(cf_audit_create(dir, keys, NULL), CF_OK);
    make_log(dir, 3);
    assert_clean(dir, 3);
    close(dir);
    assert_int_equal(umount(room->path), 0);
}

/* --- many threads --- */

enum { THREADS = 8, EACH = 1000 };

static void *write_many(void *arg)
{
    struct cf_audit *audit = arg;
    struct cf_caller caller = cf_caller_of(1000, 1000, 0);
    const struct cf_event event = {.caller = &caller, .op = "reveal", .app = "billing", .detail = "+a"};

    for (int i = 0; i < EACH; i++)
        if (cf_audit_write(audit, &event) != CF_OK)
            return audit;
    return NULL;
}

static void threads_write_one_chain_beside_a_verifier(void **state)
{
    struct room *room = *state;
    struct cf_audit *audit = open_log(room->dir);
    pthread_t threads[THREADS];
    struct findings found;

    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, audit), 0);
    while (cf_audit_count(audit) < THREADS * EACH) {
        int64_t before = cf_audit_count(audit), records = verify_with(room->dir, keys, &found);

        if (found.count > 0)
            print_error("%s", found.text);
        assert_int_equal(found.count, 0);
        assert_true(records >= before);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *failed;

        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(cf_audit_count(audit), THREADS * EACH);
    cf_audit_close(audit);
    assert_clean(room->dir, THREADS * EACH);
}

/* What a daemon has half written when the verifier comes by, and completes a little later. */
struct later {
    int dir;
    bool is_head;
    struct bytes rest;
};

static void *complete_later(void *arg)
{
    const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
    const struct later *later = arg;

    nanosleep(&pause, NULL);
    if (later->is_head)
        spill(later->dir, "audit.head", later->rest.at, later->rest.len);
    else
        append_bytes(later->dir, later->rest.at, later->rest.len);
    return NULL;
}

static void assert_clean_in_the_end(struct later *later, int64_t want)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, complete_later, later), 0);
    assert_clean(later->dir, want);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void what_is_half_written_is_waited_for(void **state)
{
    struct room *room = *state;
    struct later later = {.dir = room->dir};
    struct bytes log, head, old;
    size_t starts[16] = {0};

    make_log(room->dir, 2);
    old = slurp(room->dir, "audit.head");
    make_log(room->dir, 1);
    head = slurp(room->dir, "audit.head");
    log = slurp(room->dir, "audit.log");
    split(&log, starts, 16);

    spill(room->dir, "audit.head", old.at, old.len);
    spill(room->dir, "audit.log", log.at, starts[2] + 50);
    later.rest = (struct bytes){log.at + starts[2] + 50, log.len - starts[2] - 50};
    assert_clean_in_the_end(&later, 3);

    old.at[0] = 'x';
    old.at[SLOT_STEP] = 'x';
    spill(room->dir, "audit.head", old.at, old.len);
    later.is_head = true;
    later.rest = head;
    assert_clean_in_the_end(&later, 3);
    free(old.at);
    free(head.at);
    free(log.at);
}

/* The log's own syncs, seen on their way to the kernel. */
static atomic_int syncs;

int fdatasync(int fd)
{
    struct stat st, log;
    bool is_log = fstat(fd, &st) == 0 && stat("audit.log", &log) == 0 && st.st_ino == log.st_ino;
    int result = (int)syscall(SYS_fdatasync, fd);

    if (result == 0 && is_log && st.st_size == log.st_size)
        atomic_fetch_add(&syncs, 1);
    return result;
}

static void wait_for_sync(int more_than)
{
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};

    for (int left = 1000; left > 0 && atomic_load(&syncs) <= more_than; left--)
        nanosleep(&pause, NULL);
    assert_true(atomic_load(&syncs) > more_than);
}

static void what_is_written_is_synced_while_the_log_is_open(void **state)
{
    struct room *room = *state;
    struct cf_audit *audit = open_log(room->dir);

    assert_int_equal(fchdir(room->dir), 0);
    for (int i = 0; i < 2; i++) {
        const int before = atomic_load(&syncs);
        write_records(audit, 3);
        wait_for_sync(before);
    }
    assert_int_equal(chdir("/"), 0);
    cf_audit_close(audit);
}

static void closing_does_not_wait_for_the_next_sync(void **state)
{
    struct room *room = *state;
    struct cf_audit *audit = open_log(room->dir);
    struct timespec before, after;

    write_records(audit, 1);
    clock_gettime(CLOCK_MONOTONIC, &before);
    cf_audit_close(audit);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 < 400);
    cf_audit_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_record_has_all_members_in_order),
        TEST(the_caller_is_named),
        TEST(what_does_not_apply_is_left_out),
        TEST(any_bytes_in_a_name_stay_one_line),
        TEST(a_long_detail_is_kept_and_a_longer_one_refused),
        TEST(an_empty_log_is_clean_and_goes_on),
        TEST(the_files_are_private),
        TEST(another_key_verifies_nothing),
        TEST(every_edited_byte_is_found),
        TEST(an_edited_text_or_mac_costs_one_record),
        TEST(every_dropped_line_is_found),
        TEST(moved_and_doubled_lines_are_found),
        TEST(an_inserted_line_is_the_only_one_named),
        TEST(an_endless_line_hides_nothing),
        TEST(every_cut_is_found_and_named_ever_after),
        TEST(a_removed_log_is_found),
        TEST(a_log_removed_with_its_head_is_found),
        TEST(making_a_log_takes_none_away),
        TEST(a_removed_or_spoiled_head_is_found),
        TEST(a_cut_with_half_a_head_is_found),
        TEST(a_cut_with_an_older_slot_is_found),
        TEST(the_log_of_another_time_is_found),
        TEST(a_log_that_was_shortened_inside_goes_on_and_says_so),
        TEST(a_torn_last_line_is_cut_off_and_recorded),
        TEST(a_head_behind_its_log_is_taken_forward),
        TEST(a_slot_torn_by_a_crash_is_no_damage),
        TEST(an_edit_behind_an_old_head_is_found_on_opening),
        TEST(what_was_written_is_there_after_a_kill),
        TEST(unsafe_files_are_refused),
        TEST(a_full_disk_refuses_whole_records_and_heals),
        TEST(no_room_for_the_head_is_an_error_and_no_signal),
        TEST(threads_write_one_chain_beside_a_verifier),
        TEST(what_is_half_written_is_waited_for),
        TEST(what_is_written_is_synced_while_the_log_is_open),
        TEST(closing_does_not_wait_for_the_next_sync),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
