"""A person with a phone who counts: taps, fields typed in, and loaded pages."""

from dataclasses import dataclass, field

from playwright.async_api import Browser, Locator

from tests.browser.windows import Window


@dataclass
class Walker:
    """`taps`: on buttons, links and radios; `typed`: fields; `loads`: documents, the first one too."""

    window: Window
    taps: list[str] = field(default_factory=list)
    typed: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    @classmethod
    async def open(cls, browser: Browser, url: str) -> "Walker":
        walker = cls(await Window.open(browser, url))
        page = walker.window.page
        page.on("load", lambda loaded: walker.loads.append(loaded.url.removeprefix(url)))
        return walker

    async def type(self, name: str, text: str) -> None:
        """Tap a visible field, of a form that may just have been swapped in, and type: nothing is cleared before."""
        field = self.window.page.locator(f"[name={name}]:visible").first
        await field.tap()
        await field.press_sequentially(text)
        self.typed.append(name)

    async def tap(self, locator: Locator) -> None:
        await locator.first.tap()
        self.taps.append(str(locator))

    async def tap_and_arrive(self, locator: Locator) -> None:
        """Tap what leads to another page, and check that page."""
        before = self.window.page.url
        await self.tap(locator)
        await self.window.arrive(before)

    async def press(self, name: str) -> None:
        """Tap the button, and check the page that it leads to."""
        await self.tap_and_arrive(self.window.page.get_by_role("button", name=name))

    @property
    def counted(self) -> tuple[int, int, int]:
        return len(self.taps), len(self.typed), len(self.loads)
