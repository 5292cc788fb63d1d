#include "ini.h"

#include "text.h"

#include <ini.h> /* inih's, which has the same name as ours */
#include <search.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* inih reads into 200 bytes: the line, its newline and a NUL. */
enum { LINE_MOST = 198 };

struct parser {
    const char *at, *end; /* what is not yet read */
    int line;             /* number of the line that was read last */
    bool is_indented;     /* that line begins with white space */
    char section[LINE_MOST + 1];
    char name[LINE_MOST + 1]; /* the last one in this section, which an indented line continues */
    void *seen;               /* tree of "SECTION\nNAME" */
    cf_ini_line *call;
    void *arg;
    char doubled[2 * LINE_MOST + 32];
    const char *reason; /* why the line is refused; the first one stays */
    enum cf_error error;
};

/* reason: NULL changes nothing. */
static void refuse(struct parser *parser, enum cf_error error, const char *reason)
{
    if (reason != NULL && parser->reason == NULL) {
        parser->error = error;
        parser->reason = reason;
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *string)
{
    return string + strspn(string, " \t");
}

/* A line that may hold anything becomes text: UTF-8 with no control character but the tab. */
static const char *check_bytes(const char *line, size_t len)
{
    if (len > LINE_MOST)
        return "line longer than 198 characters";
    for (size_t at = 0; at < len;) {
        uint32_t code;
        size_t step = cf_utf8_next(line + at, len - at, &code);

        if (step == 0)
            return "not valid UTF-8";
        if (code == 0)
            return "a NUL byte";
        if (code != '\t' && (code < 0x20 || (code >= 0x7F && code <= 0x9F)))
            return "a control character";
        at += step;
    }
    return NULL;
}

/* `[SECTION]`, and nothing behind it, where inih would not look. inih cuts its name at 49
 * bytes, so we keep our own. */
static const char *enter_section(struct parser *parser, const char *line)
{
    const char *name = line + 1, *close = strchr(name, ']'), *rest;
    size_t len;

    if (close == NULL)
        return "no ] behind the section's name";
    len = (size_t)(close - name);
    if (len == 0 || is_blank(name[0]) || is_blank(name[len - 1]))
        return "a section's name is empty, or has white space around it";
    rest = skip_blanks(close + 1);
    if (*rest != '\0')
        return "text behind the section's ]";
    memcpy(parser->section, name, len);
    parser->section[len] = '\0';
    parser->name[0] = '\0';
    return parser->call(parser->arg, parser->section, NULL, NULL, false);
}

/* A ';' behind white space begins a comment, which inih cuts off as well, but not from an indented line. */
static void cut_comment(char *line)
{
    for (; *line != '\0'; line++) {
        if (is_blank(line[0]) && line[1] == ';')
            line[1] = '\0';
    }
}

/* Refuse what inih would take for something else, or would take in silence. line: without its newline and
 * comment. */
static const char *check_line(struct parser *parser, const char *line)
{
    const char *start = skip_blanks(line), *sign;

    parser->is_indented = start > line;
    if (*start == '\0' || *start == '#' || *start == ';')
        return NULL;
    if (parser->is_indented) {
        if (*start == '[')
            return "a section does not begin in the first column";
        return parser->name[0] != '\0' ? NULL : "white space at its start, but no line before it to continue";
    }
    if (*start == '[')
        return enter_section(parser, line);
    sign = strpbrk(line, "=:");
    if (sign == NULL || *sign != '=')
        return "neither a [section] nor a `name = value` line";
    return sign > line ? NULL : "no name before the =";
}

/* Step over the next line. len: its length without its newline. Returns its start, or NULL at the end. */
static const char *step_line(struct parser *parser, size_t *len)
{
    const char *line = parser->at;
    size_t left = (size_t)(parser->end - line);
    const char *newline = left > 0 ? memchr(line, '\n', left) : NULL;

    if (left == 0)
        return NULL;
    parser->line++;
    parser->at = newline != NULL ? newline + 1 : parser->end;
    *len = newline != NULL ? (size_t)(newline - line) : left;
    if (newline != NULL && *len > 0 && newline[-1] == '\r')
        --*len;
    return line;
}

/* inih's reader: one whole line at a time, so that its count of lines is ours; NULL ends the reading. */
static char *next_line(char *out, int size, void *stream)
{
    struct parser *parser = stream;
    size_t len = 0;
    const char *line = parser->reason == NULL ? step_line(parser, &len) : NULL;

    if (line == NULL)
        return NULL;
    refuse(parser, CF_ECONFIG, check_bytes(line, len));
    if (size < LINE_MOST + 2)
        refuse(parser, CF_ECONFIG, "longer than the lines that this build of inih reads");
    if (parser->reason != NULL)
        return NULL;
    memcpy(out, line, len);
    out[len] = '\0';
    cut_comment(out);
    refuse(parser, CF_ECONFIG, check_line(parser, out));
    memcpy(out + strlen(out), "\n", 2);
    return parser->reason == NULL ? out : NULL;
}

static int compare_seen(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void refuse_doubled(struct parser *parser, const char *name)
{
    if (parser->section[0] != '\0')
        snprintf(parser->doubled, sizeof parser->doubled, "[%s] has '%s' already", parser->section, name);
    else
        snprintf(parser->doubled, sizeof parser->doubled, "'%s' is there already", name);
    refuse(parser, CF_ECONFIG, parser->doubled);
}

/* Remember a name of the present section, which must be its first line there. */
static void note_name(struct parser *parser, const char *name)
{
    size_t section = strlen(parser->section), len = strlen(name);
    char *key = malloc(section + len + 2);
    char *const *node;

    if (key != NULL) {
        memcpy(key, parser->section, section);
        key[section] = '\n';
        memcpy(key + section + 1, name, len + 1);
    }
    node = key != NULL ? tsearch(key, &parser->seen, compare_seen) : NULL;
    if (node == NULL)
        refuse(parser, CF_ENOMEM, "out of memory");
    else if (*node != key)
        refuse_doubled(parser, name);
    if (node == NULL || *node != key)
        free(key);
    memcpy(parser->name, name, len + 1);
}

/* inih's handler. name is cut in an indented line, and section always, so ours are used. */
static int take_line(void *user, const char *section, const char *name, const char *value)
{
    struct parser *parser = user;
    bool again = parser->is_indented;
    const char *reason;

    (void)section;
    if (!again)
        note_name(parser, name);
    if (parser->reason != NULL)
        return 0;
    reason = parser->call(parser->arg, parser->section, parser->name, value, again);
    refuse(parser, CF_ECONFIG, reason);
    return reason == NULL;
}

/* Drop what makes no difference: a byte order mark. */
static const char *skip_mark(const char *text, size_t len)
{
    return len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? text + 3 : text;
}

enum cf_error cf_ini_text(const char *title, const char *text, size_t len, cf_ini_line *line, void *arg,
                          struct cf_fault *fault)
{
    struct parser parser = {.at = skip_mark(text, len), .end = text + len, .call = line, .arg = arg};
    int first = ini_parse_stream(next_line, &parser, take_line, &parser);

    if (first < 0)
        refuse(&parser, CF_ENOMEM, "out of memory");
    else if (first > 0 && parser.reason == NULL)
        parser.line = first;
    if (first > 0)
        refuse(&parser, CF_ECONFIG, "neither a [section] nor a `name = value` line");
    if (parser.error != CF_OK)
        cf_fault_set(fault, "%s:%d: %s", title, parser.line, parser.reason);
    tdestroy(parser.seen, free);
    return parser.error;
}
