#include "ops.h"

#include "attr.h"
#include "handle.h"
#include "reply.h"
#include "request.h"
#include "snapshot.h"

#include <sys/statvfs.h>
#include <unistd.h>

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct request r;
    struct fs_node node = {0};
    struct fuse_entry_param entry;
    enum cf_error error;

    if (!request_begin(&r, req, parent))
        return;
    error = fs_node_find(r.fs, &r.txn, &r.node, name, &node);
    if (error == CF_ETAMPER)
        error = request_tampered(&r, node.ino != 0 ? node.ino : parent, name);
    if (error == CF_OK)
        error = attr_lookup(r.fs, &r.txn, &node, &entry);
    if (error != CF_OK) {
        request_finish(&r, error);
        return;
    }
    request_end(&r);
    (void)fuse_reply_entry(req, &entry);
}

/* Nothing is remembered of what the kernel knows. */
void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
    (void)ino, (void)count;
    fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    (void)count, (void)forgets;
    fuse_reply_none(req);
}

/* An open text is as long as it was rendered at its open. */
static void size_of_open(struct fs_state *fs, uint64_t ino, uint64_t fh, struct stat *st)
{
    struct snapshot *snapshot = snapshots_use(fs->snapshots, ino, fh);

    if (!snapshot)
        return;
    st->st_size = (off_t)snapshot->len;
    snapshots_done(fs->snapshots, snapshot);
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct request r;
    struct stat st;
    enum cf_error error;

    if (!request_begin(&r, req, ino))
        return;
    error = attr_fill(r.fs, &r.txn, &r.node, &st);
    if (error != CF_OK) {
        request_finish(&r, error);
        return;
    }
    if (fi && (r.node.row->kind == FS_KIND_TEXT || r.node.row->kind == FS_KIND_VIEW))
        size_of_open(r.fs, ino, fi->fh, &st);
    request_end(&r);
    (void)fuse_reply_attr(req, &st, attr_timeout(r.node.row));
}

static enum cf_error judge_access(struct request *r, int mask)
{
    bool is_dir = fs_row_is_dir(r->node.row);
    enum cf_error error = CF_OK;

    if (!is_dir && mask & X_OK)
        return CF_EDENIED;
    if (mask & (R_OK | X_OK))
        error = request_permit(r, r->node.row->read);
    if (error == CF_OK && mask & W_OK)
        error = request_permit(r, r->node.row->write);
    return error;
}

void op_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
    struct request r;

    if (request_begin(&r, req, ino))
        request_finish(&r, judge_access(&r, mask));
}

/* Room is the store's. */
void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
    struct fs_state *fs = request_state(req);
    struct statvfs st;

    if (fstatvfs(cf_store_dir(fs->vault->store), &st) != 0) {
        reply_error(req, ino, CF_EIO);
        return;
    }
    st.f_namemax = CF_ENTRY_MAX;
    (void)fuse_reply_statfs(req, &st);
}
