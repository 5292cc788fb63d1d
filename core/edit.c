#include "edit.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static enum cf_error add(struct cf_edits *edits, size_t *room, const char *entry, size_t len)
{
    struct cf_edit edit = {.entry = entry, .len = len};

    if (*entry == '+' || *entry == '-') {
        edit = (struct cf_edit){.sign = *entry, .entry = entry + 1, .len = len - 1};
        if (edit.len == 0 || is_blank(*edit.entry))
            return CF_EVALUE;
    }
    if (edits->count > 0 && edits->is_marked != (edit.sign != 0))
        return CF_EMIXED;
    edits->is_marked = edit.sign != 0;
    if (edits->count == *room) {
        size_t more = *room == 0 ? 16 : *room * 2;
        struct cf_edit *at = realloc(edits->at, more * sizeof *at);
        if (at == NULL)
            return CF_ENOMEM;
        edits->at = at;
        *room = more;
    }
    edits->at[edits->count++] = edit;
    return CF_OK;
}

/* The entries of one line, without its comment. */
static enum cf_error add_line(struct cf_edits *edits, size_t *room, const char *line, size_t len,
                              enum cf_edit_unit unit)
{
    const char *comment = memchr(line, '#', len);
    const char *cursor = line, *end = comment != NULL ? comment : line + len;
    const char *word;
    size_t word_len;
    enum cf_error error = CF_OK;

    if (unit == CF_EDIT_WORDS) {
        while (error == CF_OK && (word = cf_word_next(&cursor, end, &word_len)) != NULL)
            error = add(edits, room, word, word_len);
        return error;
    }
    while (cursor < end && is_blank(*cursor))
        cursor++;
    while (end > cursor && is_blank(end[-1]))
        end--;
    return cursor < end ? add(edits, room, cursor, (size_t)(end - cursor)) : CF_OK;
}

enum cf_error cf_edit_parse(const char *text, size_t len, enum cf_edit_unit unit, struct cf_edits *edits)
{
    size_t room = 0;
    enum cf_error error = CF_OK;

    *edits = (struct cf_edits){0};
    if (len > CF_EDIT_MAX)
        return CF_ETOOBIG;
    if (len > 0 && memchr(text, '\0', len) != NULL)
        return CF_EVALUE;
    while (error == CF_OK && len > 0) {
        const char *newline = memchr(text, '\n', len);
        size_t line = newline != NULL ? (size_t)(newline - text) : len;
        error = add_line(edits, &room, text, line, unit);
        line += newline != NULL ? 1 : 0;
        text += line;
        len -= line;
    }
    if (error != CF_OK)
        cf_edits_release(edits);
    return error;
}

void cf_edits_release(struct cf_edits *edits)
{
    free(edits->at);
    *edits = (struct cf_edits){0};
}
