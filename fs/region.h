/* region.h: the memory that outlives a worker: one shared mapping, made by the keeper, handed to each worker as a
 * descriptor.
 *
 * What is in it: the kernel's first request (INIT), which every new session must be fed; a slot for each thread of
 * the worker, into which it reads its request; the data key; the configuration in force; answers that wait to be
 * read; what is still to be announced, and who waits for it. A slot whose header length is not zero holds a request
 * that nobody answered: the next worker answers it.
 *
 * Who writes what: the keeper what comes before beat, and what it finds out about slots: crashes, hangs, deaths, and
 * since when their worker has ended; the worker all else, each slot by the one thread that it belongs to. There is one
 * worker at a time, and it can die between any two instructions. The pages with the key and the first pages of each
 * slot, where a value that is written lies, are locked by the keeper; none of it goes into a core file.
 */
#ifndef CREDFS_REGION_H
#define CREDFS_REGION_H

#include "core/store.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    REGION_LAYOUT = 5, /* another for each change of struct region: a worker of another layout does not start */
    REGION_SLOTS = 8,  /* also the number of the worker's threads */
    REGION_PAGE = 4096,
    REGION_REQUEST = 1024 * 1024 + 8192, /* bytes: the largest request, a write of 1 MiB and its headers */
    REGION_INIT = 4096,
    REGION_SOURCES = 2 * 1024 * 1024,
    REGION_BEATS_A_SECOND = 4,
    REGION_ANSWERS = 256,
    REGION_ANSWER = 192, /* bytes: `ok`, the longest name of an App, a number */
    REGION_NEWS = 1024,
    REGION_POLLS = 4096
};

/* The descriptors that a worker finds open. */
enum region_descriptor { WORKER_DEVICE = 3, WORKER_REGION, WORKER_LOCK, WORKER_READY };

/* How a worker ends. Anything else is a failure. */
enum worker_exit { WORKER_UNMOUNTED = 0, WORKER_DRAINED = 100 };

struct region_slot {
    _Atomic uint64_t since;   /* the beat at which its request was read; 0: none is under way */
    _Atomic uint32_t crashes; /* workers that crashed while they worked on this request */
    _Atomic uint32_t hangs;   /* workers that took too long over it */
    _Atomic uint32_t deaths;  /* workers that ended while they worked on it, for whatever reason */
    _Atomic uint64_t
        refused; /* the number of the last request that was answered with an error, or is about to be */
    int error;   /* that error: what was refused once is not tried again */
    int number;  /* of the slot */
    _Alignas(REGION_PAGE) unsigned char request[REGION_REQUEST]; /* a struct fuse_in_header, and what follows it */
};

/* A configuration, packed (source.h). */
struct region_sources {
    size_t len;
    char text[REGION_SOURCES];
};

/* What a check of a credential answered, until it is read (answers.h). */
struct region_answer {
    _Atomic uint64_t handle; /* 0: free; else the rest is whole */
    uint64_t ino, used;
    off_t behind, begins;
    uint32_t len;
    char text[REGION_ANSWER];
};

/* An App that is to be announced to those who watch it (announcer.h). */
struct region_news {
    _Atomic int64_t serial; /* 0: free */
    _Atomic int64_t at;     /* time; 0: now */
};

/* What there is to announce. A search (core/news.h) is under way while its end is not 0. */
struct region_announcing {
    _Atomic int64_t seen;   /* time up to which deadlines were looked for and announced */
    _Atomic int64_t passed; /* 0, or up to when those are being announced that passed since */
    _Atomic int64_t
        since; /* 0, or since when the Apps that changed are to be announced: there was no room for each */
    _Atomic int64_t later;     /* 0, or when the same is to be done, */
    _Atomic int64_t of_later;  /* since when */
    _Atomic int32_t all;       /* 0, or REGION_ALL_READ, REGION_ALL: all Apps are to be announced */
    _Atomic int64_t all_after; /* behind this serial */
    _Atomic int32_t toucher;   /* the process that does it; 0: none */
    struct region_news news[REGION_NEWS];
};
enum { REGION_ALL_READ = 1, REGION_ALL };

/* Who polls a file of an App: the kernel is to be told when that changes. */
struct region_poll {
    _Atomic uint64_t kernel_handle; /* 0: free; else the rest is whole */
    int64_t serial;
};

struct region {
    uint32_t layout;
    pid_t keeper;
    bool is_background;        /* messages go to syslog once it is ready */
    int64_t session;           /* random: tells the requests of this mount from those of others */
    int64_t mounted;           /* time */
    uint64_t device;           /* of the mounted file system */
    _Atomic int64_t starts;    /* workers that were started */
    _Atomic int64_t renewed;   /* programs and configurations that were put in place while mounted */
    _Atomic int64_t refused;   /* those that did not start */
    _Atomic uint64_t beat;     /* grows while the worker's own watch runs */
    _Atomic uint32_t patience; /* seconds until a worker that does nothing is replaced */
    struct cf_handover handover;
    _Atomic size_t init_len; /* 0: it has not come yet */
    _Atomic int in_force;    /* which of sources */
    _Alignas(REGION_PAGE) unsigned char init[REGION_INIT];
    struct region_slot slot[REGION_SLOTS];
    struct region_sources sources[2];
    uint64_t asked, answered; /* counters: files that were opened to check, and uses of answers */
    struct region_answer answer[REGION_ANSWERS];
    struct region_announcing announcing;
    struct region_poll poll[REGION_POLLS];
};

#endif
