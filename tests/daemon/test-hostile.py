#!/usr/bin/env python3
"""What people without authority, or a realm that is slow, can make of the daemon.

Runs the built kclogind against the built kclogin-realm. Needs root: callers of other uids are played.
"""
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

SOURCE = os.environ.get("srcdir", ".")
sys.path.insert(0, os.path.join(SOURCE, "tests"))
import wire  # noqa: E402

DAEMON, REALM = os.path.abspath("kclogind"), os.path.abspath("kclogin-realm")
IN_RANGE = 1900010001
NOBODY = 65534
CONFIG = """[realm]
issuer = {issuer}
client_id = {client}
client_auth = none
allow_http = yes
[access]
allow = any
[caller nobody]
service = listed
"""


class Realm:
    def __init__(self, folder, *options):
        ready = os.path.join(folder, "ready")
        self.process = subprocess.Popen(
            [REALM, "--realm", os.path.join(SOURCE, "realm/linux.json"), "--port", "0", "--ready",
             ready, "--hash-delay", "1", *options],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: os.path.exists(ready) and os.path.getsize(ready), "no realm")
        with open(ready, encoding="utf-8") as file:
            self.base = file.read().strip()
        self.issuer = self.base + "/realms/linux"

    def control(self, what, document=None, method="POST"):
        body = json.dumps(document or {}).encode() if method == "POST" else None
        request = urllib.request.Request(f"{self.base}/_control/{what}", body, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            return json.loads(answer.read() or b"null")

    def counts(self):
        return self.control("counts", method="GET")

    def sessions(self):
        return len(self.counts()["sessions"])

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def until(condition, otherwise, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(otherwise)
        time.sleep(0.02)


class Bed:
    def __init__(self, issuer, files=None, extra="", client="linux-pam-public"):
        self.folder = tempfile.TemporaryDirectory()
        os.chmod(self.folder.name, 0o755)
        self.configure(issuer, extra, client)
        self.write("host.conf", "allow_overlap = yes\n")
        self.log = open(self.file("log"), "w+", encoding="utf-8")
        self.process = self.start(files)

    def start(self, files=None):
        def limit():
            if files:
                resource.setrlimit(resource.RLIMIT_NOFILE, files)
        began = self.lines().count("start version=")
        process = subprocess.Popen(
            [DAEMON, "-c", self.file("kclogin.conf"), "-b", self.file("host.conf"),
             "-r", self.file("run"), "-s", self.file("state"), "-u", "nobody"],
            stderr=self.log, stdin=subprocess.DEVNULL, preexec_fn=limit)
        until(lambda: self.lines().count("start version=") > began, "no start")
        until(lambda: "realm: reachable" in self.status(), "realm not ready")
        return process

    def file(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, content):
        with open(self.file(name), "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(self.file(name), 0o644)

    def configure(self, issuer, extra="", client="linux-pam-public"):
        self.write("kclogin.conf", CONFIG.format(issuer=issuer, client=client) + extra)

    def lines(self):
        with open(self.file("log"), encoding="utf-8") as file:
            return file.read()

    def status(self):
        with wire.Caller(self.file("run/priv.socket")) as caller:
            return caller.done(wire.head(wire.STATUS)).report

    def login(self, user="ada", password="ada-pw", **who):
        """A login on the privileged socket."""
        who.setdefault("uid", IN_RANGE)
        with wire.Caller(self.file("run/priv.socket"), timeout=40) as caller:
            reply = caller.ask(wire.auth(user=user, **who))
            return caller.done(wire.answer(password)) if reply.kind == wire.ASK else reply

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(10)
        return code

    def clean(self):
        self.log.close()
        self.folder.cleanup()


def password_of(user):
    with open(os.path.join(SOURCE, "realm/linux.json"), encoding="utf-8") as file:
        for one in json.load(file)["users"]:
            if one["username"] == user:
                return next(c["value"] for c in one["credentials"] if c["type"] == "password")
    raise KeyError(user)


def as_uid(uid, function):
    """Runs a function in a process of that uid; its JSON result."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            os.write(write, json.dumps(function()).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        result = pipe.read()
    assert os.waitpid(child, 0)[1] == 0, "the caller failed"
    return json.loads(result)


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.realm = Realm(cls.folder.name)
        cls.ada = password_of("ada")

    @classmethod
    def tearDownClass(cls):
        cls.realm.stop()
        cls.folder.cleanup()

    def setUp(self):
        self.realm.control("reset")

    def bed(self, *args, **options):
        bed = Bed(*args, **options)
        self.addCleanup(bed.clean)
        self.addCleanup(lambda: bed.process.poll() is None and bed.stop())
        return bed

    def test_lesson_25_a_login_that_waits_for_a_connection_has_an_end(self):
        bed = self.bed(self.realm.issuer, extra="[limits]\ngrant_timeout = 2s\n")
        self.realm.control(
            "fault", {"fault": "delay", "match": "token", "count": -1, "delay": 1600})
        ends = []

        def login(number):
            began = time.monotonic()
            word = bed.login(user=f"user{number}", password="wrong").word
            ends.append((word, time.monotonic() - began))
        threads = [threading.Thread(target=login, args=(number,)) for number in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        words = {word for word, _ in ends}
        self.assertLess(max(seconds for _, seconds in ends), 5, words)
        # no byte came to those who waited in vain, and yet the realm is not out of reach
        self.assertNotIn("unreachable", words)
        self.assertIn("realm: reachable", bed.status())

    def hold(self, bed, most):
        """Opens sessions, each held by a process of its own; how many, and the word that ended it."""
        for number in range(most):
            done = bed.login(password=self.ada)
            if done.word != "ok":
                return number, done.word
            child = subprocess.Popen(["sleep", "100"])
            self.addCleanup(child.wait)
            self.addCleanup(child.kill)
            fd = os.pidfd_open(child.pid)
            with wire.Caller(bed.file("run/priv.socket")) as caller:
                opened = caller.done(
                    wire.open_session(done.key, user="ada", uid=IN_RANGE), fds=[fd])
            os.close(fd)
            if opened.word != "ok":
                return number, opened.word
        return most, "ok"

    def test_open_sessions_do_not_use_up_the_descriptors(self):
        bed = self.bed(self.realm.issuer, files=(256, 4096))
        self.assertEqual(self.hold(bed, 260), (260, "ok"))

    def test_sessions_end_before_the_descriptors(self):
        bed = self.bed(self.realm.issuer, files=(128, 128))
        self.assertEqual(self.hold(bed, 128), (64, "busy"))

    def test_without_descriptors_the_loop_does_not_spin(self):
        bed = self.bed(self.realm.issuer)
        pid = bed.process.pid
        # those that are open reach up to here: there is none for one caller more
        end = max(int(name) for name in os.listdir(f"/proc/{pid}/fd")) + 1
        kept = as_uid(NOBODY, lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE))

        def limit(files):
            as_uid(NOBODY, lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE, (files, kept[1])))
        limit(end)
        held = [wire.Caller(bed.file("run/priv.socket")) for _ in range(64)]
        time.sleep(0.2)

        def used():
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        before = used()
        time.sleep(1)
        self.assertLess(used() - before, 0.05)
        self.assertLessEqual(len(os.listdir(f"/proc/{pid}/fd")), end)
        for caller in held:
            caller.socket.close()
        limit(kept[0])
        self.assertIn("realm: reachable", bed.status())

    def test_a_small_table_of_descriptors_is_shared(self):
        bed = self.bed(self.realm.issuer, files=(256, 256))
        held = [wire.Caller(bed.file("run/socket")) for _ in range(32)]

        def more():
            with wire.Caller(bed.file("run/socket")) as caller:
                return caller.ask(wire.head(wire.STATUS)) is None
        self.assertTrue(as_uid(NOBODY, more), "strangers may take more than an eighth")
        held += [wire.Caller(bed.file("run/priv.socket")) for _ in range(63)]
        self.assertEqual(bed.login(password=self.ada).word, "ok")
        for caller in held:
            caller.socket.close()

    def test_prompts_left_open_by_local_people_leave_room_for_others(self):
        bed = self.bed(self.realm.issuer)
        held = []

        def prompts(caller, most):
            """How many logins of a local person's su are asked for a password, and the last word."""
            for number in range(most):
                held.append(wire.Caller(bed.file("run/priv.socket")))
                reply = held[-1].done(wire.auth(user="ada", uid=IN_RANGE, caller=caller))
                if reply.kind != wire.ASK:
                    return number, reply.word
            return most, "asked"
        self.assertEqual(prompts(2001, 100), (64, "busy"))
        self.assertEqual(prompts(2001, 1), (0, "busy"))
        for caller in range(2002, 2009):
            self.assertEqual(prompts(caller, 64), (64, "asked"))
        self.assertEqual(prompts(2009, 1), (0, "busy"), "all of them together")
        # who comes by ssh or at the console is nobody's local person
        self.assertEqual(prompts(0, 500), (500, "asked"))
        self.assertEqual(bed.login(password=self.ada, rhost="192.0.2.1").word, "ok")
        held.pop(0).socket.close()
        until(lambda: prompts(2001, 1) == (1, "asked"), "an end makes no room")
        for caller in held:
            caller.socket.close()

    def test_a_grant_of_the_public_socket_is_not_kept(self):
        bed = self.bed(self.realm.issuer)

        def knock():
            with wire.Caller(bed.file("run/socket")) as caller:
                caller.ask(wire.auth(user="ada", uid=IN_RANGE, service="listed"))
                done = caller.done(wire.answer(self.ada))
                return done.word, done.key.hex()
        word, key = as_uid(NOBODY, knock)
        self.assertEqual((word, key), ("ok", ""))
        until(lambda: self.realm.sessions() == 0, "the session stays")
        until(lambda: "0 open, 0 unclaimed, 0 ending" in bed.status(), "something is kept")
        # what somebody without authority claims is logged as theirs (lesson 45)
        self.assertIn(f" caller={NOBODY}", bed.lines())

    def test_own_uid_is_no_name(self):
        bed = self.bed(self.realm.issuer)

        def knock():
            with wire.Caller(bed.file("run/socket")) as caller:
                reply = caller.ask(wire.auth(user="ada", uid=IN_RANGE + 7))
                return reply.word if reply.kind == wire.DONE else "asked"
        self.assertEqual(as_uid(IN_RANGE + 7, knock), "not-authorized")

    def test_lesson_43_a_caller_without_authority_fails_under_its_own_name(self):
        bed = self.bed(self.realm.issuer)
        self.realm.control("realm", {"bruteForceProtected": False})
        home = {"rhost": "192.0.2.1"}
        self.assertEqual(bed.login(password=self.ada, **home).cls, "ok")

        def guess():
            words = []
            for _ in range(6):
                with wire.Caller(bed.file("run/socket")) as caller:
                    caller.ask(wire.auth(user="ada", uid=IN_RANGE, service="listed", caller=0, **home))
                    words.append(caller.done(wire.answer("a guess")).word)
            return words
        self.assertEqual(as_uid(NOBODY, guess), ["bad-credentials"] * 5 + ["too-many-failures"])
        # ada's own place has seen none of these
        self.assertEqual(bed.login(password=self.ada, **home).word, "ok")

    def test_a_token_never_goes_to_another_issuer(self):
        with tempfile.TemporaryDirectory() as folder:
            other = Realm(folder)
        self.addCleanup(other.stop)
        bed = self.bed(self.realm.issuer)
        done = bed.login(password=self.ada)
        self.assertEqual(done.cls, "ok")
        bed.configure(other.issuer)
        bed.process.send_signal(signal.SIGHUP)
        until(lambda: other.counts()["requests"]["certs"], "no reload")
        # an OPEN that does not fit ends the grant at once
        with wire.Caller(bed.file("run/priv.socket")) as caller:
            reply = caller.done(wire.open_session(done.key, user="eve", uid=IN_RANGE))
            self.assertEqual(reply.word, "user-switched")
        until(lambda: "0 unclaimed, 0 ending" in bed.status(), "the grant stays")
        self.assertEqual(other.counts()["requests"]["logout"], 0)
        self.assertIn("logout result=misconfigured reason=realm-wrong-issuer", bed.lines())

    def test_a_session_of_another_client_is_not_taken_for_over(self):
        bed = self.bed(self.realm.issuer)
        key = bed.login(password=self.ada).key
        bed.configure(self.realm.issuer, client="another-client")
        bed.process.send_signal(signal.SIGHUP)
        until(lambda: "reload result=ok" in bed.lines(), "no reload")
        with wire.Caller(bed.file("run/priv.socket")) as caller:
            caller.done(wire.open_session(key, user="eve", uid=IN_RANGE))
        until(lambda: "logout result=" in bed.lines(), "nothing is said of the log-out")
        self.assertIn("logout result=misconfigured reason=realm-wrong-client", bed.lines())
        # it is there still, and no request was wasted on it
        counts = self.realm.counts()
        self.assertEqual((counts["requests"]["logout"], len(counts["sessions"])), (0, 1))

    def test_a_grant_on_the_wire_when_the_daemon_stops_leaves_no_session(self):
        bed = self.bed(self.realm.issuer)
        self.realm.control("fault", {"fault": "delay", "match": "token", "count": 1, "delay": 1000})
        with wire.Caller(bed.file("run/priv.socket"), timeout=40) as caller:
            caller.ask(wire.auth(user="ada", uid=IN_RANGE))
            caller.send(wire.answer(self.ada))
            until(lambda: self.realm.counts()["requests"]["token"], "no request")
            self.assertEqual(bed.stop(), 0)
        counts = self.realm.counts()
        self.assertEqual((counts["requests"]["token"], counts["requests"]["logout"]), (1, 1))
        self.assertEqual(counts["sessions"], [])


if __name__ == "__main__":
    unittest.main()
