//! Sample quantiles by each of the nine definitions of Hyndman and Fan (1996).

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::domain::decimal::{ArithmeticError, add, div, mul, sub};
use crate::domain::market::error::{MarketError, within};

/// A definition of sample quantiles, by its number in Hyndman and Fan: 1 is `percentile_disc`, 7
/// `percentile_cont`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuantileType(u8);

impl QuantileType {
    /// Type 7, the default of R and numpy and that of `percentile_cont`.
    pub const INTERPOLATED: Self = Self(7);
    /// Type 1: the first value whose share of the sample is as large, `percentile_disc`.
    pub const DISCRETE: Self = Self(1);

    /// A type by its number.
    ///
    /// # Errors
    /// A number that is not from 1 to 9.
    pub fn new(number: i32) -> Result<Self, MarketError> {
        let holds = (1..=9).contains(&number);
        within("quantile_type", f64::from(number), holds, "from 1 to 9")?;
        Ok(Self(u8::try_from(number).unwrap_or(7)))
    }
}

/// The value at a share of a sample in ascending order; None if it is empty.
///
/// # Errors
/// [`MarketError::OutOfRange`] for shares with so many digits that the place is not exact.
pub fn quantile(
    sorted: &[f64],
    share: Decimal,
    kind: QuantileType,
) -> Result<Option<f64>, MarketError> {
    let (below, part) = place(sorted.len(), share, kind.0)
        .map_err(|_| MarketError::OutOfRange("the place of the quantile"))?;
    let at = |place: i64| {
        let last = i64::try_from(sorted.len()).unwrap_or(i64::MAX);
        let index = usize::try_from(place.clamp(1, last.max(1)) - 1).unwrap_or(0);
        sorted.get(index).copied()
    };
    let (Some(low), Some(high)) = (at(below), at(below + 1)) else { return Ok(None) };
    Ok(Some(if part == 0.0 {
        low
    } else if part == 1.0 {
        high
    } else {
        low + part * (high - low)
    }))
}

/// The place of a quantile, counted from one, and how far it is on the way to the next.
fn place(count: usize, share: Decimal, kind: u8) -> Result<(i64, f64), ArithmeticError> {
    let exact = mul(Decimal::from(count), share)?;
    let half = Decimal::new(5, 1);
    let shift = match kind {
        3 => sub(Decimal::ZERO, half)?,
        5 => half,
        6 => share,
        7 => sub(Decimal::ONE, share)?,
        8 => div(add(share, Decimal::ONE)?, Decimal::from(3))?,
        9 => add(div(share, Decimal::from(4))?, Decimal::new(375, 3))?,
        _ => Decimal::ZERO,
    };
    let place = add(exact, shift)?;
    let whole = place.floor();
    let part = sub(place, whole)?;
    let below = whole.to_i64().unwrap_or(i64::MAX);
    let part = match kind {
        1 => f64::from(u8::from(!part.is_zero())),
        2 if part.is_zero() => 0.5,
        2 => 1.0,
        3 => f64::from(u8::from(!part.is_zero() || below % 2 != 0)),
        _ => part.to_f64().unwrap_or(0.0),
    };
    Ok((below, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_of_one_to_ten() {
        // As R: quantile(1:10, c(0.1, 0.25), type = k).
        let sorted: Vec<f64> = (1..=10).map(f64::from).collect();
        let wanted = [
            (1.0, 3.0),
            (1.5, 3.0),
            (1.0, 2.0),
            (1.0, 2.5),
            (1.5, 3.0),
            (1.1, 2.75),
            (1.9, 3.25),
            (1.366_666_666_666_666_6, 2.916_666_666_666_666_5),
            (1.4, 2.937_5),
        ];
        for (kind, (tenth, quarter)) in (1..).zip(wanted) {
            for (share, wanted) in [(Decimal::new(1, 1), tenth), (Decimal::new(25, 2), quarter)] {
                let kind = QuantileType::new(kind).unwrap();
                let found = quantile(&sorted, share, kind).unwrap().unwrap();
                assert!((found - wanted).abs() < 1e-14, "{kind:?} {share}: {found}");
            }
        }
        assert_eq!(quantile(&[], Decimal::new(1, 1), QuantileType::DISCRETE), Ok(None));
        assert_eq!(quantile(&[5.0], Decimal::new(1, 2), QuantileType::INTERPOLATED), Ok(Some(5.0)));
        assert!(QuantileType::new(0).is_err() && QuantileType::new(10).is_err());
    }
}
