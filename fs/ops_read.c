#include "ops.h"

#include "answers.h"
#include "content.h"
#include "handle.h"
#include "inode.h"
#include "reply.h"
#include "request.h"
#include "snapshot.h"
#include "token.h"

#include <errno.h>
#include <string.h>

/* The value and its newline, both in secret memory. */
static enum cf_error value_line(struct fs_state *fs, uint64_t ino, uint64_t fh, struct cf_secret **line)
{
    struct handle handle = handle_unpack(fh);
    struct cf_secret *value = NULL;
    size_t len;
    enum cf_error error =
        cf_vault_value(fs->vault, inode_serial(ino), (int64_t)handle.mark, fs_row(ino)->field, &value);

    if (error != CF_OK)
        return error;
    len = cf_secret_len(value);
    *line = cf_secret_new(len + 1);
    if (*line) {
        memcpy(cf_secret_bytes(*line), cf_secret_peek(value), len);
        cf_secret_bytes(*line)[len] = '\n';
    }
    cf_secret_free(value);
    return *line ? CF_OK : CF_ENOMEM;
}

static void read_field(fuse_req_t req, uint64_t ino, uint64_t fh, size_t size, off_t off)
{
    struct cf_secret *line = NULL;
    enum cf_error error = value_line(request_state(req), ino, fh, &line);

    if (error != CF_OK)
        reply_error(req, ino, error);
    else
        reply_part(req, cf_secret_peek(line), cf_secret_len(line), size, off);
    cf_secret_free(line);
}

/* What stands there now, of an open that the server has nothing of, as it started over since: it will do if it is what
 * was rendered at the open, or is taken whole. */
static void reply_anew(fuse_req_t req, const struct handle *handle, uint64_t mark, const void *bytes, size_t len,
                       size_t size, off_t off)
{
    if (handle_agrees(handle, mark, len) || (off == 0 && size >= len))
        reply_part(req, bytes, len, size, off);
    else if (handle->len != HANDLE_LENGTH_UNKNOWN && off >= (off_t)handle->len)
        (void)fuse_reply_buf(req, NULL, 0);
    else
        (void)fuse_reply_err(req, ESTALE);
}

static void read_anew(fuse_req_t req, uint64_t ino, uint64_t fh, size_t size, off_t off)
{
    struct handle handle = handle_unpack(fh);
    struct cf_text text = {0};
    struct request r;
    enum cf_error error;

    if (!request_begin(&r, req, ino))
        return;
    error = content_print(r.fs, &r.txn, &r.node, &text);
    if (error != CF_OK) {
        request_finish(&r, error);
        cf_text_release(&text);
        return;
    }
    request_end(&r);
    reply_anew(req, &handle, handle_mark(text.data, text.len), text.data, text.len, size, off);
    cf_text_release(&text);
}

static void read_text(fuse_req_t req, uint64_t ino, uint64_t fh, size_t size, off_t off)
{
    struct fs_state *fs = request_state(req);
    struct snapshot *snapshot = snapshots_use(fs->snapshots, ino, fh);

    if (!snapshot) {
        read_anew(req, ino, fh, size, off);
        return;
    }
    reply_part(req, snapshot->text, snapshot->len, size, off);
    snapshots_done(fs->snapshots, snapshot);
}

/* Render a view again. */
static enum cf_error view_anew(fuse_req_t req, const struct fs_node *node, struct cf_rendered *rendered,
                               struct cf_secret **text)
{
    struct fs_state *fs = request_state(req);
    const struct cf_view view = fs_node_view(node);
    enum cf_error error = cf_view_again(fs->vault, node->app.serial, &view, tokens_fetch, fs->tokens, rendered);

    if (error == CF_OK)
        error = cf_view_text(fs->vault, node->app.serial, rendered, text);
    return error;
}

static void read_view_anew(fuse_req_t req, uint64_t ino, uint64_t fh, size_t size, off_t off)
{
    const struct handle handle = handle_unpack(fh);
    struct cf_rendered rendered = {0};
    struct cf_secret *text = NULL;
    struct request r;
    enum cf_error error;

    if (!request_begin(&r, req, ino))
        return;
    request_end(&r);
    error = view_anew(req, &r.node, &rendered, &text);
    if (error == CF_OK)
        reply_anew(req, &handle, handle_mark_secret(rendered.mark, rendered.version), cf_secret_peek(text),
                   cf_secret_len(text), size, off);
    else
        reply_error(req, ino, error);
    cf_secret_free(text);
    cf_rendered_release(&rendered);
}

static void read_view(fuse_req_t req, uint64_t ino, uint64_t fh, size_t size, off_t off)
{
    struct fs_state *fs = request_state(req);
    struct snapshot *snapshot = snapshots_use(fs->snapshots, ino, fh);
    struct cf_secret *text = NULL;
    enum cf_error error;

    if (!snapshot) {
        read_view_anew(req, ino, fh, size, off);
        return;
    }
    error = cf_view_text(fs->vault, inode_serial(ino), &snapshot->view, &text);
    snapshots_done(fs->snapshots, snapshot);
    if (error == CF_OK)
        reply_part(req, cf_secret_peek(text), cf_secret_len(text), size, off);
    else
        reply_error(req, ino, error);
    cf_secret_free(text);
}

/* The log's file itself, as far as it is written: behind that lies room that is only reserved. */
static void read_log(fuse_req_t req, size_t size, off_t off)
{
    struct fs_state *fs = request_state(req);
    int64_t length = cf_audit_length(fs->vault->audit);
    int64_t left = off < length ? length - off : 0;
    struct fuse_bufvec part = FUSE_BUFVEC_INIT((uint64_t)left < size ? (size_t)left : size);

    part.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
    part.buf[0].fd = fs->log;
    part.buf[0].pos = off;
    (void)fuse_reply_data(req, &part, FUSE_BUF_NO_SPLICE);
}

/* Without a check that was written before, there is nothing. */
static void read_answer(fuse_req_t req, uint64_t ino, uint64_t fh, size_t size, off_t off)
{
    char answer[REGION_ANSWER];
    size_t len = answers_get(request_state(req)->answers, ino, fh, off, answer);

    reply_part(req, answer, len, size, 0);
}

/* The right to read was decided at the open; whether a credential is still good is asked each time. */
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
    const struct fs_row *row = fs_row(ino);

    if (row && row->kind == FS_KIND_FIELD)
        read_field(req, ino, fi->fh, size, off);
    else if (row && row->kind == FS_KIND_TEXT)
        read_text(req, ino, fi->fh, size, off);
    else if (row && row->kind == FS_KIND_VIEW)
        read_view(req, ino, fi->fh, size, off);
    else if (row && row->kind == FS_KIND_LOG)
        read_log(req, size, off);
    else if (row && row->kind == FS_KIND_CHECK)
        read_answer(req, ino, fi->fh, size, off);
    else
        reply_error(req, ino, CF_EFORBIDDEN);
}
