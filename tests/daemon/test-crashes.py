#!/usr/bin/env python3
"""kill -9 of the daemon at random moments of many people's logins (lesson 29).

    tests/daemon/test-crashes.py [--kills N] [--seed N]

Runs the built kclogind, on sockets that it is handed as systemd hands them, against the built
kclogin-realm. `make check` kills it a few times; `--kills 500` is what proves something. Needs root,
since the daemon must be another user than its callers. The seed that is printed gives the same moments
again, as far as the machine's own pace lets it.
"""
import argparse
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time

SOURCE = os.environ.get("srcdir") or os.path.join(os.path.dirname(__file__), "..", "..")
sys.path[:0] = [os.path.join(SOURCE, "tests"), os.path.join(SOURCE, "tests/daemon")]
import host  # noqa: E402
import wire  # noqa: E402
from host import until  # noqa: E402

WORKERS = 16
REST = 0.05             # seconds between two things that a worker does, at most
OPEN_AT_ONCE = 3        # sessions of a worker
HASH_MS = 10            # what a password costs the realm
AT_ONCE = 1.0           # a caller whose daemon died knows it in this time
ANSWER = 8.0            # any other exchange, start of a daemon included
CLAIM = 120             # a grant that nobody claims


def people():
    return [f"worker{number}" for number in range(WORKERS)]


class Cut(Exception):
    """The daemon went away in the middle of an exchange."""


class Worker(threading.Thread):
    """One person who logs in again and again."""

    def __init__(self, bench, user, seed):
        super().__init__(daemon=True)
        self.bench, self.user, self.random = bench, user, random.Random(seed)
        self.who = host.who(user)
        self.open = []          # sessions
        self.cut_logins = []    # when, of those whose password had been sent
        self.counts = {}
        self.failure = None

    def rest(self):
        self.bench.over.wait(self.random.uniform(0, REST))

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def run(self):
        try:
            while not self.bench.over.is_set():
                self.log_in()
                self.rest()
                while len(self.open) > self.random.randrange(OPEN_AT_ONCE + 1):
                    self.close()
            while self.open:
                self.close()
        except BaseException as error:  # told by the main thread
            self.failure = error
            self.bench.over.set()

    def exchange(self, function):
        """The answer that a whole exchange ends with; Cut only where a daemon died meanwhile."""
        began = time.monotonic()
        with wire.Caller(self.bench.host.run + "/priv.socket", timeout=ANSWER) as caller:
            reply = function(caller)
        ended = time.monotonic()
        if reply is not None:
            return reply
        died = self.bench.killed_between(began, ended)
        assert died, f"{self.user}: hung up on, and nobody died"
        # who waits in the backlog is served by the next daemon: what counts is the last that died
        assert ended - died < AT_ONCE, f"{self.user}: knew it after {ended - died:.2f} s"
        raise Cut

    def log_in(self):
        wrong = self.random.random() < 0.1
        sent = []

        def authenticate(caller):
            reply = caller.ask(wire.auth(**self.who))
            if reply is None or reply.kind != wire.ASK:
                return reply
            sent.append(time.time())
            return caller.done(wire.answer("wrong" if wrong else self.bench.realm.password))
        try:
            done = self.exchange(authenticate)
        except Cut:
            self.count("cut logins")
            if sent and not wrong:
                self.cut_logins.append((sent[0], time.time()))
            return
        expected = "bad-credentials" if wrong else "ok"
        assert done.word == expected, f"{self.user}: {done.word} instead of {expected}"
        assert bool(done.key) == (not wrong), f"{self.user}: a key"
        self.count("refused" if wrong else "logins")
        self.rest()
        if not wrong and self.random.random() > 0.1:
            self.enter(done.key)

    def enter(self, key):
        try:
            word = self.exchange(lambda caller: caller.done(wire.account(key, **self.who))).word
            assert word == "ok", f"{self.user}: account says {word}"
        except Cut:
            self.count("cut accounts")
            return
        holder = host.Holder()
        try:
            opened = self.exchange(lambda caller: caller.done(
                wire.open_session(key, **self.who), fds=[holder.pidfd]))
        except Cut:
            self.count("cut sessions")
            holder.end()
            return
        assert opened.word == "ok" and opened.token, f"{self.user}: session says {opened.word}"
        self.count("sessions")
        session = host.Session(opened.key, opened.token, holder)
        self.open.append(session)
        self.rest()
        self.bench.established(session.id)

    def close(self):
        session = self.open.pop(self.random.randrange(len(self.open)))
        self.bench.ending(session.id)
        if self.random.random() < 0.5:
            try:
                word = self.exchange(
                    lambda caller: caller.done(wire.close_session(session.handle))).word
                assert word == "ok", f"{self.user}: close says {word}"
                self.count("closed")
            except Cut:
                self.count("cut closes")
        session.holder.end()


class Bench:
    def __init__(self, folder, seed):
        self.random = random.Random(seed)
        self.realm = host.Realm(folder, people(), HASH_MS)
        self.host = host.Host(os.path.join(folder, "host"), self.realm.base + "/realms/linux")
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.kills = []         # (signalled, dead)
        self.living = set()     # sessions that are open and must be alive at the realm
        self.workers = [Worker(self, user, self.random.random()) for user in people()]

    def established(self, session):
        with self.lock:
            self.living.add(session)

    def ending(self, session):
        with self.lock:
            self.living.discard(session)

    def killed_between(self, began, ended):
        """When the last daemon died in this time; None."""
        with self.lock:
            hits = [dead for signalled, dead in self.kills if dead >= began and signalled <= ended]
        return hits[-1] if hits else None

    def strike(self):
        """Dead from now on; its callers know before this is noted, so it is noted before as well."""
        with self.lock:
            self.kills.append([time.monotonic(), float("inf")])
        self.host.kill()
        with self.lock:
            self.kills[-1][1] = time.monotonic()

    def moment(self):
        """Waits for the moment of a kill: in the start, in a reload, or anywhere in the work."""
        draw = self.random.random()
        if draw < 0.15:
            time.sleep(self.random.uniform(0, 0.04))
            return "start"
        self.host.await_ready()
        time.sleep(self.random.uniform(0, 0.15))
        if draw > 0.9:
            self.host.process.send_signal(signal.SIGHUP)
            time.sleep(self.random.uniform(0, 0.02))
            return "reload"
        return "work"

    def check_living(self):
        with self.lock:
            before = set(self.living)
        there = self.realm.sessions()
        with self.lock:
            lost = (before & self.living) - set(there)
        assert not lost, f"{len(lost)} open sessions are gone at the realm"

    def check_half(self, half):
        """What was half written is gone after a start."""
        assert not half & self.host.files(), "a half file outlived a start"
        half.clear()

    def load(self, kills):
        moments, half = {}, set()
        for worker in self.workers:
            worker.start()
        for number in range(kills):
            self.host.start(wait=False)
            where = self.moment()
            moments[where] = moments.get(where, 0) + 1
            if where != "start":
                self.check_half(half)
            self.strike()
            half.update(self.host.check_files())
            if number % 10 == 0:
                self.check_living()
            if self.over.is_set():
                break
        self.host.start()
        self.check_half(half)
        self.check_living()
        self.over.set()
        for worker in self.workers:
            worker.join(3 * ANSWER)
            assert not worker.is_alive(), f"{worker.user} hangs"
            if worker.failure:
                raise worker.failure
        return moments

    def settle(self):
        """Two minutes on: what nobody claimed, what was cut and what was closed has ended."""
        until(lambda: " 0 open" in self.host.report() and " 0 ending" in self.host.report(),
              lambda: "sessions stay:\n" + self.host.report() + self.host.tail(), 20)
        unclaimed = sum(name.startswith("g-") for name in self.host.files())
        self.host.kill()
        self.host.start(later=CLAIM + 1)
        until(lambda: not self.host.files(), lambda: f"files stay: {self.host.files()}", 20)
        self.host.stop()
        return unclaimed

    def without_token(self):
        """Sessions of which no daemon ever had the tokens: the grant was on the wire when it died.

        Each belongs to such a login, and there is no other.
        """
        left = self.realm.sessions()
        for worker in self.workers:
            began = sorted(one[1] for one in left.values() if one[0] == worker.user)
            cut = list(worker.cut_logins)
            assert len(began) <= len(cut), f"{worker.user}: {len(began)} left, {len(cut)} cut"
            for when in began:
                hit = [one for one in cut if one[0] - 1.1 <= when <= one[1] + 1.1]
                assert hit, f"{worker.user}: a session of {when} is left, the cut ones are {cut}"
                cut.remove(hit[0])
        return len(left)

    def stop(self):
        self.over.set()
        if self.host.process and self.host.process.poll() is None:
            self.host.stop()
        for worker in self.workers:
            for session in worker.open:
                session.holder.end()
        self.realm.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    chosen = parser.parse_args()
    host.reserve()
    if os.geteuid() != 0:
        print("SKIP: needs root")
        sys.exit(77)
    print(f"{chosen.kills} kills, seed {chosen.seed}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        bench = Bench(folder, chosen.seed)
        try:
            moments = bench.load(chosen.kills)
            unclaimed = bench.settle()
            left = bench.without_token()
        finally:
            bench.stop()
    totals = {}
    for worker in bench.workers:
        for what, count in worker.counts.items():
            totals[what] = totals.get(what, 0) + count
    starts = sorted(bench.host.starts)
    print("moments:", ", ".join(f"{count} in {name}" for name, count in sorted(moments.items())))
    print(", ".join(f"{count} {name}" for name, count in sorted(totals.items())))
    print(f"starts: median {statistics.median(starts) * 1000:.0f} ms, longest "
          f"{starts[-1] * 1000:.0f} ms; {unclaimed} grants waited for their end; "
          f"{left} sessions of grants that were on the wire; {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
