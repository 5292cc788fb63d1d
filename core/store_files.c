#include "store_files.h"

#include "crypto.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char database_name[] = "credfs.db";
static const char key_name[] = "master.key";
static const char lock_name[] = "lock";

static const char *const names[] = {database_name, "credfs.db-wal", "credfs.db-shm", "audit.log",
                                    "audit.head",  key_name,        lock_name};
enum { NAMES = sizeof names / sizeof *names };

/* Hexadecimal, and a newline. */
enum { KEY_TEXT = 2 * CF_KEY_SIZE + 1 };

static enum cf_error of_errno(void)
{
    return errno == ENOSPC || errno == EDQUOT ? CF_EFULL : errno == ENOMEM ? CF_ENOMEM : CF_EIO;
}

static enum cf_error check_file(int dir, const char *path, const char *name, struct cf_fault *fault)
{
    struct stat st;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? CF_OK : CF_EIO;
    if (!S_ISREG(st.st_mode))
        cf_fault_set(fault, "%s/%s is no regular file", path, name);
    else if (st.st_uid != geteuid())
        cf_fault_set(fault, "%s/%s belongs to uid %u, not to uid %u", path, name, st.st_uid, geteuid());
    else if ((st.st_mode & 077) != 0)
        cf_fault_set(fault, "%s/%s has mode %03o: make it 600", path, name, st.st_mode & 0777);
    else
        return CF_OK;
    return CF_EUNSAFE;
}

static enum cf_error check_directory(int dir, const char *path, struct cf_fault *fault)
{
    struct stat st;

    if (fstat(dir, &st) != 0)
        return CF_EIO;
    if (st.st_uid != geteuid())
        cf_fault_set(fault, "%s belongs to uid %u: only that user may open this store (we are uid %u)", path,
                     st.st_uid, geteuid());
    else if ((st.st_mode & 077) != 0)
        cf_fault_set(fault, "%s has mode %03o: make it 700", path, st.st_mode & 0777);
    else
        return CF_OK;
    return CF_EUNSAFE;
}

enum cf_error cf_files_open(const char *path, int *dir, struct cf_fault *fault)
{
    *dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*dir >= 0)
        return CF_OK;
    cf_fault_set(fault, "%s: %s", path, strerror(errno));
    return errno == ENOENT                      ? CF_ENOENT
           : errno == EACCES                    ? CF_EDENIED
           : errno == ELOOP || errno == ENOTDIR ? CF_EUNSAFE
                                                : CF_EIO;
}

static bool have(int dir, const char *name)
{
    return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Is nothing in it but what does not count? */
static bool is_empty(int dir)
{
    static const char *const uncounted[] = {".", "..", lock_name, "lost+found"};
    const int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    bool is = list != NULL;

    while (is && (entry = readdir(list)) != NULL) {
        is = false;
        for (size_t i = 0; i < sizeof uncounted / sizeof *uncounted; i++)
            is = is || strcmp(entry->d_name, uncounted[i]) == 0;
    }
    if (list != NULL)
        closedir(list);
    else if (fd >= 0)
        close(fd);
    return is;
}

enum cf_files_kind cf_files_kind(int dir)
{
    if (have(dir, database_name))
        return CF_FILES_STORE;
    for (size_t i = 0; i < NAMES; i++)
        if (names[i] != lock_name && have(dir, names[i]))
            return CF_FILES_REST;
    return is_empty(dir) ? CF_FILES_EMPTY : CF_FILES_OTHER;
}

enum cf_error cf_files_check(int dir, const char *path, struct cf_fault *fault)
{
    enum cf_error error = check_directory(dir, path, fault);

    for (size_t i = 0; error == CF_OK && i < NAMES; i++)
        error = check_file(dir, path, names[i], fault);
    return error;
}

void cf_files_remove(int dir)
{
    for (size_t i = 0; i < NAMES; i++)
        (void)unlinkat(dir, names[i], 0);
}

static pid_t read_holder(int lock)
{
    char text[24] = "";

    return pread(lock, text, sizeof text - 1, 0) <= 0 ? 0 : (pid_t)strtol(text, NULL, 10);
}

static bool is_locked(int lock)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(lock, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;
}

pid_t cf_files_holder(int dir)
{
    int lock = openat(dir, lock_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    pid_t holder = 0;

    if (lock < 0)
        return 0;
    if (is_locked(lock))
        holder = read_holder(lock);
    close(lock);
    return holder;
}

enum cf_error cf_files_lock(int dir, const char *path, int *lock, struct cf_fault *fault)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char text[24];
    int len = snprintf(text, sizeof text, "%d\n", (int)getpid());
    int fd = openat(dir, lock_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    *lock = -1;
    if (fd < 0) {
        cf_fault_set(fault, "%s/%s: %s", path, lock_name, strerror(errno));
        return of_errno();
    }
    if (fcntl(fd, F_OFD_SETLK, &range) != 0) {
        cf_fault_set(fault, "%s is in use by process %d", path, (int)read_holder(fd));
        close(fd);
        return CF_EBUSY;
    }
    if (pwrite(fd, text, (size_t)len, 0) != len || ftruncate(fd, len) != 0) {
        enum cf_error error = of_errno();
        cf_fault_set(fault, "%s/%s: %s", path, lock_name, strerror(errno));
        close(fd);
        return error;
    }
    *lock = fd;
    return CF_OK;
}

static enum cf_error parse_key(const struct cf_secret *text, const char *path, struct cf_secret **key,
                               struct cf_fault *fault)
{
    const char *digits = (const char *)cf_secret_peek(text);

    *key = cf_secret_new(CF_KEY_SIZE);
    if (*key == NULL)
        return CF_ENOMEM;
    if (digits[KEY_TEXT - 1] == '\n' && cf_unhex(digits, KEY_TEXT - 1, cf_secret_bytes(*key), CF_KEY_SIZE))
        return CF_OK;
    cf_secret_free(*key);
    *key = NULL;
    cf_fault_set(fault, "%s/%s is damaged: it should hold 64 hexadecimal digits", path, key_name);
    return CF_EWRONGKEY;
}

enum cf_error cf_files_read_key(int dir, const char *path, struct cf_secret **key, struct cf_fault *fault)
{
    struct cf_secret *text = cf_secret_new(KEY_TEXT);
    int fd = openat(dir, key_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    enum cf_error error = CF_OK;

    *key = NULL;
    if (text == NULL) {
        error = CF_ENOMEM;
    } else if (fd < 0) {
        cf_fault_set(fault, "%s/%s: %s", path, key_name, strerror(errno));
        error = errno == ENOENT ? CF_EWRONGKEY : CF_EIO;
    } else if (read(fd, cf_secret_bytes(text), KEY_TEXT) != KEY_TEXT) {
        cf_fault_set(fault, "%s/%s is too short", path, key_name);
        error = CF_EWRONGKEY;
    } else {
        error = parse_key(text, path, key, fault);
    }
    if (fd >= 0)
        close(fd);
    cf_secret_free(text);
    return error;
}

static enum cf_error write_key(int dir, const struct cf_secret *text, struct cf_fault *fault)
{
    int fd = openat(dir, key_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    enum cf_error error = CF_OK;

    if (fd < 0 || write(fd, cf_secret_peek(text), KEY_TEXT) != KEY_TEXT || fsync(fd) != 0) {
        error = of_errno();
        cf_fault_set(fault, "%s: %s", key_name, strerror(errno));
    }
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && error != CF_OK)
        unlinkat(dir, key_name, 0);
    return error;
}

enum cf_error cf_files_make_key(int dir, struct cf_secret **key, struct cf_fault *fault)
{
    /* One byte more than the text, for the NUL that cf_hex writes. */
    struct cf_secret *text = cf_secret_new(KEY_TEXT + 1);
    enum cf_error error;

    *key = cf_secret_new(CF_KEY_SIZE);
    if (text == NULL || *key == NULL) {
        error = CF_ENOMEM;
    } else {
        cf_random(cf_secret_bytes(*key), CF_KEY_SIZE);
        cf_hex(cf_secret_peek(*key), CF_KEY_SIZE, (char *)cf_secret_bytes(text));
        cf_secret_bytes(text)[KEY_TEXT - 1] = '\n';
        error = write_key(dir, text, fault);
    }
    cf_secret_free(text);
    if (error != CF_OK) {
        cf_secret_free(*key);
        *key = NULL;
    }
    return error;
}
