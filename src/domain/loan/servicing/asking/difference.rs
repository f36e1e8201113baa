//! What one state of a loan is beyond another: what is to be posted when an operation is recorded.
//!
//! Transactions and movements are never overwritten. A difference is what was reversed, what was
//! made, and which lines came to something else.

use serde::Serialize;

use super::super::state::charge::Charge;
use super::super::state::line::Line;
use super::super::state::loan::Loan;
use super::super::state::movement::Movement;
use super::super::state::standing::LoanStatus;
use super::super::state::transaction::Transaction;

/// What is different in a later state of a loan.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Difference {
    /// Transactions that stood before and stand no more, as they are now.
    pub reversed: Vec<Transaction>,
    /// Transactions that were made, in the order made.
    pub made: Vec<Transaction>,
    /// Transactions made before whose running balance, or what they took lines from, is told
    /// otherwise now.
    pub restated: Vec<Transaction>,
    /// Lines that are new or came to something else, as they are now.
    pub lines: Vec<Line>,
    /// Numbers of lines that there are no more.
    pub lines_gone: Vec<u32>,
    /// Charges that are new or came to something else, as they are now.
    pub charges: Vec<Charge>,
    /// Movements that were posted, in the order posted.
    pub posted: Vec<Movement>,
    /// Where the loan stands now, if it stood elsewhere.
    pub status: Option<LoanStatus>,
}

impl Loan {
    /// What is different from an earlier state of the same loan.
    pub fn difference_from(&self, earlier: &Self) -> Difference {
        let mut found = Difference {
            lines: new_or_changed(&earlier.lines, &self.lines),
            charges: new_or_changed(&earlier.charges, &self.charges),
            posted: self.journal.get(earlier.journal.len()..).unwrap_or_default().to_vec(),
            status: (self.status != earlier.status).then_some(self.status),
            ..Difference::default()
        };
        for line in earlier.lines.iter().skip(self.lines.len()) {
            found.lines_gone.push(line.number);
        }
        for (at, now) in self.transactions.iter().enumerate() {
            match earlier.transactions.get(at) {
                None => found.made.push(now.clone()),
                Some(before) if before == now => {}
                Some(before) if before.stands() && !now.stands() => {
                    found.reversed.push(now.clone());
                }
                Some(_) => found.restated.push(now.clone()),
            }
        }
        found
    }
}

/// The items that are in another place or different from those of an earlier list.
fn new_or_changed<T: Clone + PartialEq>(earlier: &[T], now: &[T]) -> Vec<T> {
    let same = |at: usize, item: &T| earlier.get(at) == Some(item);
    now.iter()
        .enumerate()
        .filter(|(at, item)| !same(*at, item))
        .map(|(_, item)| item.clone())
        .collect()
}
