"""Small servers on loopback that play AWS: a scripted one, AppConfigData, the two extensions, and a faulty proxy.

AppConfigData and the extensions are written from AWS's documentation ("AWS AppConfig Data API Reference", "Using
Parameter Store parameters in Lambda functions", "Using AWS AppConfig Agent with AWS Lambda"), because moto has neither.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import urllib.parse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Call:
    """One request as a server saw it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        """The operation's name for the JSON protocol, the path otherwise."""
        return self.headers.get("x-amz-target", self.target.partition("?")[0]).rpartition(".")[2]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def query(self) -> dict[str, str]:
        return dict(urllib.parse.parse_qsl(self.target.partition("?")[2], keep_blank_values=True))


@dataclass
class Answer:
    """What a server answers: a status with a body, or the raw bytes of anything at all."""

    body: bytes | str | dict[str, Any] | list[Any] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    close: bool = False

    def pieces(self) -> Iterator[bytes]:
        """What is sent, one by one."""
        yield self.encode()

    def encode(self) -> bytes:
        if self.raw is not None:
            return self.raw
        body = self.body
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        lines = [f"HTTP/1.1 {self.status} Whatever", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def aws_error(code: str, message: str = "", status: int = 400) -> Answer:
    """Return an error as the JSON 1.1 protocol words it."""
    return Answer({"__type": f"com.amazonaws.service#{code}", "message": message}, status)


class Server:
    """A threaded HTTP/1.1 server whose `answer(call)` may be replaced at any time; keeps all calls."""

    def __init__(self, answer: Callable[[Call], Answer | None], tls: Any = None) -> None:
        self.answer = answer
        self.calls: list[Call] = []
        self.connections = 0
        self._tls = tls
        self._open: list[socket.socket] = []
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}"

    @property
    def operations(self) -> list[str]:
        return [call.operation for call in self.calls]

    @property
    def stopping(self) -> threading.Event:
        """Set when the server is being stopped: what an answer that delays waits for."""
        return self._stopping

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            self._open.append(connection)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError, EOFError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            self.connections += 1
            reader = connection.makefile("rb")
            while not self._stopping.is_set():
                call = _read_call(reader)
                if call is None:
                    break
                self.calls.append(call)
                answer = self.answer(call)
                if answer is None:
                    break
                for piece in answer.pieces():
                    connection.sendall(piece)
                if answer.close or answer.raw is not None:
                    break
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()

    def hang_up(self) -> None:
        """Close every connection, as a load balancer does with idle ones."""
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def stop(self) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        for thread in [self._accepting, *self._threads]:
            thread.join(5)


def _read_call(reader: Any) -> Call | None:
    line = reader.readline(65537)
    if not line:
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers = {name.lower(): value for name, value in http.client.parse_headers(reader).items()}
    return Call(method, target, headers, reader.read(int(headers.get("content-length", 0))))


@contextlib.contextmanager
def serving(answer: Callable[[Call], Answer | None], tls: Any = None) -> Iterator[Server]:
    """Run a server for the time of a `with` block."""
    server = Server(answer, tls)
    try:
        yield server
    finally:
        server.stop()


class FakeSsm:
    """Parameters in a dict, answered as the Systems Manager API Reference says. Counts nothing, checks the limits."""

    def __init__(self, **parameters: str) -> None:
        self.parameters = dict(parameters)
        self.types: dict[str, str] = {}
        self.denied: set[str] = set()

    def __call__(self, call: Call) -> Answer:
        request = call.json
        if call.operation == "GetParameter":
            return self._one(request["Name"], decrypt=request["WithDecryption"])
        if call.operation == "GetParameters":
            names = request["Names"]
            if len(names) > 10:
                return aws_error("ValidationException", "at most ten")
            if self.denied & set(names):
                return aws_error("AccessDeniedException", denied_message("ssm:GetParameters", "*"))
            found = [
                self._parameter(name, decrypt=request["WithDecryption"]) for name in names if name in self.parameters
            ]
            return Answer({"Parameters": found, "InvalidParameters": [n for n in names if n not in self.parameters]})
        if call.operation == "GetParametersByPath":
            prefix = request["Path"].rstrip("/") + "/"
            found = [
                self._parameter(name, decrypt=request["WithDecryption"])
                for name in sorted(self.parameters)
                if name.startswith(prefix) and (request["Recursive"] or "/" not in name[len(prefix) :])
            ]
            start = int(request.get("NextToken") or 0)
            more = {"NextToken": str(start + 10)} if len(found) > start + 10 else {}
            return Answer({"Parameters": found[start : start + 10], **more})
        return aws_error("UnknownOperationException")

    def _one(self, name: str, *, decrypt: bool) -> Answer:
        if name in self.denied:
            return aws_error("AccessDeniedException", denied_message("ssm:GetParameter", f"parameter{name}"))
        if name not in self.parameters:
            return aws_error("ParameterNotFound")
        return Answer({"Parameter": self._parameter(name, decrypt=decrypt)})

    def _parameter(self, name: str, *, decrypt: bool) -> dict[str, Any]:
        kind = self.types.get(name, "String")
        value = self.parameters[name]
        if kind == "SecureString" and not decrypt:
            value = "AQICAH-ciphertext"
        return {"Name": name, "Type": kind, "Value": value, "Version": 1}


def denied_message(action: str, resource: str) -> str:
    """Return the message of an AccessDeniedException as IAM words it."""
    return (
        f"User: arn:aws:sts::111122223333:assumed-role/todos/fn is not authorized to perform: {action} on resource: "
        f"arn:aws:ssm:eu-central-1:111122223333:{resource} because no identity-based policy allows the {action} action"
    )


@dataclass
class FakeAppConfigData:
    """Sessions and single-use tokens; every token that was ever sent is remembered."""

    content: bytes = b'{"page_size": 20}'
    content_type: str = "application/json"
    interval: int = 60
    deployed: bool = True
    spent: list[str] = field(default_factory=list)
    issued: int = 0
    known: dict[str, bytes | None] = field(default_factory=dict)

    def __call__(self, call: Call) -> Answer:
        if call.target == "/configurationsessions" and call.method == "POST":
            if not self.deployed:
                return Answer({"Message": "no such profile"}, 404, {"x-amzn-ErrorType": "ResourceNotFoundException"})
            return Answer({"InitialConfigurationToken": self._issue(None)}, 201)
        token = call.query["configuration_token"]
        if token in self.spent or token not in self.known:
            return Answer({"Message": "bad token"}, 400, {"x-amzn-ErrorType": "BadRequestException"})
        self.spent.append(token)
        body = b"" if self.known[token] == self.content else self.content
        headers = {
            "Next-Poll-Configuration-Token": self._issue(self.content),
            "Next-Poll-Interval-In-Seconds": str(self.interval),
            "Content-Type": self.content_type,
        }
        return Answer(body, 200, headers)

    def _issue(self, knows: bytes | None) -> str:
        self.issued += 1
        token = f"token+{self.issued}/="
        self.known[token] = knows
        return token

    def forget_tokens(self) -> None:
        """Let every outstanding token expire."""
        self.known.clear()


class FakeExtension:
    """The Parameters and Secrets extension, in front of what `backend(operation, request)` answers; and the agent."""

    def __init__(self, backend: Callable[[Call], Answer], token: str = "session-token") -> None:
        self.backend = backend
        self.token = token
        self.configurations: dict[str, Answer] = {}

    def __call__(self, call: Call) -> Answer:
        path = urllib.parse.unquote(call.target.partition("?")[0])
        if path.startswith("/applications/"):
            return self.configurations.get(path, Answer({"Message": "no such configuration"}, 404))
        if call.headers.get("x-aws-parameters-secrets-token") != self.token:
            return Answer("authorization failed", 401)
        query = call.query
        if path == "/systemsmanager/parameters/get":
            pinned = query.get("version") or query.get("label")
            name = query["name"] + (f":{pinned}" if pinned else "")
            request = {"Name": name, "WithDecryption": query.get("withDecryption") == "true"}
            operation = "AmazonSSM.GetParameter"
        elif path == "/secretsmanager/get":
            names = {"secretId": "SecretId", "versionStage": "VersionStage", "versionId": "VersionId"}
            request = {names[name]: value for name, value in query.items()}
            operation = "secretsmanager.GetSecretValue"
        else:
            return Answer("not found", 404)
        headers = {"x-amz-target": operation, "content-type": "application/x-amz-json-1.1"}
        answer = self.backend(Call("POST", "/", headers, json.dumps(request).encode()))
        if answer.status == 200:
            return answer
        error = json.loads(answer.body) if not isinstance(answer.body, dict) else answer.body
        code = error["__type"].rpartition("#")[2]
        return Answer(f"operation error, https response error StatusCode: {answer.status}, api error {code}: …", 400)


def forward(url: str) -> Callable[[Call], Answer]:
    """Return an answerer that passes every call on to another server: the start of a faulty proxy."""
    address = urllib.parse.urlsplit(url)

    def answer(call: Call) -> Answer:
        headers = {name: value for name, value in call.headers.items() if name not in {"host", "content-length"}}
        service = "secretsmanager" if "secretsmanager" in call.headers.get("x-amz-target", "") else "ssm"
        headers.setdefault(
            "authorization", f"AWS4-HMAC-SHA256 Credential=a/20260101/eu-central-1/{service}/aws4_request"
        )
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        try:
            connection.request(call.method, call.target, call.body, headers)
            response = connection.getresponse()
            return Answer(response.read(), response.status, {"Content-Type": "application/x-amz-json-1.1"})
        finally:
            connection.close()

    return answer
