/* reply.h: from what core says to what a program sees: the only place where a core error becomes an errno. */
#ifndef CREDFS_REPLY_H
#define CREDFS_REPLY_H

#include "core/error.h"
#include "lowlevel.h"

/* Reply with an error, or with success where nothing else is told (CF_OK). What the daemon's administrator must know
 * of (a record that does not verify or cannot be written, a failing store) is logged here, naming ino. */
void reply_error(fuse_req_t req, uint64_t ino, enum cf_error error);

/* Reply to a read of size at off with what there is of bytes. */
void reply_part(fuse_req_t req, const void *bytes, size_t len, size_t size, off_t off);

#endif
