#include "house.h"

#include "clock.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

struct cf_house {
    void (*round)(void *arg);
    void *arg;
    pthread_t thread;
    bool has_thread;       /* for those who start and stop it */
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t wake;
    bool is_woken, is_ending;
    bool has_summary;
    struct cf_summary summary;
};

struct cf_house *cf_house_new(void)
{
    struct cf_house *house = calloc(1, sizeof *house);
    pthread_condattr_t attributes;

    if (house == NULL)
        return NULL;
    pthread_mutex_init(&house->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&house->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    return house;
}

void cf_house_free(struct cf_house *house)
{
    if (house == NULL)
        return;
    cf_house_stop(house);
    pthread_cond_destroy(&house->wake);
    pthread_mutex_destroy(&house->mutex);
    free(house);
}

/* A second, or less where it is woken. Returns whether there is to be another round. */
static bool rest(struct cf_house *house)
{
    struct timespec until;
    bool goes_on;
    int number = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    pthread_mutex_lock(&house->mutex);
    while (!house->is_woken && !house->is_ending && number == 0)
        number = pthread_cond_timedwait(&house->wake, &house->mutex, &until);
    house->is_woken = false;
    goes_on = !house->is_ending;
    pthread_mutex_unlock(&house->mutex);
    return goes_on;
}

static void *keep(void *arg)
{
    struct cf_house *house = arg;

    do
        house->round(house->arg);
    while (rest(house));
    return NULL;
}

enum cf_error cf_house_start(struct cf_house *house, void (*round)(void *arg), void *arg)
{
    sigset_t all, before;
    int number;

    house->round = round;
    house->arg = arg;
    house->is_ending = false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    number = pthread_create(&house->thread, NULL, keep, house);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    house->has_thread = number == 0;
    return number == 0 ? CF_OK : CF_ENOMEM;
}

void cf_house_stop(struct cf_house *house)
{
    if (!house->has_thread)
        return;
    pthread_mutex_lock(&house->mutex);
    house->is_ending = true;
    pthread_cond_signal(&house->wake);
    pthread_mutex_unlock(&house->mutex);
    pthread_join(house->thread, NULL);
    house->has_thread = false;
}

void cf_house_wake(struct cf_house *house)
{
    pthread_mutex_lock(&house->mutex);
    house->is_woken = true;
    pthread_cond_signal(&house->wake);
    pthread_mutex_unlock(&house->mutex);
}

void cf_house_publish(struct cf_house *house, const struct cf_summary *summary)
{
    pthread_mutex_lock(&house->mutex);
    house->has_summary = summary != NULL;
    if (summary != NULL)
        house->summary = *summary;
    pthread_mutex_unlock(&house->mutex);
}

bool cf_house_summary(struct cf_house *house, struct cf_summary *summary)
{
    bool has_summary;

    pthread_mutex_lock(&house->mutex);
    has_summary = house->has_summary;
    if (has_summary)
        *summary = house->summary;
    pthread_mutex_unlock(&house->mutex);
    return has_summary;
}
