//! What a thing that is pledged is worth.

use rust_decimal::Decimal;

use super::CollateralError;
use crate::domain::decimal::{div, mul, sub};

/// Refuses what is not above zero.
pub(super) fn positive(what: &'static str, value: Decimal) -> Result<Decimal, CollateralError> {
    if value > Decimal::ZERO {
        Ok(value)
    } else {
        Err(CollateralError::NotPositive { what, value })
    }
}

/// Refuses what is below zero.
pub(super) fn not_negative(what: &'static str, value: Decimal) -> Result<Decimal, CollateralError> {
    if value >= Decimal::ZERO { Ok(value) } else { Err(CollateralError::Negative { what, value }) }
}

/// Refuses what is not a fraction less than one.
pub(super) fn fraction(what: &'static str, value: Decimal) -> Result<Decimal, CollateralError> {
    if value >= Decimal::ZERO && value < Decimal::ONE {
        Ok(value)
    } else {
        Err(CollateralError::NotAFraction { what, value })
    }
}

/// `quantity × purity × price × exchange rate × (1 − haircut)`, not rounded.
///
/// # Errors
/// [`CollateralError`] for a quantity or price that is not positive, a purity above one, a haircut
/// that is not a fraction, and a product out of range.
pub fn haircut_value(
    quantity: Decimal,
    purity: Decimal,
    price: Decimal,
    exchange_rate: Decimal,
    haircut: Decimal,
) -> Result<Decimal, CollateralError> {
    let purity = positive("the purity", purity)?;
    if purity > Decimal::ONE {
        return Err(CollateralError::OutOfRange { what: "the purity", value: purity.to_string() });
    }
    let mut value = mul(positive("the quantity", quantity)?, purity)?;
    value = mul(value, positive("the price", price)?)?;
    value = mul(value, positive("the exchange rate", exchange_rate)?)?;
    Ok(mul(value, sub(Decimal::ONE, fraction("the haircut", haircut)?)?)?)
}

/// An appraisal carried on by an index: `appraisal × index now / index then`.
///
/// # Errors
/// [`CollateralError`] for an index that is not positive, and a result out of range.
pub fn indexed_value(
    appraisal: Decimal,
    index_then: Decimal,
    index_now: Decimal,
) -> Result<Decimal, CollateralError> {
    let grown = mul(not_negative("the appraisal", appraisal)?, positive("the index", index_now)?)?;
    Ok(div(grown, positive("the index at the appraisal", index_then)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn value_is_the_product_less_the_haircut() {
        let value = haircut_value(d("100"), d("0.75"), d("60"), d("1.1"), d("0.2")).unwrap();
        assert_eq!(value, d("3960"));
        let bad = |quantity, purity, price, rate, haircut| {
            haircut_value(d(quantity), d(purity), d(price), d(rate), d(haircut)).is_err()
        };
        assert!(bad("0", "1", "1", "1", "0"));
        assert!(bad("1", "1.1", "1", "1", "0"));
        assert!(bad("1", "1", "0", "1", "0"));
        assert!(bad("1", "1", "1", "-1", "0"));
        assert!(bad("1", "1", "1", "1", "1"));
        assert!(bad("1", "1", "1", "1", "-0.1"));
    }

    #[test]
    fn an_appraisal_follows_its_index() {
        assert_eq!(indexed_value(d("300000"), d("150"), d("165")).unwrap(), d("330000"));
        assert!(indexed_value(d("300000"), d("0"), d("165")).is_err());
    }
}
