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

/// Date of a day number.
///
/// # Errors
/// [`CalendarError::OutOfRange`] outside the years of [`crate::domain::limits`].
pub fn date_of(day_number: i32) -> Result<NaiveDate, CalendarError> {
    let refusal = CalendarError::OutOfRange { year: year_near(i64::from(day_number)) };
    if !(DAY_NUMBER_MIN..=DAY_NUMBER_MAX).contains(&day_number) {
        return Err(refusal);
    }
    NaiveDate::from_num_days_from_ce_opt(day_number + DAY_OF_COMMON_ERA_1970).ok_or(refusal)
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
    let (year, month) = shift_month(date.year(), date.month(), months)?;
    let day = date.day().min(days_in_month(year, month));
    ymd(year, month, day)
}

/// Year and month `months` months after the given ones.
pub(super) fn shift_month(year: i32, month: u32, months: i64) -> Result<(i32, u32), CalendarError> {
    let index = (i64::from(year) * 12 + i64::from(month) - 1).saturating_add(months);
    let target = index.div_euclid(12);
    match i32::try_from(target) {
        Ok(year) if (YEAR_MIN..=YEAR_MAX).contains(&year) => {
            Ok((year, index.rem_euclid(12) as u32 + 1))
        }
        _ => Err(CalendarError::OutOfRange { year: target }),
    }
}

/// A date of parts that are known to name one.
pub(super) fn ymd(year: i32, month: u32, day: u32) -> Result<NaiveDate, CalendarError> {
    NaiveDate::from_ymd_opt(year, month, day)
        .ok_or(CalendarError::OutOfRange { year: i64::from(year) })
}
