"""HTML of a mail as plain text: what a reader sees, and nothing that looks, loads or runs.

Links, lists and quotes come out as Markdown writes them. Where earlier mail begins, marks are
left for ``quoting`` to split at; they are characters that no text of a message may hold.
"""

import html as entities
import re
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import lxml.etree
import lxml.html
from inscriptis.css_profiles import STRICT_CSS_PROFILE
from inscriptis.html_engine import Inscriptis
from inscriptis.html_properties import Display
from inscriptis.model.config import ParserConfig
from inscriptis.model.html_document_state import HtmlDocumentState
from inscriptis.model.html_element import HtmlElement as Box
from inscriptis.model.tag import CustomHtmlTagHandlerMapping

from .words import tidy

HTML_LIMIT = 500_000
DEPTH_LIMIT = 240
"""Below the depth at which libxml2 drops what lies deeper."""
LIST_DEPTH_LIMIT = 8
QUOTE_DEPTH_LIMIT = 8
COLUMNS_LIMIT = 50
URL_LIMIT = 2_000

CITE, OWN_QUOTE, END_QUOTE, REST_IS_QUOTED, ATTRIBUTION = "\ue000\ue001\ue002\ue003\ue004"
"""Marks: earlier mail begins, the writer's own quotation begins, either ends, everything below
is earlier mail, this line says who wrote what follows."""
MARKS = re.compile("[\ue000-\ue004]")

DROPPED = set(
    """
    script style title head meta link base object embed applet iframe frame frameset svg math
    template noembed noframes audio video canvas map select datalist progress meter
    """.split()
)
BLOCKS = set(
    "address article aside blockquote center div dl fieldset form h1 h2 h3 h4 h5 h6".split()
)
BLOCKS |= set("header footer main nav section li ol p pre table tbody ul".split())
HIDDEN = re.compile(
    r"display:none|visibility:(hidden|collapse)|mso-hide:all"
    r"|max-height:0(px|pt|em)?(;|$)|(^|;)opacity:0(\.0+)?(;|$)"
)
TINY = re.compile(r"font-size:(0|0\.\d+|1)(px|pt|em|%)?(;|!|$)")
FONT_SIZE = re.compile(r"font-size:\s*(?:[2-9]|1\d)|font-size:\s*[a-z]")
LENGTH_OF_A_DOT = re.compile(r"(^|;)(width|height):[01](px)?(;|!|$)")
SAID_NOTHING = re.compile(r"(?i)^(image|picture|photo|img|logo|spacer|[\w-]+\.(png|jpe?g|gif))?$")

REST_IDS = re.compile(
    r"(x_){0,9}(divRplyFwdMsg|OLK_SRC_BODY_SECTION|mail-editor-reference-message-container"
    r"|replySplit|forwardSplit)"
)
REST_CLASSES = {"ms-outlook-mobile-reference-message", "yahoo_quoted", "WM_quote_header"}
OUTLOOK_LINE = re.compile(r"border-top:solid#(e1e1e1|b5c4df)1\.0pt")
CITE_CLASSES = {"gmail_quote", "protonmail_quote", "tutanota_quote", "zmail_extra", "cite"}
ATTRIBUTION_CLASSES = {"gmail_attr", "moz-cite-prefix", "moz-email-headers-table"}

CSS = {
    **STRICT_CSS_PROFILE,
    "ul": Box(display=Display.block, padding_inline=2),
    "ol": Box(display=Display.block, padding_inline=3),
    "tr": Box(display=Display.block),
    "center": Box(display=Display.block),
    "section": Box(display=Display.block),
}


def _bullet(state: HtmlDocumentState, _attributes: Mapping[str, str]) -> None:
    state.li_counter.append("- ")


CONFIG = ParserConfig(
    css=CSS,
    display_links=True,
    display_images=True,
    custom_html_tag_handler_mapping=CustomHtmlTagHandlerMapping({"ul": _bullet}, {}),
)


def text_of(html: str, pictures: Mapping[str, str]) -> str:
    """Return HTML as text with marks; ``pictures`` tells what to write for a Content-ID.

    Never raises. Time and memory grow with the length of the HTML, whatever it holds.
    """
    html = tidy(html[:HTML_LIMIT])
    try:
        tree = lxml.html.document_fromstring(html)
    except (lxml.etree.LxmlError, ValueError, AssertionError):
        return _stripped(html)
    _alive = list(tree.iter())  # else each walk over the tree makes all its elements anew
    if _depth(tree) >= DEPTH_LIMIT:
        return _stripped(html)
    try:
        _prepare(tree, pictures)
        return _quotes_written(Inscriptis(tree, CONFIG).get_text())
    except Exception:  # Two libraries on hostile input: the words matter more than their form.
        return _stripped(html)


def _stripped(html: str) -> str:
    """Return what is left without tags: for what is nested too deep to be read as written."""
    kept = re.sub(r"<[^<>]{0,1000}>", " ", html)
    return MARKS.sub("", tidy(entities.unescape(kept)))


def _depth(tree: lxml.html.HtmlElement) -> int:
    depth = deepest = 0
    for event, _element in lxml.etree.iterwalk(tree, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


# --- Preparing the tree -----------------------------------------------------------------------


def _prepare(tree: lxml.html.HtmlElement, pictures: Mapping[str, str]) -> None:
    """Take out what is not seen, and mark what is quoted."""
    gone: set[lxml.html.HtmlElement] = set()
    for element in list(tree.iter()):
        parent = element.getparent()
        if parent is None:
            continue
        if parent in gone:
            # It went with what holds it; to ask again in each depth would take depth times as long.
            gone.add(element)
        elif not isinstance(element.tag, str) or element.tag in DROPPED or _is_hidden(element):
            element.drop_tree()
            gone.add(element)
    for element in list(tree.iter()):
        element.text, element.tail = tidy(element.text or ""), tidy(element.tail or "")
    for element in list(tree.iter()):
        _mark_quotes(element)
        prepare = PREPARATIONS.get(element.tag)
        if prepare:
            prepare(element)
        elif element.tag == "img":
            _say_picture(element, pictures)
        for name in set(element.attrib) - {"href", "alt"}:
            del element.attrib[name]
    for element in list(tree.iter("a")):
        _say_link(element)


def _style(element: lxml.html.HtmlElement) -> str:
    return "".join(element.get("style", "")[:2_000].lower().split())


def _classes(element: lxml.html.HtmlElement) -> set[str]:
    return {name.removeprefix("x_") for name in element.get("class", "")[:1_000].split()}


def _is_hidden(element: lxml.html.HtmlElement) -> bool:
    """Whether no reader sees it: lines written for a preview, tracking pixels, hiding places."""
    if element.tag in ("html", "body"):
        return False
    if element.get("hidden") is not None or "preheader" in element.get("class", "").lower():
        return True
    style = _style(element)
    if HIDDEN.search(style):
        return True
    if element.tag == "img":
        return bool(LENGTH_OF_A_DOT.search(style)) or any(
            element.get(side, "").strip() in ("0", "1", "0px", "1px")
            for side in ("width", "height")
        )
    # Newsletters give a frame no font size and set it inside again.
    return bool(TINY.search(style)) and not any(
        FONT_SIZE.search(child.get("style", "")) for child in element.iterdescendants()
    )


def _mark_quotes(element: lxml.html.HtmlElement) -> None:
    classes = _classes(element)
    if element.tag == "blockquote":
        cites = (
            element.get("type", "").lower() == "cite"
            or bool(classes & CITE_CLASSES)
            or element.get("id") == "isReplyContent"
            or re.search(r"border-left:(?!none|0)", _style(element)) is not None
        )
        element.insert(0, _line(CITE if cites else OWN_QUOTE, tail=element.text))
        element.text = None
        element.append(_line(END_QUOTE))
    elif (
        REST_IDS.fullmatch(element.get("id", "")[:100])
        or classes & REST_CLASSES
        or any(name.startswith("yahoo_quoted") for name in classes)
        or OUTLOOK_LINE.search(_style(element))
    ):
        if element.getparent() is not None:
            element.addprevious(_line(REST_IS_QUOTED))
    elif classes & ATTRIBUTION_CLASSES:
        element.text = ATTRIBUTION + (element.text or "")


def _line(mark: str, tail: str | None = None) -> lxml.html.HtmlElement:
    line = lxml.html.Element("div")
    line.text, line.tail = mark, tail
    return line


def _list_in_time(element: lxml.html.HtmlElement) -> None:
    lists = sum(parent.tag in ("ul", "ol") for parent in element.iterancestors())
    if lists >= LIST_DEPTH_LIMIT:
        element.tag = "div"


def _row(element: lxml.html.HtmlElement) -> None:
    """Set a row of short cells on one line, and the cells of a layout below each other."""
    cells = [cell for cell in element if cell.tag in ("td", "th")]
    short = all(map(_is_on_one_line, cells))
    if not short:
        for cell in cells:
            cell.tag = "div"
        return
    filled = [cell for cell in cells if (cell.text_content() or "").strip()]
    for number, cell in enumerate(cells):
        cell.tag, cell.tail = "span", ""
        for child in cell:
            child.tag = "span" if child.tag in ("p", "div") else child.tag
        if number < COLUMNS_LIMIT and cell in filled[:-1]:
            cell.tail = " | "


def _is_on_one_line(cell: lxml.html.HtmlElement) -> bool:
    """Whether a cell holds nothing but words, or one paragraph of them."""
    for child in cell.iterdescendants():
        breaks = child.tag in BLOCKS or child.tag in ("br", "img")
        if breaks and (child is not cell[0] or child.tag not in ("p", "div")):
            return False
    return True


def _as_div(element: lxml.html.HtmlElement) -> None:
    element.tag = "div"


def _paragraph(element: lxml.html.HtmlElement) -> None:
    """Outlook writes each line as a paragraph without space; lists as paragraphs with bullets."""
    if any(name.startswith("Mso") for name in _classes(element)):
        element.tag = "div"
        if not element.text_content().strip() and not len(element.findall(".//img")):
            for child in list(element):
                element.remove(child)
            element.append(lxml.html.Element("br"))


def _bullet_of_outlook(element: lxml.html.HtmlElement) -> None:
    if "mso-list:ignore" in _style(element):
        words = element.text_content().strip()
        for child in list(element):
            element.remove(child)
        number = re.fullmatch(r"\(?(\w{1,3})[.)]", words)
        element.text = f"{words} " if number else "- "


PREPARATIONS = {
    "ul": _list_in_time,
    "ol": _list_in_time,
    "tr": _row,
    "table": _as_div,
    "tbody": _as_div,
    "thead": _as_div,
    "tfoot": _as_div,
    "p": _paragraph,
    "span": _bullet_of_outlook,
}


def _say_picture(element: lxml.html.HtmlElement, pictures: Mapping[str, str]) -> None:
    source = element.get("src", "")[:URL_LIMIT]
    words = element.get("alt", "")[:200].strip()
    if source.lower().startswith("cid:"):
        words = pictures.get(source[4:].strip().strip("<>").lower(), "")
    elif SAID_NOTHING.match(words):
        words = ""
    element.attrib.clear()
    if words:
        element.set("alt", tidy(words))


def _say_link(element: lxml.html.HtmlElement) -> None:
    """Keep the address of a link unless the words say it already, or it opens no page or mail."""
    target = _real_address(tidy(element.get("href", "")).strip())
    words = " ".join(element.text_content().split())
    shows_picture = any(picture.get("alt") for picture in element.iter("img"))
    element.attrib.clear()
    if len(target) > URL_LIMIT or not re.match(r"(?i)(https?://|mailto:|tel:)", target):
        return
    bare = re.sub(r"(?i)^(https?://|mailto:|tel:)", "", target).rstrip("/")
    if not words and not shows_picture:
        return
    if re.sub(r"(?i)^(https?://|mailto:|tel:)", "", words).rstrip("/").lower() == bare.lower():
        if target.lower().startswith("http"):
            for child in list(element):
                element.remove(child)
            element.text = target
        return
    element.set("href", re.sub(r"[\s()<>\[\]]", lambda match: f"%{ord(match[0]):02X}", target))


def _real_address(target: str) -> str:
    """Return where a link leads that a mail filter has wrapped."""
    if "safelinks.protection.outlook.com" not in target[:200]:
        return target
    try:
        return parse_qs(urlsplit(target).query, max_num_fields=20).get("url", [target])[0]
    except ValueError:
        return target


# --- After ------------------------------------------------------------------------------------


def _quotes_written(text: str) -> str:
    """Return text with ``> `` before quoted lines; the writer's own quotations keep their mark."""
    open_quotes: list[str] = []
    lines: list[str] = []
    for line in text.split("\n"):
        word = line.strip()
        if word in (CITE, OWN_QUOTE):
            open_quotes.append(word)
        elif word == END_QUOTE:
            del open_quotes[-1:]
        else:
            signs = [
                "> " if mark == CITE else f"{OWN_QUOTE} "
                for mark in open_quotes[:QUOTE_DEPTH_LIMIT]
            ]
            words = line.replace(CITE, "").replace(END_QUOTE, "").rstrip()
            lines.append(("".join(signs) + words).rstrip())
    return re.sub(r"\[ +(?=\S)", "[", "\n".join(lines))
