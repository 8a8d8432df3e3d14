/*
 * Status codes: the one vocabulary of outcomes, from a socket error to the word in the log.
 * Used by every room. Each foreign error code is translated into one of these once, in the file
 * that calls the foreign library; a class becomes a PAM or NSS code in one table of that module.
 */
#ifndef KC_STATUS_H
#define KC_STATUS_H

/*
 * What an outcome means to somebody who waits at a prompt. The numbers travel on the wire
 * (PROTOCOL.md) and never change.
 */
enum kc_class {
    KC_CLASS_OK = 0,
    KC_CLASS_REFUSED = 1,       /* what was typed, or the token that came of it, is not accepted */
    KC_CLASS_FORBIDDEN = 2,     /* somebody known, who may not enter here */
    KC_CLASS_EXPIRED = 3,       /* the account is disabled in the realm */
    KC_CLASS_UNKNOWN = 4,       /* no such user */
    KC_CLASS_NOT_OURS = 5,      /* an account that the realm has no say in */
    KC_CLASS_UNREACHABLE = 6,   /* no byte came from any server of the realm */
    KC_CLASS_UNAVAILABLE = 7,   /* the realm or the daemon cannot answer just now */
    KC_CLASS_MISCONFIGURED = 8, /* host or realm are set up wrongly; an administrator must act */
    KC_CLASS_INTERNAL = 9,      /* our own fault, or memory, or a system call */
    KC_CLASS_CONVERSATION = 10, /* the person or the host program ended the conversation */
};

/* name, word in logs and answers, class */
#define KC_STATUS_LIST(X)                                                                          \
    X(OK, "ok", OK)                                                                                \
    /* the person and the account */                                                               \
    X(BAD_CREDENTIALS, "bad-credentials", REFUSED)                                                 \
    X(EMPTY_PASSWORD, "empty-password", REFUSED)                                                   \
    X(DUMMY_PASSWORD, "dummy-password", REFUSED)                                                   \
    X(PASSWORD_TOO_LONG, "password-too-long", REFUSED)                                             \
    X(LIMITED, "too-many-failures", REFUSED)                                                       \
    X(ACCOUNT_DISABLED, "account-disabled", EXPIRED)                                               \
    X(ACTION_REQUIRED, "action-required", FORBIDDEN)                                               \
    X(SESSION_LIMIT, "session-limit", FORBIDDEN)                                                   \
    X(NOT_PERMITTED, "not-permitted", FORBIDDEN)                                                   \
    X(NO_ACCESS_RULE, "no-access-rule", FORBIDDEN)                                                 \
    X(NO_EVIDENCE, "no-evidence", FORBIDDEN)                                                       \
    X(RULE_NEEDS_TOKEN, "needs-token", FORBIDDEN)                                                  \
    X(CLIENT_ROLES_UNSEEN, "client-roles-unseen", FORBIDDEN)                                       \
    X(NOT_AUTHORIZED, "not-authorized", FORBIDDEN)                                                 \
    X(TRANSACTION_UNKNOWN, "transaction-unknown", FORBIDDEN)                                       \
    X(TRANSACTION_MISMATCH, "transaction-mismatch", FORBIDDEN)                                     \
    X(PASSWORD_ELSEWHERE, "password-elsewhere", FORBIDDEN)                                         \
    X(USER_UNKNOWN, "user-unknown", UNKNOWN)                                                       \
    X(NOT_OURS, "not-ours", NOT_OURS)                                                              \
    X(USER_SWITCHED, "user-switched", NOT_OURS)                                                    \
    X(REFRESH_TOKEN_REFUSED, "refresh-token-refused", REFUSED)                                     \
    /* a user of the realm who has no entry on this host */                                        \
    X(ENTRY_NO_UID, "no-uid", UNKNOWN)                                                             \
    X(ENTRY_NO_GID, "no-gid", UNKNOWN)                                                             \
    X(ENTRY_BAD_UID, "uid-not-usable", UNKNOWN)                                                    \
    X(ENTRY_BAD_GID, "gid-not-usable", UNKNOWN)                                                    \
    X(ENTRY_MALFORMED, "entry-malformed", UNKNOWN)                                                 \
    X(ENTRY_NAME_TAKEN, "name-taken", UNKNOWN)                                                     \
    X(ENTRY_ID_TAKEN, "id-taken", UNKNOWN)                                                         \
    /* a token that does not verify */                                                             \
    X(TOKEN_MALFORMED, "malformed", REFUSED)                                                       \
    X(TOKEN_BAD_SIGNATURE, "bad-signature", REFUSED)                                               \
    X(TOKEN_ALG_NOT_ALLOWED, "alg-not-allowed", REFUSED)                                           \
    X(TOKEN_KEY_UNKNOWN, "key-unknown", REFUSED)                                                   \
    X(TOKEN_KEY_UNFIT, "key-unfit", REFUSED)                                                       \
    X(TOKEN_CRITICAL_HEADER, "critical-header", REFUSED)                                           \
    X(TOKEN_DUPLICATE_MEMBER, "duplicate-member", REFUSED)                                         \
    X(TOKEN_CLAIM_MISSING, "claim-missing", REFUSED)                                               \
    X(TOKEN_WRONG_ISSUER, "wrong-issuer", REFUSED)                                                 \
    X(TOKEN_WRONG_CLIENT, "wrong-client", REFUSED)                                                 \
    X(TOKEN_WRONG_AUDIENCE, "wrong-audience", REFUSED)                                             \
    X(TOKEN_WRONG_TYPE, "wrong-type", REFUSED)                                                     \
    X(TOKEN_WRONG_USER, "wrong-user", REFUSED)                                                     \
    X(TOKEN_EXPIRED, "expired", REFUSED)                                                           \
    X(TOKEN_NOT_YET_VALID, "not-yet-valid", REFUSED)                                               \
    X(TOKEN_REVOKED, "revoked", REFUSED)                                                           \
    X(TOKEN_CLOCK_SKEW, "clock-skew", MISCONFIGURED)                                               \
    X(TOKEN_LIGHTWEIGHT, "lightweight-token", MISCONFIGURED)                                       \
    X(TOKEN_SYMMETRIC, "symmetric-token", MISCONFIGURED)                                           \
    /* the client's registration, the realm's settings, this host's configuration */               \
    X(CLIENT_UNKNOWN, "client-unknown", MISCONFIGURED)                                             \
    X(CLIENT_SECRET_WRONG, "client-secret-wrong", MISCONFIGURED)                                   \
    X(CLIENT_ASSERTION_REFUSED, "client-assertion-refused", MISCONFIGURED)                         \
    X(CLIENT_AUTH_FAILED, "client-auth-failed", MISCONFIGURED)                                     \
    X(CLIENT_POLICY, "client-policy", MISCONFIGURED)                                               \
    X(CLIENT_CONSENT_REQUIRED, "client-consent-required", MISCONFIGURED)                           \
    X(CLIENT_BEARER_ONLY, "client-bearer-only", MISCONFIGURED)                                     \
    X(CLIENT_WRONG_PROTOCOL, "client-wrong-protocol", MISCONFIGURED)                               \
    X(CLIENT_DPOP_REQUIRED, "client-dpop-required", MISCONFIGURED)                                 \
    X(CLIENT_CERTIFICATE_REQUIRED, "client-certificate-required", MISCONFIGURED)                   \
    X(GRANT_OFF, "direct-grant-off", MISCONFIGURED)                                                \
    X(GRANT_PROHIBITED, "direct-grant-prohibited", MISCONFIGURED)                                  \
    X(SCOPE_INVALID, "scope-invalid", MISCONFIGURED)                                               \
    X(REALM_UNKNOWN, "realm-unknown", MISCONFIGURED)                                               \
    X(REALM_WRONG_PATH, "realm-wrong-path", MISCONFIGURED)                                         \
    X(REALM_WRONG_ISSUER, "realm-wrong-issuer", MISCONFIGURED)                                     \
    X(REALM_WRONG_CLIENT, "realm-wrong-client", MISCONFIGURED)                                     \
    X(SERVICE_ACCOUNT_OFF, "service-account-off", MISCONFIGURED)                                   \
    X(DIRECTORY_FORBIDDEN, "directory-forbidden", MISCONFIGURED)                                   \
    X(REALM_HTTPS_REQUIRED, "realm-https-required", MISCONFIGURED)                                 \
    X(REALM_ORIGIN_REFUSED, "realm-origin-refused", MISCONFIGURED)                                 \
    X(REALM_DISABLED, "realm-disabled", UNAVAILABLE)                                               \
    X(CONFIG_INVALID, "config-invalid", MISCONFIGURED)                                             \
    X(CONFIG_UNTRUSTED, "config-untrusted", MISCONFIGURED)                                         \
    X(DAEMON_UNTRUSTED, "daemon-untrusted", MISCONFIGURED)                                         \
    X(STATE_NEWER, "state-newer", MISCONFIGURED)                                                   \
    X(STATE_OLDER, "state-older", MISCONFIGURED)                                                   \
    X(TLS_FAILED, "tls-failed", UNAVAILABLE)                                                       \
    /* the realm's server, or a proxy before it */                                                 \
    X(REQUEST_INVALID, "request-invalid", INTERNAL)                                                \
    X(HTTP_BAD_REQUEST, "http-400", UNAVAILABLE)                                                   \
    X(HTTP_UNAUTHORIZED, "http-401", UNAVAILABLE)                                                  \
    X(HTTP_FORBIDDEN, "http-403", UNAVAILABLE)                                                     \
    X(HTTP_NOT_FOUND, "http-404", MISCONFIGURED)                                                   \
    X(HTTP_METHOD_NOT_ALLOWED, "http-405", UNAVAILABLE)                                            \
    X(HTTP_NOT_ACCEPTABLE, "http-406", UNAVAILABLE)                                                \
    X(HTTP_TOO_LARGE, "http-413", UNAVAILABLE)                                                     \
    X(HTTP_UNSUPPORTED_MEDIA, "http-415", UNAVAILABLE)                                             \
    X(HTTP_TOO_MANY_REQUESTS, "http-429", UNAVAILABLE)                                             \
    X(HTTP_REDIRECT, "http-redirect", UNAVAILABLE)                                                 \
    X(HTTP_UNEXPECTED, "http-unexpected", UNAVAILABLE)                                             \
    X(SERVER_ERROR, "server-error", UNAVAILABLE)                                                   \
    X(SERVER_STARTING, "server-starting", UNAVAILABLE)                                             \
    X(SERVER_OVERLOADED, "server-overloaded", UNAVAILABLE)                                         \
    X(SERVER_GATEWAY, "server-gateway", UNAVAILABLE)                                               \
    X(ANSWER_NOT_JSON, "answer-not-json", UNAVAILABLE)                                             \
    X(ANSWER_MALFORMED, "answer-malformed", UNAVAILABLE)                                           \
    X(ANSWER_TOO_LARGE, "answer-too-large", UNAVAILABLE)                                           \
    X(UNREACHABLE, "unreachable", UNREACHABLE)                                                     \
    X(UNANSWERED, "unanswered", UNAVAILABLE)                                                       \
    X(GRANT_IN_DOUBT, "grant-in-doubt", UNAVAILABLE)                                               \
    X(NOT_READY, "not-ready", UNAVAILABLE)                                                         \
    X(BUSY, "busy", UNAVAILABLE)                                                                   \
    X(TIMED_OUT, "timed-out", UNAVAILABLE)                                                         \
    X(DAEMON_UNREACHABLE, "daemon-unreachable", UNAVAILABLE)                                       \
    /* this process and its partner */                                                             \
    X(PROTOCOL, "protocol-error", INTERNAL)                                                        \
    X(PROTOCOL_VERSION, "protocol-version", INTERNAL)                                              \
    X(MALFORMED, "malformed-input", INTERNAL)                                                      \
    X(TOO_LARGE, "too-large", INTERNAL)                                                            \
    X(NOT_FOUND, "not-found", INTERNAL)                                                            \
    X(CANCELLED, "cancelled", CONVERSATION)                                                        \
    X(CONVERSATION, "conversation-failed", CONVERSATION)                                           \
    X(NO_MEMORY, "no-memory", INTERNAL)                                                            \
    X(NO_ROOM, "no-room", UNAVAILABLE)                                                             \
    X(SYSTEM, "system-error", INTERNAL)

enum kc_status {
#define KC_STATUS_ENUM(name, word, class) KC_##name,
    KC_STATUS_LIST(KC_STATUS_ENUM)
#undef KC_STATUS_ENUM
    KC_STATUS_COUNT
};

/* The status's word, e.g. "bad-credentials"; "unknown-status" for a number outside the list. */
const char *kc_status_word(enum kc_status status);

/* The status's class; KC_CLASS_INTERNAL for a number outside the list. */
enum kc_class kc_status_class(enum kc_status status);

/*
 * The status that a daemon's answer stands for: the one of that class and word; for a word that
 * this side does not know, the class's plainest one. KC_OK for class 0 with the word "ok" alone;
 * KC_PROTOCOL for class 0 with another, or a number that is no class.
 */
enum kc_status kc_status_from_wire(unsigned class, const char *word);

/* An errno: KC_NO_MEMORY, KC_NO_ROOM where descriptors, buffers, space or inodes are used up, so
 * that the same may work later; else KC_SYSTEM. Success is for the caller to know. */
enum kc_status kc_status_from_errno(int error);

/* The word of a class for a log's result= field: ok, denied, unavailable, misconfigured, failed. */
const char *kc_class_word(enum kc_class class);

#endif
