/* store_files.h: the files of a store's directory, for store.c alone: their owner, mode and kind, the lock, and the
 * master key. */
#ifndef CF_STORE_FILES_H
#define CF_STORE_FILES_H

#include "error.h"
#include "secret.h"

#include <stdbool.h>
#include <sys/types.h>

/* Open a directory. *dir: a descriptor, owned by the caller.
 * Returns 0, CF_ENOENT, CF_EDENIED, CF_EUNSAFE when it is none, CF_EIO. */
CF_CHECKED enum cf_error cf_files_open(const char *path, int *dir, struct cf_fault *fault);

enum cf_files_kind {
    CF_FILES_STORE, /* a database is there */
    CF_FILES_REST,  /* what belongs to a store, without its database */
    CF_FILES_OTHER, /* something else */
    CF_FILES_EMPTY  /* nothing, but for the lock and what a new file system has */
};

/* What a directory holds, by names alone. */
enum cf_files_kind cf_files_kind(int dir);

/* Look at the owner, mode and kind of a store's directory and of all that is in it. path: for messages.
 * Returns 0, CF_EUNSAFE naming what is wrong, CF_EIO. */
CF_CHECKED enum cf_error cf_files_check(int dir, const char *path, struct cf_fault *fault);

/* Take away what a creation that failed has made. */
void cf_files_remove(int dir);

/* Take the lock, writing our pid into it; held until the descriptor is closed, by us and those we fork.
 * Returns 0, CF_EBUSY naming the holder, CF_EIO. */
CF_CHECKED enum cf_error cf_files_lock(int dir, const char *path, int *lock, struct cf_fault *fault);

/* The pid of who holds the lock, or 0. */
pid_t cf_files_holder(int dir);

/* Read the master key, or make a new one (never over one that is there). *key: owned by the caller.
 * Returns 0, CF_EWRONGKEY when there is none or it is not a key, CF_EUNSAFE, CF_EIO, CF_EFULL. */
CF_CHECKED enum cf_error cf_files_read_key(int dir, const char *path, struct cf_secret **key,
                                           struct cf_fault *fault);
CF_CHECKED enum cf_error cf_files_make_key(int dir, struct cf_secret **key, struct cf_fault *fault);

#endif
