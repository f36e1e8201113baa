//! Annual percentage rates as consumer law defines them.

use chrono::NaiveDate;
use pgrx::prelude::*;
use rust_decimal::Decimal;

use super::UnequalLists;
use crate::domain::cashflow::{self, Apr, CashflowError, EuPeriod};
use crate::domain::decimal;
use crate::pg::{Answer, Day, List, Name, Num, OrReport};

type Flows = Vec<(NaiveDate, Decimal)>;

/// What the borrower receives, and what the borrower pays as positive amounts.
pub(in crate::api) fn by_direction(
    flows: impl Iterator<Item = (NaiveDate, Decimal)>,
) -> (Flows, Flows) {
    let (received, mut paid): (Flows, Flows) = flows.partition(|flow| flow.1.is_sign_positive());
    for flow in &mut paid {
        flow.1.set_sign_positive(true);
    }
    (received, paid)
}

fn dated(amounts: &List<Num>, dates: &List<Day>) -> Answer<(Flows, Flows)> {
    if amounts.len() != dates.len() {
        return Err(UnequalLists(amounts.len(), dates.len())).or_report();
    }
    Ok(by_direction(dates.iter().zip(amounts.iter()).map(|(day, amount)| (day.0, amount.0))))
}

fn shown(apr: Result<Option<Apr>, CashflowError>, rounded: bool) -> Answer<Option<Num>> {
    match apr.or_report()? {
        None => Ok(None),
        Some(apr) if rounded => Ok(Some(Num(apr.disclosed))),
        Some(apr) => decimal::from_f64(apr.annual_rate).or_report().map(|rate| Some(Num(rate))),
    }
}

#[pg_extern(immutable, parallel_safe)]
fn apr_us(
    amounts: List<Num>,
    dates: List<Day>,
    rounded: default!(bool, true),
) -> Answer<Option<Num>> {
    let (advances, payments) = dated(&amounts, &dates)?;
    shown(cashflow::apr_us_dated(&advances, &payments), rounded)
}

#[pg_extern(immutable, parallel_safe)]
fn apr_eu(
    amounts: List<Num>,
    dates: List<Day>,
    period: default!(Name<'_>, "'months'"),
    rounded: default!(bool, true),
) -> Answer<Option<Num>> {
    let period = EuPeriod::parse(period.0).or_report()?;
    let (drawdowns, payments) = dated(&amounts, &dates)?;
    shown(cashflow::apr_eu_dated(&drawdowns, &payments, period), rounded)
}
