/* record.h: a record of the audit log, as `credfs audit` picks and shows it. Nothing here verifies: that is core's. */
#ifndef CREDFS_RECORD_H
#define CREDFS_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Which records are wanted; all conditions hold at once. */
struct record_filter {
    const char *app; /* name or id; NULL: any */
    bool by_user;
    uint32_t uid;
    int64_t since; /* time; 0: from the beginning */
};

bool record_wanted(const json_t *record, const struct record_filter *filter);

/* One line for people: time, user, command, what, to which file, how it ended and why. Control characters, which
 * names of processes and Apps that were asked for can hold, are shown as `?`. */
void record_print(const json_t *record);

/* How many records the log of this store directory has, as its last whole line says; 0 when there is none. */
int64_t record_last(int dir);

#endif
