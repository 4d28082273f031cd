"""What a version of an agenda says about the one before."""

from hypothesis import given
from hypothesis import strategies as st

from crb.versions import compare


def entries(text: str) -> list[dict[str, object]]:
    return [{"item": letter, "title": letter} for letter in text]


def said(before: str, after: str) -> str:
    lines, gone = compare(entries(before), entries(after))
    words = [
        f"{line.entry['item']}{'+' if line.is_added else ''}"
        f"{f'<{line.moved_from}' if line.moved_from else ''}"
        for line in lines
    ]
    return " ".join([*words, *(f"-{line.entry['item']}" for line in gone)])


def test_only_what_was_moved_counts_as_moved() -> None:
    assert said("abcd", "abcd") == "a b c d"
    assert said("abcd", "dabc") == "d<4 a b c"
    assert said("abcd", "bcda") == "b c d a<1"
    assert said("abcd", "abdxc") in ("a b d<4 x+ c", "a b d x+ c<3")


def test_what_is_added_or_gone_moves_nothing_else() -> None:
    assert said("abc", "xabc") == "x+ a b c"
    assert said("abc", "bc") == "b c -a"
    assert said("", "ab") == "a+ b+"
    assert said("ab", "") == "-a -b"


@given(st.permutations("abcdef"), st.permutations("abcdef"))
def test_without_the_moved_ones_the_order_stands(before: list[str], after: list[str]) -> None:
    lines, gone = compare(entries("".join(before)), entries("".join(after)))
    stayed = [line.entry["item"] for line in lines if not line.moved_from]
    assert stayed == [letter for letter in before if letter in stayed]
    assert gone == []
    assert stayed
