//! Flows at equal intervals: present value, internal rate of return and its modified form.

use rust_decimal::Decimal;

use super::CashflowError;
use super::compounding::check_rate;
use super::dated::force_of;
use super::error::finite;
use super::rate_of_return::{BothSides, CarefulSum, Flows};
use crate::domain::decimal::{add, div};
use crate::domain::limits::CASH_FLOWS_MAX;

/// The present value of `values` at a rate per period: the sum of `v_k (1 + r)^-k`, k counted from
/// zero, so that the first value is not discounted. (Spreadsheets' NPV discounts the first by one
/// period and is this divided by `1 + r`.)
///
/// # Errors
/// [`CashflowError::RateTooLow`] at or below minus one, [`CashflowError::NotFinite`],
/// [`CashflowError::TooManyFlows`], and [`CashflowError::OutOfRange`] for a value no double holds.
pub fn npv(rate: f64, values: &[f64]) -> Result<f64, CashflowError> {
    force_of(rate)?;
    check_values(values)?;
    let growth = 1.0 + rate;
    let value = values.iter().rev().fold(0.0, |later, value| later / growth + value);
    if value.is_finite() {
        Ok(value)
    } else {
        Err(CashflowError::OutOfRange { what: "the present value" })
    }
}

/// [`npv`] in decimals, for values that are posted: each step is rounded to 28 digits.
///
/// # Errors
/// As [`npv`], and [`CashflowError::Arithmetic`] for what does not fit.
pub fn npv_exact(rate: Decimal, values: &[Decimal]) -> Result<Decimal, CashflowError> {
    check_rate(rate)?;
    check_count(values.len())?;
    let growth = add(Decimal::ONE, rate)?;
    let mut later = Decimal::ZERO;
    for &value in values.iter().rev() {
        later = add(div(later, growth)?, value)?;
    }
    Ok(later)
}

/// The rate per period at which `values` are worth nothing today; None if there is none.
///
/// Values whose sign changes once have one rate; where several solve the equation the choice is
/// that of [`super::DatedFlows::xirr`], a period taking the place of the year.
///
/// # Errors
/// [`CashflowError::NotFinite`] with the place of the value, [`CashflowError::TooManyFlows`],
/// [`CashflowError::OutOfRange`] for values too large to be summed, and
/// [`CashflowError::NotVerified`].
pub fn irr(values: &[f64]) -> Result<Option<f64>, CashflowError> {
    match periods(values)?.as_ref().and_then(BothSides::of) {
        Some(sides) => sides.rate(),
        None => Ok(None),
    }
}

/// Every rate per period at which `values` are worth nothing today, in order.
///
/// # Errors
/// As [`irr`].
pub fn irr_all(values: &[f64]) -> Result<Vec<f64>, CashflowError> {
    match periods(values)?.as_ref().and_then(BothSides::of) {
        Some(sides) => sides.all_rates(),
        None => Ok(Vec::new()),
    }
}

/// The modified internal rate of return: what is paid is discounted to the start at
/// `finance_rate`, what is received is carried to the end at `reinvest_rate`, and the rate is the
/// one that turns the first into the second over the periods. None unless something is paid,
/// something is received and there are two values at least.
///
/// # Errors
/// As [`npv`].
pub fn mirr(
    values: &[f64],
    finance_rate: f64,
    reinvest_rate: f64,
) -> Result<Option<f64>, CashflowError> {
    let (finance, reinvest) = (force_of(finance_rate)?, force_of(reinvest_rate)?);
    check_values(values)?;
    let last = values.len().saturating_sub(1) as f64;
    let worth = |sign: f64, weight: &dyn Fn(f64) -> f64| {
        let part = values.iter().enumerate().map(|(at, v)| (v * sign).max(0.0) * weight(at as f64));
        part.collect::<CarefulSum>().total()
    };
    let paid = worth(-1.0, &|at| (-finance * at).exp());
    let received = worth(1.0, &|at| (reinvest * (last - at)).exp());
    if paid == 0.0 || received == 0.0 || last < 1.0 {
        return Ok(None);
    }
    let rate = ((received / paid).ln() / last).exp_m1();
    if rate.is_finite() {
        Ok(Some(rate))
    } else {
        Err(CashflowError::OutOfRange { what: "the modified rate of return" })
    }
}

fn periods(values: &[f64]) -> Result<Option<Flows>, CashflowError> {
    check_values(values)?;
    Flows::new(values.iter().enumerate().map(|(index, &value)| (index as f64, value)), 1.0)
}

fn check_values(values: &[f64]) -> Result<(), CashflowError> {
    check_count(values.len())?;
    for (index, &value) in values.iter().enumerate() {
        finite(value, "a value", Some(index + 1))?;
    }
    Ok(())
}

fn check_count(count: usize) -> Result<(), CashflowError> {
    if count > CASH_FLOWS_MAX { Err(CashflowError::TooManyFlows { count }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Flows whose rates are the given hundredths, exactly: the coefficients of the product of
    /// `100 (1 + r) - a`, whole numbers that a double holds.
    fn with_rates(hundredths: &[i64]) -> Vec<f64> {
        let mut product = vec![1_i64];
        for hundredth in hundredths {
            let mut next = vec![0; product.len() + 1];
            for (index, coefficient) in product.iter().enumerate() {
                next[index] += 100 * coefficient;
                next[index + 1] -= (100 + hundredth) * coefficient;
            }
            product = next;
        }
        product.into_iter().map(|coefficient| coefficient as f64).collect()
    }

    fn close(found: &[f64], wanted: &[f64], tolerance: f64) -> bool {
        found.len() == wanted.len()
            && found.iter().zip(wanted).all(|(a, b)| (a - b).abs() <= tolerance * (1.0 + b.abs()))
    }

    /// The oil pump of J. H. Lorie and L. J. Savage, Three problems in rationing capital, 1955: 25
    /// and 400 per cent.
    #[test]
    fn a_project_with_two_rates() {
        let pump = [-1_600.0, 10_000.0, -10_000.0];
        assert!(close(&irr_all(&pump).unwrap(), &[0.25, 4.0], 1e-14));
        // The pump loses 1,600 over all, and its lower rate is the nearer one.
        assert!((irr(&pump).unwrap().unwrap() - 0.25).abs() < 1e-14);
    }

    #[test]
    fn a_rate_that_is_only_touched_is_found() {
        assert!(close(&irr_all(&[-100.0, 220.0, -121.0]).unwrap(), &[0.1], 1e-9));
        assert!((irr(&[-100.0, 220.0, -121.0]).unwrap().unwrap() - 0.1).abs() < 1e-9);
        // A hair below it is not, a hair above it parts in two.
        assert_eq!(irr(&[-100.0, 220.0, -121.000_001]).unwrap(), None);
        assert_eq!(irr_all(&[-100.0, 220.0, -120.999_999]).unwrap().len(), 2);
        // Rounding moves a multiple root by its own root: 1e-16 to the power of a sixth here.
        let sixfold = irr_all(&with_rates(&[10; 6])).unwrap();
        assert!(close(&sixfold, &[0.1], 1e-2), "{sixfold:?}");
    }

    #[test]
    fn no_rate_where_there_is_none() {
        for values in [&[][..], &[0.0, 0.0], &[5.0], &[1.0, 2.0], &[-1.0, 0.0, -2.0]] {
            assert_eq!(irr(values).unwrap(), None);
        }
        assert_eq!(irr(&[100.0, -100.0, 100.0]).unwrap(), None);
        assert_eq!(irr(&[100.0, -100.0]).unwrap(), Some(0.0));
        assert_eq!(irr(&[-3.0, 1.0, 1.0, 1.0]).unwrap(), Some(0.0));
    }

    #[test]
    fn extreme_rates_keep_their_digits() {
        for rate in [1e-12, 1e-3, 1.0, 1e6, 1e15, 1e200, -1e-12, -0.5, -0.999_999, -1.0 + 1e-12] {
            let found = irr(&[-1.0, 1.0 + rate]).unwrap().unwrap();
            // What is sought is ln(1 + r), and its last digit is worth more in a large rate.
            let digits = 4e-16 * (1.0 + rate).ln().abs().max(1.0);
            assert!((found - rate).abs() <= digits * (1.0 + rate), "{found} is not {rate}");
        }
        // A loss so complete that a double cannot tell the rate from minus one.
        assert_eq!(irr(&[-1.0, 1e-17]).unwrap(), None);
        assert_eq!(irr(&[-1e-300, 1e300]).unwrap(), None);
        let long: Vec<f64> = (0..400).map(|k| if k == 0 { -1.0 } else { 1e5 }).collect();
        assert!((irr(&long).unwrap().unwrap() - 1e5).abs() < 1e-9);
    }

    #[test]
    fn bad_values_are_refused_with_their_place() {
        assert_eq!(
            irr(&[-1.0, f64::NAN]),
            Err(CashflowError::NotFinite { what: "a value", position: Some(2) })
        );
        assert!(npv(0.1, &[f64::INFINITY]).is_err() && npv(f64::NAN, &[1.0]).is_err());
        for rate in [-1.0, -1.5, f64::NEG_INFINITY] {
            assert!(npv(rate, &[1.0, 2.0]).is_err());
            assert!(mirr(&[-1.0, 2.0], rate, 0.1).is_err());
        }
        assert!(npv_exact(Decimal::NEGATIVE_ONE, &[Decimal::ONE]).is_err());
        assert!(matches!(npv(-0.999, &[0.0; 200]), Ok(0.0)));
        let late: Vec<f64> = (0..200).map(|k| if k == 199 { 1.0 } else { 0.0 }).collect();
        assert!(matches!(npv(-0.999, &late), Err(CashflowError::OutOfRange { .. })));
    }

    #[test]
    fn exact_values_are_exact() {
        let values = [-100, 60, 60].map(Decimal::from);
        assert_eq!(npv_exact(Decimal::new(25, 2), &values).unwrap(), Decimal::new(-136, 1));
        assert!((npv(0.25, &[-100.0, 60.0, 60.0]).unwrap() + 13.6).abs() < 1e-13);
        assert_eq!(mirr(&[1.0, 2.0], 0.1, 0.1).unwrap(), None);
        assert_eq!(mirr(&[-1.0], 0.1, 0.1).unwrap(), None);
        let rate = mirr(&[-100.0, 0.0, 121.0], 0.3, 0.2).unwrap().unwrap();
        assert!((rate - 0.1).abs() < 1e-15);
    }

    proptest! {
        /// Every rate a polynomial was made of is found, and no other.
        #[test]
        fn all_rates_are_found(
            lowest in -90i64..100,
            // Neighbours a hundredth apart are told apart if there are not too many of them.
            gaps in prop_oneof![
                proptest::collection::vec(1i64..150, 0..3),
                proptest::collection::vec(10i64..150, 3..5),
            ],
        ) {
            let mut hundredths = vec![lowest];
            for gap in gaps {
                hundredths.push(hundredths[hundredths.len() - 1] + gap);
            }
            let wanted: Vec<f64> = hundredths.iter().map(|&a| a as f64 / 100.0).collect();
            let values = with_rates(&hundredths);
            let found = irr_all(&values).unwrap();
            prop_assert!(close(&found, &wanted, 1e-7), "{found:?} is not {wanted:?}");
            let one = irr(&values).unwrap();
            if let Some(one) = one {
                prop_assert!(found.iter().any(|rate| (rate - one).abs() < 1e-9 * (1.0 + rate.abs())));
            }
        }

        #[test]
        fn the_value_at_the_rate_is_nothing(
            values in proptest::collection::vec(-1_000_000i64..1_000_000, 2..80)
        ) {
            let values: Vec<f64> = values.into_iter().map(|cents| cents as f64 / 100.0).collect();
            for rate in irr_all(&values).unwrap() {
                // Rates at which the terms lie more than a double's digits apart cannot be checked
                // with a plain sum.
                if rate < -0.3 { continue; }
                let gross: f64 =
                    values.iter().enumerate().map(|(k, v)| v.abs() * (1.0 + rate).powi(-(k as i32))).sum();
                let value = npv(rate, &values).unwrap();
                prop_assert!(value.abs() <= 1e-12 * gross, "{value} at {rate}");
            }
        }

        /// A scan much finer than any feature of so short a series sees no sign change that the
        /// proof did not find.
        #[test]
        fn no_rate_is_missed(
            values in proptest::collection::vec(-1_000i64..1_000, 2..9)
        ) {
            let values: Vec<f64> = values.into_iter().map(|value| value as f64).collect();
            let found = irr_all(&values).unwrap();
            let at = |force: f64| -> f64 {
                values.iter().enumerate().map(|(k, v)| v * (-force * k as f64).exp()).sum()
            };
            let points: Vec<f64> = (-3_000..3_000).map(|k| (k as f64 + 0.37) / 1_000.0).collect();
            for pair in points.windows(2) {
                if at(pair[0]) * at(pair[1]) < 0.0 {
                    let (low, high) = (pair[0].exp_m1(), pair[1].exp_m1());
                    prop_assert!(
                        found.iter().any(|&rate| rate >= low - 1e-9 && rate <= high + 1e-9),
                        "{found:?} misses one in {low}..{high}"
                    );
                }
            }
        }

        #[test]
        fn a_conventional_project_has_the_rate_it_was_made_with(
            rate in -0.9f64..3.0,
            receipts in proptest::collection::vec(0.0f64..1_000.0, 1..60),
        ) {
            prop_assume!(receipts.iter().any(|receipt| *receipt > 1.0));
            let mut values = vec![0.0];
            values.extend(&receipts);
            values[0] = -npv(rate, &values).unwrap();
            let found = irr(&values).unwrap().unwrap();
            prop_assert!((found - rate).abs() < 1e-12 * (1.0 + rate), "{found} is not {rate}");
        }
    }
}
