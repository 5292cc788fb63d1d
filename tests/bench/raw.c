/* raw: SQLite itself on the rows of a store, measured (measure.h): what is left of credfs when there are no files, no
 * keys, no rights and no log.
 *
 *   raw [-t THREADS] [-n TURNS] [-w WARM-UP] [-s SECONDS] WHAT DATABASE COUNT [USED]
 *     read     the rows that a reveal reads, App, version and value, of USED Apps that lie evenly among COUNT
 *     change   the rows that a change of apis writes, in a transaction with synchronous=FULL; threads take turns on
 *              the one connection, as SQLite has one writer
 */
#include "measure.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { MAC_SIZE = 32 };

enum statement {
    BEGIN_READ,
    BEGIN_WRITE,
    COMMIT,
    READ_APP,
    READ_VERSION,
    READ_VALUE,
    ADD,
    REMOVE,
    UPDATE,
    STATEMENTS
};

/* All columns but serial and id, as core writes them. */
static const char update_app[] =
    "UPDATE app SET place = place, name = name, disabled = disabled, created = created, created_by = created_by, "
    "updated = ?2, updated_by = 0, trashed = trashed, generation = generation + 1, version = version, "
    "lives = lives, apis_sum = ?3, grants_sum = grants_sum, notes_sum = notes_sum, mac = ?3 WHERE serial = ?1";

static const char *const sql[STATEMENTS] = {
    [BEGIN_READ] = "BEGIN",
    [BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [READ_APP] = "SELECT * FROM app WHERE serial = ?1",
    [READ_VERSION] = "SELECT * FROM version WHERE app = ?1 AND number = 1",
    [READ_VALUE] = "SELECT * FROM value WHERE app = ?1 AND version = 1 AND field = 'secret'",
    [ADD] = "INSERT INTO assignment (app, slug, since, by_user, mac) VALUES (?1, 'audit-records', ?2, 0, ?3)",
    [REMOVE] = "DELETE FROM assignment WHERE app = ?1 AND slug = 'audit-records'",
    [UPDATE] = update_app,
};

struct raw {
    sqlite3 *db;
    sqlite3_stmt *prepared[STATEMENTS];
    pthread_mutex_t writer;
    long count, used;
    int threads;
};

/* Run one to its end. */
static bool step(struct raw *raw, enum statement which, long serial, long turn)
{
    sqlite3_stmt *statement = raw->prepared[which];
    const int parameters = sqlite3_bind_parameter_count(statement);
    unsigned char mac[MAC_SIZE];
    int result;

    memset(mac, (int)(turn & 0xff), sizeof(mac));
    if (parameters >= 1)
        (void)sqlite3_bind_int64(statement, 1, serial);
    if (parameters >= 2)
        (void)sqlite3_bind_int64(statement, 2, turn);
    if (parameters >= 3)
        (void)sqlite3_bind_blob(statement, 3, mac, sizeof(mac), SQLITE_TRANSIENT);
    do {
        result = sqlite3_step(statement);
    } while (result == SQLITE_ROW);
    (void)sqlite3_reset(statement);
    errno = EIO;
    return result == SQLITE_DONE;
}

static bool read_rows(void *arg, int thread, long turn)
{
    struct raw *raw = arg;
    const long serial = measure_choose(thread, turn, raw->used) * (raw->count / raw->used) + 1;

    return step(raw, BEGIN_READ, serial, turn) && step(raw, READ_APP, serial, turn) &&
           step(raw, READ_VERSION, serial, turn) && step(raw, READ_VALUE, serial, turn) &&
           step(raw, COMMIT, serial, turn);
}

static bool change_rows(void *arg, int thread, long turn)
{
    struct raw *raw = arg;
    const long serial = thread * (raw->count / raw->threads) + 1;
    bool good;

    pthread_mutex_lock(&raw->writer);
    good = step(raw, BEGIN_WRITE, serial, turn) && step(raw, turn % 2 == 0 ? ADD : REMOVE, serial, turn) &&
           step(raw, UPDATE, serial, turn) && step(raw, COMMIT, serial, turn);
    pthread_mutex_unlock(&raw->writer);
    return good;
}

/* As a store is opened by credfs. */
static bool open_database(struct raw *raw, const char *path)
{
    static const char pragmas[] = "PRAGMA cache_size=-2048; PRAGMA temp_store=MEMORY; PRAGMA journal_mode=WAL; "
                                  "PRAGMA synchronous=FULL;";
    bool good = sqlite3_open_v2(path, &raw->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
                sqlite3_exec(raw->db, pragmas, NULL, NULL, NULL) == SQLITE_OK;

    for (int i = 0; good && i < STATEMENTS; i++)
        good = sqlite3_prepare_v3(raw->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &raw->prepared[i], NULL) ==
               SQLITE_OK;
    if (!good)
        (void)fprintf(stderr, "%s: %s\n", path, raw->db ? sqlite3_errmsg(raw->db) : "out of memory");
    return good;
}

static void close_database(struct raw *raw)
{
    for (int i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize(raw->prepared[i]);
    (void)sqlite3_close(raw->db);
}

int main(int argc, char **argv)
{
    struct measure measure = {.threads = 1, .turns = 1000, .seconds = 60};
    struct raw raw = {.writer = PTHREAD_MUTEX_INITIALIZER};
    bool good = true, reads;
    int option, code = EX_NOINPUT;

    while (good && (option = getopt(argc, argv, "+" MEASURE_OPTIONS)) != -1)
        good = measure_option(&measure, option, optarg);
    reads = argc - optind == 4 && strcmp(argv[optind], "read") == 0;
    good = good && (reads || (argc - optind == 3 && strcmp(argv[optind], "change") == 0));
    raw.count = good ? strtol(argv[optind + 2], NULL, 10) : 0;
    raw.used = reads ? strtol(argv[optind + 3], NULL, 10) : raw.count;
    raw.threads = measure.threads;
    measure.in_pairs = !reads;
    if (raw.used < 1 || raw.used > raw.count || raw.count < raw.threads || (reads && raw.threads != 1)) {
        (void)fprintf(stderr, "usage: raw [-t THREADS] [-n TURNS] [-w WARM-UP] [-s SECONDS] "
                              "read DATABASE COUNT USED | change DATABASE COUNT\n");
        return EX_USAGE;
    }
    if (open_database(&raw, argv[optind + 1]))
        code = measure_run(&measure, reads ? read_rows : change_rows, &raw);
    close_database(&raw);
    return code;
}
