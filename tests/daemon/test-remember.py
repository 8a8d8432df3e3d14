#!/usr/bin/env python3
"""What outlives the daemon: who was known, and whose names and numbers are, after its end, its
death, and with a state.db that is damaged, newer, full or of another time.

Needs no root and no network but the loopback.
"""
import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import time
import unittest

TESTS = os.path.join(os.environ.get("srcdir", "."), "tests")
sys.path[:0] = [TESTS, os.path.join(TESTS, "daemon"), os.path.join(TESTS, "realm")]
import bed  # noqa: E402
import wire  # noqa: E402
from lookups import World, side_by_side, until  # noqa: E402

ADA, JO, KEYS = 1900010001, 1900010103, 1900010114
USERS, ADMINS, KERNEL = 1900020000, 1900020001, 1900020011
GIDS = [USERS, ADMINS, KERNEL]
SHORT = "found_ttl = 1s\nabsent_ttl = 1s"


class Host(World):
    """A world whose daemon ends and starts again, and whose realm may be gone."""

    def realm_gone(self):
        self.realm.process.send_signal(signal.SIGTERM)
        self.realm.process.wait(30)

    def restart(self, how=signal.SIGTERM, between=None):
        self.bed.end(how)
        if between:
            between()
        self.bed.start()

    def database(self):
        return self.bed.file("state/state.db")

    def change(self, statement):
        """Edits the database; only while there is no daemon."""
        with sqlite3.connect(self.database()) as connection:
            connection.execute(statement)
        connection.close()
        if bed.ROOT:
            os.chown(self.database(), 65534, 65534)

    def kept(self, table):
        """How many rows are on the disk; a reader of a copy disturbs nobody."""
        copy = self.bed.file("copy.db")
        with open(self.database(), "rb") as file, open(copy, "wb") as out:
            out.write(file.read())
        connection = sqlite3.connect(copy)
        try:
            return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        except sqlite3.DatabaseError:
            return 0  # just being written
        finally:
            connection.close()
            os.remove(copy)

    def saved(self):
        """Waits until everybody who is known is on the disk: ada, jo.doe and the groups."""
        until(lambda: self.kept("known_users") >= 2 and self.kept("known_groups") >= 3,
              lambda: f"{self.kept('known_users')} {self.bed.lines()}")

    def lines(self, text):
        return [line for line in self.bed.lines().splitlines() if text in line]


class Known(unittest.TestCase):
    def assert_known(self, host):
        self.assertEqual(host.uid("ada"), ADA)
        self.assertEqual(host.user(uid=ADA).name, "ada")
        self.assertEqual(host.gids("ada"), GIDS)
        self.assertEqual(host.uid("jo.doe"), JO)
        self.assertEqual(host.user(uid=JO).name, "jo.doe")
        self.assertIn("ada", host.members("linux-admins"))
        self.assertIn("ada", host.members(gid=KERNEL))

    def test_lesson_27_users_and_groups_after_a_restart_without_the_realm(self):
        with Host("found_ttl = 1s\nabsent_ttl = 1s") as host:
            self.assertEqual(host.uid("jo.doe"), JO)  # by look-up alone: in no served group
            self.assert_known(host)
            host.saved()
            for how in (signal.SIGTERM, signal.SIGKILL):
                until(lambda: host.kept("known_users") >= 2, "nothing kept")
                if how == signal.SIGTERM:
                    host.realm_gone()
                host.restart(how)
                self.assert_known(host)
                for name in ("no-such-user", "keys2"):
                    self.assertNotEqual(host.user(name), "user-unknown")  # lesson 27
                self.assertNotIn(host.user(uid=1900019999), ("user-unknown",))

    def test_what_is_fresh_is_answered_at_once(self):
        with Host("found_ttl = 1h\nabsent_ttl = 1s") as host:
            self.assertEqual(host.uid("jo.doe"), JO)
            host.saved()
            host.realm.fault("delay", "token", count=-1, delay=3000)
            host.restart()
            began = time.monotonic()
            self.assert_known(host)
            self.assertLess(time.monotonic() - began, 1.0)
            host.realm.clear()

    def test_stale_is_as_old_as_if_nobody_had_restarted(self):
        with Host(f"{SHORT}\nmax_stale = 3s\ngroup_max_stale = 3s") as host:
            self.assertEqual(host.uid("jo.doe"), JO)
            host.saved()
            host.realm_gone()
            host.restart()
            self.assert_known(host)
            time.sleep(4)
            host.restart()
            for asked in (host.user("ada"), host.user(uid=ADA), host.user("jo.doe")):
                self.assertNotIsInstance(asked, wire.Reply)
                self.assertNotEqual(asked, "user-unknown")
            self.assertNotIsInstance(host.members("linux-admins"), list)

    def test_a_clock_that_was_set_back_trusts_nobody_longer(self):
        with Host("found_ttl = 1h\nabsent_ttl = 1s") as host:
            self.assertEqual(host.uid("jo.doe"), JO)
            host.saved()

            def later():  # as if all this had been written in an hour's time
                host.change("UPDATE realm SET written = written + 3600")
                host.realm_gone()

            host.restart(between=later)
            for asked in (host.user("ada"), host.user(uid=ADA), host.user("jo.doe")):
                self.assertNotIsInstance(asked, wire.Reply)
                self.assertNotEqual(asked, "user-unknown")
            self.assertEqual(len(host.lines("the clock has been set back")), 1)

    def test_another_configuration(self):
        """Groups of another configuration are not known; users are."""
        with Host("found_ttl = 1h\nabsent_ttl = 1s") as host:
            self.assertEqual(host.uid("jo.doe"), JO)
            host.saved()

            def other():
                host.texts["groups"] = "serve = /linux-users"
                host.bed.write("kclogin.conf", host.configuration())
                host.realm_gone()

            host.restart(between=other)
            self.assertEqual(host.uid("ada"), ADA)
            self.assertNotIsInstance(host.members("linux-admins"), list)
            self.assertNotEqual(host.members("linux-admins"), "user-unknown")
            self.assertNotIsInstance(host.gids("ada"), list)


class Bound(unittest.TestCase):
    def test_lesson_8_a_user_made_again_is_somebody_else(self):
        with Host(SHORT) as host:
            self.assertEqual(host.uid("jo.doe"), JO)
            host.saved()
            host.realm.tell("user", username="jo.doe", again=True)
            until(lambda: host.user("jo.doe") == "name-taken", lambda: host.user("jo.doe"))
            for _ in range(3):
                self.assertEqual(host.user("jo.doe"), "name-taken")
            self.assertEqual(len(host.lines("binding user=jo.doe")), 1, host.bed.lines())
            line = host.lines("binding user=jo.doe")[0]
            self.assertRegex(line, rf'^binding user=jo.doe id={JO} result=denied reason=name-taken '
                                   r'bound=[0-9a-f-]+ realm=[0-9a-f-]+ '
                                   r'advice="kclogin ids adopt jo.doe"$')
            for how in (signal.SIGTERM, signal.SIGKILL):
                host.restart(how)
                host.bed.wait_for("directory result=ok", 2)
                until(lambda: host.user("jo.doe") == "name-taken", lambda: host.user("jo.doe"))
                self.assertNotIsInstance(host.user(uid=JO), wire.Reply)

    def test_lesson_8_a_number_of_somebody_who_is_gone(self):
        with Host(SHORT) as host:
            self.assertEqual(host.uid("jo.doe"), JO)
            host.saved()
            host.realm.control("DELETE", "user", {"username": "jo.doe"})
            until(lambda: host.user("jo.doe") == "user-unknown", lambda: host.user("jo.doe"))
            host.realm.tell("user", create=True, username="heir", enabled=True, attributes={
                "uidNumber": [str(JO)], "gidNumber": [str(USERS)]}, groups=["/linux-users"])
            until(lambda: host.user("heir") == "id-taken", lambda: host.user("heir"))
            host.restart(signal.SIGKILL)
            until(lambda: host.user("heir") == "id-taken", lambda: host.user("heir"))
            self.assertNotIn("heir", host.members("linux-users"))
            self.assertEqual(len(host.lines("binding user=heir")), 2)  # once a run

    def test_what_is_adopted_stays_so(self):
        with Host(SHORT) as host:
            self.assertEqual(host.uid("jo.doe"), JO)
            host.saved()
            host.realm.tell("user", username="jo.doe", again=True)
            until(lambda: host.user("jo.doe") == "name-taken", lambda: host.user("jo.doe"))
            command = [os.path.abspath("kclogin"), "ids", "adopt", "jo.doe", "--socket",
                       host.bed.file("run")]
            shown = subprocess.check_output(command, text=True)
            claim = re.search(r"claimed by (\S+)", shown)[1]
            done = subprocess.run([*command, claim[:-1], "--yes"], check=False,
                                  capture_output=True, text=True)
            self.assertIn("Another one claims it", done.stderr)  # than was shown
            self.assertEqual(host.user("jo.doe"), "name-taken")
            done = subprocess.run([*command, claim, "--yes"], check=False, capture_output=True,
                                  text=True)
            self.assertEqual(done.returncode, 0, done)
            until(lambda: host.uid("jo.doe") == JO, lambda: host.user("jo.doe"))
            for how in (signal.SIGTERM, signal.SIGKILL):
                host.restart(how)
                until(lambda: host.uid("jo.doe") == JO, lambda: host.user("jo.doe"))
            self.assertEqual(len(host.lines("binding user=jo.doe")), 1, host.bed.lines())

    def test_lesson_8_a_name_stays_whose_it_is_without_its_number(self):
        with Host(SHORT) as host:
            self.assertEqual(host.uid("jo.doe"), JO)
            host.saved()

            def another():
                host.change(f"UPDATE uids SET id = 'somebody' WHERE uid = {JO}")
                host.realm.tell("user", username="jo.doe", again=True,
                                attributes={"uidNumber": ["1900010997"], "gidNumber": [str(USERS)]})

            host.restart(between=another)
            until(lambda: host.user("jo.doe") == "name-taken", lambda: host.user("jo.doe"))

    def test_lesson_8_who_is_renamed_or_renumbered_leaves_both_behind(self):
        """The realm has its say over its own user; nobody else gets what that user had."""
        with Host(SHORT) as host:
            self.assertEqual(host.uid("jo.doe"), JO)
            host.realm.tell("user", username="jo.doe", newUsername="jo.roe",
                            attributes={"uidNumber": ["1900010999"]})
            until(lambda: host.uid("jo.roe") == 1900010999, lambda: host.user("jo.roe"))
            until(lambda: host.user("jo.doe") == "user-unknown", lambda: host.user("jo.doe"))
            host.restart()
            host.realm.tell("user", create=True, username="jo.doe", enabled=True, attributes={
                "uidNumber": ["1900010998"], "gidNumber": [str(USERS)]})
            until(lambda: host.user("jo.doe") == "name-taken", lambda: host.user("jo.doe"))
            host.realm.tell("user", create=True, username="heir", enabled=True, attributes={
                "uidNumber": [str(JO)], "gidNumber": [str(USERS)]})
            until(lambda: host.user("heir") == "id-taken", lambda: host.user("heir"))
            # back again: it is the same user
            host.realm.control("DELETE", "user", {"username": "jo.doe"})
            host.realm.tell("user", username="jo.roe", newUsername="jo.doe",
                            attributes={"uidNumber": [str(JO)]})
            until(lambda: host.uid("jo.doe") == JO, lambda: host.user("jo.doe"))


def too_much(host):
    """More groups than are read: whose names and numbers are comes behind them."""
    host.change("WITH RECURSIVE i(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM i WHERE n < 100000) "
                "INSERT INTO known_groups SELECT 'too-' || n, 'too' || n, 1900100000 + n FROM i")


class Incomplete(unittest.TestCase):
    """What was not read whole is not written either."""

    def test_lesson_8_who_was_not_read_is_not_overwritten(self):
        with Host(SHORT) as host:
            self.assertEqual(host.uid("jo.doe"), JO)
            host.saved()

            def another():
                too_much(host)
                host.realm.tell("user", username="jo.doe", again=True)

            host.restart(between=another)
            self.assertEqual(len(host.lines("not all of it could be read")), 1, host.bed.lines())
            host.bed.wait_for("directory result=ok", 2)
            host.user("jo.doe")
            time.sleep(0.5)
            host.restart(between=lambda: host.change(
                "DELETE FROM known_groups WHERE id LIKE 'too-%'"))
            until(lambda: host.user("jo.doe") == "name-taken", lambda: host.user("jo.doe"))

    def test_lesson_8_nothing_is_given_out(self):
        with Host(Own.TEXT) as host:
            first = host.uid("noattrs")
            self.assertIsInstance(first, int)
            host.saved()
            host.restart(between=lambda: too_much(host))
            host.bed.wait_for("directory result=ok", 2)
            Own.make(self, host, "ann")
            for name in ("noattrs", "ann"):
                self.assertEqual(host.user(name), "no-uid")
            host.restart(between=lambda: host.change(
                "DELETE FROM known_groups WHERE id LIKE 'too-%'"))
            until(lambda: host.uid("noattrs") == first, lambda: host.bed.lines())
            until(lambda: isinstance(host.uid("ann"), int), lambda: host.bed.lines())
            self.assertNotEqual(host.uid("ann"), first)


class Own(unittest.TestCase):
    """Uids of this host's own, allocate = host."""

    TEXT = f"{SHORT}\nallocate = host\nprimary_group = linux-users"
    LAST = 2147352575  # of the range

    def make(self, host, name, **attributes):
        host.realm.tell("user", create=True, username=name, enabled=True, groups=["/linux-users"],
                        attributes={"gidNumber": [str(USERS)], **attributes})

    def test_lesson_8_a_number_is_for_ever(self):
        with Host(self.TEXT) as host:
            until(lambda: host.members("linux-users") != [], "no members")
            first = host.uid("noattrs")
            self.assertTrue(self.LAST - 5 <= first <= self.LAST, first)
            self.make(host, "ann")
            self.make(host, "ben")
            second, third = host.uid("ann"), host.uid("ben")  # the first answer has them
            self.assertEqual(len({first, second, third}), 3)
            self.assertTrue(all(self.LAST - 5 <= uid <= self.LAST for uid in (second, third)))
            host.restart(signal.SIGKILL)
            for name, uid in (("noattrs", first), ("ann", second), ("ben", third)):
                until(lambda name=name, uid=uid: host.uid(name) == uid, lambda: host.bed.lines())
            # whoever goes takes it along
            host.realm.control("DELETE", "user", {"username": "ben"})
            until(lambda: host.user("ben") == "user-unknown", lambda: host.user("ben"))
            host.restart()
            self.make(host, "cid")
            until(lambda: not isinstance(host.uid("cid"), str), lambda: host.user("cid"))
            self.assertNotIn(host.uid("cid"), (first, second, third))
            # a number of the realm's own comes before it; nobody else has the old one
            host.realm.tell("user", username="ann", attributes={"uidNumber": ["1900010777"]})
            until(lambda: host.uid("ann") == 1900010777, lambda: host.user("ann"))
            self.make(host, "dee", uidNumber=[str(second)])
            until(lambda: host.user("dee") == "id-taken", lambda: host.user("dee"))

    def test_a_whole_sweep_of_them(self):
        with Host(self.TEXT, groups="serve = /linux-users /fill", fill_users=250, fill_groups=1,
                  fill_members=1) as host:
            for i in range(150):
                self.make(host, f"w{i}")
            until(lambda: "w149" in host.members("linux-users"), lambda: host.bed.lines(), 20)
            uids = {host.uid(f"w{i}") for i in range(150)}
            self.assertEqual(len(uids), 150)
            self.assertTrue(all(isinstance(uid, int) for uid in uids))

    def test_none_without_the_disk(self):
        with Host(self.TEXT) as host:
            first = host.uid("noattrs")
            self.assertIsInstance(first, int)
            self.make(host, "ann")
            whole = host.database() + ".whole"

            def link():
                os.rename(host.database(), whole)
                os.symlink(whole, host.database())

            def folder():
                os.remove(host.database())
                os.mkdir(host.database())

            ends = 1
            for what in (lambda: host.change("PRAGMA user_version = 2"),
                         lambda: host.change("PRAGMA user_version = 0"), link, folder):
                ends += 1
                host.restart(between=what)
                host.bed.wait_for("directory result=ok", ends)
                for name in ("noattrs", "ann"):
                    self.assertEqual(host.user(name), "no-uid")
            self.assertEqual(len(host.lines("reason=state-newer")), 1)
            self.assertEqual(len(host.lines("reason=state-older")), 1)
            self.assertEqual(host.lines("moved="), [])

    def test_lesson_8_what_a_damaged_file_still_says(self):
        def damage(host):
            host.change("WITH RECURSIVE i(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM i "
                        "WHERE n < 5000) INSERT INTO names SELECT 'k-filler' || n, 0, 'f' || n FROM i")
            with open(host.database(), "r+b") as file:
                at = file.read().index(b"k-filler2500")
                file.seek(at // 4096 * 4096)
                file.write(os.urandom(4096))
            for name in ("jo.doe", "ada"):  # one before the page and one behind it, in some order
                host.realm.tell("user", username=name, again=True)

        with Host(self.TEXT) as host:
            first = host.uid("noattrs")
            self.assertEqual(host.uid("jo.doe"), JO)
            self.assertEqual(host.uid("ada"), ADA)
            host.saved()
            host.restart(between=lambda: damage(host))
            line = host.lines("moved=state.db.damaged")[0]
            self.assertRegex(line, r'salvaged=4\d\d\d advice="no number is given out while it lies '
                                   r'there: restore a copy, or remove it"$')
            host.bed.wait_for("directory result=ok", 2)
            for name in ("jo.doe", "ada"):
                until(lambda name=name: host.user(name) == "name-taken", lambda: host.bed.lines())
            until(lambda: host.uid("noattrs") == first, lambda: host.bed.lines())
            self.make(host, "ann")
            self.assertEqual(host.user("ann"), "no-uid")
            host.restart()
            self.assertEqual(len(host.lines("no number is given out: state.db.damaged")), 2)
            self.assertEqual(host.user("ann"), "no-uid")
            os.remove(host.database() + ".damaged")
            until(lambda: isinstance(host.uid("ann"), int), lambda: host.bed.lines())
            self.assertNotEqual(host.uid("ann"), first)


class File(unittest.TestCase):
    def assert_served(self, host):
        until(lambda: host.uid("ada") == ADA and host.uid("jo.doe") == JO, lambda: host.bed.lines())

    def test_damaged(self):
        for name, damage in (
                ("noise", lambda file: file.write(os.urandom(20000))),
                ("a page", lambda file: (file.seek(4096), file.write(os.urandom(4096)))),
                ("short", lambda file: file.truncate(6000)),
                ("another's", lambda file: (file.seek(68), file.write(b"abcd")))):
            with self.subTest(name), Host(SHORT) as host:
                self.assert_served(host)
                host.saved()

                def hurt(damage=damage, path=host.database()):
                    with open(path, "r+b") as file:
                        damage(file)

                host.restart(between=hurt)
                self.assert_served(host)
                self.assertEqual(len(host.lines("moved=state.db.damaged")), 1, host.bed.lines())
                self.assertTrue(os.path.exists(host.database() + ".damaged"))
                host.saved()
                host.restart()
                self.assert_served(host)
                self.assertEqual(len(host.lines("moved=state.db.damaged")), 1)

    def test_of_a_later_version(self):
        with Host(SHORT) as host:
            self.assert_served(host)
            host.saved()
            host.restart(between=lambda: host.change("PRAGMA user_version = 2"))
            self.assert_served(host)
            self.assertEqual(len(host.lines("reason=state-newer")), 1, host.bed.lines())
            with open(host.database(), "rb") as file:
                self.assertEqual(file.read(64)[60:64], b"\0\0\0\2")

    def test_of_an_earlier_version(self):
        with Host(SHORT) as host:
            self.assert_served(host)
            host.saved()
            host.restart(between=lambda: host.change("PRAGMA user_version = 0"))
            self.assert_served(host)
            self.assertEqual(len(host.lines("reason=state-older")), 1, host.bed.lines())
            self.assertFalse(os.path.exists(host.database() + ".damaged"))

    def test_a_view_in_the_place_of_a_table(self):
        with Host(SHORT) as host:
            self.assert_served(host)
            host.saved()
            host.restart(between=lambda: host.change(
                "CREATE VIEW more AS SELECT name, 0 AS of_group, id FROM names"))
            self.assert_served(host)
            self.assertIn("its tables are others", host.bed.lines())

    def test_of_others_or_a_link(self):
        with Host(SHORT) as host:
            self.assert_served(host)
            host.saved()

            def link():
                os.rename(host.database(), host.bed.file("elsewhere"))
                os.symlink(host.bed.file("elsewhere"), host.database())

            host.restart(between=link)
            self.assert_served(host)
            self.assertEqual(len(host.lines("state result=misconfigured")), 1, host.bed.lines())

    def test_mode(self):
        with Host(SHORT) as host:
            host.saved()
            self.assertEqual(os.stat(host.database()).st_mode & 0o777, 0o600)
            self.assertEqual(os.stat(host.bed.file("state")).st_mode & 0o777, 0o700)

    def limit_files(self, host, size):
        """As the daemon's own user may: how large its files may become."""
        user = 65534 if bed.ROOT else None
        limit = size if size >= 0 else "unlimited"
        subprocess.run(["prlimit", f"--pid={host.bed.process.pid}", f"--fsize={limit}:"],
                       check=True, user=user, group=user)

    def test_a_disk_that_is_full_and_has_room_again(self):
        with Host(SHORT) as host:
            self.assertEqual(host.uid("ada"), ADA)
            until(lambda: host.kept("known_users") >= 1, "nothing kept")
            self.limit_files(host, os.path.getsize(host.database()))
            for i in range(100):
                host.realm.tell("user", create=True, username=f"w{i}", enabled=True,
                                groups=["/linux-users"],
                                attributes={"uidNumber": [str(1900060000 + i)],
                                            "gidNumber": [str(USERS)]})
            self.assert_served(host)
            until(lambda: host.lines("state result=unavailable reason=no-room"),
                  lambda: host.bed.lines())
            self.assertEqual(host.uid("w99"), 1900060099)
            before = host.kept("known_users")
            self.assert_served(host)
            self.limit_files(host, resource.RLIM_INFINITY)
            until(lambda: host.kept("known_users") > before, lambda: host.bed.lines(), 20)
            self.assertEqual(len(host.lines("state result=unavailable")), 1, host.bed.lines())
            until(lambda: host.lines("state result=ok reason=ok"), lambda: host.bed.lines())
            self.assertEqual(len(host.lines("state result=ok reason=ok")), 1, host.bed.lines())
            host.realm_gone()
            host.restart(signal.SIGKILL)
            self.assert_served(host)


if __name__ == "__main__":
    sys.exit(side_by_side(sys.modules[__name__]))
