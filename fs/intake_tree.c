/* A directory of directories: NAME/key, NAME/secret and so on, as `cp -r` of a mount gives them, or pass(1) when what
 * it keeps is decrypted. */
#include "portable.h"

#include "core/clock.h"
#include "core/edit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What else a mount shows in an App; nothing of it is taken. */
static const char *const passed_over[] = {"info", "ctl", "readers", "versions", "views"};

struct app_dir {
    int fd;
    const char *name;
    struct simple simple;
    struct cf_secret *value[CF_FIELD_COUNT];
    struct cf_fault *fault;
};

static enum cf_error refuse(struct app_dir *dir, const char *file, const char *why)
{
    cf_fault_set(dir->fault, "%.200s/%.100s: %.150s", dir->name, file, why);
    return CF_EVALUE;
}

/* What is no file or directory of an App. */
static enum cf_error refuse_strange(struct app_dir *dir, const char *file, const char *why)
{
    const char *name = *file ? file : dir->name;
    const size_t len = strlen(name);

    if (len > 4 && strcmp(name + len - 4, ".gpg") == 0)
        why = "encrypted, and cannot be read here: write what `pass show` prints into NAME/key, NAME/secret";
    return refuse(dir, file, why);
}

/* Read a file whole, which is no longer than most. */
static enum cf_error read_file(struct app_dir *dir, const char *file, size_t most, char *to, size_t *len)
{
    const int fd = openat(dir->fd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    enum cf_error error = CF_OK;
    struct stat st;
    ssize_t got = 1;

    *len = 0;
    if (fd < 0)
        return refuse(dir, file, strerror(errno));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        error = refuse(dir, file, "not a regular file");
    while (error == CF_OK && got > 0 && *len < most) {
        got = read(fd, to + *len, most - *len);
        if (got > 0)
            *len += (size_t)got;
        else if (got < 0)
            error = refuse(dir, file, strerror(errno));
    }
    close(fd);
    return error == CF_OK && *len == most ? refuse(dir, file, "too long") : error;
}

/* One trailing newline is not part of the value, as in a write to the file of a mount. */
static enum cf_error take_value(struct app_dir *dir, enum cf_field field)
{
    struct cf_secret *value = cf_secret_new(CF_SECRET_MAX);
    size_t len;
    enum cf_error error = CF_ENOMEM;

    dir->value[field] = value;
    if (value)
        error = read_file(dir, cf_field_word(field), CF_SECRET_MAX, (char *)cf_secret_bytes(value), &len);
    if (error != CF_OK)
        return error;
    if (len > 0 && cf_secret_peek(value)[len - 1] == '\n')
        len--;
    cf_secret_shorten(value, len);
    simple_value(&dir->simple, field, (const char *)cf_secret_peek(value), len);
    return CF_OK;
}

/* Entries as a mount prints them and takes them, but for the signs, which are for what is there already. */
static enum cf_error take_api(struct app_dir *dir, const struct cf_edit *edit)
{
    return simple_api(&dir->simple, edit->entry, edit->len, dir->fault);
}

static enum cf_error take_grant(struct app_dir *dir, const struct cf_edit *edit)
{
    struct cf_grants *grants = &dir->simple.parcel.grants;
    struct cf_grant grant = {.since = cf_now(), .by = geteuid()};
    const enum cf_error error = cf_grant_parse(edit->entry, edit->len, &grant);

    if (error == CF_EPRINCIPAL)
        return refuse(dir, "grants", "a line names an unknown user or group");
    if (error != CF_OK)
        return refuse(dir, "grants", "a line is not user:NAME or group:NAME, and perhaps a field behind it");
    return cf_grants_find(grants, &grant) < grants->count ? CF_OK : cf_grants_add(grants, &grant);
}

/* apis and grants: text that is no secret. */
static enum cf_error take_text(struct app_dir *dir, const char *file)
{
    const bool is_apis = strcmp(file, "apis") == 0;
    struct cf_edits edits = {0};
    char *text = malloc(CF_EDIT_MAX);
    size_t len;
    enum cf_error error = text ? read_file(dir, file, CF_EDIT_MAX, text, &len) : CF_ENOMEM;

    dir->simple.parcel.has_apis = dir->simple.parcel.has_apis || is_apis;
    if (error == CF_OK)
        error = cf_edit_parse(text, len, is_apis ? CF_EDIT_WORDS : CF_EDIT_LINES, &edits);
    if (error == CF_OK && edits.is_marked)
        error = refuse(dir, file, "entries with + or -: it is to have all of them, plain");
    for (size_t i = 0; error == CF_OK && i < edits.count; i++)
        error = is_apis ? take_api(dir, &edits.at[i]) : take_grant(dir, &edits.at[i]);
    cf_grants_sort(&dir->simple.parcel.grants);
    cf_edits_release(&edits);
    free(text);
    return error;
}

static enum cf_error take_file(struct app_dir *dir, const char *file)
{
    const enum cf_field field = cf_field_find(file, strlen(file));

    if (field != CF_NO_FIELD)
        return take_value(dir, field);
    if (strcmp(file, "apis") == 0 || strcmp(file, "grants") == 0)
        return take_text(dir, file);
    for (size_t i = 0; i < sizeof(passed_over) / sizeof(*passed_over); i++)
        if (strcmp(file, passed_over[i]) == 0)
            return CF_OK;
    return refuse_strange(dir, file,
                          "not a file that an App has: key, secret, token, username, password, apis, grants");
}

static enum cf_error take_files(struct app_dir *dir)
{
    DIR *listing = fdopendir(dir->fd);
    const struct dirent *entry;
    enum cf_error error = CF_OK;

    if (!listing) {
        close(dir->fd);
        return refuse(dir, "", strerror(errno));
    }
    dir->fd = dirfd(listing);
    while (error == CF_OK && (entry = readdir(listing)) != NULL)
        if (entry->d_name[0] != '.')
            error = take_file(dir, entry->d_name);
    closedir(listing);
    return error;
}

static enum cf_error take_app(struct intake *intake, int top, const char *name, struct cf_fault *fault)
{
    struct app_dir dir = {.name = name, .fault = fault};
    enum cf_error error = simple_start(&dir.simple, name, strlen(name), fault);

    if (error != CF_OK)
        return refuse(&dir, "", "not a valid App name");
    dir.fd = openat(top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir.fd < 0)
        return errno == ENOTDIR ? refuse_strange(&dir, "", "not a directory, as each App is one")
                                : refuse(&dir, "", strerror(errno));
    error = take_files(&dir);
    if (error == CF_OK)
        error = intake->app(intake, &dir.simple.parcel, fault);
    for (int field = 0; field < CF_FIELD_COUNT; field++)
        cf_secret_free(dir.value[field]);
    cf_parcel_release(&dir.simple.parcel);
    return error;
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Of a whole mount, the Apps are in its apps/. */
static int open_top(const char *path)
{
    const int top = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int apps = top >= 0 ? openat(top, "apps", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;

    if (apps < 0 || faccessat(top, "apis", F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
        if (apps >= 0)
            close(apps);
        return top;
    }
    close(top);
    return apps;
}

enum cf_error intake_tree(struct intake *intake, const char *path, struct cf_fault *fault)
{
    const int top = open_top(path);
    struct dirent **entries = NULL;
    const int count = top >= 0 ? scandirat(top, ".", &entries, is_shown, alphasort) : -1;
    enum cf_error error = CF_OK;

    if (count < 0) {
        cf_fault_set(fault, "%s", strerror(errno));
        error = CF_EIO;
    }
    for (int i = 0; i < count; i++) {
        if (error == CF_OK)
            error = take_app(intake, top, entries[i]->d_name, fault);
        free(entries[i]);
    }
    free(entries);
    if (top >= 0)
        close(top);
    return error;
}
