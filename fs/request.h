/* request.h: a request under way: who asks, about which node, in a consistent view of the store. */
#ifndef CREDFS_REQUEST_H
#define CREDFS_REQUEST_H

#include "lowlevel.h"
#include "node.h"

struct request {
    fuse_req_t req;
    struct fs_state *fs;
    struct cf_caller caller;
    struct cf_txn txn;
    struct fs_node node;
};

struct fs_state *request_state(fuse_req_t req);

/* Who asks. Release it. */
struct cf_caller request_caller(fuse_req_t req);

/* Begin a request about ino. Returns false when that cannot be read: it has replied and there is nothing to end.
 * Otherwise one of the two below ends it. */
bool request_begin(struct request *r, fuse_req_t req, uint64_t ino);

/* A record of ino's App does not verify: record it. name: what was looked for, or NULL. Returns the error to reply. */
CF_CHECKED enum cf_error request_tampered(struct request *r, uint64_t ino, const char *name);

/* End without a reply, where one was given. */
void request_end(struct request *r);

/* End and reply: an error, or success where nothing else is told. */
void request_finish(struct request *r, enum cf_error error);

/* May the caller do this to the node? FS_NOBODY: as request_refuse. Returns 0 or why not; a denial is recorded. */
CF_CHECKED enum cf_error request_permit(struct request *r, enum cf_action action);

/* The error for what nobody may do: CF_EFORBIDDEN, or that of those who may not even see the node. Never 0. */
CF_CHECKED enum cf_error request_refuse(struct request *r);

/* Has the caller this right to the node? Records nothing. */
bool request_has_right(struct request *r, enum cf_action action);

/* May the caller see this node in a listing? Records nothing. */
bool request_sees(struct request *r, const struct fs_node *node);

#endif
