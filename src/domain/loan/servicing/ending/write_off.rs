//! Giving up: write-off, what is received after it, and interest that is forgiven.

use rust_decimal::Decimal;

use super::super::state::amounts::{Amounts, Component};
use super::super::state::charge::Charge;
use super::super::state::entry::Entry;
use super::super::state::loan::Loan;
use super::super::state::operation::Action;
use super::super::state::refusal::ServicingError;
use super::super::state::standing::LoanStatus;
use super::super::state::transaction::{Allocation, Transaction, TransactionKind};
use crate::domain::decimal::{add, sub};

impl Loan {
    /// Gives up everything outstanding.
    pub(crate) fn take_write_off(&mut self, entry: &Entry) -> Result<(), ServicingError> {
        self.check_open(entry, "write off")?;
        self.check_last(entry)?;
        if self.charges.iter().any(|one| one.active && one.effective_on() > entry.on) {
            let reason = "Something was charged after it.".into();
            return Err(ServicingError::BadDate { on: entry.on, reason });
        }
        self.record_transaction(entry, TransactionKind::WriteOff, Decimal::ZERO);
        Ok(())
    }

    /// Lets a write-off take effect: nothing is owed any more.
    pub(crate) fn write_off(&mut self, one: &mut Transaction) -> Result<(), ServicingError> {
        one.amount = Decimal::ZERO;
        for line in &mut self.lines {
            let given_up = line.outstanding()?;
            if given_up.is_zero() {
                continue;
            }
            line.written_off = line.written_off.plus(&given_up)?.into();
            line.settled_on = Some(one.on);
            one.portions = one.portions.plus(&given_up)?;
            one.allocations.push(Allocation {
                due_date: line.due_date,
                line: line.number,
                amounts: given_up,
            });
        }
        one.amount = one.portions.total()?;
        // One that takes effect later has no share in any line yet, and stays owed.
        let in_effect = |charge: &&mut Charge| charge.active && !charge.shares.is_empty();
        for charge in self.charges.iter_mut().filter(in_effect) {
            charge.written_off = add(charge.written_off, charge.outstanding()?)?;
        }
        self.stands_since = Some(one.on);
        Ok(())
    }

    /// Takes money received of what was given up. It pays nothing that is owed.
    pub(crate) fn take_recovery(
        &mut self,
        entry: &Entry,
        amount: Decimal,
    ) -> Result<(), ServicingError> {
        if self.status != LoanStatus::WrittenOff {
            return Err(self.wrong_state("recover"));
        }
        let mut most = Decimal::ZERO;
        for one in self.transactions.iter().filter(|one| one.stands()) {
            most = match one.kind {
                TransactionKind::WriteOff => add(most, one.amount)?,
                TransactionKind::Recovery => sub(most, one.amount)?,
                _ => most,
            };
        }
        if amount > most {
            return Err(ServicingError::TooMuch { amount, most });
        }
        self.check_last(entry)?;
        self.record_transaction(entry, TransactionKind::Recovery, amount);
        Ok(())
    }

    /// Forgives interest that is outstanding.
    pub(crate) fn take_interest_waiver(
        &mut self,
        entry: &Entry,
        amount: Decimal,
    ) -> Result<(), ServicingError> {
        self.check_amount(amount)?;
        self.check_open(entry, "waive interest")?;
        let most = self.outstanding()?.interest;
        if amount > most {
            return Err(ServicingError::TooMuch { amount, most });
        }
        self.record_transaction(entry, TransactionKind::InterestWaiver, amount);
        Ok(())
    }

    /// How much interest a waiver was to forgive.
    pub(crate) fn asked_to_waive(&self, one: &Transaction) -> Decimal {
        let made = self.operations.iter().find(|made| made.sequence == one.sequence);
        match made.map(|made| &made.operation.action) {
            Some(Action::WaiveInterest { amount }) => *amount,
            _ => one.amount,
        }
    }

    /// Forgives interest of the earliest lines first, and no more than is owed. To the calculator
    /// it is as good as paid.
    pub(crate) fn waive_interest(&mut self, one: &mut Transaction) -> Result<(), ServicingError> {
        let asked = self.asked_to_waive(one);
        let mut left = asked;
        for at in 0..self.lines.len() {
            let Some(line) = self.lines.get_mut(at).filter(|line| !line.is_settled()) else {
                continue;
            };
            let owed = line.outstanding_of(Component::Interest)?;
            let part = left.min(owed).max(Decimal::ZERO);
            if part.is_zero() {
                continue;
            }
            line.waived.add(Component::Interest, part)?;
            line.note_settlement(one.on)?;
            let (due_date, number, modelled) = (line.due_date, line.number, line.is_modelled());
            one.portions.add(Component::Interest, part)?;
            let amounts = Amounts::of(Component::Interest, part);
            one.allocations.push(Allocation { due_date, line: number, amounts });
            left = sub(left, part)?;
            if modelled && self.is_recalculated() {
                if let Some(model) = self.model.as_mut().filter(|model| due_date <= model.end()) {
                    model.pay_interest(due_date, part)?;
                }
                self.follow_model(one.on)?;
            }
        }
        one.amount = sub(asked, left)?;
        Ok(())
    }
}
