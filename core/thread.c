#include "thread.h"

#include <signal.h>
#include <time.h>

int cf_thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
    sigset_t all, before;
    int number;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    number = pthread_create(thread, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return number;
}

void cf_thread_init(pthread_mutex_t *mutex, pthread_cond_t *condition)
{
    pthread_condattr_t attributes;

    pthread_mutex_init(mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

bool cf_thread_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until)
{
    const struct timespec time = {.tv_sec = until / CF_SECOND, .tv_nsec = until % CF_SECOND};

    if (until == INT64_MAX)
        return pthread_cond_wait(condition, mutex) == 0;
    return pthread_cond_timedwait(condition, mutex, &time) == 0;
}
