#include "secret.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

enum { SLOTS = 128, SLOTS_PER_WORD = 64, WORDS = SLOTS / SLOTS_PER_WORD };

struct cf_secret {
    uint8_t *bytes; /* NULL while it is free, or wiped in a child */
    size_t len;
    size_t mapped; /* bytes of its own mapping, at whose start it lies; 0: it has a slot */
};

struct slot {
    struct cf_secret secret;
    _Alignas(64) uint8_t bytes[CF_SECRET_MAX]; /* all zero while the slot is free */
};

/* A large secret's mapping: this, and then its bytes. */
enum { LARGE_HEAD = 64 };
static_assert(sizeof(struct cf_secret) <= LARGE_HEAD, "LARGE_HEAD");

/* The whole mapping. It is wiped in a child (MADV_WIPEONFORK), and locks are not inherited either: a child
 * finds is_ready false and has no arena until it asks for one. */
struct arena {
    atomic_bool is_ready;
    _Atomic uint64_t taken[WORDS]; /* a bit a slot */
    struct slot slots[SLOTS];
};

static _Atomic(struct arena *) shared_arena;

/* Lock a mapping and keep it out of core files and children. */
static enum cf_error protect(void *mapping, size_t size, struct cf_fault *fault)
{
    const char *what = NULL;

    if (madvise(mapping, size, MADV_DONTDUMP) != 0)
        what = "keep secrets out of core files (MADV_DONTDUMP)";
    else if (madvise(mapping, size, MADV_WIPEONFORK) != 0)
        what = "keep secrets out of child processes (MADV_WIPEONFORK)";
    if (what != NULL) {
        cf_fault_set(fault, "cannot %s: %s", what, strerror(errno));
        return CF_ELOCKED;
    }
    /* Not mlock, which the sanitizers replace with a function that does nothing. */
    if (mlock2(mapping, size, 0) != 0) {
        cf_fault_set(fault,
                     "cannot lock %zu KiB of memory for secrets: %s; raise the limit (ulimit -l, or "
                     "LimitMEMLOCK= of the service)",
                     size / 1024 + 1, strerror(errno));
        return CF_ELOCKED;
    }
    return CF_OK;
}

static enum cf_error make_arena(struct cf_fault *fault)
{
    struct arena *arena = atomic_load(&shared_arena);
    bool is_new = arena == NULL;
    enum cf_error error;

    if (is_new) {
        arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (arena == MAP_FAILED) {
            cf_fault_set(fault, "no memory for secrets: %s", strerror(errno));
            return CF_ENOMEM;
        }
    }
    error = protect(arena, sizeof(*arena), fault);
    if (error != CF_OK) {
        if (is_new)
            munmap(arena, sizeof(*arena));
        return error;
    }
    atomic_store(&arena->is_ready, true);
    atomic_store(&shared_arena, arena);
    return CF_OK;
}

/* The arena of this process, or NULL. */
static struct arena *ready_arena(void)
{
    struct arena *arena = atomic_load(&shared_arena);

    return arena != NULL && atomic_load(&arena->is_ready) ? arena : NULL;
}

enum cf_error cf_secret_arena(struct cf_fault *fault)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    enum cf_error error = CF_OK;

    pthread_mutex_lock(&mutex);
    if (ready_arena() == NULL)
        error = make_arena(fault);
    pthread_mutex_unlock(&mutex);
    return error;
}

static struct slot *take_slot(struct arena *arena)
{
    for (size_t word = 0; word < WORDS; word++) {
        uint64_t taken = atomic_load(&arena->taken[word]);

        while (taken != UINT64_MAX) {
            size_t bit = (size_t)__builtin_ctzll(~taken);

            if (atomic_compare_exchange_weak(&arena->taken[word], &taken, taken | UINT64_C(1) << bit))
                return &arena->slots[word * SLOTS_PER_WORD + bit];
        }
    }
    return NULL;
}

static void give_slot(struct arena *arena, struct slot *slot)
{
    size_t number = (size_t)(slot - arena->slots);

    assert(number < SLOTS);
    atomic_fetch_and(&arena->taken[number / SLOTS_PER_WORD], ~(UINT64_C(1) << number % SLOTS_PER_WORD));
}

static struct cf_secret *new_small(struct arena *arena, size_t len)
{
    struct slot *slot = take_slot(arena);

    if (slot == NULL)
        return NULL;
    slot->secret = (struct cf_secret){.bytes = slot->bytes, .len = len};
    return &slot->secret;
}

static struct cf_secret *new_large(size_t len)
{
    const size_t size = LARGE_HEAD + len;
    struct cf_secret *secret = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (secret == MAP_FAILED)
        return NULL;
    if (protect(secret, size, NULL) != CF_OK) {
        munmap(secret, size);
        return NULL;
    }
    *secret = (struct cf_secret){.bytes = (uint8_t *)secret + LARGE_HEAD, .len = len, .mapped = size};
    return secret;
}

struct cf_secret *cf_secret_new(size_t len)
{
    struct arena *arena = ready_arena();

    if (arena == NULL || len > CF_SECRET_LARGEST)
        return NULL;
    return len <= CF_SECRET_MAX ? new_small(arena, len) : new_large(len);
}

struct cf_secret *cf_secret_copy(const void *bytes, size_t len)
{
    struct cf_secret *secret = cf_secret_new(len);

    if (secret != NULL && len > 0)
        memcpy(secret->bytes, bytes, len);
    return secret;
}

uint8_t *cf_secret_bytes(struct cf_secret *secret)
{
    return secret->bytes;
}

const uint8_t *cf_secret_peek(const struct cf_secret *secret)
{
    return secret->bytes;
}

size_t cf_secret_len(const struct cf_secret *secret)
{
    return secret->len;
}

void cf_secret_shorten(struct cf_secret *secret, size_t len)
{
    assert(len <= secret->len);
    cf_wipe(secret->bytes + len, secret->len - len);
    secret->len = len;
}

void cf_secret_free(struct cf_secret *secret)
{
    struct arena *arena = ready_arena();

    if (secret == NULL || arena == NULL || secret->bytes == NULL)
        return;
    cf_wipe(secret->bytes, secret->len); /* behind it nothing was written */
    if (secret->mapped > 0) {
        munmap(secret, secret->mapped);
        return;
    }
    *secret = (struct cf_secret){0};
    give_slot(arena, (struct slot *)secret);
}

void cf_wipe(void *bytes, size_t len)
{
    if (len > 0)
        explicit_bzero(bytes, len);
}
