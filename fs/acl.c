#include "acl.h"

#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ALL_PERMISSIONS = ACL_READ | ACL_WRITE | ACL_EXECUTE };

/* An entry of an ACL, in this machine's order. */
struct entry {
    unsigned tag, permissions;
    uint32_t id;
};

/* ---- What is shown ---- */

static bool is_single(const struct cf_grant *grant)
{
    return grant->who.low == grant->who.high;
}

static bool is_shown(const struct acl_scope *scope, const struct cf_grant *grant)
{
    return is_single(grant) && (grant->field == CF_NO_FIELD || grant->field == scope->field);
}

static unsigned mode_of_tag(mode_t mode, unsigned tag)
{
    const unsigned shift = tag == ACL_USER_OBJ ? 6 : tag == ACL_GROUP_OBJ ? 3 : 0;

    return mode >> shift & ALL_PERMISSIONS;
}

static unsigned permissions_of_grant(const struct acl_scope *scope)
{
    return S_ISDIR(scope->mode) ? ACL_READ | ACL_EXECUTE : ACL_READ;
}

static unsigned mask_shown(const struct acl_scope *scope)
{
    return permissions_of_grant(scope) | mode_of_tag(scope->mode, ACL_GROUP_OBJ);
}

static unsigned tag_of(const struct cf_principal *who)
{
    return who->kind == CF_USER ? ACL_USER : ACL_GROUP;
}

static void print_entry(struct cf_text *out, unsigned tag, unsigned permissions, uint32_t id)
{
    const struct posix_acl_xattr_entry entry = {htole16((uint16_t)tag), htole16((uint16_t)permissions),
                                                htole32(id)};

    cf_text_add(out, (const char *)&entry, sizeof(entry));
}

static void print_mode(struct cf_text *out, const struct acl_scope *scope, unsigned tag)
{
    print_entry(out, tag, mode_of_tag(scope->mode, tag), (uint32_t)ACL_UNDEFINED_ID);
}

/* Who has a grant of the App and one of the field is one entry. */
static void print_named(struct cf_text *out, const struct acl_scope *scope, const struct cf_grants *grants,
                        enum cf_principal_kind kind)
{
    const struct cf_grant *last = NULL;

    for (size_t i = 0; i < grants->count; i++) {
        const struct cf_grant *grant = &grants->at[i];

        if (grant->who.kind != kind || !is_shown(scope, grant) ||
            (last && cf_principal_order(&last->who, &grant->who) == 0))
            continue;
        print_entry(out, tag_of(&grant->who), permissions_of_grant(scope), grant->who.low);
        last = grant;
    }
}

static bool shows_any(const struct acl_scope *scope, const struct cf_grants *grants)
{
    for (size_t i = 0; i < grants->count; i++)
        if (is_shown(scope, &grants->at[i]))
            return true;
    return false;
}

void acl_print(const struct acl_scope *scope, const struct cf_grants *grants, struct cf_text *out)
{
    const struct posix_acl_xattr_header header = {htole32(POSIX_ACL_XATTR_VERSION)};

    if (!shows_any(scope, grants))
        return;
    cf_text_add(out, (const char *)&header, sizeof(header));
    print_mode(out, scope, ACL_USER_OBJ);
    print_named(out, scope, grants, CF_USER);
    print_mode(out, scope, ACL_GROUP_OBJ);
    print_named(out, scope, grants, CF_GROUP);
    print_entry(out, ACL_MASK, mask_shown(scope), (uint32_t)ACL_UNDEFINED_ID);
    print_mode(out, scope, ACL_OTHER);
}

/* ---- What is asked for ---- */

/* The entries of an ACL, sorted by tag, then by number. */
struct entries {
    struct entry *at;
    size_t count;
};

static int entry_order(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    if (x->tag != y->tag)
        return x->tag < y->tag ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static bool is_named(const struct entry *entry)
{
    return entry->tag == ACL_USER || entry->tag == ACL_GROUP;
}

/* One whose name is no number, as the kernel makes of a user that a container does not know, is none. */
static bool read_entry(const char *bytes, struct entry *out)
{
    struct posix_acl_xattr_entry entry;

    memcpy(&entry, bytes, sizeof(entry));
    *out = (struct entry){le16toh(entry.e_tag), le16toh(entry.e_perm), le32toh(entry.e_id)};
    if (!is_named(out))
        out->id = 0;
    else if (out->id == (uint32_t)ACL_UNDEFINED_ID)
        return false;
    return (out->permissions & ~(unsigned)ALL_PERMISSIONS) == 0;
}

static const struct entry *find_entry(const struct entries *all, unsigned tag, uint32_t id)
{
    const struct entry key = {.tag = tag, .id = id};

    return all->count > 0 ? bsearch(&key, all->at, all->count, sizeof(*all->at), entry_order) : NULL;
}

/* Owner, group and others once each, a mask where somebody is named, nobody named twice, and nothing else. */
static bool is_whole(const struct entries *all)
{
    size_t named = 0, known = 0;

    for (size_t i = 0; i < all->count; i++) {
        if (i > 0 && entry_order(&all->at[i - 1], &all->at[i]) == 0)
            return false;
        named += is_named(&all->at[i]) ? 1 : 0;
    }
    known = named + (find_entry(all, ACL_MASK, 0) ? 1 : 0);
    if (!find_entry(all, ACL_USER_OBJ, 0) || !find_entry(all, ACL_GROUP_OBJ, 0) || !find_entry(all, ACL_OTHER, 0))
        return false;
    return known + 3 == all->count && (named == 0 || known > named);
}

/* all: owned by the caller, also on failure. */
static enum cf_error read_entries(const char *acl, size_t len, struct entries *all)
{
    struct posix_acl_xattr_header header;
    const size_t size = sizeof(struct posix_acl_xattr_entry);

    if (len == 0)
        return CF_OK;
    if (len < sizeof(header) || (len - sizeof(header)) % size != 0)
        return CF_EVALUE;
    memcpy(&header, acl, sizeof(header));
    all->count = (len - sizeof(header)) / size;
    if (le32toh(header.a_version) != POSIX_ACL_XATTR_VERSION)
        return CF_EVALUE;
    if (all->count == 0)
        return CF_OK;
    all->at = calloc(all->count, sizeof(*all->at));
    if (!all->at)
        return CF_ENOMEM;
    for (size_t i = 0; i < all->count; i++)
        if (!read_entry(acl + sizeof(header) + i * size, &all->at[i]))
            return CF_EVALUE;
    qsort(all->at, all->count, sizeof(*all->at), entry_order);
    return is_whole(all) ? CF_OK : CF_EVALUE;
}

/* Nobody sets a mode. A mask is that of acl_print, or the sum of what it is for, as setfacl computes it. */
static bool keeps_mode(const struct acl_scope *scope, const struct entries *all)
{
    static const unsigned tags[] = {ACL_USER_OBJ, ACL_GROUP_OBJ, ACL_OTHER};
    const struct entry *mask = find_entry(all, ACL_MASK, 0);
    unsigned sum = mode_of_tag(scope->mode, ACL_GROUP_OBJ);

    for (size_t i = 0; all->count > 0 && i < sizeof(tags) / sizeof(*tags); i++)
        if (find_entry(all, tags[i], 0)->permissions != mode_of_tag(scope->mode, tags[i]))
            return false;
    for (size_t i = 0; i < all->count; i++)
        sum |= is_named(&all->at[i]) ? all->at[i].permissions : 0;
    return !mask || mask->permissions == sum || mask->permissions == mask_shown(scope);
}

/* ---- What that changes ---- */

static bool has_grant(const struct cf_grants *grants, const struct cf_principal *who, enum cf_field field)
{
    const struct cf_grant key = {.who = *who, .field = field};

    return cf_grants_find(grants, &key) < grants->count;
}

static void say(struct cf_text *out, char sign, const struct cf_principal *who, enum cf_field field)
{
    const struct cf_grant grant = {.who = *who, .field = field};

    cf_text_add(out, &sign, 1);
    cf_grant_print(&grant, CF_BY_NUMBER, out);
    cf_text_puts(out, "\n");
}

/* r, with or without x, is a grant; no permission is none; nothing else is for anybody to have. */
static enum cf_error add_granted(const struct acl_scope *scope, const struct cf_grants *grants,
                                 const struct entry *entry, struct cf_text *out)
{
    const struct cf_principal who = {
        .kind = entry->tag == ACL_USER ? CF_USER : CF_GROUP, .low = entry->id, .high = entry->id};

    if (entry->permissions == 0)
        return CF_OK;
    if (!(entry->permissions & ACL_READ) || entry->permissions & ACL_WRITE)
        return CF_EFORBIDDEN;
    if (has_grant(grants, &who, CF_NO_FIELD) || has_grant(grants, &who, scope->field))
        return CF_OK;
    if (!scope->is_editable)
        return CF_EFORBIDDEN;
    say(out, '+', &who, scope->field);
    return CF_OK;
}

static enum cf_error take_missing(const struct acl_scope *scope, const struct cf_grant *grant,
                                  const struct entries *all, struct cf_text *out)
{
    const struct entry *entry = find_entry(all, tag_of(&grant->who), grant->who.low);

    if (!is_shown(scope, grant) || (entry && entry->permissions != 0))
        return CF_OK;
    if (!scope->is_editable || grant->field != scope->field)
        return CF_EFORBIDDEN;
    say(out, '-', &grant->who, grant->field);
    return CF_OK;
}

enum cf_error acl_edit(const struct acl_scope *scope, const struct cf_grants *grants, const void *acl, size_t len,
                       struct cf_text *out)
{
    struct entries all = {0};
    enum cf_error error = read_entries(acl, len, &all);

    if (error == CF_OK && !keeps_mode(scope, &all))
        error = CF_EFORBIDDEN;
    for (size_t i = 0; error == CF_OK && i < all.count; i++)
        if (is_named(&all.at[i]))
            error = add_granted(scope, grants, &all.at[i], out);
    for (size_t i = 0; error == CF_OK && i < grants->count; i++)
        error = take_missing(scope, &grants->at[i], &all, out);
    free(all.at);
    return error == CF_OK ? cf_text_result(out) : error;
}
