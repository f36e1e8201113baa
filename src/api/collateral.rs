//! What is pledged for loans: weights, purity, values, ratios and the margin ladder.

use pgrx::prelude::*;

use rust_decimal::Decimal;

use crate::domain::collateral::{
    self, CurvePoint, Expression, Leg, Levels, LtvTier, Pool, WeightUnit, look,
};
use crate::pg::{Answer, Document, List, Name, Num, One, OrReport, Whole, cell};

#[pg_extern(immutable, parallel_safe)]
fn convert_weight(weight: Num, from_unit: Name<'_>, to_unit: Name<'_>) -> Answer<Num> {
    let from = WeightUnit::parse(from_unit.0).or_report()?;
    let to = WeightUnit::parse(to_unit.0).or_report()?;
    collateral::convert_weight(weight.0, from, to).or_report().map(Num)
}

#[pg_extern(immutable, parallel_safe)]
fn purity(mark: Name<'_>) -> Answer<Num> {
    collateral::purity(mark.0).or_report().map(Num)
}

#[pg_extern(immutable, parallel_safe)]
fn haircut_value(
    quantity: Num,
    price: Num,
    purity: default!(Num, 1),
    haircut: default!(Num, 0),
    exchange_rate: default!(Num, 1),
) -> Answer<Num> {
    collateral::haircut_value(quantity.0, purity.0, price.0, exchange_rate.0, haircut.0)
        .or_report()
        .map(Num)
}

#[pg_extern(immutable, parallel_safe)]
fn indexed_value(appraisal: Num, index_then: Num, index_now: Num) -> Answer<Num> {
    collateral::indexed_value(appraisal.0, index_then.0, index_now.0).or_report().map(Num)
}

#[pg_extern(immutable, parallel_safe)]
fn depreciated_value(
    price: Num,
    age_months: Whole,
    curve_months: List<Whole>,
    curve_remaining: List<Num>,
) -> Answer<Num> {
    same_length(curve_months.len(), curve_remaining.len()).or_report()?;
    let curve: Vec<_> = curve_months
        .iter()
        .zip(curve_remaining.iter())
        .map(|(months, remaining)| CurvePoint { age_months: months.0, remaining: remaining.0 })
        .collect();
    collateral::depreciated_value(price.0, &curve, age_months.0).or_report().map(Num)
}

#[pg_extern(immutable, parallel_safe)]
fn expression_names(expression: Name<'_>) -> Answer<Vec<String>> {
    Ok(Expression::parse(expression.0).or_report()?.names())
}

#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"
create function expression_value(expression text, named_values jsonb)
returns table (fixed numeric, per_price numeric)
language c immutable parallel safe strict cost 10 rows 1
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
fn expression_value(expression: Name<'_>, named_values: Document) -> Answer<One> {
    let read = Expression::parse(expression.0).or_report()?;
    let line = read.evaluate(&|name| number(named_values.0.get(name)?)).or_report()?;
    Ok(One(vec![cell(Num(line.fixed)), cell(Num(line.per_price))]))
}

/// A number, or the text of one, to the digit.
fn number(value: &serde_json::Value) -> Option<Decimal> {
    match value {
        serde_json::Value::Number(number) => Decimal::from_str_exact(&number.to_string()).ok(),
        serde_json::Value::String(text) => Decimal::from_str_exact(text).ok(),
        _ => None,
    }
}

#[pg_extern(immutable, parallel_safe)]
fn loan_to_value(debt: Num, value: Num) -> Answer<Option<Num>> {
    Ok(collateral::loan_to_value(debt.0, value.0).or_report()?.map(Num))
}

#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"
create function margin_shortfall(debt numeric, value numeric, target numeric)
returns table (money numeric, collateral numeric)
language c immutable parallel safe strict cost 10 rows 1
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
fn margin_shortfall(debt: Num, value: Num, target: Num) -> Answer<One> {
    let (money, more) = collateral::shortfall(debt.0, value.0, target.0).or_report()?;
    Ok(One(vec![cell(Num(money)), cell(Num(more))]))
}

#[pg_extern(immutable, parallel_safe)]
fn margin_price(
    debt: Num,
    level: Num,
    quantity: Num,
    other_value: default!(Num, 0),
) -> Answer<Option<Num>> {
    let price = collateral::crossing_price(debt.0, level.0, quantity.0, other_value.0);
    Ok(price.or_report()?.map(Num))
}

/// Amounts are the highest of each tier but the last, which has no end.
#[pg_extern(immutable, parallel_safe)]
fn tiered_ltv(amount: Num, up_to: List<Num>, ltv: List<Num>) -> Answer<Num> {
    same_length(up_to.len().saturating_add(1), ltv.len()).or_report()?;
    let ends = up_to.iter().map(|most| Some(most.0)).chain([None]);
    let tiers: Vec<_> =
        ends.zip(ltv.iter()).map(|(up_to, ltv)| LtvTier { up_to, ltv: ltv.0 }).collect();
    collateral::tiered_ltv(amount.0, &tiers).or_report().map(Num)
}

#[pg_extern(immutable, parallel_safe)]
fn suggest_haircut(
    prices: List<f64>,
    confidence: default!(f64, 0.99),
    horizon: default!(Whole, 10),
) -> Answer<f64> {
    let horizon = usize::try_from(horizon.0).unwrap_or(0);
    collateral::suggest_haircut(&prices, confidence, horizon).or_report()
}

/// How a pool of collateral stands, and within which prices it stays there.
#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"
create function _margin_look(
    enters numeric[],
    hysteresis numeric,
    level integer,
    debt numeric,
    debt_per_day numeric,
    days_max integer,
    fixed numeric,
    weights numeric[],
    prices numeric[],
    rates numeric[],
    is_held boolean
) returns table (
    new_level integer,
    value numeric,
    days integer,
    falls_at numeric[],
    rises_at numeric[],
    rate_falls_at numeric[],
    rate_rises_at numeric[]
) language c immutable parallel safe strict cost 10 rows 1
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
#[allow(clippy::too_many_arguments)]
fn _margin_look(
    enters: List<Num>,
    hysteresis: Num,
    level: Whole,
    debt: Num,
    debt_per_day: Num,
    days_max: Whole,
    fixed: Num,
    weights: List<Num>,
    prices: List<Num>,
    rates: Vec<Option<Num>>,
    is_held: bool,
) -> Answer<One> {
    same_length(weights.len(), prices.len()).or_report()?;
    same_length(weights.len(), rates.len()).or_report()?;
    let enters: Vec<_> = enters.iter().map(|enter| enter.0).collect();
    let levels = Levels::new(&enters, hysteresis.0).or_report()?;
    let legs: Vec<_> = weights
        .iter()
        .zip(prices.iter())
        .zip(&rates)
        .map(|((weight, price), rate)| Leg {
            weight: weight.0,
            price: price.0,
            rate: rate.as_ref().map(|rate| rate.0),
        })
        .collect();
    let seen = look(&Pool {
        levels: &levels,
        level: usize::try_from(level.0).unwrap_or(0),
        debt: debt.0,
        debt_per_day: debt_per_day.0,
        days_max: u32::try_from(days_max.0).unwrap_or(0),
        fixed: fixed.0,
        legs: &legs,
        is_held,
    })
    .or_report()?;
    let (bands, rates) = (&seen.bands.prices, &seen.bands.rates);
    Ok(One(vec![
        cell(seen.level as i32),
        cell(Num(seen.value)),
        cell(seen.days as i32),
        cell(bands.iter().map(|band| band.falls_at.map(Num)).collect::<Vec<_>>()),
        cell(bands.iter().map(|band| band.rises_at.map(Num)).collect::<Vec<_>>()),
        cell(rates.iter().map(|band| band.and_then(|b| b.falls_at).map(Num)).collect::<Vec<_>>()),
        cell(rates.iter().map(|band| band.and_then(|b| b.rises_at).map(Num)).collect::<Vec<_>>()),
    ]))
}

fn same_length(one: usize, other: usize) -> Result<(), collateral::CollateralError> {
    if one == other { Ok(()) } else { Err(collateral::CollateralError::Lengths(one, other)) }
}
