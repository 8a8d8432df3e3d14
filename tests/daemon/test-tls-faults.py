#!/usr/bin/env python3
"""TLS as it should not be: certificates, versions, alerts. The word, that no password was sent, and
that it heals by itself. Lessons 21, 25.

Needs python3 and openssl; no root, no network. Before the demo realm stands a listener that is bad
for as long as it is told to, and then passes bytes.
"""
import concurrent.futures
import os
import socket
import ssl
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "realm"))
import demo  # noqa: E402
from certificates import Certificates  # noqa: E402
from hostile import sleep_until  # noqa: E402
from realms import Realms  # noqa: E402

TIMEOUT_MS, LATE_MS = 3000, 1500


def under(context):
    """A handshake as the context has it; returns what came through it."""
    def bad(connection):
        with context.wrap_socket(connection, server_side=True) as tls:
            return tls.recv(65536)
    return bad


def after_hello(data, wait=0.0):
    """Bytes instead of a ServerHello, one by one where it waits between them."""
    def bad(connection):
        connection.recv(65536)
        for part in [data[i:i + 1] for i in range(len(data))] if wait else [data]:
            connection.sendall(part)
            time.sleep(wait)
        connection.settimeout(10)
        while connection.recv(65536):
            pass
        return b""
    return bad


def endless_after_hello(data):
    def bad(connection):
        connection.recv(65536)
        while True:
            connection.sendall(data * 1000)
    return bad


def broken_later(context):
    """A good handshake; to the request comes an alert that is none."""
    def bad(connection):
        raw = socket.socket(fileno=os.dup(connection.fileno()))
        with raw, context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(65536)
            raw.sendall(b"\x15\x03\x03\x00\x02\x02\x50")
            return b""
    return bad


class Listener:
    """Bad, or a relay to the realm."""

    def __init__(self, target, bad, is_bad=True):
        self.target, self.bad, self.is_bad = target, bad, is_bad
        self.sent = b""  # what came through TLS while it was bad
        self.open = []
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def turn(self, is_bad):
        """From now on; connections that are open end."""
        self.is_bad = is_bad
        for one in self.open:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                if self.is_bad:
                    self.sent += self.bad(connection)
                    return
                with socket.create_connection(self.target) as realm:
                    threading.Thread(target=self._pass_on, args=(realm, connection),
                                     daemon=True).start()
                    self._pass_on(connection, realm)
            except (OSError, ValueError):
                pass

    @staticmethod
    def _pass_on(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def context(pem, **settings):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of old versions, asked for on purpose
        made.set_ciphers(settings.pop("ciphers", "ALL:@SECLEVEL=0"))
        for name, value in settings.items():
            setattr(made, name, value)
    if pem:
        made.load_cert_chain(pem)
    return made


def table(make):
    """Name, what is bad, the word."""
    old = ssl.TLSVersion
    make("middle", extensions="good")
    certificates = {
        "self-signed": make("self", issuer=None),
        "of another authority": make("stranger's", issuer="stranger"),
        "expired": make("expired", end="20200102000000Z"),
        "expired an hour ago": make("lately", end=time.strftime(
            "%Y%m%d%H%M%SZ", time.gmtime(time.time() - 3600))),
        "not yet valid": make("later", start="20480101000000Z"),
        "another host's": make("other", extensions="other"),
        "another address's": make("address", extensions="address"),
        "for clients": make("client", extensions="client"),
        "for signing alone": make("signer", extensions="signer"),
        "RSA 1024": make("weak", key=("rsa", "rsa_keygen_bits:1024")),
        "SHA-1": make("sha1", digest="sha1"),
        "signed by no authority": make("child", issuer="middle", chain=["middle.crt"]),
        "chain that is long": make("long", issuer="stranger", chain=["stranger.crt"] * 400),
    }
    good = make("good")
    rows = [(name, under(context(pem)), "tls-failed") for name, pem in certificates.items()]
    for name, settings in (
            ("TLS 1.0", dict(minimum_version=old.TLSv1, maximum_version=old.TLSv1)),
            ("TLS 1.1", dict(minimum_version=old.TLSv1_1, maximum_version=old.TLSv1_1)),
            ("no encryption", dict(maximum_version=old.TLSv1_2, ciphers="eNULL:@SECLEVEL=0")),
            ("no certificate", dict(maximum_version=old.TLSv1_2, ciphers="aNULL:@SECLEVEL=0"))):
        rows.append((name, under(context(None if "no cert" in name else good, **settings)),
                     "tls-failed"))
    for name, data in (("alert", b"\x15\3\3\0\2\2\x28"), ("unknown alert", b"\x15\3\3\0\2\2\xff"),
                       ("plain HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n"), ("zeros", bytes(999)),
                       ("half a record", b"\x16\3\3\x40\0\2\0\x3f\xf0\3\3")):
        rows.append((name, after_hello(data), "timed-out" if "half" in name else "tls-failed"))
    rows += [("endless warnings", endless_after_hello(b"\x15\3\3\0\2\1\x5a"), "tls-failed"),
             ("endless noise", endless_after_hello(b"y"), "tls-failed"),
             ("silence", after_hello(b""), "timed-out"),
             ("drip", after_hello(b"\x16\3\3\x40\0\2\0\x3f\xfc\3\3" * 2, 0.5), "timed-out"),
             ("alert to the request", broken_later(context(good)), "unanswered")]
    return rows


class TlsFaults(unittest.TestCase):

    def open(self, realms, number, listener, ca):
        realms.open(number, [f"issuer = https://localhost:{listener.port}/realms/linux",
                             f"connect_to = 127.0.0.1:{listener.port}", f"ca_file = {ca}",
                             f"[limits]\ngrant_timeout = {TIMEOUT_MS // 1000}s"])

    def log_in(self, realms, number, what, expected):
        word, took, detail = realms.ask("login", number, "ada", "ada-pass")
        assert word == expected, f"{what}: {word} ({detail}), not {expected}"
        assert took < TIMEOUT_MS + LATE_MS, f"{what}: {took} ms"

    def heal(self, realms, number, what, listener):
        listener.turn(False)
        # what one says to a stranger may be the first request's head, never a password
        assert b"password" not in listener.sent, f"{what}: a password was sent"
        assert sleep_until(lambda: realms.ask("state", number)[0:2] == ["ready", "ok"], 20), \
            f"{what}: did not recover"
        self.log_in(realms, number, f"{what}, healed", "ok")

    def bad_from_the_start(self, realms, number, row, target, ca):
        what, bad, expected = row
        listener = Listener(target, bad)
        self.open(realms, number, listener, ca)
        self.log_in(realms, number, what, expected)
        if expected == "tls-failed":
            assert not listener.sent, f"{what}: {listener.sent[:80]} was sent"
        self.heal(realms, number, what, listener)

    def bad_in_the_middle(self, realms, number, row, target, ca):
        what, bad, _ = row
        listener = Listener(target, bad, is_bad=False)
        self.open(realms, number, listener, ca)
        self.log_in(realms, number, f"{what}, before", "ok")
        listener.turn(True)
        for _ in range(2):
            self.log_in(realms, number, f"{what}, in the middle", "tls-failed")
        assert not listener.sent, f"{what}: {listener.sent[:80]} was sent"
        self.heal(realms, number, what, listener)

    def test_lesson_25_each_fault_has_its_word_and_its_end(self):
        with tempfile.TemporaryDirectory(prefix="kclogin-tls.") as folder, \
                demo.Demo(tls=True) as realm, Realms() as realms:
            realm.tell("realm", bruteForceProtected=False)
            made = Certificates(folder)
            rows = table(made.make)
            ca = made.path("both.crt")
            with open(ca, "wb") as both:
                for path in (made.ca, realm.ca):
                    with open(path, "rb") as file:
                        both.write(file.read())
            url = urllib.parse.urlsplit(realm.base)
            target = (url.hostname, url.port)
            middle = [row for row in rows if row[0] in (
                "self-signed", "expired", "another host's", "TLS 1.1", "alert")]
            with concurrent.futures.ThreadPoolExecutor(99) as pool:
                ends = [pool.submit(self.bad_from_the_start, realms, number, row, target, ca)
                        for number, row in enumerate(rows)]
                ends += [pool.submit(self.bad_in_the_middle, realms, 100 + number, row, target, ca)
                         for number, row in enumerate(middle)]
            wrong = [str(end.exception()) for end in ends if end.exception()]
        self.assertFalse(wrong, "\n".join(wrong))


if __name__ == "__main__":
    unittest.main(verbosity=2)
