/*
 * kclogin token verify: the daemon's own verification of a token, by hand.
 * Used by kclogin.c.
 * Must never print a payload whose signature did not verify, nor the token itself.
 */
#include "cli/token.h"

#include "common/cleanup.h"
#include "common/secret.h"
#include "jose/jws.h"
#include "jose/jwt.h"
#include "jose/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

struct values {
    const char *jwks;
    const char *issuer;
    const char *client;
    const char *user;
    const char *audience;
    struct cli_epoch at;
    bool jws;
};

static const struct cli_option options[] = {
    {"jwks", CLI_TEXT, "FILE", offsetof(struct values, jwks), true, "the realm's keys (JWKS)"},
    {"issuer", CLI_TEXT, "URL", offsetof(struct values, issuer), false, "what iss must be"},
    {"client", CLI_TEXT, "ID", offsetof(struct values, client), false, "what azp must be"},
    {"user", CLI_TEXT, "NAME", offsetof(struct values, user), false,
        "what preferred_username must be"},
    {"audience", CLI_TEXT, "NAME", offsetof(struct values, audience), false,
        "what aud must be or hold"},
    {"at", CLI_EPOCH, "EPOCH", offsetof(struct values, at), false,
        "the time to judge exp and nbf by, in seconds since the epoch [now]"},
    {"jws", CLI_FLAG, NULL, offsetof(struct values, jws), false,
        "stop after the signature and print the payload, whatever it is"},
};

static const char notes[] =
    "The token is read from standard input; one newline at its end is tolerated. Exit status: 0, "
    "and\n"
    "the claims on standard output; 1, and one word that says why the token is refused; 2, usage.\n"
    "\n"
    "A check whose option is absent is NOT made: without --issuer, --client and --user a token of "
    "any\n"
    "realm, client and user passes that these keys signed. Always checked, without --jws: the\n"
    "signature, that the token is an access token (typ), exp and nbf.\n";

/* Reads until the end or until the secret is full; what is full was too long. */
static enum kc_status read_all(int fd, size_t limit, struct kc_secret *ret_bytes)
{
    KC_AUTO_SECRET struct kc_secret bytes = KC_SECRET_INIT;
    enum kc_status status = kc_secret_reserve(&bytes, limit + 1);
    if (status != KC_OK)
        return status;
    while (bytes.length <= limit) {
        ssize_t got = read(fd, bytes.bytes + bytes.length, limit + 1 - bytes.length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return KC_SYSTEM;
        if (got == 0)
            break;
        bytes.length += (size_t)got;
    }
    if (bytes.length > limit)
        return KC_TOO_LARGE;
    *ret_bytes = kc_secret_take(&bytes);
    return KC_OK;
}

static enum kc_status read_token(struct kc_secret *ret_token)
{
    enum kc_status status = read_all(STDIN_FILENO, JOSE_TOKEN_BYTES + 1, ret_token);
    if (status == KC_TOO_LARGE)
        return KC_TOKEN_MALFORMED;
    if (status == KC_OK && ret_token->length && ret_token->bytes[ret_token->length - 1] == '\n')
        ret_token->length--;
    return status;
}

static enum kc_status read_keys(const char *path, struct jose_jwks **ret_keys)
{
    KC_AUTO_SECRET struct kc_secret document = KC_SECRET_INIT;
    KC_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    enum kc_status status = fd < 0 ? KC_SYSTEM : read_all(fd, JOSE_JWKS_BYTES, &document);
    if (status == KC_SYSTEM) {
        fprintf(stderr, "kclogin: %s: %s\n", path, strerror(errno));
        return status;
    }
    if (status == KC_OK)
        status = jose_jwks_read(document.bytes, document.length, ret_keys);
    if (status != KC_OK)
        fprintf(stderr, "kclogin: %s: not a JWKS document: %s\n", path, kc_status_word(status));
    return status;
}

/* The answer on standard output; a newline ends what is a line. */
static enum cli_exit answer(const void *bytes, size_t length, bool is_line, enum cli_exit otherwise)
{
    if (length)
        (void)fwrite(bytes, 1, length, stdout);
    if (is_line)
        (void)fputc('\n', stdout);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return otherwise;
    fprintf(stderr, "kclogin: standard output: %s\n", strerror(errno));
    return CLI_EXIT_USAGE;
}

static enum cli_exit refuse(enum kc_status status)
{
    const char *word = kc_status_word(status);
    return answer(word, strlen(word), true, CLI_EXIT_REFUSED);
}

static enum cli_exit verify_signature(const struct jose_jwks *keys, const struct kc_secret *token)
{
    JOSE_AUTO_JWS struct jose_jws *jws = NULL;
    size_t length = 0;
    enum kc_status status = jose_jws_verify(keys, token->bytes, token->length, &jws);
    if (status != KC_OK)
        return refuse(status);
    const void *payload = jose_jws_payload(jws, &length);
    return answer(payload, length, false, CLI_EXIT_OK);
}

static enum cli_exit verify_claims(
    const struct values *values, const struct jose_jwks *keys, const struct kc_secret *token)
{
    JOSE_AUTO_JWT struct jose_jwt *jwt = NULL;
    const struct jwt_expect expect = {
        .issuer = values->issuer,
        .client_id = values->client,
        .audience = values->audience,
        .user = values->user,
        .now = values->at.given ? values->at.seconds : (int64_t)time(NULL),
    };
    bool in_full = values->issuer && values->client && values->user;
    enum kc_status status =
        in_full ? jose_jwt_verify(keys, token->bytes, token->length, &expect, &jwt)
                : jose_jwt_examine(keys, token->bytes, token->length, &expect, &jwt);
    if (status != KC_OK)
        return refuse(status);
    size_t length = 0;
    const char *claims = jose_jwt_payload(jwt, &length);
    return answer(claims, length, true, CLI_EXIT_OK);
}

static enum cli_exit run(const void *opaque)
{
    const struct values *values = opaque;
    JOSE_AUTO_JWKS struct jose_jwks *keys = NULL;
    KC_AUTO_SECRET struct kc_secret token = KC_SECRET_INIT;
    if (read_keys(values->jwks, &keys) != KC_OK)
        return CLI_EXIT_USAGE;
    enum kc_status status = read_token(&token);
    if (status == KC_SYSTEM) {
        fprintf(stderr, "kclogin: standard input: %s\n", strerror(errno));
        return CLI_EXIT_USAGE;
    }
    if (status != KC_OK)
        return refuse(status);
    return values->jws ? verify_signature(keys, &token) : verify_claims(values, keys, &token);
}

const struct cli_verb token_verify_verb = {
    .words = "token verify",
    .meaning = "Verifies a token as the daemon does, and prints its claims",
    .options = options,
    .count = sizeof options / sizeof *options,
    .notes = notes,
    .values_size = sizeof(struct values),
    .run = run,
};
