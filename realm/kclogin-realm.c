/*
 * kclogin-realm: a small realm in memory that answers as Keycloak does, for trying and for tests.
 * The entry: reads options, loads the realm, serves until it is told to stop.
 * Never a place for real people's passwords.
 */
#include "common/cleanup.h"
#include "realm/fill.h"
#include "realm/import.h"
#include "realm/keys.h"
#include "realm/options.h"
#include "realm/server.h"
#include "realm/sessions.h"
#include "realm/text.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int complain(const char *reason)
{
    fprintf(stderr, "kclogin-realm: %s\n", reason);
    return EXIT_FAILURE;
}

/* Under another name first, so that whoever waits for the file never reads half of it. */
static bool write_file(const char *path, const char *text)
{
    char *fresh KC_AUTO_FREE = realm_text_format("%s.new", path);
    FILE *file = fopen(fresh, "we");
    if (file == NULL)
        return false;
    bool good = fputs(text, file) >= 0;
    good = fclose(file) == 0 && good;
    return good && rename(fresh, path) == 0;
}

static enum kc_status load_tls(
    const struct realm_options *options, struct realm_tls *ret_tls, char **ret_reason)
{
    struct realm_tls tls = {0};
    enum kc_status status = KC_OK;
    const char *what = "a certificate cannot be made";
    if (options->certificate == NULL) {
        status = realm_tls_make(&tls);
    } else {
        what = options->certificate;
        status = realm_tls_read(options->certificate, &tls.certificate);
        if (status == KC_OK) {
            what = options->key;
            status = realm_tls_read(options->key, &tls.key);
        }
    }
    if (status == KC_OK && options->client_ca != NULL) {
        what = options->client_ca;
        status = realm_tls_read(options->client_ca, &tls.client_authority);
    }
    if (status == KC_OK && options->ca_out != NULL && !write_file(options->ca_out, tls.authority)) {
        what = options->ca_out;
        status = KC_SYSTEM;
    }
    if (status != KC_OK) {
        realm_tls_free(&tls);
        *ret_reason = realm_text_format("%s: %s", what, kc_status_word(status));
        return status;
    }
    *ret_tls = tls;
    return KC_OK;
}

static int serve(struct realm_server *server, const struct realm_options *options)
{
    sigset_t ends;
    int signal_number;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    enum kc_status status = realm_server_start(server, options->listen, (uint16_t)options->port);
    if (status == KC_CONFIG_INVALID)
        return complain("--listen: only an address of the loopback is taken");
    if (status != KC_OK) {
        fprintf(stderr, "kclogin-realm: cannot listen: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    fprintf(server->log, "realm %s at %s/realms/%s like %d\n", server->realm->name, server->base,
        server->realm->name, (int)server->realm->like);
    fflush(server->log);
    if (options->ready == NULL || write_file(options->ready, server->base))
        sigwait(&ends, &signal_number);
    else
        complain("--ready: the file cannot be written");
    realm_server_stop(server);
    return EXIT_SUCCESS;
}

static int run(const struct realm_options *options, struct realm *realm)
{
    struct realm_tls tls = {0};
    char *reason KC_AUTO_FREE = NULL;
    if (options->tls && load_tls(options, &tls, &reason) != KC_OK)
        return complain(reason);
    struct realm_server server = {.realm = realm,
        .path = options->path,
        .tls = options->tls ? &tls : NULL,
        .log = options->log ? fopen(options->log, "ae") : stderr};
    int code = server.log ? serve(&server, options) : complain("--log: the file cannot be written");
    if (server.log != NULL && server.log != stderr)
        fclose(server.log);
    realm_tls_free(&tls);
    return code;
}

int main(int argc, char **argv)
{
    struct realm_options options;
    struct realm *realm = NULL;
    char *reason KC_AUTO_FREE = NULL;
    if (realm_options_read(argc, argv, &options, &reason) != KC_OK)
        return complain(reason);
    if (options.help || options.list) {
        realm_options_show(options.list);
        return EXIT_SUCCESS;
    }
    if (realm_import(options.realm, (enum realm_likeness)options.like, &realm, &reason) != KC_OK)
        return complain(reason);
    realm->hash_delay_ms = options.hash_delay;
    (void)realm_fill(realm, (size_t)options.fill_users, (size_t)options.fill_groups,
        (size_t)options.fill_members); /* the options' own limits are its limits */
    int code = realm_keys_make(realm) == KC_OK ? run(&options, realm)
                                               : complain("the realm's keys cannot be made");
    realm_session_close_all(realm);
    realm_fault_clear(realm);
    realm_keys_free(realm->keys);
    realm_free(realm);
    return code;
}
