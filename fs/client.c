#include "client.h"

#include "core/store.h"
#include "log.h"
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const char system_mountpoint[] = "/mnt/credfs";

static bool find_own(char out[static PATH_SIZE])
{
    char store[PATH_SIZE];

    if (path_mountpoint(out) && mount_is_credfs(out))
        return true;
    return path_store(store) && mount_of_daemon(cf_store_holder(store), out);
}

static int tell_none(const char *given, const char *how)
{
    char usual[PATH_SIZE], store[PATH_SIZE];

    if (given)
        log_error("%s: no credfs is mounted there: credfs status shows where the store is mounted", given);
    else if (path_mountpoint(usual) && path_store(store))
        log_error("no credfs is mounted on %s, nor the store %s anywhere: name the mountpoint %s", usual, store,
                  how);
    else
        log_error("there is no home directory, where a credfs would be mounted: name the mountpoint %s", how);
    return EX_UNAVAILABLE;
}

int client_own_mount(const char *given, const char *how, char out[static PATH_SIZE])
{
    if (given ? path_resolve(given, out) && mount_is_credfs(out) : find_own(out))
        return 0;
    return tell_none(given, how);
}

int client_mount(const char *given, char out[static PATH_SIZE])
{
    if (given || find_own(out) || !mount_is_credfs(system_mountpoint))
        return client_own_mount(given, "with --mount", out);
    (void)snprintf(out, PATH_SIZE, "%s", system_mountpoint);
    return 0;
}

bool client_path(const char *mountpoint, const char *app, const char *file, char out[static PATH_SIZE])
{
    int len = snprintf(out, PATH_SIZE, "%s/apps/%s/%s", mountpoint, app, file);

    if (len > 0 && len < PATH_SIZE)
        return true;
    errno = ENAMETOOLONG;
    return false;
}

int client_open(const char *mountpoint, const char *app, const char *file, int flags)
{
    char path[PATH_SIZE];

    return client_path(mountpoint, app, file, path) ? open(path, flags | O_CLOEXEC | O_NOFOLLOW) : -1;
}

int client_fail(const char *app, const char *file, int number)
{
    static const struct {
        int number, code;
        const char *text;
    } known[] = {
        {EACCES, EX_NOPERM, "you have no right to that"},
        {ENOENT, EX_NOINPUT, "there is no such App, or it has no such file"},
        {EINVAL, EX_DATAERR, "it has a value that this form cannot carry"},
        {ENOKEY, EX_UNAVAILABLE,
         "it has no value, or has to be asked for first: `credfs reveal APP` or `echo reveal 5m > ctl`"},
        {EKEYREVOKED, EX_UNAVAILABLE, "the credential is revoked, or its App disabled"},
        {EKEYEXPIRED, EX_UNAVAILABLE, "the credential has expired"},
        {EKEYREJECTED, EX_UNAVAILABLE, "the vendor does not accept the credential"},
        {EHOSTUNREACH, EX_TEMPFAIL, "the vendor's token service cannot be reached"},
        {ENOTCONN, EX_UNAVAILABLE, "the mount is dead: its daemon was killed; mount it again"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (known[i].number == number) {
            log_error("%s/%s: %s", app, file, known[i].text);
            return known[i].code;
        }
    }
    log_error("%s/%s: %s", app, file, strerror(number));
    return EX_IOERR;
}
