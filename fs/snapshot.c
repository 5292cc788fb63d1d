#include "snapshot.h"

#include <pthread.h>
#include <stdlib.h>

enum { BUCKETS = 256 };

struct snapshots {
    pthread_mutex_t lock;
    struct snapshot *bucket[BUCKETS];
};

struct snapshots *snapshots_new(void)
{
    struct snapshots *all = calloc(1, sizeof(*all));

    if (all && pthread_mutex_init(&all->lock, NULL) != 0) {
        free(all);
        all = NULL;
    }
    return all;
}

static void snapshot_free(struct snapshot *snapshot)
{
    free(snapshot->text);
    cf_rendered_release(&snapshot->view);
    free(snapshot);
}

void snapshots_free(struct snapshots *all)
{
    if (!all)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct snapshot *next, *s = all->bucket[i]; s; s = next) {
            next = s->next;
            snapshot_free(s);
        }
    }
    (void)pthread_mutex_destroy(&all->lock);
    free(all);
}

/* Where it hangs, or where a new one would: points at NULL. */
static struct snapshot **find(struct snapshots *all, uint64_t ino, uint64_t fh)
{
    uint64_t mixed = (ino ^ fh) * UINT64_C(0x9e3779b97f4a7c15);
    struct snapshot **at = &all->bucket[mixed >> 56];

    while (*at && ((*at)->ino != ino || (*at)->fh != fh))
        at = &(*at)->next;
    return at;
}

/* Hang it up, or free it where there is one of its inode number and handle: then that has one more open. */
static void hang(struct snapshots *all, struct snapshot *fresh)
{
    struct snapshot **at;

    (void)pthread_mutex_lock(&all->lock);
    at = find(all, fresh->ino, fresh->fh);
    if (*at) {
        (*at)->opens++;
        snapshot_free(fresh);
    } else {
        *at = fresh;
    }
    (void)pthread_mutex_unlock(&all->lock);
}

bool snapshots_keep(struct snapshots *all, uint64_t ino, uint64_t fh, struct cf_text *text)
{
    struct snapshot *fresh = malloc(sizeof(*fresh));

    if (!fresh)
        return false;
    *fresh = (struct snapshot){.ino = ino, .fh = fh, .opens = 1, .text = text->data, .len = text->len};
    *text = (struct cf_text){0};
    hang(all, fresh);
    return true;
}

bool snapshots_keep_view(struct snapshots *all, uint64_t ino, uint64_t fh, struct cf_rendered *view)
{
    struct snapshot *fresh = malloc(sizeof(*fresh));

    if (!fresh)
        return false;
    *fresh = (struct snapshot){.ino = ino, .fh = fh, .opens = 1, .len = view->len, .view = *view};
    *view = (struct cf_rendered){0};
    hang(all, fresh);
    return true;
}

struct snapshot *snapshots_use(struct snapshots *all, uint64_t ino, uint64_t fh)
{
    struct snapshot *found;

    (void)pthread_mutex_lock(&all->lock);
    found = *find(all, ino, fh);
    if (found)
        found->readers++;
    (void)pthread_mutex_unlock(&all->lock);
    return found;
}

/* With the lock held. at: where a snapshot hangs. */
static void free_unused(struct snapshot **at)
{
    struct snapshot *snapshot = *at;

    if (snapshot->opens > 0 || snapshot->readers > 0)
        return;
    *at = snapshot->next;
    snapshot_free(snapshot);
}

void snapshots_done(struct snapshots *all, struct snapshot *snapshot)
{
    (void)pthread_mutex_lock(&all->lock);
    snapshot->readers--;
    free_unused(find(all, snapshot->ino, snapshot->fh));
    (void)pthread_mutex_unlock(&all->lock);
}

void snapshots_drop(struct snapshots *all, uint64_t ino, uint64_t fh)
{
    struct snapshot **at;

    (void)pthread_mutex_lock(&all->lock);
    at = find(all, ino, fh);
    if (*at && (*at)->opens > 0)
        (*at)->opens--;
    if (*at)
        free_unused(at);
    (void)pthread_mutex_unlock(&all->lock);
}
