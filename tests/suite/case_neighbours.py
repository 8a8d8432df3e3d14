"""Hostile neighbours at the daemon's two sockets: what they say, and how many of them there are.

The programs are those of tests/neighbours. After each the daemon is what it was before.
"""

import concurrent.futures
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import hosts
from bed import LISTED, ROOT, UIDS, write
from outcome import expect, wait_for
from product import PRIVATE_SOCKET, PUBLIC_SOCKET, configuration, host_conf
from realms import REALM_FILE, DemoRealm
from world import case, once

NOBODY = 65534
LINES_OF_UID = 10  # a minute, about refusals on the public socket
SEED = 20261122
uids = iter(range(61001, 62000))  # strangers without a name, each with a budget of its own


def program(world, name):
    """A program of tests/neighbours, where every user may run it."""
    folder = f"{ROOT}/neighbours"
    os.makedirs(folder, exist_ok=True)
    if not os.path.exists(f"{folder}/{name}"):
        shutil.copy(f"{world.chosen.build}/tests/neighbours/{name}", folder)
    return f"{folder}/{name}"


def run(world, name, *arguments, seconds=60, typed=""):
    """Runs one; it ends well only where all was as it must be. What it tells."""
    done = subprocess.run(
        [program(world, name), *map(str, arguments)],
        check=False,
        timeout=seconds,
        input=typed,
        capture_output=True,
        text=True,
    )
    told = f"{done.stderr}{done.stdout}"
    expect(done.returncode == 0, f"{name} {arguments}: {done.returncode} {told}")
    return done.stdout


def open_files(world):
    """Without the journal of state.db, which is opened when something is first written."""
    folder, found = f"/proc/{world.daemon.process.pid}/fd", []
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(f"{folder}/{name}"))
    return sorted(path for path in found if not path.endswith("state.db-journal"))


def descriptors(world):
    return len(open_files(world))


def memory(world, what="VmRSS"):
    """KiB."""
    with open(f"/proc/{world.daemon.process.pid}/status", encoding="ascii") as file:
        return int(re.search(rf"^{what}:\s+(\d+) kB", file.read(), re.M).group(1))


def lines_about(text, uid):
    """Lines that a caller without authority has caused."""
    about = rf"^(?:connection uid={uid} .*socket=public|.* caller={uid}\b)"
    return re.findall(about, text, re.M)


def enters(world, user="ada"):
    mark = world.daemon.log.mark()
    seen = hosts.su("carol", user, world.password(user))
    expect(seen.entered, f"{user} cannot log in: {seen}")
    world.daemon.login(mark, user=user, service="su", result="ok")


@contextlib.contextmanager
def unharmed(world, uid=None):
    """What is done meanwhile leaves the daemon as it was: its process, descriptors and work."""
    world.standard()
    enters(world)
    pid, before, mark = world.daemon.process.pid, descriptors(world), world.daemon.log.mark()
    yield
    enters(world)
    expect(world.daemon.running() and world.daemon.process.pid == pid, "the daemon is another")
    wait_for(
        lambda: descriptors(world) <= before,
        15,
        lambda: f"{before} descriptors have become {open_files(world)}",
    )
    if uid is not None:
        lines = lines_about(world.daemon.log.text(mark), uid)
        expect(len(lines) <= LINES_OF_UID, f"{len(lines)} lines about {uid}")


@case("a descriptor that root opened gives nobody root's authority (lesson 34)", once)
def inherited(world):
    with unharmed(world, NOBODY):
        for path in (PRIVATE_SOCKET, PUBLIC_SOCKET):
            run(world, "inherited", path, "ada", UIDS["ada"], typed=world.password("ada"))


@case("nobody and everybody else cannot connect to root's socket", once)
def private(world):
    with unharmed(world):
        for uid in (NOBODY, UIDS["carol"]):
            done = subprocess.run(
                [program(world, "passing"), PRIVATE_SOCKET, str(uid), "1"],
                check=False,
                timeout=20,
                capture_output=True,
                text=True,
            )
            expect(done.returncode == 1 and "Permission denied" in done.stderr, f"{uid}: {done}")


@case("packets that are no messages end the connection", once)
def packets(world):
    for path, uid, count in ((PUBLIC_SOCKET, next(uids), 3000), (PRIVATE_SOCKET, 0, 300)):
        with unharmed(world, uid or None):
            told = run(world, "packets", path, uid, count, SEED, "ada", UIDS["ada"])
            print(f"# {path}: {' '.join(told.split())}", flush=True)


@case("who never reads an answer is hung up on", once)
def unread(world):
    for path, uid in ((PUBLIC_SOCKET, next(uids)), (PRIVATE_SOCKET, 0)):
        with unharmed(world):
            kept = memory(world)
            told = run(world, "unread", path, uid, 30)
            print(f"# {path}: {told.strip()}; resident {kept} to {memory(world)} KiB", flush=True)


@case("a descriptor that is passed along is not kept, and holds nobody up", once)
def passing(world):
    for path, uid in ((PUBLIC_SOCKET, next(uids)), (PRIVATE_SOCKET, 0)):
        with unharmed(world, uid or None):
            began = time.monotonic()
            run(world, "passing", path, uid, 10)
            expect(time.monotonic() - began < 15, "the daemon waits for what strangers pass along")


def fill(path, most=2000):
    """Connections that a daemon which stands still does not take: until the door is full."""
    held = []
    while len(held) < most:
        one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        one.setblocking(False)
        held.append(one)
        try:
            one.connect(path)
        except BlockingIOError:
            return held
    raise AssertionError(f"{path} takes {most} connections")


@contextlib.contextmanager
def standing_still(world):
    os.kill(world.daemon.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(world.daemon.process.pid, signal.SIGCONT)


def crowd(world, uid, many, connections, seconds, logins=0, user="ada"):
    return subprocess.Popen(
        [
            program(world, "crowd"),
            PUBLIC_SOCKET,
            *map(str, (uid, many, connections, logins, seconds)),
            user,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )


def short_status(world, uid):
    """Whether a stranger's question at the public socket is answered."""
    done = subprocess.run(
        [world.bed.find("kclogin"), "status"], check=False, capture_output=True, text=True, user=uid
    )
    return "reachable\nrealm: reachable" in done.stdout


@case("a full door of the public socket leaves root's open (lesson 39)", once)
def doors(world):
    with unharmed(world):
        with standing_still(world):
            held = fill(PUBLIC_SOCKET)
            root = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            root.setblocking(False)
            root.connect(PRIVATE_SOCKET)
        for one in (*held, root):
            one.close()


@case("a full door of root's socket is unavailable, and nothing else (lesson 39)", once)
def full(world):
    with unharmed(world):
        mark = world.bed.log.mark()
        with standing_still(world):
            held = fill(PRIVATE_SOCKET)
            began = time.monotonic()
            argv = ["su", "ada", "-c", "echo MARK-IN"]
            seen = hosts.answer_all(argv, "x", **hosts.account("carol"))
            expect(not seen.entered, f"{seen}")
            expect(time.monotonic() - began < 10, "a full door holds su up")
            world.bed.log.since(mark, "daemon-unreachable")
        for one in held:
            one.close()


@case("subordinate uids are one person's, and the public socket stays open for others", once)
def subordinate(world):
    with unharmed(world):
        attack = crowd(world, 2 * 65536, 16, 32, 3)
        wait_for(lambda: descriptors(world) > 100, 5, "the crowd does not come")
        time.sleep(0.5)
        expect(short_status(world, next(uids)), "the crowd has taken all places")
        expect(descriptors(world) < 200, f"{descriptors(world)} descriptors")
        told, _ = attack.communicate(timeout=30)
        expect(attack.returncode == 0, told)


@case("however many strangers fill the public socket, logins go on", once)
def many(world):
    with unharmed(world):
        attack = crowd(world, 20001, 40, 32, 3)
        wait_for(lambda: descriptors(world) > 1000, 5, "the crowd does not come")
        enters(world)
        told, _ = attack.communicate(timeout=30)
        expect(attack.returncode == 0, told)


GUESTS = {f"guest{number:02}": 4001 + number for number in range(50)}
HOLDER = "grace"  # who holds all she can, and is nobody in particular
MINUTE = 60


@contextlib.contextmanager
def guests(world):
    """A realm and a host with fifty people more, and a daemon for them; the realm."""
    folder = f"{ROOT}/guests"
    os.makedirs(folder)
    with open(REALM_FILE, encoding="utf-8") as file:
        realm_file = json.load(file)
    ada = next(user for user in realm_file["users"] if user["username"] == "ada")
    for name in GUESTS:
        world.secrets.add(f"{name}-password")
        credential = {"type": "password", "value": f"{name}-password", "temporary": False}
        realm_file["users"].append(
            {
                **ada,
                "username": name,
                "email": f"{name}@example.test",
                "attributes": {},
                "credentials": [credential],
            }
        )
    realm = DemoRealm("demo", False, world.bed.find("kclogin-realm"))
    realm.file = write(f"{folder}/realm.json", json.dumps(realm_file))
    realm.start(folder)
    try:
        world.bed.more_accounts(GUESTS)
        host_conf([*LISTED, *GUESTS])
        world.daemon.use(configuration(realm))
        yield realm
    finally:
        host_conf()
        world.daemon.stop()
        realm.stop()


def open_prompts(many):
    """As many su, each of which has asked for a password or soon will."""
    who = hosts.account(HOLDER)
    return [
        subprocess.Popen(
            ["su", "ada", "-c", "true"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=who["uid"],
            group=who["gid"],
            extra_groups=[],
        )
        for _ in range(many)
    ]


def log_in_later(world, name, seconds):
    """A guest comes by ssh; how long it took, or None."""
    time.sleep(seconds)
    began = time.monotonic()
    method = "password" if GUESTS[name] % 2 else "keyboard-interactive"
    seen = world.sshd.log_in(name, f"{name}-password", method)
    return time.monotonic() - began if seen.entered else None


def end_all(processes):
    for one in processes:
        one.kill()
        one.stdin.close()
    for one in processes:
        one.wait(10)


@case("a minute of 5,000 connections and 200 open logins keeps nobody out", once)
def minute(world):
    with guests(world), concurrent.futures.ThreadPoolExecutor(len(GUESTS)) as pool:
        expect(log_in_later(world, "guest00", 0), "a guest cannot log in")
        pid, before, mark = world.daemon.process.pid, descriptors(world), world.daemon.log.mark()
        kept, uid = memory(world), UIDS[HOLDER]
        attack = crowd(world, uid, 1, 5000, MINUTE, logins=200, user=HOLDER)
        prompts = open_prompts(200)
        pace = (MINUTE - 5) / len(GUESTS)
        took = list(
            pool.map(lambda n: log_in_later(world, n[1], 1 + n[0] * pace), enumerate(GUESTS))
        )
        still = sum(one.poll() is None for one in prompts)
        told, _ = attack.communicate(timeout=30)
        end_all(prompts)
        expect(attack.returncode == 0, told)
        outside = took.count(None)
        expect(outside == 0, f"{outside} of {len(took)} cannot log in: {told}")
        expect(world.daemon.running() and world.daemon.process.pid == pid, "the daemon is another")
        wait_for(
            lambda: descriptors(world) <= before,
            15,
            lambda: f"{before} descriptors have become {descriptors(world)}",
        )
        text = world.daemon.log.text(mark)
        lines = len(lines_about(text, uid))
        expect(lines <= 2 * LINES_OF_UID, f"{lines} lines about {uid} in a minute")
        expect(re.search(rf"^left-out uid={uid} socket=public lines=", text, re.M), "no count")
        print(
            f"# logins: {sorted(took)[25]:.1f} s in the middle, {max(took):.1f} s at most; resident"
            f" {kept} KiB before, {memory(world)} after, {memory(world, 'VmHWM')} at most;"
            f" {still} of 200 su still at the prompt; {told.strip()}",
            flush=True,
        )
