#include "config.h"
#include "clock.h"
#include "ini.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PROPAGATION_SECONDS = 180,
    PATIENCE_SECONDS = 20,
    OVERLAP_SECONDS = 60,
    TRASH_DAYS = 30,
    ROTATION_DAYS = 90,
    VERSIONS = 5,
    VERIFY_RATE = 100,
    LIVE_MOST = 50
};
#define DAY (86400 * CF_SECOND)

static const struct {
    const char *name;
    unsigned permissions;
} builtin_roles[] = {
    {"super-admin", CF_MAY_MANAGE | CF_MAY_REVEAL | CF_MAY_ASSIGN | CF_MAY_AUDIT | CF_MAY_VERIFY},
    {"company-admin", CF_MAY_MANAGE | CF_MAY_REVEAL},
    {"auditor", CF_MAY_AUDIT},
};
enum { BUILTIN_ROLES = sizeof(builtin_roles) / sizeof(builtin_roles[0]) };

/* The reading of the file, in two passes: members may have roles that a later section defines, so the first pass
 * reads all else and the second the members. */
struct loading {
    struct cf_config *config;
    struct cf_sources *sources;
    char reason[sizeof(struct cf_fault)];
};

#define X(name, bit, word) ", " word
static const char permission_words[] = CF_PERMISSION_LIST(X);
#undef X

const char *cf_permission_word(enum cf_permission permission)
{
    switch (permission) {
#define X(name, bit, word) \
    case name:             \
        return word;
        CF_PERMISSION_LIST(X)
#undef X
    }
    return "?";
}

static bool permission_find(const char *word, size_t len, unsigned *bit)
{
    static const struct {
        const char *word;
        unsigned bit;
    } known[] = {
#define X(name, bit, word) {word, bit},
        CF_PERMISSION_LIST(X)
#undef X
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strlen(known[i].word) == len && memcmp(known[i].word, word, len) == 0) {
            *bit = known[i].bit;
            return true;
        }
    }
    return false;
}

/* --- what the sections hold --- */

static struct cf_role *role_find(const struct cf_config *config, const char *name)
{
    for (size_t i = 0; i < config->role_count; i++)
        if (strcmp(config->roles[i].name, name) == 0)
            return &config->roles[i];
    return NULL;
}

static struct cf_role *role_add(struct cf_config *config, const char *name, unsigned permissions)
{
    struct cf_role *roles = realloc(config->roles, (config->role_count + 1) * sizeof(*roles));
    if (roles == NULL)
        return NULL;
    config->roles = roles;
    struct cf_role *role = &roles[config->role_count];
    *role = (struct cf_role){.name = strdup(name), .permissions = permissions};
    if (role->name == NULL)
        return NULL;
    config->role_count++;
    return role;
}

static bool member_add(struct cf_config *config, size_t role, const struct cf_principal *who)
{
    struct cf_member *members = realloc(config->members, (config->member_count + 1) * sizeof(*members));
    if (members == NULL)
        return false;
    config->members = members;
    members[config->member_count++] = (struct cf_member){.role = role, .who = *who};
    return true;
}

static const char *add_permissions(struct loading *loading, struct cf_role *role, const char *value)
{
    const char *cursor = value, *end = value + strlen(value), *word;
    size_t len;
    while ((word = cf_word_next(&cursor, end, &len)) != NULL) {
        unsigned bit;
        if (!permission_find(word, len, &bit)) {
            snprintf(loading->reason, sizeof(loading->reason), "unknown permission '%.*s': %s",
                     len > 60 ? 60 : (int)len, word, permission_words + 2);
            return loading->reason;
        }
        role->permissions |= bit;
    }
    return NULL;
}

static bool is_builtin(const char *role)
{
    for (size_t i = 0; i < BUILTIN_ROLES; i++)
        if (strcmp(builtin_roles[i].name, role) == 0)
            return true;
    return false;
}

static const char *read_role(struct loading *loading, const char *role_name, const char *name, const char *value)
{
    if (!cf_slug_valid(role_name, strlen(role_name)))
        return "not a role's name: 1 to 64 of a-z, 0-9 and '-', beginning with a letter or digit";
    if (is_builtin(role_name)) {
        snprintf(loading->reason, sizeof(loading->reason), "the role '%s' is built in and cannot be changed",
                 role_name);
        return loading->reason;
    }
    if (name != NULL && strcmp(name, "permissions") != 0) {
        snprintf(loading->reason, sizeof(loading->reason), "unknown name '%.60s' in [role %s]: permissions", name,
                 role_name);
        return loading->reason;
    }
    struct cf_role *role = role_find(loading->config, role_name);
    if (role != NULL && name == NULL) {
        snprintf(loading->reason, sizeof(loading->reason), "[role %s] is there already", role_name);
        return loading->reason;
    }
    if (role == NULL)
        role = role_add(loading->config, role_name, 0);
    if (role == NULL)
        return "out of memory";
    return name == NULL ? NULL : add_permissions(loading, role, value);
}

static const char *unknown_name(struct loading *loading, const char *section, const char *name, const char *known)
{
    snprintf(loading->reason, sizeof(loading->reason), "unknown name '%.60s' in [%s]: %s", name, section, known);
    return loading->reason;
}

static const char *read_duration(const char *value, int64_t *duration)
{
    return cf_duration_parse(value, strlen(value), duration) ? NULL : "not a duration: 180s, 15m, 24h, 90d or 0";
}

static bool read_number(const char *value, int64_t low, int64_t high, int64_t *number)
{
    char *end;

    if (*value < '0' || *value > '9')
        return false;
    errno = 0;
    *number = strtoll(value, &end, 10);
    return errno == 0 && *end == '\0' && *number >= low && *number <= high;
}

static const char *read_reveal(const char *value, bool *on_request)
{
    *on_request = strcmp(value, "on-request") == 0;
    return *on_request || strcmp(value, "direct") == 0 ? NULL : "reveal is one word: direct, on-request";
}

static const char *read_values(const char *value, bool *portable)
{
    *portable = strcmp(value, "portable") == 0;
    return *portable || strcmp(value, "printable") == 0 ? NULL : "values is one word: printable, portable";
}

static const char *read_policy(struct loading *loading, const char *name, const char *value, bool again)
{
    struct cf_config *config = loading->config;
    if (again)
        return "one value, on one line";
    if (strcmp(name, "propagation") == 0)
        return read_duration(value, &config->propagation);
    if (strcmp(name, "overlap") == 0)
        return read_duration(value, &config->overlap);
    if (strcmp(name, "trash") == 0)
        return read_duration(value, &config->trash);
    if (strcmp(name, "rotation") == 0)
        return read_duration(value, &config->rotation);
    if (strcmp(name, "versions") == 0)
        return read_number(value, 1, LIVE_MOST, &config->versions) ? NULL : "versions is a number from 1 to 50";
    if (strcmp(name, "verify-rate") == 0)
        return read_number(value, 1, 1000000, &config->verify_rate) ? NULL
                                                                    : "verify-rate is a number from 1 to 1000000";
    if (strcmp(name, "reveal") == 0)
        return read_reveal(value, &config->reveal_on_request);
    if (strcmp(name, "values") == 0)
        return read_values(value, &config->portable_values);
    return unknown_name(loading, "policy", name,
                        "propagation, overlap, versions, trash, rotation, reveal, verify-rate, values");
}

static const char *read_engine(struct loading *loading, const char *name, const char *value, bool again)
{
    int64_t patience;
    if (strcmp(name, "patience") != 0)
        return unknown_name(loading, "engine", name, "patience");
    if (again || !cf_duration_parse(value, strlen(value), &patience) || patience < CF_SECOND ||
        patience > 3600 * CF_SECOND)
        return "patience is one duration from 1s to 1h";
    loading->config->patience = patience;
    return NULL;
}

static const char *read_audit(struct loading *loading, const char *name, const char *value, bool again)
{
    if (strcmp(name, "on-failure") != 0)
        return unknown_name(loading, "audit", name, "on-failure");
    bool allow = strcmp(value, "allow") == 0;
    if (again || (!allow && strcmp(value, "refuse") != 0))
        return "on-failure is one word: refuse, allow";
    loading->config->audit_may_fail = allow;
    return NULL;
}

/* Read what a line names, so that the line can be told when that is not there; it is parsed later, out of sources. */
static const char *fetch(struct loading *loading, const char *path,
                         enum cf_error (*get)(struct cf_sources *sources, const char *path, const char **text,
                                              size_t *len, struct cf_fault *fault))
{
    struct cf_fault fault = {""};
    const char *text;
    size_t len;
    enum cf_error error = get(loading->sources, path, &text, &len, &fault);

    if (error == CF_OK)
        return NULL;
    snprintf(loading->reason, sizeof(loading->reason), "%s", fault.text[0] ? fault.text : cf_error_text(error));
    return loading->reason;
}

static const char *read_catalogue(struct loading *loading, const char *name, const char *value, bool again)
{
    (void)again;
    if (strcmp(name, "files") != 0)
        return unknown_name(loading, "catalogue", name, "files");
    struct cf_config *config = loading->config;
    size_t count = 0;
    while (config->catalogue_files[count] != NULL)
        count++;
    const char *cursor = value, *end = value + strlen(value), *word;
    size_t len;
    while ((word = cf_word_next(&cursor, end, &len)) != NULL) {
        if (*word != '/')
            return "files are absolute paths";
        char **files = realloc(config->catalogue_files, (count + 2) * sizeof(*files));
        if (files == NULL)
            return "out of memory";
        config->catalogue_files = files;
        files[count + 1] = NULL;
        files[count] = strndup(word, len);
        if (files[count] == NULL)
            return "out of memory";
        const char *reason = fetch(loading, files[count++], cf_sources_text);
        if (reason != NULL)
            return reason;
    }
    return NULL;
}

static const char *read_views(struct loading *loading, const char *name, const char *value, bool again)
{
    struct cf_config *config = loading->config;
    if (strcmp(name, "templates") != 0)
        return unknown_name(loading, "views", name, "templates");
    if (again || value[0] != '/' || value[1] == '\0')
        return "templates is one absolute path";
    config->templates = strdup(value);
    return config->templates == NULL ? "out of memory" : fetch(loading, config->templates, cf_sources_names);
}

static const char *unknown_role(struct loading *loading, const char *name)
{
    int len = snprintf(loading->reason, sizeof(loading->reason), "unknown role '%.60s':", name);
    for (size_t i = 0; i < BUILTIN_ROLES; i++)
        len +=
            snprintf(loading->reason + len, sizeof(loading->reason) - (size_t)len, " %s,", builtin_roles[i].name);
    snprintf(loading->reason + len, sizeof(loading->reason) - (size_t)len, " or one with a section [role NAME]");
    return loading->reason;
}

static const char *read_members(struct loading *loading, const char *name, const char *value)
{
    const struct cf_role *role = role_find(loading->config, name);
    if (role == NULL)
        return unknown_role(loading, name);
    const char *cursor = value, *end = value + strlen(value), *word;
    size_t len;
    while ((word = cf_word_next(&cursor, end, &len)) != NULL) {
        struct cf_principal who;
        enum cf_error error = cf_principal_parse(word, len, &who);
        if (error != CF_OK) {
            snprintf(loading->reason, sizeof(loading->reason),
                     error == CF_EPRINCIPAL
                         ? "no such user or group: '%.*s'"
                         : "'%.*s' is not a principal: user:NAME, group:NAME, user:NUMBER, user:FIRST-LAST",
                     len > 60 ? 60 : (int)len, word);
            return loading->reason;
        }
        if (!member_add(loading->config, (size_t)(role - loading->config->roles), &who))
            return "out of memory";
    }
    return NULL;
}

/* --- the two passes --- */

static const char *role_section(const char *section)
{
    return strncmp(section, "role ", 5) == 0 ? section + 5 : NULL;
}

/* members: in the second pass. */
static const struct {
    const char *name;
    const char *(*read)(struct loading *loading, const char *name, const char *value, bool again);
} sections[] = {
    {"members", NULL},     {"policy", read_policy},       {"engine", read_engine},
    {"audit", read_audit}, {"catalogue", read_catalogue}, {"views", read_views},
};

static const char *all_but_members(void *arg, const char *section, const char *name, const char *value, bool again)
{
    struct loading *loading = arg;

    if (role_section(section) != NULL)
        return read_role(loading, role_section(section), name, value);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (strcmp(section, sections[i].name) == 0)
            return name == NULL || sections[i].read == NULL ? NULL : sections[i].read(loading, name, value, again);
    snprintf(loading->reason, sizeof(loading->reason),
             *section == '\0'
                 ? "'%.60s' stands before the first section"
                 : "unknown section [%.60s]: role NAME, members, policy, engine, audit, catalogue, views",
             *section == '\0' ? name : section);
    return loading->reason;
}

static const char *members(void *arg, const char *section, const char *name, const char *value, bool again)
{
    struct loading *loading = arg;
    (void)again;
    if (strcmp(section, "members") == 0)
        return name == NULL ? NULL : read_members(loading, name, value);
    const struct cf_role *role =
        role_section(section) == NULL ? NULL : role_find(loading->config, role_section(section));
    return role != NULL && role->permissions == 0 ? "a role needs a permission" : NULL;
}

/* What holds without any file. */
static enum cf_error fill_defaults(struct cf_config *config, uint32_t owner)
{
    const struct cf_principal who = {.kind = CF_USER, .low = owner, .high = owner};
    config->propagation = PROPAGATION_SECONDS * CF_SECOND;
    config->overlap = OVERLAP_SECONDS * CF_SECOND;
    config->trash = TRASH_DAYS * DAY;
    config->rotation = ROTATION_DAYS * DAY;
    config->versions = VERSIONS;
    config->verify_rate = VERIFY_RATE;
    config->patience = PATIENCE_SECONDS * CF_SECOND;
    config->catalogue_files = calloc(1, sizeof(*config->catalogue_files));
    if (config->catalogue_files == NULL)
        return CF_ENOMEM;
    for (size_t i = 0; i < BUILTIN_ROLES; i++)
        if (role_add(config, builtin_roles[i].name, builtin_roles[i].permissions) == NULL)
            return CF_ENOMEM;
    return member_add(config, 0, &who) ? CF_OK : CF_ENOMEM;
}

/* In two passes: members may name roles that come later. */
static enum cf_error load_file(const char *path, struct cf_sources *sources, struct cf_config *config,
                               struct cf_fault *fault)
{
    struct loading loading = {.config = config, .sources = sources};
    const char *text;
    size_t len;
    enum cf_error error = cf_sources_text(sources, path, &text, &len, fault);

    if (error == CF_OK)
        error = cf_ini_text(path, text, len, all_but_members, &loading, fault);
    if (error == CF_OK)
        error = cf_ini_text(path, text, len, members, &loading, fault);
    return error;
}

enum cf_error cf_config_load(const char *path, uint32_t owner, struct cf_sources *sources, struct cf_config **out,
                             struct cf_fault *fault)
{
    struct cf_config *config = calloc(1, sizeof(*config));
    enum cf_error error;

    *out = NULL;
    if (config == NULL)
        return CF_ENOMEM;
    error = fill_defaults(config, owner);
    if (error == CF_OK && path != NULL)
        error = load_file(path, sources, config, fault);
    if (error != CF_OK) {
        cf_config_free(config);
        return error;
    }
    *out = config;
    return CF_OK;
}

void cf_config_free(struct cf_config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < config->role_count; i++)
        free(config->roles[i].name);
    for (size_t i = 0; config->catalogue_files != NULL && config->catalogue_files[i] != NULL; i++)
        free(config->catalogue_files[i]);
    free(config->roles);
    free(config->members);
    free(config->catalogue_files);
    free(config->templates);
    free(config);
}
