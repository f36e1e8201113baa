//! What happened to a loan since a moment of its life: facts to be recorded and never changed.

use super::super::state::amounts::Amounts;
use super::super::state::charge::Charge;
use super::super::state::journal::Movement;
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use super::super::state::transaction::{Allocation, Transaction};

/// A moment in the life of a loan, from which facts are counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    charges: usize,
    movements: usize,
    /// Transactions at hand, which later ones may take back or divide anew.
    known: Vec<Transaction>,
}

/// What happened since a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Transactions made, in that order; their numbers go on from those made before.
    pub made: Vec<Transaction>,
    /// Transactions that stand no more.
    pub reversed: Vec<Transaction>,
    /// What transactions paid of instalments. What one that stands no more had paid is taken back.
    pub allocations: Vec<(u32, Allocation)>,
    /// Double-entry movements, in the order posted.
    pub posted: Vec<Movement>,
    /// Charges made.
    pub charges: Vec<Charge>,
}

impl Loan {
    /// This moment of its life.
    pub fn mark(&self) -> Mark {
        Mark {
            charges: self.charges.len(),
            movements: self.journal.len(),
            known: self.transactions.clone(),
        }
    }

    /// What happened since a moment of its life. All allocations of a transaction ever told add up
    /// to what it paid, and to nothing once it stands no more.
    ///
    /// # Errors
    /// [`ServicingError::Arithmetic`] beyond the exact range.
    pub fn facts_since(&self, mark: &Mark) -> Result<Facts, ServicingError> {
        let mut facts = Facts {
            posted: self.posted_since(mark).to_vec(),
            charges: self.charges.get(mark.charges..).unwrap_or_default().to_vec(),
            allocations: self.allocations_since(mark)?,
            ..Facts::default()
        };
        for (before, now) in mark.known.iter().zip(&self.transactions) {
            if before.stands() && !now.stands() {
                facts.reversed.push(now.clone());
            }
        }
        for now in self.transactions.iter().skip(mark.known.len()) {
            facts.made.push(now.clone());
            if !now.stands() {
                facts.reversed.push(now.clone());
            }
        }
        Ok(facts)
    }

    /// Double-entry movements posted since a moment.
    pub(super) fn posted_since(&self, mark: &Mark) -> &[Movement] {
        self.journal.get(mark.movements..).unwrap_or_default()
    }

    /// What transactions paid of instalments since a moment, as [`Facts::allocations`].
    pub(super) fn allocations_since(
        &self,
        mark: &Mark,
    ) -> Result<Vec<(u32, Allocation)>, ServicingError> {
        let mut told = Vec::new();
        for (before, now) in mark.known.iter().zip(&self.transactions) {
            if before.stands() && !now.stands() {
                divide(&mut told, now.id, &before.allocations, &[])?;
            } else if now.stands() && before.allocations != now.allocations {
                divide(&mut told, now.id, &before.allocations, &now.allocations)?;
            }
        }
        for now in self.transactions.iter().skip(mark.known.len()) {
            if now.stands() {
                divide(&mut told, now.id, &[], &now.allocations)?;
            }
        }
        Ok(told)
    }
}

/// Tells how a transaction is divided now and was not before, instalment by instalment.
fn divide(
    all: &mut Vec<(u32, Allocation)>,
    transaction: u32,
    before: &[Allocation],
    now: &[Allocation],
) -> Result<(), ServicingError> {
    let first = all.len();
    let taken = before.iter().map(|part| (part, true));
    for (part, back) in taken.chain(now.iter().map(|part| (part, false))) {
        let amounts = if back { Amounts::ZERO.minus(&part.amounts)? } else { part.amounts };
        let own = all.get_mut(first..).unwrap_or_default();
        let same = |(_, told): &&mut (u32, Allocation)| {
            told.due_date == part.due_date && told.line == part.line
        };
        match own.iter_mut().find(same) {
            Some((_, told)) => told.amounts = told.amounts.plus(&amounts)?,
            None => all.push((transaction, Allocation { amounts, ..*part })),
        }
    }
    let mut at = 0;
    all.retain(|(_, part)| {
        at += 1;
        at <= first || !part.amounts.is_zero()
    });
    Ok(())
}
