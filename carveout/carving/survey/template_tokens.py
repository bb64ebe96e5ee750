"""Reads the tags and variables of one template, without looking at any other."""

from collections.abc import Iterator

import msgspec
from django.template.base import Lexer, Token, TokenType


class Mark(msgspec.Struct, frozen=True):
    """A tag or a variable: one of Django's tokens as plain data."""

    kind: int
    contents: str
    line: int

    def token(self) -> Token:
        return Token(TokenType(self.kind), self.contents, lineno=self.line)


def marks(text: str) -> list[Mark]:
    return [
        Mark(token.token_type.value, token.contents, token.lineno or 0)
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
