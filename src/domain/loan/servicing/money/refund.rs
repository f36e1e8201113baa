//! Refunds out of what was paid: payments are undone, the last ones first.
//!
//! The order is that of a rule for refunds, or else the order of payments backwards, with the last
//! instalment first among those not yet due.

use rust_decimal::Decimal;

use super::super::state::amounts::{Amounts, Component};
use super::super::state::line::Line;
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use super::super::state::transaction::{Allocation, Transaction, TransactionKind};
use super::super::terms::{AllocationRule, FutureRule, Target, Walk, When};
use super::allocate::groups;
use crate::domain::decimal::{add, sub};

impl Loan {
    /// Takes an amount out of what was paid. It is owed again.
    pub(crate) fn refund_paid(&mut self, one: &mut Transaction) -> Result<(), ServicingError> {
        let rule = self.refund_rule();
        // A replay may find that some of it was not needed and is held.
        one.overpaid = one.amount.min(self.overpaid);
        self.overpaid = sub(self.overpaid, one.overpaid)?;
        let mut left = sub(one.amount, one.overpaid)?;
        match self.terms.servicing.allocation.walk {
            Walk::Horizontal => {
                for (when, components) in groups(&rule.order) {
                    left = self.unpay_group(one, left, when, &components, rule.future)?;
                }
            }
            Walk::Vertical => {
                for &Target { when, component } in &rule.order {
                    left = self.unpay_group(one, left, when, &[component], rule.future)?;
                }
            }
        }
        // Less may be paid than when the refund was recorded; the rest is owed as principal.
        if left > Decimal::ZERO {
            self.owe_again(one.on, Amounts::of(Component::Principal, left))?;
            one.portions.add(Component::Principal, left)?;
        }
        Ok(())
    }

    /// In which order refunds undo payments.
    fn refund_rule(&self) -> AllocationRule {
        let terms = &self.terms.servicing.allocation;
        let own = |one: &&super::super::terms::TransactionAllocation| {
            one.transaction == TransactionKind::Refund
        };
        if let Some(own) = terms.by_transaction.iter().find(own) {
            return own.rule.clone();
        }
        let order = terms.default.order.iter().rev().copied().collect();
        AllocationRule { order, future: FutureRule::Last }
    }

    /// Undoes payments of components of the instalments of one standing, as far as they go.
    fn unpay_group(
        &mut self,
        one: &mut Transaction,
        amount: Decimal,
        when: When,
        components: &[Component],
        future: FutureRule,
    ) -> Result<Decimal, ServicingError> {
        let mut left = amount;
        loop {
            let before = left;
            let chosen = self.paid_lines(one, when, components, future);
            let count = chosen.len();
            for &component in components {
                let (part, rest) = self.even_parts(left, count)?;
                for (index, &at) in chosen.iter().enumerate() {
                    let most = if index + 1 == count { add(part, rest)? } else { part };
                    left = sub(left, self.unpay(one, most, at, component)?)?;
                }
            }
            if left <= Decimal::ZERO || left == before {
                return Ok(left);
            }
        }
    }

    /// The instalments of one standing of which something was paid, as the rule chooses them.
    fn paid_lines(
        &self,
        one: &Transaction,
        when: When,
        components: &[Component],
        future: FutureRule,
    ) -> Vec<usize> {
        let on = one.on;
        let paid = |line: &Line| components.iter().any(|&part| line.paid[part] > Decimal::ZERO);
        let stands = |line: &Line| match when {
            When::PastDue => line.due_date < on,
            When::Due => line.due_date == on,
            When::InAdvance => line.due_date > on,
        };
        let wanted = |(_, line): &(usize, &Line)| stands(line) && paid(line);
        let found: Vec<usize> =
            self.lines.iter().enumerate().filter(wanted).map(|(at, _)| at).collect();
        let current = |at: usize| {
            self.lines.get(at).is_some_and(|line| {
                line.period_start < on || (line.period_start == on && line.number == 1)
            })
        };
        let first: Vec<usize> = found.first().copied().into_iter().collect();
        let last: Vec<usize> = found.last().copied().into_iter().collect();
        match (when, future) {
            (When::InAdvance, FutureRule::Reamortise) => found,
            (When::InAdvance, FutureRule::Next) => first,
            (When::InAdvance, FutureRule::NextLast) if first.iter().any(|&at| current(at)) => first,
            _ => last,
        }
    }

    /// Undoes at most an amount of what was paid of one component of one instalment, and returns
    /// what was undone.
    fn unpay(
        &mut self,
        one: &mut Transaction,
        most: Decimal,
        at: usize,
        component: Component,
    ) -> Result<Decimal, ServicingError> {
        let follows = self.is_recalculated();
        let Some(line) = self.lines.get_mut(at) else { return Ok(Decimal::ZERO) };
        let undone = line.unpay(component, most, one.on)?;
        if undone.is_zero() {
            return Ok(undone);
        }
        let back = sub(Decimal::ZERO, undone)?;
        let (number, due_date, modelled) = (line.number, line.due_date, line.is_modelled());
        one.portions.add(component, undone)?;
        let amounts = Amounts::of(component, back);
        one.allocations.push(Allocation { due_date, line: number, amounts });
        if matches!(component, Component::Fee | Component::Penalty) {
            self.return_from_charges(one, undone, component)?;
        }
        let modelled = follows && modelled;
        if let Some(model) = self.model.as_mut().filter(|model| modelled && due_date <= model.end())
        {
            match component {
                Component::Principal => {
                    // Principal without interest was paid first; the calculator does not know it.
                    let known = model.period_due_on(due_date)?.principal_paid;
                    model.pay_principal(due_date, one.on, back.max(sub(Decimal::ZERO, known)?))?;
                }
                Component::Interest => model.pay_interest(due_date, back)?,
                Component::Fee | Component::Penalty => return Ok(undone),
            }
            self.follow_model(one.on)?;
        }
        Ok(undone)
    }
}

impl Line {
    /// Undoes at most an amount of what was paid of a component and returns what it undid.
    fn unpay(
        &mut self,
        component: Component,
        most: Decimal,
        on: chrono::NaiveDate,
    ) -> Result<Decimal, ServicingError> {
        let undone = most.min(self.paid[component]).max(Decimal::ZERO);
        self.paid[component] = sub(self.paid[component], undone)?;
        if on < self.due_date {
            self.paid_in_advance = sub(self.paid_in_advance, undone)?.max(Decimal::ZERO);
        } else if on > self.due_date {
            self.paid_late = sub(self.paid_late, undone)?.max(Decimal::ZERO);
        }
        self.note_settlement(on)?;
        Ok(undone)
    }
}
