"""Every fact that a check reports has words of its own, so that no language shows it under its English name."""

import pytest

from auditor.render.text.evidence.evidence import DESCRIBED_FACTS
from tests.builders.result.audited_demo import demo_result


@pytest.mark.slow
def test_every_fact_in_the_demo_has_words() -> None:
    result = demo_result()
    tables = [*(tenant.findings for tenant in result.tenants), result.fleet.findings]
    facts = {name for table in tables for finding in table for name in finding.evidence}
    assert facts <= DESCRIBED_FACTS, "add words to auditor/render/text/evidence, and the fact to DESCRIBED_FACTS"
