/* measure.h: do one thing again and again, in several threads, and print how long it took as a JSON object in a line:
 *   {"count":N,"p50":µs,"p99":µs,"mean":µs,"rate":operations a second of all threads}
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>

struct measure {
    int threads;
    long turns;     /* of each thread, at most */
    long warm_up;   /* of each thread before that, not counted */
    double seconds; /* after which no turn begins */
    bool in_pairs;  /* an odd turn undoes what the even one before it did: it is never left out */
};

/* What is done in one turn. Returns false when it failed: errno says why. */
typedef bool measure_turn(void *arg, int thread, long turn);

/* Read one of the options t, n, w and s. Returns false when it is none of them, or no number. */
bool measure_option(struct measure *measure, int option, const char *value);
#define MEASURE_OPTIONS "t:n:w:s:"

/* Returns the program's exit code; has told what failed. */
int measure_run(const struct measure *measure, measure_turn *turn, void *arg);

/* The number below limit that this turn is about: limit turns in a row meet each once, far from the one before, unless
 * limit is a multiple of 7919. Each thread begins elsewhere. */
long measure_choose(int thread, long turn, long limit);

#endif
