"""Papers of the demo town, drawn here: each says SPECIMEN across its middle, and none looks like anybody's own."""

import io
import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from PIL import Image, ImageDraw, ImageFont
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.professional import Professional
from app.accounts.repository import Users
from app.accounts.user import User
from app.core import clock
from app.core.storage import Storage
from app.dev import demo_people
from app.dev.demo_town import Town
from app.vetting import document_changes
from app.vetting.repository import Cases
from app.vetting.sandbox import cleaned
from app.vetting.scanning import Paper

INK, SOFT, LINE, PAGE, FACE, SEAL = "#20303a", "#6a7780", "#c8c4b8", "#fdfcf7", "#ddd2bd", "#b4552f"
STAMP = (190, 90, 60, 90)
CARD, SHEET = (860, 540), (700, 960)
TICKED = ["name", "photo", "valid", "services", "readable"]
Facts = Sequence[tuple[str, str]]


async def hand_in(db: AsyncSession, town: Town, storage: Storage) -> int:
    """Everybody's proof of who they are, and of the trade; approved, denied or still waiting as they are themselves."""
    admin = await Users(db).with_email(demo_people.ADMIN)
    assert admin is not None
    dice, count = random.Random(demo_people.RAVI), 0
    for number, user in enumerate(town.people.values()):
        professional = await db.get_one(Professional, user.id)
        waits = professional.standing != "approved"
        came = clock.now() - timedelta(days=3, hours=-7 * (number % 6)) if waits else town.founded
        runs_out = clock.today() + timedelta(days=_days_left(number, dice))
        with clock.stopped(came):
            count += await _send(db, storage, user, professional, number, runs_out)
            await _decide(db, admin, user, professional)
    return count


def _days_left(number: int, dice: random.Random) -> int:
    """One runs out in two weeks, one has run out; Ravi's never bothers anybody."""
    return {4: 15, 9: -2}.get(number, dice.randint(400, 1500))


async def _send(
    db: AsyncSession, storage: Storage, user: User, professional: Professional, number: int, runs_out: date
) -> int:
    name = user.full_name
    card = _identity(name, f"SPM {number:04d} 0000", number)
    await document_changes.submit(db, storage, user, user.id, "identity", _paper("identity.png", card, "PNG"))
    if professional.standing == "approved" and number % 3:
        return 1
    sheet = _certificate(name, professional, runs_out)
    kept = _paper("permit.pdf", sheet, "PDF", _second_page(name))
    await document_changes.submit(db, storage, user, user.id, "certificate", kept, runs_out)
    return 2


async def _decide(db: AsyncSession, admin: User, user: User, professional: Professional) -> None:
    case = await Cases(db).open(user.id, "joining")
    if professional.standing == "pending":
        return
    case.decided_at, case.decided_by_id, case.state = clock.now(), admin.id, professional.standing
    if professional.standing == "approved":
        case.checked = TICKED
        await document_changes.accept(db, admin, user.id)
    else:
        case.reason = professional.denial_reason
        await document_changes.refuse(db, admin, user.id, str(professional.denial_reason))
    await db.flush()


def _paper(name: str, first: Image.Image, form: str, *more: Image.Image) -> Paper:
    drawn = io.BytesIO()
    first.save(drawn, form, **({"save_all": True, "append_images": more, "resolution": 100.0} if more else {}))
    made = cleaned(drawn.getvalue())
    return Paper(name, made.media_type, made.content, made.previews)


def _identity(name: str, number: str, shade: int) -> Image.Image:
    page, pen = _page(CARD)
    _head(pen, CARD, "IDENTITY CARD")
    _portrait(pen, (60, 130, 270, 400), shade)
    born = date(1965 + shade % 35, 1 + shade % 12, 1 + shade % 28)
    _facts(pen, (320, 130), [("Name", name), ("Born", _day(born)), ("Number", number), ("Issued by", "Nobody")])
    return _stamped(page)


def _certificate(name: str, professional: Professional, runs_out: date) -> Image.Image:
    page, pen = _page(SHEET)
    _head(pen, SHEET, "CERTIFICATE OF TRADE")
    _portrait(pen, (60, 140, 250, 370), professional.experience_years)
    _facts(pen, (290, 150), [("Name", name), ("Trade", professional.trade)])
    until = _day(runs_out - timedelta(days=1))
    since = str(clock.today().year - professional.experience_years)
    _facts(pen, (60, 420), [("In the trade since", since), ("Valid until", until), ("Issued by", "Nobody at all")])
    _seal(pen, (560, 820))
    return _stamped(page)


def _second_page(name: str) -> Image.Image:
    page, pen = _page(SHEET)
    _head(pen, SHEET, "WHAT WAS LEARNED")
    for row in range(12):
        pen.rectangle((60, 160 + row * 52, 620 - row * 37 % 240, 172 + row * 52), fill=LINE)
    pen.text((60, 860), name, fill=INK, font=_font(24))
    return _stamped(page)


def _page(size: tuple[int, int]) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    page = Image.new("RGB", size, PAGE)
    pen = ImageDraw.Draw(page)
    pen.rectangle((24, 24, size[0] - 24, size[1] - 24), outline=LINE, width=3)
    return page, pen


def _head(pen: ImageDraw.ImageDraw, size: tuple[int, int], words: str) -> None:
    pen.text((size[0] / 2, 68), words, fill=INK, font=_font(34), anchor="mm")
    pen.line((24, 106, size[0] - 24, 106), fill=LINE, width=3)


def _portrait(pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], shade: int) -> None:
    left, top, right, bottom = box
    middle, grey = (left + right) / 2, 120 + shade * 7 % 60
    pen.rectangle(box, fill=FACE)
    pen.ellipse((middle - 48, top + 40, middle + 48, top + 136), fill=(grey, grey - 12, grey - 36))
    pen.pieslice((middle - 90, top + 150, middle + 90, bottom + 110), 180, 360, fill=(grey, grey - 12, grey - 36))
    pen.rectangle((left, bottom, right, bottom + 110), fill=PAGE)


def _facts(pen: ImageDraw.ImageDraw, at: tuple[int, int], facts: Facts) -> None:
    for row, (label, value) in enumerate(facts):
        pen.text((at[0], at[1] + row * 84), label, fill=SOFT, font=_font(20))
        pen.text((at[0], at[1] + 26 + row * 84), value, fill=INK, font=_font(28))


def _seal(pen: ImageDraw.ImageDraw, middle: tuple[int, int]) -> None:
    x, y = middle
    for radius in (64, 48):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=SEAL, width=4)


def _stamped(page: Image.Image) -> Image.Image:
    stamp = Image.new("RGBA", page.size, (0, 0, 0, 0))
    middle = (page.width / 2, page.height / 2)
    ImageDraw.Draw(stamp).text(middle, "SPECIMEN", fill=STAMP, font=_font(page.width // 6), anchor="mm")
    page.paste(turned := stamp.rotate(28), (0, 0), turned)
    return page


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _day(day: date | datetime) -> str:
    return f"{day:%d %b %Y}"
