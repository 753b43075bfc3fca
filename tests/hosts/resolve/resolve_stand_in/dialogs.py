"""What a script's window needs: widgets with an id, a loop that a test's artist works in. Nothing else is there.

On the free edition `fusion.UIManager` is None since 19.1, and asking for it opens the sales window.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from resolve_stand_in.world import World

ASKING_IS_STUDIO_ONLY_SINCE = (19, 1)
Artist = Callable[["Window"], None]


class Widget:
    def __init__(self, settings: dict[str, Any]) -> None:
        self.ID = settings.get("ID", "")
        self.Text = settings.get("Text", "")
        self.entries: list[str] = []
        self.CurrentIndex = 0

    def AddItem(self, text: str) -> None:
        self.entries.append(text)

    def choose(self, text: str) -> None:
        self.CurrentIndex = self.entries.index(text)


class Group:
    def __init__(self, children: list[Any]) -> None:
        self.children = children


class Manager:
    Label = LineEdit = ComboBox = Button = staticmethod(Widget)
    HGroup = VGroup = staticmethod(Group)


class Window:
    def __init__(self, settings: dict[str, Any], children: list[Any]) -> None:
        self.title = settings["WindowTitle"]
        self.items: dict[str, Widget] = {}
        self._gather(children)
        self.On = SimpleNamespace(**{name: SimpleNamespace(Clicked=None, Close=None) for name in self.items})
        setattr(self.On, settings["ID"], SimpleNamespace(Clicked=None, Close=None))
        self.shown = False

    def _gather(self, children: list[Any]) -> None:
        for child in children:
            if isinstance(child, Group):
                self._gather(child.children)
            elif child.ID:
                self.items[child.ID] = child

    def GetItems(self) -> dict[str, Widget]:
        return self.items

    def Show(self) -> None:
        self.shown = True

    def Hide(self) -> None:
        self.shown = False

    def click(self, name: str) -> None:
        getattr(self.On, name).Clicked({})


class Fusion:
    """The `fusion` and the `bmd` of a menu script in one. artist: works in each window while it is open."""

    def __init__(self, world: World, artist: Artist) -> None:
        self._world = world
        self.artist = artist
        self.windows: list[Window] = []
        self.steps = 0

    @property
    def UIManager(self) -> Manager | None:
        switches = self._world.switches
        if "Studio" not in switches.product and switches.version >= ASKING_IS_STUDIO_ONLY_SINCE:
            self._world.modal = True
            return None
        return Manager()

    def UIDispatcher(self, ui: Manager) -> Fusion:
        return self

    def AddWindow(self, settings: dict[str, Any], children: list[Any]) -> Window:
        self.windows.append(Window(settings, children))
        return self.windows[-1]

    def RunLoop(self) -> None:
        self.artist(self.windows[-1])

    def ExitLoop(self) -> None:
        pass

    def StepLoop(self) -> None:
        self.steps += 1
