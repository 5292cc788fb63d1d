/* source.h: the configuration files of a store, and directories of them, each read once.
 *
 * Whoever needs a file's text again gets what was read at first, whatever became of the file: a reading in two passes
 * sees one file. Packed, the texts can be handed to another process, which then works from the same configuration.
 * For one thread at a time.
 */
#ifndef CF_SOURCE_H
#define CF_SOURCE_H

#include "error.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cf_sources;

/* NULL when out of memory. */
struct cf_sources *cf_sources_new(void);
void cf_sources_free(struct cf_sources *sources);

/* The text of the file at path. It must be a regular file (no symlink), at most 1 MiB, owned by the effective user or
 * root and writable by nobody else.
 * *text, *len: owned by sources, valid until it is freed.
 * Returns 0, CF_ENOENT when there is no such file, CF_EUNSAFE for owner, mode, kind or size, CF_EIO, CF_ENOMEM. */
CF_CHECKED enum cf_error cf_sources_text(struct cf_sources *sources, const char *path, const char **text,
                                         size_t *len, struct cf_fault *fault);

/* Was that file read? */
bool cf_sources_have(const struct cf_sources *sources, const char *path);

/* When that file was last changed, as it was read. 0: it was not read. */
int64_t cf_sources_changed(const struct cf_sources *sources, const char *path);

/* The names in the directory at path, in the order of their bytes, each with a newline behind it; those that begin
 * with '.' or end in '~' are left out. It must be a directory (no symlink), owned by the effective user or root and
 * writable by nobody else; a name with a newline in it is refused.
 * *names, *len and what is returned: as above. */
CF_CHECKED enum cf_error cf_sources_names(struct cf_sources *sources, const char *path, const char **names,
                                          size_t *len, struct cf_fault *fault);

/* Add all that was read, as bytes for cf_sources_unpack. */
void cf_sources_pack(const struct cf_sources *sources, struct cf_text *out);

/* Make sources out of what cf_sources_pack gave; a NUL follows the len bytes. *out: owned by the caller, NULL on
 * failure. Returns 0, CF_EFORMAT, CF_ENOMEM. */
CF_CHECKED enum cf_error cf_sources_unpack(const char *packed, size_t len, struct cf_sources **out);

#endif
