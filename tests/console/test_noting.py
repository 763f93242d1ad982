"""Holding a row and giving tags, by keyboard."""

from .conftest import Open, screen_text, until


async def test_a_row_is_held_and_taken_back(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        app.main.select("billing")
        await pilot.press("h")
        await until(pilot, lambda: "billing" in account.notes.held)
        assert "held" in screen_text(app).splitlines()[3] and "1 out of order" in screen_text(app)
        assert "until its state changes" in screen_text(app)
        await pilot.press("s")
        await until(pilot, lambda: app.main.instances.names[-1] == "billing")
        assert app.main.instances.current_name == "billing"
        await pilot.press("h")
        await until(pilot, lambda: not account.notes.held)
        await pilot.press("s")
        await until(pilot, lambda: app.main.instances.names[0] == "billing")


async def test_tags_are_given_shown_found_and_taken(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        app.main.select("support")
        await pilot.press("number_sign")
        await until(pilot, lambda: "Tags of support" in screen_text(app))
        await pilot.press(*"VIP a:b", "enter")
        await until(pilot, lambda: "one word without" in screen_text(app))
        await pilot.press("backspace", "backspace", "backspace", *"night", "enter")
        await until(pilot, lambda: account.notes.tags_of("support") == ("vip", "night"))
        assert "vip night" in screen_text(app)
        await pilot.press("slash", *"tag:vi", "enter")
        assert app.main.instances.names == ["support"]
        await pilot.press("number_sign")
        await until(pilot, lambda: "Tags of support" in screen_text(app))
        await pilot.press("ctrl+u", "enter")
        await until(pilot, lambda: not account.notes.tags)


async def test_marked_rows_get_them_together(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        account.notes.tag({"billing": ["old"]})
        app.main.select("billing")
        await pilot.press("space", "space", "number_sign")
        await until(pilot, lambda: "Tags of 2 marked instances" in screen_text(app))
        await pilot.press(*"new -old", "enter")
        await until(pilot, lambda: account.notes.tags == {"billing": ("new",), "sales": ("new",)})


async def test_what_is_deleted_is_forgotten(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        account.notes.tag({"support": ["vip"], "vip": ["vip"]})
        app.main.select("support")
        await pilot.press("d")
        await until(pilot, lambda: "Delete support?" in screen_text(app))
        await pilot.press(*"support", "enter")
        await until(pilot, lambda: "support" not in account.notes.tags)
        assert account.notes.tags == {"vip": ("vip",)}
