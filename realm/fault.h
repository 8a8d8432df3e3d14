/*
 * Faults: what goes wrong on purpose, with which requests, how many times.
 * Set by control, taken by server, obeyed by server (answers) and claims (tokens).
 * Without one the realm behaves.
 */
#ifndef REALM_FAULT_H
#define REALM_FAULT_H

#include "common/status.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

struct realm;
struct realm_faults;

/* name in the control document, enum */
#define REALM_FAULT_LIST(X)                                                                        \
    X("none", NONE)                                                                                \
    X("status", STATUS)                   /* a status, headers and body of one's own */            \
    X("delay", DELAY)                     /* as always, but late */                                \
    X("hang", HANG)                       /* never an answer, until the caller goes */             \
    X("cut", CUT)                         /* the connection closes without an answer */            \
    X("half", HALF)                       /* half of the body, then the connection closes */       \
    X("endless-body", ENDLESS_BODY)       /* a body without end */                                 \
    X("endless-headers", ENDLESS_HEADERS) /* headers without end */                                \
    X("interim", INTERIM)                 /* 103 answers without end */                            \
    X("garbage", GARBAGE)                 /* bytes that are not HTTP */                            \
    X("oversize", OVERSIZE)               /* a body of `size` bytes */                             \
    X("empty", EMPTY)                     /* 200 without a body */                                 \
    X("redirect", REDIRECT)               /* 307 to `location` */                                  \
    X("wrong-key", WRONG_KEY)             /* signed by another key under the right id */           \
    X("claims", CLAIMS)                   /* claims of the access token set or removed */          \
    X("duplicate", DUPLICATE)             /* `member` stands twice in the token */                 \
    X("members", MEMBERS)                 /* members of the answer set or removed */               \
    X("expired", EXPIRED)                 /* exp lies a minute back */                             \
    X("not-yet", NOT_YET)                 /* nbf lies an hour ahead */                             \
    X("wrong-issuer", WRONG_ISSUER)       /* another issuer, in a token or in discovery */         \
    X("wrong-client", WRONG_CLIENT)       /* another azp */

enum realm_fault_kind {
#define REALM_FAULT_ENUM(name, kind) REALM_FAULT_##kind,
    REALM_FAULT_LIST(REALM_FAULT_ENUM)
#undef REALM_FAULT_ENUM
};

struct realm_fault {
    enum realm_fault_kind kind;
    bool process; /* the request takes effect although its answer is spoilt */
    int64_t delay_ms;
    unsigned status;
    int64_t size;
    struct json_object *document; /* the control document, a reference of its own */
};

/*
 * Takes a control document: {"fault": NAME, "match": ENDPOINT or "any", "count": N or -1,
 * "user": NAME, "delay": ms, "status": N, "headers": {}, "body": text, "type": text, "size": bytes,
 * "location": URL, "claims": {}, "members": {}, "member": NAME, "process": bool}. KC_MALFORMED, and
 * KC_TOO_LARGE where there are 256 already.
 */
enum kc_status realm_fault_add(struct realm *realm, struct json_object *document);

/* The fault for a request, counted down; kind NONE where there is none. */
struct realm_fault realm_fault_take(struct realm *realm, const char *endpoint, const char *user);
void realm_fault_release(struct realm_fault *fault);

/*
 * Sets the members of the fault's own object of that name on `object`; a null takes one away.
 * Without such a fault nothing happens.
 */
void realm_fault_set(const struct realm_fault *fault, const char *name, struct json_object *object);

/* Forgets all faults. */
void realm_fault_clear(struct realm *realm);

#endif
