/*
 * SSH public keys, read strictly.
 * Used by the daemon and by `kclogin ssh-keys`.
 * Must never take two spellings for one key, nor bytes that are left over.
 */
#include "common/ssh_key.h"

#include "common/base64.h"
#include "common/buf.h"

#include <stdint.h>
#include <string.h>

#define BLOB_MAX 2304u
#define RSA_BITS_MIN 1024u
#define RSA_BITS_MAX 16384u
#define ED25519_BYTES 32u
#define APPLICATION_MAX 255u

struct word {
    const char *bytes;
    size_t length;
};

/* What follows the type's name in the blob. */
typedef bool read_body(struct kc_reader *reader, const char *curve, size_t point);

static bool is_view(struct kc_view view, const char *text)
{
    return view.length == strlen(text) && memcmp(view.bytes, text, view.length) == 0;
}

/* A positive number without a byte too many (RFC 4251 section 5); its bits, or 0. */
static size_t read_number(struct kc_reader *reader)
{
    const struct kc_view number = kc_read_bytes(reader, RSA_BITS_MAX / 8 + 1);
    size_t at = 0, bits;
    if (number.length == 0 || (number.bytes[0] & 0x80))
        return 0;
    if (number.bytes[0] == 0 && (++at == number.length || !(number.bytes[1] & 0x80)))
        return 0;
    bits = 8 * (number.length - at);
    for (unsigned top = number.bytes[at]; !(top & 0x80); top <<= 1)
        bits--;
    return bits;
}

static bool read_rsa(struct kc_reader *reader, const char *curve, size_t point)
{
    (void)curve, (void)point;
    const size_t exponent = read_number(reader), modulus = read_number(reader);
    return exponent > 1 && modulus >= RSA_BITS_MIN && modulus <= RSA_BITS_MAX;
}

static bool read_ed25519(struct kc_reader *reader, const char *curve, size_t point)
{
    (void)curve, (void)point;
    return kc_read_bytes(reader, ED25519_BYTES).length == ED25519_BYTES;
}

/* The curve's name once more, and a point that is not compressed. */
static bool read_ecdsa(struct kc_reader *reader, const char *curve, size_t point)
{
    if (!is_view(kc_read_bytes(reader, strlen(curve)), curve))
        return false;
    const struct kc_view bytes = kc_read_bytes(reader, point);
    return bytes.length == point && bytes.bytes[0] == 4;
}

/* A security key's have the application that they are for behind them. */
static bool read_application(struct kc_reader *reader)
{
    return kc_read_bytes(reader, APPLICATION_MAX).length > 0;
}

static bool read_sk_ed25519(struct kc_reader *reader, const char *curve, size_t point)
{
    return read_ed25519(reader, curve, point) && read_application(reader);
}

static bool read_sk_ecdsa(struct kc_reader *reader, const char *curve, size_t point)
{
    return read_ecdsa(reader, curve, point) && read_application(reader);
}

static const struct type {
    const char *name;
    read_body *read;
    const char *curve;
    size_t point;
} types[] = {
    {"ssh-ed25519", read_ed25519, NULL, 0},
    {"ssh-rsa", read_rsa, NULL, 0},
    {"ecdsa-sha2-nistp256", read_ecdsa, "nistp256", 65},
    {"ecdsa-sha2-nistp384", read_ecdsa, "nistp384", 97},
    {"ecdsa-sha2-nistp521", read_ecdsa, "nistp521", 133},
    {"sk-ssh-ed25519@openssh.com", read_sk_ed25519, NULL, 0},
    {"sk-ecdsa-sha2-nistp256@openssh.com", read_sk_ecdsa, "nistp256", 65},
};

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* No byte of a line ends it or steers a terminal. A file's last byte may stand behind it. */
static bool is_line(const char *bytes, size_t *length)
{
    if (*length > 0 && bytes[*length - 1] == '\n')
        --*length;
    if (*length > 0 && bytes[*length - 1] == '\r')
        --*length;
    for (size_t i = 0; i < *length; i++)
        if (((unsigned char)bytes[i] < ' ' && bytes[i] != '\t') || bytes[i] == 0x7f)
            return false;
    return true;
}

/* The next word of a line, and what is left behind it. */
static struct word next_word(const char **bytes, size_t *length)
{
    struct word word = {*bytes, 0};
    while (*length > 0 && is_blank(*word.bytes))
        word.bytes++, --*length;
    while (word.length < *length && !is_blank(word.bytes[word.length]))
        word.length++;
    *bytes = word.bytes + word.length;
    *length -= word.length;
    return word;
}

static const struct type *find_type(struct word name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strlen(types[i].name) == name.length &&
            memcmp(types[i].name, name.bytes, name.length) == 0)
            return &types[i];
    return NULL;
}

static enum kc_status check_blob(const struct type *type, struct word base64)
{
    uint8_t blob[BLOB_MAX];
    size_t length;
    const enum kc_status status =
        kc_base64_decode(base64.bytes, base64.length, blob, sizeof blob, &length);
    if (status != KC_OK)
        return status;
    struct kc_reader reader = kc_reader_on(blob, length);
    const bool good = is_view(kc_read_bytes(&reader, strlen(type->name)), type->name) &&
                      type->read(&reader, type->curve, type->point) && kc_reader_done(&reader);
    return good ? KC_OK : KC_MALFORMED;
}

enum kc_status kc_ssh_key_read(const char *bytes, size_t length, char ret_key[KC_SSH_KEY_SIZE])
{
    if (!is_line(bytes, &length))
        return KC_MALFORMED;
    const struct type *type = find_type(next_word(&bytes, &length));
    const struct word base64 = next_word(&bytes, &length);
    if (!type)
        return KC_MALFORMED;
    const enum kc_status status = check_blob(type, base64);
    if (status != KC_OK)
        return status;
    const size_t name = strlen(type->name);
    if (name + 1 + base64.length >= KC_SSH_KEY_SIZE)
        return KC_TOO_LARGE;
    memcpy(ret_key, type->name, name);
    ret_key[name] = ' ';
    memcpy(ret_key + name + 1, base64.bytes, base64.length);
    ret_key[name + 1 + base64.length] = '\0';
    return KC_OK;
}
