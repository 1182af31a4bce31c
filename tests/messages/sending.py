"""Send messages as the forms do."""

from tests.person import Page


async def sends(person, path, text="", photos=(), **fields):
    """The answer to a message with text and photos: [(name, content), …]."""
    files = [("photos", (name, content, "application/octet-stream")) for name, content in photos]
    data = {"text": text, "_csrf_token": await person.token(), **fields}
    return Page(await person.post(f"{path}/messages", data=data, files=files or None))


async def says(person, path, text="", photos=()):
    """Send a message that is accepted; return the page that follows."""
    sent = await sends(person, path, text, photos)
    assert (sent.status, sent.location) == (303, f"{path}/messages#write"), sent.text
    return await person.visit(f"{path}/messages")


def on_one_line(page):
    return " ".join(page.text.split())
