/*
 * kclogind: the daemon's start, its loop, its reload and its end.
 * Run by systemd, or as root by hand; it drops to its own user before the first byte from outside.
 * Must never go on with half a start: each failure says what it was and ends the process.
 */
#include "common/account.h"
#include "daemon/daemon.h"
#include "daemon/grant.h"
#include "daemon/directory.h"
#include "daemon/evidence.h"
#include "daemon/http.h"
#include "daemon/listen.h"
#include "daemon/log.h"
#include "daemon/oauth_error.h"
#include "daemon/overlap.h"
#include "daemon/privilege.h"
#include "daemon/process.h"
#include "daemon/realm.h"
#include "daemon/secret_pool.h"
#include "daemon/server.h"
#include "daemon/sessions.h"
#include "daemon/ssh_keys.h"
#include "daemon/state.h"

#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define STOP_MS 3000u   /* grants and log-outs under way get so long at the end */
#define STOP_STEP_MS 50u

struct arguments {
    struct paths paths;
    const char *user;
    bool check;
};

static int usage(FILE *file, int code)
{
    fputs("usage: kclogind [-t] [-V] [-c FILE] [-b FILE] [-r DIR] [-s DIR] [-u USER]\n"
          "  -t       check the configuration, print what is in force, and end\n"
          "  -V       print the version and end\n"
          "  -c FILE  the configuration (" KC_SYSCONFDIR "/kclogin.conf)\n"
          "  -b FILE  the host bounds (" KC_SYSCONFDIR "/host.conf)\n"
          "  -r DIR   the folder of sockets and sessions (" KC_RUNDIR ")\n"
          "  -s DIR   the folder of what outlives a reboot (" KC_STATEDIR ")\n"
          "  -u USER  whom to become when started as root (kclogin)\n",
        file);
    return code;
}

/* -1: go on; else the exit code. */
static int parse_arguments(int argc, char **argv, struct arguments *arguments)
{
    int option;
    while ((option = getopt(argc, argv, "tVhc:b:r:s:u:")) != -1) {
        switch (option) {
        case 't':
            arguments->check = true;
            break;
        case 'V':
            puts("kclogind " PACKAGE_VERSION);
            return EXIT_SUCCESS;
        case 'h':
            return usage(stdout, EXIT_SUCCESS);
        case 'c':
            arguments->paths.config = optarg;
            break;
        case 'b':
            arguments->paths.host_conf = optarg;
            break;
        case 'r':
            arguments->paths.run_dir = optarg;
            break;
        case 's':
            arguments->paths.state_dir = optarg;
            break;
        case 'u':
            arguments->user = optarg;
            break;
        default:
            return usage(stderr, 2);
        }
    }
    return optind == argc ? -1 : usage(stderr, 2);
}

static void log_conf_error(const struct kc_conf_error *error)
{
    char text[KC_CONF_ERROR_MAX];
    kc_conf_error_text(error, text, sizeof text);
    log_line(LOG_ERR, "config %s", text);
}

/* Files of the configuration belong to root, or in a test to whoever runs the daemon. */
static enum kc_status load(
    const struct paths *paths, uid_t owner, uid_t self, bool check_only, struct config **ret_config,
    struct kc_bounds **ret_bounds)
{
    struct kc_conf_error error = {0};
    KC_AUTO_BOUNDS struct kc_bounds *bounds = NULL;
    CONFIG_AUTO struct config *config = NULL;
    const struct config_source source = {.path = paths->config,
        .owner = owner,
        .self = self,
        .check_only = check_only,
        .credentials = getenv("CREDENTIALS_DIRECTORY")};
    enum kc_status status = kc_bounds_load(paths->host_conf, owner, &bounds, &error);
    if (status == KC_OK)
        status = overlap_check(bounds, &overlap_system_files, &error);
    if (status == KC_OK)
        status = config_load(&source, &config, &error);
    if (status != KC_OK) {
        log_conf_error(&error);
        return status;
    }
    *ret_config = KC_TAKE(config);
    *ret_bounds = KC_TAKE(bounds);
    return KC_OK;
}

/* Users and groups are served where the configuration names groups, or a client to read them. */
static bool wants_directory(const struct config *config)
{
    return config->groups.serve.count > 0 || config->groups.names.count > 0 ||
           config->directory.client.client_id;
}

static enum kc_status make_directory(struct daemon *daemon)
{
    char folder[4096];
    if (!wants_directory(daemon->config))
        return KC_OK;
    snprintf(folder, sizeof folder, "%s/snapshot", daemon->paths.run_dir);
    /* where it fails the log has said so, and users are served all the same */
    if (!daemon->state)
        (void)state_open(daemon->event, daemon->paths.state_dir, &daemon->state);
    return directory_new(daemon, folder, &daemon->directory);
}

static enum kc_status renew_directory(struct daemon *daemon)
{
    ssh_keys_flush(daemon->ssh_keys, NULL);
    if (!daemon->directory)
        return make_directory(daemon);
    if (wants_directory(daemon->config))
        return directory_reload(daemon->directory);
    directory_withdraw(daemon->directory);
    directory_free(KC_TAKE(daemon->directory));
    return KC_OK;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    (void)source, (void)info;
    struct daemon *daemon = userdata;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
        (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
    CONFIG_AUTO struct config *config = NULL;
    KC_AUTO_BOUNDS struct kc_bounds *bounds = NULL;
    enum kc_status status = load(&daemon->paths, daemon->root, geteuid(), false, &config, &bounds);
    if (status == KC_OK)
        status = realm_reload(daemon->realm, config);
    if (status == KC_OK) {
        config_unref(daemon->config);
        daemon->config = KC_TAKE(config);
        kc_bounds_free(daemon->bounds);
        daemon->bounds = KC_TAKE(bounds);
        evidence_reload(daemon->evidence);
        status = renew_directory(daemon);
    }
    log_line(status == KC_OK ? LOG_NOTICE : LOG_ERR, "reload result=%s reason=%s",
        kc_class_word(kc_status_class(status)), kc_status_word(status));
    sd_notify(0, "READY=1");
    return 0;
}

/* Log-outs that are on their way may end; what is left is taken up by the next start. */
static int on_stop_time(sd_event_source *source, uint64_t now, void *userdata)
{
    (void)now;
    struct daemon *daemon = userdata;
    if (realm_under_way(daemon->realm) == 0 || daemon->stop_left_ms <= STOP_STEP_MS)
        return sd_event_exit(daemon->event, 0);
    daemon->stop_left_ms -= STOP_STEP_MS;
    if (sd_event_source_set_time_relative(source, STOP_STEP_MS * 1000ull) < 0 ||
        sd_event_source_set_enabled(source, SD_EVENT_ONESHOT) < 0)
        return sd_event_exit(daemon->event, 1);
    return 0;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    (void)source, (void)info;
    struct daemon *daemon = userdata;
    if (!daemon->server)
        return 0;
    sd_notify(0, "STOPPING=1");
    server_free(daemon->server);
    daemon->server = NULL;
    daemon->stop_left_ms = STOP_MS;
    if (sd_event_add_time_relative(
            daemon->event, NULL, CLOCK_MONOTONIC, 0, 0, on_stop_time, daemon) < 0)
        return sd_event_exit(daemon->event, 1);
    return 0;
}

static void on_realm_changed(void *userdata, const struct realm_report *report)
{
    (void)userdata;
    char detail[LOG_VALUE_SIZE], change[LOG_VALUE_SIZE];
    enum kc_status status = report->failing ? report->failure : KC_OK;
    const char *advice = report->failing ? oauth_error_advice(status) : NULL;
    log_line(report->failing ? LOG_ERR : LOG_NOTICE, "realm result=%s reason=%s%s%s%s%s",
        kc_class_word(kc_status_class(status)), kc_status_word(status),
        report->failing ? " detail=" : "",
        report->failing ? log_value(report->detail, detail) : "", advice ? " advice=" : "",
        advice ? log_value(advice, change) : "");
}

static void on_address_changed(
    void *userdata, const char *address, enum kc_status status, const char *detail)
{
    char name[LOG_VALUE_SIZE], words[LOG_VALUE_SIZE];
    bool bad = status != KC_OK;
    (void)userdata;
    log_line(bad ? LOG_WARNING : LOG_NOTICE, "realm address=%s result=%s reason=%s%s%s",
        log_value(address, name), kc_class_word(kc_status_class(status)), kc_status_word(status),
        bad ? " detail=" : "", bad ? log_value(detail, words) : "");
}

static enum kc_status watch_signals(struct daemon *daemon)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
        signal(SIGXFSZ, SIG_IGN) == SIG_ERR || /* a limit is a disk that is full */
        sd_event_add_signal(daemon->event, NULL, SIGHUP, on_reload, daemon) < 0 ||
        sd_event_add_signal(daemon->event, NULL, SIGTERM, on_stop, daemon) < 0 ||
        sd_event_add_signal(daemon->event, NULL, SIGINT, on_stop, daemon) < 0)
        return KC_SYSTEM;
    return KC_OK;
}

/* Everything that needs root: sockets, folders, the name service, and then root itself. */
static enum kc_status enter(
    const struct arguments *arguments, struct daemon *daemon, struct listeners *ret_listeners)
{
    bool as_root = geteuid() == 0;
    struct kc_account account = {.uid = geteuid(), .gid = getegid(), .sound = true};
    enum kc_status status = KC_OK;
    if (as_root) {
        status = kc_account_find(arguments->paths.passwd, arguments->user, &account);
        if (status != KC_OK || !account.sound || account.uid == 0) {
            log_line(LOG_ERR, "start user %s is not in %s", arguments->user,
                arguments->paths.passwd);
            return KC_CONFIG_INVALID;
        }
    }
    status = listen_from_systemd(ret_listeners);
    daemon->root = status == KC_OK ? 0 : geteuid();
    if (status == KC_NOT_FOUND)
        status = listen_bind(arguments->paths.run_dir, account.uid, account.gid, ret_listeners);
    if (status == KC_OK) /* systemd may have made it; if nobody can, state_open will say so */
        (void)listen_make_folder(arguments->paths.state_dir, 0700, account.uid, account.gid);
    if (status == KC_OK && as_root &&
        privilege_own_nsswitch(arguments->paths.run_dir) != KC_OK)
        log_line(LOG_WARNING,
            "start no mount namespace here: the host's nsswitch.conf stays in force");
    if (status == KC_OK && as_root)
        status = privilege_drop(account.uid, account.gid);
    if (status == KC_OK)
        status = privilege_no_new();
    return status;
}

static enum kc_status start(
    const struct arguments *arguments, struct daemon *daemon, struct listeners *listeners)
{
    char folder[4096];
    snprintf(folder, sizeof folder, "%s/sessions", arguments->paths.run_dir);
    enum kc_status status = sd_event_default(&daemon->event) < 0 ? KC_SYSTEM : watch_signals(daemon);
    if (status == KC_OK)
        status = http_global_init();
    if (status == KC_OK)
        status = realm_new(daemon->event, daemon->config, &daemon->realm);
    if (status == KC_OK)
        status = limits_new(&daemon->limits);
    if (status == KC_OK)
        status = sessions_new(daemon->event, daemon->realm, folder, &daemon->sessions);
    if (status == KC_OK)
        status = ssh_keys_new(daemon, &daemon->ssh_keys);
    if (status == KC_OK)
        status = make_directory(daemon);
    if (status == KC_OK)
        status = evidence_new(daemon, &daemon->evidence);
    if (status == KC_OK)
        status = server_new(daemon, *listeners, &daemon->server);
    if (status != KC_OK)
        return status;
    realm_watch(daemon->realm, on_realm_changed, daemon);
    realm_watch_addresses(daemon->realm, on_address_changed, daemon);
    size_t found = sessions_recover(daemon->sessions);
    log_line(LOG_NOTICE, "start version=%s issuer=%s sessions=%zu", PACKAGE_VERSION,
        daemon->config->realm.issuer, found);
    if (process_hidden())
        log_line(LOG_WARNING, "start /proc hides other users' processes (hidepid): open sessions "
                              "will end at the realm when the daemon starts again");
    (void)sd_event_set_watchdog(daemon->event, true);
    sd_notify(0, "READY=1");
    return KC_OK;
}

static void stop(struct daemon *daemon)
{
    server_free(daemon->server);
    ssh_keys_free(daemon->ssh_keys);
    evidence_free(daemon->evidence);
    directory_free(daemon->directory);
    state_close(daemon->state);
    realm_free(daemon->realm);
    sessions_free(daemon->sessions);
    limits_free(daemon->limits);
    config_unref(daemon->config);
    kc_bounds_free(daemon->bounds);
    sd_event_unref(daemon->event);
}

static int run(const struct arguments *arguments)
{
    struct daemon daemon = {.paths = arguments->paths};
    struct listeners listeners = {-1, -1};
    /* The configuration and its secrets are read as the daemon's own user, as a reload will. */
    enum kc_status status = enter(arguments, &daemon, &listeners);
    if (status == KC_OK)
        status = load(&arguments->paths, daemon.root, geteuid(), false, &daemon.config, &daemon.bounds);
    if (status == KC_OK)
        status = start(arguments, &daemon, &listeners);
    if (status != KC_OK) {
        log_line(LOG_ERR, "start result=%s reason=%s", kc_class_word(kc_status_class(status)),
            kc_status_word(status));
        stop(&daemon);
        return EXIT_FAILURE;
    }
    secret_pool_open();
    privilege_give_back_start();
    int code = sd_event_loop(daemon.event);
    stop(&daemon);
    secret_pool_close();
    return code == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int check(const struct arguments *arguments)
{
    CONFIG_AUTO struct config *config = NULL;
    KC_AUTO_BOUNDS struct kc_bounds *bounds = NULL;
    struct kc_account account;
    uid_t self = kc_account_find(arguments->paths.passwd, arguments->user, &account) == KC_OK &&
                         account.sound
                     ? account.uid
                     : geteuid();
    if (load(&arguments->paths, geteuid(), self, true, &config, &bounds) != KC_OK)
        return EXIT_FAILURE;
    config_print(config, stdout);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.paths = {.config = KC_SYSCONFDIR "/kclogin.conf",
                                      .host_conf = KC_SYSCONFDIR "/host.conf",
                                      .run_dir = KC_RUNDIR,
                                      .state_dir = KC_STATEDIR,
                                      .passwd = "/etc/passwd",
                                      .group = "/etc/group"},
        .user = "kclogin"};
    privilege_clean_environment();
    /* What a shell had open is nothing of ours; what systemd passes is. */
    if (!getenv("LISTEN_FDS"))
        (void)close_range(STDERR_FILENO + 1, UINT_MAX, 0);
    int code = parse_arguments(argc, argv, &arguments);
    if (code >= 0)
        return code;
    if (arguments.check)
        return check(&arguments);
    privilege_harden();
    return run(&arguments);
}
