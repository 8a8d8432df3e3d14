#!/usr/bin/env python3
"""The account phase without a transaction, over the daemon's sockets against the demo realm: where
evidence comes from, in which order, and that whatever goes wrong lets nobody in (lesson 30).

Needs no root and no network but the loopback.
"""
import concurrent.futures
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
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
[directory]
client_id = {client}
client_auth = post
client_secret_file = {secret}
found_ttl = 1s
absent_ttl = 1s
[groups]
serve = /linux-users /linux-admins /engineering/*
[access]
allow = role:linux-login
[access sudo]
allow = group:/linux-admins
[access leaf]
allow = group:/admins
[access red]
allow = group:/teams/red/admins
[access client]
allow = client-role:linux-pam:ssh
[access composite]
allow = role:linux-sudo
[access scope]
allow = scope:profile
[access claim]
allow = claim:email_verified=true
[access denied-scope]
allow = any
deny = scope:nothing
[access denied-client]
allow = any
deny = client-role:hidden-client:x
[access denied-group]
allow = any
deny = group:/engineering/kernel
[access stale]
allow = role:linux-login
outage = stale:1h
[access brief]
allow = role:linux-login
outage = stale:1s
[access stale-scope]
allow = scope:profile
outage = stale:1h
[access nobody]
"""
ADA = {"user": "ada", "uid": 1900010001, "service": "sshd", "rhost": "192.0.2.7"}
PEOPLE = {"ada": 1900010001, "grace": 1900010002, "frozen": 1900010003, "norole": 1900010005,
          "locktest": 1900010007, "nested": 1900010113, "keys": 1900010114}
SECRETS = {"linux-nss": "nss-secret-for-tests", "linux-nss-query": "linux-nss-query-secret"}


class Account(unittest.TestCase):
    like = 26
    client = "linux-nss"
    realm_file = facts.FILE

    @classmethod
    def setUpClass(cls):
        cls.realm = demo.Demo(like=cls.like, realm=cls.realm_file)
        cls.addClassCleanup(cls.realm.__exit__)
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        secret = os.path.join(folder.name, "secret")
        with open(secret, "w", encoding="utf-8") as file:
            file.write(SECRETS[cls.client])
        os.chmod(secret, 0o600)
        if bed.ROOT:
            os.chown(secret, 65534, 65534)
        cls.bed = bed.Bed(
            CONFIG.format(base=cls.realm.base, client=cls.client, secret=secret))
        cls.addClassCleanup(cls.bed.stop)
        cls.bed.wait_for("realm result=ok")
        cls.bed.wait_for("directory result=")

    def account(self, user="ada", key=b"", **who):
        who = {**ADA, "user": user, "uid": PEOPLE.get(user, 1900019999), **who}
        with self.bed.priv() as caller:
            began = time.monotonic()
            done = caller.done(wire.account(key, **who))
            self.assertLess(time.monotonic() - began, 5)
        return done

    def expect(self, word, user="ada", **who):
        self.assertEqual(self.account(user, **who).word, word, self.bed.lines()[-1000:])

    def forget(self):
        """What was found counts no longer."""
        time.sleep(1.1)

    def authenticate(self, user="ada", password=None, word="ok"):
        who = {**ADA, "user": user, "uid": PEOPLE[user]}
        with self.bed.priv() as caller:
            caller.ask(wire.auth(**who))
            done = caller.done(wire.answer(password or user + "-pass"))
        self.assertEqual(done.word, word)
        return done

    def requests(self):
        return {name: count for name, count in self.realm.counts()["requests"].items()
                if name != "control"}

    def grown(self, before):
        return {name: count - before.get(name, 0) for name, count in self.requests().items()
                if count != before.get(name, 0)}

    def restore(self):
        self.realm.tell("reset")
        self.forget()


class Directory(Account):
    def forget(self):
        """What was found counts no longer, by a reload: found_ttl would take a second."""
        count = self.bed.lines().count("reload result=ok")
        self.bed.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 10
        while self.bed.lines().count("reload result=ok") == count:
            self.assertLess(time.monotonic(), end, "no reload")
            time.sleep(0.01)

    def test_rules(self):
        for user, service, word in (
                ("ada", "sshd", "ok"), ("norole", "sshd", "not-permitted"),
                ("frozen", "sshd", "account-disabled"), ("ada", "sudo", "ok"),
                ("grace", "sudo", "not-permitted"), ("nested", "red", "ok"),
                ("nested", "leaf", "not-permitted"), ("ada", "red", "not-permitted"),
                ("ada", "composite", "ok"), ("grace", "composite", "not-permitted"),
                ("ada", "client", "ok"), ("grace", "client", "not-permitted"),
                ("ada", "scope", "needs-token"), ("ada", "claim", "needs-token"),
                ("ada", "denied-scope", "needs-token"),
                ("ada", "denied-client", "client-roles-unseen"),
                ("ada", "denied-group", "not-permitted"), ("grace", "denied-group", "ok"),
                ("ada", "nobody", "no-access-rule")):
            with self.subTest(user=user, service=service):
                self.expect(word, user, service=service)
        self.bed.wait_for("account user=ada service=sshd rhost=192.0.2.7 result=ok reason=ok "
                          "evidence=directory")
        self.bed.wait_for("reason=needs-token evidence=directory rule=\"allow scope:profile\" "
                          "advice=")

    def test_who_it_is(self):
        self.expect("user-unknown", "nobody-at-all")
        self.expect("user-unknown", "Ada")
        self.expect("user-unknown", "service-account-linux-nss")
        self.expect("user-unknown", "ada@example.test")
        self.expect("no-evidence", uid=PEOPLE["grace"])
        self.expect("no-evidence", uid=1000)
        self.expect("no-evidence", uid=wire.NO_UID)
        self.expect("not-ours", "root", uid=0)

    def test_a_transaction_of_nobody_is_no_evidence_and_no_refusal(self):
        self.expect("ok", key=b"x" * 32)
        self.expect("not-permitted", "norole", key=b"x" * 32)

    def test_a_user_made_again_is_not_the_one_before(self):
        self.expect("ok", "locktest")
        key = self.authenticate("locktest", "lock-pass").key
        self.realm.tell("user", username="locktest", again=True)
        self.forget()
        self.expect("name-taken", "locktest")
        self.authenticate("locktest", "lock-pass", word="name-taken")
        self.expect("ok", "locktest", key=key)  # the one before, whose login it was
        end = time.monotonic() + 10
        while len(self.realm.counts()["sessions"]) > 1:
            self.assertLess(time.monotonic(), end, "the grant of the other one is left")
            time.sleep(0.05)

    def test_lesson_30_what_changes_at_the_realm_counts_at_once(self):
        changes = (
            ({"enabled": False}, "sshd", "account-disabled"),
            ({"takeRealmRoles": ["linux-login"]}, "sshd", "not-permitted"),
            ({"leaveGroups": ["/linux-admins"]}, "sudo", "not-permitted"),
            ({"takeClientRoles": {"linux-pam": ["ssh"]}}, "client", "not-permitted"))
        for change, service, word in changes:
            with self.subTest(change=change):
                self.expect("ok", service=service)
                self.realm.tell("user", username="ada", **change)
                self.forget()
                self.expect(word, service=service)
                self.restore()
        self.expect("ok", "keys")
        self.realm.control("DELETE", "user", {"username": "keys"})
        self.forget()
        self.expect("user-unknown", "keys")
        self.restore()

    def test_a_flush_forgets_what_was_found(self):
        self.expect("ok")
        self.realm.tell("user", username="ada", enabled=False)
        self.expect("ok")
        with self.bed.priv() as caller:
            self.assertEqual(caller.done(wire.flush("ada")).word, "ok")
        self.expect("account-disabled")
        self.restore()

    def test_many_at_once_share_what_is_asked(self):
        self.forget()
        before = self.requests()
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            words = list(pool.map(lambda _: self.account().word, range(200)))
        self.assertEqual(set(words), {"ok"})
        grown = self.grown(before)
        self.assertLessEqual(grown.get("admin-roles", 0), 6, grown)
        self.assertLessEqual(sum(grown.values()), 30, grown)

    def test_whatever_goes_wrong_lets_nobody_in(self):
        faults = ({"fault": "status", "status": 500}, {"fault": "status", "status": 404},
                  {"fault": "garbage"}, {"fault": "empty"}, {"fault": "cut"}, {"fault": "half"},
                  {"fault": "status", "status": 200, "body": "{}", "type": "application/json"},
                  {"fault": "status", "status": 200, "body": "[{}]", "type": "application/json"},
                  {"fault": "status", "status": 200, "body": "[[]]", "type": "application/json"},
                  {"fault": "status", "status": 200, "body": "[{\"path\":1,\"name\":2}]",
                   "type": "application/json"},
                  {"fault": "status", "status": 200, "body": "<html>", "type": "text/html"})
        self.forget()
        for endpoint in ("admin-users", "admin-user-groups", "admin-roles"):
            for fault in faults:
                with self.subTest(endpoint=endpoint, fault=fault):
                    self.realm.tell("fault", match=endpoint, count=-1, **fault)
                    for service in ("sshd", "sudo", "client", "denied-group"):
                        done = self.account("grace" if service == "denied-group" else "ada",
                                            service=service)
                        self.assertNotEqual(done.cls, "ok")
                    self.realm.clear()
                    if done.cls in ("unknown", "forbidden"):
                        self.forget()
        self.restore()

    def test_an_empty_list_is_nobody_s_absence(self):
        self.expect("ok")
        self.forget()
        self.realm.tell("fault", fault="status", match="admin-users", count=-1, status=200,
                        body="[]", type="application/json")
        self.assertEqual(self.account().cls, "unavailable")
        self.realm.clear()
        for endpoint in ("admin-user-groups", "admin-roles"):
            self.forget()
            self.realm.tell("fault", fault="status", match=endpoint, count=-1, status=200,
                            body="[]", type="application/json")
            self.assertEqual(
                self.account(service="sudo" if endpoint != "admin-roles" else "sshd").cls,
                "forbidden")
            self.realm.clear()
        self.restore()

    def test_403_is_misconfigured(self):
        for endpoint in ("admin-users", "admin-user-groups", "admin-roles"):
            self.forget()
            self.realm.tell("fault", fault="status", match=endpoint, count=-1, status=403,
                            body="{\"error\":\"HTTP 403 Forbidden\"}", type="application/json")
            done = self.account()
            self.assertEqual((done.cls, done.word), ("misconfigured", "directory-forbidden"))
            self.realm.clear()
        self.restore()

    def test_lesson_25_a_realm_that_says_nothing(self):
        self.forget()
        self.realm.fault("hang", match="admin", count=-1)
        self.assertEqual(self.account().cls, "unavailable")
        self.realm.clear()
        self.restore()

    def explain(self, *words):
        done = subprocess.run([os.path.abspath("kclogin"), "user", "--socket",
                               self.bed.file("run"), *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=20, check=False)
        return done.returncode, done.stdout, done.stderr

    @unittest.skipUnless(bed.ROOT, "the socket is root's")
    def test_kclogin_user_says_what_is_known_and_why(self):
        code, text, error = self.explain("ada")
        self.assertEqual((code, error), (0, ""), text)
        for line in ("user: ada", "asked for now: ok, ok", "enabled: yes",
                     "uid: 1900010001 (uidNumber)", "gid: 1900020000 (gidNumber)",
                     "home: /home/ada (homeDirectory)", "shell: /bin/bash (loginShell)",
                     "gecos: Ada Lovelace (first and last name)", "evidence: the directory",
                     "roles of linux-pam: ssh", "rules: [access]",
                     "rule: allow role:linux-login: met", "access: ok, ok"):
            self.assertIn(line + "\n", text)
        self.assertRegex(text, "realm groups: .*/engineering/kernel")
        self.assertRegex(text, "realm roles: .*linux-sudo")
        for words, word, line in (
                (("grace", "sudo"), "not-permitted", "rule: allow group:/linux-admins: not met"),
                (("ada", "scope"), "needs-token", "rule: allow scope:profile: not known"),
                (("ada", "sshd", "--access", "red"), "not-permitted", "rules: [access red]"),
                (("ada", "x", "--access", "absent"), "no-access-rule", "access: denied, no-access"),
                (("frozen",), "account-disabled", "enabled: no"),
                (("noattrs",), "no-uid", "asked for now: denied, no-uid"),
                (("nobody-at-all",), "user-unknown", "access: denied, user-unknown")):
            code, text, error = self.explain(*words)
            self.assertEqual((code, error), (1, f"kclogin user: {word}\n"), text)
            self.assertIn(line, text)
        self.assertIn("advice: set uidNumber, declared in", self.explain("noattrs")[1])
        self.assertEqual(self.explain("root")[::2], (1, "kclogin user: not-ours\n"))
        self.assertEqual(self.explain("x" * 300)[::2], (1, "kclogin user: too-large\n"))
        self.assertEqual(self.explain()[0], 2)
        with self.bed.public() as caller:
            self.assertEqual(
                caller.done(wire.head(wire.EXPLAIN) + wire.login(**ADA)).word, "not-authorized")
        self.realm.fault("status", match="admin", count=-1, status=500)
        self.forget()
        code, text, error = self.explain("ada")
        self.assertEqual(code, 1)
        self.assertIn("asked for now: unavailable, server-error", text)
        self.assertIn("known from before: uid 1900010001, enabled\n", text)
        self.restore()

    @unittest.skipUnless(bed.ROOT, "only root can be another user")
    def test_the_public_socket_answers_oneself_alone(self):
        def ask(caller, **who):
            child, parent = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.setresuid(caller, caller, caller)
                with self.bed.public() as door:
                    os.write(parent, door.done(wire.account(**{**ADA, **who})).word.encode())
                os._exit(0)
            os.waitpid(pid, 0)
            os.close(parent)
            word = os.read(child, 100).decode()
            os.close(child)
            return word
        self.expect("ok")
        self.assertEqual(ask(PEOPLE["ada"]), "ok")
        self.assertEqual(ask(PEOPLE["grace"]), "not-authorized")
        self.assertEqual(ask(PEOPLE["grace"], uid=PEOPLE["grace"]), "not-authorized")
        self.assertEqual(ask(1000), "not-authorized")
        self.assertLessEqual({ask(PEOPLE["ada"]) for _ in range(125)}, {"ok", "busy"})
        self.forget()  # what is remembered costs the realm nothing; what is not has a budget
        self.assertEqual(ask(PEOPLE["ada"]), "busy")
        self.expect("ok")
        self.assertEqual(ask(PEOPLE["ada"]), "ok")


class Like24(Account):
    like = 24
    forget = Directory.forget
    test_rules = Directory.test_rules
    test_403_is_misconfigured = Directory.test_403_is_misconfigured
    test_an_empty_list_is_nobody_s_absence = Directory.test_an_empty_list_is_nobody_s_absence


class Session(Account):
    """Of who is logged in, the open session's renewed token says more than the directory can."""

    def log_in(self, user="ada"):
        who = {**ADA, "user": user, "uid": PEOPLE[user]}
        done = self.authenticate(user)
        holder = os.pidfd_open(os.getpid())
        try:
            with self.bed.priv() as caller:
                opened = caller.done(wire.open_session(done.key, **who), fds=[holder])
        finally:
            os.close(holder)
        self.assertEqual(opened.word, "ok")
        self.forget()
        return opened.key

    def close(self, handle):
        with self.bed.priv() as caller:
            self.assertEqual(caller.done(wire.close_session(handle)).word, "ok")
        end = time.monotonic() + 20
        while self.realm.counts()["sessions"]:
            self.assertLess(time.monotonic(), end, "a session is left at the realm")
            time.sleep(0.05)

    def one_renewal(self, before):
        """The directory's own sweep may fall into the same moment; it asks for nobody's roles."""
        grown = self.grown(before)
        self.assertEqual((grown.get("token"), grown.get("admin-roles")), (1, None), grown)

    def test_scopes_and_claims_hold(self):
        handle = self.log_in()
        before = self.requests()
        self.expect("ok", service="scope")
        self.expect("ok", service="claim")
        self.expect("ok", service="denied-scope")
        self.expect("not-permitted", service="red")
        self.one_renewal(before)
        self.bed.wait_for("account user=ada service=scope rhost=192.0.2.7 result=ok reason=ok "
                          "evidence=session")
        for _ in range(3):
            self.forget()
            self.expect("ok", service="scope")
        self.expect("no-evidence", uid=PEOPLE["grace"])
        self.close(handle)
        self.forget()
        self.expect("needs-token", service="scope")

    def test_a_disabled_user_is_an_answer(self):
        handle = self.log_in()
        self.realm.tell("user", username="ada", enabled=False)
        before = self.requests()
        self.expect("account-disabled")
        self.one_renewal(before)
        self.restore()
        self.close(handle)

    def test_a_session_that_is_over_is_no_answer_and_is_asked_for_once(self):
        handle = self.log_in()
        self.realm.tell("logout", username="ada")
        before = self.requests()
        self.expect("ok")
        self.assertEqual(self.grown(before).get("token"), 1)
        self.forget()
        before = self.requests()
        self.expect("ok")
        self.assertEqual(self.grown(before).get("token", 0), 0)
        self.close(handle)

    def test_faults_lead_to_the_directory(self):
        for fault in ({"fault": "status", "status": 500}, {"fault": "garbage"}, {"fault": "cut"},
                      {"fault": "wrong-key"}, {"fault": "expired"}, {"fault": "wrong-client"},
                      {"fault": "wrong-issuer"}):
            with self.subTest(fault=fault):
                handle = self.log_in()
                self.realm.tell("fault", match="token", count=1, **fault)
                self.expect("ok")
                self.expect("needs-token", service="scope")
                self.realm.clear()
                self.close(handle)


class Outage(Account):
    """What the realm said last is good where the rules say so, while the realm is out and no longer."""

    def out(self, status=503):
        self.realm.fault("status", match="any", count=-1, status=status)
        self.forget()

    def restore(self):
        self.realm.tell("reset")

    def back(self):
        self.realm.clear()
        end = time.monotonic() + 20
        while self.account().cls != "ok":
            self.assertLess(time.monotonic(), end, "the realm is not back")
            time.sleep(0.2)
        self.restore()

    def test_what_was_said_last(self):
        for user, word in (("ada", "ok"), ("norole", "not-permitted"),
                           ("frozen", "account-disabled")):
            self.expect(word, user)
        self.out()
        for _ in range(2):
            self.assertEqual(self.account().cls, "unavailable")
            self.expect("ok", service="stale")
            self.expect("not-permitted", "norole", service="stale")
            self.expect("account-disabled", "frozen", service="stale")
            self.expect("needs-token", service="stale-scope")
            self.assertEqual(self.account("nested", service="stale").cls, "unavailable")
            self.assertEqual(
                self.account(service="stale", uid=PEOPLE["grace"]).cls, "unavailable")
        self.bed.wait_for("account user=ada service=stale rhost=192.0.2.7 result=ok reason=ok "
                          "evidence=stored age=")
        time.sleep(1)
        self.assertEqual(self.account(service="brief").cls, "unavailable")
        self.back()

    def test_a_later_word_counts(self):
        for change, word in (({"enabled": False}, "account-disabled"),
                             ({"takeRealmRoles": ["linux-login"]}, "not-permitted")):
            with self.subTest(change=change):
                self.expect("ok", service="stale")
                self.realm.tell("user", username="ada", **change)
                self.forget()
                self.expect(word, service="stale")
                self.out()
                self.expect(word, service="stale")
                self.realm.tell("user", username="ada", enabled=True,
                                giveRealmRoles=["linux-login"])
                self.back()
        self.expect("ok", "keys", service="stale")
        self.realm.control("DELETE", "user", {"username": "keys"})
        self.forget()
        self.expect("user-unknown", "keys", service="stale")
        self.out()
        self.assertNotEqual(self.account("keys", service="stale").cls, "ok")
        self.back()

    def limit_files(self, size):
        """As the daemon's own user may: how large its files may become."""
        user = 65534 if bed.ROOT else None
        subprocess.run(["prlimit", f"--pid={self.bed.process.pid}", f"--fsize={size}:"],
                       check=True, user=user, group=user)

    def test_what_the_disk_does_not_take_leaves_nothing_older_behind(self):
        self.expect("ok", service="stale")
        self.out()
        self.expect("ok", service="stale")
        self.back()
        self.limit_files(0)
        try:
            self.realm.tell("user", username="ada", enabled=False)
            self.forget()
            self.expect("account-disabled", service="stale")
            self.out()
            self.assertNotEqual(self.account(service="stale").cls, "ok")
        finally:
            self.limit_files("unlimited")
        self.realm.tell("user", username="ada", enabled=True)
        self.back()

    def test_a_realm_that_answers_is_not_out(self):
        for fault in ({"fault": "status", "status": 500}, {"fault": "status", "status": 403},
                      {"fault": "garbage"}):
            with self.subTest(fault=fault):
                self.expect("ok", service="stale")
                self.realm.tell("fault", match="any", count=-1, **fault)
                self.forget()
                for _ in range(2):
                    self.assertNotEqual(self.account(service="stale").cls, "ok")
                self.back()
        self.realm.fault("status", match="admin-users", count=-1, status=503)
        self.forget()
        self.assertNotEqual(self.account(service="stale").cls, "ok")
        self.back()

    def test_what_a_login_showed_counts_too(self):
        self.authenticate()
        self.out()
        self.expect("ok", service="stale-scope")
        self.expect("ok", service="stale")
        self.back()


class Gone(Account):
    """The realm is gone for good, and the daemon starts anew."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gone = False

    def start_again(self, change=""):
        process = self.bed.process
        process.terminate()
        process.wait(10)
        if change:
            with contextlib.closing(sqlite3.connect(self.bed.file("state/state.db"))) as base:
                base.execute(change)
                base.commit()
        self.bed.process = subprocess.Popen(
            process.args, stderr=self.bed.log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                with self.bed.priv() as caller:
                    caller.done(wire.head(wire.STATUS))
                return
            except OSError:  # not yet
                time.sleep(0.05)
        self.fail("no daemon")

    def test_a_restart_and_a_clock(self):
        self.expect("ok", service="stale")
        self.realm.process.kill()
        self.realm.process.wait()
        self.realm.process = subprocess.Popen(["true"])
        time.sleep(1.1)
        self.expect("ok", service="stale")
        self.assertEqual(self.account().cls, "unreachable")
        self.start_again()
        self.expect("ok", service="stale")
        self.start_again("UPDATE kept SET at = at + 4000")
        self.assertEqual(self.account(service="stale").cls, "unreachable")
        self.start_again("UPDATE kept SET at = at - 4000 - 7200")
        self.assertEqual(self.account(service="stale").cls, "unreachable")
        self.start_again("UPDATE kept SET at = at + 7200, text = CAST('{\"status\":\"ok\"}' AS BLOB)")
        self.assertEqual(self.account(service="stale").cls, "unreachable")


class Forbidden(Account):
    """A client that lacks view-users sees empty lists, and nobody is let in or unknown by them."""
    client = "linux-nss-query"

    def test_it_is_misconfigured_or_unavailable(self):
        for user in ("ada", "frozen", "norole", "nobody-at-all"):
            self.assertIn(self.account(user).cls, ("misconfigured", "unavailable"))


class Composite(Account):
    """Roles that come by groups and by other roles, at a client that nobody has a role of directly."""

    @classmethod
    def setUpClass(cls):
        with open(facts.FILE, encoding="utf-8") as file:
            realm = json.load(file)
        realm["roles"]["client"]["hidden-client"] = [{"name": "x"}, {"name": "seen"}]
        realm["clients"].append({"clientId": "hidden-client", "enabled": True})
        realm["roles"]["realm"].append({"name": "meta", "composite": True, "composites": {
            "client": {"hidden-client": ["x"], "linux-pam": ["ssh"]}}})
        for user in realm["users"]:
            if user["username"] in ("grace", "norole"):
                user["realmRoles"].append("meta")
        for group in realm["groups"]:
            if group["name"] == "linux-admins":
                group["clientRoles"] = {"hidden-client": ["seen"]}
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.realm_file = os.path.join(folder.name, "composite.json")
        with open(cls.realm_file, "w", encoding="utf-8") as file:
            json.dump(realm, file)
        super().setUpClass()

    def test_a_client_s_id_is_learnt_from_whoever_shows_it(self):
        self.expect("client-roles-unseen", "norole", service="client")
        self.expect("client-roles-unseen", "norole", service="denied-client")
        self.expect("ok", "ada", service="denied-client")  # by /linux-admins, which ada is in
        self.forget()
        self.expect("not-permitted", "norole", service="denied-client")
        self.expect("ok", "ada", service="client")
        self.forget()
        self.expect("ok", "norole", service="client")


del Account
if __name__ == "__main__":
    unittest.main()
