//! How periods are counted out.

use chrono::NaiveDate;

use super::{Adjustment, Extent, PaymentDates, SchedulePeriod, Stub};
use crate::domain::calendar::civil::{check_range, date_of, day_number};
use crate::domain::calendar::{CalendarError, Recurrence, adjust};
use crate::domain::limits::INSTALMENTS_MAX;

/// The end of a period, and which date of the series it is, if any.
#[derive(Clone, Copy, Debug)]
struct Boundary {
    day: i32,
    step: Option<i64>,
}

impl PaymentDates<'_> {
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
            if end.is_some_and(|end| day > end) {
                return Err(CalendarError::Contradiction {
                    reason: "The first due date is after the end.",
                });
            }
            let step = series.first_after(day) - 1;
            return Ok(Boundary { day, step: on_series(series, step, day) });
        }
        let start = day_number(self.start);
        let step = series.first_after(start);
        let short = boundary_within(series, step, end)?;
        let lengthen = self.stub == Stub::LongFront
            && on_series(series, step - 1, start).is_none()
            && end.is_none_or(|end| short.day < end);
        if lengthen { boundary_within(series, step + 1, end) } else { Ok(short) }
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
                None => series.first_after(next.day),
            };
            next = boundary_within(series, following, end)?;
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
        let last = series.first_after(end) - 1;
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
        self.first(series, Some(end))?;
        let (mut ends, _) = self.forward(series, count, None)?;
        match ends.pop() {
            Some(last) if last.day == end => ends.push(last),
            _ if ends.is_empty() && self.first_due.is_some() => {
                return Err(CalendarError::Contradiction {
                    reason: "A single period cannot end on the first due date and on another end.",
                });
            }
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

/// The boundary of a step; where there is an end, a date beyond the calendar is merely later.
fn boundary_within(
    series: &Recurrence,
    step: i64,
    end: Option<i32>,
) -> Result<Boundary, CalendarError> {
    match boundary(series, step) {
        Err(_) if end.is_some() => Ok(Boundary { day: i32::MAX, step: None }),
        found => found,
    }
}

/// `step` if that date of the series is that day.
fn on_series(series: &Recurrence, step: i64, day: i32) -> Option<i64> {
    (series.day_number(step) == Ok(day)).then_some(step)
}
