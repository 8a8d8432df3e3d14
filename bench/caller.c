/*
 * Callers that log in, one process each, and how long each login took.
 * Run by bench/login as root, inside the bed; prints its samples as lines.
 * Must never let one kind of login run while another is measured.
 */
#include "bench/post.h"

#include <getopt.h>
#include <pthread.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALLERS_MAX 64
#define USER_BYTES 32

/* What may be measured. `CLOSE` is never asked for: it comes of each PAM_LOGIN. */
enum kind { PAM_LOGIN, POST, EXEC, PERMIT, CLOSE, KINDS };

static const char *const kind_words[KINDS] = {"pam", "post", "exec", "permit", "close"};
static const char *const services[KINDS] = {
    [PAM_LOGIN] = "bench", [EXEC] = "bench-exec", [PERMIT] = "bench-permit"};

struct plan {
    bool kinds[KINDS];
    unsigned callers, rounds, batch;
    unsigned people; /* named by the prefix and a number; each is one caller's */
    bool hold; /* sessions stay open until the standard input ends */
    const char *prefix;
    struct post_target target;
};

/* Seen by all callers. `samples` in nanoseconds: kind, caller, number. */
struct board {
    pthread_barrier_t together;
    uint64_t wall[KINDS];
    uint64_t samples[];
};

struct caller {
    const struct plan *plan;
    struct board *board;
    unsigned number;
    unsigned turn; /* logins so far */
    char user[USER_BYTES], password[USER_BYTES + sizeof "-pass"];
    struct post *post;
    pam_handle_t **open; /* rounds * batch logins whose sessions are open */
    size_t open_count;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "caller: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static int converse(int count, const struct pam_message **messages, struct pam_response **responses,
    void *userdata)
{
    const struct caller *caller = userdata;
    struct pam_response *answers = calloc((size_t)count, sizeof *answers);
    if (!answers)
        return PAM_BUF_ERR;
    for (int i = 0; i < count; i++)
        if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF)
            answers[i].resp = strdup(caller->password);
    *responses = answers;
    return PAM_SUCCESS;
}

static void expect(pam_handle_t *pamh, int code, const char *what)
{
    if (code != PAM_SUCCESS)
        fail(what, pam_strerror(pamh, code));
}

/* As sshd does it, up to the session that is open. */
static pam_handle_t *log_in(struct caller *caller, const char *service)
{
    const struct pam_conv conversation = {converse, caller};
    pam_handle_t *pamh = NULL;
    expect(pamh, pam_start(service, caller->user, &conversation, &pamh), "pam_start");
    expect(pamh, pam_set_item(pamh, PAM_RHOST, "127.0.0.1"), "pam_set_item");
    expect(pamh, pam_set_item(pamh, PAM_TTY, "ssh"), "pam_set_item");
    expect(pamh, pam_authenticate(pamh, 0), "pam_authenticate");
    expect(pamh, pam_acct_mgmt(pamh, 0), "pam_acct_mgmt");
    expect(pamh, pam_setcred(pamh, PAM_ESTABLISH_CRED), "pam_setcred");
    expect(pamh, pam_open_session(pamh, 0), "pam_open_session");
    return pamh;
}

/* A login is right only if a session came of it, with a token. */
static void keep_open(struct caller *caller, pam_handle_t *pamh)
{
    if (!pam_getenv(pamh, "KEYCLOAK_ACCESS_TOKEN"))
        fail("pam_open_session", "no token in the environment");
    caller->open[caller->open_count++] = pamh;
}

/* The next of the people who are this caller's: nobody logs in twice within a few milliseconds. */
static void next_user(struct caller *caller)
{
    const struct plan *plan = caller->plan;
    unsigned each = plan->people / plan->callers;
    unsigned who = caller->number + plan->callers * (caller->turn++ % each);
    snprintf(caller->user, sizeof caller->user, "%s%03u", plan->prefix, who);
    snprintf(caller->password, sizeof caller->password, "%s-pass", caller->user);
}

static void one(struct caller *caller, enum kind kind)
{
    if (kind == POST) {
        if (post_grant(caller->post, caller->user, caller->password) != 0)
            fail("post", post_error(caller->post));
        return;
    }
    pam_handle_t *pamh = log_in(caller, services[kind]);
    if (kind == PAM_LOGIN)
        keep_open(caller, pamh);
    else
        expect(NULL, pam_end(pamh, PAM_SUCCESS), "pam_end");
}

static uint64_t *sample(const struct caller *caller, enum kind kind, size_t number)
{
    const struct plan *plan = caller->plan;
    size_t each = (size_t)plan->rounds * plan->batch;
    return &caller->board->samples[((size_t)kind * plan->callers + caller->number) * each + number];
}

/* All callers do the same kind at the same time. */
static void batch(struct caller *caller, enum kind kind, unsigned round)
{
    const struct plan *plan = caller->plan;
    pthread_barrier_wait(&caller->board->together);
    uint64_t began = now_ns();
    for (unsigned i = 0; i < plan->batch; i++) {
        next_user(caller);
        uint64_t start = now_ns();
        one(caller, kind);
        *sample(caller, kind, (size_t)round * plan->batch + i) = now_ns() - start;
    }
    pthread_barrier_wait(&caller->board->together);
    if (caller->number == 0)
        caller->board->wall[kind] += now_ns() - began;
}

/* pam_end belongs to the login, close_session does not. */
static void close_all(struct caller *caller)
{
    pthread_barrier_wait(&caller->board->together);
    uint64_t began = now_ns();
    for (size_t i = 0; i < caller->open_count; i++) {
        uint64_t start = now_ns();
        expect(caller->open[i], pam_close_session(caller->open[i], 0), "pam_close_session");
        uint64_t closed = now_ns();
        expect(NULL, pam_end(caller->open[i], PAM_SUCCESS), "pam_end");
        *sample(caller, CLOSE, i) = closed - start;
        *sample(caller, PAM_LOGIN, i) += now_ns() - closed;
    }
    pthread_barrier_wait(&caller->board->together);
    if (caller->number == 0)
        caller->board->wall[CLOSE] = now_ns() - began;
}

/* Until the parent has no more use for the sessions; the process's end is theirs. */
static void hold(const struct caller *caller)
{
    char byte;
    pthread_barrier_wait(&caller->board->together);
    if (caller->number == 0) {
        puts("held");
        fflush(stdout);
    }
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
}

static void call(struct caller *caller)
{
    const struct plan *plan = caller->plan;
    if (plan->kinds[POST]) {
        caller->post = post_new(&plan->target);
        if (!caller->post)
            fail("post", "libcurl has no handle");
    }
    for (unsigned round = 0; round < plan->rounds; round++)
        for (unsigned i = 0; i < CLOSE; i++) {
            enum kind kind = (enum kind)((round + i) % CLOSE); /* none is always the first */
            if (plan->kinds[kind])
                batch(caller, kind, round);
        }
    if (plan->hold)
        hold(caller);
    else
        close_all(caller);
    post_free(caller->post);
}

static void run_child(const struct plan *plan, struct board *board, unsigned number)
{
    struct caller caller = {.plan = plan, .board = board, .number = number};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    caller.open = calloc((size_t)plan->rounds * plan->batch, sizeof *caller.open);
    if (!caller.open)
        fail("memory", "none");
    call(&caller);
    exit(EXIT_SUCCESS);
}

static struct board *board_new(const struct plan *plan)
{
    size_t size = sizeof(struct board) +
                  (size_t)KINDS * plan->callers * plan->rounds * plan->batch * sizeof(uint64_t);
    struct board *board =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_barrierattr_t shared;
    if (board == MAP_FAILED)
        fail("memory", "none");
    pthread_barrierattr_init(&shared);
    pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    if (pthread_barrier_init(&board->together, &shared, plan->callers) != 0)
        fail("barrier", "none");
    return board;
}

/* One that fails ends all: the others wait for it. */
static void run(const struct plan *plan, struct board *board)
{
    pid_t children[CALLERS_MAX];
    bool good = true;
    for (unsigned i = 0; i < plan->callers; i++) {
        children[i] = fork();
        if (children[i] == 0)
            run_child(plan, board, i);
    }
    for (unsigned ended = 0; ended < plan->callers; ended++) {
        int state = 0;
        wait(&state);
        for (unsigned i = 0; good && state != 0 && i < plan->callers; i++)
            if (children[i] > 0)
                kill(children[i], SIGKILL);
        good = good && state == 0;
    }
    if (!good)
        exit(EXIT_FAILURE);
}

static void print(const struct plan *plan, const struct board *board)
{
    size_t each = (size_t)plan->callers * plan->rounds * plan->batch;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        bool closed = kind == CLOSE && plan->kinds[PAM_LOGIN] && !plan->hold;
        if (!plan->kinds[kind] && !closed)
            continue;
        printf("wall %s %llu\n", kind_words[kind], (unsigned long long)board->wall[kind]);
        for (size_t i = 0; i < each; i++)
            printf("%s %llu\n", kind_words[kind],
                (unsigned long long)board->samples[kind * each + i]);
    }
}

static bool read_kinds(struct plan *plan, const char *text)
{
    for (unsigned kind = 0; kind < CLOSE; kind++)
        plan->kinds[kind] = strstr(text, kind_words[kind]) != NULL;
    return plan->kinds[PAM_LOGIN] || plan->kinds[POST] || plan->kinds[EXEC] || plan->kinds[PERMIT];
}

static unsigned number(const char *text, unsigned max)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end || value == 0 || value > max)
        fail("not a number in range", text);
    return (unsigned)value;
}

static bool read_options(int argc, char **argv, struct plan *plan)
{
    int option;
    bool some = false;
    while ((option = getopt(argc, argv, "k:c:r:b:n:p:u:a:s:h")) != -1) {
        if (option == 'k')
            some = read_kinds(plan, optarg);
        else if (option == 'c')
            plan->callers = number(optarg, CALLERS_MAX);
        else if (option == 'r')
            plan->rounds = number(optarg, 100000);
        else if (option == 'b')
            plan->batch = number(optarg, 100000);
        else if (option == 'n')
            plan->people = number(optarg, 1000);
        else if (option == 'p')
            plan->prefix = optarg;
        else if (option == 'u')
            plan->target.url = optarg;
        else if (option == 'a')
            plan->target.ca_file = optarg;
        else if (option == 's')
            plan->target.client_file = optarg;
        else if (option == 'h')
            plan->hold = true;
        else
            return false;
    }
    return some && optind == argc && plan->people >= plan->callers;
}

int main(int argc, char **argv)
{
    struct plan plan = {.callers = 1, .rounds = 1, .batch = 1, .people = 1, .prefix = "b"};
    if (!read_options(argc, argv, &plan)) {
        fputs("usage: caller -k pam,post,exec,permit [-c CALLERS] [-r ROUNDS] [-b BATCH]\n"
              "  [-n PEOPLE] [-p PREFIX] [-u TOKEN-URL -a CA-FILE -s FILE-WITH-ID:SECRET] [-h]\n",
            stderr);
        return 2;
    }
    struct board *board = board_new(&plan);
    run(&plan, board);
    print(&plan, board);
    return EXIT_SUCCESS;
}
