//! The periods of a schedule: accrual dates and the dates on which payment is due.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::civil::{check_range, date_of, day_number};
use super::{
    BusinessCalendar, BusinessDayConvention, CalendarError, Frequency, Recurrence, RollRule,
    ShiftOrder, adjust,
};
use crate::domain::limits::INSTALMENTS_MAX;

/// How far a schedule goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// A number of periods.
    Periods(u32),
    /// Until a date, which ends the last period.
    Until(NaiveDate),
    /// A number of periods until a date: all but one are regular, and the odd one, at the front or
    /// the back as the stub says, is as long as it must be.
    PeriodsUntil(u32, NaiveDate),
}

/// Where a period goes that is shorter or longer than the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stub {
    /// Nowhere: dates that do not divide into whole periods are refused. A first due date or a
    /// seed may still make the first period odd.
    #[default]
    None,
    /// The first period is shorter; dates are counted back from the end.
    ShortFront,
    /// The first period is longer by what would have been a short one.
    LongFront,
    /// The last period is shorter; dates are counted on from the start.
    ShortBack,
    /// The last period is longer by what would have been a short one.
    LongBack,
}

impl Stub {
    const fn is_front(self) -> bool {
        matches!(self, Self::ShortFront | Self::LongFront)
    }
}

/// Where due dates move that are no business days.
#[derive(Clone, Copy, Debug)]
pub struct Adjustment<'a> {
    /// The rule.
    pub convention: BusinessDayConvention,
    /// The business days.
    pub calendar: &'a BusinessCalendar,
}

/// One period of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchedulePeriod {
    /// Its place, counted from 1.
    pub number: u32,
    /// Its first day: the schedule's start, or the end of the period before.
    pub start: NaiveDate,
    /// Its last day, as the frequency gives it, business day or not.
    pub end: NaiveDate,
    /// Its first day after adjustment: the schedule's start, or the due date before.
    pub adjusted_start: NaiveDate,
    /// When its payment is due: the end, moved to a business day.
    pub due: NaiveDate,
    /// Whether it is exactly one step of the frequency long.
    pub regular: bool,
}

impl SchedulePeriod {
    /// The dates between which interest runs: the adjusted ones where dates move before interest
    /// is calculated, the others where they move after.
    pub const fn accrual(&self, order: ShiftOrder) -> (NaiveDate, NaiveDate) {
        match order {
            ShiftOrder::ShiftThenCalculate => (self.adjusted_start, self.due),
            ShiftOrder::CalculateThenShift => (self.start, self.end),
        }
    }
}

/// What the periods of a schedule follow from.
///
/// Dates are counted from one date, the *seed*: the one given, else the first due date, else the
/// end for a stub at the front of a schedule with an end, else the start.
///
/// Two due dates may coincide after adjustment: of daily payments those of a weekend are due with
/// Monday's.
#[derive(Clone, Copy, Debug)]
pub struct PaymentDates<'a> {
    /// First day of the first period.
    pub start: NaiveDate,
    /// How often payment falls due.
    pub frequency: Frequency,
    /// How far the schedule goes.
    pub extent: Extent,
    /// End of the first period, if it does not follow from the rest. The dates after it are
    /// counted from the seed if there is one, else from it.
    pub first_due: Option<NaiveDate>,
    /// Where the dates are counted from, if neither from the start nor from the first due date:
    /// a loan of 12 March that is due on the 31st of every month has the seed 31 March.
    pub seed: Option<NaiveDate>,
    /// On which day of the month the dates fall.
    pub roll: RollRule,
    /// Where an odd period goes.
    pub stub: Stub,
    /// Where due dates move; `None` leaves them.
    pub adjustment: Option<Adjustment<'a>>,
}

/// The end of a period, and which date of the series it is, if any.
#[derive(Clone, Copy, Debug)]
struct Boundary {
    day: i32,
    step: Option<i64>,
}

impl<'a> PaymentDates<'a> {
    /// A schedule counted from its start on the seed's day, without stubs or adjustment.
    pub const fn new(start: NaiveDate, frequency: Frequency, extent: Extent) -> Self {
        Self {
            start,
            frequency,
            extent,
            first_due: None,
            seed: None,
            roll: RollRule::SameDay,
            stub: Stub::None,
            adjustment: None,
        }
    }

    /// The periods in order.
    ///
    /// # Errors
    /// [`CalendarError::NotAfterStart`] for an end or first due date that is not after the start,
    /// [`CalendarError::NotWholePeriods`] for dates that need a stub where none was allowed,
    /// [`CalendarError::CountOutOfBounds`] for no or too many periods,
    /// [`CalendarError::Contradiction`] for more periods than fit before the end, and what
    /// [`Recurrence`] and [`adjust`] refuse.
    pub fn periods(&self) -> Result<Vec<SchedulePeriod>, CalendarError> {
        check_range(self.start)?;
        let series = self.series()?;
        let ends = match self.extent {
            Extent::Periods(count) => self.forward(&series, checked(count)?, None)?.0,
            Extent::Until(end) => {
                let end = self.after_start("the end", end)?;
                match self.forward(&series, INSTALMENTS_MAX, Some(end))? {
                    (_, None) => return Err(out_of_bounds(INSTALMENTS_MAX as i64 + 1)),
                    (ends, Some(next)) => self.close(ends, next, end)?,
                }
            }
            Extent::PeriodsUntil(count, end) => {
                let (count, end) = (checked(count)?, self.after_start("the end", end)?);
                if self.stub.is_front() && self.first_due.is_none() {
                    self.backward(&series, count, end)?
                } else {
                    self.exactly(&series, count, end)?
                }
            }
        };
        self.assemble(&series, &ends)
    }

    /// The series that period ends lie on, counted from a date of its own.
    fn series(&self) -> Result<Recurrence, CalendarError> {
        let end = match self.extent {
            Extent::Until(end) | Extent::PeriodsUntil(_, end) if self.stub.is_front() => Some(end),
            _ => None,
        };
        let origin = self.seed.or(self.first_due).or(end).unwrap_or(self.start);
        let series = Recurrence::new(origin, self.frequency, self.roll)?;
        if series.seed_is_by_rule() {
            return Ok(series);
        }
        Recurrence::new(series.date(1)?, self.frequency, self.roll)
    }

    fn after_start(&self, what: &'static str, date: NaiveDate) -> Result<i32, CalendarError> {
        check_range(date)?;
        if date <= self.start {
            return Err(CalendarError::NotAfterStart { what, start: self.start, date });
        }
        Ok(day_number(date))
    }

    /// The end of the first period: the first due date, or the first date of the series after the
    /// start, or the one after that for a long first period that still ends in time.
    fn first(&self, series: &Recurrence, end: Option<i32>) -> Result<Boundary, CalendarError> {
        if let Some(first_due) = self.first_due {
            let day = self.after_start("the first due date", first_due)?;
            let step = series.first_after(day)? - 1;
            return Ok(Boundary { day, step: on_series(series, step, day) });
        }
        let start = day_number(self.start);
        let step = series.first_after(start)?;
        let short = Boundary { day: series.day_number(step)?, step: Some(step) };
        let lengthen = self.stub == Stub::LongFront
            && on_series(series, step - 1, start).is_none()
            && end.is_none_or(|end| short.day < end);
        if lengthen { boundary(series, step + 1) } else { Ok(short) }
    }

    /// The first `count` period ends that lie before an end, and the next one if the end was met.
    fn forward(
        &self,
        series: &Recurrence,
        count: usize,
        end: Option<i32>,
    ) -> Result<(Vec<Boundary>, Option<Boundary>), CalendarError> {
        let mut ends = Vec::with_capacity(count.min(INSTALMENTS_USUAL));
        let mut next = self.first(series, end)?;
        let mut step = next.step;
        loop {
            if end.is_some_and(|end| next.day >= end) {
                return Ok((ends, Some(next)));
            }
            ends.push(next);
            if ends.len() == count {
                return Ok((ends, None));
            }
            let following = match step {
                Some(step) => step + 1,
                None => series.first_after(next.day)?,
            };
            next = boundary(series, following)?;
            step = next.step;
        }
    }

    /// Ends a series at a date: `next` is the first date of the series that is not before it.
    fn close(
        &self,
        mut ends: Vec<Boundary>,
        next: Boundary,
        end: i32,
    ) -> Result<Vec<Boundary>, CalendarError> {
        if next.day == end {
            ends.push(next);
            return Ok(ends);
        }
        match self.stub {
            Stub::ShortBack => {}
            // A first due date stands, however short the period after it.
            Stub::LongBack if ends.len() > usize::from(self.first_due.is_some()) => {
                ends.pop();
            }
            Stub::LongBack => {}
            Stub::None | Stub::ShortFront | Stub::LongFront => {
                return self.not_whole(&ends, end);
            }
        }
        ends.push(Boundary { day: end, step: None });
        Ok(ends)
    }

    /// Regular periods back from the end, the first as long as it must be.
    fn backward(
        &self,
        series: &Recurrence,
        count: usize,
        end: i32,
    ) -> Result<Vec<Boundary>, CalendarError> {
        let last = series.first_after(end)? - 1;
        if on_series(series, last, end).is_none() {
            return self.not_whole(&[boundary(series, last)?], end);
        }
        let ends: Vec<Boundary> = (last + 1 - count as i64..=last)
            .map(|step| boundary(series, step))
            .collect::<Result<_, _>>()?;
        match ends.first() {
            Some(first) if first.day > day_number(self.start) => Ok(ends),
            _ => Err(DOES_NOT_FIT),
        }
    }

    /// Regular periods from the start on, the last as long as it must be.
    fn exactly(
        &self,
        series: &Recurrence,
        count: usize,
        end: i32,
    ) -> Result<Vec<Boundary>, CalendarError> {
        let may_be_odd = matches!(self.stub, Stub::ShortBack | Stub::LongBack);
        let (mut ends, _) = self.forward(series, count, None)?;
        match ends.pop() {
            Some(last) if last.day == end => ends.push(last),
            _ if ends.last().is_some_and(|last| last.day >= end) => return Err(DOES_NOT_FIT),
            _ if may_be_odd => ends.push(Boundary { day: end, step: None }),
            _ => return self.not_whole(&ends, end),
        }
        Ok(ends)
    }

    fn not_whole(&self, ends: &[Boundary], end: i32) -> Result<Vec<Boundary>, CalendarError> {
        let regular = ends.last().map_or(Ok(self.start), |last| date_of(last.day))?;
        Err(CalendarError::NotWholePeriods { regular, end: date_of(end)? })
    }

    /// Turns period ends into periods and moves their due dates.
    fn assemble(
        &self,
        series: &Recurrence,
        ends: &[Boundary],
    ) -> Result<Vec<SchedulePeriod>, CalendarError> {
        let start = day_number(self.start);
        let before_first = ends.first().and_then(|first| first.step).map(|step| step - 1);
        let mut step_before = before_first.and_then(|step| on_series(series, step, start));
        let (mut start, mut adjusted_start) = (self.start, self.start);
        let mut periods = Vec::with_capacity(ends.len());
        for (number, boundary) in (1..).zip(ends) {
            let end = date_of(boundary.day)?;
            let due = match self.adjustment {
                Some(Adjustment { convention, calendar }) => adjust(end, convention, calendar)?,
                None => end,
            };
            let regular = step_before.is_some_and(|before| boundary.step == Some(before + 1));
            periods.push(SchedulePeriod { number, start, end, adjusted_start, due, regular });
            (start, adjusted_start, step_before) = (end, due, boundary.step);
        }
        Ok(periods)
    }
}

/// Room made at once for a schedule of unknown length: forty years of months.
const INSTALMENTS_USUAL: usize = 480;

const DOES_NOT_FIT: CalendarError = CalendarError::Contradiction {
    reason: "So many regular periods do not fit between the start and the end.",
};

fn checked(count: u32) -> Result<usize, CalendarError> {
    usize::try_from(count)
        .ok()
        .filter(|count| (1..=INSTALMENTS_MAX).contains(count))
        .ok_or_else(|| out_of_bounds(i64::from(count)))
}

fn out_of_bounds(count: i64) -> CalendarError {
    CalendarError::CountOutOfBounds {
        what: "the number of periods",
        count,
        max: INSTALMENTS_MAX as i64,
    }
}

fn boundary(series: &Recurrence, step: i64) -> Result<Boundary, CalendarError> {
    Ok(Boundary { day: series.day_number(step)?, step: Some(step) })
}

/// `step` if that date of the series is that day.
fn on_series(series: &Recurrence, step: i64, day: i32) -> Option<i64> {
    (series.day_number(step) == Ok(day)).then_some(step)
}
