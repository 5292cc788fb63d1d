#include "denials.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 256 }; /* bytes of what an App or a file is called */

/* An event by itself; "" where it has none. */
struct kept {
    struct cf_caller caller;
    struct cf_names names;
    const char *op;
    char app[NAME], file[NAME], why[NAME], detail[NAME];
    uint8_t id[CF_ID_SIZE];
    bool has_id;
    int64_t version;
    enum cf_error result;
};

struct place {
    int64_t seen;    /* in this second */
    int64_t counted; /* and not recorded */
    bool is_flooded;
    struct kept first; /* of those counted */
};

struct cf_denials {
    pthread_mutex_t mutex;
    struct place place[CF_DENIALS_PLACES];
};

struct cf_denials *cf_denials_new(void)
{
    struct cf_denials *denials = calloc(1, sizeof *denials);

    if (denials != NULL)
        pthread_mutex_init(&denials->mutex, NULL);
    return denials;
}

void cf_denials_free(struct cf_denials *denials)
{
    if (denials == NULL)
        return;
    pthread_mutex_destroy(&denials->mutex);
    free(denials);
}

/* Fibonacci hashing: the uids of a container's range do not come to lie in one place. */
static struct place *place_of(struct cf_denials *denials, uint32_t uid)
{
    return &denials->place[(uid * UINT32_C(2654435769)) >> 24];
}

static void keep_text(char out[static NAME], const char *text)
{
    snprintf(out, NAME, "%s", text != NULL ? text : "");
}

/* The names are read now: when it is told, the process may be gone and its number another's. */
static void keep(struct kept *kept, const struct cf_event *event)
{
    kept->caller = cf_caller_of(event->caller->uid, event->caller->gid, event->caller->pid);
    if (event->names != NULL)
        kept->names = *event->names;
    else
        cf_caller_names(event->caller, &kept->names);
    kept->op = event->op;
    keep_text(kept->app, event->app);
    keep_text(kept->file, event->file);
    keep_text(kept->why, event->why);
    keep_text(kept->detail, event->detail);
    kept->has_id = event->id != NULL;
    if (kept->has_id)
        memcpy(kept->id, event->id, sizeof kept->id);
    kept->version = event->version;
    kept->result = event->result;
}

bool cf_denials_admit(struct cf_denials *denials, const struct cf_event *event)
{
    struct place *place = place_of(denials, event->caller->uid);
    bool is_admitted;

    pthread_mutex_lock(&denials->mutex);
    place->seen++;
    place->is_flooded = place->is_flooded || place->seen > CF_DENIALS_MOST;
    is_admitted = !place->is_flooded;
    if (!is_admitted && place->counted++ == 0)
        keep(&place->first, event);
    pthread_mutex_unlock(&denials->mutex);
    return is_admitted;
}

/* A second has passed: take what the place has counted out of it. Returns how many that were. */
static int64_t take(struct cf_denials *denials, struct place *place, struct kept *first)
{
    int64_t counted;

    pthread_mutex_lock(&denials->mutex);
    counted = place->counted;
    if (counted > 0)
        *first = place->first;
    place->counted = 0;
    place->is_flooded = place->is_flooded && place->seen > CF_DENIALS_MOST;
    place->seen = 0;
    pthread_mutex_unlock(&denials->mutex);
    return counted;
}

/* It could not be told: the next second has that many more. */
static void put_back(struct cf_denials *denials, struct place *place, const struct kept *first, int64_t counted)
{
    pthread_mutex_lock(&denials->mutex);
    place->counted += counted;
    place->first = *first;
    pthread_mutex_unlock(&denials->mutex);
}

static const char *or_null(const char *text)
{
    return *text != '\0' ? text : NULL;
}

static enum cf_error tell(struct cf_audit *audit, const struct kept *first, int64_t counted)
{
    struct cf_text detail = {0};
    struct cf_event event = {.caller = &first->caller,
                             .names = &first->names,
                             .op = first->op,
                             .app = or_null(first->app),
                             .id = first->has_id ? first->id : NULL,
                             .file = or_null(first->file),
                             .version = first->version,
                             .result = first->result,
                             .why = or_null(first->why)};
    enum cf_error error;

    cf_text_printf(&detail, "%s%sand %lld more refused within a second", first->detail,
                   *first->detail != '\0' ? "; " : "", (long long)counted - 1);
    event.detail = counted > 1 ? detail.data : or_null(first->detail);
    error = cf_text_result(&detail);
    if (error == CF_OK)
        error = cf_audit_write(audit, &event);
    cf_text_release(&detail);
    return error;
}

enum cf_error cf_denials_tell(struct cf_denials *denials, struct cf_audit *audit)
{
    enum cf_error first_error = CF_OK;

    for (int i = 0; i < CF_DENIALS_PLACES; i++) {
        struct place *place = &denials->place[i];
        struct kept first;
        const int64_t counted = take(denials, place, &first);
        enum cf_error error = counted > 0 ? tell(audit, &first, counted) : CF_OK;
        if (error != CF_OK)
            put_back(denials, place, &first, counted);
        if (first_error == CF_OK)
            first_error = error;
    }
    return first_error;
}
