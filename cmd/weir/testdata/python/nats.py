"""A small client of the NATS protocol under the names of nats-py that the robot of
docs/robots.md uses. Tests take it where nats-py is not installed. It connects once,
and does not come back when the connection ends."""
import asyncio, json, sys, traceback
from urllib.parse import urlsplit


async def connect(server, user=None, password=None, inbox_prefix=b"_INBOX", max_reconnect_attempts=0):
    at = urlsplit(server)
    client = Client(*await asyncio.open_connection(at.hostname, at.port, limit=1 << 20))
    await client.login({"user": user, "pass": password, "verbose": False, "headers": True, "lang": "python", "version": "0"})
    return client


class Client:
    def __init__(self, reader, writer):
        self._reader, self._writer, self._queues, self._tasks = reader, writer, {}, []

    async def login(self, options):
        await self._reader.readline()  # INFO
        await self._send(b"CONNECT " + json.dumps(options).encode() + b"\r\nPING\r\n")
        answer = await self._reader.readline()
        if answer != b"PONG\r\n":
            raise ConnectionError(answer.decode().strip())
        self._tasks.append(asyncio.create_task(self._read()))

    async def publish(self, subject, payload=b"", headers=None):
        head, sizes = b"", [len(payload)]
        if headers:
            head = ("NATS/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n").encode()
            sizes = [len(head), len(head) + len(payload)]
        command = " ".join(["HPUB" if headers else "PUB", subject, *map(str, sizes)])
        await self._send(command.encode() + b"\r\n" + head + payload + b"\r\n")

    async def subscribe(self, subject, cb):
        sid = str(len(self._queues) + 1)
        self._queues[sid] = asyncio.Queue()
        self._tasks.append(asyncio.create_task(self._serve(self._queues[sid], cb)))
        await self._send(f"SUB {subject} {sid}\r\n".encode())

    async def _send(self, data):
        self._writer.write(data)
        await self._writer.drain()

    async def _serve(self, queue, cb):
        while msg := await queue.get():
            try:
                await cb(msg)
            except Exception:  # the next message is not to blame
                traceback.print_exc()

    async def _read(self):
        while line := await self._reader.readline():
            verb, *args = line.decode().split()
            if verb == "PING":
                await self._send(b"PONG\r\n")
            elif verb == "-ERR":
                print(line.decode(), file=sys.stderr)
            elif verb in ("MSG", "HMSG"):
                await self._take(args, args.pop(-2) if verb == "HMSG" else 0)

    async def _take(self, args, head):
        subject, sid, *reply, total = args
        body = (await self._reader.readexactly(int(total) + 2))[:-2]
        fields = [line.partition(":") for line in body[:int(head)].decode().split("\r\n")[1:] if line]
        headers = {name: value.strip() for name, _, value in fields}
        self._queues[sid].put_nowait(Msg(self, subject, "".join(reply), body[int(head):], headers or None))


class Msg:
    def __init__(self, client, subject, reply, data, headers):
        self._client, self.subject, self.reply, self.data, self.headers = client, subject, reply, data, headers

    async def respond(self, data):
        await self._client.publish(self.reply, data, headers=self.headers)
