/*
 * SSH public keys: what is one, and everything that only looks like one.
 * Run by make check.
 * Lesson 47: an attribute that people edit themselves was handed on to sshd as it stood.
 */
#include "common/ssh_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ED25519 \
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJZH7XeEjPWVGzv7mOaL42GPpiaZRi7SZMCbgphdnZk8"
#define RSA_1024 \
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC9GUgGYceT9YY848HkCtev1Jk5x802KuzpaOV5EznDJRpS" \
    "p+APNJWv90CiH/jhgjhs8sPF8s5k0avI9b26rvxCxuIBxyXdszHubWnHcBGnZJEn6dnO+PU1i30aComVqo0s" \
    "4j/vEQAUuMSPwqzKnirwF0W1DKGAscXSYvEPpoaTpw=="
#define ECDSA_256 \
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBI7/qLNqX7hy" \
    "CGdqRdPhcWDyElb9f+2hhgJEbLoiIgSqJSJs7Bjyuf7TsoKkS3PDnz1G6aSPVtzvvaNYrIMKxnk="
#define ECDSA_384 \
    "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBIMg88JvXXX2" \
    "9ktXCzlwsYdq4J92bEnGLZ6lQV+eHUa+jQGeDBDOyaYvGU+lOVHIeQ0ztNUIEw6UqqFlmWXrDOnOLMNBeAUU" \
    "DNVefFp9KTQPh/K/HODnZfQ7BL477TahSQ=="
#define ECDSA_521 \
    "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAF02D4w6Rgg" \
    "HgnCjptqBtpfGRb1UewYWzyJSXFP7Z/2v/Gh264AvEj1FXrKKWMlxZboR2S7uMT/V0FYgU9Fsvb6bwEq1oD+" \
    "GB93H2IxB730sdKy5wZmqiQPnJiLjIAFjm2Vnrcmp1S6JjwpZvl2w0QVmvsTNLHgtSLWp4stR3GYQptoaA=="
#define DSA \
    "ssh-dss AAAAB3NzaC1kc3MAAACBANgtI/V/Q0kutdnsLMcwOYXRV/nV82Xv2RNRT4eCBps9AgfIgaYvNORq" \
    "Smk/eI3FoE377N3tT5ttDfYM9gsNdLtPOhuPsof9R5qT1v4vvDFb1qtMvSBO864BlBaBzCWLkbujJxu1xwEd" \
    "JDySSn00cl4xQD6q33sZRTG1XIQm6l0rAAAAFQDx1tuN0IjH3VKJSgwlYlWCHjb33QAAAIEAomWjMiKn9RhU" \
    "f41SHzx/BBD0J3OrBfDe/2aJBniN8nwI8TRXRjt1OPGGeN295pVzk+r6D5uvTRmbjSWH+WOrzPY7CUTG5TAC" \
    "fhHFm+42ljz+jymfREaYwUH1bPcuqwY5ewvE/b3N0Jgt65whaMrz4BqhaG97LWKeZHkGyJBieQcAAACBAK0m" \
    "dahlli3BcRt3crc+ym+iabAlo6Cylz8U1v03oEOT4js45+ToM3qdkjjNjNoY7XsSJLUOu04uXApaf406FXFj" \
    "rchpNwi6C9iiP2p9ztBHlguPRzKcdtC6kNJIzdoJLYt4Fy9cZrxVkdEe86CxXeTGhPxJDy6qlte1QocKYOzC"
#define SK_ED25519 \
    "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIJZH7XeEjPWVG" \
    "zv7mOaL42GPpiaZRi7SZMCbgphdnZk8AAAABHNzaDo="
#define SK_ECDSA \
    "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb" \
    "20AAAAIbmlzdHAyNTYAAABBBI7/qLNqX7hyCGdqRdPhcWDyElb9f+2hhgJEbLoiIgSqJSJs7Bjyuf7TsoKkS" \
    "3PDnz1G6aSPVtzvvaNYrIMKxnkAAAAEc3NoOg=="
#define RSA_1016 \
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgACAAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB" \
    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB" \
    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
#define RSA_NEGATIVE \
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgIABAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB" \
    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB" \
    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
#define RSA_LONG_ZERO \
    "ssh-rsa AAAAB3NzaC1yc2EAAAAEAAEAAQAAAIEAgAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB" \
    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB" \
    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define RSA_EXPONENT_1 \
    "ssh-rsa AAAAB3NzaC1yc2EAAAABAQAAAIEAgAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB" \
    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB" \
    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define ECDSA_COMPRESSED \
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAAAhAo7/qLNqX7hy" \
    "CGdqRdPhcWDyElb9f+2hhgJEbLoiIgSq"
#define ECDSA_OTHER_CURVE \
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAzODQAAABBBI7/qLNqX7hy" \
    "CGdqRdPhcWDyElb9f+2hhgJEbLoiIgSqJSJs7Bjyuf7TsoKkS3PDnz1G6aSPVtzvvaNYrIMKxnk="
#define ED25519_31 \
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAH3h4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg="
#define ED25519_LEFT_OVER \
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4AA=="
#define SK_NO_APPLICATION \
    "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIHh4eHh4eHh4e" \
    "Hh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
#define INNER_RSA \
    "ssh-ed25519 AAAAB3NzaC1yc2EAAAADAQABAAAAgQC9GUgGYceT9YY848HkCtev1Jk5x802KuzpaOV5EznD" \
    "JRpSp+APNJWv90CiH/jhgjhs8sPF8s5k0avI9b26rvxCxuIBxyXdszHubWnHcBGnZJEn6dnO+PU1i30aComV" \
    "qo0s4j/vEQAUuMSPwqzKnirwF0W1DKGAscXSYvEPpoaTpw=="
#define INNER_LONGER \
    "ssh-ed25519 AAAADHNzaC1lZDI1NTE5IAAAACB4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eA=="

static enum kc_status read_key(const char *text, char ret_key[KC_SSH_KEY_SIZE])
{
    return kc_ssh_key_read(text, strlen(text), ret_key);
}

static void assert_reads_as(const char *text, const char *wanted)
{
    char key[KC_SSH_KEY_SIZE];
    assert_int_equal(read_key(text, key), KC_OK);
    assert_string_equal(key, wanted);
}

static void assert_refused(const char *text)
{
    char key[KC_SSH_KEY_SIZE] = "untouched";
    if (read_key(text, key) != KC_MALFORMED)
        fail_msg("taken: %s", text);
    assert_string_equal(key, "untouched");
}

static void test_each_type(void **state)
{
    (void)state;
    static const char *const keys[] = {
        ED25519, RSA_1024, ECDSA_256, ECDSA_384, ECDSA_521, SK_ED25519, SK_ECDSA};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char text[KC_SSH_KEY_SIZE];
        assert_reads_as(keys[i], keys[i]);
        for (size_t cut = 1; cut < strlen(keys[i]); cut++) { /* no part of a key is a key */
            memcpy(text, keys[i], cut);
            text[cut] = '\0';
            assert_refused(text);
        }
        memcpy(text, keys[i], strlen(keys[i]));
        memcpy(text + strlen(keys[i]), "AAAA", 5);
        assert_refused(text);
    }
}

static void test_only_type_and_base64_go_on(void **state)
{
    (void)state;
    assert_reads_as(ED25519 " ada@laptop", ED25519);
    assert_reads_as(ED25519 " command=\"/bin/sh\" ssh-rsa AAAA", ED25519);
    assert_reads_as(" \t" ED25519 "\t a comment with blanks and \xc3\xa9  \r\n", ED25519);
    assert_reads_as(ED25519 "\n", ED25519);
}

static void test_lesson_47_no_option_and_no_second_line(void **state)
{
    (void)state;
    assert_refused("command=\"/bin/sh\" " ED25519);
    assert_refused("environment=\"LD_PRELOAD=/tmp/x.so\" " ED25519);
    assert_refused("cert-authority " ED25519);
    assert_refused("from=\"192.0.2.0/24\"," ED25519);
    assert_refused(ED25519 " x\n" ED25519);
    assert_refused(ED25519 "\ncommand=\"/bin/sh\" " ED25519);
    assert_refused(ED25519 "\r" ED25519);
    assert_refused(ED25519 " x\033[2J");
    assert_refused(ED25519 "\n\n");
    assert_refused("# " ED25519);
    char key[KC_SSH_KEY_SIZE];
    assert_int_equal(kc_ssh_key_read(ED25519 "\0x", sizeof ED25519 + 1, key), KC_MALFORMED);
}

static void test_types_that_are_none(void **state)
{
    (void)state;
    assert_refused(DSA);
    assert_refused("");
    assert_refused(" ");
    assert_refused("ssh-ed25519");
    assert_refused("ssh-ed25519 ");
    assert_refused("SSH-ED25519 AAAAC3NzaC1lZDI1NTE5AAAAIJZH7XeEjPWVGzv7mOaL42GPpiaZRi7SZMCbgphdnZk8");
    assert_refused("ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29t");
}

static void test_what_is_inside(void **state)
{
    (void)state;
    assert_refused(INNER_RSA);
    assert_refused(INNER_LONGER);
    assert_refused(ED25519_31);
    assert_refused(ED25519_LEFT_OVER);
    assert_refused(SK_NO_APPLICATION);
    assert_refused(ECDSA_COMPRESSED);
    assert_refused(ECDSA_OTHER_CURVE);
    assert_refused(RSA_1016);
    assert_refused(RSA_NEGATIVE);
    assert_refused(RSA_LONG_ZERO);
    assert_refused(RSA_EXPONENT_1);
}

static void test_one_spelling(void **state)
{
    (void)state;
    char text[KC_SSH_KEY_SIZE];
    size_t length = strlen(ECDSA_256);
    memcpy(text, ECDSA_256, length + 1);
    assert_int_equal(text[length - 1], '=');
    assert_int_equal(text[length - 2], 'k');
    text[length - 2] = 'l'; /* the same bytes, with a bit that nobody reads */
    assert_refused(text);
    memcpy(text, ECDSA_256, length + 1);
    text[length - 1] = '\0';
    assert_refused(text);
    snprintf(text, sizeof text, "%s=", ECDSA_256);
    assert_refused(text);
    memcpy(text, ED25519, sizeof ED25519);
    text[20] = '-';
    assert_refused(text);
    text[20] = '=';
    assert_refused(text);
}

static void test_too_long(void **state)
{
    (void)state;
    char key[KC_SSH_KEY_SIZE], text[8192];
    int at = snprintf(text, sizeof text, "ssh-rsa ");
    memset(text + at, 'A', 4000);
    assert_int_equal(kc_ssh_key_read(text, (size_t)at + 4000, key), KC_TOO_LARGE);
    at = snprintf(text, sizeof text, "%s ", ED25519);
    memset(text + at, 'x', 6000); /* a comment costs nothing */
    assert_int_equal(kc_ssh_key_read(text, (size_t)at + 6000, key), KC_OK);
    assert_string_equal(key, ED25519);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_type),
        cmocka_unit_test(test_only_type_and_base64_go_on),
        cmocka_unit_test(test_lesson_47_no_option_and_no_second_line),
        cmocka_unit_test(test_types_that_are_none),
        cmocka_unit_test(test_what_is_inside),
        cmocka_unit_test(test_one_spelling),
        cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
