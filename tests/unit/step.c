#include "step.h"

#include "api.h"
#include "chores.h"
#include "clock.h"
#include "edit.h"
#include "verify.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define TEXT(text, error)             \
    {                                 \
        text, sizeof(text) - 1, error \
    }
#define DAY (86400 * CF_SECOND)

const struct step_user step_users[STEP_USERS] = {
    {"root", 0, true, true},
    {"admin", ADMIN, true, true},
    {"manager", MANAGER, true, false},
    {"revealer", REVEALER, false, true},
    {"stranger", STRANGER, false, false},
};

const struct step_text step_names[] = {
    TEXT("billing", CF_OK),      TEXT("paying", CF_OK),     TEXT("b\xc3\xbcro", CF_OK), TEXT("crm.2", CF_OK),
    TEXT("two words", CF_ENAME), TEXT(".hidden", CF_ENAME), TEXT("-dash", CF_ENAME),    TEXT("a/b", CF_ENAME),
};

const char *const step_slugs[STEP_SLUGS] = {
    "contact-center-historical-analytics",
    "cloud-storage-service",
    "customer-experience-recent-calls",
    "work-analytics",
    "audit-records",
    "contact-search",
};

const char *const step_grants[STEP_GRANTS_KNOWN] = {
    "user:5005", "user:5005 key", "user:5005 secret", "user:7000-7010", "group:6002", "group:6002 key",
};

const char *const step_assignees[STEP_ASSIGNEES_KNOWN] = {"user:5001", "user:5002"};

static const char too_big[CF_EDIT_MAX + 2];

const struct step_text step_bad_apis[] = {
    TEXT("audit-records no-such-api", CF_ESLUG),
    TEXT("+audit-records contact-search", CF_EMIXED),
    TEXT("Audit-Records", CF_ESLUG),
    TEXT("audit-records\x01", CF_ESLUG),
    TEXT("audit-records +", CF_EVALUE),
    TEXT("audit-records\0", CF_EVALUE),
    TEXT(too_big, CF_ETOOBIG),
};

const struct step_text step_bad_grants[] = {
    TEXT("user:no-such-user-here", CF_EPRINCIPAL),
    TEXT("user:7 nofield", CF_EVALUE),
    TEXT("user:7 key secret", CF_EVALUE),
    TEXT("alice", CF_EVALUE),
    TEXT("user:9-5", CF_EVALUE),
    TEXT("+user:5005\nuser:7", CF_EMIXED),
    TEXT("user:4294967295", CF_EVALUE),
    TEXT(too_big, CF_ETOOBIG),
};

const struct step_text step_bad_assignees[] = {
    TEXT("group:6001", CF_EVALUE),
    TEXT("user:5001 key", CF_EVALUE),
    TEXT("user:5001\ngroup:6001", CF_EVALUE),
    TEXT("-", CF_EVALUE),
};

const struct step_text step_values[] = {
    TEXT("imported-value-0123456789", CF_OK),
    TEXT("  k\xc3\xb6rze '\"$\\ \n", CF_OK),
    TEXT("x", CF_OK),
    TEXT("", CF_EVALUE),
    TEXT("\n", CF_EVALUE),
    TEXT("two\nlines\n", CF_EVALUE),
    TEXT("bell\x07", CF_EVALUE),
    TEXT("\xff\xfe", CF_EVALUE),
    TEXT("cfk_0123456789012345678901234567890x", CF_EVALUE),
};

const struct step_command step_commands[] = {
    {"rotate", DO_ROTATE, 60 * CF_SECOND, NULL, CF_NO_FIELD},
    {"rotate 0", DO_ROTATE, 0, NULL, CF_NO_FIELD},
    {"rotate 30s", DO_ROTATE, 30 * CF_SECOND, NULL, CF_NO_FIELD},
    {" rotate   24h ", DO_ROTATE, DAY, NULL, CF_NO_FIELD},
    {"rotate 24h", DO_ROTATE, DAY, NULL, CF_NO_FIELD},
    {"rotate soon", DO_FAIL, 0, NULL, CF_NO_FIELD},
    {"rotate 1h 2h", DO_FAIL, 0, NULL, CF_NO_FIELD},
    {"revoke %d", DO_REVOKE, 0, NULL, CF_NO_FIELD},
    {"revoke %d", DO_REVOKE, 0, NULL, CF_NO_FIELD},
    {"revoke", DO_FAIL, 0, NULL, CF_NO_FIELD},
    {"revoke %dx", DO_FAIL, 0, NULL, CF_NO_FIELD},
    {"rollback %d", DO_ROLLBACK, 60 * CF_SECOND, NULL, CF_NO_FIELD},
    {"rollback %d", DO_ROLLBACK, 60 * CF_SECOND, NULL, CF_NO_FIELD},
    {"rollback -%d", DO_FAIL, 0, NULL, CF_NO_FIELD},
    {"disable", DO_DISABLE, 0, NULL, CF_NO_FIELD},
    {"disable all", DO_FAIL, 0, NULL, CF_NO_FIELD},
    {"enable", DO_ENABLE, 0, NULL, CF_NO_FIELD},
    {"enable", DO_ENABLE, 0, NULL, CF_NO_FIELD},
    {"expire 90d", DO_EXPIRE_IN, 90 * DAY, NULL, CF_NO_FIELD},
    {"expire 30s", DO_EXPIRE_IN, 30 * CF_SECOND, NULL, CF_NO_FIELD},
    {"expire 0", DO_EXPIRE_IN, 0, NULL, CF_NO_FIELD},
    {"expire never", DO_EXPIRE_AT, 0, NULL, CF_NO_FIELD},
    {"expire 2031-01-01T00:00:00Z", DO_EXPIRE_AT, 1924992000 * CF_SECOND, NULL, CF_NO_FIELD},
    {"expire soon", DO_FAIL, 0, NULL, CF_NO_FIELD},
    {"expire", DO_FAIL, 0, NULL, CF_NO_FIELD},
    {"describe pays the  bills", DO_DESCRIBE, 0, "pays the  bills", CF_NO_FIELD},
    {"describe", DO_DESCRIBE, 0, "", CF_NO_FIELD},
    {"describe bell\x07", DO_FAIL, 0, NULL, CF_NO_FIELD},
    {"label env=prod", DO_LABEL, 0, "prod", CF_NO_FIELD},
    {"label env=a=b c", DO_LABEL, 0, "a=b c", CF_NO_FIELD},
    {"label env=", DO_LABEL, 0, "", CF_NO_FIELD},
    {"label =x", DO_FAIL, 0, NULL, CF_NO_FIELD},
    {"label a b=c", DO_FAIL, 0, NULL, CF_NO_FIELD},
    {"explode", DO_FAIL, 0, NULL, CF_NO_FIELD},
    {"ROTATE", DO_FAIL, 0, NULL, CF_NO_FIELD},
    {"import key issued-key-0123456789", DO_IMPORT, 0, "issued-key-0123456789", CF_KEY},
    {"import key another key", DO_IMPORT, 0, "another key", CF_KEY},
    {" import  secret  issued \\ secret ", DO_IMPORT, 0, " issued \\ secret ", CF_SECRET},
    {"import secret imported-value-0123456789", DO_IMPORT, 0, "imported-value-0123456789", CF_SECRET},
    {"import token x", DO_IMPORT, 0, "x", CF_TOKEN},
    {"import nothing x", DO_FAIL, 0, NULL, CF_NO_FIELD},
    {"reveal 30s", DO_ASK, 30 * CF_SECOND, NULL, CF_NO_FIELD},
    {"reveal 24h", DO_ASK, DAY, NULL, CF_NO_FIELD},
    {"reveal 0", DO_ASK, 0, NULL, CF_NO_FIELD},
    {"reveal 25h", DO_FAIL, 0, NULL, CF_NO_FIELD},
    {"", DO_NOTHING, 0, NULL, CF_NO_FIELD},
};

const int64_t step_waits[] = {
    1,       CF_SECOND, 29 * CF_SECOND, 30 * CF_SECOND, 59 * CF_SECOND, 60 * CF_SECOND, 61, 3600 * CF_SECOND,
    DAY - 1, DAY,       30 * DAY - 1,   30 * DAY,       90 * DAY};

/* splitmix64 (https://prng.di.unimi.it/splitmix64.c) */
uint64_t step_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static unsigned below(uint64_t *random, size_t limit)
{
    return (unsigned)(step_random(random) % limit);
}

static size_t table_size(enum step_kind kind, enum step_form form)
{
    if (kind == STEP_APIS && form == FORM_BAD)
        return COUNT(step_bad_apis);
    if (kind == STEP_GRANTS && form == FORM_BAD)
        return COUNT(step_bad_grants);
    if (kind == STEP_ASSIGNEES)
        return form == FORM_BAD ? COUNT(step_bad_assignees) : 8; /* 0: an API that has none */
    if (kind == STEP_FIELD)
        return COUNT(step_values);
    return kind == STEP_WAIT || kind == STEP_HOUSE ? COUNT(step_waits) : 1;
}

static const struct {
    enum step_kind kind;
    unsigned often; /* of 100 */
} odds[] = {
    {STEP_CREATE, 7}, {STEP_RENAME, 4}, {STEP_TRASH, 6},     {STEP_BURY, 3},  {STEP_RESTORE, 7}, {STEP_DESTROY, 2},
    {STEP_APIS, 8},   {STEP_GRANTS, 6}, {STEP_FIELD, 9},     {STEP_CTL, 19},  {STEP_REVEAL, 9},  {STEP_VERIFY, 5},
    {STEP_POLICY, 1}, {STEP_WAIT, 6},   {STEP_ASSIGNEES, 3}, {STEP_HOUSE, 4}, {STEP_REOPEN, 1},
};

static enum step_kind draw_kind(uint64_t *random)
{
    unsigned drawn = below(random, 100);
    size_t i = 0;

    while (drawn >= odds[i].often)
        drawn -= odds[i++].often;
    return odds[i].kind;
}

struct step step_make(uint64_t *random, unsigned favourite)
{
    struct step step = {
        .kind = draw_kind(random),
        .app = below(random, 3) == 0 ? below(random, 3) : 0,
        .who = below(random, 4) == 0 ? below(random, COUNT(step_users)) : 1,
        .name = below(random, below(random, 4) == 0 ? COUNT(step_names) : 4),
        .form = (enum step_form)below(random, 4),
        .plus = below(random, 1U << STEP_SLUGS),
        .minus = below(random, 1U << STEP_SLUGS),
        .is_odd = below(random, 8) == 0,
        .field = (enum cf_field)below(random, CF_FIELD_COUNT),
        .version = below(random, 5),
        .commands = 1 + below(random, below(random, 3) == 0 ? STEP_COMMANDS : 1),
    };

    if (step.kind == STEP_REVEAL && (step.plus & 1) != 0) /* often by who has but a grant */
        step.who = 4;
    step.pick = below(random, table_size(step.kind, step.form));
    for (size_t i = 0; i < STEP_COMMANDS; i++) {
        step.command[i] = below(random, COUNT(step_commands));
        step.number[i] = below(random, 2) == 0 ? below(random, 7) : 1 + below(random, 2);
    }
    if (below(random, 4) == 0) {
        step.kind = STEP_CTL;
        step.app = 0;
        step.command[0] = favourite % COUNT(step_commands);
    }
    return step;
}

/* ---- the text that is written ---- */

static void write_entries(const struct step *step, const char *const *entries, size_t count, const char *between,
                          struct cf_text *out)
{
    for (size_t i = 0; i < count; i++)
        if ((step->plus & 1U << i) != 0)
            cf_text_printf(out, "%s%s%s", step->form == FORM_MARKED ? "+" : "", entries[i], between);
    for (size_t i = 0; step->form == FORM_MARKED && i < count; i++)
        if ((step->minus & 1U << i) != 0)
            cf_text_printf(out, "-%s%s", entries[i], between);
}

static void write_set(const struct step *step, const char *const *entries, size_t count, const char *between,
                      const char *odd, const struct step_text *bad, struct cf_text *out)
{
    if (step->form == FORM_BAD) {
        cf_text_add(out, bad[step->pick].text, bad[step->pick].len);
        return;
    }
    cf_text_puts(out, "# a comment: +x -y\n");
    write_entries(step, entries, count, between, out);
    if (step->is_odd)
        cf_text_printf(out, "%s%s", step->form == FORM_MARKED ? "+" : "", odd);
}

static void write_commands(const struct step *step, struct cf_text *out)
{
    for (size_t i = 0; i < step->commands; i++) {
        const char *text = step_commands[step->command[i]].text, *number = strstr(text, "%d");
        if (number != NULL)
            cf_text_printf(out, "%.*s%" PRId64 "%s\n", (int)(number - text), text, step->number[i], number + 2);
        else
            cf_text_printf(out, "%s\n", text);
    }
}

void step_write(const struct step *step, struct cf_text *out)
{
    cf_text_puts(out, ""); /* never NULL */
    if (step->kind == STEP_APIS)
        write_set(step, step_slugs, STEP_SLUGS, step->is_odd ? "\t" : " \n", "no-such-api", step_bad_apis, out);
    else if (step->kind == STEP_GRANTS)
        write_set(step, step_grants, STEP_GRANTS_KNOWN, "\n", "user:no-such-user-here", step_bad_grants, out);
    else if (step->kind == STEP_ASSIGNEES)
        write_set(step, step_assignees, STEP_ASSIGNEES_KNOWN, "  # why\n", "group:6001", step_bad_assignees, out);
    else if (step->kind == STEP_FIELD)
        cf_text_add(out, step_values[step->pick].text, step_values[step->pick].len);
    else if (step->kind == STEP_CTL)
        write_commands(step, out);
}

void step_describe(const struct step *step, struct cf_text *out)
{
    static const char *const kinds[] = {"create", "rename", "trash",     "bury",  "restore", "destroy",
                                        "apis",   "grants", "assignees", "field", "ctl",     "reveal",
                                        "verify", "policy", "wait",      "house", "reopen"};
    struct cf_text text = {0};

    step_write(step, &text);
    cf_text_printf(out, "%s app %u by %s", kinds[step->kind], step->app, step_users[step->who].name);
    if (step->kind <= STEP_RESTORE)
        cf_text_printf(out, " name '%s'", step_names[step->name].text);
    if (step->kind == STEP_FIELD || step->kind == STEP_REVEAL)
        cf_text_printf(out, " %s", cf_field_word(step->field));
    if (step->kind == STEP_VERIFY)
        cf_text_printf(out, " %s form %d", step_slugs[step_api(step)], (int)step_credential(step));
    if (step->kind == STEP_POLICY)
        cf_text_puts(out, step->is_odd ? " on-request" : " direct");
    if (step->kind == STEP_REVEAL || step->kind == STEP_VERIFY)
        cf_text_printf(out, " version %" PRId64, step->version);
    if (step->kind == STEP_WAIT || step->kind == STEP_HOUSE)
        cf_text_printf(out, " %" PRId64 " ns", step_waits[step->pick]);
    if (text.len > 0)
        cf_text_printf(out, " %s%.300s", step->form == FORM_ADD ? ">> " : "> ", text.data);
    cf_text_puts(out, "\n");
    cf_text_release(&text);
}

/* ---- doing it ---- */

enum step_credential step_credential(const struct step *step)
{
    return (enum step_credential)(step->minus % STEP_CREDENTIALS);
}

size_t step_api(const struct step *step)
{
    return step->plus % STEP_SLUGS;
}

static bool open_value(struct cf_txn *txn, const struct cf_app *app, int64_t version, enum cf_field field,
                       struct cf_text *out)
{
    struct cf_secret *value;
    const bool is_there = cf_value_open(txn, app, version, field, &value) == CF_OK;

    if (is_there)
        cf_text_add(out, (const char *)cf_secret_peek(value), cf_secret_len(value));
    cf_secret_free(value);
    return is_there;
}

/* What is presented, with a newline between key and secret, as there may be blanks in them. */
static void write_credential(struct cf_txn *txn, const struct step *step, int64_t serial, struct cf_text *out)
{
    struct cf_app app;
    const bool is_there = cf_app_by_serial(txn, serial, &app) == CF_OK;
    const int64_t version = is_there && step->version == 0 ? app.version : step->version;

    if (!is_there || !open_value(txn, &app, version, CF_KEY, out))
        cf_text_puts(out, "no-such-key");
    cf_text_puts(out, "\n");
    if (step_credential(step) == WRONG_SECRET)
        cf_text_puts(out, "no-such-secret");
    else if (step_credential(step) == WHOLE_CREDENTIAL && is_there)
        (void)open_value(txn, &app, version, CF_SECRET, out);
    cf_text_puts(out, "\n");
}

static enum cf_error do_verify(struct fixture *fixture, const struct step *step, int64_t serial)
{
    struct cf_answer answer = {.result = CF_EUNKNOWN};
    struct cf_text text = {0};
    struct cf_api_row api;
    struct cf_txn txn;
    enum cf_error error = cf_txn_read(fixture->vault->store, &txn);

    if (error == CF_OK)
        error = cf_api_by_slug(&txn, step_slugs[step_api(step)], &api);
    if (error == CF_OK)
        write_credential(&txn, step, serial, &text);
    cf_txn_end(&txn);
    fixture->vault->config->verify_rate = 1000000;
    if (error == CF_OK)
        error = cf_verify(fixture->vault, &fixture->root, api.serial, text.data, text.len, &answer);
    cf_text_release(&text);
    return error == CF_OK ? answer.result : error;
}

static void do_reopen(struct fixture *fixture)
{
    const bool is_asked = fixture->vault->config->reveal_on_request;

    fixture_reopen(fixture);
    fixture->vault->config->reveal_on_request = is_asked;
}

static struct cf_caller *caller_of(struct fixture *fixture, unsigned who)
{
    struct cf_caller *const callers[] = {&fixture->root, &fixture->admin, &fixture->manager, &fixture->revealer,
                                         &fixture->stranger};

    callers[who]->pid = getpid(); /* for its login session */
    return callers[who];
}

static enum cf_error do_write(struct fixture *fixture, const struct step *step, int64_t serial)
{
    const enum cf_write_mode mode = step->form == FORM_ADD ? CF_ADD : CF_REPLACE;
    struct cf_caller *caller = caller_of(fixture, step->who);
    struct cf_text text = {0};
    enum cf_error error = CF_OK;

    step_write(step, &text);
    if (step->kind == STEP_APIS)
        error = cf_write_apis(fixture->vault, caller, serial, mode, text.data, text.len);
    else if (step->kind == STEP_GRANTS)
        error = cf_write_grants(fixture->vault, caller, serial, mode, text.data, text.len);
    else if (step->kind == STEP_ASSIGNEES)
        error = cf_write_assignees(
            fixture->vault, caller,
            step_slugs[step->form != FORM_BAD && step->pick == 0 ? 0 : STEP_SLUG_NEEDING_ASSIGNMENT], mode,
            text.data, text.len);
    else if (step->kind == STEP_FIELD)
        error = cf_write_field(fixture->vault, caller, serial, step->field, mode, text.data, text.len);
    else
        error = cf_write_ctl(fixture->vault, caller, serial, text.data, text.len);
    cf_text_release(&text);
    return error;
}

static enum cf_error do_move(struct fixture *fixture, const struct step *step, const char *name)
{
    const enum cf_place from = step->kind == STEP_RESTORE ? CF_IN_TRASH : CF_IN_APPS;
    const enum cf_place to = step->kind == STEP_BURY ? CF_IN_TRASH : CF_IN_APPS;

    return cf_move_app(fixture->vault, caller_of(fixture, step->who), from, name, to, step_names[step->name].text,
                       NULL);
}

enum cf_error step_do(struct fixture *fixture, const struct step *step, int64_t serial, const char *name,
                      struct cf_app *app)
{
    struct cf_caller *caller = caller_of(fixture, step->who);
    int64_t version = step->version;

    switch (step->kind) {
    case STEP_CREATE:
        return cf_create_app(fixture->vault, caller, step_names[step->name].text, app);
    case STEP_RENAME:
    case STEP_BURY:
    case STEP_RESTORE:
        return do_move(fixture, step, name);
    case STEP_TRASH:
        return cf_remove_app(fixture->vault, caller, CF_IN_APPS, name);
    case STEP_DESTROY:
        return cf_remove_app(fixture->vault, caller, CF_IN_TRASH, name);
    case STEP_APIS:
    case STEP_GRANTS:
    case STEP_ASSIGNEES:
    case STEP_FIELD:
    case STEP_CTL:
        return do_write(fixture, step, serial);
    case STEP_REVEAL:
        return cf_vault_reveal(fixture->vault, caller, serial, step->field, &version);
    case STEP_VERIFY:
        return do_verify(fixture, step, serial);
    case STEP_POLICY:
        fixture->vault->config->reveal_on_request = step->is_odd;
        return CF_OK;
    case STEP_WAIT:
        cf_clock_set(cf_now() + step_waits[step->pick]);
        return CF_OK;
    case STEP_HOUSE:
        cf_clock_set(cf_now() + step_waits[step->pick]);
        return cf_chores_round(fixture->vault, NULL, NULL);
    case STEP_REOPEN:
        do_reopen(fixture);
        return CF_OK;
    }
    return CF_OK;
}
