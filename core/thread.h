/* thread.h: threads of our own, which take no signals, and waiting until a time that nobody sets.
 */
#ifndef CF_THREAD_H
#define CF_THREAD_H

#include "clock.h"

#include <pthread.h>

/* Start a thread in which all signals are blocked: they are for the thread that waits for them. Returns 0 or an
 * errno. */
int cf_thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg);

/* A mutex, and a condition for cf_thread_wait. */
void cf_thread_init(pthread_mutex_t *mutex, pthread_cond_t *condition);

/* Wait for the condition until a time of cf_monotonic; INT64_MAX: for as long as it takes. Returns false when the time
 * has come. */
bool cf_thread_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until);

#endif
