/* mount_options.h: what may stand behind -o. */
#ifndef CREDFS_MOUNT_OPTIONS_H
#define CREDFS_MOUNT_OPTIONS_H

struct mount_options {
    char *store, *config;       /* NULL when not said; owned */
    int allow_other, read_only; /* 0 or 1: fuse_opt writes ints */
};

/* Add what one -o says (options with commas between them) to options, which starts zeroed.
 * Returns 0 or an exit code; has told why. */
int mount_options_parse(struct mount_options *options, const char *text);
void mount_options_release(struct mount_options *options);

#endif
