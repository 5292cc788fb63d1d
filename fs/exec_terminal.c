#include "exec_terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

int exec_terminal_open(void)
{
    return open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
}

bool exec_terminal_is_ours(int terminal)
{
    return terminal >= 0 && tcgetpgrp(terminal) == getpgrp();
}

bool exec_terminal_lend(int terminal, pid_t group)
{
    return exec_terminal_is_ours(terminal) && tcsetpgrp(terminal, group) == 0;
}

bool exec_terminal_take(int terminal, pid_t group)
{
    return terminal >= 0 && tcgetpgrp(terminal) == group && tcsetpgrp(terminal, getpgrp()) == 0;
}

void exec_terminal_stop(int number)
{
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, number);
    (void)kill(0, number);
    (void)sigprocmask(SIG_UNBLOCK, &mask, NULL);
    (void)sigprocmask(SIG_BLOCK, &mask, NULL);
}
