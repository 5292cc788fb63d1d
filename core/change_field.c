/* Values that are imported: one that is written to its field, or several of one write to ctl. */
#include "change_step.h"
#include "generate.h"
#include "view.h"

#include <stdio.h>
#include <string.h>

/* A value that has the form of a generated one must have its check sum: a mistyped one is caught here. */
static bool is_mistyped(const char *value, size_t len)
{
    return len >= 4 && (memcmp(value, "cfk_", 4) == 0 || memcmp(value, "cfs_", 4) == 0) &&
           !cf_generated_valid(value, len);
}

bool cf_value_importable(const char *value, size_t len)
{
    return cf_value_valid(value, len) && !is_mistyped(value, len);
}

enum cf_error cf_change_may_hold(const struct cf_change *change, const char *value, size_t len)
{
    return change->vault->config->portable_values && !cf_view_env_carries(value, len) ? CF_EUNFIT : CF_OK;
}

enum cf_error cf_change_take(struct cf_change *change, enum cf_field field, const char *text, size_t len)
{
    enum cf_error error = cf_value_importable(text, len) ? cf_change_may_hold(change, text, len) : CF_EVALUE;

    if (error == CF_EUNFIT)
        snprintf(change->verdict.why, sizeof change->verdict.why, "views/env could not carry it");
    if (error != CF_OK)
        return error;
    change->value[field] = cf_secret_copy(text, len);
    return change->value[field] != NULL ? CF_OK : CF_ENOMEM;
}

/* Has the current version these values, and are they good? */
static enum cf_error is_current(struct cf_change *change, bool *same)
{
    struct cf_txn *txn = &change->txn;
    struct cf_version current;
    enum cf_error error = cf_version_get(txn, &change->app, change->app.version, &current);

    *same = error == CF_OK && !current.revoked;
    for (int field = 0; error == CF_OK && *same && field < CF_FIELD_COUNT; field++) {
        uint8_t fingerprint[CF_FINGERPRINT_SIZE];
        struct cf_value value;
        if (change->value[field] == NULL)
            continue;
        cf_fingerprint(txn->keys, change->value[field], fingerprint);
        error = cf_version_value(txn, &change->app, &current, (enum cf_field)field, &value);
        *same = error == CF_OK && cf_equal(value.fingerprint, fingerprint, CF_FINGERPRINT_SIZE);
        error = error == CF_ENOKEY ? CF_OK : error;
    }
    return error;
}

enum cf_error cf_change_import(struct cf_change *change)
{
    bool same;
    enum cf_error error = is_current(change, &same);

    if (error != CF_OK)
        return error;
    if (same) {
        cf_text_printf(&change->detail, "%sas it was", change->detail.len > 0 ? ": " : "");
        return CF_OK;
    }
    change->touches = true;
    return cf_change_issue(change, change->value, 0, change->vault->config->overlap);
}

enum cf_error cf_write_field(struct cf_vault *vault, struct cf_caller *caller, int64_t serial, enum cf_field field,
                             enum cf_write_mode mode, const char *text, size_t len)
{
    struct cf_change change = {.vault = vault, .caller = caller, .op = "import", .file = cf_field_word(field)};
    enum cf_error error = cf_change_begin_app(&change, serial);

    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (error == CF_OK && mode == CF_ADD)
        error = CF_EVALUE;
    if (error == CF_OK)
        error = cf_change_take(&change, field, text, len);
    if (error == CF_OK)
        error = cf_change_import(&change);
    return cf_change_end(&change, error);
}
