"""A daemon that somebody else runs: what it can do is what SECURITY.md says, and no more.

It listens on the real sockets, as root, so that the module takes it for kclogind. Root, local users
and the caller's environment stay as they were; nobody waits for ever.
"""

import contextlib
import re
import time

import hosts
from bed import LISTED, LOCAL_PASSWORD
from liar import ACCOUNT, AUTH, KEY, OPEN, TOKEN, Liar, ask, done, show
from outcome import Failed, expect
from term import Terminal
from world import WRONG, case, once

NAMES = {"KEYCLOAK_ACCESS_TOKEN", "KEYCLOAK_TOKEN_EXPIRES", "KCLOGIN_SESSION"}
# one line a variable, whatever is in it
SHOW_ENV = "echo MARK-IN; env -0 | tr '\\n\\0' '#\\n'; echo MARK-OUT"
EVIL = b"LD_PRELOAD=/tmp/evil.so\nPATH=/tmp/evil\nKCLOGIN_X=root"
ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eroot\x08\x7f\r\n\t".encode() + b"\xff\x9b0m\xc0\x9b"
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


@contextlib.contextmanager
def instead_of_the_daemon(world):
    world.daemon.stop()
    with Liar().listening() as one:
        yield one


def environment_of(shown, user):
    """The variables of a session, with its user's own name taken out."""
    text = shown[shown.index("MARK-IN") : shown.index("MARK-OUT")]
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {name: value.replace(user, "USER").strip() for name, value in pairs}


def wrong_passwords(world):
    """Each way of root's and carol's with a wrong one, all at once: a refusal takes its time."""
    entering = "echo MARK-IN"
    programs = []
    for user in ("root", "carol"):
        for method, prompt in hosts.SSH_PROMPT.items():
            argv = world.sshd.command(user, method, entering)
            programs.append((Terminal(argv), prompt))
        who = hosts.account("ada")
        programs.append((Terminal(["su", user, "-c", entering], **who), "Password: "))
    argv = ["sudo", "-k", "sh", "-c", entering]
    programs.append((Terminal(argv, **hosts.account("carol")), r"password[^:]*: ?$"))
    try:
        for program, prompt in programs:
            program.answer(prompt, WRONG)
        for program, _ in programs:
            status = program.finish()
            expect(status != 0 and "MARK-IN" not in program.shown, f"got in: {program.shown}")
    finally:
        for program, _ in programs:
            program.close()


def refuses(seen, why):
    expect(not seen.entered, f"{why} got in: {seen}")


@case("a daemon that lies opens neither root nor an account that is not listed", once)
def not_listed(world):
    with instead_of_the_daemon(world) as one:
        wrong_passwords(world)
        for user in ("root", "carol"):
            right = LOCAL_PASSWORD[user]
            for seen in (
                world.sshd.log_in(user, right),
                hosts.su("ada", user, right),
                hosts.login(user, right),
            ):
                expect(seen.entered, f"{user} is kept out: {seen}")
                found = set(re.findall(r"^(?:KEYCLOAK|KCLOGIN)\w*", seen.shown, re.M))
                expect(not found, f"{user}'s session has {found}")
        expect(hosts.sudo("carol", LOCAL_PASSWORD["carol"]).entered, "carol cannot sudo")
        expect(not one.users() & {"root", "carol"}, f"it was asked about {one.users()}")
        # the other side of it: what is listed is open, as SECURITY.md says
        expect(hosts.su("carol", "ada", None).entered, "the liar was not believed at all: no test")
        expect("ada" in one.users(), "nobody asked the liar")


# What it may say when a session opens, and whether the session gets a token of it.
OPENS = [
    ([done(key=KEY, exports=3, token=TOKEN, expires=(1 << 64) - 1)], True),
    ([done(key=KEY, exports=3, token=b"x" * 65536)], True),
    ([done(key=KEY, exports=3, token=b"x" * 65537)], False),
    ([done(key=KEY, exports=3, token=EVIL)], False),
    ([done(key=KEY, exports=3, token=b"a\0" + EVIL)], False),
    ([done(key=KEY, exports=3, token=ESCAPES)], False),
    ([done(key=KEY, exports=255, token=TOKEN)], False),
    ([done(key=b"root", exports=3, token=TOKEN)], False),
    ([done(word=b"root", key=KEY, exports=3, token=TOKEN)], False),
    ([done(word=EVIL[:32], key=KEY, exports=3, token=TOKEN)], False),
    ([done(cls=200, key=KEY, exports=3, token=TOKEN)], False),
    ([show(EVIL), done(key=KEY, exports=3, token=TOKEN)], False),
    ([ask(b"Password: "), done(key=KEY, exports=3, token=TOKEN)], False),
    ([done(key=KEY, exports=3, token=TOKEN) + b"\0"], False),
    ([done(key=KEY, exports=3, token=TOKEN, report=EVIL)], False),
    ([EVIL], False),
    ([b"\0" * 131073], False),
    (lambda connection: None, False),
]


def at_the_root(caller):
    """The caller's account, in a folder that nobody's name is in."""
    return {**hosts.account(caller), "cwd": "/"}


def side_by_side(users, argv_of, caller="carol"):
    """A program for each user, all at once."""
    return {user: Terminal(argv_of(user), timeout=90, **at_the_root(caller)) for user in users}


def close_all(programs):
    for program in programs.values():
        program.close()


def su_env(user):
    return ["su", user, "-c", SHOW_ENV]


@case("a daemon that lies sets no variable but the three that the module knows", once)
def variables(world):
    users = LISTED[: len(OPENS)]
    with instead_of_the_daemon(world) as one:
        for user, (messages, _) in zip(users, OPENS, strict=True):
            one.says[user] = {OPEN: messages}
        with Terminal(su_env("carol"), **at_the_root("ada")) as term:
            term.answer("Password: ", LOCAL_PASSWORD["carol"])
            term.finish()
            before = environment_of(term.shown, "carol")
        programs = side_by_side(users, su_env)
        try:
            for user, (messages, token) in zip(users, OPENS, strict=True):
                what = str(messages)[:80]
                expect(programs[user].finish(60) == 0, f"{what}: {programs[user].shown[-500:]}")
                found = environment_of(programs[user].shown, user)
                more = found.keys() - before.keys()
                expect(more <= NAMES, f"{what}: {more}")
                expect(("KEYCLOAK_ACCESS_TOKEN" in found) == token, f"{what}: {found.keys()}")
                left = {name: value for name, value in found.items() if name not in NAMES}
                expect(left == before, f"{what}: {left} was {before}")
        finally:
            close_all(programs)
        expect({user for user in users} <= one.users(), "somebody did not ask")
        for method in ("password", "keyboard-interactive"):
            one.says["ada"] = {AUTH: [ask(b"Password: "), done(key=KEY)], OPEN: OPENS[3][0]}
            theirs = world.sshd.log_in("carol", LOCAL_PASSWORD["carol"], method, SHOW_ENV)
            seen = world.sshd.log_in("ada", WRONG, method, SHOW_ENV)
            names = environment_of(seen.shown, "ada").keys()
            more = names - environment_of(theirs.shown, "carol").keys()
            expect(seen.entered and more <= NAMES, f"{method}: {more}")


@case("a daemon that lies sets nothing at all in what sudo runs", once)
def sudo_variables(world):
    """Who is listed and may sudo is root by it, as SECURITY.md says, and has root's environment."""
    with instead_of_the_daemon(world) as one:
        theirs = hosts.sudo("carol", LOCAL_PASSWORD["carol"], SHOW_ENV)
        before = environment_of(theirs.shown, "carol")
        for messages in (OPENS[0][0], OPENS[3][0]):
            one.says.update({user: {OPEN: messages} for user in ("ada", "root")})
            seen = hosts.sudo("ada", WRONG, SHOW_ENV)
            expect(seen.entered, f"the liar was not believed: no test: {seen}")
            found = environment_of(seen.shown, "ada")
            for name in ("SUDO_UID", "SUDO_GID"):
                expect(found.pop(name) != before[name], name)
            left = {name: value for name, value in before.items() if name in found}
            expect(found == left and len(found) == len(before) - 2, f"{found} was {before}")


# What it may answer to a password, and none of it is a yes.
NO = [
    [done(word=b"root", key=KEY)],
    [done(word=b"", key=KEY)],
    [done(word=b"OK", key=KEY)],
    [done(cls=1, word=b"ok", key=KEY)],
    [done(cls=255, key=KEY)],
    [done(key=KEY, token=TOKEN, exports=3)],
    [done(key=KEY[:31])],
    [done(key=KEY, report=b"root")],
    [done(key=KEY)[:-1]],
    [done(key=KEY) + b"\0"],
    [b"\2" + done(key=KEY)[1:]],
    [show(b"x" * 512), done(key=KEY)],
    [ask(b"x" * 512), done(key=KEY)],
    [ask(EVIL, kind=9), done(key=KEY)],
    [show(EVIL, style=9), done(key=KEY)],
    [b"\0" * 131073],
    [EVIL],
    lambda connection: None,
]


@case("a daemon that lies badly is not believed", once)
def not_yes(world):
    users = LISTED[: len(NO)]
    with instead_of_the_daemon(world) as one:
        for user, messages in zip(users, NO, strict=True):
            one.says[user] = {AUTH: messages}
        programs = side_by_side(users, su_env)
        try:
            for user, messages in zip(users, NO, strict=True):
                status = programs[user].finish(60)
                shown = programs[user].shown
                expect(status != 0 and "MARK-IN" not in shown, f"{str(messages)[:80]}: {shown}")
        finally:
            close_all(programs)
        expect(set(users) <= one.users(), "somebody did not ask")
        # an account phase that says nonsense lets nobody in either
        for message in ([done(word=b"root")], [ask(b"Password: ")], lambda connection: None):
            one.says["ada"] = {ACCOUNT: message}
            seen = hosts.su("carol", "ada", None, SHOW_ENV)
            refuses(seen, f"ada with an account phase of {str(message)[:60]}")


def clean(shown, why):
    found = STEERS.findall(shown.replace("\r", ""))
    expect(not found, f"{why}: {found} in {shown!r}")


@case("a daemon that lies steers no terminal (lesson 45)", once)
def terminals(world):
    says = [show(b"MARK-SHOWN" + ESCAPES), ask(ESCAPES + b"MARK-ASKED "), done(cls=1, word=b"x")]
    long = ("MARK-SHOWN" + "\u00e9" * 250).encode()
    with instead_of_the_daemon(world) as one:
        one.says["ada"] = {AUTH: says}
        one.says["keys"] = {AUTH: [show(long + b"\x1b"), *says[1:]]}
        for user in ("ada", "keys"):
            su = ["su", user, "-c", "echo MARK-IN"]
            for argv, caller in (
                (su, "carol"),
                (["pamtester", "pamtester", user, "authenticate"], None),
                (world.sshd.command(user, "keyboard-interactive", "echo MARK-IN"), None),
                (["sudo", "-k", "true"], user),
            ):
                who = hosts.account(caller) if caller else {}
                with Terminal(argv, **who) as term:
                    term.expect("MARK-ASKED ")
                    term.echo_off()
                    term.send(WRONG)
                    with contextlib.suppress(Failed):
                        term.expect("MARK-ASKED ", 3)  # sudo and ssh may ask again
                    expect("MARK-SHOWN" in term.shown or argv[0] in ("sudo", "ssh"), term.shown)
                    expect("MARK-IN" not in term.shown, f"{argv[0]}: got in")
                    clean(term.shown, f"{argv[0]} {user}")


def without_end(connection, message, pause):
    while True:
        connection.send(message)
        if message[1] == 64:
            connection.recv(1 << 18)
        time.sleep(pause)


def silence(connection):
    connection.recv(1)


DEADLINE = 40


@case("a daemon that lies keeps nobody for ever (lesson 25)", once)
def deadlines(world):
    """Questions, texts and silences without end; whoever waits longest waits forty seconds."""
    with instead_of_the_daemon(world) as one:
        one.says["frozen"] = {AUTH: silence}
        one.says["terms"] = {AUTH: lambda connection: without_end(connection, show(b"Wait."), 1)}
        one.says["trouble"] = {AUTH: lambda connection: without_end(connection, show(b"x"), 0)}
        one.says["keys"] = {AUTH: lambda connection: without_end(connection, ask(b"More: "), 0)}
        one.says["nested"] = {OPEN: silence}
        one.says["nomail"] = {ACCOUNT: silence}
        began, mark = time.monotonic(), world.bed.log.mark()
        programs = side_by_side(("frozen", "terms", "trouble", "nested", "nomail"), su_env)
        programs["ssh"] = Terminal(
            world.sshd.command("frozen", "keyboard-interactive", "echo MARK-IN"), timeout=90
        )
        try:
            questions(hosts.account("carol"))
            for user, seconds in (("trouble", 5), ("nested", 6), ("nomail", 9)):
                programs[user].finish(seconds)
                took = time.monotonic() - began
                expect(took < seconds + 3, f"{user} took {took:.0f} s")
            expect("MARK-IN" in programs["nested"].shown, "a session was denied")
            for user in ("frozen", "terms"):
                programs[user].finish(DEADLINE + 5)
                took = time.monotonic() - began
                expect(DEADLINE - 2 < took < DEADLINE + 10, f"{user} took {took:.0f} s")
            # sshd itself waits on: OpenSSH 9.2 draws a failure out to twice its time
            world.bed.log.since(mark, r"\(sshd:auth\): user=frozen .* reason=timed-out", 5)
            for user in ("frozen", "terms", "ssh", "trouble", "nomail"):
                expect("MARK-IN" not in programs[user].shown, f"{user} got in")
        finally:
            close_all(programs)


def questions(caller):
    """Somebody who answers all of them comes to the end."""
    with Terminal(su_env("keys"), **caller) as term:
        for asked in range(100):
            if not re.search("More: $", term.shown[term.mark :]):
                with contextlib.suppress(Failed):
                    term.expect("More: $", 5)
            if term.status is not None:
                break
            term.echo_off()
            term.send(WRONG)
        expect(term.finish(10) != 0 and "MARK-IN" not in term.shown, f"{term.shown[-200:]}")
        expect(5 < asked < 70, f"{asked} questions")
