/* The views for curl, and the request for an access token: configurations for `curl --config`, in which a quoted value
 * has \\ and \" for these two (curl(1)). */
#include "view_print.h"

#include <string.h>

bool cf_view_fetches(const struct cf_view *view)
{
    const struct cf_lines *headers = view->form == CF_VIEW_CURL ? &view->api->method->headers : NULL;

    for (size_t i = 0; headers != NULL && i < headers->count; i++)
        if (cf_parts_have(&headers->at[i], CF_PART_ACCESS_TOKEN))
            return true;
    return false;
}

static void put_quoted(struct cf_sink *sink, const void *bytes, size_t len)
{
    const char *text = bytes;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\')
            cf_sink_puts(sink, "\\");
        cf_sink_add(sink, text + i, 1);
    }
}

/* A value that nothing can be smuggled in with: no control characters. */
static void put_value(struct cf_sink *sink, const struct cf_secret *value)
{
    const uint8_t *bytes = cf_secret_peek(value);

    for (size_t i = 0; i < cf_secret_len(value); i++)
        if (bytes[i] < 0x20 || bytes[i] == 0x7F)
            cf_sink_fail(sink, CF_EUNFIT);
    put_quoted(sink, bytes, cf_secret_len(value));
}

/* What a part stands for; NULL for text, for what is not set, and for a token that is not there yet. */
static const struct cf_secret *value_of(const struct cf_view_source *source, const struct cf_part *part)
{
    if (part->kind == CF_PART_FIELD)
        return source->value[part->field];
    return part->kind == CF_PART_ACCESS_TOKEN ? source->access_token : NULL;
}

static void put_part(struct cf_sink *sink, const struct cf_view_source *source, const struct cf_part *part)
{
    const struct cf_secret *value = value_of(source, part);

    if (part->kind == CF_PART_TEXT)
        put_quoted(sink, part->text, part->len);
    else if (value != NULL)
        put_value(sink, value);
    else if (part->kind == CF_PART_FIELD)
        cf_sink_fail(sink, CF_ENOKEY);
}

/* NAME = "PARTS" */
static void put_setting(struct cf_sink *sink, const struct cf_view_source *source, const char *name,
                        const struct cf_parts *parts)
{
    cf_sink_puts(sink, name);
    cf_sink_puts(sink, " = \"");
    for (size_t i = 0; i < parts->count; i++)
        put_part(sink, source, &parts->at[i]);
    cf_sink_puts(sink, "\"\n");
}

static void put_text_setting(struct cf_sink *sink, const char *name, const char *value)
{
    cf_sink_puts(sink, name);
    cf_sink_puts(sink, " = \"");
    put_quoted(sink, value, strlen(value));
    cf_sink_puts(sink, "\"\n");
}

/* --- headers ------------------------------------------------------------------------------------------------------ */

/* Is there nothing but blanks between the header's colon and the end of this text? */
static bool ends_at_colon(const struct cf_part *part)
{
    const char *colon = memchr(part->text, ':', part->len);

    if (part->kind != CF_PART_TEXT || colon == NULL)
        return false;
    for (const char *c = colon + 1; c < part->text + part->len; c++)
        if (*c != ' ')
            return false;
    return true;
}

/* Blanks around the value of a header are no part of it (RFC 9110, section 5.5): who gets it takes them off. */
static bool loses_blanks(const struct cf_view_source *source, const struct cf_parts *parts)
{
    const struct cf_secret *first =
        parts->count > 1 && ends_at_colon(&parts->at[0]) ? value_of(source, &parts->at[1]) : NULL;
    const struct cf_secret *last = value_of(source, &parts->at[parts->count - 1]);

    return (first != NULL && cf_secret_peek(first)[0] == ' ') ||
           (last != NULL && cf_secret_peek(last)[cf_secret_len(last) - 1] == ' ');
}

static void put_header(struct cf_sink *sink, const struct cf_view_source *source, const struct cf_parts *header)
{
    if (loses_blanks(source, header))
        cf_sink_fail(sink, CF_EUNFIT);
    put_setting(sink, source, "header", header);
}

/* A comment as long as what the access tokens of a header leave of their room. */
static void put_room(struct cf_sink *sink, const struct cf_view_source *source, const struct cf_parts *header)
{
    struct cf_sink token = {0};

    if (!cf_parts_have(header, CF_PART_ACCESS_TOKEN))
        return;
    if (source->access_token != NULL)
        put_value(&token, source->access_token);
    if (token.len > CF_TOKEN_MAX) {
        cf_sink_fail(sink, CF_ETOOBIG);
        return;
    }
    cf_sink_puts(sink, "#");
    for (size_t i = 0; i < header->count; i++)
        for (size_t n = token.len; header->at[i].kind == CF_PART_ACCESS_TOKEN && n < CF_TOKEN_MAX; n++)
            cf_sink_puts(sink, " ");
    cf_sink_puts(sink, "\n");
}

void cf_view_print_curl(struct cf_sink *sink, const struct cf_view_source *source, const void *what)
{
    const struct cf_view *view = what;
    const struct cf_lines *headers = &view->api->method->headers;

    if (headers->count == 0 || !cf_assignments_have(&source->apis, view->api->slug)) {
        cf_sink_fail(sink, CF_ENOENT);
        return;
    }
    cf_sink_puts(sink, "# For curl --config: authenticates to ");
    cf_sink_puts(sink, view->api->slug);
    cf_sink_puts(sink, " (");
    cf_sink_puts(sink, view->api->method->name);
    cf_sink_puts(sink, ").\n");
    for (size_t i = 0; i < headers->count; i++) {
        put_header(sink, source, &headers->at[i]);
        put_room(sink, source, &headers->at[i]);
    }
}

/* --- the request for an access token ------------------------------------------------------------------------------ */

static bool has_colon(const struct cf_secret *value)
{
    return memchr(cf_secret_peek(value), ':', cf_secret_len(value)) != NULL;
}

/* HTTP Basic: the user's name ends at the first colon, so that it can have none (RFC 7617, section 2). */
static void put_user(struct cf_sink *sink, const struct cf_view_source *source, const struct cf_parts *user)
{
    for (size_t i = 0; i < user->count; i++) {
        const struct cf_secret *value = value_of(source, &user->at[i]);
        if (user->at[i].kind == CF_PART_TEXT && memchr(user->at[i].text, ':', user->at[i].len) != NULL)
            break;
        if (value != NULL && has_colon(value))
            cf_sink_fail(sink, CF_EUNFIT);
    }
    put_setting(sink, source, "user", user);
}

static void print_request(struct cf_sink *sink, const struct cf_view_source *source, const void *what)
{
    const struct cf_method *method = what;

    put_text_setting(sink, "url", method->token_url);
    put_text_setting(sink, "proto", strncmp(method->token_url, "https:", 6) == 0 ? "=https" : "=http");
    cf_sink_puts(sink, "globoff\nsilent\nfail\nmax-redirs = 0\nmax-filesize = 65536\n");
    if (method->token_user.count > 0)
        put_user(sink, source, &method->token_user);
    for (size_t i = 0; i < method->token_headers.count; i++)
        put_header(sink, source, &method->token_headers.at[i]);
    for (size_t i = 0; i < method->token_form.count; i++)
        put_setting(sink, source, "data-urlencode", &method->token_form.at[i]);
    if (method->token_form.count == 0)
        put_text_setting(sink, "data", "");
}

enum cf_error cf_token_request_print(const struct cf_view_source *source, const struct cf_method *method,
                                     struct cf_secret **out)
{
    return cf_sink_secret(print_request, source, method, out);
}
