/* fill: make a store of many Apps quickly: through core, as `mkdir` and `echo > apis` would, but thousands in one
 * transaction, and without records in the audit log.
 *
 *   fill STORE COUNT
 *
 * The Apps are named app-0000001 and so on; each has a key, a secret and three APIs.
 */
#include "core/assignment.h"
#include "core/clock.h"
#include "core/generate.h"
#include "core/grant.h"
#include "core/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

enum { APPS_AT_ONCE = 50000, CACHE_KIB = 512 * 1024 };

static const char *const slugs[] = {"contact-search", "contact-management", "customer-experience-recent-calls"};

static enum cf_error issue_first(struct cf_txn *txn, struct cf_app *app, uint32_t uid)
{
    struct cf_secret *value[CF_FIELD_COUNT] = {[CF_KEY] = cf_generate_key(), [CF_SECRET] = cf_generate_secret()};
    const struct cf_issue issue = {.by = uid, .live = 1, .value = value};
    enum cf_error error = CF_ENOMEM;
    struct cf_issued issued;

    if (value[CF_KEY] && value[CF_SECRET])
        error = cf_version_issue(txn, app, &issue, &issued);
    cf_secret_free(value[CF_KEY]);
    cf_secret_free(value[CF_SECRET]);
    return error;
}

static enum cf_error add_app(struct cf_txn *txn, long number, uint32_t uid)
{
    struct cf_app app = {.place = CF_IN_APPS, .created_by = uid, .updated_by = uid, .generation = 1};
    enum cf_error error;

    (void)snprintf(app.name, sizeof(app.name), "app-%07ld", number);
    app.created = app.updated = cf_now();
    error = cf_app_insert(txn, &app);
    if (error == CF_OK)
        error = issue_first(txn, &app, uid);
    for (size_t i = 0; error == CF_OK && i < sizeof(slugs) / sizeof(*slugs); i++)
        error = cf_assignment_add(txn, &app, slugs[i], uid);
    if (error == CF_OK)
        error = cf_assignments_seal(txn, &app);
    if (error == CF_OK)
        error = cf_grants_store(txn, &app, &(struct cf_grants){0});
    return error == CF_OK ? cf_app_update(txn, &app) : error;
}

/* The Apps from number first to last, in one transaction. */
static enum cf_error add_some(struct cf_store *store, long first, long last)
{
    char cache[64];
    struct cf_txn txn;
    enum cf_error error = cf_txn_write(store, &txn);

    (void)snprintf(cache, sizeof(cache), "PRAGMA cache_size = -%d", CACHE_KIB);
    if (error == CF_OK)
        error = cf_sql_script(txn.db, cache);
    for (long i = first; error == CF_OK && i <= last; i++)
        error = add_app(&txn, i, cf_store_owner(store));
    if (error == CF_OK)
        error = cf_txn_commit(&txn);
    cf_txn_end(&txn);
    return error;
}

static enum cf_error add_all(struct cf_store *store, long count)
{
    enum cf_error error = CF_OK;
    long done = 0;

    while (error == CF_OK && done < count) {
        long more = count - done < APPS_AT_ONCE ? count - done : APPS_AT_ONCE;
        error = add_some(store, done + 1, done + more);
        done += more;
        if (error == CF_OK && isatty(STDERR_FILENO))
            (void)fprintf(stderr, "\r%ld of %ld Apps made\033[K%s", done, count, done < count ? "" : "\r\033[K");
    }
    return error;
}

int main(int argc, char **argv)
{
    struct cf_vault_options options = {.mode = CF_STORE_OWN};
    struct cf_vault *vault = NULL;
    struct cf_fault fault = {""};
    enum cf_error error;
    long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

    if (count <= 0) {
        (void)fprintf(stderr, "usage: fill STORE COUNT\n");
        return EX_USAGE;
    }
    options.store = argv[1];
    error = cf_crypto_start(&fault);
    if (error == CF_OK)
        error = cf_store_create(argv[1], &fault);
    if (error == CF_OK)
        error = cf_vault_open(&options, &vault, &fault);
    if (error == CF_OK)
        error = add_all(vault->store, count);
    cf_vault_close(vault);
    if (error != CF_OK)
        (void)fprintf(stderr, "%s: %s %s\n", argv[1], cf_error_text(error), fault.text);
    return error == CF_OK ? 0 : EX_SOFTWARE;
}
