/* load: people at work on a mount, whatever happens to its worker, and a look at what came of it.
 *
 *   load MOUNTPOINT [BIND]
 *
 * Eight readers: by path, by descriptors that stay open, through BIND (to which the App `steady` is bound), from
 * another mount namespace; without BIND the latter two read by path. Four writers create, assign, rotate, rename and
 * delete Apps; what they did follows from how many Apps they finished. Makes the App `steady`, then prints a line
 * `begun`, and ends at SIGTERM. Then every change must be there exactly once. Prints the figures as `name = value`
 * lines, and fails when anything went wrong, having told what. No value is ever printed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { READERS = 8, WRITERS = 4, ACTORS = READERS + WRITERS, WAYS = 4, NAME = 64, VALUE = 256 };

static const char STEADY_APIS[] = "audit-records\ncontact-search\n";

/* What a process tells of itself, in memory that all share. */
struct actor {
    _Atomic uint64_t steps;
    _Atomic int64_t slowest; /* nanoseconds */
    atomic_bool has_failed;
    _Atomic long finished; /* Apps, of a writer */
    char slowest_of[NAME];
};

struct shared {
    atomic_bool stop;
    struct actor actor[ACTORS];
};

struct load {
    const char *mountpoint;
    const char *bind;      /* NULL: none */
    char steady[PATH_MAX]; /* the App that is only read */
    char secret[VALUE];    /* its secret */
    size_t secret_len;
    struct shared *shared;
    pid_t child[ACTORS];
};

static int64_t now(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * INT64_C(1000000000) + at.tv_nsec;
}

static void __attribute__((format(printf, 1, 2))) tell(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
}

/* ---- one step of an actor: it must succeed, and is timed ---- */

static bool failed(struct actor *actor, const char *what, const char *path)
{
    tell("%s %s: %s", what, path, strerror(errno));
    atomic_store(&actor->has_failed, true);
    return false;
}

static bool stepped(struct actor *actor, const char *what, const char *path, int64_t began, bool is_well)
{
    const int64_t took = now() - began;

    if (!is_well)
        return failed(actor, what, path);
    atomic_fetch_add(&actor->steps, 1);
    if (took > atomic_load(&actor->slowest)) {
        atomic_store(&actor->slowest, took);
        (void)snprintf(actor->slowest_of, NAME, "%s", what);
    }
    return true;
}

/* Open, read whole and close. Returns the length, -1 with errno set. */
static ssize_t slurp(int dir, const char *path, char *out, size_t size)
{
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    ssize_t len = 0, got;

    if (fd < 0)
        return -1;
    while ((got = read(fd, out + len, size - (size_t)len)) > 0)
        len += got;
    return close(fd) == 0 && got == 0 ? len : -1;
}

/* One write(2), as a shell's echo does it. */
static bool spill(const char *path, const char *text)
{
    const size_t len = strlen(text);
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    bool is_well;

    if (fd < 0)
        return false;
    is_well = write(fd, text, len) == (ssize_t)len;
    return close(fd) == 0 && is_well;
}

static bool is_same(const char *got, ssize_t len, const char *want, size_t want_len)
{
    if (len >= 0 && (size_t)len == want_len && memcmp(got, want, want_len) == 0)
        return true;
    if (len >= 0)
        errno = EBADMSG; /* not what stands there */
    return false;
}

/* ---- readers ---- */

static bool read_place(struct load *load, struct actor *actor, int dir, const char *place)
{
    char path[PATH_MAX + NAME], got[VALUE];
    int64_t began = now();
    ssize_t len;

    (void)snprintf(path, sizeof path, "%s/secret", place);
    len = slurp(dir, path, got, sizeof got);
    if (!stepped(actor, "read", path, began, is_same(got, len, load->secret, load->secret_len)))
        return false;
    (void)snprintf(path, sizeof path, "%s/apis", place);
    began = now();
    len = slurp(dir, path, got, sizeof got);
    return stepped(actor, "read", path, began, is_same(got, len, STEADY_APIS, sizeof STEADY_APIS - 1));
}

static bool lists(struct actor *actor, DIR *dir, const char *wanted)
{
    const struct dirent *entry;
    bool is_found = false;

    rewinddir(dir);
    do {
        const int64_t began = now();
        errno = 0;
        entry = readdir(dir);
        if (!stepped(actor, "list for", wanted, began, entry != NULL || errno == 0))
            return false;
        is_found = is_found || (entry != NULL && strcmp(entry->d_name, wanted) == 0);
    } while (entry != NULL);
    errno = ENODATA;
    return is_found || failed(actor, "list for", wanted);
}

/* By path, from the mountpoint on; and now and then a look at all Apps. */
static void read_by_path(struct load *load, struct actor *actor)
{
    char apps[PATH_MAX];

    (void)snprintf(apps, sizeof apps, "%s/apps", load->mountpoint);
    for (long turn = 0; !atomic_load(&load->shared->stop); turn++) {
        DIR *dir;
        bool is_well;

        if (!read_place(load, actor, AT_FDCWD, load->steady))
            return;
        if (turn % 64 != 0)
            continue;
        dir = opendir(apps);
        if (dir == NULL) {
            (void)failed(actor, "opendir", apps);
            return;
        }
        is_well = lists(actor, dir, "steady");
        (void)closedir(dir);
        if (!is_well)
            return;
    }
}

static bool read_again(struct actor *actor, int fd, const char *what, const char *want, size_t len)
{
    const int64_t began = now();
    char got[VALUE];

    return stepped(actor, "read again", what, began, is_same(got, pread(fd, got, sizeof got, 0), want, len));
}

/* What was opened once: two files, the directory, and that directory as the working directory. */
static void read_by_descriptor(struct load *load, struct actor *actor)
{
    DIR *dir = opendir(load->steady);
    int secret = dir ? openat(dirfd(dir), "secret", O_RDONLY | O_CLOEXEC) : -1;
    int apis = dir ? openat(dirfd(dir), "apis", O_RDONLY | O_CLOEXEC) : -1;
    bool is_well = secret >= 0 && apis >= 0 && fchdir(dirfd(dir)) == 0;

    if (!is_well)
        (void)failed(actor, "open", load->steady);
    while (is_well && !atomic_load(&load->shared->stop))
        is_well = read_again(actor, secret, "secret", load->secret, load->secret_len) &&
                  read_again(actor, apis, "apis", STEADY_APIS, sizeof STEADY_APIS - 1) &&
                  lists(actor, dir, "secret") && read_place(load, actor, AT_FDCWD, ".");
    if (dir)
        (void)closedir(dir);
    if (secret >= 0)
        (void)close(secret);
    if (apis >= 0)
        (void)close(apis);
}

static void read_in(struct load *load, struct actor *actor, const char *place)
{
    while (!atomic_load(&load->shared->stop) && read_place(load, actor, AT_FDCWD, place))
        continue;
}

/* In a mount namespace of its own, as a container has it. */
static void read_elsewhere(struct load *load, struct actor *actor)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        (void)failed(actor, "unshare", "mounts");
    else
        read_in(load, actor, load->steady);
}

static void act_reader(struct load *load, int number)
{
    struct actor *actor = &load->shared->actor[number];

    if (number % WAYS == 1)
        read_by_descriptor(load, actor);
    else if (number % WAYS == 2 && load->bind)
        read_in(load, actor, load->bind);
    else if (number % WAYS == 3 && load->bind)
        read_elsewhere(load, actor);
    else
        read_by_path(load, actor);
}

/* ---- writers: what becomes of an App follows from its number ---- */

static long rotations_of(long app)
{
    return app % 3;
}

static bool loses_one(long app)
{
    return app % 2 == 1;
}

static bool is_renamed(long app)
{
    return app % 5 == 4;
}

static bool is_deleted(long app)
{
    return app % 4 == 3;
}

static const char *apis_of(long app)
{
    return loses_one(app) ? "audit-records\n" : STEADY_APIS;
}

static void path_of(const struct load *load, const char *place, int writer, long app, bool is_new, const char *file,
                    char out[static PATH_MAX])
{
    (void)snprintf(out, PATH_MAX, "%s/%s/w%d-%ld%s%s%s", load->mountpoint, place, writer, app, is_new ? "-new" : "",
                   *file ? "/" : "", file);
}

static bool do_write(struct actor *actor, const char *path, const char *text)
{
    const int64_t began = now();

    return stepped(actor, "write to", path, began, spill(path, text));
}

static bool do_files(struct load *load, struct actor *actor, int writer, long app)
{
    char path[PATH_MAX], got[VALUE];
    bool is_well;
    int64_t began;
    ssize_t len;

    path_of(load, "apps", writer, app, false, "apis", path);
    is_well = do_write(actor, path, STEADY_APIS);
    if (is_well && loses_one(app))
        is_well = do_write(actor, path, "-contact-search\n");
    if (!is_well)
        return false;
    began = now();
    len = slurp(AT_FDCWD, path, got, sizeof got);
    is_well = stepped(actor, "read", path, began, is_same(got, len, apis_of(app), strlen(apis_of(app))));
    path_of(load, "apps", writer, app, false, "ctl", path);
    for (long i = 0; is_well && i < rotations_of(app); i++)
        is_well = do_write(actor, path, "rotate\n");
    return is_well;
}

static bool do_names(struct load *load, struct actor *actor, int writer, long app)
{
    char path[PATH_MAX], new_path[PATH_MAX];
    int64_t began = now();

    path_of(load, "apps", writer, app, false, "", path);
    path_of(load, "apps", writer, app, true, "", new_path);
    if (is_renamed(app) && !stepped(actor, "rename", path, began, rename(path, new_path) == 0))
        return false;
    began = now();
    return !is_deleted(app) || stepped(actor, "rmdir", path, began, rmdir(is_renamed(app) ? new_path : path) == 0);
}

static void act_writer(struct load *load, int writer)
{
    struct actor *actor = &load->shared->actor[READERS + writer];
    char path[PATH_MAX];

    for (long app = 0; !atomic_load(&load->shared->stop); app++) {
        const int64_t began = now();

        path_of(load, "apps", writer, app, false, "", path);
        if (!stepped(actor, "mkdir", path, began, mkdir(path, 0755) == 0) || !do_files(load, actor, writer, app) ||
            !do_names(load, actor, writer, app))
            return;
        atomic_store(&actor->finished, app + 1);
    }
}

/* ---- what came of it ---- */

/* A whole number behind `name = ` in the text of info or status. */
static long figure(const char *text, const char *name)
{
    const size_t len = strlen(name);

    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, len) == 0 && strncmp(line + len, " = ", 3) == 0)
            return strtol(line + len + 3, NULL, 10);
    }
    return -1;
}

/* Made once, each change counted once. */
static bool verify_app(const struct load *load, int writer, long app)
{
    const char *place = is_deleted(app) ? "trash" : "apps";
    const long generation = 2 + rotations_of(app) + loses_one(app) + is_renamed(app) + is_deleted(app);
    char path[PATH_MAX], text[4096];
    ssize_t len;

    path_of(load, place, writer, app, is_renamed(app), "info", path);
    len = slurp(AT_FDCWD, path, text, sizeof text - 1);
    text[len > 0 ? len : 0] = '\0';
    if (figure(text, "version") != 1 + rotations_of(app) || figure(text, "generation") != generation) {
        tell("%s: version %ld and generation %ld, wanted %ld and %ld", path, figure(text, "version"),
             figure(text, "generation"), 1 + rotations_of(app), generation);
        return false;
    }
    path_of(load, place, writer, app, is_renamed(app), "apis", path);
    len = slurp(AT_FDCWD, path, text, sizeof text);
    if (is_same(text, len, apis_of(app), strlen(apis_of(app))))
        return true;
    tell("%s: not what was written: %s", path, strerror(errno));
    return false;
}

/* The Apps in a place that writers made. */
static long count_in(const struct load *load, const char *place)
{
    char path[PATH_MAX];
    const struct dirent *entry;
    long count = 0;
    DIR *dir;

    (void)snprintf(path, sizeof path, "%s/%s", load->mountpoint, place);
    dir = opendir(path);
    if (dir == NULL)
        return -1;
    while ((entry = readdir(dir)) != NULL)
        count += entry->d_name[0] == 'w';
    (void)closedir(dir);
    return count;
}

static bool verify_all(const struct load *load)
{
    long kept = 0, deleted = 0;

    for (int writer = 0; writer < WRITERS; writer++) {
        const long count = atomic_load(&load->shared->actor[READERS + writer].finished);
        for (long app = 0; app < count; app++) {
            if (!verify_app(load, writer, app))
                return false;
            deleted += is_deleted(app);
            kept += !is_deleted(app);
        }
    }
    printf("apps = %ld\n", kept + deleted);
    if (count_in(load, "apps") == kept && count_in(load, "trash") == deleted)
        return true;
    tell("%ld Apps and %ld in the trash, wanted %ld and %ld", count_in(load, "apps"), count_in(load, "trash"), kept,
         deleted);
    return false;
}

/* ---- all together ---- */

static bool make_steady(struct load *load)
{
    char path[PATH_MAX + NAME];
    ssize_t len;

    (void)snprintf(load->steady, sizeof load->steady, "%s/apps/steady", load->mountpoint);
    (void)snprintf(path, sizeof path, "%s/apis", load->steady);
    if ((mkdir(load->steady, 0755) != 0 && errno != EEXIST) || !spill(path, STEADY_APIS)) {
        tell("%s: %s", load->steady, strerror(errno));
        return false;
    }
    (void)snprintf(path, sizeof path, "%s/secret", load->steady);
    len = slurp(AT_FDCWD, path, load->secret, sizeof load->secret);
    if (len <= 0)
        tell("%s: %s", path, strerror(errno));
    load->secret_len = len > 0 ? (size_t)len : 0;
    return len > 0;
}

static bool begin(struct load *load)
{
    for (int i = 0; i < ACTORS; i++) {
        load->child[i] = fork();
        if (load->child[i] < 0)
            return false;
        if (load->child[i] > 0)
            continue;
        if (i < READERS)
            act_reader(load, i);
        else
            act_writer(load, i - READERS);
        _exit(0);
    }
    printf("begun\n");
    return fflush(stdout) == 0;
}

static bool end(struct load *load)
{
    const struct actor *slowest = &load->shared->actor[0];
    uint64_t reads = 0, changes = 0;
    bool is_well = true;

    atomic_store(&load->shared->stop, true);
    for (int i = 0; i < ACTORS; i++) {
        const struct actor *actor = &load->shared->actor[i];
        int status = -1;
        if (load->child[i] > 0 && (waitpid(load->child[i], &status, 0) < 0 || status != 0))
            tell("process %d ended with status %d", i, status);
        is_well = is_well && status == 0 && !atomic_load(&actor->has_failed);
        *(i < READERS ? &reads : &changes) += atomic_load(&actor->steps);
        if (atomic_load(&actor->slowest) > atomic_load(&slowest->slowest))
            slowest = actor;
    }
    printf("reads = %llu\nchanges = %llu\n", (unsigned long long)reads, (unsigned long long)changes);
    printf("longest pause = %.1f ms (%s)\n", (double)atomic_load(&slowest->slowest) / 1e6, slowest->slowest_of);
    return is_well;
}

int main(int argc, char **argv)
{
    struct load load = {.mountpoint = argc > 1 ? argv[1] : NULL, .bind = argc > 2 ? argv[2] : NULL};
    sigset_t terminate;
    int number;
    bool is_well;

    if (argc < 2 || argc > 3) {
        tell("usage: load MOUNTPOINT [BIND]");
        return EX_USAGE;
    }
    (void)sigemptyset(&terminate);
    (void)sigaddset(&terminate, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &terminate, NULL);
    load.shared = mmap(NULL, sizeof *load.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (load.shared == MAP_FAILED || !make_steady(&load))
        return EX_OSERR;
    is_well = begin(&load);
    if (is_well)
        (void)sigwait(&terminate, &number);
    is_well = end(&load) && is_well;
    return is_well && verify_all(&load) ? 0 : 1;
}
