#!/usr/bin/env python3
"""The daemon's two sockets: authority, order and size of messages, with no realm behind it.

Runs the built kclogind as whoever runs the test; as root it drops to nobody. Needs no network:
the issuer's port is one that nobody listens on.
"""
import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

sys.path[:0] = [os.path.join(os.environ.get("srcdir", "."), "tests"),
                os.path.join(os.environ.get("srcdir", "."), "tests", "daemon")]
import bed  # noqa: E402
import wire  # noqa: E402

ROOT = bed.ROOT
CONFIG = """[realm]
issuer = http://127.0.0.1:{port}/realms/linux
client_id = linux-pam
client_auth = none
allow_http = yes
[access]
allow = any
[access nobody]
[limits]
prompt_timeout = 5s
grant_timeout = 2s
"""

HELD = socket.socket()


def closed_port():
    """A port that refuses: had by a socket that does not listen, so that nobody else gets it."""
    HELD.bind(("127.0.0.1", 0))
    return HELD.getsockname()[1]


@contextlib.contextmanager
def lingering(seconds=8):
    """A connection whose close waits for bytes that its peer never reads."""
    with socket.socket() as listener, socket.socket() as stuck:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        stuck.connect(listener.getsockname())
        peer, _ = listener.accept()
        stuck.setblocking(False)
        with peer:
            with contextlib.suppress(BlockingIOError):
                while True:
                    stuck.send(bytes(65536))
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, seconds))
            yield stuck


class Sockets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bed = bed.Bed(CONFIG.format(port=closed_port()))

    @classmethod
    def tearDownClass(cls):
        assert cls.bed.stop() == 0, "the daemon did not end well"

    def refused(self, caller, message, word, **beside):
        self.assertIsNone(caller.ask(message, **beside))
        self.bed.wait_for(f"reason={word}")

    def test_modes(self):
        run = self.bed.file("run")
        self.assertEqual(os.stat(run).st_mode & 0o7777, 0o755)
        self.assertEqual(os.stat(run + "/priv.socket").st_mode & 0o7777, 0o600)
        self.assertEqual(os.stat(run + "/socket").st_mode & 0o7777, 0o666)
        self.assertEqual(os.stat(run + "/sessions").st_mode & 0o7777, 0o700)

    def test_password_is_asked_for_and_realm_is_unreachable(self):
        uid = 1900010001
        with self.bed.priv() as caller:
            reply = caller.ask(wire.auth(user="somebody", uid=uid))
            self.assertEqual((reply.kind, reply.ask, reply.echo), (wire.ASK, 1, 0))
            self.assertEqual(reply.text, "Password: ")
            done = caller.done(wire.answer("secret"))
            self.assertEqual((done.cls, done.word), ("unreachable", "unreachable"))
            self.assertEqual(done.key, b"")

    def test_lesson_28_dummy_empty_and_unknown_are_refused_slowly(self):
        for typed, word in ((b"\b\n\r\x7fINC", "dummy-password"), (b"", "empty-password"),
                            (b"anything", "user-unknown")):
            with self.bed.priv() as caller:
                caller.ask(wire.auth(user="nobody-knows-me"))
                began = time.monotonic()
                done = caller.done(wire.answer(typed))
                self.assertEqual(done.word, word)
                self.assertGreaterEqual(time.monotonic() - began, 0.02)
        self.bed.wait_for("user=unknown")
        self.assertNotIn("nobody-knows-me", self.bed.lines())

    def test_local_accounts_are_not_ours(self):
        for user, uid in (("root", 0), ("daemon", 1)):
            with self.bed.priv() as caller:
                self.assertEqual(caller.done(wire.auth(user=user, uid=uid)).word, "not-ours")

    def test_section_that_allows_nobody_or_is_not_there(self):
        with self.bed.priv() as caller:
            caller.ask(wire.auth(user="somebody", uid=1900010001, access="nobody"))
        with self.bed.priv() as caller:
            done = caller.done(wire.auth(user="somebody", uid=1900010001, access="absent"))
            self.assertEqual((done.cls, done.word), ("forbidden", "no-access-rule"))

    def test_account_without_evidence(self):
        for key in (b"", b"k" * 32):
            with self.bed.priv() as caller:
                done = caller.done(wire.account(key, user="somebody", uid=1900010001))
                self.assertEqual(done.cls, "forbidden")
                self.assertEqual(done.word, "no-evidence")

    def test_open_and_close_of_what_is_not_there(self):
        with self.bed.priv() as caller:
            self.assertEqual(caller.done(wire.open_session(b"k" * 32)).word, "transaction-unknown")
        with self.bed.priv() as caller:
            self.assertEqual(caller.done(wire.close_session(b"k" * 32)).word, "not-found")
        with self.bed.public() as caller:
            self.assertEqual(caller.done(wire.open_session(b"k" * 32)).word, "transaction-unknown")
        with self.bed.public() as caller:
            self.assertEqual(caller.done(wire.close_session(b"k" * 32)).word, "not-authorized")

    def test_passwd_says_where(self):
        with self.bed.priv() as caller:
            show = caller.ask(wire.head(wire.PASSWD) + wire.login())
            self.assertIn("/realms/linux/account", show.text)
            self.assertEqual(caller.receive().word, "password-elsewhere")

    def test_status_tells_root_more(self):
        with self.bed.priv() as caller:
            full = caller.done(wire.head(wire.STATUS)).report
        with self.bed.public() as caller:
            short = caller.done(wire.head(wire.STATUS)).report
        self.assertIn("realm: not ready", short)
        self.assertIn("client: linux-pam", full)
        self.assertNotIn("linux-pam", short)

    def test_the_command_says_whether_logins_work(self):
        if not ROOT:
            self.skipTest("needs root: the command trusts root's sockets alone")
        said = subprocess.run([os.path.abspath("kclogin"), "status", "--socket",
                               self.bed.file("run")], capture_output=True, text=True, check=False)
        self.assertEqual(said.returncode, 1, said.stderr)
        self.assertTrue(said.stdout.startswith("daemon: reachable\nrealm: not ready\nsince: "))
        nobody = subprocess.run([os.path.abspath("kclogin"), "status", "--socket",
                                 self.bed.path], capture_output=True, text=True, check=False)
        self.assertEqual((nobody.returncode, nobody.stdout),
                         (1, "daemon: unreachable (daemon-unreachable)\n"))

    def test_public_socket_is_for_oneself(self):
        with self.bed.public() as caller:
            done = caller.done(wire.auth(user="somebody", uid=1900010001))
            self.assertEqual(done.word, "not-authorized")

    def test_lesson_34_uid_0_means_nothing_on_the_public_socket(self):
        if not ROOT:
            self.skipTest("needs root")
        for uid in (0, wire.NO_UID, 1900010001):
            with self.bed.public() as caller:
                self.assertEqual(
                    caller.done(wire.auth(user="somebody", uid=uid)).word, "not-authorized")

    def test_lesson_34_a_descriptor_that_changed_hands_has_no_authority(self):
        if not ROOT:
            self.skipTest("needs root")
        with self.bed.priv() as caller:
            child = os.fork()
            if child == 0:
                os.setgroups([])
                os.setresgid(65534, 65534, 65534)
                os.setresuid(65534, 65534, 65534)
                heard = caller.ask(wire.auth(user="somebody", uid=1900010001))
                os._exit(0 if heard is None else 1)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.bed.wait_for("socket=priv result=denied reason=not-authorized")

    def test_messages_that_are_none(self):
        whole = wire.auth(user="somebody", uid=1900010001)
        for broken in (b"\x01", whole[:-1], whole + b"x", wire.head(99), wire.head(0),
                       wire.head(wire.ASK), b"\x01\x01\x00\x01" + whole[4:],
                       wire.auth(user="u" * 257), wire.auth(user="a\0b"), b"x" * 131072):
            for caller in (self.bed.priv(), self.bed.public()):
                with caller:
                    self.refused(caller, broken, "protocol-error")

    def test_packet_over_the_limit(self):
        with self.bed.priv() as caller:
            self.refused(caller, b"\x01" * (131072 + 1), "protocol-error")

    def test_other_version(self):
        with self.bed.priv() as caller:
            self.refused(caller, wire.head(wire.STATUS, version=9), "protocol-version")

    def test_order(self):
        with self.bed.priv() as caller:
            self.refused(caller, wire.answer("secret"), "protocol-error")
        with self.bed.priv() as caller:
            caller.ask(wire.auth(user="somebody", uid=1900010001))
            self.refused(caller, wire.auth(user="other", uid=1900010001), "protocol-error")
        with self.bed.priv() as caller:
            caller.ask(wire.auth(user="somebody", uid=1900010001))
            self.assertIsNone(caller.ask(wire.answer("123456", kind=2)))

    def test_descriptors_are_not_taken(self):
        for caller in (self.bed.priv(), self.bed.public()):
            with caller:
                self.refused(caller, wire.head(wire.STATUS), "protocol-error", fds=[0])
        with self.bed.priv() as caller:
            self.refused(caller, wire.open_session(b"k" * 32), "protocol-error", fds=[0, 1])
        kept = len(os.listdir(f"/proc/{self.bed.process.pid}/fd")) if ROOT else None
        for _ in range(50):
            with self.bed.priv() as caller:
                caller.ask(wire.head(wire.STATUS), fds=[0, 1, 2])
        if ROOT:
            self.assertLessEqual(len(os.listdir(f"/proc/{self.bed.process.pid}/fd")), kept + 2)

    def test_a_descriptor_that_will_not_close_holds_nobody_up(self):
        with lingering() as stuck, self.bed.public() as caller:
            # the one on its way to the daemon is the last
            self.bed.process.send_signal(signal.SIGSTOP)
            caller.send(wire.head(wire.STATUS), fds=[stuck.fileno()])
            stuck.close()
            self.bed.process.send_signal(signal.SIGCONT)
            began = time.monotonic()
            with self.bed.priv() as other:
                self.assertEqual(other.done(wire.head(wire.STATUS)).cls, "ok")
            self.assertLess(time.monotonic() - began, 2)

    def test_public_connections_of_one_uid_are_bounded(self):
        held, refused = [], 0
        for _ in range(40):
            caller = self.bed.public()
            held.append(caller)
            refused += caller.ask(wire.head(wire.STATUS)) is None
        for caller in held:
            caller.socket.close()
        self.assertGreaterEqual(refused, 8)
        with self.bed.priv() as caller:
            self.assertEqual(caller.done(wire.head(wire.STATUS)).cls, "ok")

    def test_a_prompt_has_an_end(self):
        with self.bed.priv() as caller:
            caller.ask(wire.auth(user="somebody", uid=1900010001))
            began = time.monotonic()
            self.assertEqual(caller.receive().word, "cancelled")
            self.assertLess(time.monotonic() - began, 15)

    def test_reload_good_and_bad(self):
        path = self.bed.file("kclogin.conf")
        with open(path, encoding="utf-8") as file:
            good = file.read()
        self.bed.write("kclogin.conf", good + "nonsense = 1\n")
        self.bed.process.send_signal(signal.SIGHUP)
        self.bed.wait_for("reload result=misconfigured")
        self.assertIn(f"{path}:{good.count(chr(10)) + 1}", self.bed.lines())
        self.bed.write("kclogin.conf", good)
        self.bed.process.send_signal(signal.SIGHUP)
        self.bed.wait_for("reload result=ok")


if __name__ == "__main__":
    unittest.main()
