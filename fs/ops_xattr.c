/* Extended attributes. There is one, with which getfacl and setfacl show and change grants (acl.h). The kernel passes
 * it on as long as the file system does not ask it to judge by it (FUSE_POSIX_ACL), which it does not.
 *
 * ls -l asks for it with each name, which for all of apps/ would cost several times what else it does. It asks no more
 * of a file system that it has seen not to support ACLs, and so says an App's directory that has none to show: every
 * tool then takes the mode for the ACL. Hence ls -l of apps/ shows the `+` of Apps with grants only before the first
 * App without; ls -ld of an App, ls -l of what is in it, and getfacl always tell. */
#include "ops.h"

#include "acl.h"
#include "inode.h"
#include "reply.h"
#include "request.h"

#include <errno.h>
#include <string.h>

static const char access_acl[] = "system.posix_acl_access";
static const char default_acl[] = "system.posix_acl_default";

/* Can a grant let anybody read it? */
static bool is_grantable(const struct fs_row *row)
{
    return fs_row_is_of_app(row) &&
           (row->read == CF_LIST_APP || row->read == CF_READ_APP || row->read == CF_REVEAL);
}

static struct acl_scope scope_of(const struct fs_row *row)
{
    return (struct acl_scope){
        .mode = row->mode,
        .field = fs_row_field(row),
        .is_editable = row == fs_row_at(FS_APP) || (row->subject == FS_OF_APP && row->kind == FS_KIND_FIELD),
    };
}

/* What of the App's grants this node shows. Released by who calls, also on failure. */
static enum cf_error load_grants(struct request *r, struct cf_grants *grants)
{
    *grants = (struct cf_grants){0};
    return is_grantable(r->node.row) ? cf_grants_load(&r->txn, &r->node.app, grants) : CF_OK;
}

/* The attribute's value, empty where there is none for this caller: who may not read `grants` finds none, so that
 * `ls -l` of a service works and tells it nothing. out: released by who calls, also on failure. */
static enum cf_error print_acl(struct request *r, struct cf_text *out)
{
    const struct acl_scope scope = scope_of(r->node.row);
    struct cf_grants grants = {0};
    enum cf_error error;

    if (!request_has_right(r, CF_READ_GRANTS))
        return CF_OK;
    error = load_grants(r, &grants);
    if (error == CF_OK)
        acl_print(&scope, &grants, out);
    cf_grants_release(&grants);
    return error == CF_OK ? cf_text_result(out) : error;
}

static void reply_xattr(fuse_req_t req, const char *bytes, size_t len, size_t size)
{
    if (size == 0)
        (void)fuse_reply_xattr(req, len);
    else if (size < len)
        (void)fuse_reply_err(req, ERANGE);
    else
        (void)fuse_reply_buf(req, bytes, len);
}

/* What there is instead of an attribute. */
static int absence(const struct fs_row *row, const char *name)
{
    if (strcmp(name, default_acl) == 0)
        return ENODATA;
    return strcmp(name, access_acl) == 0 && row != fs_row_at(FS_APP) ? ENODATA : EOPNOTSUPP;
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    const struct fs_row *row = fs_row(ino);
    struct cf_text acl = {0};
    struct request r;
    enum cf_error error;

    if (strcmp(name, access_acl) != 0 || !row || !is_grantable(row)) {
        (void)fuse_reply_err(req, absence(row, name));
        return;
    }
    if (!request_begin(&r, req, ino))
        return;
    error = print_acl(&r, &acl);
    request_end(&r);
    if (error != CF_OK)
        reply_error(req, ino, error);
    else if (acl.len == 0)
        (void)fuse_reply_err(req, absence(row, name));
    else
        reply_xattr(req, acl.data, acl.len, size);
    cf_text_release(&acl);
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
    const struct fs_row *row = fs_row(ino);
    struct cf_text acl = {0};
    struct request r;
    enum cf_error error;

    if (!row || !is_grantable(row)) {
        reply_xattr(req, NULL, 0, size);
        return;
    }
    if (!request_begin(&r, req, ino))
        return;
    error = print_acl(&r, &acl);
    request_end(&r);
    if (error != CF_OK)
        reply_error(req, ino, error);
    else if (acl.len > 0)
        reply_xattr(req, access_acl, sizeof(access_acl), size);
    else if (row == fs_row_at(FS_APP))
        (void)fuse_reply_err(req, EOPNOTSUPP);
    else
        reply_xattr(req, NULL, 0, size);
    cf_text_release(&acl);
}

/* What the ACL changes, as a text that could be written to `grants`. */
static enum cf_error read_acl(struct request *r, const char *acl, size_t len, struct cf_text *edits)
{
    const struct acl_scope scope = scope_of(r->node.row);
    struct cf_grants grants = {0};
    enum cf_error error = fs_row_is_of_app(r->node.row) ? request_permit(r, CF_EDIT_APP) : request_refuse(r);

    if (error == CF_OK)
        error = load_grants(r, &grants);
    if (error == CF_OK)
        error = acl_edit(&scope, &grants, acl, len, edits);
    cf_grants_release(&grants);
    return error;
}

/* The text adds and takes away, and so does not undo what another wrote in between. */
static void set_acl(fuse_req_t req, uint64_t ino, const char *acl, size_t len)
{
    struct cf_text edits = {0};
    struct cf_caller caller;
    struct request r;
    enum cf_error error;

    if (!request_begin(&r, req, ino))
        return;
    error = read_acl(&r, acl, len, &edits);
    request_end(&r);
    if (error == CF_OK && edits.len > 0) {
        caller = request_caller(req);
        error =
            cf_write_grants(request_state(req)->vault, &caller, inode_serial(ino), CF_ADD, edits.data, edits.len);
        cf_caller_release(&caller);
        if (error == CF_OK)
            fs_changed_app(request_state(req), inode_serial(ino));
    }
    cf_text_release(&edits);
    reply_error(req, ino, error);
}

void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
    (void)flags; /* of an ACL, the kernel passes on none */
    if (strcmp(name, access_acl) == 0)
        set_acl(req, ino, value, size);
    else
        (void)fuse_reply_err(req, EOPNOTSUPP);
}

void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
    if (strcmp(name, access_acl) == 0)
        set_acl(req, ino, NULL, 0);
    else
        (void)fuse_reply_err(req, strcmp(name, default_acl) == 0 ? ENODATA : EOPNOTSUPP);
}
