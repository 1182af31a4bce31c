"""Ravi is late twice; each time Asha reads when he is expected now, and a third time is refused."""

from tests.story_app import StoryApp, at, frozen_at


async def on_the_way(story: StoryApp) -> str:
    """Ravi has accepted Asha's visit at three; return its reference."""
    asha, ravi = await story.sign_up(), await story.sign_in("ravi@example.com")
    reference = (await story.book(asha, at(15), named=story.town.ravi)).path.split("/")[2]
    await story.accept(ravi, reference)
    return reference


async def test_a_professional_is_late_twice(story):
    reference = await on_the_way(story)
    asha, ravi = story.people["asha.raman@example.com"], story.people["ravi@example.com"]
    job, booking = f"/jobs/{reference}", f"/bookings/{reference}"
    with frozen_at(14, 30):
        await ravi.submit_and_follow(await ravi.visit(job), "/departure")
        assert "Ravi is on the way, expected" in (await asha.visit(booking)).text
    headings = []
    for minute, late in ((35, "20"), (50, "15")):
        with frozen_at(14, minute):
            form = await ravi.visit(f"{job}?do=late")
            await ravi.submit_and_follow(form, "/late", minutes=late)
            page = await asha.visit(booking)
            assert "Ravi is late, expected" in page.text
            headings.append(page.text.partition("Ravi is late, expected")[2][:20])
    assert headings[0] != headings[1]
    with frozen_at(14, 55):
        assert "Running late?" not in (await ravi.visit(job)).text
        assert (await ravi.submit(form, "/late", minutes="5")).status == 409
    with frozen_at(15, 20):
        await ravi.submit_and_follow(await ravi.visit(job), "/arrival")
        await story.start(asha, ravi, reference)
        await story.finish(asha, ravi, reference)
