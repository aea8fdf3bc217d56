"""A card's life in any order: bind, pay, refund, unbind, replay. The machine has its own model of what must follow."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)

from kki.drafting.drafts import a_binding, a_payment, a_refund, an_unbinding

ACCEPTED = (200, 202)


def machine_for(server):
    """A machine class around this server. References are fresh, so that examples do not depend on one another."""

    class CardLife(RuleBasedStateMachine):
        paid = Bundle("paid")
        refused = Bundle("refused")
        refunds = Bundle("refunds")

        @initialize()
        def begin(self):
            self.token = server.bound_token()
            self.unbound = False

        def expect(self, exchange, accepted, what):
            assert exchange.response is not None, f"{what}: no reply ({exchange.failure})"
            got = exchange.response.status in ACCEPTED
            assert got is accepted, (
                f"{what}: the model says {'accepted' if accepted else 'refused'}, got HTTP {exchange.response.status}"
            )

        @rule(target=paid, variant=st.sampled_from(["cpan", "cpan-tokenise", "token", "token-recurring"]))
        def pay(self, variant):
            draft = a_payment(server.kit(card_token=self.token), variant)
            self.expect(server.send(draft), True, f"payment ({variant})")
            return draft

        @rule(draft=paid)
        def pay_again_under_the_same_reference(self, draft):
            again = a_payment(server.kit(card_token=self.token)).having(
                partnerReferenceNo=draft.json["partnerReferenceNo"]
            )
            exchange = server.send(again)
            if server.session.contract.choice("duplicate-reference", server.session.profile.readings) == "refused":
                self.expect(exchange, False, "payment under a used partnerReferenceNo")

        @rule(draft=paid)
        def replay(self, draft):
            self.expect(server.send(draft), False, "replay of a payment")

        @rule(target=refused)
        def pay_with_a_wrong_otp(self):
            otp = "00000000" if server.test_data.otp != "00000000" else "11111111"
            draft = a_payment(server.kit()).having(otp=otp)
            self.expect(server.send(draft), False, "payment with a wrong OTP")
            return draft

        @rule(draft=refused)
        def refund_a_refused_payment(self, draft):
            self.expect(
                server.send(a_refund(server.kit(), draft.json["partnerReferenceNo"])),
                False,
                "refund of a refused payment",
            )

        @rule(target=refunds, draft=consumes(paid))
        def refund(self, draft):
            refund = a_refund(server.kit(), draft.json["partnerReferenceNo"])
            self.expect(server.send(refund), True, "refund")
            return refund

        @rule(draft=refunds)
        def refund_again(self, draft):
            """Either answer is defensible; the rules judge that nothing is refunded twice."""
            again = a_refund(server.kit(), draft.json["originalPartnerReferenceNo"])
            server.send(again.having(partnerRefundNo=draft.json["partnerRefundNo"]))

        @rule()
        def refund_what_never_was(self):
            kit = server.kit()
            self.expect(server.send(a_refund(kit, kit.reference)), False, "refund of a payment that never was")

        @rule(target=refused, channel=st.sampled_from(["DH", "H2H", None]))
        def bind(self, channel):
            self.expect(server.send(a_binding(server.kit(), channel)), True, f"binding ({channel})")
            return multiple()

        @rule()
        def unbind_what_never_was(self):
            kit = server.kit()
            self.expect(server.send(an_unbinding(kit, kit.reference)), False, "unbinding of an unknown token")

    return CardLife


@pytest.fixture
def database(request):
    """Where Hypothesis keeps what failed: beside the run's other evidence; nowhere if nothing of the run is kept."""
    output = request.config.getoption("--kki-output")
    return DirectoryBasedExampleDatabase(Path(output) / "hypothesis") if output else None


@pytest.mark.level("thorough")
@pytest.mark.operation("payment")
@pytest.mark.parametrize("number", range(12))
def test_a_cards_life_in_any_order(server, database, number):
    server.need("cpan", "otp", "card", "bank_card_tokens")
    machine = seed(server.session.seed * 1000 + number)(machine_for(server))
    difference = ""
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=4,
                stateful_step_count=20,
                deadline=None,
                database=database,
                print_blob=False,
                phases=(Phase.reuse, Phase.generate),  # without shrinking: the same seed sends the same requests
                suppress_health_check=list(HealthCheck),
            ),
        )
    except AssertionError as error:
        difference = str(error).splitlines()[0]
    if difference:  # the machine's own lines say nothing to whoever reads the report
        pytest.fail(difference, pytrace=False)
