/* reader.h: who last opened which version of an App's fields: what tells whether an old one can be revoked.
 *
 * A reader is a uid, a command and a cgroup. What is noted at a reveal stays in memory at first, and is written to the
 * database about once a second (chores.h): a crash loses at most that. Of each App the last CF_READERS_MOST are kept.
 * It decides nothing, so its rows carry no MAC.
 */
#ifndef CF_READER_H
#define CF_READER_H

#include "app.h"
#include "caller.h"

enum { CF_READERS_MOST = 1000, CF_READER_CGROUP = 512 };

struct cf_reader {
    int64_t app; /* serial */
    uint32_t uid;
    char command[CF_COMMAND_SIZE];
    char cgroup[CF_READER_CGROUP]; /* its beginning */
    int64_t version, opened;       /* of the last reveal; opened: time */
};

/* What is noted and not yet written. Thread-safe. */
struct cf_readers;

/* NULL when out of memory. */
struct cf_readers *cf_readers_new(void);
void cf_readers_free(struct cf_readers *readers);

/* Note a reveal, in memory. Returns how full it is: at CF_READERS_FULL nothing more is taken until it was written. */
enum cf_readers_room { CF_READERS_ROOM, CF_READERS_HALF, CF_READERS_FULL };
enum cf_readers_room cf_readers_note(struct cf_readers *readers, const struct cf_reader *reader);

/* Write what was noted. Nothing is lost when it fails. */
CF_CHECKED enum cf_error cf_readers_write(struct cf_readers *readers, struct cf_store *store);

/* The text of an App's readers, the latest first, a line each:
 *   USER COMMAND CGROUP VERSION TIME [behind]
 * behind: has not opened the current version yet. Blanks and what cannot be printed are \ooo, as in /proc/mounts, and
 * what is unknown is "-". readers: NULL, or with what is not yet written. */
CF_CHECKED enum cf_error cf_readers_print(struct cf_readers *readers, struct cf_txn *txn, const struct cf_app *app,
                                          struct cf_text *out);

#endif
