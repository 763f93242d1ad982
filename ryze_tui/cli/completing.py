"""The completion scripts, made from the parsers themselves: what a command takes cannot be forgotten here."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from . import COMMANDS, module_of
from .parser import Parser, descriptions

INSTANCE, STATES, PATH, PROFILE, CHOICE, OTHER = "instance", "states", "path", "profile", "choice", "other"
_PATHS: Final = frozenset({"PATH", "DIR"})
_INSTANCES: Final = frozenset({"NAME"})
_NO_INSTANCES: Final = frozenset({"create", "account", "session"})
"""Commands whose NAME is no instance that is there."""


@dataclass(frozen=True, slots=True)
class Word:
    """One option, or one word that is no option (`names` empty). `kind`: what its value is, empty for a switch."""

    names: tuple[str, ...]
    help: str
    kind: str
    choices: tuple[str, ...] = ()
    many: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A command as a shell sees it."""

    name: str
    help: str
    options: tuple[Word, ...]
    words: tuple[Word, ...]


def commands() -> list[Command]:
    """Every command, and the console itself under an empty name."""
    from .console import make_parser

    found = [_command("", make_parser(), "")]
    for name, words in descriptions().items():
        parser = Parser(f"ryze-tui {name}", words)
        import_module(f".{module_of(name)}", __package__).add_arguments(parser)
        found.append(_command(name, parser, words))
    assert {command.name for command in found} == {"", *COMMANDS}
    return found


def _command(name: str, parser: Parser, words: str) -> Command:
    options: list[Word] = []
    places: list[Word] = []
    for action in parser._actions:
        if action.help == argparse.SUPPRESS:
            continue
        (options if action.option_strings else places).append(_word(name, action))
    return Command(name, words, tuple(options), tuple(places))


def _word(command: str, action: argparse.Action) -> Word:
    choices, kind = tuple(map(str, action.choices or ())), OTHER
    if command == "completion" and action.dest == "shell":
        from .completion import SHELLS

        choices = SHELLS
    if action.nargs == 0 or isinstance(action, argparse.BooleanOptionalAction):
        kind = ""
    elif choices:
        kind = CHOICE
    elif action.metavar in _PATHS:
        kind = PATH
    elif action.dest == "profile" or action.metavar == "PROFILE":
        kind = PROFILE
    elif action.metavar == "STATE[,STATE]":
        from ..api.states import STATES as ALL

        kind, choices = STATES, ALL
    elif action.metavar == "EVENT":
        from ..api.events import EVENT_NAMES

        kind, choices = CHOICE, EVENT_NAMES
    elif action.metavar in _INSTANCES and _is_instance(command, action):
        kind = INSTANCE
    help_text = (action.help or "").replace("%%", "%")
    return Word(tuple(action.option_strings), help_text, kind, choices, action.nargs in ("*", "+"))


def _is_instance(command: str, action: argparse.Action) -> bool:
    """Whether a NAME is that of an instance which is there: a word of a command, or --instance."""
    return action.dest == "instance" if action.option_strings else command not in _NO_INSTANCES


def script(shell: str) -> str:
    """The script of that shell."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](commands())


# -- bash --------------------------------------------------------------------------------------------------------------

_BASH: Final = """\
# bash completion of ryze-tui: source <(ryze-tui completion bash)
_ryze_tui_known() {  # the account that the words so far name
    local i given=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --url|--profile|--token-file) given+=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}") ;;
        esac
    done
    ryze-tui completion "$1" "${given[@]}" 2>/dev/null
}
_ryze_tui() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= place=0 i word kind
    local -A value=() words=()
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ -z $command && " @COMMANDS@ " == *" $word "* ]]; then command=$word; break; fi
    done
    case $command in
@CASES@
    esac
    for ((i++; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ -n ${value[$word]} ]]; then ((i++)); elif [[ $word != -* ]]; then ((place++)); fi
    done
    kind=${value[$before]}
    if [[ -z $kind && $current == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$current"))
        return
    fi
    if [[ -z $kind ]]; then kind=${words[$place]:-${words[rest]}}; fi
    case $kind in
        instance) COMPREPLY=($(compgen -W "$(_ryze_tui_known instances)" -- "$current")) ;;
        profile) COMPREPLY=($(compgen -W "$(_ryze_tui_known profiles)" -- "$current")) ;;
        path) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current")) ;;
        =*) COMPREPLY=($(compgen -W "${kind#=}" -- "$current")) ;;
        *) if [[ -z $command ]]; then COMPREPLY=($(compgen -W "@COMMANDS@" -- "$current")); fi ;;
    esac
}
complete -F _ryze_tui ryze-tui
"""


def _bash_kind(word: Word) -> str:
    return "=" + " ".join(word.choices) if word.choices else word.kind


def _bash(all_commands: list[Command]) -> str:
    cases = []
    for command in all_commands:
        lines = [f"        {command.name or repr('')})"]
        lines.append(f"            local options={_single(' '.join(name for one in command.options for name in one.names))}")
        for one in command.options:
            if one.kind:
                lines += [f"            value[{name}]={_single(_bash_kind(one))}" for name in one.names]
        for place, one in enumerate(command.words):
            lines.append(f"            words[{'rest' if one.many else place}]={_single(_bash_kind(one))}")
        cases.append("\n".join([*lines, "            ;;"]))
    return _BASH.replace("@CASES@", "\n".join(cases)).replace("@COMMANDS@", " ".join(COMMANDS))


def _single(text: str) -> str:
    """Quoted for every shell of ours."""
    return "'" + text.replace("'", "'\\''") + "'"


# -- zsh ---------------------------------------------------------------------------------------------------------------

_ZSH: Final = """\
#compdef ryze-tui
# zsh completion of ryze-tui
_ryze_tui_known() {  # the account that the words so far name
    local -a given names
    local i
    for ((i = 2; i < CURRENT - 1; i++)); do  # not the one whose value is being typed
        case ${words[i]} in
            --url|--profile|--token-file) given+=("${words[i]}" "${words[i + 1]}") ;;
        esac
    done
    names=(${(f)"$(ryze-tui completion $1 $given 2>/dev/null)"})
    compadd -a names
}
_ryze_tui_instances() { _ryze_tui_known instances }
_ryze_tui_profiles() { _ryze_tui_known profiles }
_ryze_tui() {
    local context state state_descr line
    typeset -A opt_args
    local -a commands
    commands=(
@COMMANDS@
    )
    if ((CURRENT > 2)) && [[ -n ${commands[(r)${words[2]}:*]} ]]; then
        local command=${words[2]}
        shift words
        ((CURRENT--))
        case $command in
@CASES@
        esac
        return
    fi
    _arguments -s \\
@TOP@
        '1:command:->command'
    [[ $state == command ]] && _describe command commands
}
if [[ $funcstack[1] == _ryze-tui ]]; then _ryze_tui "$@"; else compdef _ryze_tui ryze-tui; fi
"""


def _zsh_text(text: str) -> str:
    for char in "\\[]:":
        text = text.replace(char, "\\" + char)
    return text


def _zsh_action(word: Word) -> str:
    if word.choices:
        return f"({' '.join(word.choices)})"
    return {INSTANCE: "_ryze_tui_instances", PROFILE: "_ryze_tui_profiles", PATH: "_files"}.get(word.kind, " ")


def _zsh_words(command: Command) -> list[str]:
    found = []
    for one in command.options:
        for name in one.names:
            value = f":value:{_zsh_action(one)}" if one.kind else ""
            found.append(_single(f"{name}[{_zsh_text(one.help)}]{value}"))
    for place, one in enumerate(command.words, 1):
        found.append(_single(f"{'*' if one.many else place}:{one.kind}:{_zsh_action(one)}"))
    return found


def _zsh(all_commands: list[Command]) -> str:
    cases, top = [], ""
    for command in all_commands:
        lines = _zsh_words(command)
        if not command.name:
            top = "\n".join(f"        {line} \\" for line in lines)
            continue
        body = " \\\n".join(f"                    {line}" for line in lines)
        cases.append(f"            {command.name})\n                _arguments -s \\\n{body}\n                ;;")
    listed = "\n".join(f"        {_single(f'{one.name}:{one.help}')}" for one in all_commands if one.name)
    return _ZSH.replace("@COMMANDS@", listed).replace("@CASES@", "\n".join(cases)).replace("@TOP@", top)


# -- fish --------------------------------------------------------------------------------------------------------------

_FISH: Final = """\
# fish completion of ryze-tui
function __ryze_tui_known  # the account that the words so far name
    set -l given
    set -l words (commandline -opc)
    for i in (seq (math (count $words) - 1))  # not the one whose value is being typed
        switch $words[$i]
            case --url --profile --token-file
                set -a given $words[$i] $words[(math $i + 1)]
        end
    end
    ryze-tui completion $argv[1] $given 2>/dev/null
end
function __ryze_tui_instances
    __ryze_tui_known instances
end
function __ryze_tui_profiles
    __ryze_tui_known profiles
end
complete -c ryze-tui -f
"""


def _fish_value(word: Word) -> str:
    if word.choices:
        return f"-x -a {_single(' '.join(word.choices))}"
    known = {INSTANCE: "-x -a '(__ryze_tui_instances)'", PROFILE: "-x -a '(__ryze_tui_profiles)'", PATH: "-r -F"}
    return known.get(word.kind, "-x")


def _fish_single(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _fish_when(command: Command, word: Word) -> str:
    """When a word is asked for: one with a list of choices before it once that was made, and the list only until then."""
    seen, first = f"__fish_seen_subcommand_from {command.name}", command.words[0]
    if first.choices and len(command.words) > 1 and first.kind == CHOICE:
        made = f"__fish_seen_subcommand_from {' '.join(first.choices)}"
        seen += f"; and not {made}" if word is first else f"; and {made}"
    return f"-n '{seen}'"


def _fish(all_commands: list[Command]) -> str:
    lines = [_FISH.rstrip()]
    for command in all_commands:
        when = f"-n '__fish_seen_subcommand_from {command.name}'" if command.name else "-n __fish_use_subcommand"
        if command.name:
            lines.append(f"complete -c ryze-tui -n __fish_use_subcommand -a {command.name} -d {_fish_single(command.help)}")
        for one in command.options:
            for name in one.names:
                flag = f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
                value = f" {_fish_value(one)}" if one.kind else ""
                lines.append(f"complete -c ryze-tui {when} {flag} -d {_fish_single(one.help)}{value}")
        lines += [f"complete -c ryze-tui {_fish_when(command, one)} {_fish_value(one).removeprefix('-x ')}"
                  for one in command.words if one.choices or one.kind in (INSTANCE, PATH, PROFILE)]  # fmt: skip
    return "\n".join(lines) + "\n"
