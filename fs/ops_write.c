#include "ops.h"

#include "answers.h"
#include "attr.h"
#include "core/verify.h"
#include "current.h"
#include "handle.h"
#include "inode.h"
#include "reply.h"
#include "request.h"

#include <errno.h>
#include <fcntl.h>

/* Who changes is who opened. A write can come from another thread or process, or as uid 0 and pid 0; then nothing
 * but the opener's uid is known of him. */
static struct cf_caller opener(fuse_req_t req, uint64_t fh)
{
    const struct fuse_ctx *context = fuse_req_ctx(req);
    uint32_t uid = handle_unpack(fh).uid;
    struct cf_caller caller =
        context->uid == uid ? cf_caller_of(uid, context->gid, context->pid) : cf_caller_of(uid, UINT32_MAX, 0);

    caller.request = current_request();
    return caller;
}

static enum cf_error change(struct fs_state *fs, struct cf_caller *caller, const struct fs_row *row,
                            const struct fs_input *input)
{
    enum cf_error error = row->input(fs, caller, input);

    if (error != CF_OK)
        return error;
    if (row->subject == FS_OF_APP)
        fs_changed_app(fs, input->serial);
    else
        fs_changed_api(fs);
    return CF_OK;
}

/* Check a credential; the answer waits for a read of the same open file. That of an earlier check is gone, also when
 * this one fails: nobody may take it for the answer to this one. */
static void check(fuse_req_t req, uint64_t ino, const char *text, size_t len, off_t off, uint64_t fh)
{
    struct fs_state *fs = request_state(req);
    struct cf_caller caller = opener(req, fh);
    struct cf_text line = {0};
    struct cf_answer answer;
    enum cf_error error;

    answers_drop(fs->answers, ino, fh);
    error = cf_verify(fs->vault, &caller, inode_serial(ino), text, len, &answer);
    if (error == CF_OK) {
        cf_answer_print(&answer, &line);
        error = cf_text_result(&line);
    }
    if (error == CF_OK) {
        answers_put(fs->answers, ino, fh, off + (off_t)len, line.data, line.len);
        (void)fuse_reply_write(req, len);
    } else {
        reply_error(req, ino, error);
    }
    cf_text_release(&line);
    cf_caller_release(&caller);
}

/* One write is one whole change; but for what announces one (announcer.h), of which the kernel alone takes notice. The
 * request's buffer is wiped by who read it (serve.c). */
void op_write(fuse_req_t req, fuse_ino_t ino, const char *text, size_t len, off_t off, struct fuse_file_info *fi)
{
    const struct fs_row *row = fs_row(ino);
    bool appends = handle_unpack(fi->fh).appends || fi->flags & O_APPEND;
    struct cf_caller caller;
    struct fs_input input;
    enum cf_error error;

    if (!handle_unpack(fi->fh).writes) {
        (void)fuse_reply_write(req, len);
        return;
    }
    if (row && row->kind == FS_KIND_CHECK) {
        check(req, ino, text, len, off, fi->fh);
        return;
    }
    if (!row || !row->input) {
        reply_error(req, ino, CF_EFORBIDDEN);
        return;
    }
    input = (struct fs_input){
        .field = fs_row_field(row),
        .serial = inode_serial(ino),
        .mode = off == 0 && !appends ? CF_REPLACE : CF_ADD,
        .text = text,
        .len = len,
    };
    caller = opener(req, fi->fh);
    caller.asks_only = row->kind == FS_KIND_INPUT && handle_unpack(fi->fh).mark != 0;
    error = change(request_state(req), &caller, row, &input);
    cf_caller_release(&caller);
    if (error == CF_OK)
        (void)fuse_reply_write(req, len);
    else
        reply_error(req, ino, error);
}

/* Cut to nothing, a file that holds a set empties it; cut to the length that it has, nothing happens. CF_EVALUE for
 * all else. Ends the request's transaction where there is something to change. */
static enum cf_error truncate_to(struct request *r, off_t size, const struct stat *now, struct cf_caller *caller)
{
    const struct fs_row *row = r->node.row;
    const struct fs_input nothing = {
        .field = CF_NO_FIELD, .serial = inode_serial(r->node.ino), .mode = CF_REPLACE, .text = ""};

    if (size == now->st_size)
        return CF_OK;
    if (size != 0 || !row->holds_set)
        return CF_EVALUE;
    cf_txn_end(&r->txn);
    return change(r->fs, caller, row, &nothing);
}

/* An editor that saves in place (vim) cuts the file it has open to nothing and then writes: if that write is refused,
 * its cutting must not have taken everything away. Only truncate(1), which opens with O_NONBLOCK, means it. */
static bool is_half_a_save(off_t size, const struct fuse_file_info *fi)
{
    return fi && size == 0 && !handle_unpack(fi->fh).nonblocking;
}

/* Of an open file, the right was decided at the open. */
static enum cf_error set_size(struct request *r, off_t size, const struct fuse_file_info *fi)
{
    struct cf_caller who;
    struct stat now;
    enum cf_error error = fi ? CF_OK : request_permit(r, r->node.row->write);

    if (error == CF_OK)
        error = attr_fill(r->fs, &r->txn, &r->node, &now);
    if (error != CF_OK)
        return error;
    if (is_half_a_save(size, fi))
        return CF_OK;
    if (!fi)
        return truncate_to(r, size, &now, &r->caller);
    who = opener(r->req, fi->fh);
    error = truncate_to(r, size, &now, &who);
    cf_caller_release(&who);
    return error;
}

/* Mode, owner and times are not set by anybody. */
void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st, int what, struct fuse_file_info *fi)
{
    const int never = FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID;
    const int times = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW;
    bool is_size = what & FUSE_SET_ATTR_SIZE;
    struct request r;
    enum cf_error error = CF_OK;

    if (!request_begin(&r, req, ino))
        return;
    if (what & never || (!is_size && what & times))
        error = request_refuse(&r);
    else if (is_size)
        error = set_size(&r, st->st_size, fi);
    request_end(&r);
    if (error == CF_OK)
        op_getattr(req, ino, NULL);
    else
        reply_error(req, ino, error);
}

/* Every write is on disk before it returns. */
void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
    (void)datasync, (void)fi;
    reply_error(req, ino, CF_OK);
}
