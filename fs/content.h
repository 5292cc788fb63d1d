/* content.h: what stands in the files and what is done with what is written to them: the handlers that the rows of
 * the tree name. None of the printing ones can reach a secret. */
#ifndef CREDFS_CONTENT_H
#define CREDFS_CONTENT_H

#include "node.h"

/* The text of a node whose kind is FS_KIND_TEXT. out: empty; released by who calls, also on failure. */
CF_CHECKED enum cf_error content_print(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node,
                                       struct cf_text *out);

fs_print content_status, content_apis, content_grants, content_info, content_readers, content_version_info;
fs_print content_api_info, content_api_apps, content_assignees;

fs_write_input content_write_field, content_write_apis, content_write_grants, content_write_ctl;
fs_write_input content_write_assignees;

#endif
