#include "ops.h"

#include "announcer.h"
#include "answers.h"
#include "content.h"
#include "current.h"
#include "handle.h"
#include "inode.h"
#include "reply.h"
#include "request.h"
#include "snapshot.h"
#include "token.h"

#include <fcntl.h>

/* Direct I/O: no value in the page cache, every size and offset as the program gave it. An open that was interrupted
 * gets no release. The reply frees req, also when it fails. */
static void reply_opened(fuse_req_t req, uint64_t ino, const struct handle *handle, struct fuse_file_info *fi)
{
    struct fs_state *fs = request_state(req);

    fi->fh = handle_pack(handle);
    fi->direct_io = 1;
    if (fuse_reply_open(req, fi) != 0)
        snapshots_drop(fs->snapshots, ino, fi->fh);
}

/* The shortest way, for what is done most: core judges, records and tells the version. */
static enum cf_error reveal(fuse_req_t req, uint64_t ino, struct handle *handle)
{
    struct cf_caller caller = request_caller(req);
    int64_t version = inode_part(ino); /* the version; 0: the current one */
    enum cf_error error =
        cf_vault_reveal(request_state(req)->vault, &caller, inode_serial(ino), fs_row(ino)->field, &version);

    handle->mark = (uint64_t)version;
    cf_caller_release(&caller);
    return error;
}

/* Judge an open of anything but a field for reading alone. */
static enum cf_error judge(struct request *r, struct handle *handle)
{
    enum cf_error error = CF_OK;

    if (handle->writes)
        error = request_permit(r, r->node.row->write);
    if (error == CF_OK && r->node.row->kind == FS_KIND_INPUT)
        handle->mark = request_has_right(r, CF_EDIT_APP) ? 0 : 1;
    if (error == CF_OK && handle->reads && r->node.row->kind != FS_KIND_FIELD)
        error = request_permit(r, r->node.row->read);
    return error;
}

/* Render a text and keep it for the reads of this open. */
static enum cf_error render(struct request *r, struct handle *handle)
{
    struct cf_text text = {0};
    enum cf_error error = content_print(r->fs, &r->txn, &r->node, &text);

    if (error == CF_OK) {
        handle->mark = handle_mark(text.data, text.len);
        handle->len = handle_len(text.len);
        if (!snapshots_keep(r->fs->snapshots, r->node.ino, handle_pack(handle), &text))
            error = CF_ENOMEM;
    }
    cf_text_release(&text);
    return error;
}

/* A check without an answer is none: who cannot read it is told at once. */
static enum cf_error prepare_check(struct fs_state *fs, struct handle *handle)
{
    if (!handle->reads)
        return CF_EVALUE;
    handle->mark = answers_mark(fs->answers);
    return CF_OK;
}

static void open_judged(fuse_req_t req, uint64_t ino, struct handle *handle, struct fuse_file_info *fi)
{
    struct request r;
    enum cf_error error;
    enum fs_kind kind;

    if (!request_begin(&r, req, ino))
        return;
    kind = r.node.row->kind;
    error = judge(&r, handle);
    if (error == CF_OK && handle->reads && kind == FS_KIND_TEXT)
        error = render(&r, handle);
    if (error == CF_OK && handle->writes && kind == FS_KIND_CHECK)
        error = prepare_check(r.fs, handle);
    request_end(&r);
    if (error == CF_OK && handle->reads && kind == FS_KIND_FIELD)
        error = reveal(req, ino, handle);
    if (error == CF_OK)
        reply_opened(req, ino, handle, fi);
    else
        reply_error(req, ino, error);
}

static void open_field(fuse_req_t req, uint64_t ino, struct handle *handle, struct fuse_file_info *fi)
{
    enum cf_error error = reveal(req, ino, handle);

    if (error == CF_OK)
        reply_opened(req, ino, handle, fi);
    else
        reply_error(req, ino, error);
}

/* Render a view and keep it, sealed. */
static enum cf_error reveal_view(fuse_req_t req, const struct fs_node *node, struct handle *handle)
{
    struct fs_state *fs = request_state(req);
    const struct cf_view view = fs_node_view(node);
    struct cf_caller caller = request_caller(req);
    struct cf_rendered rendered;
    char file[FS_FILE_SIZE];
    enum cf_error error = cf_view_reveal(fs->vault, &caller, node->app.serial, &view, fs_node_file(node, file),
                                         tokens_fetch, fs->tokens, &rendered);

    cf_caller_release(&caller);
    if (error != CF_OK)
        return error;
    handle->mark = handle_mark_secret(rendered.mark, rendered.version);
    handle->len = handle_len(rendered.len);
    if (!snapshots_keep_view(fs->snapshots, node->ino, handle_pack(handle), &rendered))
        error = CF_ENOMEM;
    cf_rendered_release(&rendered);
    return error;
}

/* No transaction is open while it is rendered: that may take as long as a token service. */
static void open_view(fuse_req_t req, uint64_t ino, struct handle *handle, struct fuse_file_info *fi)
{
    struct request r;
    enum cf_error error;

    if (!request_begin(&r, req, ino))
        return;
    request_end(&r);
    error = reveal_view(req, &r.node, handle);
    if (error == CF_OK)
        reply_opened(req, ino, handle, fi);
    else
        reply_error(req, ino, error);
}

/* Of a file of an App for writing, to announce that the App changed: not judged, and nothing can be written to it. */
static bool is_to_announce(fuse_req_t req, const struct fs_row *row, const struct handle *handle)
{
    return handle->writes && !handle->reads && row && fs_row_is_of_app(row) &&
           announcer_asks(request_state(req)->announcer, fuse_req_ctx(req)->pid, current_request()->is_again);
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    const struct fs_row *row = fs_row(ino);
    struct handle handle = {
        .reads = (fi->flags & O_ACCMODE) != O_WRONLY,
        .writes = (fi->flags & O_ACCMODE) != O_RDONLY,
        .appends = fi->flags & O_APPEND,
        .nonblocking = fi->flags & O_NONBLOCK,
        .uid = fuse_req_ctx(req)->uid,
    };

    if (is_to_announce(req, row, &handle))
        reply_opened(req, ino, &(struct handle){0}, fi);
    else if (row && row->kind == FS_KIND_FIELD && !handle.writes)
        open_field(req, ino, &handle, fi);
    else if (row && row->kind == FS_KIND_VIEW && !handle.writes)
        open_view(req, ino, &handle, fi);
    else
        open_judged(req, ino, &handle, fi);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    const struct fs_row *row = fs_row(ino);

    if (row && (row->kind == FS_KIND_TEXT || row->kind == FS_KIND_VIEW) && handle_unpack(fi->fh).reads)
        snapshots_drop(request_state(req)->snapshots, ino, fi->fh);
    if (row && row->kind == FS_KIND_CHECK)
        answers_drop(request_state(req)->answers, ino, fi->fh);
    reply_error(req, ino, CF_OK);
}
