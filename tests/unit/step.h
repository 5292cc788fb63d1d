/* step.h: one step of a random run of the property tests: any command, with good and bad arguments, by anybody.
 *
 * A step says all in small numbers that do not depend on the steps before it, so that a run can be made from a seed and
 * made shorter by leaving steps out.
 */
#ifndef STEP_H
#define STEP_H

#include "fixture.h"

enum step_kind {
    STEP_CREATE,
    STEP_RENAME,
    STEP_TRASH,   /* rmdir */
    STEP_BURY,    /* mv into the trash */
    STEP_RESTORE, /* mv out of it */
    STEP_DESTROY,
    STEP_APIS,
    STEP_GRANTS,
    STEP_ASSIGNEES,
    STEP_FIELD,
    STEP_CTL,
    STEP_REVEAL,
    STEP_VERIFY, /* of the credential of some version, or of half of it */
    STEP_POLICY, /* reveals have to be asked for from now on, or not */
    STEP_WAIT,
    STEP_HOUSE, /* a wait, then a round of what the daemon does by itself */
    STEP_REOPEN
};

/* How a set is written. */
enum step_form { FORM_REPLACE, FORM_ADD, FORM_MARKED, FORM_BAD };

enum { STEP_COMMANDS = 3, STEP_SLUGS = 6, STEP_GRANTS_KNOWN = 6, STEP_ASSIGNEES_KNOWN = 2 };

struct step {
    enum step_kind kind;
    unsigned app;         /* of those made in this run, from 0; perhaps there is none of that number */
    unsigned who;         /* of step_users */
    unsigned name;        /* of step_names */
    enum step_form form;  /* of a set */
    unsigned plus, minus; /* bits: its entries, and with FORM_MARKED those taken away */
    bool is_odd;          /* one entry more that nobody knows */
    unsigned pick;        /* of the table that the kind looks into */
    enum cf_field field;
    int64_t version; /* of a reveal or a check; 0: the current one */
    size_t commands; /* of ctl */
    unsigned command[STEP_COMMANDS];
    int64_t number[STEP_COMMANDS]; /* for revoke and rollback */
};

/* What a ctl command does, if all goes well. */
enum step_effect {
    DO_NOTHING,
    DO_FAIL,
    DO_ROTATE,
    DO_REVOKE,
    DO_ROLLBACK,
    DO_DISABLE,
    DO_ENABLE,
    DO_EXPIRE_IN,
    DO_EXPIRE_AT,
    DO_DESCRIBE,
    DO_LABEL,
    DO_IMPORT,
    DO_ASK
};

struct step_command {
    const char *text; /* perhaps with %d for a version's number */
    enum step_effect effect;
    int64_t time;     /* nanoseconds: an overlap, a duration, a time (0: never) */
    const char *note; /* the description or label it leaves; the value that it imports */
    enum cf_field field;
};

struct step_user {
    const char *name;
    uint32_t uid; /* root's is the owner's, whatever it is */
    bool manages, reveals;
};

/* A text and what writing it gives. */
struct step_text {
    const char *text;
    size_t len;
    enum cf_error error;
};

extern const struct step_command step_commands[];
enum { STEP_USERS = 5 };

extern const struct step_user step_users[STEP_USERS];
extern const struct step_text step_names[], step_values[], step_bad_apis[], step_bad_grants[], step_bad_assignees[];
extern const char *const step_slugs[STEP_SLUGS];         /* in catalogue order */
extern const char *const step_grants[STEP_GRANTS_KNOWN]; /* in the order of grants */
extern const char *const step_assignees[STEP_ASSIGNEES_KNOWN];
extern const int64_t step_waits[];

enum {
    STEP_SLUG_NEEDING_ASSIGNMENT = 1,
    STEP_SLUGS_NEEDING_SECRET = 2, /* the first so many */
    STEP_GRANT_STRANGER = 0,
    STEP_GRANT_STRANGER_KEY = 1,
    STEP_GRANT_STRANGER_SECRET = 2
};

/* What a STEP_VERIFY presents. */
enum step_credential { WHOLE_CREDENTIAL, KEY_ALONE, WRONG_SECRET, STEP_CREDENTIALS };
enum step_credential step_credential(const struct step *step);

/* For which API. */
size_t step_api(const struct step *step);

/* The next of a sequence of random numbers. */
uint64_t step_random(uint64_t *state);

/* A random step. favourite: a number for the run; which command it has more often than others, so that some runs do one
 * thing again and again. */
struct step step_make(uint64_t *random, unsigned favourite);

/* The text that it writes; error is only what a text of step_* says, CF_OK else. */
void step_write(const struct step *step, struct cf_text *out);

/* One line that says what it does. */
void step_describe(const struct step *step, struct cf_text *out);

/* Do it. serial and name: of its App, as it is or was last; 0 when there never was one. *app: set by STEP_CREATE.
 * Returns what it gives; of STEP_VERIFY the answer. */
CF_CHECKED enum cf_error step_do(struct fixture *fixture, const struct step *step, int64_t serial, const char *name,
                                 struct cf_app *app);

#endif
