"""A hostile HTTP server before the demo realm: each host name that it is called by is a case.

Used by test-faults.py. A case spoils the answers of one endpoint for as long as it is told to; all
else passes through to the demo realm as it is. Listens on the loopback alone.
"""
import collections
import http.client
import queue
import socket
import struct
import threading
import time
import urllib.parse

ENDPOINTS = {"/.well-known/openid-configuration": "discovery", "/certs": "jwks", "/token": "token",
             "/logout": "logout", "/revoke": "revoke"}
Request = collections.namedtuple("Request", "method path head body host endpoint")


def head(status, *lines):
    return f"HTTP/1.1 {status} Whatever\r\n".encode() + b"".join(
        (line if isinstance(line, bytes) else line.encode()) + b"\r\n" for line in lines) + b"\r\n"


def answer(status, body=b"", *lines, kind="application/json"):
    """A whole answer with its length."""
    body = body if isinstance(body, bytes) else body.encode()
    lines = [f"Content-Length: {len(body)}", *lines]
    return head(status, *([f"Content-Type: {kind}"] if kind else []), *lines) + body


class Exchange:
    """One request and what a fault may do with it; a fault returns whether the connection stays."""

    def __init__(self, server, connection, request):
        self.server, self.connection, self.request = server, connection, request

    def good(self):
        """The body of the answer that the realm gives, always a 200 or a 204."""
        return self.server.ask(self.request)[1]

    def send(self, data):
        self.connection.sendall(data)
        return True

    def close(self, data=b""):
        self.connection.sendall(data)
        return False

    def endless(self, again, first=b""):
        """Until the caller goes."""
        self.send(first)
        again = again * (65536 // len(again) + 1)
        while True:
            self.send(again)

    def drip(self, data, gap=1.0):
        """A byte a second: it never is an answer in time."""
        for byte in data:
            self.send(bytes([byte]))
            if not self.wait(gap):
                return False
        return True

    def wait(self, seconds):
        """False where the caller has gone."""
        self.connection.settimeout(seconds)
        try:
            return bool(self.connection.recv(1, socket.MSG_PEEK))
        except TimeoutError:
            return True
        finally:
            self.connection.settimeout(None)

    def hang(self):
        self.wait(60)
        return False

    def reset(self, data=b""):
        self.send(data)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False


class Hostile:
    """Use it in a with statement; `realm` is the demo realm's URL, `faults` maps (host, endpoint)
    to the fault that is in force there."""

    def __init__(self, realm):
        self.realm = urllib.parse.urlsplit(realm)
        self.spare = queue.LifoQueue()
        self.faults = {}
        self.requests = collections.Counter()  # (host, endpoint)
        self.bodies = collections.defaultdict(list)
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        while not self.spare.empty():
            self.spare.get().close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                while self._exchange(connection):
                    pass
            except (OSError, ValueError):
                pass

    def _exchange(self, connection):
        request = self._read(connection)
        if request is None:
            return False
        with self.lock:
            self.requests[request.host, request.endpoint] += 1
            self.bodies[request.host].append((request.endpoint, request.body))
        fault = self.faults.get((request.host, request.endpoint))
        if fault:
            return fault(Exchange(self, connection, request))
        status, body, kind = self.ask(request)
        connection.sendall(answer(status, body, kind=kind))
        return True

    @staticmethod
    def _read(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return None
            data += more
        top, body = data.split(b"\r\n\r\n", 1)
        lines = top.decode("latin-1").split("\r\n")
        method, path, _ = lines[0].split(" ")
        names = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines[1:]}
        while len(body) < int(names.get("content-length", 0)):
            body += connection.recv(65536)
        endpoint = next((word for end, word in ENDPOINTS.items() if path.endswith(end)), "else")
        return Request(method, path, names, body, names["host"].rsplit(":", 1)[0], endpoint)

    def ask(self, request):
        """What the demo realm says: status, body, type."""
        try:
            realm = self.spare.get_nowait()
        except queue.Empty:
            realm = http.client.HTTPConnection(self.realm.hostname, self.realm.port, timeout=30)
        headers = {name: request.head[name] for name in ("host", "content-type", "accept")
                   if name in request.head}
        realm.request(request.method, request.path, request.body or None, headers)
        got = realm.getresponse()
        result = got.status, got.read(), got.getheader("Content-Type")
        self.spare.put(realm)
        return result


def sleep_until(true, seconds):
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
