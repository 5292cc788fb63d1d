/* credfs: API credentials as files. The table of subcommands; each is a file of its own. */
#include "command.h"
#include "log.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help; /* NULL: not for people */
};

static const struct command commands[] = {
    {"init", cmd_init, "make a store"},
    {"mount", cmd_mount, "show the store as files"},
    {"umount", cmd_umount, "end the mount, and wait until the store is free"},
    {"status", cmd_status, "where the store is, who has it, what it holds"},
    {"reveal", cmd_reveal, "ask for a reveal and print it"},
    {"exec", cmd_exec, "run a command with an App's values in its environment"},
    {"policy", cmd_policy, "what a user may do, and why"},
    {"audit", cmd_audit, "the audit log"},
    {"check", cmd_check, "verify the whole store"},
    {"reload", cmd_reload, "have a mount read its configuration again"},
    {"export", cmd_export, "Apps with their secrets, encrypted, into a file"},
    {"import", cmd_import, "Apps from an export, JSON, CSV or a directory"},
    {"reconcile", cmd_reconcile, "an App's APIs against what the vendor says"},
    {"worker", cmd_worker, NULL},
    {"touch", cmd_touch, NULL},
};

enum { COMMANDS = sizeof(commands) / sizeof(*commands) };

static void help(FILE *to)
{
    fprintf(to, "Usage: credfs COMMAND [OPTION...]\n"
                "  or:  credfs SOURCE MOUNTPOINT [-o OPT,...]   (as mount(8) calls it)\n\n"
                "API credentials as files: browse with ls, reveal with cat, assign with echo.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        if (commands[i].help)
            fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].help);
    fprintf(to, "\n`credfs COMMAND --help` tells more of each, `credfs --version` which credfs this is.\n");
}

/* A source and a mountpoint, of which one has a slash: what no mistyped command has. */
static bool is_mount8(int argc, char **argv)
{
    return argc >= 3 && argv[1][0] != '-' && argv[2][0] != '-' && (strchr(argv[1], '/') || strchr(argv[2], '/'));
}

int main(int argc, char **argv)
{
    char title[64];

    if (argc < 2) {
        help(stderr);
        return EX_USAGE;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        snprintf(title, sizeof(title), "credfs %s", commands[i].name);
        argv[1] = title;
        return commands[i].run(argc - 1, argv + 1);
    }
    if (is_mount8(argc, argv))
        return cmd_mount8(argc, argv);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        help(stdout);
        return command_finish();
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("credfs " CREDFS_VERSION);
        return command_finish();
    }
    log_error("%s: no such command: `credfs --help` lists them", argv[1]);
    return EX_USAGE;
}
