/*
 * Calls of the daemon that fail on demand, one after the other, or at which it dies.
 * Linked into the test build of the daemon (ld --wrap); test-failing.py decides, through a file.
 * Must never change a call that is not to fail.
 */
#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <systemd/sd-event.h>
#include <unistd.h>

/* As test-failing.py has it: what to do, and what was done. */
struct plan {
    uint32_t calls;   /* since it was set to 0 */
    uint32_t fail_at; /* the call with this number; 0: none */
    uint32_t dies;    /* instead of failing */
    char failed[52];  /* the call that it was */
};

static struct plan idle;
static volatile struct plan *plan = &idle;

/* Before main, which clears the environment. */
__attribute__((constructor)) static void find_plan(void)
{
    const char *path = getenv("KCLOGIN_TEST_PLAN");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *at = fd < 0 ? MAP_FAILED
                      : mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    if (at != MAP_FAILED)
        plan = at;
}

static unsigned spared; /* inside libcurl's own allocations */

static int fails(const char *name, int error)
{
    if (spared || ++plan->calls != plan->fail_at)
        return 0;
    memcpy((char *)plan->failed, name, strlen(name) + 1);
    if (plan->dies)
        (void)raise(SIGKILL);
    errno = error;
    return 1;
}

#define WRAP(result, name, parameters, arguments, error, failure)                                  \
    result __real_##name parameters;                                                               \
    result __wrap_##name parameters;                                                               \
    result __wrap_##name parameters                                                                \
    {                                                                                              \
        return fails(#name, error) ? (failure) : __real_##name arguments;                          \
    }

WRAP(void *, malloc, (size_t size), (size), ENOMEM, NULL)
WRAP(void *, calloc, (size_t count, size_t size), (count, size), ENOMEM, NULL)
WRAP(void *, realloc, (void *old, size_t size), (old, size), ENOMEM, NULL)
WRAP(char *, strdup, (const char *text), (text), ENOMEM, NULL)
WRAP(void *, mmap, (void *at, size_t size, int protection, int flags, int fd, off_t offset),
    (at, size, protection, flags, fd, offset), ENOMEM, MAP_FAILED)
WRAP(int, open, (const char *path, int flags, mode_t mode), (path, flags, mode), EMFILE, -1)
WRAP(int, openat, (int dir, const char *path, int flags, mode_t mode), (dir, path, flags, mode),
    EMFILE, -1)
WRAP(DIR *, fdopendir, (int fd), (fd), ENOMEM, NULL)
WRAP(int, fstat, (int fd, struct stat *ret), (fd, ret), ENOMEM, -1)
WRAP(ssize_t, read, (int fd, void *bytes, size_t size), (fd, bytes, size), EIO, -1)
WRAP(ssize_t, write, (int fd, const void *bytes, size_t size), (fd, bytes, size), ENOSPC, -1)
WRAP(int, renameat, (int from, const char *old, int to, const char *new), (from, old, to, new),
    ENOSPC, -1)
WRAP(int, unlinkat, (int dir, const char *path, int flags), (dir, path, flags), EIO, -1)
WRAP(int, socket, (int domain, int type, int protocol), (domain, type, protocol), EMFILE, -1)
WRAP(int, accept4, (int fd, struct sockaddr *address, socklen_t *size, int flags),
    (fd, address, size, flags), EMFILE, -1)
WRAP(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t size),
    (fd, level, name, value, size), ENOBUFS, -1)
WRAP(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *size),
    (fd, level, name, value, size), ENOBUFS, -1)
WRAP(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags), ENOMEM, -1)
WRAP(ssize_t, send, (int fd, const void *bytes, size_t size, int flags), (fd, bytes, size, flags),
    ENOBUFS, -1)
WRAP(int, sd_event_add_io,
    (sd_event * event, sd_event_source **ret, int fd, uint32_t events,
        sd_event_io_handler_t handler, void *userdata),
    (event, ret, fd, events, handler, userdata), ENOMEM, -ENOMEM)
WRAP(int, sd_event_add_time,
    (sd_event * event, sd_event_source **ret, clockid_t clock, uint64_t usec, uint64_t accuracy,
        sd_event_time_handler_t handler, void *userdata),
    (event, ret, clock, usec, accuracy, handler, userdata), ENOMEM, -ENOMEM)
WRAP(int, sd_event_add_time_relative,
    (sd_event * event, sd_event_source **ret, clockid_t clock, uint64_t usec, uint64_t accuracy,
        sd_event_time_handler_t handler, void *userdata),
    (event, ret, clock, usec, accuracy, handler, userdata), ENOMEM, -ENOMEM)
WRAP(CURL *, curl_easy_init, (void), (), ENOMEM, NULL)
WRAP(struct curl_slist *, curl_slist_append, (struct curl_slist * list, const char *text),
    (list, text), ENOMEM, NULL)
WRAP(CURLMcode, curl_multi_add_handle, (CURLM * multi, CURL *easy), (multi, easy), ENOMEM,
    CURLM_OUT_OF_MEMORY)
WRAP(EVP_MD_CTX *, EVP_MD_CTX_new, (void), (), ENOMEM, NULL)

/*
 * libcurl is spared: 7.88 divides by zero some time after an allocation that failed. Then the daemon
 * dies, of which the other test is.
 */
static curl_malloc_callback own_malloc;
static curl_realloc_callback own_realloc;
static curl_calloc_callback own_calloc;
static curl_strdup_callback own_strdup;

static void *spared_malloc(size_t size)
{
    spared++;
    void *bytes = own_malloc(size);
    spared--;
    return bytes;
}

static void *spared_realloc(void *old, size_t size)
{
    spared++;
    void *bytes = own_realloc(old, size);
    spared--;
    return bytes;
}

static void *spared_calloc(size_t count, size_t size)
{
    spared++;
    void *bytes = own_calloc(count, size);
    spared--;
    return bytes;
}

static char *spared_strdup(const char *text)
{
    spared++;
    char *copy = own_strdup(text);
    spared--;
    return copy;
}

CURLcode __real_curl_global_init_mem(long, curl_malloc_callback, curl_free_callback,
    curl_realloc_callback, curl_strdup_callback, curl_calloc_callback);
CURLcode __wrap_curl_global_init_mem(long, curl_malloc_callback, curl_free_callback,
    curl_realloc_callback, curl_strdup_callback, curl_calloc_callback);
CURLcode __wrap_curl_global_init_mem(long flags, curl_malloc_callback m, curl_free_callback f,
    curl_realloc_callback r, curl_strdup_callback s, curl_calloc_callback c)
{
    own_malloc = m;
    own_realloc = r;
    own_strdup = s;
    own_calloc = c;
    return __real_curl_global_init_mem(
        flags, spared_malloc, f, spared_realloc, spared_strdup, spared_calloc);
}

/* Variadic, and used for pidfd_open alone. */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    va_list arguments;
    va_start(arguments, number);
    long first = va_arg(arguments, int), second = va_arg(arguments, int);
    va_end(arguments);
    return fails("syscall", EMFILE) ? -1 : __real_syscall(number, first, second);
}
