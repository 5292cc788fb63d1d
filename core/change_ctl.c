/* The commands of an App's ctl file. */
#include "change_step.h"

#include "clock.h"
#include "credential.h"
#include "leave.h"
#include "note.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 32 * 1024 }; /* of one write: all fields, each as long as can be, and some commands */

/* argument: what stands behind the command, blanks around it taken off; len may be 0. That of import, which is secret,
 * goes on to the end of the line. */
typedef enum cf_error command_run(struct cf_change *change, const char *argument, size_t len);

/* rotate [OVERLAP] */
static enum cf_error rotate(struct cf_change *change, const char *argument, size_t len)
{
    int64_t overlap = change->vault->config->overlap;

    if (len > 0 && !cf_duration_parse(argument, len, &overlap))
        return CF_ECOMMAND;
    cf_text_printf(&change->detail, "%s%.*s", len > 0 ? " " : "", (int)len, argument);
    return cf_change_generate(change, overlap);
}

/* A version's number, which is all of the argument. */
static bool parse_version(const char *argument, size_t len, int64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)argument[i]) || i > 9)
            return false;
        *number = *number * 10 + (argument[i] - '0');
    }
    return *number > 0;
}

/* revoke N: and whatever has the same credential */
static enum cf_error revoke(struct cf_change *change, const char *argument, size_t len)
{
    struct cf_versions also;
    int64_t number;
    enum cf_error error;

    if (!parse_version(argument, len, &number))
        return CF_ECOMMAND;
    cf_text_printf(&change->detail, " %lld", (long long)number);
    error = cf_version_revoke(&change->txn, &change->app, number, &also);
    for (size_t i = 0; error == CF_OK && i < also.count; i++)
        cf_text_printf(&change->detail, "%s %lld", i == 0 ? " and, with the same credential," : "",
                       (long long)also.number[i]);
    return error == CF_ENOENT ? CF_ECOMMAND : error;
}

/* rollback N: its values as a new version. Nobody has to be able to read them. */
static enum cf_error rollback(struct cf_change *change, const char *argument, size_t len)
{
    struct cf_secret *const nothing[CF_FIELD_COUNT] = {NULL};
    int64_t number;
    enum cf_error error;

    if (!parse_version(argument, len, &number))
        return CF_ECOMMAND;
    cf_text_printf(&change->detail, " %lld", (long long)number);
    error = cf_change_issue(change, nothing, number, change->vault->config->overlap);
    return error == CF_ENOENT ? CF_ECOMMAND : error;
}

/* import FIELD VALUE: takes it; what was taken is issued when the lines with import are over. */
static enum cf_error import(struct cf_change *change, const char *argument, size_t len)
{
    const char *cursor = argument, *end = argument + len;
    size_t word_len;
    const char *word = cf_word_next(&cursor, end, &word_len);
    const enum cf_field field = word != NULL ? cf_field_find(word, word_len) : CF_NO_FIELD;

    if (field == CF_NO_FIELD || change->value[field] != NULL)
        return CF_ECOMMAND;
    cf_text_printf(&change->detail, " %s", cf_field_word(field));
    cursor += cursor < end ? 1 : 0; /* the blank: all behind it is the value */
    return cf_change_take(change, field, cursor, (size_t)(end - cursor));
}

/* expire 90d, expire 2027-03-01T00:00:00Z, expire never */
static enum cf_error expire(struct cf_change *change, const char *argument, size_t len)
{
    int64_t duration, when = 0;

    if (len == 5 && memcmp(argument, "never", 5) == 0)
        when = 0;
    else if (cf_duration_parse(argument, len, &duration))
        when = cf_now() + duration;
    else if (!cf_time_parse(argument, len, &when) || when <= 0)
        return CF_ECOMMAND;
    change->app.expires = when;
    cf_text_printf(&change->detail, " %.*s", (int)len, argument);
    return CF_OK;
}

static enum cf_error disable(struct cf_change *change, const char *argument, size_t len)
{
    (void)argument;
    change->app.disabled = true;
    return len == 0 ? CF_OK : CF_ECOMMAND;
}

static enum cf_error enable(struct cf_change *change, const char *argument, size_t len)
{
    (void)argument;
    change->app.disabled = false;
    return len == 0 ? CF_OK : CF_ECOMMAND;
}

/* Copy a part of an argument as a string. Returns false when it is longer than most bytes or no string. */
static bool copy(char *to, size_t most, const char *from, size_t len)
{
    if (len > most || (len > 0 && memchr(from, '\0', len) != NULL))
        return false;
    memcpy(to, from, len);
    to[len] = '\0';
    return true;
}

static enum cf_error set_note(struct cf_change *change, const char *name, const char *value)
{
    enum cf_error error = cf_note_set(&change->txn, &change->app, name, value);

    return error == CF_EVALUE ? CF_ECOMMAND : error;
}

static enum cf_error describe(struct cf_change *change, const char *argument, size_t len)
{
    char text[CF_DESCRIPTION_MAX + 1];

    return copy(text, CF_DESCRIPTION_MAX, argument, len) ? set_note(change, "description", text) : CF_ECOMMAND;
}

/* label NAME=VALUE */
static enum cf_error label(struct cf_change *change, const char *argument, size_t len)
{
    const char *equals = len > 0 ? memchr(argument, '=', len) : NULL;
    char name[sizeof "label." + CF_LABEL_NAME_MAX] = "label.", value[CF_LABEL_VALUE_MAX + 1];
    enum cf_error error;

    if (equals == NULL || !copy(name + 6, CF_LABEL_NAME_MAX, argument, (size_t)(equals - argument)) ||
        !copy(value, CF_LABEL_VALUE_MAX, equals + 1, (size_t)(argument + len - equals - 1)))
        return CF_ECOMMAND;
    error = set_note(change, name, value);
    if (error == CF_OK)
        cf_text_printf(&change->detail, " %s", name + 6);
    return error;
}

/* reveal 5m, reveal 2027-03-01T12:00:00Z; reveal 0 gives the leave back. It changes nothing of the App. */
static enum cf_error ask_reveal(struct cf_change *change, const char *argument, size_t len)
{
    struct cf_leave leave = {.uid = change->caller->uid};
    const int64_t now = cf_now();
    char until[CF_TIME_SIZE];
    int64_t duration;

    if (cf_duration_parse(argument, len, &duration))
        leave.until = now + duration;
    else if (!cf_time_parse(argument, len, &leave.until))
        return CF_ECOMMAND;
    if (leave.until < now || leave.until > now + CF_LEAVE_LONGEST)
        return CF_ECOMMAND;
    cf_judge(&change->txn, change->vault->config, change->caller, CF_ASK_REVEAL, &change->app, CF_NO_FIELD,
             &change->verdict);
    if (change->verdict.error != CF_OK)
        return change->verdict.error;
    if (!cf_session_of(change->caller, leave.session)) {
        snprintf(change->verdict.why, sizeof change->verdict.why, "the login session cannot be told");
        return CF_EDENIED;
    }
    cf_time_format(leave.until, until);
    cf_text_printf(&change->detail, " until %s in session %s", until, leave.session);
    return cf_leave_give(&change->txn, &change->app, &leave);
}

static const struct command {
    const char *name;
    command_run *run;
    const char *op; /* for the record */
    enum {
        EDITS,
        IMPORTS, /* edits, when all lines with it were read */
        ASKS     /* changes nothing of the App, and needs no right to edit it */
    } kind;
} commands[] = {
    {"rotate", rotate, "rotate", EDITS},       {"revoke", revoke, "revoke", EDITS},
    {"rollback", rollback, "rollback", EDITS}, {"import", import, "import", IMPORTS},
    {"expire", expire, "expire", EDITS},       {"disable", disable, "disable", EDITS},
    {"enable", enable, "enable", EDITS},       {"describe", describe, "describe", EDITS},
    {"label", label, "label", EDITS},          {"reveal", ask_reveal, "ask", ASKS},
};

static const struct command *find(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strlen(commands[i].name) == len && memcmp(commands[i].name, word, len) == 0)
            return &commands[i];
    return NULL;
}

/* Has the write lines with import, and are they over? */
enum importing { NOT_IMPORTING, IMPORTING, IMPORTED };

/* What stands behind a command. */
static const char *argument_of(const struct command *command, const char *cursor, const char *end, size_t *len)
{
    size_t word_len;
    const char *argument = cf_word_next(&cursor, end, &word_len);

    if (argument == NULL)
        argument = end;
    while (command->kind != IMPORTS && end > argument && isspace((unsigned char)end[-1]))
        end--;
    *len = (size_t)(end - argument);
    return argument;
}

static void say_command(struct cf_change *change, const struct command *command)
{
    const bool is_first = change->detail.len == 0;

    change->op = is_first || strcmp(change->op, command->op) == 0 ? command->op : "control";
    cf_text_printf(&change->detail, "%s%s", is_first ? "" : "; ", command->name);
}

static enum cf_error may_run(struct cf_change *change, const struct command *command, enum importing importing)
{
    if (change->caller->asks_only && command->kind != ASKS) {
        snprintf(change->verdict.why, sizeof change->verdict.why, "no right to edit the App");
        return CF_EDENIED;
    }
    if (command->kind == IMPORTS && importing == IMPORTED) {
        snprintf(change->verdict.why, sizeof change->verdict.why, "the lines with import have to stand together");
        return CF_ECOMMAND;
    }
    return CF_OK;
}

/* End the lines with import, if there are any: one version. */
static enum cf_error end_import(struct cf_change *change, enum importing *importing)
{
    if (*importing != IMPORTING)
        return CF_OK;
    *importing = IMPORTED;
    return cf_change_import(change);
}

/* One line; an empty one is no command. */
static enum cf_error run_line(struct cf_change *change, const char *line, size_t len, enum importing *importing)
{
    const char *cursor = line, *end = line + len;
    size_t word_len, argument_len;
    const char *word = cf_word_next(&cursor, end, &word_len), *argument;
    const struct command *command;
    enum cf_error error = CF_OK;

    if (word == NULL)
        return CF_OK;
    command = find(word, word_len);
    if (command == NULL || command->kind != IMPORTS)
        error = end_import(change, importing);
    if (error != CF_OK)
        return error;
    if (command == NULL)
        return CF_ECOMMAND;
    argument = argument_of(command, cursor, end, &argument_len);
    say_command(change, command);
    error = may_run(change, command, *importing);
    if (command->kind == IMPORTS)
        *importing = IMPORTING;
    else
        change->touches = change->touches || command->kind == EDITS;
    return error == CF_OK ? command->run(change, argument, argument_len) : error;
}

enum cf_error cf_write_ctl(struct cf_vault *vault, struct cf_caller *caller, int64_t serial, const char *text,
                           size_t len)
{
    struct cf_change change = {.vault = vault, .caller = caller, .op = "control", .file = "ctl"};
    enum importing importing = NOT_IMPORTING;
    enum cf_error error = cf_change_begin_app(&change, serial);

    if (error == CF_OK && len > TEXT_MAX)
        error = CF_ETOOBIG;
    while (error == CF_OK && len > 0) {
        const char *newline = memchr(text, '\n', len);
        size_t line = newline != NULL ? (size_t)(newline - text) : len;
        error = run_line(&change, text, line, &importing);
        line += newline != NULL ? 1 : 0;
        text += line;
        len -= line;
    }
    if (error == CF_OK)
        error = end_import(&change, &importing);
    return cf_change_end(&change, error);
}
