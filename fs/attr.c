#include "attr.h"

#include "content.h"
#include "core/clock.h"
#include "core/credential.h"

#include <sys/stat.h>

enum { BLOCK = 64 * 1024, SECTOR = 512 };

static const double name_timeout = 86400;

/* Of the directories in an App's, the kernel is told nothing. */
double attr_timeout(const struct fs_row *row)
{
    const bool is_told = fs_row_is_dir(row) && (row->subject != FS_OF_APP || fs_row_id(row) == FS_APP);

    return is_told ? name_timeout : 0;
}

static struct timespec timespec_of(int64_t time)
{
    return (struct timespec){.tv_sec = time / CF_SECOND, .tv_nsec = time % CF_SECOND};
}

static enum cf_error field_size(struct cf_txn *txn, const struct fs_node *node, off_t *size)
{
    struct cf_value value;
    const int64_t version = node->row->subject == FS_OF_VERSION ? node->version.number : node->app.version;
    enum cf_error error = cf_value_stat(txn, &node->app, version, node->row->field, &value);

    /* One that does not verify is refused, and recorded, where it is opened. */
    *size = error == CF_OK ? (off_t)value.len + 1 : 0;
    return error == CF_ENOKEY || error == CF_ETAMPER ? CF_OK : error;
}

/* Likewise, of a view. */
static enum cf_error view_size(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node, off_t *size)
{
    const struct cf_view view = fs_node_view(node);
    size_t len = 0;
    enum cf_error error = cf_view_length(fs->vault, txn, &node->app, &view, &len);

    *size = error == CF_OK ? (off_t)len : 0;
    return error == CF_ETAMPER ? CF_OK : error;
}

static enum cf_error text_size(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node, off_t *size)
{
    struct cf_text text = {0};
    enum cf_error error = content_print(fs, txn, node, &text);

    *size = (off_t)text.len;
    cf_text_release(&text);
    return error;
}

static enum cf_error size_of(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node, off_t *size)
{
    *size = 0;
    switch (node->row->kind) {
    case FS_KIND_FIELD:
        return field_size(txn, node, size);
    case FS_KIND_VIEW:
        return view_size(fs, txn, node, size);
    case FS_KIND_TEXT:
        return text_size(fs, txn, node, size);
    case FS_KIND_LOG:
        *size = cf_audit_length(fs->vault->audit);
        return CF_OK;
    case FS_KIND_DIR:
    case FS_KIND_APPS:
    case FS_KIND_TRASH:
    case FS_KIND_APIS:
    case FS_KIND_VERSIONS:
    case FS_KIND_VIEWS:
    case FS_KIND_CURL:
    case FS_KIND_INPUT:
    case FS_KIND_CHECK:
        break;
    }
    return CF_OK;
}

static struct timespec log_time(struct fs_state *fs)
{
    struct stat st;

    return fstat(fs->log, &st) == 0 ? st.st_mtim : timespec_of(fs->region->mounted);
}

/* A view is as old as what it is made of. */
static int64_t view_time(const struct fs_node *node)
{
    const int64_t changed = node->row->subject == FS_OF_TEMPLATE ? node->template->changed : 0;

    return changed > node->app.updated ? changed : node->app.updated;
}

static struct timespec time_of(struct fs_state *fs, const struct fs_node *node)
{
    enum cf_place place;

    if (node->row->subject == FS_OF_VERSION)
        return timespec_of(node->version.created);
    if (fs_row_is_of_app(node->row))
        return timespec_of(view_time(node));
    if (fs_row_place(node->row, &place))
        return timespec_of(atomic_load(&fs->listed));
    if (node->row->kind == FS_KIND_LOG)
        return log_time(fs);
    if (node->row->subject == FS_OF_API && node->row->read != CF_BROWSE)
        return timespec_of(atomic_load(&fs->edited));
    return timespec_of(fs->region->mounted);
}

enum cf_error attr_fill(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node, struct stat *st)
{
    bool is_app = fs_row_is_of_app(node->row);

    attr_entry(node->ino, node->row->mode, st);
    st->st_nlink = 1; /* of a directory: not counted */
    st->st_uid = is_app ? node->app.created_by : fs->uid;
    st->st_gid = fs->gid;
    st->st_blksize = BLOCK;
    st->st_mtim = st->st_ctim = st->st_atim = time_of(fs, node);
    enum cf_error error = size_of(fs, txn, node, &st->st_size);
    st->st_blocks = (st->st_size + SECTOR - 1) / SECTOR;
    return error;
}

void attr_entry(uint64_t ino, mode_t mode, struct stat *st)
{
    *st = (struct stat){.st_ino = ino, .st_mode = mode};
}

enum cf_error attr_lookup(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node,
                          struct fuse_entry_param *entry)
{
    *entry = (struct fuse_entry_param){
        .ino = node->ino,
        /* The kernel ends the inode of a directory that is removed: one that is put back needs another. The files in
         * it go on: who holds one open may read on after its App was restored. */
        .generation = fs_row_id(node->row) == FS_APP ? (uint64_t)node->app.lives + 1 : 1,
        .attr_timeout = attr_timeout(node->row),
        .entry_timeout = node->row->is_optional ? 0 : name_timeout,
    };
    return attr_fill(fs, txn, node, &entry->attr);
}
