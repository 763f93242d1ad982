"""Keys that were typed ahead act where the person meant them, also when a slow line delivers them in one packet.

Textual hands every key to the widget that has the focus when it arrives, and bindings run later: `/clinic` in one packet would
filter by nothing and then press c on the row. So a key is let through only when the one before it has had its effect, and so
have the messages that it made a widget send: Enter in a field is a message to the screen, and the focus that this moves is
another one to the App. While a key is opening a dialog the following ones wait for it.
Where that dialog depends on an answer that takes its time, Escape does not wait: it calls off what is being asked.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from textual import events
from textual.message_pump import MessagePump
from textual.widget import Widget

from .keyboard import WORD_MOVES

Pass = Callable[[events.Event], Awaitable[None]]

SETTLE: Final = 0.5
"""Seconds that a key may take to have its effect before the next one is let through all the same."""
OPENING: Final = 1.0
"""Seconds that a dialog may take to open; keys typed ahead of a slower one are dropped, not pressed somewhere else."""
NEVER_HELD: Final = frozenset({"ctrl+c", "ctrl+q"})


class TypeAhead:
    """`deliver` is Textual's own way of handling an event of the App; `focused()` the widget that gets keys now.

    `last`: what handles its messages after all widgets, the App. A key has had its effect when a widget stopped it, or when it
    has bubbled back to the App and its binding has run, and when a word passed on behind it has come the same way.
    """

    def __init__(self, deliver: Pass, focused: Callable[[], Widget | None], last: MessagePump) -> None:
        self._deliver, self._focused, self._last = deliver, focused, last
        self._widget: Widget | None = None
        self._waiting: deque[events.Key] = deque()
        self._under_way: events.Key | None = None
        self._opening = self._going = False
        self._timer: asyncio.TimerHandle | None = None
        self._slow: Callable[[], object] = lambda: None
        self._asking: list[Callable[[], bool]] = []

    async def key(self, event: events.Key) -> None:
        """A key from the terminal, or one that came back from the widgets."""
        if event.key == "escape" and self._called_off(event):
            await self._follow(event)
        elif event.is_forwarded:
            await self._deliver(event)
            await self._follow(event)
        elif event.key in WORD_MOVES and not event.is_forwarded:
            from textual.widgets import Input, TextArea

            typing = isinstance(self._focused(), Input | TextArea)
            for name in (WORD_MOVES[event.key],) if typing else ("escape", event.key[-1]):
                key = events.Key(name, name if len(name) == 1 else None)
                key._sender = event._sender  # else it is ours, and what we sent does not come back to us
                await self.key(key)
        elif event.key in NEVER_HELD:
            await self._deliver(event)
        elif self._opening or self._under_way is not None or self._waiting:
            self._waiting.append(event)
        else:
            await self._begin(event)

    async def _begin(self, event: events.Key) -> None:
        self._under_way = event
        loop = asyncio.get_running_loop()
        loop.call_later(SETTLE, lambda: self._under_way is event and loop.create_task(self._took_long(event)))
        self._widget = self._focused()
        await self._deliver(event)
        if not event.is_forwarded:  # a priority binding took it
            await self._had_effect(event)
        elif self._widget is not None and self._widget.is_running:
            self._widget.call_later(self._seen_by_widget, event)  # behind the key in the queue of the widget

    async def _seen_by_widget(self, event: events.Key) -> None:
        if event._stop_propagation:  # else it is on its way up, and comes back to `key`
            await self._follow(event)

    async def _follow(self, event: events.Key) -> None:
        """Behind whatever the key made its widget send, by the way that this goes: up to the screen, and to the App."""
        if self._under_way is event:
            way = [*self._widget.ancestors_with_self] if self._widget is not None else []
            await self._pass_on(event, deque([*(pump for pump in way if pump is not self._last), self._last]))

    async def _pass_on(self, event: events.Key, way: deque[MessagePump]) -> None:
        while way:
            if (pump := way.popleft()).is_running and pump.call_later(self._pass_on, event, way):
                return  # those that are gone meanwhile tell nobody anything
        await self._had_effect(event)

    async def _had_effect(self, event: events.Key) -> None:
        if self._under_way is not event:
            return
        self._under_way = None
        await self._go_on()

    async def _took_long(self, event: events.Key) -> None:
        self._going = False  # what goes on may be waiting for this key
        await self._had_effect(event)

    async def _go_on(self) -> None:
        """The keys that wait, one after the other. A loop: keys that have their effect at once would nest a call for each."""
        if self._going:
            return
        self._going = True
        try:
            while self._waiting and not self._opening and self._under_way is None:
                await self._begin(self._waiting.popleft())
        finally:
            self._going = False

    def hold(self, slow: Callable[[], object] = lambda: None) -> None:
        """A dialog is about to open: what is typed from now on is for it. `slow` is called when it did not come in time."""
        self._opening = True
        if self._timer is not None:
            self._timer.cancel()
        self._slow = slow
        self._timer = asyncio.get_running_loop().call_later(OPENING, self.overdue)

    def overdue(self) -> None:
        """`OPENING` seconds are over without a dialog."""
        self.drop()
        self._slow()

    def asking(self, call_off: Callable[[], bool]) -> None:
        """What Escape does until `answered`, instead of anything else. Tells whether it did: in another place Escape is for that.

        An Escape that waits behind the key which asks was typed for this.
        """
        self._asking.append(call_off)
        if escape := next((event for event in self._waiting if event.key == "escape"), None):
            self._called_off(escape)

    def answered(self, call_off: Callable[[], bool]) -> None:
        """There is an answer, or nobody waits for it any more."""
        if call_off in self._asking:
            self._asking.remove(call_off)

    def _called_off(self, event: events.Key) -> bool:
        """Whether this Escape called off what is being asked. The keys before it are for nobody, those behind it for the list."""
        done = [call_off for call_off in self._asking if call_off()]
        if not done:
            return False
        self._asking = [call_off for call_off in self._asking if call_off not in done]
        while not event.is_forwarded and self._waiting and self._waiting.popleft() is not event:
            pass  # behind one that has gone its way already there are only later ones
        self._opened()
        self._last.call_later(self._go_on)
        return True

    def forget(self) -> None:
        """What was typed behind this key was for a dialog that is refused."""
        self._waiting.clear()

    def drop(self) -> None:
        """No dialog came, or one for which keys typed ahead could do harm."""
        if self._opening:
            self._waiting.clear()
        self._opened()

    async def release(self) -> None:
        """The dialog has the focus: it gets what was typed for it."""
        self._opened()
        if self._under_way is None:
            await self._go_on()

    def _opened(self) -> None:
        self._opening = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
