//! Day counts: what part of a year lies between two dates.
//!
//! Every convention here gives a *fraction*: a whole number of days over a whole number of days
//! (or a sum of such parts brought to one denominator). [`year_fraction`] divides once, so its
//! result is correct to the last of 28 digits; [`year_fraction_f64`] divides once in doubles; a
//! caller that multiplies first and divides once takes [`fraction`] itself.
//!
//! # Order
//! The standards speak of a start that is not after its end. For every convention a start after
//! the end gives the negated fraction of the same dates in order, so `f(a, b) = -f(b, a)` and
//! `f(a, a) = 0` hold throughout.
//!
//! # Dates
//! The first date is included and the last excluded, as interest accrues; a convention that asks
//! whether 29 February lies in a period says so itself.

mod actual;
mod convention;
mod icma;
mod names;
#[cfg(test)]
mod tests;
mod thirty;

use std::cmp::Ordering;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::business::BusinessCalendar;
use super::civil::check_range;
use super::{CalendarError, Frequency};
use crate::domain::decimal;

pub use convention::DayCount;
pub use names::{DayCountName, day_count_names};

/// What a day count may have to know beyond the two dates. Each field is needed only by the
/// conventions that name it; a convention that lacks one refuses and says which.
#[derive(Clone, Copy, Debug, Default)]
pub struct DayCountContext<'a> {
    /// First day of the coupon or interest period that the dates lie in, which may be a stub.
    /// ACT/ACT ICMA (for the last period of a schedule), ACT/365L, ACT/365 Canadian.
    pub period_start: Option<NaiveDate>,
    /// Last day of that period. ACT/ACT ICMA, ACT/365L, ACT/365 Canadian.
    pub period_end: Option<NaiveDate>,
    /// First day of the whole schedule. ACT/ACT ICMA, if it is told, refuses dates before it.
    pub schedule_start: Option<NaiveDate>,
    /// Last day of the whole schedule, the maturity. ACT/ACT ICMA refuses dates after it, and takes a period that ends here
    /// for one that may be a final stub, any other for one that may be an initial stub; 30E/360 ISDA leaves a maturity in February as it is.
    pub schedule_end: Option<NaiveDate>,
    /// How often a coupon or instalment falls due. ACT/ACT ICMA, ACT/365L, ACT/365 Canadian.
    pub frequency: Option<Frequency>,
    /// Whether the schedule keeps to month ends. 30U/360; ACT/ACT ICMA, which otherwise takes a
    /// period between two month ends for one that does.
    pub end_of_month: Option<bool>,
    /// The business days. BUS/252.
    pub calendar: Option<&'a BusinessCalendar>,
}

/// A year fraction as a quotient of whole numbers, not necessarily in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    /// Above the line; negative where the start is after the end.
    pub numerator: i64,
    /// Below the line; positive.
    pub denominator: i64,
}

impl Fraction {
    const ZERO: Self = Self { numerator: 0, denominator: 1 };

    const fn new(numerator: i64, denominator: i64) -> Self {
        Self { numerator, denominator }
    }

    /// Sum over the common denominator. Denominators are products of at most two year lengths or
    /// period lengths, so nothing leaves an `i64`.
    const fn plus(self, other: Self) -> Self {
        if self.denominator == other.denominator {
            return Self::new(self.numerator + other.numerator, self.denominator);
        }
        Self::new(
            self.numerator * other.denominator + other.numerator * self.denominator,
            self.denominator * other.denominator,
        )
    }

    /// The quotient, rounded half even where it needs more than 28 digits.
    ///
    /// # Errors
    /// None in practice: numerators are below 10^15.
    pub fn to_decimal(self) -> Result<Decimal, CalendarError> {
        Ok(decimal::div(Decimal::from(self.numerator), Decimal::from(self.denominator))?)
    }

    /// The quotient as the nearest double.
    pub fn to_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

/// The part of a year from `start` to `end` as a quotient of whole numbers.
///
/// # Errors
/// [`CalendarError::MissingContext`] names what the convention must be told and was not,
/// [`CalendarError::BadContext`] says what of it contradicts itself, and
/// [`CalendarError::OutOfRange`] refuses dates outside the library's years.
pub fn fraction(
    convention: DayCount,
    start: NaiveDate,
    end: NaiveDate,
    context: &DayCountContext<'_>,
) -> Result<Fraction, CalendarError> {
    check_range(start)?;
    check_range(end)?;
    match start.cmp(&end) {
        Ordering::Less => convention.ordered_fraction(start, end, context),
        Ordering::Equal => Ok(Fraction::ZERO),
        Ordering::Greater => convention
            .ordered_fraction(end, start, context)
            .map(|found| Fraction::new(-found.numerator, found.denominator)),
    }
}

/// The part of a year from `start` to `end`, correct to 28 digits; negative where the start is
/// after the end.
///
/// # Errors
/// As [`fraction`].
pub fn year_fraction(
    convention: DayCount,
    start: NaiveDate,
    end: NaiveDate,
    context: &DayCountContext<'_>,
) -> Result<Decimal, CalendarError> {
    fraction(convention, start, end, context)?.to_decimal()
}

/// [`year_fraction`] as the nearest double, for root finding and statistics.
///
/// # Errors
/// As [`fraction`].
pub fn year_fraction_f64(
    convention: DayCount,
    start: NaiveDate,
    end: NaiveDate,
    context: &DayCountContext<'_>,
) -> Result<f64, CalendarError> {
    Ok(fraction(convention, start, end, context)?.to_f64())
}

/// The days from `start` to `end` as the convention counts them: thirty a month, without leap
/// days, business days only, or simply all; negative where the start is after the end.
///
/// # Errors
/// As [`fraction`], but only what counting needs must be given: ACT/ACT ICMA, ACT/365L and
/// ACT/365 Canadian count all days and need nothing.
pub fn day_count_days(
    convention: DayCount,
    start: NaiveDate,
    end: NaiveDate,
    context: &DayCountContext<'_>,
) -> Result<i64, CalendarError> {
    check_range(start)?;
    check_range(end)?;
    match start.cmp(&end) {
        Ordering::Less => convention.ordered_days(start, end, context),
        Ordering::Equal => Ok(0),
        Ordering::Greater => convention.ordered_days(end, start, context).map(|days| -days),
    }
}
