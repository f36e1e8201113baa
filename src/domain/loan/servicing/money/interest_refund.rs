//! Interest given back because of a refund: what the refunded money cost the borrower.
//!
//! Money that a merchant gave back is treated as if it had never been lent. The interest up to the
//! day of the refund is computed twice, on the loan as it is and on one of which every
//! disbursement was repaid on its own day as far as the refunds reach; the difference is given
//! back, beyond what earlier refunds gave back. Of a loan that is charged off all interest is given
//! back, up to the charge-off where none is asked for after it.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::replay::Run;
use super::super::state::entry::Entry;
use super::super::state::line::Line;
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use super::super::state::transaction::{Transaction, TransactionKind};
use super::super::terms::ChargeOffBehaviour;
use crate::domain::decimal::{add, sub};

impl Loan {
    /// Gives back the interest that a refund which just ran made needless, unless that is done by
    /// a transaction that stands and runs next. Interest that does not follow payments is not made
    /// needless by any.
    pub(crate) fn give_interest_back(
        &mut self,
        at: usize,
        run: &mut Run,
    ) -> Result<(), ServicingError> {
        let Some(refund) = self.transactions.get(at) else { return Ok(()) };
        if !self.refunds_interest(refund.kind) || !self.follows_payments() {
            return Ok(());
        }
        let (sequence, kind) = (refund.sequence, refund.kind);
        let of_it = |kind| {
            let meant =
                |one: &&Transaction| one.sequence == sequence && one.kind == kind && one.stands();
            self.transactions.iter().find(meant)
        };
        let Some(refund) = of_it(kind) else { return Ok(()) };
        if of_it(TransactionKind::InterestRefund).is_some() {
            return Ok(());
        }
        let entry = Entry { sequence, on: refund.on, recorded_on: refund.recorded_on, id: None };
        let mut one = entry.transaction(TransactionKind::InterestRefund, Decimal::ZERO);
        one.of = Some(refund.id);
        self.refund_interest(&mut one)?;
        if !one.came_to_nothing() {
            let id = self.push_transaction(one);
            self.note_held(id, run);
        }
        Ok(())
    }

    /// Whether an operation made a refund that gives interest back, too.
    pub(crate) fn made_refund(&self, sequence: u32) -> bool {
        let made = |one: &Transaction| one.sequence == sequence && self.refunds_interest(one.kind);
        self.transactions.last().is_some_and(made)
    }

    /// Pays the loan with the interest that a refund gives back.
    pub(crate) fn refund_interest(&mut self, one: &mut Transaction) -> Result<(), ServicingError> {
        one.amount = self.interest_to_refund(one)?;
        if one.came_to_nothing() {
            return Ok(());
        }
        self.pay(one)
    }

    /// What an interest refund comes to after everything before it.
    fn interest_to_refund(&self, one: &Transaction) -> Result<Decimal, ServicingError> {
        if let Some(on) = self.charged_off_on.filter(|_| self.stands_since.is_some()) {
            return self.interest_of_charged_off(on);
        }
        let place = (one.on, one.recorded_on, one.sequence);
        let mut earlier = self.value_order_of_standing();
        earlier.retain(|other| {
            other.id != one.id && (other.on, other.recorded_on, other.sequence) <= place
        });
        let mut given = Decimal::ZERO;
        for other in earlier.iter().filter(|one| one.kind == TransactionKind::InterestRefund) {
            given = add(given, other.amount)?;
        }
        let before = sub(self.interest_up_to(one.on)?, given)?;
        let amount = sub(before, self.interest_without_refunded(one.on, &earlier)?)?;
        Ok(amount.max(Decimal::ZERO))
    }

    /// All interest that a loan asks for that is charged off.
    fn interest_of_charged_off(&self, on: NaiveDate) -> Result<Decimal, ServicingError> {
        if self.terms.servicing.charge_off != ChargeOffBehaviour::Regular {
            return self.interest_earned_by(on);
        }
        let all = |sum, line: &Line| add(sum, line.charged.interest);
        Ok(self.lines.iter().try_fold(Decimal::ZERO, all)?)
    }

    /// Whether a kind of refund gives back interest, too.
    pub(crate) fn refunds_interest(&self, kind: TransactionKind) -> bool {
        self.terms.servicing.interest_refund.contains(&kind)
    }

    /// What stands and moves money, in value order.
    fn value_order_of_standing(&self) -> Vec<Transaction> {
        let mut all: Vec<Transaction> = self
            .transactions
            .iter()
            .filter(|one| one.stands() && !one.kind.is_recognition())
            .cloned()
            .collect();
        all.sort_by_key(|one| {
            let place = (one.sequence, one.kind.place_in_operation(), one.id);
            (one.on, one.recorded_on, place)
        });
        all
    }

    /// The interest up to a day if refunded money had never been lent.
    fn interest_without_refunded(
        &self,
        on: NaiveDate,
        transactions: &[Transaction],
    ) -> Result<Decimal, ServicingError> {
        let mut refunded = Decimal::ZERO;
        for one in transactions.iter().filter(|one| self.refunds_interest(one.kind)) {
            refunded = add(refunded, one.amount)?;
        }
        let mut other = self.clone();
        other.transactions.clear();
        other.today = on;
        for one in transactions {
            if self.refunds_interest(one.kind) || one.kind == TransactionKind::InterestRefund {
                continue;
            }
            other.push_transaction(one.clone());
            let back = refunded.min(one.amount);
            if one.kind == TransactionKind::Disbursement && back > Decimal::ZERO {
                refunded = sub(refunded, back)?;
                let kind = TransactionKind::Repayment;
                other.push_transaction(Transaction { kind, amount: back, ..one.clone() });
            }
        }
        other.refold(0)?;
        other.interest_up_to(on)
    }

    /// The interest of all periods up to a day.
    fn interest_up_to(&self, on: NaiveDate) -> Result<Decimal, ServicingError> {
        let Some(model) = &self.model else { return Ok(Decimal::ZERO) };
        let mut sum = Decimal::ZERO;
        for period in 0..model.period_count() {
            let due = model.period(period)?.due;
            sum = add(sum, model.due_amounts(due, on)?.interest)?;
        }
        Ok(sum)
    }
}
