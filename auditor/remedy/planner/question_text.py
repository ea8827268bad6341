"""The questions of a plan as sentences, and as the stubs that answer them in decisions.yaml."""

from collections.abc import Iterator, Sequence
from typing import Any

from auditor.domain.decision import AnswerKind, Question
from auditor.domain.errors import printable
from auditor.domain.notice import Notice
from auditor.policy.yaml.writer import block, flow
from auditor.remedy.currency import money_label
from auditor.remedy.messages import Words
from auditor.wording import Wording


def sentence(question: Question, words: Words) -> str:
    """Return what a question asks, in one sentence."""
    forms = {
        AnswerKind.KEEP: words.gettext("Which of {products} does {name} keep?"),
        AnswerKind.GIVE: words.gettext("Which of {products} does {name} get?"),
        AnswerKind.SET: words.gettext("What is {products} of {name}?"),
        AnswerKind.RELEASE: words.gettext("May the licence {products} of {name} go?"),
        AnswerKind.RENEWAL: words.gettext("Is {products} renewed, and with how many seats?"),
        AnswerKind.PURCHASE: words.gettext("How many seats of {products} are bought?"),
        AnswerKind.GROUP: words.gettext("Which group is to give {name} {products}?"),
    }
    name = f"{question.name} ({question.address})" if question.address else str(question.name)
    return printable(forms[question.kind].format(products=", ".join(question.products), name=name))


def effect(question: Question, words: Words) -> str:
    """Return how many findings a question is about, and what they cost a month where that is known."""
    count = words.ngettext("{count} finding", "{count} findings", len(question.findings))
    told = count.format(count=len(question.findings))
    if question.money is None:
        return told
    amount = money_label(question.money.per_month, question.money.currency, words)
    return f"{told}, " + words.gettext("{amount} a month").format(amount=amount)


def stub(question: Question, as_of: str) -> str:
    """Return the answer to a question as an item of `decisions:`; validation refuses it until it is filled in."""
    item = block([{"id": f"D-{question.id}", "question": question.id}])
    answers = "".join(f"    # answer: {flow(answer)}\n" for answer in question.answers)
    return item + answers + f'    answer: {{}}\n    by: ""\n    on: {as_of[:10]}\n    # until:\n    # reason:\n'


def notice_text(notice: Notice, words: Words) -> str:
    """Return what a notice says, in the reader's language where that is more than English."""
    return words.translate(notice.message) if isinstance(words, Wording) else str(notice.message)


def question_stubs(tenants: Sequence[Any], as_of: str, words: Words) -> Iterator[str]:
    """Yield questions.yaml: every open question of the tenants' plans, ready to be filled in and moved."""
    yield words.gettext("# Fill in an answer, and move the item to decisions.yaml beside the policies.") + "\n"
    opened = [question for tenant in tenants for question in tenant.open_questions]
    yield f"version: 1\ndecisions:{'' if opened else ' []'}\n"
    for question in opened:
        told = effect(question, words).replace("\u00a0", " ").replace("\u202f", " ")
        yield f"  # {sentence(question, words)} {printable(told)}\n{stub(question, as_of)}"
