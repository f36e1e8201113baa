//! Arithmetic to a fixed number of significant digits.
//!
//! Lending systems compute in a decimal floating-point context: every single product and quotient
//! is rounded to so many digits (General Decimal Arithmetic; `java.math.MathContext`). To agree
//! with them to the cent, the roundings must be theirs, one for one.

use rust_decimal::Decimal;

use super::terms::{Rounding, RoundingFamily};
use crate::domain::decimal::{self, ArithmeticError};
use crate::domain::money::RoundingMode;

/// Most digits, and most decimals, a [`Decimal`] holds for certain.
const DIGITS_MAX: u32 = 28;
/// Powers of ten in an unsigned 128-bit integer.
const POWERS: [u128; 39] = {
    let mut powers = [1u128; 39];
    let mut exponent = 1;
    while exponent < 39 {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
};

/// A number of significant digits and how to round to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Context {
    digits: u32,
    mode: RoundingMode,
}

impl Context {
    /// Twenty-two digits, half even.
    pub(crate) const HALF_EVEN_22: Self = Self { digits: 22, mode: RoundingMode::HalfEven };

    /// Significant digits (1 to 28) and the rounding mode.
    pub(crate) fn new(digits: u32, mode: RoundingMode) -> Self {
        Self { digits: digits.clamp(1, DIGITS_MAX), mode }
    }

    /// The context of a loan's terms; unrounded terms use all digits there are.
    pub(crate) fn of(rounding: &Rounding) -> Self {
        match rounding.family {
            RoundingFamily::None => Self::new(DIGITS_MAX, RoundingMode::HalfEven),
            RoundingFamily::Progressive | RoundingFamily::Cumulative => {
                Self::new(rounding.precision, rounding.mode)
            }
        }
    }

    /// Its number of significant digits.
    pub(crate) fn digits(self) -> u32 {
        self.digits
    }

    /// Its rounding mode.
    pub(crate) fn mode(self) -> RoundingMode {
        self.mode
    }

    /// `value` in this context.
    pub(crate) fn round(self, value: Decimal) -> Result<Decimal, ArithmeticError> {
        self.fit(value.mantissa(), value.scale())
    }

    pub(crate) fn add(self, a: Decimal, b: Decimal) -> Result<Decimal, ArithmeticError> {
        self.round(decimal::add(a, b)?)
    }

    /// One more than a number that is not negative, exactly.
    pub(crate) fn one_plus(self, value: Decimal) -> Result<Decimal, ArithmeticError> {
        let one = power(value.scale()).and_then(|one| i128::try_from(one).ok());
        let sum = one.and_then(|one| one.checked_add(value.mantissa()));
        match sum.map(|sum| Decimal::try_from_i128_with_scale(sum, value.scale())) {
            Some(Ok(sum)) => Ok(sum),
            _ => decimal::add(Decimal::ONE, value),
        }
    }

    pub(crate) fn mul(self, a: Decimal, b: Decimal) -> Result<Decimal, ArithmeticError> {
        match a.mantissa().checked_mul(b.mantissa()) {
            Some(product) => self.fit(product, a.scale() + b.scale()),
            // More than 38 digits: the product is first rounded to the 28 a decimal holds.
            None => self.round(decimal::mul(a, b)?),
        }
    }

    pub(crate) fn div(self, a: Decimal, b: Decimal) -> Result<Decimal, ArithmeticError> {
        if b.is_zero() {
            return Err(ArithmeticError::DivisionByZero);
        }
        match self.quotient(a, b) {
            Some((coefficient, scale)) => self.fit(coefficient, scale),
            // Too many digits: the quotient is first rounded to the 28 a decimal holds.
            None => self.round(decimal::div(a, b)?),
        }
    }

    /// `value` with this many decimals, in the context's rounding mode.
    pub(crate) fn fixed(self, value: Decimal, decimals: u32) -> Result<Decimal, ArithmeticError> {
        if value.scale() <= decimals {
            return Ok(value);
        }
        let coefficient = value.mantissa();
        let negative = coefficient < 0;
        let drop = value.scale() - decimals;
        build(round_off(coefficient.unsigned_abs(), drop, self.mode, negative), negative, decimals)
    }

    /// `value` in whole minor units of `decimals`, in the context's rounding mode.
    pub(crate) fn minor(self, value: Decimal, decimals: u32) -> Result<i128, ArithmeticError> {
        let fixed = self.fixed(value, decimals)?;
        power(decimals - fixed.scale())
            .and_then(|scale| i128::try_from(scale).ok())
            .and_then(|scale| fixed.mantissa().checked_mul(scale))
            .ok_or(ArithmeticError::OutOfRange("a rounding"))
    }

    /// `whole × factor` rounded to a whole number, where up to three more roundings to the
    /// context's digits on the way could not have changed it; nothing where they might have.
    ///
    /// Each of them moves the product by at most half a unit of its last digit, so it is enough
    /// that the product is further than four such units from where the rounding turns.
    pub(crate) fn certain_product(self, whole: i128, factor: Decimal) -> Option<i128> {
        let product = whole.checked_mul(factor.mantissa())?;
        let (magnitude, negative) = (product.unsigned_abs(), product < 0);
        let unit = power(factor.scale())?;
        let (kept, rest) = divide_by_power(magnitude, factor.scale(), unit);
        // 2^(3.3 (digits - 1) - 2) is less than a quarter of 10^(digits - 1).
        let slack = (magnitude >> ((self.digits * 33 - 33) / 10).saturating_sub(2)) + 4;
        let certain = match self.mode {
            RoundingMode::HalfEven | RoundingMode::HalfUp | RoundingMode::HalfDown => {
                rest.abs_diff(unit / 2) > slack
            }
            _ => rest > slack && unit - rest > slack,
        };
        if !certain {
            return None;
        }
        let rounded = kept + u128::from(rounds_away(kept, rest, unit, self.mode, negative));
        let rounded = i128::try_from(rounded).ok()?;
        Some(if negative { -rounded } else { rounded })
    }

    /// The quotient to one digit more than the context's, the last one odd where anything is left
    /// below it, so that a tie is told from its neighbours; nothing where that needs more than 38
    /// digits.
    fn quotient(self, a: Decimal, b: Decimal) -> Option<(i128, u32)> {
        let (dividend, divisor) = (a.mantissa().unsigned_abs(), b.mantissa().unsigned_abs());
        let wanted = self.digits + 1 + digits_of(divisor);
        let shift = wanted.saturating_sub(digits_of(dividend));
        let shifted = dividend.checked_mul(power(shift)?)?;
        let sticky = (shifted / divisor) * 10 + u128::from(shifted % divisor != 0);
        let coefficient = i128::try_from(sticky).ok()?;
        let scale = (a.scale() + shift + 1).checked_sub(b.scale())?;
        let negative = a.is_sign_negative() != b.is_sign_negative();
        Some((if negative { -coefficient } else { coefficient }, scale))
    }

    /// `coefficient / 10^scale` in this context. Decimals beyond the 28th do not exist, so of very
    /// small numbers fewer digits are kept.
    fn fit(self, coefficient: i128, scale: u32) -> Result<Decimal, ArithmeticError> {
        let (magnitude, negative) = (coefficient.unsigned_abs(), coefficient < 0);
        let excess = digits_of(magnitude).saturating_sub(self.digits);
        let drop = excess.max(scale.saturating_sub(DIGITS_MAX));
        let kept = round_off(magnitude, drop, self.mode, negative);
        if drop <= scale {
            return build(kept, negative, scale - drop);
        }
        // Digits before the point are rounded too; zeros take their place.
        power(drop - scale)
            .and_then(|zeros| kept.checked_mul(zeros))
            .ok_or(ArithmeticError::OutOfRange("a rounding"))
            .and_then(|whole| build(whole, negative, 0))
    }
}

/// The number of whole minor units `minor` as an amount with `decimals`.
pub(crate) fn amount(minor: i128, decimals: u32) -> Result<Decimal, ArithmeticError> {
    if let Ok(small) = i64::try_from(minor)
        && decimals <= DIGITS_MAX
    {
        return Ok(Decimal::new(small, decimals));
    }
    build(minor.unsigned_abs(), minor < 0, decimals)
}

fn build(magnitude: u128, negative: bool, scale: u32) -> Result<Decimal, ArithmeticError> {
    i128::try_from(magnitude)
        .ok()
        .map(|magnitude| if negative { -magnitude } else { magnitude })
        .and_then(|value| Decimal::try_from_i128_with_scale(value, scale).ok())
        .ok_or(ArithmeticError::OutOfRange("a rounding"))
}

fn power(exponent: u32) -> Option<u128> {
    POWERS.get(usize::try_from(exponent).ok()?).copied()
}

/// Digits of a number; none for zero. The bit length times log10(2), as 1233/4096, is right or
/// one too small, which one comparison settles.
fn digits_of(value: u128) -> u32 {
    let estimate = ((128 - value.leading_zeros()) * 1233) >> 12;
    match power(estimate) {
        Some(power) if value >= power => estimate + 1,
        _ => estimate,
    }
}

/// `magnitude / 10^drop` rounded to a whole number; `negative` tells ceiling from floor.
fn round_off(magnitude: u128, drop: u32, mode: RoundingMode, negative: bool) -> u128 {
    let Some(unit) = power(drop) else {
        // Smaller than any tie: only the directed modes see it.
        return u128::from(rounds_away(0, magnitude, u128::MAX, mode, negative));
    };
    if drop == 0 {
        return magnitude;
    }
    let (kept, rest) = divide_by_power(magnitude, drop, unit);
    kept + u128::from(rounds_away(kept, rest, unit, mode, negative))
}

/// Quotient and remainder of a division by `unit`, which is ten to the `exponent`. Divisors of one
/// machine word are several times faster, so a larger one is divided by in two steps.
fn divide_by_power(magnitude: u128, exponent: u32, unit: u128) -> (u128, u128) {
    const STEP: u32 = 19;
    const WORD: u64 = 10_000_000_000_000_000_000;
    if let (Ok(magnitude), Ok(unit)) = (u64::try_from(magnitude), u64::try_from(unit)) {
        return (u128::from(magnitude / unit), u128::from(magnitude % unit));
    }
    match exponent.checked_sub(STEP).and_then(power) {
        None | Some(1) => (magnitude / unit, magnitude % unit),
        Some(rest_of_unit) => {
            let (high, low) = (magnitude / u128::from(WORD), magnitude % u128::from(WORD));
            let (kept, middle) = (high / rest_of_unit, high % rest_of_unit);
            (kept, middle * u128::from(WORD) + low)
        }
    }
}

/// Whether the remainder `rest` of `unit` rounds the quotient `kept` away from zero.
fn rounds_away(kept: u128, rest: u128, unit: u128, mode: RoundingMode, negative: bool) -> bool {
    // Units are even, or larger than any remainder.
    let half = unit / 2;
    match mode {
        RoundingMode::HalfEven => rest > half || (rest == half && kept & 1 == 1),
        RoundingMode::HalfUp => rest >= half,
        RoundingMode::HalfDown => rest > half,
        RoundingMode::Up => rest > 0,
        RoundingMode::Down => false,
        RoundingMode::Ceiling => rest > 0 && !negative,
        RoundingMode::Floor => rest > 0 && negative,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    const MODES: [RoundingMode; 7] = [
        RoundingMode::HalfEven,
        RoundingMode::HalfUp,
        RoundingMode::HalfDown,
        RoundingMode::Up,
        RoundingMode::Down,
        RoundingMode::Ceiling,
        RoundingMode::Floor,
    ];

    /// The examples of IBM's General Decimal Arithmetic specification, version 1.70, for nine
    /// digits rounded half up.
    #[test]
    fn published_examples_of_decimal_contexts_hold() {
        let nine = Context::new(9, RoundingMode::HalfUp);
        assert_eq!(nine.div(d("1"), d("3")).unwrap(), d("0.333333333"));
        assert_eq!(nine.div(d("2"), d("3")).unwrap(), d("0.666666667"));
        assert_eq!(nine.div(d("5"), d("2")).unwrap(), d("2.5"));
        assert_eq!(nine.div(d("2400000000"), d("2.0")).unwrap(), d("1200000000"));
        assert_eq!(nine.mul(d("654321"), d("654321")).unwrap(), d("428135971000"));
        assert_eq!(nine.mul(d("0.9"), d("-0.8")).unwrap(), d("-0.72"));
        assert_eq!(nine.add(d("12"), d("7.00")).unwrap(), d("19.00"));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let all = Context::new(28, RoundingMode::HalfEven);
        assert!(all.mul(Decimal::MAX, d("10")).is_err());
        assert_eq!(all.div(d("1"), d("0")), Err(ArithmeticError::DivisionByZero));
        assert!(Context::new(19, RoundingMode::HalfUp).minor(Decimal::MAX, 28).is_err());
    }

    proptest! {
        /// Rounding a product or quotient of few digits agrees with rounding the result that all
        /// 28 digits hold exactly, or far beyond the digits kept.
        #[test]
        fn every_operation_rounds_once(
            a in -1_000_000_000_000i64..1_000_000_000_000,
            b in 1i64..1_000_000_000_000,
            scale_a in 0u32..4,
            scale_b in 0u32..4,
            digits in 3u32..13,
        ) {
            let (a, b) = (Decimal::new(a, scale_a), Decimal::new(b, scale_b));
            for mode in MODES {
                let context = Context::new(digits, mode);
                let expect = |exact| decimal::round_significant(exact, digits, mode);
                prop_assert_eq!(context.mul(a, b).unwrap(), expect(a * b));
                prop_assert_eq!(context.add(a, b).unwrap(), expect(a + b));
                let quotient = context.div(a, b).unwrap();
                let error = (quotient * b - a).abs();
                let last = quotient.abs() / Decimal::from(10u64.pow(digits - 1));
                prop_assert!(error <= last * b + Decimal::new(1, 20), "{} / {}", a, b);
                prop_assert_eq!(context.div(quotient, Decimal::ONE).unwrap(), quotient);
            }
        }

        /// The short way gives what the long way gives, or nothing.
        #[test]
        fn a_certain_product_is_the_product_of_the_long_way(
            whole in -1_000_000_000_000i128..1_000_000_000_000,
            factor in 0i64..1_000_000_000,
            scale in 0u32..20,
            days in 1i64..32,
            digits in 12u32..28,
        ) {
            let factor = Decimal::new(factor, scale);
            for mode in MODES {
                let context = Context::new(digits, mode);
                let days = Decimal::from(days);
                let product = context.mul(Decimal::from(whole), factor).unwrap();
                let long = context.mul(context.div(product, days).unwrap(), days).unwrap();
                if let Some(short) = context.certain_product(whole, factor) {
                    prop_assert_eq!(short, context.minor(long, 0).unwrap());
                }
            }
        }

        #[test]
        fn minor_units_come_back(minor in -1_000_000_000_000_000i128..1_000_000_000_000_000, decimals in 0u32..5) {
            let money = amount(minor, decimals).unwrap();
            for mode in MODES {
                let context = Context::new(19, mode);
                prop_assert_eq!(context.minor(money, decimals).unwrap(), minor);
                let finer = money + Decimal::new(1, decimals + 3);
                prop_assert_eq!(
                    context.fixed(finer, decimals).unwrap(),
                    decimal::round(finer, decimals, mode)
                );
            }
        }

        #[test]
        fn digits_are_counted(value in any::<u128>(), shift in 0u32..128) {
            let value = value >> shift;
            prop_assert_eq!(digits_of(value), value.checked_ilog10().map_or(0, |log| log + 1));
        }
    }
}
