"""Documents of the demo town, drawn as images; each has SPECIMEN across its middle. Photos are drawings too."""

import io
import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache

from PIL import Image, ImageDraw, ImageFont
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.professional import Professional
from app.accounts.repository import Users
from app.accounts.user import User
from app.core import clock
from app.core.storage import Storage
from app.dev import demo_people
from app.vetting import document_changes
from app.vetting.document_scan import ScannedDocument
from app.vetting.repository import Cases
from app.vetting.scan_sandbox import PORTRAIT_SIZE
from app.vetting.verification import CaseKind, CaseState

INK, SOFT, LINE, PAGE, FACE, SEAL = "#20303a", "#6a7780", "#c8c4b8", "#fdfcf7", "#ddd2bd", "#b4552f"
STAMP = (190, 90, 60, 90)
WALLS = ("#dfe9e3", "#f0e2cf", "#dde4ee", "#ece0e6", "#e6e6da")
SHIRTS = ("#2f6b55", "#35516e", "#8a4a3a", "#6b5a86", "#b0842f", "#3d6f78")
SKINS = ("#8d5a3b", "#a9714b", "#7a4a30", "#bb8560")
HAIRS, SMILE = ("#1d1715", "#2b211d", "#4a4644"), "#5e2a22"
CARD, SHEET = (860, 540), (700, 960)
MEDIA_TYPES = {"PNG": "image/png", "PDF": "application/pdf"}
CONFIRMED_CHECKS = ["name", "photo", "valid", "services", "readable"]
Fields = Sequence[tuple[str, str]]


async def submit_documents(db: AsyncSession, professionals: Sequence[User], storage: Storage) -> int:
    """Submit and decide the documents of every professional, in line with their state; return how many."""
    admin = await Users(db).by_email(demo_people.ADMIN_EMAIL)
    assert admin is not None
    rng, count = random.Random(demo_people.PROFESSIONAL_NAME), 0
    for number, user in enumerate(professionals):
        professional = await db.get_one(Professional, user.id)
        is_pending = professional.approval_status != "approved"
        submitted_at = clock.now() - timedelta(days=3, hours=-7 * (number % 6)) if is_pending else user.created_at
        expires_on = clock.today() + timedelta(days=_days_valid(number, rng))
        with clock.freeze(submitted_at):
            count += await _submit(db, storage, user, professional, number, expires_on)
            await _decide(db, admin, user, professional)
    return count


def _days_valid(number: int, rng: random.Random) -> int:
    """Return the remaining days: one document expires in two weeks, one has expired."""
    return {4: 15, 9: -2}.get(number, rng.randint(400, 1500))


async def _submit(
    db: AsyncSession, storage: Storage, user: User, professional: Professional, number: int, expires_on: date
) -> int:
    name = user.full_name
    card = _draw_identity_card(name, f"SPM {number:04d} 0000", number)
    if has_photo := professional.approval_status == "approved" and number % 2 == 0:
        await document_changes.submit_document(db, storage, user, user.id, "photo", _photo(number))
    await document_changes.submit_document(db, storage, user, user.id, "identity", _scan("identity.png", "PNG", card))
    if professional.approval_status == "approved" and number % 3:
        return 1 + has_photo
    sheet = _draw_certificate(name, professional, expires_on)
    document = _scan("permit.pdf", "PDF", sheet, _draw_second_page(name))
    await document_changes.submit_document(db, storage, user, user.id, "certificate", document, expires_on)
    return 2 + has_photo


async def _decide(db: AsyncSession, admin: User, user: User, professional: Professional) -> None:
    case = await Cases(db).open(user.id, CaseKind.APPLICATION)
    if professional.approval_status == "pending":
        return
    case.decided_at, case.decided_by_id, case.state = clock.now(), admin.id, CaseState(professional.approval_status)
    if professional.approval_status == "approved":
        case.checked = CONFIRMED_CHECKS
        await document_changes.approve_documents(db, admin, user.id)
    else:
        case.reason = professional.denial_reason
        await document_changes.deny_documents(db, admin, user.id, str(professional.denial_reason))
    await db.flush()


def _scan(name: str, form: str, first: Image.Image, *more: Image.Image) -> ScannedDocument:
    """The file as app.vetting.scan_sandbox would clean it: what is drawn here needs no cleaning."""
    file = io.BytesIO()
    first.save(file, form, **({"save_all": True, "append_images": more} if more else {"compress_level": 1}))
    return ScannedDocument(name, MEDIA_TYPES[form], file.getvalue(), [_preview(page) for page in (first, *more)])


def _photo(number: int) -> ScannedDocument:
    """A drawn face for the public page, as small as app.vetting.scan_sandbox makes a photo."""
    content = _preview(_draw_face(number).resize(PORTRAIT_SIZE, Image.Resampling.LANCZOS))
    return ScannedDocument("photo.jpg", "image/jpeg", content, [content], is_portrait=True)


def _draw_face(number: int) -> Image.Image:
    """Head and shoulders on a plain wall, in colours that differ from person to person; no one's likeness."""
    wall, shirt, skin, hair = (
        colours[number // step % len(colours)] for step, colours in enumerate((WALLS, SHIRTS, SKINS, HAIRS), 2)
    )
    face = Image.new("RGB", (512, 512), wall)
    pen = ImageDraw.Draw(face)
    pen.ellipse((60, 380, 452, 760), fill=shirt)
    pen.rounded_rectangle((212, 300, 300, 420), 40, fill=skin)
    pen.ellipse((146, 84, 366, 330), fill=hair)
    if number % 4:
        pen.rounded_rectangle((146, 200, 366, 350), 60, fill=hair)
    pen.ellipse((162, 112, 350, 362), fill=skin)
    pen.chord((150, 80, 362, 300), 190, 350, fill=hair)
    for x in (216, 296):
        pen.ellipse((x - 11, 222, x + 11, 244), fill=INK)
        pen.arc((x - 26, 190, x + 26, 226), 210, 330, fill=hair, width=7)
    pen.arc((210, 246, 302, 318), 25, 155, fill=SMILE, width=9)
    return face


def _preview(page: Image.Image) -> bytes:
    file = io.BytesIO()
    page.save(file, "JPEG", quality=80)
    return file.getvalue()


def _draw_identity_card(name: str, number: str, shade: int) -> Image.Image:
    page, pen = _new_page(CARD, "IDENTITY CARD")
    _draw_portrait(pen, (60, 130, 270, 400), shade)
    born = date(1965 + shade % 35, 1 + shade % 12, 1 + shade % 28)
    _draw_fields(
        pen,
        (320, 130),
        [("Name", name), ("Born", _format_date(born)), ("Number", number), ("Issued by", "Demo office")],
    )
    return _add_stamp(page)


def _draw_certificate(name: str, professional: Professional, expires_on: date) -> Image.Image:
    page, pen = _new_page(SHEET, "CERTIFICATE OF TRADE")
    _draw_portrait(pen, (60, 140, 250, 370), professional.experience_years)
    _draw_fields(pen, (290, 150), [("Name", name), ("Trade", professional.trade)])
    until = _format_date(expires_on - timedelta(days=1))
    since = str(clock.today().year - professional.experience_years)
    _draw_fields(pen, (60, 420), [("In the trade since", since), ("Valid until", until), ("Issued by", "Demo school")])
    _draw_seal(pen, (560, 820))
    return _add_stamp(page)


def _draw_second_page(name: str) -> Image.Image:
    page, pen = _new_page(SHEET, "SKILLS")
    for row in range(12):
        pen.rectangle((60, 160 + row * 52, 620 - row * 37 % 240, 172 + row * 52), fill=LINE)
    pen.text((60, 860), name, fill=INK, font=_font(24))
    return _add_stamp(page)


def _new_page(size: tuple[int, int], heading: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    page = _draw_form(size, heading).copy()
    return page, ImageDraw.Draw(page)


@cache
def _draw_form(size: tuple[int, int], heading: str) -> Image.Image:
    """The frame and the heading."""
    page = Image.new("RGB", size, PAGE)
    pen = ImageDraw.Draw(page)
    pen.rectangle((24, 24, size[0] - 24, size[1] - 24), outline=LINE, width=3)
    pen.text((size[0] / 2, 68), heading, fill=INK, font=_font(34), anchor="mm")
    pen.line((24, 106, size[0] - 24, 106), fill=LINE, width=3)
    return page


def _add_stamp(page: Image.Image) -> Image.Image:
    stamp = _draw_stamp(page.size)
    page.paste(stamp, (0, 0), stamp)
    return page


@cache
def _draw_stamp(size: tuple[int, int]) -> Image.Image:
    stamp = Image.new("RGBA", size, (0, 0, 0, 0))
    middle = (size[0] / 2, size[1] / 2)
    ImageDraw.Draw(stamp).text(middle, "SPECIMEN", fill=STAMP, font=_font(size[0] // 6), anchor="mm")
    return stamp.rotate(28)


def _draw_portrait(pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], shade: int) -> None:
    left, top, right, bottom = box
    middle, grey = (left + right) / 2, 120 + shade * 7 % 60
    pen.rectangle(box, fill=FACE)
    pen.ellipse((middle - 48, top + 40, middle + 48, top + 136), fill=(grey, grey - 12, grey - 36))
    pen.pieslice((middle - 90, top + 150, middle + 90, bottom + 110), 180, 360, fill=(grey, grey - 12, grey - 36))
    pen.rectangle((left, bottom, right, bottom + 110), fill=PAGE)


def _draw_fields(pen: ImageDraw.ImageDraw, at: tuple[int, int], fields: Fields) -> None:
    for row, (label, value) in enumerate(fields):
        pen.text((at[0], at[1] + row * 84), label, fill=SOFT, font=_font(20))
        pen.text((at[0], at[1] + 26 + row * 84), value, fill=INK, font=_font(28))


def _draw_seal(pen: ImageDraw.ImageDraw, middle: tuple[int, int]) -> None:
    x, y = middle
    for radius in (64, 48):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=SEAL, width=4)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _format_date(day: date | datetime) -> str:
    return f"{day:%d %b %Y}"
