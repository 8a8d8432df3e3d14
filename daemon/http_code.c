/*
 * libcurl's codes as statuses, given what went over the wire.
 * Used by http.c for every request, and by its test.
 * Must never call a request unsent of which a byte may have left.
 */
#include "daemon/http.h"

#include <curl/curl.h>

#define TOO_LARGE_LATER 100 /* CURLE_TOO_LARGE, which this libcurl may not know yet */

static bool is_tls(int code)
{
    switch (code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_SHUTDOWN_FAILED:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_USE_SSL_FAILED:
        return true;
    default:
        return false;
    }
}

static bool is_configuration(int code)
{
    switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
        return true;
    default:
        return false;
    }
}

enum kc_status http_translate(int curl_code, const struct http_wire *wire)
{
    if (curl_code == CURLE_OK)
        return KC_OK;
    if (wire->too_large || curl_code == CURLE_FILESIZE_EXCEEDED || curl_code == TOO_LARGE_LATER)
        return KC_ANSWER_TOO_LARGE;
    if (curl_code == CURLE_OUT_OF_MEMORY) /* also of a header line that has no end */
        return wire->sent ? KC_ANSWER_TOO_LARGE : KC_NO_MEMORY;
    if (wire->sent) /* "unsupported protocol" is then an answer that is not HTTP */
        return KC_UNANSWERED;
    if (is_configuration(curl_code))
        return KC_CONFIG_INVALID;
    if (wire->no_room)
        return KC_NO_ROOM; /* the realm has nothing to do with it, and must not look as if it had */
    if (is_tls(curl_code))
        return KC_TLS_FAILED;
    switch (curl_code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        /* Bytes without a request can only be a handshake that did not end. */
        return wire->received ? KC_TLS_FAILED : KC_UNREACHABLE;
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_READ_ERROR:
        return KC_UNANSWERED;
    default:
        return KC_SYSTEM;
    }
}
