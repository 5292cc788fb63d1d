/* assail: kill the worker of a mount again and again, and see whether its keeper grows by it.
 *
 *   assail MOUNTPOINT KILLS [PAUSE]
 *
 * Each kill is one of a worker that was not killed before, of every eighth as soon as it is there, of the others when
 * they serve; then comes a random pause of at most PAUSE milliseconds (40). Prints the figures as `name = value` lines.
 * Fails when a worker does not come back, or when the keeper has more descriptors or anonymous memory than after the
 * first kills.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { CALM = 10, SOON = 8, GROWTH_KIB = 128, WAIT_S = 60 };

struct size {
    long descriptors;         /* -1: of somebody else, who does not show them */
    long anonymous, resident; /* KiB */
};

static void rest(long microseconds)
{
    const struct timespec pause = {.tv_sec = microseconds / 1000000, .tv_nsec = microseconds % 1000000 * 1000};

    (void)nanosleep(&pause, NULL);
}

/* The number behind NAME and SEPARATOR at the start of a line of a file; -1 where there is none. */
static long figure(const char *path, const char *name, const char *separator)
{
    const size_t len = strlen(name), separator_len = strlen(separator);
    char line[PATH_MAX + 64];
    long found = -1;
    FILE *file = fopen(path, "re");

    while (file && found < 0 && fgets(line, sizeof line, file))
        if (strncmp(line, name, len) == 0 && strncmp(line + len, separator, separator_len) == 0)
            found = strtol(line + len + separator_len, NULL, 10);
    if (file)
        (void)fclose(file);
    return found;
}

/* The keeper's child. */
static long worker_of(long keeper)
{
    char path[64];
    long pid = 0;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", keeper, keeper);
    file = fopen(path, "re");
    if (file && fscanf(file, "%ld", &pid) != 1)
        pid = 0;
    if (file)
        (void)fclose(file);
    return pid;
}

/* The worker after the last one: as soon as there is one, or when it serves. */
static bool kill_next(const char *status, long keeper, bool is_soon, long *last)
{
    for (long waited = 0; waited < WAIT_S * 1000L; waited++) {
        const long worker = is_soon ? worker_of(keeper) : figure(status, "worker", " = ");
        if (worker > 0 && worker != *last) {
            *last = worker;
            return kill((pid_t)worker, SIGKILL) == 0;
        }
        rest(1000);
    }
    return false;
}

static struct size size_of(long keeper)
{
    struct size size = {0};
    char path[64];
    DIR *dir;

    (void)snprintf(path, sizeof path, "/proc/%ld/fd", keeper);
    dir = opendir(path);
    while (dir && readdir(dir))
        size.descriptors++;
    size.descriptors = dir ? size.descriptors - 2 : -1; /* less . and .. */
    if (dir)
        (void)closedir(dir);
    (void)snprintf(path, sizeof path, "/proc/%ld/status", keeper);
    size.anonymous = figure(path, "RssAnon", ":");
    size.resident = figure(path, "VmRSS", ":");
    return size;
}

/* At rest, with a worker that serves: the keeper holds a pipe while one starts. */
static struct size size_at_rest(const char *status, long keeper)
{
    (void)figure(status, "worker", " = ");
    rest(300000);
    return size_of(keeper);
}

static bool assail(const char *status, long keeper, long kills, long pause)
{
    struct size before = {0}, after = {0};
    long last = 0;

    for (long done = 0; done < kills; done++) {
        if (!kill_next(status, keeper, done % SOON == SOON - 1, &last)) {
            (void)fprintf(stderr, "after %ld kills: no worker to kill: %s\n", done, strerror(errno));
            return false;
        }
        rest(random() % (pause * 1000 + 1));
        if (done + 1 == CALM || done + 1 == kills) {
            after = size_at_rest(status, keeper);
            before = before.descriptors == 0 ? after : before;
        }
    }
    printf("kills = %ld\nworkers = %ld\n", kills, figure(status, "workers", " = "));
    printf("descriptors = %ld, then %ld\n", before.descriptors, after.descriptors);
    printf("anonymous = %ld KiB, then %ld KiB\n", before.anonymous, after.anonymous);
    printf("resident = %ld KiB, then %ld KiB\n", before.resident, after.resident);
    if (after.descriptors <= before.descriptors && after.anonymous <= before.anonymous + GROWTH_KIB)
        return true;
    (void)fprintf(stderr, "the keeper has grown\n");
    return false;
}

int main(int argc, char **argv)
{
    const long kills = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    const long pause = argc > 3 ? strtol(argv[3], NULL, 10) : 40;
    char status[PATH_MAX];
    long keeper;

    if (kills < 1 || pause < 0) {
        (void)fprintf(stderr, "usage: assail MOUNTPOINT KILLS [PAUSE]\n");
        return EX_USAGE;
    }
    (void)snprintf(status, sizeof status, "%s/status", argv[1]);
    keeper = figure(status, "pid", " = ");
    if (keeper <= 0) {
        (void)fprintf(stderr, "%s: no keeper: %s\n", status, strerror(errno));
        return EX_NOINPUT;
    }
    return assail(status, keeper, kills, pause) ? 0 : 1;
}
