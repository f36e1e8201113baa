//! Numbers and times out of text.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, SubsecRound, TimeZone, Utc};
use rust_decimal::Decimal;

use super::error::Fault;
use super::format::{Numbers, Times, Written};
use crate::domain::decimal;
use crate::domain::limits::{YEAR_MAX, YEAR_MIN};

/// Most letters of a number: what more could mean does not fit.
const LETTERS_MAX: usize = 64;

/// A number of at most 28 digits, exactly as it is written; an exponent moves the point.
pub fn number(field: &'static str, text: &str, numbers: &Numbers) -> Result<Decimal, Fault> {
    let unfit = || Fault::unfit(field, text, "number of up to 28 digits");
    if text.len() > LETTERS_MAX {
        return Err(unfit());
    }
    plain(text, numbers).and_then(|plain| Decimal::from_str_exact(&plain).ok()).ok_or_else(unfit)
}

/// The digits with a point and without an exponent.
fn plain(text: &str, numbers: &Numbers) -> Option<String> {
    let grouped = |letter: char| Some(letter) == numbers.group;
    let (text, exponent) = match text.split_once(['e', 'E']) {
        Some((text, exponent)) => {
            (text, exponent.parse::<i8>().ok().filter(|e| e.abs_diff(0) <= 28)?)
        }
        None => (text, 0),
    };
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, decimals) = text.split_once(numbers.decimal).unwrap_or((text, ""));
    let whole: String = whole.chars().filter(|letter| !grouped(*letter)).collect();
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(&whole) || !digits(decimals) || whole.len() + decimals.len() == 0 {
        return None;
    }
    // The point stands after so many of all digits, which noughts fill up on either side.
    let point = whole.len() as i64 + i64::from(exponent);
    let all = format!("{whole}{decimals}");
    let before = usize::try_from(-point).unwrap_or(0);
    let after = usize::try_from(point - all.len() as i64).unwrap_or(0);
    let all = format!("{}{all}{}", "0".repeat(before), "0".repeat(after));
    let (whole, decimals) = all.split_at_checked(usize::try_from(point).unwrap_or(0))?;
    let whole = whole.trim_start_matches('0');
    Some(match (whole, decimals) {
        ("", "") => format!("{sign}0"),
        ("", decimals) => format!("{sign}0.{decimals}"),
        (whole, "") => format!("{sign}{whole}"),
        (whole, decimals) => format!("{sign}{whole}.{decimals}"),
    })
}

/// A moment, to the microsecond.
pub fn time(field: &'static str, text: &str, times: &Times) -> Result<DateTime<Utc>, Fault> {
    let moment = match &times.written {
        Written::Iso => iso(text, times),
        Written::EpochSeconds => epoch(text, 1_000_000),
        Written::EpochMilliseconds => epoch(text, 1_000),
        Written::Pattern(pattern) => by_pattern(text, pattern, times),
    };
    moment
        .filter(|moment| (YEAR_MIN..=YEAR_MAX).contains(&moment.year()))
        .map(|moment| moment.trunc_subsecs(6))
        .ok_or_else(|| Fault::unfit(field, text, "time of the format"))
}

fn epoch(text: &str, micros: i64) -> Option<DateTime<Utc>> {
    let numbers = Numbers { decimal: '.', group: None };
    let given = number("at", text, &numbers).ok()?;
    let micros = decimal::mul(given, Decimal::from(micros)).ok()?.trunc();
    DateTime::from_timestamp_micros(micros.try_into().ok()?)
}

/// ISO 8601 as it is met with: with a T or a blank, with or without an offset, seconds, a time.
fn iso(text: &str, times: &Times) -> Option<DateTime<Utc>> {
    const ZONED: [&str; 3] =
        ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"];
    const LOCAL: [&str; 4] =
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let zoned = ZONED.iter().find_map(|pattern| DateTime::parse_from_str(text, pattern).ok());
    DateTime::parse_from_rfc3339(text)
        .ok()
        .or(zoned)
        .map(|moment| moment.to_utc())
        .or_else(|| {
            LOCAL
                .iter()
                .find_map(|pattern| NaiveDateTime::parse_from_str(text, pattern).ok())
                .and_then(|local| there(local, times))
        })
        .or_else(|| day(text, "%Y-%m-%d", times))
}

fn by_pattern(text: &str, pattern: &str, times: &Times) -> Option<DateTime<Utc>> {
    DateTime::parse_from_str(text, pattern)
        .ok()
        .map(|moment| moment.to_utc())
        .or_else(|| {
            NaiveDateTime::parse_from_str(text, pattern).ok().and_then(|local| there(local, times))
        })
        .or_else(|| day(text, pattern, times))
}

fn day(text: &str, pattern: &str, times: &Times) -> Option<DateTime<Utc>> {
    let day = NaiveDate::parse_from_str(text, pattern).ok()?;
    there(day.and_time(times.time_of_day), times)
}

/// What the clock shows there, in UTC.
fn there(local: NaiveDateTime, times: &Times) -> Option<DateTime<Utc>> {
    times.offset.from_local_datetime(&local).single().map(|moment| moment.to_utc())
}
