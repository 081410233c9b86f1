"""A chart with a file of values for each environment: `helm install user-api chart -f chart/values-staging.yaml`.

The chart's templates are the objects themselves, with values in place of what people set and of whatever differs
between environments. They are made from the objects of all environments, so the chart with the values of an
environment is the manifest of that, whatever differs.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from zero_codegen.naming import words
from zero_codegen.service.differences import MISSING, Identity, Path, differences, identified, lookup
from zero_codegen.service.helm_values import HELPERS, Value, knobs, name_of, reference
from zero_codegen.service.kubernetes import Manifest
from zero_codegen.service.yaml_text import Hole, document

LEAST_KUBERNETES = ">=1.29.0-0"
"""The oldest version that takes all that is generated."""

_HOLE = re.compile(r"( *)(.*): !hole '([0-9]+)'")
_FIRST = ("namespace", "image", "container", "pod")
_LAST = ("config", "configuration")
_COMMENTS = {
    "namespace": "Where the objects are; if empty, where the chart is installed.",
    "image": "The image, by digest.",
    "config": "Keys of the configuration, on top of `configuration`. What follows from a key elsewhere (a port, a\n"
    "# volume, the network policy) does not follow here: for that, change the target.",
    "configuration": "The configuration that the service was packaged with.",
}

_Objects = dict[Identity, dict[str, Any]]
_Tree = dict[str, Any]


def helm(name: str, base: Manifest, environments: Mapping[str, Manifest]) -> dict[str, str]:
    """The files of a service by path."""
    chart = _Chart([identified(each) for each in (base, *environments.values())])
    files = {f"templates/{file}.yaml": text for file, text in chart.templates().items()}
    files["templates/_helpers.tpl"] = HELPERS
    values = chart.values(0)
    files["values.yaml"] = base.head + _described(values)
    for index, (environment, there) in enumerate(environments.items(), 1):
        patch = _patch(values, chart.values(index))
        files[f"values-{environment}.yaml"] = there.head + (_described(patch) if patch else "{}\n")
    sum_ = hashlib.sha256("\0".join(part for file in sorted(files.items()) for part in file).encode())
    about = {
        "apiVersion": "v2",
        "name": name,
        "description": f"The service {name}.",
        "type": "application",
        # The version follows from the contents, as the digest of an image does.
        "version": f"0.0.0-h{sum_.hexdigest()[:12]}",
        "appVersion": values["image"]["digest"],
        "kubeVersion": LEAST_KUBERNETES,
    }
    files["Chart.yaml"] = document(about)
    return {f"chart/{path}": text for path, text in files.items()}


class _Chart:
    """What a chart is made of: the objects of all environments, of which the base is the first."""

    def __init__(self, environments: list[_Objects]) -> None:
        self._environments = environments
        self._labels = _labels(dict.fromkeys(each for objects in environments for each in objects))
        self._values = {each: list(self._values_of(each)) for each in self._labels}

    def templates(self) -> dict[str, str]:
        """The template of each object, by the name of its file."""
        return {"-".join(words(label)): self._template(each) for each, label in self._labels.items()}

    def values(self, index: int) -> _Tree:
        """The values with which the chart is the manifest of an environment."""
        tree: _Tree = {"config": {}}
        for each, label in self._labels.items():
            # What does not apply where there is no such object is left as it is elsewhere.
            found = self._environments[index].get(each)
            if not self._is_everywhere(each):
                _put(tree, (label, "enabled"), found is not None)
            for value in self._values[each]:
                where = found if found is not None else self._environments[0].get(each)
                if where is not None:
                    _put(tree, value.name, value.read(lookup(where, value.path)))
        middle = [key for key in tree if key not in (*_FIRST, *_LAST)]
        return {key: tree[key] for key in (*_FIRST, *middle, *_LAST) if key in tree}

    def _all(self, identity: Identity) -> list[dict[str, Any]]:
        """An object in all environments that have it."""
        return [objects[identity] for objects in self._environments if identity in objects]

    def _is_everywhere(self, identity: Identity) -> bool:
        return len(self._all(identity)) == len(self._environments)

    def _values_of(self, identity: Identity) -> Iterator[Value]:
        """What of an object is a value: what people set, and what environments differ in."""
        label, (first, *others) = self._labels[identity], self._all(identity)
        taken: list[Path] = []
        for knob in knobs(identity, label):
            if knob.default is not None or any(
                lookup(each, knob.path) is not MISSING for each in (first, *others)
            ):
                taken.append(knob.path)
                yield knob
        # The shorter first: what is a value as a whole is none in parts.
        different = {found.path for each in others for found in differences(first, each)}
        for path in sorted(different, key=lambda path: (len(path), path)):
            if not any(path[: len(above)] == above for above in taken):
                taken.append(path)
                yield Value(path, name_of(identity, label, path))

    def _template(self, identity: Identity) -> str:
        """The object, with holes that are filled with what templates say of values."""
        everywhere, values = self._all(identity), self._values[identity]
        skeleton = copy.deepcopy(everywhere[0])
        for number, value in enumerate(values):
            lookup(skeleton, value.path[:-1])[value.path[-1]] = Hole(number)
        lines: list[str] = []
        for line in document(skeleton).splitlines():
            if match := _HOLE.fullmatch(line):
                indent, key, hole = match.groups()
                value = values[int(hole)]
                there = [lookup(each, value.path) for each in everywhere]
                found = [each for each in there if each is not MISSING]
                example = found[0] if found else value.default
                filled = value.lines(_escaped(key), len(indent), example, len(found) < len(there))
                lines += [indent + each for each in filled]
            else:
                lines.append(_escaped(line))
        if not self._is_everywhere(identity):
            lines = [f"{{{{- if {reference((self._labels[identity], 'enabled'))} }}}}", *lines, "{{- end }}"]
        return "".join(f"{line}\n" for line in lines)


def _labels(identities: Iterable[Identity]) -> dict[Identity, str]:
    """What objects are called in the values: by kind, numbered where there are several."""
    seen: Counter[str] = Counter()
    labels = {}
    for each in identities:
        first, *others = words(each.kind)
        label = first + "".join(map(str.capitalize, others))
        seen[label] += 1
        labels[each] = f"{label}{seen[label]}" if seen[label] > 1 else label
    return labels


def _put(tree: _Tree, name: tuple[str, ...], value: Any) -> None:
    *sections, key = name
    for section in sections:
        tree = tree.setdefault(section, {})
    tree[key] = value


def _patch(old: _Tree, new: _Tree) -> _Tree:
    """What makes `new` of `old` when Helm lays it on top (which is RFC 7396): null takes a key away."""
    patch: _Tree = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            if below := _patch(before, value):
                patch[key] = below
        elif key not in old or before != value:
            patch[key] = value
    return patch


def _described(values: _Tree) -> str:
    parts = []
    for key, value in values.items():
        comment = f"\n# {_COMMENTS[key]}\n" if key in _COMMENTS else "\n"
        parts.append(comment + document({key: value}))
    return "".join(parts)


def _escaped(text: str) -> str:
    """Text of an object in which the template language finds nothing to do."""
    return text.replace("{{", '{{ "{{" }}')
