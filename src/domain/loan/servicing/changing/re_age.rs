//! Re-ageing: what is outstanding of principal is spread over new instalments after the last one.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::record::Entry;
use super::super::state::amounts::Component;
use super::super::state::line::{Line, LineKind};
use super::super::state::loan::{Loan, LoanStatus};
use super::super::state::operation::Action;
use super::super::state::refusal::ServicingError;
use super::super::state::transaction::{Transaction, TransactionKind};
use crate::domain::calendar::{Frequency, Recurrence, RollRule};
use crate::domain::decimal::{add, div, mul, sub};
use crate::domain::limits::INSTALMENTS_MAX;
use crate::domain::loan::ScheduleError;
use crate::domain::loan::schedule::is_plain_progressive;
use crate::domain::money::round_to_multiple;

impl Loan {
    /// Re-ages the loan: its principal is asked for in new instalments from a day on.
    pub(crate) fn take_re_age(
        &mut self,
        entry: &Entry,
        from: NaiveDate,
        instalments: u32,
    ) -> Result<(), ServicingError> {
        self.check_respreading(entry, TransactionKind::ReAge, "re-age")?;
        let maturity = self.maturity().unwrap_or(from);
        if entry.on < maturity {
            return Err(ServicingError::BadDate {
                on: entry.on,
                reason: format!(
                    "The loan is re-aged once its last instalment, {maturity}, is due."
                ),
            });
        }
        if from <= maturity {
            return Err(ServicingError::BadDate {
                on: from,
                reason: format!("The first new instalment is due after the last one, {maturity}."),
            });
        }
        let count = usize::try_from(instalments).unwrap_or(usize::MAX);
        if count == 0 || count.saturating_add(self.lines.len()) > INSTALMENTS_MAX {
            return Err(ServicingError::NotProvided {
                reason: format!("{instalments} is no number of instalments."),
            });
        }
        self.record_transaction(entry, TransactionKind::ReAge, Decimal::ZERO);
        Ok(())
    }

    /// Refuses to spread principal anew where that is not defined: for loans that are not active,
    /// bear interest or follow no plain progressive schedule, and twice on one day.
    pub(crate) fn check_respreading(
        &self,
        entry: &Entry,
        kind: TransactionKind,
        name: &str,
    ) -> Result<(), ServicingError> {
        if self.status != LoanStatus::Active {
            return Err(self.wrong_state(name));
        }
        if self.bears_interest() || !is_plain_progressive(&self.terms.schedule) {
            return Err(ServicingError::NotProvided {
                reason: "Principal is spread anew on progressive loans without interest.".into(),
            });
        }
        let again = |one: &Transaction| one.stands() && one.kind == kind && one.on == entry.on;
        if self.transactions.iter().any(again) {
            return Err(ServicingError::BadDate {
                on: entry.on,
                reason: "It was done on that day already.".into(),
            });
        }
        Ok(())
    }

    /// Moves all outstanding principal into new instalments.
    pub(crate) fn re_age(&mut self, one: &mut Transaction) -> Result<(), ServicingError> {
        let Some((from, count, frequency)) = self.re_age_terms(one.sequence) else {
            return Err(ServicingError::NoSuchReference { id: one.sequence.to_string() });
        };
        let amount = self.clear_principal(one.on, |_| true)?;
        (one.amount, one.portions.principal) = (amount, amount);
        if amount.is_zero() {
            return Ok(());
        }
        let part = self.instalment_part(div(amount, Decimal::from(count))?)?;
        let rest = sub(amount, mul(part, Decimal::from(count))?)?;
        let dates =
            Recurrence::new(from, frequency, RollRule::SameDay).map_err(ScheduleError::from)?;
        let mut start = self.last_due_date().unwrap_or(one.on);
        for index in 0..count {
            let due_date = dates.date(i64::from(index)).map_err(ScheduleError::from)?;
            let mut line =
                Line { kind: LineKind::ReAged, period_start: start, due_date, ..Line::default() };
            line.charged.principal = if index + 1 == count { add(part, rest)? } else { part };
            line.note_settlement(one.on)?;
            self.lines.push(line);
            start = due_date;
        }
        self.lines.sort_by_key(|line| line.due_date);
        self.number_lines();
        Ok(())
    }

    /// What the operation that re-aged the loan asked for.
    fn re_age_terms(&self, sequence: u32) -> Option<(NaiveDate, u32, Frequency)> {
        let found = self.operations.iter().find(|one| one.sequence == sequence)?;
        match found.operation.action {
            Action::ReAge { from, instalments, frequency } => Some((from, instalments, frequency)),
            _ => None,
        }
    }

    /// The last due date of an instalment.
    fn last_due_date(&self) -> Option<NaiveDate> {
        let lines = self.lines.iter().filter(|line| line.kind != LineKind::DownPayment);
        lines.map(|line| line.due_date).max()
    }

    /// Asks no more for the outstanding principal of the lines that are wanted, and returns it.
    pub(crate) fn clear_principal(
        &mut self,
        on: NaiveDate,
        wanted: impl Fn(&Line) -> bool,
    ) -> Result<Decimal, ServicingError> {
        let mut sum = Decimal::ZERO;
        for line in self.lines.iter_mut().filter(|line| wanted(line)) {
            let owed = line.outstanding_of(Component::Principal)?;
            if owed > Decimal::ZERO {
                sum = add(sum, owed)?;
                line.charged.principal = sub(line.charged.principal, owed)?;
                line.note_settlement(on)?;
            }
        }
        Ok(sum)
    }

    /// A part of principal as instalments are rounded.
    pub(crate) fn instalment_part(&self, exact: Decimal) -> Result<Decimal, ServicingError> {
        let part = self.round(exact)?;
        let rounding = &self.terms.schedule.rounding;
        let Some(multiple) = rounding.multiple else { return Ok(part) };
        let mode = rounding.multiple_mode.unwrap_or(rounding.mode);
        Ok(round_to_multiple(part, multiple, mode).map_err(ScheduleError::from)?)
    }
}
