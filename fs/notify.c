#include "notify.h"

#ifdef HAVE_SYSTEMD

#include "core/thread.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { TEXT = 256, US = 1000 /* nanoseconds */ };

/* A thread sends: where nobody reads the socket, it is the one that waits. */
static struct {
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t wake, sent;
    bool is_started, is_sending;
    char text[TEXT]; /* the next to be sent; "": none */
} post;

static void *send_all(void *unused)
{
    char text[TEXT];

    (void)pthread_mutex_lock(&post.mutex);
    for (;;) {
        while (post.text[0] == '\0')
            (void)pthread_cond_wait(&post.wake, &post.mutex);
        memcpy(text, post.text, sizeof(text));
        post.text[0] = '\0';
        post.is_sending = true;
        (void)pthread_mutex_unlock(&post.mutex);
        (void)sd_notify(0, text);
        (void)pthread_mutex_lock(&post.mutex);
        post.is_sending = false;
        (void)pthread_cond_signal(&post.sent);
    }
    return unused;
}

void notify_start(void)
{
    pthread_t thread;

    if (!getenv("NOTIFY_SOCKET"))
        return;
    cf_thread_init(&post.mutex, &post.sent);
    (void)pthread_cond_init(&post.wake, NULL);
    post.is_started = cf_thread_start(&thread, send_all, NULL) == 0 && pthread_detach(thread) == 0;
}

/* is_urgent: it takes the place of what has not been sent yet. */
static void put(const char *text, bool is_urgent)
{
    if (!post.is_started)
        return;
    (void)pthread_mutex_lock(&post.mutex);
    if (is_urgent || post.text[0] == '\0') {
        (void)snprintf(post.text, sizeof(post.text), "%s", text);
        (void)pthread_cond_signal(&post.wake);
    }
    (void)pthread_mutex_unlock(&post.mutex);
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

    (void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\nSTATUS=Starting over",
                   cf_monotonic() / US);
    put(text, true);
}

void notify_stopping(void)
{
    put("STOPPING=1\nSTATUS=Unmounted", true);
}

/* The variable for the process that it is for is the keeper's: sd_watchdog_enabled would not take it for ours. */
void notify_watchdog(void)
{
    static int64_t next;
    const char *variable = getenv("WATCHDOG_USEC");
    const int64_t wanted = variable ? strtoll(variable, NULL, 10) : 0;

    if (wanted <= 0 || cf_monotonic() < next)
        return;
    next = cf_monotonic() + wanted * US / 4;
    put("WATCHDOG=1", false);
}

void notify_flush(void)
{
    const int64_t until = cf_monotonic() + CF_SECOND / 2;

    if (!post.is_started)
        return;
    (void)pthread_mutex_lock(&post.mutex);
    while ((post.is_sending || post.text[0] != '\0') && cf_thread_wait(&post.sent, &post.mutex, until))
        continue;
    (void)pthread_mutex_unlock(&post.mutex);
}

#else

void notify_start(void)
{
}

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
