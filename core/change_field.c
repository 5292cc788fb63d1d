/* One field's value, imported. */
#include "change_step.h"
#include "generate.h"
#include "view.h"

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

enum cf_error cf_write_field(struct cf_vault *vault, struct cf_caller *caller, int64_t serial, enum cf_field field,
                             enum cf_write_mode mode, const char *text, size_t len)
{
    struct cf_change change = {
        .vault = vault, .caller = caller, .op = "import", .file = cf_field_word(field), .touches = true};
    struct cf_secret *value[CF_FIELD_COUNT] = {NULL};
    enum cf_error error = cf_change_begin_app(&change, serial);

    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (error == CF_OK && (mode == CF_ADD || !cf_value_importable(text, len)))
        error = CF_EVALUE;
    if (error == CF_OK)
        error = cf_change_may_hold(&change, text, len);
    if (error == CF_EUNFIT)
        cf_text_puts(&change.detail, "views/env could not carry it");
    if (error == CF_OK) {
        value[field] = cf_secret_copy(text, len);
        error = value[field] == NULL ? CF_ENOMEM : cf_change_issue(&change, value, 0, vault->config->overlap);
    }
    cf_secret_free(value[field]);
    return cf_change_end(&change, error);
}
