#include "node.h"

#include "core/api.h"
#include "inode.h"

enum cf_error fs_node_load(struct fs_state *fs, struct cf_txn *txn, uint64_t ino, struct fs_node *node)
{
    struct cf_api_row api;
    enum cf_error error;

    node->ino = ino;
    node->row = fs_row(ino);
    if (!node->row)
        return CF_ENOENT;
    if (node->row->subject == FS_OF_APP)
        return cf_app_by_serial(txn, inode_serial(ino), &node->app);
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

    if (fs_row_place(directory->row, &place))
        return find_app(txn, place, name, node);
    if (directory->row->kind == FS_KIND_APIS)
        return find_api(fs, txn, name, node);
    id = fs_row_child(directory->row, name);
    if (id == FS_NO_ROW)
        return CF_ENOENT;
    fs_node_child(directory, id, node);
    return CF_OK;
}

void fs_node_child(const struct fs_node *directory, enum fs_row_id id, struct fs_node *node)
{
    *node = *directory;
    node->ino = inode_make(id, inode_serial(directory->ino));
    node->row = fs_row_at(id);
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
    return inode_make(parent, fs_row_at(parent)->subject == FS_OF_TREE ? 0 : inode_serial(node->ino));
}

const struct cf_app *fs_node_app(const struct fs_node *node)
{
    return node->row->subject == FS_OF_APP ? &node->app : NULL;
}
