//! Interest, and rates under other compounding.

use pgrx::prelude::*;

use super::UnequalLists;
use crate::domain::calendar::{DayCount, DayCountContext};
use crate::domain::cashflow::{self, Compounding, DayBasis, InterestPeriod, RateChange};
use crate::domain::decimal;
use crate::domain::money::{self, RoundingMode};
use crate::pg::{Answer, Day, List, Name, Num, OrReport, Whole};

fn period(start: Day, end: Day, day_count: &Name<'_>) -> Answer<InterestPeriod<'static>> {
    Ok(InterestPeriod {
        start: start.0,
        end: end.0,
        day_count: DayCount::parse(day_count.0).or_report()?,
        context: DayCountContext::default(),
    })
}

fn rate_changes(from: &List<Day>, rates: &List<Num>) -> Answer<Vec<RateChange>> {
    if from.len() != rates.len() {
        return Err(UnequalLists(from.len(), rates.len())).or_report();
    }
    Ok(from
        .iter()
        .zip(rates.iter())
        .map(|(from, rate)| RateChange { effective: from.0, annual_rate: rate.0 })
        .collect())
}

#[pg_extern(immutable, parallel_safe)]
fn simple_interest(
    principal: Num,
    annual_rate: Num,
    start_date: Day,
    end_date: Day,
    day_count: default!(Name<'_>, "'ACT/365F'"),
) -> Answer<Num> {
    let rates = [RateChange { effective: start_date.0, annual_rate: annual_rate.0 }];
    let period = period(start_date, end_date, &day_count)?;
    cashflow::simple_interest(principal.0, &rates, &period).or_report().map(Num)
}

#[pg_extern(immutable, parallel_safe, name = "simple_interest")]
fn simple_interest_with_changes(
    principal: Num,
    rates_from: List<Day>,
    annual_rates: List<Num>,
    start_date: Day,
    end_date: Day,
    day_count: default!(Name<'_>, "'ACT/365F'"),
) -> Answer<Num> {
    let rates = rate_changes(&rates_from, &annual_rates)?;
    let period = period(start_date, end_date, &day_count)?;
    cashflow::simple_interest(principal.0, &rates, &period).or_report().map(Num)
}

#[pg_extern(immutable, parallel_safe)]
fn compound_interest(
    principal: Num,
    annual_rate: Num,
    start_date: Day,
    end_date: Day,
    compounding: default!(Name<'_>, "'annual'"),
    day_count: default!(Name<'_>, "'ACT/365F'"),
) -> Answer<Num> {
    let rates = [RateChange { effective: start_date.0, annual_rate: annual_rate.0 }];
    let compounding = Compounding::parse(compounding.0).or_report()?;
    let period = period(start_date, end_date, &day_count)?;
    cashflow::compound_interest(principal.0, &rates, compounding, &period).or_report().map(Num)
}

#[pg_extern(immutable, parallel_safe, name = "compound_interest")]
fn compound_interest_with_changes(
    principal: Num,
    rates_from: List<Day>,
    annual_rates: List<Num>,
    start_date: Day,
    end_date: Day,
    compounding: default!(Name<'_>, "'annual'"),
    day_count: default!(Name<'_>, "'ACT/365F'"),
) -> Answer<Num> {
    let rates = rate_changes(&rates_from, &annual_rates)?;
    let compounding = Compounding::parse(compounding.0).or_report()?;
    let period = period(start_date, end_date, &day_count)?;
    cashflow::compound_interest(principal.0, &rates, compounding, &period).or_report().map(Num)
}

#[pg_extern(immutable, parallel_safe)]
fn daily_interest(
    balance: Num,
    annual_rate: Num,
    on_date: Day,
    day_count: default!(Name<'_>, "'ACT/365F'"),
    minor_units: default!(Option<Whole>, "NULL"),
    mode: default!(Name<'_>, "'half_even'"),
) -> Answer<Num> {
    let basis = DayBasis::of(DayCount::parse(day_count.0).or_report()?).or_report()?;
    let mode = RoundingMode::parse(mode.0).or_report()?;
    let exact = cashflow::daily_interest(balance.0, annual_rate.0, basis, on_date.0).or_report()?;
    match minor_units {
        None => Ok(Num(exact)),
        Some(Whole(decimals)) => {
            let minor_units = money::minor_units(decimals).or_report()?;
            Ok(Num(decimal::round(exact, minor_units, mode)))
        }
    }
}

#[pg_extern(immutable, parallel_safe)]
fn effective_rate(nominal_rate: Num, periods_per_year: default!(i32, 12)) -> Answer<Num> {
    cashflow::effective_rate(nominal_rate.0, i64::from(periods_per_year)).or_report().map(Num)
}

#[pg_extern(immutable, parallel_safe)]
fn nominal_rate(effective_rate: Num, periods_per_year: default!(i32, 12)) -> Answer<Num> {
    cashflow::nominal_rate(effective_rate.0, i64::from(periods_per_year)).or_report().map(Num)
}

#[pg_extern(immutable, parallel_safe)]
fn convert_rate(
    annual_rate: Num,
    from_compounding: Name<'_>,
    to_compounding: Name<'_>,
    years: default!(Num, "1"),
) -> Answer<Num> {
    let from = Compounding::parse(from_compounding.0).or_report()?;
    let to = Compounding::parse(to_compounding.0).or_report()?;
    cashflow::equivalent_rate(annual_rate.0, from, to, years.0).or_report().map(Num)
}
