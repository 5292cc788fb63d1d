#include "catalogue_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a value with its continuation lines: of one that they go on with, and of one that has a thing a line. */
enum { VALUE_MAX = 512, LINES_MAX = 2048 };

/* --- values --- */

static const char *check_line(struct cf_catalogue_loading *loading, const char *value)
{
    (void)loading;
    return cf_line_valid(value, strlen(value), VALUE_MAX) ? NULL : "not one line of at most 512 bytes of UTF-8";
}

static const char *check_key_process(struct cf_catalogue_loading *loading, const char *value)
{
    if (strcmp(value, "console") == 0 || strcmp(value, "console+email") == 0)
        return NULL;
    snprintf(loading->reason, sizeof(loading->reason), "unknown key-process '%.60s': console, console+email",
             value);
    return loading->reason;
}

static const char *check_url(struct cf_catalogue_loading *loading, const char *value)
{
    const char *rest = strncmp(value, "https://", 8) == 0 ? value + 8 : NULL;
    if (rest == NULL && strncmp(value, "http://", 7) == 0)
        rest = value + 7;
    if (rest == NULL || *rest == '\0' || *rest == '/' || strpbrk(value, " \t") != NULL)
        return "not a URL: https://HOST/PATH";
    return check_line(loading, value);
}

static const char *check_status(struct cf_catalogue_loading *loading, const char *value)
{
    if (strcmp(value, "retired") == 0)
        return NULL;
    snprintf(loading->reason, sizeof(loading->reason), "unknown status '%.60s': retired", value);
    return loading->reason;
}

static const char *check_secret(struct cf_catalogue_loading *loading, const char *value)
{
    if (strcmp(value, "unused") == 0)
        return NULL;
    snprintf(loading->reason, sizeof(loading->reason), "unknown secret '%.60s': unused", value);
    return loading->reason;
}

static const char *const field_words[] = {"token", "username", "password"};
enum { FIELD_WORDS = sizeof(field_words) / sizeof(field_words[0]) };

static size_t field_find(const char *word, size_t len)
{
    size_t i = 0;
    while (i < FIELD_WORDS && (strlen(field_words[i]) != len || memcmp(field_words[i], word, len) != 0))
        i++;
    return i;
}

static const char *check_fields(struct cf_catalogue_loading *loading, const char *value)
{
    bool given[FIELD_WORDS] = {false};
    const char *cursor = value, *end = value + strlen(value), *word;
    size_t len;
    while ((word = cf_word_next(&cursor, end, &len)) != NULL) {
        size_t i = field_find(word, len);
        if (i == FIELD_WORDS || given[i]) {
            snprintf(loading->reason, sizeof(loading->reason), "%s field '%.*s': token, username, password",
                     i == FIELD_WORDS ? "unknown" : "doubled", len > 60 ? 60 : (int)len, word);
            return loading->reason;
        }
        given[i] = true;
    }
    return NULL;
}

struct known_name {
    const char *name;
    cf_catalogue_check *check;
    bool is_required;
    bool is_lines; /* each line is checked by itself, and they are kept apart */
};

static const struct known_name api_names[API_TEXTS] = {
    [TITLE] = {.name = "title", .check = check_line, .is_required = true},
    [KEY_PROCESS] = {.name = "key-process", .check = check_key_process, .is_required = true},
    [METHOD] = {.name = "method",
                .check = check_line,
                .is_required = true}, /* that there is such a method: in the second pass */
    [FIELDS] = {.name = "fields", .check = check_fields},
    [BASE_URL] = {.name = "base-url", .check = check_url, .is_required = true},
    [ASSIGNMENT] = {.name = "assignment", .check = check_line},
    [PRODUCTS] = {.name = "products", .check = check_line},
    [STATUS] = {.name = "status", .check = check_status},
};

static const struct known_name method_names[METHOD_TEXTS] = {
    [TOKEN_URL] = {.name = "token-url", .check = check_url},
    [SENDS] = {.name = "sends", .check = check_line, .is_required = true},
    [SECRET] = {.name = "secret", .check = check_secret},
    [HEADER] = {.name = "header", .check = cf_catalogue_header, .is_lines = true},
    [TOKEN_USER] = {.name = "token-user", .check = cf_catalogue_token_user},
    [TOKEN_HEADER] = {.name = "token-header", .check = cf_catalogue_token_header, .is_lines = true},
    [TOKEN_FORM] = {.name = "token-form", .check = cf_catalogue_token_form, .is_lines = true},
};

/* Put value into *text, behind what is there: a name comes once in a section, all later lines continue it. */
static const char *text_put(char **text, const char *value, bool is_lines)
{
    size_t old = *text != NULL ? strlen(*text) : 0;
    size_t len = strlen(value);
    if (old + len + 1 > (is_lines ? LINES_MAX : VALUE_MAX))
        return is_lines ? "value longer than 2048 bytes" : "value longer than 512 bytes";
    char *joined = realloc(*text, old + len + 2);
    if (joined == NULL)
        return "out of memory";
    *text = joined;
    if (old > 0)
        joined[old++] = is_lines ? '\n' : ' ';
    memcpy(joined + old, value, len + 1);
    return NULL;
}

/* --- sections --- */

/* The API of a section, made when it is new. Returns NULL with a reason when it cannot be one. */
static struct cf_api_entry *api_of(struct cf_catalogue_loading *loading, const char *section, const char **reason)
{
    bool found;
    if (!cf_slug_valid(section, strlen(section))) {
        *reason = "not a section of a catalogue: [method NAME], or [SLUG] of a-z, 0-9 and '-'";
        return NULL;
    }
    size_t place = cf_catalogue_place(loading->catalogue, section, &found);
    *reason = "out of memory";
    return found ? loading->catalogue->sorted[place]
                 : cf_catalogue_add(loading->catalogue, section, place, loading->file);
}

static const char *defined_earlier(struct cf_catalogue_loading *loading, const struct cf_api_entry *api)
{
    snprintf(loading->reason, sizeof(loading->reason),
             "the API '%s' is defined by an earlier file: its products alone can be set here", api->slug);
    return loading->reason;
}

/* Of an API that an earlier file defines, a file can say what its vendor calls it, instead of what is said there. */
static const char *extend(struct cf_catalogue_loading *loading, struct cf_api_entry *api, const char *name)
{
    if (strcmp(name, api_names[PRODUCTS].name) != 0)
        return defined_earlier(loading, api);
    if (api->products_file != loading->file) {
        free(api->texts[PRODUCTS]);
        api->texts[PRODUCTS] = NULL;
        api->products_file = loading->file;
        api->is_complete = false;
    }
    return NULL;
}

static bool method_name_valid(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789+-");
    return len > 0 && len <= CF_SLUG_MAX && name[len] == '\0';
}

static struct cf_method_entry *method_of(struct cf_catalogue_loading *loading, const char *name,
                                         const char **reason)
{
    if (!method_name_valid(name)) {
        *reason = "not a method's name: a-z, 0-9, '+' and '-'";
        return NULL;
    }
    struct cf_method_entry *method = cf_catalogue_method(loading->catalogue, name);
    if (method == NULL) {
        *reason = "out of memory";
        return cf_catalogue_add_method(loading->catalogue, name, loading->file);
    }
    if (method->file == loading->file)
        return method;
    snprintf(loading->reason, sizeof(loading->reason), "the method '%s' is defined by an earlier file", name);
    *reason = loading->reason;
    return NULL;
}

/* --- the two passes --- */

static const char *unknown_name(struct cf_catalogue_loading *loading, const struct known_name *names, size_t count,
                                const char *name)
{
    int len = snprintf(loading->reason, sizeof(loading->reason), "unknown name '%.60s':", name);
    for (size_t i = 0; i < count; i++)
        len += snprintf(loading->reason + len, sizeof(loading->reason) - (size_t)len, "%s %s", i == 0 ? "" : ",",
                        names[i].name);
    return loading->reason;
}

static const char *collect_text(struct cf_catalogue_loading *loading, const struct known_name *names, size_t count,
                                char **texts, const char *name, const char *value)
{
    size_t i = 0;
    while (i < count && strcmp(names[i].name, name) != 0)
        i++;
    if (i == count)
        return unknown_name(loading, names, count, name);
    if (names[i].is_lines && *value == '\0')
        return NULL;
    const char *reason = text_put(&texts[i], value, names[i].is_lines);
    return reason != NULL ? reason : names[i].check(loading, names[i].is_lines ? value : texts[i]);
}

static const char *method_section(const char *section)
{
    return strncmp(section, "method ", 7) == 0 ? section + 7 : NULL;
}

const char *cf_catalogue_collect(void *arg, const char *section, const char *name, const char *value, bool again)
{
    struct cf_catalogue_loading *loading = arg;
    const char *reason = NULL, *method_name = method_section(section);
    (void)again;
    if (method_name != NULL) {
        struct cf_method_entry *method = method_of(loading, method_name, &reason);
        if (method == NULL)
            return reason;
        return name == NULL ? NULL : collect_text(loading, method_names, METHOD_TEXTS, method->texts, name, value);
    }
    struct cf_api_entry *api = api_of(loading, section, &reason);
    if (api == NULL)
        return reason;
    if (name == NULL)
        return NULL;
    reason = api->file != loading->file ? extend(loading, api, name) : NULL;
    return reason != NULL ? reason : collect_text(loading, api_names, API_TEXTS, api->texts, name, value);
}

static const char *missing_name(struct cf_catalogue_loading *loading, const struct known_name *names, size_t count,
                                char *const *texts, const char *section)
{
    for (size_t i = 0; i < count; i++) {
        if (!names[i].is_required || (texts[i] != NULL && *texts[i] != '\0'))
            continue;
        snprintf(loading->reason, sizeof(loading->reason), "[%s] has no %s", section, names[i].name);
        return loading->reason;
    }
    return NULL;
}

static const char *complete_method(struct cf_catalogue_loading *loading, struct cf_method_entry *method,
                                   const char *section)
{
    const char *reason = missing_name(loading, method_names, METHOD_TEXTS, method->texts, section);
    if (reason != NULL)
        return reason;
    method->seen.token_url = method->texts[TOKEN_URL];
    method->seen.sends = method->texts[SENDS];
    method->seen.uses_secret = method->texts[SECRET] == NULL;
    method->is_complete = true;
    return cf_catalogue_sends(loading, method, section);
}

static const char *complete_api(struct cf_catalogue_loading *loading, struct cf_api_entry *api)
{
    const char *reason = missing_name(loading, api_names, API_TEXTS, api->texts, api->slug);
    if (reason != NULL)
        return reason;
    const struct cf_method_entry *method = cf_catalogue_method(loading->catalogue, api->texts[METHOD]);
    if (method == NULL) {
        snprintf(loading->reason, sizeof(loading->reason), "[%s] has the unknown method '%.60s'", api->slug,
                 api->texts[METHOD]);
        return loading->reason;
    }
    const char *assignment = api->texts[ASSIGNMENT], *products = api->texts[PRODUCTS];
    api->seen.title = api->texts[TITLE];
    api->seen.key_process = api->texts[KEY_PROCESS];
    api->seen.method = &method->seen;
    api->seen.fields = api->texts[FIELDS] == NULL ? "" : api->texts[FIELDS];
    api->seen.base_url = api->texts[BASE_URL];
    api->seen.products = products != NULL && *products != '\0' ? products : api->slug;
    api->seen.assignment = assignment != NULL && *assignment != '\0' ? assignment : NULL;
    api->seen.retired = api->texts[STATUS] != NULL;
    api->is_complete = true;
    return NULL;
}

const char *cf_catalogue_complete(void *arg, const char *section, const char *name, const char *value, bool again)
{
    struct cf_catalogue_loading *loading = arg;
    (void)name;
    (void)value;
    (void)again;
    const char *method_name = method_section(section);
    if (method_name != NULL) {
        struct cf_method_entry *method = cf_catalogue_method(loading->catalogue, method_name);
        return method == NULL || method->is_complete ? NULL : complete_method(loading, method, section);
    }
    bool found;
    size_t place = cf_catalogue_place(loading->catalogue, section, &found);
    struct cf_api_entry *api = found ? loading->catalogue->sorted[place] : NULL;
    if (api == NULL)
        return NULL;
    if (api->file != loading->file && api->products_file != loading->file)
        return defined_earlier(loading, api); /* and here is nothing of it */
    return api->is_complete ? NULL : complete_api(loading, api);
}
