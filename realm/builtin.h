/*
 * What Keycloak makes in every realm by itself: clients, roles, and what they are composed of.
 * Used by import alone, which reads it before the file, in the same form.
 * Never holds a user or a secret.
 */
#ifndef REALM_BUILTIN_H
#define REALM_BUILTIN_H

/* Clients and roles in the export's own JSON; `%s` is the realm's name. */
extern const char realm_builtin_format[];

/* The client scopes of a realm whose file has none. */
extern const char realm_builtin_scopes[];

#endif
