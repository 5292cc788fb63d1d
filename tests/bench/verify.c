/* verify: how long checks of credentials take, and whether that tells a known key from an unknown one.
 *
 *   verify core DIRECTORY APPS CHECKS    in a new store in DIRECTORY, straight through core
 *   verify mount MOUNTPOINT CHECKS       through a mount of such a store, as a user who may reveal and verify, with
 *                                        [policy] verify-rate = 1000000
 *
 * 512 keys of the store and 512 that are not in it are checked with a secret that is nobody's, CHECKS times each
 * kind, in random order. Prints `name = value` lines: medians and means in µs; t of Welch's test, of all times and of
 * those below the 95th percentile; overlap, the chance that a known key's check takes longer than an unknown one's,
 * where 0.5 tells nothing; and t of the keys, a median each, 512 against 512. That is the one that counts: some keys
 * take longer than others, as their Apps have more to verify, and to the first two many checks of one key look like
 * news. |t| over 4.5 would tell the two kinds apart. Then how many good credentials one thread checks in a second.
 */
#include "core/verify.h"
#include "core/api.h"
#include "core/change.h"
#include "core/clock.h"
#include "core/generate.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define SLUG "quality-management-speech-analytics"

enum { KEYS = 512, TEXT = 160, WARM_UP = 2000 };

/* A way of checking. Returns whether the answer begins with this word. */
struct bench {
    bool (*check)(struct bench *bench, const char *text, const char *word);
    struct cf_vault *vault;
    struct cf_caller caller;
    int64_t api;
    int fd;
    char good[KEYS][TEXT], text[2][KEYS][TEXT]; /* 0: known, 1: unknown */
};

struct sample {
    float time; /* µs */
    int key;
    bool is_unknown;
};

static double now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int fail(const char *what)
{
    fprintf(stderr, "verify: %s\n", what);
    return EX_SOFTWARE;
}

/* xorshift64 (https://doi.org/10.18637/jss.v008.i14) */
static uint64_t chance(void)
{
    static uint64_t state = UINT64_C(88172645463325252);

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static int choose(int limit)
{
    return (int)((chance() >> 20) % (uint64_t)limit);
}

/* ---- the two ways ---- */

static bool check_in_core(struct bench *bench, const char *text, const char *word)
{
    struct cf_answer answer;

    return cf_verify(bench->vault, &bench->caller, bench->api, text, strlen(text), &answer) == CF_OK &&
           strcmp(cf_error_word(answer.result), word) == 0;
}

static bool check_on_mount(struct bench *bench, const char *text, const char *word)
{
    const ssize_t len = (ssize_t)strlen(text);
    char answer[256];

    return pwrite(bench->fd, text, (size_t)len, 0) == len && pread(bench->fd, answer, sizeof answer, 0) > 0 &&
           strncmp(answer, word, strlen(word)) == 0;
}

/* Add to a text as far as there is room. */
static void add(char text[static TEXT], const void *bytes, size_t len)
{
    const size_t end = strlen(text);

    snprintf(text + end, TEXT - end, "%.*s", (int)len, (const char *)bytes);
}

/* The same with a value, which it frees. */
static void append(char text[static TEXT], struct cf_secret *value)
{
    if (value != NULL)
        add(text, cf_secret_peek(value), cf_secret_len(value));
    cf_secret_free(value);
}

/* ---- a store ---- */

static bool make_app(struct bench *bench, int number)
{
    static const char *const sets[] = {SLUG, SLUG " contact-search", SLUG " audit-records contact-management",
                                       SLUG};
    const char *apis = sets[number % 4];
    struct cf_app app;
    char name[32];

    snprintf(name, sizeof name, "app-%d", number);
    return cf_create_app(bench->vault, &bench->caller, name, &app) == CF_OK &&
           cf_write_apis(bench->vault, &bench->caller, app.serial, CF_REPLACE, apis, strlen(apis)) == CF_OK;
}

/* The credential of an App, which is of this serial in a new store. */
static bool take_credential(struct bench *bench, int64_t serial, char text[static TEXT])
{
    struct cf_secret *value;
    int64_t version = 0;

    *text = '\0';
    for (enum cf_field field = CF_KEY; field <= CF_SECRET; field++) {
        if (cf_vault_reveal(bench->vault, &bench->caller, serial, field, &version) != CF_OK ||
            cf_vault_value(bench->vault, serial, version, field, &value) != CF_OK)
            return false;
        append(text, value);
        if (field == CF_KEY)
            add(text, " ", 1);
    }
    return true;
}

static bool open_core(struct bench *bench, const char *directory, int apps)
{
    const struct cf_vault_options options = {.store = directory, .mode = CF_STORE_OWN};
    struct cf_fault fault = {""};
    struct cf_api_row api = {0};
    struct cf_txn txn = {0};
    bool is_well =
        cf_store_create(directory, &fault) == CF_OK && cf_vault_open(&options, &bench->vault, &fault) == CF_OK;

    if (!is_well) {
        fprintf(stderr, "verify: %s\n", fault.text);
        return false;
    }
    bench->vault->config->verify_rate = 1000000;
    bench->caller = cf_caller_of(geteuid(), getegid(), getpid());
    for (int i = 0; is_well && i < apps; i++)
        is_well = make_app(bench, i);
    for (int i = 0; is_well && i < KEYS; i++)
        is_well = take_credential(bench, 1 + choose(apps), bench->good[i]);
    is_well =
        is_well && cf_txn_read(bench->vault->store, &txn) == CF_OK && cf_api_by_slug(&txn, SLUG, &api) == CF_OK;
    cf_txn_end(&txn);
    bench->api = api.serial;
    bench->check = check_in_core;
    return is_well;
}

/* ---- a mount ---- */

static bool read_line(const char *mountpoint, int app, const char *field, char text[static TEXT])
{
    char path[4096];
    FILE *file;
    bool is_well;

    snprintf(path, sizeof path, "%s/apps/app-%d/%s", mountpoint, app, field);
    file = fopen(path, "re");
    is_well = file != NULL && fgets(text, TEXT / 2, file) != NULL;
    if (file != NULL)
        fclose(file);
    text[is_well ? strcspn(text, "\n") : 0] = '\0';
    return is_well;
}

static bool open_mount(struct bench *bench, const char *mountpoint)
{
    char path[4096];
    int apps = 0;

    snprintf(path, sizeof path, "%s/apis/" SLUG "/verify", mountpoint);
    bench->fd = open(path, O_RDWR | O_CLOEXEC);
    bench->check = check_on_mount;
    do /* how many there are */
        snprintf(path, sizeof path, "%s/apps/app-%d", mountpoint, apps++);
    while (access(path, F_OK) == 0);
    apps--;
    if (apps == 0)
        return false;
    for (int i = 0; i < KEYS; i++) {
        const int app = choose(apps);
        if (!read_line(mountpoint, app, "key", bench->good[i]))
            return false;
        add(bench->good[i], " ", 1);
        if (!read_line(mountpoint, app, "secret", bench->good[i] + strlen(bench->good[i])))
            return false;
    }
    return bench->fd >= 0;
}

/* ---- figures ---- */

static double root(double square)
{
    double guess = square > 1 ? square : 1;

    for (int i = 0; i < 100; i++)
        guess = (guess + square / guess) / 2;
    return guess;
}

/* Welch's t of the times below limit. */
static double welch(const struct sample *samples, long count, double limit)
{
    double n[2] = {0}, sum[2] = {0}, squares[2] = {0};

    for (long i = 0; i < count; i++) {
        const double time = (double)samples[i].time;
        const int kind = samples[i].is_unknown;
        if (time > limit)
            continue;
        n[kind]++;
        sum[kind] += time;
        squares[kind] += time * time;
    }
    for (int kind = 0; kind < 2; kind++)
        squares[kind] = (squares[kind] - sum[kind] * sum[kind] / n[kind]) / (n[kind] - 1) / n[kind];
    return (sum[0] / n[0] - sum[1] / n[1]) / root(squares[0] + squares[1]);
}

static int by_time(const void *a, const void *b)
{
    const float x = ((const struct sample *)a)->time, y = ((const struct sample *)b)->time;

    return (x > y) - (x < y);
}

static int by_key(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;

    if (x->is_unknown != y->is_unknown)
        return x->is_unknown ? 1 : -1;
    return x->key != y->key ? x->key - y->key : by_time(a, b);
}

/* The chance that a known one takes longer than an unknown one, of samples in the order of time. */
static double overlap(const struct sample *samples, long count)
{
    double unknown = 0, known = 0, before = 0;

    for (long i = 0, end; i < count; i = end) {
        double here[2] = {0};
        for (end = i; end < count && samples[end].time <= samples[i].time; end++)
            here[samples[end].is_unknown]++;
        before += here[0] * (unknown + here[1] / 2);
        known += here[0];
        unknown += here[1];
    }
    return before / (known * unknown);
}

static void tell_kind(const char *name, const struct sample *samples, long count, bool is_unknown)
{
    double sum = 0, median = 0;
    long n = 0, of = 0;

    for (long i = 0; i < count; i++)
        of += samples[i].is_unknown == is_unknown;
    for (long i = 0; i < count; i++) {
        if (samples[i].is_unknown != is_unknown)
            continue;
        if (n++ == of / 2)
            median = (double)samples[i].time;
        sum += (double)samples[i].time;
    }
    printf("%s checks = %ld\n%s median = %.3f\n%s mean = %.3f\n", name, n, name, median, name, sum / (double)n);
}

/* Samples in the order of keys. */
static double welch_of_keys(struct sample *samples, long count)
{
    struct sample medians[2 * KEYS];
    long keys = 0;

    for (long i = 0, end; i < count; i = end) {
        for (end = i;
             end < count && samples[end].key == samples[i].key && samples[end].is_unknown == samples[i].is_unknown;
             end++)
            ;
        medians[keys++] = samples[i + (end - i) / 2];
    }
    return welch(medians, keys, 1e9);
}

static void tell(struct sample *samples, long count)
{
    qsort(samples, (size_t)count, sizeof *samples, by_time);
    tell_kind("known", samples, count, false);
    tell_kind("unknown", samples, count, true);
    printf("t = %.2f\n", welch(samples, count, 1e9));
    printf("t below p95 = %.2f\n", welch(samples, count, (double)samples[count - count / 20].time));
    printf("overlap = %.4f\n", overlap(samples, count));
    qsort(samples, (size_t)count, sizeof *samples, by_key);
    printf("t of keys = %.2f\n", welch_of_keys(samples, count));
}

/* ---- the runs ---- */

static void make_texts(struct bench *bench)
{
    for (int i = 0; i < KEYS; i++) {
        add(bench->text[0][i], bench->good[i], strcspn(bench->good[i], " ") + 1); /* the key and its blank */
        append(bench->text[0][i], cf_generate_secret());
        append(bench->text[1][i], cf_generate_key());
        add(bench->text[1][i], " ", 1);
        append(bench->text[1][i], cf_generate_secret());
    }
}

static bool compare(struct bench *bench, long checks)
{
    struct sample *samples = calloc((size_t)checks * 2, sizeof *samples);

    if (samples == NULL)
        return false;
    for (long i = -WARM_UP; i < checks * 2; i++) {
        const struct sample sample = {.is_unknown = choose(2), .key = choose(KEYS)};
        const double start = now();
        if (!bench->check(bench, bench->text[sample.is_unknown][sample.key], "unknown"))
            goto fail;
        if (i < 0)
            continue;
        samples[i] = sample;
        samples[i].time = (float)(now() - start);
    }
    tell(samples, checks * 2);
    free(samples);
    return true;

fail:
    free(samples);
    return false;
}

static bool count_rate(struct bench *bench, long checks)
{
    const double start = now();

    for (long i = 0; i < checks; i++)
        if (!bench->check(bench, bench->good[i % KEYS], "ok"))
            return false;
    printf("ok a second = %.0f\n", (double)checks / (now() - start) * 1e6);
    return true;
}

int main(int argc, char **argv)
{
    static struct bench bench;
    struct cf_fault fault = {""};
    long checks;
    const bool is_core = argc == 5 && strcmp(argv[1], "core") == 0;

    if (!is_core && (argc != 4 || strcmp(argv[1], "mount") != 0)) {
        fprintf(stderr, "usage: verify core DIRECTORY APPS CHECKS | verify mount MOUNTPOINT CHECKS\n");
        return EX_USAGE;
    }
    checks = strtol(argv[argc - 1], NULL, 10);
    if (cf_crypto_start(&fault) != CF_OK)
        return fail(fault.text);
    if (!(is_core ? open_core(&bench, argv[2], (int)strtol(argv[3], NULL, 10)) : open_mount(&bench, argv[2])))
        return fail("it cannot be set up");
    make_texts(&bench);
    if (!compare(&bench, checks) || !count_rate(&bench, checks))
        return fail("a check was not answered as it must be");
    cf_vault_close(bench.vault);
    return 0;
}
