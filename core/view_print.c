#include "view_print.h"

#include <assert.h>
#include <string.h>

void cf_view_source_release(struct cf_view_source *source)
{
    for (int i = 0; i < CF_FIELD_COUNT; i++)
        cf_secret_free(source->value[i]);
    cf_secret_free(source->access_token);
    cf_assignments_release(&source->apis);
    *source = (struct cf_view_source){0};
}

/* --- the sink ----------------------------------------------------------------------------------------------------- */

void cf_sink_add(struct cf_sink *sink, const void *bytes, size_t len)
{
    if (sink->bytes != NULL && len > 0)
        memcpy(sink->bytes + sink->len, bytes, len);
    sink->len += len;
}

void cf_sink_puts(struct cf_sink *sink, const char *string)
{
    cf_sink_add(sink, string, strlen(string));
}

void cf_sink_fail(struct cf_sink *sink, enum cf_error error)
{
    if (sink->error == CF_OK)
        sink->error = error;
}

static enum cf_error measure(cf_sink_print *print, const struct cf_view_source *source, const void *what,
                             size_t *len)
{
    struct cf_sink sink = {0};

    print(&sink, source, what);
    if (sink.error == CF_OK && sink.len > CF_SECRET_LARGEST)
        sink.error = CF_ETOOBIG;
    *len = sink.error == CF_OK ? sink.len : 0;
    return sink.error;
}

enum cf_error cf_sink_secret(cf_sink_print *print, const struct cf_view_source *source, const void *what,
                             struct cf_secret **out)
{
    struct cf_sink sink = {0};
    size_t len;
    enum cf_error error = measure(print, source, what, &len);

    *out = NULL;
    if (error != CF_OK)
        return error;
    *out = cf_secret_new(len);
    if (*out == NULL)
        return CF_ENOMEM;
    sink.bytes = cf_secret_bytes(*out);
    print(&sink, source, what);
    assert(sink.len == len);
    return CF_OK;
}

/* --- env ---------------------------------------------------------------------------------------------------------- */

/* What sh would not split, expand or take for a mark of its own, in the value of an assignment. */
static bool is_plain(uint32_t code)
{
    return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') || (code >= '0' && code <= '9') ||
           (code != 0 && code < 0x80 && strchr("%+,-./:=@_", (int)code) != NULL);
}

/* What Python's or JavaScript's strip takes off (Unicode White_Space, and the byte order mark), or has at some time
 * taken off (U+180E), and what is a control character. */
static bool is_stripped(uint32_t code)
{
    return code < 0xA1 || code == 0x1680 || code == 0x180E || (code >= 0x2000 && code <= 0x200A) ||
           code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000 || code == 0xFEFF;
}

bool cf_view_env_carries(const char *value, size_t len)
{
    uint32_t code;

    for (size_t at = 0, step; at < len; at += step) {
        step = cf_utf8_next(value + at, len - at, &code);
        if (step == 0 || (code < 0x80 ? !is_plain(code) : is_stripped(code)))
            return false;
    }
    return len > 0;
}

static void put_apis(struct cf_sink *sink, const struct cf_view_source *source, const char *between)
{
    for (size_t i = 0; i < source->apis.count; i++) {
        cf_sink_puts(sink, i > 0 ? between : "");
        cf_sink_puts(sink, source->apis.at[i].slug);
    }
}

static void put_secret(struct cf_sink *sink, const struct cf_secret *value)
{
    cf_sink_add(sink, cf_secret_peek(value), cf_secret_len(value));
}

static void print_env(struct cf_sink *sink, const struct cf_view_source *source, const void *what)
{
    static const struct {
        const char *name;
        enum cf_field field;
    } names[] = {{"API_KEY=", CF_KEY},
                 {"API_PASSWORD=", CF_PASSWORD},
                 {"API_SECRET=", CF_SECRET},
                 {"API_TOKEN=", CF_TOKEN},
                 {"API_USERNAME=", CF_USERNAME}};

    (void)what;
    cf_sink_puts(sink, "APIS=");
    put_apis(sink, source, ",");
    cf_sink_puts(sink, "\n");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct cf_secret *value = source->value[names[i].field];
        if (value == NULL)
            continue;
        if (!cf_view_env_carries((const char *)cf_secret_peek(value), cf_secret_len(value)))
            cf_sink_fail(sink, CF_EUNFIT);
        cf_sink_puts(sink, names[i].name);
        put_secret(sink, value);
        cf_sink_puts(sink, "\n");
    }
}

/* --- json and properties: what they have in common ---------------------------------------------------------------- */

static const enum cf_field sorted_fields[] = {CF_KEY, CF_PASSWORD, CF_SECRET, CF_TOKEN, CF_USERNAME};
enum { SORTED_FIELDS = sizeof sorted_fields / sizeof *sorted_fields };

/* A UTF-16 unit as \uXXXX. */
static void put_unit(struct cf_sink *sink, uint32_t unit)
{
    static const char digits[] = "0123456789ABCDEF";
    const char escape[] = {
        '\\', 'u', digits[unit >> 12 & 15], digits[unit >> 8 & 15], digits[unit >> 4 & 15], digits[unit & 15]};

    cf_sink_add(sink, escape, sizeof escape);
}

static void put_units(struct cf_sink *sink, uint32_t code)
{
    if (code > 0xFFFF) {
        put_unit(sink, 0xD800 + ((code - 0x10000) >> 10));
        put_unit(sink, 0xDC00 + ((code - 0x10000) & 0x3FF));
    } else {
        put_unit(sink, code);
    }
}

/* Put a text, each of its characters as put_one does. at: where in the text it stands. */
typedef void put_character(struct cf_sink *sink, const char *bytes, size_t len, uint32_t code, size_t at);
static void put_escaped(struct cf_sink *sink, const char *text, size_t len, put_character *put_one)
{
    uint32_t code;

    for (size_t at = 0, step; at < len; at += step) {
        step = cf_utf8_next(text + at, len - at, &code);
        if (step == 0) {
            cf_sink_fail(sink, CF_EUNFIT);
            return;
        }
        put_one(sink, text + at, step, code, at);
    }
}

static void put_escaped_secret(struct cf_sink *sink, const struct cf_secret *value, put_character *put_one)
{
    put_escaped(sink, (const char *)cf_secret_peek(value), cf_secret_len(value), put_one);
}

/* --- json (RFC 8259) ---------------------------------------------------------------------------------------------- */

static void put_json(struct cf_sink *sink, const char *bytes, size_t len, uint32_t code, size_t at)
{
    (void)at;
    if (code < 0x20) {
        put_unit(sink, code);
        return;
    }
    if (code == '"' || code == '\\')
        cf_sink_puts(sink, "\\");
    cf_sink_add(sink, bytes, len);
}

static void print_json(struct cf_sink *sink, const struct cf_view_source *source, const void *what)
{
    (void)what;
    cf_sink_puts(sink, "{\n  \"apis\": [");
    cf_sink_puts(sink, source->apis.count > 0 ? "\"" : "");
    put_apis(sink, source, "\", \"");
    cf_sink_puts(sink, source->apis.count > 0 ? "\"" : "");
    cf_sink_puts(sink, "],\n  \"app\": \"");
    put_escaped(sink, source->app.name, strlen(source->app.name), put_json);
    for (size_t i = 0; i < SORTED_FIELDS; i++) {
        if (source->value[sorted_fields[i]] == NULL)
            continue;
        cf_sink_puts(sink, "\",\n  \"");
        cf_sink_puts(sink, cf_field_word(sorted_fields[i]));
        cf_sink_puts(sink, "\": \"");
        put_escaped_secret(sink, source->value[sorted_fields[i]], put_json);
    }
    cf_sink_puts(sink, "\"\n}\n");
}

/* --- properties (java.util.Properties, as its store writes them) -------------------------------------------------- */

static void put_property(struct cf_sink *sink, const char *bytes, size_t len, uint32_t code, size_t at)
{
    if (code < 0x20 || code > 0x7E) {
        put_units(sink, code);
        return;
    }
    if ((code == ' ' && at == 0) || strchr("\\#!=:", (int)code) != NULL)
        cf_sink_puts(sink, "\\");
    cf_sink_add(sink, bytes, len);
}

static void print_properties(struct cf_sink *sink, const struct cf_view_source *source, const void *what)
{
    (void)what;
    cf_sink_puts(sink, "apis=");
    put_apis(sink, source, ",");
    cf_sink_puts(sink, "\napp=");
    put_escaped(sink, source->app.name, strlen(source->app.name), put_property);
    for (size_t i = 0; i < SORTED_FIELDS; i++) {
        if (source->value[sorted_fields[i]] == NULL)
            continue;
        cf_sink_puts(sink, "\n");
        cf_sink_puts(sink, cf_field_word(sorted_fields[i]));
        cf_sink_puts(sink, "=");
        put_escaped_secret(sink, source->value[sorted_fields[i]], put_property);
    }
    cf_sink_puts(sink, "\n");
}

/* --- the site's own ----------------------------------------------------------------------------------------------- */

static void put_part(struct cf_sink *sink, const struct cf_view_source *source, const struct cf_part *part)
{
    switch (part->kind) {
    case CF_PART_TEXT:
        cf_sink_add(sink, part->text, part->len);
        break;
    case CF_PART_FIELD:
        if (source->value[part->field] != NULL)
            put_secret(sink, source->value[part->field]);
        else
            cf_sink_fail(sink, CF_ENOKEY);
        break;
    case CF_PART_APP:
        cf_sink_puts(sink, source->app.name);
        break;
    case CF_PART_APIS:
        put_apis(sink, source, " ");
        break;
    case CF_PART_ACCESS_TOKEN: /* no template has it */
        break;
    }
}

static void print_site(struct cf_sink *sink, const struct cf_view_source *source, const void *what)
{
    const struct cf_view *view = what;

    for (size_t i = 0; i < view->template->parts.count; i++)
        put_part(sink, source, &view->template->parts.at[i]);
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static cf_sink_print *const prints[] = {[CF_VIEW_ENV] = print_env,
                                        [CF_VIEW_JSON] = print_json,
                                        [CF_VIEW_PROPERTIES] = print_properties,
                                        [CF_VIEW_CURL] = cf_view_print_curl,
                                        [CF_VIEW_SITE] = print_site};

enum cf_error cf_view_measure(const struct cf_view_source *source, const struct cf_view *view, size_t *len)
{
    return measure(prints[view->form], source, view, len);
}

enum cf_error cf_view_print(const struct cf_view_source *source, const struct cf_view *view, struct cf_secret **out)
{
    return cf_sink_secret(prints[view->form], source, view, out);
}
