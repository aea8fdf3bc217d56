"""A curl command line as the request that it would send: copied from a terminal, a browser or Postman."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from kki.edges.errors import ConfigurationError
from kki.model.http import Headers, Request

_URL = re.compile(r"(?P<origin>[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)(?P<target>[^#]*)")
# ruff: noqa: SIM905 — a list of options reads better as they are typed
_WITH_VALUE = frozenset(
    "-X --request -H --header -d --data --data-raw --data-binary --data-ascii --data-urlencode --json --url -A "
    "--user-agent -u --user -b --cookie -e --referer -o --output -m --max-time --connect-timeout -x --proxy -E --cert "
    "--key --cacert -w --write-out --retry --resolve -c --cookie-jar -D --dump-header --oauth2-bearer -F --form -K "
    "--config -T --upload-file --ciphers --tls-max --retry-delay --retry-max-time --interface --limit-rate".split()
)
_DATA = frozenset({"-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json"})
_CODED = re.compile(r"\\(?:u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|x([0-9A-Fa-f]{1,2})|(.))", re.DOTALL)
_OF_CMD = re.compile(r"\S+ (?:[^'\n]* )?\^(?:[ \t]*\r?\n|\")")
_OF_POWERSHELL = re.compile(r"`[ \t]*\r?\n")
_CONTINUED = re.compile(r"\\[ \t]*\r?\n")
_NEXT_COMMAND = re.compile(r"\||&&?$|;|2?>")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "e": "\x1b"}


def read_curl(text: str, *, name: str, folder: Path) -> Request:
    """The request that this line would send, as far as a signature is concerned. `folder`: where an @FILE starts.

    ConfigurationError with all that is wrong; `name` is how its sentences call the line.
    """
    text = text.lstrip("$#> ")
    words = list(_windows_words(text) if _OF_CMD.match(text) else _words(_from_powershell(text), name))
    method = ""
    urls: list[str] = []
    headers: list[tuple[str, str]] = []
    data: list[bytes] = []
    problems: list[str] = []
    for option, value in _options(words[1:], problems):
        if option in ("-X", "--request"):
            method = value
        elif option in ("-H", "--header"):
            headers += _curl_header(value)
        elif option in _DATA:
            data.append(_data(option, value, folder, problems))
            headers += [("Accept", "application/json"), ("Content-Type", "application/json")] * (option == "--json")
        elif option == "--oauth2-bearer":
            headers.append(("Authorization", f"Bearer {value}"))
        elif option in ("--data-urlencode", "-F", "--form", "-T", "--upload-file", "-K", "--config"):
            problems.append(f"{option}: expected the body in --data or --data-raw, but this option makes another one.")
        elif option in ("", "--url"):
            urls.append(value)
    if len(urls) != 1:
        problems.append(f"expected one URL, but got {len(urls)}.")
    if problems:
        raise ConfigurationError([f"{name}: {problem}" for problem in problems])
    origin, target = split_url(urls[0] if "://" in urls[0] else f"http://{urls[0]}")
    body = b"&".join(data)  # as curl joins several
    return Request(
        method=method or ("POST" if data else "GET"), target=target, origin=origin, headers=Headers(tuple(headers)),
        body=body,
    )  # fmt: skip


def _options(words: Sequence[str], problems: list[str]) -> Iterator[tuple[str, str]]:
    """(option, value); ("", word) for what is no option."""
    rest = iter(words)
    for word in rest:
        if _NEXT_COMMAND.match(word):
            return
        name, equals, value = word.partition("=")
        letters = _letters(word)
        if word in _WITH_VALUE or (letters and not letters[1]):
            following = next(rest, None)
            if following is None:
                problems.append(f"{word}: expected a value after it, but the line ends.")
            else:
                yield letters[0] if letters else word, following
        elif equals and name.startswith("--") and name in _WITH_VALUE:
            yield name, value
        elif letters:
            yield letters
        elif not word.startswith("-"):
            yield "", word


def _letters(word: str) -> tuple[str, str] | None:
    """The first of several short options in one word that takes a value, and what stands behind it: -sSXPOST."""
    for at, letter in enumerate(word[1:], 1) if re.match(r"-[A-Za-z]", word) else ():
        if f"-{letter}" in _WITH_VALUE:
            return f"-{letter}", word[at + 1 :]
    return None


def _curl_header(line: str) -> list[tuple[str, str]]:
    """“Name: value”; “Name;” sends an empty one, and “Name:” removes one."""
    field, colon, value = line.partition(":")
    if colon:
        return [(field.strip(), value.strip())] if value.strip() else []
    return [(line.rstrip(";").strip(), "")] if line.endswith(";") else []


def _data(option: str, value: str, folder: Path, problems: list[str]) -> bytes:
    if not value.startswith("@") or option == "--data-raw":
        return value.encode("utf-8", "surrogateescape")
    path = folder / value[1:]
    try:
        octets = path.read_bytes()
    except (OSError, ValueError) as error:
        problems.append(f"{option}: expected the file {value[1:]}, but: {getattr(error, 'strerror', None) or error}.")
        return b""
    # curl --data drops line ends and NUL octets of a file; --data-binary and --json keep them.
    return octets if option in ("--data-binary", "--json") else re.sub(rb"[\r\n\x00]", b"", octets)


def _words(text: str, name: str) -> Iterator[str]:
    """The words of a command line as a POSIX shell and bash's $'…' make them; no variables and no substitution."""
    word: list[str] | None = None
    at = 0
    while at < len(text):
        char = text[at]
        if continued := _CONTINUED.match(text, at):
            at = continued.end()
        elif char.isspace():
            if word is not None:
                yield "".join(word)
                word = None
            if char == "\n":
                return
            at += 1
        else:
            piece, at = _piece(text, at, name)
            word = [*(word or ()), piece]
    if word is not None:
        yield "".join(word)


def _from_powershell(text: str) -> str:
    """PowerShell goes on behind a backtick, and writes ' twice where it is no end."""
    return _OF_POWERSHELL.sub(" ", text).replace("''", "'\\''") if _OF_POWERSHELL.search(text) else text


def _windows_words(text: str) -> Iterator[str]:
    """The words of a line for cmd, which drops its carets, as a Windows programme then takes them apart."""
    word: list[str] | None = None
    quoted = False
    for match in re.finditer(r'(\\*)"|(\s)|([^"\s\\]+|\\+)', _without_carets(text)):
        slashes, blank, plain = match.groups()
        if blank is not None and not quoted:
            if word is not None:
                yield "".join(word)
            word = None
        elif slashes is not None:
            mark = len(slashes) % 2 == 1
            word = [*(word or ()), slashes[: len(slashes) // 2], '"' if mark else ""]
            quoted = quoted if mark else not quoted
        else:
            word = [*(word or ()), blank or plain]
    if word is not None:
        yield "".join(word)


def _without_carets(text: str) -> str:
    """Outside quotation marks of its own, cmd takes the character after a caret as it is, and no line end there."""
    pieces: list[str] = []
    at, quoted = 0, False
    while at < len(text):
        if text[at] == "^" and not quoted:
            ended = re.compile(r"\^[ \t]*\r?\n").match(text, at)
            at = ended.end() if ended else at + 1
            if ended and text[at : at + 1] not in ("\r", "\n"):
                continue
        elif text[at] == '"':
            quoted = not quoted
        elif text[at] in "\r\n" and not quoted:
            break
        pieces.append(text[at : at + 1])
        at += 1
    return "".join(pieces)


def _piece(text: str, at: int, name: str) -> tuple[str, int]:
    """One quoted or bare stretch of a word, and where it ends."""
    if text.startswith("$'", at):
        return _ansi(text, at + 2, name)
    if text[at] == "'":
        end = _closing(text, at + 1, "'", name)
        return text[at + 1 : end], end + 1
    if text[at] == '"':
        return _double_quoted(text, at + 1, name)
    if text[at] == "\\" and at + 1 < len(text):
        return text[at + 1], at + 2
    return text[at], at + 1


def _closing(text: str, at: int, mark: str, name: str) -> int:
    end = text.find(mark, at)
    if end < 0:
        raise ConfigurationError([f"{name}: expected a closing {mark}, but the line ends."])
    return end


def _double_quoted(text: str, at: int, name: str) -> tuple[str, int]:
    pieces: list[str] = []
    while at < len(text) and text[at] != '"':
        if text[at] == "\\" and text[at + 1 : at + 2] in ('"', "\\", "$", "`", "\n"):
            pieces.append("" if text[at + 1] == "\n" else text[at + 1])
            at += 2
        else:
            pieces.append(text[at])
            at += 1
    return "".join(pieces), _closing(text, at, '"', name) + 1


def _ansi(text: str, at: int, name: str) -> tuple[str, int]:
    """$'…' as browsers write it for bodies with quotation marks or other scripts."""
    pieces: list[str] = []
    while at < len(text) and text[at] != "'":
        coded = _CODED.match(text, at)
        if coded is None:
            pieces.append(text[at])
            at += 1
            continue
        number = coded[1] or coded[2] or coded[3]
        pieces.append(chr(min(int(number, 16), 0x10FFFF)) if number else _ESCAPES.get(coded[4], coded[4]))
        at = coded.end()
    whole = "".join(pieces)
    # \uD83D\uDE00 stands for one character beyond the first plane.
    joined = whole.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined, _closing(text, at, "'", name) + 1


def split_url(url: str) -> tuple[str, str]:
    """Origin and raw request-target; ("", url) for what has no scheme."""
    match = _URL.match(url)
    if match is None:
        return "", url.partition("#")[0]
    target = match["target"]
    return match["origin"], target if target.startswith("/") else f"/{target}"
