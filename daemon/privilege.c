/*
 * What the daemon gives up.
 * Used by main.c, once.
 * Must never leave the process half dropped.
 */
#include "daemon/privilege.h"

#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <link.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define FILES_WANTED 131072u /* all sessions, all connections, and as much again */
#define NSSWITCH "/etc/nsswitch.conf"

#define KEPT_COUNT 8

static char *entry_of(const char *name)
{
    size_t length = strlen(name);
    for (char **entry = environ; entry && *entry; entry++)
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            return *entry;
    return NULL;
}

/* Allocates nothing: a start without memory must not forget who waits for its word. */
void privilege_clean_environment(void)
{
    static const char *const kept[KEPT_COUNT] = {"NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS",
        "LISTEN_FDNAMES", "WATCHDOG_PID", "WATCHDOG_USEC", "JOURNAL_STREAM",
        "CREDENTIALS_DIRECTORY"};
    static char *entries[KEPT_COUNT + 1];
    size_t count = 0;
    for (size_t i = 0; i < KEPT_COUNT; i++) {
        entries[count] = entry_of(kept[i]);
        count += entries[count] != NULL;
    }
    entries[count] = NULL;
    environ = entries;
}

void privilege_harden(void)
{
    /* free() overwrites what it takes back, since passwords and tokens pass through libraries' memory;
     * but for pieces below about 1 KB, which glibc keeps for its thread as they are. */
    mallopt(M_PERTURB, 0x5a);
    /* What is large is large for a moment (an answer, a snapshot): it goes back to the kernel. */
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    mallopt(M_ARENA_MAX, 1);
    struct rlimit none = {0, 0}, files;
    (void)setrlimit(RLIMIT_CORE, &none);
    /* Each open session holds a descriptor of its process; the usual 1024 are nobody's limit. */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < FILES_WANTED) {
        files.rlim_cur = files.rlim_max < FILES_WANTED ? files.rlim_max : FILES_WANTED;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    umask(077);
}

static enum kc_status write_nsswitch(const char *path)
{
    static const char text[] = "passwd: files\ngroup: files\nhosts: files dns\n";
    KC_AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, text, sizeof text - 1) != (ssize_t)(sizeof text - 1))
        return KC_SYSTEM;
    return fchmod(fd, 0644) == 0 ? KC_OK : KC_SYSTEM;
}

enum kc_status privilege_own_nsswitch(const char *run_dir)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/nsswitch.conf", run_dir) >= (int)sizeof path)
        return KC_TOO_LARGE;
    enum kc_status status = write_nsswitch(path);
    if (status != KC_OK)
        return status;
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_SLAVE, NULL) != 0 ||
        mount(path, NSSWITCH, "none", MS_BIND, NULL) != 0)
        return KC_SYSTEM;
    return KC_OK;
}

static int give_back(struct dl_phdr_info *object, size_t size, void *userdata)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    (void)size;
    (void)userdata;
    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        const uintptr_t begin = object->dlpi_addr + (part->p_vaddr & ~(page - 1));
        const uintptr_t end = object->dlpi_addr + part->p_vaddr + part->p_memsz;
        if (part->p_type == PT_LOAD && !(part->p_flags & PF_W))
            (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
    }
    return 0;
}

void privilege_give_back_start(void)
{
    (void)dl_iterate_phdr(give_back, NULL);
    (void)malloc_trim(0);
}

enum kc_status privilege_drop(uid_t uid, gid_t gid)
{
    if (uid == 0 || gid == 0)
        return KC_CONFIG_INVALID;
    if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
        return KC_SYSTEM;
    /* The change of ids made the process dumpable as fs.suid_dumpable says: say it again. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return setresuid(0, 0, 0) == 0 ? KC_SYSTEM : KC_OK;
}

enum kc_status privilege_no_new(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? KC_OK : KC_SYSTEM;
}
