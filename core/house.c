#include "house.h"

#include "thread.h"

#include <stdlib.h>

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

    if (house != NULL)
        cf_thread_init(&house->mutex, &house->wake);
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
    const int64_t until = cf_monotonic() + CF_SECOND;
    bool goes_on;

    pthread_mutex_lock(&house->mutex);
    while (!house->is_woken && !house->is_ending && cf_thread_wait(&house->wake, &house->mutex, until))
        continue;
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
    house->round = round;
    house->arg = arg;
    house->is_ending = false;
    house->has_thread = cf_thread_start(&house->thread, keep, house) == 0;
    return house->has_thread ? CF_OK : CF_ENOMEM;
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
