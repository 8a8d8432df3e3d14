/*
 * libnss_floor: an NSS module that knows one user and two groups, and nothing else: the least that
 * a module can cost, for whatever name or id is asked.
 * Used by bench/lookup, as what kclogin's module is compared with.
 * Must never be installed.
 */
#include "bench/crowd.h"

#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT enum nss_status _nss_floor_getpwnam_r(
    const char *name, struct passwd *user, char *buffer, size_t size, int *errnop);
EXPORT enum nss_status _nss_floor_getpwuid_r(
    uid_t uid, struct passwd *user, char *buffer, size_t size, int *errnop);
EXPORT enum nss_status _nss_floor_getgrnam_r(
    const char *name, struct group *group, char *buffer, size_t size, int *errnop);
EXPORT enum nss_status _nss_floor_getgrgid_r(
    gid_t gid, struct group *group, char *buffer, size_t size, int *errnop);
EXPORT enum nss_status _nss_floor_initgroups_dyn(const char *user, gid_t primary, long *start,
    long *size, gid_t **groups, long limit, int *errnop);

static char name_ada[] = "ada", name_group[] = "hundred", password[] = "x";
static char gecos[] = "Ada Lovelace", home[] = "/home/ada", shell[] = "/bin/bash";

static const struct passwd ada = {
    .pw_name = name_ada,
    .pw_passwd = password,
    .pw_uid = CROWD_FIRST_ID,
    .pw_gid = CROWD_FIRST_ID,
    .pw_gecos = gecos,
    .pw_dir = home,
    .pw_shell = shell,
};

static char member[] = "u00001b";
#define TEN member, member, member, member, member, member, member, member, member, member
static char *members[] = {TEN, TEN, TEN, TEN, TEN, TEN, TEN, TEN, TEN, TEN, NULL};

static const struct group hundred = {
    .gr_name = name_group,
    .gr_passwd = password,
    .gr_gid = CROWD_FIRST_ID,
    .gr_mem = members,
};

enum nss_status _nss_floor_getpwnam_r(
    const char *name, struct passwd *user, char *buffer, size_t size, int *errnop)
{
    (void)name, (void)buffer, (void)size, (void)errnop;
    *user = ada;
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_floor_getpwuid_r(
    uid_t uid, struct passwd *user, char *buffer, size_t size, int *errnop)
{
    (void)uid, (void)buffer, (void)size, (void)errnop;
    *user = ada;
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_floor_getgrnam_r(
    const char *name, struct group *group, char *buffer, size_t size, int *errnop)
{
    (void)name, (void)buffer, (void)size, (void)errnop;
    *group = hundred;
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_floor_getgrgid_r(
    gid_t gid, struct group *group, char *buffer, size_t size, int *errnop)
{
    (void)gid, (void)buffer, (void)size, (void)errnop;
    *group = hundred;
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_floor_initgroups_dyn(const char *user, gid_t primary, long *start, long *size,
    gid_t **groups, long limit, int *errnop)
{
    (void)user, (void)primary, (void)limit, (void)errnop;
    if (*start + (long)CROWD_ADA_GROUPS > *size) {
        gid_t *more = realloc(*groups, (size_t)(*size + 64) * sizeof *more);
        if (!more)
            return NSS_STATUS_TRYAGAIN;
        *groups = more;
        *size += 64;
    }
    for (uint32_t i = 0; i < CROWD_ADA_GROUPS; i++)
        (*groups)[(*start)++] = crowd_gid(i + 1);
    return NSS_STATUS_SUCCESS;
}
