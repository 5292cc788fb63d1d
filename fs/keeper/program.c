/* The worker's programs, each held open: whatever becomes of the file, it can be started again. */
#include "keeper.h"

#include "../log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int open_file(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC);
}

static void close_one(int *program)
{
    if (*program >= 0)
        (void)close(*program);
    *program = -1;
}

bool program_open(struct programs *programs)
{
    programs->in_force = open_file(programs->path);
    if (programs->in_force < 0)
        log_error("%s: %s", programs->path, strerror(errno));
    return programs->in_force >= 0;
}

int program_to_start(const struct programs *programs)
{
    return programs->trial >= 0 ? programs->trial : programs->in_force;
}

bool program_try(struct programs *programs)
{
    programs->trial = open_file(programs->path);
    if (programs->trial < 0)
        log_error("%s: %s: the running program goes on", programs->path, strerror(errno));
    return programs->trial >= 0;
}

void program_take(struct programs *programs)
{
    if (programs->previous < 0)
        programs->previous = programs->in_force;
    else
        (void)close(programs->in_force); /* it had no time to settle */
    programs->in_force = programs->trial;
    programs->trial = -1;
    log_notice("%s was put in place", programs->path);
}

void program_drop(struct programs *programs)
{
    close_one(&programs->trial);
}

bool program_take_back(struct programs *programs)
{
    if (programs->previous < 0)
        return false;
    log_error("the new program did not last: the old one goes on");
    (void)close(programs->in_force);
    programs->in_force = programs->previous;
    programs->previous = -1;
    return true;
}

void program_settle(struct programs *programs)
{
    close_one(&programs->previous);
}
