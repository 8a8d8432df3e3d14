/*
 * Which issuers are taken. A URL that two readers could take for two hosts is none.
 */
#include "daemon/issuer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void good(const char *issuer, bool allow_http)
{
    const char *wrong = issuer_check(issuer, allow_http);
    if (wrong)
        fail_msg("%s: %s", issuer, wrong);
}

static void bad(const char *issuer, bool allow_http, const char *wrong)
{
    const char *got = issuer_check(issuer, allow_http);
    if (!got)
        fail_msg("%s was taken", issuer);
    assert_string_equal(got, wrong);
}

static void test_good(void **state)
{
    (void)state;
    good("https://sso.example.org/realms/linux", false);
    good("https://sso.example.org/auth/realms/linux", false);
    good("https://sso.example.org:8443/realms/a%20b", false);
    good("https://SSO.Example.org/realms/x", false);
    good("https://10.0.0.1/realms/x", false);
    good("https://[2001:db8::1]:8443/realms/x", false);
    good("https://sso.example.org", false);
    good("https://sso.example.org/realms/x..y", true);
    good("http://127.0.0.1:8080/realms/x", true);
    good("http://127.255.0.9/realms/x", true);
    good("http://localhost:8080/realms/x", true);
    good("http://[::1]:8080/realms/x", true);
}

static void test_scheme(void **state)
{
    (void)state;
    static const char *const others[] = {
        "", "sso.example.org", "HTTPS://a/b", "ftp://a/b", "https:/a/b", "https//a", " https://a"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        bad(others[i], true, "must be an https URL");
    bad("http://127.0.0.1/realms/x", false,
        "must be an https URL; allow_http = yes permits http on a loopback host");
    static const char *const not_loopback[] = {"http://sso.example.org/x", "http://128.0.0.1/x",
        "http://127.0.0.1.example.org/x", "http://127.0.0/x", "http://127.0.0.256/x",
        "http://127.0.0.01/x", "http://127.0.0.1.1/x", "http://localhost.example.org/x",
        "http://localhost./x", "http://127.1/x", "http://[::2]/x", "http://[::ffff:127.0.0.1]/x",
        "http://Localhost/x", "http://127.0.0.1./x"};
    for (size_t i = 0; i < sizeof not_loopback / sizeof *not_loopback; i++)
        bad(not_loopback[i], true,
            "may be http on a loopback host alone: localhost, 127.0.0.1 or [::1]");
}

static void test_parts(void **state)
{
    (void)state;
    bad("https://a/b?c", false, "must not have a query or a fragment");
    bad("https://a/b#c", false, "must not have a query or a fragment");
    bad("https://a?@b", false, "must not have a query or a fragment");
    bad("https://u@a/b", false, "must not have a user name or a password");
    bad("https://u:p@a/b", false, "must not have a user name or a password");
    bad("http://127.0.0.1@evil.example/x", true, "must not have a user name or a password");
    bad("https:///b", false, "has no host that is a name or an address");
    bad("https://", false, "has no host that is a name or an address");
    bad("https://a_b/c", false, "has no host that is a name or an address");
    bad("https://.a/c", false, "has no host that is a name or an address");
    bad("https://a b/c", false, "has no host that is a name or an address");
    bad("https://a\\b/c", false, "has no host that is a name or an address");
    bad("https://\xc3\xa4/c", false, "has no host that is a name or an address");
    bad("https://[::1/c", false, "has no host that is a name or an address");
    bad("https://[]/c", false, "has no host that is a name or an address");
    bad("https://[x]/c", false, "has no host that is a name or an address");
    bad("https://[fe]/c", false, "has no host that is a name or an address");
    bad("https://[1:2]/c", false, "has no host that is a name or an address");
    bad("https://[127.0.0.1]/c", false, "has no host that is a name or an address");
    bad("https://[", false, "has no host that is a name or an address");
    bad("https://[::1]x/c", false, "has something other than a port after its host");
    bad("https://a:/c", false, "has a port that is none");
    bad("https://a:0/c", false, "has a port that is none");
    bad("https://a:65536/c", false, "has a port that is none");
    bad("https://a:8x/c", false, "has a port that is none");
    bad("https://a:1:2/c", false, "has a port that is none");
}

static void test_paths(void **state)
{
    (void)state;
    bad("https://a/", false, "must not end with /");
    bad("https://a/realms/b/", false, "must not end with /");
    bad("https://a//realms/b", false, "must not have //, . or .. in its path");
    bad("https://a/realms//b", false, "must not have //, . or .. in its path");
    bad("https://a/realms/../b", false, "must not have //, . or .. in its path");
    bad("https://a/realms/..", false, "must not have //, . or .. in its path");
    bad("https://a/./b", false, "must not have //, . or .. in its path");
    bad("https://a/b c", false, "has a character that no path of a URL may have");
    bad("https://a/b\\c", false, "has a character that no path of a URL may have");
    bad("https://a/b\"c", false, "has a character that no path of a URL may have");
    bad("https://a/\xc3\xa4", false, "has a character that no path of a URL may have");
    bad("https://a/b%2", false, "has a % without two hexadecimal digits");
    bad("https://a/b%", false, "has a % without two hexadecimal digits");
    bad("https://a/b%zz", false, "has a % without two hexadecimal digits");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_scheme),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
