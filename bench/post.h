/*
 * The floor: a password grant, and nothing else, over a connection that is kept.
 * Used by caller.c.
 * Must never check less of the server's certificate than kclogind does.
 */
#ifndef BENCH_POST_H
#define BENCH_POST_H

struct post;

struct post_target {
    const char *url;         /* the realm's token endpoint */
    const char *ca_file;     /* PEM; NULL: the system's */
    const char *client_file; /* "id:secret", for Basic */
};

/* NULL where there is no memory, or the file cannot be read. The caller frees it. */
struct post *post_new(const struct post_target *target);

/* One grant, its answer thrown away; 0 where the realm gave one. */
int post_grant(struct post *post, const char *user, const char *password);

/* What went wrong. */
const char *post_error(const struct post *post);

void post_free(struct post *post);

#endif
