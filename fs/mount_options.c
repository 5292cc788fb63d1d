#include "mount_options.h"

#include "log.h"
#include "lowlevel.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { KEY_OWNER = 1, KEY_MODE, KEY_REMOUNT };

#define OPTION(template, member, number)                         \
    {                                                            \
        template, offsetof(struct mount_options, member), number \
    }
#define REFUSED(template, key)  \
    {                           \
        template, UINT_MAX, key \
    } /* FUSE_OPT_KEY, without its conversion of -1U */

/* What mount(8) and fstab pass on by themselves, and what cannot be had otherwise: suid, dev and exec are overridden.
 * A later one of ro and rw counts. */
static const struct fuse_opt table[] = {
    OPTION("store=%s", store, 0),
    OPTION("config=%s", config, 0),
    OPTION("allow_other", allow_other, 1),
    OPTION("ro", read_only, 1),
    OPTION("rw", read_only, 0),
    REFUSED("uid=", KEY_OWNER),
    REFUSED("gid=", KEY_OWNER),
    REFUSED("umask=", KEY_MODE),
    REFUSED("fmask=", KEY_MODE),
    REFUSED("dmask=", KEY_MODE),
    REFUSED("mode=", KEY_MODE),
    REFUSED("default_permissions", KEY_MODE),
    REFUSED("remount", KEY_REMOUNT),
    FUSE_OPT_END,
};

static const char *const ignored[] = {
    "defaults", "suid",       "nosuid",   "dev",        "nodev",       "exec",     "noexec",     "atime", "noatime",
    "relatime", "norelatime", "diratime", "nodiratime", "strictatime", "lazytime", "nolazytime", "async", "sync",
    "dirsync",  "silent",     "loud",     "symfollow",  "nosymfollow", "auto",     "noauto",     "user",  "nouser",
    "users",    "owner",      "group",    "nofail",     "_netdev",     "nonempty",
};

static bool is_ignored(const char *option)
{
    if (strncmp(option, "x-", 2) == 0 || strncmp(option, "X-", 2) == 0 || strncmp(option, "comment=", 8) == 0)
        return true;
    for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
        if (strcmp(option, ignored[i]) == 0)
            return true;
    return false;
}

static int refuse(const char *option, int key)
{
    switch (key) {
    case KEY_OWNER:
        log_error(
            "-o %s: owners are not set: run credfs as the user that owns the store; roles in credfs.ini, and the "
            "file grants of an App, say who else may read",
            option);
        break;
    case KEY_MODE:
        log_error(
            "-o %s: mode bits decide nothing here: roles in credfs.ini, and the file grants of an App, say who "
            "may read",
            option);
        break;
    case KEY_REMOUNT:
        log_error(
            "-o %s: a mount keeps its options: unmount it and mount it again (remount,bind,ro makes one place "
            "of it read-only)",
            option);
        break;
    default:
        log_error("-o %s: no such option: known are store=DIR, config=FILE, allow_other, ro, rw", option);
        break;
    }
    return -1;
}

static int each(void *data, const char *option, int key, struct fuse_args *args)
{
    (void)data, (void)args;
    if (key == FUSE_OPT_KEY_OPT && is_ignored(option))
        return 0;
    return key == FUSE_OPT_KEY_NONOPT ? 1 : refuse(option, key);
}

int mount_options_parse(struct mount_options *options, const char *text)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    int code = EX_USAGE;

    if (fuse_opt_add_arg(&args, "credfs") != 0 || fuse_opt_add_arg(&args, "-o") != 0 ||
        fuse_opt_add_arg(&args, text) != 0)
        code = EX_OSERR;
    else if (fuse_opt_parse(&args, options, table, each) == 0)
        code = 0;
    fuse_opt_free_args(&args);
    return code;
}

void mount_options_release(struct mount_options *options)
{
    free(options->store);
    free(options->config);
    *options = (struct mount_options){0};
}
