"""Rubbish gets an orderly reply, and the next correct request is answered as usual."""

from __future__ import annotations

import pytest

from kki.drafting.mutations import LENIENT, ROBUSTNESS, ROUTES

from .probes import each


@pytest.mark.parametrize(("operation", "name"), each(ROBUSTNESS, share=2))
def test_rubbish_gets_an_orderly_reply(server, request, operation, name):
    server.send(server.a(operation), name)
    if request.node.get_closest_marker("level").args == ("quick",):  # once for each kind of rubbish
        server.send(server.a("b2b"))


@pytest.mark.parametrize(("operation", "name"), each(LENIENT, quick="none"))
def test_what_is_nearly_json_is_refused(server, operation, name):
    server.send(server.a(operation), name)


@pytest.mark.parametrize(("operation", "name"), each(ROUTES, share=3))
def test_another_method_or_path_is_refused(server, operation, name):
    server.send(server.a(operation), name)
