/* current.h: the request that this thread works on, for those who answer it. serve.c sets it.
 */
#ifndef CREDFS_CURRENT_H
#define CREDFS_CURRENT_H

#include "core/caller.h"
#include "region.h"

/* request: is copied. slot: where it lies. */
void current_set(struct region_slot *slot, const struct cf_request *request);

/* Valid until it is answered. */
const struct cf_request *current_request(void);

/* Of a poll that asks for a wake: the kernel's handle of its open file. */
uint64_t current_poll_handle(void);

/* It is about to be answered with this errno. If the worker dies now, it is answered with it again and not tried again:
 * whoever got that answer counts on nothing having changed. */
void current_refuses(int error);

#endif
