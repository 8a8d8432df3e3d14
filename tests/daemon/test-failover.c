/*
 * More addresses of the issuer's host, one of them dead, hanging or broken: before a login, between
 * two, first and second in the list. Lessons 25, 35, 44; each login is POSTed once, counted at the
 * servers.
 */
#include "daemon/endpoint.h"
#include "tests/daemon/grant_bed.h"
#include "tests/daemon/side_by_side.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>

#define ADDRESSES 2
#define SLOW_US (2 * CLOCK_SECOND_US)  /* the most that one bad address may cost */
#define QUICK_US (CLOCK_SECOND_US / 2) /* as good as nothing on a machine that is busy */
#define AT_ONCE 8                      /* tests */
#define QUIET_MS 150                   /* after which an answer says nothing of now any more */

/* How an address is bad. */
enum bad { REFUSES, FROZEN, HANGS, CUTS, SAYS_500, SAYS_502, SAYS_503, SAYS_504, WAYS };

static const char *const way_names[WAYS] = {
    "refuses", "frozen", "hangs", "cuts", "500", "502", "503", "504"};

struct world {
    struct bed bed; /* its peer is whichever is told something */
    struct peer *peers[ADDRESSES];
    int ports[ADDRESSES];
    int held[ADDRESSES]; /* of one that refuses: its port, so that nobody else gets it; 0: none */
    unsigned changes[2]; /* addresses that turned bad, good */
    enum bad way;        /* of this test */
    enum peer_mode mode; /* the same */
    int first;           /* of the list, in this test */
};

static void serve(struct world *world, int i)
{
    world->bed.peer = world->peers[i];
    bed_discovery(&world->bed, world->bed.issuer);
    bed_keys(&world->bed, world->bed.key, "k1");
    bed_token(&world->bed, world->bed.key, &bed_good);
    peer_set(world->peers[i], PEER_LOGOUT, 204, "", "");
}

static void start_peer(struct world *world, int i)
{
    if (world->held[i])
        close(world->held[i]);
    world->held[i] = 0;
    world->peers[i] = peer_start_at(world->ports[i]);
    assert_non_null(world->peers[i]);
    world->ports[i] = world->peers[i]->port;
    serve(world, i);
}

static void stop_peer(struct world *world, int i)
{
    if (world->peers[i])
        peer_stop(world->peers[i]);
    world->peers[i] = NULL;
}

static void refuse(struct world *world, int i)
{
    stop_peer(world, i);
    world->held[i] = peer_hold(world->ports[i]);
    assert_true(world->held[i] > 0);
}

static void on_changed(
    void *userdata, const char *address, enum kc_status status, const char *detail)
{
    struct world *world = userdata;
    assert_non_null(strchr(address, ':'));
    assert_non_null(detail);
    world->changes[status == KC_OK]++;
}

/* The realm object, with all addresses as they are now. */
static void open_realm(struct world *world, int first, const char *more)
{
    char lines[256];
    snprintf(lines, sizeof(lines), "connect_to = 127.0.0.1:%d 127.0.0.1:%d\n%s",
        world->ports[first], world->ports[1 - first], more);
    world->bed.config = bed_configure(&world->bed, world->bed.issuer, lines);
    assert_int_equal(realm_new(world->bed.event, world->bed.config, &world->bed.realm), KC_OK);
    realm_watch_addresses(world->bed.realm, on_changed, world);
    world->changes[0] = world->changes[1] = 0;
}

static void close_realm(struct world *world)
{
    realm_free(KC_TAKE(world->bed.realm));
    config_unref(KC_TAKE(world->bed.config));
}

static unsigned posts(const struct world *world)
{
    unsigned count = 0;
    for (int i = 0; i < ADDRESSES; i++)
        count += world->peers[i] ? peer_count(world->peers[i], PEER_TOKEN) : 0;
    return count;
}

/* A login that the realm takes, in time, and POSTed once. */
static void log_in(struct world *world, uint64_t limit_us, const char *what)
{
    unsigned before = posts(world);
    uint64_t from = clock_us();
    struct outcome outcome = bed_login(&world->bed, "ada");
    uint64_t took = outcome.at_us - from;
    if (outcome.status != KC_OK || took > limit_us || posts(world) != before + 1)
        fail_msg("%s: %s (%s) after %llu ms, %u POSTs", what, kc_status_word(outcome.status),
            outcome.detail, (unsigned long long)(took / 1000), posts(world) - before);
}

static void say_all(struct peer *peer, enum peer_mode mode, int status)
{
    for (int place = 0; place < PEER_PLACES; place++) {
        peer_set(peer, (enum peer_place)place, status, "text/html", "<html>sorry</html>");
        peer->at[place].mode = mode;
    }
}

static void turn_bad(struct world *world, int i, enum bad way)
{
    static const int statuses[WAYS] = {
        [SAYS_500] = 500, [SAYS_502] = 502, [SAYS_503] = 503, [SAYS_504] = 504};
    if (way == REFUSES)
        refuse(world, i);
    else if (way == FROZEN)
        peer_freeze(world->peers[i]);
    else if (way == HANGS)
        say_all(world->peers[i], PEER_HANG, 200);
    else if (way == CUTS)
        say_all(world->peers[i], PEER_CUT, 200);
    else
        say_all(world->peers[i], PEER_REPLY, statuses[way]);
}

static void heal(struct world *world, int i, enum bad way)
{
    if (way == REFUSES)
        start_peer(world, i);
    else if (way == FROZEN)
        peer_thaw(world->peers[i]);
    else
        serve(world, i);
}

/* Bad when the daemon starts, as the first and as the second of the list. */
static void test_bad_from_the_start(void **state)
{
    struct world *world = *state;
    turn_bad(world, 0, world->way);
    open_realm(world, world->first, "");
    log_in(world, SLOW_US, way_names[world->way]);
    bed_spin(&world->bed, QUIET_MS);
    for (int again = 0; again < 3; again++)
        log_in(world, QUICK_US, "a later login");
    if (world->peers[0] && world->way != FROZEN)
        assert_int_equal(peer_count(world->peers[0], PEER_TOKEN), 0);
    close_realm(world);
}

static void spin_until_changes(struct world *world, bool good, unsigned count)
{
    uint64_t end = clock_us() + 8 * CLOCK_SECOND_US; /* a probe that hangs takes 5 */
    while (world->changes[good] < count && clock_us() < end)
        assert_true(sd_event_run(world->bed.event, 2000) >= 0);
    assert_true(world->changes[good] >= count);
}

/* The first is avoided, the second in use, and there is no third. */
static void check_report(struct world *world)
{
    struct endpoint_report report;
    assert_true(realm_address(world->bed.realm, 0, &report));
    assert_true(!report.in_use && report.failure != KC_OK);
    assert_int_equal((int)strtol(strchr(report.address, ':') + 1, NULL, 10), world->ports[0]);
    assert_true(realm_address(world->bed.realm, 1, &report));
    assert_true(report.in_use && report.failure == KC_OK);
    assert_false(realm_address(world->bed.realm, 2, &report));
}

/* Bad between two logins, back again, and then the other one: nobody is refused, nothing is sent
 * twice, and what is bad is asked again by a GET in the background alone. */
static void test_bad_in_the_middle(void **state)
{
    struct world *world = *state;
    open_realm(world, 0, "");
    log_in(world, SLOW_US, "first");
    bed_spin(&world->bed, QUIET_MS);
    turn_bad(world, 0, world->way);
    log_in(world, SLOW_US, way_names[world->way]);
    bed_spin(&world->bed, QUIET_MS);
    log_in(world, QUICK_US, "a later login");
    spin_until_changes(world, false, 1);
    check_report(world);
    heal(world, 0, world->way);
    spin_until_changes(world, true, 1);
    turn_bad(world, 1, world->way);
    log_in(world, SLOW_US, "back at the first");
    bed_spin(&world->bed, QUIET_MS);
    log_in(world, QUICK_US, "again");
    close_realm(world);
}

/* A port whose queue is full takes no SYN: nothing comes back at all. */
static int black_hole(int *ret_port, int fillers[static 8])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, 0) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    for (int i = 0; i < 8; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&address, sizeof(address));
    }
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void test_black_hole(void **state)
{
    struct world *world = *state;
    int fillers[8], port = world->ports[0];
    int fd = black_hole(&world->ports[0], fillers);
    open_realm(world, world->first, "");
    log_in(world, SLOW_US, "black hole");
    bed_spin(&world->bed, QUIET_MS);
    log_in(world, QUICK_US, "a later login");
    close_realm(world);
    for (int i = 0; i < 8; i++)
        close(fillers[i]);
    close(fd);
    world->ports[0] = port;
}

/* Only the token endpoint is broken, which no GET can tell: the one who meets it is told so, his
 * grant is not sent again, and the next ones go elsewhere. */
static void test_broken_grants(void **state)
{
    struct world *world = *state;
    open_realm(world, 0, "");
    log_in(world, SLOW_US, "first");
    peer_set(world->peers[0], PEER_TOKEN, 500, "application/json", "{\"error\":\"unknown_error\"}");
    unsigned other = peer_count(world->peers[1], PEER_TOKEN);
    assert_int_equal(bed_login(&world->bed, "ada").status, KC_SERVER_ERROR);
    assert_int_equal(peer_count(world->peers[0], PEER_TOKEN), 1);
    assert_int_equal(peer_count(world->peers[1], PEER_TOKEN), other);
    for (int i = 0; i < 4; i++) {
        log_in(world, QUICK_US, "elsewhere");
        bed_spin(&world->bed, QUIET_MS);
    }
    assert_int_equal(peer_count(world->peers[0], PEER_TOKEN), 1);
    /* and back, where the other one is gone */
    serve(world, 0);
    stop_peer(world, 1);
    log_in(world, SLOW_US, "back");
    start_peer(world, 1);
    close_realm(world);
}

/* A grant that the address took and did not answer is unanswered, and sent nowhere else; the next
 * ones go elsewhere, and not only when that one's time is over. */
static void test_unanswered(void **state)
{
    struct world *world = *state;
    struct outcome met, later;
    open_realm(world, 0, "[limits]\ngrant_timeout = 4s");
    log_in(world, SLOW_US, "first");
    unsigned before = posts(world);
    world->peers[0]->at[PEER_TOKEN].mode = world->mode;
    bed_start(&world->bed, "ada", &met);
    world->bed.peer = world->peers[0];
    bed_spin_until_count(&world->bed, PEER_TOKEN, 2);
    bed_spin(&world->bed, 2100);
    assert_true(met.done == (world->mode != PEER_HANG));
    bed_start(&world->bed, "bob", &later);
    bed_spin_until(&world->bed, &later.done);
    assert_int_equal(later.status, KC_TOKEN_WRONG_USER); /* every token here is ada's */
    assert_int_equal(peer_count(world->peers[0], PEER_TOKEN), 2);
    bed_spin_until(&world->bed, &met.done);
    assert_int_equal(met.status, KC_UNANSWERED);
    assert_int_equal(posts(world), before + 2);
    log_in(world, QUICK_US, "elsewhere");
    close_realm(world);
}

/* Unreachable means that no byte came from any address (a listed account's local password opens
 * then); in the list's other order too, and when the daemon has known for long. */
static void test_strict(void **state)
{
    struct world *world = *state;
    turn_bad(world, 0, REFUSES);
    turn_bad(world, 1, SAYS_503);
    open_realm(world, world->first, "");
    assert_int_equal(bed_login(&world->bed, "ada").status, KC_SERVER_OVERLOADED);
    assert_int_equal(bed_login(&world->bed, "ada").status, KC_SERVER_OVERLOADED);
    turn_bad(world, 1, REFUSES);
    bed_spin(&world->bed, 1100);
    assert_int_equal(bed_login(&world->bed, "ada").status, KC_UNREACHABLE);
    close_realm(world);
}

/* A 500 everywhere is a person's trouble, not the realm's end: each is told, and each is asked. */
static void test_all_broken(void **state)
{
    struct world *world = *state;
    struct realm_report report;
    open_realm(world, 0, "");
    log_in(world, SLOW_US, "first");
    bed_spin(&world->bed, QUIET_MS);
    turn_bad(world, 0, SAYS_500);
    turn_bad(world, 1, SAYS_500);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(bed_login(&world->bed, "ada").status, KC_SERVER_ERROR);
        assert_int_equal(posts(world), i);
    }
    realm_status(world->bed.realm, &report);
    assert_true(report.reachable);
    heal(world, 0, SAYS_500);
    heal(world, 1, SAYS_500);
    log_in(world, SLOW_US, "healed");
    close_realm(world);
}

/* The breaker: both are gone, or frozen; refused at once, and closed again without anybody's help.
 */
static void test_breaker(void **state)
{
    struct world *world = *state;
    struct realm_report report = {0};
    open_realm(world, 0, "");
    log_in(world, SLOW_US, "first");
    bed_spin(&world->bed, QUIET_MS);
    turn_bad(world, 0, world->way);
    turn_bad(world, 1, world->way);
    enum kc_class class = kc_status_class(bed_login(&world->bed, "ada").status);
    assert_true(class == KC_CLASS_UNREACHABLE || class == KC_CLASS_UNAVAILABLE);
    bed_spin(&world->bed, 1200);
    for (int i = 0; i < 4; i++) {
        uint64_t from = clock_us();
        struct outcome outcome = bed_login(&world->bed, "ada");
        assert_int_not_equal(outcome.status, KC_OK);
        assert_true(outcome.at_us - from < QUICK_US);
    }
    heal(world, 0, world->way);
    uint64_t end = clock_us() + 10 * CLOCK_SECOND_US;
    for (report.reachable = false; !report.reachable && clock_us() < end;) {
        assert_true(sd_event_run(world->bed.event, 2000) >= 0);
        realm_status(world->bed.realm, &report);
    }
    assert_true(report.reachable);
    log_in(world, QUICK_US, "closed");
    close_realm(world);
}

/* Lesson 44: a firewall's 403 to a probe makes no address bad. */
static void test_firewall(void **state)
{
    struct world *world = *state;
    open_realm(world, 0, "");
    log_in(world, SLOW_US, "first");
    for (int i = 0; i < ADDRESSES; i++)
        peer_set(world->peers[i], PEER_DISCOVERY, 403, "text/html", "<html>no</html>");
    for (int i = 0; i < 3; i++) {
        bed_spin(&world->bed, QUIET_MS);
        log_in(world, QUICK_US, "behind a firewall");
    }
    assert_int_equal(world->changes[0], 0);
    close_realm(world);
}

/* The realm is replaced under logins that wait for an address. */
static void test_reload(void **state)
{
    struct world *world = *state;
    struct outcome outcome;
    char lines[64];
    open_realm(world, 0, "");
    log_in(world, SLOW_US, "first");
    bed_spin(&world->bed, QUIET_MS);
    turn_bad(world, 0, FROZEN);
    turn_bad(world, 1, FROZEN);
    bed_start(&world->bed, "ada", &outcome);
    bed_spin(&world->bed, 50);
    peer_thaw(world->peers[1]);
    snprintf(lines, sizeof(lines), "connect_to = 127.0.0.1:%d", world->ports[1]);
    struct config *config = bed_configure(&world->bed, world->bed.issuer, lines);
    assert_int_equal(realm_reload(world->bed.realm, config), KC_OK);
    config_unref(config);
    bed_spin_until(&world->bed, &outcome.done);
    assert_int_equal(outcome.status, KC_OK);
    bed_spin(&world->bed, QUIET_MS);
    /* to another issuer, while one waits */
    heal(world, 0, FROZEN);
    close_realm(world);
    open_realm(world, 0, "");
    log_in(world, SLOW_US, "both");
    bed_spin(&world->bed, QUIET_MS);
    turn_bad(world, 0, FROZEN);
    bed_start(&world->bed, "ada", &outcome);
    bed_spin(&world->bed, 50);
    config = bed_configure(&world->bed, "http://127.0.0.1:1/realms/y", "");
    assert_int_equal(realm_reload(world->bed.realm, config), KC_OK);
    config_unref(config);
    bed_spin_until(&world->bed, &outcome.done);
    assert_int_equal(outcome.status, KC_UNREACHABLE);
    heal(world, 0, FROZEN);
    close_realm(world);
}

/* One address alone: one request for a login, and no check. */
static void test_one_address(void **state)
{
    struct world *world = *state;
    char lines[64];
    snprintf(lines, sizeof(lines), "connect_to = 127.0.0.1:%d", world->ports[0]);
    world->bed.config = bed_configure(&world->bed, world->bed.issuer, lines);
    assert_int_equal(realm_new(world->bed.event, world->bed.config, &world->bed.realm), KC_OK);
    log_in(world, SLOW_US, "first");
    unsigned gets = peer_count(world->peers[0], PEER_DISCOVERY);
    unsigned connections = atomic_load(&world->peers[0]->connections);
    for (int i = 0; i < 3; i++) {
        bed_spin(&world->bed, QUIET_MS);
        log_in(world, QUICK_US, "later");
    }
    assert_int_equal(peer_count(world->peers[0], PEER_DISCOVERY), gets);
    assert_int_equal(atomic_load(&world->peers[0]->connections), connections);
    close_realm(world);
}

/* What a test is given: how, and in which order. */
struct variant {
    enum bad way;
    enum peer_mode mode;
    int first;
};

static int set_up(void **state)
{
    static struct world world;
    const struct variant *variant = *state;
    world = (struct world){.bed = {.folder = "/tmp/kclogin-grant-XXXXXX"}};
    if (variant) {
        world.way = variant->way;
        world.mode = variant->mode;
        world.first = variant->first;
    }
    *state = &world;
    world.bed.key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    snprintf(world.bed.issuer, sizeof(world.bed.issuer), "http://localhost:2/realms/x");
    if (!world.bed.key || !mkdtemp(world.bed.folder) || sd_event_new(&world.bed.event) < 0)
        return -1;
    for (int i = 0; i < ADDRESSES; i++)
        start_peer(&world, i);
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    if (world->bed.realm)
        close_realm(world);
    for (int i = 0; i < ADDRESSES; i++)
        stop_peer(world, i);
    sd_event_unref(world->bed.event);
    EVP_PKEY_free(world->bed.key);
    rmdir(world->bed.folder);
    return 0;
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_OF(name, ...)                                                                         \
    cmocka_unit_test_prestate_setup_teardown(                                                      \
        name, set_up, tear_down, (&(struct variant){__VA_ARGS__}))
#define EACH_WAY(X)                                                                                \
    X(REFUSES) X(FROZEN) X(HANGS) X(CUTS) X(SAYS_500) X(SAYS_502) X(SAYS_503) X(SAYS_504)
#define IN_THE_MIDDLE(bad) TEST_OF(test_bad_in_the_middle, .way = (bad)),
#define FROM_THE_START(bad)                                                                        \
    TEST_OF(test_bad_from_the_start, .way = (bad), .first = 0),                                    \
        TEST_OF(test_bad_from_the_start, .way = (bad), .first = 1),

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* those that wait longest come first */
        EACH_WAY(IN_THE_MIDDLE) TEST_OF(test_breaker, .way = REFUSES),
        TEST_OF(test_breaker, .way = FROZEN),
        TEST_OF(test_unanswered, .mode = PEER_HANG),
        TEST_OF(test_unanswered, .mode = PEER_CUT),
        TEST_OF(test_unanswered, .mode = PEER_HALF),
        EACH_WAY(FROM_THE_START) TEST_OF(test_black_hole, .first = 0),
        TEST_OF(test_black_hole, .first = 1),
        TEST_OF(test_strict, .first = 0),
        TEST_OF(test_strict, .first = 1),
        TEST(test_broken_grants),
        TEST(test_all_broken),
        TEST(test_firewall),
        TEST(test_reload),
        TEST(test_one_address),
    };
    if (http_global_init() != KC_OK)
        return 1;
    return side_by_side(tests, sizeof(tests) / sizeof(*tests), AT_ONCE);
}
