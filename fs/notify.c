#include "notify.h"

#ifdef HAVE_SYSTEMD

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

enum { TEXT = 256, FLUSH_MS = 500 };

/* A thread sends: where nobody reads the socket, it is the one that waits. */
static struct {
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t wake, sent;
    bool is_started, is_sending;
    char text[TEXT]; /* the next to be sent; "": none */
} post = {.mutex = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .sent = PTHREAD_COND_INITIALIZER};

static void *send_all(void *unused)
{
    char text[TEXT];

    pthread_mutex_lock(&post.mutex);
    for (;;) {
        while (post.text[0] == '\0')
            pthread_cond_wait(&post.wake, &post.mutex);
        memcpy(text, post.text, sizeof(text));
        post.text[0] = '\0';
        post.is_sending = true;
        pthread_mutex_unlock(&post.mutex);
        (void)sd_notify(0, text);
        pthread_mutex_lock(&post.mutex);
        post.is_sending = false;
        pthread_cond_signal(&post.sent);
    }
    return unused;
}

static bool start(void)
{
    sigset_t all, before;
    pthread_t thread;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    post.is_started = pthread_create(&thread, NULL, send_all, NULL) == 0 && pthread_detach(thread) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return post.is_started;
}

/* is_urgent: it takes the place of what has not been sent yet. */
static void put(const char *text, bool is_urgent)
{
    if (!getenv("NOTIFY_SOCKET"))
        return;
    pthread_mutex_lock(&post.mutex);
    if ((post.is_started || start()) && (is_urgent || post.text[0] == '\0')) {
        (void)snprintf(post.text, sizeof(post.text), "%s", text);
        pthread_cond_signal(&post.wake);
    }
    pthread_mutex_unlock(&post.mutex);
}

static uint64_t monotonic_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* The unit's main process is the keeper: NotifyAccess=all lets its worker speak. */
void notify_ready(void)
{
    char text[TEXT];

    (void)snprintf(text, sizeof(text), "READY=1\nMAINPID=%ld\nSTATUS=Serving", (long)getppid());
    put(text, true);
}

void notify_reloading(void)
{
    char text[TEXT];

    (void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=Starting over",
                   monotonic_us());
    put(text, true);
}

void notify_stopping(void)
{
    put("STOPPING=1\nSTATUS=Unmounted", true);
}

/* The variable for the process that it is for is the keeper's: sd_watchdog_enabled would not take it for ours. */
void notify_watchdog(void)
{
    static uint64_t next;
    const char *variable = getenv("WATCHDOG_USEC");
    const uint64_t wanted = variable ? strtoull(variable, NULL, 10) : 0;

    if (wanted == 0 || monotonic_us() < next)
        return;
    next = monotonic_us() + wanted / 4;
    put("WATCHDOG=1", false);
}

void notify_flush(void)
{
    struct timespec until;
    int number = 0;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += FLUSH_MS * 1000 * 1000L;
    until.tv_sec += until.tv_nsec / (1000 * 1000 * 1000);
    until.tv_nsec %= 1000 * 1000 * 1000;
    pthread_mutex_lock(&post.mutex);
    while (post.is_started && (post.is_sending || post.text[0] != '\0') && number == 0)
        number = pthread_cond_timedwait(&post.sent, &post.mutex, &until);
    pthread_mutex_unlock(&post.mutex);
}

#else

void notify_ready(void)
{
}

void notify_reloading(void)
{
}

void notify_stopping(void)
{
}

void notify_watchdog(void)
{
}

void notify_flush(void)
{
}

#endif
