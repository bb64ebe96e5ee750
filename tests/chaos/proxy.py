"""A TCP proxy before Redis: cuts connections, or swallows replies or what replicas are sent."""

import asyncio
import threading
from contextlib import suppress

from carveout.runtime.ports import HOST
from tests.servers import free_port, stop_listening

CHUNK = 65_536
END_TIMEOUT_S = 5.0


class Proxy:
    """Forwards to a port of this machine, in a thread of its own."""

    def __init__(self, upstream: int) -> None:
        self.port = free_port()
        self._upstream = upstream
        self._mute = False
        self.starving = False
        """Are replicas sent nothing? To end it, their connections have to end too."""
        self._replicas: set[asyncio.StreamWriter] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._serve, HOST, self.port))

    def cut(self) -> None:
        """End all connections; new ones are welcome."""
        self._loop.call_soon_threadsafe(self._close_all)

    def mute(self, seconds: float) -> None:
        """Let commands through and swallow the replies, then cut."""
        self._mute = True

        def speak() -> None:
            self._mute = False
            self._close_all()

        self._loop.call_soon_threadsafe(self._loop.call_later, seconds, speak)

    def close(self) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        await stop_listening(self._server)
        for writer in self._writers:
            writer.transport.abort()  # also if nobody reads what is still to be sent
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:  # they end by themselves: their connections are closed
            await asyncio.wait(left, timeout=END_TIMEOUT_S)

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def _close_all(self) -> None:
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there, back = await asyncio.open_connection(HOST, self._upstream)
            self._writers |= {writer, back}
            await asyncio.gather(self._tell(reader, back, writer), self._answer(there, writer))
            self._writers -= {writer, back}
            self._replicas.discard(writer)
        writer.close()

    async def _tell(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
    ) -> None:
        """Pass on what a client says, and remember the replicas among them."""
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                if b"PSYNC" in data:
                    self._replicas.add(client)
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                if not (self._mute or (self.starving and writer in self._replicas)):
                    writer.write(data)
                    await writer.drain()
        writer.close()
