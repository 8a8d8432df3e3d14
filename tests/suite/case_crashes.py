"""kill -9 of what a login goes through, sshd's own time limit, a host program that has nothing left.

Nobody else's login is lost, nothing stays at the realm, and the next login works.
"""

import copy
import os
import signal
import subprocess
import threading
import time

import hosts
from bed import ROOT, write
from case_sessions import gone, parent, rest
from outcome import expect, wait_for
from realms import free_port
from term import Terminal
from world import WRONG, case, once

HELD_MS = 5000  # so long the realm works on a password, while somebody is killed
GRACE = 2  # seconds
METHODS = ("password", "keyboard-interactive", "password", "keyboard-interactive")
# Whose grants are left to their two minutes: case_ends sees that these have ended.
ALONE = "longpass"  # sshd's monitor goes on without the child that speaks with the network
CUT = "keys"  # sshd's child for PAM goes on without the monitor; killed in account as well


def children(pid):
    return [
        int(one) for one in os.listdir("/proc") if one.isdigit() and parent(int(one)) == pid
    ]


def held(world, milliseconds):
    world.realm.control(
        "POST",
        "fault",
        {"fault": "delay", "match": "token", "count": -1, "delay": milliseconds},
    )


def grants(world):
    return world.realm.control("GET", "counts")["requests"]["token"]


def ssh(world, user, method="password"):
    """An ssh whose password has been typed."""
    term = Terminal(world.sshd.command(user, method, "echo MARK-IN; cat"), timeout=60)
    term.answer(hosts.SSH_PROMPT[method], world.password(user))
    return term


def typed(world, user, argv, **options):
    term = Terminal(argv, timeout=60, **options)
    term.answer(r"(?i)password[^\n:]*: ?$", world.password(user))
    return term


def at_console(world, user):
    term = Terminal(["login"], timeout=60)
    term.expect(r"login: ?$")
    term.send(user)
    term.answer(r"Password: ?$", world.password(user))
    return term


@case("kill -9 in the middle of authenticate: nothing stays, and nobody else is lost", once)
def killed_in_authenticate(world):
    world.standard()
    pid = world.daemon.process.pid
    victims = ("ada", "locktest", "nested", "manygroups", "trouble")
    before = {user: rest(world, user) for user in victims}
    asked, others, terms = grants(world), [], []
    held(world, HELD_MS)
    try:
        bystander = threading.Thread(
            target=lambda: others.append(world.sshd.log_in("nomail", world.password("nomail")))
        )
        bystander.start()
        wait_for(lambda: len(children(world.sshd.process.pid)) == 1, 10, "no bystander")
        its_own = set(children(world.sshd.process.pid))
        terms += [ssh(world, ALONE), ssh(world, "locktest")]
        terms.append(ssh(world, CUT, "keyboard-interactive"))
        terms.append(typed(world, "nested", ["su", "nested"], **hosts.account("carol")))
        terms.append(typed(world, "manygroups", ["sudo", "-k", "id"], **hosts.account("manygroups")))
        terms.append(at_console(world, "trouble"))
        terms.append(typed(world, "ada", ["pamtester", "pamtester", "ada", "authenticate"]))
        wait_for(lambda: grants(world) == asked + 8, 10, lambda: f"{grants(world) - asked} asked")
        monitors = sorted(set(children(world.sshd.process.pid)) - its_own)
        expect(len(monitors) == 3, f"monitors: {monitors}")
        # the first one's child that speaks with the network, the others themselves
        for victim in children(monitors[0]) + monitors[1:] + [term.pid for term in terms[3:]]:
            os.kill(victim, signal.SIGKILL)
        bystander.join(30)
    finally:
        world.realm.control("DELETE", "fault")
        for term in terms:
            term.close()
    expect(others and others[0].entered, f"another person's login was lost: {others}")
    for user in victims:
        gone(world, user, before[user])
    world.cut_since = time.monotonic()
    expect(world.daemon.process.pid == pid and world.daemon.running(), "the daemon fell")
    expect(world.sshd.log_in("ada", world.password("ada")).entered, "ada cannot log in")


@case("kill -9 in the middle of an open session: it ends at the realm", once)
def killed_in_session(world):
    world.standard()
    before = {user: rest(world, user) for user in ("ada", "locktest", "nested")}
    with world.sshd.open("ada", world.password("ada")), typed(
        world, "locktest", ["su", "locktest", "-c", "echo MARK-IN; cat"], **hosts.account("carol")
    ) as su, at_console(world, "nested") as login:
        su.expect("MARK-IN")
        login.expect(r"\$ ?$")
        for user, count in before.items():
            wait_for(
                lambda user=user, count=count: world.realm.sessions(user) == count + 1,
                5,
                f"no session of {user}",
            )
        monitor = children(world.sshd.process.pid)
        expect(len(monitor) == 1, f"monitors: {monitor}")
        for victim in children(monitor[0]) + [su.pid, login.pid]:
            os.kill(victim, signal.SIGKILL)
        for user, count in before.items():
            gone(world, user, count)


@case("kill -9 in the middle of account: the grant is left to its two minutes", once)
def killed_in_account(world):
    world.standard()
    write(
        "/etc/pam.d/suite-account",
        "auth required pam_keycloak.so\naccount optional pam_exec.so /bin/sleep 1\n"
        "account required pam_keycloak.so\naccount required pam_permit.so\n",
    )
    mark = world.daemon.log.mark()
    with typed(
        world, CUT, ["pamtester", "suite-account", CUT, "authenticate", "acct_mgmt"]
    ) as term:
        world.daemon.login(mark, user=CUT, result="ok")
        world.daemon.process.send_signal(signal.SIGSTOP)
        try:
            wait_for(
                lambda: not any(program(pid) == "sleep" for pid in children(term.pid))
                and waits_in_poll(term.pid),
                10,
                "pamtester does not wait for the daemon",
            )
            os.kill(term.pid, signal.SIGKILL)
        finally:
            world.daemon.process.send_signal(signal.SIGCONT)
    world.cut_since = time.monotonic()
    expect(world.sshd.log_in("ada", world.password("ada")).entered, "ada cannot log in")


def program(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def waits_in_poll(pid):
    try:
        with open(f"/proc/{pid}/wchan", encoding="utf-8") as file:
            return "poll" in file.read()
    except OSError:
        return False


class Hurried:
    """The suite's sshd once more, with another LoginGraceTime."""

    def __init__(self, world):
        self.sshd = copy.copy(world.sshd)
        self.sshd.port = free_port()
        with open(f"{ROOT}/ssh/sshd_config", encoding="utf-8") as file:
            text = file.read().replace(f"Port {world.sshd.port}\n", f"Port {self.sshd.port}\n")
        config = write(f"{ROOT}/ssh/hurried_config", f"{text}\nLoginGraceTime {GRACE}\n")
        self.log = open(f"{ROOT}/log/hurried.log", "ab")
        self.sshd.process = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-e", "-f", config],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def __enter__(self):
        wait_for(
            lambda: b"listening" in open(self.log.name, "rb").read(), 10, "sshd does not listen"
        )
        return self.sshd

    def __exit__(self, *_):
        self.sshd.stop()
        self.log.close()


def descriptors(world):
    return len(os.listdir(f"/proc/{world.daemon.process.pid}/fd"))


@case("LoginGraceTime in the middle of each prompt, and of the grant: nothing stays", once)
def login_grace(world):
    world.standard()
    users = ("ada", "locktest", "mustchange", "nested")
    before = {user: rest(world, user) for user in users}
    files, mark, terms = descriptors(world), world.daemon.log.mark(), []
    held(world, (GRACE + 2) * 1000)
    try:
        with Hurried(world) as sshd:
            for user, method in zip(users, METHODS):
                argv = sshd.command(user, method, "echo MARK-IN")
                terms.append(Terminal(argv, timeout=60))
            for term, user in zip(terms, users):
                prompt = hosts.SSH_PROMPT["password"]
                term.expect(r"(?i)" + prompt)
                if user == "nested":
                    term.echo_off()
                    term.send(world.password(user))
            # who sits at ssh's prompt does not notice
            wait_for(
                lambda: not children(sshd.process.pid), GRACE + 10, "sshd does not hang up"
            )
        for user in ("locktest", "nested"):  # sshd's password prompt is its own, PAM's is another
            world.daemon.login(mark, user=user, result="cancelled")
        wait_for(
            lambda: descriptors(world) <= files + 1,  # a connection to the realm is kept
            15,
            lambda: f"{descriptors(world)} descriptors, {files} before",
        )
        for user in users:
            gone(world, user, before[user])
    finally:
        world.realm.control("DELETE", "fault")
        for term in terms:
            term.close()
    for method in ("password", "keyboard-interactive"):
        seen = world.sshd.log_in("ada", world.password("ada"), method)
        expect(seen.entered, f"ada cannot log in: {seen}")


@case("a host program without a free descriptor: no way in, no wait, and no wrong word", once)
def no_descriptor(world):
    world.standard()
    seen = {}

    def try_with(files, user, password):
        argv = ["prlimit", f"--nofile={files}:{files}", "pamtester", "pamtester", user]
        began = time.monotonic()
        shown = hosts.answer_all([*argv, "authenticate"], password).shown
        entered = "successfully authenticated" in shown
        seen[files, user, password] = (entered, time.monotonic() - began, shown)

    right = world.password("ada")
    for user, password in (("ada", right), ("carol", WRONG), ("ada", WRONG)):
        threads = [
            threading.Thread(target=try_with, args=(files, user, password))
            for files in range(4, 14)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    world.realm.forget_failures()
    expect(len(seen) == 30, f"{len(seen)} of 30 ended")
    for (files, user, password), (entered, seconds, shown) in seen.items():
        expect(not entered or password != WRONG, f"{files} descriptors: {user} got in: {shown}")
        expect(seconds < 20, f"{files} descriptors: {user} waited for {seconds} s")
    expect(seen[13, "ada", right][0], f"13 are too few: {seen[13, 'ada', right]}")
    expect(not seen[4, "ada", right][0], "4 are enough, so that nothing has been tried")
