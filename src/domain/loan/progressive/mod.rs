//! The progressive calculator: a loan that is recomputed as it lives.
//!
//! # The model
//! A loan is a row of *periods*, each with one *instalment*, and each period is a row of *segments*
//! at whose ends the balance changes: a disbursement, a payment ahead of time, a correction. A
//! segment's interest is its balance times its factor; a period's interest is the sum over its
//! segments, rounded once, and what an instalment does not cover is carried to the next period
//! without bearing interest. Two rules decide the rest:
//!
//! 1. The instalment is solved from the factors of the periods it is for and rounded; where that
//!    leaves the last one far from the others it is levelled.
//! 2. The last instalment that is not fully paid takes whatever difference remains, so that all
//!    instalments together are what was lent and its interest.
//!
//! Operations put amounts into segments and periods and let the two rules run. Nothing else is
//! kept: balances and interest are recomputed in one pass from the first period that changed.
//!
//! Amounts are whole minor units inside, so that sums are exact and only interest and instalments
//! are ever rounded. The rules are those of Apache Fineract's progressive loans, whose published
//! schedules this reproduces to the cent; the formulation is our own.

mod levelling;
mod operations;
mod packed;
mod period;
mod queries;
mod replace;
mod respread;
mod saved;
mod straight;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::ScheduleError;
use super::basis::{Basis, Measure, Span, Whole};
use super::context::{Context, amount};
use super::terms::{DatedRate, Interest, Rounding, ScheduleTerms};
use crate::domain::calendar::{Frequency, RollRule};
use crate::domain::limits::AMOUNT_MAX;
use period::{Period, Segment};

pub use queries::{DueAmounts, Outstanding, PeriodState, SegmentState};
pub(crate) use straight::Growing;

/// What of a loan's terms the calculator needs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgressiveRules {
    /// The annual rate as a fraction, until it changes.
    pub annual_rate: Decimal,
    /// How often an instalment is due.
    pub frequency: Frequency,
    /// On which day of the month due dates fall.
    pub roll: RollRule,
    /// How interest is counted.
    pub interest: Interest,
    /// How amounts are rounded.
    pub rounding: Rounding,
    /// The instalment where it is agreed rather than solved.
    pub instalment: Option<Decimal>,
    /// Instalments at the start that are of interest only.
    pub principal_grace: u32,
    /// Whether instalments are solved anew when the rate or the balance changes.
    pub recast: bool,
}

impl ProgressiveRules {
    /// The rules of a loan's terms.
    pub fn of(terms: &ScheduleTerms) -> Self {
        Self {
            annual_rate: terms.annual_rate,
            frequency: terms.frequency,
            roll: terms.due_dates.roll,
            interest: terms.interest,
            rounding: terms.rounding,
            instalment: terms.instalment,
            principal_grace: terms.grace.principal,
            recast: terms.recast,
        }
    }

    fn context(&self) -> Context {
        Context::of(&self.rounding)
    }
}

/// A loan between its disbursement and its end, as the [module](self) describes.
///
/// The state is plain data: cloning it is copying three lists, and it is stored as what cannot be
/// computed again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "saved::Saved", try_from = "saved::Saved")]
pub struct ProgressiveModel {
    rules: ProgressiveRules,
    /// In order of evening; each evening once.
    rates: Vec<DatedRate>,
    periods: Vec<Period>,
    /// All segments in order; each period knows its first.
    segments: Vec<Segment>,
    /// Which periods may have changed since they were last asked for.
    touched: Touched,
}

/// A range of periods that may have changed; no part of what a loan is.
#[derive(Clone, Debug, Default)]
struct Touched(std::ops::Range<usize>);

impl PartialEq for Touched {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Touched {
    /// Adds a range of periods.
    fn add(&mut self, more: std::ops::Range<usize>) {
        self.0 = if self.0.is_empty() {
            more
        } else {
            self.0.start.min(more.start)..self.0.end.max(more.end)
        };
    }
}

impl ProgressiveModel {
    /// A loan that nothing was lent on yet, with periods from `start` to each of the due dates.
    ///
    /// # Errors
    /// [`ScheduleError::NoInstalmentDue`] if the dates are not in order.
    pub fn new(
        rules: ProgressiveRules,
        start: NaiveDate,
        due_dates: &[NaiveDate],
    ) -> Result<Self, ScheduleError> {
        let first = due_dates.first().copied().unwrap_or(start);
        let measure = Measure::new(rules.frequency, rules.roll, &[start, first], rules.context())?;
        let mut spans = Vec::with_capacity(due_dates.len());
        let mut from = start;
        for &due in due_dates {
            if due <= from {
                return Err(ScheduleError::NoInstalmentDue { date: due });
            }
            spans.push(Span { start: from, due, units: measure.units(from, due)? });
            from = due;
        }
        Self::with_spans(rules, &spans)
    }

    /// The same for periods that are already measured.
    pub(crate) fn with_spans(
        rules: ProgressiveRules,
        spans: &[Span],
    ) -> Result<Self, ScheduleError> {
        if spans.is_empty() {
            return Err(ScheduleError::NoSolution { reason: "The loan has no periods.".into() });
        }
        let mut periods = Vec::with_capacity(spans.len());
        let mut segments = Vec::with_capacity(spans.len() + 1);
        for (number, span) in (0u32..).zip(spans) {
            periods.push(Period::new(span, number, number < rules.principal_grace));
            segments.push(Segment::new(span.start, span.due));
        }
        let touched = Touched(0..spans.len());
        let mut model = Self { rules, rates: Vec::new(), periods, segments, touched };
        model.refactor(0)?;
        Ok(model)
    }

    /// The periods that may have changed since this was last asked, counted from zero.
    pub(crate) fn take_touched(&mut self) -> std::ops::Range<usize> {
        std::mem::take(&mut self.touched.0)
    }

    /// Has the period due on a date among those that may have changed.
    pub(crate) fn touch(&mut self, due: NaiveDate) {
        if let Ok(index) = self.due_on(due) {
            self.touched.add(index..index + 1);
        }
    }

    /// The start of the first period.
    pub fn start(&self) -> NaiveDate {
        self.periods.first().map_or(NaiveDate::MIN, |period| period.start)
    }

    /// The last due date.
    pub fn end(&self) -> NaiveDate {
        self.periods.last().map_or(NaiveDate::MIN, |period| period.due)
    }

    /// Runs operations all or none: if one fails the loan is as before.
    ///
    /// An operation that fails by itself may leave the loan between two states; whoever goes on
    /// after an error runs it here.
    ///
    /// # Errors
    /// The first error of the operations.
    pub fn transact<E>(
        &mut self,
        operations: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut next = self.clone();
        operations(&mut next)?;
        *self = next;
        Ok(())
    }

    /// An amount in minor units.
    fn minor(&self, amount: Decimal) -> Result<i128, ScheduleError> {
        if amount.abs() > Decimal::from(AMOUNT_MAX) {
            return Err(ScheduleError::NoSolution {
                reason: format!("The amount {amount} is beyond {AMOUNT_MAX}."),
            });
        }
        Ok(self.rules.context().minor(amount, self.rules.rounding.minor_units)?)
    }

    /// A number of minor units as an amount.
    fn money(&self, minor: i128) -> Result<Decimal, ScheduleError> {
        Ok(amount(minor, self.rules.rounding.minor_units)?)
    }

    /// The annual rate of a stretch that starts on the evening of a date.
    fn rate_on(&self, evening: NaiveDate) -> Decimal {
        let after = self.rates.partition_point(|rate| rate.evening <= evening);
        match after.checked_sub(1).and_then(|last| self.rates.get(last)) {
            Some(rate) => rate.annual_rate,
            None => self.rules.annual_rate,
        }
    }

    fn basis(&self) -> Basis<'static> {
        let whole = Whole {
            start: self.start(),
            end: self.end(),
            end_of_month: self.rules.roll == RollRule::LastDay,
            calendar: None,
        };
        Basis {
            context: self.rules.context(),
            interest: self.rules.interest,
            frequency: self.rules.frequency,
            whole,
        }
    }

    /// The indices of a period's segments.
    fn segments_of(&self, period: usize) -> std::ops::Range<usize> {
        let first_of = |index: usize| {
            self.periods.get(index).map_or(self.segments.len(), |period| period.first as usize)
        };
        first_of(period)..first_of(period + 1)
    }

    /// The segments of a period, to be changed.
    fn segments_mut(&mut self, period: usize) -> &mut [Segment] {
        let range = self.segments_of(period);
        self.segments.get_mut(range).unwrap_or_default()
    }
}
