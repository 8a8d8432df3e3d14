"""The wire format for tests that speak to the daemon's sockets by themselves (see PROTOCOL.md)."""
import array
import os
import socket
import struct

AUTH, ANSWER, ACCOUNT, OPEN, CLOSE, PASSWD, STATUS, LOOKUP = range(1, 9)
EXPLAIN = 9
ASK, SHOW, DONE, USER_ENTRY, GROUP_ENTRY, GIDS_LIST, KEYS_LIST = range(64, 71)
USER, GROUP, GIDS, KEYS = 1, 2, 3, 4  # kinds of LOOKUP
NO_UID = 0xFFFFFFFF
CLASSES = ("ok refused forbidden expired unknown not-ours unreachable unavailable misconfigured "
           "internal conversation").split()


def text(value):
    value = value if isinstance(value, bytes) else value.encode()
    return struct.pack(">I", len(value)) + value


def head(kind, version=1):
    return struct.pack(">BBH", version, kind, 0)


def login(user="ada", uid=NO_UID, service="test", rhost="", tty="", access="", caller=0, no_token=0):
    return (struct.pack(">IIB", uid, caller, no_token) + text(service) + text(user) + text(rhost)
            + text(tty) + text(access))


def auth(**who):
    return head(AUTH) + login(**who)


def answer(typed, kind=1):
    return head(ANSWER) + bytes([kind]) + text(typed)


def account(key=b"", **who):
    return head(ACCOUNT) + login(**who) + text(key)


def open_session(key=b"", **who):
    return head(OPEN) + login(**who) + text(key)


def close_session(key):
    return head(CLOSE) + text(key)


def lookup(kind, name="", number=0, skip=0):
    return head(LOOKUP) + bytes([kind]) + text(name) + struct.pack(">II", number, skip)


def flush(name=""):
    return head(10) + text(name)


def adopt(name, write, number=""):
    return head(11) + text(name) + bytes([write]) + text(number)


def assign(write, client):
    return head(12) + bytes([write]) + text(client)


class Reply:
    def __init__(self, message):
        self.version, self.kind, _ = struct.unpack_from(">BBH", message)
        self.rest = message[4:]
        if self.kind == ASK:
            self.ask, self.echo = self.byte(), self.byte()
            self.text = self.string().decode()
        elif self.kind == SHOW:
            self.style = self.byte()
            self.text = self.string().decode()
        elif self.kind == DONE:
            self.cls = CLASSES[self.byte()]
            self.word = self.string().decode()
            self.key = self.string()
            self.exports = self.byte()
            self.expires, = struct.unpack_from(">Q", self.rest)
            self.rest = self.rest[8:]
            self.token = self.string()
            self.report = self.string().decode()
        elif self.kind == USER_ENTRY:
            self.name = self.string().decode()
            self.uid, self.gid = self.word32(), self.word32()
            self.gecos, self.home, self.shell = (self.string().decode() for _ in range(3))
        elif self.kind == GROUP_ENTRY:
            self.name, self.gid = self.string().decode(), self.word32()
            self.count, self.total = self.word32(), self.word32()
            self.members = [name.decode() for name in self.string().split(b"\0")[:-1]]
        elif self.kind == GIDS_LIST:
            self.count, self.total = self.word32(), self.word32()
            self.gids = list(struct.unpack(f">{self.count}I", self.string()))
        elif self.kind == KEYS_LIST:
            self.name, self.uid = self.string().decode(), self.word32()
            self.count, self.total = self.word32(), self.word32()
            self.keys = [key.decode() for key in self.string().split(b"\0")[:-1]]
        assert not self.rest, "bytes after the end of a reply"

    def byte(self):
        value, self.rest = self.rest[0], self.rest[1:]
        return value

    def word32(self):
        (value,), self.rest = struct.unpack_from(">I", self.rest), self.rest[4:]
        return value

    def string(self):
        length, = struct.unpack_from(">I", self.rest)
        value, self.rest = self.rest[4:4 + length], self.rest[4 + length:]
        return value


class Caller:
    """A connection to one of the sockets."""

    def __init__(self, path, timeout=10):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(timeout)
        self.socket.connect(path)

    def send(self, message, fds=(), credentials=None):
        control = []
        if fds:
            control.append((socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds)))
        if credentials:
            control.append((socket.SOL_SOCKET, socket.SCM_CREDENTIALS,
                            struct.pack("iII", *credentials)))
        self.socket.sendmsg([message], control)

    def receive(self):
        """A Reply, or None where the daemon has hung up."""
        try:
            message = self.socket.recv(1 << 18)
        except ConnectionResetError:
            return None
        return Reply(message) if message else None

    def ask(self, message, **beside):
        try:
            self.send(message, **beside)
        except BrokenPipeError:
            return None
        return self.receive()

    def done(self, message, **beside):
        """Sends, and reads on until DONE."""
        reply = self.ask(message, **beside)
        while reply and reply.kind == SHOW:
            reply = self.receive()
        return reply

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def own_credentials():
    return os.getpid(), os.geteuid(), os.getegid()
