/* model.h: what credfs is to do, said once more and as simply as can be: plain structs that hold everything that ever
 * was, no database, no cleverness. The property tests hold the vault against it.
 */
#ifndef MODEL_H
#define MODEL_H

#include "step.h"

enum { MODEL_APPS = 48, MODEL_VERSIONS = 160 };

#define MODEL_SUM (UINT64_C(1) << 63)

struct model_version {
    bool is_kept, is_revoked;
    int64_t deadline;
    uint64_t
        value[CF_FIELD_COUNT]; /* 0: none; below MODEL_SUM: generated, not looked at yet; else model_sum of it */
};

struct model_app {
    bool is_there;
    int64_t serial;
    enum cf_place place;
    char name[CF_ENTRY_MAX + 1];
    bool is_disabled;
    int64_t expires, generation, trashed;
    unsigned apis, grants; /* bits */
    char description[64], label[64];
    int64_t version;
    int64_t leave[STEP_USERS];                     /* until when */
    struct model_version versions[MODEL_VERSIONS]; /* by number; 0 is none */
};

struct model {
    struct model_app app[MODEL_APPS];
    size_t apps; /* made so far */
    unsigned assignees;
    bool is_asked;      /* [policy] reveal = on-request */
    uint64_t generated; /* values, so far */
};

/* Do a step on the model. serial: that of the App that STEP_CREATE makes.
 * Returns what the vault is to return; on an error nothing has changed. */
enum cf_error model_do(struct model *model, const struct step *step, int64_t serial);

/* The App that a step is about, or NULL. */
struct model_app *model_app(struct model *model, unsigned number);

enum cf_version_state model_state(const struct model_app *app, int64_t number);

/* What reading a value gives to whoever opened it before (cf_vault_value). */
enum cf_error model_read(const struct model_app *app, int64_t number, enum cf_field field);

/* Tells values apart; MODEL_SUM or more. */
uint64_t model_sum(const void *value, size_t len);

#endif
