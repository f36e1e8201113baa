//! Which charges a payment pays.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::state::amounts::{Amounts, Component};
use super::super::state::charge::Charge;
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use super::super::state::transaction::{Allocation, ChargePart, Transaction};
use crate::domain::decimal::{add, sub};

impl Loan {
    /// Attributes what was paid of a line's fees or penalties to charges, the earliest due first:
    /// of a progressive loan to those in the line, else to all of the loan.
    pub(crate) fn attribute_to_charges(
        &mut self,
        one: &mut Transaction,
        paid: Decimal,
        at: usize,
        component: Component,
    ) -> Result<(), ServicingError> {
        let Some(line) = self.lines.get(at) else { return Ok(()) };
        let (due_date, number) = (line.due_date, line.number);
        let within_line = self.model.is_some();
        let mut left = paid;
        for (at, index) in self.shares_by_due_date(component) {
            let Some(charge) = self.charges.get_mut(at) else { continue };
            let Some(share) = charge.shares.get_mut(index) else { continue };
            if within_line && share.due_date != due_date {
                continue;
            }
            let part = left.min(share.outstanding()?);
            if part <= Decimal::ZERO {
                continue;
            }
            share.paid = add(share.paid, part)?;
            charge.paid = add(charge.paid, part)?;
            one.charges.push(ChargePart { charge: charge.id.clone(), line: number, amount: part });
            left = sub(left, part)?;
        }
        Ok(())
    }

    /// What is owed of the charges of a line that have a due date of their own, up to a day.
    pub(crate) fn charges_due(
        &self,
        line_due_on: NaiveDate,
        component: Component,
        day: NaiveDate,
    ) -> Result<Decimal, ServicingError> {
        let mut sum = Decimal::ZERO;
        for charge in self.charges.iter().filter(|charge| charge.component() == component) {
            if charge.active && charge.due_on.is_some_and(|due_on| due_on <= day) {
                for share in charge.shares.iter().filter(|one| one.due_date == line_due_on) {
                    sum = add(sum, share.outstanding()?)?;
                }
            }
        }
        Ok(sum)
    }

    /// Takes back what was paid of charges when fees or penalties are given back, the latest due
    /// first.
    pub(crate) fn return_from_charges(
        &mut self,
        one: &mut Transaction,
        returned: Decimal,
        component: Component,
    ) -> Result<(), ServicingError> {
        let mut left = returned;
        for (at, index) in self.shares_by_due_date(component).into_iter().rev() {
            let Some(charge) = self.charges.get_mut(at) else { continue };
            let Some(share) = charge.shares.get_mut(index) else { continue };
            let part = left.min(share.paid);
            if part <= Decimal::ZERO {
                continue;
            }
            share.paid = sub(share.paid, part)?;
            charge.paid = sub(charge.paid, part)?;
            let amount = sub(Decimal::ZERO, part)?;
            one.charges.push(ChargePart { charge: charge.id.clone(), line: 0, amount });
            left = sub(left, part)?;
        }
        Ok(())
    }

    /// The shares of all charges of a component, the earliest due first, by the places of charge
    /// and share.
    fn shares_by_due_date(&self, component: Component) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for (at, charge) in self.charges.iter().enumerate() {
            if !charge.active || charge.component() != component {
                continue;
            }
            for (index, share) in charge.shares.iter().enumerate() {
                found.push((charge.due_on.unwrap_or(share.due_date), charge.sequence, at, index));
            }
        }
        found.sort_unstable();
        found.into_iter().map(|(_, _, at, index)| (at, index)).collect()
    }

    /// Pays one charge with a transaction; what is more pays the loan.
    pub(crate) fn pay_charge(&mut self, one: &mut Transaction) -> Result<(), ServicingError> {
        let id = self.charge_meant_by(one.sequence).map(String::from);
        let wanted = |charge: &Charge| charge.active && Some(&charge.id) == id.as_ref();
        let mut left = one.amount;
        if let Some(at) = self.charges.iter().position(wanted) {
            let shares = self.charges.get(at).map_or(0, |charge| charge.shares.len());
            for index in 0..shares {
                left = sub(left, self.pay_share(one, left, at, index)?)?;
            }
        }
        if left <= Decimal::ZERO {
            return Ok(());
        }
        let rule = self.rule_for(one.kind);
        let rest = self.allocate(one, left, &rule)?;
        self.overpaid = add(self.overpaid, rest)?;
        one.overpaid = rest;
        Ok(())
    }

    /// Pays a share of a charge with at most an amount and returns what it took.
    fn pay_share(
        &mut self,
        one: &mut Transaction,
        most: Decimal,
        at: usize,
        index: usize,
    ) -> Result<Decimal, ServicingError> {
        let Some(charge) = self.charges.get(at) else { return Ok(Decimal::ZERO) };
        let component = charge.component();
        let Some(share) = charge.shares.get(index) else { return Ok(Decimal::ZERO) };
        let most = most.min(share.outstanding()?).max(Decimal::ZERO);
        let Some(line_at) = self.index_due_on(share.due_date) else { return Ok(Decimal::ZERO) };
        let Some(line) = self.lines.get_mut(line_at) else { return Ok(Decimal::ZERO) };
        let paid = line.pay(component, most, one.on)?;
        if paid.is_zero() {
            return Ok(paid);
        }
        let (due_date, number) = (line.due_date, line.number);
        one.portions.add(component, paid)?;
        let amounts = Amounts::of(component, paid);
        one.allocations.push(Allocation { due_date, line: number, amounts });
        if let Some(charge) = self.charges.get_mut(at) {
            charge.paid = add(charge.paid, paid)?;
            one.charges.push(ChargePart { charge: charge.id.clone(), line: number, amount: paid });
            if let Some(share) = charge.shares.get_mut(index) {
                share.paid = add(share.paid, paid)?;
            }
        }
        Ok(paid)
    }
}
