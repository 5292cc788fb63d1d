#include "announcement.h"

#include "core/api.h"
#include "core/assignment.h"
#include "core/clock.h"
#include "core/news.h"
#include "inode.h"
#include "lowlevel.h"
#include "polls.h"
#include "tree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The files of an App that are to be touched, as the toucher wants them (toucher.h). A directory with very many files
 * comes more than once. */
struct message {
    struct fs_state *fs;
    struct cf_app app;
    struct cf_text text;
    size_t begun;                      /* where the last directory begins */
    char directory[CF_ENTRY_MAX + 32]; /* its path */
    bool is_held;                      /* the directory, by the kernel */
};

/* Does the kernel hold this inode? What is watched, it holds. All that is done to it is that its attributes are asked
 * for anew. */
static bool is_held(struct fs_state *fs, uint64_t ino)
{
    return fuse_lowlevel_notify_inval_inode(fs->session, ino, -1, 0) != -ENOENT;
}

static void add_string(struct message *message, const char *string)
{
    cf_text_add(&message->text, string, strlen(string) + 1);
}

static void begin(struct message *message)
{
    message->begun = message->text.len;
    add_string(message, message->directory);
}

/* A directory without a file is none. */
static void finish(struct message *message)
{
    if (message->text.len == message->begun + strlen(message->directory) + 1)
        message->text.len = message->begun;
    else
        add_string(message, "");
}

static void add_file(struct message *message, const char *name, uint64_t ino)
{
    if (!is_held(message->fs, ino) && !message->is_held)
        return;
    if (message->text.len - message->begun + strlen(name) + 2 > TOUCHER_MESSAGE) {
        finish(message);
        begin(message);
    }
    add_string(message, name);
}

static void add_row(struct message *message, enum fs_row_id id)
{
    add_file(message, fs_row_at(id)->name, inode_make(id, message->app.serial));
}

/* info comes last. */
static bool is_announced(enum fs_row_id id)
{
    const struct fs_row *row = fs_row_at(id);

    return row->subject == FS_OF_APP && !fs_row_is_dir(row) && row->kind != FS_KIND_INPUT && id != FS_INFO;
}

static void add_rows(struct message *message, enum fs_row_id directory)
{
    for (enum fs_row_id id = FS_ROOT + 1; id < FS_ROW_COUNT; id++)
        if (fs_row_at(id)->parent == directory && is_announced(id))
            add_row(message, id);
}

static void add_templates(struct message *message)
{
    const struct cf_templates *templates = message->fs->vault->templates;

    for (size_t i = 0; i < cf_templates_count(templates); i++) {
        const struct cf_template *template = cf_templates_at(templates, i);
        const uint64_t ino = inode_make(FS_VIEW_SITE, message->app.serial);
        if (inode_part_fits(template->serial))
            add_file(message, template->name, inode_of_part(ino, template->serial));
    }
}

static enum cf_error add_apis(struct message *message, struct cf_txn *txn)
{
    struct cf_assignments list;
    struct cf_api_row api;
    enum cf_error error = cf_assignments_load(txn, &message->app, message->fs->vault->catalogue, &list);

    for (size_t i = 0; error == CF_OK && i < list.count; i++) {
        const uint64_t ino = inode_make(FS_VIEW_CURL, message->app.serial);
        enum cf_error found = cf_api_by_slug(txn, list.at[i].slug, &api);
        if (found == CF_OK && inode_part_fits(api.serial))
            add_file(message, list.at[i].slug, inode_of_part(ino, api.serial));
        else if (found != CF_OK && found != CF_ENOENT)
            error = found;
    }
    cf_assignments_release(&list);
    return error;
}

/* part: of a directory that is an App's part (inode.h), or 0. */
static void enter(struct message *message, const char *below, enum fs_row_id id, int64_t part)
{
    const struct cf_app *app = &message->app;

    (void)snprintf(message->directory, sizeof(message->directory), "%s/%s%s",
                   fs_row_at(app->place == CF_IN_TRASH ? FS_TRASH : FS_APPS)->name, app->name, below);
    message->is_held = is_held(message->fs, inode_of_part(inode_make(id, app->serial), part));
    begin(message);
}

/* The files of a version, where the kernel holds its directory; it does as long as it holds one of them. */
static void add_version(struct message *message, int64_t number)
{
    char below[32];

    (void)snprintf(below, sizeof(below), "/versions/%" PRId64, number);
    enter(message, below, FS_VERSION, number);
    for (enum fs_row_id id = FS_ROOT + 1; message->is_held && id < FS_ROW_COUNT; id++)
        if (fs_row_at(id)->parent == FS_VERSION)
            add_file(message, fs_row_at(id)->name, inode_of_part(inode_make(id, message->app.serial), number));
    finish(message);
}

static enum cf_error add_versions(struct message *message, struct cf_txn *txn)
{
    struct cf_version versions[CF_VERSIONS_MOST];
    size_t count = 0;
    enum cf_error error = CF_OK;

    if (is_held(message->fs, inode_make(FS_VERSIONS, message->app.serial)))
        error = cf_version_list(txn, &message->app, versions, &count);
    for (size_t i = 0; error == CF_OK && i < count; i++)
        if (inode_part_fits(versions[i].number))
            add_version(message, versions[i].number);
    return error;
}

static enum cf_error gather(struct message *message, struct cf_txn *txn)
{
    enum cf_error error;

    enter(message, "", FS_APP, 0);
    add_rows(message, FS_APP);
    finish(message);
    enter(message, "/views", FS_VIEWS, 0);
    add_rows(message, FS_VIEWS);
    add_templates(message);
    finish(message);
    enter(message, "/views/curl", FS_VIEWS_CURL, 0);
    error = add_apis(message, txn);
    finish(message);
    if (error == CF_OK)
        error = add_versions(message, txn);
    enter(message, "", FS_APP, 0);
    add_row(message, FS_INFO);
    finish(message);
    return error;
}

/* What is to be touched, and when again. Of an App that is no more, or cannot be read by anybody, nothing. */
static enum cf_error look(struct message *message, int64_t serial, int64_t *next)
{
    struct cf_vault *vault = message->fs->vault;
    struct cf_txn txn;
    enum cf_error error = cf_txn_read(vault->store, &txn);

    *next = 0;
    if (error == CF_OK)
        error = cf_app_by_serial(&txn, serial, &message->app);
    if (error == CF_OK)
        error = cf_news_agreed(&txn, serial, vault->config->propagation, cf_now(), next);
    if (error == CF_OK)
        error = gather(message, &txn);
    cf_txn_end(&txn);
    if (error == CF_OK)
        error = cf_text_result(&message->text);
    return error == CF_ENOENT || error == CF_ETAMPER ? CF_OK : error;
}

/* All at once, as nearly always, or as much as fits. */
static bool send_all(const struct message *message, struct toucher *toucher)
{
    const char *text = message->text.data;
    const size_t len = message->text.len;
    size_t end;

    for (size_t at = 0; at < len; at = end) {
        end = at;
        do {
            while (text[end])
                end += strlen(text + end) + 1;
            end++;
        } while (len - at <= TOUCHER_MESSAGE && end < len);
        if (!toucher_touch(toucher, text + at, end - at))
            return false;
    }
    return true;
}

bool announcement_make(struct fs_state *fs, struct toucher *toucher, int64_t serial, int64_t *next)
{
    struct message message = {.fs = fs};
    enum cf_error error;
    bool is_done;

    polls_wake(fs->polls, serial);
    error = look(&message, serial, next);
    is_done = error == CF_OK && (!toucher || send_all(&message, toucher));
    cf_text_release(&message.text);
    return is_done;
}
