//! Civil-day arithmetic: dates as day numbers, month lengths, and steps of whole months.
//!
//! A *day number* counts days from 1970-01-01, which is day 0, in the proleptic Gregorian
//! calendar. It is what bulk work uses: a day number is an `i32`, steps and compares as one, and
//! becomes a date only where a date is shown.

use chrono::{Datelike, NaiveDate};

use super::CalendarError;
use crate::domain::limits::{YEAR_MAX, YEAR_MIN};

/// Day number of 2000-01-01, for callers whose own count starts there.
pub const DAY_NUMBER_2000_01_01: i32 = 10_957;
/// Day number of the first day of the first year the library takes.
pub const DAY_NUMBER_MIN: i32 = day_number_of(YEAR_MIN, 1, 1);
/// Day number of the last day of the last year the library takes.
pub const DAY_NUMBER_MAX: i32 = day_number_of(YEAR_MAX, 12, 31);

/// Days from 0000-03-01, where the count of [`day_number_of`] starts, to 1970-01-01.
const DAYS_FROM_MARCH_0000_TO_1970: i32 = 719_468;
/// Days from 0001-01-01, which is day 1 of the common era, to 1970-01-01, plus that one.
const DAY_OF_COMMON_ERA_1970: i32 = 719_163;

/// Whether a year of the Gregorian calendar has a 29 February.
pub const fn is_leap_year(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a year: 365 or 366.
pub const fn days_in_year(year: i32) -> i32 {
    if is_leap_year(year) { 366 } else { 365 }
}

/// Days of a month, counted from 1 for January.
pub const fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 if is_leap_year(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Day number of a day of the civil calendar, for any day that the month has.
///
/// Years are taken to begin in March, so that the leap day is the last day of one and the months
/// before it have the lengths 31, 30, 31, 30, 31 over and over, which 153 days in 5 months says in
/// integers (after E. G. Richards in the Explanatory Supplement to the Astronomical Almanac,
/// third edition, section 15.11).
pub const fn day_number_of(year: i32, month: u32, day: u32) -> i32 {
    let (year, month) =
        if month > 2 { (year, month as i32 - 3) } else { (year - 1, month as i32 + 9) };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day as i32 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - DAYS_FROM_MARCH_0000_TO_1970
}

/// Year, month and day of a day number: the inverse of [`day_number_of`].
pub const fn civil_of(day_number: i32) -> (i32, u32, u32) {
    let shifted = day_number + DAYS_FROM_MARCH_0000_TO_1970;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month as u32, day as u32)
}

/// Day number of a date.
pub fn day_number(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - DAY_OF_COMMON_ERA_1970
}

/// Days from a date to a later one; negative to an earlier one.
pub fn days_between(from: NaiveDate, until: NaiveDate) -> i32 {
    if from.year() == until.year() {
        // Counting within a year needs no calendar.
        return until.ordinal0() as i32 - from.ordinal0() as i32;
    }
    until.num_days_from_ce() - from.num_days_from_ce()
}

/// Date of a day number.
///
/// # Errors
/// [`CalendarError::OutOfRange`] outside the years of [`crate::domain::limits`].
pub fn date_of(day_number: i32) -> Result<NaiveDate, CalendarError> {
    Some(day_number)
        .filter(|day_number| (DAY_NUMBER_MIN..=DAY_NUMBER_MAX).contains(day_number))
        .and_then(|known| NaiveDate::from_num_days_from_ce_opt(known + DAY_OF_COMMON_ERA_1970))
        .ok_or_else(|| CalendarError::OutOfRange { year: year_near(i64::from(day_number)) })
}

/// The year of a day number of any size; exact wherever the calendar reaches.
fn year_near(day_number: i64) -> i64 {
    const REACH: i64 = 1_000_000_000;
    match i32::try_from(day_number.clamp(-REACH, REACH)) {
        Ok(day) if i64::from(day) == day_number => i64::from(civil_of(day).0),
        _ => 1970 + day_number.div_euclid(146_097).saturating_mul(400),
    }
}

/// `date` itself if it lies within the years the library takes.
///
/// # Errors
/// [`CalendarError::OutOfRange`].
pub fn check_range(date: NaiveDate) -> Result<NaiveDate, CalendarError> {
    if (YEAR_MIN..=YEAR_MAX).contains(&date.year()) {
        Ok(date)
    } else {
        Err(CalendarError::OutOfRange { year: i64::from(date.year()) })
    }
}

/// Whether `date` is the last day of its month.
pub fn is_last_day_of_month(date: NaiveDate) -> bool {
    date.day() == days_in_month(date.year(), date.month())
}

/// The last day of the month of `date`.
pub fn last_day_of_month(date: NaiveDate) -> NaiveDate {
    date.with_day(days_in_month(date.year(), date.month())).unwrap_or(date)
}

/// The date `days` days after `date`, or before it for a negative count.
///
/// # Errors
/// [`CalendarError::OutOfRange`].
pub fn add_days(date: NaiveDate, days: i64) -> Result<NaiveDate, CalendarError> {
    let target = i64::from(day_number(date)).saturating_add(days);
    match i32::try_from(target) {
        Ok(day_number) => date_of(day_number),
        Err(_) => Err(CalendarError::OutOfRange { year: year_near(target) }),
    }
}

/// The same day `months` months later, or earlier for a negative count, clipped to the last day
/// of a month that is too short: 31 January plus one month is 28 or 29 February.
///
/// # Errors
/// [`CalendarError::OutOfRange`].
pub fn add_months(date: NaiveDate, months: i64) -> Result<NaiveDate, CalendarError> {
    let index = i64::from(month_index(date)).saturating_add(months);
    let year = index.div_euclid(12);
    let refusal = CalendarError::OutOfRange { year };
    match i32::try_from(year) {
        Ok(year) if (YEAR_MIN..=YEAR_MAX).contains(&year) => {
            let month = index.rem_euclid(12) as u32 + 1;
            let day = date.day().min(days_in_month(year, month));
            NaiveDate::from_ymd_opt(year, month, day).ok_or(refusal)
        }
        _ => Err(refusal),
    }
}

/// Months since January of year 0.
pub(super) fn month_index(date: NaiveDate) -> i32 {
    date.year() * 12 + date.month0() as i32
}

/// Day number of a day of the month of a month index, or of the month's last day if it is shorter.
/// Reaches beyond the library's years, as a period that ends within them may start outside.
pub(super) const fn clipped_day_number(month_index: i32, day: u32) -> i32 {
    let (year, month) = (month_index.div_euclid(12), month_index.rem_euclid(12) as u32 + 1);
    let last = days_in_month(year, month);
    day_number_of(year, month, if day < last { day } else { last })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error::{Condition, Refusal};
    use proptest::prelude::*;

    fn d(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn epochs_are_where_they_are_said_to_be() {
        assert_eq!(day_number_of(1970, 1, 1), 0);
        assert_eq!(day_number(d("2000-01-01")), DAY_NUMBER_2000_01_01);
        assert_eq!(civil_of(DAY_NUMBER_MIN), (1, 1, 1));
        assert_eq!(civil_of(DAY_NUMBER_MAX), (9999, 12, 31));
    }

    #[test]
    fn a_month_after_31_january_is_the_end_of_february() {
        assert_eq!(add_months(d("2023-01-31"), 1).unwrap(), d("2023-02-28"));
        assert_eq!(add_months(d("2024-01-31"), 1).unwrap(), d("2024-02-29"));
        assert_eq!(add_months(d("2024-02-29"), -12).unwrap(), d("2023-02-28"));
        assert_eq!(add_months(d("2024-03-31"), -13).unwrap(), d("2023-02-28"));
    }

    #[test]
    fn what_lies_outside_the_years_is_refused() {
        let refused = [
            add_months(d("9999-12-31"), 1),
            add_months(d("0001-01-01"), -1),
            add_months(d("2024-01-01"), i64::MAX),
            add_months(d("2024-01-01"), i64::MIN),
            add_days(d("9999-12-31"), 1),
            add_days(d("0001-01-01"), -1),
            add_days(d("2024-01-01"), i64::MAX),
            check_range(NaiveDate::MAX),
            date_of(DAY_NUMBER_MIN - 1),
        ];
        for result in refused {
            assert_eq!(result.unwrap_err().condition(), Condition::DatetimeOverflow);
        }
        let detail = add_days(d("9999-12-31"), 1).unwrap_err().detail().unwrap();
        assert_eq!(detail, "The year would be 10000; dates run from year 1 to year 9999.");
    }

    proptest! {
        #[test]
        fn day_numbers_agree_with_another_implementation(
            day in DAY_NUMBER_MIN..=DAY_NUMBER_MAX,
            months in -130_000_i64..130_000,
        ) {
            let date = date_of(day).unwrap();
            prop_assert_eq!(day_number(date), day);
            prop_assert_eq!(civil_of(day), (date.year(), date.month(), date.day()));
            prop_assert_eq!(day_number_of(date.year(), date.month(), date.day()), day);
            let last = last_day_of_month(date);
            prop_assert_eq!(last.succ_opt().map(|next| next.day()), Some(1));
            prop_assert_eq!(is_last_day_of_month(date), last == date);

            let step = chrono::Months::new(months.unsigned_abs() as u32);
            let other = if months < 0 {
                date.checked_sub_months(step)
            } else {
                date.checked_add_months(step)
            };
            let other = other.filter(|date| (YEAR_MIN..=YEAR_MAX).contains(&date.year()));
            prop_assert_eq!(add_months(date, months).ok(), other);
        }
    }
}
