//! The payment of an annuity.

use rust_decimal::Decimal;

use crate::domain::decimal::{ArithmeticError, add, div, mul};

/// The constant payment that redeems a principal on given days, interest included, where `owed` is
/// principal and interest on the first day and `growth` what one unit grows to from each day to
/// the next.
///
/// With growth gᵢ from day i to day i + 1 of m days, what is owed after the last payment is zero:
/// owed · g₁⋯gₘ₋₁ = A · (1 + gₘ₋₁ + gₘ₋₂gₘ₋₁ + … + g₁⋯gₘ₋₁), the annuity amount of the technical
/// specification, section 3.8. The sum is built from the inside out, one factor at a time.
///
/// # Errors
/// [`ArithmeticError::OutOfRange`], and [`ArithmeticError::DivisionByZero`] where rates so
/// negative that nothing is left make the sum zero.
pub fn annuity_payment(
    owed: Decimal,
    growth: impl IntoIterator<Item = Decimal>,
) -> Result<Decimal, ArithmeticError> {
    let (mut product, mut sum) = (Decimal::ONE, Decimal::ONE);
    for factor in growth {
        product = mul(product, factor)?;
        sum = add(mul(sum, factor)?, Decimal::ONE)?;
    }
    div(mul(owed, product)?, sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_periods_give_the_textbook_payment() {
        // 100,000 at 7 per cent over 120 months: 1,161.08 (payment of an ordinary annuity).
        let growth = Decimal::ONE + Decimal::new(7, 2) / Decimal::from(12);
        let owed = Decimal::from(100_000) * growth;
        let payment = annuity_payment(owed, std::iter::repeat_n(growth, 119)).unwrap();
        assert_eq!(payment.round_dp(8).to_string(), "1161.08479219");
    }

    #[test]
    fn without_interest_the_principal_is_divided_evenly() {
        let payment = annuity_payment(Decimal::from(1200), [Decimal::ONE; 11]).unwrap();
        assert_eq!(payment, Decimal::from(100));
        assert_eq!(annuity_payment(Decimal::from(7), []).unwrap(), Decimal::from(7));
    }

    proptest! {
        #[test]
        fn the_payment_leaves_nothing(
            owed in 1i64..1_000_000_000,
            rates in proptest::collection::vec(-100i64..2000, 0..120),
        ) {
            let growth: Vec<Decimal> =
                rates.iter().map(|rate| Decimal::ONE + Decimal::new(*rate, 5)).collect();
            let owed = Decimal::new(owed, 2);
            let payment = annuity_payment(owed, growth.iter().copied()).unwrap();
            let left = growth.iter().fold(owed - payment, |left, factor| left * factor - payment);
            prop_assert!(left.abs() < Decimal::new(1, 12), "{left}");
        }
    }
}
