#include "paths.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool __attribute__((format(printf, 2, 3))) path_format(char out[static PATH_SIZE], const char *format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(out, PATH_SIZE, format, args);
    va_end(args);
    return len > 0 && len < PATH_SIZE;
}

/* The home directory, or NULL. From the environment, or else the user data base. */
static const char *path_home(void)
{
    const char *home = getenv("HOME");
    const struct passwd *user;

    if (home && home[0] == '/')
        return home;
    user = getpwuid(geteuid());
    return user && user->pw_dir[0] == '/' ? user->pw_dir : NULL;
}

/* XDG Base Directory Specification: a variable that is unset, empty or relative does not count. */
static bool path_xdg(char out[static PATH_SIZE], const char *variable, const char *otherwise, const char *name)
{
    const char *base = getenv(variable);
    const char *home;

    if (base && base[0] == '/')
        return path_format(out, "%s/%s", base, name);
    home = path_home();
    return home && path_format(out, "%s/%s/%s", home, otherwise, name);
}

bool path_store(char out[static PATH_SIZE])
{
    if (geteuid() == 0)
        return path_format(out, "/var/lib/credfs");
    return path_xdg(out, "XDG_DATA_HOME", ".local/share", "credfs");
}

bool path_config(char out[static PATH_SIZE])
{
    if (geteuid() == 0)
        return path_format(out, "/etc/credfs/credfs.ini");
    return path_xdg(out, "XDG_CONFIG_HOME", ".config", "credfs/credfs.ini");
}

bool path_mountpoint(char out[static PATH_SIZE])
{
    const char *home;

    if (geteuid() == 0)
        return path_format(out, "/mnt/credfs");
    home = path_home();
    return home && path_format(out, "%s/credfs", home);
}

bool path_is_there(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 || errno != ENOENT;
}

bool path_make_parents(const char *path)
{
    const mode_t mode = geteuid() == 0 ? 0755 : 0700;
    char part[PATH_SIZE];

    if (!path_format(part, "%s", path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, mode) != 0 && errno != EEXIST)
            return false;
        *slash = '/';
    }
    return true;
}

bool path_resolve(const char *path, char out[static PATH_SIZE])
{
    char *real = realpath(path, NULL);
    char here[PATH_SIZE];
    bool fits;

    if (real) {
        fits = path_format(out, "%s", real);
        free(real);
        return fits;
    }
    if (path[0] == '/')
        return path_format(out, "%s", path);
    return getcwd(here, sizeof(here)) && path_format(out, "%s/%s", here, path);
}
