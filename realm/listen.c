/*
 * The listening socket: on the loopback, or not at all.
 * Used by server.
 * Never listens where another machine could knock.
 */
#include "realm/listen.h"

#include "common/cleanup.h"
#include "realm/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

struct place {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
    socklen_t length;
};

/* False for everything that is not the loopback. */
static bool read_address(const char *address, uint16_t port, struct place *ret_place)
{
    struct place place = {0};
    if (strcmp(address, "localhost") == 0)
        address = "127.0.0.1";
    if (inet_pton(AF_INET, address, &place.v4.sin_addr) == 1) {
        place.v4.sin_family = AF_INET;
        place.v4.sin_port = htons(port);
        place.length = sizeof(place.v4);
        *ret_place = place;
        return ntohl(place.v4.sin_addr.s_addr) >> 24 == 127;
    }
    if (inet_pton(AF_INET6, address, &place.v6.sin6_addr) == 1) {
        place.v6.sin6_family = AF_INET6;
        place.v6.sin6_port = htons(port);
        place.length = sizeof(place.v6);
        *ret_place = place;
        return IN6_IS_ADDR_LOOPBACK(&place.v6.sin6_addr);
    }
    return false;
}

enum kc_status realm_listen(const char *address, uint16_t port, int *ret_fd, char **ret_host)
{
    struct place place;
    int one = 1;
    if (!read_address(address, port, &place))
        return KC_CONFIG_INVALID;
    int fd KC_AUTO_CLOSE = socket(place.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        bind(fd, &place.any, place.length) != 0 || listen(fd, 128) != 0 ||
        getsockname(fd, &place.any, &place.length) != 0)
        return KC_SYSTEM;
    bool v6 = place.any.sa_family == AF_INET6;
    unsigned bound = ntohs(v6 ? place.v6.sin6_port : place.v4.sin_port);
    *ret_host = v6 ? realm_text_format("[%s]:%u", address, bound)
                   : realm_text_format("%s:%u", address, bound);
    *ret_fd = KC_TAKE_FD(fd);
    return KC_OK;
}
