/* ini.h: strict reading of INI files; the only file that includes inih.
 *
 * inih alone is lenient (it cuts long lines and goes on after an error). Here the first thing that is wrong refuses
 * the whole file, with file, line and reason. A line that begins with white space continues the value of the one
 * before it.
 */
#ifndef CF_INI_H
#define CF_INI_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>

/* One `name = value` line; or, with name and value NULL, the [section] line itself, so that an empty section is seen
 * too. again: the line continues the value of the name before it.
 * Returns NULL when it is well, or the reason why not (a string that outlives the call, or lies in arg). */
typedef const char *cf_ini_line(void *arg, const char *section, const char *name, const char *value, bool again);

/* Read text (len bytes, any content), calling line for each. title: the file's name for messages.
 * A doubled name within a section (also when the section is opened twice) is refused here.
 * Returns 0, CF_ECONFIG with "TITLE:LINE: REASON" in fault, or CF_ENOMEM. */
CF_CHECKED enum cf_error cf_ini_text(const char *title, const char *text, size_t len, cf_ini_line *line, void *arg,
                                     struct cf_fault *fault);

#endif
