#include "polls.h"

#include <linux/fuse.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUCKET = 8, BUCKETS = REGION_POLLS / BUCKET };

struct polls {
    struct region *region;
    pthread_mutex_t mutex;
};

struct polls *polls_new(struct region *region)
{
    struct polls *all = calloc(1, sizeof(*all));

    if (!all)
        return NULL;
    all->region = region;
    (void)pthread_mutex_init(&all->mutex, NULL);
    return all;
}

void polls_free(struct polls *all)
{
    if (!all)
        return;
    (void)pthread_mutex_destroy(&all->mutex);
    free(all);
}

/* It is woken before it is forgotten: a worker can die in between. The kernel takes none of its locks on files for
 * this and says nothing where the file was closed. */
static void wake(struct region_poll *one)
{
    struct {
        struct fuse_out_header header;
        struct fuse_notify_poll_wakeup_out body;
    } notice = {
        .header = {.len = sizeof(notice), .error = FUSE_NOTIFY_POLL},
        .body = {.kh = atomic_load(&one->kernel_handle)},
    };

    (void)!write(WORKER_DEVICE, &notice, sizeof(notice));
    atomic_store(&one->kernel_handle, 0);
}

/* The one of this handle, or a free one, or that which was opened first. */
static struct region_poll *place_for(struct region_poll *bucket, uint64_t kernel_handle)
{
    struct region_poll *best = &bucket[0];

    for (int i = 0; i < BUCKET; i++) {
        if (atomic_load(&bucket[i].kernel_handle) == kernel_handle)
            return &bucket[i];
        if (atomic_load(&bucket[i].kernel_handle) < atomic_load(&best->kernel_handle))
            best = &bucket[i];
    }
    return best;
}

void polls_add(struct polls *all, uint64_t kernel_handle, int64_t serial)
{
    struct region_poll *one;
    uint64_t there;

    (void)pthread_mutex_lock(&all->mutex);
    one = place_for(&all->region->poll[kernel_handle % BUCKETS * BUCKET], kernel_handle);
    there = atomic_load(&one->kernel_handle);
    if (there != kernel_handle) {
        if (there != 0)
            wake(one);
        one->serial = serial;
        atomic_store(&one->kernel_handle, kernel_handle);
    }
    (void)pthread_mutex_unlock(&all->mutex);
}

static void wake_those(struct polls *all, bool of_any, int64_t serial)
{
    (void)pthread_mutex_lock(&all->mutex);
    for (int i = 0; i < REGION_POLLS; i++) {
        struct region_poll *one = &all->region->poll[i];
        if (atomic_load(&one->kernel_handle) != 0 && (of_any || one->serial == serial))
            wake(one);
    }
    (void)pthread_mutex_unlock(&all->mutex);
}

void polls_wake(struct polls *all, int64_t serial)
{
    wake_those(all, false, serial);
}

void polls_wake_all(struct polls *all)
{
    wake_those(all, true, 0);
}
