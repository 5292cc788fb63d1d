#include "tree.h"

#include "content.h"
#include "inode.h"

#include <string.h>
#include <sys/stat.h>

enum { DIR_ALL = S_IFDIR | 0755, DIR_OWN = S_IFDIR | 0750 };

/* clang-format off */
static const struct fs_row rows[FS_ROW_COUNT] = {
    [FS_ROOT] = {"", FS_ROOT, FS_KIND_DIR, FS_OF_TREE, DIR_ALL, .read = CF_BROWSE, .write = FS_NOBODY},
    [FS_APPS] = {"apps", FS_ROOT, FS_KIND_APPS, FS_OF_TREE, DIR_ALL, .read = CF_BROWSE, .write = CF_CREATE_APP},
    [FS_APIS] = {"apis", FS_ROOT, FS_KIND_APIS, FS_OF_TREE, DIR_ALL, .read = CF_BROWSE, .write = FS_NOBODY},
    [FS_TRASH] = {"trash", FS_ROOT, FS_KIND_TRASH, FS_OF_TREE, DIR_OWN, .read = CF_LIST_TRASH,
                  .write = CF_DELETE_APP},
    [FS_AUDIT] = {"audit", FS_ROOT, FS_KIND_LOG, FS_OF_TREE, S_IFREG | 0440, .read = CF_READ_AUDIT,
                  .write = FS_NOBODY},
    [FS_STATUS] = {"status", FS_ROOT, FS_KIND_TEXT, FS_OF_TREE, S_IFREG | 0444, .read = CF_READ_STATUS,
                   .write = FS_NOBODY, .print = content_status},

    [FS_APP] = {NULL, FS_APPS, FS_KIND_DIR, FS_OF_APP, DIR_OWN, .read = CF_LIST_APP, .write = FS_NOBODY},
    [FS_KEY] = {"key", FS_APP, FS_KIND_FIELD, FS_OF_APP, S_IFREG | 0600, .read = CF_REVEAL, .write = CF_EDIT_APP,
                .field = CF_KEY, .input = content_write_field},
    [FS_SECRET] = {"secret", FS_APP, FS_KIND_FIELD, FS_OF_APP, S_IFREG | 0600, .read = CF_REVEAL,
                   .write = CF_EDIT_APP, .field = CF_SECRET, .input = content_write_field},
    [FS_APP_APIS] = {"apis", FS_APP, FS_KIND_TEXT, FS_OF_APP, S_IFREG | 0640, .read = CF_READ_APP,
                     .write = CF_EDIT_APP, .print = content_apis, .input = content_write_apis, .holds_set = true},
    [FS_GRANTS] = {"grants", FS_APP, FS_KIND_TEXT, FS_OF_APP, S_IFREG | 0640, .read = CF_READ_GRANTS,
                   .write = CF_EDIT_APP, .print = content_grants, .input = content_write_grants, .holds_set = true},
    [FS_INFO] = {"info", FS_APP, FS_KIND_TEXT, FS_OF_APP, S_IFREG | 0440, .read = CF_READ_APP, .write = FS_NOBODY,
                 .print = content_info},
    [FS_CTL] = {"ctl", FS_APP, FS_KIND_INPUT, FS_OF_APP, S_IFREG | 0200, .read = FS_NOBODY, .write = CF_CONTROL_APP,
                .input = content_write_ctl},
    [FS_READERS] = {"readers", FS_APP, FS_KIND_TEXT, FS_OF_APP, S_IFREG | 0440, .read = CF_READ_READERS,
                    .write = FS_NOBODY, .print = content_readers},

    [FS_TOKEN] = {"token", FS_APP, FS_KIND_FIELD, FS_OF_APP, S_IFREG | 0600, .read = CF_REVEAL, .write = CF_EDIT_APP,
                  .field = CF_TOKEN, .input = content_write_field, .is_optional = true},
    [FS_USERNAME] = {"username", FS_APP, FS_KIND_FIELD, FS_OF_APP, S_IFREG | 0600, .read = CF_REVEAL,
                     .write = CF_EDIT_APP, .field = CF_USERNAME, .input = content_write_field, .is_optional = true},
    [FS_PASSWORD] = {"password", FS_APP, FS_KIND_FIELD, FS_OF_APP, S_IFREG | 0600, .read = CF_REVEAL,
                     .write = CF_EDIT_APP, .field = CF_PASSWORD, .input = content_write_field, .is_optional = true},

    [FS_VERSIONS] = {"versions", FS_APP, FS_KIND_VERSIONS, FS_OF_APP, DIR_OWN, .read = CF_LIST_APP,
                     .write = FS_NOBODY},
    [FS_VERSION] = {NULL, FS_VERSIONS, FS_KIND_DIR, FS_OF_VERSION, DIR_OWN, .read = CF_LIST_APP, .write = FS_NOBODY,
                    .is_optional = true},
    [FS_VERSION_KEY] = {"key", FS_VERSION, FS_KIND_FIELD, FS_OF_VERSION, S_IFREG | 0400, .read = CF_REVEAL,
                        .write = FS_NOBODY, .field = CF_KEY},
    [FS_VERSION_SECRET] = {"secret", FS_VERSION, FS_KIND_FIELD, FS_OF_VERSION, S_IFREG | 0400, .read = CF_REVEAL,
                           .write = FS_NOBODY, .field = CF_SECRET},
    [FS_VERSION_TOKEN] = {"token", FS_VERSION, FS_KIND_FIELD, FS_OF_VERSION, S_IFREG | 0400, .read = CF_REVEAL,
                          .write = FS_NOBODY, .field = CF_TOKEN, .is_optional = true},
    [FS_VERSION_USERNAME] = {"username", FS_VERSION, FS_KIND_FIELD, FS_OF_VERSION, S_IFREG | 0400, .read = CF_REVEAL,
                             .write = FS_NOBODY, .field = CF_USERNAME, .is_optional = true},
    [FS_VERSION_PASSWORD] = {"password", FS_VERSION, FS_KIND_FIELD, FS_OF_VERSION, S_IFREG | 0400, .read = CF_REVEAL,
                             .write = FS_NOBODY, .field = CF_PASSWORD, .is_optional = true},
    [FS_VERSION_INFO] = {"info", FS_VERSION, FS_KIND_TEXT, FS_OF_VERSION, S_IFREG | 0440, .read = CF_READ_APP,
                         .write = FS_NOBODY, .print = content_version_info},

    [FS_VIEWS] = {"views", FS_APP, FS_KIND_VIEWS, FS_OF_APP, DIR_OWN, .read = CF_READ_APP, .write = FS_NOBODY},
    [FS_VIEW_ENV] = {"env", FS_VIEWS, FS_KIND_VIEW, FS_OF_APP, S_IFREG | 0400, .read = CF_REVEAL, .write = FS_NOBODY,
                     .view = CF_VIEW_ENV},
    [FS_VIEW_JSON] = {"json", FS_VIEWS, FS_KIND_VIEW, FS_OF_APP, S_IFREG | 0400, .read = CF_REVEAL,
                      .write = FS_NOBODY, .view = CF_VIEW_JSON},
    [FS_VIEW_PROPERTIES] = {"properties", FS_VIEWS, FS_KIND_VIEW, FS_OF_APP, S_IFREG | 0400, .read = CF_REVEAL,
                            .write = FS_NOBODY, .view = CF_VIEW_PROPERTIES},
    [FS_VIEWS_CURL] = {"curl", FS_VIEWS, FS_KIND_CURL, FS_OF_APP, DIR_OWN, .read = CF_READ_APP, .write = FS_NOBODY},
    [FS_VIEW_CURL] = {NULL, FS_VIEWS_CURL, FS_KIND_VIEW, FS_OF_APP_API, S_IFREG | 0400, .read = CF_REVEAL,
                      .write = FS_NOBODY, .view = CF_VIEW_CURL, .is_optional = true},
    [FS_VIEW_SITE] = {NULL, FS_VIEWS, FS_KIND_VIEW, FS_OF_TEMPLATE, S_IFREG | 0400, .read = CF_REVEAL,
                      .write = FS_NOBODY, .view = CF_VIEW_SITE, .is_optional = true},

    [FS_API] = {NULL, FS_APIS, FS_KIND_DIR, FS_OF_API, DIR_ALL, .read = CF_BROWSE, .write = FS_NOBODY},
    [FS_API_INFO] = {"info", FS_API, FS_KIND_TEXT, FS_OF_API, S_IFREG | 0444, .read = CF_BROWSE, .write = FS_NOBODY,
                     .print = content_api_info},
    [FS_API_APPS] = {"apps", FS_API, FS_KIND_TEXT, FS_OF_API, S_IFREG | 0440, .read = CF_READ_API_APPS,
                     .write = FS_NOBODY, .print = content_api_apps},
    [FS_API_ASSIGNEES] = {"assignees", FS_API, FS_KIND_TEXT, FS_OF_API, S_IFREG | 0640, .read = CF_READ_ASSIGNEES,
                          .write = CF_WRITE_ASSIGNEES, .print = content_assignees,
                          .input = content_write_assignees, .holds_set = true},
    [FS_API_VERIFY] = {"verify", FS_API, FS_KIND_CHECK, FS_OF_API, S_IFREG | 0600, .read = CF_VERIFY,
                       .write = CF_VERIFY},
};
/* clang-format on */

static bool is_of_part(const struct fs_row *row)
{
    return row->subject == FS_OF_VERSION || row->subject == FS_OF_APP_API || row->subject == FS_OF_TEMPLATE;
}

const struct fs_row *fs_row(uint64_t ino)
{
    unsigned id = inode_row(ino);
    int64_t serial = inode_serial(ino), part = inode_part(ino);

    if (id == FS_NO_ROW || id >= FS_ROW_COUNT || inode_of_part(inode_make(id, serial), part) != ino)
        return NULL;
    if ((part != 0) != is_of_part(&rows[id]))
        return NULL;
    return (serial != 0) == (rows[id].subject != FS_OF_TREE) ? &rows[id] : NULL;
}

const struct fs_row *fs_row_at(enum fs_row_id id)
{
    return &rows[id];
}

enum fs_row_id fs_row_id(const struct fs_row *row)
{
    return (enum fs_row_id)(row - rows);
}

enum fs_row_id fs_row_child(const struct fs_row *directory, const char *name)
{
    enum fs_row_id parent = fs_row_id(directory);

    for (enum fs_row_id id = FS_ROOT + 1; id < FS_ROW_COUNT; id++)
        if (rows[id].parent == parent && rows[id].name && strcmp(rows[id].name, name) == 0)
            return id;
    return FS_NO_ROW;
}

bool fs_row_is_of_app(const struct fs_row *row)
{
    return row->subject == FS_OF_APP || is_of_part(row);
}

bool fs_row_is_dir(const struct fs_row *row)
{
    return S_ISDIR(row->mode);
}

bool fs_row_place(const struct fs_row *row, enum cf_place *place)
{
    *place = row->kind == FS_KIND_TRASH ? CF_IN_TRASH : CF_IN_APPS;
    return row->kind == FS_KIND_APPS || row->kind == FS_KIND_TRASH;
}

enum cf_field fs_row_field(const struct fs_row *row)
{
    return row->kind == FS_KIND_FIELD ? row->field : CF_NO_FIELD;
}
