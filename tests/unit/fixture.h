/* fixture.h: a vault in a temporary directory, for the unit tests of the model. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "change.h"

/* Who asks in these tests. The configuration gives: ADMIN company-admin, MANAGER a custom role with
 * application-credentials alone, REVEALER one with reveal alone, group OPERATORS company-admin; STRANGER nothing. */
enum { ADMIN = 5001, MANAGER = 5002, REVEALER = 5003, AUDITOR = 5004, STRANGER = 5005, OPERATORS = 6001 };

struct fixture {
    char dir[64];
    char store[96];
    char config[96];
    struct cf_vault *vault;
    struct cf_caller root; /* the store's owner */
    struct cf_caller admin, manager, revealer, auditor, stranger;
};

/* A cmocka setup and teardown: *state is a struct fixture with an open vault. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* The same, with the store in memory where there is /dev/shm: for many changes, when none has to last. */
int fixture_setup_in_memory(void **state);

/* Close the vault and open it again. */
void fixture_reopen(struct fixture *fixture);

/* Run SQL on the database behind the vault's back, as a tamperer does. */
void fixture_sql(const struct fixture *fixture, const char *sql);

/* Make an App as root. */
struct cf_app fixture_app(struct fixture *fixture, const char *name);

/* Read an App again. */
struct cf_app fixture_again(struct fixture *fixture, int64_t serial);

/* Its APIs or grants as text, to be freed. */
char *fixture_apis(struct fixture *fixture, int64_t serial);
char *fixture_grants(struct fixture *fixture, int64_t serial);

/* Is this the present value of a field? */
bool fixture_has_value(struct fixture *fixture, int64_t serial, enum cf_field field, const char *value, size_t len);

/* A copy of the present value, to be freed with cf_secret_free. */
struct cf_secret *fixture_value(struct fixture *fixture, int64_t serial, enum cf_field field);

/* How many findings a check has. */
int64_t fixture_findings(struct fixture *fixture);

/* How many records of the audit log have both of these in them? */
int fixture_records(const struct fixture *fixture, const char *one, const char *other);

/* A process that has set something up (NULL: nothing) and waits for its end. Returns 0 when it could not set it up. */
pid_t fixture_child(bool (*set_up)(void));
void fixture_child_end(pid_t pid);

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#endif
