/*
 * One grant by the daemon's own code, for tests against a whole realm:
 *   try-grant CONFIG USER [TIMES] < password
 * Prints, for each, the status word, the detail and what the token says, and logs out again. Then
 * its memory is searched for the password and the last tokens; no copy may be left.
 */
#include "daemon/config.h"
#include "daemon/grant.h"
#include "daemon/http.h"
#include "daemon/oauth_error.h"
#include "daemon/realm.h"
#include "jose/jwt.h"
#include "tests/daemon/scan.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>

#define TIMES_MAX 64

struct run {
    sd_event *event;
    struct realm *realm;
    unsigned left;
    bool failed;
    struct scan_pattern password, access, refresh;
};

static void on_ended(void *userdata, enum kc_status status, const char *detail)
{
    struct run *run = userdata;
    printf("logout %s %s\n", kc_status_word(status), detail);
    run->failed = run->failed || status != KC_OK;
    run->left--;
}

static void on_granted(
    void *userdata, enum kc_status status, const char *detail, struct grant_answer *answer)
{
    struct run *run = userdata;
    const char *advice = status == KC_OK ? NULL : oauth_error_advice(status);
    printf("grant %s [%s] %s\n", kc_status_word(status), detail, advice ? advice : "");
    if (!answer) {
        run->left--;
        return;
    }
    printf("token sub=%s bytes=%zu refresh=%zu scope=%s\n", jose_jwt_subject(answer->jwt),
        answer->access_token.length, answer->refresh_token.length,
        answer->scope ? answer->scope : "-");
    scan_take(&run->access, answer->access_token.bytes, answer->access_token.length);
    scan_take(&run->refresh, answer->refresh_token.bytes, answer->refresh_token.length);
    struct realm *realm = run->realm;
    const struct realm_origin origin = {answer->issuer, answer->client_id};
    enum kc_status ending =
        answer->refresh_token.length
            ? realm_logout(realm, &origin, &answer->refresh_token, on_ended, run)
            : realm_revoke(realm, &origin, &answer->access_token, on_ended, run);
    if (ending != KC_OK)
        on_ended(run, ending, "");
}

/* Without stdio, which would keep a copy in its buffer. */
static enum kc_status read_password(struct kc_secret *password)
{
    ssize_t got;
    if (kc_secret_reserve(password, 1024) != KC_OK)
        return KC_NO_MEMORY;
    while ((got = read(0, password->bytes + password->length, 1024 - password->length)) > 0)
        password->length += (size_t)got;
    return got < 0 ? KC_SYSTEM : KC_OK;
}

/* Only of what was there: a pattern that never was proves nothing. */
static bool is_clean(const char *what, const struct scan_pattern *pattern)
{
    size_t count = pattern->length >= 6 ? scan_count(pattern) : 0;
    if (count)
        printf("memory holds the %s %zu times\n", what, count);
    return count == 0;
}

static int run_all(struct run *run, const char *user, unsigned times)
{
    KC_AUTO_SECRET struct kc_secret password = KC_SECRET_INIT;
    struct grant_request request = {.user = user, .password = &password};
    struct grant *grant;
    if (read_password(&password) != KC_OK)
        return 2;
    scan_take(&run->password, password.bytes, password.length);
    if (scan_possible() && password.length >= 6 && scan_count(&run->password) != 1) {
        printf("the search finds nothing\n");
        return 2;
    }
    run->left = times;
    for (unsigned i = 0; i < times; i++)
        if (grant_start(run->realm, &request, on_granted, run, &grant) != KC_OK)
            return 2;
    kc_secret_wipe(&password);
    while (run->left || realm_ending(run->realm)) /* that is what the daemon itself gives back */
        if (sd_event_run(run->event, 100000) < 0)
            return 2;
    if (!scan_possible()) {
        printf("memory not searched\n");
        return run->failed ? 1 : 0;
    }
    /* each says what it finds */
    bool clean = is_clean("password", &run->password);
    clean = is_clean("access token", &run->access) && clean;
    clean = is_clean("refresh token", &run->refresh) && clean;
    printf("memory %s\n", clean ? "clean" : "holds secrets");
    return run->failed || !clean ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct run run = {0};
    struct config *config = NULL;
    struct kc_conf_error error;
    unsigned times = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1;
    if (argc < 3 || times < 1 || times > TIMES_MAX)
        return 2;
    struct config_source source = {.path = argv[1], .owner = geteuid(), .self = geteuid()};
    if (config_load(&source, &config, &error) != KC_OK) {
        fprintf(stderr, "%s:%u: %s\n", error.file, error.line, error.text);
        return 2;
    }
    mallopt(M_PERTURB, 0x5a); /* as the daemon does: free() wipes */
    if (http_global_init() != KC_OK || sd_event_new(&run.event) < 0 ||
        realm_new(run.event, config, &run.realm) != KC_OK)
        return 2;
    int result = run_all(&run, argv[2], times);
    realm_free(run.realm);
    config_unref(config);
    sd_event_unref(run.event);
    return result;
}
