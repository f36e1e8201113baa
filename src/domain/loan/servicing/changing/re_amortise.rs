//! Re-amortising: principal past due is spread over the instalments to come.
//!
//! Of a loan that bears interest those are solved anew. Interest past due moves with the principal
//! and bears none itself: it is asked for with the next instalment, or as soon as instalments cover
//! it. Fees and penalties stay where they are.

use rust_decimal::Decimal;

use super::super::state::amounts::Component;
use super::super::state::entry::Entry;
use super::super::state::line::Line;
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use super::super::state::transaction::{Transaction, TransactionKind};
use crate::domain::calendar::add_days;
use crate::domain::decimal::{div, sub};
use crate::domain::loan::ScheduleError;

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
        if self.bears_interest() {
            return self.re_amortise_with_interest(one);
        }
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

    /// The same with interest: the calculator solves the instalments to come anew.
    fn re_amortise_with_interest(&mut self, one: &mut Transaction) -> Result<(), ServicingError> {
        let on = one.on;
        if !self.lines.iter().any(|line| is_to_come(line, on)) {
            return Err(no_instalment_after(on));
        }
        let past = self.past_due(on)?;
        let moved = past.total()?;
        if moved.principal.is_zero() {
            return Ok(());
        }
        (one.amount, one.portions.principal) = (moved.principal, moved.principal);
        let follows = self.follows_payments();
        let borne_to = self.carried_to.map_or(on, |carried| carried.max(on));
        let next = add_days(on, 1).map_err(ScheduleError::from)?;
        self.ask_later(on, next, &past, self.principal_asked()?, |model| {
            if !follows {
                return model.ask_again(on, moved.principal, &past.interest);
            }
            if !past.additional.interest.is_zero() {
                model.charge_back_interest(on, past.additional.interest)?;
            }
            model.re_amortise(on, borne_to, borne_to, past.additional.principal)
        })
    }
}

/// Whether a line is an instalment due after a day.
fn is_to_come(line: &Line, on: chrono::NaiveDate) -> bool {
    line.due_date > on && line.is_modelled()
}

fn no_instalment_after(on: chrono::NaiveDate) -> ServicingError {
    ServicingError::BadDate { on, reason: "No instalment is due after it.".into() }
}
