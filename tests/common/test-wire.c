/*
 * The bounded writer and reader, the wire format in both directions, and statuses on the wire.
 */
#include "common/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static uint8_t bytes[KC_MESSAGE_MAX];

static size_t from_hex(const char *hex, uint8_t *to)
{
    size_t length = 0;
    for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        to[length++] = (uint8_t)byte;
    return length;
}

static void test_writer_stops_at_its_end(void **state)
{
    (void)state;
    uint8_t small[8] = {0, 0, 0, 0, 0, 0, 0x55, 0x55};
    struct kc_writer writer = kc_writer_on(small, 6);
    kc_write_u32(&writer, 0x01020304);
    assert_false(writer.failed);
    kc_write_u32(&writer, 0);
    assert_true(writer.failed);
    kc_write_u8(&writer, 9); /* a failure sticks although there would be room */
    assert_int_equal(writer.length, 4);
    assert_memory_equal(small, "\1\2\3\4\0\0\x55\x55", 8);
}

static void test_reader_stops_at_its_end(void **state)
{
    (void)state;
    struct kc_reader reader = kc_reader_on("\0\0\0\5abcd", 8);
    assert_int_equal(kc_read_bytes(&reader, 100).length, 0);
    assert_true(reader.failed);
    assert_int_equal(kc_read_u8(&reader), 0);
    assert_false(kc_reader_done(&reader));

    reader = kc_reader_on("\xff\xff\xff\xff", 4);
    assert_null(kc_read_bytes(&reader, UINT32_MAX).bytes);
    assert_true(reader.failed);

    reader = kc_reader_on("\0\0\0\3abc", 7);
    assert_null(kc_read_bytes(&reader, 2).bytes);
    assert_true(reader.failed);
}

static void test_reader_text(void **state)
{
    (void)state;
    char text[4] = "zzz";
    struct kc_reader reader = kc_reader_on("\0\0\0\3abc", 7);
    kc_read_text(&reader, text, sizeof text);
    assert_string_equal(text, "abc");
    assert_true(kc_reader_done(&reader));

    reader = kc_reader_on("\0\0\0\4abcd", 8);
    kc_read_text(&reader, text, sizeof text);
    assert_string_equal(text, "");
    assert_true(reader.failed);

    reader = kc_reader_on("\0\0\0\3a\0c", 7); /* a NUL would cut the text short */
    kc_read_text(&reader, text, sizeof text);
    assert_string_equal(text, "");
    assert_true(reader.failed);
}

static struct kc_wire_login sample_login(void)
{
    return (struct kc_wire_login){.uid = 1001,
        .caller_uid = 33,
        .no_token = true,
        .service = "sshd",
        .user = "ada",
        .rhost = "192.0.2.7",
        .tty = "ssh",
        .access = "sudo"};
}

/* The bytes that PROTOCOL.md describes: they change with the version alone. */
static void test_open_is_these_bytes(void **state)
{
    (void)state;
    static const char hex[] = "01040000000003e90000002101"
                              "0000000473736864"
                              "00000003616461"
                              "000000093139322e302e322e37"
                              "00000003737368"
                              "000000047375646f"
                              "00000020";
    uint8_t wanted[256], key[KC_KEY_SIZE];
    size_t head = from_hex(hex, wanted), length = 0;
    memset(key, 0x11, sizeof key);
    memset(wanted + head, 0x11, sizeof key);
    struct kc_wire_request request = {
        .type = KC_WIRE_OPEN, .login = sample_login(), .key = {key, sizeof key}};
    assert_int_equal(kc_wire_encode_request(&request, bytes, sizeof bytes, &length), KC_OK);
    assert_int_equal(length, head + sizeof key);
    assert_memory_equal(bytes, wanted, length);
}

static void test_done_is_these_bytes(void **state)
{
    (void)state;
    static const char hex[] = "01420000"
                              "00000000026f6b"
                              "00000000"
                              "03000000006ab13b80"
                              "00000005612e622e63"
                              "00000000";
    uint8_t wanted[256];
    size_t expected = from_hex(hex, wanted), length = 0;
    struct kc_wire_reply reply = {.type = KC_WIRE_DONE,
        .class = KC_CLASS_OK,
        .word = "ok",
        .exports = KC_EXPORT_TOKEN | KC_EXPORT_HANDLE,
        .expires = 1790000000,
        .token = {(const uint8_t *)"a.b.c", 5}};
    assert_int_equal(kc_wire_encode_reply(&reply, bytes, sizeof bytes, &length), KC_OK);
    assert_int_equal(length, expected);
    assert_memory_equal(bytes, wanted, length);
}

static void test_requests_come_back(void **state)
{
    (void)state;
    uint8_t key[KC_KEY_SIZE] = {1, 2, 3};
    for (unsigned type = KC_WIRE_AUTH; type <= KC_WIRE_STATUS; type++) {
        size_t length = 0;
        struct kc_wire_request sent = {.type = (enum kc_wire_type)type,
            .login = sample_login(),
            .key = {key, sizeof key},
            .kind = KC_ASK_CODE,
            .answer = {(const uint8_t *)"12\0"
                                        "34",
                5}};
        struct kc_wire_request got = {0};
        assert_int_equal(kc_wire_encode_request(&sent, bytes, sizeof bytes, &length), KC_OK);
        assert_int_equal(kc_wire_decode_request(bytes, length, &got), KC_OK);
        assert_int_equal(got.type, type);
        if (type == KC_WIRE_ANSWER) {
            assert_int_equal(got.kind, KC_ASK_CODE);
            assert_int_equal(got.answer.length, 5);
            assert_memory_equal(got.answer.bytes,
                "12\0"
                "34",
                5);
        } else if (type != KC_WIRE_CLOSE && type != KC_WIRE_STATUS) {
            assert_int_equal(got.login.uid, 1001);
            assert_int_equal(got.login.caller_uid, 33);
            assert_true(got.login.no_token);
            assert_string_equal(got.login.rhost, "192.0.2.7");
            assert_string_equal(got.login.access, "sudo");
        }
        if (type == KC_WIRE_ACCOUNT || type == KC_WIRE_OPEN || type == KC_WIRE_CLOSE)
            assert_memory_equal(got.key.bytes, key, sizeof key);
        else
            assert_int_equal(got.key.length, 0);
    }
}

/* Each message cut at every length, and with a byte behind it, is none. */
static void test_whole_messages_only(void **state)
{
    (void)state;
    uint8_t key[KC_KEY_SIZE] = {1};
    struct kc_wire_request request = {
        .type = KC_WIRE_OPEN, .login = sample_login(), .key = {key, sizeof key}};
    struct kc_wire_reply reply = {.type = KC_WIRE_DONE, .word = "ok", .key = {key, sizeof key}};
    struct kc_wire_request got_request;
    struct kc_wire_reply got_reply;
    size_t length = 0;
    assert_int_equal(kc_wire_encode_request(&request, bytes, sizeof bytes, &length), KC_OK);
    for (size_t cut = 0; cut < length; cut++)
        assert_int_equal(kc_wire_decode_request(bytes, cut, &got_request), KC_PROTOCOL);
    bytes[length] = 0;
    assert_int_equal(kc_wire_decode_request(bytes, length + 1, &got_request), KC_PROTOCOL);
    assert_int_equal(kc_wire_encode_reply(&reply, bytes, sizeof bytes, &length), KC_OK);
    for (size_t cut = 0; cut < length; cut++)
        assert_int_equal(kc_wire_decode_reply(bytes, cut, &got_reply), KC_PROTOCOL);
    bytes[length] = 0;
    assert_int_equal(kc_wire_decode_reply(bytes, length + 1, &got_reply), KC_PROTOCOL);
}

static enum kc_status decode_both(const char *hex, enum kc_status *ret_reply)
{
    uint8_t message[256];
    struct kc_wire_request request;
    struct kc_wire_reply reply;
    size_t length = from_hex(hex, message);
    *ret_reply = kc_wire_decode_reply(message, length, &reply);
    return kc_wire_decode_request(message, length, &request);
}

static void test_heads(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum kc_status request, reply;
    } rows[] = {
        {"", KC_PROTOCOL, KC_PROTOCOL},
        {"01070000", KC_OK, KC_PROTOCOL},                       /* STATUS */
        {"02070000", KC_PROTOCOL_VERSION, KC_PROTOCOL_VERSION}, /* the next version */
        {"00070000", KC_PROTOCOL_VERSION, KC_PROTOCOL_VERSION}, /* none */
        {"01070001", KC_PROTOCOL, KC_PROTOCOL},                 /* reserved bits */
        {"01000000", KC_PROTOCOL, KC_PROTOCOL},                 /* no such type */
        {"01ff0000", KC_PROTOCOL, KC_PROTOCOL},
        {"01400000010000000000", KC_PROTOCOL, KC_OK},       /* ASK, empty text */
        {"01400000000000000000", KC_PROTOCOL, KC_PROTOCOL}, /* kind 0 */
        {"01400000040000000000", KC_PROTOCOL, KC_PROTOCOL}, /* kind 4 */
        {"01400000010200000000", KC_PROTOCOL, KC_PROTOCOL}, /* echo 2 */
        {"014100000100000000", KC_PROTOCOL, KC_OK},         /* SHOW */
        {"014100000000000000", KC_PROTOCOL, KC_PROTOCOL},   /* style 0 */
        {"014100000300000000", KC_PROTOCOL, KC_PROTOCOL},   /* style 3 */
        {"010200000100000000", KC_OK, KC_PROTOCOL},         /* ANSWER, empty */
        {"010200000000000000", KC_PROTOCOL, KC_PROTOCOL},   /* kind 0 */
        {"010500000000000000", KC_PROTOCOL, KC_PROTOCOL},   /* CLOSE without a key */
        {"0105000000000000011100", KC_PROTOCOL, KC_PROTOCOL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum kc_status reply;
        assert_int_equal(decode_both(rows[i].hex, &reply), rows[i].request);
        assert_int_equal(reply, rows[i].reply);
    }
}

static void test_limits_when_writing(void **state)
{
    (void)state;
    static uint8_t big[KC_TOKEN_MAX + 1];
    size_t length = 77;
    struct kc_wire_request request = {
        .type = KC_WIRE_ANSWER, .kind = KC_ASK_PASSWORD, .answer = {big, KC_ANSWER_MAX + 1}};
    assert_int_equal(kc_wire_encode_request(&request, bytes, sizeof bytes, &length), KC_TOO_LARGE);
    request.answer.length = KC_ANSWER_MAX;
    assert_int_equal(kc_wire_encode_request(&request, bytes, 8, &length), KC_TOO_LARGE);
    assert_int_equal(length, 77);
    assert_int_equal(kc_wire_encode_request(&request, bytes, sizeof bytes, &length), KC_OK);
    request = (struct kc_wire_request){.type = KC_WIRE_CLOSE, .key = {big, KC_KEY_SIZE - 1}};
    assert_int_equal(kc_wire_encode_request(&request, bytes, sizeof bytes, &length), KC_TOO_LARGE);
    struct kc_wire_reply reply = {.type = KC_WIRE_DONE, .token = {big, sizeof big}};
    assert_int_equal(kc_wire_encode_reply(&reply, bytes, sizeof bytes, &length), KC_TOO_LARGE);
    reply.token.length--;
    assert_int_equal(kc_wire_encode_reply(&reply, bytes, sizeof bytes, &length), KC_OK);
    reply.report = (struct kc_view){big, KC_REPORT_MAX + 1};
    assert_int_equal(kc_wire_encode_reply(&reply, bytes, sizeof bytes, &length), KC_TOO_LARGE);
    reply.report.length--; /* the longest of all messages */
    assert_int_equal(kc_wire_encode_reply(&reply, bytes, sizeof bytes, &length), KC_OK);
    request.type = (enum kc_wire_type)99;
    assert_int_equal(kc_wire_encode_request(&request, bytes, sizeof bytes, &length), KC_PROTOCOL);
    reply.type = KC_WIRE_AUTH;
    assert_int_equal(kc_wire_encode_reply(&reply, bytes, sizeof bytes, &length), KC_PROTOCOL);
}

static struct kc_view text_view(const char *text)
{
    return (struct kc_view){(const uint8_t *)text, strlen(text)};
}

/* Writes and reads back; the reply points into `bytes`. */
static enum kc_status there_and_back(
    const struct kc_wire_reply *reply, struct kc_wire_reply *ret_reply)
{
    size_t length;
    enum kc_status status = kc_wire_encode_reply(reply, bytes, sizeof bytes, &length);
    return status == KC_OK ? kc_wire_decode_reply(bytes, length, ret_reply) : status;
}

static void test_lookup_comes_back(void **state)
{
    struct kc_wire_request request = {.type = KC_WIRE_LOOKUP,
        .lookup = {.kind = KC_LOOKUP_GROUP, .name = "linux-users", .id = 7, .skip = 9}};
    struct kc_wire_request again;
    size_t length;
    (void)state;
    assert_int_equal(kc_wire_encode_request(&request, bytes, sizeof bytes, &length), KC_OK);
    assert_int_equal(kc_wire_decode_request(bytes, length, &again), KC_OK);
    assert_int_equal(again.lookup.kind, KC_LOOKUP_GROUP);
    assert_string_equal(again.lookup.name, "linux-users");
    assert_int_equal(again.lookup.id, 7);
    assert_int_equal(again.lookup.skip, 9);
    bytes[4] = 0; /* the kind */
    assert_int_equal(kc_wire_decode_request(bytes, length, &again), KC_PROTOCOL);
    bytes[4] = KC_LOOKUP_KEYS;
    assert_int_equal(kc_wire_decode_request(bytes, length, &again), KC_OK);
    bytes[4] = KC_LOOKUP_KEYS + 1;
    assert_int_equal(kc_wire_decode_request(bytes, length, &again), KC_PROTOCOL);
}

static void test_orders_come_back(void **state)
{
    (void)state;
    struct kc_wire_request request = {.type = KC_WIRE_FLUSH,
        .order = {.name = "ada", .write = true, .id = "1f0c", .client = "admin-cli"}};
    struct kc_wire_request again;
    size_t length;
    assert_int_equal(kc_wire_encode_request(&request, bytes, sizeof bytes, &length), KC_OK);
    assert_int_equal(kc_wire_decode_request(bytes, length, &again), KC_OK);
    assert_string_equal(again.order.name, "ada");
    assert_false(again.order.write);
    request.type = KC_WIRE_ADOPT;
    assert_int_equal(kc_wire_encode_request(&request, bytes, sizeof bytes, &length), KC_OK);
    assert_int_equal(kc_wire_decode_request(bytes, length, &again), KC_OK);
    assert_string_equal(again.order.name, "ada");
    assert_true(again.order.write);
    assert_string_equal(again.order.client, "");
    assert_string_equal(again.order.id, "1f0c");
    bytes[length - 9] = 2; /* the flag */
    assert_int_equal(kc_wire_decode_request(bytes, length, &again), KC_PROTOCOL);
    request.type = KC_WIRE_ASSIGN;
    assert_int_equal(kc_wire_encode_request(&request, bytes, sizeof bytes, &length), KC_OK);
    assert_int_equal(kc_wire_decode_request(bytes, length, &again), KC_OK);
    assert_string_equal(again.order.name, "");
    assert_true(again.order.write);
    assert_string_equal(again.order.client, "admin-cli");
    assert_int_equal(kc_wire_decode_request(bytes, length - 1, &again), KC_PROTOCOL);
}

static void test_ssh_keys_come_back(void **state)
{
    (void)state;
    struct kc_wire_reply reply = {.type = KC_WIRE_KEYS,
        .entry = {.name = "ada",
            .uid = 1900010001,
            .count = 2,
            .total = 3,
            .list = {(const uint8_t *)"ssh-rsa A\0ssh-rsa B", 20}}};
    struct kc_wire_reply again;
    assert_int_equal(there_and_back(&reply, &again), KC_OK);
    assert_string_equal(again.entry.name, "ada");
    assert_int_equal(again.entry.uid, 1900010001);
    assert_int_equal(again.entry.count, 2);
    assert_memory_equal(again.entry.list.bytes, "ssh-rsa A\0ssh-rsa B", 20);
    reply.entry.count = 3; /* the list has two */
    assert_int_equal(there_and_back(&reply, &again), KC_PROTOCOL);
}

static void test_user_comes_back(void **state)
{
    struct kc_wire_reply reply = {.type = KC_WIRE_USER,
        .entry = {.name = "ada",
            .uid = 1900010001,
            .gid = 1900020000,
            .gecos = text_view("Ada Lovelace"),
            .home = text_view("/home/ada"),
            .shell = text_view("/bin/sh")}};
    struct kc_wire_reply again;
    (void)state;
    assert_int_equal(there_and_back(&reply, &again), KC_OK);
    assert_string_equal(again.entry.name, "ada");
    assert_int_equal(again.entry.uid, 1900010001);
    assert_int_equal(again.entry.gid, 1900020000);
    assert_memory_equal(again.entry.gecos.bytes, "Ada Lovelace", 12);
    assert_int_equal(again.entry.shell.length, 7);
    reply.entry.home = (struct kc_view){(const uint8_t *)"/home\0/ada", 10};
    assert_int_equal(there_and_back(&reply, &again), KC_PROTOCOL);
    reply.entry.home = (struct kc_view){bytes, KC_FIELD_MAX + 1};
    assert_int_equal(there_and_back(&reply, &again), KC_TOO_LARGE);
}

static void test_lists_are_what_they_say(void **state)
{
    struct kc_wire_reply reply = {.type = KC_WIRE_GROUP,
        .entry = {.name = "linux-users",
            .gid = 1900020000,
            .count = 2,
            .total = 5,
            .list = {(const uint8_t *)"ada\0bob", 8}}};
    struct kc_wire_reply again;
    (void)state;
    assert_int_equal(there_and_back(&reply, &again), KC_OK);
    assert_int_equal(again.entry.total, 5);
    assert_memory_equal(again.entry.list.bytes, "ada\0bob", 8);
    reply.entry.list.length = 7; /* the last NUL is not there */
    assert_int_equal(there_and_back(&reply, &again), KC_PROTOCOL);
    reply.entry.list = (struct kc_view){(const uint8_t *)"ada\0\0ob", 8};
    assert_int_equal(there_and_back(&reply, &again), KC_PROTOCOL);
    reply.entry.list = (struct kc_view){(const uint8_t *)"\0da\0ob", 7};
    assert_int_equal(there_and_back(&reply, &again), KC_PROTOCOL);
    reply.entry.list = (struct kc_view){NULL, 0};
    assert_int_equal(there_and_back(&reply, &again), KC_PROTOCOL);
    reply.entry.count = 0;
    assert_int_equal(there_and_back(&reply, &again), KC_OK);
    reply.entry.count = 6; /* more than all */
    assert_int_equal(there_and_back(&reply, &again), KC_PROTOCOL);
    reply.type = KC_WIRE_GIDS;
    reply.entry.count = 2;
    reply.entry.list = (struct kc_view){(const uint8_t *)"\0\0\0\1\0\0\0\2", 8};
    assert_int_equal(there_and_back(&reply, &again), KC_OK);
    reply.entry.list.length = 7;
    assert_int_equal(there_and_back(&reply, &again), KC_PROTOCOL);
}

static void test_keys_as_hex(void **state)
{
    (void)state;
    uint8_t key[KC_KEY_SIZE], back[KC_KEY_SIZE] = {0};
    char hex[KC_KEY_HEX_SIZE + 1];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(i * 8 + 7);
    kc_key_to_hex(key, hex);
    assert_int_equal(strlen(hex), 64);
    assert_int_equal(kc_key_from_hex(hex, back), KC_OK);
    assert_memory_equal(key, back, sizeof key);
    hex[63] = 'A';
    assert_int_equal(kc_key_from_hex(hex, back), KC_MALFORMED);
    hex[63] = 0;
    assert_int_equal(kc_key_from_hex(hex, back), KC_MALFORMED);
    memset(hex, '0', 65);
    hex[65] = 0;
    assert_int_equal(kc_key_from_hex(hex, back), KC_MALFORMED);
    assert_int_equal(kc_key_from_hex("", back), KC_MALFORMED);
    assert_memory_equal(key, back, sizeof key);
}

/* Lesson 24: whatever number or word arrives, only class 0 with "ok" is success. */
static void test_lesson_24_statuses_from_the_wire(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KC_STATUS_COUNT; i++) {
        enum kc_status status = (enum kc_status)i;
        unsigned class = (unsigned)kc_status_class(status);
        assert_int_equal(kc_status_from_wire(class, kc_status_word(status)), status);
        for (unsigned other = 0; other < 256; other++)
            if (other != 0 || i != KC_OK)
                assert_int_not_equal(kc_status_from_wire(other, kc_status_word(status)), KC_OK);
    }
    for (unsigned class = 1; class <= KC_CLASS_CONVERSATION; class ++)
        assert_int_equal(kc_status_class(kc_status_from_wire(class, "of tomorrow")), class);
    assert_int_equal(kc_status_from_wire(KC_CLASS_CONVERSATION + 1, "ok"), KC_PROTOCOL);
    assert_int_equal(kc_status_class((enum kc_status)KC_STATUS_COUNT), KC_CLASS_INTERNAL);
    assert_string_equal(kc_status_word((enum kc_status)KC_STATUS_COUNT), "unknown-status");
    assert_string_equal(kc_class_word((enum kc_class)200), "failed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writer_stops_at_its_end),
        cmocka_unit_test(test_reader_stops_at_its_end),
        cmocka_unit_test(test_reader_text),
        cmocka_unit_test(test_open_is_these_bytes),
        cmocka_unit_test(test_done_is_these_bytes),
        cmocka_unit_test(test_requests_come_back),
        cmocka_unit_test(test_whole_messages_only),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_limits_when_writing),
        cmocka_unit_test(test_lookup_comes_back),
        cmocka_unit_test(test_orders_come_back),
        cmocka_unit_test(test_ssh_keys_come_back),
        cmocka_unit_test(test_user_comes_back),
        cmocka_unit_test(test_lists_are_what_they_say),
        cmocka_unit_test(test_keys_as_hex),
        cmocka_unit_test(test_lesson_24_statuses_from_the_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
