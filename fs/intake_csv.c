/* CSV as spreadsheets write it: RFC 4180, with commas, semicolons or tabs, and a row of names first. */
#include "portable.h"

#include <string.h>
#include <strings.h>

enum { COLUMNS_MOST = 16, ROW_MOST = 1024 * 1024 };

/* A column: of a field, or one of these. */
enum { COLUMN_NAME = CF_FIELD_COUNT, COLUMN_APIS };

struct table {
    struct source *source;
    struct cf_fault *fault;
    char separator;                 /* 0 until the first row has shown it */
    struct bytes cells;             /* of the row, one behind the other */
    size_t start[COLUMNS_MOST + 1]; /* where each begins; one more for the end of the last */
    size_t count;
    int column[COLUMNS_MOST]; /* what stands in it */
    size_t columns;
};

static enum cf_error refuse(struct table *table, const char *why)
{
    if (source_fault(table->source) != CF_OK)
        return source_fault(table->source);
    cf_fault_set(table->fault, "%s", why);
    return CF_EFORMAT;
}

static bool is_separator(struct table *table, int byte)
{
    if (table->separator == 0 && (byte == ',' || byte == ';' || byte == '\t'))
        table->separator = (char)byte;
    return table->separator != 0 && byte == table->separator;
}

/* The rest of a cell that began with a quote. */
static enum cf_error read_quoted(struct table *table)
{
    for (;;) {
        const int byte = source_byte(table->source);
        if (byte < 0)
            return refuse(table, "a cell's closing quote is missing");
        if (byte == '"') {
            if (source_peek(table->source) != '"')
                return CF_OK;
            (void)source_byte(table->source);
        }
        if (table->cells.len == ROW_MOST)
            return refuse(table, "a row is longer than 1 MiB");
        if (!bytes_add(&table->cells, (char)byte))
            return CF_ENOMEM;
    }
}

static enum cf_error read_bare(struct table *table)
{
    for (;;) {
        const int byte = source_peek(table->source);
        if (byte < 0 || byte == '\n' || byte == '\r' || is_separator(table, byte))
            return byte == SOURCE_FAILED ? source_fault(table->source) : CF_OK;
        if (byte == '"')
            return refuse(table, "a quote inside a cell that does not begin with one");
        if (table->cells.len == ROW_MOST)
            return refuse(table, "a row is longer than 1 MiB");
        if (!bytes_add(&table->cells, (char)source_byte(table->source)))
            return CF_ENOMEM;
    }
}

static enum cf_error read_cell(struct table *table)
{
    if (table->count == COLUMNS_MOST)
        return refuse(table, "too many cells");
    table->start[table->count++] = table->cells.len;
    if (source_peek(table->source) != '"')
        return read_bare(table);
    (void)source_byte(table->source);
    return read_quoted(table);
}

/* What stands behind a cell. *more: another cell comes. */
static enum cf_error read_border(struct table *table, bool *more)
{
    int byte = source_byte(table->source);

    *more = byte >= 0 && is_separator(table, byte);
    if (*more)
        return CF_OK;
    if (byte == '\r')
        byte = source_byte(table->source);
    if (byte == '\n' || byte == SOURCE_END)
        return CF_OK;
    return refuse(table, "something stands between a closing quote and the end of its cell");
}

/* *any: false at the end. */
static enum cf_error read_row(struct table *table, bool *any)
{
    enum cf_error error = CF_OK;
    bool more = true;

    bytes_clear(&table->cells);
    table->count = 0;
    *any = source_peek(table->source) != SOURCE_END;
    while (error == CF_OK && *any && more) {
        error = read_cell(table);
        if (error == CF_OK)
            error = read_border(table, &more);
    }
    table->start[table->count] = table->cells.len;
    return error;
}

static const char *cell(const struct table *table, size_t at, size_t *len)
{
    *len = at < table->count ? table->start[at + 1] - table->start[at] : 0;
    return *len > 0 ? table->cells.at + table->start[at] : "";
}

static int column_of(const char *name, size_t len)
{
    if (len == 4 && strncasecmp(name, "name", len) == 0)
        return COLUMN_NAME;
    if (len == 4 && strncasecmp(name, "apis", len) == 0)
        return COLUMN_APIS;
    for (int field = 0; field < CF_FIELD_COUNT; field++)
        if (strlen(cf_field_word((enum cf_field)field)) == len &&
            strncasecmp(name, cf_field_word((enum cf_field)field), len) == 0)
            return field;
    return -1;
}

static enum cf_error read_header(struct table *table)
{
    bool any, given[COLUMN_APIS + 1] = {false};
    enum cf_error error = read_row(table, &any);

    if (error != CF_OK)
        return error;
    table->columns = table->count;
    for (size_t i = 0; i < table->count; i++) {
        size_t len;
        const char *name = cell(table, i, &len);
        const int column = column_of(name, len);
        if (column < 0)
            return refuse(table, "the first row names the columns: name, and of key, secret, token, username, "
                                 "password, apis what there is; one of it is none of these");
        if (given[column])
            return refuse(table, "a column comes twice");
        given[column] = true;
        table->column[i] = column;
    }
    return given[COLUMN_NAME] ? CF_OK : refuse(table, "there is no column called name");
}

static enum cf_error fill(struct table *table, struct simple *simple)
{
    enum cf_error error = CF_OK;
    size_t len;

    for (size_t i = 0; error == CF_OK && i < table->columns; i++)
        if (table->column[i] == COLUMN_NAME) {
            const char *name = cell(table, i, &len);
            error = simple_start(simple, name, len, table->fault);
        }
    for (size_t i = 0; error == CF_OK && i < table->columns; i++) {
        const char *text = cell(table, i, &len);
        if (table->column[i] == COLUMN_APIS)
            error = simple_apis(simple, text, len, table->fault);
        else if (table->column[i] != COLUMN_NAME && len > 0)
            simple_value(simple, (enum cf_field)table->column[i], text, len);
    }
    return error;
}

static enum cf_error take_row(struct table *table, struct intake *intake)
{
    struct simple simple = {0};
    enum cf_error error = CF_OK;

    if (table->cells.len == 0 && table->count <= table->columns)
        return CF_OK;
    if (table->count != table->columns)
        return refuse(table, "it has more or fewer cells than the first row");
    error = fill(table, &simple);
    if (error == CF_OK)
        error = intake->app(intake, &simple.parcel, table->fault);
    cf_parcel_release(&simple.parcel);
    return error;
}

enum cf_error intake_csv(struct intake *intake, struct source *source, struct cf_fault *fault)
{
    struct table table = {.source = source, .fault = fault};
    size_t line = source_line(source);
    bool any = true;
    enum cf_error error = read_header(&table);

    while (error == CF_OK && any) {
        line = source_line(source);
        error = read_row(&table, &any);
        if (error == CF_OK && any)
            error = take_row(&table, intake);
    }
    if (error != CF_OK)
        fault_at_line(fault, line, error);
    bytes_release(&table.cells);
    return error;
}
