"""The words of a text in RTF, in one pass: formatting, fonts and pictures are left out."""

import re

TOKEN = re.compile(
    r"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})? ?"
    r"|\\'(?P<code>[0-9a-fA-F]{2})"
    r"|\\(?P<sign>[^a-zA-Z])"
    r"|(?P<brace>[{}])"
    r"|(?P<text>[^\\{}]+)"
    r"|\\"
)
SILENT = frozenset(
    "fonttbl colortbl stylesheet listtable listoverridetable info pict object themedata generator"
    " datastore latentstyles xmlnstbl rsidtbl filetbl header footer fldinst".split()
)
"""Groups that say nothing to a reader."""
WORDS = {
    "par": "\n",
    "line": "\n",
    "row": "\n",
    "sect": "\n",
    "page": "\n",
    "tab": "\t",
    "cell": "\t",
    "emdash": "—",
    "endash": "–",
    "bullet": "•",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
}
SIGNS = {"~": "\xa0", "_": "-", "{": "{", "}": "}", "\\": "\\", "\n": "\n"}
PAGES = {10000: "mac_roman", 65001: "utf-8"}


def text_of_rtf(rtf: str) -> str:
    """Return what a text in RTF says; "" for what is none."""
    if not rtf.lstrip().startswith("{\\rtf"):
        return ""
    told: list[str] = []
    page, silent, outer, skipped, after, starred = "cp1252", False, [], 0, 1, False
    for token in TOKEN.finditer(rtf):
        word, number = token["word"], token["number"]
        if token["brace"] == "{":
            outer.append((silent, after))
        elif token["brace"] and outer:
            silent, after = outer.pop()
        elif word in SILENT or starred:
            silent = True
        elif word == "ansicpg" and number:
            page = PAGES.get(int(number), f"cp{number}")
        elif word == "uc" and number:
            after = max(0, min(int(number), 4))
        starred = token["sign"] == "*"
        said = "" if silent else _said(token, page)
        if skipped and said and not word:
            # What follows a letter of Unicode stands for it where that cannot be shown.
            said, skipped = said[skipped:], max(0, skipped - len(said))
        if word == "u":
            skipped = after
        told.append(said)
    return "\n".join(line.strip(" \t") for line in "".join(told).split("\n")).strip()


def _said(token: re.Match[str], page: str) -> str:
    if token["text"]:
        return token["text"].replace("\r", "").replace("\n", "")
    if token["code"]:
        return _decoded(int(token["code"], 16), page)
    if token["sign"]:
        return SIGNS.get(token["sign"], "")
    if token["word"] == "u" and token["number"]:
        code = int(token["number"]) % 65536
        return "" if 0xD800 <= code < 0xE000 else chr(code)
    return WORDS.get(token["word"] or "", "")


def _decoded(code: int, page: str) -> str:
    try:
        return bytes([code]).decode(page, "replace")
    except LookupError:
        return bytes([code]).decode("cp1252", "replace")
