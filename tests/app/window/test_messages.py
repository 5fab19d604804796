"""What the program has to say: which message stands in front, which wait, and which go away."""

from __future__ import annotations

from app.window.state.messages import Message, MessageState


def test_an_error_stays_until_it_is_read_and_a_note_waits_behind_it() -> None:
    messages, came = MessageState(), []
    messages.came.subscribe(lambda message: came.append(message.text))

    def front() -> str:
        return messages.current.text if messages.current is not None else ""

    disk_full = Message(text="Your session cannot be written: the disk is full.", topic="journal")
    messages.show(disk_full)
    messages.show(Message(text="The address is on the clipboard.", is_error=False, topic="export"))
    assert front().startswith("Your session")
    assert messages.waiting_in_words == "The address is on the clipboard."
    # A newer error comes first, and the same one once more is one.
    for _ in range(2):
        messages.show(Message(text="The camera is gone.", topic="source"))
    assert front() == "The camera is gone."
    assert messages.waiting_in_words == "1 more problem waits. The address is on the clipboard."
    assert len(came) == 3
    messages.dismiss()
    assert front().startswith("Your session")
    # Of notes there is one, the newest; it takes no error away, also none of its own topic.
    messages.show(Message(text="Still trying.", is_error=False, topic="journal"))
    messages.dismiss()
    assert front() == "Still trying."
    messages.dismiss()
    assert messages.current is None


def test_errors_on_a_topic_replace_each_other_and_parts_of_a_topic_do_not() -> None:
    messages = MessageState()
    messages.show(Message(text="No text source.", topic="obs"))
    messages.show(Message(text="Wrong password.", topic="obs"))
    assert messages.waiting == ()
    for path in ("a.srt", "b.srt"):
        messages.show(Message(text=f"{path} cannot be written.", topic=f"live-files/{path}"))
    assert len(messages.waiting) == 2
    messages.take_back("live-files")
    assert [message.text for message in (messages.current, *messages.waiting) if message] == [
        "Wrong password."
    ]


def test_an_offer_waits_behind_notes_and_closing_it_is_an_answer() -> None:
    messages, answers = MessageState(), list[str]()
    offer = Message(
        text="A session is safe.",
        is_error=False,
        is_offer=True,
        act=lambda: answers.append("yes"),
        decline=lambda: answers.append("no"),
        topic="recovery",
    )
    messages.show(Message(text="Safe mode.", is_error=False))
    messages.show(offer)
    assert messages.waiting == (offer,)
    messages.dismiss()
    messages.dismiss()
    assert answers == ["no"]
    messages.show(offer)
    messages.act()
    assert answers == ["no", "yes"]
    assert messages.current is None
