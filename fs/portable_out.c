/* Apps as lines of JSON. */
#include "portable.h"

#include "core/clock.h"

#include <stdio.h>
#include <string.h>

/* A member and its time; null for 0, which is none. */
static void add_time(struct cf_text *text, const char *name, int64_t time)
{
    char out[CF_TIME_SIZE];

    if (time == 0) {
        cf_text_printf(text, "\"%s\":null", name);
        return;
    }
    cf_time_format(time, out);
    out[strlen(out) - 1] = '\0'; /* the Z */
    cf_text_printf(text, "\"%s\":\"%s.%09lldZ\"", name, out, (long long)(time % CF_SECOND));
}

static enum cf_error put_text(struct sink *sink, struct cf_text *text)
{
    enum cf_error error = cf_text_result(text);

    if (error == CF_OK)
        error = sink_put(sink, text->data, text->len);
    cf_text_release(text);
    return error;
}

enum cf_error portable_begin(struct sink *sink)
{
    struct cf_text text = {0};

    cf_text_puts(&text, "{\"credfs\":\"export\",\"format\":1,");
    add_time(&text, "created", cf_now());
    cf_text_puts(&text, "}\n");
    return put_text(sink, &text);
}

enum cf_error portable_end(struct sink *sink, int64_t apps)
{
    struct cf_text text = {0};

    cf_text_printf(&text, "{\"end\":true,\"apps\":%lld}\n", (long long)apps);
    return put_text(sink, &text);
}

/* A value is valid UTF-8 without control characters: two characters need an escape. It goes from locked memory
 * straight into the sink. */
static enum cf_error put_value(struct sink *sink, const struct cf_secret *value)
{
    const char *at = (const char *)cf_secret_peek(value), *end = at + cf_secret_len(value);
    enum cf_error error = sink_put(sink, "\"", 1);

    while (error == CF_OK && at < end) {
        const char *plain = at;
        while (at < end && *at != '"' && *at != '\\')
            at++;
        error = sink_put(sink, plain, (size_t)(at - plain));
        if (error == CF_OK && at < end) {
            error = sink_put(sink, "\\", 1);
            if (error == CF_OK)
                error = sink_put(sink, at++, 1);
        }
    }
    return error == CF_OK ? sink_put(sink, "\"", 1) : error;
}

static void add_grants(struct cf_text *text, const struct cf_grants *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct cf_grant *grant = &list->at[i];
        cf_text_printf(text, "%s{\"who\":\"", i > 0 ? "," : "");
        cf_principal_number(&grant->who, text);
        if (grant->field == CF_NO_FIELD)
            cf_text_puts(text, "\",\"field\":null,");
        else
            cf_text_printf(text, "\",\"field\":\"%s\",", cf_field_word(grant->field));
        add_time(text, "since", grant->since);
        cf_text_printf(text, ",\"by\":%u}", grant->by);
    }
}

static void add_apis(struct cf_text *text, const struct cf_assignments *list)
{
    for (size_t i = 0; i < list->count; i++) {
        cf_text_printf(text, "%s{\"slug\":\"%s\",", i > 0 ? "," : "", list->at[i].slug);
        add_time(text, "since", list->at[i].since);
        cf_text_printf(text, ",\"by\":%u}", list->at[i].by);
    }
}

static void add_app(struct cf_text *text, const struct cf_app *app)
{
    char id[2 * CF_ID_SIZE + 1];

    cf_hex(app->id, CF_ID_SIZE, id);
    cf_text_puts(text, "{\"app\":");
    cf_text_json(text, app->name);
    cf_text_printf(text, ",\"id\":\"%s\",\"place\":\"%s\",\"disabled\":%s,", id,
                   app->place == CF_IN_TRASH ? "trash" : "apps", app->disabled ? "true" : "false");
    add_time(text, "created", app->created);
    cf_text_printf(text, ",\"created_by\":%u,", app->created_by);
    add_time(text, "updated", app->updated);
    cf_text_printf(text, ",\"updated_by\":%u,", app->updated_by);
    add_time(text, "trashed", app->trashed);
    cf_text_printf(text, ",\"generation\":%lld,\"version\":%lld,", (long long)app->generation,
                   (long long)app->version);
    add_time(text, "expires", app->expires);
}

static enum cf_error put_version(struct sink *sink, const struct cf_parcel *parcel, size_t at)
{
    const struct cf_version *version = &parcel->versions[at];
    struct cf_text text = {0};
    enum cf_error error;

    cf_text_printf(&text, "%s{\"number\":%lld,", at > 0 ? "," : "", (long long)version->number);
    add_time(&text, "created", version->created);
    cf_text_printf(&text, ",\"created_by\":%u,", version->created_by);
    add_time(&text, "deadline", version->deadline);
    cf_text_printf(&text, ",\"revoked\":%s", version->revoked ? "true" : "false");
    error = put_text(sink, &text);
    for (int field = 0; error == CF_OK && field < CF_FIELD_COUNT; field++) {
        struct cf_secret *value = NULL;
        if ((version->fields & 1U << field) == 0)
            continue;
        cf_text_printf(&text, ",\"%s\":", cf_field_word((enum cf_field)field));
        error = put_text(sink, &text);
        if (error == CF_OK)
            error = parcel->value(parcel->arg, at, (enum cf_field)field, &value);
        if (error == CF_OK)
            error = put_value(sink, value);
        cf_secret_free(value);
    }
    return error == CF_OK ? sink_put(sink, "}", 1) : error;
}

enum cf_error portable_app(struct sink *sink, const struct cf_parcel *parcel)
{
    struct cf_text text = {0};
    enum cf_error error;

    add_app(&text, &parcel->app);
    cf_text_puts(&text, ",\"notes\":{");
    for (size_t i = 0; i < parcel->note_count; i++) {
        cf_text_puts(&text, i > 0 ? "," : "");
        cf_text_json(&text, parcel->notes[i].name);
        cf_text_puts(&text, ":");
        cf_text_json(&text, parcel->notes[i].value);
    }
    cf_text_puts(&text, "},\"apis\":[");
    add_apis(&text, &parcel->apis);
    cf_text_puts(&text, "],\"grants\":[");
    add_grants(&text, &parcel->grants);
    cf_text_puts(&text, "],\"versions\":[");
    error = put_text(sink, &text);
    for (size_t i = 0; error == CF_OK && i < parcel->version_count; i++)
        error = put_version(sink, parcel, i);
    return error == CF_OK ? sink_put(sink, "]}\n", 3) : error;
}

enum cf_error portable_assignees(struct sink *sink, const char *slug, const struct cf_grants *list)
{
    struct cf_text text = {0};

    cf_text_printf(&text, "{\"assignees\":\"%s\",\"users\":[", slug);
    add_grants(&text, list);
    cf_text_puts(&text, "]}\n");
    return put_text(sink, &text);
}
