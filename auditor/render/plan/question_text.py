"""Formats the questions of a plan as sentences, and as templates of answers for decisions.yaml."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from auditor.domain.actions.product_names import all_of
from auditor.domain.errors import printable, printable_line
from auditor.domain.money import rounded
from auditor.domain.policy.decision import AnswerKind, Question, is_downgrade
from auditor.domain.result.model import Subscription
from auditor.domain.translation import N_, Localizer
from auditor.findings.display_names import part_name
from auditor.guidance.portal_names import property_name
from auditor.policy.yaml.writer import block, flow

COMMENT: Final = " # "
"""Separator between an answer and its comment: the name of its group, or where its number of seats comes from."""

_FORMS: Final = {
    AnswerKind.KEEP: N_("Which of {products} should {name} keep?"),
    AnswerKind.GIVE: N_("Which of {products} should {name} get?"),
    AnswerKind.SET: N_("What is the {products} of {name}?"),
    AnswerKind.RELEASE: N_("Can the licence {products} be unassigned from {name}?"),
    AnswerKind.RENEWAL: N_("Should {products} be renewed, and with how many seats?"),
    AnswerKind.PURCHASE: N_("How many seats of {products} should be bought?"),
    AnswerKind.GROUP: N_("Which group should assign {products} to {name}?"),
}


def sentence(question: Question, l10n: Localizer, names: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return a question as one sentence; `names` are the display names of products."""
    name = names.get(question.subject) or (
        f"{question.name} ({question.address})" if question.address else str(question.name)
    )
    if question.kind is AnswerKind.SET:
        names = {product: property_name(l10n.gettext, product) for product in question.products}
    products = all_of(l10n, _names(question, names))
    if question.kind is AnswerKind.RENEWAL and names.get(question.subject, products) != products:
        form = N_("Should the subscription of {products} ({name}) be renewed, and with how many seats?")
        return printable(l10n.gettext(form, products=products, name=name))
    if is_downgrade(question):
        new = next(str(answer["give"]) for answer in question.answers if "give" in answer)
        old = all_of(l10n, [part_name(product, names) for product in question.products if product != new])
        form = N_("Is {new} enough for {name} instead of {old}?")
        return printable(l10n.gettext(form, new=part_name(new, names), old=old, name=name))
    if question.kind is AnswerKind.SET and any(AnswerKind.RELEASE in answer for answer in question.answers):
        form = (
            N_("Can sign-in be blocked for {name}, so that a dynamic group removes the licence?")
            if question.products == ("accountEnabled",)
            else N_("Which {property} removes {name} from the dynamic group that assigns the licence?")
        )
        return printable(l10n.gettext(form, property=", ".join(_names(question, names)), name=name))
    return printable(l10n.gettext(_FORMS[question.kind], products=products, name=name))


def _names(question: Question, names: Mapping[str, str]) -> list[str]:
    return [part_name(product, names) for product in question.products]


def subscription_names(
    questions: Sequence[Question], subscriptions: Iterable[Subscription], l10n: Localizer
) -> dict[str, str]:
    """Return labels by id that distinguish the subscriptions of a product with several questions about its renewal."""
    counts = Counter(question.products for question in questions if question.kind is AnswerKind.RENEWAL)
    subjects = {question.subject for question in questions if counts[question.products] > 1}
    return {
        subscription.id: _seats_and_day(subscription, l10n)
        for subscription in subscriptions
        if subscription.id in subjects
    }


def _seats_and_day(subscription: Subscription, l10n: Localizer) -> str:
    day = l10n.day(subscription.next_lifecycle_date_time.date())
    if subscription.total_licenses is None:
        return day
    return f"{l10n.plural('{count} seat', '{count} seats', subscription.total_licenses)}, {day}"


def effect(question: Question, l10n: Localizer) -> str:
    """Return how many findings a question is about, and if known, what they cost or a smaller product saves a month."""
    count = len(question.findings)
    text = l10n.plural("{count} finding", "{count} findings", count)
    if question.money is None or not rounded(question.money.per_month):
        return text
    money = l10n.money(question.money.per_month, question.money.currency)
    if is_downgrade(question):
        return f"{text}, " + l10n.gettext("saving: {money} a month", money=money)
    return l10n.plural(
        "{count} finding that costs {money} a month", "{count} findings that cost {money} a month", count, money=money
    )


def answer_text(answer: Mapping[str, Any]) -> str:
    """Return an answer on one line, as YAML without its braces: `keep: SPE_E5`."""
    return flow(answer)[1:-1]


def commented_answers(question: Question, names: Mapping[str, str], l10n: Localizer) -> tuple[str, ...]:
    """Return the answers as `answer_text` does, with a comment if there is one: `group: {id: g1} # LIC-E3`."""
    return tuple(answer_text(answer) + _comment(question, answer, names, l10n) for answer in question.answers)


def _comment(question: Question, answer: Mapping[str, Any], names: Mapping[str, str], l10n: Localizer) -> str:
    is_group = AnswerKind.GROUP in answer
    text = names.get(answer["group"]["id"], "") if is_group else _basis(question, answer, l10n)
    return f"{COMMENT}{printable_line(text)}" if text else ""


def _basis(question: Question, answer: Mapping[str, Any], l10n: Localizer) -> str:
    """Return where the number of seats in an answer comes from: the plan, today, or a policy."""
    if question.assumes_answers and answer == question.answers[0]:
        return l10n.gettext("enough for all changes that the plan proposes")
    ((kind, value),) = answer.items()
    if kind not in {AnswerKind.RENEWAL, AnswerKind.PURCHASE} or "seats" not in value or value.get("renew") is False:
        return ""
    if {kind: {**value, "renew": False}} in question.answers:  # the answer not to renew names the seats of today
        return l10n.gettext("as many as today")
    if value["seats"] == question.waiting_seats:
        return l10n.gettext("enough also for changes that wait for this answer")
    form = N_("what the policy “{title}” requires today")
    titles = question.required_by.get(value["seats"], ())
    return all_of(l10n, [l10n.gettext(form, title=l10n.policy(title)) for title in titles])


def answer_template(question: Question, as_of: str, names: Mapping[str, str], l10n: Localizer) -> str:
    """Return a template of an answer as an item of `decisions:`, which validation rejects until it is filled in."""
    item = block([{"id": f"D-{question.id}", "question": question.id}])
    answers = "".join(
        f"    # answer: {flow(answer)}{_comment(question, answer, names, l10n)}\n" for answer in question.answers
    )
    return item + answers + f'    answer: {{}}\n    by: ""\n    on: {as_of[:10]}\n    # until:\n    # reason:\n'


def answer_label(question: Question, answer: Mapping[str, Any], l10n: Localizer, names: Mapping[str, str]) -> str:
    """Return a possible answer in words; `names` are the display names of products and groups."""
    basis = _basis(question, answer, l10n)
    text = _words(answer, l10n, names)
    return printable_line(f"{text} ({basis})" if basis else text)


def _words(answer: Mapping[str, Any], l10n: Localizer, names: Mapping[str, str]) -> str:
    ((kind, value),) = answer.items()
    match kind, value:
        case "keep", _:
            text = l10n.gettext("Keep {product}", product=part_name(value, names))
        case "give", _:
            text = l10n.gettext("Assign {product}", product=part_name(value, names))
        case "release", True:
            text = l10n.gettext("Yes, unassign the licence")
        case "release", _:
            text = l10n.gettext("No, keep the licence")
        case "renewal", {"renew": True, "seats": int(seats)}:
            text = l10n.plural("Renew it with {count} seat", "Renew it with {count} seats", seats)
        case "renewal", {"renew": True}:
            text = l10n.gettext("Renew it")
        case "renewal", _:
            text = l10n.gettext("Do not renew it")
        case "purchase", {"seats": int(seats)}:
            text = l10n.plural("Buy {count} seat", "Buy {count} seats", seats)
        case "group", {"id": group}:
            text = l10n.gettext("Through the group {group}", group=names.get(group, group))
        case "set", {}:
            text = ", ".join(f"{property_name(l10n.gettext, name)}: {text}" for name, text in value.items())
        case "skip", _:
            text = l10n.gettext("Leave it as it is, with a reason")
        case _:
            text = flow(value)[1:-1]
    return text


def answered(question: Question, answer: Mapping[str, Any], as_of: str) -> str:
    """Return a possible answer as an item of `decisions:` on one line; a person adds a name, and a reason to skip."""
    item = flow({"id": f"D-{question.id}", "question": question.id, "answer": answer, "by": ""})[:-1]
    reason = ', reason: ""' if AnswerKind.SKIP in answer else ""
    return f"  - {item}, on: {as_of[:10]}{reason}}}\n"


def answer_templates(tenants: Sequence[Any], as_of: str, l10n: Localizer) -> Iterator[str]:
    """Yield the text of questions.yaml: templates of answers to all open questions of the tenants' plans."""
    yield l10n.gettext("# Fill in an answer, and move the item to decisions.yaml next to the policies.") + "\n"
    open_questions = [(question, tenant.names) for tenant in tenants for question in tenant.open_questions]
    yield f"version: 1\ndecisions:{'' if open_questions else ' []'}\n"
    for question, names in open_questions:
        details = printable_line(effect(question, l10n))
        yield f"  # {sentence(question, l10n, names)} {details}\n{answer_template(question, as_of, names, l10n)}"
