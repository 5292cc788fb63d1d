/* trivial: the least that a FUSE server can do: every App has a secret, and that is always the same. What credfs costs
 * is measured against it.
 *
 *   trivial [-m] [-i IDLE] [-p] [-t THREADS] MOUNTPOINT
 *     -t THREADS   a fixed set of threads, each read(2) and fuse_session_process_buf, as credfs has it (default)
 *     -m           libfuse's own loop, fuse_session_loop_mt, with libfuse's defaults
 *     -i IDLE      the same, but it keeps no more than IDLE threads that wait; 0, what a zeroed struct
 *                  fuse_loop_config says, makes and ends a thread for each request
 *     -p           the kernel keeps the file's page: reads do not come to the server at all
 *
 * Names and attributes are kept by the kernel for a day in any case. Ends when it is unmounted.
 */
#define FUSE_USE_VERSION 312
#include <fuse3/fuse_lowlevel.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { REQUEST_MAX = 1024 * 1024 + 8192, PAGE = 4096, THREADS_MAX = 64 };

/* Inode numbers: 1 the root, 2 apps/, then for App number N: 2N + 2 its directory, 2N + 3 its secret. */
enum { APPS = 2 };

static const double a_day = 86400;
static const char secret[] = "cfs_0000000000000000000000000000000000000000000\n";
static bool keeps_pages;

static bool is_file(fuse_ino_t ino)
{
    return ino > APPS && ino % 2 == 1;
}

static struct stat attributes(fuse_ino_t ino)
{
    struct stat st = {.st_ino = ino, .st_nlink = 1, .st_mode = S_IFDIR | 0755};

    if (is_file(ino)) {
        st.st_mode = S_IFREG | 0600;
        st.st_size = (off_t)strlen(secret);
    }
    return st;
}

static fuse_ino_t find(fuse_ino_t parent, const char *name)
{
    if (parent == FUSE_ROOT_ID)
        return strcmp(name, "apps") == 0 ? APPS : 0;
    if (parent == APPS)
        return strncmp(name, "app-", 4) == 0 ? strtoul(name + 4, NULL, 10) * 2 + 2 : 0;
    return !is_file(parent) && strcmp(name, "secret") == 0 ? parent + 1 : 0;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fuse_entry_param entry = {.ino = find(parent, name), .attr_timeout = a_day, .entry_timeout = a_day};

    entry.attr = attributes(entry.ino);
    if (entry.ino == 0)
        (void)fuse_reply_err(req, ENOENT);
    else
        (void)fuse_reply_entry(req, &entry);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct stat st = attributes(ino);

    (void)fi;
    (void)fuse_reply_attr(req, &st, a_day);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    fi->direct_io = !keeps_pages;
    fi->keep_cache = !fi->direct_io;
    (void)fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
    const size_t len = strlen(secret);
    const size_t from = (size_t)off < len ? (size_t)off : len;

    (void)ino, (void)fi;
    (void)fuse_reply_buf(req, secret + from, len - from < size ? len - from : size);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino, (void)fi;
    (void)fuse_reply_err(req, 0);
}

static const struct fuse_lowlevel_ops ops = {
    .lookup = op_lookup, .getattr = op_getattr, .open = op_open, .read = op_read, .release = op_release};

static void *work(void *arg)
{
    struct fuse_session *session = arg;
    void *request = aligned_alloc(PAGE, REQUEST_MAX);
    ssize_t len = request ? 0 : -1;

    while (len >= 0 && !fuse_session_exited(session)) {
        struct fuse_buf buf = {.mem = request};
        len = read(fuse_session_fd(session), request, REQUEST_MAX);
        if (len < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
            len = 0;
        buf.size = len > 0 ? (size_t)len : 0;
        if (len > 0)
            fuse_session_process_buf(session, &buf);
    }
    free(request);
    return NULL;
}

static int loop_of_ours(struct fuse_session *session, int threads)
{
    pthread_t thread[THREADS_MAX];
    int started = 0;

    while (started < threads && pthread_create(&thread[started], NULL, work, session) == 0)
        started++;
    for (int i = 0; i < started; i++)
        (void)pthread_join(thread[i], NULL);
    return started == threads ? 0 : EX_OSERR;
}

/* idle: -1 for libfuse's default. */
static int loop_of_libfuse(struct fuse_session *session, int idle)
{
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    int result;

    if (config && idle >= 0)
        fuse_loop_cfg_set_idle_threads(config, (unsigned)idle);
    result = config ? fuse_session_loop_mt(session, config) : -1;
    if (config)
        fuse_loop_cfg_destroy(config);
    return result == 0 ? 0 : EX_OSERR;
}

int main(int argc, char **argv)
{
    char *none[] = {(char[]){"trivial"}, (char[]){"-ofsname=trivial"}, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(2, none);
    struct fuse_session *session;
    int option, threads = 8, idle = -1, code = EX_OSERR;
    bool is_libfuse = false, good = true;

    while ((option = getopt(argc, argv, "i:mpt:")) != -1) {
        is_libfuse = is_libfuse || option == 'm' || option == 'i';
        idle = option == 'i' ? (int)strtol(optarg, NULL, 10) : idle;
        keeps_pages = keeps_pages || option == 'p';
        threads = option == 't' ? (int)strtol(optarg, NULL, 10) : threads;
        good = good && option != '?';
    }
    if (!good || optind != argc - 1 || threads < 1 || threads > THREADS_MAX) {
        (void)fprintf(stderr, "usage: trivial [-m] [-i IDLE] [-p] [-t THREADS] MOUNTPOINT\n");
        return EX_USAGE;
    }
    session = fuse_session_new(&args, &ops, sizeof(ops), NULL);
    fuse_opt_free_args(&args);
    if (session && fuse_session_mount(session, argv[optind]) == 0) {
        code = is_libfuse ? loop_of_libfuse(session, idle) : loop_of_ours(session, threads);
        fuse_session_unmount(session);
    }
    if (session)
        fuse_session_destroy(session);
    return code;
}
