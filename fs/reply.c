#include "reply.h"

#include "current.h"
#include "inode.h"
#include "log.h"
#include "tree.h"

#include <errno.h>
#include <inttypes.h>

static int errno_of(enum cf_error error)
{
    switch (error) {
    case CF_OK:
        return 0;
    case CF_EDENIED:
        return EACCES;
    case CF_EFORBIDDEN:
    case CF_EUNASSIGNED:
        return EPERM;
    case CF_EREVOKED:
        return EKEYREVOKED;
    case CF_EEXPIRED:
        return EKEYEXPIRED;
    case CF_ENOKEY:
    case CF_EUNASKED:
        return ENOKEY;
    case CF_ENOENT:
        return ENOENT;
    case CF_EEXIST:
        return EEXIST;
    case CF_ENAME:
    case CF_EVALUE:
    case CF_ESLUG:
    case CF_ERETIRED:
    case CF_EPRINCIPAL:
    case CF_EMIXED:
    case CF_ECOMMAND:
    case CF_EUNFIT:
        return EINVAL;
    case CF_EREJECTED:
        return EKEYREJECTED;
    case CF_EUNREACHABLE:
        return EHOSTUNREACH;
    case CF_ETOOBIG:
        return EFBIG;
    case CF_EFULL:
        return ENOSPC;
    case CF_ENOMEM:
        return ENOMEM;
    case CF_EBUSY:
        return EBUSY;
    case CF_EAGAIN:
        return EAGAIN;
    case CF_ETAMPER:
    case CF_EAUDIT:
    case CF_EIO:
    case CF_ELOCKED:
    case CF_ENOSTORE:
    case CF_EUNSAFE:
    case CF_ECONFIG:
    case CF_EFORMAT:
    case CF_EWRONGKEY:
    case CF_EANSWERED:
    case CF_EUNKNOWN: /* these two are answers */
    case CF_EDISABLED:
        return EIO;
    }
    return EIO;
}

static void log_failure(uint64_t ino, enum cf_error error)
{
    const struct fs_row *row = fs_row(ino);
    const char *advice = error == CF_ETAMPER ? ": `credfs check` names it" : "";
    const char *name = row && row->name ? row->name : "";

    if (row && fs_row_is_of_app(row))
        log_error("App number %" PRId64 " %s: %s%s", inode_serial(ino), name, cf_error_text(error), advice);
    else
        log_error("/%s: %s%s", name, cf_error_text(error), advice);
}

void reply_error(fuse_req_t req, uint64_t ino, enum cf_error error)
{
    if (error != CF_OK && errno_of(error) == EIO)
        log_failure(ino, error);
    if (error != CF_OK)
        current_refuses(errno_of(error));
    (void)fuse_reply_err(req, errno_of(error));
}

void reply_part(fuse_req_t req, const void *bytes, size_t len, size_t size, off_t off)
{
    size_t start = off < 0 || (uint64_t)off > len ? len : (size_t)off;
    size_t part = len - start < size ? len - start : size;

    (void)fuse_reply_buf(req, part ? (const char *)bytes + start : NULL, part);
}
