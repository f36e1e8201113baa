//! Money that goes back to the borrower or the borrower's bank: chargebacks and refunds.
//!
//! What is taken back is owed again, with the next instalment that is not due yet or, after the
//! last one, with a line of its own. Money that was held pays for it first.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::state::amounts::{Amounts, Component};
use super::super::state::entry::Entry;
use super::super::state::line::{Line, LineKind};
use super::super::state::loan::{Loan, Recorded};
use super::super::state::refusal::ServicingError;
use super::super::state::standing::LoanStatus;
use super::super::state::transaction::{Allocation, Transaction, TransactionKind};
use crate::domain::decimal::{add, sub};

impl Loan {
    /// Records that a payment was taken back by the payer's bank.
    pub(crate) fn take_chargeback(
        &mut self,
        entry: &Entry,
        of: &str,
        amount: Decimal,
    ) -> Result<(), ServicingError> {
        self.check_amount(amount)?;
        if self.status == LoanStatus::WrittenOff {
            return Err(self.wrong_state("charge back"));
        }
        let payment = self.payment_named(of)?;
        let (id, paid_on, paid) = (payment.id, payment.on, payment.amount);
        if entry.on < paid_on {
            let reason = "A payment cannot be charged back before it was made.".into();
            return Err(ServicingError::BadDate { on: entry.on, reason });
        }
        let mut most = paid;
        for former in self.chargebacks_of(id) {
            most = sub(most, former.amount)?;
        }
        if amount > most {
            return Err(ServicingError::TooMuch { amount, most });
        }
        let new = self.record_transaction(entry, TransactionKind::Chargeback, amount);
        self.relate(new, id);
        Ok(())
    }

    /// Records that money is given back: of what is held, or with `paid` of what was paid.
    pub(crate) fn take_refund(
        &mut self,
        entry: &Entry,
        amount: Decimal,
        paid: bool,
    ) -> Result<(), ServicingError> {
        self.check_amount(amount)?;
        self.check_lent_on(entry.on)?;
        let (kind, allowed) = if paid {
            (TransactionKind::Refund, LoanStatus::Active)
        } else {
            (TransactionKind::CreditBalanceRefund, LoanStatus::Overpaid)
        };
        if self.status != allowed {
            return Err(self.wrong_state("refund"));
        }
        let most = if paid { self.paid_in_all()? } else { self.overpaid };
        if amount > most {
            return Err(ServicingError::TooMuch { amount, most });
        }
        let moves =
            |one: &&Transaction| one.stands() && (one.kind.is_payment() || is_refund(one.kind));
        if self.transactions.iter().filter(moves).any(|one| entry.on < one.on) {
            let reason = "Money cannot be given back before it was paid.".into();
            return Err(ServicingError::BadDate { on: entry.on, reason });
        }
        self.record_transaction(entry, kind, amount);
        Ok(())
    }

    /// Takes a payment back: its parts are owed again.
    pub(crate) fn charge_back(&mut self, one: &mut Transaction) -> Result<(), ServicingError> {
        if !self.follows_payments() && self.terms.servicing.allocation.chargeback.is_empty() {
            return self.credit_principal(one);
        }
        one.portions = self.charged_back(one)?;
        self.owe_again(one.on, one.portions)?;
        self.use_overpayment(one)
    }

    /// Gives money back that is held. What is not held any more, as a replay may find, is owed
    /// again, without interest before it is due.
    pub(crate) fn refund_held(&mut self, one: &mut Transaction) -> Result<(), ServicingError> {
        self.credit_principal(one)
    }

    /// What of the payment a chargeback takes back. Earlier chargebacks of it took theirs first.
    fn charged_back(&self, one: &Transaction) -> Result<Amounts, ServicingError> {
        let order = &self.terms.servicing.allocation.chargeback;
        let mut portions = Amounts::ZERO;
        let mut left = one.amount;
        if let Some(payment) = one.of.and_then(|id| self.standing(id)) {
            let mut rest = payment.portions;
            for former in self.chargebacks_of(payment.id) {
                if in_time(former) < in_time(one) {
                    rest = rest.minus(&take_in_order(&rest, order, former.amount)?)?;
                }
            }
            portions = take_in_order(&rest, order, one.amount)?;
            left = sub(left, portions.total()?)?;
        }
        // What the payment paid for nothing is money that was held, and is not there any more.
        portions.add(Component::Principal, left)?;
        Ok(portions)
    }

    /// Adds an amount to what is owed of principal. Money that is held pays for it at once.
    fn credit_principal(&mut self, one: &mut Transaction) -> Result<(), ServicingError> {
        let held = self.overpaid.min(one.amount);
        self.overpaid = sub(self.overpaid, held)?;
        one.overpaid = held;
        one.portions.principal = sub(one.amount, held)?;
        if one.portions.principal.is_zero() {
            return Ok(());
        }
        let at = self.line_to_credit(one.on);
        let follows = self.follows_payments();
        let Some(line) = self.lines.get_mut(at) else { return Ok(()) };
        line.credit(Component::Principal, one.amount)?;
        if follows && line.is_modelled() {
            line.interest_free = add(line.interest_free, one.amount)?;
        }
        let paid = line.pay(Component::Principal, held, one.on)?;
        line.note_settlement(one.on)?;
        if paid > Decimal::ZERO {
            one.allocations.push(Allocation {
                due_date: line.due_date,
                line: line.number,
                amounts: Amounts::of(Component::Principal, paid),
            });
        }
        Ok(())
    }

    /// Adds amounts to what is owed: principal and interest of a calculator's loan through the
    /// calculator while it runs, everything else to a line.
    pub(crate) fn owe_again(
        &mut self,
        on: NaiveDate,
        amounts: Amounts,
    ) -> Result<(), ServicingError> {
        let follows = self.is_recalculated();
        let mut rest = amounts;
        let mut at = None;
        if let Some(model) = self.model.as_mut().filter(|model| follows && on <= model.end()) {
            if amounts.principal > Decimal::ZERO {
                model.charge_back_principal(on, amounts.principal)?;
            }
            if amounts.interest > Decimal::ZERO {
                model.charge_back_interest(on, amounts.interest)?;
            }
            self.follow_model(on)?;
            (rest.principal, rest.interest) = (Decimal::ZERO, Decimal::ZERO);
            at = self.line_that_runs(on);
        }
        if rest.is_zero() {
            return Ok(());
        }
        let at = at.unwrap_or_else(|| self.line_to_credit(on));
        let Some(line) = self.lines.get_mut(at) else { return Ok(()) };
        for component in Component::ALL {
            line.credit(component, rest[component])?;
        }
        Ok(line.note_settlement(on)?)
    }

    /// The instalment whose period a day is in, its first day included.
    fn line_that_runs(&self, on: NaiveDate) -> Option<usize> {
        let runs = |line: &Line| line.period_start <= on && on < line.due_date;
        let last = |line: &Line| line.due_date == on;
        let own = |line: &Line| line.kind != LineKind::DownPayment;
        let lines = || self.lines.iter().enumerate().filter(|(_, line)| own(line));
        let found = lines().find(|(_, line)| runs(line)).or_else(|| lines().find(|(_, l)| last(l)));
        found.map(|(at, _)| at)
    }

    /// The line that takes what becomes owed on a day: the next one due after it, else the last
    /// one if it is due on it, else a line of its own, due on the day.
    fn line_to_credit(&mut self, on: NaiveDate) -> usize {
        // Re-aged instalments may follow a line of its own.
        let next = |line: &Line| line.is_modelled() && line.due_date > on;
        let own = |line: &Line| line.kind == LineKind::Additional;
        let last = self.lines.len().checked_sub(1);
        let found = self.lines.iter().position(next);
        let found = found.or_else(|| last.filter(|&at| self.lines.get(at).is_some_and(own)));
        if let Some(at) = found {
            let additional = self.lines.get(at).filter(|line| own(line)).map(|line| line.due_date);
            if let Some(due_date) = additional.filter(|&due_date| due_date < on) {
                self.extend_additional_line(due_date, on);
            }
            return at;
        }
        let last = self.lines.iter().rposition(|line| line.kind != LineKind::DownPayment);
        let end = last.and_then(|at| self.lines.get(at)).map_or(on, |line| line.due_date);
        if let Some(at) = last.filter(|_| end == on) {
            return at;
        }
        self.lines.push(Line {
            kind: LineKind::Additional,
            period_start: end,
            due_date: on,
            ..Line::default()
        });
        self.number_lines();
        self.lines.len().saturating_sub(1)
    }

    /// The payment an operation of a name made, as it stands.
    fn payment_named(&self, name: &str) -> Result<&Transaction, ServicingError> {
        let named = |one: &&Recorded| one.operation.id.as_deref() == Some(name) && !one.undone;
        let recorded = self.operations.iter().find(named);
        let made = recorded.and_then(|recorded| {
            let of = |one: &&Transaction| one.sequence == recorded.sequence && one.stands();
            self.transactions.iter().filter(of).find(|one| can_be_charged_back(one.kind))
        });
        made.ok_or_else(|| ServicingError::NoSuchReference { id: name.into() })
    }

    /// The chargebacks of a payment that stand, in the order they take effect.
    pub(crate) fn chargebacks_of(&self, payment: u32) -> Vec<&Transaction> {
        let of = |one: &&Transaction| {
            one.kind == TransactionKind::Chargeback
                && one.stands()
                && one.of.and_then(|id| self.standing(id)).is_some_and(|found| found.id == payment)
        };
        let mut found: Vec<&Transaction> = self.transactions.iter().filter(of).collect();
        found.sort_by_key(|one| in_time(one));
        found
    }

    /// Notes to which transaction another belongs.
    pub(crate) fn relate(&mut self, id: u32, of: u32) {
        if let Some(one) = self.transactions.iter_mut().rfind(|one| one.id == id) {
            one.of = Some(of);
        }
    }

    /// Everything that was paid of all lines.
    fn paid_in_all(&self) -> Result<Decimal, ServicingError> {
        let mut sum = Decimal::ZERO;
        for line in &self.lines {
            sum = add(sum, line.paid.total()?)?;
        }
        Ok(sum)
    }
}

impl Line {
    /// Adds to what is owed of a component what was paid and went back.
    pub(crate) fn credit(
        &mut self,
        component: Component,
        amount: Decimal,
    ) -> Result<(), ServicingError> {
        self.charged.add(component, amount)?;
        Ok(self.credited.add(component, amount)?)
    }
}

/// Takes an amount out of amounts, one component after the other, as far as they go.
fn take_in_order(
    from: &Amounts,
    order: &[Component],
    amount: Decimal,
) -> Result<Amounts, ServicingError> {
    let mut taken = Amounts::ZERO;
    let mut left = amount;
    for &component in order {
        let part = left.min(from[component]).max(Decimal::ZERO);
        taken[component] = part;
        left = sub(left, part)?;
    }
    Ok(taken)
}

/// Where a transaction is among those that take effect.
fn in_time(one: &Transaction) -> (NaiveDate, NaiveDate, u32) {
    (one.on, one.recorded_on, one.sequence)
}

/// Whether a payment of the kind can be taken back by a bank.
fn can_be_charged_back(kind: TransactionKind) -> bool {
    matches!(
        kind,
        TransactionKind::Repayment
            | TransactionKind::MerchantRefund
            | TransactionKind::PayoutRefund
            | TransactionKind::GoodwillCredit
            | TransactionKind::DownPayment
            | TransactionKind::InterestPaymentWaiver
    )
}

/// Whether a kind of transaction gives money back to the borrower.
fn is_refund(kind: TransactionKind) -> bool {
    matches!(kind, TransactionKind::Refund | TransactionKind::CreditBalanceRefund)
}
