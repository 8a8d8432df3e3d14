/*
 * What a script decides in place of the C library and of libpam: the clock's speed, the effective
 * uid, the name service, and where syslog lines go. The program exports these names, so that
 * libpam and the module find them here first.
 */
#include "tests/pam/play.h"

#include <poll.h>
#include <pwd.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* A fortified build may have a macro of this name. */
#undef syslog

static int euid = -1, speed = 1;
static const char *root = "";
static void (*log_handler)(int priority, const char *text);

__attribute__((format(printf, 3, 4))) void __syslog_chk(
    int priority, int flag, const char *format, ...);

void host_set_euid(int value)
{
    euid = value;
}

void host_set_speed(int factor)
{
    speed = factor;
}

void host_set_root(const char *path)
{
    root = path;
}

void host_on_log(void (*handler)(int priority, const char *text))
{
    log_handler = handler;
}

uid_t host_real_euid(void)
{
    return (uid_t)syscall(SYS_geteuid);
}

uid_t geteuid(void)
{
    return euid >= 0 ? (uid_t)euid : host_real_euid();
}

long long host_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    int result = (int)syscall(SYS_clock_gettime, clock, ret_time);
    if (clock == CLOCK_MONOTONIC && speed > 1) {
        long long ns =
            ((long long)ret_time->tv_sec % 10000000 * 1000000000 + ret_time->tv_nsec) * speed;
        *ret_time = (struct timespec){ns / 1000000000, ns % 1000000000};
    }
    return result;
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    long long ns = (long long)timeout * 1000000 / speed;
    struct timespec wait = {ns / 1000000000, ns % 1000000000};
    return (int)syscall(SYS_ppoll, fds, count, timeout < 0 ? NULL : &wait, NULL, 0);
}

/* An effective uid of the script's making is none that the kernel lets us send. */
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct msghdr *whole = (struct msghdr *)message;
    for (struct cmsghdr *item = CMSG_FIRSTHDR(whole); item; item = CMSG_NXTHDR(whole, item)) {
        struct ucred credentials;
        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_CREDENTIALS)
            continue;
        memcpy(&credentials, CMSG_DATA(item), sizeof credentials);
        if (credentials.uid != geteuid() || credentials.pid != getpid())
            play_fail(NULL, "a message carries uid %d and pid %d", (int)credentials.uid,
                (int)credentials.pid);
        credentials.uid = host_real_euid();
        memcpy(CMSG_DATA(item), &credentials, sizeof credentials);
    }
    return syscall(SYS_sendmsg, fd, message, flags);
}

__attribute__((format(printf, 2, 0))) static void log_line(
    int priority, const char *format, va_list arguments)
{
    char text[8192];
    vsnprintf(text, sizeof text, format, arguments);
    if (log_handler)
        log_handler(priority, text);
}

void syslog(int priority, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_line(priority, format, arguments);
    va_end(arguments);
}

void __syslog_chk(int priority, int flag, const char *format, ...)
{
    va_list arguments;
    (void)flag;
    va_start(arguments, format);
    log_line(priority, format, arguments);
    va_end(arguments);
}

/* The file `nss`: a line `NAME UID [SPELLING]`, SPELLING being what pw_name says. */
struct passwd *pam_modutil_getpwnam(pam_handle_t *pamh, const char *user)
{
    static struct passwd found;
    static char spelled[300];
    char path[512], line[600], name[300];
    unsigned uid;
    struct passwd *entry = NULL;
    (void)pamh;
    snprintf(path, sizeof path, "%s/nss", root);
    FILE *file = fopen(path, "re");
    while (file && !entry && fgets(line, sizeof line, file)) {
        int fields = sscanf(line, "%299s %u %299s", name, &uid, spelled);
        if (fields < 2 || strcmp(name, user) != 0)
            continue;
        if (fields == 2)
            memcpy(spelled, name, sizeof spelled);
        found = (struct passwd){.pw_name = spelled, .pw_uid = uid, .pw_gid = uid};
        entry = &found;
    }
    if (file)
        fclose(file);
    return entry;
}
