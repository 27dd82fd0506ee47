"""Why a program gave no answer: internal exceptions, each carrying its rejection reason.

::

    ProgramFault                 base; ``reason`` is the closed-set reason it becomes
    ├── BadSyntax                the source does not parse                    syntax
    ├── Forbidden                a construct or name outside the language     forbidden
    ├── ProgramError             it ran and went wrong                        program_error
    ├── TooLarge                 a value over the language's size limits      memory
    ├── UnknownObject            a label the scene does not have              unknown_object
    ├── WrongAnswer              what it returned is not an answer            wrong_type
    ├── Degenerate               the question decides itself                  degenerate
    ├── NotVisible               no frame shows what is asked about           not_visible
    └── Ambiguous                a decision below its threshold               ambiguous

These never leave :mod:`engine.programs`: :func:`~engine.programs.execution.run_program` turns
them into an :class:`~engine.records.Outcome`. A program cannot catch them (the language has no
``try``), so an ambiguous decision always ends it.
"""

from __future__ import annotations

from typing import ClassVar

from engine.records import Decision, Reason


class ProgramFault(Exception):
    """A program gave no answer; ``str()`` is one line a proposer can learn from."""

    reason: ClassVar[Reason] = Reason.PROGRAM_ERROR


class BadSyntax(ProgramFault):
    """The source does not parse as Python."""

    reason = Reason.SYNTAX


class Forbidden(ProgramFault):
    """The source uses something outside the language."""

    reason = Reason.FORBIDDEN


class ProgramError(ProgramFault):
    """The program ran and went wrong."""

    reason = Reason.PROGRAM_ERROR


class TooLarge(ProgramFault):
    """The program built a text or list over the language's size limit."""

    reason = Reason.MEMORY


class UnknownObject(ProgramFault):
    """The program named a label the scene does not have."""

    reason = Reason.UNKNOWN_OBJECT


class WrongAnswer(ProgramFault):
    """What the program returned is not an answer."""

    reason = Reason.WRONG_TYPE


class Degenerate(ProgramFault):
    """The call has nothing to decide: one candidate, or a thing compared with itself."""

    reason = Reason.DEGENERATE


class NotVisible(ProgramFault):
    """No frame shows what the program asks about."""

    reason = Reason.NOT_VISIBLE


class Ambiguous(ProgramFault):
    """A decision came out below its threshold; ``margin`` and ``threshold`` are as measured."""

    reason = Reason.AMBIGUOUS

    def __init__(self, decision: Decision, message: str) -> None:
        super().__init__(message)
        self.decision = decision

    @property
    def margin(self) -> float:
        """The measured quantity, in the decision's unit (not yet minus the threshold)."""
        return self.decision.measured

    @property
    def threshold(self) -> float:
        """What the measured quantity had to reach, in the decision's unit."""
        return self.decision.threshold
