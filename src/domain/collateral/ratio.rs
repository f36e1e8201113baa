//! Debt over value, and what is missing when there is too little of it.

use rust_decimal::Decimal;

use super::CollateralError;
use super::valuation::{not_negative, positive};
use crate::domain::decimal::{div, mul, sub};

/// Debt over value, a fraction. No value and no debt is zero; debt without value has no ratio.
///
/// # Errors
/// [`CollateralError`] for a debt or value below zero.
pub fn loan_to_value(debt: Decimal, value: Decimal) -> Result<Option<Decimal>, CollateralError> {
    let (debt, value) = (not_negative("the debt", debt)?, not_negative("the value", value)?);
    if debt.is_zero() {
        return Ok(Some(Decimal::ZERO));
    }
    Ok(if value.is_zero() { None } else { Some(div(debt, value)?) })
}

/// What would bring the ratio to a target: as money, `debt − target × value`, and as more
/// collateral after haircuts, `debt / target − value`; zero where nothing is missing.
///
/// # Errors
/// [`CollateralError`] for a target that is not positive.
pub fn shortfall(
    debt: Decimal,
    value: Decimal,
    target: Decimal,
) -> Result<(Decimal, Decimal), CollateralError> {
    let (debt, value) = (not_negative("the debt", debt)?, not_negative("the value", value)?);
    let target = positive("the target", target)?;
    let money = sub(debt, mul(target, value)?)?;
    if money <= Decimal::ZERO {
        return Ok((Decimal::ZERO, Decimal::ZERO));
    }
    Ok((money, sub(div(debt, target)?, value)?))
}

/// How much value may leave so that the ratio does not exceed a target; zero where none may.
///
/// # Errors
/// As [`shortfall`].
pub fn surplus_value(
    debt: Decimal,
    value: Decimal,
    target: Decimal,
) -> Result<Decimal, CollateralError> {
    let (debt, value) = (not_negative("the debt", debt)?, not_negative("the value", value)?);
    let needed = div(debt, positive("the target", target)?)?;
    Ok(sub(value, needed)?.max(Decimal::ZERO))
}

/// The price of one asset at which the ratio is `level`: `(debt / level − other value) / quantity`,
/// the quantity counted after purity, exchange rate and haircut. NULL where the other value is
/// enough at any price.
///
/// # Errors
/// [`CollateralError`] for a level or quantity that is not positive.
pub fn crossing_price(
    debt: Decimal,
    level: Decimal,
    quantity: Decimal,
    other_value: Decimal,
) -> Result<Option<Decimal>, CollateralError> {
    let needed = div(not_negative("the debt", debt)?, positive("the level", level)?)?;
    let missing = sub(needed, not_negative("the other value", other_value)?)?;
    let quantity = positive("the quantity", quantity)?;
    Ok(if missing > Decimal::ZERO { Some(div(missing, quantity)?) } else { None })
}

/// A limit of the ratio for loans up to an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LtvTier {
    /// The most that a loan of this tier is of; without end when `None`.
    pub up_to: Option<Decimal>,
    /// The highest ratio of a loan of this tier.
    pub ltv: Decimal,
}

/// The highest ratio for a loan of an amount: that of the first tier the amount does not exceed, as
/// the Reserve Bank of India's directions on loans against gold have it (6 June 2025).
///
/// # Errors
/// [`CollateralError::NoTier`] for more than the last tier allows.
pub fn tiered_ltv(amount: Decimal, tiers: &[LtvTier]) -> Result<Decimal, CollateralError> {
    tiers
        .iter()
        .find(|tier| tier.up_to.is_none_or(|most| amount <= most))
        .map(|tier| tier.ltv)
        .ok_or(CollateralError::NoTier(amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn ratio_shortfall_and_surplus_agree() {
        assert_eq!(loan_to_value(d("80"), d("100")).unwrap(), Some(d("0.8")));
        assert_eq!(loan_to_value(d("0"), d("0")).unwrap(), Some(d("0")));
        // No value is no ratio of zero: a debt without collateral must not look safe.
        assert_eq!(loan_to_value(d("80"), d("0")).unwrap(), None);
        assert_eq!(shortfall(d("90"), d("100"), d("0.75")).unwrap(), (d("15"), d("20")));
        assert_eq!(shortfall(d("75"), d("100"), d("0.75")).unwrap(), (d("0"), d("0")));
        assert_eq!(surplus_value(d("60"), d("100"), d("0.75")).unwrap(), d("20"));
        assert_eq!(surplus_value(d("90"), d("100"), d("0.75")).unwrap(), d("0"));
        assert!(loan_to_value(d("-1"), d("1")).is_err());
        assert!(shortfall(d("1"), d("1"), d("0")).is_err());
    }

    #[test]
    fn the_crossing_price_brings_the_ratio_to_the_level() {
        let price = crossing_price(d("85"), d("0.85"), d("2"), d("10")).unwrap().unwrap();
        assert_eq!(price, d("45"));
        assert_eq!(loan_to_value(d("85"), d("10") + d("2") * price).unwrap(), Some(d("0.85")));
        assert_eq!(crossing_price(d("85"), d("0.85"), d("2"), d("100")).unwrap(), None);
    }
}
