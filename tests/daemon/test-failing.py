#!/usr/bin/env python3
"""Each call that a login costs the daemon fails once, in turn; and the daemon is killed at each, in turn.

Whatever fails, the answer is true, nobody gets in who should not, the daemon lives and the next login
works; whatever call it dies at, nothing is lost but the login itself. KCLOGIN_TEST_EVERY=1 takes every
call, else one in five. Runs the test build of kclogind (failing.c) against the built kclogin-realm.
Needs root.
"""
import itertools
import mmap
import os
import random
import struct
import sys
import tempfile
import threading
import unittest

SOURCE = os.environ.get("srcdir") or os.path.join(os.path.dirname(__file__), "..", "..")
sys.path[:0] = [os.path.join(SOURCE, "tests"), os.path.join(SOURCE, "tests/daemon")]
import host  # noqa: E402
import wire  # noqa: E402
from host import until  # noqa: E402

PEOPLE = 50
EVERY = int(os.environ.get("KCLOGIN_TEST_EVERY", "5"))
KEPT = 32           # connections to the realm
MOST = 3000         # calls of a login
CLAIM = 120
# What a login with the right password may be told when something fails; None: hung up on.
WORDS = {"ok", "no-room", "no-memory", "system-error", "unanswered", None}


class Plan:
    """struct plan of failing.c."""

    def __init__(self, path):
        with open(path, "wb") as file:
            file.write(bytes(64))
        os.chmod(path, 0o666)
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 64)

    def set(self, fail_at, dies=False):
        self.memory[:] = struct.pack("=III52x", 0, fail_at, dies)

    def failed(self):
        return self.memory[12:].split(b"\0")[0].decode()


class Failing(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        os.chmod(self.folder.name, 0o755)
        self.plan = Plan(os.path.join(self.folder.name, "plan"))
        # many, since logins of one person keep a distance
        self.people = itertools.cycle(f"person{number}" for number in range(PEOPLE))
        self.realm = host.Realm(self.folder.name, [next(self.people) for _ in range(PEOPLE)], 0)
        self.addCleanup(self.realm.stop)
        self.host = host.Host(os.path.join(self.folder.name, "host"),
                              self.realm.base + "/realms/linux",
                              os.path.abspath("tests/daemon/kclogind-failing"))
        self.host.environment = {"KCLOGIN_TEST_PLAN": os.path.join(self.folder.name, "plan")}
        self.holder = host.Holder()
        self.addCleanup(self.holder.end)
        self.addCleanup(lambda: self.host.process.poll() is None and self.host.stop())

    def start(self):
        self.host.start()
        until(lambda: "realm: reachable" in self.host.report(), "realm not ready")

    def exchange(self, message, **beside):
        """DONE; None where the daemon hung up."""
        with self.host.caller() as caller:
            return caller.done(message, **beside)

    def authenticate(self, user, password):
        with self.host.caller() as caller:
            reply = caller.ask(wire.auth(**host.who(user)))
            if reply and reply.kind == wire.ASK:
                return caller.done(wire.answer(password))
            while reply and reply.kind == wire.SHOW:
                reply = caller.receive()
            return reply

    def numbers(self):
        """The calls that fail: each, or one in so many."""
        first = random.randrange(EVERY) + 1
        print(f"call {first}, and each {EVERY}. after it", flush=True)
        return range(first, MOST, EVERY)

    def round(self):
        """All that a login is: its words in their order, and whose it was."""
        words = []

        def note(reply):
            words.append(reply.word if reply else None)
            good = bool(reply) and reply.word == "ok"
            self.assertTrue(good or not reply or not (reply.key or reply.token), words)
            return good
        user = next(self.people)
        who = host.who(user)
        done = self.authenticate(user, self.realm.password)
        if note(done):
            note(self.exchange(wire.account(done.key, **who)))
            opened = self.exchange(wire.open_session(done.key, **who), fds=[self.holder.pidfd])
            if note(opened):
                note(self.exchange(wire.close_session(opened.key)))
        return words, user

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.host.process.pid}/fd"))

    def sessions(self):
        return self.realm.sessions()

    def settled(self, files=None):
        """What is left at the realm, two minutes on; by then no descriptor is kept but connections."""
        until(lambda: " 0 open" in self.host.report() and " 0 ending" in self.host.report(),
              lambda: self.host.report() + self.host.tail(), 20)
        if files:
            self.assertLessEqual(self.descriptors(), files + KEPT)
        self.host.kill()
        self.host.start(later=CLAIM + 1)
        until(lambda: not self.host.files(), lambda: f"files stay: {self.host.files()}", 20)
        return self.sessions()

    def test_lesson_29_every_call_of_a_login_fails_once(self):
        self.start()
        self.assertEqual(self.round()[0], ["ok"] * 4)
        files = self.descriptors()
        number, lost, seen = 0, [], {}
        for number in self.numbers():
            before = set(self.sessions())
            self.plan.set(number)
            words, user = self.round()
            self.logged_out(words, before)
            failed = self.plan.failed()
            self.plan.set(0)
            self.assertIsNone(self.host.process.poll(), f"call {number}, {failed}: ended")
            self.assertLessEqual(set(words), WORDS, f"call {number}, {failed}")
            seen.setdefault(failed, set()).update(words)
            if not failed:
                break
            wrong = self.authenticate(next(self.people), "wrong")
            self.assertTrue(wrong and wrong.word in ("bad-credentials", "grant-in-doubt"),
                            f"after call {number}, {failed}: {wrong and wrong.word}")
            self.assertEqual(self.round()[0], ["ok"] * 4, f"after call {number}, {failed}")
            if words[0] != "ok":
                lost.append(user)
        print(f"up to call {number}:", ", ".join(f"{name} {sorted(map(str, words))}" for name, words
                                                in sorted(seen.items())))
        self.assertGreater(number, 50)
        self.holder.die()
        left = self.settled(files)
        print(len(left), "left at the realm: tokens that could not be read")
        for session, (user, _) in left.items():
            self.assertIn(user, lost, f"{session}: its login had its tokens")

    def logged_out(self, words, before):
        """Of a login that went well, the log-out is part of what may fail."""
        if words == ["ok"] * 4:
            until(lambda: set(self.sessions()) <= set(before) or self.plan.failed(),
                  "the session stays at the realm")

    def keep_up(self, over):
        """As systemd does: a daemon that has died is started again."""
        while not over.is_set():
            if self.host.process.poll() is not None:
                self.host.check_files()
                self.host.start()
            over.wait(0.002)

    def test_lesson_29_it_dies_at_every_call_of_a_login(self):
        self.start()
        number, kept, lost = 0, host.Holder(), []
        self.addCleanup(kept.end)
        session = self.host.open("person0", self.authenticate("person0", self.realm.password), kept)
        for number in self.numbers():
            before, pid = set(self.sessions()), self.host.process.pid
            self.plan.set(number, dies=True)
            over = threading.Event()
            keeper = threading.Thread(target=self.keep_up, args=(over,))
            keeper.start()
            words, user = self.round()
            self.logged_out(words, before)
            failed = self.plan.failed()
            if failed:
                until(lambda: self.host.process.pid != pid or self.host.process.poll() is not None,
                      "it does not die")
            over.set()
            keeper.join()
            if self.host.process.poll() is not None:
                self.host.start()
            self.plan.set(0)
            if not failed:
                break
            self.assertLessEqual(set(words), {"ok", None}, f"call {number}, {failed}")
            self.assertLessEqual(words.count(None), 1, f"call {number}, {failed}")
            self.assertEqual(self.round()[0], ["ok"] * 4, f"after call {number}, {failed}")
            self.assertIn(session.id, self.sessions(), f"call {number}, {failed}")
            if words[0] != "ok":
                lost.append(user)
        with self.host.caller() as caller:
            self.assertEqual(caller.done(wire.close_session(session.handle)).word, "ok")
        self.holder.die()   # sessions whose OPEN was cut are held by it
        left = self.settled()
        print(f"up to call {number}: {len(left)} left at the realm: tokens that it had not written")
        for session, (user, _) in left.items():
            self.assertIn(user, lost, f"{session}: its login had its tokens")
        self.assertGreater(number, 50)

    def test_lesson_29_every_call_of_a_start_fails_once(self):
        self.start()
        kept = host.Holder()
        self.addCleanup(kept.end)
        session = self.host.open("person0", self.authenticate("person0", self.realm.password), kept)
        number = starts = ends = 0
        for number in self.numbers():
            self.host.kill()
            self.plan.set(number)
            self.host.start(wait=False)
            until(lambda: b"READY=1" in self.host.heard() or self.host.process.poll() is not None,
                  lambda: f"call {number}: neither ready nor ended")
            failed = self.plan.failed()
            code = self.host.process.poll()
            self.assertIn(code, (None, 1), f"call {number}, {failed}: {self.host.tail()}")
            self.assertIn(session.id, self.sessions(), f"call {number}, {failed}")
            starts, ends = starts + (code is None), ends + (code is not None)
            if not failed:
                break
        print(f"{number - 1} calls: {starts} started, {ends} ended")
        self.plan.set(0)
        self.host.kill()
        self.start()
        with self.host.caller() as caller:
            self.assertEqual(caller.done(wire.close_session(session.handle)).word, "ok")
        self.assertEqual(self.settled(), {})


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("SKIP: needs root")
        sys.exit(77)
    host.reserve()
    unittest.main()
