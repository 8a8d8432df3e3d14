#!/usr/bin/env python3
"""Whole logins over the daemon's privileged socket against the demo realm: what they cost the realm
when all is warm, what the session gets, and a token that no environment could hold.

Needs no root and no network but the loopback.
"""
import json
import os
import sys
import tempfile
import time
import unittest

TESTS = os.path.join(os.environ.get("srcdir", "."), "tests")
sys.path[:0] = [TESTS, os.path.join(TESTS, "daemon"), os.path.join(TESTS, "realm")]
import bed  # noqa: E402
import demo  # noqa: E402
import facts  # noqa: E402
import wire  # noqa: E402

CONFIG = """[realm]
issuer = {base}/realms/linux
client_id = linux-pam-public
client_auth = none
allow_http = yes
[access]
allow = role:linux-login
[access handle]
allow = role:linux-login
token_environment = handle
[access none]
allow = role:linux-login
token_environment = none
"""
ADA = {"user": "ada", "uid": 1900010001, "service": "sshd", "rhost": "192.0.2.7"}
TOKEN, HANDLE = 1, 2


class Login(unittest.TestCase):
    realm_file = facts.FILE

    @classmethod
    def setUpClass(cls):
        cls.realm = demo.Demo(realm=cls.realm_file)
        cls.addClassCleanup(cls.realm.__exit__)
        cls.bed = bed.Bed(CONFIG.format(base=cls.realm.base))
        cls.addClassCleanup(cls.bed.stop)
        cls.bed.wait_for("realm result=ok")

    def log_in(self, password="ada-pass", **who):
        who = {**ADA, **who}
        with self.bed.priv() as caller:
            ask = caller.ask(wire.auth(**who))
            self.assertEqual(ask.kind, wire.ASK)
            done = caller.done(wire.answer(password))
        return done

    def open(self, key, no_token=0, **who):
        who = {**ADA, **who}
        holder = os.pidfd_open(os.getpid())
        try:
            with self.bed.priv() as caller:
                return caller.done(wire.open_session(key, no_token=no_token, **who), fds=[holder])
        finally:
            os.close(holder)

    def close(self, handle):
        with self.bed.priv() as caller:
            self.assertEqual(caller.done(wire.close_session(handle)).word, "ok")

    def sessions(self):
        return len(self.realm.counts()["sessions"])

    def wait_for_no_session(self):
        end = time.monotonic() + 60
        while self.sessions():
            self.assertLess(time.monotonic(), end, "a session is left at the realm")
            time.sleep(0.05)


class Warm(Login):
    def test_one_request_and_no_new_connection(self):
        self.close(self.open(self.log_in().key).key)
        self.wait_for_no_session()
        before = self.realm.counts()
        keys = [self.log_in().key for _ in range(3)]
        after = self.realm.counts()
        grown = {name: count - before["requests"].get(name, 0)
                 for name, count in after["requests"].items()}
        self.assertEqual({name: n for name, n in grown.items() if n and name != "control"},
                         {"token": 3})
        self.assertEqual(after["connections"] - before["connections"], 1,
                         "more than the one that asked for the counts")
        for key in keys:
            self.close(self.open(key).key)
        self.wait_for_no_session()

    def test_what_the_session_gets(self):
        opened = self.open(self.log_in().key)
        self.assertEqual(opened.exports, TOKEN | HANDLE)
        self.assertEqual(opened.token.count(b"."), 2)
        self.assertAlmostEqual(opened.expires, time.time() + 300, delta=20)
        self.close(opened.key)
        for access, exports in (("handle", HANDLE), ("none", 0)):
            opened = self.open(self.log_in(access=access).key, access=access)
            self.assertEqual((opened.exports, opened.token, opened.expires), (exports, b"", 0))
            self.close(opened.key)
        opened = self.open(self.log_in().key, no_token=1)
        self.assertEqual((opened.exports, opened.token), (0, b""))
        self.close(opened.key)
        self.wait_for_no_session()

    def test_the_account_phase_judges_the_login_s_own_token(self):
        key = self.log_in().key
        with self.bed.priv() as caller:
            self.assertEqual(caller.done(wire.account(key, **ADA)).word, "ok")
        for who in ({"user": "grace"}, {"service": "su"}, {"rhost": ""}):
            with self.bed.priv() as caller:
                self.assertEqual(caller.done(wire.account(key, **{**ADA, **who})).word,
                                 "transaction-mismatch")
        self.close(self.open(key).key)
        with self.bed.priv() as caller:
            self.assertEqual(caller.done(wire.account(key, **ADA)).word, "no-evidence")

    def test_refused_rights_leave_no_session(self):
        done = self.log_in("norole-pass", user="norole", uid=1900010005)
        self.assertEqual((done.cls, done.word, done.key), ("forbidden", "not-permitted", b""))
        self.wait_for_no_session()

    def test_lesson_43_a_source_that_guesses_waits_and_another_does_not(self):
        here, there = "198.51.100.1", "198.51.100.2"
        for _ in range(5):
            self.assertEqual(self.log_in("wrong", user="nested", uid=1900010113, rhost=here).word,
                             "bad-credentials")
            self.realm.tell("forgive")
        before = self.realm.counts()["requests"]["token"]
        self.assertEqual(self.log_in("nested-pass", user="nested", uid=1900010113, rhost=here).word,
                         "too-many-failures")
        self.assertEqual(self.realm.counts()["requests"]["token"], before)
        done = self.log_in("nested-pass", user="nested", uid=1900010113, rhost=there)
        self.assertEqual(done.word, "ok")
        self.close(self.open(done.key, user="nested", uid=1900010113, rhost=there).key)


class Large(Login):
    """ada is in so many groups that her token does not fit an environment."""

    @classmethod
    def setUpClass(cls):
        with open(facts.FILE, encoding="utf-8") as file:
            realm = json.load(file)
        names = [f"{number:04d}" + "x" * 60 for number in range(1000)]
        realm["groups"].append({"name": "big", "subGroups": [{"name": name} for name in names]})
        ada = next(user for user in realm["users"] if user["username"] == "ada")
        ada["groups"] += ["/big/" + name for name in names]
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.realm_file = os.path.join(folder.name, "large.json")
        with open(cls.realm_file, "w", encoding="utf-8") as file:
            json.dump(realm, file)
        super().setUpClass()

    def test_lesson_26_a_token_over_64_KiB_is_left_out(self):
        done = self.log_in()
        self.assertEqual(done.word, "ok")
        opened = self.open(done.key)
        self.assertEqual((opened.word, opened.exports, opened.token), ("ok", HANDLE, b""))
        self.bed.wait_for("token-left-out user=ada service=sshd")
        self.close(opened.key)
        self.wait_for_no_session()


del Login
if __name__ == "__main__":
    unittest.main()
