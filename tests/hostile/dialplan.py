"""How Asterisk reads what we write for it."""

from __future__ import annotations


def arguments(text: str) -> list[str]:
    """The arguments of an application: ``AST_STANDARD_APP_ARGS`` (``__ast_app_separate_args``).

    A comma ends one unless it is quoted, escaped, or in brackets; quotes and backslashes go.
    """
    found, escaped, quoted = [""], False, False
    depth = {"(": 0, "[": 0}
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
            continue
        elif character == '"':
            quoted = not quoted
            continue
        elif not quoted and character in "([":
            depth[character] += 1
        elif not quoted and character in ")]":
            opening = "(" if character == ")" else "["
            depth[opening] = max(0, depth[opening] - 1)
        elif character == "," and not quoted and not any(depth.values()):
            found.append("")
            continue
        found[-1] += character
    return found
