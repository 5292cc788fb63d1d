#include "exec_look.h"

#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

void exec_look_start(struct exec_look *look, const char *mountpoint, const char *app)
{
    *look = (struct exec_look){.mountpoint = mountpoint, .app = app, .watch = -1};
    look->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
}

/* What woke us says nothing that looking does not. */
static void drain(const struct exec_look *look)
{
    char events[4096];

    while (look->notify >= 0 && read(look->notify, events, sizeof(events)) > 0)
        ;
}

/* Watch the file that is there now, and no longer the one that was there before. */
static void rearm(struct exec_look *look)
{
    char path[PATH_SIZE];
    int watch = -1;

    if (look->notify < 0)
        return;
    if (client_path(look->mountpoint, look->app, "info", path))
        watch = inotify_add_watch(look->notify, path, IN_CLOSE_WRITE | IN_MODIFY | IN_MOVE_SELF | IN_DELETE_SELF);
    if (look->watch >= 0 && look->watch != watch)
        (void)inotify_rm_watch(look->notify, look->watch);
    look->watch = watch;
}

static bool begins(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

static int read_info(FILE *info, struct cf_text *what)
{
    char *line = NULL;
    size_t size = 0;
    int number = 0;

    errno = 0;
    while (getline(&line, &size, info) > 0) {
        if (begins(line, "id = ") || begins(line, "version = "))
            cf_text_puts(what, line);
        else if (begins(line, "api."))
            cf_text_add(what, line, strcspn(line, " "));
        else if (strcmp(line, "state = expired\n") == 0)
            number = EKEYEXPIRED;
        else if (begins(line, "state = ") && strcmp(line, "state = enabled\n") != 0)
            number = EKEYREVOKED;
    }
    free(line);
    if (ferror(info))
        return errno ? errno : EIO;
    return cf_text_result(what) == CF_OK ? number : ENOMEM;
}

int exec_look(struct exec_look *look, struct cf_text *what)
{
    FILE *info = NULL;
    int fd, number;

    *what = (struct cf_text){0};
    drain(look);
    rearm(look);
    fd = client_open(look->mountpoint, look->app, "info", O_RDONLY);
    if (fd >= 0)
        info = fdopen(fd, "r");
    if (!info) {
        number = errno;
        if (fd >= 0)
            (void)close(fd);
        return number;
    }
    number = read_info(info, what);
    (void)fclose(info);
    if (number != 0 && number != EKEYREVOKED && number != EKEYEXPIRED)
        cf_text_release(what);
    return number;
}
