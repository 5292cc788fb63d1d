/* The values that come, held against those that are here: by their fingerprints, which tell no value and need none
 * opened. */
#include "transfer_step.h"

#include <string.h>

/* The fingerprints of the fields of one version, here or of a parcel. */
struct prints {
    unsigned fields; /* as in struct cf_version */
    uint8_t at[CF_FIELD_COUNT][CF_FINGERPRINT_SIZE];
};

static bool is_same(const struct prints *a, const struct prints *b, enum cf_field field)
{
    return (a->fields & b->fields & 1U << field) != 0 && cf_equal(a->at[field], b->at[field], CF_FINGERPRINT_SIZE);
}

static enum cf_error print_here(struct cf_import *import, const struct cf_version *version, struct prints *prints)
{
    struct cf_change *change = &import->change;
    enum cf_error error = CF_OK;

    prints->fields = version->fields;
    for (int field = 0; error == CF_OK && field < CF_FIELD_COUNT; field++) {
        struct cf_value value;
        if ((version->fields & 1U << field) == 0)
            continue;
        error = cf_version_value(&change->txn, &change->app, version, (enum cf_field)field, &value);
        if (error == CF_OK)
            memcpy(prints->at[field], value.fingerprint, CF_FINGERPRINT_SIZE);
    }
    return error;
}

static enum cf_error print_there(struct cf_import *import, const struct cf_parcel *parcel, size_t at,
                                 struct prints *prints, struct cf_fault *fault)
{
    enum cf_error error = CF_OK;

    prints->fields = parcel->versions[at].fields;
    for (int field = 0; error == CF_OK && field < CF_FIELD_COUNT; field++) {
        struct cf_secret *value = NULL;
        if ((prints->fields & 1U << field) == 0)
            continue;
        error = cf_parcel_open(parcel, at, (enum cf_field)field, &value, fault);
        if (error == CF_OK)
            cf_fingerprint(import->change.txn.keys, value, prints->at[field]);
        cf_secret_free(value);
    }
    return error;
}

/* Fields that do not come do not count. */
static bool has_all(const struct prints *here, const struct prints *there)
{
    for (int field = 0; field < CF_FIELD_COUNT; field++)
        if ((there->fields & 1U << field) != 0 && !is_same(here, there, (enum cf_field)field))
            return false;
    return true;
}

enum cf_error cf_import_has_values(struct cf_import *import, const struct cf_parcel *parcel, size_t at,
                                   const struct cf_version *version, bool *same, struct cf_fault *fault)
{
    struct prints here, there;
    enum cf_error error = print_here(import, version, &here);

    if (error == CF_OK)
        error = print_there(import, parcel, at, &there, fault);
    *same = error == CF_OK && has_all(&here, &there);
    return error;
}

/* A key goes on being good where a version that is not revoked has it with another secret than the revoked one's. */
struct judgement {
    int64_t secret, key; /* the newest version in which it was revoked, or 0 */
    bool key_goes_on;
};

static void judge(struct judgement *judgement, const struct cf_version *version, const struct prints *here,
                  const struct prints *there)
{
    const bool has_key = is_same(here, there, CF_KEY);

    if (version->revoked && judgement->secret == 0 && is_same(here, there, CF_SECRET))
        judgement->secret = version->number;
    if (version->revoked && judgement->key == 0 && has_key)
        judgement->key = version->number;
    if (!version->revoked && has_key && (version->fields & 1U << CF_SECRET) != 0)
        judgement->key_goes_on = true;
}

enum cf_error cf_import_find(struct cf_import *import, const struct cf_parcel *parcel, size_t at,
                             struct cf_found *found, struct cf_fault *fault)
{
    struct cf_version versions[CF_VERSIONS_MOST];
    struct judgement judgement = {0};
    struct prints here, there;
    size_t count;
    enum cf_error error = cf_version_list(&import->change.txn, &import->change.app, versions, &count);

    *found = (struct cf_found){0};
    if (error == CF_OK)
        error = print_there(import, parcel, at, &there, fault);
    for (size_t i = 0; error == CF_OK && i < count; i++) {
        error = print_here(import, &versions[i], &here);
        if (error != CF_OK)
            break;
        judge(&judgement, &versions[i], &here, &there);
        if (found->number == 0 && has_all(&here, &there))
            found->number = versions[i].number;
    }
    found->revoked = judgement.secret;
    found->field = judgement.secret != 0 ? CF_SECRET : CF_KEY;
    if (judgement.secret == 0 && !judgement.key_goes_on)
        found->revoked = judgement.key;
    return error;
}

enum cf_error cf_import_stays_revoked(struct cf_import *import, const struct cf_parcel *parcel, size_t at,
                                      bool *revoked, struct cf_fault *fault)
{
    struct cf_change *change = &import->change;
    struct cf_found found;
    struct cf_version here;
    bool same = false;
    enum cf_error error = cf_version_get(&change->txn, &change->app, parcel->versions[at].number, &here);

    if (error == CF_OK)
        error = cf_import_has_values(import, parcel, at, &here, &same, fault);
    *revoked = same && here.revoked;
    if ((error != CF_OK && error != CF_ENOENT) || same)
        return error;
    error = cf_import_find(import, parcel, at, &found, fault);
    *revoked = found.revoked != 0;
    return error;
}
