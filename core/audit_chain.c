#include "audit_chain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum cf_error cf_audit_errno(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return CF_EFULL;
    case ENOENT:
        return CF_ENOENT;
    case ELOOP:
        return CF_EUNSAFE;
    case ENOMEM:
        return CF_ENOMEM;
    default:
        return CF_EIO;
    }
}

static const char *unsafe_because(const struct stat *st)
{
    if (!S_ISREG(st->st_mode))
        return "is not a regular file";
    if (st->st_uid != geteuid())
        return "belongs to another user";
    if ((st->st_mode & 07777) != 0600)
        return "has a mode other than 0600";
    return NULL;
}

enum cf_error cf_audit_open_file(int dir, const char *name, int flags, int *fd, struct cf_fault *fault)
{
    struct stat st;
    const char *why;

    *fd = -1;
    int opened = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    if (opened < 0) {
        int number = errno;
        cf_fault_set(fault, number == ELOOP ? "%s is a symbolic link" : "%s: %s", name, strerror(number));
        return number == EISDIR || number == ENXIO ? CF_EUNSAFE : cf_audit_errno(number);
    }
    if (fstat(opened, &st) != 0) {
        cf_fault_set(fault, "%s: %s", name, strerror(errno));
        close(opened);
        return CF_EIO;
    }
    why = unsafe_because(&st);
    if (why != NULL) {
        cf_fault_set(fault, "%s %s", name, why);
        close(opened);
        return CF_EUNSAFE;
    }
    *fd = opened;
    return CF_OK;
}

void cf_audit_link(const struct cf_keys *keys, const uint8_t before[static CF_MAC_SIZE], const char *line,
                   size_t len, uint8_t out[static CF_MAC_SIZE])
{
    struct cf_mac mac;
    cf_mac_begin(&mac, keys, CF_MAC_AUDIT, "record");
    cf_mac_bytes(&mac, before, CF_MAC_SIZE);
    cf_mac_bytes(&mac, line, len);
    cf_mac_end(&mac, out);
}

/* --- the head --- */

enum { AT_LENGTH = 8, AT_MAC = 16, AT_SEAL = AT_MAC + CF_MAC_SIZE };

static void put_number(uint8_t *out, int64_t number)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)((uint64_t)number >> (8 * i));
}

static int64_t get_number(const uint8_t *in)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < 8; i++)
        number |= (uint64_t)in[i] << (8 * i);
    return (int64_t)number;
}

static void seal_slot(const struct cf_keys *keys, const uint8_t *slot, uint8_t out[static CF_MAC_SIZE])
{
    struct cf_mac mac;
    cf_mac_begin(&mac, keys, CF_MAC_AUDIT, "head");
    cf_mac_bytes(&mac, slot, AT_SEAL);
    cf_mac_end(&mac, out);
}

void cf_head_write(uint8_t *head, unsigned slot, const struct cf_keys *keys, const struct cf_tip *tip)
{
    uint8_t bytes[CF_HEAD_SLOT_SIZE];
    put_number(bytes, tip->seq);
    put_number(bytes + AT_LENGTH, tip->length);
    memcpy(bytes + AT_MAC, tip->mac, CF_MAC_SIZE);
    seal_slot(keys, bytes, bytes + AT_SEAL);
    memcpy(head + (size_t)slot * CF_HEAD_SLOT_STEP, bytes, sizeof(bytes));
}

static bool slot_read(const uint8_t *slot, const struct cf_keys *keys, struct cf_tip *tip)
{
    uint8_t seal[CF_MAC_SIZE];
    seal_slot(keys, slot, seal);
    if (!cf_equal(seal, slot + AT_SEAL, CF_MAC_SIZE))
        return false;
    tip->seq = get_number(slot);
    tip->length = get_number(slot + AT_LENGTH);
    memcpy(tip->mac, slot + AT_MAC, CF_MAC_SIZE);
    return true;
}

static bool is_blank(const uint8_t *bytes, size_t len)
{
    while (len > 0 && *bytes == 0) {
        bytes++;
        len--;
    }
    return len == 0;
}

enum cf_head_state cf_head_read(const uint8_t head[static CF_HEAD_SIZE], const struct cf_keys *keys,
                                struct cf_tip *tip)
{
    struct cf_tip slots[2];
    bool good[2];
    for (size_t i = 0; i < 2; i++)
        good[i] = slot_read(head + i * CF_HEAD_SLOT_STEP, keys, &slots[i]);
    if (!good[0] && !good[1])
        return is_blank(head, CF_HEAD_SIZE) ? CF_HEAD_BLANK : CF_HEAD_BAD;
    size_t later = good[0] && (!good[1] || slots[0].seq > slots[1].seq) ? 0 : 1;
    *tip = slots[later];
    if (!good[0] || !good[1])
        return CF_HEAD_HALF;
    return slots[later].seq - slots[1 - later].seq <= 1 ? CF_HEAD_GOOD : CF_HEAD_HALF;
}

enum cf_error cf_audit_create(int dir, const struct cf_keys *keys, struct cf_fault *fault)
{
    const struct cf_tip none = {0};
    uint8_t head[CF_HEAD_SIZE] = {0};
    struct stat st;
    int log = -1, fd = -1;
    enum cf_error error = cf_audit_open_file(dir, CF_AUDIT_LOG, O_RDWR | O_CREAT, &log, fault);
    if (error == CF_OK && fstat(log, &st) != 0)
        error = CF_EIO;
    bool is_new = error == CF_OK && st.st_size == 0;
    if (is_new)
        error = cf_audit_open_file(dir, CF_AUDIT_HEAD, O_RDWR | O_CREAT, &fd, fault);
    if (is_new && error == CF_OK) {
        cf_head_write(head, 0, keys, &none);
        cf_head_write(head, 1, keys, &none);
        if (pwrite(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) || fsync(fd) != 0) {
            cf_fault_set(fault, "%s: %s", CF_AUDIT_HEAD, strerror(errno));
            error = cf_audit_errno(errno);
        }
    }
    if (fd >= 0)
        close(fd);
    if (log >= 0)
        close(log);
    return error;
}
