/* tree.h: the one table of what there is in the file system.
 *
 * A node is a row of this table and, below an App or an API, its serial. lookup, readdir, getattr, access, open, read
 * and write all work from the row: adding a file is adding a row, and its number at the end of enum fs_row_id.
 */
#ifndef CREDFS_TREE_H
#define CREDFS_TREE_H

#include "core/change.h"
#include "core/view.h"
#include "state.h"

#include <sys/types.h>

/* Part of inode numbers: once given, a number stays. */
enum fs_row_id {
    FS_NO_ROW,
    FS_ROOT,
    FS_APPS,
    FS_APIS,
    FS_TRASH,
    FS_AUDIT,
    FS_STATUS,
    FS_APP,
    FS_KEY,
    FS_SECRET,
    FS_APP_APIS,
    FS_GRANTS,
    FS_INFO,
    FS_CTL,
    FS_API,
    FS_API_INFO,
    FS_API_APPS,
    FS_API_ASSIGNEES,
    FS_TOKEN,
    FS_USERNAME,
    FS_PASSWORD,
    FS_VERSIONS,
    FS_VERSION,
    FS_VERSION_KEY,
    FS_VERSION_SECRET,
    FS_VERSION_TOKEN,
    FS_VERSION_USERNAME,
    FS_VERSION_PASSWORD,
    FS_VERSION_INFO,
    FS_API_VERIFY,
    FS_READERS,
    FS_VIEWS,
    FS_VIEW_ENV,
    FS_VIEW_JSON,
    FS_VIEW_PROPERTIES,
    FS_VIEWS_CURL,
    FS_VIEW_CURL,
    FS_VIEW_SITE,
    FS_ROW_COUNT
};

enum fs_kind {
    FS_KIND_DIR,      /* a directory of rows */
    FS_KIND_APPS,     /* a directory of the Apps of a place */
    FS_KIND_TRASH,    /* the same */
    FS_KIND_APIS,     /* a directory of the APIs of the catalogue */
    FS_KIND_VERSIONS, /* a directory of an App's versions */
    FS_KIND_VIEWS,    /* a directory of rows, and of the site's templates */
    FS_KIND_CURL,     /* a directory of the APIs of an App that have a view for curl */
    FS_KIND_FIELD,    /* a file that holds a field's value: opening it for reading is a reveal */
    FS_KIND_VIEW,     /* a file that holds all of an App: the same */
    FS_KIND_TEXT,     /* a file with a rendered text */
    FS_KIND_LOG,      /* the audit log */
    FS_KIND_INPUT,    /* a file that is only written to */
    FS_KIND_CHECK     /* a file that answers what is written, as those of selinuxfs do */
};

/* What a row is about. Those below an App are about the App and a part of it: a version of it, an API that it has, a
 * template for it. */
enum fs_subject { FS_OF_TREE, FS_OF_APP, FS_OF_VERSION, FS_OF_API, FS_OF_APP_API, FS_OF_TEMPLATE };

/* For the action of a row: nobody may. */
#define FS_NOBODY CF_ACTION_COUNT

struct fs_node;

/* Add the text of a node. */
typedef enum cf_error fs_print(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node,
                               struct cf_text *out);

/* What is written: to the row's file of the App or API with this serial. text is secret for a field. */
struct fs_input {
    enum cf_field field;
    int64_t serial;
    enum cf_write_mode mode;
    const char *text;
    size_t len;
};
typedef enum cf_error fs_write_input(struct fs_state *fs, struct cf_caller *caller, const struct fs_input *input);

struct fs_row {
    const char *name;      /* NULL: the name of its App, API or template */
    enum fs_row_id parent; /* the root's is the root; an App's is apps, or trash when it is there */
    enum fs_kind kind;
    enum fs_subject subject;
    mode_t mode;            /* as shown; never what is judged by */
    enum cf_action read;    /* of a directory: enter and list */
    enum cf_action write;   /* of a directory: make, move or remove entries */
    enum cf_field field;    /* FS_KIND_FIELD only */
    enum cf_view_form view; /* FS_KIND_VIEW only */
    fs_print *print;        /* FS_KIND_TEXT only */
    fs_write_input *input;  /* NULL where nothing is written */
    bool holds_set;         /* truncating it to nothing empties a set */
    bool is_optional;       /* it comes and goes, with what the App needs or has: fs_node_exists */
};

/* The row of an inode number, or NULL when there is none of that number. */
const struct fs_row *fs_row(uint64_t ino);

/* The row of this number, which is one. */
const struct fs_row *fs_row_at(enum fs_row_id id);
enum fs_row_id fs_row_id(const struct fs_row *row);

/* The named row of this name in a directory, or FS_NO_ROW. */
enum fs_row_id fs_row_child(const struct fs_row *directory, const char *name);

bool fs_row_is_dir(const struct fs_row *row);

/* Is it about an App, or a part of one? */
bool fs_row_is_of_app(const struct fs_row *row);

/* Is it a directory of Apps, and of which place? */
bool fs_row_place(const struct fs_row *row, enum cf_place *place);

/* The field that judging is about: CF_NO_FIELD where the row holds none. */
enum cf_field fs_row_field(const struct fs_row *row);

#endif
