/* exchange.h: what export and import share: the store for themselves, passphrases and keys, and bytes from and to
 * files, encrypted or not.
 *
 * Both work on a store that is not mounted: one process writes to a store, and only so is what goes out one moment
 * and what comes in one transaction, exact to ids and times.
 *
 * Values pass through ordinary memory here (lines of JSON, cells of CSV), which is wiped after each App. The process
 * cannot be dumped. What is not wiped: the copy that the kernel has of a plain file.
 */
#ifndef CREDFS_EXCHANGE_H
#define CREDFS_EXCHANGE_H

#include "command.h"
#include "core/envelope.h"

/* Harden the process and open the store to work on it. Returns 0 or an exit code; has told why. */
int exchange_own(struct place *place, struct cf_vault **vault);

/* Ask for a passphrase at the terminal (is_new: twice), or with file take its first line.
 * Returns 0 or an exit code; has told why. *out: owned by the caller. */
int exchange_passphrase(const char *file, bool is_new, struct cf_secret **out);

/* Read a secret key that `credfs export --keygen` wrote. As above. */
int exchange_secret_key(const char *file, struct cf_secret **out);

/* Make a file of mode 0600 that is not there, for writing. Returns a descriptor or -1; has told why. */
int exchange_create(const char *path);

/* Have jansson wipe what it frees. Call before it is used. */
void exchange_wipe_json(void);

bool exchange_write(int fd, const void *bytes, size_t len);

/* --- out ---------------------------------------------------------------------------------------------------------- */

struct sink; /* plain, or sealed to somebody */

/* to: NULL for plain. *out: owned by the caller, also on failure, to tell sink_fault. */
CF_CHECKED enum cf_error sink_new(int fd, const struct cf_addressee *to, struct sink **out);
CF_CHECKED enum cf_error sink_put(struct sink *sink, const void *bytes, size_t len);
CF_CHECKED enum cf_error sink_finish(struct sink *sink);

/* The errno of a write that failed, or 0: it is then the output that is at fault, not the store. NULL: 0. */
int sink_fault(const struct sink *sink);
void sink_free(struct sink *sink);

/* --- in ----------------------------------------------------------------------------------------------------------- */

struct source;

/* What opens a file that is sealed: files, or NULL to ask for a passphrase at the terminal. */
struct openers {
    const char *passphrase, *secret_key;
};

/* Begin to read from a descriptor, which is taken. Returns 0 or an exit code; has told why, naming name. */
int source_new(int fd, const char *name, const struct openers *openers, struct source **out);
void source_free(struct source *source);

enum { SOURCE_END = -1, SOURCE_FAILED = -2 };

/* The next byte, SOURCE_END, or SOURCE_FAILED: source_fault tells. peek: the same, and it stays. */
int source_byte(struct source *source);
int source_peek(struct source *source);
enum cf_error source_fault(const struct source *source);

/* The number of the line that is being read, from 1. */
size_t source_line(const struct source *source);

/* Bytes that are put together out of a source. They may be secret: outgrown memory is wiped. */
struct bytes {
    char *at;
    size_t len, room;
};
bool bytes_add(struct bytes *bytes, char byte);
void bytes_clear(struct bytes *bytes);   /* wipe, keep the memory */
void bytes_release(struct bytes *bytes); /* wipe and free */

#endif
