"""The NSS module inside real programs, under the real glibc: whatever they do, whatever the daemon
does, whatever the snapshot holds. Root and the host's own users go on as if it were not there.
"""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import time

import liar
from bed import ROOT, private_copy, run
from case_directory import ADA, ADA_GID, ADA_UID, look_up, name_service
from hosts import account
from outcome import expect, skip_unless, wait_for
from world import case, once

GROUP, GID = "linux-admins", 1900020001
SNAPSHOT = "/run/kclogin/snapshot/users.v1"
SEED = 20261122
IN_RANGE = range(1879048192, 2147352576)


def program(world, name):
    """A program of tests/nss, where every user may run it."""
    folder = f"{ROOT}/inside"
    os.makedirs(folder, exist_ok=True)
    return shutil.copy(f"{world.chosen.build}/tests/nss/{name}", folder)


def inside(world, how, caller=None, name="inside", more=(), seconds=60):
    argv = [program(world, name), how, "ada", str(ADA_UID), GROUP, str(GID), *map(str, more)]
    done = subprocess.run(
        argv, check=False, timeout=seconds, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, user=caller, group=caller and "nogroup",
    )
    expect(done.returncode == 0, f"{how} {name} {caller}: {done.returncode} {done.stderr}")
    return done.stdout


def timed(*argv, caller=None):
    """Seconds that a program took, and how it ended."""
    began = time.monotonic()
    done = subprocess.run(argv, check=False, timeout=30, capture_output=True, user=caller,
                          stdin=subprocess.DEVNULL)
    return time.monotonic() - began, done.returncode


@case("glibc: threads, children, no descriptors, buffers of every size, no memory, locked memory,"
      " no shared libraries (lesson 33)", once)
def programs(world):
    with name_service(world):
        wait_for(lambda: look_up("passwd", "ada")[1] == [ADA], 10, "ada is not there")
        for caller in (None, "nobody"):
            for how in ("once", "threads", "children", "closed", "sizes", "memory", "locked"):
                inside(world, how, caller)
        static = f"{world.chosen.build}/tests/nss/inside-static"
        if os.path.exists(static):
            for caller in (None, "nobody"):
                for how in ("once", "threads", "closed", "sizes"):
                    inside(world, how, caller, "inside-static")


@case("ls -l, stat, ps, find, chown and test know realm users and groups by name", once)
def tools(world):
    path = f"{ROOT}/inside/owned"
    with name_service(world):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        run("touch", path)
        run("chown", "ada:linux-admins", path)
        expect((os.stat(path).st_uid, os.stat(path).st_gid) == (ADA_UID, GID), "chown")
        for caller in (None, "nobody"):
            words = run("ls", "-l", path, user=caller).split()
            expect(words[2:4] == ["ada", GROUP], f"ls: {words}")
            seen = run("stat", "-c", "%U:%G", path, user=caller).strip()
            expect(seen == f"ada:{GROUP}", f"stat: {seen}")
            found = run("find", path, "-user", "ada", "-group", GROUP, user=caller).strip()
            expect(found == path, f"find: {found}")
        sleeper = subprocess.Popen(["sleep", "60"], user=ADA_UID, group=ADA_GID)
        try:
            seen = run("ps", "-o", "user:32=,group:32=", "-p", str(sleeper.pid)).split()
            expect(seen == ["ada", "linux-users"], f"ps: {seen}")
        finally:
            sleeper.kill()
            sleeper.wait()


@case("without a daemon nobody waits; for a stopped one a process waits once, and for local users"
      " never (lesson 25)", once)
def silent(world):
    with name_service(world):
        wait_for(lambda: look_up("passwd", "ada")[1] == [ADA], 10, "ada is not there")
        expect(look_up("group", GROUP)[0] == 0, "the group is not there")
        world.daemon.process.send_signal(signal.SIGSTOP)
        try:
            for caller in (None, "nobody"):
                for key in ("root", "carol", "0"):
                    took, code = timed("getent", "passwd", key, caller=caller)
                    expect(code == 0 and took < 1, f"{key}: {code} after {took:.1f} s")
                took = int(inside(world, "strangers", caller, more=[20]))
                expect(1500 < took < 3500, f"20 strangers took {took} ms")
            took, code = timed("id", "carol")
            expect(code == 0 and took < 1, f"id carol: {code} after {took:.1f} s")
        finally:
            world.daemon.process.send_signal(signal.SIGCONT)
        world.daemon.stop()
        shutil.rmtree("/run/kclogin")  # as early at boot
        for caller in (None, "nobody"):
            took = int(inside(world, "strangers", caller, more=[20]))
            expect(took < 1000, f"20 strangers took {took} ms without a daemon")
            for argv in (["id", "carol"], ["ls", "-l", "/home"], ["getent", "passwd"]):
                took, code = timed(*argv, caller=caller)
                expect(code == 0 and took < 1, f"{argv}: {code} after {took:.1f} s")


@case("an unprivileged user who asks for random names and ids costs the realm 120 questions a minute",
      once)
def flood(world):
    def questions():
        requests = world.realm.control("GET", "counts")["requests"]
        return sum(requests.values())

    with name_service(world):
        expect(look_up("passwd", "ada")[1] == [ADA], "ada is not there")
        world.realm.control("GET", "counts")
        before = questions()
        began = time.monotonic()
        inside(world, "strangers", "nobody", more=[600])
        spent = time.monotonic() - began
        cost = questions() - before
        # the sweeps of these seconds besides, and the counting itself
        expect(100 <= cost <= 150 + 20 * spent, f"{cost} requests in {spent:.1f} s")
        expect(look_up("passwd", "ada")[1] == [ADA], "ada is not there any more")


def damage(path, round_, source):
    """Noise in the head's words, in an arena, or a shorter file."""
    noise = random.Random(SEED + round_)
    shutil.copyfile(source, path)
    size = os.path.getsize(path)
    with open(path, "r+b") as file:
        for _ in range(noise.choice((1, 20, 400))):
            file.seek(noise.randrange(noise.choice((128, 4096 + 40000, size))))
            file.write(noise.randbytes(noise.choice((1, 4, 8, 64))))
        if round_ % 5 == 0:
            file.truncate(noise.choice((0, 100, 4096, 40000, size // 2)))


@case("su, sudo, id and ls live through a damaged, truncated, noisy snapshot (lessons 33 and 41)", once)
def damaged(world):
    with name_service(world):
        wait_for(lambda: look_up("passwd", "ada")[1] == [ADA], 10, "ada is not there")
        world.daemon.stop()
        whole = shutil.copy(SNAPSHOT, f"{ROOT}/whole")
        uid = os.stat(SNAPSHOT).st_uid
        for round_ in range(25):
            damage(f"{SNAPSHOT}.tmp", round_, whole)
            os.chown(f"{SNAPSHOT}.tmp", uid, uid)
            os.chmod(f"{SNAPSHOT}.tmp", 0o644)
            os.rename(f"{SNAPSHOT}.tmp", SNAPSHOT)
            live_through(round_)


def live_through(round_):
    carol = account("carol")
    for argv, who, right in (
        (["sudo", "-n", "-u", "ada", "true"], carol, None),
        (["su", "-s", "/bin/true", "carol"], {}, 0),
        (["su", "-s", "/bin/true", "ada"], {}, None),
        (["id", "ada"], {"user": "nobody"}, None),
        (["id", "carol"], {"user": "nobody"}, 0),
        (["getent", "passwd", "root"], {"user": "nobody"}, 0),
        (["getent", "passwd", "ada", str(ADA_UID)], {}, None),
        (["getent", "group", GROUP, str(GID)], {"user": "nobody"}, None),
    ):
        who = {name: value for name, value in who.items() if name in ("user", "uid", "gid", "groups")}
        if "uid" in who:
            who = {"user": who["uid"], "group": who["gid"], "extra_groups": who["groups"]}
        done = subprocess.run(argv, check=False, timeout=30, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, errors="replace", **who)
        expect(done.returncode >= 0, f"{round_} {argv}: signal {-done.returncode}")
        expect(right is None or done.returncode == right,
               f"{round_} {argv}: {done.returncode} {done.stderr}")
        for number in re.findall(r"[ug]id=(\d+)\(ada\)", done.stdout):
            expect(int(number) in IN_RANGE, f"{round_} {argv}: {done.stdout}")
        if argv[0] == "getent" and right is None:
            for line in done.stdout.splitlines():
                for number in re.findall(r":(\d+)(?=:|$)", line)[:2]:
                    expect(int(number) in IN_RANGE, f"{round_} {argv}: {line}")


LIES = {
    "root": lambda: liar.user("root", 0, 0),
    "zero": lambda: liar.user("zero", 0, 0),
    "sudogid": lambda: liar.user("sudogid", IN_RANGE[5], 27),
    "below": lambda: liar.user("below", 1000, IN_RANGE[5]),
    "nobodys": lambda: liar.user("nobodys", 4294967295, IN_RANGE[5]),
    "another": lambda: liar.user("carol", IN_RANGE[5], IN_RANGE[5]),
    "colon": lambda: liar.user("colon", IN_RANGE[5], IN_RANGE[5], "a:0:0:b"),
    "lines": lambda: liar.user("lines", IN_RANGE[5], IN_RANGE[5], "a\nroot::0:0::/:/bin/sh"),
    "roots": lambda: liar.user("roots", IN_RANGE[5], IN_RANGE[5], home="/root"),
    "etc": lambda: liar.user("etc", IN_RANGE[5], IN_RANGE[5],
                             home="/etc/systemd/system-generators"),
    "dots": lambda: liar.user("dots", IN_RANGE[5], IN_RANGE[5], home="/home/../etc"),
    "beside": lambda: liar.user("beside", IN_RANGE[5], IN_RANGE[5], home="/homeless"),
    "all": lambda: liar.user("all", IN_RANGE[5], IN_RANGE[5], home="/home/"),
    "shell": lambda: liar.user("shell", IN_RANGE[5], IN_RANGE[5], shell="/bin/sh:x"),
    "yes": lambda: liar.done(),
    "group": lambda: liar.group("group", IN_RANGE[5], "carol"),
    "noise": lambda: bytes(range(256)),
    "short": lambda: b"\x01",
}
LYING_GROUPS = {
    "sudo": lambda: liar.group("sudo", 27, "carol"),
    "wheel": lambda: liar.group("wheel", 27, "carol"),
    "nil": lambda: liar.group("nil", 0, "carol"),
    "other": lambda: liar.group("sudo", IN_RANGE[7], "carol"),
    "auser": lambda: liar.user("auser", IN_RANGE[7], IN_RANGE[7]),
}


def lie(request):
    """What a daemon gone bad says: for each name another lie, by id the host's own names."""
    if request.table == liar.GIDS:
        return liar.gids(0, 27, IN_RANGE[9])
    if request.table == liar.GROUP:
        if request.user == "drops":  # a member a page, for ever
            return liar.page("drops", IN_RANGE[8], 1, 1 << 20, "m")
        if request.user:
            return LYING_GROUPS.get(request.user, LIES["yes"])()
        return liar.group("sudo", request.id, "carol")
    if request.user:
        return LIES.get(request.user, LIES["yes"])()
    return liar.user("root" if request.id % 2 else "carol", request.id, request.id, home="/root")


@case("a lying daemon: no id out of range is ever seen, local names and root stay (lessons 6 and 9)", once)
def lies(world):
    with name_service(world):
        world.daemon.stop()
        with contextlib.suppress(FileNotFoundError):
            os.remove(SNAPSHOT)
        one = liar.Liar()
        one.knows = lie
        with one.listening():
            for caller in (None, "nobody"):
                tell_lies(caller)
            # by id a privileged process hears no local name, whatever the daemon calls it
            for number in (IN_RANGE[20], IN_RANGE[21]):
                expect(look_up("passwd", str(number))[0] == 2, f"{number} is somebody")
                expect(look_up("group", str(number))[0] == 2, f"{number} is a group")
            took, code = timed("getent", "group", "drops")
            expect(code == 2 and took < 4, f"drops: {code} after {took:.1f} s")
            groups = run("id", "-G", "carol").split()
            expect(groups == [str(account("carol")["gid"])], f"carol's groups: {groups}")
        expect(one.users() >= {"zero", "sudogid", "another", "wheel"}, f"asked: {one.users()}")


def tell_lies(caller):
    for name in LIES:
        code, lines = look_up("passwd", name, caller=caller)
        if name == "root":
            expect(lines == ["root:x:0:0:root:/root:/bin/bash"], f"root: {lines}")
        else:
            expect(code == 2, f"{caller}: {name} is believed: {lines}")
    for name in LYING_GROUPS:
        code, lines = look_up("group", name, caller=caller)
        if name == "sudo":
            expect(lines and lines[0].startswith("sudo:x:27:") and "carol" not in lines[0],
                   f"sudo: {lines}")
        else:
            expect(code == 2, f"{caller}: {name} is believed: {lines}")
    for number in (0, 27, 1000, 65534, 4294967294):
        code, lines = look_up("passwd", str(number), caller=caller)
        expect(not lines or lines[0].split(":")[0] in ("root", "nobody"), f"{number}: {lines}")


@contextlib.contextmanager
def running(*argv, ready, why):
    log = open(f"{ROOT}/log/{os.path.basename(argv[0])}.log", "ab")
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                               start_new_session=True)
    try:
        wait_for(lambda: ready() or process.poll() is not None, 20, why)
        expect(process.poll() is None, f"{why}: it ended with {process.returncode}")
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


@case("beside nscd and systemd-userdbd the answers are the same", once)
def neighbours(world):
    userdbd = "/lib/systemd/systemd-userdbd"
    skip_unless(os.path.exists("/usr/sbin/nscd") and os.path.exists(userdbd),
                "nscd or systemd-userdbd is not installed (scripts/deps ci)")
    with name_service(world):
        wait_for(lambda: look_up("passwd", "ada")[1] == [ADA], 10, "ada is not there")
        os.makedirs("/run/nscd", exist_ok=True)
        private_copy("/var/cache/nscd")  # what it keeps is not the machine's
        with running("/usr/sbin/nscd", "-F", ready=lambda: os.path.exists("/run/nscd/socket"),
                     why="nscd does not listen"):
            the_same_answers(world)
            world.daemon.process.send_signal(signal.SIGSTOP)
            try:
                took, code = timed("getent", "passwd", "carol", caller="nobody")
                expect(code == 0 and took < 1, f"carol: {code} after {took:.1f} s")
            finally:
                world.daemon.process.send_signal(signal.SIGCONT)
        for table in ("passwd", "group"):
            run("sed", "-i", f"s/^{table}: files keycloak/& systemd/", "/etc/nsswitch.conf")
        path = "/run/systemd/userdb/io.systemd.Multiplexer"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with running(userdbd, ready=lambda: os.path.exists(path), why="userdbd does not listen"):
            the_same_answers(world)


def the_same_answers(world):
    for _ in range(2):  # the second time from a cache
        for caller in (None, "nobody"):
            expect(look_up("passwd", "ada", caller=caller) == (0, [ADA]), f"{caller}: ada")
            expect(look_up("passwd", str(ADA_UID), caller=caller) == (0, [ADA]), f"{caller}: uid")
            expect(look_up("passwd", "no-such-user", caller=caller)[0] == 2, "no-such-user")
            expect(look_up("passwd", "root", caller=caller)[1][0].startswith("root:x:0:"), "root")
            gids = run("id", "-G", "ada", user=caller).split()
            expect(str(GID) in gids, f"{caller}: {gids}")
    inside(world, "threads", "nobody")
