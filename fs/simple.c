/* Apps by name and values, as CSV, files and hand-made JSON have them. */
#include "portable.h"

#include <stdio.h>
#include <string.h>

static enum cf_error value_of(void *arg, size_t at, enum cf_field field, struct cf_secret **out)
{
    const struct simple *simple = arg;

    (void)at;
    *out = NULL;
    if (simple->len[field] > CF_VALUE_MAX)
        return CF_ETOOBIG;
    *out = cf_secret_copy(simple->value[field], simple->len[field]);
    return *out ? CF_OK : CF_ENOMEM;
}

enum cf_error simple_start(struct simple *simple, const char *name, size_t len, struct cf_fault *fault)
{
    *simple = (struct simple){.parcel = {.value = value_of, .arg = simple}};
    if (cf_name_check(name, len) != CF_OK) {
        cf_fault_set(fault, "not a valid App name: 1 to %d bytes, no white space, no /, no . or - at its start",
                     (int)CF_NAME_MAX);
        return CF_ENAME;
    }
    memcpy(simple->parcel.app.name, name, len);
    return CF_OK;
}

void simple_value(struct simple *simple, enum cf_field field, const char *value, size_t len)
{
    simple->value[field] = value;
    simple->len[field] = len;
    simple->parcel.version_count = 1;
    simple->parcel.versions[0].fields |= 1U << field;
}

enum cf_error simple_api(struct simple *simple, const char *slug, size_t len, struct cf_fault *fault)
{
    struct cf_assignment api = {0};

    simple->parcel.has_apis = true;
    if (!cf_slug_valid(slug, len)) {
        cf_fault_set(fault, "%s: an API's name is not one: 1 to 64 of a-z, 0-9 and -", simple->parcel.app.name);
        return CF_ESLUG;
    }
    memcpy(api.slug, slug, len);
    if (cf_assignments_have(&simple->parcel.apis, api.slug))
        return CF_OK;
    return cf_parcel_add_api(&simple->parcel, &api) ? CF_OK : CF_ENOMEM;
}

enum cf_error simple_apis(struct simple *simple, const char *text, size_t len, struct cf_fault *fault)
{
    const char *cursor = text, *end = text + len;
    enum cf_error error = CF_OK;

    simple->parcel.has_apis = true;
    while (error == CF_OK && cursor < end) {
        const char *start = cursor;
        while (cursor < end && *cursor != '\0' && !strchr("; \t\r\n", *cursor))
            cursor++;
        if (cursor > start)
            error = simple_api(simple, start, (size_t)(cursor - start), fault);
        cursor++;
    }
    return error;
}

void fault_at_line(struct cf_fault *fault, size_t line, enum cf_error error)
{
    struct cf_fault what = *fault;

    cf_fault_set(fault, "line %zu: %.480s", line, what.text[0] ? what.text : cf_error_text(error));
}
