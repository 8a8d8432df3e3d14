"""The parts of bench/lookup, and the one table that they print.

Used by bench/lookup. Judges nothing but that answers are right: no time fails.
"""

import glob
import json
import os
import platform
import shutil
import socket
import statistics
import time
import urllib.parse

import bed
import product
import realms
from figures import memory
from outcome import Failed, expect, wait_for

KINDS = ["name", "uid", "group", "groups"]
WORDS = {
    "name": "getpwnam",
    "uid": "getpwuid",
    "group": "getgrnam, 100 members",
    "groups": "initgroups, 20 groups",
    "random-name": "getpwnam at random",
    "random-uid": "getpwuid at random",
}
TURNS = 3  # what is compared takes turns, so that what disturbs one disturbs all


def say(text=""):
    print(text, flush=True)


def row(name, *cells):
    say(f"{name:46}" + "".join(f"{cell:>17}" for cell in cells))


def ns(value):
    if value < 10_000:
        return f"{value:.1f} ns"
    return f"{value / 1000:.1f} us" if value < 10_000_000 else f"{value / 1e6:.1f} ms"


def direct(host, quick, sizes):
    """The module's functions alone, and what the snapshot costs."""
    say("direct calls: median (best)")
    floor = host.seek(1000, host.library("floor"), KINDS)
    row("a constant answer", *(ns(floor[kind][0][0]) for kind in KINDS))
    row("", *(WORDS[kind][:16] for kind in KINDS))
    for users in sizes:
        with host.crowd(users) as figures:
            seek_directly(host, users, quick)
            row("bytes a user, a membership", f"{figures['user_bytes']:.1f}",
                f"{figures['membership_bytes']:.2f}")
            row("an arena is built in", ns(figures["build_ns"]))
            row("a change is seen (publishing begins: 0)", *changes(host, users, quick))


def seek_directly(host, users, quick):
    say(f"{users} users")
    kinds = [*KINDS, "random-name", "random-uid", "threads"]
    library = host.library("keycloak")
    turns = [host.seek(users, library, kinds) for _ in range(1 if quick else TURNS)]
    for kind in kinds[:-1]:
        row(WORDS[kind], ns(statistics.median(turn[kind][0][0] for turn in turns)),
            f"({min(turn[kind][0][1] for turn in turns):.1f})")
    row("two threads, times one",
        f"{statistics.median(turn['threads'][0][0] for turn in turns):.2f}")
    firsts = [host.seek(users, library, ["first"])["first"][0][0] for _ in range(3 if quick else 15)]
    row("first call in a process", ns(statistics.median(firsts)), f"({min(firsts) / 1000:.1f})")


def changes(host, users, quick):
    """From the beginning of a publishing until another process sees the change."""
    seen = []
    for _ in range(1 if quick else 3):
        process = host.waiting(users)
        began, _ = host.publish()
        line = process.communicate(timeout=60)[0].split()
        seen.append(int(line[1]) - began)
    return (ns(statistics.median(seen)),)


def services(host, users, sssd):
    found = ["floor", "keycloak"]
    if users <= 100_000:
        found.append("files")
    if host.has_cache():
        found.append("cache")
    return found + (["sss"] if sssd else [])


def answers(host, users, service):
    """Nanoseconds of each kind through glibc."""
    host.switch(service)
    kinds = KINDS if service != "files" or users <= 10_000 else ["name", "uid"]
    try:
        return host.seek(users, "glibc", kinds, constant=service == "floor")
    except Failed as failed:
        say(f"SKIP {service}: {failed}")
        return {}


def compare(host, users, quick, sssd):
    """getpwnam and the like under each service, in turns, as times of the floor."""
    names = services(host, users, sssd)
    turns = {name: [] for name in names}
    for _ in range(1 if quick else TURNS):
        for name in names:
            turns[name].append(answers(host, users, name))
    say(f"{users} users")
    row("", *(WORDS[kind][:16] for kind in KINDS))
    medians = {}
    for name in names:
        for kind in KINDS:
            seen = [turn[kind][0][0] for turn in turns[name] if kind in turn]
            if seen:
                medians[name, kind] = statistics.median(seen)
        row(f"  {name}", *(ns(medians[name, kind]) if (name, kind) in medians else "-"
                           for kind in KINDS))
    for name in names[1:]:
        row(f"  {name}, times the floor",
            *(f"{medians[name, kind] / medians['floor', kind]:.2f}" if (name, kind) in medians
              else "-" for kind in KINDS))


def through(host, quick, sizes):
    """Through glibc, whose own dispatch is most of it."""
    say("through glibc, warm")
    for users in sizes:
        with host.crowd(users):
            host.files(users)
            if users != 10_000:
                compare(host, users, quick, False)
                continue
            with host.sssd_runs() as reason:
                compare(host, users, quick, reason is None)
                if reason:
                    say(f"SKIP sssd: {reason}")
    for name, reason in host.reasons.items():
        say(f"SKIP {name}: {reason}")


def processes(host, quick, sizes):
    """Whole processes, from fork to end."""
    say("whole processes, as nobody")
    for users in sizes:
        with host.crowd(users):
            host.files(users)
            for argv in (["/usr/bin/getent", "passwd", "ada"], ["/usr/bin/id", "ada"]):
                measure_processes(host, users, quick, argv)


def measure_processes(host, users, quick, argv):
    names = services(host, users, False)
    if users > 10_000 and "files" in names:
        names.remove("files")
    seen = host.spawn(4 if quick else 40 if users <= 10_000 else 100, names, *argv)
    what = f"{users} users: {os.path.basename(argv[0])} ada"
    row(what, *names)
    row("", *(ns(one) for one in seen))
    row("  times the floor", *(f"{one / seen[0]:.3f}" for one in seen))


class Realm(realms.DemoRealm):
    """The demo realm with people of its own, and without the suite's relay."""

    def __init__(self, program, users):
        super().__init__("demo", False, program)
        self.more = ("--fill-users", str(users), "--fill-groups", "5", "--fill-members", str(users))

    def connect(self):
        self.relay = type("Direct", (), {"port": self.port})


class Directory:
    """The realm and the daemon that asks it."""

    def __init__(self, host, users, members):
        self.realm = Realm(host.bed.find("kclogin-realm"), users)
        self.realm.start(host.work)
        shutil.rmtree("/run/kclogin", ignore_errors=True)  # the crowd's snapshot is root's
        for path in glob.glob("/var/lib/kclogin/*"):
            os.remove(path)  # the realm before had the same names
        product.host_conf([])
        self.daemon = product.Daemon(host.bed)
        secret = product.secret_file("nss", "nss-secret-for-tests")
        text = product.configuration(self.realm, sections={
            "directory": ["client_id = linux-nss", "client_auth = basic",
                          f"client_secret_file = {secret}"],
            "groups": ["serve = /linux-users /fill /fill/*", f"members = {members}"],
        })
        mark = self.daemon.log.mark()
        self.daemon.use(text)
        swept = f"directory result=ok reason=ok users={users if members == 'yes' else 0} "
        wait_for(lambda: swept in self.daemon.log.text(mark), 60,
                 lambda: f"no sweep: {self.daemon.log.text(mark)}")
        time.sleep(2.2)  # what the sweep found is published

    def counts(self):
        counts = self.realm.control("GET", "counts")
        return sum(counts["requests"].values()), counts["requests"]

    def stop(self):
        for part in (self.daemon, self.realm):
            part.stop()


class Wire:
    """A connection that is kept, with no library in the way: the floor of a question."""

    def __init__(self, realm):
        form = {"grant_type": "client_credentials", "client_id": "linux-nss",
                "client_secret": "nss-secret-for-tests"}
        answer = realm.json("POST", "/realms/linux/protocol/openid-connect/token", form=form)
        self.token = answer["access_token"]
        self.host = f"127.0.0.1:{realm.port}"
        self.socket = socket.create_connection(("127.0.0.1", realm.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, name):
        query = urllib.parse.urlencode({"username": name, "exact": "true"})
        request = (f"GET /admin/realms/linux/users?{query} HTTP/1.1\r\nHost: {self.host}\r\n"
                   f"Authorization: Bearer {self.token}\r\n\r\n").encode()
        before = time.perf_counter_ns()
        self.socket.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.socket.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self.socket.recv(65536)
        took = time.perf_counter_ns() - before
        expect(len(json.loads(body)) == 1, f"{name}: {body[:200]}")
        return took


def cold(host, quick, _):
    """Whom the daemon has not met yet: one request to the realm each."""
    users = 1000 if quick else 10_000
    host.no_files()
    say(f"cold, demo realm with {users} users, all of them in 6 groups")
    host.parts = directory = Directory(host, users, "no")
    try:
        host.switch("keycloak")
        cold_names(host, directory, 40 if quick else 400)
        cold_id(host, directory)
        cold_crowd(host, directory)
    except Failed as failed:
        raise Failed(f"{failed}\n{directory.daemon.log.text()[-2000:]}") from None
    finally:
        directory.stop()
    host.parts = directory = Directory(host, users, "yes")
    try:
        sizes_of = memory(directory.daemon.process.pid)
        row(f"memory of the daemon, {users} users known", f"{sizes_of['rss']:.1f} MB",
            f"PSS {sizes_of['pss']:.1f}", f"private {sizes_of['private']:.1f}")
    finally:
        directory.stop()
        host.parts = None


def cold_names(host, directory, count):
    wire = Wire(directory.realm)
    floor = [wire.ask(f"u{number:06}") for number in range(1, count + 1)]
    before, _ = directory.counts()
    text = "".join(f"u{number:06}\n" for number in range(1, count + 1))
    seen = host.seek(100, "glibc", ["list"], root=True, text=text)["cold"]
    took = sorted(one for one, _ in seen)
    requests = directory.counts()[0] - before
    median, least = statistics.median(took), statistics.median(floor)
    row("a bare request on a kept connection", ns(least))
    row("getpwnam", ns(median), f"p99 {ns(took[int(len(took) * 0.99)])}", f"{ns(median - least)} more")
    row("requests for each", f"{requests / count:.3f}")


def cold_id(host, directory):
    before, requests = directory.counts()
    began = time.perf_counter_ns()
    out = bed.run("id", "-Gn", "u000900")
    took = time.perf_counter_ns() - began
    after, now = directory.counts()
    expect(len(out.split()) == 7, f"id: {out}")
    row("id of a user with 6 groups", ns(took), f"{after - before} requests",
        f"{now['token'] - requests['token']} grants")


def cold_crowd(host, directory):
    before, _ = directory.counts()
    took, answered = host.seek(100, "glibc", ["crowd"], root=True, name="u000950")["crowd"][0]
    row("1,000 threads at once for one name", ns(took), f"{answered:.0f} answered",
        f"{directory.counts()[0] - before} requests")


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    say(f"{time.strftime('%F')}, {model}, {os.cpu_count()} processors, Linux {platform.release()}, "
        f"{platform.libc_ver()[0]} {platform.libc_ver()[1]}")


def run(host, only, quick, sizes):
    machine()
    for part in (direct, through, processes, cold):
        if part.__name__ in only:
            say()
            part(host, quick, sizes)
