#include "rate.h"

#include "clock.h"

#include <pthread.h>
#include <stdlib.h>

/* What is in a bucket is counted in the time that it takes to come: it is full at a second. */
struct bucket {
    uint32_t uid;
    int64_t level; /* nanoseconds */
    int64_t at;    /* when that was so */
    int64_t told;  /* when a refusal was last called the first; 0: never */
};

struct cf_rates {
    pthread_mutex_t mutex;
    struct bucket *at;
    size_t count, size;
};

struct cf_rates *cf_rates_new(void)
{
    struct cf_rates *rates = calloc(1, sizeof *rates);

    if (rates != NULL)
        pthread_mutex_init(&rates->mutex, NULL);
    return rates;
}

void cf_rates_free(struct cf_rates *rates)
{
    if (rates == NULL)
        return;
    pthread_mutex_destroy(&rates->mutex);
    free(rates->at);
    free(rates);
}

/* A clock that was set back adds nothing. */
static void refill(struct bucket *bucket, int64_t now)
{
    const int64_t gone = now > bucket->at ? now - bucket->at : 0;

    bucket->level = gone > CF_SECOND - bucket->level ? CF_SECOND : bucket->level + gone;
    bucket->at = now;
}

static void forget_full(struct cf_rates *rates, int64_t now)
{
    size_t kept = 0;

    for (size_t i = 0; i < rates->count; i++) {
        refill(&rates->at[i], now);
        if (rates->at[i].level < CF_SECOND)
            rates->at[kept++] = rates->at[i];
    }
    rates->count = kept;
}

static struct bucket *add(struct cf_rates *rates, uint32_t uid, int64_t now)
{
    if (rates->count == rates->size)
        forget_full(rates, now);
    if (rates->count == rates->size) {
        const size_t size = rates->size == 0 ? 16 : 2 * rates->size;
        struct bucket *at = realloc(rates->at, size * sizeof *at);
        if (at == NULL)
            return NULL;
        rates->at = at;
        rates->size = size;
    }
    rates->at[rates->count] = (struct bucket){.uid = uid, .level = CF_SECOND, .at = now};
    return &rates->at[rates->count++];
}

static struct bucket *of_user(struct cf_rates *rates, uint32_t uid, int64_t now)
{
    for (size_t i = 0; i < rates->count; i++)
        if (rates->at[i].uid == uid)
            return &rates->at[i];
    return add(rates, uid, now);
}

static enum cf_error take(struct bucket *bucket, int64_t rate, int64_t now, bool *is_first)
{
    const int64_t price = CF_SECOND / rate;

    refill(bucket, now);
    if (bucket->level >= price) {
        bucket->level -= price;
        return CF_OK;
    }
    *is_first = bucket->told == 0 || now < bucket->told || now - bucket->told >= CF_SECOND;
    if (*is_first)
        bucket->told = now;
    return CF_EAGAIN;
}

enum cf_error cf_rate_take(struct cf_rates *rates, uint32_t uid, int64_t rate, int64_t now, bool *is_first)
{
    struct bucket *bucket;
    enum cf_error error = CF_ENOMEM;

    *is_first = false;
    pthread_mutex_lock(&rates->mutex);
    bucket = of_user(rates, uid, now);
    if (bucket != NULL)
        error = take(bucket, rate, now, is_first);
    pthread_mutex_unlock(&rates->mutex);
    return error;
}
