/*
 * Packets that are no messages: too long, too short, in the wrong order, of another version,
 * random. Run by the suite: packets SOCKET UID COUNT SEED; as root, then as the uid. Each must end
 * the connection, or be answered with nothing that is worth anything.
 */
#include "tests/neighbours/knock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WAIT_MS 5000
#define PATCHES_MAX 4u
#define RANDOM_MAX 400u

static uint8_t bytes[2 * KC_MESSAGE_MAX];
static uint64_t state;

/* xorshift64*: the same packets for the same seed, everywhere. */
static uint32_t next_random(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * 0x2545f4914f6cdd1dull) >> 32);
}

/* Sends it on a connection of its own; what came of it. */
static enum heard try_packet(const char *path, size_t length, struct kc_wire_reply *ret_reply)
{
    int fd = knock_open(path);
    enum heard heard = HEARD_END;
    if (knock_say(fd, bytes, length, NULL, 0))
        heard = knock_hear(fd, WAIT_MS, ret_reply);
    else if (errno != EPIPE && errno != EMSGSIZE && errno != ECONNRESET)
        knock_fail("a packet of %zu bytes: %m", length);
    close(fd);
    return heard;
}

static void must_end(const char *path, size_t length, const char *what)
{
    struct kc_wire_reply reply;
    if (try_packet(path, length, &reply) != HEARD_END)
        knock_fail("the daemon goes on after a packet that is %s", what);
}

static void try_lengths(const char *path, const struct kc_wire_login *who)
{
    size_t whole = knock_message(KC_WIRE_AUTH, who, bytes);
    for (size_t length = 0; length < whole; length++)
        must_end(path, length, "short");
    must_end(path, whole + 1, "long");
    must_end(path, KC_MESSAGE_MAX, "full of zeros");
    must_end(path, KC_MESSAGE_MAX + 1, "over the limit");
    must_end(path, sizeof bytes, "twice the limit");
}

static void try_heads(const char *path, const struct kc_wire_login *who)
{
    for (unsigned version = 0; version < 256; version++) {
        size_t length = knock_message(KC_WIRE_STATUS, NULL, bytes);
        bytes[0] = (uint8_t)version;
        if (version != KC_WIRE_VERSION)
            must_end(path, length, "of another version");
    }
    for (unsigned type = 0; type < 256; type++) {
        size_t length = knock_message(KC_WIRE_AUTH, who, bytes);
        bool has_login =
            type == KC_WIRE_AUTH || type == KC_WIRE_PASSWD || type == KC_WIRE_EXPLAIN;
        bytes[1] = (uint8_t)type;
        if (!has_login)
            must_end(path, length, "of another type");
    }
}

/* After the first message, whatever its answer was, the second one ends the connection. */
static void must_end_after(const char *path, const struct kc_wire_login *who,
    enum kc_wire_type first, enum kc_wire_type second)
{
    struct kc_wire_reply reply;
    int fd = knock_open(path);
    size_t length = knock_message(first, who, bytes);
    enum heard heard = HEARD_END;
    if (!knock_say(fd, bytes, length, NULL, 0))
        knock_fail("cannot say it: %m");
    length = knock_message(second, who, bytes);
    if (knock_say(fd, bytes, length, NULL, 0))
        for (int i = 0; i < 3; i++)
            if ((heard = knock_hear(fd, WAIT_MS, &reply)) != HEARD_REPLY)
                break;
    if (heard != HEARD_END)
        knock_fail("message %d may follow message %d", second, first);
    close(fd);
}

static void try_orders(const char *path, const struct kc_wire_login *who, bool asked)
{
    size_t length = knock_message(KC_WIRE_ANSWER, NULL, bytes);
    must_end(path, length, "an answer to no question");
    must_end_after(path, who, KC_WIRE_STATUS, KC_WIRE_ANSWER);
    if (!asked)
        return;
    for (int second = KC_WIRE_AUTH; second <= KC_WIRE_STATUS; second++)
        if (second != KC_WIRE_ANSWER)
            must_end_after(path, who, KC_WIRE_AUTH, (enum kc_wire_type)second);
}

/* Either noise, or a good message in which a few bytes are others, or which is cut. */
static size_t random_packet(const struct kc_wire_login *who)
{
    size_t length = next_random() % RANDOM_MAX;
    if (next_random() % 2) {
        enum kc_wire_type type = (enum kc_wire_type)(KC_WIRE_AUTH + next_random() % 7);
        size_t whole = knock_message(type, who, bytes);
        for (unsigned patches = next_random() % (PATCHES_MAX + 1); patches > 0; patches--)
            bytes[next_random() % whole] = (uint8_t)next_random();
        return next_random() % 4 ? whole : length % (whole + 1);
    }
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)next_random();
    if (length > 1 && next_random() % 2)
        bytes[0] = KC_WIRE_VERSION;
    return length;
}

static void try_random(const char *path, const struct kc_wire_login *who, unsigned count)
{
    struct kc_wire_reply reply;
    unsigned ended = 0;
    for (unsigned i = 0; i < count; i++) {
        enum heard heard = try_packet(path, random_packet(who), &reply);
        if (heard == HEARD_NOTHING)
            knock_fail("random packet %u is not answered", i);
        ended += heard == HEARD_END;
        if (heard == HEARD_REPLY && (reply.key.length || reply.token.length || reply.exports))
            knock_fail("random packet %u is answered with something of worth", i);
        if (heard == HEARD_REPLY && reply.type == KC_WIRE_DONE && reply.class == KC_CLASS_OK &&
            !reply.report.length)
            knock_fail("random packet %u is a success", i);
    }
    printf("%u random packets, %u ended the connection\n", count, ended);
    if (count && !ended)
        knock_fail("not one random packet was wrong");
}

int main(int argc, char **argv)
{
    if (argc != 7)
        knock_fail("usage: packets SOCKET UID COUNT SEED USER USER-UID");
    const char *path = argv[1];
    struct kc_wire_login who = {.uid = knock_number(argv[6]), .service = "su"};
    snprintf(who.user, sizeof who.user, "%s", argv[5]);
    knock_become(knock_number(argv[2]));
    state = knock_number(argv[4]) * 2ull + 1;
    printf("seed %s\n", argv[4]);
    try_lengths(path, &who);
    try_heads(path, &who);
    try_orders(path, &who, strstr(path, "priv.socket") != NULL);
    try_random(path, &who, knock_number(argv[3]));
    return EXIT_SUCCESS;
}
