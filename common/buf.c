/*
 * Bounded bytes: the writer and the reader.
 * Used by the wire format and the session files.
 * Must never touch a byte outside the memory it was given.
 */
#include "common/buf.h"

#include <string.h>

struct kc_writer kc_writer_on(void *bytes, size_t capacity)
{
    return (struct kc_writer){.bytes = bytes, .capacity = capacity};
}

static void write_raw(struct kc_writer *writer, const void *bytes, size_t length)
{
    if (writer->failed || length > writer->capacity - writer->length) {
        writer->failed = true;
        return;
    }
    if (length)
        memcpy(writer->bytes + writer->length, bytes, length);
    writer->length += length;
}

static void write_number(struct kc_writer *writer, uint64_t value, size_t width)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
    write_raw(writer, bytes, width);
}

void kc_write_u8(struct kc_writer *writer, uint8_t value)
{
    write_number(writer, value, 1);
}

void kc_write_u16(struct kc_writer *writer, uint16_t value)
{
    write_number(writer, value, 2);
}

void kc_write_u32(struct kc_writer *writer, uint32_t value)
{
    write_number(writer, value, 4);
}

void kc_write_u64(struct kc_writer *writer, uint64_t value)
{
    write_number(writer, value, 8);
}

void kc_write_bytes(struct kc_writer *writer, const void *bytes, size_t length)
{
    if (length > UINT32_MAX) {
        writer->failed = true;
        return;
    }
    kc_write_u32(writer, (uint32_t)length);
    write_raw(writer, bytes, length);
}

void kc_write_text(struct kc_writer *writer, const char *text)
{
    kc_write_bytes(writer, text, strlen(text));
}

struct kc_reader kc_reader_on(const void *bytes, size_t length)
{
    return (struct kc_reader){.bytes = bytes, .length = length};
}

static const uint8_t *read_raw(struct kc_reader *reader, size_t length)
{
    if (reader->failed || length > reader->length - reader->position) {
        reader->failed = true;
        return NULL;
    }
    const uint8_t *bytes = reader->bytes + reader->position;
    reader->position += length;
    return bytes;
}

static uint64_t read_number(struct kc_reader *reader, size_t width)
{
    const uint8_t *bytes = read_raw(reader, width);
    uint64_t value = 0;
    for (size_t i = 0; bytes && i < width; i++)
        value = value << 8 | bytes[i];
    return value;
}

uint8_t kc_read_u8(struct kc_reader *reader)
{
    return (uint8_t)read_number(reader, 1);
}

uint16_t kc_read_u16(struct kc_reader *reader)
{
    return (uint16_t)read_number(reader, 2);
}

uint32_t kc_read_u32(struct kc_reader *reader)
{
    return (uint32_t)read_number(reader, 4);
}

uint64_t kc_read_u64(struct kc_reader *reader)
{
    return read_number(reader, 8);
}

struct kc_view kc_read_bytes(struct kc_reader *reader, size_t limit)
{
    size_t length = kc_read_u32(reader);
    if (length > limit)
        reader->failed = true;
    const uint8_t *bytes = read_raw(reader, length);
    return bytes ? (struct kc_view){bytes, length} : (struct kc_view){NULL, 0};
}

void kc_read_text(struct kc_reader *reader, char *ret_text, size_t size)
{
    struct kc_view view = kc_read_bytes(reader, size - 1);
    if (view.length && memchr(view.bytes, 0, view.length)) {
        reader->failed = true;
        view.length = 0;
    }
    if (view.length)
        memcpy(ret_text, view.bytes, view.length);
    ret_text[view.length] = 0;
}

bool kc_reader_done(const struct kc_reader *reader)
{
    return !reader->failed && reader->position == reader->length;
}
