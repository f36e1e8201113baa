//! What is left of the price of a thing that ages, such as a vehicle.

use rust_decimal::Decimal;

use super::CollateralError;
use super::valuation::not_negative;
use crate::domain::decimal::{add, div, mul, sub};

/// A point of a curve of depreciation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurvePoint {
    /// The age in whole months.
    pub age_months: i32,
    /// What is left of the price then, a fraction.
    pub remaining: Decimal,
}

/// What a thing is worth at an age: its price times what is left of it.
///
/// # Errors
/// As [`remaining_part`], and for a price below zero.
pub fn depreciated_value(
    price: Decimal,
    curve: &[CurvePoint],
    age_months: i32,
) -> Result<Decimal, CollateralError> {
    Ok(mul(not_negative("the price", price)?, remaining_part(curve, age_months)?)?)
}

/// What is left at an age: on the straight line between the points around it, and what the first or
/// the last point says before and after them.
///
/// # Errors
/// [`CollateralError::Curve`] for a curve without points, ages that do not rise, and a fraction
/// below zero.
pub fn remaining_part(curve: &[CurvePoint], age_months: i32) -> Result<Decimal, CollateralError> {
    let Some(first) = curve.first() else {
        return Err(CollateralError::Curve("It has no points.".into()));
    };
    let mut before = *first;
    not_negative("what is left", before.remaining)?;
    let mut found = (age_months <= first.age_months).then_some(first.remaining);
    for point in curve.iter().skip(1) {
        not_negative("what is left", point.remaining)?;
        if point.age_months <= before.age_months {
            return Err(CollateralError::Curve(format!(
                "The age of {} months follows that of {}.",
                point.age_months, before.age_months
            )));
        }
        if found.is_none() && age_months <= point.age_months {
            found = Some(between(before, *point, age_months)?);
        }
        before = *point;
    }
    Ok(found.unwrap_or(before.remaining))
}

fn between(from: CurvePoint, to: CurvePoint, age: i32) -> Result<Decimal, CollateralError> {
    let months = |later: i32, earlier: i32| sub(Decimal::from(later), Decimal::from(earlier));
    let part = mul(sub(to.remaining, from.remaining)?, months(age, from.age_months)?)?;
    Ok(add(from.remaining, div(part, months(to.age_months, from.age_months)?)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_is_followed_in_straight_lines() {
        let point = |age_months, percent: i64| CurvePoint {
            age_months,
            remaining: Decimal::new(percent, 2),
        };
        let curve = [point(0, 100), point(12, 76), point(36, 52)];
        for (age, percent) in [(-5, 100), (0, 100), (6, 88), (12, 76), (24, 64), (36, 52), (99, 52)]
        {
            assert_eq!(remaining_part(&curve, age).unwrap(), Decimal::new(percent, 2), "{age}");
        }
        assert!(remaining_part(&[], 1).is_err());
        assert!(remaining_part(&[point(12, 90), point(12, 80)], 1).is_err());
        assert!(remaining_part(&[point(0, 90), point(12, -1)], 1).is_err());
    }
}
