//! Rounding to a multiple.

use rust_decimal::Decimal;

use crate::domain::decimal::{self, ArithmeticError};
use crate::domain::error::{Condition, Refusal};
use crate::domain::rounding::RoundingMode;

/// Why a multiple cannot be rounded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MultipleError {
    /// The multiple is zero or negative.
    #[error("a multiple must be positive")]
    NotPositive(Decimal),
    /// The result does not fit.
    #[error(transparent)]
    Arithmetic(#[from] ArithmeticError),
}

impl Refusal for MultipleError {
    fn condition(&self) -> Condition {
        match self {
            Self::NotPositive(_) => Condition::InvalidParameter,
            Self::Arithmetic(error) => error.condition(),
        }
    }
    fn detail(&self) -> Option<String> {
        match self {
            Self::NotPositive(multiple) => Some(format!("The multiple is {multiple}.")),
            Self::Arithmetic(error) => error.detail(),
        }
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::NotPositive(_) => Some("Give the smallest payable step, such as 0.05.".into()),
            Self::Arithmetic(error) => error.hint(),
        }
    }
}

/// `amount` rounded to a whole multiple of `multiple`: the 0.05 of Swiss cash, the whole unit of
/// an instalment.
///
/// # Errors
/// [`MultipleError::NotPositive`] for a multiple of zero or less.
pub fn round_to_multiple(
    amount: Decimal,
    multiple: Decimal,
    mode: RoundingMode,
) -> Result<Decimal, MultipleError> {
    if multiple <= Decimal::ZERO {
        return Err(MultipleError::NotPositive(multiple));
    }
    // A quotient of 28 digits could turn a near-tie into a tie, so the remainder decides exactly.
    let remainder =
        amount.checked_rem(multiple).ok_or(ArithmeticError::OutOfRange("a remainder"))?;
    let towards_zero = decimal::sub(amount, remainder)?;
    let twice = decimal::add(remainder.abs(), remainder.abs())?;
    let steps = decimal::div(towards_zero, multiple)?.round();
    let odd = !steps.checked_rem(Decimal::TWO).unwrap_or_default().is_zero();
    let away = !remainder.is_zero()
        && match mode {
            RoundingMode::HalfEven => twice > multiple || (twice == multiple && odd),
            RoundingMode::HalfUp => twice >= multiple,
            RoundingMode::HalfDown => twice > multiple,
            RoundingMode::Up => true,
            RoundingMode::Down => false,
            RoundingMode::Ceiling => remainder.is_sign_positive(),
            RoundingMode::Floor => remainder.is_sign_negative(),
        };
    let step = match (away, remainder.is_sign_negative()) {
        (false, _) => Decimal::ZERO,
        (true, false) => multiple,
        (true, true) => decimal::sub(Decimal::ZERO, multiple)?,
    };
    Ok(decimal::add(towards_zero, step)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    /// The table of java.math.RoundingMode, whose names these are.
    #[test]
    fn modes_agree_with_the_published_table() {
        let inputs = ["5.5", "2.5", "1.6", "1.1", "1.0", "-1.0", "-1.1", "-1.6", "-2.5", "-5.5"];
        let table = [
            ("up", ["6", "3", "2", "2", "1", "-1", "-2", "-2", "-3", "-6"]),
            ("down", ["5", "2", "1", "1", "1", "-1", "-1", "-1", "-2", "-5"]),
            ("ceiling", ["6", "3", "2", "2", "1", "-1", "-1", "-1", "-2", "-5"]),
            ("floor", ["5", "2", "1", "1", "1", "-1", "-2", "-2", "-3", "-6"]),
            ("half_up", ["6", "3", "2", "1", "1", "-1", "-1", "-2", "-3", "-6"]),
            ("half_down", ["5", "2", "2", "1", "1", "-1", "-1", "-2", "-2", "-5"]),
            ("half_even", ["6", "2", "2", "1", "1", "-1", "-1", "-2", "-2", "-6"]),
        ];
        for (name, expected) in table {
            let mode = RoundingMode::parse(name).unwrap();
            for (input, want) in inputs.iter().zip(expected) {
                assert_eq!(decimal::round(d(input), 0, mode), d(want), "{name} {input}");
                assert_eq!(round_to_multiple(d(input), d("1"), mode).unwrap(), d(want));
            }
        }
    }

    #[test]
    fn swiss_cash_goes_to_the_nearest_five_rappen() {
        let five = d("0.05");
        for (amount, want) in
            [("1.02", "1.00"), ("1.025", "1.05"), ("1.03", "1.05"), ("-1.03", "-1.05")]
        {
            assert_eq!(round_to_multiple(d(amount), five, RoundingMode::HalfUp).unwrap(), d(want));
        }
        assert!(matches!(
            round_to_multiple(d("1"), d("0"), RoundingMode::HalfUp),
            Err(MultipleError::NotPositive(_))
        ));
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

    proptest! {
        #[test]
        fn a_multiple_is_hit_and_is_the_nearest(minor in -10_000_000i64..10_000_000, step in 1i64..500) {
            let (amount, multiple) = (Decimal::new(minor, 3), Decimal::new(step, 2));
            for mode in MODES {
                let rounded = round_to_multiple(amount, multiple, mode).unwrap();
                prop_assert!((rounded % multiple).is_zero());
                let distance = (rounded - amount).abs();
                prop_assert!(distance < multiple);
                if matches!(mode, RoundingMode::HalfEven | RoundingMode::HalfUp | RoundingMode::HalfDown) {
                    prop_assert!(distance + distance <= multiple);
                }
            }
        }
    }
}
