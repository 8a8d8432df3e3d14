#!/usr/bin/env python3
"""The daemon's own grants against the demo realm: each client, each refusal, faults, over TLS too.

Needs python3; no root, no network. With KCLOGIN_TEST_ISSUER (and KCLOGIN_TEST_CA) the same table
is asked of a real Keycloak that has imported realm/linux.json.
"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "realm"))
import demo  # noqa: E402

PROGRAM = os.path.abspath("tests/daemon/try-grant")
KEYS = os.path.join(TOP, "tests", "keys")
SECRET = "pam-secret-for-tests"
with open(os.path.join(TOP, "realm", "linux.json"), encoding="utf-8") as export:
    PASSWORDS = {user["username"]: user["credentials"][0].get("value")
                 for user in json.load(export)["users"] if user.get("credentials")}


def private(folder, name, content):
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(content)
    return path


def content(path):
    with open(path, "rb") as file:
        return file.read()


def grant(issuer, user="ada", password=None, client="linux-pam", auth="post", secret=SECRET,
          key=None, certificate=None, more=(), times=1, ca=None):
    """The words that came of it, and everything that was printed."""
    password = PASSWORDS[user] if password is None else password
    with tempfile.TemporaryDirectory(prefix="kclogin-grant.") as folder:
        lines = ["[realm]", f"issuer = {issuer}", f"client_id = {client}", f"client_auth = {auth}"]
        if issuer.startswith("http:"):
            lines.append("allow_http = yes")
        if ca:
            lines.append(f"ca_file = {ca}")
        if auth in ("post", "basic", "secret-jwt"):
            lines.append("client_secret_file = " + private(folder, "secret", secret.encode()))
        if key:
            key = private(folder, "key", content(os.path.join(KEYS, key)))
            lines.append("client_key_file = " + key)
        if certificate:
            certificate = private(folder, "crt", content(os.path.join(KEYS, certificate)))
            lines.append("client_certificate_file = " + certificate)
        lines += [*more, "[access]", "allow = any", ""]
        configuration = private(folder, "conf", "\n".join(lines).encode())
        raw = password if isinstance(password, bytes) else password.encode()
        done = subprocess.run([PROGRAM, configuration, user, str(times)], input=raw, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    printed = done.stdout.decode()
    words = [line.split()[1] for line in printed.splitlines() if line.startswith("grant ")]
    ended = [line.split()[1] for line in printed.splitlines() if line.startswith("logout ")]
    if any(word != "ok" for word in ended) or len(ended) != words.count("ok"):
        printed += "sessions were not ended\n"
        words = []
    if "memory clean" not in printed and "memory not searched" not in printed:
        words = []
    for told in (raw.decode(errors="replace"), secret):
        if len(told) > 6 and told in printed:
            words, printed = [], "a secret was printed"
    return words, printed


ENTER = {
    "post": {},
    "basic": dict(auth="basic"),
    "secret-jwt": dict(client="linux-pam-secret-jwt", auth="secret-jwt",
                       secret="a-secret-of-at-least-32-bytes-for-hs256"),
    "key-jwt, certificate": dict(client="linux-pam-key-jwt", auth="key-jwt", key="keyjwt.pem"),
    "key-jwt, JWKS": dict(client="linux-pam-key-jwks", auth="key-jwt", key="keyjwks.pem"),
    "public": dict(client="linux-pam-public", auth="none"),
    "trouble": dict(user="trouble"),
    "trouble, basic": dict(user="trouble", auth="basic"),
    "longpass": dict(user="longpass"),
    "manygroups": dict(user="manygroups"),
    "jo.doe": dict(user="jo.doe"),
    "scope": dict(more=["scope = openid"]),
    "audience": dict(more=["audience = linux-pam"]),
    "eight at once": dict(times=8),
    **{word: dict(client="linux-pam-" + word, secret=word + "-secret")
       for word in ("es256", "ps256", "eddsa", "atjwt", "norefresh", "leaf", "noaud")},
}
REFUSED = {
    "bad-credentials": [dict(user="norole", password="x"), dict(user="nobody", password="x"),
                        dict(user="norole", password=bytes(range(1, 256)))],
    "account-disabled": [dict(user="frozen")],
    "action-required": [dict(user="mustchange"), dict(user="halfprofile")],
    "wrong-user": [dict(user="Ada", password="ada-pass"),
                   dict(user="ada@example.test", password="ada-pass")],
    "claim-missing": [dict(client="linux-pam-noaud", secret="noaud-secret",
                           more=["audience = linux-pam-noaud"])],
    "wrong-audience": [dict(more=["audience = linux-pa"])],
    "client-secret-wrong": [dict(secret="not-the-secret"),
                            dict(secret="n%o:t", auth="basic")],
    "client-unknown": [dict(client="nope"),
                       dict(client="linux-pam-disabled", secret="disabled-secret")],
    "client-assertion-refused": [
        dict(client="linux-pam-key-jwt", auth="key-jwt", key="keyjwks.pem"),
        dict(client="linux-pam-secret-jwt", auth="secret-jwt", secret="x" * 32)],
    "direct-grant-off": [dict(client="no-direct", secret="no-direct-secret")],
    "client-consent-required": [dict(client="linux-pam-consent", secret="consent-secret")],
    "client-bearer-only": [dict(client="linux-pam-bearer", secret="bearer-secret")],
    "client-wrong-protocol": [dict(client="linux-pam-saml", auth="none")],
    "lightweight-token": [dict(client="linux-pam-light", secret="light-secret")],
    "symmetric-token": [dict(client="linux-pam-hs256", secret="hs256-secret")],
    "scope-invalid": [dict(more=["scope = nope"])],
}


class Table(unittest.TestCase):
    """The table, against one issuer."""

    def ask(self, issuer, ca=None):
        def expect(word, **how):
            words, printed = grant(issuer, ca=ca, **how)
            self.assertEqual(words, [word] * how.get("times", 1), f"{how}: {printed}")
        for how in ENTER.values():
            expect("ok", **how)
        for word, ways in REFUSED.items():
            for how in ways:
                expect(word, **how)
        if issuer.startswith("https:"):
            mtls = dict(client="linux-pam-mtls", auth="mtls")
            expect("ok", key="host1.key", certificate="host1.crt", **mtls)
            expect("client-unknown", key="host2.key", certificate="host2.crt", **mtls)
        for ending, word in (("/realms/nope", "realm-unknown"), ("/x/realms/linux", "realm-wrong-path")):
            words, printed = grant(issuer.replace("/realms/linux", ending), ca=ca)
            self.assertEqual(words, [word], printed)

    @unittest.skipUnless("KCLOGIN_TEST_ISSUER" in os.environ, "no KCLOGIN_TEST_ISSUER")
    def test_given(self):
        self.ask(os.environ["KCLOGIN_TEST_ISSUER"], os.environ.get("KCLOGIN_TEST_CA"))

    def test_demo(self):
        with demo.Demo() as realm:
            self.ask(realm.base + "/realms/linux")

    def test_demo_as_24_over_tls(self):
        with demo.Demo(like=24, tls=True, path="/auth",
                       client_ca=os.path.join(KEYS, "ca.crt")) as realm:
            self.ask(realm.base + "/realms/linux", realm.ca)


def silent(full):
    """A socket that takes connections (until its queue is full) and says nothing."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    holder.listen(0 if full else 64)
    fillers = [socket.socket() for _ in range(8 if full else 0)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(holder.getsockname())
    return [holder, *fillers]


class Failover(unittest.TestCase):
    """More addresses of one host over TLS (lessons 25, 35); the certificate's name stays."""

    def ask(self, realm, address, first, what):
        good = "localhost:" + realm.base.rsplit(":", 1)[1]
        order = f"{address} {good}" if first else f"{good} {address}"
        before = realm.counts()["requests"]["token"]
        since = time.monotonic()
        words, printed = grant(realm.base + "/realms/linux", ca=realm.ca, times=2,
                               more=[f"connect_to = {order}"])
        self.assertEqual(words, ["ok", "ok"], f"{what}: {printed}")
        self.assertLess(time.monotonic() - since, 5, what)
        self.assertEqual(realm.counts()["requests"]["token"], before + 2, what)

    def test_dead_and_silent(self):
        with demo.Demo(tls=True) as realm:
            dead = socket.socket()  # bound, not listening
            dead.bind(("127.0.0.1", 0))
            for what, holders in (("dead", [dead]), ("silent", silent(False)),
                                  ("black hole", silent(True))):
                for first in (True, False):
                    self.ask(realm, "127.0.0.1:%d" % holders[0].getsockname()[1], first, what)
                for holder in holders:
                    holder.close()

    def test_another_hosts_certificate(self):
        with demo.Demo(tls=True) as realm, demo.Demo(tls=True) as other:
            for first in (True, False):
                self.ask(realm, "127.0.0.1:" + other.base.rsplit(":", 1)[1], first, "certificate")
            self.assertEqual(other.counts()["requests"]["token"], 0)


class Trust(unittest.TestCase):
    """Whose certificate is believed."""

    def test_authority(self):
        with demo.Demo(tls=True) as realm:
            issuer = realm.base + "/realms/linux"
            self.assertEqual(grant(issuer, ca=realm.ca)[0], ["ok"])
            self.assertEqual(grant(issuer)[0], ["tls-failed"])
            self.assertEqual(grant(issuer, ca=os.path.join(KEYS, "ca.crt"))[0], ["tls-failed"])
            other = issuer.replace("localhost", "realm.example.org")
            port = realm.base.rsplit(":", 1)[1]
            words, printed = grant(other, ca=realm.ca, more=[f"connect_to = localhost:{port}"])
            self.assertEqual(words, ["tls-failed"], printed)
            plain = "http://localhost:" + port + "/realms/linux"
            self.assertNotEqual(grant(plain)[0], ["ok"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
