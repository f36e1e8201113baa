//! Conventions that give every month the same number of days.

use chrono::{Datelike, NaiveDate};

use crate::domain::calendar::civil::is_last_day_of_month;

/// How the days of the month are changed before months of thirty days are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thirty {
    /// ISDA 2006 section 4.16(f).
    BondBasis,
    /// SIA: bond basis after the end-of-February rule.
    Us,
    /// Public Securities Association.
    Psa,
    /// ISDA 2006 section 4.16(g).
    Eurobond,
    /// An end on 31 is the first of the next month.
    EurobondPlus,
    /// ISDA 2006 section 4.16(h), the end not being the maturity.
    German,
    /// ISDA 2006 section 4.16(h), the end being the maturity.
    GermanToMaturity,
    /// 28 and 29 February are 30 as well.
    Italian,
}

/// Days from `start` to `end` in months of thirty days:
/// 360 (Y2 - Y1) + 30 (M2 - M1) + (D2 - D1), with D1 and D2 changed by the rule.
pub(super) fn days(rule: Thirty, start: NaiveDate, end: NaiveDate) -> i64 {
    let (day_1, day_2) = changed_days(rule, start, end);
    months_between(start, end) * 30 + day_2 - day_1
}

/// Days from `start` to `end` in months of 28 days, later days counting as the 28th.
pub(super) fn days_of_28(start: NaiveDate, end: NaiveDate) -> i64 {
    let day = |date: NaiveDate| i64::from(date.day().min(28));
    months_between(start, end) * 28 + day(end) - day(start)
}

fn months_between(start: NaiveDate, end: NaiveDate) -> i64 {
    let month = |date: NaiveDate| i64::from(date.year()) * 12 + i64::from(date.month());
    month(end) - month(start)
}

fn changed_days(rule: Thirty, start: NaiveDate, end: NaiveDate) -> (i64, i64) {
    let (day_1, day_2) = (i64::from(start.day()), i64::from(end.day()));
    // An end on 31 gives way only to a start that stands at 30.
    let after_30 = |day_1: i64| (day_1, if day_1 == 30 { day_2.min(30) } else { day_2 });
    match rule {
        Thirty::BondBasis => after_30(day_1.min(30)),
        Thirty::Us if is_last_of_february(start) => {
            (30, if is_last_of_february(end) { 30 } else { day_2.min(30) })
        }
        Thirty::Us => after_30(day_1.min(30)),
        Thirty::Psa => after_30(to_30_at_month_end(start)),
        Thirty::Eurobond => (day_1.min(30), day_2.min(30)),
        // The first of the next month is one day after the thirtieth: the 31st, as it stands.
        Thirty::EurobondPlus => (day_1.min(30), day_2),
        Thirty::German => (to_30_at_month_end(start), to_30_at_month_end(end)),
        Thirty::GermanToMaturity => (to_30_at_month_end(start), day_2.min(30)),
        Thirty::Italian => (italian(start), italian(end)),
    }
}

fn is_last_of_february(date: NaiveDate) -> bool {
    date.month() == 2 && is_last_day_of_month(date)
}

fn to_30_at_month_end(date: NaiveDate) -> i64 {
    if is_last_day_of_month(date) { 30 } else { i64::from(date.day()) }
}

fn italian(date: NaiveDate) -> i64 {
    if date.month() == 2 && date.day() >= 28 { 30 } else { i64::from(date.day().min(30)) }
}
