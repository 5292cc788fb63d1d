/* What a method sends: the lines of headers and forms in a catalogue, checked and split. */
#include "catalogue_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char letters_and_digits[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

/* The places in a line, as far as they are known. */
static const char *check_places(struct cf_catalogue_loading *loading, const char *line, enum cf_part_names names)
{
    struct cf_fault fault = {""};
    struct cf_parts parts;
    int number;
    enum cf_error error = cf_parts_parse(line, strlen(line), names, &parts, &number, &fault);

    cf_parts_release(&parts);
    if (error == CF_OK)
        return NULL;
    if (error != CF_ECONFIG)
        return "out of memory";
    snprintf(loading->reason, sizeof loading->reason, "%.250s", fault.text);
    return loading->reason;
}

static const char *check_header(struct cf_catalogue_loading *loading, const char *line, enum cf_part_names names)
{
    const size_t len = strspn(line, letters_and_digits);

    if (len == 0 || line[len] != ':' || line[len + 1 + strspn(line + len + 1, " ")] == '\0')
        return "not a header: NAME: VALUE";
    return check_places(loading, line, names);
}

const char *cf_catalogue_header(struct cf_catalogue_loading *loading, const char *line)
{
    return check_header(loading, line, CF_NAMES_HEADER);
}

const char *cf_catalogue_token_header(struct cf_catalogue_loading *loading, const char *line)
{
    return check_header(loading, line, CF_NAMES_TOKEN);
}

const char *cf_catalogue_token_form(struct cf_catalogue_loading *loading, const char *line)
{
    const size_t len = strspn(line, letters_and_digits);

    if (len == 0 || line[len] != '=')
        return "not a form's entry: NAME=VALUE";
    return check_places(loading, line, CF_NAMES_TOKEN);
}

const char *cf_catalogue_token_user(struct cf_catalogue_loading *loading, const char *value)
{
    return strchr(value, ':') != NULL ? check_places(loading, value, CF_NAMES_TOKEN) : "not NAME:PASSWORD";
}

/* --- splitting ---------------------------------------------------------------------------------------------------- */

static bool split_line(const char *line, size_t len, enum cf_part_names names, struct cf_parts *out)
{
    int number;

    return cf_parts_parse(line, len, names, out, &number, NULL) == CF_OK;
}

/* text: NULL for none. Returns false when out of memory. */
static bool split(const char *text, enum cf_part_names names, struct cf_lines *out)
{
    const char *newline;
    size_t count = 1;

    if (text == NULL || *text == '\0')
        return true;
    for (const char *c = text; *c != '\0'; c++)
        count += *c == '\n' ? 1 : 0;
    out->at = calloc(count, sizeof *out->at);
    if (out->at == NULL)
        return false;
    for (const char *line = text; line != NULL; line = newline != NULL ? newline + 1 : NULL) {
        newline = strchr(line, '\n');
        if (!split_line(line, newline != NULL ? (size_t)(newline - line) : strlen(line), names,
                        &out->at[out->count]))
            return false;
        out->count++;
    }
    return true;
}

static bool shows_token(const struct cf_lines *headers)
{
    for (size_t i = 0; i < headers->count; i++)
        if (cf_parts_have(&headers->at[i], CF_PART_ACCESS_TOKEN))
            return true;
    return false;
}

/* An access token is fetched where it is shown, and the other way round. */
static const char *misfit(const struct cf_method *method)
{
    if (method->token_url == NULL && shows_token(&method->headers))
        return "has ${access-token}, but no token-url";
    if (method->token_url == NULL &&
        (method->token_user.count > 0 || method->token_headers.count > 0 || method->token_form.count > 0))
        return "has what goes to a token-url, but no token-url";
    if (method->token_url != NULL && method->headers.count > 0 && !shows_token(&method->headers))
        return "has a token-url, but no header with ${access-token}";
    return NULL;
}

const char *cf_catalogue_sends(struct cf_catalogue_loading *loading, struct cf_method_entry *method,
                               const char *section)
{
    struct cf_method *seen = &method->seen;
    const char *user = method->texts[TOKEN_USER], *reason;

    if (!split(method->texts[HEADER], CF_NAMES_HEADER, &seen->headers) ||
        !split(method->texts[TOKEN_HEADER], CF_NAMES_TOKEN, &seen->token_headers) ||
        !split(method->texts[TOKEN_FORM], CF_NAMES_TOKEN, &seen->token_form) ||
        (user != NULL && !split_line(user, strlen(user), CF_NAMES_TOKEN, &seen->token_user)))
        return "out of memory";
    reason = misfit(seen);
    if (reason == NULL)
        return NULL;
    snprintf(loading->reason, sizeof loading->reason, "[%.80s] %s", section, reason);
    return loading->reason;
}

static void release_lines(struct cf_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        cf_parts_release(&lines->at[i]);
    free(lines->at);
}

void cf_method_release(struct cf_method *method)
{
    release_lines(&method->headers);
    cf_parts_release(&method->token_user);
    release_lines(&method->token_headers);
    release_lines(&method->token_form);
}
