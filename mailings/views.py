"""The public pages: unsubscribe and health. Nothing here is for staff, and nothing here names anybody."""

from __future__ import annotations

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe
from redis.exceptions import RedisError

from mailings import operations
from mailings.models import Worker


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Offer a button to GET, which scanners fetch, and unsubscribe at once on POST, without a session (RFC 8058 §3.2).

    :raises Http404: the token is forged.
    """
    delivery = operations.delivery_of(token)
    if delivery is None:
        raise Http404
    if request.method == "POST":
        operations.unsubscribe(delivery)
    response = render(request, "mailings/unsubscribe.html", {"is_done": request.method == "POST"})
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer as long as the process lives."""
    return HttpResponse("ok", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 while mail can be taken and sent: database, migrations, queue and a worker are there."""
    fault = first_fault()
    return HttpResponse(fault or "ok", status=503 if fault else 200, content_type="text/plain")


def first_fault() -> str:
    """Name the first part that is missing, in one word, or return nothing."""
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "migrations"
        if not Worker.objects.alive(timezone.now()).exists():
            return "worker"
    except DatabaseError:
        return "database"
    return "" if is_queue_up() else "queue"


def is_queue_up() -> bool:
    """Ask Redis, where there is one: the cache and the queue share it."""
    if not settings.REDIS_URL:
        return True
    try:
        cache.get("readyz")
    except (RedisError, OSError):
        return False
    return True
