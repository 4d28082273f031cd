"""The container files and the locked lists fit together and leave nothing open."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from celery import current_app
from django.conf import settings

from expansive_cm.version import VERSION

ROOT = Path(__file__).resolve().parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ["migrate", "web", "web-2", "worker", "beat"]
LOCKS = ["base", "local", "test", "node"]


def settings_read() -> set[str]:
    """The names that settings.py reads from the environment."""
    text = (ROOT / "expansive_cm" / "settings.py").read_text()
    return set(re.findall(r'env\.\w+\(\s*"(\w+)"', text))


def test_compose_has_every_part_of_the_product() -> None:
    assert set(SERVICES) == {*OURS, "postgres", "redis"}


def test_everything_that_a_service_names_exists() -> None:
    for name, service in SERVICES.items():
        for kind in ("secrets", "networks"):
            assert set(service.get(kind, [])) <= set(COMPOSE[kind]), (name, kind)
        mounted = {volume.split(":")[0] for volume in service.get("volumes", [])}
        assert mounted <= set(COMPOSE["volumes"]), name
        assert set(service.get("depends_on", {})) <= set(SERVICES), name


def test_every_value_given_to_the_product_is_one_it_reads() -> None:
    for name in OURS:
        given = {key.removesuffix("_FILE") for key in SERVICES[name]["environment"]}
        assert given - {"HEARTBEAT"} <= settings_read(), name


def test_every_setting_reaches_the_product_from_the_file_of_settings() -> None:
    """What is named one by one is forgotten: the guide's table is longer than any such list."""
    for name in OURS:
        assert {"path": ".env", "required": False} in SERVICES[name]["env_file"], name


def test_a_proxy_is_told_to_pass_what_the_product_takes() -> None:
    guide = (ROOT / "docs/operators-guide.md").read_text()
    assert f"client_max_body_size {settings.REQUEST_MAX_BYTES // 2**20}m" in guide


def test_project_image_and_changelog_share_a_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
    assert {SERVICES[name]["image"] for name in OURS} == {f"expansive-cm:{VERSION}"}
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest and newest[1] == VERSION


def test_secrets_come_from_files_alone() -> None:
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if re.search("SECRET|PASSWORD|DATABASE_URL|EMAIL_URL", key):
                assert key.endswith("_FILE"), (name, key)
                assert value.removeprefix("/run/secrets/") in service["secrets"], (name, key)


def test_nothing_serves_before_the_database_is_migrated() -> None:
    assert SERVICES["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    for name in ("web", "web-2", "worker", "beat"):
        condition = SERVICES[name]["depends_on"]["migrate"]["condition"]
        assert condition == "service_completed_successfully", name


def test_a_second_web_container_is_the_first_at_another_port() -> None:
    first, second = dict(SERVICES["web"]), dict(SERVICES["web-2"])
    assert second.pop("profiles") == ["two-web"]
    ports = [one.pop("ports")[0].split(":", 1)[1] for one in (first, second)]
    assert ports == ["${PORT:-8000}:8000", "${SECOND_PORT:-8001}:8000"]
    assert first == second
    command = SERVICES["postgres"]["command"]
    most = int(next(word for word in command if "max_connections" in str(word)).split("=")[1])
    processes, each = 2 * 2, settings.WEB_THREADS + 6
    assert processes * each < most - 20  # for worker, migration and whoever looks after it


def test_a_pool_that_drops_our_limits_is_given_each_of_them() -> None:
    text = (ROOT / "docs/scaling.md").read_text()
    told = dict(
        re.findall(r"^ALTER ROLE expansive_cm SET (\S+) = '?([^';]+)'?;$", text, re.MULTILINE)
    )
    limits = {name: str(value) for name, value in settings.DATABASE_LIMITS.items()}
    assert {name: re.sub(r"(\d+)s$", r"\g<1>000", value) for name, value in told.items()} == limits


def test_the_web_service_does_not_wait_for_redis() -> None:
    assert "redis" not in SERVICES["web"]["depends_on"]


def test_every_lasting_service_is_watched() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    for name in set(SERVICES) - {"migrate", "web", "web-2"}:
        assert SERVICES[name]["healthcheck"]["test"], name
    assert "HEALTHCHECK" in dockerfile and "/readyz" in dockerfile


def test_our_containers_run_without_root_and_can_write_to_their_volume_alone() -> None:
    for name in OURS:
        assert SERVICES[name]["read_only"] is True
        assert SERVICES[name]["cap_drop"] == ["ALL"]
    last_stage = (ROOT / "Dockerfile").read_text().rpartition("FROM ")[2]
    assert re.search(r"^USER app$", last_stage, re.MULTILINE)


def test_databases_are_not_reachable_from_outside() -> None:
    for name in ("postgres", "redis"):
        assert "ports" not in SERVICES[name]
        assert SERVICES[name]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_files_that_the_image_copies_or_calls_exist() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    named = set(re.findall(r"[\w./-]+\.(?:py|json|txt)\b|\.npmrc", dockerfile))
    assert {"package-lock.json", "requirements/base.txt", "manage.py"} <= named
    for path in named:
        assert (ROOT / path).exists(), path


def test_the_image_leaves_out_what_is_private_or_made_at_set_up() -> None:
    left_out = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".data", ".venv", ".env", "secrets", "node_modules"} <= set(left_out)


@pytest.mark.parametrize("name", LOCKS)
def test_each_locked_package_has_a_version_and_a_hash(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    entries = re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    assert entries
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._\[\],-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("name", LOCKS)
def test_a_locked_list_names_no_index_host_or_path(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert not re.search(r"http|file:|--index|--extra|--find-links|^/", text, re.MULTILINE)


def test_longer_lists_agree_with_the_shorter_ones() -> None:
    def versions(name: str) -> dict[str, str]:
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE))

    assert versions("base").items() <= versions("local").items() <= versions("test").items()


def test_the_front_end_lock_pins_by_hash_and_names_no_host() -> None:
    text = (ROOT / "package-lock.json").read_text()
    assert text.count('"integrity"') == text.count('"node_modules/')
    assert "http" not in re.sub(r'"url": "[^"]*"', "", text)


def test_the_image_leaves_out_what_only_tests_need() -> None:
    assert "RUN npm ci --omit=dev " in (ROOT / "Dockerfile").read_text()


def test_the_import_contract_covers_every_application() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    first, *rooms = project["tool"]["importlinter"]["contracts"]
    above = "expansive_cm.bench | expansive_cm.demo"
    assert first["layers"] == [above, "audit", "crb", "changes", "accounts"]
    assert {one for room in rooms for one in room.get("source_modules", ())} >= {
        "expansive_cm.mailreader",
        "expansive_cm.post",
        "expansive_cm.ui",
        "expansive_cm.workflow",
        "changes.turns",
    }
    (within,) = [room for room in rooms if room.get("containers") == ["expansive_cm"]]
    assert within["layers"][-2:] == ["workflow | mailreader | post | ui", "sure : texts"]
    assert within["exhaustive"]


def test_beat_starts_only_tasks_that_exist() -> None:
    current_app.loader.import_default_modules()
    for entry in current_app.conf.beat_schedule.values():
        assert entry["task"] in current_app.tasks, entry["task"]


def test_beat_sends_what_is_due_and_loads_neither_tasks_nor_models() -> None:
    script = """
import sys
from celery.beat import Scheduler
from expansive_cm.celery import SCHEDULE, app, beat
beat.loader.init_worker()
beat.finalize()
scheduler = Scheduler(app=beat)
due = {entry.task for entry in scheduler.schedule.values()}
assert due >= {one["task"] for one in SCHEDULE.values()}
beat.conf.task_default_queue = "of-beat"
scheduler.apply_entry(scheduler.schedule["send reminders"])
with beat.connection_for_read() as line:
    message = line.SimpleQueue("of-beat").get(timeout=10)
    message.ack()
assert message.headers["task"] == "changes.tasks.send_reminders", message.headers
assert not {"django.db.models", "changes.models", "changes.tasks"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=120)


def test_work_for_the_worker_is_not_lost_with_it() -> None:
    conf = current_app.conf
    assert conf.task_acks_late and conf.task_reject_on_worker_lost
    assert conf.accept_content == ["json"] and conf.task_serializer == "json"
    assert conf.task_time_limit < conf.broker_transport_options["visibility_timeout"]
