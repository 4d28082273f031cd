"""One file per noun; import from here."""

from .access import AccessLink
from .approval import ApprovalRule, RuleApprover
from .assessment import Assessment
from .board import BoardDecision, Question
from .calendar import Window, WindowOverride, WindowSpan
from .catalogue import Environment, Release, Service, ServiceDependency
from .change import Change
from .checklist import ChecklistItem
from .choices import Channel, Promise
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
from .confirmation import Confirmation, ConfirmationLink, ContactAttempt, Reminder
from .discussion import Attachment, ChangeLink, Comment, Mute
from .event import Event
from .importing import ImportProblem, ImportRun
from .incoming import IncomingMail, ProposedAnswer, RawMail
from .label import ChangeLabel, Colour, Label
from .mail import DeliveryProblem, MailEvent, MailFile, Notice, PromisesTold, ToldPart, UntoldMove
from .many import ManyRow, ManyRun
from .post_review import PostAction, PostReview
from .reference import parse_reference
from .saved_view import FirstView, ListColumns, SavedView
from .sending import SentForm
from .standard import StandardApproval
from .template import ChangeTemplate

__all__ = [
    "CHECKLIST",
    "AccessLink",
    "ApprovalRule",
    "Assessment",
    "Attachment",
    "Authorisation",
    "BoardDecision",
    "Change",
    "ChangeLabel",
    "ChangeLink",
    "ChangeTemplate",
    "Channel",
    "ChecklistItem",
    "Colour",
    "Comment",
    "Confirmation",
    "ConfirmationLink",
    "ContactAttempt",
    "DeliveryProblem",
    "Deployment",
    "Development",
    "Documentation",
    "Environment",
    "Event",
    "Execution",
    "FirstView",
    "ImportProblem",
    "ImportRun",
    "IncomingMail",
    "MailEvent",
    "MailFile",
    "Label",
    "ListColumns",
    "ManyRow",
    "ManyRun",
    "Mute",
    "Notice",
    "PeerReview",
    "PostAction",
    "PostReview",
    "Promise",
    "PromisesTold",
    "ProposedAnswer",
    "Question",
    "RawMail",
    "Release",
    "Reminder",
    "Requirements",
    "Review",
    "RiskAssessment",
    "RuleApprover",
    "SavedView",
    "SentForm",
    "Service",
    "ServiceDependency",
    "StagingTest",
    "StandardApproval",
    "parse_reference",
    "ToldPart",
    "UntoldMove",
    "Window",
    "WindowOverride",
    "WindowSpan",
]
