//! Money that nothing was owed for pays a charge that comes up later.
//!
//! Every payment that holds some serves the charge by its own rule and as of its own day, the
//! earliest first. Its transaction thereby comes to something else than without the charge, so that
//! whether it changed is known only when everything has run.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::replay::Run;
use super::super::state::entry::Entry;
use super::super::state::loan::Loan;
use super::super::state::operation::Action;
use super::super::state::refusal::ServicingError;
use super::super::state::standing::LoanStatus;
use super::super::state::transaction::{Reversal, Transaction, TransactionKind};
use super::super::terms::OverpaymentPolicy;
use crate::domain::decimal::{add, sub};

impl Loan {
    /// Does with what an operation left over what the terms say: nothing, refuse the operation, or
    /// give it back.
    pub(crate) fn treat_overpayment(
        &mut self,
        entry: &Entry,
        action: &Action,
        held: Decimal,
    ) -> Result<(), ServicingError> {
        let beyond = sub(self.overpaid, held)?;
        if beyond <= Decimal::ZERO {
            return Ok(());
        }
        match (self.terms.servicing.overpayment, action) {
            (OverpaymentPolicy::Reject, &Action::Repay { amount, .. }) => {
                Err(ServicingError::TooMuch { amount, most: sub(amount, beyond)? })
            }
            (OverpaymentPolicy::Refund, _) if self.status == LoanStatus::Overpaid => {
                // What recognises income moves no money.
                let moves = |one: &&Transaction| one.stands() && !one.kind.is_recognition();
                let moved = self.transactions.iter().filter(moves);
                let on = moved.map(|one| one.on).fold(entry.on, NaiveDate::max);
                let mut refund =
                    entry.transaction(TransactionKind::CreditBalanceRefund, self.overpaid);
                // After everything that is known, of which a part may be recorded for earlier days.
                (refund.on, refund.recorded_on) = (on, self.today);
                self.push_transaction(refund);
                self.refold(entry.sequence)?;
                self.settle_status(entry.sequence)
            }
            _ => Ok(()),
        }
    }
}

impl Loan {
    /// Notes a payment that holds money, for charges that come up later in a run.
    pub(crate) fn note_held(&self, id: u32, run: &mut Run) {
        let holds = |one: &&Transaction| one.kind.is_payment() && one.overpaid > Decimal::ZERO;
        if self.made(id).filter(holds).is_some() {
            run.held.push(id);
        }
    }

    /// Pays what a charge made owed with money that is held. What was given back of it is that of
    /// the earliest payments.
    pub(crate) fn use_held_money(&mut self, run: &mut Run) -> Result<(), ServicingError> {
        let mut gone = sub(self.held_by(&run.held)?, self.overpaid)?.max(Decimal::ZERO);
        for id in std::mem::take(&mut run.held) {
            let one = self.made(id).cloned();
            let given_back = one.as_ref().map_or(Decimal::ZERO, |one| one.overpaid.min(gone));
            gone = sub(gone, given_back)?;
            let amended = match one {
                Some(one) if self.overpaid > Decimal::ZERO && one.overpaid > given_back => {
                    self.serve_again(one, given_back)?
                }
                _ => {
                    run.held.push(id);
                    continue;
                }
            };
            let holds = amended.overpaid > Decimal::ZERO;
            let id = self.amend(amended, run);
            if holds {
                run.held.push(id);
            }
        }
        Ok(())
    }

    /// What payments hold in all, were none of it given back.
    fn held_by(&self, payments: &[u32]) -> Result<Decimal, ServicingError> {
        let held = payments.iter().filter_map(|&id| self.made(id)).map(|one| one.overpaid);
        Ok(held.into_iter().try_fold(Decimal::ZERO, add)?)
    }

    /// A payment that serves, with what it still holds, what is owed by now.
    fn serve_again(
        &mut self,
        mut one: Transaction,
        given_back: Decimal,
    ) -> Result<Transaction, ServicingError> {
        let amount = sub(one.overpaid, given_back)?.min(self.overpaid);
        one.overpaid = sub(one.overpaid, amount)?;
        self.overpaid = sub(self.overpaid, amount)?;
        let rule = self.rule_for(one.kind);
        let left = self.allocate(&mut one, amount, &rule)?;
        one.overpaid = add(one.overpaid, left)?;
        self.overpaid = add(self.overpaid, left)?;
        Ok(one)
    }

    /// Puts an amended transaction in its place: it is the run's own result, or it is made anew.
    /// Returns its number.
    fn amend(&mut self, mut one: Transaction, run: &Run) -> u32 {
        let id = one.id;
        let Some(current) = self.made(id) else { return id };
        if current.came_to_same(&one) || current.sequence == run.sequence || run.made(id) {
            self.put(one);
            return id;
        }
        let reversal = Reversal { recorded_on: self.today, sequence: run.sequence, asked: false };
        if let Some(current) = self.made_mut(id) {
            current.reversed = Some(reversal);
        }
        one.replaces = Some(id);
        self.push_transaction(one)
    }

    /// Lets those stand as they were that a run made anew and that came to the same in the end,
    /// unless another one of their day before them changed.
    pub(crate) fn keep_unchanged(&mut self, run: &Run) {
        let by_run = |one: &&Transaction| {
            one.reversed.is_some_and(|by| by.sequence == run.sequence && !by.asked)
        };
        let mut reversed: Vec<_> = self
            .transactions
            .iter()
            .filter(by_run)
            .map(|one| (one.on, one.recorded_on, one.sequence, one.id))
            .collect();
        reversed.sort_unstable();
        let (mut changed, mut dropped) = (Vec::new(), Vec::new());
        for (on, _, _, id) in reversed {
            let replaces = |one: &&Transaction| one.replaces == Some(id);
            let Some(new) = self.transactions.iter().find(replaces).cloned() else {
                changed.push(on);
                continue;
            };
            if !run.made(new.id) {
                continue;
            }
            match self.made(id) {
                Some(old) if old.came_to_same(&new) && !changed.contains(&on) => {
                    dropped.push(new.id);
                    let replaces = old.replaces;
                    self.put(Transaction { id, replaces, reversed: None, ..new });
                }
                _ => changed.push(on),
            }
        }
        self.forget(&dropped);
    }

    /// Forgets transactions that stand no more in favour of those they replaced, and numbers those
    /// after them anew.
    fn forget(&mut self, dropped: &[u32]) {
        if dropped.is_empty() {
            return;
        }
        let replaced = |id: u32| {
            let one = self.made(id).filter(|one| dropped.contains(&one.id));
            one.and_then(|one| one.replaces).unwrap_or(id)
        };
        let mut numbers = Vec::with_capacity(self.transactions.len());
        let mut next = 1u32;
        for one in &self.transactions {
            numbers.push((replaced(one.id), next));
            next = next.saturating_add(u32::from(!dropped.contains(&one.id)));
        }
        let number = |id: u32| {
            let at = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
            let Some(&(stands, number)) = at.and_then(|at| numbers.get(at)) else { return id };
            if stands == id { number } else { stands }
        };
        self.transactions.retain(|one| !dropped.contains(&one.id));
        for one in &mut self.transactions {
            one.id = number(one.id);
            one.of = one.of.map(number);
            one.replaces = one.replaces.map(number);
        }
    }

    fn put(&mut self, one: Transaction) {
        if let Some(place) = self.made_mut(one.id) {
            *place = one;
        }
    }

    /// A transaction by its number.
    pub(crate) fn made(&self, id: u32) -> Option<&Transaction> {
        self.place_of(id).and_then(|at| self.transactions.get(at))
    }

    fn made_mut(&mut self, id: u32) -> Option<&mut Transaction> {
        self.place_of(id).and_then(|at| self.transactions.get_mut(at))
    }

    /// The place of a transaction among those at hand.
    fn place_of(&self, id: u32) -> Option<usize> {
        let at = usize::try_from(id).ok()?.checked_sub(1)?;
        if self.past.transactions == 0 {
            return Some(at);
        }
        self.transactions.binary_search_by_key(&id, |one| one.id).ok()
    }
}
