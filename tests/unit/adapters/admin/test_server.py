"""The admin API over its real socket, through the real client."""

import socket
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import pytest

from tests.support.admin_agent import admin_agent
from tests.support.operator_desk import RAW_NAME, OperatorDesk, small_desk
from tests.support.ports import wait_until
from tests.support.small_tree import SmallFiller, SmallTree
from warpdrive.adapters.admin.client import AgentClient, AgentRefused, AgentUnreachable
from warpdrive.application.mount.manifest import ManifestEntry
from warpdrive.application.mount.warming import WarmRequest


@pytest.fixture
def agent() -> OperatorDesk:
    """A desk over a small tree."""
    return small_desk()


@pytest.fixture
def path(agent: OperatorDesk, tmp_path: Path) -> Iterator[Path]:
    """The socket of a running agent."""
    path = tmp_path / "admin.sock"
    with admin_agent(agent, path):
        yield path


@pytest.fixture
def client(path: Path) -> Iterator[AgentClient]:
    """A client of it."""
    with AgentClient(path) as client:
        yield client


def raw(path: Path, method: str, url: str, content: bytes | None = None) -> httpx.Response:
    """Ask without our client."""
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://agent") as http:
        return http.request(method, url, content=content)


def test_status_tells_all_there_is_to_know(client: AgentClient) -> None:
    """Who runs, what is mounted, how the cache and the health are, what is hidden."""
    status = client.status()
    assert (status["version"], status["pid"], status["mount_point"]) == ("0.1.0", 4242, "/data")
    assert 0 <= status["uptime"] < 60
    assert status["entries"][0] == {
        "path": "/photos",
        "backend": "photos",
        "type": "s3",
        "state": "online",
        "version_strength": "strong",
    }
    assert status["entries"][1]["state"] == "the azure extra is not installed"
    assert status["cache"]["max_bytes"] == 1024
    assert status["health"]["status"] == "ok"
    assert [check["name"] for check in status["health"]["checks"]] == ["mount", "backend:photos"]
    assert status["hidden"] == {"empty component": 1}


def test_hidden_keys_keep_their_raw_bytes(client: AgentClient) -> None:
    """A name that is no UTF-8 comes back as it is in the bucket."""
    assert client.hidden() == [
        {"path": "/photos", "backend": "photos", "key": f"a//{RAW_NAME}", "reason": "empty component"}
    ]


def test_stats_are_counters_by_name(client: AgentClient) -> None:
    """The read path's and the cache's."""
    stats = client.stats()
    assert (stats["reads_hit"], stats["reads_missed"], stats["cache_evicted_blocks"]) == (7, 3, 5)


def test_warm_streams_progress_until_it_is_complete(client: AgentClient, agent: OperatorDesk) -> None:
    """The last line is the result; the bytes are there."""
    lines = list(client.warm(WarmRequest("/photos", recursive=True)))
    assert [line["finished"] for line in lines] == [False] * (len(lines) - 1) + [True]
    assert (lines[-1]["complete"], lines[-1]["files"], lines[-1]["bytes"]) == (True, 4, 605)
    assert agent.filler.cached[f"/photos/deep/{RAW_NAME}"] == 5


def test_warm_says_what_failed_and_what_is_missing(tmp_path: Path) -> None:
    """By name, with the backend's words."""
    agent = OperatorDesk(SmallTree({"/photos/a": 10, "/photos/b": 20}), SmallFiller(broken=["/photos/b"]))
    with admin_agent(agent, tmp_path / "s"), AgentClient(tmp_path / "s") as client:
        result = list(client.warm(WarmRequest("/photos")))[-1]
    assert not result["complete"]
    assert result["failures"] == [{"path": "/photos/b", "detail": "unavailable: cannot reach /photos/b"}]
    assert (result["missing"], result["missing_bytes"]) == (["/photos/b"], 20)


def test_check_only_looks(client: AgentClient, agent: OperatorDesk) -> None:
    """Nothing is fetched."""
    result = list(client.warm(WarmRequest("/photos", check=True)))[-1]
    assert (result["missing_files"], result["missing_bytes"]) == (2, 300)
    assert agent.filler.fetched == []


def test_a_client_that_goes_away_stops_the_run(client: AgentClient, agent: OperatorDesk) -> None:
    """Ctrl-C in the tool: the agent fetches no further."""
    agent.filler.gate = anyio.Event()
    lines = client.warm(WarmRequest("/photos", recursive=True))
    next(lines)
    wait_until(lambda: agent.filler.busy == 4)
    lines.close()
    wait_until(lambda: agent.filler.busy == 0)
    assert agent.filler.cancelled == 4


def test_an_agent_that_stops_ends_the_stream_in_order(tmp_path: Path) -> None:
    """The client is told, and stopping does not wait for the run."""
    agent = small_desk()
    agent.filler.gate = anyio.Event()
    with AgentClient(tmp_path / "s") as client:
        with admin_agent(agent, tmp_path / "s"):
            lines = client.warm(WarmRequest("/photos"))
            next(lines)
            wait_until(lambda: agent.filler.busy == 2)
        with pytest.raises(AgentRefused, match="stopping") as raised:
            list(lines)
    assert raised.value.kind == "stopping"
    assert agent.filler.busy == 0


def test_a_missing_path_is_said_in_the_stream(client: AgentClient) -> None:
    """As the error that it is."""
    with pytest.raises(AgentRefused, match="/nowhere") as raised:
        list(client.warm(WarmRequest("/nowhere")))
    assert raised.value.kind == "no_such_entry"


def test_prefetch_hands_over_the_order(client: AgentClient, agent: OperatorDesk) -> None:
    """Paths, ranges and raw names arrive as they were."""
    entries = [
        ManifestEntry("/photos/b"),
        ManifestEntry("/photos/a", ((0, 100), (4096, None))),
        ManifestEntry(f"/photos/{RAW_NAME}"),
    ]
    assert client.prefetch(entries) == 3
    assert agent.order.entries == entries


def test_prefetch_takes_plain_paths_too(path: Path, agent: OperatorDesk) -> None:
    """For people with curl."""
    answer = raw(path, "POST", "/prefetch", b'{"manifest": ["/photos/a", {"path": "/photos/b", "ranges": [[0, 9]]}]}')
    assert (answer.status_code, answer.json()) == (200, {"accepted": 2})
    assert agent.order.entries == [ManifestEntry("/photos/a"), ManifestEntry("/photos/b", ((0, 9),))]


def test_evict_drops_what_is_below(client: AgentClient, agent: OperatorDesk) -> None:
    """Files that hold nothing are not counted."""
    agent.filler.cached = {"/photos/a": 100, "/photos/deep/c": 40}
    assert client.evict("/photos") == {"files": 2, "bytes": 140, "failures": []}
    assert agent.filler.cached == {}
    assert client.evict("/photos") == {"files": 0, "bytes": 0, "failures": []}


def test_evict_names_what_it_could_not_drop(tmp_path: Path) -> None:
    """And a directory that could not be listed."""
    tree = SmallTree({"/photos/a": 10, "/photos/b": 20}, unlisted=["/photos/locked"])
    agent = OperatorDesk(tree, SmallFiller(broken=["/photos/b"]))
    agent.filler.cached = {"/photos/a": 10, "/photos/b": 20}
    with admin_agent(agent, tmp_path / "s"), AgentClient(tmp_path / "s") as client:
        answer = client.evict("/")
    assert (answer["files"], answer["bytes"]) == (1, 10)
    assert [fault["path"] for fault in answer["failures"]] == ["/photos/locked", "/photos/b"]


def test_a_bad_request_is_400_with_the_fault_in_json(path: Path) -> None:
    """The field is named."""
    for url, body, words in (
        ("/warm", b"{", "not JSON"),
        ("/warm", b"{}", "path"),
        ("/warm", b'{"path": "/", "speed": 9}', "speed"),
        ("/warm", b'{"path": "/", "workers": "many"}', "workers"),
        ("/warm", b'{"path": "photos"}', "start with '/'"),
        ("/warm", b'{"path": "/", "workers": 0}', "workers"),
        ("/prefetch", b'{"manifest": [{"path": "/a", "ranges": [[5, 5]]}]}', "empty range"),
        ("/prefetch", b'{"manifest": ["a"]}', "start with '/'"),
        ("/prefetch", b'{"manifest": [7]}', "manifest"),
        ("/evict", b"[]", "object"),
    ):
        answer = raw(path, "POST", url, body)
        assert answer.status_code == 400, body
        error = answer.json()["error"]
        assert error["kind"] == "bad_request"
        assert words in error["message"]


def test_other_faults_are_json_with_a_message_too(path: Path) -> None:
    """An absent path, an unknown verb, a wrong method."""
    absent = raw(path, "POST", "/evict", b'{"path": "/nowhere"}')
    assert (absent.status_code, absent.json()["error"]["kind"]) == (404, "no_such_entry")
    assert raw(path, "GET", "/nothing").json()["error"]["message"]
    for method, url, status in (("GET", "/nothing", 404), ("GET", "/warm", 405), ("POST", "/status", 405)):
        answer = raw(path, method, url)
        assert answer.status_code == status
        assert answer.json()["error"]["message"]


def test_no_agent_is_a_clear_error(tmp_path: Path) -> None:
    """It names the socket and what to do; with a dead agent's socket as well."""
    with AgentClient(tmp_path / "none.sock") as client:
        with pytest.raises(AgentUnreachable, match=r"none\.sock \(no such socket\); start warpdrive-mount.*--socket"):
            client.status()
        with pytest.raises(AgentUnreachable, match=r"none\.sock"):
            list(client.warm(WarmRequest("/")))
    dead = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(dead))
    with AgentClient(dead) as client, pytest.raises(AgentUnreachable, match="refused"):
        client.stats()
