/* Lines of JSON, or one array. */
#include "portable.h"

#include <string.h>

enum { LINE_MOST = 16 * 1024 * 1024, ARRAY_MOST = 256 * 1024 * 1024 };

struct lines {
    struct intake *intake;
    struct cf_fault *fault;
    bool has_begin, has_end;
    int64_t apps;
};

/* What jansson says of an error can quote the text, and so a value: only the place is told. */
static json_t *parse(const struct bytes *text, size_t line, struct cf_fault *fault)
{
    json_error_t where;
    json_t *value = json_loadb(text->at, text->len, JSON_REJECT_DUPLICATES, &where);

    if (!value)
        cf_fault_set(fault, "line %zu: not valid JSON near its column %d", line + (size_t)(where.line - 1),
                     where.column);
    return value;
}

static enum cf_error refuse(struct cf_fault *fault, const char *why)
{
    cf_fault_set(fault, "%s", why);
    return CF_EFORMAT;
}

static enum cf_error take_begin(struct lines *lines, json_t *object)
{
    if (lines->has_begin)
        return refuse(lines->fault, "a second beginning");
    if (json_integer_value(json_object_get(object, "format")) != 1)
        return refuse(lines->fault, "a format that this credfs does not know: use a newer one");
    lines->has_begin = true;
    return CF_OK;
}

static enum cf_error take_end(struct lines *lines, json_t *object)
{
    if (json_integer_value(json_object_get(object, "apps")) != lines->apps)
        return refuse(lines->fault, "it says that there are more or fewer Apps than came: something is missing");
    lines->has_end = true;
    return CF_OK;
}

static enum cf_error take(struct lines *lines, json_t *object)
{
    if (!json_is_object(object))
        return refuse(lines->fault, "an object is wanted");
    if (lines->has_end)
        return refuse(lines->fault, "something stands behind the end");
    if (json_object_get(object, "credfs"))
        return take_begin(lines, object);
    if (json_object_get(object, "end"))
        return take_end(lines, object);
    if (json_object_get(object, "assignees"))
        return portable_take_assignees(lines->intake, object, lines->fault);
    lines->apps++;
    return json_object_get(object, "app") ? portable_take_app(lines->intake, object, lines->fault)
                                          : portable_take_simple(lines->intake, object, lines->fault);
}

/* Up to and without the newline; at the end of an array, all of it. *more: false at the end of the source. */
static enum cf_error read_text(struct source *source, struct bytes *text, int until, size_t most, bool *more)
{
    int byte = source_byte(source);

    bytes_clear(text);
    *more = byte != SOURCE_END;
    while (byte >= 0 && byte != until) {
        if (text->len == most)
            return CF_ETOOBIG;
        if (!bytes_add(text, (char)byte))
            return CF_ENOMEM;
        byte = source_byte(source);
    }
    return byte == SOURCE_FAILED ? source_fault(source) : CF_OK;
}

static bool is_blank(const struct bytes *text)
{
    for (size_t i = 0; i < text->len; i++)
        if (!strchr(" \t\r", text->at[i]))
            return false;
    return true;
}

static enum cf_error take_lines(struct lines *lines, struct source *source, struct bytes *text)
{
    enum cf_error error = CF_OK;
    bool more = true;

    while (error == CF_OK && more) {
        const size_t line = source_line(source);
        json_t *object;
        error = read_text(source, text, '\n', LINE_MOST, &more);
        if (error == CF_OK && is_blank(text))
            continue;
        object = error == CF_OK ? parse(text, line, lines->fault) : NULL;
        bytes_clear(text);
        if (error == CF_OK && !object)
            return CF_EFORMAT;
        if (error == CF_OK)
            error = take(lines, object);
        json_decref(object);
        if (error != CF_OK)
            fault_at_line(lines->fault, line, error);
    }
    if (error == CF_OK && lines->has_begin && !lines->has_end)
        return refuse(lines->fault, "its end is missing: it was cut off");
    return error;
}

static enum cf_error take_array(struct lines *lines, struct source *source, struct bytes *text)
{
    bool more;
    json_t *array = NULL;
    enum cf_error error = read_text(source, text, SOURCE_END, ARRAY_MOST, &more);

    if (error == CF_OK) {
        array = parse(text, 1, lines->fault);
        error = array ? CF_OK : CF_EFORMAT;
    }
    bytes_clear(text);
    for (size_t i = 0; error == CF_OK && i < json_array_size(array); i++) {
        error = take(lines, json_array_get(array, i));
        if (error != CF_OK) {
            struct cf_fault what = *lines->fault;
            cf_fault_set(lines->fault, "entry %zu: %.480s", i + 1, what.text[0] ? what.text : cf_error_text(error));
        }
    }
    json_decref(array);
    return error;
}

enum cf_error intake_json(struct intake *intake, struct source *source, struct cf_fault *fault)
{
    struct lines lines = {.intake = intake, .fault = fault};
    struct bytes text = {0};
    enum cf_error error =
        source_peek(source) == '[' ? take_array(&lines, source, &text) : take_lines(&lines, source, &text);

    bytes_release(&text);
    return error;
}
