/* announcement.h: to tell those who watch an App that it has changed: who polls a file of it is woken, and its files
 * are touched, fields before views before info, so that who waits for the last of them finds all others new.
 *
 * Nothing is changed by it, nothing recorded. ctl, readers and versions/ are left out: nobody's configuration is there.
 */
#ifndef CREDFS_ANNOUNCEMENT_H
#define CREDFS_ANNOUNCEMENT_H

#include "state.h"
#include "toucher.h"

/* Announce an App; nothing happens for one that is no more. Only what the kernel knows of is touched: nobody watches
 * the rest. toucher: NULL to touch nothing at all. *next: a time when it is to be announced again, or 0.
 * Returns false when it could not be done, and is to be tried later. Never on a request's thread. */
bool announcement_make(struct fs_state *fs, struct toucher *toucher, int64_t serial, int64_t *next);

#endif
