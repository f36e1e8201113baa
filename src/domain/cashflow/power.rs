//! Powers of a decimal number with a fractional exponent.
//!
//! `Decimal`'s own `exp` and `powd` stop at about 2e-7, too coarse for money; these keep the digits
//! the type has.
//!
//! # Digits
//! A `Decimal` holds 28 digits after the point. The series below are summed until a term no longer
//! changes it, so logarithms and exponentials of moderate arguments are right to 1e-26 absolute,
//! and `b^x` to `(n + 50) * 1e-28` relative, where n is the whole part of x: more than 24
//! significant digits up to a thousand periods, as long as the result is not itself so small that
//! 28 decimals hold fewer.

use rust_decimal::Decimal;

use crate::domain::decimal::{self, ArithmeticError};

/// ln 2 to 28 decimals.
const LN_2: Decimal = Decimal::from_parts(2_860_148_159, 2_180_329_217, 375_755_839, false, 28);
/// Terms after which every series here has long ended; each shrinks faster than 1/8.
const TERMS_MAX: u32 = 64;

/// `base` to a power, whole or not.
///
/// # Errors
/// [`ArithmeticError::OutOfRange`] for a base that is not positive under a fractional exponent,
/// and for results beyond 28 digits before the point.
pub(super) fn pow(base: Decimal, exponent: Decimal) -> Result<Decimal, ArithmeticError> {
    let whole = exponent.trunc();
    let part = decimal::sub(exponent, whole)?;
    let count = u64::try_from(whole.abs()).map_err(|_| ArithmeticError::OutOfRange("a power"))?;
    // A base below one is raised by way of its reciprocal only where the exponent asks for it, so
    // that a whole power is a product and nothing else.
    let mut result = decimal::powu(base, count)?;
    if whole.is_sign_negative() && count > 0 {
        result = decimal::div(Decimal::ONE, result)?;
    }
    if part.is_zero() {
        return Ok(result);
    }
    decimal::mul(result, exp(decimal::mul(part, ln(base)?)?)?)
}

/// The natural logarithm.
///
/// The argument is halved or doubled into [2/3, 4/3], where
/// `ln m = 2 artanh((m - 1) / (m + 1))` has an argument of at most a fifth.
///
/// # Errors
/// [`ArithmeticError::OutOfRange`] for zero and negative numbers.
pub(super) fn ln(value: Decimal) -> Result<Decimal, ArithmeticError> {
    if value <= Decimal::ZERO {
        return Err(ArithmeticError::OutOfRange("a logarithm"));
    }
    let (low, high) = (Decimal::new(6_667, 4), Decimal::new(13_334, 4));
    let (mut mantissa, mut halvings) = (value, 0_i64);
    while mantissa > high {
        mantissa = decimal::div(mantissa, Decimal::TWO)?;
        halvings += 1;
    }
    while mantissa < low {
        mantissa = decimal::mul(mantissa, Decimal::TWO)?;
        halvings -= 1;
    }
    let ratio =
        decimal::div(decimal::sub(mantissa, Decimal::ONE)?, decimal::add(mantissa, Decimal::ONE)?)?;
    let square = decimal::mul(ratio, ratio)?;
    let (mut power, mut sum) = (ratio, ratio);
    for term in 1..TERMS_MAX {
        power = decimal::mul(power, square)?;
        let share = decimal::div(power, Decimal::from(2 * term + 1))?;
        if share.is_zero() {
            break;
        }
        sum = decimal::add(sum, share)?;
    }
    decimal::add(decimal::mul(Decimal::from(halvings), LN_2)?, decimal::add(sum, sum)?)
}

/// e to a power.
///
/// The exponent is `k ln 2 + r` with `|r|` at most half of ln 2, where Taylor's series ends after
/// some twenty terms. Below e^-65 the result is zero, as 28 decimals have it.
///
/// # Errors
/// [`ArithmeticError::OutOfRange`] above e^66.
pub(super) fn exp(value: Decimal) -> Result<Decimal, ArithmeticError> {
    if value.abs() > Decimal::from(70) {
        return if value.is_sign_negative() {
            Ok(Decimal::ZERO)
        } else {
            Err(ArithmeticError::OutOfRange("an exponential"))
        };
    }
    let doublings = decimal::div(value, LN_2)?.round();
    let rest = decimal::sub(value, decimal::mul(doublings, LN_2)?)?;
    let (mut term, mut sum) = (Decimal::ONE, Decimal::ONE);
    for index in 1..TERMS_MAX {
        term = decimal::div(decimal::mul(term, rest)?, Decimal::from(index))?;
        if term.is_zero() {
            break;
        }
        sum = decimal::add(sum, term)?;
    }
    let count =
        u64::try_from(doublings.abs()).map_err(|_| ArithmeticError::OutOfRange("a power"))?;
    if doublings.is_sign_negative() {
        // Divided twice, because 2^101 has more digits than a decimal holds.
        let half = decimal::powu(Decimal::TWO, count / 2)?;
        let rest = decimal::powu(Decimal::TWO, count - count / 2)?;
        decimal::div(decimal::div(sum, half)?, rest)
    } else {
        decimal::mul(sum, decimal::powu(Decimal::TWO, count)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn close(found: Decimal, wanted: &str, tolerance: &str) {
        let wanted = d(wanted);
        let gap = (found - wanted).abs();
        assert!(gap <= d(tolerance) * wanted.abs().max(Decimal::ONE), "{found} is not {wanted}");
    }

    /// Fifty-digit values of an arbitrary-precision library, cut to 28 digits.
    #[test]
    fn logarithms_exponentials_and_powers_keep_their_digits() {
        close(ln(d("2")).unwrap(), "0.6931471805599453094172321215", "1e-27");
        close(ln(d("1.065")).unwrap(), "0.0629747991613884352714847386", "1e-26");
        close(ln(d("0.001")).unwrap(), "-6.907755278982137052053974364", "1e-26");
        close(ln(d("123456.789")).unwrap(), "11.72364648718588098113995898", "1e-26");
        close(exp(d("1")).unwrap(), "2.718281828459045235360287471", "1e-26");
        close(exp(d("0.0725")).unwrap(), "1.075192806090154986984542083", "1e-26");
        close(exp(d("-12.5")).unwrap(), "0.0000037266531720786709929249", "1e-27");
        close(exp(d("40")).unwrap(), "235385266837019985.4078999107", "1e-26");
        close(pow(d("1.06"), d("0.25")).unwrap(), "1.014673846168659277510978141", "1e-26");
        close(
            pow(d("1.0066666666666666666666666667"), d("359.5")).unwrap(),
            "10.89945848102814098918033950",
            "1e-25",
        );
        close(pow(d("1.5"), d("-7.3")).unwrap(), "0.0518243434576274269935484565", "1e-26");
        assert_eq!(pow(d("1.1"), d("3")).unwrap(), d("1.331"));
        assert_eq!(pow(d("0"), d("0")).unwrap(), Decimal::ONE);
    }

    #[test]
    fn what_has_no_power_is_refused() {
        assert!(ln(d("0")).is_err() && ln(d("-1")).is_err());
        assert!(exp(d("67")).is_err() && exp(d("1000000")).is_err());
        assert_eq!(exp(d("-1000000")).unwrap(), Decimal::ZERO);
        assert!(pow(d("-2"), d("0.5")).is_err());
        assert!(pow(d("10"), d("29")).is_err());
    }

    proptest! {
        #[test]
        fn exponentials_undo_logarithms(minor in 1i64..100_000_000_000) {
            let value = Decimal::new(minor, 6);
            let back = exp(ln(value).unwrap()).unwrap();
            prop_assert!((back - value).abs() <= value * Decimal::new(1, 25) + Decimal::new(1, 26));
        }

        #[test]
        fn powers_add_up(rate in 0i64..500_000, left in 0i64..400_000, right in 0i64..400_000) {
            let base = Decimal::ONE + Decimal::new(rate, 6);
            let (left, right) = (Decimal::new(left, 4), Decimal::new(right, 4));
            let apart = pow(base, left).unwrap() * pow(base, right).unwrap();
            let whole = pow(base, left + right).unwrap();
            prop_assert!((apart - whole).abs() <= whole * Decimal::new(1, 24));
        }
    }
}
