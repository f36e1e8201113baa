//! Re-amortising: principal past due is spread over the instalments to come.

use rust_decimal::Decimal;

use super::super::record::Entry;
use super::super::state::amounts::Component;
use super::super::state::line::{Line, LineKind};
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use super::super::state::transaction::{Transaction, TransactionKind};
use crate::domain::decimal::{div, sub};

impl Loan {
    /// Re-amortises the loan: principal past due is asked for with the instalments to come.
    pub(crate) fn take_re_amortisation(&mut self, entry: &Entry) -> Result<(), ServicingError> {
        self.check_respreading(entry, TransactionKind::ReAmortise, "re-amortise")?;
        if !self.lines.iter().any(|line| is_to_come(line, entry.on)) {
            return Err(no_instalment_after(entry.on));
        }
        self.record_transaction(entry, TransactionKind::ReAmortise, Decimal::ZERO);
        Ok(())
    }

    /// Moves principal past due into the instalments to come, in equal parts; the last one takes
    /// what rounding leaves.
    pub(crate) fn re_amortise(&mut self, one: &mut Transaction) -> Result<(), ServicingError> {
        let on = one.on;
        let amount = self.clear_principal(on, |line| line.due_date <= on)?;
        (one.amount, one.portions.principal) = (amount, amount);
        let count = self.lines.iter().filter(|line| is_to_come(line, on)).count();
        if count == 0 {
            return Err(no_instalment_after(on));
        }
        let part = self.instalment_part(self.round(div(amount, Decimal::from(count))?)?)?;
        let mut rest = amount;
        let to_come = self.lines.iter_mut().filter(|line| is_to_come(line, on));
        for (index, line) in to_come.enumerate() {
            let more = if index + 1 == count { rest } else { part };
            line.charged.add(Component::Principal, more)?;
            line.note_settlement(on)?;
            rest = sub(rest, more)?;
        }
        Ok(())
    }
}

/// Whether a line is a regular instalment due after a day.
fn is_to_come(line: &Line, on: chrono::NaiveDate) -> bool {
    line.due_date > on && line.kind == LineKind::Instalment
}

fn no_instalment_after(on: chrono::NaiveDate) -> ServicingError {
    ServicingError::BadDate { on, reason: "No instalment is due after it.".into() }
}
