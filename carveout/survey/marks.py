"""Marks: what one template says between its braces, without a look at any other."""

from collections.abc import Iterator

import msgspec
from django.template.base import Lexer, Token, TokenType


class Mark(msgspec.Struct, frozen=True):
    """A tag, or else a variable with its filters."""

    line: int
    tag: bool
    contents: str

    def words(self) -> list[str]:
        """A tag's name and its arguments; a string with blanks is one argument."""
        return Token(TokenType.BLOCK, self.contents).split_contents() or [""]


def marks(text: str) -> list[Mark]:
    return [
        Mark(token.lineno or 0, token.token_type == TokenType.BLOCK, token.contents)
        for token in _outside_comments(Lexer(text).tokenize())
    ]


def _outside_comments(tokens: list[Token]) -> Iterator[Token]:
    inside = False
    for token in tokens:
        if token.token_type == TokenType.BLOCK and token.contents.split()[:1] == ["comment"]:
            inside = True
        elif token.token_type == TokenType.BLOCK and token.contents.startswith("endcomment"):
            inside = False
        elif not inside and token.token_type in (TokenType.BLOCK, TokenType.VAR):
            yield token
