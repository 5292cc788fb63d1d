#include "measure.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

struct runner {
    const struct measure *measure;
    measure_turn *turn;
    void *arg;
    pthread_barrier_t *start;
    pthread_t thread;
    int number;
    int error; /* errno of a turn that failed */
    long done;
    int64_t began, ended; /* ns */
    int64_t *took;        /* ns, of each turn */
};

static int64_t now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

bool measure_option(struct measure *measure, int option, const char *value)
{
    char *end;
    double number = strtod(value, &end);

    if (*end != '\0' || number < 0)
        return false;
    switch (option) {
    case 't':
        measure->threads = (int)number;
        return measure->threads > 0;
    case 'n':
        measure->turns = (long)number;
        return measure->turns > 0;
    case 'w':
        measure->warm_up = (long)number;
        return true;
    case 's':
        measure->seconds = number;
        return true;
    default:
        return false;
    }
}

long measure_choose(int thread, long turn, long limit)
{
    return (thread * 997L + turn * 7919L) % limit;
}

static bool take_turn(struct runner *runner, long turn)
{
    if (runner->turn(runner->arg, runner->number, turn))
        return true;
    runner->error = errno;
    return false;
}

static void *run(void *arg)
{
    struct runner *runner = arg;
    const struct measure *measure = runner->measure;
    const bool in_pairs = measure->in_pairs;
    long warm_up = in_pairs ? (measure->warm_up + 1) / 2 * 2 : measure->warm_up;
    int64_t until, at;
    bool good = true;

    for (long i = 0; good && i < warm_up; i++)
        good = take_turn(runner, i);
    (void)pthread_barrier_wait(runner->start);
    runner->began = at = now();
    until = at + (int64_t)(measure->seconds * 1e9);
    while (good && ((runner->done < measure->turns && at < until) || (in_pairs && runner->done % 2 == 1))) {
        int64_t before = now();
        good = take_turn(runner, warm_up + runner->done);
        at = now();
        runner->took[runner->done++] = at - before;
    }
    runner->ended = at;
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* All times in one array, the smallest first. */
static int64_t *gather(const struct runner *runners, int threads, long *count)
{
    int64_t *all;
    long at = 0;

    *count = 0;
    for (int i = 0; i < threads; i++)
        *count += runners[i].done;
    all = calloc((size_t)*count + 1, sizeof(*all));
    for (int i = 0; all && i < threads; at += runners[i++].done)
        memcpy(all + at, runners[i].took, (size_t)runners[i].done * sizeof(*all));
    if (all)
        qsort(all, (size_t)*count, sizeof(*all), by_size);
    return all;
}

static int print(const struct runner *runners, int threads)
{
    int64_t began = INT64_MAX, ended = 0;
    double sum = 0;
    long count, p50, p99;
    int64_t *all = gather(runners, threads, &count);

    if (!all || count == 0) {
        free(all);
        (void)fprintf(stderr, "nothing was measured\n");
        return EX_SOFTWARE;
    }
    for (int i = 0; i < threads; i++) {
        began = runners[i].began < began ? runners[i].began : began;
        ended = runners[i].ended > ended ? runners[i].ended : ended;
    }
    for (long i = 0; i < count; i++)
        sum += (double)all[i];
    p50 = count / 2;
    p99 = count * 99 / 100;
    printf("{\"count\":%ld,\"p50\":%.3f,\"p99\":%.3f,\"mean\":%.3f,\"rate\":%.1f}\n", count, (double)all[p50] / 1e3,
           (double)all[p99] / 1e3, sum / (double)count / 1e3, (double)count * 1e9 / (double)(ended - began));
    free(all);
    return fflush(stdout) == 0 ? 0 : EX_IOERR;
}

/* Start the threads and wait for them. Returns errno of what failed, or 0. */
static int run_all(struct runner *runners, int threads)
{
    int error = 0;

    for (int i = 0; i < threads; i++) {
        int failed = pthread_create(&runners[i].thread, NULL, run, &runners[i]);
        if (failed != 0) {
            (void)fprintf(stderr, "no thread: %s\n", strerror(failed));
            exit(EX_OSERR); /* the others wait for it */
        }
    }
    for (int i = 0; i < threads; i++) {
        (void)pthread_join(runners[i].thread, NULL);
        error = error != 0 ? error : runners[i].error;
    }
    return error;
}

int measure_run(const struct measure *measure, measure_turn *turn, void *arg)
{
    struct runner *runners = calloc((size_t)measure->threads, sizeof(*runners));
    pthread_barrier_t start;
    int error = runners ? pthread_barrier_init(&start, NULL, (unsigned)measure->threads) : ENOMEM;
    int code = EX_OSERR;

    for (int i = 0; error == 0 && i < measure->threads; i++) {
        runners[i] = (struct runner){.measure = measure, .turn = turn, .arg = arg, .start = &start, .number = i};
        runners[i].took = calloc((size_t)measure->turns + 1, sizeof(*runners[i].took));
        error = runners[i].took ? 0 : ENOMEM;
    }
    if (error == 0)
        error = run_all(runners, measure->threads);
    if (error == 0)
        code = print(runners, measure->threads);
    else
        (void)fprintf(stderr, "measuring failed: %s\n", strerror(error));
    for (int i = 0; runners && i < measure->threads; i++)
        free(runners[i].took);
    free(runners);
    return code;
}
