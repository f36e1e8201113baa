//! Calendars of business days.

use chrono::NaiveDate;

use super::bitmap::DaySet;
use crate::domain::calendar::CalendarError;
use crate::domain::calendar::civil::{
    DAY_NUMBER_MAX, DAY_NUMBER_MIN, check_range, date_of, day_number,
};

/// The weekdays without business, as a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Weekend(u8);

impl Weekend {
    /// Saturday and Sunday.
    pub const SATURDAY_SUNDAY: Self = Self(0b110_0000);
    /// Friday and Saturday.
    pub const FRIDAY_SATURDAY: Self = Self(0b011_0000);
    /// Sunday alone.
    pub const SUNDAY: Self = Self(0b100_0000);
    /// No day: business is done all week.
    pub const NONE: Self = Self(0);

    /// The set of the given weekdays.
    pub fn of(weekdays: &[chrono::Weekday]) -> Self {
        Self(weekdays.iter().fold(0, |set, day| set | 1 << day.num_days_from_monday()))
    }

    const fn has(self, weekday: u32) -> bool {
        self.0 >> weekday & 1 == 1
    }
}

/// Which days are business days: all but the weekend and the holidays.
///
/// Questions of counting are answered in constant time. Days of work before a day, were there no
/// holidays, follow from the number of whole weeks; the holidays on such days are a bitmap with
/// the count before each of its words, so the holidays before a day are one read and one
/// population count. The n-th business day is found by bisection between the two days that all
/// and none of the holidays would give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusinessCalendar {
    weekend: Weekend,
    /// Days of work in a week.
    week: i32,
    /// Days of work before each weekday, Monday first, and in a whole week.
    in_week: [i32; 8],
    /// Holidays that do not fall on a weekend.
    holidays: DaySet,
    /// First and last day for which holidays are known, if the calendar says so.
    horizon: Option<(i32, i32)>,
}

/// Day numbers from here are never negative, and it is a Monday: 0001-01-01.
const MONDAY: i32 = DAY_NUMBER_MIN;

impl BusinessCalendar {
    /// A calendar of a weekend and holidays, which may be in any order, repeat and fall on
    /// weekends.
    ///
    /// # Errors
    /// [`CalendarError::NoBusinessDay`] if the weekend is the whole week and
    /// [`CalendarError::OutOfRange`] for a holiday outside the library's years.
    pub fn new(
        weekend: Weekend,
        holidays: impl IntoIterator<Item = NaiveDate>,
    ) -> Result<Self, CalendarError> {
        let mut in_week = [0; 8];
        let mut week = 0;
        for (weekday, before) in in_week.iter_mut().enumerate() {
            *before = week;
            if weekday < 7 && !weekend.has(weekday as u32) {
                week += 1;
            }
        }
        if week == 0 {
            return Err(CalendarError::NoBusinessDay);
        }
        let mut days = Vec::new();
        for holiday in holidays {
            let day = day_number(check_range(holiday)?);
            if !weekend.has(weekday_of(day)) {
                days.push(day);
            }
        }
        Ok(Self { weekend, week, in_week, holidays: DaySet::new(&days), horizon: None })
    }

    /// A calendar in which every day is a business day.
    pub fn every_day() -> Self {
        Self {
            weekend: Weekend::NONE,
            week: 7,
            in_week: [0, 1, 2, 3, 4, 5, 6, 7],
            holidays: DaySet::default(),
            horizon: None,
        }
    }

    /// A calendar of Monday to Friday without holidays.
    pub fn monday_to_friday() -> Self {
        Self {
            weekend: Weekend::SATURDAY_SUNDAY,
            week: 5,
            in_week: [0, 1, 2, 3, 4, 5, 5, 5],
            holidays: DaySet::default(),
            horizon: None,
        }
    }

    /// The calendar with the dates between which its holidays are known; it then refuses others.
    ///
    /// # Errors
    /// [`CalendarError::NotAfterStart`] if `last` is before `first`.
    pub fn with_horizon(self, first: NaiveDate, last: NaiveDate) -> Result<Self, CalendarError> {
        let (from, to) = (day_number(check_range(first)?), day_number(check_range(last)?));
        if to < from {
            return Err(CalendarError::NotAfterStart {
                what: "the end of the horizon",
                start: first,
                date: last,
            });
        }
        Ok(Self { horizon: Some((from, to)), ..self })
    }

    /// Whether a date is a business day.
    ///
    /// # Errors
    /// [`CalendarError::OutsideHorizon`] and [`CalendarError::OutOfRange`].
    pub fn is_business_day(&self, date: NaiveDate) -> Result<bool, CalendarError> {
        Ok(self.is_business(self.known(date)?))
    }

    /// How many business days there are from `start` to `end`, the first included and the last
    /// excluded; negative where the start is after the end.
    ///
    /// # Errors
    /// As [`Self::is_business_day`].
    pub fn business_days_between(
        &self,
        start: NaiveDate,
        end: NaiveDate,
    ) -> Result<i64, CalendarError> {
        let (start, end) = (self.known(start)?, self.known(end)?);
        Ok(i64::from(self.count_before(end)) - i64::from(self.count_before(start)))
    }

    /// The `n`-th business day after `date`, or before it for a negative `n`, `date` itself not
    /// counting; `date` for zero.
    ///
    /// # Errors
    /// As [`Self::is_business_day`], of the date given and of the date found.
    pub fn add_business_days(&self, date: NaiveDate, n: i64) -> Result<NaiveDate, CalendarError> {
        let day = self.known(date)?;
        let before = match n.signum() {
            0 => return Ok(date),
            1 => i64::from(self.count_before(day + 1)) - 1,
            _ => i64::from(self.count_before(day)),
        };
        self.nth(before.saturating_add(n))
    }

    /// The first business day that is not before `date`.
    pub(super) fn on_or_after(&self, date: NaiveDate) -> Result<NaiveDate, CalendarError> {
        let day = self.known(date)?;
        if self.is_business(day) {
            return Ok(date);
        }
        self.nth(i64::from(self.count_before(day)))
    }

    /// The last business day that is not after `date`.
    pub(super) fn on_or_before(&self, date: NaiveDate) -> Result<NaiveDate, CalendarError> {
        let day = self.known(date)?;
        if self.is_business(day) {
            return Ok(date);
        }
        self.nth(i64::from(self.count_before(day)) - 1)
    }

    /// Whether `date` is the last day of a weekend or the day after one, or a Sunday or Monday
    /// where there is no weekend.
    pub(super) fn ends_a_weekend(&self, date: NaiveDate) -> bool {
        let weekend =
            if self.weekend == Weekend::NONE { Weekend::SATURDAY_SUNDAY } else { self.weekend };
        let weekday = weekday_of(day_number(date));
        let (yesterday, tomorrow) = ((weekday + 6) % 7, (weekday + 1) % 7);
        if weekend.has(weekday) { !weekend.has(tomorrow) } else { weekend.has(yesterday) }
    }

    /// The day number of a date the calendar knows.
    fn known(&self, date: NaiveDate) -> Result<i32, CalendarError> {
        let day = day_number(check_range(date)?);
        match self.horizon {
            Some((first, last)) if !(first..=last).contains(&day) => {
                Err(CalendarError::OutsideHorizon {
                    date,
                    first: date_of(first)?,
                    last: date_of(last)?,
                })
            }
            _ => Ok(day),
        }
    }

    /// Whether a day number is a business day, whatever the horizon.
    pub(in crate::domain) fn is_business(&self, day: i32) -> bool {
        !self.weekend.has(weekday_of(day)) && !self.holidays.contains(day)
    }

    /// Days of work before `day` since year 1, were there no holidays.
    fn workdays_before(&self, day: i32) -> i32 {
        let (weeks, weekday) = ((day - MONDAY) / 7, (day - MONDAY) % 7);
        weeks * self.week + self.in_week.get(weekday as usize).copied().unwrap_or(0)
    }

    /// Business days before `day` since year 1.
    pub(in crate::domain) fn count_before(&self, day: i32) -> i32 {
        self.workdays_before(day) - self.holidays.count_before(day) as i32
    }

    /// The business day that has `count` business days before it.
    fn nth(&self, count: i64) -> Result<NaiveDate, CalendarError> {
        // Every holiday could push the day back by one day of work; a week covers the weekend.
        let weeks = |workdays: i64| workdays.div_euclid(i64::from(self.week)).saturating_mul(7);
        let earliest = i64::from(MONDAY).saturating_add(weeks(count));
        let latest = earliest.saturating_add(7 + weeks(i64::from(self.holidays.len())) + 7);
        let clamp =
            |day: i64| day.clamp(i64::from(DAY_NUMBER_MIN), i64::from(DAY_NUMBER_MAX) + 1) as i32;
        // The day sought is the last with at most `count` business days before it.
        let (mut low, mut high) = (clamp(earliest), clamp(latest));
        while low < high {
            let middle = low + (high - low + 1) / 2;
            if i64::from(self.count_before(middle)) <= count {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        let found = date_of(if count < 0 { DAY_NUMBER_MIN - 1 } else { low })?;
        self.known(found)?;
        Ok(found)
    }
}

/// The weekday of a day number within the library's years, 0 for Monday.
fn weekday_of(day: i32) -> u32 {
    ((day - MONDAY) % 7) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Datelike, Weekday};
    use proptest::prelude::*;

    fn d(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// The closing days of the ECB's TARGET system in 2024, in no order, one of them twice.
    fn target_2024() -> BusinessCalendar {
        let closed = [
            "2024-12-25",
            "2024-01-01",
            "2024-03-29",
            "2024-04-01",
            "2024-05-01",
            "2024-12-26",
            "2024-01-01",
        ];
        BusinessCalendar::new(Weekend::SATURDAY_SUNDAY, closed.map(d)).unwrap()
    }

    #[test]
    fn target_has_256_business_days_in_2024() {
        let target = target_2024();
        assert_eq!(target.business_days_between(d("2024-01-01"), d("2025-01-01")), Ok(256));
        assert_eq!(target.business_days_between(d("2025-01-01"), d("2024-01-01")), Ok(-256));
        assert_eq!(target.add_business_days(d("2024-03-28"), 1), Ok(d("2024-04-02")));
        assert_eq!(target.add_business_days(d("2024-04-02"), -1), Ok(d("2024-03-28")));
        assert_eq!(target.add_business_days(d("2024-03-30"), 0), Ok(d("2024-03-30")));
        assert_eq!(target.is_business_day(d("2024-12-26")), Ok(false));
    }

    #[test]
    fn a_week_without_work_is_refused() {
        let week = Weekend::of(&[
            Weekday::Mon,
            Weekday::Tue,
            Weekday::Wed,
            Weekday::Thu,
            Weekday::Fri,
            Weekday::Sat,
            Weekday::Sun,
        ]);
        assert_eq!(BusinessCalendar::new(week, []), Err(CalendarError::NoBusinessDay));
        assert_eq!(Weekend::of(&[Weekday::Sun, Weekday::Sat]), Weekend::SATURDAY_SUNDAY);
        assert_eq!(Weekend::of(&[Weekday::Fri, Weekday::Sat]), Weekend::FRIDAY_SATURDAY);
        assert_eq!(
            BusinessCalendar::new(Weekend::SATURDAY_SUNDAY, []),
            Ok(BusinessCalendar::monday_to_friday())
        );
        assert_eq!(BusinessCalendar::new(Weekend::NONE, []), Ok(BusinessCalendar::every_day()));
    }

    #[test]
    fn beyond_a_declared_horizon_nothing_is_guessed() {
        let open = BusinessCalendar::monday_to_friday();
        let known = open.clone().with_horizon(d("2024-01-01"), d("2024-12-31")).unwrap();
        assert_eq!(known.is_business_day(d("2024-12-31")), Ok(true));
        assert!(open.is_business_day(d("2025-01-01")).unwrap());
        for refused in [
            known.is_business_day(d("2025-01-01")).map(|_| ()),
            known.business_days_between(d("2023-12-31"), d("2024-12-31")).map(|_| ()),
            known.add_business_days(d("2024-12-31"), 1).map(|_| ()),
            known.add_business_days(d("2024-01-01"), -1).map(|_| ()),
        ] {
            assert!(matches!(refused, Err(CalendarError::OutsideHorizon { .. })));
        }
        assert!(open.with_horizon(d("2024-01-02"), d("2024-01-01")).is_err());
    }

    #[test]
    fn the_ends_of_the_calendar_are_met_with_a_refusal() {
        let calendar = BusinessCalendar::monday_to_friday();
        for (date, n) in [
            ("9999-12-31", 1),
            ("0001-01-01", -1),
            ("2024-01-01", i64::MAX),
            ("2024-01-01", i64::MIN),
            ("2024-01-01", 10_000_000),
        ] {
            assert!(
                matches!(
                    calendar.add_business_days(d(date), n),
                    Err(CalendarError::OutOfRange { .. })
                ),
                "{date} {n}"
            );
        }
        let all = calendar.business_days_between(d("0001-01-01"), d("9999-12-31")).unwrap();
        assert_eq!(calendar.add_business_days(d("0001-01-01"), all), Ok(d("9999-12-31")));
    }

    /// A calendar whose holidays are thick enough to make runs longer than a week.
    fn any_calendar() -> impl Strategy<Value = BusinessCalendar> {
        (0_u8..127, proptest::collection::vec(0..500_i32, 0..250)).prop_map(|(weekend, days)| {
            let first = day_number(d("2024-01-01"));
            let days = days.into_iter().map(|day| date_of(first + day).unwrap());
            BusinessCalendar::new(Weekend(weekend), days).unwrap()
        })
    }

    proptest! {
        #[test]
        fn counting_and_stepping_agree_with_looking_at_every_day(
            calendar in any_calendar(),
            from in -100..600_i32,
            length in 0..400_i32,
        ) {
            let first = day_number(d("2024-01-01"));
            let (start, end) = (date_of(first + from).unwrap(), date_of(first + from + length).unwrap());
            let open: Vec<NaiveDate> = start
                .iter_days()
                .take(length as usize)
                .filter(|&day| calendar.is_business_day(day).unwrap())
                .collect();
            let count = open.len() as i64;
            prop_assert_eq!(calendar.business_days_between(start, end), Ok(count));
            prop_assert_eq!(calendar.business_days_between(end, start), Ok(-count));
            // The n-th of the days after the start, and back again.
            let after: Vec<_> = open.into_iter().filter(|&day| day > start).collect();
            for (index, &day) in after.iter().enumerate() {
                let n = index as i64 + 1;
                prop_assert_eq!(calendar.add_business_days(start, n), Ok(day));
                let back = calendar.add_business_days(day, -n).unwrap();
                prop_assert!(back <= start);
                prop_assert_eq!(
                    calendar.business_days_between(back.succ_opt().unwrap(), day).unwrap() + 1,
                    n
                );
            }
        }

        #[test]
        fn a_holiday_is_no_business_day_and_a_weekend_none(
            calendar in any_calendar(),
            offset in 0..1000_i32,
        ) {
            let date = date_of(day_number(d("2023-10-01")) + offset).unwrap();
            let weekday = date.weekday().num_days_from_monday();
            if calendar.weekend.has(weekday) {
                prop_assert_eq!(calendar.is_business_day(date), Ok(false));
            }
            prop_assert_eq!(weekday_of(day_number(date)), weekday);
        }
    }
}
