#include "vault_inside.h"

#include "api.h"
#include "clock.h"
#include "house.h"
#include "witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Give what is configured its numbers. */
static enum cf_error register_all(struct cf_vault *vault, enum cf_store_mode mode)
{
    struct cf_txn txn;
    enum cf_error error = mode == CF_STORE_OWN ? cf_txn_write(vault->store, &txn) : cf_txn_read(vault->store, &txn);

    if (error == CF_OK && txn.writes)
        error = cf_api_register(&txn, vault->catalogue);
    if (error == CF_OK)
        error = cf_templates_register(&txn, vault->templates);
    if (error == CF_OK && txn.writes)
        error = cf_txn_commit(&txn);
    cf_txn_end(&txn);
    return error;
}

/* What is configured, as one reading of its files. */
static enum cf_error configure(struct cf_vault *vault, const struct cf_vault_options *options,
                               struct cf_fault *fault)
{
    struct cf_sources *own = options->sources == NULL ? cf_sources_new() : NULL;
    struct cf_sources *sources = own != NULL ? own : options->sources;
    enum cf_error error = CF_ENOMEM;

    if (sources != NULL)
        error = cf_config_load(options->config, cf_store_owner(vault->store), sources, &vault->config, fault);
    if (error == CF_OK)
        error = cf_catalogue_load((const char *const *)vault->config->catalogue_files, sources, &vault->catalogue,
                                  fault);
    if (error == CF_OK)
        error = cf_templates_load(vault->config->templates, sources, &vault->templates, fault);
    cf_sources_free(own);
    return error;
}

/* Of what was recorded since the last change, and of damage that is recorded now, the database knows from here on. A
 * full disk keeps nobody from reading: then it does with the next change. */
static enum cf_error renew_witness(struct cf_vault *vault)
{
    const struct cf_tip tip = cf_audit_tip(vault->audit);
    struct cf_txn txn;
    enum cf_error error = cf_txn_write(vault->store, &txn);

    if (error == CF_OK)
        error = cf_witness_log(&txn, &tip);
    if (error == CF_OK)
        error = cf_txn_commit(&txn);
    cf_txn_end(&txn);
    return error == CF_EFULL ? CF_OK : error;
}

/* The log, and from now on the database's knowledge of it. */
static enum cf_error open_audit(struct cf_vault *vault, struct cf_fault *fault)
{
    const struct cf_event bad = {.op = "head-lost", .result = CF_ETAMPER, .detail = CF_WITNESS_BAD};
    struct cf_witness witness = {0};
    struct cf_txn txn;
    enum cf_error witnessed = cf_txn_read(vault->store, &txn), error;

    if (witnessed == CF_OK)
        witnessed = cf_witness_read(&txn, &witness);
    cf_txn_end(&txn);
    if (witnessed != CF_OK && witnessed != CF_ETAMPER)
        return witnessed;
    error =
        cf_audit_open(cf_store_dir(vault->store), cf_store_keys(vault->store), &witness.tip, &vault->audit, fault);
    if (error == CF_OK && witnessed == CF_ETAMPER)
        error = cf_audit_write(vault->audit, &bad);
    if (error != CF_OK)
        return error;
    cf_store_follow(vault->store, vault->audit);
    return cf_audit_tip(vault->audit).seq == witness.tip.seq ? CF_OK : renew_witness(vault);
}

enum cf_error cf_vault_open(const struct cf_vault_options *options, struct cf_vault **out, struct cf_fault *fault)
{
    struct cf_vault *vault = calloc(1, sizeof *vault);
    enum cf_error error;

    *out = NULL;
    if (vault == NULL)
        return CF_ENOMEM;
    error = cf_store_open(options->store, options->mode, options->handover, &vault->store, fault);
    if (error == CF_OK) {
        vault->denials = cf_denials_new();
        vault->cards = cf_cards_new(vault->store);
        vault->rates = cf_rates_new();
        vault->alarms = cf_rates_new();
        vault->readers = cf_readers_new();
        vault->house = cf_house_new();
        if (vault->denials == NULL || vault->cards == NULL || vault->rates == NULL || vault->alarms == NULL ||
            vault->readers == NULL || vault->house == NULL)
            error = CF_ENOMEM;
    }
    if (error == CF_OK)
        error = configure(vault, options, fault);
    if (error == CF_OK && options->mode == CF_STORE_OWN)
        error = open_audit(vault, fault);
    if (error == CF_OK) {
        error = register_all(vault, options->mode);
        if (error != CF_OK)
            cf_fault_set(fault, "the APIs and templates cannot be %s the store: %s",
                         options->mode == CF_STORE_OWN ? "written to" : "found in", cf_error_text(error));
    }
    if (error != CF_OK) {
        cf_vault_close(vault);
        return error;
    }
    *out = vault;
    return CF_OK;
}

void cf_vault_close(struct cf_vault *vault)
{
    if (vault == NULL)
        return;
    cf_house_free(vault->house);
    /* What cannot be written now is lost. */
    if (vault->audit != NULL)
        (void)!cf_readers_write(vault->readers, vault->store);
    if (vault->audit != NULL)
        (void)!cf_denials_tell(vault->denials, vault->audit);
    cf_readers_free(vault->readers);
    cf_denials_free(vault->denials);
    cf_audit_close(vault->audit);
    cf_cards_free(vault->cards);
    cf_rates_free(vault->rates);
    cf_rates_free(vault->alarms);
    cf_templates_free(vault->templates);
    cf_catalogue_free(vault->catalogue);
    cf_config_free(vault->config);
    cf_store_close(vault->store);
    free(vault);
}

enum cf_error cf_vault_record(struct cf_vault *vault, const struct cf_event *event)
{
    enum cf_error error = CF_OK;

    if (event->result == CF_OK || event->caller == NULL || cf_denials_admit(vault->denials, event))
        error = cf_audit_write(vault->audit, event);
    if (error == CF_OK || vault->config->audit_may_fail)
        return CF_OK;
    return error == CF_EFULL ? CF_EFULL : CF_EAUDIT;
}

static struct cf_event event_of(const struct cf_caller *caller, const char *op, const struct cf_app *app,
                                const char *file, const struct cf_verdict *verdict)
{
    return (struct cf_event){.caller = caller,
                             .op = op,
                             .app = app != NULL ? app->name : NULL,
                             .id = app != NULL ? app->id : NULL,
                             .file = file,
                             .result = verdict->error,
                             .why = verdict->why};
}

enum cf_error cf_vault_permit(struct cf_vault *vault, struct cf_txn *txn, struct cf_caller *caller,
                              enum cf_action action, const struct cf_app *app, enum cf_field field,
                              const char *file)
{
    struct cf_verdict verdict;
    struct cf_event event;
    enum cf_error unrecorded;

    cf_judge(txn, vault->config, caller, action, app, field, &verdict);
    if (verdict.error == CF_OK)
        return CF_OK;
    event = event_of(caller, cf_action_word(action), app, file, &verdict);
    unrecorded = cf_vault_record(vault, &event);
    /* Refused either way; that the refusal could not be recorded is the more urgent news. */
    return unrecorded != CF_OK ? unrecorded : verdict.error;
}

enum cf_error cf_vault_tampered(struct cf_vault *vault, const struct cf_caller *caller, int64_t serial,
                                const char *name)
{
    char detail[48];
    const struct cf_event event = {
        .caller = caller, .op = "find", .app = name, .result = CF_ETAMPER, .detail = detail};
    bool is_first;
    enum cf_error error = cf_rate_take(vault->alarms, (uint32_t)serial, 1, cf_now(), &is_first);

    snprintf(detail, sizeof detail, "App number %lld", (long long)serial);
    if (error == CF_OK)
        error = cf_vault_record(vault, &event);
    return error == CF_OK || error == CF_EAGAIN ? CF_ETAMPER : error;
}

/* Leaves are not on a card: where reveals are to be asked for, each is looked up. */
static void judge_right(struct cf_vault *vault, struct cf_caller *caller, const struct cf_card *card,
                        enum cf_field field, struct cf_verdict *verdict)
{
    struct cf_txn txn = {0};
    enum cf_error error = CF_OK;

    if (vault->config->reveal_on_request)
        error = cf_txn_read(vault->store, &txn);
    cf_judge_known(&txn, &card->grants, vault->config, caller, CF_REVEAL, &card->app, field, verdict);
    cf_txn_end(&txn);
    if (error != CF_OK)
        verdict->error = error;
}

/* A right to reveal is not enough: there must be a good value. error: why there is none. */
static void judge_value(struct cf_verdict *verdict, enum cf_error error)
{
    if (error == CF_OK)
        return;
    verdict->error = error;
    snprintf(verdict->why, sizeof verdict->why, "%s", cf_error_text(error));
}

static void judge_reveal(struct cf_vault *vault, struct cf_caller *caller, const struct cf_card *card,
                         enum cf_field field, struct cf_verdict *verdict)
{
    enum cf_error error;

    judge_right(vault, caller, card, field, verdict);
    if (verdict->error != CF_OK)
        return;
    error = cf_credential_usable(&card->app, &card->version, cf_now());
    judge_value(verdict, error == CF_OK ? card->error : error);
}

/* Note who reads; in memory, unless there is no room left. */
static void note_reader(struct cf_vault *vault, const struct cf_caller *caller, const struct cf_names *names,
                        const struct cf_app *app, int64_t version)
{
    struct cf_reader reader = {.app = app->serial, .uid = caller->uid, .version = version, .opened = cf_now()};
    enum cf_readers_room room;

    memcpy(reader.command, names->command, sizeof reader.command);
    memccpy(reader.cgroup, names->cgroup, '\0', sizeof reader.cgroup - 1);
    room = cf_readers_note(vault->readers, &reader);
    if (room == CF_READERS_HALF)
        cf_house_wake(vault->house);
    if (room == CF_READERS_FULL && cf_readers_write(vault->readers, vault->store) == CF_OK)
        (void)cf_readers_note(vault->readers, &reader);
}

enum cf_error cf_vault_record_reveal(struct cf_vault *vault, struct cf_caller *caller, const struct cf_app *app,
                                     int64_t version, const char *file, const struct cf_verdict *verdict)
{
    struct cf_event event = event_of(caller, cf_action_word(CF_REVEAL), app, file, verdict);
    struct cf_names names;
    enum cf_error error;

    cf_caller_names(caller, &names);
    event.names = &names;
    event.version = version;
    error = cf_vault_record(vault, &event);
    if (error == CF_OK && verdict->error == CF_OK)
        note_reader(vault, caller, &names, app, version);
    return error != CF_OK ? error : verdict->error;
}

/* Why an earlier version's value cannot be read, if so. */
static enum cf_error check_earlier(struct cf_txn *txn, const struct cf_app *app, int64_t number,
                                   enum cf_field field)
{
    struct cf_version version;
    struct cf_value value;
    enum cf_error error = cf_version_get(txn, app, number, &version);

    if (error == CF_OK)
        error = cf_credential_usable(app, &version, cf_now());
    return error == CF_OK ? cf_version_value(txn, app, &version, field, &value) : error;
}

/* Judge an earlier version as it is in a transaction of its own. */
static enum cf_error reveal_earlier(struct cf_vault *vault, struct cf_caller *caller, int64_t serial,
                                    enum cf_field field, int64_t number)
{
    struct cf_verdict verdict;
    struct cf_app app;
    struct cf_txn txn;
    enum cf_error error = cf_txn_read(vault->store, &txn);

    if (error == CF_OK)
        error = cf_app_by_serial(&txn, serial, &app);
    if (error == CF_OK) {
        cf_judge(&txn, vault->config, caller, CF_REVEAL, &app, field, &verdict);
        if (verdict.error == CF_OK)
            judge_value(&verdict, check_earlier(&txn, &app, number, field));
    }
    cf_txn_end(&txn);
    return error == CF_OK ? cf_vault_record_reveal(vault, caller, &app, number, cf_field_word(field), &verdict)
                          : error;
}

/* The card is given back before the record is written, for which others would wait. */
enum cf_error cf_vault_reveal(struct cf_vault *vault, struct cf_caller *caller, int64_t serial, enum cf_field field,
                              int64_t *version)
{
    const struct cf_card *card;
    struct cf_verdict verdict;
    struct cf_app app;
    enum cf_error error = cf_card_take(vault->cards, serial, field, &card);

    if (error != CF_OK)
        return error;
    app = card->app;
    if (*version == 0 || *version == app.version)
        judge_reveal(vault, caller, card, field, &verdict);
    cf_card_give(vault->cards, card);
    if (*version != 0 && *version != app.version)
        return reveal_earlier(vault, caller, serial, field, *version);
    error = cf_vault_record_reveal(vault, caller, &app, app.version, cf_field_word(field), &verdict);
    if (error == CF_OK)
        *version = app.version;
    return error;
}

/* A version that is not the current one, as long as it is good. */
static enum cf_error read_earlier(struct cf_vault *vault, int64_t serial, int64_t number, enum cf_field field,
                                  struct cf_secret **out)
{
    struct cf_version version;
    struct cf_app app;
    struct cf_txn txn;
    enum cf_error error = cf_txn_read(vault->store, &txn);

    if (error == CF_OK)
        error = cf_app_by_serial(&txn, serial, &app);
    if (error == CF_OK)
        error = cf_version_still_usable(&txn, &app, number, cf_now(), &version);
    if (error == CF_OK)
        error = cf_value_open(&txn, &app, number, field, out);
    cf_txn_end(&txn);
    return error;
}

enum cf_error cf_vault_value(struct cf_vault *vault, int64_t serial, int64_t version, enum cf_field field,
                             struct cf_secret **out)
{
    const struct cf_card *card;
    enum cf_error error = cf_card_take(vault->cards, serial, field, &card);
    bool is_current;

    *out = NULL;
    if (error != CF_OK)
        return error;
    is_current = version == card->app.version;
    if (is_current)
        error = cf_credential_usable(&card->app, &card->version, cf_now());
    if (error == CF_OK && is_current)
        error = card->error;
    if (error == CF_OK && is_current)
        error = cf_sealed_open(&card->sealed, cf_store_keys(vault->store), &card->app, version, field, out);
    cf_card_give(vault->cards, card);
    return is_current ? error : read_earlier(vault, serial, version, field, out);
}

enum cf_error cf_vault_count(struct cf_vault *vault, struct cf_counts *counts)
{
    struct cf_txn txn;
    enum cf_error error = cf_txn_read(vault->store, &txn);

    *counts = (struct cf_counts){.apis = (int64_t)cf_catalogue_count(vault->catalogue)};
    if (vault->audit != NULL)
        counts->records = cf_audit_count(vault->audit);
    if (error == CF_OK)
        error = cf_app_count(&txn, CF_IN_APPS, &counts->apps);
    if (error == CF_OK)
        error = cf_app_count(&txn, CF_IN_TRASH, &counts->trash);
    if (error == CF_OK && !cf_house_summary(vault->house, &counts->summary))
        error = cf_summary_read(&txn, vault->config, vault->catalogue, &counts->summary);
    cf_txn_end(&txn);
    return error;
}
