//! What happened to a loan since a moment of its life: facts to be recorded and never changed.

use super::super::state::amounts::Amounts;
use super::super::state::loan::Loan;
use super::super::state::movement::Movement;
use super::super::state::refusal::ServicingError;
use super::super::state::transaction::{Allocation, Transaction};

/// A moment in the life of a loan, from which facts are counted.
pub(crate) struct Mark {
    movements: usize,
    /// Transactions at hand, which later ones may take back or divide anew.
    known: Vec<Transaction>,
}

impl Loan {
    /// This moment of its life.
    pub(crate) fn mark(&self) -> Mark {
        Mark { movements: self.journal.len(), known: self.transactions.clone() }
    }

    /// Double-entry movements posted since a moment.
    pub(crate) fn posted_since(&self, mark: &Mark) -> &[Movement] {
        self.journal.get(mark.movements..).unwrap_or_default()
    }

    /// What transactions paid of instalments since a moment. What one that stands no more had paid is
    /// taken back: all that is ever told of a transaction adds up to what it paid, and to nothing
    /// once it stands no more.
    ///
    /// # Errors
    /// [`ServicingError::Arithmetic`] beyond the exact range.
    pub(crate) fn allocations_since(
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
