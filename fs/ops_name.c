#include "ops.h"

#include "attr.h"
#include "reply.h"
#include "request.h"

#include <errno.h>
#include <stdio.h>

/* Nobody may do that in this directory. */
static void refuse(fuse_req_t req, uint64_t directory)
{
    struct request r;

    if (request_begin(&r, req, directory))
        request_finish(&r, request_refuse(&r));
}

static bool place_of(uint64_t ino, enum cf_place *place)
{
    const struct fs_row *row = fs_row(ino);

    return row && fs_row_place(row, place);
}

static void reply_made(fuse_req_t req, uint64_t parent, const struct cf_app *app)
{
    struct fs_state *fs = request_state(req);
    struct fuse_entry_param entry;
    struct fs_node node;
    enum cf_error error;

    fs_node_of_app(app, &node);
    error = attr_lookup(fs, NULL, &node, &entry); /* of a directory: needs no transaction */
    if (error == CF_OK)
        (void)fuse_reply_entry(req, &entry);
    else
        reply_error(req, parent, error);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    struct fs_state *fs = request_state(req);
    struct cf_caller caller;
    enum cf_place place;
    enum cf_error error;
    struct cf_app app;

    (void)mode;
    if (!place_of(parent, &place) || place != CF_IN_APPS) {
        refuse(req, parent);
        return;
    }
    caller = request_caller(req);
    error = cf_create_app(fs->vault, &caller, name, &app);
    cf_caller_release(&caller);
    if (error != CF_OK) {
        reply_error(req, parent, error);
        return;
    }
    fs_changed_list(fs);
    reply_made(req, parent, &app);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fs_state *fs = request_state(req);
    struct cf_caller caller;
    enum cf_place place;
    enum cf_error error;

    if (!place_of(parent, &place)) {
        refuse(req, parent);
        return;
    }
    caller = request_caller(req);
    error = cf_remove_app(fs->vault, &caller, place, name);
    cf_caller_release(&caller);
    if (error == CF_OK)
        fs_changed_list(fs);
    reply_error(req, parent, error);
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
               unsigned flags)
{
    struct fs_state *fs = request_state(req);
    struct cf_caller caller;
    enum cf_place from, to;
    enum cf_error error;
    struct cf_app app;

    if (!place_of(parent, &from) || !place_of(new_parent, &to)) {
        refuse(req, place_of(parent, &from) ? new_parent : parent);
        return;
    }
    if (flags & ~(unsigned)RENAME_NOREPLACE) { /* what is there is never replaced anyway */
        (void)fuse_reply_err(req, EINVAL);
        return;
    }
    caller = request_caller(req);
    error = cf_move_app(fs->vault, &caller, from, name, to, new_name, &app);
    cf_caller_release(&caller);
    if (error == CF_OK) {
        fs_changed_list(fs);
        fs_changed_app(fs, app.serial);
    }
    reply_error(req, parent, error);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    (void)name;
    refuse(req, parent);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
    (void)name, (void)mode, (void)device;
    refuse(req, parent);
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
    (void)name, (void)mode, (void)fi;
    refuse(req, parent);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
    (void)target, (void)name;
    refuse(req, parent);
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
    (void)ino, (void)name;
    refuse(req, parent);
}
