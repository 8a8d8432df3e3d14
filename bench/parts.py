"""The parts of the benchmark, and the one table that they print.

Used by bench/login. Each part leaves the daemon as it found it. Judges nothing: no time fails.
"""

import os
import platform
import subprocess
import time

from figures import descriptors, memory, processor
from outcome import expect, wait_for

WAYS = [
    ("post", "a bare POST (the floor)"),
    ("pam", "kclogin"),
    ("exec", "pam_exec with curl"),
    ("permit", "libpam alone"),
]
HEAD = f"{'':30}{'median':>10}{'p99':>10}{'floor x':>10}{'p99 x':>8}{'above it':>11}"


def say(text=""):
    print(text, flush=True)


def row(name, *cells):
    say(f"{name:44}" + "".join(f"{cell:>14}" for cell in cells))


def settled(host):
    """No session is open or ending any more."""
    def none_left():
        return not os.listdir("/run/kclogin/sessions")

    wait_for(none_left, 60, "sessions do not end")


def latency(host, quick):
    """The three ways in turns: what disturbs one disturbs all."""
    real = host.realm.real
    for callers in (1, 16):
        rounds, batch = (8, 1) if quick else (100, 1) if real else (500, 1)
        if callers == 16:
            rounds, batch = (2, 2) if quick else (4, 4) if real else (25, 5)
        host.call(["pam", "post"], callers, 2)  # connections, pages and caches are warm
        seen = host.call([way for way, _ in WAYS], callers, rounds, batch)
        settled(host)
        say(f"{callers} caller{'s' if callers > 1 else ''}, {len(seen.of['pam'])} logins a way")
        say(HEAD)
        for way, name in WAYS:
            median, p99 = seen.median(way), seen.p99(way)
            above = median - seen.median("post")
            say(
                f"  {name:28}{median:8.3f}ms{p99:8.3f}ms{median / seen.median('post'):10.2f}"
                f"{p99 / seen.p99('post'):8.2f}" + (f"{above:+9.3f}ms" if way in ("pam", "exec") else "")
            )
        say(
            f"  {'kclogin: close_session':28}{seen.median('close'):8.3f}ms{seen.p99('close'):8.3f}ms"
        )


def rate(host, quick):
    """Logins a second, what went over the wire, and memory; on a daemon that has just started."""
    host.restart()
    pid = host.daemon.process.pid
    turns, rounds = (2, 2) if quick else (2, 8) if host.realm.real else (5, 25)
    show_memory("the daemon after its start", pid)
    host.call(["pam"], 16, 2)
    settled(host)
    before = None if host.realm.real else host.counts()
    used, logins, wall, ends = processor(pid), 0, 0, 0
    for turn in range(turns):
        seen = host.call(["pam"], 16, rounds, 5)
        settled(host)
        logins += len(seen.of["pam"])
        wall, ends = wall + seen.wall["pam"], ends + seen.wall["close"]
        if turn in (0, turns - 1):
            show_memory(f"the daemon after {logins} logins", pid)
    row("logins a second, 16 callers", f"{logins / wall * 1000:.0f}")
    row("log-outs a second, 16 callers", f"{logins / ends * 1000:.0f}")
    row("the daemon's processor, a login and its end", f"{(processor(pid) - used) / logins:.3f}ms")
    if before:
        show_wire(before, host.counts(), logins)


def show_wire(before, after, logins):
    requests = {
        name: after["requests"][name] - before["requests"][name] for name in before["requests"]
    }
    row("requests for a token, a login", f"{requests['token'] / logins:.4f}")
    row("requests for a log-out, a login", f"{requests['logout'] / logins:.4f}")
    others = sum(requests.values()) - requests["token"] - requests["logout"]
    row("other requests in all these logins", others)
    row("handshakes in all these logins", after["handshakes"] - before["handshakes"])
    expect(requests["token"] == logins, f"{logins} logins, {requests['token']} grants")


def show_memory(name, pid):
    sizes = memory(pid)
    row(f"memory of {name}", f"{sizes['rss']:.1f} MB",
        f"PSS {sizes['pss']:.1f}", f"private {sizes['private']:.1f}")


def sessions(host, quick):
    """The same logins beside few and beside many open sessions."""
    pid = host.daemon.process.pid
    steps = [0, 64] if quick else [0, 1000, min(10000, host.most_sessions)]
    for count in steps:
        if count:
            with host.held(count, 4):
                beside(host, pid, count, quick)
        else:
            beside(host, pid, 0, quick)
        settled(host)
    show_memory("the daemon when all are closed", pid)


def beside(host, pid, count, quick):
    logins = 16 if quick else 400
    used = processor(pid)
    alone = host.call(["pam"], 1, logins)
    used = processor(pid) - used
    seen = host.call(["pam", "post"], 1, logins)
    row(f"beside {count} sessions: a login, above the floor", f"{alone.median('pam'):.3f}ms",
        f"{seen.median('pam') - seen.median('post'):+.3f}ms",
        f"{used / logins:.3f}ms cpu", f"{descriptors(pid)} fds")
    show_memory(f"the daemon beside {count} sessions", pid)


def machine(host):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    version = subprocess.run(
        ["curl", "--version"], capture_output=True, text=True, check=True
    ).stdout.splitlines()[0]
    say(f"{time.strftime('%F')}, {model}, {os.cpu_count()} processors, Linux {platform.release()}")
    say(f"{version.split(' (')[0]}, {version.split()[-1] if ' ' in version else ''}")
    say(f"realm {host.realm.name}, {host.realm.issuer.split(':')[0]}, ES256")


def run(host, only, quick):
    machine(host)
    for part in (latency, rate, sessions):
        if part.__name__ in only:
            say()
            part(host, quick)
