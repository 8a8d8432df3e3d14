/*
 * The functions that glibc calls, as nss(5) names them.
 * Used by glibc alone: nothing else of this module is exported.
 * Must never leave errno changed but where it is the answer.
 */
#ifndef NSS_ENTRY_H
#define NSS_ENTRY_H

#include <grp.h>
#include <nss.h>
#include <pwd.h>

enum nss_status _nss_keycloak_getpwnam_r(
    const char *name, struct passwd *user, char *buffer, size_t size, int *errnop);
enum nss_status _nss_keycloak_getpwuid_r(
    uid_t uid, struct passwd *user, char *buffer, size_t size, int *errnop);
enum nss_status _nss_keycloak_setpwent(int stay_open);
enum nss_status _nss_keycloak_getpwent_r(
    struct passwd *user, char *buffer, size_t size, int *errnop);
enum nss_status _nss_keycloak_endpwent(void);

enum nss_status _nss_keycloak_getgrnam_r(
    const char *name, struct group *group, char *buffer, size_t size, int *errnop);
enum nss_status _nss_keycloak_getgrgid_r(
    gid_t gid, struct group *group, char *buffer, size_t size, int *errnop);
enum nss_status _nss_keycloak_setgrent(int stay_open);
enum nss_status _nss_keycloak_getgrent_r(
    struct group *group, char *buffer, size_t size, int *errnop);
enum nss_status _nss_keycloak_endgrent(void);

/* `primary` is the user's gid in its passwd entry: where it is not the realm's, nor is the user. */
enum nss_status _nss_keycloak_initgroups_dyn(const char *user, gid_t primary, long int *start,
    long int *size, gid_t **groups, long int limit, int *errnop);

#endif
