/* exec_look.h: an App seen from outside: what decides its values, without a value, and being woken when it changes.
 *
 * What is looked at is the App's file `info`. It is watched by inotify and kept open no longer than it takes to read
 * it, as an open file would keep the mount from being unmounted. Who looks again whenever he is woken, and now and then
 * beside that, misses nothing.
 */
#ifndef CREDFS_EXEC_LOOK_H
#define CREDFS_EXEC_LOOK_H

#include "core/text.h"

struct exec_look {
    const char *mountpoint, *app;
    int notify; /* inotify: readable when it is time to look; -1 where there is none */
    int watch;  /* its watch of info, or -1 */
};

void exec_look_start(struct exec_look *look, const char *mountpoint, const char *app);

/* Look, and be woken by the next change. what: gets the id, the current version's number and the APIs of the App, which
 * are the same as long as its values are; released by who calls. A deadline, a label, a description, a grant, or a
 * version that is not the current one is no part of it.
 * Returns 0; EKEYREVOKED or EKEYEXPIRED, with what, when the App is disabled or has expired; or errno, without. */
int exec_look(struct exec_look *look, struct cf_text *what);

#endif
