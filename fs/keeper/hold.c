/* What the keeper holds: the region, the program, the mount. */
#include "keeper.h"

#include "../log.h"
#include "../mounting.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* How much of a slot is locked: the longest value that can be written, and its headers. */
enum { LOCKED_REQUEST = 2 * REGION_PAGE };

static bool lock_region(const struct region *region)
{
    if (mlock(region, offsetof(struct region, init)) != 0)
        return false;
    for (int i = 0; i < REGION_SLOTS; i++)
        if (mlock(region->slot[i].request, LOCKED_REQUEST) != 0)
            return false;
    return true;
}

static bool make_region(struct keeper *keeper)
{
    struct region *region = MAP_FAILED;
    struct timespec now;

    keeper->region_fd = memfd_create("credfs", MFD_CLOEXEC);
    if (keeper->region_fd >= 0 && ftruncate(keeper->region_fd, sizeof *region) == 0)
        region = mmap(NULL, sizeof *region, PROT_READ | PROT_WRITE, MAP_SHARED, keeper->region_fd, 0);
    if (region == MAP_FAILED || madvise(region, sizeof *region, MADV_DONTDUMP) != 0) {
        log_error("no shared memory: %s", strerror(errno));
        return false;
    }
    if (!lock_region(region)) {
        log_error("memory cannot be locked: %s: raise the limit (ulimit -l, LimitMEMLOCK=)", strerror(errno));
        return false;
    }
    if (getrandom(&region->session, sizeof region->session, 0) != sizeof region->session) {
        log_error("no random number: %s", strerror(errno));
        return false;
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    region->layout = REGION_LAYOUT;
    region->keeper = getpid();
    region->mounted = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
    region->is_background = keeper->launcher >= 0;
    for (int i = 0; i < REGION_SLOTS; i++)
        region->slot[i].number = i;
    keeper->region = region;
    return true;
}

bool keeper_open(struct keeper *keeper)
{
    const struct mounting mounting = {.mountpoint = keeper->mountpoint,
                                      .source = keeper->source,
                                      .allow_other = keeper->allow_other,
                                      .read_only = keeper->read_only};

    if (!make_region(keeper) || !program_open(&keeper->programs))
        return false;
    keeper->device = mounting_do(&mounting);
    keeper->region->device = mounting_device(keeper->mountpoint);
    return keeper->device >= 0;
}

void keeper_release_launcher(struct keeper *keeper)
{
    if (keeper->launcher < 0)
        return;
    log_to_background();
    (void)!write(keeper->launcher, "", 1);
    (void)close(keeper->launcher);
    keeper->launcher = -1;
}

void keeper_unmount(struct keeper *keeper)
{
    mounting_undo(keeper->mountpoint, keeper->region->device);
}

bool keeper_clear(struct keeper *keeper)
{
    if (!mounting_is_dead(keeper->mountpoint))
        return false;
    mounting_undo(keeper->mountpoint, 0);
    return true;
}

void keeper_forget(struct keeper *keeper)
{
    explicit_bzero(&keeper->region->handover, sizeof keeper->region->handover);
}

/* Closing the last descriptor of /dev/fuse ends the connection too, but a worker that cannot be killed keeps one. */
void keeper_abort(struct keeper *keeper)
{
    mounting_abort(keeper->mountpoint, keeper->region->device);
    (void)close(keeper->device);
    keeper->device = -1;
    keeper_unmount(keeper);
}
