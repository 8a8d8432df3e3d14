/*
 * Fuzz target: an SSH key as an attribute of the realm has it.
 * What is taken is one line of a known type and base64, and reads as itself.
 */
#include "common/ssh_key.h"
#include "fuzz/target.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    char key[KC_SSH_KEY_SIZE], again[KC_SSH_KEY_SIZE];
    if (kc_ssh_key_read((const char *)bytes, length, key) != KC_OK)
        return 0;
    const char *blank = strchr(key, ' ');
    FUZZ_MUST(blank && blank > key && strspn(blank + 1, alphabet) == strlen(blank + 1));
    FUZZ_MUST(strncmp(key, "ssh-", 4) == 0 || strncmp(key, "ecdsa-sha2-nistp", 16) == 0 ||
              strncmp(key, "sk-", 3) == 0);
    FUZZ_MUST(kc_ssh_key_read(key, strlen(key), again) == KC_OK && strcmp(key, again) == 0);
    return 0;
}
