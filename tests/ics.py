"""A strict reader of calendar text (RFC 5545): it raises where lines, folds, escapes or blocks are not exact."""

import re
from dataclasses import dataclass, field

PROPERTY = re.compile(
    r"([A-Z-]+)((?:;[A-Z-]+=(?:\"[^\"\x00-\x1f]*\"|[^\";:,\x00-\x1f]*))*):([^\x00-\x08\x0a-\x1f\x7f]*)"
)
ESCAPE = re.compile(r"\\(.)")
TEXT = {"SUMMARY", "LOCATION", "DESCRIPTION"}


@dataclass
class Component:
    """`values` by property; "NAME;PARAM" has a parameter's value."""

    name: str
    values: dict[str, str] = field(default_factory=dict)
    children: list["Component"] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.values[name]


def read_calendar(text: str) -> Component:
    """The one VCALENDAR. Every line ends in CRLF and has at most 75 octets; no property comes twice."""
    assert text.endswith("\r\n"), "the last line has no end"
    assert "\n" not in text.replace("\r\n", ""), "a line ends in LF alone"
    lines = text.removesuffix("\r\n").split("\r\n")
    assert max(len(line.encode()) for line in lines) <= 75, "a line is not folded"
    root = Component("")
    stack = [root]
    for line in "\r\n".join(lines).replace("\r\n ", "").split("\r\n"):
        name, parameters, value = _property(line)
        if name == "BEGIN":
            stack[-1].children.append(Component(value))
            stack.append(stack[-1].children[-1])
        elif name == "END":
            assert stack.pop().name == value, "blocks are not nested"
        else:
            _set(stack[-1], name, parameters, value)
    (calendar,) = root.children
    assert stack == [root]
    assert (calendar.name, calendar["VERSION"]) == ("VCALENDAR", "2.0")
    assert calendar["PRODID"]
    return calendar


def _property(line: str) -> tuple[str, str, str]:
    matched = PROPERTY.fullmatch(line)
    assert matched, f"no property: {line!r}"
    return matched[1], matched[2], matched[3]


def _set(component: Component, name: str, parameters: str, value: str) -> None:
    assert name not in component.values, f"{name} comes twice"
    if name in TEXT:
        assert not re.search(r"(?<!\\)(?:\\\\)*[;,]", value), f"{name} is not escaped"
        assert all(char in "\\;,nN" for char in ESCAPE.findall(value))
        value = ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)
    component.values[name] = value
    for parameter in filter(None, parameters.split(";")):
        key, _equals, setting = parameter.partition("=")
        component.values[f"{name};{key}"] = setting.strip('"')
