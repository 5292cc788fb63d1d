/* Random runs of all commands, held against a simple model (model.h) after every step; after each run the whole store
 * verifies.
 *
 * CREDFS_MODEL_SEED=N replays one run, CREDFS_MODEL_RUNS=N says how many there are (2500). Where that takes longer than
 * 30 seconds, as with sanitizers, it ends early and says so among the totals of scripts/run-tests. A run that fails is
 * made shorter by leaving steps out, and printed with its seed.
 */
#include "model.h"

#include "assignment.h"
#include "check.h"
#include "clock.h"
#include "note.h"
#include "print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS = 2500, SECONDS_AT_MOST = 30, STEPS_AT_MOST = 40, RUNS_OF_A_STORE = 25, START = 1900000000 };

struct bench {
    struct fixture *fixture;
    struct cf_txn txn;
    struct cf_text why; /* what differs; empty while all agrees */
};

static struct model model; /* large */

__attribute__((format(printf, 2, 3))) static bool differ(struct bench *bench, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cf_text_puts(&bench->why, text);
    return false;
}

static bool same_number(struct bench *bench, const char *what, int64_t got, int64_t wanted)
{
    return got == wanted || differ(bench, "%s is %" PRId64 ", not %" PRId64, what, got, wanted);
}

static bool same_text(struct bench *bench, const char *what, const char *got, const char *wanted)
{
    return strcmp(got, wanted) == 0 || differ(bench, "%s is '%s', not '%s'", what, got, wanted);
}

static bool same_error(struct bench *bench, const char *what, enum cf_error got, enum cf_error wanted)
{
    return got == wanted || differ(bench, "%s: %s, not %s", what, cf_error_word(got), cf_error_word(wanted));
}

/* ---- one App ---- */

static bool same_row(struct bench *bench, const struct cf_app *app, const struct model_app *wanted)
{
    return same_text(bench, "name", app->name, wanted->name) &&
           same_number(bench, "place", app->place, wanted->place) &&
           same_number(bench, "disabled", app->disabled, wanted->is_disabled) &&
           same_number(bench, "expires", app->expires, wanted->expires) &&
           same_number(bench, "generation", app->generation, wanted->generation) &&
           same_number(bench, "version", app->version, wanted->version);
}

/* A set as text, for the bits that are in it. */
static bool same_set(struct bench *bench, const char *what, enum cf_error error, struct cf_text *got, unsigned bits,
                     const char *const *entries, size_t count)
{
    struct cf_text wanted = {0};
    bool same = same_error(bench, what, error, CF_OK);

    cf_text_puts(got, "");
    cf_text_puts(&wanted, "");
    for (size_t i = 0; i < count; i++)
        if ((bits & 1U << i) != 0)
            cf_text_printf(&wanted, "%s\n", entries[i]);
    same = same && same_text(bench, what, got->data, wanted.data);
    cf_text_release(&wanted);
    cf_text_release(got);
    return same;
}

static bool same_sets(struct bench *bench, const struct cf_app *app, const struct model_app *wanted)
{
    struct cf_text apis = {0}, grants = {0};

    return same_set(bench, "apis", cf_print_apis(bench->fixture->vault, &bench->txn, app, &apis), &apis,
                    wanted->apis, step_slugs, STEP_SLUGS) &&
           same_set(bench, "grants", cf_print_grants(&bench->txn, app, &grants), &grants, wanted->grants,
                    step_grants, STEP_GRANTS_KNOWN);
}

struct notes {
    char description[64], label[64];
};

static void take_note(void *arg, const char *name, const char *value)
{
    struct notes *notes = arg;

    if (strcmp(name, "description") == 0)
        snprintf(notes->description, sizeof notes->description, "%s", value);
    else if (strcmp(name, "label.env") == 0)
        snprintf(notes->label, sizeof notes->label, "%s", value);
}

static bool same_notes(struct bench *bench, const struct cf_app *app, const struct model_app *wanted)
{
    struct notes notes = {{0}, {0}};
    enum cf_error error = cf_note_each(&bench->txn, app, take_note, &notes);

    return same_error(bench, "notes", error, CF_OK) &&
           same_text(bench, "description", notes.description, wanted->description) &&
           same_text(bench, "label", notes.label, wanted->label);
}

static bool same_versions(struct bench *bench, const struct cf_app *app, const struct model_app *wanted)
{
    struct cf_version versions[CF_VERSIONS_MOST];
    size_t count, i = 0;
    enum cf_error error = cf_version_list(&bench->txn, app, versions, &count);

    if (!same_error(bench, "versions", error, CF_OK))
        return false;
    for (int64_t number = wanted->version; number > 0; number--) {
        if (!wanted->versions[number].is_kept)
            continue;
        if (i == count || versions[i].number != number)
            return differ(bench, "version %" PRId64 " is not kept", number);
        if (cf_version_state(app, &versions[i], cf_now()) != model_state(wanted, number))
            return differ(bench, "version %" PRId64 " is %s, not %s", number,
                          cf_version_state_word(cf_version_state(app, &versions[i], cf_now())),
                          cf_version_state_word(model_state(wanted, number)));
        i++;
    }
    return same_number(bench, "kept versions", (int64_t)count, (int64_t)i);
}

/* ---- values ---- */

static bool is_known(uint64_t sum)
{
    for (size_t i = 0; i < model.apps; i++)
        for (int64_t number = 1; number <= model.app[i].version; number++)
            for (int field = 0; field < CF_FIELD_COUNT; field++)
                if (model.app[i].versions[number].value[field] == sum)
                    return true;
    return false;
}

/* A value that was just generated is one that never was before; from now on it stays. */
static bool learn(struct bench *bench, const struct cf_app *app, struct model_app *wanted, int64_t from,
                  enum cf_field field)
{
    const uint64_t unseen = wanted->versions[from].value[field];
    struct cf_secret *value;
    uint64_t sum;

    if (cf_value_open(&bench->txn, app, from, field, &value) != CF_OK)
        return differ(bench, "the new %s of version %" PRId64 " does not open", cf_field_word(field), from);
    sum = model_sum(cf_secret_peek(value), cf_secret_len(value));
    cf_secret_free(value);
    if (is_known(sum))
        return differ(bench, "the new %s of version %" PRId64 " was there before", cf_field_word(field), from);
    for (int64_t number = from; number <= wanted->version; number++)
        if (wanted->versions[number].value[field] == unseen)
            wanted->versions[number].value[field] = sum;
    return true;
}

static bool learn_new(struct bench *bench, const struct cf_app *app, struct model_app *wanted)
{
    for (int64_t number = 1; number <= wanted->version; number++) {
        const struct model_version *version = &wanted->versions[number];
        for (int i = 0; i < CF_FIELD_COUNT; i++) {
            enum cf_field field = (enum cf_field)i;
            if (version->is_kept && version->value[field] > 0 && version->value[field] < MODEL_SUM &&
                !learn(bench, app, wanted, number, field))
                return false;
        }
    }
    return true;
}

static bool same_value(struct bench *bench, const struct model_app *wanted, int64_t number, enum cf_field field)
{
    struct cf_secret *value;
    enum cf_error error = cf_vault_value(bench->fixture->vault, wanted->serial, number, field, &value);
    enum cf_error expected = model_read(wanted, number, field);
    uint64_t sum = value != NULL ? model_sum(cf_secret_peek(value), cf_secret_len(value)) : 0;

    cf_secret_free(value);
    if (error != expected)
        return differ(bench, "%s of version %" PRId64 ": %s, not %s", cf_field_word(field), number,
                      cf_error_word(error), cf_error_word(expected));
    return error != CF_OK || sum == wanted->versions[number].value[field] ||
           differ(bench, "%s of version %" PRId64 " has another value", cf_field_word(field), number);
}

/* Of all versions that ever were, and one that never was. */
static bool same_values(struct bench *bench, const struct model_app *wanted)
{
    for (int64_t number = 1; number <= wanted->version + 1; number++)
        for (int field = 0; field < CF_FIELD_COUNT; field++)
            if (!same_value(bench, wanted, number, (enum cf_field)field))
                return false;
    return true;
}

/* ---- everything ---- */

static bool same_app(struct bench *bench, struct model_app *wanted, bool in_depth)
{
    struct cf_app app;
    enum cf_error error = cf_app_by_serial(&bench->txn, wanted->serial, &app);

    if (!same_error(bench, "the App", error, wanted->is_there ? CF_OK : CF_ENOENT))
        return false;
    if (wanted->is_there && (!same_row(bench, &app, wanted) || !learn_new(bench, &app, wanted)))
        return false;
    if (wanted->is_there && in_depth &&
        !(same_sets(bench, &app, wanted) && same_notes(bench, &app, wanted) && same_versions(bench, &app, wanted)))
        return false;
    return in_depth ? same_values(bench, wanted) : same_value(bench, wanted, wanted->version, CF_KEY);
}

static bool count_app(void *arg, const struct cf_app *app)
{
    int64_t *count = arg;

    (void)app;
    (*count)++;
    return true;
}

static bool same_lists(struct bench *bench)
{
    int64_t listed = 0, wanted = 0;
    struct cf_text assignees = {0};

    for (size_t i = 0; i < model.apps; i++)
        wanted += model.app[i].is_there ? 1 : 0;
    if (cf_app_each(&bench->txn, CF_IN_APPS, 0, count_app, NULL, &listed) != CF_OK ||
        cf_app_each(&bench->txn, CF_IN_TRASH, 0, count_app, NULL, &listed) != CF_OK)
        return differ(bench, "the Apps cannot be listed");
    return same_number(bench, "number of Apps", listed, wanted) &&
           same_set(bench, "assignees",
                    cf_print_assignees(&bench->txn, step_slugs[STEP_SLUG_NEEDING_ASSIGNMENT], &assignees),
                    &assignees, model.assignees, step_assignees, STEP_ASSIGNEES_KNOWN);
}

/* All of it, looking closely at one App, or at each. */
static bool compare(struct bench *bench, unsigned closely, bool all)
{
    bool same = cf_txn_read(bench->fixture->vault->store, &bench->txn) == CF_OK || differ(bench, "no transaction");

    same = same && same_lists(bench);
    for (size_t i = 0; same && i < model.apps; i++)
        same = same_app(bench, &model.app[i], all || i == closely);
    cf_txn_end(&bench->txn);
    return same;
}

static bool take_step(struct bench *bench, const struct step *step)
{
    const struct model_app *about = model_app(&model, step->app);
    struct cf_app made = {.serial = 0};
    char name[CF_ENTRY_MAX + 1];
    enum cf_error got;

    snprintf(name, sizeof name, "%s", about != NULL ? about->name : "nobody");
    got = step_do(bench->fixture, step, about != NULL ? about->serial : 0, name, &made);
    if (!same_error(bench, "result", got, model_do(&model, step, made.serial)))
        return false;
    return compare(bench, step->kind == STEP_CREATE ? (unsigned)model.apps - 1 : step->app,
                   step->kind == STEP_WAIT || step->kind == STEP_HOUSE || step->kind == STEP_REOPEN);
}

static void add_finding(void *arg, const char *what)
{
    cf_text_printf(arg, "check: %s", what);
}

static bool check(struct bench *bench)
{
    struct cf_checked checked;

    return (cf_check(bench->fixture->vault, add_finding, &bench->why, &checked) == CF_OK &&
            checked.findings == 0) ||
           differ(bench, " (the check failed)");
}

/* Leave the store as it was before the run. */
static void clear(struct bench *bench)
{
    const char *slug = step_slugs[STEP_SLUG_NEEDING_ASSIGNMENT];

    for (size_t i = 0; i < model.apps; i++) {
        const struct model_app *app = &model.app[i];
        char name[CF_ENTRY_MAX + 1];
        if (!app->is_there)
            continue;
        snprintf(name, sizeof name, "%s", app->name);
        if (app->place == CF_IN_APPS) {
            snprintf(name, sizeof name, "away%zu", i);
            assert_int_equal(cf_move_app(bench->fixture->vault, &bench->fixture->root, CF_IN_APPS, app->name,
                                         CF_IN_TRASH, name, NULL),
                             CF_OK);
        }
        assert_int_equal(cf_remove_app(bench->fixture->vault, &bench->fixture->root, CF_IN_TRASH, name), CF_OK);
    }
    assert_int_equal(cf_write_assignees(bench->fixture->vault, &bench->fixture->root, slug, CF_REPLACE, "\n", 1),
                     CF_OK);
}

/* Returns how many steps went well; all of them, and one more when the store then verifies. */
static size_t run_steps(struct bench *bench, const struct step *steps, size_t count)
{
    size_t done = 0;

    memset(&model, 0, sizeof model);
    bench->fixture->vault->config->reveal_on_request = false;
    cf_text_release(&bench->why);
    cf_clock_set(START * CF_SECOND);
    while (done < count && take_step(bench, &steps[done]))
        done++;
    if (done < count || !compare(bench, 0, true) || !check(bench))
        return done;
    clear(bench);
    return done + 1;
}

/* ---- runs ---- */

static void fresh_store(struct bench *bench)
{
    void *state = bench->fixture;

    if (state != NULL)
        fixture_teardown(&state);
    fixture_setup_in_memory(&state);
    bench->fixture = state;
}

static size_t make_run(uint64_t seed, struct step steps[static STEPS_AT_MOST])
{
    uint64_t random = seed;
    const unsigned favourite = (unsigned)(step_random(&random) % 1000);
    size_t count = 4 + step_random(&random) % (seed % 8 == 0 ? STEPS_AT_MOST - 3 : 12);

    for (size_t i = 0; i < count; i++)
        steps[i] = step_make(&random, favourite);
    steps[0].kind = STEP_CREATE;
    steps[0].who = 1;
    return count;
}

/* Leave out whatever is not needed to make it fail. */
static size_t shorten(struct bench *bench, struct step *steps, size_t count)
{
    for (size_t i = count; i-- > 0;) {
        struct step shorter[STEPS_AT_MOST];
        memcpy(shorter, steps, i * sizeof *steps);
        memcpy(shorter + i, steps + i + 1, (count - i - 1) * sizeof *steps);
        fresh_store(bench);
        if (run_steps(bench, shorter, count - 1) <= count - 1)
            memcpy(steps, shorter, --count * sizeof *steps);
    }
    fresh_store(bench);
    run_steps(bench, steps, count);
    return count;
}

static void report(struct bench *bench, uint64_t seed, struct step *steps, size_t count)
{
    struct cf_text text = {0};

    count = shorten(bench, steps, count);
    for (size_t i = 0; i < count; i++)
        step_describe(&steps[i], &text);
    print_message("CREDFS_MODEL_SEED=%" PRIu64 " fails: %s\n%s", seed,
                  bench->why.data != NULL ? bench->why.data : "(not any more)", text.data);
    cf_text_release(&text);
}

/* A number from the environment, or another. */
static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void test_runs(void **state)
{
    const bool is_replay = getenv("CREDFS_MODEL_SEED") != NULL;
    const uint64_t first = setting("CREDFS_MODEL_SEED", (uint64_t)time(NULL) << 16);
    const uint64_t runs = is_replay ? 1 : setting("CREDFS_MODEL_RUNS", RUNS);
    const time_t end = time(NULL) + SECONDS_AT_MOST;
    struct bench bench = {0};
    uint64_t run, steps_done = 0;
    bool differs = false;
    void *fixture;

    (void)state;
    for (run = 0; !differs && run < runs && (run < 20 || time(NULL) < end); run++) {
        struct step steps[STEPS_AT_MOST];
        size_t count = make_run(first + run, steps);
        if (run % RUNS_OF_A_STORE == 0)
            fresh_store(&bench);
        if (run_steps(&bench, steps, count) <= count) {
            report(&bench, first + run, steps, count);
            differs = true;
        }
        steps_done += count;
    }
    print_message("# %" PRIu64 " runs, %" PRIu64 " steps, from seed %" PRIu64 "\n", run, steps_done, first);
    if (!differs && run < runs)
        print_message("# note: only %" PRIu64 " of %" PRIu64 " runs in %d seconds\n", run, runs, SECONDS_AT_MOST);
    cf_text_release(&bench.why);
    fixture = bench.fixture;
    fixture_teardown(&fixture);
    if (differs)
        fail_msg("the vault and the model differ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_runs)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
