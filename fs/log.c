#include "log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

static bool use_syslog;

void log_to_background(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    openlog("credfs", LOG_PID, LOG_DAEMON);
    use_syslog = true;
    (void)!chdir("/");
    for (int fd = 0; null >= 0 && fd <= 2; fd++)
        (void)dup2(null, fd);
    if (null > 2)
        (void)close(null);
}

static void __attribute__((format(printf, 2, 0))) log_line(int priority, const char *format, va_list args)
{
    char text[1024];

    if (use_syslog) {
        vsyslog(priority, format, args);
        return;
    }
    /* One write for the whole line, so that lines of several threads do not mix. */
    vsnprintf(text, sizeof(text), format, args);
    fprintf(stderr, "credfs: %s\n", text);
}

void log_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_line(LOG_ERR, format, args);
    va_end(args);
}

void log_warning(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_line(LOG_WARNING, format, args);
    va_end(args);
}

void log_notice(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_line(LOG_NOTICE, format, args);
    va_end(args);
}
