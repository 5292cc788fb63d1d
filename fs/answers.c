#include "answers.h"

#include "handle.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { UNSETTLED = -1 };

struct answers {
    struct region *region;
    pthread_mutex_t mutex;
};

struct answers *answers_new(struct region *region)
{
    struct answers *all = calloc(1, sizeof(*all));

    if (!all)
        return NULL;
    all->region = region;
    (void)pthread_mutex_init(&all->mutex, NULL);
    return all;
}

void answers_free(struct answers *all)
{
    if (!all)
        return;
    (void)pthread_mutex_destroy(&all->mutex);
    free(all);
}

/* The one of this file, or NULL. A handle that writes is never 0. */
static struct region_answer *find(struct answers *all, uint64_t ino, uint64_t fh)
{
    for (int i = 0; i < REGION_ANSWERS; i++) {
        struct region_answer *one = &all->region->answer[i];

        if (atomic_load(&one->handle) == fh && one->ino == ino)
            return one;
    }
    return NULL;
}

static bool is_taken(struct answers *all, uint64_t mark)
{
    for (int i = 0; i < REGION_ANSWERS; i++) {
        uint64_t fh = atomic_load(&all->region->answer[i].handle);

        if (fh != 0 && handle_unpack(fh).mark == mark)
            return true;
    }
    return false;
}

/* A mark as it comes back out of a handle, which has no room for all of a number. */
static uint64_t mark_of(uint64_t number)
{
    struct handle handle = {.writes = true, .mark = number};

    return handle_unpack(handle_pack(&handle)).mark;
}

uint64_t answers_mark(struct answers *all)
{
    uint64_t mark;

    (void)pthread_mutex_lock(&all->mutex);
    do
        mark = mark_of(++all->region->asked);
    while (is_taken(all, mark));
    (void)pthread_mutex_unlock(&all->mutex);
    return mark;
}

/* The one of this file, or a free one, or that which was longest not used. */
static struct region_answer *make_room(struct answers *all, uint64_t ino, uint64_t fh)
{
    struct region_answer *best = find(all, ino, fh);

    if (best)
        return best;
    best = &all->region->answer[0];
    for (int i = 0; i < REGION_ANSWERS; i++) {
        struct region_answer *one = &all->region->answer[i];

        if (atomic_load(&one->handle) == 0)
            return one;
        if (one->used < best->used)
            best = one;
    }
    return best;
}

/* Its handle is taken away first and given last: a worker can die in between. */
void answers_put(struct answers *all, uint64_t ino, uint64_t fh, off_t behind, const char *text, size_t len)
{
    struct region_answer *one;

    (void)pthread_mutex_lock(&all->mutex);
    one = make_room(all, ino, fh);
    atomic_store(&one->handle, 0);
    one->ino = ino;
    one->used = ++all->region->answered;
    one->behind = behind;
    one->begins = UNSETTLED;
    one->len = len < REGION_ANSWER ? (uint32_t)len : REGION_ANSWER;
    memcpy(one->text, text, one->len);
    atomic_store(&one->handle, fh);
    (void)pthread_mutex_unlock(&all->mutex);
}

static off_t settle(struct region_answer *one, off_t off)
{
    if (off == 0)
        one->begins = 0;
    else if (one->begins == UNSETTLED)
        one->begins = off >= one->behind ? one->behind : 0;
    return off - one->begins;
}

size_t answers_get(struct answers *all, uint64_t ino, uint64_t fh, off_t off, char out[static REGION_ANSWER])
{
    struct region_answer *one;
    size_t len = 0;
    off_t from;

    (void)pthread_mutex_lock(&all->mutex);
    one = find(all, ino, fh);
    if (one) {
        one->used = ++all->region->answered;
        from = settle(one, off);
        if (from >= 0 && from < (off_t)one->len) {
            len = one->len - (size_t)from;
            memcpy(out, one->text + from, len);
        }
    }
    (void)pthread_mutex_unlock(&all->mutex);
    return len;
}

void answers_drop(struct answers *all, uint64_t ino, uint64_t fh)
{
    struct region_answer *one;

    (void)pthread_mutex_lock(&all->mutex);
    one = find(all, ino, fh);
    if (one)
        atomic_store(&one->handle, 0);
    (void)pthread_mutex_unlock(&all->mutex);
}
