/*
 * kclogin: the command of users and administrators; finds the verb and runs it.
 * Used from a shell.
 * Must never talk to the realm or to the daemon's files: a verb asks the daemon, or only computes.
 */
#include "cli/assign.h"
#include "cli/orders.h"
#include "cli/ssh_keys.h"
#include "cli/status.h"
#include "cli/token.h"
#include "cli/user.h"

#include <stdlib.h>
#include <string.h>

#define VALUES_SIZE 256

/* A new verb is one line here. */
static const struct cli_verb *const verbs[] = {
    &flush_verb,
    &ids_adopt_verb,
    &ids_assign_verb,
    &ssh_keys_verb,
    &status_verb,
    &token_verify_verb,
    &user_verb,
};

#define VERBS (sizeof verbs / sizeof *verbs)

static void usage(FILE *to)
{
    fputs("usage: kclogin VERB [OPTION...]\n\n", to);
    for (size_t i = 0; i < VERBS; i++)
        fprintf(to, "  %-16s%s\n", verbs[i]->words, verbs[i]->meaning);
    fputs("\nkclogin VERB --help says more.\n", to);
}

/* How many arguments spell the verb; 0: they spell another. */
static int match(const struct cli_verb *verb, int count, char *const *arguments)
{
    const char *words = verb->words;
    for (int i = 0; i < count; i++) {
        size_t length = strcspn(words, " ");
        if (strlen(arguments[i]) != length || memcmp(arguments[i], words, length) != 0)
            return 0;
        if (!words[length])
            return i + 1;
        words += length + 1;
    }
    return 0;
}

static enum cli_exit run(const struct cli_verb *verb, int count, char *const *arguments)
{
    _Alignas(max_align_t) unsigned char values[VALUES_SIZE] = {0};
    char error[160] = "";
    bool help = false;
    if (verb->values_size > sizeof values)
        abort();
    if (cli_options_read(verb, count, arguments, values, &help, error, sizeof error) != KC_OK) {
        fprintf(stderr, "kclogin %s: %s\n", verb->words, error);
        fprintf(stderr, "kclogin %s --help says more.\n", verb->words);
        return CLI_EXIT_USAGE;
    }
    if (help) {
        cli_options_help(verb, stdout);
        return CLI_EXIT_OK;
    }
    return verb->run(values);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < VERBS; i++) {
        int words = match(verbs[i], argc - 1, argv + 1);
        if (words)
            return (int)run(verbs[i], argc - 1 - words, argv + 1 + words);
    }
    bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
    if (argc > 1 && !help)
        fprintf(stderr, "kclogin: there is no verb of that name\n\n");
    usage(help ? stdout : stderr);
    return help ? CLI_EXIT_OK : CLI_EXIT_USAGE;
}
