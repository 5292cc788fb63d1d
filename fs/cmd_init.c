/* credfs init: make a store. */
#include "command.h"
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct argp_child children[] = {{.argp = &place_store_argp}, {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    (void)arg;
    if (key != ARGP_KEY_INIT)
        return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = state->input;
    return 0;
}

static const struct argp argp = {
    .parser = parse,
    .doc = "Make a store: an encrypted database and the master key that opens it.\v"
           "The master key lies in the store's directory as master.key. Keep a copy of it in another place: "
           "without it nobody can read the store again.",
    .children = children,
};

int cmd_init(int argc, char **argv)
{
    struct place place = {0};
    struct cf_fault fault = {""};
    enum cf_error error;
    bool is_default;
    int code;

    argp_parse(&argp, argc, argv, 0, NULL, &place);
    code = place_settle(&place);
    if (code != 0)
        return code;
    is_default = place.store == place.store_path;
    if (is_default && !path_make_parents(place.store)) {
        log_error("%s: %s: name another place with --store", place.store, strerror(errno));
        return EX_CANTCREAT;
    }
    error = cf_crypto_start(&fault);
    if (error == CF_OK)
        error = cf_store_create(place.store, &fault);
    if (error != CF_OK)
        return command_fail(error, &fault);
    printf("A new store is in %s.\n"
           "Keep a copy of %s/master.key in another place: without it nobody can read the store again.\n"
           "Next: credfs mount%s%s\n",
           place.store, place.store, is_default ? "" : " --store ", is_default ? "" : place.store);
    return command_finish();
}
