"""The reference pages, made from what the program itself declares: options, sections, rules, the schema.

Run by MkDocs (`mkdocs build`) through its plugin gen-files; nothing here is written by hand twice.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from typing import Any

import mkdocs_gen_files

from reportgen.analysis.findings import RULES
from reportgen.ascent_settings import AscentSettings
from reportgen.attribution_settings import AttributionSettings
from reportgen.cli import commands
from reportgen.config import Config, option_facts, option_name
from reportgen.formats import counted
from reportgen.record import schema
from reportgen.sections import SECTIONS

_HEADS = {"rule", "severity", "message", "measured", "threshold", "why", "action"}


def main() -> None:
    """Write every page of the reference."""
    _write("commands", command_lines())
    _write("options", option_lines())
    _write("ascent", ascent_lines())
    _write("attribution", attribution_lines())
    _write("sections", section_lines())
    _write("findings", finding_lines())
    _write("report-json", schema_lines())


def _write(name: str, lines: Iterator[str]) -> None:
    with mkdocs_gen_files.open(f"reference/{name}.md", "w") as file:
        file.write("\n".join(lines) + "\n")


def _cell(text: Any) -> str:
    """Text for a cell of a table: one line, no bars that would divide it."""
    return " ".join(str(text).split()).replace("|", "\\|")


def command_lines() -> Iterator[str]:
    """Each command with its purpose and its options."""
    yield "# Commands\n"
    yield "`reportgen` and `python -m reportgen` are the same program. Progress and messages go to standard error;"
    yield "standard output has the path of what was made, or what was asked for, and nothing else.\n"
    yield "| exit status | means |\n|---|---|\n| 0 | done |"
    yield "| 1 | a mistake that can be mended; one line says what was expected, what came and what to do |"
    yield "| 2 | wrong usage |\n| 3 | a gate failed |\n| 130 | interrupted; an earlier report is untouched |\n"
    for name, command in sorted(commands.commands.items()):
        arguments = " ".join(
            str(one.metavar or one.name).upper() for one in command.params if one.param_type_name == "argument"
        )
        yield f"## `reportgen {name}`\n\n```\nreportgen {name} {arguments}".rstrip() + "\n```\n"
        yield inspect.cleandoc(command.help or "") + "\n"
        options = [one for one in command.params if one.param_type_name == "option"]
        if options:
            yield "| option | meaning |\n|---|---|"
            for one in options:
                yield f"| `{_cell(', '.join(one.opts))}` | {_cell(getattr(one, 'help', '') or '')} |"
            yield ""


def option_lines() -> Iterator[str]:
    """Every setting, under the name it has on the command line and in reportgen.toml."""
    yield "# Options\n"
    yield "Every option of `reportgen build` is also a key of `reportgen.toml` under the same name without the dashes,"
    yield "and an argument of [`reportgen.build`](python.md) with `_` for `-`. The command line wins over the file.\n"
    for name, field in Config.model_fields.items():
        facts = option_facts(name)
        yield f"## `{option_name(name)}`\n"
        yield f"{(facts.off_help or field.description or '').rstrip('.').capitalize()}.\n"
        if facts.metavar:
            yield f"Takes `{facts.metavar}`.\n"
        if field.default not in (None, (), {}, "", False, True):
            yield f"Default: `{field.default}`.\n"


def ascent_lines() -> Iterator[str]:
    """The parameters of a preset of activation maximisation."""
    yield "# Parameters of activation maximisation\n"
    yield "A preset is a set of parameters; each can be changed under `[ascent]` in `reportgen.toml`.\n"
    yield "| parameter | meaning |\n|---|---|"
    for name, field in AscentSettings.model_fields.items():
        yield f"| `{name}` | {_cell(field.description)} |"


def attribution_lines() -> Iterator[str]:
    """What may stand under `[attribution]`."""
    yield "# Parameters of attribution\n"
    yield "Each can be changed under `[attribution]` in `reportgen.toml`, where `methods` stands for the option"
    yield "[`attribution`](options.md).\n"
    yield "| parameter | meaning | default |\n|---|---|---|"
    for name, field in AttributionSettings.model_fields.items():
        default = "none" if field.default is None else f"`{field.default:g}`"
        yield f"| `{name}` | {_cell(field.description)} | {default} |"


def section_lines() -> Iterator[str]:
    """Every section and how it behaves on the pages, as it declares itself."""
    yield "# Sections\n"
    for section in SECTIONS:
        traits = section.traits
        yield f"## {section.title} {{ #{section.slug} }}\n"
        yield f"`--sections {section.slug}`. {inspect.cleandoc(sys.modules[section.plan.__module__].__doc__ or '')}\n"
        yield f"{inspect.cleandoc(section.plan.__doc__ or '')}\n"
        stands = [f"a page of its own, `{section.slug}.html`"] if traits.gallery else []
        stands += [
            f"{place} ({how})" for place, how in (("images", traits.on_images), ("layers", traits.on_layers)) if how
        ]
        yield f"Stands on: {', '.join(stands)}{', channels' if traits.on_channels else ''}.\n"
        if traits.words:
            yield f"A search for {', '.join(f'“{word}”' for word in traits.words)} finds it.\n"


def finding_lines() -> Iterator[str]:
    """Every rule: what it measures, its thresholds, why it matters and what to do."""
    yield "# Findings\n"
    yield "What stands out in a report is found by these rules, in this order. `⟨...⟩` stands for what is measured.\n"
    for rule in RULES:
        yield f"## {rule.__name__.replace('_', ' ').capitalize()} {{ #{rule.__name__} }}\n"
        yield inspect.cleandoc(rule.__doc__ or "") + "\n"
        for said in _findings_of(rule):
            yield f"**`{said.get('rule', '…')}`**, {said.get('severity', '…')}: {said.get('message', '…')}\n"
            yield "| part | what it says |\n|---|---|"
            for key, title in (
                ("measured", "measured"),
                ("threshold", "threshold"),
                ("why", "why"),
                ("action", "what to do"),
            ):
                yield f"| {title} | {_cell(said.get(key, '…'))} |"
            yield ""


def _findings_of(rule: Any) -> Iterator[dict[str, str]]:
    """What each `Finding(...)` in the source of a rule, or of a function beside it that the rule calls, says."""
    module = sys.modules[rule.__module__]
    tree = ast.parse(inspect.getsource(module))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    waiting, seen = [rule.__name__], set()
    while waiting:
        name = waiting.pop(0)
        if name in seen or name not in functions:
            continue
        seen.add(name)
        for node in ast.walk(functions[name]):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                if node.func.id == "Finding":
                    yield {one.arg: _said(one.value, module) for one in node.keywords if one.arg in _HEADS}
                waiting.append(node.func.id)


def _said(node: ast.expr, module: Any) -> str:
    """The text of an expression: constants as they are, thresholds by their value, what is measured by its name."""
    match node:
        case ast.Constant():
            said = str(node.value)
        case ast.JoinedStr():
            said = "".join(_said(part, module) for part in node.values)
        case ast.FormattedValue():
            said = _formatted(node, module)
        case ast.IfExp():
            said = " or ".join(text for text in (_said(node.body, module), _said(node.orelse, module)) if text.strip())
        case ast.BinOp(op=ast.Add()):
            said = _said(node.left, module) + _said(node.right, module)
        case ast.Call():
            said = _said_of_call(node, module)
        case ast.Name() if isinstance(getattr(module, node.id, None), str):
            said = str(getattr(module, node.id))
        case _:
            said = _measured(node.left if isinstance(node, ast.BinOp) else node)
    return said


def _formatted(node: ast.FormattedValue, module: Any) -> str:
    """A value inside a text: a threshold in the format it is given there."""
    value = getattr(module, node.value.id, None) if isinstance(node.value, ast.Name) else None
    if value is None or callable(value):
        return _said(node.value, module)
    spec = node.format_spec
    return format(value, _said(spec, module) if isinstance(spec, ast.JoinedStr) else "")


def _said_of_call(node: ast.Call, module: Any) -> str:
    """What a call puts into a text: what a function of the module returns, or the name of what a formatter is given."""
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name == "counted":
        return counted(2, *(_said(one, module) for one in node.args[1:])).replace("2", _said(node.args[0], module), 1)
    function = getattr(module, name, None)
    if inspect.isfunction(function) and function.__module__ == module.__name__:
        tree = ast.parse(inspect.getsource(function))
        returned = [one.value for one in ast.walk(tree) if isinstance(one, ast.Return) and one.value is not None]
        texts = [_said(one, module) for one in returned if isinstance(one, (ast.Constant, ast.JoinedStr, ast.IfExp))]
        if any(text.strip() for text in texts):
            return " or ".join(dict.fromkeys(text for text in texts if text.strip()))
        return _measured(node.func)
    return _said(node.args[0], module) if node.args else _measured(node.func)


def _measured(node: ast.expr) -> str:
    """⟨what is measured⟩, after the name it has in the source."""
    while isinstance(node, (ast.Subscript, ast.Starred, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return f"⟨{name.strip('_').replace('_', ' ')}⟩" if name else "…"


def schema_lines() -> Iterator[str]:
    """Every key of `report.json`, from its JSON Schema."""
    whole = schema()
    yield "# report.json\n"
    yield f"{whole.get('description', '')} `reportgen schema` prints the JSON Schema this page is made from. Paths are"
    yield "relative to the report's folder, sizes are `[height, width]`, a key that does not apply is null.\n"
    yield from _type_lines("report.json", whole)
    for name, definition in sorted(whole.get("$defs", {}).items()):
        if definition.get("type") == "object":
            yield from _type_lines(name, definition)


def _type_lines(name: str, definition: dict[str, Any]) -> Iterator[str]:
    yield f"## {name} {{ #{name.lower().replace('.', '-')} }}\n"
    if name != "report.json":
        yield f"{definition.get('description', '')}\n"
    yield "| key | type |\n|---|---|"
    for key, value in definition.get("properties", {}).items():
        yield f"| `{key}` | {_type(value)} |"
    yield ""


def _type(value: dict[str, Any]) -> str:
    """A type of the schema in words, with links to the types it names."""
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for key in ("anyOf", "oneOf"):
        if key in value:
            return " or ".join(dict.fromkeys(_type(one) for one in value[key]))
    if "enum" in value:
        return " or ".join(f"`{one}`" for one in value["enum"])
    if "const" in value:
        return f"`{value['const']}`"
    if value.get("type") == "array":
        inner = value.get("items") or ({"anyOf": value["prefixItems"]} if "prefixItems" in value else {})
        return f"list of {_type(inner)}" if isinstance(inner, dict) and inner else "list"
    return str(value.get("type", "any"))


main()
