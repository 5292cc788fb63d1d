/* handle.h: file handles that describe themselves, so that a server that starts over can go on with open files.
 *
 *   opened for reading alone:   bit 63 0 · bit 62 1 · bits 24–61 mark · bits 0–23 length
 *   opened for writing:         bit 63 1 · bit 62 also for reading · bit 61 O_APPEND · bit 60 O_NONBLOCK ·
 *                               bits 32–59 mark · bits 0–31 uid
 *
 * The mark of a field is the number of the version that was revealed; the mark of a text is a hash of what was
 * rendered at the open, so that two renderings of one mark and length are the same text; that of a view is its keyed
 * hash, with the version that it shows; the mark of ctl is 1 where it was opened with no right but to ask for a reveal;
 * that of verify a number of the open. Directories, the audit log and what is opened to announce a change need no
 * handle: 0.
 */
#ifndef CREDFS_HANDLE_H
#define CREDFS_HANDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct handle {
    bool reads, writes, appends;
    bool nonblocking; /* as truncate(1) opens; only where it writes */
    uint32_t uid;     /* who opened it; only where it writes */
    uint64_t mark;    /* as many bits of it as there is room for */
    uint32_t len;     /* of the text; HANDLE_LENGTH_UNKNOWN where it writes or is longer than fits */
};

enum { HANDLE_LENGTH_UNKNOWN = (1 << 24) - 1 };

uint64_t handle_pack(const struct handle *handle);
struct handle handle_unpack(uint64_t fh);

/* The mark of a text. */
uint64_t handle_mark(const char *text, size_t len);

/* The mark of something secret: of a keyed hash of it, and its version. */
uint64_t handle_mark_secret(uint64_t hash, int64_t version);

/* The length for a handle. */
uint32_t handle_len(size_t len);

/* Is what has this mark and length what was rendered when the handle was made? */
bool handle_agrees(const struct handle *handle, uint64_t mark, size_t len);

#endif
