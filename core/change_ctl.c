/* The commands of an App's ctl file. */
#include "change_step.h"

#include "clock.h"
#include "credential.h"
#include "leave.h"
#include "note.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { DESCRIPTION_MAX = 1000, LABEL_NAME_MAX = 64, LABEL_VALUE_MAX = 256, LABELS_MAX = 64 };

/* argument: what stands behind the command, blanks around it taken off; len may be 0. */
typedef enum cf_error command_run(struct cf_change *change, const char *argument, size_t len);

/* rotate [OVERLAP] */
static enum cf_error rotate(struct cf_change *change, const char *argument, size_t len)
{
    int64_t overlap = change->vault->config->overlap;

    if (len > 0 && !cf_duration_parse(argument, len, &overlap))
        return CF_ECOMMAND;
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

/* revoke N */
static enum cf_error revoke(struct cf_change *change, const char *argument, size_t len)
{
    int64_t number;
    enum cf_error error;

    if (!parse_version(argument, len, &number))
        return CF_ECOMMAND;
    cf_text_printf(&change->detail, " %lld", (long long)number);
    error = cf_version_revoke(&change->txn, &change->app, number);
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
    return error == CF_ENOENT || error == CF_EREVOKED ? CF_ECOMMAND : error;
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

static enum cf_error describe(struct cf_change *change, const char *argument, size_t len)
{
    char text[DESCRIPTION_MAX + 1];

    if (!cf_line_valid(argument, len, DESCRIPTION_MAX))
        return CF_ECOMMAND;
    memcpy(text, argument, len);
    text[len] = '\0';
    return cf_note_set(&change->txn, &change->app, "description", text);
}

static bool is_label_name(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && strchr("._-", name[i]) == NULL)
            return false;
    return len > 0 && len <= LABEL_NAME_MAX;
}

static void count_label(void *arg, const char *name, const char *value)
{
    int *count = arg;

    (void)value;
    *count += strncmp(name, "label.", 6) == 0;
}

static enum cf_error label(struct cf_change *change, const char *argument, size_t len)
{
    const char *equals = len > 0 ? memchr(argument, '=', len) : NULL;
    char name[sizeof "label." + LABEL_NAME_MAX], value[LABEL_VALUE_MAX + 1];
    size_t name_len, value_len;
    int count = 0;
    enum cf_error error;

    if (equals == NULL)
        return CF_ECOMMAND;
    name_len = (size_t)(equals - argument);
    value_len = len - name_len - 1;
    if (!is_label_name(argument, name_len) || !cf_line_valid(equals + 1, value_len, LABEL_VALUE_MAX))
        return CF_ECOMMAND;
    memcpy(name, "label.", 6);
    memcpy(name + 6, argument, name_len);
    name[6 + name_len] = '\0';
    memcpy(value, equals + 1, value_len);
    value[value_len] = '\0';
    cf_text_printf(&change->detail, " %s", name + 6);
    error = cf_note_set(&change->txn, &change->app, name, value);
    if (error == CF_OK)
        error = cf_note_each(&change->txn, &change->app, count_label, &count);
    return error == CF_OK && count > LABELS_MAX ? CF_ECOMMAND : error;
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
    bool asks;      /* changes nothing of the App, and needs no right to edit it */
} commands[] = {
    {"rotate", rotate, "rotate", false},       {"revoke", revoke, "revoke", false},
    {"rollback", rollback, "rollback", false}, {"expire", expire, "expire", false},
    {"disable", disable, "disable", false},    {"enable", enable, "enable", false},
    {"describe", describe, "describe", false}, {"label", label, "label", false},
    {"reveal", ask_reveal, "ask", true},
};

static const struct command *find(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strlen(commands[i].name) == len && memcmp(commands[i].name, word, len) == 0)
            return &commands[i];
    return NULL;
}

/* One line; an empty one is no command. */
static enum cf_error run_line(struct cf_change *change, const char *line, size_t len)
{
    const char *cursor = line, *end = line + len;
    size_t word_len, skipped;
    const char *word = cf_word_next(&cursor, end, &word_len);
    const struct command *command;
    const char *argument;

    if (word == NULL)
        return CF_OK;
    command = find(word, word_len);
    if (command == NULL)
        return CF_ECOMMAND;
    argument = cf_word_next(&cursor, end, &skipped);
    if (argument == NULL)
        argument = end;
    while (end > argument && isspace((unsigned char)end[-1]))
        end--;
    change->op = change->detail.len > 0 ? "control" : command->op;
    change->touches = change->touches || !command->asks;
    cf_text_printf(&change->detail, "%s%s", change->detail.len > 0 ? "; " : "", command->name);
    if (change->caller->asks_only && !command->asks) {
        snprintf(change->verdict.why, sizeof change->verdict.why, "no right to edit the App");
        return CF_EDENIED;
    }
    return command->run(change, argument, (size_t)(end - argument));
}

enum cf_error cf_write_ctl(struct cf_vault *vault, struct cf_caller *caller, int64_t serial, const char *text,
                           size_t len)
{
    struct cf_change change = {.vault = vault, .caller = caller, .op = "control", .file = "ctl"};
    enum cf_error error = cf_change_begin_app(&change, serial);

    if (error == CF_OK && len > CF_VALUE_MAX)
        error = CF_ETOOBIG;
    while (error == CF_OK && len > 0) {
        const char *newline = memchr(text, '\n', len);
        size_t line = newline != NULL ? (size_t)(newline - text) : len;
        error = run_line(&change, text, line);
        line += newline != NULL ? 1 : 0;
        text += line;
        len -= line;
    }
    return cf_change_end(&change, error);
}
