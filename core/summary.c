#include "summary.h"

#include "clock.h"
#include "credential.h"

#include <stdio.h>
#include <string.h>

const char *cf_summary_word(enum cf_summary_kind kind)
{
    static const char *const words[CF_SUMMARY_COUNT] = {
#define X(name, word) [name] = word,
        CF_SUMMARY_LIST(X)
#undef X
    };

    return words[kind];
}

/* The queries of a kind. Each takes three numbers, ?1 to ?3: the earliest time and the latest that are meant, and at
 * most how many rows. Of CF_PENDING, the slug as ?4 and the bits of the fields that the API needs as ?5.
 *
 * Which index to go by is said, as SQLite has no statistics to tell by. A current version is one without a deadline.
 * What is in the trash, which is little, is counted in and taken away again: so the rows of Apps, which are large, need
 * not be looked at for their place. */
struct query {
    const char *count; /* one row, one number */
    const char *names; /* name, number of a version or 0, time or 0; of CF_RETIRING_READ when it was read last */
};

#define BY_EXPIRY \
    "FROM app INDEXED BY app_of_expiry WHERE place = 0 AND expires <> 0 AND expires BETWEEN ?1 AND ?2 "
#define CURRENT "version INDEXED BY version_current "
#define IN_TRASH "app INDEXED BY app_in_trash "
#define OLD "deadline = 0 AND version.created BETWEEN ?1 AND ?2 "
#define LACKING "version.app = assignment.app AND deadline = 0 AND version.fields & ?5 <> ?5 "
/* ?2: now */
#define STILL_READ                                                                                                 \
    "FROM version INDEXED BY version_replaced CROSS JOIN app ON app.serial = version.app WHERE deadline <> 0 AND " \
    "deadline > ?2 AND revoked = 0 AND place = 0 AND EXISTS (SELECT 1 FROM reader WHERE " READ_IT "AND ?1 <= ?2) "
#define READ_IT "reader.app = version.app AND reader.version = version.number "

static const struct query queries[CF_SUMMARY_COUNT] = {
    [CF_EXPIRING] = {"SELECT count(*) " BY_EXPIRY "AND ?3 > 0",
                     "SELECT name, 0, expires " BY_EXPIRY "ORDER BY expires LIMIT ?3"},
    [CF_EXPIRED] = {"SELECT count(*) " BY_EXPIRY "AND ?3 > 0",
                    "SELECT name, 0, expires " BY_EXPIRY "ORDER BY expires LIMIT ?3"},
    [CF_ROTATION_DUE] = {"SELECT (SELECT count(*) FROM " CURRENT "WHERE " OLD ") - (SELECT count(*) FROM " IN_TRASH
                         "CROSS JOIN " CURRENT "ON version.app = app.serial WHERE place = 1 AND " OLD
                         ") WHERE ?3 > 0",
                         "SELECT name, 0, version.created FROM " CURRENT
                         "CROSS JOIN app ON app.serial = version.app "
                         "WHERE place = 0 AND " OLD "ORDER BY version.created LIMIT ?3"},
    [CF_RETIRING_READ] = {"SELECT count(*) " STILL_READ "AND ?3 > 0",
                          "SELECT name, number, deadline, (SELECT max(opened) FROM reader WHERE " READ_IT
                          ") " STILL_READ "ORDER BY deadline LIMIT ?3"},
    [CF_PENDING] = {"SELECT (SELECT count(*) FROM assignment CROSS JOIN " CURRENT "ON " LACKING
                    "WHERE slug = ?4) - "
                    "(SELECT count(*) FROM " IN_TRASH
                    "CROSS JOIN assignment ON assignment.app = app.serial CROSS JOIN " CURRENT "ON " LACKING
                    "WHERE place = 1 AND slug = ?4) WHERE ?1 <= ?2 AND ?3 > 0",
                    "SELECT name, 0, 0 FROM assignment CROSS JOIN " CURRENT "ON " LACKING
                    "CROSS JOIN app ON app.serial "
                    "= version.app WHERE slug = ?4 AND place = 0 AND ?1 <= ?2 LIMIT ?3"},
    [CF_NEVER_REVEALED] =
        {"SELECT (SELECT count(*) FROM app WHERE place = 0) - (SELECT count(*) FROM revealed) + "
         "(SELECT count(*) FROM " IN_TRASH "CROSS JOIN revealed ON revealed.app = app.serial WHERE "
         "place = 1) WHERE ?1 <= ?2 AND ?3 > 0",
         "SELECT name, 0, 0 FROM app WHERE place = 0 AND serial NOT IN (SELECT app FROM revealed) "
         "AND ?1 <= ?2 LIMIT ?3"},
};

/* The times that a kind is about. */
static void range_of(const struct cf_config *config, enum cf_summary_kind kind, int64_t *from, int64_t *to)
{
    const int64_t now = cf_now();

    *from = 0;
    *to = now;
    if (kind == CF_EXPIRING) {
        *from = now + 1;
        *to = now + CF_EXPIRING_SOON;
    } else if (kind == CF_ROTATION_DUE) {
        *to = now - config->rotation;
    }
}

/* What is asked for: rows of a kind, of one API where the kind is CF_PENDING. */
struct question {
    enum cf_summary_kind kind;
    int64_t from, to, most;
    const char *slug;
    unsigned fields;
};

static enum cf_error ask(struct cf_txn *txn, const struct question *question, const char *sql,
                         struct cf_rows **rows)
{
    if (question->kind != CF_PENDING)
        return cf_sql_query(txn->db, rows, sql, "iii", question->from, question->to, question->most);
    return cf_sql_query(txn->db, rows, sql, "iiiti", question->from, question->to, question->most, question->slug,
                        (int64_t)question->fields);
}

static enum cf_error count(struct cf_txn *txn, const struct question *question, int64_t *sum)
{
    struct cf_rows *rows;
    bool row = false;
    enum cf_error error = ask(txn, question, queries[question->kind].count, &rows);

    if (error == CF_OK)
        error = cf_sql_next(rows, &row);
    if (error == CF_OK && row)
        *sum += cf_sql_int(rows, 0);
    cf_sql_done(rows);
    return error;
}

static void describe(const struct question *question, struct cf_rows *rows, char *out, size_t size)
{
    char time[CF_TIME_SIZE], read[CF_TIME_SIZE];

    cf_time_format(cf_sql_int(rows, 2), time);
    if (question->kind == CF_PENDING) {
        snprintf(out, size, "%s", question->slug);
    } else if (question->kind == CF_RETIRING_READ) {
        cf_time_format(cf_sql_int(rows, 3), read);
        snprintf(out, size, "version %lld until %s, last read %s", (long long)cf_sql_int(rows, 1), time, read);
    } else {
        snprintf(out, size, "%s", cf_sql_int(rows, 2) != 0 ? time : "");
    }
}

/* most: less for each one that is told. */
static enum cf_error tell(struct cf_txn *txn, struct question *question, cf_summary_visit *each, void *arg)
{
    char detail[CF_SLUG_MAX + 2 * CF_TIME_SIZE + 48];
    struct cf_rows *rows;
    bool row = true;
    enum cf_error error = ask(txn, question, queries[question->kind].names, &rows);

    while (error == CF_OK && row) {
        error = cf_sql_next(rows, &row);
        if (error != CF_OK || !row)
            break;
        describe(question, rows, detail, sizeof detail);
        each(arg, question->kind, cf_sql_text(rows, 0), detail);
        question->most--;
    }
    cf_sql_done(rows);
    return error;
}

/* The next API of the catalogue, from *index on, that needs fields; false when there is none. */
static bool next_api(const struct cf_catalogue *catalogue, size_t *index, struct question *question)
{
    while (*index < cf_catalogue_count(catalogue)) {
        const struct cf_api *api = cf_catalogue_at(catalogue, (*index)++);
        const char *cursor = api->fields, *end = cursor + strlen(cursor), *word;
        size_t len;
        question->slug = api->slug;
        question->fields = 0;
        while ((word = cf_word_next(&cursor, end, &len)) != NULL) {
            enum cf_field field = cf_field_find(word, len);
            question->fields |= field != CF_NO_FIELD ? 1U << field : 0;
        }
        if (question->fields != 0)
            return true;
    }
    return false;
}

enum cf_error cf_summary_read(struct cf_txn *txn, const struct cf_config *config,
                              const struct cf_catalogue *catalogue, struct cf_summary *summary)
{
    enum cf_error error = CF_OK;

    *summary = (struct cf_summary){{0}};
    for (int kind = 0; kind < CF_SUMMARY_COUNT && error == CF_OK; kind++) {
        struct question question = {.kind = (enum cf_summary_kind)kind, .most = 1};
        size_t index = 0;
        range_of(config, question.kind, &question.from, &question.to);
        if (question.kind != CF_PENDING)
            error = count(txn, &question, &summary->count[kind]);
        else
            while (error == CF_OK && next_api(catalogue, &index, &question))
                error = count(txn, &question, &summary->count[kind]);
    }
    return error;
}

enum cf_error cf_summary_names(struct cf_txn *txn, const struct cf_config *config,
                               const struct cf_catalogue *catalogue, enum cf_summary_kind kind, int64_t most,
                               cf_summary_visit *each, void *arg)
{
    struct question question = {.kind = kind, .most = most};
    enum cf_error error = CF_OK;
    size_t index = 0;

    range_of(config, kind, &question.from, &question.to);
    if (kind != CF_PENDING)
        return tell(txn, &question, each, arg);
    while (error == CF_OK && question.most > 0 && next_api(catalogue, &index, &question))
        error = tell(txn, &question, each, arg);
    return error;
}
