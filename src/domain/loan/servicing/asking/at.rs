//! The loan as it was, or as it was known to be.
//!
//! Two days are asked for. What was *known* on a day is every operation recorded up to it. What was
//! *valid* on a day is every one of those that took effect up to it; what is known to have been
//! undone is left out whenever the undoing was recorded.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::super::state::loan::Loan;
use super::super::state::operation::{Action, Operation};
use super::super::state::refusal::ServicingError;
use super::super::terms::LoanTerms;

/// The loan on the evening of `valid`, by what was known on the evening of `known`; without one of
/// the days, by everything.
///
/// # Errors
/// The first refusal, as [`Loan::fold`], with its place in the list.
pub fn loan_at(
    terms: LoanTerms,
    operations: &[Operation],
    valid: Option<NaiveDate>,
    known: Option<NaiveDate>,
) -> Result<Loan, ServicingError> {
    let empty = Loan::without_lines(terms)?;
    let mut loan = empty.clone();
    let mut latest = None;
    for (at, operation) in operations.iter().enumerate() {
        // An operation that does not say when it was recorded came after all before it.
        let since = latest.map_or(operation.on, |latest| operation.on.max(latest));
        let recorded_on = operation.recorded_on.unwrap_or(since);
        latest = latest.max(Some(recorded_on));
        if known.is_none_or(|known| recorded_on <= known) {
            let refused = |why| ServicingError::InList { at, why: Box::new(why) };
            loan = loan.apply(operation).map_err(refused)?;
        }
    }
    if loan.operations.is_empty() {
        return Loan::open(empty.terms);
    }
    let Some(valid) = valid else { return Ok(loan) };
    let kept = loan.sequences_until(valid);
    if kept.len() == loan.operations.len() {
        return Ok(loan);
    }
    if kept.is_empty() {
        return Loan::open(empty.terms);
    }
    let standing = loan.operations.iter().filter(|one| kept.contains(&one.sequence));
    standing.map(|one| &one.operation).try_fold(empty, Loan::apply)
}

impl Loan {
    /// What was recorded that took effect up to a day, and what undoes any of it.
    fn sequences_until(&self, valid: NaiveDate) -> BTreeSet<u32> {
        let mut kept = BTreeSet::new();
        for one in &self.operations {
            let named = refers_to(&one.operation.action);
            let target = named.and_then(|name| {
                self.operations.iter().find(|other| other.operation.id.as_deref() == Some(name))
            });
            let undoes: Vec<u32> = self.undone_by(one.sequence).collect();
            let keeps = if undoes.is_empty() {
                one.operation.on <= valid
                    && target.is_none_or(|other| kept.contains(&other.sequence))
            } else {
                undoes.iter().any(|sequence| kept.contains(sequence))
            };
            if keeps {
                kept.insert(one.sequence);
            }
        }
        kept
    }

    /// The operations that one undid.
    fn undone_by(&self, sequence: u32) -> impl Iterator<Item = u32> {
        let own = self.operations.iter().find(|one| one.sequence == sequence);
        let named = own.and_then(|one| match &one.operation.action {
            Action::Reverse { of, .. } => Some(of),
            Action::UndoCharge { charge } => Some(charge),
            _ => None,
        });
        let by_name = self
            .operations
            .iter()
            .filter(move |one| named.is_some() && one.operation.id.as_ref() == named);
        let asked = self
            .transactions
            .iter()
            .filter(move |one| one.reversed.is_some_and(|by| by.asked && by.sequence == sequence));
        by_name.map(|one| one.sequence).chain(asked.map(|one| one.sequence))
    }
}

/// The name of the operation that an action refers to.
fn refers_to(action: &Action) -> Option<&str> {
    match action {
        Action::Reverse { of, .. } | Action::Chargeback { of, .. } => Some(of),
        Action::WaiveCharge { charge }
        | Action::AdjustCharge { charge, .. }
        | Action::PayCharge { charge, .. }
        | Action::UndoCharge { charge } => Some(charge),
        _ => None,
    }
}
