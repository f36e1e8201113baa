//! Currencies, rounding and allocation.

use pgrx::prelude::*;

use crate::domain::decimal;
use crate::domain::money::{self, RoundingMode};
use crate::pg::{Answer, List, Name, Num, OrReport, Whole};

#[pg_extern(immutable, parallel_safe)]
fn currencies() -> TableIterator<
    'static,
    (name!(currency, &'static str), name!(number, i32), name!(minor_units, i32)),
> {
    TableIterator::new(
        money::currencies()
            .iter()
            .map(|one| (one.code, i32::from(one.number), one.minor_units as i32)),
    )
}

#[pg_extern(immutable, parallel_safe)]
fn minor_units(currency: Name<'_>) -> Answer<i32> {
    Ok(money::currency(currency.0).or_report()?.minor_units as i32)
}

#[pg_extern(immutable, parallel_safe)]
fn round_money(
    amount: Num,
    currency: Name<'_>,
    mode: default!(Name<'_>, "'half_even'"),
) -> Answer<Num> {
    let minor_units = money::currency(currency.0).or_report()?.minor_units;
    let mode = RoundingMode::parse(mode.0).or_report()?;
    Ok(Num(decimal::round(amount.0, minor_units, mode)))
}

fn line(
    base: Num,
    per_day: Num,
    currency: Name<'_>,
    rounding: Name<'_>,
) -> Answer<money::StraightLine> {
    Ok(money::StraightLine {
        base: base.0,
        per_day: per_day.0,
        minor_units: money::currency(currency.0).or_report()?.minor_units,
        mode: RoundingMode::parse(rounding.0).or_report()?,
    })
}

#[pg_extern(immutable, parallel_safe)]
fn _interest_on(
    base: Num,
    per_day: Num,
    days: i32,
    currency: Name<'_>,
    rounding: Name<'_>,
) -> Answer<Num> {
    line(base, per_day, currency, rounding)?.earned(days).or_report().map(Num)
}

#[pg_extern(immutable, parallel_safe)]
fn _interest_of_day(
    base: Num,
    per_day: Num,
    days: i32,
    currency: Name<'_>,
    rounding: Name<'_>,
) -> Answer<Num> {
    line(base, per_day, currency, rounding)?.added(days).or_report().map(Num)
}

#[pg_extern(immutable, parallel_safe)]
fn round_to_multiple(
    amount: Num,
    multiple: Num,
    mode: default!(Name<'_>, "'half_even'"),
) -> Answer<Num> {
    let mode = RoundingMode::parse(mode.0).or_report()?;
    money::round_to_multiple(amount.0, multiple.0, mode).or_report().map(Num)
}

#[pg_extern(immutable, parallel_safe)]
fn allocate(amount: Num, weights: List<Num>, minor_units: default!(Whole, 2)) -> Answer<Vec<Num>> {
    let weights: Vec<_> = weights.iter().map(|weight| weight.0).collect();
    let minor_units = money::minor_units(minor_units.0).or_report()?;
    let shares = money::allocate(amount.0, &weights, minor_units).or_report()?;
    Ok(shares.into_iter().map(Num).collect())
}
