#include "token.h"

#include "core/clock.h"
#include "core/token.h"
#include "curl.h"
#include "region.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    KEPT = 64,
    FETCHES_MOST = 3,                /* at once */
    WAITING_MOST = REGION_SLOTS - 2, /* threads, of those that answer requests */
    SPARE_S = 30,                    /* it is not given out so shortly before it ends */
    SHORT_S = 300,                   /* for one that lives no longer: a tenth of its life */
    FAILURE_S = 2,                   /* until what failed is tried again */
    LONGEST_S = 8                    /* of a fetch */
};

/* Names a token by what it is bound to when it is sealed. */
static const char sealed_as[] = "access-token";

struct token {
    uint8_t id[CF_ID_SIZE];
    int64_t version;
    const struct cf_method *method; /* NULL: free */
    bool is_coming;                 /* somebody fetches it */
    uint64_t used;                  /* when, in uses */
    uint64_t fetch;                 /* the number of the fetch that it comes from */
    int64_t until;                  /* time of CLOCK_BOOTTIME */
    enum cf_error error;            /* what the fetch gave */
    struct cf_sealed sealed;
};

struct tokens {
    struct cf_vault *vault;
    pthread_mutex_t lock;
    pthread_cond_t came;
    int fetching, waiting; /* who fetches waits too */
    uint64_t uses, fetches;
    struct token token[KEPT];
};

struct tokens *tokens_new(struct cf_vault *vault)
{
    struct tokens *tokens = calloc(1, sizeof(*tokens));

    if (!tokens)
        return NULL;
    tokens->vault = vault;
    if (pthread_mutex_init(&tokens->lock, NULL) == 0) {
        if (pthread_cond_init(&tokens->came, NULL) == 0)
            return tokens;
        (void)pthread_mutex_destroy(&tokens->lock);
    }
    free(tokens);
    return NULL;
}

void tokens_free(struct tokens *tokens)
{
    if (!tokens)
        return;
    for (int i = 0; i < KEPT; i++)
        free(tokens->token[i].sealed.bytes);
    (void)pthread_cond_destroy(&tokens->came);
    (void)pthread_mutex_destroy(&tokens->lock);
    free(tokens);
}

static int64_t now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_BOOTTIME, &time);
    return time.tv_sec * CF_SECOND + time.tv_nsec;
}

/* ---- with the lock held ---- */

static struct token *find(struct tokens *tokens, const struct cf_token_request *request)
{
    for (int i = 0; i < KEPT; i++) {
        struct token *token = &tokens->token[i];
        if (token->method == request->method && token->version == request->version &&
            memcmp(token->id, request->id, CF_ID_SIZE) == 0)
            return token;
    }
    return NULL;
}

/* One that is free, or was longest not used; those that are being fetched are far fewer than there are. */
static struct token *find_room(struct tokens *tokens)
{
    struct token *room = NULL;

    for (int i = 0; i < KEPT; i++) {
        struct token *token = &tokens->token[i];
        if (!token->is_coming && (!room || token->used < room->used))
            room = token;
    }
    return room;
}

static struct cf_binding binding_of(const struct token *token)
{
    return (struct cf_binding){.app = token->id, .version = token->version, .field = sealed_as};
}

static enum cf_error take(struct tokens *tokens, struct token *token, struct cf_secret **out)
{
    const struct cf_binding binding = binding_of(token);

    token->used = ++tokens->uses;
    if (token->error != CF_OK)
        return token->error;
    return cf_unseal(cf_store_keys(tokens->vault->store), &binding, token->sealed.bytes, token->sealed.len, out);
}

/* Wait for a fetch that is under way, and take what it gives, however soon that ends. */
static enum cf_error wait_for(struct tokens *tokens, const struct cf_token_request *request, struct cf_secret **out)
{
    const uint64_t fetch = find(tokens, request)->fetch;
    struct token *token;

    do {
        (void)pthread_cond_wait(&tokens->came, &tokens->lock);
        token = find(tokens, request);
    } while (token && token->is_coming && token->fetch == fetch);
    return token && token->fetch == fetch ? take(tokens, token, out) : CF_EAGAIN;
}

static struct token *begin(struct tokens *tokens, const struct cf_token_request *request)
{
    struct token *token = find(tokens, request);

    if (!token)
        token = find_room(tokens);
    free(token->sealed.bytes);
    *token = (struct token){
        .version = request->version, .method = request->method, .is_coming = true, .fetch = ++tokens->fetches};
    memcpy(token->id, request->id, CF_ID_SIZE);
    return token;
}

static enum cf_error seal(struct tokens *tokens, struct token *token, const struct cf_secret *value)
{
    const struct cf_binding binding = binding_of(token);

    token->sealed.len = cf_secret_len(value) + CF_SEAL_OVERHEAD;
    token->sealed.bytes = malloc(token->sealed.len);
    if (!token->sealed.bytes)
        return CF_ENOMEM;
    cf_seal(cf_store_keys(tokens->vault->store), &binding, value, token->sealed.bytes);
    return CF_OK;
}

/* ---- a fetch ---- */

static enum cf_error ask(const struct tokens *tokens, const struct cf_token_request *request,
                         struct cf_secret **value, int64_t *seconds)
{
    const int64_t third = tokens->vault->config->patience / 3;
    const int64_t longest = LONGEST_S * CF_SECOND;
    struct cf_secret *answer = NULL;
    enum cf_error error =
        curl_run(request->config, third < longest ? third : longest, request->method->token_url, &answer);

    if (error == CF_OK)
        error = cf_token_answer(answer, value, seconds);
    cf_secret_free(answer);
    return error == CF_EFORMAT ? CF_EUNREACHABLE : error;
}

static int64_t life_of(int64_t seconds)
{
    return (seconds > SHORT_S ? seconds - SPARE_S : seconds * 9 / 10) * CF_SECOND;
}

/* Called with the lock held, which is not held while it is fetched. */
static enum cf_error fetch(struct tokens *tokens, const struct cf_token_request *request, struct cf_secret **out)
{
    struct token *token = begin(tokens, request);
    const int64_t began = now();
    struct cf_secret *value = NULL;
    int64_t seconds = 0;
    enum cf_error error;

    tokens->fetching++;
    (void)pthread_mutex_unlock(&tokens->lock);
    error = ask(tokens, request, &value, &seconds);
    (void)pthread_mutex_lock(&tokens->lock);
    tokens->fetching--;
    if (error == CF_OK)
        error = seal(tokens, token, value);
    token->error = error;
    token->until = error == CF_OK ? began + life_of(seconds) : now() + FAILURE_S * CF_SECOND;
    token->used = ++tokens->uses;
    token->is_coming = false;
    (void)pthread_cond_broadcast(&tokens->came);
    if (error == CF_OK)
        *out = value;
    else
        cf_secret_free(value);
    return error;
}

enum cf_error tokens_fetch(void *arg, const struct cf_token_request *request, struct cf_secret **out)
{
    struct tokens *tokens = arg;
    struct token *token;
    bool is_coming;
    enum cf_error error;

    *out = NULL;
    (void)pthread_mutex_lock(&tokens->lock);
    token = find(tokens, request);
    is_coming = token && token->is_coming;
    if (token && !is_coming && now() < token->until) {
        error = take(tokens, token, out);
    } else if (tokens->waiting == WAITING_MOST || (!is_coming && tokens->fetching == FETCHES_MOST)) {
        error = CF_EAGAIN;
    } else {
        tokens->waiting++;
        error = is_coming ? wait_for(tokens, request, out) : fetch(tokens, request, out);
        tokens->waiting--;
    }
    (void)pthread_mutex_unlock(&tokens->lock);
    return error;
}
