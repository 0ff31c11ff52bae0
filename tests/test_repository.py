"""What only holds if somebody looks: the files around the code say the same as the code."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from recommender.management import algorithm_table

ROOT = Path(__file__).parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OURS = ("recsite", "interests", "recommender", "benchmarks", "tests")
WEB_PROCESS = """
import sys
import recsite.wsgi
from django.urls import get_resolver
from recsite.celery import app
list(get_resolver().reverse_dict)
app.loader.import_default_modules()
from django.contrib import admin
admin.site.urls
learning = [name for name in sys.modules if name.startswith("interests.learning")]
heavy = {"torch", "optuna", "sklearn", "pandas", "plotly", "scipy.stats", "scipy.optimize"}
print(sorted(heavy & set(sys.modules)) + learning)
print("interests.tasks" in sys.modules, "recommender.views" in sys.modules)
"""


def tracked_files() -> list[str]:
    """Return the files that belong to the repository, or, without git, those that are there."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs the git checkout")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return listed.stdout.splitlines()


def python_files() -> list[Path]:
    return [path for name in OURS for path in sorted((ROOT / name).rglob("*.py"))]


def between(text: str, start: str, end: str) -> str:
    return text.split(start, 1)[1].split(end, 1)[0]


def test_the_web_process_has_no_torch_and_nothing_else_that_only_workers_need() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", WEB_PROCESS], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert ran.stdout == "[]\nTrue True\n"


def test_env_example_lists_exactly_what_is_read() -> None:
    settings = (ROOT / "recsite/settings.py").read_text() + (ROOT / "recsite/env.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', settings))
    read |= set(re.findall(r'os\.environ(?:\.get\(|\[)"([A-Z_]+)"', settings))
    interpolated = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))

    listed = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert sorted(listed) == sorted(read | interpolated)


def test_env_example_gives_no_secret_a_value() -> None:
    text = (ROOT / ".env.example").read_text()

    values = dict(re.findall(r"^(SECRET_KEY|POSTGRES_PASSWORD)=(.*)$", text, re.MULTILINE))

    assert values == {"SECRET_KEY": "", "POSTGRES_PASSWORD": ""}


def test_settings_alone_read_the_environment() -> None:
    """Everything else asks the settings; the exceptions hand variables on to processes."""
    readers = {
        str(path.relative_to(ROOT))
        for path in python_files()
        if path.parts[len(ROOT.parts)] not in ("tests", "benchmarks")
        and re.search(r"os\.environ\b(?!\.setdefault)|os\.getenv", path.read_text())
    }

    assert readers - {
        # torchrun tells its processes in variables which of them they are.
        "interests/learning/distributed.py",
        "recsite/embedded.py", "recsite/env.py", "recsite/programs.py", "recsite/supervisor.py",
    } == set()  # fmt: skip


def test_compose_has_a_worker_for_each_queue_of_celery() -> None:
    from recsite.celery import QUEUES

    commands = [service["command"] for service in SERVICES.values() if "command" in service]
    served = [command[command.index("-Q") + 1] for command in commands if "-Q" in command]

    assert sorted(served) == sorted(QUEUES)


def test_the_demo_has_workers_for_all_queues() -> None:
    from recsite import programs
    from recsite.celery import QUEUES

    names = [program.name for program in programs.site(Path("home"), port=8000)]

    assert sorted(programs.WORKER_PROCESSES) == sorted(QUEUES)
    assert names == ["web", *programs.WORKER_PROCESSES, "beat"]


def test_compose_starts_what_works_after_servers_and_migrations() -> None:
    working = {
        name: {needed: how["condition"] for needed, how in service["depends_on"].items()}
        for name, service in SERVICES.items()
        if name not in ("postgres", "redis", "migrate")
    }

    assert len(working) == 7
    for needs in working.values():
        assert needs == {
            "postgres": "service_healthy",
            "redis": "service_healthy",
            "migrate": "service_completed_successfully",
        }


def test_compose_watches_the_health_of_everything_that_stays() -> None:
    assert [name for name, service in SERVICES.items() if "healthcheck" not in service] == [
        "migrate"
    ]


def test_compose_secrets_have_no_default_and_servers_no_port() -> None:
    text = (ROOT / "docker-compose.yml").read_text()

    secrets = re.findall(r"\$\{(SECRET_KEY|POSTGRES_PASSWORD)(..)", text)

    assert {operator for _, operator in secrets} == {":?"}
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["web"]


def test_compose_keeps_postgres_where_version_18_writes_and_redis_appending() -> None:
    assert SERVICES["postgres"]["image"] == "pgvector/pgvector:pg18"
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]
    assert SERVICES["redis"]["command"][1:3] == ["--appendonly", "yes"]
    assert SERVICES["redis"]["volumes"] == ["redis:/data"]


def test_compose_and_demo_use_one_version_of_postgres() -> None:
    from recsite.embedded import MAJOR_VERSION

    assert SERVICES["postgres"]["image"].endswith(f":pg{MAJOR_VERSION}")


def test_images_are_pinned() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    images = [service["image"] for service in SERVICES.values() if "image" in service]
    images += re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)

    assert [image for image in images if not re.search(r":[\w.-]*\d|^recsite:local$", image)] == []
    assert re.search(r"^USER recsite$", dockerfile, re.MULTILINE)


def test_gpu_override_names_services_that_exist() -> None:
    override = yaml.safe_load((ROOT / "docker-compose.gpu.yml").read_text())

    assert set(override["services"]) <= set(SERVICES)
    assert "worker-training" in override["services"]


def test_every_dependency_says_why_and_has_its_version_pinned() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    wanted = [
        *PROJECT["dependencies"],
        *(name for extra in PROJECT["optional-dependencies"].values() for name in extra),
    ]
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
    }

    unexplained = [
        name for name in wanted if not any(f'"{name}",' in line and " # " in line for line in lines)
    ]
    unpinned = [
        name
        for name in wanted
        if re.split(r"[\[=~<>]", name)[0].lower().replace("_", "-") not in pinned
    ]

    assert unexplained == []
    assert unpinned == []


def test_readme_tree_lists_what_there_is() -> None:
    tree = between((ROOT / "README.md").read_text(), "<!-- tree", "<!-- /tree -->")
    listed = re.findall(r"^    ([\w.-]+)/?(?:  |$)", tree, re.MULTILINE)

    # Files that tools look for and readers do not.
    unlisted = {".gitignore", ".dockerignore", ".pre-commit-config.yaml", ".ci", ".gitattributes"}
    there = {name.split("/")[0] for name in tracked_files()} - unlisted

    assert sorted(listed) == sorted(there)


def test_readme_lists_the_algorithms_that_there_are():
    block = between((ROOT / "README.md").read_text(), "<!-- algorithms -->", "<!-- /algorithms -->")
    rows = [line.strip("| ").split(" | ") for line in block.splitlines() if "`" in line]

    listed = {family: re.findall(r"`(\w+)`", names) for family, names in rows}

    assert listed == {family: list(found) for family, found in algorithm_table.by_family().items()}


@pytest.mark.parametrize(
    "document", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", *(
        str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md"))
    )],
)  # fmt: skip
def test_links_and_commands_of_the_docs_exist(document: str) -> None:
    text = (ROOT / document).read_text()
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    commands = {path.stem for path in ROOT.glob("*/**/management/commands/*.py")}
    commands |= {"help", "migrate", "check", "createsuperuser"}

    links = [link for link in re.findall(r"\]\((?!https?:)([^)#]+)", text)]
    missing = [link for link in links if not (ROOT / document).parent.joinpath(link).exists()]

    assert missing == []
    assert set(re.findall(r"(?:^ {4}|`)make ([a-z]+)", text, re.MULTILINE)) <= set(targets)
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= commands


def test_decisions_are_numbered_without_gaps_and_short() -> None:
    records = sorted((ROOT / "docs/decisions").glob("*.md"))

    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    assert [path.name for path in records if len(path.read_text().splitlines()) > 40] == []


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): length
        for path in python_files()
        if "migrations" not in path.parts
        and "recsite_client" not in path.parts  # written by clients.generate
        and (length := len(path.read_text().splitlines())) > 400
    }

    assert long == {}


def test_compose_uses_what_the_health_pages_are_called() -> None:
    from django.urls import resolve

    [address] = re.findall(
        r"http://127\.0\.0\.1:8000(/[\w/]+)", (ROOT / "docker-compose.yml").read_text()
    )

    assert resolve(address).func.__name__ == "ready"
