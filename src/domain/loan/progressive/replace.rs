//! Periods to come are replaced by others.

use std::collections::VecDeque;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::operations::Change;
use super::period::{Period, Segment};
use super::{DatedRate, ProgressiveModel, Touched};
use crate::domain::loan::ScheduleError;
use crate::domain::loan::basis::{Measure, Span};

impl ProgressiveModel {
    /// Replaces the periods of instalments due after a day by those up to other due dates, which
    /// ask for nothing yet. What was paid of the former is repaid and their interest so far paid;
    /// where a date stays it counts against the new instalment. `unknown` is principal paid of them
    /// that is not known here.
    ///
    /// # Errors
    /// [`ScheduleError::OutsideTerm`] if no instalment is due after the day, and
    /// [`ScheduleError::NoInstalmentDue`] if a new one is not.
    pub(crate) fn replace_periods(
        &mut self,
        on: NaiveDate,
        due_dates: &[NaiveDate],
        unknown: Decimal,
    ) -> Result<(), ScheduleError> {
        let from = self.first_after(on)?;
        let start = self.periods.get(from).map_or(on, |period| period.start);
        let spans = self.spans_between(start, on, due_dates)?;
        let former = self.periods.split_off(from);
        let first = former.first().map_or(self.segments.len(), |period| period.first as usize);
        let mut stretches = Stretches(self.segments.split_off(first).into());
        for span in &spans {
            let first = u32::try_from(self.segments.len()).unwrap_or(u32::MAX);
            self.periods.push(Period::new(span, first, false));
            self.segments.extend(stretches.cut(span, &self.rates));
        }
        if let Some(last) = self.segments.last_mut() {
            for beyond in stretches.0 {
                last.disbursed += beyond.disbursed;
                last.corrected += beyond.corrected;
            }
        }
        let (mut repaid, mut interest) = (0, 0);
        for paid in &former {
            match self.periods.iter_mut().skip(from).find(|period| period.due == paid.due) {
                Some(period) => {
                    (period.paid_principal, period.paid_interest) =
                        (paid.paid_principal, paid.paid_interest);
                }
                None => {
                    repaid += paid.paid_principal;
                    interest += paid.paid_interest;
                }
            }
        }
        self.touched = Touched(0..self.periods.len());
        if let Some(first) = self.periods.get_mut(from) {
            first.prepaid_interest = interest;
        }
        self.refactor(from)?;
        // What is repaid is lent no more; where it is known the balance has fallen already.
        let unknown = self.minor(unknown)?;
        let change = Change { disbursed: -repaid - unknown, corrected: repaid };
        self.change_balance(on, change)?;
        self.refresh(0)
    }

    /// The periods from a day up to due dates after another, measured on the grid of the loan.
    pub(super) fn spans_between(
        &self,
        start: NaiveDate,
        after: NaiveDate,
        due_dates: &[NaiveDate],
    ) -> Result<Vec<Span>, ScheduleError> {
        let first = self.periods.first().map_or(self.start(), |period| period.due);
        let (frequency, roll) = (self.rules.frequency, self.rules.roll);
        let context = self.rules.context();
        let measure = Measure::new(frequency, roll, &[self.start(), first], context)?;
        let mut spans = Vec::with_capacity(due_dates.len());
        let mut from = start;
        for &due in due_dates {
            if due <= from || due <= after {
                return Err(ScheduleError::NoInstalmentDue { date: due });
            }
            spans.push(Span { start: from, due, units: measure.units(from, due)? });
            from = due;
        }
        Ok(spans)
    }
}

/// Segments that are divided anew.
struct Stretches(VecDeque<Segment>);

impl Stretches {
    /// Takes the segments of a period. Where nothing happens between two they become one.
    fn cut(&mut self, span: &Span, rates: &[DatedRate]) -> Vec<Segment> {
        let mut cut: Vec<Segment> = Vec::new();
        let mut from = span.start;
        while from < span.due {
            let mut next = Segment::new(from, span.due);
            if let Some(old) = self.0.front_mut() {
                next.paused = old.paused;
                (next.charged_back_principal, next.charged_back_interest) =
                    (old.charged_back_principal, old.charged_back_interest);
                if old.until <= span.due {
                    next.until = old.until;
                    (next.disbursed, next.corrected) = (old.disbursed, old.corrected);
                    self.0.pop_front();
                } else {
                    old.from = span.due;
                    (old.charged_back_principal, old.charged_back_interest) = (0, 0);
                }
            }
            from = next.until;
            let rate_changes = |on| rates.iter().any(|rate| rate.evening == on);
            match cut.last_mut() {
                Some(last)
                    if last.is_quiet()
                        && next.starts_quietly()
                        && last.paused == next.paused
                        && !rate_changes(last.until) =>
                {
                    last.until = next.until;
                    (last.disbursed, last.corrected) = (next.disbursed, next.corrected);
                }
                _ => cut.push(next),
            }
        }
        cut
    }
}
