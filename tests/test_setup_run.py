"""`make run` as a person meets it: started, started twice, killed, started again, stopped.

The product that is started here keeps its data in a directory of its own, and loads its
demonstration once. Most tests only look at it while it runs.
"""

import ast
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import psutil
import psycopg2
import pytest

from expansive_cm.services.preloaded import is_possible
from tests.product import ROOT, Product
from tests.worker import wait_until

LISTEN = psutil.CONN_LISTEN

# One copy serves all tests of this file, and its data those of the demonstration.
pytestmark = pytest.mark.xdist_group("run")


People = list[tuple[str, int]]


def people_and_changes(product: Product) -> People:
    """Return the key of everybody and of every change in the running product."""
    address = product.state()["environment"]["DATABASE_URL"]
    with closing(psycopg2.connect(address)) as asked, asked.cursor() as cursor:
        cursor.execute(
            "SELECT 'person', id FROM accounts_user UNION ALL SELECT 'change', id"
            " FROM changes_change ORDER BY 1, 2"
        )
        found = cursor.fetchall()
    assert {kind for kind, _key in found} == {"person", "change"}
    return found


def as_a_command_finds_them(product: Product) -> People:
    """Return the same from a management command."""
    sentence = (
        "from accounts.models import User; from changes.models import Change; "
        "print([(kind, key) for kind, M in (('change', Change), ('person', User))"
        " for key in M.objects.order_by('pk').values_list('pk', flat=True)])"
    )
    done = product.again("--manage", "shell", "--no-imports", "-c", sentence)
    assert done.returncode == 0, done.stderr
    return list(ast.literal_eval(done.stdout.strip().splitlines()[-1]))


def still_there(numbers: Iterable[int]) -> list[int]:
    """Which of these processes still live after a while."""
    found = [psutil.Process(number) for number in numbers if psutil.pid_exists(number)]
    _gone, living = psutil.wait_procs(found, timeout=60)
    return [process.pid for process in living]


@pytest.fixture
def product(copy_of_it: Product, as_first_started: object) -> Product:
    """The product while it runs."""
    if not copy_of_it.is_running:
        copy_of_it.start()
    return copy_of_it


def test_it_steps_over_an_occupied_port_and_answers(product: Product) -> None:
    address = product.state()["address"]
    assert address.startswith("http://127.0.0.1:")
    assert int(address.rpartition(":")[2]) > product.port
    assert address in product.said()
    assert f"Port {product.port} is taken by another program" in product.said()
    assert product.get("/healthz") == product.get("/readyz") == 200


def test_it_prints_a_login_for_every_role(product: Product) -> None:
    from accounts.demo import demo_cast

    logins = product.said().partition(product.state()["address"])[2]
    for role in {str(person.role) for person in demo_cast()}:
        assert role in logins, role


def test_pages_find_their_styles_and_scripts(product: Product) -> None:
    manifest = json.loads((product.data / "static" / "staticfiles.json").read_text())["paths"]
    for name in ("vendor/tabler/css/tabler.min.css", "vendor/chart.js/chart.umd.min.js"):
        assert product.get(f"/static/{manifest[name]}") == 200


def test_a_second_start_points_to_the_first_and_leaves_it_alone(product: Product) -> None:
    before = product.parts()
    done = product.again()
    assert done.returncode == 0
    assert f"running here already: {product.state()['address']}" in done.stdout
    assert product.parts() == before
    assert product.get("/readyz") == 200


@pytest.mark.skipif(not is_possible(), reason="this system forks nothing")
def test_its_processes_share_what_one_has_loaded(product: Product) -> None:
    parts = product.parts()
    first = psutil.Process(parts["loaded"])
    assert {parts["web"], parts["worker"], parts["beat"]} == {one.pid for one in first.children()}
    assert first.num_threads() == 1, "a fork takes one thread along"
    # One listens, one is asked, and one tells of each that was forked. No other is a connection.
    opened = [os.readlink(one) for one in Path(f"/proc/{first.pid}/fd").iterdir()]
    assert sum(one.startswith("socket:") for one in opened) == 5, "it shares no connection"


def test_the_port_stays_its_own_while_no_web_server_runs(product: Product) -> None:
    # One that starts again, and what loads it, take the socket over from the supervisor.
    assert product.process
    supervisor = psutil.Process(product.process.pid)
    listens = {one.laddr.port for one in supervisor.net_connections("inet") if one.status == LISTEN}
    assert listens == {int(product.state()["address"].rpartition(":")[2])}


def test_running_data_are_not_thrown_away(product: Product) -> None:
    done = product.again("--reset")
    assert done.returncode == 1
    assert "stop it with Ctrl-C" in done.stdout
    assert product.get("/readyz") == 200


def test_a_management_command_works_beside_it(product: Product) -> None:
    assert as_a_command_finds_them(product) == people_and_changes(product)


def test_pages_are_served_while_valkey_is_down(product: Product) -> None:
    killed = product.parts()["valkey"]
    os.kill(killed, signal.SIGKILL)
    assert product.get("/readyz") == 200
    assert product.get("/account/login/") == 200
    wait_until(lambda: product.parts().get("valkey", killed) != killed)


def test_a_killed_start_blocks_nothing_and_loses_nothing(product: Product) -> None:
    key = (product.data / "secret-key").read_text()
    before = people_and_changes(product)
    orphans = list(product.parts().values())
    product.send(signal.SIGKILL)
    product.start()
    assert still_there(orphans) == []
    assert "Stopped postgres, which an earlier start had left running." in product.said()
    assert product.get("/readyz") == 200
    assert (product.data / "secret-key").read_text() == key
    assert people_and_changes(product) == before, "the demo's data are made once"


@pytest.mark.ends_it
def test_it_stops_in_order_keeps_its_data_and_can_be_reset(
    product: Product, tmp_path: Path
) -> None:
    numbers = list(product.parts().values())
    before = people_and_changes(product)
    assert product.send(signal.SIGINT) == 0
    assert still_there(numbers) == []
    ending = product.said().partition("Stopping …")[2]
    order = [ending.index(f"\n  {name}\n") for name in ("worker", "web", "valkey", "postgres")]
    assert order == sorted(order)
    assert "database system is shut down" in (product.data / "log" / "postgres.log").read_text()
    assert as_a_command_finds_them(product) == before, "a command finds them without the product"
    other = Product(Path(shutil.copytree(product.data, tmp_path / "data")), product.port)
    assert (other.data / "postgres").exists() and (other.data / "secret-key").exists()
    assert other.again("--reset").returncode == 0
    assert not (other.data / "postgres").exists()
    assert not (other.data / "secret-key").exists()


def test_who_stops_a_first_start_does_not_wait_for_it(tmp_path: Path) -> None:
    product = Product(tmp_path / "data", 8000)
    product.start(until="Preparing the database")
    numbers = list(product.parts().values())
    assert product.send(signal.SIGTERM) == 0
    assert still_there(numbers) == []
    said = product.said()
    assert "Cut off; the next start goes on here." in said
    assert "is ready" not in said and "Traceback" not in said


@pytest.mark.parametrize(
    ("port", "sentence"), [("eighty", "PORT is malformed"), ("70000", "PORT is malformed")]
)
def test_a_wrong_port_is_named(port: str, sentence: str, tmp_path: Path) -> None:
    done = subprocess.run(
        Product(tmp_path / "data", 0).command(),
        cwd=ROOT,
        env={**os.environ, "PORT": port},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert sentence in done.stdout
    assert "Traceback" not in done.stderr
