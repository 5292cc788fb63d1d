#include "node.h"

#include "core/api.h"
#include "core/assignment.h"
#include "inode.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum cf_error fs_node_load(struct fs_state *fs, struct cf_txn *txn, uint64_t ino, struct fs_node *node)
{
    struct cf_api_row api;
    enum cf_error error;

    node->ino = ino;
    node->row = fs_row(ino);
    if (!node->row)
        return CF_ENOENT;
    if (fs_row_is_of_app(node->row)) {
        error = cf_app_by_serial(txn, inode_serial(ino), &node->app);
        if (error == CF_OK && node->row->subject == FS_OF_VERSION)
            error = cf_version_get(txn, &node->app, inode_version(ino), &node->version);
        return error;
    }
    if (node->row->subject == FS_OF_API) {
        error = cf_api_by_serial(txn, inode_serial(ino), &api);
        if (error != CF_OK)
            return error;
        node->api = cf_catalogue_find(fs->vault->catalogue, api.slug);
        return node->api ? CF_OK : CF_ENOENT;
    }
    return CF_OK;
}

static enum cf_error find_app(struct cf_txn *txn, enum cf_place place, const char *name, struct fs_node *node)
{
    struct cf_app app;
    enum cf_error error = cf_app_by_name(txn, place, name, &app);

    if (error == CF_OK)
        fs_node_of_app(&app, node);
    return error;
}

/* Any version that is kept: that a listing leaves out those that are no longer good does not make the error of
 * reading one any less clear. */
static enum cf_error find_version(struct cf_txn *txn, const struct fs_node *directory, const char *name,
                                  struct fs_node *node)
{
    struct cf_version version;
    char canonical[24];
    int64_t number = strtoll(name, NULL, 10);
    enum cf_error error;

    (void)snprintf(canonical, sizeof(canonical), "%" PRId64, number);
    if (number <= 0 || number >> INODE_VERSION_BITS != 0 || strcmp(canonical, name) != 0)
        return CF_ENOENT;
    error = cf_version_get(txn, &directory->app, number, &version);
    if (error == CF_OK)
        fs_node_of_version(directory, &version, node);
    return error;
}

static enum cf_error find_api(struct fs_state *fs, struct cf_txn *txn, const char *slug, struct fs_node *node)
{
    const struct cf_api *api = cf_catalogue_find(fs->vault->catalogue, slug);
    struct cf_api_row row;
    enum cf_error error;

    if (!api)
        return CF_ENOENT;
    error = cf_api_by_slug(txn, slug, &row);
    if (error == CF_OK)
        fs_node_of_api(api, row.serial, node);
    return error;
}

enum cf_error fs_node_find(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *directory,
                           const char *name, struct fs_node *node)
{
    enum cf_place place;
    enum fs_row_id id;
    enum cf_error error;
    bool exists;

    if (fs_row_place(directory->row, &place))
        return find_app(txn, place, name, node);
    if (directory->row->kind == FS_KIND_APIS)
        return find_api(fs, txn, name, node);
    if (directory->row->kind == FS_KIND_VERSIONS)
        return find_version(txn, directory, name, node);
    id = fs_row_child(directory->row, name);
    if (id == FS_NO_ROW)
        return CF_ENOENT;
    fs_node_child(directory, id, node);
    error = fs_node_exists(fs, txn, node, &exists);
    return error == CF_OK && !exists ? CF_ENOENT : error;
}

/* Does one of its APIs authenticate with the field? */
static enum cf_error is_wanted(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node, bool *wanted)
{
    struct cf_assignments list;
    enum cf_error error = cf_assignments_load(txn, &node->app, fs->vault->catalogue, &list);

    if (error != CF_OK)
        return error;
    *wanted = cf_assignments_want(&list, fs->vault->catalogue, node->row->field);
    cf_assignments_release(&list);
    return CF_OK;
}

enum cf_error fs_node_exists(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node, bool *exists)
{
    struct cf_version current;
    enum cf_error error;

    *exists = true;
    if (!node->row->is_optional || node->row->kind != FS_KIND_FIELD)
        return CF_OK;
    if (node->row->subject == FS_OF_VERSION) {
        *exists = (node->version.fields & 1U << node->row->field) != 0;
        return CF_OK;
    }
    error = cf_version_get(txn, &node->app, node->app.version, &current);
    if (error != CF_OK)
        return error;
    *exists = (current.fields & 1U << node->row->field) != 0;
    return *exists ? CF_OK : is_wanted(fs, txn, node, exists);
}

void fs_node_child(const struct fs_node *directory, enum fs_row_id id, struct fs_node *node)
{
    *node = *directory;
    node->row = fs_row_at(id);
    node->ino = inode_make(id, inode_serial(directory->ino));
    if (node->row->subject == FS_OF_VERSION)
        node->ino = inode_of_version(node->ino, node->version.number);
}

void fs_node_of_version(const struct fs_node *directory, const struct cf_version *version, struct fs_node *node)
{
    *node = *directory;
    node->version = *version;
    node->row = fs_row_at(FS_VERSION);
    node->ino = inode_of_version(inode_make(FS_VERSION, node->app.serial), version->number);
}

void fs_node_of_app(const struct cf_app *app, struct fs_node *node)
{
    node->ino = inode_make(FS_APP, app->serial);
    node->row = fs_row_at(FS_APP);
    node->app = *app;
}

void fs_node_of_api(const struct cf_api *api, int64_t serial, struct fs_node *node)
{
    node->ino = inode_make(FS_API, serial);
    node->row = fs_row_at(FS_API);
    node->api = api;
}

uint64_t fs_node_parent(const struct fs_node *node)
{
    enum fs_row_id parent = node->row->parent;

    if (fs_row_id(node->row) == FS_APP)
        return inode_make(node->app.place == CF_IN_TRASH ? FS_TRASH : FS_APPS, 0);
    if (fs_row_at(parent)->subject == FS_OF_VERSION)
        return inode_of_version(inode_make(parent, inode_serial(node->ino)), inode_version(node->ino));
    return inode_make(parent, fs_row_at(parent)->subject == FS_OF_TREE ? 0 : inode_serial(node->ino));
}

const struct cf_app *fs_node_app(const struct fs_node *node)
{
    return fs_row_is_of_app(node->row) ? &node->app : NULL;
}
