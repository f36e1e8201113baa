//! Dividing an amount among several without losing or making a minor unit.

use rust_decimal::Decimal;

use crate::domain::decimal::{self, ArithmeticError};
use crate::domain::error::{Condition, Refusal};
use crate::domain::money::RoundingMode;

/// Why an amount cannot be divided among weights.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllocationError {
    /// No weight is positive, so nobody takes the amount.
    #[error("an amount cannot be allocated over weights that sum to zero")]
    NoWeight,
    /// A weight is negative.
    #[error("an allocation weight is negative")]
    NegativeWeight {
        /// Its place, counted from one.
        position: usize,
        /// The weight.
        weight: Decimal,
    },
    /// The amount is finer than the minor unit it is to be divided in.
    #[error("the amount has more decimals than the currency")]
    TooFine {
        /// The amount.
        amount: Decimal,
        /// The decimals it may have.
        minor_units: u32,
    },
    /// A share does not fit.
    #[error(transparent)]
    Arithmetic(#[from] ArithmeticError),
}

impl Refusal for AllocationError {
    fn condition(&self) -> Condition {
        match self {
            Self::Arithmetic(error) => error.condition(),
            _ => Condition::InvalidParameter,
        }
    }
    fn detail(&self) -> Option<String> {
        match self {
            Self::NegativeWeight { position, weight } => {
                Some(format!("Weight {position} is {weight}."))
            }
            Self::TooFine { amount, minor_units } => {
                Some(format!("The amount is {amount}; the currency has {minor_units} decimals."))
            }
            Self::NoWeight | Self::Arithmetic(_) => None,
        }
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::NoWeight => Some("Give at least one positive weight.".into()),
            Self::NegativeWeight { .. } => Some("Give weights of zero or more.".into()),
            Self::TooFine { .. } => Some("Round the amount to the currency first.".into()),
            Self::Arithmetic(error) => error.hint(),
        }
    }
}

/// `amount` divided in proportion to `weights`, each share a whole number of minor units and the
/// shares summing to `amount` exactly.
///
/// The method is the largest remainder (Hamilton): every share is first cut towards zero, then the
/// minor units left over go one each to the shares that lost most, the earlier first where they
/// lost the same. A weight of zero takes nothing.
///
/// # Errors
/// [`AllocationError`] for weights that are negative or sum to zero and for an amount finer than
/// the minor unit.
pub fn allocate(
    amount: Decimal,
    weights: &[Decimal],
    minor_units: u32,
) -> Result<Vec<Decimal>, AllocationError> {
    if decimal::round(amount, minor_units, RoundingMode::Down) != amount {
        return Err(AllocationError::TooFine { amount, minor_units });
    }
    let mut total = Decimal::ZERO;
    for (index, &weight) in weights.iter().enumerate() {
        if weight.is_sign_negative() && !weight.is_zero() {
            return Err(AllocationError::NegativeWeight { position: index + 1, weight });
        }
        total = decimal::add(total, weight)?;
    }
    if total.is_zero() {
        return Err(AllocationError::NoWeight);
    }

    let mut shares = Vec::with_capacity(weights.len());
    let mut lost = Vec::with_capacity(weights.len());
    let mut left = amount;
    for (index, &weight) in weights.iter().enumerate() {
        let exact = decimal::div(decimal::mul(amount, weight)?, total)?;
        let share = decimal::round(exact, minor_units, RoundingMode::Down);
        left = decimal::sub(left, share)?;
        if !weight.is_zero() {
            lost.push((decimal::sub(exact, share)?.abs(), index));
        }
        shares.push(share);
    }
    lost.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));

    let mut unit = Decimal::new(1, minor_units);
    unit.set_sign_negative(amount.is_sign_negative());
    for (_, index) in lost {
        if left.is_zero() {
            break;
        }
        if let Some(share) = shares.get_mut(index) {
            *share = decimal::add(*share, unit)?;
            left = decimal::sub(left, unit)?;
        }
    }
    Ok(shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn five_cents_seventy_thirty() {
        let shares = allocate(d("0.05"), &[d("3"), d("7")], 2).unwrap();
        assert_eq!(shares, [d("0.02"), d("0.03")]);
        assert_eq!(
            allocate(d("100"), &[d("1"); 3], 2).unwrap(),
            [d("33.34"), d("33.33"), d("33.33")]
        );
        assert_eq!(
            allocate(d("-1"), &[d("1"), d("0"), d("1")], 0).unwrap(),
            [d("-1"), d("0"), d("0")]
        );
    }

    #[test]
    fn what_cannot_be_divided_is_refused() {
        assert_eq!(allocate(d("1"), &[], 2), Err(AllocationError::NoWeight));
        assert!(matches!(
            allocate(d("1"), &[d("1"), d("-1")], 2),
            Err(AllocationError::NegativeWeight { position: 2, .. })
        ));
        assert!(matches!(allocate(d("0.001"), &[d("1")], 2), Err(AllocationError::TooFine { .. })));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_share_is_off_by_a_unit(
            minor in -1_000_000_000i64..1_000_000_000,
            weights in proptest::collection::vec(0u32..1000, 1..40),
            decimals in 0u32..5,
        ) {
            prop_assume!(weights.iter().any(|&weight| weight > 0));
            let amount = Decimal::new(minor, decimals);
            let weights: Vec<Decimal> = weights.into_iter().map(Decimal::from).collect();
            let total: Decimal = weights.iter().sum();
            let shares = allocate(amount, &weights, decimals).unwrap();
            prop_assert_eq!(shares.iter().sum::<Decimal>(), amount);
            for (share, weight) in shares.iter().zip(&weights) {
                let exact = amount * weight / total;
                prop_assert!((share - exact).abs() < Decimal::new(1, decimals));
            }
        }
    }
}
