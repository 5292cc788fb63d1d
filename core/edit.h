/* edit.h: the text that is written to a file which holds a set: entries, or +entries and -entries.
 *
 * Plain entries replace the set (or add to it, when the write is not at the file's start); entries marked + and -
 * add and take away wherever they are written. The two forms do not mix in one write. `#` starts a comment that goes
 * to the end of its line.
 */
#ifndef CF_EDIT_H
#define CF_EDIT_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>

enum { CF_EDIT_MAX = 256 * 1024 }; /* bytes in one write */

enum cf_edit_unit {
    CF_EDIT_WORDS, /* an entry is a word */
    CF_EDIT_LINES  /* an entry is a line, white space around it taken off */
};

struct cf_edit {
    char sign;         /* '+', '-', or 0 for plain */
    const char *entry; /* inside the text that was parsed, not NUL-terminated */
    size_t len;        /* at least 1 */
};

struct cf_edits {
    struct cf_edit *at;
    size_t count;
    bool is_marked; /* + and - entries */
};

/* Split a text. Returns 0, CF_EMIXED, CF_ETOOBIG, CF_EVALUE (a NUL byte, a sign with nothing behind it), CF_ENOMEM. */
CF_CHECKED enum cf_error cf_edit_parse(const char *text, size_t len, enum cf_edit_unit unit,
                                       struct cf_edits *edits);
void cf_edits_release(struct cf_edits *edits);

#endif
