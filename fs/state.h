/* state.h: what all requests of a mounted file system share. Made by cmd_worker, read by every thread. */
#ifndef CREDFS_STATE_H
#define CREDFS_STATE_H

#include "core/vault.h"
#include "region.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

struct fuse_session;
struct snapshots;
struct answers;
struct tokens;
struct announcer;
struct polls;

struct fs_state {
    struct cf_vault *vault;
    struct region *region;
    struct fuse_session *session;
    struct snapshots *snapshots;
    struct answers *answers;
    struct tokens *tokens;
    struct polls *polls;
    struct announcer *announcer;
    const char *mountpoint;
    const char *config; /* NULL: none */
    int log;            /* the audit log, open for reading */
    uid_t uid;
    gid_t gid;
    _Atomic int64_t listed;  /* time when an entry of apps/ or trash/ last came, went or was renamed */
    _Atomic int64_t edited;  /* time of the last change of anything */
    _Atomic uint64_t served; /* requests */
};

/* Start the shared state over an open vault. The strings are not copied. Returns 0, CF_EIO, CF_ENOMEM. Release it with
 * fs_state_release. */
CF_CHECKED enum cf_error fs_state_start(struct fs_state *fs, struct cf_vault *vault, struct region *region,
                                        const char *mountpoint, const char *config);
void fs_state_release(struct fs_state *fs);

/* An App or an API's file was changed: its time moves and the kernel forgets the attributes of its directory. These
 * may be called before the reply to the request that changed it. */
void fs_changed_app(struct fs_state *fs, int64_t serial);
void fs_changed_api(struct fs_state *fs);

/* An entry of apps/ or trash/ came, went or was renamed. */
void fs_changed_list(struct fs_state *fs);

/* An App in the trash was destroyed without a request (chores.h): the kernel forgets its name. Never on a request's
 * thread: the kernel may hold what this waits for until a request is answered. */
void fs_destroyed_app(void *fs, const struct cf_app *app);

#endif
