/*
 * Which URLs the daemon speaks to at all.
 * Used by http_request.c for every request, by discovery.c for every endpoint.
 * Must never let plain http leave this host, nor take credentials out of a URL.
 */
#include "daemon/http.h"

#include <curl/curl.h>
#include <string.h>

static bool host_is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == strlen(host));
}

/* libcurl makes do with one to three slashes; RFC 3986 has two. */
static bool has_two_slashes(const char *text, const char *scheme)
{
    size_t length = strlen(scheme);
    return strlen(text) > length + 3 && memcmp(text + length, "://", 3) == 0 &&
           text[length + 3] != '/';
}

enum kc_status http_url_check(const char *text, bool allow_http)
{
    CURLU *url = curl_url();
    char *scheme = NULL, *host = NULL;
    bool usable = false;
    CURLUcode code = url ? curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER)
                         : CURLUE_OUT_OF_MEMORY;
    if (code == CURLUE_OK)
        code = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(url, CURLUPART_HOST, &host, 0);
    if (code == CURLUE_OK && *host && has_two_slashes(text, scheme) &&
        !strchr(text, '#')) /* libcurl forgets an empty fragment */
        usable = strcmp(scheme, "https") == 0 ||
                 (allow_http && strcmp(scheme, "http") == 0 && host_is_loopback(host));
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(url);
    if (code == CURLUE_OUT_OF_MEMORY)
        return KC_NO_MEMORY;
    return usable ? KC_OK : KC_CONFIG_INVALID;
}
