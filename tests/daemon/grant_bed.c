/*
 * A realm object, and the realm that it talks to.
 * Used by test-grant.c and test-realm.c.
 */
#include "tests/daemon/grant_bed.h"

const struct claims bed_good = {"ada", "linux-pam", "Bearer", "k1", 300,
    ",\"scope\":\"openid email\",\"expires_in\":300,\"not-before-policy\":0", "bearer", false, 0};

void bed_granted(
    void *userdata, enum kc_status status, const char *detail, struct grant_answer *answer)
{
    struct outcome *outcome = userdata;
    assert_false(outcome->done);
    outcome->done = true;
    outcome->status = status;
    outcome->at_us = clock_us();
    snprintf(outcome->detail, sizeof(outcome->detail), "%s", detail);
    assert_true((status == KC_OK) == (answer != NULL));
    if (!answer)
        return;
    snprintf(outcome->access, sizeof(outcome->access), "%s", kc_secret_text(&answer->access_token));
    snprintf(
        outcome->refresh, sizeof(outcome->refresh), "%s", kc_secret_text(&answer->refresh_token));
    snprintf(outcome->scope, sizeof(outcome->scope), "%s", answer->scope ? answer->scope : "-");
    snprintf(outcome->subject, sizeof(outcome->subject), "%s", jose_jwt_subject(answer->jwt));
    outcome->expires_at = answer->expires_at;
}

void bed_spin_until(struct bed *bed, const bool *done)
{
    uint64_t end = clock_us() + 30 * CLOCK_SECOND_US;
    while (!*done && clock_us() < end)
        assert_true(sd_event_run(bed->event, 10000) >= 0);
    assert_true(*done);
}

void bed_spin(struct bed *bed, unsigned ms)
{
    uint64_t end = clock_us() + ms * 1000U;
    while (clock_us() < end)
        assert_true(sd_event_run(bed->event, 2000) >= 0);
}

void bed_spin_until_count(struct bed *bed, enum peer_place place, unsigned count)
{
    uint64_t end = clock_us() + 30 * CLOCK_SECOND_US;
    while (peer_count(bed->peer, place) < count && clock_us() < end)
        assert_true(sd_event_run(bed->event, 2000) >= 0);
    assert_int_equal(peer_count(bed->peer, place), count);
}

struct grant *bed_start(struct bed *bed, const char *user, struct outcome *outcome)
{
    struct kc_secret password = KC_SECRET_INIT;
    struct grant *grant = NULL;
    assert_int_equal(kc_secret_set(&password, PASSWORD, strlen(PASSWORD)), KC_OK);
    struct grant_request request = {
        .user = user, .password = &password, .client_address = "192.0.2.7"};
    *outcome = (struct outcome){0};
    assert_int_equal(grant_start(bed->realm, &request, bed_granted, outcome, &grant), KC_OK);
    assert_false(outcome->done);
    kc_secret_wipe(&password);
    return grant;
}

struct outcome bed_login(struct bed *bed, const char *user)
{
    struct outcome outcome;
    bed_start(bed, user, &outcome);
    bed_spin_until(bed, &outcome.done);
    return outcome;
}

void bed_keys(struct bed *bed, EVP_PKEY *key, const char *kid)
{
    struct json_object *jwk = NULL, *set = json_object_new_object();
    struct json_object *list = json_object_new_array();
    assert_int_equal(jose_jwk_export(key, kid, "ES256", &jwk), KC_OK);
    json_object_array_add(list, jwk);
    json_object_object_add(set, "keys", list);
    peer_set(bed->peer, PEER_KEYS, 200, "application/json", json_object_to_json_string(set));
    json_object_put(set);
}

void bed_discovery(struct bed *bed, const char *issuer)
{
    char text[2048];
    snprintf(text, sizeof(text),
        "{\"issuer\":\"%s\",\"token_endpoint\":\"%s/token\",\"jwks_uri\":\"%s/certs\","
        "\"end_session_endpoint\":\"%s/logout\",\"revocation_endpoint\":\"%s/revoke\"}",
        issuer, bed->issuer, bed->issuer, bed->issuer, bed->issuer);
    peer_set(bed->peer, PEER_DISCOVERY, 200, "application/json", text);
}

void bed_token(struct bed *bed, EVP_PKEY *key, const struct claims *claims)
{
    struct kc_secret token = KC_SECRET_INIT;
    char body[16384];
    struct json_object *payload = json_object_new_object();
    json_object_object_add(payload, "iss", json_object_new_string(bed->issuer));
    json_object_object_add(payload, "sub", json_object_new_string("0000-ada"));
    json_object_object_add(payload, "azp", json_object_new_string(claims->azp));
    json_object_object_add(payload, "typ", json_object_new_string(claims->typ));
    json_object_object_add(payload, "preferred_username", json_object_new_string(claims->user));
    int64_t now = time(NULL) + claims->ahead;
    json_object_object_add(payload, "iat", json_object_new_int64(now));
    json_object_object_add(payload, "exp", json_object_new_int64(now + claims->lifetime));
    assert_int_equal(jose_jws_sign(key, "ES256", claims->kid, payload, &token), KC_OK);
    json_object_put(payload);
    snprintf(body, sizeof(body), "{\"access_token\":\"%s\",\"token_type\":\"%s\"%s%s}",
        kc_secret_text(&token), claims->type,
        claims->no_refresh ? "" : ",\"refresh_token\":\"r-1\"", claims->extra);
    peer_set(bed->peer, PEER_TOKEN, 200, "application/json", body);
    kc_secret_wipe(&token);
}

void bed_refuse(struct bed *bed)
{
    peer_set(bed->peer, PEER_TOKEN, 401, "application/json",
        "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid user credentials\"}");
}

struct config *bed_configure(struct bed *bed, const char *issuer, const char *more)
{
    char path[64], secret[64];
    struct config *config = NULL;
    struct kc_conf_error error;
    snprintf(path, sizeof(path), "%s/conf", bed->folder);
    snprintf(secret, sizeof(secret), "%s/secret", bed->folder);
    FILE *file = fopen(secret, "w");
    fprintf(file, "client-s3cret\n");
    fclose(file);
    chmod(secret, 0600);
    file = fopen(path, "w");
    fprintf(file,
        "[realm]\nissuer = %s\nclient_id = linux-pam\nclient_auth = post\n"
        "client_secret_file = %s\nallow_http = yes\n%s\n[access]\nallow = any\n",
        issuer, secret, more);
    fclose(file);
    chmod(path, 0600);
    struct config_source source = {.path = path, .owner = geteuid(), .self = geteuid()};
    enum kc_status status = config_load(&source, &config, &error);
    unlink(path);
    unlink(secret);
    assert_int_equal(status, KC_OK);
    return config;
}

int bed_set_up(void **state)
{
    static struct bed bed;
    bed = (struct bed){.folder = "/tmp/kclogin-grant-XXXXXX"};
    *state = &bed;
    bed.peer = peer_start();
    bed.key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    if (!bed.peer || !bed.key || !mkdtemp(bed.folder) || sd_event_new(&bed.event) < 0)
        return -1;
    snprintf(bed.issuer, sizeof(bed.issuer), "http://127.0.0.1:%d/realms/x", bed.peer->port);
    bed_discovery(&bed, bed.issuer);
    bed_keys(&bed, bed.key, "k1");
    bed_token(&bed, bed.key, &bed_good);
    peer_set(bed.peer, PEER_LOGOUT, 204, "", "");
    peer_set(bed.peer, PEER_REVOKE, 200, "", "");
    bed.config = bed_configure(&bed, bed.issuer, "[limits]\ngrant_timeout = 2s");
    return realm_new(bed.event, bed.config, &bed.realm) == KC_OK ? 0 : -1;
}

int bed_tear_down(void **state)
{
    struct bed *bed = *state;
    realm_free(bed->realm);
    config_unref(bed->config);
    sd_event_unref(bed->event);
    EVP_PKEY_free(bed->key);
    rmdir(bed->folder);
    peer_stop(bed->peer);
    return 0;
}
