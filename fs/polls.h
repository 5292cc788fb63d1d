/* polls.h: who waits in poll(2) for a change of an App.
 *
 * The kernel gives each open file that is polled a handle, by which it can be told to wake who polls it; he then asks
 * anew (ops_poll.c), so that a wake for nothing does no harm and one is only ever missed where the handle was
 * forgotten. They lie in the region: a new worker wakes all. Each lies in the bucket of its number. In a bucket that is
 * full, the one that was open for longest is woken and forgotten, and will be back.
 *
 * Thread-safe: one lock, taken last.
 */
#ifndef CREDFS_POLLS_H
#define CREDFS_POLLS_H

#include "region.h"

struct polls;

/* NULL when out of memory. region: must outlive it. */
struct polls *polls_new(struct region *region);
void polls_free(struct polls *all);

/* Remember that this open file of the App waits. To be called before what stands in the file is looked at. */
void polls_add(struct polls *all, uint64_t kernel_handle, int64_t serial);

/* Wake and forget those who wait for this App; for any. */
void polls_wake(struct polls *all, int64_t serial);
void polls_wake_all(struct polls *all);

#endif
