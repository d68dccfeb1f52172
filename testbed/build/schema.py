"""QEMU's own description of its QMP commands: whether a build has a command, an argument, a word of an enum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


class Schema:
    """QEMU's own description of its QMP commands, as query-qmp-schema gives it.

    A path leads from a command's arguments to a member: through objects in objects, into each of
    their branches, and through arrays and alternatives, which it does not mention.
    """

    def __init__(self, entries: Iterable[Mapping[str, Any]]) -> None:
        # Types are named by numbers, which differ from build to build; only commands and events have names.
        self._entries = {str(entry["name"]): entry for entry in entries}

    def has_command(self, name: str) -> bool:
        """Tell whether there is such a command."""
        return self._entries.get(name, {}).get("meta-type") == "command"

    @property
    def events(self) -> list[str]:
        """Return the names of all events."""
        return [name for name, entry in self._entries.items() if entry.get("meta-type") == "event"]

    def arguments(self, command: str, *path: str) -> list[str]:
        """Return the names of a command's arguments, or of the members at the end of a path into them; sorted."""
        types = self._unfolded(self._follow(command, path))
        return sorted({member["name"] for type_ in types for member in type_.get("members", ())})

    def has_argument(self, command: str, *path: str) -> bool:
        """Tell whether a command takes an argument, or a member at the end of a path into its arguments."""
        return bool(self._follow(command, path))

    def has_enum_member(self, member: str, command: str, *path: str) -> bool:
        """Tell whether `member` is among the words that an argument, or a member further down, may be."""
        return any(
            member in type_.get("values", ()) or any(member == other["name"] for other in type_.get("members", ()))
            for type_ in self._unfolded(self._follow(command, path))
            if type_["meta-type"] == "enum"
        )

    def _follow(self, command: str, path: Sequence[str]) -> set[str]:
        """Return the names of the types that a path into a command's arguments leads to; none if it leads nowhere."""
        types = {self._entries[command]["arg-type"]} if self.has_command(command) else set()
        for step in path:
            types = {
                member["type"]
                for type_ in self._unfolded(types)
                if type_["meta-type"] == "object"
                for member in type_["members"]
                if member["name"] == step
            }
        return types

    def _unfolded(self, names: Iterable[str]) -> list[Mapping[str, Any]]:
        """Return the types of these names with what they may stand for: elements, alternatives, branches."""
        types: dict[str, Mapping[str, Any]] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in types:
                types[name] = self._entries[name]
                waiting += _stands_for(types[name])
        return list(types.values())


def _stands_for(type_: Mapping[str, Any]) -> list[str]:
    match type_["meta-type"]:
        case "array":
            return [type_["element-type"]]
        case "alternate":
            return [member["type"] for member in type_["members"]]
        case "object":
            return [branch["type"] for branch in type_.get("variants", ())]
    return []
