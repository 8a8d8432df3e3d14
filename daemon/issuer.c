/*
 * The issuer's URL.
 * Used by the check of the configuration.
 * Must never take a URL that two programs could read as two hosts.
 */
#include "daemon/issuer.h"

#include "common/option.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DIGITS "0123456789"
#define HEX DIGITS "abcdefABCDEF"
#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS

static bool is_span(const char *text, size_t length, const char *allowed)
{
    for (size_t i = 0; i < length; i++)
        if (!text[i] || !strchr(allowed, text[i]))
            return false;
    return length > 0;
}

bool issuer_host_is_v6(const char *text, size_t length)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr parsed;
    if (length < 2 || length - 2 >= sizeof address || text[0] != '[' || text[length - 1] != ']')
        return false;
    memcpy(address, text + 1, length - 2);
    address[length - 2] = 0;
    return strlen(address) == length - 2 && inet_pton(AF_INET6, address, &parsed) == 1;
}

/* Four decimal numbers from 0 to 255, 127 the first. */
static bool is_loopback_v4(const char *host, size_t length)
{
    unsigned part = 0;
    for (size_t start = 0; part < 4; part++) {
        size_t end = start;
        while (end < length && host[end] != '.')
            end++;
        uint32_t number;
        if (kc_option_number(host + start, end - start, &number) != KC_OK || number > 255 ||
            (part == 0 && number != 127) || (part < 3) != (end < length))
            return false;
        start = end + 1;
    }
    return true;
}

static bool is_loopback(const char *host, size_t length)
{
    return (length == 9 && memcmp(host, "localhost", 9) == 0) ||
           (length == 5 && memcmp(host, "[::1]", 5) == 0) || is_loopback_v4(host, length);
}

static const char *check_path(const char *path)
{
    if (path[0] && path[strlen(path) - 1] == '/')
        return "must not end with /";
    for (const char *at = path; *at; at++)
        if (*at == '%' && !(is_span(at + 1, 2, HEX)))
            return "has a % without two hexadecimal digits";
        else if (!strchr(ALNUM "._~!$&'()*+,;=:@%/-", *at))
            return "has a character that no path of a URL may have";
    for (const char *at = path; (at = strchr(at, '/')); at++) {
        size_t length = strcspn(at + 1, "/");
        if (length == 0 || (length == 1 && at[1] == '.') ||
            (length == 2 && at[1] == '.' && at[2] == '.'))
            return "must not have //, . or .. in its path";
    }
    return NULL;
}

static const char *check_port(const char *port, size_t length)
{
    uint32_t number;
    if (kc_option_number(port, length, &number) != KC_OK || number == 0 || number > 65535)
        return "has a port that is none";
    return NULL;
}

/* Checks host[:port]; sets the host's length. */
static const char *check_authority(const char *text, size_t length, size_t *ret_host)
{
    bool bracket = length > 0 && text[0] == '[';
    const char *end = bracket ? memchr(text, ']', length) : memchr(text, ':', length);
    size_t host = end ? (size_t)(end - text) + (bracket ? 1 : 0) : length;
    bool good = bracket ? issuer_host_is_v6(text, host)
                        : is_span(text, host, ALNUM ".-") && text[0] != '.' && text[0] != '-';
    if (!good)
        return "has no host that is a name or an address";
    *ret_host = host;
    if (host == length)
        return NULL;
    return text[host] == ':' ? check_port(text + host + 1, length - host - 1)
                             : "has something other than a port after its host";
}

const char *issuer_check(const char *issuer, bool allow_http)
{
    bool secure = strncmp(issuer, "https://", 8) == 0;
    if (!secure && strncmp(issuer, "http://", 7) != 0)
        return "must be an https URL";
    if (!secure && !allow_http)
        return "must be an https URL; allow_http = yes permits http on a loopback host";
    const char *host = issuer + (secure ? 8 : 7);
    if (strpbrk(host, "?#"))
        return "must not have a query or a fragment";
    size_t authority = strcspn(host, "/"), host_length = 0;
    if (memchr(host, '@', authority))
        return "must not have a user name or a password";
    const char *wrong = check_authority(host, authority, &host_length);
    if (!wrong && !secure && !is_loopback(host, host_length))
        wrong = "may be http on a loopback host alone: localhost, 127.0.0.1 or [::1]";
    return wrong ? wrong : check_path(host + authority);
}
