#include "ops.h"

#include "attr.h"
#include "core/api.h"
#include "core/assignment.h"
#include "core/clock.h"
#include "core/grant.h"
#include "inode.h"
#include "reply.h"
#include "request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* The offset behind "." is 1, behind ".." 2, and behind any other entry 2 + its own number: a row, a serial, or the
 * place in the catalogue plus 1, or a version; of a template, behind all rows, its place among them. So a listing goes
 * on rightly while Apps come and go, and needs no memory. */
enum { AFTER_DOT = 1, AFTER_DOTS = 2, FIRST_TEMPLATE = 1 << INODE_ROW_BITS };

struct listing {
    struct request *r;
    char *buf;
    size_t size, used;
    bool plus;
};

/* Each of these returns false when the listing is full. */

static bool take(struct listing *list, size_t len)
{
    if (len > list->size - list->used)
        return false;
    list->used += len;
    return true;
}

static bool add_plain(struct listing *list, const char *name, uint64_t ino, mode_t mode, off_t next)
{
    char *at = list->buf + list->used;
    size_t left = list->size - list->used;
    struct fuse_entry_param entry = {0}; /* no node: the kernel is told no more than the name */

    attr_entry(ino, mode, &entry.attr);
    if (list->plus)
        return take(list, fuse_add_direntry_plus(list->r->req, at, left, name, &entry, next));
    return take(list, fuse_add_direntry(list->r->req, at, left, name, &entry.attr, next));
}

static bool add(struct listing *list, const char *name, const struct fs_node *node, off_t next)
{
    struct fuse_entry_param entry;

    if (!list->plus || attr_lookup(list->r->fs, &list->r->txn, node, &entry) != CF_OK)
        return add_plain(list, name, node->ino, node->row->mode, next);
    return take(list, fuse_add_direntry_plus(list->r->req, list->buf + list->used, list->size - list->used, name,
                                             &entry, next));
}

static bool add_dots(struct listing *list, off_t off)
{
    const struct fs_node *node = &list->r->node;

    if (off < AFTER_DOT && !add_plain(list, ".", node->ino, S_IFDIR, AFTER_DOT))
        return false;
    return off >= AFTER_DOTS || add_plain(list, "..", fs_node_parent(node), S_IFDIR, AFTER_DOTS);
}

/* Returns false when the listing is full. */
static bool list_rows(struct listing *list, off_t after)
{
    const struct fs_node *directory = &list->r->node;
    enum fs_row_id parent = fs_row_id(directory->row);
    struct fs_node node;
    bool exists;

    for (enum fs_row_id id = FS_ROOT + 1; id < FS_ROW_COUNT; id++) {
        const struct fs_row *row = fs_row_at(id);

        if ((off_t)id <= after || row->parent != parent || !row->name)
            continue;
        fs_node_child(directory, id, &node);
        if (fs_node_exists(list->r->fs, &list->r->txn, &node, &exists) != CF_OK || !exists)
            continue;
        if (request_sees(list->r, &node) && !add(list, row->name, &node, AFTER_DOTS + (off_t)id))
            return false;
    }
    return true;
}

static void list_templates(struct listing *list, off_t after)
{
    const struct cf_templates *templates = list->r->fs->vault->templates;
    struct fs_node node;

    for (size_t i = 0; i < cf_templates_count(templates); i++) {
        const struct cf_template *template = cf_templates_at(templates, i);
        const off_t number = FIRST_TEMPLATE + (off_t)i;

        if (number <= after || !inode_part_fits(template->serial))
            continue;
        fs_node_of_template(&list->r->node, template, &node);
        if (request_sees(list->r, &node) && !add(list, template->name, &node, AFTER_DOTS + number))
            return;
    }
}

static bool add_app(void *arg, const struct cf_app *app)
{
    struct fs_node node;

    fs_node_of_app(app, &node);
    return add(arg, app->name, &node, AFTER_DOTS + app->serial);
}

static bool add_app_name(void *arg, int64_t serial, const char *name)
{
    return add_plain(arg, name, inode_make(FS_APP, serial), S_IFDIR, AFTER_DOTS + serial);
}

/* Of a caller whom no role shows all Apps: those of which a grant shows him something. */
static enum cf_error list_granted(struct listing *list, int64_t after)
{
    struct request *r = list->r;
    int64_t *serials = NULL;
    size_t count = 0;
    struct fs_node node;
    struct cf_app app;
    bool is_full = false;
    enum cf_error error = cf_granted_apps(&r->txn, &r->caller, after, &serials, &count);

    for (size_t i = 0; error == CF_OK && !is_full && i < count; i++) {
        if (cf_app_by_serial(&r->txn, serials[i], &app) != CF_OK || app.place != CF_IN_APPS)
            continue;
        fs_node_of_app(&app, &node);
        is_full = request_sees(r, &node) && !add(list, app.name, &node, AFTER_DOTS + app.serial);
    }
    free(serials);
    return error;
}

static enum cf_error list_apps(struct listing *list, enum cf_place place, int64_t after)
{
    struct request *r = list->r;
    struct cf_verdict all;

    cf_judge(&r->txn, r->fs->vault->config, &r->caller, place == CF_IN_TRASH ? CF_LIST_TRASH : CF_LIST_APP, NULL,
             CF_NO_FIELD, &all);
    if (all.error == CF_OK && list->plus)
        return cf_app_each(&r->txn, place, after, add_app, NULL, list);
    if (all.error == CF_OK)
        return cf_app_names(&r->txn, place, after, add_app_name, list);
    return place == CF_IN_APPS ? list_granted(list, after) : CF_OK;
}

static enum cf_error list_apis(struct listing *list, size_t from)
{
    const struct cf_catalogue *catalogue = list->r->fs->vault->catalogue;
    struct fs_node node;
    struct cf_api_row row;

    for (size_t order = from; order < cf_catalogue_count(catalogue); order++) {
        const struct cf_api *api = cf_catalogue_at(catalogue, order);
        enum cf_error error = cf_api_by_slug(&list->r->txn, api->slug, &row);

        if (error != CF_OK)
            return error;
        fs_node_of_api(api, row.serial, &node);
        if (!add(list, api->slug, &node, AFTER_DOTS + (off_t)order + 1))
            break;
    }
    return CF_OK;
}

/* Returns false when the listing is full. */
static bool add_app_api(struct listing *list, const struct cf_api *api, size_t from)
{
    struct cf_api_row row;
    struct fs_node node;

    if (!api || api->order < from || api->method->headers.count == 0 ||
        cf_api_by_slug(&list->r->txn, api->slug, &row) != CF_OK || !inode_part_fits(row.serial))
        return true;
    fs_node_of_app_api(&list->r->node, api, row.serial, &node);
    return !request_sees(list->r, &node) || add(list, api->slug, &node, AFTER_DOTS + (off_t)api->order + 1);
}

/* Those that the App has, as far as it is known how a client authenticates, in catalogue order. */
static enum cf_error list_curl(struct listing *list, size_t from)
{
    const struct cf_catalogue *catalogue = list->r->fs->vault->catalogue;
    struct cf_assignments assigned;
    enum cf_error error = cf_assignments_load(&list->r->txn, &list->r->node.app, catalogue, &assigned);

    if (error != CF_OK)
        return error;
    for (size_t i = 0; i < assigned.count; i++)
        if (!add_app_api(list, cf_catalogue_find(catalogue, assigned.at[i].slug), from))
            break;
    cf_assignments_release(&assigned);
    return CF_OK;
}

/* Those that are good, the oldest first. */
static enum cf_error list_versions(struct listing *list, int64_t after)
{
    struct cf_version versions[CF_VERSIONS_MOST];
    const struct fs_node *directory = &list->r->node;
    const int64_t now = cf_now();
    struct fs_node node;
    char name[24];
    size_t count;
    enum cf_error error = cf_version_list(&list->r->txn, &directory->app, versions, &count);

    if (error != CF_OK)
        return error;
    while (count-- > 0) {
        const struct cf_version *version = &versions[count];

        if (version->number <= after || !inode_part_fits(version->number) ||
            cf_version_usable(&directory->app, version, now) != CF_OK)
            continue;
        fs_node_of_version(directory, version, &node);
        (void)snprintf(name, sizeof(name), "%" PRId64, version->number);
        if (request_sees(list->r, &node) && !add(list, name, &node, AFTER_DOTS + version->number))
            break;
    }
    return CF_OK;
}

static enum cf_error list_entries(struct listing *list, off_t off)
{
    const struct fs_row *row = list->r->node.row;
    off_t after = off > AFTER_DOTS ? off - AFTER_DOTS : 0;
    enum cf_place place;

    if (!fs_row_is_dir(row))
        return CF_EFORBIDDEN;
    if (!add_dots(list, off))
        return CF_OK;
    if (fs_row_place(row, &place))
        return list_apps(list, place, after);
    if (row->kind == FS_KIND_APIS)
        return list_apis(list, (size_t)after);
    if (row->kind == FS_KIND_VERSIONS)
        return list_versions(list, after);
    if (row->kind == FS_KIND_CURL)
        return list_curl(list, (size_t)after);
    if (list_rows(list, after) && row->kind == FS_KIND_VIEWS)
        list_templates(list, after);
    return CF_OK;
}

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, bool plus)
{
    struct request r;
    struct listing list = {.r = &r, .size = size, .plus = plus};
    enum cf_error error = CF_ENOMEM;

    if (!request_begin(&r, req, ino))
        return;
    list.buf = malloc(size);
    if (list.buf)
        error = list_entries(&list, off);
    if (error != CF_OK && list.used == 0) {
        request_finish(&r, error);
    } else {
        request_end(&r);
        (void)fuse_reply_buf(req, list.buf, list.used);
    }
    free(list.buf);
}

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct request r;
    enum cf_error error;

    if (!request_begin(&r, req, ino))
        return;
    error = request_permit(&r, r.node.row->read);
    if (error != CF_OK) {
        request_finish(&r, error);
        return;
    }
    request_end(&r);
    (void)fuse_reply_open(req, fi);
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
    (void)fi;
    list(req, ino, size, off, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
    (void)fi;
    list(req, ino, size, off, true);
}

void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)fi;
    reply_error(req, ino, CF_OK);
}
