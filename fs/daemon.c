#include "daemon.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static int wait_until_ready(int from, pid_t child)
{
    char byte;
    ssize_t got;
    int status;

    do
        got = read(from, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got == 1)
        return 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return EX_OSERR;
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    log_error("the daemon was killed by signal %d (%s) as it started", WTERMSIG(status),
              strsignal(WTERMSIG(status)));
    return EX_SOFTWARE;
}

int daemon_run(int (*body)(void *arg, int ready), void *arg)
{
    int ends[2], code;
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        log_error("no pipe: %s", strerror(errno));
        return EX_OSERR;
    }
    child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        (void)setsid();
        _exit(body(arg, ends[1]));
    }
    (void)close(ends[1]);
    if (child < 0)
        log_error("no process: %s", strerror(errno));
    code = child < 0 ? EX_OSERR : wait_until_ready(ends[0], child);
    (void)close(ends[0]);
    return code;
}
