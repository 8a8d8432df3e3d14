"""What something on the way makes of the realm's answers; more addresses than one.

The same whatever the realm is: the relay does it. What a realm itself may answer is tests/daemon's.
"""

import time

import hosts
from outcome import expect, wait_for
from product import configuration
from relay import BAD, Relay
from world import case

LIMITS = {"limits": ["grant_timeout = 3s"]}
PAGE = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 11\r\n\r\n"
    b"Bad Gateway"
)
SLOW = 2000  # milliseconds that a bad address may cost one login
BUSY = 500  # by which a busy machine may be slower the next time
QUIET = 0.2  # seconds after which an answer says nothing of its address any more


def one_keycloak(chosen):
    """Before a real Keycloak; tests/daemon has far more before the demo realm."""
    return chosen.realm == "kc26"


def dripped(data):
    """A byte each fifth of a second, for longer than a login has."""
    for byte in data[:40]:
        yield bytes([byte])
        time.sleep(0.2)


# In plain, and under TLS: there nobody on the way can say anything in the realm's name.
SPOILT = {
    "cut off": (lambda data: [], "unreachable", "tls-failed unreachable"),
    "cut in half": (lambda data: [data[: len(data) // 2]], "unanswered", "tls-failed"),
    "noise": (lambda data: [bytes(4096)], "unanswered", "tls-failed"),
    "a proxy's page": (lambda data: [PAGE], "server-gateway", "tls-failed"),
    "bytes in a row": (dripped, "timed-out", "timed-out"),
}


def enter(world):
    """A login by pamtester: whether it was let in, milliseconds, the daemon's line."""
    mark = world.daemon.log.mark()
    argv = ["pamtester", "pamtester", "ada", "authenticate"]
    seen = hosts.answer_all(argv, world.password("ada"))
    line = world.daemon.login(mark, user="ada")
    return "successfully" in seen.shown, int(line["ms"]), line


def good(world, seconds):
    """Waits for a login that is let in: after a bad time the realm is asked again by itself."""
    wait_for(lambda: enter(world)[0], seconds, "ada cannot log in")


@case("an answer spoilt on the way has a reason and an end, and is good again", one_keycloak)
def spoilt(world):
    for what, (change, plain, tls) in SPOILT.items():
        # a daemon that knows nothing yet: whatever it asks first is spoilt
        world.daemon.stop()
        with world.realm.relay.spoil(change):
            world.daemon.use(configuration(world.realm, sections=LIMITS))
            entered, took, line = enter(world)
        words = (tls if world.realm.tls else plain).split()
        expect(not entered and line["result"] == "unavailable", f"{what}: {line}")
        expect(line["reason"] in words, f"{what}: {line}, not {words}")
        expect(took < 3000 + BUSY, f"{what}: {took} ms")
        good(world, 15)
    world.daemon.stop()


@case("one address of two is dead, silent, a black hole or broken: two seconds once", one_keycloak)
def failover(world):
    relays = [Relay(world.realm.port) for _ in range(2)]
    addresses = [f"127.0.0.1:{relay.port}" for relay in relays]
    lines = ["connect_to = " + " ".join(addresses)]
    world.daemon.use(configuration(world.realm, realm_lines=lines))
    good(world, 10)
    usual = max(enter(world)[1] for _ in range(3))
    in_use, healed = 0, []
    for what, way in BAD.items():
        mark = world.daemon.log.mark()
        time.sleep(QUIET)
        with way(relays[in_use]):
            entered, took, line = enter(world)
            expect(entered and took < usual + SLOW, f"{what}: {took} ms, {line}")
            for _ in range(2):
                entered, took, line = enter(world)
                expect(entered and took < usual + BUSY, f"{what}, later: {took} ms, {line}")
            address = {"address": addresses[in_use]}
            world.daemon.log.event(mark, "realm", 10, result="unavailable", **address)
            healed.append((world.daemon.log.mark(), address))
        in_use = 1 - in_use
    for mark, address in healed:  # in the background, by itself
        world.daemon.log.event(mark, "realm", 15, result="ok", **address)
    world.daemon.stop()
    for relay in relays:
        relay.down()
