/* Configuration files: read once and only from where they are safe, and handed on as they were read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "source.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/test_source.XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/f.ini", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_file(const char *text, size_t len, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static enum cf_error read_path(struct cf_fault *fault)
{
    struct cf_sources *sources = cf_sources_new();
    const char *text;
    size_t len;
    enum cf_error error;

    assert_non_null(sources);
    *fault = (struct cf_fault){""};
    error = cf_sources_text(sources, path, &text, &len, fault);
    cf_sources_free(sources);
    return error;
}

static void assert_text(struct cf_sources *sources, const char *expected)
{
    struct cf_fault fault = {""};
    const char *text;
    size_t len;

    assert_int_equal(cf_sources_text(sources, path, &text, &len, &fault), CF_OK);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(text, expected, len);
}

static void files_are_read_once(void **state)
{
    struct cf_sources *sources = cf_sources_new();
    struct cf_fault fault = {""};
    const char *text;
    size_t len;

    (void)state;
    write_file("[s]\na = 1\n", 10, 0644);
    assert_text(sources, "[s]\na = 1\n");
    assert_true(cf_sources_have(sources, path));
    assert_false(cf_sources_have(sources, "/tmp/other"));
    write_file("other", 5, 0644);
    assert_text(sources, "[s]\na = 1\n");
    unlink(path);
    assert_text(sources, "[s]\na = 1\n");
    assert_int_equal(cf_sources_text(sources, "/dev/null/x", &text, &len, &fault), CF_EIO);
    assert_int_equal(cf_sources_text(sources, "/tmp/a\nb", &text, &len, &fault), CF_EUNSAFE);
    cf_sources_free(sources);
    assert_int_equal(read_path(&fault), CF_ENOENT);
}

static void sources_can_be_handed_over(void **state)
{
    struct cf_sources *sources = cf_sources_new(), *other;
    struct cf_text packed = {0};
    struct cf_fault fault = {""};
    const char *text;
    size_t len;

    (void)state;
    assert_int_equal(cf_sources_unpack("", 0, &other), CF_OK);
    cf_sources_free(other);
    write_file("", 0, 0600);
    assert_text(sources, "");
    assert_int_equal(cf_sources_text(sources, "/proc/self/exe", &text, &len, &fault), CF_EUNSAFE);
    cf_sources_pack(sources, &packed);
    cf_sources_free(sources);
    assert_int_equal(cf_text_result(&packed), CF_OK);
    unlink(path);
    assert_int_equal(cf_sources_unpack(packed.data, packed.len, &other), CF_OK);
    assert_text(other, "");
    cf_sources_free(other);
    for (size_t cut = 1; cut < packed.len; cut++) {
        packed.data[packed.len - cut] = '\0';
        assert_int_equal(cf_sources_unpack(packed.data, packed.len - cut, &other), CF_EFORMAT);
        assert_null(other);
    }
    cf_text_release(&packed);
}

static void assert_names(struct cf_sources *sources, const char *expected)
{
    struct cf_fault fault = {""};
    const char *names;
    size_t len;

    assert_int_equal(cf_sources_names(sources, folder, &names, &len, &fault), CF_OK);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(names, expected, len);
}

static void put_name(const char *name, bool is_there)
{
    char one[128];

    snprintf(one, sizeof(one), "%s/%s", folder, name);
    assert_int_equal(is_there ? mknod(one, S_IFREG | 0600, 0) : unlink(one), 0);
}

static void a_directory_is_read_once(void **state)
{
    static const char *const names[] = {"b", "A", ".hidden", "c~", "\xC3\xA9", "a b"};
    struct cf_sources *sources = cf_sources_new(), *other;
    struct cf_text packed = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        put_name(names[i], true);
    assert_names(sources, "A\na b\nb\n\xC3\xA9\n");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        put_name(names[i], false);
    assert_names(sources, "A\na b\nb\n\xC3\xA9\n");
    cf_sources_pack(sources, &packed);
    cf_sources_free(sources);
    assert_int_equal(cf_sources_unpack(packed.data, packed.len, &other), CF_OK);
    assert_names(other, "A\na b\nb\n\xC3\xA9\n");
    cf_sources_free(other);
    cf_text_release(&packed);
    sources = cf_sources_new();
    assert_names(sources, "");
    cf_sources_free(sources);
}

static enum cf_error read_names(const char *directory, struct cf_fault *fault)
{
    struct cf_sources *sources = cf_sources_new();
    const char *names;
    size_t len;
    enum cf_error error;

    *fault = (struct cf_fault){""};
    error = cf_sources_names(sources, directory, &names, &len, fault);
    cf_sources_free(sources);
    return error;
}

static void directories_that_are_not_safe_are_refused(void **state)
{
    struct cf_fault fault;

    (void)state;
    put_name("a\nb", true);
    assert_int_equal(read_names(folder, &fault), CF_EUNSAFE);
    assert_non_null(strstr(fault.text, "newline"));
    put_name("a\nb", false);
    assert_int_equal(read_names(path, &fault), CF_ENOENT);
    assert_non_null(strstr(fault.text, "no such directory"));
    write_file("x", 1, 0600);
    assert_int_equal(read_names(path, &fault), CF_EUNSAFE);
    assert_non_null(strstr(fault.text, "not a directory"));
    unlink(path);
    assert_int_equal(symlink(folder, path), 0);
    assert_int_equal(read_names(path, &fault), CF_EUNSAFE);
    assert_non_null(strstr(fault.text, "symbolic link"));
    unlink(path);
    assert_int_equal(chmod(folder, 0770), 0);
    assert_int_equal(read_names(folder, &fault), CF_EUNSAFE);
    assert_int_equal(chmod(folder, 0700), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(folder, 1, (gid_t)-1), 0);
        assert_int_equal(read_names(folder, &fault), CF_EUNSAFE);
        assert_int_equal(chown(folder, 0, (gid_t)-1), 0);
    }
}

static void the_time_of_change_is_kept(void **state)
{
    const struct timespec times[2] = {{.tv_sec = 1500000000, .tv_nsec = 7}, {.tv_sec = 1500000000, .tv_nsec = 7}};
    struct cf_sources *sources = cf_sources_new(), *other;
    struct cf_text packed = {0};
    char old[128];
    int len;

    (void)state;
    write_file("x", 1, 0600);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_int_equal(cf_sources_changed(sources, path), 0);
    assert_text(sources, "x");
    assert_int_equal(cf_sources_changed(sources, path), INT64_C(1500000000000000007));
    cf_sources_pack(sources, &packed);
    assert_int_equal(cf_sources_unpack(packed.data, packed.len, &other), CF_OK);
    assert_int_equal(cf_sources_changed(other, path), INT64_C(1500000000000000007));
    cf_sources_free(other);
    cf_sources_free(sources);
    cf_text_release(&packed);
    /* As the program packed it before there were times. */
    len = snprintf(old, sizeof(old), "%s\n1\nx", path);
    assert_int_equal(cf_sources_unpack(old, (size_t)len, &other), CF_OK);
    assert_text(other, "x");
    assert_int_equal(cf_sources_changed(other, path), 0);
    cf_sources_free(other);
    unlink(path);
}

static void files_that_others_may_write_are_refused(void **state)
{
    struct cf_fault fault;
    char want[128];

    (void)state;
    snprintf(want, sizeof(want), "chmod go-w %s", path);
    for (mode_t bit = 0020; bit != 0; bit = bit == 0020 ? 0002 : 0) {
        write_file("a = 1\n", 6, 0600 | bit);
        assert_int_equal(read_path(&fault), CF_EUNSAFE);
        assert_non_null(strstr(fault.text, want));
    }
    unlink(path);
}

static void files_in_a_directory_that_others_may_write_are_refused(void **state)
{
    struct cf_fault fault;
    char want[128];

    (void)state;
    snprintf(want, sizeof(want), "chmod go-w %s", folder);
    write_file("a = 1\n", 6, 0600);
    for (mode_t bit = 0020; bit != 0; bit = bit == 0020 ? 0002 : 0) {
        assert_int_equal(chmod(folder, 0700 | bit), 0);
        assert_int_equal(read_path(&fault), CF_EUNSAFE);
        assert_non_null(strstr(fault.text, want));
        assert_int_equal(chmod(folder, 01700 | bit), 0);
        assert_int_equal(read_path(&fault), CF_OK);
    }
    assert_int_equal(chmod(folder, 0700), 0);
    unlink(path);
}

static void other_kinds_of_file_are_refused(void **state)
{
    struct cf_fault fault;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_int_equal(symlink("no-such-file", path), 0); /* to nothing, should a failure leave it behind */
    assert_int_equal(read_path(&fault), CF_EUNSAFE);
    assert_non_null(strstr(fault.text, "symbolic link"));
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(read_path(&fault), CF_EUNSAFE);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(read_path(&fault), CF_EUNSAFE);
    rmdir(path);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(read_path(&fault), CF_EUNSAFE);
    unlink(path);
    close(fd);
}

static void files_past_1_mib_are_refused(void **state)
{
    enum { MIB = 1024 * 1024 };
    struct cf_fault fault;
    char *text = malloc(MIB + 1);

    (void)state;
    assert_non_null(text);
    memset(text, '\n', MIB + 1);
    write_file(text, MIB, 0600);
    assert_int_equal(read_path(&fault), CF_OK);
    write_file(text, MIB + 1, 0600);
    assert_int_equal(read_path(&fault), CF_EUNSAFE);
    assert_non_null(strstr(fault.text, "1 MiB"));
    free(text);
    unlink(path);
}

/* Read as a user who is neither root nor the file's owner. */
static bool is_refused_for(uid_t owner, uid_t reader)
{
    int status = 0;
    pid_t pid;

    assert_int_equal(chmod(folder, 0711), 0);
    write_file("a = 1\n", 6, 0644);
    assert_int_equal(chown(path, owner, (gid_t)-1), 0);
    pid = fork();
    if (pid == 0) {
        struct cf_fault fault;
        bool is_right = setresuid(reader, reader, reader) == 0 && read_path(&fault) == CF_EUNSAFE &&
                        strstr(fault.text, "chown") != NULL;

        _exit(is_right ? 1 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    unlink(path);
    return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static void files_of_other_users_are_refused(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_true(is_refused_for(1, 0));
    assert_true(is_refused_for(1, 65534));
    assert_false(is_refused_for(0, 65534));
    assert_false(is_refused_for(65534, 65534));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read_once),
        cmocka_unit_test(sources_can_be_handed_over),
        cmocka_unit_test(a_directory_is_read_once),
        cmocka_unit_test(directories_that_are_not_safe_are_refused),
        cmocka_unit_test(the_time_of_change_is_kept),
        cmocka_unit_test(files_that_others_may_write_are_refused),
        cmocka_unit_test(files_in_a_directory_that_others_may_write_are_refused),
        cmocka_unit_test(other_kinds_of_file_are_refused),
        cmocka_unit_test(files_past_1_mib_are_refused),
        cmocka_unit_test(files_of_other_users_are_refused),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
