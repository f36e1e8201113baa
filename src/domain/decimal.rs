//! Checked arithmetic over [`Decimal`]: 96-bit coefficients, up to 28 decimals.
//!
//! `Decimal`'s operators panic when a result does not fit; these return an error instead, and are
//! the only arithmetic over `Decimal` in the library.

use rust_decimal::Decimal;

use super::error::{Condition, Refusal};
use super::rounding::RoundingMode;

/// Why an exact calculation has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArithmeticError {
    /// The result has more than 28 digits before the point.
    #[error("the result of {0} is out of range")]
    OutOfRange(&'static str),
    /// A division by zero.
    #[error("division by zero")]
    DivisionByZero,
}

impl Refusal for ArithmeticError {
    fn condition(&self) -> Condition {
        match self {
            Self::OutOfRange(_) => Condition::NumericOutOfRange,
            Self::DivisionByZero => Condition::DivisionByZero,
        }
    }
    fn hint(&self) -> Option<String> {
        Some(
            "Amounts are exact to 28 significant digits; check the magnitude of the arguments."
                .into(),
        )
    }
}

/// Sum of two numbers, rounded half even where it needs more than 28 digits.
pub fn add(a: Decimal, b: Decimal) -> Result<Decimal, ArithmeticError> {
    a.checked_add(b).ok_or(ArithmeticError::OutOfRange("an addition"))
}

/// Difference of two numbers.
pub fn sub(a: Decimal, b: Decimal) -> Result<Decimal, ArithmeticError> {
    a.checked_sub(b).ok_or(ArithmeticError::OutOfRange("a subtraction"))
}

/// Product of two numbers, rounded half even to what 28 decimals hold.
pub fn mul(a: Decimal, b: Decimal) -> Result<Decimal, ArithmeticError> {
    a.checked_mul(b).ok_or(ArithmeticError::OutOfRange("a multiplication"))
}

/// Quotient of two numbers, rounded half even to what 28 decimals hold.
pub fn div(a: Decimal, b: Decimal) -> Result<Decimal, ArithmeticError> {
    if b.is_zero() {
        return Err(ArithmeticError::DivisionByZero);
    }
    a.checked_div(b).ok_or(ArithmeticError::OutOfRange("a division"))
}

/// A sum of amounts most of which have as many decimals as their currency: those are added up as
/// whole numbers, at a fraction of the cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Total {
    decimals: u32,
    /// Of the amounts with that many decimals, without the point.
    whole: i128,
    /// Of the others.
    rest: Decimal,
}

impl Total {
    /// Nothing so far; amounts usually have so many decimals.
    pub(crate) fn new(decimals: u32) -> Self {
        Self { decimals, whole: 0, rest: Decimal::ZERO }
    }

    /// Adds an amount.
    #[inline]
    pub(crate) fn add(&mut self, amount: &Decimal) -> Result<(), ArithmeticError> {
        if amount.is_zero() {
            return Ok(());
        }
        if amount.scale() == self.decimals {
            // A coefficient has 96 bits, so that there is room for a billion of them.
            self.whole += amount.mantissa();
        } else {
            self.rest = add(self.rest, *amount)?;
        }
        Ok(())
    }

    /// The sum.
    pub(crate) fn amount(self) -> Result<Decimal, ArithmeticError> {
        let whole = Decimal::try_from_i128_with_scale(self.whole, self.decimals)
            .map_err(|_| ArithmeticError::OutOfRange("an addition"))?;
        if self.rest.is_zero() { Ok(whole) } else { add(whole, self.rest) }
    }
}

/// `base` to a whole power, by squaring.
pub fn powu(base: Decimal, exponent: u64) -> Result<Decimal, ArithmeticError> {
    let (mut result, mut square, mut left) = (Decimal::ONE, base, exponent);
    while left > 0 {
        if left & 1 == 1 {
            result = mul(result, square)?;
        }
        left >>= 1;
        if left > 0 {
            square = mul(square, square)?;
        }
    }
    Ok(result)
}

/// `value` rounded to a number of significant digits, as a decimal floating-point context does.
pub fn round_significant(value: Decimal, digits: u32, mode: RoundingMode) -> Decimal {
    value.round_sf_with_strategy(digits, mode.strategy()).unwrap_or(value)
}

/// `value` rounded to a number of decimals.
pub fn round(value: Decimal, decimals: u32, mode: RoundingMode) -> Decimal {
    value.round_dp_with_strategy(decimals, mode.strategy())
}

/// The nearest double, for statistics and root finding.
pub fn to_f64(value: Decimal) -> f64 {
    let (mantissa, scale) = (value.mantissa(), value.scale());
    // Both are doubles without error here, so that one division rounds once.
    if mantissa.unsigned_abs() < 1 << 53 && scale <= 22 {
        return mantissa as f64 / 10f64.powi(scale as i32);
    }
    value.to_string().parse().unwrap_or(f64::NAN)
}

/// The decimal with the shortest digits that read back as `value`.
///
/// # Errors
/// [`ArithmeticError::OutOfRange`] for infinities, NaN and magnitudes beyond 28 digits.
pub fn from_f64(value: f64) -> Result<Decimal, ArithmeticError> {
    use std::str::FromStr;
    let text = format!("{value:e}");
    Decimal::from_scientific(&text)
        .or_else(|_| Decimal::from_str(&format!("{value:.27}")))
        .map_err(|_| ArithmeticError::OutOfRange("a conversion"))
}
