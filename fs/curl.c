#include "curl.h"

#include "core/clock.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    ANSWER_MOST = 64 * 1024,
    NOBODY_ELSE = 65528, /* a user and group of a range that neither Debian nor systemd gives to anybody */
    NO_PROGRAM = 127,
    NO_CHANCE = 126, /* it could not be made safe */
    HTTP_ERROR = 22, /* curl's exit codes (curl(1)) */
    STEP_NS = 1000 * 1000
};

struct curl {
    pid_t pid;
    int in, out;      /* our ends of its pipes; -1 once closed */
    size_t sent, len; /* of config and answer */
    int64_t deadline;
    const struct cf_secret *config;
    struct cf_secret *answer;
};

static void close_one(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* ---- in the child: nothing but system calls, as other threads held what locks they held ---- */

/* Where there is no such user (a namespace of one user alone), it stays who it is, without the rights of root. */
static bool be_nobody_else(void)
{
    if (geteuid() != 0)
        return true;
    (void)prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED);
    if (syscall(SYS_setresgid, NOBODY_ELSE, NOBODY_ELSE, NOBODY_ELSE) != 0)
        return errno == EINVAL;
    return syscall(SYS_setgroups, 0, NULL) == 0 &&
           syscall(SYS_setresuid, NOBODY_ELSE, NOBODY_ELSE, NOBODY_ELSE) == 0;
}

static void reset_signals(void)
{
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int number = 1; number < SIGRTMAX; number++)
        (void)sigaction(number, &usual, NULL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* That a daemon which dies takes it along is asked for last: the kernel forgets it where the user changes. */
__attribute__((noreturn)) static void be_curl(char *const *argv, int in, int out, int null, pid_t parent)
{
    char *const no_environment[] = {NULL};

    (void)setpgid(0, 0);
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0 ||
        close_range(STDERR_FILENO + 1, ~0U, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        !be_nobody_else() || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(NO_CHANCE);
    reset_signals();
    (void)execve("/usr/bin/curl", argv, no_environment);
    (void)execve("/bin/curl", argv, no_environment);
    _exit(NO_PROGRAM);
}

/* ---- starting it ---- */

/* No signal comes to a handler of ours in the child. */
static pid_t start_child(char *const *argv, int in, int out, int null)
{
    const pid_t parent = getpid();
    sigset_t all, before;
    pid_t pid;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pid = fork();
    if (pid == 0)
        be_curl(argv, in, out, null, parent);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid;
}

/* -q, which keeps it from a configuration of its own, has to come first. */
static pid_t start_with(int in, int out, int null, int64_t longest)
{
    char seconds[24];
    char *const argv[] = {(char[]){"curl"},
                          (char[]){"-q"},
                          (char[]){"--config"},
                          (char[]){"-"},
                          (char[]){"--max-time"},
                          seconds,
                          (char[]){"--write-out"},
                          (char[]){"\\n%{http_code}"},
                          NULL};

    (void)snprintf(seconds, sizeof(seconds), "%.3f", (double)longest / (double)CF_SECOND);
    return start_child(argv, in, out, null);
}

static bool start(struct curl *curl, int64_t longest)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null >= 0 && pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 &&
        fcntl(in[1], F_SETFL, O_NONBLOCK) == 0 && fcntl(out[0], F_SETFL, O_NONBLOCK) == 0)
        curl->pid = start_with(in[0], out[1], null, longest);
    close_one(&null);
    close_one(&in[0]);
    close_one(&out[1]);
    curl->in = in[1];
    curl->out = out[0];
    return curl->pid > 0;
}

/* ---- while it runs ---- */

/* What it does not want to read is no failure of ours. */
static void send(struct curl *curl)
{
    const size_t left = cf_secret_len(curl->config) - curl->sent;
    const ssize_t len = write(curl->in, cf_secret_peek(curl->config) + curl->sent, left);

    if (len > 0)
        curl->sent += (size_t)len;
    if (curl->sent == cf_secret_len(curl->config) || (len < 0 && errno != EAGAIN && errno != EINTR))
        close_one(&curl->in);
}

/* Returns false when nothing more is to come, or there is no room for it. */
static bool receive(struct curl *curl)
{
    const size_t room = cf_secret_len(curl->answer) - curl->len;
    const ssize_t len = read(curl->out, cf_secret_bytes(curl->answer) + curl->len, room);

    if (len > 0)
        curl->len += (size_t)len;
    return len > 0 || (len < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Talk with it until it has said all. Returns false when the time is over. */
static bool talk(struct curl *curl)
{
    bool is_speaking = true;

    while (is_speaking) {
        struct pollfd ends[2] = {{.fd = curl->out, .events = POLLIN}, {.fd = curl->in, .events = POLLOUT}};
        const int64_t left = curl->deadline - cf_monotonic();

        if (left <= 0)
            return false;
        if (poll(ends, 2, (int)(left / (1000 * 1000)) + 1) < 0)
            continue;
        if (ends[1].revents)
            send(curl);
        if (ends[0].revents)
            is_speaking = receive(curl);
    }
    return true;
}

/* Wait for its end, or put an end to it. Returns its exit code; -1: it has none. */
static int end(struct curl *curl, bool is_over)
{
    const struct timespec step = {.tv_nsec = STEP_NS};
    int status = 0;
    pid_t ended = 0;

    while (!is_over && ended == 0) {
        ended = waitpid(curl->pid, &status, WNOHANG);
        is_over = ended == 0 && cf_monotonic() >= curl->deadline;
        if (ended == 0 && !is_over)
            (void)nanosleep(&step, NULL);
    }
    if (ended == 0) {
        (void)kill(curl->pid, SIGKILL);
        while (waitpid(curl->pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    return ended > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- what became of it ---- */

/* The status of HTTP, which stands in a line of its own behind the answer, and is taken off; 0: none. */
static int take_status(struct curl *curl)
{
    const char *bytes = (const char *)cf_secret_peek(curl->answer);
    const char *newline = memrchr(bytes, '\n', curl->len);
    int status = 0;

    if (!newline)
        return 0;
    for (const char *digit = newline + 1; digit < bytes + curl->len && status < 1000; digit++)
        status = 10 * status + (*digit - '0');
    curl->len = (size_t)(newline - bytes);
    return status;
}

static void tell(const char *title, int code, int status)
{
    static atomic_flag is_told = ATOMIC_FLAG_INIT;

    if (code != NO_PROGRAM)
        log_warning("%s: no access token: curl ended with %d, HTTP %d", title, code, status);
    else if (!atomic_flag_test_and_set(&is_told))
        log_error("there is no /usr/bin/curl, which fetches access tokens: install it");
}

static enum cf_error judge(struct curl *curl, int code, const char *title)
{
    const int status = take_status(curl);

    cf_secret_shorten(curl->answer, curl->len);
    if (code == 0)
        return CF_OK;
    if (code == HTTP_ERROR && (status == 400 || status == 401 || status == 403))
        return CF_EREJECTED;
    tell(title, code, status);
    return CF_EUNREACHABLE;
}

enum cf_error curl_run(const struct cf_secret *config, int64_t longest, const char *title,
                       struct cf_secret **answer)
{
    struct curl curl = {.in = -1, .out = -1, .config = config, .deadline = cf_monotonic() + longest + longest / 4};
    enum cf_error error = CF_EUNREACHABLE;
    bool is_done;

    *answer = NULL;
    curl.answer = cf_secret_new(ANSWER_MOST);
    if (!curl.answer)
        return CF_ENOMEM;
    if (start(&curl, longest)) {
        is_done = talk(&curl);
        close_one(&curl.out);
        close_one(&curl.in);
        error = judge(&curl, end(&curl, !is_done), title);
    } else {
        log_error("curl cannot be started: %s", strerror(errno));
    }
    close_one(&curl.out);
    close_one(&curl.in);
    if (error == CF_OK)
        *answer = curl.answer;
    else
        cf_secret_free(curl.answer);
    return error;
}
