"""Mail that has come in lately: a request, a proposed answer, noise, and some that waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from functools import partial
from zlib import crc32

from post_office.models import Email

from changes.mail_in.taking import Origin, take
from expansive_cm.sure import sure

from .diary import Diary
from .world import World

MAILBOX = "changes@expansive.example"


@dataclass(frozen=True)
class Letter:
    """A mail of the demonstration; ``about`` is the story whose last mail to them it answers."""

    hours_ago: float
    sender: str
    subject: str
    text: str
    about: str = ""
    file: tuple[str, str] | None = None
    automatic: bool = False


LETTERS = (
    Letter(
        30,
        "Chloe Martin <chloe.martin@meridian.example>",
        "",
        "Hello,\n\na passkey would be fine, even better: most of our contractors have phones that "
        "can do it. We counted 34 who have not; for those a code by mail would do.\n\nChloe",
        about="supplier-sign-in",
    ),
    Letter(
        27,
        "Peter Lindsay <peter.lindsay@harbourview.example>",
        "Blinds in the east wing report twice",
        "Dear all,\n\nsince Monday every fault of the blinds in the east wing arrives twice: once "
        "from the panel and once from the gateway. Please let the gateway's messages be dropped "
        "where the panel has sent one within a minute.\n\nThe list is attached.\n\nPeter",
        file=("blinds.csv", "time,source,fault\n08:14,panel,B-12\n08:14,gateway,B-12\n"),
    ),
    Letter(
        26,
        "Peter Lindsay <peter.lindsay@harbourview.example>",
        "Automatic reply: [CR] We have the request",
        "I am out of the office until Monday.",
        automatic=True,
    ),
    Letter(
        20,
        "Gareth Penrose <gareth@penrose-lifts.example>",
        "Access for our engineers at Ysgol Glan",
        "Good morning,\n\nwe maintain the lifts of the Northgate schools and would like to see the "
        "fault reports ourselves rather than by telephone. Could our three engineers have "
        "accounts that show the lifts and nothing else?\n\nKind regards\nGareth Penrose",
    ),
    Letter(
        5,
        "Anwen <anwen.jones77@freemail.example>",
        "",
        "I am writing from home, my account at school does not work: yes, please go on as "
        "discussed.\n\nAnwen Jones",
        about="bulk-close",
    ),
    Letter(
        3,
        "Facility Weekly <news@facilityweekly.example>",
        "Ten trends in maintenance you must not miss",
        "This week: predictive lifts, talking boilers and the end of the paper logbook.",
    ),
)


def enter_letters(world: World, diary: Diary) -> None:
    """Let the mail arrive within the last two days."""
    for letter in LETTERS:
        moment = diary.now - timedelta(hours=letter.hours_ago)
        diary.add(moment, letter.subject or letter.about, partial(_arrive, world, letter, moment))


def _arrive(world: World, letter: Letter, moment: datetime) -> None:
    message = EmailMessage()
    message["From"] = letter.sender
    message["To"] = MAILBOX
    message["Date"] = format_datetime(moment)
    message["Message-ID"] = f"<{crc32(letter.text.encode())}@mail.example>"
    message["Subject"] = letter.subject
    if letter.automatic:
        message["Auto-Submitted"] = "auto-replied"
    text = letter.text
    answered = _answered(world, letter)
    if answered:
        del message["Subject"]
        message["Subject"] = f"Re: {answered.subject}"
        message["In-Reply-To"] = answered.message_id
        quoted = "\n".join(f"> {line}" for line in answered.message.splitlines())
        text = (
            f"{text}\n\nOn {moment:%-d %B %Y} at {moment:%H:%M} Change Management wrote:\n{quoted}"
        )
    message.set_content(text)
    if letter.file:
        name, content = letter.file
        message.add_attachment(content, subtype="csv", filename=name)
    mail = take(message.as_bytes(), Origin(MAILBOX))
    if mail.change:
        world.files += [sure(one.file.name) for one in mail.change.attachments.all()]


def _answered(world: World, letter: Letter) -> Email | None:
    """Return the last mail of ours about the story that a letter answers."""
    if not letter.about:
        return None
    change = world.change(letter.about)
    ours = Email.objects.filter(headers__contains={"X-Change-Request": change.reference})
    writer = letter.sender.split()[0].lower()
    return ours.filter(to__istartswith=f"{writer}.").order_by("-pk").first()
