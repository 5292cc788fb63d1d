/* Objects of JSON one behind the other, a line each or as they are indented; or one array of them. */
#include "portable.h"

#include <string.h>

enum { OBJECT_MOST = 16 * 1024 * 1024, ARRAY_MOST = 256 * 1024 * 1024 };

struct objects {
    struct intake *intake;
    struct cf_fault *fault;
    bool has_begin, has_end;
    int64_t apps;
};

/* What jansson says of an error can quote the text, and so a value: only the place is told. */
static void tell_place(struct cf_fault *fault, const json_error_t *where, size_t line, size_t column)
{
    cf_fault_set(fault, "line %zu: not valid JSON near its column %zu", line + (size_t)(where->line - 1),
                 (size_t)where->column + (where->line == 1 ? column : 0));
}

static enum cf_error refuse(struct cf_fault *fault, const char *why)
{
    cf_fault_set(fault, "%s", why);
    return CF_EFORMAT;
}

static enum cf_error take_begin(struct objects *objects, json_t *object)
{
    if (objects->has_begin)
        return refuse(objects->fault, "a second beginning");
    if (json_integer_value(json_object_get(object, "format")) != 1)
        return refuse(objects->fault, "a format that this credfs does not know: use a newer one");
    objects->has_begin = true;
    return CF_OK;
}

static enum cf_error take_end(struct objects *objects, json_t *object)
{
    if (json_integer_value(json_object_get(object, "apps")) != objects->apps)
        return refuse(objects->fault, "it says that there are more or fewer Apps than came: something is missing");
    objects->has_end = true;
    return CF_OK;
}

static enum cf_error take(struct objects *objects, json_t *object)
{
    if (!json_is_object(object))
        return refuse(objects->fault, "an object is wanted");
    if (objects->has_end)
        return refuse(objects->fault, "something stands behind the end");
    if (json_object_get(object, "credfs"))
        return take_begin(objects, object);
    if (json_object_get(object, "end"))
        return take_end(objects, object);
    if (json_object_get(object, "assignees"))
        return portable_take_assignees(objects->intake, object, objects->fault);
    objects->apps++;
    return json_object_get(object, "app") ? portable_take_app(objects->intake, object, objects->fault)
                                          : portable_take_simple(objects->intake, object, objects->fault);
}

/* --- objects ------------------------------------------------------------------------------------------------------ */

struct stream {
    struct source *source;
    size_t column; /* of the line: how many bytes of it were read */
    size_t taken;  /* bytes of the object that is being read */
};

static int next_byte(struct stream *stream)
{
    const int byte = source_byte(stream->source);

    stream->column = byte == '\n' ? 0 : stream->column + 1;
    return byte;
}

/* For jansson, which is given no byte behind the object, and keeps none of it in a buffer of its own. */
static size_t feed(void *to, size_t size, void *arg)
{
    struct stream *stream = arg;
    const int byte = stream->taken < OBJECT_MOST && size > 0 ? next_byte(stream) : SOURCE_FAILED;

    if (byte < 0)
        return byte == SOURCE_END ? 0 : (size_t)-1;
    stream->taken++;
    *(char *)to = (char)byte;
    return 1;
}

/* Pass over blanks. Returns false where nothing more comes. */
static bool has_more(struct stream *stream)
{
    int byte = source_peek(stream->source);

    while (byte > 0 && strchr(" \t\r\n", byte)) {
        (void)next_byte(stream);
        byte = source_peek(stream->source);
    }
    return byte >= 0;
}

static enum cf_error take_next(struct objects *objects, struct stream *stream)
{
    const size_t line = source_line(stream->source), column = stream->column;
    json_error_t where;
    json_t *object;
    enum cf_error error;

    stream->taken = 0;
    object = json_load_callback(feed, stream, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &where);
    if (!object && source_fault(stream->source) != CF_OK)
        return source_fault(stream->source);
    if (!object && stream->taken < OBJECT_MOST) {
        tell_place(objects->fault, &where, line, column);
        return CF_EFORMAT;
    }
    error = object ? take(objects, object) : CF_ETOOBIG;
    json_decref(object);
    if (error != CF_OK)
        fault_at_line(objects->fault, line, error);
    return error;
}

static enum cf_error take_objects(struct objects *objects, struct source *source)
{
    struct stream stream = {.source = source};
    enum cf_error error = CF_OK;

    while (error == CF_OK && has_more(&stream))
        error = take_next(objects, &stream);
    if (error == CF_OK)
        error = source_fault(source);
    if (error == CF_OK && objects->has_begin && !objects->has_end)
        return refuse(objects->fault, "its end is missing: it was cut off");
    return error;
}

/* --- an array ----------------------------------------------------------------------------------------------------- */

static enum cf_error read_all(struct source *source, struct bytes *text)
{
    int byte = source_byte(source);

    while (byte >= 0) {
        if (text->len == ARRAY_MOST)
            return CF_ETOOBIG;
        if (!bytes_add(text, (char)byte))
            return CF_ENOMEM;
        byte = source_byte(source);
    }
    return byte == SOURCE_FAILED ? source_fault(source) : CF_OK;
}

static enum cf_error take_array(struct objects *objects, struct source *source)
{
    const size_t line = source_line(source);
    struct bytes text = {0};
    json_error_t where;
    json_t *array = NULL;
    enum cf_error error = read_all(source, &text);

    if (error == CF_OK) {
        array = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, &where);
        error = array ? CF_OK : CF_EFORMAT;
        if (!array)
            tell_place(objects->fault, &where, line, 0);
    }
    bytes_release(&text);
    for (size_t i = 0; error == CF_OK && i < json_array_size(array); i++) {
        error = take(objects, json_array_get(array, i));
        if (error != CF_OK) {
            struct cf_fault what = *objects->fault;
            cf_fault_set(objects->fault, "entry %zu: %.480s", i + 1,
                         what.text[0] ? what.text : cf_error_text(error));
        }
    }
    json_decref(array);
    return error;
}

enum cf_error intake_json(struct intake *intake, struct source *source, struct cf_fault *fault)
{
    struct objects objects = {.intake = intake, .fault = fault};

    return source_peek(source) == '[' ? take_array(&objects, source) : take_objects(&objects, source);
}
