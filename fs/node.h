/* node.h: a node of the tree with what it is about, as it is in one transaction. */
#ifndef CREDFS_NODE_H
#define CREDFS_NODE_H

#include "tree.h"

struct fs_node {
    uint64_t ino;
    const struct fs_row *row;
    struct cf_app app;                  /* FS_OF_APP, and of a part of one */
    struct cf_version version;          /* FS_OF_VERSION */
    const struct cf_api *api;           /* FS_OF_API, FS_OF_APP_API */
    const struct cf_template *template; /* FS_OF_TEMPLATE */
};

/* The node of an inode number. Returns 0, CF_ENOENT, or why its App cannot be read. */
CF_CHECKED enum cf_error fs_node_load(struct fs_state *fs, struct cf_txn *txn, uint64_t ino, struct fs_node *node);

/* The node of a name in a directory. Returns the same; CF_ENOENT too for a name in a file. Of an App that does not
 * verify node has the number alone. */
CF_CHECKED enum cf_error fs_node_find(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *directory,
                                      const char *name, struct fs_node *node);

/* A node below directory that is a named row of it; it is about the same App or API. */
void fs_node_child(const struct fs_node *directory, enum fs_row_id id, struct fs_node *node);

/* Is a node whose row is optional there at present? */
CF_CHECKED enum cf_error fs_node_exists(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node,
                                        bool *exists);

/* The directories of an App, of a version (directory: versions/) and of an API (with its serial). */
void fs_node_of_app(const struct cf_app *app, struct fs_node *node);
void fs_node_of_version(const struct fs_node *directory, const struct cf_version *version, struct fs_node *node);
void fs_node_of_api(const struct cf_api *api, int64_t serial, struct fs_node *node);

/* The view for curl of an API (with its serial; directory: curl/), and that by a template (directory: views/). */
void fs_node_of_app_api(const struct fs_node *directory, const struct cf_api *api, int64_t serial,
                        struct fs_node *node);
void fs_node_of_template(const struct fs_node *directory, const struct cf_template *template, struct fs_node *node);

/* The view that a node of FS_KIND_VIEW is. */
struct cf_view fs_node_view(const struct fs_node *node);

/* Its name for the record: of a view its path below the App, of all else its row's name, or NULL. */
enum { FS_FILE_SIZE = 96 };
const char *fs_node_file(const struct fs_node *node, char buf[static FS_FILE_SIZE]);

/* The inode number of the directory that it is in. */
uint64_t fs_node_parent(const struct fs_node *node);

/* The App for judging; NULL where the node is about none. */
const struct cf_app *fs_node_app(const struct fs_node *node);

#endif
