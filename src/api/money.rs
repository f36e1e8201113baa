//! Currencies, rounding and allocation.

use pgrx::prelude::*;

use crate::domain::decimal;
use crate::domain::money::{self, RoundingMode};
use crate::pg::{Answer, List, Name, Num, OrReport, Whole};

#[pg_extern(immutable, parallel_safe)]
fn round_money(
    amount: Num,
    currency: default!(Name<'_>, "'EUR'"),
    mode: default!(Name<'_>, "'half_even'"),
) -> Answer<Num> {
    let currency = money::currency(currency.0).or_report()?;
    let mode = RoundingMode::parse(mode.0).or_report()?;
    Ok(Num(decimal::round(amount.0, currency.minor_units, mode)))
}

#[pg_extern(immutable, parallel_safe)]
fn minor_units(currency: Name<'_>) -> Answer<i32> {
    Ok(money::currency(currency.0).or_report()?.minor_units as i32)
}

#[pg_extern(immutable, parallel_safe)]
fn allocate(amount: Num, weights: List<Num>, decimals: default!(Whole, 2)) -> Answer<Vec<Num>> {
    let weights: Vec<_> = weights.iter().map(|weight| weight.0).collect();
    let shares = money::allocate(amount.0, &weights, decimals.0 as u32).or_report()?;
    Ok(shares.into_iter().map(Num).collect())
}
