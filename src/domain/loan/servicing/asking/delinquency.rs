//! How late a loan is.
//!
//! An instalment is past due from the day after its due date. What a chargeback took back is owed
//! from the day of the chargeback on, whenever the instalment it went into is due.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;

use super::super::state::amounts::Amounts;
use super::super::state::line::Line;
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use super::super::state::standing::LoanStatus;
use super::super::state::transaction::TransactionKind;
use super::super::state::variation::Change;
use crate::domain::calendar::add_days;
use crate::domain::decimal::{add, sub};

/// How late a loan is on a day. Amounts are in currency units.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Delinquency {
    /// The day.
    pub on: NaiveDate,
    /// The oldest day on which something was due that is not paid.
    pub oldest_unpaid: Option<NaiveDate>,
    /// Days since then.
    pub days_past_due: u32,
    /// The day from which the loan counts as delinquent: the oldest unpaid day and the days of
    /// grace.
    pub delinquent_since: Option<NaiveDate>,
    /// Days since then, without those on which delinquency was paused.
    pub delinquent_days: u32,
    /// What is overdue, by component; what a chargeback took back and is not due yet is not in it.
    pub overdue: Amounts,
    /// Of what is overdue the part that is so for more than the days of grace.
    pub in_arrears: Amounts,
    /// What is overdue in all, chargebacks too.
    pub overdue_total: Decimal,
    /// The class its days past due put it in; none for a loan that is not late.
    pub bucket: Option<String>,
    /// How late each unpaid instalment is, where the terms ask for that.
    pub instalments: Vec<LineDelinquency>,
}

/// How late one instalment is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LineDelinquency {
    /// The number of the line.
    pub line: u32,
    /// The day it is due.
    pub due_date: NaiveDate,
    /// The day since which something of it is owed and not paid.
    pub delinquent_since: NaiveDate,
    /// Days since then, without those on which delinquency was paused.
    pub delinquent_days: u32,
    /// What of it is overdue.
    pub overdue: Decimal,
    /// The class its days put it in.
    pub bucket: Option<String>,
}

/// What of a line is late: since when, and how much.
struct Late {
    since: NaiveDate,
    amount: Decimal,
}

impl Loan {
    /// How late the loan is on a day.
    ///
    /// Amounts overdue up to the tolerance of the terms do not make it late. With
    /// `arrears_on_agreed_schedule` payments are held against the schedule as it was agreed.
    ///
    /// # Errors
    /// [`ServicingError::Arithmetic`], and what the agreed schedule refuses.
    pub fn delinquency(&self, on: NaiveDate) -> Result<Delinquency, ServicingError> {
        let mut found = Delinquency {
            on,
            oldest_unpaid: None,
            days_past_due: 0,
            delinquent_since: None,
            delinquent_days: 0,
            overdue: Amounts::ZERO,
            in_arrears: Amounts::ZERO,
            overdue_total: Decimal::ZERO,
            bucket: None,
            instalments: Vec::new(),
        };
        if self.status != LoanStatus::Active {
            return Ok(found);
        }
        let mut oldest_charged_back = None;
        for line in self.lines.iter().filter(|line| !line.is_settled()) {
            let Some(late) = self.late(line, on)? else { continue };
            found.overdue_total = add(found.overdue_total, late.amount)?;
            if line.due_date < on {
                let owed = line.outstanding()?;
                found.overdue = found.overdue.plus(&owed)?;
                if days_between(line.due_date, on) > self.terms.servicing.arrears.grace_days {
                    found.in_arrears = found.in_arrears.plus(&owed)?;
                }
                found.oldest_unpaid = found.oldest_unpaid.or(Some(late.since));
            } else {
                oldest_charged_back = oldest_charged_back.or(Some(late.since));
            }
            if self.terms.servicing.delinquency_by_instalment {
                found.instalments.push(self.line_delinquency(line, &late, on));
            }
        }
        found.oldest_unpaid = found.oldest_unpaid.or(oldest_charged_back);
        if self.terms.servicing.recalculation.arrears_on_agreed_schedule {
            found.oldest_unpaid = self.oldest_unpaid_as_agreed(on)?;
        }
        if found.overdue_total > self.terms.servicing.arrears.tolerance {
            self.age(&mut found)?;
        } else {
            found.oldest_unpaid = None;
        }
        Ok(found)
    }

    /// Fills in how long what is overdue has been so.
    fn age(&self, found: &mut Delinquency) -> Result<(), ServicingError> {
        let Some(oldest) = found.oldest_unpaid else { return Ok(()) };
        let grace = self.terms.servicing.arrears.grace_days;
        let since =
            add_days(oldest, i64::from(grace)).map_err(crate::domain::loan::ScheduleError::from)?;
        found.days_past_due = days_between(oldest, found.on);
        found.delinquent_since = Some(since);
        found.delinquent_days = self.unpaused_days(days_between(since, found.on), found.on);
        found.bucket = self.bucket(found.delinquent_days);
        Ok(())
    }

    fn line_delinquency(&self, line: &Line, late: &Late, on: NaiveDate) -> LineDelinquency {
        let delinquent_days = self.unpaused_days(days_between(late.since, on), on);
        LineDelinquency {
            line: line.number,
            due_date: line.due_date,
            delinquent_since: late.since,
            delinquent_days,
            overdue: late.amount,
            bucket: self.bucket(delinquent_days),
        }
    }

    /// What of a line is late on a day.
    ///
    /// A chargeback within the line's period comes before its due date: where chargebacks are more
    /// than what was paid of the line, it is late since the one that made them so.
    fn late(&self, line: &Line, on: NaiveDate) -> Result<Option<Late>, ServicingError> {
        let overdue = line.due_date < on;
        let is_last = self.lines.last().is_some_and(|last| last.number == line.number);
        let until = if overdue && is_last { line.due_date } else { before(line.due_date) };
        let until = if overdue { until } else { until.min(before(on)) };
        let charged_back = self.transactions.iter().filter(|one| {
            one.stands()
                && one.kind == TransactionKind::Chargeback
                && line.period_start <= one.on
                && one.on <= until
        });
        let mut left = line.paid.total()?;
        let mut since = None;
        for one in charged_back {
            left = sub(left, one.amount)?;
            if left < Decimal::ZERO {
                since = since.filter(|_| overdue).or(Some(one.on));
            }
        }
        if overdue {
            let amount = line.outstanding()?.total()?;
            return Ok(Some(Late { since: since.unwrap_or(line.due_date), amount }));
        }
        Ok(since.map(|since| Late { since, amount: left.abs() }))
    }

    /// The oldest due date of the agreed schedule that what was paid does not reach.
    fn oldest_unpaid_as_agreed(&self, on: NaiveDate) -> Result<Option<NaiveDate>, ServicingError> {
        let gone = |line: &Line| line.paid.plus(&line.waived)?.plus(&line.written_off)?.total();
        let mut left =
            self.lines.iter().try_fold(Decimal::ZERO, |sum, line| add(sum, gone(line)?))?;
        let agreed = crate::domain::loan::schedule(&self.terms.schedule)?;
        for row in agreed.rows.iter().filter(|row| row.due_date < on) {
            left = sub(left, row.total)?;
            if left < Decimal::ZERO {
                return Ok(Some(row.due_date));
            }
        }
        Ok(None)
    }

    /// Days without those before a day on which delinquency was paused.
    fn unpaused_days(&self, days: u32, on: NaiveDate) -> u32 {
        let pauses = self.variations.iter().filter(|one| one.active);
        let paused: u32 = pauses
            .filter_map(|one| match one.change {
                Change::DelinquencyPause(to) => Some(days_between(one.on, to.min(on))),
                _ => None,
            })
            .fold(0, u32::saturating_add);
        days.saturating_sub(paused)
    }

    /// The class that so many days are in.
    fn bucket(&self, days: u32) -> Option<String> {
        let within = |from: u32, to: Option<u32>| from <= days && to.is_none_or(|to| days <= to);
        let classes = &self.terms.servicing.delinquency;
        let found = classes.iter().find(|class| days > 0 && within(class.from_days, class.to_days));
        found.map(|class| class.name.clone())
    }
}

/// Days from one date to another; none where the other is not later.
pub(super) fn days_between(from: NaiveDate, to: NaiveDate) -> u32 {
    u32::try_from(to.signed_duration_since(from).num_days()).unwrap_or(0)
}

fn before(day: NaiveDate) -> NaiveDate {
    day.pred_opt().unwrap_or(day)
}
