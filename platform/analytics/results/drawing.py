"""Charts as pictures, drawn in a process apart that starts with the first one and goes when none is asked for."""

import atexit
import hashlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from django.utils.translation import gettext_lazy as _

from tenants.errors import PlatformError

logger = logging.getLogger(__name__)

Format = Literal["svg", "png"]
THEMES = ("light", "dark")
DRAWER = (sys.executable, "-I", str(Path(__file__).with_name("drawer.py")))
# The first picture takes a second, others some hundredths; on a busy machine more.
TIMEOUT_S = 20.0
KEPT = 64
# Browsers draw the text of an SVG with the first of these that they have; all of them know Chinese but the last.
FONTS = (
    'system-ui, -apple-system, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", '
    '"Source Han Sans SC", "WenQuanYi Micro Hei", sans-serif'
)
# Apart for eyes that see fewer colours, on both grounds.
_COLOURS = ["#3b7dd8", "#e8833a", "#3ba272", "#c94f7c", "#8a63d2", "#b8962e", "#2aa5a5", "#8c8c8c"]
_INKS = {"light": ("#1f2430", "#5b6372", "#e3e6eb"), "dark": ("#eceff4", "#aab2c0", "#3a4150")}


class ChartNotDrawn(PlatformError):
    code = "chart_not_drawn"
    status = 503
    default_detail = _("The chart cannot be drawn just now.")


def draw(spec: dict[str, Any], *, theme: str = "light", format: Format = "svg") -> bytes:
    """A chart of ours as SVG, without a ground of its own, or as PNG. Raises ChartNotDrawn."""
    asked = json.dumps({"spec": spec, "config": config_of(theme, format), "format": format}).encode()
    digest = hashlib.sha256(asked).digest()
    return _kept.get(digest) or _kept.put(digest, _drawer.draw(asked))


def config_of(theme: str, format: Format) -> dict[str, Any]:
    """How our charts look."""
    ink, soft, line = _INKS[theme if theme in _INKS else "light"]
    labels = {"labelColor": soft, "titleColor": soft, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": 500}
    ground = {"light": "#ffffff", "dark": "#161a22"}[theme if theme in _INKS else "light"]
    return {
        "background": ground if format == "png" else None,
        "font": FONTS,
        "axis": {**labels, "gridColor": line, "domainColor": line, "tickColor": line},
        "legend": {**labels, "symbolType": "circle"},
        "title": {"color": ink, "subtitleColor": soft, "fontSize": 14, "subtitleFontSize": 12, "offset": 12},
        "view": {"stroke": None},
        "range": {"category": _COLOURS},
        "mark": {"color": _COLOURS[0]},
        "bar": {"cornerRadiusEnd": 2},
        "line": {"strokeWidth": 2},
    }


class _Drawer:
    """Our end of the line to it: one picture at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.end)
        os.register_at_fork(after_in_child=self._forget)

    def draw(self, asked: bytes) -> bytes:
        if not self._lock.acquire(timeout=TIMEOUT_S):
            raise ChartNotDrawn
        try:
            return self._answer(asked)
        except OSError as failure:
            self.end()
            logger.warning("A chart was not drawn: %r", failure)
            raise ChartNotDrawn from failure
        finally:
            self._lock.release()

    def end(self) -> None:
        if process := self._process:
            self._process = None
            process.kill()
            with suppress(OSError):  # what is left for a pipe that is closed
                process.communicate()

    def _forget(self) -> None:
        """It is the parent's."""
        self._lock = threading.Lock()
        self._process = None

    def _answer(self, asked: bytes) -> bytes:
        process = self._running()
        alarm = threading.Timer(TIMEOUT_S, process.kill)
        alarm.start()
        try:
            return _said(process, asked)
        finally:
            alarm.cancel()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:  # it goes when it was idle for long
            self.end()
            self._process = subprocess.Popen(DRAWER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={})
        return self._process


def _said(process: "subprocess.Popen[bytes]", asked: bytes) -> bytes:
    """Raises ChartNotDrawn for what Vega refuses, OSError where the process ended."""
    if process.stdin is None or process.stdout is None:
        raise BrokenPipeError
    process.stdin.write(asked + b"\n")
    process.stdin.flush()
    head = process.stdout.readline()
    if not head:
        raise BrokenPipeError
    told = json.loads(head)
    if "error" in told:
        logger.error("Vega refused a chart: %s", told["error"])
        raise ChartNotDrawn
    picture = process.stdout.read(told["size"])
    if len(picture) < told["size"]:
        raise BrokenPipeError
    return picture


class _Kept:
    """The last pictures: a page that is looked at again is not drawn again."""

    def __init__(self) -> None:
        self._pictures: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, digest: bytes) -> bytes | None:
        with self._lock:
            if digest in self._pictures:
                self._pictures.move_to_end(digest)
            return self._pictures.get(digest)

    def put(self, digest: bytes, picture: bytes) -> bytes:
        with self._lock:
            self._pictures[digest] = picture
            while len(self._pictures) > KEPT:
                self._pictures.popitem(last=False)
        return picture


_drawer = _Drawer()
_kept = _Kept()
