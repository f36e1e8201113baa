//! Conventions that count real days and choose the length of the year.

use chrono::{Datelike, NaiveDate};

use super::{DayCount, DayCountContext, Fraction};
use crate::domain::calendar::CalendarError;
use crate::domain::calendar::civil::{
    clipped_day_number, day_number, days_in_year, is_leap_year, month_index,
};

/// All days, the first included and the last excluded.
pub(super) fn days_between(start: NaiveDate, end: NaiveDate) -> i64 {
    i64::from(day_number(end)) - i64::from(day_number(start))
}

/// ISDA 2006 section 4.16(b): what remains of the first year over its length, the years between,
/// and what has passed of the last year over its length.
pub(super) fn isda(start: NaiveDate, end: NaiveDate) -> Fraction {
    let (first, last) = (start.year(), end.year());
    let (first_length, last_length) = (days_in_year(first), days_in_year(last));
    if first == last {
        return Fraction::new(days_between(start, end), i64::from(first_length));
    }
    let rest = i64::from(first_length) - i64::from(start.ordinal0());
    Fraction::new(rest, i64::from(first_length))
        .plus(Fraction::new(i64::from(end.ordinal0()), i64::from(last_length)))
        .plus(Fraction::new(i64::from(last - first - 1), 1))
}

/// Whole years counted back from the end, the rest over 366 if it contains a 29 February (the
/// start included, its end excluded), else over 365.
pub(super) fn afb(start: NaiveDate, end: NaiveDate) -> Fraction {
    let from = day_number(start);
    let back = |years: i32| clipped_day_number(month_index(end) - 12 * years, end.day());
    let apart = end.year() - start.year();
    let years = if back(apart) < from { apart - 1 } else { apart };
    let rest = i64::from(back(years)) - i64::from(from);
    let leap = leap_days_before(end.year() - years, end.month(), end.day())
        > leap_days_before(start.year(), start.month(), start.day());
    Fraction::new(rest, if leap { 366 } else { 365 }).plus(Fraction::new(i64::from(years), 1))
}

/// Whole years counted on from the start, the rest over the days of the year that follows them.
pub(super) fn year(start: NaiveDate, end: NaiveDate) -> Fraction {
    let to = day_number(end);
    let on = |years: i32| clipped_day_number(month_index(start) + 12 * years, start.day());
    let apart = end.year() - start.year();
    let years = if on(apart) > to { apart - 1 } else { apart };
    let length = i64::from(on(years + 1)) - i64::from(on(years));
    Fraction::new(i64::from(to) - i64::from(on(years)), length)
        .plus(Fraction::new(i64::from(years), 1))
}

/// Days of the 29th of February before a date, counted from a fixed day.
fn leap_days_before(year: i32, month: u32, day: u32) -> i32 {
    // Up to 29 February itself the leap day of the year still lies ahead.
    let year = if (month, day) <= (2, 29) { year - 1 } else { year };
    year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400)
}

/// Days of the 29th of February up to and including a date, counted from a fixed day.
fn leap_days_until(date: NaiveDate) -> i64 {
    let before = leap_days_before(date.year(), date.month(), date.day());
    i64::from(before) + i64::from((date.month(), date.day()) == (2, 29))
}

/// Days without those of the 29th of February, the first date excluded and the last included.
pub(super) fn days_without_leap_days(start: NaiveDate, end: NaiveDate) -> i64 {
    days_between(start, end) - (leap_days_until(end) - leap_days_until(start))
}

/// 366 if the period, without its first and with its last day, contains a 29 February, else 365.
pub(super) fn denominator_actual(start: NaiveDate, end: NaiveDate) -> i64 {
    if leap_days_until(end) > leap_days_until(start) { 366 } else { 365 }
}

/// ICMA rule 251.1(i).
pub(super) fn denominator_365l(
    start: NaiveDate,
    context: &DayCountContext<'_>,
) -> Result<i64, CalendarError> {
    let convention = DayCount::Act365L;
    let period_end =
        context.period_end.ok_or_else(|| convention.missing("the end of the interest period"))?;
    let frequency =
        context.frequency.ok_or_else(|| convention.missing("the frequency of interest"))?;
    Ok(if frequency.months() == Some(12) {
        denominator_actual(context.period_start.unwrap_or(start), period_end)
    } else if is_leap_year(period_end.year()) {
        366
    } else {
        365
    })
}

/// The Canadian bond rule, by which a coupon period always is the same part of a year.
pub(super) fn canadian(
    start: NaiveDate,
    end: NaiveDate,
    context: &DayCountContext<'_>,
) -> Result<Fraction, CalendarError> {
    let convention = DayCount::Act365Canadian;
    let period_start =
        context.period_start.ok_or_else(|| convention.missing("the start of the coupon period"))?;
    let period_end =
        context.period_end.ok_or_else(|| convention.missing("the end of the coupon period"))?;
    let months = match context.frequency {
        Some(frequency) => frequency.months(),
        None => super::icma::whole_months(period_start, period_end),
    }
    .filter(|months| 12 % months == 0)
    .ok_or_else(|| convention.missing("a frequency of 1, 2, 3, 4, 6 or 12 coupons a year"))?;
    let coupons = 12 / i64::from(months);
    let days = days_between(start, end);
    if days < 365 / coupons {
        return Ok(Fraction::new(days, 365));
    }
    let remaining = days_between(period_start, period_end) - days;
    Ok(Fraction::new(1, coupons).plus(Fraction::new(-remaining, 365)))
}
