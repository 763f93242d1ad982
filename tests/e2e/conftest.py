"""Servers for the stories: both modes, a dozen simulated instances, and a recording proxy in front."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from ..terminal.proxy import Proxy
from ..terminal.server import Server
from .commands import Commands

LATER: Final = {
    "test_no_dead_code_is_ever_on_the_screen": "extensions", "test_idle_sends_nothing": "plain",
    "test_list_calls_stay_rare_while_everything_changes": "extensions", "test_restarted_as_if_nothing_had_been": "extensions",
    "test_a_line_that_spoils_what_passes": "extensions", "test_the_list_of_last_time_while_the_server_is_away": "extensions",
    "test_resizing_down_to_nothing_and_back": "extensions", "test_the_other_keys_do_what_they_say": "extensions",
    "test_keys_act_on_the_row_that_was_under_the_cursor": "plain", "test_a_server_that_goes_away_and_comes_back": "plain",
    "test_a_console_that_may_only_read_says_so": "extensions", "test_the_token_of_one_instance": "extensions",
    "test_no_dead_code_is_ever_on_the_screen[plain-serve0]": "",
    "test_recorded_and_played_back": "plain", "test_how_events_fails": "plain",
    "test_a_profile_from_its_beginning_to_its_end": "plain",
    "test_a_shell_script": "plain", "test_a_python_script": "plain", "test_watching": "plain",
    "test_the_code_on_a_terminal_can_be_scanned_and_goes_away": "plain", "test_a_pairing_that_is_stopped_leaves_no_code": "plain",
    "test_pairing_with_a_picture_and_without_a_code_in_the_output": "plain", "test_how_a_command_fails": "plain",
    "test_waiting_outlives_the_server": "plain",
    "test_read_only_changes_nothing": "plain", "test_at_a_terminal_the_name_is_asked_for": "plain",
    "test_streams_that_are_wrong[extensions-first]": "", "test_first_light[plain-120x40]": "",
    "test_first_light[extensions-80x24]": "", "test_the_token_of_one_instance[extensions]": "",
    "test_stopped_and_changed_meanwhile[plain-5]": "", "test_ansi_sends_no_true_colour": "",
    "test_nohup_is_meant": "", "test_from_one_server_to_another_and_back[extensions-80x24]": "",
    "test_a_line_that_spoils_what_passes[plain-delayed]": "",
    "test_an_empty_no_color_means_nothing": "", "test_ascii[--ascii]": "", "test_no_ascii_wins": "",
    "test_the_code_can_be_read_in_every_layout[100x30]": "", "test_the_code_can_be_read_in_every_layout[200x60]": "",
}
"""Stories of which `make test` tells one mode (or fewer sizes), and `make test-all` both: together they would take a minute."""


IN_ONE_MODE: Final = frozenset({
    "test_cli_reads", "test_cli_writes", "test_cli_blocks", "test_cli_doctor", "test_cli_events", "test_profiles",
})  # fmt: skip
"""Stories of commands, which do the same in both."""

ONLY_LATER: Final = frozenset({
    "test_cli_events", "test_cli_doctor", "test_cli_scripts", "test_cli_strangers", "test_leaving", "test_memory", "test_editor",
    "test_cli_blocks", "test_config_command", "test_broken_answers",
})  # fmt: skip
"""Files that only `make test-all` runs: what they tell of has tests without processes as well."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        mode = LATER.get(item.name.partition("[")[0])
        if item.path.stem in IN_ONE_MODE:
            mode = "plain"
        if item.name in LATER or item.path.stem in ONLY_LATER or (mode and f"[{mode}" in item.name):
            item.add_marker(pytest.mark.long)


@pytest.fixture(params=[True, False], ids=["extensions", "plain"])
def extensions(request: pytest.FixtureRequest) -> bool:
    """Both modes of every story: the account stream, and the plain contract."""
    return bool(request.param)


@pytest.fixture
def serve(request: pytest.FixtureRequest, extensions: bool, tmp_path: Path) -> Iterator[Server]:
    """A server with a dozen instances; `@pytest.mark.parametrize("serve", [{...}], indirect=True)` changes its options."""
    options: dict[str, Any] = {"instances": 12, "speed": 10.0} | getattr(request, "param", {})
    with Server(tmp_path / "server", extensions=extensions, **options) as server:
        yield server


@pytest.fixture
def proxy(serve: Server) -> Iterator[Proxy]:
    """In front of that server."""
    with Proxy(serve.url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of a file that leave it as it was, or use an instance of their own."""
    with Server(tmp_path_factory.mktemp("shared"), instances=12, speed=10.0, rate_limit=0) as server:
        yield server


@pytest.fixture(scope="module", params=[True, False], ids=["extensions", "plain"])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server a mode for all tests of a file that leave it as it was, or use an instance of their own."""
    home = tmp_path_factory.mktemp("both")
    with Server(home, instances=12, speed=10.0, rate_limit=0, extensions=request.param) as server:
        yield server


@pytest.fixture
def ryze(both: Server, tmp_path: Path) -> Commands:
    """Commands on that server."""
    return Commands(both, tmp_path / "commands")
