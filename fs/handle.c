#include "handle.h"

enum { LENGTH_BITS = 24, MARK_BITS = 38, UID_BITS = 32, WRITER_MARK_BITS = 28 };

#define WRITES (UINT64_C(1) << 63)
#define READS (UINT64_C(1) << 62)
#define APPENDS (UINT64_C(1) << 61)
#define NONBLOCKING (UINT64_C(1) << 60)

static uint64_t low_bits(uint64_t number, unsigned bits)
{
    return number & ((UINT64_C(1) << bits) - 1);
}

static unsigned mark_bits(const struct handle *handle)
{
    return handle->writes ? WRITER_MARK_BITS : MARK_BITS;
}

uint64_t handle_pack(const struct handle *handle)
{
    uint64_t mark = low_bits(handle->mark, mark_bits(handle));
    uint64_t fh = handle->reads ? READS : 0;

    if (!handle->writes)
        return fh | mark << LENGTH_BITS | low_bits(handle->len, LENGTH_BITS);
    fh |= WRITES | (handle->appends ? APPENDS : 0) | (handle->nonblocking ? NONBLOCKING : 0);
    return fh | mark << UID_BITS | handle->uid;
}

struct handle handle_unpack(uint64_t fh)
{
    struct handle handle = {.reads = fh & READS, .writes = fh & WRITES, .len = HANDLE_LENGTH_UNKNOWN};

    if (handle.writes) {
        handle.appends = fh & APPENDS;
        handle.nonblocking = fh & NONBLOCKING;
        handle.uid = (uint32_t)low_bits(fh, UID_BITS);
        handle.mark = low_bits(fh >> UID_BITS, WRITER_MARK_BITS);
    } else {
        handle.len = (uint32_t)low_bits(fh, LENGTH_BITS);
        handle.mark = low_bits(fh >> LENGTH_BITS, MARK_BITS);
    }
    return handle;
}

/* FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), folded so that the low bits hold all of it. */
uint64_t handle_mark(const char *text, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 32;
}

uint64_t handle_mark_secret(uint64_t hash, int64_t version)
{
    return hash ^ (uint64_t)version * UINT64_C(0x9e3779b97f4a7c15);
}

uint32_t handle_len(size_t len)
{
    return len < HANDLE_LENGTH_UNKNOWN ? (uint32_t)len : HANDLE_LENGTH_UNKNOWN;
}

bool handle_agrees(const struct handle *handle, uint64_t mark, size_t len)
{
    if (handle->len != HANDLE_LENGTH_UNKNOWN && handle->len != len)
        return false;
    return low_bits(mark, mark_bits(handle)) == low_bits(handle->mark, mark_bits(handle));
}
