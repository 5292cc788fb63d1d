#include "exec.h"

#include "client.h"
#include "command.h"
#include "core/credential.h"
#include "log.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    READS_MOST = 8,        /* of a view that grows from one look to the next */
    VARIABLES_MOST = 4096, /* that a view may set */
    NOT_FOUND = 127,       /* as env(1) has it */
    NOT_EXECUTED = 126,
};

/* --- memory of jansson's, which holds values until it is freed --------------------------------------------------- */

struct block {
    size_t len;
    _Alignas(max_align_t) unsigned char bytes[];
};

static void *wiped_new(size_t len)
{
    struct block *block = len > SIZE_MAX - sizeof(*block) ? NULL : malloc(sizeof(*block) + len);

    if (!block)
        return NULL;
    block->len = len;
    return block->bytes;
}

static void wiped_free(void *bytes)
{
    struct block *block;

    if (!bytes)
        return;
    block = (struct block *)((unsigned char *)bytes - offsetof(struct block, bytes));
    cf_wipe(block->bytes, block->len);
    free(block);
}

/* --- the environment --------------------------------------------------------------------------------------------- */

static int no_memory(void)
{
    log_error("out of memory for the command's environment");
    return EX_OSERR;
}

/* The caller's variables, and room for what a view may set. */
static bool env_start(struct exec_env *env)
{
    size_t count = 0;

    while (environ[count])
        count++;
    env->vars = calloc(count + VARIABLES_MOST + 1, sizeof(*env->vars));
    if (!env->vars)
        return false;
    memcpy(env->vars, environ, count * sizeof(*env->vars));
    env->count = count;
    return true;
}

/* Take away each variable of this name. */
static void env_drop(struct exec_env *env, const char *name, size_t len)
{
    size_t kept = 0;

    for (size_t i = 0; i < env->count; i++)
        if (strncmp(env->vars[i], name, len) != 0 || env->vars[i][len] != '=')
            env->vars[kept++] = env->vars[i];
    env->count = kept;
    env->vars[kept] = NULL;
}

static void env_set(struct exec_env *env, char *variable)
{
    env_drop(env, variable, strcspn(variable, "="));
    env->vars[env->count++] = variable;
    env->vars[env->count] = NULL;
}

/* Set NAME to a text of len bytes, in secret memory. out: where the text goes, NULL on failure. */
static char *env_room(struct exec_env *env, const char *name, size_t len)
{
    const size_t head = strlen(name) + 1;
    struct cf_secret *secret = cf_secret_new(head + len + 1);
    char *variable;

    if (!secret)
        return NULL;
    env->held[env->held_count++] = secret;
    variable = (char *)cf_secret_bytes(secret);
    memcpy(variable, name, head - 1);
    variable[head - 1] = '=';
    env_set(env, variable);
    return variable + head;
}

static bool env_text(struct exec_env *env, const char *name, const json_t *text)
{
    char *room;

    if (!json_is_string(text)) {
        env_drop(env, name, strlen(name));
        return true;
    }
    room = env_room(env, name, json_string_length(text));
    if (room)
        memcpy(room, json_string_value(text), json_string_length(text));
    return room;
}

static bool env_list(struct exec_env *env, const char *name, const json_t *list)
{
    size_t len = 0, i;
    json_t *one;
    char *room;

    json_array_foreach(list, i, one) len += json_string_length(one) + 1;
    room = env_room(env, name, len > 0 ? len - 1 : 0);
    if (!room)
        return false;
    json_array_foreach(list, i, one)
    {
        if (i > 0)
            *room++ = ',';
        memcpy(room, json_string_value(one), json_string_length(one));
        room += json_string_length(one);
    }
    return true;
}

static bool env_field(struct exec_env *env, const json_t *view, enum cf_field field)
{
    const char *word = cf_field_word(field);
    char name[32];

    snprintf(name, sizeof(name), "API_%s", word);
    for (char *at = name; *at; at++)
        *at = (char)toupper((unsigned char)*at);
    return env_text(env, name, json_object_get(view, word));
}

static bool env_object(struct exec_env *env, const json_t *view)
{
    for (int field = 0; field < CF_FIELD_COUNT; field++)
        if (!env_field(env, view, (enum cf_field)field))
            return false;
    return env_text(env, "API_APP", json_object_get(view, "app")) &&
           env_list(env, "APIS", json_object_get(view, "apis"));
}

static int take_json(const struct exec_task *task, struct exec_env *env, const struct cf_secret *text)
{
    json_t *view;
    int code = 0;

    json_set_alloc_funcs(wiped_new, wiped_free);
    view = json_loadb((const char *)cf_secret_peek(text), cf_secret_len(text) - 1, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(view)) {
        log_error("%s/views/%s: not a JSON object", task->app, task->view);
        code = EX_DATAERR;
    } else if (!env_object(env, view)) {
        code = no_memory();
    }
    json_decref(view);
    return code;
}

/* --- views of lines ---------------------------------------------------------------------------------------------- */

static bool is_variable(const char *line)
{
    size_t len = 0;

    while (isalnum((unsigned char)line[len]) || line[len] == '_')
        len++;
    return len > 0 && line[len] == '=' && !isdigit((unsigned char)line[0]);
}

static bool says_nothing(const char *line)
{
    line += strspn(line, " \t\r");
    return *line == '\0' || *line == '#';
}

/* The variables lie where the view does, with a NUL for each newline. */
static int take_lines(const struct exec_task *task, struct exec_env *env, struct cf_secret *text)
{
    char *line = (char *)cf_secret_bytes(text), *stop = line + cf_secret_len(text) - 1, *end;
    const char *fault = NULL;
    size_t number = 0, set = 0;

    for (; line < stop && !fault; line = end + 1) {
        end = memchr(line, '\n', (size_t)(stop - line));
        if (!end)
            end = stop;
        *end = '\0';
        number++;
        if (line + strlen(line) != end)
            fault = "it has a NUL";
        else if (says_nothing(line))
            continue;
        else if (!is_variable(line))
            fault = "not NAME=value";
        else if (set++ == VARIABLES_MOST)
            fault = "too many variables";
        else
            env_set(env, line);
    }
    if (!fault)
        return 0;
    log_error("%s/views/%s:%zu: %s", task->app, task->view, number, fault);
    return EX_DATAERR;
}

/* --- reading it -------------------------------------------------------------------------------------------------- */

/* Fill text from the file. Returns how much was read, -1 with errno set. */
static ssize_t read_full(int fd, struct cf_secret *text)
{
    uint8_t *bytes = cf_secret_bytes(text);
    size_t len = 0;

    while (len < cf_secret_len(text)) {
        ssize_t got = read(fd, bytes + len, cf_secret_len(text) - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

/* Read an open view into new secret memory, which has a byte more than the view: a NUL. When it has become longer since
 * its size was told, *text is NULL. Returns 0, or an exit code and *text NULL. */
static int read_open(const struct exec_task *task, const char *file, int fd, struct cf_secret **text)
{
    struct stat st;
    ssize_t len;

    *text = NULL;
    if (fstat(fd, &st) != 0)
        return client_fail(task->app, file, errno);
    *text = cf_secret_new((size_t)st.st_size + 1);
    if (!*text) {
        log_error("%s/%s: no locked memory for it: raise the limit (ulimit -l)", task->app, file);
        return EX_OSERR;
    }
    len = read_full(fd, *text);
    if (len >= 0 && len <= st.st_size) {
        cf_secret_shorten(*text, (size_t)len + 1);
        return 0;
    }
    cf_secret_free(*text);
    *text = NULL;
    return len < 0 ? client_fail(task->app, file, errno) : 0;
}

static int read_view(const struct exec_task *task, struct cf_secret **text)
{
    char file[PATH_SIZE];
    int code = 0;

    *text = NULL;
    snprintf(file, sizeof(file), "views/%s", task->view);
    for (int i = 0; i < READS_MOST && code == 0 && !*text; i++) {
        int fd = client_open(task->mountpoint, task->app, file, O_RDONLY);
        if (fd < 0)
            return client_fail(task->app, file, errno);
        code = read_open(task, file, fd, text);
        (void)close(fd);
    }
    if (code == 0 && !*text) {
        log_error("%s/%s: it changes faster than it can be read", task->app, file);
        code = EX_TEMPFAIL;
    }
    return code;
}

int exec_env_make(const struct exec_task *task, struct exec_env *env)
{
    struct cf_fault fault = {""};
    struct cf_secret *text = NULL;
    enum cf_error error = cf_crypto_start(&fault);
    int code;

    *env = (struct exec_env){0};
    if (error != CF_OK)
        return command_fail(error, &fault);
    if (!env_start(env))
        return no_memory();
    code = read_view(task, &text);
    if (code != 0)
        return code;
    if (strcmp(task->view, "json") == 0)
        code = take_json(task, env, text);
    else
        code = take_lines(task, env, text);
    env->held[env->held_count++] = text;
    return code;
}

void exec_env_release(struct exec_env *env)
{
    for (size_t i = 0; i < env->held_count; i++)
        cf_secret_free(env->held[i]);
    free(env->vars);
    *env = (struct exec_env){0};
}

int exec_become(const struct exec_task *task, const struct exec_env *env)
{
    int number;

    execvpe(task->command[0], task->command, env->vars);
    number = errno;
    log_error("%s: %s", task->command[0], strerror(number));
    return number == ENOENT ? NOT_FOUND : NOT_EXECUTED;
}
