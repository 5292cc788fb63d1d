#include "principal.h"

#include "clock.h"

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    USER_NAME_MOST = 255,          /* bytes in a name that is looked up (LOGIN_NAME_MAX less its NUL) */
    REPLY_MOST = 16 * 1024 * 1024, /* bytes of a reply: a group comes with all its members */
    CACHED = 1024
};
#define CACHE_LIFE (60 * CF_SECOND)

/* A question to the name service, and its answer. */
struct lookup {
    enum cf_principal_kind kind;
    bool by_name; /* the name asks for the id, otherwise the id for the name */
    bool is_found;
    uint32_t id, gid; /* gid: a user's own group */
    int64_t until;    /* in the cache: used before this time of cf_monotonic; 0: an empty place */
    char name[USER_NAME_MOST + 1];
};

/* Each question has one place; a newer one of the same place takes it. The mutex is never held while the name
 * service is asked. */
static struct lookup cache[CACHED];
static pthread_mutex_t cache_mutex = PTHREAD_MUTEX_INITIALIZER;

/* FNV-1a. */
static uint32_t hash_bytes(uint32_t hash, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * 16777619u;
    return hash;
}

static struct lookup *cache_place(const struct lookup *ask)
{
    unsigned char form = (unsigned char)((unsigned)ask->kind << 1 | ask->by_name);
    uint32_t hash = hash_bytes(2166136261u, &form, 1);

    if (ask->by_name)
        hash = hash_bytes(hash, ask->name, strlen(ask->name));
    else
        hash = hash_bytes(hash, &ask->id, sizeof(ask->id));
    return &cache[(hash ^ hash >> 16) % CACHED];
}

static bool is_same_question(const struct lookup *a, const struct lookup *b)
{
    if (a->kind != b->kind || a->by_name != b->by_name)
        return false;
    return a->by_name ? strcmp(a->name, b->name) == 0 : a->id == b->id;
}

static bool cache_get(struct lookup *ask)
{
    const struct lookup *place = cache_place(ask);
    bool is_there;

    pthread_mutex_lock(&cache_mutex);
    is_there = place->until > cf_monotonic() && is_same_question(place, ask);
    if (is_there)
        *ask = *place;
    pthread_mutex_unlock(&cache_mutex);
    return is_there;
}

static void cache_put(struct lookup *answer)
{
    struct lookup *place = cache_place(answer);

    answer->until = cf_monotonic() + CACHE_LIFE;
    pthread_mutex_lock(&cache_mutex);
    *place = *answer;
    pthread_mutex_unlock(&cache_mutex);
}

/* Keep an answer. Numbers that no user can have and names that do not fit count as not found. */
static void set_answer(struct lookup *ask, const char *name, uint32_t id, uint32_t gid)
{
    size_t len = strlen(name);

    if (len == 0 || len > USER_NAME_MOST || id == UINT32_MAX)
        return;
    ask->is_found = true;
    if (ask->by_name)
        ask->id = id;
    else
        memcpy(ask->name, name, len + 1);
    ask->gid = gid;
}

/* Ask once, with this much room. Returns 0 when there was an answer (also "none"), or an errno. */
static int ask_user(struct lookup *ask, char *buffer, size_t size)
{
    struct passwd entry, *found = NULL;
    int error = ask->by_name ? getpwnam_r(ask->name, &entry, buffer, size, &found)
                             : getpwuid_r(ask->id, &entry, buffer, size, &found);

    if (error == 0 && found != NULL)
        set_answer(ask, found->pw_name, found->pw_uid, found->pw_gid);
    return error;
}

static int ask_group(struct lookup *ask, char *buffer, size_t size)
{
    struct group entry, *found = NULL;
    int error = ask->by_name ? getgrnam_r(ask->name, &entry, buffer, size, &found)
                             : getgrgid_r(ask->id, &entry, buffer, size, &found);

    if (error == 0 && found != NULL)
        set_answer(ask, found->gr_name, found->gr_gid, found->gr_gid);
    return error;
}

/* Ask with more room until the reply fits. */
static int ask_service(struct lookup *ask)
{
    int error = ERANGE;

    for (size_t size = 1024; error == ERANGE && size <= REPLY_MOST; size *= 4) {
        char *buffer = malloc(size);

        if (buffer == NULL)
            return ENOMEM;
        do {
            error = ask->kind == CF_USER ? ask_user(ask, buffer, size) : ask_group(ask, buffer, size);
        } while (error == EINTR);
        free(buffer);
    }
    return error;
}

/* Answer a question, out of the cache if possible. A failure of the service counts as a miss and is kept
 * like one, so that a service that is down is not waited for again and again; a shortage of our own is not
 * kept. */
static bool resolve(struct lookup *ask)
{
    int error;

    if (cache_get(ask))
        return ask->is_found;
    error = ask_service(ask);
    if (error != ENOMEM && error != EMFILE && error != ENFILE)
        cache_put(ask);
    return ask->is_found;
}

static bool resolve_name(enum cf_principal_kind kind, const char *name, size_t len, struct lookup *ask)
{
    if (len == 0 || len > USER_NAME_MOST)
        return false;
    *ask = (struct lookup){.kind = kind, .by_name = true};
    memcpy(ask->name, name, len);
    return resolve(ask);
}

bool cf_user_find(const char *name, uint32_t *uid, uint32_t *gid)
{
    struct lookup ask;

    if (!resolve_name(CF_USER, name, strlen(name), &ask))
        return false;
    *uid = ask.id;
    *gid = ask.gid;
    return true;
}

bool cf_group_find(const char *name, uint32_t *gid)
{
    struct lookup ask;

    if (!resolve_name(CF_GROUP, name, strlen(name), &ask))
        return false;
    *gid = ask.id;
    return true;
}

/* Digits at the cursor, up to 4294967294 (the number past it stands for "none" in the kernel). */
static bool parse_number(const char **cursor, const char *end, uint32_t *number)
{
    const char *start = *cursor;
    uint64_t value = 0;

    for (; *cursor < end && **cursor >= '0' && **cursor <= '9'; (*cursor)++) {
        value = value * 10 + (uint64_t)(**cursor - '0');
        if (value >= UINT32_MAX)
            return false;
    }
    *number = (uint32_t)value;
    return *cursor > start;
}

static enum cf_error parse_range(const char *at, const char *end, struct cf_principal *who)
{
    if (!parse_number(&at, end, &who->low))
        return CF_EVALUE;
    who->high = who->low;
    if (at < end && *at == '-') {
        at++;
        if (!parse_number(&at, end, &who->high))
            return CF_EVALUE;
    }
    return at == end && who->low <= who->high ? CF_OK : CF_EVALUE;
}

/* Only digits and '-': a number or a range, never a name. */
static bool is_numeric(const char *word, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!(word[i] >= '0' && word[i] <= '9') && word[i] != '-')
            return false;
    }
    return true;
}

static bool take_prefix(const char **word, size_t *len, const char *prefix)
{
    size_t prefix_len = strlen(prefix);

    if (*len < prefix_len || memcmp(*word, prefix, prefix_len) != 0)
        return false;
    *word += prefix_len;
    *len -= prefix_len;
    return true;
}

enum cf_error cf_principal_parse(const char *word, size_t len, struct cf_principal *out)
{
    struct cf_principal who = {.kind = CF_USER};
    struct lookup ask;
    enum cf_error error;

    if (take_prefix(&word, &len, "group:"))
        who.kind = CF_GROUP;
    else if (!take_prefix(&word, &len, "user:"))
        return CF_EVALUE;
    if (len == 0 || memchr(word, '\0', len) != NULL)
        return CF_EVALUE;
    if (is_numeric(word, len)) {
        error = parse_range(word, word + len, &who);
        if (error != CF_OK)
            return error;
    } else {
        if (!resolve_name(who.kind, word, len, &ask))
            return CF_EPRINCIPAL;
        who.low = who.high = ask.id;
    }
    *out = who;
    return CF_OK;
}

/* Would the name be read back as this name: one word, no number, no comment? */
static bool is_printable_name(const char *name)
{
    size_t len = strlen(name);

    return !is_numeric(name, len) && cf_line_valid(name, len, USER_NAME_MOST) && strpbrk(name, " #") == NULL;
}

static void print_id(enum cf_principal_kind kind, uint32_t id, struct cf_text *out)
{
    struct lookup ask = {.kind = kind, .id = id};

    if (resolve(&ask) && is_printable_name(ask.name))
        cf_text_puts(out, ask.name);
    else
        cf_text_printf(out, "%u", id);
}

static const char *kind_prefix(const struct cf_principal *who)
{
    return who->kind == CF_USER ? "user:" : "group:";
}

void cf_principal_number(const struct cf_principal *who, struct cf_text *out)
{
    cf_text_printf(out, "%s%u", kind_prefix(who), who->low);
    if (who->high != who->low)
        cf_text_printf(out, "-%u", who->high);
}

void cf_principal_print(const struct cf_principal *who, struct cf_text *out)
{
    if (who->low != who->high) {
        cf_principal_number(who, out);
        return;
    }
    cf_text_puts(out, kind_prefix(who));
    print_id(who->kind, who->low, out);
}

void cf_user_print(uint32_t uid, struct cf_text *out)
{
    print_id(CF_USER, uid, out);
}

bool cf_principal_matches(const struct cf_principal *who, struct cf_caller *caller)
{
    if (who->kind == CF_USER)
        return caller->uid >= who->low && caller->uid <= who->high;
    return cf_caller_in_group(caller, who->low, who->high);
}

int cf_principal_order(const struct cf_principal *a, const struct cf_principal *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->low != b->low)
        return a->low < b->low ? -1 : 1;
    return (a->high > b->high) - (a->high < b->high);
}
