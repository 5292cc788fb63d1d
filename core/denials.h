/* denials.h: that a flood of refusals is recorded, and its record is no flood: a user without any right must not fill
 * the disk that the audit log of everybody else is on.
 *
 * The first CF_DENIALS_MOST refusals of a user in a second are recorded one by one. Those that follow are counted, and
 * each second one record says what the first of them was and how many came behind it, until a second passes in which
 * he is refused no more often than that. What was counted and not yet told is lost when the process is killed: a
 * second's worth. Users share CF_DENIALS_PLACES places, so that many users cannot make it many records. Thread-safe.
 */
#ifndef CF_DENIALS_H
#define CF_DENIALS_H

#include "audit.h"

enum { CF_DENIALS_MOST = 50, CF_DENIALS_PLACES = 256 };

struct cf_denials;

/* NULL when out of memory. */
struct cf_denials *cf_denials_new(void);
void cf_denials_free(struct cf_denials *denials);

/* A refusal, with its caller, is about to be recorded. Returns false where it was counted instead. */
bool cf_denials_admit(struct cf_denials *denials, const struct cf_event *event);

/* A second has passed: record what was counted. Returns 0, CF_EFULL or CF_EIO; what could not be written is told the
 * next time. */
CF_CHECKED enum cf_error cf_denials_tell(struct cf_denials *denials, struct cf_audit *audit);

#endif
