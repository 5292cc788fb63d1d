/* acl.h: an App's grants as a POSIX access ACL, the form in which getfacl and setfacl read and write them.
 *
 * The App's directory shows the grants of the whole App, the file of a field those of the field too, and everything
 * else that a grant lets one read those of the whole App. A grant is a named entry: user or group, r-x on a directory
 * and r-- on a file. The entries of owner, group and others are the file's mode, and the mask lets all named entries
 * through.
 * A range of users or groups has no form in an ACL: it is neither shown nor changed.
 *
 *   version 2       4 bytes    (linux/posix_acl_xattr.h; numbers are little-endian)
 *   for each entry  2 bytes tag, 2 bytes permissions, 4 bytes uid or gid
 *
 * Nothing here knows of FUSE, and nothing is judged.
 */
#ifndef CREDFS_ACL_H
#define CREDFS_ACL_H

#include "core/grant.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What a file has to do with its App's grants. */
struct acl_scope {
    mode_t mode;         /* as stat shows it */
    enum cf_field field; /* whose grants are shown beside those of the whole App; CF_NO_FIELD: none */
    bool is_editable;    /* are grants given and taken away here: of field, or of the whole App for CF_NO_FIELD? */
};

/* Add the binary form to out; nothing where no grant is to be shown. grants: in the order that loading gives.
 * Ask cf_text_result of out. */
void acl_print(const struct acl_scope *scope, const struct cf_grants *grants, struct cf_text *out);

/* Add to out what a binary form changes in the grants that acl_print shows, as a text for cf_write_grants (CF_ADD):
 * `+user:1007 key` and `-group:50`, a line each, by number. No bytes, or no entries, take all named ones away.
 * An entry with r is a grant, one without any permission none.
 * Returns 0, CF_ENOMEM; CF_EVALUE for what is no ACL; CF_EFORBIDDEN for a permission that no grant gives, another mode
 * or mask, and for a grant that is not given or taken away here. */
CF_CHECKED enum cf_error acl_edit(const struct acl_scope *scope, const struct cf_grants *grants, const void *acl,
                                  size_t len, struct cf_text *out);

#endif
