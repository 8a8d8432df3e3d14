/*
 * Base64url and base64.
 * Used by jose/, daemon/ and ssh_key.c.
 * Must never take two texts for the same bytes.
 */
#include "common/base64.h"

static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char plain_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* A character's value plus one; 0 is a character that does not belong. */
static const uint8_t url_values[256] = {
    ['A'] = 1,
    ['B'] = 2,
    ['C'] = 3,
    ['D'] = 4,
    ['E'] = 5,
    ['F'] = 6,
    ['G'] = 7,
    ['H'] = 8,
    ['I'] = 9,
    ['J'] = 10,
    ['K'] = 11,
    ['L'] = 12,
    ['M'] = 13,
    ['N'] = 14,
    ['O'] = 15,
    ['P'] = 16,
    ['Q'] = 17,
    ['R'] = 18,
    ['S'] = 19,
    ['T'] = 20,
    ['U'] = 21,
    ['V'] = 22,
    ['W'] = 23,
    ['X'] = 24,
    ['Y'] = 25,
    ['Z'] = 26,
    ['a'] = 27,
    ['b'] = 28,
    ['c'] = 29,
    ['d'] = 30,
    ['e'] = 31,
    ['f'] = 32,
    ['g'] = 33,
    ['h'] = 34,
    ['i'] = 35,
    ['j'] = 36,
    ['k'] = 37,
    ['l'] = 38,
    ['m'] = 39,
    ['n'] = 40,
    ['o'] = 41,
    ['p'] = 42,
    ['q'] = 43,
    ['r'] = 44,
    ['s'] = 45,
    ['t'] = 46,
    ['u'] = 47,
    ['v'] = 48,
    ['w'] = 49,
    ['x'] = 50,
    ['y'] = 51,
    ['z'] = 52,
    ['0'] = 53,
    ['1'] = 54,
    ['2'] = 55,
    ['3'] = 56,
    ['4'] = 57,
    ['5'] = 58,
    ['6'] = 59,
    ['7'] = 60,
    ['8'] = 61,
    ['9'] = 62,
    ['-'] = 63,
    ['_'] = 64,
};

/* Writes the characters of `length` bytes and returns where the next one goes. */
static char *encode(const uint8_t *bytes, size_t length, const char *alphabet, char *to)
{
    size_t whole = length / 3 * 3;
    for (size_t i = 0; i < whole; i += 3) {
        uint32_t word = (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | bytes[i + 2];
        *to++ = alphabet[word >> 18];
        *to++ = alphabet[word >> 12 & 63];
        *to++ = alphabet[word >> 6 & 63];
        *to++ = alphabet[word & 63];
    }
    if (length - whole == 0)
        return to;
    uint32_t word = (uint32_t)bytes[whole] << 16;
    if (length - whole == 2)
        word |= (uint32_t)bytes[whole + 1] << 8;
    *to++ = alphabet[word >> 18];
    *to++ = alphabet[word >> 12 & 63];
    if (length - whole == 2)
        *to++ = alphabet[word >> 6 & 63];
    return to;
}

enum kc_status kc_base64url_encode(
    const void *bytes, size_t length, char *ret_text, size_t capacity)
{
    if (length > SIZE_MAX / 2 || kc_base64url_encoded_length(length) >= capacity)
        return KC_TOO_LARGE;
    *encode(bytes, length, url_alphabet, ret_text) = 0;
    return KC_OK;
}

enum kc_status kc_base64_encode(const void *bytes, size_t length, char *ret_text, size_t capacity)
{
    if (length > SIZE_MAX / 2 || kc_base64_encoded_length(length) >= capacity)
        return KC_TOO_LARGE;
    char *end = encode(bytes, length, plain_alphabet, ret_text);
    while ((end - ret_text) % 4)
        *end++ = '=';
    *end = 0;
    return KC_OK;
}

/* The 24 bits of four characters; a set bit above them says that one does not belong. */
static uint32_t quad(const uint8_t *four)
{
    uint32_t a = url_values[four[0]], b = url_values[four[1]];
    uint32_t c = url_values[four[2]], d = url_values[four[3]];
    if (!a || !b || !c || !d)
        return UINT32_MAX;
    return (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6 | (d - 1);
}

enum kc_status kc_base64url_decode(
    const char *text, size_t length, uint8_t *ret_bytes, size_t capacity, size_t *ret_length)
{
    if (length % 4 == 1)
        return KC_MALFORMED;
    if (kc_base64url_decoded_length(length) > capacity)
        return KC_TOO_LARGE;
    const uint8_t *from = (const uint8_t *)text;
    size_t whole = length / 4 * 4, rest = length % 4, done = 0;
    for (size_t i = 0; i < whole; i += 4) {
        uint32_t word = quad(from + i);
        if (word == UINT32_MAX)
            return KC_MALFORMED;
        ret_bytes[done++] = (uint8_t)(word >> 16);
        ret_bytes[done++] = (uint8_t)(word >> 8);
        ret_bytes[done++] = (uint8_t)word;
    }
    if (rest) {
        const uint8_t last[4] = {
            from[whole], from[whole + 1], rest == 3 ? from[whole + 2] : 'A', 'A'};
        uint32_t word = quad(last);
        if (word == UINT32_MAX || (word & (rest == 3 ? 0xff : 0xffff)))
            return KC_MALFORMED;
        ret_bytes[done++] = (uint8_t)(word >> 16);
        if (rest == 3)
            ret_bytes[done++] = (uint8_t)(word >> 8);
    }
    *ret_length = done;
    return KC_OK;
}

/* A character of the plain alphabet as the other one spells it; 0: it does not belong. */
static uint8_t respell(char character)
{
    switch (character) {
    case '+':
        return '-';
    case '/':
        return '_';
    case '-':
    case '_':
        return 0;
    default:
        return (uint8_t)character;
    }
}

enum kc_status kc_base64_decode(
    const char *text, size_t length, uint8_t *ret_bytes, size_t capacity, size_t *ret_length)
{
    size_t padding = 0, done = 0;
    if (length % 4)
        return KC_MALFORMED;
    if (length && text[length - 1] == '=')
        padding = text[length - 2] == '=' ? 2 : 1;
    if (length / 4 * 3 - padding > capacity)
        return KC_TOO_LARGE;
    for (size_t i = 0; i < length; i += 4) {
        const size_t left_out = i + 4 == length ? padding : 0;
        uint8_t four[4] = {'A', 'A', 'A', 'A'};
        for (size_t j = 0; j < 4 - left_out; j++)
            four[j] = respell(text[i + j]);
        const uint32_t word = quad(four);
        if (word == UINT32_MAX || (word & ((1u << 8 * left_out) - 1)))
            return KC_MALFORMED;
        for (size_t j = 0; j < 3 - left_out; j++)
            ret_bytes[done++] = (uint8_t)(word >> (16 - 8 * j));
    }
    *ret_length = done;
    return KC_OK;
}
