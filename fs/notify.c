#include "notify.h"

#ifdef HAVE_SYSTEMD

#include <inttypes.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

/* The unit's main process is the keeper: NotifyAccess=all lets its worker speak. */
void notify_ready(void)
{
    (void)sd_notifyf(0, "READY=1\nMAINPID=%ld\nSTATUS=Serving", (long)getppid());
}

void notify_reloading(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\nSTATUS=Starting over",
                     now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000);
}

void notify_watchdog(void)
{
    (void)sd_notify(0, "WATCHDOG=1");
}

#else

void notify_ready(void)
{
}

void notify_reloading(void)
{
}

void notify_watchdog(void)
{
}

#endif
