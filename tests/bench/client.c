/* client: what programs do with a file system of Apps, measured (measure.h).
 *
 *   client [-t THREADS] [-n TURNS] [-w WARM-UP] [-s SECONDS] WHAT...
 *     open APPS COUNT USED   open, read and close the secret of one of USED Apps, which lie evenly among the COUNT
 *                            Apps of the directory APPS; by its whole path
 *     change APPS COUNT      give an App one more API, in the next turn take that away, as `echo +… > apis` does;
 *                            each thread with an App of its own
 *     run PROGRAM ARG...     start a program and wait until it has ended well; what it prints is thrown away
 */
#include "measure.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

extern char **environ;

struct apps {
    const char *directory;
    long count, used;
    int threads;
};

/* Apps are numbered from 1. */
static void path_of(const struct apps *apps, long number, const char *file, char out[static PATH_MAX])
{
    (void)snprintf(out, PATH_MAX, "%s/app-%07ld/%s", apps->directory, number + 1, file);
}

static bool open_read_close(void *arg, int thread, long turn)
{
    const struct apps *apps = arg;
    char path[PATH_MAX], value[4096];
    ssize_t len;
    int fd;

    path_of(apps, measure_choose(thread, turn, apps->used) * (apps->count / apps->used), "secret", path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    len = read(fd, value, sizeof(value));
    if (close(fd) != 0)
        return false;
    errno = len == 0 ? ENODATA : errno;
    return len > 0;
}

static bool change_apis(void *arg, int thread, long turn)
{
    static const char *const line[2] = {"+audit-records\n", "-audit-records\n"};
    const struct apps *apps = arg;
    const char *text = line[turn % 2];
    char path[PATH_MAX];
    ssize_t len;
    int fd;

    path_of(apps, thread * (apps->count / apps->threads), "apis", path);
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0)
        return false;
    len = write(fd, text, strlen(text));
    return close(fd) == 0 && len == (ssize_t)strlen(text);
}

static bool run_program(void *arg, int thread, long turn)
{
    char **argv = arg;
    posix_spawn_file_actions_t actions;
    int status = -1, error;
    pid_t pid;

    (void)thread, (void)turn;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    error = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (error == 0)
        error = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (error == 0 && waitpid(pid, &status, 0) != pid)
        error = errno;
    errno = error != 0 ? error : ECHILD;
    return error == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool apps_of(struct apps *apps, int argc, char **argv)
{
    if (argc < 3)
        return false;
    apps->directory = argv[1];
    apps->count = strtol(argv[2], NULL, 10);
    apps->used = argc > 3 ? strtol(argv[3], NULL, 10) : apps->count;
    return apps->used > 0 && apps->used <= apps->count && apps->threads <= apps->count;
}

static int usage(void)
{
    (void)fprintf(stderr, "usage: client [-t THREADS] [-n TURNS] [-w WARM-UP] [-s SECONDS] "
                          "open APPS COUNT USED | change APPS COUNT | run PROGRAM ARG...\n");
    return EX_USAGE;
}

int main(int argc, char **argv)
{
    struct measure measure = {.threads = 1, .turns = 1000, .seconds = 60};
    struct apps apps;
    int option;

    while ((option = getopt(argc, argv, "+" MEASURE_OPTIONS)) != -1)
        if (!measure_option(&measure, option, optarg))
            return usage();
    argc -= optind;
    argv += optind;
    apps.threads = measure.threads;
    measure.in_pairs = argc > 0 && strcmp(argv[0], "change") == 0;
    if (argc > 1 && strcmp(argv[0], "run") == 0)
        return measure_run(&measure, run_program, argv + 1);
    if (argc == 4 && strcmp(argv[0], "open") == 0 && apps_of(&apps, argc, argv))
        return measure_run(&measure, open_read_close, &apps);
    if (argc == 3 && strcmp(argv[0], "change") == 0 && apps_of(&apps, argc, argv))
        return measure_run(&measure, change_apis, &apps);
    return usage();
}
