/* answers.h: what apis/SLUG/verify answered, from the write until it is read on the same open file.
 *
 * They lie in the region, so that a worker that is replaced between the two loses none. A fixed number is kept,
 * each under its file's inode number and handle until the file is closed or another check is written to it;
 * where there is no room the one goes that was longest not used, and its reader finds nothing, which is never an
 * `ok`.
 *
 * Where a reader finds his answer: a shell that wrote and reads on stands behind what it wrote, a program that
 * reads with pread(2) or seeks begins at 0. Both are right: the first read after the write settles where the
 * answer begins, and a read at 0 begins again there.
 *
 * Thread-safe: one lock, taken last. There is one worker, so that it need not lie in the region; a worker that
 * dies while it holds it leaves no half an answer.
 */
#ifndef CREDFS_ANSWERS_H
#define CREDFS_ANSWERS_H

#include "region.h"

#include <sys/types.h>

struct answers;

/* NULL when out of memory. region: must outlive it. */
struct answers *answers_new(struct region *region);
void answers_free(struct answers *all);

/* A mark for the handle of a file that is being opened; no answer is kept under a handle that has it. */
uint64_t answers_mark(struct answers *all);

/* Keep an answer, replacing what is there. behind: the offset behind the write that asked. len: at most
 * REGION_ANSWER, of which no more is kept. */
void answers_put(struct answers *all, uint64_t ino, uint64_t fh, off_t behind, const char *text, size_t len);

/* Copy what a read at off finds; 0 where there is nothing. */
size_t answers_get(struct answers *all, uint64_t ino, uint64_t fh, off_t off, char out[static REGION_ANSWER]);

/* The file was closed, or asks anew. */
void answers_drop(struct answers *all, uint64_t ino, uint64_t fh);

#endif
