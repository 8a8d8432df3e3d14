/*
 * Files beside the configuration: secrets and certificates.
 * Used by config.c alone, at load time.
 * Must never follow a link to a secret, nor leave a copy of one outside struct kc_secret.
 */
#include "daemon/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

static enum kc_status cannot(struct kc_conf_error *error, const char *what)
{
    int code = errno;
    return kc_conf_fail(error, code == ENOENT || code == ENOTDIR ? KC_CONFIG_INVALID : KC_SYSTEM,
        "the file cannot be %s: %s", what, strerrordesc_np(code));
}

/* A name without a slash is a credential of systemd's. */
static bool is_credential(const char *name)
{
    return !strchr(name, '/');
}

static enum kc_status open_secret(const struct config_source *source, const char *name, int *ret_fd,
    struct kc_conf_error *ret_error)
{
    const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    bool credential = is_credential(name);
    if (credential && !source->credentials)
        return kc_conf_fail(ret_error, KC_CONFIG_INVALID,
            "names a systemd credential, and the daemon was given none");
    KC_AUTO_CLOSE int folder = -1;
    if (credential) {
        folder = open(source->credentials, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0)
            return cannot(ret_error, "opened");
    }
    int fd = openat(folder, name, flags);
    if (fd < 0 && errno == ELOOP)
        return kc_conf_fail(ret_error, KC_CONFIG_UNTRUSTED, "the file is a symbolic link");
    if (fd < 0)
        return cannot(ret_error, "opened");
    *ret_fd = fd;
    return KC_OK;
}

/* Whose a secret may be. A file that others have no access to is of no use but to its owner. */
static enum kc_status check_owner(
    const struct config_source *source, uid_t uid, bool credential, struct kc_conf_error *error)
{
    if (uid == source->self || (credential && uid == source->owner))
        return KC_OK;
    return kc_conf_fail(error, KC_CONFIG_UNTRUSTED,
        "the file belongs to uid %ju; it must belong to the daemon's, %ju%s", (uintmax_t)uid,
        (uintmax_t)source->self,
        uid == source->owner ? ", or be handed over as a systemd credential" : "");
}

static enum kc_status check_secret(int fd, const struct config_source *source, bool credential,
    size_t max, struct kc_conf_error *error)
{
    const mode_t forbidden = credential ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return cannot(error, "examined");
    if (!S_ISREG(st.st_mode))
        return kc_conf_fail(error, KC_CONFIG_UNTRUSTED, "the file is not a regular file");
    enum kc_status status = check_owner(source, st.st_uid, credential, error);
    if (status != KC_OK)
        return status;
    if (st.st_mode & forbidden)
        return kc_conf_fail(error, KC_CONFIG_UNTRUSTED,
            "the file has mode %04o; nobody but its owner may have access (chmod 0400)",
            (unsigned)st.st_mode & 07777);
    if (st.st_size < 0 || (uintmax_t)st.st_size > max)
        return kc_conf_fail(error, KC_CONFIG_INVALID, "the file has more than %zu bytes", max);
    return KC_OK;
}

static enum kc_status read_all(
    int fd, size_t max, struct kc_secret *secret, struct kc_conf_error *error)
{
    if (kc_secret_reserve(secret, max + 1) != KC_OK)
        return kc_conf_fail(error, KC_NO_MEMORY, "no memory");
    while (secret->length <= max) {
        ssize_t got = read(fd, secret->bytes + secret->length, max + 1 - secret->length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cannot(error, "read");
        if (got == 0)
            break;
        secret->length += (size_t)got;
    }
    if (secret->length > max)
        return kc_conf_fail(error, KC_CONFIG_INVALID, "the file has more than %zu bytes", max);
    secret->bytes[secret->length] = 0;
    return KC_OK;
}

static enum kc_status read_secret(const struct config_source *source, const char *name, size_t max,
    struct kc_secret *ret_secret, struct kc_conf_error *ret_error)
{
    KC_AUTO_CLOSE int fd = -1;
    KC_AUTO_SECRET struct kc_secret secret = KC_SECRET_INIT;
    enum kc_status status = open_secret(source, name, &fd, ret_error);
    if (status == KC_OK)
        status = check_secret(fd, source, is_credential(name), max, ret_error);
    if (status == KC_OK)
        status = read_all(fd, max, &secret, ret_error);
    if (status != KC_OK)
        return status;
    kc_secret_wipe(ret_secret);
    *ret_secret = kc_secret_take(&secret);
    return KC_OK;
}

enum kc_status secret_file_read_text(const struct config_source *source, const char *name,
    struct kc_secret *ret_secret, struct kc_conf_error *ret_error)
{
    KC_AUTO_SECRET struct kc_secret secret = KC_SECRET_INIT;
    if (source->check_only && is_credential(name))
        return KC_OK;
    enum kc_status status = read_secret(source, name, SECRET_TEXT_MAX, &secret, ret_error);
    if (status != KC_OK)
        return status;
    if (secret.length && secret.bytes[secret.length - 1] == '\n')
        secret.bytes[--secret.length] = 0;
    if (secret.length == 0)
        return kc_conf_fail(ret_error, KC_CONFIG_INVALID, "the file is empty");
    for (size_t i = 0; i < secret.length; i++)
        if (secret.bytes[i] < 0x20 || secret.bytes[i] == 0x7f)
            return kc_conf_fail(ret_error, KC_CONFIG_INVALID,
                "the file holds a control character; a secret is one line of text");
    kc_secret_wipe(ret_secret);
    *ret_secret = kc_secret_take(&secret);
    return KC_OK;
}

enum kc_status secret_file_read_key(const struct config_source *source, const char *name,
    struct kc_secret *ret_secret, struct kc_conf_error *ret_error)
{
    KC_AUTO_SECRET struct kc_secret secret = KC_SECRET_INIT;
    if (source->check_only && is_credential(name))
        return KC_OK;
    enum kc_status status = read_secret(source, name, SECRET_KEY_MAX, &secret, ret_error);
    if (status != KC_OK)
        return status;
    if (!memmem(secret.bytes, secret.length, "-----BEGIN ", 11))
        return kc_conf_fail(ret_error, KC_CONFIG_INVALID, "the file holds no PEM");
    kc_secret_wipe(ret_secret);
    *ret_secret = kc_secret_take(&secret);
    return KC_OK;
}

enum kc_status secret_file_examine(
    const struct config_source *source, const char *path, struct kc_conf_error *ret_error)
{
    struct stat st;
    KC_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return cannot(ret_error, "opened");
    if (fstat(fd, &st) < 0)
        return cannot(ret_error, "examined");
    if (!S_ISREG(st.st_mode))
        return kc_conf_fail(ret_error, KC_CONFIG_UNTRUSTED, "the file is not a regular file");
    if (st.st_uid != 0 && st.st_uid != source->owner && st.st_uid != source->self)
        return kc_conf_fail(ret_error, KC_CONFIG_UNTRUSTED,
            "the file belongs to uid %ju, which is not to be trusted", (uintmax_t)st.st_uid);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return kc_conf_fail(ret_error, KC_CONFIG_UNTRUSTED,
            "the file can be written by others (mode %04o)", (unsigned)st.st_mode & 07777);
    return KC_OK;
}
