#include "part.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_SHOWN = 40 }; /* bytes of an unknown name in a message */

struct reading {
    const char *at, *end;
    enum cf_part_names names;
    struct cf_parts parts;
    size_t room;
    struct cf_fault *fault;
};

static enum cf_error add(struct reading *reading, struct cf_part part)
{
    struct cf_parts *parts = &reading->parts;

    if (parts->count == reading->room) {
        const size_t room = reading->room == 0 ? 8 : 2 * reading->room;
        struct cf_part *at = realloc(parts->at, room * sizeof *at);
        if (at == NULL)
            return CF_ENOMEM;
        parts->at = at;
        reading->room = room;
    }
    parts->at[parts->count++] = part;
    return CF_OK;
}

static bool is_word(const char *name, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(name, word, len) == 0;
}

static bool find_name(const char *name, size_t len, enum cf_part_names names, struct cf_part *part)
{
    *part = (struct cf_part){.kind = CF_PART_FIELD, .field = cf_field_find(name, len)};
    if (part->field != CF_NO_FIELD)
        return true;
    if (names == CF_NAMES_VIEW && is_word(name, len, "app"))
        part->kind = CF_PART_APP;
    else if (names == CF_NAMES_VIEW && is_word(name, len, "apis"))
        part->kind = CF_PART_APIS;
    else if (names == CF_NAMES_HEADER && is_word(name, len, "access-token"))
        part->kind = CF_PART_ACCESS_TOKEN;
    return part->kind != CF_PART_FIELD;
}

static void say_unknown(const struct reading *reading, const char *name, size_t len)
{
    struct cf_text known = {0};

    for (int field = 0; field < CF_FIELD_COUNT; field++)
        cf_text_printf(&known, "%s%s", field == 0 ? "" : ", ", cf_field_word((enum cf_field)field));
    cf_text_puts(&known, reading->names == CF_NAMES_VIEW     ? ", app, apis"
                         : reading->names == CF_NAMES_HEADER ? ", access-token"
                                                             : "");
    if (!cf_line_valid(name, len, NAME_SHOWN))
        len = 0;
    cf_fault_set(reading->fault, "unknown name '${%.*s}': %s", (int)len, name,
                 known.data != NULL ? known.data : "");
    cf_text_release(&known);
}

/* What begins with the dollar at which the reading stands. */
static enum cf_error read_dollar(struct reading *reading)
{
    const char *name = reading->at + 2, *newline, *close;
    const size_t left = (size_t)(reading->end - reading->at);
    struct cf_part part;

    if (left < 2 || (reading->at[1] != '{' && reading->at[1] != '$')) {
        part = (struct cf_part){.text = reading->at++, .len = 1};
        return add(reading, part);
    }
    if (reading->at[1] == '$') {
        part = (struct cf_part){.text = reading->at, .len = 1};
        reading->at += 2;
        return add(reading, part);
    }
    newline = memchr(name, '\n', left - 2);
    close = memchr(name, '}', newline != NULL ? (size_t)(newline - name) : left - 2);
    if (close == NULL) {
        cf_fault_set(reading->fault, "no } behind ${");
        return CF_ECONFIG;
    }
    if (!find_name(name, (size_t)(close - name), reading->names, &part)) {
        say_unknown(reading, name, (size_t)(close - name));
        return CF_ECONFIG;
    }
    reading->at = close + 1;
    return add(reading, part);
}

static enum cf_error read_text(struct reading *reading)
{
    const size_t left = (size_t)(reading->end - reading->at);
    const char *dollar = memchr(reading->at, '$', left);
    const struct cf_part part = {.text = reading->at,
                                 .len = dollar != NULL ? (size_t)(dollar - reading->at) : left};

    reading->at += part.len;
    return add(reading, part);
}

static int line_of(const char *text, const char *at)
{
    int line = 1;

    for (; text < at; text++)
        line += *text == '\n' ? 1 : 0;
    return line;
}

enum cf_error cf_parts_parse(const char *text, size_t len, enum cf_part_names names, struct cf_parts *out,
                             int *line, struct cf_fault *fault)
{
    struct reading reading = {.at = text, .end = text + len, .names = names, .fault = fault};
    enum cf_error error = CF_OK;

    *out = (struct cf_parts){0};
    while (error == CF_OK && reading.at < reading.end)
        error = *reading.at == '$' ? read_dollar(&reading) : read_text(&reading);
    *line = line_of(text, reading.at);
    if (error != CF_OK) {
        cf_parts_release(&reading.parts);
        return error;
    }
    *out = reading.parts;
    return CF_OK;
}

void cf_parts_release(struct cf_parts *parts)
{
    free(parts->at);
    *parts = (struct cf_parts){0};
}

bool cf_parts_have(const struct cf_parts *parts, enum cf_part_kind kind)
{
    for (size_t i = 0; i < parts->count; i++)
        if (parts->at[i].kind == kind)
            return true;
    return false;
}
