/*
 * Fuzz target: passwd and group files, against a second reader that holds whole lines.
 * The input's first line is the name looked for, its second the member; the rest is the file.
 */
#include "common/account.h"

#include "common/option.h"
#include "fuzz/target.h"

#include <string.h>

struct piece {
    const char *bytes;
    size_t length;
};

/* Cuts the piece before the next `end` off `rest`; the last piece has none behind it. */
static bool cut(struct piece *rest, char end, struct piece *ret)
{
    if (!rest->bytes)
        return false;
    const char *at = rest->length ? memchr(rest->bytes, end, rest->length) : NULL;
    *ret = (struct piece){rest->bytes, at ? (size_t)(at - rest->bytes) : rest->length};
    rest->bytes = at ? at + 1 : NULL;
    rest->length -= at ? ret->length + 1 : ret->length;
    return true;
}

static bool is(struct piece piece, const char *text)
{
    return *text && piece.length == strlen(text) && piece.length <= KC_ACCOUNT_FIELD_MAX &&
           memcmp(piece.bytes, text, piece.length) == 0;
}

static bool number(struct piece piece, uint32_t *ret)
{
    return piece.length <= KC_ACCOUNT_FIELD_MAX &&
           kc_option_number(piece.bytes, piece.length, ret) == KC_OK;
}

static size_t split(struct piece line, struct piece *fields, size_t max)
{
    size_t count = 0;
    struct piece field;
    while (cut(&line, ':', &field)) {
        if (count < max)
            fields[count] = field;
        count++;
    }
    return count;
}

static bool find(struct piece file, const char *name, struct kc_account *ret)
{
    struct piece line, fields[7];
    while (cut(&file, '\n', &line)) {
        size_t count = split(line, fields, 7);
        if (!is(fields[0], name))
            continue;
        *ret = (struct kc_account){0};
        bool uid = count > 2 && number(fields[2], &ret->uid);
        bool gid = count > 3 && number(fields[3], &ret->gid);
        ret->sound = count == 7 && uid && gid;
        return true;
    }
    return false;
}

static bool in_group(struct piece file, const char *group, const char *user, gid_t gid)
{
    struct piece line, fields[4], member;
    while (cut(&file, '\n', &line)) {
        uint32_t own;
        size_t count = split(line, fields, 4);
        if (!is(fields[0], group))
            continue;
        if (count > 2 && number(fields[2], &own) && own == gid)
            return true;
        while (count > 3 && cut(&fields[3], ',', &member))
            if (is(member, user))
                return true;
    }
    return false;
}

static char *text_of(struct piece piece)
{
    char *text = calloc(1, piece.length + 1);
    FUZZ_MUST(text);
    if (piece.length)
        memcpy(text, piece.bytes, piece.length);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char nothing[1];
    struct piece rest = {length ? (const char *)bytes : nothing, length}, name, user;
    if (!cut(&rest, '\n', &name) || !cut(&rest, '\n', &user) || !rest.bytes)
        return 0;
    char *name_text = text_of(name), *user_text = text_of(user);
    struct kc_account got = {0}, wanted = {0};
    bool found = kc_account_parse(rest.bytes, rest.length, name_text, &got) == KC_OK;
    FUZZ_MUST(found == find(rest, name_text, &wanted));
    FUZZ_MUST(got.sound == wanted.sound);
    FUZZ_MUST(!got.sound || (got.uid == wanted.uid && got.gid == wanted.gid));
    FUZZ_MUST(kc_account_parse_group(rest.bytes, rest.length, name_text, user_text, 1000) ==
              in_group(rest, name_text, user_text, 1000));
    free(name_text);
    free(user_text);
    return 0;
}
