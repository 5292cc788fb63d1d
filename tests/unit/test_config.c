/* credfs.ini: what it means, and that anything wrong in it refuses it with file, line and reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OWNER = 4242 };

static char path[] = "/tmp/test_config.XXXXXX";

static int start(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return unlink(path);
}

static enum cf_error load_path(const char *file, struct cf_config **config, struct cf_fault *fault)
{
    struct cf_sources *sources = cf_sources_new();
    enum cf_error error = cf_config_load(file, OWNER, sources, config, fault);

    cf_sources_free(sources);
    return error;
}

static enum cf_error load(const char *text, struct cf_config **config, struct cf_fault *fault)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    memset(fault, 0, sizeof(*fault));
    *config = (void *)1;
    return load_path(path, config, fault);
}

static struct cf_config *loaded(const char *text)
{
    struct cf_config *config;
    struct cf_fault fault;
    enum cf_error error = load(text, &config, &fault);

    if (error != CF_OK)
        print_error("%s\n", fault.text);
    assert_int_equal(error, CF_OK);
    return config;
}

/* The text is refused at this line, for a reason that holds these words. */
static void refused(const char *text, int line, const char *words)
{
    struct cf_config *config;
    struct cf_fault fault;
    char want[128];
    enum cf_error error = load(text, &config, &fault);

    snprintf(want, sizeof(want), "%s:%d: ", path, line);
    if (error != CF_ECONFIG || strncmp(fault.text, want, strlen(want)) != 0 || strstr(fault.text, words) == NULL)
        print_error("for\n%sgot %s: %s\n", text, cf_error_word(error), fault.text);
    assert_int_equal(error, CF_ECONFIG);
    assert_null(config);
    assert_memory_equal(fault.text, want, strlen(want));
    assert_non_null(strstr(fault.text, words));
}

static void assert_member(const struct cf_config *config, size_t i, const char *role, enum cf_principal_kind kind,
                          uint32_t low, uint32_t high)
{
    assert_true(i < config->member_count);
    assert_string_equal(config->roles[config->members[i].role].name, role);
    assert_int_equal(config->members[i].who.kind, kind);
    assert_int_equal(config->members[i].who.low, low);
    assert_int_equal(config->members[i].who.high, high);
}

static void assert_defaults(const struct cf_config *config)
{
    assert_int_equal(config->role_count, 3);
    assert_string_equal(config->roles[0].name, "super-admin");
    assert_int_equal(config->roles[0].permissions, 31);
    assert_string_equal(config->roles[1].name, "company-admin");
    assert_int_equal(config->roles[1].permissions, CF_MAY_MANAGE | CF_MAY_REVEAL);
    assert_string_equal(config->roles[2].name, "auditor");
    assert_int_equal(config->roles[2].permissions, CF_MAY_AUDIT);
    assert_int_equal(config->member_count, 1);
    assert_member(config, 0, "super-admin", CF_USER, OWNER, OWNER);
    assert_int_equal(config->propagation, 180 * CF_SECOND);
    assert_false(config->audit_may_fail);
    assert_null(config->catalogue_files[0]);
    assert_null(config->templates);
    assert_false(config->portable_values);
}

static void without_a_file_the_owner_is_all(void **state)
{
    struct cf_config *config;

    (void)state;
    assert_int_equal(load_path(NULL, &config, NULL), CF_OK);
    assert_defaults(config);
    cf_config_free(config);
    cf_config_free(NULL);
    config = loaded("; nothing\n\n");
    assert_defaults(config);
    cf_config_free(config);
}

static void all_of_it_is_read(void **state)
{
    struct cf_config *config = loaded("[members]\n"
                                      "super-admin = user:root\n"
                                      "key-manager = user:1007 group:0\n"
                                      "    user:100000-165535\n"
                                      "auditor = user:1\n"
                                      "[role key-manager]\n"
                                      "permissions = application-credentials\n"
                                      "   reveal\n"
                                      "[role watcher]\n"
                                      "permissions = audit assignments\n"
                                      "[policy]\n"
                                      "propagation = 15m\n"
                                      "[audit]\n"
                                      "on-failure = allow\n"
                                      "[catalogue]\n"
                                      "files = /etc/passwd /etc/group\n"
                                      "    /etc/passwd\n");

    (void)state;
    assert_int_equal(config->role_count, 5);
    assert_string_equal(config->roles[3].name, "key-manager");
    assert_int_equal(config->roles[3].permissions, CF_MAY_MANAGE | CF_MAY_REVEAL);
    assert_int_equal(config->roles[4].permissions, CF_MAY_AUDIT | CF_MAY_ASSIGN);
    assert_int_equal(config->member_count, 6);
    assert_member(config, 0, "super-admin", CF_USER, OWNER, OWNER);
    assert_member(config, 1, "super-admin", CF_USER, 0, 0);
    assert_member(config, 2, "key-manager", CF_USER, 1007, 1007);
    assert_member(config, 3, "key-manager", CF_GROUP, 0, 0);
    assert_member(config, 4, "key-manager", CF_USER, 100000, 165535);
    assert_member(config, 5, "auditor", CF_USER, 1, 1);
    assert_int_equal(config->propagation, 900 * CF_SECOND);
    assert_true(config->audit_may_fail);
    assert_string_equal(config->catalogue_files[0], "/etc/passwd");
    assert_string_equal(config->catalogue_files[1], "/etc/group");
    assert_string_equal(config->catalogue_files[2], "/etc/passwd");
    assert_null(config->catalogue_files[3]);
    cf_config_free(config);
}

static void values_may_be_plain(void **state)
{
    struct cf_config *config = loaded("[audit]\non-failure = refuse\n[policy]\npropagation = 0\n"
                                      "[members]\nauditor =\n  user:7\n");

    (void)state;
    assert_false(config->audit_may_fail);
    assert_int_equal(config->propagation, 0);
    assert_int_equal(config->member_count, 2);
    assert_member(config, 1, "auditor", CF_USER, 7, 7);
    cf_config_free(config);
}

static void views_and_portable_values(void **state)
{
    char directory[] = "/tmp/my views.XXXXXX", text[128];
    struct cf_config *config;

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(text, sizeof(text), "[views]\ntemplates = %s\n[policy]\nvalues = portable\n", directory);
    config = loaded(text);
    assert_int_equal(rmdir(directory), 0);
    assert_string_equal(config->templates, directory);
    assert_true(config->portable_values);
    cf_config_free(config);
    config = loaded("[policy]\nvalues = printable\n");
    assert_false(config->portable_values);
    cf_config_free(config);
}

static void unknown_words_are_refused_and_the_known_ones_named(void **state)
{
    (void)state;
    refused("[role a]\npermissions = reveal x\n", 2,
            "unknown permission 'x': application-credentials, reveal, assignments, audit, verify");
    refused("[role a]\npermissions = reveal\n  audi\n", 3, "unknown permission 'audi': ");
    refused("[role a]\npermissions = Reveal\n", 2, "unknown permission 'Reveal'");
    refused("[role a]\npermission = reveal\n", 2, "unknown name 'permission' in [role a]: permissions");
    refused("\n[polici]\n", 2, "unknown section [polici]: role NAME, members, policy, engine, audit, catalogue");
    refused("[role]\npermissions = reveal\n", 1, "unknown section [role]");
    refused("[Members]\nauditor = user:0\n", 1, "unknown section [Members]");
    refused("propagation = 1m\n", 1, "before the first section");
    refused("[policy]\nreveal-when = 1m\n", 2, "unknown name 'reveal-when' in [policy]: propagation, overlap");
    refused("[audit]\non-error = allow\n", 2, "unknown name 'on-error' in [audit]: on-failure");
    refused("[catalogue]\nfile = /x\n", 2, "unknown name 'file' in [catalogue]: files");
}

static void wrong_values_are_refused(void **state)
{
    (void)state;
    refused("[engine]\npatience = 0\n", 2, "patience is one duration from 1s to 1h");
    refused("[engine]\npatience = 2h\n", 2, "patience is one duration from 1s to 1h");
    refused("[engine]\nhaste = 1s\n", 2, "unknown name 'haste' in [engine]: patience");
    refused("[policy]\nvalues = safe\n", 2, "values is one word: printable, portable");
    refused("[policy]\nvalues =\n", 2, "values is one word");
    refused("[views]\ntemplate = /a\n", 2, "unknown name 'template' in [views]: templates");
    refused("[views]\ntemplates = a/b\n", 2, "templates is one absolute path");
    refused("[views]\ntemplates = /\n", 2, "templates is one absolute path");
    refused("[views]\ntemplates =\n", 2, "templates is one absolute path");
    refused("[views]\ntemplates = /etc\n  /b\n", 3, "templates is one absolute path");
    refused("[policy]\npropagation = soon\n", 2, "not a duration");
    refused("[policy]\npropagation = -5m\n", 2, "not a duration");
    refused("[policy]\npropagation =\n", 2, "not a duration");
    refused("[policy]\npropagation = 5m\n  5m\n", 3, "one value, on one line");
    refused("[audit]\non-failure = maybe\n", 2, "on-failure is one word: refuse, allow");
    refused("[audit]\non-failure = refuse\n allow\n", 3, "on-failure is one word: refuse, allow");
    refused("[catalogue]\nfiles = /etc/passwd b.ini\n", 2, "absolute paths");
    refused("[catalogue]\nfiles = ../a\n", 2, "absolute paths");
    refused("[catalogue]\nfiles = /etc/passwd\n  /nosuch\n", 3, "/nosuch: no such file");
    refused("[catalogue]\nfiles = /etc\n", 2, "/etc: not a regular file");
    refused("[views]\ntemplates = /nosuch\n", 2, "/nosuch: no such directory");
    refused("[views]\ntemplates = /tmp\n", 2, "/tmp: others than its owner may write to it");
}

static void wrong_members_are_refused_at_their_line(void **state)
{
    (void)state;
    refused("[members]\nauditor = user:0\nkey-manager = user:0\n[role keymanager]\npermissions = reveal\n", 3,
            "unknown role 'key-manager': super-admin, company-admin, auditor, or one with a section [role NAME]");
    refused("[members]\nauditor = user:0\n   user:no-such-user-here\n", 3,
            "no such user or group: 'user:no-such-user-here'");
    refused("[members]\nauditor = group:no-such-group-here\n", 2, "no such user or group");
    refused("[members]\nauditor = root\n", 2, "'root' is not a principal: user:NAME, group:NAME");
    refused("[members]\nauditor = user:0 user:\n", 2, "'user:' is not a principal");
    refused("[members]\nauditor = user:9-1\n", 2, "'user:9-1' is not a principal");
    refused("[members]\nauditor = user:4294967295\n", 2, "is not a principal");
    refused("[members]\nauditor = user:1,user:2\n", 2, "user:1,user:2");
}

static void wrong_roles_are_refused(void **state)
{
    (void)state;
    refused("[role super-admin]\npermissions = audit\n", 1, "the role 'super-admin' is built in");
    refused("[role auditor]\npermissions = reveal\n", 1, "the role 'auditor' is built in");
    refused("[role Key]\npermissions = reveal\n", 1, "not a role's name");
    refused("[role a b]\npermissions = reveal\n", 1, "not a role's name");
    refused("[role  a]\npermissions = reveal\n", 1, "not a role's name");
    refused("[members]\n[role a]\npermissions =\n", 2, "a role needs a permission");
    refused("[role a]\n", 1, "a role needs a permission");
    refused("[members]\na = user:0\n[role a]\n", 3, "a role needs a permission");
}

static void doubled_names_are_refused(void **state)
{
    (void)state;
    refused("[members]\nauditor = user:0\nauditor = user:1\n", 3, "");
    refused("[role a]\npermissions = audit\n[policy]\npropagation = 1m\n[role a]\npermissions = reveal\n", 5,
            "[role a] is there already");
}

static void long_words_do_not_overflow(void **state)
{
    char text[256];

    (void)state;
    snprintf(text, sizeof(text), "[members]\nauditor = user:%0150dx\n", 7);
    refused(text, 2, "");
    snprintf(text, sizeof(text), "[role a]\npermissions = %0150d\n", 7);
    refused(text, 2, "unknown permission '000");
    snprintf(text, sizeof(text), "[%0150d]\nx = y\n", 7);
    refused(text, 1, "unknown section [000");
    snprintf(text, sizeof(text), "[members]\n%0150d = user:1\n", 7);
    refused(text, 2, "unknown role '000");
}

static void an_unsafe_file_is_refused(void **state)
{
    struct cf_config *config = loaded("[members]\n");
    struct cf_fault fault = {{0}};

    (void)state;
    cf_config_free(config);
    assert_int_equal(chmod(path, 0620), 0);
    assert_int_equal(load_path(path, &config, &fault), CF_EUNSAFE);
    assert_null(config);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(load_path("/nonexistent/credfs.ini", &config, &fault), CF_ENOENT);
    assert_null(config);
}

static void permissions_have_their_words(void **state)
{
    (void)state;
    assert_string_equal(cf_permission_word(CF_MAY_MANAGE), "application-credentials");
    assert_string_equal(cf_permission_word(CF_MAY_REVEAL), "reveal");
    assert_string_equal(cf_permission_word(CF_MAY_ASSIGN), "assignments");
    assert_string_equal(cf_permission_word(CF_MAY_AUDIT), "audit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file_the_owner_is_all),
        cmocka_unit_test(all_of_it_is_read),
        cmocka_unit_test(values_may_be_plain),
        cmocka_unit_test(views_and_portable_values),
        cmocka_unit_test(unknown_words_are_refused_and_the_known_ones_named),
        cmocka_unit_test(wrong_values_are_refused),
        cmocka_unit_test(wrong_members_are_refused_at_their_line),
        cmocka_unit_test(wrong_roles_are_refused),
        cmocka_unit_test(doubled_names_are_refused),
        cmocka_unit_test(long_words_do_not_overflow),
        cmocka_unit_test(an_unsafe_file_is_refused),
        cmocka_unit_test(permissions_have_their_words),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
