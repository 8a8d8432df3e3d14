/*
 * What a row of the database says, and whether it may be believed.
 * Used by state_db.c to read and write, by the directory to fill rows. Pure: it knows no SQLite.
 * Must never let through a name, number or text that the realm's own answers would not get through.
 */
#include "daemon/state_row.h"

#include "common/name.h"
#include "common/snapshot.h"
#include "daemon/person.h"

#include <stdlib.h>
#include <string.h>

#define FIELD_MAX 255u
#define TIME_MAX ((int64_t)1 << 40)

#define C(type, field)                                                                             \
    {                                                                                              \
        STATE_COLUMN_##type, offsetof(struct state_row, field)                                     \
    }

/* clang-format off */
const struct state_columns state_columns[STATE_TABLES] = {
    [STATE_REALM] = {5, {C(NUMBER, number), C(ISSUER, id), C(NUMBER, gid), C(TIME, until),
        C(TIME, gids_until)}},
    [STATE_GROUPS] = {3, {C(ID, id), C(NAME, name), C(NUMBER, number)}},
    [STATE_USERS] = {12, {C(ID, id), C(NAME, name), C(NUMBER, number), C(NUMBER, gid),
        C(FIELD, gecos), C(FIELD, home), C(FIELD, shell), C(BOOL, enabled), C(BOOL, swept),
        C(TIME, until), C(TIME, gids_until), C(GIDS, gids)}},
    [STATE_NAMES] = {3, {C(NAME, name), C(BOOL, group), C(ID, id)}},
    [STATE_UIDS] = {3, {C(NUMBER, number), C(ID, id), C(BOOL, allocated)}},
    [STATE_GIDS] = {2, {C(NUMBER, number), C(ID, id)}},
};
/* clang-format on */

/* No control characters and nothing that is no byte of a text. */
static bool is_plain(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    return true;
}

static bool is_text(enum state_column_type type, const char *text, size_t length)
{
    if (!is_plain(text, length))
        return false;
    switch (type) {
    case STATE_COLUMN_ID:
        return length > 0 && length <= PERSON_ID_MAX;
    case STATE_COLUMN_NAME:
        return kc_name_valid_group(text, length);
    case STATE_COLUMN_FIELD:
        return length <= FIELD_MAX && !memchr(text, ':', length);
    case STATE_COLUMN_ISSUER:
        return length > 0 && length <= STATE_ISSUER_MAX;
    default:
        return false;
    }
}

static bool is_integer(enum state_column_type type, int64_t integer)
{
    switch (type) {
    case STATE_COLUMN_NUMBER:
        return integer > 0 && integer < UINT32_MAX;
    case STATE_COLUMN_BOOL:
        return integer == 0 || integer == 1;
    case STATE_COLUMN_TIME:
        return integer >= 0 && integer <= TIME_MAX;
    default:
        return false;
    }
}

static bool is_value(enum state_column_type type, const struct state_value *value)
{
    switch (value->type) {
    case STATE_INTEGER:
        return is_integer(type, value->integer);
    case STATE_TEXT:
        return is_text(type, value->bytes, value->length);
    case STATE_BLOB:
        return type == STATE_COLUMN_GIDS && value->length % sizeof(uint32_t) == 0 &&
               value->length / sizeof(uint32_t) <= KC_SNAPSHOT_GROUPS_MAX;
    default:
        return false;
    }
}

/* Puts a sound value into the row; bytes go to `memory`, whose next free one is returned. */
static char *put(struct state_row *row, const struct state_column *column,
    const struct state_value *value, char *memory)
{
    char *field = (char *)row + column->offset;
    switch (column->type) {
    case STATE_COLUMN_NUMBER:
        *(uint32_t *)(void *)field = (uint32_t)value->integer;
        return memory;
    case STATE_COLUMN_BOOL:
        *(bool *)field = value->integer != 0;
        return memory;
    case STATE_COLUMN_TIME:
        *(int64_t *)(void *)field = value->integer;
        return memory;
    default:
        break;
    }
    if (value->length > 0)
        memcpy(memory, value->bytes, value->length);
    if (column->type == STATE_COLUMN_GIDS) {
        row->gids = (const uint32_t *)(const void *)memory;
        row->gid_count = (uint32_t)(value->length / sizeof(uint32_t));
        return memory + value->length;
    }
    memory[value->length] = '\0';
    *(const char **)(void *)field = memory;
    return memory + value->length + 1;
}

/* All values into a row of its own. The gids, the last column, come first in memory: aligned. */
static enum kc_status make(
    enum state_table table, const struct state_value *values, struct state_row *ret_row)
{
    const struct state_columns *columns = &state_columns[table];
    struct state_row row = {.table = table};
    size_t size = 1;
    for (unsigned i = 0; i < columns->count; i++)
        size += values[i].length + 1;
    char *at = row.memory = malloc(size);
    if (!at)
        return KC_NO_MEMORY;
    for (unsigned i = columns->count; i-- > 0;)
        at = put(&row, &columns->columns[i], &values[i], at);
    row.size = size;
    *ret_row = row;
    return KC_OK;
}

enum kc_status state_row_read(
    enum state_table table, const struct state_value *values, struct state_row *ret_row)
{
    const struct state_columns *columns = &state_columns[table];
    for (unsigned i = 0; i < columns->count; i++)
        if (!is_value(columns->columns[i].type, &values[i]))
            return KC_MALFORMED;
    return make(table, values, ret_row);
}

struct state_value state_row_value(const struct state_row *row, const struct state_column *column)
{
    const char *field = (const char *)row + column->offset;
    const char *text;
    switch (column->type) {
    case STATE_COLUMN_NUMBER:
        return (struct state_value){
            .type = STATE_INTEGER, .integer = *(const uint32_t *)(const void *)field};
    case STATE_COLUMN_BOOL:
        return (struct state_value){.type = STATE_INTEGER, .integer = *(const bool *)field};
    case STATE_COLUMN_TIME:
        return (struct state_value){
            .type = STATE_INTEGER, .integer = *(const int64_t *)(const void *)field};
    case STATE_COLUMN_GIDS:
        return (struct state_value){
            .type = STATE_BLOB, .bytes = row->gids, .length = row->gid_count * sizeof(uint32_t)};
    default:
        text = *(const char *const *)(const void *)field;
        return (struct state_value){
            .type = STATE_TEXT, .bytes = text ? text : "", .length = text ? strlen(text) : 0};
    }
}

enum kc_status state_row_copy(const struct state_row *row, struct state_row *ret_row)
{
    const struct state_columns *columns = &state_columns[row->table];
    struct state_value values[STATE_COLUMNS_MAX];
    struct state_row copy;
    for (unsigned i = 0; i < columns->count; i++)
        values[i] = state_row_value(row, &columns->columns[i]);
    const enum kc_status status = make(row->table, values, &copy);
    if (status != KC_OK)
        return status;
    copy.remove = row->remove;
    copy.adopted = row->adopted;
    *ret_row = copy;
    return KC_OK;
}

void state_row_free(struct state_row *row)
{
    free(row->memory);
    row->memory = NULL;
}
