/* credfs-keeper: the process that a mount lives by.
 *
 * It mounts, holds the descriptor of /dev/fuse and the region (region.h), and runs a worker, which does all else. A
 * worker that dies or hangs is replaced within milliseconds; the mount, and what is open on it, does not notice. It
 * links no more than that needs. Started by `credfs mount`, which holds the store's lock and hands it on:
 *
 *   credfs-keeper -m MOUNTPOINT -s SOURCE -l LOCK [-a] [-r] [-b READY] PROGRAM ARGUMENT...
 *
 * LOCK and READY are descriptors; with READY it goes to the background once the mount answers, and writes a byte.
 * PROGRAM ARGUMENT... is the worker. Signals: SIGTERM and SIGINT unmount and end; SIGHUP has the configuration read
 * again; SIGUSR1 puts the program that is now on disk in place. Both drain the worker first; if the new one does not
 * start, the old program or configuration goes on.
 */
#include "keeper.h"

#include "../harden.h"
#include "../log.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

enum { TICK_MS = 250 };

static void on_signal(struct keeper *keeper)
{
    struct signalfd_siginfo info;

    while (read(keeper->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            life_stop(keeper);
        else if (info.ssi_signo == SIGHUP)
            keeper->wants_reload = true;
        else if (info.ssi_signo == SIGUSR1)
            keeper->wants_replace = true;
    }
    life_renew(keeper);
}

static void on_ready(struct keeper *keeper)
{
    char byte;
    const ssize_t got = keeper->worker.ready >= 0 ? read(keeper->worker.ready, &byte, 1) : 0;

    if (got < 0)
        return; /* not yet */
    if (keeper->worker.ready >= 0)
        (void)close(keeper->worker.ready);
    keeper->worker.ready = -1;
    if (got == 1 && keeper->state == KEEPER_STARTING)
        life_ready(keeper);
}

static int run(struct keeper *keeper)
{
    struct worker_end end;

    keeper->wants_fresh = true;
    life_start(keeper);
    while (keeper->code < 0) {
        struct pollfd polled[] = {{.fd = keeper->signals, .events = POLLIN},
                                  {.fd = keeper->worker.ready, .events = POLLIN}};
        if (poll(polled, 2, TICK_MS) < 0)
            polled[0].revents = POLLIN;
        if (worker_reap(&keeper->worker, &end)) {
            on_ready(keeper); /* it may have been, just before its end */
            life_ended(keeper, &end);
        } else if (polled[1].revents != 0) {
            on_ready(keeper);
        }
        if (keeper->code < 0 && polled[0].revents != 0)
            on_signal(keeper);
        if (keeper->code < 0)
            life_tick(keeper);
    }
    return keeper->code;
}

static bool block_signals(struct keeper *keeper)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD};
    sigset_t set;

    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        (void)sigaddset(&set, numbers[i]);
    (void)signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
        keeper->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return keeper->signals >= 0;
}

static bool parse(struct keeper *keeper, int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "+m:s:l:arb:")) != -1) {
        if (option == 'm')
            keeper->mountpoint = optarg;
        else if (option == 's')
            keeper->source = optarg;
        else if (option == 'l')
            keeper->lock = atoi(optarg);
        else if (option == 'a')
            keeper->allow_other = true;
        else if (option == 'r')
            keeper->read_only = true;
        else if (option == 'b')
            keeper->launcher = atoi(optarg);
        else
            return false;
    }
    keeper->arguments = argv + optind;
    keeper->programs.path = argv[optind];
    return keeper->mountpoint != NULL && keeper->source != NULL && keeper->lock >= 0 &&
           keeper->programs.path != NULL;
}

int main(int argc, char **argv)
{
    struct keeper keeper = {.device = -1,
                            .region_fd = -1,
                            .lock = -1,
                            .signals = -1,
                            .launcher = -1,
                            .programs = {.in_force = -1, .trial = -1, .previous = -1},
                            .code = -1,
                            .worker = {.ready = -1}};
    int code;

    if (!parse(&keeper, argc, argv)) {
        log_error("credfs-keeper is started by `credfs mount`");
        return EX_USAGE;
    }
    if (!harden() || !block_signals(&keeper) || !keeper_open(&keeper))
        return EX_OSERR;
    code = run(&keeper);
    keeper_forget(&keeper);
    return code;
}
