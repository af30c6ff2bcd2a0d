"""A worker in a network of its own, and the one way out of it, which can be cut.

The worker has a network namespace with nothing but loopback in it. At each address of a server there a socket listens
that is served by the test, which is outside: it passes bytes on to the server, or holds them back without a word, as a
broken line does. So whatever library the worker connects with, it takes this way, and nobody else does.
"""

import asyncio
import contextlib
import socket
import sys
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from infra.home import LOOPBACK, Home
from tests.chaos.trial import Trial
from tests.running import Worker

_INSIDE = """
import array, fcntl, os, socket, struct, sys
probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(probe, 0x8914, struct.pack("16sh22x", b"lo", 0x41))  # SIOCSIFFLAGS: up and running
listeners = [socket.create_server(("127.0.0.1", int(port)), backlog=128) for port in sys.argv[2].split(",")]
with socket.socket(fileno=int(sys.argv[1])) as out:
    socket.send_fds(out, [b"."], [each.fileno() for each in listeners])
for each in listeners:
    each.close()
os.execv(sys.executable, [sys.executable, "-P", "-m", "streams"])
"""


class Path:
    """Passes connections on to the servers on *ports*; `cut` those of some of them, and no byte passes any more."""

    def __init__(self, listeners: Sequence[socket.socket], ports: Sequence[int]) -> None:
        self._ports = dict(zip(listeners, ports, strict=True))
        self._cut: frozenset[int] = frozenset()
        self._loop = asyncio.new_event_loop()
        self._whole = {port: asyncio.Event() for port in ports}
        for event in self._whole.values():
            event.set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def open(self) -> None:
        """Begin to pass connections on."""
        self._thread.start()
        for listener, port in self._ports.items():
            asyncio.run_coroutine_threadsafe(self._serve(listener, port), self._loop).result(10)

    def close(self) -> None:
        """Pass nothing on any more."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        for listener in self._ports:
            listener.close()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    @contextmanager
    def cut(self, ports: Collection[int]) -> Iterator[None]:
        """Let no byte from or to *ports* pass while the block runs; what was on its way then arrives late."""
        self._set(ports, whole=False)
        try:
            yield
        finally:
            self._set(ports, whole=True)

    def _set(self, ports: Collection[int], *, whole: bool) -> None:
        for port in ports:
            event = self._whole[port]
            self._loop.call_soon_threadsafe(event.set if whole else event.clear)

    async def _serve(self, listener: socket.socket, port: int) -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._whole[port].wait()
            with contextlib.suppress(OSError):
                to_reader, to_writer = await asyncio.open_connection(LOOPBACK, port)
                await asyncio.gather(self._pass_on(reader, to_writer, port), self._pass_on(to_reader, writer, port))

        await asyncio.start_server(connected, sock=listener)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        try:
            while part := await reader.read(65_536):
                await self._whole[port].wait()
                writer.write(part)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


@contextmanager
def remote_worker(trial: Trial) -> Iterator[tuple[Worker, Path]]:
    """Run a worker whose only way to the servers is the path that is yielded with it."""
    ports = _ports(trial.home)
    ours, its = socket.socketpair()
    with ours, its:
        its.set_inheritable(True)
        command = [
            "unshare",
            "--net",
            sys.executable,
            "-P",
            "-c",
            _INSIDE,
            str(its.fileno()),
            ",".join(map(str, ports)),
        ]
        worker = trial.worker(command=command, inherits=[its.fileno()])
        its.close()
        ours.settimeout(30)
        _, found, _, _ = socket.recv_fds(ours, 1, len(ports))
    path = Path([socket.socket(fileno=each) for each in found], ports)
    path.open()
    try:
        yield worker, path
    finally:
        if worker.runs:
            worker.kill()
        path.close()


def _ports(home: Home) -> list[int]:
    ports = home.ports
    return [*ports.brokers, ports.registry, ports.postgres, ports.access]
