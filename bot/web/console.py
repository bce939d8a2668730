"""The console: all its routes in one list. Every page asks who is there; every deed asks for the form's token and the role."""

from __future__ import annotations

from fastapi import APIRouter

from bot.config import Settings
from bot.pipeline import Parts
from bot.web import login, oidc
from bot.web.desk import actions, cases, deletions, figures, health, item, knowledge, people, queue, returns
from bot.web.desk.page import Console, route_class


def routes(settings: Settings, parts: Parts) -> APIRouter:
    """The console's routes, to be mounted under ``/console``."""
    console = Console(settings, parts)
    parts.rereads.append(console.reread)
    router = APIRouter(route_class=route_class(console), include_in_schema=False)
    for module in (login, oidc, queue, actions, item, cases, deletions, returns, figures, health, knowledge, people):
        module.add(router, console)
    return router
