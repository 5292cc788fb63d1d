/* curl.h: one run of the program curl, for an answer that may be secret.
 *
 * What it is to do it reads from a pipe, and what it gets it writes to one: nothing secret stands in its arguments, its
 * environment or a file. Where the daemon is root, it runs as a user that nobody else is, so that no other process can
 * look into it. It ends with the daemon.
 */
#ifndef CREDFS_CURL_H
#define CREDFS_CURL_H

#include "core/secret.h"

/* Run it. config: its configuration (curl(1), --config), secret. longest: nanoseconds; it is ended before a quarter
 * more has passed. title: what it is asked from, for messages. *answer: owned by the caller, NULL on failure.
 * Returns 0; CF_EREJECTED where HTTP answers 400, 401 or 403; CF_EUNREACHABLE for any other failure, that there is no
 * such program too, having told why; CF_ENOMEM. */
CF_CHECKED enum cf_error curl_run(const struct cf_secret *config, int64_t longest, const char *title,
                                  struct cf_secret **answer);

#endif
