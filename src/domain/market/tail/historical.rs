//! The tail of the returns that there were.

use rust_decimal::prelude::ToPrimitive;

use super::Confidence;
use super::quantile::{QuantileType, quantile};
use crate::domain::decimal::{mul, sub};
use crate::domain::market::error::{MarketError, finite};
use crate::domain::market::exact::ExactSum;

/// Which returns an expected shortfall is the mean of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TailRule {
    /// The worst share of all, the return at its border in part (Rockafellar and Uryasev 2002, Acerbi
    /// and Tasche 2002): coherent, and never empty.
    #[default]
    Share,
    /// Those below the quantile, as QuantLib and PerformanceAnalytics have it; there may be none.
    Below,
    /// Those below the quantile or equal to it.
    UpTo,
}

/// Value at risk of returns in ascending order: the quantile of what is lost. None without returns.
///
/// # Errors
/// As [`quantile`].
pub fn value_at_risk(
    sorted: &[f64],
    confidence: Confidence,
    kind: QuantileType,
) -> Result<Option<f64>, MarketError> {
    Ok(quantile(sorted, confidence.tail(), kind)?.map(|value| -value))
}

/// Expected shortfall of returns in ascending order; None where the rule finds none.
///
/// # Errors
/// As [`quantile`].
pub fn expected_shortfall(
    sorted: &[f64],
    confidence: Confidence,
    rule: TailRule,
    kind: QuantileType,
) -> Result<Option<f64>, MarketError> {
    if rule == TailRule::Share {
        return share_of_worst(sorted, confidence);
    }
    let Some(border) = quantile(sorted, confidence.tail(), kind)? else { return Ok(None) };
    let beyond = |value: &f64| *value < border || (rule == TailRule::UpTo && *value == border);
    let worst = sorted.get(..sorted.partition_point(beyond)).unwrap_or_default();
    if worst.is_empty() {
        return Ok(None);
    }
    Ok(Some(-sum(worst) / worst.len() as f64))
}

/// The mean of the worst share, exactly so much of all.
fn share_of_worst(sorted: &[f64], confidence: Confidence) -> Result<Option<f64>, MarketError> {
    let out = |_| MarketError::OutOfRange("the size of the tail");
    let mass = mul(confidence.tail(), sorted.len().into()).map_err(out)?;
    let part = sub(mass, mass.floor()).map_err(out)?;
    let whole = mass.floor().to_usize().unwrap_or(usize::MAX);
    let (Some(worst), Some(mass), Some(part)) = (sorted.get(..whole), mass.to_f64(), part.to_f64())
    else {
        return Ok(None);
    };
    let border = sorted.get(whole).copied().unwrap_or_default();
    Ok((mass > 0.0).then(|| -(sum(worst) + part * border) / mass))
}

fn sum(values: &[f64]) -> f64 {
    let mut sum = ExactSum::default();
    values.iter().for_each(|value| sum.add(*value));
    sum.value()
}

/// Value at risk of returns in ascending order that count by weights (Boudoukh, Richardson and
/// Whitelaw 1998): the first return up to which the weights come to the tail's share of all.
///
/// # Errors
/// A weight that is not finite or below zero.
pub fn weighted_value_at_risk(
    sorted: &[(f64, f64)],
    confidence: Confidence,
) -> Result<Option<f64>, MarketError> {
    let wanted = confidence.tail_share() * total_weight(sorted)?;
    let mut so_far = 0.0;
    for (value, weight) in sorted {
        so_far += weight;
        // Sums of weights are rounded; one that should be the share must not be passed over.
        if so_far >= wanted * (1.0 - 1e-12) && so_far > 0.0 {
            return Ok(Some(-value));
        }
    }
    Ok(None)
}

/// Expected shortfall of the same: the mean of the worst share of all weights.
///
/// # Errors
/// A weight that is not finite or below zero.
pub fn weighted_expected_shortfall(
    sorted: &[(f64, f64)],
    confidence: Confidence,
) -> Result<Option<f64>, MarketError> {
    let mass = confidence.tail_share() * total_weight(sorted)?;
    let (mut left, mut worst) = (mass, ExactSum::default());
    for (value, weight) in sorted {
        worst.add(value * weight.min(left));
        left -= weight.min(left);
        if left <= 0.0 {
            break;
        }
    }
    Ok((mass > 0.0).then(|| -worst.value() / mass))
}

fn total_weight(weighted: &[(f64, f64)]) -> Result<f64, MarketError> {
    let mut sum = ExactSum::default();
    for (value, weight) in weighted {
        finite(*value)?;
        let holds = *weight >= 0.0;
        sum.add(crate::domain::market::error::within("weight", *weight, holds, "of zero or more")?);
    }
    Ok(sum.value())
}

/// Sums of so many returns in a row, one beginning with each: log returns over several days.
pub fn overlapping_sums(returns: &[f64], days: usize) -> Vec<f64> {
    returns.windows(days.max(1)).map(sum).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;

    fn confidence() -> impl Strategy<Value = Confidence> {
        (1i64..999).prop_map(|thousandths| Confidence::new(Decimal::new(thousandths, 3)).unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// What is lost beyond a border is no less than the border, the share of the worst no more
        /// than the worst, and equal weights are none.
        #[test]
        fn the_tail_is_beyond_its_border(
            mut returns in proptest::collection::vec(-1.0..1.0, 1..60), confidence in confidence(),
        ) {
            returns.sort_by(f64::total_cmp);
            let disc = value_at_risk(&returns, confidence, QuantileType::DISCRETE).unwrap().unwrap();
            let shortfall = |rule| {
                expected_shortfall(&returns, confidence, rule, QuantileType::DISCRETE).unwrap()
            };
            let share = shortfall(TailRule::Share).unwrap();
            prop_assert!(share >= disc - 1e-15 && share <= -returns[0] + 1e-15);
            prop_assert!(shortfall(TailRule::UpTo).unwrap() >= disc);
            prop_assert!(shortfall(TailRule::Below).is_none_or(|below| below > disc));
            let weighted: Vec<(f64, f64)> = returns.iter().map(|value| (*value, 0.25)).collect();
            prop_assert_eq!(weighted_value_at_risk(&weighted, confidence).unwrap(), Some(disc));
            let mean = weighted_expected_shortfall(&weighted, confidence).unwrap().unwrap();
            prop_assert!((mean - share).abs() < 1e-12);
        }

        /// Expected shortfall is coherent where value at risk is not: that of a sum is no more than
        /// the sum of those of its parts.
        #[test]
        fn putting_together_adds_no_shortfall(
            both in proptest::collection::vec((-1.0f64..1.0, -1.0f64..1.0), 1..60), confidence in confidence(),
        ) {
            let shortfall = |values: Vec<f64>| {
                let mut values = values;
                values.sort_by(f64::total_cmp);
                expected_shortfall(&values, confidence, TailRule::Share, QuantileType::DISCRETE)
                    .unwrap().unwrap()
            };
            let whole = shortfall(both.iter().map(|(a, b)| a + b).collect());
            let one = shortfall(both.iter().map(|(a, _)| *a).collect());
            let other = shortfall(both.iter().map(|(_, b)| *b).collect());
            prop_assert!(whole <= one + other + 1e-12);
        }
    }

    #[test]
    fn no_returns_have_no_tail() {
        let confidence = Confidence::new(Decimal::new(99, 2)).unwrap();
        for kind in [QuantileType::DISCRETE, QuantileType::INTERPOLATED] {
            assert_eq!(value_at_risk(&[], confidence, kind), Ok(None));
            let rules = [TailRule::Share, TailRule::Below, TailRule::UpTo];
            for rule in rules {
                assert_eq!(expected_shortfall(&[], confidence, rule, kind), Ok(None));
            }
        }
        for bad in ["0", "1", "-0.1", "0.1234567890123"] {
            assert!(Confidence::new(bad.parse().unwrap()).is_err());
        }
    }
}
