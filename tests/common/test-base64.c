/*
 * Base64url and base64 (RFC 4648): its own vectors, every spelling that is not canonical.
 * Run by make check.
 * Lesson 13: padding in base64url.
 */
#include "common/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void test_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *url, *plain;
    } rows[] = {
        {"", "", ""},
        {"f", "Zg", "Zg=="},
        {"fo", "Zm8", "Zm8="},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg", "Zm9vYg=="},
        {"fooba", "Zm9vYmE", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff\xbf", "-_-_", "+/+/"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[16];
        uint8_t bytes[16];
        size_t length = strlen(rows[i].bytes), got = 0;
        assert_int_equal(kc_base64url_encode(rows[i].bytes, length, text, sizeof text), KC_OK);
        assert_string_equal(text, rows[i].url);
        assert_int_equal(strlen(text), kc_base64url_encoded_length(length));
        assert_int_equal(kc_base64url_decode(text, strlen(text), bytes, length, &got), KC_OK);
        assert_int_equal(got, length);
        assert_memory_equal(bytes, rows[i].bytes, length);
        assert_int_equal(kc_base64_encode(rows[i].bytes, length, text, sizeof text), KC_OK);
        assert_string_equal(text, rows[i].plain);
        assert_int_equal(kc_base64_decode(text, strlen(text), bytes, length, &got), KC_OK);
        assert_int_equal(got, length);
        assert_memory_equal(bytes, rows[i].bytes, length);
    }
}

static void test_room(void **state)
{
    (void)state;
    char text[9] = "before";
    uint8_t bytes[6];
    size_t length = 77;
    assert_int_equal(kc_base64url_encode("foobar", 6, text, 8), KC_TOO_LARGE);
    assert_int_equal(kc_base64_encode("foobar", 6, text, 8), KC_TOO_LARGE);
    assert_string_equal(text, "before");
    assert_int_equal(kc_base64url_encode("foobar", 6, text, 9), KC_OK);
    assert_int_equal(kc_base64url_encode(text, SIZE_MAX, text, 9), KC_TOO_LARGE);
    assert_int_equal(kc_base64_encode(text, SIZE_MAX, text, 9), KC_TOO_LARGE);
    assert_int_equal(kc_base64url_decode("Zm9vYmFy", 8, bytes, 5, &length), KC_TOO_LARGE);
    assert_int_equal(kc_base64url_decode("Zm9vYg", 6, bytes, 3, &length), KC_TOO_LARGE);
    assert_int_equal(length, 77);
}

static void test_lesson_13_one_spelling(void **state)
{
    (void)state;
    static const char *const wrong[] = {"Zg==", "Zg=", "Z", "Zm9vY", "Zm8=", "Zm9v=", "=",
        "====", " Zg", "Zg ", "Z g", "Zm\n9v", "Zg\n", "Zm9v\r\n", "+_-_", "-/-_", "Zm9v.", "Zh",
        "Zm9vYh", "Zm9", "Zm9vYmF", "Z\xc3\xa9g", "AB", "ABD"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint8_t bytes[16];
        size_t length = 77;
        assert_int_equal(
            kc_base64url_decode(wrong[i], strlen(wrong[i]), bytes, sizeof bytes, &length),
            KC_MALFORMED);
        assert_int_equal(length, 77);
    }
    uint8_t bytes[4];
    size_t length;
    assert_int_equal(kc_base64url_decode("Zm\0v", 4, bytes, 4, &length), KC_MALFORMED);
}

static void test_padded_one_spelling(void **state)
{
    (void)state;
    static const char *const wrong[] = {"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zm8", "Zm9v====",
        "Zm9v=", "Zg==Zg==", "Zm=v", "Z=9v", "=m9v", " Zg=", "Zg= ", "Zm9v\n", "-_-_", "+_+/", "Zh==",
        "Zm9=", "Z\xc3\xa9g", "Zm9vZ"};
    uint8_t bytes[16];
    size_t length = 77;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(kc_base64_decode(wrong[i], strlen(wrong[i]), bytes, sizeof bytes, &length),
            KC_MALFORMED);
    assert_int_equal(kc_base64_decode("Zm\0v", 4, bytes, 4, &length), KC_MALFORMED);
    assert_int_equal(kc_base64_decode("Zm9vYmFy", 8, bytes, 5, &length), KC_TOO_LARGE);
    assert_int_equal(kc_base64_decode("Zm9vYmE=", 8, bytes, 4, &length), KC_TOO_LARGE);
    assert_int_equal(length, 77);
}

/* Each byte string has one spelling: whatever decodes is what encodes to it again. */
static void test_every_pair(void **state)
{
    (void)state;
    unsigned taken = 0;
    for (unsigned pair = 0; pair < 65536; pair++) {
        char text[2] = {(char)(pair >> 8), (char)pair}, again[4];
        uint8_t byte;
        size_t length = 0;
        if (kc_base64url_decode(text, 2, &byte, 1, &length) != KC_OK)
            continue;
        taken++;
        assert_int_equal(kc_base64url_encode(&byte, 1, again, sizeof again), KC_OK);
        assert_memory_equal(text, again, 2);
    }
    assert_int_equal(taken, 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_lesson_13_one_spelling),
        cmocka_unit_test(test_padded_one_spelling),
        cmocka_unit_test(test_every_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
