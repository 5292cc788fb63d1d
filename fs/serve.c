#include "serve.h"

#include "core/secret.h"
#include "current.h"
#include "hooks.h"
#include "log.h"
#include "ops.h"

#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    WAKE = SIGUSR1,         /* wakes a thread out of its read */
    NEARLY_ALL = 64 * 1024, /* the length of nearly all requests */
    LAST_TRY = 2,           /* so many workers may a request crash or hold up */
    LAST_DEATH = 16         /* and so many may be killed over it: for want of memory, as far as anybody can tell */
};

struct thread {
    struct server *server;
    struct region_slot *slot;
    pthread_t id;
};

struct server {
    struct fs_state *fs;
    atomic_bool stopping;
    atomic_bool gone; /* the mount is no more */
    _Atomic int running;
    int started;
    struct thread thread[REGION_SLOTS];
};

/* A slot is free when its request's length is zero. The compiler must not move the store. */
static struct fuse_in_header *header_of(struct region_slot *slot)
{
    return (struct fuse_in_header *)(void *)slot->request;
}

static void set_free(struct region_slot *slot)
{
    atomic_store(&slot->since, 0);
    atomic_store(&slot->crashes, 0);
    atomic_store(&slot->hangs, 0);
    atomic_store(&slot->deaths, 0);
    *(volatile uint32_t *)&header_of(slot)->len = 0;
}

/* Read a request. Returns its length, 0 when there is none this time, -1 when there will be none any more. A read that
 * fails may have left the beginning of a request that is none any more. */
static ssize_t receive(struct region_slot *slot)
{
    ssize_t len = read(WORKER_DEVICE, slot->request, REGION_REQUEST);

    if (len > 0)
        return len;
    *(volatile uint32_t *)&header_of(slot)->len = 0;
    if (len < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT)) /* ENOENT: it was interrupted */
        return 0;
    if (len == 0 || errno != ENODEV)
        log_error("reading requests: %s", len == 0 ? "end of file" : strerror(errno));
    return -1;
}

static bool wants_reply(uint32_t opcode)
{
    return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && opcode != FUSE_INTERRUPT;
}

/* Wipe what may have been a value, and be ready for the next request. */
static void finish(struct region_slot *slot)
{
    const struct fuse_in_header *header = header_of(slot);

    if (header->opcode == FUSE_WRITE)
        cf_wipe(slot->request + sizeof(*header), header->len - sizeof(*header));
    set_free(slot);
}

static void refuse(struct region_slot *slot, int error)
{
    const struct fuse_in_header *header = header_of(slot);
    const struct fuse_out_header reply = {.len = sizeof(reply), .error = -error, .unique = header->unique};

    if (wants_reply(header->opcode))
        (void)!write(WORKER_DEVICE, &reply, sizeof(reply));
    finish(slot);
}

static void process(struct fs_state *fs, struct region_slot *slot, bool is_again)
{
    const struct fuse_in_header *header = header_of(slot);
    const struct cf_request request = {.session = fs->region->session,
                                       .number = (int64_t)header->unique,
                                       .slot = slot->number,
                                       .is_again = is_again};
    struct fuse_buf buf = {.mem = slot->request, .size = header->len};

    if (is_again && atomic_load(&slot->refused) == header->unique) {
        refuse(slot, slot->error);
        return;
    }
    current_set(slot, &request);
    atomic_fetch_add(&fs->served, 1);
    atomic_store(&slot->since, atomic_load(&fs->region->beat) + 1);
    hook_request(header);
    fuse_session_process_buf(fs->session, &buf);
    finish(slot);
}

static void *work(void *arg)
{
    struct thread *thread = arg;
    struct server *server = thread->server;
    ssize_t len = 0;

    if (header_of(thread->slot)->len != 0)
        process(server->fs, thread->slot, true);
    while (len >= 0 && !atomic_load(&server->stopping)) {
        len = receive(thread->slot);
        if (len > 0)
            process(server->fs, thread->slot, false);
    }
    if (len < 0)
        atomic_store(&server->gone, true);
    if (atomic_fetch_sub(&server->running, 1) == 1)
        (void)kill(getpid(), SIGTERM);
    return NULL;
}

/* ---- the session ---- */

/* The first request of a connection is INIT. */
static bool read_init(struct region *region)
{
    ssize_t len = 0;

    while (len == 0)
        len = receive(&region->slot[0]);
    if (len <= 0 || len > REGION_INIT)
        return false;
    memcpy(region->init, region->slot[0].request, (size_t)len);
    atomic_store(&region->init_len, (size_t)len);
    set_free(&region->slot[0]);
    return true;
}

/* When it is fed again, the kernel does not want the reply, which libfuse takes no notice of. */
static bool feed_init(struct fs_state *fs)
{
    struct fuse_buf buf = {.size = fs->region->init_len};
    void *copy = malloc(REGION_INIT);

    if (!copy)
        return false;
    memcpy(copy, fs->region->init, fs->region->init_len);
    buf.mem = copy;
    fuse_session_process_buf(fs->session, &buf);
    free(copy);
    return !fuse_session_exited(fs->session);
}

bool serve_open(struct fs_state *fs)
{
    char *argv[] = {(char[]){"credfs"}, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(1, argv);
    char path[32];

    fs->session = fuse_session_new(&args, &fs_ops, sizeof(fs_ops), fs);
    fuse_opt_free_args(&args);
    (void)snprintf(path, sizeof(path), "/dev/fd/%d", WORKER_DEVICE);
    if (!fs->session || fuse_session_mount(fs->session, path) != 0) {
        log_error("libfuse cannot make a session");
    } else if ((fs->region->init_len == 0 && !read_init(fs->region)) || !feed_init(fs)) {
        log_error("the kernel's FUSE and this program do not agree");
    } else {
        return true;
    }
    serve_close(fs);
    return false;
}

void serve_close(struct fs_state *fs)
{
    if (fs->session)
        fuse_session_destroy(fs->session); /* closes our descriptor; the keeper has another */
    fs->session = NULL;
}

/* ---- what was left unanswered ---- */

static void refuse_for_good(struct region_slot *slot)
{
    const struct fuse_in_header *header = header_of(slot);

    log_error("request %u for node %llu took %u workers down: it is answered with an error", header->opcode,
              (unsigned long long)header->nodeid, atomic_load(&slot->deaths));
    refuse(slot, EIO);
}

/* The kernel does not wait for a page when the thread that reads a request is being killed: it gives the request up,
 * with an error to who made it. So the pages are there before. Of a longer request the kernel may give up what comes
 * behind; that is zeros then, which no change accepts. */
static void have_pages(struct region_slot *slot)
{
    for (size_t at = 0; at < NEARLY_ALL + REGION_PAGE; at += REGION_PAGE) {
        volatile unsigned char *page = slot->request + at;
        *page = *page; /* cppcheck-suppress selfAssignment; it is written to, that it is there */
    }
}

void serve_recover(struct fs_state *fs)
{
    for (int i = 0; i < REGION_SLOTS; i++) {
        struct region_slot *slot = &fs->region->slot[i];
        const uint32_t crashes = atomic_load(&slot->crashes);
        have_pages(slot);
        if (header_of(slot)->len == 0)
            continue;
        if (crashes + atomic_load(&slot->hangs) >= LAST_TRY || atomic_load(&slot->deaths) >= LAST_DEATH)
            refuse_for_good(slot);
        else if (crashes > 0)
            process(fs, slot, true);
    }
}

/* ---- the threads ---- */

static void woken(int number)
{
    (void)number;
}

struct server *serve_start(struct fs_state *fs)
{
    const struct sigaction wake = {.sa_handler = woken}; /* no SA_RESTART */
    struct server *server = calloc(1, sizeof(*server));
    int error = server ? 0 : ENOMEM;

    (void)sigaction(WAKE, &wake, NULL);
    if (server)
        server->fs = fs;
    while (error == 0 && server->started < REGION_SLOTS) {
        struct thread *thread = &server->thread[server->started];
        *thread = (struct thread){.server = server, .slot = &fs->region->slot[server->started]};
        atomic_fetch_add(&server->running, 1);
        error = pthread_create(&thread->id, NULL, work, thread);
        if (error == 0)
            server->started++;
        else
            atomic_fetch_sub(&server->running, 1);
    }
    if (error == 0)
        return server;
    log_error("threads cannot be started: %s", strerror(error));
    (void)serve_stop(server);
    return NULL;
}

/* A signal that comes just before the read is lost: so again, until the thread has ended. */
static void join(struct thread *thread)
{
    struct timespec until;

    do {
        (void)pthread_kill(thread->id, WAKE);
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 20 * 1000 * 1000;
        if (until.tv_nsec >= 1000 * 1000 * 1000) {
            until.tv_sec++;
            until.tv_nsec -= 1000 * 1000 * 1000;
        }
    } while (pthread_timedjoin_np(thread->id, NULL, &until) == ETIMEDOUT);
}

bool serve_is_over(const struct server *server)
{
    return atomic_load(&server->gone);
}

bool serve_stop(struct server *server)
{
    bool is_gone;

    if (!server)
        return false;
    atomic_store(&server->stopping, true);
    for (int i = 0; i < server->started; i++)
        join(&server->thread[i]);
    is_gone = atomic_load(&server->gone);
    free(server);
    return is_gone;
}

void serve_signals(sigset_t *signals)
{
    (void)sigemptyset(signals);
    (void)sigaddset(signals, SIGTERM);
    (void)sigaddset(signals, SIGCONT);
}
