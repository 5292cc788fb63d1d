/* fs/acl.h: grants as a POSIX ACL and back. Of fs, but it needs nothing of FUSE. */
#include "fixture.h"

#include "fs/acl.h"

#include <linux/posix_acl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct acl_scope of_app = {.mode = S_IFDIR | 0750, .field = CF_NO_FIELD, .is_editable = true};
static const struct acl_scope of_key = {.mode = S_IFREG | 0600, .field = CF_KEY, .is_editable = true};
static const struct acl_scope of_info = {.mode = S_IFREG | 0440, .field = CF_NO_FIELD};

static struct cf_grant some[] = {
    {.who = {CF_USER, 5, 5}, .field = CF_NO_FIELD},         {.who = {CF_USER, 5, 5}, .field = CF_KEY},
    {.who = {CF_USER, 7, 7}, .field = CF_SECRET},           {.who = {CF_USER, 9, 9}, .field = CF_KEY},
    {.who = {CF_USER, 100, 199}, .field = CF_NO_FIELD},     {.who = {CF_GROUP, 5, 5}, .field = CF_NO_FIELD},
    {.who = {CF_GROUP, 5, 4294967294}, .field = CF_SECRET},
};
static const struct cf_grants grants = {.at = some, .count = sizeof(some) / sizeof(*some)};
static const struct cf_grants none = {0};

/* An ACL that is made by hand. */
struct bytes {
    unsigned char at[1024];
    size_t len;
};

static void put(struct bytes *acl, unsigned tag, unsigned permissions, uint32_t id)
{
    const unsigned char entry[] = {(unsigned char)tag,         (unsigned char)(tag >> 8),
                                   (unsigned char)permissions, (unsigned char)(permissions >> 8),
                                   (unsigned char)id,          (unsigned char)(id >> 8),
                                   (unsigned char)(id >> 16),  (unsigned char)(id >> 24)};

    memcpy(acl->at + acl->len, entry, sizeof(entry));
    acl->len += sizeof(entry);
}

static struct bytes start(void)
{
    return (struct bytes){.at = {2}, .len = 4};
}

static void put_mode(struct bytes *acl, const struct acl_scope *scope)
{
    put(acl, ACL_USER_OBJ, scope->mode >> 6 & 7, UINT32_MAX);
    put(acl, ACL_GROUP_OBJ, scope->mode >> 3 & 7, UINT32_MAX);
    put(acl, ACL_OTHER, scope->mode & 7, UINT32_MAX);
}

static enum cf_error edit(const struct acl_scope *scope, const struct cf_grants *old, const struct bytes *acl,
                          char out[static 256])
{
    struct cf_text text = {0};
    enum cf_error error = acl_edit(scope, old, acl->at, acl->len, &text);

    assert_true(text.len < 256);
    memcpy(out, text.len > 0 ? text.data : "", text.len);
    out[text.len] = '\0';
    cf_text_release(&text);
    return error;
}

static void assert_edit(const struct acl_scope *scope, const struct cf_grants *old, const struct bytes *acl,
                        const char *edits)
{
    char text[256];

    assert_int_equal(edit(scope, old, acl, text), CF_OK);
    assert_string_equal(text, edits);
}

static void assert_error(const struct acl_scope *scope, const struct bytes *acl, enum cf_error error)
{
    char text[256];

    assert_int_equal(edit(scope, &grants, acl, text), error);
}

static struct bytes print(const struct acl_scope *scope, const struct cf_grants *list)
{
    struct cf_text text = {0};
    struct bytes acl = {.len = 0};

    acl_print(scope, list, &text);
    assert_true(text.len <= sizeof(acl.at));
    memcpy(acl.at, text.len > 0 ? text.data : "", text.len);
    acl.len = text.len;
    cf_text_release(&text);
    return acl;
}

static void test_print(void **state)
{
    struct bytes want = start(), got = print(&of_key, &grants);

    (void)state;
    put(&want, ACL_USER_OBJ, 6, UINT32_MAX);
    put(&want, ACL_USER, 4, 5);
    put(&want, ACL_USER, 4, 9);
    put(&want, ACL_GROUP_OBJ, 0, UINT32_MAX);
    put(&want, ACL_GROUP, 4, 5);
    put(&want, ACL_MASK, 4, UINT32_MAX);
    put(&want, ACL_OTHER, 0, UINT32_MAX);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.at, want.at, want.len);
    got = print(&of_app, &grants);
    assert_int_equal(got.len, 4 + 6 * 8);
    assert_int_equal(print(&of_app, &none).len, 0);
}

/* What is shown changes nothing when it is set; nothing, or what no grant is left in, takes away what can be. */
static void test_round_trip(void **state)
{
    struct bytes acl = print(&of_app, &grants), empty = {.len = 0}, mode = start(), header = start();

    (void)state;
    assert_edit(&of_app, &grants, &acl, "");
    assert_edit(&of_app, &none, &acl, "+user:5\n+group:5\n");
    acl = print(&of_key, &grants);
    assert_edit(&of_key, &grants, &acl, "");
    acl = print(&of_info, &grants);
    assert_edit(&of_info, &grants, &acl, "");
    assert_error(&of_app, &acl, CF_EFORBIDDEN);
    put_mode(&mode, &of_app);
    assert_edit(&of_app, &grants, &empty, "-user:5\n-group:5\n");
    assert_edit(&of_app, &grants, &mode, "-user:5\n-group:5\n");
    assert_edit(&of_app, &grants, &header, "-user:5\n-group:5\n");
    assert_edit(&of_app, &none, &empty, "");
    assert_error(&of_key, &empty, CF_EFORBIDDEN);
    assert_error(&of_info, &empty, CF_EFORBIDDEN);
}

static struct bytes with(const struct acl_scope *scope, unsigned permissions, unsigned mask)
{
    struct bytes acl = start();

    put_mode(&acl, scope);
    put(&acl, ACL_USER, permissions, 5);
    put(&acl, ACL_USER, permissions, 70);
    put(&acl, ACL_GROUP, 4, 5);
    put(&acl, ACL_MASK, mask, UINT32_MAX);
    return acl;
}

static void test_permissions(void **state)
{
    struct bytes acl;

    (void)state;
    for (unsigned permissions = 0; permissions < 8; permissions++) {
        acl = with(&of_app, permissions, 5 | permissions);
        if (permissions == 0)
            assert_edit(&of_app, &grants, &acl, "-user:5\n");
        else if (permissions == 4 || permissions == 5)
            assert_edit(&of_app, &grants, &acl, "+user:70\n");
        else
            assert_error(&of_app, &acl, CF_EFORBIDDEN);
    }
    acl = with(&of_key, 4, 4);
    assert_error(&of_key, &acl, CF_OK);
    for (unsigned mask = 0; mask < 8; mask++) {
        acl = with(&of_key, 4, mask);
        assert_error(&of_key, &acl, mask == 4 ? CF_OK : CF_EFORBIDDEN);
    }
    for (unsigned entry = 0; entry < 3; entry++) {
        acl = with(&of_key, 4, 4);
        acl.at[4 + entry * 8 + 2] ^= 4;
        assert_error(&of_key, &acl, CF_EFORBIDDEN);
    }
}

static void assert_broken(unsigned tag, unsigned permissions, uint32_t id)
{
    struct bytes acl = with(&of_app, 5, 5);

    put(&acl, tag, permissions, id);
    assert_error(&of_app, &acl, CF_EVALUE);
}

static void test_broken(void **state)
{
    struct bytes acl = with(&of_app, 5, 5);

    (void)state;
    for (acl.len--; acl.len > 0; acl.len--)
        if (acl.len != 4 && acl.len != 4 + 3 * 8)
            assert_error(&of_app, &acl, CF_EVALUE);
    assert_broken(ACL_USER, 5, 5);
    assert_broken(ACL_USER, 5, UINT32_MAX);
    assert_broken(ACL_USER, 8, 71);
    assert_broken(ACL_MASK, 5, 3);
    assert_broken(ACL_OTHER, 0, 0);
    assert_broken(ACL_USER | ACL_GROUP, 5, 71);
    assert_broken(0, 5, 0);
    assert_broken(0x8000, 5, 0);
    acl = with(&of_app, 5, 5);
    acl.at[0] = 3;
    assert_error(&of_app, &acl, CF_EVALUE);
    acl = start();
    put_mode(&acl, &of_app);
    put(&acl, ACL_USER, 5, 5);
    assert_error(&of_app, &acl, CF_EVALUE); /* no mask */
}

/* Every byte with every value: no more than named users and groups come out, and nothing breaks. */
static void test_any_byte(void **state)
{
    const struct bytes whole = with(&of_app, 5, 5);
    char text[256];

    (void)state;
    for (size_t i = 0; i < whole.len; i++) {
        for (unsigned value = 0; value < 256; value++) {
            struct bytes acl = whole;

            acl.at[i] = (unsigned char)value;
            if (edit(&of_app, &grants, &acl, text) == CF_OK)
                assert_int_equal(strspn(text, "+-usergop:0123456789\n"), strlen(text));
        }
    }
}

/* As many as an attribute holds, in an order that no tool gives. */
static void test_many(void **state)
{
    enum { MANY = 8000 };
    const size_t len = 4 + (MANY + 4) * 8;
    unsigned char *acl = calloc(1, len);
    struct bytes part = start();
    struct cf_text text = {0};

    (void)state;
    assert_non_null(acl);
    put_mode(&part, &of_app);
    put(&part, ACL_MASK, 5, UINT32_MAX);
    memcpy(acl, part.at, part.len);
    for (unsigned i = 0; i < MANY; i++) {
        struct bytes entry = {.len = 0};

        put(&entry, i % 2 ? ACL_USER : ACL_GROUP, 5, 100000 - i);
        memcpy(acl + part.len + i * 8, entry.at, 8);
    }
    assert_int_equal(acl_edit(&of_app, &none, acl, len, &text), CF_OK);
    assert_memory_equal(text.data, "+user:92001\n", 12);
    cf_text_release(&text);
    free(acl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print),  cmocka_unit_test(test_round_trip), cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_broken), cmocka_unit_test(test_any_byte),   cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
