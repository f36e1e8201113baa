//! Unit-periods of Regulation Z: 12 CFR part 1026, appendix J, paragraphs (b)(3) to (b)(5).
//!
//! A transaction is measured in its most frequent period. Months are counted back from the later
//! date and days forward from the earlier one; a month has 30 days and a year 365 for the fraction
//! that is left over.

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

use super::UnitFlow;
use crate::domain::calendar::CalendarError;
use crate::domain::calendar::civil::{
    add_months, check_range, day_number, days_in_month, is_last_day_of_month,
};
use crate::domain::cashflow::CashflowError;
use crate::domain::limits::CASH_FLOWS_MAX;

/// Days of a year, where a period is compared with others.
const YEAR_DAYS: f64 = 365.0;
/// Days of the year for periods counted in days, paragraph (b)(5)(iv) and (vii).
const YEAR: u32 = 365;
/// Shortest and longest half of a month, 1 to 15 and 14 to 28 February included.
const HALF_MONTH_DAYS: std::ops::RangeInclusive<i32> = 12..=19;
/// From this day of the month on a date may stand for a later day that the month does not have.
const LATE_DAY: u32 = 28;

/// The period in which a transaction is measured, a year at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitPeriod {
    /// So many days.
    Days(u32),
    /// So many weeks.
    Weeks(u32),
    /// Half a month.
    SemiMonth,
    /// So many months, eleven at most.
    Months(u32),
    /// A year.
    Year,
}

impl UnitPeriod {
    /// Unit-periods in a year: 365 days, 52 weeks, 24 half months or 12 months over the number in
    /// one.
    pub fn per_year(self) -> f64 {
        match self {
            Self::Days(days) => YEAR_DAYS / f64::from(days),
            Self::Weeks(weeks) => 52.0 / f64::from(weeks),
            Self::SemiMonth => 24.0,
            Self::Months(months) => 12.0 / f64::from(months),
            Self::Year => 1.0,
        }
    }

    /// Its length in days, by which periods are ordered.
    fn days(self) -> f64 {
        match self {
            Self::Days(days) => f64::from(days),
            Self::Weeks(weeks) => 7.0 * f64::from(weeks),
            _ => YEAR_DAYS / self.per_year(),
        }
    }
}

/// A transaction measured in unit-periods.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitSchedule {
    /// The unit-period.
    pub unit_period: UnitPeriod,
    /// The advances, in order of date.
    pub advances: Vec<UnitFlow>,
    /// The payments, in order of date.
    pub payments: Vec<UnitFlow>,
}

/// Measures advances and payments in unit-periods from the first advance, on which the term of the
/// transaction begins.
///
/// The unit-period is the period between advances or payments, or from the first advance to the
/// first payment, that occurs most often and more than once; the shorter if two do, and the
/// standard interval nearest to the average of all periods if none does, the shorter if two are as
/// near. A standard interval is a day, a week, half a month, a month, or a multiple of a week or
/// month up to a year. For a single advance and a single payment it is the term, in months if
/// these are whole and otherwise in days, but a year at most.
///
/// Payments on the last day of each month are a month apart, and so are payments on the 29th,
/// 30th or 31st that fall on the last day of a shorter month.
///
/// # Errors
/// [`CashflowError::Missing`] without an advance or a payment, [`CashflowError::BeforeStart`] for a
/// payment before the first advance, [`CashflowError::TooManyFlows`], and
/// [`CashflowError::Calendar`] for dates outside the library's years.
pub fn unit_schedule(
    advances: &[(NaiveDate, Decimal)],
    payments: &[(NaiveDate, Decimal)],
) -> Result<UnitSchedule, CashflowError> {
    let count = advances.len() + payments.len();
    if count > CASH_FLOWS_MAX {
        return Err(CashflowError::TooManyFlows { count });
    }
    let (advances, payments) = (in_order(advances)?, in_order(payments)?);
    let start = advances.first().ok_or(CashflowError::Missing { what: "advance" })?.0;
    let first = payments.first().ok_or(CashflowError::Missing { what: "payment" })?.0;
    if first < start {
        return Err(CashflowError::BeforeStart { what: "a payment", start, date: first });
    }
    let (advanced, paid) = (dates(&advances), dates(&payments));
    let unit_period = match (advanced.as_slice(), paid.as_slice()) {
        ([advance], [payment]) => of_term(*advance, *payment)?,
        _ => most_frequent(start, &advanced, &paid)?,
    };
    let measure = |flows: &[(NaiveDate, Decimal)], series: &[NaiveDate]| {
        let one = |&(date, amount): &(NaiveDate, Decimal)| {
            let (periods, fraction) = elapsed(unit_period, start, date, series)?;
            Ok(UnitFlow { amount, periods, fraction })
        };
        flows.iter().map(one).collect::<Result<Vec<_>, CashflowError>>()
    };
    Ok(UnitSchedule {
        advances: measure(&advances, &advanced)?,
        payments: measure(&payments, &paid)?,
        unit_period,
    })
}

fn in_order(flows: &[(NaiveDate, Decimal)]) -> Result<Vec<(NaiveDate, Decimal)>, CashflowError> {
    let mut flows = flows.to_vec();
    for &(date, _) in &flows {
        check_range(date)?;
    }
    flows.sort_by_key(|flow| flow.0);
    Ok(flows)
}

/// The different dates of flows in order.
fn dates(flows: &[(NaiveDate, Decimal)]) -> Vec<NaiveDate> {
    let mut dates: Vec<NaiveDate> = flows.iter().map(|flow| flow.0).collect();
    dates.dedup();
    dates
}

/// The unit-period of a single advance and a single payment: paragraphs (b)(4)(ii), (b)(5)(vi) and
/// (b)(5)(vii).
fn of_term(start: NaiveDate, end: NaiveDate) -> Result<UnitPeriod, CashflowError> {
    let days = day_number(end) - day_number(start);
    Ok(match whole_months(start, end)? {
        Some(months) if months < 12 => UnitPeriod::Months(months),
        _ if months_back(start, end, end.day())?.0 >= 12 => UnitPeriod::Year,
        Some(_) => UnitPeriod::Year,
        // On one day there is no term, and any unit serves.
        None => UnitPeriod::Days(u32::try_from(days).unwrap_or_default().clamp(1, YEAR)),
    })
}

/// The unit-period of all other transactions: paragraph (b)(4)(i).
fn most_frequent(
    start: NaiveDate,
    advances: &[NaiveDate],
    payments: &[NaiveDate],
) -> Result<UnitPeriod, CashflowError> {
    let mut periods: Vec<(NaiveDate, NaiveDate)> = Vec::new();
    for series in [advances, payments] {
        periods.extend(series.iter().zip(series.iter().skip(1)).map(|(&from, &to)| (from, to)));
    }
    periods.extend(payments.first().filter(|first| **first > start).map(|&first| (start, first)));
    let mut counts: Vec<(UnitPeriod, usize)> = Vec::new();
    let mut count = |unit: UnitPeriod| match counts.iter_mut().find(|(one, _)| *one == unit) {
        Some((_, times)) => *times += 1,
        None => counts.push((unit, 1)),
    };
    for &(from, to) in &periods {
        names(from, to)?.into_iter().flatten().for_each(&mut count);
    }
    for series in [advances, payments] {
        (0..half_months(series)?).for_each(|_| count(UnitPeriod::SemiMonth));
    }
    let common = counts
        .iter()
        .filter(|(_, times)| *times > 1)
        .max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.days().total_cmp(&a.0.days())));
    if let Some(&(unit, _)) = common {
        return Ok(unit);
    }
    let total: i32 = periods.iter().map(|&(from, to)| day_number(to) - day_number(from)).sum();
    Ok(nearest_standard(f64::from(total) / periods.len().max(1) as f64))
}

/// What a period is called: whole months, whole weeks, both, or else days; nothing beyond a year.
fn names(from: NaiveDate, to: NaiveDate) -> Result<[Option<UnitPeriod>; 2], CashflowError> {
    let days = u32::try_from(day_number(to) - day_number(from)).unwrap_or_default();
    let months = whole_months(from, to)?.and_then(|months| match months {
        1..=11 => Some(UnitPeriod::Months(months)),
        12 => Some(UnitPeriod::Year),
        _ => None,
    });
    let in_days = match days {
        days if days > YEAR => None,
        days if days % 7 == 0 => Some(UnitPeriod::Weeks(days / 7)),
        days if months.is_none() => Some(UnitPeriod::Days(days)),
        _ => None,
    };
    Ok([months, in_days])
}

/// How many periods of a series are halves of months: of two in a row that make a month together.
fn half_months(series: &[NaiveDate]) -> Result<usize, CashflowError> {
    let mut halves = vec![false; series.len()];
    for (index, window) in series.windows(3).enumerate() {
        let &[first, middle, last] = window else { continue };
        let days = day_number(middle) - day_number(first);
        let rest = day_number(last) - day_number(middle);
        if HALF_MONTH_DAYS.contains(&days)
            && HALF_MONTH_DAYS.contains(&rest)
            && whole_months(first, last)? == Some(1)
        {
            halves.iter_mut().skip(index).take(2).for_each(|half| *half = true);
        }
    }
    Ok(halves.into_iter().filter(|half| *half).count())
}

/// The standard interval nearest to a length, the shorter of two that are as near.
fn nearest_standard(days: f64) -> UnitPeriod {
    let weeks = (1..=52).map(UnitPeriod::Weeks);
    let months = (1..=11).map(UnitPeriod::Months);
    let others = [UnitPeriod::Days(1), UnitPeriod::SemiMonth, UnitPeriod::Year];
    let distance = |unit: &UnitPeriod| (unit.days() - days).abs();
    weeks
        .chain(months)
        .chain(others)
        .min_by(|a, b| distance(a).total_cmp(&distance(b)).then(a.days().total_cmp(&b.days())))
        .unwrap_or(UnitPeriod::Year)
}

/// The months from one date to a later one, if they are whole: on the same day of the month, on
/// the last day of a month that has no such day, or from one last day to another.
fn whole_months(from: NaiveDate, to: NaiveDate) -> Result<Option<u32>, CalendarError> {
    let months = month_index(to) - month_index(from);
    let whole = months > 0
        && (add_months(from, i64::from(months))? == to
            || add_months(to, -i64::from(months))? == from
            || (is_last_day_of_month(from) && is_last_day_of_month(to)));
    Ok(u32::try_from(months).ok().filter(|_| whole))
}

fn month_index(date: NaiveDate) -> i32 {
    date.year() * 12 + date.month() as i32
}

/// Unit-periods from the start of the transaction to a date of a series of advances or payments,
/// and the fraction left over: paragraph (b)(5).
fn elapsed(
    unit: UnitPeriod,
    start: NaiveDate,
    date: NaiveDate,
    series: &[NaiveDate],
) -> Result<(u32, f64), CashflowError> {
    let day_of_month = meant_day(start, date, series)?;
    let all_days = u32::try_from(day_number(date) - day_number(start)).unwrap_or_default();
    let split = |days: u32, unit_days: u32| {
        (days / unit_days, f64::from(days % unit_days) / f64::from(unit_days))
    };
    Ok(match unit {
        UnitPeriod::Days(days) => split(all_days, days),
        UnitPeriod::Weeks(weeks) => split(all_days, 7 * weeks),
        UnitPeriod::Months(1) => {
            let (months, days) = months_back(start, date, day_of_month)?;
            (months, f64::from(days) / 30.0)
        }
        UnitPeriod::Months(of_unit) => {
            let (months, days) = months_back(start, date, day_of_month)?;
            split(30 * months + days, 30 * of_unit)
        }
        UnitPeriod::SemiMonth => {
            let (months, days) = months_back(start, date, day_of_month)?;
            split(30 * months + days, 15)
        }
        UnitPeriod::Year => {
            let (months, days) = months_back(start, date, day_of_month)?;
            let (years, rest) = (months / 12, months % 12);
            if days == 0 {
                (years, f64::from(rest) / 12.0)
            } else {
                let full = step_back(date, 12 * years, day_of_month)?;
                let days = day_number(full) - day_number(start);
                (years, f64::from(days) / YEAR_DAYS)
            }
        }
    })
}

/// The day of the month that a date of a series stands for: the last (31) if all late days of the
/// series are last days, the latest day of the series if the date is the last day of a month that
/// has no such day, and else its own. A single date stands for the start's day if the two are
/// whole months apart.
fn meant_day(
    start: NaiveDate,
    date: NaiveDate,
    series: &[NaiveDate],
) -> Result<u32, CalendarError> {
    if date.day() < LATE_DAY {
        return Ok(date.day());
    }
    if series.len() == 1 {
        return Ok(match whole_months(start, date)? {
            None => date.day(),
            Some(_) if is_last_day_of_month(start) && is_last_day_of_month(date) => 31,
            Some(_) => start.day().max(date.day()),
        });
    }
    let late = || series.iter().filter(|one| one.day() >= LATE_DAY);
    if late().all(|one| is_last_day_of_month(*one)) {
        return Ok(31);
    }
    let latest = late().map(NaiveDate::day).max().unwrap_or_else(|| date.day());
    Ok(match date.day() == latest.min(days_in_month(date.year(), date.month())) {
        true => latest,
        false => date.day(),
    })
}

/// Full months counted back from `later`, and the days from `earlier` to where they begin.
fn months_back(
    earlier: NaiveDate,
    later: NaiveDate,
    day_of_month: u32,
) -> Result<(u32, u32), CashflowError> {
    let mut months = u32::try_from(month_index(later) - month_index(earlier)).unwrap_or_default();
    let mut begin = step_back(later, months, day_of_month)?;
    if begin < earlier && months > 0 {
        months -= 1;
        begin = step_back(later, months, day_of_month)?;
    }
    let days = day_number(begin) - day_number(earlier);
    Ok((months, u32::try_from(days).unwrap_or_default()))
}

/// The date so many months before another on a day of the month, or on the last day of a month
/// that has no such day.
fn step_back(date: NaiveDate, months: u32, day_of_month: u32) -> Result<NaiveDate, CalendarError> {
    if months == 0 {
        return Ok(date);
    }
    let month = add_months(date.with_day(1).unwrap_or(date), -i64::from(months))?;
    let day = day_of_month.min(days_in_month(month.year(), month.month()));
    Ok(month.with_day(day).unwrap_or(month))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn measured(advances: &[&str], payments: &[&str]) -> UnitSchedule {
        let flows = |dates: &[&str]| -> Vec<_> {
            dates.iter().map(|date| (day(date), Decimal::ONE_HUNDRED)).collect()
        };
        unit_schedule(&flows(advances), &flows(payments)).unwrap()
    }

    /// The unit-period, and the time of the first payment as unit-periods and a fraction over
    /// `parts`.
    fn first(advances: &[&str], payments: &[&str], parts: f64) -> (UnitPeriod, u32, f64) {
        let schedule = measured(advances, payments);
        let first = schedule.payments[0];
        (schedule.unit_period, first.periods, (first.fraction * parts * 1e9).round() / 1e9)
    }

    /// The dates of the examples in paragraph (c) of the appendix.
    #[test]
    fn examples_of_the_appendix() {
        let monthly = ["1978-04-01", "1978-05-01", "1978-06-01", "1978-07-01"];
        assert_eq!(first(&["1978-02-10"], &monthly, 30.0), (UnitPeriod::Months(1), 1, 19.0));
        let halves = ["1978-03-01", "1978-03-16", "1978-04-01", "1978-04-16", "1978-05-01"];
        assert_eq!(first(&["1978-02-23"], &halves, 15.0), (UnitPeriod::SemiMonth, 0, 6.0));
        let quarterly = ["1978-10-01", "1979-01-01", "1979-04-01", "1979-07-01"];
        assert_eq!(first(&["1978-05-23"], &quarterly, 90.0), (UnitPeriod::Months(3), 1, 39.0));
        let weekly = ["1978-04-21", "1978-04-28", "1978-05-05"];
        assert_eq!(first(&["1978-03-20"], &weekly, 7.0), (UnitPeriod::Weeks(1), 4, 4.0));
        let two_months = ["1978-03-01", "1978-05-01", "1978-07-01", "1978-09-01"];
        assert_eq!(first(&["1978-01-10"], &two_months, 60.0), (UnitPeriod::Months(2), 0, 52.0));
        let days = (UnitPeriod::Days(255), 1, 0.0);
        assert_eq!(first(&["1978-01-03"], &["1978-09-15"], 1.0), days);
    }

    #[test]
    fn single_payments_are_their_own_unit() {
        let one = |start, end, parts| first(&[start], &[end], parts);
        assert_eq!(one("1978-04-03", "1978-10-03", 1.0), (UnitPeriod::Months(6), 1, 0.0));
        assert_eq!(one("1978-04-03", "1979-10-03", 12.0), (UnitPeriod::Year, 1, 6.0));
        assert_eq!(one("1978-04-03", "1980-04-03", 1.0), (UnitPeriod::Year, 2, 0.0));
        assert_eq!(one("1978-04-03", "1979-04-13", 365.0), (UnitPeriod::Year, 1, 10.0));
        // From one last day of a month to another, and to the last day for want of a thirtieth.
        assert_eq!(one("2023-02-28", "2023-08-31", 1.0), (UnitPeriod::Months(6), 1, 0.0));
        assert_eq!(one("2023-01-30", "2023-02-28", 1.0), (UnitPeriod::Months(1), 1, 0.0));
        assert_eq!(one("2024-01-31", "2024-02-28", 1.0), (UnitPeriod::Days(28), 1, 0.0));
    }

    #[test]
    fn months_end_on_their_last_day() {
        let last_days = ["2023-02-28", "2023-03-31", "2023-04-30", "2023-05-31"];
        let schedule = measured(&["2023-01-31"], &last_days);
        assert_eq!(schedule.unit_period, UnitPeriod::Months(1));
        for (index, payment) in schedule.payments.iter().enumerate() {
            assert_eq!((payment.periods as usize, payment.fraction), (index + 1, 0.0));
        }
        // On the thirtieth, or on the last day of February.
        let thirtieth = ["2023-02-28", "2023-03-30", "2023-04-30", "2023-05-30"];
        let schedule = measured(&["2023-01-25"], &thirtieth);
        for (index, payment) in schedule.payments.iter().enumerate() {
            assert_eq!((payment.periods as usize, payment.fraction), (index + 1, 5.0 / 30.0));
        }
        // The fifteenth and the last day.
        let halves = ["2023-02-15", "2023-02-28", "2023-03-15", "2023-03-31", "2023-04-15"];
        let schedule = measured(&["2023-01-31"], &halves);
        assert_eq!(schedule.unit_period, UnitPeriod::SemiMonth);
        let counts: Vec<u32> = schedule.payments.iter().map(|payment| payment.periods).collect();
        assert_eq!(counts, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn the_most_frequent_period_is_the_unit() {
        let unit = |advances: &[&str], payments: &[&str]| measured(advances, payments).unit_period;
        // Every four weeks, though one period is also a month.
        let four_weeks = ["2023-02-01", "2023-03-01", "2023-03-29", "2023-04-26"];
        assert_eq!(unit(&["2023-01-04"], &four_weeks), UnitPeriod::Weeks(4));
        // Two of a month and two of a quarter: the shorter.
        let both = ["2023-02-01", "2023-03-01", "2023-06-01", "2023-09-01"];
        assert_eq!(unit(&["2023-01-01"], &both), UnitPeriod::Months(1));
        // Advances count too.
        let drawn = ["2023-01-02", "2023-02-02", "2023-03-02", "2023-04-02"];
        assert_eq!(unit(&drawn, &["2025-01-20"]), UnitPeriod::Months(1));
        // Ten days, which is no standard interval but is common.
        assert_eq!(unit(&["2023-01-01"], &["2023-01-11", "2023-01-21"]), UnitPeriod::Days(10));
        // No common period: the average of 31 and 59 days is nearest to six and a half weeks,
        // which are 42 or 49 days; 45 days are nearer to 42.
        assert_eq!(unit(&["2023-01-01"], &["2023-02-01", "2023-04-01"]), UnitPeriod::Weeks(6));
        // Periods longer than a year.
        assert_eq!(unit(&["2023-01-01"], &["2025-01-01", "2027-01-01"]), UnitPeriod::Year);
        assert_eq!(unit(&["2023-01-01"], &["2024-01-01", "2025-01-01"]), UnitPeriod::Year);
    }

    #[test]
    fn impossible_schedules_are_refused() {
        let flow = |date: &str| (day(date), Decimal::ONE);
        assert!(matches!(
            unit_schedule(&[], &[flow("2023-01-01")]),
            Err(CashflowError::Missing { what: "advance" })
        ));
        assert!(matches!(
            unit_schedule(&[flow("2023-01-01")], &[]),
            Err(CashflowError::Missing { what: "payment" })
        ));
        assert!(matches!(
            unit_schedule(&[flow("2023-01-02")], &[flow("2023-01-01")]),
            Err(CashflowError::BeforeStart { .. })
        ));
        assert!(unit_schedule(&[(NaiveDate::MAX, Decimal::ONE)], &[flow("2023-01-01")]).is_err());
    }
}
