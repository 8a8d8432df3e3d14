/*
 * Fuzz target: a discovery document. The first byte says whether plain http is allowed.
 * What is taken names the issuer that was asked for, and only URLs that http.h would speak to.
 */
#include "daemon/discovery.h"
#include "daemon/http.h"
#include "fuzz/target.h"

#include <string.h>

#define ISSUER "https://sso.example.org/realms/x"

static void check(const char *url, bool allow_http)
{
    FUZZ_MUST(!url || http_url_check(url, allow_http) == KC_OK);
    FUZZ_MUST(!url || allow_http || strncmp(url, "http:", 5) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct discovery *discovery = NULL;
    if (length < 1)
        return 0;
    bool allow_http = bytes[0] & 1;
    enum kc_status status = discovery_parse(bytes + 1, length - 1, ISSUER, allow_http, &discovery);
    FUZZ_MUST((status == KC_OK) == (discovery != NULL));
    if (!discovery)
        return 0;
    FUZZ_MUST(strcmp(discovery->issuer, ISSUER) == 0);
    FUZZ_MUST(discovery->jwks_uri && discovery_token(discovery, false));
    check(discovery->jwks_uri, allow_http);
    for (int mtls = 0; mtls < 2; mtls++) {
        check(discovery_token(discovery, mtls), allow_http);
        check(discovery_logout(discovery, mtls), allow_http);
        check(discovery_revocation(discovery, mtls), allow_http);
    }
    discovery_unref(discovery);
    return 0;
}
