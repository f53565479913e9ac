"""What a parent says and presses in her own language, from the first words to a booked call."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

from bot.content import Content
from tests.browser.product import MOST_QUESTIONS, write

STORIES = {
    "ar": "ابني عمره 13 سنة ولا يريد الذهاب إلى المدرسة",
    "so": "wiilkaygu waa 13 jir iskuulka wuu diiday inuu aado",
    "sv-x-lattlast": "min son är 13 han vill inte gå till skolan",
}
DANGERS = {
    "ar": "ابني يريد أن يقتل نفسه الآن",
    "so": "wiilkaygu wuxuu doonayaa inuu is dilo hadda",
    "sv-x-lattlast": "min son vill ta livet av sig nu",
}
NUMBER = "0701740635"


class OwnLanguage:
    """A parent who uses the chat of a municipality in one language."""

    def __init__(self, page: Page, content: Content, language: str) -> None:
        self.page = page
        self.content = content
        self.language = language

    def said(self, text_id: str) -> str:
        """The first sentence of a text, as far as nothing is filled into it."""
        text = self.content.raw(self.language, text_id).split("{")[0]
        for end in ".؟?":
            text = text.split(end)[0]
        return text.strip(" :")

    def come(self, municipality: str = "demokommun") -> None:
        self.page.goto(f"/chat/{municipality}?lang={self.language}")
        self.page.locator(".message-bot .choices").first.wait_for()

    def tell(self) -> None:
        """Write the story and wait for the first question."""
        write(self.page, STORIES[self.language])
        self.page.get_by_text(self.said("utter_ask_how_long")).first.wait_for()

    def skip_to_the_cards(self) -> None:
        """Skip every question until supports are suggested."""
        card, skip = self.page.locator(".card"), self._open(self.said("choice_skip"))
        for _ in range(MOST_QUESTIONS):
            card.first.or_(skip.last).first.wait_for()
            if card.count():
                self.page.get_by_text(self.said("utter_enough")).first.wait_for()
                return
            before = self.page.locator(".message-bot").count()
            skip.last.click()
            self.page.locator(".message-bot").nth(before).wait_for()
        raise AssertionError("the questions never end")

    def share_with_a_person(self) -> None:
        """Ask for a person, who may read the summary."""
        self.page.locator("#person").click()
        self._open(self.said("choice_consent_handoff_share")).last.click()
        self.page.get_by_text(self.said("utter_handoff_shared")).first.wait_for()

    def book_a_call(self) -> None:
        """The first day, the first time, by phone."""
        for asked in ("utter_book_day", "utter_book_time"):
            self.page.get_by_text(self.said(asked)).last.wait_for()
            self.page.locator(".choices:not(.choices-closed)").last.locator("button").first.click()
        self._open(self.said("choice_book_how_phone")).last.click()
        self.page.get_by_text(self.said("utter_book_number")).last.wait_for()
        write(self.page, NUMBER)
        self.page.get_by_text(self.said("utter_booked_phone")).last.wait_for()

    def tell_danger(self) -> None:
        write(self.page, DANGERS[self.language])
        self.page.locator(".message-acute").last.wait_for()

    def _open(self, label: str) -> Locator:
        choices = self.page.locator(".choices:not(.choices-closed)")
        return choices.get_by_role("button", name=label, exact=False)
