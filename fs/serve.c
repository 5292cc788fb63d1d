#include "serve.h"

#include "core/secret.h"
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

/* The largest request: a write of 1 MiB and its headers. */
enum { REQUEST_MAX = 1024 * 1024 + 8192, PAGE = 4096 };

/* Wakes a thread out of its read. */
enum { WAKE = SIGUSR1 };

struct worker {
    struct server *server;
    pthread_t thread;
    void *request; /* REQUEST_MAX bytes, page-aligned */
};

struct server {
    struct fs_state *fs;
    atomic_bool stopping;
    _Atomic int running;
    int started;
    struct worker worker[SERVE_THREADS];
};

/* Read a request. Returns its length, 0 when there is none this time, -1 when there will be none any more. */
static ssize_t receive(int device, void *request)
{
    ssize_t len = read(device, request, REQUEST_MAX);

    if (len > 0)
        return len;
    if (len < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT)) /* ENOENT: it was interrupted */
        return 0;
    if (len == 0 || errno != ENODEV)
        log_error("reading requests: %s", len == 0 ? "end of file" : strerror(errno));
    return -1;
}

static void process(struct fs_state *fs, void *request, size_t len)
{
    struct fuse_buf buf = {.mem = request, .size = len};
    uint32_t opcode = ((const struct fuse_in_header *)request)->opcode;

    atomic_fetch_add(&fs->served, 1);
    fuse_session_process_buf(fs->session, &buf);
    if (opcode == FUSE_WRITE) /* it may have held a value */
        cf_wipe(request, len);
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    struct server *server = worker->server;
    int device = fuse_session_fd(server->fs->session);
    ssize_t len = 0;

    while (len >= 0 && !atomic_load(&server->stopping)) {
        len = receive(device, worker->request);
        if (len > 0)
            process(server->fs, worker->request, (size_t)len);
    }
    if (atomic_fetch_sub(&server->running, 1) == 1)
        (void)kill(getpid(), SIGTERM);
    return NULL;
}

/* The first request of a connection is INIT. */
static bool answer_init(struct fs_state *fs)
{
    void *request = aligned_alloc(PAGE, REQUEST_MAX);
    ssize_t len = 0;

    while (request && len == 0)
        len = receive(fuse_session_fd(fs->session), request);
    if (request && len > 0)
        process(fs, request, (size_t)len);
    free(request);
    return request && len > 0 && !fuse_session_exited(fs->session);
}

bool serve_open(struct fs_state *fs, int device)
{
    char *argv[] = {(char[]){"credfs"}, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(1, argv);
    char path[32];

    fs->session = fuse_session_new(&args, &fs_ops, sizeof(fs_ops), fs);
    fuse_opt_free_args(&args);
    (void)snprintf(path, sizeof(path), "/dev/fd/%d", device);
    if (!fs->session || fuse_session_mount(fs->session, path) != 0) {
        log_error("libfuse cannot make a session");
        (void)close(device);
        serve_close(fs);
        return false;
    }
    if (!answer_init(fs)) {
        log_error("the kernel's FUSE and this program do not agree");
        serve_close(fs);
        return false;
    }
    return true;
}

void serve_close(struct fs_state *fs)
{
    if (fs->session)
        fuse_session_destroy(fs->session); /* closes the descriptor */
    fs->session = NULL;
}

static void woken(int number)
{
    (void)number;
}

static int start_worker(struct server *server, struct worker *worker)
{
    int error;

    worker->server = server;
    worker->request = aligned_alloc(PAGE, REQUEST_MAX);
    if (!worker->request)
        return ENOMEM;
    atomic_fetch_add(&server->running, 1);
    error = pthread_create(&worker->thread, NULL, work, worker);
    if (error != 0) {
        atomic_fetch_sub(&server->running, 1);
        free(worker->request);
    }
    return error;
}

struct server *serve_start(struct fs_state *fs)
{
    const struct sigaction wake = {.sa_handler = woken}; /* no SA_RESTART */
    struct server *server = calloc(1, sizeof(*server));
    int error = server ? 0 : ENOMEM;

    (void)sigaction(WAKE, &wake, NULL);
    if (server)
        server->fs = fs;
    while (error == 0 && server->started < SERVE_THREADS) {
        error = start_worker(server, &server->worker[server->started]);
        if (error == 0)
            server->started++;
    }
    if (error == 0)
        return server;
    log_error("threads cannot be started: %s", strerror(error));
    serve_stop(server);
    return NULL;
}

/* A signal that comes just before the read is lost: so again, until the thread has ended. */
static void join(struct worker *worker)
{
    struct timespec until;

    do {
        (void)pthread_kill(worker->thread, WAKE);
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 20 * 1000 * 1000;
        if (until.tv_nsec >= 1000 * 1000 * 1000) {
            until.tv_sec++;
            until.tv_nsec -= 1000 * 1000 * 1000;
        }
    } while (pthread_timedjoin_np(worker->thread, NULL, &until) == ETIMEDOUT);
}

void serve_stop(struct server *server)
{
    if (!server)
        return;
    atomic_store(&server->stopping, true);
    for (int i = 0; i < server->started; i++) {
        join(&server->worker[i]);
        free(server->worker[i].request);
    }
    free(server);
}

void serve_signals(sigset_t *signals)
{
    (void)sigemptyset(signals);
    (void)sigaddset(signals, SIGTERM);
    (void)sigaddset(signals, SIGINT);
    (void)sigaddset(signals, SIGHUP);
}
