//! What is recorded about charges: making, waiving, adjusting, paying and withdrawing them.

use rust_decimal::Decimal;

use super::super::state::amounts::Amounts;
use super::super::state::charge::{Charge, ChargeShare, ChargeTiming};
use super::super::state::entry::Entry;
use super::super::state::loan::Loan;
use super::super::state::operation::Action;
use super::super::state::refusal::ServicingError;
use super::super::state::standing::LoanStatus;
use super::super::state::transaction::{
    Allocation, ChargePart, Reversal, Transaction, TransactionKind,
};
use crate::domain::decimal::{add, sub};
use crate::domain::loan::terms::{FeeBasis, FeeTiming};

impl Loan {
    /// Takes an operation about a charge.
    pub(crate) fn take_charge_operation(
        &mut self,
        entry: &Entry,
        action: &Action,
    ) -> Result<(), ServicingError> {
        match action {
            Action::Charge { name, value, basis, timing, due_on, penalty } => {
                let dated = matches!(timing, ChargeTiming::OnDate | ChargeTiming::Overdue);
                self.record_charge(Charge {
                    id: entry.id.clone().unwrap_or_else(|| format!("charge-{}", entry.sequence)),
                    name: name.clone(),
                    penalty: *penalty,
                    timing: *timing,
                    basis: *basis,
                    value: *value,
                    due_on: dated.then(|| due_on.unwrap_or(entry.on)),
                    ..Charge::blank(entry.sequence, entry.recorded_on)
                })
            }
            Action::WaiveCharge { charge } => self.take_charge_waiver(entry, charge),
            Action::AdjustCharge { charge, amount } => {
                self.take_charge_adjustment(entry, charge, *amount)
            }
            Action::PayCharge { charge, amount } => {
                self.take_charge_payment(entry, charge, *amount)
            }
            Action::UndoCharge { charge } => self.take_charge_withdrawal(entry, charge),
            _ => Ok(()),
        }
    }

    /// Adds a charge; its amount follows when it takes effect.
    pub(crate) fn record_charge(&mut self, charge: Charge) -> Result<(), ServicingError> {
        if self.charges.iter().any(|one| one.id == charge.id) {
            return Err(ServicingError::Duplicate { id: charge.id });
        }
        if self.status == LoanStatus::WrittenOff || self.charged_off_on.is_some() {
            return Err(self.wrong_state("make a charge"));
        }
        if charge.basis == FeeBasis::Flat {
            self.check_amount(charge.value)?;
        } else if charge.value <= Decimal::ZERO {
            return Err(ServicingError::BadAmount { amount: charge.value });
        }
        if let (Some(due), Some(lent)) = (charge.due_on, self.first_lent_on())
            && due < lent
        {
            return Err(ServicingError::BadDate {
                on: due,
                reason: "A charge cannot fall due before the first disbursement.".into(),
            });
        }
        self.charges.push(charge);
        Ok(())
    }

    /// The fees of the terms, as charges agreed from the beginning.
    pub(crate) fn charge_agreed_fees(&mut self) {
        let agreed_on = self.terms.schedule.disbursed_on;
        for (number, fee) in (1u32..).zip(&self.terms.schedule.fees) {
            let timing = match fee.charged {
                FeeTiming::AtDisbursement => ChargeTiming::AtDisbursement,
                FeeTiming::PerInstalment => ChargeTiming::PerInstalment,
                FeeTiming::OnDate => ChargeTiming::OnDate,
            };
            let id = format!("fee-{number}");
            self.charges.push(Charge {
                name: fee.name.clone().unwrap_or_else(|| id.clone()),
                id,
                timing,
                basis: fee.basis,
                value: fee.value,
                due_on: (timing == ChargeTiming::OnDate).then(|| fee.on.unwrap_or(agreed_on)),
                ..Charge::blank(0, agreed_on)
            });
        }
    }

    /// A charge that stands, by its name.
    pub(crate) fn charge_named(&self, id: &str) -> Result<&Charge, ServicingError> {
        let found = self.charges.iter().find(|one| one.active && one.id == id);
        found.ok_or_else(|| ServicingError::NoSuchReference { id: id.into() })
    }

    /// Forgives what is outstanding of a charge; of one per instalment, of its first open share.
    ///
    /// Of what is forgiven only the part already recognised as income is shown by component.
    fn take_charge_waiver(&mut self, entry: &Entry, id: &str) -> Result<(), ServicingError> {
        let charge = self.charge_named(id)?;
        let open =
            |share: &&ChargeShare| share.outstanding().is_ok_and(|owed| owed > Decimal::ZERO);
        let Some(share) = charge.shares.iter().find(open).filter(|_| self.is_active()) else {
            return Err(self.wrong_state("waive a charge of which nothing is owed"));
        };
        let amount = share.outstanding()?;
        let line = self.line_due_on(share.due_date).map_or(0, |line| line.number);
        let due = charge.due_on.unwrap_or(share.due_date);
        let component = charge.component();
        let recognised = sub(self.recognised_of(charge, line)?, share.paid)?.max(Decimal::ZERO);
        let waiver = Transaction {
            on: entry.on.min(due),
            portions: Amounts::of(component, amount.min(recognised)),
            allocations: vec![Allocation {
                due_date: share.due_date,
                line,
                amounts: Amounts::of(component, amount),
            }],
            charges: vec![ChargePart { charge: id.into(), line, amount }],
            ..entry.transaction(TransactionKind::ChargeWaiver, amount)
        };
        self.push_transaction(waiver);
        Ok(())
    }

    /// What of a charge was recognised as income; of one per instalment, in a line.
    fn recognised_of(&self, charge: &Charge, line: u32) -> Result<Decimal, ServicingError> {
        let per_line = charge.timing == ChargeTiming::PerInstalment;
        let mut sum = Decimal::ZERO;
        for one in self.transactions.iter().filter(|one| one.stands()) {
            if one.kind != TransactionKind::Accrual {
                continue;
            }
            for part in one.charges.iter().filter(|part| part.charge == charge.id) {
                if !per_line || part.line == line {
                    sum = add(sum, part.amount)?;
                }
            }
        }
        Ok(sum)
    }

    /// Lowers a charge: what it is lowered by pays the loan.
    fn take_charge_adjustment(
        &mut self,
        entry: &Entry,
        id: &str,
        amount: Decimal,
    ) -> Result<(), ServicingError> {
        self.check_amount(amount)?;
        self.check_lent_on(entry.on)?;
        let charge = self.charge_named(id)?;
        let most = sub(charge.amount, self.adjusted_by(id)?)?;
        if self.status == LoanStatus::WrittenOff {
            return Err(self.wrong_state("adjust a charge"));
        }
        if amount > most {
            return Err(ServicingError::TooMuch { amount, most });
        }
        self.record_transaction(entry, TransactionKind::ChargeAdjustment, amount);
        Ok(())
    }

    /// What a charge was lowered by so far.
    fn adjusted_by(&self, id: &str) -> Result<Decimal, ServicingError> {
        let mut sum = Decimal::ZERO;
        for one in self.transactions.iter().filter(|one| one.stands()) {
            if one.kind == TransactionKind::ChargeAdjustment
                && self.charge_meant_by(one.sequence) == Some(id)
            {
                sum = add(sum, one.amount)?;
            }
        }
        Ok(sum)
    }

    /// The charge an adjustment or payment is of, by its operation.
    pub(crate) fn charge_meant_by(&self, sequence: u32) -> Option<&str> {
        let found = self.operations.iter().find(|one| one.sequence == sequence)?;
        match &found.operation.action {
            Action::AdjustCharge { charge, .. } | Action::PayCharge { charge, .. } => Some(charge),
            _ => None,
        }
    }

    /// Pays one charge.
    fn take_charge_payment(
        &mut self,
        entry: &Entry,
        id: &str,
        amount: Decimal,
    ) -> Result<(), ServicingError> {
        self.check_amount(amount)?;
        self.check_lent_on(entry.on)?;
        if !self.is_active() || self.charge_named(id)?.outstanding()?.is_zero() {
            return Err(self.wrong_state("pay a charge of which nothing is owed"));
        }
        self.record_transaction(entry, TransactionKind::ChargePayment, amount);
        Ok(())
    }

    /// Withdraws a charge with what was waived, adjusted or paid of it alone.
    fn take_charge_withdrawal(&mut self, entry: &Entry, id: &str) -> Result<(), ServicingError> {
        let sequence = self.charge_named(id)?.sequence;
        for one in self.operations.iter_mut().filter(|one| one.sequence == sequence) {
            one.undone = true;
        }
        self.withdraw_charge(id, entry);
        Ok(())
    }

    /// Withdraws the charge an operation made, if it made one.
    pub(crate) fn withdraw_charges_of(&mut self, sequence: u32, entry: &Entry) {
        let made = |one: &&Charge| one.active && one.sequence == sequence;
        let made: Vec<String> =
            self.charges.iter().filter(made).map(|one| one.id.clone()).collect();
        for id in made {
            self.withdraw_charge(&id, entry);
        }
    }

    fn withdraw_charge(&mut self, id: &str, entry: &Entry) {
        for one in self.charges.iter_mut().filter(|one| one.id == id) {
            one.active = false;
            one.shares.clear();
        }
        let of_it: Vec<u32> = self
            .transactions
            .iter()
            .filter(|one| one.stands())
            .filter(|one| match one.kind {
                TransactionKind::ChargeWaiver => one.charges.iter().any(|part| part.charge == id),
                TransactionKind::ChargeAdjustment | TransactionKind::ChargePayment => {
                    self.charge_meant_by(one.sequence) == Some(id)
                }
                _ => false,
            })
            .map(|one| one.id)
            .collect();
        let reversal =
            Reversal { recorded_on: entry.recorded_on, sequence: entry.sequence, asked: true };
        for one in self.transactions.iter_mut().filter(|one| of_it.contains(&one.id)) {
            one.reversed = Some(reversal);
        }
    }

    fn is_active(&self) -> bool {
        self.status == LoanStatus::Active
    }
}
