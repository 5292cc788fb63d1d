#include "pending.h"

static int64_t earlier(int64_t one, int64_t other)
{
    return one == 0 || (other != 0 && other < one) ? other : one;
}

static struct region_news *note_of(const struct pending *pending, const struct pending_item *item)
{
    return &pending->region->news[item - pending->item];
}

static bool is_noted(const struct pending *pending, const struct pending_item *item)
{
    return atomic_load(&note_of(pending, item)->serial) != 0;
}

void pending_start(struct pending *pending, struct region_announcing *region, int64_t propagation)
{
    *pending = (struct pending){.region = region, .propagation = propagation};
    for (int i = 0; i < REGION_NEWS; i++) {
        struct pending_item *item = &pending->item[i];
        item->serial = atomic_load(&region->news[i].serial);
        item->is_due = item->serial != 0 && atomic_load(&region->news[i].at) == 0;
    }
}

/* ---- room ---- */

static struct pending_item *find(struct pending *pending, int64_t serial)
{
    for (int i = 0; i < REGION_NEWS; i++)
        if (pending->item[i].serial == serial)
            return &pending->item[i];
    return NULL;
}

/* Without room for what waits for the end of a propagation: it is searched for when the time is there. */
static void search_later(struct pending *pending, int64_t at)
{
    struct region_announcing *region = pending->region;
    const int64_t since = at - pending->propagation;

    atomic_store(&region->of_later, earlier(atomic_load(&region->of_later), since));
    atomic_store(&region->later, earlier(atomic_load(&region->later), at));
}

/* A note that waits for a time to come gives way. What is due, or being announced, stays. */
static struct pending_item *make_room(struct pending *pending)
{
    for (int i = 0; i < REGION_NEWS; i++) {
        struct pending_item *item = &pending->item[i];
        const int64_t at = atomic_load(&note_of(pending, item)->at);
        if (!is_noted(pending, item) || at == 0)
            continue;
        search_later(pending, at);
        atomic_store(&note_of(pending, item)->serial, 0);
        return item;
    }
    return NULL;
}

/* The free place whose App was announced longest ago. */
static struct pending_item *find_room(struct pending *pending)
{
    struct pending_item *best = NULL;

    for (int i = 0; i < REGION_NEWS; i++) {
        struct pending_item *item = &pending->item[i];
        if (!is_noted(pending, item) && (!best || item->earliest < best->earliest))
            best = item;
    }
    return best ? best : make_room(pending);
}

/* The App's item, noted for this time (0: now), or NULL where there is no room. */
static struct pending_item *note(struct pending *pending, int64_t serial, int64_t at)
{
    struct pending_item *item = find(pending, serial);

    if (!item)
        item = find_room(pending);
    if (!item)
        return NULL;
    if (item->serial != serial)
        *item = (struct pending_item){.serial = serial};
    atomic_store(&note_of(pending, item)->at, at);
    atomic_store(&note_of(pending, item)->serial, serial);
    return item;
}

/* ---- changes ---- */

void pending_since(struct pending *pending, int64_t time)
{
    atomic_store(&pending->region->since, earlier(atomic_load(&pending->region->since), time));
    if (pending->is_searching)
        pending->lost = earlier(pending->lost, time);
}

void pending_changing(struct pending *pending, int64_t serial, int64_t updated)
{
    struct pending_item *item = note(pending, serial, 0);

    if (item)
        item->under_way++;
    else
        pending_since(pending, updated);
}

void pending_changed(struct pending *pending, int64_t serial, int64_t updated)
{
    struct pending_item *item = note(pending, serial, 0);

    if (!item) {
        pending_since(pending, updated);
        return;
    }
    item->under_way -= item->under_way > 0;
    item->is_due = true;
}

void pending_again(struct pending *pending, int64_t serial, int64_t time)
{
    const struct pending_item *item = find(pending, serial);

    if (time == 0 || (item && (item->is_due || item->under_way > 0)))
        return;
    if (!note(pending, serial, time))
        search_later(pending, time);
}

void pending_ripen(struct pending *pending, int64_t now)
{
    struct region_announcing *region = pending->region;
    const int64_t later = atomic_load(&region->later);

    for (int i = 0; i < REGION_NEWS; i++) {
        struct pending_item *item = &pending->item[i];
        const int64_t at = atomic_load(&region->news[i].at);
        if (!is_noted(pending, item) || at == 0 || at > now)
            continue;
        atomic_store(&region->news[i].at, 0);
        item->is_due = true;
    }
    if (later != 0 && later <= now) {
        pending_since(pending, atomic_load(&region->of_later));
        atomic_store(&region->later, 0);
        atomic_store(&region->of_later, 0);
    }
}

/* ---- working it off ---- */

bool pending_has_due(const struct pending *pending)
{
    for (int i = 0; i < REGION_NEWS; i++)
        if (pending->item[i].is_due)
            return true;
    return false;
}

struct pending_item *pending_take(struct pending *pending, int64_t now, int64_t *when)
{
    *when = INT64_MAX;
    for (int i = 1; i <= REGION_NEWS; i++) {
        const int place = (pending->last + i) % REGION_NEWS;
        struct pending_item *item = &pending->item[place];
        if (!item->is_due)
            continue;
        if (item->earliest <= now) {
            pending->last = place;
            item->is_due = false;
            return item;
        }
        if (item->earliest < *when)
            *when = item->earliest;
    }
    return NULL;
}

bool pending_done(struct pending *pending, struct pending_item *item, bool is_done, int64_t earliest)
{
    item->earliest = earliest;
    if (!is_done)
        item->is_due = true;
    if (item->is_due || item->under_way > 0)
        return false;
    atomic_store(&note_of(pending, item)->serial, 0);
    return true;
}
