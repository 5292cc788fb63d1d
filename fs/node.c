#include "node.h"

#include "core/api.h"
#include "core/assignment.h"
#include "inode.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum cf_error load_api(struct fs_state *fs, struct cf_txn *txn, int64_t serial, struct fs_node *node)
{
    struct cf_api_row api;
    enum cf_error error = cf_api_by_serial(txn, serial, &api);

    if (error != CF_OK)
        return error;
    node->api = cf_catalogue_find(fs->vault->catalogue, api.slug);
    return node->api ? CF_OK : CF_ENOENT;
}

static enum cf_error load_template(struct fs_state *fs, int64_t serial, struct fs_node *node)
{
    node->template = cf_templates_by_serial(fs->vault->templates, serial);
    return node->template ? CF_OK : CF_ENOENT;
}

/* What the node is about, beside an App. */
static enum cf_error load_subject(struct fs_state *fs, struct cf_txn *txn, struct fs_node *node)
{
    switch (node->row->subject) {
    case FS_OF_VERSION:
        return cf_version_get(txn, &node->app, inode_part(node->ino), &node->version);
    case FS_OF_API:
        return load_api(fs, txn, inode_serial(node->ino), node);
    case FS_OF_APP_API:
        return load_api(fs, txn, inode_part(node->ino), node);
    case FS_OF_TEMPLATE:
        return load_template(fs, inode_part(node->ino), node);
    case FS_OF_TREE:
    case FS_OF_APP:
        break;
    }
    return CF_OK;
}

enum cf_error fs_node_load(struct fs_state *fs, struct cf_txn *txn, uint64_t ino, struct fs_node *node)
{
    enum cf_error error = CF_OK;

    node->ino = ino;
    node->row = fs_row(ino);
    if (!node->row)
        return CF_ENOENT;
    if (fs_row_is_of_app(node->row))
        error = cf_app_by_serial(txn, inode_serial(ino), &node->app);
    return error == CF_OK ? load_subject(fs, txn, node) : error;
}

static enum cf_error find_app(struct cf_txn *txn, enum cf_place place, const char *name, struct fs_node *node)
{
    struct cf_app app;
    enum cf_error error = cf_app_by_name(txn, place, name, &app);

    if (error == CF_OK)
        fs_node_of_app(&app, node);
    else if (error == CF_ETAMPER)
        node->ino = inode_make(FS_APP, app.serial);
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
    if (!inode_part_fits(number) || strcmp(canonical, name) != 0)
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

static enum cf_error find_app_api(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *directory,
                                  const char *slug, struct fs_node *node)
{
    struct fs_node api;
    enum cf_error error = find_api(fs, txn, slug, &api);

    if (error == CF_OK && !inode_part_fits(inode_serial(api.ino)))
        error = CF_ENOENT;
    if (error == CF_OK)
        fs_node_of_app_api(directory, api.api, inode_serial(api.ino), node);
    return error;
}

static enum cf_error find_template(struct fs_state *fs, const struct fs_node *directory, const char *name,
                                   struct fs_node *node)
{
    const struct cf_template *template = cf_templates_find(fs->vault->templates, name);

    if (!template || !inode_part_fits(template->serial))
        return CF_ENOENT;
    fs_node_of_template(directory, template, node);
    return CF_OK;
}

/* A name that a row has. */
static enum cf_error find_row(const struct fs_node *directory, const char *name, struct fs_node *node)
{
    enum fs_row_id id = fs_row_child(directory->row, name);

    if (id == FS_NO_ROW)
        return CF_ENOENT;
    fs_node_child(directory, id, node);
    return CF_OK;
}

static enum cf_error find(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *directory,
                          const char *name, struct fs_node *node)
{
    enum cf_place place;
    enum cf_error error;

    if (fs_row_place(directory->row, &place))
        return find_app(txn, place, name, node);
    if (directory->row->kind == FS_KIND_APIS)
        return find_api(fs, txn, name, node);
    if (directory->row->kind == FS_KIND_VERSIONS)
        return find_version(txn, directory, name, node);
    if (directory->row->kind == FS_KIND_CURL)
        return find_app_api(fs, txn, directory, name, node);
    error = find_row(directory, name, node);
    if (error == CF_ENOENT && directory->row->kind == FS_KIND_VIEWS)
        error = find_template(fs, directory, name, node);
    return error;
}

enum cf_error fs_node_find(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *directory,
                           const char *name, struct fs_node *node)
{
    enum cf_error error = find(fs, txn, directory, name, node);
    bool exists = true;

    if (error == CF_OK)
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

/* Has the App this API, and is it known how to authenticate to that? */
static enum cf_error is_assigned(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node,
                                 bool *assigned)
{
    struct cf_assignments list;
    enum cf_error error = cf_assignments_load(txn, &node->app, fs->vault->catalogue, &list);

    if (error != CF_OK)
        return error;
    *assigned = node->api->method->headers.count > 0 && cf_assignments_have(&list, node->api->slug);
    cf_assignments_release(&list);
    return CF_OK;
}

enum cf_error fs_node_exists(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node, bool *exists)
{
    struct cf_version current;
    enum cf_error error;

    *exists = true;
    if (node->row->subject == FS_OF_APP_API)
        return is_assigned(fs, txn, node, exists);
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
        node->ino = inode_of_part(node->ino, node->version.number);
}

void fs_node_of_version(const struct fs_node *directory, const struct cf_version *version, struct fs_node *node)
{
    *node = *directory;
    node->version = *version;
    node->row = fs_row_at(FS_VERSION);
    node->ino = inode_of_part(inode_make(FS_VERSION, node->app.serial), version->number);
}

void fs_node_of_app_api(const struct fs_node *directory, const struct cf_api *api, int64_t serial,
                        struct fs_node *node)
{
    *node = *directory;
    node->api = api;
    node->row = fs_row_at(FS_VIEW_CURL);
    node->ino = inode_of_part(inode_make(FS_VIEW_CURL, node->app.serial), serial);
}

void fs_node_of_template(const struct fs_node *directory, const struct cf_template *template, struct fs_node *node)
{
    *node = *directory;
    node->template = template;
    node->row = fs_row_at(FS_VIEW_SITE);
    node->ino = inode_of_part(inode_make(FS_VIEW_SITE, node->app.serial), template->serial);
}

struct cf_view fs_node_view(const struct fs_node *node)
{
    return (struct cf_view){
        .form = node->row->view,
        .api = node->row->subject == FS_OF_APP_API ? node->api : NULL,
        .template = node->row->subject == FS_OF_TEMPLATE ? node->template : NULL,
    };
}

const char *fs_node_file(const struct fs_node *node, char buf[static FS_FILE_SIZE])
{
    const char *name = node->row->name;

    if (node->row->kind != FS_KIND_VIEW)
        return name;
    if (node->row->subject == FS_OF_APP_API)
        (void)snprintf(buf, FS_FILE_SIZE, "views/curl/%s", node->api->slug);
    else
        (void)snprintf(buf, FS_FILE_SIZE, "views/%s", name ? name : node->template->name);
    return buf;
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
        return inode_of_part(inode_make(parent, inode_serial(node->ino)), inode_part(node->ino));
    return inode_make(parent, fs_row_at(parent)->subject == FS_OF_TREE ? 0 : inode_serial(node->ino));
}

const struct cf_app *fs_node_app(const struct fs_node *node)
{
    return fs_row_is_of_app(node->row) ? &node->app : NULL;
}
