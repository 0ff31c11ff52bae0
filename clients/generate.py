"""Write the Python client's types and calls from the site's own OpenAPI schema: python -m clients.generate

A generator of our own: openapi-python-client makes some 150 files with two dependencies out of the same schema;
this makes two files with none.
"""

from __future__ import annotations

import json
import keyword
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "python" / "recsite_client"
TYPING = ("Any", "Literal", "NotRequired", "TypedDict", "cast")
CLIENT_IMPORTS = (
    "from recsite_client import types\nfrom recsite_client.transport import Transport, path\n"
)
PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
BODY_OF_ANSWER = "application/json"

Schema = Mapping[str, Any]


def main() -> None:
    """Write the files."""
    for name, text in files(site_schema()).items():
        (FOLDER / name).write_text(text)


def site_schema() -> Schema:
    """Return the schema that a site of this checkout serves at /api/schema."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recsite.settings")
    import django  # noqa: PLC0415  # only where the schema does not come from a running site

    django.setup()
    from drf_spectacular.generators import SchemaGenerator  # noqa: PLC0415  # needs the apps
    from drf_spectacular.renderers import OpenApiJsonRenderer  # noqa: PLC0415

    found = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    text = OpenApiJsonRenderer().render(found, renderer_context={})
    schema: Schema = json.loads(text)
    return schema


def files(schema: Schema) -> dict[str, str]:
    """Return the text of each generated file by its name."""
    return {
        "types.py": _formatted(_types(schema)),
        "client.py": _formatted(_client(schema)),
    }


def _types(schema: Schema) -> str:
    parts: list[str] = []
    for name, component in sorted(schema["components"]["schemas"].items()):
        if "properties" not in component:
            parts.append(f"{name} = {_type(component, is_quoted=True)}\n\n")
        else:
            parts.append(_typed_dict(name, component))
    return _module("What is sent and what is answered.", "\n".join(parts))


def _module(what: str, text: str, imports: str = "") -> str:
    """Return a module with its head and the names of `typing` that it uses."""
    used = [name for name in TYPING if re.search(rf"\b{name}\b", text)]
    head = f'"""{what} Generated from the API\'s schema by `make clients`; do not edit."""\n\n'
    return (
        f"{head}from __future__ import annotations\n\nfrom typing import {', '.join(used)}\n\n"
        f"{imports}\n\n{text}"
    )


def _typed_dict(name: str, component: Schema) -> str:
    required = set(component.get("required", ()))
    fields = {
        field: _type(inner) if field in required else f"NotRequired[{_type(inner)}]"
        for field, inner in component["properties"].items()
    }
    if any(not _is_name(field) for field in fields):
        inside = ", ".join(f'"{field}": "{kind}"' for field, kind in fields.items())
        return f'{name} = TypedDict("{name}", {{{inside}}})\n\n'
    lines = [f"class {name}(TypedDict):"]
    if said := component.get("description"):
        lines += [f'    """{_one_line(said)}"""', ""]
    for field, inner in component["properties"].items():
        lines += [f"    {field}: {fields[field]}"]
        if said := inner.get("description"):
            lines += [f'    """{_one_line(said)}"""']
    return "\n".join(lines) + "\n\n"


def _client(schema: Schema) -> str:
    methods = [
        _method(path, verb, operation)
        for path, verbs in sorted(schema["paths"].items())
        for verb, operation in verbs.items()
        if isinstance(operation, dict) and "operationId" in operation
    ]
    text = (
        "class Client(Transport):\n"
        '    """The API of one Recsite site; each call returns the answer or raises `Problem`."""\n\n'
    )
    return _module("Every call of the API.", text + "\n".join(methods), CLIENT_IMPORTS)


def _method(path: str, verb: str, operation: Schema) -> str:
    parameters = operation.get("parameters", [])
    in_path = [p for p in parameters if p["in"] == "path"]
    in_query = [p for p in parameters if p["in"] == "query"]
    arguments = ["self", *(f"{_name(p['name'])}: str" for p in in_path)]
    body = _body(operation.get("requestBody", {}).get("content", {}))
    if body:
        arguments.append(f"body: {body}")
    if in_query:
        arguments += ["*", *map(_query_argument, in_query)]
    names = ", ".join(f'"{p["name"]}": {_name(p["name"])}' for p in in_query)
    place = f'path("{path}"' + "".join(f", {p['name']}={_name(p['name'])}" for p in in_path) + ")"
    given = [f'"{verb.upper()}"', place]
    given += [f"query={{{names}}}"] if in_query else []
    given += ["body=body"] if body else []
    answer = _answer(operation["responses"])
    said = _one_line(operation.get("description") or operation["operationId"])
    call = f"self.request({', '.join(given)})"
    last = call if answer == "None" else f'return cast("{answer}", {call})'
    return (
        f"    def {operation['operationId']}({', '.join(arguments)}) -> {answer}:\n"
        f'        """{said}"""\n'
        f"        {last}\n"
    )


def _query_argument(parameter: Schema) -> str:
    kind = _type(parameter["schema"])
    if parameter.get("required"):
        return f"{_name(parameter['name'])}: {kind}"
    return f"{_name(parameter['name'])}: {kind} | None = None"


def _answer(responses: Schema) -> str:
    kinds = {_body(r.get("content", {})) or "None" for code, r in responses.items() if code != "default"}  # fmt: skip
    return " | ".join(sorted(kinds - {"None"} or {"None"}))


def _body(content: Schema) -> str:
    return _type(content[BODY_OF_ANSWER]["schema"], "types.") if BODY_OF_ANSWER in content else ""


def _type(schema: Schema, prefix: str = "", *, is_quoted: bool = False) -> str:
    """Return a schema as a Python type; `prefix` stands before the names of components."""
    kind = _bare_type(schema, prefix)
    if schema.get("nullable") and kind != "Any":
        kind += " | None"
    # At the top of a module a name may stand before what it names.
    return f'"{kind}"' if is_quoted and not kind.startswith("Literal") else kind


def _bare_type(schema: Schema, prefix: str) -> str:
    if "$ref" in schema:
        return prefix + str(schema["$ref"]).rsplit("/", 1)[-1]
    for joined in ("allOf", "oneOf", "anyOf"):
        if joined in schema:
            return " | ".join(dict.fromkeys(_type(inner, prefix) for inner in schema[joined]))
    if "enum" in schema:
        values = ", ".join(repr(value) for value in schema["enum"] if value is not None)
        return f"Literal[{values}]"
    if schema.get("type") == "array":
        return f"list[{_type(schema['items'], prefix)}]"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return f"dict[str, {_type(inner, prefix) if inner and inner is not True else 'Any'}]"
    return PLAIN.get(str(schema.get("type")), "Any")


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _name(text: str) -> str:
    return text if _is_name(text) else f"{text}_"


def _one_line(text: str) -> str:
    """Return a description's first paragraph as the inside of a docstring."""
    paragraph = " ".join(text.strip().split("\n\n")[0].split()).replace("\\", "\\\\")
    return paragraph + " " if paragraph.endswith('"') else paragraph


def _formatted(text: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", "generated.py", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    main()
