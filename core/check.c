#include "check.h"

#include "api.h"
#include "assignment.h"
#include "credential.h"
#include "grant.h"
#include "leave.h"
#include "note.h"
#include "schema.h"
#include "witness.h"

struct check {
    struct cf_vault *vault;
    struct cf_txn *txn;
    cf_check_finding *finding;
    void *arg;
    struct cf_checked *checked;
    struct cf_tally tally;    /* of the Apps whose row verifies */
    int64_t tampered;         /* the others */
    const struct cf_app *app; /* the one that is looked at */
    enum cf_error error;      /* what ends the check: not a finding */
};

static void report(struct check *check, const char *what)
{
    check->checked->findings++;
    check->finding(check->arg, what);
}

/* A finding about the present App; an error that is none of tampering ends the check. */
static void note(struct check *check, const char *part, enum cf_error error)
{
    struct cf_text text = {0};

    if (error == CF_OK)
        return;
    if (error == CF_ENOMEM || error == CF_EIO) {
        check->error = error;
        return;
    }
    cf_text_printf(&text, "App %s (number %lld): %s: %s", check->app->name, (long long)check->app->serial, part,
                   cf_error_text(error));
    report(check, text.data != NULL ? text.data : part);
    cf_text_release(&text);
}

static void check_values(struct check *check, const struct cf_version *version, int64_t *values)
{
    for (int i = 0; i < CF_FIELD_COUNT && check->error == CF_OK; i++) {
        enum cf_field field = (enum cf_field)i;
        struct cf_secret *value;
        struct cf_text part = {0};
        enum cf_error error;
        if ((version->fields & 1U << i) == 0)
            continue;
        error = cf_value_open(check->txn, check->app, version->number, field, &value);
        cf_secret_free(value);
        cf_text_printf(&part, "%s of version %lld", cf_field_word(field), (long long)version->number);
        note(check, part.data != NULL ? part.data : cf_field_word(field), error);
        cf_text_release(&part);
        (*values)++;
    }
}

/* How many rows a query that counts gives. */
static enum cf_error count_rows(struct cf_txn *txn, const char *sql, int64_t serial, int64_t *count)
{
    struct cf_rows *rows;
    bool row;
    enum cf_error error = cf_sql_query(txn->db, &rows, sql, "i", serial);

    *count = 0;
    if (error == CF_OK)
        error = cf_sql_next(rows, &row);
    if (error == CF_OK)
        *count = cf_sql_int(rows, 0);
    cf_sql_done(rows);
    return error;
}

static void check_versions(struct check *check)
{
    struct cf_version versions[CF_VERSIONS_MOST];
    int64_t values = 0, rows;
    size_t count;
    enum cf_error error = cf_version_list(check->txn, check->app, versions, &count);

    note(check, "versions", error);
    if (error != CF_OK)
        return;
    if (count == 0 || versions[0].number != check->app->version)
        note(check, "its current version", CF_ETAMPER);
    for (size_t i = 0; i < count; i++)
        check_values(check, &versions[i], &values);
    error = count_rows(check->txn, "SELECT count(*) FROM value WHERE app = ?", check->app->serial, &rows);
    note(check, "values", error == CF_OK && rows != values ? CF_ETAMPER : error);
    check->checked->values += values;
}

static bool check_app(void *arg, const struct cf_app *app)
{
    struct check *check = arg;
    struct cf_assignments assignments = {0};
    struct cf_grants grants = {0};

    check->app = app;
    check->checked->apps++;
    cf_app_tally(check->txn, app, &check->tally);
    check_versions(check);
    note(check, "apis", cf_assignments_load(check->txn, app, check->vault->catalogue, &assignments));
    note(check, "grants", cf_grants_load(check->txn, app, &grants));
    note(check, "description and labels", cf_note_each(check->txn, app, NULL, NULL));
    note(check, "leave to reveal", cf_leaves_verify(check->txn, app));
    check->checked->grants += (int64_t)grants.count;
    cf_assignments_release(&assignments);
    cf_grants_release(&grants);
    return check->error == CF_OK;
}

static void tampered_app(void *arg, int64_t serial)
{
    struct check *check = arg;
    struct cf_text text = {0};

    check->checked->apps++;
    check->tampered++;
    cf_text_printf(&text, "App number %lld: its row does not verify", (long long)serial);
    report(check, text.data != NULL ? text.data : "an App's row does not verify");
    cf_text_release(&text);
}

static void check_api(struct check *check, const char *slug)
{
    struct cf_grants list = {0};
    struct cf_api_row api;
    struct cf_text text = {0};
    enum cf_error error = cf_api_by_slug(check->txn, slug, &api);

    if (error == CF_OK)
        error = cf_assignees_load(check->txn, &api, &list);
    check->checked->grants += (int64_t)list.count;
    cf_grants_release(&list);
    if (error == CF_ENOMEM || error == CF_EIO)
        check->error = error;
    if (error != CF_ETAMPER)
        return;
    cf_text_printf(&text, "API %s: assignees: %s", slug, cf_error_text(error));
    report(check, text.data != NULL ? text.data : slug);
    cf_text_release(&text);
}

/* Rows that belong to nobody were put there by hand. */
static void check_strays(struct check *check)
{
    static const struct {
        const char *sql, *what;
    } strays[] = {
        {"SELECT count(*) FROM version WHERE ? = 0 AND app NOT IN (SELECT serial FROM app)", "versions of no App"},
        {"SELECT count(*) FROM value WHERE ? = 0 AND app NOT IN (SELECT serial FROM app)", "values of no App"},
        {"SELECT count(*) FROM assignment WHERE ? = 0 AND app NOT IN (SELECT serial FROM app)",
         "API assignments of no App"},
        {"SELECT count(*) FROM entitlement WHERE ? = 0 AND (scope = 0 AND owner NOT IN (SELECT serial FROM app) OR "
         "scope = 1 AND owner NOT IN (SELECT serial FROM api))",
         "grants of no App or API"},
    };

    for (size_t i = 0; i < sizeof strays / sizeof *strays && check->error == CF_OK; i++) {
        int64_t count;
        struct cf_text text = {0};
        check->error = count_rows(check->txn, strays[i].sql, 0, &count);
        if (check->error != CF_OK || count == 0)
            continue;
        cf_text_printf(&text, "%lld %s", (long long)count, strays[i].what);
        report(check, text.data != NULL ? text.data : strays[i].what);
        cf_text_release(&text);
    }
}

/* Each row may verify, and all of an App's be as they once were. Which App that is a sum does not tell. */
static const char *judge_tally(const struct check *check, const struct cf_witness *witness)
{
    if (witness->is_lost)
        return "what the database knew of its Apps is lost: some may be missing, or be as they once were";
    if (check->tally.apps + check->tampered < witness->tally.apps)
        return "Apps are missing, which nobody destroyed";
    if (check->tally.apps + check->tampered > witness->tally.apps)
        return "Apps are there that were destroyed or not made here: put back by hand";
    if (check->tampered == 0 && !cf_equal(witness->tally.sum, check->tally.sum, CF_MAC_SIZE))
        return "Apps are not as the last change left them: put back to an earlier state by hand";
    return NULL;
}

static void check_tally(struct check *check)
{
    struct cf_witness witness;
    struct cf_text text = {0};
    const enum cf_error error = cf_witness_read(check->txn, &witness);
    const char *what = judge_tally(check, &witness);

    if (error != CF_OK && error != CF_ETAMPER)
        check->error = error;
    if (check->error != CF_OK || what == NULL)
        return;
    cf_text_printf(&text, "%s (%lld Apps verify; there ought to be %lld, after %lld changes)", what,
                   (long long)check->tally.apps, (long long)witness.tally.apps, (long long)witness.changes);
    report(check, text.data != NULL ? text.data : what);
    cf_text_release(&text);
}

static void sqlite_finding(void *arg, const char *what)
{
    struct cf_text text = {0};

    cf_text_printf(&text, "database: %s", what);
    report(arg, text.data != NULL ? text.data : what);
    cf_text_release(&text);
}

static void audit_finding(void *arg, int64_t line, const char *what)
{
    struct cf_text text = {0};

    if (line > 0)
        cf_text_printf(&text, "audit log, line %lld: %s", (long long)line, what);
    else
        cf_text_printf(&text, "audit log: %s", what);
    report(arg, text.data != NULL ? text.data : what);
    cf_text_release(&text);
}

static void check_database(struct check *check)
{
    const struct cf_catalogue *catalogue = check->vault->catalogue;

    check->error = cf_sql_integrity(check->txn->db, sqlite_finding, check);
    if (check->error == CF_OK)
        check->error = cf_schema_verify(check->txn->db, sqlite_finding, check);
    for (int place = CF_IN_APPS; place <= CF_IN_TRASH && check->error == CF_OK; place++) {
        enum cf_error error = cf_app_each(check->txn, (enum cf_place)place, 0, check_app, tampered_app, check);
        if (check->error == CF_OK)
            check->error = error;
    }
    for (size_t i = 0; i < cf_catalogue_count(catalogue) && check->error == CF_OK; i++)
        check_api(check, cf_catalogue_at(catalogue, i)->slug);
    if (check->error == CF_OK)
        check_tally(check);
    if (check->error == CF_OK)
        check_strays(check);
}

enum cf_error cf_check(struct cf_vault *vault, cf_check_finding *finding, void *arg, struct cf_checked *checked)
{
    struct cf_txn txn;
    struct check check = {.vault = vault, .txn = &txn, .finding = finding, .arg = arg, .checked = checked};
    enum cf_error error = cf_txn_read(vault->store, &txn);

    *checked = (struct cf_checked){0};
    if (error != CF_OK)
        return error;
    check_database(&check);
    cf_txn_end(&txn);
    if (check.error != CF_OK)
        return check.error;
    error = cf_witness_verify(vault->store, audit_finding, &check, &checked->records);
    return error == CF_ETAMPER ? CF_OK : error;
}
