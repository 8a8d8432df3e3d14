/*
 * Bounded bytes: a writer and a reader for binary formats (messages, session files).
 * Used by wire.c and by whoever keeps bytes in a file. A failure sticks: go on, and ask once.
 * Integers are big-endian; a string is a 32-bit length and its bytes (as in RFC 4251 section 5).
 */
#ifndef KC_BUF_H
#define KC_BUF_H

#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes into memory that the caller owns. */
struct kc_writer {
    uint8_t *bytes;
    size_t capacity;
    size_t length;
    bool failed; /* something did not fit; length is then meaningless */
};

/* Reads from memory that the caller owns. */
struct kc_reader {
    const uint8_t *bytes;
    size_t length;
    size_t position;
    bool failed; /* something was missing or over its limit; every later value is 0 or empty */
};

/* A part of a reader's memory; not NUL-terminated. */
struct kc_view {
    const uint8_t *bytes;
    size_t length;
};

struct kc_writer kc_writer_on(void *bytes, size_t capacity);
void kc_write_u8(struct kc_writer *writer, uint8_t value);
void kc_write_u16(struct kc_writer *writer, uint16_t value);
void kc_write_u32(struct kc_writer *writer, uint32_t value);
void kc_write_u64(struct kc_writer *writer, uint64_t value);
void kc_write_bytes(struct kc_writer *writer, const void *bytes, size_t length);
void kc_write_text(struct kc_writer *writer, const char *text);

struct kc_reader kc_reader_on(const void *bytes, size_t length);
uint8_t kc_read_u8(struct kc_reader *reader);
uint16_t kc_read_u16(struct kc_reader *reader);
uint32_t kc_read_u32(struct kc_reader *reader);
uint64_t kc_read_u64(struct kc_reader *reader);

/* A string of at most `limit` bytes, any bytes. */
struct kc_view kc_read_bytes(struct kc_reader *reader, size_t limit);

/* A string of less than `size` bytes without a NUL, copied and terminated; "" on failure. */
void kc_read_text(struct kc_reader *reader, char *ret_text, size_t size);

/* True when nothing failed and nothing is left over. */
bool kc_reader_done(const struct kc_reader *reader);

#endif
