/*
 * The floor: one libcurl handle that keeps its connection.
 * Used by caller.c.
 * Must never do more than a login needs: it is what kclogin is measured against.
 */
#include "bench/post.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct post {
    CURL *easy;
    char client[512];
    char form[1024];
    char error[CURL_ERROR_SIZE];
};

static size_t discard(char *bytes, size_t size, size_t count, void *userdata)
{
    (void)bytes, (void)userdata;
    return size * count;
}

static int read_client(struct post *post, const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    int good = fgets(post->client, sizeof post->client, file) != NULL;
    fclose(file);
    post->client[strcspn(post->client, "\n")] = 0;
    return good ? 0 : -1;
}

struct post *post_new(const struct post_target *target)
{
    struct post *post = calloc(1, sizeof *post);
    if (!post || read_client(post, target->client_file) != 0 || !(post->easy = curl_easy_init())) {
        free(post);
        return NULL;
    }
    curl_easy_setopt(post->easy, CURLOPT_URL, target->url);
    curl_easy_setopt(post->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(post->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(post->easy, CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(post->easy, CURLOPT_ERRORBUFFER, post->error);
    curl_easy_setopt(post->easy, CURLOPT_USERPWD, post->client);
    if (target->ca_file)
        curl_easy_setopt(post->easy, CURLOPT_CAINFO, target->ca_file);
    return post;
}

int post_grant(struct post *post, const char *user, const char *password)
{
    long status = 0;
    snprintf(post->form, sizeof post->form, "grant_type=password&username=%s&password=%s", user,
        password);
    curl_easy_setopt(post->easy, CURLOPT_POSTFIELDS, post->form);
    CURLcode code = curl_easy_perform(post->easy);
    if (code == CURLE_OK)
        curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK && status != 200)
        snprintf(post->error, sizeof post->error, "HTTP %ld", status);
    return code == CURLE_OK && status == 200 ? 0 : -1;
}

const char *post_error(const struct post *post)
{
    return post->error;
}

void post_free(struct post *post)
{
    if (!post)
        return;
    curl_easy_cleanup(post->easy);
    free(post);
}
