/*
 * Fuzz target: the issuer, a server's URL, an address to connect to.
 * An issuer that is taken is a URL that is spoken to, and libcurl reads the same host in it.
 */
#include "common/cleanup.h"
#include "daemon/http.h"
#include "daemon/issuer.h"
#include "daemon/option_check.h"
#include "fuzz/target.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>

#define TEXT_MAX 1000 /* of the option */

static char *part(CURLU *url, CURLUPart which, unsigned flags)
{
    char *value = NULL;
    return curl_url_get(url, which, &value, flags) == CURLUE_OK ? value : NULL;
}

static bool same_address(const char *host, size_t host_length, const char *text, size_t length)
{
    char mine[64] = "", theirs[64] = "";
    struct in6_addr one, other;
    if (host_length >= sizeof theirs || length >= sizeof mine || length < 2)
        return false;
    memcpy(theirs, host + 1, host_length - 2);
    memcpy(mine, text + 1, length - 2);
    return inet_pton(AF_INET6, mine, &one) == 1 && inet_pton(AF_INET6, theirs, &other) == 1 &&
           memcmp(&one, &other, sizeof one) == 0;
}

/* The host as it stands in the text: behind the two slashes, up to a port or a path. */
static void check_host(CURLU *url, const char *text)
{
    const char *start = strstr(text, "//") + 2;
    size_t length = *start == '[' ? strcspn(start, "]") + 1 : strcspn(start, ":/");
    char *host = part(url, CURLUPART_HOST, 0);
    FUZZ_MUST(host);
    /* An address has more than one spelling, and libcurl gives the usual one: 127.1, [::0] */
    if (*host == '[')
        FUZZ_MUST(*start == '[' && same_address(host, strlen(host), start, length));
    else if (strspn(host, "0123456789.") != strlen(host))
        FUZZ_MUST(strlen(host) == length && strncasecmp(host, start, length) == 0);
    curl_free(host);
}

static void check_issuer(const char *text, bool allow_http)
{
    if (issuer_check(text, allow_http))
        return;
    CURLU *url = curl_url();
    FUZZ_MUST(http_url_check(text, allow_http) == KC_OK);
    FUZZ_MUST(curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK);
    FUZZ_MUST(!part(url, CURLUPART_USER, 0) && !part(url, CURLUPART_PASSWORD, 0));
    FUZZ_MUST(!part(url, CURLUPART_QUERY, 0) && !part(url, CURLUPART_FRAGMENT, 0));
    check_host(url, text);
    curl_url_cleanup(url);
}

static void check_url(const char *text)
{
    bool secure = (http_url_check(text, false) == KC_OK), plain = (http_url_check(text, true) == KC_OK);
    FUZZ_MUST(!secure || (plain && strncasecmp(text, "https://", 8) == 0));
    FUZZ_MUST(!plain || secure || strncasecmp(text, "http://", 7) == 0);
    FUZZ_MUST(!plain || !strchr(text, '#'));
}

/* Nothing in it may end the host or the port early. */
static void check_address(const char *text)
{
    if (option_check_address(text))
        return;
    const char *port = strrchr(text, ':') + 1;
    long number = strtol(port, NULL, 10);
    FUZZ_MUST(number > 0 && number < 65536 && strspn(port, "0123456789") == strlen(port));
    FUZZ_MUST(!strpbrk(text, "/@?# \t\r\n,;%+") && text[0] != ':');
    FUZZ_MUST(text[0] == '[' || strchr(text, ':') == port - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length > TEXT_MAX || (length && memchr(bytes, 0, length)))
        return 0;
    KC_AUTO_FREE char *text = strndup(length ? (const char *)bytes : "", length);
    FUZZ_MUST(text);
    check_issuer(text, false);
    check_issuer(text, true);
    check_url(text);
    check_address(text);
    return 0;
}
