#include "harden.h"

#include "log.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static bool fail(void)
{
    log_error("the process cannot be kept from being dumped: %s", strerror(errno));
    return false;
}

bool harden(void)
{
    const struct rlimit none = {0, 0};

    (void)umask(077);
    if (setrlimit(RLIMIT_CORE, &none) == 0)
        return harden_until_exec();
    return fail();
}

bool harden_until_exec(void)
{
    return prctl(PR_SET_DUMPABLE, 0) == 0 || fail();
}
