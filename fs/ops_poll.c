#include "ops.h"

#include "content.h"
#include "current.h"
#include "handle.h"
#include "inode.h"
#include "polls.h"
#include "reply.h"
#include "request.h"

#include <poll.h>

/* What stands in info now, against what it was opened with. The change that is looked for may be made at any moment:
 * who waits was noted before, so that he is woken then. */
static void poll_info(fuse_req_t req, uint64_t ino, uint64_t fh)
{
    const struct handle handle = handle_unpack(fh);
    struct cf_text text = {0};
    struct request r;
    enum cf_error error;
    bool is_same;

    if (!request_begin(&r, req, ino))
        return;
    error = content_print(r.fs, &r.txn, &r.node, &text);
    is_same = error == CF_OK && handle_agrees(&handle, handle_mark(text.data, text.len), text.len);
    cf_text_release(&text);
    if (error != CF_OK) {
        request_finish(&r, error);
        return;
    }
    request_end(&r);
    (void)fuse_reply_poll(req, is_same ? 0 : POLLIN | POLLRDNORM | POLLPRI);
}

/* An open info becomes readable when it has changed; every other file always is what it was opened for. */
void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *waits)
{
    const struct fs_row *row = fs_row(ino);
    const struct handle handle = handle_unpack(fi->fh);
    unsigned ready = 0;

    if (row && fs_row_id(row) == FS_INFO && handle.reads) {
        if (waits)
            polls_add(request_state(req)->polls, current_poll_handle(), inode_serial(ino));
        poll_info(req, ino, fi->fh);
    } else {
        if (handle.reads || !handle.writes)
            ready |= POLLIN | POLLRDNORM;
        if (handle.writes)
            ready |= POLLOUT | POLLWRNORM;
        (void)fuse_reply_poll(req, ready);
    }
    if (waits)
        fuse_pollhandle_destroy(waits);
}
