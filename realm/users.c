/*
 * Users: found as Keycloak finds them, locked as its brute-force detection locks them.
 * Used by the grants.
 * Never counts failures where the realm has no brute-force detection.
 */
#include "realm/users.h"

#include "common/cleanup.h"
#include "realm/text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct realm_user *realm_user_find(const struct realm *realm, const char *name)
{
    if (realm->policy.email_login && strchr(name, '@') != NULL)
        for (size_t i = 0; i < realm->user_count; i++)
            if (realm->users[i]->email && strcasecmp(realm->users[i]->email, name) == 0)
                return realm->users[i];
    char *lower KC_AUTO_FREE = realm_text_lower(name);
    return realm_index_find(&realm->user_names, lower);
}

struct realm_user *realm_user_by_uuid(const struct realm *realm, const char *uuid)
{
    return realm_index_find(&realm->user_ids, uuid);
}

struct realm_user *realm_user_of_client(
    const struct realm *realm, const struct realm_client *client)
{
    for (size_t i = 0; i < realm->user_count; i++)
        if (realm->users[i]->service_client == client)
            return realm->users[i];
    return NULL;
}

bool realm_user_locked(const struct realm *realm, const struct realm_user *user)
{
    return realm->policy.brute_force && user->locked_until_ms > realm_now_ms(realm);
}

void realm_user_failed(const struct realm *realm, struct realm_user *user)
{
    const struct realm_policy *policy = &realm->policy;
    int64_t now = realm_now_ms(realm), since = now - user->last_failure_ms;
    if (!policy->brute_force)
        return;
    if (user->failures > 0 && since > policy->delta_max * 1000)
        user->failures = 0;
    bool quick = user->failures > 0 && since < policy->quick_check_ms;
    user->failures++;
    user->last_failure_ms = now;
    int64_t wait = 0;
    if (policy->failure_factor > 0 && user->failures >= policy->failure_factor)
        wait = policy->permanent_lockout
                   ? INT64_C(1) << 40
                   : policy->wait_increment * (user->failures / policy->failure_factor);
    else if (quick)
        wait = policy->quick_wait;
    if (!policy->permanent_lockout && wait > policy->wait_max)
        wait = policy->wait_max;
    if (wait > 0)
        user->locked_until_ms = now + wait * 1000;
}

void realm_user_succeeded(struct realm_user *user)
{
    user->failures = 0;
    user->locked_until_ms = 0;
}

static void code_of_step(const struct realm_user *user, int64_t step, char ret_code[static 16])
{
    uint8_t counter[8], mac[EVP_MAX_MD_SIZE];
    for (int i = 0; i < 8; i++)
        counter[i] = (uint8_t)(step >> (8 * (7 - i)));
    unsigned length = 0;
    HMAC(EVP_sha1(), user->totp.secret, (int)user->totp.length, counter, sizeof(counter), mac,
        &length);
    const uint8_t *at = mac + (mac[length - 1] & 15);
    uint32_t value =
        (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    unsigned digits = user->totp.digits == 8 ? 8 : 6;
    snprintf(ret_code, 16, "%0*u", (int)digits, value % (digits == 8 ? 100000000u : 1000000u));
}

bool realm_user_code(const struct realm *realm, struct realm_user *user, const char *code)
{
    int64_t period = user->totp.period ? user->totp.period : 30;
    int64_t now = realm_now(realm) / period, window = realm->policy.otp_window;
    for (int64_t step = now - window; step <= now + window; step++) {
        char right[16];
        code_of_step(user, step, right);
        if (strlen(code) != strlen(right) || CRYPTO_memcmp(code, right, strlen(right)) != 0)
            continue;
        if (!realm->policy.otp_reusable && step <= user->totp.last_step)
            return false;
        user->totp.last_step = step;
        return true;
    }
    return false;
}
