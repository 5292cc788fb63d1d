/* session.h: the login session that a caller belongs to, told by what a program in it cannot choose:
 *   login:N     the kernel's audit session (/proc/PID/sessionid): counted up by the kernel at each login
 *   scope:PATH  else the scope that logind made for the session, which belongs to root
 *   sid:N.T     else the session id (setsid(2)), with the start of its leader, who must be alive: a number is only
 *               given again when nobody has it any more, and then not at the same moment
 * and behind it "@" and the kernel's boot id, since all of these start over. A program may leave its session for a new
 * one, and so lose what was given to the old; it cannot enter one that is there. What it starts is in the same one.
 */
#ifndef CF_SESSION_H
#define CF_SESSION_H

#include "caller.h"

enum { CF_SESSION_SIZE = 384 };

/* Returns false where it cannot be told: the thread is unknown or gone, or the leader of its session is. */
bool cf_session_of(const struct cf_caller *caller, char out[static CF_SESSION_SIZE]);

/* How many bytes of a cgroup's path are that of a session's scope; 0: it is not in one that its user cannot choose.
 * For cf_session_of and its tests. */
size_t cf_session_scope(const char *cgroup);

/* The session id and the start time in a /proc/PID/stat text; false when it is none. For the same. */
bool cf_session_parse_stat(const char *stat, int64_t *sid, int64_t *start);

#endif
