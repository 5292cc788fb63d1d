#include "request.h"

#include "current.h"
#include "inode.h"
#include "reply.h"

struct fs_state *request_state(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

struct cf_caller request_caller(fuse_req_t req)
{
    const struct fuse_ctx *context = fuse_req_ctx(req);

    struct cf_caller caller = cf_caller_of(context->uid, context->gid, context->pid);

    caller.request = current_request();
    return caller;
}

enum cf_error request_tampered(struct request *r, uint64_t ino, const char *name)
{
    const struct fs_row *row = fs_row(ino);

    return row && fs_row_is_of_app(row) ? cf_vault_tampered(r->fs->vault, &r->caller, inode_serial(ino), name)
                                        : CF_ETAMPER;
}

bool request_begin(struct request *r, fuse_req_t req, uint64_t ino)
{
    enum cf_error error;

    r->req = req;
    r->fs = request_state(req);
    r->caller = request_caller(req);
    r->txn = (struct cf_txn){0};
    r->node.ino = ino;
    error = cf_txn_read(r->fs->vault->store, &r->txn);
    if (error == CF_OK)
        error = fs_node_load(r->fs, &r->txn, ino, &r->node);
    if (error == CF_ETAMPER)
        error = request_tampered(r, ino, NULL);
    if (error != CF_OK)
        request_finish(r, error);
    return error == CF_OK;
}

void request_end(struct request *r)
{
    cf_txn_end(&r->txn);
    cf_caller_release(&r->caller);
}

void request_finish(struct request *r, enum cf_error error)
{
    request_end(r);
    reply_error(r->req, r->node.ino, error);
}

static enum cf_error permit(struct request *r, const struct fs_row *row, enum cf_action action)
{
    char file[FS_FILE_SIZE];
    const char *name = row == r->node.row ? fs_node_file(&r->node, file) : row->name;

    return cf_vault_permit(r->fs->vault, &r->txn, &r->caller, action, fs_node_app(&r->node), fs_row_field(row),
                           name);
}

enum cf_error request_permit(struct request *r, enum cf_action action)
{
    return action == FS_NOBODY ? request_refuse(r) : permit(r, r->node.row, action);
}

enum cf_error request_refuse(struct request *r)
{
    const struct fs_row *row = r->node.row;
    const struct fs_row *directory = fs_row_is_dir(row) ? row : fs_row_at(row->parent);
    enum cf_error error = permit(r, directory, directory->read);

    return error == CF_OK ? CF_EFORBIDDEN : error;
}

static bool allows(struct request *r, const struct fs_node *node, enum cf_action action)
{
    struct cf_verdict verdict;

    if (action == FS_NOBODY)
        return false;
    cf_judge(&r->txn, r->fs->vault->config, &r->caller, action, fs_node_app(node), fs_row_field(node->row),
             &verdict);
    return verdict.error == CF_OK || verdict.error == CF_EUNASKED || verdict.error == CF_EREVOKED ||
           verdict.error == CF_EEXPIRED;
}

bool request_has_right(struct request *r, enum cf_action action)
{
    return allows(r, &r->node, action);
}

bool request_sees(struct request *r, const struct fs_node *node)
{
    return allows(r, node, node->row->read) || allows(r, node, node->row->write);
}
