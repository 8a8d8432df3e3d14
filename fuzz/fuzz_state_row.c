/*
 * Fuzz target: a row of state.db. A digit for the table, then a line for each column: i and a
 * number, t and a text, b and bytes, n for nothing.
 * What is taken has a name that Linux has, numbers that are somebody's, and reads as itself.
 */
#include "common/name.h"
#include "common/snapshot.h"
#include "daemon/state_row.h"
#include "fuzz/target.h"

#include <string.h>

static struct state_value read_value(const uint8_t *line, size_t length)
{
    struct state_value value = {.type = STATE_NULL};
    char digits[24] = "";
    if (length == 0 || !strchr("itb", line[0]))
        return value;
    value.bytes = line + 1;
    value.length = length - 1;
    value.type = line[0] == 't' ? STATE_TEXT : STATE_BLOB;
    if (line[0] == 'i') {
        memcpy(digits, line + 1, length - 1 < sizeof digits - 1 ? length - 1 : sizeof digits - 1);
        value = (struct state_value){.type = STATE_INTEGER, .integer = strtoll(digits, NULL, 10)};
    }
    return value;
}

static bool is_plain(const char *text)
{
    for (; text && *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

static bool is_same(const struct state_value *a, const struct state_value *b)
{
    return a->type == b->type && a->integer == b->integer && a->length == b->length &&
           (a->length == 0 || memcmp(a->bytes, b->bytes, a->length) == 0);
}

static void look_at(const struct state_row *row, const struct state_value *values)
{
    const struct state_columns *columns = &state_columns[row->table];
    struct state_row copy;
    FUZZ_MUST(!row->name || kc_name_valid_group(row->name, strlen(row->name)));
    FUZZ_MUST(row->table == STATE_NAMES || (row->number != 0 && row->number != UINT32_MAX));
    FUZZ_MUST(row->id && *row->id && is_plain(row->id));
    FUZZ_MUST(is_plain(row->gecos) && is_plain(row->home) && is_plain(row->shell));
    FUZZ_MUST(!row->home || !strchr(row->home, ':'));
    FUZZ_MUST(row->until >= 0 && row->gids_until >= 0);
    FUZZ_MUST(row->gid_count <= KC_SNAPSHOT_GROUPS_MAX);
    FUZZ_MUST(state_row_copy(row, &copy) == KC_OK);
    for (unsigned i = 0; i < columns->count; i++) {
        const struct state_value value = state_row_value(&copy, &columns->columns[i]);
        FUZZ_MUST(is_same(&value, &values[i]));
    }
    state_row_free(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct state_value values[STATE_COLUMNS_MAX] = {0};
    struct state_row row;
    if (length < 2 || bytes[0] < '0' || bytes[0] >= '0' + STATE_TABLES || bytes[1] != '\n')
        return 0;
    size_t at = 2;
    for (unsigned i = 0; i < STATE_COLUMNS_MAX && at < length; i++) {
        const uint8_t *end = memchr(bytes + at, '\n', length - at);
        const size_t size = end ? (size_t)(end - bytes) - at : length - at;
        values[i] = read_value(bytes + at, size);
        at += size + 1;
    }
    if (state_row_read((enum state_table)(bytes[0] - '0'), values, &row) != KC_OK)
        return 0;
    look_at(&row, values);
    state_row_free(&row);
    return 0;
}
