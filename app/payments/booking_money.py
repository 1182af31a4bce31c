"""Some charges of one booking and what becomes of them: the rules, without I/O. The verbs: app.payments.charges."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from app.core import clock
from app.payments.charge import COUPON, CREDIT, Charge, ChargeState, bank_first, coupon_first
from app.payments.ledger import LedgerTransaction, Line, new_transaction
from app.payments.pretend_bank import Authorisation, Instrument
from app.payments.repository import NO_SPLIT, ChargeSplit, ReleasedRefund
from app.payments.split import NOTHING_BESIDES, PaymentSplit
from app.payments.tax import NO_SHARES, TaxedShares, TaxRule, share_fee, share_job

PAYOUT_HELD = timedelta(days=7)


class BookingMoney:
    """Some charges of one booking and what becomes of them. `new_charges` and `transactions` are to be written.

    All of it happens `at` one moment: statements show what is done together as one line.
    """

    def __init__(
        self, booking_id: int, customer_id: int, charges: Iterable[Charge] = (), tax: TaxRule | None = None
    ) -> None:
        self.booking_id, self.customer_id, self.tax, self.at = booking_id, customer_id, tax, clock.now()
        self.charges = list(charges)
        self.new_charges: list[Charge] = []
        self.transactions: list[LedgerTransaction] = []

    def in_state(self, *states: ChargeState) -> list[Charge]:
        return [charge for charge in self.charges if charge.state in states]

    def authorise(
        self, amount: int, purpose: str, authorisation: Authorisation, besides: PaymentSplit = NOTHING_BESIDES
    ) -> Charge:
        """A charge that waits for the bank's code is abandoned if it has the same purpose.

        `besides` is what a coupon and credit pay; it waits for the code as well.
        """
        for waiting in self.in_state(ChargeState.NEEDS_CODE):
            if waiting.purpose == purpose:
                _set_state(waiting, ChargeState.DECLINED)
        state = ChargeState.DECLINED if authorisation.state == "wrong_code" else ChargeState(authorisation.state)
        if state in (ChargeState.AUTHORISED, ChargeState.NEEDS_CODE):
            self.promise(besides, state)
        charge = self._add_charge(amount, purpose, authorisation.instrument, state)
        if state == ChargeState.AUTHORISED:
            self._post("authorise", charge, held_lines(amount))
        return charge

    def promise(self, split: PaymentSplit, state: ChargeState = ChargeState.AUTHORISED) -> None:
        """What the coupon and the credit pay of a booking, as charges."""
        if split.coupon:
            self._add_charge(split.coupon, "booking", Instrument("coupon"), state).coupon = split.coupon_code
        if split.credit:
            charge = self._add_charge(split.credit, "booking", Instrument("credit"), state)
            if state == ChargeState.AUTHORISED:
                self._use_credit(charge)

    def confirm(self, charge: Charge) -> None:
        _set_state(charge, ChargeState.AUTHORISED)
        if charge.method == CREDIT:
            self._use_credit(charge)
        elif charge.method != COUPON:
            self._post("authorise", charge, held_lines(charge.amount))

    def capture(
        self, professional_id: int, total: int, *, held_payout: bool, released: Iterable[ReleasedRefund] = ()
    ) -> None:
        """Capture what was authorised, up to `total` paise less what refunds released; the rest becomes due."""
        account, held_until = ("payout_held", clock.now() + PAYOUT_HELD) if held_payout else ("earnings", None)
        released, so_far = list(released), 0
        total -= sum(refund.amount for refund in released)
        by_bank = False
        for charge in coupon_first(self.in_state(ChargeState.AUTHORISED)):
            part = min(charge.held, total - so_far)
            if part > 0:
                charge.captured, charge.payout_held_until = part, held_until
                shared = self._shared(so_far, part, account, professional_id)
                self._post("capture", charge, [*_taken(charge, part), *shared])
                by_bank = by_bank or charge.method not in (CREDIT, COUPON)
            self._release_remainder(charge)
            _set_state(charge, ChargeState.CAPTURED if part > 0 else ChargeState.RELEASED)
            so_far += max(part, 0)
        if so_far < total:
            purpose = "extra" if by_bank else "booking"
            charge = self._add_charge(total - so_far, purpose, Instrument("after"), ChargeState.DUE)
            charge.payout_held_until = held_until
            shared = self._shared(so_far, charge.amount, account, professional_id)
            self._post("receivable", charge, [("receivable", self.customer_id, charge.amount), *shared])
        self._make_good(professional_id, total, released)

    def release(self, *, as_credit: bool = False) -> int:
        """Release what was authorised; return the paise released for the customer.

        `as_credit`: what the bank would release is taken, and added to their credit.
        """
        back = 0
        for charge in self.in_state(ChargeState.AUTHORISED):
            back += 0 if charge.method == COUPON else charge.held
            self._release_remainder(charge, as_credit=as_credit)
            _set_state(charge, ChargeState.RELEASED)
        for charge in self.in_state(ChargeState.NEEDS_CODE):
            _set_state(charge, ChargeState.DECLINED)
        return back

    def take_fee(self, professional_id: int | None, fee: int, *, as_credit: bool = False) -> int:
        """Capture `fee` paise of what was authorised and release the rest, as `release`; a coupon pays no fee."""
        back, left = 0, fee
        for charge in coupon_first(self.in_state(ChargeState.AUTHORISED)):
            part = 0 if charge.method == COUPON else min(charge.held, left)
            if part:
                charge.captured = part
                self._post_fee(charge, professional_id, _taken(charge, part), fee - left)
            back += 0 if charge.method == COUPON else charge.held
            self._release_remainder(charge, as_credit=as_credit)
            _set_state(charge, ChargeState.CAPTURED if part else ChargeState.RELEASED)
            left -= part
        if left:
            self.owe_fee(professional_id, left, fee - left)
        return back

    def owe_fee(self, professional_id: int | None, fee: int, so_far: int = 0) -> None:
        """`fee` paise become due, after `so_far` of the same fee that were taken."""
        charge = self._add_charge(fee, "fee", Instrument("after"), ChargeState.DUE)
        self._post_fee(charge, professional_id, [("receivable", self.customer_id, fee)], so_far)

    def charge_fee(self, professional_id: int | None, fee: int, by: Instrument) -> None:
        """Capture `fee` paise at once, besides what is authorised."""
        charge = self._add_charge(fee, "fee", by, ChargeState.CAPTURED, captured=fee)
        self._post_fee(charge, professional_id, [("gateway", None, fee)])

    def settle(self, charge: Charge, authorisation: Authorisation) -> None:
        """Pay a due charge; when the bank wants a code it stays due."""
        instrument = authorisation.instrument
        charge.method, charge.brand, charge.last4 = instrument.method, instrument.brand, instrument.last4
        charge.masked_id = instrument.masked_id
        if authorisation.state == "authorised":
            charge.captured = charge.amount
            _set_state(charge, ChargeState.PAID)
            receivable: Line = ("receivable", charge.customer_id, -charge.amount)
            self._post("settle", charge, [("gateway", None, charge.amount), receivable])

    def waive(self, charge: Charge, split: ChargeSplit) -> None:
        """The due charge is owed no longer."""
        _set_state(charge, ChargeState.RELEASED)
        shared: list[Line] = [
            ("earnings", split.professional_id, split.earnings),
            ("commission", None, split.commission),
            *split.taxes,
        ]
        self._post("refund", charge, [("receivable", charge.customer_id, -charge.amount), *shared])

    def release_part(self, amount: int, refund_id: int, *, as_credit: bool = False) -> int:
        """Release up to `amount` paise of what is authorised, which stays so, to the bank first; return how many."""
        left = amount
        for charge in bank_first(self.in_state(ChargeState.AUTHORISED)):
            part = min(charge.held, left)
            if part:
                charge.updated_at = clock.now()
                self._release_paise(charge, part, refund_id, as_credit=as_credit)
            left -= part
        return amount - left

    def refund(
        self,
        amount: int,
        splits: Mapping[int, ChargeSplit],
        refund_id: int,
        *,
        by_doorstep: bool,
        as_credit: bool = False,
    ) -> None:
        """Refund `amount` paise of what was captured or paid: pro rata by `splits` of the charges, or by Doorstep.

        To the bank first; what credit paid goes back as credit, with `as_credit` all of it.
        """
        left = amount
        for charge in bank_first(self.in_state(ChargeState.CAPTURED, ChargeState.PAID)):
            part = min(charge.refundable, left)
            if not part:
                continue
            split = splits.get(charge.id, NO_SPLIT)
            earning = 0 if by_doorstep else split.earning_of(part, charge.captured)
            taxes = split.taxes_of(part, charge, by_doorstep=by_doorstep)
            charge.refunded += part
            _set_state(charge, ChargeState.REFUNDED if charge.refunded == charge.captured else charge.state)
            commission = part - earning - sum(amount for _account, _person, amount in taxes)
            shares: list[Line] = [("earnings", split.professional_id, earning), ("commission", None, commission)]
            is_credit = as_credit or charge.method == CREDIT
            given: Line = ("credit", charge.customer_id, -part) if is_credit else ("gateway", None, -part)
            self._post("refund", charge, [given, *shares, *taxes], refund_id)
            left -= part

    def _make_good(self, professional_id: int, total: int, released: Iterable[ReleasedRefund]) -> None:
        """Pay the professional what they would have earned from what refunds at Doorstep's cost released."""
        for refund in released:
            if refund.professional_id != professional_id:
                earning = share_job(total + refund.amount, self.tax).earning - share_job(total, self.tax).earning
                total += refund.amount
                if earning:
                    lines: list[Line] = [("earnings", professional_id, -earning), ("commission", None, earning)]
                    self._post("refund", None, lines, refund.refund_id)

    def _add_charge(self, amount: int, purpose: str, by: Instrument, state: ChargeState, captured: int = 0) -> Charge:
        charge = Charge(
            booking_id=self.booking_id,
            customer_id=self.customer_id,
            purpose=purpose,
            method=by.method,
            brand=by.brand,
            last4=by.last4,
            masked_id=by.masked_id,
            coupon=None,
            amount=amount,
            captured=captured,
            released=0,
            refunded=0,
            state=state,
            created_at=clock.now(),
            updated_at=clock.now(),
        )
        self.charges.append(charge)
        self.new_charges.append(charge)
        return charge

    def _post(self, kind: str, charge: Charge | None, lines: Iterable[Line], refund_id: int | None = None) -> None:
        self.transactions.append(new_transaction(kind, self.booking_id, charge, lines, refund_id, at=self.at))

    def _post_fee(self, charge: Charge, professional_id: int | None, taken: Iterable[Line], so_far: int = 0) -> None:
        """The shares of this part after `so_far` paise, as `_shared`."""
        part, is_shared = charge.captured or charge.amount, professional_id is not None
        before = share_fee(so_far, self.tax, to_professional=is_shared) if so_far else NO_SHARES
        shares = share_fee(so_far + part, self.tax, to_professional=is_shared) - before
        self._post("fee", charge, [*taken, *_share_lines(shares, "earnings", professional_id)])

    def _shared(self, so_far: int, part: int, account: str, professional_id: int) -> list[Line]:
        """The shares of `part` after `so_far` paise, such that the shares of all parts add up to those of the sum."""
        before = share_job(so_far, self.tax) if so_far else NO_SHARES
        return _share_lines(share_job(so_far + part, self.tax) - before, account, professional_id)

    def _use_credit(self, charge: Charge) -> None:
        self._post("credit_use", charge, _credited(charge, -charge.amount, "customer_funds"))

    def _release_remainder(self, charge: Charge, refund_id: int | None = None, *, as_credit: bool = False) -> None:
        """Post the release of what was authorised and not captured."""
        if held := charge.held:
            self._release_paise(charge, held, refund_id, as_credit=as_credit)

    def _release_paise(self, charge: Charge, part: int, refund_id: int | None = None, *, as_credit: bool) -> None:
        """Release `part` paise: to the bank that authorised them, or to the credit that they came from."""
        charge.released += part
        if charge.method == CREDIT:
            self._post("credit_return", charge, _credited(charge, part, "customer_funds"), refund_id)
        elif charge.method != COUPON:
            self._post("release", charge, held_lines(-part), refund_id)
            if as_credit:
                self._post("credit", charge, _credited(charge, part, "gateway"), refund_id)


def held_lines(amount: int) -> list[Line]:
    return [("hold", None, amount), ("hold_contra", None, -amount)]


def _credited(charge: Charge, part: int, account: str) -> list[Line]:
    """`part` paise from `account` to the customer's credit."""
    return [
        ("credit", charge.customer_id, -part),
        (account, None if account == "gateway" else charge.customer_id, part),
    ]


def _taken(charge: Charge, part: int) -> list[Line]:
    """Where `part` paise of an authorised charge come from when they are captured."""
    if charge.method == CREDIT:
        return [("customer_funds", charge.customer_id, part)]
    if charge.method == COUPON:
        return [("coupons", None, part)]
    return [*held_lines(-part), ("gateway", None, part)]


def _share_lines(shares: TaxedShares, account: str, professional_id: int | None) -> list[Line]:
    """The lines of the shares; the tax of a person is that on the commission which they pay."""
    return [
        (account, professional_id, -shares.earning),
        ("commission", None, -shares.commission),
        ("tax", None, -shares.tax),
        ("tax", professional_id, -shares.commission_tax),
        ("tax_collected", professional_id, -shares.collected),
        ("tax_withheld", professional_id, -shares.withheld),
    ]


def _set_state(charge: Charge, state: ChargeState) -> None:
    charge.state, charge.updated_at = state, clock.now()
