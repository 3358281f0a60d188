"""What pygls leaves out of the protocol: each request has an answer, whenever it comes and whatever is in it."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidRequest, JsonRpcServerNotInitialized
from pygls.protocol import LanguageServerProtocol

__all__ = ["PROTOCOL"]

_POSITION: Final = {"line", "character"}
_MOST: Final = 2**31 - 1
"""The largest number of a line or a column in the protocol."""


class _Refused(NamedTuple):
    """A request that cannot be read."""

    id: Any
    error: JsonRpcException


class _Protocol(LanguageServerProtocol):
    """The protocol as pygls speaks it, and answers where pygls has none."""

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Return a message, or a part of one, as its type says. Positions outside of the protocol's numbers are clamped."""
        if data.keys() == _POSITION:
            # Clients send -1, and numbers without end, for the start and the end of a text.
            return {
                name: min(max(value, 0), _MOST) if isinstance(value, int) else value
                for name, value in data.items()
            }
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if data.get("id") is None or "method" not in data:
                raise
            return _Refused(data["id"], error)

    def handle_message(self, message: Any) -> None:
        """Handle a message; refuse a request that cannot be read, or comes before or after its time."""
        if isinstance(message, _Refused):
            self._refuse(*message)
            return
        method = getattr(message, "method", None)
        error = None if method is None else self._untimely(method)
        if error is None:
            super().handle_message(message)
        elif getattr(message, "id", None) is not None:
            self._refuse(message.id, error)

    def _untimely(self, method: str) -> JsonRpcException | None:
        """Return why a message must not come now; None if it may."""
        if method == types.EXIT:
            return None
        if self._shutdown:
            return JsonRpcInvalidRequest("the server was shut down")
        if self._workspace is None and method != types.INITIALIZE:
            return JsonRpcServerNotInitialized("initialize comes first")
        if self._workspace is not None and method == types.INITIALIZE:
            return JsonRpcInvalidRequest("initialize comes once")
        return None

    def _refuse(self, number: Any, error: JsonRpcException) -> None:
        self._send_response(number, error=error.to_response_error())


PROTOCOL: Final[type[Any]] = _Protocol
"""What `pygls.lsp.server.LanguageServer` takes as its `protocol_cls`."""
