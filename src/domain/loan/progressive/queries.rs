//! What can be asked of a loan.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::ProgressiveModel;
use super::period::Period;
use crate::domain::loan::ScheduleError;
use crate::domain::loan::amortisation::Line;
use crate::domain::loan::context::amount;

/// What of an instalment is due. Amounts are in currency units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueAmounts {
    /// The instalment without what was charged back.
    pub instalment: Decimal,
    /// Principal due.
    pub principal: Decimal,
    /// Interest due.
    pub interest: Decimal,
}

/// What is owed on a day, paid parts taken off. Amounts are in currency units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outstanding {
    /// Principal.
    pub principal: Decimal,
    /// Interest up to the day.
    pub interest: Decimal,
}

/// A period as it stands. Amounts are in currency units.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeriodState {
    /// The first day, the due date before.
    pub start: NaiveDate,
    /// The day its instalment is due.
    pub due: NaiveDate,
    /// The instalment without what was charged back.
    pub instalment: Decimal,
    /// What was charged back and is due with the instalment.
    pub charged_back: Decimal,
    /// Of that, principal.
    pub charged_back_principal: Decimal,
    /// Of that, interest.
    pub charged_back_interest: Decimal,
    /// Principal due.
    pub principal_due: Decimal,
    /// Interest due.
    pub interest_due: Decimal,
    /// Principal paid.
    pub principal_paid: Decimal,
    /// Interest paid.
    pub interest_paid: Decimal,
    /// The balance after it, as if it were paid on its due date.
    pub closing_balance: Decimal,
    /// Whether as much was paid as the instalment is.
    pub fully_paid: bool,
}

/// A stretch of a period over which the balance is constant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentState {
    /// The evening it starts.
    pub from: NaiveDate,
    /// The evening it ends.
    pub until: NaiveDate,
    /// Its part in the factor from which instalments are solved.
    pub factor: Decimal,
    /// Its interest, not rounded to the minor unit.
    pub interest: Decimal,
    /// The balance, in currency units.
    pub balance: Decimal,
}

impl ProgressiveModel {
    /// How many periods there are.
    pub fn period_count(&self) -> usize {
        self.periods.len()
    }

    /// The due date of a period, counted from zero.
    pub(crate) fn due_date(&self, index: usize) -> Option<NaiveDate> {
        self.periods.get(index).map(|period| period.due)
    }

    /// Whether an instalment is due on a day.
    pub(crate) fn has_due(&self, due: NaiveDate) -> bool {
        self.due_on(due).is_ok()
    }

    /// Whether an instalment was agreed to ask for interest of the period before it, or leaves its
    /// own to the next.
    pub(crate) fn moves_interest(&self, due: NaiveDate) -> bool {
        let period = self.due_on(due).ok().and_then(|index| self.periods.get(index));
        period.is_some_and(|period| period.put_off || period.taken_over != 0)
    }

    /// Principal and interest that the instalment of a period asks for, counted from zero.
    pub(crate) fn due_of(&self, index: usize) -> Result<[Decimal; 2], ScheduleError> {
        let period = self.period_at(index)?;
        Ok([self.money(period.due_principal())?, self.money(period.due_interest())?])
    }

    /// When the instalment of a period is due, and principal and interest that it asks for, in minor
    /// units.
    pub(crate) fn asked(&self, index: usize) -> Option<(NaiveDate, [i128; 2])> {
        let period = self.periods.get(index)?;
        let interest = period.due_interest();
        Some((period.due, [period.due_principal_beside(interest), interest]))
    }

    /// Whether amounts are the principal and interest that the instalment of a period asks for, in
    /// the same form, and nothing of it was charged back.
    pub(crate) fn asks_for(&self, index: usize, amounts: [&Decimal; 2]) -> bool {
        let units = self.rules.rounding.minor_units;
        let says = |(amount, minor): (&Decimal, i128)| {
            amount.scale() == units && amount.mantissa() == minor
        };
        let back = |period: &Period| period.charged_back_principal | period.charged_back_interest;
        self.asked(index).is_some_and(|(_, asked)| amounts.into_iter().zip(asked).all(says))
            && self.periods.get(index).is_some_and(|period| back(period) == 0)
    }

    /// Principal and interest among them that were charged back.
    pub(crate) fn charged_back_of(&self, index: usize) -> Result<[Decimal; 2], ScheduleError> {
        let period = self.period_at(index)?;
        Ok([self.money(period.charged_back_principal)?, self.money(period.charged_back_interest)?])
    }

    /// The first day and the due date of each period.
    pub(crate) fn dates(&self) -> impl Iterator<Item = (NaiveDate, NaiveDate)> {
        self.periods.iter().map(|period| (period.start, period.due))
    }

    /// A period as it stands, counted from zero.
    ///
    /// # Errors
    /// [`ScheduleError::NoSolution`] for a number beyond the last.
    pub fn period(&self, index: usize) -> Result<PeriodState, ScheduleError> {
        let period = self.period_at(index)?;
        Ok(PeriodState {
            start: period.start,
            due: period.due,
            instalment: self.money(period.instalment)?,
            charged_back: self.money(period.charged_back())?,
            charged_back_principal: self.money(period.charged_back_principal)?,
            charged_back_interest: self.money(period.charged_back_interest)?,
            principal_due: self.money(period.due_principal())?,
            interest_due: self.money(period.due_interest())?,
            principal_paid: self.money(period.paid_principal)?,
            interest_paid: self.money(period.paid_interest)?,
            closing_balance: self.money(period.closing)?,
            fully_paid: period.fully_paid(),
        })
    }

    /// The period whose instalment is due on a day.
    ///
    /// # Errors
    /// [`ScheduleError::NoInstalmentDue`].
    pub(crate) fn period_due_on(&self, due: NaiveDate) -> Result<PeriodState, ScheduleError> {
        self.period(self.due_on(due)?)
    }

    /// The end of the period a day lies in, if its interest is put off until the instalment due on
    /// `due`, or if all principal is paid and only interest is left to ask for.
    pub(crate) fn put_off_until(&self, due: NaiveDate, on: NaiveDate) -> Option<NaiveDate> {
        let (index, running) = (self.due_on(due).ok()?, self.period_of(on).ok()?);
        let between = self.periods.get(running..index)?;
        let first = between.first()?;
        let is_paid = self.unpaid_principal() == 0;
        between.iter().all(|period| is_paid || period.put_off).then_some(first.due)
    }

    /// The balance that bears interest up to the evening of a day.
    ///
    /// # Errors
    /// [`ScheduleError::OutsideTerm`].
    pub(crate) fn balance_within(&self, on: NaiveDate) -> Result<Decimal, ScheduleError> {
        let segments = self.segments(self.period_of(on)?)?;
        let within = segments.iter().rfind(|one| one.from < on && on <= one.until);
        Ok(within.map_or(Decimal::ZERO, |segment| segment.balance))
    }

    /// The segments of a period, counted from zero.
    ///
    /// # Errors
    /// [`ScheduleError::NoSolution`] for a number beyond the last.
    pub fn segments(&self, index: usize) -> Result<Vec<SegmentState>, ScheduleError> {
        self.period_at(index)?;
        let units = self.rules.rounding.minor_units;
        let minor_unit = amount(1, units)?;
        self.segments
            .get(self.segments_of(index))
            .unwrap_or_default()
            .iter()
            .map(|segment| {
                let interest = segment.interest(self.rules.context())?;
                Ok(SegmentState {
                    from: segment.from,
                    until: segment.until,
                    factor: segment.factor,
                    interest: crate::domain::decimal::mul(interest, minor_unit)?,
                    balance: self.money(segment.balance)?,
                })
            })
            .collect()
    }

    /// Interest due of all periods, as the schedule stands.
    ///
    /// # Errors
    /// [`ScheduleError::Arithmetic`].
    pub fn total_interest(&self) -> Result<Decimal, ScheduleError> {
        self.money(self.periods.iter().map(Period::due_interest).sum())
    }

    /// What of the instalment due on `due` would be due if it were paid on a day: interest runs to
    /// that day only, so that paying early saves the rest.
    ///
    /// # Errors
    /// [`ScheduleError::NoInstalmentDue`].
    pub fn due_amounts(&self, due: NaiveDate, on: NaiveDate) -> Result<DueAmounts, ScheduleError> {
        let index = self.due_on(due)?;
        let mut seen = self.until(on)?;
        let open = seen.periods.iter().filter(|period| !period.fully_paid()).count();
        let mut period = *seen.period_at(index)?;
        if on <= period.start {
            if open > 1 {
                // A later instalment is due as solved, but not beyond what is owed at all.
                period.instalment = period.solved;
                let spare = (period.due_principal() - period.paid_principal).max(0);
                period.instalment -= (spare - seen.unpaid_principal()).max(0);
            } else if open == 1 && period.fully_paid() {
                let left = seen.credited() - seen.paid_principal() + period.paid_principal;
                period.instalment = period.solved.min(left + period.due_interest());
            }
            if let Some(stored) = seen.periods.get_mut(index) {
                *stored = period;
            }
        }
        Ok(DueAmounts {
            instalment: self.money(period.instalment)?,
            principal: self.money(period.due_principal())?,
            interest: self.money(period.due_interest())?,
        })
    }

    /// Interest that accrues up to a day within the period due on `due`, with what earlier
    /// instalments did not cover, and with interest charged back if asked for.
    ///
    /// # Errors
    /// [`ScheduleError::NoInstalmentDue`].
    pub fn interest_until(
        &self,
        due: NaiveDate,
        on: NaiveDate,
        with_charged_back: bool,
    ) -> Result<Decimal, ScheduleError> {
        let index = self.due_on(due)?;
        let seen = self.until(on)?;
        let period = seen.period_at(index)?;
        let charged_back = if with_charged_back { 0 } else { period.charged_back_interest };
        self.money(period.accrued - charged_back)
    }

    /// Interest that accrues on one day, the night before it: the difference of what accrued up to
    /// it and up to the day before, so that the days add up to the period.
    ///
    /// # Errors
    /// [`ScheduleError::OutsideTerm`].
    pub fn daily_interest(&self, on: NaiveDate) -> Result<Decimal, ScheduleError> {
        let due = self.period_at(self.period_of(on)?)?.due;
        let today = self.interest_until(due, on, true)?;
        let before = self.interest_until(due, crate::domain::calendar::add_days(on, -1)?, true)?;
        Ok(crate::domain::decimal::sub(today, before)?)
    }

    /// The balance after the period a day lies in, as the schedule stands on that day.
    ///
    /// # Errors
    /// [`ScheduleError::Arithmetic`].
    pub fn outstanding_balance(&self, on: NaiveDate) -> Result<Decimal, ScheduleError> {
        let seen = self.until(on)?;
        let index = self.period_of(on).unwrap_or(if on < self.start() {
            0
        } else {
            self.periods.len() - 1
        });
        self.money(seen.period_at(index)?.closing)
    }

    /// What is owed on a day if the loan is paid off then: all principal that is not paid, and
    /// interest up to the day.
    ///
    /// # Errors
    /// [`ScheduleError::Arithmetic`].
    pub fn outstanding(&self, on: NaiveDate) -> Result<Outstanding, ScheduleError> {
        let mut seen = self.clone();
        if let Ok(index) = self.period_of(on) {
            let range = seen.segments_of(index);
            let segments = seen.segments.get_mut(range).unwrap_or_default();
            let within = segments.iter_mut().rfind(|one| one.from < on && on <= one.until);
            within.into_iter().for_each(|segment| segment.until = on);
            seen.refactor_range(index..index + 1)?;
        }
        for segment in seen.segments.iter_mut().filter(|segment| segment.until > on) {
            segment.bear_nothing();
        }
        seen.refresh(0)?;
        seen.settle()?;
        let paid: i128 = seen.periods.iter().map(|period| period.paid_interest).sum();
        let due: i128 = seen.periods.iter().map(Period::due_interest).sum();
        Ok(Outstanding {
            principal: self.money(seen.unpaid_principal())?,
            interest: self.money((due - paid).max(0))?,
        })
    }

    /// The regular instalment: the first one that is not of interest only, as it was solved.
    pub(crate) fn regular_instalment(&self) -> Result<Decimal, ScheduleError> {
        let first = self.periods.iter().find(|period| !period.interest_only);
        self.money(first.map_or(0, |period| period.solved))
    }

    /// The schedule as it stands. Where the instalment is agreed it must cover its interest.
    pub(crate) fn lines(&self, agreed: bool) -> Result<Vec<Line>, ScheduleError> {
        let mut lines = Vec::with_capacity(self.periods.len());
        for (index, period) in self.periods.iter().enumerate() {
            if agreed && period.carried() > 0 {
                return Err(ScheduleError::InterestNotCovered {
                    number: u32::try_from(index + 1).unwrap_or(u32::MAX),
                    instalment: self.money(period.instalment)?,
                    interest: self.money(period.accrued)?,
                });
            }
            lines.push(Line {
                principal: self.money(period.due_principal())?,
                interest: self.money(period.due_interest())?,
                carried_over: self.money(period.carried_over())?,
                ..Line::default()
            });
        }
        Ok(lines)
    }

    fn period_at(&self, index: usize) -> Result<&Period, ScheduleError> {
        self.periods.get(index).ok_or_else(|| ScheduleError::NoSolution {
            reason: format!("There are {} periods.", self.periods.len()),
        })
    }

    /// Everything lent and charged back.
    pub(super) fn credited(&self) -> i128 {
        let all = |sum, segment: &super::Segment| {
            sum + segment.disbursed + segment.charged_back_principal
        };
        self.segments.iter().fold(0, all)
    }

    fn paid_principal(&self) -> i128 {
        self.periods.iter().map(|period| period.paid_principal).sum()
    }

    pub(super) fn unpaid_principal(&self) -> i128 {
        (self.credited() - self.paid_principal()).max(0)
    }

    /// The loan as it is known on a day: what lies after the day has not happened.
    fn until(&self, on: NaiveDate) -> Result<Self, ScheduleError> {
        let mut seen = self.clone();
        if on >= self.end() {
            return Ok(seen);
        }
        let mut kept = Vec::with_capacity(seen.segments.len());
        let current = if on < self.start() { None } else { Some(self.period_of(on)?) };
        for (index, period) in seen.periods.iter_mut().enumerate() {
            let segments = self.segments.get(self.segments_of(index)).unwrap_or_default();
            period.first = u32::try_from(kept.len()).unwrap_or(u32::MAX);
            match current {
                Some(_) if period.due <= on => kept.extend_from_slice(segments),
                Some(current) if index <= current + 1 => keep_until(segments, on, &mut kept),
                _ => {}
            }
        }
        seen.segments = kept;
        seen.refactor(0)?;
        seen.refresh(0)?;
        if current.is_some() {
            seen.settle()?;
        }
        Ok(seen)
    }
}

/// Keeps the segments up to a day. The one that contains it ends on it, and what was charged back
/// on the day itself, at the start of the next, counts.
fn keep_until(segments: &[super::Segment], on: NaiveDate, kept: &mut Vec<super::Segment>) {
    for segment in segments {
        let mut segment = *segment;
        if segment.until > on {
            (segment.disbursed, segment.corrected) = (0, 0);
            segment.until = on;
        }
        if segment.from < on || (segment.from == on && segment.from == segment.until) {
            kept.push(segment);
        }
    }
}
