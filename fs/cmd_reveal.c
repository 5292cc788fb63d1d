/* credfs reveal: ask for a reveal and print it in one step; never into a file. */
#include "client.h"
#include "command.h"
#include "core/credential.h"
#include "core/text.h"
#include "harden.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

enum { FIELDS_MOST = CF_FIELD_COUNT };

struct options {
    const char *mountpoint; /* NULL: the default */
    const char *time;       /* for how long */
    const char *app;
    enum cf_field field[FIELDS_MOST];
    int count;
};

static const struct argp_option argp_options[] = {
    {"for", 'f', "TIME", 0, "Ask for this long: 30s, 5m, 1h, at most 24h (default 1m)", 0},
    {"mount", 'm', "MOUNTPOINT", 0, "Where the store is mounted", 0},
    {0},
};

static void take_field(struct argp_state *state, struct options *options, const char *word)
{
    enum cf_field field = cf_field_find(word, strlen(word));

    if (field == CF_NO_FIELD)
        argp_error(state, "%s: there is no such field", word);
    if (options->count == FIELDS_MOST)
        argp_error(state, "each field but once");
    options->field[options->count++] = field;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case 'f':
        options->time = arg;
        return 0;
    case 'm':
        options->mountpoint = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num == 0)
            options->app = arg;
        else
            take_field(state, options, arg);
        return 0;
    case ARGP_KEY_END:
        if (!options->app)
            argp_error(state, "which App?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = argp_options,
    .parser = parse,
    .args_doc = "APP [FIELD...]",
    .doc =
        "Ask for a reveal of the App, for a minute and this login session, and print the fields: those that are "
        "named, each a line, or key and secret with their names. Only to a terminal or a pipe of your own."
        "\vWhere the configuration says reveal = on-request, `cat` works too from then on, until the time is over. "
        "It is the same as `echo reveal 1m > apps/APP/ctl`, and is recorded.",
};

/* A terminal that is ours by owner or as the one that controls us, or a pipe that nobody else can open. */
static bool is_private(int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return false;
    if (isatty(fd))
        return st.st_uid == geteuid() || tcgetsid(fd) == getsid(0);
    return S_ISFIFO(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

/* Who has no right to ask may still read by a grant, which needs no asking: EACCES is left to the read. */
static int ask(const struct options *options, const char *mountpoint)
{
    int fd = client_open(mountpoint, options->app, "ctl", O_WRONLY), number = 0;

    if (fd < 0)
        return errno == EACCES ? 0 : client_fail(options->app, "ctl", errno);
    if (dprintf(fd, "reveal %s\n", options->time) < 0)
        number = errno;
    (void)close(fd);
    if (number == EINVAL) {
        log_error("%s: not a time of at most 24h", options->time);
        return EX_USAGE;
    }
    return number == 0 || number == EACCES ? 0 : client_fail(options->app, "ctl", number);
}

static bool write_all(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t done = write(fd, at, len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        at += done;
        len -= (size_t)done;
    }
    return true;
}

/* Print one, with its newline; value has room for it. */
static int reveal(const struct options *options, const char *mountpoint, const char *field, struct cf_secret *value)
{
    int fd = client_open(mountpoint, options->app, field, O_RDONLY), code = 0;
    ssize_t len = fd < 0 ? -1 : read(fd, cf_secret_bytes(value), cf_secret_len(value));

    if (len < 0)
        code = client_fail(options->app, field, errno);
    if (fd >= 0)
        (void)close(fd);
    if (code != 0)
        return code;
    if (options->count == 0 && dprintf(STDOUT_FILENO, "%s = ", field) < 0)
        code = EX_IOERR;
    if (code == 0 && !write_all(STDOUT_FILENO, cf_secret_peek(value), (size_t)len))
        code = EX_IOERR;
    if (code != 0)
        log_error("standard output: %s", strerror(errno));
    return code;
}

static int reveal_all(const struct options *options, const char *mountpoint)
{
    static const enum cf_field usual[] = {CF_KEY, CF_SECRET};
    const enum cf_field *fields = options->count > 0 ? options->field : usual;
    const int count = options->count > 0 ? options->count : 2;
    struct cf_fault fault = {""};
    struct cf_secret *value = NULL;
    enum cf_error error = cf_crypto_start(&fault);
    int code;

    if (error == CF_OK)
        value = cf_secret_new(CF_SECRET_MAX);
    if (!value)
        return command_fail(error == CF_OK ? CF_ENOMEM : error, &fault);
    code = ask(options, mountpoint);
    for (int i = 0; code == 0 && i < count; i++)
        code = reveal(options, mountpoint, cf_field_word(fields[i]), value);
    cf_secret_free(value);
    return code;
}

int cmd_reveal(int argc, char **argv)
{
    struct options options = {.time = "1m"};
    char mountpoint[PATH_SIZE];
    int code;

    argp_parse(&argp, argc, argv, 0, NULL, &options);
    if (cf_name_check(options.app, strlen(options.app)) != CF_OK) {
        log_error("%s: not an App's name", options.app);
        return EX_USAGE;
    }
    if (!is_private(STDOUT_FILENO)) {
        log_error("standard output is no terminal or pipe of your own: secrets are not written into files");
        return EX_NOPERM;
    }
    if (!harden())
        return EX_OSERR;
    code = client_mount(options.mountpoint, mountpoint);
    return code == 0 ? reveal_all(&options, mountpoint) : code;
}
