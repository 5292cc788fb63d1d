#include "current.h"

#include <linux/fuse.h>

static _Thread_local struct cf_request current;
static _Thread_local struct region_slot *current_slot;

void current_set(struct region_slot *slot, const struct cf_request *request)
{
    current_slot = slot;
    current = *request;
}

const struct cf_request *current_request(void)
{
    return &current;
}

uint64_t current_poll_handle(void)
{
    const struct fuse_in_header *header = (const void *)current_slot->request;

    return ((const struct fuse_poll_in *)(const void *)(header + 1))->kh;
}

void current_refuses(int error)
{
    if (!current_slot)
        return;
    current_slot->error = error;
    atomic_store(&current_slot->refused, (uint64_t)current.number);
}
