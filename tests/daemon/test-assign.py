#!/usr/bin/env python3
"""ASSIGN at the daemon's socket: numbers written into a demo realm, and everything that ends a run."""
import json
import os
import pty
import re
import signal
import sys
import tempfile
import termios
import time
import unittest

TESTS = os.path.join(os.environ.get("srcdir", "."), "tests")
sys.path[:0] = [TESTS, os.path.join(TESTS, "daemon"), os.path.join(TESTS, "realm")]
import facts  # noqa: E402
import lookups  # noqa: E402
import wire  # noqa: E402

USERS = int(os.environ.get("KCLOGIN_TEST_USERS", "150"))
PASSWORD = "registrar-pass"
LINUX_UID = {"name": "linuxUid", "permissions": {"view": ["admin"], "edit": ["admin"]},
             "validations": {"integer": {"min": "10000", "max": "2000000000"}}, "multivalued": False}
CONFIG = "found_ttl = 1h\nuid_attribute = linuxUid\nprimary_group = linux-users"


def realm_file(folder, highest="2000000000"):
    """The realm with an administrator and one more attribute in its profile."""
    with open(facts.FILE, encoding="utf-8") as file:
        realm = json.load(file)
    part = realm["components"]["org.keycloak.userprofile.UserProfileProvider"][0]["config"]
    profile = json.loads(part["kc.user.profile.config"][0])
    LINUX_UID["validations"]["integer"]["max"] = highest
    profile["attributes"].append(LINUX_UID)
    part["kc.user.profile.config"] = [json.dumps(profile)]
    realm["users"].append({
        "username": "registrar", "enabled": True, "email": "registrar@example.test",
        "emailVerified": True, "firstName": "Test", "lastName": "Registrar",
        "credentials": [{"type": "password", "value": PASSWORD}],
        "clientRoles": {"realm-management": ["manage-users"]}})
    path = os.path.join(folder, "realm.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(realm, file)
    return path


class Assign(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def world(self, highest="2000000000", users=0, **more):
        world = lookups.World(directory=more.pop("directory", CONFIG),
                              file=realm_file(self.folder.name, highest), fill_users=users, **more)
        self.addCleanup(world.__exit__)
        return world

    @staticmethod
    def begin(world, write=True, name="registrar", password=PASSWORD):
        """A run whose questions are answered."""
        caller = wire.Caller(world.bed.file("run/priv.socket"), timeout=120)
        reply = caller.ask(wire.assign(write, "admin-cli"))
        if reply.kind == wire.DONE:
            return caller, reply
        assert (reply.ask, reply.echo) == (3, 1), reply.text
        reply = caller.ask(wire.answer(name, 3))
        assert (reply.ask, reply.echo) == (1, 0), reply.text
        caller.send(wire.answer(password, 1))
        return caller, None

    def run_one(self, world, **options):
        caller, reply = self.begin(world, **options)
        with caller:
            while reply is None or reply.kind == wire.SHOW:
                reply = caller.receive()
            return reply

    def sessions(self, world):
        status, counts = world.realm.control("GET", "counts")
        self.assertEqual(status, 200)
        return [one for one in counts["sessions"] if one["user"] == "registrar"]

    def test_many_users_get_numbers_each_once(self):
        world = self.world(users=USERS)
        began = time.monotonic()
        reply = self.run_one(world, write=False)
        read = time.monotonic() - began
        self.assertEqual(reply.word, "ok", reply.report)
        self.assertIn("--write writes them", reply.report)
        began = time.monotonic()
        reply = self.run_one(world)
        wrote = time.monotonic() - began
        self.assertEqual(reply.word, "ok", reply.report[-500:])
        numbers = re.findall(r"^user \S+ linuxUid=(\d+)$", reply.report, re.M)
        self.assertEqual(len(numbers), len(set(numbers)))
        written = int(re.search(r"(\d+) without a number, (\d+) written", reply.report).group(2))
        self.assertGreater(written, USERS)
        reply = self.run_one(world)
        self.assertIn(" 0 without a number, 0 written", reply.report)
        lookups.until(lambda: not self.sessions(world), "sessions are left")
        self.assertNotIn(PASSWORD, world.bed.lines())
        line = f"assign administrator=registrar client=admin-cli result=ok reason=ok write=yes " \
               f"missing={written} written={written} refused=0"
        self.assertIn(line, world.bed.lines())
        print(f"{USERS} users: listed in {read:.1f} s, written in {wrote:.1f} s", file=sys.stderr)

    def test_a_token_that_ends_meanwhile_is_renewed(self):
        world = self.world(users=60)
        world.realm.tell("realm", accessTokenLifespan=1)
        world.realm.fault("delay", match="admin-user", delay=20, count=-1)
        before = world.realm.counts()["tokens"]
        reply = self.run_one(world)
        self.assertEqual(reply.word, "ok", reply.report[-500:])
        self.assertGreater(world.realm.counts()["tokens"], before + 2)
        lookups.until(lambda: not self.sessions(world), "sessions are left")

    def test_who_may_not(self):
        world = self.world()
        reply = self.run_one(world, password="wrong")
        self.assertEqual((reply.cls, reply.word), ("refused", "bad-credentials"))
        self.assertIn("assign administrator=unknown", world.bed.lines())
        reply = self.run_one(world, name="ada", password="ada-pass")
        self.assertEqual(reply.word, "not-authorized")
        self.assertIn("manage-users", reply.report)
        with world.bed.public() as caller:
            reply = caller.done(wire.assign(True, "admin-cli"))
            self.assertEqual(reply.word, "not-authorized")
        world.realm.fault("delay", match="token", delay=1500, count=-1)
        caller, reply = self.begin(world, password="wrong")
        with caller:
            self.assertEqual(self.run_one(world).word, "busy")

    def test_a_value_that_is_refused_is_that_users_alone_up_to_twenty(self):
        # the range begins at 1879048192: two numbers are left below the profile's limit
        world = self.world(highest="1879048193")
        reply = self.run_one(world)
        self.assertEqual(reply.word, "http-400")
        lines = [line for line in reply.report.splitlines() if " refused: " in line]
        self.assertEqual(len(lines), 20)
        self.assertIn("error-number-out-of-range", lines[0])
        self.assertIn("2 written", reply.report)

    def test_what_the_realm_drops_ends_it_at_the_first(self):
        world = self.world(directory=CONFIG.replace("linuxUid", "nowhereDeclared"))
        reply = self.run_one(world)
        self.assertEqual(reply.word, "not-permitted")
        self.assertIn("has not kept nowhereDeclared", reply.report)
        self.assertIn(" 0 written", reply.report)

    def test_an_answer_that_is_lost_or_bad(self):
        world = self.world()
        # a change whose answer is lost: the realm itself says that it was made
        world.realm.fault("delay", match="admin-user", delay=0, count=1)
        world.realm.fault("cut", match="admin-user", count=1, process=True)
        reply = self.run_one(world)
        self.assertEqual(reply.word, "ok", reply.report[-300:])
        self.assertNotIn("refused", reply.report)
        # one that was not made, nor answered
        world.realm.tell("reset")
        world.realm.fault("delay", match="admin-user", delay=0, count=1)
        world.realm.fault("cut", match="admin-user", count=1)
        reply = self.run_one(world)
        self.assertEqual(reply.word, "not-permitted", reply.report[-300:])
        self.assertIn(" 0 written", reply.report)
        for kind, word in (("garbage", None), ("empty", "answer-not-json"), ("status", None)):
            world.realm.tell("reset")
            world.realm.fault(kind, match="admin-user", count=-1, status=500)
            reply = self.run_one(world)
            self.assertNotEqual(reply.word, "ok", kind)
            self.assertIn(" 0 written", reply.report, kind)
            if word:
                self.assertEqual(reply.word, word)
        world.realm.control("DELETE", "fault")
        lookups.until(lambda: not self.sessions(world), "sessions are left")

    def test_a_signal_at_the_prompt_leaves_the_echo(self):
        world = self.world()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            pid, terminal = pty.fork()
            if pid == 0:
                os.execv("./kclogin", ["kclogin", "ids", "assign", "--socket",
                                       world.bed.file("run")])
            try:
                self.type_until(terminal, b"realm: ", b"registrar\n", b"Password: ")
                self.assertFalse(termios.tcgetattr(terminal)[3] & termios.ECHO)
                with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
                    core = next(line for line in limits if line.startswith("Max core file size"))
                self.assertEqual(core.split()[4:6], ["0", "0"])
                os.kill(pid, number)
                self.assertEqual(os.waitpid(pid, 0)[1], number)
                self.assertTrue(termios.tcgetattr(terminal)[3] & termios.ECHO, number)
            finally:
                os.close(terminal)

    @staticmethod
    def type_until(terminal, first, line, last):
        seen = b""
        while first not in seen:
            seen += os.read(terminal, 1024)
        os.write(terminal, line)
        while last not in seen:
            seen += os.read(terminal, 1024)

    def test_whoever_hangs_up_ends_it(self):
        world = self.world(users=100)
        world.realm.fault("delay", match="admin-user", delay=30, count=-1)
        caller, _ = self.begin(world)
        time.sleep(1)
        caller.__exit__()
        world.bed.wait_for("assign administrator=registrar client=admin-cli result=cancelled")
        lookups.until(lambda: not self.sessions(world), "sessions are left")
        world.realm.control("DELETE", "fault")
        self.assertEqual(self.run_one(world).word, "ok")


if __name__ == "__main__":
    sys.exit(lookups.side_by_side(sys.modules[__name__]) if len(sys.argv) == 1 else unittest.main())
