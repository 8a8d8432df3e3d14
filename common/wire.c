/*
 * The wire format: encoders and decoders.
 * Used on both sides of the sockets.
 * Must never trust a length, a type or a number that has come over a socket.
 */
#include "common/wire.h"

#include <string.h>

static void write_head(struct kc_writer *writer, enum kc_wire_type type)
{
    kc_write_u8(writer, KC_WIRE_VERSION);
    kc_write_u8(writer, (uint8_t)type);
    kc_write_u16(writer, 0);
}

static enum kc_status read_head(struct kc_reader *reader, enum kc_wire_type *ret_type)
{
    unsigned version = kc_read_u8(reader);
    enum kc_wire_type type = (enum kc_wire_type)kc_read_u8(reader);
    unsigned reserved = kc_read_u16(reader);
    if (reader->failed)
        return KC_PROTOCOL;
    if (version != KC_WIRE_VERSION)
        return KC_PROTOCOL_VERSION;
    if (reserved != 0)
        return KC_PROTOCOL;
    *ret_type = type;
    return KC_OK;
}

static enum kc_status write_end(const struct kc_writer *writer, size_t *ret_length)
{
    if (writer->failed)
        return KC_TOO_LARGE;
    *ret_length = writer->length;
    return KC_OK;
}

static void write_login(struct kc_writer *writer, const struct kc_wire_login *login)
{
    kc_write_u32(writer, login->uid);
    kc_write_u32(writer, login->caller_uid);
    kc_write_u8(writer, login->no_token);
    kc_write_text(writer, login->service);
    kc_write_text(writer, login->user);
    kc_write_text(writer, login->rhost);
    kc_write_text(writer, login->tty);
    kc_write_text(writer, login->access);
}

/* Bytes of a field with a limit: over it, nothing is written and the message fails. */
static void write_limited(struct kc_writer *writer, struct kc_view view, size_t limit)
{
    if (view.length > limit)
        writer->failed = true;
    kc_write_bytes(writer, view.bytes, view.length);
}

/* A key is whole, or (where that may be) absent; nothing between. */
static void write_key(struct kc_writer *writer, struct kc_view key, bool optional)
{
    if (key.length != KC_KEY_SIZE && !(optional && key.length == 0))
        writer->failed = true;
    kc_write_bytes(writer, key.bytes, key.length);
}

static bool read_flag(struct kc_reader *reader)
{
    unsigned value = kc_read_u8(reader);
    if (value > 1)
        reader->failed = true;
    return value == 1;
}

static void read_login(struct kc_reader *reader, struct kc_wire_login *login)
{
    login->uid = kc_read_u32(reader);
    login->caller_uid = kc_read_u32(reader);
    login->no_token = read_flag(reader);
    kc_read_text(reader, login->service, sizeof login->service);
    kc_read_text(reader, login->user, sizeof login->user);
    kc_read_text(reader, login->rhost, sizeof login->rhost);
    kc_read_text(reader, login->tty, sizeof login->tty);
    kc_read_text(reader, login->access, sizeof login->access);
}

static struct kc_view read_key(struct kc_reader *reader, bool optional)
{
    struct kc_view key = kc_read_bytes(reader, KC_KEY_SIZE);
    if (key.length != KC_KEY_SIZE && !(optional && key.length == 0))
        reader->failed = true;
    return key;
}

static void write_lookup(struct kc_writer *writer, const struct kc_wire_lookup *lookup)
{
    kc_write_u8(writer, (uint8_t)lookup->kind);
    kc_write_text(writer, lookup->name);
    kc_write_u32(writer, lookup->id);
    kc_write_u32(writer, lookup->skip);
}

static void read_lookup(struct kc_reader *reader, struct kc_wire_lookup *lookup)
{
    lookup->kind = (enum kc_lookup_kind)kc_read_u8(reader);
    kc_read_text(reader, lookup->name, sizeof lookup->name);
    lookup->id = kc_read_u32(reader);
    lookup->skip = kc_read_u32(reader);
    if (lookup->kind < KC_LOOKUP_USER || lookup->kind > KC_LOOKUP_KEYS)
        reader->failed = true;
}

static void write_order(
    struct kc_writer *writer, enum kc_wire_type type, const struct kc_wire_order *order)
{
    if (type != KC_WIRE_ASSIGN)
        kc_write_text(writer, order->name);
    if (type != KC_WIRE_FLUSH)
        kc_write_u8(writer, order->write);
    if (type == KC_WIRE_ADOPT)
        kc_write_text(writer, order->id);
    if (type == KC_WIRE_ASSIGN)
        kc_write_text(writer, order->client);
}

static void read_order(
    struct kc_reader *reader, enum kc_wire_type type, struct kc_wire_order *order)
{
    if (type != KC_WIRE_ASSIGN)
        kc_read_text(reader, order->name, sizeof order->name);
    if (type != KC_WIRE_FLUSH)
        order->write = read_flag(reader);
    if (type == KC_WIRE_ADOPT)
        kc_read_text(reader, order->id, sizeof order->id);
    if (type == KC_WIRE_ASSIGN)
        kc_read_text(reader, order->client, sizeof order->client);
}

static void write_user(struct kc_writer *writer, const struct kc_wire_entry *entry)
{
    kc_write_text(writer, entry->name);
    kc_write_u32(writer, entry->uid);
    kc_write_u32(writer, entry->gid);
    write_limited(writer, entry->gecos, KC_FIELD_MAX);
    write_limited(writer, entry->home, KC_FIELD_MAX);
    write_limited(writer, entry->shell, KC_FIELD_MAX);
}

/* A string that will stand in a passwd entry: no NUL. */
static struct kc_view read_field(struct kc_reader *reader)
{
    const struct kc_view field = kc_read_bytes(reader, KC_FIELD_MAX);

    if (field.length > 0 && memchr(field.bytes, 0, field.length))
        reader->failed = true;
    return field;
}

static void read_user(struct kc_reader *reader, struct kc_wire_entry *entry)
{
    kc_read_text(reader, entry->name, sizeof entry->name);
    entry->uid = kc_read_u32(reader);
    entry->gid = kc_read_u32(reader);
    entry->gecos = read_field(reader);
    entry->home = read_field(reader);
    entry->shell = read_field(reader);
}

static void write_list(struct kc_writer *writer, const struct kc_wire_entry *entry)
{
    kc_write_u32(writer, entry->count);
    kc_write_u32(writer, entry->total);
    write_limited(writer, entry->list, KC_LIST_MAX);
}

/* Whether `list` is `count` texts that are not empty, each ended by a NUL. */
static bool are_texts(struct kc_view list, uint32_t count)
{
    const uint8_t *bytes = list.bytes;
    uint32_t ends = 0;
    size_t i;

    for (i = 0; i < list.length; i++) {
        if (bytes[i] == 0 && (i == 0 || bytes[i - 1] == 0))
            return false;
        ends += bytes[i] == 0;
    }
    return ends == count && (list.length == 0 || bytes[list.length - 1] == 0);
}

static void read_list(struct kc_reader *reader, enum kc_wire_type type, struct kc_wire_entry *entry)
{
    entry->count = kc_read_u32(reader);
    entry->total = kc_read_u32(reader);
    entry->list = kc_read_bytes(reader, KC_LIST_MAX);
    if (entry->count > entry->total ||
        (type == KC_WIRE_GIDS ? entry->list.length != (uint64_t)entry->count * sizeof(uint32_t)
                              : !are_texts(entry->list, entry->count)))
        reader->failed = true;
}

static void write_group(struct kc_writer *writer, const struct kc_wire_entry *entry)
{
    kc_write_text(writer, entry->name);
    kc_write_u32(writer, entry->gid);
    write_list(writer, entry);
}

static void read_group(struct kc_reader *reader, struct kc_wire_entry *entry)
{
    kc_read_text(reader, entry->name, sizeof entry->name);
    entry->gid = kc_read_u32(reader);
    read_list(reader, KC_WIRE_GROUP, entry);
}

static void write_keys(struct kc_writer *writer, const struct kc_wire_entry *entry)
{
    kc_write_text(writer, entry->name);
    kc_write_u32(writer, entry->uid);
    write_list(writer, entry);
}

static void read_keys(struct kc_reader *reader, struct kc_wire_entry *entry)
{
    kc_read_text(reader, entry->name, sizeof entry->name);
    entry->uid = kc_read_u32(reader);
    read_list(reader, KC_WIRE_KEYS, entry);
}

enum kc_status kc_wire_encode_request(
    const struct kc_wire_request *request, void *bytes, size_t capacity, size_t *ret_length)
{
    struct kc_writer writer = kc_writer_on(bytes, capacity);
    write_head(&writer, request->type);
    switch (request->type) {
    case KC_WIRE_AUTH:
    case KC_WIRE_PASSWD:
    case KC_WIRE_EXPLAIN:
        write_login(&writer, &request->login);
        break;
    case KC_WIRE_ACCOUNT:
    case KC_WIRE_OPEN:
        write_login(&writer, &request->login);
        write_key(&writer, request->key, true);
        break;
    case KC_WIRE_ANSWER:
        kc_write_u8(&writer, (uint8_t)request->kind);
        write_limited(&writer, request->answer, KC_ANSWER_MAX);
        break;
    case KC_WIRE_CLOSE:
        write_key(&writer, request->key, false);
        break;
    case KC_WIRE_STATUS:
        break;
    case KC_WIRE_LOOKUP:
        write_lookup(&writer, &request->lookup);
        break;
    case KC_WIRE_FLUSH:
    case KC_WIRE_ADOPT:
    case KC_WIRE_ASSIGN:
        write_order(&writer, request->type, &request->order);
        break;
    default:
        return KC_PROTOCOL;
    }
    return write_end(&writer, ret_length);
}

enum kc_status kc_wire_decode_request(
    const void *bytes, size_t length, struct kc_wire_request *ret_request)
{
    struct kc_reader reader = kc_reader_on(bytes, length);
    struct kc_wire_request request = {0};
    enum kc_status status = read_head(&reader, &request.type);
    if (status != KC_OK)
        return status;
    switch (request.type) {
    case KC_WIRE_AUTH:
    case KC_WIRE_PASSWD:
    case KC_WIRE_EXPLAIN:
        read_login(&reader, &request.login);
        break;
    case KC_WIRE_ACCOUNT:
    case KC_WIRE_OPEN:
        read_login(&reader, &request.login);
        request.key = read_key(&reader, true);
        break;
    case KC_WIRE_ANSWER:
        request.kind = (enum kc_ask_kind)kc_read_u8(&reader);
        if (request.kind < KC_ASK_PASSWORD || request.kind > KC_ASK_ACKNOWLEDGE)
            return KC_PROTOCOL;
        request.answer = kc_read_bytes(&reader, KC_ANSWER_MAX);
        break;
    case KC_WIRE_CLOSE:
        request.key = read_key(&reader, false);
        break;
    case KC_WIRE_STATUS:
        break;
    case KC_WIRE_LOOKUP:
        read_lookup(&reader, &request.lookup);
        break;
    case KC_WIRE_FLUSH:
    case KC_WIRE_ADOPT:
    case KC_WIRE_ASSIGN:
        read_order(&reader, request.type, &request.order);
        break;
    default:
        return KC_PROTOCOL;
    }
    if (!kc_reader_done(&reader))
        return KC_PROTOCOL;
    *ret_request = request;
    return KC_OK;
}

enum kc_status kc_wire_encode_reply(
    const struct kc_wire_reply *reply, void *bytes, size_t capacity, size_t *ret_length)
{
    struct kc_writer writer = kc_writer_on(bytes, capacity);
    write_head(&writer, reply->type);
    switch (reply->type) {
    case KC_WIRE_ASK:
        kc_write_u8(&writer, (uint8_t)reply->kind);
        kc_write_u8(&writer, reply->echo);
        kc_write_text(&writer, reply->text);
        break;
    case KC_WIRE_SHOW:
        kc_write_u8(&writer, (uint8_t)reply->style);
        kc_write_text(&writer, reply->text);
        break;
    case KC_WIRE_DONE:
        kc_write_u8(&writer, (uint8_t)reply->class);
        kc_write_text(&writer, reply->word);
        write_key(&writer, reply->key, true);
        kc_write_u8(&writer, reply->exports);
        kc_write_u64(&writer, reply->expires);
        write_limited(&writer, reply->token, KC_TOKEN_MAX);
        write_limited(&writer, reply->report, KC_REPORT_MAX);
        break;
    case KC_WIRE_USER:
        write_user(&writer, &reply->entry);
        break;
    case KC_WIRE_GROUP:
        write_group(&writer, &reply->entry);
        break;
    case KC_WIRE_GIDS:
        write_list(&writer, &reply->entry);
        break;
    case KC_WIRE_KEYS:
        write_keys(&writer, &reply->entry);
        break;
    default:
        return KC_PROTOCOL;
    }
    return write_end(&writer, ret_length);
}

static void read_done(struct kc_reader *reader, struct kc_wire_reply *reply)
{
    reply->class = (enum kc_class)kc_read_u8(reader);
    kc_read_text(reader, reply->word, sizeof reply->word);
    reply->key = read_key(reader, true);
    reply->exports = kc_read_u8(reader);
    if (reply->exports & ~(KC_EXPORT_TOKEN | KC_EXPORT_HANDLE))
        reader->failed = true;
    reply->expires = kc_read_u64(reader);
    reply->token = kc_read_bytes(reader, KC_TOKEN_MAX);
    reply->report = kc_read_bytes(reader, KC_REPORT_MAX);
}

enum kc_status kc_wire_decode_reply(
    const void *bytes, size_t length, struct kc_wire_reply *ret_reply)
{
    struct kc_reader reader = kc_reader_on(bytes, length);
    struct kc_wire_reply reply = {.class = KC_CLASS_INTERNAL};
    enum kc_status status = read_head(&reader, &reply.type);
    if (status != KC_OK)
        return status;
    switch (reply.type) {
    case KC_WIRE_ASK:
        reply.kind = (enum kc_ask_kind)kc_read_u8(&reader);
        if (reply.kind < KC_ASK_PASSWORD || reply.kind > KC_ASK_ACKNOWLEDGE)
            return KC_PROTOCOL;
        reply.echo = read_flag(&reader);
        kc_read_text(&reader, reply.text, sizeof reply.text);
        break;
    case KC_WIRE_SHOW:
        reply.style = (enum kc_show_style)kc_read_u8(&reader);
        if (reply.style < KC_SHOW_INFO || reply.style > KC_SHOW_ERROR)
            return KC_PROTOCOL;
        kc_read_text(&reader, reply.text, sizeof reply.text);
        break;
    case KC_WIRE_DONE:
        read_done(&reader, &reply);
        break;
    case KC_WIRE_USER:
        read_user(&reader, &reply.entry);
        break;
    case KC_WIRE_GROUP:
        read_group(&reader, &reply.entry);
        break;
    case KC_WIRE_GIDS:
        read_list(&reader, KC_WIRE_GIDS, &reply.entry);
        break;
    case KC_WIRE_KEYS:
        read_keys(&reader, &reply.entry);
        break;
    default:
        return KC_PROTOCOL;
    }
    if (!kc_reader_done(&reader))
        return KC_PROTOCOL;
    *ret_reply = reply;
    return KC_OK;
}

void kc_key_to_hex(const uint8_t key[KC_KEY_SIZE], char ret_hex[KC_KEY_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < KC_KEY_SIZE; i++) {
        ret_hex[2 * i] = digits[key[i] >> 4];
        ret_hex[2 * i + 1] = digits[key[i] & 15];
    }
    ret_hex[KC_KEY_HEX_SIZE - 1] = 0;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

enum kc_status kc_key_from_hex(const char *hex, uint8_t ret_key[KC_KEY_SIZE])
{
    uint8_t key[KC_KEY_SIZE];
    if (strnlen(hex, KC_KEY_HEX_SIZE) != KC_KEY_HEX_SIZE - 1)
        return KC_MALFORMED;
    for (size_t i = 0; i < KC_KEY_SIZE; i++) {
        int high = hex_value(hex[2 * i]), low = hex_value(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return KC_MALFORMED;
        key[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(ret_key, key, KC_KEY_SIZE);
    return KC_OK;
}
