/*
 * kclogin.conf: every mistake, with its whole text and its line. Lesson 5: unconfigured denies.
 */
#include "tests/daemon/config_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static const struct {
    const char *text, *error;
} mistakes[] = {
    /* lesson 5: unconfigured denies */
    {"", " realm.issuer: is not set: nobody can log in without it"},
    {"[realm]\n", " realm.issuer: is not set: nobody can log in without it"},
    {"[realm]\nissuer = https://a/realms/b\n",
        " realm.client_id: is not set: nobody can log in without it"},
    {REALM, " realm.client_secret_file: is missing, for client_auth = basic"},
    /* the format and the sections */
    {"issuer = x\n", "1: issuer: stands before the first [section]"},
    {PUBLIC "[relam]\n", "5: relam: no such section; there are realm, directory, groups, access, "
                         "limits, caller and offline"},
    {PUBLIC "[realm]\n", "5: realm: this section stands twice, first in line 1"},
    {PUBLIC "[limits]\n[limits]\n", "6: limits: this section stands twice, first in line 5"},
    {PUBLIC "[limits a]\n", "5: limits a: this section takes no name"},
    {PUBLIC "[caller]\n", "5: caller: this section needs a name: [caller NAME]"},
    {PUBLIC "[access]\n[access a]\n[access]\n",
        "7: access: this section stands twice, first in line 5"},
    {PUBLIC "[access]\nallow = any\n[access Sudo]\nallow = role:admin\n",
        "7: access Sudo: PAM knows services in small letters alone, so no login would come here"},
    {PUBLIC "[access a]\n[access a]\n", "6: access a: this section stands twice, first in line 5"},
    {PUBLIC "isuer = x\n", "5: realm.isuer: no such key here"},
    {PUBLIC "client_id = y\n", "5: realm.client_id: stands twice, first in line 3"},
    {PUBLIC "audience\n", "5: realm: neither a [section], nor key = value, nor a # comment"},
    {PUBLIC "audience =\n",
        "5: realm.audience: has no value; leave the line out to have the default"},
    /* secrets in the wrong place */
    {PUBLIC "client_secret = hunter2\n",
        "5: realm.client_secret: no secret stands in this file; put it into a file of its own and "
        "name that with client_secret_file or client_key_file"},
    {"secret = hunter2\n",
        "1: secret: no secret stands in this file; put it into a file of its own and "
        "name that with client_secret_file or client_key_file"},
    {PUBLIC "[directory]\npassword = hunter2\n",
        "6: directory.password: no secret stands in this file; put it into a file of its own and "
        "name that with client_secret_file or client_key_file"},
    /* the realm */
    {"[realm]\nissuer = http://a/realms/b\nclient_id = x\nclient_auth = none\n",
        "2: realm.issuer: must be an https URL; allow_http = yes permits http on a loopback host"},
    {"[realm]\nallow_http = yes\nissuer = http://a/realms/b\nclient_id = x\nclient_auth = none\n",
        "3: realm.issuer: may be http on a loopback host alone: localhost, 127.0.0.1 or [::1]"},
    {"[realm]\nissuer = https://a/realms/b/\nclient_id = x\n",
        "2: realm.issuer: must not end with /"},
    {PUBLIC "allow_http = yes\n", "5: realm.allow_http: is of no use to an https issuer"},
    {PUBLIC "client_secret_file = /x\n",
        "5: realm.client_secret_file: is not used by client_auth = none"},
    {REALM "client_auth = key-jwt\n", " realm.client_key_file: is missing, for client_auth = "
                                      "key-jwt"},
    {REALM "client_auth = mtls\nclient_key_file = /x\n",
        " realm.client_certificate_file: is missing, for client_auth = mtls"},
    {REALM "client_auth = key-jwt\nclient_secret_file = /x\nclient_key_file = /y\n",
        "5: realm.client_secret_file: is not used by client_auth = key-jwt"},
    {REALM "client_auth = jwt\n",
        "4: realm.client_auth: must be none, post, basic, secret-jwt, key-jwt or mtls"},
    {REALM "client_secret_file = ../x\n", "4: realm.client_secret_file: must be an absolute path, "
                                          "or the name of a systemd credential"},
    {REALM "client_secret_file = .x\n", "4: realm.client_secret_file: must be an absolute path, or "
                                        "the name of a systemd credential"},
    {REALM "client_secret_file = /absent/secret\n",
        "4: realm.client_secret_file: the file cannot be opened: No such file or directory"},
    {REALM "client_secret_file = kc\n", "4: realm.client_secret_file: names a systemd credential, "
                                        "and the daemon was given none"},
    {PUBLIC "ca_file = /absent/ca\n",
        "5: realm.ca_file: the file cannot be opened: No such file or directory"},
    {PUBLIC "ca_file = ca\n", "5: realm.ca_file: must be a path that begins with /"},
    {PUBLIC "connect_to = a\n",
        "5: realm.connect_to: must be host:port, an IPv6 address in brackets"},
    {PUBLIC "connect_to = a:1 ::1:443\n",
        "5: realm.connect_to: must be host:port, an IPv6 address in brackets"},
    {PUBLIC "connect_to = [fe]:443\n",
        "5: realm.connect_to: must be host:port, an IPv6 address in brackets"},
    {PUBLIC "connect_to = a:65536\n",
        "5: realm.connect_to: must be host:port, an IPv6 address in brackets"},
    {PUBLIC "scope = a  b\n", "5: realm.scope: must be scope names of printable ASCII without \" "
                              "and \\, one blank between"},
    {PUBLIC "scope = \"a\"\n", "5: realm.scope: must be scope names of printable ASCII without \" "
                               "and \\, one blank between"},
    {PUBLIC "audience = \xc3\xa4\n", "5: realm.audience: must be printable ASCII"},
    {PUBLIC "forward_client_address = 1\n", "5: realm.forward_client_address: must be yes or no"},
    /* directory and groups */
    {PUBLIC "[directory]\nclient_auth = none\n",
        "6: directory.client_auth: needs client_id beside it"},
    {PUBLIC "[directory]\nclient_id = x\n",
        " directory.client_secret_file: is missing, for client_auth = basic"},
    {PUBLIC "[directory]\nclient_id = x\nclient_secret_file = /absent/x\n",
        "7: directory.client_secret_file: the file cannot be opened: No such file or directory"},
    {PUBLIC "[directory]\nuid_attribute = a b\n",
        "6: directory.uid_attribute: must be a name of letters, digits and ._-"},
    {PUBLIC "[directory]\nhome = /home\n",
        "6: directory.home: must have %u, the user's name, so that no two share a home"},
    {PUBLIC "[directory]\nhome = /home/%u/%h\n",
        "6: directory.home: knows %u alone, the user's name"},
    {PUBLIC "[directory]\nhome = /home/%u%\n",
        "6: directory.home: knows %u alone, the user's name"},
    {PUBLIC "[directory]\nhome = home/%u\n",
        "6: directory.home: must be a path that begins with /"},
    {PUBLIC "[directory]\nshell = bash\n", "6: directory.shell: must be a path that begins with /"},
    {PUBLIC "[directory]\nprimary_group = Linux Users\n",
        "6: directory.primary_group: must be a group name, [a-z_][a-z0-9_.-]*"},
    {PUBLIC "[directory]\nallocate = yes\n", "6: directory.allocate: must be no or host"},
    {PUBLIC "[directory]\nfound_ttl = 0s\n",
        "6: directory.found_ttl: must be a duration from 1s to 1d"},
    {PUBLIC "[groups]\nserve = /a b\n",
        "6: groups.serve: must be a group's whole path, such as /engineering/kernel"},
    {PUBLIC "[groups]\nserve = /*\n",
        "6: groups.serve: takes * in place of the last name alone, below a group: /engineering/*"},
    {PUBLIC "[groups]\nserve = /a/*/b\n",
        "6: groups.serve: takes * in place of the last name alone, below a group: /engineering/*"},
    {PUBLIC "[groups]\nserve = /a/b*\n",
        "6: groups.serve: takes * in place of the last name alone, below a group: /engineering/*"},
    {PUBLIC "[groups]\nname.x = a\n",
        "6: groups.name.x: must be a group's whole path, such as /engineering/kernel"},
    {PUBLIC "[groups]\nname.x = /a\nname.x = /b\n", "7: groups.name.x: stands twice"},
    {PUBLIC "[groups]\nname.Sudo! = /a\n",
        "6: groups: a key has 1 to 64 characters, of letters, digits and _.-"},
    {PUBLIC "[groups]\nname.Sudo = /a\n",
        "6: groups.name.Sudo: must name a group by [a-z_][a-z0-9_.-]{0,31}"},
    /* access */
    {PUBLIC "[access]\nallow = role\n", "6: access.allow: is no rule; rules are any, user:, "
                                        "scope:, role:, client-role:, group:/ and claim:"},
    {PUBLIC "[access sshd]\n\nallow = rule:a\n",
        "7: access sshd.allow: is no rule; rules are any, user:, scope:, role:, client-role:, "
        "group:/ and claim:"},
    {PUBLIC "[access]\nallow = any \nallow = Any\n",
        "7: access.allow: is no rule; rules are any, user:, scope:, role:, client-role:, group:/ "
        "and claim:"},
    {PUBLIC "[access]\nallow = group:linux\n",
        "6: access.allow: group: takes a group's whole path, such as /engineering/kernel"},
    {PUBLIC "[access]\nallow = group:/\n",
        "6: access.allow: group: takes a group's whole path, such as /engineering/kernel"},
    {PUBLIC "[access]\nallow = group:/a/\n",
        "6: access.allow: group: takes a group's whole path, such as /engineering/kernel"},
    {PUBLIC "[access]\nallow = role:\n", "6: access.allow: role: takes a realm role's name"},
    {PUBLIC "[access]\nallow = client-role:a\n", "6: access.allow: client-role: takes CLIENT:ROLE"},
    {PUBLIC "[access]\nallow = client-role::a\n",
        "6: access.allow: client-role: takes CLIENT:ROLE"},
    {PUBLIC "[access]\nallow = client-role:a:\n",
        "6: access.allow: client-role: takes CLIENT:ROLE"},
    {PUBLIC "[access]\nallow = scope:a b\n", "6: access.allow: scope: takes one scope's name"},
    {PUBLIC "[access]\nallow = claim:a\n", "6: access.allow: claim: takes NAME=VALUE"},
    {PUBLIC "[access]\nallow = claim:=a\n", "6: access.allow: claim: takes NAME=VALUE"},
    {PUBLIC "[access]\nallow = user:Ada\n",
        "6: access.allow: user: takes a user name, [a-z_][a-z0-9_.-]{0,31}"},
    {PUBLIC "[access]\nrequire = role:a\n",
        "5: access: has rules but no allow, so that nobody may enter; allow = any lets in whom "
        "the others leave"},
    {PUBLIC "[access]\nallow = any\n[access sudo]\ndeny = role:a\n",
        "7: access sudo: has rules but no allow, so that nobody may enter; allow = any lets in "
        "whom the others leave"},
    {PUBLIC "[access]\noutage = stale\n",
        "6: access.outage: must be deny or stale:DURATION, 1s to 30d"},
    {PUBLIC "[access]\ntoken_environment = yes\n",
        "6: access.token_environment: must be token, handle or none"},
    {PUBLIC "[access]\nallow = any\notp = always\n",
        "5: access: otp = always is not enforced in this version"},
    {PUBLIC "[access]\notp = yes\n", "6: access.otp: must be never, enrolled or always"},
    {PUBLIC "[access]\nmethod = browser\n", "6: access.method: must be password or device"},
    /* limits, callers, offline */
    {PUBLIC "[limits]\nlogin_timeout = 1h\n",
        "6: limits.login_timeout: must be a duration from 2s to 38s"},
    {PUBLIC "[limits]\ngrant_timeout = 35s\n",
        "6: limits.grant_timeout: is longer than login_timeout"},
    {PUBLIC "[limits]\nlogin_timeout = 10s\n",
        " limits.grant_timeout: is longer than login_timeout"},
    {PUBLIC "[limits]\nsource_failures = 0\n",
        "6: limits.source_failures: must be a number from 1 to 1000"},
    {PUBLIC "[caller root]\nservice = x\n",
        "5: caller root: root needs no section: it uses the privileged socket"},
    {PUBLIC "[caller Postgres]\n", "5: caller Postgres: must name a local user"},
    {PUBLIC "[caller postgres]\n", "5: caller postgres.service: is missing"},
    {PUBLIC "[caller postgres]\nservice = a/b\n",
        "6: caller postgres.service: must be names of PAM services"},
    {PUBLIC "[caller a]\nservice = x\n[caller a]\nservice = y\n",
        "7: caller a: this section stands twice, first in line 5"},
    {PUBLIC "[offline]\nattempts = many\n", "6: offline.attempts: must be a number from 1 to 100"},
};

static void test_lesson_5_every_mistake(void **state)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        bed_expect_error(*state, mistakes[i].text, NULL, KC_CONFIG_INVALID, mistakes[i].error);
        assert_null(strstr(mistakes[i].error, "hunter2"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_lesson_5_every_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
