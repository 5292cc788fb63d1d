#include "state.h"

#include "announcer.h"
#include "answers.h"
#include "core/clock.h"
#include "inode.h"
#include "lowlevel.h"
#include "polls.h"
#include "snapshot.h"
#include "token.h"
#include "tree.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t file_time(int dir, const char *name)
{
    struct stat st;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return 0;
    return st.st_mtim.tv_sec * CF_SECOND + st.st_mtim.tv_nsec;
}

/* When the Apps were last changed before this start: near enough, and without reading them all. */
static int64_t last_change(int dir)
{
    int64_t database = file_time(dir, "credfs.db");
    int64_t wal = file_time(dir, "credfs.db-wal");

    return database > wal ? database : wal;
}

enum cf_error fs_state_start(struct fs_state *fs, struct cf_vault *vault, struct region *region,
                             const char *mountpoint, const char *config)
{
    int dir = cf_store_dir(vault->store);

    *fs = (struct fs_state){
        .vault = vault,
        .region = region,
        .mountpoint = mountpoint,
        .config = config,
        .log = openat(dir, "audit.log", O_RDONLY | O_CLOEXEC | O_NOFOLLOW),
        .uid = geteuid(),
        .gid = getegid(),
    };
    if (fs->log < 0)
        return CF_EIO;
    fs->snapshots = snapshots_new();
    fs->answers = answers_new(region);
    fs->polls = polls_new(region);
    fs->tokens = tokens_new(vault);
    atomic_store(&fs->listed, last_change(dir));
    atomic_store(&fs->edited, last_change(dir));
    fs->announcer = announcer_new(fs);
    if (fs->snapshots && fs->answers && fs->tokens && fs->polls && fs->announcer)
        return CF_OK;
    fs_state_release(fs);
    return CF_ENOMEM;
}

void fs_state_release(struct fs_state *fs)
{
    announcer_free(fs->announcer);
    fs->announcer = NULL;
    polls_free(fs->polls);
    fs->polls = NULL;
    snapshots_free(fs->snapshots);
    fs->snapshots = NULL;
    answers_free(fs->answers);
    fs->answers = NULL;
    tokens_free(fs->tokens);
    fs->tokens = NULL;
    if (fs->log >= 0)
        (void)close(fs->log);
    fs->log = -1;
}

/* Attributes only (offset -1): no page of a file is locked, so a request's own thread may do it. The kernel says
 * ENOENT for an inode that it does not hold. */
static void forget_attributes(struct fs_state *fs, enum fs_row_id row, int64_t serial)
{
    (void)fuse_lowlevel_notify_inval_inode(fs->session, inode_make(row, serial), -1, 0);
}

void fs_changed_app(struct fs_state *fs, int64_t serial)
{
    atomic_store(&fs->edited, cf_now());
    forget_attributes(fs, FS_APP, serial);
}

void fs_changed_api(struct fs_state *fs)
{
    atomic_store(&fs->edited, cf_now());
}

void fs_changed_list(struct fs_state *fs)
{
    int64_t now = cf_now();

    atomic_store(&fs->listed, now);
    atomic_store(&fs->edited, now);
    forget_attributes(fs, FS_APPS, 0);
    forget_attributes(fs, FS_TRASH, 0);
}

void fs_destroyed_app(void *arg, const struct cf_app *app)
{
    struct fs_state *fs = arg;

    fs_changed_list(fs);
    (void)fuse_lowlevel_notify_inval_entry(fs->session, inode_make(FS_TRASH, 0), app->name, strlen(app->name));
}
