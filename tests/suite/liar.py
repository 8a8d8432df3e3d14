"""A kclogind gone bad: it listens where the real one does, as root, and says what it is told to.

Used by case_liar.py. Knows the wire, and nothing of the product's code.
"""

import contextlib
import os
import socket
import struct
import threading

from product import PRIVATE_SOCKET, PUBLIC_SOCKET

AUTH, ANSWER, ACCOUNT, OPEN, CLOSE, PASSWD, STATUS, LOOKUP = range(1, 9)
USER, GROUP, GIDS, KEYS = 1, 2, 3, 4  # kinds of LOOKUP
KEY = bytes(range(32))
TOKEN = b"eyJh.bGll.cg"


def string(value):
    return struct.pack(">I", len(value)) + value


def ask(text, kind=1, echo=0):
    return struct.pack(">BBHBB", 1, 64, 0, kind, echo) + string(text)


def show(text, style=2):
    return struct.pack(">BBHB", 1, 65, 0, style) + string(text)


def done(cls=0, word=b"ok", key=b"", exports=0, expires=0, token=b"", report=b""):
    head = struct.pack(">BBHB", 1, 66, 0, cls)
    middle = struct.pack(">BQ", exports, expires)
    return head + string(word) + string(key) + middle + string(token) + string(report)


def user(name, uid, gid, gecos="", home="/home/liar", shell="/bin/sh"):
    head = struct.pack(">BBH", 1, 67, 0) + string(name.encode()) + struct.pack(">II", uid, gid)
    return head + b"".join(string(text.encode()) for text in (gecos, home, shell))


def page(name, gid, count, total, *members):
    head = struct.pack(">BBH", 1, 68, 0) + string(name.encode())
    numbers = struct.pack(">III", gid, count, total)
    return head + numbers + string(b"".join(member.encode() + b"\0" for member in members))


def group(name, gid, *members):
    return page(name, gid, len(members), len(members), *members)


def gids(*numbers):
    head = struct.pack(">BBHII", 1, 69, 0, len(numbers), len(numbers))
    return head + string(struct.pack(f">{len(numbers)}I", *numbers))


def keys(name, uid, *texts, total=None):
    head = struct.pack(">BBH", 1, 70, 0) + string(name.encode())
    count = struct.pack(">III", uid, len(texts), len(texts) if total is None else total)
    return head + count + string(b"".join(text.encode() + b"\0" for text in texts))


YES = {
    AUTH: [done(key=KEY)],
    ACCOUNT: [done()],
    OPEN: [done(key=KEY, exports=3, expires=4102444800, token=TOKEN)],
    CLOSE: [done()],
    PASSWD: [done()],
    STATUS: [done()],
}


class Request:
    """Who a request is about, and what it asks."""

    def __init__(self, packet):
        self.kind = packet[1]
        self.user = self.service = ""
        self.table = self.id = 0
        if self.kind == LOOKUP:
            self.table = packet[4]
            self.user, at = self._text(packet, 5)
            self.id = struct.unpack_from(">I", packet, at)[0]
        if self.kind in (AUTH, ACCOUNT, OPEN, PASSWD):
            self.service, at = self._text(packet, 13)
            self.user, at = self._text(packet, at)

    @staticmethod
    def _text(packet, at):
        length = struct.unpack_from(">I", packet, at)[0]
        return packet[at + 4 : at + 4 + length].decode("utf-8", "replace"), at + 4 + length


class Liar:
    """Says yes to everything, but where `says[user][kind]` holds other messages, or a function of
    the connection."""

    def __init__(self):
        self.says = {}
        self.knows = None  # a function of a LOOKUP's request, that gives the answer
        self.asked = []
        self.listeners = []

    @contextlib.contextmanager
    def listening(self):
        """While it lasts, the sockets of the host are the liar's."""
        os.makedirs(os.path.dirname(PRIVATE_SOCKET), mode=0o755, exist_ok=True)
        for path, mode in ((PRIVATE_SOCKET, 0o600), (PUBLIC_SOCKET, 0o666)):
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            listener.bind(path)
            os.chmod(path, mode)
            listener.listen(128)
            self.listeners.append(listener)
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        try:
            yield self
        finally:
            for listener in self.listeners:
                listener.shutdown(socket.SHUT_RDWR)
                listener.close()
            for path in (PRIVATE_SOCKET, PUBLIC_SOCKET):
                os.remove(path)

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            connection.settimeout(120)
            try:
                request = Request(connection.recv(1 << 18))
                self.asked.append(request)
                if request.kind == LOOKUP:
                    connection.send(self.knows(request))
                    connection.recv(1)
                    return
                answer = self.says.get(request.user, {}).get(request.kind, YES[request.kind])
                if callable(answer):
                    answer(connection)
                else:
                    self._answer(connection, answer)
            except (OSError, IndexError, KeyError, struct.error):
                pass

    @staticmethod
    def _answer(connection, messages):
        for message in messages:
            connection.send(message)
            if message[1:2] == b"\x40":
                connection.recv(1 << 18)
        # what is not taken is not lost by hanging up
        connection.recv(1 << 18)

    def users(self):
        return {request.user for request in self.asked}
