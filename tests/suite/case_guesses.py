"""A hundred guesses at somebody's password: who is locked out is the one who guesses.

The limits are those of a host whose realm locks at three failures. The lock counters are the
realm's own; the guesses come many at a time, as from those who guess.
"""

import time

import hosts
from outcome import expect
from product import configuration
from term import Terminal
from world import WRONG, case

LIMITS = {"limits": ["source_failures = 1", "target_failures = 2", "window = 15m"]}
HOME, ELSEWHERE = "127.0.0.2", "127.0.0.3"
GUESSES = 100
AT_ONCE = 50
SSH_TRIES = 5


def without_tls(chosen):
    """What crosses the wire to the realm is the same on both."""
    return not chosen.tls


def guess(argv, prompt, tries, count, **who):
    """Runs a program so many times, side by side, and types a wrong password at each prompt."""
    programs = [Terminal(argv, timeout=90, **who) for _ in range(count)]
    try:
        for _ in range(tries):
            for one in programs:
                one.answer(prompt, WRONG, 60)
        for one in programs:
            expect(one.finish(60) != 0 and "MARK-IN" not in one.shown, f"a guess: {one.shown}")
    finally:
        for one in programs:
            one.close()


def su_guesses():
    for _ in range(GUESSES // AT_ONCE):
        guess(
            ["su", "ada", "-c", "echo MARK-IN"],
            "Password: ",
            1,
            AT_ONCE,
            **hosts.account("carol"),
        )


def ssh_guesses(world):
    argv = world.sshd.command("ada", "password", "echo MARK-IN", tries=SSH_TRIES)
    guess(argv, hosts.SSH_PROMPT["password"], SSH_TRIES, GUESSES // SSH_TRIES)


def reasons(world, mark, service):
    """How many logins of ada's at this service ended for which reason."""
    found = {}
    for line in world.daemon.log.text(mark).splitlines():
        if "login user=ada " in line and f" service={service} " in line:
            word = line.split(" reason=")[1].split()[0]
            found[word] = found.get(word, 0) + 1
    return found


def enters(world, source):
    began = time.monotonic()
    seen = world.sshd.log_in("ada", world.password("ada"), source=source)
    expect(seen.entered, f"ada is locked out at {source}: {seen}")
    took = time.monotonic() - began
    expect(took < 10, f"ada waits {took:.0f} s at {source}")


def guessed(world, mark, service):
    """One guess came to the realm, and all others ended here."""
    failures = world.realm.failures("ada")
    expect(failures == 1, f"the realm counts {failures} failures")
    found = reasons(world, mark, service)
    wanted = {"bad-credentials": 1, "too-many-failures": GUESSES - 1}
    expect(found == wanted, f"{service}: {found}")


@case("a hundred guesses by su and by ssh lock nobody out (lessons 28 and 43)", without_tls)
def hundred(world):
    """Wherever ada comes from, known or not, she enters at once."""
    world.daemon.use(configuration(world.realm, sections=LIMITS))
    world.realm.forget_failures()
    for service, guesses in (("su", su_guesses), ("sshd", lambda: ssh_guesses(world))):
        enters(world, HOME)
        mark = world.daemon.log.mark()
        guesses()
        guessed(world, mark, service)
        enters(world, ELSEWHERE if service == "su" else HOME)
    two_sources(world)
    world.realm.forget_failures()
    world.daemon.stop()


def two_sources(world):
    """Over the second limit nobody is believed but where ada has logged in lately."""
    for source in ("127.0.0.5", "127.0.0.6"):
        expect(not world.sshd.log_in("ada", WRONG, source=source).entered, "a guess is right")
    mark = world.daemon.log.mark()
    seen = world.sshd.log_in("ada", world.password("ada"), source="127.0.0.7")
    expect(not seen.entered, "a stranger's address is believed over the second limit")
    world.daemon.login(mark, user="ada", result="denied", reason="too-many-failures")
    expect(world.realm.failures("ada") == 2, f"the realm counts {world.realm.failures('ada')}")
    enters(world, HOME)
