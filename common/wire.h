/*
 * The wire format: every message between the modules, the command and the daemon, as a struct.
 * Used on both sides of the sockets; PROTOCOL.md says the same in prose.
 * A decoder takes what has arrived and refuses anything that is not exactly one message.
 */
#ifndef KC_WIRE_H
#define KC_WIRE_H

#include "common/buf.h"
#include "common/limits.h"

#define KC_WIRE_VERSION 1u
#define KC_WIRE_NO_UID UINT32_MAX

enum kc_wire_type {
    /* from the caller */
    KC_WIRE_AUTH = 1,
    KC_WIRE_ANSWER = 2,
    KC_WIRE_ACCOUNT = 3,
    KC_WIRE_OPEN = 4,
    KC_WIRE_CLOSE = 5,
    KC_WIRE_PASSWD = 6,
    KC_WIRE_STATUS = 7,
    KC_WIRE_LOOKUP = 8,
    KC_WIRE_EXPLAIN = 9,
    KC_WIRE_FLUSH = 10,
    KC_WIRE_ADOPT = 11,
    KC_WIRE_ASSIGN = 12,
    /* from the daemon */
    KC_WIRE_ASK = 64,
    KC_WIRE_SHOW = 65,
    KC_WIRE_DONE = 66,
    KC_WIRE_USER = 67,
    KC_WIRE_GROUP = 68,
    KC_WIRE_GIDS = 69,
    KC_WIRE_KEYS = 70,
};

/* LOOKUP: what is looked for. */
enum kc_lookup_kind {
    KC_LOOKUP_USER = 1,
    KC_LOOKUP_GROUP = 2,
    KC_LOOKUP_GIDS = 3, /* the groups of a user, by name alone */
    KC_LOOKUP_KEYS = 4, /* the SSH keys of a user who may use them now, by name alone */
};

/* What is asked for. Only a password is taken from or kept in PAM_AUTHTOK. */
enum kc_ask_kind {
    KC_ASK_PASSWORD = 1,
    KC_ASK_CODE = 2,
    KC_ASK_ACKNOWLEDGE = 3,
};

enum kc_show_style {
    KC_SHOW_INFO = 1,
    KC_SHOW_ERROR = 2,
};

/* Who logs in to what, from where: AUTH, ACCOUNT, OPEN, PASSWD and EXPLAIN carry it. */
struct kc_wire_login {
    uint32_t uid;        /* of `user` on this host; KC_WIRE_NO_UID where the host knows none */
    uint32_t caller_uid; /* the calling process's real uid */
    bool no_token;       /* OPEN: the caller wants no token in its environment */
    char service[KC_SERVICE_MAX];
    char user[KC_USER_MAX];
    char rhost[KC_RHOST_MAX];
    char tty[KC_TTY_MAX];
    char access[KC_ACCESS_MAX]; /* the access section that the PAM line names, or "" */
};

/* LOOKUP: by name, or by id where the name is empty. */
struct kc_wire_lookup {
    enum kc_lookup_kind kind;
    char name[KC_LOOKUP_NAME_MAX];
    uint32_t id;
    uint32_t skip; /* members, gids or keys that the caller has from earlier answers */
};

/* FLUSH, ADOPT and ASSIGN: what root wants done. */
struct kc_wire_order {
    char name[KC_LOOKUP_NAME_MAX]; /* FLUSH: of a user, or "" for all; ADOPT: of a user or group */
    bool write;                    /* ADOPT, ASSIGN: do it; else tell what would be done */
    char id[KC_CLIENT_MAX];        /* ADOPT with `write`: of the realm, who is to have it */
    char client[KC_CLIENT_MAX];    /* ASSIGN: the client that an administrator logs in by */
};

/* USER, GROUP, GIDS and KEYS: what was found. */
struct kc_wire_entry {
    char name[KC_LOOKUP_NAME_MAX];
    uint32_t uid;         /* USER, KEYS */
    uint32_t gid;         /* USER: the primary group's; GROUP */
    struct kc_view gecos; /* USER, without a NUL, as the next two */
    struct kc_view home;
    struct kc_view shell;
    uint32_t count;      /* GROUP, GIDS, KEYS: of what `list` holds */
    uint32_t total;      /* of all members, gids or keys, of which `skip` and `count` are a part */
    struct kc_view list; /* names or keys, each with its NUL; GIDS: big-endian 32-bit numbers */
};

struct kc_wire_request {
    enum kc_wire_type type;
    struct kc_wire_login login; /* AUTH, ACCOUNT, OPEN, PASSWD, EXPLAIN */
    struct kc_view key;         /* ACCOUNT and OPEN: transaction or empty; CLOSE: session handle */
    enum kc_ask_kind kind;      /* ANSWER */
    struct kc_view answer;      /* ANSWER */
    struct kc_wire_lookup lookup;
    struct kc_wire_order order; /* FLUSH, ADOPT, ASSIGN */
};

/* What the caller may put into the session's environment. */
#define KC_EXPORT_TOKEN 1u
#define KC_EXPORT_HANDLE 2u

struct kc_wire_reply {
    enum kc_wire_type type;
    enum kc_ask_kind kind;    /* ASK */
    bool echo;                /* ASK */
    enum kc_show_style style; /* SHOW */
    char text[KC_TEXT_MAX];   /* ASK, SHOW */
    enum kc_class class;      /* DONE, and all that follows */
    char word[KC_WORD_MAX];
    struct kc_view key; /* AUTH: the transaction; OPEN: the session's handle; else empty */
    uint8_t exports;    /* OPEN: KC_EXPORT_* */
    uint64_t expires;   /* OPEN: of the token, seconds since the epoch */
    struct kc_view token;
    struct kc_view report; /* STATUS, EXPLAIN, FLUSH, ADOPT, ASSIGN: text */
    struct kc_wire_entry entry;
};

/*
 * Writes a message to `bytes` (KC_MESSAGE_MAX of them are always enough) and tells its length.
 * KC_TOO_LARGE where a field is over its limit.
 */
enum kc_status kc_wire_encode_request(
    const struct kc_wire_request *request, void *bytes, size_t capacity, size_t *ret_length);
enum kc_status kc_wire_encode_reply(
    const struct kc_wire_reply *reply, void *bytes, size_t capacity, size_t *ret_length);

/*
 * Reads one message. Views point into `bytes`. KC_PROTOCOL_VERSION where the version is another,
 * KC_PROTOCOL for anything else that is not exactly a message of this direction.
 */
enum kc_status kc_wire_decode_request(
    const void *bytes, size_t length, struct kc_wire_request *ret_request);
enum kc_status kc_wire_decode_reply(
    const void *bytes, size_t length, struct kc_wire_reply *ret_reply);

/* A key as lower-case hex text for the environment, and back. KC_MALFORMED. */
void kc_key_to_hex(const uint8_t key[KC_KEY_SIZE], char ret_hex[KC_KEY_HEX_SIZE]);
enum kc_status kc_key_from_hex(const char *hex, uint8_t ret_key[KC_KEY_SIZE]);

#endif
