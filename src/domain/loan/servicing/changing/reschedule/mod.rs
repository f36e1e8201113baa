//! Rescheduling: rates, due dates, the number of instalments and grace agreed anew while the loan
//! runs.
//!
//! What concerns due dates holds from the beginning of a run, since they are the grid everything
//! else lies on. Rates, pauses, added instalments and grace take effect in value order.

mod effect;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::state::entry::Entry;
use super::super::state::line::{Line, LineKind};
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use super::super::state::standing::LoanStatus;
use super::super::state::transaction::{Transaction, TransactionKind};
use super::super::state::variation::{Change, Variation};
use crate::domain::calendar::add_days;
use crate::domain::limits::{ANNUAL_RATE_MAX, INSTALMENTS_MAX};
use crate::domain::loan::schedule::rate_changes;
use crate::domain::loan::{ScheduleError, ScheduleTerms};

/// What is asked of a rescheduling, in instalments.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rescheduling {
    pub(crate) extra: u32,
    pub(crate) principal_grace: u32,
    pub(crate) interest_grace: u32,
}

/// The changes of the rate that the terms of a progressive loan foresee. Schedules of other loans
/// have them already.
pub(crate) fn foreseen(terms: &ScheduleTerms) -> Result<Vec<Variation>, ServicingError> {
    if !terms.is_plain_progressive() {
        return Ok(Vec::new());
    }
    let mut variations = Vec::new();
    for change in rate_changes(terms)? {
        variations.push(Variation {
            sequence: 0,
            on: add_days(change.evening, 1).map_err(ScheduleError::from)?,
            recorded_on: terms.disbursed_on,
            change: Change::Rate(change.annual_rate),
            active: true,
        });
    }
    Ok(variations)
}

impl Loan {
    /// Another rate from a day on.
    pub(crate) fn take_rate_change(
        &mut self,
        entry: &Entry,
        annual_rate: Decimal,
    ) -> Result<(), ServicingError> {
        self.check_in_force("change the rate")?;
        self.check_lent_on(entry.on)?;
        if annual_rate < Decimal::ZERO || annual_rate > Decimal::from(ANNUAL_RATE_MAX) {
            return Err(ServicingError::NotProvided {
                reason: format!("The rate {annual_rate} is not between 0 and {ANNUAL_RATE_MAX}."),
            });
        }
        self.check_not_after_the_end(entry.on)?;
        let respread = |one: &Transaction| {
            one.stands() && matches!(one.kind, TransactionKind::ReAge | TransactionKind::ReAmortise)
        };
        let first = !annual_rate.is_zero() && !self.bears_interest();
        if first && self.transactions.iter().any(respread) {
            return Err(ServicingError::NotProvided {
                reason: "Principal of the loan was spread anew, so that it bears no interest."
                    .into(),
            });
        }
        self.record_variation(entry, Change::Rate(annual_rate));
        Ok(())
    }

    /// Another day for the instalment due on a day; later ones move along.
    pub(crate) fn take_due_date_change(
        &mut self,
        entry: &Entry,
        to: NaiveDate,
    ) -> Result<(), ServicingError> {
        self.check_active("change a due date")?;
        let line = self.open_instalment_due(entry.on)?;
        if to <= line.period_start || to == entry.on {
            let reason = format!("It is not another day after {}.", line.period_start);
            return Err(ServicingError::BadDate { on: to, reason });
        }
        self.record_variation(entry, Change::DueDate(to));
        Ok(())
    }

    /// More instalments, or grace, from a day on.
    pub(crate) fn take_rescheduling(
        &mut self,
        entry: &Entry,
        asked: Rescheduling,
    ) -> Result<(), ServicingError> {
        self.check_active("reschedule")?;
        let later = |line: &&Line| line.kind == LineKind::Instalment && entry.on <= line.due_date;
        let left = self.lines.iter().filter(later).filter(|line| !line.is_settled()).count();
        let more = usize::try_from(asked.extra).unwrap_or(usize::MAX);
        let grace = asked.principal_grace.max(asked.interest_grace);
        let grace = usize::try_from(grace).unwrap_or(usize::MAX);
        let reason = if left == 0 {
            Some("No instalment that is still owed is due on the day or later.".to_owned())
        } else if more == 0 && grace == 0 {
            Some("Neither instalments nor grace are asked for.".to_owned())
        } else if self.lines.len().saturating_add(more) > INSTALMENTS_MAX {
            Some(format!("There are at most {INSTALMENTS_MAX} instalments."))
        } else if grace >= left.saturating_add(more) {
            Some(format!("Grace of {grace} instalments leaves none of {}.", left + more))
        } else {
            None
        };
        if let Some(reason) = reason {
            return Err(ServicingError::NotProvided { reason });
        }
        for (count, change) in [
            (asked.extra, Change::ExtraInstalments(asked.extra)),
            (asked.principal_grace, Change::PrincipalGrace(asked.principal_grace)),
            (asked.interest_grace, Change::InterestGrace(asked.interest_grace)),
        ] {
            if count > 0 {
                self.record_variation(entry, change);
            }
        }
        Ok(())
    }

    /// No interest from a day to another.
    pub(crate) fn take_interest_pause(
        &mut self,
        entry: &Entry,
        to: NaiveDate,
    ) -> Result<(), ServicingError> {
        self.check_active("pause interest")?;
        self.check_lent_on(entry.on)?;
        check_order(entry.on, to)?;
        self.check_not_after_the_end(to)?;
        self.check_apart(entry.on, to, |change| match change {
            Change::InterestPause(until) => Some(*until),
            _ => None,
        })?;
        self.record_variation(entry, Change::InterestPause(to));
        Ok(())
    }

    /// Nothing due from a day to another: due dates in between move behind it, and later ones along.
    pub(crate) fn take_payment_holiday(
        &mut self,
        entry: &Entry,
        to: NaiveDate,
    ) -> Result<(), ServicingError> {
        self.check_active("give a payment holiday")?;
        check_order(entry.on, to)?;
        let within = |line: &&Line| {
            line.kind == LineKind::Instalment && entry.on <= line.due_date && line.due_date <= to
        };
        let (mut owed, mut settled) = (false, false);
        for line in self.lines.iter().filter(within) {
            owed |= !line.is_settled();
            settled |= line.is_settled();
        }
        if !owed || settled {
            let reason = if settled {
                format!("An instalment due between then and {to} is paid already.")
            } else {
                format!("No instalment is due between then and {to}.")
            };
            return Err(ServicingError::BadDate { on: entry.on, reason });
        }
        self.record_variation(entry, Change::Holiday(to));
        Ok(())
    }

    /// The instalment due on a day is not asked for, and one is added at the end.
    pub(crate) fn take_skip(&mut self, entry: &Entry) -> Result<(), ServicingError> {
        self.check_active("skip an instalment")?;
        self.open_instalment_due(entry.on)?;
        self.record_variation(entry, Change::Skip);
        Ok(())
    }

    /// No delinquency counted from a day to another.
    pub(crate) fn take_delinquency_pause(
        &mut self,
        entry: &Entry,
        to: NaiveDate,
    ) -> Result<(), ServicingError> {
        self.check_active("pause delinquency")?;
        check_order(entry.on, to)?;
        self.check_apart(entry.on, to, |change| match change {
            Change::DelinquencyPause(until) => Some(*until),
            _ => None,
        })?;
        self.record_variation(entry, Change::DelinquencyPause(to));
        Ok(())
    }

    fn check_active(&self, what: &str) -> Result<(), ServicingError> {
        if self.status == LoanStatus::Active { Ok(()) } else { Err(self.wrong_state(what)) }
    }

    /// Refuses what needs a loan that was lent and not given up.
    fn check_in_force(&self, what: &str) -> Result<(), ServicingError> {
        match self.status {
            LoanStatus::Active | LoanStatus::Closed | LoanStatus::Overpaid => Ok(()),
            LoanStatus::Approved | LoanStatus::WrittenOff => Err(self.wrong_state(what)),
        }
    }

    fn check_not_after_the_end(&self, on: NaiveDate) -> Result<(), ServicingError> {
        match self.maturity() {
            Some(end) if end < on => {
                Err(ServicingError::BadDate { on, reason: format!("The loan ends on {end}.") })
            }
            _ => Ok(()),
        }
    }

    /// Refuses a stretch of days that overlaps another one of its kind.
    fn check_apart(
        &self,
        from: NaiveDate,
        to: NaiveDate,
        until: impl Fn(&Change) -> Option<NaiveDate>,
    ) -> Result<(), ServicingError> {
        let overlaps = |one: &&Variation| {
            one.active && until(&one.change).is_some_and(|until| from <= until && one.on <= to)
        };
        match self.variations.iter().find(overlaps) {
            Some(one) => Err(ServicingError::BadDate {
                on: from,
                reason: format!("It overlaps the one that starts on {}.", one.on),
            }),
            None => Ok(()),
        }
    }

    /// The instalment due on a day, if something of it is owed.
    fn open_instalment_due(&self, on: NaiveDate) -> Result<&Line, ServicingError> {
        let due = |line: &&Line| line.kind == LineKind::Instalment && line.due_date == on;
        match self.lines.iter().find(due) {
            Some(line) if !line.is_settled() => Ok(line),
            Some(_) => Err(ServicingError::BadDate {
                on,
                reason: "The instalment due then is paid already.".into(),
            }),
            None => Err(ServicingError::BadDate {
                on,
                reason: "No instalment is due on the day.".into(),
            }),
        }
    }
}

fn check_order(from: NaiveDate, to: NaiveDate) -> Result<(), ServicingError> {
    if from <= to {
        return Ok(());
    }
    Err(ServicingError::BadDate { on: to, reason: format!("It is before {from}.") })
}
