"""The legal moves of a change's life, each a method with a name."""

from typing import Any

from django.utils import timezone
from django_fsm import transition

from ..states import ChangeType
from ..states import State as S


class Moves:
    """What moves a change: each sets fields of it and nothing else; lifecycle does the rest.

    Apart from the model only for the reader's sake: ``Change`` is the only one to inherit it.
    """

    state: Any
    state_since: Any
    submitted_at: Any
    closed_at: Any
    type: Any
    path: Any
    round: Any
    promise: Any
    promised_at: Any
    promised_release: Any
    release: Any
    due_on: Any
    first_due_on: Any
    promise_zone: str

    def _enter(self) -> None:
        self.state_since = timezone.now()

    def _enter_new_round(self) -> None:
        self.round += 1
        self._enter()

    def _finish(self) -> None:
        self._enter()
        self.closed_at = self.state_since

    @transition(field="state", source=S.DRAFT, target=S.SUBMITTED)
    def submit(self) -> None:
        self._enter()
        self.submitted_at = self.state_since

    @transition(field="state", source=S.DRAFT, target=S.WITHDRAWN)
    def throw_away(self) -> None:
        self._finish()

    @transition(
        field="state",
        source=[
            S.SUBMITTED,
            S.REVIEW,
            S.AUTHORISATION,
            S.EXECUTION,
            S.BOARD,
            S.INFORMATION_REQUIRED,
            S.REQUIREMENTS,
            S.RISK_ASSESSMENT,
            S.DEVELOPMENT,
            S.TESTING,
            S.DEPLOYMENT,
        ],
        target=S.WITHDRAWN,
    )
    def withdraw(self) -> None:
        self._finish()

    @transition(field="state", source=S.SUBMITTED, target=S.REVIEW)
    def start_configuration(self) -> None:
        self.type = ChangeType.CONFIGURATION
        self._enter()

    @transition(field="state", source=S.SUBMITTED, target=S.BOARD)
    def start_code(self) -> None:
        self.type = ChangeType.CODE
        self._enter()

    @transition(
        field="state",
        source=[
            S.BOARD,
            S.INFORMATION_REQUIRED,
            S.REQUIREMENTS,
            S.RISK_ASSESSMENT,
            S.DEVELOPMENT,
            S.TESTING,
        ],
        target=S.REVIEW,
    )
    def restart_as_configuration(self) -> None:
        self._restart(ChangeType.CONFIGURATION)

    @transition(
        field="state",
        source=[S.REVIEW, S.AUTHORISATION, S.EXECUTION, S.ROLLED_BACK],
        target=S.BOARD,
    )
    def restart_as_code(self) -> None:
        self._restart(ChangeType.CODE)

    def _restart(self, change_type: ChangeType) -> None:
        self.type = change_type
        self.path += 1
        self.void_promise()
        self.release = None
        self.late_reason = self.late_told = ""
        self._enter_new_round()

    @transition(field="state", source=S.REVIEW, target=S.AUTHORISATION)
    def endorse(self) -> None:
        self._enter()

    @transition(field="state", source=[S.REVIEW, S.AUTHORISATION], target=S.REFUSED)
    def refuse(self) -> None:
        self._finish()

    @transition(field="state", source=S.AUTHORISATION, target=S.EXECUTION)
    def authorise(self) -> None:
        self._enter()

    @transition(field="state", source=S.EXECUTION, target=S.AUTHORISATION)
    def return_to_authorisation(self) -> None:
        self._enter()

    @transition(field="state", source=S.ROLLED_BACK, target=S.AUTHORISATION)
    def authorise_again(self) -> None:
        self._enter_new_round()

    @transition(field="state", source=S.EXECUTION, target=S.DOCUMENTATION)
    def complete_execution(self) -> None:
        self._enter()

    @transition(field="state", source=S.EXECUTION, target=S.ROLLED_BACK)
    def roll_back_execution(self) -> None:
        self._enter()

    @transition(field="state", source=S.ROLLED_BACK, target=S.EXECUTION)
    def replan_execution(self) -> None:
        self._enter_new_round()

    @transition(field="state", source=[S.DOCUMENTATION, S.ROLLED_BACK], target=S.EXECUTION)
    def take_back_execution(self) -> None:
        """What was recorded of it was a slip: it goes on in its round."""
        self._enter()

    @transition(field="state", source=S.DOCUMENTATION, target=S.CONFIRMATION)
    def document(self) -> None:
        self._enter()

    @transition(field="state", source=S.BOARD, target=S.REQUIREMENTS)
    def accept(self) -> None:
        self._enter()

    @transition(field="state", source=S.BOARD, target=S.INFORMATION_REQUIRED)
    def require_information(self) -> None:
        self._enter()

    @transition(field="state", source=S.INFORMATION_REQUIRED, target=S.BOARD)
    def return_to_board(self) -> None:
        self._enter()

    @transition(field="state", source=S.BOARD, target=S.REJECTED)
    def reject(self) -> None:
        self._finish()

    @transition(
        field="state",
        source=[S.REQUIREMENTS, S.INFORMATION_REQUIRED, S.REJECTED],
        target=S.BOARD,
    )
    def take_back_decision(self) -> None:
        """What the decision promised goes with it."""
        self.void_promise()
        self.closed_at = None
        self._enter()

    @transition(field="state", source=[S.REQUIREMENTS, S.REJECTED], target=S.BOARD)
    def reconsider(self) -> None:
        """What was promised stands until the board has decided again."""
        self.closed_at = None
        self._enter()

    def void_promise(self) -> None:
        self.promise = ""
        self.promised_at = self.promised_release = self.due_on = self.first_due_on = None
        self.promise_zone = ""

    @transition(field="state", source=S.REQUIREMENTS, target=S.RISK_ASSESSMENT)
    def define_requirements(self) -> None:
        self._enter()

    @transition(field="state", source=S.RISK_ASSESSMENT, target=S.DEVELOPMENT)
    def accept_risk(self) -> None:
        self._enter()

    @transition(field="state", source=S.DEVELOPMENT, target=S.TESTING)
    def complete_development(self) -> None:
        self._enter()

    @transition(field="state", source=S.TESTING, target=S.DEPLOYMENT)
    def pass_tests(self) -> None:
        self._enter()

    @transition(field="state", source=S.TESTING, target=S.DEVELOPMENT)
    def fail_tests(self) -> None:
        self._enter_new_round()

    @transition(field="state", source=S.DEPLOYMENT, target=S.CONFIRMATION)
    def complete_deployment(self) -> None:
        self._enter()

    @transition(field="state", source=S.DEPLOYMENT, target=S.DEVELOPMENT)
    def roll_back_deployment(self) -> None:
        self._enter_new_round()

    @transition(field="state", source=[S.CONFIRMATION, S.DEVELOPMENT], target=S.DEPLOYMENT)
    def take_back_deployment(self) -> None:
        """What was recorded of it was a slip: it goes on in the round in which it began."""
        if self.state == S.DEVELOPMENT:
            self.round -= 1
        self._enter()

    @transition(
        field="state", source=[S.CONFIRMATION, S.NOT_CONFIRMED, S.ROLLED_BACK], target=S.CLOSED
    )
    def close(self) -> None:
        self._finish()

    @transition(field="state", source=S.CONFIRMATION, target=S.NOT_CONFIRMED)
    def decline(self) -> None:
        self._enter()

    @transition(field="state", source=S.NOT_CONFIRMED, target=S.EXECUTION)
    def rework_configuration(self) -> None:
        self._enter_new_round()

    @transition(field="state", source=S.NOT_CONFIRMED, target=S.DEVELOPMENT)
    def rework_code(self) -> None:
        self._enter_new_round()
