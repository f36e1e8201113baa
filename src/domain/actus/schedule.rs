//! Series of scheduled times, and where the calendar moves them.

use chrono::NaiveDate;

use super::cycle::{Cycle, Period, Stub};
use super::error::ActusError;
use super::terms::{DateRules, Recurring, Segment};
use super::time::ContractTime;
use crate::domain::calendar::civil::{is_last_day_of_month, last_day_of_month};
use crate::domain::calendar::{CalendarError, ShiftOrder, add_days, adjust};
use crate::domain::limits::INSTALMENTS_MAX;

/// A scheduled time and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The time as scheduled, as of which the market is observed.
    pub scheduled: ContractTime,
    /// The time at which the event shows and is paid.
    pub shown: ContractTime,
    /// The day to which interest runs.
    pub calculated: NaiveDate,
}

impl DateRules {
    /// A time of a cycle: it moves off days without business.
    ///
    /// # Errors
    /// [`CalendarError::OutOfRange`].
    pub fn cyclic(&self, scheduled: ContractTime) -> Result<Slot, CalendarError> {
        let shown = self.moved(scheduled)?;
        Ok(Slot { scheduled, shown, calculated: self.accrual_day(scheduled)? })
    }

    /// A time that the terms name: it shows where it is.
    ///
    /// # Errors
    /// [`CalendarError::OutOfRange`].
    pub fn named(&self, time: ContractTime) -> Result<Slot, CalendarError> {
        Ok(Slot { scheduled: time, shown: time, calculated: self.accrual_day(time)? })
    }

    /// The day before a slot.
    ///
    /// # Errors
    /// [`CalendarError::OutOfRange`].
    pub fn day_before(&self, slot: Slot) -> Result<Slot, CalendarError> {
        let before = |time: ContractTime| add_days(time.date(), -1).map(|date| time.on(date));
        let (scheduled, shown) = (before(slot.scheduled)?, before(slot.shown)?);
        let calculated = match self.shift.order {
            ShiftOrder::ShiftThenCalculate => self.accrual_day(shown)?,
            ShiftOrder::CalculateThenShift => self.accrual_day(scheduled)?,
        };
        Ok(Slot { scheduled, shown, calculated })
    }

    /// The day from which or to which interest runs. Where dates move before anything is
    /// calculated, that is a business day for every date, those included that the terms name and
    /// that show where they are: the published call money that matures on a Sunday bears interest
    /// to the Friday before.
    ///
    /// # Errors
    /// [`CalendarError::OutOfRange`].
    pub fn accrual_day(&self, time: ContractTime) -> Result<NaiveDate, CalendarError> {
        match self.shift.order {
            ShiftOrder::ShiftThenCalculate => Ok(self.moved(time)?.accrual_date()),
            ShiftOrder::CalculateThenShift => Ok(time.accrual_date()),
        }
    }

    fn moved(&self, time: ContractTime) -> Result<ContractTime, CalendarError> {
        adjust(time.date(), self.shift.convention, &self.calendar).map(|date| time.on(date))
    }

    /// The time `count` periods after `anchor`: at the end of its month where the anchor is at the
    /// end of one and the convention keeps to that (technical specification, section 3.3).
    ///
    /// # Errors
    /// [`CalendarError::OutOfRange`].
    pub fn step(
        &self,
        anchor: ContractTime,
        period: Period,
        count: i64,
    ) -> Result<ContractTime, CalendarError> {
        let date = period.after(anchor.date(), count)?;
        let to_month_end = self.end_of_month
            && matches!(period, Period::Months(_))
            && is_last_day_of_month(anchor.date());
        Ok(anchor.on(if to_month_end { last_day_of_month(date) } else { date }))
    }

    /// The times from `anchor` up to and without `end`; `anchor` alone without a cycle.
    ///
    /// A long last period (`L0`) takes in the one before it, unless the cycle ends at `end` by
    /// itself; the anchor always stays (technical specification, section 3.1).
    ///
    /// # Errors
    /// [`ActusError::TooManyEvents`] and [`CalendarError::OutOfRange`].
    pub fn times(
        &self,
        anchor: ContractTime,
        cycle: Option<Cycle>,
        end: ContractTime,
    ) -> Result<Vec<ContractTime>, ActusError> {
        let Some(cycle) = cycle else {
            return Ok(if anchor < end { vec![anchor] } else { Vec::new() });
        };
        let mut times = Vec::new();
        let mut next = anchor;
        while next < end {
            times.push(next);
            if times.len() > INSTALMENTS_MAX {
                return Err(ActusError::TooManyEvents { limit: INSTALMENTS_MAX });
            }
            next = self.step(anchor, cycle.period, times.len() as i64)?;
        }
        if cycle.stub == Stub::Long && next != end && times.len() > 1 {
            times.pop();
        }
        Ok(times)
    }

    /// The times of a recurrence up to and without `end`. Without an anchor the first is one cycle
    /// after `start`; without both there are none.
    ///
    /// # Errors
    /// As [`Self::times`].
    pub fn recurring(
        &self,
        dates: Recurring,
        start: ContractTime,
        end: ContractTime,
    ) -> Result<Vec<ContractTime>, ActusError> {
        match self.anchor(dates, start)? {
            Some(anchor) => self.times(anchor, dates.cycle, end),
            None => Ok(Vec::new()),
        }
    }

    /// The first time of a recurrence.
    ///
    /// # Errors
    /// [`CalendarError::OutOfRange`].
    pub fn anchor(
        &self,
        dates: Recurring,
        start: ContractTime,
    ) -> Result<Option<ContractTime>, CalendarError> {
        match (dates.anchor, dates.cycle) {
            (Some(anchor), _) => Ok(Some(anchor)),
            (None, Some(cycle)) => self.step(start, cycle.period, 1).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The times of each segment of an array, which ends where the next begins, with its place.
    ///
    /// # Errors
    /// As [`Self::times`].
    pub fn segments(
        &self,
        segments: &[Segment],
        end: ContractTime,
    ) -> Result<Vec<(usize, ContractTime)>, ActusError> {
        let mut all = Vec::new();
        for (index, segment) in segments.iter().enumerate() {
            let until = segments.get(index + 1).map_or(end, |next| next.anchor.min(end));
            let times = self.times(segment.anchor, segment.cycle, until)?;
            all.extend(times.into_iter().map(|time| (index, time)));
            if all.len() > INSTALMENTS_MAX {
                return Err(ActusError::TooManyEvents { limit: INSTALMENTS_MAX });
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::{BusinessCalendar, BusinessDayRule};

    fn time(text: &str) -> ContractTime {
        ContractTime::parse(text).unwrap()
    }

    fn rules(end_of_month: bool, shift: &str) -> DateRules {
        DateRules {
            end_of_month,
            shift: BusinessDayRule::parse(shift).unwrap(),
            calendar: BusinessCalendar::monday_to_friday(),
        }
    }

    fn dates(anchor: &str, cycle: &str, end: &str, end_of_month: bool) -> Vec<String> {
        let cycle = Cycle::parse(cycle).ok();
        let times = rules(end_of_month, "NOS").times(time(anchor), cycle, time(end)).unwrap();
        times.iter().map(|time| time.date().to_string()).collect()
    }

    #[test]
    fn a_long_stub_takes_in_the_last_period_and_a_short_one_stays() {
        let long = dates("2013-01-15", "P1ML0", "2013-04-20", false);
        assert_eq!(long, ["2013-01-15", "2013-02-15", "2013-03-15"]);
        let short = dates("2013-01-15", "P1ML1", "2013-04-20", false);
        assert_eq!(short, ["2013-01-15", "2013-02-15", "2013-03-15", "2013-04-15"]);
        for cycle in ["P1ML0", "P1ML1"] {
            let whole = dates("2013-01-15", cycle, "2013-04-15", false);
            assert_eq!(whole, ["2013-01-15", "2013-02-15", "2013-03-15"]);
        }
        // The end of a day is not the beginning of the next, and the anchor stays.
        assert_eq!(dates("2013-12-01", "P1ML0", "2013-12-31T24:00:00", false), ["2013-12-01"]);
        assert_eq!(dates("2013-11-01", "P1ML0", "2013-12-31T24:00:00", false), ["2013-11-01"]);
        assert!(dates("2013-11-01", "P1ML0", "2013-11-01", false).is_empty());
    }

    #[test]
    fn month_ends_are_kept_to_only_from_a_month_end_and_by_months() {
        let kept = dates("2013-02-28", "P1ML1", "2013-05-31", true);
        assert_eq!(kept, ["2013-02-28", "2013-03-31", "2013-04-30"]);
        let same_day = dates("2013-02-28", "P1ML1", "2013-05-31", false);
        assert_eq!(same_day, ["2013-02-28", "2013-03-28", "2013-04-28", "2013-05-28"]);
        let weeks = dates("2013-02-28", "P2WL1", "2013-04-01", true);
        assert_eq!(weeks, ["2013-02-28", "2013-03-14", "2013-03-28"]);
        assert_eq!(dates("2013-02-27", "P1ML1", "2013-04-01", true), ["2013-02-27", "2013-03-27"]);
    }

    #[test]
    fn a_time_without_a_business_moves_and_may_leave_its_interest_behind() {
        // 2013-03-31 is a Sunday.
        for (code, shown, calculated) in [
            ("SCF", "2013-04-01", "2013-04-01"),
            ("SCMF", "2013-03-29", "2013-03-29"),
            ("SCP", "2013-03-29", "2013-03-29"),
            ("CSF", "2013-04-01", "2013-03-31"),
            ("CSMP", "2013-03-29", "2013-03-31"),
            ("NOS", "2013-03-31", "2013-03-31"),
        ] {
            let slot = rules(false, code).cyclic(time("2013-03-31")).unwrap();
            assert_eq!(slot.shown.date().to_string(), shown, "{code}");
            assert_eq!(slot.calculated.to_string(), calculated, "{code}");
            let named = rules(false, code).named(time("2013-03-31")).unwrap();
            assert_eq!(named.shown, time("2013-03-31"), "{code}");
            assert_eq!(named.calculated, slot.calculated, "{code}");
        }
    }

    #[test]
    fn a_schedule_has_bounds() {
        let daily = Cycle::parse("P1DL1").ok();
        let times = rules(false, "NOS").times(time("1900-01-01"), daily, time("2100-01-01"));
        assert_eq!(times, Err(ActusError::TooManyEvents { limit: INSTALMENTS_MAX }));
    }
}
