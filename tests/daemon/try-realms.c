/*
 * Many realm objects in one loop, by the daemon's own code, so that their waits overlap. Each line
 * of its input is an order, each line of its output what came of one; N is any number up to a
 * limit. open N CONFIG           ->  open N WORD login N USER PASSWORD   ->  login N WORD
 * MILLISECONDS DETAIL; the grant of an "ok" is kept logout N                ->  logout N WORD
 * MILLISECONDS DETAIL state N                 ->  state N ready|not WORD close N                 ->
 * close N It ends with its input.
 */
#include "daemon/clock.h"
#include "daemon/config.h"
#include "daemon/grant.h"
#include "daemon/http.h"
#include "daemon/realm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#define REALMS_MAX 1024
#define LINE_MAX_BYTES 65536

struct place {
    struct realm *realm;
    struct config *config;
    struct kc_secret refresh;
    char *issuer; /* of the grant that is kept */
    uint64_t login_us, logout_us;
};

struct run {
    sd_event *event;
    size_t length;
    char line[LINE_MAX_BYTES];
    struct place at[REALMS_MAX];
};

static struct run run;

static void tell(const char *what, const struct place *place, enum kc_status status,
    uint64_t from_us, const char *detail)
{
    printf("%s %zu %s %llu %s\n", what, (size_t)(place - run.at), kc_status_word(status),
        (unsigned long long)((clock_us() - from_us) / 1000), detail);
}

static void on_granted(
    void *userdata, enum kc_status status, const char *detail, struct grant_answer *answer)
{
    struct place *place = userdata;
    if (answer) {
        kc_secret_wipe(&place->refresh);
        place->refresh = kc_secret_take(&answer->refresh_token);
        free(place->issuer);
        place->issuer = strdup(answer->issuer);
    }
    tell("login", place, status, place->login_us, detail);
}

static void log_in(struct place *place, const char *user, const char *password)
{
    KC_AUTO_SECRET struct kc_secret secret = KC_SECRET_INIT;
    struct grant_request request = {.user = user, .password = &secret};
    struct grant *grant;
    place->login_us = clock_us();
    enum kc_status status = kc_secret_set(&secret, password, strlen(password));
    if (status == KC_OK)
        status = grant_start(place->realm, &request, on_granted, place, &grant);
    if (status != KC_OK)
        tell("login", place, status, place->login_us, "not begun");
}

static void on_ended(void *userdata, enum kc_status status, const char *detail)
{
    const struct place *place = userdata;
    tell("logout", place, status, place->logout_us, detail);
}

static void log_out(struct place *place)
{
    place->logout_us = clock_us();
    const struct realm_origin origin = {place->issuer, place->config->realm.client.client_id};
    enum kc_status status =
        place->issuer ? realm_logout(place->realm, &origin, &place->refresh, on_ended, place)
                      : KC_NOT_FOUND;
    if (status != KC_OK)
        tell("logout", place, status, place->logout_us, "not begun");
}

static void tell_state(const struct place *place)
{
    struct realm_report report;
    realm_status(place->realm, &report);
    printf("state %zu %s %s\n", (size_t)(place - run.at), report.ready ? "ready" : "not",
        kc_status_word(report.failing ? report.failure : KC_OK));
}

static bool open_realm(struct place *place, const char *path)
{
    struct kc_conf_error error;
    struct config_source source = {.path = path, .owner = geteuid(), .self = geteuid()};
    if (config_load(&source, &place->config, &error) != KC_OK) {
        fprintf(stderr, "%s:%u: %s\n", error.file, error.line, error.text);
        return false;
    }
    enum kc_status status = realm_new(run.event, place->config, &place->realm);
    printf("open %zu %s\n", (size_t)(place - run.at), kc_status_word(status));
    return status == KC_OK;
}

static void close_realm(struct place *place)
{
    if (!place->realm)
        return;
    realm_free(place->realm);
    config_unref(place->config);
    kc_secret_wipe(&place->refresh);
    free(place->issuer);
    *place = (struct place){0};
    printf("close %zu\n", (size_t)(place - run.at));
}

static bool obey_at(struct place *place, const char *what, char *rest)
{
    if (strcmp(what, "login") == 0) {
        const char *user = strsep(&rest, " ");
        if (!rest)
            return false;
        log_in(place, user, rest);
    } else if (strcmp(what, "logout") == 0) {
        log_out(place);
    } else if (strcmp(what, "close") == 0) {
        close_realm(place);
    } else {
        tell_state(place);
    }
    return true;
}

static bool obey(char *line)
{
    char *rest = line;
    const char *what = strsep(&rest, " "), *number = strsep(&rest, " ");
    size_t index = number ? strtoul(number, NULL, 10) : REALMS_MAX;
    if (index >= REALMS_MAX)
        return false;
    struct place *place = &run.at[index];
    if (place->realm)
        return obey_at(place, what, rest);
    return rest && strcmp(what, "open") == 0 && open_realm(place, rest);
}

static int on_input(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    (void)source;
    (void)events;
    (void)userdata;
    ssize_t got = read(fd, run.line + run.length, sizeof(run.line) - 1 - run.length);
    if (got <= 0)
        return sd_event_exit(run.event, 0);
    run.length += (size_t)got;
    run.line[run.length] = 0;
    char *from = run.line, *end;
    for (; (end = strchr(from, '\n')); from = end + 1) {
        *end = 0;
        if (!obey(from))
            return sd_event_exit(run.event, 2);
    }
    run.length -= (size_t)(from - run.line);
    memmove(run.line, from, run.length);
    return 0;
}

int main(void)
{
    struct rlimit files;
    sd_event_source *input = NULL;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return 2;
    files.rlim_cur = files.rlim_max;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (setrlimit(RLIMIT_NOFILE, &files) < 0 || http_global_init() != KC_OK ||
        sd_event_new(&run.event) < 0 ||
        sd_event_add_io(run.event, &input, STDIN_FILENO, EPOLLIN, on_input, NULL) < 0)
        return 2;
    int result = sd_event_loop(run.event);
    for (size_t i = 0; i < REALMS_MAX; i++)
        close_realm(&run.at[i]);
    sd_event_source_disable_unref(input);
    sd_event_unref(run.event);
    return result;
}
