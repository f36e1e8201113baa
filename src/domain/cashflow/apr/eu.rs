//! The annual percentage rate of charge of the European Union: Directive 2008/48/EC, annex I, part
//! I, which Directive (EU) 2023/2225, annex III, and for credit on homes Directive 2014/17/EU,
//! annex I, repeat.
//!
//! With X the rate, C the drawdowns at t years and D the payments at s years after the first
//! drawdown:
//!
//! ```text
//! sum of C (1 + X)^-t  =  sum of D (1 + X)^-s
//! ```
//!
//! It is an effective rate, disclosed in per cent with at least one decimal, rounded half up,
//! remark (d).

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

use super::{Apr, amount, something};
use crate::domain::calendar::Frequency;
use crate::domain::calendar::civil::{add_days, add_months, check_range, day_number};
use crate::domain::cashflow::CashflowError;
use crate::domain::cashflow::error::finite;
use crate::domain::cashflow::rate_of_return::{BothSides, Flows};
use crate::domain::error::{UnknownName, by_name};
use crate::domain::limits::CASH_FLOWS_MAX;

/// Decimals of the disclosed fraction: one of per cent.
const DISCLOSED_DECIMALS: u32 = 3;

/// The equal periods in which intervals are counted before what is left is counted in days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EuPeriod {
    /// Years only: all else in days, the calendar basis of Directive 98/7/EC, annex III.
    Years,
    /// Months, twelve equal ones a year: instalments by the month.
    #[default]
    Months,
    /// Weeks, fifty-two a year: instalments by the week.
    Weeks,
}

const PERIODS: [(&str, EuPeriod); 3] =
    [("years", EuPeriod::Years), ("months", EuPeriod::Months), ("weeks", EuPeriod::Weeks)];

impl EuPeriod {
    /// The period of a name: `years`, `months` or `weeks`.
    ///
    /// # Errors
    /// [`UnknownName`] lists them.
    pub fn parse(name: &str) -> Result<Self, UnknownName> {
        by_name("period of the annual percentage rate of charge", name, &PERIODS)
    }

    /// The period of instalments that fall due so often: weeks if they come by the week, else
    /// months.
    pub fn of(frequency: Frequency) -> Self {
        match frequency {
            Frequency::Weeks(_) => Self::Weeks,
            _ => Self::Months,
        }
    }
}

/// The annual percentage rate of charge of drawdowns and payments, each a time in years after the
/// first drawdown and an amount; None if no rate solves the equation.
///
/// Charges the borrower bears count among the payments when they fall due. Where several rates
/// solve the equation the choice is that of [`crate::domain::cashflow::DatedFlows::xirr`].
///
/// # Errors
/// [`CashflowError::Missing`] without a drawdown or a payment, [`CashflowError::Negative`] for an
/// amount or a time, [`CashflowError::NotFinite`] for a time, and [`CashflowError::TooManyFlows`].
pub fn apr_eu(
    drawdowns: &[(f64, Decimal)],
    payments: &[(f64, Decimal)],
) -> Result<Option<Apr>, CashflowError> {
    let count = drawdowns.len() + payments.len();
    if count > CASH_FLOWS_MAX {
        return Err(CashflowError::TooManyFlows { count });
    }
    something(drawdowns, |flow| flow.1, "drawdown")?;
    something(payments, |flow| flow.1, "payment")?;
    let mut flows = Vec::with_capacity(count);
    for (list, sign, what) in [(drawdowns, -1.0, "a drawdown"), (payments, 1.0, "a payment")] {
        for &(years, value) in list {
            finite(years, "a time in years", None)?;
            if years < 0.0 {
                let (what, value) = ("a time in years", years.to_string());
                return Err(CashflowError::Negative { what, value });
            }
            flows.push((years, sign * amount(value, what)?));
        }
    }
    flows.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let flows = Flows::new(flows, 1.0)?;
    let rate = match flows.as_ref().and_then(BothSides::of) {
        Some(sides) => sides.rate()?,
        None => None,
    };
    Ok(rate.map(|rate| Apr::new(rate, DISCLOSED_DECIMALS)).transpose()?)
}

/// The annual percentage rate of charge of drawdowns and payments on dates, the times found as
/// [`eu_years`] does.
///
/// # Errors
/// As [`apr_eu`] and [`eu_years`].
pub fn apr_eu_dated(
    drawdowns: &[(NaiveDate, Decimal)],
    payments: &[(NaiveDate, Decimal)],
    period: EuPeriod,
) -> Result<Option<Apr>, CashflowError> {
    let start = drawdowns.iter().map(|flow| flow.0).min();
    let start = start.ok_or(CashflowError::Missing { what: "drawdown" })?;
    let timed = |flows: &[(NaiveDate, Decimal)]| {
        let one =
            |&(date, value): &(NaiveDate, Decimal)| Ok((eu_years(start, date, period)?, value));
        flows.iter().map(one).collect::<Result<Vec<_>, CashflowError>>()
    };
    apr_eu(&timed(drawdowns)?, &timed(payments)?)
}

/// The interval from the first drawdown to a date in years.
///
/// Remark (c): a year is presumed to have 52 weeks or 12 equal months of 365/12 days, leap year or
/// not. What is not a whole number of periods is counted, as Directive 2014/17/EU spells out, in
/// whole periods back from the date and then in days back to the first drawdown, without the
/// first day and with the last; the days are divided by 365, or by 366 if the year back from the
/// last of them to the same day of the year before contains a 29 February.
///
/// # Errors
/// [`CashflowError::BeforeStart`] for a date before the first drawdown.
pub fn eu_years(
    drawdown: NaiveDate,
    date: NaiveDate,
    period: EuPeriod,
) -> Result<f64, CashflowError> {
    check_range(drawdown)?;
    check_range(date)?;
    if date < drawdown {
        return Err(CashflowError::BeforeStart {
            what: "a drawdown or payment",
            start: drawdown,
            date,
        });
    }
    let days = day_number(date) - day_number(drawdown);
    let (periods, per_year, begin) = match period {
        EuPeriod::Weeks => {
            let weeks = days / 7;
            (weeks, 52, add_days(date, -i64::from(7 * weeks))?)
        }
        EuPeriod::Months => whole_back(drawdown, date, 1)?,
        EuPeriod::Years => whole_back(drawdown, date, 12)?,
    };
    let left = day_number(begin) - day_number(drawdown);
    let whole = f64::from(periods) / f64::from(per_year);
    if left == 0 {
        return Ok(whole);
    }
    let year = day_number(begin) - day_number(add_months(begin, -12)?);
    Ok(whole + f64::from(left) / f64::from(year))
}

/// Whole periods of some months back from `date`, how many make a year, and where they begin.
fn whole_back(
    drawdown: NaiveDate,
    date: NaiveDate,
    months: i32,
) -> Result<(i32, i32, NaiveDate), CashflowError> {
    let apart =
        (date.year() - drawdown.year()) * 12 + date.month() as i32 - drawdown.month() as i32;
    let mut periods = apart / months;
    let mut begin = add_months(date, -i64::from(periods * months))?;
    // From one last day of a month to another is whole months too.
    let same_day = add_months(drawdown, i64::from(periods * months))? == date;
    if same_day {
        begin = drawdown;
    } else if begin < drawdown {
        periods -= 1;
        begin = add_months(date, -i64::from(periods * months))?;
    }
    Ok((periods, 12 / months, begin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// Directive 98/7/EC, annex III, standard year, first example: 1,000 lent, 1,200 repaid after
    /// eighteen months, 12.9 per cent.
    #[test]
    fn a_year_and_a_half() {
        let loan = [(day("2023-01-15"), d("1000"))];
        let repaid = [(day("2024-07-15"), d("1200"))];
        let apr = apr_eu_dated(&loan, &repaid, EuPeriod::Months).unwrap().unwrap();
        assert_eq!(apr.percent(), d("12.9"));
        assert!((apr.annual_rate - 0.129_243_23).abs() < 1e-8);
        assert_eq!(apr.disclosed, d("0.129"));
    }

    #[test]
    fn intervals_are_whole_periods_and_days() {
        let years = |start, end, period| eu_years(day(start), day(end), period).unwrap();
        assert_eq!(years("2023-01-15", "2023-02-15", EuPeriod::Months), 1.0 / 12.0);
        assert_eq!(years("2023-01-31", "2023-02-28", EuPeriod::Months), 1.0 / 12.0);
        assert_eq!(years("2023-01-31", "2023-03-31", EuPeriod::Months), 2.0 / 12.0);
        assert_eq!(years("2023-01-15", "2023-03-05", EuPeriod::Weeks), 7.0 / 52.0);
        assert_eq!(years("2023-01-15", "2023-03-06", EuPeriod::Weeks), 7.0 / 52.0 + 1.0 / 365.0);
        // Two months back to 20 January, five days back to the 15th.
        assert_eq!(years("2023-01-15", "2023-03-20", EuPeriod::Months), 2.0 / 12.0 + 5.0 / 365.0);
        // The days end on 20 January 2025, and the year before it has a 29 February.
        assert_eq!(years("2025-01-15", "2025-03-20", EuPeriod::Months), 2.0 / 12.0 + 5.0 / 366.0);
        assert_eq!(years("2023-01-15", "2024-01-15", EuPeriod::Years), 1.0);
        assert_eq!(years("2024-02-29", "2025-02-28", EuPeriod::Years), 1.0);
        assert_eq!(years("2023-01-15", "2023-04-15", EuPeriod::Years), 90.0 / 365.0);
        assert_eq!(years("2023-01-15", "2023-01-15", EuPeriod::Years), 0.0);
    }

    #[test]
    fn bad_flows_are_refused() {
        let one = [(0.0, d("100"))];
        assert!(matches!(apr_eu(&[], &one), Err(CashflowError::Missing { what: "drawdown" })));
        assert!(matches!(apr_eu(&one, &[]), Err(CashflowError::Missing { what: "payment" })));
        assert!(matches!(apr_eu(&one, &[(-1.0, d("1"))]), Err(CashflowError::Negative { .. })));
        assert!(apr_eu(&one, &[(f64::NAN, d("1"))]).is_err());
        assert!(matches!(
            apr_eu(&one, &[(1.0, d("1")), (1.0, d("-1"))]),
            Err(CashflowError::Negative { .. })
        ));
        assert!(matches!(
            eu_years(day("2023-01-02"), day("2023-01-01"), EuPeriod::Months),
            Err(CashflowError::BeforeStart { .. })
        ));
        assert_eq!(apr_eu(&one, &[(0.0, d("110"))]).unwrap(), None);
        assert!(EuPeriod::parse("days").is_err());
        assert_eq!(EuPeriod::parse("weeks").unwrap(), EuPeriod::Weeks);
    }

    proptest! {
        #[test]
        fn the_rate_of_a_loan_made_at_a_rate(rate in -0.5f64..20.0, months in 1u32..360) {
            let payments: Vec<(f64, Decimal)> =
                (1..=months).map(|month| (f64::from(month) / 12.0, d("100"))).collect();
            let worth: f64 =
                payments.iter().map(|(years, _)| 100.0 * (1.0 + rate).powf(-years)).sum();
            let drawn = [(0.0, crate::domain::decimal::from_f64(worth).unwrap())];
            let found = apr_eu(&drawn, &payments).unwrap().unwrap();
            prop_assert!((found.annual_rate - rate).abs() < 1e-11 * (1.0 + rate), "{found:?}");
        }
    }
}
