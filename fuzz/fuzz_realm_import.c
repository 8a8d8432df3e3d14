/*
 * Fuzz target: a realm export, as the demo realm reads it.
 * Whatever is read can be used: every user is found by its own name, every scope can be asked for.
 */
#include "fuzz/target.h"
#include "realm/claims.h"
#include "realm/import.h"
#include "realm/users.h"

#include <string.h>

static void use(const struct realm *realm)
{
    for (size_t i = 0; i < realm->user_count && i < 20; i++) {
        FUZZ_MUST(realm->users[i]->name != NULL);
        FUZZ_MUST(realm_user_by_uuid(realm, realm->users[i]->uuid) == realm->users[i]);
        if (strchr(realm->users[i]->name, '@') == NULL)
            FUZZ_MUST(realm_user_find(realm, realm->users[i]->name) != NULL);
        for (size_t j = 0; j < realm->client_count && j < 20; j++) {
            struct realm_grant grant = {.user = realm->users[i], .client = realm->clients[j]};
            realm_claims_scopes(&grant);
            json_object_put(
                realm_claims(realm, &grant, "http://x", REALM_CLAIMS_ACCESS, "127.0.0.1"));
            realm_claims_free(&grant);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct realm *realm = NULL;
    char *reason = NULL;
    enum kc_status status =
        realm_import_text((const char *)bytes, length, "input", REALM_LIKE_26, &realm, &reason);
    FUZZ_MUST((status == KC_OK) == (realm != NULL) && (realm == NULL) == (reason != NULL));
    if (realm != NULL)
        use(realm);
    realm_free(realm);
    free(reason);
    return 0;
}
