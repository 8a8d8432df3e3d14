"""A relay on the loopback between the daemon and the realm.

Used by realms.py, so that a case can cut the realm off, and count what is sent to it, whatever the
realm is. Changes a byte only where a case says so.
"""

import contextlib
import selectors
import socket
import threading


class Relay:
    def __init__(self, target_port):
        self.target = ("127.0.0.1", target_port)
        self.lock = threading.Lock()
        self.bytes_up = 0
        self.open = set()
        self.silent = False
        self.change = None
        self.listener = None
        self.held = None  # while down: the port, so that nobody else gets it
        self.port = 0
        self.up()

    def up(self):
        """Takes connections, on the port it had."""
        if self.listener:
            return
        if self.held:
            self.held.close()
            self.held = None
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(128)
        self.port = listener.getsockname()[1]
        self.listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def down(self):
        """Refuses connections, and cuts those that are open."""
        listener, self.listener = self.listener, None
        if listener:
            listener.shutdown(socket.SHUT_RDWR)
            self.held = listener
        with self.lock:
            pairs, self.open = self.open, set()
        for pair in pairs:
            for one in pair:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    @contextlib.contextmanager
    def silence(self):
        """While it lasts, connections are taken, and nothing comes back."""
        self.down()
        self.silent = True
        self.up()
        try:
            yield
        finally:
            self.down()
            self.silent = False
            self.up()

    @contextlib.contextmanager
    def spoil(self, change):
        """While it lasts, change(bytes of the server) says what goes on instead, piece by piece;
        the connection ends behind them. It takes new connections alone."""
        self.down()
        self.change = change
        self.up()
        try:
            yield
        finally:
            self.down()
            self.change = None
            self.up()

    @contextlib.contextmanager
    def gone(self):
        self.down()
        try:
            yield
        finally:
            self.up()

    @contextlib.contextmanager
    def black_hole(self):
        """While it lasts the address takes no SYN: its queue is full."""
        self.down()
        with socket.socket() as full, contextlib.ExitStack() as fillers:
            full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            full.bind(("127.0.0.1", self.port))
            full.listen(0)
            for _ in range(8):
                filler = fillers.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(full.getsockname())
            yield
        self.up()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client):
        try:
            server = socket.create_connection(self.target, timeout=10)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        pair = (client, server)
        with self.lock:
            self.open.add(pair)
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            try:
                while self._pass_on(selector, client):
                    pass
            except OSError:
                pass
        with self.lock:
            self.open.discard(pair)
        client.close()
        server.close()

    def _pass_on(self, selector, client):
        for key, _ in selector.select():
            data = key.fileobj.recv(65536)
            if not data:
                return False
            if key.fileobj is client:
                self._note(data)
            change = self.change
            if change and key.data is client:
                for piece in change(data):
                    client.sendall(piece)
                return False
            if not self.silent:
                key.data.sendall(data)
        return True

    def _note(self, data):
        with self.lock:
            self.bytes_up += len(data)


BROKEN = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"
# How one address of a realm is bad, as a context manager of its relay.
BAD = {
    "dead": Relay.gone,
    "silent": Relay.silence,
    "black hole": Relay.black_hole,
    "500": lambda relay: relay.spoil(lambda _: [BROKEN]),
}
