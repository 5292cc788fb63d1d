/* credfs exec: run a command with an App's values in its environment, and nowhere else. */
#include "client.h"
#include "command.h"
#include "exec.h"
#include "harden.h"
#include "log.h"

#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

struct options {
    const char *mountpoint; /* NULL: the default */
    struct exec_task task;
    bool is_watching;
    int signal; /* 0: start it anew */
};

static const struct argp_option argp_options[] = {
    {"mount", 'm', "MOUNTPOINT", 0, "Where the store is mounted", 0},
    {"view", 'v', "VIEW", 0, "Take NAME=value lines from views/VIEW instead: env, or a template of the site's", 0},
    {"watch", 'w', "restart|SIGNAL", OPTION_ARG_OPTIONAL,
     "When the App's key, secret, other fields or APIs change, start CMD anew (restart, the default) or send it a "
     "signal: HUP, USR1, ...",
     0},
    {0},
};

/* The number of a signal, by its name with SIG or without; 0 when there is none. */
static int find_signal(const char *word)
{
    if (strncasecmp(word, "SIG", 3) == 0)
        word += 3;
    for (int number = 1; number < SIGRTMIN; number++) {
        const char *name = sigabbrev_np(number);
        if (name && strcasecmp(name, word) == 0)
            return number;
    }
    return 0;
}

static void take_watch(struct argp_state *state, struct options *options, const char *how)
{
    options->is_watching = true;
    options->signal = !how || strcmp(how, "restart") == 0 ? 0 : find_signal(how);
    if (options->signal == 0 && how && strcmp(how, "restart") != 0)
        argp_error(state, "%s: neither restart nor a signal's name", how);
}

static void take_view(struct argp_state *state, struct options *options, const char *view)
{
    static const char *const others[] = {"json", "properties", "curl", ""};

    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        if (strcmp(view, others[i]) == 0 || strchr(view, '/') || view[0] == '.')
            argp_error(state, "'%s': not a view of NAME=value lines: env or a template of the site's is one", view);
    options->task.view = view;
}

/* All that follows the App is the command's, but for the "--" between, where argp took one before the App for it. */
static void take_command(struct argp_state *state, struct options *options)
{
    char **command = state->argv + state->next - 1;

    if (strcmp(command[0], "--") == 0 && command[-1] == options->task.app)
        command++;
    if (*command)
        options->task.command = command;
    state->next = state->argc;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case 'm':
        options->mountpoint = arg;
        return 0;
    case 'v':
        take_view(state, options, arg);
        return 0;
    case 'w':
        take_watch(state, options, arg);
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num == 0) {
            options->task.app = arg;
            return 0;
        }
        take_command(state, options);
        return 0;
    case ARGP_KEY_END:
        if (!options->task.app)
            argp_error(state, "which App?");
        if (!options->task.command)
            argp_error(state, "which command?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = argp_options,
    .parser = parse,
    .args_doc = "APP -- CMD [ARG...]",
    .doc =
        "Run CMD with the App's values in its environment and nowhere else: API_KEY, API_SECRET, and API_TOKEN, "
        "API_USERNAME, API_PASSWORD where the App has them; APIS (its APIs, with commas) and API_APP (its name)."
        "\vWithout --watch the process becomes CMD. With it, a process without any value waits beside CMD, passes "
        "signals on, and ends as CMD does. Exit status: CMD's; 127 when there is no CMD, 126 when it cannot be "
        "executed; or what credfs(1) says, with a message.",
};

int cmd_exec(int argc, char **argv)
{
    struct options options = {.task.view = "json"};
    struct exec_env env;
    int code;

    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options);
    if (cf_name_check(options.task.app, strlen(options.task.app)) != CF_OK) {
        log_error("%s: not an App's name", options.task.app);
        return EX_USAGE;
    }
    if (!harden_until_exec())
        return EX_OSERR;
    code = client_mount(options.mountpoint, options.task.mountpoint);
    if (code != 0)
        return code;
    if (options.is_watching)
        return exec_watch(&options.task, options.signal);
    code = exec_env_make(&options.task, &env);
    if (code == 0)
        code = exec_become(&options.task, &env);
    exec_env_release(&env);
    return code;
}
