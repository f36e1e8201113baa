//! Single values of terms out of JSON: codes, amounts, rates, periods.

use rust_decimal::Decimal;
use serde_json::Value;

use crate::domain::actus::contract::ContractType;
use crate::domain::actus::cycle::{Cycle, Period};
use crate::domain::actus::reader::{number, one_of, shown, text};
use crate::domain::calendar::{BusinessCalendar, BusinessDayRule, DayCount};
use crate::domain::limits::{AMOUNT_MAX, ANNUAL_RATE_MAX};
use crate::domain::money;

/// The sign of each role (technical specification, section 3.7).
const ROLES: [(&str, i64); 15] = [
    ("RPA", 1),
    ("RPL", -1),
    ("LG", 1),
    ("ST", -1),
    ("BUY", 1),
    ("SEL", -1),
    ("RFL", 1),
    ("PFL", -1),
    ("COL", 1),
    ("CNO", 1),
    ("GUA", -1),
    ("OBL", 1),
    ("UDL", 1),
    ("UDLP", 1),
    ("UDLM", -1),
];

/// Whether Saturday and Sunday are days without business.
const CALENDARS: [(&str, bool); 4] =
    [("NC", false), ("MF", true), ("noCalendar", false), ("mondayToFriday", true)];

const SHIFTS: [&str; 9] = ["NOS", "SCF", "SCMF", "CSF", "CSMF", "SCP", "SCMP", "CSP", "CSMP"];

const DAY_COUNTS: [(&str, DayCount); 7] = [
    ("AA", DayCount::ActActIsda),
    ("A360", DayCount::Act360),
    ("A365", DayCount::Act365Fixed),
    ("A336", DayCount::Act336),
    ("30E360", DayCount::ThirtyE360),
    ("30E360ISDA", DayCount::ThirtyE360Isda),
    ("28E336", DayCount::TwentyEightE336),
];

/// +1 for a role that lends, -1 for one that borrows.
pub(super) fn role(value: &Value) -> Result<Decimal, String> {
    one_of(value, "contract role", &ROLES).map(Decimal::from)
}

pub(super) fn day_count(value: &Value) -> Result<DayCount, String> {
    one_of(value, "day count convention", &DAY_COUNTS)
}

pub(super) fn calendar(value: &Value) -> Result<BusinessCalendar, String> {
    one_of(value, "calendar", &CALENDARS).map(|weekdays| match weekdays {
        true => BusinessCalendar::monday_to_friday(),
        false => BusinessCalendar::every_day(),
    })
}

/// Whether schedules keep to the ends of months.
pub(super) fn end_of_month(value: &Value) -> Result<bool, String> {
    one_of(value, "end-of-month convention", &[("SD", false), ("EOM", true)])
}

pub(super) fn contract_type(value: &Value) -> Result<ContractType, String> {
    one_of(value, "contract type evaluated here", &ContractType::NAMES)
}

pub(super) fn currency(value: &Value) -> Result<&'static str, String> {
    money::currency(text(value)?)
        .map(|found| found.code)
        .map_err(|_| format!("({}) is not a currency of ISO 4217", shown(value)))
}

/// A code of the dictionary; the names that other standards use are not terms of this one.
pub(super) fn business_day_rule(value: &Value) -> Result<BusinessDayRule, String> {
    let code = text(value)?.trim();
    SHIFTS
        .contains(&code.to_ascii_uppercase().as_str())
        .then(|| BusinessDayRule::parse(code).ok())
        .flatten()
        .ok_or_else(|| {
            format!("({}) is not a convention; known are {}", shown(value), SHIFTS.join(", "))
        })
}

pub(super) fn cycle(value: &Value) -> Result<Cycle, String> {
    Cycle::parse(text(value)?).map_err(|reason| format!("({}) {reason}", shown(value)))
}

pub(super) fn period(value: &Value) -> Result<Period, String> {
    Period::parse(text(value)?).map_err(|reason| format!("({}) {reason}", shown(value)))
}

/// An amount of either sign within the library's bounds.
pub(super) fn amount(value: &Value) -> Result<Decimal, String> {
    within(value, AMOUNT_MAX, "units of currency")
}

pub(super) fn amount_or_zero(value: &Value) -> Result<Decimal, String> {
    amount(value).and_then(|found| not_negative(value, found))
}

pub(super) fn positive_amount(value: &Value) -> Result<Decimal, String> {
    let found = amount_or_zero(value)?;
    if found.is_zero() { Err("must be more than zero".into()) } else { Ok(found) }
}

/// An annual rate of either sign within the library's bounds.
pub(super) fn rate(value: &Value) -> Result<Decimal, String> {
    within(value, ANNUAL_RATE_MAX, "a year as a fraction")
}

pub(super) fn rate_or_zero(value: &Value) -> Result<Decimal, String> {
    rate(value).and_then(|found| not_negative(value, found))
}

fn within(value: &Value, limit: i64, unit: &str) -> Result<Decimal, String> {
    let found = number(value)?;
    if found.abs() > Decimal::from(limit) {
        return Err(format!("({}) is beyond {limit} {unit}", shown(value)));
    }
    Ok(found)
}

fn not_negative(value: &Value, found: Decimal) -> Result<Decimal, String> {
    if found.is_sign_negative() && !found.is_zero() {
        return Err(format!("({}) is negative; the role carries the sign", shown(value)));
    }
    Ok(found)
}

/// A number that is not zero.
pub(super) fn divisor(value: &Value) -> Result<Decimal, String> {
    let found = number(value)?;
    if found.is_zero() { Err("must not be zero".into()) } else { Ok(found) }
}

/// Whether interest and principal are scaled, from three letters such as `IN0` or `I00`.
pub(super) fn scaling_effect(value: &Value) -> Result<(bool, bool), String> {
    let wrong =
        || format!("({}) is not a scaling effect such as 000, I00, 0N0 or IN0", shown(value));
    let given = text(value)?.trim();
    let is = |place: usize, letter: u8| match given.as_bytes().get(place) {
        Some(found) if *found == letter => Ok(true),
        Some(b'0' | b'O') => Ok(false),
        _ => Err(wrong()),
    };
    let (interest, notional, deferred) = (is(0, b'I')?, is(1, b'N')?, is(2, b'M')?);
    match (given.len(), deferred) {
        (3, false) => Ok((interest, notional)),
        (3, true) => Err("scales deferred interest, which these contracts have none of".into()),
        _ => Err(wrong()),
    }
}

/// Whether a penalty is due: a fixed amount, or none.
pub(super) fn penalty_type(value: &Value) -> Result<bool, String> {
    match one_of(
        value,
        "penalty type",
        &[("N", 'N'), ("O", 'N'), ("A", 'A'), ("R", 'R'), ("I", 'I')],
    )? {
        'A' => Ok(true),
        'N' => Ok(false),
        _ => Err(format!(
            "({}) is not followed: dictionary and technical specification define it differently",
            shown(value)
        )),
    }
}

/// The one point of a cycle that is defined, `B` for its beginning or `E` for its end.
pub(super) fn at_point(value: &Value, defined: &str, reason: &str) -> Result<(), String> {
    match text(value)? {
        "B" | "E" if text(value)? == defined => Ok(()),
        "B" | "E" => Err(format!("({}) is not followed: {reason}", shown(value))),
        _ => Err(format!("({}) is neither B nor E", shown(value))),
    }
}
