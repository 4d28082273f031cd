"""One file per noun; import from here."""

from .access import AccessLink
from .assessment import Assessment
from .board import BoardDecision, Question
from .catalogue import Release, Service
from .change import Change, Channel, Promise, parse_reference
from .code import (
    CHECKLIST,
    Deployment,
    Development,
    PeerReview,
    Requirements,
    RiskAssessment,
    StagingTest,
)
from .configuration import Authorisation, Documentation, Execution, Review
from .confirmation import Confirmation, ConfirmationLink, Reminder
from .discussion import Attachment, ChangeLink, Comment
from .event import Event
from .importing import ImportProblem, ImportRun
from .mail import MailFile

__all__ = [
    "CHECKLIST",
    "AccessLink",
    "Assessment",
    "Attachment",
    "Authorisation",
    "BoardDecision",
    "Change",
    "ChangeLink",
    "Channel",
    "Comment",
    "Confirmation",
    "ConfirmationLink",
    "Deployment",
    "Development",
    "Documentation",
    "Event",
    "Execution",
    "ImportProblem",
    "ImportRun",
    "MailFile",
    "PeerReview",
    "Promise",
    "Question",
    "Release",
    "Reminder",
    "Requirements",
    "Review",
    "RiskAssessment",
    "Service",
    "StagingTest",
    "parse_reference",
]
